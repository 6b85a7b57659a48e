// Products of a few rows with a matrix that is used step after step: the matrix is packed once, in panels of up to four
// vectors that are read row by row, and a tile of the result stays in registers. Kernel files only, as vec.h.
#pragma once

#include "core/tile.h"

namespace rl::RL_ISA {
namespace {

constexpr int kPanelVectors = 4;

// Accumulators: at most 24 of 32 registers, or 12 of 16.
#if defined(__AVX512F__) || defined(__aarch64__)
template <int V>
constexpr int kRowsOf = V == 4 ? 6 : 8;
#else
template <int V>
constexpr int kRowsOf = V == 4 ? 3 : V == 3 ? 4 : V == 2 ? 6 : 8;
#endif

// out (ROWS x V vectors) = a (ROWS x k) @ b (k x V vectors). A tile of few accumulators keeps several of each, for every second
// or fourth of k, since one would wait for itself.
template <class T, int ROWS, int V>
void multiply_tile(int64_t k, const T* a, int64_t a_rows, const T* b, T* out) {
    constexpr int kChains = ROWS * V >= 8 ? 1 : ROWS * V >= 4 ? 2 : 4;
    Vec<T> tile[kChains][ROWS][V] = {};
    const auto add = [&](int chain, const T* left, const T* right) __attribute__((always_inline)) {
        Vec<T> row[V];
#pragma GCC unroll 4
        for (int v = 0; v < V; ++v) row[v] = load(right + v * lanes<T>);
#pragma GCC unroll 8
        for (int i = 0; i < ROWS; ++i) {
            const Vec<T> factor = splat(left[(i % 3) * a_rows]);
            if (i % 3 == 2) left += 3 * a_rows;
#pragma GCC unroll 4
            for (int v = 0; v < V; ++v) tile[chain][i][v] = fmadd<T>(factor, row[v], tile[chain][i][v]);
        }
    };
    int64_t p = 0;
    for (; p + kChains <= k; p += kChains) {
#pragma GCC unroll 4
        for (int c = 0; c < kChains; ++c) add(c, a + p + c, b + (p + c) * V * lanes<T>);
    }
    if constexpr (kChains > 1) {
        for (; p < k; ++p) add(0, a + p, b + p * V * lanes<T>);
    }
#pragma GCC unroll 8
    for (int i = 0; i < ROWS; ++i) {
#pragma GCC unroll 4
        for (int v = 0; v < V; ++v) {
            Vec<T> total = tile[0][i][v];
#pragma GCC unroll 4
            for (int c = 1; c < kChains; ++c) total += tile[c][i][v];
            store(out + (i * V + v) * lanes<T>, total);
        }
    }
}

template <class T>
using Tile = void (*)(int64_t, const T*, int64_t, const T*, T*);

template <class T, int V, int... I>
RL_INLINE Tile<T> tile_of(int64_t rows, std::integer_sequence<int, I...>) {
    static constexpr Tile<T> tiles[] = {multiply_tile<T, I + 1, V>...};
    return tiles[rows - 1];
}

// Calls sink(first row, rows, tile) for all rows of a @ panel, tile by tile, the tiles as equal as can be.
template <class T, int V, class Sink>
RL_INLINE void multiply_panel(int64_t rows, int64_t k, const T* a, int64_t a_rows, const T* b, Sink sink) {
    constexpr int most = kRowsOf<V>;
    alignas(kVectorBytes) T tile[most * V * lanes<T>];
    const int64_t tiles = divide_up(rows, most);
    for (int64_t t = 0; t < tiles; ++t) {
        const int64_t begin = rows * t / tiles, height = rows * (t + 1) / tiles - begin;
        tile_of<T, V>(height, std::make_integer_sequence<int, most>{})(k, a + begin * a_rows, a_rows, b, tile);
        sink(begin, height, tile);
    }
}

// A packed matrix of k rows. `columns` is what a panel covers of the columns of each of `groups` (the gates), whose vectors stand
// side by side; with one group the last panel has only the vectors that it needs.
template <class T>
struct Panels {
    const T* data;
    int64_t k, width, count;
    int groups;

    int64_t columns() const { return (groups == 1 ? kPanelVectors : 1) * lanes<T>; }
    int64_t size() const { return count * k * (groups == 1 ? kPanelVectors : groups) * lanes<T>; }
    const T* panel(int64_t i) const { return data + i * k * (groups == 1 ? kPanelVectors : groups) * lanes<T>; }
    int64_t columns_of(int64_t i) const { return smaller(columns(), width - i * columns()); }
};

template <class T>
Panels<T> panels_for(int64_t k, int64_t width, int groups) {
    Panels<T> p = {nullptr, k, width, 0, groups};
    p.count = divide_up(width, p.columns());
    return p;
}

// multiply_panel with the vectors that panel i has.
template <class T, int GROUPS, class Sink>
RL_INLINE void multiply(const Panels<T>& b, int64_t i, int64_t rows, const T* a, int64_t a_rows, Sink sink) {
    const T* panel = b.panel(i);
    if constexpr (GROUPS > 1) return multiply_panel<T, GROUPS>(rows, b.k, a, a_rows, panel, sink);
    switch (divide_up(b.columns_of(i), lanes<T>)) {
        case 1: return multiply_panel<T, 1>(rows, b.k, a, a_rows, panel, sink);
        case 2: return multiply_panel<T, 2>(rows, b.k, a, a_rows, panel, sink);
        case 3: return multiply_panel<T, 3>(rows, b.k, a, a_rows, panel, sink);
        default: return multiply_panel<T, 4>(rows, b.k, a, a_rows, panel, sink);
    }
}

// Panel i of w', for w (groups * width, k): each vector is `lanes` rows of w, transposed block by block.
template <class T>
void pack_transposed(const Panels<T>& p, int64_t i, const T* w, T* out) {
    const int64_t columns = p.columns_of(i), each = divide_up(columns, lanes<T>), row = p.groups * each * lanes<T>;
    for (int64_t v = 0; v < p.groups * each; ++v) {
        const int64_t first = i * p.columns() + v % each * lanes<T>;
        const int64_t count = smaller(lanes<T>, p.width - first);
        const T* from = w + (v / each * p.width + first) * p.k;
        transpose_strip(from, p.k, p.k, count, out + v * lanes<T>, row);
    }
}

// Panel i of w (k, width).
template <class T>
void pack_plain(const Panels<T>& p, int64_t i, const T* w, T* out) {
    const int64_t columns = p.columns_of(i), row = divide_up(columns, lanes<T>) * lanes<T>;
    for (int64_t at = 0; at < p.k; ++at) {
        const T* from = w + at * p.width + i * p.columns();
        for (int64_t j = 0; j < columns; j += lanes<T>) store(out + at * row + j, load_n(from + j, smaller(lanes<T>, columns - j)));
    }
}

}  // namespace
}  // namespace rl::RL_ISA
