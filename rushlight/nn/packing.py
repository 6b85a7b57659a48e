"""Sequences of several lengths as one tensor: padded, or packed without padding."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, Self

import numpy as np

from rushlight import dtypes
from rushlight.ops.creation import as_tensor, empty_like
from rushlight.ops.packing import pack_rows, pad_rows, pad_several
from rushlight.ops.sequences import arange
from rushlight.ops.sorting import sort
from rushlight.tensor import Tensor

__all__ = [
    "PackedSequence",
    "invert_permutation",
    "pack_padded_sequence",
    "pack_sequence",
    "pad_packed_sequence",
    "pad_sequence",
    "unpack_sequence",
    "unpad_sequence",
]


class PackedSequence_(NamedTuple):
    """The fields of a PackedSequence."""

    data: Tensor
    batch_sizes: Tensor
    sorted_indices: Tensor | None
    unsorted_indices: Tensor | None


PackedSequence_.__module__ = "rushlight.nn.utils.rnn"


class PackedSequence(PackedSequence_):
    """Sequences of several lengths without padding, as the recurrent layers take them.

    `data` holds the first elements of all sequences, the longest sequence's first, then the second elements, and so on;
    `batch_sizes` (int64) says how many sequences have a first element, a second one, …: `abc` and `x` are `axbc` with
    batch sizes 2, 1, 1. `sorted_indices` are the sequences' places in the user's order, `unsorted_indices` the inverse;
    both are None where the user's order is that of decreasing length.

    `pack_padded_sequence` and `pack_sequence` make it. Raises ValueError unless batch_sizes is on the CPU.

    >>> import rushlight as torch
    >>> from rushlight.nn.utils.rnn import pack_sequence
    >>> packed = pack_sequence([torch.tensor([1, 2, 3]), torch.tensor([4])])
    >>> packed.data, packed.batch_sizes
    (tensor([1, 4, 2, 3]), tensor([2, 1, 1]))

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.utils.rnn.PackedSequence.html
    """

    # Under this name PyTorch and Rushlight read it from each other's checkpoints.
    __module__ = "rushlight.nn.utils.rnn"

    def __new__(
        cls,
        data: Tensor,
        batch_sizes: Tensor | None = None,
        sorted_indices: Tensor | None = None,
        unsorted_indices: Tensor | None = None,
    ) -> Self:
        if unsorted_indices is None:
            unsorted_indices = invert_permutation(sorted_indices)
        if batch_sizes is None:
            pair: Any = data
            if not (isinstance(pair, list | tuple) and len(pair) == 2):
                raise AssertionError("Expected data to be a list or tuple of length 2")
            data, batch_sizes = pair
        elif batch_sizes.device.type != "cpu":
            raise ValueError(
                "batch_sizes should always be on CPU. Instances of PackedSequence should never be created manually. "
                "They should be instantiated by functions like pack_sequence and pack_padded_sequences in "
                "nn.utils.rnn. https://pytorch.org/docs/stable/nn.html#torch.nn.utils.rnn.pack_sequence"
            )
        return super().__new__(cls, data, batch_sizes, sorted_indices, unsorted_indices)

    def _with(self, data: Tensor, move: Callable[[Tensor], Tensor]) -> Self:
        """The same sequences of other data, the indices moved."""
        indices = [None if i is None else move(i) for i in (self.sorted_indices, self.unsorted_indices)]
        return type(self)(data, self.batch_sizes, *indices)

    def pin_memory(self) -> Self:
        """A copy in pinned memory: RuntimeError, since there is no accelerator to pin it for."""
        raise RuntimeError("Cannot access accelerator device when none is available.")

    def to(self, *args: Any, **kwargs: Any) -> Self:
        """`data.to(…)`, the arguments being those of `Tensor.to` except copy; itself if nothing changes."""
        data = self.data.to(*args, **kwargs)
        if data is self.data:
            return self
        if "copy" in kwargs or sum(a is True or a is False for a in args) > 1:
            raise RuntimeError(".to() does not accept copy argument")
        return self._with(data, lambda i: i.to(data.device))

    def cuda(self, *args: Any, **kwargs: Any) -> Self:
        """`to` a GPU: AssertionError, since there is no CUDA in this build."""
        kwargs["device"] = "cuda"
        return self.to(*args, **kwargs)

    def cpu(self, *args: Any, **kwargs: Any) -> Self:
        """`to(…)`, since all memory is the CPU's."""
        return self.to(*args, **kwargs)

    def double(self) -> Self:
        """The data as float64."""
        return self.to(dtype=dtypes.float64)

    def float(self) -> Self:
        """The data as float32."""
        return self.to(dtype=dtypes.float32)

    def half(self) -> Self:
        """The data as float16."""
        return self.to(dtype=dtypes.float16)

    def long(self) -> Self:
        """The data as int64."""
        return self.to(dtype=dtypes.int64)

    def int(self) -> Self:
        """The data as int32."""
        return self.to(dtype=dtypes.int32)

    def short(self) -> Self:
        """The data as int16."""
        return self.to(dtype=dtypes.int16)

    def char(self) -> Self:
        """The data as int8."""
        return self.to(dtype=dtypes.int8)

    def byte(self) -> Self:
        """The data as uint8."""
        return self.to(dtype=dtypes.uint8)

    @property
    def is_cuda(self) -> bool:
        """Whether the data is on a GPU."""
        return self.data.device.type == "cuda"

    def is_pinned(self) -> bool:
        """Whether the data is in pinned memory: no."""
        return False


