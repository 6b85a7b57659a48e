// Special functions of each element. A function takes a vector of doubles, evaluates the formulas of all ranges that some lane
// lies in, and keeps in each lane the right one; where no lane lies in a range (any(mask)), its formula is passed over. float
// arrays are widened on the way, but for the error functions, which have shorter series of their own.
#include "special.h"

#include "core/thread_pool.h"
#include "special_bessel.h"

namespace rl::RL_ISA {
namespace {

constexpr int64_t kGrain = 1 << 12;  // elements for which a second thread pays
constexpr double kLogPi = 1.14472988584940017414, kHalfLogTwoPi = 0.91893853320467274178;

// Moving elements in and out of vectors of doubles.

template <class T>
RL_INLINE Doubles widened(const T* p) {
    if constexpr (sizeof(T) == sizeof(double)) {
        return load(p);
    } else {
        typedef float Half __attribute__((vector_size(kVectorBytes / 2)));
        Half half;
        __builtin_memcpy(&half, p, sizeof half);
        return __builtin_convertvector(half, Doubles);
    }
}

template <class T>
RL_INLINE void put(T* p, Doubles v) {
    if constexpr (sizeof(T) == sizeof(double)) {
        store(p, v);
    } else {
        typedef float Half __attribute__((vector_size(kVectorBytes / 2)));
        const Half half = __builtin_convertvector(v, Half);
        __builtin_memcpy(p, &half, sizeof half);
    }
}

template <class T>
RL_INLINE Doubles widened_part(const T* p, int64_t n) {
    double buffer[kDoubles];
    for (int i = 0; i < kDoubles; ++i) buffer[i] = i < n ? static_cast<double>(p[i]) : 1.0;
    return load(buffer);
}

template <class T>
RL_INLINE void put_part(T* p, Doubles v, int64_t n) {
    for (int64_t i = 0; i < n; ++i) p[i] = static_cast<T>(v[i]);
}

template <class T, class F>
RL_INLINE void each(const T* x, T* out, int64_t n, F f) {
    parallel_for(n, kGrain, [=](int64_t i, int64_t end) {
        for (; i + kDoubles <= end; i += kDoubles) put(out + i, f(widened(x + i)));
        if (i < end) put_part(out + i, f(widened_part(x + i, end - i)), end - i);
    });
}

template <class T, Doubles (*F)(Doubles)>
void unary(const T* x, T* out, int64_t n) {
    each(x, out, n, F);
}

template <class T, Doubles (*F)(Doubles, Doubles)>
void binary(const T* a, const T* b, T* out, int64_t n, int64_t first, int64_t second) {
    parallel_for(n, kGrain, [=](int64_t i, int64_t end) {
        const Doubles whole_a = splat(static_cast<double>(*a)), whole_b = splat(static_cast<double>(*b));
        for (; i + kDoubles <= end; i += kDoubles) {
            put(out + i, F(first ? widened(a + i) : whole_a, second ? widened(b + i) : whole_b));
        }
        if (i < end) {
            put_part(out + i, F(first ? widened_part(a + i, end - i) : whole_a, second ? widened_part(b + i, end - i) : whole_b), end - i);
        }
    });
}

// Error functions and the normal distribution.

// exp(-y²), with the rounding error of the square made good.
RL_INLINE Doubles exp_minus_square(Doubles y) {
    const Doubles head = nearest(y * 16.0) * 0.0625;
    return exp(-head * head) * exp((head - y) * (y + head));
}

// exp(y²) erfc(y) of y >= 0; (y - 4) / (y + 4) so written that an infinity does not become NaN.
RL_INLINE Doubles erfcx_of_size(Doubles y) { return polynomial(kErfcx, 1.0 - 8.0 / (y + 4.0)) / (1.0 + 2.0 * y); }

RL_FUNCTION erfc_of_size(Doubles y) {
    y = y > 27.5 ? splat(27.5) : y;
    return erfcx_of_size(y) * exp_minus_square(y);
}

RL_FUNCTION erf(Doubles x) {
    const Doubles y = abs(x);
    const Bits small = y <= 0.46875;
    Doubles out = x;
    if (any(small)) out = x * polynomial(kErfTop, x * x) / polynomial(kErfBottom, x * x);
    if (!all(small)) out = small ? out : with_sign(1.0 - erfc_of_size(y), x);
    return out;
}

RL_FUNCTION erfc(Doubles x) {
    const Doubles upper = erfc_of_size(abs(x));
    return x < 0.0 ? 2.0 - upper : upper;
}

RL_FUNCTION erfcx(Doubles x) {
    const Doubles y = abs(x);
    Doubles out = erfcx_of_size(y);
    const Bits negative = x < 0.0;
    if (any(negative)) {
        // Beyond 27 it overflows.
        const Doubles z = y > 40.0 ? splat(40.0) : y;
        const Doubles head = nearest(z * 64.0) * 0.015625;
        const Doubles grown = 2.0 * exp(head * head) * exp((z - head) * (z + head));
        out = negative ? grown - out : out;
    }
    return out;
}

// The quantile of a probability below 0.075: negative.
RL_INLINE Doubles quantile_in_tail(Doubles p) {
    constexpr double low = -3.0 / 7, high = 9.0 / 11;
    const Doubles r = sqrt<double>(-log(p)), v = (r - 4.0) / (r + 4.0);
    return -r * polynomial(kNdtriTail, (2.0 * v - (low + high)) * (1 / (high - low)));
}

RL_INLINE Doubles quantile_in_centre(Doubles q) {
    return q * polynomial(kNdtriCentre, q * q * (2 / (0.425 * 0.425)) - 1.0);
}

RL_FUNCTION erfinv(Doubles x) {
    const Doubles y = abs(x);
    const Bits centre = y <= 0.85;
    Doubles out = x;
    if (any(centre)) out = quantile_in_centre(x * 0.5);
    if (!all(centre)) {
        Doubles tail = quantile_in_tail((1.0 - y) * 0.5);
        tail = y == 1.0 ? splat(kInf) : tail;
        out = centre ? out : with_sign(abs(tail), x);
    }
    return out * kRootHalf;
}

RL_FUNCTION ndtri(Doubles p) {
    const Doubles q = p - 0.5;
    const Bits centre = abs(q) <= 0.425;
    Doubles out = p;
    if (any(centre)) out = quantile_in_centre(q);
    if (!all(centre)) {
        const Doubles less = p < 1.0 - p ? p : 1.0 - p;
        Doubles tail = quantile_in_tail(less);
        tail = less == 0.0 ? splat(kInf) : tail;
        out = centre ? out : with_sign(abs(tail), q);
        out = p == p ? out : p;
    }
    return out;
}

RL_FUNCTION log_ndtr(Doubles x) {
    const Bits low = x < -1.0;
    Doubles out = x;
    if (any(low)) out = log(erfcx_of_size(low ? x * -kRootHalf : splat(1.0)) * 0.5) - x * x * 0.5;
    if (!all(low)) out = low ? out : log1p(-0.5 * erfc(x * kRootHalf));
    return out;
}

RL_FUNCTION entr(Doubles x) {
    const Doubles out = -(log(x) * x);
    const Doubles below = x < 0.0 ? splat(-kInf) : x;  // NaN stays
    return x > 0.0 ? out : x == 0.0 ? Doubles{} : below;
}

// The gamma function and its relatives.

// |sin(πx)|, its argument reduced first: of x beyond 2^51 it is 0.
RL_INLINE Doubles sine_of_pi(Doubles x) {
    const Doubles fraction = abs(x) < 0x1p51 ? x - nearest(x) : Doubles{};
    Doubles sine, cosine;
    sine_cosine(kPi * fraction, sine, cosine);
    return abs(sine);
}

// 0 < x < 8: below 1.5 the recurrence is used upwards, so that the zero at 1 keeps its digits; from 2.5 on downwards.
RL_INLINE Doubles lgamma_middle(Doubles x) {
    const Bits low = x < 1.5, tiny = x < 0.5;
    Doubles t = low ? x - 1.0 : x - 2.0;
    t = tiny ? t + 1.0 : t;
    Doubles factor = tiny ? x * (x + 1.0) : low ? x : splat(1.0);
    for (Bits high = t >= 0.5; any(high); high = t >= 0.5) {
        t = high ? t - 1.0 : t;
        factor = high ? factor * (t + 2.0) : factor;
    }
    const Doubles rest = log(factor);
    return fmadd<double>(t, polynomial(kLgammaNear2, 2.0 * t), low ? -rest : rest);
}

RL_INLINE Doubles lgamma_large(Doubles x) {
    const Doubles inverse = 1.0 / x;
    const Doubles series = polynomial(kStirling, inverse * inverse) * inverse;
    const Doubles out = (x - 0.5) * log(x) - x + kHalfLogTwoPi + series;
    return x == kInf ? x : out;
}

RL_FUNCTION lgamma_positive(Doubles x) {
    const Bits large = x >= 8.0;
    Doubles out = x;
    if (any(large)) out = lgamma_large(x);
    // NaN goes here too; what is large is kept out of the recurrence.
    if (!all(large)) out = large ? out : lgamma_middle(large ? splat(1.0) : x);
    return out;
}

RL_FUNCTION lgamma(Doubles x) {
    const Bits negative = x <= 0.0;
    if (!any(negative)) return lgamma_positive(x);
    // Reflection: Γ(x) Γ(1 - x) = π / sin(πx). Close to 0 the quotient is taken apart, since it overflows.
    const Doubles out = lgamma_positive(negative ? 1.0 - x : x);
    const Bits tiny = x > -1e-17;
    Doubles below = kLogPi - log(sine_of_pi(tiny ? splat(-1.5) : x)) - out;
    below = tiny ? -log(abs(x)) : below;
    const Bits pole = (x == 0.0) | (x <= -0x1p51) | ((abs(x) < 0x1p51) & (x == nearest(x)));
    below = pole ? splat(kInf) : below;
    return negative ? below : out;
}

// 0 < x < 10
RL_INLINE Doubles digamma_near(Doubles x) {
    const Bits low = x < 1.0;
    Doubles shift = low ? 1.0 / x : Doubles{}, y = low ? x + 1.0 : x;
    for (Bits high = y > 2.0; any(high); high = y > 2.0) {
        y = high ? y - 1.0 : y;
        shift = high ? shift - 1.0 / y : shift;
    }
    return (y - 1.4616321449683622 - 9.549995429965697e-17) * polynomial(kDigammaNearZero, 2.0 * y - 3.0) - shift;
}

RL_INLINE Doubles digamma_far(Doubles x) {
    const Doubles inverse = 1.0 / x, square = inverse * inverse;
    return log(x) - 0.5 * inverse - square * polynomial(kDigammaSeries, square);
}

RL_FUNCTION digamma(Doubles x) {
    const Bits negative = x < 0.0;
    const Doubles y = negative ? 1.0 - x : x;
    const Bits near = y < 10.0;
    Doubles out = y;
    if (any(near)) out = digamma_near(near ? y : splat(1.0));
    if (!all(near)) out = near ? out : digamma_far(y);
    if (any(negative)) {
        // The argument of the tangent is reduced first, which keeps its digits.
        const Doubles fraction = abs(x) < 0x1p51 ? x - nearest(x) : Doubles{};
        Doubles sine, cosine;
        sine_cosine(kPi * fraction, sine, cosine);
        const Doubles reflected = fraction == 0.0 ? nan_doubles() : out - kPi * cosine / sine;
        out = negative ? reflected : out;
    }
    return x == 0.0 ? with_sign(splat(kInf), -x) : out;
}

RL_FUNCTION trigamma_positive(Doubles x) {
    const Bits finite = abs(x) < kInf;
    Doubles out{}, place = finite ? x : splat(10.0);
    for (Bits low = place < 10.0; any(low); low = place < 10.0) {
        out = low ? out + 1.0 / (place * place) : out;
        place = low ? place + 1.0 : place;
    }
    const Doubles inverse = 1.0 / place, square = inverse * inverse;
    out += inverse + 0.5 * square + inverse * square * polynomial(kTrigammaSeries, square);
    return finite ? out : x == kInf ? Doubles{} : nan_doubles();
}

// The sine of the reflection is taken in T, as PyTorch does: what it leaves at the poles is the rounding of π.
template <class T>
RL_INLINE Doubles trigamma_as(Doubles x) {
    const Bits low = x < 0.5;
    const Doubles rest = trigamma_positive(low ? 1.0 - x : x);
    if (!any(low)) return rest;
    Doubles out = rest;
    for (int i = 0; i < kDoubles; ++i) {
        if (!low[i]) continue;
        const T pi = static_cast<T>(kPi), angle = pi * static_cast<T>(x[i]);
        const T sine = sizeof(T) == sizeof(float) ? static_cast<T>(::sinf(static_cast<float>(angle))) : static_cast<T>(::sin(angle));
        out[i] = static_cast<double>(static_cast<T>(pi * pi / (sine * sine)) - static_cast<T>(rest[i]));
    }
    return out;
}

template <class T>
RL_FUNCTION trigamma(Doubles x) {
    return trigamma_as<T>(x);
}

// ζ(s, q) of s > 1 and 0 < q < ∞: the first terms one by one, the rest by the Euler-Maclaurin formula.
static double zeta_positive(double s, double q) {
    double place = q, total = 0;
    for (; place < s + 10; place += 1) {
        const double term = ::pow(place, -s);
        total += term;
        if (term <= 1e-17 * total) return total;
    }
    const double power = ::pow(place, -s);
    double rest = place * power / (s - 1) + 0.5 * power, factor = s * power / place;
    for (int k = 0; k < 9; ++k) {
        rest += kBernoulli[k] * factor;
        factor *= (s + 2 * k + 1) * (s + 2 * k + 2) / (place * place);
    }
    return total + rest;
}

static double zeta_of(double s, double q) {
    const bool whole = q == ::floor(q);
    if (s == 1) return kInf;
    if (q <= 0 && whole && !(s < 1)) return kInf;
    if (s == kInf) return q < 1 ? kInf : q == 1 ? 1.0 : __builtin_nan("");
    if (!(s > 1) || !(::fabs(q) < kInf)) return __builtin_nan("");
    if (q > 0) return zeta_positive(s, q);
    if (s != ::floor(s)) return __builtin_nan("");
    // The terms below 0 are, up to the sign, those of two sums above it.
    const double mirrored = zeta_positive(s, -q - ::floor(-q)) - zeta_positive(s, 1 - q);
    return zeta_positive(s, q - ::floor(q)) + (::fmod(s, 2) == 0 ? mirrored : -mirrored);
}

RL_FUNCTION zeta(Doubles s, Doubles q) {
    for (int i = 0; i < kDoubles; ++i) s[i] = zeta_of(s[i], q[i]);
    return s;
}

// Simpler functions of one or two numbers.

template <class T>
RL_FUNCTION sinc(Doubles x) {
    Doubles angle = x * static_cast<double>(static_cast<T>(kPi));
    // Rounded to T as π times the element is.
    if constexpr (sizeof(T) == sizeof(float)) {
        typedef float Half __attribute__((vector_size(kVectorBytes / 2)));
        angle = __builtin_convertvector(__builtin_convertvector(angle, Half), Doubles);
    }
    Doubles sine, cosine;
    sine_cosine(angle, sine, cosine);
    return angle == 0.0 ? splat(1.0) : sine / angle;
}

// exp(x) - 1 as tanh(x/2) (exp(x) + 1) would lose nothing: by its Taylor series near 0.
RL_INLINE Doubles expm1(Doubles x) {
    constexpr double c[] = {1.0,         1.0 / 2,      1.0 / 6,       1.0 / 24,        1.0 / 120,        1.0 / 720,        1.0 / 5040,
                            1.0 / 40320, 1.0 / 362880, 1.0 / 3628800, 1.0 / 39916800, 1.0 / 479001600, 1.0 / 6227020800};
    const Doubles near = x * polynomial(c, x);
    return abs(x) < 0.35 ? near : exp(x) - 1.0;
}

// log(1 + exp(x)).
RL_INLINE Doubles soft_plus(Doubles x) {
    const Doubles out = log1p(exp(-abs(x)));
    return x > 0.0 ? x + out : x == x ? out : x;
}

// tanh(log(1 + e)) = (e² + 2 e) / (e² + 2 e + 2) with e = exp(x).
RL_FUNCTION mish(Doubles x) {
    const Doubles e = exp(x > 40.0 ? splat(40.0) : x), n = e * (e + 2.0);
    return x == -kInf ? nan_doubles() : x * (n / (n + 2.0));
}

RL_FUNCTION hardswish(Doubles x) {
    Doubles y = x + 3.0;
    y = y < 0.0 ? Doubles{} : y;
    y = y > 6.0 ? splat(6.0) : y;
    return x * y / 6.0;
}

// The remainder with the dividend's sign. What is left beside the truncated quotient is exact when fused, and a quotient that
// rounding took up to the next whole number is one too many. Large quotients, and all on processors that can't fuse, are the
// C library's.
RL_INLINE Doubles fmod_by_lane(Doubles x, Doubles y) {
    for (int i = 0; i < kDoubles; ++i) x[i] = ::fmod(x[i], y[i]);
    return x;
}

RL_FUNCTION fmod(Doubles x, Doubles y) {
#if defined(__AVX2__) || defined(__aarch64__)
    const Doubles a = abs(x), b = abs(y), quotient = a / b;
    if (any(~(quotient < 0x1p51) | (b == kInf))) return fmod_by_lane(x, y);
    Doubles whole = nearest(quotient);
    Doubles rest = fmadd<double>(-whole, b, a);
    // nearest() may be one too many, and so may the rounded quotient itself.
    rest = rest < 0.0 ? rest + b : rest;
    return with_sign(abs(rest), x);
#else
    return fmod_by_lane(x, y);
#endif
}

// The remainder with the divisor's sign; a zero has the dividend's.
RL_FUNCTION remainder(Doubles x, Doubles y) {
    const Doubles rest = fmod(x, y);
    return ((rest != 0.0) & ((rest < 0.0) != (y < 0.0))) ? rest + y : rest;
}

// Of floats, whose squares fit into doubles.
RL_FUNCTION hypot_of_floats(Doubles x, Doubles y) {
    const Doubles out = sqrt<double>(x * x + y * y);
    // An infinity beside a NaN is still infinite.
    return ((abs(x) == kInf) | (abs(y) == kInf)) ? splat(kInf) : out;
}

RL_FUNCTION hypot_of_doubles(Doubles x, Doubles y) {
    for (int i = 0; i < kDoubles; ++i) x[i] = ::hypot(x[i], y[i]);
    return x;
}

RL_FUNCTION logaddexp(Doubles x, Doubles y) {
    const Doubles high = x > y ? x : y, out = high + log1p(exp(-abs(x - y)));
    // Equal infinities differ by no number.
    return ((x == y) & (abs(x) == kInf)) ? x : ((x == x) & (y == y)) ? out : x + y;
}

RL_FUNCTION xlogy(Doubles x, Doubles y) {
    return ((x == 0.0) & (y == y)) ? Doubles{} : x * log(y);
}

RL_FUNCTION xlog1py(Doubles x, Doubles y) {
    return ((x == 0.0) & (y == y)) ? Doubles{} : x * log1p(y);
}

template <class T>
void softplus(const T* x, T* out, int64_t n, T beta_, T threshold_) {
    const double beta = beta_, threshold = threshold_;
    each(x, out, n, [=](Doubles v) {
        const Doubles scaled = v * beta;
        return scaled > threshold ? v : soft_plus(scaled) / beta;
    });
}

template <class T>
void elu(const T* x, T* out, int64_t n, T low_, T scale_, T input_scale_) {
    const double low = low_, scale = scale_, input_scale = input_scale_;
    each(x, out, n, [=](Doubles v) { return v <= 0.0 ? expm1(v * input_scale) * low : v * scale; });
}

// The error functions of floats, in vectors of floats.

using Floats = Vec<float>;

template <int n>
RL_INLINE Floats short_series(const double (&c)[n], Floats x) {
    Floats out = splat(static_cast<float>(c[n - 1]));
#pragma GCC unroll 16
    for (int i = n - 2; i >= 0; --i) out = fmadd<float>(out, x, splat(static_cast<float>(c[i])));
    return out;
}

RL_INLINE Floats size_of(Floats x) { return (Floats)((Mask<float>)x & 0x7fffffff); }

// Below 1, x + x P(x²); from there to 4 a polynomial in the place between the two. From 3.92 on it rounds to 1.
RL_INLINE Floats erf_of_floats(Floats x) {
    const Floats y = size_of(x);
    const Floats low = fmadd<float>(y, short_series(kFloat32ErfBelow1, y * y), y);
    const Floats high = short_series(kFloat32ErfAbove1, fmadd<float>(y, splat(2.0f / 3), splat(-5.0f / 3)));
    const Floats above = (y > 3.92f) | (high > 1.0f) ? splat(1.0f) : high, out = y < 1.0f ? low : above;
    return (Floats)((Mask<float>)out | ((Mask<float>)x & INT32_MIN));
}

RL_INLINE Floats erfc_of_floats(Floats x) {
    Floats y = size_of(x);
    // Beyond 10.5 it is below the least float.
    y = y > 10.5f ? splat(10.5f) : y;
    const Floats head = (y * 16.0f + 12582912.0f - 12582912.0f) * 0.0625f;
    const Floats fall = exp<float, true>(-head * head) * exp<float, true>((head - y) * (y + head));
    const Floats upper = short_series(kFloat32Erfcx, 1.0f - 8.0f / (y + 4.0f)) / (1.0f + 2.0f * y) * fall;
    return x < 0.0f ? 2.0f - upper : upper;
}

// log(1 + u) for 0 <= u <= 1: 2 artanh(s) with s = u / (2 + u) by its Taylor series.
RL_INLINE Floats log1p_to_one(Floats u) {
    constexpr double c[] = {1.0 / 3, 1.0 / 5, 1.0 / 7, 1.0 / 9, 1.0 / 11, 1.0 / 13, 1.0 / 15};
    const Floats s = u / (u + 2.0f), square = s * s, twice = s + s;
    return fmadd<float>(twice * square, short_series(c, square), twice);
}

RL_INLINE Floats mish_of_floats(Floats x) {
    // tanh(log(1 + u)) = u (u + 2) / (u (u + 2) + 2) with u = e^x, which from x = 20 on is 1.
    const Floats u = exp<float, true>(limited<float>(x, -HUGE_VALF, 20.0f)), w = u * (u + 2.0f);
    return x * (w / (w + 2.0f));
}

void softplus_of_floats(const float* x, float* out, int64_t n, float beta, float threshold) {
    const float scale = 1.0f / beta;
    const auto f = [=](Floats v) {
        const Floats scaled = v * beta, high = scaled > 0.0f ? scaled : Floats{};
        const Floats bent = (high + log1p_to_one(exp<float, true>(-size_of(scaled)))) * scale;
        return scaled > threshold ? v : bent;
    };
    parallel_for(n, kGrain, [=](int64_t i, int64_t end) {
        for (; i + lanes<float> <= end; i += lanes<float>) store(out + i, f(load(x + i)));
        if (i < end) store_part<float>(out + i, f(load_part(x + i, end - i)), end - i);
    });
}

RL_INLINE Floats logaddexp_of_floats(Floats x, Floats y) {
    const Floats high = x > y ? x : y, apart = x == y ? Floats{} : -size_of(x - y);
    return apart == apart ? high + log1p_to_one(exp<float, true>(apart)) : x + y;
}

// step_a and step_b are 0 where one element stands for all.
template <Floats (*F)(Floats, Floats)>
void of_two_floats(const float* a, const float* b, float* out, int64_t n, int64_t step_a, int64_t step_b) {
    parallel_for(n, kGrain, [=](int64_t i, int64_t end) {
        const Floats whole_a = splat(*a), whole_b = splat(*b);
        for (; i + lanes<float> <= end; i += lanes<float>) {
            store(out + i, F(step_a ? load(a + i) : whole_a, step_b ? load(b + i) : whole_b));
        }
        const int64_t rest = end - i;
        if (rest > 0) store_part<float>(out + i, F(step_a ? load_part(a + i, rest) : whole_a, step_b ? load_part(b + i, rest) : whole_b), rest);
    });
}

template <Floats (*F)(Floats)>
void of_floats(const float* x, float* out, int64_t n) {
    parallel_for(n, 2 * kGrain, [=](int64_t i, int64_t end) {
        for (; i + lanes<float> <= end; i += lanes<float>) store(out + i, F(load(x + i)));
        if (i < end) store_part<float>(out + i, F(load_part(x + i, end - i)), end - i);
    });
}

template <class T>
constexpr SpecialKernels<T> table() {
    SpecialKernels<T> k{};
    k.erf = unary<T, erf>;
    k.erfc = unary<T, erfc>;
    k.erfinv = unary<T, erfinv>;
    k.erfcx = unary<T, erfcx>;
    k.ndtri = unary<T, ndtri>;
    k.log_ndtr = unary<T, log_ndtr>;
    k.entr = unary<T, entr>;
    k.sinc = unary<T, sinc<T>>;
    k.lgamma = unary<T, lgamma>;
    k.digamma = unary<T, digamma>;
    k.trigamma = unary<T, trigamma<T>>;
    k.i0 = unary<T, bessel_i<0>>;
    k.i0e = unary<T, bessel_i_scaled<0>>;
    k.i1 = unary<T, bessel_i<1>>;
    k.i1e = unary<T, bessel_i_scaled<1>>;
    k.k0 = unary<T, bessel_k<0, false>>;
    k.k0e = unary<T, bessel_k<0, true>>;
    k.k1 = unary<T, bessel_k<1, false>>;
    k.k1e = unary<T, bessel_k<1, true>>;
    k.j0 = unary<T, bessel_j<0>>;
    k.j1 = unary<T, bessel_j<1>>;
    k.y0 = unary<T, bessel_y<0>>;
    k.y1 = unary<T, bessel_y<1>>;
    k.mish = unary<T, mish>;
    k.hardswish = unary<T, hardswish>;
    k.zeta = binary<T, zeta>;
    k.fmod = binary<T, fmod>;
    k.remainder = binary<T, remainder>;
    k.hypot = binary<T, sizeof(T) == sizeof(float) ? hypot_of_floats : hypot_of_doubles>;
    k.logaddexp = binary<T, logaddexp>;
    k.xlogy = binary<T, xlogy>;
    k.xlog1py = binary<T, xlog1py>;
    k.softplus = softplus<T>;
    k.elu = elu<T>;
    return k;
}

constexpr SpecialKernels<float> table_of_floats() {
    SpecialKernels<float> k = table<float>();
    k.erf = of_floats<erf_of_floats>;
    k.erfc = of_floats<erfc_of_floats>;
    k.mish = of_floats<mish_of_floats>;
    k.logaddexp = of_two_floats<logaddexp_of_floats>;
    k.softplus = softplus_of_floats;
    return k;
}

}  // namespace

const SpecialKernels<float> special_f32 = table_of_floats();
const SpecialKernels<double> special_f64 = table<double>();

}  // namespace rl::RL_ISA
