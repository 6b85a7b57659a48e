"""Activation functions and layers against PyTorch."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import rushlight  # noqa: E402
import rushlight.nn  # noqa: E402
from tests.parity.numeric_oracle import FLOATS, INF, TYPES, VALUES, compare, run, sweep, tensor  # noqa: E402
from tests.parity.tensor_oracle import same  # noqa: E402

FUNCTIONS: dict[str, Any] = {
    name: (lambda t, x, name=name: getattr(t.nn.functional, name)(x))
    for name in [
        "relu",
        "relu6",
        "leaky_relu",
        "elu",
        "selu",
        "celu",
        "gelu",
        "silu",
        "mish",
        "softplus",
        "softsign",
        "hardtanh",
        "hardswish",
        "hardsigmoid",
        "hardshrink",
        "softshrink",
        "tanhshrink",
        "logsigmoid",
        "rrelu",
        "sigmoid",
        "tanh",
    ]
}
FUNCTIONS |= {
    "gelu tanh": lambda t, x: t.nn.functional.gelu(x, approximate="tanh"),
    "leaky_relu slope": lambda t, x: t.nn.functional.leaky_relu(x, 0.3),
    "elu alpha": lambda t, x: t.nn.functional.elu(x, 2.0),
    "celu alpha": lambda t, x: t.nn.functional.celu(x, 2.0),
    "softplus beta": lambda t, x: t.nn.functional.softplus(x, 2, 3),
    "hardtanh bounds": lambda t, x: t.nn.functional.hardtanh(x, -2, 1),
    "hardshrink lambd": lambda t, x: t.nn.functional.hardshrink(x, 0.2),
    "softshrink lambd": lambda t, x: t.nn.functional.softshrink(x, 0.2),
    "threshold": lambda t, x: t.nn.functional.threshold(x, 0.5, 20),
    "prelu": lambda t, x: t.nn.functional.prelu(x, t.tensor([0.3], dtype=x.dtype)),
}
AXIS: dict[str, Any] = {
    "softmax": lambda t, x: (t.nn.functional.softmax(x, -1), x.softmax(0)),
    "log_softmax": lambda t, x: (t.nn.functional.log_softmax(x, -1), x.log_softmax(0)),
    "softmin": lambda t, x: t.nn.functional.softmin(x, 0),
    "softmax dtype": lambda t, x: t.softmax(x, -1, dtype=t.float64),
    "log_softmax dtype": lambda t, x: t.log_softmax(x, 0, t.float32),
}
FINITE = [-7.3, -3.0, -2.5, -1.5, -1.0, -0.5, -0.3, 0.0, 0.2, 0.5, 0.7, 1.0, 1.5, 2.0, 2.5, 3.0, 6.0, 7.0, 25.0, -50.0]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_values(name: str) -> None:
    # PyTorch's vectorised gelu makes NaN of infinity.
    sweep(FUNCTIONS[name], values=[v for v in VALUES if "gelu" not in name or abs(v) != INF])


@pytest.mark.parametrize("name", AXIS)
def test_values_along(name: str) -> None:
    sweep(AXIS[name], FLOATS if "dtype" not in name else TYPES, FINITE)
    sweep(AXIS[name], ("float32", "float64"))


@pytest.mark.parametrize("name", [name for name in FUNCTIONS if name != "hardsigmoid"])
def test_gradients(name: str) -> None:
    same(FUNCTIONS[name], [(3, 4)])


@pytest.mark.parametrize("name", FUNCTIONS)
def test_gradients_at_special_points(name: str) -> None:
    for dtype in ("float32", "float64", "bfloat16"):

        def program(t: Any, x: Any) -> Any:
            x.requires_grad_()
            FUNCTIONS[name](t, x).sum().backward()
            return x.grad

        made = [run(library, program, [tensor(library, FINITE, dtype)]) for library in (rushlight, torch)]
        # PyTorch's float32 backward kernels are approximate near the tails; one bfloat16 step is 0.8 %.
        # Its hardsigmoid multiplies by a float32 sixth.
        compare(
            made[0],
            made[1],
            dtype,
            {"float32": 1e-5, "float64": 1e-7 if name == "hardsigmoid" else 1e-11, "bfloat16": 3e-2},
        )


GRADIENTS: dict[str, Any] = {
    "softmax": lambda t, x, w: t.nn.functional.softmax(x, 1),
    "softmax first": lambda t, x, w: t.nn.functional.softmax(x, 0),
    "log_softmax": lambda t, x, w: t.nn.functional.log_softmax(x, 1),
    "log_softmax first": lambda t, x, w: t.nn.functional.log_softmax(x, 0),
    "softmin": lambda t, x, w: t.nn.functional.softmin(x, 1),
    "prelu channels": lambda t, x, w: t.nn.functional.prelu(x, w),
    "glu": lambda t, x, w: t.nn.functional.glu(x, 1),
    "inplace relu": lambda t, x, w: t.nn.functional.relu(x * 2, inplace=True),
    "inplace silu": lambda t, x, w: t.nn.functional.silu(x * 2, inplace=True),
    "inplace mish": lambda t, x, w: t.nn.functional.mish(x * 2, inplace=True),
    "inplace hardswish": lambda t, x, w: t.nn.functional.hardswish(x * 2, inplace=True),
    "inplace threshold": lambda t, x, w: t.nn.functional.threshold(x * 2, 0.1, 3, inplace=True),
}


@pytest.mark.parametrize("name", GRADIENTS)
def test_gradients_of_more(name: str) -> None:
    same(GRADIENTS[name], [(3, 4), (4,)])


INPLACE = {
    "elu": "elu",
    "selu": "selu",
    "celu": "celu",
    "leaky_relu": "leaky_relu",
    "hardtanh": "hardtanh",
    "relu6": "relu6",
    "hardsigmoid": "hardsigmoid",
}


@pytest.mark.parametrize("name", INPLACE)
def test_gradients_in_place(name: str) -> None:
    """First order only: PyTorch's second order of these reads the result."""

    def program(t: Any, x: Any) -> Any:
        x.requires_grad_()
        y = x * 2
        out = getattr(t.nn.functional, name)(y, inplace=True)
        assert out is y
        out.sum().backward()
        return out, x.grad

    made = [run(library, program, [tensor(library, FINITE, "float64")]) for library in (rushlight, torch)]
    compare(made[0], made[1], name, {"float64": 1e-7})


