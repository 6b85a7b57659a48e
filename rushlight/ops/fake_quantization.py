"""Rounding floats to the numbers that codes would stand for, with gradients that pass straight through.

Training with them prepares a network for int8 arithmetic.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import dtypes, kernels
from rushlight.autograd.grad_mode import state
from rushlight.autograd.operation import Operation
from rushlight.autograd.variable import Variable, wrap
from rushlight.ops._numeric import Array, check_tensor, not_implemented
from rushlight.ops.quantization import range_parameters

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

__all__ = [
    "fake_quantize_per_channel_affine", "fake_quantize_per_tensor_affine", "fused_moving_avg_obs_fake_quant",
]  # fmt: skip


def _rounded(array: Array, scale: Any, zero_point: Any, low: int, high: int) -> tuple[Array, Array]:
    """The numbers of the nearest codes, and where the codes were within their range."""
    wide = array if array.dtype == np.float64 else array.astype(np.float32, copy=False)
    inverse = np.float32(1) / scale
    if np.asarray(zero_point).dtype.kind == "f":
        codes = np.rint(wide * inverse + zero_point)
    else:
        codes = np.rint(wide * inverse) + np.asarray(zero_point, wide.dtype)
    inside = (codes >= low) & (codes <= high)
    # NaN goes where the conversion to an integer sends it.
    codes = np.maximum(np.fmin(codes, high), low) if high < 2**31 else codes
    out = (codes - np.asarray(zero_point, wide.dtype)) * scale
    return out.astype(array.dtype, copy=False), inside


class FakeQuantize(Operation):
    """The nearest numbers that codes stand for. Scale and zero point are arrays that broadcast."""

    node_name = "FakeQuantizePerTensorAffineCachemaskBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor, scale: Any, zero_point: Any, low: int, high: int) -> Array:
        array = input._array
        if array.dtype.kind not in "fV" or array.dtype.names:
            raise not_implemented("fake_quantize_tensor_cachemask_kernel_type_handling", array.dtype)
        out, ctx.inside = _rounded(array, scale, zero_point, low, high)
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return grad * wrap(ctx.inside), None, None, None, None


class FakeQuantizeTensorQparams(FakeQuantize):
    """The same where scale and zero point came as tensors."""

    node_name = "FakeQuantizePerTensorAffineCachemaskTensorQparamsBackward0"


class FakeQuantizePerChannel(FakeQuantize):
    """The same with a scale and a zero point for each channel."""

    node_name = "FakeQuantizePerChannelAffineCachemaskBackward0"


class FusedMovingAverage(FakeQuantize):
    """The same after watching the range."""

    node_name = "FusedMovingAvgObsFqHelperBackward0"


class Unchanged(Operation):
    """A copy, which the graph shows as what it stands for."""

    node_name = "FusedMovingAvgObsFqHelperBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor) -> Array:
        return input._array.copy()

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return grad


def _check_range(low: int, high: int) -> None:
    if low > high:
        raise RuntimeError("`quant_min` should be less than or equal to `quant_max`.")


def fake_quantize_per_tensor_affine(
    input: Tensor, scale: float | Tensor, zero_point: int | Tensor, quant_min: int, quant_max: int
) -> Tensor:
    """`(clamp(round(input / scale) + zero_point, quant_min, quant_max) - zero_point) · scale`, in floats.

    The gradient is that of the identity where the clamp does nothing, zero elsewhere. `scale` and `zero_point` are
    numbers or tensors of one element. RuntimeError for an empty range or a zero point outside it.

    >>> import rushlight as torch
    >>> torch.fake_quantize_per_tensor_affine(torch.tensor([0.26, -3.0]), 0.1, 0, 0, 255)
    tensor([0.3000, 0.0000])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.fake_quantize_per_tensor_affine.html
    """
    if state.casts is not None:
        return state.casts.float32(fake_quantize_per_tensor_affine, input, scale, zero_point, quant_min, quant_max)
    check_tensor("fake_quantize_per_tensor_affine", "input", 1, input)
    _check_range(quant_min, quant_max)
    if isinstance(scale, Variable) or isinstance(zero_point, Variable):
        if not (isinstance(scale, Variable) and isinstance(zero_point, Variable)):
            raise TypeError(
                "fake_quantize_per_tensor_affine() received an invalid combination of arguments - expected scale and "
                "zero_point to be both numbers or both tensors"
            )
        step, zero = np.float32(scale.item()), int(zero_point.item())
        return FakeQuantizeTensorQparams.apply(input, step, zero, quant_min, quant_max)
    if not quant_min <= zero_point <= quant_max:
        raise RuntimeError("`zero_point` must be between `quant_min` and `quant_max`.")
    return FakeQuantize.apply(input, np.float32(scale), int(zero_point), quant_min, quant_max)


def fake_quantize_per_channel_affine(
    input: Tensor, scale: Tensor, zero_point: Tensor, axis: int, quant_min: int, quant_max: int
) -> Tensor:
    """`fake_quantize_per_tensor_affine` with a scale and a zero point for each index of dimension `axis`.

    `scale` is (C,) in float32, `zero_point` (C,) in int32 or, where it is added before rounding, a float. RuntimeError
    where sizes or types don't fit.

    >>> import rushlight as torch
    >>> scale, zero_point = torch.tensor([0.1, 1.0]), torch.zeros(2, dtype=torch.int32)
    >>> torch.fake_quantize_per_channel_affine(torch.tensor([[0.26], [0.26]]), scale, zero_point, 0, 0, 255)
    tensor([[0.3000],
            [0.0000]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.fake_quantize_per_channel_affine.html
    """
    for position, (name, value) in enumerate((("input", input), ("scale", scale), ("zero_point", zero_point)), 1):
        check_tensor("fake_quantize_per_channel_affine", name, position, value)
    if scale.dtype not in (dtypes.float32, dtypes.bfloat16):
        raise RuntimeError(f"Scale must be Float or BFloat16, found {scale.dtype.legacy_name}")
    if zero_point.dtype not in (dtypes.int32, dtypes.float32, dtypes.float16):
        raise RuntimeError(f"Zero-point must be Int32, Float or Half, found {zero_point.dtype.legacy_name}")
    if scale.ndim != 1:
        raise RuntimeError("scale should be a 1-D tensor")
    if zero_point.ndim != 1:
        raise RuntimeError("zero point should be a 1-D tensor")
    if scale.shape != zero_point.shape:
        raise RuntimeError("scale and zero-point need to have the same dimensions")
    ndim = input.ndim
    if not -ndim <= axis < ndim:
        raise IndexError(f"Dimension out of range (expected to be in range of [{-ndim}, {ndim - 1}], but got {axis})")
    if input.shape[axis] != scale.shape[0]:
        raise RuntimeError("dimensions of scale and zero-point are not consistent with input tensor")
    _check_range(quant_min, quant_max)
    zero = zero_point._array
    if zero.dtype.kind == "i" and zero.size and not (quant_min <= zero.min() and zero.max() <= quant_max):
        raise RuntimeError("`zero_point` must be between `quant_min` and `quant_max`.")
    over = [1] * ndim
    over[axis] = -1
    step = scale._array.astype(np.float32).reshape(over)
    zero = (zero if zero.dtype.kind == "i" else zero.astype(np.float32)).reshape(over)
    return FakeQuantizePerChannel.apply(input, step, zero, quant_min, quant_max)


def _symmetric(low: float, high: float, least: int, greatest: int) -> tuple[float, float]:
    """A range across zero widened so that its middle code is zero."""
    half = (greatest - least) // 2
    if not low < 0 < high:
        return low, high
    step = max(abs(low / (half + 1)), abs(high / half))
    return -step * (half + 1), step * half


def _watch(array: Array, low: Tensor, high: Tensor, constant: float, per_row: bool) -> None:
    """Move the running range towards the array's."""
    now: Any
    if per_row:
        rows = array.reshape(array.shape[0], -1).astype(np.float32, copy=False)
        now = rows.min(1), rows.max(1)
        low.resize_(now[0].shape)
        high.resize_(now[0].shape)
        if not np.isfinite(low._array).all() or low._version == 0:
            low._array[...], high._array[...] = np.inf, -np.inf
    else:
        now = tuple(np.float32(end) for end in kernels.int8_range(np.ascontiguousarray(array, np.float32)))
    for running, end in ((low, now[0]), (high, now[1])):
        before = running._array
        step = np.float32(constant)
        running._array[...] = np.where(np.isinf(before), end, before + step * (end - before))
        running.bump_version()


def _choose(
    running: tuple[Tensor, Tensor], found: tuple[Tensor, Tensor], codes: tuple[int, int], symmetric: bool
) -> None:
    """Write the scale and the zero point that fit a running range."""
    scale, zero = found
    chosen = []
    for low, high in zip(*(end._array.reshape(-1).tolist() for end in running), strict=True):
        if math.isinf(low):
            low = high = 0.0
        low, high = _symmetric(low, high, *codes) if symmetric else (low, high)
        chosen.append(range_parameters(low, high, *codes, symmetric, single=True))
    if len(chosen) != scale.numel():
        scale.resize_((len(chosen),))
        zero.resize_((len(chosen),))
    scale._array[...] = [step for step, _ in chosen]
    zero._array[...] = [code for _, code in chosen]
    scale.bump_version()
    zero.bump_version()


def fused_moving_avg_obs_fake_quant(
    input: Tensor,
    observer_on: Tensor,
    fake_quant_on: Tensor,
    running_min: Tensor,
    running_max: Tensor,
    scale: Tensor,
    zero_point: Tensor,
    averaging_const: float,
    quant_min: int,
    quant_max: int,
    ch_axis: int,
    per_row_fake_quant: bool = False,
    symmetric_quant: bool = False,
) -> Tensor:
    """Watch the range of `input` and round it to the codes of the range seen so far, in one step of training.

    Where `observer_on`, `running_min` and `running_max` move towards the input's by `averaging_const` (each row's own
    with `per_row_fake_quant`). Where `fake_quant_on`, `scale` and `zero_point` are chosen for that range (about zero
    with `symmetric_quant`), and the result is that of `fake_quantize_per_tensor_affine` or its twin for channels; else
    it is a copy. The four are written in place. RuntimeError for channels on another axis than 0.

    >>> import rushlight as torch
    >>> low, high, scale = torch.tensor(float("inf")), torch.tensor(float("-inf")), torch.ones(1)
    >>> zero, on = torch.zeros(1, dtype=torch.int32), torch.ones(1)
    >>> x = torch.tensor([0.0, 1.0, 2.55])
    >>> torch.fused_moving_avg_obs_fake_quant(x, on, on, low, high, scale, zero, 0.01, 0, 255, 0)
    tensor([0.0000, 1.0000, 2.5500])
    >>> scale
    tensor([0.0100])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.ao.quantization.fake_quantize.FusedMovingAvgObsFakeQuantize.html
    """
    check_tensor("fused_moving_avg_obs_fake_quant", "input", 1, input)
    _check_range(quant_min, quant_max)
    array = input._array
    if per_row_fake_quant and ch_axis != 0:
        raise RuntimeError("Per-channel FakeQuant in fused_moving_avg_obs_fake_quant is only supported on axis == 0")
    if array.size == 0:
        return input.clone()
    if observer_on.item():
        _watch(array, running_min, running_max, averaging_const, per_row_fake_quant)
    if not fake_quant_on.item():
        return Unchanged.apply(input)
    _choose((running_min, running_max), (scale, zero_point), (quant_min, quant_max), symmetric_quant)
    steps, zeros = scale._array.copy(), zero_point._array.copy()
    if per_row_fake_quant:
        over = (-1,) + (1,) * (array.ndim - 1)
        return FusedMovingAverage.apply(input, steps.reshape(over), zeros.reshape(over), quant_min, quant_max)
    return FusedMovingAverage.apply(input, steps.reshape(-1)[0], zeros.reshape(-1)[0], quant_min, quant_max)
