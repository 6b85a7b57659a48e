// What the kernels that convolve as a multiplication of matrices share: the product of a tile in registers, and the packing of
// the weights for it.
#pragma once

#include "conv.h"
#include "core/gemm_tile.h"

namespace rl::RL_ISA {
namespace {

constexpr int64_t kGrain = 1 << 16;         // multiplications for which a second thread pays
constexpr int64_t kStretch = 128;           // products in one chain of additions: long chains round worse

template <class T>
constexpr int kPanel = 2 * lanes<T>;


RL_INLINE int64_t multiplications(const ConvShape& c) {
    return c.batch * c.groups * c.out_channels * c.slices.out * c.out[0] * c.out[1] * c.in_channels * c.slices.kernel * c.kernel[0] *
           c.kernel[1];
}

template <class T>
using AddTile = void (*)(int64_t depth, const T* a, int64_t a_row, int64_t a_step, const T* b, int64_t b_step, bool first, T* to,
                         int64_t to_row);

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
    for (int64_t i = 0; i < rows; i += lanes<T>) {
        transpose_strip_exact(from + i * from_rows, from_rows, depth, smaller(rows - i, lanes<T>), to + i, rows);
    }
}

}  // namespace
}  // namespace rl::RL_ISA
