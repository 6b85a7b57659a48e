"""Pointwise functions against PyTorch: values over all types and special numbers, both orders of gradients, errors."""

from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch")

import rushlight  # noqa: E402
from tests.parity.numeric_oracle import FLOATS, compare, run, sweep, sweep_pairs, tensor  # noqa: E402
from tests.parity.tensor_oracle import same  # noqa: E402

UNARY = [
    "exp2",
    "expm1",
    "log2",
    "log10",
    "log1p",
    "sin",
    "cos",
    "tan",
    "asin",
    "acos",
    "atan",
    "sinh",
    "cosh",
    "tanh",
    "asinh",
    "acosh",
    "atanh",
    "sigmoid",
    "erf",
    "erfc",
    "erfinv",
    "digamma",
    "sign",
    "sgn",
    "floor",
    "ceil",
    "round",
    "trunc",
    "frac",
    "nan_to_num",
    "logit",
    "angle",
    "conj",
    "deg2rad",
    "rad2deg",
    "sinc",
    "logical_not",
    "bitwise_not",
    "signbit",
    "lgamma",
    "positive",
    "fix",
    "arcsin",
    "arctanh",
]
# Where PyTorch's own float32 kernels are coarser than one rounding.
COARSE = {"tan": 2e-5, "digamma": 2e-5, "lgamma": 1e-5, "erfinv": 1e-5, "sinc": 1e-5}
FINITE = [-7.3, -3.0, -2.5, -1.5, -1.0, -0.5, -0.3, 0.2, 0.5, 0.7, 1.0, 1.5, 2.0, 2.5, 3.0, 7.0, 4e-3]


@pytest.mark.parametrize("name", UNARY)
def test_unary_values(name: str) -> None:
    sweep(lambda t, x: getattr(t, name)(x), float32=COARSE.get(name, 3e-6))


