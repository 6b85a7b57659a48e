// Direct convolution: conv_correlate.h has the forward pass and the input gradient, conv_weight_grad.h the weight gradient. Both
// gradients in one go are one job: a thread takes both of the same images, whose gy is then near.
#include "conv.h"

#include "conv_correlate.h"
#include "conv_weight_grad.h"
#include "core/pieces.h"

namespace rl::RL_ISA {
namespace {

// Pieces of `items` for parts that take them from each other.
RL_INLINE int64_t pieces_of(int64_t items, int64_t parts) { return parts <= 1 ? 1 : smaller(items, parts * kMostPieces); }

template <class T>
RL_INLINE void run_strips(const Plan<T>& plan, int64_t piece, int64_t pieces, T* scratch) {
    const int64_t items = plan.batch * plan.groups * plan.strips();
    for (int64_t i = items * piece / pieces; i < items * (piece + 1) / pieces; ++i) run_strip(plan, i, scratch);
}

template <class T>
ConvStatus correlate(const Correlation<T>& job, const ConvShape& c) {
    if (job.status != ConvStatus::ok) return job.status;
    const Plan<T>& plan = job.plan;
    const int64_t items = plan.batch * plan.groups * plan.strips(), size = plan.scratch_size();
    const int64_t parts = smaller(parts_for(multiplications(c), kGrain), items), pieces = pieces_of(items, parts);
    const Scratch<T> scratch(static_cast<size_t>(parts * size));
    if (!scratch.get()) return ConvStatus::no_memory;
    parallel_pieces(pieces, static_cast<int>(parts), [&](int part, int64_t piece) { run_strips(plan, piece, pieces, scratch.get() + part * size); });
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
    const int64_t parts = parts_for(multiplications(c), kGrain);
    const WeightGradient<T> job(c, x, gy, gw, gb, parts);
    if (job.status != ConvStatus::ok) return job.status;
    const int64_t own = smaller(parts, job.pieces()), size = job.plan.scratch_size();
    const Scratch<T> scratch(static_cast<size_t>(own * size));
    if (!scratch.get()) return ConvStatus::no_memory;
    parallel_pieces(job.pieces(), static_cast<int>(own), [&](int part, int64_t piece) { job.run(piece, scratch.get() + part * size); });
    return job.finish();
}

}  // namespace

const ConvKernels<float> conv_f32 = {forward<float>, input<float>, weight<float>};
const ConvKernels<double> conv_f64 = {forward<double>, input<double>, weight<double>};

}  // namespace rl::RL_ISA
