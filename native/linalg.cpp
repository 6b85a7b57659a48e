// Matrix multiplication after Goto and van de Geijn, "Anatomy of High-Performance Matrix Multiplication" (2008): a tile of the
// result stays in registers while rows of b stream past; b, and a when it is used often enough, are first packed into the
// order in which they are read. Two things differ: an operand that can be read as it lies is not packed, and b transposed
// (the weight of a linear layer) with few rows in a is multiplied as (b^T a^T)^T, which packs only a.
#include "linalg.h"

#include "core/allocator.h"
#include "core/thread_pool.h"
#include "core/vec.h"

namespace rl::RL_ISA {
namespace {

#if defined(__AVX512F__) || defined(__aarch64__)
constexpr int kTileRows = 14;  // 28 accumulators of 32 registers
#else
constexpr int kTileRows = 6;   // 12 of 16
#endif
constexpr int64_t kDepth = 512;        // k elements between two visits of the result
constexpr int64_t kBlockBytes = 1 << 18;  // packed rows of a that stay in the second-level cache
constexpr double kWorkOfPart = 1.5e5;    // multiply-adds for which a second thread pays

template <class T>
constexpr int kTileColumns = 2 * lanes<T>;

template <class T>
struct Finish {
    const T* bias;
    bool relu;
    bool accumulate;
    bool transposed;  // the tile's rows are the result's columns
};

RL_INLINE int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }
RL_INLINE int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

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

// ROWS x WIDTH vectors of a @ b. b's rows are read as whole vectors.
template <class T, int ROWS, int WIDTH>
void multiply_tile(int64_t k, const T* a, int64_t a_rows, int64_t a_columns, const T* b, int64_t b_rows, T* out,
                   int64_t out_rows, int64_t columns, const Finish<T>& finish) {
    Vec<T> tile[ROWS][WIDTH] = {};
    for (int64_t p = 0; p < k; ++p) {
        Vec<T> right[WIDTH];
#pragma GCC unroll 2
        for (int v = 0; v < WIDTH; ++v) right[v] = load(b + v * lanes<T>);
        const T* row = a;
#pragma GCC unroll 16
        for (int i = 0; i < ROWS; ++i) {
            const Vec<T> left = splat(row[(i % 3) * a_rows]);
            if (i % 3 == 2) row += 3 * a_rows;
#pragma GCC unroll 2
            for (int v = 0; v < WIDTH; ++v) tile[i][v] = fmadd<T>(left, right[v], tile[i][v]);
        }
        a += a_columns;
        b += b_rows;
    }
    if (finish.transposed) put_transposed<T, ROWS, WIDTH>(tile, out, out_rows, columns, finish);
    else put<T, ROWS, WIDTH>(tile, out, out_rows, columns, finish);
}

template <class T>
using Tile = void (*)(int64_t, const T*, int64_t, int64_t, const T*, int64_t, T*, int64_t, int64_t, const Finish<T>&);

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

RL_INLINE int64_t padded(int64_t columns, int lane) { return ceil_div(columns, lane) * lane; }

// out[p, i] = from[i, p] for k columns and `count` <= lanes rows of `from`.
template <class T, class Put>
RL_INLINE void transpose_rows(const T* from, int64_t from_rows, int64_t k, int64_t count, Put put) {
    for (int64_t p = 0; p < k; p += lanes<T>) {
        const int64_t left = smaller(k - p, lanes<T>);
        Vec<T> block[lanes<T>];
#pragma GCC unroll 16
        for (int i = 0; i < lanes<T>; ++i) {
            const T* row = from + i * from_rows + p;
            block[i] = i >= count ? Vec<T>{} : left == lanes<T> ? load(row) : load_part(row, left);
        }
        transpose<T>(block);
        if (left == lanes<T>) {
#pragma GCC unroll 16
            for (int i = 0; i < lanes<T>; ++i) put(p + i, block[i]);
        } else {
            for (int64_t i = 0; i < left; ++i) put(p + i, block[i]);
        }
    }
}

// Whole vectors are written, so up to lanes - 1 elements after each row of `out` are overwritten; rows are written in order.
template <class T>
void transpose_strip(const T* from, int64_t from_rows, int64_t k, int64_t count, T* out, int64_t out_rows) {
    transpose_rows(from, from_rows, k, count, [=](int64_t p, Vec<T> v) { store(out + p * out_rows, v); });
}

template <class T>
void transpose_strip_exact(const T* from, int64_t from_rows, int64_t k, int64_t count, T* out, int64_t out_rows) {
    transpose_rows(from, from_rows, k, count, [=](int64_t p, Vec<T> v) { store_part(out + p * out_rows, v, count); });
}

template <class T>
void pack_panel(const Matrix<T>& b, int64_t k, int64_t columns, T* out) {
    const int64_t width = padded(columns, lanes<T>);
    if (b.columns == 1) {
        for (int64_t p = 0; p < k; ++p) {
            const T* from = b.data + p * b.rows;
            for (int64_t j = 0; j < width; j += lanes<T>) {
                const int64_t left = columns - j;
                store(out + p * width + j, left >= lanes<T> ? load(from + j) : load_part(from + j, left));
            }
        }
        return;
    }
    for (int64_t j = 0; j < width; j += lanes<T>) {
        transpose_strip(b.data + j * b.columns, b.columns, k, smaller(columns - j, lanes<T>), out + j, width);
    }
}

// The rows of a, at most kTileRows, as k runs of that many elements. May write lanes - 1 elements past the end.
template <class T>
void pack_rows(const Matrix<T>& a, int64_t k, int64_t rows, T* out) {
    if (a.rows == 1) {
        for (int64_t p = 0; p < k; ++p) {
            const T* from = a.data + p * a.columns;
            int64_t i = 0;
            for (; i + lanes<T> <= rows; i += lanes<T>) store(out + p * rows + i, load(from + i));
            if (i < rows) store(out + p * rows + i, load_part(from + i, rows - i));
        }
        return;
    }
    for (int64_t i = 0; i < rows; i += lanes<T>) {
        const int64_t count = smaller(rows - i, lanes<T>);
        if (i == 0) transpose_strip(a.data, a.rows, k, count, out, rows);
        else transpose_strip_exact(a.data + i * a.rows, a.rows, k, count, out + i, rows);
    }
}

template <class T>
Matrix<T> shifted(const Matrix<T>& m, int64_t i, int64_t j) {
    return {m.data + i * m.rows + j * m.columns, m.rows, m.columns};
}

// One call's plan and its work, with the operands already exchanged if that pays.
template <class T>
class Gemm {
public:
    explicit Gemm(const GemmJob<T>& job) : job_(job) {
        const bool b_as_it_lies = job.b.columns == 1;
        const int64_t keep = b_as_it_lies ? 0 : job.k * job.n;
        const int64_t exchange = (job.a.rows == 1 ? 0 : job.k * job.m) + job.m * job.n;
        if (!b_as_it_lies && exchange < keep) {
            transposed_ = true;
            job_.a = {job.b.data, job.b.columns, job.b.rows};
            job_.b = {job.a.data, job.a.columns, job.a.rows};
            job_.m = job.n;
            job_.n = job.m;
        }
        const double work = static_cast<double>(job.m) * static_cast<double>(job.n) * static_cast<double>(job.k);
        parts_ = parts_for(static_cast<int64_t>(smaller(static_cast<int64_t>(work / kWorkOfPart), kMaxThreads)), 1);
        panels_ = ceil_div(job_.n, kTileColumns<T>);
        split();
        pack_b_ = job_.b.columns != 1 || job_.m / row_parts_ >= 8 * kTileRows;
        pack_a_ = panels_ / column_parts_ >= 8 && !(job_.a.rows == 1 && job_.k <= 128);
    }

