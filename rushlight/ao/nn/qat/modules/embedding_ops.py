"""Embeddings that train with a table rounded to codes."""

from __future__ import annotations

from typing import Any, ClassVar

from rushlight.ao.nn.qat.modules.linear import check_float, check_qconfig
from rushlight.nn import functional as F
from rushlight.nn.modules import sparse as _float
from rushlight.nn.parameter import Parameter
from rushlight.quantizer import per_channel_affine_float_qparams
from rushlight.tensor import Tensor

__all__ = ["Embedding", "EmbeddingBag"]


def _fake(qconfig: Any, device: Any, dtype: Any) -> Any:
    fake = check_qconfig(qconfig).weight(factory_kwargs={"device": device, "dtype": dtype})
    if fake.qscheme is not per_channel_affine_float_qparams:
        raise AssertionError(
            f"Embedding weights requires a qscheme of torch.per_channel_affine_float_qparams Got {fake.qscheme}"
        )
    return fake


class Embedding(_float.Embedding):
    """`nn.Embedding` whose table passes a fake quantizer before the look-up.

    Source: https://docs.pytorch.org/docs/2.13/quantization.html
    """

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
        device: Any = None,
        dtype: Any = None,
        qconfig: Any = None,
    ) -> None:
        super().__init__(
            num_embeddings, embedding_dim, padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse, _weight,
            device=device, dtype=dtype,
        )  # fmt: skip
        self.weight_fake_quant = _fake(qconfig, device, dtype)
        self.qconfig = qconfig

    def forward(self, input: Tensor) -> Tensor:
        weight = self.weight_fake_quant(self.weight)
        return F.embedding(
            input, weight, self.padding_idx, self.max_norm, self.norm_type, self.scale_grad_by_freq, self.sparse
        )

    @classmethod
    def from_float(cls, mod: Any, use_precomputed_fake_quant: bool = False) -> Any:
        """The layer with a float layer's table, itself."""
        check_float(cls, mod)
        return cls(
            mod.num_embeddings, mod.embedding_dim, mod.padding_idx, mod.max_norm, mod.norm_type,
            mod.scale_grad_by_freq, mod.sparse, mod.weight, qconfig=mod.qconfig,
        )  # fmt: skip

    def to_float(self) -> Any:
        """A float layer with a copy of the table."""
        made = _float.Embedding(
            self.num_embeddings, self.embedding_dim, self.padding_idx, self.max_norm, self.norm_type,
            self.scale_grad_by_freq, self.sparse, None,
        )  # fmt: skip
        made.weight = Parameter(self.weight.detach())
        made.train(self.training)
        return made


class EmbeddingBag(_float.EmbeddingBag):
    """`nn.EmbeddingBag` whose table passes a fake quantizer before the look-up.

    Source: https://docs.pytorch.org/docs/2.13/quantization.html
    """

    _FLOAT_MODULE: ClassVar[Any] = _float.EmbeddingBag

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        mode: str = "mean",
        sparse: bool = False,
        _weight: Tensor | None = None,
        include_last_offset: bool = False,
        padding_idx: int | None = None,
        qconfig: Any = None,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(
            num_embeddings, embedding_dim, max_norm, norm_type, scale_grad_by_freq, mode, sparse, _weight,
            include_last_offset, padding_idx, device=device, dtype=dtype,
        )  # fmt: skip
        self.weight_fake_quant = _fake(qconfig, device, dtype)
        self.qconfig = qconfig

    def forward(self, input: Tensor, offsets: Tensor | None = None, per_sample_weights: Tensor | None = None) -> Tensor:
        return F.embedding_bag(
            input, self.weight_fake_quant(self.weight), offsets, self.max_norm, self.norm_type,
            self.scale_grad_by_freq, self.mode, self.sparse, per_sample_weights, self.include_last_offset,
            self.padding_idx,
        )  # fmt: skip

    @classmethod
    def from_float(cls, mod: Any, use_precomputed_fake_quant: bool = False) -> Any:
        """The layer with a float layer's table, itself."""
        check_float(cls, mod)
        return cls(
            mod.num_embeddings, mod.embedding_dim, mod.max_norm, mod.norm_type, mod.scale_grad_by_freq, mod.mode,
            mod.sparse, mod.weight, mod.include_last_offset, mod.padding_idx, qconfig=mod.qconfig,
        )  # fmt: skip

    def to_float(self) -> Any:
        """A float layer with a copy of the table."""
        made = _float.EmbeddingBag(
            self.num_embeddings, self.embedding_dim, self.max_norm, self.norm_type, self.scale_grad_by_freq,
            self.mode, self.sparse, None, self.include_last_offset, self.padding_idx,
        )  # fmt: skip
        made.weight = Parameter(self.weight.detach())
        made.train(self.training)
        return made
