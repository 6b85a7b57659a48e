"""What distributions are built of: numbers to tensors, probabilities to logits, triangles to vectors.

Source: https://docs.pytorch.org/docs/2.13/distributions.html
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import update_wrapper
from typing import Any, Final, Generic, TypeVar, overload

from rushlight import dtypes
from rushlight.autograd.grad_mode import enable_grad
from rushlight.nn.functional import softmax
from rushlight.ops.broadcast import broadcast_tensors
from rushlight.ops.creation import empty, tensor
from rushlight.ops.sequences import tril_indices
from rushlight.tensor import Tensor

__all__ = [
    "broadcast_all", "clamp_probs", "lazy_property", "logits_to_probs", "probs_to_logits", "tril_matrix_to_vec",
    "vec_to_tril_matrix",
]  # fmt: skip

euler_constant: Final[float] = 0.5772156649015329

Made = TypeVar("Made")


def _is_tensor_like(value: Any) -> bool:
    return isinstance(value, Tensor) or hasattr(value, "__torch_function__")


def broadcast_all(*values: Any) -> tuple[Tensor, ...]:
    """Tensors and numbers as tensors of one shape; numbers take the dtype of the first tensor, else the default one.

    Raises ValueError for what is neither.

    >>> import rushlight as torch
    >>> torch.distributions.utils.broadcast_all(torch.zeros(2), 1)
    (tensor([0., 0.]), tensor([1., 1.]))

    Source: https://docs.pytorch.org/docs/2.13/distributions.html
    """
    kind = None
    for value in values:
        if isinstance(value, Tensor):
            kind = kind or value.dtype
        elif not isinstance(value, (int, float)) and not _is_tensor_like(value):
            raise ValueError(
                "Input arguments must all be instances of Number, torch.Tensor or objects implementing "
                f"__torch_function__, got {type(value).__name__}."
            )
    kind = kind or dtypes.get_default_dtype()
    return tuple(broadcast_tensors(*(v if _is_tensor_like(v) else tensor(v, dtype=kind) for v in values)))


def one_of_probs_and_logits(probs: Any, logits: Any) -> tuple[str, Any]:
    """The name and the value of the one that is given; ValueError for none or both."""
    if (probs is None) == (logits is None):
        raise ValueError("Either `probs` or `logits` must be specified, but not both.")
    return ("probs", probs) if logits is None else ("logits", logits)


def _standard_normal(shape: Sequence[int], dtype: Any, device: Any) -> Tensor:
    """Normal numbers of mean 0 and variance 1."""
    return empty(shape, dtype=dtype, device=device).normal_()


def _sum_rightmost(value: Tensor, dim: int) -> Tensor:
    """The sum over the last `dim` dimensions."""
    return value.reshape((*value.shape[:-dim], -1)).sum(-1) if dim else value


def logits_to_probs(logits: Tensor, is_binary: bool = False) -> Tensor:
    """Probabilities: `softmax(logits)` along the last dimension, or `sigmoid(logits)` if binary.

    >>> import rushlight as torch
    >>> torch.distributions.utils.logits_to_probs(torch.zeros(4))
    tensor([0.2500, 0.2500, 0.2500, 0.2500])

    Source: https://docs.pytorch.org/docs/2.13/distributions.html
    """
    return logits.sigmoid() if is_binary else softmax(logits, dim=-1)


def clamp_probs(probs: Tensor) -> Tensor:
    """Probabilities kept in [ε, 1 - ε], ε being the dtype's.

    >>> import rushlight as torch
    >>> torch.distributions.utils.clamp_probs(torch.tensor([0.0, 0.5]))
    tensor([1.1921e-07, 5.0000e-01])

    Source: https://docs.pytorch.org/docs/2.13/distributions.html
    """
    eps = dtypes.finfo(probs.dtype).eps
    return probs.clamp(min=eps, max=1 - eps)


def probs_to_logits(probs: Tensor, is_binary: bool = False) -> Tensor:
    """`log p`, or `log p - log(1 - p)` if binary, of probabilities kept in [ε, 1 - ε].

    >>> import rushlight as torch
    >>> torch.distributions.utils.probs_to_logits(torch.tensor([0.5, 1.0]), is_binary=True)
    tensor([ 0.0000, 15.9424])

    Source: https://docs.pytorch.org/docs/2.13/distributions.html
    """
    clamped = clamp_probs(probs)
    return clamped.log() - (-clamped).log1p() if is_binary else clamped.log()


class lazy_property(Generic[Made]):
    """A property that is computed when first read, with gradients, and then is an attribute of its instance.

    >>> import rushlight as torch
    >>> class Circle:
    ...     @torch.distributions.utils.lazy_property
    ...     def area(self):
    ...         print("computed")
    ...         return 3.0
    >>> circle = Circle()
    >>> circle.area, circle.area
    computed
    (3.0, 3.0)

    Source: https://docs.pytorch.org/docs/2.13/distributions.html
    """

    def __init__(self, wrapped: Callable[[Any], Made]) -> None:
        self.wrapped = wrapped
        update_wrapper(self, wrapped)  # type: ignore[arg-type]

    @overload
    def __get__(self, instance: None, obj_type: Any = None) -> lazy_property[Made]: ...
    @overload
    def __get__(self, instance: object, obj_type: Any = None) -> Made: ...
    def __get__(self, instance: object | None, obj_type: Any = None) -> Any:
        if instance is None:
            return _LazyPropertyOfClass(self.wrapped)
        with enable_grad():
            value = self.wrapped(instance)
        setattr(instance, self.wrapped.__name__, value)
        return value


class _LazyPropertyOfClass(lazy_property[Made], property):  # type: ignore[misc]
    """What a class shows for a lazy property: a `property` too, which tools that read classes know."""

    def __init__(self, wrapped: Callable[[Any], Made]) -> None:
        property.__init__(self, wrapped)


def tril_matrix_to_vec(mat: Tensor, diag: int = 0) -> Tensor:
    """The elements on and below a diagonal, row by row: `(*, n, n)` → `(*, n (n + 1) / 2)` for the diagonal 0.

    Raises ValueError for a diagonal that the matrices lack.

    >>> import rushlight as torch
    >>> torch.distributions.utils.tril_matrix_to_vec(torch.tensor([[1, 0], [2, 3]]))
    tensor([1, 2, 3])

    Source: https://docs.pytorch.org/docs/2.13/distributions.html
    """
    n = mat.shape[-1]
    if not -n <= diag < n:
        raise ValueError(f"diag ({diag}) provided is outside [{-n}, {n - 1}].")
    rows, columns = tril_indices(n, n, diag)
    return mat[..., rows, columns]


def vec_to_tril_matrix(vec: Tensor, diag: int = 0) -> Tensor:
    """Square matrices of the elements given, row by row, on and below a diagonal; zeros above it.

    Raises ValueError where no square matrix has as many.

    >>> import rushlight as torch
    >>> torch.distributions.utils.vec_to_tril_matrix(torch.tensor([1.0, 2.0, 3.0]))
    tensor([[1., 0.],
            [2., 3.]])

    Source: https://docs.pytorch.org/docs/2.13/distributions.html
    """
    length = vec.shape[-1]
    # The number of elements is a polynomial of n, of degree 2, whose root this is.
    odd = 1 + 2 * diag
    n = (math.isqrt(odd**2 + 8 * length + 4 * abs(diag) * (diag + 1)) - odd) // 2
    rows, columns = tril_indices(n, n, diag)
    if rows.numel() != length:
        raise ValueError(
            f"The size of last dimension is {length} which cannot be expressed as the lower triangular part of a "
            "square D x D matrix."
        )
    mat = vec.new_zeros((*vec.shape[:-1], n, n))
    mat[..., rows, columns] = vec
    return mat
