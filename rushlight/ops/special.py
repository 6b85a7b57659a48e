"""Special functions of each element: sigmoid and logit, error functions, stable sums and products in the log domain.

Narrow floats are computed in float32 and rounded once.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight.autograd.grad_mode import state
from rushlight.autograd.operation import Operation, UnaryOperation
from rushlight.autograd.variable import Variable, wrap
from rushlight.kernels import sigmoid as sigmoid_kernel
from rushlight.kernels import sigmoid_backward
from rushlight.kernels import special as kernels
from rushlight.ops._numeric import (
    Array,
    accumulator,
    as_result,
    check_tensor,
    floating,
    inplace,
    not_implemented,
    real_floating,
    widened,
)
from rushlight.ops._out import into
from rushlight.ops._pair import number_pair
from rushlight.ops._quick import quick_of_one, quick_of_two, quickly
from rushlight.ops.arithmetic import conj_of
from rushlight.ops.promotion import binary, unbroadcast

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

    Number = int | float | bool

__all__ = [
    "erf", "erf_", "erfc", "erfc_", "erfinv", "hypot", "logaddexp", "logaddexp2", "logit", "logit_", "sigmoid",
    "sigmoid_", "sinc", "sinc_", "xlogy", "xlogy_",
]  # fmt: skip


def sigmoid_of(array: Array) -> Array:
    """`1 / (1 + exp(-array))`: exp may overflow to infinity, which gives the right 0."""
    out = np.negative(widened(array), out=np.empty(array.shape, accumulator(array.dtype) or array.dtype))
    np.exp(out, out=out)
    out += 1
    np.reciprocal(out, out=out)
    return as_result(out, array.dtype)


class Sigmoid(UnaryOperation):
    """`1 / (1 + exp(-input))`."""

    node_name = "SigmoidBackward0"
    kernel = sigmoid_kernel
    keeps = "result"

    @staticmethod
    def forward(ctx: Any, input: Tensor) -> Any:
        out = wrap(sigmoid_of(floating(input)))
        ctx.save_for_backward(out)
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (out,) = ctx.saved_tensors
        if not state.enabled and out._array.dtype.char in "fd":
            return wrap(sigmoid_backward(grad._array, out._array))
        return grad * conj_of((1 - out) * out)


_sigmoid = Sigmoid.function()


def sigmoid(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """`1 / (1 + exp(-input))` of each element; integers give the default floating-point type.

    >>> import rushlight as torch
    >>> torch.sigmoid(torch.tensor([0.0, 2.0]))
    tensor([0.5000, 0.8808])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.sigmoid.html
    """
    return _sigmoid(input) if out is None else into(out, Sigmoid.apply(input))


def _log_odds(x: Array, eps: float | None) -> Any:
    if eps is not None:
        x = np.clip(x, eps, 1 - eps)
    return np.log(x / (1 - x))


class Logit(Operation):
    """`log(x / (1 - x))` with x held in [eps, 1 - eps]."""

    node_name = "LogitBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor, eps: float | None) -> Any:
        array = real_floating(input, "logit_cpu")
        ctx.save_for_backward(input)
        ctx.eps = eps
        return as_result(_log_odds(widened(array), eps), array.dtype)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (input,) = ctx.saved_tensors
        low = 0.0 if ctx.eps is None else ctx.eps
        x = widened(input._array)
        outside = wrap((x < low) | (x > 1 - low))
        slope = grad / (input * (1 - input))
        return slope.masked_fill(outside, math.nan if ctx.eps is None else 0.0), None


def logit(input: Tensor, eps: float | None = None, *, out: Tensor | None = None) -> Tensor:
    """`log(x / (1 - x))` of each element, held in [eps, 1 - eps] if `eps` is given; NaN outside [0, 1] otherwise.

    >>> import rushlight as torch
    >>> torch.logit(torch.tensor([0.5, 0.75]))
    tensor([0.0000, 1.0986])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.logit.html
    """
    if out is None and (result := quickly(lambda x: _log_odds(x, eps), input)) is not None:
        return result
    return into(out, Logit.apply(input, eps))


class Erf(Operation):
    """`2/√π ∫₀ˣ exp(-t²) dt`."""

    node_name = "ErfBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor) -> Any:
        ctx.save_for_backward(input)
        return kernels.erf(real_floating(input, "erf_vml_cpu"))

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (input,) = ctx.saved_tensors
        return grad * (input * input).neg().exp() * (2 / math.sqrt(math.pi))


@quick_of_one(kernels.erf)
def erf(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The error function `2/√π ∫₀ˣ exp(-t²) dt` of each element; integers give the default floating-point type.

    >>> import rushlight as torch
    >>> torch.erf(torch.tensor([0.0, 1.0]))
    tensor([0.0000, 0.8427])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.erf.html
    """
    return into(out, Erf.apply(input))


