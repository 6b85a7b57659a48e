"""The contents of files."""

from __future__ import annotations

from collections.abc import Iterator
from io import IOBase
from typing import Any

from .._decorators import functional_datapipe
from ..datapipe import IterDataPipe

__all__ = ["StreamReaderIterDataPipe"]


@functional_datapipe("read_from_stream")
class StreamReaderIterDataPipe(IterDataPipe[tuple[str, Any]]):
    """Pairs of a path and the contents of its stream, whole or in pieces of `chunk` bytes.

    Source: https://github.com/pytorch/pytorch/blob/v2.13.0/torch/utils/data/datapipes/iter/streamreader.py
    """

    def __init__(self, datapipe: IterDataPipe[tuple[str, IOBase]], chunk: int | None = None) -> None:
        self.datapipe = datapipe
        self.chunk = chunk

    def __iter__(self) -> Iterator[tuple[str, Any]]:
        for path, stream in self.datapipe:
            try:
                while data := stream.read(-1 if self.chunk is None else self.chunk):
                    yield path, data
            finally:
                stream.close()
