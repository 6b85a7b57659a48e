"""The same seed gives PyTorch's numbers, and leaves the generator in PyTorch's state."""

from __future__ import annotations

import copy
import pickle
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import rushlight  # noqa: E402
from rushlight.kernels import random as kernels  # noqa: E402
from tests.parity.programs import same_error  # noqa: E402

FLOATS = ("float32", "float64", "float16", "bfloat16")
INTEGERS = ("uint8", "int8", "int16", "int32", "int64")
SIZES = (0, 1, 7, 15, 16, 17, 32, 100, 1003)


def torch_draws_bernoulli_serially() -> bool:
    """False for PyTorch built with MKL on an Intel processor: it takes one draw as the seed of a generator of MKL's."""
    torch.manual_seed(0)
    torch.empty(50).bernoulli_(0.5)
    return int.from_bytes(torch.get_rng_state().numpy()[16:24].tobytes(), "little") > 50


SERIAL = torch_draws_bernoulli_serially()
mkl = pytest.mark.skipif(
    not SERIAL, reason="this PyTorch draws bernoulli_(number) and exponential_ with MKL's own generator"
)


def both(program: Callable[[Any], Any], seed: int = 5) -> tuple[Any, Any]:
    """The results of a program on both libraries after the same seed; their generators must end in the same state."""
    results = []
    for library in (torch, rushlight):
        library.manual_seed(seed)
        results.append(program(library))
    states = [library.get_rng_state().numpy() for library in (torch, rushlight)]
    np.testing.assert_array_equal(states[0], states[1], err_msg=f"generator's state after seed {seed}")
    return results[0], results[1]


def equal(program: Callable[[Any], Any], seed: int = 5, ulps: float = 0) -> None:
    """Both libraries give the same tensor: bit for bit, or within so many units in the last place of the largest
    element.
    """
    expected, found = both(program, seed)
    assert str(found.dtype) == str(expected.dtype)
    assert tuple(found.shape) == tuple(expected.shape)
    assert found.stride() == expected.stride() or found.numel() < 2
    wide = "complex128" if expected.is_complex() else "float64"
    e = expected.detach().to(getattr(torch, wide)).numpy()
    f = found.detach().to(getattr(rushlight, wide)).numpy()
    if ulps == 0 or not (expected.is_floating_point() or expected.is_complex()):
        np.testing.assert_array_equal(f, e, err_msg=f"seed {seed}")
    elif e.size:
        finite = np.abs(e[np.isfinite(e)])
        eps = torch.finfo(expected.dtype).eps
        np.testing.assert_allclose(
            f, e, rtol=ulps * eps, atol=ulps * eps * (finite.max() if finite.size else 1), err_msg=f"seed {seed}"
        )


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("n", SIZES)
def test_uniform(dtype: str, n: int) -> None:
    equal(lambda t: t.rand(n, dtype=getattr(t, dtype)), n)
    for low, high in ((-3.0, 7.0), (0.1, 0.3), (1.37, 1.4), (-0.5, 0.5)):
        equal(lambda t, low=low, high=high: t.empty(n, dtype=getattr(t, dtype)).uniform_(low, high), n, ulps=_ulps(1))


def _ulps(n: float) -> float:
    """No difference with the compiled kernels, a few units with the reference: log, cos and sin are NumPy's there."""
    return 0 if kernels.native is not None else n


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("n", SIZES)
def test_normal(dtype: str, n: int) -> None:
    ulps = 4 if dtype == "float64" else _ulps(4)
    equal(lambda t: t.randn(n, dtype=getattr(t, dtype)), n, ulps=ulps)
    equal(lambda t: t.empty(n, dtype=getattr(t, dtype)).normal_(1.3, 2.7), n, ulps=4)


def test_the_second_of_a_pair_of_normals_is_kept_for_the_next_call() -> None:
    equal(lambda t: t.cat([t.randn(3), t.rand(2), t.randn(2), t.randn(1), t.randn(20), t.randn(2)]), ulps=_ulps(4))
    equal(lambda t: (t.randn(1), t.manual_seed(5), t.randn(1))[2], ulps=_ulps(4))


