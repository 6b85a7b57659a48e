"""The older place of `rushlight.ao.nn.intrinsic.qat`."""

from rushlight.ao.nn.intrinsic.qat.modules import *
