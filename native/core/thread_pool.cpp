#include "thread_pool.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <mutex>
#include <new>
#include <thread>

#include "allocator.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace rl {
namespace {

// Some 500 microseconds: long enough for the Python between two kernels of a small network's step, the optimizer's or the loss's, also
// where the core is shared (a worker that sleeps comes 20 to 50 microseconds late on a virtual machine, at the kernels that take no
// longer), short enough to give the core back soon.
constexpr int kSpins = 24000;

inline void pause() {
#if defined(__x86_64__)
    _mm_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
}

// Worker 0 stands for the calling thread.
struct alignas(64) Worker {
    std::atomic<uint32_t> has_work{0};
    pthread_t thread{};
    // The parts that are its to take: the job's number, the first and the end, of 32, 16 and 16 bits.
    std::atomic<uint64_t> parts{0};
};

constexpr int kMostParts = 0xffff;

// Never destroyed: workers may still sleep on it while the process exits.
struct Pool {
    std::mutex mutex;  // held by the thread whose job is running
    Worker workers[kMaxThreads];
    int started = 0;   // workers[1 .. started] have a thread
    int limit = 1;
    int avoided = -1;  // the processor that workers keep off
    Task task = nullptr;
    void* context = nullptr;
    int parts = 0;
    uint32_t jobs = 0;
    std::atomic<int> sharing{0};  // how many threads the last job was shared out to
    alignas(64) std::atomic<uint32_t> unfinished{0};
};

alignas(Pool) unsigned char pool_storage[sizeof(Pool)];
Pool& pool() { return *reinterpret_cast<Pool*>(pool_storage); }

thread_local bool inside = false;

// Takes a part from those of one thread: the owner from the beginning, others from the end. A thread that comes late finds none
// left, or those of a later job, whose task it then reads; -1 for none.
int take_part(Worker& owner, bool own) {
    uint64_t parts = owner.parts.load(std::memory_order_acquire);
    for (;;) {
        const int first = static_cast<int>(parts >> 16 & kMostParts), end = static_cast<int>(parts & kMostParts);
        if (first >= end) return -1;
        const uint64_t rest = own ? parts + (1 << 16) : parts - 1;
        if (owner.parts.compare_exchange_weak(parts, rest, std::memory_order_acq_rel)) return own ? first : end - 1;
    }
}

// Runs the parts of thread `self`, then what others have left; true if it ran the job's last one to finish. A thread has the same
// share of every job, so what one kernel wrote is in the cache of the core that reads it in the next.
bool run_share(Pool& p, int self) {
    bool finished_last = false;
    for (int i = 0; i < std::max(1, p.sharing.load(std::memory_order_relaxed)); ++i) {
        const int owner = i == 0 ? self : i == self ? 0 : i;
        for (int part; (part = take_part(p.workers[owner], i == 0)) >= 0;) {
            p.task(p.context, part, p.parts);
            finished_last = p.unfinished.fetch_sub(1, std::memory_order_acq_rel) == 1;
        }
    }
    return finished_last;
}

void* worker_main(void* argument) {
    Pool& p = pool();
    const int index = static_cast<int>(reinterpret_cast<intptr_t>(argument));
    Worker& self = p.workers[index];
    inside = true;
    for (;;) {
        for (int i = 0; i < kSpins && !self.has_work.load(std::memory_order_acquire); ++i) pause();
        while (!self.has_work.load(std::memory_order_acquire)) self.has_work.wait(0, std::memory_order_acquire);
        self.has_work.store(0, std::memory_order_relaxed);
        if (run_share(p, index)) p.unfinished.notify_one();
    }
    return nullptr;
}

// Starts threads until `wanted` exist; returns how many there are (the system may refuse).
int start_workers(Pool& p, int wanted) {
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);  // signals belong to the program's own threads
    while (p.started < wanted) {
        pthread_attr_t attributes;
        pthread_attr_init(&attributes);
        pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
        pthread_t thread;
        const int index = p.started + 1;
        p.workers[index].has_work.store(0, std::memory_order_relaxed);
        const int error = pthread_create(&thread, &attributes, worker_main, reinterpret_cast<void*>(intptr_t{index}));
        pthread_attr_destroy(&attributes);
        if (error) break;
        p.workers[index].thread = thread;
        p.started = index;
        p.avoided = -1;
    }
    pthread_sigmask(SIG_SETMASK, &old, nullptr);
    return p.started;
}

