"""Activation functions, with PyTorch's `inplace` argument where it has one."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from rushlight.dtypes import dtype as Dtype
from rushlight.ops import activation as ops
from rushlight.ops import elu as elu_ops
from rushlight.ops import gated, special, trigonometric
from rushlight.ops import softmax as softmax_ops
from rushlight.ops._numeric import check_tensor
from rushlight.ops.activation import (
    hardshrink,
    hardtanh_,
    leaky_relu_,
    prelu,
    relu_,
    rrelu_,
    softshrink,
    threshold_,
)
from rushlight.ops.elu import celu_, elu_, selu_
from rushlight.ops.gated import gelu, glu, logsigmoid, softplus

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

__all__ = [
    "celu", "celu_", "elu", "elu_", "gelu", "glu", "gumbel_softmax", "hardshrink", "hardsigmoid", "hardswish",
    "hardtanh", "hardtanh_", "leaky_relu", "leaky_relu_", "log_softmax", "logsigmoid", "mish", "prelu", "relu",
    "relu6", "relu_", "rrelu", "rrelu_", "selu", "selu_", "sigmoid", "silu", "softmax", "softmin", "softplus",
    "softshrink", "softsign", "tanh", "tanhshrink", "threshold", "threshold_",
]  # fmt: skip


def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """`max(input, 0)` of each element; any real type but bool.

    >>> import rushlight as torch
    >>> torch.nn.functional.relu(torch.tensor([-1.0, 2.0]))
    tensor([0., 2.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.relu.html
    """
    return relu_(input) if inplace else ops.relu(input)


def relu6(input: Tensor, inplace: bool = False) -> Tensor:
    """`min(max(input, 0), 6)` of each element.

    >>> import rushlight as torch
    >>> torch.nn.functional.relu6(torch.tensor([-1.0, 2.0, 8.0]))
    tensor([0., 2., 6.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.relu6.html
    """
    return hardtanh_(input, 0, 6) if inplace else ops.relu6(input)


def leaky_relu(input: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    """The element where positive, `negative_slope` times it elsewhere.

    >>> import rushlight as torch
    >>> torch.nn.functional.leaky_relu(torch.tensor([-1.0, 2.0]), 0.1)
    tensor([-0.1000,  2.0000])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.leaky_relu.html
    """
    return leaky_relu_(input, negative_slope) if inplace else ops.leaky_relu(input, negative_slope)


def elu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """`x` where positive, `alpha · (exp(x) - 1)` elsewhere.

    >>> import rushlight as torch
    >>> torch.nn.functional.elu(torch.tensor([-1.0, 2.0]))
    tensor([-0.6321,  2.0000])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.elu.html
    """
    return elu_(input, alpha) if inplace else elu_ops.elu(input, alpha)


def selu(input: Tensor, inplace: bool = False) -> Tensor:
    """`scale · elu(x, alpha)` with the constants that keep mean 0 and variance 1 (Klambauer et al., 2017).

    >>> import rushlight as torch
    >>> torch.nn.functional.selu(torch.tensor([-1.0, 2.0]))
    tensor([-1.1113,  2.1014])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.selu.html
    """
    return selu_(input) if inplace else elu_ops.selu(input)


def celu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """`max(0, x) + min(0, alpha · (exp(x / alpha) - 1))`; RuntimeError for alpha 0.

    >>> import rushlight as torch
    >>> torch.nn.functional.celu(torch.tensor([-1.0, 2.0]), alpha=2.0)
    tensor([-0.7869,  2.0000])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.celu.html
    """
    return celu_(input, alpha) if inplace else elu_ops.celu(input, alpha)


def silu(input: Tensor, inplace: bool = False) -> Tensor:
    """`x · sigmoid(x)`, also called swish.

    >>> import rushlight as torch
    >>> torch.nn.functional.silu(torch.tensor([-1.0, 2.0]))
    tensor([-0.2689,  1.7616])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.silu.html
    """
    return gated.silu_(input) if inplace else gated.silu(input)


def mish(input: Tensor, inplace: bool = False) -> Tensor:
    """`x · tanh(log(1 + exp(x)))` (Misra, 2019).

    >>> import rushlight as torch
    >>> torch.nn.functional.mish(torch.tensor([-1.0, 2.0]))
    tensor([-0.3034,  1.9440])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.mish.html
    """
    return gated.mish_(input) if inplace else gated.mish(input)


def hardtanh(input: Tensor, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Tensor:
    """The element held in [min_val, max_val]; ValueError where the bounds cross.

    >>> import rushlight as torch
    >>> torch.nn.functional.hardtanh(torch.tensor([-3.0, 0.5]))
    tensor([-1.0000,  0.5000])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.hardtanh.html
    """
    return hardtanh_(input, min_val, max_val) if inplace else ops.hardtanh(input, min_val, max_val)


def hardswish(input: Tensor, inplace: bool = False) -> Tensor:
    """`x · relu6(x + 3) / 6` (Howard et al., 2019).

    >>> import rushlight as torch
    >>> torch.nn.functional.hardswish(torch.tensor([-1.0, 2.0]))
    tensor([-0.3333,  1.6667])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.hardswish.html
    """
    return ops.hardswish_(input) if inplace else ops.hardswish(input)


def hardsigmoid(input: Tensor, inplace: bool = False) -> Tensor:
    """`relu6(x + 3) / 6`.

    >>> import rushlight as torch
    >>> torch.nn.functional.hardsigmoid(torch.tensor([-1.0, 2.0]))
    tensor([0.3333, 0.8333])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.hardsigmoid.html
    """
    return ops.hardsigmoid_(input) if inplace else ops.hardsigmoid(input)


def threshold(input: Tensor, threshold: float, value: float, inplace: bool = False) -> Tensor:
    """The element where it exceeds `threshold`, `value` elsewhere.

    >>> import rushlight as torch
    >>> torch.nn.functional.threshold(torch.tensor([-1.0, 2.0]), 0.5, 0.0)
    tensor([0., 2.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.threshold.html
    """
    return threshold_(input, threshold, value) if inplace else ops.threshold(input, threshold, value)


def rrelu(
    input: Tensor, lower: float = 1.0 / 8, upper: float = 1.0 / 3, training: bool = False, inplace: bool = False
) -> Tensor:
    """The element where positive, elsewhere times a slope: in training drawn from [lower, upper), else their middle.

    >>> import rushlight as torch
    >>> torch.nn.functional.rrelu(torch.tensor([-1.0, 2.0]), 0.25, 0.75)
    tensor([-0.5000,  2.0000])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.rrelu.html
    """
    return rrelu_(input, lower, upper, training) if inplace else ops.rrelu(input, lower, upper, training)


def sigmoid(input: Tensor) -> Tensor:
    """`1 / (1 + exp(-input))` of each element.

    >>> import rushlight as torch
    >>> torch.nn.functional.sigmoid(torch.tensor([0.0, 2.0]))
    tensor([0.5000, 0.8808])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.sigmoid.html
    """
    return special.sigmoid(input)


def tanh(input: Tensor) -> Tensor:
    """`tanh(input)` of each element.

    >>> import rushlight as torch
    >>> torch.nn.functional.tanh(torch.tensor([0.0, 1.0]))
    tensor([0.0000, 0.7616])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.tanh.html
    """
    return trigonometric.tanh(input)


def softsign(input: Tensor) -> Tensor:
    """`x / (1 + |x|)` of each element.

    >>> import rushlight as torch
    >>> torch.nn.functional.softsign(torch.tensor([-1.0, 3.0]))
    tensor([-0.5000,  0.7500])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.softsign.html
    """
    check_tensor("softsign", "input", 1, input)
    return input / (input.abs() + 1)


def tanhshrink(input: Tensor) -> Tensor:
    """`x - tanh(x)` of each element.

    >>> import rushlight as torch
    >>> torch.nn.functional.tanhshrink(torch.tensor([0.0, 1.0]))
    tensor([0.0000, 0.2384])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.tanhshrink.html
    """
    check_tensor("tanhshrink", "input", 1, input)
    return input - input.tanh()


def _softmax_dim(name: str, ndim: int, stacklevel: int) -> int:
    """The dimension that a call without `dim` means, after a warning."""
    warnings.warn(
        f"Implicit dimension choice for {name} has been deprecated. Change the call to include dim=X as an argument.",
        UserWarning,
        stacklevel=stacklevel + 1,
    )
    return 0 if ndim in (0, 1, 3) else 1


def softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Dtype | None = None) -> Tensor:
    """`exp(x) / Σ exp(x)` along `dim`, without overflow; `dtype` converts the input first.

    Without `dim` it warns and takes 0 for 0, 1 or 3 dimensions, else 1. Raises IndexError for a dim out of range.

    >>> import rushlight as torch
    >>> torch.nn.functional.softmax(torch.tensor([1.0, 1.0]), dim=0)
    tensor([0.5000, 0.5000])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.softmax.html
    """
    if dim is None:
        check_tensor("softmax", "input", 1, input)
        dim = _softmax_dim("softmax", input.ndim, _stacklevel)
    return softmax_ops.softmax(input, dim, dtype)


def softmin(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Dtype | None = None) -> Tensor:
    """`softmax(-x)` along `dim`; arguments as for `softmax`.

    >>> import rushlight as torch
    >>> torch.nn.functional.softmin(torch.tensor([1.0, 1.0]), dim=0)
    tensor([0.5000, 0.5000])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.softmin.html
    """
    check_tensor("softmin", "input", 1, input)
    if dim is None:
        dim = _softmax_dim("softmin", input.ndim, _stacklevel)
    return softmax_ops.softmax(-input, dim, dtype)


def log_softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Dtype | None = None) -> Tensor:
    """`x - log Σ exp(x)` along `dim`, without overflow; arguments as for `softmax`.

    >>> import rushlight as torch
    >>> torch.nn.functional.log_softmax(torch.tensor([1.0, 1.0]), dim=0)
    tensor([-0.6931, -0.6931])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.log_softmax.html
    """
    if dim is None:
        check_tensor("log_softmax", "input", 1, input)
        dim = _softmax_dim("log_softmax", input.ndim, _stacklevel)
    return softmax_ops.log_softmax(input, dim, dtype)


def gumbel_softmax(logits: Tensor, tau: float = 1, hard: bool = False, eps: float = 1e-10, dim: int = -1) -> Tensor:
    """A sample from the Gumbel-softmax law (Jang et al., 2017): `softmax((logits + g) / tau)` with Gumbel noise g.

    With `hard` the result is one-hot, and the gradient is that of the soft sample. `eps` has no effect.

    >>> import rushlight as torch
    >>> torch.nn.functional.gumbel_softmax(torch.zeros(2, 3), hard=True).sum(dim=1)
    tensor([1., 1.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.gumbel_softmax.html
    """
    check_tensor("gumbel_softmax", "logits", 1, logits)
    if eps != 1e-10:
        warnings.warn("`eps` parameter is deprecated and has no effect.", stacklevel=2)
    noise: Any = logits.detach().clone().exponential_()
    soft = softmax_ops.softmax((logits - noise.log()) / tau, dim)
    if not hard:
        return soft
    index = soft.max(dim, keepdim=True)[1]
    one_hot = soft.detach().new_zeros(soft.shape).scatter_(dim, index, 1.0)
    return one_hot - soft.detach() + soft
