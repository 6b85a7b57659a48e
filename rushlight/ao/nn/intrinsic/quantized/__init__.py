"""Fused quantized layers."""

from rushlight.ao.nn.intrinsic.quantized import dynamic as dynamic
from rushlight.ao.nn.intrinsic.quantized.modules import *
