"""One stream as several: all of it to each, or each sample to one."""

from __future__ import annotations

import copy as copying
import warnings
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, Literal

from .._decorators import functional_datapipe
from .._functions import check_function, close_streams
from ..datapipe import IterDataPipe

__all__ = ["DemultiplexerIterDataPipe", "ForkerIterDataPipe"]


class _ChildDataPipe(IterDataPipe[Any]):
    """One of the streams that a stream was split into.

    All children share the parent's buffers, so an iterator of one begins the parent anew when this child already had
    one since the parent last began; then the iterators of all children before are invalid.
    """

    def __init__(self, main_datapipe: Any, instance_id: int) -> None:
        self.main_datapipe = main_datapipe
        self.instance_id = instance_id

    def __iter__(self) -> Iterator[Any]:
        return self.main_datapipe.samples(self.instance_id)

    def __len__(self) -> int:
        return self.main_datapipe.length()

    def _new_iterator_id(self) -> int:
        main = self.main_datapipe
        if main._valid_iterator_id is None:
            main._valid_iterator_id = 0
        elif main._valid_iterator_id == self._valid_iterator_id:
            main._valid_iterator_id += 1
            if not main.exhausted():
                warnings.warn(
                    "Some child DataPipes are not exhausted when __iter__ is called. We are resetting the buffer and "
                    "each child DataPipe will read from the start again.",
                    UserWarning,
                    stacklevel=4,
                )
            main.reset()
        self._valid_iterator_id = main._valid_iterator_id
        self._number_of_samples_yielded = 0
        return self._valid_iterator_id

    def _is_valid(self, iterator_id: int) -> bool:
        return iterator_id == self._valid_iterator_id == self.main_datapipe._valid_iterator_id


class _Split(IterDataPipe[Any]):
    """What the children share: the source's iterator, a queue of waiting samples for each child, who has ended."""

    main_datapipe: Any
    num_instances: int
    buffer_size: int

    def _prepare(self, datapipe: Any, num_instances: int, buffer_size: int, name: str) -> None:
        self.main_datapipe, self.num_instances, self.buffer_size = datapipe, num_instances, buffer_size
        if buffer_size < 0:
            warnings.warn(
                f"Unlimited buffer size is set for `{name}`, please be aware of OOM at random places",
                UserWarning,
                stacklevel=4,
            )
        self._clear()

    def _clear(self) -> None:
        self._source: Iterator[Any] | None = None
        self._waiting: list[deque[Any]] = [deque() for _ in range(self.num_instances)]
        self._ended = [True] * self.num_instances
        self._source_ended = False

    def reset(self) -> None:
        """Drop what waits and begin the source anew."""
        self._clear()

    def exhausted(self) -> bool:
        """Whether every child has had all its samples."""
        return self._source_ended and all(self._ended)

    def _state(self) -> dict[str, Any]:
        kept = {name: value for name, value in self.__dict__.items() if name not in ("_source", "_waiting")}
        return {**kept, "_ended": [True] * self.num_instances, "_source_ended": False}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._clear()

    def samples(self, child: int) -> Iterator[Any]:
        """The samples of one child: those that wait, then the source's, until one is its own."""
        if self._source is None and self._ended[child]:
            self._source = iter(self.main_datapipe)
            self._source_ended = False
            self._ended = [False] * self.num_instances
        try:
            while not self._ended[child]:
                while not self._waiting[child] and not self._source_ended:
                    try:
                        sample = next(self._source)  # type: ignore[arg-type]
                    except StopIteration:
                        self._source_ended = True
                    else:
                        self._put(child, sample)
                if not self._waiting[child]:
                    break
                yield self._take(child)
        finally:
            self._ended[child] = True
            if all(self._ended):
                self._source = None
            for sample in self._waiting[child]:
                close_streams(sample)
            self._waiting[child].clear()

    def _put(self, child: int, sample: Any) -> None:
        raise NotImplementedError(f"{type(self).__name__} defines no _put()")

    def _take(self, child: int) -> Any:
        return self._waiting[child].popleft()


