"""The element types of tensors: PyTorch's names over NumPy's and ml_dtypes' types, and PyTorch's promotion rules."""

from __future__ import annotations

import builtins
from typing import Any

import ml_dtypes
import numpy as np
import numpy.typing as npt

__all__ = [
    "bfloat16",
    "bit",
    "bits1x8",
    "bits2x4",
    "bits4x2",
    "bits8",
    "bits16",
    "bool",
    "cdouble",
    "cfloat",
    "chalf",
    "complex32",
    "complex64",
    "complex128",
    "double",
    "dtype",
    "finfo",
    "float",
    "float4_e2m1fn_x2",
    "float8_e4m3fn",
    "float8_e4m3fnuz",
    "float8_e5m2",
    "float8_e5m2fnuz",
    "float8_e8m0fnu",
    "float16",
    "float32",
    "float64",
    "get_default_dtype",
    "half",
    "iinfo",
    "int",
    "int1",
    "int2",
    "int3",
    "int4",
    "int5",
    "int6",
    "int7",
    "int8",
    "int16",
    "int32",
    "int64",
    "long",
    "promote_types",
    "qint8",
    "qint32",
    "quint8",
    "set_default_dtype",
    "short",
    "uint1",
    "uint2",
    "uint3",
    "uint4",
    "uint5",
    "uint6",
    "uint7",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
]  # fmt: skip

_BARE, _QUANTIZED, _BOOL, _INTEGER, _FLOAT, _COMPLEX = range(-2, 4)


class dtype:
    """The type of a tensor's elements, such as `torch.float32`, with what can be asked of it.

    >>> import rushlight as torch
    >>> torch.float16.itemsize, torch.float16.is_floating_point, torch.float16.to_complex()
    (2, True, torch.complex32)

    Source: https://docs.pytorch.org/docs/2.13/tensor_attributes.html
    """

    __slots__ = (
        "name",
        "legacy_name",
        "numpy_dtype",
        "category",
        "is_floating_point",
        "is_complex",
        "_signed",
        "itemsize",
    )

    def __init__(self, name: str, legacy_name: str, numpy_dtype: Any, category: builtins.int) -> None:
        self.name = name
        self.legacy_name = legacy_name
        self.numpy_dtype: np.dtype[Any] = np.dtype(numpy_dtype)
        self.category = category
        self.is_floating_point = category == _FLOAT
        self.is_complex = category == _COMPLEX
        self._signed = category >= _FLOAT or self.numpy_dtype.kind == "i" or name.startswith("int")
        self.itemsize = self.numpy_dtype.itemsize

    def __repr__(self) -> str:
        return f"torch.{self.name}"

    @property
    def is_signed(self) -> builtins.bool:
        """Whether there are negative numbers of this type; RuntimeError for bits, which are none."""
        if self.name.startswith("bits"):
            raise RuntimeError("Bits types are undefined")
        return self._signed

    def __reduce__(self) -> str | tuple[Any, ...]:
        return (_by_name, (self.name,))

    def to_real(self) -> dtype:
        """The real type of a complex type's parts; any other type is its own."""
        return {"complex32": float16, "complex64": float32, "complex128": float64}.get(self.name, self)

    def to_complex(self) -> dtype:
        """The complex type whose parts have this type; RuntimeError where there is none."""
        if self in _FLOAT8 or self.category < _FLOAT or self is float4_e2m1fn_x2:
            raise RuntimeError(f"Unknown Complex ScalarType for {self.legacy_name}")
        if self in (float16, complex32):
            return complex32
        return complex128 if self in (float64, complex128) else complex64


