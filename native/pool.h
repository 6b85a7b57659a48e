#pragma once

#include <cstdint>

#include "core/isa.h"

namespace rl {

// A pooling of `planes` dense planes, or volumes: those of fewer dimensions have a size of 1 along the others.
enum PoolAxis : int { kDepth, kHeight, kWidth };

struct PoolShape {
    int64_t planes;
    int64_t in[3], out[3], kernel[3], stride[3], padding[3], dilation[3];
};

enum class PoolStatus { ok, no_memory, bad_index };

template <class T>
struct MaxPoolKernels {
    // The largest element of each window and (unless null) its index in the plane: the first of equal ones, the last NaN.
    PoolStatus (*with_indices)(const PoolShape&, const T* x, T* y, int64_t* indices);
    // The same with its place in the window, of which there are 256 at most.
    PoolStatus (*with_places)(const PoolShape&, const T* x, T* y, uint8_t* places);
};

template <class T>
struct MaxPoolBackwardKernels {
    // x = 0, then each gradient is added to the element that its place names.
    PoolStatus (*backward)(const PoolShape&, const T* grad, const uint8_t* places, T* x);
    // x = 0, then x[indices[i]] += grad[i] within each plane. bad_index where an index lies outside its plane.
    PoolStatus (*scatter)(int64_t planes, int64_t outputs, int64_t size, const T* grad, const int64_t* indices, T* x);
};

// Of two dimensions at most: the depth doesn't count.
template <class T>
struct PoolKernels {
    // The sum of each window over divisor, or (divisor 0) over the number of its elements, with or without the padding.
    PoolStatus (*average)(const PoolShape&, bool include_pad, int64_t divisor, const T* x, T* y);
    PoolStatus (*average_backward)(const PoolShape&, bool include_pad, int64_t divisor, const T* gy, T* gx);
    // The mean of each of `out` windows that cover the input; of the shape only planes, in and out count.
    PoolStatus (*adaptive)(const PoolShape&, const T* x, T* y);
    PoolStatus (*adaptive_backward)(const PoolShape&, const T* gy, T* gx);
};

RL_KERNEL_TABLE(MaxPoolKernels<float>, max_pool_f32)
RL_KERNEL_TABLE(MaxPoolKernels<double>, max_pool_f64)
RL_KERNEL_TABLE(MaxPoolBackwardKernels<float>, max_pool_backward_f32)
RL_KERNEL_TABLE(MaxPoolBackwardKernels<double>, max_pool_backward_f64)
RL_KERNEL_TABLE(PoolKernels<float>, pool_f32)
RL_KERNEL_TABLE(PoolKernels<double>, pool_f64)

template <class T>
const PoolKernels<T>& pool_kernels();
template <>
inline const PoolKernels<float>& pool_kernels<float>() { return active_pool_f32(); }
template <>
inline const PoolKernels<double>& pool_kernels<double>() { return active_pool_f64(); }

template <class T>
const MaxPoolKernels<T>& max_pool_kernels();
template <>
inline const MaxPoolKernels<float>& max_pool_kernels<float>() { return active_max_pool_f32(); }
template <>
inline const MaxPoolKernels<double>& max_pool_kernels<double>() { return active_max_pool_f64(); }

template <class T>
const MaxPoolBackwardKernels<T>& max_pool_backward_kernels();
template <>
inline const MaxPoolBackwardKernels<float>& max_pool_backward_kernels<float>() { return active_max_pool_backward_f32(); }
template <>
inline const MaxPoolBackwardKernels<double>& max_pool_backward_kernels<double>() { return active_max_pool_backward_f64(); }

}  // namespace rl
