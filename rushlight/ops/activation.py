"""Activation functions: the nonlinearities between a network's layers.

The elementwise ones take real floating-point tensors; where a formula has several steps, float16 and bfloat16 are
computed in
float32 and rounded once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import kernels
from rushlight.autograd.grad_mode import state
from rushlight.autograd.operation import Operation, UnaryOperation
from rushlight.autograd.variable import wrap
from rushlight.ops._clamped import clamped, clamped_gradient
from rushlight.ops._numeric import (
    Array,
    check_tensor,
    elementwise,
    inplace,
    not_implemented,
    refuse_float8,
    refuse_wide_unsigned,
    require_floating,
)
from rushlight.ops._out import into
from rushlight.ops._quick import quick_of_one
from rushlight.ops.choice import where
from rushlight.ops.promotion import unbroadcast
from rushlight.ops.random_fill import generator_of
from rushlight.random import Generator

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

# What `torch` itself offers; the others are in `nn.functional`.
__all__ = ["hardshrink", "prelu", "relu", "relu_", "rrelu", "rrelu_", "threshold", "threshold_"]


class ThresholdBackward(Operation):
    """`grad` where ReLU's result is positive, 0 elsewhere: the backward of ReLU in one pass."""

    node_name = "ThresholdBackwardBackward0"

    @staticmethod
    def forward(ctx: Any, grad: Tensor, out: Tensor) -> Any:
        ctx.save_for_backward(out)
        return kernels.threshold_backward(grad._array, out._array)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (out,) = ctx.saved_tensors
        return ThresholdBackward.apply(grad, out.detach()), None


class Relu(UnaryOperation):
    """`max(input, 0)`."""

    node_name = "ReluBackward0"
    kernel = kernels.relu_forward
    keeps = "result"

    @staticmethod
    def forward(ctx: Any, input: Tensor) -> Any:
        array = input._array
        if array.dtype.kind in "bc":
            if array.dtype.kind == "b":
                raise RuntimeError("Boolean inputs not supported for relu")
            raise NotImplementedError("clamp is not supported for complex types")
        refuse_wide_unsigned(array.dtype, "clamp_min_scalar_cpu")
        refuse_float8(array.dtype, "clamp_min_scalar_cpu")
        out = wrap(kernels.relu_forward(array))
        ctx.save_for_backward(out)
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (out,) = ctx.saved_tensors
        if state.enabled:
            return ThresholdBackward.apply(grad, out.detach())
        reuse = ctx._may_overwrite(grad)
        return wrap(kernels.threshold_backward(grad._array, out._array, reuse))


_relu = Relu.function()


def relu(input: Tensor) -> Tensor:
    """`max(input, 0)` of each element; any real type but bool.

    >>> import rushlight as torch
    >>> torch.relu(torch.tensor([-1.0, 2.0]))
    tensor([0., 2.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.relu.html
    """
    return _relu(input)


class Threshold(Operation):
    """The element where it exceeds a threshold, a value elsewhere."""

    node_name = "ThresholdBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor, threshold: float, value: float) -> Any:
        array = input._array
        if array.dtype.kind in "bc":
            raise not_implemented("threshold_cpu", array.dtype)
        ctx.save_for_backward(input)
        ctx.threshold = threshold
        return np.where(array <= threshold, np.asarray(value).astype(array.dtype), array)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (input,) = ctx.saved_tensors
        return grad.masked_fill(wrap(input._array <= ctx.threshold), 0), None, None


class ThresholdInplace(Threshold):
    """Threshold written into its input."""

    node_name = "ThresholdBackward1"


def threshold(input: Tensor, threshold: float, value: float) -> Tensor:
    """The element where it exceeds `threshold`, `value` elsewhere.

    Real types, of any shape; NotImplementedError for bools.

    >>> import rushlight as torch
    >>> torch.threshold(torch.tensor([-1.0, 2.0]), 0.5, 0.0)
    tensor([0., 2.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.threshold.html
    """
    return Threshold.apply(input, threshold, value)


class LeakyRelu(Operation):
    """The element where positive, a fraction of it elsewhere."""

    node_name = "LeakyReluBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor, slope: float) -> Any:
        ctx.save_for_backward(input)
        ctx.slope = slope
        array = input._array
        if not hasattr(slope, "__float__"):
            raise TypeError(
                f"leaky_relu(): argument 'negative_slope' (position 2) must be Number, not {type(slope).__name__}"
            )
        if array.dtype.char in "fd":
            return kernels.leaky_relu(array, slope)
        return elementwise(input, "leaky_relu_cpu", lambda x: np.where(x > 0, x, x * slope))

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (input,) = ctx.saved_tensors
        if not state.enabled and input._array.dtype.char in "fd":
            return wrap(kernels.leaky_relu_backward(grad._array, input._array, ctx.slope)), None
        return where(wrap(input._array > 0), grad, grad * ctx.slope), None


