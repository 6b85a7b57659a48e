"""A recurrent layer over a whole sequence, in one direction, given the products of its input: forward, and backward
from what forward kept.

The rows of all time steps lie one below the other, as a `PackedSequence` has them: `sizes` says how many rows each step
has, in falling order, and a layer in reverse takes the last step first. A step of n rows works on the first n of the N
states, so sequences that end early keep theirs (forward), and sequences that begin late have their first one (in
reverse).

Arrays are (rows, H) and (rows, gates·H), in float32 or float64; the weight of a layer is (gates·H, H), or (gates·H, P)
where h is projected. A step's passes go over whole rows where they can: NumPy takes twice as long over parts of them.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "gru_backward", "gru_forward", "lstm_backward", "lstm_forward", "rnn_backward", "rnn_forward", "spans_of",
]  # fmt: skip

Array = NDArray[Any]
Spans = list[tuple[int, int]]


def spans_of(sizes: Sequence[int], reverse: bool) -> Spans:
    """The rows of each step, from its number of rows, in the order in which the direction takes the steps."""
    ends = np.cumsum([0, *sizes]).tolist()
    spans = list(pairwise(ends))
    return spans[::-1] if reverse else spans


def rnn_forward(
    gates: Array, h: Array, weight: Array, sizes: Sequence[int], reverse: bool, relu: bool, keep: bool
) -> tuple[Array, Array, Array | None]:
    """`h = tanh(gates + h W')`, or ReLU's, at each step, in place: all h, the last, and the h before each step.

    With `keep` the first result is a copy: gates are what backward needs, the third result too.
    """
    befores = np.empty_like(gates)
    h = h.copy()
    for start, stop in spans_of(sizes, reverse):
        state, step = h[: stop - start], gates[start:stop]
        befores[start:stop] = state
        step += state @ weight.T
        if relu:
            np.maximum(step, 0, out=step)
        else:
            np.tanh(step, out=step)
        state[...] = step
    return (gates.copy(), h, befores) if keep else (gates, h, None)


def rnn_backward(
    out: Array, weight: Array, sizes: Sequence[int], reverse: bool, relu: bool, grad: Array, grad_h: Array
) -> tuple[Array, Array]:
    """From the gradients of all h and of the last: those of the gates, and of the first h."""
    gates = np.empty_like(out)
    grad_h = grad_h.copy()
    for start, stop in reversed(spans_of(sizes, reverse)):
        total = grad[start:stop] + grad_h[: stop - start]
        step, value = gates[start:stop], out[start:stop]
        if relu:
            np.copyto(step, total)
            np.copyto(step, 0, where=value <= 0)
        else:
            np.multiply(1 - value * value, total, out=step)
        np.matmul(step, weight, out=grad_h[: stop - start])
    return gates, grad_h


def lstm_forward(
    gates: Array,
    h: Array,
    c: Array,
    weight: Array,
    projection: Array | None,
    sizes: Sequence[int],
    reverse: bool,
    keep: bool,
) -> tuple[Array, Array, Array, Array | None, Array | None, Array | None, Array | None]:
    """An LSTM's steps: all h, the last h and c; then what backward needs, besides the gates, which are activated in
    place.

    These are h and c before each step, tanh of c after it, and, where there is a projection, what it is applied to;
    None without `keep`, but for the last.
    """
    rows, size = gates.shape[0], c.shape[1]
    cell_befores, cell_tanhs, hidden = (np.empty((rows, size), gates.dtype) for _ in range(3))
    befores = np.empty((rows, h.shape[1]), gates.dtype)
    out = hidden if projection is None else np.empty_like(befores)
    h, c = h.copy(), c.copy()
    for start, stop in spans_of(sizes, reverse):
        span = slice(start, stop)
        state, cell, step = h[: stop - start], c[: stop - start], gates[span]
        befores[span] = state
        cell_befores[span] = cell
        step += state @ weight.T
        _lstm_step(step, cell_befores[span], cell, cell_tanhs[span], hidden[span])
        if projection is not None:
            np.matmul(hidden[span], projection.T, out=out[span])
        state[...] = out[span]
    kept = (befores, cell_befores, cell_tanhs) if keep else (None, None, None)
    return out, h, c, *kept, None if projection is None else hidden


def lstm_backward(
    gates: Array,
    cell_befores: Array,
    cell_tanhs: Array,
    weight: Array,
    projection: Array | None,
    sizes: Sequence[int],
    reverse: bool,
    grad: Array,
    grad_h: Array,
    grad_c: Array,
) -> tuple[Array, Array, Array, Array | None]:
    """From the gradients of all h and of the last h and c: those of the gates, of the first h and c, and, where there
    is a projection, the whole gradient of every h.
    """
    grad_gates = np.empty_like(gates)
    projected = np.empty_like(grad) if projection is not None else None
    grad_h, grad_c = grad_h.copy(), grad_c.copy()
    for start, stop in reversed(spans_of(sizes, reverse)):
        span, n = slice(start, stop), stop - start
        total = grad[span] + grad_h[:n]
        if projected is not None and projection is not None:
            projected[span] = total
            total = total @ projection
        step = grad_gates[span]
        _lstm_step_backward(gates[span], cell_befores[span], cell_tanhs[span], total, grad_c[:n], step)
        np.matmul(step, weight, out=grad_h[:n])
    return grad_gates, grad_h, grad_c, projected


def gru_forward(
    gates: Array, h: Array, weight: Array, bias: Array | None, sizes: Sequence[int], reverse: bool, keep: bool
) -> tuple[Array, Array, Array | None, Array | None]:
    """A GRU's steps: all h and the last; then what backward needs, besides the gates, which are activated in place.

    These are the h before each step and its product for the gate n, `h W_n' + b_n`; None without `keep`.
    """
    size = h.shape[1]
    out = np.empty((gates.shape[0], size), gates.dtype)
    befores, candidates = np.empty_like(out), np.empty_like(out)
    h = h.copy()
    for start, stop in spans_of(sizes, reverse):
        span, state = slice(start, stop), h[: stop - start]
        befores[span] = state
        product = state @ weight.T
        if bias is not None:
            product += bias
        candidates[span] = product[:, 2 * size :]
        _gru_step(gates[span], product, befores[span], out[span])
        state[...] = out[span]
    return (out, h, befores, candidates) if keep else (out, h, None, None)


def gru_backward(
    gates: Array,
    candidates: Array,
    befores: Array,
    weight: Array,
    sizes: Sequence[int],
    reverse: bool,
    grad: Array,
    grad_h: Array,
) -> tuple[Array, Array, Array]:
    """From the gradients of all h and of the last: those of the gates, from the input and from h, and of the first
    h.
    """
    grad_gates, grad_products = np.empty_like(gates), np.empty_like(gates)
    grad_h = grad_h.copy()
    for start, stop in reversed(spans_of(sizes, reverse)):
        span, state = slice(start, stop), grad_h[: stop - start]
        state += grad[span]
        step = grad_products[span]
        _gru_step_backward(gates[span], candidates[span], befores[span], state, grad_gates[span], step)
        state += step @ weight
    return grad_gates, grad_products, grad_h


def _parts(array: Array, count: int) -> list[Array]:
    """Views of the gates, which lie side by side."""
    size = array.shape[1] // count
    return [array[:, i * size : (i + 1) * size] for i in range(count)]


def _sigmoid(x: Array) -> None:
    """`1 / (1 + exp(-x))`, in place."""
    np.negative(x, out=x)
    np.exp(x, out=x)
    x += 1
    np.reciprocal(x, out=x)


@functools.lru_cache(64)
def _ones_at_g(size: int, dtype: np.dtype[Any]) -> Array:
    """Of the gates i, f, g, o: 1 for the one with tanh, 0 for those with a sigmoid."""
    ones = np.zeros(4 * size, dtype)
    ones[2 * size : 3 * size] = 1
    return ones


def _lstm_step(gates: Array, before: Array, cell: Array, cell_tanh: Array, hidden: Array) -> None:
    """`c = σ(f) c' + σ(i) tanh(g)` and `h = σ(o) tanh(c)` for gates i, f, g, o, which are activated in place.

    before is c', the cell state that the step begins with; cell gets c, cell_tanh gets tanh(c), hidden gets h.
    """
    i, f, g, o = _parts(gates, 4)
    candidate = np.tanh(g)
    _sigmoid(gates)
    g[...] = candidate
    np.multiply(i, candidate, out=cell_tanh)
    np.multiply(f, before, out=cell)
    cell += cell_tanh
    np.tanh(cell, out=cell_tanh)
    np.multiply(o, cell_tanh, out=hidden)


def _lstm_step_backward(
    gates: Array, before: Array, cell_tanh: Array, grad: Array, grad_cell: Array, grad_gates: Array
) -> None:
    """From the gradients of h and c, those of what went into the gates and, in place of c's, that of c'.

    gates are the activated ones, before is c', cell_tanh is tanh(c), as `_lstm_step` left them.
    """
    i, f, g, o = _parts(gates, 4)
    grad_i, grad_f, grad_g, grad_o = _parts(grad_gates, 4)
    np.multiply(grad, cell_tanh, out=grad_o)
    through = cell_tanh * cell_tanh
    np.subtract(1, through, out=through)
    through *= o
    through *= grad
    grad_cell += through
    np.multiply(grad_cell, g, out=grad_i)
    np.multiply(grad_cell, before, out=grad_f)
    np.multiply(grad_cell, i, out=grad_g)
    grad_cell *= f
    # A sigmoid's slope is y (1 - y), that of tanh is (1 + y) (1 - y).
    slope = gates + _ones_at_g(before.shape[1], gates.dtype)
    slope *= 1 - gates
    grad_gates *= slope


def _gru_step(gates: Array, products: Array, before: Array, hidden: Array) -> None:
    """`h = (1 - z) n + z h'` with `r = σ(·)`, `z = σ(·)`, `n = tanh(· + r ·)` of the gates r, z, n.

    gates come from the input, products from h' (before); gates are activated in place, hidden gets h.
    """
    size = before.shape[1]
    both = gates[:, : 2 * size] + products[:, : 2 * size]
    _sigmoid(both)
    gates[:, : 2 * size] = both
    new = both[:, :size] * products[:, 2 * size :]
    new += gates[:, 2 * size :]
    np.tanh(new, out=new)
    gates[:, 2 * size :] = new
    np.subtract(before, new, out=hidden)
    hidden *= both[:, size:]
    hidden += new


def _gru_step_backward(
    gates: Array, candidate: Array, before: Array, grad: Array, grad_gates: Array, grad_products: Array
) -> None:
    """From the gradient of h, those of both halves of what went into the gates and, in its place, the part of that of
    h' which does not go through the gates.

    gates are the activated ones, candidate is the part for n of what `_gru_step` was given as products, before is h'.
    """
    r, z, n = _parts(gates, 3)
    grad_r, grad_z, grad_n = _parts(grad_gates, 3)
    size = before.shape[1]
    rest = 1 - z
    new = n * n
    np.subtract(1, new, out=new)
    new *= grad
    new *= rest
    grad_n[...] = new
    np.multiply(new, r, out=grad_products[:, 2 * size :])
    update = before - n
    update *= grad
    update *= rest
    np.multiply(update, z, out=grad_z)
    np.subtract(1, r, out=rest)
    rest *= r
    rest *= candidate
    np.multiply(rest, new, out=grad_r)
    grad_products[:, : 2 * size] = grad_gates[:, : 2 * size]
    grad *= z
