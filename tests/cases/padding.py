"""Padding, in every mode and number of dimensions."""

from __future__ import annotations

from typing import Any

from tests.cases.case import Case, Refusal, boolean, integers, normal


def _layers(rank: int) -> list[Case]:
    shape = (3, 2, 4)[:rank] if rank > 1 else (4,)
    # Before and after each dimension, the last one first.
    pads = (1, 2, 0, 1, 2, 1)[: 2 * rank]
    cropping = (-1, 1, 1, 0, 0, -1)[: 2 * rank]
    cases = []
    for kind in ("Reflection", "Replication", "Circular", "Zero"):
        name = f"{kind}Pad{rank}d"

        def of(padding: Any, name: str = name) -> Any:
            return lambda t: getattr(t.nn, name)(padding)

        cases += [
            Case(name, of(1), (normal(1, 1, *shape),)),
            Case(f"{name} one sample", of(pads), (normal(2, *(n + 2 for n in shape)),), second=rank < 3),
            Case(f"{name} cropping", of(cropping), (normal(1, 1, *shape),)),
        ]
    name = f"ConstantPad{rank}d"
    return [
        *cases,
        Case(name, lambda t: getattr(t.nn, name)(1, 2.5), (normal(1, 1, *shape),)),
        Case(f"{name} list", lambda t: getattr(t.nn, name)(list(cropping), -1), (normal(2, *shape),)),
    ]


def _pad(t: Any) -> Any:
    return t.nn.functional.pad


CASES = [
    *(case for rank in (1, 2, 3) for case in _layers(rank)),
    Case("pad", _pad, (normal(2, 3), (1, 2))),
    Case("pad value", _pad, (normal(2, 3), [1, 0, 2, 1], "constant", 1.5)),
    Case("pad nothing", _pad, (normal(2, 3), ())),
    Case("pad four dimensions", _pad, (normal(1, 2, 1, 2), (1, 0, 0, 1, -1, 1, 1, 0)), {"value": -2}),
    Case("pad away", _pad, (normal(2, 3), (-2, -1))),
    Case("pad empty", _pad, (normal(0, 2), (1, 1, 2, 0)), {"value": 3.0}),
    Case("pad reflect empty batch", _pad, (normal(0, 2, 3), (1, 1), "reflect")),
    Case("pad replicate empty batch", _pad, (normal(0, 2, 3, 3), (1, 1, 0, 2), "replicate")),
    Case("pad reflect most", _pad, (normal(1, 1, 4), (3, 3), "reflect")),
    Case("pad replicate far", _pad, (normal(1, 1, 2), (5, 4)), {"mode": "replicate"}),
    Case("pad circular most", _pad, (normal(1, 3), (3, 3), "circular")),
    Case("pad reflect vanishing", _pad, (normal(1, 3, 3), (-2, -1, 0, 0), "reflect"), halves=()),
    Case("pad fraction among integers", _pad, (integers(9, 2, 3), (1, 1)), {"value": 3.7}),
    Case("pad infinity", _pad, (normal(2), (1, 0), "constant", float("inf")), smooth=False),
    Case("pad integers", _pad, (integers(9, 2, 3), (1, 1)), {"value": 7}),
    Case("pad integers reflect", _pad, (integers(9, 1, 2, 3), (1, 1, 1, 0), "reflect")),
    Case("pad integers circular", _pad, (integers(9, 1, 3), (1, 2), "circular")),
    Case("pad bool", _pad, (boolean(2, 3), (1, 1)), {"value": True}),
    Case("constant_pad_nd", lambda t: t.constant_pad_nd, (normal(2, 3), (1, 0, 0, 1), 2)),
]


def _of(shape: tuple[int, ...], *arguments: Any, **options: Any) -> Any:
    return lambda t: t.nn.functional.pad(t.ones(*shape), *arguments, **options)


REFUSALS = [
    Refusal("pad odd", _of((3,), (1,)), RuntimeError, "Padding length must be divisible by 2"),
    Refusal("pad long", _of((3,), (1, 1, 1, 1)), RuntimeError, "Padding length should be less than or equal to two"),
    Refusal("pad floats", _of((3,), (1.5, 1)), TypeError, "must be tuple of ints"),
    Refusal("pad a number", _of((3,), 1), TypeError, "must be tuple of ints"),
    Refusal("pad mode", _of((1, 1, 3), (1, 1), "mirror"), NotImplementedError, "Unrecognised padding mode mirror"),
    Refusal("pad value", _of((1, 1, 3), (1, 1), "reflect", 2.0), RuntimeError, "doesn't take in value argument"),
    Refusal("pad complex", _of((3,), (1, 1), value=1j), TypeError, "must be float, not complex"),
    Refusal("pad large", _of((3,), (1, 1), value=1e300), RuntimeError, "converted to type float without overflow"),
    Refusal(
        "pad negative among unsigned",
        lambda t: t.nn.functional.pad(t.ones(3).to(t.uint8), (1, 1), value=-2),
        RuntimeError,
        "converted to type uint8_t without overflow",
    ),
    Refusal(
        "constant_pad_nd value",
        lambda t: t.constant_pad_nd(t.ones(3), (1, 1), "a"),
        TypeError,
        "must be Number, not str",
    ),
    Refusal("pad replicate below nothing", _of((1, 3, 3), (-2, -2, 0, 0), "replicate"), RuntimeError, "negative dim"),
    Refusal("pad replicate nothing", _of((1, 3, 3), (-2, -1, -2, -1), "replicate"), RuntimeError, "is too small"),
    Refusal("pad too little", _of((3,), (-2, -2)), RuntimeError, "resulted in a negative output size"),
    Refusal("pad reflect dimensions", _of((3,), (1, 1), "reflect"), NotImplementedError, "Supported combinations"),
    Refusal("pad reflect too much", _of((1, 1, 3), (3, 0), "reflect"), RuntimeError, "less than the corresponding"),
    Refusal("pad circular too much", _of((1, 1, 3), (4, 0), "circular"), RuntimeError, "around more than once"),
    Refusal("pad replicate no channels", _of((1, 0, 3), (1, 0), "replicate"), RuntimeError, "other non-zero"),
    Refusal("pad not a tensor", lambda t: t.nn.functional.pad([1], (1, 1)), TypeError, "must be Tensor, not list"),
    Refusal("ReflectionPad2d", lambda t: t.nn.ReflectionPad2d(1)(t.ones(3, 3)), NotImplementedError, "4 is not supp"),
    Refusal(
        "CircularPad1d", lambda t: t.nn.CircularPad1d(1)(t.ones(3)), ValueError, r"expected 2D or 3D input \(got 1D"
    ),
    Refusal(
        "ReplicationPad1d pads", lambda t: t.nn.ReplicationPad1d((1, 1, 1))(t.ones(1, 3)), RuntimeError, "divisible"
    ),
    Refusal(
        "ReflectionPad1d bool",
        lambda t: t.nn.ReflectionPad1d(1)(t.ones(1, 3).bool()),
        NotImplementedError,
        "not implemented for 'Bool'",
    ),
]
