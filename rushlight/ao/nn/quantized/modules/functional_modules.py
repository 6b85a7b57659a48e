"""Sums, products and concatenations as modules, so that their results can be observed and quantized."""

from __future__ import annotations

from typing import Any

from rushlight.ao.nn.quantized import _operators as Q
from rushlight.ao.nn.quantized.modules.utils import OutputQuantized
from rushlight.nn import functional as F
from rushlight.nn.modules.linear import Identity
from rushlight.nn.modules.module import Module
from rushlight.ops.joining import cat
from rushlight.tensor import Tensor

__all__ = ["FXFloatFunctional", "FloatFunctional", "QFunctional"]


class FXFloatFunctional(Module):
    """Sums, products and concatenations of floats.

    Source: https://docs.pytorch.org/docs/2.13/quantization.html
    """

    def forward(self, x: Any) -> Any:
        raise RuntimeError(
            f"{type(self).__name__.removeprefix('FX').removeprefix('Q')} is not intended to use the 'forward'. Please "
            "use the underlying operation"
        )

    def _observed(self, result: Tensor) -> Tensor:
        return result

    def add(self, x: Tensor, y: Tensor) -> Tensor:
        """`x + y`."""
        return self._observed(x + y)

    def add_scalar(self, x: Tensor, y: float) -> Tensor:
        """`x + y` with a number."""
        return x + y

    def mul(self, x: Tensor, y: Tensor) -> Tensor:
        """`x · y` of each pair of elements."""
        return self._observed(x * y)

    def mul_scalar(self, x: Tensor, y: float) -> Tensor:
        """`x · y` with a number."""
        return x * y

    def cat(self, x: list[Tensor], dim: int = 0) -> Tensor:
        """The tensors one after the other."""
        return self._observed(cat(x, dim))

    def add_relu(self, x: Tensor, y: Tensor) -> Tensor:
        """`max(x + y, 0)`."""
        return self._observed(F.relu(x + y))

    def matmul(self, x: Tensor, y: Tensor) -> Tensor:
        """The matrix product."""
        return self._observed(x @ y)


class FloatFunctional(FXFloatFunctional):
    """Sums, products and concatenations whose results an observer sees; `convert` makes a QFunctional of it.

    >>> import rushlight as torch
    >>> torch.ao.nn.quantized.FloatFunctional().add(torch.tensor(3.0), torch.tensor(4.0))
    tensor(7.)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.ao.nn.quantized.FloatFunctional.html
    """

    def __init__(self) -> None:
        super().__init__()
        self.activation_post_process = Identity()

    def _observed(self, result: Tensor) -> Tensor:
        return self.activation_post_process(result)


class QFunctional(OutputQuantized, FXFloatFunctional):
    """Sums, products and concatenations of quantized tensors, in codes of `scale` and `zero_point`.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.ao.nn.quantized.QFunctional.html
    """

    def __init__(self) -> None:
        super().__init__()
        self.scale: float = 1.0
        self.zero_point: int = 0
        self.activation_post_process = Identity()

    def _get_name(self) -> str:
        return "QFunctional"

    def extra_repr(self) -> str:
        return f"scale={self.scale}, zero_point={self.zero_point}"

    def _observed(self, result: Tensor) -> Tensor:
        return self.activation_post_process(result)

    def add(self, x: Tensor, y: Tensor) -> Tensor:
        """`x + y`."""
        return self._observed(Q.add(x, y, self.scale, self.zero_point))

    def add_scalar(self, x: Tensor, y: float) -> Tensor:
        """`x + y` with a number."""
        return Q.add_scalar(x, y)

    def mul(self, x: Tensor, y: Tensor) -> Tensor:
        """`x · y` of each pair of elements."""
        return self._observed(Q.mul(x, y, self.scale, self.zero_point))

    def mul_scalar(self, x: Tensor, y: float) -> Tensor:
        """`x · y` with a number."""
        return Q.mul_scalar(x, y)

    def cat(self, x: list[Tensor], dim: int = 0) -> Tensor:
        """The tensors one after the other."""
        return self._observed(Q.cat(x, dim, self.scale, self.zero_point))

    def add_relu(self, x: Tensor, y: Tensor) -> Tensor:
        """`max(x + y, 0)`."""
        return self._observed(Q.add_relu(x, y, self.scale, self.zero_point))

    def matmul(self, x: Tensor, y: Tensor) -> Tensor:
        """The matrix product."""
        return Q.matmul(x, y, self.scale, self.zero_point)

    @classmethod
    def from_float(cls, mod: Any, use_precomputed_fake_quant: bool = False) -> QFunctional:
        """What an observed FloatFunctional becomes."""
        if type(mod) is not FloatFunctional:
            raise AssertionError(
                f"QFunctional.from_float expects an instance of FloatFunctional, got {type(mod).__name__}"
            )
        scale, zero_point = mod.activation_post_process.calculate_qparams()
        made = QFunctional()
        made.scale, made.zero_point = float(scale), int(zero_point)
        return made
