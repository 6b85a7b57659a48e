// The tile that matrix products are made of: a few rows and two vectors of columns of the result stay in registers while rows of
// b stream past; and how operands are packed into the order in which it reads them.
#pragma once

#include <cstdint>
#include <utility>

#include "matrix.h"
#include "tile.h"

namespace rl::RL_ISA {
namespace {

template <class T>
constexpr int kTileColumns = 2 * lanes<T>;

template <class T>
struct Finish {
    const T* bias;
    bool relu;
    bool accumulate;
    bool transposed;  // the tile's rows are the result's columns
};

template <class T>
RL_INLINE Vec<T> finished(Vec<T> v, const Finish<T>& finish, Vec<T> bias) {
    if (finish.bias) v += bias;
    if (finish.relu) v = v <= Vec<T>{} ? Vec<T>{} : v;
    return v;
}

// out[i, j] for a tile of ROWS x columns.
template <class T, int ROWS, int WIDTH>
RL_INLINE void put(const Vec<T> (&tile)[ROWS][WIDTH], T* out, int64_t out_rows, int64_t columns, const Finish<T>& finish) {
#pragma GCC unroll 2
    for (int v = 0; v < WIDTH; ++v) {
        const int64_t left = columns - v * lanes<T>;
        T* to = out + v * lanes<T>;
        if (left >= lanes<T>) {
            const Vec<T> bias = finish.bias ? load(finish.bias + v * lanes<T>) : Vec<T>{};
#pragma GCC unroll 16
            for (int i = 0; i < ROWS; ++i) {
                Vec<T> value = tile[i][v];
                if (finish.accumulate) value += load(to + i * out_rows);
                store(to + i * out_rows, finished(value, finish, bias));
            }
        } else {
            const Vec<T> bias = finish.bias ? load_part(finish.bias + v * lanes<T>, left) : Vec<T>{};
#pragma GCC unroll 16
            for (int i = 0; i < ROWS; ++i) {
                Vec<T> value = tile[i][v];
                if (finish.accumulate) value += load_part(to + i * out_rows, left);
                store_part(to + i * out_rows, finished(value, finish, bias), left);
            }
        }
    }
}

// out[j, i] for a tile of ROWS x columns; the bias then goes with the tile's rows.
template <class T, int ROWS, int WIDTH>
RL_INLINE void put_transposed(const Vec<T> (&tile)[ROWS][WIDTH], T* out, int64_t out_rows, int64_t columns,
                              const Finish<T>& finish) {
    constexpr int L = lanes<T>;
#pragma GCC unroll 4
    for (int first = 0; first < ROWS; first += L) {
        const int count = ROWS - first < L ? ROWS - first : L;
        const auto get = [=](const T* p) __attribute__((always_inline)) { return count == L ? load(p) : load_part(p, count); };
        const Vec<T> bias = finish.bias ? get(finish.bias + first) : Vec<T>{};
#pragma GCC unroll 2
        for (int v = 0; v < WIDTH; ++v) {
            Vec<T> block[L];
#pragma GCC unroll 16
            for (int i = 0; i < L; ++i) block[i] = i < count ? tile[first + i < ROWS ? first + i : 0][v] : Vec<T>{};
            transpose<T>(block);
            const int64_t left = smaller(columns - v * L, L);
            for (int64_t j = 0; j < left; ++j) {
                T* to = out + (v * L + j) * out_rows + first;
                Vec<T> value = block[j];
                if (finish.accumulate) value += get(to);
                value = finished(value, finish, bias);
                if (count == L) store(to, value);
                else store_part(to, value, count);
            }
        }
    }
}

// Products in one chain of additions: sums of long chains round worse, so each is added to what came before.
constexpr int64_t kChain = 256;

// What a tile asks the memory for while it multiplies: one address at each of its k steps. They may lie beyond the matrix.
struct Ahead {
    uintptr_t address;
    int64_t step;  // in bytes
    RL_INLINE void ask() {
        __builtin_prefetch(reinterpret_cast<const void*>(address), 0, 2);
        address += static_cast<uintptr_t>(step);
    }
};

// tile = ROWS x WIDTH vectors of a @ b. b's rows are read as whole vectors. beside() may do something else at each of the k steps.
template <class T, int ROWS, int WIDTH, class Beside>
RL_INLINE void sum_tile(int64_t k, const T* a, int64_t a_rows, int64_t a_columns, const T* b, int64_t b_rows, Vec<T> (&tile)[ROWS][WIDTH],
                        Beside beside) {
    Vec<T> total[ROWS][WIDTH];
#pragma GCC unroll 16
    for (int i = 0; i < ROWS; ++i) {
#pragma GCC unroll 2
        for (int v = 0; v < WIDTH; ++v) tile[i][v] = Vec<T>{};
    }
    const int64_t chains = divide_up(k, kChain);
    for (int64_t chain = 0; chain < chains; ++chain) {
        if (chain > 0) {
#pragma GCC unroll 16
            for (int i = 0; i < ROWS; ++i) {
#pragma GCC unroll 2
                for (int v = 0; v < WIDTH; ++v) {
                    total[i][v] = chain > 1 ? total[i][v] + tile[i][v] : tile[i][v];
                    tile[i][v] = Vec<T>{};
                }
            }
        }
        const int64_t p = k * chain / chains, depth = k * (chain + 1) / chains - p;
        add_products<T, ROWS, WIDTH>(depth, a + p * a_columns, a_rows, a_columns, b + p * b_rows, b_rows, tile,
                                     [&](int64_t) __attribute__((always_inline)) { beside(); });
    }
    if (chains > 1) {
#pragma GCC unroll 16
        for (int i = 0; i < ROWS; ++i) {
#pragma GCC unroll 2
            for (int v = 0; v < WIDTH; ++v) tile[i][v] += total[i][v];
        }
    }
}

// The tile of `columns` columns, finished and written to out.
template <class T, int ROWS, int WIDTH>
void multiply_tile(int64_t k, const T* a, int64_t a_rows, int64_t a_columns, const T* b, int64_t b_rows, T* out,
                   int64_t out_rows, int64_t columns, const Finish<T>& finish, Ahead ahead) {
    Vec<T> tile[ROWS][WIDTH];
    sum_tile<T, ROWS, WIDTH>(k, a, a_rows, a_columns, b, b_rows, tile, [&]() __attribute__((always_inline)) { ahead.ask(); });
    if (finish.transposed) put_transposed<T, ROWS, WIDTH>(tile, out, out_rows, columns, finish);
    else put<T, ROWS, WIDTH>(tile, out, out_rows, columns, finish);
}

template <class T>
using Tile = void (*)(int64_t, const T*, int64_t, int64_t, const T*, int64_t, T*, int64_t, int64_t, const Finish<T>&, Ahead);

template <class T, int WIDTH, int... I>
constexpr Tile<T> tile_of(int rows, std::integer_sequence<int, I...>) {
    constexpr Tile<T> tiles[] = {multiply_tile<T, I + 1, WIDTH>...};
    return tiles[rows - 1];
}

template <class T>
Tile<T> tile_kernel(int64_t rows, int64_t width) {
    using Rows = std::make_integer_sequence<int, kTileRows>;
    return width == 1 ? tile_of<T, 1>(static_cast<int>(rows), Rows{}) : tile_of<T, 2>(static_cast<int>(rows), Rows{});
}

// b in panels of kTileColumns columns; a panel is read row by row.
template <class T>
struct Panels {
    const T* data;        // the matrix itself, or the packed panels
    int64_t rows;         // elements between rows within a panel
    int64_t panel;        // elements between panels
    const T* last;        // the last panel, when it is narrower than its vectors (packed with zeros)
    int64_t last_rows;
};

RL_INLINE int64_t padded(int64_t columns, int lane) { return divide_up(columns, lane) * lane; }

// At most kTileColumns columns of b as a panel, filled up with zeros to whole vectors.
template <class T>
void pack_panel(const Matrix<T>& b, int64_t k, int64_t columns, T* out) {
    const int64_t width = padded(columns, lanes<T>);
    if (b.columns == 1) {
        for (int64_t p = 0; p < k; ++p) {
            for (int64_t j = 0; j < width; j += lanes<T>) store(out + p * width + j, load_n(b.data + p * b.rows + j, columns - j));
        }
        return;
    }
    for (int64_t j = 0; j < columns; j += lanes<T>) {
        transpose_strip(b.data + j * b.columns, b.columns, k, smaller(columns - j, lanes<T>), out + j, width);
    }
}

// A tile's rows of a, at most kTileRows, as k runs of that many elements. May write lanes - 1 elements past the end.
template <class T>
void pack_rows(const Matrix<T>& a, int64_t k, int64_t rows, T* out) {
    for (int64_t i = 0; i < rows; i += lanes<T>) {
        const int64_t count = smaller(rows - i, lanes<T>);
        if (i == 0) transpose_strip(a.data, a.rows, k, count, out, rows);
        else transpose_strip_exact(a.data + i * a.rows, a.rows, k, count, out + i, rows);
    }
}

// The same for several tiles, tile t being rows [starts[t], starts[t + 1]) from starts[0] on, of an a whose columns lie along
// memory: it is read column by column, through all tiles. Vectors are read and written whole, past a tile's rows, for as long as
// there is more of a behind them and a column of the tile still to be written over what is too much. Columns are often a page
// apart, where the processor doesn't foresee the next.
template <class T>
void pack_columns(const Matrix<T>& a, int64_t k, const int64_t* starts, int64_t tiles, T* out) {
    const auto pack = [&](int64_t p, auto copy) __attribute__((always_inline)) {
        const T* const from = a.data + p * a.columns;
        for (int64_t t = 0; t < tiles; ++t) {
            const int64_t first = starts[t] - starts[0], rows = starts[t + 1] - starts[t];
            T* const to = out + first * k + p * rows;
            for (int64_t i = 0; i < rows; i += lanes<T>) copy(from + first + i, to + i, rows - i);
        }
    };
    const int64_t whole = k > lanes<T> ? k - lanes<T> : 0;
    for (int64_t p = 0; p < whole; ++p) {
        pack(p, [&](const T* from, T* to, int64_t) __attribute__((always_inline)) {
            __builtin_prefetch(from + lanes<T> * a.columns);
            store(to, load(from));
        });
    }
    for (int64_t p = whole; p < k; ++p) {
        pack(p, [](const T* from, T* to, int64_t left) __attribute__((always_inline)) {
            if (left >= lanes<T>) store(to, load(from));
            else store_part(to, load_part(from, left), left);
        });
    }
}

template <class T>
Matrix<T> shifted(const Matrix<T>& m, int64_t i, int64_t j) {
    return {m.data + i * m.rows + j * m.columns, m.rows, m.columns};
}

}  // namespace
}  // namespace rl::RL_ISA
