"""Joining, repeating and turning against torch: values, strides, history and both orders of gradients."""

from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch")

import rushlight  # noqa: E402
from tests.parity.tensor_oracle import outcome, same  # noqa: E402

X, Y, V = (2, 3), (2, 3, 4), (3,)


def last(m: Any, x: Any) -> Any:
    """With the channels last in memory."""
    return x.contiguous(memory_format=m.channels_last if x.ndim == 4 else m.channels_last_3d)


CASES: list[tuple[str, Any, list[Any]]] = [
    ("cat", lambda m, x, y: m.cat([x, y]), [X, (1, 3)]),
    ("cat columns", lambda m, x, y: m.cat((x, y), dim=-1), [X, (2, 1)]),
    ("cat of one tensor twice", lambda m, x: m.cat([x, x], 1), [X]),
    ("cat promotes", lambda m, x, y: m.cat([x, y.float()], 0), [X, X]),
    ("cat with integers", lambda m, x, y: m.cat([x, y]), [X, ("long", X, 5)]),
    ("cat with nothing", lambda m, x: m.cat([x, m.empty(0, dtype=m.float64)]), [X]),
    ("cat of transposed", lambda m, x: m.cat([x.t(), x.t()]), [X]),
    ("cat of many transposed", lambda m, x: m.cat([x.t(), x.t()], 1), [(70, 80)]),
    ("cat of transposed and not", lambda m, x: m.cat([x.t(), x[:, :2]], 1), [(3, 3)]),
    ("cat of transposed with nothing", lambda m, x: m.cat([m.empty(0), x.t()], -1), [X]),
    ("cat channels last", lambda m, x: m.cat([last(m, x), last(m, x)], 1), [(2, 3, 4, 5)]),
    ("cat of many channels last", lambda m, x: m.cat([last(m, x), last(m, x)], 1), [(2, 13, 14, 15)]),
    ("cat channels last and not", lambda m, x: m.cat([last(m, x), x], 1), [(2, 3, 4, 5)]),
    ("cat of volumes channels last", lambda m, x: m.cat([last(m, x), last(m, x)], 0), [(2, 3, 4, 5, 2)]),
    ("cat of complex and real", lambda m, x, y: m.cat([x, y]), [("complex", X), X]),
    ("concatenate", lambda m, x: m.concatenate([x, x], axis=1), [X]),
    ("stack", lambda m, x, y: m.stack([x, y]), [X, X]),
    ("stack last", lambda m, x, y: m.stack([x, y], -1), [X, X]),
    ("stack of transposed", lambda m, x: m.stack([x.t(), x.t()], 1), [X]),
    ("stack of transposed, last", lambda m, x: m.stack([x.t(), x.t()], 2), [X]),
    ("stack channels last", lambda m, x: m.stack([last(m, x), last(m, x)], 1), [(2, 3, 4, 5)]),
    ("stack promotes", lambda m, x, y: m.stack([x, y.float()], 1), [X, X]),
    ("hstack", lambda m, x, y: m.hstack([x, y]), [X, X]),
    ("hstack of vectors", lambda m, x, y: m.hstack([x, y]), [V, V]),
    ("vstack", lambda m, x, y: m.vstack([x, y]), [V, X]),
    ("dstack", lambda m, x, y: m.dstack([x, y]), [X, X]),
    ("column stack", lambda m, x, y: m.column_stack([x, y]), [V, (3, 2)]),
    ("repeat", lambda m, x: x.repeat(2, 1, 3), [X]),
    ("repeat none", lambda m, x: x.repeat(2, 0), [X]),
    ("tile", lambda m, x: x.tile(2), [X]),
    ("tile more", lambda m, x: m.tile(x, (2, 1, 2)), [X]),
    ("repeat interleave", lambda m, x: x.repeat_interleave(2), [X]),
    ("repeat interleave of a dimension", lambda m, x: x.repeat_interleave(3, dim=1), [X]),
    ("repeat interleave by tensor", lambda m, x: x.repeat_interleave(m.tensor([2, 0, 1]), 1), [X]),
    ("flip", lambda m, x: x.flip(0, 2), [Y]),
    ("flip of a transposed", lambda m, x: x.t().flip(0), [X]),
    ("fliplr", lambda m, x: x.fliplr(), [X]),
    ("flipud", lambda m, x: x.flipud(), [X]),
    ("roll", lambda m, x: x.roll(1), [X]),
    ("roll dims", lambda m, x: x.roll((1, -2), (0, 1)), [Y]),
    ("rot90", lambda m, x: x.rot90(), [X]),
    ("rot90 thrice", lambda m, x: x.rot90(3, (1, 2)), [Y]),
    ("rot90 twice", lambda m, x: x.rot90(2), [X]),
    ("tril", lambda m, x: x.tril(-1), [Y]),
    ("triu", lambda m, x: x.triu(1), [Y]),
    ("trace", lambda m, x: x.trace(), [X]),
    ("block diag", lambda m, x, y: m.block_diag(x, y, m.tensor(2.0, dtype=m.float64)), [X, V]),
    ("meshgrid", lambda m, x, y: m.meshgrid(x, y, indexing="ij"), [V, (2,)]),
    ("meshgrid xy", lambda m, x, y: m.meshgrid(x, y, indexing="xy"), [V, (2,)]),
    ("combinations", lambda m, x: m.combinations(x), [(4,)]),
    ("cartesian product", lambda m, x, y: m.cartesian_prod(x, y), [V, (2,)]),
    ("vander", lambda m, x: m.vander(x.detach()), [V]),
    ("vander increasing", lambda m, x: m.vander(x.detach(), 4, increasing=True), [V]),
    ("complex", lambda m, x, y: m.complex(x, y), [X, X]),
    ("tril_", lambda m, x: (x * 1).tril_(), [X]),
    ("triu_", lambda m, x: (x * 1).triu_(1), [X]),
]
OTHER_ROUTES = {
    "meshgrid",
    "meshgrid xy",
    "combinations",
    "vander",
    "vander increasing",
    "repeat interleave of a dimension",
}


