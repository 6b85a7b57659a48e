#include "scan.h"

#include <math.h>

#include "core/thread_pool.h"
#include "core/vec.h"

namespace rl::RL_ISA {
namespace {

constexpr int64_t kGrain = 1 << 14;  // elements for which a second thread pays
constexpr int64_t kBlock = 64;       // columns whose running results are kept at hand

// What a running result is kept in; integers wrap around.
template <class T>
struct WideOf {
    using type = double;
};
template <>
struct WideOf<int64_t> {
    using type = uint64_t;
};
template <class T>
using WideType = typename WideOf<T>::type;

struct Sum {
    template <class A>
    A operator()(A total, A x) const {
        return total + x;
    }
};
struct Product {
    template <class A>
    A operator()(A total, A x) const {
        return total * x;
    }
};
struct LogSumExp {
    double operator()(double total, double x) const {
        if (total != total || x != x) return total + x;
        const double low = x < total ? x : total, high = x < total ? total : x;
        return low != high || isfinite(low) ? ::log1p(::exp(low - high)) + high : x;
    }
};

// Calls body(the first element, how many columns) for every run of neighbouring columns.
template <class Body>
void each_block(int64_t outer, int64_t n, int64_t inner, Body body) {
    const int64_t blocks = (inner + kBlock - 1) / kBlock;
    const int64_t width = inner < kBlock ? inner : kBlock;
    parallel_for(outer * blocks, kGrain / (n * width + 1) + 1, [=](int64_t i, int64_t end) {
        for (; i < end; ++i) {
            const int64_t column = i % blocks * kBlock;
            body(i / blocks * n * inner + column, inner - column < kBlock ? inner - column : kBlock);
        }
    });
}

// Rows whose running results are carried side by side: each waits for the one before it, but not for other rows'.
constexpr int kRows = 8;

template <class T, class Op>
void scan_rows(const T* x, T* out, int64_t outer, int64_t n, Op op, WideType<T> start) {
    using A = WideType<T>;
    parallel_for((outer + kRows - 1) / kRows, kGrain / (kRows * (n + 1)) + 1, [=](int64_t group, int64_t end) {
        for (; group < end; ++group) {
            const int64_t first = group * kRows, rows = outer - first < kRows ? outer - first : kRows;
            const T* from = x + first * n;
            T* to = out + first * n;
            A totals[kRows];
            for (A& total : totals) total = start;
            if (rows == kRows) {
                for (int64_t k = 0; k < n; ++k) {
                    for (int r = 0; r < kRows; ++r) {
                        totals[r] = op(totals[r], static_cast<A>(from[r * n + k]));
                        to[r * n + k] = static_cast<T>(totals[r]);
                    }
                }
                continue;
            }
            for (int64_t r = 0; r < rows; ++r) {
                for (int64_t k = 0; k < n; ++k) {
                    totals[r] = op(totals[r], static_cast<A>(from[r * n + k]));
                    to[r * n + k] = static_cast<T>(totals[r]);
                }
            }
        }
    });
}

template <class T, class Op>
void scan(const T* x, T* out, int64_t outer, int64_t n, int64_t inner, Op op, WideType<T> start) {
    using A = WideType<T>;
    if (inner == 1) return scan_rows(x, out, outer, n, op, start);
    each_block(outer, n, inner, [=](int64_t first, int64_t width) {
        const T* from = x + first;
        T* to = out + first;
        if (width == 1) {
            A total = start;
            for (int64_t k = 0; k < n; ++k) {
                total = op(total, static_cast<A>(from[k * inner]));
                to[k * inner] = static_cast<T>(total);
            }
            return;
        }
        A totals[kBlock];
        for (int64_t c = 0; c < width; ++c) totals[c] = start;
        for (int64_t k = 0; k < n; ++k) {
            for (int64_t c = 0; c < width; ++c) {
                totals[c] = op(totals[c], static_cast<A>(from[k * inner + c]));
                to[k * inner + c] = static_cast<T>(totals[c]);
            }
        }
    });
}

template <class T>
void sum(const T* x, T* out, int64_t outer, int64_t n, int64_t inner) {
    scan(x, out, outer, n, inner, Sum{}, WideType<T>{0});
}
template <class T>
void product(const T* x, T* out, int64_t outer, int64_t n, int64_t inner) {
    scan(x, out, outer, n, inner, Product{}, WideType<T>{1});
}
template <class T>
void log_sum_exp(const T* x, T* out, int64_t outer, int64_t n, int64_t inner) {
    scan(x, out, outer, n, inner, LogSumExp{}, -HUGE_VAL);
}

template <class T, bool GREATEST>
void extremum_of(const T* x, T* out, int64_t* places, int64_t outer, int64_t n, int64_t inner) {
    each_block(outer, n, inner, [=](int64_t first, int64_t width) {
        if (width == 1) {
            T best = x[first];
            int64_t place = 0;
            for (int64_t k = 0; k < n; ++k) {
                const T value = x[first + k * inner];
                const bool met = value != value || (GREATEST ? value >= best : value <= best);
                best = met ? value : best;
                place = met ? k : place;
                out[first + k * inner] = best;
                places[first + k * inner] = place;
            }
            return;
        }
        T best[kBlock];
        int64_t place[kBlock];
        for (int64_t c = 0; c < width; ++c) {
            best[c] = x[first + c];
            place[c] = 0;
        }
        for (int64_t k = 0; k < n; ++k) {
            const int64_t row = first + k * inner;
            for (int64_t c = 0; c < width; ++c) {
                const T value = x[row + c];
                const bool met = value != value || (GREATEST ? value >= best[c] : value <= best[c]);
                best[c] = met ? value : best[c];
                place[c] = met ? k : place[c];
                out[row + c] = best[c];
                places[row + c] = place[c];
            }
        }
    });
}

template <class T>
void extremum(const T* x, T* out, int64_t* places, int64_t outer, int64_t n, int64_t inner, bool greatest) {
    (greatest ? extremum_of<T, true> : extremum_of<T, false>)(x, out, places, outer, n, inner);
}

}  // namespace

const ScanKernels<float> scan_f32 = {sum<float>, product<float>, log_sum_exp<float>, extremum<float>};
const ScanKernels<double> scan_f64 = {sum<double>, product<double>, log_sum_exp<double>, extremum<double>};
const ScanKernels<int64_t> scan_i64 = {sum<int64_t>, product<int64_t>, nullptr, extremum<int64_t>};

}  // namespace rl::RL_ISA
