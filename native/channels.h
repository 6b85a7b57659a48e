#pragma once

#include <cstdint>

#include "core/isa.h"

namespace rl {

// A dense array (batch, channels, length).
struct ChannelShape {
    int64_t batch, channels, length;
};

template <class T>
struct ChannelKernels {
    // out = x * scale[c] (+ shift[c]).
    void (*scale)(const ChannelShape& shape, const T* x, const T* scale, const T* shift, T* out);
    // sums[c] = the sum of grad's channel c; products[c], unless x is null, that of grad * (x - centre[c]).
    void (*sums)(const ChannelShape& shape, const T* grad, const T* x, const T* centre, T* sums, T* products);
};

RL_KERNEL_TABLE(ChannelKernels<float>, channels_f32)
RL_KERNEL_TABLE(ChannelKernels<double>, channels_f64)

template <class T>
const ChannelKernels<T>& channel_kernels();
template <>
inline const ChannelKernels<float>& channel_kernels<float>() { return active_channels_f32(); }
template <>
inline const ChannelKernels<double>& channel_kernels<double>() { return active_channels_f64(); }

}  // namespace rl
