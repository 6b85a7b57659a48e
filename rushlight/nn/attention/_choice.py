"""Which implementation of scaled dot-product attention may be used, for a while."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from rushlight.backends._sdp import SDPBackend, allow_only, allowed_backends

__all__ = ["SDPBackend", "sdpa_kernel"]


@contextlib.contextmanager
def sdpa_kernel(backends: list[SDPBackend] | SDPBackend, set_priority: bool = False) -> Iterator[dict[str, Any]]:
    """Allow these implementations of attention and no others, inside the `with` or the decorated function.

    On a CPU there are FLASH_ATTENTION and MATH; the first that takes a call computes it. RuntimeError, from the call,
    if none does. `set_priority` takes the list's order for the order of preference, which a CPU has no use for.
    AssertionError for anything but backends.

    >>> import rushlight as torch
    >>> from rushlight.nn.attention import SDPBackend, sdpa_kernel
    >>> x = torch.ones(1, 1, 2, 2, requires_grad=True)
    >>> with sdpa_kernel(SDPBackend.MATH):
    ...     torch.nn.functional.scaled_dot_product_attention(x, x, x).grad_fn.name()
    'UnsafeViewBackward0'

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.attention.sdpa_kernel.html
    """
    if not isinstance(backends, list | SDPBackend):
        raise AssertionError(
            "Backend must be an instance of SDPBackend or a list of SDPBackend instances, got "
            f"{type(backends).__name__}"
        )
    wanted = [backends] if isinstance(backends, SDPBackend) else list(dict.fromkeys(backends))
    before = allowed_backends(by_priority=set_priority)
    try:
        allow_only(wanted, set_priority)
        yield {}
    finally:
        allow_only(before, set_priority)


def _cur_sdpa_kernel_backends(with_priority: bool = False) -> list[SDPBackend]:
    return allowed_backends(with_priority)
