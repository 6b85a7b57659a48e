"""QConfigs: how a layer's activations and weights are to be observed or faked."""

from __future__ import annotations

import warnings
from collections import namedtuple
from typing import Any

from rushlight import dtypes
from rushlight.ao.quantization._observers import _PartialWrapper
from rushlight.ao.quantization.fake_quantize import (
    FakeQuantize,
    FusedMovingAvgObsFakeQuantize,
    default_dynamic_fake_quant,
    default_embedding_fake_quant,
    default_fake_quant,
    default_fused_act_fake_quant,
    default_fused_per_channel_wt_fake_quant,
    default_fused_wt_fake_quant,
    default_per_channel_weight_fake_quant,
    default_weight_fake_quant,
    fused_per_channel_wt_fake_quant_range_neg_127_to_127,
    fused_wt_fake_quant_range_neg_127_to_127,
)
from rushlight.ao.quantization.observer import (
    HistogramObserver,
    MinMaxObserver,
    MovingAverageMinMaxObserver,
    MovingAveragePerChannelMinMaxObserver,
    NoopObserver,
    PerChannelMinMaxObserver,
    PlaceholderObserver,
    default_debug_observer,
    default_dynamic_quant_observer,
    default_float_qparams_observer,
    default_observer,
    default_per_channel_weight_observer,
    default_placeholder_observer,
    default_reuse_input_observer,
    default_weight_observer,
    per_channel_weight_observer_range_neg_127_to_127,
    weight_observer_range_neg_127_to_127,
)
from rushlight.nn.modules.linear import Identity
from rushlight.nn.modules.module import Module

__all__ = [
    "QConfig", "QConfigAny", "QConfigDynamic", "default_activation_only_qconfig", "default_debug_qconfig",
    "default_dynamic_qat_qconfig", "default_dynamic_qconfig", "default_embedding_qat_qconfig",
    "default_per_channel_qconfig", "default_per_channel_symmetric_qnnpack_qat_qconfig",
    "default_per_channel_symmetric_qnnpack_qconfig", "default_qat_qconfig", "default_qat_qconfig_v2",
    "default_qconfig", "default_quint8_weight_qconfig", "default_reuse_input_qconfig",
    "default_symmetric_qnnpack_qat_qconfig", "default_symmetric_qnnpack_qconfig", "default_weight_only_qconfig",
    "float16_dynamic_qconfig", "float16_static_qconfig", "float_qparams_weight_only_qconfig",
    "get_default_qat_qconfig", "get_default_qconfig", "per_channel_dynamic_qconfig", "qconfig_equals",
]  # fmt: skip


class QConfig(namedtuple("QConfig", ["activation", "weight"])):
    """The classes (or `with_args` of them) that observe or fake a layer's activations and its weights.

    ValueError for a module instead of a class.

    >>> import rushlight as torch
    >>> from rushlight.ao.quantization import MinMaxObserver, QConfig
    >>> config = QConfig(MinMaxObserver.with_args(dtype=torch.qint8), MinMaxObserver.with_args(dtype=torch.qint8))
    >>> config.weight().dtype
    torch.qint8

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.ao.quantization.qconfig.QConfig.html
    """

    __slots__ = ()

    def __new__(cls, activation: Any, weight: Any) -> QConfig:
        if isinstance(activation, Module) or isinstance(weight, Module):
            raise ValueError(
                "QConfig received observer instance, please pass observer class instead. Use "
                "MyObserver.with_args(x=1) to override arguments to constructor if needed"
            )
        return super().__new__(cls, activation, weight)


class QConfigDynamic(namedtuple("QConfigDynamic", ["activation", "weight"])):
    """The older form of a QConfig for dynamic quantization; making one warns.

    Source: https://docs.pytorch.org/docs/2.13/quantization.html
    """

    __slots__ = ()

    def __new__(cls, activation: Any = Identity, weight: Any = Identity) -> QConfigDynamic:
        warnings.warn(
            "`QConfigDynamic` is going to be deprecated in PyTorch 1.12, please use `QConfig` instead",
            FutureWarning,
            stacklevel=2,
        )
        if isinstance(weight, Module):
            raise ValueError(
                "QConfigDynamic received observer instance, please pass observer class instead. Use "
                "MyObserver.with_args(x=1) to override arguments to constructor if needed"
            )
        return super().__new__(cls, activation, weight)


QConfigAny = QConfig | None

_half = PlaceholderObserver.with_args(dtype=dtypes.float16)

default_qconfig = QConfig(default_observer, default_weight_observer)
default_debug_qconfig = QConfig(default_debug_observer, default_weight_observer)
default_per_channel_qconfig = QConfig(default_observer, default_per_channel_weight_observer)
default_dynamic_qconfig = QConfig(default_dynamic_quant_observer, default_weight_observer)
float16_dynamic_qconfig = QConfig(PlaceholderObserver.with_args(dtype=dtypes.float16, is_dynamic=True), _half)
float16_static_qconfig = QConfig(_half, _half)
per_channel_dynamic_qconfig = QConfig(default_dynamic_quant_observer, default_per_channel_weight_observer)
float_qparams_weight_only_qconfig = QConfig(default_placeholder_observer, default_float_qparams_observer)
default_qat_qconfig = QConfig(default_fake_quant, default_weight_fake_quant)
default_dynamic_qat_qconfig = QConfig(default_dynamic_fake_quant, default_weight_fake_quant)
default_weight_only_qconfig = QConfig(Identity, default_weight_fake_quant)
default_activation_only_qconfig = QConfig(default_fake_quant, Identity)
default_qat_qconfig_v2 = QConfig(default_fused_act_fake_quant, default_fused_wt_fake_quant)
default_reuse_input_qconfig = QConfig(default_reuse_input_observer, NoopObserver)
default_quint8_weight_qconfig = QConfig(HistogramObserver, MinMaxObserver)
default_embedding_qat_qconfig = QConfig(NoopObserver.with_args(dtype=dtypes.float32), default_embedding_fake_quant)

