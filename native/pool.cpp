// Pooling with a moving window. Each plane is first copied into scratch with its columns sorted by their residue modulo the
// stride and the padding filled in, so that every place of the window is a plain vector load; then vectors of output columns run
// over the places of their windows. The largest of pairs of columns, the usual pooling, is found without a copy: two vectors of
// a row are parted into their even and their odd elements. Backward adds into a plane at a time, one output after the other.
// Threads share the planes.
#include "pool.h"

#include "core/allocator.h"
#include "core/thread_pool.h"
#include "core/vec_bits.h"

namespace rl::RL_ISA {
namespace {

constexpr int64_t kGrain = 1 << 14;  // window places for which a second thread pays

template <class T>
using Index = std::remove_reference_t<decltype(Mask<T>{}[0])>;

// A plane in scratch, [row][phase][column], and where the columns of the window lie in its rows.
template <class T>
struct Scene {
    const PoolShape& s;
    int64_t phase_width, row_size, padded_cols;
    T* plane;
    const int64_t* shifts;  // of place kx of the window, for output column 0

    explicit Scene(const PoolShape& shape) : s(shape) {
        padded_cols = divide_up(s.out[1], lanes<T>) * lanes<T>;
        const int64_t reach = (s.kernel[1] - 1) * s.dilation[1] / s.stride[1];
        phase_width = divide_up(padded_cols + reach, lanes<T>) * lanes<T>;
        row_size = s.stride[1] * phase_width;
        plane = nullptr, shifts = nullptr;
    }
    int64_t size() const { return s.in[0] * row_size + 2 * lanes<T>; }
    int64_t shift_of(int64_t kx) const {
        const int64_t shift = kx * s.dilation[1];
        return shift % s.stride[1] * phase_width + shift / s.stride[1];
    }
    const T* place(int64_t row, int64_t kx) const { return plane + row * row_size + shifts[kx]; }
};

// Column j of phase p is column -padding + j * stride + p of the source.
template <class T>
void pack_row(const Scene<T>& scene, const T* from, T* to, T fill) {
    const int64_t stride = scene.s.stride[1], width = scene.s.in[1], first = -scene.s.padding[1], size = scene.phase_width;
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
    for (int64_t r = 0; r < scene.s.in[0]; ++r) pack_row(scene, x + r * scene.s.in[1], scene.plane + r * scene.row_size, fill);
}

// Steps of a dilation that n elements take; most often each is one, and a division costs as much as a small row.
RL_INLINE int64_t steps(int64_t n, int64_t dilation) { return dilation == 1 ? n : divide_up(n, dilation); }

RL_INLINE int64_t first_inside(int64_t begin, int64_t dilation) {
    return begin < 0 ? begin + steps(-begin, dilation) * dilation : begin;
}

// Elements of a window along an axis that lie inside the input: places [low, high).
RL_INLINE void inside(int64_t begin, int64_t size, int64_t kernel, int64_t dilation, int64_t& low, int64_t& high) {
    low = begin < 0 ? steps(-begin, dilation) : 0;
    high = begin < size ? smaller(kernel, steps(size - begin, dilation)) : 0;
}

// The first `count` indices, at most a vector's, as int64.
template <class T>
RL_INLINE void store_indices(int64_t* to, Mask<T> index, int64_t count) {
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

// Vectors of outputs, and where the largest element was found so far, if that is asked for: the first of equal ones, the last NaN.
template <class T, bool PLACES>
struct Best {
    Vec<T> value = splat(static_cast<T>(-__builtin_inf()));
    Mask<T> index;

    RL_INLINE void meet(Vec<T> v, Mask<T> at) {
        const Mask<T> better = (v > value) | (v != v);
        value = better ? v : value;
        if constexpr (PLACES) index = better ? at : index;
    }
    // Output `at` and those after it, of which there are `count` in the row.
    RL_INLINE void put(T* y, int64_t* indices, int64_t at, int64_t count) const {
        store_n(y + at, value, count);
        if constexpr (PLACES) store_indices<T>(indices + at, index, count);
    }
};

// Whether the windows are pairs of neighbouring columns.
RL_INLINE bool in_pairs(const PoolShape& s) {
    return s.kernel[1] == 2 && s.stride[1] == 2 && s.dilation[1] == 1 && s.padding[1] == 0;
}

template <class T, bool PLACES>
void max_of_pairs(const PoolShape& s, const T* x, T* y, int64_t* indices) {
    constexpr T least = static_cast<T>(-__builtin_inf());
    const Mask<T> twice = 2 * iota<T>(std::make_integer_sequence<int, lanes<T>>{});
    for (int64_t oy = 0; oy < s.out[0]; ++oy) {
        const int64_t begin = oy * s.stride[0] - s.padding[0];
        int64_t low, high;
        inside(begin, s.in[0], s.kernel[0], s.dilation[0], low, high);
        const int64_t first_row = smaller(first_inside(begin, s.dilation[0]), s.in[0] - 1);
        for (int64_t ox = 0; ox < s.out[1]; ox += lanes<T>) {
            Best<T, PLACES> best;
            best.index = twice + static_cast<Index<T>>(first_row * s.in[1] + 2 * ox);
            for (int64_t ky = low; ky < high; ++ky) {
                const int64_t at = (begin + ky * s.dilation[0]) * s.in[1] + 2 * ox, left = s.in[1] - 2 * ox;
                const Vec<T> a = load_n(x + at, left, least), b = load_n(x + at + lanes<T>, left - lanes<T>, least);
                const Mask<T> even = twice + static_cast<Index<T>>(at);
                best.meet(every_second<T, 0>(a, b), even);
                best.meet(every_second<T, 1>(a, b), even + 1);
            }
            best.put(y, indices, oy * s.out[1] + ox, s.out[1] - ox);
        }
    }
}

template <class T, bool PLACES>
void max_plane(const Scene<T>& scene, const Index<T>* begins, const Index<T>* firsts, T* y, int64_t* indices) {
    const PoolShape& s = scene.s;
    for (int64_t oy = 0; oy < s.out[0]; ++oy) {
        const int64_t begin = oy * s.stride[0] - s.padding[0];
        int64_t low, high;
        inside(begin, s.in[0], s.kernel[0], s.dilation[0], low, high);
        const int64_t first_row = smaller(first_inside(begin, s.dilation[0]), s.in[0] - 1) * s.in[1];
        for (int64_t ox = 0; ox < s.out[1]; ox += lanes<T>) {
            Best<T, PLACES> best;
            Mask<T> base;
            __builtin_memcpy(&best.index, firsts + ox, sizeof base);
            __builtin_memcpy(&base, begins + ox, sizeof base);
            best.index += static_cast<Index<T>>(first_row);
            for (int64_t ky = low; ky < high; ++ky) {
                const int64_t row = begin + ky * s.dilation[0];
                for (int64_t kx = 0; kx < s.kernel[1]; ++kx) {
                    best.meet(load(scene.place(row, kx) + ox), base + static_cast<Index<T>>(row * s.in[1] + kx * s.dilation[1]));
                }
            }
            best.put(y, indices, oy * s.out[1] + ox, s.out[1] - ox);
        }
    }
}

RL_INLINE int64_t places(const PoolShape& s) { return s.planes * s.out[0] * s.out[1] * s.kernel[0] * s.kernel[1]; }

// body(plane, scene) for all planes, each thread with its own scratch.
template <class T, class Body>
RL_INLINE PoolStatus each_plane(const PoolShape& s, Body body) {
    Scene<T> scene(s);
    const int parts = static_cast<int>(smaller(parts_for(places(s), kGrain), s.planes));
    Scratch<T> scratch(static_cast<size_t>(parts * scene.size()));
    Scratch<int64_t> shifts(static_cast<size_t>(s.kernel[1]));
    if (!scratch.get() || !shifts.get()) return PoolStatus::no_memory;
    for (int64_t kx = 0; kx < s.kernel[1]; ++kx) shifts.get()[kx] = scene.shift_of(kx);
    scene.shifts = shifts.get();
    T* const base = scratch.get();
    parallel_parts(parts, [&](int part, int count) {
        Scene<T> own = scene;
        own.plane = base + part * scene.size();
        for (int64_t i = s.planes * part / count; i < s.planes * (part + 1) / count; ++i) body(i, own);
    });
    return PoolStatus::ok;
}

template <class T, bool PLACES>
PoolStatus max_of(const PoolShape& s, const T* x, T* y, int64_t* indices) {
    const int64_t size = s.in[0] * s.in[1], outputs = s.out[0] * s.out[1];
    if (in_pairs(s)) {
        parallel_for(s.planes, kGrain * s.planes / (places(s) + 1) + 1, [=](int64_t i, int64_t end) {
            for (; i < end; ++i) max_of_pairs<T, PLACES>(s, x + i * size, y + i * outputs, PLACES ? indices + i * outputs : nullptr);
        });
        return PoolStatus::ok;
    }
    const int64_t columns = Scene<T>(s).padded_cols;
    Scratch<Index<T>> begins(static_cast<size_t>(columns)), firsts(static_cast<size_t>(columns));
    if (!begins.get() || !firsts.get()) return PoolStatus::no_memory;
    for (int64_t ox = 0; ox < columns; ++ox) {
        const int64_t begin = ox * s.stride[1] - s.padding[1];
        begins.get()[ox] = static_cast<Index<T>>(begin);
        firsts.get()[ox] = static_cast<Index<T>>(smaller(first_inside(begin, s.dilation[1]), s.in[1] - 1));
    }
    const Index<T>*const b = begins.get(), *const f = firsts.get();
    return each_plane<T>(s, [&](int64_t i, const Scene<T>& scene) {
        pack_plane(scene, x + i * size, static_cast<T>(-__builtin_inf()));
        max_plane<T, PLACES>(scene, b, f, y + i * outputs, PLACES ? indices + i * outputs : nullptr);
    });
}

template <class T>
PoolStatus max_pool(const PoolShape& s, const T* x, T* y, int64_t* indices) {
    return indices ? max_of<T, true>(s, x, y, indices) : max_of<T, false>(s, x, y, nullptr);
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
        counts[ox] = ox >= s.out[1] ? T(1) : divisor ? static_cast<T>(divisor) : static_cast<T>(counted(s, 1, ox, include_pad));
    }
}

template <class T>
void average_plane(const Scene<T>& scene, const T* counts, bool include_pad, int64_t divisor, T* y) {
    const PoolShape& s = scene.s;
    for (int64_t oy = 0; oy < s.out[0]; ++oy) {
        const int64_t begin = oy * s.stride[0] - s.padding[0];
        int64_t low, high;
        inside(begin, s.in[0], s.kernel[0], 1, low, high);
        const T rows = divisor ? T(1) : static_cast<T>(counted(s, 0, oy, include_pad));
        for (int64_t ox = 0; ox < s.out[1]; ox += lanes<T>) {
            Vec<T> total{};
            for (int64_t ky = low; ky < high; ++ky) {
                for (int64_t kx = 0; kx < s.kernel[1]; ++kx) total += load(scene.place(begin + ky, kx) + ox);
            }
            const Vec<T> mean = total / (load(counts + ox) * rows);
            const int64_t count = smaller(lanes<T>, s.out[1] - ox);
            if (count == lanes<T>) store(y + oy * s.out[1] + ox, mean);
            else store_part<T>(y + oy * s.out[1] + ox, mean, count);
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
        pack_plane(scene, x + i * s.in[0] * s.in[1], T(0));
        average_plane(scene, c, include_pad, divisor, y + i * s.out[0] * s.out[1]);
    });
}

template <class T>
void spread_plane(const PoolShape& s, const T* counts, bool include_pad, int64_t divisor, const T* gy, T* share, T* gx) {
    for (int64_t i = 0; i < s.in[0] * s.in[1]; ++i) gx[i] = T(0);
    for (int64_t oy = 0; oy < s.out[0]; ++oy) {
        const int64_t begin = oy * s.stride[0] - s.padding[0];
        int64_t low, high;
        inside(begin, s.in[0], s.kernel[0], 1, low, high);
        const T rows = divisor ? T(1) : static_cast<T>(counted(s, 0, oy, include_pad));
        for (int64_t ox = 0; ox < s.out[1]; ++ox) share[ox] = gy[oy * s.out[1] + ox] / (counts[ox] * rows);
        for (int64_t ky = low; ky < high; ++ky) {
            T* row = gx + (begin + ky) * s.in[1];
            for (int64_t kx = 0; kx < s.kernel[1]; ++kx) {
                const int64_t offset = kx - s.padding[1];
                const int64_t from = offset < 0 ? divide_up(-offset, s.stride[1]) : 0;
                const int64_t stop = offset < s.in[1] ? smaller(s.out[1], divide_up(s.in[1] - offset, s.stride[1])) : 0;
                for (int64_t ox = from; ox < stop; ++ox) row[ox * s.stride[1] + offset] += share[ox];
            }
        }
    }
}

template <class T>
PoolStatus average_backward(const PoolShape& s, bool include_pad, int64_t divisor, const T* gy, T* gx) {
    const int64_t columns = s.out[1];
    const int parts = static_cast<int>(smaller(parts_for(places(s), kGrain), s.planes));
    Scratch<T> scratch(static_cast<size_t>((parts + 1) * columns));
    if (!scratch.get()) return PoolStatus::no_memory;
    T* const counts = scratch.get();
    column_counts(s, include_pad, divisor, counts, columns);
    parallel_parts(parts, [&](int part, int count) {
        for (int64_t i = s.planes * part / count; i < s.planes * (part + 1) / count; ++i) {
            spread_plane(s, counts, include_pad, divisor, gy + i * s.out[0] * s.out[1], counts + (part + 1) * columns,
                         gx + i * s.in[0] * s.in[1]);
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
    const int parts = static_cast<int>(smaller(parts_for(s.planes * (s.in[0] * s.in[1] + s.out[0] * s.out[1]), kGrain), s.planes));
    Scratch<T> scratch(static_cast<size_t>(parts * s.in[1]));
    Scratch<int64_t> bounds(static_cast<size_t>(2 * s.out[1]));
    if (!scratch.get() || !bounds.get()) return PoolStatus::no_memory;
    T* const rows = scratch.get();
    int64_t *const begin = bounds.get(), *const end = begin + s.out[1];
    for (int64_t o = 0; o < s.out[1]; ++o) {
        begin[o] = cover_begin(o, s.in[1], s.out[1]);
        end[o] = cover_end(o, s.in[1], s.out[1]);
    }
    parallel_parts(parts, [&](int part, int count) {
        for (int64_t i = s.planes * part / count; i < s.planes * (part + 1) / count; ++i) {
            body(i, rows + part * s.in[1], Covers{begin, end});
        }
    });
    return PoolStatus::ok;
}

// The rows of a window are added up first, then its columns.
template <class T>
PoolStatus adaptive(const PoolShape& s, const T* x, T* y) {
    const int64_t height = s.in[0], width = s.in[1];
    return each_covered<T>(s, [&](int64_t plane, T* row, Covers columns) {
        const T* const from = x + plane * height * width;
        T* to = y + plane * s.out[0] * s.out[1];
        if (s.out[0] == 1 && s.out[1] == 1) {
            *to = sum_run(from, height * width) / static_cast<T>(height * width);
            return;
        }
        for (int64_t oy = 0; oy < s.out[0]; ++oy) {
            const int64_t top = cover_begin(oy, height, s.out[0]), bottom = cover_end(oy, height, s.out[0]);
            std::memcpy(row, from + top * width, width * sizeof(T));
            for (int64_t r = top + 1; r < bottom; ++r) add_run(from + r * width, width, row);
            for (int64_t ox = 0; ox < s.out[1]; ++ox) {
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
    const int64_t height = s.in[0], width = s.in[1];
    return each_covered<T>(s, [&](int64_t plane, T* row, Covers columns) {
        const T* from = gy + plane * s.out[0] * s.out[1];
        T* const to = gx + plane * height * width;
        const bool whole = s.out[0] == 1 && s.out[1] == 1;
        const T start = whole ? *from / static_cast<T>(height * width) : T(0);
        for (int64_t i = 0; i < height * width; ++i) to[i] = start;
        if (whole) return;
        for (int64_t oy = 0; oy < s.out[0]; ++oy) {
            const int64_t top = cover_begin(oy, height, s.out[0]), bottom = cover_end(oy, height, s.out[0]);
            for (int64_t j = 0; j < width; ++j) row[j] = T(0);
            for (int64_t ox = 0; ox < s.out[1]; ++ox) {
                const int64_t left = columns.begin[ox], right = columns.end[ox];
                const T share = *from++ / static_cast<T>((bottom - top) * (right - left));
                for (int64_t j = left; j < right; ++j) row[j] += share;
            }
            for (int64_t r = top; r < bottom; ++r) add_run(row, width, to + r * width);
        }
    });
}

}  // namespace

const PoolKernels<float> pool_f32 = {max_pool<float>, scatter<float>,  average<float>, average_backward<float>,
                                     adaptive<float>, adaptive_backward<float>};
const PoolKernels<double> pool_f64 = {max_pool<double>, scatter<double>,  average<double>, average_backward<double>,
                                      adaptive<double>, adaptive_backward<double>};

}  // namespace rl::RL_ISA
