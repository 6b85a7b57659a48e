// Products of uint8 activations and int8 weights, and what leads to them: the range of an array and its codes.
#include "int8.h"

#include <cmath>

#include "core/allocator.h"
#include "core/thread_pool.h"
#include "core/vec.h"

#if defined(__SSE2__) && !defined(__AVX2__)
#include <emmintrin.h>
#endif

namespace rl::RL_ISA {
namespace {

// Three ways to add the products of four neighbouring bytes to 16 sums, one for each row of a block of weights. All are
// exact: the instruction that multiplies bytes before VNNI (maddubs) adds pairs in 16 bits and saturates, so the bytes are
// widened instead. Each is `Weights` of a block (used for several rows of activations), `Activations` (four bytes, used for
// several blocks) and `Sums`.

#if defined(__AVX512BW__)

// vpdpbusd does it all. Written as assembly, since the file is compiled for processors without it, too.
struct Vnni {
    static constexpr int rows = 6, blocks = 4;  // 24 sums, 4 weights and 1 activation in 32 registers
    using Sums = __m512i;
    using Weights = __m512i;
    using Activations = __m512i;
    static RL_INLINE Sums zero() { return _mm512_setzero_si512(); }
    static RL_INLINE Weights weights(const int8_t* w) { return _mm512_loadu_si512(w); }
    static RL_INLINE Activations activations(const uint8_t* a) {
        int32_t four;
        std::memcpy(&four, a, 4);
        return _mm512_set1_epi32(four);
    }
    static RL_INLINE void add(Sums& sums, Activations a, Weights w) { asm("vpdpbusd %2, %1, %0" : "+v"(sums) : "v"(a), "v"(w)); }
    static RL_INLINE void put(Sums sums, int32_t* to) { _mm512_storeu_si512(to, sums); }
};

// The even and the odd bytes apart, as 16-bit numbers: two products with sums of pairs.
struct Widened {
    static constexpr int rows = 4, blocks = 2;
    using Sums = __m512i;
    struct Weights { __m512i even, odd; };
    struct Activations { __m512i even, odd; };
    static RL_INLINE Sums zero() { return _mm512_setzero_si512(); }
    static RL_INLINE Weights weights(const int8_t* w) {
        const __m512i bytes = _mm512_loadu_si512(w);
        return {_mm512_srai_epi16(_mm512_slli_epi16(bytes, 8), 8), _mm512_srai_epi16(bytes, 8)};
    }
    static RL_INLINE Activations activations(const uint8_t* a) {
        int32_t four;
        std::memcpy(&four, a, 4);
        const __m512i bytes = _mm512_set1_epi32(four);
        return {_mm512_and_si512(bytes, _mm512_set1_epi16(255)), _mm512_srli_epi16(bytes, 8)};
    }
    static RL_INLINE void add(Sums& sums, const Activations& a, const Weights& w) {
        sums = _mm512_add_epi32(sums, _mm512_add_epi32(_mm512_madd_epi16(a.even, w.even), _mm512_madd_epi16(a.odd, w.odd)));
    }
    static RL_INLINE void put(Sums sums, int32_t* to) { _mm512_storeu_si512(to, sums); }
};

#elif defined(__AVX2__) || defined(__SSE2__)

#if defined(__AVX2__)
using Part = __m256i;
RL_INLINE Part load_part(const void* p) { return _mm256_loadu_si256(static_cast<const Part*>(p)); }
RL_INLINE void store_part(void* p, Part x) { _mm256_storeu_si256(static_cast<Part*>(p), x); }
RL_INLINE Part splat_part(int32_t x) { return _mm256_set1_epi32(x); }
RL_INLINE Part even_signed(Part bytes) { return _mm256_srai_epi16(_mm256_slli_epi16(bytes, 8), 8); }
RL_INLINE Part odd_signed(Part bytes) { return _mm256_srai_epi16(bytes, 8); }
RL_INLINE Part even_unsigned(Part bytes) { return _mm256_and_si256(bytes, _mm256_set1_epi16(255)); }
RL_INLINE Part odd_unsigned(Part bytes) { return _mm256_srli_epi16(bytes, 8); }
RL_INLINE Part multiply_pairs(Part a, Part b) { return _mm256_madd_epi16(a, b); }
RL_INLINE Part add_parts(Part a, Part b) { return _mm256_add_epi32(a, b); }
constexpr int kRowsOfTile = 4;
#else
using Part = __m128i;
RL_INLINE Part load_part(const void* p) { return _mm_loadu_si128(static_cast<const Part*>(p)); }
RL_INLINE void store_part(void* p, Part x) { _mm_storeu_si128(static_cast<Part*>(p), x); }
RL_INLINE Part splat_part(int32_t x) { return _mm_set1_epi32(x); }
RL_INLINE Part even_signed(Part bytes) { return _mm_srai_epi16(_mm_slli_epi16(bytes, 8), 8); }
RL_INLINE Part odd_signed(Part bytes) { return _mm_srai_epi16(bytes, 8); }
RL_INLINE Part even_unsigned(Part bytes) { return _mm_and_si128(bytes, _mm_set1_epi16(255)); }
RL_INLINE Part odd_unsigned(Part bytes) { return _mm_srli_epi16(bytes, 8); }
RL_INLINE Part multiply_pairs(Part a, Part b) { return _mm_madd_epi16(a, b); }
RL_INLINE Part add_parts(Part a, Part b) { return _mm_add_epi32(a, b); }
constexpr int kRowsOfTile = 2;
#endif

constexpr int kParts = 64 / sizeof(Part);

struct Widened {
    static constexpr int rows = kRowsOfTile, blocks = 1;
    struct Sums { Part of[kParts]; };
    struct Weights { Part even[kParts], odd[kParts]; };
    struct Activations { Part even, odd; };
    static RL_INLINE Sums zero() { return {}; }
    static RL_INLINE Weights weights(const int8_t* w) {
        Weights result;
        for (int i = 0; i < kParts; ++i) {
            const Part bytes = load_part(w + i * sizeof(Part));
            result.even[i] = even_signed(bytes);
            result.odd[i] = odd_signed(bytes);
        }
        return result;
    }
    static RL_INLINE Activations activations(const uint8_t* a) {
        int32_t four;
        std::memcpy(&four, a, 4);
        const Part bytes = splat_part(four);
        return {even_unsigned(bytes), odd_unsigned(bytes)};
    }
    static RL_INLINE void add(Sums& sums, const Activations& a, const Weights& w) {
        for (int i = 0; i < kParts; ++i) {
            const Part products = add_parts(multiply_pairs(a.even, w.even[i]), multiply_pairs(a.odd, w.odd[i]));
            sums.of[i] = add_parts(sums.of[i], products);
        }
    }
    static RL_INLINE void put(const Sums& sums, int32_t* to) {
        for (int i = 0; i < kParts; ++i) store_part(to + i * (sizeof(Part) / 4), sums.of[i]);
    }
};

#else

struct Widened {
    static constexpr int rows = 1, blocks = 1;
    struct Sums { int32_t of[kInt8Rows]; };
    using Weights = const int8_t*;
    struct Activations { int32_t of[kInt8Group]; };
    static RL_INLINE Sums zero() { return {}; }
    static RL_INLINE Weights weights(const int8_t* w) { return w; }
    static RL_INLINE Activations activations(const uint8_t* a) { return {{a[0], a[1], a[2], a[3]}}; }
    static RL_INLINE void add(Sums& sums, const Activations& a, Weights w) {
        for (int64_t j = 0; j < kInt8Rows; ++j) {
            for (int64_t i = 0; i < kInt8Group; ++i) sums.of[j] += a.of[i] * w[j * kInt8Group + i];
        }
    }
    static RL_INLINE void put(const Sums& sums, int32_t* to) { std::memcpy(to, sums.of, sizeof sums.of); }
};

#endif

constexpr int64_t kBlockBytes = kInt8Rows * kInt8Group;

// S of R rows of activations and B blocks of weights, over all of k: the sums stay in registers.
template <class D, int R, int B>
RL_INLINE void tile(const uint8_t* a, int64_t a_rows, const int8_t* w, int64_t groups, int32_t* to) {
    typename D::Sums sums[R][B];
    for (int r = 0; r < R; ++r) {
        for (int b = 0; b < B; ++b) sums[r][b] = D::zero();
    }
    for (int64_t g = 0; g < groups; ++g) {
        typename D::Weights weights[B];
        for (int b = 0; b < B; ++b) weights[b] = D::weights(w + (b * groups + g) * kBlockBytes);
        for (int r = 0; r < R; ++r) {
            const typename D::Activations activations = D::activations(a + r * a_rows + g * kInt8Group);
            for (int b = 0; b < B; ++b) D::add(sums[r][b], activations, weights[b]);
        }
    }
    for (int r = 0; r < R; ++r) {
        for (int b = 0; b < B; ++b) D::put(sums[r][b], to + (r * B + b) * kInt8Rows);
    }
}

// Adding and taking away 1.5 * 2^23 leaves no room for a fraction: rounds as the processor does, halves to even. For
// numbers up to 2^22, and not moved by the compiler, which keeps float arithmetic as it is written.
RL_INLINE float rounded(float x) {
    const float big = 12582912.0f;
    return (x + big) - big;
}

// x rounded, plus zero, in [low, high]; NaN gives high.
RL_INLINE int32_t code(float x, float least, float greatest, int32_t zero) {
    x = x < greatest ? x : greatest;
    x = x > least ? x : least;
    return static_cast<int32_t>(rounded(x)) + zero;
}

// What is left to do with `count` sums of one row, from column n on.
RL_INLINE void finish(const Int8Job& job, const int32_t* sums, int64_t row, int64_t n, int64_t count, const int32_t* correction,
                      int32_t row_sum) {
    float value[4 * kInt8Rows];
    const float* scales = job.scales + n;
    // In uint32_t, where zero points without sense may overflow.
    for (int64_t j = 0; j < count; ++j) {
        uint32_t sum = static_cast<uint32_t>(sums[j]) - static_cast<uint32_t>(correction[n + j]);
        if (job.weight_zero_points) sum -= static_cast<uint32_t>(row_sum) * static_cast<uint32_t>(job.weight_zero_points[n + j]);
        value[j] = static_cast<float>(static_cast<int32_t>(sum));
    }
    if (job.out) {
        float* out = job.out + row * job.n + n;
        for (int64_t j = 0; j < count; ++j) value[j] *= scales[j];
        if (job.bias) {
            for (int64_t j = 0; j < count; ++j) value[j] += job.bias[n + j];
        }
        if (job.relu) {
            for (int64_t j = 0; j < count; ++j) value[j] = value[j] < 0 ? 0.0f : value[j];
        }
        for (int64_t j = 0; j < count; ++j) out[j] = value[j];
        return;
    }
    uint8_t* codes = job.codes + row * job.n + n;
    const float least = static_cast<float>(job.low - job.zero), greatest = static_cast<float>(job.high - job.zero);
    if (job.bias) {
        for (int64_t j = 0; j < count; ++j) value[j] += job.bias[n + j];
    }
    for (int64_t j = 0; j < count; ++j) {
        codes[j] = static_cast<uint8_t>(code(value[j] * scales[j], least, greatest, job.zero));
    }
}

// Loops: blocks of weights (B at a time: a panel, which the second-level cache holds), and within a panel strips of rows
// of activations (which the first-level cache holds), and within a strip tiles of D::rows rows over all of k. A work item
// is one strip of one panel; the items of a panel follow each other, so that a thread reads its panels once.
template <class D>
struct Product {
    static constexpr int64_t strip = 8 * D::rows;

