"""Observers: modules that let tensors pass and remember the range they saw, from which scale and zero point follow."""

from rushlight.ao.quantization._granularity import *
from rushlight.ao.quantization._histogram import *
from rushlight.ao.quantization._observers import *
