"""Trigonometric and hyperbolic functions of each element, and their inverses.

Angles are in radians; integers are taken as the default floating-point type, complex numbers are taken too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import kernels
from rushlight.autograd.grad_mode import state
from rushlight.autograd.operation import Operation, UnaryOperation
from rushlight.autograd.variable import wrap
from rushlight.ops._numeric import floating, inplace
from rushlight.ops._out import into
from rushlight.ops._quick import quick_of_one
from rushlight.ops.arithmetic import conj_of

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

__all__ = [
    "acos", "acos_", "acosh", "acosh_", "arccos", "arccos_", "arccosh", "arccosh_", "arcsin", "arcsin_", "arcsinh",
    "arcsinh_", "arctan", "arctan_", "arctanh", "arctanh_", "asin", "asin_", "asinh", "asinh_", "atan", "atan_",
    "atanh", "atanh_", "cos", "cos_", "cosh", "cosh_", "sin", "sin_", "sinh", "sinh_", "tan", "tan_", "tanh",
    "tanh_",
]  # fmt: skip


class Sin(Operation):
    """`sin(input)`."""

    node_name = "SinBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor) -> Any:
        ctx.save_for_backward(input)
        return np.sin(floating(input))

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (input,) = ctx.saved_tensors
        return grad * conj_of(input.cos())


@quick_of_one(np.sin)
def sin(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """`sin(input)` of each element, in radians; integers give the default floating-point type.

    >>> import rushlight as torch
    >>> torch.sin(torch.tensor([0.0, 1.0]))
    tensor([0.0000, 0.8415])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.sin.html
    """
    return into(out, Sin.apply(input))


class Cos(Operation):
    """`cos(input)`."""

    node_name = "CosBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor) -> Any:
        ctx.save_for_backward(input)
        return np.cos(floating(input))

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (input,) = ctx.saved_tensors
        return -grad * conj_of(input.sin())


@quick_of_one(np.cos)
def cos(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """`cos(input)` of each element, in radians; integers give the default floating-point type.

    >>> import rushlight as torch
    >>> torch.cos(torch.tensor([0.0, 1.0]))
    tensor([1.0000, 0.5403])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.cos.html
    """
    return into(out, Cos.apply(input))


class Tan(Operation):
    """`tan(input)`."""

    node_name = "TanBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor) -> Any:
        out = wrap(np.tan(floating(input)))
        ctx.save_for_backward(out)
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (out,) = ctx.saved_tensors
        return grad * conj_of(out * out + 1)


@quick_of_one(np.tan)
def tan(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """`tan(input)` of each element, in radians; integers give the default floating-point type.

    >>> import rushlight as torch
    >>> torch.tan(torch.tensor([0.0, 1.0]))
    tensor([0.0000, 1.5574])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.tan.html
    """
    return into(out, Tan.apply(input))


class Asin(Operation):
    """`arcsin(input)`."""

    node_name = "AsinBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor) -> Any:
        ctx.save_for_backward(input)
        return np.arcsin(floating(input))

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (input,) = ctx.saved_tensors
        return grad * conj_of((1 - input * input).rsqrt())


@quick_of_one(np.arcsin)
def asin(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """`arcsin(input)` of each element, NaN outside [-1, 1]; integers give the default floating-point type.

    >>> import rushlight as torch
    >>> torch.asin(torch.tensor([0.0, 1.0]))
    tensor([0.0000, 1.5708])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.asin.html
    """
    return into(out, Asin.apply(input))


arcsin = asin


class Acos(Operation):
    """`arccos(input)`."""

    node_name = "AcosBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor) -> Any:
        ctx.save_for_backward(input)
        return np.arccos(floating(input))

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (input,) = ctx.saved_tensors
        return -grad * conj_of((1 - input * input).rsqrt())


@quick_of_one(np.arccos)
def acos(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """`arccos(input)` of each element, NaN outside [-1, 1]; integers give the default floating-point type.

    >>> import rushlight as torch
    >>> torch.acos(torch.tensor([0.0, 1.0]))
    tensor([1.5708, 0.0000])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.acos.html
    """
    return into(out, Acos.apply(input))


arccos = acos


class Atan(Operation):
    """`arctan(input)`."""

    node_name = "AtanBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor) -> Any:
        ctx.save_for_backward(input)
        return np.arctan(floating(input))

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (input,) = ctx.saved_tensors
        return grad / conj_of(input * input + 1)


@quick_of_one(np.arctan)
def atan(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """`arctan(input)` of each element, in [-π/2, π/2]; integers give the default floating-point type.

    >>> import rushlight as torch
    >>> torch.atan(torch.tensor([0.0, 1.0]))
    tensor([0.0000, 0.7854])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.atan.html
    """
    return into(out, Atan.apply(input))


arctan = atan


class Sinh(Operation):
    """`sinh(input)`."""

    node_name = "SinhBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor) -> Any:
        ctx.save_for_backward(input)
        return np.sinh(floating(input))

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (input,) = ctx.saved_tensors
        return grad * conj_of(input.cosh())


@quick_of_one(np.sinh)
def sinh(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """`sinh(input)` of each element; integers give the default floating-point type.

    >>> import rushlight as torch
    >>> torch.sinh(torch.tensor([0.0, 1.0]))
    tensor([0.0000, 1.1752])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.sinh.html
    """
    return into(out, Sinh.apply(input))


class Cosh(Operation):
    """`cosh(input)`."""

    node_name = "CoshBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor) -> Any:
        ctx.save_for_backward(input)
        return np.cosh(floating(input))

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (input,) = ctx.saved_tensors
        return grad * conj_of(input.sinh())


@quick_of_one(np.cosh)
def cosh(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """`cosh(input)` of each element; integers give the default floating-point type.

    >>> import rushlight as torch
    >>> torch.cosh(torch.tensor([0.0, 1.0]))
    tensor([1.0000, 1.5431])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.cosh.html
    """
    return into(out, Cosh.apply(input))


class Tanh(UnaryOperation):
    """`tanh(input)`."""

    node_name = "TanhBackward0"
    kernel = kernels.tanh
    keeps = "result"

    @staticmethod
    def forward(ctx: Any, input: Tensor) -> Any:
        out = wrap(np.tanh(floating(input)))
        ctx.save_for_backward(out)
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (out,) = ctx.saved_tensors
        if not state.enabled and out._array.dtype.char in "fd":
            return wrap(kernels.tanh_backward(grad._array, out._array))
        return grad * conj_of(1 - out * out)


_tanh = Tanh.function()


def tanh(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """`tanh(input)` of each element; integers give the default floating-point type.

    >>> import rushlight as torch
    >>> torch.tanh(torch.tensor([0.0, 1.0]))
    tensor([0.0000, 0.7616])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.tanh.html
    """
    return _tanh(input) if out is None else into(out, Tanh.apply(input))


class Asinh(Operation):
    """`arsinh(input)`."""

    node_name = "AsinhBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor) -> Any:
        ctx.save_for_backward(input)
        return np.arcsinh(floating(input))

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (input,) = ctx.saved_tensors
        return grad * conj_of((input * input + 1).rsqrt())


@quick_of_one(np.arcsinh)
def asinh(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """`arsinh(input)` of each element; integers give the default floating-point type.

    >>> import rushlight as torch
    >>> torch.asinh(torch.tensor([0.0, 1.0]))
    tensor([0.0000, 0.8814])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.asinh.html
    """
    return into(out, Asinh.apply(input))


arcsinh = asinh


class Acosh(Operation):
    """`arcosh(input)`."""

    node_name = "AcoshBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor) -> Any:
        ctx.save_for_backward(input)
        return np.arccosh(floating(input))

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (input,) = ctx.saved_tensors
        return grad * conj_of((input * input - 1).rsqrt())


@quick_of_one(np.arccosh)
def acosh(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """`arcosh(input)` of each element, NaN below 1; integers give the default floating-point type.

    >>> import rushlight as torch
    >>> torch.acosh(torch.tensor([1.0, 2.0]))
    tensor([0.0000, 1.3170])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.acosh.html
    """
    return into(out, Acosh.apply(input))


arccosh = acosh


class Atanh(Operation):
    """`artanh(input)`."""

    node_name = "AtanhBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor) -> Any:
        ctx.save_for_backward(input)
        return np.arctanh(floating(input))

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (input,) = ctx.saved_tensors
        return grad / conj_of(1 - input * input)


@quick_of_one(np.arctanh)
def atanh(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """`artanh(input)` of each element, infinite at -1 and 1, NaN beyond; integers give the default floating-point type.

    >>> import rushlight as torch
    >>> torch.atanh(torch.tensor([0.0, 0.5]))
    tensor([0.0000, 0.5493])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.atanh.html
    """
    return into(out, Atanh.apply(input))


arctanh = atanh


sin_ = inplace(Sin, np.sin)
cos_ = inplace(Cos, np.cos)
tan_ = inplace(Tan, np.tan)
asin_ = inplace(Asin, np.arcsin)
acos_ = inplace(Acos, np.arccos)
atan_ = inplace(Atan, np.arctan)
sinh_ = inplace(Sinh, np.sinh)
cosh_ = inplace(Cosh, np.cosh)
tanh_ = inplace(Tanh)
asinh_ = inplace(Asinh, np.arcsinh)
acosh_ = inplace(Acosh, np.arccosh)
atanh_ = inplace(Atanh, np.arctanh)
arcsin_ = asin_
arccos_ = acos_
arctan_ = atan_
arcsinh_ = asinh_
arccosh_ = acosh_
arctanh_ = atanh_


class TrigonometricMethods:
    """The functions of this family as methods of Tensor."""

    acos = arccos = acos
    acos_ = arccos_ = acos_
    acosh = arccosh = acosh
    acosh_ = arccosh_ = acosh_
    asin = arcsin = asin
    asin_ = arcsin_ = asin_
    asinh = arcsinh = asinh
    asinh_ = arcsinh_ = asinh_
    atan = arctan = atan
    atan_ = arctan_ = atan_
    atanh = arctanh = atanh
    atanh_ = arctanh_ = atanh_
    cos = cos
    cos_ = cos_
    cosh = cosh
    cosh_ = cosh_
    sin = sin
    sin_ = sin_
    sinh = sinh
    sinh_ = sinh_
    tan = tan
    tan_ = tan_
    tanh = tanh
    tanh_ = tanh_
