"""Files by their paths."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from .._decorators import functional_datapipe
from .._functions import StreamWrapper, no_length
from ..datapipe import IterDataPipe

__all__ = ["FileOpenerIterDataPipe"]


@functional_datapipe("open_files")
class FileOpenerIterDataPipe(IterDataPipe[tuple[str, Any]]):
    """Pairs of each path and its opened file, which is closed when nobody holds it any more.

    `mode` and `encoding` are those of `open`; ValueError for a mode that isn't one of reading.

    Source: https://github.com/pytorch/pytorch/blob/v2.13.0/torch/utils/data/datapipes/iter/fileopener.py
    """

    def __init__(self, datapipe: Iterable[str], mode: str = "r", encoding: str | None = None, length: int = -1) -> None:
        if mode not in ("b", "t", "rb", "rt", "r"):
            raise ValueError(f"Invalid mode {mode}")
        self.datapipe = datapipe
        self.mode = mode if mode.startswith("r") else f"r{mode}"
        self.encoding = encoding
        self.length = length
        if "b" in mode and encoding is not None:
            raise ValueError("binary mode doesn't take an encoding argument")

    def __iter__(self) -> Iterator[tuple[str, Any]]:
        for path in self.datapipe:
            if not isinstance(path, str):
                raise TypeError(f"Expected string type for pathname, but got {type(path)}")
            yield path, StreamWrapper(open(path, self.mode, encoding=self.encoding))  # noqa: SIM115

    def __len__(self) -> int:
        if self.length == -1:
            raise no_length(self)
        return self.length
