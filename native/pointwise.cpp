#include "pointwise.h"

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

// e^(-x^2 / 2) for |x| <= 14.5, as exp does it: with twice the remainder, -2r = x^2 + n 2 ln 2, whose fused multiply-add doesn't
// round the square, and -1/2 in the coefficients.
RL_INLINE Vec<float> gaussian(Vec<float> x) {
    using C = ExpConstants<float>;
    const Vec<float> n = fmadd<float>(x * x, splat(-0.72134752044448170f), splat(C::rounder)) - C::rounder;
    Vec<float> r = fmadd<float>(x, x, n * (2 * C::ln2_high));
    r = fmadd<float>(n, splat(2 * C::ln2_low), r);
    Vec<float> p = splat(C::series[0] / 64);
    p = fmadd<float>(p, r, splat(C::series[1] / -32));
    p = fmadd<float>(p, r, splat(C::series[2] / 16));
    p = fmadd<float>(p, r, splat(C::series[3] / -8));
    p = fmadd<float>(p, r, splat(C::series[4] / 4));
    p = fmadd<float>(p, r, splat(-0.5f));
    return times_power_of_two<float>(fmadd<float>(p, r, splat(1.0f)), n);
}

// The normal distribution function of x, by erfc(z) = e^(-z^2) 2 t P(t), t = 1 / (1 + 0.3 z): P is the fit of degree 8 with the
// least greatest error, 2e-8, for z <= 9.4. `bell` becomes e^(-z^2), for the density.
RL_INLINE Vec<float> normal_area(Vec<float> x, Vec<float>& bell) {
    constexpr float coefficients[] = {0.2424761950969696f,   -0.25545069575309753f, 0.27299243211746216f, -0.04665755853056908f,
                                      0.10714205354452133f, 0.07426352053880692f,  0.08534233272075653f, 0.08459506183862686f};
    const Vec<float> size = limited<float>((Vec<float>)((Mask<float>)x & 0x7fffffff), 0.0f, 14.5f);
    const Vec<float> t = 1.0f / fmadd<float>(size, splat(0.21213203435596426f), splat(1.0f));
    Vec<float> p = splat(-0.06470334529876709f);
#pragma GCC unroll 16
    for (const float c : coefficients) p = fmadd<float>(p, t, splat(c));
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
