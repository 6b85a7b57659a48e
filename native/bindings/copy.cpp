#include "../copy.h"

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
    m.def("triangle", triangle, nb::arg("x").none(), nb::arg("diagonal"), nb::arg("lower"));
}

}  // namespace rl
