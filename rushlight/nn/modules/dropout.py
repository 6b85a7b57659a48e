"""Layers that, while training, zero elements or whole channels at random."""

from __future__ import annotations

from typing import ClassVar

from rushlight.nn import functional as F
from rushlight.nn.modules.module import Module
from rushlight.tensor import Tensor

__all__ = ["AlphaDropout", "Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "FeatureAlphaDropout"]


class _DropoutNd(Module):
    """What the dropout layers share: `p`, the probability to be dropped, and `inplace`."""

    __constants__: ClassVar[list[str]] = ["p", "inplace"]
    p: float
    inplace: bool

    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        super().__init__()
        if p < 0 or p > 1:
            raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
        self.p = p
        self.inplace = inplace

    def extra_repr(self) -> str:
        return f"p={self.p}, inplace={self.inplace}"


class Dropout(_DropoutNd):
    """Each element set to 0 with probability p while training, the others multiplied by 1 / (1 - p); else the identity.

    Shapes: any → the same. Floating-point dtypes. ValueError unless 0 <= p <= 1.

    >>> import rushlight as torch
    >>> layer = torch.nn.Dropout(p=0.2)
    >>> layer(torch.ones(20, 16)).shape
    torch.Size([20, 16])
    >>> layer.eval()(torch.ones(2))
    tensor([1., 1.])

    Source: G. Hinton et al., "Improving neural networks by preventing co-adaptation of feature detectors", 2012;
    https://docs.pytorch.org/docs/2.13/generated/torch.nn.Dropout.html
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.dropout(input, self.p, self.training, self.inplace)


class Dropout1d(_DropoutNd):
    """Whole channels set to 0 with probability p while training, the others multiplied by 1 / (1 - p).

    Shapes: (N, C, L) or (C, L) → the same. ValueError unless 0 <= p <= 1, RuntimeError for other dimensions.

    >>> import rushlight as torch
    >>> generator = torch.manual_seed(0)
    >>> torch.nn.Dropout1d()(torch.ones(1, 3, 2))
    tensor([[[0., 0.],
             [0., 0.],
             [2., 2.]]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.Dropout1d.html
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.dropout1d(input, self.p, self.training, self.inplace)


class Dropout2d(_DropoutNd):
    """Whole channels set to 0 with probability p while training, the others multiplied by 1 / (1 - p).

    Shapes: (N, C, H, W) → the same; (N, C, L) with a warning. ValueError unless 0 <= p <= 1.

    >>> import rushlight as torch
    >>> generator = torch.manual_seed(0)
    >>> torch.nn.Dropout2d()(torch.ones(1, 3, 1, 2)).squeeze()
    tensor([[0., 0.],
            [0., 0.],
            [2., 2.]])

    Source: J. Tompson et al., "Efficient object localization using convolutional networks", 2015;
    https://docs.pytorch.org/docs/2.13/generated/torch.nn.Dropout2d.html
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.dropout2d(input, self.p, self.training, self.inplace)


class Dropout3d(_DropoutNd):
    """Whole channels set to 0 with probability p while training, the others multiplied by 1 / (1 - p).

    Shapes: (N, C, D, H, W) or (C, D, H, W) → the same. ValueError unless 0 <= p <= 1.

    >>> import rushlight as torch
    >>> generator = torch.manual_seed(0)
    >>> torch.nn.Dropout3d()(torch.ones(1, 3, 1, 1, 2)).squeeze()
    tensor([[0., 0.],
            [0., 0.],
            [2., 2.]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.Dropout3d.html
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.dropout3d(input, self.p, self.training, self.inplace)


class AlphaDropout(_DropoutNd):
    """Dropout that goes with SELU: dropped elements take its negative limit, and mean and variance are kept.

    Shapes: any → the same. Floating-point dtypes. ValueError unless 0 <= p <= 1.

    >>> import rushlight as torch
    >>> torch.nn.AlphaDropout(p=0.2)(torch.randn(20, 16)).shape
    torch.Size([20, 16])

    Source: G. Klambauer et al., "Self-normalizing neural networks", 2017;
    https://docs.pytorch.org/docs/2.13/generated/torch.nn.AlphaDropout.html
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.alpha_dropout(input, self.p, self.training, self.inplace)


class FeatureAlphaDropout(_DropoutNd):
    """`AlphaDropout` of whole channels.

    Shapes: (N, C, *) → the same. ValueError unless 0 <= p <= 1, RuntimeError for fewer than 2 dimensions.

    >>> import rushlight as torch
    >>> generator = torch.manual_seed(0)
    >>> torch.nn.FeatureAlphaDropout()(torch.zeros(1, 3, 2))
    tensor([[[-0.7792, -0.7792],
             [-0.7792, -0.7792],
             [ 0.7792,  0.7792]]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.FeatureAlphaDropout.html
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.feature_alpha_dropout(input, self.p, self.training, self.inplace)
