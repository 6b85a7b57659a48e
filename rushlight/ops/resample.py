"""Resampling of a tensor's last dimensions: every mode of `nn.functional.interpolate` that is a linear map.

Each dimension is mapped by itself (`kernels.reference.taps`), so one operation and its transpose serve all modes; the
subclasses carry the names that PyTorch's graph shows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight.autograd.operation import Operation
from rushlight.kernels.reference.taps import (
    Taps,
    antialiased_taps,
    cubic_taps,
    linear_taps,
    nearest_gradient_taps,
    nearest_taps,
    same,
)
from rushlight.kernels.resampling import resample, resample_backward, resample_bytes
from rushlight.ops._numeric import as_result, not_implemented

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

__all__ = ["resampled"]

Plan = tuple[Taps, ...]

_FLOAT32 = np.dtype(np.float32)


class Resample(Operation):
    """The last dimensions mapped by a plan: a `Taps` for each. `back` is the plan that backward transposes."""

    adjoint: type[ResampleBackward]

    @staticmethod
    def forward(ctx: Any, input: Tensor, plan: Plan, back: Plan, name: str) -> Any:
        ctx.arguments = plan, back, name
        array = input._array
        if array.dtype.kind == "u":
            return resample_bytes(array, plan)
        copies = all(taps.weight is None for taps in plan)
        return as_result(resample(array, plan, None if copies else _working(array)), array.dtype)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return _OPERATIONS[ctx.arguments[-1]].adjoint.apply(grad, *ctx.arguments), None, None, None


class ResampleBackward(Operation):
    """The transpose of `Resample`."""

    @staticmethod
    def forward(ctx: Any, grad: Tensor, plan: Plan, back: Plan, name: str) -> Any:
        ctx.arguments = plan, back, name
        array = grad._array
        return as_result(resample_backward(array, back, _working(array)), array.dtype)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return _OPERATIONS[ctx.arguments[-1]].apply(grad, *ctx.arguments), None, None, None


def _working(array: Any) -> np.dtype[Any] | None:
    """The type to add up in, where it is not the array's own."""
    return None if array.dtype.char in "fd" else _FLOAT32


def _named(name: str) -> type[Resample]:
    adjoint = type(f"{name}Adjoint", (ResampleBackward,), {"node_name": f"{name}BackwardBackward0"})
    return type(name, (Resample,), {"node_name": f"{name}Backward0", "adjoint": adjoint})


_RANKS = (1, 2, 3)
_OPERATIONS: dict[str, type[Resample]] = {
    name: _named(name)
    for name in (
        *(f"UpsampleNearest{rank}D" for rank in _RANKS),
        *(f"UpsampleNearestExact{rank}D" for rank in _RANKS),
        "UpsampleLinear1D",
        "UpsampleBilinear2D",
        "UpsampleTrilinear3D",
        "UpsampleBicubic2D",
        "UpsampleBilinear2DAa",
        "UpsampleBicubic2DAa",
        "UpsampleLanczos2DAa",
    )
}


def _kernel_name(mode: str, rank: int, antialias: bool) -> str:
    """What PyTorch calls the kernel in its error about dtypes."""
    if antialias:
        return "compute_index_ranges_weights"
    if rank == 2 and mode != "bicubic":
        return f"upsample_{'bilinear' if mode == 'bilinear' else 'nearest'}2d_channels_last"
    return f"compute_indices_weights_{'cubic' if mode == 'bicubic' else _FAMILY[mode]}"


_FAMILY = {"nearest": "nearest", "nearest-exact": "nearest", "linear": "linear", "trilinear": "linear"}


def _check_dtype(array: Any, mode: str, rank: int, antialias: bool) -> None:
    dtype = array.dtype
    if dtype == np.uint8:
        fine = mode in ("nearest", "nearest-exact", "bilinear", "bicubic", "lanczos")
    else:
        # 16-bit floats are of kind f (float16) or V (bfloat16).
        fine = dtype.char in "fd" or (dtype.kind in "fV" and dtype.itemsize == 2 and not antialias)
    # Quantized tensors go through floats.
    if not fine and not dtype.names:
        raise not_implemented(_kernel_name(mode, rank, antialias), dtype)


def _check_sizes(shape: tuple[int, ...], sizes: tuple[int, ...]) -> None:
    """PyTorch's conditions on the sizes."""
    inner = shape[2:]
    if min(*inner, *sizes) <= 0:
        names = "DHW"[-len(sizes) :]
        before, after = (
            ", ".join(f"{name}: {n}" for name, n in zip(names, lengths, strict=True)) for lengths in (inner, sizes)
        )
        link = " and output" if len(sizes) == 1 else " output"
        raise RuntimeError(f"Input and output sizes should be greater than 0, but got input ({before}){link} ({after})")
    if 0 in shape[1:]:
        raise RuntimeError(f"Non-empty {len(shape)}D data tensor expected but got a tensor with sizes {list(shape)}")


def resampled(
    input: Tensor,
    sizes: tuple[int, ...],
    factors: tuple[float, ...] | None,
    mode: str,
    align_corners: bool = False,
    antialias: bool = False,
) -> Tensor:
    """`input` (N, C, *) with its last dimensions resampled to `sizes`.

    The step between neighbours is 1 / factor where `factors` are given, else input size / output size. Raises
    RuntimeError for sizes that are not positive, NotImplementedError for dtypes that PyTorch has no kernel for.
    """
    array = input._array
    shape, rank = array.shape, len(sizes)
    _check_sizes(shape, sizes)
    _check_dtype(array, mode, rank, antialias)
    # 16-bit floats are weighed in float32; uint8 in float64, since its weights are rounded to integers.
    dtype: Any = np.float64 if array.dtype.char in "dB" else np.float32
    axes = list(zip(shape[2:], sizes, factors or (None,) * rank, strict=True))
    if mode in ("nearest", "nearest-exact"):
        exact = mode == "nearest-exact"
        back = tuple(nearest_gradient_taps(*axis, exact) for axis in axes)
        # PyTorch's kernel for small images rounds the factor as all its backward kernels do; its other kernels don't.
        small = rank == 2 and sum(sizes) <= 128
        plan = back if small else tuple(nearest_taps(*axis, exact) for axis in axes)
    elif antialias:
        back = tuple(antialiased_taps(mode, *axis, align_corners, dtype) for axis in axes)
        # An axis that keeps its size is left alone, whatever the factor says; PyTorch's backward does not leave it.
        plan = tuple(same(n) if n == outputs else taps for (n, outputs, _), taps in zip(axes, back, strict=True))
    else:
        make = cubic_taps if mode == "bicubic" else linear_taps
        plan = back = tuple(make(*axis, align_corners, dtype) for axis in axes)
        if mode == "bicubic" and shape[2:] == sizes:
            # PyTorch's backward takes a factor that changes no size for 1.
            back = tuple(map(same, sizes))
    stem = "NearestExact" if mode == "nearest-exact" else mode.capitalize()
    name = f"Upsample{stem}{rank}D{'Aa' if antialias else ''}"
    return _OPERATIONS[name].apply(input, plan, back, name)
