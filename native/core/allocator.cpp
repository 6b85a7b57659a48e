#include "allocator.h"

#include <sched.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

namespace rl {
namespace {

constexpr size_t kHeader = 64;
constexpr size_t kMapped = size_t{1} << 18;   // blocks from here on are mapped one by one
constexpr size_t kHuge = size_t{1} << 22;     // from here on with large pages, as NumPy asks for
constexpr size_t kPage = 4096;
constexpr uint64_t kLive = 0x6c697665626c6b31, kFree = 0x66726565626c6b31;

// Stands before each block. A cached block is in its class's list (newest first) and, by age, in the list of all.
struct alignas(64) Header {
    uint64_t state;
    uint32_t size_class;
    Header* next_in_class;
    Header* previous_in_class;
    Header* newer;
    Header* older;
};
static_assert(sizeof(Header) == kHeader);

// Classes: four steps for each doubling, from 64 bytes (step 16) up; at most a quarter of a block is waste.
constexpr int kClasses = 4 * 64;

inline uint32_t class_of(size_t bytes) {
    const size_t n = std::max<size_t>(bytes, 64) - 1;
    const int top = std::bit_width(n) - 1;
    return static_cast<uint32_t>(4 * top + ((n >> (top - 2)) & 3));
}

inline size_t class_bytes(uint32_t size_class) {
    const int top = static_cast<int>(size_class / 4);
    return (size_t{1} << top) + ((size_t{size_class} % 4 + 1) << (top - 2));
}

// Bytes to ask of the system for a block of this class.
inline size_t footprint(uint32_t size_class) {
    const size_t total = class_bytes(size_class) + kHeader;
    return total >= kMapped ? (total + kPage - 1) / kPage * kPage : (total + 63) / 64 * 64;
}

// Tells AddressSanitizer which bytes of a block may be touched: the first `bytes`, and none of the rest of its class.
inline void expose([[maybe_unused]] Header* block, [[maybe_unused]] size_t bytes) {
#if defined(__SANITIZE_ADDRESS__)
    char* const begin = reinterpret_cast<char*>(block) + kHeader;
    const size_t room = footprint(block->size_class) - kHeader;
    ASAN_UNPOISON_MEMORY_REGION(begin, std::min(bytes, room));
    if (bytes < room) ASAN_POISON_MEMORY_REGION(begin + bytes, room - bytes);
#endif
}

class SpinLock {
public:
    void lock() noexcept {
        for (int i = 0; flag_.exchange(true, std::memory_order_acquire); ++i) {
            if (i > 100) sched_yield();
        }
    }
    void unlock() noexcept { flag_.store(false, std::memory_order_release); }

private:
    std::atomic<bool> flag_{false};
};

struct Guard {
    explicit Guard(SpinLock& lock) : lock_(lock) { lock_.lock(); }
    ~Guard() { lock_.unlock(); }
    SpinLock& lock_;
};

// Trivially destructible: arrays may be freed after the program's destructors have run.
struct Cache {
    SpinLock lock;
    Header* first[kClasses] = {};
    Header* newest = nullptr;
    Header* oldest = nullptr;
    MemoryStats stats = {};
};

constinit Cache cache;

Header* from_system(uint32_t size_class) {
    const size_t bytes = footprint(size_class);
    void* p = nullptr;
    if (bytes >= kMapped) {
        p = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (p == MAP_FAILED) return nullptr;
#if defined(MADV_HUGEPAGE)
        if (bytes >= kHuge) madvise(p, bytes, MADV_HUGEPAGE);  // a hint: failing changes nothing
#endif
    } else if (posix_memalign(&p, 64, bytes)) {
        return nullptr;
    }
    Header* block = static_cast<Header*>(p);
    block->size_class = size_class;
    return block;
}

void to_system(Header* block) {
    const size_t bytes = footprint(block->size_class);
    expose(block, bytes);
    if (bytes >= kMapped) munmap(block, bytes);
    else std::free(block);
}

void unlink(Header* block) {
    (block->previous_in_class ? block->previous_in_class->next_in_class : cache.first[block->size_class]) =
        block->next_in_class;
    if (block->next_in_class) block->next_in_class->previous_in_class = block->previous_in_class;
    (block->newer ? block->newer->older : cache.newest) = block->older;
    (block->older ? block->older->newer : cache.oldest) = block->newer;
    cache.stats.cached -= footprint(block->size_class);
}

void link(Header* block) {
    Header*& first = cache.first[block->size_class];
    block->previous_in_class = nullptr;
    block->next_in_class = first;
    if (first) first->previous_in_class = block;
    first = block;
    block->newer = nullptr;
    block->older = cache.newest;
    (cache.newest ? cache.newest->newer : cache.oldest) = block;
    cache.newest = block;
    cache.stats.cached += footprint(block->size_class);
}

// Takes the oldest blocks out until at most `bytes` are cached; a chain through `older` to hand to the system unlocked.
Header* trim(uint64_t bytes) {
    Header* chain = nullptr;
    while (cache.stats.cached > bytes) {
        Header* block = cache.oldest;
        unlink(block);
        block->older = chain;
        chain = block;
    }
    return chain;
}

uint64_t give_back(Header* chain) {
    uint64_t bytes = 0;
    while (chain) {
        Header* next = chain->older;
        bytes += footprint(chain->size_class);
        to_system(chain);
        chain = next;
    }
    return bytes;
}

void* count_out(Header* block, size_t bytes) {
    expose(block, bytes);
    block->state = kLive;
    ++cache.stats.blocks;
    cache.stats.in_use += footprint(block->size_class);
    cache.stats.peak = std::max(cache.stats.peak, cache.stats.in_use);
    return reinterpret_cast<char*>(block) + kHeader;
}

void* hand_out(uint32_t size_class, size_t bytes, bool* fresh) {
    *fresh = false;
    {
        Guard guard(cache.lock);
        if (Header* block = cache.first[size_class]) {
            unlink(block);
            ++cache.stats.hits;
            return count_out(block, bytes);
        }
        ++cache.stats.misses;
    }
    *fresh = true;
    Header* block = from_system(size_class);
    if (!block) {  // what is cached may be what is missing
        empty_cache();
        block = from_system(size_class);
    }
    if (!block) return nullptr;
    Guard guard(cache.lock);
    return count_out(block, bytes);
}

Header* header_of(void* p) {
    Header* block = reinterpret_cast<Header*>(static_cast<char*>(p) - kHeader);
    if (block->state != kLive) {
        std::fputs("rushlight: a block was freed twice, or never came from this allocator\n", stderr);
        std::abort();
    }
    return block;
}

constexpr size_t kLargest = size_t{1} << 62;

uint64_t container_limit() {
    unsigned long long bytes = UINT64_MAX;
#if defined(__linux__)
    if (FILE* file = std::fopen("/sys/fs/cgroup/memory.max", "r")) {
        if (std::fscanf(file, "%llu", &bytes) != 1) bytes = UINT64_MAX;
        std::fclose(file);
    }
#endif
    return bytes;
}

// Rooms of the parts of jobs: some sets, for kernels that need several, or run in several threads of a program.
constexpr int kSets = 4;
constexpr int64_t kRooms = 64;
constexpr size_t kMostInRoom = size_t{1} << 22;
constexpr size_t kLargeRoom = size_t{1} << 17;  // from here on in a large page
constexpr size_t kLargePage = size_t{1} << 21;

// A room in large pages, where the system has them, doesn't compete with itself for sets of the second-level cache: small pages lie
// anywhere, and a process with an unlucky choice of them takes 1.4 times as long.
struct Room {
    void* data;
    size_t bytes;
    bool mapped;

