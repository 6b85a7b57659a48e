// Arrays of one shape walked together, each with steps of its own: what broadcasting and slices need.
#pragma once

#include <cstdint>

namespace rl {

constexpr int kGridDims = 16;

// The common shape of N arrays, neighbouring dimensions joined where all of them allow it, and each array's steps in
// elements. Along the last dimension a step is 1, or 0 where one element stands for all.
template <int N>
struct Grid {
    int dims = 1;
    int64_t shape[kGridDims] = {1};
    int64_t step[N][kGridDims] = {};

    int64_t size() const {
        int64_t n = 1;
        for (int i = 0; i < dims; ++i) n *= shape[i];
        return n;
    }
    // Whether an array has one element for a whole run along the last dimension.
    bool uniform(int array) const { return step[array][dims - 1] == 0; }
};

#ifdef RL_ISA
namespace RL_ISA {
namespace {

// body(each array's first element, how many) for the runs along the last dimension that make up elements [begin, end).
template <int N, class Body>
inline __attribute__((always_inline)) void each_run(const Grid<N>& grid, int64_t begin, int64_t end, Body body) {
    const int last = grid.dims - 1;
    const int64_t length = grid.shape[last];
    while (begin < end) {
        int64_t at[N], rest = begin / length;
        const int64_t first = begin - rest * length, count = length - first < end - begin ? length - first : end - begin;
        for (int a = 0; a < N; ++a) at[a] = first * grid.step[a][last];
        for (int d = last - 1; d >= 0; --d) {
            const int64_t row = rest / grid.shape[d], place = rest - row * grid.shape[d];
            for (int a = 0; a < N; ++a) at[a] += place * grid.step[a][d];
            rest = row;
        }
        body(at, count);
        begin += count;
    }
}

}  // namespace
}  // namespace RL_ISA
#endif

}  // namespace rl
