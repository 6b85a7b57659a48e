"""What the operations that hold elements within two bounds share: a bit for each element, kept for backward."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import kernels
from rushlight.autograd.grad_mode import state
from rushlight.autograd.variable import wrap

if TYPE_CHECKING:
    from rushlight.tensor import Tensor


def clamped(ctx: Any, input: Tensor, low: float, high: float, *, open: bool) -> Any:
    """Floats held in [low, high]; for backward, marks where the gradient passes (if `open`, not at the bounds).

    The marks take a thirty-second of the input, which need not be kept.
    """
    ctx.bounds = None
    if not ctx.needs_input_grad[0]:
        return kernels.clamp(input._array, low, high)
    out, marks = kernels.clamp_marked(input._array, low, high, open)
    ctx.save_for_backward(_in_place_of(input), wrap(marks))
    return out


_ELEMENT = {char: np.zeros(1, char) for char in "fd"}


def _in_place_of(input: Tensor) -> Tensor:
    """What backward reports as changed if the input was, in the memory of one element."""
    array = input._array
    stand_in = wrap(np.ndarray(array.shape, array.dtype, _ELEMENT[array.dtype.char], 0, (0,) * array.ndim))
    stand_in._counter = input.version_counter()
    return stand_in


def clamped_gradient(ctx: Any, grad: Tensor, reuse: bool) -> Tensor:
    """The gradient of what `clamped` was given; `reuse` allows it to be written into `grad`."""
    _, marks = ctx.saved_tensors
    if state.enabled:
        return grad.masked_fill(wrap(kernels.unmarked(marks._array, grad._array.shape)), 0)
    return wrap(kernels.keep_marked(grad._array, marks._array, reuse))
