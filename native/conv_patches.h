// The elements of an image that a convolution's outputs read, gathered into vectors: one tap of the window, one vector of outputs,
// all channels. Outputs are counted through rows and images alike, so a vector is full whatever the width of an image is.
//
// Where such a vector's elements lie is found once and serves all channels. Most often they follow each other, with gaps only
// where the window hangs over the edge: a masked load. Else they lie within two vectors of memory, where rows of the source are
// longer than the outputs': two loads and a permutation. Else they are copied one by one (strides, very small images).
#pragma once

#include "core/vec_bits.h"

namespace rl::RL_ISA {
namespace {

// Outputs of one pass: `rows` x `cols` of each image, at every row_step-th row from row0 on, columns and slices likewise.
struct Grid {
    int64_t rows, cols, row0, row_step, col0, col_step;
    int64_t slices = 1, slice0 = 0, slice_step = 1;
    int64_t outputs() const { return slices * rows * cols; }
};

// Where a tap reads, from the place of an output in the source.
struct Tap {
    int32_t row, column, slice = 0;
};

// A group's channels of a batch of images: element (n, c, z, y, x) is
// data[n * image + c * plane() + (z * height + y) * width + x].
struct Images {
    int32_t height, width;
    int64_t image;         // elements between images
    int32_t row_scale, col_scale;  // between the places in the source of neighbouring outputs
    int32_t slices = 1, slice_scale = 1;
    int64_t plane() const { return int64_t(slices) * height * width; }
};

// The outputs of one vector: their places in the source, and where they go in the result.
template <class T>
struct Spots {
    int32_t z[lanes<T>], y[lanes<T>], x[lanes<T>], at[lanes<T>];
    int32_t to[lanes<T>];
    int32_t low_z, high_z, low_y, high_y, low_x, high_x;
    int32_t count;
    bool in_line;  // at[i] = at[0] + i
    int32_t step;  // between neighbours in the result within each of the runs, which begin at these lanes; one row's if more than 1
    int32_t runs, run[lanes<T> + 1];
};

// A position among the outputs of all images, counted row by row.
struct Walk {
    int64_t image, slice, row, column;
    Walk(const Grid& grid, int64_t i)
        : image(i / grid.outputs()), slice(i / (grid.rows * grid.cols) % grid.slices), row(i / grid.cols % grid.rows),
          column(i % grid.cols) {}
    RL_INLINE void step(const Grid& grid) {
        if (++column < grid.cols) return;
        column = 0;
        if (++row < grid.rows) return;
        row = 0;
        if (++slice < grid.slices) return;
        slice = 0;
        ++image;
    }
};

// find_spots() for outputs of one row: loops over all lanes without branches, so that they become vectors.
template <class T>
RL_INLINE void find_row_spots(const Grid& grid, const Images& from, int64_t to_width, int64_t to_slice, int64_t to_image, Walk& walk,
                              Spots<T>& s) {
    constexpr int L = lanes<T>;
    const int32_t count = s.count, scale = from.col_scale, step = static_cast<int32_t>(grid.col_step);
    const int32_t z = static_cast<int32_t>(walk.slice * from.slice_scale), y = static_cast<int32_t>(walk.row * from.row_scale);
    const int32_t x = static_cast<int32_t>(walk.column * scale);
    const int64_t slice = grid.slice0 + walk.slice * grid.slice_step, row = grid.row0 + walk.row * grid.row_step;
    const int32_t at = static_cast<int32_t>(walk.image * from.image + (z * int64_t(from.height) + y) * from.width + x);
    const int32_t to = static_cast<int32_t>(walk.image * to_image + slice * to_slice + row * to_width + grid.col0 + walk.column * step);
    for (int32_t i = 0; i < L; ++i) {
        const bool in = i < count;
        s.z[i] = in ? z : INT32_MIN / 2;
        s.y[i] = in ? y : INT32_MIN / 2;
        s.x[i] = in ? x + i * scale : INT32_MIN / 2;
        s.at[i] = in ? at + i * scale : 0;
        s.to[i] = in ? to + i * step : 0;
    }
    s.in_line = count == 1 || scale == 1;
    s.step = step;
    s.runs = 1;
    s.run[0] = 0;
    s.run[1] = count;
    s.low_z = s.high_z = z;
    s.low_y = s.high_y = y;
    s.low_x = x;
    s.high_x = x + (count - 1) * scale;
    walk.column += count - 1;
    walk.step(grid);
}

// `to_width`, `to_slice`, `to_image`: the result's row, and what lies between its slices and images.
template <class T>
void find_spots(const Grid& grid, const Images& from, int64_t to_width, int64_t to_slice, int64_t to_image, Walk& walk,
                int64_t count, Spots<T>& s) {
    s.count = static_cast<int32_t>(count);
    if (walk.column + count <= grid.cols) return find_row_spots(grid, from, to_width, to_slice, to_image, walk, s);
    s.in_line = true;
    s.step = static_cast<int32_t>(grid.col_step);
    s.runs = 0;
    s.low_z = s.low_y = s.low_x = INT32_MAX;
    s.high_z = s.high_y = s.high_x = INT32_MIN;
    for (int i = 0; i < count; ++i) {
        const int64_t z = walk.slice * from.slice_scale, y = walk.row * from.row_scale, x = walk.column * from.col_scale;
        const int64_t slice = grid.slice0 + walk.slice * grid.slice_step;
        const int64_t row = grid.row0 + walk.row * grid.row_step, column = grid.col0 + walk.column * grid.col_step;
        s.z[i] = static_cast<int32_t>(z);
        s.y[i] = static_cast<int32_t>(y);
        s.x[i] = static_cast<int32_t>(x);
        s.at[i] = static_cast<int32_t>(walk.image * from.image + (z * from.height + y) * from.width + x);
        s.to[i] = static_cast<int32_t>(walk.image * to_image + slice * to_slice + row * to_width + column);
        s.in_line &= s.at[i] == s.at[0] + i;
        if (i == 0 || s.to[i] != s.to[i - 1] + s.step || (s.step > 1 && walk.column == 0)) s.run[s.runs++] = i;
        s.low_z = s.z[i] < s.low_z ? s.z[i] : s.low_z;
        s.high_z = s.z[i] > s.high_z ? s.z[i] : s.high_z;
        s.low_y = s.y[i] < s.low_y ? s.y[i] : s.low_y;
        s.high_y = s.y[i] > s.high_y ? s.y[i] : s.high_y;
        s.low_x = s.x[i] < s.low_x ? s.x[i] : s.low_x;
        s.high_x = s.x[i] > s.high_x ? s.x[i] : s.high_x;
        walk.step(grid);
    }
    s.run[s.runs] = s.count;
    for (int64_t i = count; i < lanes<T>; ++i) s.z[i] = s.y[i] = s.x[i] = INT32_MIN / 2, s.at[i] = s.to[i] = 0;
}

// What one tap reads for the outputs of a vector. `first` is the offset of lane 0 (line) or of the lowest element (pair).
enum class Reach { nothing, whole, line, pair, scattered };

template <class T>
struct Piece {
    Reach reach;
    uint32_t inside;  // a bit for each lane
    int32_t first, span, count;
    int32_t at[lanes<T>];
    int32_t lane[lanes<T>];
};

template <class T>
void find_piece(const Images& from, const Spots<T>& s, Tap tap, Piece<T>& p) {
    constexpr int L = lanes<T>;
    const int32_t shift = (tap.slice * from.height + tap.row) * from.width + tap.column;
    p.first = s.at[0] + shift;
    if (s.in_line && s.count == L && s.low_z + tap.slice >= 0 && s.high_z + tap.slice < from.slices &&
        s.low_y + tap.row >= 0 && s.high_y + tap.row < from.height && s.low_x + tap.column >= 0 && s.high_x + tap.column < from.width) {
        p.reach = Reach::whole;
        p.inside = (1u << L) - 1;
        return;
    }
    // Loops without branches, so that they become vectors.
    int32_t in[L];
    uint32_t inside = 0;
    for (int i = 0; i < L; ++i) {
        const bool slice_in = static_cast<uint32_t>(s.z[i] + tap.slice) < static_cast<uint32_t>(from.slices);
        const bool row_in = static_cast<uint32_t>(s.y[i] + tap.row) < static_cast<uint32_t>(from.height);
        const bool column_in = static_cast<uint32_t>(s.x[i] + tap.column) < static_cast<uint32_t>(from.width);
        in[i] = (slice_in & row_in & column_in) ? -1 : 0;
        inside |= static_cast<uint32_t>(in[i] & (1 << i));
    }
    p.inside = inside;
    p.reach = inside == 0 ? Reach::nothing : Reach::line;
    if (s.in_line || inside == 0) return;
    int32_t low = INT32_MAX, high = INT32_MIN, near = INT32_MAX, far = INT32_MIN;
    for (int i = 0; i < L; ++i) {
        const int32_t at = s.at[i] + shift, line = at - i;
        low = in[i] && at < low ? at : low;
        high = in[i] && at > high ? at : high;
        near = in[i] && line < near ? line : near;
        far = in[i] && line > far ? line : far;
    }
    p.first = near == far ? near : low;
    if (near == far) return;
#if defined(__AVX512F__)
    if (high - low < 2 * L) {
        p.reach = Reach::pair;
        p.span = high - low + 1;
        for (int i = 0; i < L; ++i) p.at[i] = in[i] & (s.at[i] + shift - low);
        return;
    }
#endif
    p.reach = Reach::scattered;
    p.count = 0;
    for (int i = 0; i < L; ++i) {
        if (!in[i]) continue;
        p.at[p.count] = s.at[i] + shift;
        p.lane[p.count++] = i;
    }
}

#if defined(__AVX512F__)
// The elements of two vectors of memory in another order.
template <class T>
struct Permuted {
    __m512i order;
    uint32_t inside, low, high;
    explicit Permuted(const Piece<T>& p) : inside(p.inside) {
        constexpr int L = lanes<T>;
        low = p.span >= L ? (1u << L) - 1 : (1u << p.span) - 1;
        high = p.span > L ? (1u << (p.span - L)) - 1 : 0;
        if constexpr (std::is_same_v<T, float>) order = _mm512_loadu_si512(p.at);
        else order = _mm512_cvtepi32_epi64(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p.at)));
    }
    RL_INLINE Vec<T> load(const T* p) const {
        const Vec<T> a = LanesOf<T>(low).load(p), b = LanesOf<T>(high).load(p + lanes<T>);
        if constexpr (std::is_same_v<T, float>) {
            const __m512 v = _mm512_permutex2var_ps((__m512)a, order, (__m512)b);
            return (Vec<T>)_mm512_maskz_mov_ps(static_cast<__mmask16>(inside), v);
        } else {
            const __m512d v = _mm512_permutex2var_pd((__m512d)a, order, (__m512d)b);
            return (Vec<T>)_mm512_maskz_mov_pd(static_cast<__mmask8>(inside), v);
        }
    }
};
#endif

