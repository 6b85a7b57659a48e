"""Layers for training towards dynamic quantization, one file a family."""

from rushlight.ao.nn.qat.dynamic.modules.linear import *
