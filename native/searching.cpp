// Places in sorted rows, and counts. A search halves the ranges of several values in turn, without branches, so that their reads
// overlap. Counts go to tables of each thread's own, which the caller adds up.
#include "searching.h"

#include <atomic>

#include "core/thread_pool.h"
#include "core/vec.h"

namespace rl::RL_ISA {
namespace {

constexpr int64_t kGrain = 1 << 12;  // searches for which a second thread pays
constexpr int kTogether = 8;         // values that are searched for together
constexpr int64_t kBlock = 256;      // numbers whose bins are found before they are counted
constexpr int64_t kSpread = 4;       // tables that neighbours take in turn: a counter waits for its last change
constexpr int64_t kShort = 1024;     // counters that fit into the nearest cache that often

// Whether a key is passed over on the way to a value: so is what does not compare, a NaN.
template <bool RIGHT, class T>
RL_INLINE bool passes(T key, T value) {
    return RIGHT ? !(key > value) : !(key >= value);
}

// Searches of one length for as many values as there are, in step.
template <bool RIGHT, class T>
RL_INLINE void search_some(const T* keys, int64_t n, const T* values, int count, int64_t* out) {
    T wanted[kTogether];
    int64_t low[kTogether];
#pragma GCC unroll 16
    for (int i = 0; i < kTogether; ++i) {
        wanted[i] = values[i < count ? i : 0];
        low[i] = 0;
    }
    for (int64_t left = n; left > 1;) {
        const int64_t half = left >> 1;
#pragma GCC unroll 16
        for (int i = 0; i < kTogether; ++i) {
            low[i] += -static_cast<int64_t>(passes<RIGHT>(keys[low[i] + half - 1], wanted[i])) & half;
        }
        left -= half;
    }
#pragma GCC unroll 16
    for (int i = 0; i < kTogether; ++i) low[i] += passes<RIGHT>(keys[low[i]], wanted[i]);
    for (int i = 0; i < count; ++i) out[i] = low[i];
}

// Where keys end in NaNs the order in which they are looked at matters: this is PyTorch's.
template <bool RIGHT, class T>
int64_t search_as_pytorch(const T* keys, int64_t n, T value) {
    int64_t low = 0, high = n;
    while (low < high) {
        const int64_t middle = low + ((high - low) >> 1);
        if (passes<RIGHT>(keys[middle], value)) low = middle + 1;
        else high = middle;
    }
    return low;
}

template <bool RIGHT, class T>
void search_row(const T* row, int64_t n, const T* values, int64_t count, int64_t* out) {
    if (row[n - 1] != row[n - 1]) {
        for (int64_t i = 0; i < count; ++i) out[i] = search_as_pytorch<RIGHT>(row, n, values[i]);
        return;
    }
    for (int64_t i = 0; i < count; i += kTogether) {
        search_some<RIGHT>(row, n, values + i, count - i < kTogether ? static_cast<int>(count - i) : kTogether, out + i);
    }
}

template <class T>
void search(const T* keys, int64_t key_step, int64_t n, const T* values, int64_t rows, int64_t m, bool right, int64_t* out) {
    parallel_for(rows * m, kGrain, [=](int64_t i, int64_t end) {
        while (i < end) {
            const int64_t row_end = (i / m + 1) * m < end ? (i / m + 1) * m : end;
            const T* row = keys + i / m * key_step;
            if (right) search_row<true>(row, n, values + i, row_end - i, out + i);
            else search_row<false>(row, n, values + i, row_end - i, out + i);
            i = row_end;
        }
    });
}

template <class T>
void histogram(const T* x, int64_t n, int64_t bins, T low, T high, int parts, int64_t* tables) {
    parallel_parts(parts, [=](int part, int total) {
        int64_t* table = tables + part * (bins + 1);
        for (int64_t b = 0; b <= bins; ++b) table[b] = 0;
        const int64_t end = n * (part + 1) / total;
        const T width = high - low, count = static_cast<T>(bins);
        const T last = static_cast<T>(bins - 1);
        const auto outside = static_cast<int32_t>(bins);
        for (int64_t i = n * part / total; i < end; i += kBlock) {
            const int64_t some = end - i < kBlock ? end - i : kBlock;
            int32_t place[kBlock];
            for (int64_t j = 0; j < some; ++j) {
                const T value = x[i + j];
                const bool inside = value >= low && value <= high;
                // As a floating-point number, since the difference may be infinite.
                const T bin = ((inside ? value : low) - low) * count / width;
                place[j] = inside ? static_cast<int32_t>(bin < last ? bin : last) : outside;
            }
            for (int64_t j = 0; j < some; ++j) ++table[place[j]];
        }
    });
}

template <class T>
constexpr SearchingKernels<T> searching_table = {search<T>, histogram<T>};

void extent(const int64_t* x, int64_t n, int64_t* least, int64_t* most) {
    std::atomic<int64_t> low{x[0]}, high{x[0]};
    parallel_for(n, kGrain, [&](int64_t i, int64_t end) {
        int64_t a = x[i], b = x[i];
        for (; i < end; ++i) {
            a = x[i] < a ? x[i] : a;
            b = x[i] > b ? x[i] : b;
        }
        for (int64_t old = low; a < old && !low.compare_exchange_weak(old, a);) {}
        for (int64_t old = high; b > old && !high.compare_exchange_weak(old, b);) {}
    });
    *least = low;
    *most = high;
}

bool count(const int64_t* x, int64_t n, int64_t length, int parts, int64_t* tables) {
    std::atomic<bool> fine{true};
    parallel_parts(parts, [&](int part, int total) {
        int64_t* table = tables + part * length;
        for (int64_t b = 0; b < length; ++b) table[b] = 0;
        const int64_t begin = n * part / total, end = n * (part + 1) / total;
        const auto most = static_cast<uint64_t>(length);
        int64_t missed = 0;
        if (length <= kShort && end - begin > kSpread * length) {
            int64_t spread[kSpread * kShort];
            for (int64_t b = 0; b < kSpread * length; ++b) spread[b] = 0;
            for (int64_t i = begin; i < end; ++i) {
                const auto value = static_cast<uint64_t>(x[i]);
                if (value < most) ++spread[kSpread * static_cast<int64_t>(value) + i % kSpread];
                else ++missed;
            }
            for (int64_t b = 0; b < kSpread * length; ++b) table[b / kSpread] += spread[b];
        } else {
            for (int64_t i = begin; i < end; ++i) {
                const auto value = static_cast<uint64_t>(x[i]);
                if (value < most) ++table[value];
                else ++missed;
            }
        }
        if (missed) fine.store(false, std::memory_order_relaxed);
    });
    return fine.load();
}

}  // namespace

const SearchingKernels<float> searching_f32 = searching_table<float>;
const SearchingKernels<double> searching_f64 = searching_table<double>;
const SearchingKernels<int64_t> searching_i64 = {search<int64_t>, nullptr};
const CountingKernels counting = {extent, count};

}  // namespace rl::RL_ISA
