// The greatest and least elements and their places. Vectors run along a row, their lanes joined at its end, or across columns;
// long rows, and long columns of which there are few, are cut into pieces of a fixed length whose results are joined, so that
// threads have something to share.
#include "extremum.h"

#include "core/allocator.h"
#include "core/thread_pool.h"
#include "core/vec.h"

namespace rl::RL_ISA {
namespace {

constexpr int64_t kGrain = 1 << 15;  // elements for which a second thread pays
constexpr int64_t kPiece = 1 << 14;  // elements of a piece
constexpr int kWide = 4;             // vectors side by side

template <bool GREATEST>
struct Better {
    template <class V>
    RL_INLINE auto operator()(V a, V b) const {
        if constexpr (GREATEST) return a > b;
        else return a < b;
    }
};

// The better of two values, a NaN being better than any number.
template <bool GREATEST, class T>
RL_INLINE bool wins(T value, T best) {
    return value != value ? best == best : Better<GREATEST>{}(value, best);
}

// Running extrema in WIDTH vectors; a NaN is noted beside them, since it compares with nothing.
template <class T, bool GREATEST, int WIDTH>
struct Running {
    Vec<T> best[WIDTH];
    Mask<T> nan[WIDTH] = {};

    RL_INLINE void take(int w, Vec<T> v) {
        best[w] = Better<GREATEST>{}(v, best[w]) ? v : best[w];
        if constexpr (std::is_floating_point_v<T>) nan[w] |= v != v;
    }
    RL_INLINE Vec<T> result(int w) const {
        if constexpr (std::is_floating_point_v<T>) return nan[w] ? splat(T(__builtin_nan(""))) : best[w];
        else return best[w];
    }
};

template <class T, bool GREATEST>
RL_INLINE T value_of_row(const T* x, int64_t n) {
    Running<T, GREATEST, kWide> running;
    for (auto& best : running.best) best = splat(x[0]);
    int64_t i = 0;
    for (; i + kWide * lanes<T> <= n; i += kWide * lanes<T>) {
        for (int w = 0; w < kWide; ++w) running.take(w, load(x + i + w * lanes<T>));
    }
    for (; i + lanes<T> <= n; i += lanes<T>) running.take(0, load(x + i));
    if (i < n) running.take(1, load_part(x + i, n - i, x[0]));
    // A NaN is better than any number.
    const auto better = [](Vec<T> a, Vec<T> b) __attribute__((always_inline)) {
        return (Better<GREATEST>{}(a, b) | (a != a)) ? a : b;
    };
    Vec<T> best = running.result(0);
    for (int w = 1; w < kWide; ++w) best = better(best, running.result(w));
    return joined<T>(best, better);
}

// Columns [j, j + width) of n rows `stride` apart.
template <class T, bool GREATEST, int WIDTH>
RL_INLINE void values_of_columns(const T* x, T* out, int64_t n, int64_t stride) {
    Running<T, GREATEST, WIDTH> running;
    for (int w = 0; w < WIDTH; ++w) running.best[w] = load(x + w * lanes<T>);
    for (int64_t k = 0; k < n; ++k) {
        for (int w = 0; w < WIDTH; ++w) running.take(w, load(x + k * stride + w * lanes<T>));
    }
    for (int w = 0; w < WIDTH; ++w) store(out + w * lanes<T>, running.result(w));
}

template <class T, bool GREATEST>
void values_across(const T* x, T* out, int64_t n, int64_t stride, int64_t width) {
    int64_t j = 0;
    for (; j + kWide * lanes<T> <= width; j += kWide * lanes<T>) values_of_columns<T, GREATEST, kWide>(x + j, out + j, n, stride);
    for (; j + lanes<T> <= width; j += lanes<T>) values_of_columns<T, GREATEST, 1>(x + j, out + j, n, stride);
    if (j == width) return;
    Running<T, GREATEST, 1> running;
    running.best[0] = load_part(x + j, width - j);
    for (int64_t k = 0; k < n; ++k) running.take(0, load_part(x + k * stride + j, width - j));
    store_part(out + j, running.result(0), width - j);
}

// The first place of the extremum among n < 2^31 elements `stride` apart.
template <class T, bool GREATEST>
int64_t place_of_few(const T* x, int64_t n, int64_t stride) {
    T best = x[0];
    int64_t place = 0;
    for (int64_t k = 1; k < n && best == best; ++k) {
        if (wins<GREATEST>(x[k * stride], best)) best = x[k * stride], place = k;
    }
    return place;
}

// Each lane keeps its own first place; the lanes' results are joined at the end.
template <class T, bool GREATEST>
RL_INLINE int64_t place_of_row(const T* x, int64_t n) {
    if (n < 4 * lanes<T>) return place_of_few<T, GREATEST>(x, n, 1);
    constexpr int width = 2;
    using Place = std::remove_cvref_t<decltype(Mask<T>{}[0])>;
    Vec<T> best[width];
    Mask<T> place[width], at = iota<T>(std::make_integer_sequence<int, lanes<T>>{});
    for (int w = 0; w < width; ++w) best[w] = load(x + w * lanes<T>), place[w] = at + static_cast<Place>(w * lanes<T>);
    int64_t i = width * lanes<T>;
    for (; i + width * lanes<T> <= n; i += width * lanes<T>) {
        for (int w = 0; w < width; ++w) {
            const Vec<T> v = load(x + i + w * lanes<T>);
            Mask<T> met = Better<GREATEST>{}(v, best[w]);
            if constexpr (std::is_floating_point_v<T>) met |= (v != v) & (best[w] == best[w]);
            best[w] = met ? v : best[w];
            place[w] = met ? at + static_cast<Place>(i + w * lanes<T>) : place[w];
        }
    }
    T value = best[0][0];
    int64_t found = place[0][0];
    for (int w = 0; w < width; ++w) {
        for (int l = 0; l < lanes<T>; ++l) {
            const T v = best[w][l];
            const bool same = v == value || (v != v && value != value);
            if (wins<GREATEST>(v, value) || (same && place[w][l] < found)) value = v, found = place[w][l];
        }
    }
    for (; i < n; ++i) {
        if (wins<GREATEST>(x[i], value)) value = x[i], found = i;
    }
    return found;
}

template <class T, bool GREATEST>
RL_INLINE void places_of_columns(const T* x, int64_t* out, int64_t n, int64_t stride) {
    using Place = std::remove_cvref_t<decltype(Mask<T>{}[0])>;
    Vec<T> best[2] = {load(x), load(x + lanes<T>)};
    Mask<T> place[2] = {};
    for (int64_t k = 1; k < n; ++k) {
        for (int w = 0; w < 2; ++w) {
            const Vec<T> v = load(x + k * stride + w * lanes<T>);
            Mask<T> met = Better<GREATEST>{}(v, best[w]);
            if constexpr (std::is_floating_point_v<T>) met |= (v != v) & (best[w] == best[w]);
            best[w] = met ? v : best[w];
            place[w] = met ? Mask<T>{} + static_cast<Place>(k) : place[w];
        }
    }
    for (int w = 0; w < 2; ++w) {
        for (int l = 0; l < lanes<T>; ++l) out[w * lanes<T> + l] = place[w][l];
    }
}

template <class T, bool GREATEST>
void places_across(const T* x, int64_t* out, int64_t n, int64_t stride, int64_t width) {
    int64_t j = 0;
    for (; j + 2 * lanes<T> <= width; j += 2 * lanes<T>) places_of_columns<T, GREATEST>(x + j, out + j, n, stride);
    for (; j < width; ++j) out[j] = place_of_few<T, GREATEST>(x + j, n, stride);
}

int64_t ceil_divide(int64_t a, int64_t b) { return (a + b - 1) / b; }

// body(i, first row, how many, first column, how many) for pieces of `rows` rows and up to kWide vectors of columns.
template <class T, class Body>
RL_INLINE void each_block(int64_t outer, int64_t n, int64_t inner, int64_t rows, Body body) {
    constexpr int64_t wide = kWide * lanes<T>;
    const int64_t columns = ceil_divide(inner, wide), pieces = ceil_divide(n, rows);
    const int64_t size = rows * (inner < wide ? inner : wide) + 1;
    parallel_for(outer * pieces * columns, kGrain / size + 1, [=](int64_t u, int64_t end) {
        for (; u < end; ++u) {
            const int64_t j = u % columns * wide, piece = u / columns % pieces, k = piece * rows;
            body(u / columns / pieces, k, k + rows < n ? rows : n - k, j, j + wide < inner ? wide : inner - j);
        }
    });
}

// How many rows a piece has: all, unless there is too little else to share.
template <class T>
int64_t rows_of_piece(int64_t outer, int64_t n, int64_t inner) {
    const int64_t rows = kPiece / inner > 64 ? kPiece / inner : 64;
    return outer * ceil_divide(inner, kWide * lanes<T>) < 16 && n > 2 * rows ? rows : n;
}

template <class T, bool GREATEST>
void values_of(const T* x, T* out, int64_t outer, int64_t n, int64_t inner) {
    int64_t rows = rows_of_piece<T>(outer, n, inner);
    const int64_t pieces = ceil_divide(n, rows);
    Scratch<T> joined(pieces > 1 ? outer * pieces * inner : 1);
    if (pieces > 1 && !joined.get()) rows = n;
    T* to = rows < n ? joined.get() : out;
    const int64_t stretch = rows < n ? pieces : 1;
    each_block<T>(outer, n, inner, rows, [=](int64_t i, int64_t k, int64_t count, int64_t j, int64_t width) {
        const T* from = x + (i * n + k) * inner + j;
        T* result = to + (i * stretch + k / rows) * inner + j;
        if (inner == 1) *result = value_of_row<T, GREATEST>(from, count);
        else values_across<T, GREATEST>(from, result, count, inner, width);
    });
    if (rows < n) values_of<T, GREATEST>(to, out, outer, pieces, inner);
}

template <class T, bool GREATEST>
void places_of(const T* x, int64_t* out, int64_t outer, int64_t n, int64_t inner) {
    int64_t rows = rows_of_piece<T>(outer, n, inner);
    const int64_t pieces = ceil_divide(n, rows);
    Scratch<int64_t> joined(pieces > 1 ? outer * pieces * inner : 1);
    if (pieces > 1 && !joined.get()) rows = n;
    int64_t* to = rows < n ? joined.get() : out;
    const int64_t stretch = rows < n ? pieces : 1;
    each_block<T>(outer, n, inner, rows, [=](int64_t i, int64_t k, int64_t count, int64_t j, int64_t width) {
        const T* from = x + (i * n + k) * inner + j;
        int64_t* result = to + (i * stretch + k / rows) * inner + j;
        if (inner == 1) *result = place_of_row<T, GREATEST>(from, count);
        else places_across<T, GREATEST>(from, result, count, inner, width);
    });
    if (rows == n) return;
    for (int64_t i = 0; i < outer * inner; ++i) {
        const T* column = x + i / inner * n * inner + i % inner;
        int64_t best = -1;
        for (int64_t p = 0; p < pieces; ++p) {
            const int64_t place = p * rows + to[(i / inner * pieces + p) * inner + i % inner];
            if (best < 0 || wins<GREATEST>(column[place * inner], column[best * inner])) best = place;
        }
        out[i] = best;
    }
}

template <class T>
void values(const T* x, T* out, int64_t outer, int64_t n, int64_t inner, bool greatest) {
    (greatest ? values_of<T, true> : values_of<T, false>)(x, out, outer, n, inner);
}

template <class T>
void places(const T* x, int64_t* out, int64_t outer, int64_t n, int64_t inner, bool greatest) {
    (greatest ? places_of<T, true> : places_of<T, false>)(x, out, outer, n, inner);
}

}  // namespace

const ExtremumKernels<float> extremum_f32 = {values<float>, places<float>};
const ExtremumKernels<double> extremum_f64 = {values<double>, places<double>};
const ExtremumKernels<int64_t> extremum_i64 = {values<int64_t>, places<int64_t>};
const ExtremumKernels<int32_t> extremum_i32 = {values<int32_t>, places<int32_t>};

}  // namespace rl::RL_ISA
