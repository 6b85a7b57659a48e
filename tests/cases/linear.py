"""Linear layers."""

from __future__ import annotations

from tests.cases.case import Case, Refusal, normal

CASES = [
    Case("Identity", lambda t: t.nn.Identity(3, unused=True), (normal(2, 3),)),
    Case("Linear", lambda t: t.nn.Linear(3, 2), (normal(4, 3),)),
    Case("Linear no bias", lambda t: t.nn.Linear(3, 2, bias=False), (normal(2, 2, 3),)),
    Case("Linear one sample", lambda t: t.nn.Linear(3, 2), (normal(3),)),
    Case("Linear empty", lambda t: t.nn.Linear(3, 2), (normal(0, 3),)),
    Case("LazyLinear", lambda t: t.nn.LazyLinear(2), (normal(4, 3),)),
    Case("Bilinear", lambda t: t.nn.Bilinear(3, 4, 2), (normal(5, 3), normal(5, 4))),
    Case("Bilinear no bias", lambda t: t.nn.Bilinear(3, 4, 2, bias=False), (normal(2, 3, 3), normal(2, 3, 4))),
]

REFUSALS = [
    Refusal(
        "Linear features",
        lambda t: t.nn.Linear(3, 2)(t.ones(4, 2)),
        RuntimeError,
        r"mat1 and mat2 shapes cannot be multiplied \(4x2 and 3x2\)",
    ),
    Refusal("Bilinear features", lambda t: t.nn.Bilinear(0, 4, 2), ValueError, "in1_features must be > 0"),
    Refusal(
        "Bilinear input",
        lambda t: t.nn.Bilinear(3, 4, 2)(t.ones(2, 3), t.ones(2, 3)),
        RuntimeError,
        "input2 size does not match weight size",
    ),
    Refusal(
        "Bilinear batch",
        lambda t: t.nn.Bilinear(3, 4, 2)(t.ones(2, 3), t.ones(3, 4)),
        RuntimeError,
        "batch dimensions do not match",
    ),
]
