"""The gradient of a function of which only samples are known.

It is found from differences of neighbouring samples, whose distances may be given.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rushlight import dtypes
from rushlight.autograd.variable import Variable
from rushlight.ops._geometry import wrap_dims
from rushlight.ops._numeric import check_tensor
from rushlight.ops.joining import cat
from rushlight.ops.slicing import slice_

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

__all__ = ["gradient"]


def _scalar(value: Any) -> bool:
    return isinstance(value, int | float | complex)


def _from_distances(input: Tensor, points: Tensor, dim: int, edge_order: int) -> Tensor:
    """The derivative where samples lie at any places: second-order differences within, one-sided ones at the ends."""
    if points._array.ndim != 1:
        raise RuntimeError(
            "torch.gradient expected each element of spacing to have one dimension, but got an element with "
            f"{points._array.ndim} dimensions!"
        )
    steps = points[1:] - points[:-1]
    shape = [1] * input._array.ndim
    shape[dim] = -1
    left, right = steps[:-1].reshape(shape), steps[1:].reshape(shape)
    before, here, after = _thirds(input, dim)
    centre = (
        -right / (left * (left + right)) * before
        + (right - left) / (left * right) * here
        + left / (right * (left + right)) * after
    )

    def at(place: int) -> Tensor:
        return slice_(input, dim, place, place + 1 if place != -1 else None)

    if edge_order == 1:
        return cat(((at(1) - at(0)) / steps[0], centre, (at(-1) - at(-2)) / steps[-1]), dim)
    a, b, y, z = steps[0], steps[1], steps[-2], steps[-1]
    first = -(2.0 * a + b) / (a * (a + b)) * at(0) + (a + b) / (a * b) * at(1) + -a / (b * (a + b)) * at(2)
    last = z / (y * (z + y)) * at(-3) + -(z + y) / (z * y) * at(-2) + (2 * z + y) / (z * (z + y)) * at(-1)
    return cat((first, centre, last), dim)


def _thirds(input: Tensor, dim: int) -> tuple[Tensor, Tensor, Tensor]:
    """The samples but for the last two, the first and the last one, the first two."""
    return slice_(input, dim, 0, -2), slice_(input, dim, 1, -1), slice_(input, dim, 2, None)


def _from_steps(input: Tensor, step: Any, dim: int, edge_order: int) -> Tensor:
    """The derivative where samples lie one step apart."""

    def at(place: int) -> Tensor:
        return slice_(input, dim, place, place + 1 if place != -1 else None)

    before, _, after = _thirds(input, dim)
    centre = (after - before) / (step * 2)
    if edge_order == 1:
        return cat(((at(1) - at(0)) / step, centre, (at(-1) - at(-2)) / step), dim)
    first = (-1.5 * at(0) + 2 * at(1) - 0.5 * at(2)) / step
    last = (0.5 * at(-3) - 2 * at(-2) + 1.5 * at(-1)) / step
    return cat((first, centre, last), dim)


def gradient(
    input: Tensor,
    *,
    spacing: Any = 1,
    dim: int | Sequence[int] | None = None,
    edge_order: int = 1,
) -> tuple[Tensor, ...]:
    """The partial derivatives of the function whose samples `input` holds, one tensor for each of `dim` (all, if None).

    Within, `(f(x + h) - f(x - h)) / 2h`, or the formula of the same order for uneven steps; at the ends differences of
    `edge_order` 1 or 2. `spacing` is the step, the same everywhere or one for each dimension, or a sequence of tensors
    of coordinates. Raises RuntimeError for uint8, sizes below edge_order + 1, spacings of another number.

    >>> import rushlight as torch
    >>> torch.gradient(torch.tensor([0.0, 1.0, 4.0, 9.0]))
    (tensor([1., 2., 4., 5.]),)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.gradient.html
    """
    check_tensor("gradient", "input", 1, input)
    many = isinstance(spacing, list | tuple)
    if not (_scalar(spacing) or many or spacing is None):
        raise TypeError(
            "gradient() received an invalid combination of arguments: spacing must be a number, a tuple of numbers or "
            f"a tuple of Tensors, not {type(spacing).__name__}"
        )
    shape = input._array.shape
    if input.dtype is dtypes.uint8:
        raise RuntimeError("torch.gradient does not support uint8 input.")
    count = 1 if isinstance(dim, int) else None if dim is None else len(dim)
    if many and count is None and len(spacing) != len(shape):
        raise RuntimeError(
            "torch.gradient expected spacing to be unspecified, a scalar, or a list of length equal to 'self.dim() = "
            f"{len(shape)}', since dim argument was not given, but got a list of length {len(spacing)}"
        )
    if many and count is not None and len(spacing) != count:
        raise RuntimeError(
            "torch.gradient expected spacing to be unspecified, a scalar or it's spacing and dim arguments to have the "
            f"same length, but got a spacing argument of length {len(spacing)} and a dim argument of length {count}."
        )
    if edge_order not in (1, 2):
        raise RuntimeError("torch.gradient only supports edge_order=1 and edge_order=2.")
    dims = tuple(range(len(shape))) if dim is None else wrap_dims(dim, len(shape))
    if any(shape[d] < edge_order + 1 for d in dims):
        raise RuntimeError("torch.gradient expected each dimension size to be at least edge_order+1")
    each = list(spacing) if many else [1 if spacing is None else spacing] * len(dims)
    return tuple([_partial(input, step, d, edge_order) for step, d in zip(each, dims, strict=True)])


def _partial(input: Tensor, step: Any, dim: int, edge_order: int) -> Tensor:
    derivative: Any = _from_distances if isinstance(step, Variable) else _from_steps
    return derivative(input, step, dim, edge_order)
