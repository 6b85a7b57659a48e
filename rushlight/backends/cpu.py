"""What a program asks about the CPU.

Source: https://docs.pytorch.org/docs/2.13/backends.html#torch.backends.cpu
"""

from __future__ import annotations

from rushlight.kernels.dispatch import native

__all__ = ["get_cpu_capability"]

_NAMES = {"avx2": "AVX2", "avx512": "AVX512"}


def get_cpu_capability() -> str:
    """The instruction set that the compiled kernels run on: "AVX512", "AVX2" or "DEFAULT"."""
    return "DEFAULT" if native is None else _NAMES.get(native.isa(), "DEFAULT")
