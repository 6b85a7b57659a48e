// A number for each channel: multiplied with it, and summed over it. Where a channel's elements follow each other, vectors run along
// them; where it has one in each row, along the channels.
#include "channels.h"

#include "core/thread_pool.h"
#include "core/vec.h"

namespace rl::RL_ISA {
namespace {

constexpr int64_t kGrain = 1 << 14;  // elements for which a second thread pays
constexpr int64_t kBlock = 1 << 10;  // elements added up in T; the blocks' sums are added in double
constexpr int64_t kRows = 64;        // the same of rows

template <class T>
void scale(const ChannelShape& s, const T* x, const T* factor, const T* shift, T* out) {
    if (s.length == 1) {
        parallel_for(s.batch, kGrain / s.channels + 1, [=](int64_t row, int64_t end) {
            for (; row < end; ++row) {
                for (int64_t c = 0; c < s.channels; c += lanes<T>) {
                    const int64_t n = s.channels - c, at = row * s.channels + c;
                    const Vec<T> v = load_n(x + at, n), f = load_n(factor + c, n);
                    store_n(out + at, shift ? fmadd<T>(v, f, load_n(shift + c, n)) : v * f, n);
                }
            }
        });
        return;
    }
    parallel_for(s.batch * s.channels, kGrain / s.length + 1, [=](int64_t i, int64_t end) {
        for (; i < end; ++i) {
            const Vec<T> f = splat(factor[i % s.channels]), add = splat(shift ? shift[i % s.channels] : T(0));
            const T* const from = x + i * s.length;
            T* const to = out + i * s.length;
            for (int64_t j = 0; j < s.length; j += lanes<T>) {
                const Vec<T> v = load_n(from + j, s.length - j);
                store_n(to + j, shift ? fmadd<T>(v, f, add) : v * f, s.length - j);
            }
        }
    });
}

template <class T>
void sums_of_columns(const ChannelShape& s, const T* grad, const T* x, const T* centre, T* sums, T* products) {
    const int64_t vectors = (s.channels + lanes<T> - 1) / lanes<T>;
    parallel_for(vectors, kGrain / (s.batch * lanes<T>) + 1, [=](int64_t vector, int64_t end) {
        for (; vector < end; ++vector) {
            const int64_t c = vector * lanes<T>, n = s.channels - c;
            const Vec<T> middle = x ? load_n(centre + c, n) : Vec<T>{};
            Vec<T> total{}, slanted{};
            for (int64_t first = 0; first < s.batch; first += kRows) {
                Vec<T> a{}, b{};
                for (int64_t row = first; row < smaller(s.batch, first + kRows); ++row) {
                    const Vec<T> g = load_n(grad + row * s.channels + c, n);
                    a += g;
                    if (x) b = fmadd<T>(g, load_n(x + row * s.channels + c, n) - middle, b);
                }
                total += a, slanted += b;
            }
            store_n(sums + c, total, n);
            if (x) store_n(products + c, slanted, n);
        }
    });
}

template <class T>
void sums(const ChannelShape& s, const T* grad, const T* x, const T* centre, T* sums, T* products) {
    if (s.length == 1) {
        sums_of_columns(s, grad, x, centre, sums, products);
        return;
    }
    parallel_for(s.channels, kGrain / (s.batch * s.length) + 1, [=](int64_t c, int64_t end) {
        for (; c < end; ++c) {
            const T middle = x ? centre[c] : T(0);
            double total = 0, slanted = 0;
            for (int64_t n = 0; n < s.batch; ++n) {
                const int64_t at = (n * s.channels + c) * s.length;
                for (int64_t first = 0; first < s.length; first += kBlock) {
                    const int64_t last = smaller(s.length, first + kBlock);
                    Vec<T> a{}, b{};
                    for (int64_t j = first; j < last; j += lanes<T>) {
                        const Vec<T> g = load_n(grad + at + j, last - j);
                        a += g;
                        if (x) b = fmadd<T>(g, load_n(x + at + j, last - j, middle) - middle, b);
                    }
                    total += sum<T>(a), slanted += sum<T>(b);
                }
            }
            sums[c] = static_cast<T>(total);
            if (x) products[c] = static_cast<T>(slanted);
        }
    });
}

}  // namespace

const ChannelKernels<float> channels_f32 = {scale<float>, sums<float>};
const ChannelKernels<double> channels_f64 = {scale<double>, sums<double>};

}  // namespace rl::RL_ISA
