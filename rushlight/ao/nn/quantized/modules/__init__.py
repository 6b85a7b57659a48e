"""Quantized layers, one file a family."""

from rushlight.ao.nn.quantized.modules._ends import *
from rushlight.ao.nn.quantized.modules.activation import *
from rushlight.ao.nn.quantized.modules.attention import *
from rushlight.ao.nn.quantized.modules.batchnorm import *
from rushlight.ao.nn.quantized.modules.conv import *
from rushlight.ao.nn.quantized.modules.dropout import *
from rushlight.ao.nn.quantized.modules.embedding_ops import *
from rushlight.ao.nn.quantized.modules.functional_modules import *
from rushlight.ao.nn.quantized.modules.linear import *
from rushlight.ao.nn.quantized.modules.normalization import *
from rushlight.ao.nn.quantized.modules.rnn import *
