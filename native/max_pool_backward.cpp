// The gradient of the largest of windows, two ways. Where windows neither meet nor stick out, each row of the input is written
// once: the gradients where the byte of the window names the place, else zero, and the places by turns. Else, and where rows are
// short for it, outputs are added one after the other, at indices that vectors found for many of them. Threads share the planes.
#include "core/allocator.h"
#include "core/thread_pool.h"
#include "max_pool_parts.h"

namespace rl::RL_ISA {
namespace {

// A row of outputs, and the gradients that it gives to rows of the input. Of the outputs `readable` may be read, and lanes of the
// last vector that are the next row's are masked by `tail`.
template <class T>
struct Row {
    const T* gy;
    const uint8_t* places;
    int64_t readable;
    uint32_t tail;
};

template <class T, class B, class Put>
RL_INLINE void spread_vector(Vec<T> g, const Names<T>& names, int64_t kernel, int64_t at, int64_t width, Put put) {
    Vec<T> v[B::kStride];
#pragma GCC unroll 4
    for (int kx = 0; kx < B::kStride; ++kx) v[kx] = kx < kernel ? names.taken(g, kx) : Vec<T>{};
    put_interleaved<T, 0>(v, at, width, put);
}

// What the place that is called `first` and those after it get in a row of the input: STRIDE columns for each output, by turns.
template <class T, class B, class Put>
RL_INLINE void spread_row(const PoolShape& s, const Row<T>& row, int64_t first, Put put) {
    constexpr int L = lanes<T>, S = B::kStride;
    const int64_t kernel = B::kKernel ? B::kKernel : s.kernel[kWidth], outputs = s.out[kWidth], width = s.in[kWidth];
    int64_t ox = 0;
    for (; ox < outputs; ox += L) {
        Vec<T> g = load_n(row.gy + ox, row.readable - ox);
        if (ox + L > outputs) g = with_bits<T>(g, row.tail);
        const Names<T> names(row.places + ox, row.readable - ox, first);
        spread_vector<T, B>(g, names, kernel, ox * S, width, put);
    }
    for (int64_t at = ox * S; at < width; at += L) put(Vec<T>{}, at);
}

// The same for all `rows` of a window, where a row of outputs is a vector at most.
template <class T, class B>
RL_INLINE T* spread_short_rows(const PoolShape& s, const Row<T>& row, int64_t first, int64_t rows, T* to) {
    const int64_t kernel = B::kKernel ? B::kKernel : s.kernel[kWidth], width = s.in[kWidth];
    const Vec<T> g = with_bits<T>(load(row.gy), row.tail);
    Names<T> names(row.places, lanes<T>, first);
    for (int64_t ky = 0; ky < rows; ++ky, to += width, names.advance(kernel))
        spread_vector<T, B>(g, names, kernel, 0, width, [&](Vec<T> v, int64_t at) __attribute__((always_inline)) { store(to + at, v); });
    return to;
}

// Planes [plane, end) whose windows are apart: each row of outputs owns the rows of the input from its own first to the next one's.
// They are written in order, so vectors may run over into those that come after, but not into another thread's.
template <class T, class B>
void spread_planes(const PoolShape& shape, int64_t plane, int64_t end, const T* gy, const uint8_t* places, T* gx) {
    const PoolShape s = shape;
    const int64_t width = s.in[kWidth], height = s.in[kHeight], outputs = s.out[kWidth], slice = s.out[kHeight] * outputs;
    const int64_t kernel = s.kernel[kHeight], stride = s.stride[kHeight], whole = divide_up(width, lanes<T>) * lanes<T>;
    const uint32_t tail = outputs % lanes<T> ? (1u << outputs % lanes<T>) - 1 : ~0u;
    const bool is_short = outputs <= lanes<T> && width <= lanes<T> * B::kStride;
    const auto zero = [](T* to, int64_t count) { __builtin_memset(to, 0, static_cast<size_t>(count) * sizeof(T)); };
    T *to = gx + plane * elements(s.in), *const stop = gx + end * elements(s.in);
    Row<T> row = {gy, places, 0, tail};
    for (; plane < end; ++plane) {
        for (int64_t z = 0, oz = 0, kz = 0; z < s.in[kDepth]; ++z) {
            if (oz >= s.out[kDepth] || kz >= s.kernel[kDepth]) {
                zero(to, height * width), to += height * width;
            } else {
                const int64_t output = (plane * s.out[kDepth] + oz) * slice;
                row = {gy + output, places + output, s.planes * s.out[kDepth] * slice - output, tail};
                for (int64_t y = 0; y < height;) {
                    const int64_t left = height - y, rows = smaller(kernel, left), own = y + stride < s.out[kHeight] * stride ? stride : left;
                    int64_t first = kz * s.kernel[kHeight] * s.kernel[kWidth];
                    int64_t ky = 0;
                    if (is_short && row.readable >= lanes<T> && stop - to >= (rows - 1) * width + whole)
                        to = spread_short_rows<T, B>(s, row, first, rows, to), ky = rows;
                    for (; ky < rows; ++ky, to += width, first += s.kernel[kWidth]) {
                        if (stop - to >= whole)
                            spread_row<T, B>(s, row, first, [&](Vec<T> v, int64_t at) __attribute__((always_inline)) { store(to + at, v); });
                        else
                            spread_row<T, B>(s, row, first, [&](Vec<T> v, int64_t at) __attribute__((always_inline)) { store_n(to + at, v, width - at); });
                    }
                    if (own > rows) zero(to, (own - rows) * width), to += (own - rows) * width;
                    row.gy += outputs, row.places += outputs, row.readable -= outputs, y += own;
                }
            }
            if (++kz == s.stride[kDepth]) kz = 0, ++oz;
        }
    }
}

template <class T>
auto spread_planes_for(const PoolShape& s) -> void (*)(const PoolShape&, int64_t, int64_t, const T*, const uint8_t*, T*) {
    const int64_t stride = s.stride[kWidth];
    if (stride == 2 && s.kernel[kWidth] == 2) return spread_planes<T, Build<2, 2>>;
    return stride == 1 ? spread_planes<T, Build<1, 0>> : stride == 2 ? spread_planes<T, Build<2, 0>>
         : stride == 3 ? spread_planes<T, Build<3, 0>> : spread_planes<T, Build<4, 0>>;
}

constexpr int64_t kCleared = 1 << 13;  // elements that are cleared at a time
constexpr int64_t kIndexed = 512;      // outputs whose indices are found at a time

// How many planes are added together.
RL_INLINE int64_t planes_together(const PoolShape& s) {
    return larger(1, smaller(kIndexed / elements(s.out), kCleared / elements(s.in)));
}

// Gradients to the elements that their indices name, each added or, where no two name one, stored. Out of line and at the beginning of
// a cache line: where compilers put so small a loop makes a difference of a fourth.
template <class T, bool APART>
__attribute__((noinline, aligned(64))) void add_named(const uint32_t* at, const T* g, int64_t count, T* to) {
    for (int64_t j = 0; j < count; ++j) {
        if constexpr (APART) to[at[j]] = g[j];
        else to[at[j]] += g[j];
    }
}

// Planes [plane, end), one output after the other; small planes together. The indices of many outputs are found before the first
// is used: what was just stored is slow to load.
template <class T, bool APART>
void add_planes(const PoolShape& s, const PlaceIndices& indices, int64_t plane, int64_t end, const T* gy, const uint8_t* places, T* gx) {
    const int64_t size = elements(s.in), outputs = elements(s.out), together = planes_together(s);
    alignas(kVectorBytes) uint32_t at[kIndexed];
    for (; plane < end; plane += together) {
        const int64_t planes = smaller(together, end - plane), all = planes * outputs, from = plane * outputs, left = s.planes * outputs - from;
        T* const to = gx + plane * size;
        __builtin_memset(to, 0, static_cast<size_t>(planes * size) * sizeof(T));
        for (int64_t i = 0; i < all; i += kIndexed) {
            const int64_t count = smaller(kIndexed, all - i);
            for (int64_t j = 0; j < count; j += PlaceIndices::kLanes) {
                const auto found = indices.at(places + from + i + j, left - i - j, i + j, static_cast<uint32_t>(planes * size - 1));
                __builtin_memcpy(at + j, &found, sizeof found);
            }
            add_named<T, APART>(at, gy + from + i, count, to);
        }
    }
}

// The same where a window may lie between the elements of the input: its place is then the last element's.
template <class T>
void add_clipped(const PoolShape& s, const T* gy, const uint8_t* places, T* gx) {
    const auto within = [](int64_t at, int64_t size) { return larger(0, smaller(at, size - 1)); };
    __builtin_memset(gx, 0, static_cast<size_t>(elements(s.in)) * sizeof(T));
    for (int64_t oz = 0; oz < s.out[kDepth]; ++oz)
        for (int64_t oy = 0; oy < s.out[kHeight]; ++oy)
            for (int64_t ox = 0; ox < s.out[kWidth]; ++ox) {
                const int64_t place = *places++, kx = place % s.kernel[kWidth], rest = place / s.kernel[kWidth];
                const int64_t kz = rest / s.kernel[kHeight], ky = rest % s.kernel[kHeight];
                const int64_t z = within(oz * s.stride[kDepth] - s.padding[kDepth] + kz * s.dilation[kDepth], s.in[kDepth]);
                const int64_t y = within(oy * s.stride[kHeight] - s.padding[kHeight] + ky * s.dilation[kHeight], s.in[kHeight]);
                const int64_t x = within(ox * s.stride[kWidth] - s.padding[kWidth] + kx * s.dilation[kWidth], s.in[kWidth]);
                gx[(z * s.in[kHeight] + y) * s.in[kWidth] + x] += *gy++;
            }
}

// Whether windows neither meet nor stick out.
RL_INLINE bool are_apart(const PoolShape& s) {
    for (int axis = 0; axis < 3; ++axis)
        if (s.padding[axis] || (s.dilation[axis] > 1 && s.kernel[axis] > 1) || s.kernel[axis] > s.stride[axis]) return false;
    return true;
}

// Whether writing whole rows is less work than adding: in cycles for a plane, as measured.
template <class T>
bool prefers_rows(const PoolShape& s) {
    if (!are_apart(s)) return false;
    const int64_t stride = s.stride[kWidth], vectors = divide_up(divide_up(s.in[kWidth], stride), lanes<T>);
    const double writing = double(s.in[kDepth] * s.in[kHeight]) * double(3 + vectors * 4 * stride);
    return stride <= kMostStride && writing <= 2.8 * double(elements(s.out)) + double(elements(s.in)) / lanes<T> + 10;
}

template <class T>
PoolStatus add_all(const PoolShape& s, int64_t grain, const T* gy, const uint8_t* places, T* gx) {
    const int64_t size = elements(s.in), outputs = elements(s.out);
    if (between(s)) {
        parallel_for(s.planes, grain, [&](int64_t i, int64_t end) {
            for (; i < end; ++i) add_clipped(s, gy + i * outputs, places + i * outputs, gx + i * size);
        });
        return PoolStatus::ok;
    }
    const PlaceIndices indices(s, planes_together(s));
    if (!indices.begins.get()) return PoolStatus::no_memory;
    const auto run = are_apart(s) ? add_planes<T, true> : add_planes<T, false>;
    parallel_for(s.planes, grain, [&](int64_t i, int64_t end) { run(s, indices, i, end, gy, places, gx); });
    return PoolStatus::ok;
}

template <class T>
PoolStatus max_backward(const PoolShape& s, const T* gy, const uint8_t* places, T* gx) {
    const int64_t grain = kGrain / (elements(s.out) + elements(s.in) / 8 + 1) + 1;
    if (prefers_rows<T>(s)) {
        const auto run = spread_planes_for<T>(s);
        parallel_for(s.planes, grain, [&](int64_t plane, int64_t end) { run(s, plane, end, gy, places, gx); });
        return PoolStatus::ok;
    }
    return add_all(s, grain, gy, places, gx);
}

template <class T>
PoolStatus scatter(int64_t planes, int64_t outputs, int64_t size, const T* grad, const int64_t* indices, T* x) {
    bool wrong = false;
    parallel_for(planes, kGrain / (outputs + size / 8 + 1) + 1, [&](int64_t plane, int64_t end) {
        bool bad = false;
        for (; plane < end; ++plane) {
            T* to = x + plane * size;
            for (int64_t i = 0; i < size; ++i) to[i] = T(0);
            const T* g = grad + plane * outputs;
            const int64_t* index = indices + plane * outputs;
            for (int64_t i = 0; i < outputs; ++i) {
                const int64_t at = index[i];  // read once: what is checked is what is used
                if (static_cast<uint64_t>(at) < static_cast<uint64_t>(size)) to[at] += g[i];
                else bad = true;
            }
        }
        if (bad) __atomic_store_n(&wrong, true, __ATOMIC_RELAXED);
    });
    return wrong ? PoolStatus::bad_index : PoolStatus::ok;
}

}  // namespace

const MaxPoolBackwardKernels<float> max_pool_backward_f32 = {max_backward<float>, scatter<float>};
const MaxPoolBackwardKernels<double> max_pool_backward_f64 = {max_backward<double>, scatter<double>};

}  // namespace rl::RL_ISA
