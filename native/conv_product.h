// What the kernels that convolve as a multiplication of matrices share: the product of a tile in registers, and the packing of
// the weights for it.
#pragma once

#include "conv.h"
#include "core/vec.h"

namespace rl::RL_ISA {
namespace {

#if defined(__AVX512F__) || defined(__aarch64__)
constexpr int kTileRows = 14;  // 28 accumulators of 32 registers
#else
constexpr int kTileRows = 6;   // 12 of 16
#endif
constexpr int64_t kGrain = 1 << 16;         // multiplications for which a second thread pays
constexpr int64_t kStretch = 128;           // products in one chain of additions: long chains round worse

template <class T>
constexpr int kPanel = 2 * lanes<T>;

RL_INLINE constexpr int64_t divide_up(int64_t a, int64_t b) { return (a + b - 1) / b; }
RL_INLINE constexpr int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }
RL_INLINE constexpr int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }

RL_INLINE int64_t multiplications(const ConvShape& c) {
    return c.batch * c.groups * c.out_channels * c.slices.out * c.out[0] * c.out[1] * c.in_channels * c.slices.kernel * c.kernel[0] *
           c.kernel[1];
}

// sums[i][v] += a[i * a_row + p * a_step] * b[p * b_step + v] over p < depth.
template <class T, int ROWS, int WIDTH>
RL_INLINE void add_products(int64_t depth, const T* a, int64_t a_row, int64_t a_step, const T* b, int64_t b_step,
                            Vec<T> (&sums)[ROWS][WIDTH]) {
    for (int64_t p = 0; p < depth; ++p) {
        Vec<T> right[WIDTH];
#pragma GCC unroll 2
        for (int v = 0; v < WIDTH; ++v) right[v] = load(b + v * lanes<T>);
        const T* row = a;
#pragma GCC unroll 16
        for (int i = 0; i < ROWS; ++i) {
            const Vec<T> left = splat(row[(i % 3) * a_row]);
            if (i % 3 == 2) row += 3 * a_row;
#pragma GCC unroll 2
            for (int v = 0; v < WIDTH; ++v) sums[i][v] = fmadd<T>(left, right[v], sums[i][v]);
        }
        a += a_step;
        b += b_step;
    }
}

// to[i * to_row + v] = (or, unless `first`, +=) the sum of a[i * a_row + p * a_step] * b[p * b_step + v] over p < depth.
template <class T>
using AddTile = void (*)(int64_t depth, const T* a, int64_t a_row, int64_t a_step, const T* b, int64_t b_step, bool first, T* to,
                         int64_t to_row);

template <class T, int ROWS, int WIDTH>
void add_tile(int64_t depth, const T* a, int64_t a_row, int64_t a_step, const T* b, int64_t b_step, bool first, T* to,
              int64_t to_row) {
    Vec<T> tile[ROWS][WIDTH] = {};
    add_products<T, ROWS, WIDTH>(depth, a, a_row, a_step, b, b_step, tile);
#pragma GCC unroll 16
    for (int i = 0; i < ROWS; ++i) {
#pragma GCC unroll 2
        for (int v = 0; v < WIDTH; ++v) {
            T* const out = to + i * to_row + v * lanes<T>;
            store(out, first ? tile[i][v] : load(out) + tile[i][v]);
        }
    }
}

template <class T, int WIDTH, int... I>
RL_INLINE AddTile<T> add_tile_of(int64_t rows, std::integer_sequence<int, I...>) {
    constexpr AddTile<T> functions[] = {add_tile<T, I + 1, WIDTH>...};
    return functions[rows - 1];
}

// For tiles of `rows` <= kTileRows rows and 1 or 2 vectors.
template <class T>
AddTile<T> add_tile_for(int64_t rows, int64_t width) {
    using Rows = std::make_integer_sequence<int, kTileRows>;
    return width == 1 ? add_tile_of<T, 1>(rows, Rows{}) : add_tile_of<T, 2>(rows, Rows{});
}

// Channels in a tile: even shares of at most kTileRows.
RL_INLINE int64_t even_block(int64_t channels) { return divide_up(channels, divide_up(channels, kTileRows)); }

// to[p * rows + i] = from[i * from_rows + p]: `rows` <= kTileRows rows of `depth` elements, transposed.
template <class T>
void pack_tile(const T* from, int64_t from_rows, int64_t rows, int64_t depth, T* to) {
    constexpr int L = lanes<T>;
    for (int64_t p = 0; p < depth; p += L) {
        const int64_t left = smaller(depth - p, L);
        for (int64_t first = 0; first < rows; first += L) {
            const int64_t count = smaller(rows - first, L);
            Vec<T> block[L];
#pragma GCC unroll 16
            for (int i = 0; i < L; ++i) {
                const T* const row = from + (first + i) * from_rows + p;
                block[i] = i >= count ? Vec<T>{} : left == L ? load(row) : load_part(row, left);
            }
            transpose<T>(block);
            for (int64_t i = 0; i < left; ++i) {
                T* const out = to + (p + i) * rows + first;
                if (count == L) store(out, block[i]);
                else store_part(out, block[i], count);
            }
        }
    }
}

}  // namespace
}  // namespace rl::RL_ISA
