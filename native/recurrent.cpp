// Recurrent layers: a whole sequence in one call. The weight that h is multiplied by is packed once, tiles of the product are
// finished by the cell while they are in the first-level cache, and threads share the work for all steps: by states where
// there are enough of them, since each thread then goes its own way through time; else by hidden units, in rounds, where
// each thread keeps its share of the weight in its own cache.
#include "recurrent.h"

#include "core/allocator.h"
#include "core/thread_pool.h"
#include "linalg.h"
#include "recurrent_cells.h"

namespace rl::RL_ISA {
namespace {

constexpr double kWorkOfPart = 1.5e5;    // multiply-adds in all for which a second thread pays
constexpr double kWorkOfRound = 3e4;     // multiply-adds in a step of one thread for which it pays to wait for the others
constexpr int64_t kFewBytes = 1 << 19;   // a weight that stays in the second-level cache
constexpr int64_t kFewRows = 4;          // states of a thread that make good use of such a weight
constexpr int64_t kManyRows = 12;        // and of one that comes from further away
constexpr int64_t kFewSteps = 2;         // for which packing doesn't pay

template <class T>
const LinalgKernels<T>& products();
template <>
const LinalgKernels<float>& products<float>() { return linalg_f32; }
template <>
const LinalgKernels<double>& products<double>() { return linalg_f64; }

// How the parts share states or, in rounds, panels: part i has those from bounds[i] up to bounds[i + 1].
struct Plan {
    int parts = 1;
    bool rounds = false;
    int64_t bounds[kMostRoundParts + 1];
};

// Bounds between the states such that each part has about as many rows in all.
void share_states(const Steps& steps, Plan& plan) {
    const bool falling = steps.length == 0 || steps.counts[0] >= steps.counts[steps.length - 1];
    int64_t longer = steps.length, rows = 0;  // steps that state `at` is in, rows of the states before it
    int part = 1;
    for (int64_t at = 0; at < steps.batch && part < plan.parts; ++at) {
        while (longer && steps.counts[falling ? longer - 1 : steps.length - longer] <= at) --longer;
        while (part < plan.parts && rows * plan.parts >= steps.rows * part) plan.bounds[part++] = at;
        rows += longer;
    }
    while (part < plan.parts) plan.bounds[part++] = steps.batch;
    plan.bounds[0] = 0;
    plan.bounds[plan.parts] = steps.batch;
}

template <class T>
Plan plan_for(const Steps& steps, double weights, int64_t panels, bool may_share_units) {
    Plan plan;
    const double work = static_cast<double>(steps.rows) * weights / kWorkOfPart;
    const int threads = parts_for(work < kMostRoundParts ? static_cast<int64_t>(work) : kMostRoundParts, 1);
    const int64_t few = weights * sizeof(T) > kFewBytes ? kManyRows : kFewRows;
    const int by_states = static_cast<int>(larger(smaller(threads, steps.rows / steps.length / few), 1));
    const double rounds = static_cast<double>(steps.rows) / static_cast<double>(steps.length) * weights / kWorkOfRound;
    const int by_units = static_cast<int>(smaller(smaller(threads, panels), rounds < threads ? static_cast<int64_t>(rounds) : threads));
    if (may_share_units && by_units > by_states) {
        plan.parts = by_units;
        plan.rounds = true;
        for (int i = 0; i <= by_units; ++i) plan.bounds[i] = panels * i / by_units;
    } else {
        plan.parts = by_states;
        share_states(steps, plan);
    }
    return plan;
}

// What a part does in a step: states [row, row_end), panels [panel, panel_end).
struct Share {
    int64_t row, row_end, panel, panel_end;
};

// body(round, share) for all rounds and parts.
template <class Body>
RL_INLINE void run(const Plan& plan, int64_t rounds, int64_t states, int64_t panels, Body body) {
    if (plan.rounds) {
        parallel_rounds(rounds, plan.parts, [&](int64_t round, int part) {
            body(round, part, Share{0, states, plan.bounds[part], plan.bounds[part + 1]});
        });
        return;
    }
    parallel_parts(plan.parts, [&](int part, int) {
        const Share share = {plan.bounds[part], plan.bounds[part + 1], 0, panels};
        for (int64_t round = 0; round < rounds; ++round) body(round, part, share);
    });
}

template <class T, class Pack>
void pack_all(Panels<T>& panels, T* to, const T* w, Pack pack) {
    panels.data = to;
    const int64_t grain = (1 << 15) / (panels.size() / panels.count + 1) + 1;
    parallel_for(panels.count, grain, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) pack(panels, i, w, to + (panels.panel(i) - panels.data));
    });
}

