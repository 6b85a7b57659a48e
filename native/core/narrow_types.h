// Floats of 16 bits as they lie in memory.
#pragma once

#include <cstdint>

namespace rl {

struct BFloat16 {
    uint16_t bits;
};
struct Float16 {
    uint16_t bits;
};

}  // namespace rl
