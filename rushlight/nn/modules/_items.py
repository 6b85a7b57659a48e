"""What containers of modules and of parameters share: positions, and pairs of key and value."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator
from typing import Any, cast


def _position(index: Any, size: int) -> int:
    """`index` counted from the start; IndexError if it is out of range."""
    position = operator.index(index)
    if not -size <= position < size:
        raise IndexError(f"index {position} is out of range")
    return position % size


def _pairs(source: Any, owner: str) -> Iterator[tuple[Any, Any]]:
    """The (key, value) pairs of an iterable of pairs, each checked."""
    for j, pair in enumerate(source):
        if not isinstance(pair, Iterable):
            raise TypeError(f"{owner} update sequence element #{j} should be Iterable; is{type(pair).__name__}")
        pair = cast(Any, pair)
        if len(pair) != 2:
            raise ValueError(f"{owner} update sequence element #{j} has length {len(pair)}; 2 is required")
        yield pair[0], pair[1]
