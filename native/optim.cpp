// Optimizer steps with PyTorch's order of operations, all tensors in one pass over memory: each element of a parameter, its gradient
// and its states is read once and written once. The formulas are those of the classes in rushlight/optim, which name the papers.
#include "optim.h"

#include "core/thread_pool.h"
#include "core/vec.h"

namespace rl::RL_ISA {
namespace {

constexpr int64_t kGrain = 1 << 14;  // elements for which a second thread pays

// A place in an array, read and written as a vector or as its first `n` elements.
template <class T, bool WHOLE>
struct Lane {
    int64_t at, n;
    RL_INLINE Vec<T> get(const T* p) const { return WHOLE ? load(p + at) : load_part(p + at, n); }
    RL_INLINE void put(T* p, Vec<T> v) const {
        if constexpr (WHOLE) store(p + at, v);
        else store_part(p + at, v, n);
    }
};

template <class T>
int64_t elements(const StepTensor<T>* tensors, int64_t count) {
    int64_t total = 0;
    for (int64_t i = 0; i < count; ++i) total += tensors[i].size;
    return total;
}

// range(tensor, from, to) for a part of the elements of each tensor, in whole cache lines. Of each tensor, and not of all laid
// end to end: a thread then meets the rows whose gradients it has most likely computed, which its core's cache still holds.
template <class T, class Range>
RL_INLINE void each_range(const StepTensor<T>* tensors, int64_t count, int part, int parts, Range range) {
    constexpr int64_t line = 64 / sizeof(T);
    for (int64_t i = 0; i < count; ++i) {
        const int64_t size = tensors[i].size, from = size * part / parts / line * line;
        const int64_t to = part + 1 == parts ? size : size * (part + 1) / parts / line * line;
        if (from < to) range(tensors[i], from, to);
    }
}

// body(tensor, lane) over all elements, split evenly over the pool. The body is inlined into the loop over vectors, its constants
// in registers.
template <class T, class Body>
RL_INLINE void step_all(const StepTensor<T>* tensors, int64_t count, Body body) {
    parallel_parts(shares_for(elements(tensors, count), kGrain), [=](int part, int parts) {
        const Body own = body;  // which no store can change: its constants stay in registers
        each_range(tensors, count, part, parts, [&own](const StepTensor<T>& tensor, int64_t at, int64_t to) {
            const StepTensor<T> t = tensor;
            for (; at + lanes<T> <= to; at += lanes<T>) own(t, Lane<T, true>{at, lanes<T>});
            if (at < to) own(t, Lane<T, false>{at, to - at});
        });
    });
}

// The gradient to go against.
template <class T>
class Gradient {
public:
    explicit Gradient(const Descent& o)
        : sign_(splat(T(o.maximize ? -1 : 1))), decay_(splat(T(o.weight_decay))), decays_(o.weight_decay != 0) {}
    RL_INLINE Vec<T> operator()(Vec<T> grad, Vec<T> param) const {
        grad *= sign_;
        return decays_ ? fmadd<T>(decay_, param, grad) : grad;
    }

private:
    Vec<T> sign_, decay_;
    bool decays_;
};

// A running average: x moves to y by a share, from its nearer end, as PyTorch's lerp does.
template <class T>
class Lerp {
public:
    explicit Lerp(double share) : share_(splat(T(share))), keep_(splat(T(1 - T(share)))), from_y_(share >= 0.5) {}
    RL_INLINE Vec<T> operator()(Vec<T> x, Vec<T> y) const {
        const Vec<T> way = y - x;
        return from_y_ ? y - way * keep_ : fmadd<T>(share_, way, x);
    }

private:
    Vec<T> share_, keep_;
    bool from_y_;
};

// A running average of squares.
template <class T>
class Squares {
public:
    explicit Squares(double keep) : keep_(splat(T(keep))), share_(splat(T(1 - keep))) {}
    RL_INLINE Vec<T> operator()(Vec<T> average, Vec<T> x) const { return average * keep_ + share_ * x * x; }

private:
    Vec<T> keep_, share_;
};

// The larger element; NaN where either is.
template <class T>
RL_INLINE Vec<T> raised(Vec<T> a, Vec<T> b) {
    const Vec<T> top = b < a ? a : b;
    return a != a ? a : top;
}

template <class T>
void sgd(const StepTensor<T>* tensors, int64_t count, const SgdOptions& o) {
    const Gradient<T> descent(o.descent);
    const Vec<T> rate = splat(T(-o.lr)), momentum = splat(T(o.momentum)), fresh_share = splat(T(1 - o.dampening));
    const bool nesterov = o.nesterov;
    step_all(tensors, count, [=](const StepTensor<T>& t, auto lane) {
        const Vec<T> param = lane.get(t.param);
        Vec<T> grad = descent(lane.get(t.grad), param);
        if (t.state[0]) {
            const Vec<T> buffer = t.fresh ? grad : fmadd<T>(fresh_share, grad, lane.get(t.state[0]) * momentum);
            lane.put(t.state[0], buffer);
            grad = nesterov ? fmadd<T>(momentum, buffer, grad) : buffer;
        }
        lane.put(t.param, fmadd<T>(rate, grad, param));
    });
}

template <class T>
void adam(const StepTensor<T>* tensors, int64_t count, const AdamOptions& o) {
    const Gradient<T> descent(o.descent);
    const Lerp<T> average(1 - o.beta1);
    const Squares<T> squares(o.beta2);
    const Vec<T> keep = splat(T(o.keep)), root_scale = splat(T(o.root_scale)), eps = splat(T(o.eps)), rate = splat(T(-o.rate));
    step_all(tensors, count, [=](const StepTensor<T>& t, auto lane) {
        const Vec<T> param = lane.get(t.param) * keep, grad = descent(lane.get(t.grad), param);
        const Vec<T> mean = average(lane.get(t.state[0]), grad);
        Vec<T> square = squares(lane.get(t.state[1]), grad);
        lane.put(t.state[0], mean);
        lane.put(t.state[1], square);
        if (t.state[2]) {
            square = raised<T>(lane.get(t.state[2]), square);
            lane.put(t.state[2], square);
        }
        lane.put(t.param, param + rate * mean / fmadd<T>(sqrt<T>(square), root_scale, eps));
    });
}

template <class T>
void adagrad(const StepTensor<T>* tensors, int64_t count, const AdagradOptions& o) {
    const Gradient<T> descent(o.descent);
    const Vec<T> rate = splat(T(-o.rate)), eps = splat(T(o.eps));
    step_all(tensors, count, [=](const StepTensor<T>& t, auto lane) {
        const Vec<T> param = lane.get(t.param), grad = descent(lane.get(t.grad), param);
        const Vec<T> sum = lane.get(t.state[0]) + grad * grad;
        lane.put(t.state[0], sum);
        lane.put(t.param, param + rate * grad / (sqrt<T>(sum) + eps));
    });
}

template <class T>
void rmsprop(const StepTensor<T>* tensors, int64_t count, const RmspropOptions& o) {
    const Gradient<T> descent(o.descent);
    const Lerp<T> average(1 - o.alpha);
    const Squares<T> squares(o.alpha);
    const Vec<T> rate = splat(T(-o.lr)), eps = splat(T(o.eps)), momentum = splat(T(o.momentum));
    step_all(tensors, count, [=](const StepTensor<T>& t, auto lane) {
        const Vec<T> param = lane.get(t.param), grad = descent(lane.get(t.grad), param);
        const Vec<T> square = squares(lane.get(t.state[0]), grad);
        lane.put(t.state[0], square);
        Vec<T> variance = square;
        if (t.state[1]) {
            const Vec<T> mean = average(lane.get(t.state[1]), grad);
            lane.put(t.state[1], mean);
            variance = square - mean * mean;
        }
        const Vec<T> root = sqrt<T>(variance) + eps;
        if (t.state[2]) {
            const Vec<T> buffer = lane.get(t.state[2]) * momentum + grad / root;
            lane.put(t.state[2], buffer);
            lane.put(t.param, param + rate * buffer);
        } else {
            lane.put(t.param, param + rate * grad / root);
        }
    });
}

template <class T>
void adadelta(const StepTensor<T>* tensors, int64_t count, const AdadeltaOptions& o) {
    const Gradient<T> descent(o.descent);
    const Squares<T> squares(o.rho);
    const Vec<T> rate = splat(T(-o.lr)), eps = splat(T(o.eps));
    step_all(tensors, count, [=](const StepTensor<T>& t, auto lane) {
        const Vec<T> param = lane.get(t.param), grad = descent(lane.get(t.grad), param);
        const Vec<T> square = squares(lane.get(t.state[0]), grad), changes = lane.get(t.state[1]);
        const Vec<T> change = sqrt<T>(changes + eps) / sqrt<T>(square + eps) * grad;
        lane.put(t.state[0], square);
        lane.put(t.state[1], squares(changes, change));
        lane.put(t.param, param + rate * change);
    });
}

template <class T>
void nadam(const StepTensor<T>* tensors, int64_t count, const NadamOptions& o) {
    const Gradient<T> descent(o.descent);
    const Lerp<T> average(1 - o.beta1);
    const Squares<T> squares(o.beta2);
    const Vec<T> keep = splat(T(o.keep)), eps = splat(T(o.eps)), correction = splat(T(o.correction));
    const Vec<T> now = splat(T(-o.now)), ahead = splat(T(-o.ahead));
    step_all(tensors, count, [=](const StepTensor<T>& t, auto lane) {
        const Vec<T> param = lane.get(t.param) * keep, grad = descent(lane.get(t.grad), param);
        const Vec<T> mean = average(lane.get(t.state[0]), grad), square = squares(lane.get(t.state[1]), grad);
        lane.put(t.state[0], mean);
        lane.put(t.state[1], square);
        const Vec<T> root = sqrt<T>(square / correction) + eps;
        lane.put(t.param, param + now * grad / root + ahead * mean / root);
    });
}

template <class T>
void radam(const StepTensor<T>* tensors, int64_t count, const RadamOptions& o) {
    const Gradient<T> descent(o.descent);
    const Lerp<T> average(1 - o.beta1);
    const Squares<T> squares(o.beta2);
    const Vec<T> keep = splat(T(o.keep)), eps = splat(T(o.eps)), rate = splat(T(-o.rate));
    const bool adaptive = o.adaptive;
    step_all(tensors, count, [=](const StepTensor<T>& t, auto lane) {
        const Vec<T> param = lane.get(t.param) * keep, grad = descent(lane.get(t.grad), param);
        const Vec<T> mean = average(lane.get(t.state[0]), grad), square = squares(lane.get(t.state[1]), grad);
        lane.put(t.state[0], mean);
        lane.put(t.state[1], square);
        lane.put(t.param, param + (adaptive ? rate * mean / (sqrt<T>(square) + eps) : rate * mean));
    });
}

template <class T>
void adamax(const StepTensor<T>* tensors, int64_t count, const AdamaxOptions& o) {
    const Gradient<T> descent(o.descent);
    const Lerp<T> average(1 - o.beta1);
    const Vec<T> keep = splat(T(o.beta2)), eps = splat(T(o.eps)), rate = splat(T(-o.rate));
    step_all(tensors, count, [=](const StepTensor<T>& t, auto lane) {
        const Vec<T> param = lane.get(t.param), grad = descent(lane.get(t.grad), param);
        const Vec<T> mean = average(lane.get(t.state[0]), grad);
        const Vec<T> size = grad < 0 ? -grad : grad;
        const Vec<T> top = raised<T>(lane.get(t.state[1]) * keep, size + eps);
        lane.put(t.state[0], mean);
        lane.put(t.state[1], top);
        lane.put(t.param, param + rate * mean / top);
    });
}

template <class T>
void asgd(const StepTensor<T>* tensors, int64_t count, const AsgdOptions& o) {
    const Gradient<T> descent(o.descent);
    const Vec<T> rate = splat(T(-o.rate)), keep = splat(T(o.keep)), share = splat(T(o.share));
    const bool copies = o.share == 1;
    step_all(tensors, count, [=](const StepTensor<T>& t, auto lane) {
        const Vec<T> before = lane.get(t.param), grad = descent(lane.get(t.grad), before);
        const Vec<T> param = before * keep + rate * grad, average = lane.get(t.state[0]);
        lane.put(t.param, param);
        lane.put(t.state[0], copies ? param : average + (param - average) * share);
    });
}

template <class T>
void rprop(const StepTensor<T>* tensors, int64_t count, const RpropOptions& o) {
    const Gradient<T> descent(o.descent);
    const Vec<T> down = splat(T(o.down)), up = splat(T(o.up)), smallest = splat(T(o.smallest)), largest = splat(T(o.largest));
    step_all(tensors, count, [=](const StepTensor<T>& t, auto lane) {
        const Vec<T> param = lane.get(t.param), zero = {}, one = splat(T(1));
        Vec<T> grad = descent(lane.get(t.grad), param);
        const Vec<T> agreement = grad * lane.get(t.state[0]);
        const Vec<T> factor = agreement > 0 ? up : agreement < 0 ? down : one;
        Vec<T> size = lane.get(t.state[1]) * factor;
        size = size < smallest ? smallest : size;
        size = size > largest ? largest : size;
        grad = agreement < 0 ? zero : grad;
        const Vec<T> sign = grad > 0 ? one : grad < 0 ? -one : zero;
        lane.put(t.param, param - sign * size);
        lane.put(t.state[0], grad);
        lane.put(t.state[1], size);
    });
}

// The squares of n elements, summed in four vectors.
template <class T>
double squares_of(const T* x, int64_t n) {
    Vec<T> total[4] = {};
    int64_t i = 0;
    for (; i + 4 * lanes<T> <= n; i += 4 * lanes<T>) {
        for (int v = 0; v < 4; ++v) {
            const Vec<T> part = load(x + i + v * lanes<T>);
            total[v] = fmadd<T>(part, part, total[v]);
        }
    }
    for (; i < n; i += lanes<T>) {
        const Vec<T> part = n - i < lanes<T> ? load_part(x + i, n - i) : load(x + i);
        total[0] = fmadd<T>(part, part, total[0]);
    }
    double sum = 0;
    for (const Vec<T>& part : total) {
        for (int l = 0; l < lanes<T>; ++l) sum += static_cast<double>(part[l]);
    }
    return sum;
}

// Stretches are summed in the type of the elements, and their sums in double precision.
template <class T>
double squares(const StepTensor<T>* tensors, int64_t count) {
    constexpr int64_t stretch = 4096;
    const int64_t total = elements(tensors, count);
    double partial[kMaxThreads] = {};
    parallel_parts(parts_for(total, kGrain), [&](int part, int parts) {
        double sum = 0;
        each_range(tensors, count, part, parts, [&](const StepTensor<T>& t, int64_t at, int64_t to) {
            for (; at < to; at += stretch) sum += squares_of(t.grad + at, smaller(to - at, stretch));
        });
        partial[part] = sum;
    });
    double sum = 0;
    for (const double part : partial) sum += part;
    return sum;
}

template <class T>
void scale(const StepTensor<T>* tensors, int64_t count, double factor) {
    const Vec<T> by = splat(T(factor));
    step_all(tensors, count, [=](const StepTensor<T>& t, auto lane) { lane.put(t.param, lane.get(t.param) * by); });
}

template <class T>
constexpr OptimKernels<T> table() {
    return {sgd<T>, adam<T>, adagrad<T>, rmsprop<T>, adadelta<T>, nadam<T>, radam<T>, adamax<T>, asgd<T>, rprop<T>, squares<T>, scale<T>};
}

}  // namespace

const OptimKernels<float> optim_f32 = table<float>();
const OptimKernels<double> optim_f64 = table<double>();

}  // namespace rl::RL_ISA
