"""The gamma function and what belongs to it, of each element: its logarithm and that one's derivatives, the incomplete
gamma functions, Hurwitz's zeta function.

Integers are taken as the default floating-point type; narrow floats are computed in float32 and rounded once.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight.autograd.operation import Operation
from rushlight.autograd.variable import Variable, wrap
from rushlight.kernels import special as kernels
from rushlight.kernels.reference.incomplete_gamma import gammainc, gammaincc
from rushlight.ops._numeric import as_result, check_tensor, full_precision, inplace, not_implemented, real_floating
from rushlight.ops._out import into
from rushlight.ops._pair import number_pair
from rushlight.ops._quick import quick_of_one
from rushlight.ops.promotion import operands, unbroadcast

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

    Number = int | float | bool

__all__ = ["digamma", "igamma", "igammac", "lgamma", "mvlgamma", "polygamma"]


class Lgamma(Operation):
    """`log |Γ(input)|`."""

    node_name = "LgammaBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor) -> Any:
        ctx.save_for_backward(input)
        return kernels.lgamma(real_floating(input, "lgamma_vml_cpu"))

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (input,) = ctx.saved_tensors
        return grad * digamma(input)


@quick_of_one(kernels.lgamma)
def lgamma(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """`log |Γ(input)|` of each element; infinite at 0 and the negative whole numbers.

    Real types, of any shape, integers as the default floating-point type; NotImplementedError for complex numbers.

    >>> import rushlight as torch
    >>> torch.lgamma(torch.tensor([0.5, 3.0]))
    tensor([0.5724, 0.6931])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.lgamma.html
    """
    return into(out, Lgamma.apply(input))


class Digamma(Operation):
    """`Γ'(input) / Γ(input)`."""

    node_name = "DigammaBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor) -> Any:
        ctx.save_for_backward(input)
        return kernels.digamma(real_floating(input, "digamma"))

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (input,) = ctx.saved_tensors
        return grad * polygamma(1, input)


@quick_of_one(kernels.digamma)
def digamma(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """`Γ'(input) / Γ(input)` of each element, the derivative of `lgamma`.

    Real types, of any shape, integers as the default floating-point type; NotImplementedError for complex numbers.

    >>> import rushlight as torch
    >>> torch.digamma(torch.tensor([0.5, 1.0]))
    tensor([-1.9635, -0.5772])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.digamma.html
    """
    return into(out, Digamma.apply(input))


class Polygamma(Operation):
    """The n-th derivative of digamma."""

    node_name = "PolygammaBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor, n: int) -> Any:
        ctx.save_for_backward(input)
        ctx.n = n
        return kernels.polygamma(n, real_floating(input, "polygamma"))

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (input,) = ctx.saved_tensors
        return grad * polygamma(ctx.n + 1, input), None


def _check_order(n: Any) -> None:
    if not isinstance(n, int | np.integer):
        raise TypeError(f"polygamma(): argument 'n' (position 1) must be int, not {type(n).__name__}")
    if n < 0:
        raise RuntimeError("polygamma(n, x) does not support negative n.")


def polygamma(n: int, input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The `n`-th derivative of `digamma` at each element, n >= 0.

    Raises RuntimeError for a negative n.

    >>> import rushlight as torch
    >>> torch.polygamma(1, torch.tensor([1.0]))
    tensor([1.6449])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.polygamma.html
    """
    _check_order(n)
    return into(out, Polygamma.apply(input, n))


class Mvlgamma(Operation):
    """`log Γ_p(input) = p (p - 1) / 4 · log π + Σ_j log Γ(input - j / 2)`, j from 0 to p - 1."""

    node_name = "MvlgammaBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor, p: int) -> Any:
        ctx.save_for_backward(input)
        ctx.p = p
        array = real_floating(input, "lgamma_vml_cpu")
        wide = array.astype(np.float64)
        halves = np.arange(p) * 0.5
        terms = kernels.lgamma(wide[..., None] - halves)
        return as_result(terms.sum(-1) + p * (p - 1) / 4 * math.log(math.pi), array.dtype).astype(array.dtype)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (input,) = ctx.saved_tensors
        halves = wrap((np.arange(ctx.p) * 0.5).astype(grad._array.dtype))
        return grad * digamma(input.unsqueeze(-1) - halves).sum(-1), None


def _check_multivariate(input: Any, p: int) -> None:
    check_tensor("mvlgamma", "input", 1, input)
    if input._array.dtype.kind == "b":
        raise RuntimeError("The input tensor may not be a boolean tensor.")
    if p < 1:
        raise RuntimeError("p has to be greater than or equal to 1")


def mvlgamma(input: Tensor, p: int, *, out: Tensor | None = None) -> Tensor:
    """The logarithm of the multivariate gamma function of dimension `p` at each element:
    `p (p - 1) / 4 · log π + Σ log |Γ(input - j / 2)|`, j from 0 to p - 1.

    Raises RuntimeError for p below 1 and for booleans.

    >>> import rushlight as torch
    >>> torch.mvlgamma(torch.tensor([3.0, 4.0]), 2)
    tensor([1.5502, 3.5651])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.mvlgamma.html
    """
    _check_multivariate(input, p)
    return into(out, Mvlgamma.apply(input, p))


def mvlgamma_(input: Tensor, p: int) -> Tensor:
    """Like `mvlgamma`, written into the tensor."""
    _check_multivariate(input, p)
    if input._array.dtype.kind in "iu":
        raise RuntimeError(
            f"mvlgamma: result type {input.dtype.legacy_name} can't be cast to the desired output type Float"
        )
    return Mvlgamma.inplace(input, p)


