"""Arithmetic that also takes the unknown sizes of a compiler: here sizes are plain numbers, and so are results.

Source: https://docs.pytorch.org/docs/2.13/torch.html#symbolic-numbers
"""

from __future__ import annotations

import math
from typing import Any, NoReturn

__all__ = [
    "SymBool", "SymFloat", "SymInt", "sym_float", "sym_fresh_size", "sym_int", "sym_ite", "sym_max", "sym_min",
    "sym_not", "sym_sqrt", "sym_sum",
]  # fmt: skip


class _Symbol:
    """A number that a compiler doesn't know yet, of which there is none here: RuntimeError for making one."""

    def __init__(self, node: Any) -> None:
        raise RuntimeError(
            f"{type(self).__name__} stands for a number unknown to a compiler: here all numbers are known"
        )


class SymInt(_Symbol):
    """A whole number that a compiler doesn't know yet; nothing is one here, and making one raises RuntimeError.

    >>> import rushlight as torch
    >>> isinstance(torch.ones(3).shape[0], torch.SymInt)
    False

    Source: https://docs.pytorch.org/docs/2.13/torch.html#torch.SymInt
    """


class SymFloat(_Symbol):
    """A number that a compiler doesn't know yet; nothing is one here, and making one raises RuntimeError.

    >>> import rushlight as torch
    >>> isinstance(1.5, torch.SymFloat)
    False

    Source: https://docs.pytorch.org/docs/2.13/torch.html#torch.SymFloat
    """


class SymBool(_Symbol):
    """A truth value that a compiler doesn't know yet; nothing is one here, and making one raises RuntimeError.

    >>> import rushlight as torch
    >>> isinstance(True, torch.SymBool)
    False

    Source: https://docs.pytorch.org/docs/2.13/torch.html#torch.SymBool
    """


def sym_int(a: Any) -> int:
    """A number without its fraction.

    >>> import rushlight as torch
    >>> torch.sym_int(-2.7)
    -2

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.sym_int.html
    """
    return math.trunc(a)


def sym_float(a: Any) -> float:
    """A number as a float.

    >>> import rushlight as torch
    >>> torch.sym_float(2)
    2.0

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.sym_float.html
    """
    return float(a)


def _larger(a: Any, b: Any, choose: Any) -> Any:
    # As one type: two whole numbers give one, a float makes the result a float.
    made = choose(a, b)
    return float(made) if isinstance(a, float) or isinstance(b, float) else made


def sym_max(a: Any, b: Any) -> Any:
    """The larger of two numbers; a float if either is.

    >>> import rushlight as torch
    >>> torch.sym_max(3, 2.0)
    3.0

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.sym_max.html
    """
    return _larger(a, b, max)


def sym_min(a: Any, b: Any) -> Any:
    """The smaller of two numbers; a float if either is.

    >>> import rushlight as torch
    >>> torch.sym_min(1, 2.5)
    1.0

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.sym_min.html
    """
    return _larger(a, b, min)


def sym_not(a: Any) -> bool:
    """Whether a value counts as false.

    >>> import rushlight as torch
    >>> torch.sym_not(0)
    True

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.sym_not.html
    """
    return not a


def sym_sqrt(a: Any) -> float:
    """The square root of a number.

    >>> import rushlight as torch
    >>> torch.sym_sqrt(4)
    2.0

    Source: https://docs.pytorch.org/docs/2.13/torch.html#symbolic-numbers
    """
    return math.sqrt(a)


def sym_sum(args: Any) -> Any:
    """The sum of a list of numbers.

    >>> import rushlight as torch
    >>> torch.sym_sum([1, 2, 3])
    6

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.sym_sum.html
    """
    return sum(args)


def sym_ite(b: Any, t: Any, f: Any) -> Any:
    """`t` if `b` is true, else `f`; AssertionError where b is no bool or the other two are of different types.

    >>> import rushlight as torch
    >>> torch.sym_ite(True, 1, 2)
    1

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.sym_ite.html
    """
    if not isinstance(b, bool):
        raise AssertionError(f"expected SymBool or bool, got {type(b)}")
    if type(t) is not type(f):
        raise AssertionError(f"type mismatch: {type(t)} vs {type(f)}")
    return t if b else f


def sym_fresh_size(expr: Any) -> NoReturn:
    """Raise RuntimeError: there are no unknown sizes to make another of.

    >>> import rushlight as torch
    >>> try:
    ...     torch.sym_fresh_size(3)
    ... except RuntimeError:
    ...     print("no unknown sizes")
    no unknown sizes

    Source: https://docs.pytorch.org/docs/2.13/torch.html#symbolic-numbers
    """
    raise RuntimeError("sym_fresh_size makes an unknown size for a compiler: here all sizes are known")
