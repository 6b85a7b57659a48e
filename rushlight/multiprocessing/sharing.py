"""Memory that processes share, and the two ways to hand it on: by a file descriptor, or by the name of a file.

A descriptor costs each side an open file for as long as the memory lives. A name costs none; the message that holds it
is a link to the file, which the receiver takes away when it has opened it, and the sender, at its end, if nobody did.
"""

from __future__ import annotations

import atexit
import itertools
import mmap
import os
import tempfile
import threading
import weakref
from multiprocessing.reduction import DupFd
from typing import Any

import numpy as np

__all__ = [
    "SharedMemory", "get_all_sharing_strategies", "get_sharing_strategy", "handle_of", "memory_of", "moved",
    "set_sharing_strategy",
]  # fmt: skip

_STRATEGIES = frozenset({"file_descriptor", "file_system"})
_strategy = ["file_descriptor" if hasattr(os, "memfd_create") else "file_system"]
_number = itertools.count()
_lock = threading.Lock()
# Links that no receiver has taken yet.
_links: set[str] = set()


def get_all_sharing_strategies() -> set[str]:
    """The ways to hand on memory: "file_descriptor" and "file_system".

    Source: https://docs.pytorch.org/docs/2.13/multiprocessing.html#torch.multiprocessing.get_all_sharing_strategies
    """
    return set(_STRATEGIES)


def get_sharing_strategy() -> str:
    """The way in which memory is handed on.

    Source: https://docs.pytorch.org/docs/2.13/multiprocessing.html#torch.multiprocessing.get_sharing_strategy
    """
    return _strategy[0]


def set_sharing_strategy(new_strategy: str) -> None:
    """Choose the way in which memory is handed on; AssertionError for one that doesn't exist.

    Source: https://docs.pytorch.org/docs/2.13/multiprocessing.html#torch.multiprocessing.set_sharing_strategy
    """
    if new_strategy not in _STRATEGIES:
        raise AssertionError(f"expected one of {sorted(_STRATEGIES)}, got {new_strategy!r}")
    _strategy[0] = new_strategy


class SharedMemory(mmap.mmap):
    """Memory that this process maps of an open file, `fd`, or of one with the name `path`."""

    fd: int = -1
    path: str = ""


def _folder() -> str:
    return "/dev/shm" if os.path.isdir("/dev/shm") else tempfile.gettempdir()


def _name() -> str:
    return os.path.join(_folder(), f"rushlight_{os.getpid()}_{next(_number)}_{os.urandom(4).hex()}")


def _remove(path: str, owner: int) -> None:
    # A forked process has the list of its parent's files, too.
    if os.getpid() == owner and os.path.exists(path):
        os.unlink(path)


def _close(fd: int) -> None:
    os.close(fd)


def _allocated(size: int) -> SharedMemory:
    """New memory of the chosen kind, of at least one byte."""
    size = max(size, 1)
    if _strategy[0] == "file_descriptor":
        fd = os.memfd_create("rushlight-tensor", os.MFD_CLOEXEC)
        os.ftruncate(fd, size)
        memory = SharedMemory(fd, size)
        memory.fd = fd
        weakref.finalize(memory, _close, fd)
        return memory
    path = _name()
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.ftruncate(fd, size)
        memory = SharedMemory(fd, size)
    finally:
        os.close(fd)
    memory.path = path
    weakref.finalize(memory, _remove, path, os.getpid())
    return memory


def memory_of(array: np.ndarray[Any, Any]) -> SharedMemory | None:
    """The shared memory that an array lies in, where it can be handed on."""
    owner: Any = array
    while isinstance(owner, np.ndarray):
        owner = owner.base
    owner = owner.obj if isinstance(owner, memoryview) else owner
    return owner if isinstance(owner, SharedMemory) else None


def moved(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """An array of the same elements and strides in shared memory that can be handed on."""
    lengths = [(n - 1) * abs(s) for n, s in zip(array.shape, array.strides, strict=True)]
    plain = array.size and min(array.strides, default=0) >= 0
    size = sum(lengths) + array.itemsize if plain else array.nbytes
    strides = array.strides if plain else None
    shared: np.ndarray[Any, Any] = np.ndarray(array.shape, array.dtype, buffer=_allocated(size), strides=strides)
    shared[...] = array
    return shared


@atexit.register
def _remove_links() -> None:
    for path in list(_links):
        if os.path.exists(path):
            os.unlink(path)


def handle_of(memory: SharedMemory) -> tuple[str, Any, int]:
    """What another process gets the memory from, for one message."""
    if memory.path:
        link = _name()
        os.link(memory.path, link)
        with _lock:
            _links.add(link)
        return "file_system", link, len(memory)
    return "file_descriptor", DupFd(memory.fd), len(memory)


# What this process maps already, by the file's identity, so that memory sent twice is one memory.
_mapped: weakref.WeakValueDictionary[tuple[int, int], SharedMemory] = weakref.WeakValueDictionary()


def opened(kind: str, handle: Any, size: int) -> SharedMemory:
    """The memory of a handle."""
    if kind == "file_descriptor":
        fd = handle.detach()
        path = ""
    else:
        fd = os.open(handle, os.O_RDWR)
        path = _name()
        os.link(handle, path)
        os.unlink(handle)
    status = os.fstat(fd)
    with _lock:
        known = _mapped.get((status.st_dev, status.st_ino))
        if known is not None:
            os.close(fd)
            if path:
                os.unlink(path)
            return known
        memory = SharedMemory(fd, size)
        if path:
            os.close(fd)
            memory.path = path
            weakref.finalize(memory, _remove, path, os.getpid())
        else:
            memory.fd = fd
            weakref.finalize(memory, _close, fd)
        _mapped[status.st_dev, status.st_ino] = memory
    return memory
