"""Layers for training towards dynamic quantization."""

from rushlight.ao.nn.qat.dynamic.modules import *
