#include "../random.h"

#include <cmath>
#include <numbers>

#include "twister.h"

namespace rl {

template <>
constexpr int type_number<bool> = NPY_BOOL;

namespace {

int64_t checked(int64_t n) {
    if (n < 0) throw nb::value_error("the number of draws must not be negative");
    return n;
}

// An array to be filled: dense float32 or float64.
Array target(nb::handle out_) {
    const Array out(out_, "out");
    if (!out.is_dense<float>() && !out.is_dense<double>()) throw nb::value_error("out must be dense float32 or float64");
    if (!out.writeable()) throw nb::value_error("out is read-only");
    return out;
}

void uniform(nb::handle bits, nb::handle out_, double low, double high) {
    Twister& twister = twister_of(bits);
    const Array out = target(out_);
    const auto& kernels = active_random();
    const int64_t n = out.size();
    if (out.is<float>()) {
        const float a = static_cast<float>(low), b = static_cast<float>(high);
        kernels.unit_f32(twister, out.data<float>(), n);
        if (a != 0 || b != 1) kernels.scale_f32(out.data<float>(), n, a, b - a, b);
    } else {
        kernels.unit_f64(twister, out.data<double>(), n);
        if (low != 0 || high != 1) kernels.scale_f64(out.data<double>(), n, low, high - low, high);
    }
}

void box_muller_f64(double* p, int64_t n, double mean, double std) {
    for (double* end = p + n; p != end; p += 16) {
        for (int i = 0; i < 8; ++i) {
            const double radius = std::sqrt(-2 * std::log(1 - p[i])), angle = 2 * std::numbers::pi * p[i + 8];
            p[i] = std::fma(radius * std::cos(angle), std, mean);
            p[i + 8] = std::fma(radius * std::sin(angle), std, mean);
        }
    }
}

// The last 16 numbers are drawn anew where n is no multiple of 16.
void normal(nb::handle bits, nb::handle out_, double mean, double std) {
    Twister& twister = twister_of(bits);
    const Array out = target(out_);
    const auto& kernels = active_random();
    const int64_t n = out.size(), rest = n % 16;
    if (n < 16) throw nb::value_error("random_normal draws 16 numbers or more");
    if (out.is<float>()) {
        float* p = out.data<float>();
        const float m = static_cast<float>(mean), s = static_cast<float>(std);
        kernels.unit_f32(twister, p, n);
        kernels.box_muller_f32(p, n - rest, m, s);
        if (rest) {
            kernels.unit_f32(twister, p + n - 16, 16);
            kernels.box_muller_f32(p + n - 16, 16, m, s);
        }
    } else {
        double* p = out.data<double>();
        kernels.unit_f64(twister, p, n);
        box_muller_f64(p, n - rest, mean, std);
        if (rest) {
            kernels.unit_f64(twister, p + n - 16, 16);
            box_muller_f64(p + n - 16, 16, mean, std);
        }
    }
}

// Normal numbers one by one, in pairs of which the second is kept for the next call: returns (numbers, kept or None).
nb::tuple serial_normal(nb::handle bits, int64_t n, nb::object kept, double mean, double std) {
    Twister& twister = twister_of(bits);
    nb::object out = empty<double>({checked(n)});
    double* p = data_of<double>(out);
    int64_t i = 0;
    if (n > 0 && !kept.is_none()) {
        p[i++] = std::fma(nb::cast<double>(kept), std, mean);
        kept = nb::none();
    }
    for (; i < n; i += 2) {
        double u[2];
        active_random().unit_f64(twister, u, 2);
        const double radius = std::sqrt(-2 * std::log1p(-u[1])), angle = 2 * std::numbers::pi * u[0];
        const double second = radius * std::sin(angle);
        p[i] = std::fma(radius * std::cos(angle), std, mean);
        if (i + 1 < n) p[i + 1] = std::fma(second, std, mean);
        else kept = nb::float_(second);
    }
    return nb::make_tuple(out, kept);
}

double probability(double p) {
    if (!(p >= 0 && p <= 1)) throw nb::value_error("p must be in [0, 1]");
    return p;
}

nb::object bernoulli(nb::handle bits, int64_t n, double p) {
    Twister& twister = twister_of(bits);
    nb::object out = empty<bool>({checked(n)});
    active_random().below(twister, data_of<bool>(out), n, probability(p));
    return out;
}

// The memory must be dense, and in the order in which the numbers are drawn; what is no chance, the reference may refuse.
nb::object bernoulli_each(nb::handle bits, nb::handle p_) {
    Twister& twister = twister_of(bits);
    const Array p(p_, "p");
    const auto& kernels = active_random();
    if (p.is_dense<float>() && kernels.chances_f32(p.data<float>(), p.size())) {
        nb::object out = empty_like<float>(p);
        kernels.each_below_f32(twister, p.data<float>(), data_of<float>(out), p.size());
        return out;
    }
    if (p.is_dense<double>() && kernels.chances_f64(p.data<double>(), p.size())) {
        nb::object out = empty_like<double>(p);
        kernels.each_below_f64(twister, p.data<double>(), data_of<double>(out), p.size());
        return out;
    }
    return not_implemented();
}

nb::object scaled_bernoulli(nb::handle bits, int64_t n, double p, double scale) {
    Twister& twister = twister_of(bits);
    nb::object out = empty<float>({checked(n)});
    active_random().scaled_below(twister, data_of<float>(out), n, probability(p), static_cast<float>(scale));
    return out;
}

// `low` and `span` as 64-bit patterns.
nb::object integers(nb::handle bits, int64_t n, uint64_t low, uint64_t span) {
    Twister& twister = twister_of(bits);
    nb::object out = empty<int64_t>({checked(n)});
    active_random().integers(twister, data_of<int64_t>(out), n, low, span);
    return out;
}

nb::object permutation(nb::handle bits, int64_t n) {
    Twister& twister = twister_of(bits);
    if (n < 0 || n >= int64_t{1} << 32) throw nb::value_error("permutation: n must be in [0, 2**32)");
    nb::object out = empty<int64_t>({n});
    active_random().permutation(twister, data_of<int64_t>(out), n);
    return out;
}

}  // namespace

void bind_random(nb::module_& m) {
    m.def("random_uniform", uniform, nb::arg("bits"), nb::arg("out").none(), nb::arg("low"), nb::arg("high"));
    m.def("random_normal", normal, nb::arg("bits"), nb::arg("out").none(), nb::arg("mean"), nb::arg("std"));
    m.def("random_serial_normal", serial_normal, nb::arg("bits"), nb::arg("n"), nb::arg("kept").none(), nb::arg("mean"),
          nb::arg("std"));
    m.def("random_bernoulli", bernoulli, nb::arg("bits"), nb::arg("n"), nb::arg("p"));
    m.def("random_bernoulli_each", bernoulli_each, nb::arg("bits"), nb::arg("p").none());
    m.def("random_scaled_bernoulli", scaled_bernoulli, nb::arg("bits"), nb::arg("n"), nb::arg("p"), nb::arg("scale"));
    m.def("random_integers", integers, nb::arg("bits"), nb::arg("n"), nb::arg("low"), nb::arg("span"));
    m.def("random_permutation", permutation, nb::arg("bits"), nb::arg("n"));
}

}  // namespace rl
