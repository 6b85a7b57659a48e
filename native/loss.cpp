// Softmax, its logarithm and cross entropy. Where a slice's elements lie side by side, vectors run along it; elsewhere a vector
// holds neighbouring slices. The greatest element is subtracted first, so that no exponential overflows.
#include "loss.h"

#include "core/thread_pool.h"
#include "core/vec_math.h"

namespace rl::RL_ISA {
namespace {

constexpr int64_t kGrain = 1 << 13;  // elements for which a second thread pays
constexpr int kSide = 4;             // vectors of neighbouring slices that go together

template <class T>
constexpr T kLowest = static_cast<T>(-__builtin_inf());

RL_INLINE float log_of(float x) { return __builtin_logf(x); }
RL_INLINE double log_of(double x) { return __builtin_log(x); }

template <class T>
RL_INLINE Vec<T> log_of(Vec<T> v) {
    for (int i = 0; i < lanes<T>; ++i) v[i] = log_of(v[i]);
    return v;
}

// body(row) over all rows, split over the pool.
template <class Body>
RL_INLINE void each_row(int64_t rows, int64_t columns, Body body) {
    parallel_for(rows, kGrain / (columns + 1) + 1, [=](int64_t i, int64_t end) {
        for (; i < end; ++i) body(i);
    });
}

// Walks a row in vectors: full(j) for whole ones, part(j, n) for the rest.
template <class T, class Full, class Part>
RL_INLINE void walk(int64_t columns, Full full, Part part) {
    int64_t j = 0;
    for (; j + lanes<T> <= columns; j += lanes<T>) full(j);
    if (j < columns) part(j, columns - j);
}

template <class T>
RL_INLINE T row_max(const T* x, int64_t columns) {
    Vec<T> top[4] = {splat(kLowest<T>), splat(kLowest<T>), splat(kLowest<T>), splat(kLowest<T>)};
    int64_t j = 0;
    for (; j + 4 * lanes<T> <= columns; j += 4 * lanes<T>) {
#pragma GCC unroll 4
        for (int v = 0; v < 4; ++v) top[v] = max<T>(load(x + j + v * lanes<T>), top[v]);
    }
    walk<T>(columns - j, [&](int64_t i) { top[0] = max<T>(load(x + j + i), top[0]); },
            [&](int64_t i, int64_t n) { top[1] = max<T>(load_part(x + j + i, n, kLowest<T>), top[1]); });
    return largest<T>(max<T>(max<T>(top[0], top[1]), max<T>(top[2], top[3])));
}

// The sum of exp(x - shift), each of which goes to put(j, vector, count).
template <class T, class Put>
RL_INLINE T row_exp_sum(const T* x, T shift, int64_t columns, Put put) {
    Vec<T> total{};
    walk<T>(columns,
            [&](int64_t j) {
                const Vec<T> e = exp_bounded<T>(load(x + j) - shift);
                put(j, e, lanes<T>);
                total += e;
            },
            [&](int64_t j, int64_t n) {
                // -inf in the padding would meet -inf in `shift` as NaN, so the padding is cut off after exp.
                const Vec<T> e = exp_bounded<T>(load_part(x + j, n, kLowest<T>) - shift);
                put(j, e, n);
                total += first_lanes<T>(n) ? e : Vec<T>{};
            });
    return sum<T>(total);
}

// out[j] = f(x[j]) on vectors.
template <class T, class F>
RL_INLINE void map_row(const T* x, T* out, int64_t columns, F f) {
    walk<T>(columns, [&](int64_t j) { store(out + j, f(load(x + j))); },
            [&](int64_t j, int64_t n) { store_part<T>(out + j, f(load_part(x + j, n)), n); });
}

template <class T, class F>
RL_INLINE void map_row(const T* x, const T* y, T* out, int64_t columns, F f) {
    walk<T>(columns, [&](int64_t j) { store(out + j, f(load(x + j), load(y + j))); },
            [&](int64_t j, int64_t n) { store_part<T>(out + j, f(load_part(x + j, n), load_part(y + j, n)), n); });
}

template <class T>
RL_INLINE void log_softmax_row(const T* x, T* out, int64_t columns) {
    const T top = row_max(x, columns);
    const T log_sum = log_of(row_exp_sum(x, top, columns, [](int64_t, Vec<T>, int64_t) {}));
    map_row(x, out, columns, [=](Vec<T> v) { return v - top - log_sum; });
}

template <class T>
RL_INLINE void softmax_row(const T* x, T* out, int64_t columns) {
    const T top = row_max(x, columns);
    const T total = row_exp_sum(x, top, columns, [=](int64_t j, Vec<T> e, int64_t n) {
        if (n == lanes<T>) store(out + j, e);
        else store_part(out + j, e, n);
    });
    map_row(static_cast<const T*>(out), out, columns, [=](Vec<T> v) { return v / total; });
}

// The sum of f(vector of x, vector of y), where f of zeros is 0.
template <class T, class F>
RL_INLINE T row_sum(const T* x, const T* y, int64_t columns, F f) {
    Vec<T> a{}, b{};
    int64_t j = 0;
    for (; j + 2 * lanes<T> <= columns; j += 2 * lanes<T>) {
        a += f(load(x + j), load(y + j));
        b += f(load(x + j + lanes<T>), load(y + j + lanes<T>));
    }
    walk<T>(columns - j, [&](int64_t i) { a += f(load(x + j + i), load(y + j + i)); },
            [&](int64_t i, int64_t n) { b += f(load_part(x + j + i, n), load_part(y + j + i, n)); });
    return sum<T>(a + b);
}

template <class T>
RL_INLINE void softmax_backward_row(const T* g, const T* y, T* out, int64_t columns) {
    const T dot = row_sum(g, y, columns, [](Vec<T> u, Vec<T> v) { return u * v; });
    map_row(g, y, out, columns, [=](Vec<T> u, Vec<T> v) { return (u - dot) * v; });
}

template <class T>
RL_INLINE void log_softmax_backward_row(const T* g, const T* y, T* out, int64_t columns) {
    const T total = row_sum(g, g, columns, [](Vec<T> u, Vec<T>) { return u; });
    map_row(g, y, out, columns, [=](Vec<T> u, Vec<T> v) { return u - exp<T>(v) * total; });
}

// VECS vectors of neighbouring slices; of a single one only `lanes_used` lanes are there.
template <class T, int VECS>
struct Side {
    int64_t stride, lanes_used;

