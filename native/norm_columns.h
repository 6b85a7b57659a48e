// Normalisation down the columns of a matrix, as of a batch of vectors: `sets` columns, `segments` rows. Vectors run along the rows.
#pragma once

#include "core/thread_pool.h"
#include "core/vec.h"
#include "norm.h"

namespace rl::RL_ISA {
namespace {

constexpr int64_t kColumnGrain = 1 << 13;  // elements for which a second thread pays
constexpr int64_t kColumnRows = 64;        // rows in one chain of additions

RL_INLINE bool is_columns(const NormLayout& l) { return l.length == 1 && l.set_stride == 1 && l.segment_stride == l.sets; }

// body(column, count, weights' first number) for each vector of columns.
template <class T, class Body>
RL_INLINE void each_columns(const NormLayout& l, Body body) {
    const int64_t vectors = (l.sets + lanes<T> - 1) / lanes<T>;
    parallel_for(vectors, kColumnGrain / (l.segments * lanes<T>) + 1, [&](int64_t i, int64_t end) {
        for (; i < end; ++i) {
            const int64_t left = l.sets - i * lanes<T>;
            body(i * lanes<T>, left < lanes<T> ? left : lanes<T>);
        }
    });
}

// The sum of f(row) over all rows.
template <class T, class F>
RL_INLINE Vec<T> sum_rows(int64_t rows, F f) {
    Vec<T> total{};
    for (int64_t first = 0; first < rows; first += kColumnRows) {
        const int64_t last = first + kColumnRows < rows ? first + kColumnRows : rows;
        Vec<T> own{};
        for (int64_t row = first; row < last; ++row) own += f(row);
        total += own;
    }
    return total;
}

template <class T>
void forward_columns(const NormLayout& l, const T* x, const T* weight, const T* bias, T eps, T* out, T* mean, T* var, T* rstd) {
    const T part = T(1) / static_cast<T>(l.segments);
    each_columns<T>(l, [=](int64_t c, int64_t n) {
        const auto at = [=](int64_t row) { return load_n(x + row * l.sets + c, n); };
        const Vec<T> centre = sum_rows<T>(l.segments, at) * part;
        const Vec<T> variance = sum_rows<T>(l.segments, [=](int64_t row) {
            const Vec<T> distance = at(row) - centre;
            return distance * distance;
        }) * part;
        const Vec<T> scale = T(1) / sqrt<T>(variance + eps);
        store_n(mean + c, centre, n), store_n(var + c, variance, n), store_n(rstd + c, scale, n);
        const Vec<T> factor = weight ? scale * load_n(weight + c, n) : scale;
        const Vec<T> shift = bias ? load_n(bias + c, n) : Vec<T>{};
        for (int64_t row = 0; row < l.segments; ++row)
            store_n(out + row * l.sets + c, fmadd<T>(at(row) - centre, factor, shift), n);
    });
}

template <class T>
void backward_columns(const NormLayout& l, const T* grad, const T* x, const T* weight, const T* mean, const T* rstd, T* to_x,
                      T* to_weight, T* to_bias) {
    const T part = T(1) / static_cast<T>(l.segments);
    each_columns<T>(l, [=](int64_t c, int64_t n) {
        const Vec<T> centre = load_n(mean + c, n), scale = load_n(rstd + c, n);
        const auto gradient = [=](int64_t row) { return load_n(grad + row * l.sets + c, n); };
        const auto normal = [=](int64_t row) { return (load_n(x + row * l.sets + c, n) - centre) * scale; };
        const Vec<T> plain = sum_rows<T>(l.segments, gradient);
        const Vec<T> slanted = sum_rows<T>(l.segments, [=](int64_t row) { return gradient(row) * normal(row); });
        const Vec<T> factor = weight ? scale * load_n(weight + c, n) : scale;
        for (int64_t row = 0; row < l.segments; ++row)
            store_n(to_x + row * l.sets + c, (gradient(row) - plain * part - normal(row) * (slanted * part)) * factor, n);
        if (!to_weight) return;
        store_n(to_weight + c, slanted, n);
        store_n(to_bias + c, plain, n);
    });
}

}  // namespace
}  // namespace rl::RL_ISA
