"""Autograd against PyTorch: one program a feature, run on both libraries; what they print must be the same."""

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
def backward_options(t: Any) -> None:
    x = leaf(t, 1.0, 2.0)
    y = x * x
    attempt(lambda: y.backward())
    attempt(lambda: y.backward(t.ones(3)))
    attempt(lambda: y.backward([1.0, 2.0]))
    attempt(lambda: x.detach().sum().backward())
    y.backward(t.ones(2), retain_graph=True)
    y.backward(t.tensor([1.0, 10.0]))
    print(x.grad)
    attempt(lambda: y.backward(t.ones(2)))
    z = (x * x).sum()
    z.backward(create_graph=True)
    print(x.grad.requires_grad, x.grad.detach())


@program
def backward_inputs(t: Any) -> None:
    x, w = leaf(t, 1.0, 2.0), leaf(t, 3.0, 4.0)
    h = x * w
    out = (h * h).sum()
    out.backward(inputs=[x, h])
    print(x.grad, w.grad, h.grad)
    out = (x * w).sum()
    out.backward(inputs=w)
    print(x.grad, w.grad)
    attempt(lambda: out.backward(inputs=[]))


@program
def grad_options(t: Any) -> None:
    x, w, u = leaf(t, 1.0, 2.0), leaf(t, 3.0, 4.0), leaf(t, 5.0)
    y = (x * w).sum()
    print(t.autograd.grad(y, [x, w], retain_graph=True))
    attempt(lambda: t.autograd.grad(y, [x, u], retain_graph=True))
    print(t.autograd.grad(y, [x, u], retain_graph=True, allow_unused=True))
    print(t.autograd.grad(y, [x, u], retain_graph=True, materialize_grads=True))
    attempt(lambda: t.autograd.grad(y, [x, u], materialize_grads=True, allow_unused=False))
    attempt(lambda: t.autograd.grad(y, t.ones(2)))
    attempt(lambda: t.autograd.grad(y, []))
    attempt(lambda: t.autograd.grad(t.ones(()), x))
    attempt(lambda: t.autograd.grad(x * w, x))
    print(t.autograd.grad([x * w, x * x], x, [t.ones(2), t.tensor([2.0, 3.0])]))
    attempt(lambda: t.autograd.grad([x * w, x * x], x, [t.ones(2)]))
    print(t.autograd.grad([(x * w).sum(), x * x], x, [None, t.ones(2)]))
    h = x * 2
    print(t.autograd.grad((h * w).sum(), h))
    print(t.autograd.grad(x.sum(), x))
    print(t.autograd.grad(x, x, t.ones(2)))
    print(x.grad, w.grad)


@program
def grad_batched(t: Any) -> None:
    x = leaf(t, 1.0, 2.0, 3.0)
    y = x**2
    print(t.autograd.grad(y, x, t.eye(3), is_grads_batched=True))
    y = x**3
    (g,) = t.autograd.grad(y, x, t.eye(3), is_grads_batched=True, create_graph=True)
    print(g.shape, g.requires_grad)


@program
def modes(t: Any) -> None:
    x = leaf(t, 1.0)
    with t.no_grad():
        print((x * 2).requires_grad, t.is_grad_enabled())
        with t.enable_grad():
            print((x * 2).requires_grad)
        print(t.is_grad_enabled())
        y = t.ones(1, requires_grad=True)
        print(y.requires_grad)
    with t.set_grad_enabled(False):
        print(t.is_grad_enabled())
        with t.set_grad_enabled(True):
            print(t.is_grad_enabled())
    print(t.is_grad_enabled())
    t.set_grad_enabled(False)
    print(t.is_grad_enabled())
    t.set_grad_enabled(True)

    @t.no_grad()
    def called(v: Any) -> Any:
        return v * 2

    @t.no_grad
    def bare(v: Any) -> Any:
        return v * 2

    @t.set_grad_enabled(False)
    def disabled(v: Any) -> Any:
        return v * 2

    print(t.is_grad_enabled(), called(x).requires_grad, bare(x).requires_grad, disabled(x).requires_grad)

    @t.no_grad()
    def generator(v: Any) -> Any:
        got = yield (v * 2).requires_grad
        print("sent", got, t.is_grad_enabled())
        try:
            yield t.is_grad_enabled()
        except ValueError:
            print("caught", t.is_grad_enabled())
            yield "after"
        return "end"

    steps = generator(x)
    print(next(steps), t.is_grad_enabled())
    print(steps.send(5), t.is_grad_enabled())
    print(steps.throw(ValueError()), t.is_grad_enabled())
    try:
        next(steps)
    except StopIteration as stop:
        print(stop.value, t.is_grad_enabled())
    try:
        with t.no_grad():
            raise KeyError("x")
    except KeyError:
        print(t.is_grad_enabled())