SMOOTH = [name for name in UNARY if name not in ("logical_not", "bitwise_not", "signbit", "acosh")]
PROGRAMS: dict[str, Any] = {
    **{name: (lambda t, x, name=name: getattr(t, name)(x.tanh() * 0.9 + 0.05)) for name in SMOOTH},
    "acosh": lambda t, x: t.acosh(x * x + 1.5),
    "round decimals": lambda t, x: t.round(x, decimals=1),
    "logit eps": lambda t, x: t.logit(x, eps=0.3),
    "clamp": lambda t, x: x.clamp(-0.5, 0.5),
    "clamp min": lambda t, x: x.clamp(min=0.1),
    "clamp_min": lambda t, x: x.clamp_min(0.1),
    "clamp_max": lambda t, x: t.clamp_max(x, 0.1),
    "copysign number": lambda t, x: t.copysign(x, -1.0),
    "xlogy number": lambda t, x: t.xlogy(x * x + 1, 2.0),
    "xlogy of number": lambda t, x: t.xlogy(2.0, x * x + 1),
    "float_power": lambda t, x: t.float_power(x * x + 1, 1.5),
    "polygamma": lambda t, x: t.polygamma(1, x * x + 0.3),
    "mvscaled": lambda t, x: t.exp2(x) * x.sinc(),
    # With a number as weight nothing is kept that the next in-place operation changes.
    "lerp_ and mul_": lambda t, x: (x * 2).lerp_(x * 3, 0.25).mul_(2),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_gradients(name: str) -> None:
    same(PROGRAMS[name], [(3, 4)])


@pytest.mark.parametrize(
    "name", ["sin", "cos", "tan", "tanh", "sinh", "exp2", "log2", "atan", "sigmoid", "sgn", "angle", "asinh"]
)
def test_complex(name: str) -> None:
    same(lambda t, x: getattr(t, name)(x), [("complex", (3, 2))])


TWO: dict[str, Any] = {
    name: (lambda t, x, y, name=name: getattr(t, name)(x, y))
    for name in [
        "hypot",
        "atan2",
        "logaddexp",
        "logaddexp2",
        "copysign",
        "xlogy",
        "heaviside",
        "ldexp",
        "gcd",
        "lcm",
        "bitwise_and",
        "bitwise_or",
        "bitwise_xor",
        "logical_and",
        "logical_or",
        "logical_xor",
        "float_power",
    ]
}


@pytest.mark.parametrize("name", TWO)
def test_pairs(name: str) -> None:
    values = (
        FINITE if name in ("gcd", "lcm", "ldexp") else [*FINITE, 0.0, -0.0, float("nan"), float("inf"), -float("inf")]
    )
    sweep_pairs(TWO[name], values=values)


@pytest.mark.parametrize("name", ["bitwise_left_shift", "bitwise_right_shift"])
def test_shifts(name: str) -> None:
    sweep_pairs(lambda t, x, y: getattr(t, name)(x, y), ("int64", "int32", "uint8", "float32"), [0, 1, 2, 5, 7, 3])
    sweep(lambda t, x: (x << 2, x >> 1, 8 >> x.clamp(0, 3)), ("int64", "uint8"), [0, 1, 2, 5, 100])


TWO_SMOOTH: dict[str, Any] = {
    "hypot": lambda t, x, y: t.hypot(x, y),
    "atan2": lambda t, x, y: t.atan2(x, y),
    "logaddexp": lambda t, x, y: t.logaddexp(x, y),
    "logaddexp2": lambda t, x, y: t.logaddexp2(x, y),
    "xlogy": lambda t, x, y: t.xlogy(x, y * y + 1),
    "copysign": lambda t, x, y: t.copysign(x, y),
    "ldexp": lambda t, x, y: t.ldexp(x, y),
    "lerp": lambda t, x, y: t.lerp(x, y.expand(3, 4), 0.3),
    "lerp tensor": lambda t, x, y: t.lerp(x, y.expand(3, 4), y.sigmoid()),
    "addcmul": lambda t, x, y: t.addcmul(x, y, x * 2, value=0.7),
    "addcdiv": lambda t, x, y: t.addcdiv(x, y, x * x + 1, value=-0.7),
    "clamp tensors": lambda t, x, y: t.clamp(x, y - 0.5, y + 0.5),
    "clamp crossing": lambda t, x, y: t.clamp(x, y, -y),
    "clamp min tensor": lambda t, x, y: x.clamp_min(y),
    "clamp max tensor": lambda t, x, y: x.clamp(max=y),
}


@pytest.mark.parametrize("name", TWO_SMOOTH)
def test_gradients_of_pairs(name: str) -> None:
    same(TWO_SMOOTH[name], [(3, 4), (4,)])


INPLACE: dict[str, Any] = {
    "sin_": lambda x: x.sin_(),
    "tanh_": lambda x: x.tanh_(),
    "clamp_": lambda x: x.clamp_(-0.5, 0.5),
    "clamp_min_": lambda x: x.clamp_min_(0.1),
    "sigmoid_": lambda x: x.sigmoid_(),
    "floor_": lambda x: x.floor_(),
    "lerp_": lambda x: x.lerp_(x * 2, 0.3),
    "addcmul_": lambda x: x.addcmul_(x * 2, x * 3, value=0.5),
    "addcdiv_": lambda x: x.addcdiv_(x * 2, x * 3 + 10, value=0.5),
    "nan_to_num_": lambda x: x.nan_to_num_(),
    "erf_": lambda x: x.erf_(),
    "atan2_": lambda x: x.atan2_(x * 2 + 1),
}


@pytest.mark.parametrize("name", INPLACE)
def test_inplace(name: str) -> None:
    def program(t: Any, x: Any) -> Any:
        y = x * 1.5
        out = INPLACE[name](y)
        assert out is y
        return y

    same(program, [(3, 4)])


NUMBERS: dict[str, Any] = {
    "clamp float": lambda t, x: x.clamp(0.5, 2),
    "clamp int": lambda t, x: x.clamp(1, 2),
    "clamp crossing": lambda t, x: x.clamp(3, 1),
    "clip": lambda t, x: t.clip(x, max=1),
    "round decimals": lambda t, x: t.round(x, decimals=1),
    "round tens": lambda t, x: t.round(x * 10, decimals=-1),
    "nan_to_num numbers": lambda t, x: t.nan_to_num(x, 1.5, 2.5, -3.5),
    "logit eps": lambda t, x: t.logit(x, 0.1),
    "bitwise number": lambda t, x: (x & 3, x | 4, x ^ 5, 6 & x),
    "invert": lambda t, x: ~x,
    "xlogy": lambda t, x: t.xlogy(x, 2),
    "xlogy of": lambda t, x: t.xlogy(2, x),
    "copysign": lambda t, x: t.copysign(x, -2),
    "addcmul": lambda t, x: t.addcmul(x, x, x, value=2),
    "addcdiv": lambda t, x: t.addcdiv(x, x, x + 1),
    "lerp": lambda t, x: t.lerp(x, x * 0.5, 0.25),
    "lerp far": lambda t, x: t.lerp(x, x * 0.5, 0.75),
    "float_power": lambda t, x: (t.float_power(x, 2), t.float_power(2, x)),
    "out": lambda t, x: t.sin(x, out=t.empty(0, dtype=x.dtype if x.is_floating_point() else t.float32)),
}


@pytest.mark.parametrize("name", NUMBERS)
def test_numbers(name: str) -> None:
    sweep(NUMBERS[name])


ERRORS: dict[str, Any] = {
    "clamp nothing": lambda t, x: x.clamp(),
    "clamp mixed": lambda t, x: x.clamp(0, x),
    "lerp number": lambda t, x: t.lerp(x, 2.0, 0.5),
    "lerp weight": lambda t, x: t.lerp(x, x, x.to(t.float64)),
    "hypot number": lambda t, x: t.hypot(x, 2),
    "heaviside types": lambda t, x: t.heaviside(x, x.to(t.float64)),
    "imag": lambda t, x: t.imag(x),
    "logical number": lambda t, x: x.logical_and(2),
    "shapes": lambda t, x: t.atan2(x, t.ones(7)),
    "addcmul shapes": lambda t, x: t.addcmul(x, t.ones(7), x),
    "inplace shapes": lambda t, x: x[0].atan2_(t.ones(7)),
    "inplace type": lambda t, x: x.to(t.int64).sin_(),
    "negative polygamma": lambda t, x: t.polygamma(-1, x),
    "heaviside derivative": lambda t, x: t.heaviside(x.requires_grad_(), x).sum().backward(),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name: str) -> None:
    ours = run(rushlight, ERRORS[name], [tensor(rushlight, [[1.0, -2.0, 3.0]], "float32")])
    theirs = run(torch, ERRORS[name], [tensor(torch, [[1.0, -2.0, 3.0]], "float32")])
    assert isinstance(theirs, tuple)
    compare(ours, theirs, name)


@pytest.mark.parametrize("dtype", FLOATS)
def test_nextafter(dtype: str) -> None:
    if dtype == "float16":
        pytest.skip("PyTorch has no nextafter for float16")
    sweep_pairs(lambda t, x, y: t.nextafter(x, y), (dtype,), float32=0, float64=0, bfloat16=0)
