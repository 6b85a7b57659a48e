// Which instruction set the kernels run on: found at load, changeable for tests.
#pragma once

#include <string_view>

#if defined(__x86_64__) || defined(_M_X64)
#define RL_X86 1
#else
#define RL_X86 0
#endif

namespace rl {

enum class Isa : int { baseline = 0, avx2 = 1, avx512 = 2 };

extern Isa active_isa;

// The best set that this CPU and its operating system support.
Isa best_isa();
bool isa_supported(Isa isa);
const char* isa_name(Isa isa);
// False when the name is unknown or the CPU lacks the set.
bool set_isa(std::string_view name);

// Declares the table `NAME` of a kernel family, one for each instruction set, and `NAME()` which picks the active one.
#if RL_X86
#define RL_KERNEL_TABLE(TYPE, NAME)                 \
    namespace baseline { extern const TYPE NAME; }  \
    namespace avx2 { extern const TYPE NAME; }      \
    namespace avx512 { extern const TYPE NAME; }    \
    inline const TYPE& active_##NAME() {            \
        switch (active_isa) {                       \
            case Isa::avx512: return avx512::NAME;  \
            case Isa::avx2: return avx2::NAME;      \
            default: return baseline::NAME;         \
        }                                           \
    }
#else
#define RL_KERNEL_TABLE(TYPE, NAME)                 \
    namespace baseline { extern const TYPE NAME; }  \
    inline const TYPE& active_##NAME() { return baseline::NAME; }
#endif

}  // namespace rl