class Erfc(Operation):
    """`1 - erf(input)`."""

    node_name = "ErfcBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor) -> Any:
        ctx.save_for_backward(input)
        return kernels.erfc(real_floating(input, "erfc_vml_cpu"))

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (input,) = ctx.saved_tensors
        return grad * (input * input).neg().exp() * (-2 / math.sqrt(math.pi))


@quick_of_one(kernels.erfc)
def erfc(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """`1 - erf(input)` of each element, exact for large ones too; integers give the default floating-point type.

    >>> import rushlight as torch
    >>> torch.erfc(torch.tensor([0.0, 1.0]))
    tensor([1.0000, 0.1573])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.erfc.html
    """
    return into(out, Erfc.apply(input))


class Erfinv(Operation):
    """The inverse of erf."""

    node_name = "ErfinvBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor) -> Any:
        out = wrap(kernels.erfinv(real_floating(input, "erfinv_vml_cpu")))
        ctx.save_for_backward(out)
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (out,) = ctx.saved_tensors
        return grad * (out * out).exp() * (math.sqrt(math.pi) / 2)


@quick_of_one(kernels.erfinv)
def erfinv(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The y with `erf(y) = input`, for each element in [-1, 1]; infinite at the ends, NaN beyond.

    >>> import rushlight as torch
    >>> torch.erfinv(torch.tensor([0.0, 0.5]))
    tensor([0.0000, 0.4769])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.erfinv.html
    """
    return into(out, Erfinv.apply(input))


class Sinc(Operation):
    """`sin(πx) / (πx)`, 1 at 0."""

    node_name = "SincBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor) -> Any:
        ctx.save_for_backward(input)
        array = floating(input)
        return as_result(kernels.sinc(widened(array)), array.dtype)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (input,) = ctx.saved_tensors
        angle = input * math.pi
        at_zero = input == 0
        slope = (angle * angle.cos() - angle.sin()) / (angle * input).masked_fill(at_zero, 1.0)
        return grad * conj_of(slope.masked_fill(at_zero, 0.0))


@quick_of_one(kernels.sinc)
def sinc(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """`sin(π · input) / (π · input)` of each element, 1 at 0.

    >>> import rushlight as torch
    >>> torch.sinc(torch.tensor([0.0, 0.5]))
    tensor([1.0000, 0.6366])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.sinc.html
    """
    return into(out, Sinc.apply(input))


class Hypot(Operation):
    """`sqrt(input² + other²)`, without overflow."""

    node_name = "HypotBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor, other: Tensor) -> Any:
        out = wrap(binary(kernels.hypot, input, other))
        ctx.save_for_backward(input, other, out)
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        input, other, out = ctx.saved_tensors
        return (
            unbroadcast(grad * (input / out), input) if ctx.needs_input_grad[0] else None,
            unbroadcast(grad * (other / out), other) if ctx.needs_input_grad[1] else None,
        )


def _check_pair(name: str, input: Tensor, other: Any) -> None:
    """Raise unless `other` is a tensor and one of the two has a floating-point type."""
    check_tensor(name, "other", 2, other)
    if input._array.dtype.kind in "biu" and other._array.dtype.kind in "biu":
        raise not_implemented(f"{name.rstrip('_')}_cpu", input._array.dtype)


@quick_of_two(kernels.hypot)
def hypot(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """`sqrt(input² + other²)`, elementwise with broadcasting, without overflow.

    Raises TypeError for a number, NotImplementedError for integers.

    >>> import rushlight as torch
    >>> torch.hypot(torch.tensor([3.0]), torch.tensor([4.0]))
    tensor([5.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.hypot.html
    """
    check_tensor("hypot", "input", 1, input)
    _check_pair("hypot", input, other)
    return into(out, Hypot.apply(input, other))


class Logaddexp(Operation):
    """`log(exp(input) + exp(other))`, without overflow."""

    node_name = "LogaddexpBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor, other: Tensor) -> Any:
        ctx.save_for_backward(input, other)
        return binary(kernels.logaddexp, input, other)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        input, other = ctx.saved_tensors
        return (
            unbroadcast(grad / conj_of(1 + (other - input).exp()), input) if ctx.needs_input_grad[0] else None,
            unbroadcast(grad / conj_of(1 + (input - other).exp()), other) if ctx.needs_input_grad[1] else None,
        )


@quick_of_two(kernels.logaddexp)
def logaddexp(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """`log(exp(input) + exp(other))`, elementwise with broadcasting, without overflow.

    Raises TypeError for a number, NotImplementedError for integers.

    >>> import rushlight as torch
    >>> torch.logaddexp(torch.tensor([1000.0]), torch.tensor([1000.0]))
    tensor([1000.6932])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.logaddexp.html
    """
    check_tensor("logaddexp", "input", 1, input)
    _check_pair("logaddexp", input, other)
    return into(out, Logaddexp.apply(input, other))


class Logaddexp2(Operation):
    """`log2(2 ** input + 2 ** other)`, without overflow."""

    node_name = "Logaddexp2Backward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor, other: Tensor) -> Any:
        ctx.save_for_backward(input, other)
        return binary(np.logaddexp2, input, other)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        input, other = ctx.saved_tensors
        return (
            unbroadcast(grad / (1 + (other - input).exp2()), input) if ctx.needs_input_grad[0] else None,
            unbroadcast(grad / (1 + (input - other).exp2()), other) if ctx.needs_input_grad[1] else None,
        )


@quick_of_two(np.logaddexp2)
def logaddexp2(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """`log2(2 ** input + 2 ** other)`, elementwise with broadcasting, without overflow.

    Raises TypeError for a number, NotImplementedError for integers.

    >>> import rushlight as torch
    >>> torch.logaddexp2(torch.tensor([3.0]), torch.tensor([3.0]))
    tensor([4.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.logaddexp2.html
    """
    check_tensor("logaddexp2", "input", 1, input)
    _check_pair("logaddexp2", input, other)
    return into(out, Logaddexp2.apply(input, other))


class Xlogy(Operation):
    """`input · log(other)`, 0 where input is 0."""

    node_name = "XlogyBackward0"

    @staticmethod
    def forward(ctx: Any, input: Any, other: Any) -> Any:
        ctx.save_for_backward(input, other)
        return kernels.xlogy(real_floating(input, "xlogy_cpu"), real_floating(other, "xlogy_cpu"))

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        input, other = ctx.saved_tensors
        needs = ctx.needs_input_grad
        to_input = None
        if needs[0]:
            nothing = wrap((input._array == 0) & (other._array <= 0))
            to_input = unbroadcast(grad * other.log().masked_fill(nothing, 0), input)
        return to_input, unbroadcast(grad * input / other, other) if needs[1] else None


class XlogyScalarInput(Xlogy):
    """`input · log(other)` for a number `input`."""

    node_name = "XlogyBackward1"


class XlogyScalarOther(Xlogy):
    """`input · log(other)` for a number `other`."""

    node_name = "XlogyBackward2"


@quick_of_two(kernels.xlogy)
def xlogy(input: Any, other: Any, *, out: Tensor | None = None) -> Tensor:
    """`input · log(other)`, 0 where `input` is 0 (NaN where `other` is), elementwise with broadcasting; one may be a
    number.

    >>> import rushlight as torch
    >>> torch.xlogy(torch.tensor([0.0, 2.0]), torch.tensor([0.0, 1.0]))
    tensor([0., 0.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.xlogy.html
    """
    return into(out, _xlogy_operation(input, other).apply(*number_pair("xlogy", input, other)))


def _xlogy_operation(input: Any, other: Any) -> Any:
    if not isinstance(input, Variable):
        return XlogyScalarInput
    return Xlogy if isinstance(other, Variable) else XlogyScalarOther


def xlogy_(input: Tensor, other: Any) -> Tensor:
    """`xlogy`, written into the tensor."""
    pair = number_pair("xlogy_", input, other)
    if pair[0] is not input:
        found, kept = pair[0].dtype, input.dtype
        if found.category > kept.category:
            raise RuntimeError(
                f"result type {found.legacy_name} can't be cast to the desired output type {kept.legacy_name}"
            )
        return input.copy_(xlogy(input, other))
    return _xlogy_operation(input, other).inplace(*pair)


class Xlog1py(Operation):
    """`input · log(1 + other)`, 0 where input is 0."""

    node_name = "SpecialXlog1PyBackward0"

    @staticmethod
    def forward(ctx: Any, input: Any, other: Any) -> Any:
        ctx.save_for_backward(input, other)
        a, b = real_floating(input, "xlog1py_cpu"), real_floating(other, "xlog1py_cpu")
        return as_result(kernels.xlog1py(widened(a), widened(b)), a.dtype)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        input, other = ctx.saved_tensors
        needs = ctx.needs_input_grad
        to_input = None
        if needs[0]:
            nothing = wrap((input._array == 0) & (other._array <= -1))
            to_input = unbroadcast(grad * other.log1p().masked_fill(nothing, 0), input)
        return to_input, unbroadcast(grad * input / (other + 1), other) if needs[1] else None


class Xlog1pyScalarInput(Xlog1py):
    """`input · log(1 + other)` for a number `input`."""

    node_name = "SpecialXlog1PyBackward1"


class Xlog1pyScalarOther(Xlog1py):
    """`input · log(1 + other)` for a number `other`."""

    node_name = "SpecialXlog1PyBackward2"


def xlog1py(input: Any, other: Any, *, out: Tensor | None = None) -> Tensor:
    """`input · log(1 + other)`, 0 where `input` is 0 (NaN where `other` is), elementwise with broadcasting; either may
    be a number.

    >>> import rushlight as torch
    >>> torch.special.xlog1py(torch.tensor([0.0, 2.0]), torch.tensor([-1.0, 1.0]))
    tensor([0.0000, 1.3863])

    Source: https://docs.pytorch.org/docs/2.13/special.html#torch.special.xlog1py
    """
    operation = Xlog1py if isinstance(other, Variable) else Xlog1pyScalarOther
    if not isinstance(input, Variable):
        operation = Xlog1pyScalarInput
    return into(out, operation.apply(*number_pair("special_xlog1py", input, other)))


sigmoid_ = inplace(Sigmoid)
erf_ = inplace(Erf)
erfc_ = inplace(Erfc)
erfinv_ = inplace(Erfinv)
sinc_ = inplace(Sinc)


def hypot_(input: Tensor, other: Tensor) -> Tensor:
    """`hypot`, written into the tensor."""
    check_tensor("hypot_", "input", 1, input)
    _check_pair("hypot_", input, other)
    return Hypot.inplace(input, other)


def logit_(input: Tensor, eps: float | None = None) -> Tensor:
    """`logit`, written into the tensor."""
    return Logit.inplace(input, eps)


class SpecialMethods:
    """The special functions as methods of Tensor."""

    erf = erf
    erf_ = erf_
    erfc = erfc
    erfc_ = erfc_
    erfinv = erfinv
    erfinv_ = erfinv_
    hypot = hypot
    hypot_ = hypot_
    logaddexp = logaddexp
    logaddexp2 = logaddexp2
    logit = logit
    logit_ = logit_
    sigmoid = sigmoid
    sigmoid_ = sigmoid_
    sinc = sinc
    sinc_ = sinc_
    xlogy = xlogy
    xlogy_ = xlogy_
