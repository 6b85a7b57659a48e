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
    // out[i, j] = the product over k of x[i, k, j].
    void (*product_over)(const T* x, T* out, int64_t outer, int64_t n, int64_t inner);
    // out[i, j] = log of the sum over k of e^x[i, k, j], shifted by the greatest; n > 0.
    void (*log_sum_exp_over)(const T* x, T* out, int64_t outer, int64_t n, int64_t inner);
    // How many elements are not 0.
    int64_t (*count_nonzero)(const T* x, int64_t n);
    // Whether all elements are the same: a NaN is none's.
    bool (*all_equal)(const T* a, const T* b, int64_t n);
    // The sum of n elements that lie `step` apart, added up in double in their order.
    double (*sum_apart)(const T* x, int64_t n, int64_t step);
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
