"""Fake quantizers: modules that watch a range and round tensors to its codes, so that training learns to bear it."""

from __future__ import annotations

import abc
import functools
from typing import Any

from rushlight import dtypes
from rushlight.ao.quantization._observers import _PartialWrapper
from rushlight.ao.quantization.observer import (
    FixedQParamsObserver,
    HistogramObserver,
    MovingAverageMinMaxObserver,
    MovingAveragePerChannelMinMaxObserver,
    default_fixed_qparams_range_0to1_observer,
    default_fixed_qparams_range_neg1to1_observer,
)
from rushlight.ao.quantization.utils import _RANGES, is_per_channel, is_per_tensor
from rushlight.nn.modules.module import Module
from rushlight.ops.creation import tensor
from rushlight.ops.fake_quantization import (
    fake_quantize_per_channel_affine,
    fake_quantize_per_tensor_affine,
    fused_moving_avg_obs_fake_quant,
)
from rushlight.quantizer import (
    per_channel_affine_float_qparams,
    per_channel_symmetric,
    per_tensor_affine,
    per_tensor_symmetric,
)
from rushlight.tensor import Tensor

__all__ = [
    "FakeQuantize", "FakeQuantizeBase", "FixedQParamsFakeQuantize", "FusedMovingAvgObsFakeQuantize",
    "default_affine_fixed_qparams_fake_quant", "default_dynamic_fake_quant", "default_embedding_fake_quant",
    "default_fake_quant", "default_fixed_qparams_range_0to1_fake_quant",
    "default_fixed_qparams_range_neg1to1_fake_quant", "default_fused_act_fake_quant",
    "default_fused_per_channel_wt_fake_quant", "default_fused_wt_fake_quant", "default_histogram_fake_quant",
    "default_per_channel_weight_fake_quant", "default_symmetric_fixed_qparams_fake_quant",
    "default_weight_fake_quant", "disable_fake_quant", "disable_observer", "enable_fake_quant", "enable_observer",
    "fused_per_channel_wt_fake_quant_range_neg_127_to_127", "fused_wt_fake_quant_range_neg_127_to_127",
]  # fmt: skip


class FakeQuantizeBase(Module, abc.ABC):
    """What all fake quantizers are: two switches, for rounding and for watching.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.ao.quantization.fake_quantize.FakeQuantizeBase.html
    """

    fake_quant_enabled: Tensor
    observer_enabled: Tensor

    def __init__(self) -> None:
        super().__init__()
        # Tensors, so that copies on other devices and in checkpoints are switched along.
        self.register_buffer("fake_quant_enabled", tensor([1], dtype=dtypes.uint8))
        self.register_buffer("observer_enabled", tensor([1], dtype=dtypes.uint8))

    @abc.abstractmethod
    def forward(self, x: Tensor) -> Tensor:
        """Watch a tensor and round it, as the switches say."""

    @abc.abstractmethod
    def calculate_qparams(self, **kwargs: Any) -> Any:
        """The scale and the zero point that fit what was seen."""

    def enable_fake_quant(self, enabled: bool = True) -> None:
        """Round from now on, or not."""
        self.fake_quant_enabled[0] = 1 if enabled else 0

    def disable_fake_quant(self) -> None:
        """Round no more."""
        self.enable_fake_quant(False)

    def enable_observer(self, enabled: bool = True) -> None:
        """Watch from now on, or not."""
        self.observer_enabled[0] = 1 if enabled else 0

    def disable_observer(self) -> None:
        """Watch no more."""
        self.enable_observer(False)

    @classmethod
    def with_args(cls, **kwargs: Any) -> _PartialWrapper:
        """The class with some of its arguments given: what a QConfig holds."""
        return _PartialWrapper(functools.partial(cls, **kwargs))


