"""Layers that belong together, as one: what `fuse_modules` makes of a convolution and what follows it."""

from __future__ import annotations

from typing import Any

from rushlight.ao._kinds import type_of
from rushlight.nn.modules.activation import LeakyReLU, ReLU, Tanh
from rushlight.nn.modules.batchnorm import BatchNorm1d, BatchNorm2d, BatchNorm3d
from rushlight.nn.modules.container import Sequential
from rushlight.nn.modules.conv import Conv1d, Conv2d, Conv3d
from rushlight.nn.modules.linear import Linear
from rushlight.nn.modules.module import Module
from rushlight.tensor import Tensor

__all__ = [
    "BNReLU2d", "BNReLU3d", "ConvAdd2d", "ConvAddReLU2d", "ConvBn1d", "ConvBn2d", "ConvBn3d", "ConvBnReLU1d",
    "ConvBnReLU2d", "ConvBnReLU3d", "ConvReLU1d", "ConvReLU2d", "ConvReLU3d", "LinearBn1d", "LinearLeakyReLU",
    "LinearReLU", "LinearTanh",
]  # fmt: skip


class _FusedModule(Sequential):
    """Layers one after the other that quantization takes as one."""

    def _expect(self, *pairs: tuple[Any, type[Module]]) -> None:
        if any(type_of(module) is not kind for module, kind in pairs):
            names = [type_of(module).__name__ for module, _ in pairs]
            listed = " and ".join(names) if len(names) == 2 else ", ".join(names[:-1]) + f", and {names[-1]}"
            raise AssertionError(f"Incorrect types for input modules: {listed}")


class ConvReLU1d(_FusedModule):
    """Conv1d and ReLU.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.ao.nn.intrinsic.ConvReLU1d.html
    """

    def __init__(self, conv: Module, relu: Module) -> None:
        self._expect((conv, Conv1d), (relu, ReLU))
        super().__init__(conv, relu)


class ConvReLU2d(_FusedModule):
    """Conv2d and ReLU.

    >>> import rushlight as torch
    >>> torch.ao.nn.intrinsic.ConvReLU2d(torch.nn.Conv2d(1, 2, 3), torch.nn.ReLU())
    ConvReLU2d(
      (0): Conv2d(1, 2, kernel_size=(3, 3), stride=(1, 1))
      (1): ReLU()
    )

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.ao.nn.intrinsic.ConvReLU2d.html
    """

    def __init__(self, conv: Module, relu: Module) -> None:
        self._expect((conv, Conv2d), (relu, ReLU))
        super().__init__(conv, relu)


class ConvReLU3d(_FusedModule):
    """Conv3d and ReLU.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.ao.nn.intrinsic.ConvReLU3d.html
    """

    def __init__(self, conv: Module, relu: Module) -> None:
        self._expect((conv, Conv3d), (relu, ReLU))
        super().__init__(conv, relu)


class LinearReLU(_FusedModule):
    """Linear and ReLU.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.ao.nn.intrinsic.LinearReLU.html
    """

    def __init__(self, linear: Module, relu: Module) -> None:
        self._expect((linear, Linear), (relu, ReLU))
        super().__init__(linear, relu)


class ConvBn1d(_FusedModule):
    """Conv1d and BatchNorm1d.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.ao.nn.intrinsic.ConvBn1d.html
    """

    def __init__(self, conv: Module, bn: Module) -> None:
        self._expect((conv, Conv1d), (bn, BatchNorm1d))
        super().__init__(conv, bn)


class ConvBn2d(_FusedModule):
    """Conv2d and BatchNorm2d.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.ao.nn.intrinsic.ConvBn2d.html
    """

    def __init__(self, conv: Module, bn: Module) -> None:
        self._expect((conv, Conv2d), (bn, BatchNorm2d))
        super().__init__(conv, bn)


