// Direct convolution, forward and the input gradient: a strip of the source lies so that every tap of the window is a plain vector
// load at a fixed offset (conv_source.h), most often in scratch; blocks of output channels x vectors of outputs are summed over all
// taps in registers. A strip is a few rows of one group of one sample, small enough for the second-level cache; strips are what the
// threads share.
//
// The input gradient of a strided convolution falls apart into stride x stride passes, one for each residue of the row and the
// column, each of them a convolution of stride 1 with its own taps.
#pragma once

#include "conv.h"
#include "conv_source.h"
#include "core/allocator.h"
#include "core/thread_pool.h"
#include "core/tile.h"

namespace rl::RL_ISA {
namespace {

#if defined(__AVX512F__)
constexpr int kChannels = 8, kVectors = 3;  // the register tile
#else
constexpr int kChannels = 6, kVectors = 2;
#endif
constexpr int64_t kStripBytes = 192 << 10;  // of the source
constexpr int64_t kGrain = 1 << 16;         // multiplications for which a second thread pays
constexpr int64_t kMaxOffset = int64_t(1) << 30;

RL_INLINE int64_t multiplications(const ConvShape& c) {
    return c.batch * c.groups * c.out_channels * c.out[0] * c.out[1] * c.in_channels * c.kernel[0] * c.kernel[1];
}

// Channels, or whatever, in a block: even shares of at most `most`.
RL_INLINE int64_t even_block(int64_t channels, int64_t most) { return divide_up(channels, divide_up(channels, most)); }

// The rows of the window that lie inside the source for a row of outputs.
struct Inside {
    int64_t first, end;
};

// The outputs that share a list of taps [channel][row of the window][column]: rows row0, row0 + row_step, ..., columns likewise.
// `weights` are [group][channel block][tap][channel in block].
template <class T>
struct Pass {
    const int32_t* offsets;
    const T* weights;
    int64_t taps, row0, row_step, rows, col0, col_step, cols;
    int64_t tap_rows, tap_columns, reads, gain;  // row k of the window reads for output row a the row reads + a * source.row_phases + k * gain
    bool parted;                    // rows for which a part of the window lies outside are summed by themselves
    Inside whole = {0, 0};          // and the others, together

