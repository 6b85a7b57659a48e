"""A recurrent layer over a whole sequence, in one direction: forward, and backward from what forward kept.

The rows of all time steps lie one below the other, as a `PackedSequence` has them: `spans` are the rows of each step,
in the order in which the direction takes them. A step of n rows works on the first n of the N states, so sequences that
end early keep theirs (forward), and sequences that begin late have their first one (in reverse).

The products with the weights that don't depend on the step before (of the input in forward; of the input's and the
weights' gradients in backward) are one product each.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rushlight.kernels.dispatch import prefer_native
from rushlight.kernels.reference import elementwise, linalg
from rushlight.kernels.reference import recurrent as reference

__all__ = ["Weights", "gru", "gru_backward", "lstm", "lstm_backward", "rnn", "rnn_backward", "spans_of"]

Array = NDArray[Any]
Spans = list[tuple[int, int]]

gemm = prefer_native(linalg.gemm)
column_sum = prefer_native(elementwise.bias_grad)
rnn_step = prefer_native(reference.rnn_step)
rnn_step_backward = prefer_native(reference.rnn_step_backward)
lstm_step = prefer_native(reference.lstm_step)
lstm_step_backward = prefer_native(reference.lstm_step_backward)
gru_step = prefer_native(reference.gru_step)
gru_step_backward = prefer_native(reference.gru_step_backward)


class Weights(NamedTuple):
    """The parameters of a layer in one direction: of input and hidden state, their biases, the projection."""

    input: Array
    hidden: Array
    input_bias: Array | None = None
    hidden_bias: Array | None = None
    projection: Array | None = None


def spans_of(sizes: Sequence[int], reverse: bool) -> Spans:
    """The rows of each step, from its number of rows."""
    ends = np.cumsum([0, *sizes]).tolist()
    spans = list(pairwise(ends))
    return spans[::-1] if reverse else spans


def _bias(weights: Weights) -> Array | None:
    """Both biases as one."""
    first, second = weights.input_bias, weights.hidden_bias
    if first is None or second is None:
        return first if second is None else second
    return first + second


def rnn(x: Array, h: Array, weights: Weights, spans: Spans, relu: bool) -> tuple[Array, Array, tuple[Array, ...]]:
    """`h = tanh(x W_ih' + h W_hh' + b)`, or ReLU's, at each step: all h, the last, what backward needs."""
    out = gemm(x, weights.input, transpose_b=True, bias=_bias(weights))
    befores = np.empty_like(out)
    h = h.copy()
    for start, stop in spans:
        state, step = h[: stop - start], out[start:stop]
        befores[start:stop] = state
        step += gemm(state, weights.hidden, transpose_b=True)
        rnn_step(step, relu)
        state[...] = step
    # The caller may write into what it gets.
    return out.copy(), h, (befores, out)


def rnn_backward(
    kept: tuple[Array, ...], weights: Weights, spans: Spans, relu: bool, grad: Array, grad_h: Array
) -> tuple[Array, Array, Array, Array]:
    """The gradients of the gates (twice: from the input, from the hidden state), of the first h, and the states
    before each step.
    """
    befores, out = kept
    gates = np.empty_like(out)
    grad_h = grad_h.copy()
    for start, stop in reversed(spans):
        total = grad[start:stop] + grad_h[: stop - start]
        step = gates[start:stop]
        rnn_step_backward(out[start:stop], total, step, relu)
        gemm(step, weights.hidden, out=grad_h[: stop - start])
    return gates, gates, grad_h, befores


def lstm(
    x: Array, h: Array, c: Array, weights: Weights, spans: Spans
) -> tuple[Array, Array, Array, tuple[Array | None, ...]]:
    """An LSTM's steps (projected where there is such a weight): all h, the last h and c, what backward needs."""
    gates = gemm(x, weights.input, transpose_b=True, bias=_bias(weights))
    rows, size = gates.shape[0], c.shape[1]
    cell_befores, cell_tanhs, hidden = (np.empty((rows, size), gates.dtype) for _ in range(3))
    befores = np.empty((rows, h.shape[1]), gates.dtype)
    out = hidden if weights.projection is None else np.empty_like(befores)
    h, c = h.copy(), c.copy()
    for start, stop in spans:
        span = slice(start, stop)
        state, cell, step = h[: stop - start], c[: stop - start], gates[span]
        befores[span] = state
        cell_befores[span] = cell
        step += gemm(state, weights.hidden, transpose_b=True)
        lstm_step(step, cell_befores[span], cell, cell_tanhs[span], hidden[span])
        if weights.projection is not None:
            gemm(hidden[span], weights.projection, transpose_b=True, out=out[span])
        state[...] = out[span]
    return out, h, c, (befores, gates, cell_befores, cell_tanhs, None if weights.projection is None else hidden)


