"""Joining, repeating, turning: against NumPy, and their gradients against finite differences."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import rushlight as torch
from rushlight.autograd import gradcheck, gradgradcheck

A = np.arange(6.0).reshape(2, 3)

CASES: list[tuple[str, Any, Any]] = [
    ("cat", lambda x: torch.cat([x, x * 2], 1), lambda a: np.concatenate([a, a * 2], 1)),
    ("stack", lambda x: torch.stack([x, x * 2], -1), lambda a: np.stack([a, a * 2], -1)),
    ("hstack", lambda x: torch.hstack([x, x]), lambda a: np.hstack([a, a])),
    ("vstack", lambda x: torch.vstack([x, x[0]]), lambda a: np.vstack([a, a[0]])),
    ("dstack", lambda x: torch.dstack([x, x]), lambda a: np.dstack([a, a])),
    ("column_stack", lambda x: torch.column_stack([x[:, 0], x]), lambda a: np.column_stack([a[:, 0], a])),
    ("repeat", lambda x: x.repeat(2, 1, 2), lambda a: np.tile(a, (2, 1, 2))),
    ("tile", lambda x: x.tile(2), lambda a: np.tile(a, 2)),
    ("repeat_interleave", lambda x: x.repeat_interleave(2, 1), lambda a: np.repeat(a, 2, 1)),
    (
        "repeat_interleave by tensor",
        lambda x: x.repeat_interleave(torch.tensor([2, 0, 1]), 1),
        lambda a: np.repeat(a, [2, 0, 1], 1),
    ),
    ("flip", lambda x: x.flip(1), lambda a: np.flip(a, 1)),
    ("roll", lambda x: x.roll((1, -1), (0, 1)), lambda a: np.roll(a, (1, -1), (0, 1))),
    ("roll all", lambda x: x.roll(2), lambda a: np.roll(a, 2)),
    ("rot90", lambda x: x.rot90(), lambda a: np.rot90(a)),
    ("tril", lambda x: x.tril(), lambda a: np.tril(a)),
    ("triu", lambda x: x.triu(1), lambda a: np.triu(a, 1)),
    ("trace", lambda x: x.trace(), lambda a: np.trace(a)),
    ("diag", lambda x: torch.diag(x[0]), lambda a: np.diag(a[0])),
    ("diag of a matrix", lambda x: x.diag(1), lambda a: np.diag(a, 1)),
    (
        "block_diag",
        lambda x: torch.block_diag(x, x[:1]),
        lambda a: np.block([[a, np.zeros((2, 3))], [np.zeros((1, 3)), a[:1]]]),
    ),
]


@pytest.mark.parametrize(("program", "reference"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_values_equal_numpy_and_gradients_are_right(program: Any, reference: Any) -> None:
    x = torch.tensor(A, requires_grad=True)
    np.testing.assert_array_equal(program(x).detach().numpy(), reference(A))
    assert gradcheck(lambda x: program(x) ** 2, (x,))
    assert gradgradcheck(lambda x: program(x) ** 3, (x,))


def test_cat_promotes_and_gives_gradients_in_each_dtype() -> None:
    a, b = torch.ones(2, requires_grad=True), torch.ones(1, dtype=torch.float64, requires_grad=True)
    out = torch.cat([a, torch.tensor([7]), b])
    assert out.dtype is torch.float64
    out.sum().backward()
    assert a.grad.dtype is torch.float32 and b.grad.dtype is torch.float64


def test_stack_refuses_shapes_whose_lengths_add_up() -> None:
    views = [torch.ones(2, 3).t(), torch.ones(1, 3).t(), torch.ones(3, 3).t()]
    # Views and tensors of their own go different ways.
    for tensors in (views, [view.clone() for view in views]):
        with pytest.raises(RuntimeError, match=r"\[3, 2\] at entry 0 and \[3, 1\] at entry 1"):
            torch.stack(tensors, 1)


def test_cat_refuses_lengths_that_differ_in_any_order_of_memory() -> None:
    for rows, columns in ((3, 4), (70, 80)):
        tensors = [torch.ones(columns, rows).t().clone(), torch.ones(columns + 1, rows).t().clone()]
        with pytest.raises(RuntimeError, match=f"Expected size {columns} but got size {columns + 1}"):
            torch.cat(tensors, 0)


def _leaves(*lengths: int) -> list[Any]:
    return [torch.ones(length, requires_grad=True) for length in lengths]


def test_leaves_share_the_gradient_that_cat_divides_among_them() -> None:
    a, b = _leaves(2, 3)
    given = torch.arange(5.0)
    torch.cat([a, b]).backward(given)
    assert b.grad.data_ptr() == given[2:].data_ptr() and not b.grad._is_view()
    # What is added to a gradient reaches neither the one that was given nor the other leaf's.
    torch.cat([a, b]).backward(torch.ones(5))
    assert a.grad.tolist() == [1, 2] and b.grad.tolist() == [3, 4, 5] and given.tolist() == [0, 1, 2, 3, 4]
    b.grad.zero_()
    assert given.tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    "program",
    [
        lambda a, b, c, d: torch.cat([a, b]) + torch.cat([c, d]),
        lambda a, b, c, d: torch.cat([a, b]).reshape(2, 2).view(4) + torch.cat([c, d]),
        lambda a, b, c, d: torch.cat([a + c, b + d]),
        lambda a, b, c, d: torch.cat([torch.cat([a, c[:0]]), b]) + torch.cat([torch.cat([c[:1], c[1:]]), d]),
        lambda a, b, c, d: torch.cat([a.view(2, 1), b.view(2, 1)], 1).view(4) + torch.cat([c, d]),
    ],
)
def test_no_two_leaves_are_given_the_same_memory(program: Any) -> None:
    leaves = _leaves(2, 2, 2, 2)
    program(*leaves).backward(torch.ones(4))
    for i, leaf in enumerate(leaves):
        leaf.grad.mul_(10.0**i)
    assert [leaf.grad.tolist() for leaf in leaves] == [[10.0**i] * 2 for i in range(4)]


def test_a_gradient_that_someone_else_views_is_not_divided() -> None:
    a, b, c, d = _leaves(2, 2, 2, 2)
    given = torch.ones(4)
    torch.cat([a, b]).backward(given)
    torch.cat([c, d]).backward(given)
    c.grad.zero_()
    assert a.grad.tolist() == [1, 1] and given.tolist() == [1, 1, 1, 1]


def test_cat_takes_an_empty_vector_with_anything_and_writes_into_out() -> None:
    x = torch.ones(2, 2)
    assert torch.cat([x, torch.empty(0)]).shape == (2, 2)
    out = torch.empty(0)
    assert torch.cat([x, x], out=out) is out and out.shape == (4, 2)


def test_flip_copies() -> None:
    x = torch.arange(3)
    y = x.flip(0)
    y[0] = 9
    assert x.tolist() == [0, 1, 2] and all(step > 0 for step in y.stride())


@pytest.mark.parametrize(
    ("program", "error", "text"),
    [
        (lambda: torch.cat([]), ValueError, "expected a non-empty list of Tensors"),
        (
            lambda: torch.cat([torch.ones(2, 3), torch.ones(2, 4)]),
            RuntimeError,
            "Expected size 3 but got size 4 for tensor number 1",
        ),
        (lambda: torch.cat([torch.ones(1), 1]), TypeError, "expected Tensor as element 1 in argument 0, but got int"),
        (
            lambda: torch.stack([torch.ones(1), torch.ones(2)]),
            RuntimeError,
            r"got \[1\] at entry 0 and \[2\] at entry 1",
        ),
        (lambda: torch.ones(2, 2).repeat(2), RuntimeError, "can not be smaller than number of dimensions"),
        (lambda: torch.ones(2).roll((1, 2)), RuntimeError, "shifts and dimensions must align"),
        (lambda: torch.ones(2).tril(), RuntimeError, "must have at least 2 dimensions"),
    ],
)
def test_bad_arguments_say_what_was_expected(program: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        program()
