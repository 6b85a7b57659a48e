"""Linear layers."""

from __future__ import annotations

from typing import Any

from tests.cases.case import Case, Refusal, fixed, normal


def complex_inputs(name: str, *shapes: tuple[int, ...], differentiable: bool = True) -> Case:
    """A function of `nn.functional` of complex tensors, each made of two real ones; its result as real numbers."""

    def make(t: Any) -> Any:
        function = getattr(t.nn.functional, name)

        def call(*parts: Any) -> Any:
            pairs = zip(parts[::2], parts[1::2], strict=True)
            return t.view_as_real(function(*(t.complex(a, b) for a, b in pairs)))

        return call

    makers = [normal(*shape) for shape in shapes for _ in range(2)]
    return Case(f"{name} complex", make, makers if differentiable else list(map(fixed, makers)), halves=())


CASES = [
    Case("Identity", lambda t: t.nn.Identity(3, unused=True), (normal(2, 3),)),
    Case("Linear", lambda t: t.nn.Linear(3, 2), (normal(4, 3),)),
    Case("Linear no bias", lambda t: t.nn.Linear(3, 2, bias=False), (normal(2, 2, 3),)),
    Case("Linear one sample", lambda t: t.nn.Linear(3, 2), (normal(3),)),
    Case("Linear empty", lambda t: t.nn.Linear(3, 2), (normal(0, 3),)),
    Case("Linear no inputs", lambda t: t.nn.Linear(0, 2), (normal(3, 0),)),
    Case("Linear no outputs", lambda t: t.nn.Linear(3, 0), (normal(2, 3),)),
    Case("Linear double", lambda t: t.nn.Linear(3, 2, device="cpu", dtype=t.float64), (normal(4, 3),)),
    Case("LazyLinear", lambda t: t.nn.LazyLinear(2), (normal(4, 3),)),
    Case("LazyLinear no bias", lambda t: t.nn.LazyLinear(2, bias=False), (normal(2, 2, 3),)),
    Case("Bilinear", lambda t: t.nn.Bilinear(3, 4, 2), (normal(5, 3), normal(5, 4))),
    Case("Bilinear no bias", lambda t: t.nn.Bilinear(3, 4, 2, bias=False), (normal(2, 3, 3), normal(2, 3, 4))),
    Case("Bilinear one sample", lambda t: t.nn.Bilinear(3, 2, 4), (normal(3), normal(2))),
    Case("Bilinear empty", lambda t: t.nn.Bilinear(3, 2, 4), (normal(0, 3), normal(0, 2))),
    Case("linear", lambda t: t.nn.functional.linear, (normal(4, 3), normal(2, 3), normal(2))),
    Case("linear no bias", lambda t: t.nn.functional.linear, (normal(2, 2, 3), normal(2, 3))),
    Case("linear of a vector", lambda t: t.nn.functional.linear, (normal(3), normal(2, 3), normal(2))),
    Case("linear by a vector", lambda t: t.nn.functional.linear, (normal(4, 3), normal(3))),
    Case("bilinear", lambda t: t.nn.functional.bilinear, (normal(2, 3), normal(2, 2), normal(4, 3, 2), normal(4))),
    Case("bilinear no bias", lambda t: t.nn.functional.bilinear, (normal(2, 3), normal(2, 2), normal(4, 3, 2))),
    Case("torch.bilinear", lambda t: t.bilinear, (normal(2, 3), normal(2, 2), normal(4, 3, 2), None)),
    complex_inputs("linear", (2, 3), (2, 3), (2,)),
    # PyTorch has no gradients of it.
    complex_inputs("bilinear", (2, 3), (2, 2), (2, 3, 2), differentiable=False),
]

REFUSALS = [
    Refusal(
        "Linear features",
        lambda t: t.nn.Linear(3, 2)(t.ones(4, 2)),
        RuntimeError,
        r"mat1 and mat2 shapes cannot be multiplied \(4x2 and 3x2\)",
    ),
    Refusal("Linear dtype", lambda t: t.nn.Linear(3, 2)(t.ones(4, 3).double()), RuntimeError, "dtype"),
    Refusal("Linear number", lambda t: t.nn.Linear(3, 2)(1.0), TypeError, "must be Tensor, not float"),
    Refusal("Linear negative", lambda t: t.nn.Linear(-1, 2), RuntimeError, "negative dimension -1"),
    Refusal("Linear integers", lambda t: t.nn.Linear(3, 2, dtype=t.int64), RuntimeError, "can require gradients"),
    Refusal(
        "linear by a vector with bias",
        lambda t: t.nn.functional.linear(t.ones(4, 3), t.ones(3), t.ones(())),
        RuntimeError,
        "mat2 must be a matrix, got 1-D tensor",
    ),
    Refusal("linear no weight", lambda t: t.nn.functional.linear(t.ones(2, 3)), TypeError, "weight"),
    Refusal("Bilinear features", lambda t: t.nn.Bilinear(0, 4, 2), ValueError, "in1_features must be > 0"),
    Refusal(
        "Bilinear input",
        lambda t: t.nn.Bilinear(3, 4, 2)(t.ones(2, 3), t.ones(2, 3)),
        RuntimeError,
        "input2 size does not match weight size",
    ),
    Refusal(
        "Bilinear first input",
        lambda t: t.nn.Bilinear(3, 4, 2)(t.ones(2, 4), t.ones(2, 4)),
        RuntimeError,
        "input1 size does not match weight size",
    ),
    Refusal(
        "Bilinear batch",
        lambda t: t.nn.Bilinear(3, 4, 2)(t.ones(2, 3), t.ones(3, 4)),
        RuntimeError,
        "batch dimensions do not match at dim 0: got 2 and 3",
    ),
    Refusal(
        "bilinear ranks",
        lambda t: t.nn.functional.bilinear(t.ones(2, 3), t.ones(3), t.ones(2, 3, 3)),
        RuntimeError,
        "input dimensions do not match: got 2 and 1",
    ),
    Refusal(
        "bilinear weight",
        lambda t: t.nn.functional.bilinear(t.ones(2, 3), t.ones(2, 3), t.ones(3, 3)),
        IndexError,
        "weight",
    ),
    Refusal(
        "bilinear bias",
        lambda t: t.nn.functional.bilinear(t.ones(2, 3), t.ones(2, 3), t.ones(4, 3, 3), t.ones(2)),
        RuntimeError,
        "bias",
    ),
]
