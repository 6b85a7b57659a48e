"""Zeroing elements, or whole channels, at random.

Source: https://docs.pytorch.org/docs/2.13/nn.functional.html#dropout-functions
"""

from __future__ import annotations

import warnings

from rushlight.ops import dropout as ops
from rushlight.ops._numeric import check_tensor
from rushlight.tensor import Tensor

__all__ = ["alpha_dropout", "dropout", "dropout1d", "dropout2d", "dropout3d", "feature_alpha_dropout"]


def _check(p: float) -> None:
    if p < 0.0 or p > 1.0:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")


def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Each element set to 0 with probability p, the others multiplied by 1 / (1 - p); the input itself unless training.

    Any shape; floating-point dtypes. ValueError unless 0 <= p <= 1.

    >>> import rushlight as torch
    >>> generator = torch.manual_seed(0)
    >>> torch.nn.functional.dropout(torch.ones(4))
    tensor([0., 0., 2., 0.])

    Source: G. Hinton et al., "Improving neural networks by preventing co-adaptation of feature detectors", 2012;
    https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.dropout.html
    """
    _check(p)
    return ops.dropout_(input, p, training) if inplace else ops.dropout(input, p, training)


def alpha_dropout(input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False) -> Tensor:
    """Dropout for SELU networks: dropped elements take SELU's negative limit, and mean and variance are kept.

    Any shape; floating-point dtypes. ValueError unless 0 <= p <= 1.

    >>> import rushlight as torch
    >>> generator = torch.manual_seed(0)
    >>> torch.nn.functional.alpha_dropout(torch.zeros(4), p=0.5, training=True)
    tensor([-0.7792, -0.7792,  0.7792, -0.7792])

    Source: G. Klambauer et al., "Self-normalizing neural networks", 2017;
    https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.alpha_dropout.html
    """
    _check(p)
    return ops.alpha_dropout_(input, p, training) if inplace else ops.alpha_dropout(input, p, training)


def feature_alpha_dropout(input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False) -> Tensor:
    """`alpha_dropout` of whole channels: (N, C, *) has one draw for each sample and channel.

    ValueError unless 0 <= p <= 1, RuntimeError for fewer than 2 dimensions.

    >>> import rushlight as torch
    >>> generator = torch.manual_seed(0)
    >>> torch.nn.functional.feature_alpha_dropout(torch.zeros(1, 3, 2), p=0.5, training=True)
    tensor([[[-0.7792, -0.7792],
             [-0.7792, -0.7792],
             [ 0.7792,  0.7792]]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.feature_alpha_dropout.html
    """
    _check(p)
    return ops.feature_alpha_dropout_(input, p, training) if inplace else ops.feature_alpha_dropout(input, p, training)


def _channels(input: Tensor, p: float, training: bool, inplace: bool) -> Tensor:
    return ops.feature_dropout_(input, p, training) if inplace else ops.feature_dropout(input, p, training)


def _channels_unbatched(input: Tensor, p: float, training: bool, inplace: bool) -> Tensor:
    if inplace:
        return _channels(input.unsqueeze_(0), p, training, inplace).squeeze_(0)
    return _channels(input.unsqueeze(0), p, training, inplace).squeeze(0)


def dropout1d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Dropout of whole channels of (N, C, L) or (C, L).

    ValueError unless 0 <= p <= 1, RuntimeError for an input of other dimensions.

    >>> import rushlight as torch
    >>> generator = torch.manual_seed(0)
    >>> torch.nn.functional.dropout1d(torch.ones(1, 3, 2))
    tensor([[[0., 0.],
             [0., 0.],
             [2., 2.]]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.dropout1d.html
    """
    check_tensor("dropout1d", "input", 1, input)
    _check(p)
    dims = input.dim()
    if dims not in (2, 3):
        raise RuntimeError(
            f"dropout1d: Expected 2D or 3D input, but received a {dims}D input. Note that dropout1d exists to provide "
            "channel-wise dropout on inputs with 1 spatial dimension, a channel dimension, and an optional batch "
            "dimension (i.e. 2D or 3D inputs)."
        )
    return (_channels if dims == 3 else _channels_unbatched)(input, p, training, inplace)


def dropout2d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Dropout of whole channels of (N, C, H, W). A 3-D input is taken as (N, C, L), with a warning, as in PyTorch.

    ValueError unless 0 <= p <= 1; warns for an input of other dimensions.

    >>> import rushlight as torch
    >>> generator = torch.manual_seed(0)
    >>> torch.nn.functional.dropout2d(torch.ones(1, 3, 1, 2)).squeeze()
    tensor([[0., 0.],
            [0., 0.],
            [2., 2.]])

    Source: J. Tompson et al., "Efficient object localization using convolutional networks", 2015;
    https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.dropout2d.html
    """
    check_tensor("dropout2d", "input", 1, input)
    _check(p)
    dims = input.dim()
    if dims not in (3, 4):
        _warn_dims("dropout2d", dims, 2, "3D or 4D")
    elif dims == 3:
        warnings.warn(
            "dropout2d: Received a 3D input to dropout2d and assuming that channel-wise 1D dropout behavior is "
            "desired - input is interpreted as shape (N, C, L), where C is the channel dim. This behavior will "
            "change in a future release to interpret the input as one without a batch dimension, i.e. shape (C, H, "
            "W). To maintain the 1D channel-wise dropout behavior, please switch to using dropout1d instead.",
            UserWarning,
            stacklevel=2,
        )
    return _channels(input, p, training, inplace)


def dropout3d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Dropout of whole channels of (N, C, D, H, W) or (C, D, H, W).

    ValueError unless 0 <= p <= 1; warns for an input of other dimensions.

    >>> import rushlight as torch
    >>> generator = torch.manual_seed(0)
    >>> torch.nn.functional.dropout3d(torch.ones(1, 3, 1, 1, 2)).squeeze()
    tensor([[0., 0.],
            [0., 0.],
            [2., 2.]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.dropout3d.html
    """
    check_tensor("dropout3d", "input", 1, input)
    _check(p)
    dims = input.dim()
    if dims not in (4, 5):
        _warn_dims("dropout3d", dims, 3, "4D or 5D")
    return (_channels if dims == 5 else _channels_unbatched)(input, p, training, inplace)


def _warn_dims(function: str, dims: int, spatial: int, expected: str) -> None:
    warnings.warn(
        f"{function}: Received a {dims}-D input to {function}, which is deprecated and will result in an error in a "
        f"future release. To retain the behavior and silence this warning, please use dropout instead. Note that "
        f"{function} exists to provide channel-wise dropout on inputs with {spatial} spatial dimensions, a channel "
        f"dimension, and an optional batch dimension (i.e. {expected} inputs).",
        UserWarning,
        stacklevel=3,
    )
