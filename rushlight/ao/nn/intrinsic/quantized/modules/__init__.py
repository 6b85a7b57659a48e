"""Fused quantized layers."""

from rushlight.ao.nn.intrinsic.quantized.modules.fused import *
