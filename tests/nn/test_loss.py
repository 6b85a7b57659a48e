"""Losses: values by hand and by NumPy, derivatives of both orders by finite differences, errors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import rushlight as torch
import rushlight.nn.functional as F
from rushlight.autograd import gradcheck, gradgradcheck

RNG = np.random.default_rng(0)
LOGITS = RNG.standard_normal((4, 3))
CLASSES = np.array([2, 0, 1, 2])
PROBABILITIES = RNG.uniform(0.1, 0.9, (4, 3))
TARGETS = RNG.uniform(0.1, 0.9, (4, 3))
WEIGHT = np.array([0.5, 2.0, 1.5])


def log_softmax(x: Any) -> Any:
    return x - np.log(np.exp(x).sum(1, keepdims=True))


def picked(x: Any, weight: Any = None, ignore: int = -100) -> tuple[Any, Any]:
    """Minus the classes' entries, weighted, and the weights."""
    weights = np.where(ignore == CLASSES, 0.0, 1.0 if weight is None else weight[CLASSES])
    return -x[np.arange(4), CLASSES] * weights, weights


def smoothed() -> tuple[Any, Any]:
    target = np.eye(3)[CLASSES] * 0.8 + 0.2 / 3
    return -(target * log_softmax(LOGITS)).sum(1), np.ones(4)


def bce(x: Any) -> Any:
    return -(TARGETS * np.log(x) + (1 - TARGETS) * np.log(1 - x))


def tensor(array: Any) -> Any:
    return torch.tensor(array)


# name: (the loss of one input and a reduction, its input, the unreduced losses and the weights that a mean divides by)
LOSSES: dict[str, tuple[Callable[..., Any], Any, tuple[Any, Any]]] = {
    "cross entropy": (
        lambda x, r: F.cross_entropy(x, tensor(CLASSES), reduction=r),
        LOGITS,
        picked(log_softmax(LOGITS)),
    ),
    "cross entropy weight": (
        lambda x, r: F.cross_entropy(x, tensor(CLASSES), weight=tensor(WEIGHT), reduction=r),
        LOGITS,
        picked(log_softmax(LOGITS), WEIGHT),
    ),
    "cross entropy ignore": (
        lambda x, r: F.cross_entropy(x, tensor(CLASSES), ignore_index=2, reduction=r),
        LOGITS,
        picked(log_softmax(LOGITS), None, 2),
    ),
    "cross entropy smoothing": (
        lambda x, r: F.cross_entropy(x, tensor(CLASSES), label_smoothing=0.2, reduction=r),
        LOGITS,
        smoothed(),
    ),
    "cross entropy probabilities": (
        lambda x, r: F.cross_entropy(x, tensor(TARGETS), reduction=r),
        LOGITS,
        (-(TARGETS * log_softmax(LOGITS)).sum(1), np.ones(4)),
    ),
    "nll": (lambda x, r: F.nll_loss(x, tensor(CLASSES), reduction=r), LOGITS, picked(LOGITS)),
    "nll weight": (
        lambda x, r: F.nll_loss(x, tensor(CLASSES), tensor(WEIGHT), reduction=r),
        LOGITS,
        picked(LOGITS, WEIGHT),
    ),
    "mse": (
        lambda x, r: F.mse_loss(x, tensor(TARGETS), reduction=r),
        LOGITS,
        ((LOGITS - TARGETS) ** 2, np.ones((4, 3))),
    ),
    "l1": (
        lambda x, r: F.l1_loss(x, tensor(TARGETS), reduction=r),
        LOGITS,
        (np.abs(LOGITS - TARGETS), np.ones((4, 3))),
    ),
    "bce": (
        lambda x, r: F.binary_cross_entropy(x, tensor(TARGETS), reduction=r),
        PROBABILITIES,
        (bce(PROBABILITIES), np.ones((4, 3))),
    ),
    "bce logits": (
        lambda x, r: F.binary_cross_entropy_with_logits(x, tensor(TARGETS), reduction=r),
        LOGITS,
        (bce(1 / (1 + np.exp(-LOGITS))), np.ones((4, 3))),
    ),
}


@pytest.mark.parametrize("name", LOSSES)
def test_values(name: str) -> None:
    loss, input, (expected, weights) = LOSSES[name]
    for x in (tensor(input), tensor(np.ascontiguousarray(input.T)).t()):
        np.testing.assert_allclose(loss(x, "none").numpy(), expected, rtol=1e-12)
        np.testing.assert_allclose(loss(x, "sum").item(), expected.sum(), rtol=1e-12)
        np.testing.assert_allclose(loss(x, "mean").item(), expected.sum() / weights.sum(), rtol=1e-12)


@pytest.mark.parametrize("reduction", ["none", "sum", "mean"])
@pytest.mark.parametrize("name", LOSSES)
def test_derivatives(name: str, reduction: str) -> None:
    loss, input, _ = LOSSES[name]
    x = tensor(input).requires_grad_()
    assert gradcheck(lambda v: loss(v, reduction), x)
    if name != "l1" and not name.startswith("nll"):  # These are straight lines.
        assert gradgradcheck(lambda v: loss(v, reduction), x)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