@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
@pytest.mark.parametrize("n", [1, 9, 40])
def test_complex(dtype: str, n: int) -> None:
    equal(lambda t: t.rand(n, dtype=getattr(t, dtype)), n)
    expected, found = both(lambda t: t.randn(n, dtype=getattr(t, dtype)), n)
    np.testing.assert_allclose(found.numpy(), expected.numpy(), rtol=1e-5 if dtype == "complex64" else 1e-12)


LAYOUTS: dict[str, Callable[[Any, Any], Any]] = {
    "column": lambda t, d: t.zeros(40, 2, dtype=d)[:, 0],
    "transposed": lambda t, d: t.zeros(5, 8, dtype=d).t(),
    "permuted": lambda t, d: t.zeros(3, 4, 5, dtype=d).permute(2, 0, 1),
    "strided": lambda t, d: t.zeros(6, 10, dtype=d)[::2, ::3],
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", FLOATS)
def test_memory_that_is_not_contiguous_is_filled_in_its_own_order(layout: str, dtype: str) -> None:
    for fill in (
        lambda x: x.uniform_(),
        lambda x: x.normal_(),
        lambda x: x.random_(100),
        lambda x: x.geometric_(0.3),
        lambda x: x.bernoulli_(x.new_full(tuple(x.shape), 0.4)),
    ):
        equal(lambda t, fill=fill: fill(LAYOUTS[layout](t, getattr(t, dtype))), ulps=4)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_like(layout: str) -> None:
    equal(lambda t: t.rand_like(LAYOUTS[layout](t, t.float32)))
    equal(lambda t: t.randn_like(LAYOUTS[layout](t, t.float32)), ulps=4)
    equal(lambda t: t.randint_like(LAYOUTS[layout](t, t.float32), 3, 9))
    equal(lambda t: t.rand_like(t.zeros(3, dtype=t.int64), dtype=t.float64))


@pytest.mark.parametrize(
    ("low", "high"), [(0, 10), (-5, 5), (3, 2**28 + 2), (3, 2**28 + 3), (0, 2**32), (-(2**63), 2**63 - 1), (1, 2**62)]
)
def test_randint(low: int, high: int) -> None:
    equal(lambda t: t.randint(low, high, (31,)))


@pytest.mark.parametrize("dtype", [*FLOATS, *INTEGERS, "bool"])
def test_random(dtype: str) -> None:
    equal(lambda t: t.zeros(50, dtype=getattr(t, dtype)).random_())
    equal(lambda t: t.zeros(50, dtype=getattr(t, dtype)).random_(2))
    equal(lambda t: t.zeros(50, dtype=getattr(t, dtype)).random_(0, None))
    if dtype != "bool":
        equal(lambda t: t.zeros(50, dtype=getattr(t, dtype)).random_(3, 17))
        equal(lambda t: t.randint(17, (4, 5), dtype=getattr(t, dtype)))
        equal(lambda t: t.randint_like(t.zeros(4, dtype=getattr(t, dtype)), 9))


@pytest.mark.parametrize("n", [0, 1, 2, 10, 625, 60000])
def test_randperm(n: int) -> None:
    equal(lambda t: t.randperm(n), n)
    equal(lambda t: t.randperm(min(n, 100), dtype=t.int32), n)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("chances", FLOATS)
def test_bernoulli_of_tensors(dtype: str, chances: str) -> None:
    equal(lambda t: t.zeros(200, dtype=getattr(t, dtype)).bernoulli_(t.full((200,), 0.3, dtype=getattr(t, chances))))
    equal(lambda t: t.bernoulli(t.linspace(0, 1, 200).to(getattr(t, chances))))
    equal(lambda t: t.zeros(7, 5).bernoulli_(t.tensor([0.1, 0.5, 0.9, 0.0, 1.0])))
    equal(lambda t: t.zeros(5, 7).t().bernoulli_(t.tensor([0.1, 0.5, 0.9, 0.0, 1.0])))


@mkl
@pytest.mark.parametrize("dtype", [*FLOATS, *INTEGERS, "bool"])
@pytest.mark.parametrize("p", [0.0, 0.3, 0.5, 1.0])
def test_bernoulli_of_a_number(dtype: str, p: float) -> None:
    equal(lambda t: t.zeros(700, dtype=getattr(t, dtype)).bernoulli_(p))
    equal(lambda t: t.zeros(5, 7, dtype=getattr(t, dtype)).t().bernoulli_(p))
    equal(lambda t: t.bernoulli(t.zeros(9), p))


@mkl
@pytest.mark.parametrize("dtype", FLOATS)
def test_exponential(dtype: str) -> None:
    equal(lambda t: t.zeros(500, dtype=getattr(t, dtype)).exponential_(), ulps=2)
    equal(lambda t: t.zeros(500, dtype=getattr(t, dtype)).exponential_(2.5), ulps=2)


@pytest.mark.parametrize("dtype", FLOATS)
def test_other_laws(dtype: str) -> None:
    equal(lambda t: t.zeros(500, dtype=getattr(t, dtype)).geometric_(0.3))
    equal(lambda t: t.zeros(500, dtype=t.int64).geometric_(0.01))
    for fill in (
        lambda x: x.cauchy_(1, 0.5),
        lambda x: x.cauchy_(),
        lambda x: x.log_normal_(),
        lambda x: x.log_normal_(0.5, 0.3),
    ):
        equal(lambda t, fill=fill: fill(t.zeros(500, dtype=getattr(t, dtype))), ulps=8)


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
@pytest.mark.parametrize("rate", [0.0, 0.5, 3.0, 10.0, 50.5, 1000.0])
def test_poisson(dtype: str, rate: float) -> None:
    equal(lambda t: t.poisson(t.full((200,), rate, dtype=getattr(t, dtype))))


@mkl
@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize(("count", "replacement"), [(50, True), (1, True), (1, False), (7, False), (11, False)])
def test_multinomial(dtype: str, count: int, replacement: bool) -> None:
    def program(t: Any) -> Any:
        weights = t.rand(6, 11, dtype=t.float64).to(getattr(t, dtype))
        return t.cat(
            [t.multinomial(weights, count, replacement), t.multinomial(weights[2], count, replacement).unsqueeze(0)]
        )

    equal(program)


@pytest.mark.parametrize("n", [5, 40])
@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
def test_normal_of_tensors(n: int, dtype: str) -> None:
    def args(t: Any) -> tuple[Any, Any]:
        return t.arange(n).to(getattr(t, dtype)) / 8 - 1, t.arange(n).to(getattr(t, dtype)) / 16 + 0.5

    equal(lambda t: t.normal(*args(t)), ulps=4)
    equal(lambda t: t.normal(args(t)[0], 1.7), ulps=4)
    equal(lambda t: t.normal(0.3, args(t)[1]), ulps=4)
    equal(lambda t: t.normal(args(t)[0]), ulps=4)
    equal(lambda t: t.normal(0.3, 1.7, (n,), dtype=getattr(t, dtype)), ulps=4)
    equal(lambda t: t.normal(args(t)[0].unsqueeze(1), args(t)[1]), ulps=4)


@pytest.mark.parametrize("seed", [0, 1, -1, -5, 2**31, 2**32 + 7, 2**63, 2**64 - 1, -(2**63), True, 1.5])
def test_seeds(seed: Any) -> None:
    equal(lambda t: t.rand(3), seed)
    assert rushlight.manual_seed(seed).initial_seed() == torch.manual_seed(seed).initial_seed()


def test_states_go_from_one_library_to_the_other() -> None:
    for draws in (0, 1, 623, 624, 625):
        torch.manual_seed(2**40 + 5)
        torch.rand(draws)
        torch.randn(3)
        rushlight.set_rng_state(rushlight.from_numpy(torch.get_rng_state().numpy()))
        assert rushlight.randn(5).tolist() == torch.randn(5).tolist()
        rushlight.rand(700 + draws)
        torch.set_rng_state(torch.from_numpy(rushlight.get_rng_state().numpy()))
        assert rushlight.rand(5).tolist() == torch.rand(5).tolist()
        assert rushlight.initial_seed() == torch.initial_seed()


def test_a_generator_that_is_fresh() -> None:
    ours, theirs = rushlight.Generator(), torch.Generator()
    assert ours.initial_seed() == theirs.initial_seed()
    np.testing.assert_array_equal(ours.get_state().numpy(), theirs.get_state().numpy())
    assert rushlight.rand(3, generator=ours).tolist() == torch.rand(3, generator=theirs).tolist()
    for copied in (copy.deepcopy(ours), copy.copy(ours), pickle.loads(pickle.dumps(ours)), ours.clone_state()):
        assert rushlight.rand(3, generator=copied).tolist() == torch.rand(3, generator=theirs.clone_state()).tolist()


def test_the_seeds_that_a_shuffling_loader_draws() -> None:
    equal(lambda t: t.empty((), dtype=t.int64).random_())
    equal(lambda t: t.empty((), dtype=t.int64).random_(generator=t.Generator().manual_seed(3)))


GRADIENTS: dict[str, Callable[[Any, Any], Any]] = {
    "uniform_": lambda t, x: (x * 2).uniform_(),
    "normal_": lambda t, x: (x * 2).normal_(),
    "bernoulli_": lambda t, x: (x * 2).bernoulli_(0.5),
    "bernoulli_ tensor": lambda t, x: (x * 2).bernoulli_(t.tensor(0.5)),
    "random_": lambda t, x: (x * 2).random_(),
    "random_ to": lambda t, x: (x * 2).random_(3),
    "random_ from to": lambda t, x: (x * 2).random_(1, 3),
    "exponential_": lambda t, x: (x * 2).exponential_(),
    "geometric_": lambda t, x: (x * 2).geometric_(0.4),
    "cauchy_": lambda t, x: (x * 2).cauchy_(),
    "log_normal_": lambda t, x: (x * 2).log_normal_(),
    "bernoulli": lambda t, x: t.bernoulli(x),
    "poisson": lambda t, x: t.poisson(x),
    "normal mean": lambda t, x: t.normal(x, 1.0),
    "normal std": lambda t, x: t.normal(1.0, x),
    "normal both": lambda t, x: t.normal(x, x),
}


@pytest.mark.parametrize("name", GRADIENTS)
def test_no_gradient_passes_a_draw(name: str) -> None:
    found = []
    for t in (torch, rushlight):
        x = t.tensor([0.5, 0.25], requires_grad=True)
        out = GRADIENTS[name](t, x)
        out.sum().backward()
        found.append((type(out.grad_fn).__name__, out._version, x.grad.tolist()))
    assert found[0] == found[1]


ERRORS = [
    "t.empty(3).random_(0)", "t.empty(3).random_(5, 2)", "t.empty(3, dtype=t.uint8).random_(300)",
    "t.empty(3, dtype=t.uint8).random_(-1, 5)", "t.empty(3, dtype=t.int8).random_(0, 200)",
    "t.empty(3, dtype=t.float16).random_(0, 70000)", "t.empty(3, dtype=t.bool).random_(0, 3)",
    "t.empty(3).uniform_(2, 1)",
    "t.empty(3).uniform_(-3e38, 3e38)", "t.empty(3).uniform_(0, 1e39)", "t.empty(3).uniform_(float('nan'), 1)",
    "t.empty(3, dtype=t.int64).uniform_()", "t.empty(3).normal_(0, -1)", "t.empty(3, dtype=t.int64).normal_()",
    "t.empty(3).exponential_(0)", "t.empty(3, dtype=t.int64).exponential_()", "t.empty(3).geometric_(0)",
    "t.empty(3).geometric_(1)",
    "t.empty(3, dtype=t.bool).geometric_(0.5)", "t.empty(3).cauchy_(0, 0)", "t.empty(3, dtype=t.int32).cauchy_()",
    "t.empty(3).log_normal_(0, -1)", "t.empty(3, dtype=t.int32).log_normal_()", "t.empty(3).bernoulli_(1.5)",
    "t.empty(3).bernoulli_(-0.1)", "t.bernoulli(t.tensor([1, 0]))", "t.randint(5, 5, (2,))", "t.randint(3, 2)",
    "t.randint(0, 300, (2,), dtype=t.uint8)", "t.randint(10, (2,), dtype=t.complex64)",
    "t.randint(0, 10, (2,), requires_grad=True)", "t.randperm(-1)", "t.randperm(300, dtype=t.uint8)",
    "t.randperm(5000, dtype=t.float16)", "t.randperm(5, dtype=t.bool)", "t.randperm(2.5)", "t.rand(-1)",
    "t.rand(2, -1)",
    "t.rand('a')", "t.rand(2.5)", "t.rand(2, dtype=t.int64)", "t.randn(2, dtype=t.int64)", "t.rand(2, device='cuda')",
    "t.rand_like(t.ones(2, dtype=t.int64))", "t.poisson(t.tensor([-1.0]))", "t.poisson(t.tensor([1, 2]))",
    "t.normal(0, -1.0, size=(3,))", "t.normal(t.zeros(3), -1.0)", "t.normal(t.zeros(3), t.tensor([-1.0]))",
    "t.normal(t.zeros(3, 1), t.ones(5, 2))", "t.multinomial(t.ones(3), 4)", "t.multinomial(t.ones(3), 0)",
    "t.multinomial(t.zeros(3), 1)", "t.multinomial(t.zeros(3), 2, True)", "t.multinomial(t.tensor([1.0, -1]), 1)",
    "t.multinomial(t.tensor([1.0, float('inf')]), 1)", "t.multinomial(t.tensor([1, 2]), 1)",
    "t.multinomial(t.ones(2, 2, 2), 1)",
    "t.set_rng_state(t.zeros(5056))", "t.set_rng_state(t.zeros(3, dtype=t.uint8))",
    "t.set_rng_state(t.zeros(5056, dtype=t.uint8))", "t.Generator().set_state(3)", "t.Generator().manual_seed('a')",
    "t.Generator().manual_seed(1.5)", "t.manual_seed(2**64)", "t.manual_seed(-2**63 - 1)", "t.Generator().get_offset()",
    "t.Generator().set_offset(1)", "t.Generator().graphsafe_get_state()", "t.Generator('nowhere')",
    "t.ones(3, requires_grad=True).uniform_()",
]  # fmt: skip


@pytest.mark.parametrize("program", ERRORS)
def test_errors(program: str) -> None:
    same_error(program)


@pytest.mark.parametrize(
    "program",
    ["t.rand()", "t.rand(2, foo=1)", "t.rand(3, generator=3)", "t.randint(0.5, 2, (2,))", "t.randint(10)",
    "t.randperm()", "t.normal(0, 1)", "t.multinomial(t.ones(3), 2.0)", "t.rand((2,), 3)"],
)  # fmt: skip
def test_type_errors_whose_text_differs(program: str) -> None:
    for t in (torch, rushlight):
        with pytest.raises(TypeError):
            eval(program, {"t": t})


def test_a_range_that_the_dtype_cannot_count_through_warns() -> None:
    for t in (torch, rushlight):
        with pytest.warns(
            UserWarning, match=r"to - 1 is out of bounds \[-\(2\^24\), 2\^24\]. Due to precision limitations float"
        ):
            t.empty(3).random_(0, 2**27)


@pytest.mark.parametrize(
    "program",
    ["t.rand(2, 3)", "t.rand([2, 3])", "t.rand(t.Size([2, 3]))", "t.rand(size=(2, 3))", "t.rand(())",
    "t.rand(t.tensor(2))", "t.rand(2, out=t.empty(2, dtype=t.float64))", "t.randn(2, requires_grad=True)",
     "t.randint(low=2, high=9, size=(3,))",
     "t.randint(9, size=(3,))", "t.randint(high=9, size=(3,))", "t.empty(3).uniform_(to=3)",
     "t.empty(3).uniform_(**{'from': 2, 'to': 3})",
     "t.empty(3).random_(to=3)", "t.empty(3).random_(**{'from': 1, 'to': 3})",
     "t.normal(mean=t.zeros(2), std=t.ones(2))",
     "t.normal(0.0, 1.0, size=(2, 2))", "t.randperm(5, out=t.empty(5, dtype=t.int64))", "t.zeros(3).bernoulli()"],
)  # fmt: skip
def test_ways_to_call(program: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        equal(lambda t: eval(program, {"t": t}), ulps=4)


def test_default_dtype_is_followed() -> None:
    try:
        for t in (torch, rushlight):
            t.set_default_dtype(t.float64)
        equal(lambda t: t.rand(5))
    finally:
        for t in (torch, rushlight):
            t.set_default_dtype(t.float32)
