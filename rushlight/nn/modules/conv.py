"""Convolutional layers: one implementation for any number of dimensions, thin classes for one, two and three.

The lazy ones learn their in_channels from their first input.
"""

from __future__ import annotations

from typing import Any, ClassVar

from rushlight.device import device as Device
from rushlight.dtypes import dtype as Dtype
from rushlight.nn import functional as F
from rushlight.nn.common_types import _size_1_t as _size_1_t
from rushlight.nn.common_types import _size_2_t as _size_2_t
from rushlight.nn.common_types import _size_3_t as _size_3_t
from rushlight.nn.modules._conv import Sizes, _Conv, _ConvNd, _ConvTranspose
from rushlight.nn.modules._conv import _ConvTransposeNd as _ConvTransposeNd
from rushlight.nn.modules.lazy import LazyModuleMixin
from rushlight.nn.modules.utils import _pair as _pair
from rushlight.nn.modules.utils import _reverse_repeat_tuple as _reverse_repeat_tuple
from rushlight.nn.modules.utils import _single as _single
from rushlight.nn.modules.utils import _triple as _triple
from rushlight.nn.parameter import UninitializedParameter
from rushlight.tensor import Tensor

__all__ = [
    "Conv1d",
    "Conv2d",
    "Conv3d",
    "ConvTranspose1d",
    "ConvTranspose2d",
    "ConvTranspose3d",
    "LazyConv1d",
    "LazyConv2d",
    "LazyConv3d",
    "LazyConvTranspose1d",
    "LazyConvTranspose2d",
    "LazyConvTranspose3d",
]


class Conv1d(_Conv):
    """Convolution over one dimension: out[n, o] = bias[o] + Σ_c weight[o, c] ⋆ input[n, c], ⋆ the cross-correlation.

    kernel_size K; the window moves by stride and its elements are dilation apart; padding, a number of elements on both
    sides, or "valid" (none) or "same" (as many as keep the length; stride 1 only), is filled as padding_mode says:
    "zeros", "reflect", "replicate" or "circular". With groups, that many equal parts of the channels are convolved each
    on its own.

    Shapes: (N, in_channels, L) or (in_channels, L) → (N, out_channels, OL), OL = floor((L + 2·padding - dilation·(K -
    1) - 1) / stride + 1); `weight` is (out_channels, in_channels / groups, K), `bias` (out_channels). Floating-point,
    complex and integer dtypes. ValueError for settings that don't fit each other; RuntimeError, from the call, for an
    input that doesn't fit.

    At first both are drawn from the uniform law on (-k, k), k = 1/√(in_channels / groups · K): the weight, then the
    bias.

    >>> import rushlight as torch
    >>> layer = torch.nn.Conv1d(16, 33, 3, stride=2)
    >>> layer(torch.zeros(20, 16, 50)).shape
    torch.Size([20, 33, 24])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.Conv1d.html
    """

    _rank = 1
    _function = staticmethod(F.conv1d)


class Conv2d(_Conv):
    """Convolution over two dimensions; every size may be one number or a pair. The rest is as in `Conv1d`.

    Shapes: (N, in_channels, H, W) or (in_channels, H, W) → (N, out_channels, OH, OW); `weight` is (out_channels,
    in_channels / groups, KH, KW), `bias` (out_channels). Both are at first uniform on (-k, k), k = 1/√(in_channels /
    groups · KH · KW).

    >>> import rushlight as torch
    >>> layer = torch.nn.Conv2d(16, 33, (3, 5), stride=(2, 1), padding=(4, 2), dilation=(3, 1))
    >>> layer(torch.zeros(20, 16, 50, 100)).shape
    torch.Size([20, 33, 26, 100])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.Conv2d.html
    """

    _rank = 2
    _function = staticmethod(F.conv2d)


