"""What pooling accepts: settings spread to one number per dimension, shapes and types checked in PyTorch's words."""

from __future__ import annotations

import math
import operator
from functools import lru_cache
from typing import Any

from rushlight.autograd.variable import Variable
from rushlight.dtypes import from_numpy_dtype
from rushlight.kernels.reference.windows import pool_size

__all__ = ["adaptive_sizes", "check_type", "window"]

Ints = tuple[int, ...]

_MOST = 2**30  # outputs of a plane
_WORDS = {2: "two", 3: "three"}
_LETTERS = {1: "W", 2: "HW", 3: "THW"}


def _array(function: str, input: Any) -> Any:
    if not isinstance(input, Variable):
        raise TypeError(f"{function}(): argument 'input' (position 1) must be Tensor, not {type(input).__name__}")
    return input._array


def check_type(kernel: str, input: Any, kinds: str) -> None:
    """NotImplementedError, as PyTorch's kernel `kernel` raises it, unless the array's kind is one of `kinds`."""
    dtype = input._array.dtype
    if dtype.kind not in kinds:
        raise NotImplementedError(f"\"{kernel}\" not implemented for '{from_numpy_dtype(dtype).legacy_name}'")


def _numbers(family: str, rank: int, name: str, value: Any) -> Ints:
    """One number for each dimension, as the caller's int or sequence says."""
    function = f"{family}{rank}d"
    try:
        numbers = (operator.index(value),) if hasattr(value, "__index__") else tuple(map(operator.index, value))
    except TypeError:
        raise TypeError(f"{function}(): argument '{name}' must be tuple of ints, not {type(value).__name__}") from None
    if len(numbers) == 1:
        return numbers * rank
    if len(numbers) == rank:
        return numbers
    if rank > 1:
        instead = "either be omitted, a single int," if name == "stride" else "either be a single int,"
        raise RuntimeError(f"{function}: {name} must {instead} or a tuple of {_WORDS[rank]} ints")
    if family == "avg_pool":
        raise RuntimeError(f"avg_pool1d() argument '{name}' should contain one int (got {len(numbers)})")
    kinds = "None, an int, list of ints, or" if name == "stride" else "an int, list of ints or"
    raise RuntimeError(f"max_pool1d() {name} must be {kinds} tuple of ints of size 1 but got size {len(numbers)}")


def _named(prefix: str, rank: int, numbers: Ints) -> str:
    return " ".join(f"{prefix}{letter}: {number}" for letter, number in zip(_LETTERS[rank], numbers, strict=True))


def _check_numbers(family: str, rank: int, kernel: Ints, stride: Ints, padding: Ints, dilation: Ints) -> None:
    if family == "max_pool" and rank == 1:
        for name, values in (("kernel_size", kernel), ("stride", stride), ("dilation", dilation)):
            if values[0] <= 0:
                raise RuntimeError(f"max_pool1d() {name} must be greater than zero, but got {values[0]}")
        if padding[0] < 0:
            raise RuntimeError(f"max_pool1d() padding must be non-negative, but got {padding[0]}")
        if padding[0] > kernel[0] // 2:
            raise RuntimeError(
                f"max_pool1d() padding should be at most half of kernel size, but got padding={padding[0]} and "
                f"kernel_size={kernel[0]}"
            )
        return
    if 0 in stride:
        raise RuntimeError("stride should not be zero")
    if min(stride) < 0:
        raise RuntimeError(f"stride should be greater than zero, but got {_named('d', rank, stride)}")
    if min(kernel) <= 0:
        raise RuntimeError(f"kernel size should be greater than zero, but got {_named('k', rank, kernel)}")
    if min(dilation) <= 0:
        raise RuntimeError(f"dilation should be greater than zero, but got {_named('dilation', rank, dilation)}")
    for pad, size, spread in zip(padding, kernel, dilation, strict=True):
        if pad < 0:
            raise RuntimeError(f"pad must be non-negative, but got pad: {pad}")
        if pad > ((size - 1) * spread + 1) // 2:
            raise RuntimeError(
                f"pad should be at most half of effective kernel size, but got pad={pad}, "
                f"kernel_size={size} and dilation={spread}"
            )


def _check_shape(family: str, rank: int, shape: Ints) -> None:
    """(N, C, *size) or (C, *size), nothing empty but the batch."""
    if len(shape) in (rank + 1, rank + 2) and 0 not in shape[-rank - 1 :]:
        return
    if rank == 1 and family == "avg_pool" and len(shape) not in (2, 3):
        raise RuntimeError(
            f"Expected 2 to 3 dimensions, but got {len(shape)}-dimensional tensor for argument #1 'self' "
            "(while checking arguments for avg_pool1d)"
        )
    if family == "avg_pool" and len(shape) <= rank == 2:
        least = max(len(shape), 1)
        raise IndexError(f"Dimension out of range (expected to be in range of [{-least}, {least - 1}], but got -3)")
    if len(shape) not in (rank + 1, rank + 2) and rank > 1:
        raise RuntimeError(f"non-empty {rank + 1}D or {rank + 2}D (batch mode) tensor expected for input")
    where = "max_pool1d: " if rank == 1 else ""
    raise RuntimeError(
        f"{where}Expected {rank + 1}D or {rank + 2}D (batch mode) tensor with optional 0 dim batch size for input, "
        f"but got:{list(shape)}"
    )


def _check_outputs(family: str, rank: int, shape: Ints, outputs: Ints) -> None:
    if min(outputs) >= 1:
        return
    if family == "max_pool" and rank == 1:
        raise RuntimeError(f"max_pool1d() Invalid computed output size: {outputs[0]}")
    channels, sizes = shape[-rank - 1], shape[-rank:]
    before = (channels, 1) if rank == 1 else (channels,)
    given, found = ("x".join(map(str, before + part)) for part in (sizes, outputs))
    raise RuntimeError(f"Given input size: ({given}). Calculated output size: ({found}). Output size is too small")


