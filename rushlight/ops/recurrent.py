"""Recurrent layers: a whole sequence through one layer, in one direction, as one operation.

Each cell exists twice: as a step in Tensor operations (which is also what `lstm_cell` and its kin are), and as an
operation that takes all steps at once, with a backward of its own. Where gradients of gradients are wanted, and for
types without a kernel, the steps are composed.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight.autograd import engine
from rushlight.autograd.grad_mode import state
from rushlight.autograd.operation import Operation
from rushlight.autograd.variable import wrap
from rushlight.kernels import recurrent as kernels
from rushlight.ops._geometry import in_order
from rushlight.ops._numeric import Array, as_result, widened
from rushlight.ops._out import plain
from rushlight.ops._quick import free
from rushlight.ops.activation import relu
from rushlight.ops.joining import cat
from rushlight.ops.linear import linear
from rushlight.ops.trigonometric import tanh

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

__all__ = ["CELLS", "gru_step", "layer", "lstm_step", "one_step", "relu_step", "tanh_step"]

# The states h and, of an LSTM, c; the parameters w_ih, w_hh, b_ih, b_hh and, of an LSTM, w_hr: None where missing.
Tensors = tuple[Any, ...]
Step = Callable[[Any, Tensors, Tensors], Tensors]


def tanh_step(gates: Tensor, states: Tensors, weights: Tensors) -> Tensors:
    """`tanh(gates + h W_hh' + b_hh)`, where gates are what comes from the input."""
    return (tanh(gates + linear(states[0], weights[1], weights[3])),)


def relu_step(gates: Tensor, states: Tensors, weights: Tensors) -> Tensors:
    """`relu(gates + h W_hh' + b_hh)`."""
    return (relu(gates + linear(states[0], weights[1], weights[3])),)


def lstm_step(gates: Tensor, states: Tensors, weights: Tensors) -> Tensors:
    """The next h and c of an LSTM."""
    i, f, g, o = (gates + linear(states[0], weights[1], weights[3])).unsafe_chunk(4, 1)
    cell = f.sigmoid() * states[1] + i.sigmoid() * tanh(g)
    hidden = o.sigmoid() * tanh(cell)
    return hidden if weights[4] is None else linear(hidden, weights[4]), cell


def gru_step(gates: Tensor, states: Tensors, weights: Tensors) -> Tensors:
    """The next h of a GRU."""
    hidden = states[0]
    r, z, n = gates.unsafe_chunk(3, 1)
    h_r, h_z, h_n = linear(hidden, weights[1], weights[3]).unsafe_chunk(3, 1)
    reset, update = (h_r + r).sigmoid(), (h_z + z).sigmoid()
    new = tanh(n + h_n * reset)
    return ((hidden - new) * update + new,)


def composed(step: Step, x: Tensor, states: Tensors, weights: Tensors, sizes: Sequence[int], reverse: bool) -> Tensors:
    """A layer in one direction, step by step: all h, one below the other, then the last states."""
    gates = linear(x, weights[0], weights[2])
    outputs: dict[int, Any] = {}
    for start, stop in kernels.spans_of(sizes, reverse):
        n = stop - start
        live = states if n == states[0].shape[0] else tuple([s[:n] for s in states])
        new = step(gates[start:stop], live, weights)
        outputs[start] = new[0]
        states = new if live is states else tuple([cat([a, b[n:]]) for a, b in zip(new, states, strict=True)])
    return cat([outputs[start] for start in sorted(outputs)]), *states


def _arrays(tensors: Tensors) -> list[Any]:
    """Contiguous arrays in a type that kernels compute in; None stays."""
    return [None if t is None else in_order(widened(t._array)) for t in tensors]


class RecurrentLayer(Operation):
    """A layer in one direction. The input is (T, N, F), or, if `sizes` says how many rows each step has, (rows, F)."""

    step: Step
    # How many arguments are states.
    states: int = 1
    gates: int = 1

    @classmethod
    @abstractmethod
    def run(
        cls, x: Array, states: list[Array], weights: kernels.Weights, sizes: Sequence[int], reverse: bool, keep: bool
    ) -> tuple[Any, ...]:
        """All h, the last states, what backward needs (if it is to be kept)."""

    @classmethod
    @abstractmethod
    def run_backward(
        cls, kept: Any, weights: kernels.Weights, sizes: Sequence[int], reverse: bool, grads: list[Array]
    ) -> tuple[Any, ...]:
        """The gradients of both halves of the gates, of the states, the h before each step, and the projection's."""

    @classmethod
    def forward(cls, ctx: Any, sizes: Sequence[int] | None, reverse: bool, input: Tensor, *rest: Any) -> Any:
        array = input._array
        dtype, shape = array.dtype, array.shape
        rows = [shape[1]] * shape[0] if sizes is None else list(sizes)
        x, *others = _arrays((input, *rest))
        x = x.reshape(math.prod(shape[:-1]), shape[-1])
        weights = kernels.Weights(*others[cls.states :])
        keep = True in ctx.needs_input_grad
        out, *finals, kept = cls.run(x, others[: cls.states], weights, rows, reverse, keep)
        if keep:
            ctx.reverse, ctx.sizes = reverse, rows
            ctx.save_for_backward((x, kept, weights), input, *rest)
        return tuple([as_result(a, dtype) for a in (out.reshape(*shape[:-1], out.shape[1]), *finals)])

    @classmethod
    def backward(cls, ctx: Any, *grads: Any) -> Any:
        (x, kept, weights), *tensors = ctx.saved_tensors
        needs = ctx.needs_input_grad[2:]
        if state.enabled:
            return None, None, *_differentiable(cls, ctx, tensors, grads, needs)
        first, *finals = _arrays(grads)
        found = cls.run_backward(kept, weights, ctx.sizes, ctx.reverse, [first.reshape(-1, first.shape[-1]), *finals])
        gates, products, *grad_states, befores, projection = found
        grad_x = kernels.gemm(gates, weights.input).reshape(tensors[0]._array.shape) if needs[0] else None
        parameters = kernels.parameter_gradients(x, gates, products, befores, needs[1 + cls.states :])
        every = [grad_x, *grad_states, *parameters, *([projection] if cls.states == 2 else [])]
        dtype = tensors[0]._array.dtype
        return (
            None,
            None,
            *[
                wrap(as_result(g, dtype)) if needed and g is not None else None
                for g, needed in zip(every, needs, strict=True)
            ],
        )


