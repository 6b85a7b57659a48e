// Pieces of work handed out to the parts of a job: each has a run of them, and takes from the others' when its own is used up. So a
// part may have scratch memory of its own, and a thread that comes late, or whose core is slow, has its pieces done by others.
// Kernel files only, as vec.h.
#pragma once

#include <atomic>

#include "thread_pool.h"
#include "vec.h"

namespace rl::RL_ISA {
namespace {

class Pieces {
public:
    Pieces(int64_t count, int parts) : count_(count), parts_(parts) {
        for (int i = 0; i < parts; ++i) next_[i].store(first(i), std::memory_order_relaxed);
    }
    // The run of a part ends where the next one's begins.
    int64_t first(int part) const { return count_ * part / parts_; }
    // body(piece) for each piece that this part gets.
    template <class Body>
    RL_INLINE void take(int part, Body&& body) {
        for (int i = 0; i < parts_; ++i) {
            const int owner = part + i < parts_ ? part + i : part + i - parts_;
            const int64_t end = first(owner + 1);
            for (;;) {
                const int64_t piece = next_[owner].fetch_add(1, std::memory_order_relaxed);
                if (piece >= end) break;
                body(piece);
            }
        }
    }

private:
    struct alignas(64) Next : std::atomic<int64_t> {};
    int64_t count_;
    int parts_;
    Next next_[kMaxThreads];
};

}  // namespace
}  // namespace rl::RL_ISA
