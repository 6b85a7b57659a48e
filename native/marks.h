#pragma once

#include <cstdint>

#include "core/isa.h"

namespace rl {

// Marks: a bit an element, that of element i is bit i % 8 of byte i / 8; those after the last element are 0.
template <class T>
struct MarkKernels {
    // out = x held in [low, high]; marked where x lies within (if `open`, strictly within) or is NaN.
    void (*clamp)(const T* x, T* out, uint8_t* marks, int64_t n, T low, T high, bool open);
    // out[i] = x[i] where marked, else 0; out may be x.
    void (*keep)(const T* x, const uint8_t* marks, T* out, int64_t n);
};

RL_KERNEL_TABLE(MarkKernels<float>, marks_f32)
RL_KERNEL_TABLE(MarkKernels<double>, marks_f64)

template <class T>
const MarkKernels<T>& mark_kernels();
template <>
inline const MarkKernels<float>& mark_kernels<float>() { return active_marks_f32(); }
template <>
inline const MarkKernels<double>& mark_kernels<double>() { return active_marks_f64(); }

}  // namespace rl
