#include "random.h"

#include "core/thread_pool.h"
#include "core/vec.h"
#include "twister.h"

namespace rl::RL_ISA {
namespace {

constexpr int kChunk = 512;  // words drawn at a time
constexpr int64_t kGrain = 1 << 14;

void draw(Twister& twister, uint32_t* out, int64_t n) {
    while (n > 0) {
        if (twister.pos >= kWords) refill(twister);
        const int64_t left = kWords - twister.pos, m = n < left ? n : left;
        const uint32_t* key = twister.key + twister.pos;
        for (int64_t i = 0; i < m; ++i) out[i] = temper(key[i]);
        twister.pos += static_cast<int>(m);
        out += m;
        n -= m;
    }
}

// use(words, begin, count) on all of n draws, chunk by chunk, each draw being of `width` words.
template <int width, class Use>
RL_INLINE void each_chunk(Twister& twister, int64_t n, Use use) {
    alignas(64) uint32_t words[kChunk * width];
    for (int64_t begin = 0; begin < n; begin += kChunk) {
        const int64_t count = n - begin < kChunk ? n - begin : kChunk;
        draw(twister, words, count * width);
        use(words, begin, count);
    }
}

void unit_f32(Twister& twister, float* out, int64_t n) {
    each_chunk<1>(twister, n, [=](const uint32_t* words, int64_t begin, int64_t count) {
        for (int64_t i = 0; i < count; ++i) {
            out[begin + i] = static_cast<float>(static_cast<int32_t>(words[i] & 0xffffffu)) * 0x1p-24f;
        }
    });
}

void unit_f64(Twister& twister, double* out, int64_t n) {
    each_chunk<2>(twister, n, [=](const uint32_t* words, int64_t begin, int64_t count) {
        for (int64_t i = 0; i < count; ++i) out[begin + i] = static_cast<double>(low53(words + 2 * i)) * 0x1p-53;
    });
}

// low53(pair) * 2**-53 < p as a comparison of whole numbers: both sides times 2**53 are exact.
RL_INLINE int64_t threshold(double p) { return static_cast<int64_t>(__builtin_ceil(p * 0x1p53)); }

void below(Twister& twister, bool* out, int64_t n, double p) {
    const int64_t bound = threshold(p);
    each_chunk<2>(twister, n, [=](const uint32_t* words, int64_t begin, int64_t count) {
        for (int64_t i = 0; i < count; ++i) out[begin + i] = low53(words + 2 * i) < bound;
    });
}

void scaled_below(Twister& twister, float* out, int64_t n, double p, float scale) {
    const int64_t bound = threshold(p);
    each_chunk<2>(twister, n, [=](const uint32_t* words, int64_t begin, int64_t count) {
        for (int64_t i = 0; i < count; ++i) out[begin + i] = low53(words + 2 * i) < bound ? scale : 0.0f;
    });
}

void each_below_f32(Twister& twister, const float* p, float* out, int64_t n) {
    each_chunk<1>(twister, n, [=](const uint32_t* words, int64_t begin, int64_t count) {
        for (int64_t i = 0; i < count; ++i) {
            const float unit = static_cast<float>(static_cast<int32_t>(words[i] & 0xffffffu)) * 0x1p-24f;
            out[begin + i] = unit < p[begin + i] ? 1.0f : 0.0f;
        }
    });
}

void each_below_f64(Twister& twister, const double* p, double* out, int64_t n) {
    each_chunk<2>(twister, n, [=](const uint32_t* words, int64_t begin, int64_t count) {
        for (int64_t i = 0; i < count; ++i) {
            out[begin + i] = static_cast<double>(low53(words + 2 * i)) * 0x1p-53 < p[begin + i] ? 1.0 : 0.0;
        }
    });
}

template <class T>
bool all_chances(const T* p, int64_t n) {
    Mask<T> within = Vec<T>{} == Vec<T>{};
    int64_t i = 0;
    for (; i + lanes<T> <= n; i += lanes<T>) within &= (load(p + i) >= splat(T(0))) & (load(p + i) <= splat(T(1)));
    bool all = true;
    for (; i < n; ++i) all = all && p[i] >= 0 && p[i] <= 1;
    for (int l = 0; l < lanes<T>; ++l) all = all && within[l] != 0;
    return all;
}

[[maybe_unused]] RL_INLINE float fused_one(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
[[maybe_unused]] RL_INLINE double fused_one(double a, double b, double c) { return __builtin_fma(a, b, c); }

template <class T>
void scale_all(T* out, int64_t n, T low, T span, T high) {
#if !defined(__AVX2__) && !defined(__aarch64__)
    for (int64_t i = 0; i < n; ++i) {
        const T v = fused_one(out[i], span, low);
        out[i] = v == high ? low : v;
    }
    return;
#endif
    const Vec<T> lows = splat(low), spans = splat(span), highs = splat(high);
    const auto step = [=](Vec<T> u) {
        const Vec<T> v = fmadd<T>(u, spans, lows);
        return v == highs ? lows : v;
    };
    int64_t i = 0;
    for (; i + lanes<T> <= n; i += lanes<T>) store(out + i, step(load(out + i)));
    if (i < n) store_part<T>(out + i, step(load_part(out + i, n - i)), n - i);
}

// Vectors of the eight radii or angles of a block: never wider, so that a block is one vector of each.
using F8 = float __attribute__((vector_size(32)));
using I8 = int32_t __attribute__((vector_size(32)));

RL_INLINE F8 fused(F8 a, F8 b, F8 c) {
#if defined(__AVX2__)
    return (F8)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
#else
    return a * b + c;
#endif
}

RL_INLINE F8 load8(const float* p) {
    F8 v;
    __builtin_memcpy(&v, p, sizeof v);
    return v;
}

RL_INLINE void store8(float* p, F8 v) { __builtin_memcpy(p, &v, sizeof v); }

RL_INLINE F8 all(float x) { return x - F8{}; }

RL_INLINE F8 select(I8 mask, F8 yes, F8 no) { return (F8)((mask & (I8)yes) | (~mask & (I8)no)); }

RL_INLINE F8 root(F8 v) {
#if defined(__AVX2__)
    return (F8)_mm256_sqrt_ps((__m256)v);
#else
    for (int i = 0; i < 8; ++i) v[i] = __builtin_sqrtf(v[i]);
    return v;
#endif
}

// The natural logarithm of positive normal numbers, and sine and cosine of angles up to a few turns: the polynomials and the
// order of rounding are those of Cephes' logf and sinf with fused steps, as PyTorch's kernels for AVX2 round, bit for bit.
// Source: S. L. Moshier, "Methods and Programs for Mathematical Functions", 1989 (Cephes).
RL_INLINE F8 log8(F8 x) {
    const I8 bits = (I8)x;
    F8 exponent = __builtin_convertvector((bits >> 23) - 127, F8) + 1.0f;
    x = (F8)((bits & 0x007fffff) | 0x3f000000);
    const I8 small = x < 0.707106781186547524f;
    x = (x - 1.0f) + select(small, x, F8{});
    exponent -= select(small, all(1.0f), F8{});
    const F8 square = x * x;
    F8 y = all(7.0376836292e-2f);
    for (float c : {-1.1514610310e-1f, 1.1676998740e-1f, -1.2420140846e-1f, 1.4249322787e-1f, -1.6668057665e-1f,
                    2.0000714765e-1f, -2.4999993993e-1f, 3.3333331174e-1f}) {
        y = fused(y, x, all(c));
    }
    y = fused(y * x, square, exponent * -2.12194440e-4f);
    y = fused(square, all(-0.5f), y);
    return fused(exponent, all(0.693359375f), x + y);
}

RL_INLINE void sincos8(F8 x, F8& sine, F8& cosine) {
    I8 octant = __builtin_convertvector(x * 1.27323954473516f, I8);  // 4 / pi
    octant = (octant + 1) & ~1;
    const F8 turns = __builtin_convertvector(octant, F8);
    x = fused(turns, all(-0.78515625f), x);  // pi / 4 in three parts
    x = fused(turns, all(-2.4187564849853515625e-4f), x);
    x = fused(turns, all(-3.77489497744594108e-8f), x);
    const F8 z = x * x;
    F8 c = fused(all(2.443315711809948e-5f), z, all(-1.388731625493765e-3f));
    c = fused(c, z, all(4.166664568298827e-2f)) * z;
    c = fused(c, z, z * -0.5f) + 1.0f;
    F8 s = fused(all(-1.9515295891e-4f), z, all(8.3321608736e-3f));
    s = fused(s, z, all(-1.6666654611e-1f)) * z;
    s = fused(s, x, x);
    const I8 swapped = (octant & 2) != 0;
    const I8 sine_sign = (octant & 4) << 29, cosine_sign = (~(octant - 2) & 4) << 29;
    sine = (F8)((I8)select(swapped, c, s) ^ sine_sign);
    cosine = (F8)((I8)select(swapped, s, c) ^ cosine_sign);
}

void box_muller_f32(float* out, int64_t n, float mean, float std) {
    parallel_for(n / 16, kGrain / 16, [=](int64_t begin, int64_t end) {
        for (float* p = out + 16 * begin; p != out + 16 * end; p += 16) {
            const F8 radius = root(-2.0f * log8(1.0f - load8(p)));
            F8 sine, cosine;
            sincos8(6.283185307179586f * load8(p + 8), sine, cosine);
            store8(p, fused(radius * cosine, all(std), all(mean)));
            store8(p + 8, fused(radius * sine, all(std), all(mean)));
        }
    });
}

void integers(Twister& twister, int64_t* out, int64_t n, uint64_t low, uint64_t span) {
    if (span - 1 < (1u << 28) - 1) {
        const uint32_t narrow = static_cast<uint32_t>(span);
        each_chunk<1>(twister, n, [=](const uint32_t* words, int64_t begin, int64_t count) {
            for (int64_t i = 0; i < count; ++i) out[begin + i] = static_cast<int64_t>(low + words[i] % narrow);
        });
        return;
    }
    each_chunk<2>(twister, n, [=](const uint32_t* words, int64_t begin, int64_t count) {
        for (int64_t i = 0; i < count; ++i) {
            const uint64_t draw = static_cast<uint64_t>(words[2 * i]) << 32 | words[2 * i + 1];
            out[begin + i] = static_cast<int64_t>(low + (span ? draw % span : draw));
        }
    });
}

void permutation(Twister& twister, int64_t* out, int64_t n) {
    for (int64_t i = 0; i < n; ++i) out[i] = i;
    if (n < 2) return;
    each_chunk<1>(twister, n - 1, [=](const uint32_t* words, int64_t begin, int64_t count) {
        for (int64_t i = begin; i < begin + count; ++i) {
            const int64_t j = i + words[i - begin] % static_cast<uint32_t>(n - i);
            const int64_t kept = out[i];
            out[i] = out[j];
            out[j] = kept;
        }
    });
}

}  // namespace

const RandomKernels random = {
    unit_f32,       unit_f64,       scale_all<float>,   scale_all<double>,   box_muller_f32, below,       scaled_below,
    each_below_f32, each_below_f64, all_chances<float>, all_chances<double>, integers,       permutation,
};

}  // namespace rl::RL_ISA
