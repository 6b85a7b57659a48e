"""Smooth activation functions and gates: GELU, SiLU, Mish, softplus, GLU.

They take real floating-point tensors; float16 and bfloat16 are computed in float32 and rounded once.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import kernels
from rushlight.autograd.grad_mode import state
from rushlight.autograd.operation import Operation, UnaryOperation
from rushlight.autograd.variable import wrap
from rushlight.kernels import special
from rushlight.ops._geometry import wrap_dim
from rushlight.ops._numeric import Array, as_result, check_tensor, elementwise, require_floating, widened
from rushlight.ops._out import into
from rushlight.ops._quick import quick_of_one, quickly
from rushlight.ops.choice import where
from rushlight.ops.joining import cat
from rushlight.ops.special import sigmoid_of

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

# `torch` itself offers none of them: they are in `nn.functional`.
__all__: list[str] = []


_TANH_SCALE, _TANH_CUBIC = math.sqrt(2 / math.pi), 0.044715


def _gelu_tanh(x: Array) -> Array:
    return 0.5 * x * (1 + np.tanh(_TANH_SCALE * (x + _TANH_CUBIC * x * x * x)))


def _gelu_exact(x: Array) -> Array:
    return x * 0.5 * (1 + special.erf(x * math.sqrt(0.5)))


class Gelu(Operation):
    """`x Φ(x)`, or its approximation by tanh."""

    node_name = "GeluBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor, approximate: str) -> Any:
        ctx.save_for_backward(input)
        ctx.approximate = approximate
        if approximate == "none" and input._array.dtype.char in "fd":
            return kernels.gelu(input._array)
        return elementwise(input, "GeluKernelImpl", _gelu_tanh if approximate == "tanh" else _gelu_exact)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (input,) = ctx.saved_tensors
        if not state.enabled and ctx.approximate == "none" and input._array.dtype.char in "fd":
            return wrap(kernels.gelu_backward(grad._array, input._array)), None
        square = input * input
        if ctx.approximate == "tanh":
            bent = ((input + square * input * _TANH_CUBIC) * _TANH_SCALE).tanh()
            inner = (square * (3 * _TANH_CUBIC) + 1) * _TANH_SCALE
            return grad * ((bent + 1) * 0.5 + input * (1 - bent * bent) * inner * 0.5), None
        area = ((input * math.sqrt(0.5)).erf() + 1) * 0.5
        density = (square * -0.5).exp() * (1 / math.sqrt(2 * math.pi))
        return grad * (area + input * density), None


def gelu(input: Tensor, *, approximate: str = "none", out: Tensor | None = None) -> Tensor:
    """`x Φ(x)` with the normal distribution function Φ, or by `approximate="tanh"` (Hendrycks and Gimpel, 2016).

    Raises RuntimeError for another `approximate`, NotImplementedError for integers.

    >>> import rushlight as torch
    >>> torch.nn.functional.gelu(torch.tensor([-1.0, 2.0]))
    tensor([-0.1587,  1.9545])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.gelu.html
    """
    if approximate not in ("none", "tanh"):
        raise RuntimeError(f"approximate argument must be either none or tanh, but got {approximate!r}.")
    return into(out, Gelu.apply(input, approximate))


class Silu(UnaryOperation):
    """`x · sigmoid(x)`."""

    node_name = "SiluBackward0"
    kernel = kernels.silu
    keeps = "input"

    @staticmethod
    def forward(ctx: Any, input: Tensor) -> Any:
        ctx.save_for_backward(input)
        array = input._array
        if array.dtype.kind == "c":
            if state.enabled and input.requires_grad:
                raise RuntimeError("silu does not support automatic differentiation for outputs with complex dtype.")
            return array * sigmoid_of(array)
        return elementwise(input, "silu_cpu", lambda x: x * sigmoid_of(x))

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (input,) = ctx.saved_tensors
        if not state.enabled and input._array.dtype.char in "fd":
            return wrap(kernels.silu_backward(grad._array, input._array))
        gate = input.sigmoid()
        return grad * gate * (input * (1 - gate) + 1)


_silu = Silu.function()


def silu(input: Tensor) -> Tensor:
    """`x · sigmoid(x)`, also called swish.

    >>> import rushlight as torch
    >>> torch.nn.functional.silu(torch.tensor([-1.0, 2.0]))
    tensor([-0.2689,  1.7616])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.silu.html
    """
    return _silu(input)


class Mish(Operation):
    """`x · tanh(softplus(x))`."""

    node_name = "MishBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor) -> Any:
        ctx.save_for_backward(input)
        return elementwise(input, "mish_cpu", kernels.mish)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (input,) = ctx.saved_tensors
        bent = softplus(input).tanh()
        return grad * (bent + input * input.sigmoid() * (1 - bent * bent))


@quick_of_one(kernels.mish)
def mish(input: Tensor) -> Tensor:
    """`x · tanh(log(1 + exp(x)))` (Misra, 2019).

    >>> import rushlight as torch
    >>> torch.nn.functional.mish(torch.tensor([-1.0, 2.0]))
    tensor([-0.3034,  1.9440])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.mish.html
    """
    return Mish.apply(input)


class Softplus(Operation):
    """`log(1 + exp(beta · x)) / beta`, and x itself where `beta · x` exceeds a threshold."""

    node_name = "SoftplusBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor, beta: float, threshold: float) -> Any:
        ctx.save_for_backward(input)
        ctx.factors = beta, threshold
        return elementwise(input, "softplus_cpu", lambda x: kernels.softplus(x, beta, threshold))

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (input,) = ctx.saved_tensors
        beta, threshold = ctx.factors
        linear = wrap(widened(input._array) * beta > threshold)
        return where(linear, grad, grad * (input * beta).sigmoid()), None, None


def softplus(input: Tensor, beta: float = 1.0, threshold: float = 20.0, *, out: Tensor | None = None) -> Tensor:
    """`log(1 + exp(beta · x)) / beta`, and `x` where `beta · x > threshold`.

    >>> import rushlight as torch
    >>> torch.nn.functional.softplus(torch.tensor([-1.0, 2.0]))
    tensor([0.3133, 2.1269])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.softplus.html
    """
    result = quickly(lambda x: kernels.softplus(x, beta, threshold), input)
    return into(out, Softplus.apply(input, beta, threshold) if result is None else result)


class LogSigmoid(Operation):
    """`log(sigmoid(x))`."""

    node_name = "LogSigmoidBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor) -> Any:
        ctx.save_for_backward(input)
        return elementwise(
            input, "log_sigmoid_cpu", lambda x: np.minimum(x, 0) - np.log1p(np.exp(np.negative(np.abs(x))))
        )

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (input,) = ctx.saved_tensors
        return grad * input.neg().sigmoid()


def logsigmoid(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """`log(1 / (1 + exp(-x)))`, without overflow.

    >>> import rushlight as torch
    >>> torch.nn.functional.logsigmoid(torch.tensor([-1.0, 2.0]))
    tensor([-1.3133, -0.1269])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.logsigmoid.html
    """
    return into(out, LogSigmoid.apply(input))


class Glu(Operation):
    """The first half of a dimension, gated by the sigmoid of the second."""

    node_name = "GluBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor, dim: int) -> Any:
        array = require_floating(input._array, "glu_cpu")
        ctx.save_for_backward(input)
        ctx.dim = dim
        first, second = np.split(widened(array), 2, dim)
        return as_result(first * sigmoid_of(second), array.dtype)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (input,) = ctx.saved_tensors
        half = input.shape[ctx.dim] // 2
        gate = input.narrow(ctx.dim, half, half).sigmoid()
        passed = grad * gate
        return cat([passed, passed * (1 - gate) * input.narrow(ctx.dim, 0, half)], ctx.dim), None


def glu(input: Tensor, dim: int = -1) -> Tensor:
    """`a · sigmoid(b)` for the halves a, b of the input along `dim` (Dauphin et al., 2016).

    Raises RuntimeError for a dimension of odd length or a 0-dim tensor.

    >>> import rushlight as torch
    >>> torch.nn.functional.glu(torch.tensor([1.0, 2.0, 0.0, 0.0]))
    tensor([0.5000, 1.0000])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.glu.html
    """
    check_tensor("glu", "input", 1, input)
    shape = input._array.shape
    if not shape:
        raise RuntimeError("glu does not support 0-dimensional tensors")
    dim = wrap_dim(dim, len(shape))
    if shape[dim] % 2:
        raise RuntimeError(f"Halving dimension must be even, but dimension {dim} is size {shape[dim]}")
    return Glu.apply(input, dim)


def silu_(input: Tensor) -> Tensor:
    """`silu`, written into the tensor."""
    return Silu.inplace(input)


def mish_(input: Tensor) -> Tensor:
    """`mish`, written into the tensor."""
    return Mish.inplace(input)
