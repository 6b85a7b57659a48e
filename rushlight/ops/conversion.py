"""Copies and conversions: to another dtype or memory format, to NumPy and to Python numbers.

A conversion to the type that a tensor has gives the tensor itself; gradients are converted back.

Source: https://docs.pytorch.org/docs/2.13/tensors.html
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import dtypes, kernels
from rushlight.autograd.operation import Operation
from rushlight.autograd.transforms import Intercept
from rushlight.autograd.variable import Variable
from rushlight.device import check_device, device
from rushlight.layout import contiguous_format, memory_format, preserve_format
from rushlight.ops._geometry import Array, channel_order, copy_in_format, wrap_dim
from rushlight.ops._numeric import check_tensor
from rushlight.ops._out import plain
from rushlight.ops._quick import free
from rushlight.ops._stored import number_of, numbers_of, stored
from rushlight.ops.sharing import is_shared, share_memory_
from rushlight.quantizer import dequantized
from rushlight.size import Size
from rushlight.storage import owner_of

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

__all__ = ["clone", "is_complex", "is_floating_point", "is_nonzero", "is_tensor", "numel"]


_new_tuple = tuple.__new__  # without the checks of what a user makes a Size of


class Clone(Operation):
    """A copy."""

    node_name = "CloneBackward0"
    keeps_channels = True

    @staticmethod
    def forward(ctx: Any, input: Tensor, format_: memory_format | None) -> Array:
        return copy_in_format(input._array, format_)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return grad, None


class ToCopy(Operation):
    """A copy in another dtype or memory format."""

    node_name = "ToCopyBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor, dtype: dtypes.dtype, format_: memory_format | None) -> Array:
        array = input._array
        ctx.dtype = dtypes.from_numpy_dtype(array.dtype)
        out = converted(array, dtype)
        if format_ is None or format_ is preserve_format:
            return out if out is not array else copy_in_format(array)
        return copy_in_format(out, format_)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return to(grad, ctx.dtype), None, None


_SATURATING = dtypes.float8_e4m3fn.numpy_dtype


def converted(array: Array, dtype: dtypes.dtype) -> Array:
    """The elements in another type, the array itself if it has it: floats lose their fraction, complex their "
    "imaginary part."""
    target = dtype.numpy_dtype
    if array.dtype is target:
        return array
    kind = array.dtype.kind
    found = stored(array, dtype, converted) if kind in "VW" or target.kind in "VW" else None
    if found is not None:
        return found
    if array.dtype.names or target.names:
        if array.dtype == target:
            return array
        if array.dtype.names:
            raise RuntimeError("Creation of quantized tensor requires quantized dtype like torch.quint8")
        raise RuntimeError("empty_strided not supported on quantized tensors yet; use quantize_per_tensor instead")
    if kind == "c" and target.kind != "c" and target.kind != "b":
        warnings.warn("Casting complex values to real discards the imaginary part", UserWarning, stacklevel=4)
        array = array.real
    order: Any = "C" if 0 in array.strides else "K"
    if target.char in "fd" and (kind in "biu" or (kind == "f" and array.itemsize <= target.itemsize)):
        # Nothing is too large.
        return array.astype(target, order) if order == "C" else kernels.convert(array, target)
    if target.kind in "iu" and kind in "fVc":
        return _float_to_integer(array, target, order)
    if target == _SATURATING:
        # A type without infinities: PyTorch takes its greatest number for what is beyond.
        array = np.clip(array.astype(np.float32, copy=False), -448, 448)
    if target.kind == "f" or target.kind == "V":
        # Too large a value becomes infinite without a word.
        return _cast(array, target, order)
    return array.astype(target, order)


def _cast(array: Array, target: np.dtype[Any], order: Any) -> Array:
    return kernels.convert(np.ascontiguousarray(array) if order == "C" and array.ndim else array, target)


def _float_to_integer(array: Array, target: np.dtype[Any], order: Any) -> Array:
    if array.dtype.kind == "V":
        array = array.astype(np.float32)
    if target.itemsize < 4 or target == np.uint32:
        # The low bits of a wider integer, so that -1 becomes 255.
        return _cast(array, np.dtype(np.int32 if target.itemsize < 4 else np.int64), order).astype(target, order)
    return _cast(array, target, order)


def clone(input: Tensor, *, memory_format: memory_format | None = None) -> Tensor:
    """A copy of `input` that gradients flow through; by default its dimensions keep their order in memory.

    >>> import rushlight as torch
    >>> x = torch.ones(2)
    >>> y = x.clone()
    >>> y[0] = 5
    >>> x
    tensor([1., 1.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.clone.html
    """
    return Clone.apply(input, memory_format)


