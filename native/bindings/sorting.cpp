#include "../sorting.h"

#include "arrays.h"

namespace rl {
namespace {

constexpr int64_t kLong = 1 << 12;  // elements from which the interpreter is released

bool element_of(const Array& x, Element& type) {
    switch (PyArray_TYPE(x.ptr())) {
        case NPY_FLOAT32: type = Element::f32; return true;
        case NPY_FLOAT64: type = Element::f64; return true;
        case NPY_INT8: type = Element::i8; return true;
        case NPY_INT16: type = Element::i16; return true;
        case NPY_INT32: type = Element::i32; return true;
        case NPY_INT64: type = Element::i64; return true;
        case NPY_BOOL:
        case NPY_UINT8: type = Element::u8; return true;
        case NPY_UINT16: type = Element::u16; return true;
        case NPY_UINT32: type = Element::u32; return true;
        case NPY_UINT64: type = Element::u64; return true;
        default: return false;
    }
}

// The rows of x along a dimension; false for arrays that the kernels don't take.
bool rows_of(const Array& x, int64_t dim, Element& type, RowLayout& rows) {
    if (dim < 0 || dim >= x.dims()) throw nb::value_error("dim is out of range");
    if (!x.contiguous() || !x.plain() || x.size() == 0 || !element_of(x, type)) return false;
    rows = {1, x.shape(static_cast<int>(dim)), 1};
    for (int i = 0; i < x.dims(); ++i) {
        if (i != dim) (i < dim ? rows.outer : rows.inner) *= x.shape(i);
    }
    return rows.n < (int64_t{1} << 32);
}

struct Results {
    Results(const Array& x, int64_t dim, int64_t n)
        : values(empty_along(x, dim, n, PyArray_TYPE(x.ptr()))), indices(empty_along(x, dim, n, NPY_INT64)) {}
    void* data() const { return data_of<char>(values); }
    int64_t* places() const { return data_of<int64_t>(indices); }
    nb::object pair() const { return nb::make_tuple(values, indices); }

    nb::object values, indices;
};

void check(bool done) {
    if (!done) throw std::bad_alloc();
}

nb::object sort_along(nb::handle x_, int64_t dim, bool descending, bool stable) {
    const Array x(x_, "x");
    Element type;
    RowLayout rows;
    if (!rows_of(x, dim, type, rows)) return not_implemented();
    const Results out(x, dim, rows.n);
    bool done;
    {
        Released released(x.size() >= kLong);
        done = active_sorting().sort(type, x.data<char>(), rows, descending, stable, out.data(), out.places());
    }
    check(done);
    return out.pair();
}

nb::object topk_along(nb::handle x_, int64_t dim, int64_t k, bool largest, bool sorted) {
    const Array x(x_, "x");
    Element type;
    RowLayout rows;
    if (!rows_of(x, dim, type, rows)) return not_implemented();
    if (k < 0 || k > rows.n) throw nb::value_error("k is out of range");
    if (k == 0) return not_implemented();
    const Results out(x, dim, k);
    bool done;
    {
        Released released(x.size() >= kLong);
        done = active_sorting().topk(type, x.data<char>(), rows, k, largest, sorted, out.data(), out.places());
    }
    check(done);
    return out.pair();
}

nb::object kth_along(nb::handle x_, int64_t dim, int64_t k) {
    const Array x(x_, "x");
    Element type;
    RowLayout rows;
    if (!rows_of(x, dim, type, rows)) return not_implemented();
    if (k < 0 || k >= rows.n) throw nb::value_error("k is out of range");
    const Results out(x, dim, 1);
    bool done;
    {
        Released released(x.size() >= kLong);
        done = active_sorting().kth(type, x.data<char>(), rows, k, out.data(), out.places());
    }
    check(done);
    return out.pair();
}

nb::object median_along(nb::handle x_, int64_t dim, bool ignore_nan) {
    const Array x(x_, "x");
    Element type;
    RowLayout rows;
    if (!rows_of(x, dim, type, rows)) return not_implemented();
    const Results out(x, dim, 1);
    bool done;
    {
        Released released(x.size() >= kLong);
        done = active_sorting().median(type, x.data<char>(), rows, ignore_nan, out.data(), out.places());
    }
    check(done);
    return out.pair();
}

nb::object mode_along(nb::handle x_, int64_t dim) {
    const Array x(x_, "x");
    Element type;
    RowLayout rows;
    if (!rows_of(x, dim, type, rows)) return not_implemented();
    const Results out(x, dim, 1);
    bool done;
    {
        Released released(x.size() >= kLong);
        done = active_sorting().mode(type, x.data<char>(), rows, out.data(), out.places());
    }
    check(done);
    return out.pair();
}

}  // namespace

void bind_sorting(nb::module_& m) {
    m.def("sort_along", sort_along, nb::arg("x").none(), nb::arg("dim"), nb::arg("descending") = false,
          nb::arg("stable") = false);
    m.def("topk_along", topk_along, nb::arg("x").none(), nb::arg("dim"), nb::arg("k"), nb::arg("largest") = true,
          nb::arg("sorted") = true);
    m.def("kth_along", kth_along, nb::arg("x").none(), nb::arg("dim"), nb::arg("k"));
    m.def("median_along", median_along, nb::arg("x").none(), nb::arg("dim"), nb::arg("ignore_nan") = false);
    m.def("mode_along", mode_along, nb::arg("x").none(), nb::arg("dim"));
}

}  // namespace rl
