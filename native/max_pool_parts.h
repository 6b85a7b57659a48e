// What the largest of windows and its gradient share. Kernel files only, as core/vec.h.
#pragma once

#include "core/allocator.h"
#include "core/vec_bits.h"
#include "core/vec_strided.h"
#include "pool.h"

namespace rl::RL_ISA {
namespace {

constexpr int64_t kGrain = 1 << 14;  // window places for which a second thread pays

template <class T>
using Index = std::remove_reference_t<decltype(Mask<T>{}[0])>;

constexpr int kMostPlaces = 255;  // of a window, whose names are bytes
constexpr int kMostStride = 4;  // of columns that vectors take by turns

RL_INLINE int64_t elements(const int64_t (&sizes)[3]) { return sizes[kDepth] * sizes[kHeight] * sizes[kWidth]; }

// Steps of a dilation that n elements take; most often each is one, and a division costs as much as a small row.
RL_INLINE int64_t steps(int64_t n, int64_t dilation) { return dilation == 1 ? n : divide_up(n, dilation); }

// Whether all windows lie inside the input along an axis.
RL_INLINE bool all_inside(const PoolShape& s, int axis) {
    return s.padding[axis] == 0 && (s.out[axis] - 1) * s.stride[axis] + (s.kernel[axis] - 1) * s.dilation[axis] < s.in[axis];
}

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

// The places that the windows of a vector name, counted from `first` on.
template <class T>
struct Names {
#if defined(__AVX512F__)
    __m128i bytes;

    // Of `n` windows, at most a vector's; others name none that counts.
    RL_INLINE Names(const uint8_t* from, int64_t n, int64_t first) {
        if (n < lanes<T>) bytes = _mm_maskz_loadu_epi8(static_cast<__mmask16>((1u << n) - 1), from);
        else if constexpr (lanes<T> == 16) bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
        else bytes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(from));
        bytes = _mm_sub_epi8(bytes, _mm_set1_epi8(static_cast<char>(first)));
    }
    RL_INLINE uint32_t naming(int64_t place) const { return _mm_cmpeq_epi8_mask(bytes, _mm_set1_epi8(static_cast<char>(place))); }
    // What is counted from `by` places further on.
    RL_INLINE void advance(int64_t by) { bytes = _mm_sub_epi8(bytes, _mm_set1_epi8(static_cast<char>(by))); }
    // The gradients of the windows that name a place, else zero.
    RL_INLINE Vec<T> taken(Vec<T> g, int64_t place) const { return with_bits<T>(g, naming(place)); }
#else
    Mask<T> places;

    RL_INLINE Names(const uint8_t* from, int64_t n, int64_t first) {
        Bytes<T> bytes = {};
        if (n >= lanes<T>) __builtin_memcpy(&bytes, from, sizeof bytes);
        else for (int64_t i = 0; i < n; ++i) bytes[i] = from[i];
        places = widened<T>(bytes) - static_cast<Index<T>>(first);
    }
    RL_INLINE void advance(int64_t by) { places -= static_cast<Index<T>>(by); }
    RL_INLINE Vec<T> taken(Vec<T> g, int64_t place) const { return places == Mask<T>{} + static_cast<Index<T>>(place) ? g : Vec<T>{}; }
#endif
};

// Vectors of N columns by turns: the one that begins `at` elements further is stored by `put`, where the row of `width` has it.
template <class T, int WHICH, int N, class Put>
RL_INLINE void put_interleaved(const Vec<T> (&v)[N], int64_t at, int64_t width, Put put) {
    if constexpr (WHICH < N) {
        if (at >= width) return;
        put(interleaved<T, N, WHICH>(v), at);
        put_interleaved<T, WHICH + 1>(v, at + lanes<T>, width, put);
    }
}

// Where a window may lie between the elements of the input; names then lead to its last.
RL_INLINE bool between(const PoolShape& s) {
    for (int axis = 0; axis < 3; ++axis)
        if (s.padding[axis] && s.in[axis] < s.dilation[axis]) return true;
    return false;
}

RL_INLINE bool named_by_bytes(const PoolShape& s) {
    for (int axis = 0; axis < 3; ++axis)
        if (s.kernel[axis] > kMostPlaces) return false;
    return elements(s.kernel) <= kMostPlaces;
}

// The indices in a plane of named places, a vector at a time: where their windows begin, and the place's distance from there. That
// grows by `spread` from name to name, and by further gains at the end of a row and of a slice of the window. Numbers modulo 2^32,
// whatever the name; what lies outside the planes becomes their last element.
struct PlaceIndices {
    typedef uint32_t Numbers __attribute__((vector_size(kVectorBytes)));
    static constexpr int kLanes = lanes<float>, kNear = kVectorBytes / 2;

