"""Fused dynamically quantized layers."""

from rushlight.ao.nn.intrinsic.quantized.dynamic.modules.linear_relu import *
