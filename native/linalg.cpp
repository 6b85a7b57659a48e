// Matrix multiplication after Goto and van de Geijn, "Anatomy of High-Performance Matrix Multiplication" (2008): a tile of the
// result stays in registers while rows of b stream past; b, and a when it is used often enough, are first packed into the
// order in which they are read. What differs: an operand that can be read as it lies is not packed; b transposed (the weight
// of a linear layer) with few rows in a is multiplied as (b^T a^T)^T, which packs only a; vectors go ways of their own.
//
// The result is cut into pieces, each part of the job has a run of them, and one that is done with its own helps the next: a
// thread that gets no processor costs its share of the speed and no more. Parts share nothing that they write. A part packs
// what it reads, though another packs the same, since a cache line that another core has written costs 30 ns to write again.
#include "linalg.h"

#include "core/allocator.h"
#include "core/gemm_tile.h"
#include "core/pieces.h"

namespace rl::RL_ISA {
namespace {

constexpr int64_t kDepth = 1024;          // the most k elements between two visits of the result
constexpr int64_t kBlockBytes = 1 << 18;  // packed rows of a that stay in the second-level cache
constexpr int64_t kColumnBytes = 1 << 23; // packed columns of b that a part holds
constexpr double kWorkOfPart = 1.5e5;     // multiply-adds for which a second thread pays
constexpr double kWorkOfPiece = 5e5;
constexpr int64_t kPiecesOfPart = 8;

// The job with (b^T a^T)^T in the place of a b.
template <class T>
GemmJob<T> exchanged(const GemmJob<T>& job) {
    GemmJob<T> other = job;
    other.a = {job.b.data, job.b.columns, job.b.rows};
    other.b = {job.a.data, job.a.columns, job.a.rows};
    other.a_offsets = job.b_offsets;
    other.b_offsets = job.a_offsets;
    other.m = job.n;
    other.n = job.m;
    return other;
}

template <class T>
double work_of(const GemmJob<T>& job) {
    return static_cast<double>(job.m) * static_cast<double>(job.n) * static_cast<double>(job.k);
}

// One call's plan and its work, with the operands already exchanged if that pays.
template <class T>
class Gemm {
public:
    explicit Gemm(const GemmJob<T>& job) : job_(job) {
        const bool b_as_it_lies = job.b.columns == 1;
        const int64_t keep = b_as_it_lies ? 0 : job.k * job.n;
        const int64_t exchange = (job.a.rows == 1 ? 0 : job.k * job.m) + job.m * job.n;
        transposed_ = !b_as_it_lies && exchange < keep;
        if (transposed_) job_ = exchanged(job);
        tiles_ = divide_up(job_.m, kTileRows);
        panels_ = divide_up(job_.n, kTileColumns<T>);
        depth_ = divide_up(job_.k, job_.k ? divide_up(job_.k, kDepth) : 1);
        split();
    }

    bool run() {
        const int64_t last_columns = job_.n - (panels_ - 1) * kTileColumns<T>;
        last_in_place_ = !pack_b_ && padded(last_columns, lanes<T>) == last_columns;
        const int64_t b_panels = pack_b_ ? divide_up(panels_, column_pieces_) : last_in_place_ ? 0 : 1;
        b_size_ = b_panels * kTileColumns<T> * depth_;
        const int64_t size = b_size_ + (pack_a_ ? block_tiles_ * kTileRows * depth_ + lanes<T> : 0);
        const Scratch<T> scratch(static_cast<size_t>(size * parts_));
        if (!scratch.get()) return false;
        for (int64_t from = 0; from == 0 || from < job_.k; from += depth_ ? depth_ : 1) {
            const int64_t k = smaller(depth_, job_.k - from);
            const bool last = from + k == job_.k;
            const Step step = {from, k, {last ? job_.bias : nullptr, last && job_.relu, from > 0, transposed_}};
            if (parts_ == 1) {
                Packed packed = {scratch.get(), nullptr, 0};
                for (int64_t i = 0; i < pieces(); ++i) work(i, step, packed);
                continue;
            }
            Pieces shares(pieces(), parts_);
            parallel_parts(parts_, [&, this](int part, int) {
                Packed packed = {scratch.get() + part * size, nullptr, 0};
                shares.take(part, [&, this](int64_t i) __attribute__((always_inline)) { work(i, step, packed); });
            });
        }
        return true;
    }

private:
    struct Step {
        int64_t from, k;  // rows of b
        Finish<T> finish;
    };
    // A part's scratch memory: columns of b, then rows of a; where the columns came from, and how many panels are packed. The
    // first block of rows packs a panel when it comes to it, with the next one on its way from memory while it multiplies.
    struct Packed {
        T* data;
        const T* columns;
        int64_t panels;
    };

