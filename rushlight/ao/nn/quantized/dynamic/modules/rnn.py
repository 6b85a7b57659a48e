"""Recurrent layers and cells with weights of int8, their inputs and states quantized by their own range."""

from __future__ import annotations

import warnings
from typing import Any, ClassVar

import numpy as np

from rushlight import dtypes, kernels
from rushlight.ao.nn.quantized import _operators as Q
from rushlight.ao.nn.quantized._packed import LinearPackedParamsFp16
from rushlight.ao.nn.quantized.modules.utils import quantize_weight
from rushlight.autograd.variable import wrap
from rushlight.dtypes import dtype as Dtype
from rushlight.nn import functional as F
from rushlight.nn.modules import rnn as _float
from rushlight.nn.modules.container import ModuleList
from rushlight.nn.modules.module import Module
from rushlight.nn.packing import PackedSequence
from rushlight.ops.creation import zeros
from rushlight.ops.quantization import quantize_per_tensor
from rushlight.ops.random import randn
from rushlight.tensor import Tensor

__all__ = ["GRU", "LSTM", "GRUCell", "LSTMCell", "RNNCell"]

Array = np.ndarray[Any, Any]


def pack_weight_bias(qweight: Tensor, bias: Tensor | None, dtype: Dtype) -> Any:
    """A weight, quantized (or float, to be rounded to float16), and a bias, laid out as products read them.

    Source: https://docs.pytorch.org/docs/2.13/quantization.html
    """
    return (Q.linear_prepack if dtype is dtypes.qint8 else Q.linear_prepack_fp16)(qweight, bias)


def _product(x: Tensor, packed: Any, reduce_range: bool) -> Array:
    if isinstance(packed, LinearPackedParamsFp16):
        return Q.linear_dynamic_fp16(x, packed)._array
    return Q.linear_dynamic(x, packed, reduce_range)._array


class CellParams:
    """The packed weights of one direction of a layer: those of the input and those of the state."""

    def __init__(self, ih: Any, hh: Any, reduce_range: bool = True) -> None:
        self.ih, self.hh, self.reduce_range = ih, hh, reduce_range

    def inputs(self, x: Tensor) -> Array:
        """What the input adds to the gates, for all steps at once."""
        return _product(x, self.ih, self.reduce_range)

    def states(self, h: Array) -> Array:
        """What the state adds to the gates."""
        return _product(wrap(h), self.hh, self.reduce_range)

    def __reduce__(self) -> Any:
        return type(self), (self.ih, self.hh, self.reduce_range)


_tanh: Any = kernels.tanh


def _lstm(gates: Array, params: CellParams, states: tuple[Array, ...]) -> tuple[Array, ...]:
    h, c = states
    i, f, g, o = (np.ascontiguousarray(gate) for gate in np.split(gates + params.states(h), 4, axis=1))
    c = kernels.sigmoid(f) * c + kernels.sigmoid(i) * _tanh(g)
    return kernels.sigmoid(o) * _tanh(c), c


def _gru(gates: Array, params: CellParams, states: tuple[Array, ...]) -> tuple[Array, ...]:
    (h,) = states
    r, z, n = np.split(gates, 3, axis=1)
    state_r, state_z, state_n = np.split(params.states(h), 3, axis=1)
    r, z = kernels.sigmoid(r + state_r), kernels.sigmoid(z + state_z)
    n = _tanh(n + r * state_n)
    return ((h - n) * z + n,)


def _direction(step: Any, x: Tensor, params: CellParams, states: Any, sizes: list[int], reverse: bool) -> Any:
    """One direction of a layer over packed steps: the outputs, packed alike, and the last states.

    `sizes` are the batch sizes of the steps, which never grow; backwards, sequences join as they begin.
    """
    gates = params.inputs(x)
    starts = np.cumsum([0, *sizes[:-1]])
    out: Any = None
    states = tuple(state.copy() for state in states)
    for t in range(len(sizes) - 1, -1, -1) if reverse else range(len(sizes)):
        count = sizes[t]
        rows = slice(starts[t], starts[t] + count)
        new = step(gates[rows], params, tuple(state[:count] for state in states))
        if out is None:
            out = np.empty((gates.shape[0], new[0].shape[1]), np.float32)
        out[rows] = new[0]
        for state, value in zip(states, new, strict=True):
            state[:count] = value
    return out, states


