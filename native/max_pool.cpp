// The largest element of each window. Vectors run along a row of outputs; what a place of the window meets for neighbouring
// outputs lies `stride` elements apart in a row of the input, so as many vectors are loaded as the stride says, and each parted
// from them serves one place. Rows are read to their end and beyond where nothing sticks out of them (the lanes too many are
// written, too, and then overwritten by the next row's), so narrow rows cost no more than their vectors. Rows of outputs that fill
// half a vector at most go through it two at a time.
//
// Which place won is kept as a byte for backward, or as an index for the user. Threads share rows of outputs.
#include "core/allocator.h"
#include "core/thread_pool.h"
#include "max_pool_parts.h"

namespace rl::RL_ISA {
namespace {

template <class T>
constexpr T kLeast = static_cast<T>(-__builtin_inf());

// The window of output `o` along an axis: its begin, and which of its places [low, high) lie inside the input.
struct Span {
    int64_t begin, low, high;

    RL_INLINE Span(const PoolShape& s, int axis, int64_t o) {
        begin = o * s.stride[axis] - s.padding[axis];
        low = begin < 0 ? steps(-begin, s.dilation[axis]) : 0;
        high = begin < s.in[axis] ? smaller(s.kernel[axis], steps(s.in[axis] - begin, s.dilation[axis])) : 0;
    }
    // The first element inside the input, at most its last.
    RL_INLINE int64_t first(const PoolShape& s, int axis) const {
        return smaller(begin + low * s.dilation[axis], s.in[axis] - 1);
    }
};

// The first `count` indices, at most a vector's, as int64.
template <class T>
RL_INLINE void store_found(int64_t* to, Mask<T> index, int64_t count) {
#if defined(__AVX512F__)
    const uint32_t some = count >= lanes<T> ? (1u << lanes<T>) - 1 : (1u << count) - 1;
    if constexpr (sizeof(T) == 8) {
        _mm512_mask_storeu_epi64(to, static_cast<__mmask8>(some), (__m512i)index);
    } else {
        const __m512i all = (__m512i)index;
        _mm512_mask_storeu_epi64(to, static_cast<__mmask8>(some), _mm512_cvtepi32_epi64(_mm512_castsi512_si256(all)));
        if (some >> 8)
            _mm512_mask_storeu_epi64(to + 8, static_cast<__mmask8>(some >> 8), _mm512_cvtepi32_epi64(_mm512_extracti64x4_epi64(all, 1)));
    }
#else
    alignas(kVectorBytes) Index<T> found[lanes<T>];
    __builtin_memcpy(found, &index, sizeof index);
    if (count >= lanes<T>) {
        for (int i = 0; i < lanes<T>; ++i) to[i] = found[i];
    } else {
        for (int64_t i = 0; i < count; ++i) to[i] = found[i];
    }
#endif
}

template <class T, class V, int... I>
RL_INLINE V upper_half_of(V v, std::integer_sequence<int, I...>) {
#if defined(__clang__)
    return __builtin_shufflevector(v, v, (I % (lanes<T> / 2) + lanes<T> / 2)...);
#else
    return __builtin_shuffle(v, Mask<T>{(I % (lanes<T> / 2) + lanes<T> / 2)...});
#endif
}
// The upper half of the lanes, in both halves.
template <class T, class V>
RL_INLINE V upper_half(V v) {
    return upper_half_of<T>(v, std::make_integer_sequence<int, lanes<T>>{});
}

// The places of the first `count` outputs, at most a vector's.
template <class T>
RL_INLINE void store_found(uint8_t* to, Mask<T> place, int64_t count) {
    const Bytes<T> bytes = narrowed<T>(place);
    if (count >= lanes<T>) {
        __builtin_memcpy(to, &bytes, sizeof bytes);
    } else {
        for (int64_t i = 0; i < count; ++i) to[i] = bytes[i];
    }
}

// Vectors of outputs, and where the largest element was found so far, if that is asked for: the first of equal ones, the last NaN.
template <class T, class Found>
struct Best {
    Vec<T> value;
    Mask<T> at;

