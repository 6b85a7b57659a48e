"""The linear layer with a weight of int8."""

from __future__ import annotations

from typing import Any, ClassVar

from rushlight import dtypes
from rushlight.ao._kinds import type_of
from rushlight.ao.nn.quantized import _operators as Q
from rushlight.ao.nn.quantized.modules.utils import (
    OutputQuantized,
    WeightedQuantizedModule,
    hidden_repr,
    observed_dtype,
    quantize_weight,
)
from rushlight.dtypes import dtype as Dtype
from rushlight.nn.modules import linear as _float
from rushlight.nn.modules.module import Module
from rushlight.ops.creation import zeros
from rushlight.ops.quantization import _empty_affine_quantized
from rushlight.tensor import Tensor

__all__ = ["Linear"]


class LinearPackedParams(Module):
    """The weight and the bias of a quantized linear layer, laid out as products read them.

    `dtype` is qint8 or, for weights that are only rounded, float16.

    Source: https://docs.pytorch.org/docs/2.13/quantization.html
    """

    _version = 3

    def __init__(self, dtype: Dtype = dtypes.qint8) -> None:
        super().__init__()
        self.dtype = dtype
        self.set_weight_bias(_no_weight([1, 1], dtype), None)

    def set_weight_bias(self, weight: Tensor, bias: Tensor | None) -> None:
        """Pack a weight and a bias."""
        if self.dtype is dtypes.qint8:
            self._packed_params: Any = Q.linear_prepack(weight, bias)
        elif self.dtype is dtypes.float16:
            self._packed_params = Q.linear_prepack_fp16(weight, bias)
        else:
            raise RuntimeError("Unsupported dtype on dynamic quantized linear!")

    def _weight_bias(self) -> tuple[Tensor, Tensor | None]:
        return self._packed_params.unpack()

    def forward(self, x: Tensor) -> Tensor:
        return x

    def _save_to_state_dict(self, destination: Any, prefix: str, keep_vars: bool) -> None:
        super()._save_to_state_dict(destination, prefix, keep_vars)
        destination[prefix + "dtype"] = self.dtype
        destination[prefix + "_packed_params"] = self._weight_bias()

    def _load_from_state_dict(
        self, state_dict: Any, prefix: str, local_metadata: Any, strict: bool, *rest: Any
    ) -> None:
        version = local_metadata.get("version")
        self.dtype = dtypes.qint8 if version is None or version < 2 else state_dict.pop(prefix + "dtype")
        if version is None or version < 3:
            weight, bias = state_dict.pop(prefix + "weight"), state_dict.pop(prefix + "bias")
        else:
            weight, bias = state_dict.pop(prefix + "_packed_params")
        self.set_weight_bias(weight, bias)
        super()._load_from_state_dict(state_dict, prefix, local_metadata, False, *rest)

    def __repr__(self) -> str:
        return repr(self._weight_bias())


def _no_weight(shape: list[int], dtype: Dtype) -> Tensor:
    if dtype is dtypes.qint8:
        return _empty_affine_quantized(shape, scale=1, zero_point=0, dtype=dtypes.qint8)
    if dtype is dtypes.float16:
        return zeros(shape, dtype=dtypes.float32)
    raise RuntimeError("Unsupported dtype specified for quantized Linear!")