class PackedParameter(Module):
    """Holds the packed weights of one direction of a layer.

    Source: https://docs.pytorch.org/docs/2.13/quantization.html
    """

    def __init__(self, param: Any) -> None:
        super().__init__()
        self.param = param

    def _save_to_state_dict(self, destination: Any, prefix: str, keep_vars: bool) -> None:
        super()._save_to_state_dict(destination, prefix, keep_vars)
        destination[prefix + "param"] = self.param

    def _load_from_state_dict(
        self, state_dict: Any, prefix: str, local_metadata: Any, strict: bool, *rest: Any
    ) -> None:
        self.param = state_dict.pop(prefix + "param")
        super()._load_from_state_dict(state_dict, prefix, local_metadata, False, *rest)


class RNNBase(Module):
    """What the dynamically quantized recurrent layers share.

    Source: https://docs.pytorch.org/docs/2.13/quantization.html
    """

    _FLOAT_MODULE: ClassVar[Any] = _float.RNNBase
    _version = 2
    _step: ClassVar[Any]
    _gates: ClassVar[dict[str, int]] = {"LSTM": 4, "GRU": 3}

    def __init__(
        self,
        mode: str,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        dtype: Dtype = dtypes.qint8,
    ) -> None:
        super().__init__()
        given: Any = dropout
        if not isinstance(given, int | float) or isinstance(given, bool) or not 0 <= given <= 1:
            raise ValueError(
                "dropout should be a number in range [0, 1] representing the probability of an element being zeroed"
            )
        if dropout > 0 and num_layers == 1:
            warnings.warn(
                "dropout option adds dropout after all but last recurrent layer, so non-zero dropout expects "
                f"num_layers greater than 1, but got dropout={dropout} and num_layers={num_layers}",
                stacklevel=2,
            )
        if mode not in self._gates:
            raise ValueError("Unrecognized RNN mode: " + mode)
        self.mode = mode
        self.input_size, self.hidden_size, self.num_layers = input_size, hidden_size, num_layers
        self.bias, self.batch_first, self.bidirectional = bias, batch_first, bidirectional
        self.dropout = float(dropout)
        self.dtype, self.version, self.training = dtype, 2, False
        directions = 2 if bidirectional else 1
        rows = self._gates[mode] * hidden_size
        cells = []
        for layer in range(num_layers):
            columns = input_size if layer == 0 else hidden_size * directions
            for _ in range(directions):
                weights = [randn(rows, columns), randn(rows, hidden_size)]
                biases = [randn(rows), randn(rows)]
                if dtype is dtypes.qint8:
                    weights = [quantize_per_tensor(weight, 0.1, 0, dtypes.qint8) for weight in weights]
                cells.append(CellParams(*map(pack_weight_bias, weights, biases, (dtype, dtype))))
        self._set_cells(cells)

    def _set_cells(self, cells: list[CellParams]) -> None:
        self._all_weight_values = ModuleList([PackedParameter(cell) for cell in cells])

    def _get_name(self) -> str:
        return "DynamicQuantizedRNN"

    def extra_repr(self) -> str:
        text = f"{self.input_size}, {self.hidden_size}"
        for name, usual in (
            ("num_layers", 1), ("bias", True), ("batch_first", False), ("dropout", 0), ("bidirectional", False),
        ):  # fmt: skip
            if getattr(self, name) != usual:
                text += f", {name}={getattr(self, name)}"
        return text

    def __repr__(self) -> str:
        return f"{self._get_name()}({self.extra_repr()})"

    def check_input(self, input: Tensor, batch_sizes: Tensor | None) -> None:
        """RuntimeError unless the input has the dimensions and the size of this layer."""
        dims = 3 if batch_sizes is None else 2
        if input.dim() != dims:
            raise RuntimeError(f"input must have {dims} dimensions, got {input.dim()}")
        if self.input_size != input.size(-1):
            raise RuntimeError(
                f"input.size(-1) must be equal to input_size. Expected {self.input_size}, got {input.size(-1)}"
            )

    def _state_shape(self, batch: int) -> tuple[int, int, int]:
        return self.num_layers * (2 if self.bidirectional else 1), batch, self.hidden_size

    def check_hidden_size(
        self, hx: Tensor, expected_hidden_size: tuple[int, ...], msg: str = "Expected hidden size {}, got {}"
    ) -> None:
        """RuntimeError unless a state has this shape."""
        if tuple(hx.size()) != tuple(expected_hidden_size):
            raise RuntimeError(msg.format(tuple(expected_hidden_size), list(hx.size())))

    def _run(self, input: Any, hx: Any, names: tuple[str, ...]) -> tuple[Any, tuple[Tensor, ...]]:
        packed = isinstance(input, PackedSequence)
        if packed:
            data, batch_sizes, order, back = input
            sizes = [int(n) for n in batch_sizes]
        else:
            data, batch_sizes, order, back = input, None, None, None
            self.check_input(data, None)
            if self.batch_first:
                data = data.transpose(0, 1)
            sizes = [data.size(1)] * data.size(0)
        self.check_input(data, batch_sizes)
        shape = self._state_shape(sizes[0] if sizes else 0)
        if hx is None:
            states = tuple(zeros(shape) for _ in names)
        else:
            states = tuple(state if order is None else state.index_select(1, order) for state in hx)
            for state, name in zip(states, names, strict=True):
                self.check_hidden_size(state, shape, f"Expected {name} size {{}}, got {{}}")
        steps = data.reshape(-1, data.size(-1))
        out, last = self._layers(steps, [state._array for state in states], sizes)
        hidden = tuple(wrap(state) if back is None else wrap(state).index_select(1, back) for state in last)
        if packed:
            return PackedSequence(out, batch_sizes, order, back), hidden
        out = out.reshape(len(sizes), sizes[0] if sizes else 0, out.shape[-1])
        return (out.transpose(0, 1) if self.batch_first else out), hidden

    def _layers(self, x: Tensor, states: list[Array], sizes: list[int]) -> tuple[Tensor, list[Array]]:
        directions = 2 if self.bidirectional else 1
        last: list[list[Array]] = [[] for _ in states]
        for layer in range(self.num_layers):
            outs = []
            for direction in range(directions):
                place = layer * directions + direction
                params = self._all_weight_values[place].param
                begin = tuple(state[place] for state in states)
                out, end = _direction(type(self)._step, x, params, begin, sizes, direction == 1)
                outs.append(out)
                for kept, state in zip(last, end, strict=True):
                    kept.append(state)
            x = wrap(outs[0] if directions == 1 else np.concatenate(outs, axis=1))
            if self.training and self.dropout and layer < self.num_layers - 1:
                x = F.dropout(x, self.dropout, True)
        return x, [np.stack(kept) for kept in last]

    def _names(self) -> list[tuple[str, ...]]:
        """The names of each cell's weights and biases, as the float layer has them."""
        directions = ("", "_reverse") if self.bidirectional else ("",)
        ends = [f"_l{layer}{direction}" for layer in range(self.num_layers) for direction in directions]
        return [tuple(part + end for part in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")) for end in ends]

    def _weight_bias(self) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = {"weight": {}, "bias": {}}
        for (ih, hh, bias_ih, bias_hh), holder in zip(self._names(), self._all_weight_values, strict=True):
            for weight, bias, packed in ((ih, bias_ih, holder.param.ih), (hh, bias_hh, holder.param.hh)):
                found["weight"][weight], found["bias"][bias] = packed.unpack()
        return found

    def get_weight(self) -> dict[str, Any]:
        """The weights by the float layer's names."""
        return self._weight_bias()["weight"]

    def get_bias(self) -> dict[str, Any]:
        """The biases by the float layer's names."""
        return self._weight_bias()["bias"]

    def set_weight_bias(self, weight_bias_dict: dict[str, Any]) -> None:
        """Pack weights and biases, given by the float layer's names."""

        def packed(weight: str, bias: str) -> Any:
            if weight in weight_bias_dict:
                return pack_weight_bias(weight_bias_dict[weight], weight_bias_dict.get(bias), self.dtype)
            return pack_weight_bias(weight_bias_dict["weight"][weight], weight_bias_dict["bias"].get(bias), self.dtype)

        self._set_cells([CellParams(packed(ih, b_ih), packed(hh, b_hh)) for ih, hh, b_ih, b_hh in self._names()])

    @classmethod
    def from_float(cls, mod: Any, use_precomputed_fake_quant: bool = False) -> Any:
        """The quantized form of a float layer."""
        if type(mod) not in (_float.LSTM, _float.GRU):
            raise AssertionError("nn.quantized.dynamic.RNNBase.from_float only works for nn.LSTM and nn.GRU")
        make, dtype = _weight_observer(mod)
        made: Any = (LSTM if mod.mode == "LSTM" else GRU)(
            mod.input_size, mod.hidden_size, mod.num_layers, mod.bias, mod.batch_first, mod.dropout,
            mod.bidirectional, dtype,
        )  # fmt: skip
        if not mod.bias:
            raise AssertionError("mod.bias must be True")
        found: dict[str, Any] = {"weight": {}, "bias": {}}
        for ih, hh, bias_ih, bias_hh in made._names():
            for name in (ih, hh):
                found["weight"][name] = _quantized(getattr(mod, name), make, dtype)
            for name in (bias_ih, bias_hh):
                found["bias"][name] = getattr(mod, name)
        made.set_weight_bias(found)
        return made

    @classmethod
    def from_reference(cls, ref_mod: Any) -> Any:
        """The layer that computes what a reference layer does."""
        if not hasattr(ref_mod, "weight_ih_l0_dtype"):
            raise AssertionError(
                f"We are assuming weight_ih_l0 exists in {cls.__name__}, may need to relax the assumption to support "
                "the use case"
            )
        made = cls(
            ref_mod.input_size, ref_mod.hidden_size, ref_mod.num_layers, ref_mod.bias, ref_mod.batch_first,
            ref_mod.dropout, ref_mod.bidirectional, ref_mod.weight_ih_l0_dtype,
        )  # fmt: skip
        made.set_weight_bias(ref_mod.get_quantized_weight_bias_dict())
        return made


def _weight_observer(mod: Any) -> tuple[Any, Dtype]:
    from rushlight.ao.quantization.qconfig import default_dynamic_qconfig

    if not hasattr(mod, "qconfig"):
        raise AssertionError("Input float module must have qconfig defined")
    has_weight = mod.qconfig is not None and mod.qconfig.weight is not None
    make = (mod.qconfig if has_weight else default_dynamic_qconfig).weight
    dtype = make().dtype
    if dtype not in (dtypes.qint8, dtypes.float16):
        raise RuntimeError(f"Unsupported dtype for dynamic RNN quantization: {dtype}")
    return make, dtype


def _quantized(weight: Tensor, make: Any, dtype: Dtype) -> Tensor:
    if dtype is dtypes.float16:
        return weight.detach().float()
    observer = make()
    observer(weight)
    return quantize_weight(weight.float(), observer)


class LSTM(RNNBase):
    """A long short-term memory with weights of int8 (or float16); `nn.LSTM` without projections says the shapes.

    >>> import rushlight as torch
    >>> layer = torch.ao.nn.quantized.dynamic.LSTM(10, 20, 2)
    >>> output, (h, c) = layer(torch.randn(5, 3, 10))
    >>> output.shape, h.shape
    (torch.Size([5, 3, 20]), torch.Size([2, 3, 20]))

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.ao.nn.quantized.dynamic.LSTM.html
    """

    _FLOAT_MODULE: ClassVar[Any] = _float.LSTM
    _step = staticmethod(_lstm)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__("LSTM", *args, **kwargs)

    def _get_name(self) -> str:
        return "DynamicQuantizedLSTM"

    def forward(self, input: Any, hx: Any = None) -> Any:
        return self._run(input, hx, ("hidden[0]", "hidden[1]"))


class GRU(RNNBase):
    """Gated recurrent units with weights of int8 (or float16); `nn.GRU` says the shapes.

    >>> import rushlight as torch
    >>> output, h = torch.ao.nn.quantized.dynamic.GRU(10, 20, 2)(torch.randn(5, 3, 10))
    >>> output.shape
    torch.Size([5, 3, 20])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.ao.nn.quantized.dynamic.GRU.html
    """

    _FLOAT_MODULE: ClassVar[Any] = _float.GRU
    _step = staticmethod(_gru)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__("GRU", *args, **kwargs)

    def _get_name(self) -> str:
        return "DynamicQuantizedGRU"

    def forward(self, input: Any, hx: Any = None) -> Any:
        output, (hidden,) = self._run(input, None if hx is None else (hx,), ("hidden",))
        return output, hidden


class RNNCellBase(Module):
    """What the dynamically quantized cells share.

    Source: https://docs.pytorch.org/docs/2.13/quantization.html
    """

    __constants__: ClassVar[list[str]] = ["input_size", "hidden_size", "bias"]

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, num_chunks: int = 4, dtype: Dtype = dtypes.qint8
    ) -> None:
        super().__init__()
        self.input_size, self.hidden_size, self.bias, self.weight_dtype = input_size, hidden_size, bias, dtype
        rows = num_chunks * hidden_size
        if bias:
            self.bias_ih, self.bias_hh = randn(rows), randn(rows)
        else:
            self.register_parameter("bias_ih", None)
            self.register_parameter("bias_hh", None)
        weights = [randn(rows, input_size), randn(rows, hidden_size)]
        if dtype is dtypes.qint8:
            weights = [quantize_per_tensor(weight, 1.0, 0, dtypes.qint8) for weight in weights]
        self._packed_weight_ih = pack_weight_bias(weights[0], self.bias_ih, dtype)
        self._packed_weight_hh = pack_weight_bias(weights[1], self.bias_hh, dtype)

    def _get_name(self) -> str:
        return "DynamicQuantizedRNNBase"

    def extra_repr(self) -> str:
        text = f"{self.input_size}, {self.hidden_size}"
        if self.bias is not True:
            text += f", bias={self.bias}"
        nonlinearity = getattr(self, "nonlinearity", "tanh")
        return text if nonlinearity == "tanh" else f"{text}, nonlinearity={nonlinearity}"

    def check_forward_input(self, input: Tensor) -> None:
        """RuntimeError unless the input has this cell's size."""
        if input.size(1) != self.input_size:
            raise RuntimeError(f"input has inconsistent input_size: got {input.size(1)}, expected {self.input_size}")

    def check_forward_hidden(self, input: Tensor, hx: Tensor, hidden_label: str = "") -> None:
        """RuntimeError unless a state fits the input and this cell."""
        if input.size(0) != hx.size(0):
            raise RuntimeError(
                f"Input batch size {input.size(0)} doesn't match hidden{hidden_label} batch size {hx.size(0)}"
            )
        if hx.size(1) != self.hidden_size:
            raise RuntimeError(
                f"hidden{hidden_label} has inconsistent hidden_size: got {hx.size(1)}, expected {self.hidden_size}"
            )

    def _gates(self, input: Tensor, hx: Any, label: bool) -> tuple[Array, CellParams, tuple[Array, ...]]:
        """What a step takes: the input's part of the gates, the weights, the states."""
        self.check_forward_input(input)
        if hx is None:
            hx = [zeros(input.size(0), self.hidden_size)] * (2 if label else 1)
        for place, state in enumerate(hx):
            self.check_forward_hidden(input, state, f"[{place}]" if label else "")
        # A cell uses all 8 bits, as in PyTorch.
        params = CellParams(self._packed_weight_ih, self._packed_weight_hh, reduce_range=True)
        return params.inputs(input), params, tuple(state._array for state in hx)

    @classmethod
    def from_float(cls, mod: Any, use_precomputed_fake_quant: bool = False) -> Any:
        """The quantized form of a float cell."""
        kinds = {_float.LSTMCell: LSTMCell, _float.GRUCell: GRUCell, _float.RNNCell: RNNCell}
        if type(mod) not in kinds:
            raise AssertionError(
                "nn.quantized.dynamic.RNNCellBase.from_float only works for nn.LSTMCell, nn.GRUCell and nn.RNNCell"
            )
        make, dtype = _weight_observer(mod)
        options = {"nonlinearity": mod.nonlinearity} if type(mod) is _float.RNNCell else {}
        made: Any = kinds[type(mod)](mod.input_size, mod.hidden_size, bias=mod.bias, dtype=dtype, **options)
        if not mod.bias:
            raise AssertionError("mod.bias must be True")
        made._packed_weight_ih = pack_weight_bias(_quantized(mod.weight_ih, make, dtype), mod.bias_ih, dtype)
        made._packed_weight_hh = pack_weight_bias(_quantized(mod.weight_hh, make, dtype), mod.bias_hh, dtype)
        return made

    def _weight_bias(self) -> dict[str, dict[str, Any]]:
        (ih, bias_ih), (hh, bias_hh) = self._packed_weight_ih.unpack(), self._packed_weight_hh.unpack()
        return {"weight": {"weight_ih": ih, "weight_hh": hh}, "bias": {"bias_ih": bias_ih, "bias_hh": bias_hh}}

    def get_weight(self) -> dict[str, Any]:
        """The weights by the float cell's names."""
        return self._weight_bias()["weight"]

    def get_bias(self) -> dict[str, Any]:
        """The biases by the float cell's names."""
        return self._weight_bias()["bias"]

    def set_weight_bias(self, weight_bias_dict: dict[str, Any]) -> None:
        """Pack weights and biases, given by the float cell's names."""
        weights, biases = weight_bias_dict["weight"], weight_bias_dict["bias"]
        self._packed_weight_ih = pack_weight_bias(weights["weight_ih"], biases["bias_ih"], self.weight_dtype)
        self._packed_weight_hh = pack_weight_bias(weights["weight_hh"], biases["bias_hh"], self.weight_dtype)

    def _save_to_state_dict(self, destination: Any, prefix: str, keep_vars: bool) -> None:
        super()._save_to_state_dict(destination, prefix, keep_vars)
        destination[prefix + "_packed_weight_ih"] = self._packed_weight_ih
        destination[prefix + "_packed_weight_hh"] = self._packed_weight_hh

    def _load_from_state_dict(
        self, state_dict: Any, prefix: str, local_metadata: Any, strict: bool, *rest: Any
    ) -> None:
        self._packed_weight_ih = state_dict.pop(prefix + "_packed_weight_ih")
        self._packed_weight_hh = state_dict.pop(prefix + "_packed_weight_hh")
        super()._load_from_state_dict(state_dict, prefix, local_metadata, False, *rest)


class RNNCell(RNNCellBase):
    """One step of a recurrent network with weights of int8 (or float16).

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.ao.nn.quantized.dynamic.RNNCell.html
    """

    __constants__: ClassVar[list[str]] = ["input_size", "hidden_size", "bias", "nonlinearity"]

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        nonlinearity: str = "tanh",
        dtype: Dtype = dtypes.qint8,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, num_chunks=1, dtype=dtype)
        self.nonlinearity = nonlinearity

    def _get_name(self) -> str:
        return "DynamicQuantizedRNNCell"

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        gates, params, (h,) = self._gates(input, None if hx is None else [hx], False)
        if self.nonlinearity not in ("tanh", "relu"):
            raise RuntimeError(f"Unknown nonlinearity: {self.nonlinearity}")
        total = gates + params.states(h)
        return wrap(_tanh(total) if self.nonlinearity == "tanh" else np.maximum(total, np.float32(0)))


class LSTMCell(RNNCellBase):
    """One step of a long short-term memory with weights of int8 (or float16).

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.ao.nn.quantized.dynamic.LSTMCell.html
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"num_chunks": 4, **kwargs})

    def _get_name(self) -> str:
        return "DynamicQuantizedLSTMCell"

    def forward(self, input: Tensor, hx: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, Tensor]:
        h, c = _lstm(*self._gates(input, hx, True))
        return wrap(h), wrap(c)


class GRUCell(RNNCellBase):
    """One step of gated recurrent units with weights of int8 (or float16).

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.ao.nn.quantized.dynamic.GRUCell.html
    """

    def __init__(self, input_size: int, hidden_size: int, bias: bool = True, dtype: Dtype = dtypes.qint8) -> None:
        super().__init__(input_size, hidden_size, bias, num_chunks=3, dtype=dtype)

    def _get_name(self) -> str:
        return "DynamicQuantizedGRUCell"

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        return wrap(_gru(*self._gates(input, None if hx is None else [hx], False))[0])
