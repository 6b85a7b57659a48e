#include "../linalg.h"

#include <limits>

#include "arrays.h"

namespace rl {
namespace {

// Strides in elements of a 2-D array that the kernel can read; false when neither dimension is dense.
template <class T>
bool as_matrix(const Array& x, bool transpose, Matrix<T>* out) {
    const int64_t item = sizeof(T);
    int64_t rows = x.stride(0), columns = x.stride(1);
    // The stride of a dimension of one element means nothing; NumPy may put anything there.
    if (x.shape(1) <= 1) columns = item;
    if (x.shape(0) <= 1) rows = columns == item ? x.shape(1) * item : item;
    const bool dense = (columns == item && rows >= x.shape(1) * item) || (rows == item && columns >= x.shape(0) * item);
    if (x.size() && (!dense || rows % item || columns % item)) return false;
    *out = {x.data<T>(), (transpose ? columns : rows) / item, (transpose ? rows : columns) / item};
    return true;
}

template <class T>
nb::object gemm_as(const Array& a, const Array& b, bool transpose_a, bool transpose_b, nb::handle bias_, bool relu,
                   nb::handle out_) {
    GemmJob<T> job = {};
    if (!as_matrix(a, transpose_a, &job.a) || !as_matrix(b, transpose_b, &job.b)) return not_implemented();
    job.m = a.shape(transpose_a ? 1 : 0);
    job.k = a.shape(transpose_a ? 0 : 1);
    job.n = b.shape(transpose_b ? 0 : 1);
    job.relu = relu;
    if (!bias_.is_none()) {
        const Array bias(bias_, "bias");
        if (bias.dims() != 1 || bias.shape(0) != job.n) {
            throw nb::value_error("gemm: bias must be 1-D with one element for each column of the result");
        }
        if (!bias.is_dense<T>()) return not_implemented();
        job.bias = bias.data<T>();
    }
    nb::object result;
    if (out_.is_none()) {
        result = empty<T>({job.m, job.n});
    } else {
        const Array out(out_, "out");
        if (out.dims() != 2 || out.shape(0) != job.m || out.shape(1) != job.n) {
            throw nb::value_error("gemm: out has the wrong shape");
        }
        if (!out.writeable()) throw nb::value_error("gemm: out is read-only");
        if (!out.is_dense<T>() || out.overlaps(a) || out.overlaps(b)) return not_implemented();
        if (!bias_.is_none() && out.overlaps(Array(bias_, "bias"))) return not_implemented();
        result = nb::borrow(out_);
    }
    job.out = data_of<T>(result);
    job.out_rows = job.n;
    bool enough_memory;
    {
        Released released(job.m * job.n > 256 || job.k > 256);
        enough_memory = linalg_kernels<T>().gemm(job);
    }
    if (!enough_memory) throw std::bad_alloc();
    return result;
}

nb::object gemm(nb::handle a_, nb::handle b_, bool transpose_a, bool transpose_b, nb::handle bias, bool relu,
                nb::handle out) {
    const Array a(a_, "a"), b(b_, "b");
    if (a.dims() != 2 || b.dims() != 2) throw nb::value_error("gemm: a and b must be 2-D");
    if (a.shape(transpose_a ? 0 : 1) != b.shape(transpose_b ? 1 : 0)) {
        PyErr_Format(PyExc_ValueError, "gemm: shapes (%zdx%zd) and (%zdx%zd) cannot be multiplied",
                     static_cast<Py_ssize_t>(a.shape(transpose_a ? 1 : 0)), static_cast<Py_ssize_t>(a.shape(transpose_a ? 0 : 1)),
                     static_cast<Py_ssize_t>(b.shape(transpose_b ? 1 : 0)), static_cast<Py_ssize_t>(b.shape(transpose_b ? 0 : 1)));
        nb::raise_python_error();
    }
    if (a.is<float>() && b.is<float>()) return gemm_as<float>(a, b, transpose_a, transpose_b, bias, relu, out);
    if (a.is<double>() && b.is<double>()) return gemm_as<double>(a, b, transpose_a, transpose_b, bias, relu, out);
    return not_implemented();
}

}  // namespace

void bind_linalg(nb::module_& m) {
    m.def("gemm", gemm, nb::arg("a").none(), nb::arg("b").none(), nb::kw_only(), nb::arg("transpose_a") = false,
          nb::arg("transpose_b") = false, nb::arg("bias") = nb::none(), nb::arg("relu") = false,
          nb::arg("out") = nb::none());
}

}  // namespace rl
