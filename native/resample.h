#pragma once

#include <cstdint>

#include "core/isa.h"

namespace rl {

// An axis of `size` elements mapped onto `outputs` ones, in a dense array (outer, size, inner): output i is the sum over t < taps
// of weight[i * taps + t] * element index[i * taps + t]; weights may be null and are 1 then.
struct TapsShape {
    int64_t outer, size, inner, outputs, taps;
    const int64_t* index;
};

// Places (batch, points) of each of `neighbours`, flat in an image (batch, channels, size); those outside are `size`.
struct GridShape {
    int64_t batch, channels, size, points, neighbours;
    const int64_t* places;  // (neighbours, batch, points)
};

enum class ResampleStatus { ok, no_memory };

template <class T>
struct ResampleKernels {
    ResampleStatus (*along)(const TapsShape& shape, const T* x, const T* weight, T* out);
    // out[n, c, p] = the sum over neighbours of weight[k, n, p] * image[n, c, place]; weights may be null and are 1 then.
    void (*blend)(const GridShape& shape, const T* image, const T* weight, T* out);
    // The adjoint in the image.
    void (*spread)(const GridShape& shape, const T* grad, const T* weight, T* out);
    // The adjoint in the weights: out[k, n, p] = the sum over channels of image[n, c, place] * grad[n, c, p].
    void (*pull)(const GridShape& shape, const T* image, const T* grad, T* out);
};

RL_KERNEL_TABLE(ResampleKernels<float>, resample_f32)
RL_KERNEL_TABLE(ResampleKernels<double>, resample_f64)

template <class T>
const ResampleKernels<T>& resample_kernels();
template <>
inline const ResampleKernels<float>& resample_kernels<float>() { return active_resample_f32(); }
template <>
inline const ResampleKernels<double>& resample_kernels<double>() { return active_resample_f64(); }

}  // namespace rl
