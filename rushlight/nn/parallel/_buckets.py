"""Gradients in buckets, each handed to a hook when its last gradient has arrived."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from rushlight.autograd.grad_mode import no_grad
from rushlight.ops.joining import cat
from rushlight.tensor import Tensor

__all__ = ["GradBucket", "Reducer"]


class GradBucket:
    """The gradients of some parameters as one vector: what a communication hook gets."""

    def __init__(self, parameters: list[Any], index: int, last: bool) -> None:
        self._parameters, self._index, self._last = parameters, index, last
        self._buffer = cat([p.grad.reshape(-1) for p in parameters])

    def buffer(self) -> Tensor:
        """The vector."""
        return self._buffer

    def set_buffer(self, buffer: Tensor) -> None:
        """Put another vector in its place."""
        self._buffer = buffer

    def gradients(self) -> list[Tensor]:
        """The gradients as views of the vector."""
        parts = self._buffer.split([p.numel() for p in self._parameters])
        return [part.view(p.shape) for part, p in zip(parts, self._parameters, strict=True)]

    def parameters(self) -> list[Any]:
        """The parameters."""
        return list(self._parameters)

    def index(self) -> int:
        """The place of the bucket among those of a backward pass."""
        return self._index

    def is_last(self) -> bool:
        """Whether it is the last one."""
        return self._last


class Reducer:
    """Watches the parameters of a module and calls the hook, bucket after bucket."""

    def __init__(self, parameters: list[Any], limits: list[int], state: Any, hook: Callable[..., Any]) -> None:
        self._limits, self._state, self._hook = limits, state, hook
        # Gradients arrive from the last layer on. After the first pass the order is known.
        self._buckets = _assigned(parameters, limits)[::-1]
        self._rebuilt = False
        self._expecting = False
        self._arrived: list[Any] = []
        self._next = 0
        for parameter in parameters:
            parameter.register_post_accumulate_grad_hook(self._arrive)

    def expect(self, expecting: bool) -> None:
        """Before a forward pass: whether the hook is to have the gradients of its backward pass."""
        self._expecting, self._arrived, self._next = expecting, [], 0

    def _arrive(self, parameter: Any) -> None:
        if not self._expecting:
            return
        self._arrived.append(parameter)
        there = set(map(id, self._arrived))
        while self._next < len(self._buckets) and there.issuperset(map(id, self._buckets[self._next])):
            self._run(self._next)
            self._next += 1
        if self._next == len(self._buckets):
            self._expecting = False
            if not self._rebuilt:
                self._rebuilt, self._buckets = True, _assigned(self._arrived, self._limits)

    def _run(self, index: int) -> None:
        with no_grad():
            parameters = self._buckets[index]
            bucket = GradBucket(parameters, index, index == len(self._buckets) - 1)
            result = self._hook(self._state, bucket)
            if hasattr(result, "wait"):
                result = result.wait()
            bucket.set_buffer(result)
            for parameter, gradient in zip(parameters, bucket.gradients(), strict=True):
                parameter.grad.copy_(gradient)


def _assigned(parameters: Sequence[Any], limits: list[int]) -> list[list[Any]]:
    """Parameters in buckets of one type each; the first bucket is full at `limits[0]` bytes, and so on."""
    done: list[list[Any]] = []
    open_buckets: dict[Any, list[Any]] = {}
    for parameter in parameters:
        bucket = open_buckets.setdefault(parameter.dtype, [])
        bucket.append(parameter)
        limit = limits[min(len(done), len(limits) - 1)]
        if sum(p.numel() * p.element_size() for p in bucket) >= limit:
            done.append(open_buckets.pop(parameter.dtype))
    return done + list(open_buckets.values())
