"""The older place of `rushlight.ao.nn.qat.dynamic`."""

from rushlight.ao.nn.qat.dynamic.modules import *
