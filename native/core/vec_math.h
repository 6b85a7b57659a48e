// Elementary functions on vectors. Kernel files only, as vec.h.
#pragma once

#include "vec.h"

namespace rl::RL_ISA {
namespace {

template <class T>
struct ExpConstants;

template <>
struct ExpConstants<float> {
    using Integer = int32_t;
    static constexpr int degree = 7, mantissa = 23, bias = 127;
    static constexpr float rounder = 12582912.0f;  // 1.5 * 2^23: adding it rounds to an integer
    static constexpr float ln2_high = 0.693359375f, ln2_low = -2.12194440e-4f;
    static constexpr float lowest = -87.3f, highest = 88.72283f, lowest_subnormal = -103.98f;
};

template <>
struct ExpConstants<double> {
    using Integer = int64_t;
    static constexpr int degree = 13, mantissa = 52, bias = 1023;
    static constexpr double rounder = 6755399441055744.0;
    static constexpr double ln2_high = 6.93145751953125e-1, ln2_low = 1.42860682030941723212e-6;
    static constexpr double lowest = -708.3, highest = 709.78, lowest_subnormal = -745.14;
};

// e^x to about 1 ulp: x = n ln 2 + r with |r| <= ln 2 / 2 (ln 2 in two pieces after Cody and Waite), e^r by its Taylor series.
// Above the range infinity, below the normal range 0, unless SUBNORMAL; NaN stays NaN.
template <class T, bool SUBNORMAL = false>
RL_INLINE Vec<T> exp(Vec<T> x) {
    using C = ExpConstants<T>;
    using Integer = typename C::Integer;
    const Vec<T> low = splat(SUBNORMAL ? C::lowest_subnormal : C::lowest), high = splat(C::highest);
    Vec<T> y = x < low ? low : x;
    y = y > high ? high : y;
    const Vec<T> n = fmadd<T>(y, splat(T(1.4426950408889634)), splat(C::rounder)) - C::rounder;
    Vec<T> r = fmadd<T>(n, splat(-C::ln2_high), y);
    r = fmadd<T>(n, splat(-C::ln2_low), r);
    double factorial = 1;
    for (int i = 2; i <= C::degree; ++i) factorial *= i;
    Vec<T> p = splat(T(1 / factorial));
#pragma GCC unroll 16
    for (int i = C::degree; i > 0; --i) {
        factorial /= i;
        p = fmadd<T>(p, r, splat(T(1 / factorial)));
    }
    // 2^n in two factors, since n may be one more than the exponent holds.
    typedef Integer IntegerVec __attribute__((vector_size(kVectorBytes)));
    const IntegerVec whole = __builtin_convertvector(n, IntegerVec), half = whole >> 1;
    const Vec<T> first = (Vec<T>)((half + C::bias) << C::mantissa);
    const Vec<T> second = (Vec<T>)((whole - half + C::bias) << C::mantissa);
    p = p * first * second;
    p = x < low ? Vec<T>{} : p;
    return x > high ? splat(static_cast<T>(__builtin_inf())) : p;
}

// exp where no x is above 80 (below the normal range 0; NaN stays NaN), with less to take care of: 2^n is one factor, whose
// exponent is the low bits of n + rounder.
template <class T>
RL_INLINE Vec<T> exp_bounded(Vec<T> x) {
    using C = ExpConstants<T>;
    const Vec<T> low = splat(C::lowest), y = x < low ? low : x;
    const Vec<T> shifted = fmadd<T>(y, splat(T(1.4426950408889634)), splat(C::rounder));
    const Vec<T> n = shifted - C::rounder;
    Vec<T> r = fmadd<T>(n, splat(-C::ln2_high), y);
    r = fmadd<T>(n, splat(-C::ln2_low), r);
    double factorial = 1;
    for (int i = 2; i <= C::degree; ++i) factorial *= i;
    Vec<T> p = splat(T(1 / factorial));
#pragma GCC unroll 16
    for (int i = C::degree; i > 0; --i) {
        factorial /= i;
        p = fmadd<T>(p, r, splat(T(1 / factorial)));
    }
    typedef typename C::Integer IntegerVec __attribute__((vector_size(kVectorBytes)));
    const Vec<T> power = (Vec<T>)(((IntegerVec)shifted << C::mantissa) + (static_cast<typename C::Integer>(C::bias) << C::mantissa));
    return x < low ? Vec<T>{} : p * power;
}

}  // namespace
}  // namespace rl::RL_ISA
