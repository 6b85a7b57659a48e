"""The names inside torch.nn, torch.optim and torch.utils.data that other libraries import, though PyTorch hides them."""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import rushlight as torch
import rushlight.nn.functional as F
from rushlight.nn import _reduction, common_types
from rushlight.nn.modules.utils import _list_with_default
from rushlight.nn.parallel._functions import Broadcast, Gather, ReduceAddCoalesced, Scatter, _get_stream
from rushlight.nn.parallel.distributed import _find_tensors
from rushlight.nn.parallel.scatter_gather import _is_namedtuple
from rushlight.optim import _functional, optimizer
from rushlight.utils.data import DataLoader, dataloader

NAMES = {
    "nn.common_types": "_scalar_or_tuple_2_t _tensor_list_t _size_any_t _size_1_t _size_2_t _size_3_t _size_4_t _size_5_t _size_6_t _size_any_opt_t "
    "_size_2_opt_t _size_3_opt_t _ratio_2_t _ratio_3_t _ratio_any_t _maybe_indices_t",
    "nn._reduction": "get_enum legacy_get_enum legacy_get_string",
    "nn.functional": "_Reduction _canonical_mask _get_softmax_dim _in_projection _in_projection_packed "
    "_list_with_default _mha_shape_check _none_or_dtype _pair _single _triple _verify_batch_size",
    "nn.init": "_calculate_correct_fan _calculate_fan_in_and_fan_out _no_grad_fill_ _no_grad_normal_ "
    "_no_grad_trunc_normal_ _no_grad_uniform_ _no_grad_zero_",
    "nn.modules.activation": "MultiheadAttention",
    "nn.modules.batchnorm": "_BatchNorm _NormBase",
    "nn.modules.conv": "_size_1_t _size_2_t _size_3_t _ConvNd _ConvTransposeNd _pair _reverse_repeat_tuple _single _triple",
    "nn.modules.dropout": "_DropoutNd",
    "nn.modules.instancenorm": "_InstanceNorm",
    "nn.modules.linear": "NonDynamicallyQuantizableLinear",
    "nn.modules.loss": "_Loss _WeightedLoss",
    "nn.modules.module": "_EXTRA_STATE_KEY_SUFFIX _grad_t _IncompatibleKeys _WrappedHook _addindent",
    "nn.modules.normalization": "_shape_t",
    "nn.modules.padding": "_ConstantPadNd _ReflectionPadNd _ReplicationPadNd _ntuple _pair _quadruple",
    "nn.modules.pooling": "_AdaptiveAvgPoolNd _AdaptiveMaxPoolNd _AvgPoolNd _LPPoolNd _MaxPoolNd _MaxUnpoolNd _pair "
    "_single _triple",
    "nn.modules.transformer": "_get_activation_fn _get_clones _get_seq_len _detect_is_causal_mask",
    "nn.modules.utils": "_list_with_default _ntuple _pair _quadruple _reverse_repeat_tuple _single _triple",
    "nn.parallel._functions": "Broadcast Gather ReduceAddCoalesced Scatter _get_stream",
    "nn.parallel.distributed": "_find_tensors",
    "nn.parallel.scatter_gather": "_is_namedtuple",
    "nn.utils.clip_grad": "_tensor_or_tensors",
    "nn.parameter": "UninitializedTensorMixin is_lazy",
    "optim._functional": "adadelta adagrad adam adamax adamw asgd nadam radam rmsprop rprop sgd",
    "optim.lr_scheduler": "EPOCH_DEPRECATION_WARNING _LRScheduler",
    "optim.optimizer": "ParamsT _RequiredParameter _capturable_doc _default_to_fused_or_foreach "
    "_device_dtype_check_for_fused _differentiable_doc _disable_dynamo_if_unsupported _foreach_doc _fused_doc "
    "_get_capturable_supported_devices _get_scalar_dtype _get_value _maximize_doc _params_doc _stack_if_compiling "
    "_to_scalar _use_grad_for_differentiable _view_as_real required",
    "utils.data.dataloader": "_BaseDataLoaderIter _DatasetKind _InfiniteConstantSampler "
    "_MultiProcessingDataLoaderIter _SingleProcessDataLoaderIter _collate_fn_t _get_distributed_settings "
    "_worker_init_fn_t default_collate",
}


@pytest.mark.parametrize("place", NAMES)
def test_names_are_there(place: str) -> None:
    module = importlib.import_module(f"rushlight.{place}")
    assert [name for name in NAMES[place].split() if not hasattr(module, name)] == []


def test_reductions() -> None:
    assert [F._Reduction.get_enum(word) for word in ("none", "mean", "sum")] == [0, 1, 2]
    with pytest.raises(ValueError, match="average is not a valid value for reduction"):
        _reduction.get_enum("average")
    with pytest.warns(UserWarning, match="please use reduction='sum'") as caught:
        assert _reduction.legacy_get_string(False, None) == "sum"
    assert caught[0].filename == __file__
    assert _reduction.legacy_get_enum(None, False, emit_warning=False) == 0
    assert _reduction.legacy_get_enum(None, None, emit_warning=False) == 1


