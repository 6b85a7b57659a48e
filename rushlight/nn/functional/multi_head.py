"""Multi-head attention as a function of all of its weights.

Source: https://docs.pytorch.org/docs/2.13/nn.functional.html#attention-mechanisms
"""

from __future__ import annotations

import math
import warnings
from typing import Any

from rushlight import dtypes
from rushlight.nn.functional.activation import softmax
from rushlight.nn.functional.attention import scaled_dot_product_attention
from rushlight.nn.functional.dropout import dropout
from rushlight.nn.functional.linear import linear
from rushlight.nn.functional.pad import pad
from rushlight.ops.creation import zeros
from rushlight.ops.joining import cat
from rushlight.tensor import Tensor

__all__ = ["multi_head_attention_forward"]


def _expect(condition: bool, message: str) -> None:
    """AssertionError, which PyTorch raises for shapes that don't fit, unless the condition holds."""
    if not condition:
        raise AssertionError(message)


def dtype_or_none(input: Any) -> dtypes.dtype | None:
    """The dtype of a mask that may be missing."""
    if input is None or isinstance(input, Tensor):
        return None if input is None else input.dtype
    raise RuntimeError("input to _none_or_dtype() must be None or torch.Tensor")


def canonical_mask(
    mask: Tensor | None,
    mask_name: str,
    other_type: dtypes.dtype | None,
    other_name: str,
    target_type: dtypes.dtype,
    check_other: bool = True,
) -> Tensor | None:
    """A mask to be added to scores: of a bool one, -∞ where it is True."""
    if mask is None:
        return None
    floating = mask.is_floating_point()
    _expect(mask.dtype is dtypes.bool or floating, f"only bool and floating types of {mask_name} are supported")
    if check_other and other_type is not None and mask.dtype is not other_type:
        warnings.warn(
            f"Support for mismatched {mask_name} and {other_name} is deprecated. Use same type for both instead.",
            UserWarning,
            stacklevel=3,
        )
    if floating:
        return mask
    return zeros(mask.shape, dtype=target_type).masked_fill_(mask, -math.inf)


def _check_dims(
    query: Tensor, key: Tensor, value: Tensor, padding: Tensor | None, mask: Tensor | None, num_heads: int
) -> bool:
    """Whether the input is a batch; AssertionError where the arguments' dimensions don't go together."""
    dims = query.dim()
    _expect(dims in (2, 3), f"query should be unbatched 2D or batched 3D tensor but received {dims}-D query tensor")
    start = f"For {'batched (3-D)' if dims == 3 else 'unbatched (2-D)'} `query`, expected"
    _expect(
        key.dim() == dims and value.dim() == dims,
        f"{start} `key` and `value` to be {dims}-D but found {key.dim()}-D and {value.dim()}-D tensors respectively",
    )
    if padding is not None:
        _expect(
            padding.dim() == dims - 1,
            f"{start} `key_padding_mask` to be `None` or {dims - 1}-D but found {padding.dim()}-D tensor instead",
        )
    if mask is not None:
        _expect(
            mask.dim() in (2, 3),
            f"{start} `attn_mask` to be `None`, 2-D or 3-D but found {mask.dim()}-D tensor instead",
        )
        if dims == 2 and mask.dim() == 3:
            shape = (num_heads, query.shape[0], key.shape[0])
            _expect(mask.shape == shape, f"Expected `attn_mask` shape to be {shape} but got {mask.shape}")
    return dims == 3


def _check_attn_mask(mask: Tensor, batch: int, heads: int, length: int, keys: int) -> Tensor:
    """The mask as (1, 1, L, S) or (N, H, L, S)."""
    shape = (length, keys) if mask.dim() == 2 else (batch * heads, length, keys)
    if mask.shape != shape:
        raise RuntimeError(f"The shape of the {mask.dim()}D attn_mask is {mask.shape}, but should be {shape}.")
    return mask.reshape(1, 1, length, keys) if mask.dim() == 2 else mask.reshape(batch, heads, length, keys)


def split_heads(input: Tensor, heads: int, batch_first: bool) -> Tensor:
    """(L, N, E), with `batch_first` (N, L, E), as (N, H, L, E / H)."""
    return input.unflatten(-1, (heads, -1)).permute((0, 2, 1, 3) if batch_first else (1, 2, 0, 3))


def _split_several(input: Tensor, count: int, heads: int, batch_first: bool) -> tuple[Tensor, ...]:
    """The same of `count` projections side by side."""
    order = (2, 0, 3, 1, 4) if batch_first else (2, 1, 3, 0, 4)
    return input.unflatten(-1, (count, heads, -1)).permute(order).unbind(0)


