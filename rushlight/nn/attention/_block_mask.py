"""Masks of attention by blocks: which blocks of scores are hidden, shown in full, or shown in part."""

from __future__ import annotations

import itertools
import math
import warnings
from typing import Any, ClassVar

from rushlight import dtypes
from rushlight.device import device as Device
from rushlight.nn.attention._modifications import MaskMod, at_all_places, noop_mask, takes_score
from rushlight.nn.functional.pad import pad
from rushlight.ops.choice import where
from rushlight.ops.creation import zeros
from rushlight.ops.sequences import arange
from rushlight.tensor import Tensor

__all__ = ["BlockMask", "create_block_mask", "create_mask"]

_BLOCK_SIZE = 128
# The block of a mask that hides nothing.
WHOLE = 1 << 30


def sliced_mask_mod(batch: Tensor, head: Tensor, token_q: Tensor, token_kv: Tensor) -> Tensor:
    """What a part of a BlockMask has for a mask_mod, since indices in a part mean something else: RuntimeError."""
    raise RuntimeError(
        "Cannot use mask_mod from a sliced BlockMask. When you slice a BlockMask using [], the mask_mod attribute is "
        "reset. You must set it from the original BlockMask's mask_mod."
    )


def _dense(counts: Tensor, indices: Tensor, columns: int) -> Tensor:
    """Lists of columns, of which the first `counts` are valid, as rows of ones and zeros."""
    valid = arange(indices.shape[-1]) < counts.unsqueeze(-1)
    places = where(valid, indices.long(), columns)
    out = zeros(*indices.shape[:-1], columns + 1, dtype=dtypes.int32)
    return out.scatter_(-1, places, 1)[..., :columns].contiguous()


_Maybe = Tensor | None


def _listed(dense: Tensor) -> tuple[Tensor, Tensor]:
    """Rows of ones and zeros as their sums and the lists of columns, those of the ones first."""
    dense = dense.to(dtypes.int32)
    order = dense.argsort(dim=-1, descending=True, stable=True)
    return dense.sum(dim=-1).to(dtypes.int32), order.to(dtypes.int32)


def _transposed(counts: Tensor | None, indices: Tensor | None) -> tuple[Tensor | None, Tensor | None]:
    if counts is None or indices is None:
        return None, None
    return _listed(_dense(counts, indices, indices.shape[-1]).transpose(-2, -1))


def _adjusted(counts: Tensor | None, indices: Any, rows: int, columns: int) -> tuple[Tensor | None, Tensor | None]:
    if counts is None:
        return None, None
    indices = indices[:, :, :rows, :columns]
    counts = counts[:, :, :rows]
    counts = where(counts < columns, counts, columns)
    return (indices < counts.unsqueeze(-1)).sum(dim=-1).to(dtypes.int32), indices


def _check_pairs(full_kv: tuple[Any, Any], full_q: tuple[Any, Any]) -> None:
    for letters, (counts, indices) in (("kv", full_kv), ("q", full_q)):
        if (counts is None) != (indices is None):
            raise AssertionError(
                f"full_{letters}_num_blocks and full_{letters}_indices must be both provided or omitted"
            )