_signed = HistogramObserver.with_args(dtype=dtypes.qint8, reduce_range=False, eps=2**-12)
default_symmetric_qnnpack_qconfig = QConfig(_signed, weight_observer_range_neg_127_to_127)
default_per_channel_symmetric_qnnpack_qconfig = QConfig(_signed, per_channel_weight_observer_range_neg_127_to_127)
_signed_fake = FusedMovingAvgObsFakeQuantize.with_args(
    observer=MovingAverageMinMaxObserver,
    quant_min=-128,
    quant_max=127,
    dtype=dtypes.qint8,
    reduce_range=False,
    eps=2**-12,
)
default_symmetric_qnnpack_qat_qconfig = QConfig(_signed_fake, fused_wt_fake_quant_range_neg_127_to_127)
default_per_channel_symmetric_qnnpack_qat_qconfig = QConfig(
    _signed_fake, fused_per_channel_wt_fake_quant_range_neg_127_to_127
)

_BACKENDS = ["fbgemm", "x86", "qnnpack", "onednn"]


def _check_backend(backend: str) -> None:
    if backend not in _BACKENDS:
        raise AssertionError(f"backend: {backend} not supported. backend must be one of {_BACKENDS}")


def get_default_qconfig(backend: str = "x86", version: int = 0) -> QConfig:
    """The QConfig for quantizing a trained network that suits a backend.

    `"x86"` and `"fbgemm"` use 7 bits of activations (so that no sum of two products overflows 16 bits), `"onednn"` and
    `"qnnpack"` all 8; all but `"qnnpack"` give each channel of a weight its own scale. Here any of them runs, and
    exactly. AssertionError for another backend or version.

    Source: https://docs.pytorch.org/docs/2.13/quantization.html
    """
    _check_backend(backend)
    if version != 0:
        raise AssertionError(
            f"Version number: {version} in get_default_qconfig is not supported. Version number must be 0"
        )
    weight = default_weight_observer if backend == "qnnpack" else default_per_channel_weight_observer
    return QConfig(HistogramObserver.with_args(reduce_range=backend in ("fbgemm", "x86")), weight)


def get_default_qat_qconfig(backend: str = "x86", version: int = 1) -> QConfig:
    """The QConfig for quantization-aware training that suits a backend; version 1 watches and rounds in one step.

    AssertionError for another backend or version.

    Source: https://docs.pytorch.org/docs/2.13/quantization.html
    """
    _check_backend(backend)
    if version not in (0, 1):
        raise AssertionError(
            f"Version number: {version}in get_default_qat_qconfig is not supported. Version number must be 0 or 1"
        )
    kind = FusedMovingAvgObsFakeQuantize if version else FakeQuantize
    options: dict[str, Any] = {"observer": MovingAverageMinMaxObserver, "quant_min": 0, "quant_max": 255}
    if backend != "onednn":
        options["reduce_range"] = backend != "qnnpack"
    if backend == "qnnpack":
        weight = default_fused_wt_fake_quant if version else default_weight_fake_quant
    else:
        weight = default_fused_per_channel_wt_fake_quant if version else default_per_channel_weight_fake_quant
    return QConfig(kind.with_args(**options), weight)


def check_qconfig(qconfig: Any, module: Module) -> None:
    """AssertionError for a weight observer by channels where a transposed convolution cannot use it."""
    if qconfig is None or not type(module).__name__.startswith("ConvTranspose"):
        return
    if isinstance(qconfig.weight(), PerChannelMinMaxObserver | MovingAveragePerChannelMinMaxObserver):
        raise AssertionError("Per channel weight observer is not supported yet for ConvTranspose{n}d.")


def _flat(made: Any) -> tuple[Any, dict[str, Any]]:
    """A class and the arguments given to it."""
    keywords: dict[str, Any] = {}
    while isinstance(made, _PartialWrapper) or hasattr(made, "keywords"):
        inner = made.p if isinstance(made, _PartialWrapper) else made
        if not hasattr(inner, "keywords"):
            made = inner
            continue
        keywords = {**inner.keywords, **keywords}
        made = inner.func
    return made, {
        name: _flat(value) if isinstance(value, _PartialWrapper) else value for name, value in keywords.items()
    }


def qconfig_equals(q1: Any, q2: Any) -> bool:
    """Whether two QConfigs make the same observers.

    Source: https://docs.pytorch.org/docs/2.13/quantization.html
    """
    if q1 is None or q2 is None:
        return q1 is q2
    if not (hasattr(q1, "activation") and hasattr(q2, "activation")):
        return bool(q1 == q2)
    return _flat(q1.activation) == _flat(q2.activation) and _flat(q1.weight) == _flat(q2.weight)