class LeakyReluInplace(LeakyRelu):
    """LeakyRelu written into its input."""

    node_name = "LeakyReluBackward1"


def leaky_relu(input: Tensor, negative_slope: float = 0.01) -> Tensor:
    """The element where positive, `negative_slope` times it elsewhere.

    >>> import rushlight as torch
    >>> torch.nn.functional.leaky_relu(torch.tensor([-1.0, 2.0]), 0.1)
    tensor([-0.1000,  2.0000])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.leaky_relu.html
    """
    return LeakyRelu.apply(input, negative_slope)


class Hardtanh(Operation):
    """The element held between two bounds; the gradient passes strictly between them."""

    node_name = "HardtanhBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor, low: float, high: float) -> Any:
        array = input._array
        if array.dtype.kind == "b":
            raise RuntimeError("Bool inputs not supported for hardtanh")
        if array.dtype.kind == "c":
            raise NotImplementedError("clamp is not supported for complex types")
        if array.dtype.kind == "u" and low < 0:
            raise RuntimeError("cannot do hardtanh on an unsigned type with negative limits")
        if array.dtype.char in "fd":
            return clamped(ctx, input, low, high, open=True)
        ctx.save_for_backward(input)
        ctx.bounds = low, high
        return np.minimum(np.maximum(array, np.asarray(low).astype(array.dtype)), np.asarray(high).astype(array.dtype))

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        if ctx.bounds is None:
            reuse = ctx._may_overwrite(grad)
            return clamped_gradient(ctx, grad, reuse), None, None
        (input,) = ctx.saved_tensors
        low, high = ctx.bounds
        array = input._array
        return grad.masked_fill(wrap((array <= low) | (array >= high)), 0), None, None


def _check_bounds(min_val: float, max_val: float) -> None:
    if min_val > max_val:
        raise ValueError(f"min_val cannot be greater than max_val, but got min_val={min_val} and max_val={max_val}")


def hardtanh(input: Tensor, min_val: float = -1.0, max_val: float = 1.0) -> Tensor:
    """The element held in [min_val, max_val]; ValueError where the bounds cross.

    >>> import rushlight as torch
    >>> torch.nn.functional.hardtanh(torch.tensor([-3.0, 0.5]))
    tensor([-1.0000,  0.5000])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.hardtanh.html
    """
    _check_bounds(min_val, max_val)
    return Hardtanh.apply(input, min_val, max_val)


def hardtanh_(input: Tensor, min_val: float = -1.0, max_val: float = 1.0) -> Tensor:
    """`hardtanh`, written into the tensor."""
    _check_bounds(min_val, max_val)
    return Hardtanh.inplace(input, min_val, max_val)


def relu6(input: Tensor) -> Tensor:
    """The element held in [0, 6].

    >>> import rushlight as torch
    >>> torch.nn.functional.relu6(torch.tensor([-1.0, 2.0, 8.0]))
    tensor([0., 2., 6.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.relu6.html
    """
    return Hardtanh.apply(input, 0, 6)


class Hardswish(Operation):
    """`x · relu6(x + 3) / 6`."""

    node_name = "HardswishBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor) -> Any:
        ctx.save_for_backward(input)
        return elementwise(input, "hardswish_cpu", kernels.hardswish)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (input,) = ctx.saved_tensors
        array = input._array
        sloped = where(wrap(array < 3), grad * (input / 3 + 0.5), grad)
        return sloped.masked_fill(wrap(array <= -3), 0)


@quick_of_one(kernels.hardswish)
def hardswish(input: Tensor) -> Tensor:
    """`x · relu6(x + 3) / 6`.

    >>> import rushlight as torch
    >>> torch.nn.functional.hardswish(torch.tensor([-1.0, 2.0]))
    tensor([-0.3333,  1.6667])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.hardswish.html
    """
    return Hardswish.apply(input)


# PyTorch's backward has it in float32 for every dtype.
_SIXTH = float(np.float32(1 / 6))


