"""Exponentials, logarithms, trigonometric and hyperbolic functions of each element."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight.autograd.function import Operation
from rushlight.autograd.variable import wrap
from rushlight.ops._numeric import Array, as_result, floating, inplace, widened
from rushlight.ops._out import into
from rushlight.ops.arithmetic import conj_of

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

__all__ = [
    "acos", "acos_", "acosh", "acosh_", "arccos", "arccos_", "arccosh", "arccosh_", "arcsin", "arcsin_", "arcsinh",
    "arcsinh_", "arctan", "arctan_", "arctanh", "arctanh_", "asin", "asin_", "asinh", "asinh_", "atan", "atan_",
    "atanh", "atanh_", "cos", "cos_", "cosh", "cosh_", "deg2rad", "deg2rad_", "exp2", "exp2_", "expm1", "expm1_",
    "log1p", "log1p_", "log2", "log2_", "log10", "log10_", "rad2deg", "rad2deg_", "sin", "sin_", "sinh", "sinh_",
    "tan", "tan_", "tanh", "tanh_",
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


def log2(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """`log2(input)` of each element: -inf at 0, NaN below; integers give the default floating-point type.

    >>> import rushlight as torch
    >>> torch.log2(torch.tensor([1.0, 8.0]))
    tensor([0., 3.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.log2.html
    """
    return into(out, Log2.apply(input))


class Log10(Operation):
    """`log10(input)`."""

    node_name = "Log10Backward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor) -> Any:
        ctx.save_for_backward(input)
        array = floating(input)
        if array.dtype == np.float32:
            # NumPy's float32 loop misses whole powers of ten by a step.
            return np.log10(array, dtype=np.float64).astype(np.float32)
        return np.log10(array)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (input,) = ctx.saved_tensors
        return grad / conj_of(input * math.log(10))


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


def log1p(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """`log(1 + input)` of each element, exact near 0; integers give the default floating-point type.

    >>> import rushlight as torch
    >>> torch.log1p(torch.tensor([0.0, 1e-8]))
    tensor([0.0000e+00, 1.0000e-08])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.log1p.html
    """
    return into(out, Log1p.apply(input))


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


def cosh(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """`cosh(input)` of each element; integers give the default floating-point type.

    >>> import rushlight as torch
    >>> torch.cosh(torch.tensor([0.0, 1.0]))
    tensor([1.0000, 1.5431])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.cosh.html
    """
    return into(out, Cosh.apply(input))


class Tanh(Operation):
    """`tanh(input)`."""

    node_name = "TanhBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor) -> Any:
        out = wrap(np.tanh(floating(input)))
        ctx.save_for_backward(out)
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (out,) = ctx.saved_tensors
        return grad * conj_of(1 - out * out)


def tanh(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """`tanh(input)` of each element; integers give the default floating-point type.

    >>> import rushlight as torch
    >>> torch.tanh(torch.tensor([0.0, 1.0]))
    tensor([0.0000, 0.7616])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.tanh.html
    """
    return into(out, Tanh.apply(input))


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


def atanh(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """`artanh(input)` of each element, infinite at -1 and 1, NaN beyond; integers give the default floating-point type.

    >>> import rushlight as torch
    >>> torch.atanh(torch.tensor([0.0, 0.5]))
    tensor([0.0000, 0.5493])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.atanh.html
    """
    return into(out, Atanh.apply(input))


arctanh = atanh


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


exp2_ = inplace(Exp2)
expm1_ = inplace(Expm1)
log2_ = inplace(Log2)
log10_ = inplace(Log10)
log1p_ = inplace(Log1p)
sin_ = inplace(Sin)
cos_ = inplace(Cos)
tan_ = inplace(Tan)
asin_ = inplace(Asin)
acos_ = inplace(Acos)
atan_ = inplace(Atan)
sinh_ = inplace(Sinh)
cosh_ = inplace(Cosh)
tanh_ = inplace(Tanh)
asinh_ = inplace(Asinh)
acosh_ = inplace(Acosh)
atanh_ = inplace(Atanh)
deg2rad_ = inplace(Deg2rad)
rad2deg_ = inplace(Rad2deg)
arcsin_ = asin_
arccos_ = acos_
arctan_ = atan_
arcsinh_ = asinh_
arccosh_ = acosh_
arctanh_ = atanh_


class PointwiseMethods:
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
    sin = sin
    sin_ = sin_
    sinh = sinh
    sinh_ = sinh_
    tan = tan
    tan_ = tan_
    tanh = tanh
    tanh_ = tanh_
