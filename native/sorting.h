#pragma once

#include <cstdint>

#include "core/isa.h"

namespace rl {

enum class Element { f32, f64, i8, i16, i32, i64, u8, u16, u32, u64 };

// Rows of n elements in a dense array of shape (outer, n, inner): outer * inner of them, `inner` elements from one to the next.
struct RowLayout {
    int64_t outer, n, inner;
};

// All order by value, a NaN being greater than all else and equal to other NaNs, and give places along the rows. Where values
// are equal, the place is the one that PyTorch gives (docs/reductions.md): that of libstdc++'s algorithms. False where there
// is no memory.
struct SortingKernels {
    // The whole row in order.
    bool (*sort)(Element type, const void* x, RowLayout rows, bool descending, bool stable, void* values, int64_t* indices);
    // The first k of that order, k >= 1, into arrays of shape (outer, k, inner).
    bool (*topk)(Element type, const void* x, RowLayout rows, int64_t k, bool largest, bool sorted, void* values,
                 int64_t* indices);
    // The k-th least, from 0, into arrays of shape (outer, inner).
    bool (*kth)(Element type, const void* x, RowLayout rows, int64_t k, void* values, int64_t* indices);
    // The lower median, the first of those equal to it in a stable order; the first NaN, unless those are left out.
    bool (*median)(Element type, const void* x, RowLayout rows, bool ignore_nan, void* values, int64_t* indices);
    // The most frequent, the least of those equally frequent, into arrays of shape (outer, inner).
    bool (*mode)(Element type, const void* x, RowLayout rows, void* values, int64_t* indices);
};

RL_KERNEL_TABLE(SortingKernels, sorting)

}  // namespace rl
