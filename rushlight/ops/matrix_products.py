"""Products of several matrices, of vectors in space, and equations of tensors read as matrices.

They are made of the products of two matrices, with gradients of every order.
"""

from __future__ import annotations

import functools
import operator
import warnings
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import kernels
from rushlight.autograd.grad_mode import state
from rushlight.autograd.operation import Operation
from rushlight.autograd.variable import Variable, wrap
from rushlight.ops._geometry import wrap_dim
from rushlight.ops._numeric import check_tensor, not_implemented
from rushlight.ops._out import into
from rushlight.ops._quick import quickly
from rushlight.ops.arithmetic import conj_of
from rushlight.ops.einsum import kron
from rushlight.ops.joining import cat
from rushlight.ops.linalg import Inverse, check_floating, check_matrix, check_same_type, checked, solve
from rushlight.ops.matmul import matmul
from rushlight.ops.promotion import check_broadcast, unbroadcast

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

__all__ = ["chain_matmul", "cross", "matrix_power"]


def matrix_power(input: Tensor, n: int, *, out: Tensor | None = None) -> Tensor:
    """The n-th power of square matrices, `(*, m, m)` → `(*, m, m)`, by squaring; of the inverse if n < 0.

    Raises RuntimeError for what is not square, LinAlgError for the inverse of a singular matrix.

    >>> import rushlight as torch
    >>> torch.linalg.matrix_power(torch.tensor([[1.0, 1.0], [0.0, 1.0]]), 3)
    tensor([[1., 3.],
            [0., 1.]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.linalg.matrix_power.html
    """
    array = check_matrix("linalg.matrix_power", input)
    if not isinstance(n, int | np.integer):
        raise TypeError(f"linalg_matrix_power(): argument 'n' (position 2) must be int, not {type(n).__name__}")
    if n == 0:
        # A copy with the input's history, of which nothing is left in it.
        eye = np.array(np.broadcast_to(np.eye(array.shape[-1], dtype=array.dtype), array.shape))
        return into(out, Replaced.apply(input, wrap(eye)))
    result, square = None, input
    if n < 0:
        checked("linalg.inv", input)
        square, n = Inverse.apply(input, "linalg.inv")[0], -n
    while n:
        if n & 1:
            result = square if result is None else matmul(result, square)
        n >>= 1
        square = matmul(square, square) if n else square
    assert result is not None
    return into(out, result.clone() if result is input else result)


class Replaced(Operation):
    """Other elements in the place of a tensor's, to which no gradient passes."""

    node_name = "CopyBackwards"

    @staticmethod
    def forward(ctx: Any, input: Tensor, elements: Tensor) -> Any:
        return elements._array

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return grad * 0, None


def _check_chain(tensors: Sequence[Tensor]) -> None:
    count = len(tensors)
    if count < 2:
        raise RuntimeError(f"multi_dot(): expected at least 2 tensors but got {count}")
    for i, t in enumerate(tensors):
        rank = t._array.ndim
        if i in (0, count - 1):
            if rank not in (1, 2):
                place = "first" if i == 0 else "last"
                raise RuntimeError(f"multi_dot(): the {place} tensor must be 1D or 2D but got {rank}D")
        elif rank != 2:
            raise RuntimeError(f"multi_dot(): tensor {i} must be 2D but got {rank}D")
        if t._array.dtype != tensors[0]._array.dtype:
            raise RuntimeError(
                f"multi_dot(): all tensors must have be the same dtype but tensor 0 is {tensors[0].dtype.name} and "
                f"tensor {i} {t.dtype.name}"
            )
    for i in range(count - 1):
        left, right = tensors[i], tensors[i + 1]
        if left.shape[-1] != right.shape[0]:
            raise RuntimeError(
                f"multi_dot(): tensors {i} and {i + 1} with shapes {list(left.shape)} and {list(right.shape)} cannot "
                "be multiplied"
            )


@functools.lru_cache(maxsize=256)
def _splits(lengths: tuple[int, ...]) -> dict[tuple[int, int], int]:
    """After which matrix to split each part of a chain, so that the fewest numbers are multiplied (Godbole, 1973)."""
    count = len(lengths) - 1
    cost = {(i, i): 0 for i in range(count)}
    split = {}
    for span in range(1, count):
        for i in range(count - span):
            j = i + span
            ends = lengths[i] * lengths[j + 1]
            cost[i, j], split[i, j] = min((cost[i, k] + cost[k + 1, j] + ends * lengths[k + 1], k) for k in range(i, j))
    return split


