// Discrete Fourier transforms of many rows. As many rows as a vector has lanes are read together, transposed, so that a lane is a
// row (of a dimension other than the last the lanes are neighbours in memory); the passes of fourier_passes.h follow; the result is
// scaled and transposed back. A transform the other way is the forward one with real and imaginary parts exchanged before and
// after. An even number of real numbers is read as half as many complex ones, whose transform holds that of the even and that of
// the odd places; their combination is a pass of its own.
#include "fourier.h"

#include "core/allocator.h"
#include "core/thread_pool.h"
#include "core/vec.h"
#include "fourier_passes.h"

namespace rl::RL_ISA {
namespace {

constexpr int64_t kGrain = 1 << 13;  // numbers for which a second thread pays

template <class T, int... I>
RL_INLINE void part_pairs(Vec<T> a, Vec<T> b, Vec<T>& re, Vec<T>& im, std::integer_sequence<int, I...>) {
#if defined(__clang__)
    re = __builtin_shufflevector(a, b, (2 * I)...);
    im = __builtin_shufflevector(a, b, (2 * I + 1)...);
#else
    constexpr Mask<T> even = {(2 * I)...}, odd = {(2 * I + 1)...};
    re = __builtin_shuffle(a, b, even);
    im = __builtin_shuffle(a, b, odd);
#endif
}

template <class T, int... I>
RL_INLINE void join_pairs(Vec<T> re, Vec<T> im, Vec<T>& a, Vec<T>& b, std::integer_sequence<int, I...>) {
    constexpr int L = lanes<T>;
#if defined(__clang__)
    a = __builtin_shufflevector(re, im, (I / 2 + I % 2 * L)...);
    b = __builtin_shufflevector(re, im, (L / 2 + I / 2 + I % 2 * L)...);
#else
    constexpr Mask<T> low = {(I / 2 + I % 2 * L)...}, high = {(L / 2 + I / 2 + I % 2 * L)...};
    a = __builtin_shuffle(re, im, low);
    b = __builtin_shuffle(re, im, high);
#endif
}

template <class T>
using Indices = std::make_integer_sequence<int, lanes<T>>;

template <class T>
RL_INLINE Vec<T> load_some(const T* p, int64_t n) {
    return n >= lanes<T> ? load(p) : n > 0 ? load_part(p, n) : Vec<T>{};
}
template <class T>
RL_INLINE void store_some(T* p, Vec<T> v, int64_t n) {
    if (n >= lanes<T>) store(p, v);
    else if (n > 0) store_part(p, v, n);
}

// Reads `width` numbers of each of `rows` rows that lie `step` apart; number c of all rows becomes vector put(c).
template <class T, class Put>
RL_INLINE void read_rows(const T* x, int64_t step, int64_t rows, int64_t width, Put put) {
    constexpr int L = lanes<T>;
    for (int64_t c = 0; c < width; c += L) {
        Vec<T> block[L];
#pragma GCC unroll 16
        for (int r = 0; r < L; ++r) block[r] = r < rows ? load_some(x + r * step + c, width - c) : Vec<T>{};
        transpose<T>(block);
        const int64_t count = width - c < L ? width - c : L;
        for (int64_t j = 0; j < count; ++j) put(c + j) = block[j];
    }
}

template <class T, class Get>
RL_INLINE void write_rows(T* out, int64_t step, int64_t rows, int64_t width, T scale, Get get) {
    constexpr int L = lanes<T>;
    for (int64_t c = 0; c < width; c += L) {
        Vec<T> block[L];
        const int64_t count = width - c < L ? width - c : L;
        for (int64_t j = 0; j < L; ++j) block[j] = j < count ? get(c + j) * splat(scale) : Vec<T>{};
        transpose<T>(block);
#pragma GCC unroll 16
        for (int r = 0; r < L; ++r) {
            if (r < rows) store_some(out + r * step + c, block[r], width - c);
        }
    }
}

// Where a tile's numbers are: the first lane's, the steps between places and between lanes in T, and how many lanes there are.
template <class T>
struct Tile {
    T* data;
    int64_t step, lane_step, count;
    bool in_rows;  // each lane a row of its own
};

// `places` complex numbers a lane into elements, exchanged or not.
template <class T>
RL_INLINE void read_complex(const Tile<const T>& tile, int64_t places, bool exchange, Element<T>* to) {
    if (tile.in_rows) {
        auto* vectors = reinterpret_cast<Vec<T>*>(to);
        const int64_t flip = exchange ? 1 : 0;
        read_rows(tile.data, tile.lane_step, tile.count, 2 * places, [=](int64_t c) -> Vec<T>& { return vectors[c ^ flip]; });
        return;
    }
    for (int64_t j = 0; j < places; ++j) {
        const T* from = tile.data + j * tile.step;
        Vec<T> re, im;
        part_pairs<T>(load_some(from, 2 * tile.count), load_some(from + lanes<T>, 2 * tile.count - lanes<T>), re, im, Indices<T>{});
        to[j] = exchange ? Element<T>{im, re} : Element<T>{re, im};
    }
}

template <class T>
RL_INLINE void write_complex(const Tile<T>& tile, int64_t places, bool exchange, T scale, const Element<T>* from) {
    if (tile.in_rows) {
        const auto* vectors = reinterpret_cast<const Vec<T>*>(from);
        const int64_t flip = exchange ? 1 : 0;
        write_rows(tile.data, tile.lane_step, tile.count, 2 * places, scale, [=](int64_t c) { return vectors[c ^ flip]; });
        return;
    }
    for (int64_t j = 0; j < places; ++j) {
        T* to = tile.data + j * tile.step;
        const Vec<T> re = (exchange ? from[j].im : from[j].re) * splat(scale);
        const Vec<T> im = (exchange ? from[j].re : from[j].im) * splat(scale);
        Vec<T> a, b;
        join_pairs<T>(re, im, a, b, Indices<T>{});
        store_some(to, a, 2 * tile.count);
        store_some(to + lanes<T>, b, 2 * tile.count - lanes<T>);
    }
}

// n real numbers a lane: of an even n as the parts of n / 2 complex ones, else with an imaginary part of 0.
template <class T>
RL_INLINE void read_real(const Tile<const T>& tile, int64_t n, Element<T>* to) {
    const int64_t apart = n % 2 ? 2 : 1;
    auto* vectors = reinterpret_cast<Vec<T>*>(to);
    if (tile.in_rows) {
        read_rows(tile.data, tile.lane_step, tile.count, n, [=](int64_t c) -> Vec<T>& { return vectors[c * apart]; });
    } else {
        for (int64_t j = 0; j < n; ++j) vectors[j * apart] = load_some(tile.data + j * tile.step, tile.count);
    }
    for (int64_t j = 0; apart == 2 && j < n; ++j) to[j].im = Vec<T>{};
}

// What read_real read, with the parts exchanged.
template <class T>
RL_INLINE void write_real(const Tile<T>& tile, int64_t n, T scale, const Element<T>* from) {
    const auto* vectors = reinterpret_cast<const Vec<T>*>(from);
    const bool odd = n % 2;
    const auto at = [=](int64_t c) { return vectors[odd ? 2 * c + 1 : c ^ 1]; };
    if (tile.in_rows) {
        write_rows(tile.data, tile.lane_step, tile.count, n, scale, at);
    } else {
        for (int64_t j = 0; j < n; ++j) store_some(tile.data + j * tile.step, at(j) * splat(scale), tile.count);
    }
}

// The first n / 2 + 1 places of the transform of n real numbers from that of the n / 2 complex ones they make.
template <class T>
void join_halves(const Transform<T>& t, const Element<T>* z, Element<T>* out) {
    const int64_t m = t.n / 2;
    out[0] = {z[0].re + z[0].im, Vec<T>{}};
    out[m] = {z[0].re - z[0].im, Vec<T>{}};
    for (int64_t k = 1; k <= m - k; ++k) {
        const Element<T> a = z[k], b = conj(z[m - k]);
        const Element<T> even = times(T(0.5), a + b), odd = turned(times(T(0.5), a - b), t.cosines[k], t.sines[k]);
        out[k] = minus_i(even, odd);
        out[m - k] = conj(plus_i(even, odd));
    }
}

// The reverse, with the parts exchanged, times n / 2.
template <class T>
void part_halves(const Transform<T>& t, const Element<T>* x, Element<T>* z) {
    const int64_t m = t.n / 2;
    z[0] = {x[0].re - x[m].re, x[0].re + x[m].re};
    for (int64_t k = 1; k <= m - k; ++k) {
        const Element<T> a = x[k], b = conj(x[m - k]);
        const Element<T> even = a + b, odd = turned(a - b, t.cosines[k], -t.sines[k]);
        const Element<T> one = plus_i(even, odd), other = conj(minus_i(even, odd));
        z[k] = {one.im, one.re};
        z[m - k] = {other.im, other.re};
    }
}

// One tile: `one` and `other` have room for n + 1 elements.
template <class T>
void transform_tile(const Transform<T>& t, const Tile<const T>& in, const Tile<T>& out, Element<T>* one, Element<T>* other) {
    const int64_t n = t.n, half = n / 2 + 1;
    const bool even = n % 2 == 0, halved = even && t.kind != Spectrum::complex;
    const Roots<T> roots{t.cosines, t.sines, halved ? 2 : 1, halved ? n / 2 : n};
    if (t.kind == Spectrum::complex) {
        read_complex(in, n, !t.forward, one);
        write_complex(out, n, !t.forward, t.scale, passes(t, roots, one, other));
        return;
    }
    if (t.kind == Spectrum::real) {
        read_complex(in, half, false, other);
        if (even) {
            part_halves(t, other, one);
        } else {
            one[0] = {Vec<T>{}, other[0].re};
            for (int64_t k = 1; k < half; ++k) {
                one[k] = {other[k].im, other[k].re};
                one[n - k] = {-other[k].im, other[k].re};
            }
        }
        write_real(out, n, t.scale, passes(t, roots, one, other));
        return;
    }
    read_real(in, n, one);
    Element<T>* done = passes(t, roots, one, other);
    if (even) {
        Element<T>* const joined = done == one ? other : one;
        join_halves(t, done, joined);
        done = joined;
    }
    const bool whole = t.kind == Spectrum::whole;
    if (whole && even) {
        for (int64_t k = half; k < n; ++k) done[k] = conj(done[n - k]);
    }
    write_complex(out, whole ? n : half, false, t.scale, done);
}

template <class T>
bool transform(const Transform<T>& t, const T* x, T* out) {
    constexpr int64_t L = lanes<T>;
    const int64_t n = t.n, half = n / 2 + 1;
    const bool in_rows = t.inner == 1;
    // Numbers of a row, and of a place.
    const int64_t from_size = t.kind == Spectrum::half || t.kind == Spectrum::whole ? 1 : 2;
    const int64_t to_size = t.kind == Spectrum::real ? 1 : 2;
    const int64_t from_row = from_size * (t.kind == Spectrum::real ? half : n);
    const int64_t to_row = to_size * (t.kind == Spectrum::half ? half : n);
    const int64_t groups = ((in_rows ? t.outer : t.inner) + L - 1) / L, tiles = in_rows ? groups : t.outer * groups;
    const int64_t room = n + 1;
    const int parts = parts_for(tiles, kGrain / (n * L) + 1);
    Scratch<T> scratch(static_cast<size_t>(parts) * 4 * L * room);
    T* const memory = scratch.get();
    if (!memory) return false;
    parallel_parts(parts, [=, &t](int part, int total) {
        auto* one = reinterpret_cast<Element<T>*>(memory + static_cast<int64_t>(part) * 4 * L * room);
        Element<T>* other = one + room;
        for (int64_t tile = tiles * part / total; tile < tiles * (part + 1) / total; ++tile) {
            const int64_t o = in_rows ? tile * L : tile / groups, i = in_rows ? 0 : tile % groups * L;
            const int64_t left = in_rows ? t.outer - o : t.inner - i, count = left < L ? left : L;
            const Tile<const T> in{x + o * from_row * t.inner + i * from_size, t.inner * from_size, from_row, count, in_rows};
            const Tile<T> to{out + o * to_row * t.inner + i * to_size, t.inner * to_size, to_row, count, in_rows};
            transform_tile(t, in, to, one, other);
        }
    });
    return true;
}

}  // namespace

const FourierKernels<float> fourier_f32 = {lanes<float>, transform<float>};
const FourierKernels<double> fourier_f64 = {lanes<double>, transform<double>};

}  // namespace rl::RL_ISA
