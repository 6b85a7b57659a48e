#pragma once

#include <cstdint>

#include "core/isa.h"

namespace rl {

// The state of a Mersenne Twister, as NumPy keeps it.
struct Twister {
    uint32_t key[624];
    int pos;  // how many words of the block are used up
};

// All draw from the twister in PyTorch's order (docs/random.md) and fill `out` with n numbers.
struct RandomKernels {
    // Numbers of [0, 1) from the low 24 bits of a draw, or the low 53 of a 64-bit one.
    void (*unit_f32)(Twister& twister, float* out, int64_t n);
    void (*unit_f64)(Twister& twister, double* out, int64_t n);
    // out[i] = out[i] * span + low, fused; `high` becomes `low`.
    void (*scale_f32)(float* out, int64_t n, float low, float span, float high);
    void (*scale_f64)(double* out, int64_t n, double low, double span, double high);
    // Uniform numbers in blocks of 16 become normal ones, times std plus mean. n is a multiple of 16.
    void (*box_muller_f32)(float* out, int64_t n, float mean, float std);
    // Whether a 53-bit uniform number is below p.
    void (*below)(Twister& twister, bool* out, int64_t n, double p);
    // `scale` where a 53-bit uniform number is below p, else 0.
    void (*scaled_below)(Twister& twister, float* out, int64_t n, double p, float scale);
    // 1 where a uniform number (of 24 bits for float, 53 for double) is below its p, else 0.
    void (*each_below_f32)(Twister& twister, const float* p, float* out, int64_t n);
    void (*each_below_f64)(Twister& twister, const double* p, double* out, int64_t n);
    // Whether all are of [0, 1].
    bool (*chances_f32)(const float* p, int64_t n);
    bool (*chances_f64)(const double* p, int64_t n);
    // A draw modulo span, plus low (wrapping): of 32 bits where span < 2**28, else of 64. A span of 0 stands for 2**64.
    void (*integers)(Twister& twister, int64_t* out, int64_t n, uint64_t low, uint64_t span);
    // 0 … n-1 shuffled, n < 2**32.
    void (*permutation)(Twister& twister, int64_t* out, int64_t n);
};

RL_KERNEL_TABLE(RandomKernels, random)

}  // namespace rl
