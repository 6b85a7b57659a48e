"""How losses are reduced: the argument `reduction`, and the two flags that were there before it."""

from __future__ import annotations

import warnings
from typing import Any

from rushlight.autograd.variable import Variable

__all__ = ["check_arguments", "reduction_name", "reduction_number"]

_NUMBERS = {"none": 0, "mean": 1, "sum": 2}


def reduction_name(size_average: bool | None, reduce: bool | None, reduction: str) -> str:
    """ "none", "mean" or "sum": what the two old flags say where one of them is given; ValueError for another word."""
    if size_average is not None or reduce is not None:
        average, reduces = size_average is None or size_average, reduce is None or reduce
        reduction = "none" if not reduces else "mean" if average else "sum"
        warnings.warn(
            f"size_average and reduce args will be deprecated, please use reduction='{reduction}' instead.",
            UserWarning,
            stacklevel=3,
        )
    elif reduction == "elementwise_mean":
        warnings.warn(
            "reduction='elementwise_mean' is deprecated. Please use reduction='mean' instead.",
            UserWarning,
            stacklevel=3,
        )
        reduction = "mean"
    if reduction not in _NUMBERS:
        raise ValueError(f"{reduction} is not a valid value for reduction")
    return reduction


def reduction_number(size_average: bool | None, reduce: bool | None, reduction: str) -> int:
    """The same as the number that the front door's functions take: 0, 1 or 2."""
    return _NUMBERS[reduction_name(size_average, reduce, reduction)]


def check_arguments(function: str, **arguments: Any) -> None:
    """TypeError if one of a function's first arguments is no tensor."""
    for position, (name, value) in enumerate(arguments.items(), 1):
        if not isinstance(value, Variable):
            raise TypeError(
                f"{function}(): argument '{name}' (position {position}) must be Tensor, not {type(value).__name__}"
            )
