"""Layers made of parts that can be observed, one file a family."""

from rushlight.ao.nn.quantizable.modules.activation import *
from rushlight.ao.nn.quantizable.modules.rnn import *
