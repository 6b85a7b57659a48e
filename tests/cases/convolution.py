"""Convolutions, and transposed ones."""

from __future__ import annotations

from typing import Any

from tests.cases.case import Case, Refusal, given, normal


def sizes(rank: int, *numbers: int) -> tuple[int, ...]:
    return numbers[:rank]


def _layers(rank: int) -> list[Case]:
    """A layer of each rank under each setting, small enough for finite differences."""
    name = f"Conv{rank}d"
    whole, pair = sizes(rank, 4, 3, 3), sizes(rank, 2, 1, 2)

    def of(*arguments: Any, **options: Any) -> Any:
        return lambda t: getattr(t.nn, name)(*arguments, **options)

    return [
        Case(name, of(2, 3, 2), (normal(2, 2, *whole),)),
        Case(f"{name} one sample", of(1, 2, pair, bias=False), (normal(1, *whole),)),
        Case(f"{name} stride", of(2, 1, pair, stride=2), (normal(1, 2, *whole),)),
        Case(f"{name} padding", of(1, 2, 2, padding=sizes(rank, 1, 2, 0)), (normal(1, 1, *whole),)),
        Case(f"{name} dilation", of(1, 2, 2, 1, 1, 2), (normal(1, 1, *whole),)),
        Case(f"{name} groups", of(2, 4, pair, groups=2), (normal(1, 2, *whole),)),
        Case(f"{name} depthwise", of(2, 2, 2, groups=2, padding=1), (normal(1, 2, *whole),)),
        Case(f"{name} same", of(1, 2, sizes(rank, 3, 2, 1), padding="same"), (normal(1, 1, *whole),)),
        Case(f"{name} valid", of(1, 2, 2, padding="valid"), (normal(1, 1, *whole),)),
        Case(f"{name} reflect", of(1, 2, 2, padding=1, padding_mode="reflect"), (normal(1, 1, *whole),)),
        Case(f"{name} replicate", of(1, 1, 2, 2, 1, padding_mode="replicate"), (normal(1, 1, *whole),)),
        Case(f"{name} circular", of(1, 1, 3, padding="same", padding_mode="circular"), (normal(1, 1, *whole),)),
        Case(f"{name} empty", of(1, 2, 2), (normal(0, 1, *whole),)),
        Case(f"Lazy{name}", lambda t: getattr(t.nn, f"Lazy{name}")(2, 2), (normal(2, 1, *whole),)),
        Case(
            f"Lazy{name} settings",
            lambda t: getattr(t.nn, f"Lazy{name}")(2, 2, 2, 1, 2, 2, False, "circular"),
            (normal(2, *whole),),
        ),
    ]


def _transposed(rank: int) -> list[Case]:
    name = f"ConvTranspose{rank}d"
    whole, pair = sizes(rank, 3, 2, 2), sizes(rank, 2, 1, 2)
    length = sizes(rank, 6, 5, 4)

    def of(*arguments: Any, **options: Any) -> Any:
        return lambda t: getattr(t.nn, name)(*arguments, **options)

    return [
        Case(name, of(2, 3, 2), (normal(2, 2, *whole),)),
        Case(f"{name} one sample", of(1, 2, pair, bias=False), (normal(1, *whole),)),
        Case(f"{name} stride", of(1, 2, 2, stride=2, padding=1), (normal(1, 1, *whole),)),
        Case(f"{name} output_padding", of(1, 1, pair, 2, 0, 1), (normal(1, 1, *whole),)),
        Case(f"{name} dilation", of(1, 1, 2, dilation=2), (normal(1, 1, *whole),)),
        Case(f"{name} groups", of(2, 4, pair, groups=2), (normal(1, 2, *whole),)),
        Case(f"{name} empty", of(1, 2, 2), (normal(0, 1, *whole),)),
        Case(f"{name} output_size", of(1, 1, 2, 2), (normal(1, 1, *whole),), {"output_size": sizes(rank, 7, 5, 4)}),
        Case(f"{name} whole output_size", of(1, 1, 2, 2), (normal(1, 1, *whole),), {"output_size": [1, 1, *length]}),
        Case(f"Lazy{name}", lambda t: getattr(t.nn, f"Lazy{name}")(2, 2), (normal(2, 1, *whole),)),
        Case(
            f"Lazy{name} settings",
            lambda t: getattr(t.nn, f"Lazy{name}")(2, 2, 2, 1, 1, 2, False),
            (normal(2, *whole),),
        ),
    ]


