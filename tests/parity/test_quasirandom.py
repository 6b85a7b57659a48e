"""Sobol's sequences: PyTorch's points, scrambled with the same seed too."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import rushlight  # noqa: E402


def same(program: Any) -> None:
    found = []
    for t in (torch, rushlight):
        t.manual_seed(3)
        found.append(program(t))
    assert str(found[0].dtype) == str(found[1].dtype)
    np.testing.assert_array_equal(found[1].numpy(), found[0].numpy())


@pytest.mark.parametrize("dimension", [1, 2, 3, 100])
@pytest.mark.parametrize("seed", [None, 7])
def test_scrambled_points(dimension: int, seed: int | None) -> None:
    same(lambda t: t.quasirandom.SobolEngine(dimension, scramble=True, seed=seed).draw(17))


@pytest.mark.parametrize("dimension", [1, 2, 3, 10, 1111, 13425])
def test_points(dimension: int) -> None:
    same(lambda t: t.quasirandom.SobolEngine(dimension).draw(9))


@pytest.mark.parametrize("scramble", [False, True])
def test_ways_to_draw(scramble: bool) -> None:
    def program(t: Any) -> Any:
        engine = t.quasirandom.SobolEngine(4, scramble=scramble, seed=1)
        parts = [engine.draw(), engine.draw(3), engine.draw_base2(2), engine.fast_forward(5).draw(2)]
        parts += [copy.deepcopy(engine).draw(2), pickle.loads(pickle.dumps(engine)).draw(1)]
        parts += [engine.reset().draw(2), engine.reset().fast_forward(9).draw(2), engine.fast_forward(1).draw(1)]
        return t.cat(parts)

    same(program)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_types(dtype: str) -> None:
    def program(t: Any) -> Any:
        engine = t.quasirandom.SobolEngine(3, scramble=True, seed=5)
        first = engine.draw(40, dtype=getattr(t, dtype))
        out = t.empty(1, dtype=getattr(t, dtype))
        assert engine.draw(3, out=out, dtype=getattr(t, dtype)) is out
        return t.cat((first, out)).double()

    same(program)


def test_state_and_refusals() -> None:
    for scramble in (False, True):
        ours, theirs = (t.quasirandom.SobolEngine(9, scramble=scramble, seed=2) for t in (rushlight, torch))
        for name in ("sobolstate", "shift", "quasi"):
            np.testing.assert_array_equal(getattr(ours, name).numpy(), getattr(theirs, name).numpy())
        assert repr(ours) == repr(theirs)
        assert ours.num_generated == theirs.num_generated
    for t in (rushlight, torch):
        with pytest.raises(ValueError, match="dimensionality"):
            t.quasirandom.SobolEngine(0)
        with pytest.raises(ValueError, match="dimensionality"):
            t.quasirandom.SobolEngine(t.quasirandom.SobolEngine.MAXDIM + 1)
        with pytest.raises(NotImplementedError, match="_sobol_engine_draw"):
            t.quasirandom.SobolEngine(2).draw(3, dtype=t.float16)
        engine = t.quasirandom.SobolEngine(2)
        engine.draw(3)
        with pytest.raises(ValueError, match=r"n=3\+2\*\*2=7"):
            engine.draw_base2(2)
