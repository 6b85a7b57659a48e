#include "../marks.h"

#include "arrays.h"

namespace rl {
namespace {

constexpr int64_t kLong = 1 << 14;  // elements from which the interpreter is released

nb::object new_marks(int64_t elements) {
    const int64_t bytes = (elements + 7) / 8;
    return empty(1, &bytes, NPY_UINT8);
}

template <class T>
nb::object clamp_marked_as(const Array& x, double low, double high, bool open) {
    nb::object out = empty_like<T>(x), marks = new_marks(x.size());
    {
        Released released(x.size() >= kLong);
        mark_kernels<T>().clamp(x.data<T>(), data_of<T>(out), data_of<uint8_t>(marks), x.size(), static_cast<T>(low),
                                static_cast<T>(high), open);
    }
    return nb::make_tuple(out, marks);
}

nb::object clamp_marked(nb::handle x_, double low, double high, bool open) {
    const Array x(x_, "x");
    if (x.is_dense<float>()) return clamp_marked_as<float>(x, low, high, open);
    if (x.is_dense<double>()) return clamp_marked_as<double>(x, low, high, open);
    return not_implemented();
}

template <class T>
nb::object keep_marked_as(nb::handle given, const Array& grad, const Array& marks, bool reuse) {
    nb::object out = reuse && grad.writeable() ? nb::borrow(given) : empty_like<T>(grad);
    Released released(grad.size() >= kLong);
    mark_kernels<T>().keep(grad.data<T>(), marks.data<uint8_t>(), data_of<T>(out), grad.size());
    return out;
}

nb::object keep_marked(nb::handle grad_, nb::handle marks_, bool reuse) {
    const Array grad(grad_, "grad"), marks(marks_, "marks");
    if (PyArray_TYPE(marks.ptr()) != NPY_UINT8 || !marks.contiguous() || marks.dims() != 1 || marks.shape(0) != (grad.size() + 7) / 8) {
        throw nb::value_error("keep_marked: marks must have a bit for each element of grad, in bytes");
    }
    if (grad.overlaps(marks)) return not_implemented();
    if (grad.is_dense<float>()) return keep_marked_as<float>(grad_, grad, marks, reuse);
    if (grad.is_dense<double>()) return keep_marked_as<double>(grad_, grad, marks, reuse);
    return not_implemented();
}

}  // namespace

void bind_marks(nb::module_& m) {
    m.def("clamp_marked", clamp_marked, nb::arg("x").none(), nb::arg("low"), nb::arg("high"), nb::arg("open"));
    m.def("keep_marked", keep_marked, nb::arg("grad").none(), nb::arg("marks").none(), nb::arg("reuse") = false);
}

}  // namespace rl
