"""What quantized layers with weights share."""

from __future__ import annotations

import abc
from typing import Any

from rushlight import dtypes
from rushlight.ao._kinds import is_per_tensor
from rushlight.autograd.grad_mode import no_grad
from rushlight.nn.modules.module import Module
from rushlight.ops._codes import LIMITS
from rushlight.ops.quantization import (
    _make_per_channel_quantized_tensor,
    _make_per_tensor_quantized_tensor,
    quantize_per_channel,
    quantize_per_tensor,
)
from rushlight.quantizer import per_channel_affine_float_qparams
from rushlight.tensor import Tensor

__all__ = ["WeightedQuantizedModule"]


class WeightedQuantizedModule(Module, metaclass=abc.ABCMeta):
    """A quantized layer with a weight.

    Source: https://docs.pytorch.org/docs/2.13/quantization.html
    """

    @classmethod
    @abc.abstractmethod
    def from_reference(cls, ref_module: Any, output_scale: float, output_zero_point: int) -> Any:
        """The layer that computes what a reference layer (float arithmetic on a quantized weight) does."""


def observed_dtype(observer: Any, layer: str) -> None:
    """AssertionError unless a weight's observer says qint8."""
    if observer.dtype is not dtypes.qint8:
        raise AssertionError(f"Weight observer must have dtype torch.qint8, got {observer.dtype} for {layer}")


def quantize_weight(weight: Tensor, observer: Any) -> Tensor:
    """A float weight in the codes that its observer asks for."""
    with no_grad():
        scale, zero_point = observer.calculate_qparams()
        weight = weight.detach()
        if is_per_tensor(observer.qscheme):
            quantized = quantize_per_tensor(weight, float(scale), int(zero_point), dtypes.qint8)
        elif observer.qscheme is per_channel_affine_float_qparams:
            quantized = quantize_per_channel(
                weight, scale.float(), zero_point.float(), observer.ch_axis, observer.dtype
            )
        else:
            quantized = quantize_per_channel(weight, scale.double(), zero_point.long(), observer.ch_axis, dtypes.qint8)
        return _clamped(quantized, observer, scale, zero_point)


def _clamped(quantized: Tensor, observer: Any, scale: Tensor, zero_point: Tensor) -> Tensor:
    """The weight within the observer's own bounds, where those are narrower than the dtype's."""
    inner = getattr(observer, "activation_post_process", observer)
    low, high = LIMITS[quantized.dtype]
    if inner.quant_min <= low and inner.quant_max >= high:
        return quantized
    codes = quantized.int_repr().clamp(inner.quant_min, inner.quant_max)
    if is_per_tensor(inner.qscheme):
        return _make_per_tensor_quantized_tensor(codes, scale.item(), zero_point.item())
    return _make_per_channel_quantized_tensor(codes, scale, zero_point, axis=inner.ch_axis)


class OutputQuantized(Module):
    """A layer whose `scale` and `zero_point` are numbers, kept in its state_dict as tensors."""

    scale: Any
    zero_point: Any

    def _save_to_state_dict(self, destination: Any, prefix: str, keep_vars: bool) -> None:
        from rushlight.ops.creation import tensor

        super()._save_to_state_dict(destination, prefix, keep_vars)
        destination[prefix + "scale"] = tensor(self.scale)
        destination[prefix + "zero_point"] = tensor(self.zero_point)

    def _load_from_state_dict(
        self, state_dict: Any, prefix: str, local_metadata: Any, strict: bool, *rest: Any
    ) -> None:
        self.scale = float(state_dict.pop(prefix + "scale"))
        self.zero_point = int(state_dict.pop(prefix + "zero_point"))
        self._load_weights(state_dict, prefix, local_metadata)
        super()._load_from_state_dict(state_dict, prefix, local_metadata, False, *rest)

    def _load_weights(self, state_dict: Any, prefix: str, local_metadata: Any) -> None:
        """Take the layer's own entries out of the state."""


def hidden_repr(module: Module, hidden: type[Module]) -> str:
    """A module's repr without its submodules of a class."""
    lines = [
        f"({name}): " + repr(child).replace("\n", "\n  ")
        for name, child in module._modules.items()
        if not isinstance(child, hidden)
    ]
    extra = module.extra_repr()
    if not lines:
        return f"{module._get_name()}({extra})"
    return f"{module._get_name()}(\n  " + "\n  ".join([*filter(None, [extra]), *lines]) + "\n)"
