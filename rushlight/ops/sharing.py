"""Memory that processes share: what a forked worker writes, its parent sees."""

from __future__ import annotations

import mmap
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

__all__ = ["is_shared", "share_memory_"]


def is_shared(input: Tensor) -> bool:
    """Whether the tensor's memory is shared with the processes forked since `share_memory_`.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.Tensor.is_shared.html
    """
    owner: Any = input._array
    while isinstance(owner, np.ndarray):
        owner = owner.base
    if isinstance(owner, memoryview):
        owner = owner.obj
    return isinstance(owner, mmap.mmap)


def share_memory_(input: Tensor) -> Tensor:
    """Move the tensor's memory, in place, to where processes forked later share it; a tensor that is there stays.

    Views made before keep the old memory.

    >>> import rushlight as torch
    >>> torch.ones(2).share_memory_().is_shared()
    True

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.Tensor.share_memory_.html
    """
    if is_shared(input):
        return input
    array = input._array
    memory = mmap.mmap(-1, max(array.nbytes, 1))
    shared: np.ndarray[Any, Any] = np.ndarray(array.shape, array.dtype, buffer=memory)
    shared[...] = array
    input._array = shared
    return input
