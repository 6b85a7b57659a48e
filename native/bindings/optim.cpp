#include "../optim.h"

#include <vector>

#include "arrays.h"

namespace rl {
namespace {

constexpr int64_t kLong = 1 << 13;  // elements from which the interpreter is released

// A list of arrays as Python handed it in. Entries are looked up each time; nothing runs between that could change the list.
class ArrayList {
public:
    ArrayList(nb::handle object, const char* name) : list_(object), name_(name) {
        if (!PyList_Check(object.ptr())) {
            nb::raise_type_error("%s: expected a list of arrays, but got %s", name, Py_TYPE(object.ptr())->tp_name);
        }
    }
    int64_t size() const { return PyList_GET_SIZE(list_.ptr()); }
    nb::handle item(int64_t i) const { return PyList_GET_ITEM(list_.ptr(), i); }
    Array operator[](int64_t i) const { return Array(item(i), name_); }
    const char* name() const { return name_; }

private:
    nb::handle list_;
    const char* name_;
};

void expect_length(const ArrayList& list, int64_t count) {
    if (list.size() == count) return;
    PyErr_Format(PyExc_ValueError, "%s: expected %zd arrays, but got %zd", list.name(), static_cast<Py_ssize_t>(count),
                 static_cast<Py_ssize_t>(list.size()));
    nb::raise_python_error();
}

// One tensor's array in the state of an optimizer, held against the parameter it belongs to.
Array matching(const ArrayList& list, int64_t i, const Array& param, bool written) {
    const Array array = list[i];
    if (!array.same_shape(param)) {
        PyErr_Format(PyExc_ValueError, "%s[%zd]: the shape differs from the parameter's", list.name(),
                     static_cast<Py_ssize_t>(i));
        nb::raise_python_error();
    }
    if (written && !array.writeable()) {
        PyErr_Format(PyExc_ValueError, "%s[%zd] is read-only", list.name(), static_cast<Py_ssize_t>(i));
        nb::raise_python_error();
    }
    return array;
}

// What is gathered from the lists: float32 and float64 tensors apart.
template <template <class> class Tensor>
struct Batch {
    std::vector<Tensor<float>> singles;
    std::vector<Tensor<double>> doubles;
    std::vector<nb::object> kept;  // the lists may change while the interpreter is released
    int64_t elements = 0;

