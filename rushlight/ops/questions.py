"""What programs ask of a tensor's memory before they move it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rushlight.ops._numeric import check_tensor

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

__all__ = ["get_device", "is_same_size", "is_signed"]


def get_device(input: Tensor) -> int:
    """The number of the GPU that holds the tensor: -1, since the CPU does.

    >>> import rushlight as torch
    >>> torch.get_device(torch.ones(1))
    -1

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.Tensor.get_device.html
    """
    check_tensor("get_device", "input", 1, input)
    return -1


def is_same_size(input: Tensor, other: Tensor) -> bool:
    """Whether two tensors have one shape.

    >>> import rushlight as torch
    >>> torch.is_same_size(torch.ones(2, 3), torch.ones(3, 2))
    False
    """
    check_tensor("is_same_size", "input", 1, input)
    check_tensor("is_same_size", "other", 2, other)
    return bool(input.shape == other.shape)


def is_signed(input: Tensor) -> bool:
    """Whether the dtype holds negative numbers.

    >>> import rushlight as torch
    >>> torch.is_signed(torch.ones(1)), torch.is_signed(torch.ones(1, dtype=torch.uint8))
    (True, False)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.Tensor.is_signed.html
    """
    check_tensor("is_signed", "input", 1, input)
    return bool(input.dtype.is_signed)


def _is_pinned(input: Tensor, device: Any = None) -> bool:
    return False


def _pin_memory(input: Tensor, device: Any = None) -> Tensor:
    raise RuntimeError("Cannot access accelerator device when none is available.")


class QuestionMethods:
    """The questions as Tensor methods and attributes."""

    is_cpu = True
    is_cuda = is_ipu = is_maia = is_meta = is_mkldnn = is_mps = is_mtia = is_nested = is_vulkan = is_xla = is_xpu = (
        False
    )
    name = None

    @property
    def itemsize(self: Any) -> int:
        """The bytes of one element."""
        return int(self.dtype.itemsize)

    @property
    def nbytes(self: Any) -> int:
        """The bytes of all elements."""
        return int(self._array.nbytes)

    get_device = get_device
    is_pinned = _is_pinned
    is_same_size = is_same_size
    is_signed = is_signed
    pin_memory = _pin_memory
