"""Views against torch: values, strides, history and both orders of gradients."""

from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch")

import rushlight  # noqa: E402
from tests.parity.tensor_oracle import outcome, same  # noqa: E402

X, Y, V = (2, 3), (2, 3, 4), (6,)
C = ("complex", (3, 4))

VIEWS: list[tuple[str, Any, list[Any]]] = [
    ("view", lambda m, x: x.view(4, -1), [Y]),
    ("view sequence", lambda m, x: x.view((3, 8)), [Y]),
    ("view as", lambda m, x, y: x.view_as(y), [X, (3, 2)]),
    ("view of an expanded tensor", lambda m, x: x.expand(4, 3).view(2, 2, 3), [(1, 3)]),
    ("view of a narrowed tensor", lambda m, x: x[:, :1].view(2, 4), [Y]),
    ("reshape", lambda m, x: x.reshape(6, 4), [Y]),
    ("reshape by copy", lambda m, x: x.transpose(0, 2).reshape(24), [Y]),
    ("reshape function", lambda m, x: m.reshape(x, (4, 6)), [Y]),
    ("reshape as", lambda m, x, y: x.reshape_as(y), [X, (3, 2)]),
    ("permute", lambda m, x: x.permute(2, 0, 1), [Y]),
    ("permute negative", lambda m, x: x.permute((-1, 0, -2)), [Y]),
    ("transpose", lambda m, x: x.transpose(0, -1), [Y]),
    ("t", lambda m, x: x.t(), [X]),
    ("t of a vector", lambda m, x: x.t(), [V]),
    ("T", lambda m, x: x.T, [X]),
    ("mT", lambda m, x: x.mT, [Y]),
    ("H", lambda m, x: x.H, [X]),
    ("adjoint", lambda m, x: x.adjoint(), [Y]),
    ("swapaxes", lambda m, x: x.swapaxes(0, 1), [Y]),
    ("movedim", lambda m, x: x.movedim((0, 1), (2, 0)), [Y]),
    ("flatten", lambda m, x: x.flatten(1), [Y]),
    ("flatten all of a transposed", lambda m, x: x.transpose(0, 1).flatten(), [Y]),
    ("flatten nothing", lambda m, x: x.flatten(1, 1), [Y]),
    ("flatten a scalar", lambda m, x: x.flatten(), [()]),
    ("unflatten", lambda m, x: x.unflatten(2, (2, -1)), [Y]),
    ("ravel", lambda m, x: x.t().ravel(), [X]),
    ("squeeze", lambda m, x: x.squeeze(), [(1, 3, 1)]),
    ("squeeze one", lambda m, x: x.squeeze(-1), [(1, 3, 1)]),
    ("squeeze none", lambda m, x: x.squeeze(1), [(1, 3, 1)]),
    ("squeeze several", lambda m, x: x.squeeze((0, 2)), [(1, 3, 1)]),
    ("unsqueeze", lambda m, x: x.unsqueeze(1), [Y]),
    ("unsqueeze last", lambda m, x: x.unsqueeze(-1), [Y]),
    ("expand", lambda m, x: x.expand(4, -1, 3), [(2, 1)]),
    ("expand a scalar", lambda m, x: x.expand(2, 2), [()]),
    ("expand as", lambda m, x, y: x.expand_as(y), [(3, 1), Y]),
    ("broadcast to", lambda m, x: x.broadcast_to((5, 2, 3)), [X]),
    ("broadcast tensors", lambda m, x, y: m.broadcast_tensors(x, y), [(2, 1), (3,)]),
    ("atleast 1d", lambda m, x: m.atleast_1d(x), [()]),
    ("atleast 2d", lambda m, x: m.atleast_2d(x), [V]),
    ("atleast 3d", lambda m, x: m.atleast_3d(x), [X]),
    ("atleast 3d of a vector", lambda m, x: m.atleast_3d(x), [V]),
    ("view as real", lambda m, x: m.view_as_real(x), [C]),
    ("view as complex", lambda m, x: m.view_as_complex(x), [(3, 2)]),
    ("real", lambda m, x: x.real, [C]),
    ("imag", lambda m, x: x.imag, [C]),
    ("narrow", lambda m, x: x.narrow(1, 1, 2), [Y]),
    ("select", lambda m, x: x.select(1, -1), [Y]),
    ("diagonal", lambda m, x: x.diagonal(1, 0, 2), [Y]),
    ("diagonal below", lambda m, x: x.diagonal(-1), [X]),
    ("unfold", lambda m, x: x.unfold(1, 2, 1), [Y]),
    ("unfold apart", lambda m, x: x.unfold(0, 2, 3), [(7, 2)]),
    ("as strided", lambda m, x: x.as_strided((2, 2), (1, 2), 1), [Y]),
    ("as strided overlapping", lambda m, x: x.as_strided((4, 3), (1, 1)), [(6,)]),
    ("split", lambda m, x: x.split(2, 2), [Y]),
    ("split with sizes", lambda m, x: x.split([1, 3], 2), [Y]),
    ("chunk", lambda m, x: x.chunk(3, 2), [Y]),
    ("tensor split", lambda m, x: x.tensor_split(3, 2), [Y]),
    ("tensor split at", lambda m, x: x.tensor_split((1, 2), 1), [Y]),
    ("hsplit", lambda m, x: x.hsplit(3), [X]),
    ("vsplit", lambda m, x: x.vsplit(2), [X]),
    ("dsplit", lambda m, x: x.dsplit(2), [Y]),
    ("unbind", lambda m, x: x.unbind(1), [Y]),
    ("chain", lambda m, x: x[1].t().unsqueeze(0).expand(2, 4, 3)[:, 1:].reshape(-1), [Y]),
]


