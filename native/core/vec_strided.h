// Vectors of every n-th element of memory, and back. Kernel files only, as vec.h.
#pragma once

#include "vec.h"

namespace rl::RL_ISA {
namespace {

// What a step of every_nth() puts into lane i: of the vectors so far (lanes [0, L)) or of vector k (after them).
constexpr int nth_lane(int i, int n, int first, int k, int L) {
    const int from = i * n + first;
    return from / L == k ? L + from % L : k == 1 ? from % L : i;
}

template <class T, int N, int FIRST, int K, int... I>
RL_INLINE Vec<T> every_nth_of(const Vec<T>* v, Vec<T> found, std::integer_sequence<int, I...> all) {
    if constexpr (K == N) return found;
    else {
        using Lanes = std::integer_sequence<int, nth_lane(I, N, FIRST, K, lanes<T>)...>;
        return every_nth_of<T, N, FIRST, K + 1>(v, pick<T>(found, v[K], Lanes{}), all);
    }
}

// Elements FIRST, FIRST + N, … of N vectors that follow one another.
template <class T, int N, int FIRST>
RL_INLINE Vec<T> every_nth(const Vec<T> (&v)[N]) {
    return every_nth_of<T, N, FIRST, 1>(v, v[0], std::make_integer_sequence<int, lanes<T>>{});
}

// What a step of interleaved() puts into lane i of vector `which`: of the vectors so far, or of vector k.
constexpr int turn_lane(int i, int n, int which, int k, int L) {
    const int to = which * L + i;
    return to % n == k ? L + to / n : k == 1 ? to / n % L : i;
}

template <class T, int N, int WHICH, int K, int... I>
RL_INLINE Vec<T> interleaved_of(const Vec<T>* v, Vec<T> found, std::integer_sequence<int, I...> all) {
    if constexpr (K == N) return found;
    else {
        using Lanes = std::integer_sequence<int, turn_lane(I, N, WHICH, K, lanes<T>)...>;
        return interleaved_of<T, N, WHICH, K + 1>(v, pick<T>(found, v[K], Lanes{}), all);
    }
}

// The lanes of N vectors by turns: vector WHICH of the N that they make.
template <class T, int N, int WHICH>
RL_INLINE Vec<T> interleaved(const Vec<T> (&v)[N]) {
    return interleaved_of<T, N, WHICH, 1>(v, v[0], std::make_integer_sequence<int, lanes<T>>{});
}

}  // namespace
}  // namespace rl::RL_ISA