    int64_t pieces() const { return job_.count * row_pieces_ * column_pieces_; }

    // How many parts, a grid of pieces for them that keeps each part's rectangle as square as it can, and what to pack.
    void split() {
        const double each = work_of(job_);
        const double most = each * static_cast<double>(job_.count) / kWorkOfPart;
        parts_ = parts_for(most < kMaxThreads ? static_cast<int64_t>(most) : kMaxThreads, 1);
        const int64_t wanted = job_.count >= 4 * parts_ ? 1 : divide_up(parts_, job_.count);
        double best = 1e300;
        for (int64_t rows = 1; rows <= wanted; ++rows) {
            const int64_t columns = wanted / rows;
            if (rows * columns != wanted) continue;
            const double height = static_cast<double>(divide_up(job_.m, rows));
            const double width = static_cast<double>(divide_up(panels_, columns) * kTileColumns<T>);
            // What shares out rows of the result as they lie in memory leaves each thread what it will most likely read next.
            const bool cuts = (transposed_ ? rows : columns) > 1;
            const double apart = cuts && job_.k ? 8 / static_cast<double>(job_.k) : 0;
            const double cost = height * width * (1 + apart) + 4 * height + 4 * width;
            if (cost < best) best = cost, row_pieces_ = rows, column_pieces_ = columns;
        }
        tiles_ = padded(tiles_, row_pieces_);  // as many for each part
        pack_b_ = job_.b.columns != 1 || job_.m / row_pieces_ >= 8 * kTileRows;
        if (pack_b_) {
            const int64_t bytes = panels_ / column_pieces_ * kTileColumns<T> * depth_ * static_cast<int64_t>(sizeof(T));
            column_pieces_ *= 1 + bytes / kColumnBytes;
        }
        const int64_t width = panels_ / column_pieces_;  // of a part's columns, in panels
        if (parts_ > 1) split_further(each);
        pack_a_ = pays_to_pack_a(width);
        column_pieces_ = smaller(column_pieces_, panels_);
        const int64_t fit = kBlockBytes / static_cast<int64_t>(sizeof(T)) / (depth_ ? depth_ : 1) / kTileRows;
        block_tiles_ = smaller(fit ? fit : 1, divide_up(tiles_, row_pieces_));
    }

    // Whether a's rows are used by so many panels that packing them pays. Where rows are whole pages apart, and fall on the same
    // lines of the cache, it pays sooner, and so where columns are; sooner still if no cache holds a part's.
    bool pays_to_pack_a(int64_t panels) const {
        if (job_.a.rows == 1 && job_.k <= 128) return false;
        const int64_t item = sizeof(T), apart = larger(job_.a.rows, job_.a.columns) * item;
        if (job_.a.rows == 1 && apart >= 4096) {
            return panels >= (divide_up(job_.m, row_pieces_) * depth_ * item > 4 * kBlockBytes ? 2 : 4);
        }
        return panels >= (apart % 4096 == 0 ? 4 : 9);
    }

    // Smaller pieces, for a part that is done early to take some of another's.
    void split_further(double each) {
        const int64_t cells = row_pieces_ * column_pieces_;
        int64_t more = static_cast<int64_t>(each / static_cast<double>(cells) / kWorkOfPiece);
        more = smaller(more, divide_up(kPiecesOfPart * parts_, cells * job_.count));
        if (more < 2) return;
        const int64_t tiles = tiles_ / row_pieces_, panels = panels_ / column_pieces_;
        if (tiles >= more || tiles >= panels) row_pieces_ *= tiles < 1 ? 1 : smaller(more, tiles);
        else column_pieces_ *= smaller(more, panels);
    }

