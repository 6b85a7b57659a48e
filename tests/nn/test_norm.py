"""Normalisation: outputs by NumPy, derivatives of both orders by finite differences, running statistics, errors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import rushlight as torch
import rushlight.nn.functional as F
from rushlight.autograd import gradcheck, gradgradcheck

nn = torch.nn
# name: (layer, input shape, axes of the statistics, the shape in which they are taken, that of scale and shift)
LAYERS: dict[str, tuple[Callable[[], Any], tuple[int, ...], tuple[int, ...], tuple[int, ...], tuple[int, ...]]] = {
    "batch": (lambda: nn.BatchNorm1d(3), (4, 3), (0,), (4, 3), (1, 3)),
    "batch sequence": (lambda: nn.BatchNorm1d(2), (3, 2, 4), (0, 2), (3, 2, 4), (1, 2, 1)),
    "batch image": (lambda: nn.BatchNorm2d(2), (2, 2, 3, 2), (0, 2, 3), (2, 2, 3, 2), (1, 2, 1, 1)),
    "batch volume": (lambda: nn.BatchNorm3d(2), (2, 2, 1, 2, 2), (0, 2, 3, 4), (2, 2, 1, 2, 2), (1, 2, 1, 1, 1)),
    "batch plain": (lambda: nn.BatchNorm2d(2, affine=False), (2, 2, 3, 2), (0, 2, 3), (2, 2, 3, 2), (1, 2, 1, 1)),
    "instance": (lambda: nn.InstanceNorm1d(2, affine=True), (3, 2, 4), (2,), (3, 2, 4), (1, 2, 1)),
    "instance image": (lambda: nn.InstanceNorm2d(2), (2, 2, 3, 2), (2, 3), (2, 2, 3, 2), (1, 2, 1, 1)),
    "layer": (lambda: nn.LayerNorm(4), (3, 4), (1,), (3, 4), (4,)),
    "layer two": (lambda: nn.LayerNorm((2, 3)), (2, 2, 3), (1, 2), (2, 2, 3), (2, 3)),
    "group": (lambda: nn.GroupNorm(2, 4), (2, 4, 3), (2, 3), (2, 2, 2, 3), (1, 4, 1)),
}


def made(name: str) -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    layer = LAYERS[name][0]().double()
    with torch.no_grad():
        for p in layer.parameters():
            p.copy_(torch.tensor(rng.uniform(0.5, 1.5, tuple(p.shape))))
    return layer, torch.tensor(rng.standard_normal(LAYERS[name][1]) * 2 + 1, requires_grad=True)


@pytest.mark.parametrize("name", LAYERS)
def test_outputs(name: str) -> None:
    layer, x = made(name)
    _, shape, axes, view, affine = LAYERS[name]
    array = x.detach().numpy().reshape(view)
    expected = (array - array.mean(axes, keepdims=True)) / np.sqrt(array.var(axes, keepdims=True) + layer.eps)
    expected = expected.reshape(shape)
    if layer.weight is not None:
        expected = expected * layer.weight.detach().numpy().reshape(affine) + layer.bias.detach().numpy().reshape(
            affine
        )
    np.testing.assert_allclose(layer(x).detach().numpy(), expected, rtol=1e-10, atol=1e-12)
    stepped = x.detach().transpose(0, -1).contiguous().transpose(0, -1)
    np.testing.assert_allclose(layer(stepped).detach().numpy(), expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("name", LAYERS)
def test_derivatives(name: str, training: bool) -> None:
    layer, x = made(name)
    layer.train(training)
    names = [n for n, _ in layer.named_parameters()]
    values = [p.detach().clone().requires_grad_() for p in layer.parameters()]

    def function(input: Any, *parameters: Any) -> Any:
        kept = {n: layer._parameters.pop(n) for n in names}
        for n, p in zip(names, parameters, strict=True):
            setattr(layer, n, p)
        try:
            return layer(input)
        finally:
            for n in names:
                delattr(layer, n)
            layer._parameters.update(kept)

    assert gradcheck(function, (x, *values))
    assert gradgradcheck(function, (x, *values))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
@pytest.mark.parametrize("name", LAYERS)
def test_types_are_kept(name: str, dtype: Any) -> None:
    layer, x = made(name)
    expected = layer(x).detach().numpy()
    low = x.detach().to(dtype).requires_grad_()
    out = layer.to(dtype)(low)
    out.sum().backward()
    assert (out.dtype, low.grad.dtype) == (dtype, dtype)
    np.testing.assert_allclose(
        out.detach().double().numpy(),
        expected,
        atol={"torch.float32": 1e-5, "torch.float16": 0.02}.get(str(dtype), 0.15),
    )


def test_running_statistics() -> None:
    layer, x = nn.BatchNorm1d(2), torch.tensor([[1.0, 2.0], [3.0, 6.0]])
    layer(x)
    np.testing.assert_allclose(layer.running_mean.numpy(), [0.2, 0.4], rtol=1e-6)
    np.testing.assert_allclose(layer.running_var.numpy(), [0.9 + 0.1 * 2, 0.9 + 0.1 * 8], rtol=1e-6)
    assert layer.num_batches_tracked.item() == 1
    layer.eval()
    before = layer.running_mean.tolist()
    layer(x)
    assert layer.running_mean.tolist() == before
    assert list(layer.state_dict()) == ["weight", "bias", "running_mean", "running_var", "num_batches_tracked"]


def test_without_momentum_the_statistics_are_the_average() -> None:
    layer = nn.BatchNorm1d(1, momentum=None)
    for value in (1.0, 2.0, 6.0):
        layer(torch.tensor([[value - 1], [value + 1]]))
    assert layer.running_mean.item() == pytest.approx(3.0)
    assert layer.num_batches_tracked.item() == 3


def test_unbatched_instance_norm() -> None:
    layer, x = nn.InstanceNorm2d(3), torch.randn(3, 4, 5)
    np.testing.assert_allclose(layer(x).numpy(), layer(x.unsqueeze(0)).squeeze(0).numpy())


ERRORS: dict[str, tuple[Callable[[], Any], type[Exception], str]] = {
    "one value": (
        lambda: nn.BatchNorm1d(3)(torch.zeros(1, 3)),
        ValueError,
        "more than 1 value per channel when training",
    ),
    "rank": (lambda: nn.BatchNorm2d(3)(torch.zeros(2, 3)), ValueError, r"expected 4D input \(got 2D input\)"),
    "channels": (
        lambda: nn.BatchNorm2d(3)(torch.zeros(2, 4, 2, 2)),
        RuntimeError,
        "running_mean should contain 4 elements not 3",
    ),
    "no statistics": (
        lambda: F.batch_norm(torch.zeros(2, 3), None, None),
        RuntimeError,
        "running_mean must be defined",
    ),
    "instance rank": (lambda: nn.InstanceNorm1d(3)(torch.zeros(3)), ValueError, "expected 2D or 3D input"),
    "instance channels": (
        lambda: nn.InstanceNorm1d(3, affine=True)(torch.zeros(2, 4, 5)),
        ValueError,
        "to match num_features",
    ),
    "instance single": (lambda: nn.InstanceNorm1d(3)(torch.zeros(2, 3, 1)), ValueError, "more than 1 spatial element"),
    "layer shape": (lambda: nn.LayerNorm(3)(torch.zeros(2, 4)), RuntimeError, r"normalized_shape=\[3\]"),
    "groups": (lambda: nn.GroupNorm(2, 5), ValueError, "divisible by num_groups"),
    "group channels": (lambda: nn.GroupNorm(2, 4)(torch.zeros(2, 5)), RuntimeError, "divisible by num_groups"),
    "integers": (lambda: nn.LayerNorm(4)(torch.zeros(2, 4, dtype=torch.long)), RuntimeError, "not implemented for"),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name: str) -> None:
    call, error, message = ERRORS[name]
    with pytest.raises(error, match=message):
        call()


def test_printed() -> None:
    assert repr(nn.LayerNorm(4)) == "LayerNorm((4,), eps=1e-05, elementwise_affine=True, bias=True)"
    assert repr(nn.GroupNorm(2, 4)) == "GroupNorm(2, 4, eps=1e-05, affine=True, bias=True)"
