// What a kernel asks about the processor's caches.
#pragma once

#include <cstdint>

namespace rl {

// The size of the cache that all cores share.
int64_t last_cache_bytes() noexcept;

// For tests: kernels then take the cache to be so large; 0 for what it is.
void set_last_cache_bytes(int64_t bytes) noexcept;

}  // namespace rl