@pytest.mark.parametrize(("program", "shapes"), [case[1:] for case in VIEWS], ids=[case[0] for case in VIEWS])
def test_view_equals_torch(program: Any, shapes: list[Any]) -> None:
    same(program, shapes)


COPIES: list[tuple[str, Any, list[Any]]] = [
    ("diag of a matrix", lambda m, x: x.diag(1), [X]),
    ("diag of a vector", lambda m, x: x.diag(-1), [(3,)]),
    ("diag embed", lambda m, x: m.diag_embed(x, 1, 0, 2), [X]),
    ("diagflat", lambda m, x: m.diagflat(x), [X]),
    ("select scatter", lambda m, x, y: m.select_scatter(x, y, 1, 2), [X, (2,)]),
    ("slice scatter", lambda m, x, y: m.slice_scatter(x, y, 1, 0, 3, 2), [X, (2, 2)]),
    ("diagonal scatter", lambda m, x, y: m.diagonal_scatter(x, y), [X, (2,)]),
]


@pytest.mark.parametrize(("program", "shapes"), [case[1:] for case in COPIES], ids=[case[0] for case in COPIES])
def test_copy_of_a_part_equals_torch(program: Any, shapes: list[Any]) -> None:
    same(program, shapes, check_names=False)


INPLACE: list[tuple[str, Any]] = [
    ("t_", lambda m, x: (x * 2).t_()),
    ("transpose_", lambda m, x: (x * 2).transpose_(0, 1)),
    ("squeeze_", lambda m, x: (x * 2)[:1].clone().squeeze_(0)),
    ("unsqueeze_", lambda m, x: (x * 2).unsqueeze_(-1)),
    ("as_strided_", lambda m, x: (x * 2).as_strided_((2, 2), (1, 2))),
    ("t_ of a view", lambda m, x: (x * 2)[:, 1:].t_()),
]


@pytest.mark.parametrize("program", [case[1] for case in INPLACE], ids=[case[0] for case in INPLACE])
def test_view_in_place_equals_torch(program: Any) -> None:
    same(program, [X])


