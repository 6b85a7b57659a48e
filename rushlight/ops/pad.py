"""Padding: with a constant, with a mirror image, with the edge, or around the other end.

Amounts are given from the last dimension backwards, two for each, and negative ones cut.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rushlight import dtypes
from rushlight.autograd.grad_mode import state
from rushlight.autograd.operation import NUMBERS, Operation
from rushlight.autograd.variable import Variable
from rushlight.dtypes import from_numpy_dtype
from rushlight.kernels import padding as kernels
from rushlight.ops._codes import pad_codes
from rushlight.ops._data import fill_array
from rushlight.ops.promotion import check_fits

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

__all__ = ["constant_pad_nd", "pad"]

Pads = tuple[tuple[int, int], ...]


class ConstantPad(Operation):
    """`input` with `value` around it. `pads` is ((before, after), ...) for the last axes, in their order; negative ones
    crop."""

    node_name = "ConstantPadNdBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor, pads: Pads, value: Any) -> Any:
        ctx.pads = pads
        array = input._array
        if array.dtype.names:
            return pad_codes(array, pads, value)
        return kernels.pad_constant(array, pads, value)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return ConstantPad.apply(grad, tuple((-before, -after) for before, after in ctx.pads), 0), None, None


class IndexPad(Operation):
    """`input` with copies of its own elements around it, as `mode` says. A subclass for each name that PyTorch's graph
    shows."""

    adjoint: type[IndexPadBackward]

    @staticmethod
    def forward(ctx: Any, input: Tensor, pads: Pads, mode: str) -> Any:
        ctx.pads, ctx.mode, ctx.sizes = pads, mode, input._array.shape[-len(pads) :]
        return kernels.pad_index(input._array, pads, mode)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        adjoint = _INDEX_PADS[ctx.mode][len(ctx.pads) - 1].adjoint
        return adjoint.apply(grad, ctx.sizes, ctx.pads, ctx.mode), None, None


class IndexPadBackward(Operation):
    """The adjoint of `IndexPad`: every copy's gradient goes to the element it was copied from."""

    @staticmethod
    def forward(ctx: Any, grad: Tensor, sizes: tuple[int, ...], pads: Pads, mode: str) -> Any:
        ctx.pads, ctx.mode = pads, mode
        return kernels.pad_index_backward(grad._array, sizes, pads, mode)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return _INDEX_PADS[ctx.mode][len(ctx.pads) - 1].apply(grad, ctx.pads, ctx.mode), None, None, None


def _named(name: str) -> type[IndexPad]:
    adjoint = type(f"{name}Adjoint", (IndexPadBackward,), {"node_name": f"{name}BackwardBackward0"})
    return type(name, (IndexPad,), {"node_name": f"{name}Backward0", "adjoint": adjoint})


# PyTorch composes circular padding of copies, and its graph shows the last of them.
_CircularPad = type("_CircularPad", (IndexPad,), {"node_name": "CopySlices", "adjoint": IndexPadBackward})

_INDEX_PADS: dict[str, tuple[type[IndexPad], ...]] = {
    "reflect": tuple(_named(f"ReflectionPad{rank}D") for rank in (1, 2, 3)),
    "replicate": tuple(_named(f"ReplicationPad{rank}D") for rank in (1, 2, 3)),
    "circular": (_CircularPad,) * 3,
}


def _pads(pad: Any) -> Pads:
    """The flat list (last axis first) as pairs in the order of the axes."""
    if not isinstance(pad, Sequence) or isinstance(pad, str):
        raise TypeError(f"pad(): argument 'pad' (position 2) must be tuple of ints, not {type(pad).__name__}")
    numbers = []
    for position, entry in enumerate(pad):
        try:
            numbers.append(operator.index(entry))
        except TypeError:
            raise TypeError(
                f"pad(): argument 'pad' (position 2) must be tuple of ints, but found element of type "
                f"{type(entry).__name__} at pos {position}"
            ) from None
    if len(numbers) % 2:
        raise RuntimeError("Padding length must be divisible by 2")
    return tuple(zip(numbers[-2::-2], numbers[::-2], strict=True))


