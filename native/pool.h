#pragma once

#include <cstdint>

#include "core/isa.h"

namespace rl {

// A 2-D pooling of `planes` dense planes; [0] is height, [1] width.
struct PoolShape {
    int64_t planes;
    int64_t in[2], out[2], kernel[2], stride[2], padding[2], dilation[2];
};

enum class PoolStatus { ok, no_memory, bad_index };

template <class T>
struct PoolKernels {
    // The largest element of each window and (unless null) its index in the plane: the first of equal ones, the last NaN.
    PoolStatus (*max)(const PoolShape&, const T* x, T* y, int64_t* indices);
    // x = 0, then x[indices[i]] += grad[i] within each plane. bad_index where an index lies outside its plane.
    PoolStatus (*scatter)(int64_t planes, int64_t outputs, int64_t size, const T* grad, const int64_t* indices, T* x);
    // The sum of each window over divisor, or (divisor 0) over the number of its elements, with or without the padding.
    PoolStatus (*average)(const PoolShape&, bool include_pad, int64_t divisor, const T* x, T* y);
    PoolStatus (*average_backward)(const PoolShape&, bool include_pad, int64_t divisor, const T* gy, T* gx);
    // The mean of each of `out` windows that cover the input; of the shape only planes, in and out count.
    PoolStatus (*adaptive)(const PoolShape&, const T* x, T* y);
    PoolStatus (*adaptive_backward)(const PoolShape&, const T* gy, T* gx);
};

RL_KERNEL_TABLE(PoolKernels<float>, pool_f32)
RL_KERNEL_TABLE(PoolKernels<double>, pool_f64)

template <class T>
const PoolKernels<T>& pool_kernels();
template <>
inline const PoolKernels<float>& pool_kernels<float>() { return active_pool_f32(); }
template <>
inline const PoolKernels<double>& pool_kernels<double>() { return active_pool_f64(); }

}  // namespace rl
