"""Layers for quantization-aware training, one file a family."""

from rushlight.ao.nn.qat.modules.conv import *
from rushlight.ao.nn.qat.modules.embedding_ops import *
from rushlight.ao.nn.qat.modules.linear import *
