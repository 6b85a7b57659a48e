#pragma once

#include <cstdint>

#include "core/isa.h"

namespace rl {

template <class T>
struct SequenceKernels {
    // out[i] = low + i * step in the first half, high - (n - 1 - i) * step in the second, each rounded once.
    void (*spaced)(T* out, int64_t n, T low, T high, T step);
};

RL_KERNEL_TABLE(SequenceKernels<float>, sequences_f32)
RL_KERNEL_TABLE(SequenceKernels<double>, sequences_f64)

template <class T>
const SequenceKernels<T>& sequence_kernels();
template <>
inline const SequenceKernels<float>& sequence_kernels<float>() { return active_sequences_f32(); }
template <>
inline const SequenceKernels<double>& sequence_kernels<double>() { return active_sequences_f64(); }

}  // namespace rl
