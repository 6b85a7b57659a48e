"""Vector norms.

They may be of any order, over some dimensions or all, of real and complex tensors.
"""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import dtypes, kernels
from rushlight.autograd.operation import Operation
from rushlight.autograd.variable import wrap
from rushlight.ops._numeric import (
    Array,
    Dims,
    add_reduce,
    as_result,
    check_tensor,
    kept_shape,
    maximum_reduce,
    minimum_reduce,
    normalize_dims,
    spread,
    widened,
)
from rushlight.ops._out import into
from rushlight.ops._quick import quickly
from rushlight.ops.spectral import svdvals

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

__all__ = ["frobenius_norm", "norm", "nuclear_norm"]


def sum_of_squares(array: Array) -> float | None:
    """The sum of the squares of all elements; None unless they are real floats that lie without gaps in memory."""
    if array.dtype.char not in "fd" or not (array.flags.c_contiguous or array.flags.f_contiguous):
        return None
    return kernels.squares_of_all([array])


def norm_of(array: Array, order: float, dims: tuple[int, ...], keepdim: bool) -> Array:
    """`(Σ |x|^order)^(1/order)` over some dimensions, with the limits for 0 and ±∞."""
    if order == 2 and len(dims) == array.ndim:
        total = sum_of_squares(array)
        if total is not None:
            root = np.array(math.sqrt(total), array.dtype)
            return root.reshape(kept_shape(array.shape, dims)) if keepdim else root
    if order == 2 and array.dtype.char in "fd":
        return np.asarray(np.sqrt(kernels.sum_over(np.asarray(np.multiply(array, array)), dims, keepdim)))
    size = np.abs(array)
    if order == math.inf:
        return maximum_reduce(size, dims, None, None, keepdim)
    if order == -math.inf:
        return minimum_reduce(size, dims, None, None, keepdim)
    if order == 0:
        return add_reduce(size != 0, dims, size.dtype, None, keepdim)
    if order == 1:
        return add_reduce(size, dims, None, None, keepdim)
    if order == 2:
        return np.sqrt(add_reduce(size * size, dims, None, None, keepdim))
    return add_reduce(size**order, dims, None, None, keepdim) ** (1 / order)


def _length(array: Array) -> Array:
    return np.asarray(norm_of(array, 2, tuple(range(array.ndim)), False))


class VectorNorm(Operation):
    """`(Σ |x|^order)^(1/order)`; where the norm has a corner its gradient is 0."""

    node_name = "LinalgVectorNormBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor, order: float, dim: Dims, keepdim: bool) -> Any:
        array = input._array
        ctx.order, ctx.shape, ctx.keepdim = order, array.shape, keepdim
        ctx.dims = normalize_dims(dim, array.ndim)
        result = norm_of(widened(array), order, ctx.dims, keepdim)
        out = wrap(as_result(np.asarray(result), array.dtype))
        ctx.save_for_backward(input, out)
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        input, out = ctx.saved_tensors
        return _norm_gradient(ctx, grad, input, out), None, None, None


def _norm_gradient(ctx: Any, grad: Tensor, input: Tensor, out: Tensor) -> Tensor:
    order = ctx.order
    if order == 0:
        return input * 0
    grad, out = spread(grad, ctx), spread(out, ctx)
    if order == 1:
        return input.sgn() * grad
    at_zero = out == 0
    if order == 2:
        return grad * (input / out).masked_fill(at_zero, 0)
    if math.isinf(order):
        # Elements that equal the extremum share the gradient.
        reached = input.abs()._array == out._array
        share = reached / add_reduce(reached, ctx.dims, keepdims=True)
        return input.sgn() * grad * wrap(share.astype(grad._array.dtype))
    size = input.abs()
    power = size ** (order - 1)
    if order < 2:
        power = power.masked_fill(wrap(size._array == 0), 0)
    return input.sgn() * power * (grad * out ** (1 - order)).masked_fill(at_zero, 0)


def vector_norm(
    input: Tensor,
    order: float = 2.0,
    dim: Dims = None,
    keepdim: bool = False,
    dtype: dtypes.dtype | None = None,
    operation: type[VectorNorm] = VectorNorm,
) -> Tensor:
    """The vector norm of the elements over `dim` (all if None); errors as for `norm`."""
    if order == 2 and dim is None and dtype is None and not keepdim:
        quick = quickly(_length, input)
        if quick is not None:
            return quick
    input = in_norm_type("linalg.vector_norm", input, dtype)
    array = input._array
    if not array.size and (order < 0 or order == math.inf):
        _check_identity(array, order, dim)
    return operation.apply(input, float(order), dim, keepdim)


def in_norm_type(name: str, input: Tensor, dtype: dtypes.dtype | None) -> Tensor:
    """The input in the type in which its norm is wanted; RuntimeError for integers, and for a type that holds less."""
    given = input.dtype
    if input._array.dtype.kind in "biu":
        raise RuntimeError(f"{name}: Expected a floating point or complex tensor as input. Got {given.legacy_name}")
    if dtype is None or dtype is given:
        return input
    if not (dtype.is_floating_point or dtype.is_complex):
        raise RuntimeError(f"{name}: dtype should be floating point or complex, but got {dtype.legacy_name}")
    if given.is_complex != dtype.is_complex:
        kind = "complex" if given.is_complex else "real"
        raise RuntimeError(f"{name}: dtype should be {kind} for {kind} inputs, but got {dtype.legacy_name}")
    if dtypes.promote_types(given, dtype) is not dtype:
        raise RuntimeError(
            f"{name}: the dtype of the input ({given.legacy_name}) should be convertible without narrowing to the "
            f"specified dtype ({dtype.legacy_name})"
        )
    return input.to(dtype)


