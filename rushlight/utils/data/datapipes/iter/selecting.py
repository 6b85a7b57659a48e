"""The samples that a function says yes to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from .._decorators import functional_datapipe
from .._functions import check_columns, check_function, close_streams
from ..datapipe import IterDataPipe

__all__ = ["FilterIterDataPipe"]


@functional_datapipe("filter")
class FilterIterDataPipe(IterDataPipe[Any]):
    """The samples for which `filter_fn`, of the sample or of its columns `input_col`, is True.

    Raises ValueError where the function returns no bool.

    >>> from rushlight.utils.data.datapipes.iter import IterableWrapper
    >>> list(IterableWrapper("aB").filter(str.isupper))
    ['B']

    Source: https://github.com/pytorch/pytorch/blob/v2.13.0/torch/utils/data/datapipes/iter/selecting.py
    """

    def __init__(self, datapipe: IterDataPipe[Any], filter_fn: Callable[..., bool], input_col: Any = None) -> None:
        check_function(filter_fn)
        self.datapipe = datapipe
        self.filter_fn = filter_fn
        self.input_col = input_col
        check_columns(filter_fn, input_col)

    def _wants(self, sample: Any) -> bool:
        if self.input_col is None:
            answer: Any = self.filter_fn(sample)
        elif isinstance(self.input_col, list | tuple):
            answer = self.filter_fn(*(sample[column] for column in self.input_col))
        else:
            answer = self.filter_fn(sample[self.input_col])
        if not isinstance(answer, bool):
            raise ValueError("Boolean output is required for `filter_fn` of FilterIterDataPipe, got", type(answer))
        return answer

    def __iter__(self) -> Iterator[Any]:
        for sample in self.datapipe:
            if self._wants(sample):
                yield sample
            else:
                close_streams(sample)
