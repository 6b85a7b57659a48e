"""Layers that compute on quantized tensors."""

from rushlight.ao.nn.quantized import dynamic as dynamic
from rushlight.ao.nn.quantized import functional as functional
from rushlight.ao.nn.quantized.modules import *