    // A piece of the result, for some rows of b.
    void work(int64_t piece, const Step& step, Packed& packed) const {
        const int64_t row = piece % row_pieces_, rest = piece / row_pieces_;
        const int64_t column = rest % column_pieces_, i = rest / column_pieces_;
        const int64_t tile_end = tiles_ * (row + 1) / row_pieces_, panel = panels_ * column / column_pieces_;
        const int64_t panel_end = panels_ * (column + 1) / column_pieces_;
        Matrix<T> a = shifted(job_.a, 0, step.from), b = shifted(job_.b, step.from, 0);
        if (job_.a_offsets) a.data += job_.a_offsets[i], b.data += job_.b_offsets[i];
        const Panels<T> right = prepared(b, step.k, panel, panel_end, packed);
        T* const out = job_.out + i * job_.m * job_.n;
        const int64_t blocks = pack_a_ ? block_tiles_ : tile_end;
        for (int64_t tile = tiles_ * row / row_pieces_; tile < tile_end; tile += blocks) {
            block(a, b, tile, smaller(tile + blocks, tile_end), right, panel, panel_end, step, packed, out);
        }
    }

    // Where the panels of b are read: as they lie, or where `block` packs them.
    Panels<T> prepared(const Matrix<T>& b, int64_t k, int64_t panel, int64_t panel_end, Packed& packed) const {
        const int64_t last = panels_ - 1, last_columns = job_.n - last * kTileColumns<T>;
        const int64_t last_rows = padded(last_columns, lanes<T>), size = k * kTileColumns<T>;
        const T* const from = b.data + panel * kTileColumns<T> * b.columns;
        if (!pack_b_) {
            const T* const rest = b.data + last * kTileColumns<T>;
            if (last_in_place_ || panel_end != panels_) return {from, b.rows, kTileColumns<T>, rest, b.rows};
            if (packed.columns != rest) pack_panel(shifted(b, 0, last * kTileColumns<T>), k, last_columns, packed.data);
            packed.columns = rest;
            return {from, b.rows, kTileColumns<T>, packed.data, last_rows};
        }
        if (packed.columns != from) packed.panels = 0;
        packed.columns = from;
        return {packed.data, kTileColumns<T>, size, packed.data + (last - panel) * size, last_rows};
    }

    int64_t row_of(int64_t tile) const { return job_.m * tile / tiles_; }

    // Asks for the cache lines of a tile of the result, to be there when its sums are.
    static RL_INLINE void fetch_tile(const T* out, int64_t out_rows, int64_t rows, int64_t columns) {
        for (int64_t i = 0; i < rows; ++i, out += out_rows) {
            __builtin_prefetch(out, 1);
            __builtin_prefetch(out + columns - 1, 1);
        }
    }

    void pack_block(const Matrix<T>& a, int64_t tile, int64_t tile_end, int64_t k, T* scratch) const {
        constexpr int64_t kTiles = 16;
        const int64_t first = row_of(tile);
        for (int64_t t = tile; t < tile_end; t += kTiles) {
            const int64_t tiles = smaller(kTiles, tile_end - t);
            int64_t starts[kTiles + 1];
            for (int64_t i = 0; i <= tiles; ++i) starts[i] = row_of(t + i);
            if (a.rows == 1) {
                pack_columns(shifted(a, starts[0], 0), k, starts, tiles, scratch + (starts[0] - first) * k);
                continue;
            }
            for (int64_t i = 0; i < tiles; ++i) {
                pack_rows(shifted(a, starts[i], 0), k, starts[i + 1] - starts[i], scratch + (starts[i] - first) * k);
            }
        }
    }

    // What a tile of a block of tiles asks for: the next panel's rows of b where this panel has just been packed, and where a is read
    // for the first time, packed or not, the rows of it that are next. Only what lies evenly can be asked for.
    Ahead ahead_of(const Matrix<T>& a, const Matrix<T>& b, int64_t k, int64_t t, int64_t tile, int64_t tile_end, int64_t panel,
                   bool first, bool last, bool fresh) const {
        constexpr int64_t line = lanes<T>;  // elements
        const T* next = nullptr;
        int64_t step = 0;
        if (fresh && !last && t - tile < 2) {  // two tiles ask for half of the panel's lines each
            next = b.data + (panel + 1) * kTileColumns<T> * b.columns;
            if (b.columns == 1) next += (t - tile) * line, step = b.rows;
            else if (b.columns == k) next += (t - tile) * k * line, step = line;
        } else if (const bool blocks = pack_a_ || a.rows == 1; blocks ? last : first) {
            const int64_t other = blocks ? t + tile_end - tile : t + 1;
            if (other < tiles_) next = a.data + row_of(other) * a.rows, step = a.rows == 1 ? a.columns : a.rows == k ? line : 0;
        }
        return {reinterpret_cast<uintptr_t>(step ? next : a.data), step * static_cast<int64_t>(sizeof(T))};
    }

