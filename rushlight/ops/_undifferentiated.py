"""Operations that PyTorch records but doesn't differentiate."""

from __future__ import annotations

from typing import Any

from rushlight.autograd.operation import Operation

__all__ = ["WithoutDerivative"]


class WithoutDerivative(Operation):
    """An operation whose gradient is refused when it is asked for. `aten` is its name in PyTorch."""

    node_name = "NotImplemented"
    aten: str

    @classmethod
    def backward(cls, ctx: Any, *grads: Any) -> Any:
        raise RuntimeError(f"derivative for aten::{cls.aten} is not implemented")
