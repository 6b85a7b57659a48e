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

constexpr int64_t kRun = 32;  // rows added up by themselves, and these sums then: a long sum loses fewer digits

// The sums of WIDTH vectors of columns, which stay in registers on the way down.
template <class T, int WIDTH, class Load>
RL_INLINE void sum_down(int64_t rows, Vec<T> (&total)[WIDTH], Load load) {
    for (int64_t first = 0; first < rows; first += kRun) {
        const int64_t end = first + kRun < rows ? first + kRun : rows;
        Vec<T> run[WIDTH] = {};
        for (int64_t i = first; i < end; ++i) {
            for (int v = 0; v < WIDTH; ++v) run[v] += load(i, v);
        }
        for (int v = 0; v < WIDTH; ++v) total[v] += run[v];
    }
}

template <class T, int WIDTH>
RL_INLINE void sum_columns(const T* x, T* out, int64_t rows, int64_t columns, int64_t j) {
    Vec<T> total[WIDTH] = {};
    sum_down<T, WIDTH>(rows, total, [=](int64_t i, int v) { return load(x + i * columns + j + v * lanes<T>); });
    for (int v = 0; v < WIDTH; ++v) store(out + j + v * lanes<T>, total[v]);
}

template <class T>
void column_sums(const T* x, T* out, int64_t rows, int64_t columns) {
    const int64_t blocks = (columns + 4 * lanes<T> - 1) / (4 * lanes<T>);
    const int64_t grain = kGrain / (4 * lanes<T> * (rows + 1)) + 1;
    parallel_for(blocks, grain, [=](int64_t begin, int64_t end) {
        int64_t j = begin * 4 * lanes<T>;
        const int64_t stop = end * 4 * lanes<T> < columns ? end * 4 * lanes<T> : columns;
        for (; j + 4 * lanes<T> <= stop; j += 4 * lanes<T>) sum_columns<T, 4>(x, out, rows, columns, j);
        for (; j + lanes<T> <= stop; j += lanes<T>) sum_columns<T, 1>(x, out, rows, columns, j);
        if (j < stop) {
            Vec<T> total[1] = {};
            sum_down<T, 1>(rows, total, [=](int64_t i, int) { return load_part(x + i * columns + j, stop - j); });
            store_part(out + j, total[0], stop - j);
        }
    });
}

}  // namespace

const ElementwiseKernels<float> elementwise_f32 = {relu<float>, threshold_backward<float>, column_sums<float>};
const ElementwiseKernels<double> elementwise_f64 = {relu<double>, threshold_backward<double>, column_sums<double>};

}  // namespace rl::RL_ISA
