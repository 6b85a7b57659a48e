"""The text of random tensors equals PyTorch's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import rushlight  # noqa: E402
from rushlight import dtypes  # noqa: E402
from rushlight.autograd.variable import wrap  # noqa: E402


def values(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
    """Numbers of very different kinds: near 1, huge, whole, of many magnitudes, with NaN and infinities, zeros."""
    x = np.asarray(rng.standard_normal(shape))
    holes = [np.asarray(rng.random(shape) < 0.2) for _ in range(2)]
    kinds = [
        lambda: x,
        lambda: x * 1e6,
        lambda: np.round(x * 20),
        lambda: x * 10.0 ** rng.integers(-9, 9, shape),
        lambda: np.where(holes[0], np.nan, np.where(holes[1], -np.inf, x)),
        lambda: np.where(holes[0], np.nan, np.round(x * 5)),
        lambda: x * 0,
        lambda: np.round(x * 1e9),
    ]
    return np.asarray(kinds[rng.integers(len(kinds))]())


def pair(rng: np.random.Generator) -> tuple[Any, Any]:
    """The same tensor in both libraries."""
    longest = int(rng.choice([2, 4, 9, 30]))
    shape = tuple(int(n) for n in rng.integers(0 if rng.random() < 0.1 else 1, longest, rng.integers(0, 4)))
    kind = dtypes._ALL[rng.integers(len(dtypes._ALL))]
    x = torch.from_numpy(values(rng, shape)).to(getattr(torch, kind.name))
    if kind.is_complex:
        x = x * (1 - 0.5j)
    flat = torch.empty(x.numel(), dtype=x.dtype).copy_(x.reshape(-1))
    bits = flat.view(torch.uint8).numpy().copy()
    return wrap(bits.view(kind.numpy_dtype).reshape(shape)), x


def options(rng: np.random.Generator) -> dict[str, Any]:
    if rng.random() < 0.5:
        return {"profile": "default"}
    return {
        "precision": int(rng.integers(0, 7)),
        "threshold": int(rng.integers(0, 60)),
        "edgeitems": int(rng.integers(0, 4)),
        "linewidth": int(rng.integers(10, 120)),
        "sci_mode": [None, True, False][rng.integers(3)],
    }


@pytest.mark.parametrize("seed", range(8))
def test_random_tensors(seed: int) -> None:
    rng = np.random.default_rng(seed)
    try:
        for trial in range(60):
            chosen = options(rng)
            ours, theirs = pair(rng)
            rushlight.set_printoptions(**chosen)
            torch.set_printoptions(**chosen)
            assert repr(ours) == repr(theirs), f"seed {seed}, trial {trial}, {chosen}"
            if theirs.dtype.is_floating_point and rng.random() < 0.5:
                ours.requires_grad_()
                theirs.requires_grad_()
                assert repr(ours) == repr(theirs), f"seed {seed}, trial {trial}, {chosen}"
                if theirs.element_size() > 1:
                    assert repr(ours * 2) == repr(theirs * 2), f"seed {seed}, trial {trial}, {chosen}"
    finally:
        rushlight.set_printoptions(profile="default")
        torch.set_printoptions(profile="default")


@pytest.mark.parametrize("size", [0, 1, 999, 1000, 1001])
@pytest.mark.parametrize("name", ["float32", "int64", "bool", "complex64", "float16", "uint8"])
def test_around_the_threshold(size: int, name: str) -> None:
    theirs = torch.arange(size).to(getattr(torch, name))
    ours = wrap(np.arange(size).astype(getattr(dtypes, name).numpy_dtype))
    assert repr(ours) == repr(theirs)
    assert str(ours) == str(theirs)
    assert f"{ours}" == f"{theirs}"


@pytest.mark.parametrize("value", [3, 2.5, True, -1e-7, 1 - 2j])
def test_numbers_format_as_numbers(value: Any) -> None:
    ours, theirs = rushlight.tensor(value), torch.tensor(value)
    assert f"{ours}" == f"{theirs}"
    if not isinstance(value, (bool, complex)):
        assert f"{ours:8.2f}" == f"{theirs:8.2f}"


def test_parameters() -> None:
    for shape in [(), (3,), (2, 3)]:
        ours = rushlight.nn.Parameter(rushlight.ones(*shape) if shape else rushlight.tensor(1.0))
        assert repr(ours) == repr(torch.nn.Parameter(torch.ones(shape)))