def _chained(chain: Sequence[Any], lengths: Sequence[int], multiply: Callable[[Any, Any], Any]) -> Any:
    """The product of matrices, rows and columns of which are `lengths`, in the order that costs least."""
    split = _splits(tuple(lengths))

    def part(i: int, j: int) -> Any:
        if i == j:
            return chain[i]
        return multiply(part(i, split[i, j]), part(split[i, j] + 1, j))

    return part(0, len(chain) - 1)


def _chain_of_arrays(*arrays: Any) -> Any:
    lengths = [array.shape[0] for array in arrays if array.ndim == 2]
    if len(lengths) < len(arrays) or lengths[1:] != [array.shape[1] for array in arrays[:-1]]:
        raise ValueError("no chain of matrices")
    return _chained(arrays, [*lengths, arrays[-1].shape[1]], kernels.gemm)


def multi_dot(tensors: Sequence[Tensor], *, out: Tensor | None = None) -> Tensor:
    """The product of two or more matrices, in the order of multiplication that costs least.

    The first may be a vector, taken as a row, the last too, taken as a column; the result then lacks that dimension.
    Raises RuntimeError for other ranks, lengths that do not match, types that differ and fewer than two tensors.

    >>> import rushlight as torch
    >>> torch.linalg.multi_dot([torch.ones(2, 3), torch.ones(3, 4), torch.ones(4)])
    tensor([12., 12.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.linalg.multi_dot.html
    """
    if isinstance(tensors, Variable):
        raise TypeError("linalg_multi_dot(): argument 'tensors' (position 1) must be tuple of Tensors, not Tensor")
    if state.casts is None and out is None and len(tensors) > 1:
        result = quickly(_chain_of_arrays, *tensors)
        if result is not None:
            return result
    _check_chain(tensors)
    row, column = tensors[0]._array.ndim == 1, tensors[-1]._array.ndim == 1
    chain = list(tensors)
    chain[0] = chain[0].unsqueeze(0) if row else chain[0]
    chain[-1] = chain[-1].unsqueeze(-1) if column else chain[-1]
    part = _chained(chain, [t.shape[0] for t in chain] + [chain[-1].shape[-1]], matmul)
    shape = (() if row else (chain[0].shape[0],)) + (() if column else (chain[-1].shape[-1],))
    return into(out, part.view(shape))


def chain_matmul(*matrices: Tensor, out: Tensor | None = None) -> Tensor:
    """`linalg.multi_dot` of matrices given one by one; of one, itself. Errors as there. Warns.

    >>> import warnings
    >>> import rushlight as torch
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")
    ...     product = torch.chain_matmul(torch.ones(1, 2), torch.ones(2, 1))
    >>> product
    tensor([[2.]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.chain_matmul.html
    """
    warnings.warn(
        "torch.chain_matmul is deprecated and will be removed in a future PyTorch release. Use torch.linalg.multi_dot "
        "instead, which accepts a list of two or more tensors rather than multiple parameters.",
        stacklevel=2,
    )
    if not matrices:
        raise RuntimeError("chain_matmul(): Expected one or more matrices")
    for i, matrix in enumerate(matrices):
        if not isinstance(matrix, Variable):
            raise TypeError(f"expected Tensor as element {i} in argument 0, but got {type(matrix).__name__}")
        if matrix._array.ndim != 2:
            raise RuntimeError(f"Tensor dimension is {matrix._array.ndim}, expected 2 instead.")
    return into(out, matrices[0]) if len(matrices) == 1 else multi_dot(matrices, out=out)


def _thirds(array: Any, dim: int) -> tuple[Any, Any, Any]:
    """The three parts of a dimension of three."""
    if dim == array.ndim - 1:
        return array[..., 0], array[..., 1], array[..., 2]
    before = (slice(None),) * dim
    return array[(*before, 0)], array[(*before, 1)], array[(*before, 2)]


class Cross(Operation):
    """The cross product of vectors along a dimension of length 3."""

    node_name = "LinalgCrossBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor, other: Tensor, dim: int) -> Any:
        ctx.dim = dim
        ctx.save_for_backward(input, other)
        a, b = input._array, other._array
        result = np.empty(a.shape if a.shape == b.shape else np.broadcast_shapes(a.shape, b.shape), a.dtype)
        (a0, a1, a2), (b0, b1, b2), (r0, r1, r2) = _thirds(a, dim), _thirds(b, dim), _thirds(result, dim)
        for out, first, second, third, fourth in ((r0, a1, b2, a2, b1), (r1, a2, b0, a0, b2), (r2, a0, b1, a1, b0)):
            np.multiply(first, second, out)
            np.subtract(out, np.multiply(third, fourth), out)
        return result

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        input, other = ctx.saved_tensors
        needs = ctx.needs_input_grad
        return (
            unbroadcast(Cross.apply(conj_of(other), grad, ctx.dim), input) if needs[0] else None,
            unbroadcast(Cross.apply(grad, conj_of(input), ctx.dim), other) if needs[1] else None,
            None,
        )