@pytest.mark.parametrize("name", ["mse", "l1", "bce", "bce logits"])
def test_types_are_kept(name: str, dtype: Any) -> None:
    functions = {
        "mse": F.mse_loss,
        "l1": F.l1_loss,
        "bce": F.binary_cross_entropy,
        "bce logits": F.binary_cross_entropy_with_logits,
    }
    x = tensor(PROBABILITIES).to(dtype).requires_grad_()
    out = functions[name](x, tensor(TARGETS).to(dtype))
    out.backward()
    assert (out.dtype, x.grad.dtype) == (dtype, dtype)
    np.testing.assert_allclose(out.item(), functions[name](tensor(PROBABILITIES), tensor(TARGETS)).item(), rtol=0.02)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_cross_entropy_of_large_logits_is_finite(dtype: Any) -> None:
    x = torch.tensor([[1e4, -1e4, 0.0]]).to(dtype).requires_grad_()
    loss = F.cross_entropy(x, torch.tensor([0]))
    loss.backward()
    assert loss.item() == 0.0
    assert x.grad.tolist() == [[0.0, 0.0, 0.0]]
    assert loss.dtype is dtype


def test_an_empty_batch_is_nan_on_average_and_zero_in_sum() -> None:
    x, y = torch.zeros(0, 3), torch.zeros(0, dtype=torch.long)
    assert F.cross_entropy(x, y).isnan()
    assert F.cross_entropy(x, y, reduction="sum").item() == 0
    assert F.mse_loss(x, x).isnan()


def test_l2_loss_is_the_mean_squared_error() -> None:
    x, y = tensor(LOGITS), tensor(TARGETS)
    assert torch.nn.L2Loss()(x, y).item() == torch.nn.MSELoss()(x, y).item()
    assert torch.nn.L2Loss(reduction="sum")(x, y).item() == torch.nn.MSELoss(reduction="sum")(x, y).item()


ERRORS: dict[str, tuple[Callable[[], Any], type[Exception], str]] = {
    "class out of range": (
        lambda: F.cross_entropy(torch.zeros(2, 3), torch.tensor([0, 3])),
        IndexError,
        "Target 3 is out of bounds",
    ),
    "negative class": (
        lambda: F.nll_loss(torch.zeros(2, 3), torch.tensor([0, -1])),
        IndexError,
        "Target -1 is out of bounds",
    ),
    "batch": (
        lambda: F.cross_entropy(torch.zeros(2, 3), torch.tensor([0])),
        ValueError,
        r"batch_size \(2\) to match target batch_size \(1\)",
    ),
    "class type": (lambda: F.cross_entropy(torch.zeros(2, 3), torch.tensor([0.0, 1.0])), RuntimeError, "Long"),
    "weights": (
        lambda: F.cross_entropy(torch.zeros(2, 3), torch.tensor([0, 1]), weight=torch.ones(2)),
        RuntimeError,
        "all 3 classes or no classes",
    ),
    "reduction": (
        lambda: F.mse_loss(torch.zeros(1), torch.zeros(1), reduction="x"),
        ValueError,
        "x is not a valid value for reduction",
    ),
    "smoothing": (
        lambda: F.cross_entropy(torch.zeros(2, 3), torch.tensor([0, 1]), label_smoothing=2.0),
        RuntimeError,
        "between 0.0 and 1.0",
    ),
    "bce range": (
        lambda: F.binary_cross_entropy(torch.tensor([1.5]), torch.tensor([1.0])),
        RuntimeError,
        "between 0 and 1",
    ),
    "bce shape": (lambda: F.binary_cross_entropy(torch.tensor([0.5]), torch.ones(2)), ValueError, "target size"),
    "logits shape": (
        lambda: F.binary_cross_entropy_with_logits(torch.tensor([0.5]), torch.ones(2)),
        ValueError,
        "must be the same as input size",
    ),
    "no tensor": (lambda: F.mse_loss(torch.zeros(1), 1.0), TypeError, "must be Tensor, not float"),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name: str) -> None:
    call, error, message = ERRORS[name]
    with pytest.raises(error, match=message):
        call()


def test_broadcasting_warns() -> None:
    with pytest.warns(UserWarning, match="incorrect results due to broadcasting"):
        F.mse_loss(torch.zeros(2, 3), torch.zeros(3))


def test_old_arguments_warn() -> None:
    with pytest.warns(UserWarning, match="please use reduction='sum' instead"):
        assert torch.nn.MSELoss(size_average=False).reduction == "sum"


def test_weights_are_buffers() -> None:
    loss = torch.nn.CrossEntropyLoss(weight=torch.ones(3))
    assert list(loss.state_dict()) == ["weight"]
    assert list(torch.nn.BCEWithLogitsLoss(pos_weight=torch.ones(3)).state_dict()) == ["pos_weight"]
    assert repr(loss) == "CrossEntropyLoss()"