def invert_permutation(permutation: Tensor | None) -> Tensor | None:
    """The permutation p⁻¹ with `p⁻¹[p[i]] = i`, for int64 numbers p (N); None for None.

    >>> import rushlight as torch
    >>> torch.nn.utils.rnn.invert_permutation(torch.tensor([2, 0, 1]))
    tensor([1, 2, 0])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.utils.rnn.invert_permutation.html
    """
    if permutation is None:
        return None
    output = empty_like(permutation)
    return output.scatter_(0, permutation, arange(0, permutation.numel(), device=permutation.device))


def pack_padded_sequence(
    input: Tensor, lengths: Tensor | list[int], batch_first: bool = False, enforce_sorted: bool = True
) -> PackedSequence:
    """Pack padded sequences, of the given lengths.

    input is (T, N, *), or (N, T, *) with batch_first; lengths are N numbers from 1, in decreasing order unless
    enforce_sorted is False: then the sequences are sorted, and the result remembers their places. Raises RuntimeError
    for lengths that don't fit, or in another order.

    >>> import rushlight as torch
    >>> padded = torch.tensor([[1, 2, 0], [3, 4, 5]])
    >>> torch.nn.utils.rnn.pack_padded_sequence(padded, [2, 3], batch_first=True, enforce_sorted=False)
    PackedSequence(data=tensor([3, 1, 4, 2, 5]), batch_sizes=tensor([2, 2, 1]), sorted_indices=tensor([1, 0]), \
unsorted_indices=tensor([1, 0]))

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.utils.rnn.pack_padded_sequence.html
    """
    counts = as_tensor(lengths, dtype=dtypes.int64)
    sorted_indices = None
    if not enforce_sorted:
        counts, sorted_indices = sort(counts, descending=True)
        input = input.index_select(0 if batch_first else 1, sorted_indices)
    data, batch_sizes = pack_rows(input, counts, batch_first)
    return PackedSequence(data, batch_sizes, sorted_indices, None)


