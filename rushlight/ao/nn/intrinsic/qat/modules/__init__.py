"""Fused layers for quantization-aware training, one file a family."""

from rushlight.ao.nn.intrinsic.qat.modules.conv_fused import *
from rushlight.ao.nn.intrinsic.qat.modules.linear_fused import *
