"""Activation layers: the functions of `nn.functional` as modules. All map (*) to (*), elementwise unless they say
otherwise."""

from __future__ import annotations

import warnings
from typing import Any, ClassVar

from rushlight.device import device as Device
from rushlight.dtypes import dtype as Dtype
from rushlight.nn import functional as F
from rushlight.nn import init as initial
from rushlight.nn.modules.attention import MultiheadAttention as MultiheadAttention
from rushlight.nn.modules.module import Module
from rushlight.nn.parameter import Parameter
from rushlight.ops.creation import empty
from rushlight.tensor import Tensor

__all__ = [
    "CELU", "ELU", "GELU", "GLU", "SELU", "Hardshrink", "Hardsigmoid", "Hardswish", "Hardtanh", "LeakyReLU",
    "LogSigmoid", "LogSoftmax", "Mish", "PReLU", "RReLU", "ReLU", "ReLU6", "SiLU", "Sigmoid", "Softmax", "Softmax2d",
    "Softmin", "Softplus", "Softshrink", "Softsign", "Tanh", "Tanhshrink", "Threshold",
]  # fmt: skip


def _and_inplace(text: str, inplace: bool) -> str:
    """The arguments that a layer prints, with `inplace=True` only where it is."""
    if not inplace:
        return text
    return f"{text}, inplace=True" if text else "inplace=True"


class _Inplace(Module):
    """A layer that may write its result into its input."""

    __constants__: ClassVar[list[str]] = ["inplace"]

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace


class _ShownInplace(_Inplace):
    """One that prints whether it does."""

    def extra_repr(self) -> str:
        return _and_inplace("", self.inplace)


class Threshold(_Inplace):
    """The element where it exceeds `threshold`, `value` elsewhere.

    >>> import rushlight as torch
    >>> torch.nn.Threshold(0.5, 20)(torch.tensor([0.0, 1.0]))
    tensor([20.,  1.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.Threshold.html
    """

    __constants__: ClassVar[list[str]] = ["threshold", "value", "inplace"]

    def __init__(self, threshold: float, value: float, inplace: bool = False) -> None:
        super().__init__(inplace)
        self.threshold = threshold
        self.value = value

    def forward(self, input: Tensor) -> Tensor:
        return F.threshold(input, self.threshold, self.value, self.inplace)

    def extra_repr(self) -> str:
        return _and_inplace(f"threshold={self.threshold}, value={self.value}", self.inplace)


