// Vectors as wide as the instruction set this file is compiled for. Included by kernel files only, each of which is compiled
// once per set inside `namespace rl::RL_ISA`; the anonymous namespace keeps the three compilations apart for the linker.
#pragma once

#include <cstdint>
#include <cstring>
#include <type_traits>
#include <utility>

#if defined(__AVX2__)
#include <immintrin.h>
#elif defined(__SSE2__)
#include <emmintrin.h>
#elif defined(__ARM_NEON)
#include <arm_neon.h>
#endif

#define RL_INLINE inline __attribute__((always_inline))

namespace rl::RL_ISA {
namespace {

RL_INLINE constexpr int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }
RL_INLINE constexpr int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }
RL_INLINE constexpr int64_t divide_up(int64_t a, int64_t b) { return (a + b - 1) / b; }

#if defined(__AVX512F__)
constexpr int kVectorBytes = 64;
#elif defined(__AVX2__)
constexpr int kVectorBytes = 32;
#else
constexpr int kVectorBytes = 16;
#endif

template <class T>
struct VecOf {
    typedef T type __attribute__((vector_size(kVectorBytes)));
    typedef T unaligned __attribute__((vector_size(kVectorBytes), aligned(alignof(T)), may_alias));
};

// A vector of kVectorBytes / sizeof(T) elements; + - * / < > & | and ?: work on it.
template <class T>
using Vec = typename VecOf<T>::type;

template <class T>
constexpr int lanes = kVectorBytes / static_cast<int>(sizeof(T));

template <class T>
RL_INLINE Vec<T> load(const T* p) {
    return *reinterpret_cast<const typename VecOf<T>::unaligned*>(p);
}

template <class T>
RL_INLINE void store(T* p, Vec<T> v) {
    *reinterpret_cast<typename VecOf<T>::unaligned*>(p) = v;
}

template <class T>
RL_INLINE Vec<T> splat(T x) {
    return x - Vec<T>{};  // unlike 0 + x this folds away, -0 included
}

// Integers as wide as T: what comparisons of vectors give, and the indices of a shuffle.
template <class T>
using Mask = decltype(Vec<T>{} < Vec<T>{});

template <class T, int... I>
RL_INLINE Mask<T> iota(std::integer_sequence<int, I...>) {
    return Mask<T>{I...};
}

// All bits set in the first n elements.
template <class T>
RL_INLINE Mask<T> first_lanes(int64_t n) {
    using Element = std::remove_reference_t<decltype(Mask<T>{}[0])>;
    return iota<T>(std::make_integer_sequence<int, lanes<T>>{}) < static_cast<Element>(n);
}

// The first n elements (0 <= n < lanes); the rest are `fill`.
template <class T>
RL_INLINE Vec<T> load_part(const T* p, int64_t n, T fill = T(0)) {
#if defined(__AVX512F__)
    const unsigned mask = (1u << n) - 1;
    if constexpr (std::is_same_v<T, float>)
        return (Vec<T>)_mm512_mask_loadu_ps((__m512)splat(fill), static_cast<__mmask16>(mask), p);
    if constexpr (std::is_same_v<T, double>)
        return (Vec<T>)_mm512_mask_loadu_pd((__m512d)splat(fill), static_cast<__mmask8>(mask), p);
#elif defined(__AVX2__)
    const Mask<T> mask = first_lanes<T>(n);
    if constexpr (std::is_same_v<T, float>) return mask ? (Vec<T>)_mm256_maskload_ps(p, (__m256i)mask) : splat(fill);
    if constexpr (std::is_same_v<T, double>) return mask ? (Vec<T>)_mm256_maskload_pd(p, (__m256i)mask) : splat(fill);
#endif
    alignas(kVectorBytes) T buffer[lanes<T>];
    for (int i = 0; i < lanes<T>; ++i) buffer[i] = fill;
    for (int64_t i = 0; i < n; ++i) buffer[i] = p[i];
    return load(buffer);
}

template <class T>
RL_INLINE void store_part(T* p, Vec<T> v, int64_t n) {
#if defined(__AVX512F__)
    const unsigned mask = (1u << n) - 1;
    if constexpr (std::is_same_v<T, float>) return _mm512_mask_storeu_ps(p, static_cast<__mmask16>(mask), (__m512)v);
    if constexpr (std::is_same_v<T, double>) return _mm512_mask_storeu_pd(p, static_cast<__mmask8>(mask), (__m512d)v);
#elif defined(__AVX2__)
    const Mask<T> mask = first_lanes<T>(n);
    if constexpr (std::is_same_v<T, float>) return _mm256_maskstore_ps(p, (__m256i)mask, (__m256)v);
    if constexpr (std::is_same_v<T, double>) return _mm256_maskstore_pd(p, (__m256i)mask, (__m256d)v);
#endif
    for (int64_t i = 0; i < n; ++i) p[i] = v[i];
}

// The first n elements, at most a vector's: none for a negative n.
template <class T>
RL_INLINE Vec<T> load_n(const T* p, int64_t n, T fill = T(0)) {
    return n >= lanes<T> ? load(p) : n > 0 ? load_part(p, n, fill) : splat(fill);
}

template <class T>
RL_INLINE void store_n(T* p, Vec<T> v, int64_t n) {
    if (n >= lanes<T>) store(p, v);
    else if (n > 0) store_part(p, v, n);
}

