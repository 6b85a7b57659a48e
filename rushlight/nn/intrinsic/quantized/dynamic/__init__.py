"""The older place of `rushlight.ao.nn.intrinsic.quantized.dynamic`."""

from rushlight.ao.nn.intrinsic.quantized.dynamic.modules import *
