"""What the operations that hold elements within two bounds share: a bit for each element, kept for backward."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rushlight import kernels
from rushlight.autograd.grad_mode import state
from rushlight.autograd.variable import wrap

if TYPE_CHECKING:
    from rushlight.tensor import Tensor


def clamped(ctx: Any, array: Any, low: float, high: float, *, open: bool) -> Any:
    """Floats held in [low, high]; for backward, marks where the gradient passes (if `open`, not at the bounds).

    The marks take a thirty-second of the input, which need not be kept.
    """
    ctx.bounds = None
    if not ctx.needs_input_grad[0]:
        return kernels.clamp(array, low, high)
    out, marks = kernels.clamp_marked(array, low, high, open)
    ctx.save_for_backward(wrap(marks))
    return out


def clamped_gradient(ctx: Any, grad: Tensor, reuse: bool) -> Tensor:
    """The gradient of what `clamped` was given; `reuse` allows it to be written into `grad`."""
    (marks,) = ctx.saved_tensors
    if state.enabled:
        return grad.masked_fill(wrap(kernels.unmarked(marks._array, grad._array.shape)), 0)
    return wrap(kernels.keep_marked(grad._array, marks._array, reuse))
