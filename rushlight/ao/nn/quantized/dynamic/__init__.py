"""Layers of int8 weights that take and give floats, quantizing their input by its own range at every call."""

from rushlight.ao.nn.quantized.dynamic.modules import *
