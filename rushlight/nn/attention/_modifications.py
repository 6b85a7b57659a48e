"""Functions of one score or one place of the matrix of scores, evaluated for all places at once."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from rushlight import dtypes
from rushlight.ops.joining import stack
from rushlight.ops.sequences import arange
from rushlight.tensor import Tensor

__all__ = ["and_masks", "noop_mask", "or_masks"]

MaskMod = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]
ScoreMod = Callable[[Tensor, Tensor, Tensor, Tensor, Tensor], Tensor]


def noop_mask(batch: Tensor, head: Tensor, token_q: Tensor, token_kv: Tensor) -> Tensor:
    """The mask_mod that hides nothing.

    >>> import rushlight as torch
    >>> zero = torch.tensor(0)
    >>> torch.nn.attention.flex_attention.noop_mask(zero, zero, zero, zero)
    tensor(True)

    Source: https://docs.pytorch.org/docs/2.13/nn.attention.flex_attention.html
    """
    return batch.new_ones((), dtype=dtypes.bool)


def _check_callable(mask_mods: tuple[MaskMod, ...]) -> None:
    if not all(callable(mask) for mask in mask_mods):
        raise RuntimeError(f"All inputs should be callable mask_mods: {mask_mods}")


def or_masks(*mask_mods: MaskMod) -> MaskMod:
    """The mask_mod that shows what one of these shows. RuntimeError for what can't be called.

    >>> import rushlight as torch
    >>> from rushlight.nn.attention.flex_attention import create_mask, or_masks
    >>> create_mask(or_masks(lambda b, h, q, k: q >= k, lambda b, h, q, k: k == 2), None, None, 2, 3)
    tensor([[[[ True, False,  True],
              [ True,  True,  True]]]])

    Source: https://docs.pytorch.org/docs/2.13/nn.attention.flex_attention.html
    """
    _check_callable(mask_mods)

    def or_mask(b: Tensor, h: Tensor, q_idx: Tensor, kv_idx: Tensor) -> Tensor:
        result = b.new_zeros((), dtype=dtypes.bool)
        for mask in mask_mods:
            result = result | mask(b, h, q_idx, kv_idx)
        return result

    return or_mask


def and_masks(*mask_mods: MaskMod) -> MaskMod:
    """The mask_mod that shows what all of these show. RuntimeError for what can't be called.

    >>> import rushlight as torch
    >>> from rushlight.nn.attention.flex_attention import and_masks, create_mask
    >>> create_mask(and_masks(lambda b, h, q, k: q >= k, lambda b, h, q, k: k > 0), None, None, 2, 3)
    tensor([[[[False, False, False],
              [False,  True, False]]]])

    Source: https://docs.pytorch.org/docs/2.13/nn.attention.flex_attention.html
    """
    _check_callable(mask_mods)

    def and_mask(b: Tensor, h: Tensor, q_idx: Tensor, kv_idx: Tensor) -> Tensor:
        result = b.new_ones((), dtype=dtypes.bool)
        for mask in mask_mods:
            result = result & mask(b, h, q_idx, kv_idx)
        return result

    return and_mask


def takes_score(function: Callable[..., Any]) -> bool:
    """Whether a function takes a score before the four indices; AssertionError for another number of arguments."""
    if hasattr(function, "__code__"):
        count = function.__code__.co_argcount - len(function.__defaults__ or ())
    else:
        parameters = inspect.signature(function).parameters.values()
        count = sum(1 for parameter in parameters if parameter.default is inspect.Parameter.empty)
    if count not in (4, 5):
        raise AssertionError(f"Expected 4 or 5 positional args, got {count}")
    return count == 5


def at_all_places(function: Callable[..., Any], shape: tuple[int, int, int, int], scores: Tensor | None) -> Tensor:
    """What a score_mod makes of (B, H, L, S) scores or, without scores, what a mask_mod says of each place.

    The function is written for one place. It is called with the indices of all, which broadcast; one that indexes
    twice in a row (`table[b][q_idx]`) is called once for each sample, head or query instead.
    """
    indices = [arange(n).reshape([n if i == dim else 1 for i in range(4)]) for dim, n in enumerate(shape)]
    out = _evaluated(function, indices, shape, scores)
    return out if out.shape == shape else out.expand(shape)


def _evaluated(function: Callable[..., Any], indices: list[Tensor], shape: tuple[int, ...], scores: Any) -> Tensor:
    failure: Exception | None = None
    try:
        out: Tensor = function(*(indices if scores is None else (scores, *indices)))
        if _fits(out, shape):
            return out
    except (IndexError, RuntimeError) as error:
        failure = error
    done = 4 - len(shape)
    if done == 3:
        if failure is not None:
            raise failure
        raise RuntimeError(f"the function's results, {tuple(out.shape)}, don't broadcast to {shape}")
    parts = []
    for i in range(shape[0]):
        # One index as a number, the others without its dimension.
        inner = [index if index.dim() == 0 else index.squeeze(0) for index in indices]
        inner[done] = arange(shape[0])[i]
        part = _evaluated(function, inner, shape[1:], None if scores is None else scores[i])
        parts.append(part.expand(shape[1:]))
    return stack(parts)


def _fits(out: Tensor, shape: tuple[int, ...]) -> bool:
    try:
        return np.broadcast_shapes(out.shape, shape) == shape
    except ValueError:
        return False
