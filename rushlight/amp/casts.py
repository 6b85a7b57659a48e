"""What autocast does: whether it is on in this thread, and the casts of the arguments of the functions on its lists.

A function on a list looks at `grad_mode.state.casts`, which is None unless autocast is on for the CPU; else it calls
itself again through one of the three methods of `Casts`, within which autocast is off. As PyTorch's lists for the CPU
have it, matrix products, convolutions, `prelu` and attention are computed in the lower precision (`lower`), losses,
Fourier transforms, factorizations and what else loses much in 16 bits in float32 (`float32`), and `cat`, `stack` and
`index_copy` in the widest type of their arguments (`promote`).

Source: https://docs.pytorch.org/docs/2.13/amp.html#autocast-op-reference
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from rushlight import dtypes
from rushlight.autograd.grad_mode import state
from rushlight.autograd.variable import Variable
from rushlight.ops.conversion import to

__all__ = ["DTYPES", "Casts", "settings", "switch"]

# The devices that autocast knows, with the type that each starts with.
DTYPES = {
    "cpu": dtypes.bfloat16, "cuda": dtypes.float16, "hpu": dtypes.bfloat16, "ipu": dtypes.float16,
    "maia": dtypes.bfloat16, "mps": dtypes.float16, "mtia": dtypes.float16, "privateuseone": dtypes.float16,
    "xla": dtypes.bfloat16, "xpu": dtypes.float16,
}  # fmt: skip


class _Settings(threading.local):
    """This thread's choices. The cast copies of weights are kept by their tensors' identities, with the tensors."""

    def __init__(self) -> None:
        self.enabled = dict.fromkeys(DTYPES, False)
        self.dtypes = dict(DTYPES)
        self.cache_enabled = True
        self.nesting = 0
        self.cache: dict[int, tuple[Any, Any]] = {}


settings = _Settings()


def switch() -> None:
    """Make the functions on the lists see this thread's choices."""
    state.casts = Casts(settings.dtypes["cpu"]) if settings.enabled["cpu"] else None


def _is_eligible(value: Any) -> bool:
    return isinstance(value, Variable) and value.dtype.is_floating_point and value.dtype is not dtypes.float64


class Casts:
    """Calls of functions with their floating-point tensors cast; float64 and other types stay as they are."""

    __slots__ = ("dtype",)

    def __init__(self, dtype: dtypes.dtype) -> None:
        self.dtype = dtype

    def lower(self, function: Callable[..., Any], *args: Any, **keywords: Any) -> Any:
        """The function with its tensors in the lower precision."""
        return self._call(function, self.dtype, args, keywords)

    def float32(self, function: Callable[..., Any], *args: Any, **keywords: Any) -> Any:
        """The function with its tensors in float32."""
        return self._call(function, dtypes.float32, args, keywords)

    def promote(self, function: Callable[..., Any], *args: Any, **keywords: Any) -> Any:
        """The function with its tensors in float32 if one of them is, else in the lower precision.

        Raises RuntimeError where one has another 16-bit type than the lower precision.
        """
        widest = self.dtype
        for value in _tensors((*args, *keywords.values())):
            if value.dtype is dtypes.float32:
                widest = dtypes.float32
            elif value.dtype is not self.dtype and widest is not dtypes.float32:
                raise RuntimeError("Unexpected floating ScalarType in at::autocast::prioritize")
        return self._call(function, widest, args, keywords)

    def _call(
        self, function: Callable[..., Any], dtype: dtypes.dtype, args: tuple[Any, ...], keywords: dict[str, Any]
    ) -> Any:
        args = tuple([self._cast(value, dtype) for value in args])
        keywords = {name: self._cast(value, dtype) for name, value in keywords.items()}
        before, state.casts = state.casts, None
        try:
            return function(*args, **keywords)
        finally:
            state.casts = before

    def _cast(self, value: Any, dtype: dtypes.dtype) -> Any:
        if isinstance(value, Variable):
            if value.dtype is dtype or not _is_eligible(value):
                return value
            return self._cast_once(value) if dtype is self.dtype else to(value, dtype)  # type: ignore[arg-type]
        if isinstance(value, (list, tuple)) and any(isinstance(item, Variable) for item in value):
            return [self._cast(item, dtype) for item in value]
        return value

    def _cast_once(self, value: Any) -> Any:
        """A tensor in the lower precision; a weight is cast once in a region, so that its gradient is, too."""
        weight = settings.cache_enabled and value.requires_grad and value.is_leaf and not value._is_view()
        if not weight or value.dtype is not dtypes.float32:
            return to(value, self.dtype)
        kept = settings.cache.get(id(value))
        if kept is None:
            before, state.enabled = state.enabled, not state.inference
            try:
                kept = settings.cache[id(value)] = (value, to(value, self.dtype))
            finally:
                state.enabled = before
        return kept[1]


def _tensors(values: tuple[Any, ...]) -> list[Any]:
    """The tensors among some arguments and in their lists that a cast would touch."""
    found = []
    for value in values:
        items = value if isinstance(value, (list, tuple)) else (value,)
        found += [item for item in items if _is_eligible(item)]
    return found
