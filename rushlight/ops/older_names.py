"""Methods of PyTorch's first years, and of Python's, that newer names stand for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rushlight.ops.arithmetic import ArithmeticMethods
from rushlight.ops.conversion import ConversionMethods
from rushlight.ops.rearranging import flip

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

__all__: list[str] = []


def module_load(self: Tensor, other: Tensor, assign: bool = False) -> Tensor:
    """What `Module.load_state_dict` puts in this tensor's place: it, with `other`'s numbers, or `other`, if `assign`.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.Tensor.module_load.html
    """
    return other.detach() if assign else self.copy_(other).detach()


def reinforce(self: Tensor, reward: Any) -> None:
    """RuntimeError: PyTorch took it away; `distributions` are there for it."""
    raise RuntimeError(
        "reinforce() was removed. Use torch.distributions instead: m = Categorical(probs), action = m.sample(), "
        "loss = -m.log_prob(action) * reward. See https://pytorch.org/docs/main/distributions.html"
    )


def _reversed(self: Tensor) -> Tensor:
    """The tensor with its first dimension reversed."""
    return flip(self, 0) if self._array.ndim else self


def _delete(self: Tensor, key: Any) -> None:
    raise TypeError("Tensor does not support deleting items")


class OlderNames:
    """Tensor's methods of this family."""

    module_load = module_load
    reinforce = reinforce

    __delitem__ = _delete
    __reversed__ = _reversed
    __div__ = ArithmeticMethods.__truediv__
    __idiv__ = ArithmeticMethods.__itruediv__
    __rdiv__ = ArithmeticMethods.__rtruediv__
    __long__ = ConversionMethods.__int__
    __nonzero__ = ConversionMethods.__bool__
