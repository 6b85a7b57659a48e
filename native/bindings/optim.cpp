#include "../optim.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <initializer_list>
#include <utility>
#include <vector>

#include "arrays.h"

namespace rl {
namespace {

constexpr int64_t kLong = 1 << 13;  // elements from which the interpreter is released
constexpr size_t kMostStates = 3;

// A list of arrays as Python handed it in. Entries are looked up each time; nothing runs between that could change the list.
class ArrayList {
public:
    // An entry of an `optional` list may be None.
    ArrayList(nb::handle object, const char* name, bool optional = false) : list_(object), name_(name), optional_(optional) {
        if (!PyList_Check(object.ptr())) {
            nb::raise_type_error("%s: expected a list of arrays, but got %s", name, Py_TYPE(object.ptr())->tp_name);
        }
    }
    int64_t size() const { return PyList_GET_SIZE(list_.ptr()); }
    nb::handle item(int64_t i) const { return PyList_GET_ITEM(list_.ptr(), i); }
    Array operator[](int64_t i) const { return Array(item(i), name_); }
    bool lacks(int64_t i) const { return optional_ && item(i).is_none(); }
    void put(int64_t i, const nb::object& array) const { PyList_SetItem(list_.ptr(), i, array.inc_ref().ptr()); }

    void expect_length(int64_t count) const {
        if (size() == count) return;
        PyErr_Format(PyExc_ValueError, "%s: expected %zd arrays, but got %zd", name_, static_cast<Py_ssize_t>(count),
                     static_cast<Py_ssize_t>(size()));
        nb::raise_python_error();
    }
    [[noreturn]] void refuse(int64_t i, const char* problem) const {
        PyErr_Format(PyExc_ValueError, "%s[%zd]%s", name_, static_cast<Py_ssize_t>(i), problem);
        nb::raise_python_error();
    }

private:
    nb::handle list_;
    const char* name_;
    bool optional_;
};

// Whether the elements lie side by side in memory, in whatever order of the dimensions.
bool is_packed(const Array& x) {
    if (x.contiguous()) return true;
    std::array<std::pair<int64_t, int64_t>, NPY_MAXDIMS> dims;
    size_t count = 0;
    for (int d = 0; d < x.dims(); ++d) {
        if (x.shape(d) > 1) dims[count++] = {x.stride(d), x.shape(d)};
    }
    std::sort(dims.begin(), dims.begin() + static_cast<std::ptrdiff_t>(count));
    int64_t expected = PyArray_ITEMSIZE(x.ptr());
    for (size_t d = 0; d < count; ++d) {
        if (dims[d].first != expected) return false;
        expected *= dims[d].second;
    }
    return true;
}

bool same_layout(const Array& a, const Array& b) {
    if (a.contiguous() && b.contiguous()) return true;
    for (int d = 0; d < a.dims(); ++d) {
        if (a.shape(d) > 1 && a.stride(d) != b.stride(d)) return false;
    }
    return true;
}

// The arguments that all steps share: parameters, their gradients, and lists of states, in which an entry may be None. With `rows`
// a gradient has rows of its parameter only: those that rows[i] names, each once and in order.
struct Lists {
    ArrayList params, grads;
    std::vector<ArrayList> states;
    nb::handle rows;
    bool makes_states = false;  // a state that is None is made by the step, and put into its list

    Lists(nb::handle params_, nb::handle grads_, std::initializer_list<ArrayList> states_, nb::handle rows_ = nb::handle())
        : params(params_, "params"), grads(grads_, "grads"), states(states_), rows(rows_) {
        grads.expect_length(params.size());
        for (const ArrayList& list : states) list.expect_length(params.size());
        if (rows.is_valid() && !rows.is_none()) ArrayList(rows, "rows").expect_length(params.size());
    }
};

// What is gathered from the lists: float32 and float64 tensors apart.
struct Batch {
    std::vector<StepTensor<float>> singles;
    std::vector<StepTensor<double>> doubles;
    std::vector<nb::object> kept;                              // the lists may change while the interpreter is released
    std::vector<std::pair<const ArrayList*, nb::object>> made;  // states, and the places in their lists
    std::vector<int64_t> places;
    int64_t elements = 0;

