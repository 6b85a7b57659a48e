// The other ways to convolve: each has kernels like ConvKernels, and says for which shapes they are the fastest.
#pragma once

#include "conv.h"

namespace rl {

enum class ConvOp { forward, input, weight };

// The kernels return not_taken for shapes that are not theirs.
template <class T>
struct ConvPath {
    ConvKernels<T> conv;
    bool (*prefers)(const ConvShape&, ConvOp);
};

// As the multiplication of matrices, for many channels: shapes whose offsets fit 32 bits.
RL_KERNEL_TABLE(ConvPath<float>, conv_gemm_f32)
RL_KERNEL_TABLE(ConvPath<double>, conv_gemm_f64)
// By Winograd's transforms, for windows of 3 x 3 and stride 1 with many channels. not_taken also where a result is infinite or NaN.
RL_KERNEL_TABLE(ConvPath<float>, conv_winograd_f32)
RL_KERNEL_TABLE(ConvPath<double>, conv_winograd_f64)
// Each channel by itself: one channel in a group, stride 1, outputs as wide as inputs.
RL_KERNEL_TABLE(ConvPath<float>, conv_depthwise_f32)
RL_KERNEL_TABLE(ConvPath<double>, conv_depthwise_f64)

template <class T>
const ConvPath<T>& conv_gemm();
template <>
inline const ConvPath<float>& conv_gemm<float>() { return active_conv_gemm_f32(); }
template <>
inline const ConvPath<double>& conv_gemm<double>() { return active_conv_gemm_f64(); }

template <class T>
const ConvPath<T>& conv_winograd();
template <>
inline const ConvPath<float>& conv_winograd<float>() { return active_conv_winograd_f32(); }
template <>
inline const ConvPath<double>& conv_winograd<double>() { return active_conv_winograd_f64(); }

template <class T>
const ConvPath<T>& conv_depthwise();
template <>
inline const ConvPath<float>& conv_depthwise<float>() { return active_conv_depthwise_f32(); }
template <>
inline const ConvPath<double>& conv_depthwise<double>() { return active_conv_depthwise_f64(); }

}  // namespace rl
