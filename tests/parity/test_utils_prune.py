"""Pruning against PyTorch: masks for the same seed, what programs print."""

from __future__ import annotations

import copy
import importlib
import pickle
import warnings
from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("torch")

from tests.parity.programs import attempt, same_lines

PROGRAMS: dict[str, Callable[[Any], None]] = {}


def program(function: Callable[[Any], None]) -> Callable[[Any], None]:
    PROGRAMS[function.__name__] = function
    return function


def prune_of(t: Any) -> Any:
    """The module, which PyTorch does not import by itself."""
    return importlib.import_module(f"{t.__name__}.nn.utils.prune")


def whole(module: Any) -> None:
    print(module)
    print([name for name, _ in module.named_parameters()], [name for name, _ in module.named_buffers()])
    hooks = [type(hook).__name__ for m in module.modules() for hook in m._forward_pre_hooks.values()]
    print(list(module.state_dict()), hooks, prune_of_module(module))


def prune_of_module(module: Any) -> bool:
    library = "rushlight" if any("rushlight" in cls.__module__ for cls in type(module).__mro__) else "torch"
    return bool(importlib.import_module(f"{library}.nn.utils.prune").is_pruned(module))


METHODS: dict[str, Callable[[Any, Any], Any]] = {
    "identity": lambda P, m: P.identity(m, "weight"),
    "random number": lambda P, m: P.random_unstructured(m, "weight", 3),
    "random fraction": lambda P, m: P.random_unstructured(m, name="weight", amount=0.45),
    "random all": lambda P, m: P.random_unstructured(m, "weight", 1.0),
    "random none": lambda P, m: P.random_unstructured(m, "weight", 0),
    "l1": lambda P, m: P.l1_unstructured(m, "weight", amount=0.3),
    "l1 bias": lambda P, m: P.l1_unstructured(m, "bias", amount=1),
    "random channels": lambda P, m: P.random_structured(m, "weight", amount=1, dim=0),
    "random channels fraction": lambda P, m: P.random_structured(m, "weight", 0.5, -1),
    "no channels": lambda P, m: P.random_structured(m, "weight", 0, 1),
    "l2 channels": lambda P, m: P.ln_structured(m, "weight", amount=2, n=2, dim=1),
    "l1 channels": lambda P, m: P.ln_structured(m, "weight", amount=0.5, n=1, dim=0),
    "inf channels": lambda P, m: P.ln_structured(m, "weight", amount=1, n=float("-inf"), dim=-2),
    "fro channels": lambda P, m: P.ln_structured(m, "weight", amount=1, n="fro", dim=0),
}


def methods(t: Any, layer: Callable[[], Any]) -> None:
    P = prune_of(t)
    for name, prune in METHODS.items():
        if name == "fro channels" and layer().weight.ndim != 2:
            continue
        module = layer()
        print(name, prune(P, module) is module)
        whole(module)
        pruned = "bias" if "bias" in name else "weight"
        print(getattr(module, pruned + "_mask"), getattr(module, pruned))


@program
def methods_of_linear(t: Any) -> None:
    methods(t, lambda: t.nn.Linear(4, 3))
    print(t.rand(1))


@program
def methods_of_convolutions(t: Any) -> None:
    methods(t, lambda: t.nn.Conv2d(2, 3, (2, 1)))
    print(t.rand(1))


@program
def training(t: Any) -> None:
    P = prune_of(t)
    layer = P.l1_unstructured(t.nn.Linear(3, 2), "weight", 2)
    optimizer = t.optim.SGD(layer.parameters(), lr=0.1)
    for _ in range(2):
        optimizer.zero_grad()
        layer(t.ones(3)).square().sum().backward()
        optimizer.step()
    print(layer.weight, layer.weight_orig, layer.weight_orig.grad, isinstance(layer.weight, t.nn.Parameter))
    layer(t.ones(3))
    print(layer.weight)
    print(P.remove(layer, "weight") is layer)
    whole(layer)
    print(layer.weight)
    attempt(lambda: P.remove(layer, "weight"))


@program
def again_and_again(t: Any) -> None:
    P = prune_of(t)
    layer = t.nn.Linear(4, 3)
    steps = (
        lambda: P.l1_unstructured(layer, "weight", 0.25),
        lambda: P.random_unstructured(layer, "weight", 0.2),
        lambda: P.ln_structured(layer, "weight", 1, 2, 0),
        lambda: P.random_structured(layer, "weight", 1, 1),
        lambda: P.identity(layer, "weight"),
        lambda: P.custom_from_mask(layer, "weight", t.tensor([[1, 0, 1, 1]] * 3)),
        lambda: P.l1_unstructured(layer, "bias", 1),
    )
    for step in steps:
        step()
        print(layer.weight_mask)
        whole(layer)
    container = next(iter(layer._forward_pre_hooks.values()))
    print(len(container), [type(method).__name__ for method in container], type(container[0]).__name__)
    print(
        container._tensor_name,
        container[1:3][0].amount,
        P.PruningContainer.PRUNING_TYPE if hasattr(P.PruningContainer, "PRUNING_TYPE") else None,
    )
    P.remove(layer, "weight")
    P.remove(layer, "bias")
    whole(layer)
    print(layer.weight, layer.bias)
    P.l1_unstructured(layer, "weight", 1)
    attempt(lambda: P.l1_unstructured(layer, "weight", 100))
    print(len(layer._forward_pre_hooks), layer.weight_mask.sum())


