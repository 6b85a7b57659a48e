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

// What elements of type T are computed in, and a number beside them is held in.
template <class T>
struct ElementOf {
    using type = T;
};
template <>
struct ElementOf<BFloat16> {
    using type = float;
};
template <>
struct ElementOf<Float16> {
    using type = float;
};

}  // namespace rl
