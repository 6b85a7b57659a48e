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
template <class T>
constexpr int kRows = lanes<T> > 8 ? lanes<T> : 8;
// Of that many rows a cache line each is taken at a time, and turned so that the rows' elements of one column lie together.
// Read element by element, lines of rows whose distance is a multiple of 4096 bytes would drive each other out of the cache.
template <class T>
constexpr int kLine = 64 / sizeof(T);
// Fewer rows are scanned one after the other.
constexpr int64_t kFewRows = 4;

// tile[k][r] = x[r * stride + k], or the other way round. Rows from `rows` on are the last one again, and aren't written.
template <class T, bool INTO_ROWS, class Tile, class Rows>
RL_INLINE void turn(Tile (&tile)[kLine<T>][kRows<T>], Rows* x, int64_t stride, int64_t rows) {
    for (int r = 0; r < kRows<T>; r += lanes<T>) {
        for (int k = 0; k < kLine<T>; k += lanes<T>) {
            Vec<T> block[lanes<T>];
#pragma GCC unroll 16
            for (int i = 0; i < lanes<T>; ++i) {
                if constexpr (INTO_ROWS) block[i] = load(&tile[k + i][r]);
                else block[i] = load(x + (r + i < rows ? r + i : rows - 1) * stride + k);
            }
            transpose<T>(block);
#pragma GCC unroll 16
            for (int i = 0; i < lanes<T>; ++i) {
                if constexpr (!INTO_ROWS) store(&tile[k + i][r], block[i]);
                else if (r + i < rows) store(x + (r + i) * stride + k, block[i]);
            }
        }
    }
}

// The k-th of n places, counted from the end where a scan goes that way.
template <bool FROM_END>
RL_INLINE int64_t place(int64_t k, int64_t n) { return FROM_END ? n - 1 - k : k; }

template <bool FROM_END, class T, class Op>
void scan_row(const T* x, T* out, int64_t n, Op op, WideType<T> total) {
    for (int64_t i = 0; i < n; ++i) {
        const int64_t k = place<FROM_END>(i, n);
        total = op(total, static_cast<WideType<T>>(x[k]));
        out[k] = static_cast<T>(total);
    }
}

template <bool FROM_END, class T, class Op>
void scan_rows(const T* x, T* out, int64_t outer, int64_t n, Op op, WideType<T> start) {
    using A = WideType<T>;
    constexpr int group_rows = kRows<T>, line = kLine<T>;
    parallel_for((outer + group_rows - 1) / group_rows, kGrain / (group_rows * (n + 1)) + 1, [=](int64_t group, int64_t end) {
        for (; group < end; ++group) {
            const int64_t first = group * group_rows, rows = outer - first < group_rows ? outer - first : group_rows;
            const T* from = x + first * n;
            T* to = out + first * n;
            A totals[group_rows];
            for (A& total : totals) total = start;
            int64_t done = 0;
            for (; rows >= kFewRows && done + line <= n; done += line) {
                alignas(64) T tile[line][group_rows];
                const int64_t at = FROM_END ? n - done - line : done;
                turn<T, false>(tile, from + at, n, rows);
                const int64_t ahead = FROM_END ? at - 4 * line : at + 4 * line;
                if (ahead >= 0 && ahead < n) {
                    for (int64_t r = 0; r < rows; ++r) __builtin_prefetch(from + r * n + ahead);
                }
                for (int k = 0; k < line; ++k) {
                    auto& column = tile[place<FROM_END>(k, line)];
                    for (int r = 0; r < group_rows; ++r) {
                        totals[r] = op(totals[r], static_cast<A>(column[r]));
                        column[r] = static_cast<T>(totals[r]);
                    }
                }
                turn<T, true>(tile, to + at, n, rows);
            }
            const int64_t at = FROM_END ? 0 : done;
            for (int64_t r = 0; r < rows; ++r) scan_row<FROM_END>(from + r * n + at, to + r * n + at, n - done, op, totals[r]);
        }
    });
}

// What running results of a row are kept in: vectors of 32 bytes at most, since a shuffle of 64 takes longer than two of 32.
constexpr int kSumBytes = kVectorBytes < 32 ? kVectorBytes : 32;
template <class A>
struct SumsOf {
    static constexpr int lanes = kSumBytes / static_cast<int>(sizeof(A));
    typedef A type __attribute__((vector_size(kSumBytes)));
    using indices = std::make_integer_sequence<int, lanes>;
};
template <class A>
using Sums = typename SumsOf<A>::type;

// The lanes of v moved STEP places on (back, from the end); zeros come in.
template <class A, int STEP, bool FROM_END, int... I>
RL_INLINE Sums<A> moved(Sums<A> v, std::integer_sequence<int, I...>) {
    constexpr int L = SumsOf<A>::lanes;
    constexpr auto from = [](int i) { return FROM_END ? (i + STEP < L ? i + STEP : L + i) : (i >= STEP ? i - STEP : L + i); };
#if defined(__clang__)
    return __builtin_shufflevector(v, Sums<A>{}, from(I)...);
#else
    return __builtin_shuffle(v, Sums<A>{}, decltype(v < v){from(I)...});
#endif
}

