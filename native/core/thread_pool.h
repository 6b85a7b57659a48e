// One pool of persistent threads for all kernels. The calling thread does a share of the work itself.
#pragma once

#include <cstdint>
#include <type_traits>

namespace rl {

constexpr int kMaxThreads = 256;

int get_num_threads();
// Clamped to [1, kMaxThreads]. Threads are started when first needed.
void set_num_threads(int n);
// The cores this process may run on, or what RUSHLIGHT_NUM_THREADS or OMP_NUM_THREADS says.
int default_num_threads();

using Task = void (*)(void* context, int part, int parts);

// Calls task(context, part, parts) once for each part; returns when all are done. Called from within a task, or while another
// thread uses the pool, it runs all parts on the calling thread. The task must not throw.
void run_parts(int parts, Task task, void* context);

// Work in rounds, of which each needs what all parts of the one before made: the steps of a recurrence.
// Calls task(context, round, part) for each part of each round, at most kMostRoundParts of them, a part on the same thread
// each time so that its share of the data stays in that core's cache. A thread that doesn't come has its part done by others.
using RoundTask = void (*)(void* context, int64_t round, int part);
constexpr int kMostRoundParts = 64;
void run_rounds(int64_t rounds, int parts, RoundTask task, void* context);

// True on a pool thread or inside run_parts: nested work stays on its thread.
bool in_parallel();

// How many parts to split n items into when a part should have at least `grain` of them.
int parts_for(int64_t n, int64_t grain);

// The same for loops whose parts need nothing of their own: several parts a thread where all are long, so that a thread which
// shares its core with another program's is not waited for with half of the work.
int shares_for(int64_t n, int64_t grain);

// body(part, parts), once for each part.
template <class Body>
void parallel_parts(int parts, Body&& body) {
    if (parts <= 1) {
        body(0, 1);
        return;
    }
    using Plain = std::remove_reference_t<Body>;
    run_parts(parts, [](void* context, int part, int total) { (*static_cast<Plain*>(context))(part, total); },
              const_cast<void*>(static_cast<const void*>(&body)));
}

// body(begin, end) on contiguous chunks of [0, n), at least `grain` items each.
template <class Body>
void parallel_for(int64_t n, int64_t grain, Body&& body) {
    if (n <= 0) return;
    parallel_parts(shares_for(n, grain), [&](int part, int parts) {
        const int64_t begin = n * part / parts, end = n * (part + 1) / parts;
        if (begin < end) body(begin, end);
    });
}

// body(round, part) as run_rounds has it.
template <class Body>
void parallel_rounds(int64_t rounds, int parts, Body&& body) {
    using Plain = std::remove_reference_t<Body>;
    run_rounds(rounds, parts, [](void* context, int64_t round, int part) { (*static_cast<Plain*>(context))(round, part); },
               const_cast<void*>(static_cast<const void*>(&body)));
}

}  // namespace rl