ERRORS: list[tuple[Any, list[Any]]] = [
    (lambda m, x: x.view(7), [X]),
    (lambda m, x: x.view(-1, -1), [X]),
    (lambda m, x: x.view(-2, 3), [X]),
    (lambda m, x: x.view(4, -1), [X]),
    (lambda m, x: x.t().view(6), [X]),
    (lambda m, x: x.view(0, -1), [(0, 3)]),
    (lambda m, x: x.view(-1, 0), [(0, 3)]),
    (lambda m, x: x.reshape(-1, 4), [X]),
    (lambda m, x: x.reshape("a"), [X]),
    (lambda m, x: x.reshape(), [X]),
    (lambda m, x: x.view(m.complex128), [X]),
    (lambda m, x: x[:, :2].view(m.complex128), [X]),
    (lambda m, x: x.view(m.int16), [()]),
    (lambda m, x: x.permute(0), [X]),
    (lambda m, x: x.permute(0, 0), [X]),
    (lambda m, x: x.permute(0, 5), [X]),
    (lambda m, x: x.transpose(0, 5), [X]),
    (lambda m, x: x.t(), [Y]),
    (lambda m, x: x.mT, [V]),
    (lambda m, x: x.H, [Y]),
    (lambda m, x: x.movedim((0, 0), (1, 2)), [Y]),
    (lambda m, x: x.flatten(2, 1), [Y]),
    (lambda m, x: x.flatten(0, 7), [Y]),
    (lambda m, x: x.unflatten(2, (3, -1)), [Y]),
    (lambda m, x: x.unflatten(2, ()), [Y]),
    (lambda m, x: x.squeeze(5), [X]),
    (lambda m, x: x.squeeze((0, 0)), [X]),
    (lambda m, x: x.unsqueeze(3), [X]),
    (lambda m, x: x.expand(3), [X]),
    (lambda m, x: x.expand(3, 3), [X]),
    (lambda m, x: x.expand(-1, 2, 3), [X]),
    (lambda m, x, y: m.broadcast_tensors(x, y), [X, (4,)]),
    (lambda m: m.broadcast_shapes((2, 3), (4,)), []),
    (lambda m, x: x.narrow(0, 1, 2), [X]),
    (lambda m, x: x.narrow(0, 3, 1), [X]),
    (lambda m, x: x.narrow(0, 0, -1), [X]),
    (lambda m, x: x.narrow(0, 0, 1), [()]),
    (lambda m, x: x.select(0, 2), [X]),
    (lambda m, x: x.select(0, 0), [()]),
    (lambda m, x: x.diagonal(0, 0, 0), [X]),
    (lambda m, x: x.diagonal(), [V]),
    (lambda m, x: x.diag(), [Y]),
    (lambda m, x: x.unfold(1, 4, 1), [X]),
    (lambda m, x: x.unfold(1, 2, 0), [X]),
    (lambda m, x: x.as_strided((7,), (1,)), [X]),
    (lambda m, x: x.as_strided((2,), (-1,)), [X]),
    (lambda m, x: x.as_strided((2,), (1, 1)), [X]),
    (lambda m, x: x.split(0), [X]),
    (lambda m, x: x.split(-1), [X]),
    (lambda m, x: x.split([1, 1], 1), [X]),
    (lambda m, x: x.split([1, -1, 3], 1), [X]),
    (lambda m, x: x.chunk(0), [X]),
    (lambda m, x: x.chunk(2), [()]),
    (lambda m, x: x.tensor_split(0), [X]),
    (lambda m, x: x.hsplit(2), [X]),
    (lambda m, x: x.dsplit(3), [X]),
    (lambda m, x: x.unbind(), [()]),
    (lambda m, x: x.unbind(5), [X]),
    (lambda m, x: m.view_as_real(x), [X]),
    (lambda m, x: m.view_as_complex(x), [X]),
    (lambda m, x: m.view_as_complex(x.t()), [(2, 2)]),
    (lambda m, x: x.imag, [X]),
    (lambda m, x: x.requires_grad_().t_(), [X]),
    (lambda m, x: x.requires_grad_().resize_(6), [X]),
    (lambda m, x: m.select_scatter(x, x, 0, 0), [X]),
    (lambda m, x: m.slice_scatter(x, x[0]), [X]),
    (lambda m, x: m.diagonal_scatter(x, x[0]), [X]),
]


@pytest.mark.parametrize(("program", "shapes"), ERRORS)
def test_bad_arguments_raise_what_torch_raises(program: Any, shapes: list[Any]) -> None:
    theirs = outcome(torch, program, shapes)
    assert theirs[0] != "result"
    assert outcome(rushlight, program, shapes) == theirs
