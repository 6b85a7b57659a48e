"""Sampling an image where a grid says, and the grids of affine maps.

A place is found by its coordinates in units of elements. Along each axis it has a few neighbours, with weights that are
polynomials of how far it lies past the element before it; the product over the axes is a neighbour's weight. In 16 bits
every step is rounded, as in PyTorch.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from rushlight.autograd.grad_mode import state
from rushlight.autograd.operation import Operation
from rushlight.autograd.variable import wrap
from rushlight.dtypes import from_numpy_dtype
from rushlight.kernels.resampling import blend_places, pull_places, spread_places
from rushlight.ops._numeric import Array, as_result, check_tensor, not_implemented, widened
from rushlight.ops.joining import stack
from rushlight.ops.sequences import linspace

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

__all__ = ["affine_grid_generator", "grid_sampler", "grid_sampler_2d", "grid_sampler_3d"]

_BILINEAR, _NEAREST, _BICUBIC = range(3)
_ZEROS, _BORDER, _REFLECTION = range(3)


def _flat(image: Array) -> Array:
    """An image (N, C, *) as (N, C, places)."""
    return np.ascontiguousarray(image).reshape(*image.shape[:2], math.prod(image.shape[2:]))


class AtPlaces(Operation):
    """`input` (N, C, *) read at flat places (N, P); see `kernels.reference.grid`."""

    node_name = "GridSamplerGatherBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor, index: Array) -> Array:
        array = input._array
        ctx.shape, ctx.index = array.shape, index
        return blend_places(_flat(array), index[None], None)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return AddAtPlaces.apply(grad, ctx.index, ctx.shape), None


class AddAtPlaces(Operation):
    """The transpose of `AtPlaces`."""

    node_name = "GridSamplerScatterBackward0"

    @staticmethod
    def forward(ctx: Any, grad: Tensor, index: Array, shape: tuple[int, ...]) -> Array:
        ctx.index = index
        grad_array = np.ascontiguousarray(grad._array)
        return spread_places(grad_array, index[None], None, math.prod(shape[2:])).reshape(shape)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return AtPlaces.apply(grad, ctx.index), None, None


class _Axis(NamedTuple):
    """What one axis says of every place: arrays (N, P)."""

    places: list[Array]
    """Of each neighbour the position; the axis' size where that lies outside."""
    share: Array
    """How far the place lies past the element before it, in [0, 1)."""
    slope: float | Array
    """By how much the position in the image moves with the grid's coordinate."""


def _reflected(x: Array, low: float, high: float) -> tuple[Array, Array]:
    """Positions mirrored into [low, high], and the sign of the change."""
    if low == high:
        return np.zeros_like(x), np.zeros_like(x)
    kind, span = x.dtype.type, high - low
    moved = x - kind(low)
    sign = np.where(moved < 0, kind(-1), kind(1))
    moved = np.abs(moved)
    extra, odd = np.fmod(moved, kind(span)), np.floor(moved / kind(span)) % 2 == 1
    return np.where(odd, kind(span) - extra, extra) + kind(low), np.where(odd, -sign, sign)


def _inside(x: Array, size: int, padding: int, align_corners: bool) -> tuple[Array, Any]:
    """Positions brought into the image, unless it is padded with zeros, and the derivative of that."""
    if padding == _ZEROS:
        return x, 1
    sign: Any = 1
    if padding == _REFLECTION:
        x, sign = _reflected(x, *((0, size - 1) if align_corners else (-0.5, size - 0.5)))
    kind = x.dtype.type
    # fmax takes NaN for 0.
    return np.minimum(np.fmax(x, kind(0)), kind(size - 1)), sign * ((x > 0) & (x < size - 1)).astype(kind)


# PyTorch's loop over images multiplies and subtracts in one rounding; a wider type does the same.
_ONCE_ROUNDED: dict[np.dtype[Any], Any] = {np.dtype(np.float32): np.float64, np.dtype(np.float64): np.longdouble}


