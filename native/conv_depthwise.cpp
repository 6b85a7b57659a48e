// Depthwise convolution, stride 1, outputs as wide as inputs: a vector of outputs, counted through the rows of a channel, reads a
// vector of inputs at a fixed distance for each tap, but for the lanes where the window hangs over the edge. Those masks and
// distances are the same for all channels and images; nothing is copied.
#include "conv_paths.h"

#include "conv_patches.h"
#include "core/allocator.h"
#include "core/thread_pool.h"

namespace rl::RL_ISA {
namespace {

constexpr int64_t kGrain = 1 << 14;     // multiplications for which a second thread pays
constexpr int64_t kMostReads = 1 << 14;  // of a channel, so that their table stays in the second-level cache
constexpr int kCommonTaps = 9;          // 3 x 3, whose weights stay in registers

RL_INLINE int64_t divide_up(int64_t a, int64_t b) { return (a + b - 1) / b; }
RL_INLINE int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

// Where a tap of a vector of outputs reads in a channel, and which lanes.
struct Read {
    int32_t at;
    uint32_t inside;
};

// A channel of every image: reads [vector][tap] for `vectors` vectors of `size` outputs.
struct Table {
    const Read* reads;
    int64_t taps, vectors, size, in_size;
};

RL_INLINE bool takes(const ConvShape& c) {
    return c.in_channels == 1 && c.out_channels == 1 && c.stride[0] == 1 && c.stride[1] == 1 && c.in[1] == c.out[1] &&
           c.kernel[0] * c.kernel[1] <= kMostReads && c.in[0] < (1 << 14) && c.out[0] < (1 << 14) && c.in[1] < (1 << 14) &&
           c.padding[0] < (1 << 14) && c.padding[1] < (1 << 14);
}

// sign 1: outputs read inputs; -1: inputs read outputs, in the input gradient.
template <class T>
void fill_reads(const ConvShape& c, int sign, Read* reads) {
    const int64_t from_rows = sign > 0 ? c.in[0] : c.out[0], rows = sign > 0 ? c.out[0] : c.in[0], size = rows * c.in[1];
    const Images from = {static_cast<int32_t>(from_rows), static_cast<int32_t>(c.in[1]), 0, 1, 1};
    const Grid grid = {rows, c.in[1], 0, 1, 0, 1};
    Walk walk(grid, 0);
    Spots<T> spots;
    Piece<T> piece;
    for (int64_t i = 0; i < size; i += lanes<T>) {
        find_spots(grid, from, c.in[1], 0, walk, smaller(lanes<T>, size - i), spots);
        for (int64_t ky = 0; ky < c.kernel[0]; ++ky) {
            for (int64_t kx = 0; kx < c.kernel[1]; ++kx) {
                const int64_t y = ky * c.dilation[0] - c.padding[0], x = kx * c.dilation[1] - c.padding[1];
                find_piece(from, spots, {static_cast<int32_t>(sign * y), static_cast<int32_t>(sign * x)}, piece);
                *reads++ = {piece.inside ? piece.first : 0, piece.inside};
            }
        }
    }
}

template <class T>
RL_INLINE Vec<T> load_first(const T* p, int64_t count) {
    return count >= lanes<T> ? load(p) : load_part(p, count);
}

// TAPS: their number, or 0 for any.
template <class T, int TAPS>
void correlate_plane(const Table& table, const T* x, const T* w, T start, bool relu, T* y) {
    constexpr int kept = TAPS ? TAPS : 1;
    Vec<T> weights[kept];
    for (int t = 0; t < kept; ++t) weights[t] = splat(w[t]);
    const Read* read = table.reads;
    for (int64_t i = 0; i < table.size; i += lanes<T>) {
        Vec<T> sum = splat(start);
        if constexpr (TAPS != 0) {
#pragma GCC unroll 9
            for (int t = 0; t < TAPS; ++t) sum = fmadd<T>(weights[t], LanesOf<T>(read[t].inside).load(x + read[t].at), sum);
        } else {
            for (int64_t t = 0; t < table.taps; ++t) sum = fmadd<T>(splat(w[t]), LanesOf<T>(read[t].inside).load(x + read[t].at), sum);
        }
        read += table.taps;
        if (relu) sum = max<T>(Vec<T>{}, sum);
        if (table.size - i >= lanes<T>) store(y + i, sum);
        else store_part(y + i, sum, table.size - i);
    }
}

template <class T>
ConvStatus correlate(const ConvShape& c, int sign, const T* x, const T* w, const T* bias, bool relu, T* y) {
    if (!takes(c)) return ConvStatus::not_taken;
    const int64_t taps = c.kernel[0] * c.kernel[1], rows = sign > 0 ? c.out[0] : c.in[0], size = rows * c.in[1];
    const int64_t vectors = divide_up(size, lanes<T>), in_size = (sign > 0 ? c.in[0] : c.out[0]) * c.in[1];
    if (vectors * taps > kMostReads) return ConvStatus::not_taken;
    Scratch<Read> reads(static_cast<size_t>(vectors * taps));
    if (!reads.get()) return ConvStatus::no_memory;
    fill_reads<T>(c, sign, reads.get());
    const Table table = {reads.get(), taps, vectors, size, in_size};
    const auto run = taps == kCommonTaps ? correlate_plane<T, kCommonTaps> : correlate_plane<T, 0>;
    parallel_for(c.batch * c.groups, kGrain / (size * taps) + 1, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) {
            const int64_t channel = i % c.groups;
            run(table, x + i * in_size, w + channel * taps, bias ? bias[channel] : T(0), relu, y + i * size);
        }
    });
    return ConvStatus::ok;
}

