#pragma once

#include <cstdint>

#include "core/isa.h"

namespace rl {

// What one instruction multiplies: so many rows of the weights, so many elements of each. kernels/reference/int8.py packs so.
constexpr int64_t kInt8Rows = 16, kInt8Group = 4;

struct Int8Job {
    int64_t m, n, k;
    const uint8_t* a;       // (m, k), dense
    const int8_t* packed;   // (ceil(n / 16), ceil(k / 4), 16, 4)
    int32_t zero_point;     // of a
    const int32_t* sums;    // (n): of the weights' rows
    const int32_t* weight_zero_points;  // (n), or null for zeros
    const float* scales;    // (n)
    const float* bias;      // (n), or null
    bool relu;              // for floats alone
    // S is the exact sum. Floats are S * scales + bias; codes are round((S + bias) * scales) + zero within [low, high].
    float* out;             // (m, n), or null for codes
    uint8_t* codes;         // (m, n): uint8, or the bytes of int8
    int32_t zero, low, high;
};

struct Int8Kernels {
    // False when there was no memory.
    bool (*product)(const Int8Job& job);
    // The least and greatest of n floats; NaN in both if there is one. n > 0.
    void (*range)(const float* x, int64_t n, float* least, float* greatest);
    // round(x * inverse + zero_point) within [low, high]; NaN becomes high.
    void (*quantize)(const float* x, int64_t n, float inverse, int32_t zero_point, int32_t low, int32_t high, uint8_t* out);
};

RL_KERNEL_TABLE(Int8Kernels, int8)

// Whether products may use the instructions for them (VNNI); changeable for tests, and true only where the CPU has them.
bool int8_uses_vnni();
void set_int8_vnni(bool use);

}  // namespace rl
