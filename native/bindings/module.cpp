#define RL_IMPORTS_NUMPY
#include "arrays.h"

namespace rl {
void bind_attention(nb::module_& m);
void bind_arithmetic(nb::module_& m);
void bind_channels(nb::module_& m);
void bind_conv(nb::module_& m);
void bind_copy(nb::module_& m);
void bind_conversion(nb::module_& m);
void bind_core(nb::module_& m);
void bind_choice(nb::module_& m);
void bind_int8(nb::module_& m);
void bind_laws(nb::module_& m);
void bind_linalg(nb::module_& m);
void bind_loss(nb::module_& m);
void bind_marks(nb::module_& m);
void bind_norm(nb::module_& m);
void bind_optim(nb::module_& m);
void bind_pad(nb::module_& m);
void bind_pointwise(nb::module_& m);
void bind_pool(nb::module_& m);
void bind_random(nb::module_& m);
void bind_recurrent(nb::module_& m);
void bind_reduce(nb::module_& m);
void bind_rows(nb::module_& m);
void bind_resample(nb::module_& m);
void bind_scan(nb::module_& m);
void bind_searching(nb::module_& m);
void bind_selecting(nb::module_& m);
void bind_sequences(nb::module_& m);
void bind_sorting(nb::module_& m);
void bind_special(nb::module_& m);
void bind_elementwise(nb::module_& m);
void bind_extremum(nb::module_& m);
void bind_factors(nb::module_& m);
void bind_fourier(nb::module_& m);
void bind_indexing(nb::module_& m);
void bind_views(nb::module_& m);
}  // namespace rl

NB_MODULE(_native, m) {
    nanobind::set_leak_warnings(false);
    if (_import_array() < 0) nanobind::raise_python_error();
    rl::bind_core(m);
    rl::bind_attention(m);
    rl::bind_arithmetic(m);
    rl::bind_channels(m);
    rl::bind_conv(m);
    rl::bind_conversion(m);
    rl::bind_copy(m);
    rl::bind_choice(m);
    rl::bind_elementwise(m);
    rl::bind_extremum(m);
    rl::bind_factors(m);
    rl::bind_fourier(m);
    rl::bind_indexing(m);
    rl::bind_int8(m);
    rl::bind_laws(m);
    rl::bind_linalg(m);
    rl::bind_loss(m);
    rl::bind_marks(m);
    rl::bind_norm(m);
    rl::bind_optim(m);
    rl::bind_pad(m);
    rl::bind_pointwise(m);
    rl::bind_pool(m);
    rl::bind_random(m);
    rl::bind_recurrent(m);
    rl::bind_reduce(m);
    rl::bind_rows(m);
    rl::bind_resample(m);
    rl::bind_scan(m);
    rl::bind_searching(m);
    rl::bind_selecting(m);
    rl::bind_sequences(m);
    rl::bind_sorting(m);
    rl::bind_special(m);
    rl::bind_views(m);
}
