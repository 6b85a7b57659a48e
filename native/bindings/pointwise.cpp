#include "../pointwise.h"

#include "arrays.h"

namespace rl {
namespace {

constexpr int64_t kLong = 1 << 14;  // elements from which the interpreter is released

// One element seen under another shape: a 0-d array expanded.
bool is_uniform(const Array& x) {
    for (int i = 0; i < x.dims(); ++i) {
        if (x.stride(i) != 0) return false;
    }
    return x.size() > 0;
}

template <class T>
nb::object apply_binary(typename PointwiseKernels<T>::Binary kernel, const Array& shape, const T* a, const T* b, Uniform uniform) {
    nb::object out = empty_like<T>(shape);
    Released released(shape.size() >= kLong);
    kernel(a, b, data_of<T>(out), shape.size(), uniform);
    return out;
}

// Arrays of one type and shape, or one of them a single element.
template <class T>
nb::object binary_arrays(typename PointwiseKernels<T>::Binary kernel, const Array& a, const Array& b) {
    if (!kernel || !a.is<T>() || !b.is<T>()) return not_implemented();
    const bool same = a.same_shape(b);
    if (same && a.contiguous() && b.contiguous()) return apply_binary<T>(kernel, a, a.data<T>(), b.data<T>(), kNeither);
    if (a.contiguous() && (same || b.dims() == 0) && is_uniform(b)) return apply_binary<T>(kernel, a, a.data<T>(), b.data<T>(), kSecond);
    if (b.contiguous() && (same || a.dims() == 0) && is_uniform(a)) return apply_binary<T>(kernel, b, a.data<T>(), b.data<T>(), kFirst);
    return not_implemented();
}

template <class T>
nb::object binary_number(typename PointwiseKernels<T>::Binary kernel, const Array& a, double number) {
    const T b = static_cast<T>(number);
    return kernel ? apply_binary<T>(kernel, a, a.data<T>(), &b, kSecond) : not_implemented();
}

template <auto F32, auto F64>
nb::object binary(nb::handle a_, nb::handle b_) {
    if (!PyArray_Check(a_.ptr())) return not_implemented();
    const Array a(a_, "a");
    if (PyFloat_CheckExact(b_.ptr())) {
        const double number = PyFloat_AS_DOUBLE(b_.ptr());
        if (a.is_dense<float>()) return binary_number<float>(pointwise_kernels<float>().*F32, a, number);
        if (a.is_dense<double>()) return binary_number<double>(pointwise_kernels<double>().*F64, a, number);
        return not_implemented();
    }
    if (!PyArray_Check(b_.ptr())) return not_implemented();
    const Array b(b_, "b");
    if (a.is<float>()) return binary_arrays<float>(pointwise_kernels<float>().*F32, a, b);
    return binary_arrays<double>(pointwise_kernels<double>().*F64, a, b);
}

template <class T>
nb::object apply_unary(typename PointwiseKernels<T>::Unary kernel, const Array& x) {
    if (!kernel) return not_implemented();
    nb::object out = empty_like<T>(x);
    Released released(x.size() >= kLong);
    kernel(x.data<T>(), data_of<T>(out), x.size());
    return out;
}

template <auto F32, auto F64>
nb::object unary(nb::handle x_) {
    if (!PyArray_Check(x_.ptr())) return not_implemented();
    const Array x(x_, "x");
    if (x.is_dense<float>()) return apply_unary<float>(pointwise_kernels<float>().*F32, x);
    if (x.is_dense<double>()) return apply_unary<double>(pointwise_kernels<double>().*F64, x);
    return not_implemented();
}

template <class T>
nb::object leaky_relu_as(const Array& x, double slope) {
    nb::object out = empty_like<T>(x);
    Released released(x.size() >= kLong);
    pointwise_kernels<T>().leaky_relu(x.data<T>(), data_of<T>(out), x.size(), static_cast<T>(slope));
    return out;
}

nb::object leaky_relu(nb::handle x_, double slope) {
    const Array x(x_, "x");
    if (x.is_dense<float>()) return leaky_relu_as<float>(x, slope);
    if (x.is_dense<double>()) return leaky_relu_as<double>(x, slope);
    return not_implemented();
}

template <class T>
nb::object leaky_relu_backward_as(const Array& grad, const Array& x, double slope) {
    nb::object out = empty_like<T>(x);
    Released released(x.size() >= kLong);
    pointwise_kernels<T>().leaky_relu_backward(grad.data<T>(), x.data<T>(), data_of<T>(out), x.size(), static_cast<T>(slope));
    return out;
}

nb::object leaky_relu_backward(nb::handle grad_, nb::handle x_, double slope) {
    const Array grad(grad_, "grad"), x(x_, "x");
    if (!grad.same_shape(x)) return not_implemented();
    if (grad.is_dense<float>() && x.is_dense<float>()) return leaky_relu_backward_as<float>(grad, x, slope);
    if (grad.is_dense<double>() && x.is_dense<double>()) return leaky_relu_backward_as<double>(grad, x, slope);
    return not_implemented();
}

template <class T>
nb::object clamp_as(const Array& x, double low, double high) {
    nb::object out = empty_like<T>(x);
    Released released(x.size() >= kLong);
    pointwise_kernels<T>().clamp(x.data<T>(), data_of<T>(out), x.size(), static_cast<T>(low), static_cast<T>(high));
    return out;
}

nb::object clamp(nb::handle x_, double low, double high) {
    const Array x(x_, "x");
    if (x.is_dense<float>()) return clamp_as<float>(x, low, high);
    if (x.is_dense<double>()) return clamp_as<double>(x, low, high);
    return not_implemented();
}

template <class T>
nb::object select_as(const Array& condition, const Array& a, const Array& b) {
    nb::object out = empty_like<T>(a);
    Released released(a.size() >= kLong);
    pointwise_kernels<T>().select(condition.data<uint8_t>(), a.data<T>(), b.data<T>(), data_of<T>(out), a.size());
    return out;
}

nb::object select(nb::handle condition_, nb::handle a_, nb::handle b_) {
    if (!PyArray_Check(a_.ptr()) || !PyArray_Check(b_.ptr())) return not_implemented();
    const Array condition(condition_, "condition"), a(a_, "a"), b(b_, "b");
    if (PyArray_TYPE(condition.ptr()) != NPY_BOOL || !condition.contiguous()) return not_implemented();
    if (!condition.same_shape(a) || !a.same_shape(b)) return not_implemented();
    if (a.is_dense<float>() && b.is_dense<float>()) return select_as<float>(condition, a, b);
    if (a.is_dense<double>() && b.is_dense<double>()) return select_as<double>(condition, a, b);
    return not_implemented();
}

using F = PointwiseKernels<float>;
using D = PointwiseKernels<double>;

template <auto F32, auto F64>
void def_unary(nb::module_& m, const char* name) { m.def(name, unary<F32, F64>, nb::arg("x").none()); }

template <auto F32, auto F64>
void def_binary(nb::module_& m, const char* name) { m.def(name, binary<F32, F64>, nb::arg("a").none(), nb::arg("b").none()); }

}  // namespace

void bind_pointwise(nb::module_& m) {
    def_unary<&F::exp, &D::exp>(m, "exp");
    def_unary<&F::sigmoid, &D::sigmoid>(m, "sigmoid");
    def_unary<&F::silu, &D::silu>(m, "silu");
    def_unary<&F::tanh, &D::tanh>(m, "tanh");
    def_unary<&F::gelu, &D::gelu>(m, "gelu");
    def_binary<&F::sigmoid_backward, &D::sigmoid_backward>(m, "sigmoid_backward");
    def_binary<&F::tanh_backward, &D::tanh_backward>(m, "tanh_backward");
    def_binary<&F::silu_backward, &D::silu_backward>(m, "silu_backward");
    def_binary<&F::gelu_backward, &D::gelu_backward>(m, "gelu_backward");
    m.def("leaky_relu", leaky_relu, nb::arg("x").none(), nb::arg("slope"));
    m.def("leaky_relu_backward", leaky_relu_backward, nb::arg("grad").none(), nb::arg("x").none(), nb::arg("slope"));
    m.def("clamp", clamp, nb::arg("x").none(), nb::arg("low"), nb::arg("high"));
    m.def("select", select, nb::arg("condition").none(), nb::arg("a").none(), nb::arg("b").none());
}

}  // namespace rl