    RL_INLINE Inside inside(int64_t begin, int64_t height) const {
        const int64_t ahead = gain > 0 ? begin : height - 1 - begin, by = gain > 0 ? gain : -gain;  // as if rows went upwards
        const int64_t first = ahead < 0 ? smaller(tap_rows, divide_up(-ahead, by)) : 0;
        return {first, ahead < height ? larger(first, smaller(tap_rows, divide_up(height - ahead, by))) : first};
    }
};

template <class T>
struct Plan {
    Source source;
    int64_t batch, groups;
    int64_t row_origin, reach;  // output row a reads from row_origin + a * source.row_phases on, `reach` rows of each phase further
    int64_t out_channels, out_height, out_width, block;
    int64_t rows, strip;  // output rows (of the longest pass), in strips of so many
    const T* x;
    const T* bias;
    T* y;
    bool relu;
    const Pass<T>* passes;
    int64_t pass_count;
    int64_t strips() const { return divide_up(rows, strip); }
    int64_t scratch_size() const { return source.size(); }
};

// Where a vector of outputs reads (at tap offset 0) and writes (in the first channel of the block).
template <class T>
struct Place {
    const T* from;
    T* to;
    int64_t count;
};

// Of each of `channels` channels, `count` taps, and `step` taps from channel to channel.
template <class T>
struct Taps {
    const int32_t* offsets;
    const T* weights;
    int64_t channels, count, step;
};

// The sums of a tile to where they belong, col_step apart.
template <class T, int CHANNELS, int VECTORS>
RL_INLINE void store_tile(const Place<T>* places, Vec<T> (&sums)[CHANNELS][VECTORS], int64_t plane, int64_t col_step) {
#pragma GCC unroll 4
    for (int v = 0; v < VECTORS; ++v) {
        T* const to = places[v].to;
        const int64_t count = places[v].count;
        if (col_step != 1) {
#pragma GCC unroll 8
            for (int o = 0; o < CHANNELS; ++o) {
                alignas(kVectorBytes) T buffer[lanes<T>];
                store(buffer, sums[o][v]);
                for (int64_t j = 0; j < count; ++j) to[o * plane + j * col_step] = buffer[j];
            }
        } else if (count == lanes<T>) {
#pragma GCC unroll 8
            for (int o = 0; o < CHANNELS; ++o) store(to + o * plane, sums[o][v]);
        } else {
#pragma GCC unroll 8
            for (int o = 0; o < CHANNELS; ++o) store_part<T>(to + o * plane, sums[o][v], count);
        }
    }
}

// Out of line: compilers that inline it keep addresses in vector registers and sums in memory.
template <class T, int CHANNELS, int VECTORS>
__attribute__((noinline)) void tile(const Plan<T>& plan, const Taps<T>& taps, const Place<T>* places, const T* bias, int64_t col_step) {
    Vec<T> sums[CHANNELS][VECTORS];
#pragma GCC unroll 8
    for (int o = 0; o < CHANNELS; ++o) {
        const Vec<T> start = bias ? splat(bias[o]) : Vec<T>{};
#pragma GCC unroll 4
        for (int v = 0; v < VECTORS; ++v) sums[o][v] = start;
    }
    const T* weights = taps.weights;
    const int32_t* offsets = taps.offsets;
    for (int64_t i = 0; i < taps.channels; ++i, weights += taps.step * CHANNELS, offsets += taps.step) {
        for (int64_t t = 0; t < taps.count; ++t) {
            const int64_t offset = offsets[t];
            Vec<T> x[VECTORS];
#pragma GCC unroll 4
            for (int v = 0; v < VECTORS; ++v) x[v] = in_register<T>(load(places[v].from + offset));
#pragma GCC unroll 8
            for (int o = 0; o < CHANNELS; ++o) {
                const Vec<T> w = splat(weights[t * CHANNELS + o]);
#pragma GCC unroll 4
                for (int v = 0; v < VECTORS; ++v) sums[o][v] = fmadd<T>(w, x[v], sums[o][v]);
            }
        }
    }
    if (plan.relu) {
#pragma GCC unroll 8
        for (int o = 0; o < CHANNELS; ++o) {
#pragma GCC unroll 4
            for (int v = 0; v < VECTORS; ++v) sums[o][v] = max<T>(Vec<T>{}, sums[o][v]);  // its second argument for NaN, so that passes
        }
    }
    store_tile<T, CHANNELS, VECTORS>(places, sums, plan.out_height * plan.out_width, col_step);
}

// A strip of a pass, and a block of its channels: own rows [0, rows) of outputs from row a0 on.
template <class T>
struct Block {
    const Plan<T>& plan;
    const Pass<T>& pass;
    const T* from;
    T* y;
    int64_t a0, rows;
    const T* weights;
    const T* bias;
};

// Rows [a, end) of a block in even shares of at most kVectors vectors. What a vector holds beyond its row is written, too, where the
// next row of this strip is written after it.
template <class T, int CHANNELS>
RL_INLINE void run_rows(const Block<T>& b, const Inside& inside, int64_t a, int64_t end) {
    const Plan<T>& plan = b.plan;
    const Pass<T>& pass = b.pass;
    const bool rows_follow = pass.row_step == 1 && pass.col_step == 1, all = inside.end - inside.first == pass.tap_rows;
    const int64_t across = divide_up(pass.cols, lanes<T>), vectors = (end - a) * across, tiles = divide_up(vectors, kVectors);
    const int64_t share = vectors / tiles, larger_shares = vectors % tiles, skipped = inside.first * pass.tap_columns;
    const int64_t step = pass.tap_rows * pass.tap_columns, channels = step ? pass.taps / step : 0;
    const Taps<T> taps = {pass.offsets + skipped, b.weights + skipped * CHANNELS, all ? 1 : channels,
                          all ? pass.taps : (inside.end - inside.first) * pass.tap_columns, step};
    // From the last vector of a row to the next row, as from one vector to the next.
    const int64_t past = across * lanes<T>, next_from = plan.source.pitch - past;
    const int64_t next_to = pass.row_step * plan.out_width - past * pass.col_step, next_room = past - (rows_follow ? plan.out_width : 0);
    const T* from = b.from + a * plan.source.pitch;
    T* to = b.y + (pass.row0 + (b.a0 + a) * pass.row_step) * plan.out_width + pass.col0;
    int64_t left = pass.cols, room = rows_follow ? (b.rows - a) * plan.out_width : pass.cols;
    for (int64_t i = 0; i < tiles; ++i) {
        Place<T> places[kVectors];
        const int64_t count = share + (i < larger_shares);
        for (int64_t v = 0; v < count; ++v) {
            places[v] = {from, to, smaller(lanes<T>, room)};
            from += lanes<T>, to += lanes<T> * pass.col_step, room -= lanes<T>, left -= lanes<T>;
            if (left <= 0) from += next_from, to += next_to, room += next_room, left = pass.cols;
        }
        if (count == kVectors) tile<T, CHANNELS, kVectors>(plan, taps, places, b.bias, pass.col_step);
        else if (count == 2) tile<T, CHANNELS, 2>(plan, taps, places, b.bias, pass.col_step);
        else tile<T, CHANNELS, 1>(plan, taps, places, b.bias, pass.col_step);
    }
}

template <class T, int CHANNELS>
void run_block(const Block<T>& b) {
    const Source& s = b.plan.source;
    for (int64_t a = 0, end; a < b.rows; a = end) {
        Inside inside = {0, b.pass.tap_rows};
        end = b.rows;
        if (b.pass.parted) {
            const int64_t row = b.a0 + a;
            const bool whole = row >= b.pass.whole.first && row < b.pass.whole.end;
            end = whole ? smaller(b.rows, b.pass.whole.end - b.a0) : a + 1;
            if (!whole) inside = b.pass.inside(b.pass.reads + row * s.row_phases, s.height);
        }
        run_rows<T, CHANNELS>(b, inside, a, end);
    }
}

template <class T>
using BlockFunction = void (*)(const Block<T>&);

template <class T, int... I>
RL_INLINE BlockFunction<T> block_function(int64_t channels, std::integer_sequence<int, I...>) {
    constexpr BlockFunction<T> functions[] = {run_block<T, I + 1>...};
    return functions[channels - 1];
}

// One strip of one group of one sample: the item of that number.
template <class T>
void run_strip(const Plan<T>& plan, int64_t item, T* scratch, bool fresh) {
    const int64_t image = item / plan.strips(), a0 = item % plan.strips() * plan.strip, group = image % plan.groups;
    const int64_t rows = smaller(plan.strip, plan.rows - a0), plane = plan.out_height * plan.out_width;
    const Source& s = plan.source;
    const int64_t size = s.channels * s.height * s.width;
    const T* const from = located(s, plan.x + image * size, plan.x + plan.batch * plan.groups * size, plan.row_origin + a0 * s.row_phases,
                                  rows + plan.reach, scratch, fresh || plan.strips() > 1);
    T* const y = plan.y + image * plan.out_channels * plane;
    for (int64_t i = 0; i < plan.pass_count; ++i) {
        const Pass<T>& pass = plan.passes[i];
        const int64_t own = smaller(rows, pass.rows - a0);
        if (own <= 0 || pass.cols <= 0) continue;
        for (int64_t o = 0; o < plan.out_channels; o += plan.block) {
            const int64_t channels = smaller(plan.block, plan.out_channels - o);
            const auto run = block_function<T>(channels, std::make_integer_sequence<int, kChannels>{});
            run({plan, pass, from, y + o * plane, a0, own, pass.weights + (group * plan.out_channels + o) * pass.taps,
                 plan.bias ? plan.bias + group * plan.out_channels + o : nullptr});
        }
    }
}

// Tells the rows of outputs for which the whole window lies inside, and whether the others are worth tiles of their own.
template <class T>
void part_rows(const Plan<T>& plan, Pass<T>& pass) {
    constexpr int64_t kTile = 60;  // products in the time that a tile takes besides
    if (pass.taps == 0) return;
    const Source& s = plan.source;
    const auto cost = [&](int64_t tap_rows, int64_t rows) {
        const int64_t vectors = rows * divide_up(pass.cols, lanes<T>), channels = pass.taps / (pass.tap_rows * pass.tap_columns);
        return vectors * plan.block * channels * tap_rows * pass.tap_columns + divide_up(vectors, kVectors) * kTile;
    };
    int64_t parted = 0;
    for (int64_t a = 0; a < pass.rows; ++a) {
        const Inside inside = pass.inside(pass.reads + a * s.row_phases, s.height);
        if (inside.end - inside.first < pass.tap_rows) {
            parted += cost(inside.end - inside.first, 1);
        } else {
            if (pass.whole.first == pass.whole.end) pass.whole.first = a;
            pass.whole.end = a + 1;
        }
    }
    parted += cost(pass.tap_rows, pass.whole.end - pass.whole.first);
    pass.parted = parted + parted / 32 < cost(pass.tap_rows, pass.rows);
}

// Rows for a strip: as many as the cache holds, fewer where the threads would otherwise have nothing to share. The offsets of
// the taps follow from it.
template <class T>
void choose_strip(Plan<T>& plan, int64_t work) {
    Source& s = plan.source;
    const int64_t parts = parts_for(work, kGrain), jobs = plan.batch * plan.groups;
    const int64_t row_bytes = s.channels * s.row_size() * static_cast<int64_t>(sizeof(T));
    int64_t strip = larger(1, kStripBytes / row_bytes - plan.reach);
    if (jobs < parts) strip = smaller(strip, divide_up(plan.rows, divide_up(parts, jobs)));
    plan.strip = larger(1, smaller(strip, plan.rows));
    set_rows<T>(s, plan.strip + plan.reach);
}

// For outputs of residue r along an axis: tap k reads gy at a + shift(k), if it reads it at all.
struct Residue {
    int64_t r, stride, padding, dilation;
    bool meets(int64_t k) const { return (r + padding - k * dilation) % stride == 0; }
    int64_t shift(int64_t k) const { return (r + padding - k * dilation) / stride; }
};

struct Range {
    int64_t low = 0, high = 0;
};

// The smallest and largest shift over all residues and taps of an axis.
RL_INLINE Range shifts(const ConvShape& c, int axis) {
    Range range = {INT64_MAX, INT64_MIN};
    for (int64_t r = 0; r < c.stride[axis]; ++r) {
        const Residue residue = {r, c.stride[axis], c.padding[axis], c.dilation[axis]};
        for (int64_t k = 0; k < c.kernel[axis]; ++k) {
            if (!residue.meets(k)) continue;
            range.low = smaller(range.low, residue.shift(k));
            range.high = larger(range.high, residue.shift(k));
        }
    }
    return range;
}


// The source of the forward pass, and of x in the weight gradient; its rows are set with the strip.
template <class T>
Source forward_source(const ConvShape& c) {
    const int64_t reach = (c.kernel[1] - 1) * c.dilation[1] / c.stride[1];
    return source_of<T>(c.in_channels, c.in[0], c.in[1], c.stride[0], c.stride[1], -c.padding[1], c.out[1], reach, c.padding[0] == 0);
}

// Rows of a phase that a window reads beyond its first.
RL_INLINE int64_t forward_reach(const ConvShape& c) { return (c.kernel[0] - 1) * c.dilation[0] / c.stride[0]; }

// A plan with what it points to.
template <class T>
class Correlation {
public:
    // Without memory, or with offsets that are too large, `status` says so.
    ConvStatus status = ConvStatus::ok;
    Plan<T> plan;