def _differentiable(cls: Any, ctx: Any, tensors: Sequence[Any], grads: Tensors, needs: Sequence[bool]) -> list[Any]:
    """The gradients as results of Tensor operations: those of the composed steps, run again."""
    # A tensor that stands in two places gets its gradient from each.
    again = [t.view_as(t) if needed else t for t, needed in zip(tensors, needs, strict=True)]
    x, rest = again[0], again[1:]
    flat = x.reshape(math.prod(x.shape[:-1]), x.shape[-1])
    out, *finals = composed(
        cls.step, flat, tuple(rest[: cls.states]), _padded(rest[cls.states :]), ctx.sizes, ctx.reverse
    )
    results = [out.reshape(*x.shape[:-1], out.shape[-1]), *finals]
    wanted = [t for t, needed in zip(again, needs, strict=True) if needed]
    found = iter(engine.grad(results, wanted, grads, create_graph=True, allow_unused=True))
    return [next(found) if needed else None for needed in needs]


def _padded(weights: Sequence[Any]) -> Tensors:
    return (*weights, *[None] * (5 - len(weights)))


class TanhLayer(RecurrentLayer):
    """`h = tanh(x W_ih' + b_ih + h W_hh' + b_hh)`."""

    node_name = "StackBackward0"
    step = staticmethod(tanh_step)
    relu = False

    @classmethod
    def run(
        cls, x: Array, states: list[Array], weights: kernels.Weights, sizes: Sequence[int], reverse: bool, keep: bool
    ) -> tuple[Any, ...]:
        return kernels.rnn(x, states[0], weights, sizes, reverse, cls.relu, keep)

    @classmethod
    def run_backward(
        cls, kept: Any, weights: kernels.Weights, sizes: Sequence[int], reverse: bool, grads: list[Array]
    ) -> tuple[Any, ...]:
        befores, out = kept
        gates, grad_h = kernels.rnn_backward(out, weights.hidden, sizes, reverse, cls.relu, *grads)
        return gates, gates, grad_h, befores, None


class ReluLayer(TanhLayer):
    """`h = relu(x W_ih' + b_ih + h W_hh' + b_hh)`."""

    step = staticmethod(relu_step)
    relu = True


class GruLayer(RecurrentLayer):
    """`h = (1 - z) n + z h'`, the gates r, z and the candidate n as in `gru_step`."""

    node_name = "StackBackward0"
    step = staticmethod(gru_step)
    gates = 3

    @classmethod
    def run(
        cls, x: Array, states: list[Array], weights: kernels.Weights, sizes: Sequence[int], reverse: bool, keep: bool
    ) -> tuple[Any, ...]:
        return kernels.gru(x, states[0], weights, sizes, reverse, keep)

    @classmethod
    def run_backward(
        cls, kept: Any, weights: kernels.Weights, sizes: Sequence[int], reverse: bool, grads: list[Array]
    ) -> tuple[Any, ...]:
        activated, befores, candidates = kept
        found = kernels.gru_backward(activated, candidates, befores, weights.hidden, sizes, reverse, *grads)
        return *found, befores, None


