// The transforms of Winograd's convolution F(M x M, 3 x 3), M = 2 or 4 (Lavin and Gray, 2016). With a patch d of
// (M + 2) x (M + 2) inputs, a window w of 3 x 3 weights and M x M outputs y:
//
//     y = A^T [(G w G^T) * (B^T d B)] A,
//
// `*` taking the (M + 2)^2 points one by one: a multiplication of matrices for each point, once channels are summed over. The
// gradient in w is the adjoint of that, G^T [(A g A^T) * (B^T d B)] G. The points are 0, 1, -1 (, 2, -2) and infinity.
//
// Each function transforms along one axis, in every lane of its vectors by itself.
#pragma once

#include "core/vec.h"

namespace rl::RL_ISA {
namespace {

template <class T>
struct WinogradOf2 {
    // B^T
    struct Input {
        RL_INLINE static void apply(const Vec<T> (&d)[4], Vec<T> (&v)[4]) {
            v[0] = d[0] - d[2];
            v[1] = d[1] + d[2];
            v[2] = d[2] - d[1];
            v[3] = d[1] - d[3];
        }
    };
    // A^T
    struct Output {
        RL_INLINE static void apply(const Vec<T> (&m)[4], Vec<T> (&y)[2]) {
            y[0] = m[0] + m[1] + m[2];
            y[1] = m[1] - m[2] - m[3];
        }
    };
    // A
    struct Gradient {
        RL_INLINE static void apply(const Vec<T> (&g)[2], Vec<T> (&m)[4]) {
            m[0] = g[0];
            m[1] = g[0] + g[1];
            m[2] = g[0] - g[1];
            m[3] = -g[1];
        }
    };
    // G
    struct Weight {
        RL_INLINE static void apply(const Vec<T> (&w)[3], Vec<T> (&u)[4]) {
            const Vec<T> half = T(0.5) * (w[0] + w[2]), middle = T(0.5) * w[1];
            u[0] = w[0];
            u[1] = half + middle;
            u[2] = half - middle;
            u[3] = w[2];
        }
    };
    // G^T
    struct WeightGradient {
        RL_INLINE static void apply(const Vec<T> (&u)[4], Vec<T> (&w)[3]) {
            const Vec<T> half = T(0.5) * (u[1] + u[2]);
            w[0] = u[0] + half;
            w[1] = T(0.5) * (u[1] - u[2]);
            w[2] = half + u[3];
        }
    };
};

template <class T>
struct WinogradOf4 {
    struct Input {
        RL_INLINE static void apply(const Vec<T> (&d)[6], Vec<T> (&v)[6]) {
            const Vec<T> four = splat(T(4)), five = splat(T(5)), two = splat(T(2));
            const Vec<T> even = d[4] - four * d[2], odd = d[3] - four * d[1], near = d[4] - d[2], far = two * (d[3] - d[1]);
            v[0] = four * d[0] - five * d[2] + d[4];
            v[1] = even + odd;
            v[2] = even - odd;
            v[3] = near + far;
            v[4] = near - far;
            v[5] = four * d[1] - five * d[3] + d[5];
        }
    };
    struct Output {
        RL_INLINE static void apply(const Vec<T> (&m)[6], Vec<T> (&y)[4]) {
            const Vec<T> s1 = m[1] + m[2], d1 = m[1] - m[2], s2 = m[3] + m[4], d2 = m[3] - m[4];
            y[0] = m[0] + s1 + s2;
            y[1] = fmadd<T>(splat(T(2)), d2, d1);
            y[2] = fmadd<T>(splat(T(4)), s2, s1);
            y[3] = fmadd<T>(splat(T(8)), d2, d1) + m[5];
        }
    };
    struct Gradient {
        RL_INLINE static void apply(const Vec<T> (&g)[4], Vec<T> (&m)[6]) {
            const Vec<T> even = g[0] + g[2], odd = g[1] + g[3];
            const Vec<T> far_even = fmadd<T>(splat(T(4)), g[2], g[0]), far_odd = T(2) * fmadd<T>(splat(T(4)), g[3], g[1]);
            m[0] = g[0];
            m[1] = even + odd;
            m[2] = even - odd;
            m[3] = far_even + far_odd;
            m[4] = far_even - far_odd;
            m[5] = g[3];
        }
    };
    struct Weight {
        RL_INLINE static void apply(const Vec<T> (&w)[3], Vec<T> (&u)[6]) {
            constexpr T sixth = T(1) / 6, twelfth = T(1) / 12, part = T(1) / 24;
            const Vec<T> even = -sixth * (w[0] + w[2]), odd = -sixth * w[1];
            const Vec<T> far_even = part * w[0] + sixth * w[2], far_odd = twelfth * w[1];
            u[0] = T(0.25) * w[0];
            u[1] = even + odd;
            u[2] = even - odd;
            u[3] = far_even + far_odd;
            u[4] = far_even - far_odd;
            u[5] = w[2];
        }
    };
    struct WeightGradient {
        RL_INLINE static void apply(const Vec<T> (&u)[6], Vec<T> (&w)[3]) {
            constexpr T sixth = T(1) / 6, twelfth = T(1) / 12, part = T(1) / 24;
            const Vec<T> near = sixth * (u[1] + u[2]), far = u[3] + u[4];
            w[0] = T(0.25) * u[0] - near + part * far;
            w[1] = twelfth * (u[3] - u[4]) - sixth * (u[1] - u[2]);
            w[2] = sixth * far - near + u[5];
        }
    };
};

template <class T, int M>
using Winograd = std::conditional_t<M == 2, WinogradOf2<T>, WinogradOf4<T>>;

// A transform along both axes.
template <class Transform, class T, int IN, int OUT>
RL_INLINE void transform_square(const Vec<T> (&from)[IN][IN], Vec<T> (&to)[OUT][OUT]) {
    Vec<T> rows[IN][OUT];
#pragma GCC unroll 6
    for (int i = 0; i < IN; ++i) Transform::apply(from[i], rows[i]);
#pragma GCC unroll 6
    for (int j = 0; j < OUT; ++j) {
        Vec<T> column[IN], found[OUT];
#pragma GCC unroll 6
        for (int i = 0; i < IN; ++i) column[i] = rows[i][j];
        Transform::apply(column, found);
#pragma GCC unroll 6
        for (int i = 0; i < OUT; ++i) to[i][j] = found[i];
    }
}

// Where a patch lies in an image: the offset of its first element, and a bit for each column that is inside, row by row; rows
// and columns outside are zeros.
struct Patch {
    int64_t at;
    uint8_t inside[8];
};

// The first 8 elements at p whose bit is set, zeros for the others, whose memory is not touched.
template <class T>
RL_INLINE void load_bits(const T* p, unsigned bits, T (&to)[8]) {
    for (int i = 0; i < 8; ++i) to[i] = bits >> i & 1 ? p[i] : T(0);
}

// `rows[i]` holds 8 elements of source i (and, in its upper half, of source i + 8); afterwards element i of all sources.
template <class T>
RL_INLINE void transpose_eights(Vec<T> (&rows)[8]) {
    using Indices = std::make_integer_sequence<int, lanes<T>>;
    exchange_blocks<T, 1>(rows, Indices{});
    exchange_blocks<T, 2>(rows, Indices{});
    exchange_blocks<T, 4>(rows, Indices{});
}

// A row of the patches of all lanes: source(lane) gives a pointer and bits. to[j] is column j.
template <class T, int COLUMNS, class Source>
RL_INLINE void load_columns(Source source, Vec<T> (&to)[COLUMNS]) {
#if defined(__AVX512F__)
    Vec<T> rows[8];
#pragma GCC unroll 8
    for (int i = 0; i < 8; ++i) {
        const auto a = source(i);
        if constexpr (std::is_same_v<T, float>) {
            const auto b = source(i + 8);
            const __m256 low = _mm256_maskz_loadu_ps(static_cast<__mmask8>(a.bits), a.p);
            const __m256 high = _mm256_maskz_loadu_ps(static_cast<__mmask8>(b.bits), b.p);
            rows[i] = (Vec<T>)_mm512_insertf32x8(_mm512_zextps256_ps512(low), high, 1);
        } else {
            rows[i] = (Vec<T>)_mm512_maskz_loadu_pd(static_cast<__mmask8>(a.bits), a.p);
        }
    }
    transpose_eights<T>(rows);
#pragma GCC unroll 6
    for (int j = 0; j < COLUMNS; ++j) to[j] = rows[j];
#else
#if defined(__AVX2__)
    if constexpr (std::is_same_v<T, float>) {
        Vec<T> rows[8];
        const Mask<T> places = {1, 2, 4, 8, 16, 32, 64, 128};
#pragma GCC unroll 8
        for (int i = 0; i < 8; ++i) {
            const auto a = source(i);
            const Mask<T> inside = (places & static_cast<int>(a.bits)) != 0;
            rows[i] = (Vec<T>)_mm256_maskload_ps(a.p, (__m256i)inside);
        }
        transpose_eights<T>(rows);
#pragma GCC unroll 6
        for (int j = 0; j < COLUMNS; ++j) to[j] = rows[j];
        return;
    }
#endif
    T rows[lanes<T>][8];
    for (int i = 0; i < lanes<T>; ++i) {
        const auto a = source(i);
        load_bits(a.p, a.bits, rows[i]);
    }
    for (int j = 0; j < COLUMNS; ++j)
        for (int i = 0; i < lanes<T>; ++i) to[j][i] = rows[i][j];
#endif
}

template <class T>
struct Piece8 {
    const T* p;
    unsigned bits;
};

// The patches of lanes<T> tiles of one channel.
template <class T, int SIZE>
RL_INLINE void load_tiles(const T* channel, const Patch* patches, int64_t width, Vec<T> (&to)[SIZE][SIZE]) {
#pragma GCC unroll 1
    for (int r = 0; r < SIZE; ++r) {
        load_columns<T, SIZE>([=](int i) __attribute__((always_inline)) {
            return Piece8<T>{channel + patches[i].at + r * width, patches[i].inside[r]};
        }, to[r]);
    }
}

// One patch of `count` channels, `plane` apart.
template <class T, int SIZE>
RL_INLINE void load_channels(const T* channel, int64_t plane, int64_t count, const Patch& patch, int64_t width,
                             Vec<T> (&to)[SIZE][SIZE]) {
#pragma GCC unroll 1
    for (int r = 0; r < SIZE; ++r) {
        load_columns<T, SIZE>([=](int i) __attribute__((always_inline)) {
            const bool exists = i < count;
            return Piece8<T>{channel + patch.at + r * width + (exists ? i * plane : 0), exists ? patch.inside[r] : 0u};
        }, to[r]);
    }
}

// The same where each channel has its own patch: `offsets` lie between the channels, `own` their patches, `count` <= lanes<T>.
template <class T, int SIZE>
RL_INLINE void load_channels(const T* channel, const int64_t* offsets, const Patch* const* own, int64_t count, int64_t width,
                             Vec<T> (&to)[SIZE][SIZE]) {
#pragma GCC unroll 1
    for (int r = 0; r < SIZE; ++r) {
        load_columns<T, SIZE>([=](int i) __attribute__((always_inline)) {
            return i < count ? Piece8<T>{channel + offsets[i] + own[i]->at + r * width, own[i]->inside[r]} : Piece8<T>{channel, 0u};
        }, to[r]);
    }
}

}  // namespace
}  // namespace rl::RL_ISA
