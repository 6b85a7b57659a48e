"""Sliding blocks as columns, and back."""

from __future__ import annotations

from typing import Any

from tests.cases.case import Case, Refusal, boolean, normal

CASES = [
    Case("Unfold", lambda t: t.nn.Unfold(2), (normal(2, 2, 3, 3),)),
    Case("Unfold one sample", lambda t: t.nn.Unfold((2, 3)), (normal(2, 3, 4),)),
    Case("Unfold settings", lambda t: t.nn.Unfold((2, 1), (1, 2), [1, 0], 2), (normal(1, 2, 3, 4),)),
    Case("Unfold empty", lambda t: t.nn.Unfold(2), (normal(0, 1, 3, 3),)),
    Case("unfold", lambda t: t.nn.functional.unfold, (normal(1, 1, 3, 4), 2, 2, 1, (2, 1))),
    Case("unfold bool", lambda t: t.nn.functional.unfold, (boolean(1, 1, 3, 3), 2)),
    Case("Fold", lambda t: t.nn.Fold(3, 2), (normal(2, 4, 4),)),
    Case("Fold one sample", lambda t: t.nn.Fold((3, 4), (2, 3)), (normal(6, 4),)),
    Case("Fold settings", lambda t: t.nn.Fold((3, 4), (2, 1), (1, 2), [1, 0], 2), (normal(1, 4, 4),)),
    Case("Fold empty", lambda t: t.nn.Fold(3, 2), (normal(0, 4, 4),)),
    Case("fold", lambda t: t.nn.functional.fold, (normal(1, 4, 6), (3, 3), 2, 2, 1, (2, 1))),
    Case(
        "fold of unfold",
        lambda t: lambda x: t.nn.functional.fold(t.nn.functional.unfold(x, 2, stride=(1, 2)), 4, 2, stride=(1, 2)),
        (normal(1, 1, 4, 4),),
    ),
]


def _unfold(*shape: int) -> Any:
    return lambda *arguments, **options: lambda t: t.nn.functional.unfold(t.ones(*shape), *arguments, **options)


def _fold(*shape: int) -> Any:
    return lambda *arguments, **options: lambda t: t.nn.functional.fold(t.ones(*shape), *arguments, **options)


REFUSALS = [
    Refusal("unfold dimensions", _unfold(3, 3)(2), IndexError, "Dimension out of range"),
    Refusal("unfold five dimensions", _unfold(1, 1, 1, 3, 3)(2), RuntimeError, r"Expected 3D or 4D \(batch mode\)"),
    Refusal("unfold no channels", _unfold(1, 0, 3, 3)(2), RuntimeError, "other non-zero dimensions"),
    Refusal("unfold kernel", _unfold(1, 3, 3)(0), RuntimeError, "kernel size should be greater than zero"),
    Refusal("unfold kernels", _unfold(1, 3, 3)((2, 2, 2)), RuntimeError, "kernel_size equals to 2, but got size 3"),
    Refusal("unfold dilation", _unfold(1, 3, 3)(2, 0), RuntimeError, "dilation should be greater than zero"),
    Refusal("unfold padding", _unfold(1, 3, 3)(2, 1, -1), RuntimeError, "padding should be non-negative"),
    Refusal("unfold stride", _unfold(1, 3, 3)(2, stride=0), RuntimeError, "stride should be greater than zero"),
    Refusal("unfold too large", _unfold(1, 1, 3)(2), RuntimeError, r"sliding blocks as \(0, 2\)"),
    Refusal("unfold type of size", _unfold(1, 3, 3)(2.0), TypeError, "found element of type float"),
    Refusal(
        "unfold integers",
        lambda t: t.nn.functional.unfold(t.ones(1, 3, 3).long(), 2),
        NotImplementedError,
        "not implemented for 'Long'",
    ),
    Refusal("unfold not a tensor", lambda t: t.nn.functional.unfold([1], 2), TypeError, "must be Tensor, not list"),
    Refusal("fold dimensions", _fold(4)(3, 2), RuntimeError, r"Expected 2D or 3D \(batch mode\)"),
    Refusal("fold rows", _fold(5, 4)(3, 2), RuntimeError, "divisible by the product of kernel_size"),
    Refusal("fold places", _fold(4, 5)(3, 2), RuntimeError, r"sliding blocks 2 \* 2 = 4, but got input.size\(2\)=5"),
    Refusal("fold small", _fold(4, 1)(0, 2), RuntimeError, "too small"),
    Refusal("fold output_size", _fold(4, 4)((3, 3, 3), 2), RuntimeError, "output_size equals to 2, but got size 3"),
    Refusal("fold stride", _fold(4, 4)(3, 2, stride=(0, 1)), RuntimeError, "stride_height: 0 stride_width: 1"),
]
