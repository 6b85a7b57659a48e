"""Recurrent networks as functions: layers above each other, in one or both directions, and single steps.

They take the weights as a flat list, in the order in which the layers of `nn` keep them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight.autograd.grad_mode import state
from rushlight.autograd.variable import Variable
from rushlight.ops._numeric import check_tensor
from rushlight.ops.dropout import dropout as dropout_
from rushlight.ops.joining import cat, stack
from rushlight.ops.linear import linear
from rushlight.ops.recurrent import Step, Tensors, gru_step, layer, lstm_step, one_step, relu_step, tanh_step

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

__all__ = ["gru", "gru_cell", "lstm", "lstm_cell", "rnn_relu", "rnn_relu_cell", "rnn_tanh", "rnn_tanh_cell"]

_GATES = {"rnn_tanh": 1, "rnn_relu": 1, "lstm": 4, "gru": 3}


def network(
    cell: str,
    input: Tensor,
    sizes: Sequence[int] | None,
    states: Tensors,
    params: Sequence[Tensor],
    has_biases: bool,
    num_layers: int,
    dropout: float,
    train: bool,
    bidirectional: bool,
) -> tuple[Tensor, Tensors]:
    """All h of the last layer, and the last states of every layer and direction.

    input (T, N, F), or the rows of packed sequences with the number of rows of each step; states (layers · directions,
    N, H).
    """
    directions = 2 if bidirectional else 1
    layers = _layers(cell, params, has_biases, num_layers * directions, states)
    _check(cell, input, sizes, states, layers, directions)
    firsts = [s.unbind(0) for s in states]
    lasts: list[Tensors] = []
    for number in range(num_layers):
        outputs = []
        for i in range(number * directions, (number + 1) * directions):
            out, *final = layer(cell, input, sizes, i % directions == 1, tuple([s[i] for s in firsts]), layers[i])
            outputs.append(out)
            lasts.append(tuple(final))
        input = outputs[0] if directions == 1 else cat(outputs, -1)
        if dropout and train and number < num_layers - 1:
            input = dropout_(input, dropout, train)
    return input, tuple([stack(s) for s in zip(*lasts, strict=True)])


def _layers(cell: str, params: Sequence[Tensor], has_biases: bool, count: int, states: Tensors) -> list[Tensors]:
    """The parameters of each layer and direction: w_ih, w_hh, b_ih, b_hh and, for an LSTM, w_hr, None where missing."""
    projected = cell == "lstm" and states[0].ndim == states[1].ndim == 3 and states[0].shape[2] != states[1].shape[2]
    each = (4 if has_biases else 2) + projected
    if len(params) != each * count:
        raise RuntimeError(
            f"got an incorrect number of RNN parameters: expected {each} for each of {count} layers and directions, "
            f"got {len(params)}"
        )
    found = []
    for start in range(0, len(params), each):
        own = tuple(params[start : start + each])
        biases = own[2:4] if has_biases else (None, None)
        last = (own[-1] if projected else None,) if cell == "lstm" else ()
        found.append((*own[:2], *biases, *last))
    return found


def _check(
    cell: str, input: Tensor, sizes: Sequence[int] | None, states: Tensors, layers: list[Tensors], directions: int
) -> None:
    """RuntimeError where shapes or dtypes don't fit together."""
    shape = input._array.shape
    if len(shape) != (3 if sizes is None else 2):
        raise RuntimeError(f"input must have {3 if sizes is None else 2} dimensions, got {len(shape)}")
    _check_sizes(shape, sizes)
    batch = shape[1] if sizes is None else sizes[0]
    for i, one in enumerate(states):
        found = one._array.shape
        if len(found) != 3 or found[0] != len(layers) or found[1] != batch:
            raise RuntimeError(
                f"Expected hidden[{i}] of shape ({len(layers)}, {batch}, hidden_size) for {len(layers)} layers and "
                f"directions and a batch of {batch}, got {list(found)}"
            )
    features, given = shape[-1], states[0]._array.shape[2]
    rows = _GATES[cell] * states[-1]._array.shape[2]
    for i, weights in enumerate(layers):
        wanted = [(rows, features), (rows, given), (rows,), (rows,), (given, rows // 4)]
        for tensor, expected in zip(weights, wanted, strict=False):
            if tensor is None:
                continue
            if tensor._array.dtype != input._array.dtype and state.casts is None:
                raise _different_types(input, tensor)
            if tensor._array.shape != expected:
                raise _wrong_shape(tensor._array.shape, expected, shape)
        if (i + 1) % directions == 0:
            features = given * directions
    for one in states:
        if one._array.dtype != input._array.dtype and state.casts is None:
            raise _different_types(one, layers[0][1])


def _check_sizes(shape: tuple[int, ...], sizes: Sequence[int] | None) -> None:
    if sizes is None:
        if shape[0] == 0:
            raise RuntimeError("Expected sequence length to be larger than 0 in RNN")
        return
    if not sizes:
        raise RuntimeError("batch_sizes can not be empty")
    if sum(sizes) != shape[0] or any(a < b for a, b in pairwise(sizes)) or sizes[-1] < 0:
        raise RuntimeError(
            f"expected batch_sizes in decreasing order that add up to the {shape[0]} rows of data, got {list(sizes)}"
        )


def _different_types(first: Tensor, second: Tensor) -> RuntimeError:
    return RuntimeError(
        f"mat1 and mat2 must have the same dtype, but got {first.dtype.legacy_name} and {second.dtype.legacy_name}"
    )


def _wrong_shape(found: tuple[int, ...], expected: tuple[int, ...], input: tuple[int, ...]) -> RuntimeError:
    if len(found) == len(expected) == 2 and found[0] == expected[0] and expected[1] == input[-1]:
        rows = int(np.prod(input[:-1]))
        return RuntimeError(f"mat1 and mat2 shapes cannot be multiplied ({rows}x{input[-1]} and {found[1]}x{found[0]})")
    return RuntimeError(f"expected an RNN parameter of shape {list(expected)}, got {list(found)}")


_PLAIN = ["input", "hx", "params", "has_biases", "num_layers", "dropout", "train", "bidirectional", "batch_first"]
_PACKED = ["data", "batch_sizes", *_PLAIN[1:-1]]
_KINDS: dict[str, Callable[[Any], bool]] = {
    "Tensor": lambda v: isinstance(v, Variable),
    "tuple of Tensors": lambda v: isinstance(v, tuple | list) and all(isinstance(t, Variable) for t in v),
    "bool": lambda v: isinstance(v, bool),
    "int": lambda v: isinstance(v, int | np.integer) and not isinstance(v, bool),
    "float": lambda v: isinstance(v, float | int | np.number) and not isinstance(v, bool),
}
_KIND_OF = {
    "params": "tuple of Tensors", "has_biases": "bool", "num_layers": "int", "dropout": "float", "train": "bool",
    "bidirectional": "bool", "batch_first": "bool",
}  # fmt: skip


def _kind(cell: str, name: str) -> str:
    return "tuple of Tensors" if name == "hx" and cell == "lstm" else _KIND_OF.get(name, "Tensor")


def _bound(cell: str, names: list[str], args: tuple[Any, ...], named: dict[str, Any]) -> list[Any] | None:
    """The arguments in the order of `names`; None if they aren't these or not of their types."""
    given = dict(zip(names, args, strict=False)) | named
    if len(args) + len(named) != len(names) or given.keys() != set(names):
        return None
    return [given[n] for n in names] if all(_KINDS[_kind(cell, n)](given[n]) for n in names) else None


def _function(cell: str, args: tuple[Any, ...], named: dict[str, Any]) -> tuple[Tensor, ...]:
    """The network for either list of arguments."""
    plain = _bound(cell, _PLAIN, args, named)
    if plain is not None:
        input, hx, *rest, batch_first = plain
        return padded_network(cell, input, hx, *rest, batch_first=batch_first)
    packed = _bound(cell, _PACKED, args, named)
    if packed is None:
        got = [type(a).__name__ for a in args] + [f"{n}={type(a).__name__}" for n, a in named.items()]
        lists = [", ".join([f"{_kind(cell, n)} {n}" for n in names]) for names in (_PACKED, _PLAIN)]
        raise TypeError(
            f"{cell}() received an invalid combination of arguments - got ({', '.join(got)}), but expected one of:\n"
            f" * ({lists[0]})\n * ({lists[1]})\n"
        )
    data, batch_sizes, hx, *rest = packed
    return packed_network(cell, data, batch_sizes, hx, *rest)


def _states(cell: str, hx: Any) -> Tensors:
    if cell != "lstm":
        return (hx,)
    if len(hx) != 2:
        raise RuntimeError("lstm expects two hidden states")
    return tuple(hx)


def padded_network(cell: str, input: Tensor, hx: Any, *settings: Any, batch_first: bool) -> tuple[Tensor, ...]:
    """The network for sequences of one length, (T, N, F), or (N, T, F) with batch_first."""
    if not batch_first:
        out, lasts = network(cell, input, None, _states(cell, hx), *settings)
        return out, *lasts
    out, lasts = network(cell, input.transpose(0, 1), None, _states(cell, hx), *settings)
    # As PyTorch does it, so that `grad_fn` names the same.
    return out.transpose(0, 1) if cell == "lstm" else out.transpose_(0, 1), *lasts


def packed_network(cell: str, data: Tensor, batch_sizes: Tensor, hx: Any, *settings: Any) -> tuple[Tensor, ...]:
    """The network for packed sequences."""
    if batch_sizes._array.dtype != np.int64:
        raise RuntimeError(f"expected scalar type Long but found {batch_sizes.dtype.legacy_name}")
    if batch_sizes._array.ndim != 1:
        raise RuntimeError(f"expected batch_sizes to be 1D, got {batch_sizes._array.ndim}D")
    out, lasts = network(cell, data, batch_sizes._array.tolist(), _states(cell, hx), *settings)
    return out, *lasts


def rnn_tanh(*args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
    """`h = tanh(x W_ih' + b_ih + h W_hh' + b_hh)` along sequences: all h of the last layer, and every layer's last.

    Called as `(input, hx, params, has_biases, num_layers, dropout, train, bidirectional, batch_first)`, or for packed
    sequences as `(data, batch_sizes, hx, params, has_biases, num_layers, dropout, train, bidirectional)`. input is
    (T, N, F), hx (layers · directions, N, H); params are w_ih, w_hh, b_ih, b_hh of each layer and direction. Raises
    TypeError for other arguments, RuntimeError where their shapes don't fit.

    >>> import rushlight as torch
    >>> params = [torch.ones(2, 3), torch.zeros(2, 2)]
    >>> output, last = torch.rnn_tanh(
    ...     torch.ones(5, 1, 3), torch.zeros(1, 1, 2), params, False, 1, 0.0, False, False, False
    ... )
    >>> last
    tensor([[[0.9951, 0.9951]]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.RNN.html
    """
    output, hidden = _function("rnn_tanh", args, kwargs)
    return output, hidden


def rnn_relu(*args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
    """`h = relu(x W_ih' + b_ih + h W_hh' + b_hh)` along sequences; arguments, shapes and errors are those of
    `rnn_tanh`.

    >>> import rushlight as torch
    >>> w_ih, w_hh = torch.ones(1, 2), torch.ones(1, 1)
    >>> x, h = torch.ones(3, 1, 2), torch.zeros(1, 1, 1)
    >>> out, h = torch.rnn_relu(x, h, [w_ih, w_hh], False, 1, 0.0, False, False, False)
    >>> out.flatten()
    tensor([2., 4., 6.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.RNN.html
    """
    output, hidden = _function("rnn_relu", args, kwargs)
    return output, hidden


def lstm(*args: Any, **kwargs: Any) -> tuple[Tensor, Tensor, Tensor]:
    """A long short-term memory along sequences: all h of the last layer, and every layer's last h and c.

    The arguments are those of `rnn_tanh`, where hx is a tuple of h and c and each weight holds four gates,
    `(4 * H, …)`; if h and c differ in size, params hold the projection w_hr of each layer and direction too.

    >>> import rushlight as torch
    >>> w_ih, w_hh, start = torch.zeros(12, 2), torch.zeros(12, 3), torch.ones(1, 1, 3)
    >>> out, h, c = torch.lstm(torch.ones(4, 1, 2), (start, start), [w_ih, w_hh], False, 1, 0.0, False, False, False)
    >>> out.shape, c
    (torch.Size([4, 1, 3]), tensor([[[0.0625, 0.0625, 0.0625]]]))

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.LSTM.html
    """
    output, hidden, cell = _function("lstm", args, kwargs)
    return output, hidden, cell


def gru(*args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
    """Gated recurrent units along sequences: all h of the last layer, and every layer's last.

    The arguments, shapes and errors are those of `rnn_tanh`; each weight holds three gates, `(3 * H, …)`.

    >>> import rushlight as torch
    >>> w_ih, w_hh = torch.zeros(9, 2), torch.zeros(9, 3)
    >>> out, h = torch.gru(torch.ones(4, 1, 2), torch.ones(1, 1, 3), [w_ih, w_hh], False, 1, 0.0, False, False, False)
    >>> out.shape, h
    (torch.Size([4, 1, 3]), tensor([[[0.0625, 0.0625, 0.0625]]]))

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.GRU.html
    """
    output, hidden = _function("gru", args, kwargs)
    return output, hidden


def _cell(cell: str, step: Step, input: Any, states: Tensors, w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any) -> Tensors:
    """One step, its arguments checked."""
    weights = (w_ih, w_hh, b_ih, b_hh)
    found = one_step(cell, input, states, weights)
    if found is not None:
        return found
    function = f"{cell}_cell"
    for position, (name, value) in enumerate((("input", input), ("hx", states[0]), ("w_ih", w_ih), ("w_hh", w_hh)), 1):
        check_tensor(function, name, position, value)
    if input.size(1) != w_ih.size(1):
        raise RuntimeError(f"input has inconsistent input_size: got {input.size(1)} expected {w_ih.size(1)}")
    for i, hidden in enumerate(states):
        if input.size(0) != hidden.size(0):
            raise RuntimeError(f"Input batch size {input.size(0)} doesn't match hidden{i} batch size {hidden.size(0)}")
        if hidden.size(1) != w_hh.size(1):
            raise RuntimeError(f"hidden{i} has inconsistent hidden_size: got {hidden.size(1)}, expected {w_hh.size(1)}")
    return step(linear(input, w_ih, b_ih), states, (*weights, None))


def rnn_tanh_cell(
    input: Tensor, hx: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None = None, b_hh: Tensor | None = None
) -> Tensor:
    """`tanh(input w_ih' + b_ih + hx w_hh' + b_hh)`, for input `(N, F)` and hx `(N, H)`: `(N, H)`.

    The weights are `(H, F)` and `(H, H)`. Raises RuntimeError for shapes that do not fit.

    >>> import rushlight as torch
    >>> torch.rnn_tanh_cell(torch.ones(1, 2), torch.ones(1, 1), torch.zeros(1, 2), torch.ones(1, 1))
    tensor([[0.7616]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.RNNCell.html
    """
    return _cell("rnn_tanh", tanh_step, input, (hx,), w_ih, w_hh, b_ih, b_hh)[0]


def rnn_relu_cell(
    input: Tensor, hx: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None = None, b_hh: Tensor | None = None
) -> Tensor:
    """`relu(input w_ih' + b_ih + hx w_hh' + b_hh)`, for input `(N, F)` and hx `(N, H)`: `(N, H)`.

    The weights are `(H, F)` and `(H, H)`. Raises RuntimeError for shapes that do not fit.

    >>> import rushlight as torch
    >>> torch.rnn_relu_cell(torch.ones(1, 2), torch.ones(1, 1), torch.ones(1, 2), torch.ones(1, 1))
    tensor([[3.]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.RNNCell.html
    """
    return _cell("rnn_relu", relu_step, input, (hx,), w_ih, w_hh, b_ih, b_hh)[0]


def lstm_cell(
    input: Tensor,
    hx: tuple[Tensor, Tensor] | list[Tensor],
    w_ih: Tensor,
    w_hh: Tensor,
    b_ih: Tensor | None = None,
    b_hh: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """One step of an LSTM: from input `(N, F)` and h and c `(N, H)`, with weights `(4 * H, F)` and `(4 * H, H)`, the
    next two.

    Raises RuntimeError for shapes that do not fit.

    >>> import rushlight as torch
    >>> h = c = torch.ones(1, 1)
    >>> torch.lstm_cell(torch.ones(1, 2), (h, c), torch.zeros(4, 2), torch.zeros(4, 1))
    (tensor([[0.2311]]), tensor([[0.5000]]))

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.LSTMCell.html
    """
    check_tensor("lstm_cell", "input", 1, input)
    if not isinstance(hx, tuple | list):
        raise TypeError(f"lstm_cell(): argument 'hx' (position 2) must be tuple of Tensors, not {type(hx).__name__}")
    if len(hx) != 2:
        raise RuntimeError("lstm_cell expects two hidden states")
    hidden, cell = _cell("lstm", lstm_step, input, tuple(hx), w_ih, w_hh, b_ih, b_hh)
    return hidden, cell


def gru_cell(
    input: Tensor, hx: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None = None, b_hh: Tensor | None = None
) -> Tensor:
    """One step of a GRU: from input `(N, F)` and h `(N, H)`, with weights `(3 * H, F)` and `(3 * H, H)`, the next h.

    Raises RuntimeError for shapes that do not fit.

    >>> import rushlight as torch
    >>> torch.gru_cell(torch.ones(1, 2), torch.ones(1, 1), torch.zeros(3, 2), torch.zeros(3, 1))
    tensor([[0.5000]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.GRUCell.html
    """
    return _cell("gru", gru_step, input, (hx,), w_ih, w_hh, b_ih, b_hh)[0]
