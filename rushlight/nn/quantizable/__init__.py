"""The older place of `rushlight.ao.nn.quantizable`."""

from rushlight.ao.nn.quantizable.modules import *
