"""Dynamically quantized layers, one file a family."""

from rushlight.ao.nn.quantized.dynamic.modules.conv import *
from rushlight.ao.nn.quantized.dynamic.modules.linear import *
from rushlight.ao.nn.quantized.dynamic.modules.rnn import *
