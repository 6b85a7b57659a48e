"""Branches and loops as functions of tensors: `cond` and `while_loop`.

Source: https://docs.pytorch.org/docs/2.13/cond.html
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from rushlight.autograd.variable import Variable

__all__ = ["cond", "while_loop"]


def _truth(value: Any, what: str) -> bool:
    """A condition's value; RuntimeError for what is neither a bool nor a boolean tensor of one element."""
    if isinstance(value, Variable):
        if value._array.dtype.kind != "b" or value._array.size != 1:
            raise RuntimeError(f"Expected {what} to be bool or tensor, but got {value.dtype} of shape {value.shape}")
        return bool(value)
    if not isinstance(value, bool | int | float):
        raise RuntimeError(f"Expected {what} to be bool or tensor, but got {value}.")
    return bool(value)


def cond(
    pred: bool | int | float | Variable,
    true_fn: Callable[..., Any],
    false_fn: Callable[..., Any],
    operands: Sequence[Any] = (),
) -> Any:
    """`true_fn(*operands)` if `pred` holds, else `false_fn(*operands)`.

    `pred` is a bool or a boolean tensor of one element. RuntimeError for another, for branches that can't be called,
    and for operands that are neither a tuple nor a list.

    >>> import rushlight as torch
    >>> x = torch.tensor([1.0, -2.0])
    >>> torch.cond(x.sum() > 0, lambda x: x, lambda x: -x, (x,))
    tensor([-1.,  2.])

    Source: https://docs.pytorch.org/docs/2.13/cond.html
    """
    if not callable(true_fn) or not callable(false_fn):
        raise RuntimeError("Expect both branches to be callable.")
    if not isinstance(operands, tuple | list):
        raise RuntimeError(f"Expect operands to be a tuple of possibly nested tensors, but got {operands}.")
    return true_fn(*operands) if _truth(pred, "pred") else false_fn(*operands)


def while_loop(
    cond_fn: Callable[..., Any], body_fn: Callable[..., Any], carried_inputs: Sequence[Any]
) -> tuple[Any, ...]:
    """Call `body_fn` on what it returned before as long as `cond_fn` holds of it, beginning with `carried_inputs`.

    `body_fn` returns as many values as it takes; the last are returned as a tuple. RuntimeError for functions that
    can't be called, for inputs that are neither a tuple nor a list, and for another number of values.

    >>> import rushlight as torch
    >>> torch.while_loop(lambda i, x: i < 3, lambda i, x: (i + 1, x * 2), (torch.tensor(0), torch.tensor(1.0)))
    (tensor(3), tensor(8.))

    Source: https://docs.pytorch.org/docs/2.13/higher_order_ops/while_loop.html
    """
    if not callable(cond_fn) or not callable(body_fn):
        raise RuntimeError("Expect cond_fn and body_fn to be callable.")
    if not isinstance(carried_inputs, tuple | list):
        raise RuntimeError(f"Expect carried_inputs to be a tuple of possibly nested tensors, got {carried_inputs}.")
    values = tuple(carried_inputs)
    while _truth(cond_fn(*values), "what cond_fn returns"):
        found = body_fn(*values)
        found = tuple(found) if isinstance(found, tuple | list) else (found,)
        if len(found) != len(values):
            raise RuntimeError(f"body_fn should return {len(values)} values, as many as it takes, not {len(found)}")
        values = found
    return values
