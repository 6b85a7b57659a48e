"""Exponentials and logarithms of other bases, and angles in degrees, of each element.

Integers are taken as the default floating-point type.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight.autograd.operation import Operation
from rushlight.autograd.variable import wrap
from rushlight.ops._numeric import Array, as_result, floating, inplace, widened
from rushlight.ops._out import into
from rushlight.ops._quick import quick_of_one
from rushlight.ops.arithmetic import conj_of

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

__all__ = [
    "deg2rad", "deg2rad_", "exp2", "exp2_", "expm1", "expm1_", "log1p", "log1p_", "log2", "log2_", "log10", "log10_",
    "rad2deg", "rad2deg_",
]  # fmt: skip


def scaled(input: Tensor, factor: float) -> Array:
    """The elements times a constant, rounded once; RuntimeError for complex."""
    array = floating(input)
    if array.dtype.kind == "c":
        raise RuntimeError("deg2rad and rad2deg are not supported for complex tensors.")
    return as_result(np.multiply(widened(array), factor), array.dtype)


class Exp2(Operation):
    """`2 ** input`."""

    node_name = "Exp2Backward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor) -> Any:
        out = wrap(np.exp2(floating(input)))
        ctx.save_for_backward(out)
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (out,) = ctx.saved_tensors
        return grad * conj_of(out * math.log(2))


@quick_of_one(np.exp2)
def exp2(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """`2 ** input` of each element; integers give the default floating-point type.

    >>> import rushlight as torch
    >>> torch.exp2(torch.tensor([0.0, 3.0]))
    tensor([1., 8.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.exp2.html
    """
    return into(out, Exp2.apply(input))


class Expm1(Operation):
    """`exp(input) - 1`."""

    node_name = "Expm1Backward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor) -> Any:
        out = wrap(np.expm1(floating(input)))
        ctx.save_for_backward(out)
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (out,) = ctx.saved_tensors
        return grad * conj_of(out + 1)


@quick_of_one(np.expm1)
def expm1(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """`exp(input) - 1` of each element, exact near 0; integers give the default floating-point type.

    >>> import rushlight as torch
    >>> torch.expm1(torch.tensor([0.0, 1e-8]))
    tensor([0.0000e+00, 1.0000e-08])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.expm1.html
    """
    return into(out, Expm1.apply(input))


class Log2(Operation):
    """`log2(input)`."""

    node_name = "Log2Backward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor) -> Any:
        ctx.save_for_backward(input)
        return np.log2(floating(input))

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (input,) = ctx.saved_tensors
        return grad / conj_of(input * math.log(2))


@quick_of_one(np.log2)
def log2(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """`log2(input)` of each element: -inf at 0, NaN below; integers give the default floating-point type.

    >>> import rushlight as torch
    >>> torch.log2(torch.tensor([1.0, 8.0]))
    tensor([0., 3.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.log2.html
    """
    return into(out, Log2.apply(input))


def _log10(array: Array) -> Any:
    if array.dtype.char == "f":
        # NumPy's float32 loop misses whole powers of ten by a step.
        return np.log10(array, dtype=np.float64).astype(np.float32)
    return np.log10(array)


class Log10(Operation):
    """`log10(input)`."""

    node_name = "Log10Backward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor) -> Any:
        ctx.save_for_backward(input)
        return _log10(floating(input))

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (input,) = ctx.saved_tensors
        return grad / conj_of(input * math.log(10))


@quick_of_one(_log10)
def log10(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """`log10(input)` of each element: -inf at 0, NaN below; integers give the default floating-point type.

    >>> import rushlight as torch
    >>> torch.log10(torch.tensor([1.0, 100.0]))
    tensor([0., 2.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.log10.html
    """
    return into(out, Log10.apply(input))


class Log1p(Operation):
    """`log(1 + input)`."""

    node_name = "Log1PBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor) -> Any:
        ctx.save_for_backward(input)
        return np.log1p(floating(input))

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (input,) = ctx.saved_tensors
        return grad / conj_of(input + 1)


@quick_of_one(np.log1p)
def log1p(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """`log(1 + input)` of each element, exact near 0; integers give the default floating-point type.

    >>> import rushlight as torch
    >>> torch.log1p(torch.tensor([0.0, 1e-8]))
    tensor([0.0000e+00, 1.0000e-08])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.log1p.html
    """
    return into(out, Log1p.apply(input))


class Deg2rad(Operation):
    """`input · π / 180`."""

    node_name = "Deg2RadBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor) -> Any:
        return scaled(input, math.pi / 180)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return grad * (math.pi / 180)


def deg2rad(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """`input · π / 180` of each element, degrees to radians; integers give the default floating-point type.

    >>> import rushlight as torch
    >>> torch.deg2rad(torch.tensor([0.0, 180.0]))
    tensor([0.0000, 3.1416])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.deg2rad.html
    """
    return into(out, Deg2rad.apply(input))


class Rad2deg(Operation):
    """`input · 180 / π`."""

    node_name = "Rad2DegBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor) -> Any:
        return scaled(input, 180 / math.pi)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return grad * (180 / math.pi)


def rad2deg(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """`input · 180 / π` of each element, radians to degrees; integers give the default floating-point type.

    >>> import rushlight as torch
    >>> torch.rad2deg(torch.tensor([0.0, 1.0]))
    tensor([ 0.0000, 57.2958])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.rad2deg.html
    """
    return into(out, Rad2deg.apply(input))


exp2_ = inplace(Exp2, np.exp2)
expm1_ = inplace(Expm1, np.expm1)
log2_ = inplace(Log2, np.log2)
log10_ = inplace(Log10, _log10)
log1p_ = inplace(Log1p, np.log1p)
deg2rad_ = inplace(Deg2rad)
rad2deg_ = inplace(Rad2deg)


class PointwiseMethods:
    """The functions of this family as methods of Tensor."""

    deg2rad = deg2rad
    deg2rad_ = deg2rad_
    exp2 = exp2
    exp2_ = exp2_
    expm1 = expm1
    expm1_ = expm1_
    log10 = log10
    log10_ = log10_
    log1p = log1p
    log1p_ = log1p_
    log2 = log2
    log2_ = log2_
    rad2deg = rad2deg
    rad2deg_ = rad2deg_
