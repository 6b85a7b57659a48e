#include "../loss.h"

#include "arrays.h"

namespace rl {
namespace {

constexpr int64_t kLong = 1 << 12;  // elements from which the interpreter is released

void expect_matrix(const Array& x, const char* function) {
    if (x.dims() == 2) return;
    PyErr_Format(PyExc_ValueError, "%s: expected a 2-D array, but got %d dimensions", function, x.dims());
    nb::raise_python_error();
}

template <class T>
nb::object along_rows(const Array& x, void (*kernel)(const T*, T*, int64_t, int64_t)) {
    nb::object out = empty_like<T>(x);
    Released released(x.size() >= kLong);
    kernel(x.data<T>(), data_of<T>(out), x.shape(0), x.shape(1));
    return out;
}

nb::object softmax(nb::handle x_) {
    const Array x(x_, "x");
    expect_matrix(x, "softmax");
    if (x.is_dense<float>()) return along_rows(x, loss_kernels<float>().softmax);
    if (x.is_dense<double>()) return along_rows(x, loss_kernels<double>().softmax);
    return not_implemented();
}

nb::object log_softmax(nb::handle x_) {
    const Array x(x_, "x");
    expect_matrix(x, "log_softmax");
    if (x.is_dense<float>()) return along_rows(x, loss_kernels<float>().log_softmax);
    if (x.is_dense<double>()) return along_rows(x, loss_kernels<double>().log_softmax);
    return not_implemented();
}

template <class T>
nb::object backward_along_rows(const Array& grad, const Array& result,
                               void (*kernel)(const T*, const T*, T*, int64_t, int64_t)) {
    nb::object out = empty_like<T>(grad);
    Released released(grad.size() >= kLong);
    kernel(grad.data<T>(), result.data<T>(), data_of<T>(out), grad.shape(0), grad.shape(1));
    return out;
}

nb::object softmax_backward(nb::handle grad_, nb::handle out_) {
    const Array grad(grad_, "grad"), out(out_, "out");
    expect_matrix(grad, "softmax_backward");
    if (!grad.same_shape(out)) throw nb::value_error("softmax_backward: grad and out must have the same shape");
    if (grad.is_dense<float>() && out.is_dense<float>())
        return backward_along_rows(grad, out, loss_kernels<float>().softmax_backward);
    if (grad.is_dense<double>() && out.is_dense<double>())
        return backward_along_rows(grad, out, loss_kernels<double>().softmax_backward);
    return not_implemented();
}

nb::object log_softmax_backward(nb::handle grad_, nb::handle out_) {
    const Array grad(grad_, "grad"), out(out_, "out");
    expect_matrix(grad, "log_softmax_backward");
    if (!grad.same_shape(out)) throw nb::value_error("log_softmax_backward: grad and out must have the same shape");
    if (grad.is_dense<float>() && out.is_dense<float>())
        return backward_along_rows(grad, out, loss_kernels<float>().log_softmax_backward);
    if (grad.is_dense<double>() && out.is_dense<double>())
        return backward_along_rows(grad, out, loss_kernels<double>().log_softmax_backward);
    return not_implemented();
}

// Raises IndexError for a target that is neither `ignore` nor a column.
void check_targets(const Array& target, int64_t ignore, int64_t columns) {
    const int64_t* t = target.data<int64_t>();
    for (int64_t i = 0; i < target.size(); ++i) {
        if ((t[i] < 0 || t[i] >= columns) && t[i] != ignore) {
            PyErr_Format(PyExc_IndexError, "Target %lld is out of bounds.", static_cast<long long>(t[i]));
            nb::raise_python_error();
        }
    }
}

void expect_targets(const Array& target, int64_t rows, const char* function) {
    if (target.dims() == 1 && target.shape(0) == rows) return;
    PyErr_Format(PyExc_ValueError, "%s: expected one target for each of the %zd rows", function,
                 static_cast<Py_ssize_t>(rows));
    nb::raise_python_error();
}

// The targets as the kernel reads them. Another thread may write to the caller's array once the interpreter is released, so
// long jobs work on a copy that was checked.
nb::object checked_targets(const Array& target, int64_t ignore, int64_t columns, bool copy) {
    nb::object kept = nb::borrow(reinterpret_cast<PyObject*>(target.ptr()));
    if (copy) {
        PyObject* fresh = PyArray_NewCopy(target.ptr(), NPY_CORDER);
        if (!fresh) nb::raise_python_error();
        kept = nb::steal(fresh);
    }
    check_targets(Array(kept, "target"), ignore, columns);
    return kept;
}

template <class T>
nb::object cross_entropy_as(const Array& logits, const Array& target_, int64_t ignore) {
    const bool release = logits.size() >= kLong;
    nb::object target = checked_targets(target_, ignore, logits.shape(1), release);
    nb::object losses = empty<T>({logits.shape(0)}), log_probs = empty_like<T>(logits);
    {
        Released released(release);
        loss_kernels<T>().cross_entropy(logits.data<T>(), data_of<int64_t>(target), ignore, data_of<T>(losses),
                                        data_of<T>(log_probs), logits.shape(0), logits.shape(1));
    }
    return nb::make_tuple(losses, log_probs);
}

nb::object softmax_cross_entropy(nb::handle logits_, nb::handle target_, int64_t ignore) {
    const Array logits(logits_, "logits"), target(target_, "target");
    expect_matrix(logits, "softmax_cross_entropy");
    expect_targets(target, logits.shape(0), "softmax_cross_entropy");
    if (!target.is_dense<int64_t>()) return not_implemented();
    if (logits.is_dense<float>()) return cross_entropy_as<float>(logits, target, ignore);
    if (logits.is_dense<double>()) return cross_entropy_as<double>(logits, target, ignore);
    return not_implemented();
}

template <class T>
nb::object cross_entropy_backward_as(const Array& log_probs, const Array& target_, const Array& grad, int64_t ignore) {
    const bool release = log_probs.size() >= kLong;
    nb::object target = checked_targets(target_, ignore, log_probs.shape(1), release);
    nb::object out = empty_like<T>(log_probs);
    Released released(release);
    loss_kernels<T>().cross_entropy_backward(log_probs.data<T>(), data_of<int64_t>(target), ignore, grad.data<T>(),
                                             data_of<T>(out), log_probs.shape(0), log_probs.shape(1));
    return out;
}

nb::object softmax_cross_entropy_backward(nb::handle log_probs_, nb::handle target_, nb::handle grad_, int64_t ignore) {
    const Array log_probs(log_probs_, "log_probs"), target(target_, "target"), grad(grad_, "grad_per_row");
    expect_matrix(log_probs, "softmax_cross_entropy_backward");
    expect_targets(target, log_probs.shape(0), "softmax_cross_entropy_backward");
    if (grad.dims() != 1 || grad.shape(0) != log_probs.shape(0)) {
        throw nb::value_error("softmax_cross_entropy_backward: expected one gradient for each row");
    }
    if (!target.is_dense<int64_t>()) return not_implemented();
    if (log_probs.is_dense<float>() && grad.is_dense<float>())
        return cross_entropy_backward_as<float>(log_probs, target, grad, ignore);
    if (log_probs.is_dense<double>() && grad.is_dense<double>())
        return cross_entropy_backward_as<double>(log_probs, target, grad, ignore);
    return not_implemented();
}

}  // namespace

void bind_loss(nb::module_& m) {
    m.def("softmax", softmax, nb::arg("x").none());
    m.def("log_softmax", log_softmax, nb::arg("x").none());
    m.def("softmax_backward", softmax_backward, nb::arg("grad").none(), nb::arg("out").none());
    m.def("log_softmax_backward", log_softmax_backward, nb::arg("grad").none(), nb::arg("out").none());
    m.def("softmax_cross_entropy", softmax_cross_entropy, nb::arg("logits").none(), nb::arg("target").none(),
          nb::arg("ignore_index") = -100);
    m.def("softmax_cross_entropy_backward", softmax_cross_entropy_backward, nb::arg("log_probs").none(),
          nb::arg("target").none(), nb::arg("grad_per_row").none(), nb::arg("ignore_index") = -100);
}

}  // namespace rl
