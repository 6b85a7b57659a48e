#include "norm.h"

#include "core/allocator.h"
#include "core/thread_pool.h"
#include "core/vec.h"
#include "norm_columns.h"

namespace rl::RL_ISA {
namespace {

constexpr int64_t kGrain = 1 << 14;   // elements for which a second thread pays
constexpr int64_t kBlock = 1 << 10;   // elements added up in T; the blocks' sums are added in double

int64_t grain_of(const NormLayout& layout) { return kGrain / (layout.segments * layout.length + 1) + 1; }

// N sums at once: of vectors in T, and every so many elements in double.
template <class T, int N = 1>
struct BlockSums {
    Vec<T> a[N] = {}, b[N] = {};
    double total[N] = {};
    int64_t held = 0;

    void flush() {
        for (int k = 0; k < N; ++k) {
            total[k] += sum<T>(a[k] + b[k]);
            a[k] = b[k] = Vec<T>{};
        }
        held = 0;
    }

    // f(offset, count, to) for each vector of n elements; it adds to the N vectors at `to` in `count` lanes.
    template <class F>
    RL_INLINE void add(int64_t n, F f) {
        for (int64_t begin = 0; begin < n; begin += kBlock) {
            const int64_t end = begin + kBlock < n ? begin + kBlock : n;
            if (held >= kBlock) flush();
            held += end - begin;
            int64_t i = begin;
            for (; i + 2 * lanes<T> <= end; i += 2 * lanes<T>) {
                f(i, lanes<T>, a);
                f(i + lanes<T>, lanes<T>, b);
            }
            if (i + lanes<T> <= end) {
                f(i, lanes<T>, a);
                i += lanes<T>;
            }
            if (i < end) f(i, end - i, b);
        }
    }
};

// The sum over i of f(i's vector). f(offset, count) gives `count` lanes and 0 in the others.
template <class T, class F>
RL_INLINE double sum_of(int64_t n, F f) {
    BlockSums<T> sums;
    sums.add(n, [=](int64_t i, int64_t count, Vec<T>* to) { *to += f(i, count); });
    sums.flush();
    return sums.total[0];
}

// f(offset, count) for each vector of n elements.
template <class T, class F>
RL_INLINE void for_each(int64_t n, F f) {
    int64_t i = 0;
    for (; i + lanes<T> <= n; i += lanes<T>) f(i, lanes<T>);
    if (i < n) f(i, n - i);
}

// How far the run lies that is read kAhead elements after run s of a set. Runs are pages apart, beyond which the processor doesn't
// look ahead by itself: each run, while it is read for the first time, asks for that one.
constexpr int64_t kAhead = 1 << 10;

RL_INLINE int64_t ahead(const NormLayout& l, int64_t set, int64_t s) {
    const int64_t run = set * l.segments + s + larger(1, kAhead / l.length), other = run / l.segments;
    return other < l.sets ? (other - set) * l.set_stride + (run % l.segments - s) * l.segment_stride : 0;
}

template <class T>
void forward(const NormLayout& l, const T* x, const T* weight, const T* bias, T eps, T* out, T* mean, T* var, T* rstd) {
    if (is_columns(l)) return forward_columns(l, x, weight, bias, eps, out, mean, var, rstd);
    parallel_for(l.sets, grain_of(l), [&](int64_t set, int64_t end) {
        for (; set < end; ++set) {
            const double count = static_cast<double>(l.segments * l.length);
            const T* from = x + set * l.set_stride;
            BlockSums<T> all, squares;
            for (int64_t s = 0; s < l.segments; ++s) {
                const T* run = from + s * l.segment_stride;
                const T* const soon = run + ahead(l, set, s);
                all.add(l.length, [=](int64_t i, int64_t n, Vec<T>* to) {
                    __builtin_prefetch(soon + i);
                    *to += load_n(run + i, n);
                });
            }
            all.flush();
            const T centre = static_cast<T>(all.total[0] / count);
            for (int64_t s = 0; s < l.segments; ++s) {
                const T* run = from + s * l.segment_stride;
                squares.add(l.length, [=](int64_t i, int64_t n, Vec<T>* to) {
                    const Vec<T> distance = load_n(run + i, n, centre) - centre;
                    *to += distance * distance;
                });
            }
            squares.flush();
            const T variance = static_cast<T>(squares.total[0] / count), scale = T(1) / __builtin_sqrt(variance + eps);
            mean[set] = centre, var[set] = variance, rstd[set] = scale;
            for (int64_t s = 0; s < l.segments; ++s) {
                const int64_t offset = set * l.set_stride + s * l.segment_stride;
                const T *run = x + offset;
                T* to = out + offset;
                const int64_t w = l.weight_of(set, s);
                const T factor = weight ? scale * weight[w] : scale, shift = bias ? bias[w] : T(0);
                for_each<T>(l.length, [=](int64_t i, int64_t n) {
                    store_n(to + i, fmadd<T>(load_n(run + i, n) - centre, splat(factor), splat(shift)), n);
                });
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
            BlockSums<T, 2> both;
            for (int64_t s = 0; s < l.segments; ++s) {
                const int64_t offset = set * l.set_stride + s * l.segment_stride;
                const T *g = grad + offset, *run = x + offset;
                const int64_t soon = ahead(l, set, s);
                both.add(l.length, [=](int64_t i, int64_t n, Vec<T>* to) {
                    __builtin_prefetch(g + soon + i);
                    __builtin_prefetch(run + soon + i);
                    const Vec<T> v = load_n(g + i, n);
                    to[0] += v;
                    to[1] += v * (load_n(run + i, n, centre) - centre);
                });
                T* kept = sums + 2 * (set * l.segments + s);
                kept[0] = kept[1] = 0;
                // Runs of one weight are added up together.
                if (l.step == 0 && s + 1 < l.segments) continue;
                both.flush();
                const double a = both.total[0], b = both.total[1];
                both.total[0] = both.total[1] = 0;
                kept[0] = static_cast<T>(a), kept[1] = static_cast<T>(b);
                const double w = weight ? weight[l.weight_of(set, s)] : 1.0;
                plain += w * a, slanted += w * b;
            }
            const double count = static_cast<double>(l.segments * l.length);
            const T pull = static_cast<T>(plain / count);
            const T slope = static_cast<T>(slanted / count * scale * scale);
            for (int64_t s = 0; s < l.segments; ++s) {
                const int64_t offset = set * l.set_stride + s * l.segment_stride;
                const T *g = grad + offset, *run = x + offset;
                const T w = weight ? weight[l.weight_of(set, s)] : T(1);
                T* to = to_x + offset;
                for_each<T>(l.length, [=](int64_t i, int64_t n) {
                    const Vec<T> v = load_n(g + i, n) * w - pull - (load_n(run + i, n, centre) - centre) * slope;
                    store_n(to + i, v * scale, n);
                });
            }
        }
    });
}

template <class T>
void backward(const NormLayout& l, const T* grad, const T* x, const T* weight, const T* mean, const T* rstd, T* to_x, T* to_weight,
              T* to_bias, int64_t weights, T* sums) {
    if (is_columns(l)) return backward_columns(l, grad, x, weight, mean, rstd, to_x, to_weight, to_bias);
    to_input(l, grad, x, weight, mean, rstd, to_x, sums);
    if (!to_weight) return;
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

// The parts that rows are split into. Each has its own sums for the weights, added up in order.
RL_INLINE int64_t row_grain(const NormRows& l) { return kGrain / (l.length + 1) + 1; }

template <class T, bool CENTRED>
void normalize_row(const NormRows& l, const T* x, const T* weight, const T* bias, T eps, T* out, T& centre, T& variance, T& scale) {
    const double count = static_cast<double>(l.length);
    centre = 0;
    if constexpr (CENTRED) {
        centre = static_cast<T>(sum_of<T>(l.length, [=](int64_t i, int64_t n) { return load_n(x + i, n); }) / count);
    }
    const T middle = centre;
    const double squares = sum_of<T>(l.length, [=](int64_t i, int64_t n) {
        const Vec<T> distance = load_n(x + i, n, middle) - middle;
        return distance * distance;
    });
    variance = static_cast<T>(squares / count), scale = T(1) / __builtin_sqrt(variance + eps);
    const T factor = scale;
    for_each<T>(l.length, [=](int64_t i, int64_t n) {
        Vec<T> v = (load_n(x + i, n) - middle) * factor;
        if (weight) v *= load_n(weight + i, n);
        if (bias) v += load_n(bias + i, n);
        store_n(out + i, v, n);
    });
}

template <class T, bool CENTRED>
void forward_rows(const NormRows& l, const T* x, const T* weight, const T* bias, T eps, T* out, T* mean, T* var, T* rstd) {
    parallel_for(l.rows, row_grain(l), [&](int64_t row, int64_t end) {
        for (; row < end; ++row) {
            T centre, variance, scale;
            const int64_t at = row * l.length;
            normalize_row<T, CENTRED>(l, x + at, weight, bias, eps, out + at, centre, variance, scale);
            if (mean) mean[row] = centre;
            if (var) var[row] = variance;
            rstd[row] = scale;
        }
    });
}

template <class T>
void rows(const NormRows& l, const T* x, const T* weight, const T* bias, T eps, T* out, T* mean, T* var, T* rstd) {
    if (l.centred) forward_rows<T, true>(l, x, weight, bias, eps, out, mean, var, rstd);
    else forward_rows<T, false>(l, x, weight, bias, eps, out, mean, var, rstd);
}

// The sums that a part has for the weights: of some rows, and of all before these. Adding up in two steps keeps the rounding small.
template <class T>
struct WeightSums {
    T *weight, *bias, *all_weight, *all_bias;
    int64_t length;

    WeightSums(T* memory, int64_t padded) : weight(memory), bias(memory + padded), all_weight(memory + 2 * padded),
                                            all_bias(memory + 3 * padded), length(padded) {
        __builtin_memset(memory, 0, static_cast<size_t>(4 * padded) * sizeof(T));
    }

    void flush() const {
        for (int64_t i = 0; i < 2 * length; i += lanes<T>) {
            store(all_weight + i, load(all_weight + i) + load(weight + i));
            store(weight + i, Vec<T>{});
        }
    }
};

// One row: its gradient, and what it adds to the weights' if SUMS. With g the gradient times the weight and
// normal = (x - mean) * rstd: to_x = rstd * (g - mean(g) - normal * mean(g * normal)), without mean(g) unless CENTRED.
template <class T, bool CENTRED, bool SUMS>
RL_INLINE void row_backward(int64_t length, const T* grad, const T* x, const T* weight, T centre, T scale, T* to_x,
                            const WeightSums<T>& sums) {
    double plain = 0, slanted = 0;
    for (int64_t begin = 0; begin < length; begin += kBlock) {
        const int64_t end = begin + kBlock < length ? begin + kBlock : length;
        Vec<T> a{}, b{};
        for (int64_t i = begin; i < end; i += lanes<T>) {
            const int64_t n = end - i < lanes<T> ? end - i : lanes<T>;
            const Vec<T> g = load_n(grad + i, n), distance = load_n(x + i, n, centre) - centre;
            const Vec<T> weighted = weight ? g * load_n(weight + i, n) : g;
            if constexpr (CENTRED) a += weighted;
            b += weighted * distance;
            if constexpr (SUMS) {
                store(sums.weight + i, load(sums.weight + i) + g * distance * scale);
                if constexpr (CENTRED) store(sums.bias + i, load(sums.bias + i) + g);
            }
        }
        plain += sum<T>(a), slanted += sum<T>(b);
    }
    const T pull = static_cast<T>(plain / static_cast<double>(length));
    const T slope = static_cast<T>(slanted / static_cast<double>(length) * scale * scale);
    for_each<T>(length, [=](int64_t i, int64_t n) {
        Vec<T> v = load_n(grad + i, n);
        if (weight) v *= load_n(weight + i, n);
        store_n(to_x + i, (v - pull - (load_n(x + i, n, centre) - centre) * slope) * scale, n);
    });
}

template <class T, bool CENTRED>
bool backward_of_rows(const NormRows& l, const T* grad, const T* x, const T* weight, const T* mean, const T* rstd, T* to_x,
                      T* to_weight, T* to_bias) {
    constexpr int64_t kBetween = 64;  // rows whose sums are added up by themselves
    const int64_t padded = (l.length + lanes<T> - 1) / lanes<T> * lanes<T>;
    const int parts = parts_for(l.rows, row_grain(l));
    Scratch<T> scratch(static_cast<size_t>(4 * padded * parts));
    if (!scratch.get()) return false;
    parallel_parts(parts, [&](int part, int count) {
        const WeightSums<T> sums(scratch.get() + 4 * padded * part, padded);
        const int64_t begin = l.rows * part / count, end = l.rows * (part + 1) / count;
        for (int64_t row = begin; row < end; ++row) {
            const int64_t at = row * l.length;
            const T centre = CENTRED ? mean[row] : T(0);
            if (to_weight) row_backward<T, CENTRED, true>(l.length, grad + at, x + at, weight, centre, rstd[row], to_x + at, sums);
            else row_backward<T, CENTRED, false>(l.length, grad + at, x + at, weight, centre, rstd[row], to_x + at, sums);
            if (to_weight && (row + 1 == end || (row - begin) % kBetween == kBetween - 1)) sums.flush();
        }
    });
    for (int64_t i = 0; to_weight && i < l.length; ++i) {
        const T* all = scratch.get() + 2 * padded + i;
        T w = 0, b = 0;
        for (int part = 0; part < parts; ++part, all += 4 * padded) w += all[0], b += all[padded];
        to_weight[i] = w;
        if (to_bias) to_bias[i] = b;
    }
    return true;
}

template <class T>
bool rows_backward(const NormRows& l, const T* grad, const T* x, const T* weight, const T* mean, const T* rstd, T* to_x,
                   T* to_weight, T* to_bias) {
    return l.centred ? backward_of_rows<T, true>(l, grad, x, weight, mean, rstd, to_x, to_weight, to_bias)
                     : backward_of_rows<T, false>(l, grad, x, weight, mean, rstd, to_x, to_weight, to_bias);
}

}  // namespace

const NormKernels<float> norm_f32 = {forward<float>, backward<float>, rows<float>, rows_backward<float>};
const NormKernels<double> norm_f64 = {forward<double>, backward<double>, rows<double>, rows_backward<double>};

}  // namespace rl::RL_ISA
