"""Linear layers with what follows them, trained with a weight rounded to codes."""

from __future__ import annotations

from typing import Any, ClassVar

from rushlight.ao.nn import qat as _qat
from rushlight.ao.nn.intrinsic.modules import fused as _fused
from rushlight.ao.nn.intrinsic.qat.modules.conv_fused import Folded
from rushlight.ao.nn.qat.modules.linear import check_float
from rushlight.nn import functional as F
from rushlight.nn import init
from rushlight.nn.modules import batchnorm as _norm
from rushlight.nn.modules import linear as _float
from rushlight.nn.modules.activation import ReLU
from rushlight.nn.parameter import Parameter
from rushlight.tensor import Tensor

__all__ = ["LinearBn1d", "LinearReLU"]


class LinearBn1d(Folded, _float.Linear, _fused._FusedModule):
    """Linear and BatchNorm1d, trained with a rounded weight.

    Source: https://docs.pytorch.org/docs/2.13/quantization.html
    """

    _FLOAT_MODULE: ClassVar[Any] = _fused.LinearBn1d
    _FLOAT_BN_MODULE: ClassVar[Any] = _norm.BatchNorm1d
    bias: Any

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        eps: float = 1e-05,
        momentum: float = 0.1,
        freeze_bn: bool = False,
        qconfig: Any = None,
    ) -> None:
        _float.Linear.__init__(self, in_features, out_features, bias)
        self._begin(out_features, bias, eps, momentum, freeze_bn, qconfig)

    def reset_bn_parameters(self: Any) -> None:
        """Draw the normalisation's weight anew."""
        self.bn.reset_running_stats()
        init.uniform_(self.bn.weight)
        init.zeros_(self.bn.bias)

    def forward(self, input: Tensor) -> Tensor:
        return self._folded(input, F.linear)

    @classmethod
    def from_float(cls, mod: Any, use_precomputed_fake_quant: bool = False) -> Any:
        """The layer with the parameters of a fused float layer, themselves."""
        check_float(cls, mod)
        linear, bn = mod[0], mod[1]
        bias = linear.bias is not None
        made = cls(linear.in_features, linear.out_features, bias, bn.eps, bn.momentum, False, mod.qconfig)
        return made._take(linear, bn)

    def to_float(self: Any) -> Any:
        """A float linear layer with the normalisation in its weight."""
        from rushlight.nn.utils.fusion import fuse_linear_bn_weights

        made: Any = _float.Linear(self.in_features, self.out_features)
        bn = self.bn
        made.weight, made.bias = fuse_linear_bn_weights(
            self.weight, self.bias, bn.running_mean, bn.running_var, bn.eps, bn.weight, bn.bias
        )
        return made


class LinearReLU(_qat.Linear, _fused._FusedModule):
    """Linear and ReLU, trained with a rounded weight.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.ao.nn.intrinsic.qat.LinearReLU.html
    """

    _FLOAT_MODULE: ClassVar[Any] = _fused.LinearReLU

    def __init__(self, in_features: int, out_features: int, bias: bool = True, qconfig: Any = None) -> None:
        super().__init__(in_features, out_features, bias, qconfig)

    def forward(self, input: Tensor) -> Tensor:
        return F.relu(F.linear(input, self.weight_fake_quant(self.weight), self.bias))

    def to_float(self) -> Any:
        """A float linear layer and ReLU, with copies of the parameters."""
        linear = _float.Linear(self.in_features, self.out_features, self.bias is not None)
        linear.weight = Parameter(self.weight.detach())
        if self.bias is not None:
            linear.bias = Parameter(self.bias.detach())
        return _fused.LinearReLU(linear, ReLU())
