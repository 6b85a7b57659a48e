"""Which pipes a pipe is built on.

Source: https://github.com/pytorch/pytorch/blob/v2.13.0/torch/utils/data/graph.py
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .datapipes.datapipe import IterDataPipe, MapDataPipe

__all__ = ["traverse", "traverse_dps"]

_PIPES = (IterDataPipe, MapDataPipe)


def _within(value: Any, seen: set[int]) -> Iterator[Any]:
    """The pipes that a value holds, not those that these hold in turn."""
    if id(value) in seen:
        return
    if isinstance(value, _PIPES):
        yield value
    elif isinstance(value, Mapping):
        seen.add(id(value))
        for held in value.values():
            yield from _within(held, seen)
    elif isinstance(value, list | tuple | set):
        seen.add(id(value))
        for held in value:
            yield from _within(held, seen)


def traverse_dps(datapipe: Any) -> dict[int, tuple[Any, Any]]:
    """The graph of a pipe: `{id(pipe): (pipe, the graph of what it is built on)}`."""
    return _graph(datapipe, set())


def _graph(pipe: Any, above: set[int]) -> dict[int, tuple[Any, Any]]:
    if id(pipe) in above:
        return {}
    above = above | {id(pipe)}
    below: dict[int, tuple[Any, Any]] = {}
    seen: set[int] = set()
    for value in vars(pipe).values():
        for held in _within(value, seen):
            below.update(_graph(held, above))
    return {id(pipe): (pipe, below)}


def traverse(datapipe: Any, only_datapipe: bool | None = None) -> dict[int, tuple[Any, Any]]:
    """As `traverse_dps`, PyTorch's older name for it."""
    return traverse_dps(datapipe)
