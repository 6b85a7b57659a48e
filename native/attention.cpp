// Attention without a matrix of all scores, after Dao et al., "FlashAttention" (2022): a block of queries meets the keys block
// by block, and what is kept of the scores seen so far is their greatest, the sum of their exponentials and the weighted
// values ("online softmax": Milakov and Gimelshein, 2018). The backward pass makes each block's weights again from the
// logarithm of that sum. Memory besides the result grows with the sequence, not with its square.
//
// All products are of one form: a tile of kRows x 2 vectors stays in registers while `depth` rows of a packed panel stream
// past and the left factor's elements are broadcast. Keys, values, queries and gradients are packed once a head, which costs
// their length while the products cost its square.
#include "attention.h"

#include "core/allocator.h"
#include "core/thread_pool.h"
#include "core/tile.h"
#include "core/vec_math.h"

namespace rl::RL_ISA {
namespace {

#if defined(__AVX512F__) || defined(__aarch64__)
constexpr int kRows = 8;  // 16 accumulators of 32 registers
#else
constexpr int kRows = 4;  // 8 of 16
#endif
constexpr int64_t kQueries = 32;         // rows of a block of scores
constexpr int64_t kForwardKeys = 256;    // its columns: 32 KB of float scores
constexpr int64_t kBackwardKeys = 128;   // two such blocks, weights and their gradients
constexpr double kWorkOfPart = 1e5;      // multiply-adds for which a second thread pays

template <class T>
constexpr int kPanel = 2 * lanes<T>;
template <class T>
constexpr T kLowest = static_cast<T>(-__builtin_inf());

template <class T>
RL_INLINE int64_t padded(int64_t n) {
    return divide_up(n, kPanel<T>) * kPanel<T>;
}

RL_INLINE float log_of(float x) { return __builtin_logf(x); }
RL_INLINE double log_of(double x) { return __builtin_log(x); }

// Element (i, k) of a left factor is data[i * row + k * step].
template <class T>
struct Left {
    const T* data;
    int64_t row, step;
};

template <class T, int WIDTH>
void multiply_panel(Left<T> a, const T* b, int64_t depth, int64_t rows, T* c, int64_t c_row, bool add) {
    int64_t i = 0;
    const auto add_rows = [&](auto add_tile, int64_t count) {
        add_tile(depth, a.data + i * a.row, a.row, a.step, b, kPanel<T>, !add, c + i * c_row, c_row);
        i += count;
    };
    while (i + kRows <= rows) add_rows(add_tile<T, kRows, WIDTH>, kRows);
    if (kRows > 4 && i + 4 <= rows) add_rows(add_tile<T, 4, WIDTH>, 4);
    if (i + 2 <= rows) add_rows(add_tile<T, 2, WIDTH>, 2);
    if (i < rows) add_rows(add_tile<T, 1, WIDTH>, 1);
}

// c (+)= a b for `rows` x `columns`, b in panels `panel` elements apart. Whole vectors of c are written.
template <class T>
void multiply(Left<T> a, const T* b, int64_t panel, int64_t depth, int64_t rows, int64_t columns, T* c, int64_t c_row, bool add) {
    for (int64_t j = 0; j < columns; j += kPanel<T>, b += panel) {
        if (columns - j > lanes<T>) multiply_panel<T, 2>(a, b, depth, rows, c + j, c_row, add);
        else multiply_panel<T, 1>(a, b, depth, rows, c + j, c_row, add);
    }
}

// `count` rows of `width` as panels of columns, one row of a panel after the other; zeros fill the last panel.
template <class T>
void pack(const T* from, int64_t row, int64_t count, int64_t width, T* to) {
    for (int64_t j = 0; j < width; j += kPanel<T>) {
        for (int64_t i = 0; i < count; ++i, to += kPanel<T>) {
            store(to, load_n(from + i * row + j, width - j));
            store(to + lanes<T>, load_n(from + i * row + j + lanes<T>, width - j - lanes<T>));
        }
    }
}

// The same of the transpose: panels of rows, `width` long. Zeros stand for the rows that the last panel lacks.
template <class T>
void pack_transposed(const T* from, int64_t row, int64_t count, int64_t width, T* to) {
    for (int64_t i = 0; i < count; i += kPanel<T>, to += width * kPanel<T>) {
        for (int64_t half = 0; half < kPanel<T>; half += lanes<T>) {
            transpose_strip(from + (i + half) * row, row, width, count - i - half, to + half, kPanel<T>);
        }
    }
}

template <class T>
RL_INLINE T* at(const Heads<T>& m, int64_t sample, int64_t head, int64_t row) {
    return m.data + sample * m.sample + head * m.head + row * m.row;
}

// One row of the mask from a key on.
template <class T>
struct MaskRow {
    const T* numbers;
    const uint8_t* choices;

