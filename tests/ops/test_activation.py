"""Activation functions: known values, stability, gradients of both orders, layers' text and errors."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import rushlight as torch
from rushlight import nn
from rushlight.autograd.gradcheck import gradcheck, gradgradcheck
from rushlight.nn import functional as F

VALUES: dict[str, tuple[Any, list[float]]] = {
    "relu": (F.relu, [0.0, 0.0, 2.0]),
    "relu6": (lambda x: F.relu6(x * 5), [0.0, 0.0, 6.0]),
    "leaky_relu": (lambda x: F.leaky_relu(x, 0.1), [-0.1, 0.0, 2.0]),
    "elu": (F.elu, [math.expm1(-1), 0.0, 2.0]),
    "celu": (lambda x: F.celu(x, 2.0), [2 * math.expm1(-0.5), 0.0, 2.0]),
    "silu": (F.silu, [-1 / (1 + math.e), 0.0, 2 / (1 + math.exp(-2))]),
    "gelu": (F.gelu, [-0.5 * (1 - math.erf(math.sqrt(0.5))), 0.0, 1 + math.erf(math.sqrt(2))]),
    "softplus": (F.softplus, [math.log1p(math.exp(-1)), math.log(2), math.log1p(math.exp(2))]),
    "softsign": (F.softsign, [-0.5, 0.0, 2 / 3]),
    "hardtanh": (F.hardtanh, [-1.0, 0.0, 1.0]),
    "hardswish": (F.hardswish, [-1 / 3, 0.0, 5 / 3]),
    "hardsigmoid": (F.hardsigmoid, [1 / 3, 0.5, 5 / 6]),
    "hardshrink": (F.hardshrink, [-1.0, 0.0, 2.0]),
    "softshrink": (F.softshrink, [-0.5, 0.0, 1.5]),
    "tanhshrink": (F.tanhshrink, [-1 + math.tanh(1), 0.0, 2 - math.tanh(2)]),
    "threshold": (lambda x: F.threshold(x, 0.5, 7.0), [7.0, 7.0, 2.0]),
    "logsigmoid": (F.logsigmoid, [-math.log1p(math.e), -math.log(2), -math.log1p(math.exp(-2))]),
    "mish": (F.mish, [-math.tanh(math.log1p(math.exp(-1))), 0.0, 2 * math.tanh(math.log1p(math.exp(2)))]),
}


@pytest.mark.parametrize("name", VALUES)
def test_values(name: str) -> None:
    function, expected = VALUES[name]
    np.testing.assert_allclose(
        function(torch.tensor([-1.0, 0.0, 2.0], dtype=torch.float64)).numpy(), expected, atol=1e-15
    )


GRADIENTS = {
    **{name: entry[0] for name, entry in VALUES.items()},
    "gelu tanh": lambda x: F.gelu(x, approximate="tanh"),
    "selu": F.selu,
    "softmax": lambda x: F.softmax(x, 0),
    "softmax last": lambda x: F.softmax(x.reshape(2, 2), 1),
    "log_softmax": lambda x: F.log_softmax(x, 0),
    "log_softmax first": lambda x: F.log_softmax(x.reshape(2, 2), 0),
    "softmin": lambda x: F.softmin(x, 0),
    "glu": lambda x: F.glu(x, 0),
    "prelu": lambda x: F.prelu(x, (x * x).sum().reshape(1)),
    "relu in place": lambda x: F.relu(x * 2, inplace=True),
    "elu in place": lambda x: F.elu(x * 2, inplace=True),
    "silu in place": lambda x: F.silu(x * 2, inplace=True),
}


@pytest.mark.parametrize("name", GRADIENTS)
def test_gradients(name: str) -> None:
    x = torch.tensor([-0.83, 0.27, 1.6, -2.2], dtype=torch.float64, requires_grad=True)
    assert gradcheck(GRADIENTS[name], (x,))
    assert gradgradcheck(GRADIENTS[name], (x,))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16, torch.bfloat16])
def test_softmax_of_large_numbers(dtype: Any) -> None:
    x = torch.tensor([[6e4, 6e4, -6e4], [0.0, -math.inf, 0.0]], dtype=dtype)
    assert F.softmax(x, 1).tolist() == [[0.5, 0.5, 0.0], [0.5, 0.0, 0.5]]
    assert F.log_softmax(x, 1)[1, 1].item() == -math.inf
    assert F.softmax(x, 1).dtype is dtype


def test_inplace_returns_its_argument() -> None:
    x = torch.tensor([-1.0, 2.0])
    for function in (
        F.relu,
        F.relu6,
        F.leaky_relu,
        F.elu,
        F.selu,
        F.celu,
        F.silu,
        F.mish,
        F.hardtanh,
        F.hardswish,
        F.hardsigmoid,
    ):
        assert function(x, inplace=True) is x


def test_rrelu_slopes_lie_in_their_range() -> None:
    x = -torch.ones(1000)
    slopes = -F.rrelu(x, 0.1, 0.3, training=True)
    assert 0.1 <= slopes.min().item() < 0.12 and 0.28 < slopes.max().item() <= 0.3
    assert F.rrelu(x, 0.1, 0.3)[0].item() == pytest.approx(-0.2)


def test_layers_print_their_arguments() -> None:
    layers = [
        nn.ReLU(True),
        nn.ELU(2.0),
        nn.Softmax(1),
        nn.GELU("tanh"),
        nn.Hardtanh(-2, 2, True),
        nn.PReLU(3),
        nn.Softshrink(),
    ]
    assert [repr(layer) for layer in layers] == [
        "ReLU(inplace=True)",
        "ELU(alpha=2.0)",
        "Softmax(dim=1)",
        "GELU(approximate='tanh')",
        "Hardtanh(min_val=-2, max_val=2, inplace=True)",
        "PReLU(num_parameters=3)",
        "Softshrink(0.5)",
    ]


@pytest.mark.parametrize("name", ["softmax", "softmin", "log_softmax"])
def test_a_missing_dim_warns(name: str) -> None:
    with pytest.warns(UserWarning, match=f"Implicit dimension choice for {name} has been deprecated"):
        getattr(F, name)(torch.ones(2, 3))


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda x: F.softmax(x, 4), IndexError, "Dimension out of range"),
        (lambda x: F.softmax(x.to(torch.int64), 0), NotImplementedError, "not implemented for 'Long'"),
        (lambda x: F.gelu(x, approximate="x"), RuntimeError, "approximate argument must be either none or tanh"),
        (lambda x: F.glu(x, 1), RuntimeError, "Halving dimension must be even, but dimension 1 is size 3"),
        (lambda x: F.prelu(x, torch.ones(2)), RuntimeError, "Found parameter numbers = 2 and channel size = 3"),
        (lambda x: F.hardtanh(x, 2, 1), ValueError, "min_val cannot be greater than max_val"),
        (lambda x: F.celu(x, 0.0), RuntimeError, "alpha cannot be 0 for CELU"),
        (lambda x: F.relu(x > 0), RuntimeError, "Boolean inputs not supported for relu"),
        (lambda x: F.softshrink(x, -1), RuntimeError, "lambda must be greater or equal to 0"),
        (lambda x: nn.Softmax2d()(x), ValueError, "expected input to be 3D or 4D, got 2D instead"),
        (lambda x: nn.Hardtanh(1, 1), AssertionError, "must be greater than min_val"),
    ],
)
def test_errors(call: Any, error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        call(torch.ones(2, 3))