// All lanes are v's last (first, from the end).
template <class A, bool FROM_END, int... I>
RL_INLINE Sums<A> last_of(Sums<A> v, std::integer_sequence<int, I...>) {
    constexpr int at = FROM_END ? 0 : SumsOf<A>::lanes - 1;
#if defined(__clang__)
    return __builtin_shufflevector(v, v, (I * 0 + at)...);
#else
    return __builtin_shuffle(v, decltype(v < v){(I * 0 + at)...});
#endif
}

// The running sums of a vector's lanes, in as many steps as it can be halved.
template <class A, bool FROM_END, int STEP = 1>
RL_INLINE Sums<A> sums_within(Sums<A> v) {
    if constexpr (STEP == SumsOf<A>::lanes) return v;
    else return sums_within<A, FROM_END, 2 * STEP>(v + moved<A, STEP, FROM_END>(v, typename SumsOf<A>::indices{}));
}

// As many elements as fit a vector of sums. GCC converts four floats two by two, were it not told.
template <class T>
RL_INLINE Sums<WideType<T>> widened(const T* x) {
#if defined(__AVX2__)
    if constexpr (std::is_same_v<T, float>) return (Sums<double>)_mm256_cvtps_pd(_mm_loadu_ps(x));
#endif
    typedef T Few __attribute__((vector_size(SumsOf<WideType<T>>::lanes * sizeof(T))));
    Few few;
    __builtin_memcpy(&few, x, sizeof few);
    return __builtin_convertvector(few, Sums<WideType<T>>);
}

// The sums of a row where their order doesn't matter, what they are kept in having digits and range to spare. A vector's own sums
// need none of what came before, which is added to them at last: one addition to wait for, not one an element.
template <bool FROM_END, class T>
void sum_row(const T* x, T* out, int64_t n) {
    using A = WideType<T>;
    constexpr int L = SumsOf<A>::lanes;
    typedef T Few __attribute__((vector_size(L * sizeof(T))));
    constexpr typename SumsOf<A>::indices all{};
    Sums<A> before{};
    int64_t done = 0;
    for (; done + L <= n; done += L) {
        const int64_t at = FROM_END ? n - done - L : done;
        const Sums<A> sums = sums_within<A, FROM_END>(widened(x + at));
        const Few few = __builtin_convertvector(before + sums, Few);
        __builtin_memcpy(out + at, &few, sizeof few);
        before += last_of<A, FROM_END>(sums, all);
    }
    const int64_t rest = FROM_END ? 0 : done;
    scan_row<FROM_END>(x + rest, out + rest, n - done, Sum{}, before[0]);
}

template <bool FROM_END, class T>
void sum_rows(const T* x, T* out, int64_t outer, int64_t n) {
    parallel_for(outer, kGrain / (n + 1) + 1, [=](int64_t row, int64_t end) {
        for (; row < end; ++row) sum_row<FROM_END>(x + row * n, out + row * n, n);
    });
}

template <bool FROM_END = false, class T, class Op>
void scan(const T* x, T* out, int64_t outer, int64_t n, int64_t inner, Op op, WideType<T> start) {
    using A = WideType<T>;
    if (inner == 1) return scan_rows<FROM_END>(x, out, outer, n, op, start);
    each_block(outer, n, inner, [=](int64_t first, int64_t width) {
        const T* from = x + first;
        T* to = out + first;
        if (width == 1) {
            A total = start;
            for (int64_t k = 0; k < n; ++k) {
                const int64_t at = place<FROM_END>(k, n) * inner;
                total = op(total, static_cast<A>(from[at]));
                to[at] = static_cast<T>(total);
            }
            return;
        }
        A totals[kBlock];
        for (int64_t c = 0; c < width; ++c) totals[c] = start;
        for (int64_t k = 0; k < n; ++k) {
            const int64_t at = place<FROM_END>(k, n) * inner;
            for (int64_t c = 0; c < width; ++c) {
                totals[c] = op(totals[c], static_cast<A>(from[at + c]));
                to[at + c] = static_cast<T>(totals[c]);
            }
        }
    });
}

template <class T>
void sum(const T* x, T* out, int64_t outer, int64_t n, int64_t inner, bool from_end) {
    // Sums of double might overflow in one order and not in another.
    if constexpr (!std::is_same_v<T, double>) {
        if (inner == 1) return from_end ? sum_rows<true>(x, out, outer, n) : sum_rows<false>(x, out, outer, n);
    }
    if (from_end) scan<true>(x, out, outer, n, inner, Sum{}, WideType<T>{0});
    else scan(x, out, outer, n, inner, Sum{}, WideType<T>{0});
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
            int64_t where = 0;
            for (int64_t k = 0; k < n; ++k) {
                const T value = x[first + k * inner];
                const bool met = value != value || (GREATEST ? value >= best : value <= best);
                best = met ? value : best;
                where = met ? k : where;
                out[first + k * inner] = best;
                places[first + k * inner] = where;
            }
            return;
        }
        T best[kBlock];
        int64_t where[kBlock];
        for (int64_t c = 0; c < width; ++c) {
            best[c] = x[first + c];
            where[c] = 0;
        }
        for (int64_t k = 0; k < n; ++k) {
            const int64_t row = first + k * inner;
            for (int64_t c = 0; c < width; ++c) {
                const T value = x[row + c];
                const bool met = value != value || (GREATEST ? value >= best[c] : value <= best[c]);
                best[c] = met ? value : best[c];
                where[c] = met ? k : where[c];
                out[row + c] = best[c];
                places[row + c] = where[c];
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
