// Winograd's convolution, for windows of 3 x 3 and stride 1: 36 multiplications for 16 outputs (or 16 for 4) instead of 144 (36).
// conv_winograd.h says how patches, weights and outputs are transformed; in between lies one multiplication of matrices for each
// of the (M + 2)^2 points, output channels x channels times channels x tiles.
//
// Tiles are counted through rows and images alike, so vectors of tiles are full whatever an image's width. They are taken in
// chunks whose transformed patches fit the caches. For a chunk the threads first share the patches, then blocks of output
// channels x panels of two vectors of tiles: a block's weights are transformed when a thread comes to it, its products go through
// all points into scratch, and from there, transformed, to the outputs. The input gradient is the same with the window turned
// round and the channels exchanged. The weight gradient transforms patches (channels next to each other) and gradients, and sums
// their products over the tiles.
//
// An infinity or a NaN spreads over its tile, where the definition has it in some outputs only: then the kernels return not_taken.
#include "conv_paths.h"
#include "conv_product.h"
#include "conv_winograd.h"
#include "core/allocator.h"
#include "core/thread_pool.h"

namespace rl::RL_ISA {
namespace {

constexpr int64_t kChunkBytes = 1 << 20;      // of transformed patches
constexpr int64_t kGradChunkBytes = 3 << 20;  // of transformed patches and gradients: the sums are visited once a chunk
constexpr int64_t kWindow = 9;

template <int M>
constexpr int kSide = M + 2;
template <int M>
constexpr int kPoints = kSide<M> * kSide<M>;

// The tiles of all images: each gives M x M outputs.
struct Tiling {
    int64_t rows, cols, count;
    Tiling(const ConvShape& c, const int64_t (&out)[2], int64_t m)
        : rows(divide_up(out[0], m)), cols(divide_up(out[1], m)), count(c.batch * rows * cols) {}
};

// Where a tile's outputs are.
struct Place {
    int64_t at;
    int32_t rows, cols;
};

RL_INLINE uint8_t bits_inside(int64_t first, int64_t count, int64_t size) {
    const int64_t low = larger(0, smaller(count, -first)), high = larger(low, smaller(count, size - first));
    return static_cast<uint8_t>((1u << high) - (1u << low));
}

// The patch of `side` x `side` elements from (y, x) on in image n.
RL_INLINE void find_patch(int64_t n, int64_t image, const int64_t (&size)[2], int64_t y, int64_t x, int64_t side, Patch& patch) {
    patch.at = n * image + y * size[1] + x;
    const uint8_t columns = bits_inside(x, side, size[1]), rows = bits_inside(y, side, size[0]);
    for (int64_t r = 0; r < 8; ++r) patch.inside[r] = rows >> r & 1 ? columns : 0;
}

// The patches and places of tiles [first, first + count), and empty ones up to `room`.
RL_INLINE void find_tiles(const Tiling& tiling, int64_t m, int64_t first, int64_t count, int64_t room, const int64_t (&in)[2],
                          const int64_t (&out)[2], const int64_t (&padding)[2], int64_t x_image, int64_t y_image, Patch* patches,
                          Place* places) {
    for (int64_t i = 0; i < room; ++i) {
        const int64_t tile = first + i, n = tile / (tiling.rows * tiling.cols);
        const int64_t y = tile / tiling.cols % tiling.rows * m, x = tile % tiling.cols * m;
        if (i >= count) {
            patches[i] = {};
            places[i] = {};
            continue;
        }
        find_patch(n, x_image, in, y - padding[0], x - padding[1], m + 2, patches[i]);
        places[i] = {n * y_image + y * out[1] + x, static_cast<int32_t>(smaller(m, out[0] - y)),
                     static_cast<int32_t>(smaller(m, out[1] - x))};
    }
}

// Forward or, `adjoint`, the input gradient, of one group: y (outs channels) from x (channels).
template <class T>
struct Job {
    int64_t channels, outs, in[2], out[2];
    const T* x;
    const T* w;
    const T* bias;
    T* y;
    bool relu, adjoint;
    int64_t block;  // output channels in a tile of registers
};

// Some tiles: `patches`, `places`, and the transformed patches [point][panel][channel][2 vectors].
template <class T>
struct Chunk {
    const Patch* patches;
    const Place* places;
    T* inputs;
    int64_t point;  // between points
    int64_t vectors, panels;
};

// The patches of vectors of tiles x channels, [begin, end) of them.
template <class T, int M>
void transform_inputs(const Job<T>& job, const Chunk<T>& chunk, int64_t begin, int64_t end) {
    constexpr int S = kSide<M>;
    for (int64_t i = begin; i < end; ++i) {
        const int64_t vector = i / job.channels, c = i % job.channels;
        Vec<T> patch[S][S], points[S][S];
        load_tiles<T, S>(job.x + c * job.in[0] * job.in[1], chunk.patches + vector * lanes<T>, job.in[1], patch);
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
            for (int64_t k = 0; k < some; ++k)
                pack_tile(job.w + ((c + k) * job.outs + row) * kWindow, kWindow, rows, kWindow, packed + k * kWindow * rows);
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

// Blocks of output channels x panels of tiles, [begin, end) of them. True if an output is infinite or NaN.
template <class T, int M>
bool multiply_blocks(const Job<T>& job, const Chunk<T>& chunk, int64_t begin, int64_t end, T* weights, int64_t weight_point,
                     T* products) {
    int64_t have = -1;
    bool strange = false;
    const int64_t plane = job.out[0] * job.out[1], stretches = divide_up(job.channels, kStretch);
    for (int64_t i = begin; i < end; ++i) {
        const int64_t row = i / chunk.panels * job.block, rows = smaller(job.block, job.outs - row), panel = i % chunk.panels;
        const int64_t width = smaller(2, chunk.vectors - 2 * panel), point = rows * kPanel<T> + lanes<T>;
        if (row != have) transform_weights<T, M>(job, row, rows, weights, weight_point);
        have = row;
        const AddTile<T> add = add_tile_for<T>(rows, width);
        for (int64_t p = 0; p < kPoints<M>; ++p) {
            for (int64_t j = 0; j < stretches; ++j) {
                const int64_t first = job.channels * j / stretches, last = job.channels * (j + 1) / stretches;
                add(last - first, weights + p * weight_point + first * rows, 1, rows,
                    chunk.inputs + p * chunk.point + (panel * job.channels + first) * kPanel<T>, kPanel<T>, j == 0,
                    products + p * point, kPanel<T>);
            }
        }
        for (int64_t r = 0; r < rows; ++r) {
            for (int64_t v = 0; v < width; ++v)
                strange |= put_outputs<T, M>(products + r * kPanel<T> + v * lanes<T>, point, job.bias ? job.bias[row + r] : T(0),
                                             job.relu, chunk.places + panel * kPanel<T> + v * lanes<T>, job.out[1],
                                             job.y + (row + r) * plane);
        }
    }
    return strange;
}

template <class T, int M>
ConvStatus correlate(const Job<T>& first_group, const ConvShape& c, const int64_t (&padding)[2]) {
    constexpr int64_t points = kPoints<M>;
    Job<T> job = first_group;
    const Tiling tiling(c, job.out, M);
    const int64_t bytes = points * job.channels * static_cast<int64_t>(sizeof(T)), all = divide_up(tiling.count, kPanel<T>);
    const int64_t panels = divide_up(all, divide_up(all, larger(1, kChunkBytes / (bytes * kPanel<T>))));
    const int64_t parts = parts_for(multiplications(c) / c.groups / 4, kGrain), blocks = divide_up(job.outs, job.block);
    const int64_t input_point = panels * job.channels * kPanel<T> + lanes<T>, room = panels * kPanel<T>;
    const int64_t weight_point = job.channels * job.block + 2 * lanes<T>, product_size = points * (job.block * kPanel<T> + lanes<T>);
    Scratch<T> inputs(static_cast<size_t>(points * input_point));
    Scratch<T> own(static_cast<size_t>(parts * (points * weight_point + product_size)));
    Scratch<Patch> patches(static_cast<size_t>(room));
    Scratch<Place> places(static_cast<size_t>(room));
    if (!inputs.get() || !own.get() || !patches.get() || !places.get()) return ConvStatus::no_memory;
    T* const base = own.get();
    bool strange[kMaxThreads] = {};
    for (int64_t g = 0; g < c.groups; ++g) {
        for (int64_t tile = 0; tile < tiling.count; tile += room) {
            const int64_t count = smaller(room, tiling.count - tile), vectors = divide_up(count, lanes<T>);
            find_tiles(tiling, M, tile, count, vectors * lanes<T>, job.in, job.out, padding, c.groups * job.channels * job.in[0] * job.in[1],
                       c.groups * job.outs * job.out[0] * job.out[1], patches.get(), places.get());
            const Chunk<T> chunk = {patches.get(), places.get(), inputs.get(), input_point, vectors, divide_up(vectors, 2)};
            const int64_t units = vectors * job.channels, tiles = blocks * chunk.panels;
            parallel_parts(static_cast<int>(parts), [&](int part, int total) {
                transform_inputs<T, M>(job, chunk, units * part / total, units * (part + 1) / total);
            });
            parallel_parts(static_cast<int>(parts), [&](int part, int total) {
                T* const weights = base + part * (points * weight_point + product_size);
                strange[part] |= multiply_blocks<T, M>(job, chunk, tiles * part / total, tiles * (part + 1) / total, weights,
                                                       weight_point, weights + points * weight_point);
            });
        }
        job.x += job.channels * job.in[0] * job.in[1];
        job.y += job.outs * job.out[0] * job.out[1];
        job.w += job.channels * job.outs * kWindow;
        if (job.bias) job.bias += job.outs;
    }
    for (const bool found : strange)
        if (found) return ConvStatus::not_taken;
    return ConvStatus::ok;
}

RL_INLINE bool takes(const ConvShape& c) {
    for (int i = 0; i < 2; ++i)
        if (c.kernel[i] != 3 || c.stride[i] != 1 || c.dilation[i] != 1 || c.padding[i] > (1 << 20)) return false;
    return true;
}

// Cycles that F(m x m) takes; the constants are measured.
template <class T>
double cost_of(const ConvShape& c, double m, const int64_t (&out)[2]) {
    const double side = m + 2, points = side * side, tiles = double(Tiling(c, out, int64_t(m)).count);
    const double vectors = double(divide_up(int64_t(tiles), lanes<T>)), in = double(c.in_channels), outs = double(c.out_channels);
    const double chunks = larger(1, int64_t(points * in * tiles * double(sizeof(T)) / double(kChunkBytes)));
    return vectors * (points * (1.1 * in * outs + 14 * in + 10 * outs)) + chunks * in * outs * (4 * points + 300) / lanes<T> + 20000;
}

// What a multiplication without transforms takes.
template <class T>
double plain_cost(const ConvShape& c, const int64_t (&out)[2]) {
    return 1.15 * double(c.batch) * double(out[0]) * double(out[1]) * double(kWindow) * double(c.in_channels) * double(c.out_channels) / lanes<T>;
}

template <class T>
ConvStatus run(const Job<T>& job, const ConvShape& c, const int64_t (&padding)[2]) {
    if (cost_of<T>(c, 4, job.out) < cost_of<T>(c, 2, job.out)) return correlate<T, 4>(job, c, padding);
    return correlate<T, 2>(job, c, padding);
}

template <class T>
ConvStatus forward(const ConvShape& c, const T* x, const T* w, const T* bias, bool relu, T* y) {
    if (!takes(c)) return ConvStatus::not_taken;
    return run<T>({c.in_channels, c.out_channels, {c.in[0], c.in[1]}, {c.out[0], c.out[1]}, x, w, bias, y, relu, false,
                   even_block(c.out_channels)}, c, c.padding);
}

template <class T>
ConvStatus input(const ConvShape& c, const T* gy, const T* w, const T* bias, T* gx) {
    if (!takes(c)) return ConvStatus::not_taken;
    return run<T>({c.out_channels, c.in_channels, {c.out[0], c.out[1]}, {c.in[0], c.in[1]}, gy, w, bias, gx, false, true,
                   even_block(c.in_channels)}, c, {2 - c.padding[0], 2 - c.padding[1]});
}

// The weight gradient of one group. `inputs` are [point][tile][channel], `grads` [point][output channel][tile], `sums`
// [block of output channels, panel of channels][point][row][2 vectors].
template <class T>
struct GradJob {
    int64_t channels, outs, in[2], out[2], block;
    const T* x;
    const T* gy;
    T* gw;
    int64_t width;  // channels in whole vectors
    int64_t room;   // of tiles in a chunk
    T* inputs;
    T* grads;
    int64_t input_point, grad_point, product_point;
};

// Some tiles: patches of x, and of gy.
struct GradChunk {
    const Patch* patches;
    const Patch* grads;
    int64_t count;
    bool first, last;
};

template <class T, int M>
void transform_both(const GradJob<T>& job, const GradChunk& chunk, int64_t part, int64_t parts) {
    constexpr int S = kSide<M>;
    const int64_t groups = job.width / lanes<T>, units = chunk.count * groups, plane = job.in[0] * job.in[1];
    for (int64_t i = units * part / parts; i < units * (part + 1) / parts; ++i) {
        const int64_t tile = i / groups, c = i % groups * lanes<T>;
        Vec<T> patch[S][S], points[S][S];
        load_channels<T, S>(job.x + c * plane, plane, job.channels - c, chunk.patches[tile], job.in[1], patch);
        transform_square<typename Winograd<T, M>::Input, T, S, S>(patch, points);
        T* const to = job.inputs + tile * job.width + c;
#pragma GCC unroll 1
        for (int r = 0; r < S; ++r)
#pragma GCC unroll 6
            for (int s = 0; s < S; ++s) store(to + (r * S + s) * job.input_point, points[r][s]);
    }
    const int64_t vectors = divide_up(chunk.count, lanes<T>), grads = vectors * job.outs;
    for (int64_t i = grads * part / parts; i < grads * (part + 1) / parts; ++i) {
        const int64_t vector = i / job.outs, k = i % job.outs;
        Vec<T> tile[M][M], points[S][S];
        load_tiles<T, M>(job.gy + k * job.out[0] * job.out[1], chunk.grads + vector * lanes<T>, job.out[1], tile);
        transform_square<typename Winograd<T, M>::Gradient, T, M, S>(tile, points);
        T* const to = job.grads + k * job.room + vector * lanes<T>;
#pragma GCC unroll 1
        for (int r = 0; r < S; ++r)
#pragma GCC unroll 6
            for (int s = 0; s < S; ++s) store(to + (r * S + s) * job.grad_point, points[r][s]);
    }
}

// The gradient of the windows of a vector of channels, from its sums. True if one is infinite or NaN.
template <class T, int M>
RL_INLINE bool put_windows(const T* sums, int64_t point, int64_t count, T* gw) {
    constexpr int S = kSide<M>;
    Vec<T> points[S][S], window[3][3], strange{};
#pragma GCC unroll 6
    for (int r = 0; r < S; ++r)
#pragma GCC unroll 6
        for (int s = 0; s < S; ++s) points[r][s] = load(sums + (r * S + s) * point);
    transform_square<typename Winograd<T, M>::WeightGradient, T, S, 3>(points, window);
#pragma GCC unroll 5
    for (int first = 0; first < kWindow; first += lanes<T>) {
        Vec<T> rows[lanes<T>];
        const int64_t some = smaller(lanes<T>, kWindow - first);
#pragma GCC unroll 16
        for (int i = 0; i < lanes<T>; ++i) {
            rows[i] = first + i < kWindow ? (&window[0][0])[first + i < kWindow ? first + i : 0] : Vec<T>{};
            strange += rows[i] - rows[i];
        }
        transpose<T>(rows);
#pragma GCC unroll 16
        for (int i = 0; i < lanes<T>; ++i) {
            if (i >= count) break;
            if (some == lanes<T>) store(gw + i * kWindow + first, rows[i]);
            else store_part(gw + i * kWindow + first, rows[i], some);
        }
    }
    // Lanes without a channel were computed from zeros.
    return !(sum<T>(strange) == T(0));
}

// Blocks of output channels x panels of channels, [begin, end) of them.
template <class T, int M>
bool add_blocks(const GradJob<T>& job, const GradChunk& chunk, int64_t begin, int64_t end, T* sums, bool shared) {
    const int64_t panels = divide_up(job.width, kPanel<T>), stretches = divide_up(chunk.count, kStretch);
    bool strange = false;
    for (int64_t i = begin; i < end; ++i) {
        const int64_t row = i / panels * job.block, rows = smaller(job.block, job.outs - row), c = i % panels * kPanel<T>;
        const int64_t width = smaller(2, (job.width - c) / lanes<T>);
        const AddTile<T> add = add_tile_for<T>(rows, width);
        T* const products = shared ? sums + i * kPoints<M> * job.product_point : sums;
        for (int64_t p = 0; p < kPoints<M>; ++p) {
            for (int64_t j = 0; j < stretches; ++j) {
                const int64_t first = chunk.count * j / stretches, last = chunk.count * (j + 1) / stretches;
                add(last - first, job.grads + p * job.grad_point + row * job.room + first, job.room, 1,
                    job.inputs + p * job.input_point + first * job.width + c, job.width, chunk.first && j == 0,
                    products + p * job.product_point, kPanel<T>);
            }
        }
        for (int64_t r = 0; chunk.last && r < rows; ++r) {
            for (int64_t v = 0; v < width; ++v) {
                const int64_t channel = c + v * lanes<T>;
                strange |= put_windows<T, M>(products + r * kPanel<T> + v * lanes<T>, job.product_point, job.channels - channel,
                                             job.gw + ((row + r) * job.channels + channel) * kWindow);
            }
        }
    }
    return strange;
}

// gb[k] = the sum of gy's channel k.
template <class T>
void sum_channels(const ConvShape& c, const T* gy, T* gb) {
    const int64_t plane = c.out[0] * c.out[1], channels = c.groups * c.out_channels;
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

template <class T, int M>
ConvStatus weight_of(const ConvShape& c, const T* x, const T* gy, T* gw) {
    constexpr int64_t points = kPoints<M>;
    const Tiling tiling(c, c.out, M);
    const int64_t width = divide_up(c.in_channels, lanes<T>) * lanes<T>, block = even_block(c.out_channels);
    const int64_t bytes = points * (width + c.out_channels) * static_cast<int64_t>(sizeof(T));
    const int64_t all = divide_up(tiling.count, lanes<T>), most = larger(1, kGradChunkBytes / (bytes * lanes<T>));
    const int64_t room = divide_up(all, divide_up(all, most)) * lanes<T>;
    const bool shared = room < tiling.count;
    const int64_t parts = parts_for(multiplications(c) / c.groups / 4, kGrain);
    const int64_t units = divide_up(c.out_channels, block) * divide_up(width, kPanel<T>);
    GradJob<T> job = {c.in_channels, c.out_channels, {c.in[0], c.in[1]}, {c.out[0], c.out[1]}, block, x, gy, gw, width, room, nullptr,
                      nullptr, room * width + lanes<T>, c.out_channels * room + lanes<T>, block * kPanel<T> + lanes<T>};
    const int64_t size = points * job.product_point;
    Scratch<T> inputs(static_cast<size_t>(points * job.input_point)), grads(static_cast<size_t>(points * job.grad_point));
    Scratch<T> sums(static_cast<size_t>((shared ? units : parts) * size));
    Scratch<Patch> patches(static_cast<size_t>(2 * room));
    if (!inputs.get() || !grads.get() || !sums.get() || !patches.get()) return ConvStatus::no_memory;
    job.inputs = inputs.get(), job.grads = grads.get();
    T* const all_sums = sums.get();
    bool strange[kMaxThreads] = {};
    for (int64_t g = 0; g < c.groups; ++g) {
        for (int64_t first = 0; first < tiling.count; first += room) {
            const GradChunk chunk = {patches.get(), patches.get() + room, smaller(room, tiling.count - first), first == 0,
                                     first + room >= tiling.count};
            for (int64_t i = 0; i < room; ++i) {
                const int64_t tile = first + i, n = tile / (tiling.rows * tiling.cols);
                const int64_t row = tile / tiling.cols % tiling.rows * M, column = tile % tiling.cols * M;
                patches.get()[i] = patches.get()[room + i] = {};
                if (i >= chunk.count) continue;
                find_patch(n, c.groups * c.in_channels * c.in[0] * c.in[1], c.in, row - c.padding[0], column - c.padding[1],
                           kSide<M>, patches.get()[i]);
                find_patch(n, c.groups * c.out_channels * c.out[0] * c.out[1], c.out, row, column, M, patches.get()[room + i]);
            }
            parallel_parts(static_cast<int>(parts), [&](int part, int total) { transform_both<T, M>(job, chunk, part, total); });
            parallel_parts(static_cast<int>(parts), [&](int part, int total) {
                strange[part] |= add_blocks<T, M>(job, chunk, units * part / total, units * (part + 1) / total,
                                                  shared ? all_sums : all_sums + part * size, shared);
            });
        }
        job.x += c.in_channels * c.in[0] * c.in[1];
        job.gy += c.out_channels * c.out[0] * c.out[1];
        job.gw += c.in_channels * c.out_channels * kWindow;
    }
    for (const bool found : strange)
        if (found) return ConvStatus::not_taken;
    return ConvStatus::ok;
}

template <class T>
ConvStatus weight(const ConvShape& c, const T* x, const T* gy, T* gw, T* gb) {
    if (!takes(c)) return ConvStatus::not_taken;
    const bool four = cost_of<T>(c, 4, c.out) < cost_of<T>(c, 2, c.out);
    const ConvStatus status = four ? weight_of<T, 4>(c, x, gy, gw) : weight_of<T, 2>(c, x, gy, gw);
    if (gb && status == ConvStatus::ok) sum_channels(c, gy, gb);
    return status;
}

template <class T>
bool prefers(const ConvShape& c, ConvOp op) {
    if (kVectorBytes == 16 || !takes(c)) return false;
    const int64_t(&out)[2] = op == ConvOp::input ? c.in : c.out;
    const double two = cost_of<T>(c, 2, out), four = cost_of<T>(c, 4, out);
    return (two < four ? two : four) < plain_cost<T>(c, out);
}

}  // namespace

const ConvPath<float> conv_winograd_f32 = {{forward<float>, input<float>, weight<float>}, prefers<float>};
const ConvPath<double> conv_winograd_f64 = {{forward<double>, input<double>, weight<double>}, prefers<double>};

}  // namespace rl::RL_ISA
