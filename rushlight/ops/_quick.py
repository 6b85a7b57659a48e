"""Short ways through functions of elements: on small tensors a call costs what its Python costs.

They answer the calls that need nothing of what the function is for: no history, no conversion, no `out`, no transform.
All others, errors among them, are for the function itself.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import numpy as np

from rushlight.autograd import variable as _variable
from rushlight.autograd.grad_mode import state
from rushlight.autograd.operation import check_apart, mark_inference, writes_freely
from rushlight.autograd.transforms import Intercept
from rushlight.ops._out import plain

__all__ = ["arrays_of", "free", "quick_of_one", "quick_of_two", "quickly", "quickly_into"]

F = TypeVar("F", bound=Callable[..., Any])

_new = object.__new__
_ndarray = np.ndarray
_FAR = 1 << 63


def free(tensor: Any, types: str = "fd") -> Any:
    """The array of a tensor whose elements are of one of these types and want no gradient; None of any other value."""
    try:
        array = tensor._array
        if array.dtype.char in types:
            if tensor._view is not None:
                tensor._view.refresh(tensor)
            return None if tensor._requires_grad and state.enabled else array
    except (AttributeError, Intercept):
        pass
    return None


def arrays_of(tensors: Iterable[Any], optional: bool = False) -> list[Any] | None:
    """The arrays of tensors that are `free` and of one type; None of others. With `optional`, what is None stays so."""
    arrays: list[Any] = []
    kind = None
    try:
        for tensor in tensors:
            if tensor is None and optional:
                arrays.append(None)
                continue
            array = tensor._array
            if array.dtype is not kind:
                if kind is not None or array.dtype.char not in "fd":
                    return None
                kind = array.dtype
            if tensor._view is not None:
                tensor._view.refresh(tensor)
            if tensor._requires_grad and state.enabled:
                return None
            arrays.append(array)
    except (AttributeError, Intercept):
        return None
    return arrays


def quickly(formula: Callable[..., Any], *tensors: Any) -> Any:
    """A formula of the arrays of tensors that are `free` and of one type, as a tensor; None of others."""
    arrays = arrays_of(tensors)
    if arrays is None:
        return None
    try:
        return plain(formula(*arrays))
    except (AttributeError, ValueError, Intercept):
        return None


def quickly_into(target: Any, formula: Callable[..., Any], *tensors: Any) -> bool:
    """Write a formula of a tensor's array and of others' into the first, and say whether that could be done."""
    try:
        if not writes_freely(target):
            return False
        array = target._array
        arrays = []
        for tensor in tensors:
            given = free(tensor)
            if given is None or given.dtype is not array.dtype:
                return False
            if given is not array:
                check_apart(target, tensor)
            arrays.append(given)
        made = formula(array, *arrays)
        if made.shape != array.shape:
            return False
        np.copyto(array, made)
    except (AttributeError, ValueError, Intercept):
        return False
    target.bump_version()
    return True


def quick_of_one(kernel: Callable[..., Any], types: str = "fd") -> Callable[[F], F]:
    """Decorate `function(input, *, …)`: an array of one of these types is what `kernel` takes."""

    def decorate(function: F) -> F:
        @functools.wraps(function)
        def quick(input: Any, **named: Any) -> Any:
            try:
                array = input._array
                if array.dtype.char in types and not named:
                    if input._view is not None:
                        input._view.refresh(input)
                    if not input._requires_grad or not state.enabled:
                        made = kernel(array)
                        result = _new(_variable._tensor_type)
                        result._array = made if made.__class__ is _ndarray else np.asarray(made)
                        result._view = None
                        result._requires_grad = False
                        if state.inference:
                            mark_inference(result)
                        return result
            except (AttributeError, Intercept):
                pass
            return function(input, **named)

        return quick  # type: ignore[return-value]

    return decorate


def quick_of_two(kernel: Callable[..., Any], types: str = "fd", numbers: bool = False) -> Callable[[F], F]:
    """Decorate `function(input, other, *, …)`: two arrays of one of these types are what `kernel` takes.

    With `numbers`, a float array and a number, or an int64 array and a whole number, too.
    """

    def decorate(function: F) -> F:
        @functools.wraps(function)
        def quick(input: Any, other: Any, **named: Any) -> Any:
            try:
                a = input._array
                kind = a.dtype
                if kind.char in types and not named:
                    if input._view is not None:
                        input._view.refresh(input)
                    track = input._requires_grad
                    b: Any = None
                    if numbers and (other.__class__ is float or other.__class__ is int):
                        if kind.char in "fd":
                            b = float(other)
                        elif kind.char == "l" and other.__class__ is int and -_FAR < other < _FAR:
                            b = other
                    elif other._array.dtype is kind:
                        b = other._array
                        if other._view is not None:
                            other._view.refresh(other)
                        track = track or other._requires_grad
                    if b is not None and not (track and state.enabled):
                        made = kernel(a, b)
                        result = _new(_variable._tensor_type)
                        result._array = made if made.__class__ is _ndarray else np.asarray(made)
                        result._view = None
                        result._requires_grad = False
                        if state.inference:
                            mark_inference(result)
                        return result
            except (AttributeError, Intercept, ValueError, OverflowError):
                pass
            return function(input, other, **named)

        return quick  # type: ignore[return-value]

    return decorate
