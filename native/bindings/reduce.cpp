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

struct Sizes {
    Sizes(const Array& x, int first, int last, bool keepdim) {
        for (int i = 0; i < x.dims(); ++i) {
            const bool reduced = first <= i && i < last;
            (reduced ? n : i < first ? outer : inner) *= x.shape(i);
            if (!reduced) shape[rank++] = x.shape(i);
            else if (keepdim) shape[rank++] = 1;
        }
    }
    nb::object array(int type) {
        nb::object out = nb::steal(PyArray_SimpleNew(rank, shape, type));
        if (!out.is_valid()) nb::raise_python_error();
        return out;
    }
    npy_intp shape[kMaxDims];
    int rank = 0;
    int64_t outer = 1, n = 1, inner = 1;
};

template <class T>
nb::object moments_as(const Array& x, int first, int last, bool keepdim, double freedom) {
    Sizes sizes(x, first, last, keepdim);
    nb::object variance = sizes.array(type_number<T>), mean = sizes.array(type_number<T>);
    {
        Released released(x.size() >= kLong);
        reduce_kernels<T>().moments_over(x.data<T>(), data_of<T>(variance), data_of<T>(mean), sizes.outer, sizes.n,
                                         sizes.inner, freedom);
    }
    return nb::make_tuple(variance, mean);
}

nb::object moments_over(nb::handle x_, nb::handle dims, bool keepdim, double freedom) {
    const Array x(x_, "x");
    int first = 0, last = x.dims();
    if (!dims.is_none() && !consecutive(dims, x.dims(), first, last)) return not_implemented();
    if (x.is_dense<float>()) return moments_as<float>(x, first, last, keepdim, freedom);
    if (x.is_dense<double>()) return moments_as<double>(x, first, last, keepdim, freedom);
    return not_implemented();
}

constexpr int64_t kFew = 1 << 11;  // elements up to which NumPy's own reductions cost more in Python

template <class T>
nb::object extremum_as(const Array& x, int first, int last, bool keepdim, bool greatest, bool places) {
    Sizes sizes(x, first, last, keepdim);
    nb::object out = sizes.array(type_number<T>), where = sizes.array(NPY_INT64);
    reduce_kernels<T>().extremum_over(x.data<T>(), data_of<T>(out), data_of<int64_t>(where), sizes.outer, sizes.n,
                                      sizes.inner, greatest);
    return places ? where : out;
}

nb::object extremum_with(nb::handle x_, nb::handle dims, bool keepdim, bool greatest, bool places) {
    const Array x(x_, "x");
    int first = 0, last = x.dims();
    if (x.size() == 0 || x.size() > kFew) return not_implemented();
    if (!dims.is_none() && !consecutive(dims, x.dims(), first, last)) return not_implemented();
    if (x.is_dense<float>()) return extremum_as<float>(x, first, last, keepdim, greatest, places);
    if (x.is_dense<double>()) return extremum_as<double>(x, first, last, keepdim, greatest, places);
    return not_implemented();
}

nb::object extremum_over(nb::handle x, bool greatest, nb::handle dims, bool keepdim) {
    return extremum_with(x, dims, keepdim, greatest, false);
}

nb::object place_over(nb::handle x, bool greatest, nb::handle dims, bool keepdim) {
    return extremum_with(x, dims, keepdim, greatest, true);
}

}  // namespace

void bind_reduce(nb::module_& m) {
    m.def("sum_over", sum_over, nb::arg("x").none(), nb::arg("dims") = nb::none(), nb::arg("keepdim") = false,
          nb::arg("divisor") = 1.0);
    m.def("mean", mean, nb::arg("x").none());
    m.def("moments_over", moments_over, nb::arg("x").none(), nb::arg("dims") = nb::none(), nb::arg("keepdim") = false,
          nb::arg("freedom") = 1.0);
    m.def("extremum_over", extremum_over, nb::arg("x").none(), nb::arg("greatest"), nb::arg("dims") = nb::none(),
          nb::arg("keepdim") = false);
    m.def("place_over", place_over, nb::arg("x").none(), nb::arg("greatest"), nb::arg("dims") = nb::none(),
          nb::arg("keepdim") = false);
}

}  // namespace rl
