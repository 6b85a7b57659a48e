"""Decorators of pipes: their name as a step, whether they are deterministic, what they take and give."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from typing import Any, get_args, get_type_hints

from .datapipe import IterDataPipe, MapDataPipe

__all__ = [
    "argument_validation", "functional_datapipe", "guaranteed_datapipes_determinism", "non_deterministic",
    "runtime_validation", "runtime_validation_disabled",
]  # fmt: skip


class functional_datapipe:
    """Let `pipe.name(…)` make the decorated class around `pipe`.

    >>> from rushlight.utils.data import IterDataPipe, functional_datapipe
    >>> from rushlight.utils.data.datapipes.iter import IterableWrapper
    >>> @functional_datapipe("twice_over")
    ... class Twice(IterDataPipe):
    ...     def __init__(self, source): self.source = source
    ...     def __iter__(self): return (2 * x for x in self.source)
    >>> list(IterableWrapper([1, 2]).twice_over())
    [2, 4]

    Source: https://github.com/pytorch/pytorch/blob/v2.13.0/torch/utils/data/datapipes/_decorator.py
    """

    def __init__(self, name: str, enable_df_api_tracing: bool = False) -> None:
        self.name = name
        self.enable_df_api_tracing = enable_df_api_tracing

    def __call__(self, cls: Any) -> Any:
        kind = cls.cls if isinstance(cls, non_deterministic) else getattr(getattr(cls, "__self__", None), "cls", cls)
        if not isinstance(kind, type) or not issubclass(kind, IterDataPipe | MapDataPipe):
            raise TypeError("`functional_datapipe` can only decorate IterDataPipe")
        if issubclass(kind, IterDataPipe):
            IterDataPipe.register_datapipe_as_function(self.name, cls, self.enable_df_api_tracing)
        else:
            MapDataPipe.register_datapipe_as_function(self.name, cls)
        return cls


_guaranteed = False


class guaranteed_datapipes_determinism:
    """Within this context, making a pipe that isn't deterministic raises TypeError.

    Source: https://github.com/pytorch/pytorch/blob/v2.13.0/torch/utils/data/datapipes/_decorator.py
    """

    def __init__(self) -> None:
        global _guaranteed
        self.prev = _guaranteed
        _guaranteed = True

    def __enter__(self) -> None:
        pass

    def __exit__(self, *error: object) -> None:
        global _guaranteed
        _guaranteed = self.prev


class non_deterministic:
    """Say of a pipe's class that its order may differ from run to run; with a function of the arguments, when.

    Raises TypeError for what is no class of pipes, and where determinism is guaranteed.

    Source: https://github.com/pytorch/pytorch/blob/v2.13.0/torch/utils/data/datapipes/_decorator.py
    """

    cls: Any = None

    def __init__(self, arg: Any) -> None:
        if isinstance(arg, type):
            if not issubclass(arg, IterDataPipe):
                raise TypeError(
                    f"Only `IterDataPipe` can be decorated with `non_deterministic`, but {arg.__name__} is found"
                )
            self.cls = arg
        elif callable(arg):
            self.deterministic_fn = arg
        else:
            raise TypeError(f"{arg} can not be decorated by non_deterministic")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self.cls is not None:
            if _guaranteed:
                raise TypeError(
                    f"{self.cls.__name__} is non-deterministic, but you set 'guaranteed_datapipes_determinism'. You "
                    "can turn off determinism for this DataPipe if that is acceptable for your application"
                )
            return self.cls(*args, **kwargs)
        if not (isinstance(args[0], type) and issubclass(args[0], IterDataPipe)):
            raise TypeError(f"Only `IterDataPipe` can be decorated, but {args[0].__name__} is found")
        self.cls = args[0]
        return self.deterministic_wrapper_fn

    def deterministic_wrapper_fn(self, *args: Any, **kwargs: Any) -> Any:
        """Make the pipe, unless its arguments make it non-deterministic where determinism is guaranteed."""
        varies = self.deterministic_fn(*args, **kwargs)
        if not isinstance(varies, bool):
            raise TypeError(
                "deterministic_fn of `non_deterministic` decorator is required to return a boolean value, but "
                f"{type(varies)} is found"
            )
        if _guaranteed and varies:
            raise TypeError(
                f"{self.cls.__name__} is non-deterministic with the inputs, but you set "
                "'guaranteed_datapipes_determinism'. You can turn off determinism for this DataPipe if that is "
                "acceptable for your application"
            )
        return self.cls(*args, **kwargs)


def argument_validation(f: Callable[..., Any]) -> Callable[..., Any]:
    """Check, at each call, that what is annotated as a pipe is one: TypeError otherwise.

    Source: https://github.com/pytorch/pytorch/blob/v2.13.0/torch/utils/data/datapipes/_decorator.py
    """
    signature, hints = inspect.signature(f), get_type_hints(f)

    @functools.wraps(f)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        for name, value in signature.bind(*args, **kwargs).arguments.items():
            hint = hints.get(name)
            kind = getattr(hint, "__origin__", hint)
            wants_pipe = isinstance(kind, type) and issubclass(kind, IterDataPipe)
            if wants_pipe and not isinstance(value, IterDataPipe):
                raise TypeError(f"Expected argument '{name}' as a IterDataPipe, but found {type(value)}")
        return f(*args, **kwargs)

    return wrapper


_validating = True


class runtime_validation_disabled:
    """Within this context, `runtime_validation` checks nothing.

    Source: https://github.com/pytorch/pytorch/blob/v2.13.0/torch/utils/data/datapipes/_decorator.py
    """

    def __init__(self) -> None:
        global _validating
        self.prev = _validating
        _validating = False

    def __enter__(self) -> None:
        pass

    def __exit__(self, *error: object) -> None:
        global _validating
        _validating = self.prev


def runtime_validation(f: Callable[..., Any]) -> Callable[..., Any]:
    """Check each sample of an `__iter__` against its annotation, `Iterator[type]`: RuntimeError for another type.

    Raises TypeError for another method.

    Source: https://github.com/pytorch/pytorch/blob/v2.13.0/torch/utils/data/datapipes/_decorator.py
    """
    if f.__name__ != "__iter__":
        raise TypeError(f"Can not decorate function {f.__name__} with 'runtime_validation'")
    kind = next(iter(get_args(get_type_hints(f).get("return"))), object)

    @functools.wraps(f)
    def wrapper(self: Any) -> Iterator[Any]:
        for sample in f(self):
            # Only what is a class can be asked; `list[int]` counts as a list.
            expected = getattr(kind, "__origin__", kind)
            if _validating and isinstance(expected, type) and not isinstance(sample, expected):
                raise RuntimeError(f"Expected an instance as subtype of {kind}, but found {sample}({type(sample)})")
            yield sample

    return wrapper
