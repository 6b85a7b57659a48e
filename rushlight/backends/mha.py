"""The switch of the fast path of attention layers in inference.

The fast path's arithmetic is that of the layers; what it changes is the result at padded positions.

Source: https://docs.pytorch.org/docs/2.13/backends.html#torch.backends.mha
"""

from __future__ import annotations

__all__ = ["get_fastpath_enabled", "set_fastpath_enabled"]

_enabled = [True]


def get_fastpath_enabled() -> bool:
    """Whether the fast path of TransformerEncoder and MultiheadAttention is allowed."""
    return _enabled[0]


def set_fastpath_enabled(value: bool) -> None:
    """Allow or forbid the fast path."""
    _enabled[0] = value
