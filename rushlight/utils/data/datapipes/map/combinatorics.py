"""A dataset by key as a stream in random order."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

from rushlight.utils.data.sampler import draw_seed

from ..datapipe import IterDataPipe, MapDataPipe

__all__ = ["ShufflerIterDataPipe"]


class ShufflerIterDataPipe(IterDataPipe[Any]):
    """A stream of the dataset's samples in random order; `indices` are its keys, if not 0, 1, ….

    The order is drawn by Python's generator from a seed that is drawn from the default generator, or set by `set_seed`,
    for one pass.

    Source: https://github.com/pytorch/pytorch/blob/v2.13.0/torch/utils/data/datapipes/map/combinatorics.py
    """

    def __init__(self, datapipe: MapDataPipe[Any], *, indices: list[Any] | None = None) -> None:
        self.datapipe = datapipe
        self.indices = list(range(len(datapipe))) if indices is None else indices
        self._enabled = True
        self._seed: int | None = None
        self._rng = random.Random()
        self._shuffled_indices: list[Any] = self.indices

    def set_shuffle(self, shuffle: bool = True) -> ShufflerIterDataPipe:
        """Turn shuffling on or off; returns the pipe."""
        self._enabled = shuffle
        return self

    def set_seed(self, seed: int) -> ShufflerIterDataPipe:
        """Set the seed of the next pass; returns the pipe."""
        self._seed = seed
        return self

    def reset(self) -> None:
        """Draw the order of the next pass."""
        if self._enabled and self._seed is None:
            self._seed = draw_seed(None)
        self._rng.seed(self._seed)
        self._seed = None
        self._shuffled_indices = self._rng.sample(self.indices, len(self.indices))

    def __iter__(self) -> Iterator[Any]:
        if not self._enabled:
            for index in self.indices:
                yield self.datapipe[index]
            return
        while self._shuffled_indices:
            yield self.datapipe[self._shuffled_indices.pop()]

    def __len__(self) -> int:
        return len(self.datapipe)


# A stream, but a step of datasets by key.
MapDataPipe.register_datapipe_as_function("shuffle", ShufflerIterDataPipe)
