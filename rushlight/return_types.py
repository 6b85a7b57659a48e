"""The named tuples that operations with several results return.

Source: https://docs.pytorch.org/docs/2.13/generated/torch.max.html
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

__all__ = [
    "aminmax", "aminmax_out", "cummax", "cummax_out", "cummin", "cummin_out", "frexp", "frexp_out", "geqrf",
    "geqrf_out", "histogram", "histogram_out", "histogramdd", "kthvalue", "kthvalue_out", "linalg_cholesky_ex",
    "linalg_cholesky_ex_out", "linalg_eig", "linalg_eig_out", "linalg_eigh", "linalg_eigh_out", "linalg_inv_ex",
    "linalg_inv_ex_out", "linalg_ldl_factor", "linalg_ldl_factor_ex", "linalg_ldl_factor_ex_out",
    "linalg_ldl_factor_out", "linalg_lstsq", "linalg_lstsq_out", "linalg_lu", "linalg_lu_factor", "linalg_lu_factor_ex",
    "linalg_lu_factor_ex_out", "linalg_lu_factor_out", "linalg_lu_out", "linalg_qr", "linalg_qr_out", "linalg_slogdet",
    "linalg_slogdet_out", "linalg_solve_ex", "linalg_solve_ex_out", "linalg_svd", "linalg_svd_out", "lu_unpack",
    "lu_unpack_out", "max", "max_out", "median", "median_out", "min", "min_out", "mode", "mode_out", "nanmedian",
    "nanmedian_out", "qr", "qr_out", "slogdet", "slogdet_out", "sort", "sort_out", "svd", "svd_out", "topk", "topk_out",
    "triangular_solve", "triangular_solve_out",
]  # fmt: skip


class _NamedResult(tuple):  # type: ignore[type-arg]
    """A tuple of results that prints their names.

    >>> import rushlight as torch
    >>> torch.tensor([1.0, 3.0]).max(dim=0)
    torch.return_types.max(
    values=tensor(3.),
    indices=tensor(1))
    """

    __slots__ = ()
    _fields: tuple[str, ...] = ()

    def __new__(cls, iterable: Iterable[Any] = ()) -> _NamedResult:
        self = super().__new__(cls, iterable)
        if len(self) != len(cls._fields):
            raise TypeError(
                f"torch.return_types.{cls.__name__}() takes a {len(cls._fields)}-sequence ({len(self)}-sequence given)"
            )
        return self

    def __repr__(self) -> str:
        fields = ",\n".join(f"{name}={value!r}" for name, value in zip(self._fields, self, strict=True))
        return f"torch.return_types.{type(self).__name__}(\n{fields})"

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self), (tuple(self),))


class _ValuesAndIndices(_NamedResult):
    __slots__ = ()
    _fields = ("values", "indices")

    @property
    def values(self) -> Tensor:
        """The chosen elements."""
        return self[0]

    @property
    def indices(self) -> Tensor:
        """Where along the dimension they were, int64."""
        return self[1]


class max(_ValuesAndIndices):
    """The result of `max(dim)`."""

    __slots__ = ()


class min(_ValuesAndIndices):
    """The result of `min(dim)`."""

    __slots__ = ()


class median(_ValuesAndIndices):
    """The result of `median(dim)`."""

    __slots__ = ()


class nanmedian(_ValuesAndIndices):
    """The result of `nanmedian(dim)`."""

    __slots__ = ()


class mode(_ValuesAndIndices):
    """The result of `mode`."""

    __slots__ = ()


class cummax(_ValuesAndIndices):
    """The result of `cummax`."""

    __slots__ = ()


class cummin(_ValuesAndIndices):
    """The result of `cummin`."""

    __slots__ = ()


class sort(_ValuesAndIndices):
    """The result of `sort`."""

    __slots__ = ()


class topk(_ValuesAndIndices):
    """The result of `topk`."""

    __slots__ = ()


class kthvalue(_ValuesAndIndices):
    """The result of `kthvalue`."""

    __slots__ = ()


class aminmax(_NamedResult):
    """The result of `aminmax`."""

    __slots__ = ()
    _fields = ("min", "max")

    @property
    def min(self) -> Tensor:
        """The least element."""
        return self[0]

    @property
    def max(self) -> Tensor:
        """The greatest element."""
        return self[1]


class frexp(_NamedResult):
    """The result of `frexp`."""

    __slots__ = ()
    _fields = ("mantissa", "exponent")

    @property
    def mantissa(self) -> Tensor:
        """The elements between 1/2 and 1."""
        return self[0]

    @property
    def exponent(self) -> Tensor:
        """The powers of two, int32."""
        return self[1]


class histogram(_NamedResult):
    """The result of `histogram`."""

    __slots__ = ()
    _fields = ("hist", "bin_edges")

    @property
    def hist(self) -> Tensor:
        """How much lies in each bin."""
        return self[0]

    @property
    def bin_edges(self) -> Tensor:
        """The bounds of the bins, one more than there are bins."""
        return self[1]


class histogramdd(histogram):
    """The result of `histogramdd`, whose edges are a tuple of tensors."""

    __slots__ = ()


class geqrf(_NamedResult):
    """The result of `geqrf`."""

    __slots__ = ()
    _fields = ("a", "tau")

    @property
    def a(self) -> Tensor:
        """R, and the reflections below its diagonal."""
        return self[0]

    @property
    def tau(self) -> Tensor:
        """The reflections' factors."""
        return self[1]