    RL_INLINE Best meeting(Vec<T> v, Mask<T> here) const {
        constexpr bool none = std::is_void_v<Found>;
#if defined(__AVX512F__)  // compilers join the two comparisons by more instructions than the masked one
        if constexpr (std::is_same_v<T, float>) {
            const __m512 a = (__m512)v, b = (__m512)value;
            const __mmask16 stays = _mm512_mask_cmp_ps_mask(_mm512_cmp_ps_mask(a, a, _CMP_ORD_Q), a, b, _CMP_NGT_UQ);
            return {(Vec<T>)_mm512_mask_mov_ps(a, stays, b), none ? at : (Mask<T>)_mm512_mask_mov_epi32((__m512i)here, stays, (__m512i)at)};
        } else {
            const __m512d a = (__m512d)v, b = (__m512d)value;
            const __mmask8 stays = _mm512_mask_cmp_pd_mask(_mm512_cmp_pd_mask(a, a, _CMP_ORD_Q), a, b, _CMP_NGT_UQ);
            return {(Vec<T>)_mm512_mask_mov_pd(a, stays, b), none ? at : (Mask<T>)_mm512_mask_mov_epi64((__m512i)here, stays, (__m512i)at)};
        }
#else
        const Mask<T> better = (v > value) | (v != v);
        return {better ? v : value, none ? at : better ? here : at};
#endif
    }
};

// What all rows have in common.
template <class T, class Found>
struct MaxOf {
    PoolShape s;
    const T* x;
    T* y;
    Found* found;
    int64_t size;         // elements of x
    const Index<T>* low;  // the first place of each column's window that lies inside the input, for whole vectors
    bool wide;            // no window sticks out of its row: then rows may be read beyond their end
};

// Which lanes of the vectors that a window's places need lie inside the row: the same for all rows, so found once. Not for windows
// of any size, whose vectors are too many.
template <class T, class B>
struct Lanes {
    static constexpr int S = B::kTogether, each = B::kPair ? S / 2 : S, vectors = B::kKernel ? (B::kKernel + S - 1) / S * S : 0;
    int64_t at, readable, useful;
    uint32_t bits[vectors + 1];

