#include "../norm.h"

#include "../core/allocator.h"
#include "arrays.h"

#include <new>

namespace rl {
namespace {

constexpr int64_t kLong = 1 << 14;  // elements from which the interpreter is released
constexpr int64_t kShort = 4;       // runs this short are left to NumPy, but for single elements and those with weights of their own
constexpr int kMaxDims = 64;

// A tuple of small non-negative integers; `count` is -1 for anything else.
struct Numbers {
    int64_t value[kMaxDims];
    int count = -1;

    explicit Numbers(nb::handle tuple) {
        if (!PyTuple_Check(tuple.ptr()) || PyTuple_GET_SIZE(tuple.ptr()) > kMaxDims) return;
        const int size = static_cast<int>(PyTuple_GET_SIZE(tuple.ptr()));
        for (int i = 0; i < size; ++i) {
            PyObject* item = PyTuple_GET_ITEM(tuple.ptr(), i);
            if (!PyLong_Check(item)) return;
            int overflow = 0;
            value[i] = PyLong_AsLongAndOverflow(item, &overflow);
            if (overflow || value[i] < 0) return;
        }
        count = size;
    }
    // Whether the numbers from `begin` on are first, first + 1, … up to last - 1.
    bool run(int begin, int64_t first, int64_t last) const {
        if (count - begin != last - first) return false;
        for (int i = begin; i < count; ++i) {
            if (value[i] != first + i - begin) return false;
        }
        return true;
    }
    int64_t product(int begin, int end) const {
        int64_t result = 1;
        for (int i = begin; i < end; ++i) result *= value[i];
        return result;
    }
};

struct Problem {
    NormLayout layout;
    NormRows rows;  // instead of the layout, where each element of a set has its own weight
    bool each;
    int64_t weights;
    npy_intp kept[kMaxDims];  // the shape of the statistics
    int rank;
};

// How an array of shape `view` is normalised over `axes`; false for what the kernels don't take.
bool understand(nb::handle view_, nb::handle axes_, nb::handle affine_, int64_t size, Problem& problem) {
    const Numbers view(view_), axes(axes_), affine(affine_);
    if (view.count < 1 || axes.count < 1 || affine.count < 1) return false;
    const int rank = problem.rank = view.count;
    for (int i = 0; i < rank; ++i) {
        if (view.value[i] > size) return false;  // also keeps the products below from overflowing
    }
    for (int i = 0; i < rank; ++i) problem.kept[i] = view.value[i];
    for (int i = 0; i < axes.count; ++i) {
        if (axes.value[i] >= rank) return false;
        problem.kept[axes.value[i]] = 1;
    }
    int64_t total = 1;
    for (int i = 0; i < rank; ++i) {
        if (view.value[i] && total > size / view.value[i]) return false;
        total *= view.value[i];
    }
    if (total != size || size == 0) return false;
    NormLayout& l = problem.layout;
    problem.each = false;
    const int first = rank - axes.count;
    if (axes.run(0, first, rank) && affine.count == axes.count) {
        const int64_t length = view.product(first, rank);
        if (affine.product(0, affine.count) != length) return false;
        problem.each = true;
        problem.rows = {size / length, length, true};
        problem.weights = length;
        return true;
    }
    if (affine.count != rank || rank < 2) return false;
    if (first == 2 && axes.run(0, 2, rank) && rank >= 3) {
        const int64_t groups = view.value[1], channels = view.value[2], length = view.product(3, rank);
        l = {view.value[0] * groups, channels, length, channels * length, length, groups, channels, 1};
        problem.weights = groups * channels;
    } else if (axes.value[0] == 0 && axes.run(1, 2, rank)) {
        const int64_t channels = view.value[1], length = view.product(2, rank);
        l = {channels, view.value[0], length, length, channels * length, channels, 1, 0};
        problem.weights = channels;
    } else {
        return false;
    }
    const bool columns = l.length == 1 && l.set_stride == 1;
    return l.length >= kShort || l.segments == 1 || columns;
}

// A weight or bias, or null for None; false where it is not of this type and size.
template <class T>
bool read_weight(nb::handle object, int64_t count, const char* name, const T*& data) {
    data = nullptr;
    if (object.is_none()) return true;
    const Array array(object, name);
    if (!array.is_dense<T>() || array.size() != count) return false;
    data = array.data<T>();
    return true;
}

template <class T>
nb::object normalize_as(const Array& x, nb::handle weight_, nb::handle bias_, Problem& p, double eps) {
    const T *weight, *bias;
    if (!read_weight(weight_, p.weights, "weight", weight) || !read_weight(bias_, p.weights, "bias", bias)) return not_implemented();
    nb::object out = empty_like<T>(x), mean = empty(p.rank, p.kept, type_number<T>), var = empty(p.rank, p.kept, type_number<T>),
               rstd = empty(p.rank, p.kept, type_number<T>);
    {
        Released released(x.size() >= kLong);
        const auto& kernels = norm_kernels<T>();
        T *to = data_of<T>(out), *means = data_of<T>(mean), *vars = data_of<T>(var), *scales = data_of<T>(rstd);
        if (p.each) kernels.rows(p.rows, x.data<T>(), weight, bias, static_cast<T>(eps), to, means, vars, scales);
        else kernels.forward(p.layout, x.data<T>(), weight, bias, static_cast<T>(eps), to, means, vars, scales);
    }
    return nb::make_tuple(out, mean, var, rstd);
}

nb::object normalize(nb::handle x_, nb::handle weight, nb::handle bias, nb::handle view, nb::handle axes, nb::handle affine,
                     double eps) {
    const Array x(x_, "x");
    Problem p;
    if (!understand(view, axes, affine, x.size(), p)) return not_implemented();
    if (x.is_dense<float>()) return normalize_as<float>(x, weight, bias, p, eps);
    if (x.is_dense<double>()) return normalize_as<double>(x, weight, bias, p, eps);
    return not_implemented();
}

template <class T>
nb::object normalize_backward_as(nb::handle given, const Array& grad, const Array& x, nb::handle weight_, const Array& mean,
                                 const Array& rstd, Problem& p, bool for_weight, bool reuse) {
    const T* weight;
    if (!read_weight(weight_, p.weights, "weight", weight)) return not_implemented();
    if (!grad.is_dense<T>() || !mean.is_dense<T>() || !rstd.is_dense<T>()) return not_implemented();
    Scratch<T> sums(p.each ? 0 : 2 * p.layout.sets * p.layout.segments);
    if (!sums.get()) throw std::bad_alloc();
    const bool in_place = reuse && grad.writeable() && !grad.overlaps(x);
    nb::object to_x = in_place ? nb::borrow(given) : empty_like<T>(x), to_weight = nb::none(), to_bias = nb::none();
    if (for_weight) to_weight = empty<T>({p.weights}), to_bias = empty<T>({p.weights});
    T *weights = for_weight ? data_of<T>(to_weight) : nullptr, *biases = for_weight ? data_of<T>(to_bias) : nullptr;
    const T *g = grad.data<T>(), *from = x.data<T>(), *means = mean.data<T>(), *scales = rstd.data<T>();
    bool enough_memory = true;
    {
        Released released(x.size() >= kLong);
        if (p.each) enough_memory = norm_kernels<T>().rows_backward(p.rows, g, from, weight, means, scales, data_of<T>(to_x), weights, biases);
        else norm_kernels<T>().backward(p.layout, g, from, weight, means, scales, data_of<T>(to_x), weights, biases, p.weights, sums.get());
    }
    if (!enough_memory) throw std::bad_alloc();
    return nb::make_tuple(to_x, to_weight, to_bias);
}

nb::object normalize_backward(nb::handle grad_, nb::handle x_, nb::handle weight, nb::handle mean_, nb::handle rstd_,
                              nb::handle view, nb::handle axes, nb::handle affine, bool for_weight, bool reuse) {
    const Array grad(grad_, "grad"), x(x_, "x"), mean(mean_, "mean"), rstd(rstd_, "rstd");
    Problem p;
    if (!grad.same_shape(x) || !understand(view, axes, affine, x.size(), p)) return not_implemented();
    const int64_t sets = p.each ? p.rows.rows : p.layout.sets;
    if (mean.size() != sets || rstd.size() != sets) return not_implemented();
    if (x.is_dense<float>()) return normalize_backward_as<float>(grad_, grad, x, weight, mean, rstd, p, for_weight, reuse);
    if (x.is_dense<double>()) return normalize_backward_as<double>(grad_, grad, x, weight, mean, rstd, p, for_weight, reuse);
    return not_implemented();
}

template <class T>
nb::object rms_normalize_as(const Array& x, nb::handle weight_, int64_t count, double eps) {
    const T* weight;
    if (!read_weight(weight_, count, "weight", weight)) return not_implemented();
    const int64_t rows = x.size() / count;
    nb::object out = empty_like<T>(x), scale = empty<T>({rows, 1});
    {
        Released released(x.size() >= kLong);
        norm_kernels<T>().rows({rows, count, false}, x.data<T>(), weight, nullptr, static_cast<T>(eps), data_of<T>(out), nullptr,
                               nullptr, data_of<T>(scale));
    }
    return nb::make_tuple(out, scale);
}

nb::object rms_normalize(nb::handle x_, nb::handle weight, int64_t count, double eps) {
    const Array x(x_, "x");
    if (count < 1 || x.size() == 0 || x.size() % count) return not_implemented();
    if (x.is_dense<float>()) return rms_normalize_as<float>(x, weight, count, eps);
    if (x.is_dense<double>()) return rms_normalize_as<double>(x, weight, count, eps);
    return not_implemented();
}

template <class T>
nb::object rms_normalize_backward_as(const Array& grad, const Array& x, nb::handle weight_, const Array& scale, int64_t count,
                                     bool for_weight) {
    const T* weight;
    if (!read_weight(weight_, count, "weight", weight) || !grad.is_dense<T>() || !scale.is_dense<T>()) return not_implemented();
    nb::object to_x = empty_like<T>(x), to_weight = nb::none();
    if (for_weight) to_weight = empty<T>({count});
    bool enough_memory;
    {
        Released released(x.size() >= kLong);
        enough_memory = norm_kernels<T>().rows_backward({x.size() / count, count, false}, grad.data<T>(), x.data<T>(), weight, nullptr,
                                                        scale.data<T>(), data_of<T>(to_x), for_weight ? data_of<T>(to_weight) : nullptr,
                                                        nullptr);
    }
    if (!enough_memory) throw std::bad_alloc();
    return nb::make_tuple(to_x, to_weight);
}

nb::object rms_normalize_backward(nb::handle grad_, nb::handle x_, nb::handle weight, nb::handle scale_, int64_t count,
                                  bool for_weight) {
    const Array grad(grad_, "grad"), x(x_, "x"), scale(scale_, "scale");
    if (count < 1 || x.size() == 0 || x.size() % count || !grad.same_shape(x) || scale.size() != x.size() / count) {
        return not_implemented();
    }
    if (x.is_dense<float>()) return rms_normalize_backward_as<float>(grad, x, weight, scale, count, for_weight);
    if (x.is_dense<double>()) return rms_normalize_backward_as<double>(grad, x, weight, scale, count, for_weight);
    return not_implemented();
}

}  // namespace

void bind_norm(nb::module_& m) {
    m.def("normalize", normalize, nb::arg("x").none(), nb::arg("weight").none(), nb::arg("bias").none(), nb::arg("view").none(),
          nb::arg("axes").none(), nb::arg("affine").none(), nb::arg("eps"));
    m.def("normalize_backward", normalize_backward, nb::arg("grad").none(), nb::arg("x").none(), nb::arg("weight").none(),
          nb::arg("mean").none(), nb::arg("rstd").none(), nb::arg("view").none(), nb::arg("axes").none(), nb::arg("affine").none(),
          nb::arg("for_weight"), nb::arg("reuse") = false);
    m.def("rms_normalize", rms_normalize, nb::arg("x").none(), nb::arg("weight").none(), nb::arg("count"), nb::arg("eps"));
    m.def("rms_normalize_backward", rms_normalize_backward, nb::arg("grad").none(), nb::arg("x").none(), nb::arg("weight").none(),
          nb::arg("scale").none(), nb::arg("count"), nb::arg("for_weight"));
}

}  // namespace rl
