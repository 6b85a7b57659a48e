// Direct convolution. Forward and the input gradient are one loop, `correlate`: a strip of the source is copied into scratch
// (zeros around it, columns sorted by their residue modulo the stride), so that every tap of the window is a plain vector load at
// a fixed offset; then blocks of output channels x vectors of output columns are summed over all taps in registers. A strip is a
// few rows of one group of one sample, small enough for the second-level cache; strips are what the threads share.
//
// The input gradient of a strided convolution falls apart into stride x stride passes, one for each residue of the row and the
// column, each of them a convolution of stride 1 with its own taps.
#include "conv.h"

#include "conv_source.h"
#include "core/allocator.h"
#include "core/thread_pool.h"
#include "core/tile.h"

namespace rl::RL_ISA {
namespace {

#if defined(__AVX512F__)
constexpr int kChannels = 8, kVectors = 3;      // the register tile of correlate
constexpr int kGradChannels = 4;                // and of the weight gradient: channels, and taps for so many of them
constexpr int grad_taps(int64_t channels) { return channels == 4 ? 6 : 9; }
#else
constexpr int kChannels = 6, kVectors = 2;
constexpr int kGradChannels = 3;
constexpr int grad_taps(int64_t channels) { return channels == 3 ? 4 : 6; }
#endif
#if defined(__AVX2__)
constexpr bool kPartialLoads = true;  // as quick as whole ones
#else
constexpr bool kPartialLoads = false;
#endif
constexpr int64_t kStripBytes = 192 << 10;  // of the source
constexpr int64_t kChunkBytes = 128 << 10, kMostChunkBytes = 2048 << 10;  // of x and gy in the weight gradient
constexpr int64_t kLongSum = 96;  // vectors of columns, beside which sums across the lanes weigh little
constexpr int64_t kGrain = 1 << 16;  // multiplications for which a second thread pays
constexpr int64_t kMaxOffset = int64_t(1) << 30;

// The outputs that share a list of taps: rows row0, row0 + row_step, ..., columns likewise. `weights` are
// [group][channel block][tap][channel in block].
template <class T>
struct Pass {
    const int32_t* offsets;
    const T* weights;
    int64_t taps, row0, row_step, rows, col0, col_step, cols;
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
};

// Where a vector of outputs reads (at tap offset 0) and writes (in the first channel of the block).
template <class T>
struct Place {
    const T* from;
    T* to;
    int64_t count;
};

template <class T, int CHANNELS, int VECTORS>
RL_INLINE void tile(const Plan<T>& plan, const Pass<T>& pass, const Place<T>* places, const T* weights, const T* bias) {
    Vec<T> sums[CHANNELS][VECTORS];
#pragma GCC unroll 8
    for (int o = 0; o < CHANNELS; ++o) {
        const Vec<T> start = bias ? splat(bias[o]) : Vec<T>{};
#pragma GCC unroll 4
        for (int v = 0; v < VECTORS; ++v) sums[o][v] = start;
    }
    for (int64_t t = 0; t < pass.taps; ++t) {
        const int64_t offset = pass.offsets[t];
        Vec<T> x[VECTORS];
#pragma GCC unroll 4
        for (int v = 0; v < VECTORS; ++v) x[v] = load(places[v].from + offset);
#pragma GCC unroll 8
        for (int o = 0; o < CHANNELS; ++o) {
            const Vec<T> w = splat(weights[t * CHANNELS + o]);
#pragma GCC unroll 4
            for (int v = 0; v < VECTORS; ++v) sums[o][v] = fmadd<T>(w, x[v], sums[o][v]);
        }
    }
    const int64_t plane = plan.out_height * plan.out_width;
#pragma GCC unroll 4
    for (int v = 0; v < VECTORS; ++v) {
        const int64_t count = places[v].count;
#pragma GCC unroll 8
        for (int o = 0; o < CHANNELS; ++o) {
            T* to = places[v].to + o * plane;
            // max gives its second argument for NaN, so NaN passes.
            const Vec<T> sum = plan.relu ? max<T>(Vec<T>{}, sums[o][v]) : sums[o][v];
            if (pass.col_step != 1) {
                alignas(kVectorBytes) T buffer[lanes<T>];
                store(buffer, sum);
                for (int64_t j = 0; j < count; ++j) to[j * pass.col_step] = buffer[j];
            } else if (count == lanes<T>) {
                store(to, sum);
            } else {
                store_part<T>(to, sum, count);
            }
        }
    }
}

// The vectors of a block's rows, in even shares of at most kVectors. What a vector holds beyond its row is written, too, where the
// next row of this strip is written after it.
template <class T, int CHANNELS>
void run_block(const Plan<T>& plan, const Pass<T>& pass, const T* scratch, T* y, int64_t a0, int64_t rows, const T* weights,
               const T* bias) {
    const bool rows_follow = pass.row_step == 1 && pass.col_step == 1;
    const int64_t vectors = rows * divide_up(pass.cols, lanes<T>), tiles = divide_up(vectors, kVectors);
    const int64_t share = vectors / tiles, larger_shares = vectors % tiles;
    int64_t a = 0, j = 0;
    for (int64_t i = 0; i < tiles; ++i) {
        Place<T> places[kVectors];
        const int64_t count = share + (i < larger_shares);
        for (int64_t v = 0; v < count; ++v) {
            const int64_t room = rows_follow ? (rows - a) * plan.out_width - j : pass.cols - j;
            places[v] = {scratch + a * plan.source.pitch + j,
                         y + (pass.row0 + (a0 + a) * pass.row_step) * plan.out_width + pass.col0 + j * pass.col_step,
                         smaller(lanes<T>, room)};
            j += lanes<T>;
            if (j >= pass.cols) j = 0, ++a;
        }
        if (count == kVectors) tile<T, CHANNELS, kVectors>(plan, pass, places, weights, bias);
        else if (count == 2) tile<T, CHANNELS, 2>(plan, pass, places, weights, bias);
        else tile<T, CHANNELS, 1>(plan, pass, places, weights, bias);
    }
}

template <class T>
using BlockFunction = void (*)(const Plan<T>&, const Pass<T>&, const T*, T*, int64_t, int64_t, const T*, const T*);

template <class T, int... I>
RL_INLINE BlockFunction<T> block_function(int64_t channels, std::integer_sequence<int, I...>) {
    constexpr BlockFunction<T> functions[] = {run_block<T, I + 1>...};
    return functions[channels - 1];
}

// One strip of one group of one sample.
template <class T>
void run_strip(const Plan<T>& plan, int64_t sample, int64_t group, int64_t a0, T* scratch) {
    const int64_t rows = smaller(plan.strip, plan.rows - a0);
    const Source& s = plan.source;
    const int64_t image = sample * plan.groups + group;
    pack(s, plan.x + image * s.channels * s.height * s.width, plan.row_origin + a0 * s.row_phases, rows + plan.reach, scratch);
    T* y = plan.y + image * plan.out_channels * plan.out_height * plan.out_width;
    for (int64_t i = 0; i < plan.pass_count; ++i) {
        const Pass<T>& pass = plan.passes[i];
        const int64_t own = smaller(rows, pass.rows - a0);
        if (own <= 0 || pass.cols <= 0) continue;
        for (int64_t o = 0; o < plan.out_channels; o += plan.block) {
            const int64_t channels = smaller(plan.block, plan.out_channels - o);
            const auto run = block_function<T>(channels, std::make_integer_sequence<int, kChannels>{});
            run(plan, pass, scratch, y + o * plan.out_height * plan.out_width, a0, own,
                pass.weights + (group * plan.out_channels + o) * pass.taps,
                plan.bias ? plan.bias + group * plan.out_channels + o : nullptr);
        }
    }
}

template <class T>
ConvStatus correlate(const Plan<T>& plan, int64_t work) {
    const Source& s = plan.source;
    const int64_t strips = divide_up(plan.rows, plan.strip), items = plan.batch * plan.groups * strips;
    const int64_t parts = smaller(parts_for(work, kGrain), items);
    const int64_t size = s.channels * s.plane();
    Scratch<T> scratch(static_cast<size_t>(parts * size));
    if (!scratch.get()) return ConvStatus::no_memory;
    T* const base = scratch.get();
    parallel_parts(static_cast<int>(parts), [&](int part, int count) {
        for (int64_t i = items * part / count; i < items * (part + 1) / count; ++i) {
            const int64_t job = i / strips;
            run_strip(plan, job / plan.groups, job % plan.groups, i % strips * plan.strip, base + part * size);
        }
    });
    return ConvStatus::ok;
}

// Channels in a block: even shares of at most kChannels.
RL_INLINE int64_t even_block(int64_t channels, int64_t most) { return divide_up(channels, divide_up(channels, most)); }

// The source of the forward pass, and of x in the weight gradient; its rows are set with the strip.
template <class T>
Source forward_source(const ConvShape& c) {
    const int64_t reach = (c.kernel[1] - 1) * c.dilation[1] / c.stride[1];
    return source_of<T>(c.in_channels, c.in[0], c.in[1], c.stride[0], c.stride[1], -c.padding[1], c.out[1], reach);
}

// Rows of a phase that a window reads beyond its first.
RL_INLINE int64_t forward_reach(const ConvShape& c) { return (c.kernel[0] - 1) * c.dilation[0] / c.stride[0]; }

RL_INLINE int64_t tap_offset(const ConvShape& c, const Source& s, int64_t channel, int64_t ky, int64_t kx) {
    const int64_t row = ky * c.dilation[0], column = kx * c.dilation[1];
    return ((channel * s.row_phases + row % s.row_phases) * s.phases + column % s.phases) * s.part + row / s.row_phases * s.pitch +
           column / s.phases;
}

RL_INLINE int64_t multiplications(const ConvShape& c) {
    return c.batch * c.groups * c.out_channels * c.out[0] * c.out[1] * c.in_channels * c.kernel[0] * c.kernel[1];
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

template <class T>
ConvStatus forward(const ConvShape& c, const T* x, const T* w, const T* bias, bool relu, T* y) {
    const int64_t taps = c.in_channels * c.kernel[0] * c.kernel[1], block = even_block(c.out_channels, kChannels);
    Scratch<T> packed(static_cast<size_t>(c.groups * c.out_channels * taps));
    Scratch<int32_t> offsets(static_cast<size_t>(taps));
    if (!packed.get() || !offsets.get()) return ConvStatus::no_memory;
    Plan<T> plan = {forward_source<T>(c), c.batch, c.groups, -c.padding[0], forward_reach(c), c.out_channels,
                    c.out[0], c.out[1], block, c.out[0], 0, x, bias, y, relu, nullptr, 1};
    choose_strip(plan, multiplications(c));
    if (plan.source.channels * plan.source.plane() > kMaxOffset) return ConvStatus::not_taken;
    int32_t* offset = offsets.get();
    for (int64_t i = 0; i < c.in_channels; ++i)
        for (int64_t ky = 0; ky < c.kernel[0]; ++ky)
            for (int64_t kx = 0; kx < c.kernel[1]; ++kx)
                *offset++ = static_cast<int32_t>(tap_offset(c, plan.source, i, ky, kx));
    T* to = packed.get();
    for (int64_t g = 0; g < c.groups; ++g) {
        for (int64_t o = 0; o < c.out_channels; o += block) {
            const int64_t channels = smaller(block, c.out_channels - o);
            const T* from = w + (g * c.out_channels + o) * taps;
            for (int64_t t = 0; t < taps; ++t)
                for (int64_t j = 0; j < channels; ++j) *to++ = from[j * taps + t];
        }
    }
    const Pass<T> pass = {offsets.get(), packed.get(), taps, 0, 1, c.out[0], 0, 1, c.out[1]};
    plan.passes = &pass;
    return correlate(plan, multiplications(c));
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

// The taps of one pass of the input gradient: their offsets, and their weights [group][channel block][tap][channel in block].
template <class T>
struct PassWriter {
    const ConvShape& c;
    const Source& source;
    const T* w;
    int64_t block, row_low, col_low;
    int32_t* offsets;
    T* weights;

    Pass<T> write(int64_t ry, int64_t rx) {
        const Residue y = {ry, c.stride[0], c.padding[0], c.dilation[0]}, x = {rx, c.stride[1], c.padding[1], c.dilation[1]};
        const int32_t* first_offset = offsets;
        const T* first_weight = weights;
        each_tap(y, x, [&](int64_t o, int64_t ky, int64_t kx) {
            *offsets++ = static_cast<int32_t>(o * source.plane() + (y.shift(ky) - row_low) * source.pitch +
                                              x.shift(kx) - col_low);
        });
        const int64_t window = c.kernel[0] * c.kernel[1];
        for (int64_t g = 0; g < c.groups; ++g) {
            for (int64_t i = 0; i < c.in_channels; i += block) {
                const int64_t channels = smaller(block, c.in_channels - i);
                each_tap(y, x, [&](int64_t o, int64_t ky, int64_t kx) {
                    const T* from = w + ((g * c.out_channels + o) * c.in_channels + i) * window + ky * c.kernel[1] + kx;
                    for (int64_t j = 0; j < channels; ++j) *weights++ = from[j * window];
                });
            }
        }
        const int64_t rows = c.in[0] > ry ? divide_up(c.in[0] - ry, c.stride[0]) : 0;
        const int64_t cols = c.in[1] > rx ? divide_up(c.in[1] - rx, c.stride[1]) : 0;
        return {first_offset, first_weight, offsets - first_offset, ry, c.stride[0], rows, rx, c.stride[1], cols};
    }

    template <class Body>
    RL_INLINE void each_tap(const Residue& y, const Residue& x, Body body) const {
        for (int64_t o = 0; o < c.out_channels; ++o)
            for (int64_t ky = 0; ky < c.kernel[0]; ++ky)
                for (int64_t kx = 0; kx < c.kernel[1]; ++kx)
                    if (y.meets(ky) && x.meets(kx)) body(o, ky, kx);
    }
};

template <class T>
ConvStatus input(const ConvShape& c, const T* gy, const T* w, const T* bias, T* gx) {
    const int64_t taps = c.out_channels * c.kernel[0] * c.kernel[1], passes = c.stride[0] * c.stride[1];
    const int64_t block = even_block(c.in_channels, kChannels);
    Scratch<T> packed(static_cast<size_t>(c.groups * c.in_channels * taps));
    Scratch<int32_t> offsets(static_cast<size_t>(taps));
    Scratch<Pass<T>> pass(static_cast<size_t>(passes));
    if (!packed.get() || !offsets.get() || !pass.get()) return ConvStatus::no_memory;
    const Range rows = shifts(c, 0), cols = shifts(c, 1);
    const int64_t a_rows = divide_up(c.in[0], c.stride[0]), a_cols = divide_up(c.in[1], c.stride[1]);
    const Source source =
        source_of<T>(c.out_channels, c.out[0], c.out[1], 1, 1, cols.low, a_cols, cols.high - cols.low);
    Plan<T> plan = {source, c.batch, c.groups, rows.low, rows.high - rows.low, c.in_channels,
                    c.in[0], c.in[1], block, a_rows, 0, gy, bias, gx, false, pass.get(), passes};
    choose_strip(plan, multiplications(c));
    if (plan.source.channels * plan.source.plane() > kMaxOffset) return ConvStatus::not_taken;
    PassWriter<T> writer = {c, plan.source, w, block, rows.low, cols.low, offsets.get(), packed.get()};
    for (int64_t i = 0; i < passes; ++i) pass.get()[i] = writer.write(i / c.stride[1], i % c.stride[1]);
    return correlate(plan, multiplications(c));
}

// The weight gradient: a tile of output channels x taps is summed over all vectors of columns of a few samples (or a strip of one)
// in registers, then across the lanes: few enough samples to stay in the caches, x in scratch as for the forward pass. Each thread
// sums its own samples; the threads' sums are added at the end.
//
// gy is read where it lies, row by row. Or it lies in scratch, too: with zeros after each row, where partial loads are slow, and with
// its rows as far apart as x's where that makes one row of all of them and so fewer vectors (narrow images).
template <class T>
struct WeightPlan {
    ConvShape c;
    Source source;
    int64_t taps;
    bool joined, copied;             // gy's rows
    int64_t grad_row, grad_plane, grad_size;  // from a row of gy to the next, from a channel, from a sample
    int64_t strip, strips, samples;  // rows of gy, and samples, that are summed together
    int64_t x_size;                  // of one sample in scratch
    const int32_t* offsets;
    const T* x;
    const T* gy;
    int64_t joined_width(int64_t rows) const {
        return divide_up((rows - 1) * source.pitch + c.out[1], lanes<T>) * lanes<T>;
    }
    int64_t scratch_size() const { return samples * (x_size + (copied ? grad_size : 0)); }
};

template <class T, int STEP>
RL_INLINE void add_halves(Vec<T> (&rows)[lanes<T>]) {
    if constexpr (STEP < lanes<T>) {
#pragma GCC unroll 16
        for (int i = 0; i < lanes<T>; i += 2 * STEP) {
            exchange_pair<T, STEP>(rows[i], rows[i + STEP], std::make_integer_sequence<int, lanes<T>>{});
            rows[i] += rows[i + STEP];
        }
        add_halves<T, 2 * STEP>(rows);
    }
}

// The sums of COUNT vectors, as many at a time as a vector has lanes: two halved vectors make one. All loops are unrolled, since
// vectors that a loop counts through would not be in registers in the loops before.
template <class T, int COUNT>
RL_INLINE void lane_sums(const Vec<T>* vectors, T* sums) {
#pragma GCC unroll 16
    for (int first = 0; first < COUNT; first += lanes<T>) {
        Vec<T> rows[lanes<T>];
#pragma GCC unroll 16
        for (int i = 0; i < lanes<T>; ++i) rows[i] = first + i < COUNT ? vectors[first + i] : Vec<T>{};
        add_halves<T, 1>(rows);
        store(sums + first, rows[0]);
    }
}

// What is summed together.
template <class T>
struct Loaded {
    const T* x;
    const T* grad;
    int64_t samples, rows, width;
};

template <class T, int CHANNELS, int TAPS>
void grad_tile(const WeightPlan<T>& plan, const Loaded<T>& loaded, int64_t channel, const int32_t* offsets, T* gw) {
    Vec<T> sums[CHANNELS][TAPS] = {};
    const int64_t plane = plan.grad_plane;
    for (int64_t n = 0; n < loaded.samples; ++n) {
        const T* x = loaded.x + n * plan.x_size;
        const T* grad = loaded.grad + n * plan.grad_size + channel * plane;
        for (int64_t r = 0; r < loaded.rows; ++r, x += plan.source.pitch, grad += plan.grad_row) {
            for (int64_t j = 0; j < loaded.width; j += lanes<T>) {
                const LanesOf<T> inside(static_cast<uint32_t>((uint64_t(1) << smaller(lanes<T>, loaded.width - j)) - 1));
                Vec<T> g[CHANNELS];
#pragma GCC unroll 4
                for (int o = 0; o < CHANNELS; ++o) {
                    const T* const from = grad + o * plane + j;
                    g[o] = kPartialLoads ? inside.load(from) : load(from);
                }
#pragma GCC unroll 16
                for (int t = 0; t < TAPS; ++t) {
                    const Vec<T> v = in_register<T>(load(x + offsets[t] + j));
#pragma GCC unroll 4
                    for (int o = 0; o < CHANNELS; ++o) sums[o][t] = fmadd<T>(g[o], v, sums[o][t]);
                }
            }
        }
    }
    constexpr int count = CHANNELS * TAPS;
    alignas(kVectorBytes) T totals[divide_up(count, lanes<T>) * lanes<T>];
    lane_sums<T, count>(&sums[0][0], totals);
    for (int o = 0; o < CHANNELS; ++o)
        for (int t = 0; t < TAPS; ++t) gw[o * plan.taps + t] += totals[o * TAPS + t];
}

template <class T>
using TileFunction = void (*)(const WeightPlan<T>&, const Loaded<T>&, int64_t, const int32_t*, T*);

template <class T, int CHANNELS, int... I>
RL_INLINE TileFunction<T> tile_function_of(int64_t taps, std::integer_sequence<int, I...>) {
    constexpr TileFunction<T> functions[] = {grad_tile<T, CHANNELS, I + 1>...};
    return functions[taps - 1];
}

template <class T, int... I>
RL_INLINE TileFunction<T> tile_function(int64_t channels, int64_t taps, std::integer_sequence<int, I...>) {
    TileFunction<T> found = nullptr;
    ((channels == I + 1 ? void(found = tile_function_of<T, I + 1>(taps, std::make_integer_sequence<int, grad_taps(I + 1)>{}))
                        : void()),
     ...);
    return found;
}

template <class T>
void add_tiles(const WeightPlan<T>& plan, const Loaded<T>& loaded, T* gw) {
    const int64_t channels = plan.c.out_channels;
    const int64_t channel_block = even_block(channels, kGradChannels), tap_block = even_block(plan.taps, grad_taps(channel_block));
    for (int64_t t = 0; t < plan.taps; t += tap_block) {
        const int64_t taps = smaller(tap_block, plan.taps - t);
        for (int64_t o = 0; o < channels; o += channel_block) {
            const int64_t some = smaller(channel_block, channels - o);
            const auto run = tile_function<T>(some, taps, std::make_integer_sequence<int, kGradChannels>{});
            run(plan, loaded, o, plan.offsets + t, gw + o * plan.taps + t);
        }
    }
}

// `rows` rows of gy of all channels into scratch.
template <class T>
void pack_grad(const WeightPlan<T>& plan, const T* gy, int64_t rows, T* to) {
    const ConvShape& c = plan.c;
    for (int64_t o = 0; o < c.out_channels; ++o, gy += c.out[0] * c.out[1], to += plan.grad_plane) {
        pack_rows(gy, c.out[1], c.out[1], 0, rows, to, plan.grad_row);
        clear(to + rows * plan.grad_row, kBehind<T>);
    }
}

// gb[channel], a vector, += the sum of `rows` rows of gy.
template <class T>
void add_bias(const ConvShape& c, const T* gy, int64_t rows, T* gb) {
    constexpr int64_t step = 4 * lanes<T>;
    const int64_t size = rows * c.out[1];
    for (int64_t o = 0; o < c.out_channels; ++o, gy += c.out[0] * c.out[1], gb += lanes<T>) {
        Vec<T> sums[4] = {};
        int64_t j = 0;
        for (; j + step <= size; j += step) {
#pragma GCC unroll 4
            for (int v = 0; v < 4; ++v) sums[v] += load(gy + j + v * lanes<T>);
        }
#pragma GCC unroll 4
        for (int v = 0; v < 4; ++v) sums[v] += load_n(gy + j + v * lanes<T>, size - j - v * lanes<T>);
        store(gb, load(gb) + ((sums[0] + sums[1]) + (sums[2] + sums[3])));
    }
}

// Samples [n, n + samples) from row a0 of gy, one group.
template <class T>
void add_chunk(const WeightPlan<T>& plan, int64_t n, int64_t samples, int64_t group, int64_t a0, T* scratch, T* gw, T* gb) {
    const ConvShape& c = plan.c;
    const int64_t rows = smaller(plan.strip, c.out[0] - a0), image = c.groups * c.out_channels * c.out[0] * c.out[1];
    const T* gy = plan.gy + n * image + (group * c.out_channels * c.out[0] + a0) * c.out[1];
    T* const grad = scratch + plan.samples * plan.x_size;
    Loaded<T> loaded = {scratch, plan.copied ? grad : gy, samples, plan.joined ? 1 : rows, 0};
    loaded.width = plan.joined ? plan.joined_width(rows) : plan.copied ? plan.grad_row : c.out[1];
    for (int64_t i = 0; i < samples; ++i, gy += image) {
        pack(plan.source, plan.x + ((n + i) * c.groups + group) * c.in_channels * c.in[0] * c.in[1],
             a0 * c.stride[0] - c.padding[0], rows + forward_reach(c), scratch + i * plan.x_size);
        if (plan.copied) pack_grad(plan, gy, rows, grad + i * plan.grad_size);
        if (gb) add_bias(c, gy, rows, gb + group * c.out_channels * lanes<T>);
    }
    add_tiles(plan, loaded, gw + group * c.out_channels * plan.taps);
}

// As many rows and samples as the near cache holds, but no fewer than long sums take, as far as that is possible.
template <class T>
void choose_chunk(WeightPlan<T>& plan) {
    const ConvShape& c = plan.c;
    const int64_t size = static_cast<int64_t>(sizeof(T)), reach = forward_reach(c), across = divide_up(c.out[1], lanes<T>);
    const int64_t x_row = c.in_channels * plan.source.row_size(), grad_row = c.out_channels * across * lanes<T>;
    const auto fitting = [=](int64_t bytes) { return (bytes / size - reach * x_row) / (x_row + grad_row); };
    const int64_t wanted = larger(fitting(kChunkBytes), divide_up(kLongSum, across));
    plan.strip = larger(1, smaller(c.out[0], smaller(wanted, fitting(kMostChunkBytes))));
    plan.strips = divide_up(c.out[0], plan.strip);
    set_rows<T>(plan.source, plan.strip + reach);
    plan.x_size = c.in_channels * plan.source.plane();
    plan.joined = plan.joined_width(plan.strip) < plan.strip * across * lanes<T>;
    plan.copied = plan.joined || (!kPartialLoads && c.out[1] % lanes<T> != 0);
    plan.grad_row = plan.joined ? plan.source.pitch : plan.copied ? across * lanes<T> : c.out[1];
    plan.grad_plane = plan.copied ? divide_up(plan.strip * plan.grad_row + kBehind<T>, lanes<T>) * lanes<T> : c.out[0] * c.out[1];
    plan.grad_size = plan.grad_plane * (plan.copied ? 1 : c.groups) * c.out_channels;
    const int64_t sample = size * (plan.x_size + c.out_channels * plan.grad_plane);
    const int64_t vectors = plan.joined ? plan.joined_width(plan.strip) / lanes<T> : plan.strip * across;
    const int64_t samples = smaller(larger(kChunkBytes / sample, divide_up(kLongSum, vectors)), kMostChunkBytes / sample);
    plan.samples = plan.strips > 1 ? 1 : larger(1, smaller(c.batch, samples));
}

template <class T>
ConvStatus weight(const ConvShape& c, const T* x, const T* gy, T* gw, T* gb) {
    const int64_t taps = c.in_channels * c.kernel[0] * c.kernel[1];
    WeightPlan<T> plan = {c, forward_source<T>(c), taps, false, false, 0, 0, 0, 0, 0, 0, 0, nullptr, x, gy};
    choose_chunk(plan);
    if (plan.x_size > kMaxOffset) return ConvStatus::not_taken;
    const int64_t count = c.groups * c.out_channels * taps, biases = gb ? c.groups * c.out_channels : 0;
    // Items are (strip, sample), the samples of a strip next to each other.
    const int64_t items = plan.strips * c.batch;
    const int64_t parts = smaller(parts_for(multiplications(c), kGrain), items);
    const int64_t size = plan.scratch_size(), own_sums = count + biases * lanes<T>;
    Scratch<T> scratch(static_cast<size_t>(parts * size)), sums(static_cast<size_t>(parts * own_sums));
    Scratch<int32_t> offsets(static_cast<size_t>(taps));
    if (!scratch.get() || !sums.get() || !offsets.get()) return ConvStatus::no_memory;
    int32_t* offset = offsets.get();
    for (int64_t i = 0; i < c.in_channels; ++i)
        for (int64_t ky = 0; ky < c.kernel[0]; ++ky)
            for (int64_t kx = 0; kx < c.kernel[1]; ++kx)
                *offset++ = static_cast<int32_t>(tap_offset(c, plan.source, i, ky, kx));
    plan.offsets = offsets.get();
    T* const all_sums = sums.get();
    T* const all_scratch = scratch.get();
    parallel_parts(static_cast<int>(parts), [&](int part, int total) {
        T* own = all_sums + part * own_sums;
        clear(own, own_sums);
        const int64_t end = items * (part + 1) / total;
        for (int64_t i = items * part / total; i < end;) {
            const int64_t strip = i / c.batch, n = i % c.batch;
            const int64_t samples = smaller(plan.samples, smaller(end - i, c.batch - n));
            for (int64_t g = 0; g < c.groups; ++g)
                add_chunk(plan, n, samples, g, strip * plan.strip, all_scratch + part * size, own, gb ? own + count : nullptr);
            i += samples;
        }
    });
    bool nan = false;
    for (int64_t i = 0; i < count; ++i) {
        T total = all_sums[i];
        for (int64_t part = 1; part < parts; ++part) total += all_sums[part * own_sums + i];
        gw[i] = total;
        nan |= total != total;
    }
    for (int64_t o = 0; o < biases; ++o) {
        Vec<T> total{};
        for (int64_t part = 0; part < parts; ++part) total += load(all_sums + part * own_sums + count + o * lanes<T>);
        gb[o] = sum<T>(total);
        nan |= gb[o] != gb[o];
    }
    return nan ? ConvStatus::not_taken : ConvStatus::ok;
}

}  // namespace

const ConvKernels<float> conv_f32 = {forward<float>, input<float>, weight<float>};
const ConvKernels<double> conv_f64 = {forward<double>, input<double>, weight<double>};

}  // namespace rl::RL_ISA
