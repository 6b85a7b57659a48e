#pragma once

#include <cstdint>

#include "core/isa.h"

namespace rl {

// Which operand of a binary kernel is a single element that stands for all.
enum Uniform : int { kNeither = 0, kFirst = 1, kSecond = 2 };

template <class T>
struct PointwiseKernels {
    using Unary = void (*)(const T* x, T* out, int64_t n);
    using Binary = void (*)(const T* a, const T* b, T* out, int64_t n, Uniform uniform);
    using Sloped = void (*)(const T* x, T* out, int64_t n, T slope);
    using SlopedBackward = void (*)(const T* grad, const T* x, T* out, int64_t n, T slope);

    Unary exp, sigmoid, silu;
    Unary tanh, gelu;  // null for double
    // (grad, what forward saved): the result for sigmoid and tanh, the input for silu and gelu.
    Binary sigmoid_backward, tanh_backward, silu_backward, gelu_backward;
    // out = x where x > 0, elsewhere slope * x; its gradient likewise.
    Sloped leaky_relu;
    SlopedBackward leaky_relu_backward;
    // min(max(x, low), high), a NaN staying one.
    void (*clamp)(const T* x, T* out, int64_t n, T low, T high);
    void (*select)(const uint8_t* condition, const T* a, const T* b, T* out, int64_t n);
};

RL_KERNEL_TABLE(PointwiseKernels<float>, pointwise_f32)
RL_KERNEL_TABLE(PointwiseKernels<double>, pointwise_f64)

template <class T>
const PointwiseKernels<T>& pointwise_kernels();
template <>
inline const PointwiseKernels<float>& pointwise_kernels<float>() { return active_pointwise_f32(); }
template <>
inline const PointwiseKernels<double>& pointwise_kernels<double>() { return active_pointwise_f64(); }

}  // namespace rl