    void keep(const Array& array) { kept.push_back(nb::borrow(reinterpret_cast<PyObject*>(array.ptr()))); }
};

template <class T>
std::vector<SgdTensor<T>>& tensors_of(Batch<SgdTensor>& batch) {
    if constexpr (std::is_same_v<T, float>) return batch.singles;
    else return batch.doubles;
}

template <class T>
std::vector<AdamTensor<T>>& tensors_of(Batch<AdamTensor>& batch) {
    if constexpr (std::is_same_v<T, float>) return batch.singles;
    else return batch.doubles;
}

// False when an array isn't a dense T. A missing buffer is made here, and put into the list once the step is sure to run.
template <class T>
bool gather_sgd(Batch<SgdTensor>& batch, const ArrayList& params, const ArrayList& grads, const ArrayList& buffers,
                int64_t i, bool momentum, std::vector<std::pair<int64_t, nb::object>>& made) {
    const Array param = matching(params, i, params[i], true), grad = matching(grads, i, param, false);
    if (!param.is_dense<T>() || !grad.is_dense<T>()) return false;
    SgdTensor<T> t = {param.data<T>(), grad.data<T>(), nullptr, false, param.size()};
    batch.keep(param);
    batch.keep(grad);
    if (momentum && buffers.item(i).is_none()) {
        made.emplace_back(i, empty_like<T>(param));
        t.buffer = data_of<T>(made.back().second);
        t.fresh = true;
    } else if (momentum) {
        const Array buffer = matching(buffers, i, param, true);
        if (!buffer.is_dense<T>()) return false;
        batch.keep(buffer);
        t.buffer = buffer.data<T>();
    }
    batch.elements += t.size;
    tensors_of<T>(batch).push_back(t);
    return true;
}

nb::object sgd_step(nb::handle params_, nb::handle grads_, nb::handle buffers_, double lr, double momentum,
                    double dampening, double weight_decay, bool nesterov, bool maximize) {
    const ArrayList params(params_, "params"), grads(grads_, "grads"), buffers(buffers_, "momentum_buffers");
    const int64_t count = params.size();
    expect_length(grads, count);
    if (momentum != 0) expect_length(buffers, count);
    Batch<SgdTensor> batch;
    std::vector<std::pair<int64_t, nb::object>> made;
    for (int64_t i = 0; i < count; ++i) {
        const bool single = params[i].is<float>();
        if (!(single ? gather_sgd<float>(batch, params, grads, buffers, i, momentum != 0, made)
                     : gather_sgd<double>(batch, params, grads, buffers, i, momentum != 0, made))) {
            return not_implemented();
        }
    }
    for (auto& [i, buffer] : made) PyList_SetItem(buffers_.ptr(), i, buffer.inc_ref().ptr());
    const SgdOptions options = {lr, momentum, dampening, weight_decay, nesterov, maximize};
    Released released(batch.elements >= kLong);
    optim_kernels<float>().sgd(batch.singles.data(), static_cast<int64_t>(batch.singles.size()), options);
    optim_kernels<double>().sgd(batch.doubles.data(), static_cast<int64_t>(batch.doubles.size()), options);
    return nb::none();
}

template <class T>
bool gather_adam(Batch<AdamTensor>& batch, const ArrayList& params, const ArrayList (&lists)[4], int64_t i, bool amsgrad) {
    const Array param = matching(params, i, params[i], true), grad = matching(lists[0], i, param, false);
    const Array mean = matching(lists[1], i, param, true), square = matching(lists[2], i, param, true);
    for (const Array* array : {&param, &grad, &mean, &square}) {
        if (!array->is_dense<T>()) return false;
        batch.keep(*array);
    }
    AdamTensor<T> t = {param.data<T>(), grad.data<T>(), mean.data<T>(), square.data<T>(), nullptr, param.size()};
    if (amsgrad) {
        const Array largest = matching(lists[3], i, param, true);
        if (!largest.is_dense<T>()) return false;
        batch.keep(largest);
        t.largest_square = largest.data<T>();
    }
    batch.elements += t.size;
    tensors_of<T>(batch).push_back(t);
    return true;
}

nb::object adam_step(nb::handle params_, nb::handle grads_, nb::handle exp_avgs, nb::handle exp_avg_sqs,
                     nb::handle max_exp_avg_sqs, double step, double lr, double beta1, double beta2, double eps,
                     double weight_decay, bool amsgrad, bool decoupled_weight_decay, bool maximize) {
    const ArrayList params(params_, "params");
    const ArrayList lists[4] = {{grads_, "grads"}, {exp_avgs, "exp_avgs"}, {exp_avg_sqs, "exp_avg_sqs"},
                                {max_exp_avg_sqs, "max_exp_avg_sqs"}};
    const int64_t count = params.size();
    for (int i = 0; i < (amsgrad ? 4 : 3); ++i) expect_length(lists[i], count);
    Batch<AdamTensor> batch;
    for (int64_t i = 0; i < count; ++i) {
        if (!(params[i].is<float>() ? gather_adam<float>(batch, params, lists, i, amsgrad)
                                    : gather_adam<double>(batch, params, lists, i, amsgrad))) {
            return not_implemented();
        }
    }
    const AdamOptions options = {step, lr, beta1, beta2, eps, weight_decay, decoupled_weight_decay, maximize};
    Released released(batch.elements >= kLong);
    optim_kernels<float>().adam(batch.singles.data(), static_cast<int64_t>(batch.singles.size()), options);
    optim_kernels<double>().adam(batch.doubles.data(), static_cast<int64_t>(batch.doubles.size()), options);
    return nb::none();
}

}  // namespace

void bind_optim(nb::module_& m) {
    m.def("sgd_step", sgd_step, nb::arg("params").none(), nb::arg("grads").none(), nb::arg("momentum_buffers").none(),
          nb::arg("lr"), nb::arg("momentum") = 0.0, nb::arg("dampening") = 0.0, nb::arg("weight_decay") = 0.0,
          nb::arg("nesterov") = false, nb::arg("maximize") = false);
    m.def("adam_step", adam_step, nb::arg("params").none(), nb::arg("grads").none(), nb::arg("exp_avgs").none(),
          nb::arg("exp_avg_sqs").none(), nb::arg("max_exp_avg_sqs").none(), nb::arg("step"), nb::arg("lr"),
          nb::arg("beta1"), nb::arg("beta2"), nb::arg("eps"), nb::arg("weight_decay") = 0.0, nb::arg("amsgrad") = false,
          nb::arg("decoupled_weight_decay") = false, nb::arg("maximize") = false);
}

}  // namespace rl
