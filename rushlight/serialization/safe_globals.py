"""The classes and functions that a program trusts `load(weights_only=True)` to make and call."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from rushlight.serialization.globals import class_name

__all__ = ["add_safe_globals", "clear_safe_globals", "get_safe_globals", "safe_globals"]

SafeGlobal = Callable[..., Any] | tuple[Callable[..., Any], str]

_trusted: dict[SafeGlobal, None] = {}


def add_safe_globals(safe_globals: Iterable[SafeGlobal]) -> None:
    """Trust classes and functions, for all loads from now on.

    An item is a class or function, or a pair of one and the full name that files give it.

    >>> import rushlight as torch
    >>> from fractions import Fraction
    >>> torch.serialization.add_safe_globals([Fraction])
    >>> torch.serialization.get_safe_globals()
    [<class 'fractions.Fraction'>]
    >>> torch.serialization.clear_safe_globals()

    Source: https://docs.pytorch.org/docs/2.13/notes/serialization.html#torch.serialization.add_safe_globals
    """
    _trusted.update(dict.fromkeys(safe_globals))


def get_safe_globals() -> list[SafeGlobal]:
    """The classes and functions that a program has trusted.

    Source: https://docs.pytorch.org/docs/2.13/notes/serialization.html#torch.serialization.get_safe_globals
    """
    return list(_trusted)


def clear_safe_globals() -> None:
    """Trust nothing beyond the built-in list.

    Source: https://docs.pytorch.org/docs/2.13/notes/serialization.html#torch.serialization.clear_safe_globals
    """
    _trusted.clear()


class safe_globals:
    """Trust classes and functions inside a ``with`` block.

    >>> import rushlight as torch
    >>> from fractions import Fraction
    >>> with torch.serialization.safe_globals([Fraction]):
    ...     len(torch.serialization.get_safe_globals())
    1

    Source: https://docs.pytorch.org/docs/2.13/notes/serialization.html#torch.serialization.safe_globals
    """

    def __init__(self, safe_globals: Iterable[SafeGlobal]) -> None:
        self.safe_globals = list(safe_globals)

    def __enter__(self) -> None:
        self._new = [item for item in self.safe_globals if item not in _trusted]
        add_safe_globals(self.safe_globals)

    def __exit__(self, *exception: object) -> None:
        for item in self._new:
            _trusted.pop(item, None)


def user_globals() -> dict[str, Any]:
    """The trusted globals by the full names that files give them."""
    named: dict[str, Any] = {}
    for item in _trusted:
        if isinstance(item, tuple):
            if len(item) != 2:
                raise ValueError(
                    "Expected tuple of length 2 (global, str of callable full path), but got tuple of length: "
                    f"{len(item)}"
                )
            target, name = item
            if not isinstance(name, str):
                raise TypeError(f"Expected second item in tuple to be str of callable full path, but got: {type(name)}")
            named[name] = target
        else:
            names = {(item.__module__, item.__qualname__), class_name(item, item.__module__, item.__qualname__)}
            named.update({f"{module}.{name}": item for module, name in names})
    return named
