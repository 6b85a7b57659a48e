"""The older place of `rushlight.ao.nn.intrinsic`."""

from rushlight.ao.nn.intrinsic import qat as qat
from rushlight.ao.nn.intrinsic import quantized as quantized
from rushlight.ao.nn.intrinsic.modules import *
