"""What programs ask of a tensor and its memory, and how they cut it from the graph.

None of them computes with the elements.
"""

from __future__ import annotations

import itertools
import warnings
from typing import TYPE_CHECKING, Any

from rushlight.layout import channels_last, memory_format
from rushlight.ops._numeric import check_tensor
from rushlight.ops.conversion import data_ptr, is_contiguous, stride

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

__all__ = ["detach", "detach_", "get_device", "is_distributed", "is_inference", "is_same_size", "is_signed"]


def detach(input: Tensor) -> Tensor:
    """A tensor of the same memory that is cut from the graph.

    >>> import rushlight as torch
    >>> torch.detach(torch.ones(1, requires_grad=True))
    tensor([1.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.Tensor.detach.html
    """
    check_tensor("detach", "input", 1, input)
    return input.detach()


def detach_(input: Tensor) -> Tensor:
    """Cut the tensor itself from the graph: it becomes a leaf that needs no gradient. Raises RuntimeError for a view.

    >>> import rushlight as torch
    >>> x = torch.ones(2, requires_grad=True) * 2
    >>> x.detach_().requires_grad
    False

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.Tensor.detach_.html
    """
    check_tensor("detach_", "input", 1, input)
    return input.detach_()


def is_inference(input: Tensor) -> bool:
    """Whether the tensor was made in inference mode.

    >>> import rushlight as torch
    >>> torch.is_inference(torch.ones(1))
    False

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.is_inference_mode_enabled.html
    """
    check_tensor("is_inference", "input", 1, input)
    return input.is_inference()


def is_distributed(input: Tensor) -> bool:
    """Whether the tensor is spread over several machines: never.

    >>> import rushlight as torch
    >>> torch.is_distributed(torch.ones(1))
    False

    Source: https://docs.pytorch.org/docs/2.13/torch.html
    """
    check_tensor("is_distributed", "input", 1, input)
    return False


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

    Source: https://docs.pytorch.org/docs/2.13/torch.html
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
    """Whether the memory is locked for an accelerator to read: never."""
    return False


def _pin_memory(input: Tensor, device: Any = None) -> Tensor:
    """Raise RuntimeError: there is no accelerator to lock memory for."""
    raise RuntimeError("Cannot access accelerator device when none is available.")


def dim_order(input: Tensor, *, ambiguity_check: bool | list[memory_format] = False) -> tuple[int, ...]:
    """The dimensions from the slowest to the fastest in memory.

    RuntimeError with `ambiguity_check` if lengths of one or equal strides leave it open, or, given formats, unless just
    one of them fits. AttributeError for a sparse tensor.

    >>> import rushlight as torch
    >>> torch.zeros(2, 3, 4).transpose(0, 1).dim_order()
    (1, 0, 2)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.Tensor.dim_order.html
    """
    if input.is_sparse:
        raise AttributeError(f"Can't get dim order on sparse type: {input.type()}; use Tensor.to_dense() first")
    listed = isinstance(ambiguity_check, list)
    if not isinstance(ambiguity_check, (bool, list)) or (
        listed and not all(isinstance(one, memory_format) for one in ambiguity_check)  # type: ignore[union-attr]
    ):
        raise TypeError("The ambiguity_check argument must be a bool or a list of memory formats.")
    strides, shape = stride(input), input._array.shape
    if ambiguity_check is not False and (1 in shape or any(a == b for a, b in itertools.pairwise(strides))):
        formats = ambiguity_check if isinstance(ambiguity_check, list) else []
        if sum(is_contiguous(input, one) for one in formats) != 1:
            raise RuntimeError(
                "The tensor does not have unique dim order, or cannot map to exact one of the given memory formats."
            )
    plain, last = is_contiguous(input), is_contiguous(input, channels_last)
    if plain != last:
        return tuple(range(len(shape))) if plain else (0, 2, 3, 1)
    order: list[int] = list(range(len(shape)))[::-1]
    # Sorted by insertion: where a stride of zero says nothing, dimensions keep their places.
    for place in range(1, len(order)):
        at = place
        for before in range(place - 1, -1, -1):
            a, b = order[before], order[at]
            if 0 in (strides[a], strides[b]):
                continue
            if strides[a] < strides[b]:
                break
            if strides[a] > strides[b] or shape[a] > shape[b]:
                order[before], order[at] = b, a
                at = before
    return tuple(order[::-1])


def _refused(function: str) -> Any:
    def refuse(input: Tensor, *arguments: Any, **options: Any) -> Any:
        raise NotImplementedError(
            f"Could not run 'aten::{function}' with arguments from the 'CPU' backend: it exists for other tensors only"
        )

    refuse.__name__ = function
    refuse.__doc__ = f"NotImplementedError: the tensors that `{function}` is for are not of the CPU's dense ones."
    return refuse


def _volatile(input: Tensor) -> bool:
    """False, with a warning: what it once said, `torch.no_grad` says now."""
    warnings.warn("volatile was removed (Variable.volatile is always False)", UserWarning, stacklevel=2)
    return False


def _set_volatile(input: Tensor, value: Any) -> None:
    message = "volatile was removed and now has no effect. Use `with torch.no_grad():` instead."
    warnings.warn(message, UserWarning, stacklevel=2)


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

    volatile = property(_volatile, _set_volatile)
    const_data_ptr = data_ptr
    dim_order = dim_order
    get_device = get_device
    is_distributed = is_distributed
    is_pinned = _is_pinned
    is_same_size = is_same_size
    is_signed = is_signed
    pin_memory = _pin_memory
    record_stream = _refused("record_stream")
    to_padded_tensor = _refused("to_padded_tensor")
