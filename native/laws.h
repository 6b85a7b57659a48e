#pragma once

#include <cstdint>

#include "random.h"

namespace rl {

// A generator as the laws see it: its words, and the second of a pair of normal numbers if one waits.
struct Source {
    Twister& twister;
    bool waits;
    double waiting;
};

// Numbers that take as many draws as it happens to take, one after the other; rushlight/kernels/reference/rejection.py defines
// them, with their sources.
struct LawKernels {
    // One number of the gamma law for each shape; those of floats are prepared in float.
    void (*gamma_f32)(Source& source, const float* shapes, double* out, int64_t n);
    void (*gamma_f64)(Source& source, const double* shapes, double* out, int64_t n);
    void (*poisson)(Source& source, const double* rates, double* out, int64_t n);
    void (*binomial_f32)(Source& source, const float* counts, const float* chances, double* out, int64_t n);
    void (*binomial_f64)(Source& source, const double* counts, const double* chances, double* out, int64_t n);
};

RL_KERNEL_TABLE(LawKernels, laws)

}  // namespace rl