class FakeQuantize(FakeQuantizeBase):
    """Rounds to the codes of the range that `observer` saw: `(clamp(round(x / s) + z, quant_min, quant_max) - z) · s`.

    Further arguments are the observer's. The gradient passes where nothing was clamped.

    >>> import rushlight as torch
    >>> fake = torch.ao.quantization.FakeQuantize(quant_min=0, quant_max=255)
    >>> fake(torch.tensor([0.0, 1.001, 2.55]))
    tensor([0.0000, 1.0000, 2.5500])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.ao.quantization.fake_quantize.FakeQuantize.html
    """

    scale: Tensor
    zero_point: Tensor

    def __init__(
        self,
        observer: Any = MovingAverageMinMaxObserver,
        quant_min: int | None = None,
        quant_max: int | None = None,
        is_dynamic: bool = False,
        **observer_kwargs: Any,
    ) -> None:
        super().__init__()
        if quant_min is not None and quant_max is not None:
            _check_bounds(observer, quant_min, quant_max, observer_kwargs)
            observer_kwargs.update(quant_min=quant_min, quant_max=quant_max)
        observer_kwargs["is_dynamic"] = is_dynamic
        self.activation_post_process = found = observer(**observer_kwargs)
        self.quant_min, self.quant_max = found.quant_min, found.quant_max
        self.is_dynamic = found.is_dynamic
        zero_type = dtypes.float32 if found.qscheme is per_channel_affine_float_qparams else dtypes.int32
        self.register_buffer("scale", tensor([1.0], dtype=dtypes.float32))
        self.register_buffer("zero_point", tensor([0], dtype=zero_type))
        self.dtype, self.qscheme = found.dtype, found.qscheme
        self.ch_axis = getattr(found, "ch_axis", -1)
        if not (is_per_channel(self.qscheme) or is_per_tensor(self.qscheme)):
            raise AssertionError(
                "Only per channel and per tensor quantization are supported in fake quantize got qscheme: "
                f"{self.qscheme}"
            )
        self.is_per_channel = is_per_channel(self.qscheme)

    def calculate_qparams(self, **kwargs: Any) -> tuple[Tensor, Tensor]:
        """The scale and the zero point that fit what was seen."""
        return self.activation_post_process.calculate_qparams()

    def forward(self, X: Tensor) -> Tensor:
        observer = self.activation_post_process
        if self.observer_enabled[0] == 1:
            observer(X.detach())
            for kept, found in zip((self.scale, self.zero_point), self.calculate_qparams(), strict=True):
                if kept.shape != found.shape:
                    kept.resize_(found.shape)
                kept.copy_(found)
        if self.fake_quant_enabled[0] != 1:
            return X
        codes = observer.quant_min, observer.quant_max
        if self.is_per_channel:
            return fake_quantize_per_channel_affine(X, self.scale, self.zero_point, self.ch_axis, *codes)
        return fake_quantize_per_tensor_affine(X, self.scale, self.zero_point, *codes)

    def extra_repr(self) -> str:
        observer = self.activation_post_process
        return (
            f"fake_quant_enabled={self.fake_quant_enabled}, observer_enabled={self.observer_enabled}, "
            f"quant_min={observer.quant_min}, quant_max={observer.quant_max}, "
            f"dtype={self.dtype}, qscheme={self.qscheme}, ch_axis={self.ch_axis}, "
            f"scale={self.scale}, zero_point={self.zero_point}"
        )

    def _load_from_state_dict(
        self, state_dict: Any, prefix: str, local_metadata: Any, strict: bool, missing_keys: Any, *rest: Any
    ) -> None:
        # There may be more channels than the module begins with.
        for name in ("scale", "zero_point"):
            if prefix + name in state_dict:
                getattr(self, name).resize_(state_dict[prefix + name].shape)
        super()._load_from_state_dict(state_dict, prefix, local_metadata, strict, missing_keys, *rest)


def _check_bounds(observer: Any, quant_min: int, quant_max: int, options: dict[str, Any]) -> None:
    if quant_min > quant_max:
        raise AssertionError("quant_min must be less than or equal to quant_max")
    keywords = getattr(getattr(observer, "p", None), "keywords", {})
    low, high = _RANGES[keywords.get("dtype", options.get("dtype", dtypes.quint8))]
    if quant_min < low:
        raise AssertionError("quant_min out of bound")
    if quant_max > high:
        raise AssertionError("quant_max out of bound")


