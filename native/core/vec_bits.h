// Comparisons of vectors as bits, and back. Kernel files only, as vec.h.
#pragma once

#include "vec_strided.h"

namespace rl::RL_ISA {
namespace {

// A bit for each element of a comparison that holds.
template <class T>
RL_INLINE uint32_t lane_bits(Mask<T> mask) {
#if defined(__AVX512F__)
    if constexpr (sizeof(T) == 4) return _mm512_movepi32_mask((__m512i)mask);
    else return _mm512_movepi64_mask((__m512i)mask);
#elif defined(__AVX2__)
    if constexpr (sizeof(T) == 4) return static_cast<uint32_t>(_mm256_movemask_ps((__m256)mask));
    else return static_cast<uint32_t>(_mm256_movemask_pd((__m256d)mask));
#else
    uint32_t bits = 0;
    for (int i = 0; i < lanes<T>; ++i) bits |= static_cast<uint32_t>(mask[i] != 0) << i;
    return bits;
#endif
}

// A comparison that holds in the lanes whose bit is set; further bits don't matter.
template <class T>
RL_INLINE Mask<T> lane_mask(uint32_t bits) {
    using Element = std::remove_reference_t<decltype(Mask<T>{}[0])>;
    const Mask<T> own = (Mask<T>{} + Element(1)) << iota<T>(std::make_integer_sequence<int, lanes<T>>{});
    return ((Mask<T>{} + static_cast<Element>(bits)) & own) != 0;
}

// v where the lane's bit is set (further bits don't matter), 0 elsewhere.
template <class T>
RL_INLINE Vec<T> with_bits(Vec<T> v, uint32_t bits) {
#if defined(__AVX512F__)
    if constexpr (std::is_same_v<T, float>) return (Vec<T>)_mm512_maskz_mov_ps(static_cast<__mmask16>(bits), (__m512)v);
    if constexpr (std::is_same_v<T, double>) return (Vec<T>)_mm512_maskz_mov_pd(static_cast<__mmask8>(bits), (__m512d)v);
#endif
    return lane_mask<T>(bits) ? v : Vec<T>{};
}

// The lanes at p whose bit is set, others zero; memory of the others is not touched.
template <class T>
struct LanesOf {
#if defined(__AVX512F__)
    uint32_t bits;
    explicit LanesOf(uint32_t inside) : bits(inside) {}
    RL_INLINE Vec<T> load(const T* p) const {
        if constexpr (std::is_same_v<T, float>) return (Vec<T>)_mm512_maskz_loadu_ps(static_cast<__mmask16>(bits), p);
        else return (Vec<T>)_mm512_maskz_loadu_pd(static_cast<__mmask8>(bits), p);
    }
#elif defined(__AVX2__)
    Mask<T> mask;
    explicit LanesOf(uint32_t inside) : mask(lane_mask<T>(inside)) {}
    RL_INLINE Vec<T> load(const T* p) const {
        if constexpr (std::is_same_v<T, float>) return (Vec<T>)_mm256_maskload_ps(p, (__m256i)mask);
        else return (Vec<T>)_mm256_maskload_pd(p, (__m256i)mask);
    }
#else
    uint32_t bits;
    explicit LanesOf(uint32_t inside) : bits(inside) {}
    RL_INLINE Vec<T> load(const T* p) const {
        Vec<T> v{};
        for (int i = 0; i < lanes<T>; ++i)
            if (bits >> i & 1) v[i] = p[i];
        return v;
    }
#endif
};

// The lanes of v whose bit is set, to p; memory of the others is not touched.
template <class T>
RL_INLINE void store_lanes(T* p, Vec<T> v, uint32_t bits) {
#if defined(__AVX512F__)
    if constexpr (std::is_same_v<T, float>) _mm512_mask_storeu_ps(p, static_cast<__mmask16>(bits), (__m512)v);
    else _mm512_mask_storeu_pd(p, static_cast<__mmask8>(bits), (__m512d)v);
#elif defined(__AVX2__)
    if constexpr (std::is_same_v<T, float>) _mm256_maskstore_ps(p, (__m256i)lane_mask<T>(bits), (__m256)v);
    else _mm256_maskstore_pd(p, (__m256i)lane_mask<T>(bits), (__m256d)v);
#else
    for (int i = 0; i < lanes<T>; ++i)
        if (bits >> i & 1) p[i] = v[i];
#endif
}

// The lanes at p whose bit is set, `fill` in the others.
template <class T>
RL_INLINE Vec<T> load_lanes(const T* p, uint32_t bits, T fill) {
#if defined(__AVX512F__)
    if constexpr (std::is_same_v<T, float>) return (Vec<T>)_mm512_mask_loadu_ps((__m512)splat(fill), static_cast<__mmask16>(bits), p);
    if constexpr (std::is_same_v<T, double>) return (Vec<T>)_mm512_mask_loadu_pd((__m512d)splat(fill), static_cast<__mmask8>(bits), p);
#endif
    return lane_mask<T>(bits) ? LanesOf<T>(bits).load(p) : splat(fill);
}

// Elements [at, at + lanes) of a row of `width`, `fill` where it has none.
template <class T>
RL_INLINE Vec<T> load_inside(const T* row, int64_t width, int64_t at, T fill = T(0)) {
    const int64_t low = at < 0 ? -at : 0, high = smaller(width - at, lanes<T>);
    if (low == 0 && high == lanes<T>) return load(row + at);
    if (low >= high) return splat(fill);
    return load_lanes(row + at, (1u << high) - (1u << low), fill);
}

// Elements [first, first + size) of a row of `width`, `fill` where it has none; size in whole vectors.
template <class T>
RL_INLINE void copy_row(const T* from, int64_t width, int64_t first, T* to, int64_t size, T fill = T(0)) {
    for (int64_t j = 0; j < size; j += lanes<T>) store(to + j, load_inside(from, width, first + j, fill));
}

// The same for twice as many: every second one from `first` on, and the others `apart` elements after them. Whole vectors are
// written, also where `size` is less.
template <class T>
RL_INLINE void part_row(const T* from, int64_t width, int64_t first, T* to, int64_t size, int64_t apart, T fill = T(0)) {
    for (int64_t j = 0; j < size; j += lanes<T>) {
        const Vec<T> a = load_inside(from, width, first + 2 * j, fill), b = load_inside(from, width, first + 2 * j + lanes<T>, fill);
        store(to + j, every_nth<T, 2, 0>({a, b}));
        store(to + apart + j, every_nth<T, 2, 1>({a, b}));
    }
}

}  // namespace
}  // namespace rl::RL_ISA
