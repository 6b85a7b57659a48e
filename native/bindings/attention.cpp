#include "../attention.h"

#include <algorithm>
#include <new>

#include "arrays.h"

namespace rl {
namespace {

void expect(bool right, const char* function, const char* what) {
    if (right) return;
    PyErr_Format(PyExc_ValueError, "%s: %s", function, what);
    nb::raise_python_error();
}

// The strides of the first three of four dimensions, in elements; false where they are no whole elements or the last
// dimension's elements don't lie side by side.
template <class T>
bool as_heads(const Array& x, Heads<T>* out) {
    constexpr int64_t item = sizeof(T);
    if (!x.is<std::remove_const_t<T>>() || (x.shape(3) > 1 && x.stride(3) != item)) return false;
    for (int i = 0; i < 3; ++i) {
        if (x.stride(i) % item) return false;
    }
    *out = {x.data<T>(), x.stride(0) / item, x.stride(1) / item, x.stride(2) / item};
    return true;
}

template <class T>
bool as_mask(nb::handle mask_, AttentionMask<T>* out) {
    *out = {};
    if (mask_.is_none()) return true;
    const Array mask(mask_, "mask");
    const bool choices = PyArray_TYPE(mask.ptr()) == NPY_BOOL;
    if (!choices && !mask.is<T>()) return false;
    const int64_t item = choices ? 1 : sizeof(T);
    if (mask.shape(3) > 1 && mask.stride(3) != item) return false;
    int64_t strides[3];
    for (int i = 0; i < 3; ++i) {
        if (mask.stride(i) % item) return false;
        strides[i] = mask.shape(i) == 1 ? 0 : mask.stride(i) / item;
    }
    *out = {choices ? nullptr : mask.data<T>(), choices ? mask.data<uint8_t>() : nullptr, strides[0], strides[1], strides[2]};
    return true;
}

// Checks the shapes of a call: query (B, H, L, E), key and value (B, Hk, S, E), mask (B | 1, H | 1, L | 1, S).
void check_shapes(const char* function, const Array& query, const Array& key, const Array& value, nb::handle mask_) {
    expect(query.dims() == 4 && key.dims() == 4 && value.dims() == 4, function, "expected query, key and value of 4 dimensions");
    expect(key.same_shape(value), function, "key and value must have the same shape");
    expect(query.shape(0) == key.shape(0) && query.shape(3) == key.shape(3), function,
           "query and key must have the same batch size and width");
    expect(query.size() && key.size(), function, "expected arrays with elements");
    expect(query.shape(1) % key.shape(1) == 0, function, "the heads of key must divide those of query");
    if (mask_.is_none()) return;
    const Array mask(mask_, "mask");
    const int64_t full[4] = {query.shape(0), query.shape(1), query.shape(2), key.shape(2)};
    bool fits = mask.dims() == 4 && mask.shape(3) == full[3];
    for (int i = 0; fits && i < 3; ++i) fits = mask.shape(i) == 1 || mask.shape(i) == full[i];
    expect(fits, function, "mask must be (B | 1, H | 1, L | 1, S)");
}

template <class T>
bool as_job(const Array& query, const Array& key, const Array& value, nb::handle mask, bool causal, double scale,
            AttentionJob<T>* job) {
    job->samples = query.shape(0), job->heads = query.shape(1), job->group = query.shape(1) / key.shape(1);
    job->queries = query.shape(2), job->keys = key.shape(2), job->width = query.shape(3);
    job->causal = causal, job->scale = static_cast<T>(scale);
    return as_heads(query, &job->query) && as_heads(key, &job->key) && as_heads(value, &job->value) && as_mask(mask, &job->mask);
}

// A new array and its strides; false where it doesn't come with its last dimension dense.
template <class T>
bool new_heads(const Array& like, nb::object* array, Heads<T>* heads) {
    *array = empty_in_order(like);
    return as_heads(Array(*array, "result"), heads);
}

// Where three arrays of one shape fill one block of memory between them, equally far apart (the projections of a packed weight),
// new ones that do so too, and false elsewhere: what undoes the split then has nothing to copy.
template <class T>
bool new_beside(const Array& query, const Array& key, const Array& value, AttentionGradients<T>* heads, nb::object* to_query,
                nb::object* to_key, nb::object* to_value) {
    if (!query.same_shape(key)) return false;
    npy_intp shape[5] = {3}, strides[5];
    const char* const first = PyArray_BYTES(query.ptr());
    strides[0] = PyArray_BYTES(key.ptr()) - first;
    if (strides[0] <= 0 || PyArray_BYTES(value.ptr()) - first != 2 * strides[0]) return false;
    for (int i = 0; i < 4; ++i) {
        if (query.stride(i) != key.stride(i) || query.stride(i) != value.stride(i)) return false;
        shape[i + 1] = query.shape(i), strides[i + 1] = query.stride(i);
    }
    // Dimensions from the fastest to the slowest: each begins where the ones before it end.
    int order[5] = {0, 1, 2, 3, 4};
    std::sort(order, order + 5, [&](int a, int b) { return strides[a] != strides[b] ? strides[a] < strides[b] : shape[a] < shape[b]; });
    npy_intp end = sizeof(T);
    for (const int i : order) {
        if (shape[i] != 1 && strides[i] != end) return false;
        end *= shape[i];
    }
    npy_intp size = end / static_cast<npy_intp>(sizeof(T));
    PyObject* const block = PyArray_SimpleNew(1, &size, type_number<T>);
    if (!block) nb::raise_python_error();
    const nb::object owner = nb::steal(block);
    const auto part = [&](int i, nb::object* array, Heads<T>* to) {
        char* const data = PyArray_BYTES(reinterpret_cast<PyArrayObject*>(block)) + i * strides[0];
        PyObject* const view = PyArray_New(&PyArray_Type, 4, shape + 1, type_number<T>, strides + 1, data, 0, NPY_ARRAY_WRITEABLE, nullptr);
        if (!view) nb::raise_python_error();
        *array = nb::steal(view);
        if (PyArray_SetBaseObject(reinterpret_cast<PyArrayObject*>(view), owner.inc_ref().ptr()) < 0) nb::raise_python_error();
        return as_heads(Array(*array, "result"), to);
    };
    return part(0, to_query, &heads->to_query) && part(1, to_key, &heads->to_key) && part(2, to_value, &heads->to_value);
}

template <class T>
nb::object attention_as(const Array& query, const Array& key, const Array& value, nb::handle mask, bool causal, double scale) {
    AttentionJob<T> job;
    nb::object out;
    Heads<T> heads;
    if (!as_job(query, key, value, mask, causal, scale, &job) || !new_heads(query, &out, &heads)) return not_implemented();
    nb::object normalizer = empty<T>({job.samples, job.heads, job.queries});
    bool enough_memory;
    {
        Released released(true);
        enough_memory = attention_kernels<T>().forward(job, heads, data_of<T>(normalizer));
    }
    if (!enough_memory) throw std::bad_alloc();
    return nb::make_tuple(out, normalizer);
}

nb::object attention(nb::handle query_, nb::handle key_, nb::handle value_, nb::handle mask, bool causal, double scale) {
    const Array query(query_, "query"), key(key_, "key"), value(value_, "value");
    check_shapes("attention", query, key, value, mask);
    if (query.is<float>()) return attention_as<float>(query, key, value, mask, causal, scale);
    if (query.is<double>()) return attention_as<double>(query, key, value, mask, causal, scale);
    return not_implemented();
}

template <class T>
nb::object backward_as(const Array& grad, const Array& query, const Array& key, const Array& value, const Array& out,
                       const Array& normalizer, nb::handle mask, bool causal, double scale) {
    AttentionJob<T> job;
    AttentionGradients<T> g;
    nb::object to_query, to_key, to_value;
    if (!as_job(query, key, value, mask, causal, scale, &job) || !as_heads(grad, &g.grad) || !as_heads(out, &g.out) ||
        !normalizer.is_dense<T>()) {
        return not_implemented();
    }
    const bool made = new_beside<T>(query, key, value, &g, &to_query, &to_key, &to_value) ||
                      (new_heads(query, &to_query, &g.to_query) && new_heads(key, &to_key, &g.to_key) &&
                       new_heads(value, &to_value, &g.to_value));
    if (!made) return not_implemented();
    g.normalizer = normalizer.data<T>();
    bool enough_memory;
    {
        Released released(true);
        enough_memory = attention_kernels<T>().backward(job, g);
    }
    if (!enough_memory) throw std::bad_alloc();
    return nb::make_tuple(to_query, to_key, to_value);
}

nb::object attention_backward(nb::handle grad_, nb::handle query_, nb::handle key_, nb::handle value_, nb::handle out_,
                              nb::handle normalizer_, nb::handle mask, bool causal, double scale) {
    const Array grad(grad_, "grad"), query(query_, "query"), key(key_, "key"), value(value_, "value"), out(out_, "out"),
        normalizer(normalizer_, "normalizer");
    check_shapes("attention_backward", query, key, value, mask);
    expect(query.same_shape(grad) && query.same_shape(out), "attention_backward", "grad and out must have query's shape");
    bool fits = normalizer.dims() == 3;
    for (int i = 0; fits && i < 3; ++i) fits = normalizer.shape(i) == query.shape(i);
    expect(fits, "attention_backward", "normalizer must be (B, H, L)");
    if (query.is<float>()) return backward_as<float>(grad, query, key, value, out, normalizer, mask, causal, scale);
    if (query.is<double>()) return backward_as<double>(grad, query, key, value, out, normalizer, mask, causal, scale);
    return not_implemented();
}

}  // namespace

void bind_attention(nb::module_& m) {
    m.def("attention", attention, nb::arg("query").none(), nb::arg("key").none(), nb::arg("value").none(),
          nb::arg("mask").none() = nb::none(), nb::arg("causal") = false, nb::arg("scale") = 1.0);
    m.def("attention_backward", attention_backward, nb::arg("grad").none(), nb::arg("query").none(), nb::arg("key").none(),
          nb::arg("value").none(), nb::arg("out").none(), nb::arg("normalizer").none(), nb::arg("mask").none() = nb::none(),
          nb::arg("causal") = false, nb::arg("scale") = 1.0);
}

}  // namespace rl
