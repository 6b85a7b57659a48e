"""Fused layers for quantization-aware training."""

from rushlight.ao.nn.intrinsic.qat.modules import *
