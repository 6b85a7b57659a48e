"""Dropout: of elements, of channels, of SELU networks; PyTorch's draws under a seed."""

from __future__ import annotations

from typing import Any

from tests.cases.case import Case, Refusal, fixed, normal

_SHAPES: dict[str, list[tuple[int, ...]]] = {
    "Dropout": [(3, 4), (7,)],
    "Dropout1d": [(2, 4, 2), (4, 3)],
    "Dropout2d": [(2, 4, 2, 1), (2, 4, 3)],
    "Dropout3d": [(2, 4, 1, 2, 1), (4, 2, 1, 2)],
    "AlphaDropout": [(3, 4), (7,)],
    "FeatureAlphaDropout": [(2, 4, 2), (3, 4), (2, 3, 1, 2)],
}
_FUNCTIONS = {
    "Dropout": "dropout",
    "Dropout1d": "dropout1d",
    "Dropout2d": "dropout2d",
    "Dropout3d": "dropout3d",
    "AlphaDropout": "alpha_dropout",
    "FeatureAlphaDropout": "feature_alpha_dropout",
}


def module(kind: str, shape: tuple[int, ...], label: str, *arguments: Any, training: bool = True) -> Case:
    return Case(
        f"{kind} {label}".strip(),
        lambda t: getattr(t.nn, kind)(*arguments),
        (normal(*shape),),
        training=training,
        draws=True,
        # Random numbers go to elements in the order in which memory has them.
        stepped=False,
    )


def inplace(kind: str, shape: tuple[int, ...]) -> Case:
    """In place, in a copy."""

    def make(t: Any) -> Any:
        function = getattr(t.nn.functional, _FUNCTIONS[kind])

        def call(x: Any) -> Any:
            copied = x * 1
            assert function(copied, 0.4, True, True) is copied
            return copied

        return call

    return Case(f"{_FUNCTIONS[kind]} in place", make, (normal(*shape),), draws=True, stepped=False)


def function(name: str, label: str, *inputs: Any, **options: Any) -> Case:
    return Case(f"{name} {label}", lambda t: getattr(t.nn.functional, name), inputs, options, draws=True, stepped=False)


CASES = [
    *(module(kind, shape, str(shape)) for kind, shapes in _SHAPES.items() for shape in shapes),
    *(module(kind, shapes[0], "rarely", 0.1) for kind, shapes in _SHAPES.items()),
    *(module(kind, shapes[0], "never", 0.0) for kind, shapes in _SHAPES.items()),
    *(module(kind, shapes[0], "always", 1.0) for kind, shapes in _SHAPES.items()),
    *(module(kind, shapes[0], "eval", training=False) for kind, shapes in _SHAPES.items()),
    *(inplace(kind, shapes[0]) for kind, shapes in _SHAPES.items()),
    Case(
        "Dropout1d in place, one sample",
        lambda t: t.nn.Sequential(t.nn.Tanhshrink(), t.nn.Dropout1d(0.4, inplace=True)),
        (normal(4, 3),),
        draws=True,
        stepped=False,
    ),
    Case(
        "Dropout in place",
        lambda t: t.nn.Sequential(t.nn.Tanhshrink(), t.nn.Dropout(0.4, True)),
        (normal(4, 3),),
        draws=True,
        stepped=False,
    ),
    function("dropout", "default", normal(3, 4)),
    function("dropout", "eval", normal(3, 4), 0.5, False),
    function("dropout", "of a number", normal(), p=0.3),
    function("dropout", "empty", fixed(normal(0, 3))),
    function("dropout1d", "default", normal(2, 3, 2)),
    function("dropout2d", "of five dimensions", normal(1, 3, 1, 2, 2), 0.3),
    function("dropout3d", "of three dimensions", normal(2, 3, 2), 0.3),
    function("alpha_dropout", "default", normal(3, 4)),
    function("alpha_dropout", "training", normal(3, 4), 0.3, True),
    function("feature_alpha_dropout", "default", normal(3, 4)),
    function("feature_alpha_dropout", "training", normal(2, 3, 2), p=0.3, training=True),
    Case("torch.dropout", lambda t: t.dropout, (normal(3, 4), 0.4, True), draws=True, stepped=False),
    Case("torch.feature_dropout", lambda t: t.feature_dropout, (normal(2, 3, 2), 0.4, True), draws=True, stepped=False),
    Case("torch.alpha_dropout", lambda t: t.alpha_dropout, (normal(3, 4), 0.4, True), draws=True, stepped=False),
    Case(
        "torch.feature_alpha_dropout",
        lambda t: t.feature_alpha_dropout,
        (normal(2, 3, 2), 0.4, True),
        draws=True,
        stepped=False,
    ),
    Case(
        "torch.native_dropout",
        lambda t: lambda x: t.native_dropout(x, 0.4, True)[0],
        (normal(3, 4),),
        draws=True,
        stepped=False,
    ),
]

REFUSALS = [
    *(
        Refusal(f"{kind} {p}", lambda t, kind=kind, p=p: getattr(t.nn, kind)(p), ValueError, f"between 0 and 1, but got {p}")  # type: ignore[misc]
        for kind in _SHAPES
        for p in (-0.5, 1.5)
    ),
    *(
        Refusal(name, lambda t, name=name: getattr(t.nn.functional, name)(t.ones(2, 3, 2), 1.5, True), ValueError, "between 0 and 1")  # type: ignore[misc]
        for name in _FUNCTIONS.values()
    ),
    Refusal("torch.dropout", lambda t: t.dropout(t.ones(2), -0.1, True), RuntimeError, "between 0 and 1, but got -0.1"),
    Refusal("dropout1d rank", lambda t: t.nn.functional.dropout1d(t.ones(2)), RuntimeError, "Expected 2D or 3D input, but received a 1D"),
    Refusal("FeatureAlphaDropout rank", lambda t: t.nn.FeatureAlphaDropout()(t.ones(3)), RuntimeError, "at least 2 dimensions"),
    Refusal("dropout integers", lambda t: t.nn.functional.dropout(t.ones(2).long()), RuntimeError, "can't be cast to"),
    Refusal("dropout of a leaf in place", lambda t: t.nn.Dropout(inplace=True)(t.ones(2, requires_grad=True)), RuntimeError, "a leaf Variable"),
    Refusal("dropout number", lambda t: t.nn.functional.dropout(1.0), TypeError, "must be Tensor"),
]  # fmt: skip
