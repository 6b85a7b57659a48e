"""Copies and conversions, and what Python and NumPy see of a tensor."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest

import rushlight as torch


def test_to_returns_itself_where_nothing_changes() -> None:
    x = torch.ones(2)
    assert x.to(torch.float32) is x and x.float() is x and x.to("cpu") is x and x.cpu() is x and x.contiguous() is x
    assert x.to(torch.float32, copy=True) is not x


def test_gradients_come_back_in_the_first_dtype() -> None:
    x = torch.ones(2, requires_grad=True)
    y = x.double()
    assert type(y.grad_fn).__name__ == "ToCopyBackward0"
    y.sum().backward()
    assert x.grad.dtype is torch.float32


def test_clone_keeps_the_order_of_dimensions_and_the_gradient() -> None:
    x = torch.ones(2, 3, requires_grad=True)
    y = x.t().clone()
    assert y.stride() == (1, 3) and y.data_ptr() != x.data_ptr()
    y.sum().backward()
    assert x.grad.tolist() == [[1, 1, 1], [1, 1, 1]]
    assert x.t().clone(memory_format=torch.contiguous_format).stride() == (2, 1)


def test_channels_last_is_an_order_in_memory() -> None:
    x = torch.arange(120.0).reshape(2, 3, 4, 5)
    y = x.contiguous(memory_format=torch.channels_last)
    assert y.stride() == (60, 1, 15, 3) and y.is_contiguous(memory_format=torch.channels_last)
    assert (x == y).all()


def test_floats_lose_their_fraction_and_wrap() -> None:
    x = torch.tensor([1.7, -1.7, 257.0])
    assert x.long().tolist() == [1, -1, 257]
    assert x.byte().tolist() == [1, 255, 1]
    assert torch.tensor([0.0, 0.5]).bool().tolist() == [False, True]


def test_bfloat16_converts_both_ways() -> None:
    x = torch.tensor([1.0, 3.1415926])
    assert x.bfloat16().float().tolist() == [1.0, 3.140625]
    assert x.bfloat16().tolist() == [1.0, 3.140625]


def test_numpy_shares_memory() -> None:
    x = torch.zeros(2)
    a = x.numpy()
    a[0] = 1
    assert x.tolist() == [1, 0] and np.asarray(x) is not None and np.array(x, dtype=np.int8).tolist() == [1, 0]
    assert np.from_dlpack(x).tolist() == [1, 0]


def test_python_numbers() -> None:
    assert torch.tensor([[2.5]]).item() == 2.5
    assert int(torch.tensor(2.7)) == 2 and float(torch.tensor(3)) == 3.0 and complex(torch.tensor(1j)) == 1j
    assert [10, 20][torch.tensor(1)] == 20
    assert 2 in torch.tensor([1, 2]) and len(torch.ones(3, 2)) == 3
    assert [row.tolist() for row in torch.tensor([[1], [2]])] == [[1], [2]]
    assert f"{torch.tensor(1.5):.2f}" == "1.50"


def test_facts() -> None:
    x = torch.ones(2, 3, dtype=torch.float64)
    assert (x.element_size(), x.numel(), x.dim(), x.size(-1), x[1].storage_offset()) == (8, 6, 2, 3, 3)
    assert x.type() == "torch.DoubleTensor" and x.is_floating_point() and not x.is_complex()
    assert copy.deepcopy(x).tolist() == x.tolist()


@pytest.mark.parametrize(
    ("program", "error", "text"),
    [
        (lambda: torch.ones(2).item(), RuntimeError, "a Tensor with 2 elements cannot be converted to Scalar"),
        (lambda: bool(torch.ones(2)), RuntimeError, "Boolean value of Tensor with more than one value is ambiguous"),
        (lambda: bool(torch.ones(0)), RuntimeError, "Boolean value of Tensor with no values is ambiguous"),
        (lambda: [0][torch.tensor(0.0)], TypeError, "only integer tensors of a single element"),
        (lambda: len(torch.tensor(1)), TypeError, r"len\(\) of a 0-d tensor"),
        (lambda: list(torch.tensor(1)), TypeError, "iteration over a 0-d tensor"),
        (lambda: "a" in torch.ones(1), RuntimeError, "only supports Tensor or scalar"),
        (lambda: torch.ones(1, requires_grad=True).numpy(), RuntimeError, "Use tensor.detach"),
        (lambda: torch.ones(1).bfloat16().numpy(), TypeError, "Got unsupported ScalarType BFloat16"),
        (lambda: torch.ones(1).cuda(), AssertionError, "Torch not compiled with CUDA enabled"),
        (lambda: torch.ones(1).type("foo"), ValueError, "invalid type: 'foo'"),
    ],
)
def test_bad_arguments_say_what_was_expected(program: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        program()
