#include "sequences.h"

#include "core/thread_pool.h"
#include "core/vec.h"

namespace rl::RL_ISA {
namespace {

constexpr int64_t kGrain = 1 << 15;

// place * step + from. For float the product is exact in double (places below 2**29), so that the sum alone is rounded, and then
// once more to float, as the reference has it.
RL_INLINE float at(int64_t place, float step, float from) {
    return static_cast<float>(static_cast<double>(place) * static_cast<double>(step) + static_cast<double>(from));
}
RL_INLINE double at(int64_t place, double step, double from) {
    return __builtin_fma(static_cast<double>(place), step, from);
}

template <class T>
void spaced(T* out, int64_t n, T low, T high, T step) {
    const int64_t half = n / 2;
    parallel_for(n, kGrain, [=](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < smaller(end, half); ++i) out[i] = at(i, step, low);
        for (int64_t i = larger(begin, half); i < end; ++i) out[i] = at(i - (n - 1), step, high);
    });
}

}  // namespace

const SequenceKernels<float> sequences_f32 = {spaced<float>};
const SequenceKernels<double> sequences_f64 = {spaced<double>};

}  // namespace rl::RL_ISA
