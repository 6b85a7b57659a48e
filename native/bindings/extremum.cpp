#include "../extremum.h"

#include "reduced.h"

namespace rl {
namespace {

constexpr int64_t kLong = 1 << 14;  // elements from which the interpreter is released

template <class T>
nb::object extremum_as(const Array& x, int first, int last, bool keepdim, bool greatest, bool places) {
    Sizes sizes(x, first, last, keepdim);
    if (x.size() == 0 || sizes.n > INT32_MAX) return not_implemented();
    nb::object out = sizes.array(places ? NPY_INT64 : type_number<T>);
    Released released(x.size() >= kLong);
    const auto& kernels = extremum_kernels<T>();
    if (places) kernels.places(x.data<T>(), data_of<int64_t>(out), sizes.outer, sizes.n, sizes.inner, greatest);
    else kernels.values(x.data<T>(), data_of<T>(out), sizes.outer, sizes.n, sizes.inner, greatest);
    return out;
}

nb::object extremum_with(nb::handle x_, nb::handle dims, bool keepdim, bool greatest, bool places) {
    const Array x(x_, "x");
    int first = 0, last = x.dims();
    if (!dims.is_none() && !consecutive(dims, x.dims(), first, last)) return not_implemented();
    if (x.is_dense<float>()) return extremum_as<float>(x, first, last, keepdim, greatest, places);
    if (x.is_dense<double>()) return extremum_as<double>(x, first, last, keepdim, greatest, places);
    if (x.is_dense<int64_t>()) return extremum_as<int64_t>(x, first, last, keepdim, greatest, places);
    if (x.is_dense<int32_t>()) return extremum_as<int32_t>(x, first, last, keepdim, greatest, places);
    return not_implemented();
}

nb::object extremum_over(nb::handle x, bool greatest, nb::handle dims, bool keepdim) {
    return extremum_with(x, dims, keepdim, greatest, false);
}

nb::object place_over(nb::handle x, bool greatest, nb::handle dims, bool keepdim) {
    return extremum_with(x, dims, keepdim, greatest, true);
}

}  // namespace

void bind_extremum(nb::module_& m) {
    m.def("extremum_over", extremum_over, nb::arg("x").none(), nb::arg("greatest"), nb::arg("dims") = nb::none(),
          nb::arg("keepdim") = false);
    m.def("place_over", place_over, nb::arg("x").none(), nb::arg("greatest"), nb::arg("dims") = nb::none(),
          nb::arg("keepdim") = false);
}

}  // namespace rl
