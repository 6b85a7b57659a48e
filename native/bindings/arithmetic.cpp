#include "../arithmetic.h"

#include "grid.h"

namespace rl {
namespace {

constexpr int64_t kLong = 1 << 14;  // elements from which the interpreter is released

// visit(T{}) with the type of the elements; not_implemented for one that no table has.
template <class Visit>
nb::object with_type(const Array& x, Visit visit) {
    if (x.is<float>()) return visit(float{});
    if (x.is<double>()) return visit(double{});
    if (x.is<int64_t>()) return visit(int64_t{});
    if (x.is<int32_t>()) return visit(int32_t{});
    if (x.is<BFloat16>()) return visit(BFloat16{});
    if (x.is<Float16>()) return visit(Float16{});
    return not_implemented();
}

// Reads a number that the type can hold; false for anything else.
template <class T, class Number = typename ElementOf<T>::type>
bool read_number(nb::handle object, Number& number) {
    PyObject* p = object.ptr();
    if constexpr (std::is_integral_v<T>) {
        if (!PyLong_CheckExact(p)) return false;
        int overflow = 0;
        const long long value = PyLong_AsLongLongAndOverflow(p, &overflow);
        number = static_cast<Number>(value);
        return !overflow && static_cast<long long>(number) == value;
    } else {
        double value;
        if (PyFloat_CheckExact(p)) {
            value = PyFloat_AS_DOUBLE(p);
        } else if (PyLong_CheckExact(p)) {
            value = PyLong_AsDouble(p);
            if (value == -1 && PyErr_Occurred()) {
                PyErr_Clear();
                return false;
            }
        } else {
            return false;
        }
        number = static_cast<Number>(value);
        return true;
    }
}

bool same_strides(const Array& a, const Array& b) {
    for (int d = 0; d < a.dims(); ++d) {
        if (a.stride(d) != b.stride(d) && a.shape(d) != 1) return false;
    }
    return true;
}

// One loop over all elements, of arrays that lie alike in memory without gaps.
Grid<3> flat_grid(int64_t size) {
    Grid<3> grid;
    grid.shape[0] = size;
    for (auto& step : grid.step) step[0] = 1;
    return grid;
}

// Both operands lie alike in another order than that of their dimensions: the result then does, too.
bool permuted_result(const Array& a, nb::object& out, Grid<3>& grid) {
    out = empty_in_order(a);
    grid = flat_grid(a.size());
    return same_strides(a, Array(out, "out"));
}

bool grid_of(const Array& a, const Array& b, const Array& out, Grid<3>& grid) {
    GridBuilder<3> builder(out.dims(), PyArray_DIMS(out.ptr()));
    if (!builder.add(0, a) || !builder.add(1, b) || !builder.add(2, out) || !builder.finish()) return false;
    grid = builder.grid;
    return true;
}

// Makes the result's array, laid out as NumPy would.
bool new_result(const Array& a, const Array& b, nb::object& out, Grid<3>& grid) {
    const bool same = a.same_shape(b);
    npy_intp shape[kGridDims];
    int dims = 0;
    if (same && a.contiguous() && b.contiguous()) {
        grid = flat_grid(a.size());
        out = empty(a.dims(), PyArray_DIMS(a.ptr()), PyArray_TYPE(a.ptr()));
        return true;
    }
    if (same && same_strides(a, b) && !in_order(a)) return permuted_result(a, out, grid);
    // Operands in different orders: where one has the result's shape and lies in the order of its dimensions, so does the result.
    const bool mixed = same && (a.contiguous() || b.contiguous());
    if ((!mixed && (!in_order(a) || !in_order(b))) || !common_shape(a, b, dims, shape)) return false;
    out = empty(dims, shape, PyArray_TYPE(a.ptr()));
    return grid_of(a, b, Array(out, "out"), grid);
}

// Whether an operand may be read while the result is written: it is the same memory in the same places, or other memory.
bool apart(const Array& x, const Array& out) {
    if (!x.overlaps(out)) return true;
    return x.data<char>() == out.data<char>() && x.same_shape(out) && same_strides(x, out);
}

bool given_result(const Array& a, const Array& b, const Array& out, Grid<3>& grid) {
    npy_intp shape[kGridDims];
    int dims = 0;
    if (PyArray_TYPE(out.ptr()) != PyArray_TYPE(a.ptr()) || !out.plain() || !out.writeable()) return false;
    if (!common_shape(a, b, dims, shape) || dims != out.dims()) return false;
    return PyArray_CompareLists(shape, PyArray_DIMS(out.ptr()), dims) && apart(a, out) && apart(b, out) &&
           grid_of(a, b, out, grid);
}

template <class T>
nb::object binary_as(typename ArithmeticKernels<T>::Binary kernel, nb::handle a_, nb::handle b_, nb::handle out_) {
    const bool is_first = PyArray_Check(a_.ptr()), is_second = PyArray_Check(b_.ptr());
    typename ElementOf<T>::type number{};
    if (!kernel || ((!is_first || !is_second) && !read_number<T>(is_first ? b_ : a_, number))) return not_implemented();
    const Array a(is_first ? a_ : b_, "a"), b(is_second ? b_ : a_, "b");
    if (!a.is<T>() || !b.is<T>()) return not_implemented();
    nb::object out;
    Grid<3> grid;
    if (out_.is_none()) {
        if (!new_result(a, b, out, grid)) return not_implemented();
    } else {
        out = nb::borrow(out_);
        if (!given_result(a, b, Array(out, "out"), grid)) return not_implemented();
    }
    const int64_t size = Array(out, "out").size();
    Released released(size >= kLong);
    kernel(is_first ? a.data<T>() : nullptr, is_second ? b.data<T>() : nullptr, number, data_of<T>(out), grid);
    return out;
}

// Pick is a function that takes a kernel out of the table of any type.
template <auto Pick>
nb::object binary(nb::handle a, nb::handle b, nb::handle out) {
    const bool is_first = PyArray_Check(a.ptr());
    if ((!is_first && !PyArray_Check(b.ptr())) || !(out.is_none() || PyArray_Check(out.ptr()))) return not_implemented();
    return with_type(Array(is_first ? a : b, "a"), [&](auto like) {
        using T = decltype(like);
        return binary_as<T>(Pick(arithmetic_kernels<T>()), a, b, out);
    });
}

template <auto Pick>
nb::object unary(nb::handle x_) {
    if (!PyArray_Check(x_.ptr())) return not_implemented();
    const Array x(x_, "x");
    return with_type(x, [&](auto like) {
        using T = decltype(like);
        const auto kernel = Pick(arithmetic_kernels<T>());
        if (!kernel) return not_implemented();
        nb::object out;
        if (x.contiguous()) {
            out = empty_like<T>(x);
        } else {
            Grid<3> grid;
            if (in_order(x) || !permuted_result(x, out, grid)) return not_implemented();
        }
        Released released(x.size() >= kLong);
        kernel(x.data<T>(), data_of<T>(out), x.size());
        return out;
    });
}

template <auto Pick>
nb::object ternary(nb::handle a_, nb::handle b_, nb::handle c_, nb::handle number_) {
    if (!PyArray_Check(a_.ptr()) || !PyArray_Check(b_.ptr()) || !PyArray_Check(c_.ptr())) return not_implemented();
    const Array a(a_, "a"), b(b_, "b"), c(c_, "c");
    if (!a.contiguous() || !b.contiguous() || !c.contiguous() || !a.same_shape(b) || !a.same_shape(c)) return not_implemented();
    return with_type(a, [&](auto like) {
        using T = decltype(like);
        const auto kernel = Pick(arithmetic_kernels<T>());
        typename ElementOf<T>::type number{};
        if (!kernel || !b.is<T>() || !c.is<T>() || !read_number<T>(number_, number)) return not_implemented();
        nb::object out = empty_like<T>(a);
        Released released(a.size() >= kLong);
        kernel(a.data<T>(), b.data<T>(), c.data<T>(), data_of<T>(out), a.size(), number);
        return out;
    });
}

template <auto Pick>
void def_unary(nb::module_& m, const char* name) { m.def(name, unary<Pick>, nb::arg("x").none()); }

template <auto Pick>
void def_binary(nb::module_& m, const char* name) {
    m.def(name, binary<Pick>, nb::arg("a").none(), nb::arg("b").none(), nb::arg("out") = nb::none());
}

template <auto Pick>
void def_ternary(nb::module_& m, const char* name) {
    m.def(name, ternary<Pick>, nb::arg("a").none(), nb::arg("b").none(), nb::arg("c").none(), nb::arg("number").none());
}

// total += value.
nb::object accumulate(nb::handle total, nb::handle value) {
    const nb::object out = binary<[](const auto& k) { return k.add; }>(total, value, total);
    return out.is(total) ? nb::none() : out;
}

nb::object interpolate(nb::handle a, nb::handle b, nb::handle number) {
    return ternary<[](const auto& k) { return k.interpolate; }>(a, b, b, number);
}

}  // namespace

void bind_arithmetic(nb::module_& m) {
    const nb::object bfloat16 = nb::module_::import_("ml_dtypes").attr("bfloat16");
    bfloat16_number = nb::cast<int>(nb::module_::import_("numpy").attr("dtype")(bfloat16).attr("num"));
    def_binary<[](const auto& k) { return k.add; }>(m, "add");
    def_binary<[](const auto& k) { return k.subtract; }>(m, "subtract");
    def_binary<[](const auto& k) { return k.multiply; }>(m, "multiply");
    def_binary<[](const auto& k) { return k.divide; }>(m, "divide");
    def_binary<[](const auto& k) { return k.maximum; }>(m, "maximum");
    def_binary<[](const auto& k) { return k.minimum; }>(m, "minimum");
    def_unary<[](const auto& k) { return k.negative; }>(m, "negative");
    def_unary<[](const auto& k) { return k.absolute; }>(m, "absolute");
    def_unary<[](const auto& k) { return k.square; }>(m, "square");
    def_unary<[](const auto& k) { return k.sqrt; }>(m, "sqrt");
    def_unary<[](const auto& k) { return k.reciprocal; }>(m, "reciprocal");
    def_unary<[](const auto& k) { return k.reciprocal_sqrt; }>(m, "reciprocal_sqrt");
    def_ternary<[](const auto& k) { return k.add_product; }>(m, "add_product");
    def_ternary<[](const auto& k) { return k.add_quotient; }>(m, "add_quotient");
    m.def("accumulate", accumulate, nb::arg("total").none(), nb::arg("value").none());
    m.def("interpolate", interpolate, nb::arg("a").none(), nb::arg("b").none(), nb::arg("number").none());
}

}  // namespace rl