    MaskRow(const AttentionMask<T>& mask, int64_t sample, int64_t head, int64_t query, int64_t key) {
        const int64_t offset = sample * mask.sample + head * mask.head + query * mask.row + key;
        numbers = mask.numbers ? mask.numbers + offset : nullptr;
        choices = mask.choices ? mask.choices + offset : nullptr;
    }

    // The scores of keys j ... of which `count` may be read.
    RL_INLINE Vec<T> applied(Vec<T> scores, int64_t j, int64_t count) const {
        if (numbers) return scores + load_n(numbers + j, count);
        if (!choices) return scores;
        typedef uint8_t Bytes __attribute__((vector_size(lanes<T>)));
        Bytes bytes{};
        if (count >= lanes<T>) __builtin_memcpy(&bytes, choices + j, sizeof(bytes));
        else if (count > 0) __builtin_memcpy(&bytes, choices + j, static_cast<size_t>(count));
        return __builtin_convertvector(bytes, Mask<T>) != 0 ? scores : splat(kLowest<T>);
    }
};

// A row of scores as the softmax sees it: masked, -inf from `seen` on. Returns the greatest.
template <class T>
T finish_scores(T* scores, int64_t columns, int64_t seen, const MaskRow<T>& mask) {
    Vec<T> top = splat(kLowest<T>);
    for (int64_t j = 0; j < columns; j += lanes<T>) {
        Vec<T> v = mask.applied(load(scores + j), j, seen - j);
        if (seen - j < lanes<T>) v = first_lanes<T>(seen > j ? seen - j : 0) ? v : splat(kLowest<T>);
        store(scores + j, v);
        top = max<T>(v, top);
    }
    return largest<T>(top);
}

// scores = exp(scores - shift), and their sum.
template <class T>
T exponentials(T* scores, int64_t columns, T shift) {
    Vec<T> total{};
    for (int64_t j = 0; j < columns; j += lanes<T>) {
        const Vec<T> v = exp_bounded<T>(load(scores + j) - shift);
        store(scores + j, v);
        total += v;
    }
    return sum<T>(total);
}

template <class T>
RL_INLINE void scale_row(T* row, int64_t columns, T factor) {
    for (int64_t j = 0; j < columns; j += lanes<T>) store(row + j, load(row + j) * factor);
}

// `to` = `from` times a factor, for `width` elements; `from` may be read in whole vectors.
template <class T>
RL_INLINE void put_row(const T* from, T* to, int64_t width, T factor) {
    int64_t j = 0;
    for (; j + lanes<T> <= width; j += lanes<T>) store(to + j, load(from + j) * factor);
    if (j < width) store_part(to + j, load(from + j) * factor, width - j);
}

// How many units a head's rows are split into so that all threads have work: about four units for each.
inline int64_t splits(int64_t heads, int64_t blocks) {
    const int64_t wanted = 4 * static_cast<int64_t>(get_num_threads());
    if (get_num_threads() == 1 || heads >= wanted || blocks <= 1) return 1;
    return smaller(divide_up(wanted, heads), blocks);
}

template <class T>
int parts_of(const AttentionJob<T>& job, int64_t units) {
    const double work = static_cast<double>(job.samples * job.heads) * static_cast<double>(job.queries) *
                        static_cast<double>(job.keys) * static_cast<double>(job.width) * 2;
    return parts_for(smaller(static_cast<int64_t>(work / kWorkOfPart), units), 1);
}

// body(unit, part) for all units: each part takes the next when it has done one, since units may differ in their work.
template <class Body>
void each_unit(int64_t units, int parts, Body body) {
    int64_t next = 0;
    parallel_parts(parts, [&](int part, int) {
        for (;;) {
            const int64_t unit = __atomic_fetch_add(&next, 1, __ATOMIC_RELAXED);
            if (unit >= units) return;
            body(unit, part);
        }
    });
}

// A block of queries on its way past the keys.
template <class T>
struct Running {
    T *query, *scores, *values;  // scaled queries; a block of scores; the weighted values so far
    T top[kQueries], total[kQueries];
};

template <class T>
class Forward {
public:
    Forward(const AttentionJob<T>& job, Heads<T> out, T* normalizer)
        : job_(job), out_(out), normalizer_(normalizer), wide_(padded<T>(job.width)),
          keys_size_(padded<T>(job.keys) * job.width), values_size_(job.keys * wide_) {}

