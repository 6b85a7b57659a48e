// Bessel functions of vectors of doubles. Included by special.cpp only.
#pragma once

#include "core/vec_log.h"
#include "special_series.h"

namespace rl::RL_ISA {
namespace {

#define RL_FUNCTION static __attribute__((noinline)) Doubles

constexpr double kInf = HUGE_VAL, kPi = 3.14159265358979323846, kRootHalf = 0.70710678118654752440;

RL_INLINE Doubles nan_doubles() { return splat(__builtin_nan("")); }

// exp(-y) I(y) of y >= 0.
template <int order>
RL_INLINE Doubles i_scaled(Doubles y) {
    const Bits far = y > 8.0;
    Doubles out = y;
    if (!all(far)) {
        if constexpr (order) out = y * polynomial(kI1Small, y * 0.25 - 1.0);
        else out = polynomial(kI0Small, y * 0.25 - 1.0);
    }
    if (any(far)) {
        const Doubles t = 16.0 / y - 1.0;
        Doubles series;
        if constexpr (order) series = polynomial(kI1Large, t);
        else series = polynomial(kI0Large, t);
        out = far ? series / sqrt<double>(y) : out;
    }
    return out;
}

template <int order>
RL_FUNCTION bessel_i(Doubles x) {
    const Doubles y = abs(x);
    // In two halves, of which neither overflows before the product does. The infinities give NaN, as in PyTorch.
    const Doubles half = exp(y * 0.5), out = half * i_scaled<order>(y) * half;
    return order ? with_sign(out, x) : out;
}

template <int order>
RL_FUNCTION bessel_i_scaled(Doubles x) {
    const Doubles out = i_scaled<order>(abs(x));
    return order ? with_sign(out, x) : out;
}

template <int order, bool scaled>
RL_FUNCTION bessel_k(Doubles x) {
    const Bits far = x > 2.0;
    Doubles out = x;
    if (!all(far)) {
        // Below 2 the series of I serves unscaled.
        const Doubles t = x * x * 0.5 - 1.0, growth = exp(x), half = log(x * 0.5);
        if constexpr (order) out = polynomial(kK1Small, t) / x + half * (polynomial(kI1Small, x * 0.25 - 1.0) * x * growth);
        else out = polynomial(kK0Small, t) - half * (polynomial(kI0Small, x * 0.25 - 1.0) * growth);
        if constexpr (scaled) out *= growth;
    }
    if (any(far)) {
        const Doubles t = 4.0 / x - 1.0;
        Doubles series;
        if constexpr (order) series = polynomial(kK1Large, t);
        else series = polynomial(kK0Large, t);
        series /= sqrt<double>(x);
        if constexpr (!scaled) series *= exp(-x);
        out = far ? series : out;
    }
    out = x == 0.0 ? splat(kInf) : out;
    return x < 0.0 ? nan_doubles() : out;
}

template <int order>
RL_INLINE Doubles j_small(Doubles x) {
    const Doubles square = x * x;
    if constexpr (order) {
        return polynomial(kJ1Small, square * 0.08 - 1.0) * (square - kJ1Zeros[0]) * (square - kJ1Zeros[1]) * x;
    } else {
        return polynomial(kJ0Small, square * 0.08 - 1.0) * (square - kJ0Zeros[0]) * (square - kJ0Zeros[1]);
    }
}

// J or Y of x > 5.
template <int order, bool second>
RL_FUNCTION oscillating(Doubles x) {
    const Doubles t = 50.0 / (x * x) - 1.0;
    Doubles p, q, sine, cosine;
    if constexpr (order) {
        p = polynomial(kP1, t);
        q = polynomial(kQ1, t) * 5.0 / x;
    } else {
        p = polynomial(kP0, t);
        q = polynomial(kQ0, t) * 5.0 / x;
    }
    sine_cosine(x - (order ? 0.75 * kPi : 0.25 * kPi), sine, cosine);
    const Doubles wave = second ? p * sine + q * cosine : p * cosine - q * sine;
    return wave * 0.79788456080286535588 / sqrt<double>(x);
}

template <int order>
RL_FUNCTION bessel_j(Doubles x) {
    const Doubles y = abs(x);
    const Bits far = y > 5.0;
    Doubles out = y;
    if (!all(far)) out = j_small<order>(y);
    if (any(far)) out = far ? oscillating<order, false>(far ? y : splat(6.0)) : out;
    return order ? (x < 0.0 ? -out : out) : out;
}

template <int order>
RL_FUNCTION bessel_y(Doubles x) {
    const Bits far = x > 5.0;
    Doubles out = x;
    if (!all(far)) {
        if constexpr (order) {
            out = polynomial(kY1Small, x * x * 0.08 - 1.0) * x + 2 / kPi * (log(x) * j_small<1>(x) - 1.0 / x);
        } else {
            out = polynomial(kY0Small, x * x * 0.08 - 1.0) + 2 / kPi * log(x) * j_small<0>(x);
        }
    }
    if (any(far)) out = far ? oscillating<order, true>(far ? x : splat(6.0)) : out;
    out = x == 0.0 ? splat(-kInf) : out;
    return x < 0.0 ? nan_doubles() : out;
}

}  // namespace
}  // namespace rl::RL_ISA
