// Floats of 16 bits: stored as they are, computed with as float32. `Element<T>` says what any type is computed in, `get` and
// `put` convert on the way between memory and vectors.
#pragma once

#include "narrow_types.h"
#include "vec.h"

namespace rl::RL_ISA {
namespace {

typedef uint32_t Words __attribute__((vector_size(kVectorBytes)));
typedef int32_t SignedWords __attribute__((vector_size(kVectorBytes)));
typedef uint16_t Halves __attribute__((vector_size(kVectorBytes / 2)));
typedef uint16_t UnalignedHalves __attribute__((vector_size(kVectorBytes / 2), aligned(2), may_alias));

RL_INLINE Vec<float> widen(Halves bits, BFloat16) { return (Vec<float>)(__builtin_convertvector(bits, Words) << 16); }

// To the nearest, of two equally near the even one; a NaN stays one.
RL_INLINE Halves narrow(Vec<float> v, BFloat16) {
    const Words bits = (Words)v, rounded = bits + 0x7fff + (bits >> 16 & 1);
    const Words kept = (Words)(v == v) & rounded, nan = ~(Words)(v == v) & ((bits & 0x80000000u) | 0x7fc00000u);
    return __builtin_convertvector((kept | nan) >> 16, Halves);
}

// The exponent and mantissa move into place and the bias is changed; subnormal numbers are made normal by a subtraction.
RL_INLINE Vec<float> widen(Halves bits, Float16) {
#if defined(__AVX512F__)
    return (Vec<float>)_mm512_cvtph_ps((__m256i)bits);
#else
    const Words word = __builtin_convertvector(bits, Words), sign = (word & 0x8000) << 16, moved = (word & 0x7fff) << 13;
    const Words exponent = moved & 0x0f800000, normal = moved + (112u << 23);
    const Vec<float> magic = splat(6.103515625e-05f);  // 2^-14
    const Words small = (Words)((Vec<float>)(normal + (1u << 23)) - magic);
    const Words chosen = exponent == 0x0f800000 ? normal + (112u << 23) : exponent == 0 ? small : normal;
    return (Vec<float>)(chosen | sign);
#endif
}

RL_INLINE Halves narrow(Vec<float> v, Float16) {
#if defined(__AVX512F__)
    return (Halves)_mm512_cvtps_ph((__m512)v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
#else
    const Words bits = (Words)v, sign = bits & 0x80000000u, size = bits ^ sign;
    const Vec<float> magic = splat(0.5f);  // its last bit is worth what a subnormal float16's is
    const Words small = (Words)((Vec<float>)size + magic) - (Words)magic;
    const Words normal = (size + (uint32_t(15 - 127) << 23) + 0xfff + (size >> 13 & 1)) >> 13;
    const Words huge = size > 0x7f800000u ? Words{} + 0x7e00 : Words{} + 0x7c00;
    const Words chosen = size >= (143u << 23) ? huge : size < (113u << 23) ? small : normal;
    return __builtin_convertvector(chosen | sign >> 16, Halves);
#endif
}

template <class T>
using Element = typename ElementOf<T>::type;

template <class T>
constexpr bool is_narrow = !std::is_same_v<T, Element<T>>;

template <class T>
RL_INLINE Vec<Element<T>> get(const T* p) {
    if constexpr (is_narrow<T>) return widen(*reinterpret_cast<const UnalignedHalves*>(p), T{});
    else return load(p);
}

template <class T>
RL_INLINE void put(T* p, Vec<Element<T>> v) {
    if constexpr (is_narrow<T>) *reinterpret_cast<UnalignedHalves*>(p) = narrow(v, T{});
    else store(p, v);
}

// The first n elements, the rest 1.
template <class T>
RL_INLINE Vec<Element<T>> get_part(const T* p, int64_t n) {
    if constexpr (is_narrow<T>) {
        Halves bits{};
        for (int64_t i = 0; i < n; ++i) bits[i] = p[i].bits;
        return widen(bits, T{});
    } else {
        return load_part(p, n, T(1));
    }
}

template <class T>
RL_INLINE void put_part(T* p, Vec<Element<T>> v, int64_t n) {
    if constexpr (is_narrow<T>) {
        const Halves bits = narrow(v, T{});
        for (int64_t i = 0; i < n; ++i) p[i].bits = bits[i];
    } else {
        store_part(p, v, n);
    }
}

template <class T>
RL_INLINE Element<T> get_one(const T* p) {
    if constexpr (is_narrow<T>) return get_part(p, 1)[0];
    else return *p;
}

}  // namespace
}  // namespace rl::RL_ISA
