"""Lazy, converted and loaded normalisation, and what its functions print, against PyTorch."""

from __future__ import annotations

import copy
import pickle
import warnings
from collections.abc import Callable
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from tests.parity.programs import attempt, same_lines  # noqa: E402

PROGRAMS: dict[str, Callable[[Any], None]] = {}


def program(function: Callable[[Any], None]) -> Callable[[Any], None]:
    PROGRAMS[function.__name__] = function
    return function


def lazies(nn: Any) -> list[Any]:
    return [
        nn.LazyBatchNorm1d(), nn.LazyBatchNorm2d(affine=False), nn.LazyBatchNorm3d(bias=False, momentum=None),
        nn.LazyInstanceNorm1d(1e-3), nn.LazyInstanceNorm2d(track_running_stats=False),
        nn.LazyInstanceNorm3d(affine=False, track_running_stats=False),
    ]  # fmt: skip


@program
def lazy_layers(t: Any) -> None:
    shapes = [(2, 3), (2, 3, 4, 4), (2, 3, 2, 2, 2), (2, 3, 4), (2, 3, 4, 4), (2, 3, 2, 2, 2)]
    for layer, shape in zip(lazies(t.nn), shapes, strict=True):
        print(layer, layer.num_features, layer.has_uninitialized_params(), layer.state_dict())
        layer(t.ones(shape) + t.arange(3.0).reshape(1, 3, *[1] * (len(shape) - 2)))
        print(type(layer).__name__, layer, layer.num_features)
        for name, value in layer.state_dict().items():
            print(name, type(value).__name__, value.tolist())


@program
def lazy_layers_in_another_dtype(t: Any) -> None:
    layer = t.nn.LazyBatchNorm1d().double()
    print(layer.weight, layer.running_mean, layer.running_mean.dtype, layer.num_batches_tracked.dtype)
    layer(t.zeros(2, 3).double())
    print(layer.running_mean.dtype, layer.weight.dtype)
    buffer = t.nn.UninitializedBuffer()
    print(type(buffer.half()).__name__, buffer.half().dtype, type(buffer.to(t.float64)).__name__)


@program
def lazy_layers_loaded(t: Any) -> None:
    source = t.nn.BatchNorm1d(3)
    source.running_mean.fill_(2)
    layer = t.nn.LazyBatchNorm1d()
    print(layer.load_state_dict(source.state_dict()), layer.num_features, layer, layer.running_mean)
    layer(t.zeros(2, 3))
    print(layer, layer.running_mean, layer.num_batches_tracked)
    other = t.nn.LazyBatchNorm1d()
    print(other.load_state_dict(t.nn.LazyBatchNorm1d().state_dict()), other.weight)
    attempt(lambda: t.nn.BatchNorm1d(3).load_state_dict(t.nn.LazyBatchNorm1d().state_dict()))


@program
def lazy_layers_that_meet_a_wrong_input(t: Any) -> None:
    layer = t.nn.LazyBatchNorm2d()
    try:
        layer(t.ones(2, 3))
    except ValueError as error:
        print(error)
    print(layer, type(layer).__name__)
    print(t.nn.LazyInstanceNorm2d()(t.ones(3, 3, 2)).shape)


@program
def lazy_layers_in_a_network(t: Any) -> None:
    nn = t.nn
    net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.LazyBatchNorm2d(), nn.ReLU())
    print(net(t.zeros(2, 1, 5, 5)).shape, net)
    print(nn.LazyBatchNorm1d.cls_to_become.__name__, nn.LazyInstanceNorm3d.cls_to_become.__name__)
    print(issubclass(nn.LazyBatchNorm2d, nn.modules.batchnorm._BatchNorm), issubclass(nn.SyncBatchNorm, nn.BatchNorm2d))


@program
def converted(t: Any) -> None:
    nn = t.nn
    net = nn.Sequential(nn.BatchNorm1d(3), nn.Sequential(nn.BatchNorm2d(2, affine=False).eval()), nn.InstanceNorm1d(3))
    weight, mean = net[0].weight, net[1][0].running_mean
    made = nn.SyncBatchNorm.convert_sync_batchnorm(net, "group")
    print(made, made is net, made[0].weight is weight, made[1][0].running_mean is mean, made[1][0].training)
    print(made[0].process_group, type(made[2]).__name__)
    single = nn.SyncBatchNorm.convert_sync_batchnorm(nn.BatchNorm1d(2, momentum=None, bias=False))
    print(single, single.bias, single(t.eye(2)).shape, single.num_batches_tracked)
    untouched = nn.Linear(2, 2)
    print(nn.SyncBatchNorm.convert_sync_batchnorm(untouched) is untouched)


@program
def old_statistics_of_instance_norm(t: Any) -> None:
    state = t.nn.InstanceNorm1d(2, affine=True, track_running_stats=True).state_dict()
    del state._metadata
    attempt(lambda: t.nn.InstanceNorm1d(2, affine=True).load_state_dict(state))
    state = t.nn.BatchNorm1d(2).state_dict()
    del state["num_batches_tracked"], state._metadata
    layer = t.nn.BatchNorm1d(2)
    layer.num_batches_tracked.fill_(5)
    layer.load_state_dict(state)
    print(layer.num_batches_tracked)


@program
def names_in_the_graph(t: Any) -> None:
    x = t.ones(2, 4, 3, requires_grad=True)
    nn = t.nn
    for layer in (nn.RMSNorm(3), nn.RMSNorm(3, elementwise_affine=False), nn.LocalResponseNorm(2), nn.LayerNorm(3)):
        print(type(layer(x).grad_fn).__name__)
    print(type(nn.RMSNorm(3).half()(x.half()).grad_fn).__name__)
    print(type(nn.CrossMapLRN2d(2)(x.unsqueeze(-1)).grad_fn).__name__)
    for out in t.native_layer_norm(x, [3], None, None, 1e-5):
        print(type(out.grad_fn).__name__, out.requires_grad)
    for out in t.native_batch_norm(x, None, None, None, None, True, 0.1, 1e-5):
        print(type(out.grad_fn).__name__, out.shape)


@program
def kept_as_made(t: Any) -> None:
    nn = t.nn
    for layer in (
        nn.RMSNorm((2, 3), 1e-3),
        nn.LocalResponseNorm(3, 1.0, 0.5, 2.0),
        nn.CrossMapLRN2d(2),
        nn.SyncBatchNorm(3),
    ):
        for twin in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
            print(twin, list(twin.state_dict()), type(twin).__name__)
    print(copy.deepcopy(nn.LazyInstanceNorm1d(affine=False, track_running_stats=False)))


@program
def rms_norm_of_other_dtypes(t: Any) -> None:
    F = t.nn.functional
    x = t.arange(6.0).reshape(2, 3)
    print(F.rms_norm(x.half(), (3,)).dtype, F.rms_norm(x.double(), (3,)).dtype)
    print(F.rms_norm(t.complex(x, -x), (3,)).real)
    print(F.rms_norm(t.zeros(0, 3), (3,)).shape, F.rms_norm(t.zeros(2, 0), (0,)).shape)


@pytest.mark.parametrize("name", PROGRAMS)
def test_program(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        same_lines(PROGRAMS[name])
