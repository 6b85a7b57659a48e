#pragma once

#include <cstdint>

#include "core/isa.h"

namespace rl {

template <class T>
struct SgdTensor {
    T* param;
    const T* grad;
    T* buffer;       // null without momentum
    bool fresh;      // the buffer's first step: it becomes a copy of the gradient
    int64_t size;
};

struct SgdOptions {
    double lr, momentum, dampening, weight_decay;
    bool nesterov, maximize;
};

template <class T>
struct AdamTensor {
    T* param;
    const T* grad;
    T* mean;
    T* square;
    T* largest_square;  // null without amsgrad
    int64_t size;
};

struct AdamOptions {
    double step, lr, beta1, beta2, eps, weight_decay;
    bool decoupled, maximize;
};

template <class T>
struct OptimKernels {
    // In place, over all tensors. param, buffer, mean and square of different entries don't overlap.
    void (*sgd)(const SgdTensor<T>* tensors, int64_t count, const SgdOptions& options);
    void (*adam)(const AdamTensor<T>* tensors, int64_t count, const AdamOptions& options);
};

RL_KERNEL_TABLE(OptimKernels<float>, optim_f32)
RL_KERNEL_TABLE(OptimKernels<double>, optim_f64)

template <class T>
const OptimKernels<T>& optim_kernels();
template <>
inline const OptimKernels<float>& optim_kernels<float>() { return active_optim_f32(); }
template <>
inline const OptimKernels<double>& optim_kernels<double>() { return active_optim_f64(); }

}  // namespace rl
