"""Every operation, one file a family: forward and backward side by side, the public functions, the Tensor methods."""

from rushlight.ops._aten import aten as aten
