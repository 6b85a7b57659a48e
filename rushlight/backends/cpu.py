"""What a program asks about the CPU, and what it may choose.

Source: https://docs.pytorch.org/docs/2.13/backends.html#torch.backends.cpu
"""

from __future__ import annotations

from rushlight.kernels.dispatch import native

__all__ = ["allow_winograd", "get_cpu_capability", "is_winograd_allowed"]

_NAMES = {"avx2": "AVX2", "avx512": "AVX512"}


def get_cpu_capability() -> str:
    """The instruction set that the compiled kernels run on: "AVX512", "AVX2" or "DEFAULT"."""
    return "DEFAULT" if native is None else _NAMES.get(native.isa(), "DEFAULT")


def is_winograd_allowed() -> bool:
    """Whether convolutions may go by Winograd's transforms; False where there are no compiled kernels.

    >>> import rushlight as torch
    >>> torch.backends.cpu.allow_winograd(False)
    >>> torch.backends.cpu.is_winograd_allowed()
    False
    >>> torch.backends.cpu.allow_winograd(True)

    Source: https://arxiv.org/abs/1509.09308
    """
    return native is not None and bool(native.conv_winograd())


def allow_winograd(allowed: bool) -> None:
    """Let convolutions with windows of 3×3, stride 1 and many channels go by Winograd's transforms, or forbid it.

    They take a quarter of the multiplications, and their results are less exact: of numbers with variance 1, float32
    results differ from exact ones by up to 3e-5 of the results' standard deviation, where the ordinary sums stay below
    3e-6. It is allowed unless the environment variable `RUSHLIGHT_WINOGRAD` is 0 when `rushlight` is imported.

    >>> import rushlight as torch
    >>> torch.backends.cpu.allow_winograd(True)

    Source: https://arxiv.org/abs/1509.09308
    """
    if native is not None:
        native.set_conv_winograd(allowed)
