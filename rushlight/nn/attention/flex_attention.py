"""Attention with any function of its scores and any mask."""

from __future__ import annotations

import math
import typing
import warnings
from typing import Any, Literal, NamedTuple, NotRequired, TypedDict

from rushlight import dtypes
from rushlight.nn.attention._block_mask import (
    WHOLE,
    BlockMask,
    create_block_mask,
    create_mask,
    sliced_mask_mod,
)
from rushlight.nn.attention._modifications import ScoreMod, and_masks, at_all_places, noop_mask, or_masks
from rushlight.ops.attention import SafeSoftmax
from rushlight.ops.choice import where
from rushlight.ops.creation import ones, zeros
from rushlight.tensor import Tensor

__all__ = [
    "AuxOutput", "AuxRequest", "BlockMask", "FlexKernelOptions", "and_masks", "create_block_mask", "create_mask",
    "flex_attention", "noop_mask", "or_masks",
]  # fmt: skip

_Backend = Literal["AUTO", "TRITON", "FLASH", "TRITON_DECODE"]


class FlexKernelOptions(TypedDict, total=False):
    """Options of PyTorch's GPU kernels: they are checked, and change nothing on a CPU.

    >>> import rushlight as torch
    >>> torch.nn.attention.flex_attention.FlexKernelOptions(BLOCK_M=64)
    {'BLOCK_M': 64}

    Source: https://docs.pytorch.org/docs/2.13/nn.attention.flex_attention.html
    """

    num_warps: NotRequired[int]
    num_stages: NotRequired[int]
    BLOCK_M: NotRequired[int]
    BLOCK_N: NotRequired[int]
    BLOCK_M1: NotRequired[int]
    BLOCK_N1: NotRequired[int]
    BLOCK_M2: NotRequired[int]
    BLOCK_N2: NotRequired[int]
    PRESCALE_QK: NotRequired[bool]
    ROWS_GUARANTEED_SAFE: NotRequired[bool]
    BLOCKS_ARE_CONTIGUOUS: NotRequired[bool]
    WRITE_DQ: NotRequired[bool]
    FORCE_USE_FLEX_ATTENTION: NotRequired[bool]
    USE_TMA: NotRequired[bool]
    kpack: NotRequired[int]
    matrix_instr_nonkdim: NotRequired[int]
    waves_per_eu: NotRequired[int]
    BACKEND: NotRequired[_Backend]


class AuxRequest(NamedTuple):
    """What `flex_attention` shall return beside its result.

    >>> import rushlight as torch
    >>> torch.nn.attention.flex_attention.AuxRequest(lse=True)
    AuxRequest(lse=True, max_scores=False)

    Source: https://docs.pytorch.org/docs/2.13/nn.attention.flex_attention.html
    """

    lse: bool = False
    max_scores: bool = False


class AuxOutput(NamedTuple):
    """What `flex_attention` returns beside its result: log Σ exp of each query's scores, and the greatest of them.

    >>> import rushlight as torch
    >>> torch.nn.attention.flex_attention.AuxOutput()
    AuxOutput(lse=None, max_scores=None)

    Source: https://docs.pytorch.org/docs/2.13/nn.attention.flex_attention.html
    """

    lse: Tensor | None = None
    max_scores: Tensor | None = None


_warned: set[str] = set()


def _warn_once(name: str, message: str, category: type[Warning]) -> None:
    if name not in _warned:
        _warned.add(name)
        warnings.warn(message, category, stacklevel=3)


def _check_tensors(query: Tensor, key: Tensor, value: Tensor, enable_gqa: bool) -> None:
    dims = [t.dim() for t in (query, key, value)]
    if min(dims) < 2:
        raise ValueError(
            f"Expected query, key, and value to all be  at least 2 dimensional, but got query.dim: {dims[0]}, "
            f"key.dim: {dims[1]} and value.dim: {dims[2]} instead."
        )
    if query.size(-1) != key.size(-1):
        raise ValueError(
            "Expect query and key/value to have the same embedding dimension but got "
            f"E={query.size(-1)} and E={key.size(-1)}."
        )
    if dims != [4, 4, 4]:
        raise NotImplementedError("NYI: query, key, and value must be 4D tensors")
    heads, others = query.size(1), key.size(1)
    if not enable_gqa and heads != others:
        raise ValueError(
            f"Expect query and key/value to have the same number of heads but got Hq={heads} and Hkv={others}. Try "
            "setting enable_gqa=True for GQA."
        )
    if enable_gqa and heads % others:
        raise ValueError(
            f"Expect number of query heads to be a multiple of kv heads for GQA but got Hq={heads} and Hkv={others}."
        )


def _check_block_mask(query: Tensor, key: Tensor, mask: BlockMask | None) -> BlockMask:
    batch, others = query.size(0), key.size(0)
    if batch != others:
        if mask is None:
            raise ValueError(
                "Expect query and key/value to have the same batch size, or non-none block_mask, but got "
                f"block_mask=None, Bq={batch}, and Bkv={others}."
            )
        if mask.kv_num_blocks.size(0) != batch:
            raise ValueError(
                "Expect query and key/value to have the same batch size, or block_mask and query to have the same "
                f"batch size, but got Bq={batch}, Bkv={others}, B_block_mask={mask.kv_num_blocks.size(0)}."
            )
    if mask is None:
        one, first = ones(1, 1, 1, dtype=dtypes.int32), zeros(1, 1, 1, 1, dtype=dtypes.int32)
        return BlockMask.from_kv_blocks(one, first, BLOCK_SIZE=WHOLE, seq_lengths=(1, 1))
    if mask.mask_mod is sliced_mask_mod:
        raise RuntimeError("Cannot use mask_mod from a sliced BlockMask")
    if mask.BLOCK_SIZE != (WHOLE, WHOLE):
        _check_lengths(query.size(2), key.size(2), mask)
    return mask


