#include "../scan.h"

#include "arrays.h"

namespace rl {
namespace {

constexpr int64_t kLong = 1 << 14;  // elements from which the interpreter is released

struct Layout {
    Layout(const Array& x, int64_t dim) {
        if (dim < 0 || dim >= x.dims()) throw nb::value_error("dim is out of range");
        n = x.shape(static_cast<int>(dim));
        for (int i = 0; i < x.dims(); ++i) {
            if (i != dim) (i < dim ? outer : inner) *= x.shape(i);
        }
    }
    int64_t outer = 1, n = 1, inner = 1;
};

template <class T, class... Way>
nb::object scanned(const Array& x, const Layout& l, void (*kernel)(const T*, T*, int64_t, int64_t, int64_t, Way...), Way... way) {
    nb::object out = empty_like<T>(x);
    if (x.size() == 0) return out;
    Released released(x.size() >= kLong);
    kernel(x.data<T>(), data_of<T>(out), l.outer, l.n, l.inner, way...);
    return out;
}

nb::object sum_along(nb::handle x_, int64_t dim, bool from_end) {
    const Array x(x_, "x");
    const Layout l(x, dim);
    if (x.is_dense<float>()) return scanned<float>(x, l, scan_kernels<float>().sum, from_end);
    if (x.is_dense<double>()) return scanned<double>(x, l, scan_kernels<double>().sum, from_end);
    if (x.is_dense<int64_t>()) return scanned<int64_t>(x, l, scan_kernels<int64_t>().sum, from_end);
    return not_implemented();
}

nb::object product_along(nb::handle x_, int64_t dim) {
    const Array x(x_, "x");
    const Layout l(x, dim);
    if (x.is_dense<float>()) return scanned<float>(x, l, scan_kernels<float>().product);
    if (x.is_dense<double>()) return scanned<double>(x, l, scan_kernels<double>().product);
    if (x.is_dense<int64_t>()) return scanned<int64_t>(x, l, scan_kernels<int64_t>().product);
    return not_implemented();
}

nb::object log_sum_exp_along(nb::handle x_, int64_t dim) {
    const Array x(x_, "x");
    const Layout l(x, dim);
    if (x.is_dense<float>()) return scanned<float>(x, l, scan_kernels<float>().log_sum_exp);
    if (x.is_dense<double>()) return scanned<double>(x, l, scan_kernels<double>().log_sum_exp);
    return not_implemented();
}

template <class T>
nb::object extrema(const Array& x, const Layout& l, bool greatest) {
    nb::object out = empty_like<T>(x), places = empty_like<int64_t>(x);
    if (x.size() != 0) {
        Released released(x.size() >= kLong);
        scan_kernels<T>().extremum(x.data<T>(), data_of<T>(out), data_of<int64_t>(places), l.outer, l.n, l.inner,
                                   greatest);
    }
    return nb::make_tuple(out, places);
}

nb::object extremum_along(nb::handle x_, int64_t dim, bool greatest) {
    const Array x(x_, "x");
    const Layout l(x, dim);
    if (x.is_dense<float>()) return extrema<float>(x, l, greatest);
    if (x.is_dense<double>()) return extrema<double>(x, l, greatest);
    if (x.is_dense<int64_t>()) return extrema<int64_t>(x, l, greatest);
    return not_implemented();
}

}  // namespace

void bind_scan(nb::module_& m) {
    m.def("sum_along", sum_along, nb::arg("x").none(), nb::arg("dim"), nb::arg("from_end") = false);
    m.def("product_along", product_along, nb::arg("x").none(), nb::arg("dim"));
    m.def("log_sum_exp_along", log_sum_exp_along, nb::arg("x").none(), nb::arg("dim"));
    m.def("extremum_along", extremum_along, nb::arg("x").none(), nb::arg("dim"), nb::arg("greatest"));
}

}  // namespace rl
