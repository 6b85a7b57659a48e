// How an index is walked through, for indexing.cpp and moving.cpp. Included inside neither's anonymous namespace: it opens its own.
#pragma once

#include <atomic>

#include "core/thread_pool.h"
#include "core/vec.h"
#include "indexing.h"

namespace rl::RL_ISA {
namespace {

constexpr int64_t kGrain = 1 << 14;    // elements for which a second thread pays
constexpr int64_t kWideSlice = 256;    // columns a place, from which threads share them: else their ends, fetched in advance, cost more
constexpr int64_t kForeseen = 1 << 14; // elements that fit into the nearer caches
constexpr int64_t kPlaces = 128;      // indices that are checked at a time
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

// places[j] = what index[j] stands for, 0 where that is out of range; whether none is. Each index is read once: another thread
// may change it.
template <bool WRAPS>
RL_INLINE bool read_places(const int64_t* index, int64_t step, int64_t length, int64_t* places, int64_t n) {
    using Places = Vec<uint64_t>;
    const uint64_t limit = static_cast<uint64_t>(length);
    Mask<uint64_t> outside{};
    int64_t j = 0;
    if (step == 1) {
        const Places all = splat(limit);
        for (; j + lanes<int64_t> <= n; j += lanes<int64_t>) {
            Vec<int64_t> at = load(index + j);
            if constexpr (WRAPS) at += (at < 0) & length;
            const Mask<uint64_t> out = (Places)at >= all;
            outside |= out;
            store(places + j, (Vec<int64_t>)((Places)at & ~(Places)out));
        }
    }
    uint64_t bad = 0;
    for (int v = 0; v < lanes<uint64_t>; ++v) bad |= static_cast<uint64_t>(outside[v]);
    for (; j < n; ++j) {
        const uint64_t place = placed<WRAPS>(index[j * step], length);
        bad |= place >= limit;
        places[j] = place >= limit ? 0 : static_cast<int64_t>(place);
    }
    return bad == 0;
}

// Which of at most kPlaces indices name a place in [low, high): found[k] = that place times kPlaces, plus where in the block. Without
// a branch, as nothing foresees where a place lies. How many; `bad` becomes true where one is out of range.
template <bool WRAPS>
RL_INLINE int64_t sift(const int64_t* index, int64_t step, int64_t n, int64_t length, int64_t low, int64_t high, uint64_t* found,
                       bool& bad) {
    const uint64_t limit = static_cast<uint64_t>(length), first = static_cast<uint64_t>(low), range = static_cast<uint64_t>(high - low);
    int64_t count = 0, j = 0;
#if defined(__AVX512F__)
    if (step == 1) {
        __mmask8 outside = 0;
        Vec<uint64_t> lane = (Vec<uint64_t>)iota<uint64_t>(std::make_integer_sequence<int, lanes<uint64_t>>{});
        for (; j + lanes<int64_t> <= n; j += lanes<int64_t>) {
            Vec<int64_t> at = load(index + j);
            if constexpr (WRAPS) at += (at < 0) & length;
            const auto place = (Vec<uint64_t>)at;
            outside |= _mm512_cmpge_epu64_mask((__m512i)place, (__m512i)splat(limit));
            const __mmask8 within = _mm512_cmplt_epu64_mask((__m512i)(place - first), (__m512i)splat(range));
            _mm512_storeu_si512(found + count, _mm512_maskz_compress_epi64(within, (__m512i)(place * kPlaces | lane)));
            count += __builtin_popcount(within);
            lane += lanes<uint64_t>;
        }
        bad |= outside != 0;
    }
#endif
    for (; j < n; ++j) {
        const uint64_t place = placed<WRAPS>(index[j * step], length);
        bad |= place >= limit;
        found[count] = place * kPlaces + static_cast<uint64_t>(j);
        count += place - first < range;
    }
    return count;
}

// body(i, place) for the indices that name a place in [low, high), in order. Whether all indices were in range.
template <class Body>
RL_INLINE bool each_within(const int64_t* index, int64_t step, int64_t n, int64_t length, bool wraps, int64_t low, int64_t high,
                           Body body) {
    alignas(64) uint64_t found[kPlaces + lanes<uint64_t>];  // whole vectors are written
    bool bad = false;
    for (int64_t first = 0; first < n; first += kPlaces) {
        const int64_t size = smaller(n - first, kPlaces);
        const int64_t* const block = index + first * step;
        const int64_t count = wraps ? sift<true>(block, step, size, length, low, high, found, bad)
                                    : sift<false>(block, step, size, length, low, high, found, bad);
        for (int64_t k = 0; k < count; ++k)
            body(first + static_cast<int64_t>(found[k] % kPlaces), static_cast<int64_t>(found[k] / kPlaces));
    }
    return !bad;
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

// slice(outer, i, place, begin, end, inner) for every index and the columns [begin, end) of its slice, in the index's order as far
// as a place is concerned: threads share the outer dimension, the places, or where those are few the columns. Slices of one element are
// known as such when the loop is compiled. The index was checked; where another thread has changed it since, some element is named.
template <class T, class Slice>
void each_slice(const Slices& s, const int64_t* index, const T* own, Slice slice) {
    const int64_t work = s.count * s.inner;
    if (s.outer == 0 || work == 0) return;
    const auto walk = [=](int64_t o, int64_t end_o, int64_t begin, int64_t end, auto inner) {
        alignas(64) int64_t places[kPlaces];
        for (; o < end_o; ++o) {
            if (s.count > s.length / 8 && s.length * inner <= kForeseen) foresee(own + o * s.length * inner, s.length * inner);
            for (int64_t first = 0; first < s.count; first += kPlaces) {
                const int64_t n = smaller(s.count - first, kPlaces);
                read_places<true>(index + first, 1, s.length, places, n);
#pragma GCC unroll 4
                for (int64_t k = 0; k < n; ++k) {
                    if constexpr (std::is_same_v<decltype(inner), int64_t>) slice(o, first + k, places[k], begin, end, inner);
                    else slice(o, first + k, places[k], 0, inner, inner);
                }
            }
        }
    };
    const auto share = [=](auto inner) {
        if (s.outer > 1) {
            parallel_for(s.outer, kGrain / (work + 1) + 1, [=](int64_t o, int64_t end) { walk(o, end, 0, s.inner, inner); });
        } else if (s.inner > kWideSlice * s.length) {
            const int64_t groups = divide_up(s.inner, kColumns);
            parallel_parts(parts_for(groups, kGrain / s.count / kColumns + 1), [=](int part, int parts) {
                const int64_t begin = groups * part / parts * kColumns, end = groups * (part + 1) / parts * kColumns;
                walk(0, 1, begin, smaller(end, s.inner), inner);
            });
        } else {
            parallel_parts(parts_for(work, kGrain), [=](int part, int parts) {
                if (parts == 1) return walk(0, 1, 0, s.inner, inner);
                each_within(index, 1, s.count, s.length, true, s.length * part / parts, s.length * (part + 1) / parts,
                            [=](int64_t i, int64_t place) { slice(0, i, place, 0, inner, inner); });
            });
        }
    };
    if (s.inner == 1) share(std::integral_constant<int64_t, 1>{});
    else share(s.inner);
}

}  // namespace
}  // namespace rl::RL_ISA