    bool run() {
        const int64_t heads = job_.samples * job_.heads, blocks = divide_up(job_.queries, kQueries);
        const int64_t several = splits(heads, divide_up(blocks, 2));
        const int parts = parts_of(job_, heads * several);
        const int64_t size = keys_size_ + values_size_ + kQueries * (job_.width + kForwardKeys + wide_);
        Scratch<T> scratch(static_cast<size_t>(size) * static_cast<size_t>(parts));
        if (!scratch.get()) return false;
        each_unit(heads * several, parts, [&, this](int64_t unit, int part) {
            // Under a causal mask the last queries have most to do: they go first.
            const int64_t r = several - 1 - unit % several;
            work(unit / several, blocks * r / several, blocks * (r + 1) / several, scratch.get() + part * size);
        });
        return true;
    }

private:
    void work(int64_t which, int64_t begin, int64_t end, T* scratch) const {
        const int64_t sample = which / job_.heads, head = which % job_.heads, shared = head / job_.group;
        const int64_t last = smaller(end * kQueries, job_.queries);
        const int64_t keys = job_.causal ? smaller(last, job_.keys) : job_.keys;
        T *packed_keys = scratch, *packed_values = scratch + keys_size_;
        pack_transposed(at(job_.key, sample, shared, 0), job_.key.row, keys, job_.width, packed_keys);
        pack(at(job_.value, sample, shared, 0), job_.value.row, keys, job_.width, packed_values);
        Running<T> running;
        running.query = packed_values + values_size_;
        running.scores = running.query + kQueries * job_.width;
        running.values = running.scores + kQueries * kForwardKeys;
        for (int64_t block = begin; block < end; ++block) {
            const int64_t first = block * kQueries, rows = smaller(kQueries, job_.queries - first);
            const int64_t seen = job_.causal ? smaller(first + rows, keys) : keys;
            for (int64_t i = 0; i < rows; ++i) {
                put_row_from(at(job_.query, sample, head, first + i), running.query + i * job_.width);
                running.top[i] = kLowest<T>, running.total[i] = 0;
            }
            for (int64_t key = 0; key < seen; key += kForwardKeys) {
                const int64_t count = smaller(kForwardKeys, seen - key);
                multiply<T>({running.query, job_.width, 1}, packed_keys + key * job_.width, job_.width * kPanel<T>,
                            job_.width, rows, count, running.scores, kForwardKeys, false);
                weigh(running, sample, head, first, rows, key, count);
                multiply<T>({running.scores, kForwardKeys, 1}, packed_values + key * kPanel<T>, keys * kPanel<T>, count,
                            rows, job_.width, running.values, wide_, key > 0);
            }
            finish(running, sample, head, first, rows);
        }
    }

