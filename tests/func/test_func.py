"""`torch.func` without PyTorch: every program runs, and derivatives and batches are those that loops and formulas give."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import rushlight as torch
from rushlight.func import _kinds as kinds
from rushlight.func import debug_unwrap, functionalize, grad, hessian, jacfwd, jacrev, jvp, linearize, vjp
from tests.func import programs

PROGRAMS = {
    name: thing
    for name, thing in vars(programs).items()
    if getattr(thing, "__module__", "") == programs.__name__ and not name.startswith("_")
}
vmap = torch.vmap


def leaves(found: Any) -> list[Any]:
    if isinstance(found, dict):
        found = tuple(found.values())
    return [leaf for one in found for leaf in leaves(one)] if isinstance(found, tuple | list) else [found]


@pytest.mark.parametrize("name", PROGRAMS)
def test_program(name: str) -> None:
    torch.manual_seed(1)
    for leaf in leaves(PROGRAMS[name](torch)):
        assert leaf.isfinite().all()
        assert leaf._level is None


def close(a: Any, b: Any) -> None:
    torch.testing.assert_close(a, b)


FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "smooth": lambda x: (x.sin() * x.roll(1, 0)).cumsum(0),
    "matrix": lambda x: torch.outer(x, x).add(torch.eye(3)).inverse(),
    "softmax": lambda x: x.softmax(0).log(),
    "sort": lambda x: x.sort().values * torch.arange(3),
    "in place": lambda x: x.clone().mul_(x).add_(1).sqrt_(),
    "norm": lambda x: torch.nn.functional.layer_norm(x, (3,)),
    "pad": lambda x: torch.nn.functional.pad(x, (1, 1)).unfold(0, 2, 1).prod(-1),
    "scatter": lambda x: torch.zeros(5, dtype=x.dtype).scatter_add(0, torch.tensor([0, 3, 3]), x),
    "view": lambda x: x.expand(2, 3).reshape(-1)[1:5].square(),
    "constant": lambda x: torch.ones(2, dtype=x.dtype),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_forward_and_reverse_give_one_jacobian(name: str) -> None:
    f = FUNCTIONS[name]
    x = torch.tensor([0.3, 1.2, 0.7], dtype=torch.float64)
    h = 1e-6
    columns = [(f(x + h * e) - f(x - h * e)) / (2 * h) for e in torch.eye(3, dtype=torch.float64)]
    expected = torch.stack(columns, -1)
    for found in (jacrev(f)(x), jacfwd(f)(x), jacrev(f, chunk_size=1)(x)):
        torch.testing.assert_close(found, expected, atol=1e-7, rtol=1e-6)
    for outer in (jacrev, jacfwd):
        close(outer(jacrev(f))(x), outer(jacfwd(f))(x))
    close(vmap(jacfwd(f))(torch.stack((x, 2 * x)))[1], jacrev(f)(2 * x))


def test_levels_do_not_mix() -> None:
    one = torch.tensor(1.0)
    close(grad(lambda x: x * grad(lambda y: x + y)(one))(one), torch.tensor(1.0))
    close(grad(lambda x: x * jvp(lambda y: x * y, (one,), (one,))[1])(one * 3), torch.tensor(6.0))
    _, inner = jvp(lambda x: x * jvp(lambda y: x + y, (one,), (one,))[1], (one,), (one,))
    close(inner, torch.tensor(1.0))
    close(
        vmap(lambda x: vmap(lambda y: x * y)(torch.arange(2.0)))(torch.arange(3.0)),
        torch.outer(torch.arange(3.0), torch.arange(2.0)),
    )


def test_hessian_of_logdet_in_a_batch() -> None:
    torch.manual_seed(0)
    a = torch.randn(2, 3, 3, dtype=torch.float64) + 3 * torch.eye(3, dtype=torch.float64)

    def f(a: Any) -> Any:
        return torch.linalg.slogdet(a)[1]

    inverse = a[0].inverse()
    expected = -torch.einsum("li,jk->ijkl", inverse, inverse)
    for found in (hessian(f)(a[0]), vmap(hessian(f))(a)[0], jacfwd(jacfwd(f))(a[0])):
        close(found, expected)


def test_what_is_captured_is_differentiated_outside() -> None:
    w = torch.tensor([2.0], requires_grad=True)
    slope = grad(lambda x: (x * x * w).sum())(torch.tensor([3.0]))
    slope.sum().backward()
    close(w.grad, torch.tensor([6.0]))
    x = torch.tensor([3.0], requires_grad=True)
    out, pull = vjp(lambda x: x**3, x)
    (found,) = pull(torch.ones(1))
    found.sum().backward()
    close(x.grad, torch.tensor([18.0]))
    assert out.requires_grad


def test_nothing_is_kept_of_a_graph_that_is_not_wanted() -> None:
    for found in (
        grad(torch.sin)(torch.tensor(1.0)),
        vjp(torch.sin, torch.ones(2))[0],
        hessian(torch.sin)(torch.tensor(1.0)),
    ):
        assert not found.requires_grad


def test_a_dual_number_ends_with_its_level() -> None:
    kept = []
    jvp(lambda x: kept.append(x * 2) or x, (torch.ones(2),), (torch.ones(2),))
    assert type(kept[0]) is torch.Tensor
    close(kept[0] + 1, torch.tensor([3.0, 3.0]))


def test_a_sample_means_nothing_outside_its_batch() -> None:
    kept = []
    vmap(lambda x: kept.append(x) or x)(torch.ones(2))
    with pytest.raises(RuntimeError, match="escaped"):
        kept[0] + 1


def test_inside_a_batch_a_tensor_shows_its_value() -> None:
    seen = []

    def f(x: Any) -> Any:
        seen.extend([repr(x), debug_unwrap(x), x.shape, x.dim(), len(x), x.is_contiguous(), x.stride(), x.dtype])
        return x

    vmap(f)(torch.arange(4.0).reshape(2, 2))
    assert seen[0] == "BatchedTensor(lvl=1, bdim=0, value=\n    tensor([[0., 1.],\n            [2., 3.]])\n)"
    close(seen[1], torch.arange(4.0).reshape(2, 2))
    assert seen[2:] == [(2,), 1, 2, True, (1,), torch.float32]


def test_an_empty_batch_has_the_shapes_of_a_full_one() -> None:
    assert vmap(lambda x: x.sin().sum())(torch.zeros(0, 2)).shape == (0,)
    assert vmap(torch.linalg.svdvals)(torch.zeros(0, 2, 3)).shape == (0, 2)


def test_linearize_refuses_other_tangents() -> None:
    _, push = linearize(torch.sin, torch.ones(2))
    for tangents, message in (((torch.ones(3),), "shape"), ((torch.ones(2).double(),), "dtype"), ((1, 2), "argspec")):
        with pytest.raises(RuntimeError, match=message):
            push(*tangents)


def test_functionalize_computes_the_same() -> None:
    close(functionalize(lambda x: x.clone().add_(1))(torch.zeros(2)), torch.ones(2))


def test_the_tables_of_kinds_name_what_there_is() -> None:
    tables = {name: thing for name, thing in vars(kinds).items() if name.isupper()}
    assert {name: kinds.missing(table) for name, table in tables.items()} == {name: [] for name in tables}
