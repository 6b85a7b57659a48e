#pragma once

#include <cstdint>

#include "core/isa.h"
#include "core/matrix.h"

namespace rl {

template <class T>
struct GemmJob {
    int64_t m, n, k;
    Matrix<T> a, b;
    const T* bias = nullptr;  // n elements, or null
    bool relu = false;
    T* out;                   // count x m x n, dense; overlaps neither a, b nor bias
    int64_t count = 1;        // products of matrices of the same shape and strides; a and b are the first's
    const int64_t* a_offsets = nullptr;  // of each product's matrix from the first's, in elements; null for a single product
    const int64_t* b_offsets = nullptr;
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
