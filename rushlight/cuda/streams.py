"""Queues of work on CUDA devices, which can't be made here, and the blocks around them.

Source: https://docs.pytorch.org/docs/2.13/cuda.html#streams-and-events
"""

from __future__ import annotations

from typing import Any, Literal

from rushlight.cuda._core import index_of, refuse

__all__ = [
    "Event", "ExternalStream", "Stream", "StreamContext", "current_stream", "default_stream", "device", "device_of",
    "get_stream_from_external", "set_stream", "stream",
]  # fmt: skip


class Stream:
    """A queue of work on a CUDA device: RuntimeError, as there is none."""

    def __init__(self, device: Any = None, priority: int = 0, **kwargs: Any) -> None:
        raise RuntimeError("torch.cuda.Stream requires CUDA support")

    def wait_event(self, event: Any) -> None:
        """Let later work wait for an event."""
        refuse()

    def wait_stream(self, stream: Any) -> None:
        """Let later work wait for that of another queue."""
        refuse()

    def record_event(self, event: Any = None) -> Any:
        """A mark at the end of the queue."""
        refuse()

    def query(self) -> bool:
        """Whether all work is done."""
        refuse()

    def synchronize(self) -> None:
        """Wait for all work."""
        refuse()


class ExternalStream(Stream):
    """A queue of work that another library made: RuntimeError, as there is no CUDA."""

    def __init__(self, stream_ptr: int, device: Any = None, **kwargs: Any) -> None:
        super().__init__()


class Event:
    """A mark in a queue of work: RuntimeError, as there is no CUDA."""

    def __init__(
        self, enable_timing: bool = False, blocking: bool = False, interprocess: bool = False, external: bool = False
    ) -> None:
        raise RuntimeError("Tried to instantiate dummy base class Event")

    @classmethod
    def from_ipc_handle(cls, device: Any, handle: Any) -> Any:
        """An event of another process."""
        refuse()

    def record(self, stream: Any = None) -> None:
        """Mark the end of a queue."""
        refuse()

    def wait(self, stream: Any = None) -> None:
        """Let a queue wait for this."""
        refuse()

    def query(self) -> bool:
        """Whether it has happened."""
        refuse()

    def elapsed_time(self, end_event: Any) -> float:
        """The milliseconds between two events."""
        refuse()

    def synchronize(self) -> None:
        """Wait until it has happened."""
        refuse()

    def ipc_handle(self) -> Any:
        """What another process makes the event from."""
        refuse()


class device:
    """A block on a CUDA device: RuntimeError on entering, unless the number is negative, which means none."""

    def __init__(self, device: Any) -> None:
        self.idx = index_of(device)

    def __enter__(self) -> None:
        if self.idx >= 0:
            raise RuntimeError("PyTorch was compiled without CUDA support")

    def __exit__(self, type: Any, value: Any, traceback: Any) -> Literal[False]:
        return False


class device_of(device):
    """A block on the device of a tensor, which changes nothing for one on the CPU."""

    def __init__(self, obj: Any) -> None:
        super().__init__(obj.get_device() if obj.is_cuda else -1)


class StreamContext:
    """A block in which work goes to a queue; with None, nothing changes."""

    def __init__(self, stream: Any) -> None:
        self.stream = stream

    def __enter__(self) -> None:
        if self.stream is not None:
            refuse()

    def __exit__(self, type: Any, value: Any, traceback: Any) -> None:
        return None


def stream(stream: Any) -> StreamContext:
    """A block in which work goes to a queue; with None, nothing changes."""
    return StreamContext(stream)


def set_stream(stream: Any) -> None:
    """Does nothing for None; AssertionError for a queue, as there is no CUDA."""
    if stream is not None:
        refuse()


def current_stream(device: Any = None) -> Stream:
    """Raises AssertionError, as a PyTorch without CUDA does."""
    refuse()


def default_stream(device: Any = None) -> Stream:
    """Raises AssertionError, as a PyTorch without CUDA does."""
    refuse()


def get_stream_from_external(data_ptr: int, device: Any = None) -> Stream:
    """Raises AssertionError, as a PyTorch without CUDA does."""
    refuse()
