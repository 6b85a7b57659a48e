"""Zeroing elements, or whole channels, at random.

The mask is drawn as PyTorch draws it (`docs/random.md`), then multiplied in: training with a
seed gives PyTorch's numbers.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from rushlight import dtypes
from rushlight.autograd import transforms
from rushlight.autograd.grad_mode import state
from rushlight.autograd.variable import Variable, wrap
from rushlight.kernels import random as kernels
from rushlight.ops._numeric import check_tensor
from rushlight.ops.random_fill import arranged
from rushlight.random import default_generator

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

__all__ = [
    "alpha_dropout", "alpha_dropout_", "dropout", "dropout_", "feature_alpha_dropout", "feature_alpha_dropout_",
    "feature_dropout", "feature_dropout_", "native_dropout",
]  # fmt: skip

Array = npt.NDArray[Any]

# -scale * alpha of SELU: what its negative side tends to.
_SELU_LIMIT = 1.7580993408473766


def _checked(input: Tensor, p: float, function: str) -> float:
    if not isinstance(input, Variable):
        raise TypeError(f"{function}(): argument 'input' (position 1) must be Tensor, not {type(input).__name__}")
    if not 0 <= p <= 1:
        raise RuntimeError(f"dropout probability has to be between 0 and 1, but got {p:g}")
    return float(p)


def _template(input: Tensor, feature: bool) -> Array:
    """An empty array like the mask: like the input, or with one element a channel."""
    array = input._array
    if not feature:
        if array.flags.c_contiguous:
            return array
        return np.empty_like(array)
    if array.ndim < 2:
        raise RuntimeError("Feature dropout requires at least 2 dimensions in the input")
    return np.empty(array.shape[:2] + (1,) * (array.ndim - 2), array.dtype)


def _mask(template: Array, keep: float, scale: float) -> Tensor:
    if state.levels:
        mask: Tensor = transforms.drawn(lambda batches: _drawn(_for_batches(template, batches), keep, scale))
        return mask
    return _drawn(template, keep, scale)


def _drawn(template: Array, keep: float, scale: float) -> Tensor:
    return wrap(
        arranged(template, lambda n: kernels.scaled_bernoulli(default_generator, n, template.dtype, keep, scale))
    )


def _for_batches(template: Array, batches: tuple[int, ...]) -> Array:
    return np.empty((*batches, *template.shape), template.dtype)


def _apply(input: Tensor, p: float, train: bool, feature: bool, inplace: bool) -> Tensor:
    if p == 0 or not train or input.numel() == 0:
        return input
    if p == 1:
        zero = wrap(np.zeros((), input._array.dtype))
        return input.mul_(zero) if inplace else input.mul(zero)
    if input._array.dtype.kind in "biu":
        raise RuntimeError(
            f"result type Float can't be cast to the desired output type "
            f"{dtypes.from_numpy_dtype(input._array.dtype).legacy_name}"
        )
    template, keep = _template(input, feature), 1 - p
    mask = _mask(template, keep, _reciprocal(keep, template.dtype))
    return input.mul_(mask) if inplace else input.mul(mask)


def _reciprocal(keep: float, dtype: np.dtype[Any]) -> float:
    """1 / keep, in float32 unless the tensor is float64, since the mask is divided in the tensor's type."""
    if (dtype.itemsize >= 8 and dtype.kind == "f") or dtype.itemsize == 16:
        return 1 / keep
    return float(np.float32(1) / np.float32(keep))


def dropout(input: Tensor, p: float, train: bool) -> Tensor:
    """`input * mask / (1 - p)` with a mask that is 0 with probability p, else 1; `input` itself if not training.

    Of any shape. Raises RuntimeError for a p outside [0, 1], and for integers in training.

    >>> import rushlight as torch
    >>> generator = torch.manual_seed(0)
    >>> torch.dropout(torch.ones(4), 0.5, True)
    tensor([0., 0., 2., 0.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.dropout.html
    """
    return _apply(input, _checked(input, p, "dropout"), train, False, False)


def dropout_(input: Tensor, p: float, train: bool) -> Tensor:
    """Like `dropout`, written into the tensor."""
    return _apply(input, _checked(input, p, "dropout_"), train, False, True)


def feature_dropout(input: Tensor, p: float, train: bool) -> Tensor:
    """`dropout` of whole channels of `(N, C, *)`: one draw for each of the first two dimensions.

    Raises RuntimeError for fewer than two dimensions and for a `p` outside [0, 1].

    >>> import rushlight as torch
    >>> torch.feature_dropout(torch.ones(1, 3, 2), 0.5, train=True)
    tensor([[[0., 0.],
             [0., 0.],
             [2., 2.]]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.dropout2d.html
    """
    return _apply(input, _checked(input, p, "feature_dropout"), train, True, False)


