#include "../conv_paths.h"

#include <string_view>

#include "../core/thread_pool.h"
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

// The shape as the kernels see it. Where windows have one row of one slice, slices are as good as rows, for which there are more
// kernels.
ConvShape flattened(ConvShape c) {
    ConvAxis& s = c.slices;
    const bool one_row = c.kernel[0] == 1 && c.stride[0] == 1 && c.padding[0] == 0 && c.in[0] == c.out[0];
    if (!one_row || s.kernel != 1 || s.stride != 1 || s.padding != 0 || s.in != s.out) return c;
    c.in[0] *= s.in;
    c.out[0] *= s.out;
    s = {};
    return c;
}

// A convolution in which each output reads its own place alone, with the rows of an image as one, which fills vectors better.
ConvShape joined(ConvShape c) {
    for (int i = 0; i < 2; ++i) {
        if (!c.is_flat() || c.kernel[i] != 1 || c.stride[i] != 1 || c.padding[i] != 0 || c.in[i] != c.out[i]) return c;
    }
    c.in[1] = c.out[1] = c.in[0] * c.in[1];
    c.in[0] = c.out[0] = 1;
    return c;
}

// The longest rows that the direct kernels do better with: they share rows and images out to the threads.
constexpr int64_t kMostJoined = 1024;

bool winograd_allowed = true;

// run(c, kernels) with those for the shape; the direct ones take what the others don't.
template <class T, class Run>
ConvStatus choose(const ConvShape& shape, ConvOp op, Run run) {
    const ConvShape c = flattened(shape), one_row = joined(c);
    const ConvShape& rows = one_row.out[1] <= kMostJoined && c.batch >= get_num_threads() ? one_row : c;
    const ConvPath<T>&gemm = conv_gemm<T>(), &depthwise = conv_depthwise<T>(), &winograd = conv_winograd<T>();
    const bool best = path == Path::best;
    ConvStatus status = ConvStatus::not_taken;
    if (path == Path::winograd || (best && winograd_allowed && winograd.prefers(c, op))) status = run(c, winograd.conv);
    if (status != ConvStatus::not_taken) return status;
    if (!c.is_flat()) {
        const bool takes = path == Path::gemm || path == Path::winograd || (best && gemm.prefers(c, op));
        return takes ? run(c, gemm.conv) : ConvStatus::not_taken;
    }
    if (path == Path::depthwise || (best && depthwise.prefers(c, op))) status = run(c, depthwise.conv);
    else if (path == Path::gemm || (best && gemm.prefers(rows, op))) status = run(one_row, gemm.conv);
    return status == ConvStatus::not_taken ? run(rows, conv_kernels<T>()) : status;
}

constexpr int64_t kMost = int64_t(1) << 40;  // elements, far below what would overflow

// What the arguments say: a 1-D convolution has height 1, and one without depth has one slice.
struct Settings {
    ConvShape c = {};
    int rank = 0;
};

// A number for each dimension: the slices, the height, the width.
using Numbers = int64_t[3];

void assign(const Numbers& from, int64_t& slices, int64_t (&plane)[2]) {
    slices = from[0];
    plane[0] = from[1];
    plane[1] = from[2];
}

void read_numbers(nb::tuple values, const char* name, int rank, int64_t least, int64_t missing, int64_t& slices, int64_t (&plane)[2]) {
    if (static_cast<int>(nb::len(values)) != rank) {
        PyErr_Format(PyExc_ValueError, "conv: %s must have one number for each of the %d dimensions", name, rank);
        nb::raise_python_error();
    }
    Numbers to = {missing, missing, missing};
    for (int i = 0; i < rank; ++i) {
        const int64_t value = nb::cast<int64_t>(values[i]);
        if (value < least || value > INT32_MAX) {
            PyErr_Format(PyExc_ValueError, "conv: %s is out of range", name);
            nb::raise_python_error();
        }
        to[3 - rank + i] = value;
    }
    assign(to, slices, plane);
}

// The last `rank` sizes of an array (batch, channels, sizes).
void read_sizes(const Array& a, int rank, int64_t& slices, int64_t (&plane)[2]) {
    Numbers to = {1, 1, 1};
    for (int i = 0; i < rank; ++i) to[3 - rank + i] = a.shape(2 + i);
    assign(to, slices, plane);
}

