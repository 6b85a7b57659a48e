"""The way from a float model to a quantized one: prepare, calibrate or train, convert."""

from __future__ import annotations

import copy
import inspect
import warnings
from collections.abc import Callable
from typing import Any

from rushlight import dtypes
from rushlight.ao._kinds import has_no_children_ignoring_parametrizations, type_of
from rushlight.ao.nn import quantizable
from rushlight.ao.nn import quantized as nnq
from rushlight.ao.nn.intrinsic.modules.fused import _FusedModule
from rushlight.ao.nn.quantized.modules.functional_modules import FloatFunctional, QFunctional
from rushlight.ao.quantization._observers import ObserverBase, is_activation_post_process
from rushlight.ao.quantization.fake_quantize import FakeQuantizeBase
from rushlight.ao.quantization.qconfig import (
    check_qconfig,
    default_dynamic_qconfig,
    float16_dynamic_qconfig,
    float_qparams_weight_only_qconfig,
)
from rushlight.ao.quantization.quantization_mappings import (
    get_default_dynamic_quant_module_mappings,
    get_default_qat_module_mappings,
    get_default_qconfig_propagation_list,
    get_default_static_quant_module_mappings,
    known_range,
    no_observer_set,
)
from rushlight.ao.quantization.stubs import DeQuantStub, QuantWrapper
from rushlight.dtypes import dtype as Dtype
from rushlight.nn import modules as nn
from rushlight.nn.modules.module import Module

__all__ = [
    "ObserverOrFakeQuantize", "add_quant_dequant", "convert", "default_eval_fn", "get_default_custom_config_dict",
    "prepare", "prepare_qat", "propagate_qconfig_", "quantize", "quantize_dynamic", "quantize_qat", "swap_module",
]  # fmt: skip

Mapping = dict[Any, Any]


ObserverOrFakeQuantize = ObserverBase | FakeQuantizeBase


def default_eval_fn(model: Any, calib_data: Any) -> None:
    """Show a model the inputs of pairs of inputs and targets.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.ao.quantization.default_eval_fn.html
    """
    for data, _ in calib_data:
        model(data)


def get_default_custom_config_dict() -> dict[str, Any]:
    """The custom classes that `prepare` and `convert` exchange: LSTM and MultiheadAttention have observed
    forms, and quantized ones.

    Source: https://docs.pytorch.org/docs/2.13/quantization.html
    """
    return {
        "float_to_observed_custom_module_class": {
            nn.LSTM: quantizable.LSTM,
            nn.MultiheadAttention: quantizable.MultiheadAttention,
        },
        "observed_to_quantized_custom_module_class": {
            quantizable.LSTM: nnq.LSTM,
            quantizable.MultiheadAttention: nnq.MultiheadAttention,
        },
    }


def _propagate(module: Any, qconfig_dict: Mapping, parent: Any, prefix: str, custom: dict[str, Any]) -> None:
    # A name goes before a class, a module's own attribute before both.
    qconfig = qconfig_dict.get(type_of(module), parent)
    qconfig = qconfig_dict.get(prefix, qconfig)
    qconfig = getattr(module, "qconfig", qconfig)
    check_qconfig(qconfig, module)
    module.qconfig = qconfig
    for name, child in module.named_children():
        untraced = name in custom.get("non_traceable_module_name", ()) or type(child) in custom.get(
            "non_traceable_module_class", ()
        )
        if not untraced:
            _propagate(child, qconfig_dict, qconfig, f"{prefix}.{name}" if prefix else name, custom)


def propagate_qconfig_(
    module: Module, qconfig_dict: Mapping | None = None, prepare_custom_config_dict: dict[str, Any] | None = None
) -> None:
    """Give every module the attribute `qconfig`: its own, that of its name or class in `qconfig_dict`, or its parent's.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.ao.quantization.propagate_qconfig_.html
    """
    _propagate(module, qconfig_dict or {}, None, "", prepare_custom_config_dict or {})


def _observe_output(module: Any, input: Any, output: Any) -> Any:
    return module.activation_post_process(output)


def _observe_input(module: Any, input: Any) -> Any:
    return module.activation_post_process(input[0])


def _insert_observer(module: Any, special: Callable[..., Any] | None = None) -> None:
    """Attach an observer, to a module with a QConfig, and the hook that shows it the results."""
    qconfig = getattr(module, "qconfig", None)
    if qconfig is None or isinstance(module, DeQuantStub):
        return
    module.add_module("activation_post_process", (special or qconfig.activation)())
    # For dynamic quantization it is the input that gets rounded.
    made = qconfig.activation()
    if getattr(made, "averaging_constant", getattr(_inner(made), "averaging_constant", None)) == 1 and getattr(
        made, "is_dynamic", False
    ):
        module.register_forward_pre_hook(_observe_input, prepend=True)
    else:
        module.register_forward_hook(_observe_output, prepend=True)


def _inner(made: Any) -> Any:
    return getattr(made, "activation_post_process", None)