def _positions(grid: Array, size: int, align_corners: bool, of_image: bool) -> Array:
    """A grid's coordinates, from -1 to 1, as positions along an axis of the image, to PyTorch's last bit."""
    kind = grid.dtype.type
    moved = grid + kind(1)
    if align_corners:
        return moved * kind(0.5) * kind(size - 1)
    if of_image:
        wide = _ONCE_ROUNDED.get(grid.dtype, kind)
        return (moved.astype(wide) * wide(size / 2) - wide(0.5)).astype(kind)
    return (moved * kind(size) - kind(1)) / kind(2)


def _axis(x: Array, size: int, mode: int, padding: int, align_corners: bool) -> _Axis:
    """The neighbours of every place along one axis, from the positions along it."""
    kind = x.dtype.type
    factor = (size - 1) / 2 if align_corners else size / 2
    slope: float | Array = factor
    if mode != _BICUBIC:
        x, change = _inside(x, size, padding, align_corners)
        slope = change * kind(factor) if isinstance(change, np.ndarray) else factor
    before = np.rint(x) if mode == _NEAREST else np.floor(x)
    # In 16 bits the numbers are too coarse for places.
    start = widened(before)
    kind = start.dtype.type
    places = []
    for offset in {_BILINEAR: (0, 1), _NEAREST: (0,), _BICUBIC: (-1, 0, 1, 2)}[mode]:
        place = start + kind(offset)
        if mode == _BICUBIC:
            place, _ = _inside(place, size, padding, align_corners)
        # Comparing before the conversion keeps what no integer holds outside; NaN too.
        within = (place >= 0) & (place < size)
        places.append(np.where(within, place, kind(size)).astype(np.intp))
    return _Axis(places, x - before, slope)


def _widened_axis(axis: _Axis) -> _Axis:
    """The axis with what is no place in at least 32 bits."""
    slope = widened(axis.slope) if isinstance(axis.slope, np.ndarray) else axis.slope
    return _Axis(axis.places, widened(axis.share), slope)


_CUBIC = -0.75


def _near(d: Any, kind: Any = float) -> Any:
    """Keys' kernel within 1; `kind` makes its constants."""
    return (kind(_CUBIC + 2) * d - kind(_CUBIC + 3)) * d * d + kind(1)


def _far(d: Any, kind: Any = float) -> Any:
    """Keys' kernel between 1 and 2."""
    return ((kind(_CUBIC) * d - kind(5 * _CUBIC)) * d + kind(8 * _CUBIC)) * d - kind(4 * _CUBIC)


def _near_slope(d: Any) -> Any:
    return (3 * (_CUBIC + 2) * d - 2 * (_CUBIC + 3)) * d


def _far_slope(d: Any) -> Any:
    return (3 * _CUBIC * d - 10 * _CUBIC) * d + 8 * _CUBIC


def _weights(share: Any, mode: int) -> list[Any]:
    """The neighbours' weights along one axis, of arrays or of tensors; None stands for 1."""
    if mode == _NEAREST:
        return [None]
    kind = share.dtype.type if isinstance(share, np.ndarray) else float
    one, two = kind(1), kind(2)
    if mode == _BILINEAR:
        return [one - share, share]
    return [_far(share + one, kind), _near(share, kind), _near(one - share, kind), _far(two - share, kind)]


def _weight_slopes(share: Any, mode: int) -> list[Any]:
    """The weights' derivatives by the share."""
    if mode == _BILINEAR:
        return [-1.0, 1.0]
    return [_far_slope(share + 1), _near_slope(share), -_near_slope(1 - share), -_far_slope(2 - share)]


def _product(factors: Sequence[Any]) -> Any:
    """The product of factors of which None is 1; None if all are."""
    there = [f for f in factors if f is not None]
    return functools.reduce(lambda a, b: a * b, there) if there else None


def _neighbours(axes: Sequence[_Axis], sizes: Sequence[int]) -> tuple[list[tuple[int, ...]], list[Array]]:
    """For every combination of one neighbour along each axis: which ones, and its flat place in the image."""
    combinations = list(itertools.product(*(range(len(axis.places)) for axis in axes)))
    total, flat = math.prod(sizes), []
    for chosen in combinations:
        place: Any = 0
        outside: Any = False
        for axis, t, size in zip(axes, chosen, sizes, strict=True):
            place = place * size + axis.places[t]
            outside = outside | (axis.places[t] == size)
        flat.append(np.where(outside, total, place))
    return combinations, flat


