// The passes of a discrete Fourier transform by mixed radices (Stockham's, which leaves the places in order). An element is a place
// of as many transforms as a vector has lanes, so passes have no shuffles and one broadcast factor for all lanes.
#pragma once

#include "core/vec.h"
#include "fourier.h"

namespace rl::RL_ISA {
namespace {

template <class T>
struct Element {
    Vec<T> re, im;
};

template <class T>
RL_INLINE Element<T> operator+(Element<T> a, Element<T> b) {
    return {a.re + b.re, a.im + b.im};
}
template <class T>
RL_INLINE Element<T> operator-(Element<T> a, Element<T> b) {
    return {a.re - b.re, a.im - b.im};
}
// a + c * b, for a real c.
template <class T>
RL_INLINE Element<T> plus_times(Element<T> a, T c, Element<T> b) {
    return {fmadd<T>(splat(c), b.re, a.re), fmadd<T>(splat(c), b.im, a.im)};
}
template <class T>
RL_INLINE Element<T> times(T c, Element<T> a) {
    return {splat(c) * a.re, splat(c) * a.im};
}
// a - i b and a + i b.
template <class T>
RL_INLINE Element<T> minus_i(Element<T> a, Element<T> b) {
    return {a.re + b.im, a.im - b.re};
}
template <class T>
RL_INLINE Element<T> plus_i(Element<T> a, Element<T> b) {
    return {a.re - b.im, a.im + b.re};
}
template <class T>
RL_INLINE Element<T> conj(Element<T> a) {
    return {a.re, -a.im};
}
// a times the number c + i s.
template <class T>
RL_INLINE Element<T> turned(Element<T> a, T c, T s) {
    const Vec<T> cosine = splat(c), sine = splat(s);
    return {fmadd<T>(a.re, cosine, -(a.im * sine)), fmadd<T>(a.re, sine, a.im * cosine)};
}

// The transform of P elements: b[k] = Σ a[j] exp(-2πi jk / P). For an odd P the elements are paired with their mirror images; its
// cosines and sines are every `unit`-th of the roots.
template <int P, class T>
RL_INLINE void butterfly(Element<T> (&a)[P], const T* cosines, const T* sines, int64_t unit) {
    if constexpr (P == 2) {
        const Element<T> b = a[1];
        a[1] = a[0] - b;
        a[0] = a[0] + b;
    } else if constexpr (P == 4) {
        const Element<T> s = a[0] + a[2], d = a[0] - a[2], u = a[1] + a[3], v = a[1] - a[3];
        a[0] = s + u;
        a[1] = minus_i(d, v);
        a[2] = s - u;
        a[3] = plus_i(d, v);
    } else if constexpr (P == 8) {
        Element<T> even[4] = {a[0], a[2], a[4], a[6]}, odd[4] = {a[1], a[3], a[5], a[7]};
        butterfly<4>(even, cosines, sines, unit);
        butterfly<4>(odd, cosines, sines, unit);
        constexpr T half = T(0.70710678118654752440);
        const Element<T> zero{};
        const Element<T> first = times(half, minus_i(odd[1], odd[1])), second = minus_i(zero, odd[2]);
        const Element<T> third = times(-half, plus_i(odd[3], odd[3]));
        a[0] = even[0] + odd[0];
        a[4] = even[0] - odd[0];
        a[1] = even[1] + first;
        a[5] = even[1] - first;
        a[2] = even[2] + second;
        a[6] = even[2] - second;
        a[3] = even[3] + third;
        a[7] = even[3] - third;
    } else {
        constexpr int H = (P - 1) / 2;
        const Element<T> first = a[0];
        Element<T> sums[H], differences[H];
        Element<T> total = first;
#pragma GCC unroll 8
        for (int j = 0; j < H; ++j) {
            sums[j] = a[j + 1] + a[P - 1 - j];
            differences[j] = a[j + 1] - a[P - 1 - j];
            total = total + sums[j];
        }
        a[0] = total;
#pragma GCC unroll 8
        for (int k = 1; k <= H; ++k) {
            Element<T> u = first, v{};
#pragma GCC unroll 8
            for (int j = 1; j <= H; ++j) {
                const int64_t root = (j * k % P) * unit;
                u = plus_times(u, cosines[root], sums[j - 1]);
                v = plus_times(v, -sines[root], differences[j - 1]);
            }
            a[k] = minus_i(u, v);
            a[P - k] = plus_i(u, v);
        }
    }
}

// The roots of unity of a transform of `length` elements are every `unit`-th of these.
template <class T>
struct Roots {
    const T *cosines, *sines;
    int64_t unit, length;
};

// One pass: `before` is the product of the factors of the passes before. Element i of block k of the P inputs meets the others in a
// butterfly, and the results are turned by the roots of their place.
template <int P, class T>
void pass(const Element<T>* in, Element<T>* out, int64_t before, const Roots<T>& roots) {
    const int64_t after = roots.length / (before * P), own = roots.unit * (roots.length / P);
    const T *cosines = roots.cosines, *sines = roots.sines;
    for (int64_t i = 0; i < after; ++i) {
        T c[P], s[P];
        for (int m = 0; m < P; ++m) {
            const int64_t root = m * i * before * roots.unit;
            c[m] = cosines[root];
            s[m] = sines[root];
        }
        for (int64_t k = 0; k < before; ++k) {
            Element<T> a[P];
            const Element<T>* from = in + i + after * P * k;
            Element<T>* to = out + i + after * k;
#pragma GCC unroll 16
            for (int m = 0; m < P; ++m) a[m] = from[after * m];
            butterfly<P>(a, cosines, sines, own);
            to[0] = a[0];
            if (i == 0) {
#pragma GCC unroll 16
                for (int m = 1; m < P; ++m) to[after * before * m] = a[m];
            } else {
#pragma GCC unroll 16
                for (int m = 1; m < P; ++m) to[after * before * m] = turned(a[m], c[m], s[m]);
            }
        }
    }
}

// The forward transform of the elements in `one`; where the result is, `other` being scratch memory.
template <class T>
Element<T>* passes(const Transform<T>& t, const Roots<T>& roots, Element<T>* one, Element<T>* other) {
    int64_t before = 1;
    for (int f = 0; f < t.factor_count; ++f) {
        const int factor = t.factors[f];
        switch (factor) {
            case 2: pass<2>(one, other, before, roots); break;
            case 3: pass<3>(one, other, before, roots); break;
            case 4: pass<4>(one, other, before, roots); break;
            case 5: pass<5>(one, other, before, roots); break;
            case 7: pass<7>(one, other, before, roots); break;
            case 8: pass<8>(one, other, before, roots); break;
            case 11: pass<11>(one, other, before, roots); break;
            case 13: pass<13>(one, other, before, roots); break;
        }
        before *= factor;
        Element<T>* const done = other;
        other = one;
        one = done;
    }
    return one;
}

}  // namespace
}  // namespace rl::RL_ISA
