"""Whether two results, tensors or containers of them, are close; and in which words they aren't.

The two are first taken apart into pairs that can be compared, so that two containers of different structure are told at
once; then all pairs are compared, and the first that differs is reported.
"""

from __future__ import annotations

import cmath
import contextlib
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from rushlight import dtypes
from rushlight.layout import strided
from rushlight.ops.comparison import isclose
from rushlight.ops.creation import as_tensor, tensor
from rushlight.tensor import Tensor

__all__ = ["assert_allclose", "assert_close"]

Path = tuple[Any, ...]
Tolerance = tuple[float, float]
Identifier = str | Callable[[str], str] | None

_FLOAT32: Tolerance = (1.3e-6, 1e-5)
# (rtol, atol); those of quantized types hold for what their codes stand for.
_TOLERANCES: dict[dtypes.dtype, Tolerance] = {
    dtypes.float16: (0.001, 1e-5),
    dtypes.bfloat16: (0.016, 1e-5),
    dtypes.float32: _FLOAT32,
    dtypes.float64: (1e-7, 1e-7),
    dtypes.complex64: _FLOAT32,
    dtypes.complex128: (1e-7, 1e-7),
    dtypes.quint8: _FLOAT32,
    dtypes.qint8: _FLOAT32,
    dtypes.qint32: _FLOAT32,
}
_OLD_TOLERANCES: dict[dtypes.dtype, Tolerance] = {
    dtypes.float16: (1e-3, 1e-3),
    dtypes.float32: (1e-4, 1e-5),
    dtypes.float64: (1e-5, 1e-8),
}
_OF_NUMBERS = {int: dtypes.int64, float: dtypes.float64, complex: dtypes.complex128, bool: dtypes.int64}


class _Different(Exception):
    """What was found, where, and the type of the exception that tells the caller."""

    def __init__(self, kind: type[Exception], message: str, path: Path = ()) -> None:
        super().__init__(message)
        self.kind, self.message, self.path = kind, message, path

    def told(self, msg: str | Callable[[str], str] | None = None) -> Exception:
        """The exception for the caller, with the message that he gave, or made of ours."""
        if isinstance(msg, str):
            return self.kind(msg)
        said = self.message
        if self.path:
            said += f"\n\nThe failure occurred for item {''.join(f'[{step!r}]' for step in self.path)}"
        return self.kind(msg(said) if msg is not None else said)


class _Options:
    """How strictly to compare."""

    def __init__(
        self, rtol: float | None, atol: float | None, equal_nan: bool, subclasses: bool, device: bool, dtype: bool,
        layout: bool, stride: bool,
    ) -> None:  # fmt: skip
        self.rtol, self.atol, self.equal_nan, self.subclasses = rtol, atol, equal_nan, subclasses
        self.device, self.dtype, self.layout, self.stride = device, dtype, layout, stride

    def tolerances(self, kinds: Sequence[dtypes.dtype], path: Path) -> Tolerance:
        """(rtol, atol): those given, or the larger ones of two types."""
        if (self.rtol is None) != (self.atol is None):
            missing = "rtol" if self.rtol is None else "atol"
            raise _Different(
                ValueError,
                f"Both 'rtol' and 'atol' must be either specified or omitted, but got no {missing}.",
                path,
            )
        if self.rtol is not None and self.atol is not None:
            return self.rtol, self.atol
        return _larger(kinds, _TOLERANCES)


def _larger(kinds: Sequence[dtypes.dtype], table: Mapping[dtypes.dtype, Tolerance]) -> Tolerance:
    found = [table.get(kind, (0.0, 0.0)) for kind in kinds]
    return max(r for r, _ in found), max(a for _, a in found)


Pair = Callable[[], None]


def _pairs(actual: Any, expected: Any, options: _Options, path: Path) -> Iterator[Pair]:
    """What is to be compared; `_Different` where the structures differ."""
    if all(isinstance(x, Sequence) and not isinstance(x, str) for x in (actual, expected)):
        if len(actual) != len(expected):
            raise _Different(
                AssertionError,
                f"The length of the sequences mismatch: {len(actual)} != {len(expected)}",
                path,
            )
        for i in range(len(actual)):
            yield from _pairs(actual[i], expected[i], options, (*path, i))
    elif isinstance(actual, Mapping) and isinstance(expected, Mapping):
        for key in _same_keys(actual, expected, path):
            yield from _pairs(actual[key], expected[key], options, (*path, key))
    else:
        yield _pair(actual, expected, options, path)