class _ForkerIterDataPipe(_Split):
    """Hands every sample to every child."""

    def __init__(
        self, datapipe: Any, num_instances: int, buffer_size: int = 1000, copy: Literal["shallow", "deep"] | None = None
    ) -> None:
        copies: dict[Any, Callable[[Any], Any]] = {None: _same, "shallow": copying.copy, "deep": copying.deepcopy}
        if copy not in copies:
            raise ValueError(f"Unknown copy method `{copy}` requested, choose one of None, `shallow` or `deep`.")
        self.copy_fn = copies[copy]
        self._prepare(datapipe, num_instances, buffer_size, "fork")

    def _put(self, child: int, sample: Any) -> None:
        for other, queue in enumerate(self._waiting):
            if not self._ended[other]:
                queue.append(sample)
        if 0 <= self.buffer_size < max(len(queue) for i, queue in enumerate(self._waiting) if i != child):
            raise BufferError(f"ForkerIterDataPipe buffer overflow,buffer size {self.buffer_size} is insufficient.")

    def _take(self, child: int) -> Any:
        return self.copy_fn(self._waiting[child].popleft())

    def length(self) -> int:
        """The source's length."""
        return len(self.main_datapipe)

    __len__ = length


def _same(sample: Any) -> Any:
    return sample


class _DemultiplexerIterDataPipe(_Split):
    """Hands each sample to the child that a function names."""

    def __init__(
        self,
        datapipe: Any,
        num_instances: int,
        classifier_fn: Callable[[Any], int | None],
        drop_none: bool,
        buffer_size: int,
    ) -> None:
        self.classifier_fn = classifier_fn
        self.drop_none = drop_none
        self._prepare(datapipe, num_instances, buffer_size, "demux")

    def _put(self, child: int, sample: Any) -> None:
        owner = self.classifier_fn(sample)
        if owner is None and self.drop_none:
            close_streams(sample)
            return
        if owner is None or not 0 <= owner < self.num_instances:
            raise ValueError(
                f"Output of the classification fn should be between 0 and {self.num_instances - 1}. "
                f"{owner} is returned."
            )
        self._waiting[owner].append(sample)
        if owner != child and 0 <= self.buffer_size < sum(map(len, self._waiting)):
            raise BufferError(
                f"DemultiplexerIterDataPipe buffer overflow, buffer size {self.buffer_size} is insufficient."
            )

    def length(self) -> int:
        """Not known before the samples are: TypeError."""
        raise TypeError("the samples of a demultiplexed stream are not counted before they are there")


def _check_count(num_instances: int) -> None:
    if num_instances < 1:
        raise ValueError(f"Expected `num_instances` larger than 0, but {num_instances} is found")


@functional_datapipe("fork")
class ForkerIterDataPipe(IterDataPipe[Any]):
    """A list of `num_instances` streams of the same samples.

    The fastest may be `buffer_size` samples ahead of the slowest (-1: any number), else BufferError; `copy` says
    whether each gets its own copy, "shallow" or "deep".

    >>> from rushlight.utils.data.datapipes.iter import IterableWrapper
    >>> a, b = IterableWrapper([1, 2]).fork(2)
    >>> list(a), list(b)
    ([1, 2], [1, 2])

    Source: https://github.com/pytorch/pytorch/blob/v2.13.0/torch/utils/data/datapipes/iter/combining.py
    """

    def __new__(
        cls,
        datapipe: IterDataPipe[Any],
        num_instances: int,
        buffer_size: int = 1000,
        copy: Literal["shallow", "deep"] | None = None,
    ) -> Any:
        _check_count(num_instances)
        if num_instances == 1:
            return datapipe
        main = _ForkerIterDataPipe(datapipe, num_instances, buffer_size, copy)
        return [_ChildDataPipe(main, i) for i in range(num_instances)]


@functional_datapipe("demux")
class DemultiplexerIterDataPipe(IterDataPipe[Any]):
    """A list of `num_instances` streams, of which `classifier_fn` names one for each sample by its number.

    Samples classified as None are dropped with `drop_none`. At most `buffer_size` samples wait (-1: any number), else
    BufferError.

    >>> from rushlight.utils.data.datapipes.iter import IterableWrapper
    >>> even, odd = IterableWrapper(range(5)).demux(2, (2).__rmod__)
    >>> list(even), list(odd)
    ([0, 2, 4], [1, 3])

    Source: https://github.com/pytorch/pytorch/blob/v2.13.0/torch/utils/data/datapipes/iter/combining.py
    """

    def __new__(
        cls,
        datapipe: IterDataPipe[Any],
        num_instances: int,
        classifier_fn: Callable[[Any], int | None],
        drop_none: bool = False,
        buffer_size: int = 1000,
    ) -> Any:
        _check_count(num_instances)
        check_function(classifier_fn)
        main = _DemultiplexerIterDataPipe(datapipe, num_instances, classifier_fn, drop_none, buffer_size)
        return [_ChildDataPipe(main, i) for i in range(num_instances)]