    void put_row_from(const T* from, T* to) const {
        int64_t j = 0;
        for (; j + lanes<T> <= job_.width; j += lanes<T>) store(to + j, load(from + j) * job_.scale);
        if (j < job_.width) store_part(to + j, load_part(from + j, job_.width - j) * job_.scale, job_.width - j);
    }

    // Scores become weights relative to the greatest score so far, and what came before is brought to the same measure.
    void weigh(Running<T>& running, int64_t sample, int64_t head, int64_t first, int64_t rows, int64_t key, int64_t count) const {
        const int64_t columns = divide_up(count, lanes<T>) * lanes<T>;
        for (int64_t i = 0; i < rows; ++i) {
            T* scores = running.scores + i * kForwardKeys;
            const int64_t seen = job_.causal ? smaller(count, first + i + 1 - key) : count;
            const T block = finish_scores(scores, columns, seen, MaskRow<T>(job_.mask, sample, head, first + i, key));
            const T before = running.top[i], top = block > before ? block : before;
            const T shift = top == kLowest<T> ? T(0) : top;
            const T total = exponentials(scores, columns, shift);
            if (key > 0 && top != before) {
                const T factor = before == kLowest<T> ? T(0) : exp_bounded<T>(splat(before - shift))[0];
                scale_row(running.values + i * wide_, divide_up(job_.width, lanes<T>) * lanes<T>, factor);
                running.total[i] *= factor;
            }
            running.top[i] = top;
            running.total[i] += total;
        }
    }

    void finish(const Running<T>& running, int64_t sample, int64_t head, int64_t first, int64_t rows) const {
        T* normalizer = normalizer_ + (sample * job_.heads + head) * job_.queries + first;
        for (int64_t i = 0; i < rows; ++i) {
            const T total = running.total[i];
            put_row(running.values + i * wide_, at(out_, sample, head, first + i), job_.width, total == 0 ? T(0) : 1 / total);
            normalizer[i] = total == 0 ? -kLowest<T> : running.top[i] + log_of(total);
        }
    }

    const AttentionJob<T>& job_;
    Heads<T> out_;
    T* normalizer_;
    int64_t wide_, keys_size_, values_size_;
};

// The gradients, unit by unit: a unit is a range of the keys of one head of keys, met by all queries that see it. A range has
// its own sums for keys and values; where a head has several ranges each also has its own for the queries, added up at the end.
template <class T>
class Backward {
public:
    Backward(const AttentionJob<T>& job, const AttentionGradients<T>& gradients)
        : job_(job), g_(gradients), wide_(padded<T>(job.width)), shared_(job.samples * job.heads / job.group),
          blocks_(divide_up(job.keys, kBackwardKeys)), ranges_(splits(shared_, blocks_)),
          range_(divide_up(blocks_, ranges_) * kBackwardKeys) {}

    bool run() {
        const int parts = parts_of(job_, shared_ * ranges_);
        const int64_t rows = job_.queries * wide_, block = kBackwardKeys * (2 * wide_ + 2 * job_.width);
        const int64_t size = 3 * rows + job_.queries + 2 * range_ * wide_ + block + 2 * kQueries * kBackwardKeys;
        const int64_t partial = ranges_ > 1 ? job_.samples * job_.heads * ranges_ * rows : 0;
        Scratch<T> scratch(static_cast<size_t>(size * parts + partial));
        if (!scratch.get()) return false;
        T* sums = scratch.get() + size * parts;
        each_unit(shared_ * ranges_, parts, [&, this](int64_t unit, int part) {
            work(unit / ranges_, unit % ranges_, carve(scratch.get() + part * size), sums);
        });
        if (ranges_ > 1) add_ranges(sums);
        return true;
    }

private:
    // A part's scratch memory.
    struct Space {
        T *queries, *grads;      // packed rows of a head
        T *to_queries, *deltas;  // the queries' sums; each query's sum of gradient times result
        T *to_keys, *to_values;  // a range's sums
        T *keys, *keys_turned, *values_turned;  // packed rows of a block of keys, and transposes
        T *weights, *slopes;     // a block of weights and the gradients of its scores
    };

