// Depthwise convolution of small images, a lane a channel: the windows hang over the edge in most places, and vectors along rows
// would be full of lanes that count for nothing. As many channels as a vector has lanes are turned so that an element's lanes lie
// together; a list says for each element of the result which elements of the source meet which weights there, whatever stride,
// dilation and padding are, and in which direction. Images go four by four through the list, so that each weight is loaded once for
// all and no addition waits for the one before.
#pragma once

#include "conv_paths.h"
#include "core/allocator.h"
#include "core/thread_pool.h"
#include "core/tile.h"

namespace rl::RL_ISA {
namespace {

constexpr int kTogether = 4;              // images
constexpr int64_t kMostMeetings = 1 << 14;
constexpr int64_t kMostElements = 1 << 10;  // of an image

struct Meeting {
    int32_t source, weight;
};

RL_INLINE int64_t elements(const int64_t (&shape)[2]) { return shape[0] * shape[1]; }

// Where target `to` meets weight k along an axis: the source's place, or -1.
RL_INLINE int64_t source_at(const ConvShape& c, bool backward, int axis, int64_t to, int64_t k) {
    const int64_t reach = k * c.dilation[axis] - c.padding[axis];
    if (!backward) {
        const int64_t at = to * c.stride[axis] + reach;
        return at >= 0 && at < c.in[axis] ? at : -1;
    }
    const int64_t at = to - reach;
    return at >= 0 && at % c.stride[axis] == 0 && at / c.stride[axis] < c.out[axis] ? at / c.stride[axis] : -1;
}

RL_INLINE int64_t meetings_along(const ConvShape& c, int axis) {
    int64_t count = 0;
    for (int64_t to = 0; to < c.out[axis]; ++to)
        for (int64_t k = 0; k < c.kernel[axis]; ++k) count += source_at(c, false, axis, to, k) >= 0;
    return count;
}

// The multiplications of a channel; more than kMostMeetings for what is not small.
RL_INLINE int64_t meetings_of(const ConvShape& c) {
    if (elements(c.in) > kMostElements || elements(c.out) > kMostElements || elements(c.kernel) > kMostMeetings)
        return kMostMeetings + 1;
    return meetings_along(c, 0) * meetings_along(c, 1);
}

// The list: those of target i are [first[i], first[i + 1]).
RL_INLINE void fill_meetings(const ConvShape& c, bool backward, Meeting* meetings, int32_t* first) {
    const int64_t(&to)[2] = backward ? c.in : c.out, (&from)[2] = backward ? c.out : c.in;
    int32_t count = 0;
    *first++ = 0;
    for (int64_t y = 0; y < to[0]; ++y)
        for (int64_t x = 0; x < to[1]; ++x, *first++ = count)
            for (int64_t ky = 0; ky < c.kernel[0]; ++ky) {
                const int64_t row = source_at(c, backward, 0, y, ky);
                for (int64_t kx = 0; row >= 0 && kx < c.kernel[1]; ++kx) {
                    const int64_t column = source_at(c, backward, 1, x, kx);
                    if (column < 0) continue;
                    meetings[count++] = {static_cast<int32_t>(row * from[1] + column), static_cast<int32_t>(ky * c.kernel[1] + kx)};
                }
            }
}

// One element of IMAGES images; of a single one the list is gone through in four threads of additions.
template <class T, int IMAGES>
RL_INLINE void meet(const Meeting* next, const Meeting* end, const T* x, int64_t apart, const T* w, Vec<T> (&sum)[IMAGES]) {
    constexpr int chains = IMAGES == 1 ? 4 : 1;
    if constexpr (chains > 1) {
        Vec<T> more[chains - 1] = {};
        for (; end - next >= chains; next += chains) {
            sum[0] = fmadd<T>(load(w + next->weight * lanes<T>), load(x + next->source * lanes<T>), sum[0]);
#pragma GCC unroll 3
            for (int i = 1; i < chains; ++i)
                more[i - 1] = fmadd<T>(load(w + next[i].weight * lanes<T>), load(x + next[i].source * lanes<T>), more[i - 1]);
        }
        sum[0] += more[0] + (more[1] + more[2]);
    }
    for (; next < end; ++next) {
        const Vec<T> weight = load(w + next->weight * lanes<T>);
        const T* const from = x + next->source * lanes<T>;
#pragma GCC unroll 4
        for (int q = 0; q < IMAGES; ++q) sum[q] = fmadd<T>(weight, load(from + q * apart), sum[q]);
    }
}

template <class T>
struct Lists {
    const Meeting* meetings;
    const int32_t* first;
    int64_t from, to;  // elements of an image
    Vec<T> start;
    bool relu;
};

// IMAGES images of turned channels x into y, both [image][element][lane].
template <class T, int IMAGES>
void meet_all(const Lists<T>& lists, const T* x, const T* w, T* y) {
    for (int64_t i = 0; i < lists.to; ++i) {
        Vec<T> sum[IMAGES];
        for (int q = 0; q < IMAGES; ++q) sum[q] = lists.start;
        meet<T, IMAGES>(lists.meetings + lists.first[i], lists.meetings + lists.first[i + 1], x, lists.from * lanes<T>, w, sum);
#pragma GCC unroll 4
        for (int q = 0; q < IMAGES; ++q)
            store(y + (q * lists.to + i) * lanes<T>, lists.relu ? max<T>(Vec<T>{}, sum[q]) : sum[q]);
    }
}

// `count` channels of turned elements back to planes of `size`.
template <class T>
void turn_back(const T* y, int64_t size, int64_t count, T* out) {
    for (int64_t i = 0; i < size; i += lanes<T>) {
        const int64_t left = smaller(lanes<T>, size - i);
        transpose_rows(y + i * lanes<T>, lanes<T>, count, left, [=](int64_t p, Vec<T> v) { store_n(out + p * size + i, v, left); });
    }
}

template <class T>
ConvStatus by_channels(const ConvShape& c, const T* x, const T* w, const T* bias, bool relu, bool backward, T* y) {
    constexpr int64_t grain = 1 << 14;
    const int64_t from = elements(backward ? c.out : c.in), to = elements(backward ? c.in : c.out), taps = elements(c.kernel);
    const int64_t meetings = meetings_of(c);
    Scratch<Meeting> list(static_cast<size_t>(meetings + 1));
    Scratch<int32_t> first(static_cast<size_t>(to + 1));
    if (!list.get() || !first.get()) return ConvStatus::no_memory;
    fill_meetings(c, backward, list.get(), first.get());
    // A part's share of channels and images, image by image within the channels of a vector.
    const int64_t batches = divide_up(c.batch, kTogether), units = divide_up(c.groups, lanes<T>) * batches;
    const int64_t parts = smaller(units, parts_for(c.batch * c.groups * (meetings + from + to), grain));
    const int64_t own = (taps + kTogether * (from + to)) * lanes<T>;
    Scratch<T> scratch(static_cast<size_t>(parts * own));
    if (!scratch.get()) return ConvStatus::no_memory;
    T* const base = scratch.get();
    const Lists<T> lists = {list.get(), first.get(), from, to, {}, relu};
    parallel_parts(static_cast<int>(parts), [&](int part, int total) {
        T* const weights = base + part * own;
        T* const source = weights + taps * lanes<T>;
        T* const target = source + kTogether * from * lanes<T>;
        Lists<T> mine = lists;
        const int64_t begin = units * part / total, end = units * (part + 1) / total;
        for (int64_t unit = begin; unit < end; ++unit) {
            const int64_t channel = unit / batches * lanes<T>, count = smaller(lanes<T>, c.groups - channel);
            const int64_t image = unit % batches * kTogether, images = smaller(kTogether, c.batch - image);
            if (unit == begin || image == 0) {
                transpose_strip(w + channel * taps, taps, taps, count, weights, lanes<T>);
                mine.start = bias ? load_n(bias + channel, count) : Vec<T>{};
            }
            for (int64_t q = 0; q < images; ++q) {
                const T* const planes = x + ((image + q) * c.groups + channel) * from;
                transpose_strip(planes, from, from, count, source + q * from * lanes<T>, lanes<T>);
            }
            if (images == kTogether) meet_all<T, kTogether>(mine, source, weights, target);
            else
                for (int64_t q = 0; q < images; ++q)
                    meet_all<T, 1>(mine, source + q * from * lanes<T>, weights, target + q * to * lanes<T>);
            for (int64_t q = 0; q < images; ++q)
                turn_back(target + q * to * lanes<T>, to, count, y + ((image + q) * c.groups + channel) * to);
        }
    });
    return ConvStatus::ok;
}

}  // namespace
}  // namespace rl::RL_ISA
