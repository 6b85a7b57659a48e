"""What the front door imports when it is first named, since most programs start without it."""

from __future__ import annotations

__all__ = ["MODULES", "NAMES"]

# Submodules of the package.
MODULES = frozenset(
    {
        "amp",
        "ao",
        "compiler",
        "cpu",
        "cuda",
        "distributions",
        "fft",
        "func",
        "futures",
        "jit",
        "mps",
        "mtia",
        "profiler",
        "quantization",
        "serialization",
        "signal",
        "vision",
        "xpu",
    }
)

# Names of the front door, by the module that they come from.
_FROM = {
    "amp": ("GradScaler", "autocast"),
    "amp.state": (
        "autocast_decrement_nesting",
        "autocast_increment_nesting",
        "clear_autocast_cache",
        "get_autocast_cpu_dtype",
        "get_autocast_dtype",
        "get_autocast_gpu_dtype",
        "get_autocast_ipu_dtype",
        "get_autocast_xla_dtype",
        "is_autocast_cache_enabled",
        "is_autocast_cpu_enabled",
        "is_autocast_enabled",
        "is_autocast_ipu_enabled",
        "is_autocast_xla_enabled",
        "set_autocast_cache_enabled",
        "set_autocast_cpu_dtype",
        "set_autocast_cpu_enabled",
        "set_autocast_dtype",
        "set_autocast_enabled",
        "set_autocast_gpu_dtype",
        "set_autocast_ipu_dtype",
        "set_autocast_ipu_enabled",
        "set_autocast_xla_dtype",
        "set_autocast_xla_enabled",
    ),
    "compiler": ("compile",),
    "futures": ("Future",),
    "streams": ("Event", "Stream"),
    "jit": ("CompilationUnit", "ScriptFunction", "ScriptModule", "fork", "wait"),
    "func": ("vmap",),
    "serialization": ("load", "save"),
}
NAMES = {name: f"rushlight.{module}" for module, names in _FROM.items() for name in names}
