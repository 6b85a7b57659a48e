"""A function of each sample."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from .._decorators import functional_datapipe
from .._functions import check_function
from ..datapipe import MapDataPipe

__all__ = ["MapperMapDataPipe"]


@functional_datapipe("map")
class MapperMapDataPipe(MapDataPipe[Any]):
    """`fn` of each sample.

    Source: https://github.com/pytorch/pytorch/blob/v2.13.0/torch/utils/data/datapipes/map/callable.py
    """

    def __init__(self, datapipe: MapDataPipe[Any], fn: Callable[[Any], Any] = copy.copy) -> None:
        check_function(fn)
        self.datapipe = datapipe
        self.fn = fn

    def __getitem__(self, index: Any) -> Any:
        return self.fn(self.datapipe[index])

    def __len__(self) -> int:
        return len(self.datapipe)
