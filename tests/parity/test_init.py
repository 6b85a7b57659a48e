"""nn.init fills with PyTorch's numbers after the same seed."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import rushlight  # noqa: E402

FILLS = [
    "init.uniform_(e(3, 50))", "init.uniform_(e(3, 5), -2.0, 3.0)", "init.normal_(e(3, 50))",
    "init.normal_(e(3, 5), 1.0, 0.1)", "init.xavier_uniform_(e(7, 30))",
    "init.xavier_uniform_(e(4, 3, 5, 5), gain=2.0)", "init.xavier_normal_(e(7, 30), gain=1.5)",
    "init.kaiming_uniform_(e(7, 30))", "init.kaiming_uniform_(e(4, 3, 5, 5), a=math.sqrt(5))",
    "init.kaiming_uniform_(e(4, 3), mode='fan_out', nonlinearity='relu')",
    "init.kaiming_normal_(e(4, 30), mode='FAN_OUT')", "init.kaiming_normal_(e(4, 3, 2), nonlinearity='tanh')",
    "init.orthogonal_(e(5, 3))", "init.orthogonal_(e(3, 5), gain=2)", "init.orthogonal_(e(4, 2, 3))",
    "init.orthogonal_(e(20, 20))", "init.sparse_(e(6, 4), 0.4)", "init.sparse_(e(3, 4), 1.5)",
    "init.sparse_(e(10, 4), 0.3, std=2.0)", "init.trunc_normal_(e(1000))", "init.trunc_normal_(e(40, 25), std=0.02)",
    "init.trunc_normal_(e(1000), 0.5, 1.0, -0.5, 1.0)", "init.trunc_normal_(e(1000), 3.0, 1.0, 0.0, 2.0)",
    "init.trunc_normal_(e(1000), 0.0, 1.0, -0.1, 0.2)", "init.trunc_normal_(e(50), 0.0, 1.0, 3.0, 5.0)",
    "init.eye_(e(3, 4))", "init.dirac_(e(4, 2, 3))", "init.dirac_(e(4, 2, 3), groups=2)", "init.dirac_(e(5, 7, 3, 2))",
    "init.dirac_(e(6, 2, 3, 3, 4), 3)", "init.constant_(e(3), 0.3)", "init.ones_(e(3))", "init.zeros_(e(3))",
    "init.orthogonal_(e(0, 3))", "init.xavier_normal_(e(0, 3))", "init.kaiming_uniform_(e(0, 3))",
]  # fmt: skip


def values(library: Any, program: str, dtype: str, generator: bool = False) -> np.ndarray:
    library.manual_seed(5)

    def empty(*shape: int) -> Any:
        return library.full(shape, 7.0, dtype=getattr(library, dtype)).requires_grad_()

    if generator:
        program = program[:-1] + ", generator=library.Generator().manual_seed(9))"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        out = eval(program, {"init": library.nn.init, "e": empty, "math": math, "library": library})
    assert out.requires_grad and out.is_leaf and out.grad_fn is None
    return out.detach().to(library.float64).numpy()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("program", FILLS)
def test_fills(program: str, dtype: str) -> None:
    expected, found = values(torch, program, dtype), values(rushlight, program, dtype)
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6 if dtype == "float32" else 1e-12)
    np.testing.assert_array_equal(torch.get_rng_state().numpy(), rushlight.get_rng_state().numpy())
    if not any(name in program for name in ("eye", "dirac", "constant", "ones", "zeros")):
        expected, found = values(torch, program, dtype, True), values(rushlight, program, dtype, True)
        np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6 if dtype == "float32" else 1e-12)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("program", [p for p in FILLS if "orthogonal" not in p])
def test_half_precision(program: str, dtype: str) -> None:
    expected, found = values(torch, program, dtype), values(rushlight, program, dtype)
    eps = torch.finfo(getattr(torch, dtype)).eps
    same = np.isclose(found, expected, rtol=eps, atol=1e-6) if found.size else np.ones(1)
    assert same.mean() > 0.99, f"{program}: {np.sum(~same)} of {same.size} differ"


ERRORS = [
    "init.calculate_gain('foo')", "init.calculate_gain('leaky_relu', True)", "init.calculate_gain('leaky_relu', 'a')",
    "init.eye_(e(3))", "init.dirac_(e(3))", "init.dirac_(e(5, 2, 3), groups=2)", "init.xavier_uniform_(e(3))",
    "init.kaiming_uniform_(e(3))", "init.kaiming_uniform_(e(3, 2), mode='foo')",
    "init.kaiming_uniform_(e(3, 2), nonlinearity='foo')", "init.orthogonal_(e(3))", "init.sparse_(e(3), 0.1)",
    "init.normal_(e(3), 0, -1)", "init.uniform_(e(3), 1, 0)", "init.uniform_([1, 2])",
    "init.orthogonal_(e(2, 2, dtype=t.float16))", "init.trunc_normal_(e(3), 0.0, 1.0, 2.0, -1.5)",
]  # fmt: skip


@pytest.mark.parametrize("program", ERRORS)
def test_errors(program: str) -> None:
    raised = []
    for t in (torch, rushlight):
        with pytest.raises(Exception) as caught:
            eval(program, {"init": t.nn.init, "e": t.empty, "t": t})
        raised.append(caught.value)
    assert (type(raised[1]), str(raised[1])) == (type(raised[0]), str(raised[0]))


@pytest.mark.parametrize(
    "program",
    ["init.kaiming_uniform_(e(0, 2))", "init.kaiming_normal_(e(0, 2))", "init.trunc_normal_(e(5), 5.0, 0.5)",
     *(f"init.{name}(e(3, 3))" for name in ("uniform", "normal", "eye", "xavier_uniform", "xavier_normal",
     "kaiming_uniform", "kaiming_normal", "orthogonal")),
     "init.constant(e(2), 3)", "init.dirac(e(2, 2, 2))", "init.sparse(e(3, 3), 0.1)"],
)  # fmt: skip
def test_warnings(program: str) -> None:
    said = []
    for t in (torch, rushlight):
        with pytest.warns((UserWarning, FutureWarning)) as caught:
            eval(program, {"init": t.nn.init, "e": t.empty})
        said.append((caught[0].category, str(caught[0].message)))
    assert said[1] == said[0]


@pytest.mark.parametrize(
    "arguments",
    [
        ("linear",),
        ("conv_transpose3d",),
        ("sigmoid",),
        ("tanh",),
        ("relu",),
        ("leaky_relu",),
        ("leaky_relu", 0.2),
        ("selu",),
    ],
)
def test_gains(arguments: tuple[Any, ...]) -> None:
    assert rushlight.nn.init.calculate_gain(*arguments) == torch.nn.init.calculate_gain(*arguments)


def test_the_public_names() -> None:
    assert sorted(rushlight.nn.init.__all__) == sorted(torch.nn.init.__all__)
