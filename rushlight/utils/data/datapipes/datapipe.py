"""What every pipe is: a dataset whose methods include the registered steps, so that `pipe.map(f).batch(8)` works."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator
from typing import Any, ClassVar, TypeVar

from rushlight.utils.data.dataset import Dataset, IterableDataset

from ._iterators import single_iterator

__all__ = ["DFIterDataPipe", "DataChunk", "IterDataPipe", "MapDataPipe"]

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class DataChunk(list[T]):
    """A batch: a list that remembers what it was made of.

    >>> from rushlight.utils.data import DataChunk
    >>> DataChunk([1, 2]).as_str("> ")
    '> [1, 2]'

    Source: https://github.com/pytorch/pytorch/blob/v2.13.0/torch/utils/data/datapipes/datapipe.py
    """

    def __init__(self, items: Iterable[T]) -> None:
        super().__init__(items)
        self.items = list(self)

    def as_str(self, indent: str = "") -> str:
        """The elements in brackets, after `indent`."""
        return f"{indent}[{', '.join(map(str, self))}]"

    def raw_iterator(self) -> Iterator[T]:
        """The elements that the chunk was made of."""
        return iter(self.items)


class _Steps:
    """What both kinds of pipe share: registered steps as methods, hooks of pickling and printing."""

    functions: ClassVar[dict[str, Callable[..., Any]]]
    reduce_ex_hook: ClassVar[Callable[..., Any] | None] = None
    getstate_hook: ClassVar[Callable[..., Any] | None] = None
    str_hook: ClassVar[Callable[..., Any] | None] = None
    repr_hook: ClassVar[Callable[..., Any] | None] = None

    def __getattr__(self, attribute_name: str) -> Any:
        step = type(self).functions.get(attribute_name)
        if step is None:
            raise AttributeError(f"'{type(self).__name__}' object has no attribute '{attribute_name}'")
        return functools.update_wrapper(functools.partial(step, self), step, assigned=("__doc__",))

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *type(self).functions]

    @classmethod
    def register_function(cls, function_name: str, function: Callable[..., Any]) -> None:
        """Let every pipe of this kind have `function` as a method."""
        cls.functions[function_name] = function

    @classmethod
    def _register(cls, name: str, step: Callable[..., Any]) -> None:
        if name in cls.functions:
            raise Exception(f"Unable to add DataPipe function name {name} as it is already taken")
        cls.functions[name] = step

    @classmethod
    def set_getstate_hook(cls, hook_fn: Callable[..., Any] | None) -> None:
        """Let `hook_fn(state)` say what is pickled of a pipe; RuntimeError if another does already."""
        kind = _kind(cls)
        if kind.getstate_hook is not None and hook_fn is not None:
            raise RuntimeError("Attempt to override existing getstate_hook")
        kind.getstate_hook = hook_fn

    @classmethod
    def set_reduce_ex_hook(cls, hook_fn: Callable[..., Any] | None) -> None:
        """Let `hook_fn(pipe)` say how a pipe is pickled; RuntimeError if another does already."""
        kind = _kind(cls)
        if kind.reduce_ex_hook is not None and hook_fn is not None:
            raise RuntimeError("Attempt to override existing reduce_ex_hook")
        kind.reduce_ex_hook = hook_fn

    def _state(self) -> dict[str, Any]:
        """What pickling keeps; a pipe with buffers or generators leaves them out."""
        return self.__dict__

    def __getstate__(self) -> Any:
        hook = _kind(type(self)).getstate_hook
        return self._state() if hook is None else hook(self._state())

    def __reduce_ex__(self, protocol: Any) -> Any:
        hook = _kind(type(self)).reduce_ex_hook
        if hook is not None:
            try:
                return hook(self)
            except NotImplementedError:
                pass
        return super().__reduce_ex__(protocol)

    def __repr__(self) -> str:
        return type(self).__qualname__ if self.repr_hook is None else self.repr_hook(self)

    def __str__(self) -> str:
        return type(self).__qualname__ if self.str_hook is None else self.str_hook(self)


def _kind(cls: type[Any]) -> Any:
    """IterDataPipe or MapDataPipe, which hold the hooks for all."""
    return IterDataPipe if issubclass(cls, IterDataPipe) else MapDataPipe


class IterDataPipe(_Steps, IterableDataset[T_co]):
    """A stream of samples that other streams are built on: a subclass defines `__iter__`, and `reset` if it has state.

    Only the latest iterator of a pipe is valid; the one before raises RuntimeError. To begin one calls `reset`.

    >>> from rushlight.utils.data.datapipes.iter import IterableWrapper
    >>> list(IterableWrapper(range(5)).map(str).batch(2))
    [['0', '1'], ['2', '3'], ['4']]

    Source: https://github.com/pytorch/pytorch/blob/v2.13.0/torch/utils/data/datapipes/datapipe.py
    """

    functions: ClassVar[dict[str, Callable[..., Any]]] = {}
    _valid_iterator_id: int | None = None
    _number_of_samples_yielded: int = 0

    def __init_subclass__(cls, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        if "__iter__" in cls.__dict__:
            cls.__iter__ = single_iterator(cls.__iter__)  # type: ignore[method-assign]

    def __iter__(self) -> Iterator[T_co]:
        return self

    @classmethod
    def register_datapipe_as_function(
        cls, function_name: str, cls_to_register: Any, enable_df_api_tracing: bool = False
    ) -> None:
        """Let `pipe.function_name(…)` make a `cls_to_register(pipe, …)`; raises if the name is taken."""

        def step(source_dp: Any, *args: Any, **kwargs: Any) -> Any:
            return cls_to_register(source_dp, *args, **kwargs)

        cls._register(function_name, functools.update_wrapper(step, cls_to_register, assigned=("__doc__",)))

    def reset(self) -> None:
        """Begin anew: called when an iterator is made."""

    def _new_iterator_id(self) -> int:
        """Make all iterators so far invalid and begin anew; the number of the next."""
        self._valid_iterator_id = 0 if self._valid_iterator_id is None else self._valid_iterator_id + 1
        self._number_of_samples_yielded = 0
        self.reset()
        return self._valid_iterator_id

    def _is_valid(self, iterator_id: int) -> bool:
        return self._valid_iterator_id == iterator_id


class DFIterDataPipe(IterDataPipe[T_co]):
    """A stream of data frames.

    Source: https://github.com/pytorch/pytorch/blob/v2.13.0/torch/utils/data/datapipes/datapipe.py
    """

    def _is_dfpipe(self) -> bool:
        return True


class MapDataPipe(_Steps, Dataset[T_co]):
    """A dataset by key that others can be built on: a subclass defines `__getitem__`, and `__len__` where it has one.

    >>> from rushlight.utils.data.datapipes.map import SequenceWrapper
    >>> SequenceWrapper([10, 20, 30]).map(str).batch(2)[0]
    ['10', '20']

    Source: https://github.com/pytorch/pytorch/blob/v2.13.0/torch/utils/data/datapipes/datapipe.py
    """

    functions: ClassVar[dict[str, Callable[..., Any]]] = {}

    @classmethod
    def register_datapipe_as_function(cls, function_name: str, cls_to_register: Any) -> None:
        """Let `pipe.function_name(…)` make a `cls_to_register(pipe, …)`; raises if the name is taken."""

        def step(source_dp: Any, *args: Any, **kwargs: Any) -> Any:
            return cls_to_register(source_dp, *args, **kwargs)

        cls._register(function_name, functools.update_wrapper(step, cls_to_register, assigned=("__doc__",)))
