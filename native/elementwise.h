#pragma once

#include <cstdint>

#include "core/isa.h"

namespace rl {

template <class T>
struct ElementwiseKernels {
    // out[i] = x[i] where x[i] > 0 or is NaN, else 0.
    void (*relu)(const T* x, T* out, int64_t n);
    // out[i] = grad[i] where result[i] > 0 or is NaN, else 0; out may be grad.
    void (*threshold_backward)(const T* grad, const T* result, T* out, int64_t n);
};

RL_KERNEL_TABLE(ElementwiseKernels<float>, elementwise_f32)
RL_KERNEL_TABLE(ElementwiseKernels<double>, elementwise_f64)

template <class T>
const ElementwiseKernels<T>& elementwise_kernels();
template <>
inline const ElementwiseKernels<float>& elementwise_kernels<float>() { return active_elementwise_f32(); }
template <>
inline const ElementwiseKernels<double>& elementwise_kernels<double>() { return active_elementwise_f64(); }

}  // namespace rl
