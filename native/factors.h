#pragma once

#include <cstdint>

#include "core/isa.h"

namespace rl {

template <class T>
struct FactorKernels {
    // L and U of `count` matrices in place, by partial pivoting; the rows exchanged, and the first step whose pivot is 0, both
    // counted from 1 (info 0: none).
    void (*lu)(T* matrices, int32_t* pivots, int32_t* info, int64_t count, int64_t rows, int64_t columns);
};

RL_KERNEL_TABLE(FactorKernels<float>, factors_f32)
RL_KERNEL_TABLE(FactorKernels<double>, factors_f64)

template <class T>
const FactorKernels<T>& factor_kernels();
template <>
inline const FactorKernels<float>& factor_kernels<float>() { return active_factors_f32(); }
template <>
inline const FactorKernels<double>& factor_kernels<double>() { return active_factors_f64(); }

}  // namespace rl
