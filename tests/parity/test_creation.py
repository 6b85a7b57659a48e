"""Tensors from data and of a shape against torch: values, dtypes, strides, errors."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import rushlight  # noqa: E402
from tests.parity.tensor_oracle import outcome, steps  # noqa: E402

NAN, INF = float("nan"), float("inf")

VALUES: list[Any] = [
    lambda m: m.tensor(1),
    lambda m: m.tensor(1.5),
    lambda m: m.tensor(True),
    lambda m: m.tensor(1j),
    lambda m: m.tensor([1, 2.5]),
    lambda m: m.tensor([True, 2]),
    lambda m: m.tensor([True, 2.0]),
    lambda m: m.tensor([1, 2j]),
    lambda m: m.tensor([]),
    lambda m: m.tensor([[]]),
    lambda m: m.tensor(range(3)),
    lambda m: m.tensor(((1, 2), [3, 4])),
    lambda m: m.tensor([np.float64(1)]),
    lambda m: m.tensor([np.float32(1)]),
    lambda m: m.tensor([np.int32(1), 2]),
    lambda m: m.tensor([1, np.float64(2)]),
    lambda m: m.tensor([np.bool_(True)]),
    lambda m: m.tensor(np.float32(3)),
    lambda m: m.tensor([m.tensor(1.0), m.tensor(2.0, dtype=m.float64)]),
    lambda m: m.tensor([m.tensor([1.0])]),
    lambda m: m.tensor([np.array([1, 2]), np.array([3, 4])]),
    lambda m: m.tensor(np.arange(6, dtype=np.int16).reshape(2, 3).T),
    lambda m: m.tensor(-1, dtype=m.uint8),
    lambda m: m.tensor(1.5, dtype=m.int64),
    lambda m: m.tensor([1.5, -1.5], dtype=m.int32),
    lambda m: m.tensor([0.0, 2.0, NAN], dtype=m.bool),
    lambda m: m.tensor([[1, 2], [3, 4.0]], dtype=m.float16),
    lambda m: m.tensor(2**63, dtype=m.uint64),
    lambda m: m.tensor([1, 2], dtype=m.complex128),
    lambda m: m.tensor([1e300, 1.0]),
    lambda m: m.as_tensor([1, 2]),
    lambda m: m.as_tensor(np.arange(3), dtype=m.float32),
    lambda m: m.asarray([1.0]),
    lambda m: m.asarray(np.float32(3)),
    lambda m: m.from_numpy(np.arange(6.0).reshape(2, 3)[:, ::2]),
    lambda m: m.frombuffer(bytearray(b"12345678"), dtype=m.int32),
    lambda m: m.frombuffer(bytearray(b"12345678"), dtype=m.int16, count=2, offset=2),
    lambda m: m.zeros(2, 3),
    lambda m: m.zeros([2, 3], dtype=m.int8),
    lambda m: m.zeros(()),
    lambda m: m.zeros(2, 0, 3),
    lambda m: m.zeros(size=(2,)),
    lambda m: m.zeros(2, dtype=float),
    lambda m: m.ones(2, dtype=int),
    lambda m: m.ones(2, dtype=m.bool),
    lambda m: m.ones(2, dtype=m.complex64),
    lambda m: m.zeros(2, 3, out=m.ones(1)),
    lambda m: m.full((2,), 1),
    lambda m: m.full((2,), True),
    lambda m: m.full((2,), 1.5),
    lambda m: m.full((2,), 1j),
    lambda m: m.full((2,), 1.5, dtype=m.int64),
    lambda m: m.full((2,), m.tensor(3)),
    lambda m: m.full_like(m.zeros(2, dtype=m.int32), 7.9),
    lambda m: m.zeros_like(m.ones(2, 3).t()),
    lambda m: m.ones_like(m.ones(2, 3, 4).permute(2, 0, 1)),
    lambda m: m.zeros_like(m.ones(2, 3, 8)[:, :, ::2].permute(2, 0, 1)),
    lambda m: m.zeros_like(m.ones(3).expand(2, 3)),
    lambda m: m.ones_like(m.ones(2), dtype=m.int64),
    lambda m: m.zeros_like(m.ones(2, 3).t(), memory_format=m.contiguous_format),
    lambda m: m.scalar_tensor(3),
    lambda m: m.scalar_tensor(3.5, dtype=m.int64),
    lambda m: m.empty_strided((2, 3), (1, 2)).fill_(1),
    lambda m: m.empty(2, 3, 4, 5, memory_format=m.channels_last).fill_(1),
    lambda m: m.ones(2, 3, 4, 5).contiguous(memory_format=m.channels_last),
    lambda m: m.arange(5),
    lambda m: m.arange(5.0),
    lambda m: m.arange(0, 1, 0.3),
    lambda m: m.arange(5, 0, -2),
    lambda m: m.arange(1, 2.5, 0.5),
    lambda m: m.arange(0.5, 3, dtype=m.int64),
    lambda m: m.arange(3, dtype=m.float64),
    lambda m: m.arange(3, dtype=m.float16),
    lambda m: m.arange(m.tensor(3)),
    lambda m: m.arange(start=1, end=4),
    lambda m: m.arange(0),
    lambda m: m.linspace(0, 1, 5),
    lambda m: m.linspace(-2, 3, 8),
    lambda m: m.linspace(0, 1, 1),
    lambda m: m.linspace(0, 1, 0),
    lambda m: m.linspace(0, 10, 5, dtype=m.int64),
    lambda m: m.linspace(3, -3, 6, dtype=m.int64),
    lambda m: m.linspace(0, 1j, 3),
    lambda m: m.linspace(0, 1, 7, dtype=m.float64),
    lambda m: m.logspace(0, 2, 3),
    lambda m: m.logspace(0, 4, 5, base=2),
    lambda m: m.eye(2),
    lambda m: m.eye(2, 3, dtype=m.bool),
    lambda m: m.tril_indices(3, 4, -1),
    lambda m: m.triu_indices(2, 3, 1),
    lambda m: m.ones(2).new_tensor([1, 2]),
    lambda m: m.ones(2, dtype=m.int64).new_tensor([1.5]),
    lambda m: m.ones(2).new_full((2,), 1),
    lambda m: m.ones(2, dtype=m.int64).new_full((2,), 1.5),
    lambda m: m.ones(2, dtype=m.int64).new_ones(2, 3),
    lambda m: m.ones(2, dtype=m.float64).new_zeros((2, 3)),
    lambda m: m.polar(m.ones(2), m.tensor([0.0, 1.0])),
    lambda m: m.range(0, 3),
]


@pytest.mark.parametrize("program", VALUES, ids=range(len(VALUES)))
def test_creation_equals_torch(program: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs, ours = program(torch), program(rushlight)
    assert str(ours.dtype) == str(theirs.dtype)
    assert ours.shape == theirs.shape
    assert steps(ours) == steps(theirs)
    np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=2e-7)


ERRORS: list[Any] = [
    lambda m: m.tensor([[1, 2], [3]]),
    lambda m: m.tensor([[1, 2], 3]),
    lambda m: m.tensor("a"),
    lambda m: m.tensor(["a"]),
    lambda m: m.tensor(None),
    lambda m: m.tensor([None]),
    lambda m: m.tensor({}),
    lambda m: m.tensor({1, 2}),
    lambda m: m.tensor(2**63),
    lambda m: m.tensor([2**63]),
    lambda m: m.tensor(300, dtype=m.uint8),
    lambda m: m.tensor(1j, dtype=m.float32),
    lambda m: m.tensor([NAN], dtype=m.int64),
    lambda m: m.tensor(np.arange(3, dtype=">i4")),
    lambda m: m.tensor(np.array(["a"])),
    lambda m: m.tensor(np.array([1], dtype=object)),
    lambda m: m.tensor([1], requires_grad=True),
    lambda m: m.tensor([m.tensor([1.0, 2.0])]),
    lambda m: m.from_numpy(1),
    lambda m: m.from_numpy(np.arange(6)[::-1]),
    lambda m: m.empty(2, -1),
    lambda m: m.zeros(2.0),
    lambda m: m.zeros(),
    lambda m: m.zeros(2, names=("a",)),
    lambda m: m.zeros(2, dtype="float32"),
    lambda m: m.zeros(2, dtype=m.int64, requires_grad=True),
    lambda m: m.zeros(2, pin_memory=True),
    lambda m: m.zeros(2, device="cuda"),
    lambda m: m.zeros(2, device="foo"),
    lambda m: m.full(2, 1),
    lambda m: m.full((2,), "a"),
    lambda m: m.full((2,), 300, dtype=m.uint8),
    lambda m: m.arange(1, 0),
    lambda m: m.arange(0, 1, -1),
    lambda m: m.arange(0, 1, 0),
    lambda m: m.arange(3, dtype=m.bool),
    lambda m: m.arange(INF),
    lambda m: m.linspace(0, 1, -1),
    lambda m: m.eye(-1),
    lambda m: m.complex(m.ones(2), m.ones(2, dtype=m.float64)),
    lambda m: m.complex(m.ones(2, dtype=m.int64), m.ones(2, dtype=m.int64)),
    lambda m: m.empty(2, 3, memory_format=m.channels_last),
    lambda m: m.meshgrid(m.ones(2), indexing="zz"),
    lambda m: m.frombuffer(bytearray(b"1234567"), dtype=m.int32),
    lambda m: m.frombuffer(bytearray(b""), dtype=m.int32),
]


@pytest.mark.parametrize("program", ERRORS, ids=range(len(ERRORS)))
def test_bad_arguments_raise_what_torch_raises(program: Any) -> None:
    theirs = outcome(torch, program, [])
    assert theirs[0] != "result"
    assert outcome(rushlight, program, []) == theirs


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "bfloat16", "int64", "uint8"])
def test_linspace_to_the_last_digit(dtype: str) -> None:
    bounds = [(0, 1), (-3, 10), (0.1, 0.9), (-1, 1), (0, 6.28318), (5, -5), (1e-3, 1e3), (0, 255)]
    for start, end in bounds[:1] + bounds[-1:] if dtype == "uint8" else bounds:
        for count in (0, 1, 2, 3, 7, 50, 1001):
            ours, theirs = (
                m.linspace(start, end, count, dtype=getattr(m, dtype)).to(m.float64).numpy() for m in (rushlight, torch)
            )
            np.testing.assert_array_equal(ours, theirs, err_msg=f"{start} {end} {count}")


SIZES: list[Any] = [(True,), (2, True), ((True, 2),), ([2, True],), (2.0,)]


@pytest.mark.parametrize("name", ["rand", "randn", "zeros", "ones", "empty"])
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_a_size_is_no_bool(name: str, size: Any) -> None:
    results = []
    for m in (rushlight, torch):
        try:
            results.append(tuple(getattr(m, name)(*size).shape))
        except TypeError as error:
            results.append(str(error))
    assert results[0] == results[1]
