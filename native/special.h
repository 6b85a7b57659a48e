#pragma once

#include <cstdint>

#include "core/isa.h"

namespace rl {

// rushlight/kernels/reference/ (special, gamma, bessel, division) defines each, with its source; the method is the same here.
template <class T>
struct SpecialKernels {
    using Unary = void (*)(const T* x, T* out, int64_t n);
    // `first` and `second`: 0 where that operand is a single element that stands for all, else 1.
    using Binary = void (*)(const T* a, const T* b, T* out, int64_t n, int64_t first, int64_t second);

    Unary erf, erfc, erfinv, erfcx, ndtri, log_ndtr, entr, sinc;
    Unary lgamma, digamma, trigamma;
    Unary i0, i0e, i1, i1e, k0, k0e, k1, k1e, j0, j1, y0, y1;
    Unary mish, hardswish;
    Binary zeta, fmod, remainder, hypot, logaddexp, xlogy, xlog1py;
    // log(1 + exp(beta x)) / beta, x itself where beta x > threshold.
    void (*softplus)(const T* x, T* out, int64_t n, T beta, T threshold);
    // scale x where x > 0, elsewhere low (exp(input_scale x) - 1).
    void (*elu)(const T* x, T* out, int64_t n, T low, T scale, T input_scale);
};

RL_KERNEL_TABLE(SpecialKernels<float>, special_f32)
RL_KERNEL_TABLE(SpecialKernels<double>, special_f64)

template <class T>
const SpecialKernels<T>& special_kernels();
template <>
inline const SpecialKernels<float>& special_kernels<float>() { return active_special_f32(); }
template <>
inline const SpecialKernels<double>& special_kernels<double>() { return active_special_f64(); }

}  // namespace rl
