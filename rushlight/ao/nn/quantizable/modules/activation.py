"""Attention made of parts that can be observed and quantized one by one."""

from __future__ import annotations

import warnings
from typing import Any, ClassVar

from rushlight import dtypes
from rushlight.ao.nn.quantized.modules.functional_modules import FloatFunctional
from rushlight.autograd.grad_mode import no_grad
from rushlight.nn import functional as F
from rushlight.nn.modules import activation as _float
from rushlight.nn.modules.linear import Linear
from rushlight.nn.parameter import Parameter
from rushlight.ops.creation import zeros
from rushlight.ops.joining import cat
from rushlight.ops.matmul import bmm
from rushlight.ops.quantization import quantize_per_tensor
from rushlight.tensor import Tensor

__all__ = ["MultiheadAttention"]

_PARTS = ("Q", "K", "V")


def _flag(mask: Any, name: str) -> Any:
    """A mask of bytes as one of booleans."""
    if mask is None or mask.dtype is not dtypes.uint8:
        return mask
    warnings.warn(
        f"Byte tensor for `{name}` in `nn.MultiheadAttention` is deprecated. Use bool tensor instead.", stacklevel=4
    )
    return mask.to(dtypes.bool)


class MultiheadAttention(_float.MultiheadAttention):
    """`nn.MultiheadAttention` with its projections as linear layers: what `prepare` puts in its place. The products of
    attention itself stay in floats.

    Source: https://docs.pytorch.org/docs/2.13/quantization.html
    """

    _FLOAT_MODULE: ClassVar[Any] = _float.MultiheadAttention

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
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        from rushlight.ao.quantization.stubs import DeQuantStub, QuantStub

        super().__init__(
            embed_dim, num_heads, dropout, bias, add_bias_kv, add_zero_attn, kdim, vdim, batch_first, device, dtype
        )
        options: dict[str, Any] = {"bias": bias, "device": device, "dtype": dtype}
        self.linear_Q: Any = Linear(self.embed_dim, self.embed_dim, **options)
        self.linear_K: Any = Linear(self.kdim, self.embed_dim, **options)
        self.linear_V: Any = Linear(self.vdim, self.embed_dim, **options)
        self.out_proj: Any = Linear(self.embed_dim, self.embed_dim, **options)
        self.q_scaling_product = FloatFunctional()
        self.quant_attn_output, self.quant_attn_output_weights = QuantStub(), QuantStub()
        self.dequant_q, self.dequant_k, self.dequant_v = DeQuantStub(), DeQuantStub(), DeQuantStub()

    def _get_name(self) -> str:
        return "QuantizableMultiheadAttention"

    @classmethod
    def from_float(cls, other: Any) -> Any:
        """The observed form of a float layer, with its weights, biases and QConfig."""
        from rushlight.ao.quantization.quantize import prepare

        if type(other) is not cls._FLOAT_MODULE:
            raise AssertionError(f"Expected type {cls._FLOAT_MODULE}, got {type(other)}")
        if not hasattr(other, "qconfig"):
            raise AssertionError("The float module must have 'qconfig'")
        bias = other.in_proj_bias
        made = cls(
            other.embed_dim, other.num_heads, other.dropout, bias is not None, other.bias_k is not None,
            other.add_zero_attn, other.kdim, other.vdim, other.batch_first,
        )  # fmt: skip
        made.bias_k, made.bias_v, made.qconfig = other.bias_k, other.bias_v, other.qconfig
        made.out_proj.weight, made.out_proj.bias = other.out_proj.weight, other.out_proj.bias
        if other._qkv_same_embed_dim:
            weights = other.in_proj_weight.detach().chunk(3, 0)
        else:
            weights = [other.q_proj_weight.detach(), other.k_proj_weight.detach(), other.v_proj_weight.detach()]
        biases = [None] * 3 if bias is None else bias.detach().chunk(3, 0)
        for part, weight, shift in zip(_PARTS, weights, biases, strict=True):
            layer = getattr(made, f"linear_{part}")
            layer.weight = Parameter(weight)
            layer.bias = None if shift is None else Parameter(shift)
        made.eval()
        return prepare(made, inplace=True)

    @classmethod
    def from_observed(cls, other: Any) -> Any:
        """NotImplementedError: this is the observed form; `nn.quantized.MultiheadAttention` is made from it."""
        raise NotImplementedError(
            "It looks like you are trying to prepare an MHA module. Please, see the examples on quantizable MHAs."
        )

    def dequantize(self) -> Any:
        """A float layer with the numbers that the quantized weights stand for."""
        parts = [getattr(self, f"linear_{part}")._weight_bias() for part in _PARTS]
        made = _float.MultiheadAttention(
            self.embed_dim, self.num_heads, self.dropout, parts[0][1] is not None, self.bias_k is not None,
            self.add_zero_attn, self.kdim, self.vdim, self.batch_first,
        )  # fmt: skip
        if self.bias_k is not None and self.bias_v is not None:
            made.bias_k, made.bias_v = Parameter(self.bias_k.dequantize()), Parameter(self.bias_v.dequantize())
        weight, bias = self.out_proj._weight_bias()
        made.out_proj.weight = Parameter(weight.dequantize())
        if bias is not None:
            made.out_proj.bias = Parameter(bias.detach())
        weights = [weight.dequantize() for weight, _ in parts]
        if made._qkv_same_embed_dim:
            made.in_proj_weight = Parameter(cat(weights))
        else:
            made.q_proj_weight, made.k_proj_weight, made.v_proj_weight = map(Parameter, weights)
        if made.in_proj_bias is not None:
            made.in_proj_bias = Parameter(cat([bias.detach() for _, bias in parts]))
        return made

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
        if is_causal:
            raise AssertionError("causal mask not supported by AO MHA module")
        if self.batch_first:
            query, key, value = (x.transpose(0, 1) for x in (query, key, value))
        steps, batch, width = query.size()
        if width != self.embed_dim:
            raise AssertionError(f"embed_dim mismatch: {self.embed_dim} != {width}")
        if key.shape[:2] != value.shape[:2]:
            raise AssertionError(f"key and value size mismatch: key.size()={key.size()}, value.size()={value.size()}")
        heads = batch * self.num_heads
        size = self.embed_dim // self.num_heads
        q = self.q_scaling_product.mul_scalar(self.linear_Q(query), float(size) ** -0.5)
        k, v = self.linear_K(key), self.linear_V(value)
        masks = [_flag(attn_mask, "attn_mask"), _flag(key_padding_mask, "key_padding_mask")]
        if self.bias_k is not None and self.bias_v is not None:
            k, v = cat([k, self.bias_k.repeat(1, batch, 1)]), cat([v, self.bias_v.repeat(1, batch, 1)])
            masks = [None if mask is None else F.pad(mask, (0, 1)) for mask in masks]
        q, k, v = (x.contiguous().view(-1, heads, size).transpose(0, 1) for x in (q, k, v))
        if self.add_zero_attn:
            k, v = (cat([x, _zero_row(x)], 1) for x in (k, v))
            masks = [None if mask is None else F.pad(mask, (0, 1)) for mask in masks]
        q, k, v = self.dequant_q(q), self.dequant_k(k), self.dequant_v(v)
        scores = self._masked(bmm(q, k.transpose(1, 2)), batch, *masks)
        weights = F.dropout(F.softmax(scores, dim=-1), p=self.dropout, training=self.training)
        out = bmm(weights, v).transpose(0, 1).contiguous().view(steps, batch, self.embed_dim)
        out = self.out_proj(self.quant_attn_output(out.transpose(0, 1) if self.batch_first else out))
        weights = self.quant_attn_output_weights(weights)
        if not need_weights:
            return out, None
        weights = weights.view(batch, self.num_heads, steps, k.size(1))
        return out, weights.mean(dim=1) if average_attn_weights else weights

    def _masked(self, scores: Tensor, batch: int, mask: Any, padding: Any) -> Tensor:
        """Scores with minus infinity where a mask hides a place, or with the mask's numbers added."""
        if mask is not None:
            if not mask.is_floating_point() and mask.dtype is not dtypes.bool:
                raise AssertionError(f"Only float and bool types are supported for attn_mask, not {mask.dtype}")
            if mask.dim() not in (2, 3):
                raise RuntimeError(f"attn_mask's dimension {mask.dim()} is not supported")
            expected = [1 if mask.dim() == 2 else scores.size(0), *scores.shape[1:]]
            mask = mask.unsqueeze(0) if mask.dim() == 2 else mask
            if list(mask.size()) != expected:
                raise RuntimeError(f"The size of the attn_mask is not correct: expected {expected}")
            hides = mask.dtype is dtypes.bool
            scores = scores.masked_fill(mask, float("-inf")) if hides else scores + mask
        if padding is not None:
            if tuple(padding.size()) != (batch, scores.size(2)):
                raise AssertionError(
                    f"key_padding_mask.size() must be {(batch, scores.size(2))}, got {tuple(padding.size())}"
                )
            spread = scores.view(batch, self.num_heads, scores.size(1), scores.size(2))
            hidden = padding.unsqueeze(1).unsqueeze(2)
            scores = spread.masked_fill(hidden, float("-inf")).view(*scores.shape)
        return scores


def _zero_row(x: Tensor) -> Tensor:
    """A row of zeros for each head, quantized as the rest is."""
    with no_grad():
        row = zeros(x.size(0), 1, x.size(2))
        return quantize_per_tensor(row, x.q_scale(), x.q_zero_point(), x.dtype) if x.is_quantized else row
