// Scattering along a dimension and adding slices. The outer loop counts through the rows of the index with their three offsets; the
// inner one runs along a row. Threads split a dimension other than the indexed one, so no two of them write to one place, and a
// place named repeatedly meets its values in the index's order; of one dimension, each thread takes the places of its own range. A
// vector repeated along all other dimensions names slices, which are combined as such.
#include "indexing_parts.h"

namespace rl::RL_ISA {
namespace {

// Of elements or of vectors. Nothing foresees which of two numbers is greater, so choices are without a branch; of two equal ones the
// first stays, and a NaN does in any case.
struct Copy {
    template <class X>
    RL_INLINE X operator()(X, X x) const {
        return x;
    }
};
template <class X>
using Unsigned = std::conditional_t<std::is_same_v<X, Vec<int64_t>>, Vec<uint64_t>, uint64_t>;
template <class X>
constexpr bool kWhole = std::is_integral_v<X> || std::is_same_v<X, Vec<int64_t>>;

struct Add {
    template <class X>
    RL_INLINE X operator()(X total, X x) const {
        if constexpr (kWhole<X>) return (X)((Unsigned<X>)total + (Unsigned<X>)x);
        else return total + x;
    }
};
struct Multiply {
    template <class X>
    RL_INLINE X operator()(X total, X x) const {
        if constexpr (kWhole<X>) return (X)((Unsigned<X>)total * (Unsigned<X>)x);
        else return total * x;
    }
};
struct Maximum {
    template <class X>
    RL_INLINE X operator()(X best, X x) const {
        const X greater = x > best ? x : best;
        return x != x ? x : greater;
    }
};
struct Minimum {
    template <class X>
    RL_INLINE X operator()(X best, X x) const {
        const X smallest = x < best ? x : best;
        return x != x ? x : smallest;
    }
};

// A row of an index whose places lie `step` apart: out[place * step + j * along] meets given[j]. Whether all were in range; a block
// of indices with one that isn't meets nothing.
template <class T, class Op>
RL_INLINE bool scatter_row(const int64_t* index, int64_t index_step, int64_t length, T* out, int64_t step, int64_t along,
                           const T* given, int64_t given_step, int64_t n, Op op) {
    alignas(64) int64_t places[kPlaces];
    bool good = true;
    for (; n > 0; n -= kPlaces) {
        const int64_t count = smaller(n, kPlaces);
        const bool fine = read_places<false>(index, index_step, length, places, count);
        good &= fine;
#pragma GCC unroll 4
        for (int64_t j = 0; fine && j < count; ++j) {
            T& target = out[places[j] * step + j * along];
            target = op(target, given[j * given_step]);
        }
        index += count * index_step, out += count * along, given += count * given_step;
    }
    return good;
}

template <class T, class Op>
RL_INLINE void combine_run(T* out, const T* given, int64_t n, Op op) {
    int64_t j = 0;
    for (; j + lanes<T> <= n; j += lanes<T>) store(out + j, op(load(out + j), load(given + j)));
    for (; j < n; ++j) out[j] = op(out[j], given[j]);
}

// A row that goes to one place as a whole: a loop without indices.
template <class T, class Op>
RL_INLINE void scatter_whole(T* out, int64_t along, const T* given, int64_t given_step, int64_t n, Op op) {
    if (along == 1 && given_step == 1) return combine_run(out, given, n, op);
    for (int64_t j = 0; j < n; ++j) out[j * along] = op(out[j * along], given[j * given_step]);
}

// Of one dimension: each thread reads the whole index and writes to the places of its range.
template <class T, class Op>
bool scatter_vector(const Along& a, const int64_t* index, T* own, const T* other, Op op) {
    const int64_t n = a.shape[0], step = a.own_step[0], index_step = a.index_step[0], other_step = a.other_step[0];
    std::atomic<bool> fine{true};
    parallel_parts(parts_for(n, kGrain), [&](int part, int parts) {
        const bool good = parts == 1 ? scatter_row(index, index_step, a.length, own, step, 0, other, other_step, n, op)
                                     : each_within(index, index_step, n, a.length, false, a.length * part / parts,
                                                   a.length * (part + 1) / parts, [=](int64_t j, int64_t place) {
                                                       own[place * step] = op(own[place * step], other[j * other_step]);
                                                   });
        if (!good) fine.store(false, std::memory_order_relaxed);
    });
    return fine.load();
}

template <class T, class Op>
bool scatter_by(const Along& a, const int64_t* index, T* own, const T* other, Op op) {
    if (a.dims == 1) return scatter_vector(a, index, own, other, op);
    const int last = a.dims - 1;
    const int64_t step = a.own_step[a.dim], along = last == a.dim ? 0 : a.own_step[last], length = a.length;
    const int64_t index_step = a.index_step[last], other_step = a.other_step[last];
    std::atomic<bool> fine{true};
    in_parts(a, false, [&, along](int split, int64_t begin, int64_t end) {
        bool good = true;
        each_row(a, split, begin, end, [&](int64_t i, int64_t to, int64_t from, int64_t n) {
            const int64_t* named = index + i;
            if (index_step == 0 && last != a.dim) {
                const int64_t at = *named;
                const bool in_range = static_cast<uint64_t>(at) < static_cast<uint64_t>(length);
                if (in_range) scatter_whole(own + to + at * step, along, other + from, other_step, n, op);
                good &= in_range;
            } else if (index_step == 1 && other_step == 1 && last == a.dim && step == 1) {
                if (n > length / 8 && length <= kForeseen) foresee(own + to, length);
                good &= scatter_row(named, 1, length, own + to, 1, 0, other + from, 1, n, op);
            } else if (index_step == 1 && other_step == 1 && along == 1) {
                good &= scatter_row(named, 1, length, own + to, step, 1, other + from, 1, n, op);
            } else {
                good &= scatter_row(named, index_step, length, own + to, step, along, other + from, other_step, n, op);
            }
        });
        if (!good) fine.store(false, std::memory_order_relaxed);
    });
    return fine.load();
}

template <class T, class Op>
bool combine_slices(const Slices& s, const int64_t* index, T* own, const T* values, Op op) {
    if (!all_in_range(index, s.count, s.length, s.wraps)) return false;
    each_slice(s, index, own, [=](int64_t o, int64_t i, int64_t place, int64_t begin, int64_t end, auto inner) {
        T* to = own + (o * s.length + place) * inner;
        const T* from = values + (o * s.count + i) * inner;
        if constexpr (std::is_same_v<decltype(inner), int64_t>) combine_run(to + begin, from + begin, end - begin, op);
        else *to = op(*to, *from);
    });
    return true;
}

// Whether a vector, repeated along all other dimensions, names slices of dense arrays.
bool names_slices(const Along& a, Slices& s) {
    s = {1, a.length, a.shape[a.dim], 1, false};
    int64_t own = 1, other = 1;
    bool dense = a.dims > 1 && (a.shape[a.dim] == 1 || a.index_step[a.dim] == 1);
    for (int d = a.dims - 1; d >= 0; --d) {
        if (a.shape[d] > 1) dense &= a.other_step[d] == other && (d == a.dim || (a.index_step[d] == 0 && a.own_step[d] == own));
        if (d == a.dim) dense &= a.own_step[d] == own || a.length == 1;
        else (d < a.dim ? s.outer : s.inner) *= a.shape[d];
        other *= a.shape[d];
        own *= d == a.dim ? a.length : a.shape[d];
    }
    return dense;
}

template <class T, class Op>
bool scatter_with(const Along& along, const int64_t* index, T* own, const T* other, Op op) {
    Slices s;
    if (names_slices(along, s)) return combine_slices(s, index, own, other, op);
    return scatter_by(along, index, own, other, op);
}

template <class T>
bool scatter(const Along& along, const int64_t* index, T* own, const T* other, Scatter how) {
    switch (how) {
        case Scatter::copy: return scatter_with(along, index, own, other, Copy{});
        case Scatter::add: return scatter_with(along, index, own, other, Add{});
        case Scatter::multiply: return scatter_with(along, index, own, other, Multiply{});
        case Scatter::maximum: return scatter_with(along, index, own, other, Maximum{});
        case Scatter::minimum: return scatter_with(along, index, own, other, Minimum{});
    }
    return true;
}

template <class T>
bool add(const Slices& s, const int64_t* index, T* own, const T* values) {
    return combine_slices(s, index, own, values, Add{});
}

}  // namespace

const IndexingKernels<float> indexing_f32 = {scatter<float>, add<float>};
const IndexingKernels<double> indexing_f64 = {scatter<double>, add<double>};
const IndexingKernels<int64_t> indexing_i64 = {scatter<int64_t>, add<int64_t>};

}  // namespace rl::RL_ISA
