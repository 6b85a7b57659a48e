"""Fused float layers."""

from rushlight.ao.nn.intrinsic.modules.fused import *
