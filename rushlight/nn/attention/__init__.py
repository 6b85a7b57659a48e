"""Which attention kernel to use, and attention masks."""

from __future__ import annotations

from typing import TYPE_CHECKING as _TYPE_CHECKING

from rushlight.nn.attention import bias as bias
from rushlight.nn.attention._choice import SDPBackend as SDPBackend
from rushlight.nn.attention._choice import _cur_sdpa_kernel_backends as _cur_sdpa_kernel_backends
from rushlight.nn.attention._choice import sdpa_kernel as sdpa_kernel
from rushlight.nn.attention._registry import activate_flash_attention_impl as activate_flash_attention_impl
from rushlight.nn.attention._registry import current_flash_attention_impl as current_flash_attention_impl
from rushlight.nn.attention._registry import list_flash_attention_impls as list_flash_attention_impls
from rushlight.nn.attention._registry import register_flash_attention_impl as register_flash_attention_impl
from rushlight.nn.attention._registry import restore_flash_attention_impl as restore_flash_attention_impl

__all__ = [
    "WARN_FOR_UNFUSED_KERNELS", "SDPBackend", "activate_flash_attention_impl", "current_flash_attention_impl",
    "list_flash_attention_impls", "register_flash_attention_impl", "restore_flash_attention_impl", "sdpa_kernel",
]  # fmt: skip

# Set to True by a program that wants to hear why a fused kernel can't compute an attention with a bias of `bias`.
WARN_FOR_UNFUSED_KERNELS = False

if _TYPE_CHECKING:
    from rushlight.nn.attention import flex_attention as flex_attention
else:

    def __getattr__(name: str) -> object:
        # What few programs use is imported when first named.
        if name == "flex_attention":
            from importlib import import_module

            return import_module("rushlight.nn.attention.flex_attention")
        raise AttributeError(f"module 'rushlight.nn.attention' has no attribute '{name}'")
