"""The older place of `rushlight.ao.nn.quantized.functional`."""

from rushlight.ao.nn.quantized.functional import *
