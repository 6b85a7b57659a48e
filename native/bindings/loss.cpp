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

// How an array is cut into slices along a dimension; ValueError for one that it lacks.
Slicing slices_of(const Array& x, int dim, const char* function) {
    if (dim < 0) dim += x.dims();
    if (dim < 0 || dim >= x.dims()) {
        PyErr_Format(PyExc_ValueError, "%s: the array of %d dimensions has no such dim", function, x.dims());
        nb::raise_python_error();
    }
    Slicing s = {1, x.shape(dim), 1};
    for (int d = 0; d < dim; ++d) s.outer *= x.shape(d);
    for (int d = dim + 1; d < x.dims(); ++d) s.inner *= x.shape(d);
    return s;
}

template <class T>
using Along = void (*)(const T*, T*, const Slicing&);
template <class T>
using BackwardAlong = void (*)(const T*, const T*, T*, const Slicing&);

template <class T>
nb::object along(const Array& x, const Slicing& slices, Along<T> kernel) {
    nb::object out = empty_like<T>(x);
    if (x.size() == 0) return out;
    Released released(x.size() >= kLong);
    kernel(x.data<T>(), data_of<T>(out), slices);
    return out;
}

nb::object softmax(nb::handle x_, int dim) {
    const Array x(x_, "x");
    const Slicing slices = slices_of(x, dim, "softmax");
    if (x.is_dense<float>()) return along<float>(x, slices, loss_kernels<float>().softmax);
    if (x.is_dense<double>()) return along<double>(x, slices, loss_kernels<double>().softmax);
    return not_implemented();
}

nb::object log_softmax(nb::handle x_, int dim) {
    const Array x(x_, "x");
    const Slicing slices = slices_of(x, dim, "log_softmax");
    if (x.is_dense<float>()) return along<float>(x, slices, loss_kernels<float>().log_softmax);
    if (x.is_dense<double>()) return along<double>(x, slices, loss_kernels<double>().log_softmax);
    return not_implemented();
}

template <class T>
nb::object backward_along(const Array& grad, const Array& result, const Slicing& slices, BackwardAlong<T> kernel) {
    nb::object out = empty_like<T>(grad);
    if (grad.size() == 0) return out;
    Released released(grad.size() >= kLong);
    kernel(grad.data<T>(), result.data<T>(), data_of<T>(out), slices);
    return out;
}

nb::object softmax_backward(nb::handle grad_, nb::handle out_, int dim) {
    const Array grad(grad_, "grad"), out(out_, "out");
    const Slicing slices = slices_of(grad, dim, "softmax_backward");
    if (!grad.same_shape(out)) throw nb::value_error("softmax_backward: grad and out must have the same shape");
    if (grad.is_dense<float>() && out.is_dense<float>())
        return backward_along<float>(grad, out, slices, loss_kernels<float>().softmax_backward);
    if (grad.is_dense<double>() && out.is_dense<double>())
        return backward_along<double>(grad, out, slices, loss_kernels<double>().softmax_backward);
    return not_implemented();
}

nb::object log_softmax_backward(nb::handle grad_, nb::handle out_, int dim) {
    const Array grad(grad_, "grad"), out(out_, "out");
    const Slicing slices = slices_of(grad, dim, "log_softmax_backward");
    if (!grad.same_shape(out)) throw nb::value_error("log_softmax_backward: grad and out must have the same shape");
    if (grad.is_dense<float>() && out.is_dense<float>())
        return backward_along<float>(grad, out, slices, loss_kernels<float>().log_softmax_backward);
    if (grad.is_dense<double>() && out.is_dense<double>())
        return backward_along<double>(grad, out, slices, loss_kernels<double>().log_softmax_backward);
    return not_implemented();
}

// How many targets are not `ignore`. Raises IndexError for one that is neither that nor a column.
int64_t check_targets(const Array& target, int64_t ignore, int64_t columns) {
    const int64_t* t = target.data<int64_t>();
    int64_t kept = 0;
    for (int64_t i = 0; i < target.size(); ++i) {
        kept += t[i] != ignore;
        if ((t[i] < 0 || t[i] >= columns) && t[i] != ignore) {
            PyErr_Format(PyExc_IndexError, "Target %lld is out of bounds.", static_cast<long long>(t[i]));
            nb::raise_python_error();
        }
    }
    return kept;
}

