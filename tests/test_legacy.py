"""What programs of PyTorch's first years call: tensor types as constructors, Variable, spmm."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import rushlight as torch
from rushlight import legacy
from rushlight.autograd import Variable

TYPES: list[Any] = [getattr(legacy, name) for name in legacy.__all__ if name.endswith("Tensor")]


@pytest.mark.parametrize("kind", TYPES, ids=lambda kind: kind.__name__)
def test_a_type_makes_and_knows_tensors_of_its_dtype(kind: Any) -> None:
    assert (kind(2, 3).shape, kind(torch.Size([2, 0])).shape, kind().shape) == ((2, 3), (2, 0), (0,))
    made = kind([[0, 1], [1, 1]])
    assert made.dtype is kind.dtype
    assert type(made) is torch.Tensor
    assert made.type() == f"torch.{kind.__name__}"
    assert made.tolist() == [[0, 1], [1, 1]]
    assert [isinstance(made, other) for other in TYPES] == [other is kind for other in TYPES]
    assert not isinstance(made.tolist(), kind)
    assert torch.ones(1).type(kind).dtype is kind.dtype


def test_data_of_other_types() -> None:
    F, L = legacy.FloatTensor, legacy.LongTensor
    assert F(np.arange(2)).dtype is torch.float32
    assert L([1.7, 2]).tolist() == L(range(1, 3)).tolist() == [1, 2]
    same = torch.ones(2)
    F(same)[0] = 5
    assert same.tolist() == [5, 1]
    assert isinstance(torch.nn.Parameter(same), F)
    assert not isinstance(torch.eye(2).to_sparse(), F)
    calls: tuple[tuple[Callable[[], Any], type[Exception], str], ...] = (
        (lambda: F(torch.ones(2, dtype=torch.int64)), TypeError, r"expected FloatTensor \(got LongTensor\)"),
        (lambda: F(2.5), TypeError, r"new\(\): data must be a sequence \(got float\)"),
        (lambda: F(-1), RuntimeError, "Trying to create tensor with negative dimension -1"),
    )
    for call, error, match in calls:
        with pytest.raises(error, match=match):
            call()


def test_new_has_the_dtype_of_the_old() -> None:
    x = torch.ones(2, dtype=torch.float64, requires_grad=True)
    assert (x.new(2, 3).shape, x.new(2).dtype, x.new().shape, x.new([1, 2]).tolist()) == ((2, 3), x.dtype, (0,), [1, 2])
    assert not x.new(x.size(), device="cpu").requires_grad
    with pytest.raises(TypeError, match="expected DoubleTensor"):
        x.new(torch.ones(1))


def test_the_default_type() -> None:
    try:
        for kind in (legacy.DoubleTensor, "torch.DoubleTensor"):
            torch.set_default_dtype(torch.float32)
            with pytest.warns(UserWarning, match="deprecated as of PyTorch 2.1") as caught:
                torch.set_default_tensor_type(kind)
            assert caught[0].filename == __file__
            assert torch.ones(1).dtype is torch.float64
        for wrong, match in ((legacy.LongTensor, "only floating-point types"), ("Float", "name of a tensor type")):
            with pytest.warns(UserWarning), pytest.raises(TypeError, match=match):
                torch.set_default_tensor_type(wrong)
        with pytest.warns(UserWarning), pytest.raises(TypeError, match="expected a tensor type"):
            torch.set_default_tensor_type(torch.float32)
    finally:
        torch.set_default_dtype(torch.float32)


def test_variable_is_the_memory_without_the_history() -> None:
    x = torch.ones(2, requires_grad=True) * 2
    v: Any = Variable(x)
    assert (type(v), v.is_leaf, v.requires_grad, v.data_ptr()) == (torch.Tensor, True, False, x.data_ptr())
    assert Variable(torch.nn.Parameter(torch.ones(1)), requires_grad=True).requires_grad
    assert type(Variable(torch.nn.Parameter(torch.ones(1)))) is torch.Tensor
    assert Variable().shape == (0,)
    assert isinstance(x, Variable)
    with pytest.warns(UserWarning, match="volatile was removed") as caught:
        Variable(x, volatile=True)
    assert caught[0].filename == __file__
    with pytest.raises(TypeError, match="Variable data has to be a tensor, but got list"):
        Variable([1.0])
    with pytest.raises(RuntimeError, match="floating point and complex dtype can require gradients"):
        Variable(torch.ones(1, dtype=torch.int64), requires_grad=True)


def test_a_sparse_matrix_times_a_dense_one_by_every_name() -> None:
    a = torch.sparse_coo_tensor([[0, 1, 1], [1, 0, 1]], [2.0, 3.0, 4.0], (2, 2))
    b = torch.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    for out in (torch.spmm(a, b), torch.mm(a, b), torch.matmul(a, b), a @ b, a.mm(b)):
        assert out.tolist() == [[6, 8], [15, 22]]
        (gradient,) = torch.autograd.grad(out.sum(), b)
        assert gradient.tolist() == [[3, 3], [6, 6]]
    assert torch.matmul(a, torch.ones(2)).tolist() == [2, 7]
    assert torch.spmm(torch.eye(2), b).tolist() == b.tolist()
    for product in (torch.mm, torch.matmul):
        assert product(b, a).tolist() == [[6, 10], [12, 22]]
