#include "pad.h"

#include "core/thread_pool.h"
#include "core/vec.h"

namespace rl::RL_ISA {
namespace {

constexpr int64_t kGrain = 1 << 14;  // elements for which a second thread pays

// With SPILLS whole vectors, of which the last may reach beyond the run: a masked store takes as long as ten others.
template <bool SPILLS, class T>
RL_INLINE void fill_run(T* to, int64_t n, T value) {
    int64_t i = 0;
    for (; i + (SPILLS ? 1 : lanes<T>) <= n; i += lanes<T>) store(to + i, splat(value));
    if (i < n) store_part(to + i, splat(value), n - i);
}

template <bool SPILLS, class T>
RL_INLINE void copy_run(T* to, const T* from, int64_t n) {
    int64_t i = 0;
    for (; i + (SPILLS ? 1 : lanes<T>) <= n; i += lanes<T>) store(to + i, load(from + i));
    if (i < n) store_part(to + i, load_part(from + i, n - i), n - i);
}

// Row by row of the result, in order: each is a stretch of the source between two of the value, or the value alone. What spills
// over is written again by what follows; a part's last rows, and those from the source's last elements, are written exactly.
template <class T>
void constant(const BoxLayout& l, const T* x, T* out, T value) {
    const int last = l.dims - 1;
    const int64_t columns = l.to[last], width = l.from[last];
    const int64_t begin = smaller(larger(l.before[last], 0), columns), skipped = larger(-l.before[last], 0);
    const int64_t kept = larger(smaller(width - skipped, columns - begin), 0);
    int64_t rows = l.lead;
    for (int d = 0; d < last; ++d) rows *= l.to[d];
    int64_t elements = l.lead;
    for (int d = 0; d <= last; ++d) elements *= l.from[d];
    const int64_t right = columns - begin - kept;
    // Of a row before which `filled` elements hold the value already; returns how many after it do.
    const auto write_row = [=]<bool SPILLS>(T* to, const T* from, int64_t filled) -> int64_t {
        if (from) {
            if (filled < begin) fill_run<SPILLS>(to, begin, value);
            copy_run<SPILLS>(to + begin, from, kept);
        }
        const int64_t rest = from ? right : columns;
        fill_run<SPILLS>(to + columns - rest, rest, value);
        return SPILLS ? divide_up(rest, lanes<T>) * lanes<T> - rest : 0;
    };
    parallel_for(rows, kGrain / (columns + 1) + 1, [&](int64_t first, int64_t end) {
        int64_t at[kPadDims] = {}, plane = first, filled = 0;
        for (int d = last - 1; d >= 0; --d) at[d] = plane % l.to[d], plane /= l.to[d];
        for (int64_t i = first; i < end; ++i) {
            bool inside = kept > 0;
            int64_t row = plane;
            for (int d = 0; d < last; ++d) {
                const int64_t place = at[d] - l.before[d];
                inside = inside && 0 <= place && place < l.from[d];
                row = row * l.from[d] + place;
            }
            const int64_t source = row * width + skipped;
            const bool spills = (end - 1 - i) * columns >= lanes<T> && (!inside || source + kept + lanes<T> <= elements);
            const T* from = inside ? x + source : nullptr;
            T* to = out + i * columns;
            filled = spills ? write_row.template operator()<true>(to, from, filled)
                            : write_row.template operator()<false>(to, from, filled);
            int d = last - 1;
            while (d >= 0 && ++at[d] == l.to[d]) at[d--] = 0;
            if (d < 0) ++plane;
        }
    });
}

template <class T>
void copy(const PadLayout& l, const T* x, T* out) {
    parallel_for(l.planes * l.rows, kGrain / (l.columns + 1) + 1, [&](int64_t i, int64_t end) {
        for (; i < end; ++i) {
            const T* from = x + (i / l.rows * l.height + l.row[i % l.rows]) * l.width;
            T* to = out + i * l.columns;
            for (int64_t j = 0; j < l.run; ++j) to[j] = from[l.column[j]];
            if (l.run < l.run_end) std::memcpy(to + l.run, from + l.column[l.run], (l.run_end - l.run) * sizeof(T));
            for (int64_t j = l.run_end; j < l.columns; ++j) to[j] = from[l.column[j]];
        }
    });
}

template <class T>
void add(const PadLayout& l, const T* grad, T* out) {
    parallel_for(l.planes, kGrain / (l.rows * l.columns + 1) + 1, [&](int64_t plane, int64_t end) {
        for (; plane < end; ++plane) {
            T* to = out + plane * l.height * l.width;
            for (int64_t i = 0; i < l.height * l.width; ++i) to[i] = 0;
            for (int64_t i = 0; i < l.rows; ++i) {
                const T* from = grad + (plane * l.rows + i) * l.columns;
                T* line = to + l.row[i] * l.width;
                for (int64_t j = 0; j < l.run; ++j) line[l.column[j]] += from[j];
                if (l.run < l.run_end) {
                    T* begin = line + l.column[l.run];
                    const int64_t n = l.run_end - l.run;
                    int64_t j = 0;
                    for (; j + lanes<T> <= n; j += lanes<T>) store(begin + j, load(begin + j) + load(from + l.run + j));
                    for (; j < n; ++j) begin[j] += from[l.run + j];
                }
                for (int64_t j = l.run_end; j < l.columns; ++j) line[l.column[j]] += from[j];
            }
        }
    });
}

}  // namespace

const PadKernels<float> pad_f32 = {constant<float>, copy<float>, add<float>};
const PadKernels<double> pad_f64 = {constant<double>, copy<double>, add<double>};

}  // namespace rl::RL_ISA