class ConvBn3d(_FusedModule):
    """Conv3d and BatchNorm3d.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.ao.nn.intrinsic.ConvBn3d.html
    """

    def __init__(self, conv: Module, bn: Module) -> None:
        self._expect((conv, Conv3d), (bn, BatchNorm3d))
        super().__init__(conv, bn)


class ConvBnReLU1d(_FusedModule):
    """Conv1d, BatchNorm1d and ReLU.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.ao.nn.intrinsic.ConvBnReLU1d.html
    """

    def __init__(self, conv: Module, bn: Module, relu: Module) -> None:
        self._expect((conv, Conv1d), (bn, BatchNorm1d), (relu, ReLU))
        super().__init__(conv, bn, relu)


class ConvBnReLU2d(_FusedModule):
    """Conv2d, BatchNorm2d and ReLU.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.ao.nn.intrinsic.ConvBnReLU2d.html
    """

    def __init__(self, conv: Module, bn: Module, relu: Module) -> None:
        self._expect((conv, Conv2d), (bn, BatchNorm2d), (relu, ReLU))
        super().__init__(conv, bn, relu)


class ConvBnReLU3d(_FusedModule):
    """Conv3d, BatchNorm3d and ReLU.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.ao.nn.intrinsic.ConvBnReLU3d.html
    """

    def __init__(self, conv: Module, bn: Module, relu: Module) -> None:
        self._expect((conv, Conv3d), (bn, BatchNorm3d), (relu, ReLU))
        super().__init__(conv, bn, relu)


class BNReLU2d(_FusedModule):
    """BatchNorm2d and ReLU.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.ao.nn.intrinsic.BNReLU2d.html
    """

    def __init__(self, batch_norm: Module, relu: Module) -> None:
        self._expect((batch_norm, BatchNorm2d), (relu, ReLU))
        super().__init__(batch_norm, relu)


class BNReLU3d(_FusedModule):
    """BatchNorm3d and ReLU.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.ao.nn.intrinsic.BNReLU3d.html
    """

    def __init__(self, batch_norm: Module, relu: Module) -> None:
        self._expect((batch_norm, BatchNorm3d), (relu, ReLU))
        super().__init__(batch_norm, relu)


class LinearBn1d(_FusedModule):
    """Linear and BatchNorm1d.

    Source: https://docs.pytorch.org/docs/2.13/quantization.html
    """

    def __init__(self, linear: Module, bn: Module) -> None:
        self._expect((linear, Linear), (bn, BatchNorm1d))
        super().__init__(linear, bn)


class LinearLeakyReLU(_FusedModule):
    """Linear and LeakyReLU.

    Source: https://docs.pytorch.org/docs/2.13/quantization.html
    """

    def __init__(self, linear: Module, leaky_relu: Module) -> None:
        self._expect((linear, Linear), (leaky_relu, LeakyReLU))
        super().__init__(linear, leaky_relu)


class LinearTanh(_FusedModule):
    """Linear and Tanh.

    Source: https://docs.pytorch.org/docs/2.13/quantization.html
    """

    def __init__(self, linear: Module, tanh: Module) -> None:
        self._expect((linear, Linear), (tanh, Tanh))
        super().__init__(linear, tanh)


class ConvAdd2d(_FusedModule):
    """Conv2d and the sum with a second input.

    Source: https://docs.pytorch.org/docs/2.13/quantization.html
    """

    def __init__(self, conv: Module, add: Any) -> None:
        super().__init__(conv)
        self.add = add

    def forward(self, x1: Tensor, x2: Tensor) -> Tensor:  # type: ignore[override]
        return self.add(self[0](x1), x2)


class ConvAddReLU2d(_FusedModule):
    """Conv2d, the sum with a second input, and ReLU.

    Source: https://docs.pytorch.org/docs/2.13/quantization.html
    """

    def __init__(self, conv: Module, add: Any, relu: Any) -> None:
        super().__init__(conv)
        self.add = add
        self.relu = relu

    def forward(self, x1: Tensor, x2: Tensor) -> Tensor:  # type: ignore[override]
        return self.relu(self.add(self[0](x1), x2))