float32 = dtype("float32", "Float", np.float32, _FLOAT)
float64 = dtype("float64", "Double", np.float64, _FLOAT)
float16 = dtype("float16", "Half", np.float16, _FLOAT)
bfloat16 = dtype("bfloat16", "BFloat16", ml_dtypes.bfloat16, _FLOAT)
float8_e4m3fn = dtype("float8_e4m3fn", "Float8_e4m3fn", ml_dtypes.float8_e4m3fn, _FLOAT)
float8_e4m3fnuz = dtype("float8_e4m3fnuz", "Float8_e4m3fnuz", ml_dtypes.float8_e4m3fnuz, _FLOAT)
float8_e5m2 = dtype("float8_e5m2", "Float8_e5m2", ml_dtypes.float8_e5m2, _FLOAT)
float8_e5m2fnuz = dtype("float8_e5m2fnuz", "Float8_e5m2fnuz", ml_dtypes.float8_e5m2fnuz, _FLOAT)
float8_e8m0fnu = dtype("float8_e8m0fnu", "Float8_e8m0fnu", ml_dtypes.float8_e8m0fnu, _FLOAT)
int8 = dtype("int8", "Char", np.int8, _INTEGER)
int16 = dtype("int16", "Short", np.int16, _INTEGER)
int32 = dtype("int32", "Int", np.int32, _INTEGER)
int64 = dtype("int64", "Long", np.int64, _INTEGER)
uint8 = dtype("uint8", "Byte", np.uint8, _INTEGER)
uint16 = dtype("uint16", "UInt16", np.uint16, _INTEGER)
uint32 = dtype("uint32", "UInt32", np.uint32, _INTEGER)
uint64 = dtype("uint64", "UInt64", np.uint64, _INTEGER)
bool = dtype("bool", "Bool", np.bool_, _BOOL)
complex64 = dtype("complex64", "ComplexFloat", np.complex64, _COMPLEX)
complex32 = dtype("complex32", "ComplexHalf", ml_dtypes.complex32, _COMPLEX)
complex128 = dtype("complex128", "ComplexDouble", np.complex128, _COMPLEX)


def _bare(name: str, legacy_name: str, size: builtins.int = 1, category: builtins.int = _BARE) -> dtype:
    """A type that nothing computes with: bytes that can be moved about and viewed as another type."""
    return dtype(name, legacy_name, np.dtype(f"V{size}", metadata={"name": name}), category)


float4_e2m1fn_x2 = _bare("float4_e2m1fn_x2", "Float4_e2m1fn_x2", 1, _FLOAT)
bits1x8, bits2x4, bits4x2, bits8 = (_bare(f"bits{n}", f"Bits{n}") for n in ("1x8", "2x4", "4x2", "8"))
bits16 = _bare("bits16", "Bits16", 2)
int1, int2, int3, int4, int5, int6, int7 = (_bare(f"int{n}", f"Int{n}") for n in range(1, 8))
uint1, uint2, uint3, uint4, uint5, uint6, uint7 = (_bare(f"uint{n}", f"UInt{n}") for n in range(1, 8))
bit = uint1

# A record of one field: arrays of it can be moved about as any others, but no ufunc and no cast takes them, so nothing
# computes on the codes by accident. What the codes stand for is in the metadata (quantizer.py).
qint8 = dtype("qint8", "QInt8", [("qint8", "i1"), ("", "V0")], _QUANTIZED)
quint8 = dtype("quint8", "QUInt8", [("quint8", "u1"), ("", "V0")], _QUANTIZED)
qint32 = dtype("qint32", "QInt32", [("qint32", "i4"), ("", "V0")], _QUANTIZED)

float, double, half = float32, float64, float16
short, int, long = int16, int32, int64
chalf, cfloat, cdouble = complex32, complex64, complex128

_ALL = (
    float32, float64, float16, bfloat16, float8_e4m3fn, float8_e4m3fnuz, float8_e5m2, float8_e5m2fnuz, int8, int16,
    int32, int64, uint8, uint16, uint32, uint64, bool, complex64, complex128,
)  # fmt: skip
# For storage only; those of the second row are told apart by the metadata of their NumPy types.
_STORED = (complex32, float8_e8m0fnu)
_BARE_TYPES = (
    float4_e2m1fn_x2, bits1x8, bits2x4, bits4x2, bits8, bits16, int1, int2, int3, int4, int5, int6, int7, uint1, uint2,
    uint3, uint4, uint5, uint6, uint7,
)  # fmt: skip
_QUANTIZED_TYPES = (qint8, quint8, qint32)
_FROM_NUMPY = {d.numpy_dtype: d for d in _ALL + _STORED + _QUANTIZED_TYPES}
_NAMES = {d.name: d for d in _ALL + _STORED + _QUANTIZED_TYPES + _BARE_TYPES}
_WIDE_UNSIGNED = (uint16, uint32, uint64)
_FLOAT8 = (float8_e4m3fn, float8_e4m3fnuz, float8_e5m2, float8_e5m2fnuz, float8_e8m0fnu)
_default = float32


