"""Parametrizations, norms of weights and pruning: what holds by their definition, checked with NumPy."""

from __future__ import annotations

import copy
import pickle
import warnings
from typing import Any

import numpy as np
import pytest

import rushlight as torch

nn = torch.nn
P = nn.utils.parametrize
N = nn.utils.parametrizations
prune = nn.utils.prune


class Double(nn.Module):
    def forward(self, x: Any) -> Any:
        return x * 2

    def right_inverse(self, x: Any) -> Any:
        return x / 2


def test_a_parametrized_weight_is_computed_from_the_original() -> None:
    layer = nn.Linear(2, 2)
    weight, values = layer.weight, layer.weight.detach().clone()
    P.register_parametrization(layer, "weight", Double())
    assert layer.parametrizations.weight.original is weight
    assert torch.equal(weight, values / 2) and torch.equal(layer.weight, values)
    assert type(layer).__name__ == "ParametrizedLinear" and isinstance(layer, nn.Linear)
    assert list(layer.state_dict()) == ["bias", "parametrizations.weight.original"]
    layer.weight = torch.ones(2, 2)
    assert torch.equal(weight, torch.full((2, 2), 0.5))
    layer(torch.ones(2)).sum().backward()
    np.testing.assert_array_equal(weight.grad.numpy(), np.full((2, 2), 2.0))


def test_two_instances_of_a_class_are_parametrized_apart() -> None:
    first, second = nn.Linear(2, 2), nn.Linear(2, 2)
    P.register_parametrization(first, "weight", Double())
    assert not P.is_parametrized(second) and "weight" in second._parameters
    assert P.type_before_parametrizations(first) is nn.Linear


@pytest.mark.parametrize("leave", [True, False])
def test_removal_gives_the_class_and_the_parameter_back(leave: bool) -> None:
    layer = nn.Linear(2, 2)
    weight, values = layer.weight, layer.weight.detach().clone()
    P.register_parametrization(layer, "weight", Double())
    P.remove_parametrizations(layer, "weight", leave_parametrized=leave)
    assert type(layer) is nn.Linear and layer.weight is weight and not hasattr(layer, "parametrizations")
    assert torch.equal(layer.weight, values if leave else values / 2)


def test_cached_computes_once() -> None:
    calls = []

    class Counting(nn.Module):
        def forward(self, x: Any) -> Any:
            calls.append(1)
            return x + 0

    layer = P.register_parametrization(nn.Linear(2, 2), "weight", Counting())
    calls.clear()
    with P.cached():
        first = layer.weight
        with P.cached():
            assert layer.weight is first
        assert layer.weight is first
    assert len(calls) == 1
    assert layer.weight is not first


def test_a_copy_has_its_own_originals_and_pickling_is_refused() -> None:
    layer = N.weight_norm(nn.Linear(2, 2))
    twin = copy.deepcopy(layer)
    with torch.no_grad():
        twin.parametrizations.weight.original0.mul_(3)
    np.testing.assert_allclose(twin.weight.detach().numpy(), 3 * layer.weight.detach().numpy(), rtol=1e-6)
    with pytest.raises(RuntimeError, match="only supported through state_dict"):
        pickle.dumps(layer)


@pytest.mark.parametrize("shape", [(3, 3), (4, 2), (2, 4)])
@pytest.mark.parametrize("kind", ["matrix_exp", "cayley", "householder"])
@pytest.mark.parametrize("trivial", [True, False])
def test_orthogonal_stays_orthogonal(shape: tuple[int, int], kind: str, trivial: bool) -> None:
    layer = nn.Linear(shape[1], shape[0]).double()
    N.orthogonal(layer, orthogonal_map=kind, use_trivialization=trivial)
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.5)
    for _ in range(5):
        optimizer.zero_grad()
        layer(torch.ones(shape[1], dtype=torch.float64)).square().sum().backward()
        optimizer.step()
    weight = layer.weight.detach().numpy()
    tall = weight if shape[0] >= shape[1] else weight.T
    np.testing.assert_allclose(tall.T @ tall, np.eye(tall.shape[1]), atol=1e-10)


