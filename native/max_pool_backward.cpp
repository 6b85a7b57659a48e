// The gradient of the largest of windows. Where windows don't meet, each row of the input is written once: the gradients where the
// byte of the window names the place, else zero, and the places by turns. Else, and where rows are too short for it, a plane's outputs
// are added one after the other. Threads share the planes.
#include "core/allocator.h"
#include "core/thread_pool.h"
#include "max_pool_parts.h"

namespace rl::RL_ISA {
namespace {

constexpr int kMostStride = 4;  // of columns that vectors take by turns

template <class T>
RL_INLINE Mask<T> load_places(const uint8_t* from) {
    Bytes<T> bytes;
    __builtin_memcpy(&bytes, from, sizeof bytes);
    return widened<T>(bytes);
}

// The next places, of which `n` may be read.
template <class T>
RL_INLINE Mask<T> load_places(const uint8_t* from, int64_t n) {
    if (n >= lanes<T>) return load_places<T>(from);
    Bytes<T> bytes = {};
    for (int64_t i = 0; i < n; ++i) bytes[i] = from[i];
    return widened<T>(bytes);
}

// Whether each element of the input is in one window at most, and rows are worth writing by vectors.
template <class T>
RL_INLINE bool apart(const PoolShape& s) {
    for (int axis = 0; axis < 3; ++axis) {
        if ((s.kernel[axis] - 1) * s.dilation[axis] >= s.stride[axis]) return false;
        if (s.padding[axis] && s.in[axis] < s.dilation[axis]) return false;  // a window may step over the whole input
    }
    return s.stride[kWidth] <= kMostStride && s.padding[kWidth] == 0 && 2 * s.out[kWidth] > lanes<T>;
}

// The elements along an axis from the window of output `o` to the next one's, and at the ends those that are nobody's; and which
// places they are, counted on as they are gone through.
struct Owned {
    int64_t at, end, place, next, kernel, spread;

