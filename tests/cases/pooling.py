"""Pooling: largest elements, means, norms; moving windows, adaptive ones, windows drawn at random; unpooling."""

from __future__ import annotations

from typing import Any

from tests.cases.case import Case, Maker, Refusal, distinct, fixed, given, integers, normal, uniform

WHOLE = {1: (5,), 2: (5, 3), 3: (4, 3, 3)}


def sizes(rank: int, *numbers: int) -> tuple[int, ...]:
    return numbers[:rank]


def _moving(rank: int) -> list[Case]:
    """Layers with a moving window."""
    largest, mean = f"MaxPool{rank}d", f"AvgPool{rank}d"
    whole, pair = WHOLE[rank], sizes(rank, 2, 1, 2)
    one = (1,) if rank == 1 else (1, 1)
    wide = sizes(rank, 3, 2, 2)

    def of(name: str, *arguments: Any, **options: Any) -> Any:
        return lambda t: getattr(t.nn, name)(*arguments, **options)

    cases = [
        Case(largest, of(largest, 2), (distinct(*one, *whole),)),
        Case(f"{largest} one sample", of(largest, pair, return_indices=True), (distinct(2, *whole),)),
        Case(f"{largest} settings", of(largest, wide, 2, 1, 1, True), (distinct(1, 1, *whole),)),
        Case(f"{largest} dilation", of(largest, pair, 1, dilation=2), (distinct(1, 1, *whole),)),
        Case(f"{largest} ceil_mode", of(largest, pair, 2, ceil_mode=True), (distinct(1, 2, *whole),)),
        Case(f"{largest} empty", of(largest, 2), (normal(0, 1, *whole),)),
        Case(mean, of(mean, 2), (normal(2, 1, *whole),)),
        Case(f"{mean} one sample", of(mean, pair, 1), (normal(2, *whole),)),
        Case(f"{mean} padding", of(mean, 2, 2, 1), (normal(1, 1, *whole),)),
        Case(f"{mean} not counting", of(mean, 2, 2, 1, False, False), (normal(1, 1, *whole),)),
        Case(f"{mean} ceil_mode", of(mean, wide, 2, 1, True), (normal(1, 1, *whole),)),
        Case(f"{mean} empty", of(mean, 2), (normal(0, 1, *whole),)),
    ]
    if rank > 1:
        cases += [
            Case(f"{mean} divisor", of(mean, pair, divisor_override=3), (normal(1, 1, *whole),)),
            Case(f"{mean} divisor, ceil", of(mean, 2, 2, 1, True, False, -2), (normal(1, 1, *whole),)),
        ]
    return cases


def _adaptive(rank: int) -> list[Case]:
    whole = sizes(rank, 5, 4, 2)
    cases = []
    for family, draw in (("Avg", normal), ("Max", distinct)):
        name = f"Adaptive{family}Pool{rank}d"

        def of(*arguments: Any, name: str = name) -> Any:
            return lambda t: getattr(t.nn, name)(*arguments)

        cases += [
            Case(name, of(2), (draw(1, 1, *whole),)),
            Case(f"{name} one", of(1), (draw(1, 2, *whole),)),
            Case(f"{name} one sample", of(sizes(rank, 3, 2, 1)), (draw(1, *whole),)),
            Case(f"{name} larger", of(sizes(rank, 7, 3, 3)), (draw(1, 1, *sizes(rank, 3, 2, 2)),)),
            Case(f"{name} empty", of(2), (draw(0, 1, *whole),)),
        ]
        if rank > 1:
            cases.append(Case(f"{name} None", of([None, 3, 1][:rank]), (draw(1, 1, *whole),)))
        if family == "Max":
            cases.append(Case(f"{name} indices", of(3, True), (draw(1, 1, *whole),)))
    return cases


def _unpooling(rank: int) -> list[Case]:
    name = f"MaxUnpool{rank}d"
    shape = (3, 2, 1)[:rank]
    some = {1: [[[0, 3, 5]]], 2: [[[[0, 3], [9, 6], [20, 22]]]], 3: [[[[[0], [5]], [[17], [18]], [[20], [27]]]]]}[rank]
    usual = sizes(rank, 7, 5, 3)

    def of(*arguments: Any, **options: Any) -> Any:
        return lambda t: getattr(t.nn, name)(*arguments, **options)

    return [
        Case(name, of(2), (normal(1, 1, *shape), given(some))),
        Case(f"{name} one sample", of((2,) * rank, 2, 0), (normal(1, *shape), given(some[0]))),
        Case(f"{name} output_size", of(2), (normal(1, 1, *shape), given(some)), {"output_size": usual}),
        Case(f"{name} whole size", of(2), (normal(1, 1, *shape), given(some), [1, 1, *usual])),
        Case(f"{name} settings", of(3, 3, 1), (normal(1, 1, *shape), given(some))),
        Case(
            f"{name} of MaxPool",
            lambda t: (
                lambda x: getattr(t.nn.functional, f"max_unpool{rank}d")(
                    *getattr(t.nn.functional, f"max_pool{rank}d")(x, 2, return_indices=True), 2
                )
            ),
            (distinct(1, 1, *sizes(rank, 4, 2, 4)),),
        ),
    ]


