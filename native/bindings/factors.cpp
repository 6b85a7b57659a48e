#include "../factors.h"

#include <cstring>

#include "arrays.h"

namespace rl {


namespace {

constexpr int64_t kLargest = 96;  // rows and columns up to which steps beat products of blocks
constexpr int64_t kLong = 1 << 12;

template <class T>
nb::object lu_of(const Array& a) {
    const int dims = a.dims();
    const int64_t rows = a.shape(dims - 2), columns = a.shape(dims - 1), steps = rows < columns ? rows : columns;
    npy_intp shape[NPY_MAXDIMS];
    for (int d = 0; d < dims; ++d) shape[d] = a.shape(d);
    shape[dims - 2] = steps;
    PyObject* pivots_ = PyArray_SimpleNew(dims - 1, shape, NPY_INT32);
    if (!pivots_) nb::raise_python_error();
    nb::object pivots = nb::steal(pivots_);
    PyObject* info_ = PyArray_SimpleNew(dims - 2, shape, NPY_INT32);
    if (!info_) nb::raise_python_error();
    nb::object info = nb::steal(info_);
    nb::object out = empty_like<T>(a);
    std::memcpy(data_of<T>(out), a.data<T>(), static_cast<size_t>(a.size()) * sizeof(T));
    {
        Released released(a.size() >= kLong);
        factor_kernels<T>().lu(data_of<T>(out), data_of<int32_t>(pivots), data_of<int32_t>(info), a.size() / (rows * columns), rows,
                               columns);
    }
    return nb::make_tuple(out, pivots, info);
}

// Small matrices; `multiply`, the product of large ones, is the reference's.
nb::object lu_factor(nb::handle a_, nb::handle) {
    const Array a(a_, "a");
    const int dims = a.dims();
    if (dims < 2 || a.size() == 0 || a.shape(dims - 2) > kLargest || a.shape(dims - 1) > kLargest) return not_implemented();
    if (a.is_dense<float>()) return lu_of<float>(a);
    if (a.is_dense<double>()) return lu_of<double>(a);
    return not_implemented();
}

}  // namespace

void bind_factors(nb::module_& m) {
    m.def("lu_factor", lu_factor, nb::arg("a").none(), nb::arg("multiply").none() = nb::none());
}

}  // namespace rl