class ReLU(_ShownInplace):
    """`max(x, 0)`.

    >>> import rushlight as torch
    >>> torch.nn.ReLU()(torch.tensor([-1.0, 2.0]))
    tensor([0., 2.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.ReLU.html
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.relu(input, inplace=self.inplace)


class RReLU(_Inplace):
    """The element where positive, elsewhere times a slope: in training drawn from [lower, upper), else their middle.

    >>> import rushlight as torch
    >>> torch.nn.RReLU(0.25, 0.75).eval()(torch.tensor([-1.0, 2.0]))
    tensor([-0.5000,  2.0000])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.RReLU.html
    """

    __constants__: ClassVar[list[str]] = ["lower", "upper", "inplace"]

    def __init__(self, lower: float = 1.0 / 8, upper: float = 1.0 / 3, inplace: bool = False) -> None:
        super().__init__(inplace)
        self.lower = lower
        self.upper = upper

    def forward(self, input: Tensor) -> Tensor:
        return F.rrelu(input, self.lower, self.upper, self.training, self.inplace)

    def extra_repr(self) -> str:
        return _and_inplace(f"lower={self.lower}, upper={self.upper}", self.inplace)


class Hardtanh(_Inplace):
    """The element held in [min_val, max_val]; AssertionError unless min_val < max_val.

    >>> import rushlight as torch
    >>> torch.nn.Hardtanh()(torch.tensor([-3.0, 0.5]))
    tensor([-1.0000,  0.5000])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.Hardtanh.html
    """

    __constants__: ClassVar[list[str]] = ["min_val", "max_val", "inplace"]

    def __init__(
        self,
        min_val: float = -1.0,
        max_val: float = 1.0,
        inplace: bool = False,
        min_value: float | None = None,
        max_value: float | None = None,
    ) -> None:
        super().__init__(inplace)
        for old, new, value in (("min_value", "min_val", min_value), ("max_value", "max_val", max_value)):
            if value is not None:
                warnings.warn(
                    f"keyword argument `{old}` is deprecated and renamed to `{new}`", FutureWarning, stacklevel=2
                )
        self.min_val = min_val if min_value is None else min_value
        self.max_val = max_val if max_value is None else max_value
        if self.max_val <= self.min_val:
            raise AssertionError(f"max_val ({self.max_val}) must be greater than min_val ({self.min_val})")

    def forward(self, input: Tensor) -> Tensor:
        return F.hardtanh(input, self.min_val, self.max_val, self.inplace)

    def extra_repr(self) -> str:
        return _and_inplace(f"min_val={self.min_val}, max_val={self.max_val}", self.inplace)


class ReLU6(Hardtanh):
    """`min(max(x, 0), 6)`.

    >>> import rushlight as torch
    >>> torch.nn.ReLU6()(torch.tensor([-1.0, 8.0]))
    tensor([0., 6.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.ReLU6.html
    """

    def __init__(self, inplace: bool = False) -> None:
        super().__init__(0.0, 6.0, inplace)

    def extra_repr(self) -> str:
        return _and_inplace("", self.inplace)


class Sigmoid(Module):
    """`1 / (1 + exp(-x))`.

    >>> import rushlight as torch
    >>> torch.nn.Sigmoid()(torch.tensor([0.0, 2.0]))
    tensor([0.5000, 0.8808])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.Sigmoid.html
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.sigmoid(input)


class Hardsigmoid(_Inplace):
    """`relu6(x + 3) / 6`.

    >>> import rushlight as torch
    >>> torch.nn.Hardsigmoid()(torch.tensor([-1.0, 2.0]))
    tensor([0.3333, 0.8333])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.Hardsigmoid.html
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.hardsigmoid(input, self.inplace)


class Tanh(Module):
    """`tanh(x)`.

    >>> import rushlight as torch
    >>> torch.nn.Tanh()(torch.tensor([0.0, 1.0]))
    tensor([0.0000, 0.7616])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.Tanh.html
    """

    def forward(self, input: Tensor) -> Tensor:
        return input.tanh()


class SiLU(_ShownInplace):
    """`x · sigmoid(x)`, also called swish.

    >>> import rushlight as torch
    >>> torch.nn.SiLU()(torch.tensor([-1.0, 2.0]))
    tensor([-0.2689,  1.7616])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.SiLU.html
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.silu(input, inplace=self.inplace)


class Mish(_ShownInplace):
    """`x · tanh(log(1 + exp(x)))` (Misra, 2019).

    >>> import rushlight as torch
    >>> torch.nn.Mish()(torch.tensor([-1.0, 2.0]))
    tensor([-0.3034,  1.9440])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.Mish.html
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.mish(input, inplace=self.inplace)


class Hardswish(_Inplace):
    """`x · relu6(x + 3) / 6` (Howard et al., 2019).

    >>> import rushlight as torch
    >>> torch.nn.Hardswish()(torch.tensor([-1.0, 2.0]))
    tensor([-0.3333,  1.6667])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.Hardswish.html
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.hardswish(input, self.inplace)


class _Exponential(_Inplace):
    """A layer that tends to `-alpha` below."""

    __constants__: ClassVar[list[str]] = ["alpha", "inplace"]

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        super().__init__(inplace)
        self.alpha = alpha

    def extra_repr(self) -> str:
        return _and_inplace(f"alpha={self.alpha}", self.inplace)


class ELU(_Exponential):
    """`x` where positive, `alpha · (exp(x) - 1)` elsewhere (Clevert et al., 2015).

    >>> import rushlight as torch
    >>> torch.nn.ELU()(torch.tensor([-1.0, 2.0]))
    tensor([-0.6321,  2.0000])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.ELU.html
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.elu(input, self.alpha, self.inplace)


class CELU(_Exponential):
    """`max(0, x) + min(0, alpha · (exp(x / alpha) - 1))` (Barron, 2017).

    >>> import rushlight as torch
    >>> torch.nn.CELU(2.0)(torch.tensor([-1.0, 2.0]))
    tensor([-0.7869,  2.0000])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.CELU.html
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.celu(input, self.alpha, self.inplace)


class SELU(_ShownInplace):
    """`scale · elu(x, alpha)` with the constants that keep mean 0 and variance 1 (Klambauer et al., 2017).

    >>> import rushlight as torch
    >>> torch.nn.SELU()(torch.tensor([-1.0, 2.0]))
    tensor([-1.1113,  2.1014])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.SELU.html
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.selu(input, self.inplace)


class GLU(Module):
    """`a · sigmoid(b)` for the halves a, b of the input along `dim` (Dauphin et al., 2016).

    Shapes: (*, 2n, *) → (*, n, *). RuntimeError, from the call, for a dimension of odd length.

    >>> import rushlight as torch
    >>> torch.nn.GLU()(torch.tensor([1.0, 2.0, 0.0, 0.0]))
    tensor([0.5000, 1.0000])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.GLU.html
    """

    __constants__: ClassVar[list[str]] = ["dim"]

    def __init__(self, dim: int = -1) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, input: Tensor) -> Tensor:
        return F.glu(input, self.dim)

    def extra_repr(self) -> str:
        return f"dim={self.dim}"


class GELU(Module):
    """`x Φ(x)` with the normal distribution function Φ, or by `approximate="tanh"` (Hendrycks and Gimpel, 2016).

    >>> import rushlight as torch
    >>> torch.nn.GELU()(torch.tensor([-1.0, 2.0]))
    tensor([-0.1587,  1.9545])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.GELU.html
    """

    __constants__: ClassVar[list[str]] = ["approximate"]

    def __init__(self, approximate: str = "none") -> None:
        super().__init__()
        self.approximate = approximate

    def forward(self, input: Tensor) -> Tensor:
        return F.gelu(input, approximate=self.approximate)

    def extra_repr(self) -> str:
        return f"approximate={self.approximate!r}"


class _Shrink(Module):
    """A layer that is 0 within `lambd` of 0."""

    __constants__: ClassVar[list[str]] = ["lambd"]

    def __init__(self, lambd: float = 0.5) -> None:
        super().__init__()
        self.lambd = lambd

    def extra_repr(self) -> str:
        return str(self.lambd)


class Hardshrink(_Shrink):
    """The element where `|x| > lambd`, 0 elsewhere.

    >>> import rushlight as torch
    >>> torch.nn.Hardshrink()(torch.tensor([-1.0, 0.3]))
    tensor([-1.,  0.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.Hardshrink.html
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.hardshrink(input, self.lambd)


class LeakyReLU(_Inplace):
    """The element where positive, `negative_slope` times it elsewhere.

    >>> import rushlight as torch
    >>> torch.nn.LeakyReLU(0.1)(torch.tensor([-1.0, 2.0]))
    tensor([-0.1000,  2.0000])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.LeakyReLU.html
    """

    __constants__: ClassVar[list[str]] = ["inplace", "negative_slope"]

    def __init__(self, negative_slope: float = 0.01, inplace: bool = False) -> None:
        super().__init__(inplace)
        self.negative_slope = negative_slope

    def forward(self, input: Tensor) -> Tensor:
        return F.leaky_relu(input, self.negative_slope, self.inplace)

    def extra_repr(self) -> str:
        return _and_inplace(f"negative_slope={self.negative_slope}", self.inplace)


class LogSigmoid(Module):
    """`log(1 / (1 + exp(-x)))`.

    >>> import rushlight as torch
    >>> torch.nn.LogSigmoid()(torch.tensor([-1.0, 2.0]))
    tensor([-1.3133, -0.1269])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.LogSigmoid.html
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.logsigmoid(input)


class Softplus(Module):
    """`log(1 + exp(beta · x)) / beta`, and `x` where `beta · x > threshold`.

    >>> import rushlight as torch
    >>> torch.nn.Softplus()(torch.tensor([-1.0, 2.0]))
    tensor([0.3133, 2.1269])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.Softplus.html
    """

    __constants__: ClassVar[list[str]] = ["beta", "threshold"]

    def __init__(self, beta: float = 1.0, threshold: float = 20.0) -> None:
        super().__init__()
        self.beta = beta
        self.threshold = threshold

    def forward(self, input: Tensor) -> Tensor:
        return F.softplus(input, self.beta, self.threshold)

    def extra_repr(self) -> str:
        return f"beta={self.beta}, threshold={self.threshold}"


class Softshrink(_Shrink):
    """`x - lambd` above `lambd`, `x + lambd` below `-lambd`, 0 between.

    >>> import rushlight as torch
    >>> torch.nn.Softshrink()(torch.tensor([-1.0, 0.3]))
    tensor([-0.5000,  0.0000])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.Softshrink.html
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.softshrink(input, self.lambd)


class PReLU(Module):
    """The element where positive, a learnt `weight` times it elsewhere (He et al., 2015).

    Shapes: (*) → (*), channels in dimension 1; `weight` is (num_parameters,), one for all channels or one for each.
    At first every weight is `init`.

    >>> import rushlight as torch
    >>> torch.nn.PReLU()(torch.tensor([-1.0, 2.0]))
    tensor([-0.2500,  2.0000], grad_fn=<PreluKernelBackward0>)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.PReLU.html
    """

    __constants__: ClassVar[list[str]] = ["num_parameters"]
    weight: Parameter

    def __init__(
        self,
        num_parameters: int = 1,
        init: float = 0.25,
        device: Device | str | None = None,
        dtype: Dtype | None = None,
    ) -> None:
        self.num_parameters = num_parameters
        super().__init__()
        self.init = init
        self.weight = Parameter(empty(num_parameters, device=device, dtype=dtype))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Set every weight to `init`."""
        initial.constant_(self.weight, self.init)

    def forward(self, input: Tensor) -> Tensor:
        return F.prelu(input, self.weight)

    def extra_repr(self) -> str:
        return f"num_parameters={self.num_parameters}"


class Softsign(Module):
    """`x / (1 + |x|)`.

    >>> import rushlight as torch
    >>> torch.nn.Softsign()(torch.tensor([-1.0, 3.0]))
    tensor([-0.5000,  0.7500])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.Softsign.html
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.softsign(input)


class Tanhshrink(Module):
    """`x - tanh(x)`.

    >>> import rushlight as torch
    >>> torch.nn.Tanhshrink()(torch.tensor([0.0, 1.0]))
    tensor([0.0000, 0.2384])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.Tanhshrink.html
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.tanhshrink(input)


class _AlongDim(Module):
    """A function along one dimension; without `dim` the call warns and chooses one."""

    __constants__: ClassVar[list[str]] = ["dim"]

    def __init__(self, dim: int | None = None) -> None:
        super().__init__()
        self.dim = dim

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        if not hasattr(self, "dim"):
            self.dim = None

    def extra_repr(self) -> str:
        return f"dim={self.dim}"


class Softmin(_AlongDim):
    """`softmax(-x)` along `dim`: the elements along it are in [0, 1] and add up to 1.

    >>> import rushlight as torch
    >>> torch.nn.Softmin(dim=0)(torch.tensor([1.0, 1.0]))
    tensor([0.5000, 0.5000])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.Softmin.html
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.softmin(input, self.dim, _stacklevel=5)


class Softmax(_AlongDim):
    """`exp(x) / Σ exp(x)` along `dim`: the elements along it are in [0, 1] and add up to 1.

    >>> import rushlight as torch
    >>> torch.nn.Softmax(dim=0)(torch.tensor([1.0, 1.0]))
    tensor([0.5000, 0.5000])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.Softmax.html
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.softmax(input, self.dim, _stacklevel=5)


class Softmax2d(Module):
    """Softmax over the channels of images.

    Shapes: (N, C, H, W) or (C, H, W) → the same. ValueError, from the call, for another number of dimensions.

    >>> import rushlight as torch
    >>> torch.nn.Softmax2d()(torch.zeros(1, 2, 1, 1)).flatten()
    tensor([0.5000, 0.5000])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.Softmax2d.html
    """

    def forward(self, input: Tensor) -> Tensor:
        if input.ndim not in (3, 4):
            raise ValueError(f"Softmax2d: expected input to be 3D or 4D, got {input.ndim}D instead")
        return F.softmax(input, -3, _stacklevel=5)


class LogSoftmax(_AlongDim):
    """`x - log Σ exp(x)` along `dim`.

    >>> import rushlight as torch
    >>> torch.nn.LogSoftmax(dim=0)(torch.tensor([1.0, 1.0]))
    tensor([-0.6931, -0.6931])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.LogSoftmax.html
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.log_softmax(input, self.dim, _stacklevel=5)