def _by_rows(image: Array, weights: Sequence[Sequence[Array]], flat: Sequence[Array]) -> Array:
    """The sum over the neighbours of a plane, each row by itself first."""
    out: Any = None
    width = len(weights[1])
    for i, row_weight in enumerate(weights[0]):
        row: Any = None
        for weight, place in zip(weights[1], flat[i * width : (i + 1) * width], strict=True):
            term = blend_places(image, place[None], None) * weight[:, None]
            row = term if row is None else np.add(row, term, row)
        row *= row_weight[:, None]
        out = row if out is None else np.add(out, row, out)
    return out


def _products(weights: Sequence[Sequence[Any]], combinations: Sequence[tuple[int, ...]]) -> Array | None:
    """The weight (K, N, P) of every combination of neighbours; None where all are 1."""
    products = [_product([w[t] for w, t in zip(weights, chosen, strict=True)]) for chosen in combinations]
    return None if products[0] is None else np.stack(products)


def _gradients(
    grad: Array,
    image: Array,
    points: Array,
    axes: Sequence[_Axis],
    mode: int,
    combinations: Sequence[tuple[int, ...]],
    places: Array,
    needs: Sequence[bool],
) -> tuple[Tensor | None, Tensor | None]:
    """The gradients of image and grid that are needed, where nothing asks for theirs."""
    seed, weights = _flat(grad), [_weights(axis.share, mode) for axis in axes]
    to_image = to_grid = None
    if needs[0]:
        found = spread_places(seed, places, _products(weights, combinations), math.prod(image.shape[2:]))
        to_image = wrap(found.reshape(image.shape))
    if needs[1] and mode == _NEAREST:
        to_grid = wrap(np.zeros_like(points))
    elif needs[1]:
        pulls = pull_places(_flat(image), seed, places)
        columns = np.empty(points.shape, points.dtype)
        for i, axis in enumerate(axes):
            factors = [
                _weight_slopes(a.share, mode) if i == j else w
                for j, (a, w) in enumerate(zip(axes, weights, strict=True))
            ]
            terms = (
                pull * _product([f[t] for f, t in zip(factors, chosen, strict=True)])
                for pull, chosen in zip(pulls, combinations, strict=True)
            )
            # The grid's last dimension is (x, y, z), the image's are (depth, height, width).
            columns[..., -1 - i] = (sum(terms) * axis.slope).reshape(points.shape[:-1])
        to_grid = wrap(columns)
    return to_image, to_grid