// Keeps the workers off the caller's processor. A virtual machine's scheduler takes a halted processor for a busy one and wakes
// a worker where the caller is running, so the two take turns on one core while another idles, call after call.
void steer_workers(Pool& p) {
#if defined(__linux__)
    constexpr int kMostSteered = 16;
    const int here = sched_getcpu();
    if (here < 0 || here == p.avoided || p.started > kMostSteered) return;
    cpu_set_t allowed;
    if (sched_getaffinity(0, sizeof allowed, &allowed)) return;
    if (CPU_COUNT(&allowed) > 1 && here < CPU_SETSIZE) CPU_CLR(here, &allowed);
    for (int i = 1; i <= p.started; ++i) pthread_setaffinity_np(p.workers[i].thread, sizeof allowed, &allowed);
    p.avoided = here;
#endif
}

// One job of run_rounds. A part of round r may begin once r * parts parts are finished; what a round wrote is then seen.
struct Rounds {
    struct alignas(64) Part {
        std::atomic<int64_t> begun{0};    // the rounds of this part that a thread has taken
        std::atomic<bool> absent{false};  // its own thread wasn't there the last time
    };
    int64_t rounds;
    int parts;
    RoundTask task;
    void* context;
    alignas(64) std::atomic<int64_t> finished{0};
    Part part[kMostRoundParts]{};

    bool try_part(int64_t round, int i) {
        int64_t expected = round;
        if (!part[i].begun.compare_exchange_strong(expected, round + 1, std::memory_order_acq_rel)) return false;
        task(context, round, i);
        finished.fetch_add(1, std::memory_order_acq_rel);
        return true;
    }
};

// Some 5 microseconds: how long a thread that is awake may take to begin its part.
constexpr int kPatience = 250;

// The way of thread `self` through all rounds. It does its own part, then waits for the others; one that nobody begins it
// does as well, at once if its thread was missing before, so that a thread without a processor holds nobody up for long.
void take_rounds(Rounds& job, int self) {
    int64_t round = 0;
    while (round < job.rounds) {
        job.part[self].absent.store(false, std::memory_order_relaxed);
        job.try_part(round, self);
        const int64_t wanted = (round + 1) * job.parts;
        int64_t finished;
        for (int spins = 0; (finished = job.finished.load(std::memory_order_acquire)) < wanted; ++spins) {
            for (int i = 0; i < job.parts; ++i) {
                if (spins < kPatience && !job.part[i].absent.load(std::memory_order_relaxed)) continue;
                if (job.try_part(round, i) && i != self) job.part[i].absent.store(true, std::memory_order_relaxed);
            }
            if (spins < kSpins) pause();
            else sched_yield();
        }
        round = finished / job.parts;  // one that comes late goes to where the others are
    }
}

void make_pool() {
    Pool* p = ::new (static_cast<void*>(pool_storage)) Pool;
    p->limit = default_num_threads();
}

// In a forked child only the calling thread exists.
void after_fork_in_child() {
    unlock_allocator();
    forget_rooms();
    const int limit = pool().limit;
    make_pool();
    pool().limit = limit;
    inside = false;
}

// Holding the mutex across fork keeps a job of another thread from being cut in half. The job may need the allocator, so that
// is locked second.
void before_fork() {
    if (!inside) pool().mutex.lock();
    lock_allocator();
}
void after_fork_in_parent() {
    unlock_allocator();
    if (!inside) pool().mutex.unlock();
}

