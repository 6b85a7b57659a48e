// The weight gradient as a multiplication of matrices: patches (input channels x taps, by outputs) times the gradients of the outputs
// (by output channels), a few hundred outputs at a time, added to sums that stay in the second-level cache. One operand is copied as
// rows of outputs, which the product reads one by one; the other is turned, so that a vector holds its channels. That is the
// gradients, or, where windows have one place, whichever takes less turning.
#pragma once

#include "conv.h"
#include "conv_patches.h"
#include "conv_product.h"
#include "core/allocator.h"
#include "core/thread_pool.h"

namespace rl::RL_ISA {
namespace {

constexpr int64_t kBlockBytes = 384 << 10;  // patches that are multiplied by the same operand: in the second-level cache
constexpr int64_t kGradOutputs = 256;       // outputs between two visits of the sums

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

// An operand: what its channels, under each tap, have for each output.
template <class T>
struct Side {
    const T* data;
    Images from;
    const Tap* taps;
    int64_t window, channels;  // of a group
    int64_t rows() const { return channels * window; }
    const T* channel(int64_t group, int64_t i) const { return data + (group * channels + i) * from.plane(); }
};

// sums[row][column] for each group. Threads share the channels of the rows, or else the outputs, and then each adds up its own sums.
template <class T>
struct GradJob {
    ConvShape c;
    Side<T> rows, columns;
    bool direct;    // rows are output channels, as in the result
    int64_t width;  // columns in whole vectors
    int64_t channel_parts, output_parts, channels;  // channels: those whose rows are in scratch together
    int64_t row() const { return kGradOutputs + lanes<T>; }  // rows a power of two apart share a set of the cache
    int64_t columns_size() const { return divide_up(width, kPanel<T>) * kPanel<T> * kGradOutputs; }
    int64_t sums_size() const { return rows.rows() * width; }  // of a group
    int64_t bias_size() const { return divide_up(c.out_channels, lanes<T>) * lanes<T>; }
};

// Memory that is asked for while tiles multiply: lines of each of some rows, in one array and then another.
struct Sweep {
    struct Region {
        uintptr_t row;
        int64_t length, stride, rows;  // bytes, and how many
    };
    Region regions[2];
    uintptr_t address = 0, end = 0;
    int next = 0;
    Region now = {};
    RL_INLINE void ask() {
        __builtin_prefetch(reinterpret_cast<const void*>(address), 0, 2);
        address += 64;
        if (address >= end) step();
    }
    void step() {
        if (now.rows == 0 && next < 2) now = regions[next++];
        if (now.rows > 0) {
            address = now.row;
            end = address + static_cast<uintptr_t>(now.length);
            now.row += static_cast<uintptr_t>(now.stride);
            --now.rows;
        } else {
            address = end - 64;  // the last line again
        }
    }
};

template <class T, int ROWS, int WIDTH>
void add_grad_tile(int64_t outputs, const T* a, int64_t a_row, const T* b, bool first, T* to, int64_t to_row, Sweep& sweep) {
    for (int i = 0; i < ROWS; ++i) {
#pragma GCC unroll 2
        for (int v = 0; v < WIDTH; ++v) __builtin_prefetch(to + i * to_row + v * lanes<T>, 1);
    }
    Sweep own = sweep;
    add_tile<T, ROWS, WIDTH>(outputs, a, a_row, 1, b, kPanel<T>, first, to, to_row, [&](int64_t) __attribute__((always_inline)) { own.ask(); });
    sweep = own;
}

template <class T>
using AddGradTile = void (*)(int64_t, const T*, int64_t, const T*, bool, T*, int64_t, Sweep&);

template <class T, int WIDTH, int... I>
RL_INLINE AddGradTile<T> add_grad_tile_of(int64_t rows, std::integer_sequence<int, I...>) {
    constexpr AddGradTile<T> functions[] = {add_grad_tile<T, I + 1, WIDTH>...};
    return functions[rows - 1];
}

template <class T>
AddGradTile<T> add_grad_tile_for(int64_t rows, int64_t width) {
    using Rows = std::make_integer_sequence<int, kTileRows>;
    return width == 1 ? add_grad_tile_of<T, 1>(rows, Rows{}) : add_grad_tile_of<T, 2>(rows, Rows{});
}

// The channels of some outputs (`spots`) next to each other, in panels of kPanel of them, zeros after the last.
template <class T>
void turn_columns(const Side<T>& side, int64_t group, const Spots<T>* spots, int64_t vectors, T* to) {
    constexpr int L = lanes<T>;
    const int64_t plane = side.from.plane();
    for (int64_t v = 0; v < vectors; ++v) {
        Piece<T> piece;
        find_piece(side.from, spots[v], *side.taps, piece);
        for (int64_t o = 0; o < side.channels; o += L) {
            const T* const from = side.channel(group, o);
            const int64_t some = smaller(L, side.channels - o);
            Vec<T> block[L];
            if (piece.reach == Reach::whole && some == L) {
#pragma GCC unroll 16
                for (int i = 0; i < L; ++i) block[i] = load(from + piece.first + i * plane);
            } else {
                for (int i = 0; i < L; ++i) block[i] = Vec<T>{};
                each_channel(piece, from, plane, some, [&](int64_t i, Vec<T> value) { block[i] = value; });
            }
            transpose<T>(block);
            T* const out = to + (o / kPanel<T> * kGradOutputs + v * L) * kPanel<T> + o % kPanel<T>;
#pragma GCC unroll 16
            for (int i = 0; i < L; ++i) store(out + i * kPanel<T>, block[i]);
        }
    }
}

// sums[channel] = (or, unless `first`, +=) the sums of the gradients of some outputs, `channels` rows of them.
template <class T>
void add_bias_rows(const T* rows, int64_t row, int64_t channels, int64_t outputs, bool first, T* sums) {
    for (int64_t o = 0; o < channels; ++o) {
        Vec<T> total{};
        for (int64_t i = 0; i < outputs; i += lanes<T>) total += load(rows + o * row + i);
        sums[o] = first ? sum<T>(total) : sums[o] + sum<T>(total);
    }
}

// The same from panels of `width` channels.
template <class T>
void add_bias_columns(const T* panels, int64_t width, int64_t outputs, bool first, T* sums) {
    for (int64_t o = 0; o < width; o += lanes<T>) {
        Vec<T> total{};
        for (int64_t i = 0; i < outputs; ++i) total += load(panels + (o / kPanel<T> * kGradOutputs + i) * kPanel<T> + o % kPanel<T>);
        store(sums + o, first ? total : load(sums + o) + total);
    }
}

// A chunk of outputs: where both operands have them.
template <class T>
struct GradChunk {
    static constexpr int64_t most = kGradOutputs / lanes<T>;
    Spots<T> rows[most], columns[most];
    int64_t vectors, outputs;
};

// The rows of `channels` channels from `data` on. A single tap's vectors that follow each other in the image are copied in one go.
template <class T>
void copy_rows(const GradJob<T>& job, const GradChunk<T>& chunk, const T* data, int64_t channels, T* to) {
    const Side<T>& side = job.rows;
    for (int64_t v = 0, end; v < chunk.vectors; v = end) {
        Piece<T> piece;
        int32_t first = 0;
        for (end = v; side.window == 1 && end < chunk.vectors; ++end) {
            find_piece(side.from, chunk.rows[end], *side.taps, piece);
            if (end == v) first = piece.first;
            if (piece.reach != Reach::whole || piece.first != first + (end - v) * lanes<T>) break;
        }
        for (int64_t i = 0; i < channels && end > v; ++i) {
            const T* const from = data + i * side.from.plane() + first;
            for (int64_t j = 0; j < (end - v) * lanes<T>; j += lanes<T>) store(to + i * job.row() + v * lanes<T> + j, load(from + j));
        }
        if (end > v) continue;
        gather_patches(side.from, chunk.rows[v], side.taps, side.window, data, channels, to + v * lanes<T>, job.row());
        end = v + 1;
    }
}

// What the chunk after one reads of a side, as far as it lies in the first output's image.
template <class T>
Sweep::Region region_of(const GradJob<T>& job, const Side<T>& side, int64_t group, int64_t begin, int64_t end, int64_t output) {
    const int64_t plane = out_plane(job.c), first = output % plane, last = smaller(first + kGradOutputs, plane), item = sizeof(T);
    const Images& from = side.from;
    if (side.window != 1 || output >= job.c.batch * plane || from.plane() != plane) return {0, 0, 0, 0};
    const T* const data = side.channel(group, begin) + output / plane * from.image;
    return {reinterpret_cast<uintptr_t>(data) + static_cast<uintptr_t>(first * item), (last - first) * item, plane * item, end - begin};
}

// Adds what a chunk of outputs contributes, for the rows' channels [begin, end) of one group. `scratch`: columns, then rows.
template <class T>
void add_outputs(const GradJob<T>& job, int64_t group, int64_t begin, int64_t end, const GradChunk<T>& chunk, Sweep& sweep, bool first,
                 T* scratch, T* sums, T* bias_sums) {
    const Side<T>& side = job.rows;
    T* const columns = scratch;
    T* const rows = scratch + job.columns_size();
    turn_columns(job.columns, group, chunk.columns, chunk.vectors, columns);
    for (int64_t channel = begin; channel < end; channel += job.channels) {
        const int64_t channels = smaller(job.channels, end - channel), count = channels * side.window;
        copy_rows(job, chunk, side.channel(group, channel), channels, rows);
        for (int64_t o = 0; o < job.width; o += kPanel<T>) {
            for (int64_t row = 0; row < count; row += kTileRows) {
                const auto add = add_grad_tile_for<T>(smaller(kTileRows, count - row), smaller(2, (job.width - o) / lanes<T>));
                add(chunk.outputs, rows + row * job.row(), job.row(), columns + o * kGradOutputs, first,
                    sums + (channel * side.window + row) * job.width + o, job.width, sweep);
            }
        }
        if (bias_sums && job.direct) add_bias_rows(rows, job.row(), channels, chunk.outputs, first, bias_sums + channel);
    }
    if (bias_sums && !job.direct && begin == 0) add_bias_columns(columns, job.width, chunk.outputs, first, bias_sums);
}

// One thread's share. `sums` are those of its outputs, [group][row][column], and `bias_sums` [group][output channel], or null.
template <class T>
void grad_share(const GradJob<T>& job, int64_t part, T* scratch, T* sums, T* bias_sums) {
    const ConvShape& c = job.c;
    const Grid grid = all_outputs(c);
    const int64_t outputs = c.batch * out_plane(c), vectors = divide_up(outputs, lanes<T>), image = c.groups * c.out_channels * out_plane(c);
    const int64_t channel_part = part % job.channel_parts, output_part = part / job.channel_parts, channels = job.rows.channels;
    const int64_t begin = channels * channel_part / job.channel_parts, end = channels * (channel_part + 1) / job.channel_parts;
    const int64_t first = vectors * output_part / job.output_parts, last = vectors * (output_part + 1) / job.output_parts;
    GradChunk<T> chunk;
    Walk row_walk(grid, first * lanes<T>), column_walk = row_walk;
    for (int64_t v = first; v < last; v += chunk.vectors) {
        chunk.vectors = smaller(GradChunk<T>::most, last - v);
        chunk.outputs = smaller(chunk.vectors * lanes<T>, outputs - v * lanes<T>);
        for (int64_t i = 0; i < chunk.vectors; ++i) {
            const int64_t count = smaller(lanes<T>, outputs - (v + i) * lanes<T>);
            find_spots(grid, job.rows.from, c.out[1], c.out[0] * c.out[1], image, row_walk, count, chunk.rows[i]);
            find_spots(grid, job.columns.from, c.out[1], c.out[0] * c.out[1], image, column_walk, count, chunk.columns[i]);
        }
        for (int64_t g = 0; g < c.groups; ++g) {
            const int64_t after = g + 1 < c.groups ? g + 1 : 0, output = (after ? v : v + chunk.vectors) * lanes<T>;
            Sweep sweep = {{region_of(job, job.columns, after, 0, job.columns.channels, output), region_of(job, job.rows, after, begin, end, output)}};
            sweep.address = sweep.end = reinterpret_cast<uintptr_t>(scratch) + 64;
            add_outputs(job, g, begin, end, chunk, sweep, v == first, scratch, sums + g * job.sums_size(),
                        bias_sums ? bias_sums + g * job.bias_size() : nullptr);
        }
    }
}

// gw[o][depth] from the sums of all output parts, `size` apart, rows [begin, end) of the sums of one group. True if one is NaN.
template <class T>
bool finish_grads(const GradJob<T>& job, const T* sums, int64_t size, int64_t begin, int64_t end, T* gw) {
    constexpr int L = lanes<T>;
    const int64_t rows = job.rows.rows(), columns = job.columns.channels;
    Mask<T> nan{};
    const auto total = [&](int64_t row, int64_t column) __attribute__((always_inline)) {
        const T* const from = sums + row * job.width + column;
        Vec<T> found = load(from);
        for (int64_t part = 1; part < job.output_parts; ++part) found += load(from + part * size);
        nan |= found != found;
        return found;
    };
    for (int64_t k = begin; k < end; k += L) {
        const int64_t left = smaller(L, end - k);
        for (int64_t o = 0; o < job.width; o += L) {
            if (job.direct) {
                for (int64_t i = k; i < k + left; ++i) store_n(gw + i * columns + o, total(i, o), columns - o);
                continue;
            }
            Vec<T> block[L] = {};
            for (int64_t i = 0; i < left; ++i) block[i] = total(k + i, o);
            transpose<T>(block);
            const int64_t some = smaller(L, columns - o);
            for (int64_t i = 0; i < some; ++i) store_n(gw + (o + i) * rows + k, block[i], left);
        }
    }
    return lane_bits<T>(nan) != 0;
}

// How threads share the work. Sharing the channels needs no sums of sums, but each thread then turns all columns: a part's sums cost
// as much as turning six outputs a row.
template <class T>
void choose_parts(GradJob<T>& job, int64_t parts) {
    const int64_t outputs = job.c.batch * out_plane(job.c), channels = job.rows.channels;
    const bool share_channels = 6 * job.rows.rows() > outputs && (channels % parts == 0 || channels >= 8 * parts);
    job.channel_parts = share_channels ? parts : 1;
    job.output_parts = share_channels ? 1 : smaller(parts, divide_up(outputs, lanes<T>));
    const int64_t row_bytes = job.row() * static_cast<int64_t>(sizeof(T)) * job.rows.window;
    job.channels = smaller(divide_up(channels, job.channel_parts), larger(1, kBlockBytes / row_bytes));
}

// Cycles for a vector of outputs: a product takes whole vectors of columns, and turning one takes as long as six products.
template <class T>
double turning_cost(int64_t rows, int64_t columns) {
    return double(rows + 6) * double(divide_up(columns, lanes<T>));
}

template <class T>
GradJob<T> grad_job(const ConvShape& c, const T* x, const T* gy, const Tap* taps, const Tap* none) {
    const int64_t window = window_of(c);
    const Side<T> patches = {x, images_of_x(c), taps, window, c.in_channels};
    const Side<T> grads = {gy, {static_cast<int32_t>(c.out[0]), static_cast<int32_t>(c.out[1]), c.groups * c.out_channels * out_plane(c), 1, 1,
                                static_cast<int32_t>(c.slices.out), 1}, none, 1, c.out_channels};
    const bool direct = window == 1 && turning_cost<T>(c.out_channels, c.in_channels) < turning_cost<T>(c.in_channels, c.out_channels);
    GradJob<T> job = {c, direct ? grads : patches, direct ? patches : grads, direct, 0, 1, 1, 1};
    job.width = divide_up(job.columns.channels, lanes<T>) * lanes<T>;
    choose_parts(job, parts_for(multiplications(c), kGrain));
    return job;
}

// The sums of all parts as gw; true if one is NaN.
template <class T>
bool finish_all(const GradJob<T>& job, const T* sums, T* gw) {
    const int64_t groups = job.c.groups, rows = job.rows.rows(), vectors = divide_up(rows, lanes<T>), size = job.sums_size();
    bool nan[kMaxThreads] = {};
    const int64_t finishers = smaller(parts_for(groups * size, kGrain), vectors);
    parallel_parts(static_cast<int>(finishers), [&](int part, int count) {
        const int64_t begin = vectors * part / count * lanes<T>, end = smaller(rows, vectors * (part + 1) / count * lanes<T>);
        for (int64_t g = 0; g < groups; ++g)
            nan[part] |= finish_grads(job, sums + g * size, groups * size, begin, end, gw + g * rows * job.columns.channels);
    });
    for (const bool one : nan)
        if (one) return true;
    return false;
}

template <class T>
ConvStatus weight_gradient(const ConvShape& c, const T* x, const T* gy, T* gw, T* gb) {
    const int64_t window = window_of(c);
    Scratch<Tap> taps(static_cast<size_t>(window));
    if (!taps.get()) return ConvStatus::no_memory;
    forward_taps(c, taps.get());
    const Tap none = {0, 0, 0};
    const GradJob<T> job = grad_job(c, x, gy, taps.get(), &none);
    const int64_t parts = job.channel_parts * job.output_parts, size = c.groups * job.sums_size(), bias_size = c.groups * job.bias_size();
    const int64_t scratch_size = job.columns_size() + job.channels * job.rows.window * job.row();
    const bool in_place = job.direct && job.output_parts == 1 && job.width == job.columns.channels;
    Scratch<T> own_sums(static_cast<size_t>(in_place ? 1 : job.output_parts * size)), bias(static_cast<size_t>(job.output_parts * bias_size));
    PartScratch<T> scratch(parts, scratch_size);
    if (!own_sums.get() || !bias.get() || !scratch) return ConvStatus::no_memory;
    T* const sums = in_place ? gw : own_sums.get();
    parallel_parts(static_cast<int>(parts), [&](int part, int) {
        const int64_t share = part / job.channel_parts;
        grad_share(job, part, scratch.of(part), sums + share * size, gb ? bias.get() + share * bias_size : nullptr);
    });
    bool nan = !in_place && finish_all(job, sums, gw);
    for (int64_t i = 0; gb && i < c.groups * c.out_channels; ++i) {
        const T* const from = bias.get() + i / c.out_channels * job.bias_size() + i % c.out_channels;
        gb[i] = from[0];
        for (int64_t part = 1; part < job.output_parts; ++part) gb[i] += from[part * bias_size];
        nan |= gb[i] != gb[i];
    }
    return nan ? ConvStatus::not_taken : ConvStatus::ok;
}

}  // namespace
}  // namespace rl::RL_ISA