def project_packed(
    query: Tensor, key: Tensor, value: Tensor, weight: Tensor, bias: Tensor | None, heads: int, batch_first: bool
) -> tuple[Tensor, ...]:
    """Queries, keys and values of all heads, (N, H, L, E / H), by one weight (3 E, E); one product where they may."""
    width = query.size(-1)
    if query is key and key is value:
        return _split_several(linear(query, weight, bias), 3, heads, batch_first)
    if key is value:
        first, second = weight.split([width, width * 2])
        bias_first, bias_second = (None, None) if bias is None else bias.split([width, width * 2])
        both = _split_several(linear(key, second, bias_second), 2, heads, batch_first)
        return (split_heads(linear(query, first, bias_first), heads, batch_first), *both)
    biases = (None, None, None) if bias is None else bias.chunk(3)
    triples = zip((query, key, value), weight.chunk(3), biases, strict=True)
    return tuple(split_heads(linear(x, w, b), heads, batch_first) for x, w, b in triples)


def _project_apart(
    inputs: tuple[Tensor, ...],
    weights: tuple[Tensor | None, ...],
    bias: Tensor | None,
    heads: int,
    batch_first: bool,
) -> tuple[Tensor, ...]:
    """The same by a weight each."""
    width = inputs[0].size(-1)
    biases = (None, None, None) if bias is None else bias.chunk(3)
    for letter, weight in zip("qkv", weights, strict=True):
        _expect(weight is not None, f"use_separate_proj_weight is True but {letter}_proj_weight is None")
    for name, input, weight in zip(("query", "key", "value"), inputs, weights, strict=True):
        shape = (width, input.size(-1))
        found = weight.shape  # type: ignore[union-attr]
        _expect(found == shape, f"expecting {name} weights shape of {shape}, but got {found}")
    triples = zip(inputs, weights, biases, strict=True)
    return tuple(split_heads(linear(x, w, b), heads, batch_first) for x, w, b in triples)  # type: ignore[arg-type]


def _with_bias(states: Tensor, bias: Tensor) -> Tensor:
    """Keys or values (N, H, S, D) and one more for all samples, (1, 1, H D)."""
    batch, heads, _, width = states.shape
    return cat([states, bias.reshape(1, heads, 1, width).expand(batch, heads, 1, width)], dim=2)


def _with_zero(states: Tensor) -> Tensor:
    batch, heads, _, width = states.shape
    return cat([states, zeros(batch, heads, 1, width, dtype=states.dtype)], dim=2)


def _static(states: Tensor | None, name: str, batch: int, heads: int, width: int) -> Tensor | None:
    """Given keys or values (N H, S, D) as (N, H, S, D)."""
    if states is None:
        return None
    _expect(
        states.size(0) == batch * heads,
        f"expecting {name}.size(0) of {batch * heads}, but got {states.size(0)}",
    )
    _expect(states.size(2) == width, f"expecting {name}.size(2) of {width}, but got {states.size(2)}")
    return states.unflatten(0, (batch, heads))


def _check_biases(biases: tuple[Tensor | None, ...], static: tuple[Tensor | None, ...]) -> None:
    _expect(biases[1] is not None, "bias_k is set but bias_v is None")
    _expect(biases[0] is not None, "bias_v is set but bias_k is None")
    _expect(static[0] is None, "bias cannot be added to static key.")
    _expect(static[1] is None, "bias cannot be added to static value.")


def _lengthened(
    k: Tensor,
    v: Tensor,
    mask: Tensor | None,
    padding: Tensor | None,
    biases: tuple[Tensor | None, ...],
    static: tuple[Tensor | None, ...],
    add_zero: bool,
) -> tuple[Tensor, Tensor, Tensor | None, Tensor | None]:
    """Keys, values and masks with what is given in their stead, and the learned and the zero key that all may see."""
    batch, heads, _, width = k.shape
    steps: list[Any] = []
    if biases != (None, None):
        _check_biases(biases, static)
        steps.append(lambda states, bias: _with_bias(states, bias))
    given = [_static(s, name, batch, heads, width) for s, name in zip(static, ("static_k", "static_v"), strict=True)]
    k, v = k if given[0] is None else given[0], v if given[1] is None else given[1]
    if add_zero:
        steps.append(lambda states, bias: _with_zero(states))
    for step in steps:
        k, v = step(k, biases[0]), step(v, biases[1])
        mask, padding = (None if m is None else pad(m, (0, 1)) for m in (mask, padding))
    return k, v, mask, padding


