"""The switches of CUDA's matrix products and of attention: they can be set and read, and on a CPU only attention's matter.

Source: https://docs.pytorch.org/docs/2.13/backends.html#torch.backends.cuda
"""

from __future__ import annotations

from types import SimpleNamespace

from rushlight.backends._sdp import *

__all__ = ["is_built", "matmul"]

matmul = SimpleNamespace(allow_tf32=False, allow_fp16_reduced_precision_reduction=True)


def is_built() -> bool:
    """False: Rushlight is built without CUDA."""
    return False