// a * b + c, fused where the set has it.
template <class T>
RL_INLINE Vec<T> fmadd(Vec<T> a, Vec<T> b, Vec<T> c) {
#if defined(__AVX512F__)
    if constexpr (std::is_same_v<T, float>) return (Vec<T>)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
    if constexpr (std::is_same_v<T, double>) return (Vec<T>)_mm512_fmadd_pd((__m512d)a, (__m512d)b, (__m512d)c);
#elif defined(__AVX2__)
    if constexpr (std::is_same_v<T, float>) return (Vec<T>)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
    if constexpr (std::is_same_v<T, double>) return (Vec<T>)_mm256_fmadd_pd((__m256d)a, (__m256d)b, (__m256d)c);
#elif defined(__aarch64__)
    if constexpr (std::is_same_v<T, float>) return (Vec<T>)vfmaq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b);
    if constexpr (std::is_same_v<T, double>) return (Vec<T>)vfmaq_f64((float64x2_t)c, (float64x2_t)a, (float64x2_t)b);
#endif
    return a * b + c;
}

// The larger element; where either is NaN, b.
template <class T>
RL_INLINE Vec<T> max(Vec<T> a, Vec<T> b) {
    return a > b ? a : b;
}

template <class T>
RL_INLINE Vec<T> sqrt(Vec<T> v) {
#if defined(__AVX512F__)
    if constexpr (std::is_same_v<T, float>) return (Vec<T>)_mm512_maskz_sqrt_ps(0xffff, (__m512)v);
    if constexpr (std::is_same_v<T, double>) return (Vec<T>)_mm512_maskz_sqrt_pd(0xff, (__m512d)v);
#elif defined(__AVX2__)
    if constexpr (std::is_same_v<T, float>) return (Vec<T>)_mm256_sqrt_ps((__m256)v);
    if constexpr (std::is_same_v<T, double>) return (Vec<T>)_mm256_sqrt_pd((__m256d)v);
#endif
    for (int i = 0; i < lanes<T>; ++i) {
        if constexpr (std::is_same_v<T, float>) v[i] = __builtin_sqrtf(v[i]);
        else v[i] = __builtin_sqrt(v[i]);
    }
    return v;
}

// Lanes of a and, after them, of b.
template <class T, int... LANE>
RL_INLINE Vec<T> pick(Vec<T> a, Vec<T> b, std::integer_sequence<int, LANE...>) {
#if defined(__clang__)
    return __builtin_shufflevector(a, b, LANE...);
#else
    return __builtin_shuffle(a, b, Mask<T>{LANE...});
#endif
}

// Exchanges the blocks of STEP elements off the diagonal of each 2 x 2 group of blocks of two rows.
template <class T, int STEP, int... I>
RL_INLINE void exchange_pair(Vec<T>& upper, Vec<T>& lower, std::integer_sequence<int, I...>) {
    const Vec<T> a = upper, b = lower;
    upper = pick<T>(a, b, std::integer_sequence<int, (I & STEP ? lanes<T> + I - STEP : I)...>{});
    lower = pick<T>(a, b, std::integer_sequence<int, (I & STEP ? lanes<T> + I : I + STEP)...>{});
}

// One step of transpose(): rows i and i + STEP, which are a pair.
template <class T, int STEP, int ROWS, int... I>
RL_INLINE void exchange_blocks(Vec<T> (&rows)[ROWS], std::integer_sequence<int, I...> indices) {
#pragma GCC unroll 16
    for (int i = 0; i < ROWS; ++i) {
        if (i & STEP) continue;
        exchange_pair<T, STEP>(rows[i], rows[i + STEP], indices);
    }
}

// rows[i][j] becomes rows[j][i].
template <class T>
RL_INLINE void transpose(Vec<T> (&rows)[lanes<T>]) {
    using Indices = std::make_integer_sequence<int, lanes<T>>;
    if constexpr (lanes<T> > 1) exchange_blocks<T, 1>(rows, Indices{});
    if constexpr (lanes<T> > 2) exchange_blocks<T, 2>(rows, Indices{});
    if constexpr (lanes<T> > 4) exchange_blocks<T, 4>(rows, Indices{});
    if constexpr (lanes<T> > 8) exchange_blocks<T, 8>(rows, Indices{});
}

// Each lane beside the one that is HALF lanes from it, in pairs.
template <class T, int HALF, int... I>
RL_INLINE Vec<T> opposite(Vec<T> v, std::integer_sequence<int, I...>) {
    return pick<T>(v, v, std::integer_sequence<int, (I ^ HALF)...>{});
}

// All lanes joined, halves first: as many steps as a vector can be halved, not as many as it has lanes.
template <class T, int HALF = lanes<T> / 2, class Join>
RL_INLINE T joined(Vec<T> v, Join join) {
    if constexpr (HALF == 0) return v[0];
    else return joined<T, HALF / 2>(join(v, opposite<T, HALF>(v, std::make_integer_sequence<int, lanes<T>>{})), join);
}

template <class T>
RL_INLINE T sum(Vec<T> v) {
    return joined<T>(v, [](Vec<T> a, Vec<T> b) __attribute__((always_inline)) { return a + b; });
}

template <class T>
RL_INLINE T largest(Vec<T> v) {
    return joined<T>(v, [](Vec<T> a, Vec<T> b) __attribute__((always_inline)) { return b > a ? b : a; });
}

}  // namespace
}  // namespace rl::RL_ISA
