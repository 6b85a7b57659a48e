"""Bessel functions and Airy's function of each element.

The modified functions of the first kind have gradients; the others, as in PyTorch, give results that want none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rushlight.autograd.operation import Operation
from rushlight.kernels import special as kernels
from rushlight.ops._numeric import Array, check_tensor, full_precision, inplace, real_floating
from rushlight.ops._out import into
from rushlight.ops._quick import quick_of_one

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

__all__ = ["i0", "i0_"]


class I0(Operation):
    """The modified Bessel function of order 0."""

    node_name = "I0Backward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor) -> Any:
        ctx.save_for_backward(input)
        return kernels.i0(real_floating(input, "i0_vml_cpu"))

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (input,) = ctx.saved_tensors
        return grad * I1.apply(input)


class I0e(Operation):
    """`exp(-|x|)` times the modified Bessel function of order 0."""

    node_name = "SpecialI0EBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor) -> Any:
        ctx.save_for_backward(input)
        return kernels.i0e(real_floating(input, "i0e_cpu"))

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (input,) = ctx.saved_tensors
        return grad * (I1e.apply(input) - input.sgn() * I0e.apply(input))


class I1(Operation):
    """The modified Bessel function of order 1."""

    node_name = "SpecialI1Backward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor) -> Any:
        ctx.save_for_backward(input)
        return kernels.i1(real_floating(input, "i1_cpu"))

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (input,) = ctx.saved_tensors
        zero = input == 0
        ratio = (I1.apply(input) / input.masked_fill(zero, 1)).masked_fill(zero, 0.5)
        return grad * (I0.apply(input) - ratio)


class I1e(Operation):
    """`exp(-|x|)` times the modified Bessel function of order 1."""

    node_name = "SpecialI1EBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor) -> Any:
        ctx.save_for_backward(input)
        return kernels.i1e(real_floating(input, "i1e_cpu"))

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (input,) = ctx.saved_tensors
        zero = input == 0
        scaled = I1e.apply(input)
        ratio = scaled * (input.sgn() + input.masked_fill(zero, 1).reciprocal())
        return grad * (I0e.apply(input) - ratio.masked_fill(zero, 0.5))


@quick_of_one(kernels.i0)
def i0(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """I₀(x), the modified Bessel function of the first kind and order 0, of each element.

    >>> import rushlight as torch
    >>> torch.i0(torch.tensor([0.0, 1.0]))
    tensor([1.0000, 1.2661])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.i0.html
    """
    check_tensor("i0", "input", 1, input)
    return into(out, I0.apply(input))


i0_ = inplace(I0)


@quick_of_one(kernels.i0e)
def i0e(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """`exp(-|x|) I₀(x)`, the scaled modified Bessel function of the first kind and order 0, of each element.

    >>> import rushlight as torch
    >>> torch.special.i0e(torch.tensor([0.0, 1.0]))
    tensor([1.0000, 0.4658])

    Source: https://docs.pytorch.org/docs/2.13/special.html#torch.special.i0e
    """
    check_tensor("special_i0e", "input", 1, input)
    return into(out, I0e.apply(input))


@quick_of_one(kernels.i1)
def i1(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """I₁(x), the modified Bessel function of the first kind and order 1, of each element.

    >>> import rushlight as torch
    >>> torch.special.i1(torch.tensor([0.0, 1.0]))
    tensor([0.0000, 0.5652])

    Source: https://docs.pytorch.org/docs/2.13/special.html#torch.special.i1
    """
    check_tensor("special_i1", "input", 1, input)
    return into(out, I1.apply(input))


@quick_of_one(kernels.i1e)
def i1e(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """`exp(-|x|) I₁(x)`, the scaled modified Bessel function of the first kind and order 1, of each element.

    >>> import rushlight as torch
    >>> torch.special.i1e(torch.tensor([0.0, 1.0]))
    tensor([0.0000, 0.2079])

    Source: https://docs.pytorch.org/docs/2.13/special.html#torch.special.i1e
    """
    check_tensor("special_i1e", "input", 1, input)
    return into(out, I1e.apply(input))


class _Undifferentiated(Operation):
    """A function of float32 and float64 whose result wants no gradient, whatever its argument wants."""

    kernel: Any
    name: str

    @staticmethod
    def forward(ctx: Any, input: Tensor) -> Any:
        function = ctx._function
        ctx.mark_non_differentiable(input)
        array: Array = function.kernel(full_precision(input, f"{function.name}_cpu"))
        return array


def _evaluated(operation: type[_Undifferentiated], input: Tensor, out: Tensor | None) -> Tensor:
    check_tensor(f"special_{operation.name}", "input", 1, input)
    return into(out, operation.apply(input))


class AiryAi(_Undifferentiated):
    """Airy's function Ai(x)."""

    kernel = staticmethod(kernels.airy_ai)
    name = "airy_ai"


