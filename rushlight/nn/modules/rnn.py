"""Recurrent layers: networks over sequences, and the cells that are one step of them."""

from __future__ import annotations

import warnings
from typing import Any, ClassVar, overload

from rushlight.device import device as Device
from rushlight.dtypes import dtype as Dtype
from rushlight.nn.modules._recurrent import RNNBase, RNNCellBase
from rushlight.nn.packing import PackedSequence
from rushlight.ops.creation import zeros
from rushlight.ops.recurrent_network import gru_cell, lstm_cell, rnn_relu_cell, rnn_tanh_cell
from rushlight.tensor import Tensor

__all__ = ["GRU", "LSTM", "RNN", "GRUCell", "LSTMCell", "RNNBase", "RNNCell", "RNNCellBase"]


def apply_permutation(tensor: Tensor, permutation: Tensor, dim: int = 1) -> Tensor:
    """`tensor.index_select(dim, permutation)`; deprecated."""
    warnings.warn(
        "`apply_permutation` is deprecated, please use `tensor.index_select(dim, permutation)` instead",
        FutureWarning,
        stacklevel=2,
    )
    return tensor.index_select(dim, permutation)


def _refuse_projection(options: dict[str, Any]) -> None:
    if "proj_size" in options:
        raise ValueError("proj_size argument is only supported for LSTM, not RNN or GRU")


class RNN(RNNBase):
    """Elman's recurrent network: `h_t = tanh(W_ih x_t + b_ih + W_hh h_{t-1} + b_hh)`, or ReLU's with
    nonlinearity="relu", in `num_layers` layers of which each takes the h of the one below.

    `RNN(input_size, hidden_size, num_layers=1, nonlinearity="tanh", bias=True, batch_first=False, dropout=0.0,
    bidirectional=False, device=None, dtype=None)`. dropout is applied between layers; a bidirectional layer's output is
    that of both directions side by side (D = 2, else 1).

    Shapes: input (T, N, input_size), or (N, T, input_size) with batch_first, or (T, input_size), or a PackedSequence;
    hx (D · num_layers, N, hidden_size), without N for unbatched input, zeros if None. The output is the same with
    D · hidden_size; the second result is every layer's last h. Raises ValueError and RuntimeError for other shapes and
    dtypes. Initial law: see RNNBase.

    >>> import rushlight as torch
    >>> output, h = torch.nn.RNN(10, 20, 2)(torch.zeros(5, 3, 10))
    >>> output.shape, h.shape
    (torch.Size([5, 3, 20]), torch.Size([2, 3, 20]))

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.RNN.html
    """

    nonlinearity: str

    @overload
    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: str = "tanh",
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: Device | str | None = None,
        dtype: Dtype | None = None,
    ) -> None: ...

    @overload
    def __init__(self, *args: Any, **kwargs: Any) -> None: ...

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        _refuse_projection(kwargs)
        if len(args) > 3:
            nonlinearity = args[3]
            args = args[:3] + args[4:]
        else:
            nonlinearity = kwargs.pop("nonlinearity", "tanh")
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(f"Unknown nonlinearity '{nonlinearity}'. Select from 'tanh' or 'relu'.")
        # As in PyTorch, before Module's own attributes.
        self.__dict__["nonlinearity"] = nonlinearity
        super().__init__(f"RNN_{nonlinearity.upper()}", *args, **kwargs)

    def forward(self, input: Tensor | PackedSequence, hx: Tensor | None = None) -> tuple[Any, Tensor]:
        return self._run(input, hx)