def _functions(rank: int) -> list[Case]:
    forward, transposed = f"conv{rank}d", f"conv_transpose{rank}d"
    whole, kernel = sizes(rank, 4, 3, 3), (2,) * rank

    def function(name: str) -> Any:
        return lambda t: getattr(t.nn.functional, name)

    def gradient(name: str) -> Any:
        return lambda t: getattr(t.nn.grad, name)

    result = sizes(rank, 3, 2, 2)
    settings = {"stride": 2, "padding": 1, "dilation": 2, "groups": 2}
    strided = sizes(rank, 2, 2, 2)
    return [
        Case(forward, function(forward), (normal(1, 1, *whole), normal(2, 1, *kernel), normal(2))),
        Case(f"{forward} no bias", function(forward), (normal(1, 1, *whole), normal(2, 1, *kernel))),
        Case(
            f"{forward} settings",
            function(forward),
            (normal(2, *whole), normal(2, 1, *kernel), None, [2], 1, [2], 2),
        ),
        Case(f"{forward} same", function(forward), (normal(1, *whole), normal(1, 1, *kernel)), {"padding": "same"}),
        Case(transposed, function(transposed), (normal(1, 1, *result), normal(1, 2, *kernel), normal(2))),
        Case(
            f"{transposed} settings",
            function(transposed),
            (normal(2, *result), normal(2, 1, *kernel), normal(2), 2, 1, 1, 2, 2),
        ),
        Case(
            f"grad {forward}_input",
            gradient(f"{forward}_input"),
            ((1, 1, *whole), normal(2, 1, *kernel), normal(1, 2, *result)),
        ),
        Case(
            f"grad {forward}_weight",
            gradient(f"{forward}_weight"),
            (normal(1, 1, *whole), [2, 1, *kernel], normal(1, 2, *result)),
        ),
        Case(
            f"grad {forward}_input settings",
            gradient(f"{forward}_input"),
            ([1, 2, *whole], normal(2, 1, *kernel), normal(1, 2, *strided)),
            settings,
        ),
        Case(
            f"grad {forward}_weight settings",
            gradient(f"{forward}_weight"),
            (normal(1, 2, *whole), (2, 1, *kernel), normal(1, 2, *strided)),
            settings,
        ),
    ]


CASES = [
    *(case for rank in (1, 2, 3) for kind in (_layers, _transposed, _functions) for case in kind(rank)),
    Case("conv_tbc", lambda t: t.nn.functional.conv_tbc, (normal(4, 2, 2), normal(2, 2, 3), normal(3)), second=False),
    Case(
        "conv_tbc pad",
        lambda t: t.conv_tbc,
        (normal(3, 1, 2), normal(2, 2, 1), normal(1)),
        {"pad": 2},
        second=False,
    ),
    Case(
        "conv_tbc negative pad",
        lambda t: t.conv_tbc,
        (normal(5, 1, 2), normal(2, 2, 1), normal(1), -1),
        second=False,
        # PyTorch's backward with a negative pad reads past the end.
        smooth=True,
    ),
    Case(
        "convolution",
        lambda t: t.convolution,
        (normal(1, 2, 3, 3), normal(1, 2, 2, 2), normal(1), (2, 1), (0, 1), [1], False, [0], 1),
    ),
    Case(
        "convolution transposed",
        lambda t: t.convolution,
        (normal(1, 2, 3), normal(2, 1, 2), None, [2], [1], [1], True, [1], 2),
    ),
    Case(
        "conv2d integers",
        lambda t: t.nn.functional.conv2d,
        (given([[[[1, 2, 3], [4, 5, 6]]]]), given([[[[1, -1]]]])),
    ),
]


def _f(name: str, *shapes: Any, **options: Any) -> Any:
    """A call of a function on ones."""
    return lambda t: getattr(t.nn.functional, name)(*(t.ones(*shape) for shape in shapes), **options)


