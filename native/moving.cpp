// Elements moved to and from where indices name them, by their size alone. What is read with an index out of range is element 0, so
// that the loops go on; the caller hears of it and gives the result to nobody.
#include "indexing_parts.h"

namespace rl::RL_ISA {
namespace {

struct Pair {
    uint64_t a, b;
};

// f with a null pointer of the type that has this size.
template <class F>
bool sized(int size, F f) {
    switch (size) {
        case 1: return f(static_cast<uint8_t*>(nullptr));
        case 2: return f(static_cast<uint16_t*>(nullptr));
        case 4: return f(static_cast<uint32_t*>(nullptr));
        case 8: return f(static_cast<uint64_t*>(nullptr));
        case 16: return f(static_cast<Pair*>(nullptr));
    }
    return false;
}

// out[j] = row[index[j] * step + j * along]; whether all were in range.
template <bool WRAPS, class T>
RL_INLINE bool gather_row(const int64_t* index, int64_t index_step, int64_t length, const T* row, int64_t step, int64_t along,
                          T* out, int64_t out_step, int64_t n) {
    alignas(64) int64_t places[kPlaces];
    bool good = true;
    for (; n > 0; n -= kPlaces) {
        const int64_t count = smaller(n, kPlaces);
        good &= read_places<WRAPS>(index, index_step, length, places, count);
#pragma GCC unroll 4
        for (int64_t j = 0; j < count; ++j) out[j * out_step] = row[places[j] * step + j * along];
        index += count * index_step, row += count * along, out += count * out_step;
    }
    return good;
}

template <class T>
RL_INLINE void copy_row(const T* from, int64_t step, T* to, int64_t to_step, int64_t n) {
    if (step == 1 && to_step == 1) {
        std::memcpy(to, from, n * sizeof(T));
    } else {
        for (int64_t j = 0; j < n; ++j) to[j * to_step] = from[j * step];
    }
}

template <class T>
bool gather_as(const Along& a, const int64_t* index, const T* own, T* other) {
    const int last = a.dims - 1;
    const int64_t step = a.own_step[a.dim], along = last == a.dim ? 0 : a.own_step[last], length = a.length;
    const int64_t index_step = a.index_step[last], other_step = a.other_step[last];
    std::atomic<bool> fine{true};
    in_parts(a, true, [&, along](int split, int64_t begin, int64_t end) {
        bool good = true;
        each_row(a, split, begin, end, [&](int64_t i, int64_t from, int64_t to, int64_t n) {
            const int64_t* named = index + i;
            if (index_step == 0 && last != a.dim) {
                const int64_t at = *named;
                const bool in_range = static_cast<uint64_t>(at) < static_cast<uint64_t>(length);
                good &= in_range;
                copy_row(own + from + (in_range ? at : 0) * step, along, other + to, other_step, n);
            } else if (index_step == 1 && other_step == 1 && last == a.dim && step == 1) {
                if (n > length / 8 && length <= kForeseen) foresee(own + from, length);
                good &= gather_row<false>(named, 1, length, own + from, 1, 0, other + to, 1, n);
            } else if (index_step == 1 && other_step == 1 && along == 1) {
                good &= gather_row<false>(named, 1, length, own + from, step, 1, other + to, 1, n);
            } else {
                good &= gather_row<false>(named, index_step, length, own + from, step, along, other + to, other_step, n);
            }
        });
        if (!good) fine.store(false, std::memory_order_relaxed);
    });
    return fine.load();
}

bool gather(int size, const Along& a, const int64_t* index, const void* own, void* other) {
    return sized(size, [&]<class T>(T*) { return gather_as(a, index, static_cast<const T*>(own), static_cast<T*>(other)); });
}

constexpr int64_t kShortRow = 1024;  // bytes of a row up to which a call of memcpy costs as much as the copy
constexpr int64_t kAhead = 8;        // rows, from the one that is copied to the one that the memory is asked for

RL_INLINE void copy_bytes(char* to, const char* from, int64_t bytes) {
    if (bytes < kVectorBytes || bytes > kShortRow) {
        std::memcpy(to, from, static_cast<size_t>(bytes));
        return;
    }
    // The last vector may begin within the one before.
    for (int64_t k = 0; k < bytes; k += kVectorBytes) {
        const int64_t at = smaller(k, bytes - kVectorBytes);
        std::memcpy(to + at, from + at, kVectorBytes);
    }
}

// Rows of the result, all outer ones in one sequence, are shared by the threads.
template <class T>
bool take_as(const Slices& s, const int64_t* index, const T* own, T* out) {
    std::atomic<bool> fine{true};
    parallel_for(s.outer * s.count, kGrain / (s.inner + 1) + 1, [&](int64_t row, int64_t end) {
        bool good = true;
        while (row < end) {
            const int64_t o = row / s.count, i = row % s.count;
            const int64_t n = s.count - i < end - row ? s.count - i : end - row;
            const T* from = own + o * s.length * s.inner;
            T* to = out + row * s.inner;
            row += n;
            if (s.inner == 1) {
                good &= s.wraps ? gather_row<true>(index + i, 1, s.length, from, 1, 0, to, 1, n)
                                : gather_row<false>(index + i, 1, s.length, from, 1, 0, to, 1, n);
                continue;
            }
            const int64_t bytes = s.inner * static_cast<int64_t>(sizeof(T));
            const char* const rows = reinterpret_cast<const char*>(from);
            const auto row_of = [&](int64_t j, bool& in_range) __attribute__((always_inline)) {
                const uint64_t place = s.wraps ? placed<true>(index[i + j], s.length) : placed<false>(index[i + j], s.length);
                in_range = place < static_cast<uint64_t>(s.length);
                return rows + (in_range ? static_cast<int64_t>(place) : 0) * bytes;
            };
            for (int64_t j = 0; j < n; ++j) {
                bool in_range, later;
                if (j + kAhead < n && bytes <= kShortRow) {
                    const char* const next = row_of(j + kAhead, later);
                    for (int64_t k = 0; k < bytes; k += 64) __builtin_prefetch(next + k);
                }
                const char* const one = row_of(j, in_range);
                good &= in_range;
                copy_bytes(reinterpret_cast<char*>(to) + j * bytes, one, bytes);
            }
        }
        if (!good) fine.store(false, std::memory_order_relaxed);
    });
    return fine.load();
}

bool take(int size, const Slices& s, const int64_t* index, const void* own, void* out) {
    return sized(size, [&]<class T>(T*) { return take_as(s, index, static_cast<const T*>(own), static_cast<T*>(out)); });
}

bool put(int size, const Slices& s, const int64_t* index, void* own, const void* values, bool single) {
    if (!all_in_range(index, s.count, s.length, s.wraps)) return false;
    return sized(size, [&]<class T>(T*) {
        T* target = static_cast<T*>(own);
        const T* given = static_cast<const T*>(values);
        each_slice(s, index, target, [=](int64_t o, int64_t i, int64_t place, int64_t begin, int64_t end, auto inner) {
            T* to = target + (o * s.length + place) * inner;
            if (single) {
                const T value = *given;
                for (int64_t j = begin; j < end; ++j) to[j] = value;
            } else {
                const T* from = given + (o * s.count + i) * inner;
                for (int64_t j = begin; j < end; ++j) to[j] = from[j];
            }
        });
        return true;
    });
}

void copy(const char* from, char* to, int64_t n) {
    parallel_for(n, kGrain * 16, [=](int64_t begin, int64_t end) { std::memcpy(to + begin, from + begin, end - begin); });
}

bool places(int dims, const int64_t* const* indices, const int64_t* lengths, int64_t n, int64_t* out) {
    std::atomic<bool> fine{true};
    parallel_for(n, kGrain / dims, [&](int64_t begin, int64_t end) {
        uint64_t bad = 0;
        for (int d = 0; d < dims; ++d) {
            const int64_t* index = indices[d];
            const int64_t length = lengths[d];
            for (int64_t i = begin; i < end; ++i) {
                const uint64_t place = placed<true>(index[i], length);
                bad |= place >= static_cast<uint64_t>(length);
                // As unsigned numbers: what is out of range may overflow.
                const uint64_t before = d ? static_cast<uint64_t>(out[i]) * static_cast<uint64_t>(length) : 0;
                out[i] = static_cast<int64_t>(before + place);
            }
        }
        if (bad) fine.store(false, std::memory_order_relaxed);
    });
    return fine.load();
}

}  // namespace

const MovingKernels moving = {gather, take, put, copy, places};

}  // namespace rl::RL_ISA
