"""The life of a graph: long chains, memory freed at once, threads, gradients that nobody else holds."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import rushlight as torch


def leaf(*values: float) -> Any:
    return torch.tensor(list(values), requires_grad=True)


def test_a_chain_of_100000_operations_goes_backward_and_away() -> None:
    x = leaf(1.0)
    y = x
    for _ in range(100_000):
        y = y + 1
    y.backward()
    assert x.grad.tolist() == [1.0]
    del y
    y = x
    for _ in range(100_000):
        y = y * 1.0
    del y


class Keep(torch.autograd.Function):
    """A user's operation that saves its result."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        out = x.exp()
        ctx.save_for_backward(out, x)
        return out

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        return grad * ctx.saved_tensors[0]


def in_place_on_a_view(x: Any) -> Any:
    y = x * 1
    y[:1].mul_(x[:1])
    y[1:] = x[:1]
    return y


MAKERS: dict[str, Callable[[Any], Any]] = {
    "exp": lambda x: x.exp(),
    "sigmoid": lambda x: x.sigmoid(),
    "tanh": lambda x: x.tanh(),
    "sqrt": lambda x: x.sqrt(),
    "softmax": lambda x: x.softmax(0),
    "max": lambda x: x.max(0).values,
    "sort": lambda x: x.sort()[0],
    "pow": lambda x: x**x,
    "function": Keep.apply,
    "view": lambda x: x.view(1, 2).t(),
    "in place": lambda x: (x * 1).exp_(),
    "in place view": in_place_on_a_view,
    "split": lambda x: x.split(1)[0],
    "linear": lambda x: torch.nn.functional.linear(x, torch.ones(3, 2), torch.ones(3)),
    "batch norm": lambda x: torch.nn.BatchNorm1d(1)(x.view(2, 1)),
    "dropout": lambda x: torch.nn.functional.dropout(x),
    "conv": lambda x: torch.nn.functional.conv1d(x.view(1, 1, 2), torch.ones(1, 1, 2)),
    "cross entropy": lambda x: torch.nn.functional.cross_entropy(x, torch.tensor(1)),
}


@pytest.mark.parametrize("name", MAKERS)
def test_a_graph_is_freed_without_the_garbage_collector(name: str) -> None:
    gc.collect()
    gc.disable()
    try:
        for backward in (False, True):
            x = leaf(0.5, 1.5)
            y = MAKERS[name](x)
            watched = [weakref.ref(x), weakref.ref(y), weakref.ref(y.grad_fn)]
            if backward:
                y.sum().backward()
            del y, x
            assert [ref() for ref in watched] == [None] * 3
    finally:
        gc.enable()


def test_a_network_and_its_activations_are_freed_without_the_garbage_collector() -> None:
    gc.collect()
    gc.disable()
    try:
        model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.ReLU(), torch.nn.Linear(4, 2))
        seen: list[Any] = []
        model[1].register_forward_hook(lambda module, args, output: seen.append(weakref.ref(output)))
        loss = model(torch.ones(2, 3)).sum()
        loss.backward()
        seen.append(weakref.ref(loss))
        del loss
        assert [ref() for ref in seen] == [None, None]
        weight = weakref.ref(model[0].weight)
        del model
        gc.collect()
        assert weight() is None
    finally:
        gc.enable()


def test_gradients_share_memory_with_nothing() -> None:
    x, z, given = leaf(1.0, 2.0), leaf(3.0, 4.0), torch.ones(2)
    (x + z).backward(given)
    (x + z).backward(given)
    x.grad.mul_(5)
    assert (x.grad.tolist(), z.grad.tolist(), given.tolist()) == ([10.0, 10.0], [2.0, 2.0], [1.0, 1.0])


def test_a_hook_may_keep_the_gradient() -> None:
    x = leaf(1.0, 2.0)
    kept: list[Any] = []
    x.register_hook(kept.append)
    (x * 2).sum().backward()
    x.grad.zero_()
    (x * 3).sum().backward()
    x.grad.zero_()
    assert [g.tolist() for g in kept] == [[2.0, 2.0], [3.0, 3.0]]


@pytest.mark.parametrize("name", ["reshape", "expand", "transpose", "slice"])
def test_gradients_through_views_can_be_written_to(name: str) -> None:
    makers: dict[str, Callable[[Any], Any]] = {
        "reshape": lambda x: x.reshape(4),
        "expand": lambda x: x.expand(3, 2, 2),
        "transpose": lambda x: x.t(),
        "slice": lambda x: x[:, :1],
    }
    x = torch.ones(2, 2, requires_grad=True)
    out = makers[name](x)
    given = torch.ones(out.shape)
    out.backward(given)
    x.grad.add_(1)
    assert x.grad.is_contiguous()
    assert bool((given == 1).all())


def test_backward_passes_side_by_side() -> None:
    found: list[Any] = [None] * 8

    def work(i: int) -> None:
        with torch.set_grad_enabled(i % 2 == 0):
            x = leaf(float(i), 1.0)
            y = x * 3
            for _ in range(50):
                y = y * 1.01 + x
            if i % 2 == 0:
                y.sum().backward()
                found[i] = x.grad.tolist()
            else:
                found[i] = y.requires_grad

    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found[1::2] == [False] * 4
    assert all(f == found[0] for f in found[0::2])
    assert torch.is_grad_enabled()


def test_two_threads_of_one_graph() -> None:
    x = leaf(2.0)
    y = (x * x).exp()
    found: list[Any] = []

    def work() -> None:
        found.append(torch.autograd.grad(y, x, retain_graph=True)[0].item())

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    np.testing.assert_allclose(found, [4 * np.exp(4.0)] * 4, rtol=1e-6)


def test_backward_within_backward() -> None:
    class Inner(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            with torch.enable_grad():
                ctx.x = x.detach().requires_grad_()
                ctx.y = (ctx.x**3).sum()
            return ctx.y.detach()

        @staticmethod
        def backward(ctx: Any, grad: Any) -> Any:
            ctx.y.backward()
            return ctx.x.grad * grad

    x = leaf(2.0)
    (Inner.apply(x * 1) * 2).backward()
    assert x.grad.tolist() == [24.0]


def test_an_error_in_backward_leaves_the_mode_as_it_was() -> None:
    x = leaf(1.0)
    y = x * 2
    y.register_hook(lambda g: 1 / 0)
    for enabled in (True, False):
        with torch.set_grad_enabled(enabled), pytest.raises(ZeroDivisionError):
            y.backward(retain_graph=True)
        assert torch.is_grad_enabled()
