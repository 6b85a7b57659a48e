"""Masked tensors: what they print, compute, refuse, and their gradients, on PyTorch and here."""

from __future__ import annotations

import warnings
from typing import Any

import pytest

torch = pytest.importorskip("torch")

import rushlight  # noqa: E402

EXPRESSIONS = """
x
m(t.arange(6).reshape(2, 3), x.get_mask())
m(t.arange(8.0).reshape(2, 2, 2), t.arange(8).reshape(2, 2, 2) % 3 == 0)
m(t.tensor(2.0), t.tensor(True)), m(t.tensor(2.0), t.tensor(False)), m(t.tensor([True, False]), t.tensor([True, False]))
x + x, x + 1, 1 + x, x * t.ones(2, 3), t.ones(2, 3) * x, x / 2, 1 / x, -x, abs(x), x**2, x // 2, x % 2, t.fmod(x, 2)
t.sqrt(x), x.exp(), t.sin(x), x.cos(), x.sigmoid(), x.tanh(), x.log(), x.clamp(0, 1), x.round(), x.floor(), t.isnan(x)
x.reciprocal(), x.square(), t.nan_to_num(x), +x, x.sign(), ~(x > 0), t.logaddexp(x, x), t.atan2(x, x)
x == x, x > 0, x < 0, t.ge(x, 0.5), t.maximum(x, x * 2), (x > 0) & (x < 3)
x + m(t.ones(2, 3), t.ones(2, 3).bool())
x == m(t.ones(2, 3), t.ones(2, 3).bool())
x.sum(), x.sum(0), x.sum(1, keepdim=True), t.sum(x), t.sum(x, 1), x.mean(), x.mean(0), x.amax(), x.amax(1), x.amin(0)
t.amin(x, 0), x.argmax(), x.argmax(1), x.argmin(0), x.prod(), x.prod(1), (x > 0).all(), (x > 0).all(1)
x.var(), x.var(1), x.std(), x.std(1)
x[0], x[0, 0], x[:, 1:], x.t(), x.transpose(0, 1), x.view(3, 2), x.reshape(6), x.unsqueeze(0), x[t.tensor([1, 0])]
x.unsqueeze(0).expand(2, 2, 3), t.cat([x, x]), t.stack([x, x]), t.split(x, 1)
x.to_tensor(9), x.get_data(), x.get_mask(), x.clone(), x.detach(), x.double(), x.to(t.int64), t.ones_like(x)
t.where(t.ones(2, 3) > 0, x, x), x.softmax(1), t.softmax(x, 0), x.contiguous(), t.masked.is_masked_tensor(x)
x.shape, x.dtype, x.ndim, x.layout, x.requires_grad
x.add_(1), x.abs_(), x.mul_(x)
x.to_sparse(), x.to_sparse_csr(), x.to_sparse().to_dense(), x.to_sparse().sin(), x.to_sparse().sum()
x.to_sparse_csr() + x.to_sparse_csr()
x @ x.t()
x.median()
(x > 0).any()
m(t.ones(2), t.ones(2))
m(t.ones(2), t.ones(3).bool())
m([1], t.ones(1).bool())
m(t.ones(1, dtype=t.complex64), t.ones(1).bool())
m(t.eye(2).to_sparse(), t.ones(2, 2).bool())
t.masked.as_masked_tensor(t.ones(2), t.tensor([True, False]))
t.masked.sum(x), t.masked.mean(x, 0), t.masked.amax(x, 1), t.masked.softmax(x, 1)
gradient(lambda x: x.sum()), gradient(lambda x: (x * x).sum()), gradient(lambda x: x.mean()), gradient(lambda x: x.amax())
gradient(lambda x: x.exp().sum()), gradient(lambda x: (x.softmax(1) * t.tensor([1.0, 2.0, 3.0])).sum())
gradient(lambda x: x.get_data().sum())
"""


def shown(t: Any, expression: str) -> str:
    data = t.tensor([[1.5, -2.0, 3.25], [0.5, 4.0, -1.0]])
    mask = t.tensor([[True, False, True], [False, True, True]])

    def gradient(function: Any) -> Any:
        x = t.masked.masked_tensor(data, mask, requires_grad=True)
        function(x).backward()
        return x.grad

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        x = t.masked.masked_tensor(data, mask)
        names = {"t": t, "x": x, "m": t.masked.masked_tensor, "gradient": gradient}
        try:
            return repr(eval(expression, names)).replace("rushlight.", "torch.")
        except Exception as error:
            return type(error).__name__


@pytest.mark.parametrize("expression", EXPRESSIONS.split("\n")[1:-1])
def test_expression(expression: str) -> None:
    assert shown(rushlight, expression) == shown(torch, expression)


def test_the_prototype_says_so() -> None:
    for t in (rushlight, torch):
        with pytest.warns(UserWarning, match="prototype stage"):
            t.masked.masked_tensor(t.ones(1), t.tensor([True]))