def _check_identity(array: Array, order: float, dim: Dims) -> None:
    """Raise where an extremum is asked of no elements."""
    text = f"{order:g}"
    if dim is None:
        raise RuntimeError(
            f"linalg.vector_norm cannot compute the {text} norm on an empty tensor because the operation does not "
            f"have an identity"
        )
    for d in normalize_dims(dim, array.ndim):
        if array.shape[d] == 0:
            raise RuntimeError(
                f"linalg.vector_norm cannot compute the {text} norm on the dimension {d}because this dimension is "
                "empty and the operation does not have an identity"
            )


def norm(
    input: Tensor,
    p: float | str | None = "fro",
    dim: Dims = None,
    keepdim: bool = False,
    out: Tensor | None = None,
    dtype: dtypes.dtype | None = None,
) -> Tensor:
    """`(Σ |x|^p)^(1/p)` over `dim` (all dimensions if None); `"fro"` is p = 2, `"nuc"` the sum of the singular values.

    p = 0 counts the elements that are not 0, p = ±inf gives the greatest or least size. Raises RuntimeError
    for integers, for another text, and for an infinite p over no elements.

    >>> import rushlight as torch
    >>> torch.norm(torch.tensor([3.0, 4.0]))
    tensor(5.)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.norm.html
    """
    check_tensor("norm", "input", 1, input)
    if isinstance(p, str) and p not in ("fro", "nuc"):
        raise RuntimeError(f"linalg.matrix_norm: Order {p} not supported.")
    if p == "nuc":
        return into(out, nuclear_norm_of(in_norm_type("linalg.matrix_norm", input, dtype), dim, keepdim))
    order = 2.0 if p is None or p == "fro" else float(p)
    return into(out, vector_norm(input, order, dim, keepdim, dtype))


def last_two(input: Tensor, first: int, last: int) -> Tensor:
    """The tensor with two dimensions, counted from the front, moved to the end."""
    ndim = input.ndim
    return input if (first, last) == (ndim - 2, ndim - 1) else input.movedim((first, last), (-2, -1))


def nuclear_norm_of(input: Tensor, dim: Dims, keepdim: bool) -> Tensor:
    """The sum of the singular values of the matrices in two dimensions; RuntimeError for any other number of them."""
    ndim = input._array.ndim
    if ndim < 2:
        raise RuntimeError("linalg.matrix_norm: The input tensor A must have at least 2 dimensions.")
    dims = normalize_dims((-2, -1) if dim is None else dim, ndim)
    if len(dims) != 2:
        raise RuntimeError(f"linalg.matrix_norm: dim must be a 2-tuple, but got {dim}")
    out = svdvals(last_two(input, *dims)).sum(-1)
    return out.reshape(kept_shape(input._array.shape, dims)) if keepdim else out


class Norm(VectorNorm):
    """The same, as the older functions compute it."""

    node_name = "NormBackward1"


def frobenius_norm(input: Tensor, dim: Dims, keepdim: bool = False, *, out: Tensor | None = None) -> Tensor:
    """The root of the sum of squares over one or two dimensions, or all if `dim` is (). Warns: `linalg.vector_norm` is
    newer.

    Raises RuntimeError for more than two dimensions and for integers.

    >>> import warnings
    >>> import rushlight as torch
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")
    ...     length = torch.frobenius_norm(torch.tensor([[3.0, 4.0]]), 1)
    >>> length
    tensor([5.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.linalg.vector_norm.html
    """
    check_tensor("frobenius_norm", "input", 1, input)
    warnings.warn(
        "at::frobenius_norm is deprecated and it is just left for JIT compatibility. It will be removed in a future "
        "PyTorch release. Please use `linalg.vector_norm(A, 2., dim, keepdim)` instead",
        stacklevel=2,
    )
    count = 1 if isinstance(dim, int) else len(dim or ())
    if count > 2:
        raise RuntimeError(f"Expected at most 2 dimensions, but got {count} dimensions instead.")
    if input._array.dtype.kind in "biu":
        raise RuntimeError(
            f"norm(): input dtype should be either floating point or complex. Got {input.dtype.legacy_name} instead."
        )
    return into(out, vector_norm(input, 2.0, dim, keepdim, operation=Norm))


def nuclear_norm(
    input: Tensor, dim: Dims | bool = (-2, -1), keepdim: bool = False, *, out: Tensor | None = None
) -> Tensor:
    """The sum of the singular values of the matrices in two dimensions. Warns: `linalg.matrix_norm` is newer.

    `keepdim` may come in the place of `dim`. Raises RuntimeError for fewer than two dimensions.

    >>> import warnings
    >>> import rushlight as torch
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")
    ...     total = torch.nuclear_norm(torch.tensor([[3.0, 0.0], [0.0, -4.0]]))
    >>> total
    tensor(7.)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.linalg.matrix_norm.html
    """
    check_tensor("nuclear_norm", "input", 1, input)
    warnings.warn(
        "at::nuclear_norm is deprecated and it is just left for JIT compatibility. It will be removed in a future "
        "PyTorch release. Please use `linalg.matrix_norm(A, 'nuc', dim, keepdim)` instead",
        stacklevel=2,
    )
    dims, kept = ((-2, -1), dim) if isinstance(dim, bool) else (dim, keepdim)
    return into(out, nuclear_norm_of(in_norm_type("linalg.matrix_norm", input, None), dims, kept))


class NormMethods:
    """The norm as a method of Tensor."""

    def norm(
        self: Any, p: float | str | None = "fro", dim: Dims = None, keepdim: bool = False, dtype: Any = None
    ) -> Any:
        """The norm over `dim`; see `rushlight.norm`."""
        return norm(self, p, dim, keepdim, dtype=dtype)
