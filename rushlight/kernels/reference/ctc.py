"""Connectionist temporal classification: the likelihood of label sequences over all alignments, and its gradient.

A path through time visits the labels with blanks around them: blank, l₁, blank, l₂, …, blank: 2 L + 1 states. From one
moment to the next it stays, moves to the next state, or skips a blank between two labels that differ. All sequences of
a batch move through time together; logarithms keep the products from vanishing.

Source: Graves et al., "Connectionist Temporal Classification", 2006, equations (6) to (16).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["ctc_backward", "ctc_forward"]

Array = NDArray[Any]


def _states(labels: Array, blank: int) -> Array:
    """(N, L) labels → (N, 2 L + 1) states with blanks around them."""
    states = np.full((labels.shape[0], 2 * labels.shape[1] + 1), blank)
    states[:, 1::2] = labels
    return states


def _skip_costs(states: Array, dtype: Any) -> Array:
    """What it adds to come to a state from the one before the last: 0 where that is allowed, -∞ elsewhere."""
    costs = np.full(states.shape, -np.inf, dtype)
    costs[:, 2:][states[:, 2:] != states[:, :-2]] = 0
    return costs


def _add(stay: Array, step: Array, skip: Array, out: Array) -> None:
    """`log(exp(stay) + exp(step) + exp(skip))` into `out`; -∞ where all three are."""
    greatest = np.maximum(np.maximum(stay, step), skip)
    greatest[np.isneginf(greatest)] = 0
    total = np.exp(stay - greatest)
    total += np.exp(step - greatest)
    total += np.exp(skip - greatest)
    np.log(total, out=total)
    np.add(total, greatest, out=out)


def ctc_forward(
    log_probs: Array, labels: Array, input_lengths: Array, target_lengths: Array, blank: int
) -> tuple[Array, Array]:
    """(The negative log likelihood of each sequence, what backward needs).

    log_probs: (T, N, C); labels: (N, L), the first target_lengths[n] of row n; input_lengths, target_lengths: (N,).
    """
    steps, count, _ = log_probs.shape
    states = _states(labels, blank)
    skip = _skip_costs(states, log_probs.dtype)
    emitted = log_probs[:, np.arange(count)[:, None], states]
    # alpha[t, n, s + 2]: the logarithm of all ways to state s at moment t; two columns of no way before them.
    alpha = np.full((steps, count, states.shape[1] + 2), -np.inf, log_probs.dtype)
    if steps:
        alpha[0, :, 2:4] = emitted[0, :, :2]
    for t in range(1, steps):
        before, now = alpha[t - 1], alpha[t, :, 2:]
        _add(before[:, 2:], before[:, 1:-1], before[:, :-2] + skip, now)
        now += emitted[t]
    rows, last = np.arange(count), np.maximum(input_lengths - 1, 0)
    if not steps:
        return np.where(target_lengths == 0, 0, np.inf).astype(log_probs.dtype), alpha
    # A path ends in the last label or in the blank behind it.
    ends = np.logaddexp(
        alpha[last, rows, 2 * target_lengths + 2],
        np.where(target_lengths > 0, alpha[last, rows, 2 * target_lengths + 1], -np.inf),
    )
    # Without a moment there is a path for no labels only.
    ends = np.where(input_lengths > 0, ends, np.where(target_lengths == 0, 0, -np.inf))
    return (-ends).astype(log_probs.dtype), alpha


def ctc_backward(
    grad: Array,
    log_probs: Array,
    labels: Array,
    input_lengths: Array,
    target_lengths: Array,
    blank: int,
    losses: Array,
    alpha: Array,
    zero_infinity: bool,
) -> Array:
    """The gradient of the scores whose log_softmax `log_probs` is: `exp(log_probs)` less each class's share of paths.

    `losses` and `alpha` are what `ctc_forward` returned. With zero_infinity a sequence without a path has zeros, else
    NaN.
    """
    steps, count, classes = log_probs.shape
    out = np.exp(log_probs)
    if not steps:
        return out
    shares = _shares(log_probs, _states(labels, blank), input_lengths, target_lengths, losses, alpha)
    out[:, :, blank] -= shares[:, :, 0::2].sum(2)
    if labels.shape[1]:
        place = (np.arange(steps * count).reshape(steps, count, 1) * classes + labels).reshape(-1)
        taken = np.bincount(place, shares[:, :, 1::2].reshape(-1), out.size)
        out -= taken.reshape(out.shape)
    # As the formula has it in PyTorch, where infinities meet.
    out[np.isneginf(log_probs)] = np.nan
    impossible = np.isinf(losses)
    out[:, impossible] = 0 if zero_infinity else np.nan
    out *= grad[:, None]
    if zero_infinity:
        out[:, impossible] = 0
    out[np.arange(steps)[:, None] >= input_lengths] = 0
    return out


def _shares(
    log_probs: Array, states: Array, input_lengths: Array, target_lengths: Array, losses: Array, alpha: Array
) -> Array:
    """(T, N, 2 L + 1): the part of all paths that is in a state at a moment."""
    steps, count, _ = log_probs.shape
    rows = np.arange(count)
    size = states.shape[1]
    # Backward in time a state is skipped to from two behind.
    skip = np.full((count, size), -np.inf, log_probs.dtype)
    skip[:, :-2] = _skip_costs(states, log_probs.dtype)[:, 2:]
    emitted = log_probs[:, rows[:, None], states]
    shares = alpha[:, :, 2:] - emitted
    shares += losses[:, None]
    beta = np.full((count, size + 2), -np.inf, log_probs.dtype)
    now = np.empty((count, size), log_probs.dtype)
    for t in range(steps - 1, -1, -1):
        _add(beta[:, :-2], beta[:, 1:-1], beta[:, 2:] + skip, now)
        starting = rows[input_lengths == t + 1]
        if len(starting):
            ends = 2 * target_lengths[starting]
            now[starting, ends] = 0
            labelled = ends > 0
            now[starting[labelled], ends[labelled] - 1] = 0
        np.add(now, emitted[t], out=beta[:, :-2])
        shares[t] += beta[:, :-2]
    return np.exp(shares, out=shares)
