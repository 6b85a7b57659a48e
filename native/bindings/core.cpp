#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "../core/allocator.h"
#include "../core/cache.h"
#include "../core/isa.h"
#include "../core/thread_pool.h"
#include "arrays.h"

namespace rl {
namespace {

void* numpy_malloc(void*, size_t size) { return allocate(size); }
void* numpy_calloc(void*, size_t count, size_t size) {
    size_t bytes;
    return __builtin_mul_overflow(count, size, &bytes) ? nullptr : allocate_zeroed(bytes);
}
void* numpy_realloc(void*, void* p, size_t size) { return reallocate(p, size); }
void numpy_free(void*, void* p, size_t) { release(p); }

// Arrays keep a pointer to it for as long as they live, so it is never destroyed.
PyDataMem_Handler handler = {
    "rushlight", 1, {nullptr, numpy_malloc, numpy_calloc, numpy_realloc, numpy_free},
};

PyObject* handler_capsule() {
    static PyObject* capsule = PyCapsule_New(&handler, "mem_handler", nullptr);
    return capsule;
}

void set_handler(PyObject* wanted) {
    PyObject* old = PyDataMem_SetHandler(wanted);
    if (!old) nb::raise_python_error();
    Py_DECREF(old);
}

void install_allocator(bool on) {
    PyObject* ours = handler_capsule();
    if (!ours) nb::raise_python_error();
    set_handler(on ? ours : nullptr);
}

bool allocator_installed() {
    PyObject* current = PyDataMem_GetHandler();
    if (!current) nb::raise_python_error();
    Py_DECREF(current);
    return current == handler_capsule();
}

nb::dict stats() {
    const MemoryStats s = memory_stats();
    nb::dict result;
    result["in_use"] = s.in_use;
    result["peak"] = s.peak;
    result["cached"] = s.cached;
    result["limit"] = s.limit;
    result["hits"] = s.hits;
    result["misses"] = s.misses;
    result["blocks"] = s.blocks;
    return result;
}

std::vector<std::string> isas() {
    std::vector<std::string> names;
    for (Isa isa : {Isa::baseline, Isa::avx2, Isa::avx512}) {
        if (isa_supported(isa)) names.emplace_back(isa_name(isa));
    }
    return names;
}

void choose_isa(const std::string& name) {
    if (!set_isa(name)) throw nb::value_error("unknown instruction set, or not supported by this CPU");
}

void choose_num_threads(int64_t n) {
    if (n < 1) throw nb::value_error("the number of threads must be positive");
    set_num_threads(static_cast<int>(n > kMaxThreads ? kMaxThreads : n));
}

}  // namespace

void bind_core(nb::module_& m) {
    m.def("install_allocator", install_allocator, nb::arg("on") = true);
    m.def("allocator_installed", allocator_installed);
    m.def("memory_stats", stats);
    m.def("reset_peak_memory", reset_peak_memory);
    m.def("empty_cache", [] {
        Released released(true);
        return empty_cache();
    });
    m.def("set_memory_limit", set_memory_limit, nb::arg("bytes"));
    m.def("default_memory_limit", default_memory_limit);
    m.def("isas", isas);
    m.def("isa", [] { return isa_name(active_isa); });
    m.def("set_isa", choose_isa, nb::arg("name"));
    m.def("get_num_threads", get_num_threads);
    m.def("last_cache_bytes", last_cache_bytes);
    m.def("set_last_cache_bytes", set_last_cache_bytes, nb::arg("bytes"));
    m.def("set_num_threads", choose_num_threads, nb::arg("n"));
}

}  // namespace rl
