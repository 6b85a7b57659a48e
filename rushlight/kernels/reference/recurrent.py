"""One time step of each recurrent cell, forward and backward, given its matrix products.

Arrays are (N, H) and (N, gates·H), in float32 or float64. What a step returns it writes into arrays that it is given: a
layer makes room for all its steps at once. Passes go over whole rows where they can: NumPy takes twice as long over
parts of them.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["gru_step", "gru_step_backward", "lstm_step", "lstm_step_backward", "rnn_step", "rnn_step_backward"]

Array = NDArray[Any]


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


def rnn_step(out: Array, relu: bool) -> None:
    """`h = tanh(out)`, or ReLU's, in place."""
    if relu:
        np.maximum(out, 0, out=out)
    else:
        np.tanh(out, out=out)


def rnn_step_backward(out: Array, grad: Array, grad_gates: Array, relu: bool) -> None:
    """From the step's result `out` and its gradient, that of what went into tanh or ReLU."""
    if relu:
        np.copyto(grad_gates, grad)
        np.copyto(grad_gates, 0, where=out <= 0)
    else:
        np.multiply(out, out, out=grad_gates)
        np.subtract(1, grad_gates, out=grad_gates)
        grad_gates *= grad


@functools.lru_cache(64)
def _ones_at_g(size: int, dtype: np.dtype[Any]) -> Array:
    """Of the gates i, f, g, o: 1 for the one with tanh, 0 for those with a sigmoid."""
    ones = np.zeros(4 * size, dtype)
    ones[2 * size : 3 * size] = 1
    return ones


def lstm_step(gates: Array, before: Array, cell: Array, cell_tanh: Array, hidden: Array) -> None:
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


def lstm_step_backward(
    gates: Array, before: Array, cell_tanh: Array, grad: Array, grad_cell: Array, grad_gates: Array
) -> None:
    """From the gradients of h and c, those of what went into the gates and, in place of c's, that of c'.

    gates are the activated ones, before is c', cell_tanh is tanh(c), as `lstm_step` left them.
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


def gru_step(gates: Array, products: Array, before: Array, hidden: Array) -> None:
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


def gru_step_backward(
    gates: Array, products: Array, before: Array, grad: Array, grad_gates: Array, grad_products: Array
) -> None:
    """From the gradient of h, those of both halves of what went into the gates and, in its place, the part of that of
    h' which does not go through the gates.

    gates are the activated ones, products and before what `gru_step` was given.
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
    rest *= products[:, 2 * size :]
    np.multiply(rest, new, out=grad_r)
    grad_products[:, : 2 * size] = grad_gates[:, : 2 * size]
    grad *= z
