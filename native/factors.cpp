// Factors of small matrices, one matrix after the other (threads share the matrices of a batch).
#include "factors.h"

#include "core/thread_pool.h"
#include "core/vec.h"

namespace rl::RL_ISA {
namespace {

constexpr int64_t kGrain = 1 << 15;  // multiplications for which a second thread pays

// Step k finds the largest element of what is left of column k, exchanges whole rows, divides the column by it and takes from
// every row below its multiple of row k: the innermost loop runs along rows, which lie together. A NaN counts as the largest.
template <class T>
void lu_of_one(T* a, int32_t* pivots, int32_t& info, int64_t rows, int64_t columns) {
    const int64_t steps = rows < columns ? rows : columns;
    info = 0;
    for (int64_t k = 0; k < steps; ++k) {
        int64_t chosen = k;
        T most = T(-1);
        for (int64_t i = k; i < rows; ++i) {
            const T value = a[i * columns + k], size = value < 0 ? -value : value;
            if (size > most || size != size) {
                most = size;
                chosen = i;
                if (size != size) break;
            }
        }
        pivots[k] = static_cast<int32_t>(chosen + 1);
        T* row = a + k * columns;
        if (chosen != k) {
            T* other = a + chosen * columns;
            for (int64_t j = 0; j < columns; ++j) {
                const T kept = row[j];
                row[j] = other[j];
                other[j] = kept;
            }
        }
        T pivot = row[k];
        if (pivot == 0) {
            if (info == 0) info = static_cast<int32_t>(k + 1);
            pivot = 1;
        }
        for (int64_t i = k + 1; i < rows; ++i) {
            T* below = a + i * columns;
            const T factor = below[k] / pivot;
            below[k] = factor;
            for (int64_t j = k + 1; j < columns; ++j) below[j] -= factor * row[j];
        }
    }
}

template <class T>
void lu(T* matrices, int32_t* pivots, int32_t* info, int64_t count, int64_t rows, int64_t columns) {
    const int64_t steps = rows < columns ? rows : columns;
    parallel_for(count, kGrain / (rows * columns * steps + 1) + 1, [=](int64_t i, int64_t end) {
        for (; i < end; ++i) lu_of_one(matrices + i * rows * columns, pivots + i * steps, info[i], rows, columns);
    });
}

}  // namespace

const FactorKernels<float> factors_f32 = {lu<float>};
const FactorKernels<double> factors_f64 = {lu<double>};

}  // namespace rl::RL_ISA
