"""What a program asks of the CPU as of any device: one device, whose work is done when a call returns.

Source: https://docs.pytorch.org/docs/2.13/cpu.html
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from types import MappingProxyType
from typing import Any

__all__ = [
    "Event", "Stream", "StreamContext", "current_device", "current_stream", "device_count", "get_capabilities",
    "is_available", "is_initialized", "set_device", "stream", "synchronize",
]  # fmt: skip


class Stream:
    """A queue of work, which is always empty; it is there for programs that run on any device."""

    def __init__(self, priority: int = -1) -> None:
        self.priority = priority

    def wait_stream(self, stream: Any) -> None:
        """Wait for another queue, which is empty."""

    def record_event(self) -> None:
        """Mark the end of the queue."""

    def wait_event(self, event: Any) -> None:
        """Wait for an event, which has happened."""


class Event:
    """A mark in a queue of work, which has always happened; it is there for programs that run on any device."""

    def query(self) -> bool:
        """Whether it has happened: True."""
        return True

    def record(self, stream: Any = None) -> None:
        """Mark the end of a queue."""

    def synchronize(self) -> None:
        """Wait until it has happened, which it has."""

    def wait(self, stream: Any = None) -> None:
        """Let a queue wait until it has happened, which it has."""


_current = [Stream()]


class StreamContext(AbstractContextManager[None]):
    """Within the block, `current_stream` is this queue; None changes nothing."""

    def __init__(self, stream: Stream | None) -> None:
        self.stream = stream

    def __enter__(self) -> None:
        if self.stream is not None:
            self.prev_stream, _current[0] = _current[0], self.stream

    def __exit__(self, type: Any, value: Any, traceback: Any) -> None:
        if self.stream is not None:
            _current[0] = self.prev_stream


def stream(stream: Stream | None) -> AbstractContextManager[None]:
    """A context manager within which `current_stream` is `stream`."""
    return StreamContext(stream)


def is_available() -> bool:
    """True: there is a CPU."""
    return True


def is_initialized() -> bool:
    """True: there is nothing to initialise."""
    return True


def device_count() -> int:
    """1, the number of CPUs as devices."""
    return 1


def current_device() -> str:
    """ "cpu", the name of the device in use."""
    return "cpu"


def set_device(device: Any) -> None:
    """Does nothing: there is one CPU."""


def current_stream(device: Any = None) -> Stream:
    """The queue of work in use."""
    return _current[0]


def synchronize(device: Any = None) -> None:
    """Waits for the CPU's work, which is done when a call returns."""


# The names that Linux gives to what PyTorch asks the processor for.
_FEATURES = {
    "aes": "aes", "amx_bf16": "amx_bf16", "amx_fp16": "amx_fp16", "amx_int8": "amx_int8", "amx_tile": "amx_tile",
    "avx": "avx", "avx2": "avx2", "avx512_4fmaps": "avx512_4fmaps", "avx512_4vnniw": "avx512_4vnniw",
    "avx512_bf16": "avx512_bf16", "avx512_bitalg": "avx512_bitalg", "avx512_bw": "avx512bw", "avx512_cd": "avx512cd",
    "avx512_dq": "avx512dq", "avx512_f": "avx512f", "avx512_fp16": "avx512_fp16", "avx512_ifma": "avx512ifma",
    "avx512_vbmi": "avx512vbmi", "avx512_vbmi2": "avx512_vbmi2", "avx512_vl": "avx512vl", "avx512_vnni": "avx512_vnni",
    "avx512_vp2intersect": "avx512_vp2intersect", "avx512_vpopcntdq": "avx512_vpopcntdq", "avx_vnni": "avx_vnni",
    "bmi": "bmi1", "bmi2": "bmi2", "clflush": "clflush", "f16c": "f16c", "fma3": "fma", "lzcnt": "abm",
    "popcnt": "popcnt", "sha": "sha_ni", "sse": "sse", "sse2": "sse2", "sse3": "pni", "sse4_1": "sse4_1",
    "sse4_2": "sse4_2", "ssse3": "ssse3", "xop": "xop",
}  # fmt: skip


def get_capabilities() -> Mapping[str, Any]:
    """The instructions that this machine's processor has, by name, and its architecture.

    On systems other than Linux only the architecture.
    """
    import platform

    found: dict[str, Any] = {"architecture": platform.machine()}
    try:
        with open("/proc/cpuinfo") as lines:
            flags = next((line.partition(":")[2].split() for line in lines if line.startswith("flags")), None)
    except OSError:
        flags = None
    if flags is not None:
        found.update({name: flag in flags for name, flag in _FEATURES.items()})
    return MappingProxyType(found)


def __getattr__(name: str) -> Any:
    if name == "amp":
        from importlib import import_module

        return import_module(f"{__name__}.amp")
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
