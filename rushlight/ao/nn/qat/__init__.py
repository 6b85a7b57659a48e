"""Layers for quantization-aware training: their weights pass fake quantizers."""

from rushlight.ao.nn.qat import dynamic as dynamic
from rushlight.ao.nn.qat.modules import *
