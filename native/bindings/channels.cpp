#include "../channels.h"

#include "arrays.h"

namespace rl {
namespace {

constexpr int64_t kLong = 1 << 14;  // elements from which the interpreter is released

// (batch, channels, …), nothing empty.
bool read_shape(const Array& x, ChannelShape& shape) {
    if (x.dims() < 2 || x.size() == 0) return false;
    shape = {x.shape(0), x.shape(1), x.size() / (x.shape(0) * x.shape(1))};
    return true;
}

template <class T>
bool is_list(const Array& a, int64_t count) {
    return a.is_dense<T>() && a.dims() == 1 && a.size() == count;
}

template <class T>
nb::object scale_as(const Array& x, const ChannelShape& shape, const Array& scale, nb::handle shift_) {
    if (!is_list<T>(scale, shape.channels)) return not_implemented();
    const T* shift = nullptr;
    if (!shift_.is_none()) {
        const Array array(shift_, "shift");
        if (!is_list<T>(array, shape.channels)) return not_implemented();
        shift = array.data<T>();
    }
    nb::object out = empty_like<T>(x);
    Released released(x.size() >= kLong);
    channel_kernels<T>().scale(shape, x.data<T>(), scale.data<T>(), shift, data_of<T>(out));
    return out;
}

nb::object scale_channels(nb::handle x_, nb::handle scale_, nb::handle shift) {
    const Array x(x_, "x"), scale(scale_, "scale");
    ChannelShape shape;
    if (!read_shape(x, shape)) return not_implemented();
    if (x.is_dense<float>()) return scale_as<float>(x, shape, scale, shift);
    if (x.is_dense<double>()) return scale_as<double>(x, shape, scale, shift);
    return not_implemented();
}

template <class T>
nb::object sums_as(const Array& grad, const ChannelShape& shape, nb::handle x_, nb::handle centre_) {
    const T *x = nullptr, *centre = nullptr;
    if (!x_.is_none()) {
        const Array other(x_, "x"), middle(centre_, "centre");
        if (!other.is_dense<T>() || !other.same_shape(grad) || !is_list<T>(middle, shape.channels)) return not_implemented();
        x = other.data<T>(), centre = middle.data<T>();
    }
    nb::object sums = empty<T>({shape.channels}), products = nb::none();
    if (x) products = empty<T>({shape.channels});
    {
        T* const to = x ? data_of<T>(products) : nullptr;
        Released released(grad.size() >= kLong);
        channel_kernels<T>().sums(shape, grad.data<T>(), x, centre, data_of<T>(sums), to);
    }
    return nb::make_tuple(sums, products);
}

nb::object channel_sums(nb::handle grad_, nb::handle x, nb::handle centre) {
    const Array grad(grad_, "grad");
    ChannelShape shape;
    if (!read_shape(grad, shape)) return not_implemented();
    if (grad.is_dense<float>()) return sums_as<float>(grad, shape, x, centre);
    if (grad.is_dense<double>()) return sums_as<double>(grad, shape, x, centre);
    return not_implemented();
}

}  // namespace

void bind_channels(nb::module_& m) {
    m.def("scale_channels", scale_channels, nb::arg("x").none(), nb::arg("scale").none(), nb::arg("shift").none());
    m.def("channel_sums", channel_sums, nb::arg("grad").none(), nb::arg("x").none() = nb::none(),
          nb::arg("centre").none() = nb::none());
}

}  // namespace rl
