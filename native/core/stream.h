// Writing results past the caches. A line that is stored to is otherwise read first, and takes the place of one that might be
// read again; where operands and result together don't fit into the last cache, a sum of two arrays then takes half as long.
#pragma once

#include "cache.h"
#include "vec.h"

namespace rl::RL_ISA {
namespace {

#if defined(__SSE2__) || defined(__AVX2__)
constexpr bool kStreams = true;
#else
constexpr bool kStreams = false;
#endif

// `p` is a multiple of a vector's bytes.
template <class T>
RL_INLINE void stream(T* p, Vec<T> v) {
#if defined(__AVX512F__)
    _mm512_stream_si512(reinterpret_cast<__m512i*>(p), (__m512i)v);
#elif defined(__AVX2__)
    _mm256_stream_si256(reinterpret_cast<__m256i*>(p), (__m256i)v);
#elif defined(__SSE2__)
    _mm_stream_si128(reinterpret_cast<__m128i*>(p), (__m128i)v);
#else
    store(p, v);
#endif
}

// Makes what was streamed visible to other threads in the order of the program, as other stores are.
RL_INLINE void end_stream() {
#if defined(__SSE2__)
    _mm_sfence();
#endif
}

// Whether a call that reads and writes so many bytes in all should write past the caches. What just fits is found there by
// whoever reads it next.
RL_INLINE bool exceeds_caches(int64_t bytes) { return kStreams && bytes > last_cache_bytes(); }

// out[i] for i in [begin, end): whole(i) gives a vector of them, part(i, n) one whose first n elements count. With
// `past_caches` streamed, apart from what comes before the first line and after the last.
template <class T, class Whole, class Part>
RL_INLINE void write_vectors(T* out, int64_t i, int64_t end, bool past_caches, Whole whole, Part part) {
    if (past_caches) {
        const int64_t beyond = static_cast<int64_t>(reinterpret_cast<uintptr_t>(out + i) % kVectorBytes / sizeof(T));
        const int64_t first = beyond ? smaller(lanes<T> - beyond, end - i) : 0;
        if (first) store_part(out + i, part(i, first), first);
        for (i += first; i + lanes<T> <= end; i += lanes<T>) stream(out + i, whole(i));
        end_stream();
    } else {
        for (; i + lanes<T> <= end; i += lanes<T>) store(out + i, whole(i));
    }
    if (i < end) store_part(out + i, part(i, end - i), end - i);
}

}  // namespace
}  // namespace rl::RL_ISA