// Fills in everything but the sizes of x, y and w.
void read_settings(Settings& s, nb::tuple stride, nb::tuple padding, nb::tuple dilation, int64_t groups) {
    if (groups < 1) throw nb::value_error("conv: groups must be positive");
    if (groups > INT32_MAX) throw nb::value_error("conv: groups is out of range");
    s.c.groups = groups;
    read_numbers(stride, "stride", s.rank, 1, 1, s.c.slices.stride, s.c.stride);
    read_numbers(padding, "padding", s.rank, 0, 0, s.c.slices.padding, s.c.padding);
    read_numbers(dilation, "dilation", s.rank, 1, 1, s.c.slices.dilation, s.c.dilation);
}

ConvAxis axis(const ConvShape& c, int i) {
    if (i == 0) return c.slices;
    return {c.in[i - 1], c.out[i - 1], c.kernel[i - 1], c.stride[i - 1], c.padding[i - 1], c.dilation[i - 1]};
}

// Whether the kernel may run on these shapes: nothing empty, nothing enormous, few passes for a stride, every window within
// the padded input.
bool takes(const ConvShape& c) {
    if (c.batch < 1 || c.in_channels < 1 || c.out_channels < 1) return false;
    double plane = 1;
    for (int i = 0; i < 3; ++i) {
        const ConvAxis a = axis(c, i);
        if (a.in < 1 || a.out < 1 || a.kernel < 1 || a.stride > 64 || a.dilation > 4096) return false;
        const double padded = double(a.in) + 2 * double(a.padding), window = double(a.kernel - 1) * double(a.dilation);
        if (padded - window - 1 < double(a.out - 1) * double(a.stride)) return false;
        plane *= padded;
    }
    if (c.slices.stride * c.stride[0] * c.stride[1] > 64 * 64) return false;
    const double channels = double(c.groups) * double(c.in_channels) * double(c.out_channels);
    if (channels * plane * double(c.batch) * double(c.slices.kernel) * double(c.kernel[0]) * double(c.kernel[1]) > 0x1p60) return false;
    const double x = double(c.batch) * double(c.groups * c.in_channels) * double(c.slices.in) * double(c.in[0]) * double(c.in[1]);
    const double y = double(c.batch) * double(c.groups * c.out_channels) * double(c.slices.out) * double(c.out[0]) * double(c.out[1]);
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
    return a.contiguous() ? nb::borrow(result) : dense_copy(a);
}

template <class T>
nb::object new_image(int64_t first, int64_t second, int rank, int64_t slices, const int64_t (&sizes)[2]) {
    if (rank == 3) return empty<T>({first, second, slices, sizes[0], sizes[1]});
    return rank == 2 ? empty<T>({first, second, sizes[0], sizes[1]}) : empty<T>({first, second, sizes[1]});
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
    nb::object y = new_image<T>(c.batch, c.groups * c.out_channels, s.rank, c.slices.out, c.out);
    ConvStatus status;
    {
        const T* const b = bias.is_none() ? nullptr : data_of<T>(bias);
        Released released(x_.size() > kRelease);
        status = choose<T>(s.c, ConvOp::forward, [&](const ConvShape& shape, const ConvKernels<T>& kernels) {
            return kernels.forward(shape, data_of<T>(x), data_of<T>(w), b, relu, data_of<T>(y));
        });
    }
    return finish(status, y);
}