    RL_INLINE Owned(const PoolShape& s, int axis, int64_t o) : kernel(s.kernel[axis]), spread(s.dilation[axis]) {
        const int64_t window = o * s.stride[axis] - s.padding[axis];
        at = o ? smaller(larger(window, 0), s.in[axis]) : 0;
        end = o + 1 < s.out[axis] ? smaller(larger(window + s.stride[axis], 0), s.in[axis]) : s.in[axis];
        place = window < 0 ? steps(-window, spread) : 0;
        next = window + place * spread;
    }
    // Whether element `at` is a place of the window.
    RL_INLINE bool placed() const { return at == next && place < kernel; }
    RL_INLINE void advance() {
        if (at++ == next) next += spread, ++place;
    }
};

// What a row of outputs gives to a row of the input.
template <class T>
struct Spread {
    const T* gy;
    const uint8_t* places;
    int64_t first;  // the place of the row's first element in a window
    T* to;
    Vec<T> g;  // the first vector of both, for all rows of a window
    Mask<T> place;
};

// The gradients where the place is that of their column, else zero: STRIDE columns' for each output, by turns. The vector that
// begins `at` elements further is stored by `put`, where the row has it.
template <class T, int WHICH, int N, class Put>
RL_INLINE void put_interleaved(const Vec<T> (&v)[N], int64_t at, int64_t width, Put put) {
    if constexpr (WHICH < N) {
        if (at >= width) return;
        put(interleaved<T, N, WHICH>(v), at);
        put_interleaved<T, WHICH + 1>(v, at + lanes<T>, width, put);
    }
}

template <class T, class B, class Put>
RL_INLINE void spread_vector(const PoolShape& s, Vec<T> g, Mask<T> place, int64_t first, int64_t at, Put put) {
    constexpr int S = B::kStride;
    const int64_t kernel = B::kKernel ? B::kKernel : s.kernel[kWidth], spread = B::kKernel ? 1 : s.dilation[kWidth];
    Vec<T> v[S];
#pragma GCC unroll 4
    for (int phase = 0; phase < S; ++phase) {
        const int64_t kx = spread == 1 ? phase : divide_up(phase, spread);
        const bool placed = kx < kernel && kx * spread == phase;
        v[phase] = placed ? (place == Mask<T>{} + static_cast<Index<T>>(first + kx) ? g : Vec<T>{}) : Vec<T>{};
    }
    put_interleaved<T, 0>(v, at, s.in[kWidth], put);
}

// A row of which nothing may be read or written beyond its end.
template <class T, class B>
__attribute__((noinline)) void spread_last_row(const PoolShape& s, const T* gy, const uint8_t* places, int64_t first, T* to) {
    constexpr int L = lanes<T>, S = B::kStride;
    const int64_t outputs = s.out[kWidth], width = s.in[kWidth];
    int64_t ox = 0;
    for (; ox < outputs && ox * S < width; ox += L) {
        const int64_t left = outputs - ox;
        spread_vector<T, B>(s, load_n(gy + ox, left), load_places<T>(places + ox, left), first, ox * S,
                            [&](Vec<T> v, int64_t at) __attribute__((always_inline)) { store_n(to + at, v, width - at); });
    }
    for (int64_t at = ox * S; at < width; at += L) store_n(to + at, Vec<T>{}, width - at);
}

// A row in whole vectors: what they read too much is masked, and what they write too much is written again.
template <class T, class B>
RL_INLINE void spread_row(const PoolShape& s, Spread<T> r, Mask<T> tail) {
    constexpr int L = lanes<T>, S = B::kStride;
    const int64_t outputs = s.out[kWidth], width = s.in[kWidth];
    const auto put = [&](Vec<T> v, int64_t at) __attribute__((always_inline)) { store(r.to + at, v); };
    spread_vector<T, B>(s, r.g, r.place, r.first, 0, put);
    if (outputs <= L && width <= L * S) return;
    int64_t ox = L;
    for (; ox + L <= outputs; ox += L) spread_vector<T, B>(s, load(r.gy + ox), load_places<T>(r.places + ox), r.first, ox * S, put);
    if (ox < outputs) {
        const Vec<T> g = load(r.gy + ox);
        spread_vector<T, B>(s, tail ? g : Vec<T>{}, load_places<T>(r.places + ox), r.first, ox * S, put);
        ox += L;
    }
    for (int64_t at = ox * S; at < width; at += L) store(r.to + at, Vec<T>{});
}

// Planes [plane, end) whose windows are apart: each row of outputs owns the rows of the input from its own first to the next one's.
// They are written in order, so vectors may run over into those that come after.
template <class T, class B>
void spread_planes(const PoolShape& shape, int64_t plane, int64_t end, const T* gy, const uint8_t* places, T* gx) {
    const PoolShape s = shape;
    const int64_t width = s.in[kWidth], outputs = s.out[kWidth], vectors = divide_up(outputs, lanes<T>) * lanes<T>;
    const int64_t all = s.planes * elements(s.out), written = divide_up(width, lanes<T>) * lanes<T>;
    const int64_t last = (s.kernel[kHeight] - 1) * width;
    const bool dense = s.dilation[kHeight] == 1;  // then a window's rows follow one another
    const Mask<T> tail = first_lanes<T>(outputs % lanes<T>);
    T *to = gx + plane * elements(s.in), *const stop = gx + end * elements(s.in);
    for (; plane < end; ++plane) {
        for (int64_t oz = 0; oz < s.out[kDepth]; ++oz) {
            for (Owned z(s, kDepth, oz); z.at < z.end; z.advance()) {
                int64_t output = (plane * s.out[kDepth] + oz) * s.out[kHeight] * outputs;
                for (int64_t oy = 0; oy < s.out[kHeight]; ++oy, output += outputs) {
                    Spread<T> row = {gy + output, places + output, 0, to, Vec<T>{}, Mask<T>{}};
                    const bool whole = output + vectors <= all;
                    if (whole) row.g = load(row.gy), row.place = load_places<T>(row.places);
                    if (outputs < lanes<T>) row.g = tail ? row.g : Vec<T>{};
                    Owned y(s, kHeight, oy);
                    if (dense && whole && z.placed() && y.placed() && y.place == 0 && y.end - y.at >= y.kernel && stop - to >= last + written) {
                        row.first = z.place * s.kernel[kHeight] * s.kernel[kWidth];
                        for (int64_t ky = 0; ky < s.kernel[kHeight]; ++ky, row.to += width, row.first += s.kernel[kWidth])
                            spread_row<T, B>(s, row, tail);
                        to = row.to, y.at += y.kernel, y.next += y.kernel, y.place += y.kernel;
                    }
                    for (; y.at < y.end; y.advance(), to += width) {
                        row.first = (z.place * s.kernel[kHeight] + y.place) * s.kernel[kWidth], row.to = to;
                        if (!z.placed() || !y.placed()) __builtin_memset(to, 0, static_cast<size_t>(width) * sizeof(T));
                        else if (whole && stop - to >= written) spread_row<T, B>(s, row, tail);
                        else spread_last_row<T, B>(s, row.gy, row.places, row.first, to);
                    }
                }
            }
        }
    }
}

// Where each place of a window lies from its begin: for all bytes, so that none leads out of the table.
struct Places {
    int64_t offset[256], z[256], y[256], x[256];
    bool all_meet;  // every window has a place inside the input