def test_orthogonal_begins_with_an_orthogonal_weight_and_takes_one() -> None:
    quarter = torch.tensor([[0.0, -1.0], [1.0, 0.0]])
    layer = nn.Linear(2, 2)
    layer.weight.data = quarter.clone()
    N.orthogonal(layer)
    np.testing.assert_allclose(layer.weight.detach().numpy(), quarter.numpy(), atol=1e-6)
    layer.weight = torch.eye(2)
    np.testing.assert_allclose(layer.weight.detach().numpy(), np.eye(2), atol=1e-6)


@pytest.mark.parametrize("dim", [0, 1, None])
def test_weight_norm_is_length_times_direction(dim: int | None) -> None:
    layer = nn.Linear(3, 2)
    before = layer.weight.detach().numpy().copy()
    N.weight_norm(layer, dim=dim)
    np.testing.assert_allclose(layer.weight.detach().numpy(), before, rtol=1e-6)
    with torch.no_grad():
        layer.parametrizations.weight.original0.fill_(2.0)
    axes = {0: 1, 1: 0, None: None}[dim]
    lengths = np.sqrt((layer.weight.detach().numpy() ** 2).sum(axes))
    np.testing.assert_allclose(lengths, np.full_like(lengths, 2.0), rtol=1e-6)


def test_spectral_norm_is_one() -> None:
    for layer in (N.spectral_norm(nn.Linear(4, 3)), nn.utils.spectral_norm(nn.Linear(4, 3))):
        for _ in range(60):
            layer(torch.ones(4))
        largest = np.linalg.svd(layer.weight.detach().numpy(), compute_uv=False)[0]
        assert abs(largest - 1) < 1e-4


def test_hooks_split_the_weight_and_join_it_again() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        layer = nn.utils.weight_norm(nn.Linear(3, 2))
    weight = layer.weight.detach().clone()
    assert list(layer.state_dict()) == ["bias", "weight_g", "weight_v"]
    nn.utils.remove_weight_norm(layer)
    assert isinstance(layer.weight, nn.Parameter) and torch.allclose(layer.weight, weight)
    layer = nn.utils.spectral_norm(nn.Linear(3, 2))
    assert list(layer.state_dict()) == ["bias", "weight_orig", "weight_u", "weight_v"]
    nn.utils.remove_spectral_norm(layer)
    # PyTorch leaves a hook behind that refuses this.
    layer.load_state_dict(nn.Linear(3, 2).state_dict())


def test_weight_norm_warns_that_it_is_old() -> None:
    with pytest.warns(FutureWarning, match="in favor of `torch.nn.utils.parametrizations.weight_norm`"):
        nn.utils.weight_norm(nn.Linear(3, 2))


def test_the_least_elements_are_pruned_and_stay_so() -> None:
    layer = nn.Linear(3, 2)
    layer.weight.data = torch.tensor([[1.0, -5.0, 0.5], [4.0, -0.25, 3.0]])
    prune.l1_unstructured(layer, "weight", amount=2)
    np.testing.assert_array_equal(layer.weight_mask.numpy(), [[1, 1, 0], [1, 0, 1]])
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.1)
    layer(torch.ones(3)).sum().backward()
    optimizer.step()
    layer(torch.ones(3))
    assert (layer.weight[layer.weight_mask == 0] == 0).all()
    prune.l1_unstructured(layer, "weight", amount=0.5)
    assert layer.weight_mask.sum() == 2
    prune.remove(layer, "weight")
    assert list(layer.state_dict()) == ["bias", "weight"] and (layer.weight == 0).sum() == 4
    assert not prune.is_pruned(layer)


def test_channels_are_pruned_by_their_norm() -> None:
    layer = nn.Conv2d(1, 3, 2)
    layer.weight.data = torch.arange(12.0).view(3, 1, 2, 2)
    prune.ln_structured(layer, "weight", amount=1 / 3, n=2, dim=0)
    np.testing.assert_array_equal(layer.weight_mask.sum((1, 2, 3)).numpy(), [0, 4, 4])


def test_a_global_amount_is_of_all_parameters() -> None:
    net = nn.Sequential(nn.Linear(2, 1, bias=False), nn.Linear(1, 2, bias=False))
    net[0].weight.data = torch.tensor([[0.1, 0.2]])
    net[1].weight.data = torch.tensor([[0.3], [0.15]])
    prune.global_unstructured([(layer, "weight") for layer in net], prune.L1Unstructured, amount=0.5)
    np.testing.assert_array_equal(net[0].weight_mask.numpy(), [[0, 1]])
    np.testing.assert_array_equal(net[1].weight_mask.numpy(), [[1], [0]])
