#include "isa.h"

namespace rl {

bool isa_supported(Isa isa) {
#if RL_X86
    __builtin_cpu_init();
    const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    switch (isa) {
        case Isa::avx512:
            return avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
                   __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
        case Isa::avx2: return avx2;
        default: return true;
    }
#else
    return isa == Isa::baseline;
#endif
}

Isa best_isa() {
    if (isa_supported(Isa::avx512)) return Isa::avx512;
    return isa_supported(Isa::avx2) ? Isa::avx2 : Isa::baseline;
}

const char* isa_name(Isa isa) {
    switch (isa) {
        case Isa::avx512: return "avx512";
        case Isa::avx2: return "avx2";
        default:
#if RL_X86
            return "sse2";
#elif defined(__ARM_NEON)
            return "neon";
#else
            return "plain";
#endif
    }
}

bool set_isa(std::string_view name) {
    for (Isa isa : {Isa::baseline, Isa::avx2, Isa::avx512}) {
        if (name == isa_name(isa) && isa_supported(isa)) {
            active_isa = isa;
            return true;
        }
    }
    return false;
}

Isa active_isa = best_isa();

}  // namespace rl
