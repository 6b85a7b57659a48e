// The dimensions of a reduction, and the shape of its result.
#pragma once

#include "arrays.h"

namespace rl {

constexpr int kMaxDims = 64;

// Reads increasing dimensions that follow one another into [first, last); false for any others.
inline bool consecutive(nb::handle dims, int rank, int& first, int& last) {
    if (!PyTuple_CheckExact(dims.ptr())) return false;
    const Py_ssize_t count = PyTuple_GET_SIZE(dims.ptr());
    if (count == 0) return false;
    for (Py_ssize_t i = 0; i < count; ++i) {
        PyObject* item = PyTuple_GET_ITEM(dims.ptr(), i);
        if (!PyLong_CheckExact(item)) return false;
        int overflow = 0;
        const long dim = PyLong_AsLongAndOverflow(item, &overflow);
        if (overflow || dim < 0 || dim >= rank || (i > 0 && dim != first + i)) return false;
        if (i == 0) first = static_cast<int>(dim);
    }
    last = first + static_cast<int>(count);
    return true;
}

// An array seen as (outer, n, inner), whose dimensions [first, last) are the n, and the result's shape.
struct Sizes {
    Sizes(const Array& x, int first, int last, bool keepdim) {
        for (int i = 0; i < x.dims(); ++i) {
            const bool reduced = first <= i && i < last;
            (reduced ? n : i < first ? outer : inner) *= x.shape(i);
            if (!reduced) shape[rank++] = x.shape(i);
            else if (keepdim) shape[rank++] = 1;
        }
    }
    nb::object array(int type) const { return empty(rank, shape, type); }
    npy_intp shape[kMaxDims];
    int rank = 0;
    int64_t outer = 1, n = 1, inner = 1;
};

}  // namespace rl