    template <class T>
    std::vector<StepTensor<T>>& tensors() {
        if constexpr (std::is_same_v<T, float>) return singles;
        else return doubles;
    }
    void keep(const Array& array) { kept.push_back(nb::borrow(reinterpret_cast<PyObject*>(array.ptr()))); }
};

// A copy of an array in the memory layout of another of its shape and type.
nb::object laid_out(const Array& array, const Array& like) {
    nb::object copy = empty_in_order(like);
    if (PyArray_CopyInto(reinterpret_cast<PyArrayObject*>(copy.ptr()), array.ptr()) < 0) nb::raise_python_error();
    return copy;
}

// An array of entry i, held against the parameter it belongs to.
Array matching(const ArrayList& list, int64_t i, const Array& param, bool written) {
    const Array array = list[i];
    if (!array.same_shape(param)) list.refuse(i, ": the shape differs from the parameter's");
    if (written && !array.writeable()) list.refuse(i, " is read-only");
    return array;
}

// The states of entry i; false when one isn't packed like the parameter.
template <class T>
bool gather_states(Batch& batch, const Lists& lists, int64_t i, const Array& param, StepTensor<T>& t) {
    for (size_t s = 0; s < lists.states.size(); ++s) {
        const ArrayList& list = lists.states[s];
        if (list.lacks(i)) {
            if (!lists.makes_states) continue;
            if (!param.contiguous()) return false;
            batch.made.emplace_back(&list, empty_like<T>(param));
            batch.places.push_back(i);
            t.state[s] = data_of<T>(batch.made.back().second);
            t.fresh = true;
            continue;
        }
        const Array state = matching(list, i, param, true);
        if (!state.is<T>() || !same_layout(state, param)) return false;
        batch.keep(state);
        t.state[s] = state.data<T>();
    }
    return true;
}

// A step of some rows is one of as many small tensors.
template <class T>
bool gather_rows(Batch& batch, const Lists& lists, int64_t i, const Array& param, const StepTensor<T>& whole) {
    const ArrayList list(lists.rows, "rows");
    const Array rows = list[i], grad = lists.grads[i];
    if (rows.dims() != 1 || !rows.is_dense<int64_t>() || !param.contiguous() || !grad.is_dense<T>()) return false;
    if (param.dims() == 0 || grad.dims() != param.dims() || grad.shape(0) != rows.shape(0)) {
        lists.grads.refuse(i, ": expected as many rows as are named");
    }
    for (int d = 1; d < param.dims(); ++d) {
        if (grad.shape(d) != param.shape(d)) lists.grads.refuse(i, ": the shape differs from the parameter's");
    }
    const int64_t count = rows.shape(0), width = param.shape(0) ? param.size() / param.shape(0) : 0;
    int64_t before = -1;
    for (int64_t r = 0; r < count; ++r) {
        const int64_t row = rows.data<int64_t>()[r];
        if (row <= before || row >= param.shape(0)) list.refuse(i, ": expected row numbers in range, each once and in order");
        before = row;
        StepTensor<T> t = {whole.param + row * width, grad.data<T>() + r * width, {}, width, false};
        for (size_t s = 0; s < kMostStates; ++s) t.state[s] = whole.state[s] ? whole.state[s] + row * width : nullptr;
        batch.tensors<T>().push_back(t);
    }
    batch.keep(grad);
    batch.elements += count * width;
    return true;
}

// False when an array isn't a T, or a state isn't packed in memory as the parameter is.
template <class T>
bool gather(Batch& batch, const Lists& lists, int64_t i) {
    const Array param = matching(lists.params, i, lists.params[i], true);
    if (!param.is<T>() || !is_packed(param)) return false;
    StepTensor<T> t = {param.data<T>(), nullptr, {}, param.size(), false};
    if (!gather_states(batch, lists, i, param, t)) return false;
    batch.keep(param);
    if (lists.rows.is_valid() && !lists.rows.is_none()) return gather_rows(batch, lists, i, param, t);
    const Array grad = matching(lists.grads, i, param, false);
    if (!grad.is<T>()) return false;
    if (same_layout(grad, param)) {
        batch.keep(grad);
        t.grad = grad.data<T>();
    } else {
        batch.kept.push_back(laid_out(grad, param));
        t.grad = data_of<T>(batch.kept.back());
    }
    batch.elements += t.size;
    batch.tensors<T>().push_back(t);
    return true;
}

// One step. `take` calls the kernel of a table on tensors of its type.
template <class Take>
nb::object step(const Lists& lists, Take take) {
    Batch batch;
    const int64_t count = lists.params.size();
    batch.kept.reserve(static_cast<size_t>(count) * (2 + lists.states.size()));
    for (int64_t i = 0; i < count; ++i) {
        if (!(lists.params[i].is<float>() ? gather<float>(batch, lists, i) : gather<double>(batch, lists, i))) {
            return not_implemented();
        }
    }
    for (size_t i = 0; i < batch.made.size(); ++i) batch.made[i].first->put(batch.places[i], batch.made[i].second);
    Released released(batch.elements >= kLong);
    if (!batch.singles.empty()) take(optim_kernels<float>(), batch.singles.data(), static_cast<int64_t>(batch.singles.size()));
    if (!batch.doubles.empty()) take(optim_kernels<double>(), batch.doubles.data(), static_cast<int64_t>(batch.doubles.size()));
    return nb::none();
}

nb::object sgd_step(nb::handle params, nb::handle grads, nb::handle buffers, double lr, double momentum, double dampening,
                    double weight_decay, bool nesterov, bool maximize) {
    ArrayList(buffers, "momentum_buffers");
    Lists lists = momentum != 0 ? Lists(params, grads, {{buffers, "momentum_buffers", true}}) : Lists(params, grads, {});
    lists.makes_states = true;
    const SgdOptions options = {{weight_decay, maximize}, lr, momentum, dampening, nesterov};
    return step(lists, [&](const auto& kernels, const auto* tensors, int64_t n) { kernels.sgd(tensors, n, options); });
}

nb::object adam_step(nb::handle params, nb::handle grads, nb::handle means, nb::handle squares, nb::handle largest, double rate,
                     double root_correction, double beta1, double beta2, double eps, double keep, double weight_decay, bool maximize,
                     nb::handle rows) {
    const Lists lists(params, grads, {{means, "exp_avgs"}, {squares, "exp_avg_sqs"}, {largest, "max_exp_avg_sqs", true}}, rows);
    const AdamOptions options = {{weight_decay, maximize}, beta1, beta2, eps, keep, rate, 1 / root_correction};
    return step(lists, [&](const auto& kernels, const auto* tensors, int64_t n) { kernels.adam(tensors, n, options); });
}

nb::object adagrad_step(nb::handle params, nb::handle grads, nb::handle sums, double rate, double eps, double weight_decay,
                        bool maximize, nb::handle rows) {
    const Lists lists(params, grads, {{sums, "sums"}}, rows);
    const AdagradOptions options = {{weight_decay, maximize}, rate, eps};
    return step(lists, [&](const auto& kernels, const auto* tensors, int64_t n) { kernels.adagrad(tensors, n, options); });
}

nb::object rmsprop_step(nb::handle params, nb::handle grads, nb::handle squares, nb::handle means, nb::handle buffers, double lr,
                        double alpha, double eps, double momentum, double weight_decay, bool maximize) {
    const Lists lists(params, grads, {{squares, "square_avgs"}, {means, "grad_avgs", true}, {buffers, "momentum_buffers", true}});
    const RmspropOptions options = {{weight_decay, maximize}, lr, alpha, eps, momentum};
    return step(lists, [&](const auto& kernels, const auto* tensors, int64_t n) { kernels.rmsprop(tensors, n, options); });
}

nb::object adadelta_step(nb::handle params, nb::handle grads, nb::handle squares, nb::handle changes, double lr, double rho,
                         double eps, double weight_decay, bool maximize) {
    const Lists lists(params, grads, {{squares, "square_avgs"}, {changes, "acc_deltas"}});
    const AdadeltaOptions options = {{weight_decay, maximize}, lr, rho, eps};
    return step(lists, [&](const auto& kernels, const auto* tensors, int64_t n) { kernels.adadelta(tensors, n, options); });
}

nb::object nadam_step(nb::handle params, nb::handle grads, nb::handle means, nb::handle squares, double now, double ahead,
                      double correction, double beta1, double beta2, double eps, double keep, double weight_decay, bool maximize) {
    const Lists lists(params, grads, {{means, "exp_avgs"}, {squares, "exp_avg_sqs"}});
    const NadamOptions options = {{weight_decay, maximize}, beta1, beta2, eps, keep, correction, now, ahead};
    return step(lists, [&](const auto& kernels, const auto* tensors, int64_t n) { kernels.nadam(tensors, n, options); });
}

nb::object radam_step(nb::handle params, nb::handle grads, nb::handle means, nb::handle squares, double lr, double mean_correction,
                      double square_correction, double rectified, double beta1, double beta2, double eps, double keep,
                      double weight_decay, bool maximize) {
    const Lists lists(params, grads, {{means, "exp_avgs"}, {squares, "exp_avg_sqs"}});
    const double plain = lr / mean_correction, rate = rectified != 0 ? plain * rectified * std::sqrt(square_correction) : plain;
    const RadamOptions options = {{weight_decay, maximize}, beta1, beta2, eps, keep, rate, rectified != 0};
    return step(lists, [&](const auto& kernels, const auto* tensors, int64_t n) { kernels.radam(tensors, n, options); });
}

nb::object adamax_step(nb::handle params, nb::handle grads, nb::handle means, nb::handle tops, double rate, double beta1,
                       double beta2, double eps, double weight_decay, bool maximize) {
    const Lists lists(params, grads, {{means, "exp_avgs"}, {tops, "exp_infs"}});
    const AdamaxOptions options = {{weight_decay, maximize}, rate, beta1, beta2, eps};
    return step(lists, [&](const auto& kernels, const auto* tensors, int64_t n) { kernels.adamax(tensors, n, options); });
}

nb::object asgd_step(nb::handle params, nb::handle grads, nb::handle averages, double rate, double keep, double share,
                     double weight_decay, bool maximize) {
    const Lists lists(params, grads, {{averages, "averages"}});
    const AsgdOptions options = {{weight_decay, maximize}, rate, keep, share};
    return step(lists, [&](const auto& kernels, const auto* tensors, int64_t n) { kernels.asgd(tensors, n, options); });
}

nb::object rprop_step(nb::handle params, nb::handle grads, nb::handle befores, nb::handle sizes, double down, double up,
                      double smallest, double largest, bool maximize) {
    const Lists lists(params, grads, {{befores, "prevs"}, {sizes, "step_sizes"}});
    const RpropOptions options = {{0, maximize}, down, up, smallest, largest};
    return step(lists, [&](const auto& kernels, const auto* tensors, int64_t n) { kernels.rprop(tensors, n, options); });
}

// The arrays of a list, packed in memory, as what is read and written; false when one is neither float32 nor float64.
bool gather_packed(Batch& batch, const ArrayList& arrays, bool written) {
    for (int64_t i = 0; i < arrays.size(); ++i) {
        const Array x = arrays[i];
        if (written && !x.writeable()) arrays.refuse(i, " is read-only");
        if (!is_packed(x)) return false;
        if (x.is<float>()) batch.singles.push_back({x.data<float>(), x.data<float>(), {}, x.size(), false});
        else if (x.is<double>()) batch.doubles.push_back({x.data<double>(), x.data<double>(), {}, x.size(), false});
        else return false;
        batch.keep(x);
        batch.elements += x.size();
    }
    return true;
}

nb::object squares_of_all(nb::handle arrays_) {
    Batch batch;
    if (!gather_packed(batch, ArrayList(arrays_, "arrays"), false)) return not_implemented();
    double sum = 0;
    {
        Released released(batch.elements >= kLong);
        sum += optim_kernels<float>().squares(batch.singles.data(), static_cast<int64_t>(batch.singles.size()));
        sum += optim_kernels<double>().squares(batch.doubles.data(), static_cast<int64_t>(batch.doubles.size()));
    }
    return nb::float_(sum);
}

nb::object scale_all(nb::handle arrays_, double factor) {
    Batch batch;
    if (!gather_packed(batch, ArrayList(arrays_, "arrays"), true)) return not_implemented();
    Released released(batch.elements >= kLong);
    optim_kernels<float>().scale(batch.singles.data(), static_cast<int64_t>(batch.singles.size()), factor);
    optim_kernels<double>().scale(batch.doubles.data(), static_cast<int64_t>(batch.doubles.size()), factor);
    return nb::none();
}

// An argument that the binding checks itself, None included.
auto list(const char* name) { return nb::arg(name).none(); }

}  // namespace

void bind_optim(nb::module_& m) {
    const auto decay = [] { return nb::arg("weight_decay") = 0.0; };
    const auto maximize = [] { return nb::arg("maximize") = false; };
    m.def("squares_of_all", squares_of_all, list("arrays"));
    m.def("scale_all", scale_all, list("arrays"), nb::arg("factor"));
    const auto rows = [] { return nb::arg("rows").none() = nb::none(); };
    m.def("sgd_step", sgd_step, list("params"), list("grads"), list("momentum_buffers"), nb::arg("lr"), nb::arg("momentum") = 0.0,
          nb::arg("dampening") = 0.0, decay(), nb::arg("nesterov") = false, maximize());
    m.def("adam_step", adam_step, list("params"), list("grads"), list("exp_avgs"), list("exp_avg_sqs"), list("max_exp_avg_sqs"),
          nb::arg("rate"), nb::arg("root_correction"), nb::arg("beta1"), nb::arg("beta2"), nb::arg("eps"), nb::arg("keep") = 1.0, decay(),
          maximize(), rows());
    m.def("adagrad_step", adagrad_step, list("params"), list("grads"), list("sums"), nb::arg("rate"), nb::arg("eps"), decay(),
          maximize(), rows());
    m.def("rmsprop_step", rmsprop_step, list("params"), list("grads"), list("square_avgs"), list("grad_avgs"),
          list("momentum_buffers"), nb::arg("lr"), nb::arg("alpha"), nb::arg("eps"), nb::arg("momentum") = 0.0, decay(), maximize());
    m.def("adadelta_step", adadelta_step, list("params"), list("grads"), list("square_avgs"), list("acc_deltas"), nb::arg("lr"),
          nb::arg("rho"), nb::arg("eps"), decay(), maximize());
    m.def("nadam_step", nadam_step, list("params"), list("grads"), list("exp_avgs"), list("exp_avg_sqs"), nb::arg("now"),
          nb::arg("ahead"), nb::arg("correction"), nb::arg("beta1"), nb::arg("beta2"), nb::arg("eps"), nb::arg("keep") = 1.0, decay(),
          maximize());
    m.def("radam_step", radam_step, list("params"), list("grads"), list("exp_avgs"), list("exp_avg_sqs"), nb::arg("lr"),
          nb::arg("mean_correction"), nb::arg("square_correction"), nb::arg("rectified"), nb::arg("beta1"), nb::arg("beta2"),
          nb::arg("eps"), nb::arg("keep") = 1.0, decay(), maximize());
    m.def("adamax_step", adamax_step, list("params"), list("grads"), list("exp_avgs"), list("exp_infs"), nb::arg("rate"),
          nb::arg("beta1"), nb::arg("beta2"), nb::arg("eps"), decay(), maximize());
    m.def("asgd_step", asgd_step, list("params"), list("grads"), list("averages"), nb::arg("rate"), nb::arg("keep"),
          nb::arg("share"), decay(), maximize());
    m.def("rprop_step", rprop_step, list("params"), list("grads"), list("prevs"), list("step_sizes"), nb::arg("down"), nb::arg("up"),
          nb::arg("smallest"), nb::arg("largest"), maximize());
}

}  // namespace rl
