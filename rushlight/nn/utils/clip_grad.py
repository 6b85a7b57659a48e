"""Bounds on the gradients of parameters."""

from __future__ import annotations

import math
import types
import warnings
from collections.abc import Iterable
from typing import Any

import numpy as np

from rushlight import kernels
from rushlight.autograd.grad_mode import no_grad
from rushlight.autograd.operation import writes_freely
from rushlight.autograd.variable import wrap
from rushlight.ops.creation import tensor
from rushlight.ops.joining import stack
from rushlight.ops.norms import vector_norm
from rushlight.tensor import Tensor

__all__ = ["clip_grad_norm", "clip_grad_norm_", "clip_grad_value_"]


_tensor_or_tensors = Tensor | Iterable[Tensor]


def _gradients(parameters: Tensor | Iterable[Tensor]) -> list[Tensor]:
    listed = [parameters] if isinstance(parameters, Tensor) else parameters
    return [gradient for p in listed if (gradient := p.grad) is not None]


def _packed(tensors: list[Tensor]) -> list[Any] | None:
    """The arrays of tensors of one real type, all without gaps; None where one is of another kind."""
    arrays = [None if t.is_sparse else t._array for t in tensors]
    dtype = None if arrays[0] is None else arrays[0].dtype
    for array in arrays:
        if array is None or array.dtype != dtype or dtype.char not in "fd":
            return None
        if not (array.flags.c_contiguous or array.flags.f_contiguous):
            return None
    return arrays


@no_grad()  # type: ignore[untyped-decorator]
def get_total_norm(
    tensors: Tensor | Iterable[Tensor],
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """The norm `(Σ |x|^p)^(1/p)`, p = `norm_type`, of all elements of several tensors as if they were one vector.

    `norm_type` may be `inf` or `"inf"`: the greatest size. 0 where there are no tensors. RuntimeError if
    `error_if_nonfinite` and the norm is infinite or NaN. `foreach` chooses among PyTorch's kernels; there is one here.

    >>> import rushlight as torch
    >>> torch.nn.utils.get_total_norm([torch.tensor([3.0]), torch.tensor([[4.0]])])
    tensor(5.)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.utils.get_total_norm.html
    """
    listed = [tensors] if isinstance(tensors, Tensor) else list(tensors)
    order = float(norm_type)
    if not listed:
        return tensor(0.0)
    arrays = _packed(listed) if order == 2 else None
    if arrays is not None:
        total = wrap(np.asarray(math.sqrt(kernels.squares_of_all(arrays)), arrays[0].dtype))
    else:
        total = vector_norm(stack([vector_norm(t, order) for t in listed]), order)
    if error_if_nonfinite and not total.isfinite():
        raise RuntimeError(
            f"The total norm of order {order} for gradients from `parameters` is non-finite, so it cannot be clipped. "
            "To disable this error and scale the gradients by the non-finite norm anyway, set "
            "`error_if_nonfinite=False`"
        )
    return total


@no_grad()  # type: ignore[untyped-decorator]
def clip_grads_with_norm_(
    parameters: Tensor | Iterable[Tensor], max_norm: float, total_norm: Tensor, foreach: bool | None = None
) -> None:
    """Multiply the gradients, in place, by `min(max_norm / (total_norm + 1e-6), 1)`, where their norm is known.

    Parameters without a gradient are passed over. `foreach` chooses among PyTorch's kernels; there is one here.

    >>> import rushlight as torch
    >>> p = torch.ones(2, requires_grad=True)
    >>> p.grad = torch.tensor([3.0, 4.0])
    >>> torch.nn.utils.clip_grads_with_norm_(p, 1.0, torch.tensor(5.0))
    >>> p.grad
    tensor([0.6000, 0.8000])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.utils.clip_grads_with_norm_.html
    """
    gradients = _gradients(parameters)
    if gradients:
        factor = (float(max_norm) / (total_norm + 1e-6)).clamp(max=1.0)
        arrays = _packed(gradients)
        if arrays is None or not all(map(writes_freely, gradients)):
            for gradient in gradients:
                gradient.mul_(factor)
            return
        number = float(factor)
        if number != 1:
            kernels.scale_all(arrays, number)
        for gradient in gradients:
            gradient.bump_version()


@no_grad()  # type: ignore[untyped-decorator]
def clip_grad_norm_(
    parameters: Tensor | Iterable[Tensor],
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """Scale the gradients down, in place, so that together their norm is at most `max_norm`; returns what it was.

    `norm_type`, `error_if_nonfinite` and `foreach` are those of `get_total_norm`, which measures the norm. Warns where
    `parameters` is a generator that gives nothing, most often one that was used up before.

    >>> import rushlight as torch
    >>> layer = torch.nn.Linear(2, 1, bias=False)
    >>> layer.weight.grad = torch.tensor([[3.0, 4.0]])
    >>> torch.nn.utils.clip_grad_norm_(layer.parameters(), max_norm=1.0)
    tensor(5.)
    >>> layer.weight.grad
    tensor([[0.6000, 0.8000]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.utils.clip_grad_norm_.html
    """
    listed = [parameters] if isinstance(parameters, Tensor) else list(parameters)
    if not listed and isinstance(parameters, types.GeneratorType):
        warnings.warn("`parameters` is an empty generator, no gradient clipping will occur.", stacklevel=3)
    total = get_total_norm(_gradients(listed), norm_type, error_if_nonfinite, foreach)
    clip_grads_with_norm_(listed, max_norm, total, foreach)
    return total


def clip_grad_norm(
    parameters: Tensor | Iterable[Tensor],
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """The old name of `clip_grad_norm_`; FutureWarning.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.utils.clip_grad_norm.html
    """
    warnings.warn(
        "`torch.nn.utils.clip_grad_norm` is now deprecated in favor of `torch.nn.utils.clip_grad_norm_`.",
        FutureWarning,
        stacklevel=2,
    )
    return clip_grad_norm_(parameters, max_norm, norm_type, error_if_nonfinite, foreach)


@no_grad()  # type: ignore[untyped-decorator]
def clip_grad_value_(parameters: Tensor | Iterable[Tensor], clip_value: float, foreach: bool | None = None) -> None:
    """Bring every element of the gradients, in place, into [-clip_value, clip_value].

    Parameters without a gradient are passed over. `foreach` chooses among PyTorch's kernels; there is one here.

    >>> import rushlight as torch
    >>> p = torch.ones(2, requires_grad=True)
    >>> p.grad = torch.tensor([-3.0, 0.5])
    >>> torch.nn.utils.clip_grad_value_(p, 1.0)
    >>> p.grad
    tensor([-1.0000,  0.5000])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.utils.clip_grad_value_.html
    """
    bound = float(clip_value)
    for gradient in _gradients(parameters):
        array = gradient._array
        if array.dtype.char in "fd" and array.flags.writeable and bound >= 0 and 0 not in array.strides:
            # Past the operation, whose own cost is that of a small gradient's clipping several times over.
            np.minimum(np.maximum(array, -bound, out=array), bound, out=array)
            gradient.bump_version()
        else:
            gradient.clamp_(-bound, bound)


# PyTorch's file has these two under private names only, and gives them public ones in `torch.nn.utils`.
_get_total_norm = get_total_norm
_clip_grads_with_norm_ = clip_grads_with_norm_
