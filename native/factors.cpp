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

// Step k finds the reflection I - tau v vᵀ, v = (1, …), that leaves of column k only its first element, which takes the sign that
// makes v's sum the larger, and reflects the columns after it. v is kept below the diagonal, and its products with all columns are
// made row by row. Q is what the reflections make of the first columns of I, the last reflection first.
template <class T>
void qr_of_one(const T* matrix, T* q, T* r, T* work, int64_t rows, int64_t columns) {
    const int64_t steps = rows < columns ? rows : columns;
    T* const a = work;
    T* const taus = work + rows * columns;
    T* const sums = taus + columns;
    std::memcpy(a, matrix, rows * columns * sizeof(T));
    const auto reflect = [=](T* target, int64_t width, int64_t k, int64_t first) {
        // target -= tau v (vᵀ target), in the rows from k and the columns from `first` on.
        for (int64_t j = first; j < width; ++j) sums[j] = target[k * width + j];
        for (int64_t i = k + 1; i < rows; ++i) {
            const T v = a[i * columns + k];
            for (int64_t j = first; j < width; ++j) sums[j] += v * target[i * width + j];
        }
        for (int64_t j = first; j < width; ++j) {
            sums[j] *= taus[k];
            target[k * width + j] -= sums[j];
        }
        for (int64_t i = k + 1; i < rows; ++i) {
            const T v = a[i * columns + k];
            for (int64_t j = first; j < width; ++j) target[i * width + j] -= v * sums[j];
        }
    };
    for (int64_t k = 0; k < steps; ++k) {
        // In double precision and parts of the largest, so that no square overflows.
        const double alpha = a[k * columns + k];
        double most = alpha < 0 ? -alpha : alpha;
        bool nothing = true;
        for (int64_t i = k + 1; i < rows; ++i) {
            const double value = a[i * columns + k], size = value < 0 ? -value : value;
            most = size > most || size != size ? size : most;
            nothing &= value == 0;
        }
        taus[k] = 0;
        if (nothing) continue;
        double squares = 0;
        for (int64_t i = k; i < rows; ++i) {
            const double part = static_cast<double>(a[i * columns + k]) / most;
            squares += part * part;
        }
        const double length = most * __builtin_sqrt(squares), beta = alpha < 0 ? length : -length;
        taus[k] = static_cast<T>((beta - alpha) / beta);
        const double scale = 1 / (alpha - beta);
        for (int64_t i = k + 1; i < rows; ++i) a[i * columns + k] = static_cast<T>(static_cast<double>(a[i * columns + k]) * scale);
        reflect(a, columns, k, k + 1);
        a[k * columns + k] = static_cast<T>(beta);
    }
    for (int64_t i = 0; i < steps; ++i) {
        for (int64_t j = 0; j < columns; ++j) r[i * columns + j] = j < i ? T(0) : a[i * columns + j];
    }
    for (int64_t i = 0; i < rows; ++i) {
        for (int64_t j = 0; j < steps; ++j) q[i * steps + j] = i == j ? T(1) : T(0);
    }
    for (int64_t k = steps - 1; k >= 0; --k) reflect(q, steps, k, k);
}

template <class T>
void qr(const T* matrices, T* q, T* r, T* work, int64_t count, int64_t rows, int64_t columns) {
    const int64_t steps = rows < columns ? rows : columns, room = (rows + 2) * columns;
    parallel_for(count, kGrain / (4 * rows * columns * steps + 1) + 1, [=](int64_t i, int64_t end) {
        for (; i < end; ++i) {
            qr_of_one(matrices + i * rows * columns, q + i * rows * steps, r + i * steps * columns, work + i * room, rows, columns);
        }
    });
}

// Row by row, from the end that has one unknown: what the rows before owe is taken off, then the row is divided by the diagonal.
template <class T>
void solve(const T* matrices, MatrixSteps steps, T* solutions, int64_t count, int64_t n, int64_t columns, bool upper, bool unit) {
    parallel_for(count, kGrain / (n * n * columns + 1) + 1, [=](int64_t m, int64_t end) {
        for (; m < end; ++m) {
            const T* a = matrices + m * n * n;
            T* x = solutions + m * n * columns;
            for (int64_t step = 0; step < n; ++step) {
                const int64_t i = upper ? n - 1 - step : step;
                T* row = x + i * columns;
                for (int64_t before = 0; before < step; ++before) {
                    const int64_t k = upper ? n - 1 - before : before;
                    const T factor = a[i * steps.row + k * steps.column];
                    const T* other = x + k * columns;
                    for (int64_t j = 0; j < columns; ++j) row[j] -= factor * other[j];
                }
                if (unit) continue;
                const T pivot = a[i * (steps.row + steps.column)];
                for (int64_t j = 0; j < columns; ++j) row[j] /= pivot;
            }
        }
    });
}

}  // namespace

const FactorKernels<float> factors_f32 = {lu<float>, qr<float>, solve<float>};
const FactorKernels<double> factors_f64 = {lu<double>, qr<double>, solve<double>};

}  // namespace rl::RL_ISA
