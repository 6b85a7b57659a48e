"""The transformer, its encoder and decoder, and the layers of both."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable
from typing import Any, ClassVar

from rushlight.backends import mha
from rushlight.device import device as Device
from rushlight.dtypes import dtype as Dtype
from rushlight.nn import functional as F
from rushlight.nn import init
from rushlight.nn.functional.multi_head import canonical_mask, dtype_or_none
from rushlight.nn.modules.activation import GELU, ReLU
from rushlight.nn.modules.attention import MultiheadAttention, wants_gradients
from rushlight.nn.modules.container import ModuleList
from rushlight.nn.modules.dropout import Dropout
from rushlight.nn.modules.linear import Linear
from rushlight.nn.modules.module import Module
from rushlight.nn.modules.normalization import LayerNorm
from rushlight.ops.creation import full
from rushlight.ops.linear import linear_relu
from rushlight.tensor import Tensor

__all__ = [
    "Transformer", "TransformerDecoder", "TransformerDecoderLayer", "TransformerEncoder", "TransformerEncoderLayer",
]  # fmt: skip

Activation = str | Callable[[Tensor], Tensor]


def _generate_square_subsequent_mask(sz: int, device: Device | str | None = None, dtype: Dtype | None = None) -> Tensor:
    return full((sz, sz), float("-inf"), dtype=dtype, device=device).triu(diagonal=1)


def _get_seq_len(src: Tensor, batch_first: bool) -> int | None:
    return src.size(1 if batch_first and src.dim() != 2 else 0)


def _get_clones(module: Module, N: int) -> ModuleList:
    return ModuleList([copy.deepcopy(module) for _ in range(N)])


def _get_activation_fn(activation: str) -> Callable[[Tensor], Tensor]:
    if activation not in ("relu", "gelu"):
        raise RuntimeError(f"activation should be relu/gelu, not {activation}")
    return F.relu if activation == "relu" else F.gelu


def _detect_is_causal_mask(mask: Tensor | None, is_causal: bool | None = None, size: int | None = None) -> bool:
    """Whether attention is causal: what the caller says or, if nothing, whether the mask is the causal one."""
    if is_causal is not None or mask is None:
        return is_causal is True
    causal = _generate_square_subsequent_mask(mask.size(-2) if size is None else size, mask.device, mask.dtype)
    return mask.size() == causal.size() and bool((mask == causal).all())


def _has_hooks(module: Module) -> bool:
    """Whether a module or one within it has forward hooks."""
    if module._forward_hooks or module._forward_pre_hooks:
        return True
    return any(m is not None and _has_hooks(m) for m in module._modules.values())


class _Layer(Module):
    """What the layers of encoder and decoder have in common: self-attention, the feedforward network, norms."""

    __constants__: ClassVar[list[str]] = ["norm_first"]
    self_attn: MultiheadAttention

    def _add_feedforward(
        self,
        d_model: int,
        dim_feedforward: int,
        dropout: float,
        layer_norm_eps: float,
        norm_first: bool,
        bias: bool,
        blocks: int,
        factory: dict[str, Any],
    ) -> None:
        self.linear1 = Linear(d_model, dim_feedforward, bias=bias, **factory)
        self.dropout = Dropout(dropout)
        self.linear2 = Linear(dim_feedforward, d_model, bias=bias, **factory)
        self.norm_first = norm_first
        for i in range(1, blocks + 1):
            setattr(self, f"norm{i}", LayerNorm(d_model, eps=layer_norm_eps, bias=bias, **factory))
        for i in range(1, blocks + 1):
            setattr(self, f"dropout{i}", Dropout(dropout))

    def _sa_block(
        self, x: Tensor, attn_mask: Tensor | None, key_padding_mask: Tensor | None, is_causal: bool = False
    ) -> Tensor:
        """Self-attention."""
        attended = self.self_attn(
            x,
            x,
            x,
            attn_mask=attn_mask,
            key_padding_mask=key_padding_mask,
            need_weights=False,
            is_causal=is_causal,
        )[0]
        return self.dropout1(attended)


class TransformerEncoderLayer(_Layer):
    """Self-attention, then a feedforward network, each added to its input and normalised.

    x = norm1(x + attention(x)), x = norm2(x + linear2(activation(linear1(x)))); with `norm_first`
    x = x + attention(norm1(x)), x = x + linear2(activation(linear1(norm2(x)))). Dropout follows the activation and each
    of the two, in training.

    Shapes: src (S, N, d_model), with `batch_first` (N, S, d_model), or (S, d_model) → the same; src_mask (S, S) or
    (N nhead, S, S), src_key_padding_mask (N, S) or (S): True hides. `activation` is "relu", "gelu" or a function;
    RuntimeError for another string. Floating-point dtypes.

    As in PyTorch, masks of floats are added to the scores in training; in inference with `batch_first` and an even
    nhead all their numbers but 0 hide.

    At first `self_attn` and the linear layers have their own laws.

    >>> import rushlight as torch
    >>> layer = torch.nn.TransformerEncoderLayer(d_model=8, nhead=2, dim_feedforward=16, batch_first=True)
    >>> layer(torch.zeros(3, 5, 8)).shape
    torch.Size([3, 5, 8])

    Source: A. Vaswani et al., "Attention is all you need", 2017;
    https://docs.pytorch.org/docs/2.13/generated/torch.nn.TransformerEncoderLayer.html
    """

    norm1: LayerNorm
    norm2: LayerNorm
    dropout1: Dropout
    dropout2: Dropout

    def __init__(
        self,
        d_model: int,
        nhead: int,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: Activation = F.relu,
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        device: Device | str | None = None,
        dtype: Dtype | None = None,
    ) -> None:
        super().__init__()
        factory: dict[str, Any] = {"device": device, "dtype": dtype}
        self.self_attn = MultiheadAttention(
            d_model, nhead, dropout=dropout, bias=bias, batch_first=batch_first, **factory
        )
        self._add_feedforward(d_model, dim_feedforward, dropout, layer_norm_eps, norm_first, bias, 2, factory)
        if isinstance(activation, str):
            activation = _get_activation_fn(activation)
        self.activation_relu_or_gelu = 0
        if activation is F.relu or isinstance(activation, ReLU):
            self.activation_relu_or_gelu = 1
        elif activation is F.gelu or isinstance(activation, GELU):
            self.activation_relu_or_gelu = 2
        self.activation = activation

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        if not hasattr(self, "activation"):
            self.activation = F.relu

    def forward(
        self,
        src: Tensor,
        src_mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        is_causal: bool = False,
    ) -> Tensor:
        src_key_padding_mask = canonical_mask(
            src_key_padding_mask, "src_key_padding_mask", dtype_or_none(src_mask), "src_mask", src.dtype
        )
        src_mask = canonical_mask(src_mask, "src_mask", None, "", src.dtype, check_other=False)
        if self._is_inference(src):
            mask, _ = self.self_attn.merge_masks(src_mask, src_key_padding_mask, src)

            def attend(x: Tensor) -> Tensor:
                return self.self_attn.infer(x, mask)[0]

            plain = type(self.linear1) is Linear and self.linear1.bias is not None
            feed = self._feed_quickly if plain and self.activation_relu_or_gelu == 1 else self._ff_block
        else:
            feed = self._ff_block

            def attend(x: Tensor) -> Tensor:
                return self._sa_block(x, src_mask, src_key_padding_mask, is_causal=is_causal)

        if self.norm_first:
            x = src + attend(self.norm1(src))
            return x + feed(self.norm2(x))
        x = self.norm1(src + attend(src))
        return self.norm2(x + feed(x))

    def _is_inference(self, src: Tensor) -> bool:
        """Whether PyTorch takes its fast path for such a call."""
        attention = self.self_attn
        return (
            mha.get_fastpath_enabled()
            and src.dim() == 3
            and not self.training
            and attention.batch_first
            and attention.in_proj_bias is not None
            and attention._qkv_same_embed_dim
            and bool(self.activation_relu_or_gelu)
            and self.norm1.eps == self.norm2.eps
            and attention.num_heads % 2 == 0
            and not _has_hooks(self)
            and not wants_gradients(src, *self._weights())
        )

    def _weights(self) -> tuple[Tensor | None, ...]:
        """What the fast path asks for gradients."""
        attention = self.self_attn
        modules = (attention.out_proj, self.norm1, self.norm2, self.linear1, self.linear2)
        pairs = [(m.weight, m.bias) for m in modules]
        return (attention.in_proj_weight, attention.in_proj_bias, *(t for pair in pairs for t in pair))

    def _ff_block(self, x: Tensor) -> Tensor:
        """The feedforward network."""
        x = self.linear2(self.dropout(self.activation(self.linear1(x))))
        return self.dropout2(x)

    def _feed_quickly(self, x: Tensor) -> Tensor:
        """The same with ReLU in inference: no dropout, and the activation a part of the first product."""
        bias: Any = self.linear1.bias
        return self.linear2(linear_relu(x, self.linear1.weight, bias))


class TransformerDecoderLayer(_Layer):
    """Self-attention, attention to the encoder's output, then a feedforward network, each added and normalised.

    x = norm1(x + attention(x)), x = norm2(x + attention(x, memory)), x = norm3(x + linear2(activation(linear1(x))));
    with `norm_first` the norms are on the inputs of the three. Dropout follows the activation and each of the three, in
    training.

    Shapes: tgt (T, N, d_model), memory (S, N, d_model), N first with `batch_first`, or both without N → as tgt;
    tgt_mask (T, T), memory_mask (T, S) or either for each of N nhead; tgt_key_padding_mask (N, T),
    memory_key_padding_mask (N, S). `activation` is "relu", "gelu" or a function; RuntimeError for another string.

    >>> import rushlight as torch
    >>> layer = torch.nn.TransformerDecoderLayer(d_model=8, nhead=2, dim_feedforward=16)
    >>> layer(torch.zeros(4, 3, 8), torch.zeros(5, 3, 8)).shape
    torch.Size([4, 3, 8])

    Source: A. Vaswani et al., "Attention is all you need", 2017;
    https://docs.pytorch.org/docs/2.13/generated/torch.nn.TransformerDecoderLayer.html
    """

    norm1: LayerNorm
    norm2: LayerNorm
    norm3: LayerNorm
    dropout1: Dropout
    dropout2: Dropout
    dropout3: Dropout

    def __init__(
        self,
        d_model: int,
        nhead: int,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: Activation = F.relu,
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        device: Device | str | None = None,
        dtype: Dtype | None = None,
    ) -> None:
        super().__init__()
        factory: dict[str, Any] = {"device": device, "dtype": dtype}
        options: dict[str, Any] = {"dropout": dropout, "bias": bias, "batch_first": batch_first, **factory}
        self.self_attn = MultiheadAttention(d_model, nhead, **options)
        self.multihead_attn = MultiheadAttention(d_model, nhead, **options)
        self._add_feedforward(d_model, dim_feedforward, dropout, layer_norm_eps, norm_first, bias, 3, factory)
        self.activation = _get_activation_fn(activation) if isinstance(activation, str) else activation

    def __setstate__(self, state: dict[str, Any]) -> None:
        state.setdefault("activation", F.relu)
        super().__setstate__(state)

    def forward(
        self,
        tgt: Tensor,
        memory: Tensor,
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
        tgt_is_causal: bool = False,
        memory_is_causal: bool = False,
    ) -> Tensor:
        own = (tgt_mask, tgt_key_padding_mask, tgt_is_causal)
        other = (memory, memory_mask, memory_key_padding_mask, memory_is_causal)
        if self.norm_first:
            x = tgt + self._sa_block(self.norm1(tgt), *own)
            x = x + self._mha_block(self.norm2(x), *other)
            return x + self._ff_block(self.norm3(x))
        x = self.norm1(tgt + self._sa_block(tgt, *own))
        x = self.norm2(x + self._mha_block(x, *other))
        return self.norm3(x + self._ff_block(x))

    def _mha_block(
        self,
        x: Tensor,
        mem: Tensor,
        attn_mask: Tensor | None,
        key_padding_mask: Tensor | None,
        is_causal: bool = False,
    ) -> Tensor:
        """Attention to the encoder's output."""
        attended = self.multihead_attn(
            x,
            mem,
            mem,
            attn_mask=attn_mask,
            key_padding_mask=key_padding_mask,
            is_causal=is_causal,
            need_weights=False,
        )[0]
        return self.dropout2(attended)

    def _ff_block(self, x: Tensor) -> Tensor:
        """The feedforward network."""
        x = self.linear2(self.dropout(self.activation(self.linear1(x))))
        return self.dropout3(x)