    Space carve(T* p) const {
        const auto take = [&](int64_t count) {
            T* taken = p;
            p += count;
            return taken;
        };
        const int64_t rows = job_.queries * wide_;
        Space s;
        s.queries = take(rows), s.grads = take(rows), s.to_queries = take(rows), s.deltas = take(job_.queries);
        s.to_keys = take(range_ * wide_), s.to_values = take(range_ * wide_);
        s.keys = take(kBackwardKeys * 2 * wide_);
        s.keys_turned = take(kBackwardKeys * job_.width), s.values_turned = take(kBackwardKeys * job_.width);
        s.weights = take(kQueries * kBackwardKeys), s.slopes = take(kQueries * kBackwardKeys);
        return s;
    }

    void work(int64_t which, int64_t range, const Space& s, T* sums) const {
        const int64_t heads = job_.heads / job_.group, sample = which / heads, shared = which % heads;
        const int64_t begin = smaller(range * range_, job_.keys), end = smaller(begin + range_, job_.keys);
        clear(s.to_keys, (end - begin) * wide_), clear(s.to_values, (end - begin) * wide_);
        for (int64_t head = shared * job_.group; head < (shared + 1) * job_.group; ++head) {
            prepare(s, sample, head);
            clear(s.to_queries, job_.queries * wide_);
            for (int64_t key = begin; key < end; key += kBackwardKeys) {
                meet_keys(s, sample, head, key, smaller(kBackwardKeys, end - key), (key - begin) * wide_);
            }
            if (ranges_ > 1) {
                T* to = sums + ((sample * job_.heads + head) * ranges_ + range) * job_.queries * wide_;
                __builtin_memcpy(to, s.to_queries, static_cast<size_t>(job_.queries * wide_) * sizeof(T));
                continue;
            }
            for (int64_t i = 0; i < job_.queries; ++i) {
                put_row(s.to_queries + i * wide_, at(g_.to_query, sample, head, i), job_.width, job_.scale);
            }
        }
        for (int64_t j = begin; j < end; ++j) {
            put_row(s.to_keys + (j - begin) * wide_, at(g_.to_key, sample, shared, j), job_.width, job_.scale);
            put_row(s.to_values + (j - begin) * wide_, at(g_.to_value, sample, shared, j), job_.width, T(1));
        }
    }

    static void clear(T* p, int64_t count) { __builtin_memset(p, 0, static_cast<size_t>(count) * sizeof(T)); }

    void prepare(const Space& s, int64_t sample, int64_t head) const {
        pack(at(job_.query, sample, head, 0), job_.query.row, job_.queries, job_.width, s.queries);
        pack(at(g_.grad, sample, head, 0), g_.grad.row, job_.queries, job_.width, s.grads);
        for (int64_t i = 0; i < job_.queries; ++i) {
            const T *grad = at(g_.grad, sample, head, i), *out = at(g_.out, sample, head, i);
            Vec<T> total{};
            for (int64_t j = 0; j < job_.width; j += lanes<T>) {
                total += load_n(grad + j, job_.width - j) * load_n(out + j, job_.width - j);
            }
            s.deltas[i] = sum<T>(total);
        }
    }

