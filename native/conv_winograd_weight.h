// The weight gradient by Winograd's transforms: patches of the input (channels next to each other) and gradients are transformed, and
// their products summed over the tiles.
#pragma once

#include "conv_product.h"
#include "conv_winograd_tiles.h"
#include "core/allocator.h"
#include "core/thread_pool.h"

namespace rl::RL_ISA {
namespace {

constexpr int64_t kGradChunkBytes = 3 << 20;  // of what threads transform together: the sums are visited once a chunk
constexpr int64_t kSmallSumsBytes = 400 << 10, kShares = 4;  // of the weight gradient's sums: shares of the tiles have their own

// The weight gradient of one group. `inputs` are [point][tile][channel], `grads` [point][output channel][tile], `sums`
// [unit][point][row][2 vectors].
template <class T>
struct GradJob {
    Depth depth;
    int64_t channels, outs, in[2], out[2], block;  // channels: with each slice of the window
    const T* x;
    const T* gy;
    T* gw;
    int64_t width;  // channels in whole vectors
    int64_t room;   // of tiles in a chunk
    T* inputs;
    T* grads;
    int64_t input_point, grad_point, product_point;
    int64_t x_channel() const { return depth.in * in[0] * in[1]; }
    int64_t y_channel() const { return depth.out * out[0] * out[1]; }
    int64_t x_group() const { return channels / depth.kernel * x_channel(); }
};

// Some tiles: patches of x, and of gy.
struct GradChunk {
    const Patch* patches;
    const Patch* grads;
    int64_t count;
    bool first, last;
};

// The patches of channels [c, c + lanes<T>) of a tile.
template <class T, int S>
RL_INLINE void load_patches(const GradJob<T>& job, const Patch* patches, int64_t c, Vec<T> (&to)[S][S]) {
    const int64_t slices = job.depth.kernel, count = smaller(lanes<T>, job.channels - c);
    if (slices == 1) return load_channels<T, S>(job.x + c * job.x_channel(), job.x_channel(), count, patches[0], job.in[1], to);
    int64_t offsets[lanes<T>];
    const Patch* own[lanes<T>];
    int64_t slice = c % slices, offset = c / slices * job.x_channel();
    for (int64_t i = 0; i < count; ++i) {
        offsets[i] = offset;
        own[i] = patches + slice * job.room;
        if (++slice < slices) continue;
        slice = 0;
        offset += job.x_channel();
    }
    load_channels<T, S>(job.x, offsets, own, count, job.in[1], to);
}

template <class T, int M>
void transform_both(const GradJob<T>& job, const GradChunk& chunk, int64_t part, int64_t parts) {
    constexpr int S = kSide<M>;
    const int64_t groups = job.width / lanes<T>, units = chunk.count * groups;
    for (int64_t i = units * part / parts; i < units * (part + 1) / parts; ++i) {
        const int64_t tile = i / groups, c = i % groups * lanes<T>;
        Vec<T> patch[S][S], points[S][S];
        load_patches<T, S>(job, chunk.patches + tile, c, patch);
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
        load_tiles<T, M>(job.gy + k * job.y_channel(), chunk.grads + vector * lanes<T>, job.out[1], tile);
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

// Unit i of the sums: a block of output channels x a panel of channels.
struct Unit {
    int64_t row, rows, channel, vectors;
    template <class T>
    Unit(const GradJob<T>& job, int64_t i) {
        const int64_t panels = divide_up(job.width, kPanel<T>);
        row = i / panels * job.block;
        rows = smaller(job.block, job.outs - row);
        channel = i % panels * kPanel<T>;
        vectors = smaller(2, (job.width - channel) / lanes<T>);
    }
};

// The windows of a unit. True if one is infinite or NaN.
template <class T, int M>
bool put_unit(const GradJob<T>& job, const Unit& unit, const T* sums) {
    bool strange = false;
    for (int64_t r = 0; r < unit.rows; ++r) {
        for (int64_t v = 0; v < unit.vectors; ++v) {
            const int64_t channel = unit.channel + v * lanes<T>;
            strange |= put_windows<T, M>(sums + r * kPanel<T> + v * lanes<T>, job.product_point, job.channels - channel,
                                         job.gw + ((unit.row + r) * job.channels + channel) * kWindow);
        }
    }
    return strange;
}

// A chunk's products added to units [begin, end) of the sums, each `next` after the one before, and from the last chunk's the
// windows. True if one is infinite or NaN.
template <class T, int M>
bool add_blocks(const GradJob<T>& job, const GradChunk& chunk, int64_t begin, int64_t end, T* sums, int64_t next) {
    const int64_t stretches = divide_up(chunk.count, kStretch);
    bool strange = false;
    for (int64_t i = begin; i < end; ++i) {
        const Unit unit(job, i);
        const AddTile<T> add = add_tile_for<T>(unit.rows, unit.vectors);
        T* const products = sums + i * next;
        for (int64_t p = 0; p < kPoints<M>; ++p) {
            for (int64_t j = 0; j < stretches; ++j) {
                const int64_t first = chunk.count * j / stretches, last = chunk.count * (j + 1) / stretches;
                add(last - first, job.grads + p * job.grad_point + unit.row * job.room + first, job.room, 1,
                    job.inputs + p * job.input_point + first * job.width + unit.channel, job.width, chunk.first && j == 0,
                    products + p * job.product_point, kPanel<T>);
            }
        }
        if (chunk.last) strange |= put_unit<T, M>(job, unit, products);
    }
    return strange;
}

// The windows of units [begin, end) from the sums of several shares, `size` numbers each. True if one is infinite or NaN.
template <class T, int M>
bool join_sums(const GradJob<T>& job, int64_t begin, int64_t end, T* sums, int64_t next, int64_t size, int64_t shares) {
    bool strange = false;
    for (int64_t i = begin; i < end; ++i) {
        const Unit unit(job, i);
        T* const total = sums + i * next;
        for (int64_t p = 0; p < kPoints<M>; ++p) {
            T* const to = total + p * job.product_point;
            for (int64_t share = 1; share < shares; ++share)
                for (int64_t j = 0; j < unit.rows * kPanel<T>; j += lanes<T>) store(to + j, load(to + j) + load(to + share * size + j));
        }
        strange |= put_unit<T, M>(job, unit, total);
    }
    return strange;
}

// The patches of x and of gy of tiles [first, first + count), and empty ones of gy up to job.room.
template <class T, int M>
void find_grad_tiles(const GradJob<T>& job, const ConvShape& c, const Tiling& tiling, int64_t first, int64_t count, Patch* patches,
                     Patch* grads) {
    for (int64_t i = 0; i < job.room; ++i) {
        const int64_t tile = first + i, image = tile / (tiling.rows * tiling.cols), n = image / job.depth.out, z = image % job.depth.out;
        const int64_t row = tile / tiling.cols % tiling.rows * M, column = tile % tiling.cols * M;
        grads[i] = {};
        if (i >= count) continue;
        find_patch(n, c.groups * job.x_group(), c.in, row - c.padding[0], column - c.padding[1], kSide<M>, patches[i]);
        spread_patch(job.depth, z, c.in[0] * c.in[1], job.room, patches + i);
        find_patch(n, c.groups * job.outs * job.y_channel(), c.out, row, column, M, grads[i]);
        grads[i].at += z * c.out[0] * c.out[1];
    }
}

// Where sums are small, threads take shares of the tiles, sum each by itself, and the sums are joined: a number of shares that the
// number of threads doesn't change. Else all transform the tiles of a chunk together, and then share the sums.
template <class T, int M>
ConvStatus weight_of(const ConvShape& c, const T* x, const T* gy, T* gw) {
    constexpr int64_t points = kPoints<M>, number = static_cast<int64_t>(sizeof(T));
    const Depth depth = forward_depth(c.slices);
    const Tiling tiling(c.batch * depth.out, c.out, M);
    const int64_t channels = c.in_channels * depth.kernel, width = divide_up(channels, lanes<T>) * lanes<T>;
    const int64_t block = even_block(c.out_channels), product_point = block * kPanel<T> + lanes<T>, next = points * product_point;
    const int64_t units = divide_up(c.out_channels, block) * divide_up(width, kPanel<T>), sums_size = units * next;
    const int64_t parts = parts_for(multiplications(c) / c.groups / 4, kGrain), all = divide_up(tiling.count, lanes<T>);
    const int64_t shares = sums_size * number <= kSmallSumsBytes && all >= 2 * kShares ? kShares : 1;
    const int64_t takers = smaller(parts, shares), together = shares > 1 ? 1 : parts;
    const int64_t bytes = points * (width + c.out_channels) * number, own = divide_up(all, shares);
    const int64_t most = larger(1, (shares > 1 ? kChunkBytes : kGradChunkBytes) / (bytes * lanes<T>));
    const int64_t room = divide_up(own, divide_up(own, most)) * lanes<T>;
    const bool once = shares == 1 && room >= tiling.count;  // then the sums of a unit are done with before the next
    GradJob<T> job = {depth, channels, c.out_channels, {c.in[0], c.in[1]}, {c.out[0], c.out[1]}, block, x, gy, gw, width, room, nullptr,
                      nullptr, room * width + lanes<T>, c.out_channels * room + lanes<T>, product_point};
    const int64_t size = points * (job.input_point + job.grad_point), patches_size = (depth.kernel + 1) * room;
    PartScratch<T> transformed(takers, size);
    Scratch<T> sums(static_cast<size_t>(once ? parts * next : shares * sums_size));
    PartScratch<Patch> patches(takers, patches_size);
    if (!transformed || !sums.get() || !patches) return ConvStatus::no_memory;
    T* const all_sums = sums.get();
    bool strange[kMaxThreads] = {};
    const auto take_share = [&](GradJob<T> of, int64_t share, Patch* inputs) {
        Patch* const grads = inputs + depth.kernel * room;
        const int64_t begin = all * share / shares * lanes<T>, end = smaller(all * (share + 1) / shares * lanes<T>, tiling.count);
        for (int64_t first = begin; first < end; first += room) {
            const GradChunk chunk = {inputs, grads, smaller(room, end - first), first == begin, shares == 1 && first + room >= end};
            find_grad_tiles<T, M>(of, c, tiling, first, chunk.count, inputs, grads);
            parallel_parts(static_cast<int>(together), [&](int part, int total) { transform_both<T, M>(of, chunk, part, total); });
            parallel_parts(static_cast<int>(together), [&](int part, int total) {
                const bool found = add_blocks<T, M>(of, chunk, units * part / total, units * (part + 1) / total,
                                                    all_sums + (once ? part * next : share * sums_size), once ? 0 : next);
                if (found) strange[part] = true;  // of shares nothing is found yet
            });
        }
    };
    for (int64_t g = 0; g < c.groups; ++g) {
        parallel_parts(static_cast<int>(takers), [&](int part, int total) {
            GradJob<T> of = job;
            of.inputs = transformed.of(part);
            of.grads = of.inputs + points * job.input_point;
            for (int64_t share = shares * part / total; share < shares * (part + 1) / total; ++share)
                take_share(of, share, patches.of(part));
        });
        if (shares > 1) {
            parallel_parts(static_cast<int>(smaller(parts, units)), [&](int part, int total) {
                strange[part] |= join_sums<T, M>(job, units * part / total, units * (part + 1) / total, all_sums, next, sums_size, shares);
            });
        }
        job.x += job.x_group();
        job.gy += c.out_channels * job.y_channel();
        job.gw += channels * c.out_channels * kWindow;
    }
    for (const bool found : strange)
        if (found) return ConvStatus::not_taken;
    return ConvStatus::ok;
}

}  // namespace
}  // namespace rl::RL_ISA
