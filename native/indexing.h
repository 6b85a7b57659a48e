#pragma once

#include <cstdint>

#include "core/isa.h"

namespace rl {

constexpr int kMostIndexDims = 16;
constexpr int kMostPlacesDims = 8;

// What an index of int64 along one dimension names. The steps are in elements. Element (i_0, i_1, …) of the index names the element
// of `own` whose place is the same but in dimension `dim`, where it is the index; `other` is an array of the index's shape.
struct Along {
    int dims, dim;
    int64_t length;  // of own's dimension `dim`
    int64_t shape[kMostIndexDims], index_step[kMostIndexDims], own_step[kMostIndexDims], other_step[kMostIndexDims];
};

// A vector of `count` indices that names slices of a dense array of shape (outer, length, inner): -1 is the last, if it wraps.
struct Slices {
    int64_t outer, length, count, inner;
    bool wraps;
};

enum class Scatter : int { copy, add, multiply, maximum, minimum };

// Kernels that combine numbers. All give false where an index is out of range.
template <class T>
struct IndexingKernels {
    // own at the index is replaced by, or combined with, other: in row-major order of the index where a place is named repeatedly.
    // What is out of range is passed over.
    bool (*scatter)(const Along& along, const int64_t* index, T* own, const T* other, Scatter how);
    // The slices of `values` (outer, count, inner) are added, in the index's order; nothing is if an index is out of range.
    bool (*add)(const Slices& slices, const int64_t* index, T* own, const T* values);
};

// Kernels that move elements of 1, 2, 4, 8 or 16 bytes, whatever they mean. All give false where an index is out of range.
struct MovingKernels {
    // other = own at the index.
    bool (*gather)(int size, const Along& along, const int64_t* index, const void* own, void* other);
    // out (outer, count, inner) = the slices of own.
    bool (*take)(int size, const Slices& slices, const int64_t* index, const void* own, void* out);
    // The slices of own become those of `values`, or one element; nothing does if an index is out of range.
    bool (*put)(int size, const Slices& slices, const int64_t* index, void* own, const void* values, bool single);
    // n bytes that don't overlap.
    void (*copy)(const char* from, char* to, int64_t n);
    // What `dims` vectors of n indices name in row-major order of an array of these lengths.
    bool (*places)(int dims, const int64_t* const* indices, const int64_t* lengths, int64_t n, int64_t* out);
};

RL_KERNEL_TABLE(IndexingKernels<float>, indexing_f32)
RL_KERNEL_TABLE(IndexingKernels<double>, indexing_f64)
RL_KERNEL_TABLE(IndexingKernels<int64_t>, indexing_i64)
RL_KERNEL_TABLE(MovingKernels, moving)

template <class T>
const IndexingKernels<T>& indexing_kernels();
template <>
inline const IndexingKernels<float>& indexing_kernels<float>() { return active_indexing_f32(); }
template <>
inline const IndexingKernels<double>& indexing_kernels<double>() { return active_indexing_f64(); }
template <>
inline const IndexingKernels<int64_t>& indexing_kernels<int64_t>() { return active_indexing_i64(); }

}  // namespace rl
