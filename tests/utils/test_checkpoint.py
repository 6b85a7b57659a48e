"""Checkpointing without PyTorch: the same gradients, what is computed again, and what is not."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import pytest

import rushlight as torch
from rushlight.utils.checkpoint import (
    CheckpointError,
    CheckpointPolicy,
    GraphExecGroup,
    checkpoint,
    checkpoint_sequential,
    create_selective_checkpoint_contexts,
    set_checkpoint_debug_enabled,
    set_checkpoint_early_stop,
)

torch.manual_seed(0)
FIRST, SECOND = torch.nn.Linear(4, 4), torch.nn.Linear(4, 4)


def network(x: Any) -> Any:
    return SECOND(torch.nn.functional.dropout(FIRST(x).sin(), 0.5)).exp()


def gradients(call: Any) -> list[Any]:
    torch.manual_seed(1)
    x = torch.arange(12.0).view(3, 4).div(10).requires_grad_()
    for layer in (FIRST, SECOND):
        layer.zero_grad()
    call(x).sum().backward()
    return [x.grad, *[p.grad for layer in (FIRST, SECOND) for p in layer.parameters()]]


WAYS = {
    "hooks": lambda x: checkpoint(network, x, use_reentrant=False),
    "reentrant": lambda x: checkpoint(network, x, use_reentrant=True),
    "whole": lambda x: checkpoint(network, x, use_reentrant=False, early_stop=False),
    "debug": lambda x: checkpoint(network, x, use_reentrant=False, debug=True),
    "unchecked": lambda x: checkpoint(network, x, use_reentrant=False, determinism_check="none"),
    "nested": lambda x: checkpoint(lambda y: checkpoint(network, y, use_reentrant=False), x, use_reentrant=False),
    "selective": lambda x: checkpoint(
        network, x, use_reentrant=False,
        context_fn=lambda: create_selective_checkpoint_contexts([torch.ops.aten.addmm.default]),
    ),
    "bools": lambda x: checkpoint(
        network, x, use_reentrant=False,
        context_fn=lambda: create_selective_checkpoint_contexts(lambda ctx, op, *args, **kwargs: True),
    ),
}  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
def test_gradients_are_those_without(way: str) -> None:
    for mine, expected in zip(gradients(WAYS[way]), gradients(network), strict=True):
        assert torch.equal(mine, expected)


def test_sequences_in_segments() -> None:
    model = torch.nn.Sequential(FIRST, torch.nn.Tanh(), SECOND, torch.nn.Tanh())
    for reentrant in (True, False):
        for segments in (1, 2, 3):
            found = gradients(lambda x, s=segments, r=reentrant: checkpoint_sequential(model, s, x, use_reentrant=r))
            for mine, expected in zip(found, gradients(model), strict=True):
                assert torch.equal(mine, expected)


def test_what_is_saved_is_freed() -> None:
    kept: list[Any] = []

    def keep(x: Any) -> Any:
        y = x.sin()
        kept.append(weakref.ref(y._array))
        return y.exp()

    x = torch.ones(3, requires_grad=True)
    out = checkpoint(keep, x, use_reentrant=False)
    gc.collect()
    assert kept[0]() is None
    out.sum().backward()
    assert len(kept) == 2


def test_recomputation_stops_early() -> None:
    reached: list[int] = []

    def steps(x: Any) -> Any:
        y = x.exp()
        reached.append(1)
        return y * 1.0

    x = torch.ones(2, requires_grad=True)
    for early, expected in ((True, [1]), (False, [1, 1])):
        reached.clear()
        with set_checkpoint_early_stop(early):
            checkpoint(steps, x, use_reentrant=False).sum().backward()
        assert reached == expected


def test_kept_operations_are_not_run_again() -> None:
    asked: list[str] = []

    def policy(ctx: Any, op: Any, *args: Any, **kwargs: Any) -> CheckpointPolicy:
        asked.append(str(op))
        return CheckpointPolicy.MUST_SAVE if op == torch.ops.aten.mm.default else CheckpointPolicy.PREFER_RECOMPUTE

    runs: list[int] = []
    product = torch.ops.aten.mm

    def function(x: Any) -> Any:
        runs.append(1)
        return product(x, x).exp()

    x = torch.eye(2, requires_grad=True)
    calls = 0
    from rushlight.ops.matmul import Mm

    forward = Mm.forward

    def counting(*args: Any) -> Any:
        nonlocal calls
        calls += 1
        return forward(*args)

    try:
        Mm.forward = staticmethod(counting)  # type: ignore[method-assign]
        out = checkpoint(
            function, x, use_reentrant=False, context_fn=lambda: create_selective_checkpoint_contexts(policy)
        )
        before = calls
        out.sum().backward()
        # The backward formula's own products don't go through it.
        assert (before, calls) == (1, 1)
    finally:
        Mm.forward = staticmethod(forward)  # type: ignore[method-assign]
    assert len(runs) == 2
    assert "aten.mm.default" in asked


def test_a_function_that_does_something_else_is_found_out() -> None:
    calls: list[int] = []

    def fickle(x: Any) -> Any:
        calls.append(1)
        return x.sin().exp() if len(calls) == 1 else x.sin()

    x = torch.ones(2, requires_grad=True)
    with pytest.raises(CheckpointError, match=r"Number of tensors saved during forward: 2\n.*recomputation: 1"):
        checkpoint(fickle, x, use_reentrant=False).sum().backward()
    calls.clear()
    with set_checkpoint_debug_enabled(True), pytest.raises(CheckpointError, match="Tensors saved during recomputation"):
        checkpoint(fickle, x, use_reentrant=False).sum().backward()

    def smaller(x: Any) -> Any:
        calls.append(1)
        return (x if len(calls) % 2 else x[:1]).sin()

    calls.clear()
    with pytest.raises(CheckpointError, match=r"recomputed metadata: \{'shape': torch.Size\(\[1\]\)"):
        checkpoint(smaller, x, use_reentrant=False).sum().backward()


def test_a_graph_that_is_kept_is_recomputed_for_each_pass() -> None:
    runs: list[int] = []

    def function(x: Any) -> Any:
        runs.append(1)
        return x.exp().sin()

    x = torch.ones(2, requires_grad=True)
    out = checkpoint(function, x, use_reentrant=False).sum()
    out.backward(retain_graph=True)
    out.backward()
    assert len(runs) == 3
    a, b = x[:1] * 1, x[1:] * 1
    runs.clear()
    first, second = checkpoint(lambda p, q: (function(p), q.exp()), a, b, use_reentrant=False)
    with GraphExecGroup():
        first.sum().backward(retain_graph=True)
        second.sum().backward()
    assert len(runs) == 2


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda x: checkpoint(network, x, use_reentrant=True, debug=True), ValueError, "only supported when"),
        (lambda x: checkpoint(network, x, use_reentrant=True, a=1), ValueError, "Unexpected keyword arguments: a"),
        (lambda x: checkpoint(network, x, use_reentrant=False, determinism_check="all"), ValueError, "should be one"),
        (lambda x: torch.autograd.grad(checkpoint(network, x, use_reentrant=True).sum(), x), RuntimeError, "is incomp"),
        (lambda x: checkpoint_sequential([FIRST], 1, x, use_reentrant=False, a=1), ValueError, "Unexpected keyword"),
        (lambda x: create_selective_checkpoint_contexts([torch.ops.aten.mm]), ValueError, "to be an OpOverload"),
        (lambda x: create_selective_checkpoint_contexts(3), TypeError, "must be either a function or a list"),
    ],
)
def test_misuse(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call(torch.ones(3, 4, requires_grad=True))
