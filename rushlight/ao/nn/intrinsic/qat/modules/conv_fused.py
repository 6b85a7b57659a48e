"""Convolutions with normalisation and ReLU that train with a weight rounded to codes."""

from __future__ import annotations

import math
from typing import Any, ClassVar

from rushlight.ao.nn import qat as _qat
from rushlight.ao.nn.intrinsic.modules import fused as _fused
from rushlight.ao.nn.qat.modules.linear import check_float, check_qconfig
from rushlight.nn import functional as F
from rushlight.nn import init
from rushlight.nn.modules import batchnorm as _norm
from rushlight.nn.modules import conv as _float
from rushlight.nn.modules.activation import ReLU
from rushlight.nn.parameter import Parameter
from rushlight.ops.creation import empty, zeros
from rushlight.tensor import Tensor

__all__ = [
    "ConvBn1d", "ConvBn2d", "ConvBn3d", "ConvBnReLU1d", "ConvBnReLU2d", "ConvBnReLU3d", "ConvReLU1d", "ConvReLU2d",
    "ConvReLU3d", "freeze_bn_stats", "update_bn_stats",
]  # fmt: skip

Ints = int | tuple[int, ...]

_OLD_NAMES = {
    "bn.weight": "gamma",
    "bn.bias": "beta",
    "bn.running_mean": "running_mean",
    "bn.running_var": "running_var",
    "bn.num_batches_tracked": "num_batches_tracked",
}


class Folded:
    """A layer with a normalisation `bn` behind it, whose factor is in the weight that gets rounded, as in the quantized
    layer to be: the product is divided by the factor again, and normalised."""

    freeze_bn: bool
    bias: Any

    def _begin(
        self: Any, features: int, bias: bool, eps: float, momentum: float, freeze_bn: bool, qconfig: Any
    ) -> None:
        self.qconfig = check_qconfig(qconfig)
        self.freeze_bn = freeze_bn if self.training else True
        self.bn = self._FLOAT_BN_MODULE(features, eps, momentum, True, True)
        self.weight_fake_quant = qconfig.weight()
        if bias:
            self.bias = Parameter(empty(features))
        else:
            self.register_parameter("bias", None)
        self.reset_bn_parameters()
        if self.training and not freeze_bn:
            self.update_bn_stats()
        else:
            self.freeze_bn_stats()

    def reset_running_stats(self: Any) -> None:
        """Forget the running mean and variance."""
        self.bn.reset_running_stats()

    def update_bn_stats(self: Any) -> Any:
        """Normalise by each batch, and keep its statistics."""
        self.freeze_bn = False
        self.bn.training = True
        return self

    def freeze_bn_stats(self: Any) -> Any:
        """Normalise by the statistics so far."""
        self.freeze_bn = True
        self.bn.training = False
        return self

    def _folded(self: Any, input: Tensor, product: Any) -> Tensor:
        if self.bn.running_var is None:
            raise AssertionError("self.bn.running_var must not be None")
        factor = self.bn.weight / (self.bn.running_var + self.bn.eps).sqrt()
        dims = self.weight.ndim
        weight = self.weight_fake_quant(self.weight * factor.reshape([-1] + [1] * (dims - 1)))
        over = [1, -1] + [1] * (dims - 2)
        out = product(input, weight, zeros(self.weight.shape[0], dtype=input.dtype)) / factor.reshape(over)
        if self.bias is not None:
            out = out + self.bias.reshape(over)
        return self.bn(out)

    def train(self: Any, mode: bool = True) -> Any:
        """Set the mode, of a frozen normalisation not."""
        self.training = mode
        if not self.freeze_bn:
            for module in self.children():
                module.train(mode)
        return self

    def _take(self: Any, layer: Any, bn: Any) -> Any:
        self.weight, self.bias = layer.weight, layer.bias
        for name in ("weight", "bias", "running_mean", "running_var", "num_batches_tracked"):
            setattr(self.bn, name, getattr(bn, name))
        return self


