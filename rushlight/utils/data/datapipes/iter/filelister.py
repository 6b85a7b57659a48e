"""The paths of files."""

from __future__ import annotations

import fnmatch
import os
from collections.abc import Iterable, Iterator
from typing import Any

from .._decorators import functional_datapipe
from .._functions import no_length
from ..datapipe import IterDataPipe
from .utils import IterableWrapperIterDataPipe

__all__ = ["FileListerIterDataPipe"]


def _files(root: str, masks: str | list[str], recursive: bool, abspath: bool) -> Iterator[str]:
    """The files under a folder, folder by folder, by name; only those whose names match a mask."""

    def fail(error: OSError) -> None:
        raise error

    wanted = [masks] if isinstance(masks, str) else list(masks)
    for folder, folders, names in os.walk(root, onerror=fail):
        folders.sort()
        for name in sorted(names):
            if wanted in ([], [""]) or any(fnmatch.fnmatch(name, mask) for mask in wanted):
                path = os.path.join(folder, name)
                yield os.path.abspath(path) if abspath else path
        if not recursive:
            return


@functional_datapipe("list_files")
class FileListerIterDataPipe(IterDataPipe[str]):
    """The paths of the files in one or more folders, by name.

    `masks` are patterns of names (`"*.txt"`), `recursive` goes into folders, `abspath` gives absolute paths, `length`
    is what `len` says.

    Source: https://github.com/pytorch/pytorch/blob/v2.13.0/torch/utils/data/datapipes/iter/filelister.py
    """

    def __init__(
        self,
        root: str | Iterable[str] | IterDataPipe[str] = ".",
        masks: str | list[str] = "",
        *,
        recursive: bool = False,
        abspath: bool = False,
        non_deterministic: bool = False,
        length: int = -1,
    ) -> None:
        roots: Any = [root] if isinstance(root, str) else root
        self.datapipe = roots if isinstance(roots, IterDataPipe) else IterableWrapperIterDataPipe(roots)
        self.masks = masks
        self.recursive = recursive
        self.abspath = abspath
        self.non_deterministic = non_deterministic
        self.length = length

    def __iter__(self) -> Iterator[str]:
        for root in self.datapipe:
            yield from _files(root, self.masks, self.recursive, self.abspath)

    def __len__(self) -> int:
        if self.length == -1:
            raise no_length(self)
        return self.length
