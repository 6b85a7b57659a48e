"""Layers that change the shape alone."""

from __future__ import annotations

from tests.cases.case import Case, Refusal, normal

CASES = [
    Case("Flatten", lambda t: t.nn.Flatten(), (normal(2, 3, 2, 1),)),
    Case("Flatten from 0", lambda t: t.nn.Flatten(0), (normal(2, 3, 2),)),
    Case("Flatten part", lambda t: t.nn.Flatten(1, -2), (normal(2, 3, 2, 1),)),
    Case("Flatten empty", lambda t: t.nn.Flatten(), (normal(0, 3, 2),)),
    Case("Unflatten", lambda t: t.nn.Unflatten(1, (2, 3)), (normal(2, 6),)),
    Case("Unflatten the rest", lambda t: t.nn.Unflatten(-1, (2, -1)), (normal(2, 3, 4),)),
    Case("Unflatten Size", lambda t: t.nn.Unflatten(0, t.Size([2, 2])), (normal(4, 3),)),
]

REFUSALS = [
    Refusal("Flatten dims", lambda t: t.nn.Flatten(3)(t.ones(2, 3)), IndexError, "Dimension out of range"),
    Refusal("Unflatten sizes", lambda t: t.nn.Unflatten(1, (2, 2))(t.ones(2, 6)), RuntimeError, "unflatten"),
    Refusal("Unflatten a number", lambda t: t.nn.Unflatten(1, 2), TypeError, "unflattened_size"),
    Refusal("Unflatten floats", lambda t: t.nn.Unflatten(1, (2.0, 3)), TypeError, "int"),
]
