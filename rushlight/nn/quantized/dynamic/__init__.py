"""The older place of `rushlight.ao.nn.quantized.dynamic`."""

from rushlight.ao.nn.quantized.dynamic.modules import *
