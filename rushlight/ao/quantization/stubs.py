"""Where tensors enter and leave the quantized part of a network."""

from __future__ import annotations

from typing import Any

from rushlight.nn.modules.module import Module
from rushlight.tensor import Tensor

__all__ = ["DeQuantStub", "QuantStub", "QuantWrapper"]


class _Stub(Module):
    def __init__(self, qconfig: Any = None) -> None:
        super().__init__()
        if qconfig:
            self.qconfig = qconfig

    def forward(self, x: Tensor) -> Tensor:
        return x


class QuantStub(_Stub):
    """Where floats become quantized: an observer until `convert`, which puts `nn.quantized.Quantize` in its place.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.ao.quantization.QuantStub.html
    """


class DeQuantStub(_Stub):
    """Where codes become floats: nothing until `convert`, which puts `nn.quantized.DeQuantize` in its place.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.ao.quantization.DeQuantStub.html
    """


class QuantWrapper(Module):
    """A module between a QuantStub and a DeQuantStub.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.ao.quantization.QuantWrapper.html
    """

    quant: QuantStub
    dequant: DeQuantStub
    module: Module

    def __init__(self, module: Module) -> None:
        super().__init__()
        qconfig = getattr(module, "qconfig", None)
        self.add_module("quant", QuantStub(qconfig))
        self.add_module("dequant", DeQuantStub(qconfig))
        self.add_module("module", module)
        self.train(module.training)

    def forward(self, X: Tensor) -> Tensor:
        return self.dequant(self.module(self.quant(X)))