def _by_name(name: str) -> dtype:
    return _NAMES[name]


def from_numpy_dtype(numpy_dtype: np.dtype[Any]) -> dtype:
    """The dtype of arrays of a NumPy type; TypeError if tensors cannot have it."""
    try:
        return _FROM_NUMPY[numpy_dtype]
    except KeyError:
        if numpy_dtype.metadata and "name" in numpy_dtype.metadata:
            return _NAMES[numpy_dtype.metadata["name"]]
        found = _FROM_NUMPY.get(numpy_dtype.newbyteorder("="))
        if found is not None:
            return found
        raise TypeError(
            f"can't convert np.ndarray of type {numpy_dtype.type.__module__}.{numpy_dtype.type.__name__}. The only "
            "supported types are: float64, float32, float16, complex64, complex128, int64, int32, int16, int8, "
            "uint64, uint32, uint16, uint8, and bool."
        ) from None


def to_numpy(type_: dtype | type) -> np.dtype[Any]:
    """The NumPy type of a dtype (or of Python's float, int, bool, complex)."""
    if isinstance(type_, dtype):
        return type_.numpy_dtype
    if type_ is builtins.float:
        return _default.numpy_dtype
    if type_ is builtins.int:
        return int64.numpy_dtype
    if type_ is builtins.bool:
        return bool.numpy_dtype
    if type_ is complex:
        return _default.to_complex().numpy_dtype
    raise TypeError(f"expected a dtype such as torch.float32, got {type_!r} ({type(type_).__name__})")


def get_default_dtype() -> dtype:
    """The type of tensors made from Python floats: float32 at the start.

    >>> import rushlight as torch
    >>> torch.get_default_dtype()
    torch.float32

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.get_default_dtype.html
    """
    return _default


def set_default_dtype(d: dtype, /) -> None:
    """Set the type of tensors made from Python floats.

    Raises TypeError for a type that is not floating point.

    >>> import rushlight as torch
    >>> torch.set_default_dtype(torch.float64)
    >>> torch.tensor(1.5).dtype
    torch.float64
    >>> torch.set_default_dtype(torch.float32)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.set_default_dtype.html
    """
    global _default
    if not isinstance(d, dtype):
        raise TypeError(
            "invalid dtype object: only floating-point types are supported as the default type; expected a dtype such "
            f"as torch.float32, got {d!r}"
        )
    if not d.is_floating_point or d in _FLOAT8:
        raise TypeError(f"only floating-point types are supported as the default type, got {d}")
    _default = d


def promote_types(type1: dtype, type2: dtype) -> dtype:
    """The smallest type that both types convert to, by PyTorch's table.

    Raises TypeError for what is no dtype.

    >>> import rushlight as torch
    >>> torch.promote_types(torch.int64, torch.float16)
    torch.float16

    Source: https://docs.pytorch.org/docs/2.13/tensor_attributes.html
    """
    if type1 is type2:
        return type1
    for position, type_ in enumerate((type1, type2), 1):
        if not isinstance(type_, dtype):
            raise TypeError(
                f"promote_types(): argument 'type{position}' (position {position}) must be torch.dtype, not "
                f"{type(type_).__name__}"
            )
    low, high = (type1, type2) if type1.category <= type2.category else (type2, type1)
    if low.category == _BARE:
        raise RuntimeError(f"Promotion from {type1.legacy_name} and {type2.legacy_name} is unsupported.")
    if low.category == _QUANTIZED:
        raise RuntimeError(f"promoteTypes with quantized numbers is not handled yet; got {low.legacy_name}")
    if low in _FLOAT8 or high in _FLOAT8:
        raise RuntimeError(
            f"Promotion for Float8 Types is not supported, attempted to promote {type1.legacy_name} and "
            f"{type2.legacy_name}"
        )
    if low.category != high.category:
        if (low is bool and high in _WIDE_UNSIGNED) or (low in _WIDE_UNSIGNED and high.is_complex):
            raise _no_wide_unsigned(low, high)
        if high.category == _COMPLEX:
            if low is float64:
                return complex128
            if high is complex32 and low in (float32, bfloat16):
                return complex64
        return high
    if high.category == _INTEGER:
        return _promote_integers(low, high)
    if high.category == _FLOAT and {low, high} == {float16, bfloat16}:
        return float32
    return low if low.itemsize > high.itemsize else high