class linalg_qr(_NamedResult):
    """The result of `linalg.qr`."""

    __slots__ = ()
    _fields = ("Q", "R")

    @property
    def Q(self) -> Tensor:
        """The factor with orthonormal columns."""
        return self[0]

    @property
    def R(self) -> Tensor:
        """The upper triangular factor."""
        return self[1]


class qr(linalg_qr):
    """The result of `qr`."""

    __slots__ = ()


class linalg_eigh(_NamedResult):
    """The result of `linalg.eigh`."""

    __slots__ = ()
    _fields = ("eigenvalues", "eigenvectors")

    @property
    def eigenvalues(self) -> Tensor:
        """The eigenvalues, ascending."""
        return self[0]

    @property
    def eigenvectors(self) -> Tensor:
        """The eigenvectors, as columns."""
        return self[1]


class _Field:
    """A result of a named tuple by its name."""

    def __init__(self, index: int, doc: str) -> None:
        self._index = index
        self.__doc__ = doc

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else instance[self._index]


class slogdet(_NamedResult):
    """The result of `slogdet`."""

    __slots__ = ()
    _fields = ("sign", "logabsdet")
    sign = _Field(0, "The determinant's sign; of complex matrices its direction, of size 1.")
    logabsdet = _Field(1, "The logarithm of the determinant's size.")


class linalg_slogdet(slogdet):
    """The result of `linalg.slogdet`."""

    __slots__ = ()


class linalg_inv_ex(_NamedResult):
    """The result of `linalg.inv_ex`."""

    __slots__ = ()
    _fields = ("inverse", "info")
    inverse = _Field(0, "The inverse.")
    info = _Field(1, "Which element of U's diagonal is zero, counted from 1; 0 if none is.")


class linalg_solve_ex(_NamedResult):
    """The result of `linalg.solve_ex`."""

    __slots__ = ()
    _fields = ("result", "info")
    result = _Field(0, "The solution.")
    info = _Field(1, "Which element of U's diagonal is zero, counted from 1; 0 if none is.")


class linalg_cholesky_ex(_NamedResult):
    """The result of `linalg.cholesky_ex`."""

    __slots__ = ()
    _fields = ("L", "info")
    L = _Field(0, "The triangular factor.")
    info = _Field(1, "The order of the first leading minor that is not positive; 0 if all are.")


class linalg_lu(_NamedResult):
    """The result of `linalg.lu`."""

    __slots__ = ()
    _fields = ("P", "L", "U")
    P = _Field(0, "The permutation of the rows, as a matrix.")
    L = _Field(1, "The lower factor, with ones on its diagonal.")
    U = _Field(2, "The upper factor.")


class lu_unpack(linalg_lu):
    """The result of `lu_unpack`."""

    __slots__ = ()


class linalg_lu_factor(_NamedResult):
    """The result of `linalg.lu_factor`."""

    __slots__ = ()
    _fields = ("LU", "pivots")
    LU = _Field(0, "L below the diagonal, U on and above it.")
    pivots = _Field(1, "With which row each was exchanged in turn, counted from 1, int32.")


class linalg_lu_factor_ex(_NamedResult):
    """The result of `linalg.lu_factor_ex`."""

    __slots__ = ()
    _fields = ("LU", "pivots", "info")
    LU = _Field(0, "L below the diagonal, U on and above it.")
    pivots = _Field(1, "With which row each was exchanged in turn, counted from 1, int32.")
    info = _Field(2, "Which element of U's diagonal is zero, counted from 1; 0 if none is.")


