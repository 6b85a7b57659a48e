"""The compiled draws against NumPy's, on every instruction set."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from rushlight.kernels import random as chosen
from rushlight.kernels.reference import random as reference
from rushlight.random import Generator

native = pytest.importorskip("rushlight._native")
SIZES = (0, 1, 2, 7, 15, 16, 17, 31, 33, 511, 512, 513, 623, 624, 625, 5003)
F32, F64 = np.dtype(np.float32), np.dtype(np.float64)


@pytest.fixture(params=native.isas(), autouse=True)
def isa(request: pytest.FixtureRequest) -> Iterator[None]:
    before = native.isa()
    native.set_isa(request.param)
    yield
    native.set_isa(before)


def pair(words: int) -> tuple[Generator, Generator]:
    """Two generators at the same place, so many words into a block."""
    both = Generator().manual_seed(words), Generator().manual_seed(words)
    for generator in both:
        generator.random32(words)
    return both


def same_place(a: Generator, b: Generator) -> None:
    assert a.random32(3).tolist() == b.random32(3).tolist()


@pytest.mark.parametrize("words", [0, 1, 620, 624])
@pytest.mark.parametrize("n", SIZES)
def test_uniform(n: int, words: int) -> None:
    for low, high in ((0.0, 1.0), (-3.0, 7.0), (0.1, 0.3), (1.0, 1.0 + 2**-22)):
        for dtype, eps in ((F32, 0), (F64, 2e-16)):
            a, b = pair(words)
            np.testing.assert_allclose(
                chosen.fill_uniform(a, np.empty(n, dtype), low, high),
                reference.uniform(b, n, dtype, low, high),
                rtol=0,
                atol=4 * eps,
            )
            same_place(a, b)


@pytest.mark.parametrize("n", [n for n in SIZES if n >= 16])
def test_normal(n: int) -> None:
    for mean, std in ((0.0, 1.0), (1.3, 2.7), (5.0, 0.0)):
        for dtype, eps in ((F32, 1e-6), (F64, 1e-14)):
            a, b = pair(5)
            np.testing.assert_allclose(
                chosen.fill_normal(a, np.empty(n, dtype), mean, std),
                reference.normal(b, n, dtype, mean, std),
                rtol=eps,
                atol=eps,
            )
            same_place(a, b)


@pytest.mark.parametrize("n", SIZES)
def test_serial_normal(n: int) -> None:
    a, b = pair(3)
    for kept in (None, 0.25):
        a.next_normal = b.next_normal = kept
        found, a.next_normal = native.random_serial_normal(a.bits, n, a.next_normal, 1.0, 2.0)
        np.testing.assert_allclose(
            found, reference.normal(b, n, F64, 1.0, 2.0, contiguous=False), rtol=1e-12, atol=1e-14
        )
        assert (a.next_normal is None) == (b.next_normal is None)
        assert a.next_normal is None or a.next_normal == pytest.approx(b.next_normal, rel=1e-12)
    same_place(a, b)


@pytest.mark.parametrize("p", [0.0, 1e-300, 0.3, 0.5, 1 - 2**-53, 1.0])
@pytest.mark.parametrize("n", SIZES)
def test_bernoulli(n: int, p: float) -> None:
    a, b = pair(7)
    np.testing.assert_array_equal(native.random_bernoulli(a.bits, n, p), reference.bernoulli(b, n, p))
    found = native.random_scaled_bernoulli(a.bits, n, p, 1.25)
    np.testing.assert_array_equal(found, reference.bernoulli(b, n, p).astype(F32) * F32.type(1.25))
    same_place(a, b)


@pytest.mark.parametrize("dtype", [F32, F64])
@pytest.mark.parametrize("n", SIZES)
def test_bernoulli_of_an_array(n: int, dtype: np.dtype) -> None:
    p = np.random.default_rng(n).uniform(0, 1, n).astype(dtype)
    p[:4] = np.array([0, 1, 1e-45, 1], dtype)[:n]
    a, b = pair(9)
    found, wanted = native.random_bernoulli_each(a.bits, p), reference.bernoulli_each(b, p)
    np.testing.assert_array_equal(found, wanted)
    assert found.dtype == wanted.dtype == dtype
    same_place(a, b)
    for bad in (-1e-7, 1.0000001, np.nan, np.inf, -np.inf):
        for place in {0, n // 2, n - 1} if n else ():
            q = p.copy()
            q[place] = bad
            assert native.random_bernoulli_each(a.bits, q) is NotImplemented
            with pytest.raises(ValueError, match="p must be"):
                chosen.bernoulli_each(a, q)
    same_place(a, b)
    assert native.random_bernoulli_each(a.bits, np.empty((4, 4), dtype).T) is NotImplemented


@pytest.mark.parametrize("n", SIZES)
def test_permutation(n: int) -> None:
    a, b = pair(11)
    np.testing.assert_array_equal(native.random_permutation(a.bits, n), reference.randperm(b, n))
    same_place(a, b)


def test_the_choice_draws_what_the_reference_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    for dtype in (np.dtype(np.float16), F32, F64):
        for n in (5, 16, 37):
            a, b = pair(0)
            np.testing.assert_allclose(
                chosen.uniform(a, n, dtype, -1, 2), reference.uniform(b, n, dtype, -1, 2), rtol=1e-6
            )
            np.testing.assert_allclose(chosen.normal(a, n, dtype), reference.normal(b, n, dtype), rtol=1e-3, atol=1e-6)
            same_place(a, b)


def test_arguments_are_checked() -> None:
    bits = Generator().bits
    with pytest.raises(TypeError, match=r"expected a numpy\.random\.MT19937, but got numpy\.random\._pcg64\.PCG64"):
        native.random_uniform(np.random.PCG64(), np.empty(3), 0.0, 1.0)
    with pytest.raises(TypeError):
        native.random_uniform(None, np.empty(3), 0.0, 1.0)
    fixed = np.empty(16)
    fixed.flags.writeable = False
    for draw in (native.random_uniform, native.random_normal):
        with pytest.raises(TypeError, match=r"out: expected a numpy\.ndarray"):
            draw(bits, [0.0], 0.0, 1.0)
        for out in (np.empty(16, np.int32), np.empty(32)[::2], np.empty(16, ">f4"), np.empty(16, np.float16)):
            with pytest.raises(ValueError, match="dense float32 or float64"):
                draw(bits, out, 0.0, 1.0)
        with pytest.raises(ValueError, match="read-only"):
            draw(bits, fixed, 0.0, 1.0)
    for dtype in (F32, F64):
        with pytest.raises(ValueError, match="16 numbers or more"):
            native.random_normal(bits, np.empty(15, dtype), 0.0, 1.0)
    with pytest.raises(ValueError, match="must not be negative"):
        native.random_bernoulli(bits, -1, 0.5)
    with pytest.raises(MemoryError):
        native.random_bernoulli(bits, 2**62, 0.5)
    for p in (-0.1, 1.1, float("nan")):
        with pytest.raises(ValueError, match=r"p must be in \[0, 1\]"):
            native.random_bernoulli(bits, 3, p)
    with pytest.raises(ValueError, match="permutation"):
        native.random_permutation(bits, 2**32)
