#include "norm.h"

#include "core/thread_pool.h"
#include "core/vec.h"
#include "norm_columns.h"

namespace rl::RL_ISA {
namespace {

constexpr int64_t kGrain = 1 << 14;   // elements for which a second thread pays
constexpr int64_t kBlock = 1 << 10;   // elements added up in T; the blocks' sums are added in double

int64_t grain_of(const NormLayout& layout) { return kGrain / (layout.segments * layout.length + 1) + 1; }

// The sum over i of f(i's vector), in double from block to block. f(offset, count) gives `count` lanes and 0 in the others.
template <class T, class F>
RL_INLINE double sum_of(int64_t n, F f) {
    double total = 0;
    for (int64_t begin = 0; begin < n; begin += kBlock) {
        const int64_t end = begin + kBlock < n ? begin + kBlock : n;
        Vec<T> a{}, b{};
        int64_t i = begin;
        for (; i + 2 * lanes<T> <= end; i += 2 * lanes<T>) {
            a += f(i, lanes<T>);
            b += f(i + lanes<T>, lanes<T>);
        }
        if (i + lanes<T> <= end) {
            a += f(i, lanes<T>);
            i += lanes<T>;
        }
        if (i < end) b += f(i, end - i);
        total += sum<T>(a + b);
    }
    return total;
}

template <class T>
RL_INLINE Vec<T> load_count(const T* p, int64_t count, T fill = T(0)) {
    return count == lanes<T> ? load(p) : load_part(p, count, fill);
}

template <class T>
RL_INLINE void store_count(T* p, Vec<T> v, int64_t count) {
    if (count == lanes<T>) store(p, v);
    else store_part(p, v, count);
}

// f(offset, count) for each vector of n elements.
template <class T, class F>
RL_INLINE void for_each(int64_t n, F f) {
    int64_t i = 0;
    for (; i + lanes<T> <= n; i += lanes<T>) f(i, lanes<T>);
    if (i < n) f(i, n - i);
}

template <class T>
void forward(const NormLayout& l, const T* x, const T* weight, const T* bias, T eps, T* out, T* mean, T* var, T* rstd) {
    if (is_columns(l)) return forward_columns(l, x, weight, bias, eps, out, mean, var, rstd);
    parallel_for(l.sets, grain_of(l), [&](int64_t set, int64_t end) {
        for (; set < end; ++set) {
            const double count = static_cast<double>(l.segments * l.length);
            const T* from = x + set * l.set_stride;
            double total = 0, squares = 0;
            for (int64_t s = 0; s < l.segments; ++s) {
                const T* run = from + s * l.segment_stride;
                total += sum_of<T>(l.length, [=](int64_t i, int64_t n) { return load_count(run + i, n); });
            }
            const T centre = static_cast<T>(total / count);
            for (int64_t s = 0; s < l.segments; ++s) {
                const T* run = from + s * l.segment_stride;
                squares += sum_of<T>(l.length, [=](int64_t i, int64_t n) {
                    const Vec<T> distance = load_count(run + i, n, centre) - centre;
                    return distance * distance;
                });
            }
            const T variance = static_cast<T>(squares / count), scale = T(1) / __builtin_sqrt(variance + eps);
            mean[set] = centre, var[set] = variance, rstd[set] = scale;
            for (int64_t s = 0; s < l.segments; ++s) {
                const int64_t offset = set * l.set_stride + s * l.segment_stride;
                const T *run = x + offset;
                T* to = out + offset;
                if (l.each) {
                    for_each<T>(l.length, [=](int64_t i, int64_t n) {
                        Vec<T> v = (load_count(run + i, n) - centre) * scale;
                        if (weight) v *= load_count(weight + i, n);
                        if (bias) v += load_count(bias + i, n);
                        store_count(to + i, v, n);
                    });
                } else {
                    const int64_t w = l.weight_of(set, s);
                    const T factor = weight ? scale * weight[w] : scale, shift = bias ? bias[w] : T(0);
                    for_each<T>(l.length, [=](int64_t i, int64_t n) {
                        store_count(to + i, fmadd<T>(load_count(run + i, n) - centre, splat(factor), splat(shift)), n);
                    });
                }
            }
        }
    });
}

// With g the gradient times the weight and normal = (x - mean) * rstd: to_x = rstd * (g - mean(g) - normal * mean(g * normal)).
template <class T>
void to_input(const NormLayout& l, const T* grad, const T* x, const T* weight, const T* mean, const T* rstd, T* to_x, T* sums) {
    parallel_for(l.sets, grain_of(l), [&](int64_t set, int64_t end) {
        for (; set < end; ++set) {
            const T centre = mean[set], scale = rstd[set];
            double plain = 0, slanted = 0;
            for (int64_t s = 0; s < l.segments; ++s) {
                const int64_t offset = set * l.set_stride + s * l.segment_stride;
                const T *g = grad + offset, *run = x + offset;
                const T* each = l.each ? weight : nullptr;
                const auto gradient = [=](int64_t i, int64_t n) {
                    const Vec<T> v = load_count(g + i, n);
                    return each ? v * load_count(each + i, n) : v;
                };
                const double a = sum_of<T>(l.length, gradient);
                const double b = sum_of<T>(l.length, [=](int64_t i, int64_t n) {
                    return gradient(i, n) * (load_count(run + i, n, centre) - centre);
                });
                T* kept = sums + 2 * (set * l.segments + s);
                kept[0] = static_cast<T>(a), kept[1] = static_cast<T>(b);
                const double w = weight && !l.each ? weight[l.weight_of(set, s)] : 1.0;
                plain += w * a, slanted += w * b;
            }
            const double count = static_cast<double>(l.segments * l.length);
            const T pull = static_cast<T>(plain / count);
            const T slope = static_cast<T>(slanted / count * scale * scale);
            for (int64_t s = 0; s < l.segments; ++s) {
                const int64_t offset = set * l.set_stride + s * l.segment_stride;
                const T *g = grad + offset, *run = x + offset;
                const T* each = l.each ? weight : nullptr;
                const T w = weight && !l.each ? weight[l.weight_of(set, s)] : T(1);
                T* to = to_x + offset;
                for_each<T>(l.length, [=](int64_t i, int64_t n) {
                    Vec<T> v = load_count(g + i, n) * w;
                    if (each) v *= load_count(each + i, n);
                    v = v - pull - (load_count(run + i, n, centre) - centre) * slope;
                    store_count(to + i, v * scale, n);
                });
            }
        }
    });
}

// One weight an element: the sums go down the sets.
template <class T>
void to_each_weight(const NormLayout& l, const T* grad, const T* x, const T* mean, const T* rstd, T* to_weight, T* to_bias) {
    const int64_t blocks = (l.length + lanes<T> - 1) / lanes<T>;
    parallel_for(blocks, kGrain / (lanes<T> * (l.sets + 1)) + 1, [&](int64_t block, int64_t end) {
        for (; block < end; ++block) {
            const int64_t j = block * lanes<T>, n = l.length - j < lanes<T> ? l.length - j : lanes<T>;
            Vec<T> weights{}, biases{};
            for (int64_t first = 0; first < l.sets; first += 64) {
                const int64_t last = first + 64 < l.sets ? first + 64 : l.sets;
                Vec<T> a{}, b{};
                for (int64_t set = first; set < last; ++set) {
                    const int64_t offset = set * l.set_stride + j;
                    const Vec<T> g = load_count(grad + offset, n);
                    a += g * ((load_count(x + offset, n) - mean[set]) * rstd[set]);
                    b += g;
                }
                weights += a, biases += b;
            }
            store_count(to_weight + j, weights, n);
            store_count(to_bias + j, biases, n);
        }
    });
}

template <class T>
void backward(const NormLayout& l, const T* grad, const T* x, const T* weight, const T* mean, const T* rstd, T* to_x, T* to_weight,
              T* to_bias, int64_t weights, T* sums) {
    if (is_columns(l)) return backward_columns(l, grad, x, weight, mean, rstd, to_x, to_weight, to_bias);
    to_input(l, grad, x, weight, mean, rstd, to_x, sums);
    if (!to_weight) return;
    if (l.each) {
        to_each_weight(l, grad, x, mean, rstd, to_weight, to_bias);
        return;
    }
    for (int64_t w = 0; w < weights; ++w) to_weight[w] = to_bias[w] = 0;
    for (int64_t set = 0; set < l.sets; ++set) {
        for (int64_t s = 0; s < l.segments; ++s) {
            const T* kept = sums + 2 * (set * l.segments + s);
            const int64_t w = l.weight_of(set, s);
            to_bias[w] += kept[0];
            to_weight[w] += kept[1] * rstd[set];
        }
    }
}

}  // namespace

const NormKernels<float> norm_f32 = {forward<float>, backward<float>};
const NormKernels<double> norm_f64 = {forward<double>, backward<double>};

}  // namespace rl::RL_ISA