class Linear(OutputQuantized, WeightedQuantizedModule):
    """The affine map y = x Aᵀ + b of quantized tensors: int8 weights, int32 sums, a result in codes of `scale` and
    `zero_point`. `weight()` and `bias()` unpack them.

    Shapes: (*, in_features), quint8 → (*, out_features), quint8. RuntimeError for other inputs.

    >>> import rushlight as torch
    >>> layer = torch.ao.nn.quantized.Linear(20, 30)
    >>> layer(torch.quantize_per_tensor(torch.randn(128, 20), 1.0, 0, torch.quint8)).shape
    torch.Size([128, 30])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.ao.nn.quantized.Linear.html
    """

    _version = 3
    _FLOAT_MODULE: ClassVar[Any] = (_float.Linear, _float.NonDynamicallyQuantizableLinear)

    def __init__(self, in_features: int, out_features: int, bias_: bool = True, dtype: Dtype = dtypes.qint8) -> None:
        super().__init__()
        self.in_features, self.out_features = in_features, out_features
        bias = zeros(out_features, dtype=dtypes.float32) if bias_ else None
        weight = _no_weight([out_features, in_features], dtype)
        self._packed_params = LinearPackedParams(dtype)
        self._packed_params.set_weight_bias(weight, bias)
        self.scale: float = 1.0
        self.zero_point: int = 0

    def _get_name(self) -> str:
        return "QuantizedLinear"

    def extra_repr(self) -> str:
        return (
            f"in_features={self.in_features}, out_features={self.out_features}, scale={self.scale}, "
            f"zero_point={self.zero_point}, qscheme={self.weight().qscheme()}"
        )

    def __repr__(self) -> str:
        return hidden_repr(self, LinearPackedParams)

    def forward(self, x: Tensor) -> Tensor:
        return Q.linear(x, self._packed_params._packed_params, self.scale, self.zero_point)

    def _load_weights(self, state_dict: Any, prefix: str, local_metadata: Any) -> None:
        if local_metadata.get("version") in (None, 1):
            for name in ("weight", "bias"):
                state_dict[f"{prefix}_packed_params.{name}"] = state_dict.pop(prefix + name)

    def _weight_bias(self) -> tuple[Tensor, Tensor | None]:
        return self._packed_params._weight_bias()

    def weight(self) -> Tensor:
        """The weight, quantized."""
        return self._weight_bias()[0]

    def bias(self) -> Tensor | None:
        """The bias."""
        return self._weight_bias()[1]

    def set_weight_bias(self, w: Tensor, b: Tensor | None) -> None:
        """Pack a weight and a bias."""
        self._packed_params.set_weight_bias(w, b)

    @classmethod
    def from_float(cls, mod: Any, use_precomputed_fake_quant: bool = False) -> Any:
        """The quantized form of a float layer that was observed, or of one that was trained with fake quantizers."""
        observer = mod.activation_post_process if hasattr(mod, "activation_post_process") else None
        if hasattr(mod, "weight_fake_quant"):
            if hasattr(mod, "bn"):
                from rushlight.nn.utils.fusion import fuse_linear_bn_weights

                bn = mod.bn
                mod.weight, mod.bias = fuse_linear_bn_weights(
                    mod.weight, mod.bias, bn.running_mean, bn.running_var, bn.eps, bn.weight, bn.bias
                )
            weight_observer = mod.weight_fake_quant
        else:
            names = ", ".join(kind.__name__ for kind in _tuple(cls._FLOAT_MODULE))
            if type_of(mod) not in _tuple(cls._FLOAT_MODULE):
                raise AssertionError(f"nnq.{cls.__name__}.from_float only works for {names}, but got: {type(mod)}")
            if not hasattr(mod, "qconfig"):
                raise AssertionError("Input float module must have qconfig defined")
            qconfig = mod.qconfig
            # A fused layer holds the linear one first.
            mod = mod if isinstance(mod, _float.Linear) else mod[0]
            weight_observer = getattr(mod, "weight_fake_quant", None) or getattr(mod, "qconfig", qconfig).weight()
        if not use_precomputed_fake_quant:
            weight_observer(mod.weight)
        assert observer is not None
        scale, zero_point = observer.calculate_qparams()
        observed_dtype(weight_observer, cls.__name__)
        return cls._made(mod, quantize_weight(mod.weight.float(), weight_observer), scale, zero_point)

    @classmethod
    def _made(cls, mod: Any, weight: Tensor, scale: Any, zero_point: Any) -> Any:
        made = cls(mod.in_features, mod.out_features, dtype=weight.dtype)
        made.set_weight_bias(weight, mod.bias)
        made.scale, made.zero_point = float(scale), int(zero_point)
        return made

    @classmethod
    def from_reference(cls, ref_qlinear: Any, output_scale: float, output_zero_point: int) -> Any:
        """The layer that computes what a reference layer (float arithmetic on a quantized weight) does."""
        made = cls(ref_qlinear.in_features, ref_qlinear.out_features)
        made.set_weight_bias(ref_qlinear.get_quantized_weight(), ref_qlinear.bias)
        made.scale, made.zero_point = float(output_scale), int(output_zero_point)
        return made


def _tuple(kinds: Any) -> tuple[Any, ...]:
    return kinds if isinstance(kinds, tuple) else (kinds,)
