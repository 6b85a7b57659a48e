"""Broadcasting: `expand`, `broadcast_to`, `broadcast_tensors`, and dimensions put before or after.

Dimensions of length 1 stand for any length, and nothing is copied: the view reads one element many times.

Source: https://docs.pytorch.org/docs/2.13/notes/broadcasting.html
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rushlight import kernels
from rushlight.autograd.grad_mode import state
from rushlight.autograd.operation import ViewOperation, is_plain, view_of
from rushlight.ops._geometry import (
    Array,
    Shape,
    expand_array,
    expanded_shape,
    sizes,
    sum_to_shape,
)
from rushlight.ops._numeric import check_tensor
from rushlight.size import Size

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

from rushlight.ops.shape import reshape, unsqueeze

__all__ = [
    "atleast_1d", "atleast_2d", "atleast_3d", "broadcast_shapes", "broadcast_tensors", "broadcast_to",
]  # fmt: skip


_INTS = frozenset((int,))


class Expand(ViewOperation):
    """Dimensions of length one repeated with a stride of zero."""

    node_name = "ExpandBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor, shape: Shape) -> Array:
        ctx.shape = input._array.shape
        return Expand.expanded(input._array, shape)

    @staticmethod
    def expanded(array: Array, shape: Shape) -> Array:
        """The array with another shape, in which -1 is the length that it has."""
        own = array.shape
        new = len(shape) - len(own)
        if new >= 0:
            if shape[new:] == own and (not new or min(shape[:new]) >= 0):
                return kernels.strided_view(array, shape, (0,) * new + array.strides)
            steps = [0] * new
            for size, length, step in zip(shape[new:], own, array.strides, strict=True):
                if size == length:
                    steps.append(step)
                elif length == 1 and size >= 0:
                    steps.append(0)
                else:
                    break
            else:
                if not new or min(shape[:new]) >= 0:
                    return kernels.strided_view(array, shape, steps)
        return expand_array(array, expanded_shape(array, shape))

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return sum_to_shape(grad, ctx.shape), None


def expand(input: Tensor, *size: Any, implicit: bool = False, **named: Any) -> Tensor:
    """A view with dimensions of length one repeated, and new ones put before; -1 keeps a length.

    RuntimeError if a length other than one would have to change.

    >>> import rushlight as torch
    >>> torch.tensor([[1], [2]]).expand(-1, 3)
    tensor([[1, 1, 1],
            [2, 2, 2]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.Tensor.expand.html
    """
    if named:
        size = (named["size"],)
    first = size[0] if size else None
    if first.__class__ is tuple and len(size) == 1:
        if not first:
            return Expand.apply(input, ())
        size = first
    if not (first.__class__ is int and _INTS.issuperset(map(type, size))):
        size = sizes(size, "expand")
    return _expanded(input, size)


def _expanded(input: Tensor, shape: Shape) -> Tensor:
    if is_plain(input):
        return view_of(Expand, input, (shape,), Expand.expanded(input._array, shape))
    return Expand.apply(input, shape)


def expanded_view(view: Any, shape: Shape) -> Tensor:
    """`view.expand(shape)` of a tensor that may be a view itself: one that was just made."""
    above = view._view
    if above is None or state.levels or not state.enabled or above.base._requires_grad or view._array.dtype.names:
        return _expanded(view, shape)
    result = view_of(Expand, view, (shape,), Expand.expanded(view._array, shape))
    result._view.base, result._view.origin = above.base, above.origin
    return result


def expand_as(input: Tensor, other: Tensor) -> Tensor:
    """`input.expand(other.size())`."""
    check_tensor("expand_as", "other", 2, other)
    return _expanded(input, other._array.shape)


def broadcast_to(input: Tensor, *size: Any, **named: Any) -> Tensor:
    """`input` as a view of a shape that it broadcasts to: `input.expand(size)`.

    Raises RuntimeError for a shape that it does not broadcast to.

    >>> import rushlight as torch
    >>> torch.broadcast_to(torch.tensor([1, 2]), (2, 2))
    tensor([[1, 2],
            [1, 2]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.broadcast_to.html
    """
    check_tensor("broadcast_to", "input", 1, input)
    if len(size) == 1 and size[0].__class__ is tuple and _INTS.issuperset(map(type, size[0])) and not named:
        return _expanded(input, size[0])
    return _expanded(input, sizes((named["size"],) if named else size, "broadcast_to"))


def broadcast_shapes(*shapes: int | Sequence[int]) -> Size:
    """The shape that tensors of these shapes have together; RuntimeError if they don't fit.

    >>> import rushlight as torch
    >>> torch.broadcast_shapes((2, 1), (3,))
    torch.Size([2, 3])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.broadcast_shapes.html
    """
    result: list[int] = []
    for index, given in enumerate(shapes):
        shape = (given,) if isinstance(given, int) else tuple(given)
        result[:0] = [1] * (len(shape) - len(result))
        for i in range(-1, -len(shape) - 1, -1):
            if shape[i] < 0:
                raise RuntimeError(f"Trying to create tensor with negative dimension ({shape[i]}): ({shape[i]})")
            if shape[i] == 1 or shape[i] == result[i]:
                continue
            if result[i] != 1:
                raise RuntimeError(
                    f"Attempting to broadcast a dimension of length {shape[i]} at {i}! Mismatching argument at index "
                    f"{index} had {shape}; but expected shape should be broadcastable to {result}"
                )
            result[i] = shape[i]
    return Size(result)


def common_shape(shapes: Sequence[Shape]) -> Shape:
    """The shape of operands together; RuntimeError in the words of an elementwise operation if they don't fit."""
    result = shapes[0]
    for shape in shapes[1:]:
        ndim = max(len(result), len(shape))
        a, b = (1,) * (ndim - len(result)) + result, (1,) * (ndim - len(shape)) + shape
        for dim in range(ndim - 1, -1, -1):
            if a[dim] != b[dim] and a[dim] != 1 and b[dim] != 1:
                raise RuntimeError(
                    f"The size of tensor a ({a[dim]}) must match the size of tensor b ({b[dim]}) at non-singleton "
                    f"dimension {dim}"
                )
        result = tuple([n if m == 1 else m for m, n in zip(a, b, strict=True)])
    return result


def broadcast_tensors(*tensors: Any) -> tuple[Tensor, ...]:
    """Views of the tensors with the one shape that they have together; no element is copied.

    Raises RuntimeError for shapes that do not broadcast.

    >>> import rushlight as torch
    >>> row, column = torch.broadcast_tensors(torch.tensor([1, 2]), torch.tensor([[3], [4]]))
    >>> column
    tensor([[3, 3],
            [4, 4]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.broadcast_tensors.html
    """
    if len(tensors) == 1 and isinstance(tensors[0], (tuple, list)):
        tensors = tuple(tensors[0])
    for i, tensor in enumerate(tensors):
        check_tensor("broadcast_tensors", "tensors", i + 1, tensor)
    shape = common_shape([tensor._array.shape for tensor in tensors])
    return tuple([tensor if tensor._array.shape == shape else Expand.apply(tensor, shape) for tensor in tensors])


def _atleast(function: str, tensors: tuple[Any, ...], one: Any) -> Any:
    single = len(tensors) == 1 and not isinstance(tensors[0], (tuple, list))
    if len(tensors) == 1 and not single:
        tensors = tuple(tensors[0])
    for i, tensor in enumerate(tensors):
        check_tensor(function, "tensors", i + 1, tensor)
    return one(tensors[0]) if single else tuple([one(tensor) for tensor in tensors])


def atleast_1d(*tensors: Any) -> Any:
    """Each tensor with at least one dimension: a scalar becomes `(1,)`, others stay as they are.

    One tensor gives a tensor; several, or a sequence, give a tuple.

    >>> import rushlight as torch
    >>> torch.atleast_1d(torch.tensor(3.0))
    tensor([3.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.atleast_1d.html
    """
    return _atleast("atleast_1d", tensors, lambda tensor: tensor if tensor._array.ndim else reshape(tensor, (1,)))


def atleast_2d(*tensors: Any) -> Any:
    """Each tensor with at least two dimensions: `()` becomes `(1, 1)` and `(n,)` becomes `(1, n)`, as views.

    One tensor gives a tensor; several, or a sequence, give a tuple.

    >>> import rushlight as torch
    >>> torch.atleast_2d(torch.tensor([1.0, 2.0]))
    tensor([[1., 2.]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.atleast_2d.html
    """

    def one(tensor: Tensor) -> Tensor:
        ndim = tensor._array.ndim
        if ndim == 0:
            return reshape(tensor, (1, 1))
        return unsqueeze(tensor, 0) if ndim == 1 else tensor

    return _atleast("atleast_2d", tensors, one)


def atleast_3d(*tensors: Any) -> Any:
    """Each tensor with at least three dimensions: `(n,)` becomes `(1, n, 1)` and `(m, n)` becomes `(m, n, 1)`, as
    views.

    One tensor gives a tensor; several, or a sequence, give a tuple.

    >>> import rushlight as torch
    >>> torch.atleast_3d(torch.tensor([1.0, 2.0])).shape
    torch.Size([1, 2, 1])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.atleast_3d.html
    """

    def one(tensor: Tensor) -> Tensor:
        ndim = tensor._array.ndim
        if ndim == 0:
            return reshape(tensor, (1, 1, 1))
        if ndim == 1:
            return unsqueeze(unsqueeze(tensor, 0), -1)
        return unsqueeze(tensor, -1) if ndim == 2 else tensor

    return _atleast("atleast_3d", tensors, one)


class BroadcastMethods:
    """Tensor's methods of this family."""

    broadcast_to = broadcast_to
    expand = expand
    expand_as = expand_as
