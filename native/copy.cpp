// Copies between two orders in memory. Dimensions are taken in the result's order and those that are one in both are merged.
// What is left is rows that lie dense in both; or rows dense in the result and columns dense in the source, which
// move in square blocks that are transposed in registers, so that whole cache lines are read and written; or rows that repeat
// one element each, as the gradient of a sum does; or anything.
#include "copy.h"

#include "core/stream.h"
#include "core/thread_pool.h"
#include "core/vec_strided.h"

namespace rl::RL_ISA {
namespace {

constexpr int64_t kGrain = 1 << 14;  // elements for which a second thread pays
constexpr int64_t kStrip = 64;       // columns of a strip of blocks: the source's lines stay in the first-level cache

RL_INLINE int64_t magnitude(int64_t a) { return a < 0 ? -a : a; }

// Without dimensions of one element, the others by falling stride of the result, merged where both allow.
template <class T>
CopyJob<T> simplified(const CopyJob<T>& job) {
    CopyJob<T> s = {0, {}, {}, {}, job.out, job.in};
    for (int d = 0; d < job.dims; ++d) {
        if (job.shape[d] == 1) continue;
        int at = s.dims++;
        for (; at > 0 && magnitude(s.to[at - 1]) < magnitude(job.to[d]); --at) {
            s.shape[at] = s.shape[at - 1], s.to[at] = s.to[at - 1], s.from[at] = s.from[at - 1];
        }
        s.shape[at] = job.shape[d], s.to[at] = job.to[d], s.from[at] = job.from[d];
    }
    int last = 0;
    for (int d = 1; d < s.dims; ++d) {
        if (s.to[last] == s.shape[d] * s.to[d] && s.from[last] == s.shape[d] * s.from[d]) {
            s.shape[last] *= s.shape[d];
        } else {
            ++last;
            s.shape[last] = s.shape[d];
        }
        s.to[last] = s.to[d], s.from[last] = s.from[d];
    }
    if (s.dims) s.dims = last + 1;
    return s;
}

// Takes a dimension to the end.
template <class T>
void move_last(CopyJob<T>& s, int d) {
    const int64_t shape = s.shape[d], to = s.to[d], from = s.from[d];
    for (; d + 1 < s.dims; ++d) s.shape[d] = s.shape[d + 1], s.to[d] = s.to[d + 1], s.from[d] = s.from[d + 1];
    s.shape[d] = shape, s.to[d] = to, s.from[d] = from;
}

// body(out, in) for the places begin ... end of the first `dims` dimensions, in order.
template <class T, class Body>
RL_INLINE void each_place(const CopyJob<T>& s, int dims, int64_t begin, int64_t end, Body body) {
    int64_t index[kCopyDims] = {}, to = 0, from = 0, rest = begin;
    for (int d = dims - 1; d >= 0; --d) {
        index[d] = rest % s.shape[d], rest /= s.shape[d];
        to += index[d] * s.to[d], from += index[d] * s.from[d];
    }
    for (int64_t i = begin; i < end; ++i) {
        body(s.out + to, s.in + from);
        for (int d = dims - 1; d >= 0; --d) {
            to += s.to[d], from += s.from[d];
            if (++index[d] < s.shape[d]) break;
            index[d] = 0, to -= s.shape[d] * s.to[d], from -= s.shape[d] * s.from[d];
        }
    }
}

template <class T>
int64_t places(const CopyJob<T>& s, int dims) {
    int64_t count = 1;
    for (int d = 0; d < dims; ++d) count *= s.shape[d];
    return count;
}

template <class T>
RL_INLINE void copy_row(T* out, const T* in, int64_t n) {
    int64_t i = 0;
    for (; i + lanes<T> <= n; i += lanes<T>) store(out + i, load(in + i));
    if (i < n) store_part(out + i, load_part(in + i, n - i), n - i);
}

template <class T>
void copy_rows(const CopyJob<T>& s) {
    const int64_t n = s.shape[s.dims - 1];
    if (s.dims == 1) {
        const bool past_caches = exceeds_caches(2 * n * static_cast<int64_t>(sizeof(T)));
        parallel_for(n, kGrain, [&](int64_t begin, int64_t end) {
            write_vectors(s.out, begin, end, past_caches, [=](int64_t i) { return load(s.in + i); },
                          [=](int64_t i, int64_t rest) { return load_part(s.in + i, rest); });
        });
        return;
    }
    parallel_for(places(s, s.dims - 1), kGrain / n + 1, [&](int64_t begin, int64_t end) {
        each_place(s, s.dims - 1, begin, end, [=](T* out, const T* in) { copy_row(out, in, n); });
    });
}

// Rows that are dense in the result and of one element each in the source.
template <class T>
void copy_repeated(const CopyJob<T>& s) {
    const int64_t n = s.shape[s.dims - 1];
    const auto fill = [](T* out, const T* in, int64_t count) {
        T element;
        __builtin_memcpy(&element, in, sizeof(T));
        Vec<T> all;
        for (int k = 0; k < lanes<T>; ++k) all[k] = element;
        int64_t i = 0;
        for (; i + lanes<T> <= count; i += lanes<T>) store(out + i, all);
        if (i < count) store_part(out + i, all, count - i);
    };
    if (s.dims == 1) {
        parallel_for(n, kGrain, [&](int64_t begin, int64_t end) { fill(s.out + begin, s.in, end - begin); });
        return;
    }
    parallel_for(places(s, s.dims - 1), kGrain / n + 1, [&](int64_t begin, int64_t end) {
        each_place(s, s.dims - 1, begin, end, [=](T* out, const T* in) { fill(out, in, n); });
    });
}

// out[r * rows + c] = in[c * columns + r] for one block of at most lanes x lanes.
template <class T>
RL_INLINE void turn_block(T* out, int64_t rows, const T* in, int64_t columns, int64_t height, int64_t width) {
    Vec<T> block[lanes<T>];
    if (height == lanes<T> && width == lanes<T>) {
#pragma GCC unroll 16
        for (int c = 0; c < lanes<T>; ++c) block[c] = load(in + c * columns);
        transpose<T>(block);
#pragma GCC unroll 16
        for (int r = 0; r < lanes<T>; ++r) store(out + r * rows, block[r]);
        return;
    }
    for (int64_t r = 0; r < height; ++r) {
        for (int64_t c = 0; c < width; ++c) __builtin_memcpy(out + r * rows + c, in + c * columns + r, sizeof(T));
    }
}

// Pairs of elements into two rows, or two rows into pairs: the last two dimensions of blocks of pixels, and of complex numbers.
template <class T>
RL_INLINE void part_pairs(T* out, int64_t rows, const T* in, int64_t n) {
    for (int64_t i = 0; i < n; i += lanes<T>) {
        const Vec<T> a = load_n(in + 2 * i, 2 * (n - i)), b = load_n(in + 2 * i + lanes<T>, 2 * (n - i) - lanes<T>);
        store_n(out + i, every_nth<T, 2, 0>({a, b}), n - i);
        store_n(out + rows + i, every_nth<T, 2, 1>({a, b}), n - i);
    }
}
template <class T>
RL_INLINE void join_pairs(T* out, const T* in, int64_t columns, int64_t n) {
    for (int64_t i = 0; i < n; i += lanes<T>) {
        const Vec<T> a = load_n(in + i, n - i), b = load_n(in + columns + i, n - i);
        store_n(out + 2 * i, interleaved<T, 2, 0>({a, b}), 2 * (n - i));
        store_n(out + 2 * i + lanes<T>, interleaved<T, 2, 1>({a, b}), 2 * (n - i) - lanes<T>);
    }
}

// The last two dimensions: rows (dense in the source), then columns (dense in the result).
template <class T>
void copy_turned(const CopyJob<T>& s) {
    const int outer = s.dims - 2;
    const int64_t height = s.shape[outer], width = s.shape[outer + 1], rows = s.to[outer], columns = s.from[outer + 1];
    const int64_t count = places(s, outer), grain = kGrain / (smaller(height, kStrip) * width) + 1;
    const auto turn = [=](T* out, const T* in, int64_t first, int64_t last) {
        for (int64_t c = 0; c < width; c += lanes<T>) {
            for (int64_t r = first; r < last; r += lanes<T>) {
                turn_block(out + r * rows + c, rows, in + c * columns + r, columns, smaller(lanes<T>, last - r),
                           smaller(lanes<T>, width - c));
            }
        }
    };
    const auto each = [&](auto body) {
        parallel_for(count, grain, [&](int64_t begin, int64_t end) { each_place(s, outer, begin, end, body); });
    };
    if (height == 2 && columns == 2) return each([=](T* out, const T* in) { part_pairs(out, rows, in, width); });
    if (width == 2 && rows == 2) return each([=](T* out, const T* in) { join_pairs(out, in, columns, height); });
    if (height <= kStrip) return each([=](T* out, const T* in) { turn(out, in, 0, height); });
    const int64_t strips = divide_up(height, kStrip);
    parallel_for(count * strips, grain, [&](int64_t begin, int64_t end) {
        for (int64_t unit = begin; unit < end; ++unit) {
            const int64_t first = unit % strips * kStrip, last = smaller(first + kStrip, height);
            each_place(s, outer, unit / strips, unit / strips + 1, [=](T* out, const T* in) { turn(out, in, first, last); });
        }
    });
}

template <class T>
void copy_any(const CopyJob<T>& s) {
    const int64_t n = s.shape[s.dims - 1], to = s.to[s.dims - 1], from = s.from[s.dims - 1];
    parallel_for(places(s, s.dims - 1), kGrain / n + 1, [&](int64_t begin, int64_t end) {
        each_place(s, s.dims - 1, begin, end, [=](T* out, const T* in) {
            for (int64_t i = 0; i < n; ++i) __builtin_memcpy(out + i * to, in + i * from, sizeof(T));
        });
    });
}

template <class T>
void copy(const CopyJob<T>& job) {
    CopyJob<T> s = simplified(job);
    if (s.dims == 0) {
        __builtin_memcpy(s.out, s.in, sizeof(T));
        return;
    }
    const int last = s.dims - 1;
    const bool dense = s.to[last] == 1;
    if (dense && s.from[last] == 1) return copy_rows(s);
    if (dense && s.from[last] == 0) return copy_repeated(s);
    for (int d = 0; dense && d < last; ++d) {
        if (s.from[d] != 1) continue;
        move_last(s, d);
        move_last(s, last - 1);
        return copy_turned(s);
    }
    // Of two neighbouring dimensions the longer one makes the loop: the shorter may be a few pixels of a block.
    if (last > 0 && s.shape[last] < s.shape[last - 1]) move_last(s, last - 1);
    copy_any(s);
}

// Threads share the result's elements, whatever the pieces' lengths: a run ends where a piece's row, a thread's share does.
template <class T>
void join(const JoinJob<T>& job) {
    const int64_t n = job.rows * job.length;
    const bool past_caches = job.rows == 1 && exceeds_caches(2 * n * static_cast<int64_t>(sizeof(T)));
    parallel_for(n, kGrain, [=](int64_t i, int64_t end) {
        int64_t row = i / job.length, place = i % job.length;
        const Piece<T>* piece = job.pieces;
        for (; place >= piece->length; ++piece) place -= piece->length;
        while (i < end) {
            const int64_t count = smaller(piece->length - place, end - i);
            const T* in = piece->in + row * piece->length + place;
            T* out = job.out + i;
            write_vectors(out, 0, count, past_caches, [=](int64_t k) { return load(in + k); },
                          [=](int64_t k, int64_t rest) { return load_part(in + k, rest); });
            i += count, place = 0;
            ++piece;
            if (i == (row + 1) * job.length) ++row, piece = job.pieces;
        }
    });
}

// Each row is a stretch that is copied beside one of zeros.
template <class T>
void triangle(const T* x, T* out, int64_t matrices, int64_t rows, int64_t columns, int64_t diagonal, bool lower) {
    parallel_for(matrices * rows, kGrain / (columns + 1) + 1, [=](int64_t i, int64_t end) {
        for (; i < end; ++i) {
            const int64_t first = i % rows + diagonal + (lower ? 1 : 0);  // where the one part ends and the other begins
            const int64_t cut = first < 0 ? 0 : smaller(first, columns), rest = columns - cut;
            const T* from = x + i * columns;
            T* to = out + i * columns;
            if (lower) {
                __builtin_memcpy(to, from, cut * sizeof(T));
                __builtin_memset(to + cut, 0, rest * sizeof(T));
            } else {
                __builtin_memset(to, 0, cut * sizeof(T));
                __builtin_memcpy(to + cut, from + cut, rest * sizeof(T));
            }
        }
    });
}

}  // namespace

const CopyKernels<float> copy_f32 = {copy<float>, join<float>, triangle<float>};
const CopyKernels<double> copy_f64 = {copy<double>, join<double>, triangle<double>};

}  // namespace rl::RL_ISA