class Hardsigmoid(Operation):
    """`relu6(x + 3) / 6`."""

    node_name = "HardsigmoidBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor) -> Any:
        ctx.save_for_backward(input)
        return elementwise(input, "hardsigmoid_cpu", lambda x: np.minimum(np.maximum(x + 3, 0), 6) / 6)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (input,) = ctx.saved_tensors
        array = input._array
        return (grad * _SIXTH).masked_fill(wrap((array <= -3) | (array >= 3)), 0)


def hardsigmoid(input: Tensor) -> Tensor:
    """`relu6(x + 3) / 6`.

    >>> import rushlight as torch
    >>> torch.nn.functional.hardsigmoid(torch.tensor([-1.0, 2.0]))
    tensor([0.3333, 0.8333])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.hardsigmoid.html
    """
    return Hardsigmoid.apply(input)


class Hardshrink(Operation):
    """The element, or 0 where it lies within a distance of 0."""

    node_name = "HardshrinkBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor, lambd: float) -> Any:
        array = require_floating(input._array, "hardshrink_cpu")
        ctx.save_for_backward(input)
        ctx.lambd = lambd = float(array.dtype.type(lambd))
        return np.where((array >= -lambd) & (array <= lambd), np.zeros((), array.dtype), array)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (input,) = ctx.saved_tensors
        array, lambd = input._array, ctx.lambd
        return grad.masked_fill(wrap((array >= -lambd) & (array <= lambd)), 0), None


def hardshrink(input: Tensor, lambd: float = 0.5, *, out: Tensor | None = None) -> Tensor:
    """The element where `|x| > lambd`, 0 elsewhere.

    Floating-point types, of any shape; NotImplementedError for others.

    >>> import rushlight as torch
    >>> torch.nn.functional.hardshrink(torch.tensor([-1.0, 0.3]))
    tensor([-1.,  0.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.hardshrink.html
    """
    return into(out, Hardshrink.apply(input, lambd))


class Softshrink(Operation):
    """The element moved towards 0 by a distance, 0 within it."""

    node_name = "SoftshrinkBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor, lambd: float) -> Any:
        ctx.save_for_backward(input)
        ctx.lambd = lambd = float(require_floating(input._array, "softshrink_cpu").dtype.type(lambd))

        def formula(x: Array) -> Array:
            bound = x.dtype.type(lambd)
            return x - np.minimum(np.maximum(x, -bound), bound)

        return elementwise(input, "softshrink_cpu", formula)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (input,) = ctx.saved_tensors
        array, lambd = input._array, ctx.lambd
        return grad.masked_fill(wrap((array >= -lambd) & (array <= lambd)), 0), None


def softshrink(input: Tensor, lambd: float = 0.5, *, out: Tensor | None = None) -> Tensor:
    """`x - lambd` above `lambd`, `x + lambd` below `-lambd`, 0 between; RuntimeError for a negative `lambd`.

    >>> import rushlight as torch
    >>> torch.nn.functional.softshrink(torch.tensor([-1.0, 0.3]))
    tensor([-0.5000,  0.0000])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.softshrink.html
    """
    if lambd < 0:
        raise RuntimeError(f"lambda must be greater or equal to 0, but found to be {lambd}.")
    return into(out, Softshrink.apply(input, lambd))


class Prelu(Operation):
    """The element where positive, a learnt fraction of it elsewhere; the weight broadcasts already."""

    node_name = "PreluKernelBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor, weight: Tensor) -> Any:
        array = require_floating(input._array, "prelu_cpu")
        ctx.save_for_backward(input, weight)
        return np.where(array > 0, array, array * weight._array)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        input, weight = ctx.saved_tensors
        positive = wrap(input._array > 0)
        return (
            where(positive, grad, grad * weight) if ctx.needs_input_grad[0] else None,
            unbroadcast((grad * input).masked_fill(positive, 0), weight) if ctx.needs_input_grad[1] else None,
        )


