"""Memory passed to PyTorch and back by DLPack, without a copy."""

from __future__ import annotations

import gc
from typing import Any

import pytest

torch = pytest.importorskip("torch")

import rushlight  # noqa: E402

MAKERS: dict[str, Any] = {
    "contiguous": lambda t: t.ones(2, 3),
    "transposed": lambda t: t.ones(2, 3).t(),
    "stepped": lambda t: t.ones(3, 4)[:, ::2],
    "expanded": lambda t: t.ones(3).expand(2, 3),
    "scalar": lambda t: t.ones(()),
    "empty": lambda t: t.ones(0, 3),
}
DTYPES = (
    "bool", "uint8", "int8", "int16", "int32", "int64", "float16", "bfloat16", "float32", "float64", "complex64",
    "complex128", "float8_e4m3fn", "float8_e5m2",
)  # fmt: skip


@pytest.mark.parametrize("maker", MAKERS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("source", "target"), [(rushlight, torch), (torch, rushlight)], ids=["to PyTorch", "from it"])
def test_memory_is_shared(source: Any, target: Any, dtype: str, maker: str) -> None:
    tensor = MAKERS[maker](source).to(getattr(source, dtype))
    for seen in (target.from_dlpack(tensor), target.utils.dlpack.from_dlpack(source.to_dlpack(tensor))):
        assert str(seen.dtype) == f"torch.{dtype}"
        assert tuple(seen.shape) == tuple(tensor.shape)
        assert seen.stride() == tensor.stride() or tensor.numel() < 2
        assert seen.data_ptr() == tensor.data_ptr() or not tensor.numel()


@pytest.mark.parametrize(("source", "target"), [(rushlight, torch), (torch, rushlight)], ids=["to PyTorch", "from it"])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_what_one_writes_the_other_reads(source: Any, target: Any, dtype: str) -> None:
    tensor = source.zeros(3).to(getattr(source, dtype))
    seen = target.from_dlpack(tensor)
    seen[1] = 2
    assert tensor.float().tolist() == [0, 2, 0]
    del tensor
    gc.collect()
    assert seen.float().tolist() == [0, 2, 0]
