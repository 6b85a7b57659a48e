// Choosing by masks. 64 bytes of a mask become the bits of a word, and the bits that are set are counted or visited one by one. Each
// thread has a part of the mask and knows, from counting before, where its results begin.
#include "selecting.h"

#include "core/thread_pool.h"
#include "core/vec.h"

namespace rl::RL_ISA {
namespace {

constexpr int64_t kWord = 64;
constexpr int64_t kGrain = 1 << 14;  // elements for which a second thread pays

// Bit i: whether byte i is not zero.
RL_INLINE uint64_t bits_of(const uint8_t* mask, int64_t n) {
    if (n < kWord) {
        uint64_t bits = 0;
        for (int64_t i = 0; i < n; ++i) bits |= static_cast<uint64_t>(mask[i] != 0) << i;
        return bits;
    }
#if defined(__AVX512F__)
    const __m512i bytes = _mm512_loadu_si512(mask);
    return _mm512_test_epi8_mask(bytes, bytes);
#elif defined(__AVX2__)
    const __m256i low = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(mask));
    const __m256i high = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(mask + 32));
    const auto a = static_cast<uint32_t>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(low, _mm256_setzero_si256())));
    const auto b = static_cast<uint32_t>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(high, _mm256_setzero_si256())));
    return ~(static_cast<uint64_t>(b) << 32 | a);
#else
    uint64_t bits = 0;
    for (int64_t i = 0; i < kWord; ++i) bits |= static_cast<uint64_t>(mask[i] != 0) << i;
    return bits;
#endif
}

void count(const uint8_t* mask, int64_t n, int parts, int64_t* counts) {
    parallel_parts(parts, [=](int part, int total) {
        int64_t found = 0;
        const int64_t end = n * (part + 1) / total;
        for (int64_t i = n * part / total; i < end; i += kWord) found += __builtin_popcountll(bits_of(mask + i, end - i));
        counts[part] = found;
    });
}

// word(begin, bits, k, count) for each word of a part in which something is true: what is written goes to k and on.
template <class Word>
RL_INLINE void each_word(const uint8_t* mask, int64_t n, int part, int parts, const int64_t* starts, Word word) {
    const int64_t end = n * (part + 1) / parts, last = starts[part + 1];
    int64_t k = starts[part];
    for (int64_t i = n * part / parts; i < end; i += kWord) {
        const uint64_t bits = bits_of(mask + i, end - i);
        const int64_t found = __builtin_popcountll(bits);
        if (found == 0) continue;
        if (found > last - k) return;
        word(i, bits, k, end - i);
        k += found;
    }
}

// body(i) for each bit that is set.
template <class Body>
RL_INLINE void each_bit(uint64_t bits, Body body) {
    for (; bits; bits &= bits - 1) body(static_cast<int64_t>(__builtin_ctzll(bits)));
}

// The elements of x whose bit is set, one after the other; there are n elements.
template <class T>
RL_INLINE void select_word(const T* x, uint64_t bits, [[maybe_unused]] int64_t n, T* out) {
#if defined(__AVX512F__)
    if constexpr (sizeof(T) == 4 || sizeof(T) == 8) {
        // A vector is compressed in its register, then written as far as it is full.
        constexpr int L = 64 / sizeof(T);
        for (int64_t i = 0; i < kWord && bits >> i; i += L) {
            const auto chosen = static_cast<uint32_t>(bits >> i & ((uint64_t{1} << L) - 1));
            const int found = __builtin_popcount(chosen);
            const auto full = static_cast<uint32_t>((uint64_t{1} << found) - 1);
            const auto there = static_cast<uint32_t>(n - i >= L ? (uint64_t{1} << L) - 1 : (uint64_t{1} << (n - i)) - 1);
            if constexpr (sizeof(T) == 4) {
                const __m512i v = _mm512_maskz_loadu_epi32(static_cast<__mmask16>(there), x + i);
                _mm512_mask_storeu_epi32(out, static_cast<__mmask16>(full),
                                         _mm512_maskz_compress_epi32(static_cast<__mmask16>(chosen), v));
            } else {
                const __m512i v = _mm512_maskz_loadu_epi64(static_cast<__mmask8>(there), x + i);
                _mm512_mask_storeu_epi64(out, static_cast<__mmask8>(full),
                                         _mm512_maskz_compress_epi64(static_cast<__mmask8>(chosen), v));
            }
            out += found;
        }
        return;
    }
#endif
    each_bit(bits, [&](int64_t i) { *out++ = x[i]; });
}

template <class T>
void select_as(const uint8_t* mask, int64_t n, int parts, const int64_t* starts, const char* x_, char* out_) {
    const T* x = reinterpret_cast<const T*>(x_);
    T* out = reinterpret_cast<T*>(out_);
    parallel_parts(parts, [=](int part, int total) {
        each_word(mask, n, part, total, starts,
                  [=](int64_t i, uint64_t bits, int64_t k, int64_t left) { select_word(x + i, bits, left, out + k); });
    });
}

void select(const uint8_t* mask, int64_t n, int parts, const int64_t* starts, const char* x, int64_t width, char* out) {
    switch (width) {
        case 1: return select_as<uint8_t>(mask, n, parts, starts, x, out);
        case 2: return select_as<uint16_t>(mask, n, parts, starts, x, out);
        case 4: return select_as<uint32_t>(mask, n, parts, starts, x, out);
        case 8: return select_as<uint64_t>(mask, n, parts, starts, x, out);
    }
    parallel_parts(parts, [=](int part, int total) {
        each_word(mask, n, part, total, starts, [=](int64_t i, uint64_t bits, int64_t k, int64_t) {
            each_bit(bits, [&](int64_t j) { std::memcpy(out + k++ * width, x + (i + j) * width, width); });
        });
    });
}

