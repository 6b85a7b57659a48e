"""Fused layers: float ones here, `qat` ones for training, `quantized` ones after."""

from rushlight.ao.nn.intrinsic import qat as qat
from rushlight.ao.nn.intrinsic import quantized as quantized
from rushlight.ao.nn.intrinsic.modules.fused import *