    RL_INLINE Vec<T> get(const T* p, int64_t i, int v) const {
        p += i * stride + v * lanes<T>;
        return VECS > 1 || lanes_used == lanes<T> ? load(p) : load_part(p, lanes_used);
    }
    RL_INLINE void put(T* p, int64_t i, int v, Vec<T> value) const {
        p += i * stride + v * lanes<T>;
        if (VECS > 1 || lanes_used == lanes<T>) store(p, value);
        else store_part(p, value, lanes_used);
    }
};

// body(i, v) for all elements of the slices and all vectors.
template <int VECS, class Body>
RL_INLINE void each_element(int64_t count, Body body) {
    for (int64_t i = 0; i < count; ++i) {
#pragma GCC unroll 4
        for (int v = 0; v < VECS; ++v) body(i, v);
    }
}

template <class T, int VECS, bool LOGARITHM>
RL_INLINE void forward_side(const T* x, T* out, int64_t count, const Side<T, VECS>& side) {
    Vec<T> top[VECS], total[VECS] = {};
    for (int v = 0; v < VECS; ++v) top[v] = splat(kLowest<T>);
    each_element<VECS>(count, [&](int64_t i, int v) { top[v] = max<T>(side.get(x, i, v), top[v]); });
    each_element<VECS>(count, [&](int64_t i, int v) {
        const Vec<T> e = exp_bounded<T>(side.get(x, i, v) - top[v]);
        if constexpr (!LOGARITHM) side.put(out, i, v, e);
        total[v] += e;
    });
    if constexpr (LOGARITHM) {
        for (int v = 0; v < VECS; ++v) total[v] = log_of<T>(total[v]);
        each_element<VECS>(count, [&](int64_t i, int v) { side.put(out, i, v, side.get(x, i, v) - top[v] - total[v]); });
    } else {
        each_element<VECS>(count, [&](int64_t i, int v) { side.put(out, i, v, side.get(out, i, v) / total[v]); });
    }
}

template <class T, int VECS, bool LOGARITHM>
RL_INLINE void backward_side(const T* g, const T* y, T* out, int64_t count, const Side<T, VECS>& side) {
    Vec<T> total[VECS] = {};
    each_element<VECS>(count, [&](int64_t i, int v) {
        total[v] += LOGARITHM ? side.get(g, i, v) : side.get(g, i, v) * side.get(y, i, v);
    });
    each_element<VECS>(count, [&](int64_t i, int v) {
        const Vec<T> u = side.get(g, i, v), w = side.get(y, i, v);
        side.put(out, i, v, LOGARITHM ? u - exp<T>(w) * total[v] : (u - total[v]) * w);
    });
}

// wide(offset, side) or narrow(offset, side) for groups of neighbouring slices, as many vectors at a time as there are.
template <class T, class Wide, class Narrow>
RL_INLINE void each_side(const Slicing& s, Wide wide, Narrow narrow) {
    constexpr int64_t width = kSide * lanes<T>;
    const int64_t groups = (s.inner + width - 1) / width;
    parallel_for(s.outer * groups, kGrain / (s.count * width + 1) + 1, [=](int64_t unit, int64_t end) {
        for (; unit < end; ++unit) {
            const int64_t first = unit % groups * width, offset = unit / groups * s.count * s.inner;
            if (first + width <= s.inner) {
                wide(offset + first, Side<T, kSide>{s.inner, lanes<T>});
                continue;
            }
            for (int64_t j = first; j < s.inner; j += lanes<T>) {
                const int64_t left = s.inner - j;
                narrow(offset + j, Side<T, 1>{s.inner, left < lanes<T> ? left : lanes<T>});
            }
        }
    });
}

template <class T, bool LOGARITHM>
void forward(const T* x, T* out, const Slicing& s) {
    const int64_t n = s.count;
    if (s.inner > 1) {
        each_side<T>(s, [=](int64_t at, const auto& side) { forward_side<T, kSide, LOGARITHM>(x + at, out + at, n, side); },
                     [=](int64_t at, const auto& side) { forward_side<T, 1, LOGARITHM>(x + at, out + at, n, side); });
        return;
    }
    each_row(s.outer, n, [=](int64_t i) {
        if constexpr (LOGARITHM) log_softmax_row(x + i * n, out + i * n, n);
        else softmax_row(x + i * n, out + i * n, n);
    });
}

template <class T, bool LOGARITHM>
void backward(const T* grad, const T* result, T* out, const Slicing& s) {
    const int64_t n = s.count;
    if (s.inner > 1) {
        each_side<T>(
            s, [=](int64_t at, const auto& side) { backward_side<T, kSide, LOGARITHM>(grad + at, result + at, out + at, n, side); },
            [=](int64_t at, const auto& side) { backward_side<T, 1, LOGARITHM>(grad + at, result + at, out + at, n, side); });
        return;
    }
    each_row(s.outer, n, [=](int64_t i) {
        if constexpr (LOGARITHM) log_softmax_backward_row(grad + i * n, result + i * n, out + i * n, n);
        else softmax_backward_row(grad + i * n, result + i * n, out + i * n, n);
    });
}

template <class T>
void cross_entropy(const T* logits, const int64_t* target, int64_t ignore, T* losses, T* normalizers, int64_t rows, int64_t columns) {
    each_row(rows, columns, [=](int64_t i) {
        const T *x = logits + i * columns, top = row_max(x, columns);
        const T log_sum = log_of(row_exp_sum(x, top, columns, [](int64_t, Vec<T>, int64_t) {}));
        normalizers[2 * i] = top, normalizers[2 * i + 1] = log_sum;
        losses[i] = target[i] == ignore ? T(0) : -(x[target[i]] - top - log_sum);
    });
}

template <class T>
void cross_entropy_backward(const T* logits, const T* normalizers, const int64_t* target, int64_t ignore, const T* grad, T* out,
                            int64_t rows, int64_t columns) {
    each_row(rows, columns, [=](int64_t i) {
        T* to = out + i * columns;
        if (target[i] == ignore) {
            for (int64_t j = 0; j < columns; ++j) to[j] = 0;
            return;
        }
        const T *x = logits + i * columns, g = grad[i], top = normalizers[2 * i], log_sum = normalizers[2 * i + 1];
        const T p = x[target[i]] - top - log_sum;
        map_row(x, to, columns, [=](Vec<T> v) { return exp_bounded<T>(v - top - log_sum) * g; });
        // exp(p) - 1 loses digits as p goes to 0, expm1 doesn't; the difference is below float rounding of the loss.
        to[target[i]] = static_cast<T>(__builtin_expm1(static_cast<double>(p))) * g;
    });
}

template <class T>
constexpr LossKernels<T> table = {
    forward<T, false>, forward<T, true>, backward<T, false>, backward<T, true>, cross_entropy<T>, cross_entropy_backward<T>,
};

}  // namespace

const LossKernels<float> loss_f32 = table<float>;
const LossKernels<double> loss_f64 = table<double>;

}  // namespace rl::RL_ISA
