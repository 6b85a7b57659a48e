"""Views, versions and leaves against PyTorch: one program a feature, which must print the same on both."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from tests.parity.programs import attempt, same_lines  # noqa: E402

PROGRAMS: dict[str, Callable[[Any], None]] = {}


def program(function: Callable[[Any], None]) -> Callable[[Any], None]:
    PROGRAMS[function.__name__] = function
    return function


def leaf(t: Any, *values: float) -> Any:
    return t.tensor(list(values), requires_grad=True)


@program
def leaves(t: Any) -> None:
    x = leaf(t, 1.0)
    print(x.is_leaf, (x * 2).is_leaf, t.ones(1).is_leaf, x.detach().is_leaf, (t.ones(1) * 2).is_leaf)
    attempt(lambda: (x * 2).requires_grad_(False))
    attempt(lambda: setattr(x * 2, "requires_grad", False))
    attempt(lambda: t.tensor([1], requires_grad=True))
    attempt(lambda: x.add_(1))
    attempt(lambda: x[0].add_(1))
    attempt(lambda: x.view(1).add_(1))
    attempt(lambda: x.__setitem__(0, 5.0))
    attempt(lambda: x.zero_())
    attempt(lambda: x.numpy())
    attempt(lambda: setattr(x, "grad", t.ones(2)))
    attempt(lambda: setattr(x, "grad", 1))
    x.grad = t.ones(1)
    del x.grad
    print(x.grad)
    with t.no_grad():
        x.add_(1)
        x[0] = 7
    print(x, x._version)
    y = x * 2
    y.detach_()
    print(y.is_leaf, y.requires_grad)
    attempt(lambda: bool(t.ones(2)))


@program
def data_and_detach(t: Any) -> None:
    x = leaf(t, 1.0, 2.0)
    y = x * x
    x.data.mul_(10)
    y.sum().backward()
    print(x, x.grad, x._version)
    z = x.exp()
    d = z.detach()
    d.zero_()
    attempt(lambda: z.sum().backward())
    x.data = t.tensor([5.0, 6.0, 7.0])
    print(x, x.is_leaf, x.requires_grad)
    attempt(lambda: setattr(x, "data", t.tensor([1])))


@program
def versions(t: Any) -> None:
    x = leaf(t, 1.0, 2.0)
    w = t.tensor([1.0, 3.0])
    y = x * w
    w.add_(1)
    attempt(lambda: y.sum().backward())
    w = t.tensor([1.0, 3.0])
    y = x * w
    w[0].add_(1)
    print(w._version, w.view(2)._version)
    attempt(lambda: y.sum().backward())
    h = x * 2
    y = h.exp()
    y.add_(1)
    attempt(lambda: y.sum().backward())
    h = x * 2
    y = h.relu()
    h.mul_(3)
    y.sum().backward()
    print(x.grad)
    h = x * 2
    y = h + 1
    h.mul_(3)
    (y.sum() + h.sum()).backward()
    print(x.grad)


@program
def views(t: Any) -> None:
    x = leaf(t, 1.0, 2.0, 3.0, 4.0)
    a = x * 1
    v = a[:2]
    v.mul_(10)
    print(a, type(a.grad_fn).__name__, v._base is a, a._base, v._is_view())
    w = a.view(2, 2)[1]
    print(type(w.grad_fn).__name__)
    w += v
    print(v.requires_grad, w.requires_grad)
    (a * t.arange(1.0, 5.0)).sum().backward()
    print(x.grad)
    x.grad = None
    a = t.zeros(4)
    v = a[1:3]
    v.copy_(x[:2] * 3)
    print(a.requires_grad, v.requires_grad, v.is_leaf)
    a.sum().backward()
    print(x.grad)
    a = x * 1
    p, q = a.unbind(0)[:2]
    attempt(lambda: p.mul_(2))
    s, r = a.split(2)
    attempt(lambda: s.mul_(2))
    with t.no_grad():
        n = a[:2]
    attempt(lambda: n.mul_(2))
    with t.no_grad():
        n.mul_(2)
    print(a)
    a = x * 1
    d = a.diagonal() if a.ndim > 1 else a.reshape(2, 2).diagonal()
    d.zero_()
    print(a)
    a.sum().backward()
    print(x.grad)


@program
def setitem(t: Any) -> None:
    x, w = leaf(t, 1.0, 2.0, 3.0), leaf(t, 5.0)
    a = x * 1
    a[0] = w[0] * 2
    a[1:] = a[:2].clone()
    a[t.tensor([2])] = 7.0
    print(a)
    (a * t.tensor([1.0, 10.0, 100.0])).sum().backward()
    print(x.grad, w.grad)
    b = t.zeros(3)
    b[1] = w[0]
    b[b == 0] = 3.0
    print(b.requires_grad)
    b.sum().backward()
    print(w.grad)


@program
def accumulated(t: Any) -> None:
    x, z = leaf(t, 1.0, 2.0), leaf(t, 1.0, 2.0)
    given = t.ones(2)
    (x + z).backward(given)
    print(x.grad is z.grad, x.grad.data_ptr() == z.grad.data_ptr(), given.data_ptr() == x.grad.data_ptr())
    (x + z).backward(given)
    x.grad.mul_(5)
    print(x.grad, z.grad, given)
    y = x + 0
    kept: list[Any] = []
    y.register_hook(kept.append)
    x.register_hook(kept.append)
    x.grad = None
    y.sum().backward()
    x.grad.mul_(9)
    print(kept, x.grad)
    before = x.grad
    y = (x * 2).sum()
    y.backward()
    print(x.grad is before)
    a = leaf(t, 1.0, 2.0)
    a.expand(3, 2).sum().backward()
    print(a.grad, a.grad.stride())
    m = t.arange(6.0).reshape(2, 3).t().requires_grad_()
    m.sum().backward()
    print(m.grad.stride(), m.stride())
    (m * 2).sum().backward()
    print(m.grad)


@pytest.mark.parametrize("name", PROGRAMS)
def test_program(name: str) -> None:
    same_lines(PROGRAMS[name])
