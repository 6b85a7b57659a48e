"""What the recurrent layers share: their parameters, and the checks and the ways of a call."""

from __future__ import annotations

import math
import numbers
import warnings
import weakref
from typing import Any, ClassVar, Self

import numpy as np

from rushlight.device import device as Device
from rushlight.dtypes import dtype as Dtype
from rushlight.nn import init
from rushlight.nn.modules.module import Module
from rushlight.nn.packing import PackedSequence
from rushlight.nn.parameter import Parameter
from rushlight.ops.creation import empty, zeros
from rushlight.ops.recurrent_network import packed_network, padded_network
from rushlight.tensor import Tensor

__all__ = ["RNNBase", "RNNCellBase"]

# What a mode's gates are as multiples of hidden_size.
_GATES = {"LSTM": 4, "GRU": 3, "RNN_TANH": 1, "RNN_RELU": 1}


class RNNBase(Module):
    """What RNN, LSTM and GRU share: the parameters of all layers and directions, and the checks of a call's arguments.

    The parameters of layer k are `weight_ih_l{k}` (gates · hidden_size, input_size or the width of the layer below),
    `weight_hh_l{k}`, `bias_ih_l{k}`, `bias_hh_l{k}` and, with proj_size, `weight_hr_l{k}`; those of the reverse
    direction end in `_reverse`. At first all are drawn from the uniform law on (-k, k), k = 1/√hidden_size.

    Raises ValueError or TypeError for sizes that are no positive ints, a dropout outside [0, 1] or an unknown mode.
    Warns where dropout has no layers to be between.

    >>> import rushlight as torch
    >>> list(torch.nn.RNNBase("LSTM", 3, 4, bias=False).state_dict())
    ['weight_ih_l0', 'weight_hh_l0']

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.RNNBase.html
    """

    __module__ = "rushlight.nn.modules.rnn"
    __constants__: ClassVar[list[str]] = [
        "mode", "input_size", "hidden_size", "num_layers", "bias", "batch_first", "dropout", "bidirectional",
        "proj_size",
    ]  # fmt: skip
    __jit_unused_properties__: ClassVar[list[str]] = ["all_weights"]

    mode: str
    input_size: int
    hidden_size: int
    num_layers: int
    bias: bool
    batch_first: bool
    dropout: float
    bidirectional: bool
    proj_size: int

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
        proj_size: int = 0,
        device: Device | str | None = None,
        dtype: Dtype | None = None,
    ) -> None:
        super().__init__()
        self.mode = mode
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.bias = bias
        self.batch_first = batch_first
        self.dropout = float(dropout)
        self.bidirectional = bidirectional
        self.proj_size = proj_size
        _check_dropout(dropout, num_layers)
        self._check_settings()
        self._flat_weight_refs: list[weakref.ref[Parameter] | None] = []
        self._flat_weights_names: list[str] = []
        self._all_weights: list[list[str]] = []
        rows, given = _GATES[mode] * hidden_size, proj_size or hidden_size
        directions = 2 if bidirectional else 1
        for layer, names in self._names():
            width = input_size if layer == 0 else given * directions
            shapes = [(rows, width), (rows, given)] + [(rows,), (rows,)] * bias + [(proj_size, hidden_size)]
            for name, shape in zip(names, shapes, strict=False):
                setattr(self, name, Parameter(empty(shape, device=device, dtype=dtype)))
            self._flat_weights_names += names
            self._all_weights.append(names)
        self._init_flat_weights()
        self.reset_parameters()

    def _check_settings(self) -> None:
        if not isinstance(self.bias, bool):
            raise TypeError(f"bias should be of type bool, got: {type(self.bias).__name__}")
        if not isinstance(self.batch_first, bool):
            raise TypeError(f"batch_first should be of type bool, got: {type(self.batch_first).__name__}")
        for name in ("input_size", "hidden_size"):
            size = getattr(self, name)
            if not isinstance(size, int):
                raise TypeError(f"{name} should be of type int, got: {type(size).__name__}")
            if size <= 0:
                raise ValueError(f"{name} must be greater than zero")
        if self.num_layers <= 0:
            raise ValueError("num_layers must be greater than zero")
        if self.proj_size < 0:
            raise ValueError("proj_size should be a positive integer or zero to disable projections")
        if self.proj_size >= self.hidden_size:
            raise ValueError("proj_size has to be smaller than hidden_size")
        if self.mode not in _GATES:
            raise ValueError(f"Unrecognized RNN mode: {self.mode}")

    def _names(self) -> list[tuple[int, list[str]]]:
        """The number and the parameters' names of each layer and direction."""
        kinds = ["weight_ih", "weight_hh"] + ["bias_ih", "bias_hh"] * bool(self.bias)
        kinds += ["weight_hr"] * (self.proj_size > 0)
        suffixes = ("", "_reverse") if self.bidirectional else ("",)
        return [(k, [f"{kind}_l{k}{suffix}" for kind in kinds]) for k in range(self.num_layers) for suffix in suffixes]

    def _init_flat_weights(self) -> None:
        self._flat_weights = [getattr(self, name, None) for name in self._flat_weights_names]
        self._note_weights()
        self.flatten_parameters()

    def _note_weights(self) -> None:
        self._flat_weight_refs = [None if w is None else weakref.ref(w) for w in self._flat_weights]

    def __setattr__(self, attr: str, value: Any) -> None:
        names = self.__dict__.get("_flat_weights_names")
        if names and attr in names and "_flat_weights" in self.__dict__:
            self._flat_weights[names.index(attr)] = value
        super().__setattr__(attr, value)

    def flatten_parameters(self) -> None:
        """Does nothing: in PyTorch it lays the parameters out for cuDNN."""

    def _apply(self, fn: Any, recurse: bool = True) -> Self:
        self._flat_weight_refs = []
        super()._apply(fn, recurse)
        self._init_flat_weights()
        return self

    def reset_parameters(self) -> None:
        """Draw all parameters anew."""
        bound = 1.0 / math.sqrt(self.hidden_size) if self.hidden_size > 0 else 0
        for weight in self.parameters():
            init.uniform_(weight, -bound, bound)

    def check_input(self, input: Tensor, batch_sizes: Tensor | None) -> None:
        """ValueError unless the input has the parameters' dtype, RuntimeError unless it has their width."""
        weight = self._flat_weights[0]
        if weight is not None and input.dtype != weight.dtype:
            raise ValueError(
                f"RNN input dtype ({input.dtype}) does not match weight dtype ({weight.dtype}). Convert input: "
                f"input.to({weight.dtype}), or convert model: model.to({input.dtype})"
            )
        expected = 3 if batch_sizes is None else 2
        if input.dim() != expected:
            raise RuntimeError(f"input must have {expected} dimensions, got {input.dim()}")
        if self.input_size != input.size(-1):
            raise RuntimeError(
                f"input.size(-1) must be equal to input_size. Expected {self.input_size}, got {input.size(-1)}"
            )

    def _state_shape(self, input: Tensor, batch_sizes: Tensor | None, size: int) -> tuple[int, int, int]:
        batch = int(batch_sizes[0]) if batch_sizes is not None else input.size(0 if self.batch_first else 1)
        return self.num_layers * (2 if self.bidirectional else 1), batch, size

    def get_expected_hidden_size(self, input: Tensor, batch_sizes: Tensor | None) -> tuple[int, int, int]:
        """The shape of h: layers times directions, batch, proj_size or hidden_size."""
        return self._state_shape(input, batch_sizes, self.proj_size or self.hidden_size)

    def check_hidden_size(
        self,
        hx: Tensor,
        expected_hidden_size: tuple[int, int, int],
        msg: str = "Expected hidden size {}, got {}",
    ) -> None:
        """RuntimeError unless hx has the expected shape."""
        if hx.size() != expected_hidden_size:
            raise RuntimeError(msg.format(expected_hidden_size, list(hx.size())))

    def _weights_have_changed(self) -> bool:
        """Whether a parameter is another tensor than when they were noted: functional_call replaces them."""
        for ref, name in zip(self._flat_weight_refs, self._flat_weights_names, strict=True):
            weight = getattr(self, name, None)
            if weight is not None and ref is not None and ref() is not weight:
                return True
        return False

    def _update_flat_weights(self) -> None:
        if self._weights_have_changed():
            self._init_flat_weights()

    def check_forward_args(self, input: Tensor, hidden: Any, batch_sizes: Tensor | None) -> None:
        """Raise unless input and state fit."""
        self.check_input(input, batch_sizes)
        self.check_hidden_size(hidden, self.get_expected_hidden_size(input, batch_sizes))

    def permute_hidden(self, hx: Any, permutation: Tensor | None) -> Any:
        """The state in another order of the batch."""
        return hx if permutation is None else hx.index_select(1, permutation)

    def _check_dimensions(self, input: Tensor, hx: Any) -> None:
        """Raise unless input is 2-D or 3-D, and the state, if given, of as many dimensions."""
        name, noun = ("RNN", "D tensor") if self.mode.startswith("RNN") else (self.mode, "D")
        if input.dim() not in (2, 3):
            raise ValueError(f"{name}: Expected input to be 2D or 3D, got {input.dim()}{noun} instead")
        if hx is None:
            return
        kind = "batched" if input.dim() == 3 else "unbatched"
        if self.mode != "LSTM":
            if hx.dim() != input.dim():
                raise RuntimeError(
                    f"For {kind} {input.dim()}-D input, hx should also be {input.dim()}-D but got {hx.dim()}-D tensor"
                )
        elif hx[0].dim() != input.dim() or hx[1].dim() != input.dim():
            raise RuntimeError(
                f"For {kind} {input.dim()}-D input, hx and cx should also be {input.dim()}-D but got "
                f"({hx[0].dim()}-D, {hx[1].dim()}-D) tensors"
            )

    def _zero_state(self, input: Tensor, batch_sizes: Tensor | None) -> Any:
        return zeros(self.get_expected_hidden_size(input, batch_sizes), dtype=input.dtype)

    def _settings(self) -> tuple[Any, ...]:
        return self._flat_weights, self.bias, self.num_layers, self.dropout, self.training, bool(self.bidirectional)

    def _result(self, found: tuple[Tensor, ...]) -> tuple[Tensor, Any]:
        """The output and the state, as `forward` returns it."""
        return found[0], found[1]

    def _run(self, input: Any, hx: Any) -> Any:
        """`forward` of all kinds: batched, unbatched, packed."""
        self._update_flat_weights()
        function = self.mode.lower()
        if isinstance(input, PackedSequence):
            data, batch_sizes, sorted_indices, unsorted_indices = input
            if hx is None:
                hx = self._zero_state(data, batch_sizes)
            else:
                # The user's state is in the user's order.
                hx = self.permute_hidden(hx, sorted_indices)
            self.check_forward_args(data, hx, batch_sizes)
            output, hidden = self._result(packed_network(function, data, batch_sizes, hx, *self._settings()))
            packed = PackedSequence(output, batch_sizes, sorted_indices, unsorted_indices)
            return packed, self.permute_hidden(hidden, unsorted_indices)
        self._check_dimensions(input, hx)
        batched = input.dim() == 3
        batch_dim = 0 if self.batch_first else 1
        if not batched:
            input = input.unsqueeze(batch_dim)
            hx = None if hx is None else _each(hx, lambda state: state.unsqueeze(1))
        if hx is None:
            hx = self._zero_state(input, None)
        self.check_forward_args(input, hx, None)
        found = padded_network(function, input, hx, *self._settings(), batch_first=self.batch_first)
        output, hidden = self._result(found)
        if batched:
            return output, hidden
        return output.squeeze(batch_dim), _each(hidden, lambda state: state.squeeze(1))

    def extra_repr(self) -> str:
        parts = [f"{self.input_size}, {self.hidden_size}"]
        usual = {
            "proj_size": 0, "num_layers": 1, "bias": True, "batch_first": False, "dropout": 0, "bidirectional": False,
        }  # fmt: skip
        parts += [f"{name}={self.__dict__[name]}" for name, value in usual.items() if self.__dict__[name] != value]
        return ", ".join(parts)

    def __getstate__(self) -> dict[str, Any]:
        self._update_flat_weights()
        state = super().__getstate__()
        # References to weights can't be pickled.
        del state["_flat_weight_refs"]
        return state

    def __setstate__(self, d: dict[str, Any]) -> None:
        super().__setstate__(d)
        if "all_weights" in d:
            self._all_weights = d["all_weights"]
        # Files older than PyTorch 1.8 have no projections; still older ones hold the weights in place of their names.
        self.__dict__.setdefault("proj_size", 0)
        first: Any = self._all_weights[0][0]
        if not isinstance(first, str):
            self._all_weights = [names for _, names in self._names()]
            self._flat_weights_names = [name for names in self._all_weights for name in names]
            self._flat_weights = [getattr(self, name, None) for name in self._flat_weights_names]
        self._note_weights()

    @property
    def all_weights(self) -> list[list[Parameter]]:
        """The parameters of each layer and direction."""
        return [[getattr(self, name) for name in names] for names in self._all_weights]

    def _replicate_for_data_parallel(self) -> Self:
        replica = super()._replicate_for_data_parallel()
        # A replica's weights are not this module's.
        replica._flat_weights = replica._flat_weights[:]
        replica._flat_weights_names = replica._flat_weights_names[:]
        return replica