class TransformerEncoder(Module):
    """A stack of copies of an encoder layer, and a norm after the last if given.

    Shapes: as the layer's. In inference, with an encoder layer of `batch_first`, normalisation last and an even nhead,
    positions that src_key_padding_mask hides come out as zeros (before `norm`), if no other mask is given and the
    hidden ones are the last of each sample; `enable_nested_tensor=False` leaves them as they are, `mask_check=False`
    does not look whether they are the last. `is_causal` None compares the mask with the causal one.

    >>> import rushlight as torch
    >>> layer = torch.nn.TransformerEncoderLayer(d_model=8, nhead=2, dim_feedforward=16, batch_first=True)
    >>> encoder = torch.nn.TransformerEncoder(layer, num_layers=2)
    >>> encoder(torch.zeros(3, 5, 8)).shape
    torch.Size([3, 5, 8])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.TransformerEncoder.html
    """

    __constants__: ClassVar[list[str]] = ["norm"]

    def __init__(
        self,
        encoder_layer: TransformerEncoderLayer,
        num_layers: int,
        norm: Module | None = None,
        enable_nested_tensor: bool = True,
        mask_check: bool = True,
    ) -> None:
        super().__init__()
        self.layers = _get_clones(encoder_layer, num_layers)
        self.num_layers = num_layers
        self.norm = norm
        self.enable_nested_tensor = enable_nested_tensor
        self.use_nested_tensor = enable_nested_tensor
        self.mask_check = mask_check
        reason = _why_not_nested(encoder_layer)
        if enable_nested_tensor and reason:
            warnings.warn(
                f"enable_nested_tensor is True, but self.use_nested_tensor is False because {reason}",
                UserWarning,
                stacklevel=2,
            )
            self.use_nested_tensor = False

    def forward(
        self,
        src: Tensor,
        mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        is_causal: bool | None = None,
    ) -> Tensor:
        padding = canonical_mask(src_key_padding_mask, "src_key_padding_mask", dtype_or_none(mask), "mask", src.dtype)
        mask = canonical_mask(mask, "mask", None, "", src.dtype, check_other=False)
        length = _get_seq_len(src, self.layers[0].self_attn.batch_first)
        causal = _detect_is_causal_mask(mask, is_causal, length)
        output, hidden = src, self._hidden(src, mask, padding)
        if hidden is not None:
            # What is hidden counts for nothing, not even if it is NaN.
            output = src.masked_fill(hidden, 0.0)
        for layer in self.layers:
            output = layer(output, src_mask=mask, is_causal=causal, src_key_padding_mask=padding)
        if hidden is not None:
            output = output.masked_fill(hidden, 0.0)
        return output if self.norm is None else self.norm(output)

    def _hidden(self, src: Tensor, mask: Tensor | None, padding: Tensor | None) -> Tensor | None:
        """Where padded positions become zeros, (N, S, 1): where PyTorch computes without them."""
        first: Any = self.layers[0]
        if not (mha.get_fastpath_enabled() and getattr(self, "use_nested_tensor", False)):
            return None
        if first.training or src.dim() != 3 or padding is None or mask is not None:
            return None
        hidden = padding != 0
        if getattr(self, "mask_check", True) and bool((hidden[:, :-1] & ~hidden[:, 1:]).any()):
            return None
        return None if wants_gradients(src, *first._weights()) else hidden.unsqueeze(-1)


