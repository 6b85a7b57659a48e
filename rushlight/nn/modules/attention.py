"""Multi-head attention as a module."""

from __future__ import annotations

from typing import Any

from rushlight.autograd.grad_mode import is_grad_enabled
from rushlight.backends import mha
from rushlight.device import device as Device
from rushlight.dtypes import dtype as Dtype
from rushlight.nn import functional as F
from rushlight.nn import init
from rushlight.nn.functional.multi_head import (
    attend_by_heads,
    attend_with_weights,
    canonical_mask,
    dtype_or_none,
    project_packed,
)
from rushlight.nn.modules.linear import NonDynamicallyQuantizableLinear
from rushlight.nn.modules.module import Module
from rushlight.nn.parameter import Parameter
from rushlight.ops.creation import empty
from rushlight.tensor import Tensor

__all__ = ["MultiheadAttention"]


def wants_gradients(*tensors: Tensor | None) -> bool:
    """Whether a gradient can be wanted of a call with these tensors."""
    return is_grad_enabled() and any(t is not None and t.requires_grad for t in tensors)


class MultiheadAttention(Module):
    """Attention by several heads: out_proj(Concat(head₁ … head_H)), headᵢ = attention(Q Wᵢᵠ, K Wᵢᵏ, V Wᵢᵛ).

    Shapes: query (L, N, embed_dim), key (S, N, kdim), value (S, N, vdim) → (L, N, embed_dim) and the weights (N, L, S);
    with `batch_first` N comes first, and all may be without N. Floating-point dtypes.

    - dropout: which part of the weights is zeroed in training.
    - add_bias_kv: a learned key and value after the others. add_zero_attn: a key and value of zeros after them.
    - kdim, vdim: the features of key and value, embed_dim if None.

    The call: `key_padding_mask` (N, S) hides keys, `attn_mask` (L, S) or (N H, L, S) hides pairs, where True; masks of
    floats are added to the scores. `need_weights=False` is faster and returns None for the weights;
    `average_attn_weights=False` returns them per head, (N, H, L, S). `is_causal` says that attn_mask is causal. In
    inference, self-attention with `batch_first` takes attn_mask at its word; a query that may see no key gets NaN.

    At first the projections are drawn from Xavier's uniform law, `bias_k` and `bias_v` from his normal law, other
    biases are zero. ValueError unless embed_dim and num_heads are positive, AssertionError unless num_heads divides
    embed_dim.

    >>> import rushlight as torch
    >>> attention = torch.nn.MultiheadAttention(8, 2, batch_first=True)
    >>> x = torch.zeros(3, 5, 8)
    >>> out, weights = attention(x, x, x)
    >>> out.shape, weights.shape
    (torch.Size([3, 5, 8]), torch.Size([3, 5, 5]))

    Source: A. Vaswani et al., "Attention is all you need", 2017;
    https://docs.pytorch.org/docs/2.13/generated/torch.nn.MultiheadAttention.html
    """

    in_proj_weight: Parameter | None
    q_proj_weight: Parameter | None
    k_proj_weight: Parameter | None
    v_proj_weight: Parameter | None
    in_proj_bias: Parameter | None
    bias_k: Parameter | None
    bias_v: Parameter | None

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        dropout: float = 0.0,
        bias: bool = True,
        add_bias_kv: bool = False,
        add_zero_attn: bool = False,
        kdim: int | None = None,
        vdim: int | None = None,
        batch_first: bool = False,
        device: Device | str | None = None,
        dtype: Dtype | None = None,
    ) -> None:
        if embed_dim <= 0 or num_heads <= 0:
            raise ValueError(
                "embed_dim and num_heads must be greater than 0, "
                f"got embed_dim={embed_dim} and num_heads={num_heads} instead"
            )
        super().__init__()
        self.embed_dim = embed_dim
        self.kdim = embed_dim if kdim is None else kdim
        self.vdim = embed_dim if vdim is None else vdim
        self._qkv_same_embed_dim = self.kdim == embed_dim and self.vdim == embed_dim
        self.num_heads = num_heads
        self.dropout = dropout
        self.batch_first = batch_first
        self.head_dim = embed_dim // num_heads
        if self.head_dim * num_heads != embed_dim:
            raise AssertionError("embed_dim must be divisible by num_heads")
        self._register(
            in_proj_weight=(3 * embed_dim, embed_dim) if self._qkv_same_embed_dim else None,
            q_proj_weight=None if self._qkv_same_embed_dim else (embed_dim, embed_dim),
            k_proj_weight=None if self._qkv_same_embed_dim else (embed_dim, self.kdim),
            v_proj_weight=None if self._qkv_same_embed_dim else (embed_dim, self.vdim),
            in_proj_bias=(3 * embed_dim,) if bias else None,
            device=device,
            dtype=dtype,
        )
        self.out_proj = NonDynamicallyQuantizableLinear(embed_dim, embed_dim, bias=bias, device=device, dtype=dtype)
        if add_bias_kv:
            self._register(bias_k=(1, 1, embed_dim), bias_v=(1, 1, embed_dim), device=device, dtype=dtype)
        else:
            self.bias_k = self.bias_v = None
        self.add_zero_attn = add_zero_attn
        self._reset_parameters()

    def _register(self, *, device: Device | str | None, dtype: Dtype | None, **shapes: tuple[int, ...] | None) -> None:
        for name, shape in shapes.items():
            parameter = None if shape is None else Parameter(empty(shape, device=device, dtype=dtype))
            self.register_parameter(name, parameter)

    def _reset_parameters(self) -> None:
        """Draw the projections anew."""
        for weight in (self.in_proj_weight, self.q_proj_weight, self.k_proj_weight, self.v_proj_weight):
            if weight is not None:
                init.xavier_uniform_(weight)
        if self.in_proj_bias is not None:
            init.constant_(self.in_proj_bias, 0.0)
            init.constant_(self.out_proj.bias, 0.0)  # type: ignore[arg-type]
        for bias in (self.bias_k, self.bias_v):
            if bias is not None:
                init.xavier_normal_(bias)

    def __setstate__(self, state: dict[str, Any]) -> None:
        # PyTorch's first version of the layer had one weight only.
        state.setdefault("_qkv_same_embed_dim", True)
        super().__setstate__(state)

    def forward(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        key_padding_mask: Tensor | None = None,
        need_weights: bool = True,
        attn_mask: Tensor | None = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        floating = any(m is not None and m.is_floating_point() for m in (attn_mask, key_padding_mask))
        key_padding_mask = canonical_mask(
            key_padding_mask, "key_padding_mask", dtype_or_none(attn_mask), "attn_mask", query.dtype
        )
        attn_mask = canonical_mask(attn_mask, "attn_mask", None, "", query.dtype, check_other=False)
        if not floating and self._is_inference(query, key, value):
            mask, _ = self.merge_masks(attn_mask, key_padding_mask, query)
            return self.infer(query, mask, need_weights, average_attn_weights)
        swap = self.batch_first and query.dim() == 3
        out, weights = attend_by_heads(
            query, key, value, self.embed_dim, self.num_heads, self.in_proj_weight, self.in_proj_bias, self.bias_k,
            self.bias_v, self.add_zero_attn, self.dropout, self.out_proj.weight, self.out_proj.bias, self.training,
            key_padding_mask, need_weights, attn_mask, not self._qkv_same_embed_dim, self.q_proj_weight,
            self.k_proj_weight, self.v_proj_weight, None, None, average_attn_weights, is_causal, batch_first=swap,
        )  # fmt: skip
        # PyTorch turns the tensors round and the result back. Dropout draws in the order of memory: the result lies as
        # it does there.
        return out.transpose(1, 0).contiguous().transpose(1, 0) if swap else out, weights

    def _is_inference(self, query: Tensor, key: Tensor, value: Tensor) -> bool:
        """Whether PyTorch takes its fast path for such a call."""
        weight, bias = self.in_proj_weight, self.in_proj_bias
        return (
            mha.get_fastpath_enabled()
            and query.dim() == 3
            and query is key is value
            and weight is not None
            and bias is not None
            and query.dtype is weight.dtype is bias.dtype
            and not self.training
            and self.num_heads % 2 == 0
            and self.batch_first
            and self.bias_k is None
            and self.bias_v is None
            and not self.add_zero_attn
            and not wants_gradients(query, weight, bias, self.out_proj.weight, self.out_proj.bias)
        )

    def infer(
        self, query: Tensor, mask: Tensor | None, need_weights: bool = False, average_attn_weights: bool = True
    ) -> tuple[Tensor, Tensor | None]:
        """Self-attention of (N, L, E) as PyTorch's fast path has it: every number of the mask but 0 hides."""
        if query.size(-1) != self.embed_dim:
            raise RuntimeError(f"passed-in embed_dim {self.embed_dim} didn't match last dim of query {query.size(-1)}")
        weight: Any = self.in_proj_weight
        q, k, v = project_packed(query, query, query, weight, self.in_proj_bias, self.num_heads, batch_first=True)
        weights = None
        if mask is None and not need_weights:
            attended = F.scaled_dot_product_attention(q, k, v)
        else:
            if mask is not None:
                mask = self._hiding(mask, query)
            attended, weights = attend_with_weights(q, k, v, mask, 0.0, False)
        out = F.linear(attended.transpose(1, 2).flatten(2), self.out_proj.weight, self.out_proj.bias)
        if weights is None or not need_weights:
            return out, None
        return out, weights.mean(dim=1) if average_attn_weights else weights

    @staticmethod
    def _hiding(mask: Tensor, query: Tensor) -> Tensor:
        batch, length, _ = query.shape
        if mask.dim() == 2:
            if mask.shape != (batch, length):
                raise RuntimeError("For mask_type == 1 mask shape should be (B, L)")
            mask = mask.reshape(batch, 1, 1, length)
        return mask.new_zeros(mask.shape).masked_fill_(mask != 0, float("-inf"))

    def merge_masks(
        self, attn_mask: Tensor | None, key_padding_mask: Tensor | None, query: Tensor
    ) -> tuple[Tensor | None, int | None]:
        """The masks as one, and its kind: 1 if it is key_padding_mask alone, (N, L); 2 if it is (N, H, L, L)."""
        if attn_mask is None:
            return key_padding_mask, None if key_padding_mask is None else 1
        batch, length, _ = query.shape
        if attn_mask.dim() == 3:
            merged = attn_mask.view(batch, -1, length, length)
        else:
            merged = attn_mask.view(1, 1, length, length).expand(batch, self.num_heads, -1, -1)
        if key_padding_mask is not None:
            padding = key_padding_mask.view(batch, 1, 1, length).expand(-1, self.num_heads, -1, -1)
            merged = merged + padding
        return merged, 2
