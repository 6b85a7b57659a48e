"""The whole table of types: what PyTorch makes of each pair, as tensors, 0-dim tensors and Python numbers."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import rushlight  # noqa: E402

TYPES = (
    "bool", "uint8", "int8", "int16", "int32", "int64", "uint16", "uint32", "uint64", "float16", "bfloat16", "float32",
    "float64", "complex64", "complex128", "float8_e4m3fn", "float8_e5m2", "float8_e4m3fnuz", "float8_e5m2fnuz",
)  # fmt: skip
COMPUTED = TYPES[:-2]
NUMBERS = (True, 2, 2.5, 2j)
FORMS = [a + b for a, b in itertools.product("t0n", repeat=2)]

Operand = tuple[str, Any]


def outcome(function: Any, *arguments: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return function(*arguments)
        except Exception as error:
            return error


def operands(form: str, types: tuple[str, ...]) -> Iterator[Operand]:
    """Tensors (t), tensors without dimensions (0) and numbers (n)."""
    yield from (("n", number) for number in NUMBERS) if form == "n" else ((form, type_) for type_ in types)


def made(t: Any, operand: Operand) -> Any:
    form, what = operand
    if form == "n":
        return what
    values: Any = [3, 2] if form == "t" else 3
    return t.tensor(values, dtype=t.float32).to(getattr(t, what))


def type_name(dtype: Any) -> str:
    return str(dtype).removeprefix("torch.")


def same(mine: Any, theirs: Any) -> bool:
    """Whether two outcomes are alike: exceptions of one type, or results of one type, shape and value."""
    if isinstance(theirs, Exception) or isinstance(mine, Exception):
        # Of complex32 there are but storage and a few operations.
        half = "ComplexHalf" in str(theirs) or "complex32" in str(theirs)
        return half or (isinstance(theirs, Exception) and isinstance(mine, type(theirs)))
    if not isinstance(theirs, torch.Tensor):
        return str(mine) == str(theirs) or str(theirs) == "torch.complex32"
    if theirs.dtype is torch.complex32:
        return mine.dtype in (rushlight.complex32, rushlight.complex64)
    if type_name(mine.dtype) != type_name(theirs.dtype) or tuple(mine.shape) != tuple(theirs.shape):
        return False
    if theirs.element_size() == 1 and theirs.is_floating_point():
        return True
    if theirs.element_size() == 2 and theirs.is_floating_point():
        mine, theirs = mine.float(), theirs.float()
    return np.allclose(mine.numpy(), theirs.numpy(), rtol=1e-5, atol=1e-6, equal_nan=True)


def differences(form: str, types: tuple[str, ...], call: Any) -> list[str]:
    found = []
    for a, b in itertools.product(operands(form[0], types), operands(form[1], types)):
        mine = outcome(call, rushlight, made(rushlight, a), made(rushlight, b))
        theirs = outcome(call, torch, made(torch, a), made(torch, b))
        if not same(mine, theirs):
            found.append(f"{a[1]} and {b[1]}: {mine!r:.120}, PyTorch {theirs!r:.120}")
    return found


@pytest.mark.parametrize("form", FORMS)
def test_result_type(form: str) -> None:
    assert differences(form, TYPES, lambda t, a, b: t.result_type(a, b)) == []


@pytest.mark.parametrize("name", ["promote_types", "can_cast"])
def test_types_of_two(name: str) -> None:
    found = []
    for a, b in itertools.product(TYPES, repeat=2):
        mine, theirs = (outcome(getattr(t, name), getattr(t, a), getattr(t, b)) for t in (rushlight, torch))
        if not same(mine, theirs):
            found.append(f"{a} and {b}: {mine!r:.120}, PyTorch {theirs!r:.120}")
    assert found == []


OPERATIONS = (
    "add", "sub", "mul", "div", "floor_divide", "remainder", "pow", "float_power", "eq", "lt", "bitwise_and",
    "bitwise_left_shift", "logical_xor", "maximum", "atan2", "copysign", "gcd", "logaddexp", "xlogy",
)  # fmt: skip
# PyTorch multiplies some of the storage types with some tensors and no numbers.
WITHOUT_FLOAT8 = ("mul", "pow")


@pytest.mark.parametrize("name", OPERATIONS)
def test_operation(name: str) -> None:
    types = tuple(t for t in COMPUTED if name not in WITHOUT_FLOAT8 or not t.startswith("float8"))
    found = {form: differences(form, types, lambda t, a, b: getattr(t, name)(a, b)) for form in FORMS}
    assert {form: each for form, each in found.items() if each} == {}


IN_PLACE = (
    "add_", "mul_", "div_", "floor_divide_", "pow_", "lt_", "bitwise_or_", "logical_and_", "atan2_", "xlogy_",
)  # fmt: skip


@pytest.mark.parametrize("name", IN_PLACE)
def test_in_place(name: str) -> None:
    types = tuple(t for t in COMPUTED if not t.startswith("float8"))
    found = {f: differences(f, types, lambda t, a, b: getattr(a, name)(b)) for f in FORMS if f[0] != "n"}
    assert {form: each for form, each in found.items() if each} == {}


LIMITS = ("bits", "dtype", "eps", "max", "min", "resolution", "smallest_normal", "tiny")


@pytest.mark.parametrize("name", ["finfo", "iinfo"])
@pytest.mark.parametrize("type_", TYPES)
def test_limits(name: str, type_: str) -> None:
    mine, theirs = (outcome(getattr(t, name), getattr(t, type_)) for t in (rushlight, torch))
    if isinstance(theirs, Exception):
        assert isinstance(mine, type(theirs))
        return
    assert repr(mine) == repr(theirs)
    assert [getattr(mine, a, None) for a in LIMITS] == [getattr(theirs, a, None) for a in LIMITS]
    assert mine == getattr(rushlight, name)(getattr(rushlight, type_))


@pytest.mark.parametrize("type_", TYPES)
def test_attributes_of_a_type(type_: str) -> None:
    mine, theirs = getattr(rushlight, type_), getattr(torch, type_)
    for name in ("is_floating_point", "is_complex", "is_signed", "itemsize"):
        assert getattr(mine, name) == getattr(theirs, name)
    for name in ("to_real", "to_complex"):
        assert same(outcome(getattr(mine, name)), outcome(getattr(theirs, name)))