def _same_keys(actual: Mapping[Any, Any], expected: Mapping[Any, Any], path: Path) -> list[Any]:
    there, wanted = set(actual), set(expected)
    if there != wanted:
        raise _Different(
            AssertionError,
            "The keys of the mappings do not match:\n"
            f"Missing keys in the actual mapping: {sorted(wanted - there)}\n"
            f"Additional keys in the actual mapping: {sorted(there - wanted)}",
            path,
        )
    keys = list(there)
    # So that the first difference is the same one each time.
    with contextlib.suppress(Exception):
        keys = sorted(keys)
    return keys


def _pair(actual: Any, expected: Any, options: _Options, path: Path) -> Pair:
    """The comparison of two things that are no containers."""
    if actual is None or expected is None:
        return lambda: _compare_none(actual, expected, path)
    both = (actual, expected)
    if all(isinstance(x, bool | np.bool_) for x in both):
        return lambda: _compare_bools(bool(actual), bool(expected), path)
    if all(isinstance(x, int | float | complex | np.number) for x in both):
        a, b = (x.item() if isinstance(x, np.number) else x for x in both)
        tolerances = options.tolerances([_OF_NUMBERS[type(a)], _OF_NUMBERS[type(b)]], path)
        return lambda: _compare_numbers(a, b, tolerances, options, path)
    related = isinstance(actual, type(expected)) or isinstance(expected, type(actual))
    if related and (options.subclasses or type(actual) is type(expected)):
        with contextlib.suppress(_Unsupported):
            x, y = (_tensor_of(value) for value in both)
            tolerances = options.tolerances([x.dtype, y.dtype], path)
            return lambda: _compare_tensors(x, y, tolerances, options, path)
    raise _Different(
        TypeError,
        f"No comparison pair was able to handle inputs of type {type(actual)} and {type(expected)}.",
        path,
    )


class _Unsupported(Exception):
    """Something can't be made a tensor."""


def _tensor_of(value: Any) -> Tensor:
    if isinstance(value, Tensor):
        return value
    try:
        return as_tensor(value)
    except Exception:
        raise _Unsupported from None


def _compare_none(actual: Any, expected: Any, path: Path) -> None:
    if actual is not expected:
        raise _Different(AssertionError, f"None mismatch: {actual} is not {expected}", path)


def _compare_bools(actual: bool, expected: bool, path: Path) -> None:
    if actual is not expected:
        raise _Different(AssertionError, f"Booleans mismatch: {actual} is not {expected}", path)


def _compare_numbers(actual: Any, expected: Any, tolerances: Tolerance, options: _Options, path: Path) -> None:
    if options.dtype and type(actual) is not type(expected):
        raise _Different(AssertionError, f"The (d)types do not match: {type(actual)} != {type(expected)}.", path)
    if actual == expected or (options.equal_nan and cmath.isnan(actual) and cmath.isnan(expected)):
        return
    rtol, atol = tolerances
    apart = abs(actual - expected)
    if not (cmath.isfinite(apart) and apart <= atol + rtol * abs(expected)):
        raise _Different(AssertionError, _number_message(actual, expected, tolerances, None), path)


def _compare_tensors(actual: Tensor, expected: Tensor, tolerances: Tolerance, options: _Options, path: Path) -> None:
    _compare_attributes(actual, expected, options, path)
    if actual.dtype is not expected.dtype:
        common = dtypes.promote_types(*(_signed(x.dtype) for x in (actual, expected)))
        actual, expected = actual.to(common), expected.to(common)
    if actual.layout is not expected.layout:
        actual, expected = (x if x.layout is strided else x.to_dense() for x in (actual, expected))

    def values(a: Any, b: Any, identifier: Identifier = None, exact: bool = False) -> None:
        _compare_values(a, b, (0, 0) if exact else tolerances, options.equal_nan and not exact, path, identifier)

    if _quantized(actual):
        values(actual.dequantize(), expected.dequantize(), lambda said: f"Quantized {said.lower()}")
    elif actual.layout is not strided:
        _compare_sparse(actual, expected, values, path)
    elif actual.dtype.is_floating_point and actual.dtype.itemsize == 1 and tolerances != (0, 0):
        raise _Different(
            AssertionError,
            f"Rtol={tolerances[0]} and atol={tolerances[1]} are not supported for bitwise comparison of low "
            "dimensional floats. Please use rtol=0.0 and atol=0.0.",
        )
    else:
        values(actual, expected)


def _quantized(tensor: Tensor) -> bool:
    return tensor.layout is strided and tensor.is_quantized