def _check_dropout(dropout: Any, num_layers: int) -> None:
    is_number = isinstance(dropout, numbers.Number) and not isinstance(dropout, bool | np.bool_)
    if not is_number or not 0 <= dropout <= 1:
        raise ValueError(
            "dropout should be a number in range [0, 1] representing the probability of an element being zeroed"
        )
    if dropout > 0 and num_layers == 1:
        warnings.warn(
            "dropout option adds dropout after all but last recurrent layer, so non-zero dropout expects num_layers "
            f"greater than 1, but got dropout={dropout} and num_layers={num_layers}",
            UserWarning,
            stacklevel=3,
        )


def _each(states: Any, function: Any) -> Any:
    """A function of the state, or of an LSTM's h and c."""
    return tuple(map(function, states)) if isinstance(states, tuple | list) else function(states)


class RNNCellBase(Module):
    """What RNNCell, LSTMCell and GRUCell share: the parameters of one step.

    `weight_ih` is (num_chunks · hidden_size, input_size), `weight_hh` (num_chunks · hidden_size, hidden_size),
    `bias_ih` and `bias_hh` (num_chunks · hidden_size) or None. At first all are drawn from the uniform law on (-k, k),
    k = 1/√hidden_size.

    >>> import rushlight as torch
    >>> torch.nn.RNNCellBase(3, 4, bias=True, num_chunks=2).weight_ih.shape
    torch.Size([8, 3])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.RNNCell.html
    """

    __module__ = "rushlight.nn.modules.rnn"
    __constants__: ClassVar[list[str]] = ["input_size", "hidden_size", "bias"]

    input_size: int
    hidden_size: int
    bias: bool
    weight_ih: Parameter
    weight_hh: Parameter
    bias_ih: Parameter | None
    bias_hh: Parameter | None
    # What error messages call the cell.
    _kind: ClassVar[str] = "RNNCell"

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool,
        num_chunks: int,
        device: Device | str | None = None,
        dtype: Dtype | None = None,
    ) -> None:
        super().__init__()
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.bias = bias
        rows = num_chunks * hidden_size
        self.weight_ih = Parameter(empty((rows, input_size), device=device, dtype=dtype))
        self.weight_hh = Parameter(empty((rows, hidden_size), device=device, dtype=dtype))
        for name in ("bias_ih", "bias_hh"):
            self.register_parameter(name, Parameter(empty((rows,), device=device, dtype=dtype)) if bias else None)
        self.reset_parameters()

    def extra_repr(self) -> str:
        parts = [f"{self.input_size}, {self.hidden_size}"]
        if self.bias is not True:
            parts.append(f"bias={self.bias}")
        if self.__dict__.get("nonlinearity", "tanh") != "tanh":
            parts.append(f"nonlinearity={self.__dict__['nonlinearity']}")
        return ", ".join(parts)

    def reset_parameters(self) -> None:
        """Draw all parameters anew."""
        bound = 1.0 / math.sqrt(self.hidden_size) if self.hidden_size > 0 else 0
        for weight in self.parameters():
            init.uniform_(weight, -bound, bound)

    def _parameters_in_order(self) -> tuple[Any, ...]:
        return self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh

    def _batched(self, input: Tensor, hx: Any) -> tuple[Tensor, Any]:
        """Input and state with a batch dimension, the state zeros where None; ValueError unless 1-D or 2-D."""
        name = self._kind
        if input.dim() not in (1, 2):
            raise ValueError(f"{name}: Expected input to be 1D or 2D, got {input.dim()}D instead")
        if hx is not None:
            states = {"hidden": hx} if name != "LSTMCell" else {f"hx[{i}]": state for i, state in enumerate(hx)}
            for label, state in states.items():
                if state.dim() not in (1, 2):
                    raise ValueError(f"{name}: Expected {label} to be 1D or 2D, got {state.dim()}D instead")
        if input.dim() == 1:
            input = input.unsqueeze(0)
            hx = None if hx is None else _each(hx, lambda state: state.unsqueeze(0))
        if hx is None:
            zero = zeros((input.size(0), self.hidden_size), dtype=input.dtype)
            hx = (zero, zero) if name == "LSTMCell" else zero
        return input, hx
