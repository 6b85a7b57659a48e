#pragma once

#include <cstdint>

#include "core/isa.h"

namespace rl {

constexpr int kMostFactors = 64;

enum class Spectrum : int {
    complex,  // complex numbers to complex ones, n each
    half,     // n real numbers to the first n / 2 + 1 places of their transform
    whole,    // n real numbers to all n places
    real,     // n / 2 + 1 places to the n real numbers whose transform they begin
};

// Transforms of n places along the middle of dense arrays of shape (outer, …, inner), a place being T or two of T.
template <class T>
struct Transform {
    Spectrum kind;
    bool forward;
    int64_t outer, n, inner;
    T scale;
    // exp(-2πi k / n) for k < n.
    const T *cosines, *sines;
    // The numbers whose product is the length of the complex transform: n / 2 for an even n of real numbers, else n.
    int factor_count;
    int factors[kMostFactors];
};

template <class T>
struct FourierKernels {
    // How many transforms are computed together: fewer cost as much.
    int together;
    // False where there is no memory. x may be out, if the places are of one size and number.
    bool (*transform)(const Transform<T>& t, const T* x, T* out);
};

RL_KERNEL_TABLE(FourierKernels<float>, fourier_f32)
RL_KERNEL_TABLE(FourierKernels<double>, fourier_f64)

template <class T>
const FourierKernels<T>& fourier_kernels();
template <>
inline const FourierKernels<float>& fourier_kernels<float>() { return active_fourier_f32(); }
template <>
inline const FourierKernels<double>& fourier_kernels<double>() { return active_fourier_f64(); }

}  // namespace rl
