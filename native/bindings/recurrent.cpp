#include "../recurrent.h"

#include <new>
#include <vector>

#include "arrays.h"

namespace rl {
namespace {

constexpr double kLong = 1 << 15;  // multiply-adds from which the interpreter is released

// The steps, from the list of their numbers of rows; not ok unless these fall and add up to `rows`.
struct Sequence {
    std::vector<int64_t> starts, counts;
    Steps steps = {};
    bool ok = false;

    Sequence(nb::handle sizes, bool reverse, int64_t rows, int64_t batch) {
        if (!PyList_Check(sizes.ptr())) return;
        const int64_t length = PyList_GET_SIZE(sizes.ptr());
        starts.resize(length);
        counts.resize(length);
        int64_t before = batch, total = 0;
        for (int64_t i = 0; i < length; ++i) {
            PyObject* item = PyList_GET_ITEM(sizes.ptr(), i);
            if (!PyLong_Check(item)) return;
            int overflow = 0;
            const int64_t count = PyLong_AsLongAndOverflow(item, &overflow);
            if (overflow || count < 0 || count > before || count > rows - total) return;
            const int64_t at = reverse ? length - 1 - i : i;
            starts[at] = total;
            counts[at] = before = count;
            total += count;
        }
        steps = {starts.data(), counts.data(), length, rows, batch};
        ok = total == rows && rows > 0;
    }
};

// Collects the arrays of a call, each held against the shape and type it must have.
template <class T>
class Arguments {
public:
    // The data of a dense matrix of this shape; null, and no longer ok, for any other.
    T* matrix(nb::handle object, const char* name, int64_t rows, int64_t columns) {
        const Array array(object, name);
        ok_ = ok_ && array.dims() == 2 && array.is_dense<T>() && array.shape(0) == rows && array.shape(1) == columns;
        return ok_ ? array.data<T>() : nullptr;
    }
    T* optional(nb::handle object, const char* name, int64_t rows, int64_t columns) {
        return object.is_none() ? nullptr : matrix(object, name, rows, columns);
    }
    T* vector(nb::handle object, const char* name, int64_t size) {
        if (object.is_none()) return nullptr;
        const Array array(object, name);
        ok_ = ok_ && array.dims() == 1 && array.is_dense<T>() && array.shape(0) == size;
        return ok_ ? array.data<T>() : nullptr;
    }
    bool ok() const { return ok_; }

private:
    bool ok_ = true;
};

void expect_apart(const Array& written, std::initializer_list<nb::handle> others) {
    if (!written.writeable()) throw nb::value_error("gates is read-only");
    for (const nb::handle other : others) {
        if (!other.is_none() && written.overlaps(Array(other, "argument"))) {
            throw nb::value_error("gates shares memory with another argument");
        }
    }
}

// Two dimensions, and as many columns as `gates` times those of another.
bool fits(const Array& gates, const Array& state, int64_t count) {
    return gates.dims() == 2 && state.dims() == 2 && gates.shape(1) == count * state.shape(1) && state.shape(1) > 0;
}

template <class T>
nb::object copy_of(const T* data, int64_t rows, int64_t columns) {
    nb::object result = empty<T>({rows, columns});
    if (rows > 0) std::memcpy(data_of<T>(result), data, static_cast<size_t>(rows * columns) * sizeof(T));
    return result;
}

// A new array for what backward needs, or None; `data` is where its elements go.
template <class T>
nb::object kept_array(bool wanted, int64_t rows, int64_t columns, T*& data) {
    if (!wanted) return nb::none();
    nb::object result = empty<T>({rows, columns});
    data = data_of<T>(result);
    return result;
}

template <class T, class Job>
void execute(bool (*kernel)(const Job&), const Job& job, int64_t gates) {
    const double work = static_cast<double>(job.steps.rows) * static_cast<double>(gates * job.size) * static_cast<double>(job.given);
    bool enough_memory;
    {
        Released released(work > kLong);
        enough_memory = kernel(job);
    }
    if (!enough_memory) throw std::bad_alloc();
}

template <class T>
nb::object rnn_forward_as(nb::handle gates_, nb::handle h_, nb::handle weight_, nb::handle sizes, bool reverse, bool relu, bool keep) {
    const Array gates(gates_, "gates"), h(h_, "h");
    if (!fits(gates, h, 1)) return not_implemented();
    const int64_t rows = gates.shape(0), batch = h.shape(0), size = h.shape(1);
    const Sequence sequence(sizes, reverse, rows, batch);
    Arguments<T> args;
    ForwardJob<T> job = {.steps = sequence.steps, .size = size, .given = size, .relu = relu};
    job.gates = args.matrix(gates_, "gates", rows, size);
    job.first = args.matrix(h_, "h", batch, size);
    job.weight = args.matrix(weight_, "weight", size, size);
    if (!args.ok() || !sequence.ok) return not_implemented();
    expect_apart(gates, {h_, weight_});
    job.kept = keep;
    nb::object out = keep ? empty<T>({rows, size}) : nb::borrow(gates_), last = empty<T>({batch, size});
    job.out = data_of<T>(out);
    job.last = data_of<T>(last);
    const nb::object befores = kept_array<T>(keep, rows, size, job.befores);
    execute<T>(recurrent_kernels<T>().rnn, job, 1);
    return nb::make_tuple(out, last, befores);
}

template <class T>
nb::object lstm_forward_as(nb::handle gates_, nb::handle h_, nb::handle c_, nb::handle weight_, nb::handle projection_,
                           nb::handle sizes, bool reverse, bool keep) {
    const Array gates(gates_, "gates"), h(h_, "h"), c(c_, "c");
    if (!fits(gates, c, 4) || h.dims() != 2 || h.shape(1) == 0) return not_implemented();
    const int64_t rows = gates.shape(0), batch = h.shape(0), given = h.shape(1), size = c.shape(1);
    const Sequence sequence(sizes, reverse, rows, batch);
    Arguments<T> args;
    ForwardJob<T> job = {.steps = sequence.steps, .size = size, .given = given};
    job.gates = args.matrix(gates_, "gates", rows, 4 * size);
    job.first = args.matrix(h_, "h", batch, given);
    const T* cell = args.matrix(c_, "c", batch, size);
    job.weight = args.matrix(weight_, "weight", 4 * size, given);
    job.projection = args.optional(projection_, "projection", given, size);
    if (!args.ok() || !sequence.ok || (!job.projection && given != size)) return not_implemented();
    expect_apart(gates, {h_, c_, weight_, projection_});
    job.kept = keep;
    const nb::object out = empty<T>({rows, given}), last = empty<T>({batch, given}), last_c = copy_of(cell, batch, size);
    job.out = data_of<T>(out);
    job.last = data_of<T>(last);
    job.c = data_of<T>(last_c);
    const nb::object befores = kept_array<T>(keep, rows, given, job.befores), cells = kept_array<T>(keep, rows, size, job.cells);
    const nb::object tanhs = kept_array<T>(keep, rows, size, job.tanhs);
    const nb::object hidden = kept_array<T>(job.projection, rows, size, job.hidden);
    execute<T>(recurrent_kernels<T>().lstm, job, 4);
    return nb::make_tuple(out, last, last_c, befores, cells, tanhs, hidden);
}

template <class T>
nb::object gru_forward_as(nb::handle gates_, nb::handle h_, nb::handle weight_, nb::handle bias_, nb::handle sizes, bool reverse,
                          bool keep) {
    const Array gates(gates_, "gates"), h(h_, "h");
    if (!fits(gates, h, 3)) return not_implemented();
    const int64_t rows = gates.shape(0), batch = h.shape(0), size = h.shape(1);
    const Sequence sequence(sizes, reverse, rows, batch);
    Arguments<T> args;
    ForwardJob<T> job = {.steps = sequence.steps, .size = size, .given = size};
    job.gates = args.matrix(gates_, "gates", rows, 3 * size);
    job.first = args.matrix(h_, "h", batch, size);
    job.weight = args.matrix(weight_, "weight", 3 * size, size);
    job.bias = args.vector(bias_, "bias", 3 * size);
    if (!args.ok() || !sequence.ok) return not_implemented();
    expect_apart(gates, {h_, weight_, bias_});
    job.kept = keep;
    const nb::object out = empty<T>({rows, size}), last = empty<T>({batch, size});
    job.out = data_of<T>(out);
    job.last = data_of<T>(last);
    const nb::object befores = kept_array<T>(keep, rows, size, job.befores), candidates = kept_array<T>(keep, rows, size, job.candidates);
    execute<T>(recurrent_kernels<T>().gru, job, 3);
    return nb::make_tuple(out, last, befores, candidates);
}

template <class T>
nb::object rnn_backward_as(nb::handle out_, nb::handle weight_, nb::handle sizes, bool reverse, bool relu, nb::handle grad_,
                           nb::handle grad_h_) {
    const Array out(out_, "out"), grad_h(grad_h_, "grad_h");
    if (!fits(out, grad_h, 1)) return not_implemented();
    const int64_t rows = out.shape(0), batch = grad_h.shape(0), size = grad_h.shape(1);
    const Sequence sequence(sizes, reverse, rows, batch);
    Arguments<T> args;
    BackwardJob<T> job = {.steps = sequence.steps, .size = size, .given = size, .relu = relu};
    job.gates = args.matrix(out_, "out", rows, size);
    job.weight = args.matrix(weight_, "weight", size, size);
    job.grad = args.matrix(grad_, "grad", rows, size);
    const T* last = args.matrix(grad_h_, "grad_h", batch, size);
    if (!args.ok() || !sequence.ok) return not_implemented();
    const nb::object grad_gates = empty<T>({rows, size}), first = copy_of(last, batch, size);
    job.grad_gates = job.grad_products = data_of<T>(grad_gates);
    job.grad_h = data_of<T>(first);
    execute<T>(recurrent_kernels<T>().rnn_backward, job, 1);
    return nb::make_tuple(grad_gates, first);
}

template <class T>
nb::object lstm_backward_as(nb::handle gates_, nb::handle cells_, nb::handle tanhs_, nb::handle weight_, nb::handle projection_,
                            nb::handle sizes, bool reverse, nb::handle grad_, nb::handle grad_h_, nb::handle grad_c_) {
    const Array gates(gates_, "gates"), grad_h(grad_h_, "grad_h"), grad_c(grad_c_, "grad_c");
    if (!fits(gates, grad_c, 4) || grad_h.dims() != 2 || grad_h.shape(1) == 0) return not_implemented();
    const int64_t rows = gates.shape(0), batch = grad_h.shape(0), given = grad_h.shape(1), size = grad_c.shape(1);
    const Sequence sequence(sizes, reverse, rows, batch);
    Arguments<T> args;
    BackwardJob<T> job = {.steps = sequence.steps, .size = size, .given = given};
    job.gates = args.matrix(gates_, "gates", rows, 4 * size);
    job.cells = args.matrix(cells_, "cell_befores", rows, size);
    job.tanhs = args.matrix(tanhs_, "cell_tanhs", rows, size);
    job.weight = args.matrix(weight_, "weight", 4 * size, given);
    job.projection = args.optional(projection_, "projection", given, size);
    job.grad = args.matrix(grad_, "grad", rows, given);
    const T* last = args.matrix(grad_h_, "grad_h", batch, given);
    const T* last_c = args.matrix(grad_c_, "grad_c", batch, size);
    if (!args.ok() || !sequence.ok || (!job.projection && given != size)) return not_implemented();
    const nb::object grad_gates = empty<T>({rows, 4 * size}), first = copy_of(last, batch, given), first_c = copy_of(last_c, batch, size);
    job.grad_gates = job.grad_products = data_of<T>(grad_gates);
    job.grad_h = data_of<T>(first);
    job.grad_c = data_of<T>(first_c);
    const nb::object projected = kept_array<T>(job.projection, rows, given, job.projected);
    execute<T>(recurrent_kernels<T>().lstm_backward, job, 4);
    return nb::make_tuple(grad_gates, first, first_c, projected);
}

template <class T>
nb::object gru_backward_as(nb::handle gates_, nb::handle candidates_, nb::handle befores_, nb::handle weight_, nb::handle sizes,
                           bool reverse, nb::handle grad_, nb::handle grad_h_) {
    const Array gates(gates_, "gates"), grad_h(grad_h_, "grad_h");
    if (!fits(gates, grad_h, 3)) return not_implemented();
    const int64_t rows = gates.shape(0), batch = grad_h.shape(0), size = grad_h.shape(1);
    const Sequence sequence(sizes, reverse, rows, batch);
    Arguments<T> args;
    BackwardJob<T> job = {.steps = sequence.steps, .size = size, .given = size};
    job.gates = args.matrix(gates_, "gates", rows, 3 * size);
    job.candidates = args.matrix(candidates_, "candidates", rows, size);
    job.befores = args.matrix(befores_, "befores", rows, size);
    job.weight = args.matrix(weight_, "weight", 3 * size, size);
    job.grad = args.matrix(grad_, "grad", rows, size);
    const T* last = args.matrix(grad_h_, "grad_h", batch, size);
    if (!args.ok() || !sequence.ok) return not_implemented();
    const nb::object grad_gates = empty<T>({rows, 3 * size}), grad_products = empty<T>({rows, 3 * size});
    const nb::object first = copy_of(last, batch, size);
    job.grad_gates = data_of<T>(grad_gates);
    job.grad_products = data_of<T>(grad_products);
    job.grad_h = data_of<T>(first);
    execute<T>(recurrent_kernels<T>().gru_backward, job, 3);
    return nb::make_tuple(grad_gates, grad_products, first);
}

// The form of a function for the type of its first argument.
template <auto single, auto precise, class... Rest>
nb::object typed(nb::handle first, Rest... rest) {
    const Array array(first, "gates");
    if (array.is<float>()) return single(first, rest...);
    if (array.is<double>()) return precise(first, rest...);
    return not_implemented();
}

}  // namespace

void bind_recurrent(nb::module_& m) {
    using H = nb::handle;
    const auto array = [](const char* name) { return nb::arg(name).none(); };
    m.def("rnn_forward", typed<rnn_forward_as<float>, rnn_forward_as<double>, H, H, H, bool, bool, bool>, array("gates"), array("h"),
          array("weight"), array("sizes"), nb::arg("reverse"), nb::arg("relu"), nb::arg("keep"));
    m.def("lstm_forward", typed<lstm_forward_as<float>, lstm_forward_as<double>, H, H, H, H, H, bool, bool>, array("gates"), array("h"),
          array("c"), array("weight"), array("projection"), array("sizes"), nb::arg("reverse"), nb::arg("keep"));
    m.def("gru_forward", typed<gru_forward_as<float>, gru_forward_as<double>, H, H, H, H, bool, bool>, array("gates"), array("h"),
          array("weight"), array("bias"), array("sizes"), nb::arg("reverse"), nb::arg("keep"));
    m.def("rnn_backward", typed<rnn_backward_as<float>, rnn_backward_as<double>, H, H, bool, bool, H, H>, array("out"), array("weight"),
          array("sizes"), nb::arg("reverse"), nb::arg("relu"), array("grad"), array("grad_h"));
    m.def("lstm_backward", typed<lstm_backward_as<float>, lstm_backward_as<double>, H, H, H, H, H, bool, H, H, H>, array("gates"),
          array("cell_befores"), array("cell_tanhs"), array("weight"), array("projection"), array("sizes"), nb::arg("reverse"),
          array("grad"), array("grad_h"), array("grad_c"));
    m.def("gru_backward", typed<gru_backward_as<float>, gru_backward_as<double>, H, H, H, H, bool, H, H>, array("gates"),
          array("candidates"), array("befores"), array("weight"), array("sizes"), nb::arg("reverse"), array("grad"), array("grad_h"));
}

}  // namespace rl
