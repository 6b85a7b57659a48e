#pragma once

#include <cstdint>

#include "core/isa.h"

namespace rl {

// All arrays are dense, rows x columns; in and out may be the same.
template <class T>
struct LossKernels {
    void (*softmax)(const T* x, T* out, int64_t rows, int64_t columns);
    void (*log_softmax)(const T* x, T* out, int64_t rows, int64_t columns);
    // `result` is what the forward kernel returned.
    void (*softmax_backward)(const T* grad, const T* result, T* out, int64_t rows, int64_t columns);
    void (*log_softmax_backward)(const T* grad, const T* result, T* out, int64_t rows, int64_t columns);
    // losses[i] = -log_probs[i, target[i]], 0 where target[i] == ignore. Targets are in range or `ignore`.
    void (*cross_entropy)(const T* logits, const int64_t* target, int64_t ignore, T* losses, T* log_probs, int64_t rows,
                          int64_t columns);
    // out[i, j] = grad[i] * (exp(log_probs[i, j]) - (j == target[i])), 0 where target[i] == ignore.
    void (*cross_entropy_backward)(const T* log_probs, const int64_t* target, int64_t ignore, const T* grad, T* out,
                                   int64_t rows, int64_t columns);
};

RL_KERNEL_TABLE(LossKernels<float>, loss_f32)
RL_KERNEL_TABLE(LossKernels<double>, loss_f64)

template <class T>
const LossKernels<T>& loss_kernels();
template <>
inline const LossKernels<float>& loss_kernels<float>() { return active_loss_f32(); }
template <>
inline const LossKernels<double>& loss_kernels<double>() { return active_loss_f64(); }

}  // namespace rl
