// Means of windows. Each plane is first copied into scratch with its columns sorted by their residue modulo the stride and the
// padding filled in, so that every place of the window is a plain vector load; then vectors of output columns run over the places
// of their windows. Backward adds into a plane at a time, one output after the other. Threads share the planes.
#include "pool.h"

#include "core/allocator.h"
#include "core/thread_pool.h"
#include "core/vec_bits.h"

namespace rl::RL_ISA {
namespace {

constexpr int64_t kGrain = 1 << 14;  // window places for which a second thread pays

// A plane in scratch, [row][phase][column], and where the columns of the window lie in its rows.
template <class T>
struct Scene {
    const PoolShape& s;
    int64_t phase_width, row_size, padded_cols;
    T* plane;
    const int64_t* shifts;  // of place kx of the window, for output column 0

    explicit Scene(const PoolShape& shape) : s(shape) {
        padded_cols = divide_up(s.out[kWidth], lanes<T>) * lanes<T>;
        const int64_t reach = (s.kernel[kWidth] - 1) * s.dilation[kWidth] / s.stride[kWidth];
        phase_width = divide_up(padded_cols + reach, lanes<T>) * lanes<T>;
        row_size = s.stride[kWidth] * phase_width;
        plane = nullptr, shifts = nullptr;
    }
    int64_t size() const { return s.in[kHeight] * row_size + 2 * lanes<T>; }
    int64_t shift_of(int64_t kx) const {
        const int64_t shift = kx * s.dilation[kWidth];
        return shift % s.stride[kWidth] * phase_width + shift / s.stride[kWidth];
    }
    const T* place(int64_t row, int64_t kx) const { return plane + row * row_size + shifts[kx]; }
};

// Column j of phase p is column -padding + j * stride + p of the source.
template <class T>
void pack_row(const Scene<T>& scene, const T* from, T* to, T fill) {
    const int64_t stride = scene.s.stride[kWidth], width = scene.s.in[kWidth], first = -scene.s.padding[kWidth], size = scene.phase_width;
    if (stride == 1) return copy_row(from, width, first, to, size, fill);
    if (stride == 2) return part_row(from, width, first, to, size, size, fill);
    for (int64_t p = 0; p < stride; ++p, to += size) {
        const int64_t column = first + p;
        const int64_t before = smaller(column < 0 ? divide_up(-column, stride) : 0, size);
        const int64_t stop = larger(before, smaller(column < width ? divide_up(width - column, stride) : 0, size));
        for (int64_t j = 0; j < before; ++j) to[j] = fill;
        for (int64_t j = before; j < stop; ++j) to[j] = from[column + j * stride];
        for (int64_t j = stop; j < size; ++j) to[j] = fill;
    }
}

template <class T>
void pack_plane(const Scene<T>& scene, const T* x, T fill) {
    for (int64_t r = 0; r < scene.s.in[kHeight]; ++r) pack_row(scene, x + r * scene.s.in[kWidth], scene.plane + r * scene.row_size, fill);
}

// Steps of a dilation that n elements take; most often each is one, and a division costs as much as a small row.
RL_INLINE int64_t steps(int64_t n, int64_t dilation) { return dilation == 1 ? n : divide_up(n, dilation); }

// Elements of a window along an axis that lie inside the input: places [low, high).
RL_INLINE void inside(int64_t begin, int64_t size, int64_t kernel, int64_t dilation, int64_t& low, int64_t& high) {
    low = begin < 0 ? steps(-begin, dilation) : 0;
    high = begin < size ? smaller(kernel, steps(size - begin, dilation)) : 0;
}

RL_INLINE int64_t places(const PoolShape& s) { return s.planes * s.out[kHeight] * s.out[kWidth] * s.kernel[kHeight] * s.kernel[kWidth]; }

// body(plane, scene) for all planes, each thread with its own scratch.
template <class T, class Body>
RL_INLINE PoolStatus each_plane(const PoolShape& s, Body body) {
    Scene<T> scene(s);
    const int parts = static_cast<int>(smaller(parts_for(places(s), kGrain), s.planes));
    Scratch<T> scratch(static_cast<size_t>(parts * scene.size()));
    Scratch<int64_t> shifts(static_cast<size_t>(s.kernel[kWidth]));
    if (!scratch.get() || !shifts.get()) return PoolStatus::no_memory;
    for (int64_t kx = 0; kx < s.kernel[kWidth]; ++kx) shifts.get()[kx] = scene.shift_of(kx);
    scene.shifts = shifts.get();
    T* const base = scratch.get();
    parallel_parts(parts, [&](int part, int count) {
        Scene<T> own = scene;
        own.plane = base + part * scene.size();
        for (int64_t i = s.planes * part / count; i < s.planes * (part + 1) / count; ++i) body(i, own);
    });
    return PoolStatus::ok;
}

// How many elements the window of output `o` counts along an axis.
RL_INLINE int64_t counted(const PoolShape& s, int axis, int64_t o, bool include_pad) {
    const int64_t begin = o * s.stride[axis] - s.padding[axis];
    const int64_t end = smaller(begin + s.kernel[axis], s.in[axis] + s.padding[axis]);
    return include_pad ? end - begin : smaller(end, s.in[axis]) - larger(begin, 0);
}

// What the outputs of each column are divided by, before the rows' factor.
template <class T>
void column_counts(const PoolShape& s, bool include_pad, int64_t divisor, T* counts, int64_t columns) {
    for (int64_t ox = 0; ox < columns; ++ox) {
        counts[ox] = ox >= s.out[kWidth] ? T(1) : divisor ? static_cast<T>(divisor) : static_cast<T>(counted(s, kWidth, ox, include_pad));
    }
}

template <class T>
void average_plane(const Scene<T>& scene, const T* counts, bool include_pad, int64_t divisor, T* y) {
    const PoolShape& s = scene.s;
    for (int64_t oy = 0; oy < s.out[kHeight]; ++oy) {
        const int64_t begin = oy * s.stride[kHeight] - s.padding[kHeight];
        int64_t low, high;
        inside(begin, s.in[kHeight], s.kernel[kHeight], 1, low, high);
        const T rows = divisor ? T(1) : static_cast<T>(counted(s, kHeight, oy, include_pad));
        for (int64_t ox = 0; ox < s.out[kWidth]; ox += lanes<T>) {
            Vec<T> total{};
            for (int64_t ky = low; ky < high; ++ky) {
                for (int64_t kx = 0; kx < s.kernel[kWidth]; ++kx) total += load(scene.place(begin + ky, kx) + ox);
            }
            const Vec<T> mean = total / (load(counts + ox) * rows);
            const int64_t count = smaller(lanes<T>, s.out[kWidth] - ox);
            if (count == lanes<T>) store(y + oy * s.out[kWidth] + ox, mean);
            else store_part<T>(y + oy * s.out[kWidth] + ox, mean, count);
        }
    }
}

template <class T>
PoolStatus average(const PoolShape& s, bool include_pad, int64_t divisor, const T* x, T* y) {
    const int64_t columns = Scene<T>(s).padded_cols;
    Scratch<T> counts(static_cast<size_t>(columns));
    if (!counts.get()) return PoolStatus::no_memory;
    column_counts(s, include_pad, divisor, counts.get(), columns);
    const T* const c = counts.get();
    return each_plane<T>(s, [&](int64_t i, const Scene<T>& scene) {
        pack_plane(scene, x + i * s.in[kHeight] * s.in[kWidth], T(0));
        average_plane(scene, c, include_pad, divisor, y + i * s.out[kHeight] * s.out[kWidth]);
    });
}

template <class T>
void spread_plane(const PoolShape& s, const T* counts, bool include_pad, int64_t divisor, const T* gy, T* share, T* gx) {
    for (int64_t i = 0; i < s.in[kHeight] * s.in[kWidth]; ++i) gx[i] = T(0);
    for (int64_t oy = 0; oy < s.out[kHeight]; ++oy) {
        const int64_t begin = oy * s.stride[kHeight] - s.padding[kHeight];
        int64_t low, high;
        inside(begin, s.in[kHeight], s.kernel[kHeight], 1, low, high);
        const T rows = divisor ? T(1) : static_cast<T>(counted(s, kHeight, oy, include_pad));
        for (int64_t ox = 0; ox < s.out[kWidth]; ++ox) share[ox] = gy[oy * s.out[kWidth] + ox] / (counts[ox] * rows);
        for (int64_t ky = low; ky < high; ++ky) {
            T* row = gx + (begin + ky) * s.in[kWidth];
            for (int64_t kx = 0; kx < s.kernel[kWidth]; ++kx) {
                const int64_t offset = kx - s.padding[kWidth];
                const int64_t from = offset < 0 ? divide_up(-offset, s.stride[kWidth]) : 0;
                const int64_t stop = offset < s.in[kWidth] ? smaller(s.out[kWidth], divide_up(s.in[kWidth] - offset, s.stride[kWidth])) : 0;
                for (int64_t ox = from; ox < stop; ++ox) row[ox * s.stride[kWidth] + offset] += share[ox];
            }
        }
    }
}

template <class T>
PoolStatus average_backward(const PoolShape& s, bool include_pad, int64_t divisor, const T* gy, T* gx) {
    const int64_t columns = s.out[kWidth];
    const int parts = static_cast<int>(smaller(parts_for(places(s), kGrain), s.planes));
    Scratch<T> scratch(static_cast<size_t>((parts + 1) * columns));
    if (!scratch.get()) return PoolStatus::no_memory;
    T* const counts = scratch.get();
    column_counts(s, include_pad, divisor, counts, columns);
    parallel_parts(parts, [&](int part, int count) {
        for (int64_t i = s.planes * part / count; i < s.planes * (part + 1) / count; ++i) {
            spread_plane(s, counts, include_pad, divisor, gy + i * s.out[kHeight] * s.out[kWidth], counts + (part + 1) * columns,
                         gx + i * s.in[kHeight] * s.in[kWidth]);
        }
    });
    return PoolStatus::ok;
}

// Window o of `outputs` that cover an axis of `size` elements: [begin, end).
RL_INLINE int64_t cover_begin(int64_t o, int64_t size, int64_t outputs) { return o * size / outputs; }
RL_INLINE int64_t cover_end(int64_t o, int64_t size, int64_t outputs) { return divide_up((o + 1) * size, outputs); }

// Four sums side by side: one alone would wait for each addition.
template <class T>
RL_INLINE T sum_run(const T* x, int64_t n) {
    Vec<T> totals[4] = {};
    int64_t i = 0;
    for (; i + 4 * lanes<T> <= n; i += 4 * lanes<T>) {
#pragma GCC unroll 4
        for (int k = 0; k < 4; ++k) totals[k] += load(x + i + k * lanes<T>);
    }
    for (; i < n; i += lanes<T>) totals[0] += load_n(x + i, n - i);
    alignas(kVectorBytes) T parts[lanes<T>];
    store(parts, (totals[0] + totals[1]) + (totals[2] + totals[3]));
    for (int half = lanes<T> / 2; half; half /= 2)
        for (int j = 0; j < half; ++j) parts[j] += parts[j + half];
    return parts[0];
}

// to[i] += from[i]
template <class T>
RL_INLINE void add_run(const T* from, int64_t n, T* to) {
    int64_t i = 0;
    for (; i + lanes<T> <= n; i += lanes<T>) store(to + i, load(to + i) + load(from + i));
    if (i < n) store_part(to + i, load_part(to + i, n - i) + load_part(from + i, n - i), n - i);
}

// The windows of an axis.
struct Covers {
    const int64_t *begin, *end;
};

// body(plane, row of scratch, windows of columns) for all planes.
template <class T, class Body>
RL_INLINE PoolStatus each_covered(const PoolShape& s, Body body) {
    const int parts = static_cast<int>(smaller(parts_for(s.planes * (s.in[kHeight] * s.in[kWidth] + s.out[kHeight] * s.out[kWidth]), kGrain), s.planes));
    Scratch<T> scratch(static_cast<size_t>(parts * s.in[kWidth]));
    Scratch<int64_t> bounds(static_cast<size_t>(2 * s.out[kWidth]));
    if (!scratch.get() || !bounds.get()) return PoolStatus::no_memory;
    T* const rows = scratch.get();
    int64_t *const begin = bounds.get(), *const end = begin + s.out[kWidth];
    for (int64_t o = 0; o < s.out[kWidth]; ++o) {
        begin[o] = cover_begin(o, s.in[kWidth], s.out[kWidth]);
        end[o] = cover_end(o, s.in[kWidth], s.out[kWidth]);
    }
    parallel_parts(parts, [&](int part, int count) {
        for (int64_t i = s.planes * part / count; i < s.planes * (part + 1) / count; ++i) {
            body(i, rows + part * s.in[kWidth], Covers{begin, end});
        }
    });
    return PoolStatus::ok;
}

// The rows of a window are added up first, then its columns.
template <class T>
PoolStatus adaptive(const PoolShape& s, const T* x, T* y) {
    const int64_t height = s.in[kHeight], width = s.in[kWidth];
    return each_covered<T>(s, [&](int64_t plane, T* row, Covers columns) {
        const T* const from = x + plane * height * width;
        T* to = y + plane * s.out[kHeight] * s.out[kWidth];
        if (s.out[kHeight] == 1 && s.out[kWidth] == 1) {
            *to = sum_run(from, height * width) / static_cast<T>(height * width);
            return;
        }
        for (int64_t oy = 0; oy < s.out[kHeight]; ++oy) {
            const int64_t top = cover_begin(oy, height, s.out[kHeight]), bottom = cover_end(oy, height, s.out[kHeight]);
            std::memcpy(row, from + top * width, width * sizeof(T));
            for (int64_t r = top + 1; r < bottom; ++r) add_run(from + r * width, width, row);
            for (int64_t ox = 0; ox < s.out[kWidth]; ++ox) {
                const int64_t left = columns.begin[ox], right = columns.end[ox];
                T total = row[left];
                for (int64_t j = left + 1; j < right; ++j) total += row[j];
                *to++ = total / static_cast<T>((bottom - top) * (right - left));
            }
        }
    });
}

template <class T>
PoolStatus adaptive_backward(const PoolShape& s, const T* gy, T* gx) {
    const int64_t height = s.in[kHeight], width = s.in[kWidth];
    return each_covered<T>(s, [&](int64_t plane, T* row, Covers columns) {
        const T* from = gy + plane * s.out[kHeight] * s.out[kWidth];
        T* const to = gx + plane * height * width;
        const bool whole = s.out[kHeight] == 1 && s.out[kWidth] == 1;
        const T start = whole ? *from / static_cast<T>(height * width) : T(0);
        for (int64_t i = 0; i < height * width; ++i) to[i] = start;
        if (whole) return;
        for (int64_t oy = 0; oy < s.out[kHeight]; ++oy) {
            const int64_t top = cover_begin(oy, height, s.out[kHeight]), bottom = cover_end(oy, height, s.out[kHeight]);
            for (int64_t j = 0; j < width; ++j) row[j] = T(0);
            for (int64_t ox = 0; ox < s.out[kWidth]; ++ox) {
                const int64_t left = columns.begin[ox], right = columns.end[ox];
                const T share = *from++ / static_cast<T>((bottom - top) * (right - left));
                for (int64_t j = left; j < right; ++j) row[j] += share;
            }
            for (int64_t r = top; r < bottom; ++r) add_run(row, width, to + r * width);
        }
    });
}

}  // namespace

const PoolKernels<float> pool_f32 = {average<float>, average_backward<float>, adaptive<float>, adaptive_backward<float>};
const PoolKernels<double> pool_f64 = {average<double>, average_backward<double>, adaptive<double>, adaptive_backward<double>};

}  // namespace rl::RL_ISA
