"""Observers: modules that let tensors pass and remember the range they saw, from which scale and zero point follow."""

from __future__ import annotations

import abc
import functools
import warnings
from collections import OrderedDict
from typing import Any

from rushlight import dtypes
from rushlight.ao.quantization.utils import (
    calculate_qmin_qmax,
    determine_qparams,
    is_per_channel,
    is_per_tensor,
    validate_qmin_qmax,
)
from rushlight.autograd.grad_mode import no_grad
from rushlight.dtypes import dtype as Dtype
from rushlight.nn.modules.module import Module
from rushlight.ops.choice import maximum, minimum
from rushlight.ops.creation import tensor
from rushlight.ops.extremum import aminmax
from rushlight.ops.shape import flatten
from rushlight.quantizer import (
    per_channel_affine,
    per_channel_affine_float_qparams,
    per_channel_symmetric,
    per_tensor_affine,
    per_tensor_symmetric,
)
from rushlight.quantizer import (
    qscheme as Scheme,
)
from rushlight.tensor import Tensor

__all__ = [
    "FixedQParamsObserver", "MinMaxObserver", "MovingAverageMinMaxObserver", "MovingAveragePerChannelMinMaxObserver",
    "NoopObserver", "ObserverBase", "PerChannelMinMaxObserver", "PlaceholderObserver", "RecordingObserver",
    "ReuseInputObserver", "UniformQuantizationObserverBase", "default_affine_fixed_qparams_observer",
    "default_debug_observer", "default_dynamic_quant_observer", "default_fixed_qparams_range_0to1_observer",
    "default_fixed_qparams_range_neg1to1_observer", "default_float_qparams_observer", "default_observer",
    "default_per_channel_weight_observer", "default_placeholder_observer", "default_reuse_input_observer",
    "default_symmetric_fixed_qparams_observer", "default_weight_observer", "get_observer_state_dict",
    "load_observer_state_dict", "per_channel_weight_observer_range_neg_127_to_127",
    "weight_observer_range_neg_127_to_127",
]  # fmt: skip

_EPS = dtypes.finfo(dtypes.float32).eps


class _PartialWrapper:
    """A class with some of its arguments given, as `with_args` makes it."""

    def __init__(self, p: Any) -> None:
        self.p = p
        self.callable_args: dict[str, Any] = {}

    def __call__(self, *args: Any, **keywords: Any) -> Any:
        made = {name: make() for name, make in self.callable_args.items() if name not in keywords}
        return self.p(*args, **keywords, **made)

    def __repr__(self) -> str:
        return repr(self.p) + repr(self.callable_args)

    def with_args(self, **kwargs: Any) -> _PartialWrapper:
        """The same with further arguments given."""
        return _PartialWrapper(functools.partial(self, **kwargs))

    def with_callable_args(self, **kwargs: Any) -> _PartialWrapper:
        """The same with arguments that are made by calling what is given, each time anew."""
        result = _PartialWrapper(self.p)
        result.callable_args = {**self.callable_args, **kwargs}
        return result


class ObserverBase(Module, abc.ABC):
    """What all observers are: `forward` looks at a tensor and returns it, `calculate_qparams` says what fits it.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.ao.quantization.observer.ObserverBase.html
    """

    def __init__(self, dtype: Any, is_dynamic: bool = False) -> None:
        super().__init__()
        self.dtype = dtype
        self.is_dynamic = is_dynamic

    @abc.abstractmethod
    def forward(self, x: Tensor) -> Tensor:
        """Look at a tensor and return it."""

    @abc.abstractmethod
    def calculate_qparams(self, **kwargs: Any) -> Any:
        """The scale and the zero point that fit what was seen."""

    @classmethod
    def with_args(cls, **kwargs: Any) -> _PartialWrapper:
        """The class with some of its arguments given: what a QConfig holds."""
        return _PartialWrapper(functools.partial(cls, **kwargs))

    @classmethod
    def with_callable_args(cls, **kwargs: Any) -> _PartialWrapper:
        """The class with arguments that are made by calling what is given, each time anew."""
        return _PartialWrapper(functools.partial(cls)).with_callable_args(**kwargs)