def _fractional(rank: int) -> list[Case]:
    name, function = f"FractionalMaxPool{rank}d", f"fractional_max_pool{rank}d"
    whole = (5, 6) if rank == 2 else (4, 3, 3)
    outputs = (3, 4) if rank == 2 else (2, 1, 1)
    samples = fixed(uniform(0, 1, 1, 1, rank))
    # PyTorch can't differentiate the gradient of this pooling.
    options: Any = {"draws": True, "second": False}
    return [
        Case(name, lambda t: getattr(t.nn, name)(2, outputs), (distinct(1, 1, *whole),), **options),
        Case(
            f"{name} one sample",
            lambda t: getattr(t.nn, name)((2, 1, 2)[:rank], outputs, return_indices=True),
            (distinct(1, *whole),),
            **options,
        ),
        Case(f"{name} ratio", lambda t: getattr(t.nn, name)(1, None, 0.7), (distinct(1, 1, *whole),), **options),
        Case(
            f"{name} ratios",
            lambda t: getattr(t.nn, name)(1, output_ratio=(0.5, 0.7, 0.4)[:rank], return_indices=True),
            (distinct(1, 2, *whole[:-1], 3),),
            **options,
        ),
        Case(
            f"{name} samples",
            lambda t: getattr(t.nn, name)(2, outputs, _random_samples=t.full((1, 1, rank), 0.6)),
            (distinct(1, 1, *whole),),
            **options,
        ),
        Case(f"{name} one output", lambda t: getattr(t.nn, name)(2, 1), (distinct(1, 1, *whole),), **options),
        Case(f"{name} empty", lambda t: getattr(t.nn, name)(2, outputs), (distinct(0, 1, *whole),), **options),
        Case(
            function,
            lambda t: getattr(t.nn.functional, function),
            (distinct(1, 1, *whole), 2, outputs, None, False, samples),
            **options,
        ),
        Case(
            f"{function}_with_indices",
            lambda t: getattr(t.nn.functional, f"{function}_with_indices"),
            (distinct(1, 1, *whole), 2, outputs),
            **options,
        ),
        Case(
            f"{function} many",
            lambda t: getattr(t.nn.functional, function),
            (distinct(3, 4, *(n + 3 for n in whole)), 2, outputs, None, True),
            smooth=False,
            **options,
        ),
    ]


def _unlike(*shape: int) -> Maker:
    """Numbers whose magnitudes differ, too."""
    return Maker(lambda rng: distinct(*shape).draw(rng) + 0.02)


def _norms(rank: int) -> list[Case]:
    name, function = f"LPPool{rank}d", f"lp_pool{rank}d"
    whole, pair = WHOLE[rank], sizes(rank, 2, 1, 2)
    positive = uniform(0.5, 2.0, 1, 1, *whole)
    return [
        Case(name, lambda t: getattr(t.nn, name)(2, 2), (normal(1, 1, *whole),)),
        Case(f"{name} one", lambda t: getattr(t.nn, name)(1, 2, 1), (positive,)),
        Case(f"{name} fraction", lambda t: getattr(t.nn, name)(1.5, 2, ceil_mode=True), (positive,)),
        Case(f"{name} infinity", lambda t: getattr(t.nn, name)(float("inf"), 2), (_unlike(1, 1, *whole),)),
        Case(f"{name} -infinity", lambda t: getattr(t.nn, name)(-float("inf"), 2, 1), (_unlike(1, *whole),)),
        Case(function, lambda t: getattr(t.nn.functional, function), (positive, 3.0, 2 if rank == 1 else pair)),
        Case(f"{function} settings", lambda t: getattr(t.nn.functional, function), (positive, 2, 2), {"stride": 1}),
    ]


