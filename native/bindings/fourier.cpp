#include "../fourier.h"

#include <cmath>
#include <map>
#include <memory>
#include <type_traits>
#include <vector>

#include "arrays.h"

namespace rl {
namespace {

constexpr int64_t kLong = 1 << 12;        // places from which the interpreter is released
constexpr int64_t kLongest = 1 << 20;     // places of a transform
constexpr size_t kMostKept = 1 << 22;     // roots kept for later transforms

template <class T>
struct RootTable {
    std::vector<T> cosines, sines;
};

// exp(-2πi k / n) for all k < n, made once for each n. The interpreter is held.
template <class T>
std::shared_ptr<const RootTable<T>> roots_of(int64_t n) {
    static auto& tables = *new std::map<int64_t, std::shared_ptr<const RootTable<T>>>;
    static size_t kept = 0;
    if (auto found = tables.find(n); found != tables.end()) return found->second;
    auto table = std::make_shared<RootTable<T>>();
    table->cosines.resize(n);
    table->sines.resize(n);
    const long double turn = 8 * std::atan(1.0L) / static_cast<long double>(n);
    for (int64_t k = 0; k < n; ++k) {
        // Within an eighth of a turn, where both are exact to the last bit.
        const int64_t eighth = (8 * k + n / 2) / n;
        const long double angle = turn * (static_cast<long double>(k) - static_cast<long double>(eighth) * n / 8);
        const long double c = std::cos(angle), s = std::sin(angle), r = std::sqrt(0.5L);
        const long double cosines[] = {c, r * (c - s), -s, -r * (c + s), -c, -r * (c - s), s, r * (c + s)};
        table->cosines[k] = static_cast<T>(cosines[eighth % 8]);
        table->sines[k] = static_cast<T>(-cosines[(eighth + 6) % 8]);
    }
    if (kept + n > kMostKept) {
        tables.clear();
        kept = 0;
    }
    kept += n;
    tables.emplace(n, table);
    return table;
}

// Factors that there are passes for, the large ones first; false if n has others.
bool factorize(int64_t n, int* factors, int& count) {
    count = 0;
    for (const int factor : {13, 11, 7, 5, 3, 8, 4, 2}) {
        for (; n % factor == 0; n /= factor) factors[count++] = factor;
    }
    return n == 1;
}

template <class T>
constexpr int complex_number = std::is_same_v<T, float> ? NPY_COMPLEX64 : NPY_COMPLEX128;

bool is_dense(const Array& x, int type) { return PyArray_TYPE(x.ptr()) == type && x.plain() && x.contiguous(); }

// The layout along dim; false if too few transforms are computed together for that to pay.
template <class T>
bool lay_out(const Array& x, int64_t dim, int64_t n, Transform<T>& t) {
    if (dim < 0 || dim >= x.dims()) throw nb::value_error("dim is out of range");
    if (n < 1 || n > kLongest || x.size() == 0) return false;
    t.outer = t.inner = 1;
    t.n = n;
    for (int d = 0; d < x.dims(); ++d) {
        if (d != dim) (d < dim ? t.outer : t.inner) *= x.shape(d);
    }
    const int64_t neighbours = t.inner == 1 ? t.outer : t.inner, together = fourier_kernels<T>().together;
    if (4 * neighbours < together) return false;
    const bool halved = t.kind != Spectrum::complex && n % 2 == 0;
    return factorize(halved ? n / 2 : n, t.factors, t.factor_count);
}

template <class T>
void run(Transform<T>& t, double scale, const Array& x, const nb::object& out) {
    const auto roots = roots_of<T>(t.n);
    t.scale = static_cast<T>(scale);
    t.cosines = roots->cosines.data();
    t.sines = roots->sines.data();
    bool done;
    {
        Released released(t.outer * t.n * t.inner >= kLong);
        done = fourier_kernels<T>().transform(t, x.data<T>(), data_of<T>(out));
    }
    if (!done) throw std::bad_alloc();
}

template <class T>
nb::object complex_as(const Array& x, int64_t dim, double scale, bool forward, nb::handle out_) {
    Transform<T> t{};
    t.kind = Spectrum::complex;
    t.forward = forward;
    if (dim < 0 || dim >= x.dims()) throw nb::value_error("dim is out of range");
    if (!lay_out(x, dim, x.shape(static_cast<int>(dim)), t)) return not_implemented();
    nb::object out;
    if (out_.is_none()) {
        out = empty_along(x, dim, t.n, complex_number<T>);
    } else {
        const Array given(out_, "out");
        if (!is_dense(given, complex_number<T>) || !given.same_shape(x) || !given.writeable()) return not_implemented();
        if (given.overlaps(x) && given.data<T>() != x.data<T>()) return not_implemented();
        out = nb::borrow(out_);
    }
    run(t, scale, x, out);
    return out;
}

nb::object transform_along(nb::handle x_, int64_t dim, double scale, bool forward, nb::handle out) {
    const Array x(x_, "x");
    if (is_dense(x, NPY_COMPLEX64)) return complex_as<float>(x, dim, scale, forward, out);
    if (is_dense(x, NPY_COMPLEX128)) return complex_as<double>(x, dim, scale, forward, out);
    return not_implemented();
}

template <class T>
nb::object of_real_as(const Array& x, int64_t dim, double scale, bool whole) {
    Transform<T> t{};
    t.kind = whole ? Spectrum::whole : Spectrum::half;
    if (dim < 0 || dim >= x.dims()) throw nb::value_error("dim is out of range");
    if (!lay_out(x, dim, x.shape(static_cast<int>(dim)), t)) return not_implemented();
    nb::object out = empty_along(x, dim, whole ? t.n : t.n / 2 + 1, complex_number<T>);
    run(t, scale, x, out);
    return out;
}

nb::object spectrum_along(nb::handle x_, int64_t dim, double scale, bool whole) {
    const Array x(x_, "x");
    if (is_dense(x, NPY_FLOAT32)) return of_real_as<float>(x, dim, scale, whole);
    if (is_dense(x, NPY_FLOAT64)) return of_real_as<double>(x, dim, scale, whole);
    return not_implemented();
}

template <class T>
nb::object real_as(const Array& x, int64_t dim, double scale, int64_t n) {
    Transform<T> t{};
    t.kind = Spectrum::real;
    if (!lay_out(x, dim, n, t) || x.shape(static_cast<int>(dim)) != n / 2 + 1) return not_implemented();
    nb::object out = empty_along(x, dim, n, type_number<T>);
    run(t, scale, x, out);
    return out;
}

nb::object real_along(nb::handle x_, int64_t dim, double scale, int64_t n) {
    const Array x(x_, "x");
    if (is_dense(x, NPY_COMPLEX64)) return real_as<float>(x, dim, scale, n);
    if (is_dense(x, NPY_COMPLEX128)) return real_as<double>(x, dim, scale, n);
    return not_implemented();
}

}  // namespace

void bind_fourier(nb::module_& m) {
    m.def("transform_along", transform_along, nb::arg("x").none(), nb::arg("dim"), nb::arg("scale"), nb::arg("forward"),
          nb::arg("out") = nb::none());
    m.def("spectrum_along", spectrum_along, nb::arg("x").none(), nb::arg("dim"), nb::arg("scale"), nb::arg("whole"));
    m.def("real_along", real_along, nb::arg("x").none(), nb::arg("dim"), nb::arg("scale"), nb::arg("n"));
}

}  // namespace rl
