"""Identity, Linear, Bilinear and LazyLinear."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import rushlight as torch
import rushlight.nn as nn
from rushlight.autograd import gradcheck, gradgradcheck

SHAPES = [(3,), (4, 3), (2, 4, 3), (0, 3)]


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_linear_is_a_matrix_product_and_an_addition(shape: tuple[int, ...], bias: bool) -> None:
    torch.manual_seed(0)
    layer = nn.Linear(3, 2, bias=bias)
    x = torch.randn(shape)
    expected = x.numpy() @ layer.weight.detach().numpy().T
    if layer.bias is not None:
        expected = expected + layer.bias.detach().numpy()
    np.testing.assert_allclose(layer(x).detach().numpy(), expected, rtol=1e-5, atol=1e-6)


def test_bilinear_is_a_form_in_both_inputs() -> None:
    torch.manual_seed(0)
    layer = nn.Bilinear(3, 4, 2)
    x, y = torch.randn(5, 3), torch.randn(5, 4)
    expected = np.einsum("ni,kij,nj->nk", x.numpy(), layer.weight.detach().numpy(), y.numpy())
    expected = expected + layer.bias.detach().numpy()  # type: ignore[union-attr]
    np.testing.assert_allclose(layer(x, y).detach().numpy(), expected, rtol=1e-5, atol=1e-6)


GRADIENTS: list[tuple[str, Callable[[], nn.Module], list[tuple[int, ...]]]] = [
    ("linear", lambda: nn.Linear(3, 2, dtype=torch.float64), [(4, 3)]),
    ("linear, no bias, 3 dimensions", lambda: nn.Linear(3, 2, bias=False, dtype=torch.float64), [(2, 4, 3)]),
    ("bilinear", lambda: nn.Bilinear(3, 4, 2, dtype=torch.float64), [(2, 3), (2, 4)]),
]


@pytest.mark.parametrize(("build", "shapes"), [g[1:] for g in GRADIENTS], ids=[g[0] for g in GRADIENTS])
def test_gradients_equal_finite_differences(build: Callable[[], nn.Module], shapes: list[tuple[int, ...]]) -> None:
    torch.manual_seed(1)
    layer = build()
    names = [name for name, _ in layer.named_parameters()]
    inputs = [torch.randn(shape, dtype=torch.float64, requires_grad=True) for shape in shapes]
    count = len(inputs)

    def compute(*values: torch.Tensor) -> Any:
        fresh = copy.deepcopy(layer)
        for name, value in zip(names, values[count:], strict=True):
            delattr(fresh, name)
            setattr(fresh, name, value)
        return fresh(*values[:count])

    values = (*inputs, *(p.detach().clone().requires_grad_() for p in layer.parameters()))
    assert gradcheck(compute, values)
    assert gradgradcheck(compute, values)


def test_first_parameters_lie_within_their_bounds_and_follow_the_seed() -> None:
    for layer, bound in ((nn.Linear(25, 400), 0.2), (nn.Bilinear(25, 3, 100), 0.2)):
        for param in layer.parameters():
            largest = param.abs().max().item()
            assert 0.9 * bound < largest <= bound
    torch.manual_seed(3)
    first = nn.Linear(4, 4)
    torch.manual_seed(3)
    again = nn.Linear(4, 4)
    assert torch.equal(first.weight, again.weight) and torch.equal(first.bias, again.bias)
    again.reset_parameters()
    assert not torch.equal(first.weight, again.weight)


def test_layers_are_made_with_a_dtype_and_print_what_they_are() -> None:
    layer = nn.Linear(2, 3, bias=False, device="cpu", dtype=torch.float64)
    assert layer.weight.dtype is torch.float64 and layer.bias is None and list(layer.state_dict()) == ["weight"]
    assert repr(layer) == "Linear(in_features=2, out_features=3, bias=False)"
    assert repr(nn.Bilinear(2, 3, 4)) == "Bilinear(in1_features=2, in2_features=3, out_features=4, bias=True)"
    assert repr(nn.Identity(3, any=4)) == "Identity()" and nn.Identity()(7) == 7


def test_wrong_sizes_are_refused() -> None:
    with pytest.raises(RuntimeError, match=r"mat1 and mat2 shapes cannot be multiplied \(4x5 and 3x2\)") as caught:
        nn.Sequential(nn.Linear(3, 2))(torch.ones(4, 5))
    assert caught.value.__notes__ == ["in 0 (Linear), called with input shapes [(4, 5)]"]
    with pytest.raises(ValueError, match=r"in1_features must be > 0, but got \(in1_features=0\)"):
        nn.Bilinear(0, 1, 1)
    with pytest.raises(RuntimeError, match="Only Tensors of floating point and complex dtype"):
        nn.Linear(2, 2, dtype=torch.int32)


def test_a_lazy_layer_takes_its_size_from_the_first_input() -> None:
    layer = nn.LazyLinear(2)
    assert repr(layer) == "LazyLinear(in_features=0, out_features=2, bias=True)" and layer.has_uninitialized_params()
    weight = layer.weight
    assert layer.double().weight is weight and weight.dtype is torch.float64
    layer.float()
    assert layer(torch.ones(4, 3)).shape == (4, 2)
    assert type(layer) is nn.Linear and layer.in_features == 3 and layer.weight is weight
    assert type(weight) is nn.Parameter and weight.shape == (2, 3) and not layer._forward_pre_hooks
    assert not hasattr(layer, "_load_hook") and not layer._load_state_dict_pre_hooks


def test_a_lazy_layer_takes_its_size_from_a_state() -> None:
    full = nn.Linear(3, 2)
    layer = nn.LazyLinear(2)
    assert str(layer.load_state_dict(full.state_dict())) == "<All keys matched successfully>"
    assert torch.equal(layer.weight, full.weight) and not layer.has_uninitialized_params()
    with pytest.raises(AssertionError, match=r"inferred from input: 5 is not equal to in_features from self.weight: 3"):
        copy.deepcopy(layer)(torch.ones(1, 5))
    assert torch.equal(layer(torch.ones(1, 3)), full(torch.ones(1, 3))) and layer.in_features == 3


def test_lazy_layers_are_copied_pickled_and_saved_before_they_know_their_size() -> None:
    layer = nn.LazyLinear(2, bias=False)
    for other in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        assert other(torch.ones(1, 3)).shape == (1, 2)
    assert layer.has_uninitialized_params() and repr(layer.state_dict()["weight"]) == "<UninitializedParameter>"
    layer.load_state_dict(nn.LazyLinear(2, bias=False).state_dict())
    with pytest.raises(RuntimeError, match="Can't access the shape of an uninitialized parameter"):
        nn.Linear(3, 2, bias=False).load_state_dict(layer.state_dict())
    with pytest.raises(RuntimeError, match="can't be used with `DataParallel`"):
        layer._replicate_for_data_parallel()


def test_a_lazy_module_must_initialize_all_its_parameters() -> None:
    class Half(nn.LazyLinear):
        def initialize_parameters(self, input: Any) -> None:
            self.weight.materialize((1, 1))

    class Forgets(nn.modules.lazy.LazyModuleMixin, nn.Module):
        pass

    with pytest.raises(RuntimeError, match="module Half has not been fully initialized"):
        Half(1)(torch.ones(1, 1))
    with pytest.raises(NotImplementedError, match="initialize_parameters is not implemented for Forgets"):
        Forgets()(1)
