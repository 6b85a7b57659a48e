"""Convolution in any number of dimensions with NumPy: the definition, and the fallback of the compiled kernels.

Shapes: input `x` (N, C, *size), `weight` (O, C / groups, *kernel), output `y` (N, O, *outputs). The input is unfolded
into columns (N, C, *kernel, *outputs), a few samples at a time so that the columns stay small, and multiplied by the
weight as a matrix. `conv_input` is the adjoint of `conv` in x (and so the transposed convolution), `conv_weight` the
adjoint in the weight.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from rushlight.kernels.reference.channels import channel_sums
from rushlight.kernels.reference.windows import Ints, conv_size, last_axes, taps, working_dtype

__all__ = ["conv", "conv_input", "conv_weight", "fold", "unfold"]

# Columns of a chunk of samples stay below this many elements, about the size of a second-level cache.
_CHUNK = 1 << 20


def unfold(
    x: np.ndarray[Any, Any], outputs: Ints, kernel: Ints, stride: Ints, padding: Ints, dilation: Ints
) -> np.ndarray[Any, Any]:
    """Copies every window of `x` (N, C, *size) into columns (N, C, *kernel, *outputs); zeros outside the input."""
    columns = np.zeros((*x.shape[:2], *kernel, *outputs), x.dtype)
    for place, out, inside in taps(x.shape[2:], outputs, kernel, stride, padding, dilation):
        columns[last_axes(*place, *out)] = x[last_axes(*inside)]
    return columns


def fold(
    columns: np.ndarray[Any, Any], sizes: Ints, kernel: Ints, stride: Ints, padding: Ints, dilation: Ints
) -> np.ndarray[Any, Any]:
    """The adjoint of `unfold`: adds columns (N, C, *kernel, *outputs) back at the inputs (N, C, *sizes) they came
    from."""
    rank = len(sizes)
    outputs = columns.shape[2 + rank :]
    x = np.zeros((*columns.shape[:2], *sizes), working_dtype(columns.dtype))
    for place, out, inside in taps(sizes, outputs, kernel, stride, padding, dilation):
        x[last_axes(*inside)] += columns[last_axes(*place, *out)]
    return x.astype(columns.dtype, copy=False)


def _add_channels(y: np.ndarray[Any, Any], bias: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    y += bias.astype(y.dtype, copy=False).reshape(-1, *(1,) * (y.ndim - 2))
    return y


def conv(
    x: np.ndarray[Any, Any],
    weight: np.ndarray[Any, Any],
    bias: np.ndarray[Any, Any] | None,
    stride: Ints,
    padding: Ints,
    dilation: Ints,
    groups: int,
    outputs: Ints | None = None,
    relu: bool = False,
) -> np.ndarray[Any, Any]:
    """`y[n, o] = bias[o] + Σ weight[o, c, k] · x[n, group(o) + c, window(k)]`: (N, C, *size) to (N, O, *outputs).

    `outputs`, by default as many windows as fit, is what the gradient of a transposed convolution knows better.
    """
    batch, channels = x.shape[:2]
    out_channels, kernel = weight.shape[0], weight.shape[2:]
    outputs = outputs or tuple(map(conv_size, x.shape[2:], kernel, stride, padding, dilation))
    work = working_dtype(x.dtype)
    matrix = weight.astype(work, copy=False).reshape(groups, out_channels // groups, -1)
    depth = matrix.shape[2]
    y = np.empty((batch, out_channels, *outputs), x.dtype)
    step = max(1, _CHUNK // max(1, channels * prod(kernel) * prod(outputs)))
    for begin in range(0, batch, step):
        columns = unfold(x[begin : begin + step].astype(work, copy=False), outputs, kernel, stride, padding, dilation)
        part = np.matmul(matrix, columns.reshape(len(columns), groups, depth, prod(outputs)))
        part = part.reshape(len(columns), out_channels, *outputs)
        if bias is not None:
            _add_channels(part, bias)
        y[begin : begin + step] = np.maximum(part, 0, out=part) if relu else part
    return y


def conv_input(
    gy: np.ndarray[Any, Any],
    weight: np.ndarray[Any, Any],
    bias: np.ndarray[Any, Any] | None,
    sizes: Ints,
    stride: Ints,
    padding: Ints,
    dilation: Ints,
    groups: int,
) -> np.ndarray[Any, Any]:
    """The x-adjoint of `conv`, plus a bias: (N, O, *outputs) to (N, C, *sizes)."""
    batch, out_channels, outputs = gy.shape[0], gy.shape[1], gy.shape[2:]
    kernel = weight.shape[2:]
    channels = weight.shape[1] * groups
    work = working_dtype(gy.dtype)
    matrix = weight.astype(work, copy=False).reshape(groups, out_channels // groups, -1).swapaxes(1, 2)
    x = np.empty((batch, channels, *sizes), gy.dtype)
    step = max(1, _CHUNK // max(1, channels * prod(kernel) * prod(outputs)))
    for begin in range(0, batch, step):
        part = gy[begin : begin + step].astype(work, copy=False)
        columns = np.matmul(matrix, part.reshape(len(part), groups, out_channels // groups, prod(outputs)))
        columns = columns.reshape(len(part), channels, *kernel, *outputs)
        folded = fold(columns, sizes, kernel, stride, padding, dilation)
        x[begin : begin + step] = folded if bias is None else _add_channels(folded, bias)
    return x


def conv_weight(
    x: np.ndarray[Any, Any],
    gy: np.ndarray[Any, Any],
    kernel: Ints,
    stride: Ints,
    padding: Ints,
    dilation: Ints,
    groups: int,
    bias: bool = False,
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any] | None]:
    """The adjoint of `conv` in the weight, and (with `bias`) in the bias: (N, C, *size) and (N, O, *outputs) to
    (O, C / groups, *kernel) and (O,)."""
    batch, channels = x.shape[:2]
    out_channels, outputs = gy.shape[1], gy.shape[2:]
    depth = channels // groups * prod(kernel)
    work = working_dtype(x.dtype)
    total = np.zeros((groups, out_channels // groups, depth), work)
    # One sample's columns and its product both count, since matmul makes a product for each sample before the sum.
    step = max(1, _CHUNK // max(1, channels * prod(kernel) * prod(outputs), out_channels * depth))
    for begin in range(0, batch, step):
        part = x[begin : begin + step].astype(work, copy=False)
        columns = unfold(part, outputs, kernel, stride, padding, dilation)
        columns = columns.reshape(len(part), groups, depth, prod(outputs))
        grads = gy[begin : begin + step].astype(work, copy=False)
        grads = grads.reshape(len(part), groups, out_channels // groups, prod(outputs))
        total += np.matmul(grads, columns.swapaxes(2, 3)).sum(0)
    gw = total.reshape(out_channels, channels // groups, *kernel).astype(x.dtype, copy=False)
    return gw, channel_sums(gy)[0] if bias else None
