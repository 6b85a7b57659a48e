"""Sorting, selection, unique elements, histograms and quantiles."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import rushlight as torch

NAN, INF = math.nan, math.inf


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16, torch.bfloat16])
def test_sort_puts_nan_last(dtype: Any) -> None:
    values, indices = torch.tensor([2.0, NAN, -1.0, INF], dtype=dtype).sort()
    assert indices.tolist() == [2, 0, 3, 1]
    assert values[:3].tolist() == [-1.0, 2.0, INF]
    assert torch.tensor([2.0, NAN, -1.0], dtype=dtype).argsort(descending=True).tolist() == [1, 0, 2]


def test_equal_elements_keep_their_order() -> None:
    x = torch.tensor([1, 0, 1, 0])
    assert x.sort(stable=True).indices.tolist() == [1, 3, 0, 2]
    assert x.sort(stable=True, descending=True).indices.tolist() == [0, 2, 1, 3]


def test_selection_agrees_with_sorting() -> None:
    data = np.random.default_rng(11).standard_normal((4, 6))
    x = torch.tensor(data)
    ranked = np.sort(data, axis=1)
    np.testing.assert_array_equal(x.topk(3).values.numpy(), ranked[:, ::-1][:, :3])
    np.testing.assert_array_equal(x.topk(2, largest=False).values.numpy(), ranked[:, :2])
    np.testing.assert_array_equal(x.kthvalue(2).values.numpy(), ranked[:, 1])
    np.testing.assert_array_equal(x.median(1).values.numpy(), ranked[:, 2])
    np.testing.assert_allclose(x.quantile(0.3, dim=1).numpy(), np.quantile(data, 0.3, axis=1))


def test_gradients_go_back_to_where_elements_were() -> None:
    x = torch.tensor([3.0, 1.0, 2.0], requires_grad=True)
    (x.sort().values * torch.tensor([1.0, 10.0, 100.0])).sum().backward()
    assert x.grad.tolist() == [100.0, 1.0, 10.0]


def test_unique() -> None:
    x = torch.tensor([[3, 1], [1, 3]])
    out, inverse, counts = torch.unique(x, return_inverse=True, return_counts=True)
    assert (out.tolist(), inverse.tolist(), counts.tolist()) == ([1, 3], [[1, 0], [0, 1]], [2, 2])
    out, counts = torch.unique_consecutive(torch.tensor([1, 1, 2, 1]), return_counts=True)
    assert (out.tolist(), counts.tolist()) == ([1, 2, 1], [2, 1, 1])


def test_counting_and_placing() -> None:
    assert torch.bincount(torch.tensor([1, 1, 3]), minlength=5).tolist() == [0, 2, 0, 1, 0]
    assert torch.histc(torch.tensor([1.0, 2.0, 1.0]), bins=4, min=0, max=3).tolist() == [0, 2, 1, 0]
    edges = torch.tensor([1, 3, 5])
    assert torch.searchsorted(edges, torch.tensor([3, 6])).tolist() == [1, 3]
    assert torch.bucketize(torch.tensor([3]), edges, right=True, out_int32=True).dtype is torch.int32


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda x: x.topk(4), RuntimeError, "selected index k out of range"),
        (lambda x: x.kthvalue(4), RuntimeError, "selected number k out of range for dimension 1"),
        (lambda x: x[:0].kthvalue(1, 0), IndexError, "dim 0 to have non-zero size"),
        (lambda x: x.bincount(), NotImplementedError, "not implemented for 'Float'"),
        (lambda x: torch.tensor([-1]).bincount(), RuntimeError, "1-d non-negative integral inputs"),
        (lambda x: x[:0].quantile(0.5), RuntimeError, "must be non-empty"),
        (lambda x: x.quantile(0.5, interpolation="none"), RuntimeError, "interpolation must be one of"),
        (lambda x: torch.bucketize(x, x), RuntimeError, "boundaries tensor must be 1 dimension"),
        (lambda x: x.sort(2), IndexError, "Dimension out of range"),
    ],
)
def test_errors(call: Any, error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        call(torch.ones(2, 3))
