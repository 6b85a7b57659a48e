"""Samples into batches."""

from __future__ import annotations

from typing import Any

from .._decorators import functional_datapipe
from ..datapipe import DataChunk, MapDataPipe

__all__ = ["BatcherMapDataPipe"]


@functional_datapipe("batch")
class BatcherMapDataPipe(MapDataPipe[Any]):
    """Lists of `batch_size` samples that follow each other; IndexError past the last.

    Source: https://github.com/pytorch/pytorch/blob/v2.13.0/torch/utils/data/datapipes/map/grouping.py
    """

    def __init__(
        self,
        datapipe: MapDataPipe[Any],
        batch_size: int,
        drop_last: bool = False,
        wrapper_class: type[DataChunk[Any]] = DataChunk,
    ) -> None:
        if batch_size <= 0:
            raise AssertionError("Batch size is required to be larger than 0!")
        self.datapipe = datapipe
        self.batch_size = batch_size
        self.drop_last = drop_last
        self.wrapper_class = wrapper_class

    def __getitem__(self, index: int) -> Any:
        begin, samples = index * self.batch_size, len(self.datapipe)
        end = min(begin + self.batch_size, samples)
        if begin >= end or (self.drop_last and end - begin < self.batch_size):
            raise IndexError(f"Index {index} is out of bound.")
        return self.wrapper_class([self.datapipe[i] for i in range(begin, end)])

    def __len__(self) -> int:
        samples = len(self.datapipe)
        return samples // self.batch_size if self.drop_last else -(-samples // self.batch_size)
