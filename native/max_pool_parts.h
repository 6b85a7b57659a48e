// What the largest of windows and its gradient share. Kernel files only, as core/vec.h.
#pragma once

#include "core/vec_bits.h"
#include "core/vec_strided.h"
#include "pool.h"

namespace rl::RL_ISA {
namespace {

constexpr int64_t kGrain = 1 << 14;  // window places for which a second thread pays

template <class T>
using Index = std::remove_reference_t<decltype(Mask<T>{}[0])>;

RL_INLINE int64_t elements(const int64_t (&sizes)[3]) { return sizes[kDepth] * sizes[kHeight] * sizes[kWidth]; }

// Steps of a dilation that n elements take; most often each is one, and a division costs as much as a small row.
RL_INLINE int64_t steps(int64_t n, int64_t dilation) { return dilation == 1 ? n : divide_up(n, dilation); }

// As many bytes as a vector has lanes, and the same as the elements of a mask; written out where compilers take them one by one.
template <class T>
struct BytesOf {
    typedef uint8_t type __attribute__((vector_size(lanes<T>)));
};
template <class T>
using Bytes = typename BytesOf<T>::type;

template <class T>
RL_INLINE Mask<T> widened(Bytes<T> bytes) {
#if defined(__AVX2__)
    uint64_t first = 0;
    if constexpr (lanes<T> <= 8) __builtin_memcpy(&first, &bytes, sizeof bytes);
    const __m128i low = _mm_cvtsi64_si128(static_cast<int64_t>(first));
    if constexpr (lanes<T> == 4) return (Mask<T>)_mm256_cvtepu8_epi64(low);
#if defined(__AVX512F__)
    if constexpr (lanes<T> == 16) return (Mask<T>)_mm512_cvtepu8_epi32((__m128i)bytes);
    if constexpr (lanes<T> == 8) return (Mask<T>)_mm512_cvtepu8_epi64(low);
#else
    if constexpr (lanes<T> == 8) return (Mask<T>)_mm256_cvtepu8_epi32(low);
#endif
#endif
    return __builtin_convertvector(bytes, Mask<T>);
}

template <class T>
RL_INLINE Bytes<T> narrowed(Mask<T> mask) {
#if defined(__AVX2__) && !defined(__AVX512F__)
    if constexpr (lanes<T> == 8) {
        const __m256i all = (__m256i)mask, zero = _mm256_setzero_si256();
        const __m256i halves = _mm256_packus_epi16(_mm256_packus_epi32(all, zero), zero);
        const __m128i joined = _mm_unpacklo_epi32(_mm256_castsi256_si128(halves), _mm256_extracti128_si256(halves, 1));
        Bytes<T> bytes;
        __builtin_memcpy(&bytes, &joined, sizeof bytes);
        return bytes;
    }
#endif
    return __builtin_convertvector(mask, Bytes<T>);
}

// How the kernels are built: for a stride between columns (0: any), a size of the windows along them (0: any, with any dilation),
// and one row or two in a vector.
template <int STRIDE, int KERNEL, bool PAIR = false>
struct Build {
    static constexpr int kStride = STRIDE, kKernel = KERNEL, kTogether = STRIDE ? STRIDE : 1;
    static constexpr bool kPair = PAIR;
};

}  // namespace
}  // namespace rl::RL_ISA
