// Direct convolution: conv_correlate.h has the forward pass and the input gradient, conv_weight_grad.h the weight gradient. Both
// gradients in one go are one job: a thread takes both of the same images, whose gy is then near.
#include "conv.h"

#include "conv_correlate.h"
#include "conv_weight_grad.h"

namespace rl::RL_ISA {
namespace {

template <class T>
ConvStatus correlate(const Correlation<T>& job, const ConvShape& c) {
    if (job.status != ConvStatus::ok) return job.status;
    const Plan<T>& plan = job.plan;
    const int64_t items = plan.batch * plan.groups * plan.strips(), size = plan.scratch_size();
    const int64_t parts = smaller(parts_for(multiplications(c), kGrain), items);
    const Scratch<T> scratch(static_cast<size_t>(parts * size));
    if (!scratch.get()) return ConvStatus::no_memory;
    parallel_parts(static_cast<int>(parts), [&](int part, int count) {
        const int64_t first = items * part / count;
        for (int64_t i = first; i < items * (part + 1) / count; ++i) run_strip(plan, i, scratch.get() + part * size, i == first);
    });
    return ConvStatus::ok;
}

template <class T>
ConvStatus forward(const ConvShape& c, const T* x, const T* w, const T* bias, bool relu, T* y) {
    return correlate(Correlation<T>(c, x, w, bias, relu, y), c);
}

template <class T>
ConvStatus input(const ConvShape& c, const T* gy, const T* w, const T* bias, T* gx) {
    return correlate(Correlation<T>(c, gy, w, bias, gx), c);
}

template <class T>
ConvStatus weight(const ConvShape& c, const T* x, const T* gy, T* gw, T* gb) {
    const WeightGradient<T> job(c, x, gy, gw, gb, parts_for(multiplications(c), kGrain));
    if (job.status != ConvStatus::ok) return job.status;
    const int64_t size = job.plan.scratch_size();
    const Scratch<T> scratch(static_cast<size_t>(job.parts() * size));
    if (!scratch.get()) return ConvStatus::no_memory;
    parallel_parts(static_cast<int>(job.parts()), [&](int part, int) { job.run(part, scratch.get() + part * size); });
    return job.finish();
}

}  // namespace

const ConvKernels<float> conv_f32 = {forward<float>, input<float>, weight<float>};
const ConvKernels<double> conv_f64 = {forward<double>, input<double>, weight<double>};

}  // namespace rl::RL_ISA
