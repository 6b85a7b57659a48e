"""Convolution equals PyTorch's: values, both orders of gradients, initial weights, repr, errors."""

from __future__ import annotations

import random

import pytest

torch = pytest.importorskip("torch")

from tests.parity.window_oracle import BOTH, compare, compare_layer, same_error  # noqa: E402


def geometry(seed: int) -> tuple:
    r = random.Random(seed)
    rank, groups = seed % 3 + 1, r.choice([1, 1, 2, 3])
    each = lambda *choices: tuple(r.choice(choices) for _ in range(rank))  # noqa: E731
    lead = (r.randint(1, 3),) if r.random() < 0.7 else ()
    channels, outs = groups * r.randint(1, 2), groups * r.randint(1, 3)
    return r, rank, groups, lead, channels, outs, each(5, 6, 7), each(1, 2, 3), each(1, 2, 3), each(0, 1, 2), each(1, 2)


@pytest.mark.parametrize("seed", range(30))
def test_conv(seed):
    r, rank, groups, lead, channels, outs, sizes, kernel, stride, padding, dilation = geometry(seed)
    shapes = [(*lead, channels, *sizes), (outs, channels // groups, *kernel), r.choice([(outs,), None])]
    name = f"conv{rank}d"
    compare(lambda t, x, w, b: getattr(t.nn.functional, name)(x, w, b, stride, padding, dilation, groups), shapes, seed)
    if seed % 3 == 0:
        dtype = r.choice(["complex64", "complex128"])
        arguments = (stride, padding, dilation, groups)
        compare(lambda t, x, w, b: getattr(t.nn.functional, name)(x, w, b, *arguments), shapes, seed, dtype, order=1)


@pytest.mark.parametrize("seed", range(30))
def test_conv_transpose(seed):
    r, rank, groups, lead, channels, outs, sizes, kernel, stride, _, dilation = geometry(seed)
    extra = tuple(r.randint(0, max(s, d) - 1) for s, d in zip(stride, dilation, strict=True))
    padding = tuple(r.randint(0, 1) for _ in range(rank))
    shapes = [(*lead, channels, *sizes), (channels, outs // groups, *kernel), r.choice([(outs,), None])]
    arguments = (stride, padding, extra, groups, dilation)
    compare(lambda t, x, w, b: getattr(t.nn.functional, f"conv_transpose{rank}d")(x, w, b, *arguments), shapes, seed)


@pytest.mark.filterwarnings("ignore:Using padding='same'")
@pytest.mark.parametrize("kernel", [(3, 3), (4, 2), (1, 4)])
@pytest.mark.parametrize("lead", [(2,), ()])
@pytest.mark.parametrize("padding", ["same", "valid"])
def test_padding_by_name(kernel, lead, padding):
    shapes = [(*lead, 2, 6, 7), (3, 2, *kernel)]
    compare(lambda t, x, w: t.nn.functional.conv2d(x, w, padding=padding, dilation=(1, 2)), shapes, 0)


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
@pytest.mark.parametrize("name", ["conv2d", "conv_transpose2d"])
def test_float_types(dtype, name):
    shapes = [(2, 4, 9, 20), (4, 4, 3, 3), (4,)]
    compare(lambda t, x, w, b: getattr(t.nn.functional, name)(x, w, b, stride=2, padding=1), shapes, 3, dtype, order=1)


def test_integers():
    for dtype in ("int64", "int32"):
        found = []
        for t in BOTH:
            x, w = (
                t.arange(32).view(1, 2, 4, 4).to(getattr(t, dtype)),
                t.arange(8).view(1, 2, 2, 2).to(getattr(t, dtype)),
            )
            found.append(t.nn.functional.conv2d(x, w))
        assert found[0].tolist() == found[1].tolist()
        assert str(found[0].dtype) == str(found[1].dtype)


LAYERS = [
    ("Conv1d", (4, 6, 3), {}, (2, 4, 9)),
    (
        "Conv1d",
        (4, 6, 3),
        {"stride": 2, "padding": 2, "dilation": 2, "groups": 2, "bias": False, "padding_mode": "reflect"},
        (2, 4, 9),
    ),
    ("Conv2d", (1, 6, 3), {}, (2, 1, 8, 8)),
    ("Conv2d", (4, 6, (1, 2)), {"padding": "same"}, (4, 8, 8)),
    ("Conv2d", (4, 6, 3), {"padding": "valid", "padding_mode": "circular"}, (2, 4, 8, 8)),
    ("Conv2d", (4, 6, 3), {"padding": (2, 1), "padding_mode": "circular"}, (2, 4, 8, 8)),
    ("Conv2d", (4, 6, 4), {"padding": "same", "padding_mode": "replicate"}, (2, 4, 8, 8)),
    ("Conv2d", (4, 8, 3), {"groups": 4, "stride": (1, 2)}, (4, 8, 8)),
    ("Conv3d", (2, 3, (1, 2, 3)), {"padding": (0, 1, 1)}, (2, 2, 4, 5, 6)),
    ("ConvTranspose1d", (4, 6, 3, 1, 1, 0, 2, False, 2), {}, (2, 4, 9)),
    ("ConvTranspose2d", (4, 6, 3), {"stride": 2, "output_padding": 1}, (2, 4, 5, 5)),
    ("ConvTranspose2d", (4, 6, 3), {"stride": 2, "padding": 1, "dilation": (1, 2)}, (4, 5, 5)),
    ("ConvTranspose3d", (2, 4, 2), {"stride": 2}, (1, 2, 3, 3, 3)),
]


@pytest.mark.filterwarnings("ignore:Using padding='same'")
@pytest.mark.parametrize(("name", "arguments", "settings", "shape"), LAYERS)
def test_layers(name, arguments, settings, shape):
    compare_layer(lambda t: getattr(t.nn, name)(*arguments, **settings), shape, 5)


@pytest.mark.parametrize("size", [(12, 12), (11, 12), (2, 6, 12, 12)])
def test_output_size(size):
    compare_layer(lambda t: t.nn.ConvTranspose2d(4, 6, 3, stride=2), (2, 4, 5, 5), 6, size)


def R(t, *shape, **settings):
    return t.zeros(*shape, requires_grad=True, **settings)


ERRORS = {
    "channels": lambda t, F: F.conv2d(R(t, 1, 2, 8, 8), R(t, 6, 1, 3, 3)),
    "groups": lambda t, F: F.conv2d(R(t, 1, 4, 8, 8), R(t, 5, 2, 3, 3), groups=2),
    "channels of groups": lambda t, F: F.conv2d(R(t, 1, 4, 8, 8), R(t, 6, 3, 3, 3), groups=2),
    "no groups": lambda t, F: F.conv2d(R(t, 1, 4, 8, 8), R(t, 5, 2, 3, 3), groups=0),
    "too small": lambda t, F: F.conv2d(R(t, 1, 1, 2, 2), R(t, 6, 1, 3, 3)),
    "too small 1d": lambda t, F: F.conv1d(R(t, 1, 1, 2), R(t, 6, 1, 3)),
    "empty": lambda t, F: F.conv2d(R(t, 1, 1, 0, 8), R(t, 6, 1, 1, 1)),
    "empty, padded": lambda t, F: F.conv2d(R(t, 1, 1, 0, 8), R(t, 6, 1, 1, 1), padding=1),
    "bias": lambda t, F: F.conv2d(R(t, 1, 1, 8, 8), R(t, 6, 1, 3, 3), R(t, 5)),
    "bias of two dimensions": lambda t, F: F.conv2d(R(t, 1, 1, 8, 8), R(t, 6, 1, 3, 3), R(t, 6, 1)),
    "no outputs": lambda t, F: F.conv2d(R(t, 1, 1, 8, 8), R(t, 0, 1, 3, 3)),
    "dimensions 5": lambda t, F: F.conv2d(R(t, 1, 1, 8, 8, 8), R(t, 6, 1, 3, 3)),
    "dimensions 2": lambda t, F: F.conv2d(R(t, 8, 8), R(t, 6, 1, 3, 3)),
    "dimensions of conv3d": lambda t, F: F.conv3d(R(t, 8, 8, 8), R(t, 6, 1, 3, 3, 3)),
    "dimensions transposed": lambda t, F: F.conv_transpose2d(R(t, 8, 8), R(t, 6, 1, 3, 3)),
    "dtype": lambda t, F: F.conv2d(R(t, 1, 1, 8, 8), R(t, 6, 1, 3, 3, dtype=t.float64)),
    "dtype of bias": lambda t, F: F.conv2d(R(t, 1, 1, 8, 8), R(t, 6, 1, 3, 3), R(t, 6, dtype=t.float64)),
    "bool": lambda t, F: F.conv1d(t.ones(1, 1, 8, dtype=t.bool), t.ones(1, 1, 3, dtype=t.bool)),
    "stride 0": lambda t, F: F.conv2d(R(t, 1, 1, 8, 8), R(t, 6, 1, 3, 3), stride=0),
    "padding -1": lambda t, F: F.conv2d(R(t, 1, 1, 8, 8), R(t, 6, 1, 3, 3), padding=-1),
    "dilation 0": lambda t, F: F.conv2d(R(t, 1, 1, 8, 8), R(t, 6, 1, 3, 3), dilation=0),
    "three strides": lambda t, F: F.conv2d(R(t, 1, 1, 8, 8), R(t, 6, 1, 3, 3), stride=(1, 2, 3)),
    "three paddings": lambda t, F: F.conv2d(R(t, 1, 1, 8, 8), R(t, 6, 1, 3, 3), padding=[1, 2, 3]),
    "same, strided": lambda t, F: F.conv2d(R(t, 1, 1, 8, 8), R(t, 6, 1, 3, 3), stride=2, padding="same"),
    "unknown padding": lambda t, F: F.conv2d(R(t, 1, 1, 8, 8), R(t, 6, 1, 3, 3), padding="sam"),
    "transposed channels": lambda t, F: F.conv_transpose2d(R(t, 1, 2, 8, 8), R(t, 6, 1, 3, 3)),
    "transposed bias": lambda t, F: F.conv_transpose2d(R(t, 1, 6, 8, 8), R(t, 6, 1, 3, 3), R(t, 2)),
    "transposed groups": lambda t, F: F.conv_transpose2d(R(t, 1, 6, 8, 8), R(t, 6, 1, 3, 3), groups=4),
    "output_padding": lambda t, F: F.conv_transpose2d(R(t, 1, 6, 8, 8), R(t, 6, 1, 3, 3), output_padding=1),
    "output_padding 1d": lambda t, F: F.conv_transpose1d(R(t, 1, 6, 8), R(t, 6, 1, 3), output_padding=1),
    "output_padding 3d": lambda t, F: F.conv_transpose3d(R(t, 1, 6, 8, 8, 8), R(t, 6, 1, 3, 3, 3), output_padding=1),
    "output_padding -1": lambda t, F: F.conv_transpose2d(R(t, 1, 6, 8, 8), R(t, 6, 1, 3, 3), output_padding=-1),
    "nothing left": lambda t, F: F.conv_transpose2d(R(t, 1, 6, 2, 2), R(t, 6, 1, 1, 1), padding=1),
    "layer groups": lambda t, F: t.nn.Conv2d(3, 6, 3, groups=2),
    "layer output groups": lambda t, F: t.nn.Conv2d(4, 5, 3, groups=2),
    "layer no groups": lambda t, F: t.nn.Conv2d(4, 5, 3, groups=0),
    "layer padding": lambda t, F: t.nn.Conv2d(4, 5, 3, padding="same", stride=2),
    "transposed padding mode": lambda t, F: t.nn.ConvTranspose2d(4, 5, 3, padding_mode="reflect"),
    "output_size": lambda t, F: t.nn.ConvTranspose2d(4, 6, 3, stride=2)(R(t, 1, 4, 5, 5), output_size=(13, 13)),
    "output_size of one": lambda t, F: t.nn.ConvTranspose2d(4, 6, 3, stride=2)(R(t, 1, 4, 5, 5), output_size=(12,)),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name):
    same_error(lambda t: ERRORS[name](t, t.nn.functional))


OTHER_TEXT = {
    "not a tensor": lambda t, F: F.conv2d([1], R(t, 6, 1, 3, 3)),
    "stride of str": lambda t, F: F.conv2d(R(t, 1, 1, 8, 8), R(t, 6, 1, 3, 3), stride="a"),
    "stride of float": lambda t, F: F.conv2d(R(t, 1, 1, 8, 8), R(t, 6, 1, 3, 3), stride=1.5),
    "weight of three dimensions": lambda t, F: F.conv2d(R(t, 1, 1, 8, 8), R(t, 6, 1, 3)),
    "empty kernel": lambda t, F: F.conv2d(R(t, 1, 1, 8, 8), R(t, 6, 1, 0, 1)),
    "transposed padding by name": lambda t, F: F.conv_transpose2d(R(t, 1, 1, 8, 8), R(t, 1, 1, 3, 3), padding="same"),
    "layer padding mode": lambda t, F: t.nn.Conv2d(4, 5, 3, padding_mode="x"),
    "layer padding by name": lambda t, F: t.nn.Conv2d(4, 5, 3, padding="sam"),
}


@pytest.mark.parametrize("name", OTHER_TEXT)
def test_error_types(name):
    same_error(lambda t: OTHER_TEXT[name](t, t.nn.functional), same_text=False)


def test_empty_batch():
    for t in BOTH:
        w = R(t, 6, 1, 3, 3)
        out = t.nn.functional.conv2d(R(t, 0, 1, 8, 8), w)
        assert out.shape == (0, 6, 6, 6)
        out.sum().backward()
        assert w.grad.abs().sum().item() == 0