class FixedQParamsFakeQuantize(FakeQuantize):
    """Rounds to codes of a given scale and zero point.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.ao.quantization.fake_quantize.FixedQParamsFakeQuantize.html
    """

    def __init__(self, observer: Any) -> None:
        super().__init__(observer=observer)
        name = type(self).__name__
        if type(self.activation_post_process) is not FixedQParamsObserver:
            raise AssertionError(f"{name}'s observer must be a FixedQParamsObserver")
        self._observer_ctr = observer
        self.scale = self.activation_post_process.scale
        self.zero_point = self.activation_post_process.zero_point
        if not is_per_tensor(self.qscheme):
            raise AssertionError(f"Only per tensor quantization is supported by {name}, got qscheme:{self.qscheme}")

    def calculate_qparams(self, **kwargs: Any) -> tuple[Tensor, Tensor]:
        """The given scale and zero point."""
        return self.scale, self.zero_point

    def extra_repr(self) -> str:
        observer = self.activation_post_process
        return (
            f"fake_quant_enabled={self.fake_quant_enabled}, observer_enabled={self.observer_enabled}, "
            f"scale={self.scale}, zero_point={self.zero_point}, dtype={self.dtype}, "
            f"quant_min={observer.quant_min}, quant_max={observer.quant_max}, qscheme={self.qscheme}"
        )


class FusedMovingAvgObsFakeQuantize(FakeQuantize):
    """A FakeQuantize over a moving average, in one step.

    Source:
    https://docs.pytorch.org/docs/2.13/generated/torch.ao.quantization.fake_quantize.FusedMovingAvgObsFakeQuantize.html
    """

    def __init__(
        self,
        observer: Any = MovingAverageMinMaxObserver,
        quant_min: int = 0,
        quant_max: int = 255,
        **observer_kwargs: Any,
    ) -> None:
        super().__init__(observer, quant_min, quant_max, **observer_kwargs)
        averaging = MovingAverageMinMaxObserver, MovingAveragePerChannelMinMaxObserver
        if not isinstance(self.activation_post_process, averaging):
            raise AssertionError("Fused observer+fake_quant module only works with MovingAverageMinMaxObserver")
        self.register_buffer("fake_quant_enabled", tensor([1], dtype=dtypes.int64))
        self.register_buffer("observer_enabled", tensor([1], dtype=dtypes.int64))
        self.is_symmetric_quant = self.qscheme in (per_tensor_symmetric, per_channel_symmetric)

    def extra_repr(self) -> str:
        observer = self.activation_post_process
        return (
            f"fake_quant_enabled={self.fake_quant_enabled}, observer_enabled={self.observer_enabled}, "
            f"scale={self.scale}, zero_point={self.zero_point}, dtype={self.dtype}, "
            f"quant_min={observer.quant_min}, quant_max={observer.quant_max}, "
            f"qscheme={self.qscheme}, reduce_range={observer.reduce_range}"
        )

    def forward(self, X: Tensor) -> Tensor:
        observer = self.activation_post_process
        return fused_moving_avg_obs_fake_quant(
            X,
            self.observer_enabled,
            self.fake_quant_enabled,
            observer.min_val,
            observer.max_val,
            self.scale,
            self.zero_point,
            observer.averaging_constant,
            observer.quant_min,
            observer.quant_max,
            self.ch_axis,
            self.is_per_channel,
            self.is_symmetric_quant,
        )


def disable_fake_quant(mod: Any) -> None:
    """Have a fake quantizer round no more; `model.apply(disable_fake_quant)` all of a model's.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.ao.quantization.fake_quantize.disable_fake_quant.html
    """
    if isinstance(mod, FakeQuantizeBase):
        mod.disable_fake_quant()


def enable_fake_quant(mod: Any) -> None:
    """Have a fake quantizer round; `model.apply(enable_fake_quant)` all of a model's.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.ao.quantization.fake_quantize.enable_fake_quant.html
    """
    if isinstance(mod, FakeQuantizeBase):
        mod.enable_fake_quant()


