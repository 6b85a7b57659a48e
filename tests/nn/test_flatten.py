"""Flatten and Unflatten."""

from __future__ import annotations

from typing import Any

import pytest

import rushlight as torch
import rushlight.nn as nn

FLATTENED: list[tuple[dict[str, int], tuple[int, ...], tuple[int, ...]]] = [
    ({}, (4, 1, 5, 6), (4, 30)),
    ({"start_dim": 0}, (2, 3), (6,)),
    ({"start_dim": 0, "end_dim": 1}, (2, 3, 4), (6, 4)),
    ({"start_dim": -2}, (2, 3, 4), (2, 12)),
    ({}, (0, 3, 4), (0, 12)),
]


@pytest.mark.parametrize(("arguments", "before", "after"), FLATTENED, ids=str)
def test_flatten_joins_dimensions(arguments: Any, before: tuple[int, ...], after: tuple[int, ...]) -> None:
    x = torch.arange(torch.ones(before).numel()).reshape(before)
    out = nn.Flatten(**arguments)(x)
    assert out.shape == after and out.flatten().tolist() == x.flatten().tolist()


@pytest.mark.parametrize("sizes", [(2, 3), [2, 3], (2, -1), torch.Size([2, 3])], ids=str)
def test_unflatten_undoes_it(sizes: Any) -> None:
    x = torch.arange(12.0, requires_grad=True).reshape(2, 6)
    out = nn.Unflatten(1, sizes)(x)
    assert out.shape == (2, 2, 3) and torch.equal(nn.Flatten()(out), x)


@pytest.mark.parametrize(
    ("action", "kind", "text"),
    [
        (lambda: nn.Flatten()(torch.ones(4)), IndexError, "Dimension out of range"),
        (lambda: nn.Unflatten(1, 3), TypeError, "unflattened_size must be a tuple of ints, but found type int"),
        (lambda: nn.Unflatten(1, (2, "a")), TypeError, "found element of type str at pos 1"),
        (
            lambda: nn.Unflatten(1, (2, 3))(torch.ones(2, 5)),
            RuntimeError,
            r"don't multiply up to the size of dim 1 \(5\)",
        ),
    ],
)
def test_refuses_with_pytorch_s_words(action: Any, kind: type[Exception], text: str) -> None:
    with pytest.raises(kind, match=text):
        action()


def test_prints_as_pytorch_does() -> None:
    assert repr(nn.Flatten()) == "Flatten(start_dim=1, end_dim=-1)"
    assert repr(nn.Unflatten(1, (2, 3))) == "Unflatten(dim=1, unflattened_size=(2, 3))"
