#include "../pool.h"

#include <algorithm>
#include <optional>

#include "arrays.h"

namespace rl {
namespace {

constexpr int64_t kRelease = 1 << 14;
constexpr int64_t kMostPlane = int64_t(1) << 30;
constexpr int64_t kMostPlaces = 255;  // whose names are bytes; the last is for none

// `rank` numbers of at least `least`; what a pooling of fewer dimensions leaves out is `missing`.
void read_numbers(nb::tuple values, const char* name, int rank, int64_t least, int64_t missing, int64_t (&to)[3]) {
    if (static_cast<int>(nb::len(values)) != rank) {
        PyErr_Format(PyExc_ValueError, "pool: %s must have one number for each of the %d dimensions", name, rank);
        nb::raise_python_error();
    }
    std::fill(to, to + 3, missing);
    for (int i = 0; i < rank; ++i) {
        const int64_t value = nb::cast<int64_t>(values[i]);
        if (value < least || value > INT32_MAX) {
            PyErr_Format(PyExc_ValueError, "pool: %s is out of range", name);
            nb::raise_python_error();
        }
        to[3 - rank + i] = value;
    }
}

// The last `rank` sizes of x, and its planes.
void read_image(const Array& x, int rank, PoolShape& s, int64_t (&sizes)[3]) {
    std::fill(sizes, sizes + 3, int64_t(1));
    s.planes = 1;
    for (int i = 0; i < x.dims(); ++i) {
        const int axis = i - (x.dims() - rank);
        if (axis < 0) s.planes *= x.shape(i);
        else sizes[3 - rank + axis] = x.shape(i);
    }
}

int64_t elements(const int64_t (&sizes)[3]) { return sizes[kDepth] * sizes[kHeight] * sizes[kWidth]; }

// Whether the kernels may run: nothing empty, nothing enormous.
bool takes(const PoolShape& s) {
    if (s.planes < 1) return false;
    for (int i = 0; i < 3; ++i) {
        if (s.in[i] < 1 || s.out[i] < 1 || s.stride[i] > 1024 || s.dilation[i] > 1024 || s.kernel[i] > 65536) return false;
        if (s.padding[i] > 65536 || s.out[i] > s.in[i] + 2 * s.padding[i] + 1) return false;
        // Every window begins inside the input or its left padding and reaches the input.
        if ((s.out[i] - 1) * s.stride[i] - s.padding[i] >= s.in[i] || s.padding[i] > (s.kernel[i] - 1) * s.dilation[i]) return false;
    }
    double places = double(s.planes);
    for (int i = 0; i < 3; ++i) {
        places *= double(s.out[i]) * double(s.kernel[i]);
        if (s.in[i] > kMostPlane) return false;
    }
    if (places > 0x1p60 || s.in[kDepth] * s.in[kHeight] >= kMostPlane) return false;
    const int64_t rows = s.in[kDepth] * s.in[kHeight];
    return rows * s.in[kWidth] < kMostPlane && rows * (s.in[kWidth] + 4 * s.kernel[kWidth] * s.dilation[kWidth]) < kMostPlane;
}

template <class T>
nb::object new_like(const Array& x, int rank, const int64_t (&sizes)[3]) {
    npy_intp shape[NPY_MAXDIMS];
    for (int i = 0; i < x.dims(); ++i) {
        const int axis = i - (x.dims() - rank);
        shape[i] = axis < 0 ? x.shape(i) : sizes[3 - rank + axis];
    }
    return empty(x.dims(), shape, type_number<T>);
}

nb::object dense(const Array& a) {
    if (a.contiguous()) return nb::borrow(reinterpret_cast<PyObject*>(a.ptr()));
    return dense_copy(a);
}

void raise(PoolStatus status) {
    if (status == PoolStatus::no_memory) throw std::bad_alloc();
    if (status == PoolStatus::bad_index) throw nb::index_error("pool: an index lies outside its plane");
}

void read_max(PoolShape& s, int rank, nb::tuple kernel, nb::tuple stride, nb::tuple padding, nb::tuple dilation) {
    read_numbers(kernel, "kernel", rank, 1, 1, s.kernel);
    read_numbers(stride, "stride", rank, 1, 1, s.stride);
    read_numbers(padding, "padding", rank, 0, 0, s.padding);
    read_numbers(dilation, "dilation", rank, 1, 1, s.dilation);
}

bool places_fit(const PoolShape& s) {
    return std::max({s.kernel[kDepth], s.kernel[kHeight], s.kernel[kWidth]}) <= kMostPlaces &&
           s.kernel[kDepth] * s.kernel[kHeight] * s.kernel[kWidth] <= kMostPlaces;
}

// Found: int64_t for indices, uint8_t for places, void for neither.
template <class T, class Found>
nb::object max_pool_as(const PoolShape& s, int rank, const Array& x_) {
    const nb::object x = dense(x_), y = new_like<T>(x_, rank, s.out);
    nb::object found = nb::none();
    if constexpr (!std::is_void_v<Found>) found = new_like<Found>(x_, rank, s.out);
    PoolStatus status;
    {
        Released released(x_.size() > kRelease);
        const auto& kernels = max_pool_kernels<T>();
        if constexpr (std::is_void_v<Found>) status = kernels.with_indices(s, data_of<T>(x), data_of<T>(y), nullptr);
        else if constexpr (sizeof(Found) == 1) status = kernels.with_places(s, data_of<T>(x), data_of<T>(y), data_of<Found>(found));
        else status = kernels.with_indices(s, data_of<T>(x), data_of<T>(y), data_of<Found>(found));
    }
    raise(status);
    return nb::make_tuple(y, found);
}

template <class Found>
nb::object max_pool_of(nb::handle x_, nb::tuple outputs, nb::tuple kernel, nb::tuple stride, nb::tuple padding, nb::tuple dilation) {
    const Array x(x_, "x");
    const int rank = static_cast<int>(nb::len(kernel));
    if (rank < 1 || rank > 3) return not_implemented();
    if (x.dims() < rank) throw nb::value_error("max_pool: x has fewer dimensions than the window");
    PoolShape s = {};
    read_numbers(outputs, "outputs", rank, 0, 1, s.out);
    read_max(s, rank, kernel, stride, padding, dilation);
    read_image(x, rank, s, s.in);
    if (!takes(s)) return not_implemented();
    if (std::is_same_v<Found, uint8_t> && !places_fit(s)) throw nb::value_error("max_pool: too many places for a byte");
    if (x.is<float>()) return max_pool_as<float, Found>(s, rank, x);
    if (x.is<double>()) return max_pool_as<double, Found>(s, rank, x);
    return not_implemented();
}

nb::object max_pool(nb::handle x, nb::tuple outputs, nb::tuple kernel, nb::tuple stride, nb::tuple padding, nb::tuple dilation,
                    bool indices) {
    return (indices ? max_pool_of<int64_t> : max_pool_of<void>)(x, outputs, kernel, stride, padding, dilation);
}

template <class T>
nb::object max_backward_as(const PoolShape& s, int rank, const Array& grad_, const Array& places_) {
    const nb::object grad = dense(grad_), places = dense(places_);
    nb::object x = new_like<T>(grad_, rank, s.in);
    PoolStatus status;
    {
        Released released(grad_.size() > kRelease);
        status = max_pool_backward_kernels<T>().backward(s, data_of<T>(grad), data_of<uint8_t>(places), data_of<T>(x));
    }
    raise(status);
    return x;
}

nb::object max_pool_backward(nb::handle grad_, nb::handle places_, nb::tuple sizes, nb::tuple kernel, nb::tuple stride, nb::tuple padding,
                             nb::tuple dilation) {
    const Array grad(grad_, "grad"), places(places_, "places");
    const int rank = static_cast<int>(nb::len(kernel));
    if (rank < 1 || rank > 3) return not_implemented();
    if (grad.dims() < rank) throw nb::value_error("max_pool_backward: grad has fewer dimensions than the window");
    if (!grad.same_shape(places)) throw nb::value_error("max_pool_backward: grad and places must have the same shape");
    PoolShape s = {};
    read_numbers(sizes, "sizes", rank, 0, 1, s.in);
    read_max(s, rank, kernel, stride, padding, dilation);
    read_image(grad, rank, s, s.out);
    if (!takes(s) || !places.is<uint8_t>()) return not_implemented();
    if (!places_fit(s)) throw nb::value_error("max_pool: too many places for a byte");
    if (grad.is<float>()) return max_backward_as<float>(s, rank, grad, places);
    if (grad.is<double>()) return max_backward_as<double>(s, rank, grad, places);
    return not_implemented();
}

template <class T>
nb::object scatter_as(const PoolShape& s, int rank, const Array& grad_, const Array& indices_) {
    const nb::object grad = dense(grad_), indices = dense(indices_);
    nb::object x = new_like<T>(grad_, rank, s.in);
    PoolStatus status;
    {
        Released released(grad_.size() > kRelease);
        status = max_pool_backward_kernels<T>().scatter(s.planes, elements(s.out), elements(s.in), data_of<T>(grad),
                                                        data_of<int64_t>(indices), data_of<T>(x));
    }
    raise(status);
    return x;
}

nb::object scatter_indices(nb::handle grad_, nb::handle indices_, nb::tuple sizes) {
    const Array grad(grad_, "grad"), indices(indices_, "indices");
    const int rank = static_cast<int>(nb::len(sizes));
    if (rank < 1 || rank > 3) return not_implemented();
    if (grad.dims() < rank) throw nb::value_error("scatter_indices: grad has fewer dimensions than sizes");
    if (!grad.same_shape(indices)) throw nb::value_error("scatter_indices: grad and indices must have the same shape");
    PoolShape s = {};
    read_numbers(sizes, "sizes", rank, 0, 1, s.in);
    read_image(grad, rank, s, s.out);
    if (!indices.is<int64_t>() || elements(s.in) >= kMostPlane) return not_implemented();
    if (grad.is<float>()) return scatter_as<float>(s, rank, grad, indices);
    if (grad.is<double>()) return scatter_as<double>(s, rank, grad, indices);
    return not_implemented();
}

// The settings of an average pooling whose input sizes are `in` and output sizes `out`, one of which is already there.
void read_average(PoolShape& s, int rank, nb::tuple kernel, nb::tuple stride, nb::tuple padding) {
    read_numbers(kernel, "kernel", rank, 1, 1, s.kernel);
    read_numbers(stride, "stride", rank, 1, 1, s.stride);
    read_numbers(padding, "padding", rank, 0, 0, s.padding);
    std::fill(s.dilation, s.dilation + 3, int64_t(1));
}

template <class T>
nb::object average_as(const PoolShape& s, int rank, const Array& from_, bool include_pad, int64_t divisor, bool backward) {
    const nb::object from = dense(from_);
    nb::object to = new_like<T>(from_, rank, backward ? s.in : s.out);
    PoolStatus status;
    {
        Released released(from_.size() > kRelease);
        const auto& kernels = pool_kernels<T>();
        status = (backward ? kernels.average_backward : kernels.average)(s, include_pad, divisor, data_of<T>(from), data_of<T>(to));
    }
    raise(status);
    return to;
}

nb::object average(const PoolShape& s, int rank, const Array& from, bool include_pad, std::optional<int64_t> divisor, bool backward) {
    if (!takes(s)) return not_implemented();
    if (divisor && *divisor == 0) throw nb::value_error("avg_pool: the divisor must not be 0");
    if (from.is<float>()) return average_as<float>(s, rank, from, include_pad, divisor.value_or(0), backward);
    if (from.is<double>()) return average_as<double>(s, rank, from, include_pad, divisor.value_or(0), backward);
    return not_implemented();
}

std::optional<int64_t> read_divisor(nb::handle divisor) {
    return divisor.is_none() ? std::nullopt : std::optional<int64_t>(nb::cast<int64_t>(divisor));
}

nb::object avg_pool(nb::handle x_, nb::tuple outputs, nb::tuple kernel, nb::tuple stride, nb::tuple padding, bool include_pad,
                    nb::handle divisor) {
    const Array x(x_, "x");
    const int rank = static_cast<int>(nb::len(kernel));
    if (rank < 1 || rank > 2) return not_implemented();
    if (x.dims() < rank) throw nb::value_error("avg_pool: x has fewer dimensions than the window");
    PoolShape s = {};
    read_average(s, rank, kernel, stride, padding);
    read_numbers(outputs, "outputs", rank, 0, 1, s.out);
    read_image(x, rank, s, s.in);
    return average(s, rank, x, include_pad, read_divisor(divisor), false);
}

nb::object avg_pool_backward(nb::handle grad_, nb::tuple sizes, nb::tuple kernel, nb::tuple stride, nb::tuple padding,
                             bool include_pad, nb::handle divisor) {
    const Array grad(grad_, "grad");
    const int rank = static_cast<int>(nb::len(kernel));
    if (rank < 1 || rank > 2) return not_implemented();
    if (grad.dims() < rank) throw nb::value_error("avg_pool_backward: grad has fewer dimensions than the window");
    PoolShape s = {};
    read_average(s, rank, kernel, stride, padding);
    read_numbers(sizes, "sizes", rank, 0, 1, s.in);
    read_image(grad, rank, s, s.out);
    return average(s, rank, grad, include_pad, read_divisor(divisor), true);
}

template <class T>
nb::object adaptive_as(const PoolShape& s, int rank, const Array& from_, bool backward) {
    const nb::object from = dense(from_);
    nb::object to = new_like<T>(from_, rank, backward ? s.in : s.out);
    PoolStatus status;
    {
        Released released(from_.size() > kRelease);
        const auto& kernels = pool_kernels<T>();
        status = (backward ? kernels.adaptive_backward : kernels.adaptive)(s, data_of<T>(from), data_of<T>(to));
    }
    raise(status);
    return to;
}

// `to` are the sizes of the result: the windows', or, backward, those that they cover.
nb::object adaptive(const Array& from, nb::tuple to, bool backward) {
    const int rank = static_cast<int>(nb::len(to));
    if (rank < 1 || rank > 2) return not_implemented();
    if (from.dims() < rank) throw nb::value_error("adaptive_avg_pool: the array has fewer dimensions than sizes");
    PoolShape s = {};
    read_numbers(to, "sizes", rank, 0, 1, backward ? s.in : s.out);
    read_image(from, rank, s, backward ? s.out : s.in);
    if (s.planes < 1 || s.in[kHeight] < 1 || s.in[kWidth] < 1 || s.out[kHeight] < 1 || s.out[kWidth] < 1) return not_implemented();
    for (int i = 0; i < 3; ++i)
        if (s.in[i] > INT32_MAX || s.out[i] > INT32_MAX) return not_implemented();
    if (from.is<float>()) return adaptive_as<float>(s, rank, from, backward);
    if (from.is<double>()) return adaptive_as<double>(s, rank, from, backward);
    return not_implemented();
}

}  // namespace

void bind_pool(nb::module_& m) {
    m.def("adaptive_avg_pool", [](nb::handle x, nb::tuple outputs) { return adaptive(Array(x, "x"), outputs, false); }, nb::arg("x"),
          nb::arg("outputs"));
    m.def("adaptive_avg_pool_backward", [](nb::handle grad, nb::tuple sizes) { return adaptive(Array(grad, "grad"), sizes, true); },
          nb::arg("grad"), nb::arg("sizes"));
    m.def("max_pool", max_pool, nb::arg("x"), nb::arg("outputs"), nb::arg("kernel"), nb::arg("stride"), nb::arg("padding"),
          nb::arg("dilation"), nb::arg("indices") = true);
    m.def("max_pool_places", max_pool_of<uint8_t>, nb::arg("x"), nb::arg("outputs"), nb::arg("kernel"), nb::arg("stride"),
          nb::arg("padding"), nb::arg("dilation"));
    m.def("max_pool_backward", max_pool_backward, nb::arg("grad"), nb::arg("places"), nb::arg("sizes"), nb::arg("kernel"),
          nb::arg("stride"), nb::arg("padding"), nb::arg("dilation"));
    m.def("scatter_indices", scatter_indices, nb::arg("grad"), nb::arg("indices"), nb::arg("sizes"));
    m.def("avg_pool", avg_pool, nb::arg("x"), nb::arg("outputs"), nb::arg("kernel"), nb::arg("stride"), nb::arg("padding"),
          nb::arg("include_pad"), nb::arg("divisor").none());
    m.def("avg_pool_backward", avg_pool_backward, nb::arg("grad"), nb::arg("sizes"), nb::arg("kernel"), nb::arg("stride"),
          nb::arg("padding"), nb::arg("include_pad"), nb::arg("divisor").none());
}

}  // namespace rl
