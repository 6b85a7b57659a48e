"""One valid iterator for each pipe: a pipe may have buffers, which two iterators would mix up."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from typing import Any

__all__ = ["describe", "single_iterator"]

_ORIGIN = "thrown by __iter__ of"
_ISSUE = (
    "\nFor feedback regarding this single iterator per IterDataPipe constraint, feel free to comment on this issue: "
    "https://github.com/pytorch/data/issues/45."
)


def describe(pipe: Any) -> str:
    """A pipe's class and the arguments that it keeps under their own names, in alphabetical order."""
    names = set(inspect.signature(type(pipe)).parameters)
    kept = []
    for name in sorted(names & {*vars(pipe), *dir(type(pipe))}):
        value = getattr(pipe, name)
        kept.append(f"{name}={value.__name__ if inspect.isfunction(value) else repr(value)}")
    return f"{type(pipe).__name__}({', '.join(kept)})"


class _Samples(Iterator[Any]):
    """An iterator that becomes invalid when its pipe gets another."""

    def __init__(self, pipe: Any, make: Callable[[Any], Iterator[Any]], lazy: bool) -> None:
        self._pipe, self._make, self._lazy = pipe, make, lazy
        self._id: int | None = None
        self._ended = False
        if not lazy:
            self._begin()

    def _begin(self) -> None:
        self._id = self._pipe._new_iterator_id()
        self._source = self._make(self._pipe)

    def __next__(self) -> Any:
        pipe = self._pipe
        if self._ended:
            raise StopIteration
        if self._id is None:
            self._begin()
        elif not pipe._is_valid(self._id):
            self._refuse()
        try:
            sample = next(self._source)
        except StopIteration:
            self._ended = True
            raise
        except Exception as error:
            if self._lazy:
                _say_where(error, pipe)
            raise
        pipe._number_of_samples_yielded += 1
        return sample

    def _refuse(self) -> None:
        pipe = self._pipe
        if hasattr(pipe, "main_datapipe") and hasattr(pipe, "instance_id"):
            raise RuntimeError(
                "This iterator has been invalidated, because a new iterator has been created from one of the "
                f"ChildDataPipes of {describe(pipe.main_datapipe)}.{_ISSUE}"
            )
        raise RuntimeError(
            "This iterator has been invalidated because another iterator has been created from the same IterDataPipe: "
            f"{describe(pipe)}\nThis may be caused by multiple references to the same IterDataPipe. We recommend using "
            f"`.fork()` if that is necessary.{_ISSUE}"
        )

    def __getattr__(self, name: str) -> Any:
        if name == "_source":
            raise AttributeError("the iterator has not begun")
        return getattr(self._source, name)


def _say_where(error: Exception, pipe: Any) -> None:
    """Add to an error's message the pipe that it came from, once."""
    where = f"\nThis exception is {_ORIGIN} {describe(pipe)}"
    if not error.args or not isinstance(error.args[0], str):
        error.args = (where,)
    elif _ORIGIN not in error.args[0] and "single iterator per IterDataPipe constraint" not in error.args[0]:
        error.args = (error.args[0] + where, *error.args[1:])


def single_iterator(function: Callable[[Any], Iterator[Any]]) -> Callable[[Any], Iterator[Any]]:
    """An `__iter__` whose iterators end those before: a generator's when its first sample is asked for."""
    lazy = inspect.isgeneratorfunction(function)

    @functools.wraps(function)
    def __iter__(self: Any) -> Iterator[Any]:  # noqa: N807
        return _Samples(self, function, lazy)

    return __iter__
