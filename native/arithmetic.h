#pragma once

#include <cstdint>

#include "core/grid.h"
#include "core/isa.h"
#include "core/narrow_types.h"

namespace rl {

// Null where a type has no such function.
template <class T>
struct ArithmeticKernels {
    using Number = typename ElementOf<T>::type;
    using Unary = void (*)(const T* x, T* out, int64_t n);
    // Where a or b is null, the number stands for it.
    using Binary = void (*)(const T* a, const T* b, Number number, T* out, const Grid<3>& grid);
    using Ternary = void (*)(const T* a, const T* b, const T* c, T* out, int64_t n, Number number);

    Binary add, subtract, multiply, maximum, minimum, divide;
    Unary negative, absolute, square, sqrt, reciprocal, reciprocal_sqrt;
    // a + number (b - a), from the nearer end; c is not read.
    Ternary interpolate;
    // a + number b c and a + number b / c.
    Ternary add_product, add_quotient;
};

RL_KERNEL_TABLE(ArithmeticKernels<float>, arithmetic_f32)
RL_KERNEL_TABLE(ArithmeticKernels<double>, arithmetic_f64)
RL_KERNEL_TABLE(ArithmeticKernels<int64_t>, arithmetic_i64)
RL_KERNEL_TABLE(ArithmeticKernels<int32_t>, arithmetic_i32)
RL_KERNEL_TABLE(ArithmeticKernels<BFloat16>, arithmetic_bf16)
RL_KERNEL_TABLE(ArithmeticKernels<Float16>, arithmetic_f16)

template <class T>
const ArithmeticKernels<T>& arithmetic_kernels();
template <>
inline const ArithmeticKernels<float>& arithmetic_kernels<float>() { return active_arithmetic_f32(); }
template <>
inline const ArithmeticKernels<double>& arithmetic_kernels<double>() { return active_arithmetic_f64(); }
template <>
inline const ArithmeticKernels<int64_t>& arithmetic_kernels<int64_t>() { return active_arithmetic_i64(); }
template <>
inline const ArithmeticKernels<int32_t>& arithmetic_kernels<int32_t>() { return active_arithmetic_i32(); }
template <>
inline const ArithmeticKernels<BFloat16>& arithmetic_kernels<BFloat16>() { return active_arithmetic_bf16(); }
template <>
inline const ArithmeticKernels<Float16>& arithmetic_kernels<Float16>() { return active_arithmetic_f16(); }

}  // namespace rl
