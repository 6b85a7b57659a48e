"""Normalisation: subtract a mean, divide by a standard deviation, scale and shift. One operation serves all the layers.

Batch, layer, group and instance normalisation differ in the axes their statistics are over and in the shape their scale
and shift broadcast in; for a group, the input is first seen with its channels split into groups.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from rushlight import kernels
from rushlight.autograd.grad_mode import state
from rushlight.autograd.operation import Operation
from rushlight.autograd.variable import wrap
from rushlight.kernels.reference.norm import wide
from rushlight.ops._geometry import in_order

__all__ = ["BatchNorm", "BatchNormEval", "CrossMapLRN", "GroupNorm", "LayerNorm", "RMSNorm", "RMSNormRounded"]

# The arguments after weight and bias have no gradient.
_NOTHING = (None,) * 5


class _Normalize(Operation):
    """`(x - mean) / sqrt(var + eps) * weight + bias` with the statistics of x itself over `axes`.

    `view` is the shape in which x is seen, `affine` that in which weight and bias broadcast to it. `moments`, a list,
    is given the mean and the biased variance.
    """

    @staticmethod
    def forward(
        ctx: Any,
        input: Any,
        weight: Any,
        bias: Any,
        view: tuple[int, ...],
        axes: tuple[int, ...],
        affine: tuple[int, ...],
        eps: float,
        moments: list[Any] | None = None,
    ) -> Any:
        out, mean, var, rstd = kernels.normalize(
            input._array,
            None if weight is None else weight._array,
            None if bias is None else bias._array,
            view,
            axes,
            affine,
            eps,
        )
        if moments is not None:
            moments.extend((mean, var))
        ctx.layout, ctx.eps = (view, axes, affine), eps
        ctx.save_for_backward(input, weight, bias, wrap(mean), wrap(rstd))
        return out

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        input, weight, bias, mean, rstd = ctx.saved_tensors
        if state.enabled or input._array.dtype.itemsize <= 2:
            return (*_gradients(ctx, grad, input, weight, bias, mean, rstd), *_NOTHING)
        reuse, needs = ctx._may_overwrite(grad), ctx.needs_input_grad
        view, axes, affine = ctx.layout
        gradients: tuple[Any, ...] = kernels.normalize_backward(
            in_order(grad._array),  # that of a mean is one row for many
            input._array,
            None if weight is None else weight._array,
            mean._array,
            rstd._array,
            view,
            axes,
            affine,
            needs[1] or needs[2],
            reuse,
        )
        to_input, to_weight, to_bias = gradients
        return (
            wrap(to_input) if needs[0] else None,
            wrap(_shaped(to_weight, weight._array)) if needs[1] else None,
            wrap(_shaped(to_bias, bias._array)) if needs[2] else None,
            *_NOTHING,
        )


def _shaped(gradient: Any, like: Any) -> Any:
    """A gradient of one dimension in its parameter's shape and type; itself where it has them, for a leaf to keep."""
    if gradient.shape != like.shape:
        gradient = gradient.reshape(like.shape)
    return gradient.astype(like.dtype, copy=False)


def _gradients(ctx: Any, grad: Any, input: Any, weight: Any, bias: Any, mean: Any, rstd: Any) -> tuple[Any, Any, Any]:
    """The gradients of x, weight and bias in operations that can be differentiated again."""
    needs, (view, axes, affine) = ctx.needs_input_grad, ctx.layout
    x, g = input.reshape(view), grad.reshape(view)
    if mean._array.dtype != input._array.dtype:
        x, g = x.to(mean.dtype), g.to(mean.dtype)
    if state.enabled:
        # The statistics depend on the input: a second derivative goes through them.
        mean = x.mean(axes, keepdim=True)
        rstd = ((x - mean).square().mean(axes, keepdim=True) + ctx.eps).rsqrt()
    normal = (x - mean) * rstd
    to_input = to_weight = to_bias = None
    if needs[0]:
        scaled = g if weight is None else g * weight.to(g.dtype).reshape(affine)
        pull = scaled.mean(axes, keepdim=True) + normal * (scaled * normal).mean(axes, keepdim=True)
        to_input = ((scaled - pull) * rstd).reshape(input._array.shape).to(input.dtype)
    if needs[1]:
        to_weight = (g * normal).sum_to_size(affine).reshape(weight._array.shape).to(weight.dtype)
    if needs[2]:
        to_bias = g.sum_to_size(affine).reshape(bias._array.shape).to(bias.dtype)
    return to_input, to_weight, to_bias