@lru_cache(maxsize=4096)
def _window(
    family: str, rank: int, shape: Ints, kernel_size: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: bool
) -> tuple[Ints, ...]:
    kernel = _numbers(family, rank, "kernel_size", kernel_size)
    strides = kernel if stride is None or stride == () else _numbers(family, rank, "stride", stride)
    paddings = _numbers(family, rank, "padding", padding)
    dilations = _numbers(family, rank, "dilation", dilation)
    _check_numbers(family, rank, kernel, strides, paddings, dilations)
    _check_shape(family, rank, shape)
    outputs = tuple(
        pool_size(n, k, s, p, d, ceil_mode)
        for n, k, s, p, d in zip(shape[-rank:], kernel, strides, paddings, dilations, strict=True)
    )
    _check_outputs(family, rank, shape, outputs)
    if family == "avg_pool" and rank == 3 and any(n < k for n, k in zip(shape[-3:], kernel, strict=True)):
        raise RuntimeError(
            f"input image ({_named('', 3, shape[-3:])}) smaller than kernel size ({_named('k', 3, kernel)})"
        )
    return outputs, kernel, strides, paddings, dilations


def window(
    family: str,
    rank: int,
    input: Any,
    kernel_size: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
    ceil_mode: bool,
    with_indices: bool = False,
) -> tuple[Ints, ...]:
    """(outputs, kernel, stride, padding, dilation) of a pooling call, checked."""
    array = _array(f"{family}{rank}d", input)
    try:
        settings = _window(family, rank, array.shape, kernel_size, stride, padding, dilation, bool(ceil_mode))
    except TypeError:  # a list, most likely, which can't be a cache key
        numbers = (tuple(n) if isinstance(n, list) else n for n in (kernel_size, stride, padding, dilation))
        settings = _window(family, rank, array.shape, *numbers, bool(ceil_mode))
    if array.dtype.kind not in "fV":
        if family == "avg_pool":
            check_type(f"avg_pool{max(rank, 2)}d", input, "i" if array.dtype.itemsize == 8 else "")
        else:
            # With indices PyTorch pools one dimension as two.
            alone = rank == 1 and not with_indices
            check_type("max_pool1d_impl" if alone else f"max_pool{max(rank, 2)}d", input, "" if alone else "iu")
    return settings


def adaptive_sizes(family: str, rank: int, input: Any, output_size: Any) -> Ints:
    """The output sizes of an adaptive pooling call, checked; None stands for the input's size."""
    function = f"{family}{rank}d"
    shape = _array(function, input).shape
    if output_size == 1 and output_size.__class__ is int and len(shape) == rank + 2 and 0 not in shape:
        return (1,) * rank  # the usual call, for which the questions below cost more than the kernel
    if rank > 1 and not hasattr(output_size, "__index__") and len(shape) <= len(output_size):
        raise ValueError(f"Input dimension should be at least {len(output_size) + 1}")
    if len(shape) not in (rank + 1, rank + 2):
        if rank == 1:
            raise RuntimeError(
                f"Expected 2 to 3 dimensions, but got {len(shape)}-dimensional tensor for argument #1 'self' "
                f"(while checking arguments for {function})"
            )
        colon = ":" if family == "adaptive_max_pool" else ""
        raise RuntimeError(f"{function}(): Expected {rank + 1}D or {rank + 2}D tensor, but got{colon} {list(shape)}")
    if isinstance(output_size, str):
        raise TypeError(f"{function}(): argument 'output_size' (position 2) must be tuple of ints, not str")
    if output_size is None:
        raise TypeError(f"{function}(): argument 'output_size' (position 2) must be tuple of ints, not NoneType")
    given = (output_size,) * rank if hasattr(output_size, "__index__") else tuple(output_size)
    if rank == 1 and None in given:
        raise TypeError(
            f"{function}(): argument 'output_size' (position 2) must be tuple of ints, "
            "but found element of type NoneType at pos 0"
        )
    if len(given) != rank:
        if rank == 1:
            raise RuntimeError(f"{function}() argument 'output_size' should contain one int (got {len(given)})")
        wanted = (
            f"internal error: output_size.size() must be {rank}" if "max" in family else f"output_size must be {rank}"
        )
        raise RuntimeError(f"{function}{'(): ' if 'max' in family else ': '}{wanted}")
    sizes = shape[-rank:]
    try:
        outputs = tuple(n if o is None else operator.index(o) for o, n in zip(given, sizes, strict=True))
    except TypeError:
        raise TypeError(
            f"{function}(): argument 'output_size' (position 2) must be tuple of ints, not {output_size!r}"
        ) from None
    if min(outputs) < 0:
        raise RuntimeError(
            f"{function}: elements of output_size must be greater than or equal to 0 but received "
            f"{{{', '.join(map(str, outputs))}}}"
        )
    if math.prod(outputs) > _MOST:
        raise RuntimeError(f"{function}(): can't allocate memory for an output of shape {[*shape[:-rank], *outputs]}")
    # PyTorch looks at the channels, too, except for means of one and two dimensions.
    first = len(shape) - rank - (family == "adaptive_max_pool" or rank == 3)
    empty = [axis for axis in range(first, len(shape)) if shape[axis] == 0]
    # The mean of nothing is NaN.
    if empty and not (family == "adaptive_avg_pool" and set(outputs) == {1}):
        raise RuntimeError(
            f"{function}(): Expected input to have non-zero size for non-batch dimensions, but input has sizes "
            f"{list(shape)} with dimension {empty[0]} being empty"
        )
    return outputs
