#include "../resample.h"

#include <new>

#include "arrays.h"

namespace rl {
namespace {

constexpr int64_t kLong = 1 << 13;  // results from which the interpreter is released

// A copy of indices, since another thread may write to them while the kernel runs; each is checked to lie in [0, most].
class Indices {
public:
    Indices(const Array& array, int64_t most) : copy_(dense_copy(array)) {
        const int64_t* const data = get();
        for (int64_t i = 0; i < array.size(); ++i)
            if (data[i] < 0 || data[i] > most) throw nb::index_error("resample: an index lies outside");
    }
    const int64_t* get() const { return data_of<int64_t>(copy_); }

private:
    nb::object copy_;
};

template <class T>
nb::object along_as(const Array& x, int axis, const Array& index, nb::handle weight_) {
    const T* weight = nullptr;
    if (!weight_.is_none()) {
        const Array array(weight_, "weight");
        if (!array.is_dense<T>() || !array.same_shape(index)) return not_implemented();
        weight = array.data<T>();
    }
    TapsShape s = {1, x.shape(axis), 1, index.shape(0), index.shape(1), nullptr};
    for (int i = 0; i < x.dims(); ++i) {
        if (i != axis) (i < axis ? s.outer : s.inner) *= x.shape(i);
    }
    const Indices copy(index, s.size - 1);
    s.index = copy.get();
    nb::object out = empty_along(x, axis, s.outputs, type_number<T>);
    ResampleStatus status;
    {
        Released released(s.outer * s.outputs * s.inner >= kLong);
        status = resample_kernels<T>().along(s, x.data<T>(), weight, data_of<T>(out));
    }
    if (status == ResampleStatus::no_memory) throw std::bad_alloc();
    return out;
}

nb::object taps_along(nb::handle x_, int axis, nb::handle index_, nb::handle weight) {
    const Array x(x_, "x"), index(index_, "index");
    if (axis < 0 || axis >= x.dims()) throw nb::value_error("taps_along: there is no such axis");
    if (index.dims() != 2 || !index.is_dense<int64_t>() || index.size() == 0 || x.size() == 0) return not_implemented();
    if (x.is_dense<float>()) return along_as<float>(x, axis, index, weight);
    if (x.is_dense<double>()) return along_as<double>(x, axis, index, weight);
    return not_implemented();
}

// places (neighbours, batch, points) for an image or a gradient (batch, channels, …).
bool read_grid(const Array& a, const Array& places, GridShape& s) {
    if (a.dims() != 3 || places.dims() != 3 || !places.is_dense<int64_t>() || places.shape(1) != a.shape(0)) return false;
    s.batch = a.shape(0), s.channels = a.shape(1), s.neighbours = places.shape(0), s.points = places.shape(2);
    return a.size() > 0 && places.size() > 0;
}

// The weights, of the shape of the places, or null for None; false for others.
template <class T>
bool read_weights(nb::handle weight, const Array& places, const T*& data) {
    data = nullptr;
    if (weight.is_none()) return true;
    const Array array(weight, "weight");
    if (!array.is_dense<T>() || !array.same_shape(places)) return false;
    data = array.data<T>();
    return true;
}

template <class T>
nb::object blend_as(const Array& image, const Array& places, nb::handle weight_, GridShape& s) {
    const T* weight;
    if (!read_weights<T>(weight_, places, weight)) return not_implemented();
    const Indices copy(places, s.size);
    s.places = copy.get();
    nb::object out = empty<T>({s.batch, s.channels, s.points});
    Released released(s.batch * s.channels * s.points >= kLong);
    resample_kernels<T>().blend(s, image.data<T>(), weight, data_of<T>(out));
    return out;
}

nb::object blend_places(nb::handle image_, nb::handle places_, nb::handle weight) {
    const Array image(image_, "image"), places(places_, "places");
    GridShape s;
    if (!read_grid(image, places, s)) return not_implemented();
    s.size = image.shape(2);
    if (image.is_dense<float>()) return blend_as<float>(image, places, weight, s);
    if (image.is_dense<double>()) return blend_as<double>(image, places, weight, s);
    return not_implemented();
}

template <class T>
nb::object spread_as(const Array& grad, const Array& places, nb::handle weight_, GridShape& s) {
    const T* weight;
    if (!read_weights<T>(weight_, places, weight)) return not_implemented();
    const Indices copy(places, s.size);
    s.places = copy.get();
    nb::object out = empty<T>({s.batch, s.channels, s.size});
    Released released(grad.size() >= kLong);
    resample_kernels<T>().spread(s, grad.data<T>(), weight, data_of<T>(out));
    return out;
}

nb::object spread_places(nb::handle grad_, nb::handle places_, nb::handle weight, int64_t size) {
    const Array grad(grad_, "grad"), places(places_, "places");
    GridShape s;
    if (!read_grid(grad, places, s) || grad.shape(2) != s.points) return not_implemented();
    if (size < 1 || size > (int64_t(1) << 40)) return not_implemented();
    s.size = size;
    if (grad.is_dense<float>()) return spread_as<float>(grad, places, weight, s);
    if (grad.is_dense<double>()) return spread_as<double>(grad, places, weight, s);
    return not_implemented();
}

template <class T>
nb::object pull_as(const Array& image, const Array& grad, const Array& places, GridShape& s) {
    const Indices copy(places, s.size);
    s.places = copy.get();
    nb::object out = empty<T>({s.neighbours, s.batch, s.points});
    Released released(grad.size() >= kLong);
    resample_kernels<T>().pull(s, image.data<T>(), grad.data<T>(), data_of<T>(out));
    return out;
}

nb::object pull_places(nb::handle image_, nb::handle grad_, nb::handle places_) {
    const Array image(image_, "image"), grad(grad_, "grad"), places(places_, "places");
    GridShape s;
    if (!read_grid(image, places, s) || grad.dims() != 3) return not_implemented();
    if (grad.shape(0) != s.batch || grad.shape(1) != s.channels || grad.shape(2) != s.points) return not_implemented();
    s.size = image.shape(2);
    if (image.is_dense<float>() && grad.is_dense<float>()) return pull_as<float>(image, grad, places, s);
    if (image.is_dense<double>() && grad.is_dense<double>()) return pull_as<double>(image, grad, places, s);
    return not_implemented();
}

}  // namespace

void bind_resample(nb::module_& m) {
    m.def("taps_along", taps_along, nb::arg("x").none(), nb::arg("axis"), nb::arg("index").none(), nb::arg("weight").none());
    m.def("blend_places", blend_places, nb::arg("image").none(), nb::arg("places").none(), nb::arg("weight").none());
    m.def("spread_places", spread_places, nb::arg("grad").none(), nb::arg("places").none(), nb::arg("weight").none(),
          nb::arg("size"));
    m.def("pull_places", pull_places, nb::arg("image").none(), nb::arg("grad").none(), nb::arg("places").none());
}

}  // namespace rl
