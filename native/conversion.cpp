// Conversions of dense arrays. Those between types that the language converts are loops that the compiler makes vectors of.
#include "conversion.h"

#include <type_traits>

#include "core/narrow.h"
#include "core/thread_pool.h"

namespace rl::RL_ISA {
namespace {

constexpr int64_t kGrain = 1 << 15;  // elements for which a second thread pays

template <class From, class To>
RL_INLINE To converted(From x) {
    if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To>) {
        constexpr From beyond = -static_cast<From>(std::is_same_v<To, int64_t> ? INT64_MIN : INT32_MIN);
        constexpr To least = std::is_same_v<To, int64_t> ? static_cast<To>(INT64_MIN) : static_cast<To>(INT32_MIN);
        const bool fits = x >= -beyond && x < beyond;
        const To whole = static_cast<To>(fits ? x : From(0));
        return fits ? whole : least;
    } else {
        return static_cast<To>(x);
    }
}

template <class From, class To>
void convert(const From* x, To* out, int64_t n) {
    parallel_for(n, kGrain, [=](int64_t i, int64_t end) {
        if constexpr (is_narrow<From> || is_narrow<To>) {
            for (; i + lanes<float> <= end; i += lanes<float>) put(out + i, get(x + i));
            if (i < end) put_part(out + i, get_part(x + i, end - i), end - i);
        } else {
            for (; i < end; ++i) out[i] = converted<From, To>(x[i]);
        }
    });
}

}  // namespace

const ConversionKernels conversion = {
    convert<float, BFloat16>, convert<BFloat16, float>, convert<float, Float16>, convert<Float16, float>,
    convert<float, double>,   convert<double, float>,   convert<float, int64_t>, convert<int64_t, float>,
    convert<float, int32_t>,  convert<int32_t, float>,  convert<uint8_t, float>};

}  // namespace rl::RL_ISA
