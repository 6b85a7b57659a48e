"""Sequences and grids: `arange`, `linspace`, `logspace`, `eye`, `meshgrid`, index pairs, products and combinations.

The options `dtype`, `device` and `requires_grad` are those of every function that makes tensors.

Source: https://docs.pytorch.org/docs/2.13/torch.html#creation-ops
"""

from __future__ import annotations

import builtins
import functools
import itertools
import math
import operator
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import dtypes, kernels
from rushlight.autograd.grad_mode import state
from rushlight.autograd.operation import Operation
from rushlight.autograd.transforms import as_one
from rushlight.autograd.variable import Variable, wrap
from rushlight.device import check_new
from rushlight.ops._geometry import Array, shape_text
from rushlight.ops._numeric import check_tensor, not_implemented
from rushlight.ops._out import check_type_of_out, into, plain, write_out
from rushlight.ops.broadcast import expanded_view
from rushlight.ops.conversion import as_dtype
from rushlight.ops.creation import finished
from rushlight.ops.joining import stack
from rushlight.ops.shape import reshape

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

__all__ = [
    "arange", "cartesian_prod", "combinations", "complex", "eye", "linspace", "logspace", "meshgrid", "polar",
    "range", "tril_indices", "triu_indices", "unravel_index", "vander",
]  # fmt: skip


def _made(array: Array, out: Tensor | None, options: dict[str, Any]) -> Tensor:
    if out is None and not options:
        check_new(None)
        return plain(array)
    options.pop("layout", None)
    device, requires_grad = options.pop("device", None), options.pop("requires_grad", False)
    pin_memory = options.pop("pin_memory", False)
    if options:
        raise TypeError(f"got an unexpected keyword argument '{next(iter(options))}'")
    if out is not None:
        written = write_out(out, array)
        return written.requires_grad_() if requires_grad else written
    return finished(array, device, requires_grad, pin_memory)


def _number(value: Any) -> Any:
    if value.__class__ is int or value.__class__ is float:
        return value
    return value.item() if hasattr(value, "item") else value


def _kind(dtype: Any, out: Tensor | None, *ends: Any) -> dtypes.dtype:
    if dtype is not None:
        kind = as_dtype(dtype)
        if out is not None:
            check_type_of_out(out, kind)
        return kind
    if out is not None:
        if not isinstance(out, Variable):
            raise TypeError(f"argument 'out' must be Tensor, not {type(out).__name__}")
        return out.dtype
    default = dtypes.get_default_dtype()
    for end in ends:
        if isinstance(end, builtins.complex):
            return default.to_complex()
    return default


