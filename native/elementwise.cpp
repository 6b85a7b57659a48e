#include "elementwise.h"

#include "core/thread_pool.h"
#include "core/vec.h"

namespace rl::RL_ISA {
namespace {

constexpr int64_t kGrain = 1 << 15;  // elements for which a second thread pays

template <class T>
void relu(const T* x, T* out, int64_t n) {
    parallel_for(n, kGrain, [=](int64_t i, int64_t end) {
        const Vec<T> zero{};
        for (; i + lanes<T> <= end; i += lanes<T>) {
            const Vec<T> v = load(x + i);
            store(out + i, v <= zero ? zero : v);
        }
        for (; i < end; ++i) out[i] = x[i] <= 0 ? T(0) : x[i];
    });
}

template <class T>
void threshold_backward(const T* grad, const T* result, T* out, int64_t n) {
    parallel_for(n, kGrain, [=](int64_t i, int64_t end) {
        const Vec<T> zero{};
        for (; i + lanes<T> <= end; i += lanes<T>) store(out + i, load(result + i) <= zero ? zero : load(grad + i));
        for (; i < end; ++i) out[i] = result[i] <= 0 ? T(0) : grad[i];
    });
}

}  // namespace

const ElementwiseKernels<float> elementwise_f32 = {relu<float>, threshold_backward<float>};
const ElementwiseKernels<double> elementwise_f64 = {relu<double>, threshold_backward<double>};

}  // namespace rl::RL_ISA
