"""The older place of `rushlight.ao.quantization`."""

from rushlight.ao.quantization import *
