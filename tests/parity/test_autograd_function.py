"""Functions of a user against PyTorch: one program a feature, which must print the same on both."""

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


def make_square(t: Any) -> Any:
    class Square(t.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        def backward(ctx: Any, grad: Any) -> Any:
            (x,) = ctx.saved_tensors
            print("needs", ctx.needs_input_grad)
            return grad * 2 * x

    return Square


@program
def function_plain(t: Any) -> None:
    x = leaf(t, 1.0, -3.0)
    y = make_square(t).apply(x)
    print(y, type(y.grad_fn).__name__, y.grad_fn.name(), y.requires_grad)
    (g,) = t.autograd.grad(y.sum(), x, create_graph=True)
    print(g.detach(), t.autograd.grad(g.sum(), x))


@program
def function_setup_context(t: Any) -> None:
    class Scale(t.autograd.Function):
        @staticmethod
        def forward(x: Any, factor: float, y: Any) -> Any:
            return x * factor + y, x.sum()

        @staticmethod
        def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
            x, factor, y = inputs
            ctx.factor = factor
            ctx.save_for_backward(x)
            print(type(output).__name__, len(output), ctx.needs_input_grad)

        @staticmethod
        def backward(ctx: Any, a: Any, b: Any) -> Any:
            print(a, b)
            return a * ctx.factor + b, None, a

    x, y = leaf(t, 1.0, 2.0), t.tensor([3.0, 4.0])
    out, total = Scale.apply(x, 2.0, y)
    print(out, total)
    out.sum().backward()
    print(x.grad, y.grad)


@program
def function_materialize(t: Any) -> None:
    for value in (True, False):

        class Two(t.autograd.Function):
            @staticmethod
            def forward(ctx: Any, x: Any) -> Any:
                ctx.set_materialize_grads(value)
                return x * 1, x * 2

            @staticmethod
            def backward(ctx: Any, a: Any, b: Any) -> Any:
                print(a, b)
                return (0 if a is None else a) + (0 if b is None else 2 * b)

        x = leaf(t, 1.0, 2.0)
        Two.apply(x)[1].sum().backward()
        print(x.grad)


@program
def function_dirty(t: Any) -> None:
    class Fill(t.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any, y: Any) -> Any:
            ctx.mark_dirty(x)
            x.mul_(y)
            ctx.save_for_backward(y)
            return x

        @staticmethod
        def backward(ctx: Any, grad: Any) -> Any:
            (y,) = ctx.saved_tensors
            return grad * y, None

    x = leaf(t, 1.0, 2.0)
    a = x * 2
    version = a._version
    out = Fill.apply(a, t.tensor([3.0, 5.0]))
    print(out is a, a._version > version, type(a.grad_fn).__name__, a)
    out.sum().backward()
    print(x.grad)
    attempt(lambda: Fill.apply(x, t.tensor([3.0, 5.0])))
    b = x * 2
    part = b[:1]
    out = Fill.apply(part, t.tensor([7.0]))
    print(b)
    b.sum().backward()
    print(x.grad)


@program
def function_dirty_not_returned(t: Any) -> None:
    class Wrong(t.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.mark_dirty(x)
            return x * 2

        @staticmethod
        def backward(ctx: Any, grad: Any) -> Any:
            return grad

    try:
        Wrong.apply(leaf(t, 1.0) * 2)
        print("no error")
    except RuntimeError:
        print("RuntimeError")


@program
def function_non_differentiable(t: Any) -> None:
    class Sort(t.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            values, index = x.sort()
            shadow = values * 1
            ctx.mark_non_differentiable(index, shadow)
            ctx.save_for_backward(index)
            return values, index, shadow

        @staticmethod
        def backward(ctx: Any, grad: Any, index_grad: Any, shadow_grad: Any) -> Any:
            (index,) = ctx.saved_tensors
            print(index_grad, shadow_grad)
            return t.zeros_like(grad).scatter(0, index, grad)

    x = leaf(t, 3.0, 1.0, 2.0)
    values, index, shadow = Sort.apply(x)
    print(values.requires_grad, index.requires_grad, shadow.requires_grad, shadow.grad_fn)
    (values * t.tensor([1.0, 10.0, 100.0])).sum().backward()
    print(x.grad)


@program
def function_input_returned(t: Any) -> None:
    class Same(t.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any, y: Any) -> Any:
            return x, y * 2

        @staticmethod
        def backward(ctx: Any, a: Any, b: Any) -> Any:
            return a * 10, b * 2

    x, y = leaf(t, 1.0), leaf(t, 2.0)
    a, b = Same.apply(x, y)
    print(a is x, type(a.grad_fn).__name__, a.data_ptr() == x.data_ptr())
    (a + b).backward()
    print(x.grad, y.grad)
    attempt(lambda: a.mul_(2))


@program
def function_view_made_in_forward(t: Any) -> None:
    class Head(t.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x[:1]

        @staticmethod
        def backward(ctx: Any, grad: Any) -> Any:
            return t.cat([grad * 5, t.zeros(1)])

    x = leaf(t, 1.0, 2.0)
    out = Head.apply(x * 1)
    print(type(out.grad_fn).__name__)
    out.sum().backward()
    print(x.grad)
    attempt(lambda: Head.apply(x * 1).mul_(2))


@program
def function_wrong_gradients(t: Any) -> None:
    def made(answer: Any) -> Any:
        class Wrong(t.autograd.Function):
            @staticmethod
            def forward(ctx: Any, x: Any, n: Any) -> Any:
                return x * 2

            @staticmethod
            def backward(ctx: Any, grad: Any) -> Any:
                return answer(grad)

        return lambda: Wrong.apply(leaf(t, 1.0, 2.0), 3).sum().backward()

    attempt(made(lambda g: g))
    attempt(made(lambda g: (g, g)))
    attempt(made(lambda g: (g, None, None)))
    attempt(made(lambda g: (g, None, g)))
    attempt(made(lambda g: (None, None)))
    attempt(made(lambda g: (t.ones(3), None)))
    attempt(made(lambda g: (g.reshape(1, 2), None)))
    attempt(made(lambda g: (g.double(), None)))
    attempt(made(lambda g: [g, None]))


@program
def function_missing_parts(t: Any) -> None:
    class Nothing(t.autograd.Function):
        pass

    class NoBackward(t.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x * 2

    attempt(lambda: Nothing.apply(leaf(t, 1.0)))
    attempt(lambda: NoBackward.apply(leaf(t, 1.0)).backward())
    attempt(lambda: make_square(t)())


@program
def function_vjp(t: Any) -> None:
    class Square(t.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        def vjp(ctx: Any, grad: Any) -> Any:
            return grad * 2 * ctx.saved_tensors[0]

    x = leaf(t, 3.0)
    Square.apply(x).backward()
    print(x.grad)


@program
def function_once_differentiable(t: Any) -> None:
    class Square(t.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        @t.autograd.function.once_differentiable
        def backward(ctx: Any, grad: Any) -> Any:
            return grad * 2 * ctx.saved_tensors[0]

    x = leaf(t, 3.0)
    Square.apply(x).backward()
    print(x.grad)
    (g,) = t.autograd.grad(Square.apply(x), x, create_graph=True)
    print(g.requires_grad)
    attempt(lambda: g.backward())


@program
def function_in_no_grad_and_with_plain_inputs(t: Any) -> None:
    square = make_square(t)
    with t.no_grad():
        print(square.apply(leaf(t, 2.0)).requires_grad)
    print(square.apply(t.tensor([2.0])).requires_grad)

    class Inside(t.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            print(t.is_grad_enabled(), (x * 2).requires_grad)
            with t.enable_grad():
                ctx.inner = x.detach().requires_grad_()
                ctx.out = ctx.inner**3
            return ctx.out.detach()

        @staticmethod
        def backward(ctx: Any, grad: Any) -> Any:
            print(t.is_grad_enabled())
            ctx.out.backward(grad)
            return ctx.inner.grad

    x = leaf(t, 2.0)
    Inside.apply(x).backward()
    print(x.grad)


@program
def function_saves_output(t: Any) -> None:
    class Exp(t.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            out = x.exp()
            ctx.save_for_backward(out)
            return out

        @staticmethod
        def backward(ctx: Any, grad: Any) -> Any:
            (out,) = ctx.saved_tensors
            return grad * out

    x = leaf(t, 0.5)
    y = Exp.apply(x)
    (g,) = t.autograd.grad(y, x, create_graph=True)
    print(g.detach(), t.autograd.grad(g, x))
    y = Exp.apply(x)
    y.mul_(2)
    attempt(lambda: y.backward())


@program
def function_twice_and_freed(t: Any) -> None:
    y = make_square(t).apply(leaf(t, 2.0))
    y.backward()
    attempt(lambda: y.backward())
    attempt(lambda: y.grad_fn.saved_tensors)


@program
def function_nested_tuples_and_lists(t: Any) -> None:
    class Several(t.autograd.Function):
        @staticmethod
        def forward(ctx: Any, xs: Any, y: Any, text: str) -> Any:
            print(ctx.needs_input_grad)
            return y * len(xs), text, None

        @staticmethod
        def backward(ctx: Any, *grads: Any) -> Any:
            print(grads)
            return None, grads[0], None

    y = leaf(t, 2.0)
    out = Several.apply([1, 2], y, "text")
    print(out[1:], type(out).__name__)
    out[0].backward()
    print(y.grad)


@pytest.mark.parametrize("name", PROGRAMS)
def test_program(name: str) -> None:
    same_lines(PROGRAMS[name])