def _functions(rank: int) -> list[Case]:
    whole = WHOLE[rank]
    F = "adaptive_max_pool{}d", "adaptive_avg_pool{}d", "max_pool{}d", "avg_pool{}d"
    adaptive_max, adaptive_avg, largest, mean = (name.format(rank) for name in F)

    def function(name: str) -> Any:
        return lambda t: getattr(t.nn.functional, name)

    return [
        Case(largest, function(largest), (distinct(1, 1, *whole), 2, [1], 1)),
        Case(f"{largest} indices", function(largest), (distinct(1, 1, *whole), 2), {"return_indices": True}),
        Case(f"{largest}_with_indices", function(f"{largest}_with_indices"), (distinct(1, *whole), 2)),
        Case(mean, function(mean), (normal(1, 1, *whole), [2], None, 0, True)),
        Case(adaptive_max, function(adaptive_max), (distinct(1, 1, *whole), [2] * rank, True)),
        Case(f"{adaptive_max}_with_indices", function(f"{adaptive_max}_with_indices"), (distinct(1, *whole), 2)),
        Case(adaptive_avg, function(adaptive_avg), (normal(1, *whole), 3)),
    ]


CASES = [
    *(
        case
        for rank in (1, 2, 3)
        for kind in (_moving, _adaptive, _unpooling, _norms, _functions)
        for case in kind(rank)
    ),
    *(case for rank in (2, 3) for case in _fractional(rank)),
    Case("torch.max_pool1d", lambda t: t.max_pool1d, (distinct(1, 1, 5), 2, 1)),
    Case("torch.max_pool1d_with_indices", lambda t: t.max_pool1d_with_indices, (distinct(1, 1, 5), 2, 1)),
    Case("torch.max_pool2d", lambda t: t.max_pool2d, (distinct(1, 1, 5, 3), 2, 1)),
    Case("torch.max_pool3d", lambda t: t.max_pool3d, (distinct(1, 1, 3, 3, 3), 2, 1)),
    Case("torch.avg_pool1d", lambda t: t.avg_pool1d, (normal(1, 1, 5), 2, 1)),
    Case("torch.adaptive_avg_pool1d", lambda t: t.adaptive_avg_pool1d, (normal(1, 1, 5), 2)),
    Case("torch.adaptive_max_pool1d", lambda t: t.adaptive_max_pool1d, (distinct(1, 1, 5), 2)),
    Case("max_pool1d integers", lambda t: t.nn.functional.max_pool1d_with_indices, (integers(9, 1, 4), 2)),
    Case(
        "adaptive_avg_pool2d nothing", lambda t: t.nn.functional.adaptive_avg_pool2d, (normal(1, 0, 4), 1), smooth=False
    ),
    Case("max_pool2d integers", lambda t: t.nn.functional.max_pool2d, (integers(9, 1, 4, 4), 2)),
    Case("avg_pool2d integers", lambda t: t.nn.functional.avg_pool2d, (integers(9, 1, 4, 4), 2)),
    Case("lp_pool2d integers", lambda t: t.nn.functional.lp_pool2d, (integers(9, 1, 4, 4), 2, 2)),
    Case(
        "max_pool1d equal",
        lambda t: t.nn.functional.max_pool1d,
        (given([[1.0, 1.0, 2.0, 2.0, 0.0, 2.0]]), 3),
        {"return_indices": True},
        smooth=False,
    ),
    Case(
        "adaptive_max_pool2d equal",
        lambda t: t.nn.functional.adaptive_max_pool2d,
        (given([[[0.0, 2.0, 2.0], [2.0, 1.0, 2.0], [2.0, 2.0, 2.0]]]), 2),
        {"return_indices": True},
        smooth=False,
    ),
]


def _f(name: str, shape: tuple[int, ...], *arguments: Any, **options: Any) -> Any:
    return lambda t: getattr(t.nn.functional, name)(t.ones(*shape), *arguments, **options)


def _unpool(name: str, shape: tuple[int, ...], index: int, *arguments: Any, **options: Any) -> Any:
    return lambda t: getattr(t.nn.functional, name)(
        t.ones(*shape), t.full(shape, index, dtype=t.int64), *arguments, **options
    )