def prelu(input: Tensor, weight: Tensor) -> Tensor:
    """The element where positive, `weight` times it elsewhere: one weight, or one a channel (dimension 1).

    Raises RuntimeError for a number of weights that is neither, or another type.

    >>> import rushlight as torch
    >>> torch.prelu(torch.tensor([[-1.0, 2.0]]), torch.tensor([0.25]))
    tensor([[-0.2500,  2.0000]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.prelu.html
    """
    if state.casts is not None:
        return state.casts.lower(prelu, input, weight)
    check_tensor("prelu", "input", 1, input)
    check_tensor("prelu", "weight", 2, weight)
    if input.dtype is not weight.dtype:
        raise RuntimeError(
            f"prelu: Type promoting not supported. Got {input.dtype.legacy_name} and {weight.dtype.legacy_name}"
        )
    shape = input._array.shape
    count = weight._array.size
    if weight._array.ndim > 1:
        raise RuntimeError(
            f"prelu: Expected `weight` to be a scalar or 1D tensor, but got: ndim = {weight._array.ndim}"
        )
    if count != 1:
        if not shape:
            raise RuntimeError("Not allow zero-dim input tensor.")
        channels = shape[1] if len(shape) > 1 else 1
        if count != channels:
            raise RuntimeError(
                f"Mismatch of parameter numbers and input channel size. Found parameter numbers = {count} and channel "
                f"size = {channels}."
            )
        weight = weight.reshape([-1 if d == 1 else 1 for d in range(len(shape))])
    elif len(shape) != weight._array.ndim:
        weight = weight.reshape((1,) * len(shape))
    return Prelu.apply(input, weight)


class RreluWithNoise(Operation):
    """The element where positive, elsewhere times a slope drawn for it."""

    node_name = "RreluWithNoiseBackward0"

    @staticmethod
    def forward(
        ctx: Any, input: Tensor, lower: float, upper: float, training: bool, generator: Generator | None
    ) -> Any:
        ctx.save_for_backward(input)
        ctx.slopes = slopes = _drawn_slopes(input, lower, upper, training, generator)
        return elementwise(input, "leaky_relu_cpu", lambda x: np.where(x > 0, x, x * slopes))

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (input,) = ctx.saved_tensors
        slopes = ctx.slopes if isinstance(ctx.slopes, float) else wrap(ctx.slopes.astype(grad._array.dtype))
        return where(wrap(input._array > 0), grad, grad * slopes), None, None, None, None


class RreluWithNoiseInplace(RreluWithNoise):
    """RreluWithNoise written into its input."""

    node_name = "RreluWithNoiseBackward1"


def _drawn_slopes(input: Tensor, lower: float, upper: float, training: bool, generator: Generator | None) -> Any:
    """A slope for each element that is not positive, drawn in their order; the middle of the range outside training."""
    if lower > upper:
        raise RuntimeError(f"Lower bound should be less than or equal to the upper bound, but got [{lower}, {upper}]")
    if not training:
        return (lower + upper) / 2
    check_tensor("rrelu", "input", 1, input)
    array = require_floating(input._array, "rrelu_with_noise_out_cpu")
    falling = array <= 0
    draws = generator_of(generator, "rrelu").random64(int(np.count_nonzero(falling)))
    uniform = (draws & np.uint64((1 << 53) - 1)).astype(np.float64) * 2.0**-53
    slopes = np.ones(array.shape, np.float64 if array.dtype == np.float64 else np.float32)
    slopes[falling] = uniform * (upper - lower) + lower
    return slopes


def rrelu(
    input: Tensor,
    lower: float = 1.0 / 8,
    upper: float = 1.0 / 3,
    training: bool = False,
    generator: Generator | None = None,
) -> Tensor:
    """The element where positive, elsewhere times a slope: in training drawn from [lower, upper), else their middle.

    >>> import rushlight as torch
    >>> torch.rrelu(torch.tensor([-1.0, 2.0]), 0.25, 0.75)
    tensor([-0.5000,  2.0000])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.rrelu.html
    """
    return RreluWithNoise.apply(input, lower, upper, training, generator)


def rrelu_(
    input: Tensor,
    lower: float = 1.0 / 8,
    upper: float = 1.0 / 3,
    training: bool = False,
    generator: Generator | None = None,
) -> Tensor:
    """`rrelu`, written into the tensor."""
    return RreluWithNoiseInplace.inplace(input, lower, upper, training, generator)


relu_ = inplace(Relu)
hardswish_ = inplace(Hardswish)
hardsigmoid_ = inplace(Hardsigmoid)


def threshold_(input: Tensor, threshold: float, value: float) -> Tensor:
    """`threshold`, written into the tensor."""
    return ThresholdInplace.inplace(input, threshold, value)


def leaky_relu_(input: Tensor, negative_slope: float = 0.01) -> Tensor:
    """`leaky_relu`, written into the tensor."""
    return LeakyReluInplace.inplace(input, negative_slope)


class ActivationMethods:
    """The activations that PyTorch has as methods of Tensor."""

    hardshrink = hardshrink
    prelu = prelu
    relu = relu
    relu_ = relu_
