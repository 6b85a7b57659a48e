#include "../indexing.h"

#include <string_view>

#include "arrays.h"

namespace rl {
namespace {

constexpr int64_t kLong = 1 << 14;  // elements from which the interpreter is released

// The steps of an array in elements; false where they are no whole number of them.
bool steps(const Array& x, int64_t* out) {
    const int64_t size = PyArray_ITEMSIZE(x.ptr());
    for (int d = 0; d < x.dims(); ++d) {
        if (x.stride(d) % size) return false;
        out[d] = x.stride(d) / size;
    }
    return true;
}

// The size of elements that the kernels move; 0 of others.
int movable(const Array& x) {
    const int64_t size = PyArray_ITEMSIZE(x.ptr());
    const bool known = size == 1 || size == 2 || size == 4 || size == 8 || size == 16;
    return known && x.aligned_for(size) && !PyDataType_REFCHK(PyArray_DESCR(x.ptr())) ? static_cast<int>(size) : 0;
}

// Own and index must have as many dimensions, the index being no longer but along dim.
Along layout(const Array& own, int64_t dim, const Array& index) {
    if (dim < 0 || dim >= own.dims()) throw nb::value_error("dim is out of range");
    if (index.dims() != own.dims()) throw nb::value_error("index must have as many dimensions as the array");
    Along a{};
    a.dims = own.dims();
    a.dim = static_cast<int>(dim);
    a.length = own.shape(a.dim);
    for (int d = 0; d < a.dims; ++d) {
        if (d != a.dim && index.shape(d) > own.shape(d)) throw nb::value_error("index is larger than the array");
        a.shape[d] = index.shape(d);
    }
    return a;
}

bool indexable(const Array& own, const Array& index) {
    return index.is<int64_t>() && own.dims() > 0 && own.dims() <= kMostIndexDims && index.dims() == own.dims();
}

nb::object gather_along(nb::handle own_, int64_t dim, nb::handle index_) {
    const Array own(own_, "array"), index(index_, "index");
    const int size = movable(own);
    if (!size || !indexable(own, index)) return not_implemented();
    Along a = layout(own, dim, index);
    if (!steps(own, a.own_step) || !steps(index, a.index_step)) return not_implemented();
    nb::object out = empty_of(own, index.dims(), PyArray_DIMS(index.ptr()));
    steps(Array(out, "out"), a.other_step);
    if (index.size() == 0) return out;
    if (a.length == 0) return not_implemented();
    bool fine;
    {
        Released released(index.size() >= kLong);
        fine = active_moving().gather(size, a, index.data<int64_t>(), own.data<char>(), data_of<char>(out));
    }
    return fine ? out : not_implemented();
}

// Elements that share memory are the reference's business.
bool spread_out(const Array& x) {
    for (int d = 0; d < x.dims(); ++d) {
        if (x.shape(d) > 1 && x.stride(d) == 0) return false;
    }
    return true;
}

template <class T>
nb::object scatter_as(Along a, const Array& own, const Array& index, const Array& values, Scatter how) {
    if (!own.is<T>() || !values.is<T>() || !steps(own, a.own_step) || !steps(index, a.index_step)) return not_implemented();
    if (values.dims() && !steps(values, a.other_step)) return not_implemented();
    if (index.size() == 0) return nb::none();
    if (own.overlaps(values) || own.overlaps(index)) return not_implemented();
    bool fine;
    {
        Released released(index.size() >= kLong);
        fine = indexing_kernels<T>().scatter(a, index.data<int64_t>(), own.data<T>(), values.data<T>(), how);
    }
    if (!fine) throw nb::index_error("index is out of range");
    return nb::none();
}

nb::object scatter_along(const char* how_, nb::handle own_, int64_t dim, nb::handle index_, nb::handle values_) {
    const Array own(own_, "out"), index(index_, "index"), values(values_, "values");
    constexpr std::string_view names[] = {"copy", "add", "multiply", "maximum", "minimum"};
    int how = 0;
    while (how < 5 && names[how] != how_) ++how;
    if (how == 5) throw nb::value_error("how must be copy, add, multiply, maximum or minimum");
    if (!indexable(own, index) || !own.writeable() || !spread_out(own)) return not_implemented();
    const Along a = layout(own, dim, index);
    if (values.dims() && !values.same_shape(index)) return not_implemented();
    const auto which = static_cast<Scatter>(how);
    if (own.is<float>()) return scatter_as<float>(a, own, index, values, which);
    if (own.is<double>()) return scatter_as<double>(a, own, index, values, which);
    return scatter_as<int64_t>(a, own, index, values, which);
}

// The slices of a dense array that a dense vector of indices names along dim; false for arrays that the kernels don't take.
bool slices_of(const Array& own, int64_t dim, const Array& index, bool wraps, Slices& s) {
    if (dim < 0 || dim >= own.dims()) throw nb::value_error("dim is out of range");
    if (!index.is_dense<int64_t>() || index.dims() != 1 || !own.contiguous()) return false;
    s = {1, own.shape(static_cast<int>(dim)), index.shape(0), 1, wraps};
    for (int d = 0; d < own.dims(); ++d) {
        if (d != dim) (d < dim ? s.outer : s.inner) *= own.shape(d);
    }
    return true;
}

void check_slices(const Array& own, int64_t dim, const Array& index, const Array& values) {
    bool fits = values.dims() == own.dims();
    for (int d = 0; fits && d < own.dims(); ++d) fits = values.shape(d) == (d == dim ? index.shape(0) : own.shape(d));
    if (!fits) throw nb::value_error("values: the shape does not fit");
}

nb::object take_along(nb::handle own_, int64_t dim, nb::handle index_, bool wraps) {
    const Array own(own_, "array"), index(index_, "index");
    const int size = movable(own);
    Slices s;
    if (!size || !slices_of(own, dim, index, wraps, s) || own.dims() > kMostIndexDims) return not_implemented();
    npy_intp shape[kMostIndexDims];
    for (int d = 0; d < own.dims(); ++d) shape[d] = d == dim ? s.count : own.shape(d);
    nb::object out = empty_of(own, own.dims(), shape);
    if (s.count == 0) return out;
    if (s.length == 0 || s.outer * s.inner == 0) return not_implemented();
    bool fine;
    {
        Released released(s.outer * s.count * s.inner >= kLong);
        fine = active_moving().take(size, s, index.data<int64_t>(), own.data<char>(), data_of<char>(out));
    }
    return fine ? out : not_implemented();
}

// Whether slices may be written: dense memory of its own.
bool takes_slices(const Array& own, const Array& index, const Array& values) {
    const bool dense = values.contiguous() && values.aligned_for(PyArray_ITEMSIZE(values.ptr()));
    return own.writeable() && dense && !own.overlaps(values) && !own.overlaps(index);
}

nb::object put_along(nb::handle own_, int64_t dim, nb::handle index_, nb::handle values_, bool wraps) {
    const Array own(own_, "out"), index(index_, "index"), values(values_, "values");
    const int size = movable(own);
    Slices s;
    if (!size || !slices_of(own, dim, index, wraps, s)) return not_implemented();
    const bool single = values.dims() == 0;
    if (!single) check_slices(own, dim, index, values);
    if (!PyArray_EquivTypes(PyArray_DESCR(own.ptr()), PyArray_DESCR(values.ptr()))) return not_implemented();
    if (!takes_slices(own, index, values)) return not_implemented();
    bool fine;
    {
        Released released(s.outer * s.count * s.inner >= kLong);
        fine = active_moving().put(size, s, index.data<int64_t>(), own.data<char>(), values.data<char>(), single);
    }
    return fine ? nb::none() : not_implemented();
}

template <class T>
nb::object add_as(const Slices& s, const Array& own, const Array& index, const Array& values) {
    if (!own.is<T>() || !values.is<T>()) return not_implemented();
    bool fine;
    {
        Released released(s.outer * s.count * s.inner >= kLong);
        fine = indexing_kernels<T>().add(s, index.data<int64_t>(), own.data<T>(), values.data<T>());
    }
    return fine ? nb::none() : not_implemented();
}

nb::object add_along(nb::handle own_, int64_t dim, nb::handle index_, nb::handle values_, bool wraps) {
    const Array own(own_, "out"), index(index_, "index"), values(values_, "values");
    Slices s;
    if (!slices_of(own, dim, index, wraps, s)) return not_implemented();
    check_slices(own, dim, index, values);
    if (!takes_slices(own, index, values)) return not_implemented();
    if (own.is<float>()) return add_as<float>(s, own, index, values);
    if (own.is<double>()) return add_as<double>(s, own, index, values);
    return add_as<int64_t>(s, own, index, values);
}

// Arrays in row-major order; small ones NumPy copies as fast.
nb::object copied(nb::handle x_) {
    const Array x(x_, "array");
    const int64_t bytes = x.size() * PyArray_ITEMSIZE(x.ptr());
    if (!x.contiguous() || bytes < kLong * 16 || PyDataType_REFCHK(PyArray_DESCR(x.ptr()))) return not_implemented();
    nb::object out = empty_of(x, x.dims(), PyArray_DIMS(x.ptr()));
    Released released(true);
    active_moving().copy(x.data<char>(), data_of<char>(out), bytes);
    return out;
}

// Indices of one shape, as they lie in memory.
nb::object flat_places(nb::tuple indices, nb::tuple lengths) {
    const auto dims = static_cast<int64_t>(indices.size());
    if (dims == 0 || static_cast<int64_t>(lengths.size()) != dims) throw nb::value_error("indices: as many as lengths are needed");
    if (dims > kMostPlacesDims) return not_implemented();
    const int64_t* vectors[kMostPlacesDims];
    int64_t sizes[kMostPlacesDims], all = 1;
    const Array first(indices[0], "indices");
    for (int64_t d = 0; d < dims; ++d) {
        const Array index(indices[d], "indices");
        if (!index.is_dense<int64_t>() || !index.same_shape(first)) return not_implemented();
        vectors[d] = index.data<int64_t>();
        sizes[d] = nb::cast<int64_t>(lengths[d]);
        if (sizes[d] < 0 || __builtin_mul_overflow(all, sizes[d], &all)) throw nb::value_error("lengths: no array is as large");
    }
    nb::object out = empty_like<int64_t>(first);
    if (first.size() == 0) return out;
    bool fine;
    {
        Released released(first.size() >= kLong);
        fine = active_moving().places(static_cast<int>(dims), vectors, sizes, first.size(), data_of<int64_t>(out));
    }
    return fine ? out : not_implemented();
}

}  // namespace

void bind_indexing(nb::module_& m) {
    m.def("gather_along", gather_along, nb::arg("array").none(), nb::arg("dim"), nb::arg("index").none());
    m.def("scatter_along", scatter_along, nb::arg("how"), nb::arg("out").none(), nb::arg("dim"), nb::arg("index").none(),
          nb::arg("values").none());
    m.def("take_along", take_along, nb::arg("array").none(), nb::arg("dim"), nb::arg("index").none(), nb::arg("wraps") = false);
    m.def("put_along", put_along, nb::arg("out").none(), nb::arg("dim"), nb::arg("index").none(), nb::arg("values").none(),
          nb::arg("wraps") = false);
    m.def("add_along", add_along, nb::arg("out").none(), nb::arg("dim"), nb::arg("index").none(), nb::arg("values").none(),
          nb::arg("wraps") = false);
    m.def("copied", copied, nb::arg("array").none());
    m.def("flat_places", flat_places, nb::arg("indices"), nb::arg("lengths"));
}

}  // namespace rl
