// The weight gradient of direct convolution: a tile of output channels x taps is summed over all vectors of outputs of a few samples
// (or a strip of one) in registers, then across the lanes: few enough samples to stay in the caches, x in scratch as for the forward
// pass (conv_source.h). Each part has sums of its own; they are added at the end, in order.
//
// gy is read where it lies, row by row. Or it lies in scratch, too: with zeros after each row, where partial loads are slow, and with
// its rows as far apart as x's where that makes one row of all of them and so fewer vectors (narrow images).
#pragma once

#include "conv_correlate.h"
#include "core/tile.h"

namespace rl::RL_ISA {
namespace {

#if defined(__AVX512F__)
constexpr int kGradChannels = 4;  // the register tile: channels, and taps for so many of them
constexpr int grad_taps(int64_t channels) { return channels == 4 ? 6 : 9; }
#else
constexpr int kGradChannels = 3;
constexpr int grad_taps(int64_t channels) { return channels == 3 ? 4 : 6; }
#endif
#if defined(__AVX2__)
constexpr bool kPartialLoads = true;  // as quick as whole ones
#else
constexpr bool kPartialLoads = false;
#endif
constexpr int64_t kChunkBytes = 128 << 10, kMostChunkBytes = 2048 << 10;  // of x and gy
constexpr int64_t kLongSum = 96;    // vectors of outputs, beside which sums across the lanes weigh little

template <class T>
struct WeightPlan {
    ConvShape c;
    Source source;
    int64_t taps;
    bool joined, copied;             // gy's rows
    int64_t grad_row, grad_plane, grad_size;  // from a row of gy to the next, from a channel, from a sample
    int64_t strip, strips, samples;  // rows of gy, and samples, that are summed together
    int64_t x_size;                  // from a sample of x to the next
    const int32_t* offsets;
    const T* x;
    const T* gy;
    int64_t joined_width(int64_t rows) const {
        return divide_up((rows - 1) * source.pitch + c.out[1], lanes<T>) * lanes<T>;
    }
    int64_t x_scratch() const { return source.in_place ? source.size() : samples * x_size; }
    int64_t scratch_size() const { return x_scratch() + (copied ? samples * grad_size : 0); }
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
    const RowPacker<T> packer(c.out[1], 0, plan.grad_row);
    for (int64_t o = 0; o < c.out_channels; ++o, gy += c.out[0] * c.out[1], to += plan.grad_plane) {
        packer.pack(gy, c.out[1], rows, to);
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

// Samples [n, n + samples) from row a0 of gy, one group. Where x is read in place, but for the last image, that comes by itself.
template <class T>
void add_chunk(const WeightPlan<T>& plan, int64_t n, int64_t samples, int64_t group, int64_t a0, T* scratch, bool fresh, T* gw, T* gb) {
    const ConvShape& c = plan.c;
    const int64_t rows = smaller(plan.strip, c.out[0] - a0), image = c.groups * c.out_channels * c.out[0] * c.out[1];
    const int64_t source_size = c.in_channels * c.in[0] * c.in[1];
    const auto x_of = [&](int64_t sample) { return plan.x + (sample * c.groups + group) * source_size; };
    const T* const x_end = plan.x + c.batch * c.groups * source_size;
    if (samples > 1 && plan.source.in_place && x_end - x_of(n + samples - 1) < source_size + lanes<T>) {
        add_chunk(plan, n, samples - 1, group, a0, scratch, fresh, gw, gb);
        return add_chunk(plan, n + samples - 1, 1, group, a0, scratch, fresh, gw, gb);
    }
    const T* gy = plan.gy + n * image + (group * c.out_channels * c.out[0] + a0) * c.out[1];
    T* const grad = scratch + plan.x_scratch();
    Loaded<T> loaded = {nullptr, plan.copied ? grad : gy, samples, plan.joined ? 1 : rows, 0};
    loaded.width = plan.joined ? plan.joined_width(rows) : plan.copied ? plan.grad_row : c.out[1];
    for (int64_t i = 0; i < samples; ++i, gy += image) {
        const T* const x = located(plan.source, x_of(n + i), x_end, a0 * c.stride[0] - c.padding[0], rows + forward_reach(c),
                                   plan.source.in_place ? scratch : scratch + i * plan.x_size, fresh);
        if (i == 0) loaded.x = x;
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
    plan.x_size = c.in_channels * plan.source.plane() * (plan.source.in_place ? c.groups : 1);
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

// A plan with what it points to, and the sums of its parts.
template <class T>
class WeightGradient {
public:
    ConvStatus status = ConvStatus::ok;
    WeightPlan<T> plan;

    // gw (and gb) from x and gy, in so many parts at most. Items are (strip, sample), the samples of a strip next to each other.
    WeightGradient(const ConvShape& c, const T* x, const T* gy, T* gw, T* gb, int64_t parts)
        : plan{c, forward_source<T>(c), c.in_channels * c.kernel[0] * c.kernel[1], false, false, 0, 0, 0, 0, 0, 0, 0, nullptr, x, gy},
          gw_(gw), gb_(gb), parts_(chosen(parts)), sums_(static_cast<size_t>(parts_ * own_sums())), offsets_(static_cast<size_t>(plan.taps)) {
        if (plan.x_size > kMaxOffset) {
            status = ConvStatus::not_taken;
            return;
        }
        if (!sums_.get() || !offsets_.get()) {
            status = ConvStatus::no_memory;
            return;
        }
        int32_t* offset = offsets_.get();
        for (int64_t i = 0; i < c.in_channels; ++i)
            for (int64_t ky = 0; ky < c.kernel[0]; ++ky)
                for (int64_t kx = 0; kx < c.kernel[1]; ++kx)
                    *offset++ = static_cast<int32_t>(plan.source.offset(i, ky * c.dilation[0], kx * c.dilation[1]));
        plan.offsets = offsets_.get();
    }

    int64_t parts() const { return parts_; }

    void run(int64_t part, T* scratch) const {
        const ConvShape& c = plan.c;
        T* const own = sums_.get() + part * own_sums();
        clear(own, own_sums());
        const int64_t end = items() * (part + 1) / parts_;
        bool fresh = true;
        for (int64_t i = items() * part / parts_; i < end;) {
            const int64_t strip = i / c.batch, n = i % c.batch, left = smaller(end - i, c.batch - n);
            const int64_t samples = even_block(left, plan.samples);
            for (int64_t g = 0; g < c.groups; ++g)
                add_chunk(plan, n, samples, g, strip * plan.strip, scratch, fresh && g == 0, own, gb_ ? own + weights() : nullptr);
            i += samples, fresh = plan.strips > 1;
        }
    }

    // Adds up the parts.
    ConvStatus finish() const {
        bool nan = false;
        T* const total = sums_.get();
        for (int64_t part = 1; part < parts_; ++part) {
            const T* const own = total + part * own_sums();
            int64_t i = 0;
            for (; i + lanes<T> <= own_sums(); i += lanes<T>) store(total + i, load(total + i) + load(own + i));
            for (; i < own_sums(); ++i) total[i] += own[i];
        }
        for (int64_t i = 0; i < weights(); ++i) {
            gw_[i] = total[i];
            nan |= total[i] != total[i];
        }
        for (int64_t o = 0; o < biases(); ++o) {
            gb_[o] = sum<T>(load(total + weights() + o * lanes<T>));
            nan |= gb_[o] != gb_[o];
        }
        return nan ? ConvStatus::not_taken : ConvStatus::ok;
    }

private:
    int64_t weights() const { return plan.c.groups * plan.c.out_channels * plan.taps; }
    int64_t biases() const { return gb_ ? plan.c.groups * plan.c.out_channels : 0; }
    int64_t own_sums() const { return weights() + biases() * lanes<T>; }
    int64_t items() const { return plan.strips * plan.c.batch; }

    int64_t chosen(int64_t parts) {
        choose_chunk(plan);
        return smaller(parts, items());
    }

    T* gw_;
    T* gb_;
    int64_t parts_;
    Scratch<T> sums_;
    Scratch<int32_t> offsets_;
};

}  // namespace
}  // namespace rl::RL_ISA
