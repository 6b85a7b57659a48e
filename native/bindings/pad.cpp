#include "../pad.h"

#include "../core/allocator.h"
#include "arrays.h"

#include <algorithm>
#include <cstring>
#include <new>

namespace rl {
namespace {

constexpr int64_t kLong = 1 << 14;  // elements from which the interpreter is released

// The indices, copied so that nobody changes them while they are used.
bool read_indices(const Array& indices, int64_t size, int64_t* copy) {
    const int64_t* from = indices.data<int64_t>();
    std::memcpy(copy, from, indices.size() * sizeof(int64_t));
    return std::all_of(copy, copy + indices.size(), [=](int64_t i) { return 0 <= i && i < size; });
}

// The longest run of columns whose indices follow one another.
void find_run(PadLayout& l) {
    l.run = l.run_end = 0;
    for (int64_t begin = 0; begin < l.columns;) {
        int64_t end = begin + 1;
        while (end < l.columns && l.column[end] == l.column[end - 1] + 1) ++end;
        if (end - begin > l.run_end - l.run) l.run = begin, l.run_end = end;
        begin = end;
    }
}

template <class T>
nb::object run_kernel(const Array& from, PadLayout& l, bool forward) {
    nb::object out = forward ? empty<T>({l.planes, l.rows, l.columns}) : empty<T>({l.planes, l.height, l.width});
    Released released(from.size() >= kLong);
    (forward ? pad_kernels<T>().copy : pad_kernels<T>().add)(l, from.data<T>(), data_of<T>(out));
    return out;
}

// `from` is (planes, height, width) forward, (planes, rows, columns) backward.
nb::object pad_planes(const Array& from, const Array& row, const Array& column, int64_t height, int64_t width, bool forward) {
    if (from.dims() != 3 || row.dims() != 1 || column.dims() != 1) throw nb::value_error("expected a 3-D array and two 1-D ones");
    if (!row.is_dense<int64_t>() || !column.is_dense<int64_t>()) return not_implemented();
    if (!from.is_dense<float>() && !from.is_dense<double>()) return not_implemented();
    PadLayout l{from.shape(0), height, width, row.size(), column.size(), nullptr, nullptr, 0, 0};
    if (!forward && (from.shape(1) != l.rows || from.shape(2) != l.columns)) throw nb::value_error("grad and indices must match");
    Scratch<int64_t> indices(l.rows + l.columns + 1);
    if (!indices.get()) throw std::bad_alloc();
    if (!read_indices(row, height, indices.get()) || !read_indices(column, width, indices.get() + l.rows)) {
        throw nb::index_error("an index is out of range");
    }
    l.row = indices.get(), l.column = indices.get() + l.rows;
    find_run(l);
    return from.is<float>() ? run_kernel<float>(from, l, forward) : run_kernel<double>(from, l, forward);
}

nb::object copy_planes(nb::handle x_, nb::handle rows, nb::handle columns) {
    const Array x(x_, "x"), row(rows, "rows"), column(columns, "columns");
    if (x.dims() != 3) throw nb::value_error("expected a 3-D array");
    return pad_planes(x, row, column, x.shape(1), x.shape(2), true);
}

nb::object add_planes(nb::handle grad_, nb::handle rows, nb::handle columns, int64_t height, int64_t width) {
    const Array grad(grad_, "grad"), row(rows, "rows"), column(columns, "columns");
    if (height < 0 || width < 0) throw nb::value_error("height and width must not be negative");
    return pad_planes(grad, row, column, height, width, false);
}

// Reads ((before, after), ...) of the last dimensions; trailing ones without padding become part of the dimension before them.
bool read_pads(const Array& x, nb::handle pads, BoxLayout& l, int64_t* shape) {
    const Py_ssize_t count = PyTuple_Check(pads.ptr()) ? PyTuple_GET_SIZE(pads.ptr()) : -1;
    if (count < 1 || count > x.dims() || count > kPadDims) return false;
    l.dims = 0, l.lead = 1;
    const int lead = x.dims() - static_cast<int>(count);
    for (int d = 0; d < lead; ++d) l.lead *= shape[d] = x.shape(d);
    for (int d = 0; d < count; ++d) {
        PyObject* pair = PyTuple_GET_ITEM(pads.ptr(), d);
        if (!PyTuple_Check(pair) || PyTuple_GET_SIZE(pair) != 2) return false;
        int64_t amount[2];
        for (int i = 0; i < 2; ++i) {
            PyObject* number = PyTuple_GET_ITEM(pair, i);
            if (!PyLong_Check(number)) return false;
            int overflow = 0;
            amount[i] = PyLong_AsLongLongAndOverflow(number, &overflow);
            constexpr int64_t most = int64_t{1} << 40;
            if (overflow || amount[i] > most || amount[i] < -most) return false;
        }
        const int64_t from = x.shape(lead + d), to = from + amount[0] + amount[1];
        if (to < 0) return false;
        shape[lead + d] = to;
        if (l.dims && !amount[0] && !amount[1]) {
            const int at = l.dims - 1;
            l.from[at] *= from, l.to[at] *= from, l.before[at] *= from;
        } else {
            l.from[l.dims] = from, l.to[l.dims] = to, l.before[l.dims++] = amount[0];
        }
    }
    return true;
}

template <class T>
nb::object constant_as(const Array& x, const BoxLayout& l, const int64_t* shape, double value) {
    npy_intp lengths[NPY_MAXDIMS];
    std::copy_n(shape, x.dims(), lengths);
    nb::object out = nb::steal(PyArray_SimpleNew(x.dims(), lengths, PyArray_TYPE(x.ptr())));
    if (!out.is_valid()) nb::raise_python_error();
    const int64_t size = Array(out, "out").size();
    if (size == 0) return out;
    Released released(size >= kLong);
    pad_kernels<T>().constant(l, x.data<T>(), data_of<T>(out), static_cast<T>(value));
    return out;
}

nb::object pad_constant(nb::handle x_, nb::handle pads, nb::handle value_) {
    const Array x(x_, "x");
    const bool wide = x.is_dense<double>();
    if ((!wide && !x.is_dense<float>()) || x.dims() > kPadDims) return not_implemented();
    BoxLayout l;
    int64_t shape[kPadDims];
    if (!read_pads(x, pads, l, shape)) return not_implemented();
    const double value = PyFloat_AsDouble(value_.ptr());
    if (value == -1 && PyErr_Occurred()) {
        PyErr_Clear();
        return not_implemented();
    }
    return wide ? constant_as<double>(x, l, shape, value) : constant_as<float>(x, l, shape, value);
}

}  // namespace

void bind_pad(nb::module_& m) {
    m.def("pad_constant", pad_constant, nb::arg("x").none(), nb::arg("pads").none(), nb::arg("value").none());
    m.def("copy_planes", copy_planes, nb::arg("x").none(), nb::arg("rows").none(), nb::arg("columns").none());
    m.def("add_planes", add_planes, nb::arg("grad").none(), nb::arg("rows").none(), nb::arg("columns").none(), nb::arg("height"),
          nb::arg("width"));
}

}  // namespace rl