def _why_not_nested(layer: Module) -> str:
    """Why PyTorch would not leave out padded positions in inference; "" where it would."""
    name = "encoder_layer"
    if not isinstance(layer, TransformerEncoderLayer):
        return f"{name} was not TransformerEncoderLayer"
    attention = layer.self_attn
    hindrances = (
        (layer.norm_first, f"{name}.norm_first was True"),
        (
            not attention.batch_first,
            f"{name}.self_attn.batch_first was not True(use batch_first for better inference performance)",
        ),
        (not attention._qkv_same_embed_dim, f"{name}.self_attn._qkv_same_embed_dim was not True"),
        (attention.in_proj_bias is None, f"{name}.self_attn was passed bias=False"),
        (not layer.activation_relu_or_gelu, f"{name}.activation_relu_or_gelu was not True"),
        (layer.norm1.eps != layer.norm2.eps, f"{name}.norm1.eps was not equal to {name}.norm2.eps"),
        (attention.num_heads % 2 == 1, f"{name}.self_attn.num_heads is odd"),
    )
    return next((reason for found, reason in hindrances if found), "")


class TransformerDecoder(Module):
    """A stack of copies of a decoder layer, and a norm after the last if given.

    Shapes: as the layer's. `tgt_is_causal` None compares tgt_mask with the causal one.

    >>> import rushlight as torch
    >>> layer = torch.nn.TransformerDecoderLayer(d_model=8, nhead=2, dim_feedforward=16)
    >>> decoder = torch.nn.TransformerDecoder(layer, num_layers=2)
    >>> decoder(torch.zeros(4, 3, 8), torch.zeros(5, 3, 8)).shape
    torch.Size([4, 3, 8])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.TransformerDecoder.html
    """

    __constants__: ClassVar[list[str]] = ["norm"]

    def __init__(self, decoder_layer: TransformerDecoderLayer, num_layers: int, norm: Module | None = None) -> None:
        super().__init__()
        self.layers = _get_clones(decoder_layer, num_layers)
        self.num_layers = num_layers
        self.norm = norm

    def forward(
        self,
        tgt: Tensor,
        memory: Tensor,
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
        tgt_is_causal: bool | None = None,
        memory_is_causal: bool = False,
    ) -> Tensor:
        output = tgt
        length = _get_seq_len(tgt, self.layers[0].self_attn.batch_first)
        causal = _detect_is_causal_mask(tgt_mask, tgt_is_causal, length)
        for layer in self.layers:
            output = layer(
                output,
                memory,
                tgt_mask=tgt_mask,
                memory_mask=memory_mask,
                tgt_key_padding_mask=tgt_key_padding_mask,
                memory_key_padding_mask=memory_key_padding_mask,
                tgt_is_causal=causal,
                memory_is_causal=memory_is_causal,
            )
        return output if self.norm is None else self.norm(output)