class BlockMask:
    """For each block of queries, the blocks of keys that it sees in part (where `mask_mod` is asked) and in full.

    `kv_num_blocks` (B, H, rows) counts the first, `kv_indices` (B, H, rows, columns) lists them first; the names with
    `full_` are those seen in full; those with `q_` say the same for each block of keys. `shape` is (B, H, L, S).
    Indexing takes a part of the batch, heads and rows. Made by `create_block_mask`, or by `from_kv_blocks`.

    >>> import rushlight as torch
    >>> from rushlight.nn.attention.flex_attention import create_block_mask
    >>> mask = create_block_mask(lambda b, h, q, k: q >= k, 1, 1, 4, 4, BLOCK_SIZE=2)
    >>> mask.to_dense()
    tensor([[[[1, 0],
              [1, 1]]]], dtype=torch.int32)

    Source: https://docs.pytorch.org/docs/2.13/nn.attention.flex_attention.html
    """

    _TENSOR_ATTRS: ClassVar[list[str]] = [
        "kv_num_blocks", "kv_indices", "full_kv_num_blocks", "full_kv_indices", "q_num_blocks", "q_indices",
        "full_q_num_blocks", "full_q_indices", "dq_write_order", "dq_write_order_full", "dq_kv_order",
    ]  # fmt: skip
    _CONTEXT_ATTRS: ClassVar[list[str]] = ["seq_lengths", "BLOCK_SIZE", "mask_mod", "dq_kv_order_spt"]

    def __init__(
        self,
        seq_lengths: tuple[int, int],
        kv_num_blocks: Tensor,
        kv_indices: Tensor,
        full_kv_num_blocks: Tensor | None,
        full_kv_indices: Tensor | None,
        q_num_blocks: Tensor | None,
        q_indices: Tensor | None,
        full_q_num_blocks: Tensor | None,
        full_q_indices: Tensor | None,
        BLOCK_SIZE: tuple[int, int] = (_BLOCK_SIZE, _BLOCK_SIZE),
        mask_mod: MaskMod = noop_mask,
        *,
        dq_write_order: Tensor | None = None,
        dq_write_order_full: Tensor | None = None,
        dq_kv_order: Tensor | None = None,
        dq_kv_order_spt: bool | None = None,
    ) -> None:
        if kv_indices.dim() < 2:
            raise RuntimeError("BlockMask must have at least 2 dimensions")
        if kv_num_blocks is None:
            raise AssertionError("kv_num_blocks must be provided")
        _check_pairs((full_kv_num_blocks, full_kv_indices), (full_q_num_blocks, full_q_indices))
        if dq_write_order_full is not None and dq_write_order is None:
            raise ValueError("dq_write_order_full requires dq_write_order")
        self.seq_lengths = seq_lengths
        self.kv_num_blocks = kv_num_blocks
        self.kv_indices = kv_indices
        self.full_kv_num_blocks = full_kv_num_blocks
        self.full_kv_indices = full_kv_indices
        self.q_num_blocks = q_num_blocks
        self.q_indices = q_indices
        self.full_q_num_blocks = full_q_num_blocks
        self.full_q_indices = full_q_indices
        self.dq_write_order = dq_write_order
        self.dq_write_order_full = dq_write_order_full
        self.dq_kv_order = dq_kv_order
        self.dq_kv_order_spt = dq_kv_order_spt
        self.BLOCK_SIZE = BLOCK_SIZE
        self.mask_mod = mask_mod

    @classmethod
    def from_kv_blocks(
        cls,
        kv_num_blocks: Tensor,
        kv_indices: Tensor,
        full_kv_num_blocks: Tensor | None = None,
        full_kv_indices: Tensor | None = None,
        BLOCK_SIZE: int | tuple[int, int] = _BLOCK_SIZE,
        mask_mod: MaskMod | None = None,
        seq_lengths: tuple[int, int] | None = None,
        compute_q_blocks: bool = True,
        *,
        dq_write_order: Tensor | None = None,
        dq_write_order_full: Tensor | None = None,
        dq_kv_order: Tensor | bool | None = None,
    ) -> BlockMask:
        """The mask of these lists of blocks; those of the keys' blocks are made of them if `compute_q_blocks`."""
        if kv_indices.dim() < 2:
            raise RuntimeError("BlockMask must have at least 2 dimensions")
        _check_pairs((full_kv_num_blocks, full_kv_indices), (None, None))
        if dq_kv_order is not None and not isinstance(dq_kv_order, bool | Tensor):
            raise ValueError("dq_kv_order must be a bool, Tensor, or None")
        size = (BLOCK_SIZE, BLOCK_SIZE) if isinstance(BLOCK_SIZE, int) else BLOCK_SIZE
        by_keys: tuple[_Maybe, _Maybe, _Maybe, _Maybe] = (None, None, None, None)
        if compute_q_blocks:
            full = _transposed(full_kv_num_blocks, full_kv_indices)
            by_keys = (*_transposed(kv_num_blocks, kv_indices), *full)
        if seq_lengths is None:
            seq_lengths = (kv_indices.shape[-2] * size[0], kv_indices.shape[-1] * size[1])
        return cls(
            seq_lengths,
            kv_num_blocks,
            kv_indices,
            full_kv_num_blocks,
            full_kv_indices,
            *by_keys,
            BLOCK_SIZE=size,
            mask_mod=noop_mask if mask_mod is None else mask_mod,
            dq_write_order=dq_write_order,
            dq_write_order_full=dq_write_order_full,
            dq_kv_order=dq_kv_order if isinstance(dq_kv_order, Tensor) else None,
            dq_kv_order_spt=dq_kv_order if isinstance(dq_kv_order, bool) else None,
        )

    def as_tuple(self, flatten: bool = True) -> tuple[Any, ...]:
        """The attributes in a row; lengths and block sizes as numbers, or as pairs unless `flatten`."""
        lengths: tuple[Any, ...] = tuple(self.seq_lengths) if flatten else (self.seq_lengths,)
        sizes: tuple[Any, ...] = tuple(self.BLOCK_SIZE) if flatten else (self.BLOCK_SIZE,)
        tensors = (getattr(self, name) for name in self._TENSOR_ATTRS)
        return (*lengths, *tensors, self.dq_kv_order_spt, *sizes, self.mask_mod)

    @property
    def shape(self) -> tuple[int, ...]:
        """(B, H, L, S), or what is left of it after indexing."""
        return (*self.kv_indices.shape[:-2], *self.seq_lengths)

    def _with_blocks(self, lists: tuple[Any, Any, Any, Any], mask_mod: MaskMod, lengths: tuple[int, int]) -> BlockMask:
        made = BlockMask.from_kv_blocks(
            *lists,
            BLOCK_SIZE=self.BLOCK_SIZE,
            mask_mod=mask_mod,
            seq_lengths=lengths,
            compute_q_blocks=self.q_indices is not None,
        )
        made.dq_kv_order_spt = self.dq_kv_order_spt
        if self.dq_write_order is not None:
            made._set_write_order(bool(self.dq_kv_order_spt))
        return made

    def _lists(self) -> tuple[Tensor | None, ...]:
        return (self.kv_num_blocks, self.kv_indices, self.full_kv_num_blocks, self.full_kv_indices)

    def _refuse_given_order(self, what: str) -> None:
        if self.dq_kv_order is not None:
            raise NotImplementedError(
                f"{what} BlockMask with tensor dq_kv_order is not supported yet. Construct a new BlockMask with "
                "matching precomputed dq_write_order metadata."
            )

    def __getitem__(self, index: Any) -> BlockMask:
        self._refuse_given_order("Slicing")
        given = index if isinstance(index, tuple) else (index,)
        padded = (*given, slice(None), slice(None), slice(None))[:3]
        places = tuple(
            slice(i % n, i % n + 1)
            if isinstance(i, int) and -n <= i < n
            else slice(i, i + 1)
            if isinstance(i, int)
            else i
            for i, n in zip(padded, self.kv_num_blocks.shape[:3], strict=True)
        )
        parts: Any = tuple(None if t is None else t[places] for t in self._lists())
        return self._with_blocks(parts, sliced_mask_mod, self.seq_lengths)

    def _adjust(self, new_q_len: int, new_kv_len: int) -> BlockMask:
        """The upper left part, for other lengths."""
        self._refuse_given_order("Adjusting")
        rows, columns = -(-new_q_len // self.BLOCK_SIZE[0]), -(-new_kv_len // self.BLOCK_SIZE[1])
        partial = _adjusted(self.kv_num_blocks, self.kv_indices, rows, columns)
        full = _adjusted(self.full_kv_num_blocks, self.full_kv_indices, rows, columns)
        return self._with_blocks((*partial, *full), self.mask_mod, (new_q_len, new_kv_len))

    def numel(self) -> int:
        """How many scores the mask is for."""
        return math.prod(self.shape)

    def sparsity(self) -> float:
        """How many percent of the scores lie in hidden blocks."""
        counts = self.kv_num_blocks.sum().item()
        if self.full_kv_num_blocks is not None:
            counts += self.full_kv_num_blocks.sum().item()
        return 100 * (1 - counts * self.BLOCK_SIZE[0] * self.BLOCK_SIZE[1] / self.numel())

    def to_dense(self) -> Tensor:
        """(B, H, rows, columns) of 1 for each block that is seen, in part or in full."""
        dense = _dense(self.kv_num_blocks, self.kv_indices, self.kv_indices.shape[-1])
        if self.full_kv_num_blocks is None or self.full_kv_indices is None:
            return dense
        return dense | _dense(self.full_kv_num_blocks, self.full_kv_indices, self.full_kv_indices.shape[-1])

    def to_string(self, grid_size: int | tuple[int, int] = (20, 20), limit: int = 4) -> str:
        """A picture of up to `limit` heads: █ where blocks are seen, ░ where some of several are, for each sample."""
        dense = self.to_dense()
        rows, columns = dense.shape[-2:]
        most = (grid_size, grid_size) if isinstance(grid_size, int) else grid_size
        steps = max(1, -(-rows // most[0])), max(1, -(-columns // most[1]))
        pictures = []
        for i, place in enumerate(itertools.product(*map(range, dense.shape[:-2]))):
            if i == limit:
                pictures += [
                    "...",
                    "To print out more, set BlockMask.to_string(limit=N)",
                    "You can also index (BlockMask[batch, head]) to choose a specific batch or head",
                ]
                break
            pictures.append(f"{place}\n" + _picture(dense[place]._array, steps))
        return "\n".join(pictures)

    def __str__(self) -> str:
        picture = self.to_string().strip()
        return f"BlockMask(shape={self.shape}, sparsity={self.sparsity():.2f}%, \n{picture}\n)"

    def __repr__(self) -> str:
        names = self._TENSOR_ATTRS[:8]
        shapes = {name: None if (t := getattr(self, name)) is None else t.shape for name in names}
        lines = [f"{name}={shape}," for name, shape in shapes.items()]
        lines += [
            f"BLOCK_SIZE={self.BLOCK_SIZE},",
            f"shape={self.shape},",
            f"sparsity={self.sparsity():.2f}%,",
            f"mask_mod={getattr(self.mask_mod, '__name__', self.mask_mod)}",
        ]
        return "BlockMask(\n" + "".join(f"    {line}\n" for line in lines) + ")"

    def to(self, device: Device | str) -> BlockMask:
        """The mask with its tensors on another device."""
        tensors: dict[str, Any] = {
            name: None if (t := getattr(self, name)) is None else t.to(device) for name in self._TENSOR_ATTRS
        }
        return BlockMask(
            self.seq_lengths,
            **tensors,
            BLOCK_SIZE=self.BLOCK_SIZE,
            mask_mod=self.mask_mod,
            dq_kv_order_spt=self.dq_kv_order_spt,
        )

    def _set_write_order(self, descending: bool) -> None:
        """For each block of keys and each block of queries that sees it, which place it has among all that this sees.

        Kernels that add up the queries' gradients in a fixed order ask for it.
        """
        if self.q_indices is None:
            raise ValueError("BlockMask must have q_num_blocks and q_indices to compute dq_write_order")
        seen = self.to_dense()
        order = seen.cumsum(dim=-1)
        ranks = (order[..., -1:] - 1 - (order - seen)) if descending else order - seen
        by_keys = ranks.to(dtypes.int32).transpose(-2, -1)
        self.dq_write_order = by_keys.gather(-1, self.q_indices.long())
        if self.full_q_indices is not None:
            self.dq_write_order_full = by_keys.gather(-1, self.full_q_indices.long())
        self.dq_kv_order, self.dq_kv_order_spt = None, descending


def _picture(seen: Any, steps: tuple[int, int]) -> str:
    lines = []
    for r in range(0, seen.shape[0], steps[0]):
        parts = (seen[r : r + steps[0], c : c + steps[1]].mean() for c in range(0, seen.shape[1], steps[1]))
        lines.append("".join(("█" if part == 1 else " " if part == 0 else "░") * 2 for part in parts) + "\n")
    return "".join(lines)


def create_mask(
    mod_fn: Any, B: int | None, H: int | None, Q_LEN: int, KV_LEN: int, device: Device | str | None = None
) -> Tensor:
    """The mask (B, H, Q_LEN, KV_LEN) of a function of (b, h, q_idx, kv_idx); of a score_mod, where it isn't -∞.

    AssertionError for a function of another number of arguments.

    >>> import rushlight as torch
    >>> torch.nn.attention.flex_attention.create_mask(lambda b, h, q, k: q >= k, None, None, 2, 2)
    tensor([[[[ True, False],
              [ True,  True]]]])

    Source: https://docs.pytorch.org/docs/2.13/nn.attention.flex_attention.html
    """
    shape = (1 if B is None else B, 1 if H is None else H, Q_LEN, KV_LEN)
    if takes_score(mod_fn):
        mask = at_all_places(mod_fn, shape, zeros(shape)) != -math.inf
    else:
        mask = at_all_places(mod_fn, shape, None).contiguous()
    return mask.to(device) if device is not None else mask


def create_block_mask(
    mask_mod: MaskMod,
    B: int | None,
    H: int | None,
    Q_LEN: int,
    KV_LEN: int,
    device: Device | str | None = None,
    BLOCK_SIZE: int | tuple[int, int] = _BLOCK_SIZE,
    _compile: bool = False,
    separate_full_blocks: bool = True,
    compute_dq_write_order: bool = False,
    dq_kv_order: bool = True,
) -> BlockMask:
    """The BlockMask of a function that says whether query q_idx of head h of sample b sees key kv_idx.

    With `separate_full_blocks` blocks seen in full are listed apart. `compute_dq_write_order` adds the order in which
    GPU kernels add up gradients. AssertionError for a function of another number of arguments.

    >>> import rushlight as torch
    >>> from rushlight.nn.attention.flex_attention import create_block_mask
    >>> mask = create_block_mask(lambda b, h, q, k: q >= k, None, None, 256, 256)
    >>> mask.kv_num_blocks, mask.full_kv_num_blocks
    (tensor([[[1, 1]]], dtype=torch.int32), tensor([[[0, 1]]], dtype=torch.int32))

    Source: https://docs.pytorch.org/docs/2.13/nn.attention.flex_attention.html
    """
    if takes_score(mask_mod):
        raise AssertionError(f"create-block_mask requires a mask_mod function! Got {mask_mod}")
    if _compile:
        warnings.warn(
            "_compile flag on create_block_mask was originally added to work around a torch.compile limitation. That "
            "limitation has since been addressed. So, to compile create_block_mask, we suggest doing "
            "torch.compile(create_block_mask). This still works for now, but will be removed in the future.",
            DeprecationWarning,
            stacklevel=2,
        )
    if not isinstance(dq_kv_order, bool):
        raise ValueError("dq_kv_order must be a bool when using create_block_mask")
    q_size, kv_size = (BLOCK_SIZE, BLOCK_SIZE) if isinstance(BLOCK_SIZE, int) else BLOCK_SIZE
    mask = create_mask(mask_mod, B, H, Q_LEN, KV_LEN, device)
    if mask.dtype is not dtypes.bool:
        raise AssertionError(f"mask.dtype must be torch.bool, got {mask.dtype}")
    mask = pad(mask, (0, -KV_LEN % kv_size, 0, -Q_LEN % q_size))
    counts = mask.unflatten(3, (-1, kv_size)).unflatten(2, (-1, q_size)).sum(dim=(3, 5))
    full = counts == q_size * kv_size
    partial = (counts > 0) & ~full if separate_full_blocks else counts > 0
    of_full: tuple[_Maybe, _Maybe] = _listed(full) if separate_full_blocks else (None, None)
    made = BlockMask.from_kv_blocks(
        *_listed(partial),
        *of_full,
        BLOCK_SIZE=(q_size, kv_size),
        mask_mod=mask_mod,
        seq_lengths=(Q_LEN, KV_LEN),
    )
    if compute_dq_write_order:
        made._set_write_order(dq_kv_order)
    return made