class LSTM(RNNBase):
    """Long short-term memory: `i, f, o = σ(W x_t + U h_{t-1} + b)`, `g = tanh(…)`, `c_t = f c_{t-1} + i g`,
    `h_t = o tanh(c_t)`, in `num_layers` layers of which each takes the h of the one below.

    `LSTM(input_size, hidden_size, num_layers=1, bias=True, batch_first=False, dropout=0.0, bidirectional=False,
    proj_size=0, device=None, dtype=None)`. dropout is applied between layers; a bidirectional layer's output is that of
    both directions side by side (D = 2, else 1); with proj_size P, `h_t = W_hr o tanh(c_t)` has P features (else P is
    hidden_size). The weights' rows are those of i, f, g, o.

    Shapes: input (T, N, input_size), or (N, T, input_size) with batch_first, or (T, input_size), or a PackedSequence;
    hx is a tuple of h (D · num_layers, N, P) and c (D · num_layers, N, hidden_size), without N for unbatched input,
    zeros if None. The output is (T, N, D · P); the second result is every layer's last h and c. Raises ValueError and
    RuntimeError for other shapes and dtypes. Initial law: see RNNBase.

    >>> import rushlight as torch
    >>> output, (h, c) = torch.nn.LSTM(10, 20, 2, bidirectional=True)(torch.zeros(5, 3, 10))
    >>> output.shape, h.shape, c.shape
    (torch.Size([5, 3, 40]), torch.Size([4, 3, 20]), torch.Size([4, 3, 20]))

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.LSTM.html (S. Hochreiter, J. Schmidhuber, "Long
    short-term memory", 1997; the projection: H. Sak et al., 2014)
    """

    @overload
    def __init__(
        self,
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
    ) -> None: ...

    @overload
    def __init__(self, *args: Any, **kwargs: Any) -> None: ...

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__("LSTM", *args, **kwargs)

    def get_expected_cell_size(self, input: Tensor, batch_sizes: Tensor | None) -> tuple[int, int, int]:
        """The shape of c: layers times directions, batch, hidden_size."""
        return self._state_shape(input, batch_sizes, self.hidden_size)

    def check_forward_args(self, input: Tensor, hidden: tuple[Tensor, Tensor], batch_sizes: Tensor | None) -> None:
        """Raise unless input, h and c fit."""
        self.check_input(input, batch_sizes)
        expected = self.get_expected_hidden_size(input, batch_sizes)
        self.check_hidden_size(hidden[0], expected, "Expected hidden[0] size {}, got {}")
        expected = self.get_expected_cell_size(input, batch_sizes)
        self.check_hidden_size(hidden[1], expected, "Expected hidden[1] size {}, got {}")

    def permute_hidden(self, hx: tuple[Tensor, Tensor], permutation: Tensor | None) -> tuple[Tensor, Tensor]:
        """h and c in another order of the batch."""
        if permutation is None:
            return hx
        return hx[0].index_select(1, permutation), hx[1].index_select(1, permutation)

    def _zero_state(self, input: Tensor, batch_sizes: Tensor | None) -> Any:
        cell = zeros(self.get_expected_cell_size(input, batch_sizes), dtype=input.dtype)
        return super()._zero_state(input, batch_sizes), cell

    def _result(self, found: tuple[Tensor, ...]) -> tuple[Tensor, Any]:
        return found[0], (found[1], found[2])

    def forward(
        self, input: Tensor | PackedSequence, hx: tuple[Tensor, Tensor] | None = None
    ) -> tuple[Any, tuple[Tensor, Tensor]]:
        return self._run(input, hx)


class GRU(RNNBase):
    """Gated recurrent units: `r, z = σ(W x_t + b + U h_{t-1} + d)`, `n = tanh(W_n x_t + b_n + r (U_n h_{t-1} + d_n))`,
    `h_t = (1 - z) n + z h_{t-1}`, in `num_layers` layers of which each takes the h of the one below.

    `GRU(input_size, hidden_size, num_layers=1, bias=True, batch_first=False, dropout=0.0, bidirectional=False,
    device=None, dtype=None)`. dropout is applied between layers; a bidirectional layer's output is that of both
    directions side by side (D = 2, else 1). The weights' rows are those of r, z, n.

    Shapes: input (T, N, input_size), or (N, T, input_size) with batch_first, or (T, input_size), or a PackedSequence;
    hx (D · num_layers, N, hidden_size), without N for unbatched input, zeros if None. The output is the same with
    D · hidden_size; the second result is every layer's last h. Raises ValueError and RuntimeError for other shapes and
    dtypes. Initial law: see RNNBase.

    >>> import rushlight as torch
    >>> output, h = torch.nn.GRU(10, 20, batch_first=True)(torch.zeros(3, 5, 10))
    >>> output.shape, h.shape
    (torch.Size([3, 5, 20]), torch.Size([1, 3, 20]))

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.GRU.html (K. Cho et al., 2014, with r applied after
    the product)
    """

    @overload
    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: Device | str | None = None,
        dtype: Dtype | None = None,
    ) -> None: ...

    @overload
    def __init__(self, *args: Any, **kwargs: Any) -> None: ...

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        _refuse_projection(kwargs)
        super().__init__("GRU", *args, **kwargs)

    def forward(self, input: Tensor | PackedSequence, hx: Tensor | None = None) -> tuple[Any, Tensor]:
        return self._run(input, hx)


