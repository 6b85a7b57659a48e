// Convolution as the multiplication of matrices. Forward and the input gradient: weights (output channels x depth, depth being
// input channels x taps) times patches (depth x outputs of all images). The patches never exist as a whole: a panel of two
// vectors of outputs is gathered into scratch, multiplied by all weights, and forgotten. The
// weight gradient is in conv_gemm_weight.h.
//
// The input gradient of a strided convolution falls apart into stride x stride (x stride) passes, one for each residue of the row,
// the column and the slice, each of them a convolution of stride 1 with its own taps.
#include "conv_paths.h"

#include "conv_gemm_weight.h"
#include "core/allocator.h"
#include "core/pieces.h"
#include "core/thread_pool.h"
#include "core/vec_strided.h"

namespace rl::RL_ISA {
namespace {

constexpr int64_t kMostPanels = 8;
constexpr int64_t kFewPanels = 4;
constexpr int64_t kLeastPieces = 4;          // of a part: for another to take some

// Forward or the input gradient, for one group of channels at a time.
template <class T>
struct Product {
    Images from;
    int64_t batch, groups, in_channels, out_channels;  // of the product: those read and those written
    int64_t out_slices, out_height, out_width, window;
    const T* x;
    const T* w;
    const T* bias;
    T* y;
    bool relu, adjoint;  // adjoint: weights are [group][in][out][window], else [group][out][in][window]
    bool packs;          // weights that meet few outputs are read where they lie
    int64_t block;       // rows of a tile
    int64_t out_slice() const { return out_height * out_width; }
    int64_t out_plane() const { return out_slices * out_slice(); }
    int64_t tiles() const { return divide_up(out_channels, block); }
    int64_t rows_of(int64_t tile) const { return smaller(block, out_channels - tile * block); }
};

// Outputs that meet the same taps. `fills`: what has no products between every second column of them is written with them. `places` are those of the taps' weights in the window, `before` the number of taps of the
// passes before, whose weights are packed before these.
struct Pass {
    Grid grid;
    const Tap* taps;
    const int32_t* places;
    int64_t count, before;
    bool fills = false;
};

// The weights of a tile, element (row, step).
template <class T>
struct Left {
    const T* data;
    int64_t row, step;
};

// A panel of patches: packed, or to be packed there by the first tile that reads it, from rows of the image that need no gathering.
template <class T>
struct Panel {
    T* packed;
    const T* rows;  // or null
    int64_t row;
};

// Where a tile goes: the outputs of its vectors, its first row in y and its bias.
template <class T>
struct Target {
    const Spots<T>* spots;
    const T* bias;  // or null
    T* y;
    bool fills;  // the places between every second column are the tile's, too: they have no products
};

// Rows of a vector of outputs that don't lie in a line: the runs of them that do, one by one.
template <class T>
void put_runs(const Spots<T>& s, const T* rows, int64_t count, const T* between, bool fills, T* y, int64_t plane, int64_t width) {
    constexpr int64_t L = lanes<T>;
    for (int64_t i = 0; i < count; ++i, rows += L, y += plane) {
        const Vec<T> v = load(rows), other = splat(between ? between[i] : T(0));
        if (s.step > 2) {
            for (int32_t j = 0; j < s.count; ++j) y[s.to[j]] = rows[j];
            continue;
        }
        alignas(kVectorBytes) T line[3 * L] = {};
        store(line, s.step == 1 ? v : interleaved<T, 2, 0>({v, other}));
        if (s.step == 2) store(line + L, interleaved<T, 2, 1>({v, other}));
        for (int32_t r = 0; r < s.runs; ++r) {
            const int32_t first = s.run[r], step = s.step;
            const int64_t size = (s.run[r + 1] - first) * step;
            const int64_t whole = fills ? smaller(size, width - s.x[first] * step) : size;
            T* const to = y + s.to[first];
            for (int64_t j = 0; j < size; j += L) {
                const Vec<T> some = load(line + first * step + j);
                if (step == 1 || fills) store_n(to + j, some, whole - j);
                else store_lanes(to + j, some, 0x55555555u & static_cast<uint32_t>((uint64_t(1) << smaller(size - j, L)) - 1));
            }
        }
    }
}

// One tile of y and one panel. PACKS: the panel's rows are read where they lie.
template <class T, int ROWS, int WIDTH, bool PACKS>
void put_tile(const Product<T>& job, int64_t depth, const Left<T>& left, Panel<T> panel, const Target<T>& target, Ahead ahead) {
    const int64_t plane = job.out_plane();
    const T* const bias = target.bias;
#pragma GCC unroll 2
    for (int v = 0; v < WIDTH; ++v) {
#pragma GCC unroll 16
        for (int i = 0; i < ROWS; ++i) __builtin_prefetch(target.y + i * plane + target.spots[v].to[0], 1);
    }
    const T* rows = panel.rows;
    Vec<T> tile[ROWS][WIDTH];
    sum_tile<T, ROWS, WIDTH>(depth, left.data, left.row, left.step, PACKS ? rows : panel.packed, PACKS ? panel.row : kPanel<T>, tile, [&]() __attribute__((always_inline)) {
        ahead.ask();
        if constexpr (PACKS) {
#pragma GCC unroll 2
            for (int v = 0; v < WIDTH; ++v) store(panel.packed + v * lanes<T>, load(rows + v * lanes<T>));
            panel.packed += kPanel<T>;
            rows += panel.row;
        }
    });
#pragma GCC unroll 2
    for (int v = 0; v < WIDTH; ++v) {
        const Spots<T>& s = target.spots[v];
        const bool in_line = s.step == 1 && s.runs == 1 && s.count == lanes<T>;
        alignas(kVectorBytes) T others[ROWS * lanes<T>];
        T* const to = in_line ? target.y + s.to[0] : others;
        const int64_t apart = in_line ? plane : lanes<T>;
#pragma GCC unroll 16
        for (int i = 0; i < ROWS; ++i) {
            // max gives its second argument for NaN, so NaN passes.
            const Vec<T> sum = bias ? tile[i][v] + splat(bias[i]) : tile[i][v];
            store(to + i * apart, job.relu ? max<T>(Vec<T>{}, sum) : sum);
        }
        if (!in_line) put_runs(s, others, ROWS, bias, target.fills, target.y, plane, job.out_width);
    }
}

template <class T>
using PutTile = void (*)(const Product<T>&, int64_t, const Left<T>&, Panel<T>, const Target<T>&, Ahead);

template <class T, int WIDTH, bool PACKS, int... I>
RL_INLINE PutTile<T> put_tile_of(int64_t rows, std::integer_sequence<int, I...>) {
    constexpr PutTile<T> functions[] = {put_tile<T, I + 1, WIDTH, PACKS>...};
    return functions[rows - 1];
}

template <class T>
PutTile<T> put_tile_for(int64_t rows, int64_t width, bool packs) {
    using Rows = std::make_integer_sequence<int, kTileRows>;
    if (packs) return width == 1 ? put_tile_of<T, 1, true>(rows, Rows{}) : put_tile_of<T, 2, true>(rows, Rows{});
    return width == 1 ? put_tile_of<T, 1, false>(rows, Rows{}) : put_tile_of<T, 2, false>(rows, Rows{});
}

// Panels [begin, end) of one group's outputs.
struct Block {
    int64_t group, begin, end;
};

// What the patches of a block are gathered from, for the tiles of the one before to ask for while they multiply: of windows that
// have a single tap, since others find most of it in the cache. The first tile asks for the first vectors, the second for the others.
template <class T>
void find_ahead(const Product<T>& job, const Pass& pass, const Block& block, Ahead (&ahead)[kMostPanels][2]) {
    const Images& from = job.from;
    const int64_t outputs = pass.count == 1 ? job.batch * pass.grid.outputs() : 0, item = sizeof(T);
    for (int64_t i = 0; i < kMostPanels; ++i) {
        for (int64_t v = 0; v < 2; ++v) {
            const int64_t output = (block.begin + i) * kPanel<T> + v * lanes<T>;
            ahead[i][v] = {reinterpret_cast<uintptr_t>(job.x), 0};
            if (block.begin + i >= block.end || output >= outputs) continue;
            const Walk walk(pass.grid, output);
            const int64_t z = walk.slice * from.slice_scale + pass.taps->slice, y = walk.row * from.row_scale + pass.taps->row;
            const int64_t x = walk.column * from.col_scale + pass.taps->column;
            const int64_t at = block.group * job.in_channels * from.plane() + walk.image * from.image + (z * from.height + y) * from.width + x;
            ahead[i][v] = {reinterpret_cast<uintptr_t>(job.x) + static_cast<uintptr_t>(at * item), from.plane() * item};
        }
    }
}

// Where a panel's rows lie, if its windows have one tap and its vectors follow each other in the image; else null.
template <class T>
const T* find_rows(const Product<T>& job, const Pass& pass, const Spots<T>* spots, int64_t width, const T* x) {
    if (pass.count != 1) return nullptr;
    Piece<T> piece[2];
    for (int64_t v = 0; v < width; ++v) {
        find_piece(job.from, spots[v], *pass.taps, piece[v]);
        if (piece[v].reach != Reach::whole || piece[v].first != piece[0].first + v * lanes<T>) return nullptr;
    }
    return x + piece[0].first;
}

// A part's scratch memory: the weights of some tiles of one group, for all passes, and the patches of a block.
template <class T>
struct Room {
    T* weights;
    T* patches;
    int64_t group = -1, first = -1;  // whose weights are packed
};

// How the work is cut into pieces: by panels, or by tiles where the panels are few.
struct Plan {
    const Pass* passes;
    int64_t count, taps;  // of passes, and of taps of them all
    int64_t pieces, most; // the most panels whose patches have room
    bool share_tiles;
};

// The weights of a tile, to[depth][row].
template <class T>
void pack_weights(const Product<T>& job, const Pass& pass, int64_t group, int64_t tile, T* to) {
    const int64_t row = tile * job.block, rows = job.rows_of(tile), depth = job.in_channels * pass.count;
    if (!job.adjoint) return pack_tile(job.w + (group * job.out_channels + row) * depth, depth, rows, depth, to);
    for (int64_t i = 0; i < job.in_channels; ++i) {
        const T* const from = job.w + ((group * job.in_channels + i) * job.out_channels + row) * job.window;
        for (int64_t t = 0; t < pass.count; ++t, to += rows) {
            if (job.window == 1) {
                for (int64_t r = 0; r < rows; r += lanes<T>) store_n(to + r, load_n(from + r, rows - r), rows - r);
            } else {
                for (int64_t r = 0; r < rows; ++r) to[r] = from[r * job.window + pass.places[t]];
            }
        }
    }
}

// Where the weights of a pass's tiles from `first` on are.
template <class T>
Left<T> weights_of(const Product<T>& job, const Pass& pass, int64_t group, int64_t first, int64_t tile, const Room<T>& room, int64_t tiles) {
    const int64_t depth = job.in_channels * pass.count, row = tile * job.block;
    if (!job.packs && job.adjoint) return {job.w + group * job.in_channels * job.out_channels + row, 1, job.out_channels};
    if (!job.packs) return {job.w + (group * job.out_channels + row) * depth, depth, 1};
    const int64_t begin = first * job.block, end = smaller(tiles * job.block, job.out_channels);
    return {room.weights + (end - begin) * job.in_channels * pass.before + (row - begin) * depth, 1, job.rows_of(tile)};
}

// A block of a pass's outputs, tiles [first, last), whose weights are in `room` if they are packed.
template <class T>
void run_block(const Product<T>& job, const Pass& pass, const Block& block, const Block& next, int64_t first, int64_t last,
               const Room<T>& room) {
    const int64_t depth = job.in_channels * pass.count, outputs = job.batch * pass.grid.outputs();
    const int64_t image = job.groups * job.out_channels * job.out_plane();
    const T* const x = job.x + block.group * job.in_channels * job.from.plane();
    Spots<T> spots[kMostPanels][2];
    Panel<T> panels[kMostPanels];
    int64_t width[kMostPanels];
    Ahead ahead[kMostPanels][2];
    find_ahead(job, pass, next, ahead);
    Walk walk(pass.grid, block.begin * kPanel<T>);
    for (int64_t i = block.begin; i < block.end; ++i) {
        const int64_t j = i - block.begin, left = smaller(kPanel<T>, outputs - i * kPanel<T>);
        T* const packed = room.patches + j * depth * kPanel<T>;
        width[j] = divide_up(left, lanes<T>);
        for (int64_t v = 0; v < width[j]; ++v) {
            find_spots(pass.grid, job.from, job.out_width, job.out_slice(), image, walk, smaller(lanes<T>, left - v * lanes<T>), spots[j][v]);
        }
        panels[j] = {packed, find_rows(job, pass, spots[j], width[j], x), job.from.plane()};
        for (int64_t v = 0; v < width[j] && !panels[j].rows; ++v) {
            gather_patches(job.from, spots[j][v], pass.taps, pass.count, x, job.in_channels, packed + v * lanes<T>, kPanel<T>);
        }
    }
    for (int64_t tile = first; tile < last; ++tile) {
        const int64_t channel = block.group * job.out_channels + tile * job.block;
        const Left<T> left = weights_of(job, pass, block.group, first, tile, room, last);
        for (int64_t j = 0; j < block.end - block.begin; ++j) {
            const bool packs = tile == first && panels[j].rows;
            const Ahead own = tile - first < 2 ? ahead[j][tile - first] : Ahead{reinterpret_cast<uintptr_t>(x), 0};
            const Target<T> target = {spots[j], job.bias ? job.bias + channel : nullptr, job.y + channel * job.out_plane(), pass.fills};
            put_tile_for<T>(job.rows_of(tile), width[j], packs)(job, depth, left, panels[j], target, own);
        }
    }
}

// One piece of all passes; `others`: this part does the piece after it, too.
template <class T>
void run_piece(const Product<T>& job, const Plan& plan, int64_t piece, bool others, Room<T>& room) {
    const int64_t tiles = job.tiles();
    const int64_t first = plan.share_tiles ? tiles * piece / plan.pieces : 0;
    const int64_t last = plan.share_tiles ? tiles * (piece + 1) / plan.pieces : tiles;
    for (int64_t p = 0; p < plan.count; ++p) {
        const Pass& pass = plan.passes[p];
        const int64_t panels = divide_up(job.batch * pass.grid.outputs(), kPanel<T>), units = job.groups * panels;
        const int64_t end = plan.share_tiles ? units : units * (piece + 1) / plan.pieces;
        const int64_t soon = plan.share_tiles || !others ? end : units * (piece + 2) / plan.pieces;
        const auto block_at = [=](int64_t unit) {
            if (unit >= soon) return Block{0, 0, 0};
            const int64_t count = smaller(plan.most, smaller((unit < end ? end : soon) - unit, panels - unit % panels));
            return Block{unit / panels, unit % panels, unit % panels + count};
        };
        for (int64_t unit = plan.share_tiles ? 0 : units * piece / plan.pieces; unit < end;) {
            const Block block = block_at(unit);
            unit += block.end - block.begin;
            if (job.packs && (room.group != block.group || room.first != first)) {
                for (int64_t other = 0; other < plan.count; ++other) {
                    for (int64_t tile = first; tile < last; ++tile) {
                        const Left<T> to = weights_of(job, plan.passes[other], block.group, first, tile, room, last);
                        pack_weights(job, plan.passes[other], block.group, tile, const_cast<T*>(to.data));
                    }
                }
                room.group = block.group, room.first = first;
            }
            run_block(job, pass, block, block_at(unit), first, last, room);
        }
    }
}

template <class T>
ConvStatus multiply(const Product<T>& job, const Pass* passes, int64_t count, int64_t work) {
    Plan plan = {passes, count, passes[count - 1].before + passes[count - 1].count, 0, 0, false};
    int64_t most_taps = 0, most_outputs = 0;
    for (int64_t i = 0; i < count; ++i) {
        most_taps = larger(most_taps, passes[i].count);
        most_outputs = larger(most_outputs, passes[i].grid.outputs());
    }
    const int64_t panel = larger(1, job.in_channels * most_taps) * kPanel<T>, parts = parts_for(work, kGrain);
    const int64_t units = job.groups * divide_up(job.batch * most_outputs, kPanel<T>), own = divide_up(units, parts);
    plan.most = larger(1, smaller(kMostPanels, kBlockBytes / static_cast<int64_t>(sizeof(T)) / panel));
    plan.share_tiles = units < 4 * parts && job.tiles() >= parts;
    plan.pieces = plan.share_tiles ? parts : parts * larger(divide_up(own, plan.most), smaller(own, kLeastPieces));
    const int64_t weights = job.packs ? job.out_channels * job.in_channels * plan.taps : 0, size = weights + plan.most * panel;
    PartScratch<T> scratch(parts, size);
    if (!scratch) return ConvStatus::no_memory;
    Pieces pieces(plan.pieces, static_cast<int>(parts));
    parallel_parts(static_cast<int>(parts), [&](int part, int) {
        Room<T> room = {scratch.of(part), scratch.of(part) + weights};
        pieces.take(part, [&](int64_t i) { run_piece(job, plan, i, i + 1 < pieces.first(part + 1), room); });
    });
    return ConvStatus::ok;
}

template <class T>
ConvStatus forward(const ConvShape& c, const T* x, const T* w, const T* bias, bool relu, T* y) {
    if (!fits(c)) return ConvStatus::not_taken;
    const int64_t count = window_of(c);
    Scratch<Tap> taps(static_cast<size_t>(count));
    if (!taps.get()) return ConvStatus::no_memory;
    forward_taps(c, taps.get());
    const Product<T> job = {images_of_x(c), c.batch, c.groups, c.in_channels, c.out_channels, c.slices.out, c.out[0], c.out[1], count,
                            x, w, bias, y, relu, false, c.batch * out_plane(c) > kFewPanels * kPanel<T>, even_block(c.out_channels)};
    const Pass pass = {all_outputs(c), taps.get(), nullptr, count, 0};
    return multiply(job, &pass, 1, multiplications(c));
}

// The taps of one pass of the input gradient, those that meet the residues, and where their weights are in the window.
struct PassTaps {
    Tap* taps;
    int32_t* index;
    int64_t count;
};

// Calls use(k, shift) for the positions k of the window that outputs of residue r meet; they read `shift` further on.
template <class Use>
RL_INLINE void each_met(int64_t r, int64_t kernel, int64_t stride, int64_t padding, int64_t dilation, Use use) {
    for (int64_t k = 0; k < kernel; ++k) {
        const int64_t at = r + padding - k * dilation;
        if (at % stride == 0) use(k, static_cast<int32_t>(at / stride));
    }
}

RL_INLINE PassTaps residue_taps(const ConvShape& c, int64_t rz, int64_t ry, int64_t rx, Tap* taps, int32_t* index) {
    int64_t count = 0;
    const ConvAxis& s = c.slices;
    each_met(rz, s.kernel, s.stride, s.padding, s.dilation, [&](int64_t kz, int32_t z) {
        each_met(ry, c.kernel[0], c.stride[0], c.padding[0], c.dilation[0], [&](int64_t ky, int32_t y) {
            each_met(rx, c.kernel[1], c.stride[1], c.padding[1], c.dilation[1], [&](int64_t kx, int32_t x) {
                taps[count] = {y, x, z};
                index[count++] = static_cast<int32_t>((kz * c.kernel[0] + ky) * c.kernel[1] + kx);
            });
        });
    });
    return {taps, index, count};
}

// The passes of the input gradient, and how many. What meets no tap goes in few of them, by whole rows, or with the columns beside it.
RL_INLINE int64_t make_passes(const ConvShape& c, Tap* taps, int32_t* index, Pass* passes) {
    int64_t done = 0, made = 0;
    for (int64_t i = 0; i < c.slices.stride * c.stride[0]; ++i) {
        const int64_t rz = i / c.stride[0], ry = i % c.stride[0], before = done, first = made;
        const int64_t slices = c.slices.in > rz ? divide_up(c.slices.in - rz, c.slices.stride) : 0;
        const int64_t rows = c.in[0] > ry ? divide_up(c.in[0] - ry, c.stride[0]) : 0;
        for (int64_t rx = 0; rx < c.stride[1]; ++rx) {
            const PassTaps own = residue_taps(c, rz, ry, rx, taps + done, index + done);
            const int64_t cols = c.in[1] > rx ? divide_up(c.in[1] - rx, c.stride[1]) : 0;
            passes[made++] = {{rows, cols, ry, c.stride[0], rx, c.stride[1], slices, rz, c.slices.stride}, own.taps, own.index, own.count, done};
            done += own.count;
        }
        if (done == before) {
            passes[first].grid.cols = c.in[1], passes[first].grid.col_step = 1;
            made = first + 1;
        } else if (c.stride[1] == 2 && done == before + passes[first].count) {
            passes[first].fills = true;
            made = first + 1;
        }
    }
    return made;
}

template <class T>
ConvStatus input(const ConvShape& c, const T* gy, const T* w, const T* bias, T* gx) {
    if (!fits(c)) return ConvStatus::not_taken;
    const int64_t window = window_of(c), passes = c.slices.stride * c.stride[0] * c.stride[1];
    Scratch<Tap> taps(static_cast<size_t>(window));
    Scratch<int32_t> index(static_cast<size_t>(window));
    Scratch<Pass> pass(static_cast<size_t>(passes));
    if (!taps.get() || !index.get() || !pass.get()) return ConvStatus::no_memory;
    const Images from = {static_cast<int32_t>(c.out[0]), static_cast<int32_t>(c.out[1]),
                         c.groups * c.out_channels * out_plane(c), 1, 1, static_cast<int32_t>(c.slices.out), 1};
    const bool packs = window > 1 || c.batch * in_plane(c) > kFewPanels * kPanel<T>;
    const Product<T> job = {from, c.batch, c.groups, c.out_channels, c.in_channels, c.slices.in, c.in[0], c.in[1], window,
                            gy, w, bias, gx, false, true, packs, even_block(c.in_channels)};
    const int64_t made = make_passes(c, taps.get(), index.get(), pass.get());
    return multiply(job, pass.get(), made, multiplications(c));
}

template <class T>
ConvStatus weight(const ConvShape& c, const T* x, const T* gy, T* gw, T* gb) {
    return fits(c) ? weight_gradient(c, x, gy, gw, gb) : ConvStatus::not_taken;
}

// Cycles that either way spends on a vector of outputs of one group; the constants are measured.
struct Cost {
    double direct, gemm;
};

// What it takes to gather a vector.
template <class T>
double gather_cost(bool in_line, bool near) {
#if defined(__AVX512F__)
    return in_line ? 3 : near ? 4 : 0.6 * lanes<T>;
#else
    (void)near;
    return in_line && lanes<T> * sizeof(T) == 32 ? 3 : 1.5 * lanes<T>;
#endif
}

// `rows` x `depth` products for each output, `taps` gathered; `waste` times as many lanes in the direct kernels' vectors. `copied`:
// what the direct way spends before and after.
template <class T>
Cost cost_of(double rows, double padded_rows, double depth, double taps, double waste, bool in_line, bool near, double copied) {
    return {1.1 * waste * rows * depth + copied, 1.03 * padded_rows * depth + gather_cost<T>(in_line, near) * depth + 100 * taps + 400};
}

// The lanes that the direct kernels' vectors have for each output: rows of `columns` outputs each begin a vector,
template <class T>
double waste_of_rows(int64_t columns) {
    return double(divide_up(columns, lanes<T>) * lanes<T>) / double(columns);
}

// or all of them follow each other, for the weight gradient, with as many lanes between as the window reaches further.
template <class T>
double waste_of_joined(const ConvShape& c) {
    const int64_t reach = (c.kernel[1] - 1) * c.dilation[1] / c.stride[1] - smaller(c.padding[1], c.kernel[1] - 1);
    return 1 + double(larger(0, reach)) / double(c.out[1]) + double(lanes<T>) / double(2 * c.out[0] * c.out[1]);
}

// The same costs where windows have one place: nothing is gathered if the stride is 1, but where a vector crosses into another image.
template <class T>
Cost single_tap_cost(const ConvShape& c, ConvOp op) {
    const bool unit = c.slices.stride == 1 && c.stride[0] == 1 && c.stride[1] == 1, adjoint = op == ConvOp::input;
    const double gather = !unit && !adjoint ? gather_cost<T>(false, c.in[1] <= 2 * c.out[1]) : out_plane(c) % lanes<T> ? 3 : 0;
    const double rows = double(adjoint ? c.in_channels : c.out_channels), depth = double(adjoint ? c.out_channels : c.in_channels);
    const double by_rows = waste_of_rows<T>(adjoint ? divide_up(c.in[1], c.stride[1]) : c.out[1]);
    if (op == ConvOp::weight) {
        const double one = turning_cost<T>(c.out_channels, c.in_channels), other = turning_cost<T>(c.in_channels, c.out_channels);
        const double joined = waste_of_joined<T>(c), waste = joined < by_rows ? joined : by_rows;
        return {1.2 * waste * rows * depth, (one < other ? one : other) * lanes<T> + 3 * (rows < depth ? depth : rows) + gather * depth + 100};
    }
    return {1.15 * by_rows * rows * depth, rows * (depth + 6) + gather * depth + 60};
}

template <class T>
bool prefers(const ConvShape& c, ConvOp op) {
    if (window_of(c) == 1 && c.is_flat()) {
        const Cost cost = single_tap_cost<T>(c, op);
        return cost.gemm < cost.direct;
    }
    const double window = double(window_of(c));
    const double copied = c.is_flat() ? 0 : 20 * double(c.in_channels * c.slices.kernel + c.out_channels);
    const bool unit = c.stride[0] == 1 && c.stride[1] == 1;
    const bool in_line = unit && c.in[1] == c.out[1], near = c.stride[1] == 1 && c.in[1] <= 2 * c.out[1];
    const double rows = double(c.out_channels), depth = double(c.in_channels) * window;
    if (op == ConvOp::input) {
        const double taps = window / double(c.slices.stride * c.stride[0] * c.stride[1]);
        const Cost cost = cost_of<T>(double(c.in_channels), double(c.in_channels), rows * taps, taps,
                                     waste_of_rows<T>(divide_up(c.in[1], c.stride[1])), in_line, c.in[1] <= 2 * c.out[1] * c.stride[1], copied);
        return cost.gemm < cost.direct;
    }
    const bool weight = op == ConvOp::weight;
    const double padded = weight ? double(divide_up(c.out_channels, lanes<T>) * lanes<T>) : rows;
    const double by_rows = waste_of_rows<T>(c.out[1]), joined = weight ? waste_of_joined<T>(c) : by_rows;
    const Cost cost = cost_of<T>(rows, padded, depth, window, joined < by_rows ? joined : by_rows, in_line, near, copied);
    return cost.gemm < cost.direct;
}

}  // namespace

const ConvPath<float> conv_gemm_f32 = {{forward<float>, input<float>, weight<float>}, prefers<float>};
const ConvPath<double> conv_gemm_f64 = {{forward<double>, input<double>, weight<double>}, prefers<double>};

}  // namespace rl::RL_ISA
