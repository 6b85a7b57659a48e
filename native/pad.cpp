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

// A row of `columns` elements of which `kept` from the `begin`th on are the source's and the rest the value; before it `filled` hold
// the value already. Returns how many after it do.
template <bool SPILLS, class T>
RL_INLINE int64_t pad_row(T* to, const T* from, int64_t begin, int64_t kept, int64_t columns, int64_t filled, T value) {
    if (filled < begin) fill_run<SPILLS>(to, begin, value);
    copy_run<SPILLS>(to + begin, from, kept);
    const int64_t rest = columns - begin - kept;
    fill_run<SPILLS>(to + begin + kept, rest, value);
    return SPILLS ? divide_up(rest, lanes<T>) * lanes<T> - rest : 0;
}

// The rows of the result in order, those together that follow each other in the source, or hold the value alone. What spills over is
// written again by what follows; a part's last rows, and those from the source's last elements, are written exactly.
template <class T>
void constant(const BoxLayout& l, const T* x, T* out, T value) {
    const int last = l.dims - 1;
    const int64_t columns = l.to[last], width = l.from[last];
    const int64_t begin = smaller(larger(l.before[last], 0), columns), skipped = larger(-l.before[last], 0);
    const int64_t kept = larger(smaller(width - skipped, columns - begin), 0);
    int64_t rows = l.lead, elements = l.lead;
    for (int d = 0; d < last; ++d) rows *= l.to[d];
    for (int d = 0; d <= last; ++d) elements *= l.from[d];
    // Rows of a plane: of the source's, those that the result has are [low, high).
    const int64_t height = last ? l.to[last - 1] : 1, above = last ? l.before[last - 1] : 0;
    const int64_t low = smaller(larger(above, 0), height), high = larger(smaller(above + (last ? l.from[last - 1] : 1), height), low);
    parallel_for(rows, kGrain / (columns + 1) + 1, [&](int64_t first, int64_t end) {
        int64_t at[kPadDims] = {}, plane = first, filled = 0;
        for (int d = last - 1; d >= 0; --d) at[d] = plane % l.to[d], plane /= l.to[d];
        for (int64_t i = first; i < end;) {
            bool inside = kept > 0;
            int64_t row = plane;
            for (int d = 0; d < last - 1; ++d) {
                const int64_t place = at[d] - l.before[d];
                inside = inside && 0 <= place && place < l.from[d];
                row = row * l.from[d] + place;
            }
            const int64_t y = last ? at[last - 1] : 0;
            if (last) row = row * l.from[last - 1] + y - above;
            const int64_t until = !inside ? height : y < low ? low : y < high ? high : height;
            const int64_t count = last ? smaller(until - y, end - i) : end - i;
            T* to = out + i * columns;
            if (!inside || y < low || y >= high) {
                fill_run<false>(to, count * columns, value);
                filled = 0;
            } else {
                const int64_t source = row * width + skipped, spare = elements - source - kept - lanes<T>;
                // So many rows have a vector's elements after them, in the result's part and in the source.
                const int64_t of_part = end - i - divide_up(lanes<T>, columns), of_source = spare < 0 ? 0 : spare / width + 1;
                const int64_t spilling = larger(smaller(smaller(of_part, of_source), count), 0);
                const T* from = x + source;
                for (int64_t k = 0; k < spilling; ++k, to += columns, from += width)
                    filled = pad_row<true>(to, from, begin, kept, columns, filled, value);
                for (int64_t k = spilling; k < count; ++k, to += columns, from += width)
                    filled = pad_row<false>(to, from, begin, kept, columns, filled, value);
            }
            i += count;
            int d = last - 1;
            if (d >= 0) at[d] += count;
            while (d >= 0 && at[d] == l.to[d]) {
                at[d--] = 0;
                if (d >= 0) ++at[d];
            }
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