    // All queries of a head meet a block of keys.
    void meet_keys(const Space& s, int64_t sample, int64_t head, int64_t key, int64_t count, int64_t offset) const {
        const int64_t shared = head / job_.group, width = job_.width;
        const T *keys = at(job_.key, sample, shared, key), *values = at(job_.value, sample, shared, key);
        pack(keys, job_.key.row, count, width, s.keys);
        pack_transposed(keys, job_.key.row, count, width, s.keys_turned);
        pack_transposed(values, job_.value.row, count, width, s.values_turned);
        for (int64_t first = job_.causal ? key / kQueries * kQueries : 0; first < job_.queries; first += kQueries) {
            const int64_t rows = smaller(kQueries, job_.queries - first);
            const int64_t seen = job_.causal ? smaller(count, first + rows - key) : count;
            multiply<T>({at(job_.query, sample, head, first), job_.query.row, 1}, s.keys_turned, width * kPanel<T>, width, rows,
                        seen, s.weights, kBackwardKeys, false);
            multiply<T>({at(g_.grad, sample, head, first), g_.grad.row, 1}, s.values_turned, width * kPanel<T>, width, rows, seen,
                        s.slopes, kBackwardKeys, false);
            for (int64_t i = 0; i < rows; ++i) {
                const int64_t own = job_.causal ? smaller(seen, first + i + 1 - key) : seen;
                differentiate(s, i, seen, own, s.deltas[first + i], MaskRow<T>(job_.mask, sample, head, first + i, key),
                              g_.normalizer[(sample * job_.heads + head) * job_.queries + first + i]);
            }
            const int64_t panel = job_.queries * kPanel<T>;
            multiply<T>({s.weights, 1, kBackwardKeys}, s.grads + first * kPanel<T>, panel, rows, seen, width,
                        s.to_values + offset, wide_, true);
            multiply<T>({s.slopes, 1, kBackwardKeys}, s.queries + first * kPanel<T>, panel, rows, seen, width,
                        s.to_keys + offset, wide_, true);
            multiply<T>({s.slopes, kBackwardKeys, 1}, s.keys, count * kPanel<T>, seen, rows, width,
                        s.to_queries + first * wide_, wide_, true);
        }
    }

    // A row of scores becomes weights, and the weights' gradients become those of the scores: weight * (gradient - delta).
    void differentiate(const Space& s, int64_t i, int64_t columns, int64_t seen, T delta, const MaskRow<T>& mask,
                       T normalizer) const {
        T *weights = s.weights + i * kBackwardKeys, *slopes = s.slopes + i * kBackwardKeys;
        for (int64_t j = 0; j < columns; j += lanes<T>) {
            const Vec<T> scores = mask.applied(load(weights + j) * job_.scale, j, seen - j);
            Vec<T> v = exp_bounded<T>(scores - normalizer);
            if (seen - j < lanes<T>) v = first_lanes<T>(seen > j ? seen - j : 0) ? v : Vec<T>{};
            store(weights + j, v);
            store(slopes + j, v * (load(slopes + j) - delta));
        }
    }

    void add_ranges(const T* sums) const {
        const int64_t rows = job_.samples * job_.heads * job_.queries;
        parallel_for(rows, (1 << 14) / (wide_ * ranges_) + 1, [&, this](int64_t row, int64_t end) {
            for (; row < end; ++row) {
                const int64_t head = row / job_.queries, i = row % job_.queries;
                T* to = at(g_.to_query, head / job_.heads, head % job_.heads, i);
                for (int64_t j = 0; j < job_.width; j += lanes<T>) {
                    Vec<T> total{};
                    for (int64_t r = 0; r < ranges_; ++r) {
                        total += load(sums + ((head * ranges_ + r) * job_.queries + i) * wide_ + j);
                    }
                    const Vec<T> v = total * job_.scale;
                    if (job_.width - j >= lanes<T>) store(to + j, v);
                    else store_part(to + j, v, job_.width - j);
                }
            }
        });
    }

    const AttentionJob<T>& job_;
    const AttentionGradients<T>& g_;
    int64_t wide_, shared_, blocks_, ranges_, range_;
};

template <class T>
bool forward(const AttentionJob<T>& job, Heads<T> out, T* normalizer) {
    return Forward<T>(job, out, normalizer).run();
}

template <class T>
bool backward(const AttentionJob<T>& job, const AttentionGradients<T>& gradients) {
    return Backward<T>(job, gradients).run();
}

}  // namespace

const AttentionKernels<float> attention_f32 = {forward<float>, backward<float>};
const AttentionKernels<double> attention_f64 = {forward<double>, backward<double>};

}  // namespace rl::RL_ISA
