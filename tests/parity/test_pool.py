"""Pooling equals PyTorch's: values, indices, both orders of gradients, layers, errors."""

from __future__ import annotations

import random

import pytest

torch = pytest.importorskip("torch")

from tests.parity.window_oracle import BOTH, compare, compare_layer, same_error  # noqa: E402


def geometry(seed: int) -> tuple:
    r = random.Random(seed)
    rank = seed % 3 + 1
    kernel = tuple(r.randint(1, 3) for _ in range(rank))
    stride = r.choice([None, tuple(r.randint(1, 3) for _ in range(rank))])
    padding = tuple(r.randint(0, k // 2) for k in kernel)
    dilation = tuple(r.randint(1, 2) for _ in range(rank))
    shape = (*(r.choice([(2, 3), (3,)])), *(r.randint(5, 7) for _ in range(rank)))
    return r, rank, shape, kernel, stride, padding, dilation, r.random() < 0.5


@pytest.mark.parametrize("seed", range(30))
def test_max_pool(seed):
    r, rank, shape, kernel, stride, padding, dilation, ceil_mode = geometry(seed)
    indices = r.random() < 0.5
    arguments = (kernel, stride, padding, dilation, ceil_mode, indices)
    compare(lambda t, x: getattr(t.nn.functional, f"max_pool{rank}d")(x, *arguments), [shape], seed, rounded=True)


@pytest.mark.parametrize("seed", range(30))
def test_avg_pool(seed):
    r, rank, shape, kernel, stride, padding, _, ceil_mode = geometry(seed)
    arguments = (kernel, stride, padding, ceil_mode, r.random() < 0.5, *([r.choice([None, 3, -2])] if rank > 1 else []))
    compare(lambda t, x: getattr(t.nn.functional, f"avg_pool{rank}d")(x, *arguments), [shape], seed)


@pytest.mark.parametrize("seed", range(30))
@pytest.mark.parametrize("family", ["avg", "max"])
def test_adaptive_pool(seed, family):
    r, rank, shape, *_ = geometry(seed)
    size = tuple(r.choice([1, 2, 3, 5, 9, *([None] if rank > 1 else [])]) for _ in range(rank))
    size = r.choice([size, 1, 4])
    name = f"adaptive_{family}_pool{rank}d"
    extra = (True,) if family == "max" and seed % 2 else ()
    compare(lambda t, x: getattr(t.nn.functional, name)(x, size, *extra), [shape], seed, rounded=True)


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
@pytest.mark.parametrize(
    ("name", "size"), [("max_pool2d", 3), ("avg_pool2d", 3), ("adaptive_avg_pool2d", 3), ("adaptive_max_pool2d", 3)]
)
def test_float_types(dtype, name, size):
    compare(lambda t, x: getattr(t.nn.functional, name)(x, size), [(2, 3, 11, 40)], 1, dtype, order=1)


def test_integers():
    for name, dtype in (
        ("max_pool2d", "int64"),
        ("max_pool2d", "uint8"),
        ("max_pool3d", "int32"),
        ("avg_pool2d", "int64"),
    ):
        found = []
        for t in BOTH:
            x = (t.arange(-20, 44) if dtype != "uint8" else t.arange(64)).view(1, 4, 4, 4).to(getattr(t, dtype))
            found.append(getattr(t.nn.functional, name)(x, 3, 1))
        assert found[0].tolist() == found[1].tolist()
        assert str(found[0].dtype) == str(found[1].dtype)


def test_special_values():
    inf, nan = float("inf"), float("nan")
    rows = [[nan, 1, nan, 2, -inf, -inf], [-inf, -inf, -inf, -inf, inf, nan]]
    for padding, stride, dilation in ((0, 2, 1), (1, 2, 1), (1, 1, 2)):
        found = []
        for t in BOTH:
            x = t.tensor([rows])
            found.append(
                t.nn.functional.max_pool2d(x, (1, 3), (1, stride), (0, padding), (1, dilation), return_indices=True)
            )
        assert str(found[0]) == str(found[1])


LAYERS = [
    ("MaxPool1d", (2,), {}, (2, 3, 9)),
    ("MaxPool1d", (3, 2, 1, 1, True, True), {}, (3, 9)),
    ("MaxPool2d", (2,), {}, (2, 3, 9, 8)),
    ("MaxPool2d", ((3, 2),), {"stride": (2, 1), "padding": (1, 0), "dilation": 2, "ceil_mode": True}, (2, 3, 9, 8)),
    ("MaxPool3d", ((1, 2, 3),), {"return_indices": True}, (2, 3, 4, 5, 6)),
    ("AvgPool1d", (2,), {}, (2, 3, 9)),
    ("AvgPool2d", (2,), {"padding": 1, "count_include_pad": False}, (2, 3, 9, 8)),
    ("AvgPool2d", ((2, 3), (1, 2)), {"divisor_override": 3, "ceil_mode": True}, (3, 9, 8)),
    ("AvgPool3d", (2,), {"count_include_pad": False}, (2, 3, 4, 5, 6)),
    ("AdaptiveAvgPool1d", (4,), {}, (2, 3, 9)),
    ("AdaptiveAvgPool2d", ((None, 3),), {}, (2, 3, 9, 8)),
    ("AdaptiveAvgPool2d", (1,), {}, (2, 3, 9, 8)),
    ("AdaptiveAvgPool3d", (3,), {}, (2, 3, 4, 5, 6)),
    ("AdaptiveMaxPool1d", (4, True), {}, (2, 3, 9)),
    ("AdaptiveMaxPool2d", ((None, 3),), {}, (3, 9, 8)),
    ("AdaptiveMaxPool3d", (2,), {}, (2, 3, 4, 5, 6)),
]


@pytest.mark.parametrize(("name", "arguments", "settings", "shape"), LAYERS)
def test_layers(name, arguments, settings, shape):
    compare_layer(lambda t: getattr(t.nn, name)(*arguments, **settings), shape, 7)


ERRORS = {
    "max dimensions": ("max_pool2d", (8, 8), (2,)),
    "max dimensions 5": ("max_pool2d", (8, 8, 1, 1, 1), (2,)),
    "max 1d dimensions": ("max_pool1d", (8,), (2,)),
    "max 3d dimensions": ("max_pool3d", (8, 8, 8), (2,)),
    "max padding": ("max_pool2d", (1, 1, 8, 8), (2, 2, 2)),
    "max 1d padding": ("max_pool1d", (1, 1, 8), (2, 2, 2)),
    "max padding -1": ("max_pool2d", (1, 1, 8, 8), (2, 2, -1)),
    "max 1d padding -1": ("max_pool1d", (1, 1, 8), (2, 2, -1)),
    "max stride 0": ("max_pool2d", (1, 1, 8, 8), (2, 0)),
    "max 1d stride 0": ("max_pool1d", (1, 1, 8), (2, 0)),
    "max dilation 0": ("max_pool2d", (1, 1, 8, 8), (2, 2, 0, 0)),
    "max 3d dilation 0": ("max_pool3d", (1, 1, 8, 8, 8), (2, 2, 0, 0)),
    "max 1d dilation 0": ("max_pool1d", (1, 1, 8), (2, 2, 0, 0)),
    "max kernel 0": ("max_pool2d", (1, 1, 8, 8), (0, 1)),
    "max 3d kernel 0": ("max_pool3d", (1, 1, 8, 8, 8), (0, 1)),
    "max 1d kernel 0": ("max_pool1d", (1, 1, 8), (0,)),
    "max kernels": ("max_pool2d", (1, 1, 8, 8), ((1, 2, 3),)),
    "max strides": ("max_pool2d", (1, 1, 8, 8), (2, (1, 2, 3))),
    "max paddings": ("max_pool2d", (1, 1, 8, 8), (2, 2, (1, 2, 3))),
    "max 3d kernels": ("max_pool3d", (1, 1, 8, 8, 8), ((2, 2),)),
    "max 1d kernels": ("max_pool1d", (1, 1, 8), ((2, 2),)),
    "max 1d strides": ("max_pool1d", (1, 1, 8), (2, (2, 2))),
    "max too small": ("max_pool2d", (1, 1, 1, 1), (2,)),
    "max 1d too small": ("max_pool1d", (1, 1, 1), (2,)),
    "max 3d too small": ("max_pool3d", (1, 1, 1, 1, 1), (2,)),
    "max no channels": ("max_pool2d", (1, 0, 4, 4), (2,)),
    "max 1d empty": ("max_pool1d", (1, 1, 0), (2,)),
    "avg 1d dimensions": ("avg_pool1d", (8,), (2,)),
    "avg 3d dimensions": ("avg_pool3d", (8, 8, 8), (2,)),
    "avg padding": ("avg_pool2d", (1, 1, 8, 8), (2, 2, 2)),
    "avg 1d padding": ("avg_pool1d", (1, 1, 8), (2, 2, 2)),
    "avg divisor": ("avg_pool2d", (1, 1, 8, 8), (2, 2, 0, False, True, 0)),
    "avg kernels": ("avg_pool2d", (1, 1, 8, 8), ((1, 2, 3),)),
    "avg 1d kernels": ("avg_pool1d", (1, 1, 8), ((2, 2),)),
    "avg stride 0": ("avg_pool2d", (1, 1, 8, 8), (2, 0)),
    "avg too small": ("avg_pool2d", (1, 1, 1, 1), (2,)),
    "avg 1d too small": ("avg_pool1d", (1, 1, 1), (2,)),
    "adaptive None": ("adaptive_avg_pool1d", (1, 1, 8), ((None,),)),
    "adaptive dimensions 1": ("adaptive_avg_pool1d", (8,), (3,)),
    "adaptive dimensions 2": ("adaptive_avg_pool2d", (8, 8), (3,)),
    "adaptive dimensions 3": ("adaptive_max_pool3d", (8, 8, 8), (3,)),
    "adaptive sizes": ("adaptive_max_pool2d", (1, 1, 8, 8), ((3, 3, 3),)),
    "adaptive sizes 1": ("adaptive_avg_pool1d", (1, 1, 8), ((3, 3),)),
    "adaptive avg sizes": ("adaptive_avg_pool3d", (1, 1, 8, 8, 8), ((3, 3),)),
    "adaptive negative": ("adaptive_avg_pool2d", (1, 1, 8, 8), (-1,)),
    "adaptive empty": ("adaptive_max_pool2d", (1, 1, 0, 8), (2,)),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name):
    function, shape, arguments = ERRORS[name]
    same_error(lambda t: getattr(t.nn.functional, function)(t.zeros(shape, requires_grad=True), *arguments))


@pytest.mark.parametrize(
    ("function", "shape", "dtype"),
    [
        ("max_pool1d", (1, 1, 4), "int64"),
        ("max_pool2d", (1, 1, 4, 4), "bool"),
        ("max_pool2d", (1, 1, 4, 4), "complex64"),
        ("avg_pool2d", (1, 1, 4, 4), "int32"),
        ("avg_pool2d", (1, 1, 4, 4), "bool"),
        ("adaptive_avg_pool1d", (1, 1, 4), "int64"),
        ("adaptive_max_pool3d", (1, 1, 4, 4, 4), "int64"),
    ],
)
def test_types_that_are_not_taken(function, shape, dtype):
    same_error(lambda t: getattr(t.nn.functional, function)(t.ones(shape, dtype=getattr(t, dtype)), 2))


def test_empty_batch():
    for t in BOTH:
        for name in ("max_pool2d", "avg_pool2d", "adaptive_avg_pool2d", "adaptive_max_pool2d"):
            x = t.zeros(0, 2, 4, 4, requires_grad=True)
            out = getattr(t.nn.functional, name)(x, 2)
            assert out.shape == (0, 2, 2, 2)
            out.sum().backward()
            assert x.grad.shape == x.shape
