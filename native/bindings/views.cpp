// What an array's header says, and views of its memory: no kernel, since no element is read.
#include "arrays.h"

namespace rl {
namespace {

// What only looks like an array (a stand-in of a transform) is for the reference.
nb::object address(nb::handle x_) {
    if (!PyArray_Check(x_.ptr())) return not_implemented();
    return nb::cast(static_cast<int64_t>(reinterpret_cast<intptr_t>(Array(x_, "x").data<char>())));
}

// The integers of a tuple or list; false where it has another number of them.
bool integers_of(nb::handle given, const char* name, int count, npy_intp* out) {
    if (!PyTuple_Check(given.ptr()) && !PyList_Check(given.ptr())) {
        nb::raise_type_error("%s: expected a tuple or list, but got %s", name, Py_TYPE(given.ptr())->tp_name);
    }
    if (PySequence_Fast_GET_SIZE(given.ptr()) != count) return false;
    for (int i = 0; i < count; ++i) {
        out[i] = PyLong_AsSsize_t(PySequence_Fast_GET_ITEM(given.ptr(), i));
        if (out[i] == -1 && PyErr_Occurred()) nb::raise_python_error();
    }
    return true;
}

// A dimension of one element steps over all that follow it, as PyTorch counts; those of an array without elements are of dense
// memory in which empty dimensions count as one element.
nb::object element_strides(nb::handle x_) {
    if (!PyArray_Check(x_.ptr())) return not_implemented();
    const Array x(x_, "x");
    const int dims = x.dims();
    const int64_t size = PyArray_ITEMSIZE(x.ptr()), count = x.size();
    if (size == 0) return not_implemented();
    nb::object steps = nb::steal(PyTuple_New(dims));
    if (!steps.is_valid()) nb::raise_python_error();
    int64_t step = 1;
    for (int d = dims - 1; d >= 0; --d) {
        const int64_t behind = d + 1 < dims ? (x.shape(d + 1) > 1 ? x.shape(d + 1) : 1) * step : 1;
        const bool own = count != 0 && !(x.stride(d) == 0 && x.shape(d) == 1);
        // NumPy divides downwards, and so does Python.
        step = own ? (x.stride(d) - (x.stride(d) < 0 ? size - 1 : 0)) / size : behind;
        PyObject* number = PyLong_FromSsize_t(step);
        if (!number) nb::raise_python_error();
        PyTuple_SET_ITEM(steps.ptr(), d, number);
    }
    return steps;
}

// A shape, strides and an offset over dense memory, in units of so many bytes.
struct Geometry {
    // False for what isn't read here: other sequences, other memory, other types than numbers.
    bool read(const Array& x, nb::handle shape_, nb::handle strides_, int64_t unit_) {
        const bool sequence = PyTuple_Check(shape_.ptr()) || PyList_Check(shape_.ptr());
        const Py_ssize_t count = sequence ? PySequence_Fast_GET_SIZE(shape_.ptr()) : NPY_MAXDIMS + 1;
        if (count > NPY_MAXDIMS || !x.contiguous() || x.size() == 0 || !PyTypeNum_ISNUMBER(PyArray_TYPE(x.ptr()))) return false;
        dims = static_cast<int>(count), unit = unit_;
        return integers_of(shape_, "shape", dims, shape) && integers_of(strides_, "strides", dims, strides);
    }

    // Whether there are elements, all of which lie within the memory.
    bool within(const Array& x, int64_t offset) {
        if (__builtin_mul_overflow(offset, unit, &start)) return false;
        int64_t low = start, high = start, reach;
        for (int d = 0; d < dims; ++d) {
            if (shape[d] <= 0 || __builtin_mul_overflow(strides[d], unit, &strides[d])) return false;
            if (__builtin_mul_overflow(shape[d] - 1, strides[d], &reach)) return false;
            if (__builtin_add_overflow(reach < 0 ? low : high, reach, reach < 0 ? &low : &high)) return false;
        }
        return low >= 0 && high >= 0 && high <= PyArray_NBYTES(x.ptr()) - PyArray_ITEMSIZE(x.ptr());
    }

    nb::object view(const Array& x) {
        PyArray_Descr* kind = PyArray_DESCR(x.ptr());
        Py_INCREF(kind);
        nb::object view = made(PyArray_NewFromDescr(&PyArray_Type, kind, dims, shape, strides, x.data<char>() + start,
                                                    x.writeable() ? NPY_ARRAY_WRITEABLE : 0, nullptr));
        Py_INCREF(x.ptr());
        PyObject* owner = reinterpret_cast<PyObject*>(x.ptr());
        if (PyArray_SetBaseObject(reinterpret_cast<PyArrayObject*>(view.ptr()), owner) < 0) nb::raise_python_error();
        return view;
    }

    npy_intp shape[NPY_MAXDIMS], strides[NPY_MAXDIMS];
    int dims = 0;
    int64_t unit = 1, start = 0;
};

// In bytes. What does not lie within the memory is the reference's to refuse.
nb::object strided_view(nb::handle x_, nb::handle shape, nb::handle strides, int64_t offset) {
    const Array x(x_, "x");
    Geometry geometry;
    if (!geometry.read(x, shape, strides, 1) || !geometry.within(x, offset)) return not_implemented();
    return geometry.view(x);
}

// In elements, strides of 0 and more.
nb::object elements_view(nb::handle x_, nb::handle shape, nb::handle strides, int64_t offset) {
    const Array x(x_, "x");
    Geometry geometry;
    if (!geometry.read(x, shape, strides, PyArray_ITEMSIZE(x.ptr()))) return not_implemented();
    for (int d = 0; d < geometry.dims; ++d) {
        if (geometry.strides[d] < 0) return nb::none();
    }
    return geometry.within(x, offset) ? geometry.view(x) : nb::none();
}

}  // namespace

void bind_views(nb::module_& m) {
    m.def("address", address, nb::arg("x").none());
    m.def("element_strides", element_strides, nb::arg("x").none());
    m.def("strided_view", strided_view, nb::arg("x").none(), nb::arg("shape").none(), nb::arg("strides").none(),
          nb::arg("offset") = 0);
    m.def("elements_view", elements_view, nb::arg("x").none(), nb::arg("shape").none(), nb::arg("strides").none(),
          nb::arg("offset"));
}

}  // namespace rl