template <class T>
ConvStatus forward(const ConvShape& c, const T* x, const T* w, const T* bias, bool relu, T* y) {
    return correlate(c, 1, x, w, bias, relu, y);
}

template <class T>
ConvStatus input(const ConvShape& c, const T* gy, const T* w, const T* bias, T* gx) {
    return correlate(c, -1, gy, w, bias, false, gx);
}

// The weight gradient of one channel: taps [first, first + COUNT) summed over all images in registers.
template <class T, int COUNT>
void sum_taps(const ConvShape& c, const Table& table, int64_t first, const T* x, const T* gy, T* gw) {
    Vec<T> sums[COUNT] = {};
    for (int64_t n = 0; n < c.batch; ++n) {
        const T* const image = x + n * c.groups * table.in_size;
        const T* const grad = gy + n * c.groups * table.size;
        const Read* read = table.reads + first;
        for (int64_t i = 0; i < table.size; i += lanes<T>, read += table.taps) {
            const Vec<T> g = load_first(grad + i, table.size - i);
#pragma GCC unroll 9
            for (int t = 0; t < COUNT; ++t) sums[t] = fmadd<T>(g, LanesOf<T>(read[t].inside).load(image + read[t].at), sums[t]);
        }
    }
    for (int t = 0; t < COUNT; ++t) gw[t] = sum<T>(sums[t]);
}

template <class T>
T sum_channel(const ConvShape& c, int64_t size, const T* gy) {
    Vec<T> total{};
    for (int64_t n = 0; n < c.batch; ++n)
        for (int64_t i = 0; i < size; i += lanes<T>) total += load_first(gy + n * c.groups * size + i, size - i);
    return sum<T>(total);
}

template <class T>
ConvStatus weight(const ConvShape& c, const T* x, const T* gy, T* gw, T* gb) {
    if (!takes(c)) return ConvStatus::not_taken;
    const int64_t taps = c.kernel[0] * c.kernel[1], size = c.out[0] * c.out[1], vectors = divide_up(size, lanes<T>);
    if (vectors * taps > kMostReads) return ConvStatus::not_taken;
    Scratch<Read> reads(static_cast<size_t>(vectors * taps));
    if (!reads.get()) return ConvStatus::no_memory;
    fill_reads<T>(c, 1, reads.get());
    const Table table = {reads.get(), taps, vectors, size, c.in[0] * c.in[1]};
    parallel_for(c.groups, kGrain / (c.batch * size * taps) + 1, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) {
            const T* const image = x + i * table.in_size;
            const T* const grad = gy + i * size;
            int64_t t = 0;
            for (; t + kCommonTaps <= taps; t += kCommonTaps) sum_taps<T, kCommonTaps>(c, table, t, image, grad, gw + i * taps + t);
            for (; t < taps; ++t) sum_taps<T, 1>(c, table, t, image, grad, gw + i * taps + t);
            if (gb) gb[i] = sum_channel(c, size, grad);
        }
    });
    // Numbers were multiplied by zeros that the definition leaves out.
    bool nan = false;
    for (int64_t i = 0; i < c.groups * taps; ++i) nan |= gw[i] != gw[i];
    return nan ? ConvStatus::not_taken : ConvStatus::ok;
}

template <class T>
bool prefers(const ConvShape& c, ConvOp) {
    return kVectorBytes > 16 && takes(c);
}

}  // namespace

const ConvPath<float> conv_depthwise_f32 = {{forward<float>, input<float>, weight<float>}, prefers<float>};
const ConvPath<double> conv_depthwise_f64 = {{forward<double>, input<double>, weight<double>}, prefers<double>};

}  // namespace rl::RL_ISA