    Scratch<uint32_t> begins;
    uint32_t spread, row_gain, slice_gain, row_part, slice_part;
    alignas(kVectorBytes) uint32_t near[kNear];  // the distances of the first places: all, most often, and a lookup is quicker
    bool all_near;

    // Of `planes` planes that follow one another.
    PlaceIndices(const PoolShape& s, int64_t planes) : begins(static_cast<size_t>(planes * elements(s.out) + kLanes)) {
        const int64_t line = s.dilation[kHeight] * s.in[kWidth], slice = s.dilation[kDepth] * s.in[kHeight] * s.in[kWidth];
        const int64_t columns = s.kernel[kWidth], rows = s.kernel[kHeight];
        spread = static_cast<uint32_t>(s.dilation[kWidth]);
        row_gain = static_cast<uint32_t>(line - columns * s.dilation[kWidth]), slice_gain = static_cast<uint32_t>(slice - rows * line);
        row_part = static_cast<uint32_t>(65536 / columns + 1), slice_part = static_cast<uint32_t>(65536 / (columns * rows) + 1);
        all_near = elements(s.kernel) <= kNear;
        for (uint32_t place = 0; place < kNear; ++place) near[place] = distance(place);
        uint32_t* to = begins.get();
        if (!to) return;
        for (int64_t row = 0; row < planes * s.out[kDepth] * s.out[kHeight]; ++row) {
            const int64_t oy = row % s.out[kHeight], oz = row / s.out[kHeight] % s.out[kDepth], plane = row / (s.out[kHeight] * s.out[kDepth]);
            const int64_t z = plane * s.in[kDepth] + oz * s.stride[kDepth] - s.padding[kDepth], y = oy * s.stride[kHeight] - s.padding[kHeight];
            const int64_t begin = (z * s.in[kHeight] + y) * s.in[kWidth] - s.padding[kWidth];
            for (int64_t ox = 0; ox < s.out[kWidth]; ++ox) *to++ = static_cast<uint32_t>(begin + ox * s.stride[kWidth]);
        }
        for (int i = 0; i < kLanes; ++i) *to++ = 0;
    }
    // Of one place, or of a vector of them.
    template <class N>
    RL_INLINE N distance(N place) const {
        return place * spread + (place * row_part >> 16) * row_gain + (place * slice_part >> 16) * slice_gain;
    }
    RL_INLINE Numbers near_distance(Numbers place) const {
#if defined(__AVX512F__)
        return (Numbers)_mm512_permutex2var_epi32(_mm512_load_si512(near), (__m512i)place, _mm512_load_si512(near + 16));
#elif defined(__AVX2__)
        const __m256i low = _mm256_load_si256(reinterpret_cast<const __m256i*>(near)), high = _mm256_load_si256(reinterpret_cast<const __m256i*>(near + 8));
        const __m256i of_low = _mm256_permutevar8x32_epi32(low, (__m256i)place), of_high = _mm256_permutevar8x32_epi32(high, (__m256i)place);
        return place < 8 ? (Numbers)of_low : (Numbers)of_high;
#else
        return distance(place);
#endif
    }
    // Those of windows i and further ones, whose names begin at `names`, where `readable` may be read. A name over a row's or a
    // slice's number is exact by multiplication: names and numbers are less than 256.
    RL_INLINE Numbers at(const uint8_t* names, int64_t readable, int64_t i, uint32_t last) const {
        Bytes<float> bytes = {};
        if (readable >= kLanes) __builtin_memcpy(&bytes, names, sizeof bytes);
        else for (int64_t k = 0; k < readable; ++k) bytes[k] = names[k];
        const Numbers place = (Numbers)widened<float>(bytes);
        Numbers begin;
        __builtin_memcpy(&begin, begins.get() + i, sizeof begin);
        const Numbers index = begin + (all_near ? near_distance(place) : distance(place));
        const Numbers most = Numbers{} + last;
        return index < most ? index : most;
    }
};

// How the kernels are built: for a stride between columns (0: any), a size of the windows along them (0: any, with any dilation),
// and one row or two in a vector.
template <int STRIDE, int KERNEL, bool PAIR = false>
struct Build {
    static constexpr int kStride = STRIDE, kKernel = KERNEL, kTogether = STRIDE ? STRIDE : 1;
    static constexpr bool kPair = PAIR;
};

}  // namespace
}  // namespace rl::RL_ISA