// out (rows, width) = a @ b, or with `add` is increased by it.
template <class T>
void multiply_into(const Panels<T>& b, int64_t begin, int64_t end, int64_t rows, const T* a, T* out, bool add) {
    for (int64_t i = begin; i < end; ++i) {
        const int64_t columns = b.columns_of(i), stride = divide_up(columns, lanes<T>) * lanes<T>;
        multiply<T, 1>(b, i, rows, a, b.k, [&](int64_t first, int64_t height, const T* tile) {
            for (int64_t r = 0; r < height; ++r) {
                T* to = out + (first + r) * b.width + i * b.columns();
                for (int64_t j = 0; j < columns; j += lanes<T>) {
                    const int64_t n = smaller(lanes<T>, columns - j);
                    const Vec<T> value = load(tile + r * stride + j);
                    store_n(to + j, add ? load_n(to + j, n) + value : value, n);
                }
            }
        });
    }
}

template <class T>
void copy_rows(const T* from, int64_t from_rows, T* to, int64_t to_rows, int64_t rows, int64_t columns) {
    if (columns <= 0) return;
    for (int64_t i = 0; i < rows; ++i) std::memcpy(to + i * to_rows, from + i * from_rows, static_cast<size_t>(columns) * sizeof(T));
}

template <class T, template <class> class Cell>
class Forward {
public:
    explicit Forward(const ForwardJob<T>& job)
        : job_(job),
          weight_(panels_for<T>(job.given, job.size, kGates)),
          projection_(panels_for<T>(job.size, job.given, 1)) {}

    bool run() {
        const Steps& steps = job_.steps;
        copy_rows(job_.first, job_.given, job_.last, job_.given, steps.batch, job_.given);
        if (steps.rows == 0) return true;
        if (!(steps.length <= kFewSteps ? run_unpacked() : run_packed())) return false;
        // A state is the last when the next step doesn't have it.
        for (int64_t t = 0; t < steps.length; ++t) {
            const int64_t next = t + 1 < steps.length ? smaller(steps.counts[t + 1], steps.counts[t]) : 0;
            copy_rows(row_of(t, next), job_.given, job_.last + next * job_.given, job_.given, steps.counts[t] - next, job_.given);
        }
        return true;
    }

private:
    static constexpr int kGates = Cell<T>::kGates;

    T* row_of(int64_t t, int64_t row) const { return job_.out + (job_.steps.starts[t] + row) * job_.given; }

    // body(first row, end, the h before) for the rows of a step that were in the step before, and for those that begin.
    template <class Body>
    RL_INLINE void each_origin(int64_t t, int64_t row, int64_t row_end, Body body) const {
        const int64_t* counts = job_.steps.counts;
        const int64_t end = smaller(row_end, counts[t]), known = t ? smaller(counts[t - 1], end) : 0;
        if (row < known) body(row, known, static_cast<const T*>(row_of(t - 1, row)));
        const int64_t fresh = larger(row, known);
        if (fresh < end) body(fresh, end, job_.first + fresh * job_.given);
    }

