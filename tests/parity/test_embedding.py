"""Embeddings against PyTorch: rows, gradients, renormalisation, padding, errors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import rushlight  # noqa: E402
from tests.parity.programs import attempt, same_lines  # noqa: E402

LAYERS: dict[str, dict[str, Any]] = {
    "plain": {},
    "padding": {"padding_idx": 2},
    "padding from the end": {"padding_idx": -1},
    "frequency": {"scale_grad_by_freq": True},
    "frequency and padding": {"scale_grad_by_freq": True, "padding_idx": 1},
    "norm": {"max_norm": 1.0},
    "norm 1": {"max_norm": 0.7, "norm_type": 1.0},
    "norm 3": {"max_norm": 0.7, "norm_type": 3.0, "padding_idx": 0},
}
INDICES = {"matrix": [[1, 2, 1], [4, 0, 2]], "one": 3, "empty": np.zeros((0, 2)), "vector": [0, 0, 0, 5]}


@pytest.mark.parametrize("shape", INDICES)
@pytest.mark.parametrize("name", LAYERS)
def test_rows_and_gradients(name: str, shape: str) -> None:
    for dtype, index, tolerance in (
        ("float64", "int64", 1e-12),
        ("float32", "int32", 1e-5),
        ("bfloat16", "int64", 0.03),
    ):
        found = []
        for library in (rushlight, torch):
            library.manual_seed(1)
            layer = library.nn.Embedding(6, 4, **LAYERS[name]).to(getattr(library, dtype))
            indices = library.tensor(np.asarray(INDICES[shape])).to(getattr(library, index))
            out = layer(indices)
            seen = [out, layer.weight]
            if "max_norm" not in LAYERS[name]:
                weights = 1 + library.arange(out.numel()).reshape(tuple(out.shape)).to(out.dtype)
                (first,) = library.autograd.grad((out * out * weights).sum(), layer.weight, create_graph=True)
                seen.append(first)
                # PyTorch's second derivative forgets the frequency, and raises where nothing is looked up.
                if shape != "empty" and "scale_grad_by_freq" not in LAYERS[name]:
                    seen += library.autograd.grad((first * first).sum(), layer.weight)
            else:
                seen += library.autograd.grad(out.sum(), layer.weight)
            found.append(seen)
        for a, b in zip(*found, strict=True):
            assert (str(a.dtype), tuple(a.shape)) == (str(b.dtype), tuple(b.shape))
            ours, theirs = a.detach().double().numpy(), b.detach().double().numpy()
            scale = max(1.0, float(np.abs(theirs).max(initial=0)))
            np.testing.assert_allclose(ours / scale, theirs / scale, rtol=tolerance, atol=tolerance)


PROGRAMS: dict[str, Callable[[Any], None]] = {}


def program(function: Callable[[Any], None]) -> Callable[[Any], None]:
    PROGRAMS[function.__name__] = function
    return function


@program
def layers(t: Any) -> None:
    for name, options in LAYERS.items():
        layer = t.nn.Embedding(6, 3, **options)
        print(name, layer, list(layer.state_dict()), layer.padding_idx)
        print(layer.weight if layer.padding_idx is None else layer.weight[layer.padding_idx])
    print(t.nn.Embedding(3, 2, sparse=True, max_norm=1.0, norm_type=1.5))


@program
def pretrained(t: Any) -> None:
    table = t.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    frozen = t.nn.Embedding.from_pretrained(table)
    print(frozen(t.tensor([2, 0])), frozen.weight.requires_grad, frozen.weight.data_ptr() == table.data_ptr())
    free = t.nn.Embedding.from_pretrained(table, freeze=False, padding_idx=1, max_norm=2.0)
    print(free.weight.requires_grad, free, free(t.tensor([1])))
    attempt(lambda: t.nn.Embedding.from_pretrained(t.ones(3)))
    attempt(lambda: t.nn.Embedding(3, 2, _weight=t.ones(2, 2)))


@program
def wrong(t: Any) -> None:
    layer = t.nn.Embedding(3, 2)
    attempt(lambda: layer(t.tensor([3])))
    attempt(lambda: layer(t.tensor([-1])))
    attempt(lambda: layer(t.tensor([0.0])))
    attempt(lambda: t.nn.Embedding(3, 2, padding_idx=3))
    attempt(lambda: t.nn.Embedding(3, 2, padding_idx=-4))
    attempt(lambda: t.nn.functional.embedding(t.tensor([0]), t.ones(3)))
    attempt(lambda: t.nn.functional.embedding([0], t.ones(3, 2)))
    attempt(lambda: t.nn.functional.embedding(t.tensor([0]), t.ones(3, 2), padding_idx=7))


@program
def renormalised_in_place(t: Any) -> None:
    table = t.tensor([[3.0, 4.0], [0.3, 0.4], [6.0, 8.0]])
    print(t.nn.functional.embedding(t.tensor([0, 1]), table, max_norm=1.0), table)
    layer = t.nn.Embedding(3, 2, max_norm=1.0)
    out = layer(t.tensor([0, 1]))
    out.sum().backward()
    print(layer.weight.grad, out)


@program
def one_hot(t: Any) -> None:
    F = t.nn.functional
    print(
        F.one_hot(t.tensor([[0, 2], [1, 0]])),
        F.one_hot(t.tensor([1]), 4),
        F.one_hot(t.zeros(0, 2, dtype=t.long), 3).shape,
    )
    attempt(lambda: F.one_hot(t.tensor([3]), 2))
    attempt(lambda: F.one_hot(t.tensor([-1])))
    attempt(lambda: F.one_hot(t.tensor([1.0])))
    attempt(lambda: F.one_hot(t.zeros(0, dtype=t.long)))
    attempt(lambda: F.one_hot(t.tensor([1]), 0))


@pytest.mark.parametrize("name", PROGRAMS)
def test_program(name: str) -> None:
    same_lines(PROGRAMS[name])