    bool make(size_t wanted) {
        mapped = wanted >= kLargeRoom;
        bytes = mapped ? (wanted + kLargePage - 1) / kLargePage * kLargePage : wanted;
        data = mapped ? map(bytes) : allocate(bytes);
        if (!data) bytes = 0;
        return data;
    }
    void clear() {
        if (mapped && data) munmap(data, bytes);
        else release(data);
    }

private:
    static void* map(size_t size) {
        const size_t whole = size + kLargePage;
        void* const p = mmap(nullptr, whole, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (p == MAP_FAILED) return nullptr;
        char* const begin = static_cast<char*>(p);
        const size_t before = (kLargePage - reinterpret_cast<uintptr_t>(p) % kLargePage) % kLargePage;
        if (before) munmap(begin, before);
        munmap(begin + before + size, kLargePage - before);
#if defined(MADV_HUGEPAGE)
        madvise(begin + before, size, MADV_HUGEPAGE);  // a hint: failing changes nothing
#endif
        return begin + before;
    }
};

struct RoomSet {
    std::atomic<bool> taken{false};
    Room rooms[kRooms] = {};

    bool grow(int64_t parts, size_t wanted) {
        for (int64_t i = 0; i < parts; ++i) {
            if (rooms[i].bytes >= wanted) continue;
            rooms[i].clear();
            if (!rooms[i].make(wanted)) return false;
        }
        return true;
    }
};
RoomSet room_sets[kSets];

const bool ready = [] {
    cache.stats.limit = default_memory_limit();
    return true;
}();

}  // namespace

void lock_allocator() noexcept { cache.lock.lock(); }
void unlock_allocator() noexcept { cache.lock.unlock(); }

void* allocate(size_t bytes) noexcept {
    bool fresh;
    return bytes > kLargest ? nullptr : hand_out(class_of(bytes), bytes, &fresh);
}

void* allocate_zeroed(size_t bytes) noexcept {
    if (bytes > kLargest) return nullptr;
    bool fresh;
    const uint32_t size_class = class_of(bytes);
    void* p = hand_out(size_class, bytes, &fresh);
    const bool zero_already = fresh && footprint(size_class) >= kMapped;
    if (p && !zero_already) std::memset(p, 0, bytes);
    return p;
}

void* reallocate(void* p, size_t bytes) noexcept {
    if (!p) return allocate(bytes);
    if (bytes > kLargest) return nullptr;
    const uint32_t old_class = header_of(p)->size_class;
    expose(header_of(p), class_of(bytes) == old_class ? bytes : class_bytes(old_class));
    if (class_of(bytes) == old_class) return p;
    void* moved = allocate(bytes);
    if (!moved) return nullptr;
    std::memcpy(moved, p, std::min(bytes, class_bytes(old_class)));
    release(p);
    return moved;
}

void release(void* p) noexcept {
    if (!p) return;
    Header* block = header_of(p);
    block->state = kFree;
    expose(block, 0);
    const size_t bytes = footprint(block->size_class);
    Header* surplus;
    {
        Guard guard(cache.lock);
        --cache.stats.blocks;
        cache.stats.in_use -= bytes;
        link(block);
        surplus = cache.stats.cached > cache.stats.limit ? trim(cache.stats.limit) : nullptr;
    }
    give_back(surplus);
}

int take_rooms([[maybe_unused]] int64_t parts, [[maybe_unused]] size_t bytes) noexcept {
#if !defined(__SANITIZE_ADDRESS__)  // which finds what is written past a block's end, but not past the end of what is used of a room
    if (parts > kRooms || bytes > kMostInRoom) return -1;
    for (int i = 0; i < kSets; ++i) {
        if (room_sets[i].taken.exchange(true, std::memory_order_acquire)) continue;
        if (room_sets[i].grow(parts, bytes)) return i;
        return_rooms(i);
        break;
    }
#endif
    return -1;
}

void* room_of(int rooms, int64_t part) noexcept { return room_sets[rooms].rooms[part].data; }
void return_rooms(int rooms) noexcept { room_sets[rooms].taken.store(false, std::memory_order_release); }

void forget_rooms() noexcept {
    for (RoomSet& set : room_sets) set.taken.store(false, std::memory_order_relaxed);
}

MemoryStats memory_stats() noexcept {
    Guard guard(cache.lock);
    return cache.stats;
}

void reset_peak_memory() noexcept {
    Guard guard(cache.lock);
    cache.stats.peak = cache.stats.in_use;
}

uint64_t empty_cache() noexcept {
    Header* chain;
    {
        Guard guard(cache.lock);
        chain = trim(0);
    }
    return give_back(chain);
}

void set_memory_limit(uint64_t bytes) noexcept {
    Header* surplus;
    {
        Guard guard(cache.lock);
        cache.stats.limit = bytes;
        surplus = trim(bytes);
    }
    give_back(surplus);
}

uint64_t default_memory_limit() noexcept {
    const long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    const uint64_t physical = pages > 0 && page > 0 ? static_cast<uint64_t>(pages) * static_cast<uint64_t>(page) : 0;
    return std::min(physical, container_limit()) / 4;
}

}  // namespace rl