    void block(const Matrix<T>& a, const Matrix<T>& b, int64_t tile, int64_t tile_end, const Panels<T>& panels,
               int64_t panel_begin, int64_t panel_end, const Step& step, Packed& packed, T* out) const {
        const int64_t first = row_of(tile), k = step.k;
        T* const scratch = packed.data + b_size_;
        if (pack_a_) pack_block(a, tile, tile_end, k, scratch);
        for (int64_t panel = panel_begin; panel < panel_end; ++panel) {
            const bool last = panel == panels_ - 1, fresh = pack_b_ && panel - panel_begin == packed.panels;
            const int64_t column = panel * kTileColumns<T>, columns = smaller(kTileColumns<T>, job_.n - column);
            if (fresh) {
                pack_panel(shifted(b, 0, column), k, columns, packed.data + packed.panels * k * kTileColumns<T>);
                ++packed.panels;
            }
            const T* const right = last ? panels.last : panels.data + (panel - panel_begin) * panels.panel;
            for (int64_t t = tile; t < tile_end; ++t) {
                const int64_t row = row_of(t), height = row_of(t + 1) - row;
                const T* const left = pack_a_ ? scratch + (row - first) * k : a.data + row * a.rows;
                T* const to = out + (transposed_ ? column * job_.m + row : row * job_.n + column);
                if (transposed_) fetch_tile(to, job_.m, columns, height);
                else fetch_tile(to, job_.n, height, columns);
                Finish<T> finish = step.finish;
                if (finish.bias) finish.bias += transposed_ ? row : column;
                tile_kernel<T>(height, columns > lanes<T> ? 2 : 1)(
                    k, left, pack_a_ ? 1 : a.rows, pack_a_ ? height : a.columns, right, last ? panels.last_rows : panels.rows, to,
                    transposed_ ? job_.m : job_.n, columns, finish,
                    ahead_of(a, b, k, t, tile, tile_end, panel, panel == panel_begin, panel == panel_end - 1, fresh));
            }
        }
    }

