"""Which worker this process is; apart from the worker, so that a program without workers loads no multiprocessing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["WorkerInfo", "get_worker_info", "set_worker_info"]


@dataclass(frozen=True, slots=True)
class WorkerInfo:
    """What `get_worker_info` tells: this worker's id in [0, num_workers), its seed, and its copy of the dataset."""

    id: int
    num_workers: int
    seed: int
    dataset: Any
    rng: Any = None
    worker_method: str | None = "multiprocessing"


_worker_info: WorkerInfo | None = None


def get_worker_info() -> WorkerInfo | None:
    """The DataLoader worker that this process is, or None in the main process.

    >>> from rushlight.utils.data import get_worker_info
    >>> get_worker_info() is None
    True

    Source: https://docs.pytorch.org/docs/2.13/data.html#torch.utils.data.get_worker_info
    """
    return _worker_info


def set_worker_info(info: WorkerInfo) -> None:
    """Makes this process that worker, for good."""
    global _worker_info
    _worker_info = info
