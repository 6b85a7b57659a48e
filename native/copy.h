#pragma once

#include <cstdint>

#include "core/isa.h"

namespace rl {

constexpr int kCopyDims = 8;

// out[i ...] = in[i ...] of one shape; strides in elements. The two have elements and don't overlap.
template <class T>
struct CopyJob {
    int dims;
    int64_t shape[kCopyDims], to[kCopyDims], from[kCopyDims];
    T* out;
    const T* in;
};

// Dense arrays one after the other: a row of the result is a row of each, of so many elements.
template <class T>
struct Piece {
    const T* in;
    int64_t length;
};
template <class T>
struct JoinJob {
    const Piece<T>* pieces;
    int64_t rows, length;  // of the result
    T* out;
};

template <class T>
struct CopyKernels {
    void (*copy)(const CopyJob<T>& job);
    void (*join)(const JoinJob<T>& job);
    // Dense matrices with zeros above (lower) or below a diagonal, which stays.
    void (*triangle)(const T* x, T* out, int64_t matrices, int64_t rows, int64_t columns, int64_t diagonal, bool lower);
};

// Elements of four and eight bytes; the type only says how many.
RL_KERNEL_TABLE(CopyKernels<float>, copy_f32)
RL_KERNEL_TABLE(CopyKernels<double>, copy_f64)

template <class T>
const CopyKernels<T>& copy_kernels();
template <>
inline const CopyKernels<float>& copy_kernels<float>() { return active_copy_f32(); }
template <>
inline const CopyKernels<double>& copy_kernels<double>() { return active_copy_f64(); }

}  // namespace rl
