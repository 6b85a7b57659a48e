"""Embeddings with weights of uint8, one scale and zero point a row."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from rushlight import dtypes
from rushlight.ao.nn.quantized.modules.utils import hidden_repr, quantize_weight
from rushlight.autograd.variable import wrap
from rushlight.dtypes import dtype as Dtype
from rushlight.nn.modules import sparse as _float
from rushlight.nn.modules.module import Module
from rushlight.ops.creation import ones, zeros
from rushlight.ops.quantization import _empty_per_channel_affine_quantized
from rushlight.quantizer import codes_of, per_channel_affine_float_qparams, quantizer_of
from rushlight.tensor import Tensor

__all__ = ["Embedding", "EmbeddingBag"]


def _no_weight(rows: int, columns: int) -> Tensor:
    return _empty_per_channel_affine_quantized(
        [rows, columns], scales=ones(rows), zero_points=zeros(rows), axis=0, dtype=dtypes.quint8
    )


class EmbeddingPackedParams(Module):
    """The weight of a quantized embedding: codes, and each row's scale and offset.

    Source: https://docs.pytorch.org/docs/2.13/quantization.html
    """

    _version = 1

    def __init__(self, num_embeddings: int, embedding_dim: int, dtype: Dtype = dtypes.quint8) -> None:
        super().__init__()
        if dtype is not dtypes.quint8:
            raise NotImplementedError(f"Unsupported dtype on quantized embedding! Supports quint8. Got dtype: {dtype}")
        self.dtype = dtype
        self.set_weight(_no_weight(num_embeddings, embedding_dim))

    def set_weight(self, weight: Tensor) -> None:
        """Take a weight, quantized row by row."""
        quantizer = quantizer_of(weight._array)
        if quantizer is None or quantizer.axis != 0 or weight.dtype is not dtypes.quint8:
            raise RuntimeError(
                "Unsupported dtype for quantized embedding prepack! Expected quint8 with a scale for each row, got "
                f"{weight.dtype}"
            )
        self._packed_weight = weight
        self._codes = codes_of(weight._array)
        self._scales = quantizer.scale.astype(np.float32)
        self._offsets = -self._scales * quantizer.zero_point.astype(np.float32)

    def _weight(self) -> Tensor:
        return self._packed_weight

    def rows(self, indices: Any) -> Any:
        """The rows of these indices, in float32."""
        count = len(self._codes)
        if indices.size and not (indices.min() >= 0 and indices.max() < count):
            raise RuntimeError(f"Expect idx >= 0 && idx < N, with N = {count}, but got indices beyond")
        scales, offsets = self._scales[indices], self._offsets[indices]
        return self._codes[indices].astype(np.float32) * scales[..., None] + offsets[..., None]

    def forward(self, x: Tensor) -> Tensor:
        return x

    def _save_to_state_dict(self, destination: Any, prefix: str, keep_vars: bool) -> None:
        super()._save_to_state_dict(destination, prefix, keep_vars)
        destination[prefix + "dtype"] = self.dtype
        destination[prefix + "_packed_weight"] = self._weight()

    def _load_from_state_dict(
        self, state_dict: Any, prefix: str, local_metadata: Any, strict: bool, *rest: Any
    ) -> None:
        self.dtype = state_dict.pop(prefix + "dtype")
        self.set_weight(state_dict.pop(prefix + "_packed_weight"))
        super()._load_from_state_dict(state_dict, prefix, local_metadata, False, *rest)

    def __repr__(self) -> str:
        return repr(self._weight())


def _indices(indices: Tensor) -> Any:
    if indices.dtype not in (dtypes.int32, dtypes.int64):
        raise RuntimeError(f"Expect embedding indices to be of type IntTensor or LongTensor, got {indices.dtype}")
    return indices._array


class Embedding(Module):
    """Rows of a table of uint8 codes, as floats.

    Shapes: indices (*), int32 or int64 → (*, embedding_dim), float32.

    >>> import rushlight as torch
    >>> layer = torch.ao.nn.quantized.Embedding(num_embeddings=10, embedding_dim=12)
    >>> layer(torch.tensor([9, 6, 5])).shape
    torch.Size([3, 12])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.ao.nn.quantized.Embedding.html
    """

    _version = 1
    _FLOAT_MODULE: ClassVar[Any] = _float.Embedding

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
        _weight: Tensor | None = None,
        dtype: Dtype = dtypes.quint8,
    ) -> None:
        super().__init__()
        self.num_embeddings, self.embedding_dim, self.dtype = num_embeddings, embedding_dim, dtype
        if _weight is not None and list(_weight.shape) != [num_embeddings, embedding_dim]:
            raise AssertionError(
                "Shape of weight does not match num_embeddings and embedding_dim: expected "
                f"{[num_embeddings, embedding_dim]}, got {list(_weight.shape)}"
            )
        self._packed_params = EmbeddingPackedParams(num_embeddings, embedding_dim, dtype)
        if _weight is not None:
            self._packed_params.set_weight(_weight)

    def forward(self, indices: Tensor) -> Tensor:
        return wrap(self._packed_params.rows(_indices(indices)))

    def _get_name(self) -> str:
        return "Quantized" + type(self).__name__

    def __repr__(self) -> str:
        return hidden_repr(self, EmbeddingPackedParams)

    def extra_repr(self) -> str:
        return (
            f"num_embeddings={self.num_embeddings}, embedding_dim={self.embedding_dim}, "
            f"dtype={self._packed_params.dtype}, qscheme={self.weight().qscheme()}"
        )

    def set_weight(self, w: Tensor) -> None:
        """Take a weight, quantized row by row."""
        self._packed_params.set_weight(w)

    def weight(self) -> Tensor:
        """The weight, quantized."""
        return self._packed_params._weight()

    @classmethod
    def from_float(cls, mod: Any, use_precomputed_fake_quant: bool = False) -> Any:
        """The quantized form of a float layer, or of one that was trained with fake quantizers."""
        from rushlight.ao.quantization.qconfig import float_qparams_weight_only_qconfig

        if hasattr(mod, "weight_fake_quant"):
            observer = mod.weight_fake_quant
        else:
            if type(mod) is not cls._FLOAT_MODULE:
                raise AssertionError(f"nnq.{cls.__name__}.from_float only works for {cls._FLOAT_MODULE.__name__}")
            if not hasattr(mod, "qconfig"):
                raise AssertionError(f"{cls.__name__} input float module must have qconfig defined")
            has_weight = mod.qconfig is not None and mod.qconfig.weight is not None
            observer = (mod.qconfig if has_weight else float_qparams_weight_only_qconfig).weight()
        if observer.qscheme is not per_channel_affine_float_qparams:
            raise AssertionError(
                f"{cls.__name__} quantization is only supported with float_qparams_weight_only_qconfig."
            )
        if observer.dtype is not dtypes.quint8:
            raise AssertionError(
                f"The only supported dtype for nnq.{cls.__name__} is torch.quint8, got {observer.dtype}"
            )
        observer(mod.weight)
        made = cls._like(mod)
        made.set_weight(quantize_weight(mod.weight.float(), observer))
        return made

    @classmethod
    def _like(cls, mod: Any) -> Any:
        return cls(mod.num_embeddings, mod.embedding_dim)

    @classmethod
    def from_reference(cls, ref_embedding: Any) -> Any:
        """The layer that computes what a reference layer does."""
        made = cls._like(ref_embedding)
        made.set_weight(ref_embedding.get_quantized_weight())
        return made


class EmbeddingBag(Embedding):
    """Sums of bags of rows of a table of uint8 codes. As in PyTorch, `mode` is kept but bags are summed in any.

    Shapes: indices (B, L), or (L,) with `offsets` (B,) → (B, embedding_dim), float32.

    >>> import rushlight as torch
    >>> layer = torch.ao.nn.quantized.EmbeddingBag(num_embeddings=10, embedding_dim=12, mode="sum")
    >>> layer(torch.tensor([9, 6, 5, 7]), torch.tensor([0, 2])).shape
    torch.Size([2, 12])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.ao.nn.quantized.EmbeddingBag.html
    """

    _version = 1
    _FLOAT_MODULE: ClassVar[Any] = getattr(_float, "EmbeddingBag", None)

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        mode: str = "sum",
        sparse: bool = False,
        _weight: Tensor | None = None,
        include_last_offset: bool = False,
        dtype: Dtype = dtypes.quint8,
    ) -> None:
        super().__init__(num_embeddings, embedding_dim, _weight=_weight, dtype=dtype)
        self.mode = mode
        self.pruned_weights = False
        self.include_last_offset = include_last_offset

    def forward(
        self,
        indices: Tensor,
        offsets: Tensor | None = None,
        per_sample_weights: Tensor | None = None,
        compressed_indices_mapping: Tensor | None = None,
    ) -> Tensor:
        array = _indices(indices)
        if array.ndim == 2:
            starts = np.arange(0, array.size + 1, array.shape[1]) if array.shape[1] else np.zeros(len(array) + 1, int)
            if offsets is not None:
                raise RuntimeError("embedding_bag_byte operator: input is 2D, then offsets has to be None.")
        elif offsets is None:
            raise RuntimeError("embedding_bag_byte expects offsets to be set for 1D indices.")
        else:
            starts = offsets._array if self.include_last_offset else np.append(offsets._array, array.size)
        flat = array.reshape(-1)
        rows = self._packed_params.rows(flat)
        if per_sample_weights is not None:
            rows = rows * per_sample_weights._array.reshape(-1, 1)
        out = np.zeros((len(starts) - 1, self.embedding_dim), np.float32)
        np.add.at(out, np.repeat(np.arange(len(out)), np.diff(starts)), rows)
        return wrap(out)

    @classmethod
    def _like(cls, mod: Any) -> Any:
        return cls(
            mod.num_embeddings,
            mod.embedding_dim,
            max_norm=mod.max_norm,
            norm_type=mod.norm_type,
            scale_grad_by_freq=mod.scale_grad_by_freq,
            mode=mod.mode,
            sparse=mod.sparse,
            include_last_offset=mod.include_last_offset,
        )