    RL_INLINE Lanes(int64_t first, int64_t end, int64_t count) : at(first), readable(end), useful(count) {
        for (int i = 0; i < vectors; ++i) {
            const int64_t begin = at + i / S * S + i % each * lanes<T>;
            const int64_t low = larger(0, smaller(-begin, lanes<T>)), high = larger(low, smaller(readable - begin, lanes<T>));
            bits[i] = static_cast<uint32_t>((uint64_t(1) << high) - (uint64_t(1) << low));
        }
    }
};

// The vectors of places kx and those after it that are loaded together, as many as places. With two rows in a vector the first half
// of them is of the first row. Elements outside the row are the least, unless all are known to be inside.
template <class T, class B, bool INSIDE>
RL_INLINE void load_places_of(const T* row, const T* second, const Lanes<T, B>& l, int64_t kx, int64_t spread, int64_t stride, Vec<T> (&v)[B::kTogether]) {
    constexpr int S = B::kTogether, each = Lanes<T, B>::each;
    const int64_t at = l.at + kx * spread;
    if constexpr (B::kStride == 0) {
        alignas(kVectorBytes) T found[lanes<T>] = {};
        for (int64_t i = 0, column = at; i < l.useful; ++i, column += stride) found[i] = column >= 0 && column < l.readable ? row[column] : kLeast<T>;
        v[0] = load(found);
    } else {
#pragma GCC unroll 4
        for (int k = 0; k < S; ++k) {
            const T* const from = B::kPair && k >= each ? second : row;
            const int64_t begin = at + k % each * lanes<T>;
            if constexpr (INSIDE) v[k] = load(from + begin);
            else if constexpr (B::kKernel != 0) v[k] = load_lanes(from + begin, l.bits[kx + k], kLeast<T>);
            else v[k] = load_inside(from, l.readable, begin, kLeast<T>);
        }
    }
}

// Places P and those after it that were loaded together, of which there are `count`.
template <int P, class T, class Found, int N>
RL_INLINE Best<T, Found> meet(Best<T, Found> best, const Vec<T> (&v)[N], Mask<T> here, Index<T> step, int64_t count) {
    if constexpr (P == N) return best;
    else {
        if (P >= count) return best;
        return meet<P + 1>(best.meeting(every_nth<T, N, P>(v), here), v, here + step, step, count);
    }
}

// The way through the rows of windows that lie inside the input, in elements, and what their places are called: by how much the
// name grows from row to row, from slice to slice and from column to column.
template <class T>
struct Walk {
    int64_t rows, slices, row_step, slice_step;
    Index<T> row_gain, slice_gain, gain;
};

template <class T, class Found, class B>
RL_INLINE Walk<T> walk_of(const PoolShape& s, int64_t rows, int64_t slices) {
    const int64_t width = s.in[kWidth], row_step = s.dilation[kHeight] * width, slice_step = s.dilation[kDepth] * s.in[kHeight] * width;
    const int64_t kernel = B::kKernel ? B::kKernel : s.kernel[kWidth], spread = B::kKernel ? 1 : s.dilation[kWidth];
    if constexpr (std::is_same_v<Found, int64_t>)
        return {rows, slices, row_step, slice_step, Index<T>(row_step), Index<T>(slice_step), Index<T>(spread)};
    else return {rows, slices, row_step, slice_step, Index<T>(kernel), Index<T>(s.kernel[kHeight] * kernel), Index<T>(1)};
}

// The windows of a vector of outputs in one row of the input, of which their first column is `at`. Where all are inside, the first
// element that a window meets is its largest so far.
template <class T, class Found, class B, bool INSIDE, bool FIRST>
RL_INLINE Best<T, Found> meet_row(const PoolShape& s, const T* row, int64_t second, const Lanes<T, B>& l, Best<T, Found> best, Mask<T> here,
                                  Index<T> gain) {
    const int64_t kernel = B::kKernel ? B::kKernel : s.kernel[kWidth], spread = B::kKernel ? 1 : s.dilation[kWidth];
    const int64_t together = spread == 1 ? B::kTogether : 1;
#pragma GCC unroll 4
    for (int64_t kx = 0; kx < kernel; kx += together, here += static_cast<Index<T>>(together) * gain) {
        Vec<T> v[B::kTogether];
        load_places_of<T, B, INSIDE>(row, row + second, l, kx, spread, s.stride[kWidth], v);
        const int64_t count = smaller(together, kernel - kx);
        if (FIRST && kx == 0) best = meet<1>(Best<T, Found>{every_nth<T, B::kTogether, 0>(v), here}, v, here + gain, gain, count);
        else best = meet<0>(best, v, here, gain, count);
    }
    return best;
}

template <class T, class Found, class B, bool INSIDE>
RL_INLINE Best<T, Found> meet_rows(const PoolShape& s, const Walk<T>& walk, const T* row, int64_t second, const Lanes<T, B>& l,
                                   Best<T, Found> best, Mask<T> here) {
    best = meet_row<T, Found, B, INSIDE, INSIDE>(s, row, second, l, best, here, walk.gain);
    for (int64_t i = 1, ky = 0; i < walk.rows * walk.slices; ++i) {
        row += walk.row_step, here += walk.row_gain;
        if (++ky == walk.rows) {
            row += walk.slice_step - walk.rows * walk.row_step, here += walk.slice_gain - static_cast<Index<T>>(walk.rows) * walk.row_gain;
            ky = 0;
        }
        best = meet_row<T, Found, B, INSIDE, false>(s, row, second, l, best, here, walk.gain);
    }
    return best;
}

template <class T>
RL_INLINE Mask<T> columns_from(int64_t at, int64_t stride) {
    return iota<T>(std::make_integer_sequence<int, lanes<T>>{}) * static_cast<Index<T>>(stride) + static_cast<Index<T>>(at);
}

// Outputs [ox, ox + lanes) of a row, some of whose windows may stick out of the input.
template <class T, class Found, class B>
__attribute__((noinline)) Best<T, Found> meet_edge(const MaxOf<T, Found>& a, int64_t plane, int64_t oz, int64_t oy, int64_t second, int64_t ox) {
    const PoolShape& s = a.s;
    const Span z(s, kDepth, oz), h(s, kHeight, oy);
    const int64_t height = s.in[kHeight], width = s.in[kWidth], at = ox * s.stride[kWidth] - s.padding[kWidth];
    const int64_t row = (z.begin + z.low * s.dilation[kDepth]) * height + h.begin + h.low * s.dilation[kHeight];
    const int64_t offset = (plane * s.in[kDepth] * height + row) * width;
    const auto walk = walk_of<T, Found, B>(s, h.high - h.low, z.high - z.low);
    Best<T, Found> best = {splat(kLeast<T>), Mask<T>{}};
    if (a.low && !std::is_void_v<Found>) __builtin_memcpy(&best.at, a.low + ox, sizeof best.at);
    Mask<T> here{};
    if constexpr (std::is_same_v<Found, int64_t>) {
        const Mask<T> columns = columns_from<T>(at, s.stride[kWidth]), last = Mask<T>{} + static_cast<Index<T>>(width - 1);
        const Mask<T> first = columns + best.at * static_cast<Index<T>>(s.dilation[kWidth]);
        best.at = (first < last ? first : last) + static_cast<Index<T>>((z.first(s, kDepth) * height + h.first(s, kHeight)) * width);
        here = columns + static_cast<Index<T>>(row * width);
    } else {
        here += static_cast<Index<T>>((z.low * s.kernel[kHeight] + h.low) * s.kernel[kWidth]);
        best.at += here;
    }
    if (walk.rows <= 0 || walk.slices <= 0) return best;
    const int64_t last = (walk.rows - 1) * walk.row_step + (walk.slices - 1) * walk.slice_step;  // whose row may be read as far
    const int64_t readable = a.wide ? a.size - offset - last - second : width;
    const Lanes<T, B> l(at, readable, smaller(lanes<T>, s.out[kWidth] - ox));
    return meet_rows<T, Found, B, false>(s, walk, a.x + offset, second, l, best, here);
}

template <class T, class Found>
RL_INLINE void put(const MaxOf<T, Found>& a, Best<T, Found> best, int64_t to, int64_t count) {
    store_n(a.y + to, best.value, count);
    if constexpr (!std::is_void_v<Found>) store_found<T>(a.found + to, best.at, count);
}

// Rows [oy, oy_end) of outputs of a slice. Up to `room` outputs may be written: this thread's own rows follow, and get their values
// later. Rows of half a vector go in pairs.
template <class T, class Found, class B>
RL_INLINE void max_slice(const MaxOf<T, Found>& a, int64_t plane, int64_t oz, int64_t oy, int64_t oy_end, int64_t room) {
    const PoolShape& s = a.s;
    const int64_t width = s.in[kWidth], outputs = s.out[kWidth], stride = B::kStride ? B::kStride : s.stride[kWidth];
    const int64_t kernel = B::kKernel ? B::kKernel : s.kernel[kWidth], spread = B::kKernel ? 1 : s.dilation[kWidth];
    const Span z(s, kDepth, oz);
    const auto walk = walk_of<T, Found, B>(s, s.kernel[kHeight], s.kernel[kDepth]);
    const bool slices_inside = z.low == 0 && z.high == s.kernel[kDepth];
    const int64_t last_begin = s.in[kHeight] - (s.kernel[kHeight] - 1) * s.dilation[kHeight];
    const int64_t slice = (plane * s.in[kDepth] + z.begin) * s.in[kHeight] * width, last = (walk.rows - 1) * walk.row_step + (walk.slices - 1) * walk.slice_step;
    const int64_t reach = (B::kStride ? (B::kPair ? stride / 2 : stride) * lanes<T> : (lanes<T> - 1) * stride + 1) + (kernel - 1) * spread;
    for (; oy < oy_end; ++oy) {
        const bool pair = B::kPair && oy + 1 < oy_end;
        const int64_t begin = oy * s.stride[kHeight] - s.padding[kHeight], second = pair ? s.stride[kHeight] * width : 0;
        const bool inside = slices_inside && begin >= 0 && begin < last_begin;
        const int64_t readable = !inside ? 0 : a.wide ? a.size - slice - begin * width - last - second : width;
        const int64_t to = ((plane * s.out[kDepth] + oz) * s.out[kHeight] + oy) * outputs;
        for (int64_t ox = 0; ox < outputs; ox += lanes<T>) {
            const int64_t at = ox * stride - s.padding[kWidth], count = room - to - ox >= lanes<T> ? lanes<T> : outputs - ox;
            Best<T, Found> best;
            if (at >= 0 && at + reach <= readable) {
                Mask<T> here{};
                if constexpr (std::is_same_v<Found, int64_t>)
                    here = columns_from<T>((z.begin * s.in[kHeight] + begin) * width + at, stride);
                const Lanes<T, B> l(at, readable, smaller(lanes<T>, outputs - ox));
                best = meet_rows<T, Found, B, true>(s, walk, a.x + slice + begin * width, second, l, best, here);
            } else {
                best = meet_edge<T, Found, B>(a, plane, oz, oy, second, ox);
            }
            put(a, best, to + ox, count);
            if (pair) {
                const int64_t below = to + outputs;
                put(a, {upper_half<T>(best.value), upper_half<T>(best.at)}, below, room - below >= lanes<T> ? lanes<T> : outputs);
            }
        }
        oy += pair;
    }
}

// Whether windows are two rows by two columns, and all inside.
template <class B>
RL_INLINE bool are_twos(const PoolShape& s) {
    return B::kStride == 2 && B::kKernel == 2 && s.kernel[kHeight] == 2 && s.kernel[kDepth] == 1 && s.dilation[kHeight] == 1 &&
           all_inside(s, kWidth) && all_inside(s, kHeight) && all_inside(s, kDepth);
}

// `rows` rows of those, in whole vectors: each row's winner, then the better one, the last NaN in this order, too. Shorter a way than
// from place to place, with next to nothing to find out about a row of outputs. In pairs `rows` is even.
template <class T, class Found, bool PAIR>
__attribute__((noinline)) void max_twos(const T* x, int64_t width, int64_t row_step, int64_t outputs, int64_t rows, T* y, Found* found) {
    const int64_t together = PAIR ? 2 : 1, apart = PAIR ? row_step : lanes<T>;
    const auto named = [](Index<T> place) __attribute__((always_inline)) { return Mask<T>{} + place; };
    for (int64_t r = 0; r < rows; r += together, x += together * row_step) {
        for (int64_t ox = 0; ox < outputs; ox += lanes<T>) {
            const T* const at = x + 2 * ox;
            const Vec<T> upper[2] = {load(at), load(at + apart)}, lower[2] = {load(at + width), load(at + width + apart)};
            const auto best = Best<T, Found>{every_nth<T, 2, 0>(upper), named(0)}.meeting(every_nth<T, 2, 1>(upper), named(1));
            const auto other = Best<T, Found>{every_nth<T, 2, 0>(lower), named(2)}.meeting(every_nth<T, 2, 1>(lower), named(3));
            const auto both = best.meeting(other.value, other.at);
            store(y + ox, both.value);
            if constexpr (!std::is_void_v<Found>) store_found<T>(found + ox, both.at, lanes<T>);
            if constexpr (PAIR) {
                store(y + outputs, upper_half<T>(both.value));
                if constexpr (!std::is_void_v<Found>) store_found<T>(found + outputs, upper_half<T>(both.at), lanes<T>);
            }
        }
        y += together * outputs;
        if constexpr (!std::is_void_v<Found>) found += together * outputs;
    }
}

// As many of rows [oy, oy_end) as may be read and written in whole vectors; how many.
template <class T, class Found, class B>
RL_INLINE int64_t max_whole(const MaxOf<T, Found>& a, int64_t plane, int64_t oz, int64_t oy, int64_t oy_end, int64_t room) {
    const PoolShape& s = a.s;
    const int64_t width = s.in[kWidth], outputs = s.out[kWidth], row_step = s.stride[kHeight] * width;
    const int64_t across = divide_up(outputs, lanes<T>) * lanes<T>, read = width + (B::kPair ? lanes<T> : 2 * across);
    const int64_t from = (plane * s.in[kDepth] + oz * s.stride[kDepth]) * s.in[kHeight] * width + oy * row_step;
    const int64_t to = ((plane * s.out[kDepth] + oz) * s.out[kHeight] + oy) * outputs;
    const int64_t readable = (a.size - from - read) / row_step + 1, writeable = (room - to - across) / outputs + 1;
    int64_t rows = larger(0, smaller(oy_end - oy, smaller(a.size - from < read ? 0 : readable, room - to < across ? 0 : writeable)));
    if (B::kPair) rows -= rows % 2;
    if constexpr (std::is_void_v<Found>) max_twos<T, Found, B::kPair>(a.x + from, width, row_step, outputs, rows, a.y + to, nullptr);
    else max_twos<T, Found, B::kPair>(a.x + from, width, row_step, outputs, rows, a.y + to, a.found + to);
    return rows;
}

// Rows [row, end) of outputs.
template <class T, class Found, class B>
void max_rows(const MaxOf<T, Found>& all, int64_t row, int64_t end) {
    const MaxOf<T, Found> a = all;  // a copy that the bytes written can't be part of
    const int64_t height = a.s.out[kHeight], depth = a.s.out[kDepth];
    const bool twos = are_twos<B>(a.s);
    while (row < end) {
        const int64_t oy = row % height, slice = row / height, oy_end = smaller(height, oy + end - row);
        const int64_t plane = slice / depth, oz = slice % depth, room = end * a.s.out[kWidth];
        int64_t done = 0;
        if constexpr (!std::is_same_v<Found, int64_t>) done = twos ? max_whole<T, Found, B>(a, plane, oz, oy, oy_end, room) : 0;
        max_slice<T, Found, B>(a, plane, oz, oy + done, oy_end, room);
        row += oy_end - oy;
    }
}

// The build for windows of a shape.
template <class T, class Found>
auto max_rows_for(const MaxOf<T, Found>& a) -> void (*)(const MaxOf<T, Found>&, int64_t, int64_t) {
    const PoolShape& s = a.s;
    const int64_t stride = s.stride[kWidth], kernel = s.dilation[kWidth] == 1 ? s.kernel[kWidth] : 0;
    if constexpr (!std::is_same_v<Found, int64_t>) {  // two rows have the same places, but not the same indices
        const bool pair = a.wide && 2 * s.out[kWidth] <= lanes<T> && all_inside(s, kHeight) && all_inside(s, kDepth);
        if (pair && stride == 2 && kernel == 2) return max_rows<T, Found, Build<2, 2, true>>;
        if (pair && stride == 2 && kernel == 3) return max_rows<T, Found, Build<2, 3, true>>;
    }
    switch (stride) {
        case 1: return max_rows<T, Found, Build<1, 0>>;
        case 2: return kernel == 2 ? max_rows<T, Found, Build<2, 2>> : kernel == 3 ? max_rows<T, Found, Build<2, 3>> : max_rows<T, Found, Build<2, 0>>;
        case 3: return kernel == 3 ? max_rows<T, Found, Build<3, 3>> : max_rows<T, Found, Build<3, 0>>;
        case 4: return kernel == 4 ? max_rows<T, Found, Build<4, 4>> : max_rows<T, Found, Build<4, 0>>;
        default: return max_rows<T, Found, Build<0, 0>>;
    }
}

template <class T, class Found>
PoolStatus max_of(const PoolShape& shape, const T* x, T* y, Found* found) {
    PoolShape s = shape;
    if (s.out[kWidth] == 1) s.stride[kWidth] = 1;  // of one window it doesn't matter, and those of stride 1 are read best
    MaxOf<T, Found> a = {s, x, y, found, s.planes * elements(s.in), nullptr, all_inside(s, kWidth)};
    const int64_t columns = divide_up(s.out[kWidth], lanes<T>) * lanes<T>;
    Scratch<Index<T>> low(static_cast<size_t>(s.padding[kWidth] ? columns : 0));
    if (s.padding[kWidth]) {
        if (!low.get()) return PoolStatus::no_memory;
        for (int64_t ox = 0; ox < columns; ++ox) low.get()[ox] = static_cast<Index<T>>(Span(s, kWidth, ox).low);
        a.low = low.get();
    }
    const auto run = max_rows_for(a);
    const int64_t places = s.out[kWidth] * elements(s.kernel);
    parallel_for(s.planes * s.out[kDepth] * s.out[kHeight], kGrain / (places + 1) + 1, [&](int64_t row, int64_t end) { run(a, row, end); });
    return PoolStatus::ok;
}

// The indices from the places' names. Of windows that stick out, with columns by turns, that is less work than to carry indices along.
template <class T>
PoolStatus max_indexed(const PoolShape& s, const T* x, T* y, int64_t* indices) {
    const int64_t outputs = elements(s.out), all = s.planes * outputs;
    const uint32_t last = static_cast<uint32_t>(elements(s.in) - 1);
    const Scratch<uint8_t> places(static_cast<size_t>(all));
    const PlaceIndices found(s, 1);
    if (!places.get() || !found.begins.get()) return PoolStatus::no_memory;
    const PoolStatus status = max_of<T, uint8_t>(s, x, y, places.get());
    if (status != PoolStatus::ok) return status;
    parallel_for(s.planes, kGrain / outputs + 1, [&](int64_t plane, int64_t end) {
        for (; plane < end; ++plane) {
            const int64_t from = plane * outputs;
            for (int64_t i = 0; i < outputs; i += lanes<float>) {
                const auto index = found.at(places.get() + from + i, all - from - i, i, last);
                store_found<float>(indices + from + i, (Mask<float>)index, outputs - i);
            }
        }
    });
    return PoolStatus::ok;
}

template <class T>
PoolStatus max_pool(const PoolShape& s, const T* x, T* y, int64_t* indices) {
    const bool by_names = !all_inside(s, kWidth) && s.stride[kWidth] > 1 && named_by_bytes(s) && !between(s);
    if (indices && by_names) return max_indexed(s, x, y, indices);
    return indices ? max_of<T, int64_t>(s, x, y, indices) : max_of<T, void>(s, x, y, nullptr);
}

}  // namespace

const MaxPoolKernels<float> max_pool_f32 = {max_pool<float>, max_of<float, uint8_t>};
const MaxPoolKernels<double> max_pool_f64 = {max_pool<double>, max_of<double, uint8_t>};

}  // namespace rl::RL_ISA
