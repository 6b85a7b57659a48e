"""The long short-term memory made of parts that can be observed and quantized one by one."""

from __future__ import annotations

import warnings
from typing import Any, ClassVar

from rushlight import dtypes
from rushlight.ao.nn.quantized.modules.functional_modules import FloatFunctional
from rushlight.nn.modules import rnn as _float
from rushlight.nn.modules.activation import Sigmoid, Tanh
from rushlight.nn.modules.container import ModuleDict, ModuleList
from rushlight.nn.modules.linear import Linear
from rushlight.nn.modules.module import Module
from rushlight.nn.parameter import Parameter
from rushlight.ops.creation import zeros
from rushlight.ops.joining import cat, stack
from rushlight.ops.quantization import quantize_per_tensor
from rushlight.ops.trigonometric import tanh
from rushlight.tensor import Tensor

__all__ = ["LSTM", "LSTMCell"]

State = tuple[Tensor, Tensor]

_GATES = ("input", "forget", "cell", "output")


class LSTMCell(Module):
    """One step of an LSTM: linear layers, activations, and sums and products as FloatFunctionals.

    `split_gates` gives each gate its own linear layers, so that each has its own scale.

    Source: https://docs.pytorch.org/docs/2.13/quantization.html
    """

    _FLOAT_MODULE: ClassVar[Any] = _float.LSTMCell

    def __init__(
        self,
        input_dim: int,
        hidden_dim: int,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        split_gates: bool = False,
    ) -> None:
        super().__init__()
        self.input_size, self.hidden_size = input_dim, hidden_dim
        self.bias, self.split_gates = bias, split_gates
        options: dict[str, Any] = {"bias": bias, "device": device, "dtype": dtype}
        self.igates: Any
        self.hgates: Any
        self.gates: Any
        if split_gates:
            self.igates, self.hgates, self.gates = ModuleDict(), ModuleDict(), ModuleDict()
            for gate in _GATES:
                self.igates[gate] = Linear(input_dim, hidden_dim, **options)
                self.hgates[gate] = Linear(hidden_dim, hidden_dim, **options)
                self.gates[gate] = FloatFunctional()
        else:
            self.igates = Linear(input_dim, 4 * hidden_dim, **options)
            self.hgates = Linear(hidden_dim, 4 * hidden_dim, **options)
            self.gates = FloatFunctional()
        self.input_gate, self.forget_gate = Sigmoid(), Sigmoid()
        self.cell_gate, self.output_gate = Tanh(), Sigmoid()
        self.fgate_cx, self.igate_cgate = FloatFunctional(), FloatFunctional()
        self.fgate_cx_igate_cgate, self.ogate_cy = FloatFunctional(), FloatFunctional()
        self.initial_hidden_state_qparams: tuple[float, int] = (1.0, 0)
        self.initial_cell_state_qparams: tuple[float, int] = (1.0, 0)
        self.hidden_state_dtype = self.cell_state_dtype = dtypes.quint8

    def _all_gates(self, x: Tensor, h: Tensor) -> Any:
        if self.split_gates:
            return [self.gates[g].add(self.igates[g](x), self.hgates[g](h)) for g in _GATES]
        return self.gates.add(self.igates(x), self.hgates(h)).chunk(4, 1)

    def forward(self, x: Tensor, hidden: Any = None) -> State:
        if hidden is None or hidden[0] is None or hidden[1] is None:
            hidden = self.initialize_hidden(x.shape[0], x.is_quantized)
        h, c = hidden
        i, f, g, o = self._all_gates(x, h)
        i, f, g, o = self.input_gate(i), self.forget_gate(f), self.cell_gate(g), self.output_gate(o)
        kept, new = self.fgate_cx.mul(f, c), self.igate_cgate.mul(i, g)
        c = self.fgate_cx_igate_cgate.add(kept, new)
        return self.ogate_cy.mul(o, tanh(c)), c

    def initialize_hidden(self, batch_size: int, is_quantized: bool = False) -> State:
        """Zero states."""
        h, c = zeros(batch_size, self.hidden_size), zeros(batch_size, self.hidden_size)
        if is_quantized:
            h = quantize_per_tensor(h, *self.initial_hidden_state_qparams, self.hidden_state_dtype)
            c = quantize_per_tensor(c, *self.initial_cell_state_qparams, self.cell_state_dtype)
        return h, c

    def _get_name(self) -> str:
        return "QuantizableLSTMCell"

    @classmethod
    def from_params(cls, wi: Any, wh: Any, bi: Any = None, bh: Any = None, split_gates: bool = False) -> Any:
        """A cell with a float cell's weights and biases."""
        if (bi is None) != (bh is None):
            raise AssertionError("bi and bh must both be None or both have values")
        cell = cls(wi.shape[1], wh.shape[1], bias=bi is not None, split_gates=split_gates)
        for weight, bias, gates in ((wi, bi, cell.igates), (wh, bh, cell.hgates)):
            layers = [gates[g] for g in _GATES] if split_gates else [gates]
            weights = weight.detach().chunk(len(layers), 0)
            biases = [None] * len(layers) if bias is None else bias.detach().chunk(len(layers), 0)
            for layer, part, shift in zip(layers, weights, biases, strict=True):
                layer.weight = Parameter(part)
                if shift is not None:
                    layer.bias = Parameter(shift)
        return cell

    @classmethod
    def from_float(cls, other: Any, use_precomputed_fake_quant: bool = False, split_gates: bool = False) -> Any:
        """A cell with a float cell's weights, biases and QConfig."""
        if type(other) is not cls._FLOAT_MODULE:
            raise AssertionError(f"Expected module type {cls._FLOAT_MODULE}, got {type(other)}")
        if not hasattr(other, "qconfig"):
            raise AssertionError("The float module must have 'qconfig'")
        cell = cls.from_params(other.weight_ih, other.weight_hh, other.bias_ih, other.bias_hh, split_gates)
        cell.qconfig = cell.igates.qconfig = cell.hgates.qconfig = other.qconfig
        if split_gates:
            for layer in (*cell.igates.values(), *cell.hgates.values()):
                layer.qconfig = other.qconfig
        return cell


