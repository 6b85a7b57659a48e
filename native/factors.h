#pragma once

#include <cstdint>

#include "core/isa.h"

namespace rl {

// Where the elements of a matrix lie, in elements.
struct MatrixSteps {
    int64_t row, column;
};

template <class T>
struct FactorKernels {
    // L and U of `count` matrices in place, by partial pivoting; the rows exchanged, and the first step whose pivot is 0, both
    // counted from 1 (info 0: none).
    void (*lu)(T* matrices, int32_t* pivots, int32_t* info, int64_t count, int64_t rows, int64_t columns);
    // Q (rows, k) and R (k, columns) of `count` matrices, k = min(rows, columns), by Householder's reflections as LAPACK chooses
    // them. `work` has room for (rows + 2) * columns numbers a matrix.
    void (*qr)(const T* matrices, T* q, T* r, T* work, int64_t count, int64_t rows, int64_t columns);
    // X of A X = B for `count` matrices A (n, n), of which one triangle counts, without its diagonal if that is `unit`, and dense
    // X, B (n, columns): X holds B at first. The matrices A are n * n apart.
    void (*solve)(const T* a, MatrixSteps steps, T* x, int64_t count, int64_t n, int64_t columns, bool upper, bool unit);
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
