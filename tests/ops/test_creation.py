"""Tensors from data and of a shape."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import rushlight as torch


@pytest.mark.parametrize(
    ("data", "dtype"),
    [
        (1, "int64"), (1.5, "float32"), (True, "bool"), (1j, "complex64"), ([1, 2.5], "float32"), ([True, 2], "int64"),
        ([], "float32"), ([np.float64(1)], "float64"), (np.arange(2, dtype=np.int8), "int8"), (range(3), "int64"),
    ],
)  # fmt: skip
def test_dtype_follows_the_data(data: Any, dtype: str) -> None:
    assert torch.tensor(data).dtype is getattr(torch, dtype)


def test_tensor_copies_and_from_numpy_shares() -> None:
    a = np.zeros(2)
    copied, shared = torch.tensor(a), torch.from_numpy(a)
    a[0] = 1
    assert copied.tolist() == [0, 0] and shared.tolist() == [1, 0]
    shared[1] = 2
    assert a.tolist() == [1, 2]
    assert torch.as_tensor(shared) is shared
    assert torch.as_tensor(a).data_ptr() == shared.data_ptr()


def test_a_read_only_array_is_warned_of() -> None:
    a = np.zeros(2)
    a.flags.writeable = False
    with pytest.warns(UserWarning, match="NumPy array is not writable"):
        torch.from_numpy(a)


def test_asarray_copies_as_asked() -> None:
    x = torch.ones(2)
    assert torch.asarray(x) is x
    assert torch.asarray(x, copy=True).data_ptr() != x.data_ptr()
    with pytest.raises(ValueError, match="can't alias"):
        torch.asarray([1, 2], copy=False)


def test_filled_tensors_have_shape_value_and_dtype() -> None:
    assert torch.zeros(2, 3).tolist() == [[0.0] * 3] * 2
    assert torch.ones((2,), dtype=torch.int8).tolist() == [1, 1]
    assert torch.full((2,), 7).dtype is torch.int64
    assert torch.empty(2, 0).shape == (2, 0)
    assert torch.zeros_like(torch.ones(2, 3).t()).stride() == (1, 3)
    assert torch.ones(2).new_full((2,), 3).tolist() == [3.0, 3.0]
    assert torch.zeros(2, requires_grad=True).requires_grad


def test_default_dtype_decides_for_floats() -> None:
    torch.set_default_dtype(torch.float64)
    try:
        assert torch.tensor(1.0).dtype is torch.zeros(1).dtype is torch.arange(1.5).dtype is torch.float64
        assert torch.tensor(1j).dtype is torch.complex128
    finally:
        torch.set_default_dtype(torch.float32)


def test_sequences() -> None:
    assert torch.arange(5).tolist() == [0, 1, 2, 3, 4]
    assert torch.arange(1, 2.5, 0.5).tolist() == [1, 1.5, 2]
    assert torch.arange(5, 0, -2).tolist() == [5, 3, 1]
    assert torch.linspace(0, 1, 5).tolist() == [0, 0.25, 0.5, 0.75, 1]
    assert torch.logspace(0, 3, 4, base=2).tolist() == [1, 2, 4, 8]
    assert torch.eye(2, 3).tolist() == [[1, 0, 0], [0, 1, 0]]
    assert torch.tril_indices(2, 2).tolist() == [[0, 1, 1], [0, 0, 1]]


def test_out_takes_the_result_and_its_shape() -> None:
    out = torch.empty(0)
    assert torch.zeros(2, 2, out=out) is out and out.shape == (2, 2)


def test_frombuffer_shares_memory() -> None:
    data = bytearray(8)
    x = torch.frombuffer(data, dtype=torch.int32)
    data[0] = 1
    assert x.tolist() == [1, 0]


@pytest.mark.parametrize(
    ("program", "error", "text"),
    [
        (lambda: torch.tensor([[1, 2], [3]]), ValueError, r"expected sequence of length 2 at dim 1 \(got 1\)"),
        (lambda: torch.tensor("a"), TypeError, "invalid data type 'str'"),
        (lambda: torch.tensor(None), RuntimeError, "Could not infer dtype of NoneType"),
        (
            lambda: torch.tensor([1], requires_grad=True),
            RuntimeError,
            "Only Tensors of floating point and complex dtype",
        ),
        (lambda: torch.zeros(2, -1), RuntimeError, r"negative dimension -1: \[2, -1\]"),
        (lambda: torch.zeros(2.0), TypeError, "must be tuple of ints, not float"),
        (lambda: torch.zeros(2, device="cuda"), AssertionError, "Torch not compiled with CUDA enabled"),
        (lambda: torch.from_numpy([1]), TypeError, r"expected np.ndarray \(got list\)"),
        (lambda: torch.from_numpy(np.arange(3)[::-1]), ValueError, "negative"),
        (lambda: torch.arange(0, 1, 0), RuntimeError, "step must be nonzero"),
        (lambda: torch.linspace(0, 1, -1), RuntimeError, "number of steps must be non-negative"),
    ],
)
def test_bad_arguments_say_what_was_expected(program: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        program()
