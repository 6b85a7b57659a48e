"""Histograms: how many elements, or how many points, lie in each bin.

Elements outside the range, and NaN, are not counted; a bin holds its lower edge, the last one both.

Source: https://docs.pytorch.org/docs/2.13/generated/torch.histogramdd.html
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import dtypes, return_types
from rushlight.autograd.operation import Operation
from rushlight.autograd.variable import Variable, wrap
from rushlight.kernels.searching import histogram_of
from rushlight.ops._geometry import shape_text
from rushlight.ops._numeric import Array, check_tensor, not_implemented, require_floating
from rushlight.ops._out import into, write_out
from rushlight.ops._undifferentiated import WithoutDerivative

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

__all__ = ["histc", "histogram", "histogramdd"]

# PyTorch names types in these messages as its compiler does.
_C_NAMES = {
    "float32": "float", "float64": "double", "int64": "long int", "int32": "int", "int16": "short int",
    "int8": "signed char", "uint8": "unsigned char",
}  # fmt: skip


def _c_name(dtype: dtypes.dtype) -> str:
    return _C_NAMES.get(dtype.name, dtype.name)


class _Histc(Operation):
    """How many elements lie in each of some equal intervals; no gradient passes."""

    @staticmethod
    def forward(ctx: Any, input: Tensor, bins: int, low: float, high: float) -> Any:
        counts = wrap(histogram_of(input._array, bins, low, high))
        ctx.mark_non_differentiable(counts)
        return counts


def histc(input: Tensor, bins: int = 100, min: float = 0, max: float = 0, *, out: Tensor | None = None) -> Tensor:
    """How many elements lie in each of `bins` equal intervals of [min, max] (of the data's range if both are equal).

    Elements outside are not counted, the last interval is closed. Raises RuntimeError for an empty or infinite range,
    NotImplementedError for integers.

    >>> import rushlight as torch
    >>> torch.histc(torch.tensor([1.0, 2.0, 1.0]), bins=4, min=0, max=3)
    tensor([0., 2., 1., 0.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.histc.html
    """
    check_tensor("histc", "input", 1, input)
    array = require_floating(input._array, "aminmax_cpu" if input.is_complex() else "histogram_cpu")
    if bins <= 0:
        raise RuntimeError(f"torch.histogram(): bins must be > 0, but got {bins} for dimension 0")
    low, high = float(min), float(max)
    if low == high and array.size:
        low, high = float(np.min(array)), float(np.max(array))
    if low == high:
        low, high = low - 1, high + 1
    if not (math.isfinite(low) and math.isfinite(high)):
        raise RuntimeError(f"torch.histc: range of [{low:g}, {high:g}] is not finite")
    if low > high:
        raise RuntimeError("torch.histc: max must be larger than min")
    if out is not None:
        _check_out(input, out)
    return into(out, _Histc.apply(input, bins, low, high))


def _check_out(input: Tensor, *outs: Any) -> None:
    for out, name in zip(outs, ("hist", "bin_edges"), strict=False):
        if isinstance(out, Variable) and out.dtype is not input.dtype:
            raise RuntimeError(
                f"torch.histogram: input tensor and {name} tensor should have the same dtype, but got input "
                f"{_c_name(input.dtype)} and {name} {_c_name(out.dtype)}"
            )


def _counts(points: Array, weights: Array | None, edges: Sequence[Array], density: bool) -> Array:
    """The histogram of points (n, dimensions); a point on an edge belongs to the bin above, on the last one to the last
    bin.
    """
    shape = tuple([len(e) - 1 for e in edges])
    inside = np.ones(len(points), np.bool_)
    for values, e in zip(points.T, edges, strict=True):
        inside &= (values >= e[0]) & (values <= e[-1])
    kept = points[inside]
    places: Any = np.zeros(len(kept), np.int64)
    for values, e in zip(kept.T, edges, strict=True):
        places = places * (len(e) - 1) + np.minimum(np.searchsorted(e, values, "right") - 1, len(e) - 2)
    chosen = None if weights is None else weights[inside]
    counts = np.bincount(places, chosen, math.prod(shape)).reshape(shape)
    if density:
        counts = counts / counts.sum()
        for dim, e in enumerate(edges):
            counts = counts / np.diff(e).reshape((-1,) + (1,) * (len(shape) - 1 - dim))
    return counts.astype(points.dtype)


class _Histogram(WithoutDerivative):
    """The counts and the edges, those that are given or equal steps through a range."""

    aten = "histogram"

    @staticmethod
    def forward(ctx: Any, input: Tensor, weight: Tensor | None, bins: Any, ranges: Any, density: bool) -> Any:
        array = input._array
        points = array.reshape(-1, array.shape[-1])
        if isinstance(bins[0], int):
            edges = [_steps(points[:, i], i, n, ranges and ranges[i]) for i, n in enumerate(bins)]
        else:
            edges = [np.array(b) for b in bins]
        weights = None if weight is None else weight._array.reshape(-1)
        return _counts(points, weights, edges, density), *edges


class _HistogramOfPoints(_Histogram):
    aten = "histogramdd"


def _steps(values: Array, dim: int, bins: int, bounds: tuple[float, float] | None) -> Array:
    if bounds is not None:
        low, high = float(bounds[0]), float(bounds[1])
    else:
        low, high = (float(values.min()), float(values.max())) if values.size else (0.0, 1.0)
    if not (math.isfinite(low) and math.isfinite(high)):
        raise RuntimeError(f"torch.histogramdd: dimension {dim}'s range [{low:g}, {high:g}] is not finite")
    if low > high:
        raise RuntimeError(
            f"torch.histogramdd: min should not exceed max, but got min {low:g} max {high:g} for dimension {dim}"
        )
    if low == high:
        low, high = low - 0.5, high + 0.5
    return np.linspace(low, high, bins + 1, dtype=values.dtype)


def _check_points(input: Tensor, weight: Tensor | None, bins: Sequence[Any], ranges: Any) -> None:
    """What both histograms ask of their arguments, `input` being (*, dimensions)."""
    shape, kind = input._array.shape, input.dtype
    if len(bins) != shape[-1]:
        raise RuntimeError("histogramdd: The size of bins must be equal to the innermost dimension of the input.")
    for dim, b in enumerate(bins):
        if not isinstance(b, Variable):
            if b <= 0:
                raise RuntimeError(f"torch.histogram(): bins must be > 0, but got {b} for dimension {dim}")
            continue
        if b.dtype is not kind:
            raise RuntimeError(
                "torch.histogramdd: input tensor and bins tensors should have the same dtype, but got input with dtype "
                f"{_c_name(kind)} and bins for dimension {dim} with dtype {_c_name(b.dtype)}"
            )
        if b._array.ndim != 1:
            raise RuntimeError(
                f"torch.histogramdd: bins tensor should have one dimension, but got {b._array.ndim} dimensions in the "
                f"bins tensor for dimension {dim}"
            )
        if not b._array.size:
            raise RuntimeError(
                f"torch.histogramdd: bins tensor should have at least 1 element, but got 0 elements in the bins tensor "
                f"for dimension {dim}"
            )
    if ranges is not None and len(ranges) != 2 * shape[-1]:
        raise RuntimeError(
            f"torch.histogramdd: for a {shape[-1]}-dimensional histogram range should have {2 * shape[-1]} elements, "
            f"but got {len(ranges)}"
        )
    if weight is not None:
        _check_weight(shape, kind, weight)


def _check_weight(shape: tuple[int, ...], kind: dtypes.dtype, weight: Tensor) -> None:
    if weight.dtype is not kind:
        raise RuntimeError(
            "torch.histogramdd: if weight tensor is provided, input tensor and weight tensor should have the same "
            f"dtype, but got input({_c_name(kind)}), and weight({_c_name(weight.dtype)})"
        )
    if weight._array.shape != shape[:-1]:
        raise RuntimeError(
            "torch.histogramdd: if weight tensor is provided it should have the same shape as the input tensor "
            f"excluding its innermost dimension, but got input with shape {shape_text(shape)} and weight with shape "
            f"{shape_text(weight._array.shape)}"
        )


def _require_wide(input: Tensor) -> None:
    if input._array.dtype not in (np.float32, np.float64):
        raise not_implemented("histogramdd", input._array.dtype)


def _pairs(ranges: Any) -> list[tuple[float, float]] | None:
    return None if ranges is None else [(ranges[i], ranges[i + 1]) for i in range(0, len(ranges), 2)]


def histogram(
    input: Tensor,
    bins: int | Tensor = 100,
    *,
    range: tuple[float, float] | None = None,
    weight: Tensor | None = None,
    density: bool = False,
    out: Any = None,
) -> Any:
    """How many elements (or how much weight) lie in each bin, and the bins' edges, as a named tuple (hist, bin_edges).

    `bins` is the number of equal ones in `range` (that of the data if None), or a tensor of edges. The last bin is
    closed; `density` divides by the total and the widths. Raises RuntimeError for bins that are not positive,
    NotImplementedError for integers.

    >>> import rushlight as torch
    >>> torch.histogram(torch.tensor([1.0, 2.0, 1.0]), bins=4, range=(0.0, 3.0)).hist
    tensor([0., 2., 1., 0.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.histogram.html
    """
    check_tensor("histogram", "input", 1, input)
    if not isinstance(bins, int | Variable) or (range is not None and isinstance(bins, Variable)):
        raise TypeError(
            "histogram() received an invalid combination of arguments - got (Tensor, "
            f"{type(bins).__name__}), but expected (Tensor input, Tensor bins, *, Tensor weight, bool density) or "
            "(Tensor input, int bins, *, tuple of floats range, Tensor weight, bool density)"
        )
    if weight is not None:
        check_tensor("histogram", "weight", 4, weight)
    if out is not None:
        _check_out(input, *out)
    flat = input.reshape(-1, 1)
    weights = None if weight is None else weight.reshape(-1)
    _check_points(flat, weights, [bins], range)
    _require_wide(input)
    each = [bins._array if isinstance(bins, Variable) else bins]
    hist, edges = _Histogram.apply(flat, weights, each, _pairs(range), bool(density))
    if out is None:
        return return_types.histogram((hist, edges))
    return return_types.histogram_out((write_out(out[0], hist._array), write_out(out[1], edges._array)))


def histogramdd(
    input: Tensor,
    bins: int | Sequence[int] | Sequence[Tensor],
    range: Sequence[float] | None = None,
    weight: Tensor | None = None,
    density: bool = False,
) -> Any:
    """How many points (or how much weight) lie in each cell of a grid, and the grid's edges, as (hist, bin_edges).

    Input (*, D): points of D coordinates. `bins` is the number of equal bins, one for all dimensions or one for each,
    in `range` (low, high, low, high, …; that of the data if None), or D tensors of edges → hist (bins of each
    dimension), D tensors of edges. A dimension's last bin is closed; `density` divides by the total and the cells'
    sizes. Raises RuntimeError for sizes that don't fit, NotImplementedError unless float32 or float64.

    >>> import rushlight as torch
    >>> torch.histogramdd(torch.tensor([[0.0, 1.0], [1.0, 0.0], [2.0, 2.0]]), bins=[2, 2]).hist
    tensor([[0., 1.],
            [1., 1.]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.histogramdd.html
    """
    check_tensor("histogramdd", "input", 1, input)
    if weight is not None:
        check_tensor("histogramdd", "weight", 4, weight)
    if input._array.ndim < 2:
        raise RuntimeError("torch.histogramdd: input tensor should have at least 2 dimensions")
    dims = input._array.shape[-1]
    if isinstance(bins, int):
        each: list[Any] = [bins] * dims
    elif isinstance(bins, list | tuple) and (
        all(isinstance(b, int) for b in bins) or all(isinstance(b, Variable) for b in bins)
    ):
        each = list(bins)
    else:
        raise TypeError(
            "histogramdd() received an invalid combination of arguments: bins must be an int, a tuple of ints or a "
            f"tuple of Tensors, not {type(bins).__name__}"
        )
    _check_points(input, weight, each, range)
    _require_wide(input)
    given = [b._array if isinstance(b, Variable) else b for b in each]
    hist, *edges = _HistogramOfPoints.apply(input, weight, given, _pairs(range), bool(density))
    return return_types.histogramdd((hist, tuple(edges)))


class HistogramMethods:
    """The functions of this family as methods of Tensor."""

    histc = histc
    histogram = histogram
