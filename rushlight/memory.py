"""The memory of arrays: a caching allocator behind NumPy, how much it holds, and its bound.

Importing this module installs the allocator (NEP 49) in the importing thread, if the compiled kernels are in use. Freed
blocks are kept, with their pages mapped, and handed out again; arrays made before or elsewhere are not touched.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rushlight.kernels.dispatch import native

__all__ = ["empty_cache", "install", "installed", "reset_peak", "set_limit", "stats", "system_allocator"]

_NOTHING = {"in_use": 0, "peak": 0, "cached": 0, "limit": 0, "hits": 0, "misses": 0, "blocks": 0}


def install() -> None:
    """Makes arrays that this thread creates from now on use the caching allocator.

    NumPy keeps its allocator in a context variable, so each thread starts with NumPy's own. Does nothing without the
    compiled kernels.
    """
    if native is not None:
        native.install_allocator(True)


def installed() -> bool:
    """Whether arrays that this thread creates use the caching allocator."""
    return native is not None and bool(native.allocator_installed())


@contextmanager
def system_allocator() -> Iterator[None]:
    """Within the block, arrays that this thread creates come from NumPy's own allocator."""
    before = installed()
    if native is not None:
        native.install_allocator(False)
    try:
        yield
    finally:
        if before:
            install()


def stats() -> dict[str, int]:
    """The allocator's counters, all 0 without the compiled kernels.

    `in_use`, `peak` and `cached` are bytes: of the blocks handed out now, of the most at any time, of blocks kept for
    reuse, which `limit` bounds. `blocks` counts the blocks handed out now, `hits` and `misses` the allocations that the
    cache and the system served.

    >>> import rushlight
    >>> sorted(rushlight.memory.stats())
    ['blocks', 'cached', 'hits', 'in_use', 'limit', 'misses', 'peak']
    """
    return dict(_NOTHING) if native is None else dict(native.memory_stats())


def reset_peak() -> None:
    """Sets `stats()["peak"]` to what is in use now."""
    if native is not None:
        native.reset_peak_memory()


def empty_cache() -> int:
    """Returns the cached blocks to the system; how many bytes they had."""
    return 0 if native is None else int(native.empty_cache())


def set_limit(limit: int | None) -> None:
    """Bounds the bytes kept for reuse; None is the default, a quarter of the memory. 0 keeps nothing.

    Raises ValueError if `limit` is negative and TypeError if it is no integer.
    """
    if limit is not None and (not isinstance(limit, int) or isinstance(limit, bool)):
        raise TypeError(f"limit: expected an int (bytes) or None, but got {type(limit).__name__}")
    if limit is not None and not 0 <= limit < 2**64:
        raise ValueError(f"limit: expected a number of bytes from 0 to 2**64 - 1, but got {limit}")
    if native is not None:
        native.set_memory_limit(native.default_memory_limit() if limit is None else limit)


install()
