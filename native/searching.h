#pragma once

#include <cstdint>

#include "core/isa.h"

namespace rl {

template <class T>
struct SearchingKernels {
    // For each of m values a row, the first place of a sorted row of n keys that is not before it (`right`: that is after it). The
    // keys' rows are `key_step` apart: 0 where all values have the same. By halving, in PyTorch's steps.
    void (*search)(const T* keys, int64_t key_step, int64_t n, const T* values, int64_t rows, int64_t m, bool right, int64_t* out);
    // How many of n numbers lie in each of `bins` equal parts of [low, high], the last one closed, in `parts` tables of bins + 1.
    void (*histogram)(const T* x, int64_t n, int64_t bins, T low, T high, int parts, int64_t* tables);
};

struct CountingKernels {
    // The least and the greatest of n >= 1 numbers.
    void (*extent)(const int64_t* x, int64_t n, int64_t* least, int64_t* most);
    // How often each number below `length` occurs, in `parts` tables. What lies outside is passed over: then false.
    bool (*count)(const int64_t* x, int64_t n, int64_t length, int parts, int64_t* tables);
};

RL_KERNEL_TABLE(SearchingKernels<float>, searching_f32)
RL_KERNEL_TABLE(SearchingKernels<double>, searching_f64)
RL_KERNEL_TABLE(SearchingKernels<int64_t>, searching_i64)
RL_KERNEL_TABLE(CountingKernels, counting)

template <class T>
const SearchingKernels<T>& searching_kernels();
template <>
inline const SearchingKernels<float>& searching_kernels<float>() { return active_searching_f32(); }
template <>
inline const SearchingKernels<double>& searching_kernels<double>() { return active_searching_f64(); }
template <>
inline const SearchingKernels<int64_t>& searching_kernels<int64_t>() { return active_searching_i64(); }

}  // namespace rl
