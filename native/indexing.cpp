// Gathering and scattering along a dimension. The outer loop counts through the rows of the index (all dimensions but the last)
// with their three offsets; the inner one runs along a row. Threads split a dimension other than the indexed one, so no two of
// them write to one place, and a place named repeatedly meets its values in the index's order.
#include "indexing.h"

#include <atomic>

#include "core/thread_pool.h"
#include "core/vec.h"

namespace rl::RL_ISA {
namespace {

constexpr int64_t kGrain = 1 << 14;  // elements for which a second thread pays

// The place an index stands for, or -1.
RL_INLINE int64_t placed(int64_t i, const Along& a) {
    if (a.wraps && i < 0) i += a.length;
    return static_cast<uint64_t>(i) < static_cast<uint64_t>(a.length) ? i : -1;
}

// row(index offset, own offset, other offset) for every row of the index whose place in dimension `split` is in [begin, end).
// False as soon as row() is.
template <class Row>
RL_INLINE bool each_row(const Along& a, int split, int64_t begin, int64_t end, Row row) {
    const int last = a.dims - 1;
    int64_t low[kMostIndexDims], high[kMostIndexDims], at[kMostIndexDims];
    int64_t index = 0, own = 0, other = 0;
    for (int d = 0; d < a.dims; ++d) {
        low[d] = d == split ? begin : 0;
        high[d] = d == split ? end : a.shape[d];
        at[d] = low[d];
        if (low[d] >= high[d]) return true;
        index += low[d] * a.index_step[d];
        own += d == a.dim ? 0 : low[d] * a.own_step[d];
        other += low[d] * a.other_step[d];
    }
    for (;;) {
        if (!row(index, own, other, high[last] - low[last])) return false;
        int d = last - 1;
        for (; d >= 0; --d) {
            const int64_t own_step = d == a.dim ? 0 : a.own_step[d];
            if (++at[d] < high[d]) {
                index += a.index_step[d];
                own += own_step;
                other += a.other_step[d];
                break;
            }
            const int64_t back = high[d] - 1 - low[d];
            at[d] = low[d];
            index -= back * a.index_step[d];
            own -= back * own_step;
            other -= back * a.other_step[d];
        }
        if (d < 0) return true;
    }
}

// body(split, begin, end) on parts of the longest dimension that is not the indexed one; of one dimension there is one part.
template <class Body>
void in_parts(const Along& a, bool may_split_dim, Body body) {
    int split = -1;
    int64_t size = 1;
    for (int d = 0; d < a.dims; ++d) {
        size *= a.shape[d];
        if (d == a.dim && !may_split_dim) continue;
        if (split < 0 || a.shape[d] > a.shape[split]) split = d;
    }
    if (split < 0) {
        body(0, 0, a.shape[0]);
        return;
    }
    const int64_t each = size / (a.shape[split] > 0 ? a.shape[split] : 1) + 1;
    parallel_for(a.shape[split], kGrain / each + 1, [=](int64_t begin, int64_t end) { body(split, begin, end); });
}

template <class T>
bool gather(const Along& a, const int64_t* index, const T* own, T* other) {
    const int last = a.dims - 1;
    const int64_t step = a.own_step[a.dim], along_row = last == a.dim ? 0 : a.own_step[last];
    const int64_t index_step = a.index_step[last], other_step = a.other_step[last];
    std::atomic<bool> fine{true};
    in_parts(a, true, [&, along_row](int split, int64_t begin, int64_t end) {
        const bool done = each_row(a, split, begin, end, [&](int64_t i, int64_t from, int64_t to, int64_t n) {
            const int64_t* named = index + i;
            const T* row = own + from;
            T* out = other + to;
            bool good = true;
            for (int64_t j = 0; j < n; ++j) {
                const int64_t place = placed(named[j * index_step], a);
                good &= place >= 0;
                out[j * other_step] = row[(place < 0 ? 0 : place) * step + j * along_row];
            }
            return good;
        });
        if (!done) fine.store(false, std::memory_order_relaxed);
    });
    return fine.load();
}

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

template <class T, class Op>
void scatter_by(const Along& a, const int64_t* index, T* own, const T* other, Op op) {
    const int last = a.dims - 1;
    const int64_t step = a.own_step[a.dim], along_row = last == a.dim ? 0 : a.own_step[last];
    const int64_t index_step = a.index_step[last], other_step = a.other_step[last];
    in_parts(a, false, [&, along_row](int split, int64_t begin, int64_t end) {
        each_row(a, split, begin, end, [&](int64_t i, int64_t to, int64_t from, int64_t n) {
            const int64_t* named = index + i;
            const T* given = other + from;
            T* row = own + to;
            if (index_step == 0) {
                // The whole row goes to one place: a loop without indices.
                const int64_t place = placed(*named, a);
                if (place < 0) return true;
                T* out = row + place * step;
                if (along_row == 1 && other_step == 1) {
                    for (int64_t j = 0; j < n; ++j) out[j] = op(out[j], given[j]);
                } else {
                    for (int64_t j = 0; j < n; ++j) out[j * along_row] = op(out[j * along_row], given[j * other_step]);
                }
                return true;
            }
            for (int64_t j = 0; j < n; ++j) {
                const int64_t place = placed(named[j * index_step], a);
                if (place < 0) continue;
                T& out = row[place * step + j * along_row];
                out = op(out, given[j * other_step]);
            }
            return true;
        });
    });
}

template <class T>
void scatter(const Along& along, const int64_t* index, T* own, const T* other, Scatter how) {
    switch (how) {
        case Scatter::copy: return scatter_by(along, index, own, other, Copy{});
        case Scatter::add: return scatter_by(along, index, own, other, Add{});
        case Scatter::multiply: return scatter_by(along, index, own, other, Multiply{});
        case Scatter::maximum: return scatter_by(along, index, own, other, Maximum{});
        case Scatter::minimum: return scatter_by(along, index, own, other, Minimum{});
    }
}

}  // namespace

const IndexingKernels<float> indexing_f32 = {gather<float>, scatter<float>};
const IndexingKernels<double> indexing_f64 = {gather<double>, scatter<double>};
const IndexingKernels<int64_t> indexing_i64 = {gather<int64_t>, scatter<int64_t>};

}  // namespace rl::RL_ISA
