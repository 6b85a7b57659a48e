// Depthwise convolution of rows (conv_depthwise_channels.h has that of small images), outputs as wide as inputs over the stride: a vector of outputs, counted through the rows of a channel, reads
// a vector of inputs at a fixed distance for each tap, but for the lanes where the window hangs over the edge. Those masks and
// distances are the same for all channels and images. With stride 1 nothing is copied. With another, a channel is first split into
// phases, the elements of one residue of row and column each, in which the taps again read whole vectors; the input gradient is
// computed phase by phase and put together.
#include "conv_paths.h"

#include "conv_depthwise_channels.h"
#include "conv_patches.h"
#include "core/allocator.h"
#include "core/thread_pool.h"
#include "core/vec_strided.h"

namespace rl::RL_ISA {
namespace {

constexpr int64_t kGrain = 1 << 14;     // multiplications for which a second thread pays
constexpr int64_t kMostReads = 1 << 14;  // of a channel, so that their table stays in the second-level cache
constexpr int64_t kSums = 576;          // weights whose gradients are summed side by side, so that neighbouring planes are read in turn
constexpr int kSide = 4;                // vectors of outputs that are summed side by side
constexpr int kCommonTaps = 9;          // 3 x 3, whose weights stay in registers

// Where a tap of a vector of outputs reads in a channel (or its phases), and which lanes.
struct Read {
    int32_t at;
    uint32_t inside;
};

// reads [vector][tap] for `size` outputs.
struct Table {
    const Read* reads;
    int64_t taps, size;
};

// A tap: where it reads from the place of an output, in which phase.
struct PhaseTap {
    Tap tap;
    int64_t phase;
};

RL_INLINE int64_t phases_of(const ConvShape& c) { return c.stride[0] * c.stride[1]; }
// Rows of a phase of x; its columns are as many as the output's.
RL_INLINE int64_t phase_rows(const ConvShape& c) { return divide_up(c.in[0], c.stride[0]); }
RL_INLINE int64_t phase_size(const ConvShape& c) { return phase_rows(c) * c.out[1]; }

RL_INLINE bool takes(const ConvShape& c) {
    return c.in_channels == 1 && c.out_channels == 1 && phases_of(c) <= 16 && divide_up(c.in[1], c.stride[1]) == c.out[1] &&
           c.kernel[0] * c.kernel[1] <= kMostReads && c.in[0] < (1 << 14) && c.out[0] < (1 << 14) && c.in[1] < (1 << 14) &&
           c.padding[0] < (1 << 14) && c.padding[1] < (1 << 14);
}

// Of so many vectors of outputs and taps, a table is small enough.
template <class T>
RL_INLINE bool fits(const ConvShape& c) {
    const int64_t rows = c.out[0] > phase_rows(c) ? c.out[0] : phase_rows(c);
    return divide_up(rows * c.out[1], lanes<T>) * c.kernel[0] * c.kernel[1] <= kMostReads;
}

RL_INLINE int64_t quotient(int64_t a, int64_t b) { return a >= 0 ? a / b : -divide_up(-a, b); }

// Where tap (ky, kx) of the forward pass reads.
RL_INLINE PhaseTap forward_tap(const ConvShape& c, int64_t ky, int64_t kx) {
    const int64_t y = ky * c.dilation[0] - c.padding[0], x = kx * c.dilation[1] - c.padding[1];
    const int64_t row = quotient(y, c.stride[0]), column = quotient(x, c.stride[1]);
    return {{static_cast<int32_t>(row), static_cast<int32_t>(column)},
            (y - row * c.stride[0]) * c.stride[1] + x - column * c.stride[1]};
}

// The reads of one list of taps: `rows` x out[1] outputs from planes of `from_rows` rows.
template <class T, class TapOf>
void fill_reads(const ConvShape& c, int64_t rows, int64_t from_rows, int64_t taps, TapOf tap_of, Read* reads) {
    const int64_t width = c.out[1], size = rows * width;
    const Images from = {static_cast<int32_t>(from_rows), static_cast<int32_t>(width), 0, 1, 1};
    const Grid grid = {rows, width, 0, 1, 0, 1};
    Walk walk(grid, 0);
    Spots<T> spots;
    Piece<T> piece;
    for (int64_t i = 0; i < size; i += lanes<T>) {
        find_spots(grid, from, width, 0, 0, walk, smaller(lanes<T>, size - i), spots);
        for (int64_t t = 0; t < taps; ++t) {
            const PhaseTap tap = tap_of(t);
            find_piece(from, spots, tap.tap, piece);
            *reads++ = {piece.inside ? static_cast<int32_t>(piece.first + tap.phase * from_rows * width) : 0, piece.inside};
        }
    }
}

template <class T>
void fill_forward(const ConvShape& c, Read* reads) {
    fill_reads<T>(c, c.out[0], phase_rows(c), c.kernel[0] * c.kernel[1],
                  [&](int64_t t) { return forward_tap(c, t / c.kernel[1], t % c.kernel[1]); }, reads);
}

// A channel of x into its phases, `width` columns each; zeros where a phase has fewer.
template <class T>
void split_plane(const ConvShape& c, const T* x, T* to) {
    const int64_t rows = phase_rows(c), width = c.out[1], step = c.stride[1];
    for (int64_t r = 0; r < rows * c.stride[0]; ++r) {
        T* out = to + r % c.stride[0] * step * rows * width + r / c.stride[0] * width;
        const T* const from = x + r * c.in[1];
        const int64_t columns = r < c.in[0] ? c.in[1] : 0;
        if (step == 2) {
            for (int64_t j = 0; j < width; j += lanes<T>) {
                const Vec<T> a = load_n(from + 2 * j, columns - 2 * j), b = load_n(from + 2 * j + lanes<T>, columns - 2 * j - lanes<T>);
                store_n(out + j, every_nth<T, 2, 0>({a, b}), width - j);
                store_n(out + rows * width + j, every_nth<T, 2, 1>({a, b}), width - j);
            }
            continue;
        }
        for (int64_t p = 0; p < step; ++p, out += rows * width)
            for (int64_t k = 0; k < width; ++k) out[k] = k * step + p < columns ? from[k * step + p] : T(0);
    }
}

// The reverse.
template <class T>
void join_plane(const ConvShape& c, const T* from, T* x) {
    const int64_t rows = phase_rows(c), width = c.out[1], step = c.stride[1];
    for (int64_t r = 0; r < c.in[0]; ++r) {
        const T* const phases = from + r % c.stride[0] * step * rows * width + r / c.stride[0] * width;
        T* const to = x + r * c.in[1];
        if (step == 2) {
            for (int64_t j = 0; j < width; j += lanes<T>) {
                const Vec<T> a = load_n(phases + j, width - j), b = load_n(phases + rows * width + j, width - j);
                store_n(to + 2 * j, interleaved<T, 2, 0>({a, b}), c.in[1] - 2 * j);
                store_n(to + 2 * j + lanes<T>, interleaved<T, 2, 1>({a, b}), c.in[1] - 2 * j - lanes<T>);
            }
            continue;
        }
        for (int64_t p = 0; p < step; ++p)
            for (int64_t k = 0; k * step + p < c.in[1]; ++k) to[k * step + p] = phases[p * rows * width + k];
    }
}

// Sums of VECTORS vectors of outputs, side by side: one alone would wait for each of its additions. TAPS: their number, or 0 for any.
template <class T, int TAPS, int VECTORS>
RL_INLINE void correlate_vectors(const Read* read, int64_t taps, const T* x, const T* w, Vec<T> (&sum)[VECTORS]) {
    constexpr int kept = TAPS ? TAPS : 1;
    Vec<T> weights[kept];
    for (int t = 0; TAPS && t < kept; ++t) weights[t] = splat(w[t]);
    const auto add = [&](int64_t t, Vec<T> weight) __attribute__((always_inline)) {
#pragma GCC unroll 4
        for (int v = 0; v < VECTORS; ++v) {
            const Read r = read[v * taps + t];
            sum[v] = fmadd<T>(weight, LanesOf<T>(r.inside).load(x + r.at), sum[v]);
        }
    };
    if constexpr (TAPS != 0) {
#pragma GCC unroll 9
        for (int t = 0; t < TAPS; ++t) add(t, weights[t]);
    } else {
        for (int64_t t = 0; t < taps; ++t) add(t, splat(w[t]));
    }
}

template <class T, int TAPS>
void correlate_plane(const Table& table, const T* x, const T* w, T start, bool relu, T* y) {
    const int64_t taps = TAPS ? TAPS : table.taps;
    const Read* read = table.reads;
    const auto run = [&]<int VECTORS>(int64_t i) __attribute__((always_inline)) {
        Vec<T> sum[VECTORS];
        for (int v = 0; v < VECTORS; ++v) sum[v] = splat(start);
        correlate_vectors<T, TAPS>(read, taps, x, w, sum);
        read += VECTORS * taps;
        for (int v = 0; v < VECTORS; ++v) {
            if (relu) sum[v] = max<T>(Vec<T>{}, sum[v]);
            store_n(y + i + v * lanes<T>, sum[v], table.size - i - v * lanes<T>);
        }
    };
    int64_t i = 0;
    for (; i + (kSide - 1) * lanes<T> < table.size; i += kSide * lanes<T>) run.template operator()<kSide>(i);
    for (; i < table.size; i += lanes<T>) run.template operator()<1>(i);
}

template <class T>
auto plane_function(int64_t taps) {
    switch (taps) {  // 1, 2 and 4 are the phases' of a 3 x 3 window with stride 2
        case 1: return correlate_plane<T, 1>;
        case 2: return correlate_plane<T, 2>;
        case 4: return correlate_plane<T, 4>;
        case kCommonTaps: return correlate_plane<T, kCommonTaps>;
        default: return correlate_plane<T, 0>;
    }
}

// A correlation with stride and dilation 1 that keeps the width. kSide vectors of outputs, `step` rows apart (those that fit into a
// vector, or one), are summed together: what a row and a column of the window read for one of them is what another row reads for the
// next, so most of what is loaded serves all of them. Vectors begin where the first of their rows does and may reach into the next.
struct Stencil {
    int64_t rows, from_rows, width, height_of_window, width_of_window, above, before;  // the source above and before an output
    int64_t step, columns, tiles, reach;  // vectors of a row, groups of kSide * step rows, rows that such a group reads
    int64_t reads() const { return tiles * columns * reach * width_of_window; }
    int64_t taps() const { return height_of_window * width_of_window; }
};

template <class T>
Stencil stencil_of(const ConvShape& c, bool backward) {
    const int64_t step = larger(1, lanes<T> / c.out[1]), rows = backward ? c.in[0] : c.out[0];
    return {rows, backward ? c.out[0] : c.in[0], c.out[1], c.kernel[0], c.kernel[1],
            backward ? c.kernel[0] - 1 - c.padding[0] : c.padding[0], backward ? c.kernel[1] - 1 - c.padding[1] : c.padding[1],
            step, divide_up(step * c.out[1], lanes<T>), divide_up(rows, kSide * step), (kSide - 1) * step + c.kernel[0]};
}

// Whether rows share what they read.
template <class T>
RL_INLINE bool shares_reads(const ConvShape& c) {
    return phases_of(c) == 1 && c.dilation[0] == 1 && c.dilation[1] == 1 && c.kernel[0] > lanes<T> / c.out[1];
}

template <class T>
void fill_stencil(const Stencil& s, Read* reads) {
    for (int64_t tile = 0; tile < s.tiles; ++tile)
        for (int64_t column = 0; column < s.columns; ++column)
            for (int64_t r = 0; r < s.reach; ++r)
                for (int64_t k = 0; k < s.width_of_window; ++k) {
                    const int64_t row = tile * kSide * s.step + r - s.above, first = column * lanes<T>;
                    uint32_t inside = 0;
                    int64_t y = row + first / s.width, x = first % s.width + k - s.before;
                    for (int l = 0; l < lanes<T>; ++l) {
                        inside |= static_cast<uint32_t>(0 <= y && y < s.from_rows && 0 <= x && x < s.width) << l;
                        if (++x == s.width + k - s.before) x = k - s.before, ++y;
                    }
                    *reads++ = {inside ? static_cast<int32_t>(row * s.width + first + k - s.before) : 0, inside};
                }
}

// Planes that go through a stencil together, so that additions to one needn't wait for each other: of one channel in two images, where
// each weight is loaded once for both, or of two channels.
template <class T, int PLANES, int CHANNELS>
struct PlaneSet {
    const T *x[PLANES], *w[CHANNELS];
    T start[CHANNELS], *y[PLANES];
};

// What row r of the source gives to vectors [low, high) of each plane.
template <class T, int PLANES, int CHANNELS, int LOW, int HIGH>
RL_INLINE void add_source_row(const Stencil& s, const Read* read, const PlaneSet<T, PLANES, CHANNELS>& p, int64_t r, int64_t low,
                              int64_t high, Vec<T> (&sum)[PLANES][kSide]) {
    if (low == LOW && high == HIGH) {
        const int64_t next = s.step * s.width_of_window, row = r * s.width_of_window;
        for (int64_t k = 0; k < s.width_of_window; ++k) {
            const LanesOf<T> lanes_inside(read[k].inside);
            Vec<T> v[PLANES];
#pragma GCC unroll 2
            for (int q = 0; q < PLANES; ++q) v[q] = lanes_inside.load(p.x[q] + read[k].at);
#pragma GCC unroll 4
            for (int t = LOW; t < HIGH; ++t) {
                Vec<T> weight[CHANNELS];
#pragma GCC unroll 2
                for (int c = 0; c < CHANNELS; ++c) weight[c] = splat(p.w[c][row + k - t * next]);
#pragma GCC unroll 2
                for (int q = 0; q < PLANES; ++q) sum[q][t] = fmadd<T>(weight[q % CHANNELS], v[q], sum[q][t]);
            }
        }
    } else if constexpr (HIGH - LOW > 1) {
        if (high < HIGH) add_source_row<T, PLANES, CHANNELS, LOW, HIGH - 1>(s, read, p, r, low, high, sum);
        else add_source_row<T, PLANES, CHANNELS, LOW + 1, HIGH>(s, read, p, r, low, high, sum);
    }
}

template <class T, int PLANES, int CHANNELS>
void correlate_stencil(const Stencil& s, const Read* read, const PlaneSet<T, PLANES, CHANNELS>& p, bool relu) {
    const int64_t size = s.rows * s.width;
    for (int64_t tile = 0; tile < s.tiles; ++tile) {
        for (int64_t column = 0; column < s.columns; ++column) {
            Vec<T> sum[PLANES][kSide];
            for (int q = 0; q < PLANES; ++q)
                for (int t = 0; t < kSide; ++t) sum[q][t] = splat(p.start[q % CHANNELS]);
            for (int64_t r = 0; r < s.reach; ++r, read += s.width_of_window) {
                const int64_t above = r - s.height_of_window + 1;
                const int64_t low = above > 0 ? divide_up(above, s.step) : 0, high = smaller(kSide, r / s.step + 1);
                add_source_row<T, PLANES, CHANNELS, 0, kSide>(s, read, p, r, low, high, sum);
            }
            for (int q = 0; q < PLANES; ++q)
                for (int t = 0; t < kSide; ++t) {
                    const int64_t at = (tile * kSide + t) * s.step * s.width + column * lanes<T>;
                    store_n(p.y[q] + at, relu ? max<T>(Vec<T>{}, sum[q][t]) : sum[q][t], size - at);
                }
        }
    }
}

// body(first, last, scratch) for shares of `n` planes, each with `size` elements of scratch.
template <class T, class Body>
ConvStatus share_planes(int64_t n, int64_t work, int64_t size, Body body) {
    const int64_t parts = smaller(parts_for(work, kGrain), n);
    Scratch<T> scratch(static_cast<size_t>(parts * size + 1));
    if (!scratch.get()) return ConvStatus::no_memory;
    T* const base = scratch.get();
    parallel_parts(static_cast<int>(parts), [&](int part, int total) {
        body(n * part / total, n * (part + 1) / total, base + part * size);
    });
    return ConvStatus::ok;
}

RL_INLINE int64_t work_of(const ConvShape& c) {
    return c.batch * c.groups * (c.out[0] * c.out[1] * c.kernel[0] * c.kernel[1] + c.in[0] * c.in[1]);
}

// All planes by a stencil, the windows turned round for the `backward` one.
template <class T>
ConvStatus stencilled(const ConvShape& c, const Stencil& s, const T* x, const T* w, const T* bias, bool relu, bool backward, T* y) {
    Scratch<Read> reads(static_cast<size_t>(s.reads()));
    if (!reads.get()) return ConvStatus::no_memory;
    fill_stencil<T>(s, reads.get());
    const Read* const table = reads.get();
    const int64_t taps = s.taps(), from = s.from_rows * s.width, size = s.rows * s.width;
    // Units are channels of two images, and of an odd one that is left two channels where there are.
    const int64_t doubles = c.batch / 2 * c.groups, units = doubles + (c.batch % 2 ? divide_up(c.groups, 2) : 0);
    return share_planes<T>(units, work_of(c), backward ? 2 * taps : 0, [&](int64_t begin, int64_t end, T* turned) {
        const auto run = [&]<int PLANES, int CHANNELS>(int64_t first, int64_t apart) {
            PlaneSet<T, PLANES, CHANNELS> p;
            for (int q = 0; q < PLANES; ++q) p.x[q] = x + (first + q * apart) * from, p.y[q] = y + (first + q * apart) * size;
            for (int q = 0; q < CHANNELS; ++q) {
                const int64_t channel = first % c.groups + q;
                const T* const weights = w + channel * taps;
                for (int64_t t = 0; backward && t < taps; ++t) turned[q * taps + t] = weights[taps - 1 - t];
                p.w[q] = backward ? turned + q * taps : weights;
                p.start[q] = bias ? bias[channel] : T(0);
            }
            correlate_stencil(s, table, p, relu);
        };
        for (int64_t i = begin; i < end; ++i) {
            const int64_t channel = (i - doubles) * 2;
            if (i < doubles) run.template operator()<2, 1>(i / c.groups * 2 * c.groups + i % c.groups, c.groups);
            else if (channel + 1 < c.groups) run.template operator()<2, 2>((c.batch - 1) * c.groups + channel, 1);
            else run.template operator()<1, 1>((c.batch - 1) * c.groups + channel, 1);
        }
    });
}

// What a plane costs by rows, in additions of a vector, from measurements: the stencil's loads cross cache lines where a row has
// several vectors; splitting into phases goes row by row; and the kernels for everything have a cost for each row.
template <class T>
double cost_by_rows(const ConvShape& c, bool backward, int64_t meetings) {
    const int64_t taps = elements(c.kernel);
    if (takes(c) && shares_reads<T>(c)) {
        const Stencil s = stencil_of<T>(c, backward);
        const double sums = static_cast<double>(s.tiles * s.columns * kSide * taps);
        if (s.reads() <= kMostReads) return 80 + (s.columns > 1 ? 2.6 : 1.8) * sums;
    }
    if (takes(c) && fits<T>(c)) {
        const int64_t split = phases_of(c) > 1 ? 30 * c.in[0] : 0;
        return static_cast<double>(80 + split + 2 * divide_up(elements(c.out), lanes<T>) * taps);
    }
    return 3.5 * static_cast<double>(meetings) / lanes<T> + 40.0 * static_cast<double>(c.out[0]);
}

// And a lane a channel: turning costs, and what is multiplied is loaded each time, more slowly where four images aren't in the
// first-level cache.
template <class T>
bool prefers_channels(const ConvShape& c, bool backward) {
    if (c.in_channels != 1 || c.out_channels != 1) return false;
    const int64_t meetings = meetings_of(c), from = elements(backward ? c.out : c.in);
    if (meetings > kMostMeetings) return false;
    const double each = c.batch < kTogether ? 1.9 : from * kTogether * kVectorBytes > (1 << 15) ? 1.6 : 1.3;
    const double turned = each * static_cast<double>(meetings) + 13.0 * static_cast<double>(elements(c.in) + elements(c.out));
    const double used = static_cast<double>(c.groups) / static_cast<double>(divide_up(c.groups, lanes<T>));  // lanes, of a vector
    return turned / used < cost_by_rows<T>(c, backward, meetings);
}

template <class T>
ConvStatus forward(const ConvShape& c, const T* x, const T* w, const T* bias, bool relu, T* y) {
    if (prefers_channels<T>(c, false)) return by_channels(c, x, w, bias, relu, false, y);
    if (takes(c) && shares_reads<T>(c)) {
        const Stencil s = stencil_of<T>(c, false);
        if (s.reads() <= kMostReads) return stencilled(c, s, x, w, bias, relu, false, y);
    }
    if (!takes(c) || !fits<T>(c)) return ConvStatus::not_taken;
    const int64_t taps = c.kernel[0] * c.kernel[1], size = c.out[0] * c.out[1], in_size = c.in[0] * c.in[1];
    Scratch<Read> reads(static_cast<size_t>(divide_up(size, lanes<T>) * taps));
    if (!reads.get()) return ConvStatus::no_memory;
    fill_forward<T>(c, reads.get());
    const Table table = {reads.get(), taps, size};
    const auto run = plane_function<T>(taps);
    const bool split = phases_of(c) > 1;
    return share_planes<T>(c.batch * c.groups, work_of(c), split ? phases_of(c) * phase_size(c) : 0,
                           [&](int64_t begin, int64_t end, T* scratch) {
        for (int64_t i = begin; i < end; ++i) {
            const int64_t channel = i % c.groups;
            if (split) split_plane(c, x + i * in_size, scratch);
            run(table, split ? scratch : x + i * in_size, w + channel * taps, bias ? bias[channel] : T(0), relu, y + i * size);
        }
    });
}

// A phase of the input gradient: its taps, and which of the window's they are.
struct Phase {
    Table table;
    const int32_t* index;
};

template <class T>
ConvStatus input(const ConvShape& c, const T* gy, const T* w, const T* bias, T* gx) {
    if (prefers_channels<T>(c, true)) return by_channels(c, gy, w, bias, false, true, gx);
    if (takes(c) && shares_reads<T>(c)) {
        const Stencil s = stencil_of<T>(c, true);
        if (s.reads() <= kMostReads) return stencilled(c, s, gy, w, bias, false, true, gx);
    }
    if (!takes(c) || !fits<T>(c)) return ConvStatus::not_taken;
    const int64_t taps = c.kernel[0] * c.kernel[1], size = phase_size(c), vectors = divide_up(size, lanes<T>);
    const int64_t out_size = c.out[0] * c.out[1], in_size = c.in[0] * c.in[1], phases = phases_of(c);
    Scratch<Read> reads(static_cast<size_t>(vectors * taps));
    Scratch<int32_t> index(static_cast<size_t>(taps));
    Phase phase[16];
    if (!reads.get() || !index.get()) return ConvStatus::no_memory;
    Read* next = reads.get();
    int32_t* own = index.get();
    for (int64_t p = 0; p < phases; ++p) {
        int64_t count = 0;
        for (int64_t t = 0; t < taps; ++t)
            if (forward_tap(c, t / c.kernel[1], t % c.kernel[1]).phase == p) own[count++] = static_cast<int32_t>(t);
        fill_reads<T>(c, phase_rows(c), c.out[0], count, [&](int64_t t) {
            const Tap tap = forward_tap(c, own[t] / c.kernel[1], own[t] % c.kernel[1]).tap;
            return PhaseTap{{-tap.row, -tap.column}, 0};
        }, next);
        phase[p] = {{next, count, size}, own};
        next += vectors * count;
        own += count;
    }
    return share_planes<T>(c.batch * c.groups, work_of(c), phases * size + taps, [&](int64_t begin, int64_t end, T* scratch) {
        T* const weights = scratch + phases * size;
        for (int64_t i = begin; i < end; ++i) {
            const int64_t channel = i % c.groups;
            for (int64_t p = 0; p < phases; ++p) {
                const Table& table = phase[p].table;
                for (int64_t t = 0; t < table.taps; ++t) weights[t] = w[channel * taps + phase[p].index[t]];
                plane_function<T>(table.taps)(table, gy + i * out_size, weights, bias ? bias[channel] : T(0), false,
                                              phases > 1 ? scratch + p * size : gx + i * in_size);
            }
            if (phases > 1) join_plane(c, scratch, gx + i * in_size);
        }
    });
}

// Adds the weight gradient of one plane to sums[tap], a vector each, for taps [first, first + COUNT).
template <class T, int COUNT>
void sum_taps(const Table& table, int64_t first, const T* x, const T* gy, T* sums) {
    Vec<T> own[COUNT];
#pragma GCC unroll 9
    for (int t = 0; t < COUNT; ++t) own[t] = load(sums + (first + t) * lanes<T>);
    const Read* read = table.reads + first;
    for (int64_t i = 0; i < table.size; i += lanes<T>, read += table.taps) {
        const Vec<T> g = load_n(gy + i, table.size - i);
#pragma GCC unroll 9
        for (int t = 0; t < COUNT; ++t) own[t] = fmadd<T>(g, LanesOf<T>(read[t].inside).load(x + read[t].at), own[t]);
    }
#pragma GCC unroll 9
    for (int t = 0; t < COUNT; ++t) store(sums + (first + t) * lanes<T>, own[t]);
}

// The last taps, COUNT of them or fewer.
template <class T, int COUNT>
void sum_last_taps(const Table& table, int64_t first, const T* x, const T* gy, T* sums) {
    if (table.taps - first == COUNT) sum_taps<T, COUNT>(table, first, x, gy, sums);
    else if constexpr (COUNT > 1) sum_last_taps<T, COUNT - 1>(table, first, x, gy, sums);
}

template <class T>
void sum_plane(const Table& table, const T* x, const T* gy, T* sums) {
    int64_t first = 0;
    for (; first + kCommonTaps <= table.taps; first += kCommonTaps) sum_taps<T, kCommonTaps>(table, first, x, gy, sums);
    sum_last_taps<T, kCommonTaps - 1>(table, first, x, gy, sums);
}

template <class T>
T sum_channel(const ConvShape& c, int64_t size, const T* gy) {
    Vec<T> total{};
    for (int64_t n = 0; n < c.batch; ++n)
        for (int64_t i = 0; i < size; i += lanes<T>) total += load_n(gy + n * c.groups * size + i, size - i);
    return sum<T>(total);
}

template <class T>
ConvStatus weight(const ConvShape& c, const T* x, const T* gy, T* gw, T* gb) {
    if (!takes(c) || !fits<T>(c)) return ConvStatus::not_taken;
    const int64_t taps = c.kernel[0] * c.kernel[1], size = c.out[0] * c.out[1], in_size = c.in[0] * c.in[1];
    Scratch<Read> reads(static_cast<size_t>(divide_up(size, lanes<T>) * taps));
    if (!reads.get()) return ConvStatus::no_memory;
    fill_forward<T>(c, reads.get());
    const Table table = {reads.get(), taps, size};
    const int64_t phases = phases_of(c) > 1 ? phases_of(c) * phase_size(c) : 0, together = larger(1, kSums / taps);
    const ConvStatus status = share_planes<T>(c.groups, work_of(c), phases + together * taps * lanes<T>,
                                              [&](int64_t begin, int64_t end, T* scratch) {
        T* const sums = scratch + phases;
        for (int64_t first = begin; first < end; first += together) {
            const int64_t channels = smaller(together, end - first);
            for (int64_t k = 0; k < channels * taps; ++k) store(sums + k * lanes<T>, Vec<T>{});
            for (int64_t n = 0; n < c.batch; ++n) {
                for (int64_t i = 0; i < channels; ++i) {
                    const int64_t plane = n * c.groups + first + i;
                    if (phases) split_plane(c, x + plane * in_size, scratch);
                    sum_plane(table, phases ? scratch : x + plane * in_size, gy + plane * size, sums + i * taps * lanes<T>);
                }
            }
            for (int64_t k = 0; k < channels * taps; ++k) gw[first * taps + k] = sum<T>(load(sums + k * lanes<T>));
        }
        for (int64_t i = begin; gb && i < end; ++i) gb[i] = sum_channel(c, size, gy + i * size);
    });
    // Numbers were multiplied by zeros that the definition leaves out.
    bool nan = false;
    for (int64_t i = 0; status == ConvStatus::ok && i < c.groups * taps; ++i) nan |= gw[i] != gw[i];
    return nan ? ConvStatus::not_taken : status;
}

template <class T>
bool prefers(const ConvShape& c, ConvOp op) {
    if (kVectorBytes == 16) return false;
    return takes(c) || (op != ConvOp::weight && prefers_channels<T>(c, op == ConvOp::input));
}

}  // namespace

const ConvPath<float> conv_depthwise_f32 = {{forward<float>, input<float>, weight<float>}, prefers<float>};
const ConvPath<double> conv_depthwise_f64 = {{forward<double>, input<double>, weight<double>}, prefers<double>};

}  // namespace rl::RL_ISA