_MOST = 2**62  # elements of a dimension


def _filler(value: Any, dtype: dtypes.dtype) -> Any:
    """What to pad with, in the tensor's type; TypeError for what is no number, RuntimeError for what doesn't fit."""
    if isinstance(value, Variable):
        value = value._array.item()
    if not isinstance(value, NUMBERS):
        raise TypeError(f"constant_pad_nd(): argument 'value' (position 3) must be Number, not {type(value).__name__}")
    if dtype.is_floating_point:
        check_fits(value, dtype)
    elif isinstance(value, float) and dtype.numpy_dtype.kind in "iu":
        limits = dtypes.iinfo(dtype)
        if not limits.min <= value <= limits.max:
            name = "int" if dtype is dtypes.int32 else f"{dtype.name}_t"
            raise RuntimeError(f"value cannot be converted to type {name} without overflow")
    return fill_array(value, dtype)


def constant_pad_nd(input: Tensor, pad: Sequence[int], value: float | complex = 0) -> Tensor:
    """Put `value` around a tensor of any shape, or crop it where a pad is negative.

    pad is (before, after) of the last dimension, then of the one before it, and so on; the result's dimension has
    `before + size + after` elements. Raises RuntimeError for more pads than dimensions and where nothing would be left.

    >>> import rushlight as torch
    >>> torch.constant_pad_nd(torch.ones(2), (1, 2), 5)
    tensor([5., 1., 1., 5., 5.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.pad.html
    """
    if not isinstance(input, Variable):
        raise TypeError(f"pad(): argument 'input' (position 1) must be Tensor, not {type(input).__name__}")
    pads = _pads(pad)
    shape = input._array.shape
    if len(pads) > len(shape):
        raise RuntimeError(
            "Padding length should be less than or equal to two times the input dimension but got padding length "
            f"{2 * len(pads)} and input of dimension {len(shape)}"
        )
    for axis, (before, after) in enumerate(pads, len(shape) - len(pads)):
        if not 0 <= shape[axis] + before + after <= _MOST or shape[axis] + min(before, 0) + min(after, 0) < 0:
            raise RuntimeError(
                f"The input size {shape[axis]}, plus negative padding {before} and {after} resulted in a negative "
                f"output size, which is invalid. Check dimension {axis} of your input."
            )
    plain_zero = value.__class__ in (int, float) and value == 0
    if not plain_zero and input._array.dtype.names is None and any(max(pair) > 0 for pair in pads):
        value = _filler(value, input.dtype)
    return ConstantPad.apply(input, pads, value)


_LETTERS = ("D", "H", "W")