    bool run() {
        const int64_t steps = job_.k <= 2 * kDepth ? 1 : ceil_div(job_.k, kDepth);
        const int64_t depth = steps == 1 ? job_.k : kDepth;
        const int64_t b_size = pack_b_ ? panels_ * kTileColumns<T> : kTileColumns<T>;
        block_rows_ = block_rows(depth);
        const int64_t a_size = pack_a_ ? block_rows_ * depth + lanes<T> : 0;
        Scratch<T> b_scratch(b_size * depth + 1), a_scratch(a_size * parts_ + 1);
        if (!b_scratch.get() || !a_scratch.get()) return false;
        for (int64_t step = 0; step < steps; ++step) {
            const int64_t from = step * depth, k = smaller(depth, job_.k - from);
            const Panels<T> b = prepare_b(from, k, b_scratch.get());
            const bool last = step + 1 == steps;
            const Finish<T> finish = {last ? job_.bias : nullptr, last && job_.relu, step > 0, transposed_};
            parallel_parts(parts_, [&, this](int part, int parts) {
                (void)parts;
                work(part, from, k, b, a_scratch.get() + part * a_size, finish);
            });
        }
        return true;
    }

private:
    // A grid of row_parts_ x column_parts_ that keeps the rectangles as square as it can.
    void split() {
        double best = 1e300;
        for (int rows = 1; rows <= parts_; ++rows) {
            const int columns = parts_ / rows;
            if (rows * columns != parts_) continue;
            const double height = static_cast<double>(ceil_div(job_.m, rows));
            const double width = static_cast<double>(ceil_div(panels_, columns) * kTileColumns<T>);
            const double cost = height * width + 4 * height + 4 * width;
            if (cost < best) {
                best = cost;
                row_parts_ = rows;
                column_parts_ = columns;
            }
        }
    }