def lstm_backward(
    kept: tuple[Any, ...], weights: Weights, spans: Spans, grad: Array, grad_h: Array, grad_c: Array
) -> tuple[Array, Array, Array, Array, Array | None]:
    """The gradients of the gates, of the first h and c, the h before each step, and the projection's gradient."""
    befores, gates, cell_befores, cell_tanhs, hidden = kept
    grad_gates = np.empty_like(gates)
    projected = np.empty_like(grad) if weights.projection is not None else None
    grad_h, grad_c = grad_h.copy(), grad_c.copy()
    for start, stop in reversed(spans):
        span, n = slice(start, stop), stop - start
        total = grad[span] + grad_h[:n]
        if projected is not None and weights.projection is not None:
            projected[span] = total
            total = gemm(total, weights.projection)
        step = grad_gates[span]
        lstm_step_backward(gates[span], cell_befores[span], cell_tanhs[span], total, grad_c[:n], step)
        gemm(step, weights.hidden, out=grad_h[:n])
    projection = None if projected is None else gemm(projected, hidden, transpose_a=True)
    return grad_gates, grad_h, grad_c, befores, projection


def gru(x: Array, h: Array, weights: Weights, spans: Spans) -> tuple[Array, Array, tuple[Array, ...]]:
    """A GRU's steps: all h, the last, what backward needs."""
    gates = gemm(x, weights.input, transpose_b=True, bias=weights.input_bias)
    products = np.empty_like(gates)
    out = np.empty((gates.shape[0], h.shape[1]), gates.dtype)
    befores = np.empty_like(out)
    h = h.copy()
    for start, stop in spans:
        span, state = slice(start, stop), h[: stop - start]
        befores[span] = state
        gemm(state, weights.hidden, transpose_b=True, bias=weights.hidden_bias, out=products[span])
        gru_step(gates[span], products[span], befores[span], out[span])
        state[...] = out[span]
    return out, h, (befores, gates, products)


def gru_backward(
    kept: tuple[Array, ...], weights: Weights, spans: Spans, grad: Array, grad_h: Array
) -> tuple[Array, Array, Array, Array]:
    """The gradients of the gates, from the input and from the hidden state, of the first h, and the h before each
    step.
    """
    befores, gates, products = kept
    grad_gates, grad_products = np.empty_like(gates), np.empty_like(gates)
    grad_h = grad_h.copy()
    for start, stop in reversed(spans):
        span, state = slice(start, stop), grad_h[: stop - start]
        state += grad[span]
        step = grad_products[span]
        gru_step_backward(gates[span], products[span], befores[span], state, grad_gates[span], step)
        state += gemm(step, weights.hidden)
    return grad_gates, grad_products, grad_h, befores


def parameter_gradients(x: Array, gates: Array, products: Array, befores: Array, needs: Sequence[bool]) -> list[Any]:
    """The gradients of the two weights and the two biases from those of the gates; None where not needed."""
    weight_ih = gemm(gates, x, transpose_a=True) if needs[0] else None
    weight_hh = gemm(products, befores, transpose_a=True) if needs[1] else None
    bias_ih = column_sum(gates) if needs[2] or (needs[3] and products is gates) else None
    bias_hh = None
    if needs[3] and bias_ih is not None:
        # Not the same array: each becomes a gradient of its own.
        bias_hh = bias_ih.copy() if products is gates else column_sum(products)
    elif needs[3]:
        bias_hh = column_sum(products)
    return [weight_ih, weight_hh, bias_ih if needs[2] else None, bias_hh]
