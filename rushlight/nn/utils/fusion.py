"""A normalisation folded into the layer before it: one layer instead of two, for evaluation."""

from __future__ import annotations

import copy
from typing import TypeVar

from rushlight.nn.modules._conv import _ConvNd
from rushlight.nn.modules.batchnorm import _BatchNorm
from rushlight.nn.modules.linear import Linear
from rushlight.nn.parameter import Parameter
from rushlight.ops.creation import ones_like, zeros_like
from rushlight.tensor import Tensor

__all__ = ["fuse_conv_bn_eval", "fuse_conv_bn_weights", "fuse_linear_bn_eval", "fuse_linear_bn_weights"]

ConvT = TypeVar("ConvT", bound=_ConvNd)
LinearT = TypeVar("LinearT", bound=Linear)


def _statistics(layer: ConvT | LinearT, bn: _BatchNorm) -> tuple[Tensor, Tensor]:
    """The running mean and variance; AssertionError unless both modules are in evaluation mode and have them."""
    if layer.training or bn.training:
        raise AssertionError("Fusion only for eval!")
    if bn.running_mean is None or bn.running_var is None:
        raise AssertionError("bn.running_mean and bn.running_var must not be None")
    return bn.running_mean, bn.running_var


def fuse_conv_bn_eval(conv: ConvT, bn: _BatchNorm, transpose: bool = False) -> ConvT:
    """A copy of a convolution that does what the convolution and a batch normalisation after it do.

    transpose says that it is a transposed convolution, whose weight has the output's channels second (without groups).
    AssertionError unless both are in evaluation mode and `bn` has running statistics.

    >>> import rushlight as torch
    >>> conv, bn = torch.nn.Conv2d(1, 2, 3).eval(), torch.nn.BatchNorm2d(2).eval()
    >>> x = torch.randn(1, 1, 5, 5)
    >>> torch.allclose(torch.nn.utils.fusion.fuse_conv_bn_eval(conv, bn)(x), bn(conv(x)), atol=1e-5)
    True

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.utils.fuse_conv_bn_eval.html
    """
    mean, variance = _statistics(conv, bn)
    fused = copy.deepcopy(conv)
    fused.weight, fused.bias = fuse_conv_bn_weights(
        fused.weight, fused.bias, mean, variance, bn.eps, bn.weight, bn.bias, transpose
    )
    return fused


def fuse_conv_bn_weights(
    conv_w: Tensor,
    conv_b: Tensor | None,
    bn_rm: Tensor,
    bn_rv: Tensor,
    bn_eps: float,
    bn_w: Tensor | None,
    bn_b: Tensor | None,
    transpose: bool = False,
) -> tuple[Parameter, Parameter]:
    """Weight and bias of a convolution with a normalisation folded in: each output channel's weight times s = bn_w /
    √(bn_rv + bn_eps), and (conv_b - bn_rm)·s + bn_b.

    conv_b and bn_b None are zeros, bn_w None is ones. Both keep the dtypes of the convolution's.

    >>> import rushlight as torch
    >>> weight, bias = torch.ones(1, 1, 2), torch.tensor([3.])
    >>> mean, variance = torch.tensor([1.]), torch.tensor([4.])
    >>> torch.nn.utils.fusion.fuse_conv_bn_weights(weight, bias, mean, variance, 0.0, None, None)[1]
    Parameter containing:
    tensor([1.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.utils.fuse_conv_bn_weights.html
    """
    weight_dtype = conv_w.dtype
    bias_dtype = weight_dtype if conv_b is None else conv_b.dtype
    conv_b = zeros_like(bn_rm) if conv_b is None else conv_b
    bn_w = ones_like(bn_rm) if bn_w is None else bn_w
    bn_b = zeros_like(bn_rm) if bn_b is None else bn_b
    inverse = (bn_rv + bn_eps).rsqrt()
    shape = [1] * conv_w.dim()
    shape[1 if transpose else 0] = -1
    weight = (conv_w * (bn_w * inverse).reshape(shape)).to(dtype=weight_dtype)
    bias = ((conv_b - bn_rm) * inverse * bn_w + bn_b).to(dtype=bias_dtype)
    return Parameter(weight, conv_w.requires_grad), Parameter(bias, conv_b.requires_grad)


def fuse_linear_bn_eval(linear: LinearT, bn: _BatchNorm) -> LinearT:
    """A copy of a Linear that does what the Linear and a batch normalisation after it do.

    AssertionError unless both are in evaluation mode, `bn` has running statistics, and one feature or as many as the
    Linear puts out.

    >>> import rushlight as torch
    >>> linear, bn = torch.nn.Linear(3, 2).eval(), torch.nn.BatchNorm1d(2).eval()
    >>> x = torch.randn(4, 3)
    >>> torch.allclose(torch.nn.utils.fusion.fuse_linear_bn_eval(linear, bn)(x), bn(linear(x)), atol=1e-5)
    True

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.utils.fuse_linear_bn_eval.html
    """
    if not (linear.training or bn.training) and bn.num_features not in (linear.out_features, 1):
        raise AssertionError(
            "To fuse, linear.out_features == bn.num_features or bn.num_features == 1, got "
            f"linear.out_features={linear.out_features} and bn.num_features={bn.num_features}"
        )
    mean, variance = _statistics(linear, bn)
    fused = copy.deepcopy(linear)
    fused.weight, fused.bias = fuse_linear_bn_weights(
        fused.weight,
        fused.bias,
        mean,
        variance,
        bn.eps,
        bn.weight,
        bn.bias,  # type: ignore[arg-type]
    )
    return fused


def fuse_linear_bn_weights(
    linear_w: Tensor,
    linear_b: Tensor | None,
    bn_rm: Tensor,
    bn_rv: Tensor,
    bn_eps: float,
    bn_w: Tensor,
    bn_b: Tensor,
) -> tuple[Parameter, Parameter]:
    """Weight and bias of a Linear with a normalisation folded in: each row times s = bn_w / √(bn_rv + bn_eps), and
    (linear_b - bn_rm)·s + bn_b. linear_b None is zeros; both keep the dtypes of the Linear's.

    >>> import rushlight as torch
    >>> weight, one = torch.tensor([[3., 4.]]), torch.ones(1)
    >>> torch.nn.utils.fusion.fuse_linear_bn_weights(weight, None, one, 4 * one, 0.0, one, one)
    (Parameter containing:
    tensor([[1.5000, 2.0000]]), Parameter containing:
    tensor([0.5000]))

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.utils.fuse_linear_bn_weights.html
    """
    weight_dtype = linear_w.dtype
    bias_dtype = weight_dtype if linear_b is None else linear_b.dtype
    linear_b = zeros_like(bn_rm) if linear_b is None else linear_b
    scale = bn_w * (bn_rv + bn_eps).rsqrt()
    weight = linear_w * scale.unsqueeze(-1).to(dtype=weight_dtype)
    bias = ((linear_b - bn_rm) * scale + bn_b).to(dtype=bias_dtype)
    return Parameter(weight, linear_w.requires_grad), Parameter(bias, linear_b.requires_grad)
