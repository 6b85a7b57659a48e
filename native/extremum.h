#pragma once

#include <cstdint>

#include "core/isa.h"

namespace rl {

// x has the shape (outer, n, inner), n > 0; results are (outer, inner).
template <class T>
struct ExtremumKernels {
    // The greatest or least of the n elements, NaN if there is one.
    void (*values)(const T* x, T* out, int64_t outer, int64_t n, int64_t inner, bool greatest);
    // The first place where it is; n < 2^31.
    void (*places)(const T* x, int64_t* out, int64_t outer, int64_t n, int64_t inner, bool greatest);
};

RL_KERNEL_TABLE(ExtremumKernels<float>, extremum_f32)
RL_KERNEL_TABLE(ExtremumKernels<double>, extremum_f64)
RL_KERNEL_TABLE(ExtremumKernels<int64_t>, extremum_i64)
RL_KERNEL_TABLE(ExtremumKernels<int32_t>, extremum_i32)

template <class T>
const ExtremumKernels<T>& extremum_kernels();
template <>
inline const ExtremumKernels<float>& extremum_kernels<float>() { return active_extremum_f32(); }
template <>
inline const ExtremumKernels<double>& extremum_kernels<double>() { return active_extremum_f64(); }
template <>
inline const ExtremumKernels<int64_t>& extremum_kernels<int64_t>() { return active_extremum_i64(); }
template <>
inline const ExtremumKernels<int32_t>& extremum_kernels<int32_t>() { return active_extremum_i32(); }

}  // namespace rl
