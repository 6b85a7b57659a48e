// Convolution as the multiplication of matrices. Forward and the input gradient: weights (output channels x depth, depth being
// input channels x taps) times patches (depth x outputs of all images). The patches never exist as a whole: a panel of two
// vectors of outputs is gathered into scratch, multiplied by all weights, and forgotten. The weight gradient multiplies the
// patches of a few hundred outputs by their gradients, and adds up what it finds in one sum a thread.
//
// The input gradient of a strided convolution falls apart into stride x stride (x stride) passes, one for each residue of the row,
// the column and the slice, each of them a convolution of stride 1 with its own taps.
#include "conv_paths.h"

#include "conv_patches.h"
#include "conv_product.h"
#include "core/allocator.h"
#include "core/pieces.h"
#include "core/thread_pool.h"

namespace rl::RL_ISA {
namespace {

constexpr int64_t kBlockBytes = 384 << 10;  // patches that are multiplied by the same weights: in the second-level cache
constexpr int64_t kMostPanels = 8;
constexpr int64_t kFewPanels = 4;
constexpr int64_t kLeastPieces = 4;          // of a part: for another to take some
constexpr int64_t kGradOutputs = 256;       // outputs between two visits of the weight gradient's sums

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

// Outputs that meet the same taps. `places` are those of the taps' weights in the window, `before` the number of taps of the
// passes before, whose weights are packed before these.
struct Pass {
    Grid grid;
    const Tap* taps;
    const int32_t* places;
    int64_t count, before;
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

// One tile of y and one panel. PACKS: the panel's rows are read where they lie.
template <class T, int ROWS, int WIDTH, bool PACKS>
void put_tile(const Product<T>& job, int64_t depth, const Left<T>& left, Panel<T> panel, const Spots<T>* spots, const T* bias, T* y,
              Ahead ahead) {
    const int64_t plane = job.out_plane();
#pragma GCC unroll 2
    for (int v = 0; v < WIDTH; ++v) {
#pragma GCC unroll 16
        for (int i = 0; i < ROWS; ++i) __builtin_prefetch(y + i * plane + spots[v].to[0], 1);
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
        const Spots<T>& s = spots[v];
#pragma GCC unroll 16
        for (int i = 0; i < ROWS; ++i) {
            // max gives its second argument for NaN, so NaN passes.
            const Vec<T> value = bias ? tile[i][v] + splat(bias[i]) : tile[i][v];
            const Vec<T> sum = job.relu ? max<T>(Vec<T>{}, value) : value;
            T* const to = y + i * plane;
            if (!s.dense) {
                alignas(kVectorBytes) T buffer[lanes<T>];
                store(buffer, sum);
                for (int32_t j = 0; j < s.count; ++j) to[s.to[j]] = buffer[j];
            } else if (s.count == lanes<T>) {
                store(to + s.to[0], sum);
            } else {
                store_part<T>(to + s.to[0], sum, s.count);
            }
        }
    }
}

template <class T>
using PutTile = void (*)(const Product<T>&, int64_t, const Left<T>&, Panel<T>, const Spots<T>*, const T*, T*, Ahead);

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
            put_tile_for<T>(job.rows_of(tile), width[j], packs)(job, depth, left, panels[j], spots[j],
                                                                job.bias ? job.bias + channel : nullptr, job.y + channel * job.out_plane(), own);
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
    Scratch<T> scratch(static_cast<size_t>(parts * size));
    if (!scratch.get()) return ConvStatus::no_memory;
    Pieces pieces(plan.pieces, static_cast<int>(parts));
    parallel_parts(static_cast<int>(parts), [&](int part, int) {
        Room<T> room = {scratch.get() + part * size, scratch.get() + part * size + weights};
        pieces.take(part, [&](int64_t i) { run_piece(job, plan, i, i + 1 < pieces.first(part + 1), room); });
    });
    return ConvStatus::ok;
}

// Whether all offsets fit 32 bits.
RL_INLINE bool fits(const ConvShape& c) {
    constexpr double most = 1 << 30;
    const ConvAxis& s = c.slices;
    double reach = double(s.in) + double(s.out) + 2 * double(s.padding) + double(s.kernel * s.dilation + s.stride);
    double x = double(c.batch) * double(c.groups) * double(c.in_channels) * double(s.in);
    double y = double(c.batch) * double(c.groups) * double(c.out_channels) * double(s.out);
    for (int i = 0; i < 2; ++i) {
        reach *= double(c.in[i]) + double(c.out[i]) + 2 * double(c.padding[i]) + double(c.kernel[i] * c.dilation[i] + c.stride[i]);
        x *= double(c.in[i]);
        y *= double(c.out[i]);
    }
    return x + reach < most && y + reach < most;
}

RL_INLINE int64_t in_plane(const ConvShape& c) { return c.slices.in * c.in[0] * c.in[1]; }
RL_INLINE int64_t out_plane(const ConvShape& c) { return c.slices.out * c.out[0] * c.out[1]; }
RL_INLINE int64_t window_of(const ConvShape& c) { return c.slices.kernel * c.kernel[0] * c.kernel[1]; }
RL_INLINE Grid all_outputs(const ConvShape& c) { return {c.out[0], c.out[1], 0, 1, 0, 1, c.slices.out, 0, 1}; }

RL_INLINE Images images_of_x(const ConvShape& c) {
    return {static_cast<int32_t>(c.in[0]), static_cast<int32_t>(c.in[1]), c.groups * c.in_channels * in_plane(c),
            static_cast<int32_t>(c.stride[0]), static_cast<int32_t>(c.stride[1]), static_cast<int32_t>(c.slices.in),
            static_cast<int32_t>(c.slices.stride)};
}

RL_INLINE void forward_taps(const ConvShape& c, Tap* taps) {
    for (int64_t kz = 0; kz < c.slices.kernel; ++kz)
        for (int64_t ky = 0; ky < c.kernel[0]; ++ky)
            for (int64_t kx = 0; kx < c.kernel[1]; ++kx)
                *taps++ = {static_cast<int32_t>(ky * c.dilation[0] - c.padding[0]),
                           static_cast<int32_t>(kx * c.dilation[1] - c.padding[1]),
                           static_cast<int32_t>(kz * c.slices.dilation - c.slices.padding)};
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
    int64_t done = 0;
    for (int64_t i = 0; i < passes; ++i) {
        const int64_t rz = i / (c.stride[0] * c.stride[1]), ry = i / c.stride[1] % c.stride[0], rx = i % c.stride[1];
        const PassTaps own = residue_taps(c, rz, ry, rx, taps.get() + done, index.get() + done);
        const int64_t slices = c.slices.in > rz ? divide_up(c.slices.in - rz, c.slices.stride) : 0;
        const int64_t rows = c.in[0] > ry ? divide_up(c.in[0] - ry, c.stride[0]) : 0;
        const int64_t cols = c.in[1] > rx ? divide_up(c.in[1] - rx, c.stride[1]) : 0;
        pass.get()[i] = {{rows, cols, ry, c.stride[0], rx, c.stride[1], slices, rz, c.slices.stride}, own.taps, own.index, own.count, done};
        done += own.count;
    }
    return multiply(job, pass.get(), passes, multiplications(c));
}

// The weight gradient: sums[depth][output channel] = patches[depth][output] * gy[output][output channel]. Threads share the
// input channels, or else the outputs, and then each adds up its own sums.
template <class T>
struct GradJob {
    ConvShape c;
    Images from;
    const Tap* taps;
    int64_t window, depth, width;  // width: output channels in whole vectors
    int64_t channel_parts, output_parts, channels;  // channels: input channels whose patches are in scratch together
    const T* x;
    const T* gy;
    int64_t patch_row() const { return kGradOutputs + lanes<T>; }  // rows a power of two apart share a set of the cache
};

// gy of some outputs (`spots`) with the channels next to each other, zeros after them.
template <class T>
void transpose_grads(const T* gy, int64_t channels, int64_t plane, const Spots<T>* spots, int64_t vectors, int64_t width, T* to) {
    constexpr int L = lanes<T>;
    for (int64_t v = 0; v < vectors; ++v) {
        const Spots<T>& s = spots[v];
        for (int64_t o = 0; o < width; o += L) {
            Vec<T> block[L];
            for (int i = 0; i < L; ++i) {
                const T* const from = gy + (o + i) * plane;
                if (o + i >= channels) {
                    block[i] = Vec<T>{};
                } else if (s.dense) {
                    block[i] = s.count == L ? load(from + s.to[0]) : load_part(from + s.to[0], s.count);
                } else {
                    alignas(kVectorBytes) T buffer[L] = {};
                    for (int32_t j = 0; j < s.count; ++j) buffer[j] = from[s.to[j]];
                    block[i] = load(buffer);
                }
            }
            transpose<T>(block);
#pragma GCC unroll 16
            for (int i = 0; i < L; ++i) store(to + (v * L + i) * width + o, block[i]);
        }
    }
}

// Adds what a chunk of outputs contributes, for input channels [begin, end) of one group. `scratch`: gradients, then patches.
template <class T>
void add_outputs(const GradJob<T>& job, int64_t group, int64_t begin, int64_t end, const Spots<T>* spots, int64_t vectors, bool first,
                 T* scratch, T* sums, T* bias_sums) {
    const ConvShape& c = job.c;
    const int64_t outputs = vectors * lanes<T>, width = job.width;
    T* const grads = scratch;
    T* const patches = scratch + kGradOutputs * width;
    transpose_grads(job.gy + group * c.out_channels * out_plane(c), c.out_channels, out_plane(c), spots, vectors, width, grads);
    for (int64_t o = 0; bias_sums && o < width; o += lanes<T>) {
        Vec<T> sum{};
        for (int64_t i = 0; i < outputs; ++i) sum += load(grads + i * width + o);
        store(bias_sums + o, first ? sum : load(bias_sums + o) + sum);
    }
    for (int64_t channel = begin; channel < end; channel += job.channels) {
        const int64_t channels = smaller(job.channels, end - channel), rows = channels * job.window;
        const T* const x = job.x + (group * c.in_channels + channel) * in_plane(c);
        for (int64_t v = 0; v < vectors; ++v)
            gather_patches(job.from, spots[v], job.taps, job.window, x, channels, patches + v * lanes<T>, job.patch_row());
        for (int64_t o = 0; o < width; o += kPanel<T>) {
            for (int64_t row = 0; row < rows; row += kTileRows) {
                const AddTile<T> add = add_tile_for<T>(smaller(kTileRows, rows - row), smaller(2, (width - o) / lanes<T>));
                add(outputs, patches + row * job.patch_row(), job.patch_row(), 1, grads + o, width, first,
                    sums + (channel * job.window + row) * width + o, width);
            }
        }
    }
}

// One thread's share: `sums` are those of its outputs, [group][depth][channel], after them the bias's [group][channel].
template <class T>
void grad_share(const GradJob<T>& job, int64_t part, T* scratch, T* sums, bool bias) {
    const ConvShape& c = job.c;
    const Grid grid = all_outputs(c);
    const int64_t outputs = c.batch * out_plane(c), vectors = divide_up(outputs, lanes<T>);
    const int64_t channel_part = part % job.channel_parts, output_part = part / job.channel_parts;
    const int64_t begin = c.in_channels * channel_part / job.channel_parts, end = c.in_channels * (channel_part + 1) / job.channel_parts;
    const int64_t first = vectors * output_part / job.output_parts, last = vectors * (output_part + 1) / job.output_parts;
    constexpr int64_t chunk = kGradOutputs / lanes<T>;
    Spots<T> spots[chunk];
    Walk walk(grid, first * lanes<T>);
    for (int64_t v = first; v < last; v += chunk) {
        const int64_t count = smaller(chunk, last - v);
        for (int64_t i = 0; i < count; ++i)
            find_spots(grid, job.from, c.out[1], c.out[0] * c.out[1], c.groups * c.out_channels * out_plane(c), walk,
                       smaller(lanes<T>, outputs - (v + i) * lanes<T>), spots[i]);
        for (int64_t g = 0; g < c.groups; ++g) {
            T* const bias_sums = bias && channel_part == 0 ? sums + (c.groups * job.depth + g) * job.width : nullptr;
            add_outputs(job, g, begin, end, spots, count, v == first, scratch, sums + g * job.depth * job.width, bias_sums);
        }
    }
}

// gw[o][depth] from the sums of all output parts, rows [begin, end) of the depth of one group. True if one is NaN.
template <class T>
bool finish_grads(const GradJob<T>& job, const T* sums, int64_t size, int64_t begin, int64_t end, T* gw) {
    constexpr int L = lanes<T>;
    Mask<T> nan{};
    for (int64_t k = begin; k < end; k += L) {
        const int64_t left = smaller(L, end - k);
        for (int64_t o = 0; o < job.width; o += L) {
            Vec<T> block[L] = {};
            for (int64_t i = 0; i < left; ++i) {
                const T* const from = sums + (k + i) * job.width + o;
                block[i] = load(from);
                for (int64_t part = 1; part < job.output_parts; ++part) block[i] += load(from + part * size);
                nan |= block[i] != block[i];
            }
            transpose<T>(block);
            const int64_t channels = smaller(L, job.c.out_channels - o);
            for (int64_t i = 0; i < channels; ++i) {
                T* const to = gw + (o + i) * job.depth + k;
                if (left == L) store(to, block[i]);
                else store_part(to, block[i], left);
            }
        }
    }
    for (int i = 0; i < L; ++i)
        if (nan[i]) return true;
    return false;
}

template <class T>
void choose_grad_parts(GradJob<T>& job, int64_t parts) {
    const ConvShape& c = job.c;
    const int64_t vectors = divide_up(c.batch * out_plane(c), lanes<T>);
    // Sharing the channels needs no sums of sums, but each thread then transposes all gradients.
    const bool share_channels = c.in_channels * job.window >= 64 * parts && (c.in_channels % parts == 0 || c.in_channels >= 8 * parts);
    job.channel_parts = share_channels ? parts : 1;
    job.output_parts = share_channels ? 1 : smaller(parts, vectors);
    const int64_t row_bytes = job.patch_row() * static_cast<int64_t>(sizeof(T)) * job.window;
    job.channels = smaller(divide_up(c.in_channels, job.channel_parts), larger(1, kBlockBytes / row_bytes));
}

template <class T>
ConvStatus weight(const ConvShape& c, const T* x, const T* gy, T* gw, T* gb) {
    if (!fits(c)) return ConvStatus::not_taken;
    const int64_t window = window_of(c), depth = c.in_channels * window;
    Scratch<Tap> taps(static_cast<size_t>(window));
    if (!taps.get()) return ConvStatus::no_memory;
    forward_taps(c, taps.get());
    GradJob<T> job = {c, images_of_x(c), taps.get(), window, depth, divide_up(c.out_channels, lanes<T>) * lanes<T>, 1, 1, 1, x, gy};
    choose_grad_parts(job, parts_for(multiplications(c), kGrain));
    const int64_t parts = job.channel_parts * job.output_parts, size = (c.groups * depth + c.groups) * job.width;
    const int64_t scratch_size = kGradOutputs * job.width + job.channels * window * job.patch_row();
    Scratch<T> sums(static_cast<size_t>(job.output_parts * size)), scratch(static_cast<size_t>(parts * scratch_size));
    if (!sums.get() || !scratch.get()) return ConvStatus::no_memory;
    T* const all_sums = sums.get();
    T* const all_scratch = scratch.get();
    bool nan[kMaxThreads] = {};
    parallel_parts(static_cast<int>(parts), [&](int part, int) {
        grad_share(job, part, all_scratch + part * scratch_size, all_sums + part / job.channel_parts * size, gb != nullptr);
    });
    const int64_t finishers = smaller(parts_for(c.groups * depth * job.width, kGrain), divide_up(depth, lanes<T>));
    parallel_parts(static_cast<int>(finishers), [&](int part, int count) {
        const int64_t vectors = divide_up(depth, lanes<T>);
        const int64_t begin = vectors * part / count * lanes<T>, end = smaller(depth, vectors * (part + 1) / count * lanes<T>);
        for (int64_t g = 0; g < c.groups; ++g)
            nan[part] |= finish_grads(job, all_sums + g * depth * job.width, size, begin, end, gw + g * c.out_channels * depth);
    });
    bool found = false;
    for (bool one : nan) found |= one;
    for (int64_t i = 0; gb && i < c.groups * c.out_channels; ++i) {
        const int64_t at = (c.groups * depth + i / c.out_channels) * job.width + i % c.out_channels;
        gb[i] = all_sums[at];
        for (int64_t part = 1; part < job.output_parts; ++part) gb[i] += all_sums[part * size + at];
        found |= gb[i] != gb[i];
    }
    return found ? ConvStatus::not_taken : ConvStatus::ok;
}

// Cycles that either way spends on a vector of outputs of one group; the constants are measured.
struct Cost {
    double direct, gemm;
};

// `rows` x `depth` products for each output, `taps` gathered; `waste` times as many lanes in the direct kernels' vectors. `copied`:
// what the direct way spends before and after.
template <class T>
Cost cost_of(double rows, double padded_rows, double depth, double taps, double waste, bool in_line, bool near, double copied) {
#if defined(__AVX512F__)
    const double gather = in_line ? 3 : near ? 4 : 0.6 * lanes<T>;
#else
    const double gather = in_line && lanes<T> * sizeof(T) == 32 ? 3 : 1.5 * lanes<T>;
    (void)near;
#endif
    return {1.1 * waste * rows * depth + copied, 1.03 * padded_rows * depth + gather * depth + 100 * taps + 400};
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

// Three dimensions are made two for the direct kernels: slices of the window are copied, to be channels.
template <class T>
bool prefers(const ConvShape& c, ConvOp op) {
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
