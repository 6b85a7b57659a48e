"""Layers that multiply by a matrix."""

from __future__ import annotations

import math
from typing import Any, ClassVar

from rushlight.autograd.grad_mode import no_grad
from rushlight.device import device as Device
from rushlight.dtypes import dtype as Dtype
from rushlight.nn import functional as F
from rushlight.nn import init
from rushlight.nn.modules.lazy import LazyModuleMixin
from rushlight.nn.modules.module import Module
from rushlight.nn.parameter import Parameter, UninitializedParameter
from rushlight.ops.creation import empty
from rushlight.tensor import Tensor

__all__ = ["Bilinear", "Identity", "LazyLinear", "Linear"]


def _empty(*shape: int, device: Device | str | None, dtype: Dtype | None) -> Tensor:
    return empty(shape, device=device, dtype=dtype)


class Identity(Module):
    """Its input, unchanged, whatever arguments it was made with.

    >>> import rushlight as torch
    >>> torch.nn.Identity(54, unused=0.1)(torch.ones(2))
    tensor([1., 1.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.Identity.html
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()

    def forward(self, input: Tensor) -> Tensor:
        return input


class Linear(Module):
    """The affine map y = x Aᵀ + b.

    Shapes: (*, in_features) → (*, out_features); `weight` A is (out_features, in_features), `bias` b is (out_features).
    Floating-point and complex dtypes. RuntimeError, from the call, if the input's last dimension is not in_features.

    At first both are drawn from the uniform law on (-k, k), k = 1/√in_features: the weight, then the bias.

    >>> import rushlight as torch
    >>> layer = torch.nn.Linear(20, 30)
    >>> layer(torch.zeros(128, 20)).shape
    torch.Size([128, 30])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.Linear.html
    """

    __constants__: ClassVar[list[str]] = ["in_features", "out_features"]
    in_features: int
    out_features: int
    weight: Parameter
    bias: Parameter | None

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        device: Device | str | None = None,
        dtype: Dtype | None = None,
    ) -> None:
        super().__init__()
        self.in_features = in_features
        self.out_features = out_features
        self.weight = Parameter(_empty(out_features, in_features, device=device, dtype=dtype))
        if bias:
            self.bias = Parameter(_empty(out_features, device=device, dtype=dtype))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the weight and the bias anew."""
        # With a = √5 the bound of kaiming_uniform_ is 1/√fan_in.
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        if self.bias is not None:
            fan_in = self.weight.size(1)
            bound = 1 / math.sqrt(fan_in) if fan_in > 0 else 0
            init.uniform_(self.bias, -bound, bound)

    def forward(self, input: Tensor) -> Tensor:
        return F.linear(input, self.weight, self.bias)

    def extra_repr(self) -> str:
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"


class NonDynamicallyQuantizableLinear(Linear):
    """A Linear that quantization leaves alone, because another layer (MultiheadAttention) uses its weight directly."""


class Bilinear(Module):
    """The bilinear map y = x₁ᵀ A x₂ + b.

    Shapes: (*, in1_features), (*, in2_features) → (*, out_features); `weight` A is (out_features, in1_features,
    in2_features), `bias` b is (out_features). Floating-point and complex dtypes. ValueError unless in1_features > 0.

    At first both are drawn from the uniform law on (-k, k), k = 1/√in1_features: the weight, then the bias.

    >>> import rushlight as torch
    >>> layer = torch.nn.Bilinear(20, 30, 40)
    >>> layer(torch.zeros(128, 20), torch.zeros(128, 30)).shape
    torch.Size([128, 40])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.Bilinear.html
    """

    __constants__: ClassVar[list[str]] = ["in1_features", "in2_features", "out_features"]
    in1_features: int
    in2_features: int
    out_features: int
    weight: Parameter
    bias: Parameter | None

    def __init__(
        self,
        in1_features: int,
        in2_features: int,
        out_features: int,
        bias: bool = True,
        device: Device | str | None = None,
        dtype: Dtype | None = None,
    ) -> None:
        super().__init__()
        self.in1_features = in1_features
        self.in2_features = in2_features
        self.out_features = out_features
        self.weight = Parameter(_empty(out_features, in1_features, in2_features, device=device, dtype=dtype))
        if bias:
            self.bias = Parameter(_empty(out_features, device=device, dtype=dtype))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the weight and the bias anew."""
        if self.in1_features <= 0:
            raise ValueError(f"in1_features must be > 0, but got (in1_features={self.in1_features})")
        bound = 1 / math.sqrt(self.weight.size(1))
        init.uniform_(self.weight, -bound, bound)
        if self.bias is not None:
            init.uniform_(self.bias, -bound, bound)

    def forward(self, input1: Tensor, input2: Tensor) -> Tensor:
        return F.bilinear(input1, input2, self.weight, self.bias)

    def extra_repr(self) -> str:
        return (
            f"in1_features={self.in1_features}, in2_features={self.in2_features}, out_features={self.out_features}, "
            f"bias={self.bias is not None}"
        )


class LazyLinear(LazyModuleMixin, Linear):
    """A Linear whose in_features is the size of its first input's last dimension.

    >>> import rushlight as torch
    >>> layer = torch.nn.LazyLinear(30)
    >>> layer.weight
    <UninitializedParameter>
    >>> _ = layer(torch.zeros(128, 20))
    >>> layer.weight.shape
    torch.Size([30, 20])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.LazyLinear.html
    """

    cls_to_become = Linear
    weight: UninitializedParameter
    bias: UninitializedParameter | None

    def __init__(
        self,
        out_features: int,
        bias: bool = True,
        device: Device | str | None = None,
        dtype: Dtype | None = None,
    ) -> None:
        # The real bias comes below: an ordinary one here would never be lazy.
        super().__init__(0, 0, False)
        self.weight = UninitializedParameter(device=device, dtype=dtype)
        self.out_features = out_features
        if bias:
            self.bias = UninitializedParameter(device=device, dtype=dtype)

    def reset_parameters(self) -> None:
        """Draw the weight and the bias anew, if their shapes are known."""
        if not self.has_uninitialized_params() and self.in_features != 0:
            super().reset_parameters()

    def initialize_parameters(self, input: Tensor) -> None:
        """Take in_features from the first input, and draw the parameters."""
        features = input.shape[-1]
        if self.has_uninitialized_params():
            with no_grad():
                self.in_features = features
                self.weight.materialize((self.out_features, features))
                if self.bias is not None:
                    self.bias.materialize((self.out_features,))
                self.reset_parameters()
        if self.in_features == 0:
            # The parameters came from a state_dict.
            if features != self.weight.shape[-1]:
                raise AssertionError(
                    f"The in_features inferred from input: {features} is not equal to in_features from self.weight: "
                    f"{self.weight.shape[-1]}"
                )
            self.in_features = features
