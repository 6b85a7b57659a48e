"""The generator, and numbers that PyTorch drew (`tools/make_random_goldens.py`)."""

from __future__ import annotations

import contextlib
import copy
import importlib.util
import pickle
import threading
from pathlib import Path

import numpy as np
import pytest

import rushlight as torch
from rushlight import random as random_module
from rushlight.random import Generator, default_generator

ROOT = Path(__file__).parents[1]
GOLDEN = np.load(ROOT / "tests" / "golden" / "random.npz")


def calls() -> dict[str, str]:
    """The calls, out of the text of the script, which cannot be imported without PyTorch."""
    text = (ROOT / "tools" / "make_random_goldens.py").read_text()
    start = text.index("CALLS = ") + len("CALLS = ")
    return eval(text[start : text.index("\n}\n", start) + 2])


@pytest.mark.parametrize(("name", "call"), calls().items())
def test_numbers_equal_pytorchs(name: str, call: str) -> None:
    torch.manual_seed(20)
    found = eval(call, {"t": torch}).numpy()
    expected = GOLDEN[name]
    assert found.dtype == expected.dtype
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6)


def test_words_are_those_of_the_classic_seeding() -> None:
    assert Generator().manual_seed(5489).random32(3).tolist() == [3499211612, 581869302, 3890346734]
    assert Generator().manual_seed(5489).random64(1).tolist() == [3499211612 << 32 | 581869302]
    assert Generator().manual_seed(5489 + 2**32).random32(1).tolist() == [3499211612]


def test_copies_go_on_with_the_same_numbers() -> None:
    g = Generator().manual_seed(3)
    torch.randn(701, generator=g)
    torch.randn(3, generator=g)
    copies = [
        g.clone_state(),
        copy.copy(g),
        copy.deepcopy(g),
        pickle.loads(pickle.dumps(g)),
        Generator().set_state(g.get_state()),
    ]
    expected = torch.randn(5, generator=g).tolist()
    for other in copies:
        assert torch.randn(5, generator=other).tolist() == expected
        assert other.initial_seed() == 3


def test_state_goes_round_at_every_place_of_a_block() -> None:
    for words in (0, 1, 100, 623, 624, 625, 1248):
        g = Generator().manual_seed(1)
        g.random32(words)
        other = Generator().set_state(g.get_state())
        assert g.get_state().tolist() == other.get_state().tolist()
        assert g.random32(700).tolist() == other.random32(700).tolist()


def test_seed_draws_a_seed_and_starts_its_stream() -> None:
    g = Generator()
    chosen = g.seed()
    assert 0 <= chosen < 2**64 and g.initial_seed() == chosen
    first = torch.rand(3, generator=g).tolist()
    assert torch.rand(3, generator=Generator().manual_seed(chosen)).tolist() == first
    assert torch.seed() == torch.initial_seed() == torch.random.initial_seed()


def test_fork_rng_puts_the_state_back() -> None:
    torch.manual_seed(2)
    with torch.random.fork_rng():
        torch.manual_seed(9)
        torch.randn(3)
    after = torch.rand(2).tolist()
    torch.manual_seed(2)
    assert torch.rand(2).tolist() == after
    torch.manual_seed(2)
    with torch.random.fork_rng(enabled=False):
        torch.rand(2)
    assert torch.rand(2).tolist() != after
    with pytest.raises(KeyError), torch.random.fork_rng():
        raise KeyError


def test_the_default_generator_is_one_object() -> None:
    assert torch.default_generator is default_generator is torch.manual_seed(0)
    assert str(default_generator.device) == "cpu"
    torch.manual_seed(4)
    assert torch.rand(1).item() == pytest.approx(torch.rand(1, generator=Generator().manual_seed(4)).item())


def test_generators_do_not_disturb_each_other() -> None:
    torch.manual_seed(0)
    expected = torch.rand(4).tolist()
    torch.manual_seed(0)
    torch.rand(5, generator=Generator())
    assert torch.rand(4).tolist() == expected


def test_threads_share_a_generator_without_losing_words() -> None:
    g = Generator().manual_seed(0)
    drawn: list[int] = []
    threads = [
        threading.Thread(target=lambda: drawn.extend(torch.randint(0, 2**20, (5000,), generator=g).tolist()))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(drawn) == sorted(torch.randint(0, 2**20, (20000,), generator=Generator().manual_seed(0)).tolist())


def test_threads_that_draw_first_begin_one_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    begun = random_module._twister
    both = threading.Barrier(2)

    def slow(seed: int) -> object:
        # Where two threads come here at once they meet; one alone goes on when the barrier gives up.
        with contextlib.suppress(threading.BrokenBarrierError):
            both.wait(0.2)
        return begun(seed)

    monkeypatch.setattr(random_module, "_twister", slow)
    g = Generator().manual_seed(0)
    found: list[object] = []
    threads = [threading.Thread(target=lambda: found.append(g.bits)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found[0] is found[1] is g.bits


def test_laws_have_their_moments() -> None:
    torch.manual_seed(0)
    n = 200_000
    for draw, mean, variance in (
        (torch.rand(n), 0.5, 1 / 12),
        (torch.randn(n), 0, 1),
        (torch.empty(n).exponential_(2), 0.5, 0.25),
        (torch.empty(n).geometric_(0.25), 4, 12),
        (torch.zeros(n).bernoulli_(0.3), 0.3, 0.21),
        (torch.poisson(torch.full((2000,), 20.0)), 20, 20),
    ):
        array = draw.numpy().astype(np.float64)
        spread = 5 * np.sqrt(variance / array.size)
        assert abs(array.mean() - mean) < spread, (mean, array.mean())
        assert abs(array.var() / variance - 1) < 0.2


def test_uniform_numbers_stay_below_the_upper_bound() -> None:
    torch.manual_seed(0)
    for dtype in (torch.float16, torch.bfloat16, torch.float32):
        x = torch.empty(20000, dtype=dtype).uniform_(1, 1.004)
        assert bool((x >= 1).all()) and bool((x < torch.tensor(1.004, dtype=dtype)).all() or dtype is torch.bfloat16)


def test_permutations_hold_each_number_once() -> None:
    for n in (0, 1, 2, 3, 1000):
        assert sorted(torch.randperm(n).tolist()) == list(range(n))


def test_in_place_draws_count_as_changes() -> None:
    x = torch.ones(3, requires_grad=True)
    y = x * 2
    z = y * y
    y.uniform_()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        z.sum().backward()


def test_a_view_that_is_filled_changes_its_base() -> None:
    x = torch.zeros(4, 3)
    x[1].uniform_(1, 2)
    assert bool((x[1] >= 1).all()) and x[0].tolist() == [0, 0, 0]


def test_empty_tensors_draw_nothing() -> None:
    g = Generator().manual_seed(0)
    before = g.get_state().tolist()
    for draw in (torch.rand(0, generator=g), torch.randn(0, 3, generator=g), torch.randint(0, 3, (0,), generator=g)):
        assert draw.numel() == 0
    assert g.get_state().tolist() == before


def test_native_and_reference_are_told_apart() -> None:
    from rushlight.kernels import random as kernels

    has_module = importlib.util.find_spec("rushlight._native") is not None
    assert kernels.native is None or has_module