class UniformQuantizationObserverBase(ObserverBase):
    """An observer whose scale and zero point follow from a least and a greatest number.

    `quant_min` and `quant_max` bound the codes (the dtype's own bounds if None; in one bit less with `reduce_range`),
    `eps` bounds the scale from below.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.ao.quantization.observer.UniformQuantizationObserverBase.html
    """

    _version = 3
    eps: Tensor

    def __init__(
        self,
        dtype: Dtype = dtypes.quint8,
        qscheme: Scheme = per_tensor_affine,
        reduce_range: bool = False,
        quant_min: int | None = None,
        quant_max: int | None = None,
        factory_kwargs: dict[str, Any] | None = None,
        eps: float = _EPS,
        is_dynamic: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(dtype=dtype, is_dynamic=is_dynamic, **kwargs)
        self.qscheme = qscheme
        if reduce_range:
            warnings.warn(
                "Please use quant_min and quant_max to specify the range for observers. "
                "reduce_range will be deprecated in a future release of PyTorch.",
                stacklevel=2,
            )
        self.reduce_range = reduce_range
        self.register_buffer("eps", tensor([eps], **(factory_kwargs or {})))
        if not (is_per_tensor(qscheme) or is_per_channel(qscheme)):
            raise AssertionError(
                "Default Observer only works for per_tensor_affine, per_tensor_symmetric, "
                "per_channel_affine, per_channel_symmetric and per_channel_float_qparams quantization scheme"
            )
        if dtype not in _ALLOWED:
            raise AssertionError(f"Default Observer only works for {_ALLOWED} data type")
        self.has_customized_qrange = quant_min is not None and quant_max is not None
        if quant_min is not None and quant_max is not None:
            validate_qmin_qmax(quant_min, quant_max)
        self.quant_min, self.quant_max = calculate_qmin_qmax(
            quant_min or 0, quant_max or 0, self.has_customized_qrange, dtype, reduce_range
        )

    def _load_from_state_dict(self, state_dict: Any, prefix: str, local_metadata: Any, *rest: Any) -> None:
        if local_metadata.get("version") in (None, 1):
            state_dict[prefix + "eps"] = tensor([_EPS])
        super()._load_from_state_dict(state_dict, prefix, local_metadata, *rest)

    def _calculate_qparams(self, min_val: Tensor, max_val: Tensor) -> tuple[Tensor, Tensor]:
        return determine_qparams(
            min_val,
            max_val,
            self.quant_min,
            self.quant_max,
            self.dtype,
            self.eps,
            self.has_customized_qrange,
            self.qscheme,
        )


_ALLOWED = (
    dtypes.qint8, dtypes.quint8, dtypes.qint32, dtypes.int8, dtypes.uint8, dtypes.int16, dtypes.int32,
    dtypes.float8_e5m2, dtypes.float8_e4m3fn, dtypes.uint16,
)  # fmt: skip


def _refuse_reduced(qscheme: Scheme, symmetric: Scheme, reduce_range: bool, dtype: Dtype) -> None:
    if qscheme is symmetric and reduce_range and dtype is dtypes.quint8:
        raise NotImplementedError("Cannot reduce range for symmetric quantization for quint8")


class MinMaxObserver(UniformQuantizationObserverBase):
    """The least and the greatest element of all tensors seen.

    >>> import rushlight as torch
    >>> observer = torch.ao.quantization.MinMaxObserver()
    >>> _ = observer(torch.tensor([-1.0, 4.1]))
    >>> observer.calculate_qparams()
    (tensor([0.0200]), tensor([50], dtype=torch.int32))

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.ao.quantization.observer.MinMaxObserver.html
    """

    min_val: Tensor
    max_val: Tensor

    def __init__(
        self,
        dtype: Dtype = dtypes.quint8,
        qscheme: Scheme = per_tensor_affine,
        reduce_range: bool = False,
        quant_min: int | None = None,
        quant_max: int | None = None,
        factory_kwargs: dict[str, Any] | None = None,
        eps: float = _EPS,
        is_dynamic: bool = False,
        **kwargs: Any,
    ) -> None:
        if not is_per_tensor(qscheme):
            raise NotImplementedError(
                f"{type(self).__name__}'s qscheme only support torch.per_tensor_symmetric and "
                f"torch.per_tensor_affine. but got: {qscheme}"
            )
        super().__init__(dtype, qscheme, reduce_range, quant_min, quant_max, factory_kwargs, eps, is_dynamic, **kwargs)
        self.register_buffer("min_val", tensor(float("inf"), **(factory_kwargs or {})))
        self.register_buffer("max_val", tensor(float("-inf"), **(factory_kwargs or {})))
        _refuse_reduced(qscheme, per_tensor_symmetric, reduce_range, dtype)

    def forward(self, x_orig: Tensor) -> Tensor:
        if x_orig.numel():
            with no_grad():
                low, high = aminmax(x_orig.detach().to(self.min_val.dtype))
                self._keep(low, high)
        return x_orig

    def _keep(self, low: Tensor, high: Tensor) -> None:
        self.min_val.copy_(minimum(low, self.min_val))
        self.max_val.copy_(maximum(high, self.max_val))

    def calculate_qparams(self, **kwargs: Any) -> tuple[Tensor, Tensor]:
        """The scale and the zero point that fit what was seen."""
        return self._calculate_qparams(self.min_val, self.max_val)

    def extra_repr(self) -> str:
        return f"min_val={self.min_val}, max_val={self.max_val}"

    def reset_min_max_vals(self) -> None:
        """Forget what was seen."""
        self.min_val.fill_(float("inf"))
        self.max_val.fill_(float("-inf"))


class MovingAverageMinMaxObserver(MinMaxObserver):
    """The least and the greatest element, averaged: each tensor moves them by `averaging_constant` of the difference.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.ao.quantization.observer.MovingAverageMinMaxObserver.html
    """

    def __init__(
        self,
        averaging_constant: float = 0.01,
        dtype: Dtype = dtypes.quint8,
        qscheme: Scheme = per_tensor_affine,
        reduce_range: bool = False,
        quant_min: int | None = None,
        quant_max: int | None = None,
        eps: float = _EPS,
        is_dynamic: bool = False,
        **kwargs: Any,
    ) -> None:
        if is_dynamic and averaging_constant != 1:
            raise NotImplementedError(
                "MovingAverageMinMaxObserver doesn't support dynamic quantization for "
                f"averaging constant of {averaging_constant}"
            )
        super().__init__(dtype, qscheme, reduce_range, quant_min, quant_max, eps=eps, is_dynamic=is_dynamic, **kwargs)
        self.averaging_constant = averaging_constant

    def _keep(self, low: Tensor, high: Tensor) -> None:
        before, after = self.min_val, self.max_val
        if not (before == float("inf") and after == float("-inf")):
            low = before + self.averaging_constant * (low - before)
            high = after + self.averaging_constant * (high - after)
        self.min_val.copy_(low)
        self.max_val.copy_(high)


class PerChannelMinMaxObserver(UniformQuantizationObserverBase):
    """The least and the greatest element of each index of dimension `ch_axis`, of all tensors seen.

    >>> import rushlight as torch
    >>> observer = torch.ao.quantization.PerChannelMinMaxObserver(ch_axis=0)
    >>> _ = observer(torch.tensor([[-1.0, 1.55], [0.0, 5.1]]))
    >>> observer.calculate_qparams()
    (tensor([0.0100, 0.0200]), tensor([100,   0], dtype=torch.int32))

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.ao.quantization.observer.PerChannelMinMaxObserver.html
    """

    min_val: Tensor
    max_val: Tensor

    def __init__(
        self,
        ch_axis: int = 0,
        dtype: Dtype = dtypes.quint8,
        qscheme: Scheme = per_channel_affine,
        reduce_range: bool = False,
        quant_min: int | None = None,
        quant_max: int | None = None,
        factory_kwargs: dict[str, Any] | None = None,
        eps: float = _EPS,
        is_dynamic: bool = False,
        **kwargs: Any,
    ) -> None:
        name = type(self).__name__
        if not is_per_channel(qscheme):
            raise NotImplementedError(
                f"{name}'s qscheme only support torch.per_channel_symmetric, torch.per_channel_affine and "
                "torch.per_channel_affine_float_qparams."
            )
        if is_dynamic:
            raise NotImplementedError(f"{name} doesn't support dynamic quantization")
        super().__init__(dtype, qscheme, reduce_range, quant_min, quant_max, factory_kwargs, eps, is_dynamic, **kwargs)
        self.ch_axis = ch_axis
        self.register_buffer("min_val", tensor([], **(factory_kwargs or {})))
        self.register_buffer("max_val", tensor([], **(factory_kwargs or {})))
        _refuse_reduced(qscheme, per_channel_symmetric, reduce_range, dtype)

    def forward(self, x_orig: Tensor) -> Tensor:
        if x_orig.numel():
            with no_grad():
                rows = x_orig.detach().to(self.min_val.dtype).transpose(0, self.ch_axis)
                low, high = aminmax(flatten(rows, 1), dim=1)
                if self.min_val.numel() and self.max_val.numel():
                    low, high = self._joined(low, high)
                for kept, found in ((self.min_val, low), (self.max_val, high)):
                    kept.resize_(found.shape)
                    kept.copy_(found)
        return x_orig

    def _joined(self, low: Tensor, high: Tensor) -> tuple[Tensor, Tensor]:
        return minimum(low, self.min_val), maximum(high, self.max_val)

    def calculate_qparams(self, **kwargs: Any) -> tuple[Tensor, Tensor]:
        """The scales and the zero points that fit what was seen."""
        return self._calculate_qparams(self.min_val, self.max_val)

    def extra_repr(self) -> str:
        return f"min_val={self.min_val}, max_val={self.max_val}"

    def _load_from_state_dict(
        self, state_dict: Any, prefix: str, local_metadata: Any, strict: bool, missing_keys: Any, *rest: Any
    ) -> None:
        version = local_metadata.get("version")
        plural = "s" if version is not None and version < 3 else ""
        for name in ("min_val", "max_val"):
            key = f"{prefix}{name}{plural}"
            if key in state_dict:
                getattr(self, name).resize_(state_dict[key].shape)
                state_dict[prefix + name] = state_dict[key]
            elif strict:
                missing_keys.append(key)
        super()._load_from_state_dict(state_dict, prefix, local_metadata, False, missing_keys, *rest)

    def reset_min_max_vals(self) -> None:
        """Forget what was seen."""
        self.min_val, self.max_val = tensor([]), tensor([])


class MovingAveragePerChannelMinMaxObserver(PerChannelMinMaxObserver):
    """The least and the greatest element of each channel, averaged as in `MovingAverageMinMaxObserver`.

    Source:
    https://docs.pytorch.org/docs/2.13/generated/torch.ao.quantization.observer.MovingAveragePerChannelMinMaxObserver.html
    """

    def __init__(
        self,
        averaging_constant: float = 0.01,
        ch_axis: int = 0,
        dtype: Dtype = dtypes.quint8,
        qscheme: Scheme = per_channel_affine,
        reduce_range: bool = False,
        quant_min: int | None = None,
        quant_max: int | None = None,
        eps: float = _EPS,
        is_dynamic: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            ch_axis, dtype, qscheme, reduce_range, quant_min, quant_max, eps=eps, is_dynamic=is_dynamic, **kwargs
        )
        self.averaging_constant = averaging_constant

    def _joined(self, low: Tensor, high: Tensor) -> tuple[Tensor, Tensor]:
        before, after = self.min_val, self.max_val
        step = self.averaging_constant
        return before + step * (low - before), after + step * (high - after)


class FixedQParamsObserver(ObserverBase):
    """Sees nothing: its scale and zero point are given.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.ao.quantization.observer.FixedQParamsObserver.html
    """

    scale: Tensor
    zero_point: Tensor

    def __init__(
        self,
        scale: float,
        zero_point: int,
        dtype: Dtype = dtypes.quint8,
        qscheme: Scheme = per_tensor_affine,
        quant_min: int = 0,
        quant_max: int = 255,
        is_dynamic: bool = False,
        **kwargs: Any,
    ) -> None:
        if is_dynamic:
            raise NotImplementedError("FixedQParamsObserver doesn't support dynamic quantization")
        super().__init__(dtype=dtype, is_dynamic=is_dynamic, **kwargs)
        self.quant_min, self.quant_max = quant_min, quant_max
        self.register_buffer("scale", tensor([scale], dtype=dtypes.float32))
        self.register_buffer("zero_point", tensor([zero_point], dtype=dtypes.int32))
        self.dtype, self.qscheme = dtype, qscheme

    def forward(self, X: Tensor) -> Tensor:
        return X

    def calculate_qparams(self, **kwargs: Any) -> tuple[Tensor, Tensor]:
        """The given scale and zero point."""
        return self.scale, self.zero_point


class _Blind(ObserverBase):
    """An observer without a range."""

    def forward(self, x: Tensor) -> Tensor:
        return x

    def calculate_qparams(self, **kwargs: Any) -> Any:
        """Exception: there is no range to fit."""
        raise Exception(f"calculate_qparams should not be called for {type(self).__name__}")


class PlaceholderObserver(_Blind):
    """Says which dtype activations are to have, and whether they are quantized at run time; looks at nothing.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.ao.quantization.observer.PlaceholderObserver.html
    """

    def __init__(
        self,
        dtype: Dtype = dtypes.float32,
        custom_op_name: str = "",
        compute_dtype: Dtype | None = None,
        quant_min: int | None = None,
        quant_max: int | None = None,
        qscheme: Scheme | None = None,
        eps: float | None = None,
        is_dynamic: bool = False,
    ) -> None:
        super().__init__(dtype=dtype, is_dynamic=is_dynamic)
        self.qscheme = per_tensor_affine if qscheme is None else qscheme
        self.quant_min, self.quant_max = quant_min, quant_max
        self.eps = _EPS if eps is None else eps
        self.custom_op = custom_op_name
        if compute_dtype:
            warnings.warn(
                "Please use `is_dynamic` instead of `compute_dtype`. `compute_dtype` will be deprecated in a future "
                "release of PyTorch.",
                stacklevel=2,
            )

    def extra_repr(self) -> str:
        return f"dtype={self.dtype}, is_dynamic={self.is_dynamic}"


class RecordingObserver(_Blind):
    """Keeps a copy of each tensor it sees.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.ao.quantization.observer.RecordingObserver.html
    """

    def __init__(self, dtype: Dtype = dtypes.quint8) -> None:
        super().__init__(dtype=dtype, is_dynamic=False)
        self.tensor_val: list[Tensor] = []

    def forward(self, x: Tensor) -> Tensor:
        self.tensor_val.append(x.clone())
        return x

    def get_tensor_value(self) -> list[Tensor]:
        """The tensors seen, in order."""
        return self.tensor_val


class NoopObserver(_Blind):
    """Looks at nothing.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.ao.quantization.observer.NoopObserver.html
    """

    def __init__(self, dtype: Dtype = dtypes.float16, custom_op_name: str = "") -> None:
        super().__init__(dtype=dtype, is_dynamic=False)
        self.custom_op = custom_op_name


class ReuseInputObserver(_Blind):
    """Stands for the observer of an operation's input, whose range its output has, too.

    Source: https://docs.pytorch.org/docs/2.13/quantization.html
    """

    def __init__(self) -> None:
        super().__init__(dtypes.quint8, is_dynamic=False)


def is_activation_post_process(module: Any) -> bool:
    """Whether a module is an observer or a fake quantizer."""
    return isinstance(module, ObserverBase) or hasattr(module, "fake_quant_enabled")


def get_observer_state_dict(mod: Module) -> OrderedDict[str, Any]:
    """The entries of observers and fake quantizers in a module's state_dict.

    Source: https://docs.pytorch.org/docs/2.13/quantization.html
    """
    state = mod.state_dict()
    found = OrderedDict((key, value) for key, value in state.items() if "activation_post_process" in key)
    found._metadata = state._metadata  # type: ignore[attr-defined]
    return found


def load_observer_state_dict(mod: Module, obs_dict: dict[str, Any]) -> None:
    """Load what `get_observer_state_dict` gave into a module's observers; Exception where entries are missing.

    Source: https://docs.pytorch.org/docs/2.13/quantization.html
    """
    missing: list[str] = []
    unexpected: list[str] = []
    for name, module in mod.named_modules():
        if is_activation_post_process(module):
            module._load_from_state_dict(obs_dict, name + ".", {}, False, missing, unexpected, [])
    for keys, word in ((missing, "Missing"), (unexpected, "Unexpected")):
        for key in keys:
            if "observer" in key or "activation_post_process" in key:
                raise Exception(f"{word} keys for observer {key} in state_dict")


default_observer = MinMaxObserver.with_args(quant_min=0, quant_max=127)
default_placeholder_observer = PlaceholderObserver
default_debug_observer = RecordingObserver
default_weight_observer = MinMaxObserver.with_args(dtype=dtypes.qint8, qscheme=per_tensor_symmetric)
weight_observer_range_neg_127_to_127 = MinMaxObserver.with_args(
    dtype=dtypes.qint8, qscheme=per_tensor_symmetric, quant_min=-127, quant_max=127, eps=2**-12
)
default_per_channel_weight_observer = PerChannelMinMaxObserver.with_args(
    dtype=dtypes.qint8, qscheme=per_channel_symmetric
)
per_channel_weight_observer_range_neg_127_to_127 = PerChannelMinMaxObserver.with_args(
    dtype=dtypes.qint8, qscheme=per_channel_symmetric, quant_min=-127, quant_max=127, eps=2**-12
)
default_dynamic_quant_observer = PlaceholderObserver.with_args(
    dtype=dtypes.quint8, quant_min=0, quant_max=255, is_dynamic=True
)
default_float_qparams_observer = PerChannelMinMaxObserver.with_args(
    dtype=dtypes.quint8, qscheme=per_channel_affine_float_qparams, ch_axis=0
)
default_fixed_qparams_range_neg1to1_observer = FixedQParamsObserver.with_args(
    scale=2.0 / 256.0, zero_point=128, dtype=dtypes.quint8, quant_min=0, quant_max=255
)
default_fixed_qparams_range_0to1_observer = FixedQParamsObserver.with_args(
    scale=1.0 / 256.0, zero_point=0, dtype=dtypes.quint8, quant_min=0, quant_max=255
)
default_symmetric_fixed_qparams_observer = default_fixed_qparams_range_neg1to1_observer
default_affine_fixed_qparams_observer = default_fixed_qparams_range_0to1_observer
default_reuse_input_observer = ReuseInputObserver
