#include "../special.h"

#include "arrays.h"

namespace rl {
namespace {

constexpr int64_t kLong = 1 << 11;  // elements from which the interpreter is released

template <class T, class Kernel>
nb::object run_unary(Kernel kernel, const Array& x) {
    nb::object out = empty_like<T>(x);
    if (x.size() == 0) return out;
    Released released(x.size() >= kLong);
    kernel(x.data<T>(), data_of<T>(out), x.size());
    return out;
}

// Anything but an array of floats is the reference's business, strided ones too.
template <auto F32, auto F64>
nb::object unary(nb::handle x_) {
    if (!PyArray_Check(x_.ptr())) return not_implemented();
    const Array x(x_, "x");
    if (x.is_dense<float>()) return run_unary<float>(special_kernels<float>().*F32, x);
    if (x.is_dense<double>()) return run_unary<double>(special_kernels<double>().*F64, x);
    return not_implemented();
}

// One element seen under another shape: a 0-d array expanded.
bool is_uniform(const Array& x) {
    for (int i = 0; i < x.dims(); ++i) {
        if (x.stride(i) != 0 && x.shape(i) != 1) return false;
    }
    return x.size() > 0;
}

template <class T>
nb::object run_binary(typename SpecialKernels<T>::Binary kernel, const Array& shape, const T* a, const T* b, bool first, bool second) {
    nb::object out = empty_like<T>(shape);
    if (shape.size() == 0) return out;
    Released released(shape.size() >= kLong);
    kernel(a, b, data_of<T>(out), shape.size(), first, second);
    return out;
}

// Arrays of one type and shape, or one of them a single element.
template <class T>
nb::object binary_arrays(typename SpecialKernels<T>::Binary kernel, const Array& a, const Array& b) {
    if (!a.is<T>() || !b.is<T>()) return not_implemented();
    const bool same = a.same_shape(b);
    if (same && a.contiguous() && b.contiguous()) return run_binary<T>(kernel, a, a.data<T>(), b.data<T>(), true, true);
    if (a.contiguous() && (same || b.dims() == 0) && is_uniform(b)) return run_binary<T>(kernel, a, a.data<T>(), b.data<T>(), true, false);
    if (b.contiguous() && (same || a.dims() == 0) && is_uniform(a)) return run_binary<T>(kernel, b, a.data<T>(), b.data<T>(), false, true);
    return not_implemented();
}

template <class T>
nb::object binary_number(typename SpecialKernels<T>::Binary kernel, const Array& x, double number, bool number_first) {
    const T single = static_cast<T>(number);
    return run_binary<T>(kernel, x, number_first ? &single : x.data<T>(), number_first ? x.data<T>() : &single, !number_first,
                         number_first);
}

template <auto F32, auto F64>
nb::object binary(nb::handle a_, nb::handle b_) {
    const bool first = PyFloat_CheckExact(a_.ptr()), second = PyFloat_CheckExact(b_.ptr());
    if (first != second) {
        const nb::handle number_ = first ? a_ : b_, x_ = first ? b_ : a_;
        if (!PyArray_Check(x_.ptr())) return not_implemented();
        const Array x(x_, "x");
        const double number = PyFloat_AS_DOUBLE(number_.ptr());
        if (x.is_dense<float>()) return binary_number<float>(special_kernels<float>().*F32, x, number, first);
        if (x.is_dense<double>()) return binary_number<double>(special_kernels<double>().*F64, x, number, first);
        return not_implemented();
    }
    if (!PyArray_Check(a_.ptr()) || !PyArray_Check(b_.ptr())) return not_implemented();
    const Array a(a_, "a"), b(b_, "b");
    if (a.is<float>()) return binary_arrays<float>(special_kernels<float>().*F32, a, b);
    return binary_arrays<double>(special_kernels<double>().*F64, a, b);
}

template <class T>
nb::object softplus_as(const Array& x, double beta, double threshold) {
    return run_unary<T>([=](const T* p, T* out, int64_t n) {
        special_kernels<T>().softplus(p, out, n, static_cast<T>(beta), static_cast<T>(threshold));
    }, x);
}

nb::object softplus(nb::handle x_, double beta, double threshold) {
    const Array x(x_, "x");
    if (x.is_dense<float>()) return softplus_as<float>(x, beta, threshold);
    if (x.is_dense<double>()) return softplus_as<double>(x, beta, threshold);
    return not_implemented();
}

template <class T>
nb::object elu_as(const Array& x, double low, double scale, double input_scale) {
    return run_unary<T>([=](const T* p, T* out, int64_t n) {
        special_kernels<T>().elu(p, out, n, static_cast<T>(low), static_cast<T>(scale), static_cast<T>(input_scale));
    }, x);
}

nb::object elu(nb::handle x_, double low, double scale, double input_scale) {
    const Array x(x_, "x");
    if (x.is_dense<float>()) return elu_as<float>(x, low, scale, input_scale);
    if (x.is_dense<double>()) return elu_as<double>(x, low, scale, input_scale);
    return not_implemented();
}

using F = SpecialKernels<float>;
using D = SpecialKernels<double>;

}  // namespace

#define RL_UNARY(NAME) m.def(#NAME, unary<&F::NAME, &D::NAME>, nb::arg("x").none());
#define RL_BINARY(NAME) m.def(#NAME, binary<&F::NAME, &D::NAME>, nb::arg("a").none(), nb::arg("b").none());

void bind_special(nb::module_& m) {
    RL_UNARY(erf) RL_UNARY(erfc) RL_UNARY(erfinv) RL_UNARY(erfcx) RL_UNARY(ndtri) RL_UNARY(log_ndtr) RL_UNARY(entr) RL_UNARY(sinc)
    RL_UNARY(lgamma) RL_UNARY(digamma) RL_UNARY(trigamma)
    RL_UNARY(i0) RL_UNARY(i0e) RL_UNARY(i1) RL_UNARY(i1e) RL_UNARY(k0) RL_UNARY(k0e) RL_UNARY(k1) RL_UNARY(k1e)
    RL_UNARY(j0) RL_UNARY(j1) RL_UNARY(y0) RL_UNARY(y1)
    RL_UNARY(mish) RL_UNARY(hardswish)
    RL_BINARY(zeta) RL_BINARY(fmod) RL_BINARY(remainder) RL_BINARY(hypot) RL_BINARY(logaddexp) RL_BINARY(xlogy) RL_BINARY(xlog1py)
    m.def("softplus", softplus, nb::arg("x").none(), nb::arg("beta"), nb::arg("threshold"));
    m.def("elu", elu, nb::arg("x").none(), nb::arg("low"), nb::arg("scale"), nb::arg("input_scale"));
}

}  // namespace rl