def feature_dropout_(input: Tensor, p: float, train: bool) -> Tensor:
    """Like `feature_dropout`, written into the tensor."""
    return _apply(input, _checked(input, p, "feature_dropout_"), train, True, True)


def _apply_alpha(input: Tensor, p: float, train: bool, feature: bool, inplace: bool) -> Tensor:
    """With mask m, a = 1 / √((α² p + 1)(1 - p)): `input * (m a) + ((m - 1) α a + α a p)`."""
    if p == 0 or not train or input.numel() == 0:
        return input
    if p == 1:
        zero = wrap(np.zeros((), input._array.dtype))
        return input.mul_(zero) if inplace else input.mul(zero)
    template = _template(input, feature)
    a = 1 / math.sqrt((_SELU_LIMIT**2 * p + 1) * (1 - p))
    mask = _mask(template, 1 - p, 1.0)
    shift = float(
        template.dtype.type(_SELU_LIMIT * a * p)
    )  # a number added to a narrow type is rounded to that type first
    offset = mask.add(-1).mul_(_SELU_LIMIT * a).add_(shift)
    mask.mul_(a)
    return input.mul_(mask).add_(offset) if inplace else input.mul(mask).add(offset)


def alpha_dropout(input: Tensor, p: float, train: bool) -> Tensor:
    """Elements set to SELU's negative limit with probability `p`, the whole then shifted and scaled to keep mean and
    variance.

    The shape stays; unless `train`, so does everything. Raises RuntimeError for a `p` outside [0, 1] and for integers.

    >>> import rushlight as torch
    >>> torch.alpha_dropout(torch.ones(2, 3), 0.5, train=False)
    tensor([[1., 1., 1.],
            [1., 1., 1.]])

    Source: G. Klambauer et al., "Self-normalizing neural networks", 2017
    """
    return _apply_alpha(input, _checked(input, p, "alpha_dropout"), train, False, False)


def alpha_dropout_(input: Tensor, p: float, train: bool) -> Tensor:
    """Like `alpha_dropout`, written into the tensor."""
    return _apply_alpha(input, _checked(input, p, "alpha_dropout_"), train, False, True)


def feature_alpha_dropout(input: Tensor, p: float, train: bool) -> Tensor:
    """`alpha_dropout` of whole channels of `(N, C, *)`: one draw for each of the first two dimensions.

    Raises RuntimeError for fewer than two dimensions and for a `p` outside [0, 1].

    >>> import rushlight as torch
    >>> torch.feature_alpha_dropout(torch.ones(1, 2, 3), 0.5, train=False)
    tensor([[[1., 1., 1.],
             [1., 1., 1.]]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.feature_alpha_dropout.html
    """
    return _apply_alpha(input, _checked(input, p, "feature_alpha_dropout"), train, True, False)


def feature_alpha_dropout_(input: Tensor, p: float, train: bool) -> Tensor:
    """Like `feature_alpha_dropout`, written into the tensor."""
    return _apply_alpha(input, _checked(input, p, "feature_alpha_dropout_"), train, True, True)


def native_dropout(input: Tensor, p: float, train: bool | None = None) -> tuple[Tensor, Tensor]:
    """`dropout`, and the mask of what was kept, as bools of the same shape.

    Unless `train`, all is kept; None counts as true. Raises RuntimeError for integers.

    >>> import rushlight as torch
    >>> result, kept = torch.native_dropout(torch.ones(4), 0.5, True)
    >>> bool((result[kept] == 2).all()), bool((result[~kept] == 0).all())
    (True, True)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.dropout.html
    """
    check_tensor("native_dropout", "input", 1, input)
    if train is False or input.numel() == 0:
        return input, wrap(np.ones(input._array.shape, np.bool_))
    keep = 1 - _checked(input, p, "native_dropout")
    template = _template(input, False)

    def draw(batches: tuple[int, ...]) -> Tensor:
        like = _for_batches(template, batches) if batches or input._level is not None else template
        return wrap(arranged(like, lambda n: kernels.bernoulli(default_generator, n, keep)))

    kept: Tensor = transforms.drawn(draw)
    scale = template.dtype.type(0 if keep == 0 else _reciprocal(keep, template.dtype))
    return input.mul(kept.to(input.dtype).mul_(float(scale))), kept
