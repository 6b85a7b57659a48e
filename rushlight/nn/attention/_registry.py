"""Implementations of flash attention that a program registers and activates, by name."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Protocol

__all__ = [
    "activate_flash_attention_impl", "current_flash_attention_impl", "list_flash_attention_impls",
    "register_flash_attention_impl", "restore_flash_attention_impl",
]  # fmt: skip


class FlashAttentionHandle(Protocol):
    """What an activated implementation leaves behind, to be removed by."""

    def remove(self) -> None:
        """Undo the activation."""


RegisterFn = Callable[..., FlashAttentionHandle | None]

_registered: dict[str, RegisterFn] = {}
_active: list[tuple[str, FlashAttentionHandle]] = []


def register_flash_attention_impl(impl: str, *, register_fn: RegisterFn) -> None:
    """Name the function that activates an implementation of flash attention, and may return a handle to undo that.

    Source: https://docs.pytorch.org/docs/2.13/nn.attention.html
    """
    _registered[impl] = register_fn


def activate_flash_attention_impl(impl: str) -> None:
    """Activate a registered implementation in the place of the last; ValueError for a name that none has.

    FA3 and FA4 are packages for GPUs: ModuleNotFoundError where they are not installed.

    Source: https://docs.pytorch.org/docs/2.13/nn.attention.html
    """
    restore_flash_attention_impl(_raise_warn=False)
    register = _registered.get(impl)
    if register is None:
        raise ValueError(
            f"Unknown flash attention impl '{impl}'. Available implementations: {list_flash_attention_impls()}"
        )
    handle = register()
    if handle is not None:
        _active.append((impl, handle))


def list_flash_attention_impls() -> list[str]:
    """The names of the registered implementations, in order.

    >>> import rushlight as torch
    >>> torch.nn.attention.list_flash_attention_impls()
    ['FA3', 'FA4']

    Source: https://docs.pytorch.org/docs/2.13/nn.attention.html
    """
    return sorted(_registered)


def current_flash_attention_impl() -> str | None:
    """The name of the activated implementation; None if it is the library's own.

    Source: https://docs.pytorch.org/docs/2.13/nn.attention.html
    """
    return _active[-1][0] if _active else None


def restore_flash_attention_impl(_raise_warn: bool = True) -> None:
    """Go back to the library's own implementation; logs a warning if no other was active.

    Source: https://docs.pytorch.org/docs/2.13/nn.attention.html
    """
    if _active:
        _active.pop()[1].remove()
    elif _raise_warn:
        # Imported here, since nothing else in the library needs it.
        import logging

        logging.getLogger(__name__).warning("Trying to restore default FA2 impl when no custom impl was activated")


def _package_for_gpus(package: str) -> RegisterFn:
    def register() -> None:
        importlib.import_module(package)
        raise RuntimeError(f"{package} computes on GPUs, which Rushlight is built without")

    return register


register_flash_attention_impl("FA3", register_fn=_package_for_gpus("flash_attn_interface"))
register_flash_attention_impl("FA4", register_fn=_package_for_gpus("flash_attn"))
