"""Operations of each element: arithmetic, comparisons, bits, roundings, exponentials, angles, choices; and their in-place
forms."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.cases.case import Case, Refusal, boolean, distinct, fixed, given, integers, normal, uniform

EDGES = np.array([0.0, -0.0, 1.0, -1.0, 2.5, -2.5, float("inf"), -float("inf"), float("nan")])


def _of(name: str) -> Any:
    return lambda t: getattr(t, name)


def _in_place(name: str, *arguments: Any) -> Any:
    """The method that writes into its tensor, called on one that has a history."""
    return lambda t: lambda x, *more: getattr(x * 1, name)(*more, *arguments)


def _all(*names: str) -> Any:
    """Several functions of the same tensors."""
    return lambda t: lambda *inputs: [getattr(t, name)(*inputs) for name in names]


def _all_in_place(*names: str) -> Any:
    """Several methods that write into their tensor, called on ones that have a history."""
    return lambda t: lambda x, *more: [getattr(x * 1, name)(*more) for name in names]


def _complex(*names: str) -> Any:
    """Functions of one complex tensor, or two, made of real ones; their results as real ones."""

    def make(t: Any) -> Any:
        def parts(z: Any) -> Any:
            return t.view_as_real(z.resolve_conj()) if z.is_complex() else z

        def call(*inputs: Any) -> Any:
            numbers = [t.complex(x, y) for x, y in zip(inputs[::2], inputs[1::2], strict=True)]
            return [parts(getattr(t, name)(*numbers)) for name in names]

        return call

    return make


def _chunks(names: tuple[str, ...], size: int = 7) -> list[tuple[str, ...]]:
    return [names[i : i + size] for i in range(0, len(names), size)]


# One real tensor, and the range to draw from.
UNARY = {
    "abs": (-2.0, 2.0), "acos": (-0.9, 0.9), "acosh": (1.2, 3.0), "angle": (-2.0, 2.0), "asin": (-0.9, 0.9),
    "asinh": (-2.0, 2.0), "atan": (-2.0, 2.0), "atanh": (-0.9, 0.9), "cos": (-3.0, 3.0), "cosh": (-2.0, 2.0),
    "deg2rad": (-90.0, 90.0), "exp": (-2.0, 2.0), "exp2": (-2.0, 2.0), "expm1": (-1.0, 1.0), "frac": (1.1, 1.9),
    "log": (0.1, 3.0), "log10": (0.1, 3.0), "log1p": (-0.5, 2.0), "log2": (0.1, 3.0), "neg": (-2.0, 2.0),
    "rad2deg": (-1.0, 1.0), "reciprocal": (0.4, 2.0), "rsqrt": (0.4, 2.0), "sgn": (0.4, 2.0), "sigmoid": (-3.0, 3.0),
    "sign": (0.4, 2.0), "sin": (-3.0, 3.0), "sinh": (-2.0, 2.0), "sqrt": (0.2, 3.0), "square": (-2.0, 2.0),
    "tan": (-1.2, 1.2), "tanh": (-2.0, 2.0), "relu": (0.2, 2.0), "nan_to_num": (-2.0, 2.0), "logit": (0.1, 0.9),
}  # fmt: skip
IN_PLACE = (
    "abs", "acos", "atan", "cos", "cosh", "deg2rad", "exp", "exp2", "expm1", "frac", "log1p", "neg",
    "nan_to_num", "rad2deg", "sgn", "sigmoid", "sign", "sin", "sinh", "square", "tan", "tanh",
)  # fmt: skip
ROUNDINGS = ("ceil", "floor", "round", "trunc", "fix")
QUESTIONS = ("isfinite", "isinf", "isnan", "isneginf", "isposinf", "isreal", "signbit", "logical_not")
AT_EDGES = ("abs", "acosh", "angle", "atan", "exp", "log", "log1p", "reciprocal", "rsqrt", "sgn", "sigmoid", "sign", "sqrt",
            "square", "tanh", "nan_to_num", "frac", "cosh", "expm1")  # fmt: skip
OF_COMPLEX = (
    "abs", "acos", "angle", "asin", "atan", "conj_physical", "cos", "cosh", "exp", "exp2", "expm1", "log", "log10", "log1p",
    "log2", "neg", "reciprocal", "rsqrt", "sgn", "sigmoid", "sin", "sinc", "sinh", "sqrt", "square", "tan", "tanh",
)  # fmt: skip
BINARY = (
    "add", "atan2", "copysign", "div", "fmax", "fmin", "hypot", "logaddexp", "logaddexp2", "maximum", "minimum", "mul",
    "sub", "rsub",
)  # fmt: skip
COMPARISONS = ("eq", "ne", "lt", "le", "gt", "ge")
BITS = ("bitwise_and", "bitwise_or", "bitwise_xor", "gcd", "lcm")

CASES = [
    *(Case(name, _of(name), (uniform(low, high, 2, 3),)) for name, (low, high) in UNARY.items()),
    *(Case(f"in place: {', '.join(n)}", _all_in_place(*(f"{one}_" for one in n)), (uniform(0.55, 0.9, 3),), halves=())
      for n in _chunks(IN_PLACE)),
    Case("roundings", _all(*ROUNDINGS), (fixed(distinct(8)),)),
    Case("questions", _all(*QUESTIONS), (fixed(given(EDGES)),)),
    Case("at the edges", _all(*AT_EDGES), (fixed(given(EDGES)),), halves=()),
    *(Case(f"of complex: {', '.join(names)}", _complex(*names), (uniform(0.2, 0.8, 3), uniform(0.2, 0.8, 3)), halves=())
      for names in _chunks(OF_COMPLEX, 9)),
    *(Case(name, _of(name), (distinct(3, 1), uniform(1.3, 2.0, 2))) for name in BINARY),
    Case("pairs at the edges", _all(*BINARY, "remainder", "fmod", "pow"),
         (fixed(given(EDGES[:, None])), fixed(given(EDGES))), halves=()),
    Case("comparisons", _all(*COMPARISONS), (integers(3, 2, 4), integers(3, 4))),
    Case("comparisons in place", _all_in_place(*(f"{n}_" for n in COMPARISONS)), (normal(4), 0.5), smooth=False),
    Case("bits", _all(*BITS), (integers(20, 2, 4, low=1), integers(20, 4, low=1))),
    Case("truths", _all("logical_and", "logical_or", "logical_xor"), (boolean(2, 4), boolean(4))),
    *(Case(f"of two complex: {n}", _complex(n), tuple(uniform(0.3, 1.0, 3) for _ in range(4)), halves=())
      for n in ("add", "mul", "div", "pow", "logaddexp", "sub")),
    Case("add alpha", lambda t: lambda x, y: t.add(x, y, alpha=0.5), (normal(3, 1), normal(2))),
    Case("sub alpha", lambda t: lambda x, y: t.sub(x, y, alpha=2), (normal(3, 1), normal(2))),
    Case("rsub of a number", lambda t: lambda x: t.rsub(x, 3, alpha=2), (normal(3),)),
    Case("add_", lambda t: lambda x, y: (x * 1).add_(y, alpha=3), (normal(3, 2), normal(2))),
    Case("sub_", lambda t: lambda x, y: (x * 1).sub_(y), (normal(3, 2), normal(2))),
    Case("mul_", lambda t: lambda x, y: (x * 1).mul_(y), (normal(3, 2), normal(2))),
    Case("div_", lambda t: lambda x, y: (x * 1).div_(y), (normal(3, 2), uniform(1, 2, 2))),
    Case("operators", lambda t: lambda x, y: 2 - x + y * 3 / (x * x + 2) - x**2 + 2**y, (normal(3), normal(3))),
    Case("rounded quotients", lambda t: lambda x, y: [t.div(x, y, rounding_mode="floor"), t.floor_divide(x, y),
         t.div(x, y, rounding_mode="trunc")], (fixed(distinct(6)), fixed(uniform(0.3, 0.9, 6)))),
    Case("integer quotients", lambda t: lambda x, y: [x // y, x % y, x / y, t.fmod(x, y), t.remainder(x, -y)],
         (integers(20, 2, 4, low=-20), integers(9, 4, low=1)), tolerance=100),
    Case("remainder", _of("remainder"), (uniform(0.1, 0.9, 3, 1), uniform(1.0, 2.0, 2))),
    Case("fmod", _of("fmod"), (uniform(-0.9, -0.1, 3, 1), uniform(1.0, 2.0, 2))),
    Case("remainder of a number", lambda t: lambda x: 5 % x, (fixed(uniform(2.6, 4.9, 3)),)),
    Case("pow", _of("pow"), (uniform(0.5, 2.0, 3, 1), normal(2))),
    *(Case(f"pow {n}", _of("pow"), (uniform(0.5, 2.0, 4), n)) for n in (2, 3, 0.5, -1, 1.7, 0, 1)),
    Case("pow of a number", lambda t: lambda x: t.pow(3, x), (normal(4),)),
    Case("pow_", lambda t: lambda x, y: (x * 1).pow_(y), (uniform(0.5, 2.0, 3), normal(3))),
    Case("float_power", _of("float_power"), (uniform(0.5, 2.0, 3), 2), halves=()),
    Case("float_power_", lambda t: lambda x: (x.double() * 1).float_power_(1.5), (uniform(0.5, 2.0, 3),)),
    Case("ldexp", _of("ldexp"), (normal(3, 1), integers(5, 4))),
    Case("ldexp by fractions", _of("ldexp"), (normal(3), normal(3)), halves=()),
    Case("ldexp_", lambda t: lambda x, y: (x * 1).ldexp_(y), (normal(4), integers(5, 4))),
    Case("frexp", _of("frexp"), (uniform(0.6, 0.9, 4),)),
    Case("nextafter", _of("nextafter"), (normal(3, 1), fixed(normal(2))), smooth=False, halves=()),
    Case("heaviside", _of("heaviside"), (fixed(given(np.array([-1.0, 0.0, 2.0]))), fixed(normal(3)))),
    Case("bitwise_not", _of("bitwise_not"), (integers(20, 5, low=-20),)),
    Case("shifts", lambda t: lambda x, y: [x << y, x >> y, t.bitwise_left_shift(x, y), 3 << y, x.clone().__irshift__(y)],
         (integers(20, 2, 4, low=-20), integers(70, 4))),
    Case("bits of booleans", lambda t: lambda x, y: [x & y, x | y, x ^ y, ~x], (boolean(4), boolean(4))),
    Case("bits in place", lambda t: lambda x, y: [x.clone().bitwise_and_(y), x.clone().bitwise_or_(y),
         x.clone().bitwise_xor_(y), x.clone().gcd_(y), x.clone().lcm_(y), x.clone().logical_and_(y)],
         (integers(20, 4, low=1), integers(20, 4, low=1))),
    Case("clamp", lambda t: t.clamp, (distinct(8), -0.2, 0.2)),
    Case("clamp by tensors", lambda t: t.clamp, (distinct(2, 4), fixed(uniform(-0.3, -0.1, 4)), fixed(uniform(0.1, 0.3, 4)))),
    Case("clamp_min", lambda t: t.clamp_min, (distinct(8), 0.1)),
    Case("clamp_max_", _in_place("clamp_max_", 0.1), (distinct(8),)),
    Case("round to decimals", lambda t: lambda x: [t.round(x, decimals=1), t.round(x * 100, decimals=-1)],
         (fixed(normal(5)),), halves=()),
    Case("where", lambda t: t.where, (boolean(2, 3), normal(3), normal(2, 1))),
    Case("where a number", lambda t: lambda c, x: t.where(c, x, 2.5), (boolean(4), normal(4))),
    Case("masked_fill", lambda t: lambda x, m, v: x.masked_fill(m, v.sum()), (normal(2, 3), boolean(3), normal(1))),
    Case("lerp", _of("lerp"), (normal(3, 2), normal(2), 0.3)),
    Case("lerp by a tensor", _of("lerp"), (normal(3, 2), normal(2), uniform(0.6, 0.9, 3, 1))),
    Case("addcmul", lambda t: lambda x, y, z: t.addcmul(x, y, z, value=0.5), (normal(3), normal(3), normal(3))),
    Case("addcdiv", lambda t: lambda x, y, z: t.addcdiv(x, y, z, value=2), (normal(3), normal(3), uniform(1, 2, 3))),
    Case("isclose", lambda t: t.isclose, (given(EDGES[:, None]), fixed(given(EDGES))), {"equal_nan": True}, smooth=False),
    Case("isin", lambda t: t.isin, (integers(5, 2, 4), integers(5, 3)), {"invert": True}),
    Case("complex", lambda t: lambda x, y: t.view_as_real(t.complex(x, y)), (normal(3), normal(3)), halves=()),
    Case("polar", lambda t: lambda x, y: t.view_as_real(t.polar(x, y)), (uniform(0.5, 2.0, 3, 1), normal(2)), halves=()),
    Case("real and imag", lambda t: lambda x, y: t.real(t.complex(x, y)) * t.imag(t.complex(y, x)), (normal(3), normal(3)),
         halves=()),
    Case("silu of complex", lambda t: lambda x, y: t.view_as_real(t.nn.functional.silu(t.complex(x, y))), (fixed(normal(3)), fixed(normal(3))),
         halves=()),
    Case("fill", lambda t: lambda x, v: t.fill(x, v.sum()), (normal(3), normal(1))),
    Case("zero_", lambda t: lambda x: t.zero_(x * 1), (normal(3),)),
    Case("types", lambda t: lambda x: [x.to(t.int8) + 2, x.bool() * 2.5, x.to(t.uint8) - x.to(t.int8), x.half() + x,
         x[0] * t.ones(2), x.int() / 2], (integers(9, 3),), tolerance=1000),
    Case("apply_", lambda t: lambda x: x.detach().clone().apply_(lambda v: 2 * v), (normal(3),)),
    Case("map_", lambda t: lambda x, y: x.clone().map_(y, lambda a, b: a + 2 * b), (integers(9, 2, 3), integers(9, 3))),
    Case("map2_", lambda t: lambda x, y: x.clone().map2_(y, y, lambda a, b, c: a + b * c), (integers(9, 3), integers(9, 3))),
    Case("renorm_", _in_place("renorm_", 2, 0, 0.5), (normal(3, 2),), halves=()),
]  # fmt: skip

REFUSALS = [
    *(Refusal(f"{n} of a number first", lambda t, n=n: getattr(t, n)(2, t.ones(2)), TypeError,
              "Tensor|combination") for n in ("eq", "lt", "fmod", "rsub", "ldexp", "float", "maximum") if n != "float"),
    Refusal("sizes", lambda t: t.ones(2) + t.ones(3), RuntimeError, "must match the size"),
    Refusal("sub of bool", lambda t: t.tensor([True]) - t.tensor([True]), RuntimeError, "two bool tensors"),
    Refusal("neg of bool", lambda t: -t.tensor([True]), RuntimeError, "on a bool tensor is not supported"),
    Refusal("pos of bool", lambda t: +t.tensor([True]), RuntimeError, "on a bool tensor is not supported"),
    Refusal("add of wide unsigned", lambda t: t.ones(2).to(t.uint16) + t.ones(2).to(t.uint16), NotImplementedError,
            "not implemented for 'UInt16'"),
    Refusal("mixed unsigned", lambda t: t.ones(2).to(t.uint16) + t.ones(2).to(t.int32), RuntimeError,
            "Promotion for uint16"),
    Refusal("bitwise of floats", lambda t: t.ones(2) & t.ones(2), NotImplementedError, "not implemented for 'Float'"),
    Refusal("lt of complex", lambda t: t.ones(2, dtype=t.complex64) < 1, NotImplementedError,
            "not implemented for 'ComplexFloat'"),
    Refusal("atan2 of complex", lambda t: t.atan2(t.ones(2, dtype=t.complex64), t.ones(2)), NotImplementedError,
            "not implemented for 'ComplexFloat'"),
    Refusal("sign of complex", lambda t: t.sign(t.ones(2, dtype=t.complex64)), NotImplementedError, "torch.sgn instead"),
    Refusal("integer division by zero", lambda t: t.tensor([1]) // 0, RuntimeError, "ZeroDivisionError"),
    Refusal("negative power of integers", lambda t: t.tensor([2]) ** -1, RuntimeError, "negative integer powers"),
    Refusal("in place into integers", lambda t: t.tensor([1]).add_(1.5), RuntimeError, "can't be cast"),
    Refusal("float_power_ of float32", lambda t: t.ones(2).float_power_(2), RuntimeError, "requires dtype Double"),
    Refusal("alpha of integers", lambda t: t.add(t.tensor([1]), t.tensor([1]), alpha=0.5), RuntimeError,
            "alpha must not be a floating point number"),
    Refusal("rounding mode", lambda t: t.div(t.ones(2), 2, rounding_mode="up"), RuntimeError, "rounding_mode"),
    Refusal("clamp without bounds", lambda t: t.clamp(t.ones(2)), RuntimeError, "must not be None"),
    Refusal("abs_ of complex", lambda t: t.ones(2, dtype=t.complex64).abs_(), RuntimeError, "not supported for complex"),
    Refusal("heaviside's derivative", lambda t: t.heaviside(t.ones(2, requires_grad=True), t.ones(2)).sum().backward(),
            RuntimeError, "derivative for aten::heaviside is not implemented"),
    Refusal("map_ of another type", lambda t: t.ones(2).map_(t.tensor([1, 2]), lambda a, b: a), TypeError,
            "expected torch.FloatTensor"),
    Refusal("apply_ wants no gradient", lambda t: t.ones(2, requires_grad=True).apply_(abs), RuntimeError, "requires grad"),
    Refusal("where of numbers", lambda t: t.where(t.ones(2), t.ones(2), t.ones(2)), RuntimeError, "boolean tensor"),
    Refusal("complex of integers", lambda t: t.complex(t.tensor([1]), t.tensor([1])), RuntimeError, "Half, Float or Double"),
    Refusal("polar of two types", lambda t: t.polar(t.ones(2), t.ones(2).double()), RuntimeError, "second argument"),
    Refusal("shift of floats", lambda t: t.ones(2) << 1, NotImplementedError, "not implemented for 'Float'"),
]  # fmt: skip
