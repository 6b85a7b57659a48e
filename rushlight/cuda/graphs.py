"""Recorded work on CUDA devices, which can't be made here.

Source: https://docs.pytorch.org/docs/2.13/cuda.html#graphs-beta
"""

from __future__ import annotations

from typing import Any

from rushlight.cuda._core import refuse

__all__ = [
    "CUDAGraph", "GreenContext", "graph", "graph_pool_handle", "is_current_stream_capturing", "make_graphed_callables",
]  # fmt: skip


class CUDAGraph:
    """Recorded work of a CUDA device: RuntimeError, as there is none."""

    def __init__(self, keep_graph: bool = False) -> None:
        raise RuntimeError("Tried to instantiate dummy base class CUDAGraph")

    def capture_begin(self, pool: Any = None, capture_error_mode: str = "global") -> None:
        """Begin to record."""
        refuse()

    def capture_end(self) -> None:
        """End recording."""
        refuse()

    def instantiate(self) -> None:
        """Make what was recorded ready."""
        refuse()

    def replay(self) -> None:
        """Run what was recorded."""
        refuse()

    def reset(self) -> None:
        """Forget what was recorded."""
        refuse()

    def pool(self) -> Any:
        """The memory of what was recorded."""
        refuse()

    def enable_debug_mode(self) -> None:
        """Keep what `debug_dump` shows."""
        refuse()

    def debug_dump(self, debug_path: str) -> None:
        """Write what was recorded to a file."""
        refuse()

    def raw_cuda_graph(self) -> int:
        """CUDA's own number of what was recorded."""
        refuse()

    def raw_cuda_graph_exec(self) -> int:
        """CUDA's own number of what was made ready."""
        refuse()


class graph:
    """A block whose work is recorded: RuntimeError, as there is no CUDA."""

    def __init__(
        self,
        cuda_graph: CUDAGraph,
        pool: Any = None,
        stream: Any = None,
        capture_error_mode: str = "global",
        enable_annotations: bool = False,
        check_input_liveness: bool = False,
    ) -> None:
        raise RuntimeError("torch.cuda.Stream requires CUDA support")


class GreenContext:
    """A part of a CUDA device: AssertionError when asked for, as there is none."""

    @staticmethod
    def create(**kwargs: Any) -> Any:
        """Raises AssertionError, as a PyTorch without CUDA does."""
        refuse()

    @staticmethod
    def max_workqueue_concurrency(device_id: int | None = None) -> int:
        """Raises AssertionError, as a PyTorch without CUDA does."""
        refuse()

    def set_context(self) -> None:
        """Enter the part."""
        refuse()

    def pop_context(self) -> None:
        """Leave the part."""
        refuse()

    def Stream(self) -> Any:
        """A queue of work in the part."""
        refuse()


def is_current_stream_capturing() -> bool:
    """False: nothing is being recorded."""
    return False


def graph_pool_handle() -> Any:
    """Raises RuntimeError, as a PyTorch without CUDA does."""
    raise RuntimeError("Tried to instantiate dummy base class _graph_pool_handle")


def make_graphed_callables(
    callables: Any,
    sample_args: Any,
    num_warmup_iters: int = 3,
    allow_unused_input: bool = False,
    pool: Any = None,
) -> Any:
    """Raises RuntimeError, as a PyTorch without CUDA does."""
    raise RuntimeError("Tried to instantiate dummy base class CUDAGraph")