    bool run_packed() {
        const Steps& steps = job_.steps;
        const double weights = static_cast<double>(kGates) * static_cast<double>(job_.size) * static_cast<double>(job_.given);
        const Scratch<T> packed(weight_.size()), projection(job_.projection ? projection_.size() : 1);
        if (!packed.get() || !projection.get()) return false;
        pack_all(weight_, packed.get(), job_.weight, pack_transposed<T>);
        if (job_.projection) pack_all(projection_, projection.get(), job_.projection, pack_transposed<T>);
        const Plan plan = plan_for<T>(steps, weights, weight_.count, !job_.projection);
        RL_ISA::run(plan, steps.length, steps.batch, weight_.count, [this](int64_t t, int, const Share& share) { step(t, share); });
        return true;
    }

    void step(int64_t t, const Share& share) const {
        const int64_t start = job_.steps.starts[t], given = job_.given;
        each_origin(t, share.row, share.row_end, [&, this](int64_t row, int64_t end, const T* before) {
            keep(start + row, end - row, before, share.panel, share.panel_end);
            for (int64_t i = share.panel; i < share.panel_end; ++i) {
                const int64_t unit = i * weight_.columns(), units = weight_.columns_of(i);
                const int64_t each = divide_up(units, lanes<T>) * lanes<T>;
                multiply<T, kGates>(weight_, i, end - row, before, given, [&, this](int64_t first, int64_t height, const T* tile) {
                    Cell<T>::step(job_, {start, row + first, height, unit, units}, before + first * given,
                                  {tile, kGates * each, each});
                });
            }
            if (!job_.projection) return;
            multiply_into(projection_, 0, projection_.count, end - row, job_.hidden + (start + row) * job_.size, row_of(t, row), false);
        });
    }

    // The h before the step, for the weight's gradient.
    void keep(int64_t at, int64_t rows, const T* before, int64_t panel, int64_t panel_end) const {
        if (!job_.kept) return;
        const int64_t given = job_.given, columns = weight_.columns();
        const bool whole = panel == 0 && panel_end == weight_.count;
        const int64_t from = whole ? 0 : panel * columns, to = whole ? given : smaller(panel_end * columns, given);
        copy_rows(before + from, given, job_.befores + at * given + from, given, rows, to - from);
    }

    // Each product by itself, of the weight as it lies.
    bool run_unpacked() {
        const Steps& steps = job_.steps;
        const int64_t given = job_.given, size = job_.size, columns = kGates * size;
        const Scratch<T> scratch(steps.batch * columns);
        T* product = scratch.get();
        bool enough = product;
        for (int64_t t = 0; t < steps.length && enough; ++t) {
            const int64_t start = steps.starts[t];
            each_origin(t, 0, steps.batch, [&, this](int64_t row, int64_t end, const T* before) {
                keep(start + row, end - row, before, 0, weight_.count);
                enough = enough && products<T>().gemm({.m = end - row, .n = columns, .k = given, .a = {before, given, 1},
                                                       .b = {job_.weight, 1, given}, .out = product});
                if (!enough) return;
                parallel_for(end - row, (1 << 12) / columns + 1, [&, this](int64_t i, int64_t stop) {
                    Cell<T>::step(job_, {start, row + i, stop - i, 0, size}, before + i * given, {product + i * columns, columns, size});
                });
                if (!job_.projection) return;
                enough = products<T>().gemm({.m = end - row, .n = given, .k = size, .a = {job_.hidden + (start + row) * size, size, 1},
                                             .b = {job_.projection, 1, size}, .out = row_of(t, row)});
            });
        }
        return enough;
    }

    const ForwardJob<T>& job_;
    Panels<T> weight_, projection_;
};

template <class T, template <class> class Cell>
class Backward {
public:
    explicit Backward(const BackwardJob<T>& job)
        : job_(job),
          weight_(panels_for<T>(kGates * job.size, job.given, 1)),
          projection_(panels_for<T>(job.given, job.size, 1)) {}