    // y = w * x (+ bias) (then ReLU)
    Correlation(const ConvShape& c, const T* x, const T* w, const T* bias, bool relu, T* y) : Correlation(c, c.out_channels, c.in_channels, 1) {
        if (status != ConvStatus::ok) return;
        plan = {forward_source<T>(c), c.batch, c.groups, -c.padding[0], forward_reach(c), c.out_channels, c.out[0], c.out[1],
                even_block(c.out_channels, kChannels), c.out[0], 0, x, bias, y, relu, passes_.get(), 1};
        choose_strip(plan, multiplications(c));
        if (plan.scratch_size() > kMaxOffset) {
            status = ConvStatus::not_taken;
            return;
        }
        const int64_t window = c.kernel[0] * c.kernel[1];
        Pass<T> pass = {offsets_.get(), weights_.get(), c.in_channels * window, 0, 1, c.out[0], 0, 1, c.out[1], c.kernel[0], c.kernel[1],
                        -c.padding[0], c.dilation[0], false};
        int32_t* offsets = offsets_.get();
        each_tap(c, c.in_channels, [&](int64_t i, int64_t ky, int64_t kx) {
            *offsets++ = static_cast<int32_t>(plan.source.offset(i, ky * c.dilation[0], kx * c.dilation[1]));
        });
        T* to = weights_.get();
        for (int64_t g = 0; g < c.groups; ++g)
            for (int64_t o = 0; o < c.out_channels; o += plan.block)
                each_tap(c, c.in_channels, [&](int64_t i, int64_t ky, int64_t kx) {
                    const T* const from = w + ((g * c.out_channels + o) * c.in_channels + i) * window + ky * c.kernel[1] + kx;
                    for (int64_t j = 0; j < smaller(plan.block, c.out_channels - o); ++j) *to++ = from[j * pass.taps];
                });
        part_rows(plan, pass);
        passes_.get()[0] = pass;
    }