def _add_observers(module: Any, listed: Any, non_leaf: Any, custom: Mapping) -> None:
    for name, child in module.named_children():
        kind = type_of(child)
        observed = getattr(child, "qconfig", None) is not None
        if kind is nn.Dropout:
            continue
        if issubclass(kind, FloatFunctional | QFunctional):
            if observed:
                child.activation_post_process = child.qconfig.activation()
        elif isinstance(child, _FusedModule) or (non_leaf is not None and kind in non_leaf):
            _insert_observer(child)
        elif known_range(child) is not None:
            _insert_observer(child, known_range(child))
        elif observed and kind in custom:
            made = custom[kind].from_float(child)
            setattr(module, name, made)
            if not isinstance(made, tuple(no_observer_set())):
                _insert_observer(made)
        else:
            _add_observers(child, listed, non_leaf, custom)
    leaf = has_no_children_ignoring_parametrizations(module) or hasattr(module, "weight_fake_quant")
    if leaf and not isinstance(module, nn.Sequential) and type_of(module) in listed:
        _insert_observer(module)


def add_quant_dequant(module: Any) -> Any:
    """Put every leaf that has a QConfig between a QuantStub and a DeQuantStub, in place; the result is the module, or,
    for a leaf, what wraps it.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.ao.quantization.add_quant_dequant.html
    """
    if has_no_children_ignoring_parametrizations(module) and getattr(module, "qconfig", None):
        return QuantWrapper(module)
    for name, child in module.named_children():
        module._modules[name] = add_quant_dequant(child)
    return module


def prepare(
    model: Any,
    inplace: bool = False,
    allow_list: Any = None,
    observer_non_leaf_module_list: Any = None,
    prepare_custom_config_dict: dict[str, Any] | None = None,
) -> Any:
    """A model (a copy, unless `inplace`) in which an observer watches the results of each layer that has a `qconfig`.

    Set `model.qconfig` (a submodule's own `qconfig`, also None, goes before) and call the result with typical inputs;
    `convert` then quantizes. `allow_list` names the classes to observe. Warns where no module has a QConfig.

    >>> import rushlight as torch
    >>> model = torch.ao.quantization.QuantWrapper(torch.nn.Linear(4, 2)).eval()
    >>> model.qconfig = torch.ao.quantization.default_qconfig
    >>> observed = torch.ao.quantization.prepare(model)
    >>> _ = observed(torch.randn(8, 4))
    >>> type(torch.ao.quantization.convert(observed).module).__name__
    'Linear'

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.ao.quantization.prepare.html
    """
    config = get_default_custom_config_dict() if prepare_custom_config_dict is None else prepare_custom_config_dict
    custom = config.get("float_to_observed_custom_module_class", {})
    model = model if inplace else copy.deepcopy(model)
    listed = get_default_qconfig_propagation_list() if allow_list is None else allow_list
    propagate_qconfig_(model)
    if not any(getattr(module, "qconfig", None) for module in model.modules()):
        warnings.warn(
            "None of the submodule got qconfig applied. Make sure you passed correct configuration through "
            "`qconfig_dict` or by assigning the `.qconfig` attribute directly on submodules",
            stacklevel=2,
        )
    _add_observers(model, listed, observer_non_leaf_module_list, custom)
    return model


def _remove_qconfig(module: Any) -> None:
    for child in module.children():
        _remove_qconfig(child)
    if "qconfig" in module.__dict__ or "qconfig" in module._modules:
        del module.qconfig
    if is_activation_post_process(getattr(module, "activation_post_process", None)):
        del module.activation_post_process
    for hooks, ours in ((module._forward_pre_hooks, _observe_input), (module._forward_hooks, _observe_output)):
        for key in [key for key, hook in hooks.items() if hook is ours]:
            hooks.pop(key)


def quantize(
    model: Any, run_fn: Callable[..., Any], run_args: Any, mapping: Mapping | None = None, inplace: bool = False
) -> Any:
    """A quantized model (a copy, unless `inplace`): prepared, shown data by `run_fn(model, *run_args)`, converted.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.ao.quantization.quantize.html
    """
    model = model if inplace else copy.deepcopy(model)
    model.eval()
    prepare(model, inplace=True)
    run_fn(model, *run_args)
    convert(model, mapping, inplace=True)
    return model


def _dynamic_configs(qconfig_spec: Any, dtype: Dtype) -> Mapping:
    configs = {
        dtypes.qint8: default_dynamic_qconfig,
        dtypes.float16: float16_dynamic_qconfig,
        dtypes.quint8: float_qparams_weight_only_qconfig,
    }
    if isinstance(qconfig_spec, dict):
        return qconfig_spec
    if dtype not in configs:
        if qconfig_spec is None:
            raise ValueError(
                f"Don't know how to quantize with default settings for {dtype}. Provide full qconfig please"
            )
        raise RuntimeError("Unknown dtype specified for quantize_dynamic: ", str(dtype))
    if qconfig_spec is None:
        products = (nn.Linear, nn.LSTM, nn.GRU, nn.LSTMCell, nn.RNNCell, nn.GRUCell)
        qconfig_spec = (nn.EmbeddingBag, nn.Embedding) if dtype is dtypes.quint8 else products
    return dict.fromkeys(qconfig_spec, configs[dtype])