class GridSampler(Operation):
    """The image's values at the grid's places."""

    @staticmethod
    def forward(ctx: Any, input: Tensor, grid: Tensor, mode: int, padding: int, align_corners: bool) -> Any:
        ctx.save_for_backward(input, grid)
        ctx.settings = mode, padding, align_corners
        image, points = input._array, grid._array
        n, c, *sizes = image.shape
        axes = _axes(points, sizes, mode, padding, align_corners)
        weights = [_weights(axis.share, mode) for axis in axes]
        combinations, flat = _neighbours(axes, sizes)
        if image.dtype.char in "fd" and image.dtype == points.dtype:
            found = blend_places(_flat(image), np.stack(flat), _products(weights, combinations))
            return found.reshape(n, c, *points.shape[1:-1])
        # One element more, a zero, is where the places outside lead.
        total = math.prod(sizes)
        flat_image = np.zeros((n, c, total + 1), image.dtype)
        flat_image[:, :, :total] = image.reshape(n, c, total)
        if mode == _BICUBIC:
            out = _by_rows(flat_image, weights, flat)
        else:
            out = None
            for chosen, place in zip(combinations, flat, strict=True):
                term = blend_places(flat_image, place[None], None)
                weight = _product([w[t] for w, t in zip(weights, chosen, strict=True)])
                if weight is not None:
                    term *= weight[:, None]
                out = term if out is None else np.add(out, term, out)
        blended: Any = out
        return blended.reshape(n, c, *points.shape[1:-1])

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        input, grid = ctx.saved_tensors
        mode, padding, align_corners = ctx.settings
        needs = ctx.needs_input_grad
        points = grid._array
        n, c, *sizes = input.shape
        axes = [_widened_axis(axis) for axis in _axes(points, sizes, mode, padding, align_corners)]
        combinations, flat = _neighbours(axes, sizes)
        kind = points.dtype
        if not state.enabled and kind.char in "fd" and input._array.dtype is kind is grad._array.dtype:
            found = _gradients(grad._array, input._array, points, axes, mode, combinations, np.stack(flat), needs)
            return *found, None, None, None
        dtype = wrap(axes[0].share).dtype
        seed = grad.reshape(n, c, math.prod(points.shape[1:-1])).to(dtype)
        shares = [_traced_share(grid, axis, i).to(dtype) for i, axis in enumerate(reversed(axes))][::-1]
        weights = [_weights(share, mode) for share in shares]
        to_input = to_grid = None
        if needs[0]:
            to_input = _scattered(seed, weights, combinations, flat, tuple(input.shape)).to(input.dtype)
        if needs[1]:
            if mode == _NEAREST:
                return to_input, wrap(np.zeros_like(grid._array)), None, None, None
            slopes = [_weight_slopes(share, mode) for share in shares]
            image = input.to(dtype)
            pulls = [(AtPlaces.apply(image, place) * seed).sum(1) for place in flat]
            columns = []
            for i, axis in enumerate(axes):
                total: Any = None
                for chosen, pull in zip(combinations, pulls, strict=True):
                    factor = [(slopes if i == j else weights)[j][t] for j, t in enumerate(chosen)]
                    term = pull * _product(factor)
                    total = term if total is None else total + term
                slope = wrap(axis.slope) if isinstance(axis.slope, np.ndarray) else axis.slope
                columns.append(total * slope)
            # The grid's last dimension is (x, y, z), the image's are (depth, height, width).
            to_grid = stack(columns[::-1], -1).reshape(grid.shape).to(grid.dtype)
        return to_input, to_grid, None, None, None


class GridSampler2D(GridSampler):
    """Images."""

    node_name = "GridSampler2DBackward0"


class GridSampler3D(GridSampler):
    """Volumes."""

    node_name = "GridSampler3DBackward0"


def _axes(points: Array, sizes: Sequence[int], mode: int, padding: int, align_corners: bool) -> list[_Axis]:
    """Every axis of the image, in its order."""
    flat = points.reshape(len(points), math.prod(points.shape[1:-1]), points.shape[-1])
    rank = len(sizes)
    axes = []
    for size, coordinates in zip(sizes, np.moveaxis(flat, -1, 0)[::-1], strict=True):
        x = _positions(coordinates, size, align_corners, of_image=rank == 2)
        axes.append(_axis(x, size, mode, padding, align_corners))
    return axes


class Share(Operation):
    """The share along one axis as a function of the grid: its numbers are known, its derivative is the slope."""

    node_name = "GridSamplerShareBackward0"

    @staticmethod
    def forward(ctx: Any, grid: Tensor, axis: _Axis, column: int) -> Array:
        ctx.axis, ctx.column, ctx.shape, ctx.dtype = axis, column, grid._array.shape, grid.dtype
        return axis.share

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        slope = ctx.axis.slope
        moved = grad * (wrap(slope) if isinstance(slope, np.ndarray) else slope)
        rest = wrap(np.zeros_like(ctx.axis.share))
        columns = [moved if i == ctx.column else rest for i in range(ctx.shape[-1])]
        return stack(columns, -1).reshape(ctx.shape).to(ctx.dtype), None, None


def _traced_share(grid: Tensor, axis: _Axis, column: int) -> Tensor:
    return Share.apply(grid, axis, column)


def _scattered(
    seed: Tensor,
    weights: Sequence[Sequence[Any]],
    combinations: Sequence[tuple[int, ...]],
    flat: Sequence[Array],
    shape: tuple[int, ...],
) -> Tensor:
    """Every neighbour's share of the gradient added at its place."""
    total: Any = None
    for chosen, place in zip(combinations, flat, strict=True):
        weight = _product([w[t] for w, t in zip(weights, chosen, strict=True)])
        term = AddAtPlaces.apply(seed if weight is None else seed * weight.unsqueeze(1), place, shape)
        total = term if total is None else total + term
    return total