def disable_observer(mod: Any) -> None:
    """Have a fake quantizer watch no more; `model.apply(disable_observer)` all of a model's.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.ao.quantization.fake_quantize.disable_observer.html
    """
    if isinstance(mod, FakeQuantizeBase):
        mod.disable_observer()


def enable_observer(mod: Any) -> None:
    """Have a fake quantizer watch; `model.apply(enable_observer)` all of a model's.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.ao.quantization.fake_quantize.enable_observer.html
    """
    if isinstance(mod, FakeQuantizeBase):
        mod.enable_observer()


_ACTIVATION: dict[str, Any] = {"quant_min": 0, "quant_max": 255, "dtype": dtypes.quint8}
_WEIGHT: dict[str, Any] = {"quant_min": -128, "quant_max": 127, "dtype": dtypes.qint8}
_NARROW_WEIGHT: dict[str, Any] = {"quant_min": -127, "quant_max": 127, "dtype": dtypes.qint8, "eps": 2**-12}

default_fake_quant = FakeQuantize.with_args(
    observer=MovingAverageMinMaxObserver, **_ACTIVATION, qscheme=per_tensor_affine, reduce_range=True
)
default_weight_fake_quant = FakeQuantize.with_args(
    observer=MovingAverageMinMaxObserver, **_WEIGHT, qscheme=per_tensor_symmetric, reduce_range=False
)
default_dynamic_fake_quant = FakeQuantize.with_args(
    observer=MovingAverageMinMaxObserver, is_dynamic=True, averaging_constant=1, **_ACTIVATION
)
default_fixed_qparams_range_neg1to1_fake_quant = FixedQParamsFakeQuantize.with_args(
    observer=default_fixed_qparams_range_neg1to1_observer
)
default_fixed_qparams_range_0to1_fake_quant = FixedQParamsFakeQuantize.with_args(
    observer=default_fixed_qparams_range_0to1_observer
)
default_symmetric_fixed_qparams_fake_quant = default_fixed_qparams_range_neg1to1_fake_quant
default_affine_fixed_qparams_fake_quant = default_fixed_qparams_range_0to1_fake_quant
default_per_channel_weight_fake_quant = FakeQuantize.with_args(
    observer=MovingAveragePerChannelMinMaxObserver,
    **_WEIGHT,
    qscheme=per_channel_symmetric,
    reduce_range=False,
    ch_axis=0,
)
default_embedding_fake_quant = FakeQuantize.with_args(
    observer=MovingAveragePerChannelMinMaxObserver,
    **_ACTIVATION,
    qscheme=per_channel_affine_float_qparams,
    ch_axis=0,
    averaging_constant=1,
)
default_histogram_fake_quant = FakeQuantize.with_args(
    observer=HistogramObserver, **_ACTIVATION, qscheme=per_tensor_affine, reduce_range=True
)
default_fused_act_fake_quant = FusedMovingAvgObsFakeQuantize.with_args(
    observer=MovingAverageMinMaxObserver, **_ACTIVATION
)
default_fused_wt_fake_quant = FusedMovingAvgObsFakeQuantize.with_args(
    observer=MovingAverageMinMaxObserver, **_WEIGHT, qscheme=per_tensor_symmetric
)
default_fused_per_channel_wt_fake_quant = FusedMovingAvgObsFakeQuantize.with_args(
    observer=MovingAveragePerChannelMinMaxObserver, **_WEIGHT, qscheme=per_channel_symmetric
)
fused_wt_fake_quant_range_neg_127_to_127 = FusedMovingAvgObsFakeQuantize.with_args(
    observer=MovingAverageMinMaxObserver, **_NARROW_WEIGHT, qscheme=per_tensor_symmetric
)
fused_per_channel_wt_fake_quant_range_neg_127_to_127 = FusedMovingAvgObsFakeQuantize.with_args(
    observer=MovingAveragePerChannelMinMaxObserver, **_NARROW_WEIGHT, qscheme=per_channel_symmetric
)
