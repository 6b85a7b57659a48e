"""How a tensor's elements lie in memory: PyTorch's layouts and memory formats by name."""

from __future__ import annotations

__all__ = [
    "channels_last", "channels_last_3d", "contiguous_format", "layout", "legacy_contiguous_format", "memory_format",
    "preserve_format", "sparse_bsc", "sparse_bsr", "sparse_coo", "sparse_csc", "sparse_csr", "strided",
]  # fmt: skip


class layout:
    """The storage scheme of a tensor; `strided` tensors have an array, those of the others keep some elements.

    >>> import rushlight as torch
    >>> torch.ones(2).layout, torch.ones(2).to_sparse().layout
    (torch.strided, torch.sparse_coo)

    Source: https://docs.pytorch.org/docs/2.13/tensor_attributes.html#torch.layout
    """

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"torch.{self.name}"

    def __reduce__(self) -> str:
        return self.name


class memory_format:
    """The order of a tensor's dimensions in memory.

    >>> import rushlight as torch
    >>> x = torch.ones(1, 3, 2, 2).to(memory_format=torch.channels_last)
    >>> x.stride(), x.is_contiguous(memory_format=torch.channels_last)
    ((12, 1, 6, 3), True)

    Source: https://docs.pytorch.org/docs/2.13/tensor_attributes.html#torch.memory_format
    """

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"torch.{self.name}"

    def __reduce__(self) -> str:
        return self.name


strided = layout("strided")
sparse_coo = layout("sparse_coo")
sparse_csr = layout("sparse_csr")
sparse_csc = layout("sparse_csc")
sparse_bsr = layout("sparse_bsr")
sparse_bsc = layout("sparse_bsc")
contiguous_format = memory_format("contiguous_format")
legacy_contiguous_format = contiguous_format
preserve_format = memory_format("preserve_format")
channels_last = memory_format("channels_last")
channels_last_3d = memory_format("channels_last_3d")
