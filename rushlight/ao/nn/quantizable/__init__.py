"""Layers made of parts that can be observed and quantized one by one."""

from rushlight.ao.nn.quantizable.modules import *