class linalg_ldl_factor(_NamedResult):
    """The result of `linalg.ldl_factor`."""

    __slots__ = ()
    _fields = ("LD", "pivots")
    LD = _Field(0, "L and D in one matrix, as LAPACK packs them.")
    pivots = _Field(1, "The rows exchanged, counted from 1; two equal negative ones belong to a block of two, int32.")


class linalg_ldl_factor_ex(_NamedResult):
    """The result of `linalg.ldl_factor_ex`."""

    __slots__ = ()
    _fields = ("LD", "pivots", "info")
    LD = _Field(0, "L and D in one matrix, as LAPACK packs them.")
    pivots = _Field(1, "The rows exchanged, counted from 1; two equal negative ones belong to a block of two, int32.")
    info = _Field(2, "Which element of D is zero, counted from 1; 0 if none is.")


class linalg_eig(linalg_eigh):
    """The result of `linalg.eig`."""

    __slots__ = ()


class linalg_svd(_NamedResult):
    """The result of `linalg.svd`."""

    __slots__ = ()
    _fields = ("U", "S", "Vh")
    U = _Field(0, "The left singular vectors, as columns.")
    S = _Field(1, "The singular values, descending.")
    Vh = _Field(2, "The right singular vectors, conjugated, as rows.")


class svd(_NamedResult):
    """The result of `svd`."""

    __slots__ = ()
    _fields = ("U", "S", "V")
    U = _Field(0, "The left singular vectors, as columns.")
    S = _Field(1, "The singular values, descending.")
    V = _Field(2, "The right singular vectors, as columns.")


class linalg_lstsq(_NamedResult):
    """The result of `linalg.lstsq`."""

    __slots__ = ()
    _fields = ("solution", "residuals", "rank", "singular_values")
    solution = _Field(0, "X that makes A X nearest to B.")
    residuals = _Field(1, "The sums of squares of what is left, where they are known; else empty.")
    rank = _Field(2, "The ranks of the matrices, where the driver finds them; else empty.")
    singular_values = _Field(3, "The singular values of the matrices, where the driver finds them; else empty.")


class triangular_solve(_NamedResult):
    """The result of `triangular_solve`."""

    __slots__ = ()
    _fields = ("solution", "cloned_coefficient")
    solution = _Field(0, "The solution.")
    cloned_coefficient = _Field(1, "A copy of the triangular matrix.")


def _into_given(kind: type[_NamedResult]) -> Any:
    """The type that a function returns instead when the results went into tensors given as `out=`."""
    doc = f"{str(kind.__doc__).rstrip('.')} with `out=`."
    return type(f"{kind.__name__}_out", (kind,), {"__slots__": (), "__doc__": doc, "__module__": __name__})


aminmax_out = _into_given(aminmax)
cummax_out = _into_given(cummax)
cummin_out = _into_given(cummin)
frexp_out = _into_given(frexp)
geqrf_out = _into_given(geqrf)
histogram_out = _into_given(histogram)
kthvalue_out = _into_given(kthvalue)
linalg_cholesky_ex_out = _into_given(linalg_cholesky_ex)
linalg_eig_out = _into_given(linalg_eig)
linalg_eigh_out = _into_given(linalg_eigh)
linalg_inv_ex_out = _into_given(linalg_inv_ex)
linalg_ldl_factor_out = _into_given(linalg_ldl_factor)
linalg_ldl_factor_ex_out = _into_given(linalg_ldl_factor_ex)
linalg_lstsq_out = _into_given(linalg_lstsq)
linalg_lu_out = _into_given(linalg_lu)
linalg_lu_factor_out = _into_given(linalg_lu_factor)
linalg_lu_factor_ex_out = _into_given(linalg_lu_factor_ex)
linalg_qr_out = _into_given(linalg_qr)
linalg_slogdet_out = _into_given(linalg_slogdet)
linalg_solve_ex_out = _into_given(linalg_solve_ex)
linalg_svd_out = _into_given(linalg_svd)
lu_unpack_out = _into_given(lu_unpack)
max_out = _into_given(max)
median_out = _into_given(median)
min_out = _into_given(min)
mode_out = _into_given(mode)
nanmedian_out = _into_given(nanmedian)
qr_out = _into_given(qr)
slogdet_out = _into_given(slogdet)
sort_out = _into_given(sort)
svd_out = _into_given(svd)
topk_out = _into_given(topk)
triangular_solve_out = _into_given(triangular_solve)
