"""Recurrent layers, cells, and packed sequences."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.cases.case import Case, Refusal, integers, normal


def layer(name: str, *arguments: Any, **options: Any) -> Callable[[Any], Any]:
    """A layer of `nn`."""
    return lambda t: getattr(t.nn, name)(*arguments, **options)


def packed(lengths: list[int], name: str, *arguments: Any, **options: Any) -> Callable[[Any], Any]:
    """A layer that packs its input (T, N, F) first."""
    ordered = sorted(lengths, reverse=True) == lengths

    def make(t: Any) -> Any:
        class Packed(t.nn.Module):  # type: ignore[name-defined, misc]
            def __init__(self) -> None:
                super().__init__()
                self.layer = getattr(t.nn, name)(*arguments, **options)

            def forward(self, input: Any, hx: Any = None) -> Any:
                sequences = t.nn.utils.rnn.pack_padded_sequence(input, lengths, enforce_sorted=ordered)
                return self.layer(sequences, hx)

        return Packed()

    return make


def function(name: str, *settings: Any, sizes: list[int] | None = None) -> Callable[[Any], Any]:
    """`torch.rnn_tanh` and its kin, of packed rows if `sizes` are given."""

    def make(t: Any) -> Any:
        def call(input: Any, hx: Any, *params: Any) -> Any:
            rows = () if sizes is None else (t.tensor(sizes),)
            return getattr(t, name)(input, *rows, hx, list(params), *settings)

        return call

    return make


def packing(name: str, **options: Any) -> Callable[[Any], Any]:
    """A function of `nn.utils.rnn`, of tensors."""
    return lambda t: lambda *tensors: getattr(t.nn.utils.rnn, name)(*tensors, **options)


def of_list(name: str, **options: Any) -> Callable[[Any], Any]:
    """A function of `nn.utils.rnn`, of a list of tensors."""
    return lambda t: lambda *tensors: getattr(t.nn.utils.rnn, name)(list(tensors), **options)


def repadded(lengths: list[int], **options: Any) -> Callable[[Any], Any]:
    """Pack, then pad."""

    def make(t: Any) -> Any:
        rnn = t.nn.utils.rnn
        return lambda x: rnn.pad_packed_sequence(rnn.pack_padded_sequence(x, lengths, enforce_sorted=False), **options)

    return make


x = normal(3, 2, 2)


def state(layers: int, size: int = 2, batch: int = 2) -> Any:
    return normal(layers, batch, size)


LAYERS = [
    Case("RNN", layer("RNN", 2, 2), (x,)),
    Case("RNN relu", layer("RNN", 2, 2, nonlinearity="relu"), (x,)),
    Case("RNN relu by position", layer("RNN", 2, 1, 2, "relu", False), (x,), second=False),
    Case("RNN two layers, no bias", layer("RNN", 2, 2, 2, bias=False), (x,)),
    Case("RNN bidirectional, state", layer("RNN", 2, 2, bidirectional=True), (x, state(2))),
    Case("RNN batch first, state", layer("RNN", 2, 2, batch_first=True), (x, state(1, batch=3))),
    Case("RNN one sequence", layer("RNN", 2, 2), (normal(3, 2), normal(1, 2))),
    Case("RNN packed", packed([3, 1], "RNN", 2, 2), (x, state(1))),
    Case("RNN packed relu, both ways", packed([1, 3], "RNN", 2, 1, nonlinearity="relu", bidirectional=True), (x,)),
    Case("RNN no batch", layer("RNN", 2, 2), (normal(3, 0, 2),)),
    Case("LSTM", layer("LSTM", 2, 2), (x,)),
    Case("LSTM state", layer("LSTM", 2, 2), (x, (state(1), state(1)))),
    Case("LSTM no bias, batch first", layer("LSTM", 2, 2, bias=False, batch_first=True), (x,)),
    Case("LSTM two layers", layer("LSTM", 2, 1, 2), (x, (state(2, 1), state(2, 1)))),
    Case(
        "LSTM two layers both ways",
        layer("LSTM", 2, 1, 2, bidirectional=True, batch_first=True),
        (x, (state(4, 1, 3), state(4, 1, 3))),
        second=False,
    ),
    Case("LSTM one sequence", layer("LSTM", 2, 2), (normal(3, 2), (normal(1, 2), normal(1, 2)))),
    Case("LSTM one sequence, batch first", layer("LSTM", 2, 1, batch_first=True, bidirectional=True), (normal(3, 2),)),
    Case("LSTM projected", layer("LSTM", 2, 2, proj_size=1), (x, (state(1, 1), state(1)))),
    Case("LSTM projected, no bias", layer("LSTM", 2, 2, proj_size=1, bias=False), (normal(3, 2),)),
    Case(
        "LSTM projected, two layers both ways",
        layer("LSTM", 2, 2, 2, proj_size=1, bidirectional=True),
        (normal(2, 2, 2),),
        second=False,
    ),
    Case("LSTM packed", packed([3, 1], "LSTM", 2, 2), (x, (state(1), state(1)))),
    Case("LSTM packed, unsorted", packed([1, 3], "LSTM", 2, 1, bidirectional=True), (x, (state(2, 1), state(2, 1)))),
    Case(
        "LSTM packed, projected, two layers",
        packed([2, 3, 1], "LSTM", 2, 2, 2, proj_size=1),
        (normal(3, 3, 2),),
        second=False,
    ),
    Case("LSTM one step", layer("LSTM", 2, 2), (normal(1, 2, 2),)),
    Case("LSTM no batch", layer("LSTM", 2, 2), (normal(3, 0, 2),)),
    Case("LSTM dropout", layer("LSTM", 2, 2, 3, dropout=0.5), (x,), draws=True, second=False),
    Case("LSTM dropout, both ways", layer("LSTM", 2, 1, 2, True, True, 0.5, True), (x,), draws=True, second=False),
    Case("LSTM dropout, not in training", layer("LSTM", 2, 1, 2, dropout=0.5), (x,), training=False, second=False),
    Case("LSTM dropout of everything", layer("LSTM", 2, 1, 2, dropout=1.0), (x,), draws=True, second=False),
    Case("LSTM dropout, packed", packed([3, 2], "LSTM", 2, 1, 2, dropout=0.5), (x,), draws=True, second=False),
    Case("GRU", layer("GRU", 2, 2), (x,)),
    Case("GRU no bias, state", layer("GRU", 2, 2, bias=False), (x, state(1))),
    Case("GRU two layers", layer("GRU", 2, 1, 2), (x, state(2, 1))),
    Case("GRU both ways, batch first", layer("GRU", 2, 1, bidirectional=True, batch_first=True), (x, state(2, 1, 3))),
    Case("GRU one sequence", layer("GRU", 2, 2), (normal(3, 2), normal(1, 2))),
    Case("GRU packed", packed([3, 1], "GRU", 2, 2), (x, state(1))),
    Case("GRU packed, unsorted", packed([1, 3], "GRU", 2, 1, 2, bidirectional=True), (x,), second=False),
    Case("GRU dropout", layer("GRU", 2, 2, 2, dropout=0.3), (x,), draws=True, second=False),
    Case("GRU no batch", layer("GRU", 2, 2), (normal(3, 0, 2),)),
]

CELLS = [
    Case("RNNCell", layer("RNNCell", 2, 2), (normal(3, 2), normal(3, 2))),
    Case("RNNCell no state", layer("RNNCell", 2, 3), (normal(3, 2),)),
    Case("RNNCell relu, one sample", layer("RNNCell", 2, 2, False, "relu"), (normal(2), normal(2))),
    Case("LSTMCell", layer("LSTMCell", 2, 2), (normal(3, 2), (normal(3, 2), normal(3, 2)))),
    Case("LSTMCell no state", layer("LSTMCell", 2, 2, bias=False), (normal(3, 2),)),
    Case("LSTMCell one sample", layer("LSTMCell", 2, 2), (normal(2), (normal(2), normal(2)))),
    Case("GRUCell", layer("GRUCell", 2, 2), (normal(3, 2), normal(3, 2))),
    Case("GRUCell no state", layer("GRUCell", 2, 2, bias=False), (normal(3, 2),)),
    Case("GRUCell one sample", layer("GRUCell", 2, 2), (normal(2), normal(2))),
    Case("GRUCell no batch", layer("GRUCell", 2, 2), (normal(0, 2),)),
]

_BOTH = (state(1, 1), state(1, 1))
_RNN = (normal(1, 2), normal(1, 1), normal(1), normal(1))
_LSTM = (normal(4, 2), normal(4, 1), normal(4), normal(4))
_GRU = (normal(3, 2), normal(3, 1), normal(3), normal(3))

FUNCTIONS = [
    Case("rnn_tanh", function("rnn_tanh", True, 1, 0.0, False, False, False), (x, state(1, 1), *_RNN)),
    Case("rnn_tanh of rows", function("rnn_tanh", True, 1, 0.0, True, False, sizes=[2, 1]), (normal(3, 2), state(1, 1), *_RNN)),
    Case("rnn_relu", function("rnn_relu", False, 1, 0, False, False, True), (x, state(1, 1, 3), *_RNN[:2])),
    Case("rnn_tanh no features", function("rnn_tanh", False, 1, 0.0, False, False, False), (normal(3, 2, 0), state(1, 1), normal(1, 0), normal(1, 1))),
    Case("lstm", function("lstm", True, 1, 0.0, False, False, False), (x, _BOTH, *_LSTM)),
    Case("lstm of rows", function("lstm", True, 1, 0.0, False, False, sizes=[2, 2, 1]), (normal(5, 2), list(_BOTH), *_LSTM)),
    Case("gru", function("gru", True, 1, 0.0, False, False, False), (x, state(1, 1), *_GRU)),
    Case("gru of rows", function("gru", True, 1, 0.0, False, False, sizes=[2, 1]), (normal(3, 2), state(1, 1), *_GRU)),
    Case("rnn_tanh_cell", lambda t: t.rnn_tanh_cell, (normal(2, 2), normal(2, 1), *_RNN)),
    Case("rnn_relu_cell", lambda t: t.rnn_relu_cell, (normal(2, 2), normal(2, 1), *_RNN[:2])),
    Case("lstm_cell", lambda t: t.lstm_cell, (normal(2, 2), (normal(2, 1), normal(2, 1)), *_LSTM)),
    Case("gru_cell", lambda t: t.gru_cell, (normal(2, 2), normal(2, 1), *_GRU[:2], None, normal(3))),
]  # fmt: skip

PACKING = [
    Case("pack_padded_sequence", packing("pack_padded_sequence", lengths=[4, 2, 2]), (normal(4, 3, 2),)),
    Case(
        "pack_padded_sequence unsorted",
        packing("pack_padded_sequence", lengths=[1, 3], batch_first=True, enforce_sorted=False),
        (normal(2, 4),),
    ),
    Case(
        "pack_padded_sequence numbers",
        lambda t: lambda x: t.nn.utils.rnn.pack_padded_sequence(x, t.tensor([3, 1])),
        (integers(9, 3, 2),),
    ),
    Case("pad_packed_sequence", repadded([2, 4, 1]), (normal(4, 3),)),
    Case("pad_packed_sequence longer", repadded([2, 4], batch_first=True, padding_value=-1.5, total_length=6), (normal(4, 2, 2),)),
    Case("pad_packed_sequence numbers", repadded([1, 3], padding_value=2.5), (integers(9, 3, 2),)),
    Case("pad_sequence", of_list("pad_sequence"), (normal(2, 2), normal(3, 2), normal(1, 2))),
    Case("pad_sequence left", of_list("pad_sequence", batch_first=True, padding_value=7, padding_side="left"), (normal(2), normal(3))),
    Case("pad_sequence of one tensor", packing("pad_sequence"), (normal(2, 3),)),
    Case("pad_sequence nothing", of_list("pad_sequence"), (normal(0, 2), normal(0, 2))),
    Case("pack_sequence", of_list("pack_sequence"), (normal(3, 2), normal(3, 2), normal(1, 2))),
    Case("pack_sequence unsorted", of_list("pack_sequence", enforce_sorted=False), (normal(1), normal(3))),
    Case("unpad_sequence", lambda t: lambda x: t.nn.utils.rnn.unpad_sequence(x, t.tensor([1, 3]), batch_first=True), (normal(2, 3),)),
    Case("unpad_sequence time first", lambda t: lambda x: t.nn.utils.rnn.unpad_sequence(x * 1, t.tensor([1, 3])), (normal(3, 2),)),
    Case(
        "unpack_sequence",
        lambda t: lambda *s: t.nn.utils.rnn.unpack_sequence(t.nn.utils.rnn.pack_sequence(s, enforce_sorted=False)),
        (normal(1, 2), normal(3, 2)),
    ),
    Case("invert_permutation", lambda t: lambda: t.nn.utils.rnn.invert_permutation(t.tensor([2, 0, 1])), ()),
]  # fmt: skip

CASES = [*LAYERS, *CELLS, *FUNCTIONS, *PACKING]


def _zeros(t: Any, *shapes: tuple[int, ...]) -> Any:
    return tuple([t.zeros(shape) for shape in shapes])


def _call(t: Any, name: str, input: tuple[int, ...], *states: tuple[int, ...], **options: Any) -> Any:
    """A layer 3 → 4 called with zeros."""
    hx = _zeros(t, *states)
    return getattr(t.nn, name)(3, 4, **options)(t.zeros(input), *((hx if len(hx) > 1 else hx[0],) if hx else ()))


def _lstm(t: Any, hx: Any = None, drop: int = 0) -> Any:
    params = t.nn.LSTM(3, 4)._flat_weights
    both = _zeros(t, (1, 2, 4), (1, 2, 4)) if hx is None else hx
    return t.lstm(t.zeros(5, 2, 3), both, params[drop:], True, 1, 0.0, False, False, False)


def _pack(t: Any, lengths: Any, *shape: int, **options: Any) -> Any:
    return t.nn.utils.rnn.pack_padded_sequence(t.ones(shape or (4, 3, 2)), lengths, **options)


def _pad_packed(t: Any, **options: Any) -> Any:
    return t.nn.utils.rnn.pad_packed_sequence(_pack(t, [4, 2, 1]), **options)


def _packed(t: Any, *arguments: Any) -> Any:
    return t.nn.utils.rnn.PackedSequence(*arguments)


def _pad(t: Any, *shapes: tuple[int, ...], **options: Any) -> Any:
    return t.nn.utils.rnn.pad_sequence([t.zeros(shape) for shape in shapes], **options)


REFUSALS = [
    Refusal("dropout", lambda t: t.nn.LSTM(3, 4, dropout=2), ValueError, r"dropout should be a number in range \[0, 1\]"),
    Refusal("dropout bool", lambda t: t.nn.LSTM(3, 4, dropout=True), ValueError, "dropout should be a number"),
    Refusal("dropout None", lambda t: t.nn.LSTM(3, 4, dropout=None), TypeError, "must be a string or a real number"),
    Refusal("bias", lambda t: t.nn.GRU(3, 4, bias=1), TypeError, "bias should be of type bool, got: int"),
    Refusal("batch_first", lambda t: t.nn.GRU(3, 4, batch_first=1), TypeError, "batch_first should be of type bool"),
    Refusal("input_size type", lambda t: t.nn.LSTM(3.0, 4), TypeError, "input_size should be of type int, got: float"),
    Refusal("input_size", lambda t: t.nn.LSTM(0, 4), ValueError, "input_size must be greater than zero"),
    Refusal("hidden_size type", lambda t: t.nn.LSTM(3, "4"), TypeError, "hidden_size should be of type int, got: str"),
    Refusal("hidden_size", lambda t: t.nn.LSTM(3, -1), ValueError, "hidden_size must be greater than zero"),
    Refusal("num_layers", lambda t: t.nn.LSTM(3, 4, 0), ValueError, "num_layers must be greater than zero"),
    Refusal("num_layers type", lambda t: t.nn.LSTM(3, 4, 1.5), TypeError, "cannot be interpreted as an integer"),
    Refusal("proj_size negative", lambda t: t.nn.LSTM(3, 4, proj_size=-1), ValueError, "positive integer or zero"),
    Refusal("proj_size large", lambda t: t.nn.LSTM(3, 4, proj_size=4), ValueError, "smaller than hidden_size"),
    Refusal("proj_size of GRU", lambda t: t.nn.GRU(3, 4, proj_size=2), ValueError, "only supported for LSTM"),
    Refusal("proj_size of RNN", lambda t: t.nn.RNN(3, 4, proj_size=2), ValueError, "only supported for LSTM"),
    Refusal("nonlinearity", lambda t: t.nn.RNN(3, 4, 1, "sin"), ValueError, "Unknown nonlinearity 'sin'. Select from"),
    Refusal("mode", lambda t: t.nn.RNNBase("X", 3, 4), ValueError, "Unrecognized RNN mode: X"),
    Refusal("no such argument", lambda t: t.nn.LSTM(3, 4, foo=1), TypeError, "unexpected keyword argument 'foo'"),
    Refusal("int parameters", lambda t: t.nn.GRU(3, 4, dtype=t.int64), RuntimeError, "floating point and complex"),
    Refusal("RNNBase has no forward", lambda t: t.nn.RNNBase("LSTM", 3, 4)(t.zeros(2, 2, 3)), NotImplementedError, "forward"),
    Refusal("LSTM 1-D", lambda t: _call(t, "LSTM", (3,)), ValueError, "LSTM: Expected input to be 2D or 3D, got 1D instead"),
    Refusal("RNN 1-D", lambda t: _call(t, "RNN", (3,)), ValueError, "RNN: Expected input to be 2D or 3D, got 1D tensor instead"),
    Refusal("GRU features", lambda t: _call(t, "GRU", (5, 2, 2)), RuntimeError, "input_size. Expected 3, got 2"),
    Refusal("no steps", lambda t: _call(t, "GRU", (0, 2, 3)), RuntimeError, "sequence length to be larger than 0"),
    Refusal("dtype", lambda t: t.nn.RNN(3, 4)(t.zeros(5, 2, 3).double()), ValueError, "RNN input dtype .*float64.* does not match"),
    Refusal("state dtype", lambda t: t.nn.GRU(3, 4)(t.zeros(5, 2, 3), t.zeros(1, 2, 4).double()), RuntimeError, "same dtype, but got Double and Float"),
    Refusal("GRU state 2-D", lambda t: _call(t, "GRU", (5, 2, 3), (2, 4)), RuntimeError, "For batched 3-D input, hx should also be 3-D but got 2-D"),
    Refusal("GRU state 3-D", lambda t: _call(t, "GRU", (5, 3), (1, 2, 4)), RuntimeError, "For unbatched 2-D input, hx should also be 2-D but got 3-D"),
    Refusal("GRU state batch", lambda t: _call(t, "GRU", (5, 2, 3), (1, 3, 4)), RuntimeError, r"Expected hidden size \(1, 2, 4\), got \[1, 3, 4\]"),
    Refusal("LSTM state 2-D", lambda t: _call(t, "LSTM", (5, 2, 3), (2, 4), (2, 4)), RuntimeError, r"hx and cx should also be 3-D but got \(2-D, 2-D\)"),
    Refusal("LSTM state 3-D", lambda t: _call(t, "LSTM", (5, 3), (1, 2, 4), (1, 2, 4)), RuntimeError, "For unbatched 2-D input, hx and cx should"),
    Refusal("LSTM state batch", lambda t: _call(t, "LSTM", (5, 2, 3), (1, 3, 4), (1, 3, 4)), RuntimeError, r"Expected hidden\[0\] size \(1, 2, 4\)"),
    Refusal("LSTM cell size", lambda t: _call(t, "LSTM", (5, 2, 3), (1, 2, 4), (1, 2, 3)), RuntimeError, r"Expected hidden\[1\] size \(1, 2, 4\)"),
    Refusal("LSTM projected state", lambda t: _call(t, "LSTM", (5, 2, 3), (1, 2, 4), (1, 2, 4), proj_size=2), RuntimeError, r"Expected hidden\[0\] size \(1, 2, 2\)"),
    Refusal("packed 3-D", lambda t: t.nn.GRU(3, 4)(_packed(t, t.zeros(5, 2, 3), t.tensor([2, 2]))), RuntimeError, "input must have 2 dimensions, got 3"),
    Refusal("packed state", lambda t: t.nn.RNN(3, 4)(_packed(t, t.zeros(5, 3), t.tensor([3, 2])), t.zeros(1, 2, 4)), RuntimeError, r"Expected hidden size \(1, 3, 4\)"),
    Refusal("packed int32 sizes", lambda t: t.nn.GRU(3, 4)(_packed(t, t.zeros(5, 3), t.tensor([3, 2], dtype=t.int32))), RuntimeError, "expected scalar type Long but found Int"),
    Refusal("packed too few rows", lambda t: t.nn.GRU(3, 4)(_packed(t, t.zeros(4, 3), t.tensor([3, 2]))), RuntimeError, "batch_sizes in decreasing order that add up to the 4 rows"),
    Refusal("RNNCell 3-D", lambda t: _call(t, "RNNCell", (2, 3, 3)), ValueError, "RNNCell: Expected input to be 1D or 2D, got 3D"),
    Refusal("RNNCell state 3-D", lambda t: _call(t, "RNNCell", (2, 3), (2, 4, 4)), ValueError, "Expected hidden to be 1D or 2D"),
    Refusal("LSTMCell state 3-D", lambda t: _call(t, "LSTMCell", (2, 3), (2, 4, 4), (2, 4)), ValueError, r"Expected hx\[0\] to be 1D or 2D"),
    Refusal("GRUCell features", lambda t: _call(t, "GRUCell", (2, 2)), RuntimeError, "inconsistent input_size: got 2 expected 3"),
    Refusal("GRUCell batch", lambda t: _call(t, "GRUCell", (2, 3), (3, 4)), RuntimeError, "Input batch size 2 doesn't match hidden0 batch size 3"),
    Refusal("LSTMCell size", lambda t: _call(t, "LSTMCell", (2, 3), (2, 4), (2, 5)), RuntimeError, "hidden1 has inconsistent hidden_size: got 5, expected 4"),
    Refusal("LSTMCell one state", lambda t: t.nn.LSTMCell(3, 4)(t.zeros(2, 3), t.zeros(2, 4)), TypeError, "'hx' .* must be tuple of Tensors, not Tensor"),
    Refusal("RNNCell nonlinearity", lambda t: _call(t, "RNNCell", (2, 3), nonlinearity="sin"), RuntimeError, "Unknown nonlinearity: sin"),
    Refusal("lstm one state", lambda t: _lstm(t, (t.zeros(1, 2, 4),)), RuntimeError, "lstm expects two hidden states"),
    Refusal("lstm parameters", lambda t: _lstm(t, drop=1), RuntimeError, "incorrect number of RNN parameters: expected 4"),
    Refusal("lstm arguments", lambda t: t.lstm(t.zeros(5, 2, 3)), TypeError, "invalid combination of arguments"),
    Refusal("lstm_cell one state", lambda t: t.lstm_cell(t.zeros(2, 3), [t.zeros(2, 4)], t.zeros(16, 3), t.zeros(16, 4)), RuntimeError, "expects two hidden states"),
    Refusal("gru features", lambda t: t.gru(t.zeros(5, 2, 2), t.zeros(1, 2, 4), t.nn.GRU(3, 4)._flat_weights, True, 1, 0.0, False, False, False), RuntimeError, r"cannot be multiplied \(10x2 and 3x12\)"),
    Refusal("pack order", lambda t: _pack(t, [1, 2, 4]), RuntimeError, "`lengths` array must be sorted in decreasing order"),
    Refusal("pack count", lambda t: _pack(t, [4, 2]), RuntimeError, r"equal to batch_size, but got 2 \(batch_size=3\)"),
    Refusal("pack zero", lambda t: _pack(t, [4, 2, 0], enforce_sorted=False), RuntimeError, "greater than 0"),
    Refusal("pack matrix of lengths", lambda t: _pack(t, t.tensor([[4, 2, 1]])), RuntimeError, "1D CPU int64 tensor, but got 2D cpu Long"),
    Refusal("pack 1-D", lambda t: _pack(t, [3], 3), IndexError, "Dimension out of range"),
    Refusal("pack empty", lambda t: _pack(t, [1, 1], 0, 2, 3), RuntimeError, "Cannot pack empty tensors"),
    Refusal("pack a list", lambda t: t.nn.utils.rnn.pack_padded_sequence([1], [1]), TypeError, "must be Tensor, not list"),
    Refusal("pad_packed total_length", lambda t: _pad_packed(t, total_length=2), ValueError, "total_length=2 and max sequence length being 4"),
    Refusal("pad_packed value", lambda t: _pad_packed(t, padding_value="a"), TypeError, "must be Number, not str"),
    Refusal("pad_packed no sizes", lambda t: t.nn.utils.rnn.pad_packed_sequence(_packed(t, t.zeros(2, 2), t.zeros(0, dtype=t.int64))), RuntimeError, "batch_sizes can not be empty"),
    Refusal("pad_packed increasing", lambda t: t.nn.utils.rnn.pad_packed_sequence(_packed(t, t.zeros(5, 2), t.tensor([2, 4]))), RuntimeError, "batch_sizes in decreasing order"),
    Refusal("pad_sequence nothing", _pad, RuntimeError, "received an empty list of sequences"),
    Refusal("pad_sequence number", lambda t: t.nn.utils.rnn.pad_sequence(5), RuntimeError, "Expected iterable for input sequences"),
    Refusal("pad_sequence shapes", lambda t: _pad(t, (2, 3), (2, 4)), RuntimeError, r"equal but for L, got \[2, 3\] and \[2, 4\]"),
    Refusal("pad_sequence side", lambda t: _pad(t, (2,), (3,), padding_side="top"), RuntimeError, "one of left or right, but got top"),
    Refusal("pad_sequence value", lambda t: _pad(t, (2,), padding_value="a"), TypeError, r"'padding_value' \(position 3\) must be float"),
    Refusal("pad_sequence element", lambda t: t.nn.utils.rnn.pad_sequence([t.zeros(2), 5]), TypeError, "expected Tensor as element 1"),
    Refusal("pack_sequence order", lambda t: t.nn.utils.rnn.pack_sequence([t.zeros(1), t.zeros(2)]), RuntimeError, "sorted in decreasing order"),
    Refusal("unpad_sequence lengths", lambda t: t.nn.utils.rnn.unpad_sequence(t.zeros(4, 3), t.tensor([4, 2])), ValueError, "argument 2 is shorter"),
    Refusal("unpad_sequence leaf", lambda t: t.nn.utils.rnn.unpad_sequence(t.zeros(4, 3, requires_grad=True), t.tensor([4, 2, 1])), RuntimeError, "a leaf Variable that requires grad is being used in an in-place"),
    Refusal("PackedSequence data", lambda t: _packed(t, t.zeros(3)), AssertionError, "Expected data to be a list or tuple of length 2"),
    Refusal("PackedSequence copy", lambda t: _packed(t, t.zeros(3), t.tensor([2, 1])).to(t.float64, copy=True), RuntimeError, "does not accept copy argument"),
    Refusal("PackedSequence cuda", lambda t: _packed(t, t.zeros(3), t.tensor([2, 1])).cuda(), AssertionError, "not compiled with CUDA"),
    Refusal("PackedSequence pin_memory", lambda t: _packed(t, t.zeros(3), t.tensor([2, 1])).pin_memory(), RuntimeError, "Cannot access accelerator device"),
]  # fmt: skip
