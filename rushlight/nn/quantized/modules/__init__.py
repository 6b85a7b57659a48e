"""The older place of `rushlight.ao.nn.quantized.modules`."""

from rushlight.ao.nn.quantized.modules import *
