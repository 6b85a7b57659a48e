"""Orthogonal polynomials of each element, of a degree that is a number or a tensor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rushlight.autograd.operation import Operation
from rushlight.kernels.reference import orthogonal as kernels
from rushlight.ops._numeric import full_precision
from rushlight.ops._out import into
from rushlight.ops._pair import number_pair

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

    Number = int | float | bool

__all__ = [
    "chebyshev_polynomial_t", "chebyshev_polynomial_u", "chebyshev_polynomial_v", "chebyshev_polynomial_w",
    "hermite_polynomial_h", "hermite_polynomial_he", "laguerre_polynomial_l", "legendre_polynomial_p",
    "shifted_chebyshev_polynomial_t", "shifted_chebyshev_polynomial_u", "shifted_chebyshev_polynomial_v",
    "shifted_chebyshev_polynomial_w",
]  # fmt: skip


class _Polynomial(Operation):
    """A polynomial whose result wants no gradient, whatever its argument wants."""

    kernel: Any
    name: str
    shifted = False

    @staticmethod
    def forward(ctx: Any, x: Tensor, n: Tensor) -> Any:
        function = ctx._function
        ctx.mark_non_differentiable(x)
        place = full_precision(x, f"{function.name}_cpu")
        if function.shifted:
            place = place + place - 1
        return function.kernel(place, full_precision(n, f"{function.name}_cpu"))


def _evaluated(operation: type[_Polynomial], x: Any, n: Any, out: Tensor | None) -> Tensor:
    return into(out, operation.apply(*number_pair(f"special_{operation.name}", x, n)))


class ChebyshevPolynomialT(_Polynomial):
    """Tₙ(x), the Chebyshev polynomial of the first kind."""

    kernel = staticmethod(kernels.chebyshev_t)
    name = "chebyshev_polynomial_t"


def chebyshev_polynomial_t(x: Tensor | Number, n: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """Tₙ(x), the Chebyshev polynomial of the first kind of degree `n`, elementwise with broadcasting.

    One of the two may be a number. A degree is cut off to a whole number; a negative one gives 0. Of float32, float64
    and integers, which give the default floating-point type. The result wants no gradient.

    >>> import rushlight as torch
    >>> torch.special.chebyshev_polynomial_t(torch.tensor([0.25, 2.0]), 3)
    tensor([-0.6875, 26.0000])

    Source: https://docs.pytorch.org/docs/2.13/special.html#torch.special.chebyshev_polynomial_t
    """
    return _evaluated(ChebyshevPolynomialT, x, n, out)


class ChebyshevPolynomialU(_Polynomial):
    """Uₙ(x), the Chebyshev polynomial of the second kind."""

    kernel = staticmethod(kernels.chebyshev_u)
    name = "chebyshev_polynomial_u"


def chebyshev_polynomial_u(x: Tensor | Number, n: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """Uₙ(x), the Chebyshev polynomial of the second kind of degree `n`, elementwise with broadcasting.

    One of the two may be a number. A degree is cut off to a whole number; a negative one gives 0. Of float32, float64
    and integers, which give the default floating-point type. The result wants no gradient.

    >>> import rushlight as torch
    >>> torch.special.chebyshev_polynomial_u(torch.tensor([0.25, 2.0]), 3)
    tensor([-0.8750, 56.0000])

    Source: https://docs.pytorch.org/docs/2.13/special.html#torch.special.chebyshev_polynomial_u
    """
    return _evaluated(ChebyshevPolynomialU, x, n, out)


class ChebyshevPolynomialV(_Polynomial):
    """Vₙ(x), the Chebyshev polynomial of the third kind."""

    kernel = staticmethod(kernels.chebyshev_v)
    name = "chebyshev_polynomial_v"


def chebyshev_polynomial_v(x: Tensor | Number, n: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """Vₙ(x), the Chebyshev polynomial of the third kind of degree `n`, elementwise with broadcasting.

    One of the two may be a number. A degree is cut off to a whole number; a negative one gives 0. Of float32, float64
    and integers, which give the default floating-point type. The result wants no gradient.

    >>> import rushlight as torch
    >>> torch.special.chebyshev_polynomial_v(torch.tensor([0.25, 2.0]), 3)
    tensor([-0.1250, 41.0000])

    Source: https://docs.pytorch.org/docs/2.13/special.html#torch.special.chebyshev_polynomial_v
    """
    return _evaluated(ChebyshevPolynomialV, x, n, out)


class ChebyshevPolynomialW(_Polynomial):
    """Wₙ(x), the Chebyshev polynomial of the fourth kind."""

    kernel = staticmethod(kernels.chebyshev_w)
    name = "chebyshev_polynomial_w"


def chebyshev_polynomial_w(x: Tensor | Number, n: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """Wₙ(x), the Chebyshev polynomial of the fourth kind of degree `n`, elementwise with broadcasting.

    One of the two may be a number. A degree is cut off to a whole number; a negative one gives 0. Of float32, float64
    and integers, which give the default floating-point type. The result wants no gradient.

    >>> import rushlight as torch
    >>> torch.special.chebyshev_polynomial_w(torch.tensor([0.25, 2.0]), 3)
    tensor([-1.6250, 71.0000])

    Source: https://docs.pytorch.org/docs/2.13/special.html#torch.special.chebyshev_polynomial_w
    """
    return _evaluated(ChebyshevPolynomialW, x, n, out)


class HermitePolynomialH(_Polynomial):
    """Hₙ(x), the physicist's Hermite polynomial."""

    kernel = staticmethod(kernels.hermite_h)
    name = "hermite_polynomial_h"


