"""Results that come later.

Source: https://docs.pytorch.org/docs/2.13/futures.html
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from rushlight.device import check_device, device

__all__ = ["Future", "collect_all", "wait_all"]

T = TypeVar("T")
S = TypeVar("S")


class Future(Generic[T]):
    """A value that some thread sets once, and others wait for.

    >>> import rushlight as torch
    >>> future = torch.futures.Future()
    >>> doubled = future.then(lambda done: done.value() * 2)
    >>> future.set_result(21)
    >>> doubled.wait()
    42

    Source: https://docs.pytorch.org/docs/2.13/futures.html#torch.futures.Future
    """

    def __init__(self, *, devices: Sequence[int | str | device] | None = None) -> None:
        for one in devices or ():
            place = device(one)
            check_device(place)
            if place.index is None:
                raise ValueError(f"Expected devices to have indices, got {place}")
        self._changed = threading.Condition()
        self._done = False
        self._result: Any = None
        self._error: BaseException | None = None
        self._callbacks: list[Callable[[], None]] = []

    def done(self) -> bool:
        """Whether there is a result or an exception."""
        return self._done

    def wait(self) -> T:
        """The result, once it is there; raises the exception set in its place."""
        with self._changed:
            self._changed.wait_for(lambda: self._done)
        return self._outcome()

    def value(self) -> T:
        """The result, which must be there: RuntimeError otherwise. Raises the exception set in its place."""
        if not self._done:
            raise RuntimeError("the Future has no value yet: wait() for it, or ask done() before")
        return self._outcome()

    def _outcome(self) -> T:
        if self._error is not None:
            raise self._error
        return self._result

    def _finish(self, result: Any, error: BaseException | None) -> None:
        with self._changed:
            if self._done:
                raise RuntimeError(
                    "Attempting to mark a completed Future as complete again. Note that a Future can only be marked "
                    "completed once."
                )
            self._result, self._error, self._done = result, error, True
            callbacks, self._callbacks = self._callbacks, []
            self._changed.notify_all()
        for callback in callbacks:
            callback()

    def set_result(self, result: T) -> None:
        """Say the result, which wakes those who wait; RuntimeError if there is one already."""
        self._finish(result, None)

    def set_exception(self, result: Any) -> None:
        """Say an exception, which `wait` and `value` raise; AssertionError for what is none."""
        if not isinstance(result, Exception):
            raise AssertionError(f"{result} is of type {type(result)}, not an Exception.")
        self._finish(None, result)

    def _when_done(self, callback: Callable[[], None]) -> None:
        with self._changed:
            if not self._done:
                self._callbacks.append(callback)
                return
        callback()

    def then(self, callback: Callable[[Future[T]], S]) -> Future[S]:
        """A future of what `callback(this)` returns, which is called when this is done.

        Where the callback raises, the new future's `wait` raises RuntimeError.
        """
        following: Future[S] = Future()

        def run() -> None:
            try:
                result = callback(self)
            except Exception as error:
                following._finish(
                    None,
                    RuntimeError(f"Got the following error when running the callback: {type(error).__name__}: {error}"),
                )
            else:
                following.set_result(result)

        self._when_done(run)
        return following

    def add_done_callback(self, callback: Callable[[Future[T]], None]) -> None:
        """Call `callback(this)` when this is done; what it raises is printed."""

        def run() -> None:
            try:
                callback(self)
            except Exception as error:
                print(f"Got the following error when running the callback: {type(error).__name__}: {error}")

        self._when_done(run)


def collect_all(futures: list[Future[Any]]) -> Future[list[Future[Any]]]:
    """A future of the list of these futures, done when all are; its `wait` raises the first exception.

    Source: https://docs.pytorch.org/docs/2.13/futures.html#torch.futures.collect_all
    """
    together: Future[list[Future[Any]]] = Future()
    left = len(futures)
    lock = threading.Lock()

    def one_done() -> None:
        nonlocal left
        with lock:
            left -= 1
            last = left == 0
        if last:
            error = next((f._error for f in futures if f._error is not None), None)
            together._finish(None if error else futures, error)

    for future in futures:
        future._when_done(one_done)
    if not futures:
        together.set_result([])
    return together


def wait_all(futures: list[Future[Any]]) -> list[Any]:
    """The results of all these futures, once they are there; raises the first exception.

    Source: https://docs.pytorch.org/docs/2.13/futures.html#torch.futures.wait_all
    """
    return [future.wait() for future in collect_all(futures).wait()]