def quantize_dynamic(
    model: Any,
    qconfig_spec: Any = None,
    dtype: Dtype = dtypes.qint8,
    mapping: Mapping | None = None,
    inplace: bool = False,
) -> Any:
    """A model (a copy, unless `inplace`) whose layers have weights of int8 and quantize their inputs at every call.

    `dtype` qint8 takes Linear, LSTM, GRU and the cells, float16 the same with rounded weights, quint8 the embeddings.
    `qconfig_spec` is a set of classes and names instead, or a dict of them to QConfigs.

    >>> import rushlight as torch
    >>> model = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 2))
    >>> torch.ao.quantization.quantize_dynamic(model)
    Sequential(
      (0): DynamicQuantizedLinear(in_features=4, out_features=8, dtype=torch.qint8, qscheme=torch.per_tensor_affine)
      (1): ReLU()
      (2): DynamicQuantizedLinear(in_features=8, out_features=2, dtype=torch.qint8, qscheme=torch.per_tensor_affine)
    )

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.ao.quantization.quantize_dynamic.html
    """
    configs = _dynamic_configs(qconfig_spec, dtype)
    model = model if inplace else copy.deepcopy(model)
    model.eval()
    propagate_qconfig_(model, configs)
    convert(model, get_default_dynamic_quant_module_mappings() if mapping is None else mapping, inplace=True)
    return model


def prepare_qat(model: Any, mapping: Mapping | None = None, inplace: bool = False) -> Any:
    """A model (a copy, unless `inplace`) whose weights and results pass fake quantizers, to be trained further.

    Set `model.qconfig` to one for training (`get_default_qat_qconfig`). AssertionError unless in training mode.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.ao.quantization.prepare_qat.html
    """
    if not model.training:
        raise AssertionError("prepare_qat only works on models in training mode")
    mapping = get_default_qat_module_mappings() if mapping is None else mapping
    model = model if inplace else copy.deepcopy(model)
    propagate_qconfig_(model)
    convert(model, mapping=mapping, inplace=True, remove_qconfig=False)
    prepare(model, observer_non_leaf_module_list=set(mapping.values()), inplace=True)
    return model


def quantize_qat(model: Any, run_fn: Callable[..., Any], run_args: Any, inplace: bool = False) -> Any:
    """A quantized model (a copy, unless `inplace`): prepared, trained by `run_fn(model, *run_args)`, converted.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.ao.quantization.quantize_qat.html
    """
    model = model if inplace else copy.deepcopy(model)
    model.train()
    prepare_qat(model, inplace=True)
    run_fn(model, *run_args)
    convert(model, inplace=True)
    return model


def convert(
    module: Any,
    mapping: Mapping | None = None,
    inplace: bool = False,
    remove_qconfig: bool = True,
    is_reference: bool = False,
    convert_custom_config_dict: dict[str, Any] | None = None,
    use_precomputed_fake_quant: bool = False,
) -> Any:
    """A model (a copy, unless `inplace`) in which each layer of `mapping` that has a QConfig is its quantized form.

    Observers go, unless `remove_qconfig` is False. ValueError for `is_reference`: reference layers are not built here.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.ao.quantization.convert.html
    """
    if is_reference:
        raise ValueError("convert: is_reference=True asks for reference layers, which belong to graph mode")
    module = module if inplace else copy.deepcopy(module)
    config = get_default_custom_config_dict() if convert_custom_config_dict is None else convert_custom_config_dict
    custom = config.get("observed_to_quantized_custom_module_class", {})
    if mapping is None:
        mapping = get_default_static_quant_module_mappings()
    _convert(module, mapping, custom, use_precomputed_fake_quant)
    if remove_qconfig:
        _remove_qconfig(module)
    return module


def _convert(module: Any, mapping: Mapping, custom: Mapping, precomputed: bool) -> None:
    for name, child in list(module.named_children()):
        # A fused layer is converted as one, a custom one knows its own parts.
        if not isinstance(child, _FusedModule) and type_of(child) not in custom:
            _convert(child, mapping, custom, precomputed)
        module._modules[name] = swap_module(child, mapping, custom, precomputed)


def swap_module(
    mod: Any, mapping: Mapping, custom_module_class_mapping: Mapping, use_precomputed_fake_quant: bool = False
) -> Any:
    """The quantized form of a module that has a QConfig and is in a mapping; else the module.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.ao.quantization.swap_module.html
    """
    if getattr(mod, "qconfig", None) is None:
        return mod
    kind = type_of(mod)
    if kind in custom_module_class_mapping:
        made = custom_module_class_mapping[kind].from_observed(mod)
    elif kind in mapping:
        make = mapping[kind].from_float
        takes = "use_precomputed_fake_quant" in inspect.signature(make).parameters
        made = make(mod, use_precomputed_fake_quant=use_precomputed_fake_quant) if takes else make(mod)
    else:
        return mod
    for hook in mod._forward_pre_hooks.values():
        made.register_forward_pre_hook(hook)
    for hook in mod._forward_hooks.values():
        if hook is not _observe_output:
            made.register_forward_hook(hook)
    return made