nb::object conv(nb::handle x_, nb::handle w_, nb::handle bias, nb::tuple stride, nb::tuple padding, nb::tuple dilation,
                int64_t groups, nb::handle outputs, bool relu) {
    const Array x(x_, "x"), w(w_, "weight");
    Settings s;
    s.rank = x.dims() - 2;
    if (s.rank < 1 || s.rank > 3 || w.dims() != x.dims() || w.shape(1) > INT32_MAX) return not_implemented();
    read_settings(s, stride, padding, dilation, groups);
    s.c.batch = x.shape(0);
    s.c.in_channels = w.shape(1);
    s.c.out_channels = w.shape(0) / groups;
    read_sizes(x, s.rank, s.c.slices.in, s.c.in);
    read_sizes(w, s.rank, s.c.slices.kernel, s.c.kernel);
    if (outputs.is_none()) {
        for (int i = 0; i < 3; ++i) {
            const ConvAxis a = axis(s.c, i);
            if (a.kernel > INT32_MAX) return not_implemented();
            const int64_t room = a.in + 2 * a.padding - a.dilation * (a.kernel - 1) - 1;
            (i == 0 ? s.c.slices.out : s.c.out[i - 1]) = room < 0 ? 0 : room / a.stride + 1;
        }
    } else {
        read_numbers(nb::cast<nb::tuple>(outputs), "outputs", s.rank, 0, 1, s.c.slices.out, s.c.out);
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
    nb::object gx = new_image<T>(c.batch, c.groups * c.in_channels, s.rank, c.slices.in, c.in);
    ConvStatus status;
    {
        const T* const b = bias.is_none() ? nullptr : data_of<T>(bias);
        Released released(gy_.size() > kRelease);
        status = choose<T>(s.c, ConvOp::input, [&](const ConvShape& shape, const ConvKernels<T>& kernels) {
            return kernels.input(shape, data_of<T>(gy), data_of<T>(w), b, data_of<T>(gx));
        });
    }
    return finish(status, gx);
}

nb::object conv_input(nb::handle gy_, nb::handle w_, nb::handle bias, nb::tuple sizes, nb::tuple stride, nb::tuple padding,
                      nb::tuple dilation, int64_t groups) {
    const Array gy(gy_, "gy"), w(w_, "weight");
    Settings s;
    s.rank = gy.dims() - 2;
    if (s.rank < 1 || s.rank > 3 || w.dims() != gy.dims() || w.shape(1) > INT32_MAX) return not_implemented();
    read_settings(s, stride, padding, dilation, groups);
    s.c.batch = gy.shape(0);
    s.c.in_channels = w.shape(1);
    s.c.out_channels = w.shape(0) / groups;
    read_sizes(gy, s.rank, s.c.slices.out, s.c.out);
    read_sizes(w, s.rank, s.c.slices.kernel, s.c.kernel);
    read_numbers(sizes, "sizes", s.rank, 0, 1, s.c.slices.in, s.c.in);
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
    nb::object gw = new_image<T>(c.groups * c.out_channels, c.in_channels, s.rank, c.slices.kernel, c.kernel);
    nb::object gb = bias ? empty<T>({c.groups * c.out_channels}) : nb::none();
    ConvStatus status;
    {
        T* const b = bias ? data_of<T>(gb) : nullptr;
        Released released(gy_.size() > kRelease);
        status = choose<T>(s.c, ConvOp::weight, [&](const ConvShape& shape, const ConvKernels<T>& kernels) {
            return kernels.weight(shape, data_of<T>(x), data_of<T>(gy), data_of<T>(gw), b);
        });
    }
    return finish(status, nb::make_tuple(gw, gb));
}

nb::object conv_weight(nb::handle x_, nb::handle gy_, nb::tuple kernel, nb::tuple stride, nb::tuple padding,
                       nb::tuple dilation, int64_t groups, bool bias) {
    const Array x(x_, "x"), gy(gy_, "gy");
    Settings s;
    s.rank = x.dims() - 2;
    if (s.rank < 1 || s.rank > 3 || gy.dims() != x.dims()) return not_implemented();
    read_settings(s, stride, padding, dilation, groups);
    read_numbers(kernel, "kernel", s.rank, 1, 1, s.c.slices.kernel, s.c.kernel);
    if (x.shape(1) % groups || gy.shape(1) % groups) throw nb::value_error("conv_weight: groups must divide the channels");
    if (x.shape(0) != gy.shape(0)) throw nb::value_error("conv_weight: x and gy must have the same batch size");
    s.c.batch = x.shape(0);
    s.c.in_channels = x.shape(1) / groups;
    s.c.out_channels = gy.shape(1) / groups;
    read_sizes(x, s.rank, s.c.slices.in, s.c.in);
    read_sizes(gy, s.rank, s.c.slices.out, s.c.out);
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
