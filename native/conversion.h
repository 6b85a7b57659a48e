#pragma once

#include <cstdint>

#include "core/isa.h"
#include "core/narrow_types.h"

namespace rl {

// out[i] = x[i] in another type: to the nearest, of two equally near the even one; to integers towards zero, and the least
// integer for what none can hold. A template argument pair is a function of its own.
struct ConversionKernels {
    template <class From, class To>
    using Convert = void (*)(const From* x, To* out, int64_t n);

    Convert<float, BFloat16> f32_to_bf16;
    Convert<BFloat16, float> bf16_to_f32;
    Convert<float, Float16> f32_to_f16;
    Convert<Float16, float> f16_to_f32;
    Convert<float, double> f32_to_f64;
    Convert<double, float> f64_to_f32;
    Convert<float, int64_t> f32_to_i64;
    Convert<int64_t, float> i64_to_f32;
    Convert<float, int32_t> f32_to_i32;
    Convert<int32_t, float> i32_to_f32;
    Convert<uint8_t, float> u8_to_f32;  // of bools, too
};

RL_KERNEL_TABLE(ConversionKernels, conversion)

}  // namespace rl
