#pragma once

#include <cstdint>

#include "core/isa.h"

namespace rl {

constexpr int kMostIndexDims = 16;

// What an index of int64 along one dimension names. The steps are in elements. Element (i_0, i_1, …) of the index names the element
// of `own` whose place is the same but in dimension `dim`, where it is the index; `other` is an array of the index's shape.
struct Along {
    int dims, dim;
    int64_t length;  // of own's dimension `dim`
    bool wraps;      // whether -1 is the last
    int64_t shape[kMostIndexDims], index_step[kMostIndexDims], own_step[kMostIndexDims], other_step[kMostIndexDims];
};

enum class Scatter : int { copy, add, multiply, maximum, minimum };

template <class T>
struct IndexingKernels {
    // other = own at the index. False as soon as an index is out of range.
    bool (*gather)(const Along& along, const int64_t* index, const T* own, T* other);
    // own at the index is replaced by, or combined with, other: in row-major order of the index where a place is named repeatedly.
    // The caller has checked the index; what another thread has since put out of range is passed over.
    void (*scatter)(const Along& along, const int64_t* index, T* own, const T* other, Scatter how);
};

RL_KERNEL_TABLE(IndexingKernels<float>, indexing_f32)
RL_KERNEL_TABLE(IndexingKernels<double>, indexing_f64)
RL_KERNEL_TABLE(IndexingKernels<int64_t>, indexing_i64)

template <class T>
const IndexingKernels<T>& indexing_kernels();
template <>
inline const IndexingKernels<float>& indexing_kernels<float>() { return active_indexing_f32(); }
template <>
inline const IndexingKernels<double>& indexing_kernels<double>() { return active_indexing_f64(); }
template <>
inline const IndexingKernels<int64_t>& indexing_kernels<int64_t>() { return active_indexing_i64(); }

}  // namespace rl