void expect_targets(const Array& target, int64_t rows, const char* function) {
    if (target.dims() == 1 && target.shape(0) == rows) return;
    PyErr_Format(PyExc_ValueError, "%s: expected one target for each of the %zd rows", function,
                 static_cast<Py_ssize_t>(rows));
    nb::raise_python_error();
}

// The targets as the kernel reads them. Another thread may write to the caller's array once the interpreter is released, so
// long jobs work on a copy that was checked.
nb::object checked_targets(const Array& target, int64_t ignore, int64_t columns, bool copy, int64_t* count = nullptr) {
    nb::object kept = nb::borrow(reinterpret_cast<PyObject*>(target.ptr()));
    if (copy) {
        kept = dense_copy(target);
    }
    const int64_t found = check_targets(Array(kept, "target"), ignore, columns);
    if (count) *count = found;
    return kept;
}

template <class T>
nb::object cross_entropy_as(const Array& logits, const Array& target_, int64_t ignore) {
    const bool release = logits.size() >= kLong;
    int64_t count;
    nb::object target = checked_targets(target_, ignore, logits.shape(1), release, &count);
    nb::object losses = empty<T>({logits.shape(0)}), normalizers = empty<T>({logits.shape(0), 2});
    {
        Released released(release);
        loss_kernels<T>().cross_entropy(logits.data<T>(), data_of<int64_t>(target), ignore, data_of<T>(losses),
                                        data_of<T>(normalizers), logits.shape(0), logits.shape(1));
    }
    return nb::make_tuple(losses, normalizers, count);
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
nb::object cross_entropy_backward_as(const Array& logits, const Array& normalizers, const Array& target_, const Array& grad,
                                     int64_t ignore) {
    const bool release = logits.size() >= kLong;
    nb::object target = checked_targets(target_, ignore, logits.shape(1), release);
    nb::object out = empty_like<T>(logits);
    Released released(release);
    loss_kernels<T>().cross_entropy_backward(logits.data<T>(), normalizers.data<T>(), data_of<int64_t>(target), ignore,
                                             grad.data<T>(), data_of<T>(out), logits.shape(0), logits.shape(1));
    return out;
}

nb::object softmax_cross_entropy_backward(nb::handle logits_, nb::handle normalizers_, nb::handle target_, nb::handle grad_,
                                          int64_t ignore) {
    const Array logits(logits_, "logits"), normalizers(normalizers_, "normalizers"), target(target_, "target"),
        grad(grad_, "grad_per_row");
    expect_matrix(logits, "softmax_cross_entropy_backward");
    expect_targets(target, logits.shape(0), "softmax_cross_entropy_backward");
    if (normalizers.dims() != 2 || normalizers.shape(0) != logits.shape(0) || normalizers.shape(1) != 2) {
        throw nb::value_error("softmax_cross_entropy_backward: expected two normalizers for each row");
    }
    if (grad.dims() != 1 || grad.shape(0) != logits.shape(0)) {
        throw nb::value_error("softmax_cross_entropy_backward: expected one gradient for each row");
    }
    if (!target.is_dense<int64_t>()) return not_implemented();
    if (logits.is_dense<float>() && normalizers.is_dense<float>() && grad.is_dense<float>())
        return cross_entropy_backward_as<float>(logits, normalizers, target, grad, ignore);
    if (logits.is_dense<double>() && normalizers.is_dense<double>() && grad.is_dense<double>())
        return cross_entropy_backward_as<double>(logits, normalizers, target, grad, ignore);
    return not_implemented();
}

}  // namespace

void bind_loss(nb::module_& m) {
    m.def("softmax", softmax, nb::arg("x").none(), nb::arg("dim") = -1);
    m.def("log_softmax", log_softmax, nb::arg("x").none(), nb::arg("dim") = -1);
    m.def("softmax_backward", softmax_backward, nb::arg("grad").none(), nb::arg("out").none(), nb::arg("dim") = -1);
    m.def("log_softmax_backward", log_softmax_backward, nb::arg("grad").none(), nb::arg("out").none(), nb::arg("dim") = -1);
    m.def("softmax_cross_entropy", softmax_cross_entropy, nb::arg("logits").none(), nb::arg("target").none(),
          nb::arg("ignore_index") = -100);
    m.def("softmax_cross_entropy_backward", softmax_cross_entropy_backward, nb::arg("logits").none(),
          nb::arg("normalizers").none(), nb::arg("target").none(), nb::arg("grad_per_row").none(), nb::arg("ignore_index") = -100);
}

}  // namespace rl
