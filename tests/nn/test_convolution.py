"""What cases can't state of convolutions and pooling: layers before their first input, equal places, drawn windows."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest

import rushlight as torch
from rushlight import nn
from rushlight.nn import functional as F

LAZY = [f"Lazy{kind}{rank}d" for kind in ("Conv", "ConvTranspose") for rank in (1, 2, 3)]


def lazy(name: str, *arguments: Any, **options: Any) -> tuple[Any, int]:
    return getattr(nn, name)(*arguments, **options), int(name[-2])


@pytest.mark.parametrize("name", LAZY)
def test_a_lazy_layer_becomes_an_ordinary_one(name: str) -> None:
    layer, rank = lazy(name, 4, 2, groups=2)
    assert layer.has_uninitialized_params() and layer.cls_to_become is getattr(nn, name[4:])
    assert [type(v).__name__ for v in layer.state_dict().values()] == ["UninitializedParameter"] * 2
    assert repr(layer).startswith(f"{name}(0, 4, ")
    weight = layer.weight
    torch.manual_seed(3)
    out = layer(torch.ones(2, 6, *[4] * rank))
    assert type(layer) is getattr(nn, name[4:]) and repr(layer).startswith(f"{name[4:]}(6, 4, ")
    assert layer.weight is weight and out.shape[:2] == (2, 4)
    torch.manual_seed(3)
    other = getattr(nn, name[4:])(6, 4, 2, groups=2)
    for ours, theirs in zip(layer.parameters(), other.parameters(), strict=True):
        assert torch.equal(ours, theirs)
    assert torch.equal(layer(torch.ones(6, *[4] * rank)), out[0])


@pytest.mark.parametrize("name", LAZY)
def test_a_lazy_layer_is_loaded(name: str) -> None:
    layer, rank = lazy(name, 4, 2)
    state = getattr(nn, name[4:])(3, 4, 2).state_dict()
    layer.load_state_dict(state)
    assert not layer.has_uninitialized_params() and type(layer) is getattr(nn, name)
    assert torch.equal(layer.weight, state["weight"])
    layer(torch.ones(3, *[4] * rank))
    assert type(layer) is getattr(nn, name[4:]) and torch.equal(layer.weight, state["weight"])
    layer, _ = lazy(name, 4, 2)
    layer.load_state_dict(lazy(name, 4, 2)[0].state_dict())
    assert layer.has_uninitialized_params()
    with pytest.raises(RuntimeError, match="Can't access the shape of an uninitialized parameter"):
        getattr(nn, name[4:])(3, 4, 2).load_state_dict(layer.state_dict())


def test_copies_of_lazy_layers() -> None:
    net = nn.Sequential(nn.LazyConv2d(3, 2), nn.LazyConvTranspose2d(2, 2, bias=False))
    found = []
    for each in (net, copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        torch.manual_seed(0)
        found.append(each(torch.ones(1, 2, 4, 4)))
        assert [type(part) for part in each] == [nn.Conv2d, nn.ConvTranspose2d] and each[1].bias is None
    assert torch.equal(found[0], found[1]) and torch.equal(found[0], found[2])


def test_the_last_of_equal_places_stays() -> None:
    out = F.max_unpool1d(torch.tensor([[1.0, 2, 3]]), torch.tensor([[1, 1, 0]]), 2)
    assert out.tolist() == [[3.0, 2.0, 0.0, 0.0, 0.0, 0.0]]


def test_drawn_windows_cover_the_ends() -> None:
    x = torch.arange(100.0).view(1, 10, 10)
    torch.manual_seed(0)
    rows = set()
    for _ in range(20):
        found = F.fractional_max_pool2d(x, 2, 6)
        # The largest of a window of 2 x 2 is its last element; the first window begins at the start, the last ends at
        # the end, and windows never go back.
        corner = found[0, :, 0]
        assert found[0, 0, 0] == 11 and found[0, -1, -1] == 99
        assert (corner.diff() > 0).all() and (corner.diff() <= 20).all()
        rows.add(tuple(corner.tolist()))
    assert len(rows) > 1


def test_samples_say_where_windows_are() -> None:
    x = torch.arange(36.0).view(1, 6, 6)
    # alpha = (6 - 2) / (4 - 1); window i begins at floor((i + u) alpha) - floor(u alpha): width first, then height.
    begins = {u: [int((i + u) * 4 / 3) - int(u * 4 / 3) for i in range(3)] + [4] for u in (0.0, 0.8)}
    samples = torch.tensor([[[0.0, 0.8]]])
    _, places = F.fractional_max_pool2d(x, 2, 4, _random_samples=samples, return_indices=True)
    expected = [[(row + 1) * 6 + column + 1 for column in begins[0.0]] for row in begins[0.8]]
    assert places[0].tolist() == expected


def test_a_nan_is_the_largest() -> None:
    nan, inf = float("nan"), float("inf")
    x = torch.tensor([[[nan, 1, -inf, -inf], [2, nan, -inf, -inf]]])
    for values, places in (
        F.adaptive_max_pool2d(x, (1, 2), return_indices=True),
        F.max_pool2d(x, 2, return_indices=True),
        F.fractional_max_pool2d(x, 2, (1, 2), _random_samples=torch.zeros(1, 1, 2), return_indices=True),
        F.adaptive_max_pool3d(x[None], (1, 1, 2), return_indices=True),
    ):
        np.testing.assert_array_equal(values.flatten().numpy(), [nan, -inf])
        assert places.flatten().tolist() == [5, 2]
    assert F.adaptive_max_pool2d(x, 1, return_indices=True)[1].item() == 5


def test_folding_counts_windows() -> None:
    ones = torch.ones(1, 1, 3, 4)
    assert F.fold(F.unfold(ones, 2), (3, 4), 2).tolist() == [[[[1, 2, 2, 1], [2, 4, 4, 2], [1, 2, 2, 1]]]]
    assert F.unfold(ones, (3, 1), padding=(1, 0)).sum() == 28
