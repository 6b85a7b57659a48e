"""Padded sequences and the rows of packed ones: each is the gradient of the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import dtypes
from rushlight.autograd.operation import NUMBERS, Operation
from rushlight.autograd.variable import Variable, wrap
from rushlight.ops._numeric import Array, check_tensor
from rushlight.ops.creation import full

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

__all__ = ["pack_rows", "pad_rows", "pad_several"]


def _mask(sizes: Array, steps: int, batch: int) -> Array:
    """Which elements of (T, N) belong to sequences, when `sizes` of them have a t-th element."""
    mask = np.zeros((steps, batch), np.bool_)
    mask[: len(sizes)] = np.arange(batch) < sizes[:steps, None]
    return mask


def _filled(shape: tuple[int, ...], value: Any, dtype: np.dtype[Any]) -> Array:
    return full(shape, value, dtype=dtypes.from_numpy_dtype(dtype))._array


class PackRows(Operation):
    """The elements of (T, N, *) that belong to sequences, step by step."""

    node_name = "PackPaddedSequenceBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor, sizes: Array) -> Array:
        array = input._array
        ctx.shape, ctx.sizes = array.shape, sizes
        return array[_mask(sizes, *array.shape[:2])]

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return PadRows.apply(grad, ctx.sizes, ctx.shape, 0), None


class PadRows(Operation):
    """Packed rows at their places in (T, N, *), the rest filled with a value."""

    node_name = "CopySlices"

    @staticmethod
    def forward(ctx: Any, data: Tensor, sizes: Array, shape: tuple[int, ...], value: Any) -> Array:
        array = data._array
        ctx.sizes = sizes
        padded = _filled(shape, value, array.dtype)
        padded[_mask(sizes, *shape[:2])] = array
        return padded

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return PackRows.apply(grad, ctx.sizes), None, None, None


class PadSeveral(Operation):
    """Tensors (L, *) below each other in one (N, T, *), or beside each other in (T, N, *)."""

    node_name = "CopySlices"

    @staticmethod
    def forward(ctx: Any, batch_first: bool, value: Any, left: bool, *sequences: Tensor) -> Array:
        arrays = [sequence._array for sequence in sequences]
        length, count, first = max(len(a) for a in arrays), len(arrays), arrays[0]
        shape = (count, length) if batch_first else (length, count)
        padded = _filled((*shape, *first.shape[1:]), value, first.dtype)
        rows = padded if batch_first else padded.swapaxes(0, 1)
        ctx.batch_dim = 0 if batch_first else 1
        ctx.spans = [(length - len(a) if left else 0, len(a), a.dtype) for a in arrays]
        for row, array, (start, steps, _) in zip(rows, arrays, ctx.spans, strict=True):
            row[start : start + steps] = array
        return padded

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        rows = grad.unbind(ctx.batch_dim)
        grads = [
            row[start : start + steps].to(dtypes.from_numpy_dtype(dtype)) if needed else None
            for row, (start, steps, dtype), needed in zip(rows, ctx.spans, ctx.needs_input_grad[3:], strict=True)
        ]
        return None, None, None, *grads


def _check_vector(name: str, numbers: Tensor) -> None:
    if numbers._array.ndim != 1 or numbers._array.dtype != np.int64:
        raise RuntimeError(
            f"'{name}' argument should be a 1D CPU int64 tensor, but got {numbers.ndim}D cpu "
            f"{numbers.dtype.legacy_name} tensor"
        )


def pack_rows(input: Tensor, lengths: Tensor, batch_first: bool) -> tuple[Tensor, Tensor]:
    """The rows of padded sequences, and how many there are at each step."""
    check_tensor("_pack_padded_sequence", "input", 1, input)
    _check_vector("lengths", lengths)
    if batch_first:
        input = input.transpose(0, 1)
    batch, array = input.size(1), lengths._array
    if not input.numel():
        raise RuntimeError("Cannot pack empty tensors.")
    if len(array) != batch:
        raise RuntimeError(
            f"Expected `len(lengths)` to be equal to batch_size, but got {len(array)} (batch_size={batch})"
        )
    if array.min() <= 0:
        raise RuntimeError(
            "Length of all samples has to be greater than 0, but found an element in 'lengths' that is <= 0"
        )
    if (array[:-1] < array[1:]).any():
        raise RuntimeError(
            "`lengths` array must be sorted in decreasing order when `enforce_sorted` is True. You can pass "
            "`enforce_sorted=False` to pack_padded_sequence and/or pack_sequence to sidestep this requirement if you "
            "do not need ONNX exportability."
        )
    sizes = (array > np.arange(array[0])[:, None]).sum(1)
    return PackRows.apply(input, sizes), wrap(sizes.astype(np.int64, copy=False))


def pad_rows(
    data: Tensor, batch_sizes: Tensor, batch_first: bool, padding_value: Any, total_length: int
) -> tuple[Tensor, Tensor]:
    """Packed rows as padded sequences, and their lengths."""
    _check_vector("lengths", batch_sizes)
    if not isinstance(padding_value, NUMBERS):
        raise TypeError(
            "_pad_packed_sequence(): argument 'padding_value' (position 4) must be Number, not "
            f"{type(padding_value).__name__}"
        )
    sizes = batch_sizes._array
    if not len(sizes):
        raise RuntimeError("batch_sizes can not be empty")
    rows, batch = int(sizes.sum()), int(sizes[0])
    if rows > data.size(0) or (sizes[:-1] < sizes[1:]).any() or sizes[-1] < 0:
        raise RuntimeError(
            f"expected batch_sizes in decreasing order that add up to at most the {data.size(0)} rows of data, got "
            f"{sizes.tolist()}"
        )
    if rows < data.size(0):
        data = data[:rows]
    padded = PadRows.apply(data, sizes.copy(), (total_length, batch, *data.shape[1:]), padding_value)
    lengths = (sizes[:, None] > np.arange(batch)).sum(0)
    return padded.transpose(0, 1) if batch_first else padded, wrap(lengths.astype(np.int64, copy=False))


def pad_several(sequences: Sequence[Any], batch_first: bool, padding_value: Any, padding_side: str) -> Tensor:
    """Sequences (L, *) padded to the greatest L."""
    if not sequences:
        raise RuntimeError("received an empty list of sequences")
    for i, sequence in enumerate(sequences):
        if not isinstance(sequence, Variable):
            raise TypeError(f"expected Tensor as element {i} in argument 0, but got {type(sequence).__name__}")
    if not isinstance(padding_value, NUMBERS):
        raise TypeError(
            f"pad_sequence(): argument 'padding_value' (position 3) must be float, not {type(padding_value).__name__}"
        )
    if padding_side not in ("left", "right"):
        raise RuntimeError(f"Expected padding_side to be one of left or right, but got {padding_side}.")
    shapes = [sequence._array.shape for sequence in sequences]
    for shape in shapes:
        if not shape or shape[1:] != shapes[0][1:]:
            raise RuntimeError(
                f"expected sequences of shape (L, *), equal but for L, got {list(shapes[0])} and {list(shape)}"
            )
    return PadSeveral.apply(batch_first, padding_value, padding_side == "left", *sequences)
