"""Softmax along rows, and cross entropy on top of it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "log_softmax",
    "log_softmax_backward",
    "softmax",
    "softmax_backward",
    "softmax_cross_entropy",
    "softmax_cross_entropy_backward",
]

Array = NDArray[Any]


def _expect_matrix(x: Array, function: str) -> None:
    if x.ndim != 2:
        raise ValueError(f"{function}: expected a 2-D array, but got {x.ndim} dimensions")


def _expect_same_shape(grad: Array, out: Array, function: str) -> None:
    _expect_matrix(grad, function)
    if grad.shape != out.shape:
        raise ValueError(f"{function}: grad and out must have the same shape")


def _shifted(x: Array) -> Array:
    """x minus each row's maximum, so that exp cannot overflow."""
    return np.asarray(x - x.max(axis=1, keepdims=True, initial=-np.inf))


def softmax(x: Array) -> Array:
    """exp(x) / sum(exp(x)) for each row of (N, C)."""
    _expect_matrix(x, "softmax")
    with np.errstate(invalid="ignore"):
        e = np.exp(_shifted(x))
        return np.asarray(e / e.sum(axis=1, keepdims=True))


def log_softmax(x: Array) -> Array:
    """x - log(sum(exp(x))) for each row of (N, C)."""
    _expect_matrix(x, "log_softmax")
    with np.errstate(invalid="ignore", divide="ignore"):
        y = _shifted(x)
        return np.asarray(y - np.log(np.exp(y).sum(axis=1, keepdims=True)))


def softmax_backward(grad: Array, out: Array) -> Array:
    """The gradient of softmax's input: (grad - sum(grad * out)) * out for each row; `out` is softmax's result."""
    _expect_same_shape(grad, out, "softmax_backward")
    return np.asarray((grad - (grad * out).sum(axis=1, keepdims=True)) * out)


def log_softmax_backward(grad: Array, out: Array) -> Array:
    """The gradient of log_softmax's input: grad - exp(out) * sum(grad) for each row; `out` is log_softmax's result."""
    _expect_same_shape(grad, out, "log_softmax_backward")
    return np.asarray(grad - np.exp(out) * grad.sum(axis=1, keepdims=True))


def _kept_rows(target: Array, shape: tuple[int, ...], ignore_index: int, function: str) -> Array:
    """Which rows count. Raises IndexError for a target that is neither a column nor `ignore_index`."""
    rows, columns = shape
    if target.shape != (rows,):
        raise ValueError(f"{function}: expected one target for each of the {rows} rows")
    kept = target != ignore_index
    wrong = kept & ((target < 0) | (target >= columns))
    if wrong.any():
        raise IndexError(f"Target {int(target[wrong][0])} is out of bounds.")
    return np.asarray(kept)


def softmax_cross_entropy(logits: Array, target: Array, ignore_index: int = -100) -> tuple[Array, Array]:
    """(-log_softmax(logits)[i, target[i]] for each row, 0 where target[i] is `ignore_index`; the log-probabilities).

    logits: (N, C), target: (N,) int64. Raises IndexError for a target out of range.
    """
    _expect_matrix(logits, "softmax_cross_entropy")
    kept = _kept_rows(target, logits.shape, ignore_index, "softmax_cross_entropy")
    log_probs = log_softmax(logits)
    losses = np.zeros(len(target), log_probs.dtype)
    rows = np.flatnonzero(kept)
    losses[rows] = -log_probs[rows, target[rows]]
    return losses, log_probs


def softmax_cross_entropy_backward(
    log_probs: Array, target: Array, grad_per_row: Array, ignore_index: int = -100
) -> Array:
    """The gradient of the logits: grad_per_row[i] * (exp(log_probs[i, j]) - (j == target[i])), 0 in ignored rows."""
    function = "softmax_cross_entropy_backward"
    _expect_matrix(log_probs, function)
    kept = _kept_rows(target, log_probs.shape, ignore_index, function)
    if grad_per_row.shape != target.shape:
        raise ValueError(f"{function}: expected one gradient for each row")
    grad = np.exp(log_probs)
    rows = np.flatnonzero(kept)
    grad[rows, target[rows]] -= 1
    grad *= grad_per_row[:, None]
    grad[~kept] = 0
    return np.asarray(grad)
