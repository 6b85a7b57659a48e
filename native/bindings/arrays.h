// NumPy arrays as the bindings see them: read and made through the NumPy C API (about 10 ns an argument, where an
// nb::ndarray takes about 300).
#pragma once

#include <nanobind/nanobind.h>

#define NPY_NO_DEPRECATED_API NPY_2_0_API_VERSION
#define NPY_TARGET_VERSION NPY_2_0_API_VERSION
#define PY_ARRAY_UNIQUE_SYMBOL rushlight_numpy_api
#ifndef RL_IMPORTS_NUMPY
#define NO_IMPORT_ARRAY
#endif
#include <numpy/arrayobject.h>
#include <unistd.h>

#include <cstdint>
#include <initializer_list>
#include <new>

#include "../core/narrow_types.h"

namespace rl {

namespace nb = nanobind;

// What a binding returns when the arguments are right but not of the kind its kernel is fast at; the caller then asks the
// NumPy reference.
inline nb::object not_implemented() { return nb::borrow(Py_NotImplemented); }

// NumPy's number of a type. That of bfloat16, which is ml_dtypes', is known when the module has been imported.
inline int bfloat16_number = NPY_NOTYPE;

template <class T>
inline constexpr int type_number = NPY_NOTYPE;
template <>
inline constexpr int type_number<float> = NPY_FLOAT32;
template <>
inline constexpr int type_number<double> = NPY_FLOAT64;
template <>
inline constexpr int type_number<int64_t> = NPY_INT64;
template <>
inline constexpr int type_number<int32_t> = NPY_INT32;
template <>
inline constexpr int type_number<uint8_t> = NPY_UINT8;
template <>
inline constexpr int type_number<Float16> = NPY_FLOAT16;
template <>
inline const int& type_number<BFloat16> = bfloat16_number;

// A borrowed view of an ndarray argument. The argument's owner keeps it alive: Python holds arguments during a call.
class Array {
public:
    // Raises TypeError unless `object` is an ndarray.
    Array(nb::handle object, const char* name) {
        if (!PyArray_Check(object.ptr())) {
            nb::raise_type_error("%s: expected a numpy.ndarray, but got %s", name, Py_TYPE(object.ptr())->tp_name);
        }
        array_ = reinterpret_cast<PyArrayObject*>(object.ptr());
    }

    int dims() const { return PyArray_NDIM(array_); }
    int64_t shape(int i) const { return PyArray_DIM(array_, i); }
    int64_t stride(int i) const { return PyArray_STRIDE(array_, i); }  // in bytes
    int64_t size() const { return PyArray_SIZE(array_); }
    bool contiguous() const { return PyArray_IS_C_CONTIGUOUS(array_); }
    bool writeable() const { return PyArray_ISWRITEABLE(array_); }
    bool plain() const { return PyArray_ISALIGNED(array_) && PyArray_ISNOTSWAPPED(array_); }
    PyArrayObject* ptr() const { return array_; }
    // Whether items of so many bytes may be moved as integers of that size (words of 8 bytes, if larger). A type may ask for
    // less: complex numbers for the alignment of their parts, bytes for none. In dense memory rows may be such items.
    bool aligned_for(int64_t bytes) const {
        uint64_t places = reinterpret_cast<uintptr_t>(PyArray_DATA(array_));
        for (int i = 0; i < dims() && !contiguous(); ++i) places |= shape(i) > 1 ? static_cast<uint64_t>(stride(i)) : 0;
        const uint64_t unit = static_cast<uint64_t>(bytes & -bytes);
        return places % (unit < 8 ? unit : 8) == 0;
    }

    template <class T>
    bool is() const {
        return PyArray_TYPE(array_) == type_number<T> && plain();
    }
    // Of this type, native byte order, aligned and C-contiguous.
    template <class T>
    bool is_dense() const {
        return is<T>() && contiguous();
    }
    template <class T>
    T* data() const {
        return static_cast<T*>(PyArray_DATA(array_));
    }

    bool same_shape(const Array& other) const {
        return dims() == other.dims() && PyArray_CompareLists(PyArray_DIMS(array_), PyArray_DIMS(other.array_), dims());
    }
    // True when the two may share memory (their extents meet); false when they certainly don't.
    bool overlaps(const Array& other) const {
        char *begin, *end, *other_begin, *other_end;
        extent(begin, end);
        other.extent(other_begin, other_end);
        return begin < other_end && other_begin < end;
    }

private:
    void extent(char*& begin, char*& end) const {
        begin = end = PyArray_BYTES(array_);
        if (size() == 0) return;
        for (int i = 0; i < dims(); ++i) {
            const int64_t reach = stride(i) * (shape(i) - 1);
            (reach < 0 ? begin : end) += reach;
        }
        end += PyArray_ITEMSIZE(array_);
    }

    PyArrayObject* array_;
};

// What a NumPy function made; raises its error if it made nothing.
inline nb::object made(PyObject* array) {
    if (!array) nb::raise_python_error();
    return nb::steal(array);
}

// A copy in row-major order.
inline nb::object dense_copy(const Array& x) { return made(PyArray_NewCopy(x.ptr(), NPY_CORDER)); }

// A new uninitialised C-contiguous array; raises MemoryError.
inline nb::object empty(int dims, const int64_t* shape, int type) {
    static_assert(sizeof(npy_intp) == sizeof(int64_t));
    return made(PyArray_SimpleNew(dims, const_cast<npy_intp*>(shape), type));
}

template <class T>
nb::object empty(std::initializer_list<int64_t> shape) {
    return empty(static_cast<int>(shape.size()), shape.begin(), type_number<T>);
}

template <class T>
nb::object empty_like(const Array& like) {
    return empty(like.dims(), PyArray_DIMS(like.ptr()), type_number<T>);
}

// The same for another length of a dimension.
inline nb::object empty_along(const Array& like, int64_t dim, int64_t length, int type) {
    npy_intp shape[NPY_MAXDIMS];
    for (int d = 0; d < like.dims(); ++d) shape[d] = d == dim ? length : like.shape(d);
    return empty(like.dims(), shape, type);
}

// The same for another shape, of elements like those of an array, whichever they are.
inline nb::object empty_of(const Array& like, int dims, const npy_intp* shape) {
    PyArray_Descr* type = PyArray_DESCR(like.ptr());
    Py_INCREF(type);
    return made(PyArray_NewFromDescr(&PyArray_Type, type, dims, shape, nullptr, nullptr, 0, nullptr));
}

// A new uninitialised array whose dimensions follow one another in memory as another's do, of its type or of one that is given.
inline nb::object empty_in_order(const Array& like, PyArray_Descr* type = nullptr) {
    Py_XINCREF(type);
    return made(PyArray_NewLikeArray(like.ptr(), NPY_KEEPORDER, type, 0));
}

template <class T>
T* data_of(const nb::object& array) {
    return static_cast<T*>(PyArray_DATA(reinterpret_cast<PyArrayObject*>(array.ptr())));
}

// Releases the interpreter for work worth more than a few microseconds.
class Released {
public:
    explicit Released(bool worth_it) : state_(worth_it ? PyEval_SaveThread() : nullptr) {}
    ~Released() {
        if (!state_) return;
        try {
            PyEval_RestoreThread(state_);
        } catch (...) {
            // The interpreter is going down and Python before 3.14 ends this thread by unwinding its stack, which C++ frames
            // answer with abort(). Waiting for the process to end does no harm.
            for (;;) pause();
        }
    }
    Released(const Released&) = delete;
    Released& operator=(const Released&) = delete;

private:
    PyThreadState* state_;
};

}  // namespace rl