def pad_packed_sequence(
    sequence: PackedSequence, batch_first: bool = False, padding_value: float = 0.0, total_length: int | None = None
) -> tuple[Tensor, Tensor]:
    """The packed sequences in the user's order, padded to one length, and their lengths.

    The result is (T, N, *), or (N, T, *) with batch_first, where T is the greatest length, or total_length. Raises
    ValueError if total_length is less than the greatest length.

    >>> import rushlight as torch
    >>> packed = torch.nn.utils.rnn.pack_sequence([torch.tensor([1, 2, 3]), torch.tensor([4])])
    >>> torch.nn.utils.rnn.pad_packed_sequence(packed, batch_first=True, padding_value=-1)
    (tensor([[ 1,  2,  3],
            [ 4, -1, -1]]), tensor([3, 1]))

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.utils.rnn.pad_packed_sequence.html
    """
    length = sequence.batch_sizes.size(0)
    if total_length is not None:
        if total_length < length:
            raise ValueError(
                "Expected total_length to be at least the length of the longest sequence in input, but got "
                f"total_length={total_length} and max sequence length being {length}"
            )
        length = total_length
    padded, lengths = pad_rows(sequence.data, sequence.batch_sizes, batch_first, padding_value, length)
    places = sequence.unsorted_indices
    if places is None:
        return padded, lengths
    return padded.index_select(0 if batch_first else 1, places), lengths[places]


def pad_sequence(
    sequences: Tensor | list[Tensor],
    batch_first: bool = False,
    padding_value: float = 0.0,
    padding_side: str = "right",
) -> Tensor:
    """Sequences stacked after padding them to one length with `padding_value`, on the "right" or "left" side.

    Each of the N sequences is (L, *); the result is (T, N, *), or (N, T, *) with batch_first, where T is the greatest
    L, of the first one's dtype. Raises RuntimeError where there is none, or where their other dimensions differ.

    >>> import rushlight as torch
    >>> torch.nn.utils.rnn.pad_sequence([torch.tensor([1, 2]), torch.tensor([3])], batch_first=True)
    tensor([[1, 2],
            [3, 0]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.utils.rnn.pad_sequence.html
    """
    if not isinstance(sequences, Iterable):
        raise RuntimeError(
            f"pad_sequence: Expected iterable for input sequences, but got arg of type: {type(sequences)}"
        )
    return pad_several(tuple(sequences), batch_first, padding_value, padding_side)


def unpad_sequence(padded_sequences: Tensor, lengths: Tensor, batch_first: bool = False) -> list[Tensor]:
    """The sequences in a padded tensor, (T, N, *) or with batch_first (N, T, *), cut to their lengths (N).

    As in PyTorch, without batch_first the padded tensor itself is transposed, in place. Raises ValueError unless there
    are N lengths.

    >>> import rushlight as torch
    >>> torch.nn.utils.rnn.unpad_sequence(torch.tensor([[1, 2], [3, 0]]), torch.tensor([2, 1]), batch_first=True)
    [tensor([1, 2]), tensor([3])]

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.utils.rnn.unpad_sequence.html
    """
    if not batch_first:
        padded_sequences.transpose_(0, 1)
    steps = arange(padded_sequences.shape[1], device=lengths.device)
    return [row[steps < length] for row, length in zip(padded_sequences, lengths, strict=True)]


def pack_sequence(sequences: list[Tensor], enforce_sorted: bool = True) -> PackedSequence:
    """Pack sequences (L, *), of decreasing length unless enforce_sorted is False.

    >>> import rushlight as torch
    >>> torch.nn.utils.rnn.pack_sequence([torch.tensor([1, 2, 3]), torch.tensor([4, 5])])
    PackedSequence(data=tensor([1, 4, 2, 5, 3]), batch_sizes=tensor([2, 2, 1]), sorted_indices=None, \
unsorted_indices=None)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.utils.rnn.pack_sequence.html
    """
    lengths = as_tensor(np.array([sequence.size(0) for sequence in sequences], np.int64))
    return pack_padded_sequence(pad_sequence(sequences), lengths, enforce_sorted=enforce_sorted)


def unpack_sequence(packed_sequences: PackedSequence) -> list[Tensor]:
    """The packed sequences as a list, in the user's order.

    >>> import rushlight as torch
    >>> packed = torch.nn.utils.rnn.pack_sequence([torch.tensor([1, 2, 3]), torch.tensor([4, 5])])
    >>> torch.nn.utils.rnn.unpack_sequence(packed)
    [tensor([1, 2, 3]), tensor([4, 5])]

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.utils.rnn.unpack_sequence.html
    """
    padded, lengths = pad_packed_sequence(packed_sequences, batch_first=True)
    return unpad_sequence(padded, lengths, batch_first=True)
