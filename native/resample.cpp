// Sums of a few weighted elements, at places found beforehand.
//
// Along an axis that isn't the last, vectors run along what follows it. Along the last, a block of as many rows as a vector has
// lanes is transposed into scratch, where the axis is one of vectors; the outputs are transposed back. At the places of a grid,
// points go one by one: a grid may lead anywhere.
#include "resample.h"

#include "core/allocator.h"
#include "core/thread_pool.h"
#include "core/tile.h"

namespace rl::RL_ISA {
namespace {

constexpr int64_t kGrain = 1 << 13;  // products for which a second thread pays

// An output of vectors `step` apart.
template <class T, class Load>
RL_INLINE Vec<T> sum_taps(const int64_t* index, const T* weight, int64_t taps, Load load_at) {
    Vec<T> total = load_at(index[0]);
    if (weight) total *= weight[0];
    for (int64_t t = 1; t < taps; ++t) {
        const Vec<T> v = load_at(index[t]);
        total = weight ? fmadd<T>(v, splat(weight[t]), total) : total + v;
    }
    return total;
}

template <class T>
void along_rows(const TapsShape& s, const T* x, const T* weight, T* out) {
    parallel_for(s.outer * s.outputs, kGrain / (s.inner * s.taps) + 1, [=](int64_t i, int64_t end) {
        for (; i < end; ++i) {
            const int64_t o = i % s.outputs;
            const T* const from = x + i / s.outputs * s.size * s.inner;
            const int64_t* const index = s.index + o * s.taps;
            const T* const own = weight ? weight + o * s.taps : nullptr;
            T* const to = out + i * s.inner;
            int64_t j = 0;
            for (; j + lanes<T> <= s.inner; j += lanes<T>)
                store(to + j, sum_taps<T>(index, own, s.taps, [=](int64_t at) __attribute__((always_inline)) {
                          return load(from + at * s.inner + j);
                      }));
            if (j < s.inner)
                store_part(to + j, sum_taps<T>(index, own, s.taps, [=](int64_t at) __attribute__((always_inline)) {
                               return load_part(from + at * s.inner + j, s.inner - j);
                           }), s.inner - j);
        }
    });
}

template <class T>
ResampleStatus along_last(const TapsShape& s, const T* x, const T* weight, T* out) {
    const int64_t blocks = divide_up(s.outer, lanes<T>), size = (s.size + s.outputs) * lanes<T>;
    const int64_t parts = smaller(parts_for(s.outer * s.outputs * s.taps, kGrain), blocks);
    Scratch<T> scratch(static_cast<size_t>(parts * size));
    if (!scratch.get()) return ResampleStatus::no_memory;
    T* const base = scratch.get();
    parallel_parts(static_cast<int>(parts), [&](int part, int total) {
        T *const in = base + part * size, *const found = in + s.size * lanes<T>;
        for (int64_t b = blocks * part / total; b < blocks * (part + 1) / total; ++b) {
            const int64_t row = b * lanes<T>, count = smaller(lanes<T>, s.outer - row);
            transpose_strip(x + row * s.size, s.size, s.size, count, in, lanes<T>);
            for (int64_t o = 0; o < s.outputs; ++o)
                store(found + o * lanes<T>, sum_taps<T>(s.index + o * s.taps, weight ? weight + o * s.taps : nullptr, s.taps,
                                                        [=](int64_t at) __attribute__((always_inline)) {
                                                            return load(in + at * lanes<T>);
                                                        }));
            restore_rows(out + row * s.outputs, s.outputs, s.outputs, count, [=](int64_t j) { return load(found + j * lanes<T>); });
        }
    });
    return ResampleStatus::ok;
}

template <class T>
ResampleStatus along(const TapsShape& s, const T* x, const T* weight, T* out) {
    if (s.inner == 1) return along_last(s, x, weight, out);
    along_rows(s, x, weight, out);
    return ResampleStatus::ok;
}

RL_INLINE int64_t plane_grain(const GridShape& s) { return kGrain / (s.points * s.neighbours + 1) + 1; }

template <class T>
void blend(const GridShape& s, const T* image, const T* weight, T* out) {
    parallel_for(s.batch * s.channels, plane_grain(s), [=](int64_t plane, int64_t end) {
        for (; plane < end; ++plane) {
            const int64_t n = plane / s.channels;
            const T* const from = image + plane * s.size;
            T* const to = out + plane * s.points;
            for (int64_t k = 0; k < s.neighbours; ++k) {
                const int64_t first = (k * s.batch + n) * s.points;
                for (int64_t p = 0; p < s.points; ++p) {
                    const int64_t place = s.places[first + p];
                    // A place outside counts as a zero: times an infinite weight that is a NaN, as in PyTorch.
                    const T v = place < s.size ? from[place] : T(0), term = weight ? v * weight[first + p] : v;
                    to[p] = k ? to[p] + term : term;
                }
            }
        }
    });
}

template <class T>
void spread(const GridShape& s, const T* grad, const T* weight, T* out) {
    parallel_for(s.batch * s.channels, plane_grain(s), [=](int64_t plane, int64_t end) {
        for (; plane < end; ++plane) {
            const int64_t n = plane / s.channels;
            const T* const from = grad + plane * s.points;
            T* const to = out + plane * s.size;
            for (int64_t i = 0; i < s.size; ++i) to[i] = T(0);
            for (int64_t k = 0; k < s.neighbours; ++k) {
                const int64_t first = (k * s.batch + n) * s.points;
                for (int64_t p = 0; p < s.points; ++p) {
                    const int64_t place = s.places[first + p];
                    if (place < s.size) to[place] += weight ? from[p] * weight[first + p] : from[p];
                }
            }
        }
    });
}

template <class T>
void pull(const GridShape& s, const T* image, const T* grad, T* out) {
    parallel_for(s.neighbours * s.batch, kGrain / (s.points * s.channels + 1) + 1, [=](int64_t i, int64_t end) {
        for (; i < end; ++i) {
            const int64_t n = i % s.batch;
            T* const to = out + i * s.points;
            for (int64_t p = 0; p < s.points; ++p) to[p] = T(0);
            for (int64_t c = 0; c < s.channels; ++c) {
                const T *const from = image + (n * s.channels + c) * s.size, *const g = grad + (n * s.channels + c) * s.points;
                for (int64_t p = 0; p < s.points; ++p) {
                    const int64_t place = s.places[i * s.points + p];
                    to[p] += (place < s.size ? from[place] : T(0)) * g[p];
                }
            }
        }
    });
}

}  // namespace

const ResampleKernels<float> resample_f32 = {along<float>, blend<float>, spread<float>, pull<float>};
const ResampleKernels<double> resample_f64 = {along<double>, blend<double>, spread<double>, pull<double>};

}  // namespace rl::RL_ISA
