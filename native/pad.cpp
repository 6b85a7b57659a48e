#include "pad.h"

#include "core/thread_pool.h"
#include "core/vec.h"

namespace rl::RL_ISA {
namespace {

constexpr int64_t kGrain = 1 << 14;  // elements for which a second thread pays

template <class T>
void copy(const PadLayout& l, const T* x, T* out) {
    parallel_for(l.planes * l.rows, kGrain / (l.columns + 1) + 1, [&](int64_t i, int64_t end) {
        for (; i < end; ++i) {
            const T* from = x + (i / l.rows * l.height + l.row[i % l.rows]) * l.width;
            T* to = out + i * l.columns;
            for (int64_t j = 0; j < l.run; ++j) to[j] = from[l.column[j]];
            if (l.run < l.run_end) std::memcpy(to + l.run, from + l.column[l.run], (l.run_end - l.run) * sizeof(T));
            for (int64_t j = l.run_end; j < l.columns; ++j) to[j] = from[l.column[j]];
        }
    });
}

template <class T>
void add(const PadLayout& l, const T* grad, T* out) {
    parallel_for(l.planes, kGrain / (l.rows * l.columns + 1) + 1, [&](int64_t plane, int64_t end) {
        for (; plane < end; ++plane) {
            T* to = out + plane * l.height * l.width;
            for (int64_t i = 0; i < l.height * l.width; ++i) to[i] = 0;
            for (int64_t i = 0; i < l.rows; ++i) {
                const T* from = grad + (plane * l.rows + i) * l.columns;
                T* line = to + l.row[i] * l.width;
                for (int64_t j = 0; j < l.run; ++j) line[l.column[j]] += from[j];
                if (l.run < l.run_end) {
                    T* begin = line + l.column[l.run];
                    const int64_t n = l.run_end - l.run;
                    int64_t j = 0;
                    for (; j + lanes<T> <= n; j += lanes<T>) store(begin + j, load(begin + j) + load(from + l.run + j));
                    for (; j < n; ++j) begin[j] += from[l.run + j];
                }
                for (int64_t j = l.run_end; j < l.columns; ++j) line[l.column[j]] += from[j];
            }
        }
    });
}

}  // namespace

const PadKernels<float> pad_f32 = {copy<float>, add<float>};
const PadKernels<double> pad_f64 = {copy<double>, add<double>};

}  // namespace rl::RL_ISA
