"""How losses are reduced: the argument `reduction`, and the two flags that were there before it."""

from __future__ import annotations

import warnings
from typing import Any

from rushlight.autograd.variable import Variable

__all__ = [
    "check_arguments",
    "get_enum",
    "legacy_get_enum",
    "legacy_get_string",
    "reduction_name",
    "reduction_number",
]

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


# What follows is for programs, which find it in torch.nn._reduction.


def get_enum(reduction: str) -> int:
    """The number of a reduction: 0 for "none", 1 for "mean", 2 for "sum"; ValueError for another word.

    >>> from rushlight.nn import _reduction
    >>> _reduction.get_enum("mean")
    1

    Source: https://github.com/pytorch/pytorch/blob/v2.13.0/torch/nn/_reduction.py
    """
    return _NUMBERS[reduction_name(None, None, reduction)]


def legacy_get_string(size_average: bool | None, reduce: bool | None, emit_warning: bool = True) -> str:
    """The reduction that the two flags of old losses mean, None standing for True.

    >>> from rushlight.nn import _reduction
    >>> _reduction.legacy_get_string(False, True, emit_warning=False)
    'sum'

    Source: https://github.com/pytorch/pytorch/blob/v2.13.0/torch/nn/_reduction.py
    """
    with warnings.catch_warnings():
        if not emit_warning:
            warnings.simplefilter("ignore")
        return reduction_name(size_average is None or size_average, reduce, "mean")


def legacy_get_enum(size_average: bool | None, reduce: bool | None, emit_warning: bool = True) -> int:
    """The number of `legacy_get_string`'s reduction.

    >>> from rushlight.nn import _reduction
    >>> _reduction.legacy_get_enum(True, False, emit_warning=False)
    0

    Source: https://github.com/pytorch/pytorch/blob/v2.13.0/torch/nn/_reduction.py
    """
    return get_enum(legacy_get_string(size_average, reduce, emit_warning))
