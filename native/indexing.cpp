// Scattering along a dimension and adding slices. The outer loop counts through the rows of the index with their three offsets; the
// inner one runs along a row. Threads split a dimension other than the indexed one, so no two of them write to one place, and a
// place named repeatedly meets its values in the index's order; of one dimension, each thread takes the places of its own range.
#include "indexing_parts.h"

namespace rl::RL_ISA {
namespace {

struct Copy {
    template <class T>
    T operator()(T, T x) const {
        return x;
    }
};
struct Add {
    template <class T>
    T operator()(T total, T x) const {
        if constexpr (std::is_integral_v<T>) return static_cast<T>(static_cast<uint64_t>(total) + static_cast<uint64_t>(x));
        else return total + x;
    }
};
struct Multiply {
    template <class T>
    T operator()(T total, T x) const {
        if constexpr (std::is_integral_v<T>) return static_cast<T>(static_cast<uint64_t>(total) * static_cast<uint64_t>(x));
        else return total * x;
    }
};
struct Maximum {
    template <class T>
    T operator()(T best, T x) const {
        return x > best || x != x ? x : best;
    }
};
struct Minimum {
    template <class T>
    T operator()(T best, T x) const {
        return x < best || x != x ? x : best;
    }
};

// A row of an index whose places lie `step` apart: out[place * step + j * along] meets given[j]. Whether all were in range.
template <class T, class Op>
RL_INLINE bool scatter_row(const int64_t* index, int64_t index_step, int64_t length, T* out, int64_t step, int64_t along,
                           const T* given, int64_t given_step, int64_t n, Op op) {
    bool good = true;
    for (int64_t j = 0; j < n; ++j) {
        const auto place = static_cast<uint64_t>(index[j * index_step]);
        if (place >= static_cast<uint64_t>(length)) {
            good = false;
            continue;
        }
        T& target = out[static_cast<int64_t>(place) * step + j * along];
        target = op(target, given[j * given_step]);
    }
    return good;
}

// A row that goes to one place as a whole: a loop without indices.
template <class T, class Op>
RL_INLINE void scatter_whole(T* out, int64_t along, const T* given, int64_t given_step, int64_t n, Op op) {
    if (along == 1 && given_step == 1) {
        for (int64_t j = 0; j < n; ++j) out[j] = op(out[j], given[j]);
    } else {
        for (int64_t j = 0; j < n; ++j) out[j * along] = op(out[j * along], given[j * given_step]);
    }
}

// Of one dimension: each thread reads the whole index and writes to the places of its range.
template <class T, class Op>
bool scatter_vector(const Along& a, const int64_t* index, T* own, const T* other, Op op) {
    const int64_t n = a.shape[0], step = a.own_step[0], index_step = a.index_step[0], other_step = a.other_step[0];
    std::atomic<bool> fine{true};
    parallel_parts(parts_for(n, kGrain), [&](int part, int parts) {
        const int64_t low = a.length * part / parts, high = a.length * (part + 1) / parts;
        const auto range = static_cast<uint64_t>(high - low), length = static_cast<uint64_t>(a.length);
        bool good = true;
        for (int64_t j = 0; j < n; ++j) {
            const int64_t i = index[j * index_step];
            good &= static_cast<uint64_t>(i) < length;
            if (static_cast<uint64_t>(i) - static_cast<uint64_t>(low) < range) own[i * step] = op(own[i * step], other[j * other_step]);
        }
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

template <class T>
bool scatter(const Along& along, const int64_t* index, T* own, const T* other, Scatter how) {
    switch (how) {
        case Scatter::copy: return scatter_by(along, index, own, other, Copy{});
        case Scatter::add: return scatter_by(along, index, own, other, Add{});
        case Scatter::multiply: return scatter_by(along, index, own, other, Multiply{});
        case Scatter::maximum: return scatter_by(along, index, own, other, Maximum{});
        case Scatter::minimum: return scatter_by(along, index, own, other, Minimum{});
    }
    return true;
}

template <class T>
bool add(const Slices& s, const int64_t* index, T* own, const T* values) {
    if (!all_in_range(index, s.count, s.length, s.wraps)) return false;
    each_slice(s, index, [=](int64_t o, int64_t i, int64_t place, int64_t begin, int64_t end) {
        T* to = own + (o * s.length + place) * s.inner;
        const T* from = values + (o * s.count + i) * s.inner;
        for (int64_t j = begin; j < end; ++j) to[j] = Add{}(to[j], from[j]);
    });
    return true;
}

}  // namespace

const IndexingKernels<float> indexing_f32 = {scatter<float>, add<float>};
const IndexingKernels<double> indexing_f64 = {scatter<double>, add<double>};
const IndexingKernels<int64_t> indexing_i64 = {scatter<int64_t>, add<int64_t>};

}  // namespace rl::RL_ISA