class Igamma(Operation):
    """The lower regularized incomplete gamma function; its gradient in the first argument is unknown."""

    node_name = "IgammaBackward0"
    kernel = staticmethod(gammainc)
    label = "igamma"
    sign = 1

    @staticmethod
    def forward(ctx: Any, input: Tensor, other: Tensor) -> Any:
        ctx.save_for_backward(input, other)
        a, x = operands(input, other)
        if a.dtype.kind not in "fV" or a.dtype.itemsize == 1:
            raise not_implemented(f"{ctx._function.label}_cpu", a.dtype)
        return ctx._function.kernel(a, x)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        input, other = ctx.saved_tensors
        if ctx.needs_input_grad[0]:
            raise NotImplementedError(f"the derivative for '{ctx._function.label}: input' is not implemented.")
        slope = ((input - 1) * other.log() - other - lgamma(input)).exp()
        return None, unbroadcast(grad * slope * ctx._function.sign, other)


class Igammac(Igamma):
    """The upper regularized incomplete gamma function."""

    node_name = "IgammacBackward0"
    kernel = staticmethod(gammaincc)
    label = "igammac"
    sign = -1


def igamma(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The lower regularized incomplete gamma function `1 / Γ(input) · ∫₀ˣ t^(input - 1) exp(-t) dt`, x = `other`,
    elementwise with broadcasting.

    Of floating-point tensors that are not negative (NaN below 0). There is no gradient with respect to `input`: asking
    for it raises NotImplementedError.

    >>> import rushlight as torch
    >>> torch.igamma(torch.tensor([4.0]), torch.tensor([3.0, 4.0, 5.0]))
    tensor([0.3528, 0.5665, 0.7350])

    Source: https://docs.pytorch.org/docs/2.13/special.html#torch.special.gammainc
    """
    check_tensor("igamma", "input", 1, input)
    check_tensor("igamma", "other", 2, other)
    return into(out, Igamma.apply(input, other))


def igammac(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The upper regularized incomplete gamma function `1 / Γ(input) · ∫ₓ^∞ t^(input - 1) exp(-t) dt`, x = `other`,
    elementwise with broadcasting.

    Of floating-point tensors that are not negative (NaN below 0). There is no gradient with respect to `input`: asking
    for it raises NotImplementedError.

    >>> import rushlight as torch
    >>> torch.igammac(torch.tensor([4.0]), torch.tensor([3.0, 4.0, 5.0]))
    tensor([0.6472, 0.4335, 0.2650])

    Source: https://docs.pytorch.org/docs/2.13/special.html#torch.special.gammaincc
    """
    check_tensor("igammac", "input", 1, input)
    check_tensor("igammac", "other", 2, other)
    return into(out, Igammac.apply(input, other))


class Zeta(Operation):
    """`Σ 1 / (k + other)^input`, k from 0; its gradient in the first argument is unknown."""

    node_name = "SpecialZetaBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor, other: Tensor) -> Any:
        ctx.save_for_backward(input, other)
        return kernels.zeta(full_precision(input, "zeta_cpu"), full_precision(other, "zeta_cpu"))

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        input, other = ctx.saved_tensors
        if ctx.needs_input_grad[0]:
            raise NotImplementedError("the derivative for 'zeta' is not implemented.")
        return None, unbroadcast(grad * -input * zeta(input + 1, other), other)


class ZetaScalarInput(Zeta):
    """The sum for a number `input`."""

    node_name = "SpecialZetaBackward1"


class ZetaScalarOther(Zeta):
    """The sum for a number `other`."""

    node_name = "SpecialZetaBackward2"


def zeta(input: Tensor | Number, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """Hurwitz's zeta function `Σ 1 / (k + other)^input`, k from 0, elementwise with broadcasting; one may be a number.

    Infinite where `input` is 1 and at whole numbers `other` <= 0, NaN for `input` below 1. There is no gradient with
    respect to `input`: asking for it raises NotImplementedError.

    >>> import rushlight as torch
    >>> torch.special.zeta(torch.tensor([2.0, 4.0]), 1)
    tensor([1.6449, 1.0823])

    Source: https://docs.pytorch.org/docs/2.13/special.html#torch.special.zeta
    """
    operation = Zeta if isinstance(other, Variable) else ZetaScalarOther
    if not isinstance(input, Variable):
        operation = ZetaScalarInput
    return into(out, operation.apply(*number_pair("special_zeta", input, other)))


lgamma_, digamma_ = inplace(Lgamma), inplace(Digamma)


def _polygamma_method(self: Tensor, n: int) -> Tensor:
    """The `n`-th derivative of `digamma` at each element; see `rushlight.polygamma`."""
    return polygamma(n, self)


def _polygamma_in_place(self: Tensor, n: int) -> Tensor:
    """Like `polygamma`, written into the tensor."""
    _check_order(n)
    return Polygamma.inplace(self, n)


class GammaMethods:
    """The functions of this family as methods of Tensor."""

    digamma, digamma_ = digamma, digamma_
    igamma, igamma_ = igamma, inplace(Igamma)
    igammac, igammac_ = igammac, inplace(Igammac)
    lgamma, lgamma_ = lgamma, lgamma_
    mvlgamma, mvlgamma_ = mvlgamma, mvlgamma_
    polygamma, polygamma_ = _polygamma_method, _polygamma_in_place
