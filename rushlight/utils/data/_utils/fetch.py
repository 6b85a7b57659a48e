"""Fetchers: from what a sampler yields (keys) to what a DataLoader yields (a batch)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from rushlight.tensor import Tensor

from ..dataset import IterableDataset, Subset, TensorDataset
from .collate import collate_tensor_fn, default_collate, default_collate_fn_map

__all__ = ["IterableFetcher", "MapFetcher", "make_fetcher"]

CollateFn = Callable[[Any], Any]


class MapFetcher:
    """Looks the keys up in a map-style dataset."""

    def __init__(self, dataset: Any, batched: bool, collate_fn: CollateFn) -> None:
        self.dataset = dataset
        self.batched = batched
        self.collate_fn = collate_fn

    def fetch(self, keys: Any) -> Any:
        if not self.batched:
            return self.collate_fn(self.dataset[keys])
        if self.collate_fn is default_collate:
            whole = _rows_of_tensors(self.dataset, keys)
            if whole is not None:
                return whole
        fetch_many = getattr(self.dataset, "__getitems__", None)
        samples = fetch_many(keys) if fetch_many else [self.dataset[key] for key in keys]
        return self.collate_fn(samples)


def _rows_of_tensors(dataset: Any, keys: list[Any]) -> list[Any] | None:
    """The default batch of a TensorDataset by one indexing per tensor; None where that might differ from collating."""
    if type(dataset) is Subset and type(dataset.indices) is list and all(type(key) is int for key in keys):
        keys = [dataset.indices[key] for key in keys]
        dataset = dataset.dataset
    if type(dataset) is not TensorDataset or not keys or not all(type(key) is int for key in keys):
        return None
    if default_collate_fn_map.get(Tensor) is not collate_tensor_fn:
        return None
    tensors = dataset.tensors
    if any(type(tensor) is not Tensor or tensor.requires_grad for tensor in tensors):
        return None
    return [tensor[keys] for tensor in tensors]


class IterableFetcher:
    """Takes the next samples of an iterable dataset, one for each key; raises StopIteration at its end."""

    def __init__(self, dataset: Any, batched: bool, collate_fn: CollateFn, drop_last: bool) -> None:
        self.samples: Iterator[Any] = iter(dataset)
        self.batched = batched
        self.collate_fn = collate_fn
        self.drop_last = drop_last
        self.ended = False

    def fetch(self, keys: Any) -> Any:
        if self.ended:
            raise StopIteration
        if not self.batched:
            return self.collate_fn(next(self.samples))
        batch = []
        for _ in keys:
            try:
                batch.append(next(self.samples))
            except StopIteration:
                self.ended = True
                break
        if not batch or (self.drop_last and len(batch) < len(keys)):
            raise StopIteration
        return self.collate_fn(batch)


def make_fetcher(dataset: Any, batched: bool, collate_fn: CollateFn, drop_last: bool) -> MapFetcher | IterableFetcher:
    """The fetcher for a dataset's kind."""
    if isinstance(dataset, IterableDataset):
        return IterableFetcher(dataset, batched, collate_fn, drop_last)
    return MapFetcher(dataset, batched, collate_fn)