def _check(function: str, ranks: tuple[int, ...], input: Tensor, grid: Tensor, mode: int, padding: int) -> int:
    """PyTorch's conditions for an image of as many axes as `ranks` allows; their number."""
    check_tensor(function, "input", 1, input)
    check_tensor(function, "grid", 2, grid)
    shape, places = list(input._array.shape), list(grid._array.shape)
    rank = len(shape) - 2
    if not shape or not places or shape[0] != places[0]:
        raise RuntimeError(
            f"grid_sampler(): expected grid and input to have same batch size, but got input with sizes {shape} and "
            f"grid with sizes {places}"
        )
    if places[-1] != rank:
        raise RuntimeError(
            f"grid_sampler(): expected grid to have size {rank} in last dimension, but got grid with sizes {places}"
        )
    for i, size in enumerate(shape[2:], 2):
        if size <= 0:
            raise RuntimeError(
                "grid_sampler(): expected input to have non-empty spatial dimensions, but input has sizes "
                f"{shape} with dimension {i} being empty"
            )
    if rank not in ranks or len(places) != rank + 2:
        wanted = " or ".join(f"{r + 2}D" for r in ranks)
        raise RuntimeError(
            f"grid_sampler(): expected {wanted} input and grid with same number of dimensions, but got input with "
            f"sizes {shape} and grid with sizes {places}"
        )
    if mode not in (0, 1, 2) or padding not in (0, 1, 2):
        raise RuntimeError(
            f"grid_sampler(): expected interpolation_mode and padding_mode to be 0, 1 or 2, but got {mode} and "
            f"{padding}"
        )
    if rank == 3 and mode == _BICUBIC:
        raise RuntimeError("grid_sampler(): bicubic interpolation only supports 4D input")
    dtype = input._array.dtype
    if dtype.kind not in "fV" or dtype.itemsize == 1:
        raise not_implemented(f"grid_sampler_{rank}d_cpu_kernel_impl", dtype)
    if grid._array.dtype != dtype:
        raise RuntimeError(
            f"expected scalar type {input.dtype.legacy_name} but found {grid.dtype.legacy_name}: grid_sampler() wants "
            "the grid in the input's dtype"
        )
    return rank


def grid_sampler(
    input: Tensor, grid: Tensor, interpolation_mode: int, padding_mode: int, align_corners: bool
) -> Tensor:
    """`nn.functional.grid_sample` with the modes by number: bilinear, nearest, bicubic; zeros, border, reflection.

    Shapes: input (N, C, H, W), grid (N, H_out, W_out, 2) → (N, C, H_out, W_out), or with one dimension more.

    >>> import rushlight as torch
    >>> image = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])
    >>> torch.grid_sampler(image, torch.zeros(1, 1, 1, 2), 0, 0, False)
    tensor([[[[2.5000]]]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.grid_sample.html
    """
    if state.casts is not None:
        return state.casts.float32(grid_sampler, input, grid, interpolation_mode, padding_mode, align_corners)
    rank = _check("grid_sampler", (2, 3), input, grid, interpolation_mode, padding_mode)
    operation = GridSampler2D if rank == 2 else GridSampler3D
    return operation.apply(input, grid, int(interpolation_mode), int(padding_mode), bool(align_corners))


def grid_sampler_2d(
    input: Tensor, grid: Tensor, interpolation_mode: int, padding_mode: int, align_corners: bool
) -> Tensor:
    """`grid_sampler` of images `(N, C, H, W)` alone, with a grid `(N, H_out, W_out, 2)`: `(N, C, H_out, W_out)`.

    Raises RuntimeError for other ranks and for a grid of another dtype.

    >>> import rushlight as torch
    >>> image = torch.arange(4.0).view(1, 1, 2, 2)
    >>> torch.grid_sampler_2d(image, torch.zeros(1, 1, 1, 2), 0, 0, True)
    tensor([[[[1.5000]]]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.grid_sample.html
    """
    if state.casts is not None:
        return state.casts.float32(grid_sampler_2d, input, grid, interpolation_mode, padding_mode, align_corners)
    _check("grid_sampler_2d", (2,), input, grid, interpolation_mode, padding_mode)
    return GridSampler2D.apply(input, grid, int(interpolation_mode), int(padding_mode), bool(align_corners))


