"""How many threads the compiled kernels use."""

from __future__ import annotations

from rushlight.kernels.dispatch import native

__all__ = ["get_num_threads", "set_num_threads"]


def get_num_threads() -> int:
    """The number of threads that one kernel may use; 1 without the compiled kernels.

    At the start it is `RUSHLIGHT_NUM_THREADS`, else `OMP_NUM_THREADS`, else the cores this process may run on.
    Source: https://docs.pytorch.org/docs/2.13/generated/torch.get_num_threads.html

    >>> import rushlight as torch
    >>> torch.get_num_threads() >= 1
    True
    """
    return 1 if native is None else int(native.get_num_threads())


def set_num_threads(n: int) -> None:
    """Sets the number of threads that one kernel may use, for the whole process.

    NumPy's own BLAS is not affected: set `OMP_NUM_THREADS` for it. Raises RuntimeError if `n` is not a
    positive integer.
    Source: https://docs.pytorch.org/docs/2.13/generated/torch.set_num_threads.html

    >>> import rushlight as torch
    >>> torch.set_num_threads(1)
    >>> torch.get_num_threads()
    1
    """
    if not isinstance(n, int) or isinstance(n, bool):
        raise RuntimeError(f"set_num_threads expects an int, but got {type(n).__name__}")
    if n < 1:
        raise RuntimeError("set_num_threads expects a positive integer")
    if native is not None:
        native.set_num_threads(min(n, 2**31 - 1))