class _LSTMSingleLayer(Module):
    """One direction of a layer: a cell over the steps of (T, N, input)."""

    def __init__(
        self, input_dim: int, hidden_dim: int, bias: bool = True, device: Any = None, dtype: Any = None, *,
        split_gates: bool = False,
    ) -> None:  # fmt: skip
        super().__init__()
        self.cell = LSTMCell(input_dim, hidden_dim, bias, device, dtype, split_gates=split_gates)

    def forward(self, x: Tensor, hidden: Any = None) -> tuple[Tensor, Any]:
        out = []
        for step in x.unbind(0):
            hidden = self.cell(step, hidden)
            out.append(hidden[0])
        return stack(out, 0), hidden

    @classmethod
    def from_params(cls, *args: Any, **kwargs: Any) -> Any:
        """A layer whose cell has a float cell's weights and biases."""
        cell = LSTMCell.from_params(*args, **kwargs)
        made = cls(cell.input_size, cell.hidden_size, cell.bias, split_gates=cell.split_gates)
        made.cell = cell
        return made


class _LSTMLayer(Module):
    """A layer: one direction, or both side by side."""

    def __init__(
        self, input_dim: int, hidden_dim: int, bias: bool = True, batch_first: bool = False,
        bidirectional: bool = False, device: Any = None, dtype: Any = None, *, split_gates: bool = False,
    ) -> None:  # fmt: skip
        super().__init__()
        self.batch_first, self.bidirectional = batch_first, bidirectional
        self.layer_fw = _LSTMSingleLayer(input_dim, hidden_dim, bias, device, dtype, split_gates=split_gates)
        if bidirectional:
            self.layer_bw = _LSTMSingleLayer(input_dim, hidden_dim, bias, device, dtype, split_gates=split_gates)

    def forward(self, x: Tensor, hidden: Any = None) -> tuple[Tensor, State]:
        if self.batch_first:
            x = x.transpose(0, 1)
        if not self.bidirectional:
            out, last = self.layer_fw(x, hidden)
        else:
            forth, back = (None, None) if hidden is None else zip(*hidden, strict=True)
            out, (h, c) = self.layer_fw(x, forth)
            reverse, (h_back, c_back) = self.layer_bw(x.flip(0), back)
            out = cat([out, reverse.flip(0)], out.dim() - 1)
            last = stack([h, h_back], 0), stack([c, c_back], 0)
        return (out.transpose(0, 1) if self.batch_first else out), last

    @classmethod
    def from_float(cls, other: Any, layer_idx: int = 0, qconfig: Any = None, **kwargs: Any) -> Any:
        """A layer with the weights and biases of one of a float LSTM's layers."""
        if not hasattr(other, "qconfig") and qconfig is None:
            raise AssertionError("other must have qconfig or qconfig must be provided")
        split_gates = kwargs.get("split_gates", False)
        batch_first = kwargs.get("batch_first", other.batch_first)
        # The first layer's width for all, as in PyTorch: what is drawn here is replaced, but the draws count.
        made = cls(
            other.input_size, other.hidden_size, other.bias, batch_first, other.bidirectional, split_gates=split_gates
        )
        made.qconfig = getattr(other, "qconfig", qconfig)
        for name, end in (("layer_fw", ""), ("layer_bw", "_reverse"))[: 1 + other.bidirectional]:
            parts = [
                getattr(other, f"{part}_l{layer_idx}{end}", None)
                for part in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
            ]
            setattr(made, name, _LSTMSingleLayer.from_params(*parts, split_gates=split_gates))
        return made