@pytest.mark.parametrize(("name", "program", "shapes"), CASES, ids=[case[0] for case in CASES])
def test_copy_equals_torch(name: str, program: Any, shapes: list[Any]) -> None:
    other = name in OTHER_ROUTES
    same(program, shapes, strides=not other, check_names=not other)


ERRORS: list[tuple[Any, list[Any]]] = [
    (lambda m: m.cat([]), []),
    (lambda m, x: m.cat([x, m.tensor(1.0)]), [X]),
    (lambda m, x, y: m.cat([x, y]), [X, (2, 4)]),
    (lambda m, x, y: m.cat([x, y]), [X, Y]),
    (lambda m, x: m.cat(x), [X]),
    (lambda m, x: m.cat([x, 1]), [X]),
    (lambda m, x: m.cat([x, x], 5), [X]),
    (lambda m: m.stack([]), []),
    (lambda m, x, y: m.stack([x, y]), [X, Y]),
    (lambda m, x: m.stack([x, x], 5), [X]),
    (lambda m: m.hstack([]), []),
    (lambda m, x: x.repeat(2), [X]),
    (lambda m, x: x.repeat(-1, 1), [X]),
    (lambda m, x: x.repeat(), [X]),
    (lambda m, x: x.repeat_interleave(-1), [X]),
    (lambda m, x: x.repeat_interleave(m.tensor([1, 2])), [X]),
    (lambda m, x: x.repeat_interleave(m.tensor([1, -2]), 0), [X]),
    (lambda m, x: x.repeat_interleave(m.tensor([1, 2]), 0, output_size=4), [X]),
    (lambda m, x: x.repeat_interleave(m.tensor([[2]]), 0), [X]),
    (lambda m, x: x.flip(0, 0), [X]),
    (lambda m, x: x.flip(2), [X]),
    (lambda m, x: x.fliplr(), [V]),
    (lambda m, x: x.flipud(), [()]),
    (lambda m, x: x.roll((1, 2)), [X]),
    (lambda m, x: x.roll(1, (0, 1)), [X]),
    (lambda m, x: x.rot90(1, (0, 0)), [X]),
    (lambda m, x: x.rot90(), [V]),
    (lambda m, x: x.rot90(1, [0]), [X]),
    (lambda m, x: x.tril(), [V]),
    (lambda m, x: x.trace(), [Y]),
    (lambda m, x: x.bool().trace(), [X]),
]


@pytest.mark.parametrize(("program", "shapes"), ERRORS)
def test_bad_arguments_raise_what_torch_raises(program: Any, shapes: list[Any]) -> None:
    theirs = outcome(torch, program, shapes)
    assert theirs[0] != "result"
    assert outcome(rushlight, program, shapes) == theirs
