"""Copies with elements repeated, reversed, moved or masked: `repeat`, `flip`, `roll`, `rot90`, `tril`, `triu`.

Each element of the result is one of the input's, to which its gradient goes.

Source: https://docs.pytorch.org/docs/2.13/generated/torch.flip.html
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import kernels
from rushlight.autograd.operation import Operation
from rushlight.autograd.transforms import as_one
from rushlight.autograd.variable import wrap
from rushlight.kernels.index import take_along
from rushlight.ops._geometry import Array, Shape, dense_copy, shape_text, sizes, wrap_dim, wrap_dims
from rushlight.ops._numeric import check_tensor
from rushlight.ops._out import into, plain
from rushlight.ops._quick import free
from rushlight.ops.broadcast import expand
from rushlight.ops.shape import reshape, unsqueeze

if TYPE_CHECKING:
    from rushlight.tensor import Tensor


__all__ = ["flip", "fliplr", "flipud", "repeat_interleave", "roll", "rot90", "tile", "tril", "triu"]


_WHOLE, _BACKWARDS = slice(None), slice(None, None, -1)


class Repeat(Operation):
    """The tensor laid side by side with itself."""

    node_name = "RepeatBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor, repeats: Shape) -> Array:
        array = input._array
        ctx.shape, ctx.repeats = array.shape, repeats
        return np.tile(array, repeats) if repeats else array.copy()

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        shape, repeats = ctx.shape, ctx.repeats
        if 0 in repeats:
            return wrap(np.zeros(shape, grad._array.dtype)), None
        new = len(repeats) - len(shape)
        split: list[int] = []
        for count, length in zip(repeats, (1,) * new + shape, strict=True):
            split += [count, length]
        dims = list(range(0, len(split), 2))
        total = reshape(grad, tuple(split)).sum(dims) if dims else grad
        return reshape(total, shape), None


class Flip(Operation):
    """Dimensions reversed."""

    node_name = "FlipBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor, dims: Shape) -> Array:
        ctx.dims = dims
        return Flip.turned(input._array, dims)

    @staticmethod
    def turned(array: Array, dims: Shape) -> Array:
        """A copy of an array with dimensions reversed."""
        if not array.ndim:
            return dense_copy(array, "K")
        key = tuple([_BACKWARDS if dim in dims else _WHOLE for dim in range(array.ndim)])
        return dense_copy(array[key], "K")

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return Flip.apply(grad, ctx.dims), None


def _rolled(array: Array, shift: int, dim: int) -> Array:
    """A copy with a dimension's elements moved on; those that leave come in at the other end."""
    length = array.shape[dim] if array.ndim else 0
    out = np.empty(array.shape, array.dtype)
    if not length:
        out[...] = array
        return out
    shift %= length
    before = (_WHOLE,) * dim
    kernels.copy_into(out[(*before, slice(shift, None))], array[(*before, slice(None, length - shift))])
    kernels.copy_into(out[(*before, slice(None, shift))], array[(*before, slice(length - shift, None))])
    return out


class Roll(Operation):
    """Elements moved along dimensions, those that leave at one end entering at the other."""

    node_name = "RollBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor, shifts: Shape, dims: Shape) -> Array:
        ctx.shifts, ctx.dims = shifts, dims
        array = input._array
        if not dims:
            return _rolled(array.reshape(-1), shifts[0], 0).reshape(array.shape)
        for shift, dim in zip(shifts, dims, strict=True):
            array = _rolled(array, shift, dim)
        return array

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return Roll.apply(grad, tuple([-shift for shift in ctx.shifts]), ctx.dims), None, None


class Rot90(Operation):
    """Turned by quarter turns in a plane."""

    node_name = "Rot90Backward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor, k: int, dims: Shape) -> Array:
        ctx.k, ctx.dims = k, dims
        return np.rot90(input._array, k, (dims[0], dims[1])).copy("K")

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return Rot90.apply(grad, -ctx.k, ctx.dims), None, None


