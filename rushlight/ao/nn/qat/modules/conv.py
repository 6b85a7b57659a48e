"""Convolutions that train with a weight rounded to codes."""

from __future__ import annotations

from typing import Any, ClassVar

from rushlight.ao.nn.qat.modules.linear import check_float, check_qconfig
from rushlight.nn.modules import conv as _float
from rushlight.nn.modules._conv import _ConvNd as _FloatConv
from rushlight.nn.parameter import Parameter
from rushlight.tensor import Tensor

__all__ = ["Conv1d", "Conv2d", "Conv3d"]

Ints = int | tuple[int, ...]


class _ConvNd:
    """What the three share; each joins it with a float convolution."""

    _FLOAT_MODULE: ClassVar[Any]
    _FLOAT_CONV_MODULE: ClassVar[Any]

    def __init__(
        self: Any,
        in_channels: int,
        out_channels: int,
        kernel_size: Ints,
        stride: Ints = 1,
        padding: str | Ints = 0,
        dilation: Ints = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        qconfig: Any = None,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(  # type: ignore[call-arg]
            in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias, padding_mode,
            device=device, dtype=dtype,
        )  # fmt: skip
        self.qconfig = check_qconfig(qconfig)
        self.weight_fake_quant = qconfig.weight(factory_kwargs={"device": device, "dtype": dtype})

    def forward(self: Any, input: Tensor) -> Tensor:
        return self._conv_forward(input, self.weight_fake_quant(self.weight), self.bias)

    @classmethod
    def from_float(cls: Any, mod: Any, use_precomputed_fake_quant: bool = False) -> Any:
        """The layer with a float layer's parameters, themselves."""
        check_float(cls, mod)
        qconfig = mod.qconfig
        if not isinstance(mod, _FloatConv):
            mod = mod[0]
            qconfig = getattr(mod, "qconfig", qconfig)
        made = cls(
            mod.in_channels, mod.out_channels, mod.kernel_size, mod.stride, mod.padding, mod.dilation, mod.groups,
            mod.bias is not None, mod.padding_mode, qconfig=qconfig,
        )  # fmt: skip
        made.weight, made.bias = mod.weight, mod.bias
        return made

    def to_float(self: Any) -> Any:
        """A float layer with copies of the parameters."""
        made = self._FLOAT_CONV_MODULE(
            self.in_channels, self.out_channels, self.kernel_size, self.stride, self.padding, self.dilation,
            self.groups, self.bias is not None, self.padding_mode,
        )  # fmt: skip
        made.weight = Parameter(self.weight.detach())
        if self.bias is not None:
            made.bias = Parameter(self.bias.detach())
        if self._FLOAT_MODULE is not self._FLOAT_CONV_MODULE:
            made = self._FLOAT_MODULE(made, self._FLOAT_RELU_MODULE())
            made.train(self.training)
        return made


class Conv1d(_ConvNd, _float.Conv1d):
    """`nn.Conv1d` whose weight passes a fake quantizer before the convolution.

    Source: https://docs.pytorch.org/docs/2.13/quantization.html
    """

    _FLOAT_MODULE: ClassVar[Any] = _float.Conv1d
    _FLOAT_CONV_MODULE: ClassVar[Any] = _float.Conv1d


class Conv2d(_ConvNd, _float.Conv2d):
    """`nn.Conv2d` whose weight passes a fake quantizer before the convolution.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.ao.nn.qat.Conv2d.html
    """

    _FLOAT_MODULE: ClassVar[Any] = _float.Conv2d
    _FLOAT_CONV_MODULE: ClassVar[Any] = _float.Conv2d


class Conv3d(_ConvNd, _float.Conv3d):
    """`nn.Conv3d` whose weight passes a fake quantizer before the convolution.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.ao.nn.qat.Conv3d.html
    """

    _FLOAT_MODULE: ClassVar[Any] = _float.Conv3d
    _FLOAT_CONV_MODULE: ClassVar[Any] = _float.Conv3d