def merge_heads(attended: Tensor, batch_first: bool) -> Tensor:
    """(N, H, L, D) as (L N, H D), with `batch_first` (N L, H D)."""
    order = (0, 2, 1, 3) if batch_first else (2, 0, 1, 3)
    return attended.permute(order).reshape(attended.size(2) * attended.size(0), -1)


def attend_with_weights(
    q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, dropout_p: float, is_causal: bool
) -> tuple[Tensor, Tensor]:
    """Attention of (N, H, L, D), and its weights (N, H, L, S): NaN for a query that may see no key.

    The mask says all; `is_causal` is only a hint.
    """
    scores = (q * math.sqrt(1.0 / q.size(-1))) @ k.transpose(-2, -1)
    weights = softmax(scores if mask is None else scores + mask, dim=-1)
    if dropout_p > 0.0:
        weights = dropout(weights, p=dropout_p)
    return weights @ v, weights


def _attend(
    q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, dropout_p: float, is_causal: bool
) -> tuple[Tensor, None]:
    return scaled_dot_product_attention(q, k, v, mask, dropout_p, is_causal), None


def _masks(
    padding: Tensor | None, mask: Tensor | None, is_causal: bool, need_weights: bool, dtype: dtypes.dtype
) -> tuple[Tensor | None, Tensor | None, bool]:
    """Both masks to be added to scores, and whether attention is to be causal in the mask's stead."""
    padding = canonical_mask(padding, "key_padding_mask", dtype_or_none(mask), "attn_mask", dtype)
    if is_causal and mask is None:
        raise RuntimeError(
            "Need attn_mask if specifying the is_causal hint. You may use the Transformer module method "
            "`generate_square_subsequent_mask` to create this mask."
        )
    if is_causal and padding is None and not need_weights:
        return None, None, True
    return padding, canonical_mask(mask, "attn_mask", None, "", dtype, check_other=False), False


def _merged(mask: Tensor | None, padding: Tensor | None, batch: int, keys: int) -> Tensor | None:
    if padding is None:
        return mask
    for i, expected in enumerate((batch, keys)):
        found = padding.shape[i]
        _expect(found == expected, f"Expected key_padded_mask.shape[{i}] to be {expected}, but got {found}")
    padding = padding.reshape(batch, 1, 1, keys)
    return padding if mask is None else mask + padding