def linalg_cross(input: Tensor, other: Tensor, *, dim: int = -1, out: Tensor | None = None) -> Tensor:
    """The cross product of vectors of three elements, along `dim`; the other dimensions broadcast.

    Raises RuntimeError where a dimension has another length than 3, and for numbers of dimensions and types that
    differ, IndexError for a dim out of range.

    >>> import rushlight as torch
    >>> torch.linalg.cross(torch.tensor([1.0, 0.0, 0.0]), torch.tensor([0.0, 1.0, 0.0]))
    tensor([0., 0., 1.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.linalg.cross.html
    """
    check_tensor("linalg_cross", "input", 1, input)
    check_tensor("linalg_cross", "other", 2, other)
    a, b = input._array, other._array
    if a.ndim != b.ndim:
        raise RuntimeError("linalg.cross: inputs must have the same number of dimensions.")
    place = wrap_dim(dim, a.ndim)
    lengths = (a.shape[place], b.shape[place]) if a.ndim else (1, 1)
    if lengths != (3, 3):
        raise RuntimeError(
            f"linalg.cross: inputs dimension {dim} must have length 3. Got {lengths[0]} and {lengths[1]}"
        )
    if a.shape != b.shape:
        check_broadcast(np.empty(a.shape, bool), np.empty(b.shape, bool))
    if a.dtype != b.dtype:
        raise RuntimeError(f"expected scalar type {input.dtype.legacy_name} but found {other.dtype.legacy_name}")
    if a.dtype.kind == "b":
        raise not_implemented("cross", a.dtype)
    return into(out, Cross.apply(input, other, place))


def cross(input: Tensor, other: Tensor, dim: int | None = None, *, out: Tensor | None = None) -> Tensor:
    """`linalg.cross` along `dim`, or along the first dimension of length 3 if None (warns).

    The shapes broadcast. Raises RuntimeError where that dimension is not of length 3.

    >>> import rushlight as torch
    >>> torch.cross(torch.tensor([[1.0, 0.0, 0.0]]), torch.tensor([[0.0, 1.0, 0.0]]), dim=1)
    tensor([[0., 0., 1.]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.cross.html
    """
    if dim is None:
        warnings.warn(
            "Using torch.cross without specifying the dim arg is deprecated.\nPlease either pass the dim explicitly or "
            "simply use torch.linalg.cross.\nThe default value of dim will change to agree with that of linalg.cross "
            "in a future release.",
            stacklevel=2,
        )
        check_tensor("cross", "input", 1, input)
        dim = next((i for i, n in enumerate(input.shape) if n == 3), None)
        if dim is None:
            raise RuntimeError("no dimension of size 3 in input")
    return linalg_cross(input, other, dim=dim, out=out)


def vecdot(x: Tensor, y: Tensor, *, dim: int = -1, out: Tensor | None = None) -> Tensor:
    """The sums `Σ conj(x) y` along a dimension; the others broadcast.

    Raises RuntimeError for integers and types that differ, IndexError for a dim out of range.

    >>> import rushlight as torch
    >>> torch.linalg.vecdot(torch.tensor([[1.0, 2.0], [3.0, 4.0]]), torch.tensor([1.0, 1.0]))
    tensor([3., 7.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.linalg.vecdot.html
    """
    if state.casts is not None and out is None:
        return state.casts.lower(vecdot, x, y, dim=dim)
    check_tensor("linalg_vecdot", "x", 1, x)
    check_tensor("linalg_vecdot", "y", 2, y)
    if x._array.dtype.kind in "biu":
        check_floating("linalg.vecdot", x)
    check_same_type("linalg.vecdot", x, y, "x", "y")
    return into(out, (conj_of(x) * y).sum(dim))


