"""Convolutions with weights of int8."""

from __future__ import annotations

import copy
from typing import Any, ClassVar

from rushlight import dtypes
from rushlight.ao.nn.quantized._operators import activations
from rushlight.ao.nn.quantized._packed_conv import ConvPackedParams, quantized_result
from rushlight.ao.nn.quantized.modules.utils import (
    OutputQuantized,
    WeightedQuantizedModule,
    observed_dtype,
    quantize_weight,
)
from rushlight.nn import functional as F
from rushlight.nn.modules import conv as _float
from rushlight.nn.modules._conv import _ConvNd as _FloatConv
from rushlight.nn.modules.module import Module
from rushlight.ops.creation import zeros
from rushlight.ops.quantization import _empty_affine_quantized
from rushlight.tensor import Tensor

__all__ = ["Conv1d", "Conv2d", "Conv3d", "ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d"]

Ints = tuple[int, ...]

_LETTERS = {1: "L", 2: "H, W", 3: "D, H, W"}


def _spread(value: Any, rank: int) -> Any:
    """One number for each dimension."""
    if isinstance(value, int):
        return (value,) * rank
    return tuple(value) * (rank if len(value) == 1 else 1)


class _ConvNd(OutputQuantized, WeightedQuantizedModule):
    """A quantized convolution of `_rank` dimensions."""

    _rank: ClassVar[int]
    _transposed: ClassVar[bool] = False
    _relu: ClassVar[bool] = False
    _FLOAT_MODULE: ClassVar[Any]
    _settings = (
        "in_channels", "out_channels", "kernel_size", "stride", "padding", "dilation", "transposed", "output_padding",
        "groups", "padding_mode",
    )  # fmt: skip

    def _init(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any,
        padding: Any,
        dilation: Any,
        output_padding: Any,
        groups: int,
        bias: bool,
        padding_mode: str,
    ) -> None:
        super().__init__()
        if out_channels <= 0:
            raise ValueError(f"out_channels must be greater than 0, got {out_channels}")
        if in_channels % groups:
            raise ValueError("in_channels must be divisible by groups")
        if out_channels % groups:
            raise ValueError("out_channels must be divisible by groups")
        if padding_mode not in (("zeros",) if self._transposed else ("zeros", "reflect")):
            raise ValueError(f"'padding_mode' {padding_mode} is not supported by quantized convolution")
        rank = self._rank
        self.in_channels, self.out_channels, self.groups = in_channels, out_channels, groups
        self.kernel_size = _spread(kernel_size, rank)
        self.stride, self.dilation = _spread(stride, rank), _spread(dilation, rank)
        self.padding, self.output_padding = _spread(padding, rank), _spread(output_padding, rank)
        self.transposed, self.padding_mode = self._transposed, padding_mode
        first = (in_channels, out_channels // groups) if self._transposed else (out_channels, in_channels // groups)
        weight = _empty_affine_quantized([*first, *self.kernel_size], scale=1, zero_point=0, dtype=dtypes.qint8)
        self.set_weight_bias(weight, zeros(out_channels, dtype=dtypes.float32) if bias else None)
        self.scale: float = 1.0
        self.zero_point: int = 0

    def set_weight_bias(self, w: Tensor, b: Tensor | None) -> None:
        """Pack a weight and a bias."""
        # Other borders than zeros are put around the input before.
        padding = self.padding if self.padding_mode == "zeros" else (0,) * self._rank
        self._packed_params = ConvPackedParams(
            w, b, self.stride, padding, self.dilation, self.groups, self.output_padding, self._transposed
        )

    def _weight_bias(self) -> tuple[Tensor, Tensor | None]:
        return self._packed_params.unpack()

    def weight(self) -> Tensor:
        """The weight, quantized."""
        return self._weight_bias()[0]

    def bias(self) -> Tensor | None:
        """The bias."""
        return self._weight_bias()[1]

    def _bordered(self, input: Tensor) -> Tensor:
        if len(input.shape) != self._rank + 2:
            raise ValueError(f"Input shape must be `(N, C, {_LETTERS[self._rank]})`!")
        if self.padding_mode == "zeros":
            return input
        twice = [p for p in reversed(self.padding) for _ in range(2)]
        return F.pad(input, twice, mode=self.padding_mode)

    def forward(self, input: Tensor) -> Tensor:
        codes, scale, zero_point = activations(self._bordered(input), f"conv{self._rank}d")
        out = self._packed_params.codes(codes, scale, zero_point, self.scale, self.zero_point, self._relu)
        return quantized_result(out, self.scale, self.zero_point)

    def _get_name(self) -> str:
        return "Quantized" + type(self).__name__

    def extra_repr(self) -> str:
        text = f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"
        text += self._output_repr()
        for name, usual in (("padding", 0), ("dilation", 1), ("output_padding", 0)):
            value = getattr(self, name)
            if value != (usual,) * len(value):
                text += f", {name}={value}"
        if self.groups != 1:
            text += f", groups={self.groups}"
        return text if self.bias() is not None else text + ", bias=False"

    def _output_repr(self) -> str:
        return f", scale={self.scale}, zero_point={self.zero_point}"

    def _save_to_state_dict(self, destination: Any, prefix: str, keep_vars: bool) -> None:
        destination[prefix + "weight"], destination[prefix + "bias"] = self._weight_bias()
        super()._save_to_state_dict(destination, prefix, keep_vars)

    def _load_weights(self, state_dict: Any, prefix: str, local_metadata: Any) -> None:
        self.set_weight_bias(state_dict.pop(prefix + "weight"), state_dict.pop(prefix + "bias"))

    def __getstate__(self) -> Any:
        settings = tuple(getattr(self, name) for name in self._settings)
        return (*settings, *self._weight_bias(), self.scale, self.zero_point, self.training)

    def __setstate__(self, state: Any) -> None:
        Module.__init__(self)
        for name, value in zip(self._settings, state, strict=False):
            setattr(self, name, value)
        weight, bias, self.scale, self.zero_point, self.training = state[len(self._settings) :]
        self.set_weight_bias(weight, bias)

    def __deepcopy__(self, memo: Any) -> Any:
        made = type(self).__new__(type(self))
        made.__setstate__(copy.deepcopy(self.__getstate__(), memo))
        return made

    def __copy__(self) -> Any:
        return copy.deepcopy(self)

    @classmethod
    def from_float(cls, mod: Any, use_precomputed_fake_quant: bool = False) -> Any:
        """The quantized form of a float layer that was observed, or of one that was trained with fake quantizers."""
        observer = getattr(mod, "activation_post_process", None)
        if hasattr(mod, "weight_fake_quant"):
            if hasattr(mod, "bn"):
                from rushlight.nn.utils.fusion import fuse_conv_bn_weights

                bn = mod.bn
                mod.weight, mod.bias = fuse_conv_bn_weights(
                    mod.weight, mod.bias, bn.running_mean, bn.running_var, bn.eps, bn.weight, bn.bias
                )
            if observer is None:
                raise AssertionError("Input QAT module must have observer attached")
            weight_observer = mod.weight_fake_quant
        else:
            expected = cls._float_module()
            if type(mod) is not expected:
                raise AssertionError(
                    f"nnq.{cls.__name__}.from_float only works for {expected.__name__} but got: {type(mod).__name__}"
                )
            if not hasattr(mod, "qconfig"):
                raise AssertionError("Input float module must have qconfig defined.")
            qconfig = mod.qconfig
            mod = mod if isinstance(mod, _FloatConv) else mod[0]
            weight_observer = getattr(mod, "qconfig", qconfig).weight()
        return cls._quantized(mod, observer, weight_observer)

    @classmethod
    def _float_module(cls) -> Any:
        return cls._FLOAT_MODULE

    @classmethod
    def _quantized(cls, mod: Any, observer: Any, weight_observer: Any) -> Any:
        weight_observer(mod.weight)
        observed_dtype(weight_observer, cls.__name__)
        made = cls._like(mod)
        made.set_weight_bias(quantize_weight(mod.weight.float(), weight_observer), mod.bias)
        # Without an observer, or with one of floats, the layer is for dynamic quantization.
        if observer is not None and observer.dtype is not dtypes.float32:
            scale, zero_point = observer.calculate_qparams()
            made.scale, made.zero_point = float(scale), int(zero_point)
        return made

    @classmethod
    def _like(cls, mod: Any) -> Any:
        common = (mod.in_channels, mod.out_channels, mod.kernel_size, mod.stride, mod.padding)
        bias = mod.bias is not None
        if cls._transposed:
            return cls(*common, mod.output_padding, mod.groups, bias, mod.dilation, mod.padding_mode)
        return cls(*common, mod.dilation, mod.groups, bias, mod.padding_mode)

    @classmethod
    def from_reference(cls, ref_qconv: Any, output_scale: float, output_zero_point: int) -> Any:
        """The layer that computes what a reference layer (float arithmetic on a quantized weight) does."""
        made = cls._like(ref_qconv)
        made.set_weight_bias(ref_qconv.get_quantized_weight(), ref_qconv.bias)
        made.scale, made.zero_point = float(output_scale), int(output_zero_point)
        return made


class _Direct(_ConvNd):
    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | Ints,
        stride: int | Ints = 1,
        padding: int | Ints = 0,
        dilation: int | Ints = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        self._init(in_channels, out_channels, kernel_size, stride, padding, dilation, 0, groups, bias, padding_mode)


class _Transposed(_ConvNd):
    _transposed = True

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | Ints,
        stride: int | Ints = 1,
        padding: int | Ints = 0,
        output_padding: int | Ints = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: int | Ints = 1,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        if padding_mode != "zeros":
            raise ValueError(f'Only "zeros" padding mode is supported for {type(self).__name__}')
        self._init(
            in_channels, out_channels, kernel_size, stride, padding, dilation, output_padding, groups, bias,
            padding_mode,
        )  # fmt: skip


class Conv1d(_Direct):
    """Convolution of quantized signals (N, C, L), quint8, with weights of int8; the result has `scale`, `zero_point`.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.ao.nn.quantized.Conv1d.html
    """

    _rank = 1
    _FLOAT_MODULE = _float.Conv1d


class Conv2d(_Direct):
    """Convolution of quantized images (N, C, H, W), quint8, with weights of int8; the result has `scale`, `zero_point`.

    >>> import rushlight as torch
    >>> layer = torch.ao.nn.quantized.Conv2d(16, 33, (3, 5), stride=(2, 1), padding=(4, 2), dilation=(3, 1))
    >>> layer(torch.quantize_per_tensor(torch.randn(2, 16, 10, 10), 1.0, 0, torch.quint8)).shape
    torch.Size([2, 33, 6, 10])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.ao.nn.quantized.Conv2d.html
    """

    _rank = 2
    _FLOAT_MODULE = _float.Conv2d


class Conv3d(_Direct):
    """Convolution of quantized volumes (N, C, D, H, W), quint8, with weights of int8.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.ao.nn.quantized.Conv3d.html
    """

    _rank = 3
    _FLOAT_MODULE = _float.Conv3d


class ConvTranspose1d(_Transposed):
    """Transposed convolution of quantized signals (N, C, L), quint8, with weights of int8.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.ao.nn.quantized.ConvTranspose1d.html
    """

    _rank = 1
    _FLOAT_MODULE = _float.ConvTranspose1d


class ConvTranspose2d(_Transposed):
    """Transposed convolution of quantized images (N, C, H, W), quint8, with weights of int8.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.ao.nn.quantized.ConvTranspose2d.html
    """

    _rank = 2
    _FLOAT_MODULE = _float.ConvTranspose2d


class ConvTranspose3d(_Transposed):
    """Transposed convolution of quantized volumes (N, C, D, H, W), quint8, with weights of int8.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.ao.nn.quantized.ConvTranspose3d.html
    """

    _rank = 3
    _FLOAT_MODULE = _float.ConvTranspose3d