class _ConvBnNd(Folded, _fused._FusedModule):
    _version = 2
    _FLOAT_MODULE: ClassVar[Any]
    _FLOAT_CONV_MODULE: ClassVar[Any]
    _FLOAT_BN_MODULE: ClassVar[Any]
    _FLOAT_RELU_MODULE: ClassVar[Any] = None
    _FUSED_FLOAT_MODULE: ClassVar[Any] = None

    def __init__(
        self: Any,
        in_channels: int,
        out_channels: int,
        kernel_size: Ints,
        stride: Ints = 1,
        padding: Ints = 0,
        dilation: Ints = 1,
        groups: int = 1,
        bias: bool | None = None,
        padding_mode: str = "zeros",
        eps: float = 1e-05,
        momentum: float = 0.1,
        freeze_bn: bool = False,
        qconfig: Any = None,
    ) -> None:
        self._FLOAT_CONV_MODULE.__init__(
            self, in_channels, out_channels, kernel_size, stride, padding, dilation, groups, False, padding_mode
        )
        self._begin(out_channels, bool(bias), eps, momentum, freeze_bn, qconfig)

    def reset_bn_parameters(self: Any) -> None:
        """Draw the normalisation's weight and the bias anew."""
        self.bn.reset_running_stats()
        init.uniform_(self.bn.weight)
        init.zeros_(self.bn.bias)
        if self.bias is not None:
            bound = 1 / math.sqrt(math.prod(self.weight.shape[1:]))
            init.uniform_(self.bias, -bound, bound)

    # A Sequential's own ways would take the normalisation for its only layer.
    def extra_repr(self: Any) -> str:
        return self._FLOAT_CONV_MODULE.extra_repr(self)

    def forward(self: Any, input: Tensor) -> Tensor:
        out = self._folded(input, self._conv_forward)
        return out if self._FLOAT_RELU_MODULE is None else F.relu(out)

    def _load_from_state_dict(
        self: Any, state_dict: Any, prefix: str, local_metadata: Any, strict: bool, missing_keys: Any, *rest: Any
    ) -> None:
        if local_metadata.get("version") in (None, 1):
            for name, old in _OLD_NAMES.items():
                if prefix + old in state_dict:
                    state_dict[prefix + name] = state_dict.pop(prefix + old)
                elif strict and prefix + name not in state_dict:
                    missing_keys.append(prefix + name)
        super()._load_from_state_dict(state_dict, prefix, local_metadata, strict, missing_keys, *rest)

    @classmethod
    def from_float(cls, mod: Any, use_precomputed_fake_quant: bool = False) -> Any:
        """The layer with the parameters of a fused float layer, themselves."""
        check_float(cls, mod)
        conv, bn = mod[0], mod[1]
        made = cls(
            conv.in_channels, conv.out_channels, conv.kernel_size, conv.stride, conv.padding, conv.dilation,
            conv.groups, conv.bias is not None, conv.padding_mode, bn.eps, bn.momentum, False, mod.qconfig,
        )  # fmt: skip
        return made._take(conv, bn)

    def to_float(self: Any) -> Any:
        """A float convolution with the normalisation in its weight, followed by ReLU if there is one here."""
        from rushlight.nn.utils.fusion import fuse_conv_bn_weights

        made = self._FLOAT_CONV_MODULE(
            self.in_channels, self.out_channels, self.kernel_size, self.stride, self.padding, self.dilation,
            self.groups, self.bias is not None, self.padding_mode,
        )  # fmt: skip
        bn = self.bn
        made.weight, made.bias = fuse_conv_bn_weights(
            self.weight, self.bias, bn.running_mean, bn.running_var, bn.eps, bn.weight, bn.bias
        )
        if self._FLOAT_RELU_MODULE is not None:
            made = self._FUSED_FLOAT_MODULE(made, self._FLOAT_RELU_MODULE())
        made.train(self.training)
        return made


class ConvBn1d(_ConvBnNd, _float.Conv1d):
    """Conv1d and BatchNorm1d, trained with a rounded weight.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.ao.nn.intrinsic.qat.ConvBn1d.html
    """

    _FLOAT_MODULE: ClassVar[Any] = _fused.ConvBn1d
    _FLOAT_CONV_MODULE: ClassVar[Any] = _float.Conv1d
    _FLOAT_BN_MODULE: ClassVar[Any] = _norm.BatchNorm1d
    bias: Any


class ConvBnReLU1d(ConvBn1d):
    """Conv1d, BatchNorm1d and ReLU, trained with a rounded weight.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.ao.nn.intrinsic.qat.ConvBnReLU1d.html
    """

    _FLOAT_MODULE, _FLOAT_RELU_MODULE, _FUSED_FLOAT_MODULE = _fused.ConvBnReLU1d, ReLU, _fused.ConvReLU1d


