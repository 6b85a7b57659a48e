"""Types that annotations name.

Source: https://docs.pytorch.org/docs/2.13/torch.html
"""

from __future__ import annotations

import os
from typing import IO, Any, Union

from rushlight.device import device
from rushlight.storage import TypedStorage, UntypedStorage
from rushlight.symbolic import SymBool, SymFloat, SymInt

__all__ = ["Device", "FileLike", "Number", "Storage"]

Number = int | float | bool
Device = device | str | int | None
FileLike = Union[str, os.PathLike[str], IO[bytes]]  # noqa: UP007
IntLikeType = int | SymInt
FloatLikeType = float | SymFloat
BoolLikeType = bool | SymBool
PySymType = SymInt | SymFloat | SymBool


class _AnyStorage(type):
    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, TypedStorage | UntypedStorage)


class Storage(metaclass=_AnyStorage):
    """A storage, of bytes or of elements."""