def _no_wide_unsigned(a: dtype, b: dtype) -> RuntimeError:
    return RuntimeError(
        "Promotion for uint16, uint32, uint64 types is not supported, attempted to promote "
        f"{a.legacy_name} and {b.legacy_name}"
    )


def _promote_integers(a: dtype, b: dtype) -> dtype:
    if a in _WIDE_UNSIGNED or b in _WIDE_UNSIGNED:
        raise _no_wide_unsigned(a, b)
    if a.is_signed != b.is_signed:
        signed = a if a.is_signed else b
        return signed if signed.itemsize > 1 else int16
    return a if a.itemsize > b.itemsize else b


def _checked_type(function: str, value: Any) -> dtype:
    if not isinstance(value, dtype):
        raise TypeError(f"{function}(): argument 'type' (position 1) must be torch.dtype, not {type(value).__name__}")
    return value


class finfo:
    """The limits of a floating-point type: bits, eps, max, min, tiny, smallest_normal, resolution.

    >>> import rushlight as torch
    >>> torch.finfo(torch.float32).eps
    1.1920928955078125e-07

    Source: https://docs.pytorch.org/docs/2.13/type_info.html
    """

    def __init__(self, type: dtype | None = None) -> None:
        dtype = _default if type is None else _checked_type("finfo", type)
        if not (dtype.is_floating_point or dtype.is_complex):
            raise TypeError(f"torch.finfo() requires a floating point input type. Use torch.iinfo to handle '{dtype}'")
        real = dtype.to_real()
        if real.category != _FLOAT or real is float4_e2m1fn_x2:
            raise TypeError(f"torch.finfo() knows no limits of '{dtype}'")
        info = ml_dtypes.finfo(real.numpy_dtype)  # type: ignore[no-untyped-call]
        self.bits: builtins.int = info.bits
        self.dtype: str = real.name
        for name in ("eps", "max", "min", "tiny", "smallest_normal"):
            setattr(self, name, builtins.float(getattr(info, name)))
        if real is float8_e5m2fnuz:
            # What PyTorch says; the step above 1 is 0.25.
            self.eps = 0.125
        self.resolution = _RESOLUTION.get(real.name, 1.0)

    eps: builtins.float
    max: builtins.float
    min: builtins.float
    tiny: builtins.float
    smallest_normal: builtins.float
    resolution: builtins.float

    def __eq__(self, other: object) -> builtins.bool:
        return isinstance(other, finfo) and repr(self) == repr(other)

    def __hash__(self) -> builtins.int:
        return hash(self.dtype)

    def __repr__(self) -> str:
        return (
            f"finfo(resolution={self.resolution:g}, min={self.min:g}, max={self.max:g}, eps={self.eps:g}, "
            f"smallest_normal={self.smallest_normal:g}, tiny={self.tiny:g}, dtype={self.dtype})"
        )


# Ten to the minus of the decimal digits that a type holds; an 8-bit one holds none.
_RESOLUTION = {"float64": 1e-15, "float32": 1e-6, "float16": 1e-3, "bfloat16": 1e-2}


class iinfo:
    """The limits of an integer type: bits, max, min.

    >>> import rushlight as torch
    >>> torch.iinfo(torch.int8).max
    127

    Source: https://docs.pytorch.org/docs/2.13/type_info.html
    """

    def __init__(self, type: dtype) -> None:
        dtype = _checked_type("iinfo", type)
        if dtype.category != _INTEGER:
            raise TypeError(f"torch.iinfo() requires an integer input type. Use torch.finfo to handle '{dtype}'")
        info = np.iinfo(dtype.numpy_dtype)
        self.bits: builtins.int = info.bits
        self.max: builtins.int = builtins.int(info.max)
        self.min: builtins.int = builtins.int(info.min)
        self.dtype: str = dtype.name

    def __eq__(self, other: object) -> builtins.bool:
        return isinstance(other, iinfo) and repr(self) == repr(other)

    def __hash__(self) -> builtins.int:
        return hash(self.dtype)

    def __repr__(self) -> str:
        return f"iinfo(min={self.min:g}, max={self.max:g}, dtype={self.dtype})"


def cast(array: npt.NDArray[Any], type_: dtype | type) -> npt.NDArray[Any]:
    """The array in another type, the same object where it has that type already."""
    return array.astype(to_numpy(type_), copy=False)
