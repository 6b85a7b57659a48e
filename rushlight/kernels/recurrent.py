"""A recurrent layer over a whole sequence, in one direction: forward, and backward from what forward kept.

`sizes` and the layout of the rows are those of `reference/recurrent.py`, whose kernels take the steps. The products
with the weights that don't depend on the step before (of the input in forward; of the input's and the weights'
gradients in backward) are one product each.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from numpy.typing import NDArray

from rushlight.kernels.dispatch import prefer_native
from rushlight.kernels.reference import linalg, reduce
from rushlight.kernels.reference import recurrent as reference
from rushlight.kernels.reference.recurrent import spans_of

__all__ = [
    "Weights", "gru", "gru_backward", "gru_forward", "lstm", "lstm_backward", "lstm_forward", "parameter_gradients",
    "rnn", "rnn_backward", "rnn_forward", "spans_of",
]  # fmt: skip

Array = NDArray[Any]

gemm = prefer_native(linalg.gemm)
sum_over = prefer_native(reduce.sum_over)
rnn_forward = prefer_native(reference.rnn_forward)
rnn_backward = prefer_native(reference.rnn_backward)
lstm_forward = prefer_native(reference.lstm_forward)
lstm_backward = prefer_native(reference.lstm_backward)
gru_forward = prefer_native(reference.gru_forward)
gru_backward = prefer_native(reference.gru_backward)


class Weights(NamedTuple):
    """The parameters of a layer in one direction: of input and hidden state, their biases, the projection."""

    input: Array
    hidden: Array
    input_bias: Array | None = None
    hidden_bias: Array | None = None
    projection: Array | None = None


def _from_input(x: Array, weights: Weights) -> Array:
    """The product of the input with its weight, and both biases."""
    first, second = weights.input_bias, weights.hidden_bias
    if first is None or second is None:
        bias = first if second is None else second
    else:
        bias = first + second
    return gemm(x, weights.input, transpose_b=True, bias=bias)


def rnn(
    x: Array, h: Array, weights: Weights, sizes: Sequence[int], reverse: bool, relu: bool, keep: bool
) -> tuple[Array, Array, tuple[Array | None, ...]]:
    """`h = tanh(x W_ih' + h W_hh' + b)`, or ReLU's, at each step: all h, the last, what backward needs."""
    gates = _from_input(x, weights)
    out, last, befores = rnn_forward(gates, h, weights.hidden, sizes, reverse, relu, keep)
    return out, last, (befores, gates)


def lstm(
    x: Array, h: Array, c: Array, weights: Weights, sizes: Sequence[int], reverse: bool, keep: bool
) -> tuple[Array, Array, Array, tuple[Array | None, ...]]:
    """An LSTM's steps (projected where there is such a weight): all h, the last h and c, what backward needs."""
    gates = _from_input(x, weights)
    out, h, c, *kept = lstm_forward(gates, h, c, weights.hidden, weights.projection, sizes, reverse, keep)
    return out, h, c, (gates, *kept)


def gru(
    x: Array, h: Array, weights: Weights, sizes: Sequence[int], reverse: bool, keep: bool
) -> tuple[Array, Array, tuple[Array | None, ...]]:
    """A GRU's steps: all h, the last, what backward needs."""
    gates = gemm(x, weights.input, transpose_b=True, bias=weights.input_bias)
    out, last, *kept = gru_forward(gates, h, weights.hidden, weights.hidden_bias, sizes, reverse, keep)
    return out, last, (gates, *kept)


def parameter_gradients(x: Array, gates: Array, products: Array, befores: Array, needs: Sequence[bool]) -> list[Any]:
    """The gradients of the two weights and the two biases from those of the gates; None where not needed."""
    weight_ih = gemm(gates, x, transpose_a=True) if needs[0] else None
    weight_hh = gemm(products, befores, transpose_a=True) if needs[1] else None
    bias_ih = sum_over(gates, (0,)) if needs[2] or (needs[3] and products is gates) else None
    bias_hh = None
    if needs[3] and bias_ih is not None:
        # Not the same array: each becomes a gradient of its own.
        bias_hh = bias_ih.copy() if products is gates else sum_over(products, (0,))
    elif needs[3]:
        bias_hh = sum_over(products, (0,))
    return [weight_ih, weight_hh, bias_ih if needs[2] else None, bias_hh]