class Tril(Operation):
    """The lower triangle of matrices, zeros above."""

    node_name = "TrilBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor, diagonal: int) -> Array:
        ctx.diagonal = diagonal
        return kernels.triangle(input._array, diagonal, True)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return Tril.apply(grad, ctx.diagonal), None


class Triu(Operation):
    """The upper triangle of matrices, zeros below."""

    node_name = "TriuBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor, diagonal: int) -> Array:
        ctx.diagonal = diagonal
        return kernels.triangle(input._array, diagonal, False)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return Triu.apply(grad, ctx.diagonal), None


def repeat(input: Tensor, *repeats: Any, **named: Any) -> Tensor:
    """The tensor laid side by side with itself so many times along each dimension (a copy).

    RuntimeError for fewer numbers than dimensions.

    >>> import rushlight as torch
    >>> torch.tensor([1, 2]).repeat(2, 2)
    tensor([[1, 2, 1, 2],
            [1, 2, 1, 2]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.Tensor.repeat.html
    """
    counts = sizes((named["repeats"],) if named else repeats, "repeat", "repeats")
    shape = input._array.shape
    if len(counts) < len(shape):
        raise RuntimeError("Number of dimensions of repeat dims can not be smaller than number of dimensions of tensor")
    full = [count * length for count, length in zip(counts, (1,) * (len(counts) - len(shape)) + shape, strict=True)]
    if any(count < 0 for count in counts):
        raise RuntimeError(f"Trying to create tensor with negative dimension {min(full)}: {shape_text(full)}")
    return Repeat.apply(input, counts)


def tile(input: Tensor, *dims: Any, **named: Any) -> Tensor:
    """The tensor repeated along each dimension: `repeat` that takes fewer numbers than dimensions, meaning the last
    ones.

    Raises RuntimeError for negative numbers.

    >>> import rushlight as torch
    >>> torch.tile(torch.tensor([[1, 2]]), (2, 2))
    tensor([[1, 2, 1, 2],
            [1, 2, 1, 2]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.tile.html
    """
    counts = sizes((named["dims"],) if named else dims, "tile", "dims")
    return repeat(input, (1,) * (input._array.ndim - len(counts)) + counts)


@as_one
def repeat_interleave(
    input: Tensor, repeats: int | Tensor | None = None, dim: int | None = None, *, output_size: int | None = None
) -> Tensor:
    """Each element of a dimension repeated, all as often or each its own number; without `dim`, all elements in a row.

    Given one tensor alone: each index as often as the tensor says.

    Raises RuntimeError for negative numbers and for a number of them that does not fit, IndexError for a dim out of
    range.

    >>> import rushlight as torch
    >>> torch.tensor([1, 2]).repeat_interleave(torch.tensor([2, 1]))
    tensor([1, 1, 2])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.repeat_interleave.html
    """
    if dim.__class__ is int and repeats.__class__ is int and repeats > 0 and output_size is None:
        array = free(input, "fdlib?")
        if array is not None and array.size and -array.ndim <= dim < array.ndim:
            dim %= array.ndim
            return plain(take_along(array, dim, _repeated(array.shape[dim], repeats)))
    check_tensor("repeat_interleave", "input", 1, input)
    if repeats is not None and not isinstance(repeats, int):
        check_tensor("repeat_interleave", "repeats", 2, repeats)
    if repeats is None:
        return wrap(np.repeat(np.arange(input._array.size), _counts(input)))
    if dim is None:
        input, dim = reshape(input, (-1,) if input._array.size else (0,)), 0
    dim = wrap_dim(dim, input._array.ndim)
    shape = input._array.shape
    if isinstance(repeats, int):
        if repeats < 0:
            raise RuntimeError("Repeats must be non-negative")
        wide = expand(unsqueeze(input, dim + 1), (*shape[: dim + 1], repeats, *shape[dim + 1 :]))
        return reshape(wide.clone(), (*shape[:dim], shape[dim] * repeats, *shape[dim + 1 :]))
    counts = _counts(repeats)
    if counts.ndim > 1:
        raise RuntimeError("repeats must be 0-dim or 1-dim tensor")
    if counts.size == 1:
        counts = np.full(shape[dim], counts.reshape(-1)[0])
    if counts.size != shape[dim]:
        raise RuntimeError(
            f"repeats must have the same size as input along dim, but got repeats.size(0) = {counts.size} and "
            f"input.size({dim}) = {shape[dim]}"
        )
    if output_size is not None and output_size != counts.sum():
        raise RuntimeError("allocated size does not match required size")
    return input.index_select(dim, wrap(np.repeat(np.arange(shape[dim]), counts)))