    const Int8Job& job;
    const uint8_t* a;  // rows padded to whole groups
    int64_t a_rows;    // bytes between them
    int64_t groups;
    const int32_t* correction;
    const int32_t* row_sums;  // or null

    template <int R, int B>
    RL_INLINE void rows(int64_t row, int64_t block) const {
        int32_t sums[R * B * kInt8Rows];
        tile<D, R, B>(a + row * a_rows, a_rows, job.packed + block * groups * kBlockBytes, groups, sums);
        const int64_t n = block * kInt8Rows;
        const int64_t count = job.n - n < B * kInt8Rows ? job.n - n : B * kInt8Rows;
        for (int r = 0; r < R; ++r) {
            finish(job, sums + r * B * kInt8Rows, row + r, n, count, correction, row_sums ? row_sums[row + r] : 0);
        }
    }

    template <int B>
    void strip_of(int64_t begin, int64_t end, int64_t block) const {
        int64_t row = begin;
        for (; row + D::rows <= end; row += D::rows) rows<D::rows, B>(row, block);
        for (; D::rows > 2 && row + 2 <= end; row += 2) rows<2, B>(row, block);
        for (; row < end; ++row) rows<1, B>(row, block);
    }

    void run() const {
        const int64_t blocks = (job.n + kInt8Rows - 1) / kInt8Rows;
        const int64_t panels = (blocks + D::blocks - 1) / D::blocks, strips = (job.m + strip - 1) / strip;
        const int64_t work = (job.m < strip ? job.m : strip) * D::blocks * groups;  // in instructions
        parallel_for(panels * strips, 1 + 20000 / (work + 1), [&](int64_t first, int64_t last) {
            for (int64_t item = first; item < last; ++item) {
                const int64_t begin = item % strips * strip, end = begin + strip < job.m ? begin + strip : job.m;
                int64_t block = item / strips * D::blocks;
                const int64_t left = blocks - block;
                if (left >= D::blocks) {
                    strip_of<D::blocks>(begin, end, block);
                } else {
                    for (int64_t i = 0; i < left; ++i) strip_of<1>(begin, end, block + i);
                }
            }
        });
    }
};

bool product(const Int8Job& job) {
    const int64_t groups = (job.k + kInt8Group - 1) / kInt8Group, padded = groups * kInt8Group;
    const bool pads = padded != job.k;
    Scratch<int32_t> correction(static_cast<size_t>(job.n + 1));
    Scratch<uint8_t> copy(static_cast<size_t>(pads ? job.m * padded : 1));
    Scratch<int32_t> row_sums(static_cast<size_t>(job.weight_zero_points ? job.m : 1));
    if (!correction.get() || !copy.get() || !row_sums.get()) return false;
    // Σ (a - z) (w - v) = Σ a w - z (Σ w - k v) - v Σ a
    for (int64_t j = 0; j < job.n; ++j) {
        const int64_t zeros = job.weight_zero_points ? job.k * job.weight_zero_points[j] : 0;
        correction.get()[j] = static_cast<int32_t>(job.zero_point * (job.sums[j] - zeros));
    }
    if (pads) {
        uint8_t* to = copy.get();
        parallel_for(job.m, 1 + (1 << 16) / (job.k + 1), [&](int64_t begin, int64_t end) {
            for (int64_t i = begin; i < end; ++i) {
                std::memcpy(to + i * padded, job.a + i * job.k, static_cast<size_t>(job.k));
                std::memset(to + i * padded + job.k, 0, static_cast<size_t>(padded - job.k));
            }
        });
    }
    if (job.weight_zero_points) {
        for (int64_t i = 0; i < job.m; ++i) {
            int32_t total = 0;
            for (int64_t l = 0; l < job.k; ++l) total += job.a[i * job.k + l];
            row_sums.get()[i] = total;
        }
    }
    const uint8_t* a = pads ? copy.get() : job.a;
    const int32_t* totals = job.weight_zero_points ? row_sums.get() : nullptr;
#if defined(__AVX512BW__)
    if (int8_uses_vnni()) {
        Product<Vnni>{job, a, padded, groups, correction.get(), totals}.run();
        return true;
    }
#endif
    Product<Widened>{job, a, padded, groups, correction.get(), totals}.run();
    return true;
}

constexpr int64_t kElementsForThread = 1 << 15;

RL_INLINE void range_of(const float* x, int64_t n, float* least, float* greatest) {
    // Sixteen of each, so that no comparison waits for the one before.
    constexpr int64_t apart = 4 * lanes<float>;
    float low = x[0], high = x[0];
    bool number = x[0] == x[0];
    int64_t i = 0;
    if (n >= apart) {
        Vec<float> lows[4], highs[4];
        Mask<float> numbers = ~Mask<float>{};
        for (int v = 0; v < 4; ++v) lows[v] = highs[v] = load(x + v * lanes<float>);
        for (; i + apart <= n; i += apart) {
            for (int v = 0; v < 4; ++v) {
                const Vec<float> part = load(x + i + v * lanes<float>);
                lows[v] = part < lows[v] ? part : lows[v];
                highs[v] = part > highs[v] ? part : highs[v];
                numbers &= part == part;
            }
        }
        for (int v = 0; v < 4; ++v) {
            for (int l = 0; l < lanes<float>; ++l) {
                low = lows[v][l] < low ? lows[v][l] : low;
                high = highs[v][l] > high ? highs[v][l] : high;
                number &= numbers[l] != 0;
            }
        }
    }
    for (; i < n; ++i) {
        low = x[i] < low ? x[i] : low;
        high = x[i] > high ? x[i] : high;
        number &= x[i] == x[i];
    }
    *least = number ? low : NAN;
    *greatest = number ? high : NAN;
}

void range(const float* x, int64_t n, float* least, float* greatest) {
    constexpr int most = 64;
    float lows[most], highs[most];
    const int parts = parts_for(n, kElementsForThread) < most ? parts_for(n, kElementsForThread) : most;
    parallel_parts(parts, [&](int part, int total) {
        const int64_t begin = n * part / total, end = n * (part + 1) / total;
        range_of(x + begin, end - begin, lows + part, highs + part);
    });
    *least = lows[0];
    *greatest = highs[0];
    for (int part = 1; part < parts; ++part) {
        if (lows[part] < *least || lows[part] != lows[part]) *least = lows[part];
        if (highs[part] > *greatest || highs[part] != highs[part]) *greatest = highs[part];
    }
}

// x * inverse + zero, rounded once: PyTorch adds the zero point before it rounds to a whole number, so ties depend on it.
RL_INLINE float scaled(float x, float inverse, float zero) {
#if defined(__FMA__)
    return __builtin_fmaf(x, inverse, zero);
#else
    return static_cast<float>(static_cast<double>(x) * static_cast<double>(inverse) + static_cast<double>(zero));
#endif
}

void quantize(const float* x, int64_t n, float inverse, int32_t zero_point, int32_t low, int32_t high, uint8_t* out) {
    const float least = static_cast<float>(low), greatest = static_cast<float>(high), zero = static_cast<float>(zero_point);
    parallel_for(n, kElementsForThread, [=](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) {
            out[i] = static_cast<uint8_t>(code(scaled(x[i], inverse, zero), least, greatest, 0));
        }
    });
}

}  // namespace

const Int8Kernels int8 = {product, range, quantize};

}  // namespace rl::RL_ISA
