// Elementary functions on vectors. Kernel files only, as vec.h.
#pragma once

#include "vec.h"

namespace rl::RL_ISA {
namespace {

template <class T>
struct ExpConstants;

// `series`: e^r = 1 + r + r^2 (… series …), the highest power first. For float32 it is fitted to |r| <= ln 2 / 2, relative error
// 3e-9; for float64 it is Taylor's.
template <>
struct ExpConstants<float> {
    using Integer = int32_t;
    static constexpr int mantissa = 23, bias = 127;
    static constexpr float rounder = 12582912.0f;  // 1.5 * 2^23: adding it rounds to an integer
    static constexpr float ln2_high = 0.693359375f, ln2_low = -2.12194440e-4f;
    static constexpr float lowest = -87.3f, zero_below = -104.1f, infinite_above = 88.9f;
    static constexpr float series[] = {0.001381459878757596f, 0.008368716575205326f, 0.04166838899254799f, 0.1666652113199234f,
                                       0.4999999403953552f};
};

template <>
struct ExpConstants<double> {
    using Integer = int64_t;
    static constexpr int mantissa = 52, bias = 1023;
    static constexpr double rounder = 6755399441055744.0;
    static constexpr double ln2_high = 6.93145751953125e-1, ln2_low = 1.42860682030941723212e-6;
    static constexpr double lowest = -708.3, zero_below = -745.9, infinite_above = 709.9;
    static constexpr double series[] = {1.0 / 6227020800, 1.0 / 479001600, 1.0 / 39916800, 1.0 / 3628800, 1.0 / 362880,
                                        1.0 / 40320,      1.0 / 5040,      1.0 / 720,      1.0 / 120,     1.0 / 24,
                                        1.0 / 6,          0.5};
};

// Between two bounds; NaN stays.
template <class T>
RL_INLINE Vec<T> limited(Vec<T> x, T low, T high) {
#if defined(__AVX512F__)
    // These instructions give their second operand where either is NaN.
    if constexpr (std::is_same_v<T, float>) {
        const __m512 raised = _mm512_maskz_max_ps(0xffff, (__m512)splat(low), (__m512)x);
        return (Vec<T>)_mm512_maskz_min_ps(0xffff, (__m512)splat(high), raised);
    } else {
        const __m512d raised = _mm512_maskz_max_pd(0xff, (__m512d)splat(low), (__m512d)x);
        return (Vec<T>)_mm512_maskz_min_pd(0xff, (__m512d)splat(high), raised);
    }
#else
    const Vec<T> raised = x < low ? splat(low) : x;
    return raised > high ? splat(high) : raised;
#endif
}

// p 2^n for whole n, rounded once where the result is subnormal; p between 1/2 and 2, n not beyond twice the exponents.
template <class T>
RL_INLINE Vec<T> times_power_of_two(Vec<T> p, Vec<T> n) {
#if defined(__AVX512F__)
    if constexpr (std::is_same_v<T, float>) return (Vec<T>)_mm512_maskz_scalef_ps(0xffff, (__m512)p, (__m512)n);
    else return (Vec<T>)_mm512_maskz_scalef_pd(0xff, (__m512d)p, (__m512d)n);
#else
    // In two factors, since n may be more than the exponent holds.
    using C = ExpConstants<T>;
    typedef typename C::Integer IntegerVec __attribute__((vector_size(kVectorBytes)));
    const IntegerVec whole = __builtin_convertvector(n, IntegerVec), half = whole >> 1;
    const Vec<T> first = (Vec<T>)((half + C::bias) << C::mantissa);
    const Vec<T> second = (Vec<T>)((whole - half + C::bias) << C::mantissa);
    return p * first * second;
#endif
}

// e^r for |r| <= ln 2 / 2.
template <class T>
RL_INLINE Vec<T> exp_of_remainder(Vec<T> r) {
    using C = ExpConstants<T>;
    Vec<T> p = splat(C::series[0]);
#pragma GCC unroll 16
    for (size_t i = 1; i < sizeof C::series / sizeof(T); ++i) p = fmadd<T>(p, r, splat(C::series[i]));
    p = fmadd<T>(p, r, splat(T(1)));
    return fmadd<T>(p, r, splat(T(1)));
}

// e^x to about 1 ulp: x = n ln 2 + r with |r| <= ln 2 / 2 (ln 2 in two pieces after Cody and Waite), e^r by its series.
// Above the range infinity, below the normal range 0, unless SUBNORMAL; NaN stays NaN.
template <class T, bool SUBNORMAL = false>
RL_INLINE Vec<T> exp(Vec<T> x) {
    using C = ExpConstants<T>;
    const Vec<T> y = limited<T>(x, C::zero_below, C::infinite_above);
    const Vec<T> n = fmadd<T>(y, splat(T(1.4426950408889634)), splat(C::rounder)) - C::rounder;
    Vec<T> r = fmadd<T>(n, splat(-C::ln2_high), y);
    r = fmadd<T>(n, splat(-C::ln2_low), r);
    const Vec<T> p = times_power_of_two<T>(exp_of_remainder<T>(r), n);
    return SUBNORMAL ? p : x < C::lowest ? Vec<T>{} : p;
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
    typedef typename C::Integer IntegerVec __attribute__((vector_size(kVectorBytes)));
    const Vec<T> power = (Vec<T>)(((IntegerVec)shifted << C::mantissa) + (static_cast<typename C::Integer>(C::bias) << C::mantissa));
    return x < low ? Vec<T>{} : exp_of_remainder<T>(r) * power;
}

}  // namespace
}  // namespace rl::RL_ISA
