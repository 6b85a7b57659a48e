#include "reduce.h"

#include <math.h>

#include "core/allocator.h"
#include "core/thread_pool.h"
#include "core/vec.h"
#include "core/vec_math.h"

namespace rl::RL_ISA {
namespace {

constexpr int64_t kGrain = 1 << 15;  // elements for which a second thread pays
constexpr int64_t kChunk = 1 << 14;  // elements whose sum is one thread's; fixed, so that the result is too
constexpr int64_t kRows = 64;        // rows added one after another, before their sum joins the others by halves
constexpr int64_t kStripe = 1024;    // columns whose sums are in the first cache beside the rows
constexpr int64_t kTasks = 16;       // stripes that threads can share out evenly

// Up to kBlock elements in four running vectors.
template <class T>
constexpr int64_t kBlock = 64 * lanes<T>;

template <class T>
RL_INLINE T sum_block(const T* x, int64_t n) {
    Vec<T> total[4] = {};
    int64_t i = 0;
    for (; i + 4 * lanes<T> <= n; i += 4 * lanes<T>) {
        for (int v = 0; v < 4; ++v) total[v] += load(x + i + v * lanes<T>);
    }
    for (; i + lanes<T> <= n; i += lanes<T>) total[0] += load(x + i);
    if (i < n) total[1] += load_part(x + i, n - i);
    return sum<T>((total[0] + total[1]) + (total[2] + total[3]));
}

// By halves of whole blocks.
template <class T>
T sum_pairwise(const T* x, int64_t n) {
    if (n <= kBlock<T>) return sum_block(x, n);
    const int64_t half = (n / kBlock<T> + 1) / 2 * kBlock<T>;
    return sum_pairwise(x, half) + sum_pairwise(x + half, n - half);
}

template <class T>
T sum_all(const T* x, int64_t n) {
    const int64_t chunks = (n + kChunk - 1) / kChunk;
    if (chunks <= 1) return sum_pairwise(x, n);
    Scratch<T> parts(chunks);
    T* part = parts.get();
    if (!part) return sum_pairwise(x, n);
    parallel_for(chunks, 2, [=](int64_t i, int64_t end) {
        for (; i < end; ++i) part[i] = sum_pairwise(x + i * kChunk, i + 1 < chunks ? kChunk : n - i * kChunk);
    });
    return sum_pairwise(part, chunks);
}

// body(c, count) for each vector of n columns, the last of which may be a part.
template <class T, class Body>
RL_INLINE void for_vectors(int64_t n, Body body) {
    int64_t c = 0;
    for (; c + lanes<T> <= n; c += lanes<T>) body(c, lanes<T>);
    if (c < n) body(c, n - c);
}

// to[c] = the sum down column c of 1 to kRows rows, `stride` elements apart. Eight rows are read side by side, each in order as
// the processor fetches ahead, for every reading and writing of the sums.
template <class T>
void sum_few_rows(const T* x, int64_t n, int64_t stride, int64_t width, T* to) {
    const int64_t first = (n - 1) % 8 + 1;
    for_vectors<T>(width, [=](int64_t c, int64_t count) __attribute__((always_inline)) {
        Vec<T> total = load_n(x + c, count);
        for (int64_t k = 1; k < first; ++k) total += load_n(x + k * stride + c, count);
        store_n(to + c, total, count);
    });
    for (int64_t k = first; k < n; k += 8) {
        const T* const row = x + k * stride;
        for_vectors<T>(width, [=](int64_t c, int64_t count) __attribute__((always_inline)) {
            Vec<T> v[8];
            for (int i = 0; i < 8; ++i) v[i] = load_n(row + i * stride + c, count);
            const Vec<T> eight = ((v[0] + v[1]) + (v[2] + v[3])) + ((v[4] + v[5]) + (v[6] + v[7]));
            store_n(to + c, load_n(to + c, count) + eight, count);
        });
    }
}

template <class T>
void add_row(const T* x, int64_t width, T* to) {
    for_vectors<T>(width, [=](int64_t c, int64_t count) __attribute__((always_inline)) {
        store_n(to + c, load_n(to + c, count) + load_n(x + c, count), count);
    });
}

// The same of any number of rows but none, of up to kStripe columns: by halves.
template <class T>
void sum_rows(const T* x, int64_t n, int64_t stride, int64_t width, T* to) {
    if (n <= kRows) return sum_few_rows(x, n, stride, width, to);
    const int64_t half = (n / kRows + 1) / 2 * kRows;
    alignas(kVectorBytes) T rest[kStripe];
    sum_rows(x, half, stride, width, to);
    sum_rows(x + half * stride, n - half, stride, width, rest);
    add_row(rest, width, to);
}

// Of rows that follow one another. Where they are narrow, several make a wide one, whose sum is several rows again.
template <class T>
void sum_whole_rows(const T* x, int64_t n, int64_t inner, T* to) {
    const int64_t together = smaller(kStripe / inner, n / 8);
    if (together < 2) {
        for (int64_t c = 0; c < inner; c += kStripe) sum_rows(x + c, n, inner, smaller(inner - c, kStripe), to + c);
        return;
    }
    alignas(kVectorBytes) T sums[kStripe];
    const int64_t left = n % together;
    sum_rows(x, n / together, together * inner, together * inner, sums);
    sum_whole_rows(sums, together, inner, to);
    if (left) {
        sum_rows(x + (n - left) * inner, left, inner, inner, sums);
        add_row(sums, inner, to);
    }
}

template <class T>
RL_INLINE void divide(T* x, int64_t n, T divisor) {
    if (divisor == T(1)) return;
    for_vectors<T>(n, [=](int64_t c, int64_t count) __attribute__((always_inline)) {
        store_n(x + c, load_n(x + c, count) / divisor, count);
    });
}

// Down columns. Where there are too few columns for each thread to have its own, rows are shared out instead, so many at a time
// as make a chunk, and the chunks' sums added up.
template <class T>
void sum_down(const T* x, T* out, int64_t outer, int64_t n, int64_t inner, T divisor) {
    const int64_t stripes = divide_up(inner, kStripe), at_once = divide_up(divide_up(kChunk, inner), kRows) * kRows;
    const int64_t chunks = divide_up(n, at_once);
    const bool shares_rows = outer * stripes < kTasks && chunks > 1;
    Scratch<T> parts(shares_rows ? outer * chunks * inner : 0);
    if (T* const part = parts.get(); part && shares_rows) {
        parallel_for(outer * chunks, kGrain / (at_once * inner) + 1, [=](int64_t b, int64_t end) {
            for (; b < end; ++b) {
                const int64_t first = b % chunks * at_once;
                sum_whole_rows(x + (b / chunks * n + first) * inner, smaller(n - first, at_once), inner, part + b * inner);
            }
        });
        x = part;
        n = chunks;
    }
    parallel_for(outer * stripes, kGrain / (smaller(inner, kStripe) * (n + 1)) + 1, [=](int64_t b, int64_t end) {
        for (; b < end; ++b) {
            const int64_t i = b / stripes, c = b % stripes * kStripe, width = smaller(inner - c, kStripe);
            T* const to = out + i * inner + c;
            if (stripes == 1 && n > 8) sum_whole_rows(x + i * n * inner, n, inner, to);
            else sum_rows(x + i * n * inner + c, n, inner, width, to);
            divide(to, width, divisor);
        }
    });
}

template <class T>
void sum_over(const T* x, T* out, int64_t outer, int64_t n, int64_t inner, T divisor) {
    if (n == 0) {
        for (int64_t i = 0; i < outer * inner; ++i) out[i] = T(0) / divisor;
    } else if (inner == 1 && outer == 1) {
        *out = sum_all(x, n) / divisor;
    } else if (inner == 1) {
        parallel_for(outer, kGrain / (n + 1) + 1, [=](int64_t i, int64_t end) {
            for (; i < end; ++i) out[i] = sum_pairwise(x + i * n, n) / divisor;
        });
    } else if (inner > 1) {
        sum_down(x, out, outer, n, inner, divisor);
    }
}

constexpr int64_t kSums = 16;     // running sums in double, for vectors
constexpr int64_t kColumns = 64;  // columns whose sums are kept at hand

// The sum of f(x[k]) in double.
template <class T, class F>
RL_INLINE double sum_wide(const T* x, int64_t n, F f) {
    double sums[kSums] = {};
    int64_t k = 0;
    for (; k + kSums <= n; k += kSums) {
        for (int64_t i = 0; i < kSums; ++i) sums[i] += f(static_cast<double>(x[k + i]));
    }
    for (; k < n; ++k) sums[0] += f(static_cast<double>(x[k]));
    for (int64_t half = kSums / 2; half > 0; half /= 2) {
        for (int64_t i = 0; i < half; ++i) sums[i] += sums[i + half];
    }
    return sums[0];
}

template <class T>
RL_INLINE double sum_wide_all(const T* x, int64_t n, double* parts, double mean, bool squares) {
    const int64_t chunks = (n + kChunk - 1) / kChunk;
    parallel_for(chunks, 2, [=](int64_t i, int64_t end) {
        for (; i < end; ++i) {
            const T* begin = x + i * kChunk;
            const int64_t count = i + 1 < chunks ? kChunk : n - i * kChunk;
            parts[i] = squares ? sum_wide(begin, count, [=](double v) { return (v - mean) * (v - mean); })
                               : sum_wide(begin, count, [](double v) { return v; });
        }
    });
    return sum_wide(parts, chunks, [](double v) { return v; });
}

template <class T>
RL_INLINE void moments_of_columns(const T* x, T* variance, T* mean, int64_t n, int64_t inner, int64_t width,
                                  double freedom) {
    double means[kColumns] = {}, sums[kColumns] = {};
    for (int64_t k = 0; k < n; ++k) {
        for (int64_t c = 0; c < width; ++c) means[c] += x[k * inner + c];
    }
    for (int64_t c = 0; c < width; ++c) means[c] /= static_cast<double>(n);
    for (int64_t k = 0; k < n; ++k) {
        for (int64_t c = 0; c < width; ++c) {
            const double apart = x[k * inner + c] - means[c];
            sums[c] += apart * apart;
        }
    }
    for (int64_t c = 0; c < width; ++c) {
        mean[c] = static_cast<T>(means[c]);
        variance[c] = static_cast<T>(sums[c] / freedom);
    }
}

template <class T>
void moments_over(const T* x, T* variance, T* mean, int64_t outer, int64_t n, int64_t inner, double freedom) {
    if (inner == 1 && outer == 1 && n > kChunk) {
        Scratch<double> parts((n + kChunk - 1) / kChunk);
        if (double* p = parts.get()) {
            const double middle = sum_wide_all(x, n, p, 0, false) / static_cast<double>(n);
            *mean = static_cast<T>(middle);
            *variance = static_cast<T>(sum_wide_all(x, n, p, middle, true) / freedom);
            return;
        }
    }
    if (inner == 1) {
        parallel_for(outer, kGrain / (n + 1) + 1, [=](int64_t i, int64_t end) {
            for (; i < end; ++i) {
                const double middle = sum_wide(x + i * n, n, [](double v) { return v; }) / static_cast<double>(n);
                const double sum = sum_wide(x + i * n, n, [=](double v) { return (v - middle) * (v - middle); });
                mean[i] = static_cast<T>(middle);
                variance[i] = static_cast<T>(sum / freedom);
            }
        });
        return;
    }
    const int64_t blocks = (inner + kColumns - 1) / kColumns;
    parallel_for(outer * blocks, kGrain / (kColumns * (n + 1)) + 1, [=](int64_t b, int64_t end) {
        for (; b < end; ++b) {
            const int64_t i = b / blocks, j = b % blocks * kColumns, to = i * inner + j;
            const int64_t width = inner - j < kColumns ? inner - j : kColumns;
            moments_of_columns(x + i * n * inner + j, variance + to, mean + to, n, inner, width, freedom);
        }
    });
}

template <class T>
RL_INLINE T product_of_row(const T* x, int64_t n) {
    Vec<T> all[4];
    for (auto& v : all) v = splat(T(1));
    int64_t i = 0;
    for (; i + 4 * lanes<T> <= n; i += 4 * lanes<T>) {
        for (int v = 0; v < 4; ++v) all[v] *= load(x + i + v * lanes<T>);
    }
    for (; i + lanes<T> <= n; i += lanes<T>) all[0] *= load(x + i);
    if (i < n) all[1] *= load_part(x + i, n - i, T(1));
    const Vec<T> v = (all[0] * all[1]) * (all[2] * all[3]);
    T product = v[0];
    for (int l = 1; l < lanes<T>; ++l) product *= v[l];
    return product;
}

// Rows one by one, the whole in chunks that threads share, columns side by side on the way down.
template <class T>
void product_over(const T* x, T* out, int64_t outer, int64_t n, int64_t inner) {
    if (inner == 1) {
        const int64_t chunks = outer == 1 ? (n + kChunk - 1) / kChunk : 1;
        Scratch<T> parts(chunks);
        T* to = chunks > 1 && parts.get() ? parts.get() : out;
        const int64_t length = to == out ? n : kChunk, rows = to == out ? outer : chunks;
        parallel_for(rows, kGrain / (length + 1) + 1, [=](int64_t i, int64_t end) {
            for (; i < end; ++i) to[i] = product_of_row(x + i * length, to == out || i + 1 < chunks ? length : n - i * length);
        });
        if (to != out) *out = product_of_row(to, chunks);
        return;
    }
    const int64_t blocks = (inner + kColumns - 1) / kColumns;
    parallel_for(outer * blocks, kGrain / (kColumns * (n + 1)) + 1, [=](int64_t b, int64_t end) {
        for (; b < end; ++b) {
            const int64_t i = b / blocks, j = b % blocks * kColumns, width = inner - j < kColumns ? inner - j : kColumns;
            T product[kColumns];
            for (T& v : product) v = T(1);
            for (int64_t k = 0; k < n; ++k) {
                const T* row = x + (i * n + k) * inner + j;
                for (int64_t c = 0; c < width; ++c) product[c] *= row[c];
            }
            for (int64_t c = 0; c < width; ++c) out[i * inner + j + c] = product[c];
        }
    });
}

// The greatest element: NaN where there is one, 0 where it is infinite, since then a shift would make NaN of it.
template <class T>
RL_INLINE T shift_of(Vec<T> greatest, Mask<T> nan) {
    T top = greatest[0];
    for (int l = 0; l < lanes<T>; ++l) {
        if (nan[l]) return T(__builtin_nan(""));
        top = greatest[l] > top ? greatest[l] : top;
    }
    return isfinite(top) ? top : T(0);
}

template <class T>
RL_INLINE T log_sum_exp_of_row(const T* x, int64_t n) {
    Vec<T> top[2] = {splat(x[0]), splat(x[0])};
    Mask<T> nan[2] = {};
    int64_t i = 0;
    const auto meet = [&](int w, Vec<T> v) {
        top[w] = v > top[w] ? v : top[w];
        nan[w] |= v != v;
    };
    for (; i + 2 * lanes<T> <= n; i += 2 * lanes<T>) meet(0, load(x + i)), meet(1, load(x + i + lanes<T>));
    for (; i + lanes<T> <= n; i += lanes<T>) meet(0, load(x + i));
    if (i < n) meet(1, load_part(x + i, n - i, x[0]));
    const T shift = shift_of<T>(top[0] > top[1] ? top[0] : top[1], nan[0] | nan[1] | (top[0] != top[0]));
    Vec<T> sums[2] = {};
    for (i = 0; i + 2 * lanes<T> <= n; i += 2 * lanes<T>) {
        sums[0] += exp<T>(load(x + i) - shift);
        sums[1] += exp<T>(load(x + i + lanes<T>) - shift);
    }
    for (; i + lanes<T> <= n; i += lanes<T>) sums[0] += exp<T>(load(x + i) - shift);
    if (i < n) sums[1] += exp<T>(load_part(x + i, n - i, T(-HUGE_VAL)) - shift);
    return static_cast<T>(::log(static_cast<double>(sum<T>(sums[0] + sums[1])))) + shift;
}

// Two walks over up to kColumns columns.
template <class T>
RL_INLINE void log_sum_exp_of_columns(const T* x, T* out, int64_t n, int64_t inner, int64_t width) {
    for (int64_t c = 0; c < width; c += lanes<T>) {
        const int64_t here = width - c < lanes<T> ? width - c : lanes<T>;
        const auto row = [=](int64_t k) { return here == lanes<T> ? load(x + k * inner + c) : load_part(x + k * inner + c, here); };
        Vec<T> top = row(0), total{};
        Mask<T> nan{};
        for (int64_t k = 0; k < n; ++k) {
            const Vec<T> v = row(k);
            top = v > top ? v : top;
            nan |= v != v;
        }
        const Vec<T> finite = top - top == 0 ? top : Vec<T>{}, shift = nan ? splat(T(__builtin_nan(""))) : finite;
        for (int64_t k = 0; k < n; ++k) total += exp<T>(row(k) - shift);
        for (int64_t l = 0; l < here; ++l) out[c + l] = static_cast<T>(::log(static_cast<double>(total[l]))) + shift[l];
    }
}

template <class T>
void log_sum_exp_over(const T* x, T* out, int64_t outer, int64_t n, int64_t inner) {
    constexpr int64_t grain = kGrain / 8;  // an exponential is worth several sums
    if (inner == 1) {
        parallel_for(outer, grain / (n + 1) + 1, [=](int64_t i, int64_t end) {
            for (; i < end; ++i) out[i] = log_sum_exp_of_row(x + i * n, n);
        });
        return;
    }
    const int64_t blocks = (inner + kColumns - 1) / kColumns;
    parallel_for(outer * blocks, grain / (kColumns * (n + 1)) + 1, [=](int64_t b, int64_t end) {
        for (; b < end; ++b) {
            const int64_t i = b / blocks, j = b % blocks * kColumns;
            log_sum_exp_of_columns(x + i * n * inner + j, out + i * inner + j, n, inner, inner - j < kColumns ? inner - j : kColumns);
        }
    });
}

// A chunk's count fits a lane of any type.
template <class T>
int64_t count_nonzero(const T* x, int64_t n) {
    const int64_t chunks = (n + kChunk - 1) / kChunk;
    Scratch<int64_t> parts(chunks + 1);
    int64_t* part = parts.get();
    const auto count = [=](int64_t begin, int64_t end) {
        Mask<T> found[2] = {};
        int64_t i = begin;
        for (; i + 2 * lanes<T> <= end; i += 2 * lanes<T>) {
            found[0] -= load(x + i) != T(0);
            found[1] -= load(x + i + lanes<T>) != T(0);
        }
        int64_t total = 0;
        for (; i < end; ++i) total += x[i] != 0;
        for (int l = 0; l < lanes<T>; ++l) total += found[0][l] + found[1][l];
        return total;
    };
    int64_t total = 0;
    if (!part) {
        for (int64_t i = 0; i < n; i += kChunk) total += count(i, i + kChunk < n ? i + kChunk : n);
        return total;
    }
    parallel_for(chunks, 2, [=](int64_t i, int64_t end) {
        for (; i < end; ++i) part[i] = count(i * kChunk, i + 1 < chunks ? (i + 1) * kChunk : n);
    });
    for (int64_t i = 0; i < chunks; ++i) total += part[i];
    return total;
}

// Who finds two that differ tells the others, which look before each chunk.
template <class T>
bool all_equal(const T* a, const T* b, int64_t n) {
    int differ = 0;
    int* found = &differ;
    parallel_for((n + kChunk - 1) / kChunk, 2, [=](int64_t chunk, int64_t last) {
        for (; chunk < last && !__atomic_load_n(found, __ATOMIC_RELAXED); ++chunk) {
            const int64_t end = smaller(n, (chunk + 1) * kChunk);
            Mask<T> other = {};
            int64_t i = chunk * kChunk;
            for (; i + lanes<T> <= end; i += lanes<T>) other |= load(a + i) != load(b + i);
            bool different = false;
            for (; i < end; ++i) different |= a[i] != b[i];
            for (int l = 0; l < lanes<T>; ++l) different |= other[l] != 0;
            if (different) __atomic_store_n(found, 1, __ATOMIC_RELAXED);
        }
    });
    return !differ;
}

template <class T>
double sum_apart(const T* x, int64_t n, int64_t step) {
    double total = 0;
    for (int64_t i = 0; i < n; ++i) total += static_cast<double>(x[i * step]);
    return total;
}

}  // namespace

const ReduceKernels<float> reduce_f32 = {sum_over<float>, moments_over<float>, product_over<float>, log_sum_exp_over<float>,
                                         count_nonzero<float>, all_equal<float>, sum_apart<float>};
const ReduceKernels<double> reduce_f64 = {sum_over<double>, moments_over<double>, product_over<double>, log_sum_exp_over<double>,
                                          count_nonzero<double>, all_equal<double>, sum_apart<double>};

}  // namespace rl::RL_ISA
