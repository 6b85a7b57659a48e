#include "arithmetic.h"

#include "core/narrow.h"
#include "core/stream.h"
#include "core/thread_pool.h"

namespace rl::RL_ISA {
namespace {

constexpr int64_t kGrain = 1 << 15;  // elements for which a second thread pays
constexpr int64_t kLongRun = 1 << 10;  // neighbouring results from which streaming them pays

// out[i] for i < n, by vectors; those of 16 bits, half as wide, are never streamed.
template <class T, class Whole, class Part>
RL_INLINE void write(T* out, int64_t n, bool past_caches, Whole whole, Part part) {
    if constexpr (is_narrow<T>) {
        constexpr int width = lanes<Element<T>>;
        int64_t i = 0;
        for (; i + width <= n; i += width) put(out + i, whole(i));
        if (i < n) put_part(out + i, part(i, n - i), n - i);
    } else {
        write_vectors(out, 0, n, past_caches, whole, part);
    }
}

template <class T, class F>
RL_INLINE void map_one(const T* x, T* out, int64_t n, bool past_caches, F f) {
    write(out, n, past_caches, [=](int64_t i) { return f(get(x + i)); },
          [=](int64_t i, int64_t rest) { return f(get_part(x + i, rest)); });
}

template <class T, class F>
RL_INLINE void map_two(const T* a, const T* b, T* out, int64_t n, bool past_caches, F f) {
    write(out, n, past_caches, [=](int64_t i) { return f(get(a + i), get(b + i)); },
          [=](int64_t i, int64_t rest) { return f(get_part(a + i, rest), get_part(b + i, rest)); });
}

// Whether a result should go past the caches: not one that is written over an operand, whose lines are in them already.
template <class T>
RL_INLINE bool goes_past_caches(int64_t elements, bool in_place) {
    return !in_place && exceeds_caches(elements * static_cast<int64_t>(sizeof(T)));
}

template <class T, class C = Element<T>>
RL_INLINE void fill(T* out, int64_t n, Vec<C> v) {
    int64_t i = 0;
    for (; i + lanes<C> <= n; i += lanes<C>) put(out + i, v);
    if (i < n) put_part(out + i, v, n - i);
}

// The grid's arrays are a, b and out; its last dimension is a loop over vectors, and one element that stands for a whole run
// of it is a vector of equal elements.
template <class T, class F>
void binary(const T* a, const T* b, Element<T> number, T* out, const Grid<3>& grid) {
    using V = Vec<Element<T>>;
    const F f;
    const bool first = !a || grid.uniform(0), second = !b || grid.uniform(1);
    const int64_t run = grid.shape[grid.dims - 1], arrays = 1 + !first + !second;
    const bool past_caches = run >= kLongRun && goes_past_caches<T>(grid.size() * arrays, out == a || out == b);
    parallel_for(grid.size(), kGrain, [=, &grid](int64_t begin, int64_t end) {
        each_run(grid, begin, end, [=](const int64_t (&at)[3], int64_t n) {
            const V one = first ? splat(a ? get_one(a + at[0]) : number) : V{};
            const V other = second ? splat(b ? get_one(b + at[1]) : number) : V{};
            T* to = out + at[2];
            if (first && second) fill(to, n, f(one, other));
            else if (first) map_one(b + at[1], to, n, past_caches, [=](V v) { return f(one, v); });
            else if (second) map_one(a + at[0], to, n, past_caches, [=](V v) { return f(v, other); });
            else map_two(a + at[0], b + at[1], to, n, past_caches, f);
        });
    });
}

template <class T, class F>
void unary(const T* x, T* out, int64_t n) {
    const bool past_caches = goes_past_caches<T>(2 * n, out == x);
    parallel_for(n, kGrain, [=](int64_t begin, int64_t end) {
        map_one(x + begin, out + begin, end - begin, past_caches, F{});
    });
}

// Vectors of integers as unsigned ones, whose arithmetic wraps around; floats as they are.
template <class V>
RL_INLINE auto wrapping(V v) {
    using T = std::remove_cvref_t<decltype(v[0])>;
    if constexpr (std::is_integral_v<T>) return (Vec<std::make_unsigned_t<T>>)v;
    else return v;
}

struct Add { template <class V> RL_INLINE V operator()(V a, V b) const { return (V)(wrapping(a) + wrapping(b)); } };
struct Subtract { template <class V> RL_INLINE V operator()(V a, V b) const { return (V)(wrapping(a) - wrapping(b)); } };
struct Multiply { template <class V> RL_INLINE V operator()(V a, V b) const { return (V)(wrapping(a) * wrapping(b)); } };
struct Divide { template <class V> RL_INLINE V operator()(V a, V b) const { return a / b; } };
// NaN where either is.
struct Maximum { template <class V> RL_INLINE V operator()(V a, V b) const { const V v = a > b ? a : b; return a == a ? v : a; } };
struct Minimum { template <class V> RL_INLINE V operator()(V a, V b) const { const V v = a < b ? a : b; return a == a ? v : a; } };
struct Negative { template <class V> RL_INLINE V operator()(V v) const { return (V)-wrapping(v); } };
struct Square { template <class V> RL_INLINE V operator()(V v) const { return (V)(wrapping(v) * wrapping(v)); } };
struct Reciprocal { template <class V> RL_INLINE V operator()(V v) const { return 1 / v; } };

template <class C>
struct Absolute {
    RL_INLINE Vec<C> operator()(Vec<C> v) const {
        if constexpr (std::is_floating_point_v<C>) return (Vec<C>)((Mask<C>)v & ~(Mask<C>)splat(C(-0.0)));
        else return v < 0 ? (Vec<C>)-wrapping(v) : v;
    }
};
template <class C>
struct Sqrt { RL_INLINE Vec<C> operator()(Vec<C> v) const { return sqrt<C>(v); } };
template <class C>
struct ReciprocalSqrt { RL_INLINE Vec<C> operator()(Vec<C> v) const { return 1 / sqrt<C>(v); } };

template <class T, class F>
RL_INLINE void map_three(const T* a, const T* b, const T* c, T* out, int64_t n, F f) {
    const bool past_caches = goes_past_caches<T>(4 * n, false);
    parallel_for(n, kGrain, [=](int64_t begin, int64_t end) {
        write(out + begin, end - begin, past_caches,
              [=](int64_t i) { return f(get(a + begin + i), get(b + begin + i), get(c + begin + i)); },
              [=](int64_t i, int64_t rest) {
                  return f(get_part(a + begin + i, rest), get_part(b + begin + i, rest), get_part(c + begin + i, rest));
              });
    });
}

template <class T>
void interpolate(const T* a, const T* b, const T*, T* out, int64_t n, Element<T> weight) {
    using V = Vec<Element<T>>;
    const bool near = weight > Element<T>(-0.5) && weight < Element<T>(0.5);
    const Element<T> rest = 1 - weight;
    const bool past_caches = goes_past_caches<T>(3 * n, false);
    parallel_for(n, kGrain, [=](int64_t begin, int64_t end) {
        const auto each = [=](auto f) { map_two(a + begin, b + begin, out + begin, end - begin, past_caches, f); };
        if (near) each([=](V u, V v) { return u + weight * (v - u); });
        else each([=](V u, V v) { return v - (v - u) * rest; });
    });
}

template <class T>
void add_product(const T* a, const T* b, const T* c, T* out, int64_t n, Element<T> factor) {
    using V = Vec<Element<T>>;
    map_three(a, b, c, out, n, [=](V u, V v, V w) { return u + factor * v * w; });
}

template <class T>
void add_quotient(const T* a, const T* b, const T* c, T* out, int64_t n, Element<T> factor) {
    using V = Vec<Element<T>>;
    map_three(a, b, c, out, n, [=](V u, V v, V w) { return u + factor * v / w; });
}

template <class T, class C = Element<T>>
constexpr ArithmeticKernels<T> of_floats = {
    binary<T, Add>, binary<T, Subtract>, binary<T, Multiply>, binary<T, Maximum>, binary<T, Minimum>, binary<T, Divide>,
    unary<T, Negative>, unary<T, Absolute<C>>, unary<T, Square>, unary<T, Sqrt<C>>, unary<T, Reciprocal>,
    unary<T, ReciprocalSqrt<C>>, interpolate<T>, add_product<T>, add_quotient<T>};
template <class T>
constexpr ArithmeticKernels<T> of_integers = {
    binary<T, Add>, binary<T, Subtract>, binary<T, Multiply>, binary<T, Maximum>, binary<T, Minimum>, nullptr,
    unary<T, Negative>, unary<T, Absolute<T>>, unary<T, Square>, nullptr, nullptr,
    nullptr, nullptr, nullptr, nullptr};

}  // namespace

const ArithmeticKernels<float> arithmetic_f32 = of_floats<float>;
const ArithmeticKernels<double> arithmetic_f64 = of_floats<double>;
const ArithmeticKernels<int64_t> arithmetic_i64 = of_integers<int64_t>;
const ArithmeticKernels<int32_t> arithmetic_i32 = of_integers<int32_t>;
const ArithmeticKernels<BFloat16> arithmetic_bf16 = of_floats<BFloat16>;
const ArithmeticKernels<Float16> arithmetic_f16 = of_floats<Float16>;

}  // namespace rl::RL_ISA
