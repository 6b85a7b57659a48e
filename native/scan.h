#pragma once

#include <cstdint>

#include "core/isa.h"

namespace rl {

// Running results along the middle of an array of shape (outer, n, inner), in the order of the elements, or for a sum from the
// last to the first. float adds up, multiplies and so on in double, as PyTorch does.
template <class T>
struct ScanKernels {
    void (*sum)(const T* x, T* out, int64_t outer, int64_t n, int64_t inner, bool from_end);
    void (*product)(const T* x, T* out, int64_t outer, int64_t n, int64_t inner);
    // log(exp(x[0]) + ... + exp(x[i])); null for integers.
    void (*log_sum_exp)(const T* x, T* out, int64_t outer, int64_t n, int64_t inner);
    // The greatest or least so far, and the last place where it was met; NaN wins.
    void (*extremum)(const T* x, T* out, int64_t* places, int64_t outer, int64_t n, int64_t inner, bool greatest);
};

RL_KERNEL_TABLE(ScanKernels<float>, scan_f32)
RL_KERNEL_TABLE(ScanKernels<double>, scan_f64)
RL_KERNEL_TABLE(ScanKernels<int64_t>, scan_i64)

template <class T>
const ScanKernels<T>& scan_kernels();
template <>
inline const ScanKernels<float>& scan_kernels<float>() { return active_scan_f32(); }
template <>
inline const ScanKernels<double>& scan_kernels<double>() { return active_scan_f64(); }
template <>
inline const ScanKernels<int64_t>& scan_kernels<int64_t>() { return active_scan_i64(); }

}  // namespace rl