const bool ready = [] {
    make_pool();
    pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
    return true;
}();

int from_environment(const char* name) {
    const char* text = std::getenv(name);
    const int n = text ? std::atoi(text) : 0;  // OMP_NUM_THREADS may be a list: its first entry counts
    return n > 0 ? std::min(n, kMaxThreads) : 0;
}

}  // namespace

int default_num_threads() {
    for (const char* name : {"RUSHLIGHT_NUM_THREADS", "OMP_NUM_THREADS"}) {
        if (const int n = from_environment(name)) return n;
    }
#if defined(__linux__)
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0) return std::clamp(CPU_COUNT(&set), 1, kMaxThreads);
#endif
    return std::clamp(static_cast<int>(std::thread::hardware_concurrency()), 1, kMaxThreads);
}

int get_num_threads() { return pool().limit; }
void set_num_threads(int n) { pool().limit = std::clamp(n, 1, kMaxThreads); }
bool in_parallel() { return inside; }

int parts_for(int64_t n, int64_t grain) {
    if (inside || grain <= 0) return 1;
    return static_cast<int>(std::clamp<int64_t>(n / grain, 1, get_num_threads()));
}

int shares_for(int64_t n, int64_t grain) {
    constexpr int64_t kShares = 8, kLongShare = 4;  // a share is worth as many grains at least
    const int parts = parts_for(n, grain);
    if (parts <= 1) return parts;
    const int64_t most = std::min<int64_t>(parts * kShares, kMostParts), shares = std::clamp<int64_t>(n / grain / kLongShare, parts, most);
    return static_cast<int>(shares / parts * parts);  // as many for each thread
}

void run_parts(int parts, Task task, void* context) {
    Pool& p = pool();
    const bool alone = inside || p.limit <= 1 || parts <= 1 || parts > kMostParts || !p.mutex.try_lock();
    if (alone) {
        for (int part = 0; part < parts; ++part) task(context, part, parts);
        return;
    }
    std::unique_lock lock(p.mutex, std::adopt_lock);
    int helpers = std::min({parts, p.limit, kMaxThreads}) - 1;
    if (p.started < helpers) helpers = std::min(helpers, start_workers(p, helpers));
    steer_workers(p);
    p.task = task;
    p.context = context;
    p.parts = parts;
    p.unfinished.store(static_cast<uint32_t>(parts), std::memory_order_relaxed);
    p.sharing.store(helpers + 1, std::memory_order_relaxed);
    const uint64_t job = static_cast<uint64_t>(++p.jobs) << 32;
    for (int i = 0; i <= helpers; ++i) {
        const int first = parts * i / (helpers + 1), end = parts * (i + 1) / (helpers + 1);
        p.workers[i].parts.store(job | static_cast<uint64_t>(first) << 16 | static_cast<uint64_t>(end), std::memory_order_release);
    }
    for (int i = 1; i <= helpers; ++i) {
        p.workers[i].has_work.store(1, std::memory_order_release);
        p.workers[i].has_work.notify_one();
    }
    inside = true;
    run_share(p, 0);
    inside = false;
    for (int i = 0; i < kSpins && p.unfinished.load(std::memory_order_acquire); ++i) pause();
    while (const uint32_t left = p.unfinished.load(std::memory_order_acquire)) {
        p.unfinished.wait(left, std::memory_order_acquire);
    }
}

void run_rounds(int64_t rounds, int parts, RoundTask task, void* context) {
    if (parts <= 1 || parts > kMostRoundParts || inside || pool().limit <= 1) {
        for (int64_t round = 0; round < rounds; ++round) {
            for (int part = 0; part < parts; ++part) task(context, round, part);
        }
        return;
    }
    Rounds job = {.rounds = rounds, .parts = parts, .task = task, .context = context};
    parallel_parts(parts, [&job](int part, int) { take_rounds(job, part); });
}

}  // namespace rl
