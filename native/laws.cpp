// The laws drawn by rejection: loops over the elements, each drawing from the twister until it has its number.
#include "laws.h"

#include <math.h>

#include "twister.h"

namespace rl::RL_ISA {
namespace {

// PyTorch writes these as float constants.
constexpr double kThird = 1.0f / 3.0f, kSqueeze = 0.0331f, kTwoPi = 6.28318530717958647692;

RL_INLINE uint32_t word(Twister& twister) {
    if (twister.pos >= kWords) refill(twister);
    return temper(twister.key[twister.pos++]);
}

// A uniform number of [0, 1).
RL_INLINE double uniform(Source& source) {
    uint32_t pair[2];
    pair[0] = word(source.twister);
    pair[1] = word(source.twister);
    return static_cast<double>(low53(pair)) * 0x1p-53;
}

// A standard normal number; they come in pairs, and the second waits.
double normal(Source& source) {
    if (source.waits) {
        source.waits = false;
        return source.waiting;
    }
    const double angle = kTwoPi * uniform(source), radius = ::sqrt(-2.0 * ::log1p(-uniform(source)));
    source.waiting = radius * ::sin(angle);
    source.waits = true;
    return radius * ::cos(angle);
}

// The gamma law of shape >= 1, d = shape - 1/3.
double gamma_from_one(Source& source, double d, double scale) {
    const double c = 1.0 / ::sqrt(9.0 * d);
    for (;;) {
        double x, y;
        do {
            x = normal(source);
            y = 1.0 + c * x;
        } while (y <= 0);
        const double v = y * y * y, u = 1 - uniform(source), square = x * x;
        if (u < 1.0 - kSqueeze * square * square || ::log(u) < 0.5 * square + d * (1.0 - v + ::log(v))) return scale * d * v;
    }
}

template <class T>
void gamma(Source& source, const T* shapes, double* out, int64_t n) {
    for (int64_t i = 0; i < n; ++i) {
        const T shape = shapes[i];
        if (!(shape > 0)) {
            out[i] = shape == 0 ? 0.0 : __builtin_nan("");
            continue;
        }
        // A shape below 1 is drawn as one larger by 1, times a power of a uniform number.
        double scale = 1;
        T raised = shape;
        if (shape < 1) {
            scale = ::pow(1 - uniform(source), static_cast<double>(1 / shape));
            raised = shape + 1;
        }
        out[i] = gamma_from_one(source, static_cast<double>(raised - static_cast<T>(kThird)), scale);
    }
}

double poisson_by_rejection(Source& source, double rate) {
    const double log_rate = ::log(rate), b = 0.931 + 2.53 * ::sqrt(rate), a = -0.059 + 0.02483 * b;
    const double inverse_alpha = 1.1239 + 1.1328 / (b - 3.4), squeeze = 0.9277 - 3.6224 / (b - 2);
    for (;;) {
        const double u = uniform(source) - 0.5, v = uniform(source), distance = 0.5 - ::fabs(u);
        const double k = distance != 0 ? ::floor((2 * a / distance + b) * u + rate + 0.43) : -1.0;
        if (distance >= 0.07 && v <= squeeze) return k;
        if (k < 0 || (distance < 0.013 && v > distance)) continue;
        int sign;
        const double bound = -rate + k * log_rate - ::lgamma_r(k + 1, &sign);
        if (v == 0 || ::log(v) + ::log(inverse_alpha) - ::log(a / (distance * distance) + b) <= bound) return k;
    }
}

void poisson(Source& source, const double* rates, double* out, int64_t n) {
    for (int64_t i = 0; i < n; ++i) {
        const double rate = rates[i];
        if (rate >= 10) {
            out[i] = poisson_by_rejection(source, rate);
            continue;
        }
        double count = 0;
        if (rate != 0) {
            const double floor = ::exp(-rate);
            for (double product = uniform(source); product > floor; product *= uniform(source)) ++count;
        }
        out[i] = count;
    }
}

// What Stirling's formula for log k! leaves out.
double stirling_tail(double k) {
    constexpr double first[] = {0.0810614667953272, 0.0413406959554092, 0.0276779256849983,  0.02079067210376509, 0.0166446911898211,
                                0.0138761288230707, 0.0118967099458917, 0.0104112652619720, 0.00925546218271273, 0.00833056343336287};
    if (k >= 0 && k <= 9) return first[static_cast<int>(k)];
    const double square = (k + 1) * (k + 1);
    return (1.0 / 12 - (1.0 / 360 - 1.0 / 1260 / square) / square) / (k + 1);
}

template <class T>
double binomial_by_rejection(Source& source, double count, double chance) {
    const T n = static_cast<T>(count), p = static_cast<T>(chance);
    const T rest = T(1) - p;
    const double deviation = sizeof(T) == sizeof(float) ? static_cast<double>(__builtin_sqrtf(static_cast<float>(n * p * rest)))
                                                        : ::sqrt(static_cast<double>(n * p * rest));
    const double ratio = p / rest, expected = n * p, b = 1.15 + 2.53 * deviation, a = -0.0873 + 0.0248 * b + 0.01 * chance;
    const double centre = expected + 0.5, squeeze = 0.92 - 4.2 / b, alpha = (2.83 + 5.1 / b) * deviation;
    const double mode = ::floor(static_cast<double>(static_cast<T>(count + 1) * p));
    const double tails = stirling_tail(mode) + stirling_tail(count - mode);
    for (;;) {
        const double u = uniform(source) - 0.5, v = uniform(source), distance = 0.5 - ::fabs(u);
        const double k = distance != 0 ? ::floor((2 * a / distance + b) * u + centre) : -1.0;
        if (k < 0 || k > count) continue;
        if ((distance >= 0.07 && v <= squeeze) || v == 0) return k;
        const double bound = (mode + 0.5) * ::log((mode + 1) / (ratio * (count - mode + 1))) +
                             (count + 1) * ::log((count - mode + 1) / (count - k + 1)) +
                             (k + 0.5) * ::log(ratio * (count - k + 1) / (k + 1)) + tails - stirling_tail(k) - stirling_tail(count - k);
        if (::log(v * alpha / (a / (distance * distance) + b)) <= bound) return k;
    }
}

// The successes of chance <= 1/2: few expected ones by drawing the trials between them.
template <class T>
double successes(Source& source, double count, double chance) {
    if (static_cast<double>(static_cast<T>(count * chance)) >= 10) return binomial_by_rejection<T>(source, count, chance);
    const double log_failure = static_cast<double>(static_cast<T>(::log1p(-chance)));
    double trials = 0, found = 0;
    for (;; ++found) {
        const double u = uniform(source);
        trials += u != 0 ? ::ceil(::log(u) / log_failure) : HUGE_VAL;
        if (!(trials <= count)) return found;
    }
}

template <class T>
void binomial(Source& source, const T* counts, const T* chances, double* out, int64_t n) {
    for (int64_t i = 0; i < n; ++i) {
        const double count = counts[i], chance = chances[i];
        if (count <= 0 || chance <= 0) out[i] = 0;
        else if (chance >= 1) out[i] = count;
        else if (chance <= 0.5) out[i] = successes<T>(source, count, chance);
        else if (chance > 0.5) out[i] = count - successes<T>(source, count, static_cast<double>(static_cast<T>(1 - chance)));
        else out[i] = __builtin_nan("");
    }
}

}  // namespace

const LawKernels laws = {gamma<float>, gamma<double>, poisson, binomial<float>, binomial<double>};

}  // namespace rl::RL_ISA