@program
def importance(t: Any) -> None:
    P = prune_of(t)
    scores = t.tensor([[3.0, 1.0, 2.0], [6.0, 5.0, -4.0]])
    print(P.l1_unstructured(t.nn.Linear(3, 2), "weight", 2, importance_scores=scores).weight_mask)
    print(P.ln_structured(t.nn.Linear(3, 2), "weight", 1, 1, 1, importance_scores=scores).weight_mask)
    print(P.ln_structured(t.nn.Linear(3, 2), "weight", 1, 1, 0, scores).weight_mask)
    method = P.L1Unstructured(2)
    print(method.prune(scores), method.prune(t.ones(2, 3), importance_scores=scores))
    print(method.prune(scores, default_mask=t.tensor([[1.0, 1.0, 1.0], [0.0, 1.0, 1.0]])))
    print(P.LnStructured(1, 2, dim=0).prune(scores), P.RandomStructured(1, 0).prune(scores))
    print(P.CustomFromMask(t.tensor([[1, 0, 1], [0, 1, 1]])).prune(scores), P.Identity().prune(scores))
    attempt(lambda: P.l1_unstructured(t.nn.Linear(3, 2), "weight", 2, importance_scores=t.ones(2)))


@program
def globally(t: Any) -> None:
    P = prune_of(t)
    for method, options in (
        (P.L1Unstructured, {"amount": 0.5}),
        (P.RandomUnstructured, {"amount": 4}),
    ):
        net = t.nn.Sequential(t.nn.Linear(3, 2), t.nn.ReLU(), t.nn.Linear(2, 2))
        pairs = [(net[0], "weight"), (net[2], "weight"), (net[2], "bias")]
        print(P.global_unstructured(pairs, method, **options))
        whole(net)
        P.global_unstructured(
            tuple(pairs), pruning_method=method, importance_scores={pairs[0]: t.arange(6.0).view(2, 3) / 8}, amount=0.5
        )
        whole(net)
        print(net[0].weight_mask, net[2].weight_mask, net[2].bias_mask)
    attempt(lambda: P.global_unstructured([(t.nn.Linear(2, 2), "weight")], P.LnStructured, amount=1, n=2))


@program
def own_methods(t: Any) -> None:
    P = prune_of(t)

    class EveryOther(P.BasePruningMethod):
        PRUNING_TYPE = "unstructured"

        def compute_mask(self, t: Any, default_mask: Any) -> Any:
            mask = default_mask.clone()
            mask.view(-1)[::2] = 0
            return mask

    layer = t.nn.Linear(4, 2)
    print(type(EveryOther.apply(layer, "weight")).__name__, layer.weight_mask)
    print(type(EveryOther.apply(layer, "weight")).__name__, layer.weight_mask)
    for kind in ("structured", "odd"):
        EveryOther.PRUNING_TYPE = kind
        attempt(lambda: EveryOther.apply(layer, "weight"))
        print([type(hook).__name__ for hook in layer._forward_pre_hooks.values()])
    fresh = t.nn.Linear(4, 2)

    class Broken(P.BasePruningMethod):
        PRUNING_TYPE = "global"

        def compute_mask(self, t: Any, default_mask: Any) -> Any:
            raise ValueError("no mask")

    attempt(lambda: Broken.apply(fresh, "weight"))
    whole(fresh)
    container = P.PruningContainer()
    container._tensor_name = "weight"
    first, second = P.L1Unstructured(1), P.L1Unstructured(1)
    first._tensor_name, second._tensor_name = "weight", "bias"
    container.add_pruning_method(first)
    try:
        container.add_pruning_method(second)
    except ValueError as error:
        print(str(error).split("PruningContainer")[0], str(error)[-14:])
    attempt(lambda: container.add_pruning_method(3))
    print(len(P.PruningContainer(first)), P.PruningContainer(first)._tensor_name)


@program
def states_copies_pickles(t: Any) -> None:
    P = prune_of(t)
    net = t.nn.Sequential(P.random_unstructured(t.nn.Linear(3, 2), "weight", 3))
    other = t.nn.Sequential(P.identity(t.nn.Linear(3, 2), "weight"))
    print(other.load_state_dict(net.state_dict()), t.equal(other(t.ones(3)), net(t.ones(3))))
    attempt(lambda: t.nn.Sequential(t.nn.Linear(3, 2)).load_state_dict(net.state_dict()))
    attempt(lambda: copy.deepcopy(net))
    P.remove(net[0], "weight")
    twin = pickle.loads(pickle.dumps(copy.deepcopy(net)))
    print(t.equal(twin[0].weight, net[0].weight))
    net = t.nn.Sequential(P.l1_unstructured(t.nn.Linear(3, 2), "weight", 3)).double()
    print(net(t.ones(3).double()).dtype, net[0].weight_mask.dtype, net[0].weight.dtype)
    half = P.l1_unstructured(t.nn.Linear(3, 2).half(), "weight", 3)
    print(half.weight, half.weight_mask)


@pytest.mark.parametrize("name", PROGRAMS)
def test_program(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        same_lines(PROGRAMS[name])
