#include "pointwise.h"

#include <array>
#include <bit>

#include "core/stream.h"
#include "core/thread_pool.h"
#include "core/vec_activation.h"

namespace rl::RL_ISA {
namespace {

constexpr int64_t kGrain = 1 << 15;  // elements for which a second thread pays

template <class T, class F>
RL_INLINE void map(const T* x, T* out, int64_t n, F f) {
    const bool past_caches = exceeds_caches(n * 2 * static_cast<int64_t>(sizeof(T)));
    parallel_for(n, kGrain, [=](int64_t begin, int64_t end) {
        write_vectors(out, begin, end, past_caches, [=](int64_t i) { return f(load(x + i)); },
                      [=](int64_t i, int64_t rest) { return f(load_part(x + i, rest, T(1))); });
    });
}

template <class T, class F>
RL_INLINE void map_pairs(const T* a, const T* b, T* out, int64_t n, F f) {
    const bool past_caches = exceeds_caches(n * 3 * static_cast<int64_t>(sizeof(T)));
    parallel_for(n, kGrain, [=](int64_t begin, int64_t end) {
        write_vectors(out, begin, end, past_caches, [=](int64_t i) { return f(load(a + i), load(b + i)); },
                      [=](int64_t i, int64_t rest) { return f(load_part(a + i, rest, T(1)), load_part(b + i, rest, T(1))); });
    });
}

template <class T, class F>
RL_INLINE void map_either(const T* a, const T* b, T* out, int64_t n, Uniform uniform, F f) {
    if (uniform == kFirst) {
        const Vec<T> all = splat(*a);
        map(b, out, n, [=](Vec<T> v) { return f(all, v); });
    } else if (uniform == kSecond) {
        const Vec<T> all = splat(*b);
        map(a, out, n, [=](Vec<T> v) { return f(v, all); });
    } else {
        map_pairs(a, b, out, n, f);
    }
}

#if defined(__AVX2__)
typedef uint32_t Bits __attribute__((vector_size(kVectorBytes)));

// table[index mod lanes].
RL_INLINE Bits looked_up(Bits table, Bits index) {
#if defined(__AVX512F__)
    return (Bits)_mm512_maskz_permutexvar_epi32(0xffff, (__m512i)index, (__m512i)table);
#else
    return (Bits)_mm256_permutevar8x32_epi32((__m256i)table, (__m256i)index);
#endif
}

// The bits of 2^(j / K) for j < K, less j << place.
template <int K>
constexpr std::array<uint32_t, K> powers_of_two(int place) {
    constexpr float sixteenths[] = {1.0f,
                                    1.0442737340927124f, 1.0905077457427979f, 1.1387885808944702f, 1.1892070770263672f,
                                    1.2418577671051025f, 1.2968395948410034f, 1.3542555570602417f, 1.4142135381698608f,
                                    1.4768261909484863f, 1.5422108173370361f, 1.6104903221130371f, 1.6817928552627563f,
                                    1.7562521696090698f, 1.8340080976486206f, 1.9152065515518188f};
    std::array<uint32_t, K> bits{};
    for (size_t j = 0; j < K; ++j) bits[j] = std::bit_cast<uint32_t>(sixteenths[j * (16 / K)]) - (static_cast<uint32_t>(j) << place);
    return bits;
}
#endif

// e^(-x^2 / 2) for |x| <= 13.25, beyond which it is 0. x^2 = r - n 2 ln 2 / K, the square in two pieces so that its rounding
// doesn't count; e^(-r / 2) by a polynomial, and 2^(n / K) by a table of K powers in a register, where the set looks such up.
RL_INLINE Vec<float> gaussian(Vec<float> x) {
    constexpr float kLast = 13.25f, kRounder = ExpConstants<float>::rounder;
    const Vec<float> square = x * x, rest = fmadd<float>(x, x, -square);
#if defined(__AVX2__)
    constexpr int kPowers = lanes<float>, kPlace = 23 - (kPowers == 16 ? 4 : 3);
    const Vec<float> shifted = fmadd<float>(square, splat(-0.72134752044448170f * kPowers), splat(kRounder));
    const Vec<float> n = shifted - kRounder;
    const Vec<float> r = fmadd<float>(n, splat(1.3862943611198906f / kPowers), square) + rest;
    Vec<float> p = fmadd<float>(r, splat(-0.020830368623137474f), splat(0.1250162273645401f));
    p = fmadd<float>(p, r, splat(-0.5f)) * r;
    // Of n's lowest bits the table takes its index and the exponent the others: a power is without what they would add to it.
    static constexpr std::array<uint32_t, kPowers> powers = powers_of_two<kPowers>(kPlace);
    Bits table;
    std::memcpy(&table, powers.data(), sizeof table);
    const Bits whole = (Bits)shifted;
    const Vec<float> power = (Vec<float>)(looked_up(table, whole) + (whole << kPlace));
    const Vec<float> result = fmadd<float>(power, p, power);
#else
    const Vec<float> shifted = fmadd<float>(square, splat(-0.72134752044448170f), splat(kRounder));
    const Vec<float> n = limited<float>(shifted - kRounder, -128.0f, 0.0f);
    const Vec<float> r = fmadd<float>(n, splat(1.3862943611198906f), square) + rest;
    const Vec<float> result = times_power_of_two<float>(exp_of_remainder<float>(-0.5f * r), n);
#endif
    return x <= kLast ? result : Vec<float>{};
}

// The normal distribution function of x, by its tail over the density as t P(t - 1/8), t = 1 / (|x| + 4.75): P is the fit of
// degree 8 with the least greatest error, 1.3e-8, for |x| <= 13.3. Powers of t itself would cancel. `bell` becomes
// e^(-x^2 / 2), for the density.
RL_INLINE Vec<float> normal_area(Vec<float> x, Vec<float>& bell) {
    constexpr float coefficients[] = {-15266.83203125f,   7321.76611328125f,  4872.16357421875f,  1559.7252197265625f,
                                      349.00152587890625f, 59.98000717163086f, 8.213284492492676f, 0.9076164960861206f};
    const Vec<float> size = (Vec<float>)((Mask<float>)x & 0x7fffffff);
    const Vec<float> t = 1.0f / (size + 4.75f);
    const Vec<float> s = t - 0.125f;
    Vec<float> p = splat(-86698.125f);
#pragma GCC unroll 16
    for (const float c : coefficients) p = fmadd<float>(p, s, splat(c));
    bell = gaussian(size);
    const Vec<float> tail = p * t * bell;
    return x < 0 ? tail : 1.0f - tail;
}

struct SigmoidBackward { template <class V> RL_INLINE V operator()(V g, V y) const { return g * ((1 - y) * y); } };
struct TanhBackward { template <class V> RL_INLINE V operator()(V g, V y) const { return g * (1 - y * y); } };

template <class T>
struct SiluBackward {
    RL_INLINE Vec<T> operator()(Vec<T> g, Vec<T> x) const {
        const Vec<T> gate = sigmoid_of<T>(x);
        return g * gate * (x * (1 - gate) + 1);
    }
};

struct GeluBackward {
    RL_INLINE Vec<float> operator()(Vec<float> g, Vec<float> x) const {
        Vec<float> bell;
        const Vec<float> area = normal_area(x, bell);
        return g * fmadd<float>(x, bell * 0.3989422804014327f, area);
    }
};

template <class T, class F>
void binary(const T* a, const T* b, T* out, int64_t n, Uniform uniform) {
    map_either<T>(a, b, out, n, uniform, F{});
}

template <class T>
void exponential(const T* x, T* out, int64_t n) { map<T>(x, out, n, [](Vec<T> v) { return exp<T, true>(v); }); }

template <class T>
void sigmoid(const T* x, T* out, int64_t n) { map<T>(x, out, n, [](Vec<T> v) { return sigmoid_of<T>(v); }); }

template <class T>
void silu(const T* x, T* out, int64_t n) {
    map<T>(x, out, n, [](Vec<T> v) { return v / (T(1) + exp<T, true>(-v)); });
}

void tanh(const float* x, float* out, int64_t n) {
    map<float>(x, out, n, [](Vec<float> v) { return tanh_of<float>(v); });
}

void gelu(const float* x, float* out, int64_t n) {
    map<float>(x, out, n, [](Vec<float> v) {
        Vec<float> bell;
        return v * normal_area(v, bell);
    });
}

template <class T>
void leaky_relu(const T* x, T* out, int64_t n, T slope) {
    map<T>(x, out, n, [=](Vec<T> v) { return v > 0 ? v : v * slope; });
}

template <class T>
void leaky_relu_backward(const T* grad, const T* x, T* out, int64_t n, T slope) {
    map_pairs<T>(grad, x, out, n, [=](Vec<T> g, Vec<T> v) { return v > 0 ? g : g * slope; });
}

template <class T>
void clamp(const T* x, T* out, int64_t n, T low, T high) {
    map<T>(x, out, n, [=](Vec<T> v) {
        const Vec<T> raised = v < low ? splat(low) : v;
        return raised > high ? splat(high) : raised;
    });
}

template <class T>
void select(const uint8_t* condition, const T* a, const T* b, T* out, int64_t n) {
    parallel_for(n, kGrain, [=](int64_t i, int64_t end) {
        for (; i < end; ++i) {
            const T first = a[i], second = b[i];
            out[i] = condition[i] ? first : second;
        }
    });
}

}  // namespace

const PointwiseKernels<float> pointwise_f32 = {
    exponential<float>, sigmoid<float>, silu<float>, tanh, gelu,
    binary<float, SigmoidBackward>, binary<float, TanhBackward>, binary<float, SiluBackward<float>>, binary<float, GeluBackward>,
    leaky_relu<float>, leaky_relu_backward<float>, clamp<float>, select<float>};
const PointwiseKernels<double> pointwise_f64 = {
    exponential<double>, sigmoid<double>, silu<double>, nullptr, nullptr,
    binary<double, SigmoidBackward>, binary<double, TanhBackward>, binary<double, SiluBackward<double>>, nullptr,
    leaky_relu<double>, leaky_relu_backward<double>, clamp<double>, select<double>};

}  // namespace rl::RL_ISA
