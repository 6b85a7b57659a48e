#include "../factors.h"

#include <cstring>

#include "../core/allocator.h"
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
    const nb::object pivots = empty(dims - 1, shape, NPY_INT32), info = empty(dims - 2, shape, NPY_INT32);
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

template <class T>
nb::object qr_of(const Array& a) {
    const int dims = a.dims();
    const int64_t rows = a.shape(dims - 2), columns = a.shape(dims - 1), steps = rows < columns ? rows : columns;
    const nb::object q = empty_along(a, dims - 1, steps, type_number<T>), r = empty_along(a, dims - 2, steps, type_number<T>);
    const int64_t count = a.size() / (rows * columns);
    const Scratch<T> work(static_cast<size_t>(count * (rows + 2) * columns));
    if (!work.get()) throw std::bad_alloc();
    {
        Released released(a.size() >= kLong);
        factor_kernels<T>().qr(a.data<T>(), data_of<T>(q), data_of<T>(r), work.get(), count, rows, columns);
    }
    return nb::make_tuple(q, r);
}

// Q of as many columns as there are, at the most, in small matrices.
nb::object qr_factor(nb::handle a_) {
    const Array a(a_, "a");
    const int dims = a.dims();
    if (dims < 2 || a.size() == 0 || a.shape(dims - 2) > kLargest || a.shape(dims - 1) > kLargest) return not_implemented();
    if (a.is_dense<float>()) return qr_of<float>(a);
    if (a.is_dense<double>()) return qr_of<double>(a);
    return not_implemented();
}

template <class T>
nb::object solve_as(const Array& a, const Array& b, bool upper, bool unit) {
    const int dims = a.dims();
    const int64_t n = a.shape(dims - 1), columns = b.shape(dims - 1), size = sizeof(T);
    if (!a.is<T>() || !b.is<T>() || a.stride(dims - 1) % size || a.stride(dims - 2) % size) return not_implemented();
    nb::object out = empty_like<T>(b);
    // In NumPy's own words, whatever the strides of b.
    if (PyArray_CopyInto(reinterpret_cast<PyArrayObject*>(out.ptr()), b.ptr()) < 0) nb::raise_python_error();
    const MatrixSteps steps{a.stride(dims - 2) / size, a.stride(dims - 1) / size};
    {
        Released released(b.size() >= kLong);
        factor_kernels<T>().solve(a.data<T>(), steps, data_of<T>(out), b.size() / (n * columns), n, columns, upper, unit);
    }
    return out;
}

// One matrix of any strides, or dense ones.
nb::object solve_triangular(nb::handle a_, nb::handle b_, bool upper, bool unitriangular, nb::handle) {
    const Array a(a_, "a"), b(b_, "b");
    const int dims = a.dims();
    if (dims < 2 || b.dims() != dims || b.size() == 0 || a.shape(dims - 1) > kLargest) return not_implemented();
    if (a.shape(dims - 1) != a.shape(dims - 2) || b.shape(dims - 2) != a.shape(dims - 1)) return not_implemented();
    if (dims > 2 && !a.contiguous()) return not_implemented();
    for (int d = 0; d < dims - 2; ++d) {
        if (a.shape(d) != b.shape(d)) return not_implemented();
    }
    return a.is<float>() ? solve_as<float>(a, b, upper, unitriangular) : solve_as<double>(a, b, upper, unitriangular);
}

}  // namespace

void bind_factors(nb::module_& m) {
    m.def("lu_factor", lu_factor, nb::arg("a").none(), nb::arg("multiply").none() = nb::none());
    m.def("qr_factor", qr_factor, nb::arg("a").none());
    m.def("solve_triangular", solve_triangular, nb::arg("a").none(), nb::arg("b").none(), nb::arg("upper"),
          nb::arg("unitriangular") = false, nb::arg("multiply").none() = nb::none());
}

}  // namespace rl
