#include "../elementwise.h"

#include "arrays.h"

namespace rl {
namespace {

constexpr int64_t kLong = 1 << 14;  // elements from which the interpreter is released

template <class T>
nb::object relu_as(const Array& x) {
    nb::object out = empty_like<T>(x);
    Released released(x.size() >= kLong);
    elementwise_kernels<T>().relu(x.data<T>(), data_of<T>(out), x.size());
    return out;
}

nb::object relu_forward(nb::handle x_) {
    const Array x(x_, "x");
    if (x.is_dense<float>()) return relu_as<float>(x);
    if (x.is_dense<double>()) return relu_as<double>(x);
    return not_implemented();
}

template <class T>
nb::object threshold_backward_as(nb::handle given, const Array& grad, const Array& result, bool reuse) {
    nb::object out = reuse && grad.writeable() && !grad.overlaps(result) ? nb::borrow(given) : empty_like<T>(grad);
    Released released(grad.size() >= kLong);
    elementwise_kernels<T>().threshold_backward(grad.data<T>(), result.data<T>(), data_of<T>(out), grad.size());
    return out;
}

nb::object threshold_backward(nb::handle grad_, nb::handle out_, bool reuse) {
    const Array grad(grad_, "grad"), out(out_, "out");
    if (!grad.same_shape(out)) throw nb::value_error("threshold_backward: grad and out must have the same shape");
    if (grad.is_dense<float>() && out.is_dense<float>()) return threshold_backward_as<float>(grad_, grad, out, reuse);
    if (grad.is_dense<double>() && out.is_dense<double>()) return threshold_backward_as<double>(grad_, grad, out, reuse);
    return not_implemented();
}

}  // namespace

void bind_elementwise(nb::module_& m) {
    m.def("relu_forward", relu_forward, nb::arg("x").none());
    m.def("threshold_backward", threshold_backward, nb::arg("grad").none(), nb::arg("out").none(), nb::arg("reuse") = false);
}

}  // namespace rl
