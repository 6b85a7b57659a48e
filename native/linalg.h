#pragma once

#include <cstdint>

#include "core/isa.h"

namespace rl {

// Element (i, j) of a matrix is data[i * rows + j * columns].
template <class T>
struct Matrix {
    const T* data;
    int64_t rows;     // stride between rows, in elements
    int64_t columns;  // stride between columns
};

template <class T>
struct GemmJob {
    int64_t m, n, k;
    Matrix<T> a, b;
    const T* bias;  // n elements, or null
    bool relu;
    T* out;         // m x n, rows `out_rows` elements apart; overlaps neither a, b nor bias
    int64_t out_rows;
};

template <class T>
struct LinalgKernels {
    // out = a @ b (+ bias) (then ReLU). False when there was no memory for packing; out is then unspecified.
    bool (*gemm)(const GemmJob<T>& job);
};

RL_KERNEL_TABLE(LinalgKernels<float>, linalg_f32)
RL_KERNEL_TABLE(LinalgKernels<double>, linalg_f64)

template <class T>
const LinalgKernels<T>& linalg_kernels();
template <>
inline const LinalgKernels<float>& linalg_kernels<float>() { return active_linalg_f32(); }
template <>
inline const LinalgKernels<double>& linalg_kernels<double>() { return active_linalg_f64(); }

}  // namespace rl
