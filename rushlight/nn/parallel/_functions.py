"""The moves of tensors between GPUs as functions with a gradient, which programs for several GPUs import.

There are none here: each raises what PyTorch raises for tensors of the CPU.
"""

from __future__ import annotations

from typing import Any

from rushlight.autograd.function import Function
from rushlight.device import device as Device

__all__ = ["Broadcast", "Gather", "ReduceAddCoalesced", "Scatter"]


class Broadcast(Function):
    """The same tensors on every GPU; AssertionError for those of the CPU."""

    @staticmethod
    def forward(ctx: Any, target_gpus: Any, *inputs: Any) -> Any:
        raise AssertionError("Broadcast function not implemented for CPU tensors")


class Gather(Function):
    """Tensors of several GPUs joined on one; AssertionError for those of the CPU."""

    @staticmethod
    def forward(ctx: Any, target_device: Any, dim: int, *inputs: Any) -> Any:
        raise AssertionError("Gather function not implemented for CPU tensors")


class Scatter(Function):
    """A tensor cut into parts, one a GPU; RuntimeError, since there is none."""

    @staticmethod
    def forward(ctx: Any, target_gpus: Any, chunk_sizes: Any, dim: int, input: Any) -> Any:
        raise RuntimeError(f"there are no GPUs to scatter to, got target_gpus {target_gpus}")


class ReduceAddCoalesced(Function):
    """The sum of the tensors of several GPUs, on one; RuntimeError, since there is none."""

    @staticmethod
    def forward(ctx: Any, destination: Any, num_inputs: int, *grads: Any) -> Any:
        raise RuntimeError(f"there are no GPUs to add up from, got destination {destination}")


def _get_stream(device: Device) -> None:
    """The stream in which copies to a device run beside the work there: the CPU has none."""
