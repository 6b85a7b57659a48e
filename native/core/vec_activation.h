// Sigmoid and tanh on vectors. Kernel files only, as vec.h.
#pragma once

#include "vec_math.h"

namespace rl::RL_ISA {
namespace {

template <class T>
RL_INLINE Vec<T> sigmoid_of(Vec<T> x) {
    return T(1) / (T(1) + exp<T, true>(-x));
}

// tanh x - x over x for |x| < 0.625, after Cephes: a polynomial in x², and for doubles a quotient of two.
RL_INLINE Vec<float> tanh_excess(Vec<float> square) {
    Vec<float> p = splat(-5.70498872745e-3f);
    p = fmadd<float>(p, square, splat(2.06390887954e-2f));
    p = fmadd<float>(p, square, splat(-5.37397155531e-2f));
    p = fmadd<float>(p, square, splat(1.33314422036e-1f));
    p = fmadd<float>(p, square, splat(-3.33332819422e-1f));
    return p * square;
}

RL_INLINE Vec<double> tanh_excess(Vec<double> square) {
    Vec<double> p = splat(-9.64399179425052238628e-1), q = square + 1.12811678491632931402e2;
    p = fmadd<double>(p, square, splat(-9.92877231001918586564e1));
    p = fmadd<double>(p, square, splat(-1.61468768441708447952e3));
    q = fmadd<double>(q, square, splat(2.23548839060100448583e3));
    q = fmadd<double>(q, square, splat(4.84406305325125486048e3));
    return square * p / q;
}

// Near 0 by the above, elsewhere 1 - 2 / (e^2|x| + 1).
template <class T>
RL_INLINE Vec<T> tanh_of(Vec<T> x) {
    const Vec<T> size = x < 0 ? -x : x;
    const Vec<T> low = fmadd<T>(tanh_excess(x * x), x, x);
    const Vec<T> far = T(1) - T(2) / (exp<T>(size + size) + T(1));
    return size < T(0.625) ? low : x < 0 ? -far : far;
}

}  // namespace
}  // namespace rl::RL_ISA