class RNNCell(RNNCellBase):
    """One step of an RNN: `h' = tanh(W_ih x + b_ih + W_hh h + b_hh)`, or ReLU's with nonlinearity="relu".

    Shapes: input (N, input_size), hx (N, hidden_size) → (N, hidden_size); or all without N. hx is zeros if None. Raises
    ValueError for other numbers of dimensions, RuntimeError for other sizes. Initial law: see RNNCellBase.

    >>> import rushlight as torch
    >>> torch.nn.RNNCell(10, 20)(torch.zeros(3, 10)).shape
    torch.Size([3, 20])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.RNNCell.html
    """

    __constants__: ClassVar[list[str]] = ["input_size", "hidden_size", "bias", "nonlinearity"]
    nonlinearity: str

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        nonlinearity: str = "tanh",
        device: Device | str | None = None,
        dtype: Dtype | None = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, num_chunks=1, device=device, dtype=dtype)
        self.nonlinearity = nonlinearity

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        batch, hx = self._batched(input, hx)
        if self.nonlinearity not in ("tanh", "relu"):
            raise RuntimeError(f"Unknown nonlinearity: {self.nonlinearity}")
        function = rnn_tanh_cell if self.nonlinearity == "tanh" else rnn_relu_cell
        out = function(batch, hx, *self._parameters_in_order())
        return out if batch is input else out.squeeze(0)


class LSTMCell(RNNCellBase):
    """One step of an LSTM: the next h and c from x, h and c, by the formulas of LSTM.

    Shapes: input (N, input_size), hx a tuple of h and c (N, hidden_size) → a tuple of the same; or all without N. hx is
    zeros if None. Raises ValueError for other numbers of dimensions, RuntimeError for other sizes. Initial law: see
    RNNCellBase.

    >>> import rushlight as torch
    >>> h, c = torch.nn.LSTMCell(10, 20)(torch.zeros(3, 10))
    >>> h.shape, c.shape
    (torch.Size([3, 20]), torch.Size([3, 20]))

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.LSTMCell.html
    """

    _kind: ClassVar[str] = "LSTMCell"

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        device: Device | str | None = None,
        dtype: Dtype | None = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, num_chunks=4, device=device, dtype=dtype)

    def forward(self, input: Tensor, hx: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, Tensor]:
        batch, hx = self._batched(input, hx)
        hidden, cell = lstm_cell(batch, hx, *self._parameters_in_order())
        return (hidden, cell) if batch is input else (hidden.squeeze(0), cell.squeeze(0))


class GRUCell(RNNCellBase):
    """One step of a GRU: the next h from x and h, by the formulas of GRU.

    Shapes: input (N, input_size), hx (N, hidden_size) → (N, hidden_size); or all without N. hx is zeros if None. Raises
    ValueError for other numbers of dimensions, RuntimeError for other sizes. Initial law: see RNNCellBase.

    >>> import rushlight as torch
    >>> torch.nn.GRUCell(10, 20)(torch.zeros(3, 10)).shape
    torch.Size([3, 20])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.GRUCell.html
    """

    _kind: ClassVar[str] = "GRUCell"

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        device: Device | str | None = None,
        dtype: Dtype | None = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, num_chunks=3, device=device, dtype=dtype)

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        batch, hx = self._batched(input, hx)
        out = gru_cell(batch, hx, *self._parameters_in_order())
        return out if batch is input else out.squeeze(0)
