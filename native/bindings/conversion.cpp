#include "../conversion.h"

#include "arrays.h"

namespace rl {
namespace {

constexpr int64_t kLong = 1 << 14;  // elements from which the interpreter is released

// A new array of another type whose dimensions lie in memory as x's do; null where that leaves x with gaps.
nb::object dense_like(const Array& x, PyArray_Descr* type) {
    nb::object out = empty_in_order(x, type);
    const Array made(out, "out");
    const int64_t from = PyArray_ITEMSIZE(x.ptr()), to = PyArray_ITEMSIZE(made.ptr());
    for (int d = 0; d < x.dims(); ++d) {
        if (x.shape(d) != 1 && x.stride(d) * to != made.stride(d) * from) return nb::object();
    }
    return out;
}

template <class From, class To>
nb::object convert_as(void (*kernel)(const From*, To*, int64_t), const Array& x, PyArray_Descr* type) {
    nb::object out = dense_like(x, type);
    if (!out.is_valid()) return not_implemented();
    Released released(x.size() >= kLong);
    kernel(x.data<From>(), data_of<To>(out), x.size());
    return out;
}

nb::object convert(nb::handle x_, nb::handle type_) {
    if (!PyArray_Check(x_.ptr())) return not_implemented();
    const Array x(x_, "x");
    if (!PyArray_DescrCheck(type_.ptr())) nb::raise_type_error("type: expected a numpy.dtype");
    PyArray_Descr* type = reinterpret_cast<PyArray_Descr*>(type_.ptr());
    if (!x.plain() || !PyArray_ISNBO(type->byteorder)) return not_implemented();
    const auto& k = active_conversion();
    const int from = PyArray_TYPE(x.ptr()), to = type->type_num;
    if (from == NPY_FLOAT32) {
        if (to == bfloat16_number) return convert_as(k.f32_to_bf16, x, type);
        if (to == NPY_FLOAT16) return convert_as(k.f32_to_f16, x, type);
        if (to == NPY_FLOAT64) return convert_as(k.f32_to_f64, x, type);
        if (to == NPY_INT64) return convert_as(k.f32_to_i64, x, type);
        if (to == NPY_INT32) return convert_as(k.f32_to_i32, x, type);
    } else if (to == NPY_FLOAT32) {
        if (from == bfloat16_number) return convert_as(k.bf16_to_f32, x, type);
        if (from == NPY_FLOAT16) return convert_as(k.f16_to_f32, x, type);
        if (from == NPY_FLOAT64) return convert_as(k.f64_to_f32, x, type);
        if (from == NPY_INT64) return convert_as(k.i64_to_f32, x, type);
        if (from == NPY_INT32) return convert_as(k.i32_to_f32, x, type);
        if (from == NPY_UINT8 || from == NPY_BOOL) return convert_as(k.u8_to_f32, x, type);
    }
    return not_implemented();
}

}  // namespace

void bind_conversion(nb::module_& m) { m.def("convert", convert, nb::arg("x").none(), nb::arg("type").none()); }

}  // namespace rl
