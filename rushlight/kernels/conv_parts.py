"""Convolutions that the compiled kernels don't take, put together from those they do: 16-bit numbers as float32 ones,
three dimensions of few channels as two.

A window over depth becomes channels: (N, C, D, H, W) to (N·OD, C·KD, H, W), so that the product over height and width
sums over all three. Without compiled kernels the reference does all of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any

import numpy as np

from rushlight.kernels.dispatch import native_available, prefer_native
from rushlight.kernels.reference import channels
from rushlight.kernels.reference import conv as reference
from rushlight.kernels.reference.windows import Ints, conv_size, taps, working_dtype

__all__ = ["conv", "conv_input", "conv_weight"]

Array = np.ndarray[Any, Any]

_conv = prefer_native(reference.conv)
_conv_input = prefer_native(reference.conv_input)
_conv_weight = prefer_native(reference.conv_weight)
_channel_sums = prefer_native(channels.channel_sums)

# A chunk of samples has fewer elements than this, once its windows over depth are copied.
_CHUNK = 1 << 23


def _widened(array: Array | None, work: np.dtype[Any]) -> Any:
    return array if array is None else array.astype(work, copy=False)


def _is_deep(array: Array) -> bool:
    return array.ndim == 5 and array.dtype.char in "fd" and native_available()


def _depth_taps(
    depth: int, outputs: int, kernel: int, stride: Ints, padding: Ints, dilation: Ints
) -> Iterator[tuple[int, slice, slice]]:
    for (place,), (out,), (inside,) in taps((depth,), (outputs,), (kernel,), stride[:1], padding[:1], dilation[:1]):
        yield place, out, inside


def _planes(x: Array, outputs: int, kernel: int, stride: Ints, padding: Ints, dilation: Ints) -> Array:
    """(N, C, D, H, W) to (N·OD, C·KD, H, W): what each output depth sees."""
    batch, channels, depth, *plane = x.shape
    if kernel == 1 and outputs == depth and stride[0] == 1 and not padding[0]:
        return np.ascontiguousarray(x.swapaxes(1, 2)).reshape(batch * depth, channels, *plane)
    seen = np.zeros((batch, outputs, channels, kernel, *plane), x.dtype)
    for place, out, inside in _depth_taps(depth, outputs, kernel, stride, padding, dilation):
        seen[:, out, :, place] = x[:, :, inside].swapaxes(1, 2)
    return seen.reshape(batch * outputs, channels * kernel, *plane)


def _flat(weight: Array) -> Array:
    """(O, C, KD, KH, KW) to (O, C·KD, KH, KW)."""
    first, second, depth, *rest = weight.shape
    return np.ascontiguousarray(weight).reshape(first, second * depth, *rest)


def _chunks(batch: int, each: int) -> Iterator[slice]:
    step = max(1, _CHUNK // max(1, each))
    for begin in range(0, batch, step):
        yield slice(begin, begin + step)


def conv(
    x: Array,
    weight: Array,
    bias: Array | None,
    stride: Ints,
    padding: Ints,
    dilation: Ints,
    groups: int,
    outputs: Ints | None = None,
    relu: bool = False,
) -> Array:
    """See `reference.conv`."""
    work = working_dtype(x.dtype)
    if work != x.dtype:
        wide = _widened(x, work), _widened(weight, work), _widened(bias, work)
        return _conv_or_parts(*wide, stride, padding, dilation, groups, outputs, relu).astype(x.dtype)
    if not _is_deep(x):
        return reference.conv(x, weight, bias, stride, padding, dilation, groups, outputs, relu)
    kernel = weight.shape[2:]
    outputs = outputs or tuple(map(conv_size, x.shape[2:], kernel, stride, padding, dilation))
    y = np.empty((len(x), len(weight), *outputs), x.dtype)
    flat = _flat(weight)
    for part in _chunks(len(x), x.shape[1] * kernel[0] * outputs[0] * prod(x.shape[3:])):
        planes = _planes(x[part], outputs[0], kernel[0], stride, padding, dilation)
        found = _conv(planes, flat, bias, stride[1:], padding[1:], dilation[1:], groups, outputs[1:], relu)
        y[part] = found.reshape(-1, outputs[0], len(weight), *outputs[1:]).swapaxes(1, 2)
    return y


def conv_input(
    gy: Array,
    weight: Array,
    bias: Array | None,
    sizes: Ints,
    stride: Ints,
    padding: Ints,
    dilation: Ints,
    groups: int,
) -> Array:
    """See `reference.conv_input`."""
    work = working_dtype(gy.dtype)
    if work != gy.dtype:
        wide = _widened(gy, work), _widened(weight, work), _widened(bias, work)
        return _conv_input_or_parts(*wide, sizes, stride, padding, dilation, groups).astype(gy.dtype)
    if not _is_deep(gy):
        return reference.conv_input(gy, weight, bias, sizes, stride, padding, dilation, groups)
    batch, out_channels, outputs = gy.shape[0], gy.shape[1], gy.shape[2:]
    channels, kernel = weight.shape[1] * groups, weight.shape[2]
    x = np.zeros((batch, channels, *sizes), gy.dtype)
    flat = _flat(weight)
    for part in _chunks(batch, channels * kernel * outputs[0] * prod(sizes[1:])):
        planes = np.ascontiguousarray(gy[part].swapaxes(1, 2)).reshape(-1, out_channels, *outputs[1:])
        found = _conv_input(planes, flat, None, sizes[1:], stride[1:], padding[1:], dilation[1:], groups)
        seen = found.reshape(-1, outputs[0], channels, kernel, *sizes[1:])
        total = x[part]
        for place, out, inside in _depth_taps(sizes[0], outputs[0], kernel, stride, padding, dilation):
            total[:, :, inside] += seen[:, out, :, place].swapaxes(1, 2)
    if bias is not None:
        x += bias.reshape(-1, 1, 1, 1)
    return x


def conv_weight(
    x: Array,
    gy: Array,
    kernel: Ints,
    stride: Ints,
    padding: Ints,
    dilation: Ints,
    groups: int,
    bias: bool = False,
) -> tuple[Array, Array | None]:
    """See `reference.conv_weight`."""
    work = working_dtype(x.dtype)
    if work != x.dtype:
        wide = _widened(x, work), _widened(gy, work)
        gw, gb = _conv_weight_or_parts(*wide, kernel, stride, padding, dilation, groups, bias)
        return gw.astype(x.dtype), None if gb is None else gb.astype(x.dtype)
    if not _is_deep(x):
        return reference.conv_weight(x, gy, kernel, stride, padding, dilation, groups, bias)
    out_channels, outputs = gy.shape[1], gy.shape[2:]
    channels = x.shape[1] // groups
    total = np.zeros((out_channels, channels * kernel[0], *kernel[1:]), x.dtype)
    for part in _chunks(len(x), x.shape[1] * kernel[0] * outputs[0] * prod(x.shape[3:])):
        planes = _planes(x[part], outputs[0], kernel[0], stride, padding, dilation)
        grads = np.ascontiguousarray(gy[part].swapaxes(1, 2)).reshape(-1, out_channels, *outputs[1:])
        total += _conv_weight(planes, grads, kernel[1:], stride[1:], padding[1:], dilation[1:], groups, False)[0]
    gw = total.reshape(out_channels, channels, *kernel)
    return gw, _channel_sums(gy)[0] if bias else None


_conv_or_parts = prefer_native(conv)
_conv_input_or_parts = prefer_native(conv_input)
_conv_weight_or_parts = prefer_native(conv_weight)
