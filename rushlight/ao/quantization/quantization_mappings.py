"""Which layer becomes which."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rushlight.ao._kinds import type_of
from rushlight.ao.nn import intrinsic as nni
from rushlight.ao.nn import qat as nnqat
from rushlight.ao.nn import quantizable
from rushlight.ao.nn import quantized as nnq
from rushlight.ao.nn.intrinsic import qat as nniqat
from rushlight.ao.nn.intrinsic import quantized as nniq
from rushlight.ao.nn.quantized import _operators as Q
from rushlight.ao.quantization.fake_quantize import (
    default_fixed_qparams_range_0to1_fake_quant,
    default_fixed_qparams_range_neg1to1_fake_quant,
)
from rushlight.ao.quantization.stubs import DeQuantStub, QuantStub
from rushlight.ao.quantization.utils import get_combined_dict
from rushlight.nn import functional as F
from rushlight.nn import modules as nn
from rushlight.nn.modules.linear import NonDynamicallyQuantizableLinear

__all__ = [
    "DEFAULT_DYNAMIC_QUANT_MODULE_MAPPINGS", "DEFAULT_FLOAT_TO_QUANTIZED_OPERATOR_MAPPINGS",
    "DEFAULT_MODULE_TO_ACT_POST_PROCESS", "DEFAULT_QAT_MODULE_MAPPINGS", "DEFAULT_STATIC_QUANT_MODULE_MAPPINGS",
    "get_default_compare_output_module_list", "get_default_dynamic_quant_module_mappings",
    "get_default_float_to_quantized_operator_mappings", "get_default_qat_module_mappings",
    "get_default_qconfig_propagation_list", "get_default_static_quant_module_mappings",
    "get_dynamic_quant_module_class", "get_embedding_qat_module_mappings",
    "get_embedding_static_quant_module_mappings", "get_quantized_operator", "get_static_quant_module_class",
    "no_observer_set",
]  # fmt: skip

Mapping = dict[Any, Any]

DEFAULT_STATIC_QUANT_MODULE_MAPPINGS: Mapping = {
    QuantStub: nnq.Quantize,
    DeQuantStub: nnq.DeQuantize,
    nn.BatchNorm2d: nnq.BatchNorm2d,
    nn.BatchNorm3d: nnq.BatchNorm3d,
    nn.Dropout: nnq.Dropout,
    nn.Conv1d: nnq.Conv1d,
    nn.Conv2d: nnq.Conv2d,
    nn.Conv3d: nnq.Conv3d,
    nn.ConvTranspose1d: nnq.ConvTranspose1d,
    nn.ConvTranspose2d: nnq.ConvTranspose2d,
    nn.ConvTranspose3d: nnq.ConvTranspose3d,
    nn.ELU: nnq.ELU,
    nn.Embedding: nnq.Embedding,
    nn.EmbeddingBag: nnq.EmbeddingBag,
    nn.GroupNorm: nnq.GroupNorm,
    nn.Hardswish: nnq.Hardswish,
    nn.InstanceNorm1d: nnq.InstanceNorm1d,
    nn.InstanceNorm2d: nnq.InstanceNorm2d,
    nn.InstanceNorm3d: nnq.InstanceNorm3d,
    nn.LayerNorm: nnq.LayerNorm,
    nn.LeakyReLU: nnq.LeakyReLU,
    NonDynamicallyQuantizableLinear: nnq.Linear,
    nn.Linear: nnq.Linear,
    nn.ReLU6: nnq.ReLU6,
    nn.PReLU: nnq.PReLU,
    nnq.FloatFunctional: nnq.QFunctional,
    nni.BNReLU2d: nniq.BNReLU2d,
    nni.BNReLU3d: nniq.BNReLU3d,
    nni.ConvReLU1d: nniq.ConvReLU1d,
    nni.ConvReLU2d: nniq.ConvReLU2d,
    nni.ConvReLU3d: nniq.ConvReLU3d,
    nni.ConvAdd2d: nniq.ConvAdd2d,
    nni.ConvAddReLU2d: nniq.ConvAddReLU2d,
    nni.LinearReLU: nniq.LinearReLU,
    nni.LinearLeakyReLU: nniq.LinearLeakyReLU,
    nni.LinearTanh: nniq.LinearTanh,
    nniqat.ConvBn1d: nnq.Conv1d,
    nniqat.ConvBn2d: nnq.Conv2d,
    nniqat.ConvBn3d: nnq.Conv3d,
    nniqat.ConvBnReLU1d: nniq.ConvReLU1d,
    nniqat.ConvBnReLU2d: nniq.ConvReLU2d,
    nniqat.ConvBnReLU3d: nniq.ConvReLU3d,
    nniqat.ConvReLU2d: nniq.ConvReLU2d,
    nniqat.ConvReLU3d: nniq.ConvReLU3d,
    nniqat.LinearReLU: nniq.LinearReLU,
    nniqat.LinearBn1d: nnq.Linear,
    nnqat.Linear: nnq.Linear,
    nnqat.Conv2d: nnq.Conv2d,
    nnqat.Conv3d: nnq.Conv3d,
}

DEFAULT_QAT_MODULE_MAPPINGS: Mapping = {
    nn.Conv2d: nnqat.Conv2d,
    nn.Conv3d: nnqat.Conv3d,
    nn.Linear: nnqat.Linear,
    NonDynamicallyQuantizableLinear: nnqat.Linear,
    nni.ConvBn1d: nniqat.ConvBn1d,
    nni.ConvBn2d: nniqat.ConvBn2d,
    nni.ConvBn3d: nniqat.ConvBn3d,
    nni.ConvBnReLU1d: nniqat.ConvBnReLU1d,
    nni.ConvBnReLU2d: nniqat.ConvBnReLU2d,
    nni.ConvBnReLU3d: nniqat.ConvBnReLU3d,
    nni.ConvReLU2d: nniqat.ConvReLU2d,
    nni.ConvReLU3d: nniqat.ConvReLU3d,
    nni.LinearReLU: nniqat.LinearReLU,
    nni.LinearBn1d: nniqat.LinearBn1d,
}

DEFAULT_DYNAMIC_QUANT_MODULE_MAPPINGS: Mapping = {
    nn.GRUCell: nnq.dynamic.GRUCell,
    nn.Linear: nnq.dynamic.Linear,
    nnqat.dynamic.Linear: nnq.dynamic.Linear,
    NonDynamicallyQuantizableLinear: nnq.dynamic.Linear,
    nn.LSTM: nnq.dynamic.LSTM,
    nn.GRU: nnq.dynamic.GRU,
    nn.LSTMCell: nnq.dynamic.LSTMCell,
    nn.RNNCell: nnq.dynamic.RNNCell,
    nni.LinearReLU: nniq.dynamic.LinearReLU,
    nn.EmbeddingBag: nnq.EmbeddingBag,
    nn.Embedding: nnq.Embedding,
}

DEFAULT_FLOAT_TO_QUANTIZED_OPERATOR_MAPPINGS: Mapping = {
    F.elu: Q.elu,
    F.hardswish: Q.hardswish,
    F.instance_norm: Q.instance_norm,
    F.layer_norm: Q.layer_norm,
    F.leaky_relu: Q.leaky_relu,
    F.dropout: Q.dropout,
}

# What is known of some results without observing them: their range.
DEFAULT_MODULE_TO_ACT_POST_PROCESS: Mapping = {
    nn.Hardsigmoid: default_fixed_qparams_range_0to1_fake_quant,
    nn.Sigmoid: default_fixed_qparams_range_0to1_fake_quant,
    nn.Softmax: default_fixed_qparams_range_0to1_fake_quant,
    nn.Tanh: default_fixed_qparams_range_neg1to1_fake_quant,
}


def no_observer_set() -> set[Any]:
    """The custom classes whose results, tuples, are not observed: the parts' are.

    Source: https://docs.pytorch.org/docs/2.13/quantization.html
    """
    return {quantizable.LSTM, quantizable.MultiheadAttention}


def get_default_static_quant_module_mappings() -> Mapping:
    """What `convert` makes of each layer after observation or training.

    Source: https://docs.pytorch.org/docs/2.13/quantization.html
    """
    return dict(DEFAULT_STATIC_QUANT_MODULE_MAPPINGS)


def get_embedding_static_quant_module_mappings() -> Mapping:
    """The same with embeddings that were trained with fake quantizers.

    Source: https://docs.pytorch.org/docs/2.13/quantization.html
    """
    return {
        **DEFAULT_STATIC_QUANT_MODULE_MAPPINGS,
        nnqat.EmbeddingBag: nnq.EmbeddingBag,
        nnqat.Embedding: nnq.Embedding,
    }


def get_default_qat_module_mappings() -> Mapping:
    """What `prepare_qat` makes of each layer.

    Source: https://docs.pytorch.org/docs/2.13/quantization.html
    """
    return dict(DEFAULT_QAT_MODULE_MAPPINGS)


def get_embedding_qat_module_mappings() -> Mapping:
    """The same with embeddings.

    Source: https://docs.pytorch.org/docs/2.13/quantization.html
    """
    return {**DEFAULT_QAT_MODULE_MAPPINGS, nn.EmbeddingBag: nnqat.EmbeddingBag, nn.Embedding: nnqat.Embedding}


def get_default_dynamic_quant_module_mappings() -> Mapping:
    """What `quantize_dynamic` makes of each layer.

    Source: https://docs.pytorch.org/docs/2.13/quantization.html
    """
    return DEFAULT_DYNAMIC_QUANT_MODULE_MAPPINGS


def _class_for(kind: Any, mapping: Mapping) -> Any:
    if kind not in mapping:
        raise AssertionError(f"Floating point module class {kind} does not have a corresponding quantized module class")
    return mapping[kind]


def get_static_quant_module_class(
    float_module_class: Callable[..., Any],
    additional_static_quant_mapping: Mapping | None = None,
    is_reference: bool = False,
) -> Any:
    """The quantized class of a float one; AssertionError where there is none.

    Source: https://docs.pytorch.org/docs/2.13/quantization.html
    """
    mapping = {} if is_reference else DEFAULT_STATIC_QUANT_MODULE_MAPPINGS
    return _class_for(float_module_class, get_combined_dict(mapping, additional_static_quant_mapping or {}))


def get_dynamic_quant_module_class(
    float_module_class: Callable[..., Any], additional_dynamic_quant_mapping: Mapping | None = None
) -> Any:
    """The dynamically quantized class of a float one; AssertionError where there is none.

    Source: https://docs.pytorch.org/docs/2.13/quantization.html
    """
    mapping = get_combined_dict(DEFAULT_DYNAMIC_QUANT_MODULE_MAPPINGS, additional_dynamic_quant_mapping or {})
    return _class_for(float_module_class, mapping)


def get_default_qconfig_propagation_list() -> set[Any]:
    """The classes whose results `prepare` has observed.

    Source: https://docs.pytorch.org/docs/2.13/quantization.html
    """
    return {
        *DEFAULT_STATIC_QUANT_MODULE_MAPPINGS,
        *DEFAULT_QAT_MODULE_MAPPINGS,
        *DEFAULT_DYNAMIC_QUANT_MODULE_MAPPINGS,
        nn.Sequential,
    }


def get_default_compare_output_module_list() -> set[Any]:
    """The classes, float and quantized, whose results are worth comparing.

    Source: https://docs.pytorch.org/docs/2.13/quantization.html
    """
    return {
        *get_default_qconfig_propagation_list(),
        *DEFAULT_STATIC_QUANT_MODULE_MAPPINGS.values(),
        *DEFAULT_QAT_MODULE_MAPPINGS.values(),
        *DEFAULT_DYNAMIC_QUANT_MODULE_MAPPINGS.values(),
    }


def get_default_float_to_quantized_operator_mappings() -> Mapping:
    """The quantized operators of float functions.

    Source: https://docs.pytorch.org/docs/2.13/quantization.html
    """
    return dict(DEFAULT_FLOAT_TO_QUANTIZED_OPERATOR_MAPPINGS)


def get_quantized_operator(float_op: Any) -> Callable[..., Any]:
    """The quantized operator of a float function; AssertionError where there is none.

    Source: https://docs.pytorch.org/docs/2.13/quantization.html
    """
    found = DEFAULT_FLOAT_TO_QUANTIZED_OPERATOR_MAPPINGS.get(float_op)
    if found is None:
        raise AssertionError(f"Operator {float_op} does not have corresponding quantized op")
    return found


def known_range(module: Any) -> Any:
    """The fake quantizer of a layer whose range is known, while it trains; None for any other."""
    return DEFAULT_MODULE_TO_ACT_POST_PROCESS.get(type_of(module)) if module.training else None