def hermite_polynomial_h(x: Tensor | Number, n: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """Hₙ(x), the physicist's Hermite polynomial of degree `n`, elementwise with broadcasting.

    One of the two may be a number. A degree is cut off to a whole number; a negative one gives 0. Of float32, float64
    and integers, which give the default floating-point type. The result wants no gradient.

    >>> import rushlight as torch
    >>> torch.special.hermite_polynomial_h(torch.tensor([0.25, 2.0]), 3)
    tensor([-2.8750, 40.0000])

    Source: https://docs.pytorch.org/docs/2.13/special.html#torch.special.hermite_polynomial_h
    """
    return _evaluated(HermitePolynomialH, x, n, out)


class HermitePolynomialHe(_Polynomial):
    """Heₙ(x), the probabilist's Hermite polynomial."""

    kernel = staticmethod(kernels.hermite_he)
    name = "hermite_polynomial_he"


def hermite_polynomial_he(x: Tensor | Number, n: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """Heₙ(x), the probabilist's Hermite polynomial of degree `n`, elementwise with broadcasting.

    One of the two may be a number. A degree is cut off to a whole number; a negative one gives 0. Of float32, float64
    and integers, which give the default floating-point type. The result wants no gradient.

    >>> import rushlight as torch
    >>> torch.special.hermite_polynomial_he(torch.tensor([0.25, 2.0]), 3)
    tensor([-0.7344,  2.0000])

    Source: https://docs.pytorch.org/docs/2.13/special.html#torch.special.hermite_polynomial_he
    """
    return _evaluated(HermitePolynomialHe, x, n, out)


class LaguerrePolynomialL(_Polynomial):
    """Lₙ(x), the Laguerre polynomial."""

    kernel = staticmethod(kernels.laguerre_l)
    name = "laguerre_polynomial_l"


def laguerre_polynomial_l(x: Tensor | Number, n: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """Lₙ(x), the Laguerre polynomial of degree `n`, elementwise with broadcasting.

    One of the two may be a number. A degree is cut off to a whole number; a negative one gives 0. Of float32, float64
    and integers, which give the default floating-point type. The result wants no gradient.

    >>> import rushlight as torch
    >>> torch.special.laguerre_polynomial_l(torch.tensor([0.25, 2.0]), 3)
    tensor([ 0.3411, -0.3333])

    Source: https://docs.pytorch.org/docs/2.13/special.html#torch.special.laguerre_polynomial_l
    """
    return _evaluated(LaguerrePolynomialL, x, n, out)


class LegendrePolynomialP(_Polynomial):
    """Pₙ(x), the Legendre polynomial."""

    kernel = staticmethod(kernels.legendre_p)
    name = "legendre_polynomial_p"


def legendre_polynomial_p(x: Tensor | Number, n: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """Pₙ(x), the Legendre polynomial of degree `n`, elementwise with broadcasting.

    One of the two may be a number. A degree is cut off to a whole number; a negative one gives 0. Of float32, float64
    and integers, which give the default floating-point type. The result wants no gradient.

    >>> import rushlight as torch
    >>> torch.special.legendre_polynomial_p(torch.tensor([0.25, 2.0]), 3)
    tensor([-0.3359, 17.0000])

    Source: https://docs.pytorch.org/docs/2.13/special.html#torch.special.legendre_polynomial_p
    """
    return _evaluated(LegendrePolynomialP, x, n, out)


class ShiftedChebyshevPolynomialT(_Polynomial):
    """Tₙ(2x - 1), the shifted Chebyshev polynomial of the first kind."""

    kernel = staticmethod(kernels.chebyshev_t)
    name = "shifted_chebyshev_polynomial_t"
    shifted = True


def shifted_chebyshev_polynomial_t(x: Tensor | Number, n: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """Tₙ(2x - 1), the shifted Chebyshev polynomial of the first kind of degree `n`, elementwise with broadcasting.

    One of the two may be a number. A degree is cut off to a whole number; a negative one gives 0. Of float32, float64
    and integers, which give the default floating-point type. The result wants no gradient.

    >>> import rushlight as torch
    >>> torch.special.shifted_chebyshev_polynomial_t(torch.tensor([0.25, 2.0]), 3)
    tensor([ 1., 99.])

    Source: https://docs.pytorch.org/docs/2.13/special.html#torch.special.shifted_chebyshev_polynomial_t
    """
    return _evaluated(ShiftedChebyshevPolynomialT, x, n, out)


class ShiftedChebyshevPolynomialU(_Polynomial):
    """Uₙ(2x - 1), the shifted Chebyshev polynomial of the second kind."""

    kernel = staticmethod(kernels.chebyshev_u)
    name = "shifted_chebyshev_polynomial_u"
    shifted = True


def shifted_chebyshev_polynomial_u(x: Tensor | Number, n: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """Uₙ(2x - 1), the shifted Chebyshev polynomial of the second kind of degree `n`, elementwise with broadcasting.

    One of the two may be a number. A degree is cut off to a whole number; a negative one gives 0. Of float32, float64
    and integers, which give the default floating-point type. The result wants no gradient.

    >>> import rushlight as torch
    >>> torch.special.shifted_chebyshev_polynomial_u(torch.tensor([0.25, 2.0]), 3)
    tensor([  1., 204.])

    Source: https://docs.pytorch.org/docs/2.13/special.html#torch.special.shifted_chebyshev_polynomial_u
    """
    return _evaluated(ShiftedChebyshevPolynomialU, x, n, out)


class ShiftedChebyshevPolynomialV(_Polynomial):
    """Vₙ(2x - 1), the shifted Chebyshev polynomial of the third kind."""

    kernel = staticmethod(kernels.chebyshev_v)
    name = "shifted_chebyshev_polynomial_v"
    shifted = True


def shifted_chebyshev_polynomial_v(x: Tensor | Number, n: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """Vₙ(2x - 1), the shifted Chebyshev polynomial of the third kind of degree `n`, elementwise with broadcasting.

    One of the two may be a number. A degree is cut off to a whole number; a negative one gives 0. Of float32, float64
    and integers, which give the default floating-point type. The result wants no gradient.

    >>> import rushlight as torch
    >>> torch.special.shifted_chebyshev_polynomial_v(torch.tensor([0.25, 2.0]), 3)
    tensor([  1., 169.])

    Source: https://docs.pytorch.org/docs/2.13/special.html#torch.special.shifted_chebyshev_polynomial_v
    """
    return _evaluated(ShiftedChebyshevPolynomialV, x, n, out)


class ShiftedChebyshevPolynomialW(_Polynomial):
    """Wₙ(2x - 1), the shifted Chebyshev polynomial of the fourth kind."""

    kernel = staticmethod(kernels.chebyshev_w)
    name = "shifted_chebyshev_polynomial_w"
    shifted = True


def shifted_chebyshev_polynomial_w(x: Tensor | Number, n: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """Wₙ(2x - 1), the shifted Chebyshev polynomial of the fourth kind of degree `n`, elementwise with broadcasting.

    One of the two may be a number. A degree is cut off to a whole number; a negative one gives 0. Of float32, float64
    and integers, which give the default floating-point type. The result wants no gradient.

    >>> import rushlight as torch
    >>> torch.special.shifted_chebyshev_polynomial_w(torch.tensor([0.25, 2.0]), 3)
    tensor([  1., 239.])

    Source: https://docs.pytorch.org/docs/2.13/special.html#torch.special.shifted_chebyshev_polynomial_w
    """
    return _evaluated(ShiftedChebyshevPolynomialW, x, n, out)
