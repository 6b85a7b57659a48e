"""Reductions and normalizations in which elements that a mask leaves out count for nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rushlight import dtypes, linalg
from rushlight.layout import sparse_coo, sparse_csr, strided
from rushlight.masked._masks import canonical_dims, input_mask, with_identity
from rushlight.masked._sparse import reduce_coo, reduce_csr
from rushlight.nn import functional as F
from rushlight.ops import arithmetic, choice, creation, extremum, powers, reduce, scan, special
from rushlight.tensor import Tensor

__all__ = [
    "amax", "amin", "argmax", "argmin", "cumprod", "cumsum", "log_softmax", "logaddexp", "logsumexp", "mean", "median",
    "norm", "normalize", "prod", "softmax", "softmin", "std", "sum", "var",
]  # fmt: skip

_INTEGERS = (dtypes.uint8, dtypes.bool, dtypes.int8, dtypes.int16, dtypes.int32)


def _refuse(name: str, expected: str, given: Any) -> Any:
    raise ValueError(f"masked {name} expects {expected} (got {given.layout} tensor)")


def _reduced(name: str, dense: Callable[..., Any], input: Any, dim: Any, keepdim: Any, dtype: Any, mask: Any) -> Any:
    """A reduction that sparse tensors have, too."""
    given = with_identity(name, input, mask)
    dims = canonical_dims(dim, given.ndim)
    keepdim = bool(keepdim)
    if given.layout is strided:
        return dense(given, dims, keepdim)
    if given.layout not in (sparse_coo, sparse_csr):
        _refuse(name, "strided, sparse_coo or sparse_csr tensor", given)
    if mask is None and name != "sum":
        raise ValueError(f"masked {name} expects explicit mask for {given.layout.name} tensor input")
    return (reduce_coo if given.layout is sparse_coo else reduce_csr)(name, given, dims, keepdim, dtype)


def sum(input: Any, dim: Any = None, *, keepdim: bool | None = False, dtype: Any = None, mask: Any = None) -> Tensor:
    """The sum of the elements that `mask` keeps, over `dim` (all dimensions if None); 0 where it keeps none.

    The mask, of bools or what becomes them, is broadcast to the input. Small integers add up in int64. Sparse tensors
    in COO and CSR are reduced over the entries that they keep.

    Raises RuntimeError for a mask that does not broadcast to the input.

    >>> import rushlight as torch
    >>> x, mask = torch.tensor([[1.0, 2.0], [3.0, 4.0]]), torch.tensor([[True, False], [True, True]])
    >>> torch.masked.sum(x, 1, mask=mask)
    tensor([1., 7.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.masked.sum.html
    """
    if dtype is None:
        dtype = dtypes.int64 if input.dtype in _INTEGERS else input.dtype
    return _reduced("sum", lambda x, d, k: reduce.sum(x, d, k, dtype=dtype), input, dim, keepdim, dtype, mask)


def prod(input: Any, dim: Any = None, *, keepdim: bool | None = False, dtype: Any = None, mask: Any = None) -> Tensor:
    """The product of the elements that `mask` keeps, over `dim` (all dimensions if None); 1 where it keeps none.

    Small integers are multiplied in int64. See `sum` for the mask.

    >>> import rushlight as torch
    >>> torch.masked.prod(torch.tensor([2.0, 3.0, 4.0]), mask=torch.tensor([True, False, True]))
    tensor(8.)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.masked.prod.html
    """
    if dtype is None:
        dtype = dtypes.int64 if input.dtype in _INTEGERS else input.dtype

    def dense(given: Any, dims: Any, keepdim: bool) -> Any:
        result = given.to(dtype)
        for d in reversed(dims):
            result = result.prod(dim=d, keepdim=keepdim)
        return result

    return _reduced("prod", dense, input, dim, keepdim, dtype, mask)


def amax(input: Any, dim: Any = None, *, keepdim: bool | None = False, dtype: Any = None, mask: Any = None) -> Tensor:
    """The greatest of the elements that `mask` keeps, over `dim`; -inf, or the least integer, where it keeps none.

    See `sum` for the mask.

    >>> import rushlight as torch
    >>> torch.masked.amax(torch.tensor([2.0, 3.0, 4.0]), mask=torch.tensor([True, True, False]))
    tensor(3.)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.masked.amax.html
    """
    kind = input.dtype if dtype is None else dtype
    return _reduced("amax", _extreme(extremum.amax, kind), input, dim, keepdim, kind, mask)


def amin(input: Any, dim: Any = None, *, keepdim: bool | None = False, dtype: Any = None, mask: Any = None) -> Tensor:
    """The least of the elements that `mask` keeps, over `dim`; inf, or the greatest integer, where it keeps none.

    See `sum` for the mask.

    >>> import rushlight as torch
    >>> torch.masked.amin(torch.tensor([2.0, 3.0, 4.0]), mask=torch.tensor([False, True, True]))
    tensor(3.)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.masked.amin.html
    """
    kind = input.dtype if dtype is None else dtype
    return _reduced("amin", _extreme(extremum.amin, kind), input, dim, keepdim, kind, mask)


def _extreme(function: Callable[..., Any], dtype: Any) -> Callable[..., Any]:
    """`amax` or `amin` over dimensions, in a dtype."""
    return lambda input, dims, keepdim: function(input, dims, keepdim).to(dtype)


def _strided(name: str, identity: str, input: Any, mask: Any, *args: Any) -> Any:
    """The input with the identity in the place of what is left out; ValueError for a sparse one."""
    given = with_identity(identity, input, mask, *args)
    if given.layout is not strided:
        _refuse(name, "strided tensor", given)
    return given


def argmax(
    input: Any, dim: int | None = None, *, keepdim: bool | None = False, dtype: Any = None, mask: Any = None
) -> Tensor:
    """Where the greatest of the elements that `mask` keeps is, along `dim` or among all; in the input's dtype.

    Raises RuntimeError for a mask that does not broadcast to the input. See `sum` for the mask.

    >>> import rushlight as torch
    >>> torch.masked.argmax(torch.tensor([2, 3, 4]), mask=torch.tensor([True, True, False]))
    tensor(1)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.masked.argmax.html
    """
    kind = input.dtype if dtype is None else dtype
    return extremum.argmax(_strided("argmax", "argmax", input, mask), dim, bool(keepdim)).to(kind)


def argmin(
    input: Any, dim: int | None = None, *, keepdim: bool | None = False, dtype: Any = None, mask: Any = None
) -> Tensor:
    """Where the least of the elements that `mask` keeps is, along `dim` or among all; in the input's dtype.

    Raises RuntimeError for a mask that does not broadcast to the input. See `sum` for the mask.

    >>> import rushlight as torch
    >>> torch.masked.argmin(torch.tensor([2, 3, 4]), mask=torch.tensor([False, True, True]))
    tensor(1)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.masked.argmin.html
    """
    kind = input.dtype if dtype is None else dtype
    return extremum.argmin(_strided("argmin", "argmin", input, mask), dim, bool(keepdim)).to(kind)


def cumsum(input: Any, dim: int, *, dtype: Any = None, mask: Any = None) -> Tensor:
    """The sums of the elements along `dim` up to each, of those that `mask` keeps.

    Of the input's shape; IndexError for a dim out of range. See `sum` for the mask.

    >>> import rushlight as torch
    >>> torch.masked.cumsum(torch.tensor([1.0, 2.0, 3.0]), 0, mask=torch.tensor([True, False, True]))
    tensor([1., 1., 4.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.masked.cumsum.html
    """
    kind = input.dtype if dtype is None else dtype
    along = canonical_dims(dim, input.ndim)[0]
    return scan.cumsum(_strided("cumsum", "sum", input, mask), along, dtype=kind).to(kind)


def cumprod(input: Any, dim: int, *, dtype: Any = None, mask: Any = None) -> Tensor:
    """The products of the elements along `dim` up to each, of those that `mask` keeps.

    Of the input's shape; IndexError for a dim out of range. See `sum` for the mask.

    >>> import rushlight as torch
    >>> torch.masked.cumprod(torch.tensor([1.0, 2.0, 3.0]), 0, mask=torch.tensor([True, False, True]))
    tensor([1., 1., 3.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.masked.cumprod.html
    """
    kind = input.dtype if dtype is None else dtype
    along = canonical_dims(dim, input.ndim)[0]
    return scan.cumprod(_strided("cumprod", "prod", input, mask), along, dtype=kind).to(kind)


def mean(input: Any, dim: Any = None, *, keepdim: bool | None = False, dtype: Any = None, mask: Any = None) -> Tensor:
    """The mean of the elements that `mask` keeps, over `dim`; NaN where it keeps none.

    float and complex dtypes, or such a `dtype`: else ValueError. See `sum` for the mask.

    >>> import rushlight as torch
    >>> torch.masked.mean(torch.tensor([1.0, 2.0, 3.0]), mask=torch.tensor([True, False, True]))
    tensor(2.)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.masked.mean.html
    """
    source, kind = ("Input", input.dtype) if dtype is None else ("Optional", dtype)
    if not (kind.is_floating_point or kind.is_complex):
        raise ValueError(
            f"mean(): Could not infer output dtype. {source} dtype must be either a floating point or complex dtype. "
            f"Got: {kind}"
        )
    if input.layout is strided:
        count, total, _ = _count_and_total(input, dim, keepdim, kind, mask)
        return total / count
    if input.layout is not sparse_csr:
        _refuse("mean", "strided or sparse_csr tensor", input)
    given = with_identity("mean", input, mask)
    if mask is None:
        raise ValueError("masked mean expects explicit mask for sparse_csr tensor input")
    return reduce_csr("mean", given, canonical_dims(dim, given.ndim), bool(keepdim), kind)


def _count_and_total(input: Any, dim: Any, keepdim: Any, dtype: Any, mask: Any) -> tuple[Any, Any, Any]:
    """How many elements are kept, their sum, and the mask at the input's size."""
    # As PyTorch does it: without a mask all elements are counted, of a masked tensor, too.
    if mask is None:
        count = sum(creation.ones(input.shape, dtype=dtypes.int64), dim, keepdim=keepdim)
        return count, sum(input, dim, keepdim=keepdim, dtype=dtype), None
    kept = input_mask(input, mask)
    count = kept.sum(dim=dim, keepdim=bool(keepdim))
    return count, sum(input, dim, keepdim=keepdim, dtype=dtype, mask=kept), kept


def median(input: Any, dim: int = -1, *, keepdim: bool = False, dtype: Any = None, mask: Any = None) -> Tensor:
    """The median along `dim` of the elements that `mask` keeps; NaN where it keeps none (ValueError for integers).

    >>> import rushlight as torch
    >>> torch.masked.median(torch.tensor([1.0, 9.0, 3.0, 2.0]), mask=torch.tensor([True, False, True, True]))
    tensor(2.)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.masked.median.html
    """
    kind = input.dtype if dtype is None else dtype
    along = canonical_dims(dim, input.ndim)[0]
    real = input.dtype.is_floating_point
    given = _strided("median", "median", input if real else input.to(dtypes.float32), mask)
    output: Tensor = given.nanmedian(along, keepdim)[0]
    if real:
        return output
    if output.isnan().any():
        raise ValueError("masked median expects no fully masked out rows if dtype is not floating point")
    return output.to(kind)


def logsumexp(input: Any, dim: Any = None, *, keepdim: bool = False, dtype: Any = None, mask: Any = None) -> Tensor:
    """`log(Σ exp)` of the elements that `mask` keeps, over `dim`; -inf where it keeps none.

    >>> import rushlight as torch
    >>> torch.masked.logsumexp(torch.zeros(3), 0, mask=torch.tensor([True, False, False]))
    tensor(0.)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.masked.logsumexp.html
    """
    kind = input.dtype if dtype is None else dtype
    dims = canonical_dims(dim, input.ndim)
    return reduce.logsumexp(_strided("logsumexp", "logsumexp", input, mask), dims, keepdim=keepdim).to(kind)


def logaddexp(input: Any, other: Any, *, dtype: Any = None, input_mask: Any = None, other_mask: Any = None) -> Tensor:
    """`log(exp(input) + exp(other))` of the elements that each one's mask keeps; what is left out counts as -inf.

    >>> import rushlight as torch
    >>> torch.masked.logaddexp(torch.zeros(2), torch.ones(2), other_mask=torch.tensor([False, True]))
    tensor([0.0000, 1.3133])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.masked.logaddexp.html
    """
    kind = input.dtype if dtype is None else dtype
    if not input.layout is other.layout is strided:
        raise ValueError(
            f"masked logaddexp expects strided tensors (got {input.layout} tensor for input, {other.layout} for other)"
        )
    pair = with_identity("logaddexp", input, input_mask), with_identity("logaddexp", other, other_mask)
    return special.logaddexp(*pair).to(kind)


def norm(
    input: Any, ord: float | None = 2.0, dim: Any = None, *, keepdim: bool | None = False, dtype: Any = None,
    mask: Any = None,
) -> Tensor:  # fmt: skip
    """The vector norm of order `ord` of the elements that `mask` keeps, over `dim`.

    >>> import rushlight as torch
    >>> torch.masked.norm(torch.tensor([3.0, 9.0, 4.0]), 2.0, mask=torch.tensor([True, False, True]))
    tensor(5.)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.masked.norm.html
    """
    kind = input.dtype if dtype is None else dtype
    given = _strided("norm", "norm", input, mask, ord)
    return linalg.vector_norm(
        given, 2.0 if ord is None else ord, canonical_dims(dim, input.ndim), bool(keepdim), dtype=kind
    )


def _std_var(
    input: Any, dim: Any, unbiased: bool | None, correction: Any, keepdim: Any, dtype: Any, mask: Any
) -> Tensor:
    """The variance of the elements that are kept."""
    if unbiased is not None and correction is not None:
        raise AssertionError("Only one of unbiased and correction may be given")
    if input.layout is not strided:
        _refuse("std/var", "strided tensor", input)
    less = float(correction if correction is not None else unbiased is not False)
    kind = input.dtype if dtype is None else dtype
    computed = kind if kind.is_floating_point or kind.is_complex else dtypes.float32
    kind = computed if dtype is None else kind
    count, total, kept = _count_and_total(input, dim, True, kind, mask)
    x = input - arithmetic.div(total, count)
    total = sum(x * x.conj(), dim, keepdim=keepdim, dtype=computed, mask=kept)
    if not keepdim:
        count = count.reshape(total.shape)
    if less != 0:
        real = computed.to_real() if computed.is_complex else computed
        count = choice.maximum(count.to(real) - less, creation.zeros((), dtype=real))
    return (total / count).to(kind)


def var(
    input: Any, dim: Any = None, unbiased: bool | None = None, *, correction: float | None = None,
    keepdim: bool | None = False, dtype: Any = None, mask: Any = None,
) -> Tensor:  # fmt: skip
    """The variance of the elements that `mask` keeps, over `dim`; NaN where it keeps none.

    Their number less `correction` (1; 0 if `unbiased` is False) divides the squares. AssertionError for both.

    >>> import rushlight as torch
    >>> torch.masked.var(torch.tensor([1.0, 9.0, 3.0]), 0, mask=torch.tensor([True, False, True]))
    tensor(2.)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.masked.var.html
    """
    return _std_var(input, dim, unbiased, correction, keepdim, dtype, mask)


def std(
    input: Any, dim: Any = None, unbiased: bool | None = None, *, correction: int | None = None,
    keepdim: bool | None = False, dtype: Any = None, mask: Any = None,
) -> Tensor:  # fmt: skip
    """The root of `var`.

    >>> import rushlight as torch
    >>> torch.masked.std(torch.tensor([1.0, 9.0, 3.0]), 0, False, mask=torch.tensor([True, False, True]))
    tensor(1.)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.masked.std.html
    """
    return powers.sqrt(_std_var(input, dim, unbiased, correction, keepdim, dtype, mask))


def softmax(input: Any, dim: int, *, dtype: Any = None, mask: Any = None) -> Tensor:
    """Softmax along `dim` of the elements that `mask` keeps; 0 for the others, NaN where it keeps none.

    Of the input's shape; IndexError for a dim out of range. See `sum` for the mask.

    >>> import rushlight as torch
    >>> torch.masked.softmax(torch.zeros(3), 0, mask=torch.tensor([True, False, True]))
    tensor([0.5000, 0.0000, 0.5000])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.masked.softmax.html
    """
    along = canonical_dims(dim, input.ndim)[0]
    return F.softmax(_strided("softmax", "amax", input, mask), along, dtype=input.dtype if dtype is None else dtype)


def log_softmax(input: Any, dim: int, *, dtype: Any = None, mask: Any = None) -> Tensor:
    """The logarithm of `softmax`: -inf for elements that are left out.

    Of the input's shape; IndexError for a dim out of range. See `sum` for the mask.

    >>> import rushlight as torch
    >>> torch.masked.log_softmax(torch.zeros(3), 0, mask=torch.tensor([True, False, True]))
    tensor([-0.6931,    -inf, -0.6931])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.masked.log_softmax.html
    """
    along = canonical_dims(dim, input.ndim)[0]
    kind = input.dtype if dtype is None else dtype
    return F.log_softmax(_strided("log_softmax", "amax", input, mask), along, dtype=kind)


def softmin(input: Any, dim: int, *, dtype: Any = None, mask: Any = None) -> Tensor:
    """Softmin along `dim` of the elements that `mask` keeps; 0 for the others.

    >>> import rushlight as torch
    >>> torch.masked.softmin(torch.zeros(3), 0, mask=torch.tensor([True, False, True]))
    tensor([0.5000, 0.0000, 0.5000])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.masked.softmin.html
    """
    along = canonical_dims(dim, input.ndim)[0]
    return F.softmin(_strided("softmin", "amin", input, mask), along, dtype=input.dtype if dtype is None else dtype)


def normalize(input: Any, ord: float, dim: int, *, eps: float = 1e-12, dtype: Any = None, mask: Any = None) -> Tensor:
    """The elements that `mask` keeps divided by their norm along `dim`, which is at least `eps`; 0 for the others.

    >>> import rushlight as torch
    >>> torch.masked.normalize(torch.tensor([3.0, 9.0, 4.0]), 2.0, 0, mask=torch.tensor([True, False, True]))
    tensor([0.6000, 0.0000, 0.8000])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.masked.normalize.html
    """
    kind = input.dtype if dtype is None else dtype
    given = _strided("normalize", "sum", input, mask)
    size = norm(input, ord, dim, keepdim=True, dtype=kind, mask=mask)
    return arithmetic.div(given, choice.maximum(size, size.new_full((), eps)))
