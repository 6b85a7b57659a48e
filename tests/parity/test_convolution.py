"""Programs over convolution, pooling and folding that print the same on torch and on rushlight."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("torch")

from tests.parity.programs import attempt, same_lines

PROGRAMS: list[Callable[[Any], None]] = []
LAZY = [f"Lazy{kind}{rank}d" for kind in ("Conv", "ConvTranspose") for rank in (1, 2, 3)]


def program(function: Callable[[Any], None]) -> Callable[[Any], None]:
    PROGRAMS.append(function)
    return function


@program
def lazy_layers(t: Any) -> None:
    for name in LAZY:
        rank = int(name[-2])
        layer = getattr(t.nn, name)(4, 3, groups=2, padding=1)
        print(layer, layer.state_dict(), layer.has_uninitialized_params(), layer.cls_to_become.__name__)
        attempt(lambda: layer.weight.shape)
        attempt(lambda: layer(t.ones(2, 2)) if rank > 1 else layer(t.ones(2)))
        attempt(lambda: layer(t.ones(3, *[5] * rank)))
        print(layer)
        out = layer(t.ones(2, 2, *[5] * rank))
        print(layer, type(layer).__name__, out.shape, layer.weight.shape, layer.weight.sum(), layer.bias)
        print(hasattr(layer, "_initialize_hook"), type(layer.weight).__name__, list(layer.state_dict()))


@program
def lazy_layers_that_are_loaded(t: Any) -> None:
    for name in LAZY:
        rank = int(name[-2])
        state = getattr(t.nn, name[4:])(2, 4, 3).state_dict()
        layer = getattr(t.nn, name)(4, 3)
        print(layer.load_state_dict(state), layer, type(layer.weight).__name__, layer.has_uninitialized_params())
        print(layer(t.ones(1, 2, *[4] * rank)).sum(), layer, type(layer).__name__)
        print(getattr(t.nn, name)(4, 3).load_state_dict(getattr(t.nn, name)(4, 3).state_dict()))
        full = getattr(t.nn, name[4:])(2, 4, 3)
        attempt(lambda: full.load_state_dict(getattr(t.nn, name)(4, 3).state_dict()))


@program
def lazy_layers_elsewhere(t: Any) -> None:
    net = t.nn.Sequential(t.nn.LazyConv2d(3, 2), t.nn.ReLU(), t.nn.LazyConvTranspose2d(2, 2, bias=False))
    twin, thawed = copy.deepcopy(net), pickle.loads(pickle.dumps(net))
    print(net, [type(p).__name__ for p in net.parameters()])
    for each in (net, twin, thawed):
        t.manual_seed(1)
        print(each(t.ones(1, 2, 4, 4)).sum(), each)
    print(sum(p.numel() for p in net.parameters()))
    layer = t.nn.LazyConv1d(2, 2, dtype=t.float64)
    print(layer.weight.dtype, layer(t.ones(3, 4, dtype=t.float64)).dtype)
    print(t.nn.LazyConvTranspose1d(2, 3, stride=2)(t.ones(1, 2, 5), output_size=(12,)).shape)
    print(t.nn.LazyConv1d(4, 3, bias=False, padding="same", padding_mode="circular"))
    attempt(lambda: t.nn.LazyConv1d(3, 3, groups=2)(t.ones(1, 2, 5)))


@program
def lists_of_constants(t: Any) -> None:
    names = [n for n in dir(t.nn) if any(part in n for part in ("Conv", "Pool", "Pad", "Fold", "Unfold", "Unpool"))]
    for name in names:
        print(name, getattr(getattr(t.nn, name), "__constants__", None))


@program
def names_in_the_graph(t: Any) -> None:
    F = t.nn.functional
    for rank in (1, 2, 3):
        x = t.randn(1, 2, *[4] * rank, requires_grad=True)
        pooled, indices = getattr(F, f"max_pool{rank}d")(x, 2, return_indices=True)
        results = [
            getattr(F, f"conv{rank}d")(x, t.ones(1, 2, *[2] * rank)),
            getattr(F, f"conv_transpose{rank}d")(x, t.ones(2, 1, *[2] * rank)),
            pooled,
            getattr(F, f"max_unpool{rank}d")(pooled, indices, 2),
            getattr(F, f"avg_pool{rank}d")(x, 2),
            getattr(F, f"lp_pool{rank}d")(x.abs(), 2, 2),
            getattr(F, f"lp_pool{rank}d")(x, float("inf"), 2),
            getattr(F, f"adaptive_max_pool{rank}d")(x, 2),
            getattr(F, f"adaptive_avg_pool{rank}d")(x, 2),
            F.pad(x, (1, 1)),
            F.pad(x, (1, 1) * rank, "reflect"),
            F.pad(x, (1, 1) * rank, "replicate"),
        ]
        if rank > 1:
            results.append(getattr(F, f"fractional_max_pool{rank}d")(x, 2, 2))
        print([type(r.grad_fn).__name__ for r in results])
    x = t.randn(1, 1, 3, 3, requires_grad=True)
    columns = F.unfold(x, 2)
    (grad,) = t.autograd.grad((columns**2).sum(), x, create_graph=True)
    tbc = t.conv_tbc(t.ones(3, 1, 2, requires_grad=True), t.ones(2, 2, 1), t.ones(1))
    for result in (columns, grad, F.fold(columns, 3, 2), F.fold(columns[0], 3, 2), tbc):
        print(type(result.grad_fn).__name__)
    made = t.nn.grad.conv2d_input((1, 1, 3, 3), t.ones(1, 1, 2, 2, requires_grad=True), t.ones(1, 1, 2, 2))
    print(type(made.grad_fn).__name__, made.requires_grad)


@program
def random_samples(t: Any) -> None:
    F = t.nn.functional
    for dtype in (t.float32, t.float64, t.float16, t.bfloat16):
        t.manual_seed(3)
        x = t.arange(2 * 3 * 7 * 9).reshape(2, 3, 7, 9).to(dtype) * 5 % 67
        print(F.fractional_max_pool2d(x, (2, 3), (3, 4), return_indices=True), t.rand(1))
        print(F.fractional_max_pool3d(x, (1, 2, 2), output_ratio=(0.7, 0.5, 0.3), return_indices=True), t.rand(1))
    layer = t.nn.FractionalMaxPool2d(2, 3, _random_samples=t.full((1, 1, 2), 0.25))
    print(layer, layer.state_dict(), layer(t.arange(64.0).reshape(1, 8, 8)))
    t.manual_seed(0)
    print([t.nn.FractionalMaxPool2d(2, 2)(t.arange(16.0).reshape(1, 4, 4)).sum().item() for _ in range(5)])


@program
def special_values(t: Any) -> None:
    F, inf, nan = t.nn.functional, float("inf"), float("nan")
    x = t.tensor([[[nan, 1, nan, 2], [3, -inf, -inf, 4], [-inf, -inf, 5, nan], [-inf, -inf, nan, 8.0]]])
    print(F.fractional_max_pool2d(x, 2, 2, _random_samples=t.zeros(1, 1, 2), return_indices=True))
    print(F.adaptive_max_pool2d(x, 2, return_indices=True), F.adaptive_max_pool2d(x, 3, return_indices=True))
    print(F.adaptive_max_pool2d(x, 1, return_indices=True), F.adaptive_max_pool2d(x, (2, 4), return_indices=True))
    cube = t.stack([x[0], x[0].T, x[0].flip(0), t.full((4, 4), -inf)])[None]
    for settings in ((2, 2, 0), (3, 2, 1), ((3, 1, 1), 1, (1, 0, 0)), (2, 1, 1, 2)):
        print(F.max_pool3d(cube, *settings, return_indices=True))
    print(F.adaptive_max_pool3d(cube, (2, 3, 1), return_indices=True))
    print(F.max_unpool1d(t.tensor([[nan, inf]]), t.tensor([[3, 0]]), 2), F.adaptive_avg_pool2d(x, 2))
    print(F.lp_pool2d(x, 2, 2), F.lp_pool1d(t.tensor([[-3.0, 1, 0, 0]]), 3, 2), F.unfold(x, 3))


@program
def strides_between(t: Any) -> None:
    x = t.arange(120.0).reshape(2, 3, 4, 5).transpose(1, 3)
    F = t.nn.functional
    print(F.unfold(x, 2).sum(), F.adaptive_max_pool2d(x, 2).flatten()[:9], F.max_pool3d(x, 2).flatten()[:9])
    print(F.avg_pool3d(x, (2, 2, 1)).flatten()[:9], F.lp_pool2d(x, 2, 2).flatten()[:5])
    print(F.conv3d(x[None], t.ones(1, 2, 2, 2, 2).transpose(2, 4)).flatten()[:5])


@pytest.mark.parametrize("function", PROGRAMS, ids=lambda f: f.__name__)
def test_program(function: Callable[[Any], None]) -> None:
    same_lines(function)