class ConvBn2d(_ConvBnNd, _float.Conv2d):
    """Conv2d and BatchNorm2d, trained with a rounded weight.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.ao.nn.intrinsic.qat.ConvBn2d.html
    """

    _FLOAT_MODULE: ClassVar[Any] = _fused.ConvBn2d
    _FLOAT_CONV_MODULE: ClassVar[Any] = _float.Conv2d
    _FLOAT_BN_MODULE: ClassVar[Any] = _norm.BatchNorm2d
    bias: Any


class ConvBnReLU2d(ConvBn2d):
    """Conv2d, BatchNorm2d and ReLU, trained with a rounded weight.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.ao.nn.intrinsic.qat.ConvBnReLU2d.html
    """

    _FLOAT_MODULE, _FLOAT_RELU_MODULE, _FUSED_FLOAT_MODULE = _fused.ConvBnReLU2d, ReLU, _fused.ConvReLU2d


class ConvBn3d(_ConvBnNd, _float.Conv3d):
    """Conv3d and BatchNorm3d, trained with a rounded weight.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.ao.nn.intrinsic.qat.ConvBn3d.html
    """

    _FLOAT_MODULE: ClassVar[Any] = _fused.ConvBn3d
    _FLOAT_CONV_MODULE: ClassVar[Any] = _float.Conv3d
    _FLOAT_BN_MODULE: ClassVar[Any] = _norm.BatchNorm3d
    bias: Any


class ConvBnReLU3d(ConvBn3d):
    """Conv3d, BatchNorm3d and ReLU, trained with a rounded weight.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.ao.nn.intrinsic.qat.ConvBnReLU3d.html
    """

    _FLOAT_MODULE, _FLOAT_RELU_MODULE, _FUSED_FLOAT_MODULE = _fused.ConvBnReLU3d, ReLU, _fused.ConvReLU3d


class _ConvReLU:
    _FLOAT_RELU_MODULE: ClassVar[Any] = ReLU

    def __init__(
        self: Any,
        in_channels: int,
        out_channels: int,
        kernel_size: Ints,
        stride: Ints = 1,
        padding: Ints = 0,
        dilation: Ints = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        qconfig: Any = None,
    ) -> None:
        super().__init__(  # type: ignore[call-arg]
            in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias, padding_mode, qconfig
        )

    def forward(self: Any, input: Tensor) -> Tensor:
        return F.relu(self._conv_forward(input, self.weight_fake_quant(self.weight), self.bias))


class ConvReLU1d(_ConvReLU, _qat.Conv1d, _fused._FusedModule):
    """Conv1d and ReLU, trained with a rounded weight.

    Source: https://docs.pytorch.org/docs/2.13/quantization.html
    """

    _FLOAT_MODULE: ClassVar[Any] = _fused.ConvReLU1d


class ConvReLU2d(_ConvReLU, _qat.Conv2d, _fused._FusedModule):
    """Conv2d and ReLU, trained with a rounded weight.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.ao.nn.intrinsic.qat.ConvReLU2d.html
    """

    _FLOAT_MODULE: ClassVar[Any] = _fused.ConvReLU2d


class ConvReLU3d(_ConvReLU, _qat.Conv3d, _fused._FusedModule):
    """Conv3d and ReLU, trained with a rounded weight.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.ao.nn.intrinsic.qat.ConvReLU3d.html
    """

    _FLOAT_MODULE: ClassVar[Any] = _fused.ConvReLU3d


def update_bn_stats(mod: Any) -> None:
    """Have a fused layer normalise by each batch; `model.apply(update_bn_stats)` all of a model's.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.ao.nn.intrinsic.qat.update_bn_stats.html
    """
    if isinstance(mod, _ConvBnNd):
        mod.update_bn_stats()


def freeze_bn_stats(mod: Any) -> None:
    """Have a fused layer normalise by the statistics so far; `model.apply(freeze_bn_stats)` all of a model's.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.ao.nn.intrinsic.qat.freeze_bn_stats.html
    """
    if isinstance(mod, _ConvBnNd):
        mod.freeze_bn_stats()
