#include "../selecting.h"

#include <vector>

#include "../core/thread_pool.h"
#include "arrays.h"

namespace rl {
namespace {

constexpr int64_t kLong = 1 << 14;   // elements from which the interpreter is released
constexpr int64_t kGrain = 1 << 14;  // elements for which a second thread pays

// A mask's parts, and where their results begin.
class Parts {
public:
    Parts(const uint8_t* mask, int64_t n) : mask(mask), n(n), count(parts_for(n, kGrain)), starts_(count + 1) {
        Released released(n >= kLong);
        active_selecting().count(mask, n, count, starts_.data() + 1);
        for (int part = 0; part < count; ++part) starts_[part + 1] += starts_[part];
    }
    const int64_t* starts() const { return starts_.data(); }
    int64_t total() const { return starts_.back(); }

    const uint8_t* mask;
    int64_t n;
    int count;

private:
    std::vector<int64_t> starts_;
};

bool is_mask(const Array& mask) { return PyArray_TYPE(mask.ptr()) == NPY_BOOL && mask.contiguous() && mask.dims() > 0; }

// Whether the kernels may move items of so many bytes from or to x: those of 2, 4 and 8 bytes they move as integers.
bool movable(const Array& x, int64_t width) { return (width != 2 && width != 4 && width != 8) || x.aligned_for(width); }

// The bytes of what one place of the mask, which has x's first dimensions, stands for; 0 for arrays that the kernels don't take.
int64_t width_of(const Array& x, const Array& mask) {
    if (!x.contiguous() || PyDataType_REFCHK(PyArray_DESCR(x.ptr()))) return 0;
    if (!is_mask(mask) || mask.dims() > x.dims() || x.dims() > kMostMaskDims || x.size() == 0) return 0;
    for (int d = 0; d < mask.dims(); ++d) {
        if (mask.shape(d) != x.shape(d)) return 0;
    }
    const int64_t width = x.size() / mask.size() * PyArray_ITEMSIZE(x.ptr());
    return movable(x, width) ? width : 0;
}

nb::object select_masked(nb::handle x_, nb::handle mask_) {
    const Array x(x_, "x"), mask(mask_, "mask");
    const int64_t width = width_of(x, mask);
    if (width == 0) return not_implemented();
    const Parts parts(mask.data<uint8_t>(), mask.size());
    npy_intp shape[kMostMaskDims + 1] = {parts.total()};
    int dims = 1;
    for (int d = mask.dims(); d < x.dims(); ++d) shape[dims++] = x.shape(d);
    nb::object out = empty_of(x, dims, shape);
    Released released(x.size() >= kLong);
    active_selecting().select(parts.mask, parts.n, parts.count, parts.starts(), x.data<char>(), width, data_of<char>(out));
    return out;
}

nb::object place_masked(nb::handle x_, nb::handle mask_, nb::handle values_) {
    const Array x(x_, "out"), mask(mask_, "mask"), values(values_, "values");
    const int64_t width = width_of(x, mask);
    if (width == 0 || !x.writeable() || !values.contiguous() || !movable(values, width)) return not_implemented();
    if (!PyArray_EquivTypes(PyArray_DESCR(x.ptr()), PyArray_DESCR(values.ptr()))) return not_implemented();
    const bool single = values.dims() == 0;
    if (x.overlaps(values) || x.overlaps(mask) || (single && width != PyArray_ITEMSIZE(x.ptr()))) return not_implemented();
    const Parts parts(mask.data<uint8_t>(), mask.size());
    if (!single && values.size() * PyArray_ITEMSIZE(values.ptr()) < parts.total() * width) return not_implemented();
    {
        Released released(x.size() >= kLong);
        active_selecting().place(parts.mask, parts.n, parts.count, parts.starts(), x.data<char>(), width, values.data<char>(), single);
    }
    return nb::none();
}

nb::object fill_masked(nb::handle x_, nb::handle mask_, nb::handle value_) {
    const Array x(x_, "x"), mask(mask_, "mask"), value(value_, "value");
    const int64_t width = width_of(x, mask);
    const bool sized = width == 1 || width == 2 || width == 4 || width == 8;
    if (!sized || mask.dims() != x.dims() || value.dims() != 0 || !movable(value, width)) return not_implemented();
    if (!PyArray_EquivTypes(PyArray_DESCR(x.ptr()), PyArray_DESCR(value.ptr()))) return not_implemented();
    nb::object out = empty_of(x, x.dims(), PyArray_DIMS(x.ptr()));
    Released released(x.size() >= kLong);
    active_selecting().fill(static_cast<int>(width), mask.data<uint8_t>(), x.size(), x.data<char>(), value.data<char>(), data_of<char>(out));
    return out;
}

nb::object places_of(nb::handle mask_) {
    const Array mask(mask_, "mask");
    if (!is_mask(mask) || mask.dims() > kMostMaskDims || mask.size() == 0) return not_implemented();
    const Parts parts(mask.data<uint8_t>(), mask.size());
    int64_t shape[kMostMaskDims];
    for (int d = 0; d < mask.dims(); ++d) shape[d] = mask.shape(d);
    nb::object out = empty<int64_t>({mask.dims(), parts.total()});
    Released released(mask.size() >= kLong);
    active_selecting().nonzero(parts.mask, mask.dims(), shape, parts.count, parts.starts(), parts.total(), data_of<int64_t>(out));
    return out;
}

}  // namespace

void bind_selecting(nb::module_& m) {
    m.def("select_masked", select_masked, nb::arg("x").none(), nb::arg("mask").none());
    m.def("place_masked", place_masked, nb::arg("out").none(), nb::arg("mask").none(), nb::arg("values").none());
    m.def("fill_masked", fill_masked, nb::arg("x").none(), nb::arg("mask").none(), nb::arg("value").none());
    m.def("places_of", places_of, nb::arg("mask").none());
}

}  // namespace rl
