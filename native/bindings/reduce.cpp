#include "../reduce.h"

#include "arrays.h"

namespace rl {
namespace {

constexpr int64_t kLong = 1 << 14;  // elements from which the interpreter is released
constexpr int kMaxDims = 64;

// Reads increasing dimensions that follow one another into [first, last); false for any others.
bool consecutive(nb::handle dims, int rank, int& first, int& last) {
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

template <class T>
nb::object sum_over_as(const Array& x, int first, int last, bool keepdim, double divisor) {
    npy_intp shape[kMaxDims];
    int rank = 0;
    int64_t outer = 1, n = 1, inner = 1;
    for (int i = 0; i < x.dims(); ++i) {
        const bool reduced = first <= i && i < last;
        (reduced ? n : i < first ? outer : inner) *= x.shape(i);
        if (!reduced) shape[rank++] = x.shape(i);
        else if (keepdim) shape[rank++] = 1;
    }
    nb::object out = nb::steal(PyArray_SimpleNew(rank, shape, type_number<T>));
    if (!out.is_valid()) nb::raise_python_error();
    Released released(x.size() >= kLong);
    reduce_kernels<T>().sum_over(x.data<T>(), data_of<T>(out), outer, n, inner, static_cast<T>(divisor));
    return out;
}

nb::object sum_over(nb::handle x_, nb::handle dims, bool keepdim, double divisor) {
    const Array x(x_, "x");
    int first = 0, last = x.dims();
    if (!dims.is_none() && !consecutive(dims, x.dims(), first, last)) return not_implemented();
    if (x.is_dense<float>()) return sum_over_as<float>(x, first, last, keepdim, divisor);
    if (x.is_dense<double>()) return sum_over_as<double>(x, first, last, keepdim, divisor);
    return not_implemented();
}

nb::object mean(nb::handle x_) {
    const Array x(x_, "x");
    return sum_over(x_, nb::none(), false, static_cast<double>(x.size()));
}

}  // namespace

void bind_reduce(nb::module_& m) {
    m.def("sum_over", sum_over, nb::arg("x").none(), nb::arg("dims") = nb::none(), nb::arg("keepdim") = false,
          nb::arg("divisor") = 1.0);
    m.def("mean", mean, nb::arg("x").none());
}

}  // namespace rl