    // gx = the adjoint in x, applied to gy (+ bias)
    Correlation(const ConvShape& c, const T* gy, const T* w, const T* bias, T* gx)
        : Correlation(c, c.in_channels, c.out_channels, c.stride[0] * c.stride[1]) {
        if (status != ConvStatus::ok) return;
        const Range rows = shifts(c, 0), cols = shifts(c, 1);
        const Source source = source_of<T>(c.out_channels, c.out[0], c.out[1], 1, 1, cols.low, divide_up(c.in[1], c.stride[1]),
                                           cols.high - cols.low, false);
        plan = {source, c.batch, c.groups, rows.low, rows.high - rows.low, c.in_channels, c.in[0], c.in[1],
                even_block(c.in_channels, kChannels), divide_up(c.in[0], c.stride[0]), 0, gy, bias, gx, false, passes_.get(),
                c.stride[0] * c.stride[1]};
        choose_strip(plan, multiplications(c));
        if (plan.scratch_size() > kMaxOffset) {
            status = ConvStatus::not_taken;
            return;
        }
        int32_t* offsets = offsets_.get();
        T* weights = weights_.get();
        for (int64_t i = 0; i < plan.pass_count; ++i) {
            Pass<T>& pass = passes_.get()[i];
            pass = input_pass(c, w, i / c.stride[1], i % c.stride[1], {rows.low, cols.low}, offsets, weights);
            part_rows(plan, pass);
            offsets += pass.taps;
            weights += pass.taps * c.groups * c.in_channels;
        }
    }

private:
    // Where the first row and column of the source lie.
    struct Origin {
        int64_t row, column;
    };

