#include "sorting.h"

#include "core/allocator.h"
#include "core/thread_pool.h"
#include "core/vec_bits.h"

namespace rl::RL_ISA {
namespace {

constexpr int64_t kGrain = 1 << 12;       // elements for which a second thread pays
constexpr int64_t kSmallSort = 16;        // elements that are left to insertion, as in libstdc++
constexpr int64_t kSmallSelect = 3;       // the same when only one place is looked for
constexpr int64_t kRadixSort = 256;       // elements from which counting digits is quicker than merging
constexpr int64_t kNarrow = int64_t{1} << 32;

// Keys: integers in the order of the elements. Equal elements have equal keys: 0 and -0, and any NaNs.

RL_INLINE uint32_t key_of(float x) {
    if (x != x) return ~uint32_t{0};
    const float y = x + 0.0f;  // -0 becomes 0
    uint32_t bits;
    std::memcpy(&bits, &y, sizeof bits);
    return bits >> 31 ? ~bits : bits | (uint32_t{1} << 31);
}
RL_INLINE uint64_t key_of(double x) {
    if (x != x) return ~uint64_t{0};
    const double y = x + 0.0;
    uint64_t bits;
    std::memcpy(&bits, &y, sizeof bits);
    return bits >> 63 ? ~bits : bits | (uint64_t{1} << 63);
}
RL_INLINE uint32_t key_of(int8_t x) { return static_cast<uint32_t>(x + (1 << 7)); }
RL_INLINE uint32_t key_of(int16_t x) { return static_cast<uint32_t>(x + (1 << 15)); }
RL_INLINE uint32_t key_of(int32_t x) { return static_cast<uint32_t>(x) ^ (uint32_t{1} << 31); }
RL_INLINE uint64_t key_of(int64_t x) { return static_cast<uint64_t>(x) ^ (uint64_t{1} << 63); }
RL_INLINE uint32_t key_of(uint8_t x) { return x; }
RL_INLINE uint32_t key_of(uint16_t x) { return x; }
RL_INLINE uint32_t key_of(uint32_t x) { return x; }
RL_INLINE uint64_t key_of(uint64_t x) { return x; }

// Words: a key and the place it came from.

struct Narrow {
    using Key = uint32_t;
    uint64_t bits;
    static Narrow of(uint32_t key, int64_t place) { return {uint64_t{key} << 32 | static_cast<uint64_t>(place)}; }
    uint32_t key() const { return static_cast<uint32_t>(bits >> 32); }
    int64_t place() const { return static_cast<int64_t>(bits & 0xFFFFFFFF); }
};
struct Wide {
    using Key = uint64_t;
    uint64_t value;
    int64_t from;
    static Wide of(uint64_t key, int64_t place) { return {key, place}; }
    uint64_t key() const { return value; }
    int64_t place() const { return from; }
};

// A word whose order among equal keys is that of its place.
template <class W>
struct Placed : W {};

template <class W>
RL_INLINE bool before(const W& a, const W& b) {
    return a.key() < b.key();
}
RL_INLINE bool before(const Placed<Narrow>& a, const Placed<Narrow>& b) { return a.bits < b.bits; }
RL_INLINE bool before(const Placed<Wide>& a, const Placed<Wide>& b) {
    return a.value < b.value || (a.value == b.value && a.from < b.from);
}
template <class W>
RL_INLINE void swap(W& a, W& b) {
    const W c = a;
    a = b;
    b = c;
}

int log2(int64_t n) {
    int k = 0;
    while (n > 1) n >>= 1, ++k;
    return k;
}

// Heaps of n words at `heap`, the last in order at the top.

// Puts `word` into the heap, whose place `hole` is free.
template <class W>
void sift(W* heap, int64_t hole, int64_t n, W word) {
    const int64_t top = hole;
    int64_t child = hole;
    while (child < (n - 1) / 2) {
        child = 2 * (child + 1);
        if (before(heap[child], heap[child - 1])) --child;
        heap[hole] = heap[child];
        hole = child;
    }
    if ((n & 1) == 0 && child == (n - 2) / 2) {
        child = 2 * child + 1;
        heap[hole] = heap[child];
        hole = child;
    }
    for (int64_t parent = (hole - 1) / 2; hole > top && before(heap[parent], word); parent = (hole - 1) / 2) {
        heap[hole] = heap[parent];
        hole = parent;
    }
    heap[hole] = word;
}

template <class W>
void make_heap(W* heap, int64_t n) {
    for (int64_t parent = n / 2 - 1; parent >= 0; --parent) sift(heap, parent, n, heap[parent]);
}

template <class W>
void sort_heap(W* heap, int64_t n) {
    while (n > 1) {
        --n;
        const W word = heap[n];
        heap[n] = heap[0];
        sift(heap, 0, n, word);
    }
}

// The first `count` of n words come to the front, as a heap.
template <class W>
void select_by_heap(W* words, int64_t count, int64_t n) {
    make_heap(words, count);
    for (int64_t i = count; i < n; ++i) {
        if (!before(words[i], words[0])) continue;
        const W word = words[i];
        words[i] = words[0];
        sift(words, 0, count, word);
    }
}

// Sorting and selection by partition, with the choices of libstdc++: where words are equal, its order is PyTorch's.

template <class W>
void insertion_sort(W* words, int64_t n) {
    for (int64_t i = 1; i < n; ++i) {
        const W word = words[i];
        int64_t j = i;
        for (; j > 0 && before(word, words[j - 1]); --j) words[j] = words[j - 1];
        words[j] = word;
    }
}

// Brings the median of the second, the middle and the last word to the front and parts the others around it: where the
// second part begins.
template <class W>
int64_t partition(W* words, int64_t n) {
    const W &a = words[1], &b = words[n / 2], &c = words[n - 1];
    const int64_t median = before(a, b) ? (before(b, c) ? n / 2 : before(a, c) ? n - 1 : 1)
                                        : (before(a, c) ? 1 : before(b, c) ? n - 1 : n / 2);
    swap(words[0], words[median]);
    const W pivot = words[0];
    int64_t low = 1, high = n;
    for (;;) {
        while (before(words[low], pivot)) ++low;
        --high;
        while (before(pivot, words[high])) --high;
        if (low >= high) return low;
        swap(words[low], words[high]);
        ++low;
    }
}

template <class W>
void part_until_small(W* words, int64_t n, int depth) {
    while (n > kSmallSort) {
        if (depth-- == 0) {
            make_heap(words, n);
            sort_heap(words, n);
            return;
        }
        const int64_t cut = partition(words, n);
        part_until_small(words + cut, n - cut, depth);
        n = cut;
    }
    // Within a small part only: nothing passes from one part to another.
    insertion_sort(words, n);
}

template <class W>
void quick_sort(W* words, int64_t n) {
    part_until_small(words, n, 2 * log2(n));
}

// The k-th word in order, from 0, comes to its place, and none before it is of those that come after.
template <class W>
void select(W* words, int64_t k, int64_t n) {
    int depth = 2 * log2(n);
    while (n > kSmallSelect) {
        if (depth-- == 0) {
            select_by_heap(words, k + 1, n);
            swap(words[0], words[k]);
            return;
        }
        const int64_t cut = partition(words, n);
        if (cut <= k) {
            words += cut;
            n -= cut;
            k -= cut;
        } else {
            n = cut;
        }
    }
    insertion_sort(words, n);
}

// The same by the algorithm that PyTorch has for kthvalue.
template <class W>
void quick_select(W* words, int64_t k, int64_t n) {
    int64_t left = 0, right = n - 1;
    while (right > left) {
        if (right == left + 1) {
            if (before(words[right], words[left])) swap(words[left], words[right]);
            return;
        }
        swap(words[(left + right) / 2], words[left + 1]);
        if (before(words[right], words[left + 1])) swap(words[left + 1], words[right]);
        if (before(words[right], words[left])) swap(words[left], words[right]);
        if (before(words[left], words[left + 1])) swap(words[left + 1], words[left]);
        const W pivot = words[left];
        int64_t i = left + 1, j = right;
        for (;;) {
            do ++i;
            while (before(words[i], pivot));
            do --j;
            while (before(pivot, words[j]));
            if (j < i) break;
            swap(words[i], words[j]);
        }
        swap(words[left], words[j]);
        if (j <= k) left = i;
        if (j >= k) right = j - 1;
    }
}

// The stable order, which is one whatever the algorithm.

template <class W>
void merge_sort(W* words, W* other, int64_t n) {
    for (int64_t i = 0; i < n; i += kSmallSort) insertion_sort(words + i, n - i < kSmallSort ? n - i : kSmallSort);
    W *from = words, *to = other;
    for (int64_t width = kSmallSort; width < n; width *= 2) {
        for (int64_t begin = 0; begin < n; begin += 2 * width) {
            const int64_t middle = begin + width < n ? begin + width : n;
            const int64_t end = begin + 2 * width < n ? begin + 2 * width : n;
            int64_t a = begin, b = middle;
            for (int64_t i = begin; i < end; ++i) {
                const bool second = a == middle || (b < end && before(from[b], from[a]));
                to[i] = second ? from[b++] : from[a++];
            }
        }
        swap(from, to);
    }
    if (from != words) std::memcpy(words, from, n * sizeof(W));
}

template <class W>
void radix_sort(W* words, W* other, int64_t n) {
    constexpr int kDigits = sizeof(typename W::Key);
    int64_t counts[kDigits][256] = {};
    for (int64_t i = 0; i < n; ++i) {
        const auto key = words[i].key();
        for (int d = 0; d < kDigits; ++d) ++counts[d][key >> (8 * d) & 255];
    }
    W *from = words, *to = other;
    for (int d = 0; d < kDigits; ++d) {
        int64_t* count = counts[d];
        if (count[from[0].key() >> (8 * d) & 255] == n) continue;
        for (int64_t total = 0, v = 0; v < 256; ++v) {
            const int64_t c = count[v];
            count[v] = total;
            total += c;
        }
        for (int64_t i = 0; i < n; ++i) to[count[from[i].key() >> (8 * d) & 255]++] = from[i];
        swap(from, to);
    }
    if (from != words) std::memcpy(words, from, n * sizeof(W));
}

// Rows.

constexpr int64_t kTile = 16;   // neighbouring rows that are read together where their elements lie apart
constexpr int64_t kBlock = 16;  // elements looked at together

// Calls body(the row's elements, where its results begin, step between them, words) for each row, for results of `length`
// elements a row, with room for `room` words.
template <class W, class T, class Body>
bool each_row(const T* x, RowLayout l, int64_t length, int64_t room, Body body) {
    const int64_t rows = l.outer * l.inner, inner = l.inner, n = l.n;
    const int64_t tile = inner == 1 ? 0 : kTile;
    const int parts = parts_for(rows, kGrain / (n + 1) + 1);
    Scratch<W> scratch(parts * room);
    Scratch<T> tiles(parts * tile * n + 1);
    W* all_words = scratch.get();
    T* all_tiles = tiles.get();
    if (!all_words || !all_tiles) return false;
    parallel_parts(parts, [=](int part, int total) {
        W* words = all_words + part * room;
        T* copies = all_tiles + part * tile * n;
        const int64_t end = rows * (part + 1) / total;
        for (int64_t r = rows * part / total; r < end;) {
            const int64_t o = r / inner, i = r % inner;
            const T* from = x + o * n * inner + i;
            const int64_t to = o * length * inner + i;
            if (inner == 1) {
                body(from, to, inner, words);
                ++r;
                continue;
            }
            int64_t width = inner - i < tile ? inner - i : tile;
            if (end - r < width) width = end - r;
            for (int64_t k = 0; k < n; ++k) {
                for (int64_t c = 0; c < width; ++c) copies[c * n + k] = from[k * inner + c];
            }
            for (int64_t c = 0; c < width; ++c) body(copies + c * n, to + c, inner, words);
            r += width;
        }
    });
    return true;
}

template <class W, class T>
RL_INLINE W word(const T* row, int64_t i, typename W::Key flip) {
    return W::of(key_of(row[i]) ^ flip, i);
}

// A bit for each of the next kBlock elements that comes before `top` in the order (descending if `largest`).
template <class T>
RL_INLINE uint32_t before_top(const T* x, T top, bool largest) {
    uint32_t bits = 0;
    if constexpr (std::is_floating_point_v<T>) {
        // A NaN is the greatest, and none comes before another.
        const bool none = top != top;
        if (largest && none) return 0;
        for (int i = 0; i < kBlock; i += lanes<T>) {
            const Vec<T> v = load(x + i);
            const Mask<T> found = largest ? (v > splat(top)) | (v != v) : none ? v == v : v < splat(top);
            bits |= lane_bits<T>(found) << i;
        }
    } else {
        bool any = false;
        for (int i = 0; i < kBlock; ++i) any |= largest ? x[i] > top : x[i] < top;
        if (any) bits = (1u << kBlock) - 1;
    }
    return bits;
}

template <class W, class T>
RL_INLINE void read(const T* row, int64_t n, bool descending, W* words) {
    const auto flip = descending ? ~typename W::Key{0} : 0;
    for (int64_t i = 0; i < n; ++i) words[i] = word<W>(row, i, flip);
}

template <class W, class T>
RL_INLINE void write(const W* words, int64_t n, const T* row, int64_t step, T* values, int64_t* indices) {
    for (int64_t i = 0; i < n; ++i) {
        const int64_t place = words[i].place();
        indices[i * step] = place;
        values[i * step] = row[place];
    }
}

template <class W, class T>
bool sort_rows(const T* x, RowLayout l, bool descending, bool stable, T* values, int64_t* indices) {
    return each_row<W>(x, l, l.n, stable ? 2 * l.n : l.n, [=](const T* row, int64_t to, int64_t step, W* words) {
        read(row, l.n, descending, words);
        if (!stable) quick_sort(words, l.n);
        else if (l.n < kRadixSort) merge_sort(words, words + l.n, l.n);
        else radix_sort(words, words + l.n, l.n);
        write(words, l.n, row, step, values + to, indices + to);
    });
}

template <class W, class T>
bool topk_rows(const T* x, RowLayout l, int64_t k, bool largest, bool sorted, T* values, int64_t* indices) {
    const bool by_heap = k * 64 <= l.n;
    return each_row<W>(x, l, k, by_heap ? k : l.n, [=](const T* row, int64_t to, int64_t step, W* words) {
        if (by_heap) {
            const auto flip = largest ? ~typename W::Key{0} : 0;
            read(row, k, largest, words);
            make_heap(words, k);
            const auto meet = [&](int64_t i) {
                if ((key_of(row[i]) ^ flip) < words[0].key()) sift(words, 0, k, word<W>(row, i, flip));
            };
            int64_t i = k;
            for (; i + kBlock <= l.n; i += kBlock) {
                // After the first blocks few have an element that enters the heap.
                for (uint32_t bits = before_top(row + i, row[words[0].place()], largest); bits; bits &= bits - 1) {
                    meet(i + __builtin_ctz(bits));
                }
            }
            for (; i < l.n; ++i) meet(i);
            sort_heap(words, k);
        } else {
            read(row, l.n, largest, words);
            select(words, k - 1, l.n);
            if (sorted) quick_sort(words, k - 1);
        }
        write(words, k, row, step, values + to, indices + to);
    });
}

template <class W, class T>
bool kth_rows(const T* x, RowLayout l, int64_t k, T* values, int64_t* indices) {
    return each_row<W>(x, l, 1, l.n, [=](const T* row, int64_t to, int64_t step, W* words) {
        read(row, l.n, false, words);
        quick_select(words, k, l.n);
        write(words + k, 1, row, step, values + to, indices + to);
    });
}

template <class W, class T>
bool median_rows(const T* x, RowLayout l, bool ignore_nan, T* values, int64_t* indices) {
    return each_row<W>(x, l, 1, l.n, [=](const T* row, int64_t to, int64_t step, W* words) {
        read(row, l.n, false, words);
        int64_t missing = 0;
        for (int64_t i = 0; i < l.n; ++i) missing += row[i] != row[i];
        int64_t k = (l.n - 1) / 2;
        if (missing && !ignore_nan) k = l.n - missing;
        else if (missing) k = missing == l.n ? 0 : (l.n - missing - 1) / 2;
        // By place where keys are equal: the one word there is in the middle.
        auto* ordered = reinterpret_cast<Placed<W>*>(words);
        select(ordered, k, l.n);
        write(words + k, 1, row, step, values + to, indices + to);
    });
}

template <class W, class T>
bool mode_rows(const T* x, RowLayout l, T* values, int64_t* indices) {
    return each_row<W>(x, l, 1, l.n, [=](const T* row, int64_t to, int64_t step, W* words) {
        read(row, l.n, false, words);
        quick_sort(words, l.n);
        int64_t best = 0, most = 0, run = 0;
        for (int64_t i = 0; i < l.n; ++i) {
            ++run;
            const T value = row[words[i].place()];
            // A NaN equals no other.
            const bool ends = i + 1 == l.n || words[i].key() != words[i + 1].key() || value != value;
            if (!ends) continue;
            if (run > most) {
                best = i;
                most = run;
            }
            run = 0;
        }
        write(words + best, 1, row, step, values + to, indices + to);
    });
}

// Calls f with a null pointer of the element's type and of the word's.
template <class F>
bool typed(Element type, int64_t n, F f) {
    if (n >= kNarrow) return false;
    const auto narrow = static_cast<Narrow*>(nullptr);
    const auto wide = static_cast<Wide*>(nullptr);
    switch (type) {
        case Element::f32: return f(static_cast<float*>(nullptr), narrow);
        case Element::f64: return f(static_cast<double*>(nullptr), wide);
        case Element::i8: return f(static_cast<int8_t*>(nullptr), narrow);
        case Element::i16: return f(static_cast<int16_t*>(nullptr), narrow);
        case Element::i32: return f(static_cast<int32_t*>(nullptr), narrow);
        case Element::i64: return f(static_cast<int64_t*>(nullptr), wide);
        case Element::u8: return f(static_cast<uint8_t*>(nullptr), narrow);
        case Element::u16: return f(static_cast<uint16_t*>(nullptr), narrow);
        case Element::u32: return f(static_cast<uint32_t*>(nullptr), narrow);
        case Element::u64: return f(static_cast<uint64_t*>(nullptr), wide);
    }
    return false;
}

bool sort(Element type, const void* x, RowLayout l, bool descending, bool stable, void* values, int64_t* indices) {
    return typed(type, l.n, [=]<class T, class W>(T*, W*) {
        return sort_rows<W>(static_cast<const T*>(x), l, descending, stable, static_cast<T*>(values), indices);
    });
}

bool topk(Element type, const void* x, RowLayout l, int64_t k, bool largest, bool sorted, void* values,
          int64_t* indices) {
    return typed(type, l.n, [=]<class T, class W>(T*, W*) {
        return topk_rows<W>(static_cast<const T*>(x), l, k, largest, sorted, static_cast<T*>(values), indices);
    });
}

bool kth(Element type, const void* x, RowLayout l, int64_t k, void* values, int64_t* indices) {
    return typed(type, l.n, [=]<class T, class W>(T*, W*) {
        return kth_rows<W>(static_cast<const T*>(x), l, k, static_cast<T*>(values), indices);
    });
}

bool median(Element type, const void* x, RowLayout l, bool ignore_nan, void* values, int64_t* indices) {
    return typed(type, l.n, [=]<class T, class W>(T*, W*) {
        return median_rows<W>(static_cast<const T*>(x), l, ignore_nan, static_cast<T*>(values), indices);
    });
}

bool mode(Element type, const void* x, RowLayout l, void* values, int64_t* indices) {
    return typed(type, l.n, [=]<class T, class W>(T*, W*) {
        return mode_rows<W>(static_cast<const T*>(x), l, static_cast<T*>(values), indices);
    });
}

}  // namespace

const SortingKernels sorting = {sort, topk, kth, median, mode};

}  // namespace rl::RL_ISA
