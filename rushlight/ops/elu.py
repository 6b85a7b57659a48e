"""Exponential linear units: the activations that bend to a negative limit, `elu`, `celu` and `selu`.

Each has an in-place twin, whose gradient is computed from the result.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import kernels
from rushlight.autograd.operation import Operation
from rushlight.autograd.variable import wrap
from rushlight.ops._numeric import elementwise
from rushlight.ops._quick import quickly
from rushlight.ops.choice import where

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

# What `torch` itself offers; `elu` is in `nn.functional`.
__all__ = ["celu", "celu_", "selu", "selu_"]


class Elu(Operation):
    """`scale · x` where positive, `scale · alpha · (exp(input_scale · x) - 1)` elsewhere."""

    node_name = "EluBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor, alpha: float, scale: float, input_scale: float) -> Any:
        ctx.save_for_backward(input)
        ctx.factors = alpha, scale, input_scale
        return elementwise(input, "elu_cpu", lambda x: kernels.elu(x, alpha * scale, scale, input_scale))

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return _elu_gradient(ctx, grad, ctx.factors[2]), None, None, None


def _elu_gradient(ctx: Any, grad: Tensor, input_scale: float) -> Tensor:
    (input,) = ctx.saved_tensors
    alpha, scale, _ = ctx.factors
    falling = input._array <= 0
    # exp of what is not used must stay finite, or its gradient would be NaN.
    slope = (input.masked_fill(wrap(~falling), 0) * input_scale).exp() * (alpha * scale * input_scale)
    return where(wrap(falling), grad * slope, grad * scale)


class EluInplace(Elu):
    """Elu written into its input."""

    node_name = "EluBackward1"


class Celu(Elu):
    """Elu whose slope is continuous."""

    node_name = "CeluBackward0"

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return _elu_gradient(ctx, grad, _rounded_scale(ctx.factors[0])), None, None, None


class CeluInplace(Celu):
    """Celu written into its input; backward finds the slope in the result, and so does a second derivative."""

    node_name = "CeluBackward1"

    @staticmethod
    def forward(ctx: Any, input: Tensor, alpha: float, scale: float, input_scale: float) -> Any:
        out = wrap(Elu.forward(ctx, input, alpha, scale, input_scale))
        ctx.save_for_backward(out)
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (out,) = ctx.saved_tensors
        alpha = ctx.factors[0]
        slope = (out + alpha) * _rounded_scale(alpha)
        return where(wrap(out._array <= 0), grad * slope, grad), None, None, None


def _rounded_scale(alpha: float) -> float:
    """`1 / alpha` as PyTorch's backward of celu has it: alpha comes from float32, whatever the dtype."""
    return 1.0 / float(np.float32(alpha))


_SELU_ALPHA, _SELU_SCALE = 1.6732632423543772848170429916717, 1.0507009873554804934193349852946


def elu(input: Tensor, alpha: float = 1.0) -> Tensor:
    """`x` where positive, `alpha · (exp(x) - 1)` elsewhere.

    >>> import rushlight as torch
    >>> torch.nn.functional.elu(torch.tensor([-1.0, 2.0]))
    tensor([-0.6321,  2.0000])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.elu.html
    """
    result = quickly(lambda x: kernels.elu(x, alpha, 1.0, 1.0), input)
    return Elu.apply(input, alpha, 1.0, 1.0) if result is None else result


def elu_(input: Tensor, alpha: float = 1.0, scale: float = 1, input_scale: float = 1) -> Tensor:
    """`elu` of `input_scale · x` where negative, all times `scale`, written into the tensor."""
    return EluInplace.inplace(input, alpha, scale, input_scale)


def selu(input: Tensor) -> Tensor:
    """`scale · elu(x, alpha)` with the constants that keep mean 0 and variance 1 (Klambauer et al., 2017).

    >>> import rushlight as torch
    >>> torch.selu(torch.tensor([-1.0, 2.0]))
    tensor([-1.1113,  2.1014])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.selu.html
    """
    return Elu.apply(input, _SELU_ALPHA, _SELU_SCALE, 1.0)


def selu_(input: Tensor) -> Tensor:
    """`selu`, written into the tensor."""
    return EluInplace.inplace(input, _SELU_ALPHA, _SELU_SCALE, 1.0)


def _celu_arguments(alpha: float) -> tuple[float, float, float]:
    if alpha == 0:
        raise RuntimeError("ZeroDivisionError: alpha cannot be 0 for CELU")
    return alpha, 1.0, 1.0 / alpha


def celu(input: Tensor, alpha: float = 1.0) -> Tensor:
    """`max(0, x) + min(0, alpha · (exp(x / alpha) - 1))`; RuntimeError for alpha 0.

    >>> import rushlight as torch
    >>> torch.celu(torch.tensor([-1.0, 2.0]), alpha=2.0)
    tensor([-0.7869,  2.0000])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.celu.html
    """
    return Celu.apply(input, *_celu_arguments(alpha))


def celu_(input: Tensor, alpha: float = 1.0) -> Tensor:
    """`celu`, written into the tensor."""
    return CeluInplace.inplace(input, *_celu_arguments(alpha))
