"""Layers of quantized networks: `quantized`, those that train towards it (`qat`), fused ones (`intrinsic`)."""

from rushlight.ao.nn import intrinsic as intrinsic
from rushlight.ao.nn import qat as qat
from rushlight.ao.nn import quantizable as quantizable
from rushlight.ao.nn import quantized as quantized
