// The words of a Mersenne Twister. Included by kernel files only, as core/vec.h.
#pragma once

#include "core/vec.h"
#include "random.h"

namespace rl::RL_ISA {
namespace {

constexpr int kWords = 624, kShift = 397;

// The next block of words. Source: M. Matsumoto, T. Nishimura, "Mersenne Twister", 1998.
RL_INLINE uint32_t twist(uint32_t word, uint32_t next, uint32_t far) {
    const uint32_t mixed = (word & 0x80000000u) | (next & 0x7fffffffu);
    return far ^ (mixed >> 1) ^ ((0u - (next & 1u)) & 0x9908b0dfu);
}

void refill(Twister& twister) {
    uint32_t* key = twister.key;
    for (int i = 0; i < kWords - kShift; ++i) key[i] = twist(key[i], key[i + 1], key[i + kShift]);
#if defined(__clang__)
#pragma clang loop vectorize(assume_safety)
#else
#pragma GCC ivdep
#endif
    for (int i = kWords - kShift; i < kWords - 1; ++i) key[i] = twist(key[i], key[i + 1], key[i + kShift - kWords]);
    key[kWords - 1] = twist(key[kWords - 1], key[0], key[kShift - 1]);
    twister.pos = 0;
}

RL_INLINE uint32_t temper(uint32_t y) {
    y ^= y >> 11;
    y ^= (y << 7) & 0x9d2c5680u;
    y ^= (y << 15) & 0xefc60000u;
    return y ^ (y >> 18);
}

// The low 53 bits of a draw whose high half came first.
RL_INLINE int64_t low53(const uint32_t* pair) {
    return static_cast<int64_t>(pair[0] & 0x1fffffu) << 32 | pair[1];
}

}  // namespace
}  // namespace rl::RL_ISA