def contiguous(input: Tensor, memory_format: memory_format = contiguous_format) -> Tensor:
    """`input` itself if its memory has the format, a copy that has it otherwise.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.Tensor.contiguous.html
    """
    if memory_format is contiguous_format and input._array.flags.c_contiguous:
        return input
    if memory_format is preserve_format:
        raise RuntimeError("preserve memory format is unsupported by the contiguous operator")
    if is_contiguous(input, memory_format):
        return input
    return Clone.apply(input, memory_format)


def is_contiguous(input: Tensor, memory_format: memory_format = contiguous_format) -> bool:
    """Whether the elements lie in memory in row-major order, or in the order of a channels-last format."""
    array = input._array
    if memory_format is contiguous_format:
        return array.flags.c_contiguous
    try:
        order = channel_order(memory_format, array.ndim)
    except RuntimeError:
        return False
    return array.transpose(order).flags.c_contiguous


def _copied(input: Tensor, dtype: dtypes.dtype) -> Tensor:
    """The tensor in another type."""
    array = free(input, "fdlihbB?")
    return ToCopy.apply(input, dtype, None) if array is None else plain(converted(array, dtype))


def to(input: Tensor, *args: Any, **named: Any) -> Tensor:
    """`input` in another dtype: `to(dtype)`, `to(device)`, `to(device, dtype)`, `to(other)`; itself if nothing changes.

    Also takes `non_blocking`, `copy` (copy in any case) and `memory_format`. Gradients flow back in `input`'s dtype.
    AssertionError for CUDA, RuntimeError for a device there is none of.

    >>> import rushlight as torch
    >>> torch.tensor([1.7, -1.7]).to(torch.int64)
    tensor([ 1, -1])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.Tensor.to.html
    """
    if len(args) == 1 and args[0].__class__ is dtypes.dtype and not named:
        dtype = args[0]
        return input if input._array.dtype is dtype.numpy_dtype else _copied(input, dtype)
    wanted, copy, format_ = _parse_to(input, args, named)
    kept = format_ is None or format_ is preserve_format or is_contiguous(input, format_)
    dtype = input._array.dtype
    if kept and not copy and (dtype is wanted.numpy_dtype or (dtype.names and dtype == wanted.numpy_dtype)):
        return input
    return ToCopy.apply(input, wanted, format_)


def _parse_to(
    input: Tensor, args: tuple[Any, ...], named: dict[str, Any]
) -> tuple[dtypes.dtype, bool, memory_format | None]:
    wanted: Any = named.pop("dtype", None)
    where = named.pop("device", None)
    other = named.pop("other", None)
    rest = list(args)
    if rest and isinstance(rest[0], Variable):
        other = rest.pop(0)
    elif rest and not isinstance(rest[0], dtypes.dtype):
        first = rest.pop(0)
        if (first is not None and not isinstance(first, (str, int, device))) or isinstance(first, bool):
            raise TypeError(
                f"to() received an invalid combination of arguments - got ({type(first).__name__}), expected a dtype, "
                "a device or a Tensor"
            )
        where = first if first is not None else where
    if rest and (rest[0] is None or isinstance(rest[0], (dtypes.dtype, type))) and other is None:
        first = rest.pop(0)
        wanted = first if first is not None else wanted
    if other is not None:
        wanted = other.dtype
    named.pop("non_blocking", None)
    copy = bool(named.pop("copy", rest[1] if len(rest) > 1 else False))
    format_ = named.pop("memory_format", None)
    if named:
        raise TypeError(
            f"to() received an invalid combination of arguments - got unexpected keyword {next(iter(named))!r}"
        )
    if isinstance(where, int):
        raise RuntimeError("Cannot access accelerator device when none is available.")
    check_device(where)
    return (input.dtype if wanted is None else as_dtype(wanted)), copy, format_


_PYTHON_TYPES: dict[Any, dtypes.dtype] = {
    float: dtypes.float64, int: dtypes.int64, bool: dtypes.bool, complex: dtypes.complex128,
}  # fmt: skip


def as_dtype(wanted: Any, function: str = "to") -> dtypes.dtype:
    """A dtype, or the one that Python's float, int, bool or complex stands for; TypeError for anything else."""
    if isinstance(wanted, dtypes.dtype):
        return wanted
    if wanted in _PYTHON_TYPES:
        return _PYTHON_TYPES[wanted]
    raise TypeError(f"{function}(): argument 'dtype' must be torch.dtype, not {type(wanted).__name__}")


