#pragma once

#include <cstdint>

#include "core/isa.h"

namespace rl {

// What is normalised together: `sets` groups of `segments` runs of `length` elements each. Run s of set i begins at
// i * set_stride + s * segment_stride. All elements of a run have one weight and bias, number (i % cycle) * per_set + s * step.
struct NormLayout {
    int64_t sets, segments, length, set_stride, segment_stride;
    int64_t cycle, per_set, step;

    int64_t weight_of(int64_t set, int64_t segment) const { return (set % cycle) * per_set + segment * step; }
};

// Dense rows, each normalised by itself; element j of a row has weight and bias j. Without `centred` the mean is not subtracted.
struct NormRows {
    int64_t rows, length;
    bool centred;
};

template <class T>
struct NormKernels {
    // out = (x - mean) * rstd * weight + bias, mean and rstd = 1 / sqrt(var + eps) being each set's; weight and bias may be null.
    void (*forward)(const NormLayout& layout, const T* x, const T* weight, const T* bias, T eps, T* out, T* mean, T* var, T* rstd);
    // The gradients; to_weight and to_bias (of `weights` elements) may both be null. `sums` holds 2 * sets * segments elements.
    void (*backward)(const NormLayout& layout, const T* grad, const T* x, const T* weight, const T* mean, const T* rstd, T* to_x,
                     T* to_weight, T* to_bias, int64_t weights, T* sums);
    // The same of rows. mean and var may be null, and mean and to_bias are unless `centred`. False when there was no memory.
    void (*rows)(const NormRows& layout, const T* x, const T* weight, const T* bias, T eps, T* out, T* mean, T* var, T* rstd);
    bool (*rows_backward)(const NormRows& layout, const T* grad, const T* x, const T* weight, const T* mean, const T* rstd, T* to_x,
                          T* to_weight, T* to_bias);
};

RL_KERNEL_TABLE(NormKernels<float>, norm_f32)
RL_KERNEL_TABLE(NormKernels<double>, norm_f64)

template <class T>
const NormKernels<T>& norm_kernels();
template <>
inline const NormKernels<float>& norm_kernels<float>() { return active_norm_f32(); }
template <>
inline const NormKernels<double>& norm_kernels<double>() { return active_norm_f64(); }

}  // namespace rl