class BatchNorm(_Normalize):
    """Normalisation over the batch, channel by channel."""

    node_name = "NativeBatchNormBackward0"


class LayerNorm(_Normalize):
    """Normalisation over the last dimensions."""

    node_name = "NativeLayerNormBackward0"


class GroupNorm(_Normalize):
    """Normalisation over groups of channels."""

    node_name = "NativeGroupNormBackward0"


class BatchNormEval(Operation):
    """Normalisation by given statistics: `(x - mean) / sqrt(var + eps) * weight + bias`, channel by channel."""

    node_name = "NativeBatchNormBackward0"

    @staticmethod
    def forward(ctx: Any, input: Any, weight: Any, bias: Any, mean: Any, var: Any, eps: float) -> Any:
        array = input._array
        affine = (1, -1) + (1,) * (array.ndim - 2)
        rstd = 1 / np.sqrt(wide(var._array) + np.float32(eps) if var._array.dtype.itemsize < 8 else var._array + eps)
        scale = rstd if weight is None else rstd * wide(weight._array)
        shift = -wide(mean._array) * scale
        if bias is not None:
            shift = shift + wide(bias._array)
        ctx.affine = affine
        # The statistics are kept as they are now: training may move them before backward.
        ctx.save_for_backward(input, weight, bias, wrap(wide(mean._array).copy()), wrap(rstd))
        return kernels.scale_channels(array, scale, shift)

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        input, weight, bias, mean, rstd = ctx.saved_tensors
        needs, affine = ctx.needs_input_grad, ctx.affine
        if not state.enabled and input._array.dtype.char in "fd" and grad._array.dtype is input._array.dtype:
            return (*_eval_gradients(grad._array, input._array, weight, bias, mean, rstd, needs), None, None, None)
        rstd = rstd.reshape(affine)
        to_input = to_weight = to_bias = None
        if needs[0]:
            scale = rstd if weight is None else rstd * weight.reshape(affine)
            to_input = (grad * scale).to(input.dtype)
        if needs[1]:
            normal = (input - mean.reshape(affine)) * rstd
            to_weight = (
                (grad * normal)
                .sum_to_size((1, *weight._array.shape, *affine[2:]))
                .reshape(weight._array.shape)
                .to(weight.dtype)
            )
        if needs[2]:
            to_bias = grad.sum_to_size((1, *bias._array.shape, *affine[2:])).reshape(bias._array.shape).to(bias.dtype)
        return to_input, to_weight, to_bias, None, None, None


def _eval_gradients(
    grad: Any, x: Any, weight: Any, bias: Any, mean: Any, rstd: Any, needs: Any
) -> tuple[Any, Any, Any]:
    """The gradients of `BatchNormEval` that are needed, where nothing asks for theirs."""
    scale, to_input, to_weight, to_bias = rstd._array, None, None, None
    if needs[0]:
        factors = scale if weight is None else scale * wide(weight._array)
        to_input = wrap(kernels.scale_channels(grad, factors.astype(grad.dtype, copy=False), None))
    if needs[1] or needs[2]:
        centre = mean._array.astype(grad.dtype, copy=False)
        sums, products = kernels.channel_sums(grad, x, centre) if needs[1] else kernels.channel_sums(grad)
        if products is not None:
            to_weight = wrap((products * scale).astype(weight._array.dtype, copy=False))
        if needs[2]:
            to_bias = wrap(sums.astype(bias._array.dtype, copy=False))
    return to_input, to_weight, to_bias