def diagonal(A: Tensor, *, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """The diagonal of matrices `(*, m, n)`, in the last two dimensions unless told otherwise, as a view:
    `torch.diagonal`.

    Raises IndexError for a dim out of range, RuntimeError for one dimension named twice.

    >>> import rushlight as torch
    >>> torch.linalg.diagonal(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor([1., 4.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.linalg.diagonal.html
    """
    check_tensor("linalg_diagonal", "A", 1, A)
    return A.diagonal(offset, dim1, dim2)


def vander(x: Tensor, *, N: int | None = None) -> Tensor:
    """The powers of each element from the 0-th up: `(*, n)` → `(*, n, N)`, N = n if None.

    Raises RuntimeError for N below 2, booleans and the types of 16 bits.

    >>> import rushlight as torch
    >>> torch.linalg.vander(torch.tensor([1, 2, 3]), N=3)
    tensor([[1, 1, 1],
            [1, 2, 4],
            [1, 3, 9]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.linalg.vander.html
    """
    check_tensor("linalg_vander", "x", 1, x)
    array = x._array
    if array.dtype.char not in "fdFD" and array.dtype.kind not in "iu":
        raise RuntimeError(
            "linalg.vander supports floating point, complex, and integer tensors, but got " + x.dtype.legacy_name
        )
    if x.ndim == 0:
        x = x.unsqueeze(-1)
    shape = tuple(x.shape)
    count = shape[-1] if N is None else int(N)
    if count <= 1:
        raise RuntimeError("N must be greater than 1.")
    powers = x.unsqueeze(-1).expand(*shape, count - 1)
    powers = powers.cumprod(-1)
    return cat([wrap(np.ones((*shape, 1), powers._array.dtype)), powers], -1)


def tensorinv(input: Tensor, ind: int = 2, *, out: Tensor | None = None) -> Tensor:
    """The inverse of a tensor read as a square matrix: its first `ind` dimensions are the rows, the rest the columns.

    `(*rows, *columns)` → `(*columns, *rows)`: the inverse of `x → tensordot(A, x, x.ndim)`. Raises RuntimeError where
    there are not as many rows as columns and for ind below 1, LinAlgError where there is no inverse.

    >>> import rushlight as torch
    >>> torch.linalg.tensorinv(torch.eye(6).reshape(6, 2, 3), ind=1).shape
    torch.Size([2, 3, 6])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.linalg.tensorinv.html
    """
    if state.casts is not None and out is None:
        return state.casts.float32(tensorinv, input, ind)
    check_tensor("linalg_tensorinv", "input", 1, input)
    if ind <= 0:
        raise RuntimeError(f"Expected a strictly positive integer for 'ind', but got {ind}")
    shape = tuple(input.shape)
    if ind > len(shape):
        raise RuntimeError(f"linalg.tensorinv: ind is {ind}, but the tensor has {len(shape)} dimensions")
    first, last = shape[:ind], shape[ind:]
    rows, columns = _count(first), _count(last)
    if rows != columns:
        raise RuntimeError(
            "Expected self to satisfy the requirement prod(self.shape[ind:]) == prod(self.shape[:ind]), but got "
            f"{columns} != {rows}"
        )
    matrix = input.reshape(rows, columns)
    checked("linalg.inv", matrix)
    return into(out, Inverse.apply(matrix, "inv")[0].reshape(*last, *first))


def _count(shape: tuple[int, ...]) -> int:
    return functools.reduce(operator.mul, shape, 1)


def tensorsolve(
    input: Tensor, other: Tensor, dims: Sequence[int] | None = None, *, out: Tensor | None = None
) -> Tensor:
    """X of `tensordot(A, X, X.ndim) = B`: A's first dimensions, B's, are rows of a square matrix, the rest its columns.

    `dims` of A are first moved to the end. Raises RuntimeError where there are not as many rows as columns, and where
    types differ, LinAlgError where there is no solution.

    >>> import rushlight as torch
    >>> torch.linalg.tensorsolve(torch.eye(4).reshape(2, 2, 4) * 2, torch.ones(2, 2))
    tensor([0.5000, 0.5000, 0.5000, 0.5000])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.linalg.tensorsolve.html
    """
    if state.casts is not None and out is None:
        return state.casts.float32(tensorsolve, input, other, dims)
    check_tensor("linalg_tensorsolve", "input", 1, input)
    check_tensor("linalg_tensorsolve", "other", 2, other)
    if dims is not None:
        input = input.movedim(tuple(dims), tuple(range(input.ndim - len(dims), input.ndim)))
    first, last = tuple(input.shape[: other.ndim]), tuple(input.shape[other.ndim :])
    rows, columns = _count(first), _count(last)
    if rows != columns:
        raise RuntimeError(
            "Expected self to satisfy the requirement prod(self.shape[other.ndim:]) == prod(self.shape[:other.ndim]), "
            f"but got {columns} != {rows}"
        )
    result = solve(input.reshape(rows, columns), other.reshape(-1))
    return into(out, result.reshape(last))


class MatrixProductMethods:
    """These functions as methods of Tensor."""

    kron = kron

    def cross(self: Any, other: Any, dim: int | None = None) -> Any:
        """The cross product; see `rushlight.cross`."""
        return cross(self, other, dim)

    def matrix_power(self: Any, n: int) -> Any:
        """A power of square matrices; see `rushlight.linalg.matrix_power`."""
        return matrix_power(self, n)
