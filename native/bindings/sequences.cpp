#include "../sequences.h"

#include "arrays.h"

namespace rl {
namespace {

constexpr int64_t kLong = 1 << 14;  // elements from which the interpreter is released

template <class T>
nb::object spaced_as(double start, double end, int64_t steps) {
    nb::object out = empty<T>({steps});
    const T low = static_cast<T>(start), high = static_cast<T>(end);
    const T step = steps > 1 ? (high - low) / static_cast<T>(steps - 1) : T(0);
    Released released(steps >= kLong);
    // Of one step there is the start alone.
    sequence_kernels<T>().spaced(data_of<T>(out), steps, low, steps > 1 ? high : low, step);
    return out;
}

nb::object spaced(double start, double end, int64_t steps, bool wide) {
    if (steps < 0) throw nb::value_error("spaced: the number of steps must not be negative");
    return wide ? spaced_as<double>(start, end, steps) : spaced_as<float>(start, end, steps);
}

}  // namespace

void bind_sequences(nb::module_& m) {
    m.def("spaced", spaced, nb::arg("start"), nb::arg("end"), nb::arg("steps"), nb::arg("wide"));
}

}  // namespace rl
