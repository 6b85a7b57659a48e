"""Embeddings: rows, gradients, padding, renormalisation, errors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import rushlight as torch
import rushlight.nn.functional as F
from rushlight.autograd import gradcheck, gradgradcheck

OPTIONS: dict[str, dict[str, Any]] = {"plain": {}, "padding": {"padding_idx": 1}, "last padding": {"padding_idx": -1}}


@pytest.mark.parametrize("name", OPTIONS)
def test_rows_and_derivatives(name: str) -> None:
    table = torch.tensor(np.random.default_rng(0).standard_normal((5, 3)), requires_grad=True)
    indices = torch.tensor([[0, 1, 1], [4, 2, 0]])
    out = F.embedding(indices, table, **OPTIONS[name])
    np.testing.assert_array_equal(out.detach().numpy(), table.detach().numpy()[indices.numpy()])
    out.sum().backward()
    counts = np.array([2.0, 2.0, 1.0, 0.0, 1.0])
    if OPTIONS[name]:
        counts[OPTIONS[name]["padding_idx"]] = 0
    np.testing.assert_array_equal(table.grad.numpy(), np.repeat(counts[:, None], 3, 1))
    if not OPTIONS[name]:
        assert gradcheck(lambda t: F.embedding(indices, t) ** 2, table)
        assert gradgradcheck(lambda t: F.embedding(indices, t) ** 2, table)


def test_gradients_by_frequency() -> None:
    table = torch.ones(3, 2, requires_grad=True)
    F.embedding(torch.tensor([0, 0, 2]), table, scale_grad_by_freq=True).sum().backward()
    assert table.grad.tolist() == [[1.0, 1.0], [0.0, 0.0], [1.0, 1.0]]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
@pytest.mark.parametrize("index", [torch.int32, torch.int64])
def test_types(dtype: Any, index: Any) -> None:
    layer = torch.nn.Embedding(4, 2, dtype=dtype)
    out = layer(torch.tensor([[1, 2]], dtype=index))
    out.sum().backward()
    assert (out.dtype, out.shape, layer.weight.grad.dtype) == (dtype, (1, 2, 2), dtype)


def test_the_padding_row_starts_at_zero() -> None:
    layer = torch.nn.Embedding(4, 2, padding_idx=-2)
    assert layer.padding_idx == 2
    assert layer.weight[2].tolist() == [0.0, 0.0]
    assert repr(layer) == "Embedding(4, 2, padding_idx=2)"
    assert list(layer.state_dict()) == ["weight"]


def test_rows_in_use_are_scaled_down() -> None:
    table = torch.tensor([[3.0, 4.0], [0.3, 0.4], [6.0, 8.0]])
    F.embedding(torch.tensor([0, 1]), table, max_norm=1.0)
    np.testing.assert_allclose(table.numpy(), [[0.6, 0.8], [0.3, 0.4], [6.0, 8.0]], rtol=1e-5)


def test_pretrained() -> None:
    table = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    frozen = torch.nn.Embedding.from_pretrained(table)
    assert not frozen.weight.requires_grad
    assert frozen(torch.tensor(1)).tolist() == [3.0, 4.0]
    assert torch.nn.Embedding.from_pretrained(table, freeze=False).weight.requires_grad


ERRORS: dict[str, tuple[Callable[[], Any], type[Exception], str]] = {
    "too large": (lambda: torch.nn.Embedding(3, 2)(torch.tensor([3])), IndexError, "index out of range in self"),
    "negative": (lambda: torch.nn.Embedding(3, 2)(torch.tensor([-1])), IndexError, "index out of range in self"),
    "type": (lambda: torch.nn.Embedding(3, 2)(torch.tensor([1.0])), RuntimeError, "Long, Int; but got"),
    "padding": (lambda: torch.nn.Embedding(3, 2, padding_idx=3), AssertionError, "must be within num_embeddings"),
    "table": (lambda: F.embedding(torch.tensor([0]), torch.ones(3)), RuntimeError, "must be 2-D"),
    "weight": (
        lambda: torch.nn.Embedding(3, 2, _weight=torch.ones(2, 2)),
        AssertionError,
        "does not match num_embeddings",
    ),
    "pretrained": (lambda: torch.nn.Embedding.from_pretrained(torch.ones(3)), AssertionError, "2-dimensional"),
    "list": (lambda: F.embedding([0], torch.ones(3, 2)), TypeError, "must be Tensor, not list"),  # type: ignore[arg-type]
    "max_norm": (lambda: F.embedding(torch.tensor([7]), torch.ones(3, 2), max_norm=1.0), IndexError, "out of range"),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name: str) -> None:
    call, error, message = ERRORS[name]
    with pytest.raises(error, match=message):
        call()


def test_one_hot() -> None:
    assert F.one_hot(torch.tensor([0, 2])).tolist() == [[1, 0, 0], [0, 0, 1]]
    assert F.one_hot(torch.tensor([1]), 4).tolist() == [[0, 1, 0, 0]]
    with pytest.raises(RuntimeError, match="smaller than num_classes"):
        F.one_hot(torch.tensor([4]), 3)
    with pytest.raises(RuntimeError, match="non-negative"):
        F.one_hot(torch.tensor([-1]))