def _check_sizes(
    query: Tensor, key: Tensor, value: Tensor, width: int, heads: int, apart: bool, batch_first: bool
) -> None:
    if batch_first and key.shape != value.shape:
        # What is wrong is said of (S, N, E).
        key, value = key.transpose(0, 1), value.transpose(0, 1)
    found = query.size(-1)
    _expect(found == width, f"was expecting embedding dimension of {width}, but got {found}")
    _expect(found // heads * heads == found, f"embed_dim {found} not divisible by num_heads {heads}")
    if apart:
        _expect(
            key.shape[:2] == value.shape[:2],
            f"key's sequence and batch dims {key.shape[:2]} do not match value's {value.shape[:2]}",
        )
    else:
        _expect(key.shape == value.shape, f"key shape {key.shape} does not match value shape {value.shape}")


def _batched(*tensors: Tensor) -> tuple[Tensor, ...]:
    """Each with a batch dimension of one; the same tensor stays the same tensor."""
    made = {id(t): t.unsqueeze(1) for t in tensors}
    return tuple(made[id(t)] for t in tensors)


def multi_head_attention_forward(
    query: Tensor, key: Tensor, value: Tensor, embed_dim_to_check: int, num_heads: int, in_proj_weight: Tensor | None,
    in_proj_bias: Tensor | None, bias_k: Tensor | None, bias_v: Tensor | None, add_zero_attn: bool, dropout_p: float,
    out_proj_weight: Tensor, out_proj_bias: Tensor | None, training: bool = True,
    key_padding_mask: Tensor | None = None, need_weights: bool = True, attn_mask: Tensor | None = None,
    use_separate_proj_weight: bool = False, q_proj_weight: Tensor | None = None, k_proj_weight: Tensor | None = None,
    v_proj_weight: Tensor | None = None, static_k: Tensor | None = None, static_v: Tensor | None = None,
    average_attn_weights: bool = True, is_causal: bool = False,
) -> tuple[Tensor, Tensor | None]:  # fmt: skip
    """Concat(head₁ … head_H) Wᵒ + bᵒ, headᵢ = attention(Q Wᵢᵠ, K Wᵢᵏ, V Wᵢᵛ); and the weights, if needed.

    Shapes: query (L, N, E) or (L, E), key and value (S, N, ·) or (S, ·) → (L, N, E) or (L, E); the weights (N, L, S),
    or (N, H, L, S) unless averaged. in_proj_weight is (3 E, E); with `use_separate_proj_weight` there is one for each.
    attn_mask is (L, S) or (N H, L, S), key_padding_mask (N, S) or (S): True hides, floats are added to the scores.
    `is_causal` says that attn_mask is causal. The parameters are those of `nn.MultiheadAttention`, where they are told.

    AssertionError for shapes that don't fit, RuntimeError for an attn_mask of another shape, or missing if `is_causal`.

    >>> import rushlight as torch
    >>> x, w = torch.ones(2, 1, 2), torch.eye(2)
    >>> attention = torch.nn.functional.multi_head_attention_forward
    >>> out, weights = attention(x, x, x, 2, 1, torch.cat([w, w, w]), None, None, None, False, 0.0, w, None)
    >>> weights
    tensor([[[0.5000, 0.5000],
             [0.5000, 0.5000]]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.MultiheadAttention.html
    """
    return attend_by_heads(
        query, key, value, embed_dim_to_check, num_heads, in_proj_weight, in_proj_bias, bias_k, bias_v, add_zero_attn,
        dropout_p, out_proj_weight, out_proj_bias, training, key_padding_mask, need_weights, attn_mask,
        use_separate_proj_weight, q_proj_weight, k_proj_weight, v_proj_weight, static_k, static_v,
        average_attn_weights, is_causal,
    )  # fmt: skip


def attend_by_heads(
    query: Tensor, key: Tensor, value: Tensor, embed_dim_to_check: int, num_heads: int, in_proj_weight: Tensor | None,
    in_proj_bias: Tensor | None, bias_k: Tensor | None, bias_v: Tensor | None, add_zero_attn: bool, dropout_p: float,
    out_proj_weight: Tensor, out_proj_bias: Tensor | None, training: bool, key_padding_mask: Tensor | None,
    need_weights: bool, attn_mask: Tensor | None, use_separate_proj_weight: bool, q_proj_weight: Tensor | None,
    k_proj_weight: Tensor | None, v_proj_weight: Tensor | None, static_k: Tensor | None, static_v: Tensor | None,
    average_attn_weights: bool, is_causal: bool, batch_first: bool = False,
) -> tuple[Tensor, Tensor | None]:  # fmt: skip
    """`multi_head_attention_forward`, with `batch_first` of tensors (N, L, E), multiplied as they lie."""
    batched = _check_dims(query, key, value, key_padding_mask, attn_mask, num_heads)
    if not batched:
        query, key, value = _batched(query, key, value)
        key_padding_mask = None if key_padding_mask is None else key_padding_mask.unsqueeze(0)
    padding, mask, is_causal = _masks(key_padding_mask, attn_mask, is_causal, need_weights, query.dtype)
    _check_sizes(query, key, value, embed_dim_to_check, num_heads, use_separate_proj_weight, batch_first)
    if use_separate_proj_weight:
        apart = (q_proj_weight, k_proj_weight, v_proj_weight)
        q, k, v = _project_apart((query, key, value), apart, in_proj_bias, num_heads, batch_first)
    else:
        _expect(in_proj_weight is not None, "use_separate_proj_weight is False but in_proj_weight is None")
        packed: Any = in_proj_weight
        q, k, v = project_packed(query, key, value, packed, in_proj_bias, num_heads, batch_first)
    batch, _, length, _ = q.shape
    if mask is not None:
        mask = _check_attn_mask(mask, batch, num_heads, length, key.size(1 if batch_first else 0))
    k, v, mask, padding = _lengthened(k, v, mask, padding, (bias_k, bias_v), (static_k, static_v), add_zero_attn)
    mask = _merged(mask, padding, batch, k.size(2))
    attend = attend_with_weights if need_weights else _attend
    attended, weights = attend(q, k, v, mask, dropout_p if training else 0.0, is_causal)
    rows = linear(merge_heads(attended, batch_first), out_proj_weight, out_proj_bias)
    out = rows.unflatten(0, (batch, length) if batch_first else (length, batch))
    if weights is not None and average_attn_weights:
        weights = weights.mean(dim=1)
    if batched:
        return out, weights
    return out.squeeze(1), None if weights is None else weights.squeeze(0)
