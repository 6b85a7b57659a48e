// How an index is walked through, for indexing.cpp and moving.cpp. Included inside neither's anonymous namespace: it opens its own.
#pragma once

#include <atomic>

#include "core/thread_pool.h"
#include "core/vec.h"
#include "indexing.h"

namespace rl::RL_ISA {
namespace {

constexpr int64_t kGrain = 1 << 14;    // elements for which a second thread pays
constexpr int64_t kWideSlice = 64;     // elements of a slice from which threads share its columns
constexpr int64_t kForeseen = 1 << 14; // elements that fit into the nearer caches
constexpr int64_t kColumns = 16;       // whole cache lines, so that threads write to no line together

// row(index offset, own offset, other offset, count) for every row of the index (all dimensions but the last) whose place in
// dimension `split` is in [begin, end).
template <class Row>
RL_INLINE void each_row(const Along& a, int split, int64_t begin, int64_t end, Row row) {
    const int last = a.dims - 1;
    int64_t low[kMostIndexDims], high[kMostIndexDims], at[kMostIndexDims];
    int64_t index = 0, own = 0, other = 0;
    for (int d = 0; d < a.dims; ++d) {
        low[d] = d == split ? begin : 0;
        high[d] = d == split ? end : a.shape[d];
        at[d] = low[d];
        if (low[d] >= high[d]) return;
        index += low[d] * a.index_step[d];
        own += d == a.dim ? 0 : low[d] * a.own_step[d];
        other += low[d] * a.other_step[d];
    }
    for (;;) {
        row(index, own, other, high[last] - low[last]);
        int d = last - 1;
        for (; d >= 0; --d) {
            const int64_t own_step = d == a.dim ? 0 : a.own_step[d];
            if (++at[d] < high[d]) {
                index += a.index_step[d];
                own += own_step;
                other += a.other_step[d];
                break;
            }
            const int64_t back = high[d] - 1 - low[d];
            at[d] = low[d];
            index -= back * a.index_step[d];
            own -= back * own_step;
            other -= back * a.other_step[d];
        }
        if (d < 0) return;
    }
}

// body(split, begin, end) on parts of the longest dimension; the indexed one is split only where nothing is written through it.
template <class Body>
void in_parts(const Along& a, bool may_split_dim, Body body) {
    int split = -1;
    int64_t size = 1;
    for (int d = 0; d < a.dims; ++d) {
        size *= a.shape[d];
        if (d == a.dim && !may_split_dim) continue;
        if (split < 0 || a.shape[d] > a.shape[split]) split = d;
    }
    if (split < 0) {
        body(0, 0, a.shape[0]);
        return;
    }
    const int64_t each = size / (a.shape[split] > 0 ? a.shape[split] : 1) + 1;
    parallel_for(a.shape[split], kGrain / each + 1, [=](int64_t begin, int64_t end) { body(split, begin, end); });
}

// Asks for n elements that are about to be read, or written, in no order: the processor foresees only what follows.
template <class T>
RL_INLINE void foresee(const T* row, int64_t n) {
    for (int64_t j = 0; j < n; j += 64 / static_cast<int64_t>(sizeof(T))) __builtin_prefetch(row + j);
}

// The place an index stands for; at least `length` where there is none.
template <bool WRAPS>
RL_INLINE uint64_t placed(int64_t i, int64_t length) {
    if constexpr (WRAPS) i += i < 0 ? length : 0;
    return static_cast<uint64_t>(i);
}

inline bool all_in_range(const int64_t* index, int64_t n, int64_t length, bool wraps) {
    std::atomic<bool> fine{true};
    parallel_for(n, kGrain, [&](int64_t i, int64_t end) {
        const int64_t low = wraps ? -length : 0;
        int64_t bad = 0;
        for (; i < end; ++i) bad |= static_cast<int64_t>(index[i] < low) | static_cast<int64_t>(index[i] >= length);
        if (bad) fine.store(false, std::memory_order_relaxed);
    });
    return fine.load();
}

// slice(outer, i, place, begin, end) for every index and the columns [begin, end) of its slice, in the index's order as far as a
// place is concerned: threads share the outer dimension, the columns of wide slices, or the places.
template <class Slice>
void each_slice(const Slices& s, const int64_t* index, Slice slice) {
    const auto walk = [=](int64_t o, int64_t end_o, int64_t begin, int64_t end, int64_t low, int64_t high) {
        for (; o < end_o; ++o) {
            for (int64_t i = 0; i < s.count; ++i) {
                const auto place = static_cast<int64_t>(placed<true>(index[i], s.length));
                // Another thread may have changed the index since it was checked.
                if (place < low || place >= high) continue;
                if (s.inner == 1) slice(o, i, place, 0, 1);  // known when the loop is compiled
                else slice(o, i, place, begin, end);
            }
        }
    };
    const int64_t work = s.count * s.inner;
    if (s.outer == 0 || work == 0) return;
    if (s.outer > 1) {
        parallel_for(s.outer, kGrain / (work + 1) + 1,
                     [=](int64_t o, int64_t end) { walk(o, end, 0, s.inner, 0, s.length); });
    } else if (s.inner >= kWideSlice) {
        const int64_t groups = (s.inner + kColumns - 1) / kColumns;
        parallel_for(groups, kGrain / (kColumns * s.count + 1) + 1, [=](int64_t begin, int64_t end) {
            const int64_t last = end * kColumns < s.inner ? end * kColumns : s.inner;
            walk(0, 1, begin * kColumns, last, 0, s.length);
        });
    } else {
        parallel_parts(parts_for(work, kGrain), [=](int part, int parts) {
            walk(0, 1, 0, s.inner, s.length * part / parts, s.length * (part + 1) / parts);
        });
    }
}

}  // namespace
}  // namespace rl::RL_ISA