def test_sizes_for_each_dimension() -> None:
    assert (F._single(3), F._pair(3), F._triple((1, 2, 3))) == ((3,), (3, 3), (1, 2, 3))
    assert _list_with_default([None, 4], [2, 5, 6]) == [5, 4]
    assert _list_with_default(3, [1]) == 3
    with pytest.raises(ValueError, match="Input dimension should be at least 3"):
        _list_with_default([1, 2], [5, 6])
    assert common_types._size_2_t == int | tuple[int, int]


def test_projections_are_those_of_attention() -> None:
    torch.manual_seed(0)
    x, y = torch.randn(3, 2, 4), torch.randn(5, 2, 4)
    weight, bias = torch.randn(12, 4), torch.randn(12)
    expected = [F.linear(t, weight[i : i + 4], bias[i : i + 4]).numpy() for i, t in ((0, x), (4, y), (8, y))]
    for got, want in zip(F._in_projection_packed(x, y, y, weight, bias), expected, strict=True):
        np.testing.assert_allclose(got.numpy(), want, rtol=1e-5)
    for got, want in zip(F._in_projection(x, y, y, *weight.chunk(3), *bias.chunk(3)), expected, strict=True):
        np.testing.assert_allclose(got.numpy(), want, rtol=1e-5)
    same = F._in_projection_packed(x, x, x, weight)
    np.testing.assert_allclose(same[2].numpy(), F.linear(x, weight[8:]).numpy(), rtol=1e-5)
    with pytest.raises(AssertionError, match=r"expecting w_k weights shape of \(4, 4\)"):
        F._in_projection(x, y, y, weight[:4], weight, weight[:4])
    with pytest.raises(AssertionError, match=r"expecting b_q bias shape of \(4,\)"):
        F._in_projection(x, y, y, weight[:4], weight[:4], weight[:4], bias)
    mask = F._canonical_mask(torch.tensor([True, False]), "mask", None, "", torch.float32, check_other=False)
    assert mask.tolist() == [-math.inf, 0.0]  # type: ignore[union-attr]
    F._verify_batch_size([1, 3, 2])
    with pytest.raises(ValueError, match="Expected more than 1 value per channel"):
        F._verify_batch_size([1, 3, 1])


def test_what_moves_between_gpus_says_that_there_are_none() -> None:
    x = torch.ones(2)
    calls: tuple[tuple[Callable[[], Any], type[Exception], str], ...] = (
        (lambda: Broadcast.apply([0], x), AssertionError, "Broadcast function not implemented for CPU tensors"),
        (lambda: Gather.apply(0, 0, x), AssertionError, "Gather function not implemented for CPU tensors"),
        (lambda: Scatter.apply([0], None, 0, x), RuntimeError, "there are no GPUs to scatter to"),
        (lambda: ReduceAddCoalesced.apply(0, 1, x), RuntimeError, "there are no GPUs to add up from"),
    )
    for call, error, match in calls:
        with pytest.raises(error, match=match):
            call()
    assert _get_stream(torch.device("cpu")) is None  # type: ignore[func-returns-value]
    assert len(list(_find_tensors({"a": [x, (x, 3)], "b": "text"}))) == 2
    assert (_is_namedtuple(x.max(0)), _is_namedtuple((1, 2))) == (False, False)


def test_tools_of_derived_optimizers() -> None:
    o = optimizer
    x, z = torch.ones(1), torch.ones(2, dtype=torch.complex64)
    assert (o._get_value(x), o._get_value(3), o._to_scalar(x).shape, o._to_scalar(2.0)) == (1.0, 3, (), 2.0)
    assert o._get_scalar_dtype() is torch.float32
    params, grads = [z, x], [z * 2, x]
    o._view_as_real(params, grads)
    assert [tuple(t.shape) for t in (*params, *grads)] == [(2, 2), (1,), (2, 2), (1,)]
    assert o._default_to_fused_or_foreach([x], False) == (False, False)
    assert o._default_to_fused_or_foreach([x], False, use_fused=True) == (True, False)
    assert o._default_to_fused_or_foreach([x], True, use_fused=True) == (False, False)
    assert o._disable_dynamo_if_unsupported(None)(len) is len
    assert o._stack_if_compiling(params) is params
    assert o._get_capturable_supported_devices(supports_xla=False) == ["cuda", "xpu", "hpu", "privateuseone"]
    with pytest.raises(RuntimeError, match=r"floating point Tensors of supported devices: \['mps', 'xpu'"):
        o._device_dtype_check_for_fused(torch.ones(1, dtype=torch.int64), cuda_unsupported=True)
    with torch.no_grad():
        _functional.sgd([x], [torch.ones(1)], [None], lr=0.5, weight_decay=0, momentum=0, dampening=0, nesterov=False,
                        maximize=False)  # fmt: skip
    assert x.item() == 0.5


def test_iterators_by_their_names() -> None:
    numbers: Any = [1, 2]
    assert isinstance(iter(DataLoader(numbers)), dataloader._SingleProcessDataLoaderIter)
    assert issubclass(dataloader._MultiProcessingDataLoaderIter, dataloader._BaseDataLoaderIter)
    assert dataloader._get_distributed_settings() == (1, 0)


def test_a_function_among_layers_is_named() -> None:
    with pytest.raises(TypeError, match=r"nn\.functional\.activation\.relu is not a Module subclass"):
        torch.nn.Sequential(torch.nn.Linear(2, 2), F.relu)  # type: ignore[call-overload]
