"""Errors of float32 results and gradients beside PyTorch's: at most twice as large, over all families of kernels."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

torch = pytest.importorskip("torch")

from rushlight.backends import cpu  # noqa: E402
from tests.parity.accuracy import PROGRAMS, figures  # noqa: E402

# PyTorch sums over the features apart from the outputs: nine sums of 30 products, where ours is one of 270.
LARGER = {"bilinear": 2.5}
WINOGRAD = ("conv2d 3x3", "conv2d 3x3, many channels", "conv3d")


@pytest.fixture(params=[False], ids=["sums"])
def winograd(request: pytest.FixtureRequest) -> Iterator[None]:
    """Whether convolutions may go by Winograd's transforms, for one test."""
    before = cpu.is_winograd_allowed()
    cpu.allow_winograd(request.param)
    yield
    cpu.allow_winograd(before)


@pytest.mark.parametrize("name", PROGRAMS)
def test_errors_are_at_most_twice_pytorchs(name: str, winograd: None) -> None:
    larger = [figure for figure in figures(name) if not figure.ratio <= LARGER.get(name, 2.0)]
    assert not larger


@pytest.mark.parametrize("winograd", [True], ids=["transforms"], indirect=True)
@pytest.mark.parametrize("name", WINOGRAD)
def test_winograds_convolutions_err_by_at_most_a_ten_thousandth(name: str, winograd: None) -> None:
    assert all(figure.ours <= 1e-4 for figure in figures(name))