    GemmJob<T> job_;
    bool transposed_ = false, pack_a_ = false, pack_b_ = false, last_in_place_ = false;
    int parts_ = 1;
    int64_t tiles_ = 0, panels_ = 0, depth_ = 0, row_pieces_ = 1, column_pieces_ = 1, block_tiles_ = 0, b_size_ = 0;
};

constexpr int64_t kFewRows = 8;         // rows that are multiplied by dot products
constexpr int64_t kReadOfPart = 50000;  // elements read from memory for which a second thread pays

// Where dot product (i, j) goes, i of the few rows and j of the many, and what is done to it.
template <class T>
struct DotOut {
    T* out;
    int64_t few, many;  // strides
    const T* bias;
    int64_t bias_few, bias_many;
    bool relu;
};

// Adds one set of sums to another and begins it anew.
template <class T, int ROWS, int COLUMNS>
RL_INLINE void fold(Vec<T> (&from)[ROWS][COLUMNS], Vec<T> (&to)[ROWS][COLUMNS]) {
#pragma GCC unroll 4
    for (int i = 0; i < ROWS; ++i) {
#pragma GCC unroll 16
        for (int j = 0; j < COLUMNS; ++j) to[i][j] += from[i][j], from[i][j] = Vec<T>{};
    }
}

// The products of ROWS by COLUMNS vectors of k elements. Vectors run along k, so nothing is packed; the sums over the lanes are
// taken at the end, as many at a time as there are lanes.
template <class T, int ROWS, int COLUMNS>
void dot_tile(int64_t k, const T* a, int64_t a_rows, const T* b, int64_t b_rows, const DotOut<T>& to) {
    constexpr int L = lanes<T>;
    Vec<T> sums[ROWS][COLUMNS] = {};
    const auto add = [&](auto get) __attribute__((always_inline)) {
        Vec<T> left[ROWS];
#pragma GCC unroll 8
        for (int i = 0; i < ROWS; ++i) left[i] = get(a + i * a_rows);
        const T* column = b;
#pragma GCC unroll 16
        for (int j = 0; j < COLUMNS; ++j) {
            const Vec<T> right = get(column + (j % 3) * b_rows);
            if (j % 3 == 2) column += 3 * b_rows;
#pragma GCC unroll 8
            for (int i = 0; i < ROWS; ++i) sums[i][j] = fmadd<T>(left[i], right, sums[i][j]);
        }
    };
    Vec<T> total[ROWS][COLUMNS] = {};
    int64_t p = 0;
    for (int64_t stop = smaller(k, kChain * L);; stop = smaller(k, stop + kChain * L)) {
        for (; p + L <= stop; p += L) add([=](const T* x) __attribute__((always_inline)) { return load(x + p); });
        if (stop == k) break;
        fold<T, ROWS, COLUMNS>(sums, total);
    }
    if (p < k) add([=](const T* x) __attribute__((always_inline)) { return load_part(x + p, k - p); });
    if (k > kChain * L) fold<T, ROWS, COLUMNS>(total, sums);
    for (int first = 0; first < ROWS * COLUMNS; first += L) {
        Vec<T> block[L];
#pragma GCC unroll 16
        for (int i = 0; i < L; ++i) {
            const int at = first + i < ROWS * COLUMNS ? first + i : 0;
            block[i] = sums[at / COLUMNS][at % COLUMNS];
        }
        transpose<T>(block);
#pragma GCC unroll 16
        for (int i = 1; i < L; ++i) block[0] += block[i];
        for (int i = 0; i < L && first + i < ROWS * COLUMNS; ++i) {
            const int64_t row = (first + i) / COLUMNS, column = (first + i) % COLUMNS;
            T value = block[0][i];
            if (to.bias) value += to.bias[row * to.bias_few + column * to.bias_many];
            to.out[row * to.few + column * to.many] = to.relu && value <= 0 ? T(0) : value;
        }
    }
}

template <class T>
using DotTile = void (*)(int64_t, const T*, int64_t, const T*, int64_t, const DotOut<T>&);

constexpr int kDotColumns = kTileRows > 8 ? 4 : 2;  // beside four rows: 16 accumulators of 32 registers, or 8 of 16

template <class T, int COLUMNS>
DotTile<T> dot_kernel(int64_t rows) {
    constexpr DotTile<T> tiles[] = {dot_tile<T, 1, COLUMNS>, dot_tile<T, 2, COLUMNS>, dot_tile<T, 3, COLUMNS>,
                                    dot_tile<T, 4, COLUMNS>};
    return tiles[rows - 1];
}

// Columns [begin, end) of a few rows by many columns, all of which lie along k.
template <class T>
void dots(const GemmJob<T>& job, const T* few, const T* many, int64_t begin, int64_t end, const DotOut<T>& to) {
    const int64_t few_rows = job.a.rows, many_rows = job.b.columns, groups = divide_up(job.m, 4);
    for (int64_t j = begin, width; j < end; j += width) {
        width = end - j >= lanes<T> && job.m == 1 ? lanes<T> : end - j >= kDotColumns ? kDotColumns : 1;
        for (int64_t g = 0; g < groups; ++g) {
            const int64_t i = job.m * g / groups, rows = job.m * (g + 1) / groups - i;
            const DotTile<T> tile = width == 1             ? dot_kernel<T, 1>(rows)
                                    : width == kDotColumns ? dot_kernel<T, kDotColumns>(rows)
                                                           : dot_tile<T, 1, lanes<T>>;
            DotOut<T> local = to;
            local.out += i * to.few + j * to.many;
            if (to.bias) local.bias += i * to.bias_few + j * to.bias_many;
            tile(job.k, few + i * few_rows, few_rows, many + j * many_rows, many_rows, local);
        }
    }
}

// Products of a few rows, or of a few columns, with both operands' k elements next to each other.
template <class T>
bool dot_products(const GemmJob<T>& given) {
    const bool flip = given.n < given.m;
    const GemmJob<T> job = flip ? exchanged(given) : given;
    constexpr int64_t kColumns = 32;
    const int64_t groups = divide_up(job.n, kColumns);
    parallel_for(job.count * groups, kReadOfPart / (kColumns * job.k) + 1, [=](int64_t begin, int64_t end) {
        for (int64_t group = begin; group < end; ++group) {
            const int64_t i = group / groups, column = group % groups * kColumns;
            DotOut<T> to = {job.out + i * job.m * job.n, job.n, 1, job.bias, 0, 1, job.relu};
            if (flip) to.few = 1, to.many = job.m, to.bias_few = 1, to.bias_many = 0;
            const T* const few = job.a.data + (job.a_offsets ? job.a_offsets[i] : 0);
            const T* const many = job.b.data + (job.b_offsets ? job.b_offsets[i] : 0);
            dots(job, few, many, column, smaller(column + kColumns, job.n), to);
        }
    });
    return true;
}

// out[j] (+)= sum of x[p] * rows[p, j] for ROWS rows.
template <class T, int ROWS>
RL_INLINE void add_rows(const T* x, int64_t x_step, const T* rows, int64_t row, int64_t n, bool first, T* out) {
    Vec<T> factor[ROWS];
    for (int p = 0; p < ROWS; ++p) factor[p] = splat(x[p * x_step]);
    for (int64_t j = 0; j < n; j += lanes<T>) {
        const int64_t left = n - j;
        const bool whole = left >= lanes<T>;
        const auto get = [=](const T* p) __attribute__((always_inline)) { return whole ? load(p) : load_part(p, left); };
        Vec<T> sum = first ? Vec<T>{} : get(out + j);
#pragma GCC unroll 8
        for (int p = 0; p < ROWS; ++p) sum = fmadd<T>(factor[p], get(rows + p * row + j), sum);
        if (whole) store(out + j, sum);
        else store_part(out + j, sum, left);
    }
}

// A row times a matrix whose rows lie one after another: eight of them at a time are added to a stretch of the result that
// stays in the first-level cache.
template <class T>
void row_times(int64_t k, const T* x, int64_t x_step, const T* matrix, int64_t row, int64_t n, T* out) {
    constexpr int64_t kStretch = 2048;
    for (int64_t j = 0; j < n; j += kStretch) {
        const int64_t width = smaller(kStretch, n - j);
        int64_t p = 0;
        for (; p + 8 <= k; p += 8) add_rows<T, 8>(x + p * x_step, x_step, matrix + p * row + j, row, width, p == 0, out + j);
        for (; p < k; ++p) add_rows<T, 1>(x + p * x_step, x_step, matrix + p * row + j, row, width, p == 0, out + j);
    }
}

template <class T>
bool row_products(const GemmJob<T>& job, bool exchange) {
    // Columns go to the parts in multiples of a cache line.
    const int64_t shares = job.count > 1 ? 1 : parts_for(job.n * job.k, kReadOfPart), lines = divide_up(job.n, 16);
    parallel_for(job.count * shares, shares > 1 ? 1 : kReadOfPart / (job.n * job.k) + 1, [=](int64_t begin, int64_t end) {
        for (int64_t unit = begin; unit < end; ++unit) {
            const int64_t i = unit / shares, share = unit % shares;
            const int64_t first = lines * share / shares * 16, last = smaller(lines * (share + 1) / shares * 16, job.n);
            const T* const x = job.a.data + (job.a_offsets ? job.a_offsets[i] : 0);
            const T* const matrix = job.b.data + (job.b_offsets ? job.b_offsets[i] : 0) + first;
            T* const out = job.out + i * job.n + first;
            row_times(job.k, x, job.a.columns, matrix, job.b.rows, last - first, out);
            for (int64_t j = 0; j < last - first && (job.bias || job.relu); ++j) {
                T value = out[j];
                if (job.bias) value += job.bias[exchange ? 0 : first + j];
                out[j] = job.relu && value <= 0 ? T(0) : value;
            }
        }
    });
    return true;
}

template <class T>
bool gemm(const GemmJob<T>& job) {
    if (job.count == 0 || job.m == 0 || job.n == 0) return true;
    if (smaller(job.m, job.n) <= kFewRows && job.k >= lanes<T> && job.a.columns == 1 && job.b.rows == 1) return dot_products(job);
    if (job.k > 0 && job.m == 1 && job.b.columns == 1 && job.n > 2 * kTileColumns<T>) return row_products(job, false);
    if (job.k > 0 && job.n == 1 && job.a.rows == 1 && job.m > 2 * kTileColumns<T>) return row_products(exchanged(job), true);
    return Gemm<T>(job).run();
}

}  // namespace

const LinalgKernels<float> linalg_f32 = {gemm<float>};
const LinalgKernels<double> linalg_f64 = {gemm<double>};

}  // namespace rl::RL_ISA