def arange(
    start: Any, end: Any = None, step: Any = 1, *, out: Tensor | None = None, dtype: Any = None, **options: Any
) -> Tensor:
    """`start + i * step` for all i that stay before `end`: (ceil((end - start) / step)).

    int64 where all three are ints, else the default dtype, unless `dtype=` says otherwise. RuntimeError if `step` is
    zero or leads away from `end`.

    >>> import rushlight as torch
    >>> torch.arange(1, 2.5, 0.5)
    tensor([1.0000, 1.5000, 2.0000])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.arange.html
    """
    if end is None:
        start, end = 0, start
    start, end, step = _number(start), _number(end), _number(step)
    whole = not any(isinstance(value, float) for value in (start, end, step))
    kind = dtypes.int64 if whole and dtype is None and out is None else _kind(dtype, out)
    if kind.category == dtypes.bool.category or kind.is_complex:
        raise NotImplementedError(f"\"arange_cpu\" not implemented for '{kind.legacy_name}'")
    if kind is dtypes.int64 and not whole and math.isfinite(start) and math.isfinite(end):
        # Of this type alone the fractions are cut off before the elements are counted.
        start, end, step, whole = int(start), int(end), int(step), True
        if step == 0:
            raise ValueError("step must be nonzero")
    _check_range(start, end, step)
    if whole:
        count = max(0, -((start - end) // step))
    else:
        count = math.ceil((end - start) / step)
    if kind.category == dtypes.int64.category:
        first, stride = int(start), int(step)
        array = np.arange(count, dtype=np.int64)
        if (first, stride) != (0, 1):
            array = first + array * stride
        array = array.astype(kind.numpy_dtype, copy=False)
    else:
        array = (np.arange(count, dtype=np.float64) * step + start).astype(kind.numpy_dtype)
    return _made(array, out, options)


def _check_range(start: Any, end: Any, step: Any) -> None:
    if step == 0:
        raise RuntimeError("step must be nonzero")
    if not (math.isfinite(start) and math.isfinite(end)):
        raise RuntimeError(f"unsupported range: {start} -> {end}")
    if (end < start) if step > 0 else (end > start):
        raise RuntimeError("upper bound and lower bound inconsistent with step sign")


def range(
    start: Any = 0, end: Any = None, step: Any = 1, *, out: Tensor | None = None, dtype: Any = None, **options: Any
) -> Tensor:
    """`arange` that includes its end, of the default dtype unless another is given; deprecated, as in PyTorch.

    Raises RuntimeError for a step of zero and for one that leads away from the end.

    >>> import rushlight as torch
    >>> import warnings
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")
    ...     torch.range(1, 4)
    tensor([1., 2., 3., 4.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.range.html
    """
    warnings.warn(
        "torch.range is deprecated and will be removed in a future release because its behavior is inconsistent with "
        "Python's range builtin. Instead, use torch.arange, which produces values in [start, end).",
        UserWarning,
        stacklevel=2,
    )
    if end is None:
        start, end = 0, start
    _check_range(start, end, step)
    count = math.floor((end - start) / step) + 1
    array = (np.arange(count, dtype=np.float64) * step + start).astype(_kind(dtype, out).numpy_dtype)
    return _made(array, out, options)


_F32, _F64 = np.dtype(np.float32), np.dtype(np.float64)


def _between(start: Any, end: Any, steps: int, kind: np.dtype[Any]) -> Array:
    """`steps` values from start to end in a type's own arithmetic, the second half counted from the end."""
    if kind is _F32 or kind is _F64:
        return kernels.spaced(start, end, steps, kind is _F64)
    if steps == 1:
        return np.full(1, start).astype(kind)
    if kind.kind in "iub":
        values = kernels.spaced(int(start), int(end), steps, True)
        return (np.trunc(values) if kind.kind in "iu" else values).astype(kind)
    low, high = kind.type(start), kind.type(end)
    step = (high - low) / kind.type(steps - 1) if steps > 1 else kind.type(0)
    half = steps // 2
    place = np.arange(steps)
    place[half:] -= steps - 1
    values = place.astype(kind) * kind.type(step)
    values[:half] += low
    values[half:] += high
    return values


_PLAIN = (int, float)


def _checked_ends(function: str, start: Any, end: Any, steps: Any) -> tuple[Any, Any, int]:
    """The ends as numbers and the number of steps; TypeError or RuntimeError for what is none."""
    if start.__class__ in _PLAIN and end.__class__ in _PLAIN and steps.__class__ is int and steps >= 0:
        return start, end, steps
    if steps.__class__ is bool or not hasattr(steps, "__index__"):
        kinds = ", ".join(type(value).__name__ for value in (start, end, steps))
        raise TypeError(
            f"{function}() received an invalid combination of arguments - got ({kinds}), but expected two numbers or "
            "tensors and an int"
        )
    if isinstance(start, Variable) or isinstance(end, Variable):
        dims = [end_.ndim if isinstance(end_, Variable) else 0 for end_ in (start, end)]
        if any(dims):
            raise RuntimeError(
                f"{function} only supports 0-dimensional start and end tensors, but got start with {dims[0]} "
                f"dimension(s) and end with {dims[1]} dimension(s)."
            )
    count = operator.index(steps)
    if count < 0:
        raise RuntimeError("number of steps must be non-negative")
    return _number(start), _number(end), count


@as_one
def linspace(
    start: Any, end: Any, steps: Any = None, *, out: Tensor | None = None, dtype: Any = None, **options: Any
) -> Tensor:
    """`steps` values at equal distances from `start` to `end`, both included.

    RuntimeError for a negative number of steps.

    >>> import rushlight as torch
    >>> torch.linspace(0, 1, 5)
    tensor([0.0000, 0.2500, 0.5000, 0.7500, 1.0000])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.linspace.html
    """
    start, end, count = _checked_ends("linspace", start, end, steps)
    return _made(_between(start, end, count, _kind(dtype, out, start, end).numpy_dtype), out, options)


@as_one
def logspace(
    start: Any,
    end: Any,
    steps: Any = None,
    base: float = 10.0,
    *,
    out: Tensor | None = None,
    dtype: Any = None,
    **options: Any,
) -> Tensor:
    """`base` to the power of each of `linspace(start, end, steps)`: a vector `(steps,)` of the default dtype.

    Raises RuntimeError for negative `steps`.

    >>> import rushlight as torch
    >>> torch.logspace(0, 2, 3)
    tensor([  1.,  10., 100.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.logspace.html
    """
    start, end, count = _checked_ends("logspace", start, end, steps)
    kind = _kind(dtype, out, start, end).numpy_dtype
    work = kind if kind.kind == "c" else np.dtype(np.float64)
    if kind.kind in "iu":
        start, end = int(start), int(end)
    powers = np.power(work.type(base), _between(start, end, count, work))
    return _made(powers.astype(kind, copy=False), out, options)


def eye(n: int, m: int | None = None, *, out: Tensor | None = None, dtype: Any = None, **options: Any) -> Tensor:
    """Ones on the main diagonal of an `(n, m)` matrix, zeros elsewhere; `m` is `n` where it is left out.

    Raises RuntimeError for negative lengths.

    >>> import rushlight as torch
    >>> torch.eye(2)
    tensor([[1., 0.],
            [0., 1.]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.eye.html
    """
    for name, size in (("n", n), ("m", m)):
        if size is not None and size < 0:
            raise RuntimeError(f"{name} must be greater or equal to 0, got {size}")
    columns = n if m is None else m
    array = np.zeros((n, columns), _kind(dtype, out).numpy_dtype)
    array.reshape(-1)[: min(n, columns) * columns : columns + 1] = 1
    return _made(array, out, options)


class Complex(Operation):
    """Complex numbers from their parts."""

    node_name = "ComplexBackward0"

    @staticmethod
    def forward(ctx: Any, real: Tensor, imag: Tensor) -> Array:
        a, b = np.broadcast_arrays(real._array, imag._array)
        ctx.shapes = real._array.shape, imag._array.shape
        kind = dtypes.from_numpy_dtype(a.dtype)
        out = np.empty((*a.shape, 2), a.dtype)
        out[..., 0], out[..., 1] = a, b
        return out.view(kind.to_complex().numpy_dtype)[..., 0]

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        from rushlight.ops.write import to_shape

        return to_shape(grad.real, ctx.shapes[0]), to_shape(grad.imag, ctx.shapes[1])


class Polar(Operation):
    """Complex numbers from their length and angle."""

    node_name = "PolarBackward0"

    @staticmethod
    def forward(ctx: Any, abs: Tensor, angle: Tensor) -> Array:
        ctx.save_for_backward(abs, angle)
        length, turn = np.broadcast_arrays(abs._array, angle._array)
        out = np.empty(length.shape, np.complex128 if length.dtype == np.float64 else np.complex64)
        out.real, out.imag = length * np.cos(turn), length * np.sin(turn)
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        from rushlight.ops.write import to_shape

        abs, angle = ctx.saved_tensors
        cos, sin = angle.cos(), angle.sin()
        along = grad.real * cos + grad.imag * sin
        across = (grad.imag * cos - grad.real * sin) * abs
        return to_shape(along, abs._array.shape), to_shape(across, angle._array.shape)


def complex(real: Tensor, imag: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Complex numbers `real + imag * i` from their parts; shapes broadcast, float32 gives complex64, float64
    complex128.

    Raises RuntimeError for other dtypes than floats and for two that differ.

    >>> import rushlight as torch
    >>> torch.complex(torch.tensor([1.0]), torch.tensor([2.0]))
    tensor([1.+2.j])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.complex.html
    """
    check_tensor("complex", "real", 1, real)
    check_tensor("complex", "imag", 2, imag)
    _check_parts(real, imag)
    return _complex_into(out, Complex.apply(real, imag))


def _check_parts(first: Tensor, second: Tensor) -> None:
    """RuntimeError unless two tensors have one and the same type, that parts of complex numbers can have."""
    names = first.dtype.legacy_name, second.dtype.legacy_name
    if not (first.dtype in _PARTS and second.dtype in _PARTS):
        raise RuntimeError(
            f"Expected both inputs to be Half, Float or Double tensors but got {names[0]} and {names[1]}"
        )
    if first.dtype is not second.dtype:
        raise RuntimeError(
            f"Expected object of scalar type {names[0]} but got scalar type {names[1]} for second argument"
        )


_PARTS = (dtypes.float16, dtypes.float32, dtypes.float64)


def _complex_into(out: Tensor | None, result: Any) -> Any:
    if out is not None and out.dtype is not result.dtype:
        raise RuntimeError(
            f"Expected object of scalar type {result.dtype.legacy_name} but got scalar type {out.dtype.legacy_name} "
            "for argument 'out'"
        )
    return into(out, result)


def polar(abs: Tensor, angle: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Complex numbers `abs * (cos angle + i sin angle)` from length and angle; shapes broadcast.

    Raises RuntimeError for other dtypes than float32 and float64 and for two that differ.

    >>> import rushlight as torch
    >>> torch.polar(torch.tensor([2.0]), torch.tensor([0.0]))
    tensor([2.+0.j])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.polar.html
    """
    if state.casts is not None and out is None:
        return state.casts.float32(polar, abs, angle)
    check_tensor("polar", "abs", 1, abs)
    check_tensor("polar", "angle", 2, angle)
    _check_parts(abs, angle)
    if abs.dtype is dtypes.float16:
        raise not_implemented("polar_cpu", abs._array.dtype)
    return _complex_into(out, Polar.apply(abs, angle))


def meshgrid(*tensors: Any, indexing: str | None = None) -> tuple[Tensor, ...]:
    """Views of vectors as grids of all their combinations: for lengths m and n, two of shape `(m, n)`.

    `indexing` is "ij", the order of matrices, or "xy", where the first two dimensions are exchanged. Raises
    RuntimeError for another and for tensors of more than one dimension.

    >>> import rushlight as torch
    >>> rows, columns = torch.meshgrid(torch.tensor([1, 2]), torch.tensor([3, 4]), indexing="ij")
    >>> rows
    tensor([[1, 1],
            [2, 2]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.meshgrid.html
    """
    if len(tensors) == 1 and isinstance(tensors[0], (list, tuple)):
        tensors = tuple(tensors[0])
    if indexing is None:
        warnings.warn(
            "torch.meshgrid: in an upcoming release, it will be required to pass the indexing argument.",
            UserWarning,
            stacklevel=2,
        )
        indexing = "ij"
    if indexing not in ("ij", "xy"):
        raise RuntimeError(f'torch.meshgrid: indexing must be one of "xy" or "ij", but received: {indexing}')
    if not tensors:
        raise RuntimeError("meshgrid expects a non-empty TensorList")
    for tensor in tensors:
        check_tensor("meshgrid", "tensors", 1, tensor)
        if tensor._array.ndim > 1:
            raise RuntimeError(
                "torch.meshgrid: Expected 0D or 1D tensor in the tensor list but got one of shape "
                f"{shape_text(tensor._array.shape)}"
            )
    swap = indexing == "xy" and len(tensors) > 1
    if swap:
        tensors = (tensors[1], tensors[0], *tensors[2:])
    shape = tuple([tensor._array.size for tensor in tensors])
    grids = []
    for i, tensor in enumerate(tensors):
        line = reshape(tensor, tuple([n if j == i else 1 for j, n in enumerate(shape)]) if shape[i] else shape)
        grids.append(expanded_view(line, shape))
    if swap:
        grids = [grids[1], grids[0], *grids[2:]]
    return tuple(grids)


def _check_matrix(row: int, col: int) -> None:
    for name, length in (("row", row), ("col", col)):
        if length < 0:
            raise RuntimeError(f"{name} must be non-negative, got {length}")


# As many elements of a matrix as the places of its triangles are kept for.
_SMALL = 1024


def _places_in_triangle(keeps: Any, rows: int, columns: int, offset: int) -> Array:
    """The places, row by row, of the elements of a matrix that are on one side of a diagonal, in two rows."""
    return np.array(keeps.outer(np.arange(offset, rows + offset), np.arange(columns)).nonzero(), dtype=np.int64)


_places_in_small_triangle = functools.lru_cache(64)(_places_in_triangle)


def _triangle_indices(keeps: Any, row: int, col: int, offset: int, dtype: Any, options: dict[str, Any]) -> Tensor:
    _check_matrix(row, col)
    kind = dtypes.int64 if dtype is None else as_dtype(dtype)
    if row * col <= _SMALL:
        places = _places_in_small_triangle(keeps, row, col, offset).astype(kind.numpy_dtype)
    else:
        places = _places_in_triangle(keeps, row, col, offset).astype(kind.numpy_dtype, copy=False)
    return _made(places, None, options)


def tril_indices(row: int, col: int, offset: int = 0, *, dtype: Any = None, **options: Any) -> Tensor:
    """The rows and columns `(2, count)` of the elements that `tril` keeps of a `(row, col)` matrix, in int64.

    Raises RuntimeError for negative lengths.

    >>> import rushlight as torch
    >>> torch.tril_indices(2, 2)
    tensor([[0, 1, 1],
            [0, 0, 1]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.tril_indices.html
    """
    return _triangle_indices(np.greater_equal, row, col, offset, dtype, options)


def triu_indices(row: int, col: int, offset: int = 0, *, dtype: Any = None, **options: Any) -> Tensor:
    """The rows and columns `(2, count)` of the elements that `triu` keeps of a `(row, col)` matrix, in int64.

    Raises RuntimeError for negative lengths.

    >>> import rushlight as torch
    >>> torch.triu_indices(2, 2)
    tensor([[0, 0, 1],
            [0, 1, 1]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.triu_indices.html
    """
    return _triangle_indices(np.less_equal, row, col, offset, dtype, options)


def cartesian_prod(*tensors: Tensor) -> Tensor:
    """All combinations of elements of vectors, one a row: (product of lengths, number of vectors).

    Raises RuntimeError for tensors of more than one dimension.

    >>> import rushlight as torch
    >>> torch.cartesian_prod(torch.tensor([1, 2]), torch.tensor([3, 4]))
    tensor([[1, 3],
            [1, 4],
            [2, 3],
            [2, 4]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.cartesian_prod.html
    """
    for i, tensor in enumerate(tensors):
        check_tensor("cartesian_prod", "tensors", i + 1, tensor)
        if tensor._array.ndim != 1:
            raise RuntimeError(f"Expect a 1D vector, but got shape {shape_text(tensor._array.shape)}")
    if len(tensors) == 1:
        return tensors[0]
    return stack([grid.flatten() for grid in meshgrid(*tensors, indexing="ij")], dim=1)


def combinations(input: Tensor, r: int = 2, with_replacement: bool = False) -> Tensor:
    """All choices of `r` elements of a vector `(n,)`, one a row, in order: `(count, r)`, of any dtype.

    Raises RuntimeError for other numbers of dimensions and for a negative `r`.

    >>> import rushlight as torch
    >>> torch.combinations(torch.tensor([1, 2, 3]))
    tensor([[1, 2],
            [1, 3],
            [2, 3]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.combinations.html
    """
    check_tensor("combinations", "input", 1, input)
    if input._array.ndim != 1:
        raise RuntimeError(f"Expect a 1D vector, but got shape {shape_text(input._array.shape)}")
    if r < 0:
        raise RuntimeError(f"Expect a non-negative number, but got {r}")
    choose = itertools.combinations_with_replacement if with_replacement else itertools.combinations
    rows = list(choose(builtins.range(input._array.size), r))
    if r == 0:
        return wrap(np.empty(0, input._array.dtype))
    return input[wrap(np.array(rows, np.int64).reshape(len(rows), r))]


def vander(x: Tensor, N: int | None = None, increasing: bool = False) -> Tensor:
    """The powers of a vector's elements as columns, the highest first unless `increasing`: `(*, n)` gives `(*, n, N)`.

    `N` is n where it is left out. Raises RuntimeError for a negative one.

    >>> import rushlight as torch
    >>> torch.vander(torch.tensor([1, 2, 3]))
    tensor([[1, 1, 1],
            [4, 2, 1],
            [9, 3, 1]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.vander.html
    """
    check_tensor("vander", "x", 1, x)
    shape = x._array.shape
    if len(shape) != 1:
        raise RuntimeError("x must be a one-dimensional tensor.")
    count = shape[0] if N is None else N
    if count < 0:
        raise RuntimeError("N must be non-negative.")
    if count == 0:
        return wrap(np.empty((shape[0], 0), x._array.dtype))
    columns: list[Any] = [wrap(np.ones(shape, x._array.dtype))]
    for _ in builtins.range(count - 1):
        columns.append(columns[-1] * x)
    result: Sequence[Any] = columns if increasing else columns[::-1]
    return stack(result, dim=1)


def unravel_index(indices: Tensor, shape: int | Sequence[int]) -> tuple[Tensor, ...]:
    """The coordinates in a tensor of a given shape of places counted through all its elements: a tensor for each
    dimension, of `indices`' shape.

    Places beyond the last element begin again at 0, negative ones count from the end. Raises TypeError unless the
    indices and sizes are integers, ValueError for negative sizes.

    >>> import rushlight as torch
    >>> torch.unravel_index(torch.tensor([4, 1]), (3, 2))
    (tensor([2, 0]), tensor([0, 1]))

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.unravel_index.html
    """
    if indices.is_complex() or indices.is_floating_point() or indices.dtype is dtypes.bool:
        raise TypeError(f"expected 'indices' to be integer dtype, but got {indices.dtype}")
    if not isinstance(shape, int | Sequence):
        raise TypeError(f"expected 'shape' to be int or sequence of ints, but got {type(shape)}")
    lengths = (shape,) if isinstance(shape, int) else tuple(shape)
    for length in lengths:
        if not isinstance(length, int):
            raise TypeError(f"expected 'shape' sequence to only contain ints, but got {type(length)}")
    if any(length < 0 for length in lengths):
        raise ValueError(f"'shape' cannot have negative values, but got {tuple(lengths)}")
    strides = [math.prod(lengths[i + 1 :]) for i in builtins.range(len(lengths))]
    places = indices.unsqueeze(-1).floor_divide(wrap(np.array(strides, np.int64)))
    return tuple((places % wrap(np.array(lengths, np.int64))).unbind(-1))