template <class T>
void place_as(const uint8_t* mask, int64_t n, int parts, const int64_t* starts, char* x_, const char* values_, bool single) {
    T* x = reinterpret_cast<T*>(x_);
    const T* values = reinterpret_cast<const T*>(values_);
    parallel_parts(parts, [=](int part, int total) {
        each_word(mask, n, part, total, starts, [=](int64_t i, uint64_t bits, int64_t k, int64_t) {
            const T* from = single ? values : values + k;
            const int64_t step = single ? 0 : 1;
            each_bit(bits, [&](int64_t j) {
                x[i + j] = *from;
                from += step;
            });
        });
    });
}

void place(const uint8_t* mask, int64_t n, int parts, const int64_t* starts, char* x, int64_t width, const char* values,
           bool single) {
    switch (width) {
        case 1: return place_as<uint8_t>(mask, n, parts, starts, x, values, single);
        case 2: return place_as<uint16_t>(mask, n, parts, starts, x, values, single);
        case 4: return place_as<uint32_t>(mask, n, parts, starts, x, values, single);
        case 8: return place_as<uint64_t>(mask, n, parts, starts, x, values, single);
    }
    parallel_parts(parts, [=](int part, int total) {
        each_word(mask, n, part, total, starts, [=](int64_t i, uint64_t bits, int64_t k, int64_t) {
            each_bit(bits, [&](int64_t j) { std::memcpy(x + (i + j) * width, values + (single ? 0 : k++) * width, width); });
        });
    });
}

template <class T>
void fill_as(const uint8_t* mask, int64_t n, const void* x_, const void* value_, void* out_) {
    const T* x = static_cast<const T*>(x_);
    T* out = static_cast<T*>(out_);
    const T value = *static_cast<const T*>(value_);
    parallel_for(n, kGrain, [=](int64_t i, int64_t end) {
        for (; i < end; ++i) {
            // Without a branch, which a mask like noise would make the processor guess.
            const auto chosen = static_cast<T>(-static_cast<int64_t>(mask[i] != 0));
            out[i] = static_cast<T>((x[i] & ~chosen) | (value & chosen));
        }
    });
}

void fill(int size, const uint8_t* mask, int64_t n, const void* x, const void* value, void* out) {
    switch (size) {
        case 1: return fill_as<uint8_t>(mask, n, x, value, out);
        case 2: return fill_as<uint16_t>(mask, n, x, value, out);
        case 4: return fill_as<uint32_t>(mask, n, x, value, out);
        case 8: return fill_as<uint64_t>(mask, n, x, value, out);
    }
}

// The numbers from `first` on whose bit is set.
RL_INLINE void write_places(int64_t first, uint64_t bits, int64_t* out) {
#if defined(__AVX512F__)
    const __m512i eight = _mm512_setr_epi64(0, 1, 2, 3, 4, 5, 6, 7);
    for (int64_t i = 0; i < kWord && bits >> i; i += 8) {
        const auto chosen = static_cast<__mmask8>(bits >> i & 255);
        const int found = __builtin_popcount(chosen);
        const __m512i places = _mm512_add_epi64(eight, _mm512_set1_epi64(first + i));
        _mm512_mask_storeu_epi64(out, static_cast<__mmask8>((1u << found) - 1), _mm512_maskz_compress_epi64(chosen, places));
        out += found;
    }
#else
    each_bit(bits, [&](int64_t i) { *out++ = first + i; });
#endif
}

// Row by row of the last dimension: its own coordinates come from the bits, the others are the same in the whole row.
void nonzero(const uint8_t* mask, int dims, const int64_t* shape, int parts, const int64_t* starts, int64_t total, int64_t* out) {
    int64_t n = 1;
    for (int d = 0; d < dims; ++d) n *= shape[d];
    const int last = dims - 1;
    const int64_t length = shape[last];
    parallel_parts(parts, [=](int part, int all) {
        int64_t i = n * part / all, k = starts[part];
        const int64_t end = n * (part + 1) / all, stop = starts[part + 1];
        int64_t at[kMostMaskDims];
        for (int64_t d = last, rest = i; d >= 0; --d) {
            at[d] = rest % shape[d];
            rest /= shape[d];
        }
        while (i < end) {
            const int64_t row_end = i + length - at[last] < end ? i + length - at[last] : end, first = k;
            for (int64_t j = at[last]; i < row_end; j += kWord) {
                const int64_t count = row_end - i < kWord ? row_end - i : kWord;
                const uint64_t bits = bits_of(mask + i, row_end - i);
                const int64_t found = __builtin_popcountll(bits);
                if (found > stop - k) return;
                if (found) write_places(j, bits, out + last * total + k);
                k += found;
                i += count;
            }
            for (int d = 0; d < last; ++d) {
                int64_t* row = out + d * total;
                for (int64_t e = first; e < k; ++e) row[e] = at[d];
            }
            at[last] = 0;
            for (int d = last - 1; d >= 0 && ++at[d] == shape[d]; --d) at[d] = 0;
        }
    });
}

}  // namespace

const SelectingKernels selecting = {count, select, place, fill, nonzero};

}  // namespace rl::RL_ISA