class Transformer(Module):
    """An encoder of a source sequence and a decoder that makes a target sequence of it.

    Shapes: src (S, N, d_model), tgt (T, N, d_model), N first with `batch_first`, or both without N → as tgt; src_mask
    (S, S), tgt_mask (T, T), memory_mask (T, S) or each for all N nhead; the key padding masks (N, S), (N, T), (N, S).
    `custom_encoder` and `custom_decoder` stand in for the stacks of layers. RuntimeError for batches or features of
    another size.

    At first all weights of more than one dimension are drawn from Xavier's uniform law.

    >>> import rushlight as torch
    >>> model = torch.nn.Transformer(8, 2, 1, 1, dim_feedforward=16, batch_first=True)
    >>> model(torch.zeros(3, 5, 8), torch.zeros(3, 4, 8)).shape
    torch.Size([3, 4, 8])

    Source: A. Vaswani et al., "Attention is all you need", 2017;
    https://docs.pytorch.org/docs/2.13/generated/torch.nn.Transformer.html
    """

    def __init__(
        self,
        d_model: int = 512,
        nhead: int = 8,
        num_encoder_layers: int = 6,
        num_decoder_layers: int = 6,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: Activation = F.relu,
        custom_encoder: Any | None = None,
        custom_decoder: Any | None = None,
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        device: Device | str | None = None,
        dtype: Dtype | None = None,
    ) -> None:
        super().__init__()
        factory: dict[str, Any] = {"device": device, "dtype": dtype}
        sizes = (d_model, nhead, dim_feedforward, dropout, activation, layer_norm_eps, batch_first, norm_first, bias)
        if custom_encoder is None:
            encoder_layer = TransformerEncoderLayer(*sizes, **factory)
            norm = LayerNorm(d_model, eps=layer_norm_eps, bias=bias, **factory)
            custom_encoder = TransformerEncoder(encoder_layer, num_encoder_layers, norm)
        self.encoder = custom_encoder
        if custom_decoder is None:
            decoder_layer = TransformerDecoderLayer(*sizes, **factory)
            norm = LayerNorm(d_model, eps=layer_norm_eps, bias=bias, **factory)
            custom_decoder = TransformerDecoder(decoder_layer, num_decoder_layers, norm)
        self.decoder = custom_decoder
        self._reset_parameters()
        self.d_model = d_model
        self.nhead = nhead
        self.batch_first = batch_first

    def forward(
        self,
        src: Tensor,
        tgt: Tensor,
        src_mask: Tensor | None = None,
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
        src_is_causal: bool | None = None,
        tgt_is_causal: bool | None = None,
        memory_is_causal: bool = False,
    ) -> Tensor:
        batch = 0 if self.batch_first else 1
        if src.dim() == 3 and src.size(batch) != tgt.size(batch):
            raise RuntimeError("the batch number of src and tgt must be equal")
        if src.size(-1) != self.d_model or tgt.size(-1) != self.d_model:
            raise RuntimeError("the feature number of src and tgt must be equal to d_model")
        memory = self.encoder(src, mask=src_mask, src_key_padding_mask=src_key_padding_mask, is_causal=src_is_causal)
        return self.decoder(
            tgt,
            memory,
            tgt_mask=tgt_mask,
            memory_mask=memory_mask,
            tgt_key_padding_mask=tgt_key_padding_mask,
            memory_key_padding_mask=memory_key_padding_mask,
            tgt_is_causal=tgt_is_causal,
            memory_is_causal=memory_is_causal,
        )

    @staticmethod
    def generate_square_subsequent_mask(
        sz: int, device: Device | str | None = None, dtype: Dtype | None = None
    ) -> Tensor:
        """A causal mask (sz, sz) to be added to scores: -∞ above the diagonal, else 0."""
        return _generate_square_subsequent_mask(sz, device, dtype)

    def _reset_parameters(self) -> None:
        """Draw the weights anew."""
        for parameter in self.parameters():
            if parameter.dim() > 1:
                init.xavier_uniform_(parameter)