def _check_lengths(length: int, keys: int, mask: BlockMask) -> None:
    rows, columns = mask.shape[-2:]
    if (length, keys) == (rows, columns):
        return
    start = f"block_mask was created for block_mask.shape={mask.shape} but got q_len={length} and kv_len={keys}. "
    if length > rows or keys > columns:
        raise ValueError(
            f"{start}As the block mask was created for a smaller length than you're using it for, you likely need to "
            "create a new block mask."
        )
    raise ValueError(
        f"{start}As the block mask was created for a larger length than you're using it for, you can either 1. create "
        "a new block mask with the correct length, or 2. 'adjust' the existing block mask to the correct length by "
        "calling block_mask._adjust(q_len, kv_len). This essentially 'crops' the block mask to the upper left corner, "
        "which does not work for all mask_mods!"
    )


def _check_options(options: Any) -> None:
    options = options or {}
    if "BACKEND" in options and options.get("FORCE_USE_FLEX_ATTENTION", False):
        raise RuntimeError(
            "BACKEND cannot be combined with legacy FORCE_USE_FLEX_ATTENTION. BACKEND supersedes the legacy knob; "
            "please drop FORCE_USE_FLEX_ATTENTION and only specify the desired BACKEND."
        )
    if "BACKEND" in options and options["BACKEND"] not in typing.get_args(_Backend):
        raise ValueError(f"Invalid BACKEND value '{options['BACKEND']}'. Must be one of {typing.get_args(_Backend)}")
    for name in ("OUTPUT_LOGSUMEXP", "OUTPUT_MAX"):
        if name in options:
            raise AssertionError(f"{name} must not be in kernel_options")


def _scores(
    query: Tensor, key: Tensor, score_mod: ScoreMod | None, block_mask: BlockMask, scale: float | None
) -> Tensor:
    """The scores (B, H, L, S) after score_mod, -∞ where the mask hides them."""
    working = dtypes.float64 if query.dtype is dtypes.float64 else dtypes.float32
    scale = 1.0 / math.sqrt(query.size(-1)) if scale is None else scale
    scores = query.to(working) @ key.to(working).transpose(-2, -1) * scale
    shape: Any = tuple(scores.shape)
    if score_mod is not None:
        scores = at_all_places(score_mod, shape, scores).to(working)
    if block_mask.mask_mod is noop_mask:
        return scores
    return where(at_all_places(block_mask.mask_mod, shape, None), scores, -math.inf)


def flex_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    score_mod: ScoreMod | None = None,
    block_mask: BlockMask | None = None,
    scale: float | None = None,
    enable_gqa: bool = False,
    return_lse: bool = False,
    kernel_options: FlexKernelOptions | None = None,
    *,
    return_aux: AuxRequest | None = None,
) -> Any:
    """softmax(score_mod(Q Kᵀ · scale, b, h, q_idx, kv_idx)) V, where `block_mask` shows the key to the query.

    Shapes: query (B, Hq, L, E), key (B, Hkv, S, E), value (B, Hkv, S, Ev) → (B, Hq, L, Ev); Hkv may divide Hq with
    `enable_gqa`, key and value may have a batch of one beside a mask of B. score_mod is written for one score and four
    indices, 0-dim tensors; here it is called with all of them at once, (B, H, L, S) and indices that broadcast. A query
    that sees no key gets zeros. scale is 1/√E if None. With `return_aux` the result is a pair (out, AuxOutput), with
    the older `return_lse` (out, lse). Sums are in float32, in float64 for float64.

    Gradients flow and the greatest scores are returned, which PyTorch has on GPUs only. ValueError for shapes and a
    mask that don't match, NotImplementedError for other than 4 dimensions.

    >>> import rushlight as torch
    >>> from rushlight.nn.attention.flex_attention import flex_attention
    >>> q, v = torch.zeros(1, 1, 2, 2), torch.tensor([[[[1.0], [2.0]]]])
    >>> flex_attention(q, q, v, lambda score, b, h, q_idx, kv_idx: score + kv_idx)
    tensor([[[[1.7311],
              [1.7311]]]])

    Source: https://docs.pytorch.org/docs/2.13/nn.attention.flex_attention.html
    """
    _check_tensors(query, key, value, enable_gqa)
    block_mask = _check_block_mask(query, key, block_mask)
    if return_lse and return_aux is not None:
        raise ValueError(
            "Cannot specify both return_lse and return_aux. return_lse is deprecated, please use "
            "return_aux=AuxRequest(lse=True) instead."
        )
    if return_lse:
        message = (
            "return_lse is deprecated and will be removed in v2.10. Please use return_aux=AuxRequest(lse=True) instead."
        )
        _warn_once("return_lse", message, FutureWarning)
    _check_options(kernel_options)
    group = query.size(1) // key.size(1)
    if group > 1:
        key, value = (t.repeat_interleave(group, dim=1) for t in (key, value))
    key, value = (t.expand(query.size(0), -1, -1, -1) for t in (key, value))
    scores = _scores(query, key, score_mod, block_mask, scale)
    out = SafeSoftmax.apply(scores, -1).to(query.dtype) @ value.to(query.dtype)
    if return_aux is None:
        return (out, scores.logsumexp(dim=-1)) if return_lse else out
    lse = scores.logsumexp(dim=-1) if return_aux.lse else None
    return out, AuxOutput(lse, scores.amax(dim=-1) if return_aux.max_scores else None)
