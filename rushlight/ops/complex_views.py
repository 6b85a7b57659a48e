"""Complex tensors seen as pairs of real ones, and back.

Nothing is copied, so that writing to the parts changes the complex tensor.

Source: https://docs.pytorch.org/docs/2.13/complex_numbers.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import dtypes
from rushlight.autograd.grad_mode import state
from rushlight.autograd.operation import ViewOperation, is_plain, view_of
from rushlight.ops._geometry import Array
from rushlight.ops._numeric import check_tensor

if TYPE_CHECKING:
    from rushlight.tensor import Tensor


__all__ = ["imag", "real", "view_as_complex", "view_as_real"]


class ViewAsReal(ViewOperation):
    """A complex tensor's parts along a last dimension of two."""

    node_name = "ViewAsRealBackward0"
    restrides = False

    @staticmethod
    def forward(ctx: Any, input: Tensor) -> Array:
        return ViewAsReal.pairs(input._array)

    @staticmethod
    def pairs(array: Array) -> Array:
        """The view of a complex array's parts."""
        return array[..., None].view(dtypes.from_numpy_dtype(array.dtype).to_real().numpy_dtype)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return view_as_complex(grad.contiguous())


class ViewAsComplex(ViewOperation):
    """A last dimension of two read as a complex number's parts."""

    node_name = "ViewAsComplexBackward0"
    restrides = False

    @staticmethod
    def forward(ctx: Any, input: Tensor) -> Array:
        return ViewAsComplex.numbers(input._array)

    @staticmethod
    def numbers(array: Array) -> Array:
        """The view of a last dimension's pairs as complex numbers."""
        return array.view(dtypes.from_numpy_dtype(array.dtype).to_complex().numpy_dtype)[..., 0]

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return view_as_real(grad)


def _part(input: Tensor, which: int) -> Array:
    array = input._array
    if array.dtype.kind == "W":
        return array[..., None].view(np.float16)[..., which]
    return array.imag if which else array.real


class RealPart(ViewOperation):
    """The real part as a view."""

    node_name = "SelectBackward0"
    restrides = False

    @staticmethod
    def forward(ctx: Any, input: Tensor) -> Array:
        ctx.dtype = input.dtype
        return _part(input, 0)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return grad.to(ctx.dtype)


class ImaginaryPart(ViewOperation):
    """The imaginary part as a view."""

    node_name = "SelectBackward0"
    restrides = False

    @staticmethod
    def forward(ctx: Any, input: Tensor) -> Array:
        return _part(input, 1)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return grad * 1j


def view_as_real(input: Tensor) -> Tensor:
    """A complex tensor `(*)` as a view of its two parts, `(*, 2)`. Raises RuntimeError for other dtypes.

    >>> import rushlight as torch
    >>> torch.view_as_real(torch.tensor([1 + 2j, 3 - 4j]))
    tensor([[ 1.,  2.],
            [ 3., -4.]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.view_as_real.html
    """
    check_tensor("view_as_real", "input", 1, input)
    if input._array.dtype.char in "FD" and is_plain(input):
        return view_of(ViewAsReal, input, (), ViewAsReal.pairs(input._array))
    if not input.dtype.is_complex:
        raise RuntimeError("view_as_real is only supported for complex tensors")
    return ViewAsReal.apply(input)


def view_as_complex(input: Tensor) -> Tensor:
    """A floating-point tensor `(*, 2)` as a view of complex numbers `(*)`: the last dimension holds their two parts.

    Raises RuntimeError for other dtypes, for a last dimension of another length, and where memory does not hold pairs.

    >>> import rushlight as torch
    >>> torch.view_as_complex(torch.tensor([[1.0, 2.0], [3.0, -4.0]]))
    tensor([1.+2.j, 3.-4.j])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.view_as_complex.html
    """
    if state.casts is not None:
        return state.casts.float32(view_as_complex, input)
    check_tensor("view_as_complex", "input", 1, input)
    array = input._array
    simple = array.dtype.char in "fd" and array.ndim > 0 and array.shape[-1] == 2 and array.flags.c_contiguous
    if simple and is_plain(input):
        return view_of(ViewAsComplex, input, (), ViewAsComplex.numbers(array))
    if array.dtype.char not in "efd":
        raise RuntimeError(
            "view_as_complex is only supported for half, float and double tensors, but got a tensor of scalar type: "
            f"{input.dtype.legacy_name}"
        )
    if array.ndim == 0:
        raise RuntimeError("Input tensor must have one or more dimensions")
    if array.shape[-1] != 2:
        raise RuntimeError("Tensor must have a last dimension of size 2")
    if array.strides[-1] != array.itemsize:
        raise RuntimeError("Tensor must have a last dimension with stride 1")
    for stride in array.strides[:-1]:
        if stride % (2 * array.itemsize):
            raise RuntimeError("Tensor must have a stride divisible by 2 for all but last dimension")
    return ViewAsComplex.apply(input)


def real(input: Tensor) -> Tensor:
    """The real part of a complex tensor `(*)`, as a view of the same shape; a real tensor is its own.

    >>> import rushlight as torch
    >>> torch.real(torch.tensor([1 + 2j, 3 - 4j]))
    tensor([1., 3.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.real.html
    """
    check_tensor("real", "input", 1, input)
    return RealPart.apply(input) if input.dtype.is_complex else input


def imag(input: Tensor) -> Tensor:
    """The imaginary part of a complex tensor `(*)`, as a view of the same shape. Raises RuntimeError for a real tensor.

    >>> import rushlight as torch
    >>> torch.imag(torch.tensor([1 + 2j, 3 - 4j]))
    tensor([ 2., -4.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.imag.html
    """
    check_tensor("imag", "input", 1, input)
    if not input.dtype.is_complex:
        raise RuntimeError("imag is not implemented for tensors with non-complex dtypes.")
    return ImaginaryPart.apply(input)


class ComplexViewMethods:
    """Tensor's methods of this family."""

    real = property(real)
    imag = property(imag)
