// How arrays that broadcast are walked together.
#pragma once

#include "../core/grid.h"
#include "arrays.h"

namespace rl {

// Reads the common shape of two arrays; false where they don't broadcast or have too many dimensions.
inline bool common_shape(const Array& a, const Array& b, int& dims, npy_intp* shape) {
    dims = a.dims() > b.dims() ? a.dims() : b.dims();
    if (dims > kGridDims) return false;
    for (int d = 0; d < dims; ++d) {
        const int i = d - (dims - a.dims()), j = d - (dims - b.dims());
        const int64_t m = i < 0 ? 1 : a.shape(i), n = j < 0 ? 1 : b.shape(j);
        if (m != n && m != 1 && n != 1) return false;
        shape[d] = m == 1 ? n : m;
    }
    return true;
}

// Whether the dimensions of an array lie in memory in their order, none of them backwards: NumPy's results then do, too.
inline bool in_order(const Array& x) {
    int64_t last = INT64_MAX;
    for (int d = 0; d < x.dims(); ++d) {
        if (x.shape(d) == 1 || x.stride(d) == 0) continue;
        if (x.stride(d) < 0 || x.stride(d) > last) return false;
        last = x.stride(d);
    }
    return true;
}

// A grid being made: dimensions of length 1 are left out, and those that lie alike in all arrays become one.
template <int N>
struct GridBuilder {
    GridBuilder(int dims, const npy_intp* shape) : dims_(dims), shape_(shape) {
        for (int d = 0; d < dims; ++d) grid.shape[d] = shape[d];
        grid.dims = dims;
    }
    // False where the array's steps are no whole elements.
    bool add(int which, const Array& x) {
        const int64_t size = PyArray_ITEMSIZE(x.ptr());
        for (int d = 0; d < dims_; ++d) {
            const int i = d - (dims_ - x.dims());
            const bool repeated = i < 0 || x.shape(i) != shape_[d];
            const int64_t stride = repeated ? 0 : x.stride(i);
            if (stride % size) return false;
            grid.step[which][d] = stride / size;
        }
        return true;
    }
    // False where an array has another step than 0 and 1 along the last dimension, or the last one any but 1.
    bool finish() {
        if (grid.size() == 0) return true;
        int kept = 0;
        for (int d = 0; d < dims_; ++d) {
            if (grid.shape[d] == 1) continue;
            bool joined = kept > 0;
            for (int a = 0; a < N && joined; ++a) joined = grid.step[a][kept - 1] == grid.step[a][d] * grid.shape[d];
            if (joined) grid.shape[kept - 1] *= grid.shape[d];
            else grid.shape[kept++] = grid.shape[d];
            for (int a = 0; a < N; ++a) grid.step[a][kept - 1] = grid.step[a][d];
        }
        if (kept == 0) {
            grid.shape[0] = 1;
            for (int a = 0; a < N; ++a) grid.step[a][0] = a == N - 1;
            kept = 1;
        }
        grid.dims = kept;
        for (int a = 0; a < N; ++a) {
            const int64_t step = grid.step[a][kept - 1];
            if (step != 1 && (step != 0 || a == N - 1)) return false;
        }
        return true;
    }
    Grid<N> grid;

private:
    int dims_;
    const npy_intp* shape_;
};

}  // namespace rl
