// Pieces of every kernel that multiplies matrices in its own way: a tile of the result that stays in registers, and rows turned
// into vectors. Kernel files only, as vec.h.
#pragma once

#include "vec.h"

namespace rl::RL_ISA {
namespace {

#if defined(__AVX512F__) || defined(__aarch64__)
constexpr int kTileRows = 14;  // with two vectors a row, 28 accumulators of 32 registers
#else
constexpr int kTileRows = 6;   // 12 of 16
#endif

// v in a register, though it lies in memory: GCC reads what several operations need once for each of them.
template <class T>
RL_INLINE Vec<T> in_register(Vec<T> v) {
#if defined(__x86_64__)
    asm("" : "+v"(v));
#elif defined(__aarch64__)
    asm("" : "+w"(v));
#endif
    return v;
}

// sums[i][v] += a[i * a_row + p * a_step] * b[p * b_step + v] over p < depth; beside(p) may do something else at each step.
template <class T, int ROWS, int WIDTH, class Beside>
RL_INLINE void add_products(int64_t depth, const T* a, int64_t a_row, int64_t a_step, const T* b, int64_t b_step,
                            Vec<T> (&sums)[ROWS][WIDTH], Beside beside) {
    for (int64_t p = 0; p < depth; ++p) {
        beside(p);
        Vec<T> right[WIDTH];
#pragma GCC unroll 2
        for (int v = 0; v < WIDTH; ++v) right[v] = load(b + v * lanes<T>);
        const T* row = a;  // every third row gets a pointer of its own: the others are within reach of its addressing
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

template <class T, int ROWS, int WIDTH>
RL_INLINE void add_products(int64_t depth, const T* a, int64_t a_row, int64_t a_step, const T* b, int64_t b_step,
                            Vec<T> (&sums)[ROWS][WIDTH]) {
    add_products<T, ROWS, WIDTH>(depth, a, a_row, a_step, b, b_step, sums, [](int64_t) __attribute__((always_inline)) {});
}

// to[i * to_row + v] = (or, unless `first`, +=) the sum of a[i * a_row + p * a_step] * b[p * b_step + v] over p < depth.
template <class T, int ROWS, int WIDTH, class Beside>
RL_INLINE void add_tile(int64_t depth, const T* a, int64_t a_row, int64_t a_step, const T* b, int64_t b_step, bool first, T* to,
                        int64_t to_row, Beside beside) {
    Vec<T> tile[ROWS][WIDTH] = {};
    add_products<T, ROWS, WIDTH>(depth, a, a_row, a_step, b, b_step, tile, beside);
#pragma GCC unroll 16
    for (int i = 0; i < ROWS; ++i) {
#pragma GCC unroll 2
        for (int v = 0; v < WIDTH; ++v) {
            T* const out = to + i * to_row + v * lanes<T>;
            store(out, first ? tile[i][v] : load(out) + tile[i][v]);
        }
    }
}

template <class T, int ROWS, int WIDTH>
void add_tile(int64_t depth, const T* a, int64_t a_row, int64_t a_step, const T* b, int64_t b_step, bool first, T* to,
              int64_t to_row) {
    add_tile<T, ROWS, WIDTH>(depth, a, a_row, a_step, b, b_step, first, to, to_row, [](int64_t) __attribute__((always_inline)) {});
}

// put(p, vector) for each p < k: lane i of the vector is from[i * from_rows + p], or 0 from `count` on.
template <class T, class Put>
RL_INLINE void transpose_rows(const T* from, int64_t from_rows, int64_t k, int64_t count, Put put) {
    for (int64_t p = 0; p < k; p += lanes<T>) {
        const int64_t left = smaller(k - p, lanes<T>);
        Vec<T> block[lanes<T>];
#pragma GCC unroll 16
        for (int i = 0; i < lanes<T>; ++i) block[i] = i < count ? load_n(from + i * from_rows + p, left) : Vec<T>{};
        transpose<T>(block);
        if (left == lanes<T>) {
#pragma GCC unroll 16
            for (int i = 0; i < lanes<T>; ++i) put(p + i, block[i]);
        } else {
            for (int64_t i = 0; i < left; ++i) put(p + i, block[i]);
        }
    }
}

// The reverse: to[i * to_rows + p] is lane i of get(p), for k columns and `count` rows.
template <class T, class Get>
RL_INLINE void restore_rows(T* to, int64_t to_rows, int64_t k, int64_t count, Get get) {
    for (int64_t p = 0; p < k; p += lanes<T>) {
        const int64_t left = smaller(k - p, lanes<T>);
        Vec<T> block[lanes<T>];
#pragma GCC unroll 16
        for (int i = 0; i < lanes<T>; ++i) block[i] = i < left ? get(p + i) : Vec<T>{};
        transpose<T>(block);
#pragma GCC unroll 16
        for (int i = 0; i < lanes<T>; ++i) {
            if (i < count) store_n(to + i * to_rows + p, block[i], left);
        }
    }
}

// The rows as rows of `out`, out_rows apart. Whole vectors are written, so up to lanes - 1 elements after each row of `out` are
// overwritten; rows are written in order.
template <class T>
void transpose_strip(const T* from, int64_t from_rows, int64_t k, int64_t count, T* out, int64_t out_rows) {
    transpose_rows(from, from_rows, k, count, [=](int64_t p, Vec<T> v) { store(out + p * out_rows, v); });
}

template <class T>
void transpose_strip_exact(const T* from, int64_t from_rows, int64_t k, int64_t count, T* out, int64_t out_rows) {
    transpose_rows(from, from_rows, k, count, [=](int64_t p, Vec<T> v) { store_n(out + p * out_rows, v, count); });
}

}  // namespace
}  // namespace rl::RL_ISA
