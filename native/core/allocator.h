// A caching allocator: freed blocks are kept, by size class, and handed out again with their pages still mapped.
#pragma once

#include <cstddef>
#include <cstdint>

namespace rl {

struct MemoryStats {
    uint64_t in_use;        // bytes of the blocks handed out, rounded up to their size class
    uint64_t peak;          // largest in_use since the start or the last reset
    uint64_t cached;        // bytes kept for reuse
    uint64_t limit;         // most bytes kept for reuse
    uint64_t hits;          // allocations served from the cache
    uint64_t misses;        // allocations that went to the system
    uint64_t blocks;        // blocks handed out now
};

// 64-byte aligned; nullptr when the system has no memory. Any thread may call these, and free what another allocated.
void* allocate(size_t bytes) noexcept;
void* allocate_zeroed(size_t bytes) noexcept;
void* reallocate(void* p, size_t bytes) noexcept;
void release(void* p) noexcept;

MemoryStats memory_stats() noexcept;
void reset_peak_memory() noexcept;
// Returns all cached blocks to the system; the number of bytes given back.
uint64_t empty_cache() noexcept;
void set_memory_limit(uint64_t bytes) noexcept;
// A quarter of the memory of this machine or container.
uint64_t default_memory_limit() noexcept;

// Around fork(), so that the child doesn't inherit a lock that a thread of its parent held.
void lock_allocator() noexcept;
void unlock_allocator() noexcept;

// Scratch memory of a kernel, for as long as the object lives.
template <class T>
class Scratch {
public:
    explicit Scratch(size_t count) : data_(static_cast<T*>(allocate(count * sizeof(T)))) {}
    ~Scratch() { release(data_); }
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;
    T* get() const { return data_; }  // nullptr when there was no memory

private:
    T* data_;
};

// Memory of its own for each of `parts` parts, `bytes` each, the same for a part of whichever job: a core finds its lines where it left
// them, and writes none that another core wrote, which costs 30 ns. -1 if there is none: too many or too large, or all are in use.
int take_rooms(int64_t parts, size_t bytes) noexcept;
void* room_of(int rooms, int64_t part) noexcept;
void return_rooms(int rooms) noexcept;
// In a forked child, where whoever had taken them doesn't exist.
void forget_rooms() noexcept;

// Scratch memory of the parts of a job, `count` elements each, for as long as the object lives.
template <class T>
class PartScratch {
public:
    PartScratch(int64_t parts, int64_t count)
        : count_(count), rooms_(take_rooms(parts, static_cast<size_t>(count) * sizeof(T))),
          all_(rooms_ < 0 ? static_cast<T*>(allocate(static_cast<size_t>(parts * count) * sizeof(T))) : nullptr) {}
    ~PartScratch() {
        if (rooms_ < 0) release(all_);
        else return_rooms(rooms_);
    }
    PartScratch(const PartScratch&) = delete;
    PartScratch& operator=(const PartScratch&) = delete;
    explicit operator bool() const { return rooms_ >= 0 || all_; }  // false when there was no memory
    T* of(int64_t part) const { return rooms_ < 0 ? all_ + part * count_ : static_cast<T*>(room_of(rooms_, part)); }

private:
    int64_t count_;
    int rooms_;
    T* all_;
};

}  // namespace rl
