#pragma once

#include <cstdint>

#include "core/isa.h"

namespace rl {

constexpr int kMostMaskDims = 16;

// Where masks are true, in row-major order. A mask is n bytes, zero or not, in `parts` parts of which each begins to write where the
// parts before it end: at starts[part], starts[parts] being the number of all. Where the mask changes meanwhile, no more is written.
struct SelectingKernels {
    // How many are true in each part.
    void (*count)(const uint8_t* mask, int64_t n, int parts, int64_t* counts);
    // out = the rows of x, `width` bytes each, whose mask is true.
    void (*select)(const uint8_t* mask, int64_t n, int parts, const int64_t* starts, const char* x, int64_t width, char* out);
    // The rows of x whose mask is true become those of `values` in order, or the one that there is.
    void (*place)(const uint8_t* mask, int64_t n, int parts, const int64_t* starts, char* x, int64_t width, const char* values,
                  bool single);
    // out = x, elements of 1, 2, 4 or 8 bytes, with one value where the mask is true.
    void (*fill)(int size, const uint8_t* mask, int64_t n, const void* x, const void* value, void* out);
    // The coordinates of what is true in an array of this shape: a vector for each dimension, `total` apart.
    void (*nonzero)(const uint8_t* mask, int dims, const int64_t* shape, int parts, const int64_t* starts, int64_t total,
                    int64_t* out);
};

RL_KERNEL_TABLE(SelectingKernels, selecting)

}  // namespace rl
