"""Types against PyTorch: promotion of all pairs, casting, limits, the default type."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import rushlight  # noqa: E402
from tests.parity.programs import attempt, same_lines  # noqa: E402

NAMES = [
    "bool",
    "uint8",
    "int8",
    "int16",
    "int32",
    "int64",
    "uint16",
    "uint32",
    "uint64",
    "float16",
    "bfloat16",
    "float32",
    "float64",
    "float8_e4m3fn",
    "float8_e5m2",
    "complex64",
    "complex128",
]
NUMBERS: tuple[Any, ...] = (True, 3, -1, 2.5, 1j)


def outcome(what: Callable[[], Any]) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return str(what())
        except Exception as error:
            return type(error).__name__


def of(library: Any, name: str) -> Any:
    return getattr(library, name)


def half_complex(name: str, number: Any) -> bool:
    """Whether PyTorch answers with complex32, which few of its own functions take."""
    return name == "float16" and isinstance(number, (complex, np.complexfloating))


def test_promote_types() -> None:
    for a, b in itertools.product(NAMES, NAMES):
        ours, theirs = (
            outcome(lambda lib=lib: lib.promote_types(of(lib, a), of(lib, b))) for lib in (rushlight, torch)
        )
        assert ours == theirs, (a, b)


def test_can_cast() -> None:
    for a, b in itertools.product(NAMES, NAMES):
        assert rushlight.can_cast(of(rushlight, a), of(rushlight, b)) == torch.can_cast(of(torch, a), of(torch, b)), (
            a,
            b,
        )


@pytest.mark.parametrize("ranks", [(1, 1), (1, 0), (0, 1), (0, 0)])
def test_result_type_of_tensors(ranks: tuple[int, int]) -> None:
    for a, b in itertools.product(NAMES, NAMES):
        if ranks[0] != ranks[1] and "float16" in (a, b) and {"complex64", "complex128"} & {a, b}:
            continue  # complex32 is PyTorch's answer.
        found = []
        for library in (rushlight, torch):
            pair = [
                library.zeros((2,) * rank, dtype=of(library, name)) for rank, name in zip(ranks, (a, b), strict=True)
            ]
            found.append(outcome(lambda library=library, pair=pair: library.result_type(*pair)))
        assert found[0] == found[1], (a, b)


@pytest.mark.parametrize("rank", [0, 1])
def test_result_type_with_numbers(rank: int) -> None:
    for name, number in itertools.product(NAMES, NUMBERS):
        if half_complex(name, number):
            continue
        found = []
        for library in (rushlight, torch):
            tensor = library.zeros((2,) * rank, dtype=of(library, name))
            orders = ((tensor, number), (number, tensor))
            found.append([outcome(lambda t=library, pair=pair: t.result_type(*pair)) for pair in orders])
        assert found[0] == found[1], (name, number)
    assert str(rushlight.result_type(1, 2.5)) == str(torch.result_type(1, 2.5))


OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "//": lambda a, b: a // b,
    "%": lambda a, b: a % b,
    "**": lambda a, b: a**b,
    "==": lambda a, b: a == b,
    "<": lambda a, b: a < b,
}
# What complex numbers don't have; which type of error says so differs from one to the next.
ORDERED = ("<", "//", "%")
COMMON = [n for n in NAMES if "float8" not in n and not n.startswith("uint1") and n not in ("uint32", "uint64")]


def pairs() -> Any:
    return itertools.product(COMMON, COMMON)


@pytest.mark.parametrize("sign", OPERATORS)
def test_operators_between_types(sign: str) -> None:
    operator = OPERATORS[sign]
    for a, b in pairs():
        if sign in ORDERED and "complex" in a + b:
            continue
        for ranks in ((1, 1), (1, 0), (0, 1)):
            if "float16" in (a, b) and {"complex64", "complex128"} & {a, b} and ranks != (1, 1):
                continue
            found = []
            for library in (rushlight, torch):
                pair = [library.full((2,) * rank, 3).to(of(library, n)) for rank, n in zip(ranks, (a, b), strict=True)]
                found.append(outcome(lambda pair=pair: described(operator(*pair))))
            assert found[0] == found[1], (a, b, ranks)


@pytest.mark.parametrize("sign", OPERATORS)
def test_operators_with_numbers(sign: str) -> None:
    operator = OPERATORS[sign]
    numbers = (*NUMBERS, 0, np.float64(2.5), np.float32(2.5), np.int64(3), np.int8(3), np.float16(2))
    for name, number in itertools.product(COMMON, numbers):
        if half_complex(name, number) or (sign in ORDERED and ("complex" in name or isinstance(number, complex))):
            continue
        if sign == "**" and "complex" in name and number in (-1, 0):
            continue  # Of 0 to these powers PyTorch makes NaN or infinity by turns.
        for swapped in (False, True):
            if swapped and isinstance(number, (np.generic,)):
                continue
            found = []
            for library in (rushlight, torch):
                x = library.tensor([5, 0, 3]).to(of(library, name))
                pair = (number, x) if swapped else (x, number)
                found.append(outcome(lambda pair=pair: described(operator(*pair))))
            assert found[0] == found[1], (name, repr(number), swapped)


def described(tensor: Any) -> tuple[str, Any]:
    value = tensor
    if "bfloat16" in str(tensor.dtype) or "float16" in str(tensor.dtype):
        value = tensor.to(torch.float64 if isinstance(tensor, torch.Tensor) else rushlight.float64)
    array = value.numpy()
    digits = 9 if array.dtype.itemsize >= 8 and array.dtype != np.complex64 else 3
    # The sign of a zero is not compared.
    return str(tensor.dtype), (np.round(array, digits) + 0).tolist() if array.dtype.kind in "fc" else array.tolist()


INPLACE: dict[str, Callable[[Any, Any], Any]] = {
    "add_": lambda a, b: a.add_(b),
    "mul_": lambda a, b: a.mul_(b),
    "div_": lambda a, b: a.div_(b),
    "sub_": lambda a, b: a.sub_(b),
    "pow_": lambda a, b: a.pow_(b),
    "copy_": lambda a, b: a.copy_(b),
    "floor_divide_": lambda a, b: a.floor_divide_(b),
}


@pytest.mark.parametrize("name", INPLACE)
def test_in_place_keeps_the_type_or_raises(name: str) -> None:
    for a, b in pairs():
        if name == "floor_divide_" and "complex" in a + b:
            continue
        found = []
        for library in (rushlight, torch):
            pair = [library.tensor([2, 3]).to(of(library, a)), library.tensor([1, 2]).to(of(library, b))]
            found.append(outcome(lambda pair=pair: described(INPLACE[name](*pair))))
        assert found[0] == found[1], (a, b)
    for a, number in itertools.product(COMMON, NUMBERS):
        if name == "copy_" or half_complex(a, number) or (name == "floor_divide_" and ("complex" in a or number == 1j)):
            continue
        found = []
        for library in (rushlight, torch):
            x = library.tensor([2, 3]).to(of(library, a))
            found.append(outcome(lambda x=x: described(INPLACE[name](x, number))))
        assert found[0] == found[1], (a, number)


PROGRAMS: dict[str, Callable[[Any], None]] = {}


def program(function: Callable[[Any], None]) -> Callable[[Any], None]:
    PROGRAMS[function.__name__] = function
    return function


@program
def attributes(t: Any) -> None:
    for name in NAMES:
        d = of(t, name)
        print(
            d,
            d.is_floating_point,
            d.is_complex,
            d.is_signed,
            d.itemsize,
            d.to_real(),
            outcome(d.to_complex) if d.is_floating_point and d.itemsize > 2 else "",
        )
    print(
        t.float is t.float32, t.long is t.int64, t.half is t.float16, t.cfloat is t.complex64, t.double, t.int, t.short
    )
    print(t.float32 == t.float32, t.float32 != t.float64, {t.int8: 1}[t.int8], isinstance(t.int8, t.dtype))


@program
def limits(t: Any) -> None:
    for name in NAMES:
        d = of(t, name)
        for limits_of in (t.finfo, t.iinfo):
            try:
                print(limits_of(d))
            except TypeError:
                print("TypeError")
    info = t.finfo(t.float32)
    print(
        info.bits,
        info.eps,
        info.max,
        info.min,
        info.tiny,
        info.smallest_normal,
        info.resolution,
        info.dtype,
        t.finfo().dtype,
    )
    print(t.iinfo(t.int16).bits, t.iinfo(t.uint8).max, t.iinfo(t.int64).min, t.iinfo(t.int8).dtype)


@program
def default_type(t: Any) -> None:
    print(t.get_default_dtype())
    t.set_default_dtype(t.float64)
    try:
        print(
            t.tensor(1.5).dtype,
            t.tensor([1, 2]).dtype,
            t.ones(2).dtype,
            t.tensor(1j).dtype,
            (t.tensor([1]) * 1.5).dtype,
        )
        print(t.nn.Linear(1, 1).weight.dtype, t.tensor([1]).div(2).dtype, t.arange(0.5).dtype, t.randn(1).dtype)
    finally:
        t.set_default_dtype(t.float32)
    for wrong in (t.int64, 3):
        try:
            t.set_default_dtype(wrong)
        except TypeError as error:
            print("only floating-point types are supported as the default type" in str(error))


@program
def out_of_range(t: Any) -> None:
    x = t.tensor([100], dtype=t.int8)
    print(
        x + 100,
        x * 5,
        t.tensor([200], dtype=t.uint8) + 100,
        t.tensor([1], dtype=t.uint8) - 2,
        -t.tensor([1], dtype=t.uint8),
    )
    print(t.tensor([2**31 - 1], dtype=t.int32) + 1, t.tensor([2**63 - 1]) + 1)
    print(t.tensor([True]) + True, t.tensor([True]) * 2, t.tensor([True]) + t.tensor([True]), t.tensor([True]) / 2)
    attempt(lambda: t.tensor([1], dtype=t.int8) + 1000)
    print(t.tensor([60000.0], dtype=t.float16) * 2, t.tensor([1e38]) * 10, t.tensor([1e-45]) / 2)


@program
def zeros_and_infinities(t: Any) -> None:
    x = t.tensor([1.0, -1.0, 0.0, float("inf"), float("nan"), -0.0])
    print(x / 0, x // 0, x % 0, 1 / x, x**0, 0.0**x, x**-1, x**0.5, x // 2, (x % 2)[:5], 1 // x)
    attempt(lambda: t.tensor([1]) // 0)
    attempt(lambda: t.tensor([1]) % 0)
    print(t.tensor([1]) / 0, t.tensor([-7, 7]) // 2, t.tensor([-7, 7]) % 3, t.tensor([-7, 7]) % -3)
    print(t.tensor([-7, 7]).div(2, rounding_mode="trunc"), t.tensor([-7.5, 7.5]).div(2, rounding_mode="trunc"))
    attempt(lambda: 2 ** t.tensor([-1]))
    attempt(lambda: t.tensor([2]) ** t.tensor([-1]))
    attempt(lambda: t.tensor([2, 1, -1, 0]) ** -1)
    print(
        2 ** t.tensor([3]),
        2.0 ** t.tensor([3]),
        t.tensor([2]) ** 0.5,
        t.tensor([0.0]) ** t.tensor([0.0]),
        t.tensor([-8.0]) ** (1 / 3),
    )


@program
def arrays_beside_tensors(t: Any) -> None:
    x = t.tensor([1.0, 2.0])
    with warnings.catch_warnings():
        # NumPy warns of how PyTorch wraps the result.
        warnings.simplefilter("ignore")
        attempt(lambda: x + np.array([1.0, 2.0]))
        attempt(lambda: x * np.array([1.0, 2.0], dtype=np.float32))
    attempt(lambda: x + [1.0, 2.0])  # noqa: RUF005
    attempt(lambda: x + None)
    attempt(lambda: x + "1")
    attempt(lambda: x / np.float32(2))
    attempt(lambda: x > np.float64(1))
    attempt(lambda: x + t.ones(3))
    attempt(lambda: t.ones(2, 3) * t.ones(3, 2))
    attempt(lambda: x.add_(t.ones(3)))
    attempt(lambda: x.add_(t.ones(2, 2)))
    attempt(lambda: t.tensor([1]).add_(1.5))
    attempt(lambda: t.tensor([1]).div_(2))
    attempt(lambda: t.tensor([True]) - t.tensor([True]))
    attempt(lambda: -t.tensor([True]))
    attempt(lambda: t.add(x, 1, alpha=1.5))
    attempt(lambda: t.add(t.tensor([1]), 1, alpha=1.5))
    attempt(lambda: t.add(1, x))
    attempt(lambda: t.mul(2, x))


@program
def results_given(t: Any) -> None:
    x = t.tensor([1.0, 2.0])
    out = t.empty(2)
    print(t.add(x, 1, out=out) is out, out, t.mul(x, 2, out=t.empty(0)), t.sqrt(x, out=t.empty(2, dtype=t.float64)))
    attempt(lambda: t.add(x, 1, out=t.empty(2, dtype=t.int64)))
    attempt(lambda: t.div(t.tensor([1]), 2, out=t.empty(1, dtype=t.int64)))
    w = t.ones(2, requires_grad=True)
    for call in (lambda: t.add(w, 1, out=t.empty(2)), lambda: t.add(x, 1, out=w)):
        try:
            call()
        except RuntimeError as error:
            print("functions with out=... arguments don't support automatic differentiation" in str(error))
    with t.no_grad():
        print(t.add(w, 1, out=t.empty(2)))


@program
def half_with_numbers(t: Any) -> None:
    for d in (t.float16, t.bfloat16):
        x = t.tensor([0.1, 3.3, 1000.0, 1e-4], dtype=d)
        print(
            x * 1.1,
            x + 0.001,
            x / 3.3,
            1.7 - x,
            x**2,
            x**0.3,
            2.5 / x,
            x // 0.3,
            x % 0.3,
            x * t.tensor(1.1),
            x + t.tensor(0.001),
        )
        print(x.add(x, alpha=0.3), (x * 3).sum(), x.mean(), x.sqrt(), x.exp())


@pytest.mark.parametrize("name", PROGRAMS)
def test_program(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        same_lines(PROGRAMS[name])
