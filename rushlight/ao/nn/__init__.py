"""Layers of quantized networks: `quantized`, those of networks that learn to be (`qat`), and fused ones (`intrinsic`)."""

from rushlight.ao.nn import intrinsic as intrinsic
from rushlight.ao.nn import qat as qat
from rushlight.ao.nn import quantized as quantized
