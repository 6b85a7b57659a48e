"""Queues of work and marks in them, of any device: on the CPU work is done when a call returns.

Source: https://docs.pytorch.org/docs/2.13/generated/torch.Stream.html
"""

from __future__ import annotations

from typing import Any, NoReturn, Self

from rushlight.device import cpu, device

__all__ = ["Event", "Stream"]

_NO_EVENTS = "cpu backend doesn't support events."


def _check(where: Any) -> device:
    place = cpu if where is None else device(where)
    if place.type != "cpu":
        raise RuntimeError(f"PyTorch is not linked with support for {place.type} devices")
    return place


class Stream:
    """A queue of a device's work, in order; the CPU's is always empty. RuntimeError for another device.

    >>> import rushlight as torch
    >>> torch.Stream().query()
    True

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.Stream.html
    """

    device_type = 0

    def __init__(
        self, device: Any = None, *, priority: int = 0, stream_id: int = 0, device_index: int = -1, device_type: int = 0
    ) -> None:
        self.device = _check(device)
        self.device_index = device_index if self.device.index is None else self.device.index
        self.stream_id = stream_id

    def query(self) -> bool:
        """Whether all its work is done: True."""
        return True

    def synchronize(self) -> None:
        """Wait for its work, of which there is none."""

    def wait_event(self, event: Any) -> None:
        """Let later work wait for an event, which has happened."""

    def record_event(self, event: Any = None) -> NoReturn:
        """Raises RuntimeError: the CPU has no events."""
        raise RuntimeError(_NO_EVENTS)

    def wait_stream(self, stream: Any) -> NoReturn:
        """Raises RuntimeError: the CPU has no events."""
        raise RuntimeError(_NO_EVENTS)

    def is_capturing(self) -> bool:
        """Whether its work is being recorded: False."""
        return False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        return None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Stream) and (self.device_index, self.stream_id) == (
            other.device_index,
            other.stream_id,
        )

    def __hash__(self) -> int:
        return hash((self.device_index, self.stream_id))

    def __repr__(self) -> str:
        return f"torch.Stream device_type=cpu, device_index={self.device_index}, stream_id={self.stream_id}"


class Event:
    """A mark in a queue of work; on the CPU it has always happened. RuntimeError for another device.

    >>> import rushlight as torch
    >>> torch.Event().query()
    True

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.Event.html
    """

    event_id = 0

    def __init__(
        self, device: Any = None, *, enable_timing: bool = False, blocking: bool = False, interprocess: bool = False
    ) -> None:
        self.device = _check(device)
        self._flag = int(enable_timing)

    def query(self) -> bool:
        """Whether it has happened: True."""
        return True

    def record(self, stream: Any = None) -> NoReturn:
        """Raises RuntimeError: the CPU has no events."""
        raise RuntimeError(_NO_EVENTS)

    def synchronize(self) -> None:
        """Wait until it has happened, which it has."""

    def wait(self, stream: Any = None) -> None:
        """Let later work wait until it has happened, which it has."""

    def elapsed_time(self, end_event: Any) -> NoReturn:
        """Raises RuntimeError, and ValueError where either measures no time."""
        if not (self._flag and end_event._flag):
            raise ValueError("Both events must be created with argument 'enable_timing=True'.")
        raise RuntimeError(_NO_EVENTS)

    def __repr__(self) -> str:
        return f"torch.Event device_type=cpu, device_index=-1, event_flag={self._flag}, event_id=0"
