"""Padding equals PyTorch's: values, both orders of gradients, layers, errors."""

from __future__ import annotations

import random

import pytest

torch = pytest.importorskip("torch")

from tests.parity.window_oracle import BOTH, compare, compare_layer, same_error  # noqa: E402


@pytest.mark.parametrize("mode", ["constant", "reflect", "replicate", "circular"])
@pytest.mark.parametrize("seed", range(12))
def test_pad(seed, mode):
    r = random.Random(seed)
    rank = seed % 3 + 1
    shape = (*(r.choice([(2, 3), (3,)])), *(r.randint(5, 7) for _ in range(rank)))
    # More than what cropping leaves of a dimension, and torch's circular padding reads what it has not written yet.
    pads = [r.randint(-2, 3 if mode == "circular" else 4) for _ in range(2 * rank)]
    compare(lambda t, x: t.nn.functional.pad(x, pads, mode), [shape], seed)


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16", "complex64"])
@pytest.mark.parametrize("mode", ["constant", "reflect", "replicate", "circular"])
def test_float_types(dtype, mode):
    compare(lambda t, x: t.nn.functional.pad(x, (2, 1, 3, 0), mode), [(2, 3, 5, 6)], 1, dtype, order=1)


def test_values_take_the_type_of_the_tensor():
    for dtype in ("int64", "uint8", "bool", "float32"):
        found = [t.nn.functional.pad(t.ones(2, 2).to(getattr(t, dtype)), (1, 2), value=3.7) for t in BOTH]
        assert str(found[0]) == str(found[1])


LAYERS = [
    ("ReflectionPad1d", (2,), (2, 3, 5)),
    ("ReflectionPad2d", ((1, 2, 0, 3),), (3, 5, 6)),
    ("ReflectionPad3d", (1,), (2, 3, 4, 5, 6)),
    ("ReplicationPad1d", ((3, 1),), (3, 5)),
    ("ReplicationPad2d", (2,), (2, 3, 5, 6)),
    ("ReplicationPad3d", ((1, 2, 3, 4, 5, 6),), (2, 3, 4, 5, 6)),
    ("CircularPad1d", (2,), (2, 3, 5)),
    ("CircularPad2d", ((1, 2, 0, 3),), (3, 5, 6)),
    ("CircularPad3d", (1,), (2, 3, 4, 5, 6)),
    ("ConstantPad1d", (2, 3.5), (2, 3, 5)),
    ("ConstantPad2d", ((1, -2, 0, 3), 2), (3, 5, 6)),
    ("ConstantPad3d", (1, -1.5), (2, 3, 4, 5, 6)),
    ("ZeroPad1d", (2,), (2, 3, 5)),
    ("ZeroPad2d", ((1, 2, 0, 3),), (3, 5, 6)),
    ("ZeroPad3d", (1,), (2, 3, 4, 5, 6)),
]


@pytest.mark.parametrize(("name", "arguments", "shape"), LAYERS)
def test_layers(name, arguments, shape):
    compare_layer(lambda t: getattr(t.nn, name)(*arguments), shape, 3)


ERRORS = {
    **{f"{mode} {d}d, {name}": (shape, pads * d, mode)
       for mode in ("reflect", "replicate", "circular") for d in (1, 2, 3)
       for name, shape, pads in (
           ("dimensions", (5,) * d, (1, 1)), ("more dimensions", (1, 1, 1, *(5,) * d), (1, 1)))},
    **{f"reflect {d}d, too large": ((1, 1, *(3,) * d), (3, 3) * d, "reflect") for d in (1, 2, 3)},
    **{f"circular {d}d, too large": ((1, 1, *(3,) * d), (4, 4) * d, "circular") for d in (1, 2, 3)},
    **{f"reflect {d}d, nothing left": ((1, 1, *(5,) * d), (-3, -2) * d, "reflect") for d in (1, 2)},
    "replicate, no channels": ((1, 0, 5), (1, 1), "replicate"),
    "reflect, empty": ((1, 1, 0, 0), (1, 1, 1, 1), "reflect"),
    "circular, empty": ((1, 1, 0), (1, 1), "circular"),
    "circular, negative": ((1, 1, 3), (-4, -1), "circular"),
    "mode": ((5,), (1, 1), "foo"),
    "odd": ((1, 1, 5), (1, 2, 1), "constant"),
    "long": ((5,), (1, 2, 1, 3), "constant"),
    "a number": ((5,), 1, "constant"),
    "floats": ((5,), (1.5, 1), "constant"),
}  # fmt: skip


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name):
    shape, pads, mode = ERRORS[name]
    same_error(lambda t: t.nn.functional.pad(t.zeros(shape), pads, mode))


def test_other_errors():
    same_error(lambda t: t.nn.functional.pad(t.zeros(1, 1, 5), (1, 1), "reflect", 3))
    same_error(lambda t: t.nn.functional.pad(t.ones(1, 1, 5, dtype=t.bool), (1, 1), "reflect"))
    same_error(lambda t: t.nn.functional.pad(t.ones(1, 1, 5, dtype=t.bool), (1, 1), "replicate"))
    same_error(lambda t: t.nn.functional.pad(t.zeros(5), (-3, -3)), same_text=False)
    same_error(lambda t: t.nn.CircularPad2d(1)(t.zeros(1, 1, 1, 5, 5)))
    same_error(lambda t: t.nn.functional.pad([1], (1, 1)))
