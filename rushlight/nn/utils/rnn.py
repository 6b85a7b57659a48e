"""Sequences of several lengths: the names of `torch.nn.utils.rnn`."""

from rushlight.nn.packing import *
