#include "../int8.h"

#include <limits>

#include "arrays.h"

namespace rl {
namespace {

bool has_vnni() {
#if RL_X86
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx512vnni");
#else
    return false;
#endif
}

bool vnni = has_vnni();

// Sums of this many products of bytes stay within int32.
constexpr int64_t kLongest = 65536;

bool is_uint8(const Array& x) { return PyArray_TYPE(x.ptr()) == NPY_UINT8; }
bool is_int8(const Array& x) { return PyArray_TYPE(x.ptr()) == NPY_INT8; }
bool is_int32(const Array& x) { return PyArray_TYPE(x.ptr()) == NPY_INT32 && x.plain(); }

nb::object new_codes(int dims, npy_intp* shape, bool is_signed) {
    return empty(dims, shape, is_signed ? NPY_INT8 : NPY_UINT8);
}

void check_codes(int64_t zero, int64_t low, int64_t high) {
    const bool ordered = low <= high && low <= zero && zero <= high;
    if (!ordered || low < -128 || high > (low < 0 ? 127 : 255)) {
        throw nb::value_error("int8: expected low <= zero point <= high within the range of int8 or uint8");
    }
}

nb::object int8_range(nb::handle x_) {
    const Array x(x_, "x");
    if (!x.is_dense<float>()) return not_implemented();
    float least = 0, greatest = 0;
    if (x.size()) {
        Released released(x.size() > (1 << 14));
        active_int8().range(x.data<float>(), x.size(), &least, &greatest);
    }
    return nb::make_tuple(least, greatest);
}

nb::object int8_quantize(nb::handle x_, double scale, int64_t zero_point, int64_t low, int64_t high) {
    const Array x(x_, "x");
    check_codes(zero_point, low, high);
    if (!x.is_dense<float>()) return not_implemented();
    nb::object out = new_codes(x.dims(), PyArray_DIMS(x.ptr()), low < 0);
    const float inverse = 1.0f / static_cast<float>(scale);
    Released released(x.size() > (1 << 14));
    active_int8().quantize(x.data<float>(), x.size(), inverse, static_cast<int32_t>(zero_point), static_cast<int32_t>(low),
                           static_cast<int32_t>(high), data_of<uint8_t>(out));
    return out;
}

const Array column(nb::handle array, const char* name, int64_t n) {
    const Array x(array, name);
    if (x.dims() != 1 || x.shape(0) != n) {
        PyErr_Format(PyExc_ValueError, "int8_product: %s must have one element for each column of the result", name);
        nb::raise_python_error();
    }
    return x;
}

nb::object int8_product(nb::handle a_, nb::handle packed_, int64_t zero_point, nb::handle sums_, nb::handle weight_zeros_,
                        nb::handle scales_, nb::handle bias_, bool relu, nb::handle codes) {
    const Array a(a_, "a"), packed(packed_, "packed"), sums(sums_, "sums"), scales(scales_, "scales");
    if (a.dims() != 2 || !is_uint8(a)) throw nb::value_error("int8_product: a must be a 2-D array of uint8");
    if (sums.dims() != 1) throw nb::value_error("int8_product: sums must be 1-D");
    Int8Job job = {};
    job.m = a.shape(0), job.k = a.shape(1), job.n = sums.shape(0);
    const int64_t blocks = (job.n + kInt8Rows - 1) / kInt8Rows, groups = (job.k + kInt8Group - 1) / kInt8Group;
    if (packed.dims() != 4 || !is_int8(packed) || packed.shape(0) != blocks || packed.shape(1) != groups ||
        packed.shape(2) != kInt8Rows || packed.shape(3) != kInt8Group) {
        throw nb::value_error("int8_product: the packed weights don't fit a and sums");
    }
    if (zero_point < 0 || zero_point > 255) throw nb::value_error("int8_product: zero_point must be a uint8");
    column(scales_, "scales", job.n);
    bool takes = a.contiguous() && packed.contiguous() && is_int32(sums) && sums.contiguous() && scales.is_dense<float>();
    if (!bias_.is_none()) {
        const Array bias = column(bias_, "bias", job.n);
        takes = takes && bias.is_dense<float>();
        job.bias = bias.data<float>();
    }
    if (!weight_zeros_.is_none()) {
        const Array zeros = column(weight_zeros_, "weight_zero_points", job.n);
        takes = takes && is_int32(zeros) && zeros.contiguous();
        job.weight_zero_points = zeros.data<int32_t>();
    }
    nb::object result;
    npy_intp shape[] = {job.m, job.n};
    if (!codes.is_none()) {
        if (!PyTuple_Check(codes.ptr()) || PyTuple_GET_SIZE(codes.ptr()) != 3) {
            throw nb::type_error("int8_product: codes must be a tuple of a zero point, a low and a high");
        }
        const auto zero = nb::cast<int64_t>(codes[0]), low = nb::cast<int64_t>(codes[1]), high = nb::cast<int64_t>(codes[2]);
        check_codes(zero, low, high);
        job.zero = static_cast<int32_t>(zero), job.low = static_cast<int32_t>(low), job.high = static_cast<int32_t>(high);
    }
    if (!takes || job.k > kLongest || job.k == 0) return not_implemented();
    if (codes.is_none()) {
        result = empty<float>({job.m, job.n});
        job.out = data_of<float>(result);
        job.relu = relu;
    } else {
        result = new_codes(2, shape, job.low < 0);
        job.codes = data_of<uint8_t>(result);
    }
    job.a = a.data<uint8_t>(), job.packed = packed.data<int8_t>(), job.sums = sums.data<int32_t>();
    job.scales = scales.data<float>(), job.zero_point = static_cast<int32_t>(zero_point);
    bool enough_memory;
    {
        Released released(job.m * job.n > 256 || job.k > 1024);
        enough_memory = active_int8().product(job);
    }
    if (!enough_memory) throw std::bad_alloc();
    return result;
}

}  // namespace

bool int8_uses_vnni() { return vnni; }
void set_int8_vnni(bool use) { vnni = use && has_vnni(); }

void bind_int8(nb::module_& m) {
    m.def("int8_range", int8_range, nb::arg("x").none());
    m.def("int8_quantize", int8_quantize, nb::arg("x").none(), nb::arg("scale"), nb::arg("zero_point"), nb::arg("low"),
          nb::arg("high"));
    m.def("int8_product", int8_product, nb::arg("a").none(), nb::arg("packed").none(), nb::arg("zero_point"),
          nb::arg("sums").none(), nb::arg("weight_zero_points").none(), nb::arg("scales").none(), nb::arg("bias").none(),
          nb::kw_only(), nb::arg("relu") = false, nb::arg("codes") = nb::none());
    m.def("int8_uses_vnni", int8_uses_vnni);
    m.def("set_int8_vnni", set_int8_vnni, nb::arg("use"));
}

}  // namespace rl