def in_type(input: Tensor, wanted: Any, function: str) -> Tensor:
    """The tensor in the dtype that a function was given; TypeError for what is none."""
    check_tensor(function, "input", 1, input)
    return to(input, as_dtype(wanted, function))


_LEGACY = {f"torch.{d.legacy_name}Tensor": d for d in vars(dtypes).values() if isinstance(d, dtypes.dtype)}


def type_(input: Tensor, dtype: Any = None, non_blocking: bool = False) -> Any:
    """The name of the tensor's type, or, given a dtype (or such a name), the tensor converted to it.

    >>> import rushlight as torch
    >>> torch.ones(1).type()
    'torch.FloatTensor'
    """
    if dtype is None:
        return f"torch.{input.dtype.legacy_name}Tensor"
    if isinstance(dtype, str):
        if dtype not in _LEGACY:
            raise ValueError(f"invalid type: '{dtype}'")
        dtype = _LEGACY[dtype]
    elif not isinstance(dtype, dtypes.dtype):
        legacy = getattr(dtype, "dtype", None)
        if not isinstance(legacy, dtypes.dtype):
            raise TypeError("invalid type object")
        dtype = legacy
    return to(input, dtype)


def type_as(input: Tensor, other: Tensor) -> Tensor:
    """`input` in the dtype of `other`."""
    check_tensor("type_as", "other", 2, other)
    return to(input, other.dtype)


def _converter(dtype: dtypes.dtype) -> Any:
    def convert(input: Tensor, memory_format: memory_format = preserve_format) -> Tensor:
        if memory_format is preserve_format:
            return input if input._array.dtype is dtype.numpy_dtype else _copied(input, dtype)
        return to(input, dtype, memory_format=memory_format)

    convert.__doc__ = f"`input` as {dtype}: itself if it has this dtype."
    return convert


def cpu(input: Tensor, memory_format: memory_format = preserve_format) -> Tensor:
    """`input`, whose memory is the CPU's already."""
    return to(input, "cpu", memory_format=memory_format)


def cuda(input: Tensor, device: Any = None, non_blocking: bool = False, memory_format: Any = preserve_format) -> Tensor:
    """AssertionError: there is no CUDA in this build."""
    raise AssertionError("Torch not compiled with CUDA enabled")


def numpy(input: Tensor, *, force: bool = False) -> Array:
    """The tensor's memory as an ndarray, shared with it; `force=True` detaches first.

    RuntimeError if the tensor requires grad, TypeError for a dtype that NumPy has not.

    >>> import rushlight as torch
    >>> torch.ones(2).numpy()
    array([1., 1.], dtype=float32)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.Tensor.numpy.html
    """
    if input.requires_grad and not force:
        raise RuntimeError("Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.")
    array = input._array
    # Those of ml_dtypes have 2 here, a NumPy type that was unpickled 0.
    if array.dtype.isbuiltin == 2 or array.dtype.names or array.dtype.metadata:
        name = input.dtype.legacy_name
        raise TypeError(f"Got unsupported ScalarType {name}")
    return array


def tolist(input: Tensor) -> Any:
    """The elements as nested lists of Python numbers; a number for a tensor without dimensions."""
    array = input._array
    if array.dtype.names:
        raise RuntimeError("load_scalar: invalid type; dequantize() first")
    return numbers_of(array).tolist()


def item(input: Tensor) -> Any:
    """The only element as a Python number; RuntimeError if there are more or none.

    >>> import rushlight as torch
    >>> torch.tensor([[2.5]]).item()
    2.5

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.Tensor.item.html
    """
    array = input._array
    if array.size != 1:
        raise RuntimeError(f"a Tensor with {array.size} elements cannot be converted to Scalar")
    if array.dtype.names:
        array = dequantized(array)
    try:
        return array.item() if array.dtype.isbuiltin == 1 else number_of(array)
    except Intercept:
        return type(input).item(input)


def numel(input: Tensor) -> int:
    """The number of elements: the product of the shape, 1 for a scalar.

    >>> import rushlight as torch
    >>> torch.numel(torch.ones(2, 3))
    6

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.numel.html
    """
    check_tensor("numel", "input", 1, input)
    return input._array.size


def size(input: Tensor, dim: int | None = None) -> Any:
    """The lengths of the dimensions, or that of one."""
    shape = input._array.shape
    if dim is None:
        return _new_tuple(Size, shape)
    if not shape:
        raise IndexError("Dimension specified as " + str(dim) + " but tensor has no dimensions")
    return shape[wrap_dim(dim, len(shape))]