REFUSALS = [
    Refusal("Conv2d groups", lambda t: t.nn.Conv2d(3, 4, 2, groups=2), ValueError, "in_channels must be divisible"),
    Refusal("Conv2d groups out", lambda t: t.nn.Conv2d(4, 3, 2, groups=2), ValueError, "out_channels must be divis"),
    Refusal("Conv2d no groups", lambda t: t.nn.Conv2d(4, 3, 2, groups=0), ValueError, "groups must be a positive"),
    Refusal(
        "Conv2d padding", lambda t: t.nn.Conv2d(1, 1, 2, padding="all"), ValueError, "Invalid padding string 'all'"
    ),
    Refusal(
        "Conv2d same",
        lambda t: t.nn.Conv2d(1, 1, 2, 2, padding="same"),
        ValueError,
        "'same' is not supported for strided",
    ),
    Refusal(
        "Conv2d mode",
        lambda t: t.nn.Conv2d(1, 1, 2, padding_mode="mirror"),
        ValueError,
        "but got padding_mode='mirror'",
    ),
    Refusal(
        "ConvTranspose1d mode",
        lambda t: t.nn.ConvTranspose1d(1, 1, 2, padding_mode="reflect"),
        ValueError,
        'Only "zeros" padding mode is supported for ConvTranspose1d',
    ),
    Refusal(
        "ConvTranspose1d output_size",
        lambda t: t.nn.ConvTranspose1d(1, 1, 2, 2)(t.ones(1, 1, 3), output_size=[8]),
        ValueError,
        r"valid sizes range from \[6\] to \[7\]",
    ),
    Refusal(
        "ConvTranspose2d output_size of three",
        lambda t: t.nn.ConvTranspose2d(1, 1, 2, 2)(t.ones(1, 1, 3, 3), output_size=[8, 8, 8]),
        ValueError,
        "output_size must have 2 or 4 elements",
    ),
    Refusal("conv1d dimensions", _f("conv1d", (2,), (1, 1, 2)), RuntimeError, r"Expected 2D \(unbatched\) or 3D"),
    Refusal("conv2d channels", _f("conv2d", (1, 2, 3, 3), (1, 1, 2, 2)), RuntimeError, "to have 1 channels, but got 2"),
    Refusal("conv3d weight", _f("conv3d", (1, 1, 3, 3, 3), (1, 1, 2, 2)), RuntimeError, "weight"),
    Refusal("conv2d bias", _f("conv2d", (1, 1, 3, 3), (1, 1, 2, 2), (2,)), RuntimeError, "with 1 elements"),
    Refusal("conv2d too large", _f("conv2d", (1, 1, 3, 3), (1, 1, 2, 4)), RuntimeError, "Kernel size can't be greater"),
    Refusal("conv2d stride", _f("conv2d", (1, 3, 3), (1, 1, 2, 2), stride=0), RuntimeError, "non-positive stride"),
    Refusal("conv2d padding", _f("conv2d", (1, 3, 3), (1, 1, 2, 2), padding=-1), RuntimeError, "negative padding"),
    Refusal("conv2d dilation", _f("conv2d", (1, 3, 3), (1, 1, 2, 2), dilation=0), RuntimeError, "dilation should be"),
    Refusal("conv2d groups", _f("conv2d", (1, 3, 3), (1, 1, 2, 2), groups=0), RuntimeError, "non-positive groups"),
    Refusal(
        "conv2d name", _f("conv2d", (1, 3, 3), (1, 1, 2, 2), padding="all"), RuntimeError, "Invalid padding string"
    ),
    Refusal(
        "conv2d strides", _f("conv2d", (1, 3, 3), (1, 1, 2, 2), stride=(1, 1, 1)), RuntimeError, "list of 2 values"
    ),
    Refusal(
        "conv2d dtype",
        lambda t: t.nn.functional.conv2d(t.ones(1, 3, 3), t.ones(1, 1, 2, 2).double()),
        RuntimeError,
        "expected scalar type Float but found Double",
    ),
    Refusal(
        "conv2d bool",
        lambda t: t.nn.functional.conv2d(t.ones(1, 3, 3).bool(), t.ones(1, 1, 2, 2).bool()),
        NotImplementedError,
        "not implemented for 'Bool'",
    ),
    Refusal(
        "conv2d not a tensor", lambda t: t.nn.functional.conv2d([1], t.ones(1, 1, 2, 2)), TypeError, "must be Tensor"
    ),
    Refusal(
        "conv_transpose1d output_padding",
        _f("conv_transpose1d", (1, 3), (1, 1, 2), output_padding=1),
        RuntimeError,
        "output padding must be smaller than either stride or dilation",
    ),
    Refusal(
        "conv_transpose2d padding",
        _f("conv_transpose2d", (1, 2, 2), (1, 1, 1, 1), padding=1),
        RuntimeError,
        "too small",
    ),
    Refusal(
        "conv_transpose2d padding by name",
        _f("conv_transpose2d", (1, 2, 2), (1, 1, 1, 1), padding="same"),
        TypeError,
        "must be tuple of ints, not str",
    ),
    Refusal("conv_transpose2d empty", _f("conv_transpose2d", (1, 0, 2), (1, 1, 3, 3)), RuntimeError, "Only zero batch"),
    Refusal("conv_tbc input", _f("conv_tbc", (2, 2), (2, 2, 2), (2,)), RuntimeError, "Input must have 3 dims"),
    Refusal("conv_tbc weight", _f("conv_tbc", (2, 2, 2), (2, 2), (2,)), RuntimeError, "Weight tensor must have 3"),
    Refusal("conv_tbc channels", _f("conv_tbc", (2, 2, 3), (2, 2, 2), (2,)), RuntimeError, "is not == dim 1"),
    Refusal("conv_tbc bias", _f("conv_tbc", (2, 2, 2), (2, 2, 2), (3,)), RuntimeError, "Bias size must equal"),
    Refusal("conv_tbc bias 2d", _f("conv_tbc", (2, 2, 2), (2, 2, 2), (2, 1)), RuntimeError, "Bias must be 1-D"),
    Refusal("conv_tbc no bias", _f("conv_tbc", (2, 2, 2), (2, 2, 2)), TypeError, "bias"),
    Refusal("conv_tbc short", _f("conv_tbc", (1, 2, 2), (4, 2, 2), (2,)), RuntimeError, "negative dimension -2"),
    Refusal(
        "convolution unbatched",
        lambda t: t.convolution(t.ones(1, 3), t.ones(1, 1, 2), None, [1], [0], [1], False, [0], 1),
        RuntimeError,
        "Expected 3-dimensional input",
    ),
    Refusal(
        "convolution stride",
        lambda t: t.convolution(t.ones(1, 1, 3), t.ones(1, 1, 2), None, 1, [0], [1], False, [0], 1),
        TypeError,
        "must be tuple of ints, not int",
    ),
    Refusal(
        "grad conv1d_input size",
        lambda t: t.nn.grad.conv1d_input((1, 1, 9), t.ones(1, 1, 2), t.ones(1, 1, 4)),
        RuntimeError,
        r"grad_output to have size \[1, 1, 8\]",
    ),
    Refusal(
        "grad conv1d_weight unbatched",
        lambda t: t.nn.grad.conv1d_weight(t.ones(1, 5), (1, 1, 2), t.ones(1, 4)),
        RuntimeError,
        "Expected 3-dimensional input",
    ),
    Refusal(
        "grad conv2d_input groups",
        lambda t: t.nn.grad.conv2d_input((1, 1, 3, 3), t.ones(1, 1, 2, 2), t.ones(1, 1, 2, 2), groups=0),
        RuntimeError,
        "groups to be greater than 0",
    ),
    Refusal(
        "grad conv1d_input integers",
        lambda t: t.nn.grad.conv1d_input((1, 1, 3), t.ones(1, 1, 2).long(), t.ones(1, 1, 2).long()),
        NotImplementedError,
        "not implemented for 'Long'",
    ),
    Refusal("LazyConv2d dimensions", lambda t: t.nn.LazyConv2d(2, 2)(t.ones(2, 2)), RuntimeError, "to LazyConv2d, but"),
    Refusal(
        "LazyConv1d groups", lambda t: t.nn.LazyConv1d(2, 2, groups=2)(t.ones(3, 3)), ValueError, "in_channels must"
    ),
    Refusal(
        "LazyConvTranspose3d mode",
        lambda t: t.nn.LazyConvTranspose3d(2, 2, padding_mode="circular"),
        ValueError,
        "supported for LazyConvTranspose3d",
    ),
]
