"""Tensors from data and of a given shape: `tensor`, `zeros`, `ones`, `full`, `empty`, their `_like` and `new_` forms.

Types are PyTorch's: Python floats become the default dtype, integers int64, arrays keep theirs.

Source: https://docs.pytorch.org/docs/2.13/torch.html#creation-ops
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import dtypes
from rushlight.autograd._quantized import refuse
from rushlight.autograd.grad_mode import state
from rushlight.autograd.variable import Variable, wrap
from rushlight.device import check_new, chosen, cpu
from rushlight.layout import contiguous_format, memory_format, preserve_format, strided
from rushlight.ops._data import checked_array, fill_array, fill_number, from_data, number_array, number_dtype
from rushlight.ops._geometry import Array, Shape, channel_order, shape_text, sizes
from rushlight.ops._numeric import check_tensor
from rushlight.ops._out import check_type_of_out, plain, write_out
from rushlight.ops.conversion import as_dtype, clone, to
from rushlight.size import Size

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

__all__ = [
    "as_tensor", "asarray", "empty", "empty_like", "empty_permuted", "empty_strided", "from_numpy",
    "frombuffer", "full", "full_like", "ones", "ones_like", "scalar_tensor", "tensor", "zeros", "zeros_like",
]  # fmt: skip


def tensor(
    data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False, pin_memory: bool = False
) -> Tensor:
    """A new tensor with a copy of `data`: a number, nested lists, an ndarray or a Tensor.

    Without `dtype`: Python's floats give the default type, ints int64, bools bool, complex numbers the complex default;
    arrays keep theirs. ValueError for ragged lists, TypeError or RuntimeError for what is not numbers.

    >>> import rushlight as torch
    >>> torch.tensor([[1, 2], [3, 4]], dtype=torch.float32)
    tensor([[1., 2.],
            [3., 4.]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.tensor.html
    """
    if isinstance(data, Variable):
        warnings.warn(
            "To copy construct from a tensor, it is recommended to use sourceTensor.detach().clone() or "
            "sourceTensor.detach().clone().requires_grad_(True), rather than torch.tensor(sourceTensor).",
            UserWarning,
            stacklevel=2,
        )
    return finished(from_data(data, dtype, copy=True), device, requires_grad, pin_memory)


def as_tensor(data: Any, dtype: Any = None, device: Any = None) -> Tensor:
    """`data` as a tensor: itself, or a tensor of an ndarray's memory, where no conversion is needed; else a copy.

    >>> import rushlight as torch
    >>> torch.as_tensor([1, 2])
    tensor([1, 2])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.as_tensor.html
    """
    check_new(device)
    if isinstance(data, Variable):
        known: Any = data
        return known if dtype is None else to(known, as_dtype(dtype, "as_tensor"))
    if isinstance(data, np.ndarray):
        _warn_read_only(data)
    return plain(from_data(data, dtype, copy=False))


def asarray(
    obj: Any, *, dtype: Any = None, device: Any = None, copy: bool | None = None, requires_grad: bool | None = None
) -> Tensor:
    """`obj` as a tensor, sharing memory where it can; `copy=True` copies always, `copy=False` raises ValueError else.

    `obj` may be a tensor, an ndarray, a bytes-like object (elements of `dtype`, or the default type), an object that
    speaks DLPack, or numbers and nested sequences of them. A tensor that isn't copied keeps its history unless
    requires_grad says otherwise.

    >>> import rushlight as torch
    >>> torch.asarray(bytearray(b"ab"), dtype=torch.uint8)
    tensor([97, 98], dtype=torch.uint8)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.asarray.html
    """
    check_new(device)
    wanted = None if dtype is None else as_dtype(dtype, "asarray")
    if isinstance(obj, Variable):
        known: Any = obj
    elif isinstance(obj, (np.ndarray, np.generic)):
        known = wrap(checked_array(np.asarray(obj)))
    elif isinstance(obj, (bytes, bytearray, memoryview)):
        known = frombuffer(obj, dtype=wanted or dtypes.get_default_dtype())
    elif hasattr(obj, "__dlpack__"):
        from rushlight.ops.exchange import from_dlpack

        known = from_dlpack(obj)
    else:
        known = None
    converted = known is None or (wanted is not None and known.dtype is not wanted)
    if converted and copy is False:
        source = "arbitrary sequence" if known is None else f"tensor with dtype '{known.dtype.legacy_name}'"
        target = "a tensor" if known is None or wanted is None else f"dtype '{wanted.legacy_name}'"
        raise ValueError(f"can't alias {source} into {target}.")
    if converted:
        out = wrap(from_data(obj if known is None else known, wanted, copy=True))
    elif copy:
        out = clone(known) if requires_grad else clone(known.detach())
    else:
        out = known
        if requires_grad is None:
            if out.requires_grad:
                _warn_kept_history()
            return out
    if requires_grad and not out.requires_grad:
        out = out.requires_grad_()
    elif not requires_grad and out.requires_grad:
        out = out.detach()
    return out


def _warn_kept_history() -> None:
    warnings.warn(
        "torch.asarray: unspecified requires_grad now defaults to obj.requires_grad instead of False. Pass "
        "requires_grad=False explicitly to get the old behavior and silence this warning.",
        UserWarning,
        stacklevel=3,
    )


def _warn_read_only(array: Array) -> None:
    if not array.flags.writeable:
        warnings.warn(
            "The given NumPy array is not writable, and PyTorch does not support non-writable tensors. This means "
            "writing to this tensor will result in undefined behavior. You may want to copy the array to protect its "
            "data or make it writable before converting it to a tensor. This type of warning will be suppressed for "
            "the rest of this program.",
            UserWarning,
            stacklevel=3,
        )


def from_numpy(array: Array, /) -> Tensor:
    """A tensor of an ndarray's memory, shared with it. TypeError for anything else.

    >>> import numpy as np, rushlight as torch
    >>> a = np.zeros(2)
    >>> t = torch.from_numpy(a)
    >>> a[0] = 1
    >>> t
    tensor([1., 0.], dtype=torch.float64)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.from_numpy.html
    """
    if not isinstance(array, np.ndarray):
        raise TypeError(f"expected np.ndarray (got {type(array).__name__})")
    array = checked_array(array)
    _warn_read_only(array)
    return wrap(array)


def frombuffer(
    buffer: Any, *, dtype: dtypes.dtype, count: int = -1, offset: int = 0, requires_grad: bool = False
) -> Tensor:
    """A one-dimensional tensor over the memory of a bytes-like object, from byte `offset`, `count` elements or all.

    Nothing is copied: where the object can be written to, so can the tensor. Raises ValueError if the buffer's length
    does not fit the dtype, or holds fewer elements than `count`.

    >>> import rushlight as torch
    >>> torch.frombuffer(bytearray([1, 0, 2, 0]), dtype=torch.int16)
    tensor([1, 2], dtype=torch.int16)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.frombuffer.html
    """
    try:
        data = memoryview(buffer).cast("B")
    except TypeError:
        raise ValueError(
            "object does not implement Python buffer protocol: expected a bytes-like object, got "
            f"{type(buffer).__name__}"
        ) from None
    size = dtype.itemsize
    if not len(data) or not count:
        raise ValueError(f"both buffer length ({len(data)}) and count ({count}) must not be 0")
    if not 0 <= offset < len(data):
        raise ValueError(
            f"offset ({offset} bytes) must be non-negative and no greater than buffer length ({len(data)} bytes) "
            "minus 1"
        )
    if count < 0:
        if (len(data) - offset) % size:
            raise ValueError(
                f"buffer length ({len(data) - offset} bytes) after offset ({offset} bytes) must be a multiple of "
                f"element size ({size})"
            )
        count = (len(data) - offset) // size
    if count * size > len(data) - offset:
        raise ValueError(
            f"requested buffer length ({count} * {size} bytes) after offset ({offset} bytes) must not be greater than "
            f"actual buffer length ({len(data)} bytes)"
        )
    if data.readonly:
        warnings.warn(
            "The given buffer is not writable, and PyTorch does not support non-writable tensors. This means you can "
            "write to the underlying (supposedly non-writable) buffer using the tensor. You may want to copy the "
            "buffer to protect its data or make it writable before converting it to a tensor.",
            UserWarning,
            stacklevel=2,
        )
    flat = np.frombuffer(data, np.uint8, count * size, offset).view(dtype.numpy_dtype)
    return finished(flat, cpu, requires_grad, False)


def finished(array: Array, device: Any, requires_grad: bool, pin_memory: bool) -> Tensor:
    """A new tensor of an array, once the arguments that all creation functions take are checked."""
    check_new(device)
    if pin_memory:
        raise RuntimeError(
            "pin_memory=True requires a CUDA or other accelerator backend; no pinned memory allocator is available "
            "on this system."
        )
    out = wrap(array)
    if state.inference:
        out._inference = True
    if requires_grad:
        if array.dtype.kind not in "fcVW":
            raise RuntimeError("Only Tensors of floating point and complex dtype can require gradients")
        out._requires_grad = True
    return out


def filled(
    function: str, fill: Callable[..., Array], given: tuple[Any, ...], *, out: Tensor | None = None, dtype: Any = None,
    layout: Any = None, device: Any = None, requires_grad: bool = False, pin_memory: bool = False,
    memory_format: memory_format = contiguous_format, **named: Any,
) -> Tensor:  # fmt: skip
    if named:
        if set(named) != {"size"} or given:
            raise TypeError(f"{function}() got an unexpected keyword argument '{next(iter(named))}'")
        given = (named["size"],)
    shape = given if len(given) > 1 and given[0].__class__ is int else sizes(given, function)
    if out is not None and not isinstance(out, Variable):
        raise TypeError(f"{function}(): argument 'out' must be Tensor, not {type(out).__name__}")
    if dtype is None:
        kind = dtypes.get_default_dtype().numpy_dtype if out is None else out._array.dtype
    else:
        wanted = as_dtype(dtype, function)
        kind = wanted.numpy_dtype
        if out is not None:
            check_type_of_out(out, wanted)
    try:
        array = fill(shape, kind)
    except (TypeError, ValueError):
        array = _fill_checked(fill, checked_shape(sizes((shape,), function)), kind)
    if memory_format is not contiguous_format:
        array = in_format(array, memory_format)
    if out is not None:
        written = write_out(out, array)
        return written.requires_grad_() if requires_grad else written
    return finished(array, device, requires_grad, pin_memory)


def _fill_checked(fill: Callable[..., Array], shape: Shape, kind: np.dtype[Any]) -> Array:
    try:
        return fill(shape, kind)
    except ValueError:
        raise RuntimeError(f"Storage size calculation overflowed with sizes=[{', '.join(map(str, shape))}]") from None


def checked_shape(shape: Shape) -> Shape:
    """The shape; RuntimeError if a length is negative."""
    for length in shape:
        if length < 0:
            raise RuntimeError(f"Trying to create tensor with negative dimension {length}: {shape_text(shape)}")
    return shape


def in_format(array: Array, format_: memory_format) -> Array:
    """A fresh array with its memory in another order, elements not kept in place."""
    if format_ is preserve_format or format_ is contiguous_format:
        return array
    order = channel_order(format_, array.ndim)
    return array.reshape([array.shape[i] for i in order]).transpose(np.argsort(order))


def _quickly_filled(fill: Callable[..., Array], size: tuple[Any, ...]) -> Tensor | None:
    """A new tensor where nothing but a shape is given, and NumPy takes it; else None."""
    shape = size[0] if len(size) == 1 and (size[0].__class__ is tuple or size[0].__class__ is Size) else size
    try:
        if shape and shape[0].__class__ is int and chosen.default is None and not chosen.stack:
            return plain(fill(shape, dtypes.get_default_dtype().numpy_dtype))
    except (TypeError, ValueError):
        pass
    return None


def zeros(*size: Any, **options: Any) -> Tensor:
    """A tensor of zeros, of the default dtype unless `dtype=` says otherwise.

    Options: `out`, `dtype`, `layout`, `device`, `requires_grad`, `pin_memory`. RuntimeError for a negative length.

    >>> import rushlight as torch
    >>> torch.zeros(2, 3)
    tensor([[0., 0., 0.],
            [0., 0., 0.]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.zeros.html
    """
    made = None if options else _quickly_filled(np.zeros, size)
    return filled("zeros", np.zeros, size, **options) if made is None else made


def _ones(shape: Shape, kind: np.dtype[Any]) -> Array:
    out = np.empty(shape, kind)
    out.fill(1)
    return out


def ones(*size: Any, **options: Any) -> Tensor:
    """A tensor of ones of the given shape, numbers or a sequence; options as for `zeros`.

    Raises RuntimeError for a negative length.

    >>> import rushlight as torch
    >>> torch.ones(2, 3)
    tensor([[1., 1., 1.],
            [1., 1., 1.]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.ones.html
    """
    made = None if options else _quickly_filled(_ones, size)
    return filled("ones", _ones, size, **options) if made is None else made


def empty(*size: Any, **options: Any) -> Tensor:
    """A tensor of the given shape whose elements are whatever was in memory; options as for `zeros`, and
    `memory_format`.

    Raises RuntimeError for a negative length.

    >>> import rushlight as torch
    >>> torch.empty(2, 3, dtype=torch.int64).shape
    torch.Size([2, 3])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.empty.html
    """
    made = None if options else _quickly_filled(np.empty, size)
    return filled("empty", np.empty, size, **options) if made is None else made


def _made_full(size: Any, kind: np.dtype[Any], value: Any) -> Array | None:
    try:
        array = np.empty(size, kind)
    except (TypeError, ValueError):
        return None
    array.fill(value if kind.kind == "f" else int(value))
    return array


def full(size: Sequence[int], fill_value: Any, *, dtype: Any = None, **options: Any) -> Tensor:
    """A tensor filled with a number, of the number's dtype unless `dtype=` says otherwise; options as for `zeros`.

    >>> import rushlight as torch
    >>> torch.full((2,), 7)
    tensor([7, 7])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.full.html
    """
    if isinstance(size, int):
        raise TypeError(f"full(): argument 'size' (position 1) must be tuple of ints, not {type(size).__name__}")
    kind = fill_value.__class__
    if (kind is float or kind is int) and -65504 <= fill_value <= 65504 and not options:
        check_new(None)
        wanted = dtype or (dtypes.get_default_dtype() if kind is float else dtypes.int64)
        if wanted.__class__ is dtypes.dtype and wanted.numpy_dtype.char in "fdl":
            array = _made_full(size, wanted.numpy_dtype, fill_value)
            if array is not None:
                return plain(array)
    value = fill_number(fill_value, "full")
    if dtype is None and options.get("out") is None:
        kind = fill_value.dtype if isinstance(fill_value, Variable) else number_dtype(value)
    else:
        kind = as_dtype(dtype, "full") if dtype is not None else options["out"].dtype
    return filled("full", lambda shape, _: np.full(shape, fill_array(value, kind)), (size,), dtype=kind, **options)


def like_filled(
    input: Tensor, make: Callable[..., Array], dtype: Any, device: Any, requires_grad: bool, pin_memory: bool,
    format_: memory_format, fill: Callable[..., Array] | None = None,
) -> Tensor:  # fmt: skip
    if input._level is not None:

        def of_part(one: Tensor) -> Tensor:
            return like_filled(one, make, dtype, device, requires_grad, pin_memory, format_, fill)

        if input._level.keeps_parts:
            return input.likened(of_part, fill)  # type: ignore[attr-defined]
        return input.likened(of_part)  # type: ignore[attr-defined]
    array = input._array
    asked = dtype is not None or device is not None or requires_grad or pin_memory or format_ is not preserve_format
    if not asked and fill is not None and array.flags.c_contiguous and not array.dtype.names:
        return plain(fill(array.shape, array.dtype))
    kind = array.dtype if dtype is None else as_dtype(dtype).numpy_dtype
    if kind.names and fill is not np.empty:
        refuse("fill_")
    if format_ is preserve_format and array.flags.c_contiguous and fill is not None:
        out = fill(array.shape, kind)
    elif format_ is preserve_format:
        out = make(array, dtype=kind, order="C" if 0 in array.strides else "K")
    else:
        out = in_format(make(array, dtype=kind, order="C"), format_)
    return finished(out, device or cpu, requires_grad, pin_memory)


def zeros_like(
    input: Tensor, *, dtype: Any = None, layout: Any = None, device: Any = None, requires_grad: bool = False,
    pin_memory: bool = False, memory_format: memory_format = preserve_format,
) -> Tensor:  # fmt: skip
    """A tensor of zeros like `input`: its shape, and its dtype unless another is given.

    With `memory_format` left as it is, the dimensions lie in memory in the order that they have in `input`.

    >>> import rushlight as torch
    >>> torch.zeros_like(torch.tensor([5, 6]))
    tensor([0, 0])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.zeros_like.html
    """
    check_tensor("zeros_like", "input", 1, input)
    if layout is not None and layout is not input.layout:
        out = zeros(input.shape, dtype=input.dtype if dtype is None else dtype, requires_grad=requires_grad)
        return out if layout is strided else out.to_sparse(layout=layout)
    return like_filled(input, np.zeros_like, dtype, device, requires_grad, pin_memory, memory_format, np.zeros)


def ones_like(
    input: Tensor, *, dtype: Any = None, layout: Any = None, device: Any = None, requires_grad: bool = False,
    pin_memory: bool = False, memory_format: memory_format = preserve_format,
) -> Tensor:  # fmt: skip
    """A tensor of ones like `input`: its shape, and its dtype unless another is given.

    With `memory_format` left as it is, the dimensions lie in memory in the order that they have in `input`.

    >>> import rushlight as torch
    >>> torch.ones_like(torch.tensor([5, 6]))
    tensor([1, 1])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.ones_like.html
    """
    check_tensor("ones_like", "input", 1, input)
    return like_filled(input, np.ones_like, dtype, device, requires_grad, pin_memory, memory_format, _ones)


def empty_like(
    input: Tensor, *, dtype: Any = None, layout: Any = None, device: Any = None, requires_grad: bool = False,
    pin_memory: bool = False, memory_format: memory_format = preserve_format,
) -> Tensor:  # fmt: skip
    """A tensor like `input` whose elements are whatever was in memory: its shape, its dtype unless another is given.

    With `memory_format` left as it is, the dimensions lie in memory in the order that they have in `input`.

    >>> import rushlight as torch
    >>> torch.empty_like(torch.ones(2, 3)).shape
    torch.Size([2, 3])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.empty_like.html
    """
    check_tensor("empty_like", "input", 1, input)
    return like_filled(input, np.empty_like, dtype, device, requires_grad, pin_memory, memory_format, np.empty)


def full_like(
    input: Tensor, fill_value: Any, *, dtype: Any = None, layout: Any = None, device: Any = None,
    requires_grad: bool = False, pin_memory: bool = False, memory_format: memory_format = preserve_format,
) -> Tensor:  # fmt: skip
    """A tensor like `input` with one number throughout: its shape, and its dtype unless another is given.

    With `memory_format` left as it is, the dimensions lie in memory in the order that they have in `input`.

    >>> import rushlight as torch
    >>> torch.full_like(torch.ones(2), 7)
    tensor([7., 7.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.full_like.html
    """
    check_tensor("full_like", "input", 1, input)
    kind, array = fill_value.__class__, input._array
    if dtype is None and (kind is float or kind is int) and -65504 <= fill_value <= 65504 and input._level is None:
        numbers = array.dtype.char in ("fd" if kind is float else "fdl")
        if numbers and array.flags.c_contiguous and memory_format is preserve_format:
            made = _made_full(array.shape, array.dtype, fill_value)
            if made is not None:
                return finished(made, device or cpu, requires_grad, pin_memory)
    value = fill_array(fill_number(fill_value, "full_like"), input.dtype if dtype is None else as_dtype(dtype))

    def make(array: Array, **named: Any) -> Array:
        return np.full_like(array, value, **named)

    return like_filled(input, make, dtype, device, requires_grad, pin_memory, memory_format)


def scalar_tensor(
    s: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False, **options: Any
) -> Tensor:
    """A number as a tensor without dimensions, `()`, of the default dtype unless another is given, also for an integer.

    >>> import rushlight as torch
    >>> torch.scalar_tensor(3)
    tensor(3.)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.tensor.html
    """
    kind = dtypes.get_default_dtype() if dtype is None else as_dtype(dtype)
    if not isinstance(s, (bool, int, float, complex, np.generic, Variable)):
        raise TypeError(f"scalar_tensor(): argument 's' (position 1) must be Number, not {type(s).__name__}")
    return finished(number_array(s, kind), device, requires_grad, bool(options.get("pin_memory")))


def empty_strided(size: Sequence[int], stride: Sequence[int], *, dtype: Any = None, **options: Any) -> Tensor:
    """Whatever was in memory, with a shape and strides (in elements) of one's own.

    Raises RuntimeError for a different number of strides and for negative ones.

    >>> import rushlight as torch
    >>> torch.empty_strided((2, 3), (1, 2)).stride()
    (1, 2)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.empty_strided.html
    """
    shape = checked_shape(tuple(size))
    if len(shape) != len(stride):
        raise RuntimeError(f"mismatch in length of strides and shape: {len(stride)} strides, {len(shape)} dimensions")
    if any(step < 0 for step in stride):
        raise RuntimeError(f"Storage size calculation overflowed with sizes={list(shape)} and strides={list(stride)}")
    kind = (dtypes.get_default_dtype() if dtype is None else as_dtype(dtype)).numpy_dtype
    count = 1 + sum((length - 1) * step for length, step in zip(shape, stride, strict=True)) if 0 not in shape else 0
    buffer = _fill_checked(np.empty, (count,), kind)
    array = np.lib.stride_tricks.as_strided(buffer, shape, [step * kind.itemsize for step in stride])
    return finished(array, options.get("device"), options.get("requires_grad", False), options.get("pin_memory", False))


def empty_permuted(size: Sequence[int], physical_layout: Sequence[int], *, dtype: Any = None, **options: Any) -> Tensor:
    """Whatever was in memory, in the shape `size`, with its dimensions in memory in the order `physical_layout`.

    Raises RuntimeError for a `physical_layout` that is no permutation of the dimensions.

    >>> import rushlight as torch
    >>> torch.empty_permuted((2, 3), (1, 0)).stride()
    (1, 2)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.empty_permuted.html
    """
    if sorted(physical_layout) != list(range(len(size))):
        raise RuntimeError(
            f"empty_permuted: expected each dimension of {tuple(size)} once, got order {tuple(physical_layout)}"
        )
    kind = (dtypes.get_default_dtype() if dtype is None else as_dtype(dtype)).numpy_dtype
    array = np.empty([size[i] for i in physical_layout], kind).transpose(np.argsort(physical_layout))
    return finished(array, options.get("device"), options.get("requires_grad", False), options.get("pin_memory", False))