class LSTM(Module):
    """`nn.LSTM` made of parts that can be observed and quantized: what `prepare` puts in its place. dropout is ignored.

    Shapes: as `nn.LSTM`, batched; no PackedSequence.

    >>> import rushlight as torch
    >>> output, (h, c) = torch.ao.nn.quantizable.LSTM(10, 20, 2)(torch.zeros(5, 3, 10))
    >>> output.shape, h.shape
    (torch.Size([5, 3, 20]), torch.Size([2, 3, 20]))

    Source: https://docs.pytorch.org/docs/2.13/quantization.html
    """

    _FLOAT_MODULE: ClassVar[Any] = _float.LSTM

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: Any = None,
        dtype: Any = None,
        *,
        split_gates: bool = False,
    ) -> None:
        super().__init__()
        given: Any = dropout
        if not isinstance(given, int | float) or isinstance(given, bool) or not 0 <= given <= 1:
            raise ValueError(
                "dropout should be a number in range [0, 1] representing the probability of an element being zeroed"
            )
        if dropout > 0:
            warnings.warn(
                "dropout option for quantizable LSTM is ignored. If you are training, please, use nn.LSTM version "
                "followed by `prepare` step.",
                stacklevel=2,
            )
        self.input_size, self.hidden_size, self.num_layers = input_size, hidden_size, num_layers
        self.bias, self.batch_first, self.bidirectional = bias, batch_first, bidirectional
        self.dropout, self.training = float(dropout), False
        widths = [input_size, *[hidden_size] * (num_layers - 1)]
        self.layers = ModuleList(
            [
                _LSTMLayer(width, hidden_size, bias, False, bidirectional, device, dtype, split_gates=split_gates)
                for width in widths
            ]
        )

    def forward(self, x: Tensor, hidden: Any = None) -> tuple[Tensor, State]:
        if self.batch_first:
            x = x.transpose(0, 1)
        directions, batch = (2 if self.bidirectional else 1), x.size(1)
        if hidden is None:
            state = zeros(directions, batch, self.hidden_size).squeeze(0)
            if x.is_quantized:
                state = quantize_per_tensor(state, 1.0, 0, x.dtype)
            states: Any = [(state, state)] * self.num_layers
        elif isinstance(hidden[0], Tensor):
            shape = self.num_layers, directions, batch, self.hidden_size
            h, c = hidden[0].reshape(shape), hidden[1].reshape(shape)
            states = [(h[i].squeeze(0), c[i].squeeze(0)) for i in range(self.num_layers)]
        else:
            states = hidden
        last = []
        for layer, state in zip(self.layers, states, strict=True):
            x, ended = layer(x, state)
            last.append(ended)
        h, c = (stack(list(part)) for part in zip(*last, strict=True))
        h, c = (part.reshape(-1, part.shape[-2], part.shape[-1]) for part in (h, c))
        return (x.transpose(0, 1) if self.batch_first else x), (h, c)

    def _get_name(self) -> str:
        return "QuantizableLSTM"

    @classmethod
    def from_float(cls, other: Any, qconfig: Any = None, split_gates: bool = False) -> Any:
        """The observed form of a float LSTM, with its weights, biases and QConfig."""
        from rushlight.ao.quantization.quantize import prepare, prepare_qat

        if not isinstance(other, cls._FLOAT_MODULE):
            raise AssertionError(f"Expected module type {cls._FLOAT_MODULE}, got {type(other)}")
        if not hasattr(other, "qconfig") and not qconfig:
            raise AssertionError("other must have qconfig or qconfig must be provided")
        made = cls(
            other.input_size, other.hidden_size, other.num_layers, other.bias, other.batch_first, other.dropout,
            other.bidirectional, split_gates=split_gates,
        )  # fmt: skip
        made.qconfig = getattr(other, "qconfig", qconfig)
        for i in range(other.num_layers):
            made.layers[i] = _LSTMLayer.from_float(other, i, qconfig, batch_first=False, split_gates=split_gates)
        made.train(other.training)
        return (prepare_qat if other.training else prepare)(made, inplace=True)

    @classmethod
    def from_observed(cls, other: Any) -> Any:
        """NotImplementedError: this is the observed form; `nn.quantized.LSTM` is made from it."""
        raise NotImplementedError(
            "It looks like you are trying to convert a non-quantizable LSTM module. Please, see the examples on "
            "quantizable LSTMs."
        )
