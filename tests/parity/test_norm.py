"""Normalisation against PyTorch: outputs, gradients, statistics, types, states, errors; one entry a layer."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import rushlight  # noqa: E402
from tests.parity.programs import attempt, same_lines  # noqa: E402

# name: (class, arguments, options, input shape)
LAYERS: dict[str, tuple[str, tuple[Any, ...], dict[str, Any], tuple[int, ...]]] = {
    "batch 1d": ("BatchNorm1d", (3,), {}, (4, 3)),
    "batch 1d sequence": ("BatchNorm1d", (3,), {"momentum": 0.3, "eps": 1e-2}, (4, 3, 5)),
    "batch 2d": ("BatchNorm2d", (3,), {}, (2, 3, 4, 5)),
    "batch 2d one sample": ("BatchNorm2d", (3,), {}, (1, 3, 4, 5)),
    "batch 3d": ("BatchNorm3d", (2,), {}, (2, 2, 2, 3, 2)),
    "batch average": ("BatchNorm2d", (3,), {"momentum": None}, (2, 3, 4, 5)),
    "batch plain": ("BatchNorm2d", (3,), {"affine": False}, (2, 3, 4, 5)),
    "batch no statistics": ("BatchNorm2d", (3,), {"track_running_stats": False}, (2, 3, 4, 5)),
    "batch no bias": ("BatchNorm1d", (3,), {"bias": False}, (4, 3)),
    "instance 1d": ("InstanceNorm1d", (3,), {}, (2, 3, 5)),
    "instance 1d unbatched": ("InstanceNorm1d", (3,), {"affine": True}, (3, 5)),
    "instance 2d": ("InstanceNorm2d", (3,), {"affine": True}, (2, 3, 4, 5)),
    "instance 2d unbatched": ("InstanceNorm2d", (3,), {}, (3, 4, 5)),
    "instance 3d": ("InstanceNorm3d", (2,), {"eps": 1e-2}, (2, 2, 2, 3, 2)),
    "instance tracked": ("InstanceNorm2d", (3,), {"track_running_stats": True, "affine": True}, (2, 3, 4, 5)),
    "instance average": ("InstanceNorm2d", (3,), {"track_running_stats": True, "momentum": None}, (2, 3, 4, 5)),
    "layer": ("LayerNorm", (4,), {}, (2, 3, 4)),
    "layer two": ("LayerNorm", ([3, 4],), {"eps": 1e-3}, (2, 3, 4)),
    "layer plain": ("LayerNorm", ((4,),), {"elementwise_affine": False}, (2, 3, 4)),
    "layer no bias": ("LayerNorm", (4,), {"bias": False}, (5, 4)),
    "layer one dimension": ("LayerNorm", (4,), {}, (4,)),
    "layer empty": ("LayerNorm", (4,), {}, (0, 4)),
    "group": ("GroupNorm", (2, 6), {}, (3, 6, 4)),
    "group matrix": ("GroupNorm", (3, 6), {"eps": 1e-2}, (3, 6)),
    "group image": ("GroupNorm", (1, 4), {}, (2, 4, 3, 2)),
    "group each": ("GroupNorm", (4, 4), {"affine": False}, (2, 4, 3, 2)),
    "group no bias": ("GroupNorm", (2, 4), {"bias": False}, (2, 4, 3, 2)),
}


def made(library: Any, name: str, dtype: str = "float64") -> Any:
    kind, arguments, options, _ = LAYERS[name]
    layer = getattr(library.nn, kind)(*arguments, **options, dtype=getattr(library, dtype))
    rng = np.random.default_rng(1)
    with library.no_grad():
        for p in layer.parameters():
            p.copy_(library.tensor(rng.uniform(0.5, 1.5, tuple(p.shape))))
    return layer


def inputs(library: Any, name: str, step: int, dtype: str, stepped: bool = False) -> Any:
    array = np.random.default_rng(10 + step).standard_normal(LAYERS[name][3]) * 2 + 1
    tensor = library.tensor(array).to(getattr(library, dtype))
    if stepped:
        tensor = tensor.transpose(0, -1).contiguous().transpose(0, -1)
    return tensor.requires_grad_()


def gradients(library: Any, layer: Any, x: Any) -> list[Any]:
    """The output and the gradients of first and second order."""
    out = layer(x)
    leaves = [x, *layer.parameters()]
    weights = 1 + 0.1 * library.arange(out.numel()).reshape(tuple(out.shape)).to(out.dtype)
    first = library.autograd.grad((out * out * weights).sum(), leaves, create_graph=True)
    total = sum((g * g * (1 + library.arange(g.numel()).reshape(tuple(g.shape)))).sum() for g in first)
    return [out, *first, *library.autograd.grad(total, leaves, allow_unused=True)]


def agree(ours: list[Any], theirs: list[Any], tolerance: float) -> None:
    for a, b in zip(ours, theirs, strict=True):
        if a is None or b is None:
            rest = a if b is None else b
            assert rest is None or not rest.detach().double().numpy().any()
            continue
        assert (str(a.dtype), tuple(a.shape)) == (str(b.dtype), tuple(b.shape))
        theirs_array = b.detach().double().numpy()
        scale = max(1.0, float(np.abs(theirs_array).max(initial=0)))
        np.testing.assert_allclose(
            a.detach().double().numpy() / scale, theirs_array / scale, rtol=tolerance, atol=tolerance
        )


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("name", LAYERS)
def test_outputs_and_gradients(name: str, training: bool) -> None:
    for dtype, stepped, tolerance in (("float64", False, 1e-9), ("float64", True, 1e-9), ("float32", False, 3e-4)):
        both = []
        for library in (rushlight, torch):
            layer = made(library, name, dtype)
            layer(inputs(library, name, 5, dtype))
            layer.train(training)
            both.append(gradients(library, layer, inputs(library, name, 0, dtype, stepped)))
        agree(*both, tolerance=tolerance)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("name", LAYERS)
def test_half_precision(name: str, dtype: str) -> None:
    for parameters in (dtype, "float32"):
        if parameters == "float32" and LAYERS[name][0].startswith("Instance"):
            continue
        both = []
        for library in (rushlight, torch):
            layer, x = made(library, name, parameters), inputs(library, name, 0, dtype)
            out = layer(x)
            both.append([out, *library.autograd.grad((out * out).sum(), [x, *layer.parameters()]), *layer.buffers()])
        agree(*both, tolerance=0.01 if dtype == "float16" else 0.06)


@pytest.mark.parametrize("name", LAYERS)
def test_state_after_steps(name: str) -> None:
    states = []
    for library in (rushlight, torch):
        layer = made(library, name)
        for step in range(4):
            layer(inputs(library, name, step, "float64"))
        layer.eval()
        out = layer(inputs(library, name, 9, "float64"))
        state = {k: (str(v.dtype), tuple(v.shape)) for k, v in layer.state_dict().items()}
        states.append((repr(layer), state, [out, *layer.state_dict().values()]))
    assert states[0][:2] == states[1][:2]
    agree(states[0][2], states[1][2], 1e-10)


@pytest.mark.parametrize("name", LAYERS)
def test_names_and_reset(name: str) -> None:
    found = []
    for library in (rushlight, torch):
        layer = made(library, name)
        out = layer(inputs(library, name, 0, "float64"))
        layer.reset_parameters()
        found.append([{k: v.tolist() for k, v in layer.state_dict().items()}, layer.__constants__, out.requires_grad])
    assert found[0] == found[1]


PROGRAMS: dict[str, Callable[[Any], None]] = {}


def program(function: Callable[[Any], None]) -> Callable[[Any], None]:
    PROGRAMS[function.__name__] = function
    return function


@program
def wrong_shapes(t: Any) -> None:
    nn = t.nn
    attempt(lambda: nn.BatchNorm1d(3)(t.zeros(3)))
    attempt(lambda: nn.BatchNorm1d(3)(t.zeros(1, 3)))
    attempt(lambda: nn.BatchNorm2d(3)(t.zeros(2, 3, 4)))
    attempt(lambda: nn.BatchNorm3d(3)(t.zeros(2, 3, 4)))
    attempt(lambda: nn.BatchNorm2d(3)(t.zeros(2, 4, 2, 2)))
    attempt(lambda: nn.BatchNorm2d(3).eval()(t.zeros(2, 4, 2, 2)))
    attempt(lambda: nn.InstanceNorm1d(3)(t.zeros(3)))
    attempt(lambda: nn.InstanceNorm2d(3)(t.zeros(2, 3, 1, 1)))
    attempt(lambda: nn.InstanceNorm2d(3, affine=True)(t.zeros(2, 4, 2, 2)))
    attempt(lambda: nn.InstanceNorm2d(3)(t.zeros(2, 4, 2, 2)))
    attempt(lambda: nn.LayerNorm(3)(t.zeros(2, 4)))
    attempt(lambda: nn.LayerNorm([3, 4])(t.zeros(4)))
    attempt(lambda: nn.GroupNorm(2, 4)(t.zeros(2, 6)))
    attempt(lambda: nn.GroupNorm(2, 5))
    attempt(lambda: nn.GroupNorm(2, 4)(t.zeros(4)))
    F = t.nn.functional
    attempt(lambda: F.batch_norm(t.zeros(2, 3), None, None))
    attempt(lambda: F.batch_norm(t.zeros(2, 3), t.zeros(2), t.ones(3)))
    attempt(lambda: F.batch_norm(t.zeros(2, 3), t.zeros(3), t.ones(3), weight=t.ones(2)))
    attempt(lambda: F.layer_norm(t.zeros(2, 3), (3,), t.ones(2)))
    attempt(lambda: F.layer_norm(t.zeros(2, 3), (3,), None, t.ones(2)))
    attempt(lambda: F.group_norm(t.zeros(2, 3), 2))
    attempt(lambda: F.group_norm(t.zeros(2, 4), 2, t.ones(3)))


@program
def functional(t: Any) -> None:
    F = t.nn.functional
    x = t.arange(24.0).reshape(2, 3, 4)
    mean, var = t.zeros(3), t.ones(3)
    print(F.batch_norm(x, mean, var, training=True, momentum=0.5), mean, var)
    print(F.batch_norm(x, mean, var))
    print(F.batch_norm(x, None, None, training=True).sum().abs() < 1e-4)
    print(F.instance_norm(x, mean, var, use_input_stats=False), F.instance_norm(x, mean, var, momentum=0.2), mean, var)
    print(F.layer_norm(x, (4,), eps=0.5), F.layer_norm(x, [3, 4]).shape)
    print(F.group_norm(x, 3, t.ones(3), t.zeros(3)))


@program
def old_checkpoint(t: Any) -> None:
    layer = t.nn.BatchNorm1d(2)
    state = layer.state_dict()
    del state["num_batches_tracked"]
    state._metadata[""]["version"] = 1
    print(layer.load_state_dict(state), layer.num_batches_tracked)
    state = t.nn.BatchNorm1d(2).state_dict()
    del state["num_batches_tracked"]
    attempt(lambda: layer.load_state_dict(state))
    print(t.nn.BatchNorm1d(2).half().running_mean.dtype, t.nn.BatchNorm1d(2).half().num_batches_tracked.dtype)


@program
def printed(t: Any) -> None:
    print(
        t.nn.BatchNorm2d(3, momentum=None, affine=False),
        t.nn.LayerNorm((2, 3)),
        t.nn.GroupNorm(1, 2),
        t.nn.InstanceNorm1d(4),
    )
    x = t.ones(2, 3, 4, requires_grad=True)
    for layer in (t.nn.BatchNorm1d(3), t.nn.LayerNorm(4), t.nn.GroupNorm(1, 3), t.nn.BatchNorm1d(3).eval()):
        print(type(layer(x).grad_fn).__name__)


@program
def statistics_are_not_recorded(t: Any) -> None:
    layer = t.nn.BatchNorm1d(2)
    x = t.randn(4, 2, requires_grad=True)
    out = layer(x)
    print(layer.running_mean.requires_grad, layer.running_mean.grad_fn, layer.running_mean._version > 0)
    layer(x)
    out.sum().backward()
    layer.eval()
    out = layer(x)
    layer.train()
    layer(x)
    try:
        out.sum().backward()
        print("fine")
    except RuntimeError as error:
        print(str(error)[:70])


@pytest.mark.parametrize("name", PROGRAMS)
def test_program(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        same_lines(PROGRAMS[name])
