"""Parameter, Buffer and what has no shape yet."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import pytest

import rushlight as torch
import rushlight.nn as nn

LAZY: list[tuple[str, Callable[[], Any]]] = [
    ("parameter", lambda: nn.UninitializedParameter(dtype=torch.float64)),
    ("buffer", lambda: nn.UninitializedBuffer(dtype=torch.float64)),
]


@pytest.mark.parametrize("make", [lazy[1] for lazy in LAZY], ids=[lazy[0] for lazy in LAZY])
def test_an_uninitialized_tensor_can_only_be_materialized(make: Callable[[], Any]) -> None:
    tensor = make()
    assert tensor.dtype is torch.float64 and tensor.is_leaf and repr(tensor) == f"<{type(tensor).__name__}>"
    with pytest.raises(RuntimeError, match="Can't access the shape of an uninitialized parameter or buffer"):
        _ = tensor.shape
    with pytest.raises(RuntimeError, match="Can't share memory on an uninitialized parameter or buffer"):
        tensor.share_memory_()
    with pytest.raises(ValueError, match="Attempted to use an uninitialized parameter in"):
        tensor + 1
    tensor.materialize((2, 3))
    assert tensor.shape == (2, 3) and tensor.dtype is torch.float64
    assert type(tensor) in (nn.Parameter, torch.Tensor)


def test_parameters_share_memory_and_refuse_integers() -> None:
    data = torch.ones(2)
    param = nn.Parameter(data)
    data[0] = 5.0
    assert param.tolist() == [5.0, 1.0] and type(param + 1) is torch.Tensor
    with pytest.raises(RuntimeError, match="Only Tensors of floating point and complex dtype can require gradients"):
        nn.Parameter(torch.tensor([1]))
    assert not nn.Parameter(torch.tensor([1]), requires_grad=False).requires_grad
    assert repr(param) == "Parameter containing:\ntensor([5., 1.], requires_grad=True)"


def test_a_parameter_of_a_tensor_subclass_keeps_the_subclass() -> None:
    class Special(torch.Tensor):
        def detach(self) -> Any:
            return super().detach().as_subclass(Special)

    param = nn.Parameter(torch.ones(2).as_subclass(Special))
    assert type(param) is Special and isinstance(param, nn.Parameter) and param.requires_grad
    m = nn.Module()
    m.w = param
    assert list(m.parameters()) == [param]


def test_parameters_are_copied_and_pickled_with_what_a_program_set_on_them() -> None:
    param = nn.Parameter(torch.ones(2))
    twins = copy.deepcopy([param, param])
    assert twins[0] is twins[1] and type(twins[0]) is nn.Parameter and twins[0] is not param
    plain = pickle.loads(pickle.dumps(param))
    assert type(plain) is nn.Parameter and plain.requires_grad and plain.tolist() == [1.0, 1.0]
    param.note = "mine"  # type: ignore[attr-defined]
    assert pickle.loads(pickle.dumps(param)).note == "mine"


def test_a_buffer_is_a_marked_tensor() -> None:
    buffer = nn.Buffer(torch.ones(1), persistent=False)
    assert type(buffer) is torch.Tensor and isinstance(buffer, nn.Buffer) and not buffer.persistent
    assert not isinstance(torch.ones(1), nn.Buffer) and nn.Buffer().numel() == 0


def test_uninitialized_tensors_are_copied_and_pickled_as_such() -> None:
    param = nn.UninitializedParameter(requires_grad=False)
    for other in (copy.deepcopy(param), pickle.loads(pickle.dumps(param))):
        assert type(other) is nn.UninitializedParameter and not other.requires_grad
    assert type(copy.deepcopy(nn.UninitializedBuffer())) is nn.UninitializedBuffer
    with pytest.raises(ValueError, match="Attempted to use an uninitialized parameter"):
        nn.functional.linear(torch.ones(1, 2), param)
