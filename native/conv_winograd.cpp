// Winograd's convolution, for windows of 3 x 3 and stride 1: 36 multiplications for 16 outputs (or 16 for 4) instead of 144 (36).
// conv_winograd.h says how patches, weights and outputs are transformed; in between lies one multiplication of matrices for each
// of the (M + 2)^2 points, output channels x channels times channels x tiles.
//
// Tiles are counted through rows and images alike, so vectors of tiles are full whatever an image's width. Threads share the tiles,
// or where these are few the output channels, and have nothing to wait for: each takes its own in chunks whose transformed patches
// fit its cache. For a chunk it goes through blocks of output channels: it transforms the block's weights, and for panels of two
// vectors of tiles its products go through all points into scratch, and from there, transformed, to the outputs. The input gradient
// is the same with the window turned round and the channels exchanged. The weight gradient is in conv_winograd_weight.h.
//
// In three dimensions the transforms are still those of height and width: each slice of the window is one more channel, which
// reads another slice of the image.
//
// An infinity or a NaN spreads over its tile, where the definition has it in some outputs only: then the kernels return not_taken.
#include "conv_paths.h"
#include "conv_product.h"
#include "conv_winograd_weight.h"
#include "core/allocator.h"
#include "core/thread_pool.h"

namespace rl::RL_ISA {
namespace {

// Forward or, `adjoint`, the input gradient, of one group: y (outs channels) from x; `channels` counts each slice of the window.
template <class T>
struct Job {
    Depth depth;
    int64_t channels, outs, in[2], out[2];
    const T* x;
    const T* w;
    const T* bias;
    T* y;
    bool relu, adjoint;
    int64_t block;  // output channels in a tile of registers
    int64_t x_channel() const { return depth.in * in[0] * in[1]; }
    int64_t y_channel() const { return depth.out * out[0] * out[1]; }
    int64_t x_group() const { return channels / depth.kernel * x_channel(); }
};

// Some tiles: `patches`, `places`, and the transformed patches [point][panel][channel][2 vectors].
template <class T>
struct Chunk {
    const Patch* patches;
    const Place* places;
    int64_t room;   // between the patches of a slice and the next
    T* inputs;
    int64_t point;  // between points
    int64_t vectors, panels;
};

template <class T, int M>
void transform_inputs(const Job<T>& job, const Chunk<T>& chunk) {
    constexpr int S = kSide<M>;
    for (int64_t i = 0; i < chunk.vectors * job.channels; ++i) {
        const int64_t vector = i / job.channels, c = i % job.channels, slice = c % job.depth.kernel;
        Vec<T> patch[S][S], points[S][S];
        load_tiles<T, S>(job.x + c / job.depth.kernel * job.x_channel(), chunk.patches + slice * chunk.room + vector * lanes<T>,
                         job.in[1], patch);
        transform_square<typename Winograd<T, M>::Input, T, S, S>(patch, points);
        T* const to = chunk.inputs + (vector / 2 * job.channels + c) * kPanel<T> + vector % 2 * lanes<T>;
#pragma GCC unroll 1
        for (int r = 0; r < S; ++r)
#pragma GCC unroll 6
            for (int s = 0; s < S; ++s) store(to + (r * S + s) * chunk.point, points[r][s]);
    }
}

// The weights of output channels [row, row + rows), to[point][channel][row]. Stores reach into what follows, which is written
// later: after the last there must be a vector's room.
template <class T, int M>
void transform_weights(const Job<T>& job, int64_t row, int64_t rows, T* to, int64_t point) {
    constexpr int S = kSide<M>;
    constexpr int64_t few = 16;
    alignas(kVectorBytes) T packed[few * kWindow * kTileRows + lanes<T>] = {};
    for (int64_t c = 0; c < job.channels; c += few) {
        const int64_t some = smaller(few, job.channels - c);
        if (job.adjoint) {
            const int64_t slices = job.depth.kernel;
            for (int64_t k = 0; k < some; ++k) {
                const T* const from = job.w + (((c + k) / slices * job.outs + row) * slices + (c + k) % slices) * kWindow;
                pack_tile(from, slices * kWindow, rows, kWindow, packed + k * kWindow * rows);
            }
        } else {
            pack_tile(job.w + (row * job.channels + c) * kWindow, job.channels * kWindow, rows, some * kWindow, packed);
        }
        for (int64_t k = 0; k < some; ++k) {
            for (int64_t lane = 0; lane < rows; lane += lanes<T>) {
                Vec<T> window[3][3], points[S][S];
#pragma GCC unroll 9
                for (int t = 0; t < kWindow; ++t)
                    window[t / 3][t % 3] = load(packed + (k * kWindow + (job.adjoint ? kWindow - 1 - t : t)) * rows + lane);
                transform_square<typename Winograd<T, M>::Weight, T, 3, S>(window, points);
                T* const out = to + (c + k) * rows + lane;
#pragma GCC unroll 6
                for (int r = 0; r < S; ++r)
#pragma GCC unroll 6
                    for (int s = 0; s < S; ++s) store(out + (r * S + s) * point, points[r][s]);
            }
        }
    }
}

// Row r of the outputs of a vector of tiles.
template <class T, int M>
RL_INLINE void store_row(Vec<T> (&columns)[M], int r, const Place* places, int64_t width, T* y) {
    alignas(kVectorBytes) T buffer[M][lanes<T>];
    if constexpr (lanes<T> >= M) {  // afterwards tile M g + i lies in columns[i], from lane M g on
        using Indices = std::make_integer_sequence<int, lanes<T>>;
        exchange_blocks<T, 1>(columns, Indices{});
        if constexpr (M > 2) exchange_blocks<T, 2>(columns, Indices{});
    }
#pragma GCC unroll 4
    for (int j = 0; j < M; ++j) store(buffer[j], columns[j]);
#pragma GCC unroll 16
    for (int i = 0; i < lanes<T>; ++i) {
        const Place& place = places[i];
        if (r >= place.rows) continue;
        T* const to = y + place.at + r * width;
        const T* const from = lanes<T> >= M ? buffer[i % M] + i / M * M : &buffer[0][i];
        constexpr int step = lanes<T> >= M ? 1 : lanes<T>;
        if (place.cols == M) {
#pragma GCC unroll 4
            for (int j = 0; j < M; ++j) to[j] = from[j * step];
        } else {
            for (int j = 0; j < place.cols; ++j) to[j] = from[j * step];
        }
    }
}

// The outputs of a vector of tiles of one channel. True if one of them is infinite or NaN.
template <class T, int M>
RL_INLINE bool put_outputs(const T* products, int64_t point, T bias, bool relu, const Place* places, int64_t width, T* y) {
    constexpr int S = kSide<M>;
    Vec<T> points[S][S], outputs[M][M];
#pragma GCC unroll 6
    for (int r = 0; r < S; ++r)
#pragma GCC unroll 6
        for (int s = 0; s < S; ++s) points[r][s] = load(products + (r * S + s) * point);
    transform_square<typename Winograd<T, M>::Output, T, S, M>(points, outputs);
    const Vec<T> start = splat(bias);
    Vec<T> strange{};
#pragma GCC unroll 4
    for (int r = 0; r < M; ++r) {
#pragma GCC unroll 4
        for (int s = 0; s < M; ++s) {
            Vec<T>& v = outputs[r][s];
            v += start;
            strange += v - v;
            if (relu) v = max<T>(Vec<T>{}, v);
        }
        store_row<T, M>(outputs[r], r, places, width, y);
    }
    return !(sum<T>(strange) == T(0));
}

// What one thread works in.
template <class T>
struct Room {
    T* weights;
    int64_t weight_point;
    T* products;
};

// The outputs of a chunk of tiles, of blocks [begin, end) of output channels. True if one is infinite or NaN.
template <class T, int M>
bool multiply_blocks(const Job<T>& job, const Chunk<T>& chunk, int64_t begin, int64_t end, const Room<T>& room) {
    bool strange = false;
    const int64_t plane = job.y_channel(), stretches = divide_up(job.channels, kStretch);
    for (int64_t row = begin * job.block; row < smaller(end * job.block, job.outs); row += job.block) {
        const int64_t rows = smaller(job.block, job.outs - row), point = rows * kPanel<T> + lanes<T>;
        transform_weights<T, M>(job, row, rows, room.weights, room.weight_point);
        for (int64_t panel = 0; panel < chunk.panels; ++panel) {
            const int64_t width = smaller(2, chunk.vectors - 2 * panel);
            const AddTile<T> add = add_tile_for<T>(rows, width);
            for (int64_t p = 0; p < kPoints<M>; ++p) {
                for (int64_t j = 0; j < stretches; ++j) {
                    const int64_t first = job.channels * j / stretches, last = job.channels * (j + 1) / stretches;
                    add(last - first, room.weights + p * room.weight_point + first * rows, 1, rows,
                        chunk.inputs + p * chunk.point + (panel * job.channels + first) * kPanel<T>, kPanel<T>, j == 0,
                        room.products + p * point, kPanel<T>);
                }
            }
            for (int64_t r = 0; r < rows; ++r) {
                for (int64_t v = 0; v < width; ++v)
                    strange |= put_outputs<T, M>(room.products + r * kPanel<T> + v * lanes<T>, point, job.bias ? job.bias[row + r] : T(0),
                                                 job.relu, chunk.places + panel * kPanel<T> + v * lanes<T>, job.out[1],
                                                 job.y + (row + r) * plane);
            }
        }
    }
    return strange;
}

// Cycles, about, for a vector of tiles and a channel: of its patch, of its products with a number of output channels.
constexpr double patch_cost(double points) { return 14 * points; }
constexpr double product_cost(double points, double outs) { return 1.1 * points * outs; }
// And for the weights between so many channels, once a chunk.
template <class T>
constexpr double weight_cost(double points, double weights) { return (4 * points + 300) / lanes<T> * weights; }

// Into how many shares `parts` threads divide the tiles, in panels; those of one share divide the blocks of output channels.
template <class T>
int64_t shares_of_tiles(int64_t panels, int64_t most, int64_t blocks, int64_t block, int64_t parts, int64_t points) {
    int64_t best = 1;
    double least = 0;
    for (int64_t shares = 1; shares <= parts; ++shares) {
        if (parts % shares) continue;
        const double own = double(divide_up(panels, shares)), outs = double(divide_up(blocks, parts / shares) * block);
        const double chunks = double(divide_up(divide_up(panels, shares), most)), p = double(points);
        const double cost = 2 * own * (patch_cost(p) + product_cost(p, outs)) + chunks * weight_cost<T>(p, outs);
        if (shares == 1 || cost <= least) least = cost, best = shares;
    }
    return best;
}

template <class T, int M>
ConvStatus correlate(const Job<T>& first_group, const ConvShape& c, const int64_t (&padding)[2]) {
    constexpr int64_t points = kPoints<M>;
    const Job<T>& first = first_group;
    const Tiling tiling(c.batch * first.depth.out, first.out, M);
    const int64_t bytes = points * first.channels * static_cast<int64_t>(sizeof(T)), panels = divide_up(tiling.count, kPanel<T>);
    const int64_t parts = parts_for(multiplications(c) / c.groups / 4, kGrain), blocks = divide_up(first.outs, first.block);
    const int64_t most = larger(1, kChunkBytes / (bytes * kPanel<T>));
    const int64_t shares = shares_of_tiles<T>(panels, most, blocks, first.block, parts, points), others = parts / shares;
    const int64_t room = smaller(most, divide_up(panels, shares)) * kPanel<T>, input_point = room * first.channels + lanes<T>;
    const int64_t weight_point = first.channels * first.block + 2 * lanes<T>, product_size = points * (first.block * kPanel<T> + lanes<T>);
    const int64_t size = points * (input_point + weight_point) + product_size;
    PartScratch<T> scratch(parts, size);
    PartScratch<Patch> patches(parts, first.depth.kernel * room);
    PartScratch<Place> places(parts, room);
    if (!scratch || !patches || !places) return ConvStatus::no_memory;
    bool strange[kMaxThreads] = {};
    parallel_parts(static_cast<int>(parts), [&](int part, int) {
        T* const inputs = scratch.of(part);
        T* const weights = inputs + points * input_point;
        const Room<T> own = {weights, weight_point, weights + points * weight_point};
        Patch* const own_patches = patches.of(part);
        Place* const own_places = places.of(part);
        const int64_t share = part / others, other = part % others, end = smaller(panels * (share + 1) / shares * kPanel<T>, tiling.count);
        const int64_t begin = panels * share / shares * kPanel<T>, chunks = larger(1, divide_up(end - begin, room));
        const int64_t step = divide_up(divide_up(end - begin, kPanel<T>), chunks) * kPanel<T>;
        Job<T> job = first;
        for (int64_t g = 0; g < c.groups; ++g) {
            for (int64_t tile = begin; tile < end; tile += step) {
                const int64_t count = smaller(step, end - tile), vectors = divide_up(count, lanes<T>);
                find_tiles(tiling, job.depth, M, tile, count, vectors * lanes<T>, room, job.in, job.out, padding,
                           c.groups * job.x_group(), c.groups * job.outs * job.y_channel(), own_patches, own_places);
                const Chunk<T> chunk = {own_patches, own_places, room, inputs, input_point, vectors, divide_up(vectors, 2)};
                transform_inputs<T, M>(job, chunk);
                strange[part] |= multiply_blocks<T, M>(job, chunk, blocks * other / others, blocks * (other + 1) / others, own);
            }
            job.x += job.x_group();
            job.y += job.outs * job.y_channel();
            job.w += job.channels * job.outs * kWindow;
            if (job.bias) job.bias += job.outs;
        }
    });
    for (const bool found : strange)
        if (found) return ConvStatus::not_taken;
    return ConvStatus::ok;
}

RL_INLINE bool takes(const ConvShape& c, ConvOp op) {
    if (op == ConvOp::input && c.slices.stride != 1) return false;
    for (int i = 0; i < 2; ++i)
        if (c.kernel[i] != 3 || c.stride[i] != 1 || c.dilation[i] != 1 || c.padding[i] > (1 << 20)) return false;
    return true;
}

// Cycles that F(m x m) takes; the constants are measured.
template <class T>
double cost_of(const ConvShape& c, double m, int64_t slices, const int64_t (&out)[2]) {
    const double side = m + 2, points = side * side, tiles = double(Tiling(c.batch * slices, out, int64_t(m)).count);
    const double vectors = double(divide_up(int64_t(tiles), lanes<T>)), outs = double(c.out_channels);
    const double in = double(c.in_channels * c.slices.kernel);
    const double chunks = larger(1, int64_t(points * in * tiles * double(sizeof(T)) / double(kChunkBytes)));
    return 1.6 * (vectors * (product_cost(points, in * outs) + patch_cost(points) * in + 10 * points * outs) +
                  chunks * weight_cost<T>(points, in * outs) + 20000);
}

// What a multiplication without transforms takes: of rows in whole vectors or of gathered patches.
template <class T>
double plain_cost(const ConvShape& c, int64_t slices, const int64_t (&out)[2]) {
    const double whole = double(divide_up(out[1], lanes<T>) * lanes<T>) / double(out[1]), gathered = 1 + 4 / double(c.out_channels);
    return 1.15 * (whole < gathered ? whole : gathered) * double(c.batch * slices * c.slices.kernel) * double(out[0]) * double(out[1]) * double(kWindow) * double(c.in_channels) *
           double(c.out_channels) / lanes<T>;
}

template <class T>
ConvStatus run(const Job<T>& job, const ConvShape& c, const int64_t (&padding)[2]) {
    const int64_t slices = job.depth.out;
    if (cost_of<T>(c, 4, slices, job.out) < cost_of<T>(c, 2, slices, job.out)) return correlate<T, 4>(job, c, padding);
    return correlate<T, 2>(job, c, padding);
}

template <class T>
ConvStatus forward(const ConvShape& c, const T* x, const T* w, const T* bias, bool relu, T* y) {
    if (!takes(c, ConvOp::forward)) return ConvStatus::not_taken;
    return run<T>({forward_depth(c.slices), c.in_channels * c.slices.kernel, c.out_channels, {c.in[0], c.in[1]},
                   {c.out[0], c.out[1]}, x, w, bias, y, relu, false, even_block(c.out_channels)}, c, c.padding);
}

template <class T>
ConvStatus input(const ConvShape& c, const T* gy, const T* w, const T* bias, T* gx) {
    if (!takes(c, ConvOp::input)) return ConvStatus::not_taken;
    return run<T>({adjoint_depth(c.slices), c.out_channels * c.slices.kernel, c.in_channels, {c.out[0], c.out[1]},
                   {c.in[0], c.in[1]}, gy, w, bias, gx, false, true, even_block(c.in_channels)}, c, {2 - c.padding[0], 2 - c.padding[1]});
}

// gb[k] = the sum of gy's channel k.
template <class T>
void sum_channels(const ConvShape& c, const T* gy, T* gb) {
    const int64_t plane = c.slices.out * c.out[0] * c.out[1], channels = c.groups * c.out_channels;
    parallel_for(channels, kGrain / (c.batch * plane) + 1, [=](int64_t begin, int64_t end) {
        for (int64_t k = begin; k < end; ++k) {
            Vec<T> total{};
            for (int64_t n = 0; n < c.batch; ++n) {
                const T* const from = gy + (n * channels + k) * plane;
                Vec<T> own{};
                int64_t i = 0;
                for (; i + lanes<T> <= plane; i += lanes<T>) own += load(from + i);
                if (i < plane) own += load_part(from + i, plane - i);
                total += own;
            }
            gb[k] = sum<T>(total);
        }
    });
}

template <class T>
ConvStatus weight(const ConvShape& c, const T* x, const T* gy, T* gw, T* gb) {
    if (!takes(c, ConvOp::weight)) return ConvStatus::not_taken;
    const bool four = cost_of<T>(c, 4, c.slices.out, c.out) < cost_of<T>(c, 2, c.slices.out, c.out);
    const ConvStatus status = four ? weight_of<T, 4>(c, x, gy, gw) : weight_of<T, 2>(c, x, gy, gw);
    if (gb && status == ConvStatus::ok) sum_channels(c, gy, gb);
    return status;
}

template <class T>
bool prefers(const ConvShape& c, ConvOp op) {
    if (kVectorBytes == 16 || !takes(c, op)) return false;
    const int64_t(&out)[2] = op == ConvOp::input ? c.in : c.out;
    const int64_t slices = op == ConvOp::input ? c.slices.in : c.slices.out;
    const double two = cost_of<T>(c, 2, slices, out), four = cost_of<T>(c, 4, slices, out);
    return (two < four ? two : four) < plain_cost<T>(c, slices, out);
}

}  // namespace

const ConvPath<float> conv_winograd_f32 = {{forward<float>, input<float>, weight<float>}, prefers<float>};
const ConvPath<double> conv_winograd_f64 = {{forward<double>, input<double>, weight<double>}, prefers<double>};

}  // namespace rl::RL_ISA
