"""Programs of `torch.func`, `torch.autograd.functional` and dual numbers, on torch and on rushlight alike."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import rushlight  # noqa: E402
from tests.func import programs  # noqa: E402
from tests.parity.programs import attempt, leaves, same_lines  # noqa: E402

LIBRARIES = (torch, rushlight)
PROGRAMS = {
    name: thing
    for name, thing in vars(programs).items()
    if getattr(thing, "__module__", "") == programs.__name__ and not name.startswith("_")
}
# PyTorch warns of its own rules that are missing or old.
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.mark.parametrize("name", PROGRAMS)
def test_program_gives_the_same_numbers(name: str) -> None:
    results = []
    for library in LIBRARIES:
        before = library.get_default_dtype()
        library.set_default_dtype(library.float64)
        try:
            library.manual_seed(1)
            results.append(list(leaves(PROGRAMS[name](library))))
        finally:
            library.set_default_dtype(before)
    theirs, mine = results
    assert len(mine) == len(theirs)
    for i, (a, b) in enumerate(zip(mine, theirs, strict=True)):
        assert tuple(a.shape) == tuple(b.shape), i
        assert a.requires_grad == b.requires_grad, i
        np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(), 1e-9, 1e-9, err_msg=str(i))


def refusals(t: Any) -> None:
    """What the transforms refuse, and in which words."""
    f, vmap = t.func, t.vmap
    x = t.arange(6.0).reshape(3, 2)
    sum_ = lambda x: x.sum()  # noqa: E731
    for call in (
        lambda: f.grad(lambda x: x * 2)(x),
        lambda: f.grad(lambda x: 2)(x),
        lambda: f.grad(lambda x: (x.sum(), x))(x),
        lambda: f.grad(sum_, argnums=2)(x),
        lambda: f.grad(sum_)(3.0),
        lambda: f.grad(sum_, has_aux=True)(x),
        lambda: f.grad(lambda x: (x.sum().backward(), x.sum())[1])(x),
        lambda: f.vjp(sum_, x)[1](x),
        lambda: f.vjp(lambda x: (), x),
        lambda: f.vjp(sum_, x, has_aux=True),
        lambda: f.jvp(sum_, x, x),
        lambda: f.jvp(sum_, (x,), (x[0],)),
        lambda: f.jvp(lambda x: t.ones(()), (x,), (x,), strict=True),
        lambda: f.jvp(lambda x: 3, (x,), (x,)),
        lambda: vmap(lambda x: x if x.sum() > 0 else -x)(x),
        lambda: vmap(lambda x: x * x.sum().item())(x),
        lambda: vmap(lambda x: float(x.sum()))(x),
        lambda: vmap(lambda x: x.nonzero())(x),
        lambda: vmap(lambda x: x[x > 2])(x),
        lambda: vmap(lambda x: x + t.rand(2))(x),
        lambda: vmap(lambda x: t.zeros(2).copy_(x))(x),
        lambda: vmap(lambda x: x.sum().backward())(x),
        lambda: vmap(lambda x: 2)(x),
        lambda: vmap(sum_, in_dims=5)(x),
        lambda: vmap(sum_, in_dims="a")(x),
        lambda: vmap(sum_, in_dims=None)(x),
        lambda: vmap(sum_)(),
        lambda: vmap(sum_)(2),
        lambda: vmap(lambda x, y: x)(x, x.T),
        lambda: vmap(lambda x: x, out_dims=(0, 0))(x),
        lambda: vmap(lambda x: x, out_dims=None)(x),
        lambda: vmap(lambda x: x, out_dims="a")(x),
        lambda: vmap(sum_, randomness="some")(x),
        lambda: vmap(sum_, chunk_size=0)(x),
        lambda: f.jacrev(sum_)(x.to(t.complex64)),
        lambda: f.functionalize(sum_, remove="all"),
    ):
        attempt(call)


def test_refusals_are_in_the_same_words() -> None:
    same_errors(refusals)


def same_errors(function: Callable[[Any], None]) -> None:
    """`same_lines` of what is raised: the types, and the messages up to how a type or a structure is shown."""
    import re

    from tests.parity.programs import run

    def plain(library: Any) -> list[str]:
        text = run(function, library)
        text = re.sub(r"<class '[^']*'>", "<class>", text.replace("\n", " "))
        text = re.sub(r"remove='mutations': all.*", "remove=…", text)
        return re.split(r"(?=\b\w*Error: )", text)

    ours, theirs = plain(rushlight), plain(torch)
    for mine, expected in zip(ours, theirs, strict=True):
        assert mine[:60] == expected[:60], (mine, expected)


def functional(t: Any) -> None:
    """`torch.autograd.functional`: results, graphs that are kept, strictness."""
    F = t.autograd.functional
    x, v = t.arange(1.0, 4.0), t.ones(3)
    cube, total = (lambda x: x**3), (lambda x: (x**3).sum())
    for keep in (False, True):
        for strict in (False, True):
            y = x.clone().requires_grad_() if keep else x
            options = {"create_graph": keep, "strict": strict}
            for product, of in ((F.vjp, cube), (F.jvp, cube), (F.vhp, total), (F.hvp, total)):
                attempt(lambda product=product, of=of, y=y, options=options: product(of, y, v, **options))
            attempt(lambda y=y, options=options: F.jacobian(cube, y, **options))
            attempt(lambda y=y, options=options: F.hessian(total, y, **options))
    pair = lambda a, b: (a * b, a.sum())  # noqa: E731
    for vectorize in (False, True):
        attempt(lambda vectorize=vectorize: F.jacobian(pair, (x, v), vectorize=vectorize))
        attempt(lambda vectorize=vectorize: F.hessian(lambda a, b: (a * b).sum(), (x, v), vectorize=vectorize))
    attempt(lambda: F.jacobian(cube, x, vectorize=True, strategy="forward-mode"))
    attempt(lambda: F.hessian(total, x, vectorize=True, outer_jacobian_strategy="forward-mode"))
    for call in (
        lambda: F.vjp(cube, x),
        lambda: F.vjp(cube, x, v[:2]),
        lambda: F.vjp(cube, x, (v, v)),
        lambda: F.vjp(cube, 3.0),
        lambda: F.vjp(lambda x: 3, x),
        lambda: F.vjp(lambda x: t.ones(3), x, v, strict=True),
        lambda: F.jvp(cube, x),
        lambda: F.jvp(cube, (x, x), v),
        lambda: F.jvp(lambda x: t.ones(3), x, v),
        lambda: F.hvp(cube, x, v),
        lambda: F.hvp(lambda x: (x.sum(), x.sum()), x, v),
        lambda: F.vhp(lambda x: x.sum(), x, v, strict=True),
        lambda: F.hessian(cube, x),
        lambda: F.jacobian(cube, x, strategy="sideways"),
        lambda: F.jacobian(cube, x, create_graph=True, strategy="forward-mode"),
        lambda: F.jacobian(cube, x, strategy="forward-mode"),
        lambda: F.jacobian(cube, x, strict=True, vectorize=True),
        lambda: F.jacobian(lambda x: t.ones(3), x, strict=True),
        lambda: F.hessian(lambda x: x.sum(), x, strict=True),
    ):
        attempt(call)


def test_autograd_functional() -> None:
    # PyTorch warns of its own compiler once.
    torch.autograd.functional.jacobian(torch.sin, torch.ones(1), vectorize=True, strategy="forward-mode")
    same_lines(functional)


def duals(t: Any) -> None:
    """Dual numbers: what prints, what moves, what is refused, and what is left when their level ends."""
    fw = importlib.import_module(f"{t.__name__}.autograd.forward_ad")
    attempt(lambda: fw.make_dual(t.ones(1), t.ones(1)))
    with fw.dual_level():
        d = fw.make_dual(t.tensor([1.0, 2.0]), t.tensor([1.0, 0.5]))
        print(d, d * d, d.sum(), d.sin().exp())
        print(d > 1, d.argmax(), d.to(t.int), d[0].item(), bool(d[0]), d.tolist(), d.detach())
        print(fw.unpack_dual(d * 2).tangent, fw.unpack_dual(t.ones(1)))
        w = t.ones(2)
        print(w.mul_(d), w)
        z = t.zeros(3)
        z[1] = d[0]
        print(z * 2)
        d.add_(d)
        print(d, fw.unpack_dual(d).tangent)
        print(t.no_grad()(lambda: d * 3)())
        print(t.cat((d, t.ones(1))), t.stack((d, d)), t.where(d > 2, d, 0.0))
        for call in (
            lambda: fw.make_dual(t.ones(1), t.ones(2)),
            lambda: fw.make_dual(t.ones(1).int(), t.ones(1)),
            lambda: fw.make_dual(t.ones(1), t.ones(1).int()),
            fw.enter_dual_level,
        ):
            attempt(call)
        kept = d * 2
    print(kept, fw.unpack_dual(kept))

    class Twice(t.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.factor = 2
            return x * 2

        @staticmethod
        def backward(ctx: Any, grad: Any) -> Any:
            return grad * 2

        @staticmethod
        def jvp(ctx: Any, tangent: Any) -> Any:
            return tangent * ctx.factor

    class Lacking(Twice):
        jvp = t.autograd.Function.jvp

    with fw.dual_level():
        d = fw.make_dual(t.ones(2), t.ones(2))
        print(Twice.apply(d))
        attempt(lambda: Lacking.apply(d))
    attempt(lambda: t.func.grad(lambda x: Twice.apply(x).sum())(t.ones(2)))


def test_dual_numbers() -> None:
    same_lines(duals)
