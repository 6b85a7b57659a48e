"""The memory under tensors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import rushlight as torch
from rushlight.storage import TypedStorage, UntypedStorage, owner_bytes, owner_of, view_of_bytes


def test_the_owner_of_views() -> None:
    base = np.arange(24.0).reshape(2, 3, 4)
    owner = owner_of(base)
    for view in (
        base[1],
        base.T,
        base[::-1],
        np.broadcast_to(base, (5, 2, 3, 4)),
        np.lib.stride_tricks.as_strided(base, (2,), (8,)),
    ):
        assert owner_of(view) is owner
    assert owner_of(np.frombuffer(owner, np.uint8)) is owner
    assert owner_of(base.copy()) is not owner


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6.0).reshape(2, 3),
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.ndarray((2, 2), np.int16, bytearray(range(20)), 2, (10, 4)),
        np.ndarray((3,), np.int16, bytearray(range(20)), 10, (-4,)),
        np.array(5.0),
        np.zeros(0),
    ],
)
def test_the_bytes_of_an_owner(array: np.ndarray[Any, Any]) -> None:
    owner, memory, start = owner_bytes(array)
    assert memory.dtype == np.uint8
    if array.size:
        first = memory[start : start + array.itemsize].tobytes()
        assert first == array[(slice(0, 1),) * array.ndim].tobytes()
        assert np.shares_memory(memory, owner)
    else:
        assert memory.size == 0


def test_views_of_bytes_stay_inside() -> None:
    memory = np.arange(6, dtype=np.float32).view(np.uint8)
    assert view_of_bytes(memory, torch.float32, 1, (2, 2), (2, 1)).tolist() == [[1, 2], [3, 4]]
    assert view_of_bytes(memory, torch.float32, 6, (0, 2), (2, 1)).shape == (0, 2)
    assert view_of_bytes(memory, torch.float32, 0, (1,), (10**9,)).tolist() == [0]
    with pytest.raises(RuntimeError, match="requiring a storage size of 28 are out of bounds for storage of size 24"):
        view_of_bytes(memory, torch.float32, 1, (2, 2), (4, 1))


def test_untyped_storage() -> None:
    values = np.arange(3, dtype=np.int16)
    storage = UntypedStorage.of(values[1:])
    assert (len(storage), storage.nbytes(), storage.size(), storage.element_size()) == (6, 6, 6, 1)
    assert storage.tolist() == list(storage) == [0, 0, 1, 0, 2, 0]
    assert storage.data_ptr() == values.__array_interface__["data"][0]
    assert (storage[2], storage[-2]) == (1, 2)
    assert storage[2:4].tolist() == [1, 0]
    storage[0] = 7
    assert values[0] == 7
    copy = storage.clone()
    copy.fill_(0)
    assert values[0] == 7
    assert storage.copy_(copy).tolist() == [0] * 6
    assert storage == UntypedStorage.of(values)
    assert hash(storage) == hash(UntypedStorage.of(values))
    assert storage != copy
    assert storage.device == torch.device("cpu")
    assert repr(UntypedStorage(2)) == " 0\n 0\n[torch.storage.UntypedStorage(device=cpu) of size 2]"
    assert UntypedStorage(0).data_ptr() == 0


def test_typed_storage() -> None:
    storage = TypedStorage(wrap_storage=UntypedStorage.of(np.array([0.0, 1.5], np.float32)), dtype=torch.float32)
    assert (len(storage), storage.size(), storage.nbytes(), storage.element_size()) == (2, 2, 8, 4)
    assert storage.tolist() == list(storage) == [0.0, 1.5]
    storage[0] = 3
    assert storage[0] == 3.0
    assert storage.pickle_storage_type() == "FloatStorage"
    assert storage.clone().fill_(1).tolist() == [1, 1]
    assert repr(storage) == " 3.0\n 1.5\n[torch.storage.TypedStorage(dtype=torch.float32, device=cpu) of size 2]"


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda s: s[6], IndexError, "index 6 out of range for storage of size 6"),
        (lambda s: s["a"], TypeError, "can't index a storage with str"),
        (lambda s: s[::2], RuntimeError, "Trying to slice with a step of 2, but only a step of 1 is supported"),
        (
            lambda s: s.copy_(UntypedStorage(2)),
            RuntimeError,
            "size does not match, self was 6 bytes but src was 2 bytes",
        ),
        (lambda s: UntypedStorage(np.zeros((2, 2), np.uint8)), ValueError, "expected one dimension of adjoining bytes"),
    ],
)
def test_misuse(call: Any, error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        call(UntypedStorage(6))


def test_the_storage_of_a_tensor() -> None:
    tensor = torch.arange(4)[1:]
    assert tensor.untyped_storage().nbytes() == 32
    assert tensor.untyped_storage().data_ptr() == tensor.data_ptr() - 8
    with pytest.warns(UserWarning, match="TypedStorage is deprecated"):
        assert tensor.storage().tolist() == [0, 1, 2, 3]
