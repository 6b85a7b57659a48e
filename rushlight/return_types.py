"""The named tuples that operations with several results return.

Source: https://docs.pytorch.org/docs/2.13/generated/torch.max.html
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

__all__ = [
    "aminmax", "cummax", "cummin", "frexp", "geqrf", "histogram", "kthvalue", "linalg_eigh", "linalg_qr", "max",
    "median", "min", "mode", "nanmedian", "qr", "sort", "topk",
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

    def __new__(cls, results: Iterable[Any]) -> _NamedResult:
        self = super().__new__(cls, results)
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