// use(c, v) for each channel, v being what the tap reads.
template <class T, class Use>
RL_INLINE void each_channel(const Piece<T>& p, const T* from, int64_t plane, int64_t channels, Use use) {
    const T* at = from + p.first;
    switch (p.reach) {
        case Reach::nothing:
            for (int64_t c = 0; c < channels; ++c) use(c, Vec<T>{});
            return;
        case Reach::whole:
            for (int64_t c = 0; c < channels; ++c) use(c, load(at + c * plane));
            return;
        case Reach::line: {
            const LanesOf<T> some(p.inside);
            for (int64_t c = 0; c < channels; ++c) use(c, some.load(at + c * plane));
            return;
        }
        case Reach::pair: {
#if defined(__AVX512F__)
            const Permuted<T> some(p);
            for (int64_t c = 0; c < channels; ++c) use(c, some.load(at + c * plane));
#endif
            return;
        }
        case Reach::scattered:
            for (int64_t c = 0; c < channels; ++c) {
                alignas(kVectorBytes) T buffer[lanes<T>] = {};
                for (int32_t i = 0; i < p.count; ++i) buffer[p.lane[i]] = from[c * plane + p.at[i]];
                use(c, load(buffer));
            }
    }
}

// The channels of one tap, into to[c * next].
template <class T>
RL_INLINE void copy_piece(const Piece<T>& p, const T* from, int64_t plane, int64_t channels, T* to, int64_t next) {
    if (p.reach == Reach::scattered) {  // straight to where they go: a load of what was just stored in parts would wait
        for (int64_t c = 0; c < channels; ++c) {
            store(to + c * next, Vec<T>{});
            for (int32_t i = 0; i < p.count; ++i) to[c * next + p.lane[i]] = from[c * plane + p.at[i]];
        }
        return;
    }
    each_channel(p, from, plane, channels, [=](int64_t c, Vec<T> v) __attribute__((always_inline)) { store(to + c * next, v); });
}

// What all taps read for one vector of outputs: element (c, tap) goes to to[(c * taps + tap) * step]. A few channels at a time,
// so that the taps find them in the first-level cache: few indeed where all lie in the same set of it.
template <class T>
void gather_patches(const Images& from, const Spots<T>& spots, const Tap* taps, int64_t count, const T* data, int64_t channels,
                    T* to, int64_t step) {
    constexpr int64_t group = 9;
    const int64_t plane = from.plane(), next = count * step;
    const int64_t block = count > 1 && plane * static_cast<int64_t>(sizeof(T)) % 1024 == 0 ? 4 : 32;
    Piece<T> pieces[group];
    for (int64_t first = 0; first < count; first += group) {
        const int64_t some = count - first < group ? count - first : group;
        for (int64_t t = 0; t < some; ++t) find_piece(from, spots, taps[first + t], pieces[t]);
        for (int64_t c = 0; c < channels; c += block) {
            const int64_t few = channels - c < block ? channels - c : block;
            for (int64_t t = 0; t < some; ++t)
                copy_piece(pieces[t], data + c * plane, plane, few, to + c * next + (first + t) * step, next);
        }
    }
}

}  // namespace
}  // namespace rl::RL_ISA