@functools.lru_cache(64)
def _repeated(length: int, repeats: int) -> Array:
    return np.repeat(np.arange(length), repeats)


def _counts(repeats: Tensor) -> Array:
    counts = repeats._array
    if counts.dtype.kind not in "iu":
        raise NotImplementedError(f"\"repeat_interleave_cpu\" not implemented for '{repeats.dtype.legacy_name}'")
    if (counts < 0).any():
        raise RuntimeError("repeats can not be negative")
    return counts


def flip(input: Tensor, *dims: Any, **named: Any) -> Tensor:
    """A copy with the dimensions of `dims` reversed: the shape stays.

    Raises IndexError for a dim out of range, RuntimeError for one named twice.

    >>> import rushlight as torch
    >>> torch.tensor([[1, 2], [3, 4]]).flip(1)
    tensor([[2, 1],
            [4, 3]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.flip.html
    """
    first = dims[0] if len(dims) == 1 and not named else None
    if first.__class__ is tuple and len(first) == 1 and first[0].__class__ is int:
        array = free(input)
        if array is not None and 0 <= first[0] < array.ndim:
            return plain(Flip.turned(array, first))
    check_tensor("flip", "input", 1, input)
    chosen = sizes((named["dims"],) if named else dims, "flip", "dims")
    return Flip.apply(input, wrap_dims(chosen, input._array.ndim))


def fliplr(input: Tensor) -> Tensor:
    """A copy with dimension 1 reversed, left to right: `(m, n, *)` stays. Raises RuntimeError for fewer dimensions.

    >>> import rushlight as torch
    >>> torch.fliplr(torch.tensor([[1, 2], [3, 4]]))
    tensor([[2, 1],
            [4, 3]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.fliplr.html
    """
    check_tensor("fliplr", "input", 1, input)
    if input._array.ndim < 2:
        raise RuntimeError("Input must be >= 2-d.")
    return Flip.apply(input, (1,))


def flipud(input: Tensor) -> Tensor:
    """A copy with dimension 0 reversed, upside down: `(m, *)` stays. Raises RuntimeError for a scalar.

    >>> import rushlight as torch
    >>> torch.flipud(torch.tensor([[1, 2], [3, 4]]))
    tensor([[3, 4],
            [1, 2]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.flipud.html
    """
    check_tensor("flipud", "input", 1, input)
    if input._array.ndim < 1:
        raise RuntimeError("Input must be >= 1-d.")
    return Flip.apply(input, (0,))


def roll(input: Tensor, shifts: int | Sequence[int], dims: int | Sequence[int] | None = None) -> Tensor:
    """Elements moved by `shifts` along `dims`, wrapping around; without `dims`, through all elements in a row.

    Raises RuntimeError where `shifts` and `dims` differ in number, IndexError for a dim out of range.

    >>> import rushlight as torch
    >>> torch.arange(4).roll(1)
    tensor([3, 0, 1, 2])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.roll.html
    """
    check_tensor("roll", "input", 1, input)
    steps = (shifts,) if isinstance(shifts, int) else tuple(shifts)
    chosen = () if dims is None else (dims,) if isinstance(dims, int) else tuple(dims)
    if chosen and not input._array.ndim:
        raise IndexError(f"Dimension specified as {chosen[0]} but tensor has no dimensions")
    if not steps:
        raise RuntimeError("`shifts` required")
    if len(steps) != len(chosen) and (chosen or len(steps) != 1):
        raise RuntimeError(f"shifts and dimensions must align. shifts: {len(steps)}, dims:{len(chosen)}")
    return Roll.apply(input, steps, tuple([wrap_dim(dim, input._array.ndim) for dim in chosen]))


