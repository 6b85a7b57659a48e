"""A function of each sample."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from rushlight.utils.data._utils.collate import default_collate

from .._decorators import functional_datapipe
from .._functions import check_columns, check_function
from ..datapipe import IterDataPipe

__all__ = ["CollatorIterDataPipe", "MapperIterDataPipe"]


@functional_datapipe("map")
class MapperIterDataPipe(IterDataPipe[Any]):
    """`fn` of each sample, or of its columns `input_col`, written to the column `output_col`.

    A column is an index into a tuple or list or a key of a dict; a list of columns gives `fn` that many arguments.
    Without `output_col` the result replaces the (first) input column, others being dropped; -1 appends it. Raises
    ValueError for columns that don't fit each other or the function.

    >>> from rushlight.utils.data.datapipes.iter import IterableWrapper
    >>> list(IterableWrapper([(1, 2)]).map(str, input_col=1))
    [(1, '2')]

    Source: https://github.com/pytorch/pytorch/blob/v2.13.0/torch/utils/data/datapipes/iter/callable.py
    """

    def __init__(
        self, datapipe: IterDataPipe[Any], fn: Callable[..., Any], input_col: Any = None, output_col: Any = None
    ) -> None:
        check_function(fn)
        self.datapipe = datapipe
        self.fn = fn
        self.input_col = input_col
        if input_col is None and output_col is not None:
            raise ValueError("`output_col` must be None when `input_col` is None.")
        if isinstance(output_col, list | tuple):
            if len(output_col) > 1:
                raise ValueError("`output_col` must be a single-element list or tuple")
            output_col = output_col[0]
        self.output_col = output_col
        check_columns(fn, input_col)

    def _apply(self, sample: Any) -> Any:
        columns = self.input_col
        if columns is None:
            return self.fn(sample)
        several = isinstance(columns, list | tuple)
        result = self.fn(*(sample[c] for c in columns)) if several else self.fn(sample[columns])
        changed = list(sample) if isinstance(sample, tuple) else sample
        if self.output_col == -1 and not isinstance(sample, dict):
            changed.append(result)
        elif self.output_col is not None:
            changed[self.output_col] = result
        elif several:
            changed[columns[0]] = result
            for column in sorted(columns[1:], reverse=True):
                del changed[column]
        else:
            changed[columns] = result
        return tuple(changed) if isinstance(sample, tuple) else changed

    def __iter__(self) -> Iterator[Any]:
        for sample in self.datapipe:
            yield self._apply(sample)

    def __len__(self) -> int:
        return len(self.datapipe)


@functional_datapipe("collate")
class CollatorIterDataPipe(MapperIterDataPipe):
    """Each batch joined into tensors, by `default_collate` or `collate_fn`.

    `conversion` may be a dict of functions by the keys of the samples.

    Source: https://github.com/pytorch/pytorch/blob/v2.13.0/torch/utils/data/datapipes/iter/callable.py
    """

    def __init__(
        self,
        datapipe: IterDataPipe[Any],
        conversion: Any = default_collate,
        collate_fn: Callable[..., Any] | None = None,
    ) -> None:
        if collate_fn is not None:
            conversion = collate_fn
        super().__init__(datapipe, conversion if callable(conversion) else _ByColumn(conversion))


class _ByColumn:
    """Collates a batch of dicts, each column by its own function."""

    def __init__(self, functions: dict[Any, Any]) -> None:
        self.functions = functions

    def __call__(self, batch: list[dict[Any, Any]]) -> dict[Any, Any]:
        missing = [name for name in self.functions if batch and name not in batch[0]]
        if missing:
            raise RuntimeError(f"Conversion keys mismatch: the samples have no {missing[0]!r}")
        columns = {name: [sample[name] for sample in batch] for name in (batch[0] if batch else ())}
        return {name: self.functions.get(name, default_collate)(values) for name, values in columns.items()}
