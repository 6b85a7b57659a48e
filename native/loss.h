#pragma once

#include <cstdint>

#include "core/isa.h"

namespace rl {

// Dense arrays of shape (outer, count, inner), whose slices of `count` elements are normalised.
struct Slicing {
    int64_t outer, count, inner;
};

template <class T>
struct LossKernels {
    void (*softmax)(const T* x, T* out, const Slicing& slices);
    void (*log_softmax)(const T* x, T* out, const Slicing& slices);
    // `result` is what the forward kernel returned.
    void (*softmax_backward)(const T* grad, const T* result, T* out, const Slicing& slices);
    void (*log_softmax_backward)(const T* grad, const T* result, T* out, const Slicing& slices);
    // Of dense rows x columns: losses[i] = log sum exp logits[i] - logits[i, target[i]], 0 where target[i] == ignore; normalizers
    // (rows x 2): each row's greatest, and the logarithm of the sum of exp(logits - greatest). Targets are in range or `ignore`.
    void (*cross_entropy)(const T* logits, const int64_t* target, int64_t ignore, T* losses, T* normalizers, int64_t rows,
                          int64_t columns);
    // out[i, j] = grad[i] * (softmax(logits)[i, j] - (j == target[i])), 0 where target[i] == ignore.
    void (*cross_entropy_backward)(const T* logits, const T* normalizers, const int64_t* target, int64_t ignore, const T* grad,
                                   T* out, int64_t rows, int64_t columns);
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
