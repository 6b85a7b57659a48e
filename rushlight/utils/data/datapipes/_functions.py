"""What steps ask of the functions and streams that they are given."""

from __future__ import annotations

import functools
import inspect
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

__all__ = ["StreamWrapper", "check_columns", "check_function", "close_streams", "no_length"]


def check_function(fn: Callable[..., Any]) -> None:
    """Warn of a function that can't travel to a worker process."""
    if not callable(fn):
        raise TypeError(f"A callable function is expected, but {type(fn)} is provided.")
    while isinstance(fn, functools.partial):
        fn = fn.func
    if inspect.isfunction(fn):
        for sign, kind in (("<locals>", "Local"), ("<lambda>", "Lambda")):
            if sign in fn.__qualname__:
                warnings.warn(
                    f"{kind} function is not supported by pickle, please use regular python function or "
                    "functools.partial instead.",
                    stacklevel=4,
                )
                return


def check_columns(fn: Callable[..., Any], input_col: Any) -> None:
    """Raise ValueError for a function that can't be called with as many arguments as there are input columns."""
    try:
        parameters = inspect.signature(fn).parameters.values()
    except ValueError:  # Python knows no signature: the call will say.
        return
    by_place = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    places = [p for p in parameters if p.kind in by_place]
    required = [p for p in places if p.default is inspect.Parameter.empty]
    wanted = len(input_col) if isinstance(input_col, list | tuple) else 1
    name = getattr(fn, "__name__", repr(fn))
    if len(required) > wanted:
        raise ValueError(f"The function {name} takes {len(required)} positional parameters, but {wanted} are required.")
    if any(p.kind is inspect.Parameter.VAR_POSITIONAL for p in parameters):
        return
    if len(places) < wanted:
        raise ValueError(f"The function {name} takes {len(places)} parameters, but {wanted} are required.")
    for p in parameters:
        if p.kind is inspect.Parameter.KEYWORD_ONLY and p.default is inspect.Parameter.empty:
            raise ValueError(f"The function {name} takes keyword-only parameter {p.name}, which cannot be given.")


def no_length(pipe: Any) -> TypeError:
    """The error for a pipe that doesn't know how many samples it has."""
    return TypeError(f"{type(pipe).__name__} instance doesn't have valid length")


class StreamWrapper:
    """A file that a pipe opened: it is closed when nobody holds it any more."""

    def __init__(self, file_obj: Any, name: str | None = None) -> None:
        self.file_obj = file_obj
        self.name = name

    def close(self, *args: Any, **kwargs: Any) -> None:
        self.file_obj.close(*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        if name == "file_obj":
            raise AttributeError(name)
        return getattr(self.file_obj, name)

    def __iter__(self) -> Any:
        yield from self.file_obj

    def __next__(self) -> Any:
        return next(self.file_obj)

    def __enter__(self) -> StreamWrapper:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return (
            f"StreamWrapper<{self.file_obj!r}>"
            if self.name is None
            else f"StreamWrapper<{self.name},{self.file_obj!r}>"
        )

    def __getstate__(self) -> Any:
        return self.file_obj

    def __setstate__(self, file_obj: Any) -> None:
        self.file_obj, self.name = file_obj, None

    def __del__(self) -> None:
        file = self.__dict__.get("file_obj")
        if file is not None and hasattr(file, "close"):
            file.close()


def close_streams(found: Any) -> None:
    """Close every stream within a sample that nobody will get."""
    if isinstance(found, StreamWrapper):
        found.close()
    elif isinstance(found, Mapping):
        for value in found.values():
            close_streams(value)
    elif isinstance(found, Sequence) and not isinstance(found, str | bytes):
        for value in found:
            close_streams(value)