class Conv3d(_Conv):
    """Convolution over three dimensions; every size may be one number or a triple. The rest is as in `Conv1d`.

    Shapes: (N, in_channels, D, H, W) or (in_channels, D, H, W) → (N, out_channels, OD, OH, OW); `weight` is
    (out_channels, in_channels / groups, KD, KH, KW), `bias` (out_channels). Both are at first uniform on (-k, k), k =
    1/√(in_channels / groups · KD · KH · KW).

    >>> import rushlight as torch
    >>> layer = torch.nn.Conv3d(2, 3, (3, 5, 2), stride=(2, 1, 1), padding=(4, 2, 0))
    >>> layer(torch.zeros(2, 2, 10, 5, 10)).shape
    torch.Size([2, 3, 8, 5, 9])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.Conv3d.html
    """

    _rank = 3
    _function = staticmethod(F.conv3d)


class ConvTranspose1d(_ConvTranspose):
    """The transposed convolution over one dimension: the gradient of `Conv1d` in its input, as a layer.

    Each input element adds the weight times itself to the output, stride apart; padding elements are taken off both
    ends and output_padding added at the far one. forward takes an output_size instead, and finds the output_padding for
    it.

    Shapes: (N, in_channels, L) or (in_channels, L) → (N, out_channels, OL), OL = (L - 1)·stride - 2·padding +
    dilation·(K - 1) + output_padding + 1; `weight` is (in_channels, out_channels / groups, K), `bias` (out_channels).
    Floating-point, complex and integer dtypes. ValueError for settings that don't fit each other or an output_size out
    of reach; RuntimeError, from the call, for an input that doesn't fit.

    At first both are drawn from the uniform law on (-k, k), k = 1/√(out_channels / groups · K): the weight, then the
    bias.

    >>> import rushlight as torch
    >>> layer = torch.nn.ConvTranspose1d(16, 8, 3, stride=2)
    >>> layer(torch.zeros(20, 16, 12), output_size=(26,)).shape
    torch.Size([20, 8, 26])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.ConvTranspose1d.html
    """

    _rank = 1
    _function = staticmethod(F.conv_transpose1d)


class ConvTranspose2d(_ConvTranspose):
    """The transposed convolution over two dimensions; every size may be one number or a pair. The rest is as in
    `ConvTranspose1d`.

    Shapes: (N, in_channels, H, W) or (in_channels, H, W) → (N, out_channels, OH, OW); `weight` is (in_channels,
    out_channels / groups, KH, KW), `bias` (out_channels). Both are at first uniform on (-k, k), k = 1/√(out_channels /
    groups · KH · KW).

    >>> import rushlight as torch
    >>> layer = torch.nn.ConvTranspose2d(16, 33, (3, 5), stride=(2, 1), padding=(4, 2))
    >>> layer(torch.zeros(2, 16, 50, 10)).shape
    torch.Size([2, 33, 93, 10])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.ConvTranspose2d.html
    """

    _rank = 2
    _function = staticmethod(F.conv_transpose2d)


class ConvTranspose3d(_ConvTranspose):
    """The transposed convolution over three dimensions; every size may be one number or a triple. The rest is as in
    `ConvTranspose1d`.

    Shapes: (N, in_channels, D, H, W) or (in_channels, D, H, W) → (N, out_channels, OD, OH, OW); `weight` is
    (in_channels, out_channels / groups, KD, KH, KW), `bias` (out_channels). Both are at first uniform on (-k, k), k =
    1/√(out_channels / groups · KD · KH · KW).

    >>> import rushlight as torch
    >>> layer = torch.nn.ConvTranspose3d(4, 3, (3, 5, 2), stride=(2, 1, 1))
    >>> layer(torch.zeros(2, 4, 3, 5, 4)).shape
    torch.Size([2, 3, 7, 9, 5])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.ConvTranspose3d.html
    """

    _rank = 3
    _function = staticmethod(F.conv_transpose3d)


