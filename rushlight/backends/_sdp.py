"""Which implementations of attention a program allows: the switches behind `nn.attention.sdpa_kernel`.

On a CPU two of them exist, FLASH_ATTENTION and MATH; the others can be switched and are never chosen.
"""

from __future__ import annotations

import contextlib
import enum
import warnings
from collections.abc import Iterator
from typing import Any, NamedTuple

__all__ = [
    "SDPAParams", "SDPBackend", "allow_fp16_bf16_reduction_math_sdp", "can_use_cudnn_attention",
    "can_use_efficient_attention", "can_use_flash_attention", "cudnn_sdp_enabled", "enable_cudnn_sdp",
    "enable_flash_sdp", "enable_math_sdp", "enable_mem_efficient_sdp", "flash_sdp_enabled",
    "fp16_bf16_reduction_math_sdp_allowed", "is_ck_sdpa_available", "is_flash_attention_available", "math_sdp_enabled",
    "mem_efficient_sdp_enabled", "sdp_kernel",
]  # fmt: skip


class SDPBackend(enum.Enum):
    """An implementation of scaled dot-product attention.

    >>> import rushlight as torch
    >>> torch.nn.attention.SDPBackend.MATH
    <SDPBackend.MATH: 0>

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.attention.SDPBackend.html
    """

    ERROR = -1
    MATH = 0
    FLASH_ATTENTION = 1
    EFFICIENT_ATTENTION = 2
    CUDNN_ATTENTION = 3
    OVERRIDEABLE = 4

    def __int__(self) -> int:
        return int(self.value)

    __index__ = __int__


# In the order in which PyTorch lists what is enabled.
_CHOICES = (
    SDPBackend.CUDNN_ATTENTION,
    SDPBackend.FLASH_ATTENTION,
    SDPBackend.EFFICIENT_ATTENTION,
    SDPBackend.MATH,
    SDPBackend.OVERRIDEABLE,
)
_allowed = set(_CHOICES)
_priority = [SDPBackend(i) for i in (1, 2, 0, 3, 4)]
_reduced_precision = [False]


def allowed(backend: SDPBackend) -> bool:
    """Whether a backend may be chosen."""
    return backend in _allowed


def allowed_backends(by_priority: bool = False) -> list[SDPBackend]:
    """The backends that may be chosen."""
    return [b for b in (_priority if by_priority else _CHOICES) if b in _allowed]


def allow_only(backends: list[SDPBackend], set_priority: bool) -> None:
    """Allow these backends and no others; if asked, in this order of preference."""
    _allowed.clear()
    _allowed.update(b for b in backends if b in _CHOICES)
    if set_priority:
        _priority[:] = [*backends, *(b for b in _priority if b not in backends)]


def _switch(backend: SDPBackend, enabled: bool) -> None:
    (_allowed.add if enabled else _allowed.discard)(backend)


def enable_flash_sdp(enabled: bool) -> None:
    """Allow or forbid the flash implementation."""
    _switch(SDPBackend.FLASH_ATTENTION, enabled)


def flash_sdp_enabled() -> bool:
    """Whether the flash implementation is allowed."""
    return allowed(SDPBackend.FLASH_ATTENTION)


def enable_mem_efficient_sdp(enabled: bool) -> None:
    """Allow or forbid CUDA's memory-efficient implementation."""
    _switch(SDPBackend.EFFICIENT_ATTENTION, enabled)


def mem_efficient_sdp_enabled() -> bool:
    """Whether CUDA's memory-efficient implementation is allowed."""
    return allowed(SDPBackend.EFFICIENT_ATTENTION)


def enable_math_sdp(enabled: bool) -> None:
    """Allow or forbid the composition of matrix products and a softmax."""
    _switch(SDPBackend.MATH, enabled)


def math_sdp_enabled() -> bool:
    """Whether the composition of matrix products and a softmax is allowed."""
    return allowed(SDPBackend.MATH)


def enable_cudnn_sdp(enabled: bool) -> None:
    """Allow or forbid cuDNN's implementation."""
    _switch(SDPBackend.CUDNN_ATTENTION, enabled)


def cudnn_sdp_enabled() -> bool:
    """Whether cuDNN's implementation is allowed."""
    return allowed(SDPBackend.CUDNN_ATTENTION)


def allow_fp16_bf16_reduction_math_sdp(enabled: bool) -> None:
    """Allow sums in 16 bits in CUDA's composition. On a CPU they are in 32 bits either way."""
    _reduced_precision[0] = enabled


def fp16_bf16_reduction_math_sdp_allowed() -> bool:
    """Whether sums in 16 bits are allowed in CUDA's composition."""
    return _reduced_precision[0]


class SDPAParams(NamedTuple):
    """A call's arguments, for the questions whether CUDA's implementations take them."""

    query: Any
    key: Any
    value: Any
    attn_mask: Any
    dropout: float
    is_causal: bool
    enable_gqa: bool


def can_use_flash_attention(params: SDPAParams, debug: bool = False) -> bool:
    """False: Rushlight is built without CUDA."""
    return False


def can_use_efficient_attention(params: SDPAParams, debug: bool = False) -> bool:
    """False: Rushlight is built without CUDA."""
    return False


def can_use_cudnn_attention(params: SDPAParams, debug: bool = False) -> bool:
    """False: Rushlight is built without CUDA."""
    return False


def is_flash_attention_available() -> bool:
    """False: Rushlight is built without CUDA."""
    return False


def is_ck_sdpa_available() -> bool:
    """False: Rushlight is built without ROCm."""
    return False


@contextlib.contextmanager
def sdp_kernel(
    enable_flash: bool = True, enable_math: bool = True, enable_mem_efficient: bool = True, enable_cudnn: bool = True
) -> Iterator[dict[str, Any]]:
    """Allow the chosen implementations for a while: the older form of `nn.attention.sdpa_kernel`."""
    warnings.warn(
        "`torch.backends.cuda.sdp_kernel()` is deprecated. In the future, this context manager will be removed. "
        "Please see `torch.nn.attention.sdpa_kernel()` for the new context manager, with updated signature.",
        FutureWarning,
        stacklevel=3,
    )
    wanted = zip(
        (SDPBackend.FLASH_ATTENTION, SDPBackend.MATH, SDPBackend.EFFICIENT_ATTENTION, SDPBackend.CUDNN_ATTENTION),
        (enable_flash, enable_math, enable_mem_efficient, enable_cudnn),
        strict=True,
    )
    before = allowed_backends()
    try:
        allow_only([backend for backend, yes in wanted if yes], False)
        yield {}
    finally:
        allow_only(before, False)
