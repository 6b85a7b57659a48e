"""Reductions under a mask and masked tensors, by hand; no PyTorch needed."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import rushlight as torch

DATA = np.array([[1.5, -2.0, 3.25], [0.5, 4.0, -1.0]])
KEPT = np.array([[True, False, True], [False, True, True]])


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """A masked tensor says that it is a prototype."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def example(requires_grad: bool = False) -> Any:
    return torch.masked.masked_tensor(torch.tensor(DATA), torch.tensor(KEPT), requires_grad)


NUMPY = {"sum": np.sum, "mean": np.mean, "amax": np.max, "amin": np.min, "prod": np.prod}


@pytest.mark.parametrize("name", NUMPY)
def test_equals_numpy_on_what_is_kept(name: str) -> None:
    function = getattr(torch.masked, name)
    expected = [NUMPY[name](row[kept]) for row, kept in zip(DATA, KEPT, strict=True)]
    np.testing.assert_allclose(function(torch.tensor(DATA), 1, mask=torch.tensor(KEPT)).numpy(), expected)
    np.testing.assert_allclose(getattr(example(), name)(1).get_data().numpy(), expected)
    np.testing.assert_allclose(getattr(example(), name)().item(), NUMPY[name](DATA[KEPT]))


def test_elementwise_functions_keep_the_mask() -> None:
    x = example()
    for found, expected in ((x + 1, DATA + 1), (2 * x, 2 * DATA), (x.exp(), np.exp(DATA)), (x * x, DATA**2)):
        assert torch.masked.is_masked_tensor(found) and found.get_mask().numpy().tolist() == KEPT.tolist()
        np.testing.assert_allclose(found.to_tensor(0).numpy(), np.where(KEPT, expected, 0))


def test_a_gradient_is_masked() -> None:
    x = example(requires_grad=True)
    (x * x).sum().backward()
    assert torch.masked.is_masked_tensor(x.grad)
    np.testing.assert_allclose(x.grad.to_tensor(0).numpy(), np.where(KEPT, 2 * DATA, 0))
    (gradient,) = torch.autograd.grad((x * 3).sum(), x)
    np.testing.assert_allclose(gradient.to_tensor(0).numpy(), np.where(KEPT, 3, 0))


def test_sparse_inputs_are_reduced_over_their_entries() -> None:
    x, mask = torch.tensor(DATA * KEPT).to_sparse(), torch.tensor(KEPT).to_sparse()
    np.testing.assert_allclose(torch.masked.amax(x, 1, mask=mask).to_dense().numpy(), [3.25, 4.0])
    csr = torch.masked.mean(x.to_sparse_csr(), 1, keepdim=True, mask=mask.to_sparse_csr())
    np.testing.assert_allclose(csr.to_dense().numpy(), [[2.375], [1.5]])


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (
            lambda: example() + torch.masked.masked_tensor(torch.ones(2, 3), torch.ones(2, 3).bool()),
            ValueError,
            "match",
        ),
        (lambda: torch.masked.masked_tensor(torch.ones(2), torch.ones(2)), TypeError, "dtype bool"),
        (lambda: torch.masked.masked_tensor(torch.ones(2), torch.ones(3).bool()), ValueError, "size"),
        (lambda: example().median(), TypeError, "MaskedTensor"),
        (lambda: torch.masked.sum(torch.ones(2), mask=torch.ones(2, 2).bool()), IndexError, "broadcastable"),
    ],
)
def test_refusals(call: Any, error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        call()