@program
def inference(t: Any) -> None:
    x = leaf(t, 1.0, 2.0)
    with t.inference_mode():
        y = x * 2
        print(y.requires_grad, y.is_inference(), t.is_inference_mode_enabled(), t.is_grad_enabled())
        y.add_(1)
        with t.inference_mode(False):
            print((x * 2).requires_grad, t.is_inference_mode_enabled())
        with t.enable_grad():
            print((x * 2).requires_grad)
    attempt(lambda: x * y)
    attempt(lambda: y.requires_grad_())
    print((y + 1).is_inference(), y.clone().is_inference())
    attempt(lambda: y._version)

    @t.inference_mode()
    def called(v: Any) -> Any:
        return v * 2

    print(called(x).is_inference())


@program
def copies(t: Any) -> None:
    import copy

    x = leaf(t, 1.0, 2.0)
    (x * 2).sum().backward()
    y = copy.deepcopy(x)
    print(y, y.grad, y is x, y.grad is x.grad)
    attempt(lambda: copy.deepcopy(x * 2))
    z = copy.copy(x)
    print(z, z.data_ptr() == x.data_ptr())
    pair = copy.deepcopy([x, x, x.detach()])
    print(pair[0] is pair[1], pair[2].data_ptr() == pair[0].data_ptr())
    d = {x: 1, y: 2}
    print(d[x], d[y], x in d, x is not y)


@program
def subclasses(t: Any) -> None:
    class Mine(t.Tensor):
        @property
        def double_sum(self) -> float:
            return 2 * float(self.sum())

    x = t.ones(3).as_subclass(Mine)
    print(type(x).__name__, x.double_sum, isinstance(x, t.Tensor), x.shape)
    p = t.nn.Parameter(t.ones(2))
    print(type(p).__name__, type(p * 2).__name__, isinstance(p, t.nn.Parameter), isinstance(p * 2, t.nn.Parameter))
    print(type(p.data).__name__, type(p.detach()).__name__, p.is_leaf, repr(p))


@program
def mixed_types(t: Any) -> None:
    x = t.tensor([1.0, 2.0], dtype=t.float16, requires_grad=True)
    w = t.tensor([3.0, 4.0], dtype=t.float64, requires_grad=True)
    (x * w).sum().backward()
    print(x.grad, w.grad)
    c = t.tensor([1.0 + 2.0j], requires_grad=True)
    attempt(lambda: (c * c).sum().backward())
    (c * c.conj()).real.sum().backward()
    print(c.grad)
    r = leaf(t, 2.0)
    (r * t.tensor([1j])).abs().sum().backward()
    print(r.grad)
    i = t.tensor([1, 2])
    y = leaf(t, 2.0) * i
    print(y, y.requires_grad)


@program
def errors_of_gradcheck(t: Any) -> None:
    class Wrong(t.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(x)
            return x**3

        @staticmethod
        def backward(ctx: Any, grad: Any) -> Any:
            (x,) = ctx.saved_tensors
            return grad * 3 * x * x.detach() * 1.01

    x = t.tensor([0.5, 1.5], dtype=t.float64, requires_grad=True)
    print(t.autograd.gradcheck(lambda v: v**3, x), t.autograd.gradgradcheck(lambda v: v**3, x))
    print(t.autograd.gradcheck(Wrong.apply, x, raise_exception=False))
    try:
        t.autograd.gradcheck(Wrong.apply, x)
    except RuntimeError as error:
        print(type(error).__name__, str(error).split("\n")[0])
    attempt(lambda: t.autograd.gradcheck(lambda v: v, t.ones(1, dtype=t.float64)))


@pytest.mark.parametrize("name", PROGRAMS)
def test_program(name: str) -> None:
    same_lines(PROGRAMS[name])