def grid_sampler_3d(
    input: Tensor, grid: Tensor, interpolation_mode: int, padding_mode: int, align_corners: bool
) -> Tensor:
    """`grid_sampler` of volumes `(N, C, D, H, W)` alone, with a grid `(N, D_out, H_out, W_out, 3)`.

    Gives `(N, C, D_out, H_out, W_out)`; raises RuntimeError for other ranks and for bicubic interpolation.

    >>> import rushlight as torch
    >>> volume = torch.arange(8.0).view(1, 1, 2, 2, 2)
    >>> torch.grid_sampler_3d(volume, torch.zeros(1, 1, 1, 1, 3), 0, 0, True).item()
    3.5

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.grid_sample.html
    """
    if state.casts is not None:
        return state.casts.float32(grid_sampler_3d, input, grid, interpolation_mode, padding_mode, align_corners)
    _check("grid_sampler_3d", (3,), input, grid, interpolation_mode, padding_mode)
    return GridSampler3D.apply(input, grid, int(interpolation_mode), int(padding_mode), bool(align_corners))


@functools.lru_cache(maxsize=64)
def _base(sizes: tuple[int, ...], align_corners: bool, dtype: Any) -> Array:
    """The homogeneous coordinates (x, y, 1) or (x, y, z, 1) of every place: (places, rank + 1)."""
    axes = []
    for size in sizes:
        # Rounded step by step as in PyTorch: a network that starts at the identity reads the image at its very places,
        # where the slope is one side's or the other's by the last bit.
        line = linspace(-1, 1, size, dtype=from_numpy_dtype(dtype))._array if size > 1 else np.zeros(size, dtype)
        axes.append(line if align_corners else line * dtype.type(size - 1) / dtype.type(max(size, 1)))
    mesh = np.meshgrid(*axes, indexing="ij")
    return np.stack([*(m.ravel() for m in reversed(mesh)), np.ones(math.prod(sizes), dtype)], axis=1)


class AffineGridGenerator(Operation):
    """Every place of a grid mapped by an affine map."""

    node_name = "AffineGridGeneratorBackward0"

    @staticmethod
    def forward(ctx: Any, theta: Tensor, sizes: tuple[int, ...], align_corners: bool) -> Array:
        matrices = widened(theta._array)
        base = _base(sizes, align_corners, matrices.dtype)
        ctx.base, ctx.dtype = base, theta.dtype
        out = np.matmul(base, matrices.swapaxes(1, 2)).reshape(len(matrices), *sizes, len(sizes))
        return as_result(out, theta._array.dtype)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        base = wrap(ctx.base)
        flat = grad.reshape(grad.shape[0], base.shape[0], grad.shape[-1]).to(base.dtype)
        return (flat.transpose(1, 2) @ base).to(ctx.dtype), None, None


def affine_grid_generator(theta: Tensor, size: Sequence[int], align_corners: bool) -> Tensor:
    """`nn.functional.affine_grid` without its checks.

    Shapes: theta (N, 2, 3) and size (N, C, H, W) → (N, H, W, 2), or (N, 3, 4) and (N, C, D, H, W) → (N, D, H, W, 3).

    >>> import rushlight as torch
    >>> identity = torch.tensor([[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]])
    >>> torch.affine_grid_generator(identity, (1, 1, 1, 2), True)
    tensor([[[[-1.,  0.],
              [ 1.,  0.]]]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.affine_grid.html
    """
    check_tensor("affine_grid_generator", "theta", 1, theta)
    rank = len(size) - 2
    if rank not in (2, 3):
        raise RuntimeError("AffineGridGenerator needs 4d (spatial) or 5d (volumetric) inputs.")
    shape = theta._array.shape
    if theta._array.dtype.kind not in "fV":
        raise not_implemented("affine_grid_generator", theta._array.dtype)
    if len(shape) != 3 or shape[0] != size[0] or tuple(shape[1:]) != (rank, rank + 1):
        raise RuntimeError(
            f"affine_grid_generator(): expected theta of shape {[size[0], rank, rank + 1]} for size {list(size)}, but "
            f"got {list(shape)}"
        )
    return AffineGridGenerator.apply(theta, tuple(map(int, size[2:])), bool(align_corners))
