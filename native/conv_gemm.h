#pragma once

#include "conv.h"

namespace rl {

enum class ConvOp { forward, input, weight };

// Convolution as the multiplication of matrices, for many channels; like ConvKernels, which are for few. not_taken, before
// anything is written, where offsets would not fit 32 bits.
template <class T>
struct ConvGemmKernels {
    ConvKernels<T> conv;
    bool (*prefers)(const ConvShape&, ConvOp);  // whether these are the faster ones
};

RL_KERNEL_TABLE(ConvGemmKernels<float>, conv_gemm_f32)
RL_KERNEL_TABLE(ConvGemmKernels<double>, conv_gemm_f64)

template <class T>
const ConvGemmKernels<T>& conv_gemm_kernels();
template <>
inline const ConvGemmKernels<float>& conv_gemm_kernels<float>() { return active_conv_gemm_f32(); }
template <>
inline const ConvGemmKernels<double>& conv_gemm_kernels<double>() { return active_conv_gemm_f64(); }

}  // namespace rl