class _LazyConv(LazyModuleMixin, _ConvNd):
    """Takes in_channels from the first input. A class of this kind and a convolution is that convolution, once it has
    parameters."""

    weight: UninitializedParameter
    bias: UninitializedParameter | None
    _rank: ClassVar[int]

    def reset_parameters(self) -> None:
        """Draw the weight and the bias anew, if their shapes are known."""
        if not self.has_uninitialized_params() and self.in_channels != 0:
            super().reset_parameters()

    def initialize_parameters(self, input: Tensor, *args: Any, **kwargs: Any) -> None:
        """Take in_channels from the first input, and draw the parameters."""
        if not self.has_uninitialized_params():
            return
        self.in_channels = self._get_in_channels(input)
        if self.in_channels % self.groups != 0:
            raise ValueError("in_channels must be divisible by groups")
        channels = (self.out_channels, self.in_channels)
        first, second = reversed(channels) if self.transposed else channels
        self.weight.materialize((first, second // self.groups, *self.kernel_size))
        if self.bias is not None:
            self.bias.materialize((self.out_channels,))
        self.reset_parameters()

    def _get_in_channels(self, input: Tensor) -> int:
        rank = self._get_num_spatial_dims()
        if input.dim() not in (rank + 1, rank + 2):
            raise RuntimeError(
                f"Expected {rank + 1}D (unbatched) or {rank + 2}D (batched) input to {type(self).__name__}, but got "
                f"input of size: {input.shape}"
            )
        return input.shape[-rank - 1]

    def _get_num_spatial_dims(self) -> int:
        return self._rank

    def _leave_open(self, out_channels: int, bias: bool, device: Device | str | None, dtype: Dtype | None) -> None:
        """Replace the parameters, made for no channels, by those to come."""
        self.weight = UninitializedParameter(device=device, dtype=dtype)
        self.out_channels = out_channels
        if bias:
            self.bias = UninitializedParameter(device=device, dtype=dtype)


class _LazyForward(_LazyConv, _Conv):
    def __init__(
        self,
        out_channels: int,
        kernel_size: Sizes,
        stride: Sizes = 1,
        padding: str | Sizes = 0,
        dilation: Sizes = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: Device | str | None = None,
        dtype: Dtype | None = None,
    ) -> None:
        super().__init__(0, 0, kernel_size, stride, padding, dilation, groups, False, padding_mode, device, dtype)
        self._leave_open(out_channels, bias, device, dtype)


class _LazyTranspose(_LazyConv, _ConvTranspose):
    def __init__(
        self,
        out_channels: int,
        kernel_size: Sizes,
        stride: Sizes = 1,
        padding: Sizes = 0,
        output_padding: Sizes = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Sizes = 1,
        padding_mode: str = "zeros",
        device: Device | str | None = None,
        dtype: Dtype | None = None,
    ) -> None:
        super().__init__(
            0, 0, kernel_size, stride, padding, output_padding, groups, False, dilation, padding_mode, device, dtype
        )
        self._leave_open(out_channels, bias, device, dtype)


class LazyConv1d(_LazyForward, Conv1d):
    """A `Conv1d` whose in_channels is the number of its first input's channels.

    Until then its parameters are `UninitializedParameter`s, also in its state_dict; with the first input, or with
    loaded ones, they get their shapes, and after the first call it is a `Conv1d`. RuntimeError, from the call, for an
    input of other than 2 or 3 dimensions, ValueError unless groups divides its channels.

    >>> import rushlight as torch
    >>> layer = torch.nn.LazyConv1d(33, 3)
    >>> layer.weight
    <UninitializedParameter>
    >>> _ = layer(torch.zeros(20, 16, 50))
    >>> layer.weight.shape
    torch.Size([33, 16, 3])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.LazyConv1d.html
    """

    cls_to_become = Conv1d


class LazyConv2d(_LazyForward, Conv2d):
    """A `Conv2d` whose in_channels is the number of its first input's channels.

    Until then its parameters are `UninitializedParameter`s, also in its state_dict; with the first input, or with
    loaded ones, they get their shapes, and after the first call it is a `Conv2d`. RuntimeError, from the call, for an
    input of other than 3 or 4 dimensions, ValueError unless groups divides its channels.

    >>> import rushlight as torch
    >>> layer = torch.nn.LazyConv2d(33, 3)
    >>> layer.weight
    <UninitializedParameter>
    >>> _ = layer(torch.zeros(2, 16, 10, 12))
    >>> layer.weight.shape
    torch.Size([33, 16, 3, 3])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.LazyConv2d.html
    """

    cls_to_become = Conv2d


class LazyConv3d(_LazyForward, Conv3d):
    """A `Conv3d` whose in_channels is the number of its first input's channels.

    Until then its parameters are `UninitializedParameter`s, also in its state_dict; with the first input, or with
    loaded ones, they get their shapes, and after the first call it is a `Conv3d`. RuntimeError, from the call, for an
    input of other than 4 or 5 dimensions, ValueError unless groups divides its channels.

    >>> import rushlight as torch
    >>> layer = torch.nn.LazyConv3d(33, 3)
    >>> layer.weight
    <UninitializedParameter>
    >>> _ = layer(torch.zeros(2, 16, 5, 6, 7))
    >>> layer.weight.shape
    torch.Size([33, 16, 3, 3, 3])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.LazyConv3d.html
    """

    cls_to_become = Conv3d


class LazyConvTranspose1d(_LazyTranspose, ConvTranspose1d):
    """A `ConvTranspose1d` whose in_channels is the number of its first input's channels.

    Until then its parameters are `UninitializedParameter`s, also in its state_dict; with the first input, or with
    loaded ones, they get their shapes, and after the first call it is a `ConvTranspose1d`. RuntimeError, from the call,
    for an input of other than 2 or 3 dimensions, ValueError unless groups divides its channels.

    >>> import rushlight as torch
    >>> layer = torch.nn.LazyConvTranspose1d(33, 3)
    >>> layer.weight
    <UninitializedParameter>
    >>> _ = layer(torch.zeros(20, 16, 50))
    >>> layer.weight.shape
    torch.Size([16, 33, 3])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.LazyConvTranspose1d.html
    """

    cls_to_become = ConvTranspose1d


class LazyConvTranspose2d(_LazyTranspose, ConvTranspose2d):
    """A `ConvTranspose2d` whose in_channels is the number of its first input's channels.

    Until then its parameters are `UninitializedParameter`s, also in its state_dict; with the first input, or with
    loaded ones, they get their shapes, and after the first call it is a `ConvTranspose2d`. RuntimeError, from the call,
    for an input of other than 3 or 4 dimensions, ValueError unless groups divides its channels.

    >>> import rushlight as torch
    >>> layer = torch.nn.LazyConvTranspose2d(33, 3)
    >>> layer.weight
    <UninitializedParameter>
    >>> _ = layer(torch.zeros(2, 16, 10, 12))
    >>> layer.weight.shape
    torch.Size([16, 33, 3, 3])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.LazyConvTranspose2d.html
    """

    cls_to_become = ConvTranspose2d


class LazyConvTranspose3d(_LazyTranspose, ConvTranspose3d):
    """A `ConvTranspose3d` whose in_channels is the number of its first input's channels.

    Until then its parameters are `UninitializedParameter`s, also in its state_dict; with the first input, or with
    loaded ones, they get their shapes, and after the first call it is a `ConvTranspose3d`. RuntimeError, from the call,
    for an input of other than 4 or 5 dimensions, ValueError unless groups divides its channels.

    >>> import rushlight as torch
    >>> layer = torch.nn.LazyConvTranspose3d(33, 3)
    >>> layer.weight
    <UninitializedParameter>
    >>> _ = layer(torch.zeros(2, 16, 5, 6, 7))
    >>> layer.weight.shape
    torch.Size([16, 33, 3, 3, 3])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.LazyConvTranspose3d.html
    """

    cls_to_become = ConvTranspose3d
