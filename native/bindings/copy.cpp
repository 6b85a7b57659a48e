#include "../copy.h"

#include <vector>

#include "arrays.h"

namespace rl {
namespace {

constexpr int64_t kLong = 1 << 13;  // elements from which the interpreter is released

template <class T>
nb::object copy_as(const Array& out, const Array& source) {
    if (out.size() == 0) return nb::none();
    CopyJob<T> job;
    constexpr int64_t item = sizeof(T);
    job.dims = out.dims();
    for (int d = 0; d < job.dims; ++d) {
        if (out.shape(d) > 1 && (out.stride(d) % item || source.stride(d) % item || out.stride(d) == 0)) return not_implemented();
        job.shape[d] = out.shape(d), job.to[d] = out.stride(d) / item, job.from[d] = source.stride(d) / item;
    }
    job.out = out.data<T>(), job.in = source.data<T>();
    Released released(out.size() >= kLong);
    copy_kernels<T>().copy(job);
    return nb::none();
}

nb::object copy_into(nb::handle out_, nb::handle source_) {
    const Array out(out_, "out"), source(source_, "source");
    if (!out.same_shape(source)) throw nb::value_error("copy_into: out and source must have the same shape");
    if (!out.writeable()) throw nb::value_error("copy_into: out is read-only");
    PyArray_Descr *kind = PyArray_DESCR(out.ptr()), *other = PyArray_DESCR(source.ptr());
    const bool numbers = PyTypeNum_ISNUMBER(kind->type_num) && kind->type_num == other->type_num;
    if (!numbers || !out.plain() || !source.plain() || out.dims() > kCopyDims || out.overlaps(source)) return not_implemented();
    if (PyArray_ITEMSIZE(out.ptr()) == 4) return copy_as<float>(out, source);
    if (PyArray_ITEMSIZE(out.ptr()) == 8) return copy_as<double>(out, source);
    return not_implemented();
}

// The members of a list, if they are dense arrays of numbers of one type and of one shape, but for the length of one dimension.
bool all_alike(nb::handle list, int64_t free_dim, std::vector<Array>& arrays) {
    const Py_ssize_t count = PyList_GET_SIZE(list.ptr());
    arrays.reserve(static_cast<size_t>(count));
    for (Py_ssize_t i = 0; i < count; ++i) {
        const Array& a = arrays.emplace_back(nb::handle(PyList_GET_ITEM(list.ptr(), i)), "arrays");
        const Array& first = arrays.front();
        const int type = PyArray_TYPE(a.ptr());
        if (!PyTypeNum_ISNUMBER(type) && type != bfloat16_number) return false;
        if (type != PyArray_TYPE(first.ptr()) || !a.plain() || !a.contiguous() || a.dims() != first.dims()) return false;
        for (int d = 0; d < a.dims(); ++d) {
            if (d != free_dim && a.shape(d) != first.shape(d)) return false;
        }
    }
    return count > 0;
}

// `length` elements make a row of the result.
template <class T>
void join_as(const std::vector<Array>& arrays, const Array& out, int64_t rows, int64_t length) {
    const int64_t scale = PyArray_ITEMSIZE(out.ptr());
    std::vector<Piece<T>> pieces;
    pieces.reserve(arrays.size());
    for (const Array& a : arrays) {
        if (a.size()) pieces.push_back({a.data<T>(), a.size() / rows * scale / static_cast<int64_t>(sizeof(T))});
    }
    const JoinJob<T> job = {pieces.data(), rows, length * scale / static_cast<int64_t>(sizeof(T)), out.data<T>()};
    Released released(out.size() >= kLong);
    copy_kernels<T>().join(job);
}

// Each of `rows` rows of the result is one row of each array.
nb::object join(const std::vector<Array>& arrays, int dims, const npy_intp* shape, int64_t rows) {
    const nb::object result = empty_of(arrays.front(), dims, shape);
    const Array out(result, "out");
    if (out.size() == 0) return result;
    uint64_t places = 0;  // of all rows, in bytes
    for (const Array& a : arrays) {
        if (!a.size()) continue;
        places |= reinterpret_cast<uintptr_t>(a.data<char>()) | static_cast<uint64_t>(a.size() / rows * PyArray_ITEMSIZE(a.ptr()));
    }
    if (places % 8 == 0) {
        join_as<double>(arrays, out, rows, out.size() / rows);
    } else if (places % 4 == 0) {
        join_as<float>(arrays, out, rows, out.size() / rows);
    } else {
        return not_implemented();
    }
    return result;
}

void expect_list(nb::handle arrays) {
    if (!PyList_Check(arrays.ptr())) nb::raise_type_error("arrays: expected a list, but got %s", Py_TYPE(arrays.ptr())->tp_name);
}

nb::object joined(nb::handle arrays_, int64_t dim) {
    expect_list(arrays_);
    if (PyList_GET_SIZE(arrays_.ptr()) == 0) return not_implemented();
    const int dims = Array(PyList_GET_ITEM(arrays_.ptr(), 0), "arrays").dims();
    if (dim < -dims || dim >= dims) return not_implemented();
    if (dim < 0) dim += dims;
    std::vector<Array> arrays;
    if (!all_alike(arrays_, dim, arrays)) return not_implemented();
    npy_intp shape[NPY_MAXDIMS];
    int64_t rows = 1;
    for (int d = 0; d < dims; ++d) {
        shape[d] = arrays.front().shape(d);
        if (d < dim) rows *= shape[d];
    }
    shape[dim] = 0;
    for (const Array& a : arrays) shape[dim] += a.shape(static_cast<int>(dim));
    return join(arrays, dims, shape, rows);
}

nb::object stacked(nb::handle arrays_, int64_t dim) {
    expect_list(arrays_);
    std::vector<Array> arrays;
    if (!all_alike(arrays_, -1, arrays)) return not_implemented();
    const int dims = arrays.front().dims() + 1;
    if (dim < -dims || dim >= dims || dims > NPY_MAXDIMS) return not_implemented();
    if (dim < 0) dim += dims;
    npy_intp shape[NPY_MAXDIMS];
    int64_t rows = 1;
    for (int d = 0; d < dims; ++d) {
        shape[d] = d == dim ? static_cast<npy_intp>(arrays.size()) : arrays.front().shape(d < dim ? d : d - 1);
        if (d < dim) rows *= shape[d];
    }
    return join(arrays, dims, shape, rows);
}

template <class T>
nb::object triangle_as(const Array& x, int64_t diagonal, bool lower) {
    nb::object out = empty(x.dims(), PyArray_DIMS(x.ptr()), PyArray_TYPE(x.ptr()));
    const int64_t rows = x.shape(x.dims() - 2), columns = x.shape(x.dims() - 1);
    if (x.size() == 0) return out;
    Released released(x.size() >= kLong);
    copy_kernels<T>().triangle(x.data<T>(), data_of<T>(out), x.size() / (rows * columns), rows, columns, diagonal, lower);
    return out;
}

nb::object triangle(nb::handle x_, int64_t diagonal, bool lower) {
    const Array x(x_, "x");
    if (x.dims() < 2) throw nb::value_error("triangle: x must be matrices");
    if (!PyTypeNum_ISNUMBER(PyArray_TYPE(x.ptr())) || !x.plain() || !x.contiguous()) return not_implemented();
    constexpr int64_t far = int64_t{1} << 40;  // beyond any matrix, and sums with it don't overflow
    const int64_t cut = diagonal < -far ? -far : diagonal > far ? far : diagonal;
    if (PyArray_ITEMSIZE(x.ptr()) == 4) return triangle_as<float>(x, cut, lower);
    if (PyArray_ITEMSIZE(x.ptr()) == 8) return triangle_as<double>(x, cut, lower);
    return not_implemented();
}

}  // namespace

void bind_copy(nb::module_& m) {
    m.def("copy_into", copy_into, nb::arg("out").none(), nb::arg("source").none());
    m.def("joined", joined, nb::arg("arrays").none(), nb::arg("dim"));
    m.def("stacked", stacked, nb::arg("arrays").none(), nb::arg("dim"));
    m.def("triangle", triangle, nb::arg("x").none(), nb::arg("diagonal"), nb::arg("lower"));
}

}  // namespace rl