def _check_index_pads(shape: tuple[int, ...], pads: Pads, mode: str) -> None:
    """PyTorch's conditions on what may be padded with copies of itself."""
    rank = len(pads)
    if not 1 <= rank <= 3 or len(shape) not in (rank + 1, rank + 2):
        raise NotImplementedError(
            f"Padding size {2 * rank} is not supported for {len(shape)}D input tensor.\n"
            "Supported combinations for non-constant padding:\n"
            "  - 2D or 3D input: padding size = 2 (pads last dimension)\n"
            "  - 3D or 4D input: padding size = 4 (pads last 2 dimensions)\n"
            "  - 4D or 5D input: padding size = 6 (pads last 3 dimensions)"
        )
    sizes = shape[-rank:]
    if mode == "circular":
        if any(max(pair) > size for pair, size in zip(pads, sizes, strict=True)):
            raise RuntimeError("Padding value causes wrapping around more than once.")
        if any(size + min(b, 0) + min(a, 0) < 0 or size + a + b < 0 for (b, a), size in zip(pads, sizes, strict=True)):
            raise RuntimeError("Negative padding value is resulting in an empty dimension")
        if any(size + min(b, 0) + min(a, 0) == 0 < size + a + b for (b, a), size in zip(pads, sizes, strict=True)):
            raise RuntimeError("Padding value causes wrapping around more than once.")
        return
    if 0 in shape[len(shape) - rank - 1 :]:
        raise RuntimeError(
            f"Expected {rank + 1}D or {rank + 2}D (batch mode) tensor with possibly 0 batch size and other non-zero "
            f"dimensions for input, but got: {list(shape)}"
        )
    for axis in reversed(range(rank)):
        if mode == "reflect" and max(pads[axis]) >= sizes[axis]:
            raise RuntimeError(
                "Argument #4: Padding size should be less than the corresponding input dimension, but got: padding "
                f"({pads[axis][0]}, {pads[axis][1]}) at dimension {len(shape) - rank + axis} of input {list(shape)}"
            )
    padded = [size + before + after for size, (before, after) in zip(sizes, pads, strict=True)]
    # PyTorch lets one dimension vanish, but not all.
    if max(padded) < 1:
        letters = _LETTERS[-rank:]
        given = ", ".join(f"{letter}: {size}" for letter, size in zip(letters, sizes, strict=True))
        found = " ".join(f"{letter}: {size}" for letter, size in zip(letters, padded, strict=True))
        raise RuntimeError(f"input ({given}) is too small. Calculated output {found}")
    if min(padded) < 0:
        shown = [*shape[:-rank], *padded]
        raise RuntimeError(f"Trying to create tensor with negative dimension {min(padded)}: {shown}")


def pad(input: Tensor, pad: Sequence[int], mode: str = "constant", value: float | None = None) -> Tensor:
    """Make a tensor larger (or, with negative pads, smaller) at the ends of its last dimensions.

    pad is (before, after) of the last dimension, then of the one before it, and so on. mode says what is put there:
    "constant" (`value`, 0 by default; any shape), or copies of the tensor's own elements: "reflect" (mirrored, without
    repeating the edge), "replicate" (the edge) or "circular" (from the other end), which pad the last 1, 2 or 3
    dimensions of a tensor with one or two more. Raises NotImplementedError for an unknown mode or a number of
    dimensions that the mode doesn't take, RuntimeError for pads that don't fit.

    >>> import rushlight as torch
    >>> torch.nn.functional.pad(torch.arange(4.).view(1, 4), (2, 1), mode="reflect")
    tensor([[2., 1., 0., 1., 2., 3., 2.]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.pad.html
    """
    if mode == "constant":
        if value is None:
            value = 0
        elif not isinstance(value, Variable):
            if isinstance(value, complex) or not isinstance(value, NUMBERS):
                raise TypeError(f"pad(): argument 'value' (position 4) must be float, not {type(value).__name__}")
            value = float(value)
        return constant_pad_nd(input, pad, value)
    pads = _pads(pad)
    if mode not in _INDEX_PADS:
        raise NotImplementedError(f"Unrecognised padding mode {mode}")
    if value is not None and value != 0:
        raise RuntimeError(f'Padding mode "{mode}" doesn\'t take in value argument')
    if not isinstance(input, Variable):
        raise TypeError(f"pad(): argument 'input' (position 1) must be Tensor, not {type(input).__name__}")
    array = input._array
    _check_index_pads(array.shape, pads, mode)
    if array.dtype.kind == "b" and mode != "circular":
        family = "reflection" if mode == "reflect" else "replication"
        raise NotImplementedError(
            f"\"{family}_pad{len(pads)}d\" not implemented for '{from_numpy_dtype(array.dtype).legacy_name}'"
        )
    operation = _INDEX_PADS[mode][len(pads) - 1]
    if state.casts is not None and (mode == "replicate" or (mode == "reflect" and len(pads) < 3)):
        return state.casts.float32(operation.apply, input, pads, mode)
    return operation.apply(input, pads, mode)