    int64_t block_rows(int64_t depth) const {
        const int64_t fit = kBlockBytes / static_cast<int64_t>(sizeof(T)) / (depth ? depth : 1);
        return smaller(fit > kTileRows ? fit / kTileRows * kTileRows : kTileRows, padded(job_.m, kTileRows));
    }

    Panels<T> prepare_b(int64_t from, int64_t k, T* scratch) {
        const Matrix<T> b = shifted(job_.b, from, 0);
        const int64_t last_columns = job_.n - (panels_ - 1) * kTileColumns<T>;
        const int64_t last_rows = padded(last_columns, lanes<T>);
        if (!pack_b_) {
            const Matrix<T> last = shifted(b, 0, (panels_ - 1) * kTileColumns<T>);
            if (last_columns == last_rows) return {b.data, b.rows, kTileColumns<T>, last.data, b.rows};
            pack_panel(last, k, last_columns, scratch);
            return {b.data, b.rows, kTileColumns<T>, scratch, last_rows};
        }
        const int64_t panel = k * kTileColumns<T>;
        const int64_t grain = (1 << 15) / (panel + 1) + 1;
        parallel_for(panels_, grain, [&, this](int64_t begin, int64_t end) {
            for (int64_t i = begin; i < end; ++i) {
                const int64_t columns = smaller(kTileColumns<T>, job_.n - i * kTileColumns<T>);
                pack_panel(shifted(b, 0, i * kTileColumns<T>), k, columns, scratch + i * panel);
            }
        });
        return {scratch, kTileColumns<T>, panel, scratch + (panels_ - 1) * panel, last_rows};
    }

    // The rectangle of this part, for k rows of b from `from` on.
    void work(int part, int64_t from, int64_t k, const Panels<T>& b, T* scratch, const Finish<T>& finish) const {
        const int row_part = part / column_parts_, column_part = part % column_parts_;
        const int64_t row_begin = job_.m * row_part / row_parts_;
        const int64_t row_end = job_.m * (row_part + 1) / row_parts_;
        const int64_t panel_begin = panels_ * column_part / column_parts_;
        const int64_t panel_end = panels_ * (column_part + 1) / column_parts_;
        const int64_t step = pack_a_ ? block_rows_ : row_end - row_begin;
        for (int64_t i = row_begin; i < row_end; i += step) {
            const int64_t rows = smaller(step, row_end - i);
            block(i, rows, panel_begin, panel_end, from, k, b, scratch, finish);
        }
    }

    void block(int64_t first, int64_t rows, int64_t panel_begin, int64_t panel_end, int64_t from, int64_t k,
               const Panels<T>& b, T* scratch, const Finish<T>& finish) const {
        const Matrix<T> a = shifted(job_.a, first, from);
        const int64_t tiles = ceil_div(rows, kTileRows);
        if (pack_a_) {
            for (int64_t t = 0; t < tiles; ++t) {
                const int64_t begin = rows * t / tiles, end = rows * (t + 1) / tiles;
                pack_rows(shifted(a, begin, 0), k, end - begin, scratch + begin * k);
            }
        }
        for (int64_t panel = panel_begin; panel < panel_end; ++panel) {
            const bool last = panel == panels_ - 1;
            const int64_t column = panel * kTileColumns<T>;
            const int64_t columns = smaller(kTileColumns<T>, job_.n - column);
            const int64_t width = columns > lanes<T> ? 2 : 1;
            const T* right = last ? b.last : b.data + panel * b.panel;
            const int64_t right_rows = last ? b.last_rows : b.rows;
            for (int64_t t = 0; t < tiles; ++t) {
                const int64_t begin = rows * t / tiles, height = rows * (t + 1) / tiles - begin;
                const T* left = pack_a_ ? scratch + begin * k : a.data + begin * a.rows;
                T* out = transposed_ ? job_.out + column * job_.out_rows + first + begin
                                     : job_.out + (first + begin) * job_.out_rows + column;
                Finish<T> local = finish;
                if (finish.bias) local.bias += transposed_ ? first + begin : column;
                tile_kernel<T>(height, width)(k, left, pack_a_ ? 1 : a.rows, pack_a_ ? height : a.columns, right,
                                              right_rows, out, job_.out_rows, columns, local);
            }
        }
    }

    GemmJob<T> job_;
    bool transposed_ = false;
    bool pack_a_ = false, pack_b_ = false;
    int parts_ = 1, row_parts_ = 1, column_parts_ = 1;
    int64_t panels_ = 0, block_rows_ = 0;
};

template <class T>
bool gemm(const GemmJob<T>& job) {
    if (job.m == 0 || job.n == 0) return true;
    return Gemm<T>(job).run();
}

}  // namespace

const LinalgKernels<float> linalg_f32 = {gemm<float>};
const LinalgKernels<double> linalg_f64 = {gemm<double>};

}  // namespace rl::RL_ISA
