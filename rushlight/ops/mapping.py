"""Python functions called for one element after another: `apply_`, `map_`, `map2_`.

Source: https://docs.pytorch.org/docs/2.13/generated/torch.Tensor.apply_.html
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight.ops._geometry import check_no_overlap
from rushlight.ops._numeric import check_tensor

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

# They are methods only.
__all__: list[str] = []


def _write_each(name: str, target: Tensor, function: Callable[..., Any], *others: Tensor) -> Tensor:
    """Write the function's values into the tensor; no gradient passes."""
    for tensor in (target, *others):
        if tensor.requires_grad:
            raise RuntimeError(
                f"Can't call {name}() on Variable that requires grad. Use var.detach().{name}() instead."
            )
    if not callable(function):
        raise TypeError(f"'{type(function).__name__}' object is not callable")
    array = target._array
    check_no_overlap(array)
    flat = [target.detach().reshape(-1).tolist(), *(o.expand(array.shape).reshape(-1).tolist() for o in others)]
    values = list(map(function, *flat))
    if array.dtype.kind in "iu":
        for value in values:
            if not hasattr(value, "__index__") and not isinstance(value, float):
                raise TypeError(f"'{type(value).__name__}' object cannot be interpreted as an integer")
    array[...] = np.asarray(values).astype(array.dtype).reshape(array.shape)
    target.bump_version()
    return target


def apply_(input: Tensor, callable: Callable[[Any], Any]) -> Tensor:
    """Write `callable(element)` in the place of each element. Slow: Python is called for every one.

    Raises RuntimeError for a tensor that wants a gradient.

    >>> import rushlight as torch
    >>> torch.tensor([1.0, 2.0]).apply_(lambda x: x * 10)
    tensor([10., 20.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.Tensor.apply_.html
    """
    return _write_each("apply_", input, callable)


def map_(input: Tensor, tensor: Tensor, callable: Callable[[Any, Any], Any]) -> Tensor:
    """Write `callable(element, element of tensor)` in the place of each element; `tensor` broadcasts.

    Slow: Python is called for every element. Raises TypeError for a tensor of another type, RuntimeError for one that
    wants a gradient.

    >>> import rushlight as torch
    >>> torch.tensor([1.0, 2.0]).map_(torch.tensor([3.0, 4.0]), lambda a, b: a * b)
    tensor([3., 8.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.Tensor.map_.html
    """
    check_tensor("map_", "other", 1, tensor)
    _check_type("map_", "'other'", input, tensor)
    return _write_each("map_", input, callable, tensor)


def map2_(input: Tensor, x: Tensor, y: Tensor, callable: Callable[[Any, Any, Any], Any]) -> Tensor:
    """Write `callable(element, element of x, element of y)` in the place of each element; both tensors broadcast.

    Slow: Python is called for every element. Errors as those of `map_`.

    >>> import rushlight as torch
    >>> torch.tensor([1.0]).map2_(torch.tensor([2.0]), torch.tensor([3.0]), lambda a, b, c: a + b * c)
    tensor([7.])
    """
    check_tensor("map2_", "x", 1, x)
    check_tensor("map2_", "y", 2, y)
    _check_type("map2_", "argument 'x'", input, x)
    _check_type("map2_", "argument 'y'", input, y)
    return _write_each("map2_", input, callable, x, y)


def _check_type(name: str, argument: str, input: Tensor, other: Tensor) -> None:
    if other.dtype is not input.dtype:
        raise TypeError(
            f"{name}: expected torch.{input.dtype.legacy_name}Tensor for {argument} (got "
            f"torch.{other.dtype.legacy_name}Tensor)"
        )


class MappingMethods:
    """Tensor's methods of this family."""

    apply_ = apply_
    map_ = map_
    map2_ = map2_
