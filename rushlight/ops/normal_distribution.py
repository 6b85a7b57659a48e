"""The standard normal distribution, its quantiles and logarithm, the scaled error function and the entropy of each
element."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from rushlight.autograd.operation import Operation
from rushlight.autograd.variable import wrap
from rushlight.kernels import special as kernels
from rushlight.ops._numeric import as_result, check_tensor, full_precision, real_floating, widened
from rushlight.ops._out import into
from rushlight.ops._quick import quick_of_one
from rushlight.ops.special import erf

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

__all__ = ["entr", "erfcx", "log_ndtr", "ndtr", "ndtri"]


class Entr(Operation):
    """`-input · log(input)`."""

    node_name = "SpecialEntrBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor) -> Any:
        ctx.save_for_backward(input)
        array = real_floating(input, "entr_cpu")
        return as_result(kernels.entr(widened(array)), array.dtype)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (input,) = ctx.saved_tensors
        return grad * -(input.log() + 1)


@quick_of_one(kernels.entr)
def entr(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """`-input · log(input)` of each element: 0 at 0, -inf below.

    >>> import rushlight as torch
    >>> torch.special.entr(torch.tensor([0.0, 0.5]))
    tensor([0.0000, 0.3466])

    Source: https://docs.pytorch.org/docs/2.13/special.html#torch.special.entr
    """
    check_tensor("special_entr", "input", 1, input)
    return into(out, Entr.apply(input))


class Erfcx(Operation):
    """`exp(input²) erfc(input)`."""

    node_name = "SpecialErfcxBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor) -> Any:
        result = wrap(kernels.erfcx(full_precision(input, "erfcx_cpu")))
        ctx.save_for_backward(input, result)
        return result

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        input, result = ctx.saved_tensors
        return (2.0 * input * result - 2 / math.sqrt(math.pi)) * grad


@quick_of_one(kernels.erfcx)
def erfcx(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """`exp(input²) erfc(input)` of each element, which neither overflows nor vanishes for large ones.

    Of float32, float64 and integers, which give the default floating-point type; NotImplementedError for other types.

    >>> import rushlight as torch
    >>> torch.special.erfcx(torch.tensor([0.0, 10.0]))
    tensor([1.0000, 0.0561])

    Source: https://docs.pytorch.org/docs/2.13/special.html#torch.special.erfcx
    """
    check_tensor("special_erfcx", "input", 1, input)
    return into(out, Erfcx.apply(input))


class Ndtri(Operation):
    """The quantile of the standard normal distribution."""

    node_name = "SpecialNdtriBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor) -> Any:
        result = wrap(kernels.ndtri(full_precision(input, "ndtri_cpu")))
        ctx.save_for_backward(result)
        return result

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (result,) = ctx.saved_tensors
        return grad * math.sqrt(2 * math.pi) * (result.square() / 2).exp()


def ndtri(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The x below which a standard normal variable lies with probability `input`, for each element in [0, 1].

    Infinite at the ends, NaN beyond. Of float32, float64 and integers; NotImplementedError for other types.

    >>> import rushlight as torch
    >>> torch.special.ndtri(torch.tensor([0.5, 0.975]))
    tensor([0.0000, 1.9600])

    Source: https://docs.pytorch.org/docs/2.13/special.html#torch.special.ndtri
    """
    check_tensor("special_ndtri", "input", 1, input)
    return into(out, Ndtri.apply(input))


class LogNdtr(Operation):
    """The logarithm of the standard normal distribution function."""

    node_name = "SpecialLogNdtrBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor) -> Any:
        ctx.save_for_backward(input)
        return kernels.log_ndtr(full_precision(input, "log_ndtr_cpu"))

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (input,) = ctx.saved_tensors
        return grad / erfcx(input * -math.sqrt(0.5)) * math.sqrt(2 / math.pi)


def log_ndtr(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The logarithm of the standard normal distribution function at each element, exact far below 0.

    Of float32, float64 and integers; NotImplementedError for other types.

    >>> import rushlight as torch
    >>> torch.special.log_ndtr(torch.tensor([0.0, -20.0]))
    tensor([  -0.6931, -203.9172])

    Source: https://docs.pytorch.org/docs/2.13/special.html#torch.special.log_ndtr
    """
    check_tensor("special_log_ndtr", "input", 1, input)
    return into(out, LogNdtr.apply(input))


def ndtr(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The standard normal distribution function `(1 + erf(input / √2)) / 2` at each element.

    >>> import rushlight as torch
    >>> torch.special.ndtr(torch.tensor([0.0, 1.0]))
    tensor([0.5000, 0.8413])

    Source: https://docs.pytorch.org/docs/2.13/special.html#torch.special.ndtr
    """
    check_tensor("special_ndtr", "input", 1, input)
    return into(out, (erf(input * math.sqrt(0.5)) + 1) * 0.5)
