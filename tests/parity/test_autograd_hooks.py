"""Hooks, retained gradients, anomalies against PyTorch: one program a feature, which must print the same on both."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from tests.parity.programs import attempt, same_lines  # noqa: E402

PROGRAMS: dict[str, Callable[[Any], None]] = {}


def program(function: Callable[[Any], None]) -> Callable[[Any], None]:
    PROGRAMS[function.__name__] = function
    return function


def leaf(t: Any, *values: float) -> Any:
    return t.tensor(list(values), requires_grad=True)


@program
def tensor_hooks(t: Any) -> None:
    x = leaf(t, 1.0, 2.0)
    h = x * 3
    order: list[str] = []
    first = x.register_hook(lambda g: order.append("leaf"))
    h.register_hook(lambda g: order.append("middle 1") or g * 2)
    h.register_hook(lambda g: order.append(f"middle 2 {g.tolist()}"))
    h.retain_grad()
    h.sum().backward()
    print(order, x.grad, h.grad, h.retains_grad, x.retains_grad)
    first.remove()
    x.grad = None
    x.register_hook(lambda g: g + 1)
    (x * 3).sum().backward()
    print(x.grad)
    attempt(lambda: t.ones(1).register_hook(print))
    attempt(lambda: t.ones(1).retain_grad())
    x = leaf(t, 1.0, 2.0)
    x.register_hook(lambda g: t.ones(3))
    attempt(lambda: (x * 3).sum().backward())
    x = leaf(t, 1.0, 2.0)
    x.register_hook(lambda g: 3)
    attempt(lambda: (x * 3).sum().backward())


@program
def hooks_with_grad(t: Any) -> None:
    x = leaf(t, 1.0, 2.0)
    x.register_hook(lambda g: g * 2)
    print(t.autograd.grad((x * 3).sum(), x), x.grad)
    h = x * 2
    h.register_hook(lambda g: g * 10)
    print(t.autograd.grad((h * 3).sum(), [h, x]))


@program
def post_accumulate_hooks(t: Any) -> None:
    x = leaf(t, 1.0, 2.0)
    seen: list[Any] = []
    handle = x.register_post_accumulate_grad_hook(lambda p: seen.append((p is x, p.grad.tolist())))
    (x * 2).sum().backward()
    (x * 2).sum().backward()
    handle.remove()
    (x * 2).sum().backward()
    print(seen, x.grad)
    attempt(lambda: (x * 2).register_post_accumulate_grad_hook(print))
    attempt(lambda: t.ones(1).register_post_accumulate_grad_hook(print))

    def clear(p: Any) -> None:
        p.grad = None

    x.register_post_accumulate_grad_hook(clear)
    (x * 2).sum().backward()
    print(x.grad)


@program
def node_hooks(t: Any) -> None:
    x, w = leaf(t, 1.0, 2.0), leaf(t, 3.0, 4.0)
    y = x * w
    order: list[Any] = []
    y.grad_fn.register_prehook(lambda g: order.append(("pre", len(g), g[0].tolist())) or (g[0] * 2,))
    y.grad_fn.register_hook(lambda gi, go: order.append(("post", [a.tolist() for a in gi], go[0].tolist())))
    handle = y.grad_fn.register_hook(lambda gi, go: (gi[0] * 0, gi[1]))
    y.sum().backward(retain_graph=True)
    print(order, x.grad, w.grad)
    handle.remove()
    y.sum().backward()
    print(x.grad, w.grad)
    node = (x * w).sum().grad_fn
    print([f[0].name() for f in node.next_functions], [f[1] for f in node.next_functions])
    inner = node.next_functions[0][0]
    print([f[0].name() for f in inner.next_functions], inner.next_functions[0][0].variable is x)
    mixed = (x * 2 + w.detach()).grad_fn
    print(mixed.next_functions[1], mixed.name(), mixed.metadata)


@program
def retained_gradients(t: Any) -> None:
    x = leaf(t, 1.0, 2.0)
    h = x * 3
    h.retain_grad()
    h.retain_grad()
    (h * h).sum().backward()
    print(h.grad, x.grad)
    h = x * 3
    h.retain_grad()
    h.mul_(2)
    (h * h).sum().backward()
    print(h.grad)
    g = x * 1
    print(g.grad)


@program
def anomalies(t: Any) -> None:
    x = leaf(t, -1.0, 4.0)
    with t.autograd.detect_anomaly():
        y = x.sqrt().sum()
        try:
            y.backward()
        except RuntimeError as error:
            print(error)
    with t.autograd.set_detect_anomaly(True, check_nan=False):
        print(t.is_anomaly_enabled() if hasattr(t, "is_anomaly_enabled") else True)
        y = x.sqrt().sum()
        attempt(lambda: y.backward())


@program
def reentrant(t: Any) -> None:
    x = leaf(t, 2.0)

    def again(g: Any) -> Any:
        inner = leaf(t, 3.0)
        with t.enable_grad():
            (inner**2).sum().backward()
        return g * inner.grad

    h = x * 1
    h.register_hook(again)
    (h * 5).sum().backward()
    print(x.grad)


@program
def graph_module(t: Any) -> None:
    x = leaf(t, 2.0, 3.0)
    log: list[str] = []

    def pack(v: Any) -> Any:
        log.append(f"pack {v.tolist()}")
        return v * 10

    def unpack(v: Any) -> Any:
        log.append("unpack")
        return v / 10

    with t.autograd.graph.saved_tensors_hooks(pack, unpack):
        y = x * x
    y.sum().backward()
    print(log, x.grad)
    with t.autograd.graph.saved_tensors_hooks(pack, unpack):
        e = x.exp()
    (g,) = t.autograd.grad(e.sum(), x, create_graph=True)
    print(g.detach())
    with t.autograd.graph.disable_saved_tensors_hooks("not here"):
        attempt(lambda: t.autograd.graph.saved_tensors_hooks(pack, unpack).__enter__())
    edge = t.autograd.graph.get_gradient_edge(x * 2)
    print(type(edge).__name__, type(edge.node).__name__, edge.output_nr)
    print(isinstance((x * 2).grad_fn, t.autograd.graph.Node))
    print(t.autograd.gradcheck.__name__, issubclass(t.autograd.gradcheck.__class__, object))


@pytest.mark.parametrize("name", PROGRAMS)
def test_program(name: str) -> None:
    same_lines(PROGRAMS[name])