class LstmLayer(RecurrentLayer):
    """`c = f c' + i g`, `h = o tanh(c)`, the gates i, f, g, o as in `lstm_step`."""

    node_name = "StackBackward0"
    step = staticmethod(lstm_step)
    states = 2
    gates = 4

    @classmethod
    def run(
        cls, x: Array, states: list[Array], weights: kernels.Weights, sizes: Sequence[int], reverse: bool, keep: bool
    ) -> tuple[Any, ...]:
        return kernels.lstm(x, states[0], states[1], weights, sizes, reverse, keep)

    @classmethod
    def run_backward(
        cls, kept: Any, weights: kernels.Weights, sizes: Sequence[int], reverse: bool, grads: list[Array]
    ) -> tuple[Any, ...]:
        activated, befores, cells, tanhs, hidden = kept
        gates, grad_h, grad_c, projected = kernels.lstm_backward(
            activated, cells, tanhs, weights.hidden, weights.projection, sizes, reverse, *grads
        )
        projection = None if projected is None else kernels.gemm(projected, hidden, transpose_a=True)
        return gates, gates, grad_h, grad_c, befores, projection


class PackedTanhLayer(TanhLayer):
    """`TanhLayer` of packed rows."""

    node_name = "CatBackward0"


class PackedReluLayer(ReluLayer):
    """`ReluLayer` of packed rows."""

    node_name = "CatBackward0"


class PackedGruLayer(GruLayer):
    """`GruLayer` of packed rows."""

    node_name = "CatBackward0"


class PackedLstmLayer(LstmLayer):
    """`LstmLayer` of packed rows."""

    node_name = "CatBackward0"


class OneDnnLstmLayer(LstmLayer):
    """`LstmLayer` where PyTorch uses oneDNN: float32 and bfloat16, without a projection."""

    node_name = "MkldnnRnnLayerBackward0"


# By cell: the operation for (T, N, F), and for packed rows.
CELLS: dict[str, tuple[type[RecurrentLayer], type[RecurrentLayer]]] = {
    "rnn_tanh": (TanhLayer, PackedTanhLayer),
    "rnn_relu": (ReluLayer, PackedReluLayer),
    "lstm": (LstmLayer, PackedLstmLayer),
    "gru": (GruLayer, PackedGruLayer),
}


def layer(
    cell: str, input: Tensor, sizes: Sequence[int] | None, reverse: bool, states: Tensors, weights: Tensors
) -> Tensors:
    """One layer in one direction: all h, shaped as the input, then the last states.

    input (T, N, F), or (rows, F) of packed sequences with the number of rows of each step; states (N, H); weights w_ih,
    w_hh, b_ih, b_hh, and w_hr for an LSTM, None where missing.
    """
    if state.casts is not None and cell == "lstm" and weights[4] is None:
        return state.casts.lower(layer, cell, input, sizes, reverse, states, weights)
    array = input._array
    operation = CELLS[cell][sizes is not None]
    if array.dtype.kind not in "fV" or state.casts is not None:
        flat = input.reshape(math.prod(input.shape[:-1]), input.shape[-1])
        rows = sizes or [input.shape[1]] * input.shape[0]
        out, *finals = composed(operation.step, flat, states, _padded(weights), rows, reverse)
        return out.reshape(*input.shape[:-1], out.shape[-1]), *finals
    if operation is LstmLayer and array.size and array.dtype.char != "d" and array.dtype != np.float16:
        operation = OneDnnLstmLayer if weights[4] is None else operation
    return operation.apply(sizes, reverse, input, *states, *weights)


def one_step(cell: str, input: Tensor, states: Tensors, weights: Tensors) -> Tensors | None:
    """The next states of a cell, where no gradient passes and all fit together; None where not.

    A graph is that of the composed steps, as in PyTorch; without one, a step is what a layer does.
    """
    if state.casts is not None:
        return None
    arrays: list[Any] = []
    for tensor in (input, *states, *weights):
        array = None if tensor is None else free(tensor)
        if tensor is not None and (array is None or (arrays and array.dtype is not arrays[0].dtype)):
            return None
        arrays.append(array)
    x, *others = arrays
    count = len(states)
    w_ih, w_hh, *biases = others[count:]
    operation = CELLS[cell][0]
    if x.ndim != 2 or w_hh.ndim != 2 or w_hh.shape[0] != operation.gates * w_hh.shape[1]:
        return None
    shape = (x.shape[0], w_hh.shape[1])
    if w_ih.shape != (w_hh.shape[0], x.shape[1]) or any(a.shape != shape for a in others[:count]):
        return None
    if any(a is not None and a.shape != w_hh.shape[:1] for a in biases):
        return None
    found = operation.run(x, others[:count], kernels.Weights(w_ih, w_hh, *biases), [x.shape[0]], False, False)
    return tuple([plain(a) for a in found[1:-1]])
