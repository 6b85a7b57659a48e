// Optimizer steps with PyTorch's order of operations (Kingma and Ba, "Adam", arXiv:1412.6980; Loshchilov and Hutter, AdamW,
// arXiv:1711.05101), all tensors in one pass over memory.
#include "optim.h"

#include "core/thread_pool.h"
#include "core/vec.h"

namespace rl::RL_ISA {
namespace {

constexpr int64_t kGrain = 1 << 14;  // elements for which a second thread pays

RL_INLINE int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }
RL_INLINE int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }

// range(tensor, begin, end) over the elements of all tensors laid end to end, split evenly over the pool.
template <class Tensor, class Range>
void each_tensor(const Tensor* tensors, int64_t count, Range range) {
    int64_t total = 0;
    for (int64_t i = 0; i < count; ++i) total += tensors[i].size;
    parallel_for(total, kGrain, [=](int64_t begin, int64_t end) {
        int64_t offset = 0;
        for (int64_t i = 0; i < count && offset < end; offset += tensors[i++].size) {
            const int64_t from = larger(begin - offset, 0), to = smaller(end - offset, tensors[i].size);
            if (from < to) range(tensors[i], from, to);
        }
    });
}

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

// body(lane) over [begin, end).
template <class T, class Body>
RL_INLINE void walk(int64_t begin, int64_t end, Body body) {
    for (; begin + lanes<T> <= end; begin += lanes<T>) body(Lane<T, true>{begin, lanes<T>});
    if (begin < end) body(Lane<T, false>{begin, end - begin});
}

template <class T>
void sgd(const SgdTensor<T>* tensors, int64_t count, const SgdOptions& o) {
    const Vec<T> rate = splat(T(-o.lr)), momentum = splat(T(o.momentum)), fresh_share = splat(T(1 - o.dampening));
    const Vec<T> decay = splat(T(o.weight_decay)), sign = splat(T(o.maximize ? -1 : 1));
    const bool decays = o.weight_decay != 0, nesterov = o.nesterov;
    each_tensor(tensors, count, [=](const SgdTensor<T>& t, int64_t begin, int64_t end) {
        walk<T>(begin, end, [&](auto lane) {
            Vec<T> param = lane.get(t.param), grad = lane.get(t.grad) * sign;
            if (decays) grad = fmadd<T>(decay, param, grad);
            if (t.buffer) {
                const Vec<T> buffer = t.fresh ? grad : fmadd<T>(fresh_share, grad, lane.get(t.buffer) * momentum);
                lane.put(t.buffer, buffer);
                grad = nesterov ? fmadd<T>(momentum, buffer, grad) : buffer;
            }
            lane.put(t.param, fmadd<T>(rate, grad, param));
        });
    });
}

template <class T>
struct AdamConstants {
    Vec<T> keep, decay, sign, mean_share, mean_keep, square_keep, square_share, root_scale, eps, rate;
    bool decoupled, coupled, mean_from_grad;
};

template <class T>
AdamConstants<T> adam_constants(const AdamOptions& o) {
    const double correction1 = 1 - __builtin_pow(o.beta1, o.step), correction2 = 1 - __builtin_pow(o.beta2, o.step);
    AdamConstants<T> c;
    c.keep = splat(T(1 - o.lr * o.weight_decay));
    c.decay = splat(T(o.weight_decay));
    c.sign = splat(T(o.maximize ? -1 : 1));
    c.mean_share = splat(T(1 - o.beta1));
    c.mean_keep = splat(T(1 - T(1 - o.beta1)));
    c.square_keep = splat(T(o.beta2));
    c.square_share = splat(T(1 - o.beta2));
    c.root_scale = splat(T(1 / __builtin_sqrt(correction2)));
    c.eps = splat(T(o.eps));
    c.rate = splat(T(-(o.lr / correction1)));
    c.decoupled = o.decoupled && o.weight_decay != 0;
    c.coupled = !o.decoupled && o.weight_decay != 0;
    c.mean_from_grad = 1 - o.beta1 >= 0.5;  // lerp starts from its nearer end, as PyTorch's does
    return c;
}

template <class T>
void adam(const AdamTensor<T>* tensors, int64_t count, const AdamOptions& options) {
    const AdamConstants<T> c = adam_constants<T>(options);
    each_tensor(tensors, count, [&c](const AdamTensor<T>& t, int64_t begin, int64_t end) {
        walk<T>(begin, end, [&](auto lane) {
            Vec<T> param = lane.get(t.param), grad = lane.get(t.grad) * c.sign;
            if (c.decoupled) param *= c.keep;
            if (c.coupled) grad = fmadd<T>(c.decay, param, grad);
            Vec<T> mean = lane.get(t.mean);
            const Vec<T> step = grad - mean;
            mean = c.mean_from_grad ? grad - step * c.mean_keep : fmadd<T>(c.mean_share, step, mean);
            const Vec<T> square = lane.get(t.square) * c.square_keep + c.square_share * grad * grad;
            lane.put(t.mean, mean);
            lane.put(t.square, square);
            Vec<T> largest = square;
            if (t.largest_square) {
                const Vec<T> before = lane.get(t.largest_square);
                largest = square < before ? before : square;
                largest = before != before ? before : largest;
                lane.put(t.largest_square, largest);
            }
            const Vec<T> denominator = fmadd<T>(sqrt<T>(largest), c.root_scale, c.eps);
            lane.put(t.param, param + c.rate * mean / denominator);
        });
    });
}

}  // namespace

const OptimKernels<float> optim_f32 = {sgd<float>, adam<float>};
const OptimKernels<double> optim_f64 = {sgd<double>, adam<double>};

}  // namespace rl::RL_ISA
