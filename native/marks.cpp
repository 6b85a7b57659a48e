// Elements held between two bounds, and a bit for each that says whether the gradient passes: the backward pass then reads a
// thirty-second of what the input would be, and the input need not be kept. A step of the loops is as many elements as a vector has,
// and eight at least: whole bytes of marks, so threads that share runs of 64 elements write no byte together.
#include "marks.h"

#include "core/thread_pool.h"
#include "core/vec_bits.h"

namespace rl::RL_ISA {
namespace {

constexpr int64_t kGrain = 1 << 15;  // elements for which a second thread pays
constexpr int64_t kRun = 64;         // elements that one thread takes at a time, at least

template <class T>
constexpr int kStep = lanes<T> < 8 ? 8 : lanes<T>;

// body(i, end) for runs of whole bytes of marks.
template <class Body>
RL_INLINE void each_run(int64_t n, Body body) {
    parallel_for(divide_up(n, kRun), kGrain / kRun, [=](int64_t begin, int64_t end) { body(begin * kRun, smaller(n, end * kRun)); });
}

template <class T>
void clamp(const T* x, T* out, uint8_t* marks, int64_t n, T low, T high, bool open) {
    each_run(n, [=](int64_t i, int64_t end) {
        for (; i < end; i += kStep<T>) {
            uint32_t bits = 0;
            for (int k = 0; k < kStep<T>; k += lanes<T>) {
                const Vec<T> v = load_n(x + i + k, end - i - k);
                const Mask<T> outside = open ? (v <= low) | (v >= high) : (v < low) | (v > high);
                const Vec<T> raised = v < low ? splat(low) : v;
                store_n(out + i + k, raised > high ? splat(high) : raised, end - i - k);
                bits |= lane_bits<T>(~outside) << k;
            }
            if (end - i < kStep<T>) bits &= (1u << (end - i)) - 1;
            for (int64_t byte = 0; byte < kStep<T> / 8 && i + 8 * byte < end; ++byte)
                marks[i / 8 + byte] = static_cast<uint8_t>(bits >> (8 * byte));
        }
    });
}

template <class T>
void keep(const T* x, const uint8_t* marks, T* out, int64_t n) {
    each_run(n, [=](int64_t i, int64_t end) {
        for (; i < end; i += kStep<T>) {
            uint32_t bits = 0;
            for (int64_t byte = 0; byte < kStep<T> / 8 && i + 8 * byte < end; ++byte)
                bits |= static_cast<uint32_t>(marks[i / 8 + byte]) << (8 * byte);
            for (int k = 0; k < kStep<T>; k += lanes<T>)
                store_n(out + i + k, with_bits<T>(load_n(x + i + k, end - i - k), bits >> k), end - i - k);
        }
    });
}

}  // namespace

const MarkKernels<float> marks_f32 = {clamp<float>, keep<float>};
const MarkKernels<double> marks_f64 = {clamp<double>, keep<double>};

}  // namespace rl::RL_ISA