    Correlation(const ConvShape& c, int64_t outputs, int64_t inputs, int64_t passes)
        : plan{}, weights_(static_cast<size_t>(c.groups * outputs * inputs * c.kernel[0] * c.kernel[1])),
          offsets_(static_cast<size_t>(inputs * c.kernel[0] * c.kernel[1])), passes_(static_cast<size_t>(passes)) {
        if (!weights_.get() || !offsets_.get() || !passes_.get()) status = ConvStatus::no_memory;
    }

    // body(channel, ky, kx) for each tap, in their order.
    template <class Body>
    static RL_INLINE void each_tap(const ConvShape& c, int64_t channels, Body body) {
        for (int64_t i = 0; i < channels; ++i)
            for (int64_t ky = 0; ky < c.kernel[0]; ++ky)
                for (int64_t kx = 0; kx < c.kernel[1]; ++kx) body(i, ky, kx);
    }

    // The pass of residue (ry, rx), and its offsets and weights.
    Pass<T> input_pass(const ConvShape& c, const T* w, int64_t ry, int64_t rx, Origin low, int32_t* offsets, T* weights) const {
        const Residue y = {ry, c.stride[0], c.padding[0], c.dilation[0]}, x = {rx, c.stride[1], c.padding[1], c.dilation[1]};
        const int64_t window = c.kernel[0] * c.kernel[1];
        const auto each = [&](auto body) __attribute__((always_inline)) {
            each_tap(c, c.out_channels, [&](int64_t o, int64_t ky, int64_t kx) {
                if (y.meets(ky) && x.meets(kx)) body(o, ky, kx);
            });
        };
        Pass<T> pass = {offsets, weights, 0, ry, c.stride[0], 0, rx, c.stride[1], 0, 0, 0, 0, 1, false};
        for (int64_t ky = 0; ky < c.kernel[0]; ++ky) {
            if (!y.meets(ky)) continue;
            if (pass.tap_rows == 0) pass.reads = y.shift(ky);
            else if (pass.tap_rows == 1) pass.gain = y.shift(ky) - pass.reads;
            ++pass.tap_rows;
        }
        for (int64_t kx = 0; kx < c.kernel[1]; ++kx) pass.tap_columns += x.meets(kx);
        each([&](int64_t o, int64_t ky, int64_t kx) {
            offsets[pass.taps++] = static_cast<int32_t>(plan.source.offset(o, y.shift(ky) - low.row, x.shift(kx) - low.column));
        });
        for (int64_t g = 0; g < c.groups; ++g)
            for (int64_t i = 0; i < c.in_channels; i += plan.block)
                each([&](int64_t o, int64_t ky, int64_t kx) {
                    const T* const from = w + ((g * c.out_channels + o) * c.in_channels + i) * window + ky * c.kernel[1] + kx;
                    for (int64_t j = 0; j < smaller(plan.block, c.in_channels - i); ++j) *weights++ = from[j * window];
                });
        pass.rows = c.in[0] > ry ? divide_up(c.in[0] - ry, c.stride[0]) : 0;
        pass.cols = c.in[1] > rx ? divide_up(c.in[1] - rx, c.stride[1]) : 0;
        return pass;
    }

    Scratch<T> weights_;
    Scratch<int32_t> offsets_;
    Scratch<Pass<T>> passes_;
};

}  // namespace
}  // namespace rl::RL_ISA
