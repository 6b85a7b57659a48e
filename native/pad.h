#pragma once

#include <cstdint>

#include "core/isa.h"

namespace rl {

// Planes of (height, width) and of (rows, columns); place (i, j) of the second is the copy of (row[i], column[j]) of the first.
struct PadLayout {
    int64_t planes, height, width, rows, columns;
    const int64_t *row, *column;
    int64_t run, run_end;  // columns [run, run_end) are copies of elements that follow one another
};

constexpr int kPadDims = 16;

// An array of shape (lead, from...) put into one of shape (lead, to...), along dimension d at before[d]; what lies outside is cut.
struct BoxLayout {
    int dims;
    int64_t lead, from[kPadDims], to[kPadDims], before[kPadDims];
};

template <class T>
struct PadKernels {
    void (*constant)(const BoxLayout& layout, const T* x, T* out, T value);
    void (*copy)(const PadLayout& layout, const T* x, T* out);
    // The adjoint: each copy's gradient is added to its element.
    void (*add)(const PadLayout& layout, const T* grad, T* out);
};

RL_KERNEL_TABLE(PadKernels<float>, pad_f32)
RL_KERNEL_TABLE(PadKernels<double>, pad_f64)

template <class T>
const PadKernels<T>& pad_kernels();
template <>
inline const PadKernels<float>& pad_kernels<float>() { return active_pad_f32(); }
template <>
inline const PadKernels<double>& pad_kernels<double>() { return active_pad_f64(); }

}  // namespace rl
