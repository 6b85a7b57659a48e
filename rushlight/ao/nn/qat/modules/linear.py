"""The linear layer that trains with a weight rounded to codes."""

from __future__ import annotations

from typing import Any, ClassVar

from rushlight.ao._kinds import type_of
from rushlight.nn import functional as F
from rushlight.nn.modules import linear as _float
from rushlight.nn.parameter import Parameter
from rushlight.tensor import Tensor

__all__ = ["Linear"]


def check_qconfig(qconfig: Any) -> Any:
    """AssertionError where a layer for training got no QConfig."""
    if not qconfig:
        raise AssertionError("qconfig must be provided for QAT module")
    return qconfig


def check_float(cls: Any, mod: Any) -> None:
    """AssertionError unless a float layer is of the class that another is made from, and has a QConfig."""
    if type_of(mod) is not cls._FLOAT_MODULE:
        raise AssertionError(
            f"qat.{cls.__name__}.from_float only works for {cls._FLOAT_MODULE.__name__}, got {type_of(mod).__name__}"
        )
    if not hasattr(mod, "qconfig"):
        raise AssertionError("Input float module must have qconfig defined")
    if not mod.qconfig:
        raise AssertionError("Input float module must have a valid qconfig")


class Linear(_float.Linear):
    """`nn.Linear` whose weight passes a fake quantizer, `weight_fake_quant`, before the product.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.ao.nn.qat.Linear.html
    """

    _FLOAT_MODULE: ClassVar[Any] = _float.Linear

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        qconfig: Any = None,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(in_features, out_features, bias, device=device, dtype=dtype)
        self.qconfig = check_qconfig(qconfig)
        self.weight_fake_quant = qconfig.weight(factory_kwargs={"device": device, "dtype": dtype})

    def forward(self, input: Tensor) -> Tensor:
        return F.linear(input, self.weight_fake_quant(self.weight), self.bias)

    @classmethod
    def from_float(cls, mod: Any, use_precomputed_fake_quant: bool = False) -> Any:
        """The layer with a float layer's parameters, themselves."""
        check_float(cls, mod)
        qconfig = mod.qconfig
        if not isinstance(mod, _float.Linear):
            mod = mod[0]
            qconfig = getattr(mod, "qconfig", qconfig)
        made = cls(mod.in_features, mod.out_features, bias=mod.bias is not None, qconfig=qconfig)
        made.weight, made.bias = mod.weight, mod.bias
        return made

    def to_float(self) -> Any:
        """A float layer with copies of the parameters."""
        made = _float.Linear(self.in_features, self.out_features, self.bias is not None)
        made.weight = Parameter(self.weight.detach())
        if self.bias is not None:
            made.bias = Parameter(self.bias.detach())
        made.train(self.training)
        return made
