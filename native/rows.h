#pragma once

#include <cstdint>

#include "core/isa.h"

namespace rl {

// Which rows of a table belong together: run s holds the entries from bounds[s] up to bounds[s + 1] of `index`.
struct RowRuns {
    const int64_t* index;
    const int64_t* bounds;  // null: each entry is a run of its own
    int64_t runs, entries;
};

template <class T>
struct RowsKernels {
    // out[s] = the sum of weights[i] · table[index[i]] over run s, divided by the run's length for a mean; zeros for an empty run.
    // `weights` may be null.
    void (*gather_sum)(const T* table, int64_t width, const RowRuns& runs, const T* weights, bool mean, T* out);
    // out[s] = the largest of each column over run s, a NaN only where it stands first; places: which entry that was, -1 for none.
    void (*gather_max)(const T* table, int64_t width, const RowRuns& runs, T* out, int64_t* places);
    // out[r] = the sum of weights[i] · table[source[i]] over all i < entries with target[i] == r, for all r < rows. Null `source`:
    // i itself; null `weights`: 1.
    void (*scatter_sum)(const T* table, int64_t width, const int64_t* source, const int64_t* target, int64_t entries,
                        const T* weights, int64_t rows, T* out);
};

RL_KERNEL_TABLE(RowsKernels<float>, rows_f32)
RL_KERNEL_TABLE(RowsKernels<double>, rows_f64)

template <class T>
const RowsKernels<T>& rows_kernels();
template <>
inline const RowsKernels<float>& rows_kernels<float>() { return active_rows_f32(); }
template <>
inline const RowsKernels<double>& rows_kernels<double>() { return active_rows_f64(); }

}  // namespace rl
