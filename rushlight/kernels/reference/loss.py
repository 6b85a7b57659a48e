"""Softmax along a dimension, and cross entropy of rows."""

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


def _check_dim(x: Array, dim: int, function: str) -> None:
    if not -x.ndim <= dim < x.ndim:
        raise ValueError(f"{function}: the array of {x.ndim} dimensions has no such dim")


def _check_both(grad: Array, out: Array, dim: int, function: str) -> None:
    _check_dim(grad, dim, function)
    if grad.shape != out.shape:
        raise ValueError(f"{function}: grad and out must have the same shape")


def _shifted(x: Array, dim: int) -> Array:
    """x minus the greatest along `dim`, so that exp cannot overflow."""
    return np.asarray(x - x.max(axis=dim, keepdims=True, initial=-np.inf))


def softmax(x: Array, dim: int = -1) -> Array:
    """exp(x) / sum(exp(x)) along a dimension."""
    _check_dim(x, dim, "softmax")
    with np.errstate(invalid="ignore"):
        e = np.exp(_shifted(x, dim))
        return np.asarray(e / e.sum(axis=dim, keepdims=True))


def log_softmax(x: Array, dim: int = -1) -> Array:
    """x - log(sum(exp(x))) along a dimension."""
    _check_dim(x, dim, "log_softmax")
    with np.errstate(invalid="ignore", divide="ignore"):
        y = _shifted(x, dim)
        return np.asarray(y - np.log(np.exp(y).sum(axis=dim, keepdims=True)))


def softmax_backward(grad: Array, out: Array, dim: int = -1) -> Array:
    """The gradient of softmax's input: (grad - sum(grad * out)) * out along `dim`; `out` is softmax's result."""
    _check_both(grad, out, dim, "softmax_backward")
    return np.asarray((grad - (grad * out).sum(axis=dim, keepdims=True)) * out)


def log_softmax_backward(grad: Array, out: Array, dim: int = -1) -> Array:
    """The gradient of log_softmax's input: grad - exp(out) * sum(grad) along `dim`; `out` is log_softmax's result."""
    _check_both(grad, out, dim, "log_softmax_backward")
    return np.asarray(grad - np.exp(out) * grad.sum(axis=dim, keepdims=True))


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


def softmax_cross_entropy(logits: Array, target: Array, ignore_index: int = -100) -> tuple[Array, Array, int]:
    """Of each row -log_softmax(logits)[i, target[i]], 0 where target[i] is `ignore_index`; the normalizers; how many
    rows have another target.

    logits: (N, C), target: (N,) int64. The normalizers (N, 2) are each row's greatest and the logarithm of the sum of
    exp(logits - greatest). Raises IndexError for a target out of range.
    """
    _expect_matrix(logits, "softmax_cross_entropy")
    kept = _kept_rows(target, logits.shape, ignore_index, "softmax_cross_entropy")
    top = logits.max(axis=1, initial=-np.inf)
    with np.errstate(invalid="ignore", divide="ignore"):
        log_sum = np.log(np.exp(logits - top[:, None]).sum(axis=1))
        losses = np.zeros(len(target), log_sum.dtype)
        rows = np.flatnonzero(kept)
        losses[rows] = -(logits[rows, target[rows]] - top[rows] - log_sum[rows])
    return losses, np.stack((top, log_sum), axis=1), len(rows)


def softmax_cross_entropy_backward(
    logits: Array, normalizers: Array, target: Array, grad_per_row: Array, ignore_index: int = -100
) -> Array:
    """The gradient of the logits: grad_per_row[i] * (softmax(logits)[i, j] - (j == target[i])), 0 in ignored rows.

    `normalizers` is what `softmax_cross_entropy` gave.
    """
    function = "softmax_cross_entropy_backward"
    _expect_matrix(logits, function)
    kept = _kept_rows(target, logits.shape, ignore_index, function)
    if normalizers.shape != (len(target), 2):
        raise ValueError(f"{function}: expected two normalizers for each row")
    if grad_per_row.shape != target.shape:
        raise ValueError(f"{function}: expected one gradient for each row")
    with np.errstate(invalid="ignore"):
        grad = np.exp(logits - normalizers[:, :1] - normalizers[:, 1:])
    rows = np.flatnonzero(kept)
    grad[rows, target[rows]] -= 1
    grad *= grad_per_row[:, None]
    grad[~kept] = 0
    return np.asarray(grad)
