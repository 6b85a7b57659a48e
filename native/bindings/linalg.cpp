#include "../linalg.h"
#include "../reduce.h"

#include <algorithm>
#include <vector>

#include "arrays.h"

namespace rl {
namespace {

constexpr int kMostDims = 16;

// An operand: stacks of matrices, the last two dimensions.
template <class T>
struct Operand {
    nb::object copy;  // keeps the array alive that `matrix` points into, where it isn't the caller's
    Matrix<T> matrix;
    int dims;
    int64_t shape[kMostDims], strides[kMostDims];  // in elements
    int64_t rows() const { return shape[dims - 2]; }
    int64_t columns() const { return shape[dims - 1]; }
};

// Shape and strides of an array, of which a vector is a row; false unless the matrices have a dense dimension.
template <class T>
bool read_as_it_lies(const Array& x, Operand<T>* out) {
    constexpr int64_t item = sizeof(T);
    const int extra = x.dims() == 1, rank = out->dims = x.dims() + extra;
    bool whole = true;
    out->shape[0] = 1, out->strides[0] = 0;
    for (int i = extra; i < rank; ++i) {
        const int64_t stride = x.stride(i - extra);
        whole = whole && stride % item == 0;
        out->shape[i] = x.shape(i - extra), out->strides[i] = stride / item;
    }
    const int64_t m = out->rows(), n = out->columns();
    int64_t &rows = out->strides[rank - 2], &columns = out->strides[rank - 1];
    // The stride of a dimension of one element means nothing; NumPy may put anything there.
    if (n <= 1) columns = 1;
    if (m <= 1) rows = columns == 1 ? n : 1;
    return whole && ((columns == 1 && rows >= n) || (rows == 1 && columns >= m) || x.size() == 0);
}

// Reads an array, or a copy of it where neither dimension of its matrices is dense.
template <class T>
void read(const Array& given, bool transpose, Operand<T>* out) {
    const Array* x = &given;
    Array copied = given;
    if (!read_as_it_lies(given, out)) {
        out->copy = dense_copy(given);
        copied = Array(out->copy, "copy");
        x = &copied;
        read_as_it_lies(copied, out);
    }
    if (transpose) {
        std::swap(out->shape[out->dims - 2], out->shape[out->dims - 1]);
        std::swap(out->strides[out->dims - 2], out->strides[out->dims - 1]);
    }
    out->matrix = {x->data<T>(), out->strides[out->dims - 2], out->strides[out->dims - 1]};
}

// Whether a stack's matrices lie one below the other, as the rows of a single one.
template <class T>
bool is_one_matrix(const Operand<T>& x) {
    for (int i = x.dims - 3; i >= 0; --i) {
        if (x.shape[i] > 1 && x.strides[i] != x.shape[i + 1] * x.strides[i + 1]) return false;
    }
    return x.matrix.columns == 1;
}

// The stacks' common shape; ValueError where there is none.
template <class T>
int broadcast(const Operand<T>& a, const Operand<T>& b, int64_t* shape) {
    const int rank = std::max(a.dims, b.dims);
    for (int i = 0; i < rank - 2; ++i) {
        const int from_a = i - (rank - a.dims), from_b = i - (rank - b.dims);
        const int64_t one = from_a < 0 ? 1 : a.shape[from_a], other = from_b < 0 ? 1 : b.shape[from_b];
        if (one != other && one != 1 && other != 1) throw nb::value_error("gemm: the stacks of matrices do not broadcast");
        shape[i] = one == 1 ? other : one;
    }
    return rank;
}

// Where each matrix of a stack begins, in elements from the first.
template <class T>
std::vector<int64_t> offsets(const Operand<T>& x, const int64_t* shape, int rank, int64_t count) {
    std::vector<int64_t> found;
    found.reserve(static_cast<size_t>(count));
    int64_t index[kMostDims] = {}, offset = 0;
    for (int64_t n = 0; n < count; ++n) {
        found.push_back(offset);
        for (int i = rank - 3; i >= 0; --i) {
            const int from = i - (rank - x.dims);
            const int64_t stride = from < 0 || x.shape[from] == 1 ? 0 : x.strides[from];
            offset += stride;
            if (++index[i] < shape[i]) break;
            offset -= stride * index[i];
            index[i] = 0;
        }
    }
    return found;
}

[[noreturn]] void no_product(int64_t m, int64_t k, int64_t other, int64_t n) {
    PyErr_Format(PyExc_ValueError, "gemm: shapes (%zdx%zd) and (%zdx%zd) cannot be multiplied", static_cast<Py_ssize_t>(m),
                 static_cast<Py_ssize_t>(k), static_cast<Py_ssize_t>(other), static_cast<Py_ssize_t>(n));
    nb::raise_python_error();
}

template <class T>
nb::object gemm_as(const Array& a_, const Array& b_, bool transpose_a, bool transpose_b, nb::handle bias_, bool relu,
                   nb::handle out_) {
    // A matrix times a vector is the vector, a row, times the transpose; beside a row, a vector is a column.
    const bool row = a_.dims() == 1 || b_.dims() == 1, both = a_.dims() == 1 && b_.dims() == 1;
    if (b_.dims() == 1 && a_.dims() > 1) return gemm_as<T>(b_, a_, false, !transpose_a, bias_, relu, out_);
    Operand<T> a, b;
    read(a_, transpose_a && !row, &a);
    read(b_, transpose_b || both, &b);
    if (a.columns() != b.rows()) no_product(a.rows(), a.columns(), b.rows(), b.columns());
    int64_t shape[kMostDims];
    int rank = broadcast(a, b, shape);
    GemmJob<T> job = {.m = a.rows(), .n = b.columns(), .k = a.columns(), .a = a.matrix, .b = b.matrix, .relu = relu,
                      .out = nullptr};
    for (int i = 0; i < rank - 2; ++i) job.count *= shape[i];
    std::vector<int64_t> a_offsets, b_offsets;
    if (job.count > 1 && b.dims == 2 && is_one_matrix(a)) {
        job.m *= job.count, job.a.rows = a.strides[rank - 2], job.count = 1;
    } else if (job.count > 1) {
        a_offsets = offsets(a, shape, rank, job.count), b_offsets = offsets(b, shape, rank, job.count);
        job.a_offsets = a_offsets.data(), job.b_offsets = b_offsets.data();
    }
    if (row) shape[rank - 2] = b.columns(), rank -= both ? 2 : 1;
    else shape[rank - 2] = a.rows(), shape[rank - 1] = b.columns();
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
        result = empty(rank, shape, type_number<T>);
    } else {
        const Array out(out_, "out");
        if (out.dims() != rank || !std::equal(shape, shape + rank, PyArray_DIMS(out.ptr()))) {
            throw nb::value_error("gemm: out has the wrong shape");
        }
        if (!out.writeable()) throw nb::value_error("gemm: out is read-only");
        if (!out.is_dense<T>() || out.overlaps(a_) || out.overlaps(b_)) return not_implemented();
        if (!bias_.is_none() && out.overlaps(Array(bias_, "bias"))) return not_implemented();
        result = nb::borrow(out_);
    }
    job.out = data_of<T>(result);
    bool enough_memory;
    {
        Released released(job.count * job.m * job.n > 256 || job.k > 256);
        enough_memory = linalg_kernels<T>().gemm(job);
    }
    if (!enough_memory) throw std::bad_alloc();
    return result;
}

nb::object gemm(nb::handle a_, nb::handle b_, bool transpose_a, bool transpose_b, nb::handle bias, bool relu,
                nb::handle out) {
    const Array a(a_, "a"), b(b_, "b");
    if (a.dims() < 1 || b.dims() < 1) throw nb::value_error("gemm: a and b must be matrices or vectors");
    if (a.dims() > kMostDims || b.dims() > kMostDims) return not_implemented();
    if (a.is<float>() && b.is<float>()) return gemm_as<float>(a, b, transpose_a, transpose_b, bias, relu, out);
    if (a.is<double>() && b.is<double>()) return gemm_as<double>(a, b, transpose_a, transpose_b, bias, relu, out);
    return not_implemented();
}

template <class T>
nb::object linear_backward_as(const Array& grad, nb::handle input, nb::handle weight, bool bias) {
    nb::object of_bias = nb::none(), of_input = nb::none(), of_weight = nb::none();
    if (bias) {
        if (!grad.is_dense<T>()) return not_implemented();
        of_bias = empty<T>({grad.shape(1)});
        Released released(grad.size() > 256);
        reduce_kernels<T>().sum_over(grad.data<T>(), data_of<T>(of_bias), 1, grad.shape(0), grad.shape(1), T(1));
    }
    if (!weight.is_none()) {
        of_input = gemm_as<T>(grad, Array(weight, "weight"), false, false, nb::none(), false, nb::none());
    }
    if (!input.is_none()) {
        of_weight = gemm_as<T>(grad, Array(input, "input"), true, false, nb::none(), false, nb::none());
    }
    return nb::make_tuple(of_bias, of_input, of_weight);
}

nb::object linear_backward(nb::handle grad_, nb::handle input, nb::handle weight, bool bias) {
    const Array grad(grad_, "grad");
    if (grad.dims() != 2) throw nb::value_error("linear_backward: grad must be a matrix");
    for (nb::handle given : {input, weight}) {
        if (given.is_none()) continue;
        const Array matrix(given, "input or weight");
        if (matrix.dims() != 2) throw nb::value_error("linear_backward: input and weight must be matrices");
        if (PyArray_TYPE(matrix.ptr()) != PyArray_TYPE(grad.ptr()) || !matrix.plain()) return not_implemented();
    }
    if (grad.is<float>()) return linear_backward_as<float>(grad, input, weight, bias);
    if (grad.is<double>()) return linear_backward_as<double>(grad, input, weight, bias);
    return not_implemented();
}

}  // namespace

void bind_linalg(nb::module_& m) {
    m.def("linear_backward", linear_backward, nb::arg("grad").none(), nb::arg("input").none(), nb::arg("weight").none(),
          nb::arg("bias"));
    m.def("gemm", gemm, nb::arg("a").none(), nb::arg("b").none(), nb::kw_only(), nb::arg("transpose_a") = false,
          nb::arg("transpose_b") = false, nb::arg("bias") = nb::none(), nb::arg("relu") = false,
          nb::arg("out") = nb::none());
}

}  // namespace rl