def test_rrelu_draws_the_same_slopes() -> None:
    x = np.linspace(-3, 3, 50, dtype=np.float32)
    made = []
    for library in (rushlight, torch):
        library.manual_seed(7)
        made.append(library.nn.functional.rrelu(library.tensor(x), training=True).numpy())
    np.testing.assert_allclose(made[0], made[1], rtol=1e-6)


def test_gumbel_softmax_draws_the_same_noise() -> None:
    made = []
    for library in (rushlight, torch):
        library.manual_seed(7)
        logits = library.zeros(4, 3)
        made.append(library.nn.functional.gumbel_softmax(logits, tau=0.5).numpy())
        made.append(library.nn.functional.gumbel_softmax(logits, hard=True).numpy())
    np.testing.assert_allclose(made[0], made[2], rtol=1e-5)
    np.testing.assert_array_equal(made[1], made[3])


LAYERS = [
    "ReLU()",
    "ReLU(True)",
    "RReLU()",
    "RReLU(.1,.2,True)",
    "Hardtanh()",
    "Hardtanh(-2,2,True)",
    "ReLU6()",
    "ReLU6(True)",
    "ELU()",
    "ELU(2.,True)",
    "ELU(1)",
    "CELU()",
    "CELU(2.,True)",
    "SELU()",
    "SELU(True)",
    "LeakyReLU()",
    "LeakyReLU(.2,True)",
    "SiLU()",
    "SiLU(True)",
    "Mish()",
    "Mish(True)",
    "Softmax(1)",
    "Softmin(1)",
    "LogSoftmax(1)",
    "Softmax2d()",
    "PReLU()",
    "PReLU(3,.1)",
    "Threshold(.1,20)",
    "Threshold(.1,20,True)",
    "GLU()",
    "GLU(1)",
    "GELU()",
    "GELU('tanh')",
    "Softplus()",
    "Softplus(2,3)",
    "Hardswish()",
    "Hardswish(True)",
    "Hardsigmoid()",
    "Hardsigmoid(True)",
    "Softshrink()",
    "Softshrink(.1)",
    "Hardshrink()",
    "Hardshrink(.1)",
    "LogSigmoid()",
    "Softsign()",
    "Tanhshrink()",
    "Sigmoid()",
    "Tanh()",
    "Softmax(None)",
]


@pytest.mark.parametrize("layer", LAYERS)
def test_layers(layer: str) -> None:
    x = np.random.default_rng(3).standard_normal((2, 4 if "GLU" in layer else 3, 4, 2))
    made, prints, attributes = [], [], []
    for library in (rushlight, torch):
        module = eval(f"nn.{layer}", {"nn": library.nn}).double().eval()
        prints.append(repr(module))
        attributes.append({k: v for k, v in vars(module).items() if not k.startswith("_")})
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            made.append(module(library.tensor(x)).detach().numpy())
    assert prints[0] == prints[1]
    assert attributes[0] == attributes[1]
    np.testing.assert_allclose(made[0], made[1], rtol=1e-10, atol=1e-12)


ERRORS: dict[str, Any] = {
    "softmax dim": lambda t, x: t.nn.functional.softmax(x, 4),
    "softmax integers": lambda t, x: t.nn.functional.softmax(x.to(t.int64), 0),
    "gelu approximate": lambda t, x: t.nn.functional.gelu(x, approximate="x"),
    "glu odd": lambda t, x: t.nn.functional.glu(x),
    "prelu count": lambda t, x: t.nn.functional.prelu(x, t.tensor([0.1, 0.2])),
    "prelu type": lambda t, x: t.nn.functional.prelu(x, t.tensor([0.1], dtype=t.float64)),
    "hardtanh bounds": lambda t, x: t.nn.functional.hardtanh(x, 2, 1),
    "celu zero": lambda t, x: t.nn.functional.celu(x, 0.0),
    "relu bool": lambda t, x: t.nn.functional.relu(x > 0),
    "elu integers": lambda t, x: t.nn.functional.elu(x.to(t.int64)),
    "softshrink negative": lambda t, x: t.nn.functional.softshrink(x, -1),
    "Softmax2d": lambda t, x: t.nn.Softmax2d()(x),
    "Hardtanh": lambda t, x: t.nn.Hardtanh(1, 1),
    "in place on a leaf": lambda t, x: t.nn.functional.relu(x.requires_grad_(), inplace=True),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name: str) -> None:
    made = [
        run(library, ERRORS[name], [tensor(library, [[1.0, -2.0, 3.0]], "float32")]) for library in (rushlight, torch)
    ]
    assert isinstance(made[1], tuple)
    compare(made[0], made[1], name)


@pytest.mark.parametrize("name", ["softmax", "softmin", "log_softmax"])
def test_implicit_dim_warns(name: str) -> None:
    with pytest.warns(UserWarning, match=f"Implicit dimension choice for {name} has been deprecated"):
        ours = getattr(rushlight.nn.functional, name)(rushlight.ones(2, 3, 4))
    with pytest.warns(UserWarning):
        theirs = getattr(torch.nn.functional, name)(torch.ones(2, 3, 4))
    np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=1e-6)