def rot90(input: Tensor, k: int = 1, dims: Sequence[int] = (0, 1)) -> Tensor:
    """A copy turned by `k` quarter turns from the first towards the second of two dimensions, backwards for negative
    `k`.

    An odd `k` exchanges their lengths. Raises RuntimeError for fewer than two dimensions and for one named twice.

    >>> import rushlight as torch
    >>> torch.rot90(torch.tensor([[1, 2], [3, 4]]))
    tensor([[2, 4],
            [1, 3]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.rot90.html
    """
    array = free(input, "fdlib?")
    if array is not None and array.ndim == 2 and k == 1 and tuple(dims) == (0, 1):
        return plain(array.T[::-1].copy("K"))
    check_tensor("rot90", "input", 1, input)
    ndim = input._array.ndim
    if len(dims) != 2:
        raise RuntimeError(f"expected total rotation dims == 2, but got dims = {len(dims)}")
    if ndim < 2:
        raise RuntimeError(f"expected total dims >= 2, but got total dims = {ndim}")
    plane = tuple([wrap_dim(dim, ndim) for dim in dims])
    if plane[0] == plane[1]:
        raise RuntimeError(f"expected rotation dims to be different, but got dim0 = {dims[0]} and dim1 = {dims[1]}")
    return Rot90.apply(input, k, plane)


def tril(input: Tensor, diagonal: int = 0, *, out: Tensor | None = None) -> Tensor:
    """The lower triangle of matrices `(*, m, n)`, of any dtype, with zeros above the given diagonal.

    Raises RuntimeError for fewer than two dimensions.

    >>> import rushlight as torch
    >>> torch.ones(2, 2).tril()
    tensor([[1., 0.],
            [1., 1.]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.tril.html
    """
    array = free(input, "fdlib?")
    if out is None and diagonal.__class__ is int and array is not None and array.ndim > 1:
        return plain(kernels.triangle(array, diagonal, True))
    check_tensor("tril", "input", 1, input)
    return into(out, Tril.apply(_matrices(input, "tril"), diagonal), exact=True)


def triu(input: Tensor, diagonal: int = 0, *, out: Tensor | None = None) -> Tensor:
    """The upper triangle of matrices `(*, m, n)`, of any dtype, with zeros below the given diagonal.

    Raises RuntimeError for fewer than two dimensions.

    >>> import rushlight as torch
    >>> torch.triu(torch.tensor([[1, 2], [3, 4]]))
    tensor([[1, 2],
            [0, 4]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.triu.html
    """
    array = free(input, "fdlib?")
    if out is None and diagonal.__class__ is int and array is not None and array.ndim > 1:
        return plain(kernels.triangle(array, diagonal, False))
    check_tensor("triu", "input", 1, input)
    return into(out, Triu.apply(_matrices(input, "triu"), diagonal), exact=True)


def tril_(input: Tensor, diagonal: int = 0) -> Tensor:
    """`tril` in place."""
    return Tril.inplace(_matrices(input, "tril"), diagonal)


def triu_(input: Tensor, diagonal: int = 0) -> Tensor:
    """`triu` in place."""
    return Triu.inplace(_matrices(input, "triu"), diagonal)


def _matrices(input: Tensor, name: str) -> Tensor:
    if input._array.ndim < 2:
        raise RuntimeError(f"{name}: input tensor must have at least 2 dimensions")
    return input


class RearrangingMethods:
    """Tensor's methods of this family."""

    flip = flip
    fliplr = fliplr
    flipud = flipud
    repeat = repeat
    repeat_interleave = repeat_interleave
    roll = roll
    rot90 = rot90
    tile = tile
    tril = tril
    tril_ = tril_
    triu = triu
    triu_ = triu_
