"""Kinds of quantization."""

from __future__ import annotations

import enum

__all__ = ["QuantType"]


class QuantType(enum.IntEnum):
    """How a layer is quantized: at run time, beforehand, while training, or its weights only.

    Source: https://docs.pytorch.org/docs/2.13/quantization.html
    """

    DYNAMIC = 0
    STATIC = 1
    QAT = 2
    WEIGHT_ONLY = 3