    bool run() {
        const Steps& steps = job_.steps;
        if (steps.rows == 0) return true;
        const double weights = static_cast<double>(kGates) * static_cast<double>(job_.size) * static_cast<double>(job_.given);
        const bool projected = job_.projection != nullptr;
        const Scratch<T> packed(weight_.size()), projection(projected ? projection_.size() : 1);
        const Scratch<T> totals(projected ? steps.batch * job_.size : 1);
        if (!packed.get() || !projection.get() || !totals.get()) return false;
        totals_ = totals.get();
        pack_all(weight_, packed.get(), job_.weight, pack_plain<T>);
        if (projected) pack_all(projection_, projection.get(), job_.projection, pack_plain<T>);
        const Plan plan = plan_for<T>(steps, weights, weight_.count, !projected);
        RL_ISA::run(plan, steps.length + 1, steps.batch, weight_.count, [this](int64_t round, int, const Share& share) {
            const int64_t t = job_.steps.length - round;
            through_weight(t, share);
            through_cell(t - 1, share);
        });
        return true;
    }

private:
    static constexpr int kGates = Cell<T>::kGates;

    // The gradient of the h before step t, if there is such a step.
    void through_weight(int64_t t, const Share& share) const {
        const Steps& steps = job_.steps;
        if (t == steps.length) return;
        const int64_t rows = smaller(share.row_end, steps.counts[t]) - share.row;
        if (rows <= 0) return;
        multiply_into(weight_, share.panel, share.panel_end, rows, job_.grad_products + (steps.starts[t] + share.row) * weight_.k,
                      job_.grad_h + share.row * job_.given, kGates == 3);
    }

    // The gradients of the gates of step t, if there is such a step.
    void through_cell(int64_t t, const Share& share) const {
        if (t < 0) return;
        const int64_t start = job_.steps.starts[t], row = share.row, given = job_.given;
        const int64_t rows = smaller(share.row_end, job_.steps.counts[t]) - row;
        if (rows <= 0) return;
        const T* outside = job_.grad + (start + row) * given;
        T* total = job_.grad_h + row * given;
        if (!job_.projection) {
            const int64_t unit = share.panel * weight_.columns(), end = smaller(share.panel_end * weight_.columns(), job_.size);
            Cell<T>::step_backward(job_, {start, row, rows, unit, end - unit}, outside, total);
            return;
        }
        T *sums = job_.projected + (start + row) * given, *hidden = totals_ + row * job_.size;
        for (int64_t i = 0; i < rows * given; i += lanes<T>) {
            const int64_t n = smaller(lanes<T>, rows * given - i);
            store_n(sums + i, load_n(outside + i, n) + load_n(total + i, n), n);
        }
        multiply_into(projection_, 0, projection_.count, rows, static_cast<const T*>(sums), hidden, false);
        Cell<T>::step_backward(job_, {start, row, rows, 0, job_.size}, nullptr, hidden);
    }

    const BackwardJob<T>& job_;
    Panels<T> weight_, projection_;
    T* totals_ = nullptr;  // (batch, size): gradients of what is projected
};

template <class T, template <class> class Cell>
bool forward(const ForwardJob<T>& job) {
    return Forward<T, Cell>(job).run();
}

template <class T, template <class> class Cell>
bool backward(const BackwardJob<T>& job) {
    return Backward<T, Cell>(job).run();
}

}  // namespace

const RecurrentKernels<float> recurrent_f32 = {forward<float, Rnn>, forward<float, Lstm>, forward<float, Gru>,
                                               backward<float, Rnn>, backward<float, Lstm>, backward<float, Gru>};
const RecurrentKernels<double> recurrent_f64 = {forward<double, Rnn>, forward<double, Lstm>, forward<double, Gru>,
                                                backward<double, Rnn>, backward<double, Lstm>, backward<double, Gru>};

}  // namespace rl::RL_ISA
