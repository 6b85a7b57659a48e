// More elementary functions on vectors of doubles: logarithms, sine and cosine. Kernel files only, as vec.h.
#pragma once

#include <math.h>

#include "vec_math.h"

namespace rl::RL_ISA {
namespace {

using Doubles = Vec<double>;
using Bits = Mask<double>;
typedef uint64_t UnsignedBits __attribute__((vector_size(kVectorBytes)));  // in which numbers of any sign may be subtracted
constexpr int kDoubles = lanes<double>;

RL_INLINE bool any(Bits mask) {
#if defined(__AVX512F__)
    return _mm512_movepi64_mask((__m512i)mask) != 0;
#elif defined(__AVX2__)
    return _mm256_movemask_pd((__m256d)mask) != 0;
#else
    return (mask[0] | mask[1]) != 0;
#endif
}

RL_INLINE bool all(Bits mask) { return !any(~mask); }

RL_INLINE Doubles abs(Doubles x) { return (Doubles)((Bits)x & 0x7fffffffffffffff); }

// `size`, not negative, with the sign of x.
RL_INLINE Doubles with_sign(Doubles size, Doubles x) {
    return (Doubles)((Bits)size | ((Bits)x & static_cast<int64_t>(0x8000000000000000)));
}

// The nearest whole number, for |x| < 2^51.
RL_INLINE Doubles nearest(Doubles x) { return x + 6755399441055744.0 - 6755399441055744.0; }

// c[0] + c[1] x + c[2] x² + …: even and odd powers apart, so that two chains run side by side.
template <int n>
RL_INLINE Doubles polynomial(const double (&c)[n], Doubles x) {
    const Doubles square = x * x;
    Doubles first = splat(c[n - 1]), second = splat(n > 1 ? c[n - 2] : 0.0);
#pragma GCC unroll 16
    for (int i = n - 3; i >= 0; i -= 2) {
        first = fmadd<double>(first, square, splat(c[i]));
        if (i > 0) second = fmadd<double>(second, square, splat(c[i - 1]));
    }
    // The chain that ends at c[0] is the one that began at an even power.
    if constexpr (n == 1) return first;
    return n % 2 ? fmadd<double>(second, x, first) : fmadd<double>(first, x, second);
}

// log x to about 1 ulp: x = 2^k (1 + f) with 1 + f between 1/√2 and √2, and log(1 + f) = 2 artanh(s), s = f / (2 + f), by its
// Taylor series (Abramowitz and Stegun, 4.1.27), put together so that f itself is added last.
RL_INLINE Doubles log(Doubles x) {
    constexpr double c[] = {2.0 / 3, 2.0 / 5, 2.0 / 7, 2.0 / 9, 2.0 / 11, 2.0 / 13, 2.0 / 15, 2.0 / 17, 2.0 / 19, 2.0 / 21};
    constexpr uint64_t root_half = 0x3fe6a09e667f3bcd;
    const Bits subnormal = x < 0x1p-1022;
    const Doubles y = subnormal ? x * 0x1p54 : x;
    const Bits whole = (Bits)((UnsignedBits)y - root_half) >> 52;
    const Doubles f = (Doubles)((UnsignedBits)y - ((UnsignedBits)whole << 52)) - 1.0;
    Doubles k = __builtin_convertvector(whole, Doubles);
    k = subnormal ? k - 54.0 : k;
    const Doubles s = f / (f + 2.0), square = s * s, half = 0.5 * f * f;
    const Doubles rest = s * (half + square * polynomial(c, square));
    Doubles out = k * 6.93147180369123816490e-01 - ((half - (rest + k * 1.90821492927058770002e-10)) - f);
    out = x == 0.0 ? splat(-HUGE_VAL) : out;
    out = x < HUGE_VAL ? out : x;  // infinity and NaN
    return x < 0.0 ? splat(__builtin_nan("")) : out;
}

// log(1 + x), with what is lost in rounding 1 + x made good.
RL_INLINE Doubles log1p(Doubles x) {
    const Doubles sum = x + 1.0;
    const Bits plain = (sum > 0.0) & (sum < HUGE_VAL);
    const Doubles out = log(sum) + (plain ? (x - (sum - 1.0)) / sum : Doubles{});
    return x == 0.0 ? x : out;
}

RL_INLINE Doubles exp(Doubles x) { return exp<double, true>(x); }

// Each lane by a function of the C library.
template <class F>
RL_INLINE Doubles each_lane(Doubles x, F f) {
    for (int i = 0; i < kDoubles; ++i) x[i] = f(x[i]);
    return x;
}

// Sine and cosine: x = n π/2 + r with |r| <= π/4 (π/2 in three pieces, of which the first two have 33 bits, so that their
// products with n are exact), then the Taylor series. From 2^19 on the C library's.
RL_INLINE void sine_cosine(Doubles x, Doubles& sine, Doubles& cosine) {
    constexpr double s[] = {-1.0 / 6, 1.0 / 120, -1.0 / 5040, 1.0 / 362880, -1.0 / 39916800, 1.0 / 6227020800, -1.0 / 1307674368000,
                            1.0 / 355687428096000};
    constexpr double c[] = {1.0 / 24, -1.0 / 720, 1.0 / 40320, -1.0 / 3628800, 1.0 / 479001600, -1.0 / 87178291200,
                            1.0 / 20922789888000, -1.0 / 6402373705728000};
    if (any(~(abs(x) < 0x1p19))) {
        sine = each_lane(x, [](double v) { return ::sin(v); });
        cosine = each_lane(x, [](double v) { return ::cos(v); });
        return;
    }
    const Doubles n = nearest(x * 0.63661977236758134308);
    Doubles r = x - n * 0x1.921fb544p+0;
    r = (r - n * 0x1.0b4611a6p-34) - n * 0x1.3198a2e037073p-69;
    const Doubles square = r * r;
    const Doubles sin_r = fmadd<double>(r * square, polynomial(s, square), r);
    const Doubles cos_r = fmadd<double>(square * square, polynomial(c, square), 1.0 - 0.5 * square);
    const Bits quarter = __builtin_convertvector(n, Bits), odd = (quarter & 1) != 0;
    const Doubles a = odd ? cos_r : sin_r, b = odd ? sin_r : cos_r;
    sine = (quarter & 2) != 0 ? -a : a;
    cosine = ((quarter + 1) & 2) != 0 ? -b : b;
}

}  // namespace
}  // namespace rl::RL_ISA
