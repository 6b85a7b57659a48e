"""Losses against PyTorch: values, both orders of gradients, types, strides, modules, errors; one entry a case."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from itertools import zip_longest
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import rushlight  # noqa: E402
from tests.parity.programs import attempt, same_lines  # noqa: E402

REDUCTIONS = ("mean", "sum", "none")


def logits(*shape: int) -> Callable[[Any], np.ndarray]:
    return lambda rng: rng.standard_normal(shape) * 2


def unit(*shape: int) -> Callable[[Any], np.ndarray]:
    return lambda rng: rng.uniform(0.05, 0.95, shape)


def classes(count: int, *shape: int) -> Callable[[Any], np.ndarray]:
    return lambda rng: rng.integers(0, count, shape)


def given(values: Any) -> Callable[[Any], np.ndarray]:
    return lambda rng: np.asarray(values)


# name: (function, input, target, other options; a callable makes an array)
CASES: dict[str, tuple[str, Any, Any, dict[str, Any]]] = {
    "cross entropy": ("cross_entropy", logits(5, 4), classes(4, 5), {}),
    "cross entropy one sample": ("cross_entropy", logits(4), classes(4), {}),
    "cross entropy images": ("cross_entropy", logits(2, 4, 3, 2), classes(4, 2, 3, 2), {}),
    "cross entropy sequence": ("cross_entropy", logits(2, 4, 3), classes(4, 2, 3), {"label_smoothing": 0.1}),
    "cross entropy weight": ("cross_entropy", logits(5, 4), classes(4, 5), {"weight": unit(4)}),
    "cross entropy images weight": (
        "cross_entropy",
        logits(2, 4, 3),
        classes(4, 2, 3),
        {"weight": unit(4), "ignore_index": 1},
    ),
    "cross entropy ignore": ("cross_entropy", logits(5, 4), given([0, 2, 2, 1, 3]), {"ignore_index": 2}),
    "cross entropy ignore -100": ("cross_entropy", logits(3, 4), given([0, -100, 2]), {}),
    "cross entropy smoothing": ("cross_entropy", logits(5, 4), classes(4, 5), {"label_smoothing": 0.2}),
    "cross entropy smoothing weight": (
        "cross_entropy",
        logits(5, 4),
        given([0, 2, 2, 1, 3]),
        {"label_smoothing": 0.2, "weight": unit(4), "ignore_index": 2},
    ),
    "cross entropy probabilities": ("cross_entropy", logits(5, 4), unit(5, 4), {}),
    "cross entropy probabilities one": ("cross_entropy", logits(4), unit(4), {}),
    "cross entropy probabilities images": ("cross_entropy", logits(2, 4, 3), unit(2, 4, 3), {"weight": unit(4)}),
    "cross entropy probabilities smoothing": (
        "cross_entropy",
        logits(5, 4),
        unit(5, 4),
        {"label_smoothing": 0.3, "weight": unit(4)},
    ),
    "cross entropy empty": ("cross_entropy", logits(0, 4), classes(4, 0), {}),
    "cross entropy all ignored": ("cross_entropy", logits(2, 4), given([-100, -100]), {}),
    "nll": ("nll_loss", logits(5, 4), classes(4, 5), {}),
    "nll one sample": ("nll_loss", logits(4), classes(4), {}),
    "nll images": ("nll_loss", logits(2, 4, 3, 2), classes(4, 2, 3, 2), {"weight": unit(4)}),
    "nll ignore": ("nll_loss", logits(5, 4), given([0, 2, 2, 1, 3]), {"ignore_index": 2, "weight": unit(4)}),
    "nll empty": ("nll_loss", logits(0, 4), classes(4, 0), {}),
    "mse": ("mse_loss", logits(3, 4), logits(3, 4), {}),
    "mse scalar": ("mse_loss", logits(), logits(), {}),
    "mse broadcast": ("mse_loss", logits(3, 4), logits(4), {}),
    "mse weight": ("mse_loss", logits(3, 4), logits(3, 4), {"weight": unit(3, 4)}),
    "mse empty": ("mse_loss", logits(0, 4), logits(0, 4), {}),
    "l1": ("l1_loss", logits(3, 4), logits(3, 4), {}),
    "l1 broadcast": ("l1_loss", logits(3, 1), logits(3, 4), {}),
    "l1 weight": ("l1_loss", logits(3, 4), logits(3, 4), {"weight": unit(3, 4)}),
    "l1 empty": ("l1_loss", logits(0, 4), logits(0, 4), {}),
    "bce": ("binary_cross_entropy", unit(3, 4), unit(3, 4), {}),
    "bce weight": ("binary_cross_entropy", unit(3, 4), unit(3, 4), {"weight": unit(3, 4)}),
    "bce weight broadcast": ("binary_cross_entropy", unit(3, 4), unit(3, 4), {"weight": unit(4)}),
    "bce edges": ("binary_cross_entropy", given([0.0, 1.0, 0.0, 1.0]), given([0.0, 1.0, 1.0, 0.0]), {}),
    "bce scalar": ("binary_cross_entropy", unit(), unit(), {}),
    "bce empty": ("binary_cross_entropy", unit(0), unit(0), {}),
    "bce logits": ("binary_cross_entropy_with_logits", logits(3, 4), unit(3, 4), {}),
    "bce logits weight": ("binary_cross_entropy_with_logits", logits(3, 4), unit(3, 4), {"weight": unit(4)}),
    "bce logits pos_weight": ("binary_cross_entropy_with_logits", logits(3, 4), unit(3, 4), {"pos_weight": unit(4)}),
    "bce logits both": (
        "binary_cross_entropy_with_logits",
        logits(3, 4),
        unit(3, 4),
        {"pos_weight": unit(4), "weight": unit(3, 1)},
    ),
    "bce logits large": ("binary_cross_entropy_with_logits", given([-900.0, 900.0, 100.0]), given([0.0, 0.0, 1.0]), {}),
    "bce logits scalar": ("binary_cross_entropy_with_logits", logits(), unit(), {}),
    "bce logits empty": ("binary_cross_entropy_with_logits", logits(0), unit(0), {}),
}


def arrays(name: str) -> tuple[Any, ...]:
    rng = np.random.default_rng(5)
    _, input, target, options = CASES[name]
    return input(rng), target(rng), {k: v(rng) if callable(v) else v for k, v in options.items()}


def evaluate(
    library: Any, name: str, reduction: str, dtype: str, stepped: bool = False, second: bool = True
) -> list[Any]:
    """The value and the gradients, first and second order, as arrays."""
    input, target, options = arrays(name)

    def made(array: Any) -> Any:
        tensor = library.tensor(np.asarray(array))
        if tensor.is_floating_point():
            tensor = tensor.to(getattr(library, dtype))
        if stepped and tensor.ndim > 1:
            tensor = tensor.transpose(0, -1).contiguous().transpose(0, -1)
        return tensor

    x, y = made(input).requires_grad_(), made(target)
    leaves = [x]
    if y.is_floating_point():
        leaves.append(y.requires_grad_())
    extra = {k: made(v) if isinstance(v, np.ndarray) else v for k, v in options.items()}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        loss = getattr(library.nn.functional, CASES[name][0])(x, y, reduction=reduction, **extra)
    found = [loss]
    total = (loss * (1 + 0.1 * library.arange(loss.numel()).reshape(tuple(loss.shape)))).sum()
    first = library.autograd.grad(total, leaves, create_graph=second, allow_unused=True)
    found += first
    if second and any(g is not None and g.requires_grad for g in first):
        again = sum(
            (g * g * (1 + library.arange(g.numel()).reshape(tuple(g.shape)))).sum() for g in first if g is not None
        )
        found += library.autograd.grad(again, leaves, allow_unused=True)
    return found


def agree(ours: list[Any], theirs: list[Any], tolerance: float) -> None:
    for a, b in zip_longest(ours, theirs):
        if a is None or b is None:
            rest = a if b is None else b
            assert rest is None or not rest.detach().double().numpy(force=True).any()
            continue
        assert (str(a.dtype), tuple(a.shape)) == (str(b.dtype), tuple(b.shape))
        theirs_array = b.detach().double().numpy(force=True)
        np.testing.assert_allclose(a.detach().double().numpy(), theirs_array, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("name", CASES)
def test_values_and_gradients(name: str, reduction: str) -> None:
    for dtype, stepped, tolerance in (("float64", False, 1e-8), ("float64", True, 1e-8), ("float32", False, 2e-4)):
        if stepped and name == "nll images":
            continue  # PyTorch raises in its second derivative.
        both = [evaluate(library, name, reduction, dtype, stepped) for library in (rushlight, torch)]
        agree(*both, tolerance=tolerance)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("name", [n for n in CASES if n not in ("bce edges", "bce logits large")])
def test_half_precision(name: str, dtype: str) -> None:
    for reduction in REDUCTIONS:
        both = [evaluate(library, name, reduction, dtype, second=False) for library in (rushlight, torch)]
        agree(*both, tolerance=0.02 if dtype == "float16" else 0.1)


MODULES = {
    "cross_entropy": "CrossEntropyLoss",
    "nll_loss": "NLLLoss",
    "mse_loss": "MSELoss",
    "l1_loss": "L1Loss",
    "binary_cross_entropy": "BCELoss",
    "binary_cross_entropy_with_logits": "BCEWithLogitsLoss",
}


@pytest.mark.parametrize("name", [n for n in CASES if CASES[n][0] not in ("mse_loss", "l1_loss") or "weight" not in n])
def test_modules(name: str) -> None:
    input, target, options = arrays(name)
    for reduction in REDUCTIONS:
        found = []
        for library in (rushlight, torch):
            extra = {k: library.tensor(v) if isinstance(v, np.ndarray) else v for k, v in options.items()}
            module = getattr(library.nn, MODULES[CASES[name][0]])(reduction=reduction, **extra)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                value = module(library.tensor(input), library.tensor(target))
            found.append((value.numpy(), repr(module), list(module.state_dict())))
        np.testing.assert_allclose(found[0][0], found[1][0], rtol=1e-9)
        assert found[0][1:] == found[1][1:]


PROGRAMS: dict[str, Callable[[Any], None]] = {}


def program(function: Callable[[Any], None]) -> Callable[[Any], None]:
    PROGRAMS[function.__name__] = function
    return function


@program
def wrong_classes(t: Any) -> None:
    F = t.nn.functional
    x = t.zeros(3, 4)
    for loss in (F.cross_entropy, F.nll_loss):
        attempt(lambda: loss(x, t.tensor([0, 4, 1])))
        attempt(lambda: loss(x, t.tensor([0, -1, 1])))
        attempt(lambda: loss(x, t.tensor([0, 1])))
        attempt(lambda: loss(x, t.zeros(3, 2, dtype=t.long)))
        attempt(lambda: loss(t.zeros(3, 4, 2), t.zeros(3, 5, dtype=t.long)))
        attempt(lambda: loss(x, t.tensor([0, 1, 2]), weight=t.ones(3)))
        attempt(lambda: loss(x, t.tensor([0, 1, 2]), reduction="median"))
        attempt(lambda: loss(x, None))
        attempt(lambda: loss([1.0], t.tensor([0])))
        attempt(lambda: loss(t.tensor(1.0), t.tensor(0)))
    attempt(lambda: F.cross_entropy(x, t.tensor([0, 1, 2]), label_smoothing=1.5))
    attempt(lambda: F.cross_entropy(x, t.ones(3, 4), ignore_index=2))


@program
def wrong_types(t: Any) -> None:
    F = t.nn.functional
    for loss in (F.cross_entropy, F.nll_loss):
        for target in (t.tensor([0.0, 1.0]), t.tensor([0, 1], dtype=t.int32)):
            try:
                loss(t.zeros(2, 3), target)
            except RuntimeError:
                print("RuntimeError")
        print(loss(t.tensor([[0.5, 1.0]]), t.tensor([1], dtype=t.uint8)))
    for loss in (F.binary_cross_entropy, F.binary_cross_entropy_with_logits):
        attempt(lambda: loss(t.full((2, 3), 0.5), t.zeros(3)))
        attempt(lambda: loss(t.full((2,), 0.5), t.zeros(2), reduction="x"))
    attempt(lambda: F.binary_cross_entropy(t.tensor([1.5]), t.tensor([1.0])))
    attempt(lambda: F.binary_cross_entropy(t.tensor([float("nan")]), t.tensor([1.0])))
    attempt(lambda: F.mse_loss(t.zeros(2, 3), t.zeros(4)))
    attempt(lambda: F.mse_loss(t.zeros(3), t.zeros(3), reduction="x"))
    attempt(lambda: F.l1_loss(t.zeros(3), t.zeros(3), reduction="x"))


@program
def broadcasting_warns(t: Any) -> None:
    F = t.nn.functional
    print(F.mse_loss(t.zeros(2, 3), t.ones(3)), F.l1_loss(t.zeros(2, 3), t.ones(2, 1)))
    print(F.mse_loss(t.zeros(2), t.ones(2, dtype=t.float64)).dtype)


@program
def old_arguments(t: Any) -> None:
    F = t.nn.functional
    x, y = t.tensor([1.0, 2.0]), t.tensor([0.0, 0.0])
    print(
        F.mse_loss(x, y, size_average=False),
        F.mse_loss(x, y, reduce=False),
        F.l1_loss(x, y, size_average=True, reduce=True),
    )
    print(t.nn.MSELoss(size_average=False).reduction, t.nn.NLLLoss(reduce=False).reduction)


@program
def names_of_nodes(t: Any) -> None:
    F = t.nn.functional
    x = t.full((2, 3), 0.4, requires_grad=True)
    y = t.tensor([0, 1])
    for loss in (
        F.cross_entropy(x, y),
        F.nll_loss(x, y),
        F.mse_loss(x, t.ones(2, 3)),
        F.l1_loss(x, t.ones(2, 3)),
        F.binary_cross_entropy(x, t.ones(2, 3)),
        F.binary_cross_entropy_with_logits(x, t.ones(2, 3)),
        F.mse_loss(x, t.ones(2, 3), reduction="sum"),
    ):
        print(loss)


@program
def infinities(t: Any) -> None:
    F = t.nn.functional
    x = t.tensor([[float("inf"), 1.0], [float("-inf"), 1.0], [float("nan"), 0.0], [1e30, -1e30]])
    print(F.cross_entropy(x, t.tensor([0, 0, 0, 1]), reduction="none"))
    print(F.cross_entropy(x, t.tensor([-100, 1, -100, 0])))
    print(F.mse_loss(x[0], x[1]), F.binary_cross_entropy_with_logits(x[0], t.tensor([1.0, 0.0])))


@pytest.mark.parametrize("name", PROGRAMS)
def test_program(name: str) -> None:
    same_lines(PROGRAMS[name])