class RMSNorm(Operation):
    """`x / sqrt(E[x²] + eps) · weight` over the last axes."""

    node_name = "MulBackward0"

    @staticmethod
    def forward(ctx: Any, input: Any, weight: Any, axes: tuple[int, ...], eps: float) -> Any:
        count = math.prod(input._array.shape[axis] for axis in axes)
        out, scale = kernels.rms_normalize(input._array, None if weight is None else weight._array, count, eps)
        ctx.axes, ctx.eps, ctx.count = axes, eps, count
        ctx.save_for_backward(input, weight, wrap(scale))
        return out

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        input, weight, scale = ctx.saved_tensors
        axes, needs = ctx.axes, ctx.needs_input_grad
        if not state.enabled:
            array: Any = None if weight is None else weight._array
            first, second = kernels.rms_normalize_backward(
                grad._array, input._array, array, scale._array, ctx.count, needs[1]
            )
            to_input = wrap(first) if needs[0] else None
            to_weight = None if second is None else wrap(second.reshape(array.shape).astype(array.dtype, copy=False))
            return to_input, to_weight, None, None
        x, g = input.to(scale.dtype), grad.to(scale.dtype)
        # The scale depends on the input: a second derivative goes through it.
        scale = (x.square().mean(axes, keepdim=True) + ctx.eps).rsqrt()
        normal = x * scale
        to_input = to_weight = None
        if needs[0]:
            scaled = g if weight is None else g * weight.to(g.dtype)
            pull = normal * (scaled * normal).mean(axes, keepdim=True)
            to_input = ((scaled - pull) * scale).to(input.dtype)
        if needs[1]:
            to_weight = (g * normal).sum_to_size(weight._array.shape).to(weight.dtype)
        return to_input, to_weight, None, None


class RMSNormRounded(RMSNorm):
    """The same of 16-bit numbers, where PyTorch's last step is the rounding."""

    node_name = "ToCopyBackward0"


class CrossMapLRN(Operation):
    """`x / (k + alpha / size · s)^beta`, s the sum of the squares of neighbouring channels, as PyTorch sums them.

    Its forward pass drops from the sum each channel that has come to lie too far back, but never the first one, and the
    window of its backward pass lies one channel before that of its forward pass: neither is quite what Krizhevsky et
    al. (2012) define. `local_response_norm` is.
    """

    node_name = "CrossMapLRN2dBackward"

    @staticmethod
    def forward(ctx: Any, input: Any, size: int, alpha: float, beta: float, k: float) -> Any:
        ctx.save_for_backward(input)
        ctx.settings = size, alpha, beta, k
        x = wide(input._array)
        out = x * (_sums(np.square(x), _forward_window(x.shape[1], size, x.dtype)) * (alpha / size) + k) ** -beta
        return out.astype(input._array.dtype, copy=False)

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        (input,) = ctx.saved_tensors
        size, alpha, beta, k = ctx.settings
        kind, channels = wide(input._array[:0]).dtype, input._array.shape[1]
        windows = [wrap(window(channels, size, kind)) for window in (_forward_window, _backward_window)]
        x = input.to(windows[0].dtype)
        g = grad.to(x.dtype)
        scale = _sums(x * x, windows[0]) * (alpha / size) + k
        sums = _sums(g * x * scale ** (-beta - 1), windows[1])
        to_input = g * scale**-beta - x * sums * (2 * alpha * beta / size)
        return to_input.to(input.dtype), None, None, None, None


def _sums(x: Any, window: Any) -> Any:
    """`Σ_j window[c, j] · x[n, j, …]`, of arrays or of tensors."""
    n, c, h, w = x.shape
    return (window @ x.reshape(n, c, h * w)).reshape(n, c, h, w)


def _forward_window(channels: int, size: int, dtype: Any) -> Any:
    """Which channels (columns) count for each channel (rows)."""
    reach = int((size - 1) / 2 + 1)
    row, column = np.indices((channels, channels))
    return ((column < row + reach) & ((column > row - reach) | (column == 0))).astype(dtype)


def _backward_window(channels: int, size: int, dtype: Any) -> Any:
    """The same in PyTorch's backward pass."""
    before = min(int(size - (size - 1) / 2), size - 1)
    row, column = np.indices((channels, channels))
    return ((column >= row - before) & (column < row - before + size)).astype(dtype)