def _signed(dtype: dtypes.dtype) -> dtypes.dtype:
    return dtypes.int64 if dtype in (dtypes.uint16, dtypes.uint32, dtypes.uint64) else dtype


def _compare_attributes(actual: Tensor, expected: Tensor, options: _Options, path: Path) -> None:
    def differ(name: str, a: Any, b: Any) -> None:
        raise _Different(AssertionError, f"The values for attribute '{name}' do not match: {a} != {b}.", path)

    if actual.shape != expected.shape:
        differ("shape", actual.shape, expected.shape)
    quantized = [_quantized(x) for x in (actual, expected)]
    if quantized[0] != quantized[1]:
        differ("is_quantized", *quantized)
    if quantized[0] and actual.qscheme() != expected.qscheme():
        differ("qscheme()", actual.qscheme(), expected.qscheme())
    if actual.layout is not expected.layout:
        if options.layout:
            differ("layout", actual.layout, expected.layout)
    elif options.stride and actual.layout is strided and actual.stride() != expected.stride():
        differ("stride()", actual.stride(), expected.stride())
    if options.device and actual.device != expected.device:
        differ("device", actual.device, expected.device)
    if options.dtype and actual.dtype is not expected.dtype:
        differ("dtype", actual.dtype, expected.dtype)


# The names of the methods that give a compressed tensor's indices, by layout.
_INDICES = {
    "sparse_csr": ("CSR", "crow_indices", "col_indices"),
    "sparse_csc": ("CSC", "ccol_indices", "row_indices"),
    "sparse_bsr": ("BSR", "crow_indices", "col_indices"),
    "sparse_bsc": ("BSC", "ccol_indices", "row_indices"),
}


def _compare_sparse(actual: Any, expected: Any, values: Callable[..., None], path: Path) -> None:
    name, *methods = _INDICES.get(str(actual.layout).removeprefix("torch."), ("COO", "_indices"))
    if name == "COO" and actual.sparse_dim() != expected.sparse_dim():
        raise _Different(
            AssertionError,
            "The number of sparse dimensions in sparse COO tensors does not match: "
            f"{actual.sparse_dim()} != {expected.sparse_dim()}",
            path,
        )
    if actual._nnz() != expected._nnz():
        raise _Different(
            AssertionError,
            f"The number of specified values in sparse {name} tensors does not match: "
            f"{actual._nnz()} != {expected._nnz()}",
            path,
        )
    for method in methods:
        a, b = getattr(actual, method)(), getattr(expected, method)()
        kind = dtypes.promote_types(a.dtype, b.dtype)
        values(a.to(kind), b.to(kind), f"Sparse {name} {method.lstrip('_')}", exact=True)
    a, b = (x._values() if name == "COO" else x.values() for x in (actual, expected))
    values(a, b, f"Sparse {name} values")


def _compare_values(
    actual: Tensor, expected: Tensor, tolerances: Tolerance, equal_nan: bool, path: Path, identifier: Identifier
) -> None:
    rtol, atol = tolerances
    matches = isclose(actual.detach(), expected.detach(), rtol, atol, equal_nan)
    if matches.all():
        return
    if not actual.ndim:
        said = _number_message(actual.item(), expected.item(), tolerances, identifier)
    else:
        said = _tensor_message(actual.detach(), expected.detach(), matches, tolerances, identifier)
    raise _Different(AssertionError, said, path)


def _named(usual: str, identifier: Identifier) -> str:
    if identifier is None:
        return usual
    return identifier if isinstance(identifier, str) else identifier(usual)


def _message(who: str, extra: str, differences: Sequence[tuple[str, Any, Any]], tolerances: Tolerance) -> str:
    rtol, atol = tolerances
    exact = rtol == 0 and atol == 0
    lines = [f"{who} are not {'equal' if exact else 'close'}!", "", extra]
    for (kind, size, place), allowed in zip(differences, (atol, rtol), strict=True):
        line = (
            f"{kind.title()} difference: {size}"
            if place is None
            else f"Greatest {kind} difference: {size} at index {place}"
        )
        lines.append(line if exact else f"{line} (up to {allowed} allowed)")
    return "\n".join(lines)


def _number_message(actual: Any, expected: Any, tolerances: Tolerance, identifier: Identifier) -> str:
    apart = abs(actual - expected)
    relative = float("inf") if expected == 0 else apart / abs(expected)
    return _message(
        _named("Scalars", identifier),
        f"Expected {expected} but got {actual}.",
        (("absolute", apart, None), ("relative", relative, None)),
        tolerances,
    )


