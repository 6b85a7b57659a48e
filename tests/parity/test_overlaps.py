"""Writes whose operands share memory with what is written: refused with PyTorch's words, or done as there."""

from __future__ import annotations

import warnings
from typing import Any

import pytest

torch = pytest.importorskip("torch")

import rushlight  # noqa: E402

# Of x, the numbers 0 to 5.
WRITES = {
    "add_": "x[1:].add_(x[:-1])",
    "mul_": "x[1:].mul_(x[:-1])",
    "copy_": "x[1:].copy_(x[:-1])",
    "itself": "x.copy_(x)",
    "setitem": "x.__setitem__(slice(1, None), x[:-1])",
    "setitem apart": "x.__setitem__(slice(0, 2), x[2:4])",
    "setitem index": "x.__setitem__(t.tensor([0, 1]), x[:2])",
    "index_put_": "x.index_put_((t.tensor([0]),), x[:1])",
    "scatter_": "x[1:].scatter_(0, t.tensor([0, 1]), x[:-1])",
    "scatter_ itself": "x.scatter_(0, t.arange(6), x)",
    "scatter_add_": "x.scatter_add_(0, t.arange(6), x)",
    "scatter_reduce_": 'x[1:].scatter_reduce_(0, t.tensor([0, 1]), x[:-1], "sum")',
    "index_add_": "x[1:].index_add_(0, t.tensor([0, 1]), x[:2])",
    "index_copy_": "x[1:].index_copy_(0, t.tensor([0, 1]), x[:2])",
    "index_reduce_": 'x[1:].index_reduce_(0, t.tensor([0, 1]), x[:2], "mean")',
    "index_fill_": "x[1:].index_fill_(0, t.tensor([0]), x[1])",
    "put_": "x[1:].put_(t.tensor([0]), x[1:2])",
    "masked_fill_": "x[1:].masked_fill_(t.ones(5, dtype=t.bool), x[0])",
    "fill_": "x[1:].fill_(x[1])",
    "addcmul_": "x[1:].addcmul_(x[:-1], x[:-1])",
    "lerp_": "x[1:].lerp_(x[:-1], 0.5)",
    "transposed": "x[:4].view(2, 2).add_(x[:4].view(2, 2).t())",
    "steps": "x[::2].add_(x[1::2])",
    "one of all": "x.add_(x[0])",
    "other view": "x.add_(x.view(6))",
    "expanded": "x[:1].expand(6).add_(1.0)",
    "expanded fill_": "x[:1].expand(6).fill_(1.0)",
    "expanded fill_ tensor": "x[:1].expand(6).fill_(t.tensor(1.0))",
    "expanded zero_": "x[:1].expand(6).zero_()",
    "expanded index_fill_": "x[:1].expand(6).index_fill_(0, t.tensor([0]), 2.0)",
    "data": "x.data[1:].add_(x.data[:-1])",
    "detached": "x.detach()[1:].add_(x[:-1])",
    "pow_": "x[1:].pow_(x[:-1])",
    "comparison": "x[1:].eq_(x[:-1])",
    "gather out": "t.gather(x, 0, t.tensor([1, 2]), out=x[:2])",
    "index_select out": "t.index_select(x, 0, t.tensor([1, 2]), out=x[:2])",
    "take out": "t.take(x, t.tensor([1, 2]), out=x[:2])",
    "masked_select out": "t.masked_select(x, x > 2, out=x[:3])",
    "cat out": "t.cat([x[1:3], x[1:3]], out=x[:4])",
    "stack out": "t.stack([x[1:3], x[1:3]], out=x[:4].view(2, 2))",
    "tril out": "t.tril(x[:4].view(2, 2), out=x[:4].view(2, 2))",
}


def outcome(t: Any, expression: str) -> str:
    x = t.arange(6.0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            eval(expression, {"t": t, "x": x})
        except Exception as error:
            return f"{type(error).__name__}: {error}"
    return f"{x.tolist()} version {x._version}"


@pytest.mark.parametrize("name", WRITES)
def test_overlaps(name: str) -> None:
    assert outcome(rushlight, WRITES[name]) == outcome(torch, WRITES[name])
