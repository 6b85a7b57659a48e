"""nn.init: laws, shapes, errors and warnings, without PyTorch."""

from __future__ import annotations

import math

import numpy as np
import pytest

import rushlight as torch
from rushlight.nn import init

SEED = 3


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(SEED)


def test_values_fill_leaves_without_a_record() -> None:
    w = torch.zeros(4, 4, requires_grad=True)
    version = w._version
    for fill in (init.uniform_, init.normal_, init.ones_, init.zeros_, init.eye_, init.orthogonal_, init.trunc_normal_):
        assert fill(w) is w
        assert w.requires_grad and w.is_leaf and w.grad_fn is None
        assert w._version > version
        version = w._version


@pytest.mark.parametrize(
    ("fill", "bound"),
    [
        (lambda w: init.uniform_(w, -2, 3), (-2, 3)),
        (lambda w: init.xavier_uniform_(w, 2.0), 2 * math.sqrt(6 / (300 * 9 + 200 * 9))),
        (lambda w: init.kaiming_uniform_(w), math.sqrt(2) * math.sqrt(3 / (300 * 9))),
        (lambda w: init.kaiming_uniform_(w, a=math.sqrt(5)), 1 / math.sqrt(300 * 9)),
        (lambda w: init.kaiming_uniform_(w, mode="fan_out", nonlinearity="linear"), math.sqrt(3 / (200 * 9))),
    ],
)
def test_uniform_laws_reach_their_bounds(fill: object, bound: object) -> None:
    array = fill(torch.empty(200, 300, 3, 3)).numpy()  # type: ignore[operator]
    low, high = bound if isinstance(bound, tuple) else (-bound, bound)  # type: ignore[operator]
    assert low <= array.min() < low + (high - low) * 1e-3
    assert high - (high - low) * 1e-3 < array.max() <= high
    assert array.mean() == pytest.approx((low + high) / 2, abs=(high - low) * 1e-2)


@pytest.mark.parametrize(
    ("fill", "std"),
    [
        (lambda w: init.normal_(w, 0, 0.1), 0.1),
        (lambda w: init.xavier_normal_(w, 3.0), 3 * math.sqrt(2 / 500)),
        (lambda w: init.kaiming_normal_(w, nonlinearity="relu"), math.sqrt(2 / 300)),
        (lambda w: init.kaiming_normal_(w, mode="fan_out", nonlinearity="tanh"), 5 / 3 / math.sqrt(200)),
    ],
)
def test_normal_laws_have_their_deviation(fill: object, std: float) -> None:
    array = fill(torch.empty(200, 300)).numpy()  # type: ignore[operator]
    assert array.std() == pytest.approx(std, rel=0.02)
    assert abs(array.mean()) < std * 0.02


@pytest.mark.parametrize(("mean", "std", "a", "b"), [(0, 1, -2, 2), (0, 1, -0.1, 0.2), (3, 1, 0, 2), (0, 0.02, -2, 2)])
def test_trunc_normal_stays_inside_and_follows_the_law(mean: float, std: float, a: float, b: float) -> None:
    array = init.trunc_normal_(torch.empty(20000), mean, std, a, b).numpy().astype(np.float64)
    assert a <= array.min() and array.max() <= b
    grid = np.linspace(a, b, 200001)
    density = np.exp(-0.5 * ((grid - mean) / std) ** 2)
    assert array.mean() == pytest.approx((grid * density).sum() / density.sum(), abs=0.02 * (b - a))


@pytest.mark.parametrize("shape", [(5, 3), (3, 5), (4, 2, 3), (6, 6)])
def test_orthogonal_rows_or_columns(shape: tuple[int, ...]) -> None:
    q = init.orthogonal_(torch.empty(shape), gain=2).numpy().reshape(shape[0], -1) / 2
    product = q @ q.T if q.shape[0] <= q.shape[1] else q.T @ q
    np.testing.assert_allclose(product, np.eye(min(q.shape)), atol=1e-6)


def test_sparse_zeroes_the_same_share_of_every_column() -> None:
    w = init.sparse_(torch.empty(10, 7), 0.25)
    assert (w.numpy() == 0).sum(0).tolist() == [3] * 7


def test_dirac_keeps_channels_through_a_convolution() -> None:
    w = init.dirac_(torch.empty(4, 2, 3), groups=2).numpy()
    assert [tuple(int(i) for i in place) for place in np.argwhere(w)] == [(0, 0, 1), (1, 1, 1), (2, 0, 1), (3, 1, 1)]


def test_generator_leaves_the_default_one_alone() -> None:
    before = torch.get_rng_state().tolist()
    g = torch.Generator()
    first = init.kaiming_normal_(torch.empty(3, 3), generator=g.manual_seed(1)).tolist()
    assert init.kaiming_normal_(torch.empty(3, 3), generator=g.manual_seed(1)).tolist() == first
    assert torch.get_rng_state().tolist() == before


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: init.calculate_gain("nothing"), "Unsupported nonlinearity nothing"),
        (lambda: init.calculate_gain("leaky_relu", True), "negative_slope True not a valid number"),
        (lambda: init.eye_(torch.empty(3)), "Only tensors with 2 dimensions are supported"),
        (lambda: init.dirac_(torch.empty(3)), "Only tensors with 3, 4, or 5 dimensions are supported"),
        (lambda: init.dirac_(torch.empty(5, 2, 3), 2), "dim 0 must be divisible by groups"),
        (lambda: init.xavier_normal_(torch.empty(3)), "fewer than 2 dimensions"),
        (lambda: init.kaiming_normal_(torch.empty(3, 2), mode="sum"), "Mode sum not supported, please use one of"),
        (lambda: init.orthogonal_(torch.empty(3)), "Only tensors with 2 or more dimensions are supported"),
        (lambda: init.sparse_(torch.empty(3), 0.1), "Only tensors with 2 dimensions are supported"),
    ],
)
def test_errors(call: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()  # type: ignore[operator]


def test_old_names_warn() -> None:
    with pytest.warns(FutureWarning, match=r"`nn\.init\.constant` is now deprecated in favor of `nn\.init\.constant_`"):
        assert init.constant(torch.empty(2), 0.5).tolist() == [0.5, 0.5]
    with pytest.warns(UserWarning, match="zero-element tensors is a no-op"):
        init.kaiming_uniform_(torch.empty(0, 2))
    with pytest.warns(UserWarning, match="mean is more than 2 std from"):
        init.trunc_normal_(torch.empty(3), 5.0, 0.5)


def test_trunc_normal_wants_its_bounds_in_order() -> None:
    with pytest.raises(RuntimeError, match="found from=2 > to"):
        init.trunc_normal_(torch.empty(3), 0.0, 1.0, 2.0, -1.5)
