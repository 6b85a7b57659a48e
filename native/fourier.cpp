// Discrete Fourier transforms of many rows. As many rows as a vector has lanes are read together, transposed, so that a lane is a
// row (of a dimension other than the last the lanes are neighbours in memory); the passes of fourier_passes.h follow; the result is
// scaled and transposed back. A transform the other way is the forward one with real and imaginary parts exchanged before and
// after. An even number of real numbers is read as half as many complex ones, whose transform holds that of the even and that of
// the odd places; their combination is a pass of its own.
#include "fourier.h"

#include "core/allocator.h"
#include "core/thread_pool.h"
#include "core/tile.h"
#include "core/vec_strided.h"
#include "fourier_passes.h"

namespace rl::RL_ISA {
namespace {

constexpr int64_t kGrain = 1 << 13;  // numbers for which a second thread pays

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
        transpose_rows(tile.data, tile.lane_step, 2 * places, tile.count, [=](int64_t c, Vec<T> v) { vectors[c ^ flip] = v; });
        return;
    }
    for (int64_t j = 0; j < places; ++j) {
        const T* from = tile.data + j * tile.step;
        const Vec<T> a = load_n(from, 2 * tile.count), b = load_n(from + lanes<T>, 2 * tile.count - lanes<T>);
        const Vec<T> re = every_nth<T, 2, 0>({a, b}), im = every_nth<T, 2, 1>({a, b});
        to[j] = exchange ? Element<T>{im, re} : Element<T>{re, im};
    }
}

template <class T>
RL_INLINE void write_complex(const Tile<T>& tile, int64_t places, bool exchange, T scale, const Element<T>* from) {
    if (tile.in_rows) {
        const auto* vectors = reinterpret_cast<const Vec<T>*>(from);
        const int64_t flip = exchange ? 1 : 0;
        restore_rows(tile.data, tile.lane_step, 2 * places, tile.count, [=](int64_t c) { return vectors[c ^ flip] * scale; });
        return;
    }
    for (int64_t j = 0; j < places; ++j) {
        T* to = tile.data + j * tile.step;
        const Vec<T> re = (exchange ? from[j].im : from[j].re) * splat(scale);
        const Vec<T> im = (exchange ? from[j].re : from[j].im) * splat(scale);
        store_n(to, interleaved<T, 2, 0>({re, im}), 2 * tile.count);
        store_n(to + lanes<T>, interleaved<T, 2, 1>({re, im}), 2 * tile.count - lanes<T>);
    }
}

// n real numbers a lane: of an even n as the parts of n / 2 complex ones, else with an imaginary part of 0.
template <class T>
RL_INLINE void read_real(const Tile<const T>& tile, int64_t n, Element<T>* to) {
    const int64_t apart = n % 2 ? 2 : 1;
    auto* vectors = reinterpret_cast<Vec<T>*>(to);
    if (tile.in_rows) {
        transpose_rows(tile.data, tile.lane_step, n, tile.count, [=](int64_t c, Vec<T> v) { vectors[c * apart] = v; });
    } else {
        for (int64_t j = 0; j < n; ++j) vectors[j * apart] = load_n(tile.data + j * tile.step, tile.count);
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
        restore_rows(tile.data, tile.lane_step, n, tile.count, [=](int64_t c) { return at(c) * scale; });
    } else {
        for (int64_t j = 0; j < n; ++j) store_n(tile.data + j * tile.step, at(j) * splat(scale), tile.count);
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
