#pragma once

#include <cstdint>

#include "core/isa.h"

namespace rl {

// One dimension of a convolution.
struct ConvAxis {
    int64_t in = 1, out = 1, kernel = 1, stride = 1, padding = 0, dilation = 1;
};

// A 2-D or 3-D convolution; [0] is height, [1] width, and `slices` the depth, which only some kernels take. Channels are those of
// one group. All numbers are positive, padding >= 0.
struct ConvShape {
    int64_t batch, groups, in_channels, out_channels;
    int64_t in[2], out[2], kernel[2], stride[2], padding[2], dilation[2];
    ConvAxis slices;
    bool is_flat() const { return slices.in == 1 && slices.out == 1 && slices.kernel == 1 && slices.padding == 0; }
};

enum class ConvStatus { ok, no_memory, not_taken };

// Dense arrays: x (batch, groups * in_channels, slices, in), w (groups * out_channels, in_channels, slices, kernel),
// y (batch, groups * out_channels, slices, out). None overlaps an output.
template <class T>
struct ConvKernels {
    // y = w * x (+ bias) (then ReLU)
    ConvStatus (*forward)(const ConvShape&, const T* x, const T* w, const T* bias, bool relu, T* y);
    // gx = the adjoint of forward in x, applied to gy (+ bias)
    ConvStatus (*input)(const ConvShape&, const T* gy, const T* w, const T* bias, T* gx);
    // gw = the adjoint in w; gb (or null) the one in the bias. not_taken where a NaN appeared: the kernel multiplies numbers
    // by zeros that the definition leaves out.
    ConvStatus (*weight)(const ConvShape&, const T* x, const T* gy, T* gw, T* gb);
};

RL_KERNEL_TABLE(ConvKernels<float>, conv_f32)
RL_KERNEL_TABLE(ConvKernels<double>, conv_f64)

template <class T>
const ConvKernels<T>& conv_kernels();
template <>
inline const ConvKernels<float>& conv_kernels<float>() { return active_conv_f32(); }
template <>
inline const ConvKernels<double>& conv_kernels<double>() { return active_conv_f64(); }

}  // namespace rl
