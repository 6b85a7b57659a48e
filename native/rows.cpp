// Sums and maxima of the rows of a table that an index names: bags of embeddings, their gradients, entries of sparse tensors that
// belong together.
#include "rows.h"

#include "core/thread_pool.h"
#include "core/vec.h"

namespace rl::RL_ISA {
namespace {

constexpr int64_t kGrain = 1 << 14;  // elements for which a second thread pays
constexpr int kBlock = 4;            // vectors of a row that are in registers at a time
constexpr int64_t kAhead = 8;        // entries whose row is fetched in advance

RL_INLINE int64_t grain_of(int64_t width, int64_t each = 1) { return kGrain / (width * each + 1) + 1; }

// Asks for a row before its turn comes. `at` may be past the end of the index.
template <class T>
RL_INLINE void fetch(const T* table, int64_t width, const RowRuns& runs, int64_t at) {
    if (at >= runs.entries) return;
    const T* row = table + runs.index[at] * width;
    for (int64_t c = 0; c < width; c += 64 / static_cast<int64_t>(sizeof(T))) __builtin_prefetch(row + c);
}

// Columns [c, c + BLOCK vectors) of one run, summed in registers.
template <class T, int BLOCK, bool WEIGHTED>
RL_INLINE void sum_block(const T* table, int64_t width, const RowRuns& runs, const T* weights, int64_t begin, int64_t end, int64_t c,
                         Vec<T> divisor, T* out) {
    Vec<T> total[BLOCK] = {};
    for (int64_t i = begin; i < end; ++i) {
        const T* row = table + runs.index[i] * width + c;
        for (int b = 0; b < BLOCK; ++b) {
            const Vec<T> part = load(row + b * lanes<T>);
            total[b] = WEIGHTED ? fmadd<T>(splat(weights[i]), part, total[b]) : total[b] + part;
        }
    }
    for (int b = 0; b < BLOCK; ++b) store(out + c + b * lanes<T>, total[b] / divisor);
}

// The last `n` columns, fewer than a vector.
template <class T, bool WEIGHTED>
RL_INLINE void sum_rest(const T* table, int64_t width, const RowRuns& runs, const T* weights, int64_t begin, int64_t end, int64_t n,
                        Vec<T> divisor, T* out) {
    const int64_t c = width - n;
    Vec<T> total = {};
    for (int64_t i = begin; i < end; ++i) {
        const Vec<T> part = load_part(table + runs.index[i] * width + c, n);
        total = WEIGHTED ? fmadd<T>(splat(weights[i]), part, total) : total + part;
    }
    store_part(out + c, total / divisor, n);
}

// One run: its columns in blocks of kBlock vectors, then vectors, then what is left. While a run is summed the rows of the entries
// after it are on their way.
template <class T, bool WEIGHTED>
RL_INLINE void sum_run(const T* table, int64_t width, const RowRuns& runs, const T* weights, int64_t begin, int64_t end, bool mean,
                       T* out) {
    const Vec<T> divisor = splat(mean && end > begin ? static_cast<T>(end - begin) : T(1));
    for (int64_t i = begin; i < end; ++i) fetch(table, width, runs, i + kAhead);
    int64_t c = 0;
    for (; c + kBlock * lanes<T> <= width; c += kBlock * lanes<T>) {
        sum_block<T, kBlock, WEIGHTED>(table, width, runs, weights, begin, end, c, divisor, out);
    }
    for (; c + lanes<T> <= width; c += lanes<T>) sum_block<T, 1, WEIGHTED>(table, width, runs, weights, begin, end, c, divisor, out);
    if (c < width) sum_rest<T, WEIGHTED>(table, width, runs, weights, begin, end, width - c, divisor, out);
}

// Runs are split over the pool: each is summed by one thread, in the order of its entries.
template <class T>
void gather_sum(const T* table, int64_t width, const RowRuns& runs, const T* weights, bool mean, T* out) {
    parallel_for(runs.runs, grain_of(width, runs.entries / (runs.runs + 1) + 1), [=](int64_t first, int64_t last) {
        for (int64_t s = first; s < last; ++s) {
            const int64_t begin = runs.bounds ? runs.bounds[s] : s, end = runs.bounds ? runs.bounds[s + 1] : s + 1;
            if (weights) sum_run<T, true>(table, width, runs, weights, begin, end, mean, out + s * width);
            else sum_run<T, false>(table, width, runs, weights, begin, end, mean, out + s * width);
        }
    });
}

// Lanes of `place` follow those of `best`: integers as wide as T, counted from the beginning of the run.
template <class T, bool WHOLE>
RL_INLINE void max_block(const T* table, int64_t width, const RowRuns& runs, int64_t begin, int64_t end, int64_t c, int64_t n, T* out,
                         int64_t* places) {
    const auto row = [&](int64_t i) {
        const T* p = table + runs.index[i] * width + c;
        return WHOLE ? load(p) : load_part(p, n);
    };
    using Place = Mask<T>;
    Vec<T> best = row(begin);
    Place place = {};
    for (int64_t i = begin + 1; i < end; ++i) {
        const Vec<T> x = row(i);
        const Place greater = x > best;
        best = greater ? x : best;
        place = greater ? Place{} + static_cast<std::remove_reference_t<decltype(place[0])>>(i - begin) : place;
    }
    if constexpr (WHOLE) store(out + c, best);
    else store_part(out + c, best, n);
    for (int64_t j = 0; j < n; ++j) places[c + j] = begin + place[j];
}

template <class T>
void gather_max(const T* table, int64_t width, const RowRuns& runs, T* out, int64_t* places) {
    parallel_for(runs.runs, grain_of(width, runs.entries / (runs.runs + 1) + 1), [=](int64_t first, int64_t last) {
        for (int64_t s = first; s < last; ++s) {
            const int64_t begin = runs.bounds ? runs.bounds[s] : s, end = runs.bounds ? runs.bounds[s + 1] : s + 1;
            T* row = out + s * width;
            int64_t* place = places + s * width;
            if (begin == end) {
                for (int64_t c = 0; c < width; ++c) row[c] = 0, place[c] = -1;
                continue;
            }
            for (int64_t i = begin; i < end; ++i) fetch(table, width, runs, i + kAhead);
            int64_t c = 0;
            for (; c + lanes<T> <= width; c += lanes<T>) max_block<T, true>(table, width, runs, begin, end, c, lanes<T>, row, place);
            if (c < width) max_block<T, false>(table, width, runs, begin, end, c, width - c, row, place);
        }
    });
}

template <class T>
RL_INLINE void add_row(const T* row, Vec<T> weight, int64_t width, T* out) {
    int64_t c = 0;
    for (; c + lanes<T> <= width; c += lanes<T>) store(out + c, fmadd<T>(weight, load(row + c), load(out + c)));
    if (c < width) store_part(out + c, fmadd<T>(weight, load_part(row + c, width - c), load_part(out + c, width - c)), width - c);
}

// Each thread owns a range of the rows of `out` and adds, in order, the entries that fall into it: no two threads write to one row,
// and the order doesn't depend on how many there are. Reading all targets in every thread costs little beside the rows themselves.
template <class T>
void scatter_sum(const T* table, int64_t width, const int64_t* source, const int64_t* target, int64_t entries, const T* weights,
                 int64_t rows, T* out) {
    parallel_parts(parts_for(rows, grain_of(width)), [=](int part, int parts) {
        const int64_t first = rows * part / parts, last = rows * (part + 1) / parts;
        __builtin_memset(out + first * width, 0, static_cast<size_t>((last - first) * width) * sizeof(T));
        for (int64_t i = 0; i < entries; ++i) {
            const int64_t r = target[i];
            if (r < first || r >= last) continue;
            add_row<T>(table + (source ? source[i] : i) * width, splat(weights ? weights[i] : T(1)), width, out + r * width);
        }
    });
}

}  // namespace

const RowsKernels<float> rows_f32 = {gather_sum<float>, gather_max<float>, scatter_sum<float>};
const RowsKernels<double> rows_f64 = {gather_sum<double>, gather_max<double>, scatter_sum<double>};

}  // namespace rl::RL_ISA
