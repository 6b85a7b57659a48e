"""Causal masks that are not made until they are needed, for `scaled_dot_product_attention`."""

from __future__ import annotations

import warnings
from enum import IntEnum, auto

from rushlight import dtypes
from rushlight.device import device as Device
from rushlight.nn import attention, functional
from rushlight.ops.creation import empty, ones
from rushlight.tensor import Tensor

__all__ = ["CausalBias", "CausalVariant", "causal_lower_right", "causal_upper_left"]


class CausalVariant(IntEnum):
    """Which corner of the scores a causal mask starts from, if there are more keys than queries or fewer.

        UPPER_LEFT    1 0 0 0        LOWER_RIGHT   1 1 0 0
                      1 1 0 0                      1 1 1 0
                      1 1 1 0                      1 1 1 1

    >>> import rushlight as torch
    >>> torch.nn.attention.bias.CausalVariant.LOWER_RIGHT
    <CausalVariant.LOWER_RIGHT: 2>

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.attention.bias.CausalVariant.html
    """

    UPPER_LEFT = auto()
    LOWER_RIGHT = auto()


class CausalBias(Tensor):
    """A causal mask of (seq_len_q, seq_len_kv), given to `scaled_dot_product_attention` as attn_mask.

    It prints as the bool mask that it stands for, and holds none. AssertionError for a variant that is none; warns
    where queries at the beginning may see no key.

    >>> import rushlight as torch
    >>> torch.nn.attention.bias.causal_lower_right(2, 3)
    tensor([[ True,  True, False],
            [ True,  True,  True]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.attention.bias.CausalBias.html
    """

    variant: CausalVariant
    seq_len_q: int
    seq_len_kv: int

    def __new__(cls, variant: CausalVariant, seq_len_q: int, seq_len_kv: int) -> CausalBias:
        return Tensor._make_subclass(cls, empty(0))

    def __init__(self, variant: CausalVariant, seq_len_q: int, seq_len_kv: int) -> None:
        if not isinstance(variant, CausalVariant):
            raise AssertionError(f"variant must be a CausalVariant, got {type(variant).__name__}")
        self.variant = variant
        self.seq_len_q = seq_len_q
        self.seq_len_kv = seq_len_kv
        if seq_len_q > seq_len_kv and variant is CausalVariant.LOWER_RIGHT:
            warnings.warn(
                "Lower right causal bias will produce NaNs in the output when seq_len_q > seq_len_kv!",
                UserWarning,
                stacklevel=3,
            )

    def _materialize(self, device: Device | str | None = None) -> Tensor:
        """The bool mask: True where a query may see a key."""
        offset = 0 if self.variant is CausalVariant.UPPER_LEFT else self.seq_len_kv - self.seq_len_q
        return ones(self.seq_len_q, self.seq_len_kv, dtype=dtypes.bool, device=device).tril(offset)

    def _attend(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        dropout_p: float,
        is_causal: bool,
        scale: float | None,
        enable_gqa: bool,
    ) -> Tensor:
        """Attention with this mask: what `scaled_dot_product_attention` calls."""
        if is_causal:
            raise ValueError("CausalBias should not be used with causal=True")
        causal = self.seq_len_q == self.seq_len_kv or self.variant is CausalVariant.UPPER_LEFT
        if not causal:
            _check_tensors(query, key, value)
            _warn_if_asked()
        return functional.scaled_dot_product_attention(
            query,
            key,
            value,
            None if causal else self._materialize(),
            dropout_p,
            causal,
            scale=scale,
            enable_gqa=enable_gqa,
        )

    def __repr__(self, *, tensor_contents: str | None = None) -> str:  # type: ignore[override]
        return repr(self._materialize())


def _check_tensors(query: Tensor, key: Tensor, value: Tensor) -> None:
    if not query.dtype is key.dtype is value.dtype:
        raise ValueError(
            f"Expected query, key, and value to have the same dtype, but got query.dtype: {query.dtype}, key.dtype: "
            f"{key.dtype}, and value.dtype: {value.dtype} instead."
        )
    if min(query.dim(), key.dim(), value.dim()) < 2:
        raise ValueError(
            f"Expected query, key, and value to all be  at least 2 dimensional, but got query.dim: {query.dim()}, "
            f"key.dim: {key.dim()} and value.dim: {value.dim()} instead."
        )


def _warn_if_asked() -> None:
    if attention.WARN_FOR_UNFUSED_KERNELS:
        warnings.warn("Efficient attention can't be used because:", UserWarning, stacklevel=4)
        warnings.warn("Flash attention can't be used because:", UserWarning, stacklevel=4)


def _check_sizes(function: str, size: tuple[int, ...]) -> None:
    if len(size) != 2:
        raise AssertionError(f"{function} only supports 2D tensors")


def causal_upper_left(*size: int) -> CausalBias:
    """A causal mask of (queries, keys) in which query i sees keys 0 … i: what `is_causal=True` stands for.

    >>> import rushlight as torch
    >>> torch.nn.attention.bias.causal_upper_left(2, 3)
    tensor([[ True, False, False],
            [ True,  True, False]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.attention.bias.causal_upper_left.html
    """
    _check_sizes("causal_upper_left", size)
    return CausalBias(CausalVariant.UPPER_LEFT, *size)


def causal_lower_right(*size: int) -> CausalBias:
    """A causal mask of (queries, keys) in which the last query sees all keys, as when keys of earlier steps are kept.

    >>> import rushlight as torch
    >>> torch.nn.attention.bias.causal_lower_right(2, 3)
    tensor([[ True,  True, False],
            [ True,  True,  True]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.attention.bias.causal_lower_right.html
    """
    _check_sizes("causal_lower_right", size)
    return CausalBias(CausalVariant.LOWER_RIGHT, *size)
