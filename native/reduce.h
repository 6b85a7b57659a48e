#pragma once

#include <cstdint>

#include "core/isa.h"

namespace rl {

template <class T>
struct ReduceKernels {
    // out[i, j] = (sum over k of x[i, k, j]) / divisor, for x of shape (outer, n, inner).
    void (*sum_over)(const T* x, T* out, int64_t outer, int64_t n, int64_t inner, T divisor);
    // variance[i, j] = (sum over k of (x[i, k, j] - mean[i, j])^2) / freedom, added up in double.
    void (*moments_over)(const T* x, T* variance, T* mean, int64_t outer, int64_t n, int64_t inner, double freedom);
    // The greatest or least of the n, NaN if there is one, and the first place where it is: for few elements.
    void (*extremum_over)(const T* x, T* out, int64_t* places, int64_t outer, int64_t n, int64_t inner, bool greatest);
};

RL_KERNEL_TABLE(ReduceKernels<float>, reduce_f32)
RL_KERNEL_TABLE(ReduceKernels<double>, reduce_f64)

template <class T>
const ReduceKernels<T>& reduce_kernels();
template <>
inline const ReduceKernels<float>& reduce_kernels<float>() { return active_reduce_f32(); }
template <>
inline const ReduceKernels<double>& reduce_kernels<double>() { return active_reduce_f64(); }

}  // namespace rl