def _tensor_message(
    actual: Tensor, expected: Tensor, matches: Tensor, tolerances: Tolerance, identifier: Identifier
) -> str:
    who = _named("Tensor-likes", identifier)
    count = matches.numel()
    wrong = count - int(matches.sum())
    extra = f"Mismatched elements: {wrong} / {count} ({wrong / count:.1%})"
    if actual.dtype.is_floating_point and actual.dtype.itemsize == 1:
        first = tuple((~matches).nonzero()[0].tolist())
        return f"{who} are not 'equal'!\n\n{extra}\nThe first mismatched element is at index {first}."
    a, b, same = actual.flatten(), expected.flatten(), matches.flatten()
    if not (a.is_floating_point() or a.is_complex()):
        a, b = a.to(dtypes.int64), b.to(dtypes.int64)
    found = []
    apart = (a - b).abs()
    for kind, sizes in (("absolute", apart), ("relative", apart / b.abs())):
        size, place = sizes.masked_fill(same, 0).max(0)
        found.append((kind, size.item(), tuple(map(int, np.unravel_index(int(place), tuple(matches.shape))))))
    return _message(who, extra, found, tolerances)


def assert_close(
    actual: Any, expected: Any, *, allow_subclasses: bool = True, rtol: float | None = None, atol: float | None = None,
    equal_nan: bool = False, check_device: bool = True, check_dtype: bool = True, check_layout: bool = True,
    check_stride: bool = False, msg: str | Callable[[str], str] | None = None,
) -> None:  # fmt: skip
    """Raise AssertionError unless `|actual - expected| <= atol + rtol · |expected|` for all elements.

    Compares tensors, what becomes a tensor (arrays), numbers, None, and sequences and mappings of these to any depth.
    `rtol` and `atol` are given both or neither: then they are those of the types (float32: 1.3e-6 and 1e-5, float64:
    1e-7 both, float16: 1e-3 and 1e-5, bfloat16: 1.6e-2 and 1e-5, else 0; the larger of two types'). `equal_nan` lets
    two NaN be close; the checks ask for the same device, dtype, layout and strides. `msg` is the message, or makes it
    of the usual one. Raises ValueError where only one tolerance is given, TypeError for what can't be compared.

    >>> import rushlight as torch
    >>> torch.testing.assert_close(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 2.1]))
    Traceback (most recent call last):
    ...
    AssertionError: Tensor-likes are not close!
    <BLANKLINE>
    Mismatched elements: 1 / 2 (50.0%)
    Greatest absolute difference: 0.09999990463256836 at index (1,) (up to 1e-05 allowed)
    Greatest relative difference: 0.04761900380253792 at index (1,) (up to 1.3e-06 allowed)

    Source: https://docs.pytorch.org/docs/2.13/testing.html#torch.testing.assert_close
    """
    # pytest leaves the frame out of its traceback.
    __tracebackhide__ = True
    options = _Options(rtol, atol, equal_nan, allow_subclasses, check_device, check_dtype, check_layout, check_stride)
    try:
        pairs = list(_pairs(actual, expected, options, ()))
    except _Different as found:
        raise found.told() from None
    failures = []
    for compare in pairs:
        try:
            compare()
        except _Different as found:
            failures.append(found)
    if failures:
        raise failures[0].told(msg) from None


def assert_allclose(
    actual: Any, expected: Any, rtol: float | None = None, atol: float | None = None, equal_nan: bool = True,
    msg: str = "",
) -> None:  # fmt: skip
    """`assert_close` as it once was: types may differ, NaN equals NaN, tolerances are wider. PyTorch deprecates it.

    >>> import warnings, rushlight as torch
    >>> with warnings.catch_warnings(action="ignore"):
    ...     torch.testing.assert_allclose(torch.ones(2), [1, 1])

    Source: https://docs.pytorch.org/docs/2.13/testing.html#torch.testing.assert_allclose
    """
    warnings.warn(
        "`torch.testing.assert_allclose()` is deprecated since 1.12 and will be removed in a future release. Please "
        "use `torch.testing.assert_close()` instead. You can find detailed upgrade instructions in "
        "https://github.com/pytorch/pytorch/issues/61844.",
        FutureWarning,
        stacklevel=2,
    )
    x = actual if isinstance(actual, Tensor) else tensor(actual)
    y = expected if isinstance(expected, Tensor) else tensor(expected, dtype=x.dtype)
    if rtol is None and atol is None:
        rtol, atol = _larger([x.dtype, y.dtype], _OLD_TOLERANCES)
    assert_close(x, y, rtol=rtol, atol=atol, equal_nan=equal_nan, check_dtype=False, msg=msg or None)