def stride(input: Tensor, dim: int | None = None) -> Any:
    """The steps in memory, in elements, from one index to the next along each dimension, or along one."""
    strides = kernels.element_strides(input._array)
    if dim is None:
        return strides
    if not strides:
        raise IndexError("Dimension specified as " + str(dim) + " but tensor has no dimensions")
    return strides[wrap_dim(dim, len(strides))]


def dim(input: Tensor) -> int:
    """The number of dimensions."""
    return input._array.ndim


def element_size(input: Tensor) -> int:
    """The bytes of one element."""
    return input._array.itemsize


def data_ptr(input: Tensor) -> int:
    """The address of the first element."""
    array = input._array
    return kernels.address(array) if array.size else 0


def storage_offset(input: Tensor) -> int:
    """How many elements of the storage lie before the first element."""
    array = input._array
    if array.base is None or not array.size:
        return 0
    base = owner_of(array)
    if array.nbytes == base.nbytes and array.flags.forc and base.flags.forc:
        return 0
    here, low = kernels.address(array), kernels.address(base)
    if not base.flags.forc:
        low = np.lib.array_utils.byte_bounds(base)[0]
    return (here - low) // array.itemsize


def is_set_to(input: Tensor, tensor: Tensor) -> bool:
    """Whether both tensors look at the same memory in the same way."""
    check_tensor("is_set_to", "tensor", 2, tensor)
    a, b = input._array, tensor._array
    return data_ptr(input) == data_ptr(tensor) and a.shape == b.shape and a.strides == b.strides


def is_floating_point(input: Tensor) -> bool:
    """Whether the tensor's dtype is a floating-point type: complex types are none.

    >>> import rushlight as torch
    >>> torch.is_floating_point(torch.tensor([1.0])), torch.is_floating_point(torch.tensor([1]))
    (True, False)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.is_floating_point.html
    """
    check_tensor("is_floating_point", "input", 1, input)
    return input.dtype.is_floating_point


def is_complex(input: Tensor) -> bool:
    """Whether the tensor's dtype is a complex type.

    >>> import rushlight as torch
    >>> torch.is_complex(torch.tensor([1j])), torch.is_complex(torch.tensor([1.0]))
    (True, False)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.is_complex.html
    """
    check_tensor("is_complex", "input", 1, input)
    return input.dtype.is_complex


def is_signed(input: Tensor) -> bool:
    """Whether the dtype has negative numbers."""
    return input.dtype.is_signed


def is_tensor(obj: Any, /) -> bool:
    """Whether `obj` is a Tensor, of any subclass.

    >>> import rushlight as torch
    >>> torch.is_tensor(torch.ones(1)), torch.is_tensor([1.0])
    (True, False)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.is_tensor.html
    """
    return isinstance(obj, Variable)


def is_nonzero(input: Tensor) -> bool:
    """Whether the only element of a tensor of any shape is not zero. Raises RuntimeError if there are more elements or
    none.

    >>> import rushlight as torch
    >>> torch.is_nonzero(torch.tensor([[0.5]]))
    True

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.is_nonzero.html
    """
    check_tensor("is_nonzero", "input", 1, input)
    array = input._array
    if array.size != 1:
        kind = "no values" if array.size == 0 else "more than one value"
        raise RuntimeError(f"Boolean value of Tensor with {kind} is ambiguous")
    return bool(array.reshape(()))


class ConversionMethods:
    """Tensor's methods of this family."""

    bfloat16 = _converter(dtypes.bfloat16)
    bool = _converter(dtypes.bool)
    byte = _converter(dtypes.uint8)
    cdouble = _converter(dtypes.complex128)
    cfloat = _converter(dtypes.complex64)
    chalf = _converter(dtypes.complex32)
    char = _converter(dtypes.int8)
    double = _converter(dtypes.float64)
    float = _converter(dtypes.float32)
    half = _converter(dtypes.float16)
    int = _converter(dtypes.int32)
    long = _converter(dtypes.int64)
    short = _converter(dtypes.int16)
    clone = clone
    contiguous = contiguous
    cpu = cpu
    cuda = cuda
    data_ptr = data_ptr
    dim = dim
    element_size = element_size
    is_complex = is_complex
    is_contiguous = is_contiguous
    is_floating_point = is_floating_point
    is_nonzero = is_nonzero
    is_set_to = is_set_to
    is_shared = is_shared
    is_signed = is_signed
    item = item
    ndimension = dim
    nelement = numel
    numel = numel
    numpy = numpy
    share_memory_ = share_memory_
    size = size
    storage_offset = storage_offset
    stride = stride
    to = to
    tolist = tolist
    type = type_
    type_as = type_as