    explicit Places(const PoolShape& s) : offset{}, z{}, y{}, x{}, all_meet(true) {
        int place = 0;
        for (int64_t kz = 0; kz < s.kernel[kDepth]; ++kz)
            for (int64_t ky = 0; ky < s.kernel[kHeight]; ++ky)
                for (int64_t kx = 0; kx < s.kernel[kWidth]; ++kx, ++place) {
                    z[place] = kz * s.dilation[kDepth], y[place] = ky * s.dilation[kHeight], x[place] = kx * s.dilation[kWidth];
                    offset[place] = (z[place] * s.in[kHeight] + y[place]) * s.in[kWidth] + x[place];
                }
        for (int axis = 0; axis < 3; ++axis) all_meet = all_meet && !(s.padding[axis] && s.in[axis] < s.dilation[axis]);
    }
};

// A plane, one output after the other; `begins` has where the window of each begins.
template <class T>
void add_plane(int64_t size, int64_t outputs, const int64_t* begins, const int64_t (&offset)[256], const T* gy, const uint8_t* places, T* gx) {
    for (int64_t i = 0; i < size; ++i) gx[i] = T(0);
    for (int64_t i = 0; i < outputs; ++i) {
        const int64_t at = begins[i] + offset[places[i]];
        if (static_cast<uint64_t>(at) < static_cast<uint64_t>(size)) gx[at] += gy[i];
    }
}

// The same where a window may lie between the elements of the input: its place is then the last element's.
template <class T>
void add_clipped(const PoolShape& s, const Places& p, const T* gy, const uint8_t* places, T* gx) {
    const auto within = [](int64_t at, int64_t size) { return larger(0, smaller(at, size - 1)); };
    __builtin_memset(gx, 0, static_cast<size_t>(elements(s.in)) * sizeof(T));
    for (int64_t oz = 0; oz < s.out[kDepth]; ++oz)
        for (int64_t oy = 0; oy < s.out[kHeight]; ++oy)
            for (int64_t ox = 0; ox < s.out[kWidth]; ++ox) {
                const int place = *places++;
                const int64_t z = within(oz * s.stride[kDepth] - s.padding[kDepth] + p.z[place], s.in[kDepth]);
                const int64_t y = within(oy * s.stride[kHeight] - s.padding[kHeight] + p.y[place], s.in[kHeight]);
                const int64_t x = within(ox * s.stride[kWidth] - s.padding[kWidth] + p.x[place], s.in[kWidth]);
                gx[(z * s.in[kHeight] + y) * s.in[kWidth] + x] += *gy++;
            }
}

template <class T>
auto spread_planes_for(const PoolShape& s) -> void (*)(const PoolShape&, int64_t, int64_t, const T*, const uint8_t*, T*) {
    const int64_t stride = s.stride[kWidth];
    if (stride == 2 && s.kernel[kWidth] == 2) return spread_planes<T, Build<2, 2>>;
    return stride == 1 ? spread_planes<T, Build<1, 0>> : stride == 2 ? spread_planes<T, Build<2, 0>>
         : stride == 3 ? spread_planes<T, Build<3, 0>> : spread_planes<T, Build<4, 0>>;
}

template <class T>
PoolStatus max_backward(const PoolShape& s, const T* gy, const uint8_t* places, T* gx) {
    const int64_t size = elements(s.in), outputs = elements(s.out);
    const int64_t grain = kGrain / (outputs + size / 8 + 1) + 1;
    if (apart<T>(s)) {
        const auto run = spread_planes_for<T>(s);
        parallel_for(s.planes, grain, [&](int64_t plane, int64_t end) { run(s, plane, end, gy, places, gx); });
    } else {
        const Places p(s);
        Scratch<int64_t> begins(static_cast<size_t>(outputs));
        if (!begins.get()) return PoolStatus::no_memory;
        int64_t* begin = begins.get();
        for (int64_t oz = 0; oz < s.out[kDepth]; ++oz)
            for (int64_t oy = 0; oy < s.out[kHeight]; ++oy)
                for (int64_t ox = 0; ox < s.out[kWidth]; ++ox) {
                    const int64_t z = oz * s.stride[kDepth] - s.padding[kDepth], y = oy * s.stride[kHeight] - s.padding[kHeight];
                    *begin++ = (z * s.in[kHeight] + y) * s.in[kWidth] + ox * s.stride[kWidth] - s.padding[kWidth];
                }
        const int64_t* const from = begins.get();
        parallel_for(s.planes, grain, [&](int64_t i, int64_t end) {
            for (; i < end; ++i) {
                if (p.all_meet) add_plane(size, outputs, from, p.offset, gy + i * outputs, places + i * outputs, gx + i * size);
                else add_clipped(s, p, gy + i * outputs, places + i * outputs, gx + i * size);
            }
        });
    }
    return PoolStatus::ok;
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
