"""One pass over the data: what the iterators with and without worker processes share, and the one without."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from rushlight.random import Generator

from ..datapipes.datapipe import IterDataPipe
from ..dataset import IterableDataset
from ..graph_settings import apply_random_seed
from ..sampler import draw_seed
from .fetch import make_fetcher

if TYPE_CHECKING:
    from ..dataloader import DataLoader

__all__ = ["BaseIterator", "SingleProcessIterator"]

_NO_ACCELERATOR = (
    "'pin_memory' argument is set as true but no accelerator is found, then device pinned memory won't be used."
)
_REPLICAS = (
    "For multiprocessing data-loading, this could be caused by not properly configuring the IterableDataset replica at "
    "each worker. Please see https://pytorch.org/docs/stable/data.html#torch.utils.data.IterableDataset for examples."
)


def seed_pipes(dataset: Any, generator: Generator | None, seed: int | None = None) -> int | None:
    """Give the pipes of a stream the seeds of one pass, from one that all workers share: drawn, if not given."""
    if not isinstance(dataset, IterDataPipe):
        return None
    if seed is None:
        seed = draw_seed(generator)
    apply_random_seed(dataset, Generator().manual_seed(seed))
    return seed


class BaseIterator:
    """Counts and hands out batches; a subclass defines `_next_data`."""

    def __init__(self, loader: DataLoader[Any]) -> None:
        # It keeps no reference to the loader, which may keep one to it: dropping the loader must end its workers.
        self._dataset = loader.dataset
        self._num_workers = loader.num_workers
        self._index_sampler = loader._index_sampler
        self._promised_length = loader._promised_length
        if loader.pin_memory:
            warnings.warn(_NO_ACCELERATOR, stacklevel=5)
        self._keys: Iterator[Any] = iter(self._index_sampler)
        self._shared_seed = seed_pipes(self._dataset, loader.generator)
        # Drawn even when no worker needs it, and before the sampler's own seed: PyTorch's use of the stream.
        self._base_seed = draw_seed(loader.generator)
        self._num_yielded = 0

    def _reset(self, loader: DataLoader[Any]) -> None:
        self._keys = iter(self._index_sampler)
        self._shared_seed = seed_pipes(self._dataset, loader.generator)
        self._num_yielded = 0
        self._promised_length = loader._promised_length

    def __iter__(self) -> BaseIterator:
        return self

    def _next_data(self) -> Any:
        raise NotImplementedError(f"{type(self).__name__} defines no _next_data()")

    def __next__(self) -> Any:
        data = self._next_data()
        self._num_yielded += 1
        promised = self._promised_length
        if promised is not None and self._num_yielded > promised and isinstance(self._dataset, IterableDataset):
            warnings.warn(
                f"Length of IterableDataset {self._dataset} was reported to be {promised}(when accessing "
                f"len(dataloader)), but {self._num_yielded} samples have been fetched. "
                + (_REPLICAS if self._num_workers > 0 else ""),
                stacklevel=2,
            )
        return data

    def __len__(self) -> int:
        return len(self._index_sampler)

    def __getstate__(self) -> Any:
        raise NotImplementedError(f"{type(self).__name__} cannot be pickled")


class SingleProcessIterator(BaseIterator):
    """Fetches each batch in the caller's process when it is asked for."""

    def __init__(self, loader: DataLoader[Any]) -> None:
        super().__init__(loader)
        if loader.timeout != 0:
            raise AssertionError("a DataLoader without workers requires timeout == 0")
        self._fetcher = make_fetcher(self._dataset, loader._auto_collation, loader.collate_fn, loader.drop_last)

    def _next_data(self) -> Any:
        return self._fetcher.fetch(next(self._keys))
