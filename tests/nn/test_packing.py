"""Packed and padded sequences: by hand, there and back, pickles."""

from __future__ import annotations

import copy
import io
import pickle
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

import rushlight as torch

rnn = torch.nn.utils.rnn


def test_by_hand() -> None:
    """`abc` and `x` are packed as `axbc`."""
    padded = torch.tensor([[1, 2, 3], [9, 0, 0]])
    packed = rnn.pack_padded_sequence(padded, [3, 1], batch_first=True)
    assert packed.data.tolist() == [1, 9, 2, 3]
    assert packed.batch_sizes.tolist() == [2, 1, 1]
    assert packed.sorted_indices is None and packed.unsorted_indices is None
    other = rnn.pack_padded_sequence(padded.flip(0).t(), torch.tensor([1, 3]), enforce_sorted=False)
    assert other.data.tolist() == [1, 9, 2, 3]
    assert other.sorted_indices.tolist() == [1, 0] == other.unsorted_indices.tolist()


@settings(max_examples=30, deadline=None)
@given(
    lengths=st.lists(st.integers(1, 6), min_size=1, max_size=5),
    features=st.sampled_from([(), (2,), (2, 1)]),
    batch_first=st.booleans(),
    extra=st.integers(0, 2),
)
def test_there_and_back(lengths: list[int], features: tuple[int, ...], batch_first: bool, extra: int) -> None:
    rng = np.random.default_rng(0)
    sequences = [torch.tensor(rng.standard_normal((n, *features))) for n in lengths]
    padded = rnn.pad_sequence(sequences, batch_first, padding_value=-1.0)
    for i, sequence in enumerate(sequences):
        row = padded[i] if batch_first else padded[:, i]
        assert row[: len(sequence)].equal(sequence) and bool((row[len(sequence) :] == -1).all())
    left = rnn.pad_sequence(sequences, batch_first, 0.0, "left")
    assert left.flip(1 if batch_first else 0).equal(
        rnn.pad_sequence([s.flip(0) for s in sequences], batch_first, 0.0, "right")
    )
    packed = rnn.pack_sequence(sequences, enforce_sorted=False)
    assert len(packed.data) == sum(lengths) == packed.batch_sizes.sum()
    total = max(lengths) + extra
    again, found = rnn.pad_packed_sequence(packed, batch_first, -1.0, total)
    assert found.tolist() == lengths and again.shape[1 if batch_first else 0] == total
    assert (again[:, : max(lengths)] if batch_first else again[: max(lengths)]).equal(padded)
    for one, other in zip(rnn.unpack_sequence(packed), sequences, strict=True):
        assert one.equal(other)
    for one, other in zip(rnn.unpad_sequence(padded, found, batch_first), sequences, strict=True):
        assert one.equal(other)


def test_gradients_reach_what_is_packed_only() -> None:
    padded = torch.ones(3, 2, requires_grad=True)
    packed = rnn.pack_padded_sequence(padded, [2, 3], enforce_sorted=False)
    rnn.pad_packed_sequence(packed, padding_value=5.0)[0].square().sum().backward()
    assert padded.grad.tolist() == [[2, 2], [2, 2], [0, 2]]
    first, second = torch.ones(1, requires_grad=True), torch.ones(3, requires_grad=True)
    (rnn.pad_sequence([first, second], padding_side="left") * torch.arange(6).reshape(3, 2)).sum().backward()
    assert first.grad.tolist() == [4] and second.grad.tolist() == [1, 3, 5]


def test_rows_beyond_the_sizes_are_left_out() -> None:
    data = torch.arange(5.0, requires_grad=True)
    padded, lengths = rnn.pad_packed_sequence(rnn.PackedSequence(data, torch.tensor([2, 1])))
    assert padded.tolist() == [[0, 1], [2, 0]] and lengths.tolist() == [2, 1]
    padded.sum().backward()
    assert data.grad.tolist() == [1, 1, 1, 0, 0]


def test_types() -> None:
    packed = rnn.pack_sequence([torch.tensor([1, 2]), torch.tensor([3])])
    for name, dtype in {
        "double": torch.float64,
        "half": torch.float16,
        "int": torch.int32,
        "byte": torch.uint8,
    }.items():
        changed = getattr(packed, name)()
        assert changed.data.dtype is dtype and changed.batch_sizes is packed.batch_sizes
    assert packed.long() is packed and packed.cpu() is packed and packed.to("cpu") is packed
    assert not packed.is_cuda and not packed.is_pinned()


@pytest.mark.parametrize("how", ["pickle", "deepcopy", "checkpoint"])
def test_copies(how: str) -> None:
    packed = rnn.pack_sequence([torch.tensor([3]), torch.tensor([1, 2])], enforce_sorted=False)
    if how == "checkpoint":
        file = io.BytesIO()
        torch.save(packed, file)
        file.seek(0)
        again: Any = torch.load(file, weights_only=False)
    else:
        again = pickle.loads(pickle.dumps(packed)) if how == "pickle" else copy.deepcopy(packed)
    assert type(again) is rnn.PackedSequence and repr(again) == repr(packed)
    assert again.data is not packed.data


def test_names() -> None:
    assert rnn.PackedSequence.__module__ == "rushlight.nn.utils.rnn"
    assert set(rnn.__all__) <= set(dir(rnn))