def airy_ai(x: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Airy's function Ai(x), of each element: the solution of `y'' = x y` that vanishes at infinity.

    Of float32, float64 and integers, which give the default floating-point type; NotImplementedError for other types.
    The result wants no gradient.

    >>> import rushlight as torch
    >>> torch.special.airy_ai(torch.tensor([1.0, 2.0]))
    tensor([0.1353, 0.0349])

    Source: https://docs.pytorch.org/docs/2.13/special.html#torch.special.airy_ai
    """
    return _evaluated(AiryAi, x, out)


class BesselJ0(_Undifferentiated):
    """J₀(x), the Bessel function of the first kind and order 0."""

    kernel = staticmethod(kernels.j0)
    name = "bessel_j0"


@quick_of_one(kernels.j0)
def bessel_j0(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """J₀(x), the Bessel function of the first kind and order 0, of each element.

    Of float32, float64 and integers, which give the default floating-point type; NotImplementedError for other types.
    The result wants no gradient.

    >>> import rushlight as torch
    >>> torch.special.bessel_j0(torch.tensor([1.0, 2.0]))
    tensor([0.7652, 0.2239])

    Source: https://docs.pytorch.org/docs/2.13/special.html#torch.special.bessel_j0
    """
    return _evaluated(BesselJ0, input, out)


class BesselJ1(_Undifferentiated):
    """J₁(x), the Bessel function of the first kind and order 1."""

    kernel = staticmethod(kernels.j1)
    name = "bessel_j1"


def bessel_j1(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """J₁(x), the Bessel function of the first kind and order 1, of each element.

    Of float32, float64 and integers, which give the default floating-point type; NotImplementedError for other types.
    The result wants no gradient.

    >>> import rushlight as torch
    >>> torch.special.bessel_j1(torch.tensor([1.0, 2.0]))
    tensor([0.4401, 0.5767])

    Source: https://docs.pytorch.org/docs/2.13/special.html#torch.special.bessel_j1
    """
    return _evaluated(BesselJ1, input, out)


class BesselY0(_Undifferentiated):
    """Y₀(x), the Bessel function of the second kind and order 0."""

    kernel = staticmethod(kernels.y0)
    name = "bessel_y0"


def bessel_y0(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Y₀(x), the Bessel function of the second kind and order 0, of each element: -inf at 0, NaN below.

    Of float32, float64 and integers, which give the default floating-point type; NotImplementedError for other types.
    The result wants no gradient.

    >>> import rushlight as torch
    >>> torch.special.bessel_y0(torch.tensor([1.0, 2.0]))
    tensor([0.0883, 0.5104])

    Source: https://docs.pytorch.org/docs/2.13/special.html#torch.special.bessel_y0
    """
    return _evaluated(BesselY0, input, out)


class BesselY1(_Undifferentiated):
    """Y₁(x), the Bessel function of the second kind and order 1."""

    kernel = staticmethod(kernels.y1)
    name = "bessel_y1"


def bessel_y1(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Y₁(x), the Bessel function of the second kind and order 1, of each element: -inf at 0, NaN below.

    Of float32, float64 and integers, which give the default floating-point type; NotImplementedError for other types.
    The result wants no gradient.

    >>> import rushlight as torch
    >>> torch.special.bessel_y1(torch.tensor([1.0, 2.0]))
    tensor([-0.7812, -0.1070])

    Source: https://docs.pytorch.org/docs/2.13/special.html#torch.special.bessel_y1
    """
    return _evaluated(BesselY1, input, out)


class ModifiedBesselI0(_Undifferentiated):
    """I₀(x), the modified Bessel function of the first kind and order 0."""

    kernel = staticmethod(kernels.i0)
    name = "modified_bessel_i0"


def modified_bessel_i0(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """I₀(x), the modified Bessel function of the first kind and order 0, of each element.

    Of float32, float64 and integers, which give the default floating-point type; NotImplementedError for other types.
    The result wants no gradient: `i0` has a gradient too.

    >>> import rushlight as torch
    >>> torch.special.modified_bessel_i0(torch.tensor([1.0, 2.0]))
    tensor([1.2661, 2.2796])

    Source: https://docs.pytorch.org/docs/2.13/special.html#torch.special.modified_bessel_i0
    """
    return _evaluated(ModifiedBesselI0, input, out)


class ModifiedBesselI1(_Undifferentiated):
    """I₁(x), the modified Bessel function of the first kind and order 1."""

    kernel = staticmethod(kernels.i1)
    name = "modified_bessel_i1"


def modified_bessel_i1(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """I₁(x), the modified Bessel function of the first kind and order 1, of each element.

    Of float32, float64 and integers, which give the default floating-point type; NotImplementedError for other types.
    The result wants no gradient: `i1` has a gradient too.

    >>> import rushlight as torch
    >>> torch.special.modified_bessel_i1(torch.tensor([1.0, 2.0]))
    tensor([0.5652, 1.5906])

    Source: https://docs.pytorch.org/docs/2.13/special.html#torch.special.modified_bessel_i1
    """
    return _evaluated(ModifiedBesselI1, input, out)


class ModifiedBesselK0(_Undifferentiated):
    """K₀(x), the modified Bessel function of the second kind and order 0."""

    kernel = staticmethod(kernels.k0)
    name = "modified_bessel_k0"


def modified_bessel_k0(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """K₀(x), the modified Bessel function of the second kind and order 0, of each element: infinite at 0, NaN below.

    Of float32, float64 and integers, which give the default floating-point type; NotImplementedError for other types.
    The result wants no gradient.

    >>> import rushlight as torch
    >>> torch.special.modified_bessel_k0(torch.tensor([1.0, 2.0]))
    tensor([0.4210, 0.1139])

    Source: https://docs.pytorch.org/docs/2.13/special.html#torch.special.modified_bessel_k0
    """
    return _evaluated(ModifiedBesselK0, input, out)


class ModifiedBesselK1(_Undifferentiated):
    """K₁(x), the modified Bessel function of the second kind and order 1."""

    kernel = staticmethod(kernels.k1)
    name = "modified_bessel_k1"


def modified_bessel_k1(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """K₁(x), the modified Bessel function of the second kind and order 1, of each element: infinite at 0, NaN below.

    Of float32, float64 and integers, which give the default floating-point type; NotImplementedError for other types.
    The result wants no gradient.

    >>> import rushlight as torch
    >>> torch.special.modified_bessel_k1(torch.tensor([1.0, 2.0]))
    tensor([0.6019, 0.1399])

    Source: https://docs.pytorch.org/docs/2.13/special.html#torch.special.modified_bessel_k1
    """
    return _evaluated(ModifiedBesselK1, input, out)


class ScaledModifiedBesselK0(_Undifferentiated):
    """`exp(x) K₀(x)`, the scaled modified Bessel function of the second kind and order 0."""

    kernel = staticmethod(kernels.k0e)
    name = "scaled_modified_bessel_k0"


def scaled_modified_bessel_k0(x: Tensor, *, out: Tensor | None = None) -> Tensor:
    """`exp(x) K₀(x)`, the scaled modified Bessel function of the second kind and order 0, of each element: infinite at
    0, NaN below.

    Of float32, float64 and integers, which give the default floating-point type; NotImplementedError for other types.
    The result wants no gradient.

    >>> import rushlight as torch
    >>> torch.special.scaled_modified_bessel_k0(torch.tensor([1.0, 2.0]))
    tensor([1.1445, 0.8416])

    Source: https://docs.pytorch.org/docs/2.13/special.html#torch.special.scaled_modified_bessel_k0
    """
    return _evaluated(ScaledModifiedBesselK0, x, out)


class ScaledModifiedBesselK1(_Undifferentiated):
    """`exp(x) K₁(x)`, the scaled modified Bessel function of the second kind and order 1."""

    kernel = staticmethod(kernels.k1e)
    name = "scaled_modified_bessel_k1"


def scaled_modified_bessel_k1(x: Tensor, *, out: Tensor | None = None) -> Tensor:
    """`exp(x) K₁(x)`, the scaled modified Bessel function of the second kind and order 1, of each element: infinite at
    0, NaN below.

    Of float32, float64 and integers, which give the default floating-point type; NotImplementedError for other types.
    The result wants no gradient.

    >>> import rushlight as torch
    >>> torch.special.scaled_modified_bessel_k1(torch.tensor([1.0, 2.0]))
    tensor([1.6362, 1.0335])

    Source: https://docs.pytorch.org/docs/2.13/special.html#torch.special.scaled_modified_bessel_k1
    """
    return _evaluated(ScaledModifiedBesselK1, x, out)


class SphericalBesselJ0(_Undifferentiated):
    """`sin(x) / x`, the spherical Bessel function of the first kind and order 0."""

    kernel = staticmethod(kernels.spherical_j0)
    name = "spherical_bessel_j0"


def spherical_bessel_j0(x: Tensor, *, out: Tensor | None = None) -> Tensor:
    """`sin(x) / x`, the spherical Bessel function of the first kind and order 0, of each element: 1 at 0.

    Of float32, float64 and integers, which give the default floating-point type; NotImplementedError for other types.
    The result wants no gradient.

    >>> import rushlight as torch
    >>> torch.special.spherical_bessel_j0(torch.tensor([1.0, 2.0]))
    tensor([0.8415, 0.4546])

    Source: https://docs.pytorch.org/docs/2.13/special.html#torch.special.spherical_bessel_j0
    """
    return _evaluated(SphericalBesselJ0, x, out)


class BesselMethods:
    """The function as a method of Tensor."""

    i0, i0_ = i0, i0_
