"""Dropout gives PyTorch's masks, values, gradients, warnings and errors after the same seed."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import rushlight  # noqa: E402
from tests.parity.draws import torch_draws_bernoulli_serially  # noqa: E402

pytestmark = pytest.mark.skipif(
    not torch_draws_bernoulli_serially(), reason="this PyTorch draws dropout's masks with MKL"
)

FUNCTIONS: dict[str, Callable[[Any, Any, float], Any]] = {
    "dropout": lambda t, x, p: t.nn.functional.dropout(x, p),
    "alpha_dropout": lambda t, x, p: t.nn.functional.alpha_dropout(x, p, True),
    "feature_alpha_dropout": lambda t, x, p: t.nn.functional.feature_alpha_dropout(x, p, True),
    "dropout1d": lambda t, x, p: t.nn.functional.dropout1d(x, p),
    "dropout2d": lambda t, x, p: t.nn.functional.dropout2d(x, p),
    "dropout3d": lambda t, x, p: t.nn.functional.dropout3d(x, p),
    "native_dropout": lambda t, x, p: t.native_dropout(x, p, True)[0] if hasattr(t, "native_dropout") else None,
}
SHAPES = {
    "dropout": [(7,), (3, 50), (2, 3, 4, 5)],
    "alpha_dropout": [(7,), (3, 50)],
    "feature_alpha_dropout": [(3, 5), (3, 5, 4, 2)],
    "dropout1d": [(4, 6), (3, 4, 6)],
    "dropout2d": [(3, 4, 5), (3, 4, 5, 6), (3, 4), (2, 3, 4, 5, 6)],
    "dropout3d": [(3, 4, 5, 6), (3, 4, 5, 6, 2), (3, 4, 5)],
}


def both(program: Callable[[Any], Any]) -> tuple[Any, Any]:
    results = []
    for library in (torch, rushlight):
        library.manual_seed(5)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            results.append(program(library))
    np.testing.assert_array_equal(torch.get_rng_state().numpy(), rushlight.get_rng_state().numpy())
    return results[0], results[1]


def array(tensor: Any, library: Any) -> np.ndarray:
    return tensor.detach().to(library.float64).numpy()


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "bfloat16"])
@pytest.mark.parametrize("p", [0.0, 0.1, 0.37, 0.5, 0.9, 1.0])
@pytest.mark.parametrize("name", SHAPES)
def test_values_and_gradients(name: str, p: float, dtype: str) -> None:
    for shape in SHAPES[name]:
        values = np.random.default_rng(0).standard_normal(shape).astype("float32")

        def program(t: Any, values: np.ndarray = values) -> tuple[np.ndarray, np.ndarray, str]:
            x = t.tensor(values).to(getattr(t, dtype)).requires_grad_()
            out = FUNCTIONS[name](t, x, p)
            (out * out).sum().backward()
            return array(out, t), array(x.grad, t), type(out.grad_fn).__name__

        expected, found = both(program)
        np.testing.assert_array_equal(found[0], expected[0])
        np.testing.assert_array_equal(np.signbit(found[0]), np.signbit(expected[0]))
        np.testing.assert_allclose(found[1], expected[1], rtol=1e-6)
        assert found[2] == expected[2]


@pytest.mark.parametrize("name", SHAPES)
def test_in_place(name: str) -> None:
    shape = SHAPES[name][-1]
    values = np.random.default_rng(0).standard_normal(shape).astype("float32")
    arguments = {"training": True, "inplace": True}

    def program(t: Any) -> tuple[np.ndarray, np.ndarray, int]:
        x = t.tensor(values)
        out = getattr(t.nn.functional, name)(x, 0.4, **arguments)
        return array(out, t), array(x, t), x.data_ptr() - out.data_ptr()

    expected, found = both(program)
    np.testing.assert_array_equal(found[0], expected[0])
    np.testing.assert_array_equal(found[1], expected[1])
    assert found[2] == expected[2] == 0


def test_the_mask_follows_the_memory_of_the_input() -> None:
    values = np.random.default_rng(0).standard_normal((5, 7)).astype("float32")
    for view in (lambda x: x.t(), lambda x: x[::2], lambda x: x[:, 1:4]):
        expected, found = both(lambda t, view=view: array(t.nn.functional.dropout(view(t.tensor(values)), 0.4), t))
        np.testing.assert_array_equal(found, expected)


def test_special_values_keep_their_meaning() -> None:
    values = np.array([1.0, np.nan, np.inf, -1.0] * 4, np.float32)
    for p in (0.5, 1.0):
        expected, found = both(lambda t, p=p: array(t.nn.functional.dropout(t.tensor(values), p), t))
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    "layer", ["Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "AlphaDropout", "FeatureAlphaDropout"]
)
def test_layers(layer: str) -> None:
    shape = {"Dropout2d": (3, 4, 5, 6), "Dropout3d": (3, 4, 5, 6, 2)}.get(layer, (3, 4, 5))

    def program(t: Any) -> list[Any]:
        made = getattr(t.nn, layer)(0.3)
        x = t.ones(shape)
        return [repr(made), array(made(x), t), array(made.eval()(x), t), repr(getattr(t.nn, layer)(inplace=True))]

    expected, found = both(program)
    assert found[0] == expected[0] and found[3] == expected[3]
    np.testing.assert_array_equal(found[1], expected[1])
    np.testing.assert_array_equal(found[2], expected[2])


@pytest.mark.parametrize(
    "program",
    ["F.dropout(x, 1.5)", "F.dropout(x, -1)", "F.dropout1d(x, 2)", "F.dropout2d(x, 2)", "F.dropout3d(x, 2)",
     "F.alpha_dropout(x, 1.1)", "F.feature_alpha_dropout(x, -0.1)", "F.dropout(t.arange(3))", "F.dropout1d(t.ones(4))",
     "F.dropout1d(t.ones(4, 4, 4, 4))", "F.feature_alpha_dropout(t.ones(3), 0.5, True)", "t.nn.Dropout(1.2)",
     "t.nn.Dropout(-0.2)",
     "t.nn.Dropout('a')", "F.dropout(x, 'a')", "F.dropout([1.0], 0.5)", "t.dropout(x, 1.5, True)"],
)  # fmt: skip
def test_errors(program: str) -> None:
    raised = []
    for t in (torch, rushlight):
        with pytest.raises(Exception) as caught:
            eval(program, {"t": t, "F": t.nn.functional, "x": t.ones(3, 4, 5)})
        raised.append(caught.value)
    assert type(raised[1]) is type(raised[0]), raised
    assert str(raised[1]).splitlines()[0] == str(raised[0]).splitlines()[0]


@pytest.mark.parametrize(
    "program", ["F.dropout2d(t.ones(2, 3, 4))", "F.dropout2d(t.ones(2, 3, 4, 5, 6))", "F.dropout3d(t.ones(2, 3, 4))"]
)
def test_warnings(program: str) -> None:
    said = []
    for t in (torch, rushlight):
        with pytest.warns(UserWarning) as caught:
            eval(program, {"t": t, "F": t.nn.functional})
        said.append(str(caught[0].message))
    assert said[1] == said[0]


def test_identity_when_there_is_nothing_to_do() -> None:
    x = rushlight.ones(3)
    F = rushlight.nn.functional
    assert F.dropout(x, 0.0) is x
    assert F.dropout(x, 0.5, False) is x
    assert F.dropout(x, 0.5, False, True) is x
    assert F.alpha_dropout(x, 0.5) is x
