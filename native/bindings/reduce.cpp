#include "../reduce.h"

#include <cstring>

#include "reduced.h"

namespace rl {
namespace {

constexpr int64_t kLong = 1 << 14;  // elements from which the interpreter is released
template <class T>
nb::object sum_over_as(const Array& x, int first, int last, bool keepdim, double divisor) {
    Sizes sizes(x, first, last, keepdim);
    nb::object out = sizes.array(type_number<T>);
    Released released(x.size() >= kLong);
    reduce_kernels<T>().sum_over(x.data<T>(), data_of<T>(out), sizes.outer, sizes.n, sizes.inner, static_cast<T>(divisor));
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

template <class T>
nb::object product_as(const Array& x, int first, int last, bool keepdim) {
    Sizes sizes(x, first, last, keepdim);
    nb::object out = sizes.array(type_number<T>);
    Released released(x.size() >= kLong);
    reduce_kernels<T>().product_over(x.data<T>(), data_of<T>(out), sizes.outer, sizes.n, sizes.inner);
    return out;
}

nb::object product_over(nb::handle x_, nb::handle dims, bool keepdim) {
    const Array x(x_, "x");
    int first = 0, last = x.dims();
    if (!dims.is_none() && !consecutive(dims, x.dims(), first, last)) return not_implemented();
    if (x.is_dense<float>()) return product_as<float>(x, first, last, keepdim);
    if (x.is_dense<double>()) return product_as<double>(x, first, last, keepdim);
    return not_implemented();
}

template <class T>
nb::object log_sum_exp_as(const Array& x, int first, int last, bool keepdim) {
    Sizes sizes(x, first, last, keepdim);
    if (sizes.n == 0) return not_implemented();
    nb::object out = sizes.array(type_number<T>);
    Released released(x.size() >= kLong);
    reduce_kernels<T>().log_sum_exp_over(x.data<T>(), data_of<T>(out), sizes.outer, sizes.n, sizes.inner);
    return out;
}

nb::object log_sum_exp_over(nb::handle x_, nb::handle dims, bool keepdim) {
    const Array x(x_, "x");
    int first = 0, last = x.dims();
    if (!dims.is_none() && !consecutive(dims, x.dims(), first, last)) return not_implemented();
    if (x.is_dense<float>()) return log_sum_exp_as<float>(x, first, last, keepdim);
    if (x.is_dense<double>()) return log_sum_exp_as<double>(x, first, last, keepdim);
    return not_implemented();
}

nb::object count_of_all(nb::handle x_) {
    const Array x(x_, "x");
    int64_t count = 0;
    {
        Released released(x.size() >= kLong);
        if (x.is_dense<float>()) count = reduce_kernels<float>().count_nonzero(x.data<float>(), x.size());
        else if (x.is_dense<double>()) count = reduce_kernels<double>().count_nonzero(x.data<double>(), x.size());
        else count = -1;
    }
    return count < 0 ? not_implemented() : nb::cast(count);
}

template <class T>
bool equal_as(const Array& a, const Array& b) {
    return reduce_kernels<T>().all_equal(a.data<T>(), b.data<T>(), a.size());
}

nb::object all_equal(nb::handle a_, nb::handle b_) {
    const Array a(a_, "a"), b(b_, "b");
    const int type = PyArray_TYPE(a.ptr());
    if (!a.same_shape(b) || PyArray_TYPE(b.ptr()) != type) return not_implemented();
    if (!a.plain() || !b.plain() || !a.contiguous() || !b.contiguous()) return not_implemented();
    bool same = false;
    if (a.is<float>() || a.is<double>()) {
        Released released(a.size() >= kLong);
        same = a.is<float>() ? equal_as<float>(a, b) : equal_as<double>(a, b);
    } else if (PyTypeNum_ISINTEGER(type)) {
        Released released(a.size() >= kLong);
        same = a.size() == 0 || std::memcmp(a.data<char>(), b.data<char>(), static_cast<size_t>(PyArray_NBYTES(a.ptr()))) == 0;
    } else {
        return not_implemented();
    }
    return nb::cast(same);
}

template <class T>
nb::object trace_as(const Array& x) {
    constexpr int64_t item = sizeof(T);
    if (x.stride(0) % item || x.stride(1) % item) return not_implemented();
    const int64_t n = x.shape(0) < x.shape(1) ? x.shape(0) : x.shape(1);
    nb::object out = empty<T>({});
    *data_of<T>(out) = static_cast<T>(reduce_kernels<T>().sum_apart(x.data<T>(), n, (x.stride(0) + x.stride(1)) / item));
    return out;
}

nb::object trace(nb::handle x_) {
    const Array x(x_, "x");
    if (x.dims() != 2) throw nb::value_error("trace: x must be a matrix");
    if (x.is<float>()) return trace_as<float>(x);
    if (x.is<double>()) return trace_as<double>(x);
    return not_implemented();
}

}  // namespace

void bind_reduce(nb::module_& m) {
    m.def("sum_over", sum_over, nb::arg("x").none(), nb::arg("dims") = nb::none(), nb::arg("keepdim") = false,
          nb::arg("divisor") = 1.0);
    m.def("mean", mean, nb::arg("x").none());
    m.def("moments_over", moments_over, nb::arg("x").none(), nb::arg("dims") = nb::none(), nb::arg("keepdim") = false,
          nb::arg("freedom") = 1.0);
    m.def("product_over", product_over, nb::arg("x").none(), nb::arg("dims") = nb::none(), nb::arg("keepdim") = false);
    m.def("log_sum_exp_over", log_sum_exp_over, nb::arg("x").none(), nb::arg("dims") = nb::none(), nb::arg("keepdim") = false);
    m.def("count_of_all", count_of_all, nb::arg("x").none());
    m.def("all_equal", all_equal, nb::arg("a").none(), nb::arg("b").none());
    m.def("trace", trace, nb::arg("x").none());
}

}  // namespace rl
