#include "../indexing.h"

#include <string_view>

#include "arrays.h"

namespace rl {
namespace {

constexpr int64_t kLong = 1 << 14;  // elements from which the interpreter is released

// The steps of an array in elements; false where they are no whole number of them.
template <class T>
bool steps(const Array& x, int64_t* out) {
    for (int d = 0; d < x.dims(); ++d) {
        if (x.stride(d) % static_cast<int64_t>(sizeof(T))) return false;
        out[d] = x.stride(d) / static_cast<int64_t>(sizeof(T));
    }
    return true;
}

// Whether every index is in range, in row-major order of any strides.
bool in_range(const Along& a, const int64_t* index) {
    int64_t at[kMostIndexDims] = {}, offset = 0;
    const int last = a.dims - 1;
    const int64_t low = a.wraps ? -a.length : 0;
    for (;;) {
        bool fine = true;
        const int64_t step = a.index_step[last], n = step ? a.shape[last] : 1;
        for (int64_t j = 0; j < n; ++j) fine &= index[offset + j * step] >= low && index[offset + j * step] < a.length;
        if (!fine) return false;
        int d = last - 1;
        for (; d >= 0; --d) {
            // Repeated indices are looked at once.
            if (a.index_step[d] != 0 && ++at[d] < a.shape[d]) {
                offset += a.index_step[d];
                break;
            }
            offset -= at[d] > 0 ? (a.shape[d] - 1) * a.index_step[d] : 0;
            at[d] = 0;
        }
        if (d < 0) return true;
    }
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

template <class T>
nb::object gather_as(Along a, const Array& own, const Array& index) {
    if (!own.is<T>() || !steps<T>(own, a.own_step) || !steps<int64_t>(index, a.index_step)) return not_implemented();
    nb::object out = empty_like<T>(index);
    steps<T>(Array(out, "out"), a.other_step);
    if (index.size() == 0) return out;
    if (a.length == 0) return not_implemented();
    bool fine;
    {
        Released released(index.size() >= kLong);
        fine = indexing_kernels<T>().gather(a, index.data<int64_t>(), own.data<T>(), data_of<T>(out));
    }
    return fine ? out : not_implemented();
}

nb::object gather_along(nb::handle own_, int64_t dim, nb::handle index_) {
    const Array own(own_, "array"), index(index_, "index");
    if (!index.is<int64_t>() || own.dims() == 0 || own.dims() > kMostIndexDims || index.dims() != own.dims()) return not_implemented();
    const Along a = layout(own, dim, index);
    if (own.is<float>()) return gather_as<float>(a, own, index);
    if (own.is<double>()) return gather_as<double>(a, own, index);
    return gather_as<int64_t>(a, own, index);
}

template <class T>
nb::object scatter_as(Along a, const Array& own, const Array& index, const Array& values, Scatter how) {
    if (!own.is<T>() || !values.is<T>() || !steps<T>(own, a.own_step)) return not_implemented();
    if (values.dims() && !steps<T>(values, a.other_step)) return not_implemented();
    for (int d = 0; d < a.dims; ++d) {
        if (a.shape[d] == 0) return nb::none();
    }
    if (own.overlaps(values) || own.overlaps(index) || !in_range(a, index.data<int64_t>())) return not_implemented();
    {
        Released released(own.size() >= kLong);
        indexing_kernels<T>().scatter(a, index.data<int64_t>(), own.data<T>(), values.data<T>(), how);
    }
    return nb::none();
}

nb::object scatter_typed(const Along& a, const Array& own, const Array& index, const Array& values, Scatter how) {
    if (own.is<float>()) return scatter_as<float>(a, own, index, values, how);
    if (own.is<double>()) return scatter_as<double>(a, own, index, values, how);
    return scatter_as<int64_t>(a, own, index, values, how);
}

// Elements that share memory are the reference's business.
bool spread_out(const Array& x) {
    for (int d = 0; d < x.dims(); ++d) {
        if (x.shape(d) > 1 && x.stride(d) == 0) return false;
    }
    return true;
}

nb::object scatter_along(const char* how_, nb::handle own_, int64_t dim, nb::handle index_, nb::handle values_) {
    const Array own(own_, "out"), index(index_, "index"), values(values_, "values");
    constexpr std::string_view names[] = {"copy", "add", "multiply", "maximum", "minimum"};
    int how = 0;
    while (how < 5 && names[how] != how_) ++how;
    if (how == 5) throw nb::value_error("how must be copy, add, multiply, maximum or minimum");
    if (!index.is<int64_t>() || own.dims() == 0 || own.dims() > kMostIndexDims || index.dims() != own.dims() ||
        !own.writeable() || !spread_out(own)) {
        return not_implemented();
    }
    const Along a = layout(own, dim, index);
    if (values.dims() && !values.same_shape(index)) return not_implemented();
    Along b = a;
    return steps<int64_t>(index, b.index_step) ? scatter_typed(b, own, index, values, static_cast<Scatter>(how)) : not_implemented();
}

// A vector of indices names whole slices of own along dim.
nb::object add_along(nb::handle own_, int64_t dim, nb::handle index_, nb::handle values_) {
    const Array own(own_, "out"), index(index_, "index"), values(values_, "values");
    if (!index.is<int64_t>() || index.dims() != 1 || own.dims() == 0 || own.dims() > kMostIndexDims || !own.writeable() ||
        !spread_out(own) || values.dims() != own.dims()) {
        return not_implemented();
    }
    Along a = layout(own, dim, values);
    for (int d = 0; d < a.dims; ++d) {
        if (values.shape(d) != (d == a.dim ? index.shape(0) : own.shape(d))) throw nb::value_error("values: the shape does not fit");
    }
    int64_t step;
    if (!steps<int64_t>(index, &step)) return not_implemented();
    a.index_step[a.dim] = step;
    a.wraps = true;
    return scatter_typed(a, own, index, values, Scatter::add);
}

}  // namespace

void bind_indexing(nb::module_& m) {
    m.def("gather_along", gather_along, nb::arg("array").none(), nb::arg("dim"), nb::arg("index").none());
    m.def("scatter_along", scatter_along, nb::arg("how"), nb::arg("out").none(), nb::arg("dim"), nb::arg("index").none(),
          nb::arg("values").none());
    m.def("add_along", add_along, nb::arg("out").none(), nb::arg("dim"), nb::arg("index").none(), nb::arg("values").none());
}

}  // namespace rl
