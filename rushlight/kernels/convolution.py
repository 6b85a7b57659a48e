"""Convolution by the compiled kernels where they take the arrays (1-D and 2-D), else by parts or the reference."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from rushlight.kernels import conv_parts
from rushlight.kernels.dispatch import native, prefer_native
from rushlight.kernels.reference import channels
from rushlight.kernels.reference import conv as reference
from rushlight.kernels.reference.windows import Ints

__all__ = ["conv", "conv_backward", "conv_input", "conv_transpose_backward", "conv_weight", "fold", "unfold"]

unfold, fold = reference.unfold, reference.fold

conv = prefer_native(conv_parts.conv)
conv_input = prefer_native(conv_parts.conv_input)
conv_weight = prefer_native(conv_parts.conv_weight)
channel_sums = prefer_native(channels.channel_sums)

if native is not None:
    native.set_conv_winograd(os.environ.get("RUSHLIGHT_WINOGRAD", "1") != "0")


def conv_backward(
    x: np.ndarray[Any, Any],
    gy: np.ndarray[Any, Any],
    weight: np.ndarray[Any, Any],
    stride: Ints,
    padding: Ints,
    dilation: Ints,
    groups: int,
    needs: tuple[bool, bool, bool],
) -> tuple[np.ndarray[Any, Any] | None, np.ndarray[Any, Any] | None, np.ndarray[Any, Any] | None]:
    """The gradients of `conv` in x, weight and bias from that of its result; None where `needs` has False."""
    gx = conv_input(gy, weight, None, x.shape[2:], stride, padding, dilation, groups) if needs[0] else None
    if not needs[1]:
        return gx, None, channel_sums(gy)[0] if needs[2] else None
    return gx, *conv_weight(x, gy, weight.shape[2:], stride, padding, dilation, groups, needs[2])


def conv_transpose_backward(
    x: np.ndarray[Any, Any],
    gy: np.ndarray[Any, Any],
    weight: np.ndarray[Any, Any],
    stride: Ints,
    padding: Ints,
    dilation: Ints,
    groups: int,
    needs: tuple[bool, bool, bool],
) -> tuple[np.ndarray[Any, Any] | None, np.ndarray[Any, Any] | None, np.ndarray[Any, Any] | None]:
    """The gradients of the transposed convolution in x, weight and bias: `conv` with the parts of x and y exchanged."""
    gx = conv(gy, weight, None, stride, padding, dilation, groups, x.shape[2:]) if needs[0] else None
    # As a convolution's, the weight gradient pairs its input (here gy) with its output's gradient (here x).
    _, gw, _ = conv_backward(gy, x, weight, stride, padding, dilation, groups, (False, needs[1], False))
    return gx, gw, channel_sums(gy)[0] if needs[2] else None
