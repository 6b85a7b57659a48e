"""Max pooling to any smaller size over windows whose places are drawn at random."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rushlight.autograd.grad_mode import state
from rushlight.autograd.operation import Operation
from rushlight.autograd.variable import Variable, wrap
from rushlight.dtypes import from_numpy_dtype
from rushlight.kernels import pooling as kernels
from rushlight.ops.max_pool import ScatterIndices
from rushlight.ops.random import rand

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

    Sizes = int | Sequence[int]
    Ratios = float | Sequence[float]

__all__ = [
    "fractional_max_pool2d",
    "fractional_max_pool2d_with_indices",
    "fractional_max_pool3d",
    "fractional_max_pool3d_with_indices",
]

Ints = tuple[int, ...]


class FractionalMaxPool(Operation):
    """The largest element of each window and its index; `samples` (N, C, rank) say where the windows begin."""

    adjoint: type[Operation]

    @classmethod
    def forward(cls, ctx: Any, input: Tensor, samples: Tensor, kernel: Ints, outputs: Ints) -> Any:
        values, found = kernels.fractional_max_pool(input._array, samples._array, kernel, outputs)
        indices = wrap(found)
        ctx.sizes, ctx.adjoint = input._array.shape[-len(kernel) :], cls.adjoint
        ctx.save_for_backward(indices)
        return values, indices

    @staticmethod
    def backward(ctx: Any, grad: Tensor, *_: Any) -> Any:
        (indices,) = ctx.saved_tensors
        return ctx.adjoint.apply(grad, indices, ctx.sizes), None, None, None


def _named(rank: int) -> type[FractionalMaxPool]:
    name = f"FractionalMaxPool{rank}D"
    adjoint = type(f"{name}Adjoint", (ScatterIndices,), {"node_name": f"{name}BackwardBackward0"})
    return type(name, (FractionalMaxPool,), {"node_name": f"{name}Backward0", "adjoint": adjoint})


_OPERATIONS = {rank: _named(rank) for rank in (2, 3)}
_AXES = {2: ("height", "width"), 3: ("time", "height", "width")}


def _sizes(rank: int, name: str, value: Any) -> Ints:
    function = f"fractional_max_pool{rank}d"
    try:
        numbers = (operator.index(value),) * rank if hasattr(value, "__index__") else tuple(map(operator.index, value))
    except TypeError:
        raise TypeError(f"{function}(): argument '{name}' must be tuple of ints, not {type(value).__name__}") from None
    if len(numbers) != rank:
        ints = "Ints" if rank == 2 else "three Ints"
        raise RuntimeError(f"{function}: {name} must either be a single Int or tuple of {ints}")
    return numbers


def _outputs_of_ratio(rank: int, shape: Ints, ratio: Any) -> Ints:
    if rank == 2 and len(ratio) > 2:
        raise ValueError("fractional_max_pool2d requires output_ratio to either be a single Int or tuple of Ints.")
    ratios = tuple(ratio) if isinstance(ratio, Sequence) else (ratio,) * rank
    return tuple(int(shape[axis - rank] * ratios[axis]) for axis in range(rank))


def _check_input(rank: int, shape: Ints, kernel: Ints, outputs: Ints) -> None:
    where = "fractional_max_pool2d()" if rank == 2 else "fractional_max_pool3d_out()"
    if len(shape) not in (rank + 1, rank + 2):
        raise RuntimeError(f"{where}: Expected {rank + 1}D or {rank + 2}D tensor, but got: {list(shape)}")
    for axis in range(len(shape) - rank - 1, len(shape)):
        if shape[axis] == 0:
            raise RuntimeError(
                f"{where}: Expected input to have non-zero size for non-batch dimensions, but got{list(shape)} with "
                f"dimension {axis} being empty."
            )
    for name, size, k, out in zip(_AXES[rank], shape[-rank:], kernel, outputs, strict=True):
        # In three dimensions PyTorch asks for one element more.
        if out + k - 1 > size - (rank == 3):
            raise RuntimeError(f"{where}: pool {name} {k} too large relative to input {name} {size}")
    if min(outputs) < 0:
        shown = [*shape[:-rank], *outputs]
        raise RuntimeError(f"Trying to create tensor with negative dimension {min(outputs)}: {shown}")


def _check_samples(rank: int, input: Any, samples: Any) -> None:
    x, s = input._array, samples._array
    if s.dtype != x.dtype:
        raise RuntimeError("Expect _random_samples to have the same dtype as input")
    if s.ndim != 3:
        raise RuntimeError(f"Expect _random_samples to have 3 dimensions, got {s.ndim}")
    batch = x.shape[0] if x.ndim == rank + 2 else 1
    if s.shape[0] < batch:
        raise RuntimeError("Expect _random_samples.size(0) no less then input batch size.")
    if s.shape[1] != x.shape[-rank - 1]:
        raise RuntimeError("Expect _random_samples.size(1) equals to input channel size.")
    if s.shape[2] != rank:
        raise RuntimeError(f"Expect _random_samples.size(2) equals to {rank}; got {s.shape[2]}.")
    if x.dtype.kind not in "fV":
        raise NotImplementedError(
            f"\"fractional_max_pool{rank}d_out_frame\" not implemented for '{from_numpy_dtype(x.dtype).legacy_name}'"
        )


def _fractional(
    rank: int, input: Any, kernel_size: Any, output_size: Any, output_ratio: Any, samples: Any
) -> tuple[Tensor, Tensor]:
    function = f"fractional_max_pool{rank}d"
    if output_size is None and output_ratio is None:
        raise ValueError(f"{function} requires specifying either an output_size or an output_ratio")
    if not isinstance(input, Variable):
        raise TypeError(f"{function}(): argument 'input' (position 1) must be Tensor, not {type(input).__name__}")
    shape = input._array.shape
    if output_size is None:
        output_size = _outputs_of_ratio(rank, shape, output_ratio)
    if samples is None:
        if len(shape) <= rank:
            raise IndexError(
                f"Dimension out of range (expected to be in range of [{-len(shape)}, {len(shape) - 1}], but got "
                f"{-rank - 1})"
            )
        samples = rand(1 if len(shape) == rank + 1 else shape[0], shape[-rank - 1], rank, dtype=input.dtype)
    kernel, outputs = _sizes(rank, "kernel_size", kernel_size), _sizes(rank, "output_size", output_size)
    _check_input(rank, shape, kernel, outputs)
    _check_samples(rank, input, samples)
    return _OPERATIONS[rank].apply(input, samples, kernel, outputs)


def fractional_max_pool2d_with_indices(
    input: Tensor,
    kernel_size: Sizes,
    output_size: Sizes | None = None,
    output_ratio: Ratios | None = None,
    return_indices: bool = False,
    _random_samples: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """`fractional_max_pool2d` that always returns the indices, too.

    >>> import rushlight as torch
    >>> x = torch.arange(16.).view(1, 4, 4)
    >>> torch.nn.functional.fractional_max_pool2d_with_indices(x, 2, 1)[1]
    tensor([[[15]]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.fractional_max_pool2d.html
    """
    if state.casts is not None:
        return state.casts.float32(
            fractional_max_pool2d_with_indices,
            input,
            kernel_size,
            output_size,
            output_ratio,
            return_indices,
            _random_samples,
        )
    return _fractional(2, input, kernel_size, output_size, output_ratio, _random_samples)


def fractional_max_pool3d_with_indices(
    input: Tensor,
    kernel_size: Sizes,
    output_size: Sizes | None = None,
    output_ratio: Ratios | None = None,
    return_indices: bool = False,
    _random_samples: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """`fractional_max_pool3d` that always returns the indices, too.

    >>> import rushlight as torch
    >>> x = torch.arange(64.).view(1, 4, 4, 4)
    >>> torch.nn.functional.fractional_max_pool3d_with_indices(x, 2, 1)[1]
    tensor([[[[63]]]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.fractional_max_pool3d.html
    """
    if state.casts is not None:
        return state.casts.float32(
            fractional_max_pool3d_with_indices,
            input,
            kernel_size,
            output_size,
            output_ratio,
            return_indices,
            _random_samples,
        )
    return _fractional(3, input, kernel_size, output_size, output_ratio, _random_samples)


def fractional_max_pool2d(
    input: Tensor,
    kernel_size: Sizes,
    output_size: Sizes | None = None,
    output_ratio: Ratios | None = None,
    return_indices: bool = False,
    _random_samples: Tensor | None = None,
) -> Any:
    """The largest element of each of output_size windows of kernel_size elements, whose places are drawn at random.

    Window i of a dimension of L elements begins at floor((i + u)·α) - floor(u·α), α = (L - K) / (O - 1), the last one
    at L - K; u is uniform on [0, 1), one number for each sample, channel and dimension: `_random_samples` (N, C, 2;
    width first), by default drawn from the generator. output_ratio, a pair of fractions of the input's size, stands for
    output_size. Shapes: input (N, C, H, W) or (C, H, W); result (N, C, OH, OW), with return_indices also the index of
    each largest element in the flattened H·W. Floating-point types. Raises ValueError if neither size nor ratio is
    given, RuntimeError where sizes don't fit.

    >>> import rushlight as torch
    >>> torch.nn.functional.fractional_max_pool2d(torch.ones(1, 3, 9, 9), 2, output_ratio=(0.5, 0.7)).shape
    torch.Size([1, 3, 4, 6])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.fractional_max_pool2d.html
    """
    if state.casts is not None:
        return state.casts.float32(
            fractional_max_pool2d, input, kernel_size, output_size, output_ratio, return_indices, _random_samples
        )
    values, indices = _fractional(2, input, kernel_size, output_size, output_ratio, _random_samples)
    return (values, indices) if return_indices else values


def fractional_max_pool3d(
    input: Tensor,
    kernel_size: Sizes,
    output_size: Sizes | None = None,
    output_ratio: Ratios | None = None,
    return_indices: bool = False,
    _random_samples: Tensor | None = None,
) -> Any:
    """The largest element of each of output_size windows over three dimensions; `fractional_max_pool2d` says what the
    arguments mean.

    Shapes: input (N, C, D, H, W) or (C, D, H, W); result (N, C, OD, OH, OW). `_random_samples` is (N, C, 3), depth
    first. Indices count in the flattened D·H·W.

    >>> import rushlight as torch
    >>> torch.nn.functional.fractional_max_pool3d(torch.ones(1, 3, 9, 9, 9), 2, output_size=(4, 5, 6)).shape
    torch.Size([1, 3, 4, 5, 6])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.fractional_max_pool3d.html
    """
    if state.casts is not None:
        return state.casts.float32(
            fractional_max_pool3d, input, kernel_size, output_size, output_ratio, return_indices, _random_samples
        )
    values, indices = _fractional(3, input, kernel_size, output_size, output_ratio, _random_samples)
    return (values, indices) if return_indices else values
