#include "../conv_paths.h"

#include <string_view>

#include "arrays.h"

namespace rl {
namespace {

// Which kernels run: the fastest for the shape, or, for tests and measurements, always one kind (where it takes the shape).
enum class Path { best, direct, gemm, depthwise, winograd };
Path path = Path::best;

void set_conv_path(std::string_view name) {
    if (name == "best") path = Path::best;
    else if (name == "direct") path = Path::direct;
    else if (name == "gemm") path = Path::gemm;
    else if (name == "depthwise") path = Path::depthwise;
    else if (name == "winograd") path = Path::winograd;
    else throw nb::value_error("conv: the path must be best, direct, gemm, depthwise or winograd");
}

bool winograd_allowed = true;

// run(kernels) with those for the shape; the direct ones take what the others don't.
template <class T, class Run>
ConvStatus choose(const ConvShape& c, ConvOp op, Run run) {
    const ConvPath<T>&gemm = conv_gemm<T>(), &depthwise = conv_depthwise<T>(), &winograd = conv_winograd<T>();
    const bool best = path == Path::best;
    ConvStatus status = ConvStatus::not_taken;
    if (path == Path::winograd || (best && winograd_allowed && winograd.prefers(c, op))) status = run(winograd.conv);
    if (status != ConvStatus::not_taken) return status;
    if (path == Path::depthwise || (best && depthwise.prefers(c, op))) status = run(depthwise.conv);
    else if (path == Path::gemm || (best && gemm.prefers(c, op))) status = run(gemm.conv);
    return status == ConvStatus::not_taken ? run(conv_kernels<T>()) : status;
}

constexpr int64_t kMost = int64_t(1) << 40;  // elements, far below what would overflow

// What the arguments say, in 2-D: a 1-D convolution has height 1.
struct Settings {
    ConvShape c = {};
    int rank = 0;
};

void read_numbers(nb::tuple values, const char* name, int rank, int64_t least, int64_t missing, int64_t (&to)[2]) {
    if (static_cast<int>(nb::len(values)) != rank) {
        PyErr_Format(PyExc_ValueError, "conv: %s must have one number for each of the %d dimensions", name, rank);
        nb::raise_python_error();
    }
    to[0] = missing;
    for (int i = 0; i < rank; ++i) {
        const int64_t value = nb::cast<int64_t>(values[i]);
        if (value < least || value > INT32_MAX) {
            PyErr_Format(PyExc_ValueError, "conv: %s is out of range", name);
            nb::raise_python_error();
        }
        to[2 - rank + i] = value;
    }
}

// The last `rank` sizes of an array (batch, channels, sizes).
void read_sizes(const Array& a, int rank, int64_t (&to)[2]) {
    to[0] = 1;
    for (int i = 0; i < rank; ++i) to[2 - rank + i] = a.shape(2 + i);
}

// Fills in everything but the sizes of x, y and w.
void read_settings(Settings& s, nb::tuple stride, nb::tuple padding, nb::tuple dilation, int64_t groups) {
    if (groups < 1) throw nb::value_error("conv: groups must be positive");
    if (groups > INT32_MAX) throw nb::value_error("conv: groups is out of range");
    s.c.groups = groups;
    read_numbers(stride, "stride", s.rank, 1, 1, s.c.stride);
    read_numbers(padding, "padding", s.rank, 0, 0, s.c.padding);
    read_numbers(dilation, "dilation", s.rank, 1, 1, s.c.dilation);
}

// Whether the kernel may run on these shapes: nothing empty, nothing enormous, few passes for a stride, every window within
// the padded input.
bool takes(const ConvShape& c) {
    if (c.batch < 1 || c.in_channels < 1 || c.out_channels < 1) return false;
    double plane = 1;
    for (int i = 0; i < 2; ++i) {
        if (c.in[i] < 1 || c.out[i] < 1 || c.kernel[i] < 1 || c.stride[i] > 64 || c.dilation[i] > 4096) return false;
        const double padded = double(c.in[i]) + 2 * double(c.padding[i]), window = double(c.kernel[i] - 1) * double(c.dilation[i]);
        if (padded - window - 1 < double(c.out[i] - 1) * double(c.stride[i])) return false;
        plane *= padded;
    }
    const double channels = double(c.groups) * double(c.in_channels) * double(c.out_channels);
    if (channels * plane * double(c.batch) * double(c.kernel[0]) * double(c.kernel[1]) > 0x1p60) return false;
    const double x = double(c.batch) * double(c.groups * c.in_channels) * double(c.in[0]) * double(c.in[1]);
    const double y = double(c.batch) * double(c.groups * c.out_channels) * double(c.out[0]) * double(c.out[1]);
    return x < double(kMost) && y < double(kMost);
}

void check_channels(const ConvShape& c, int64_t x_channels, int64_t y_channels, const Array& w) {
    if (x_channels != c.in_channels * c.groups || y_channels != c.out_channels * c.groups || w.shape(0) != y_channels) {
        throw nb::value_error("conv: the channels of the arrays don't fit each other and groups");
    }
}

template <class T>
nb::object dense(const Array& a) {
    PyObject* result = reinterpret_cast<PyObject*>(a.ptr());
    return a.contiguous() ? nb::borrow(result) : nb::steal(PyArray_NewCopy(a.ptr(), NPY_CORDER));
}

template <class T>
nb::object new_image(int64_t batch, int64_t channels, int rank, const int64_t (&sizes)[2]) {
    return rank == 2 ? empty<T>({batch, channels, sizes[0], sizes[1]}) : empty<T>({batch, channels, sizes[1]});
}

// The status as what the binding returns or raises.
nb::object finish(ConvStatus status, nb::object result) {
    if (status == ConvStatus::no_memory) throw std::bad_alloc();
    return status == ConvStatus::ok ? result : not_implemented();
}

const int64_t kRelease = 1 << 14;

template <class T>
nb::object read_bias(nb::handle bias_, int64_t channels) {
    if (bias_.is_none()) return nb::none();
    const Array bias(bias_, "bias");
    if (bias.dims() != 1 || bias.shape(0) != channels) throw nb::value_error("conv: bias must have one element per channel");
    return bias.is<T>() ? dense<T>(bias) : nb::object();
}

template <class T>
nb::object conv_as(const Settings& s, const Array& x_, const Array& w_, nb::handle bias_, bool relu) {
    const ConvShape& c = s.c;
    const nb::object x = dense<T>(x_), w = dense<T>(w_), bias = read_bias<T>(bias_, c.groups * c.out_channels);
    if (!bias.is_valid()) return not_implemented();
    if (!x.is_valid() || !w.is_valid()) nb::raise_python_error();
    nb::object y = new_image<T>(c.batch, c.groups * c.out_channels, s.rank, c.out);
    ConvStatus status;
    {
        const T* const b = bias.is_none() ? nullptr : data_of<T>(bias);
        Released released(x_.size() > kRelease);
        status = choose<T>(c, ConvOp::forward, [&](const ConvKernels<T>& kernels) {
            return kernels.forward(c, data_of<T>(x), data_of<T>(w), b, relu, data_of<T>(y));
        });
    }
    return finish(status, y);
}

nb::object conv(nb::handle x_, nb::handle w_, nb::handle bias, nb::tuple stride, nb::tuple padding, nb::tuple dilation,
                int64_t groups, nb::handle outputs, bool relu) {
    const Array x(x_, "x"), w(w_, "weight");
    Settings s;
    s.rank = x.dims() - 2;
    if (s.rank < 1 || s.rank > 2 || w.dims() != x.dims() || w.shape(1) > INT32_MAX) return not_implemented();
    read_settings(s, stride, padding, dilation, groups);
    s.c.batch = x.shape(0);
    s.c.in_channels = w.shape(1);
    s.c.out_channels = w.shape(0) / groups;
    read_sizes(x, s.rank, s.c.in);
    read_sizes(w, s.rank, s.c.kernel);
    if (outputs.is_none()) {
        for (int i = 0; i < 2; ++i) {
            if (s.c.kernel[i] > INT32_MAX) return not_implemented();
            const int64_t room = s.c.in[i] + 2 * s.c.padding[i] - s.c.dilation[i] * (s.c.kernel[i] - 1) - 1;
            s.c.out[i] = room < 0 ? 0 : room / s.c.stride[i] + 1;
        }
    } else {
        read_numbers(nb::cast<nb::tuple>(outputs), "outputs", s.rank, 0, 1, s.c.out);
    }
    check_channels(s.c, x.shape(1), w.shape(0), w);
    if (!takes(s.c)) return not_implemented();
    if (x.is<float>() && w.is<float>()) return conv_as<float>(s, x, w, bias, relu);
    if (x.is<double>() && w.is<double>()) return conv_as<double>(s, x, w, bias, relu);
    return not_implemented();
}

template <class T>
nb::object conv_input_as(const Settings& s, const Array& gy_, const Array& w_, nb::handle bias_) {
    const ConvShape& c = s.c;
    const nb::object gy = dense<T>(gy_), w = dense<T>(w_), bias = read_bias<T>(bias_, c.groups * c.in_channels);
    if (!bias.is_valid()) return not_implemented();
    if (!gy.is_valid() || !w.is_valid()) nb::raise_python_error();
    nb::object gx = new_image<T>(c.batch, c.groups * c.in_channels, s.rank, c.in);
    ConvStatus status;
    {
        const T* const b = bias.is_none() ? nullptr : data_of<T>(bias);
        Released released(gy_.size() > kRelease);
        status = choose<T>(c, ConvOp::input, [&](const ConvKernels<T>& kernels) {
            return kernels.input(c, data_of<T>(gy), data_of<T>(w), b, data_of<T>(gx));
        });
    }
    return finish(status, gx);
}

nb::object conv_input(nb::handle gy_, nb::handle w_, nb::handle bias, nb::tuple sizes, nb::tuple stride, nb::tuple padding,
                      nb::tuple dilation, int64_t groups) {
    const Array gy(gy_, "gy"), w(w_, "weight");
    Settings s;
    s.rank = gy.dims() - 2;
    if (s.rank < 1 || s.rank > 2 || w.dims() != gy.dims() || w.shape(1) > INT32_MAX) return not_implemented();
    read_settings(s, stride, padding, dilation, groups);
    s.c.batch = gy.shape(0);
    s.c.in_channels = w.shape(1);
    s.c.out_channels = w.shape(0) / groups;
    read_sizes(gy, s.rank, s.c.out);
    read_sizes(w, s.rank, s.c.kernel);
    read_numbers(sizes, "sizes", s.rank, 0, 1, s.c.in);
    check_channels(s.c, s.c.in_channels * groups, gy.shape(1), w);
    if (!takes(s.c)) return not_implemented();
    if (gy.is<float>() && w.is<float>()) return conv_input_as<float>(s, gy, w, bias);
    if (gy.is<double>() && w.is<double>()) return conv_input_as<double>(s, gy, w, bias);
    return not_implemented();
}

template <class T>
nb::object conv_weight_as(const Settings& s, const Array& x_, const Array& gy_, bool bias) {
    const ConvShape& c = s.c;
    const nb::object x = dense<T>(x_), gy = dense<T>(gy_);
    if (!x.is_valid() || !gy.is_valid()) nb::raise_python_error();
    nb::object gw = s.rank == 2 ? empty<T>({c.groups * c.out_channels, c.in_channels, c.kernel[0], c.kernel[1]})
                                : empty<T>({c.groups * c.out_channels, c.in_channels, c.kernel[1]});
    nb::object gb = bias ? empty<T>({c.groups * c.out_channels}) : nb::none();
    ConvStatus status;
    {
        T* const b = bias ? data_of<T>(gb) : nullptr;
        Released released(gy_.size() > kRelease);
        status = choose<T>(c, ConvOp::weight, [&](const ConvKernels<T>& kernels) {
            return kernels.weight(c, data_of<T>(x), data_of<T>(gy), data_of<T>(gw), b);
        });
    }
    return finish(status, nb::make_tuple(gw, gb));
}

nb::object conv_weight(nb::handle x_, nb::handle gy_, nb::tuple kernel, nb::tuple stride, nb::tuple padding,
                       nb::tuple dilation, int64_t groups, bool bias) {
    const Array x(x_, "x"), gy(gy_, "gy");
    Settings s;
    s.rank = x.dims() - 2;
    if (s.rank < 1 || s.rank > 2 || gy.dims() != x.dims()) return not_implemented();
    read_settings(s, stride, padding, dilation, groups);
    read_numbers(kernel, "kernel", s.rank, 1, 1, s.c.kernel);
    if (x.shape(1) % groups || gy.shape(1) % groups) throw nb::value_error("conv_weight: groups must divide the channels");
    if (x.shape(0) != gy.shape(0)) throw nb::value_error("conv_weight: x and gy must have the same batch size");
    s.c.batch = x.shape(0);
    s.c.in_channels = x.shape(1) / groups;
    s.c.out_channels = gy.shape(1) / groups;
    read_sizes(x, s.rank, s.c.in);
    read_sizes(gy, s.rank, s.c.out);
    if (!takes(s.c)) return not_implemented();
    if (x.is<float>() && gy.is<float>()) return conv_weight_as<float>(s, x, gy, bias);
    if (x.is<double>() && gy.is<double>()) return conv_weight_as<double>(s, x, gy, bias);
    return not_implemented();
}

}  // namespace

void bind_conv(nb::module_& m) {
    m.def("set_conv_path", [](const char* name) { set_conv_path(name); }, nb::arg("name"));
    m.def("set_conv_winograd", [](bool allowed) { winograd_allowed = allowed; }, nb::arg("allowed"));
    m.def("conv_winograd", [] { return winograd_allowed; });
    m.def("conv", conv, nb::arg("x"), nb::arg("weight"), nb::arg("bias").none(), nb::arg("stride"), nb::arg("padding"),
          nb::arg("dilation"), nb::arg("groups"), nb::arg("outputs").none() = nb::none(), nb::arg("relu") = false);
    m.def("conv_input", conv_input, nb::arg("gy"), nb::arg("weight"), nb::arg("bias").none(), nb::arg("sizes"),
          nb::arg("stride"), nb::arg("padding"), nb::arg("dilation"), nb::arg("groups"));
    m.def("conv_weight", conv_weight, nb::arg("x"), nb::arg("gy"), nb::arg("kernel"), nb::arg("stride"), nb::arg("padding"),
          nb::arg("dilation"), nb::arg("groups"), nb::arg("bias") = false);
}

}  // namespace rl
