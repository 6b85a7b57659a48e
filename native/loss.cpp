#include "loss.h"

#include "core/thread_pool.h"
#include "core/vec_math.h"

namespace rl::RL_ISA {
namespace {

constexpr int64_t kGrain = 1 << 13;  // elements for which a second thread pays

RL_INLINE float log_of(float x) { return __builtin_logf(x); }
RL_INLINE double log_of(double x) { return __builtin_log(x); }

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
    constexpr T lowest = static_cast<T>(-__builtin_inf());
    Vec<T> top = splat(lowest);
    walk<T>(columns, [&](int64_t j) { top = max<T>(load(x + j), top); },
            [&](int64_t j, int64_t n) { top = max<T>(load_part(x + j, n, lowest), top); });
    return largest<T>(top);
}

template <class T>
RL_INLINE T row_exp_sum(const T* x, T shift, int64_t columns) {
    constexpr T lowest = static_cast<T>(-__builtin_inf());
    Vec<T> total{};
    // -inf in the padding would meet -inf in `shift` as NaN, so the padding is cut off after exp.
    walk<T>(columns, [&](int64_t j) { total += exp<T>(load(x + j) - shift); },
            [&](int64_t j, int64_t n) {
                alignas(kVectorBytes) T e[lanes<T>];
                store(e, exp<T>(load_part(x + j, n, lowest) - shift));
                total += load_part(e, n);
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
    const T log_sum = log_of(row_exp_sum(x, top, columns));
    map_row(x, out, columns, [=](Vec<T> v) { return v - top - log_sum; });
}

template <class T>
void log_softmax(const T* x, T* out, int64_t rows, int64_t columns) {
    each_row(rows, columns, [=](int64_t i) { log_softmax_row(x + i * columns, out + i * columns, columns); });
}

template <class T>
void softmax(const T* x, T* out, int64_t rows, int64_t columns) {
    each_row(rows, columns, [=](int64_t i) {
        const T *from = x + i * columns;
        T* to = out + i * columns;
        const T top = row_max(from, columns);
        map_row(from, to, columns, [=](Vec<T> v) { return exp<T>(v - top); });
        Vec<T> total{};
        walk<T>(columns, [&](int64_t j) { total += load(to + j); },
                [&](int64_t j, int64_t n) { total += load_part(to + j, n); });
        const T sum_of_row = sum<T>(total);
        map_row(static_cast<const T*>(to), to, columns, [=](Vec<T> v) { return v / sum_of_row; });
    });
}

template <class T>
void softmax_backward(const T* grad, const T* result, T* out, int64_t rows, int64_t columns) {
    each_row(rows, columns, [=](int64_t i) {
        const T *g = grad + i * columns, *y = result + i * columns;
        Vec<T> total{};
        walk<T>(columns, [&](int64_t j) { total += load(g + j) * load(y + j); },
                [&](int64_t j, int64_t n) { total += load_part(g + j, n) * load_part(y + j, n); });
        const T dot = sum<T>(total);
        map_row(g, y, out + i * columns, columns, [=](Vec<T> u, Vec<T> v) { return (u - dot) * v; });
    });
}

template <class T>
void log_softmax_backward(const T* grad, const T* result, T* out, int64_t rows, int64_t columns) {
    each_row(rows, columns, [=](int64_t i) {
        const T *g = grad + i * columns, *y = result + i * columns;
        Vec<T> total{};
        walk<T>(columns, [&](int64_t j) { total += load(g + j); },
                [&](int64_t j, int64_t n) { total += load_part(g + j, n); });
        const T sum_of_grad = sum<T>(total);
        map_row(g, y, out + i * columns, columns, [=](Vec<T> u, Vec<T> v) { return u - exp<T>(v) * sum_of_grad; });
    });
}

template <class T>
void cross_entropy(const T* logits, const int64_t* target, int64_t ignore, T* losses, T* log_probs, int64_t rows,
                   int64_t columns) {
    each_row(rows, columns, [=](int64_t i) {
        T* to = log_probs + i * columns;
        log_softmax_row(logits + i * columns, to, columns);
        losses[i] = target[i] == ignore ? T(0) : -to[target[i]];
    });
}

template <class T>
void cross_entropy_backward(const T* log_probs, const int64_t* target, int64_t ignore, const T* grad, T* out,
                            int64_t rows, int64_t columns) {
    each_row(rows, columns, [=](int64_t i) {
        T* to = out + i * columns;
        if (target[i] == ignore) {
            for (int64_t j = 0; j < columns; ++j) to[j] = 0;
            return;
        }
        const T g = grad[i], p = log_probs[i * columns + target[i]];
        map_row(log_probs + i * columns, to, columns, [=](Vec<T> v) { return exp<T>(v) * g; });
        // exp(p) - 1 loses digits as p goes to 0, expm1 doesn't; the difference is below float rounding of the loss.
        to[target[i]] = static_cast<T>(__builtin_expm1(static_cast<double>(p))) * g;
    });
}

template <class T>
constexpr LossKernels<T> table = {
    softmax<T>, log_softmax<T>, softmax_backward<T>, log_softmax_backward<T>, cross_entropy<T>, cross_entropy_backward<T>,
};

}  // namespace

const LossKernels<float> loss_f32 = table<float>;
const LossKernels<double> loss_f64 = table<double>;

}  // namespace rl::RL_ISA
