#include "../laws.h"

#include "twister.h"

namespace rl {
namespace {

double waiting_number(nb::handle kept) { return kept.is_none() ? 0.0 : nb::cast<double>(kept); }

// One number of the gamma law for each shape, as float64, and the normal number that waits afterwards, or None.
nb::object gamma(nb::handle bits, nb::handle shapes_, nb::object kept) {
    Source source{twister_of(bits), !kept.is_none(), waiting_number(kept)};
    const Array shapes(shapes_, "shapes");
    const bool narrow = shapes.is_dense<float>();
    if (!narrow && !shapes.is_dense<double>()) return not_implemented();
    nb::object out = empty_like<double>(shapes);
    if (narrow) active_laws().gamma_f32(source, shapes.data<float>(), data_of<double>(out), shapes.size());
    else active_laws().gamma_f64(source, shapes.data<double>(), data_of<double>(out), shapes.size());
    return nb::make_tuple(out, source.waits ? nb::object(nb::float_(source.waiting)) : nb::object(nb::none()));
}

nb::object poisson(nb::handle bits, nb::handle rates_) {
    Source source{twister_of(bits), false, 0};
    const Array rates(rates_, "rates");
    if (!rates.is_dense<double>()) return not_implemented();
    nb::object out = empty_like<double>(rates);
    active_laws().poisson(source, rates.data<double>(), data_of<double>(out), rates.size());
    return out;
}

nb::object binomial(nb::handle bits, nb::handle counts_, nb::handle chances_) {
    Source source{twister_of(bits), false, 0};
    const Array counts(counts_, "counts"), chances(chances_, "chances");
    if (!counts.same_shape(chances)) throw nb::value_error("counts and chances must have the same shape");
    const bool narrow = counts.is_dense<float>() && chances.is_dense<float>();
    if (!narrow && !(counts.is_dense<double>() && chances.is_dense<double>())) return not_implemented();
    nb::object out = empty_like<double>(counts);
    double* p = data_of<double>(out);
    if (narrow) active_laws().binomial_f32(source, counts.data<float>(), chances.data<float>(), p, counts.size());
    else active_laws().binomial_f64(source, counts.data<double>(), chances.data<double>(), p, counts.size());
    return out;
}

}  // namespace

void bind_laws(nb::module_& m) {
    m.def("random_gamma", gamma, nb::arg("bits"), nb::arg("shapes").none(), nb::arg("kept").none());
    m.def("random_poisson", poisson, nb::arg("bits"), nb::arg("rates").none());
    m.def("random_binomial", binomial, nb::arg("bits"), nb::arg("counts").none(), nb::arg("chances").none());
}

}  // namespace rl