REFUSALS = [
    Refusal("max_pool1d dimensions", _f("max_pool1d", (3,), 2), RuntimeError, "Expected 2D or 3D"),
    Refusal("max_pool2d dimensions", _f("max_pool2d", (3, 3), 2), RuntimeError, "3D or 4D"),
    Refusal("max_pool2d padding", _f("max_pool2d", (1, 3, 3), 2, 2, 2), RuntimeError, "at most half of"),
    Refusal("max_pool2d stride", _f("max_pool2d", (1, 3, 3), 2, 0), RuntimeError, "stride should not be zero"),
    Refusal("max_pool2d dilation", _f("max_pool2d", (1, 3, 3), 2, 1, 0, 0), RuntimeError, "dilation should be greater"),
    Refusal("max_pool3d kernels", _f("max_pool3d", (1, 3, 3, 3), (2, 2)), RuntimeError, "tuple of three ints"),
    Refusal("max_pool2d too large", _f("max_pool2d", (1, 1, 3), 2), RuntimeError, "Output size is too small"),
    Refusal("avg_pool2d divisor", _f("avg_pool2d", (1, 3, 3), 2, divisor_override=0), RuntimeError, "must be not zero"),
    Refusal("avg_pool1d dimensions", _f("avg_pool1d", (3,), 2), RuntimeError, "Expected 2 to 3 dimensions"),
    Refusal("avg_pool2d dimensions", _f("avg_pool2d", (3, 3), 2), IndexError, "Dimension out of range"),
    Refusal("avg_pool3d small", _f("avg_pool3d", (1, 3, 3, 2), 3, 1, 1), RuntimeError, "smaller than kernel size"),
    Refusal(
        "adaptive_avg_pool2d integers",
        lambda t: t.nn.functional.adaptive_avg_pool2d(t.ones(1, 3, 3).int(), 1),
        RuntimeError,
        "could not infer output dtype",
    ),
    Refusal("avg_pool3d padding", _f("avg_pool3d", (1, 3, 3, 3), 2, 2, 2), RuntimeError, "at most half of"),
    Refusal(
        "avg_pool2d type",
        lambda t: t.nn.functional.avg_pool2d(t.ones(1, 3, 3).int(), 2),
        NotImplementedError,
        "not implemented for 'Int'",
    ),
    Refusal("adaptive_avg_pool1d dimensions", _f("adaptive_avg_pool1d", (3,), 2), RuntimeError, "Expected 2 to 3"),
    Refusal("adaptive_max_pool2d sizes", _f("adaptive_max_pool2d", (1, 3, 3), (2, 2, 2)), ValueError, "at least 4"),
    Refusal("adaptive_avg_pool2d None", _f("adaptive_avg_pool2d", (1, 3, 3), None), TypeError, "'NoneType' has no len"),
    Refusal("adaptive_avg_pool3d two", _f("adaptive_avg_pool3d", (1, 3, 3, 3), (2, 2)), RuntimeError, "must be 3"),
    Refusal("adaptive_avg_pool2d flat", _f("adaptive_avg_pool2d", (3, 3), (2, 2)), ValueError, "at least 3"),
    Refusal("adaptive_avg_pool2d negative", _f("adaptive_avg_pool2d", (1, 3, 3), -1), RuntimeError, "equal to 0 but"),
    Refusal("adaptive_max_pool3d empty", _f("adaptive_max_pool3d", (1, 0, 3, 3), 2), RuntimeError, "being empty"),
    Refusal("max_unpool1d range", _unpool("max_unpool1d", (1, 2), 4, 2), RuntimeError, r"max index: 4 .*size 4x1\)"),
    Refusal("max_unpool2d range", _unpool("max_unpool2d", (1, 2, 2), -1, 2), RuntimeError, "invalid max index: -1"),
    Refusal("max_unpool3d range", _unpool("max_unpool3d", (1, 2, 2, 2), 64, 2), RuntimeError, "are of size 4x4x4"),
    Refusal("max_unpool2d dimensions", _unpool("max_unpool2d", (2, 2), 0, 2), RuntimeError, "be a 3d or 4d Tensor"),
    Refusal("max_unpool3d strides", _unpool("max_unpool3d", (1, 1, 1, 1), 0, 2, 0), RuntimeError, "strides should be"),
    Refusal(
        "max_unpool3d pads", _unpool("max_unpool3d", (1, 1, 1, 1), 0, 2, 2, (0,) * 4), RuntimeError, "in padding, b"
    ),
    Refusal("max_unpool2d empty", _unpool("max_unpool2d", (1, 0, 1), 0, 2), RuntimeError, "dimension 1 being empty"),
    Refusal("max_unpool2d kernels", _unpool("max_unpool2d", (1, 1, 1), 0, (2,)), RuntimeError, "exactly two elements"),
    Refusal("max_unpool2d nothing", _unpool("max_unpool2d", (1, 1, 1), 0, 2, 2, 2), ValueError, "non-negative spatial"),
    Refusal(
        "max_unpool2d size", _unpool("max_unpool2d", (1, 2, 2), 0, 2, output_size=(4,)), ValueError, "length of '1'"
    ),
    Refusal(
        "max_unpool2d far", _unpool("max_unpool2d", (1, 2, 2), 0, 2, output_size=(4, 6)), ValueError, "between 2 and 6"
    ),
    Refusal(
        "max_unpool2d type of indices",
        lambda t: t.nn.functional.max_unpool2d(t.ones(1, 1, 1), t.zeros(1, 1, 1), 2),
        RuntimeError,
        "should be type int64 but got: Float",
    ),
    Refusal(
        "max_unpool2d shapes",
        lambda t: t.nn.functional.max_unpool2d(t.ones(1, 1, 1), t.zeros(1, 1, 2).long(), 2),
        RuntimeError,
        "Expected shape of indices to be same",
    ),
    Refusal(
        "max_unpool2d type",
        lambda t: t.nn.functional.max_unpool2d(t.ones(1, 1, 1).long(), t.zeros(1, 1, 1).long(), 2),
        NotImplementedError,
        "not implemented for 'Long'",
    ),
    Refusal("fractional sizes", _f("fractional_max_pool2d", (1, 4, 4), 2), ValueError, "an output_size or an output_r"),
    Refusal("fractional height", _f("fractional_max_pool2d", (1, 4, 5), 2, 4), RuntimeError, "pool height 2 too large"),
    Refusal("fractional time", _f("fractional_max_pool3d", (1, 3, 4, 4), 2, 3), RuntimeError, "pool time 2 too large"),
    Refusal("fractional dimensions", _f("fractional_max_pool2d", (4, 4), 2, 2), IndexError, "Dimension out of range"),
    Refusal("fractional many", _f("fractional_max_pool2d", (1, 1, 1, 4, 4), 2, 2), RuntimeError, "Expected 3D or 4D"),
    Refusal("fractional kernels", _f("fractional_max_pool3d", (1, 4, 4, 4), (2, 2), 2), RuntimeError, "three Ints"),
    Refusal(
        "fractional negative", _f("fractional_max_pool2d", (1, 4, 4), 2, -1), RuntimeError, "negative dimension -1"
    ),
    Refusal(
        "fractional ratios",
        _f("fractional_max_pool2d", (1, 4, 4), 2, output_ratio=(0.5, 0.5, 0.5)),
        ValueError,
        "requires output_ratio to either be",
    ),
    Refusal(
        "fractional samples",
        lambda t: t.nn.functional.fractional_max_pool2d(t.ones(1, 4, 4), 2, 2, _random_samples=t.ones(1, 2)),
        RuntimeError,
        "to have 3 dimensions, got 2",
    ),
    Refusal(
        "fractional samples' type",
        lambda t: t.nn.functional.fractional_max_pool2d(
            t.ones(1, 4, 4), 2, 2, _random_samples=t.ones(1, 1, 2).double()
        ),
        RuntimeError,
        "to have the same dtype as input",
    ),
    Refusal(
        "fractional samples' batch",
        lambda t: t.nn.functional.fractional_max_pool2d(t.ones(2, 1, 4, 4), 2, 2, _random_samples=t.ones(1, 1, 2)),
        RuntimeError,
        "no less then input batch size",
    ),
    Refusal(
        "FractionalMaxPool2d none", lambda t: t.nn.FractionalMaxPool2d(2), ValueError, "requires specifying either"
    ),
    Refusal(
        "FractionalMaxPool2d both", lambda t: t.nn.FractionalMaxPool2d(2, 2, 0.5), ValueError, "only one of output"
    ),
    Refusal(
        "FractionalMaxPool3d ratio",
        lambda t: t.nn.FractionalMaxPool3d(2, output_ratio=(0.5, 1, 0.5)),
        ValueError,
        r"between 0 and 1 \(got \(0.5, 1, 0.5\)\)",
    ),
    Refusal(
        "FractionalMaxPool3d kernel", lambda t: t.nn.FractionalMaxPool3d(0, 2), ValueError, "must be greater than 0"
    ),
    Refusal("lp_pool1d kernel", _f("lp_pool1d", (1, 4), 2, (2,)), TypeError, "must be Tensor, not tuple"),
    Refusal("lp_pool2d kernels", _f("lp_pool2d", (1, 4, 4), 2, (2,)), ValueError, "not enough values to unpack"),
    Refusal("lp_pool2d zero", _f("lp_pool2d", (1, 4, 4), 0, 2), ZeroDivisionError, "division by zero"),
    Refusal("lp_pool2d too large", _f("lp_pool2d", (1, 1, 4), 2, 2), RuntimeError, "Output size is too small"),
]
