#include "reduce.h"

#include "core/allocator.h"
#include "core/thread_pool.h"
#include "core/vec.h"

namespace rl::RL_ISA {
namespace {

constexpr int64_t kGrain = 1 << 15;  // elements for which a second thread pays
constexpr int64_t kChunk = 1 << 14;  // elements whose sum is one thread's; fixed, so that the result is too
constexpr int64_t kRows = 64;        // rows added one after another, before their sum joins the others by halves

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

// The sum of n rows of WIDTH vectors each, rows `stride` elements apart.
template <class T, int WIDTH>
void sum_rows(const T* x, int64_t n, int64_t stride, Vec<T> (&total)[WIDTH]) {
    if (n > kRows) {
        const int64_t half = (n / kRows + 1) / 2 * kRows;
        Vec<T> rest[WIDTH];
        sum_rows<T, WIDTH>(x, half, stride, total);
        sum_rows<T, WIDTH>(x + half * stride, n - half, stride, rest);
        for (int v = 0; v < WIDTH; ++v) total[v] += rest[v];
        return;
    }
    for (int v = 0; v < WIDTH; ++v) total[v] = Vec<T>{};
    for (int64_t k = 0; k < n; ++k) {
        for (int v = 0; v < WIDTH; ++v) total[v] += load(x + k * stride + v * lanes<T>);
    }
}

template <class T>
RL_INLINE Vec<T> sum_tail(const T* x, int64_t n, int64_t stride, int64_t width) {
    Vec<T> all{};
    for (int64_t begin = 0; begin < n; begin += kRows) {
        Vec<T> total{};
        const int64_t end = begin + kRows < n ? begin + kRows : n;
        for (int64_t k = begin; k < end; ++k) total += load_part(x + k * stride, width);
        all += total;
    }
    return all;
}

// One block of columns [j, stop) of the sum down.
template <class T>
RL_INLINE void sum_columns(const T* x, T* out, int64_t n, int64_t inner, int64_t j, int64_t stop, T divisor) {
    for (; j + 4 * lanes<T> <= stop; j += 4 * lanes<T>) {
        Vec<T> total[4];
        sum_rows<T, 4>(x + j, n, inner, total);
        for (int v = 0; v < 4; ++v) store(out + j + v * lanes<T>, total[v] / divisor);
    }
    for (; j + lanes<T> <= stop; j += lanes<T>) {
        Vec<T> total[1];
        sum_rows<T, 1>(x + j, n, inner, total);
        store(out + j, total[0] / divisor);
    }
    if (j < stop) store_part(out + j, sum_tail(x + j, n, inner, stop - j) / divisor, stop - j);
}

template <class T>
void sum_over(const T* x, T* out, int64_t outer, int64_t n, int64_t inner, T divisor) {
    if (inner == 1 && outer == 1) {
        *out = sum_all(x, n) / divisor;
        return;
    }
    if (inner == 1) {
        parallel_for(outer, kGrain / (n + 1) + 1, [=](int64_t i, int64_t end) {
            for (; i < end; ++i) out[i] = sum_pairwise(x + i * n, n) / divisor;
        });
        return;
    }
    constexpr int64_t width = 4 * lanes<T>;
    const int64_t blocks = (inner + width - 1) / width;
    parallel_for(outer * blocks, kGrain / (width * (n + 1)) + 1, [=](int64_t b, int64_t end) {
        for (; b < end; ++b) {
            const int64_t i = b / blocks, j = b % blocks * width;
            sum_columns(x + i * n * inner, out + i * inner, n, inner, j, j + width < inner ? j + width : inner, divisor);
        }
    });
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
void extremum_over(const T* x, T* out, int64_t* places, int64_t outer, int64_t n, int64_t inner, bool greatest) {
    for (int64_t i = 0; i < outer * inner; ++i) {
        const T* row = x + i / inner * n * inner + i % inner;
        T best = row[0];
        int64_t place = 0;
        for (int64_t k = 1; k < n && best == best; ++k) {
            const T value = row[k * inner];
            if (value != value || (greatest ? value > best : value < best)) {
                best = value;
                place = k;
            }
        }
        out[i] = best;
        places[i] = place;
    }
}

}  // namespace

const ReduceKernels<float> reduce_f32 = {sum_over<float>, moments_over<float>, extremum_over<float>};
const ReduceKernels<double> reduce_f64 = {sum_over<double>, moments_over<double>, extremum_over<double>};

}  // namespace rl::RL_ISA
