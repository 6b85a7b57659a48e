"""Tensors with a mask: elements that it leaves out are not there for any operation."""

# A masked tensor has its own form of what dense ones have, with fewer arguments.
# mypy: disable-error-code="override, assignment, misc, attr-defined, no-any-return"

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

from rushlight import dtypes
from rushlight.autograd.engine import run
from rushlight.autograd.transforms import WATCH, Ghost, Level
from rushlight.layout import layout, sparse_coo, sparse_csr, strided
from rushlight.masked._masks import any_of, canonical_dims
from rushlight.masked._sparse import kept_of
from rushlight.size import Size
from rushlight.sparse._place import PlaceOfPart
from rushlight.tensor import Tensor

__all__ = ["RULES", "MaskedTensor", "as_masked_tensor", "is_masked_tensor", "made", "masked_tensor"]

# What an operation, or those derived from it, computes where an argument is masked; `_rules` fills it.
RULES: dict[Any, Callable[..., Any]] = {}

_TYPES = (
    dtypes.float16, dtypes.float32, dtypes.float64, dtypes.bool, dtypes.int8, dtypes.int16, dtypes.int32, dtypes.int64,
)  # fmt: skip


def is_masked_tensor(obj: Any, /) -> bool:
    """Whether an object is a MaskedTensor.

    >>> import rushlight as torch
    >>> torch.masked.is_masked_tensor(torch.ones(2))
    False

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.masked.is_masked_tensor.html
    """
    return isinstance(obj, MaskedTensor)


class _MaskedLevel(Level):
    """To whom operations hand the calls that masked tensors take part in: as a transform that always runs."""

    functional = False
    batches = True
    keeps_parts = True

    def __init__(self) -> None:
        self.depth = 0
        self.alive = True

    def handle(self, operation: Any, method: str, args: tuple[Any, ...]) -> Any:
        """The result of an operation by its rule; TypeError if it has none."""
        for kind in operation.__mro__:
            rule = RULES.get(kind)
            if rule is not None:
                found = rule(operation, *args)
                return found if method == "apply" else args[0]._set(found)
        raise TypeError(
            f"no implementation found for '{operation.__name__.lower()}' on types that implement __torch_dispatch__: "
            "[MaskedTensor]"
        )

    def call(self, function: Callable[..., Any], args: tuple[Any, ...]) -> Any:
        """The function itself: its operations come here."""
        return function(*args)

    def run_node(self, node: Any, gradients: list[Any]) -> tuple[Any, ...]:
        """The backward pass of a node, one of whose gradients is masked."""
        return node._run([g._data if isinstance(g, MaskedTensor) else g for g in gradients])

    def gradients(self, outputs: Any, inputs: Any, given: Any, keep: bool, create_graph: bool) -> list[Any]:
        """The gradients of the data, under the inputs' masks."""
        outs, weights, wanted = ([_data_of(t) for t in part] for part in (outputs, given, inputs))
        found = run(tuple(outs), weights, keep, create_graph, tuple(wanted), accumulate=False)
        return [
            made(g, t._mask) if g is not None and isinstance(t, MaskedTensor) else g
            for g, t in zip(found, inputs, strict=True)
        ]


_LEVEL = _MaskedLevel()


def _data_of(value: Any) -> Any:
    return value._data if isinstance(value, MaskedTensor) else value


class MaskedTensor(PlaceOfPart):
    """A tensor `data` of which the elements where `mask`, bools in its size and layout, is False don't count.

    Elementwise functions keep the mask; two masked tensors must have one mask. Reductions leave out what it leaves out,
    views and `cat` take both parts. float, bool and signed integer dtypes; strided, COO and CSR layouts. Raises
    TypeError and ValueError for data and masks that don't fit. As in PyTorch a prototype, which says so when made.

    >>> import rushlight as torch
    >>> import warnings
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")
    ...     torch.masked.as_masked_tensor(torch.tensor([1.0, 2.0]), torch.tensor([True, False])).sum()
    MaskedTensor(  1.0000, True)

    Source: https://docs.pytorch.org/docs/2.13/masked.html
    """

    _level: Any = _LEVEL
    _view: Any = WATCH
    _data: Any
    _mask: Any

    def __new__(cls, data: Any, mask: Any, requires_grad: bool = False) -> Any:
        for name, part in (("data", data), ("mask", mask)):
            if is_masked_tensor(part) or not isinstance(part, Tensor):
                raise TypeError(f"{name} must be a Tensor")
        warnings.warn(
            "The PyTorch API of MaskedTensors is in prototype stage and will change in the near future. Please open a "
            "Github issue for features requests and see our documentation on the torch.masked module for further "
            "information about the project.",
            UserWarning,
            stacklevel=2,
        )
        if data.requires_grad:
            warnings.warn(
                "It is not recommended to create a MaskedTensor with a tensor that requires_grad. To avoid this, you "
                "can use data.detach().clone()",
                UserWarning,
                stacklevel=2,
            )
        data, mask = _prepared(data.detach(), mask)
        out = made(data.clone(), mask.clone())
        return out.requires_grad_() if requires_grad else out

    def __init__(self, data: Any, mask: Any, requires_grad: bool = False) -> None:
        pass

    @property
    def _array(self) -> Any:
        shape = tuple(self._data.shape)
        strides = self._data._array.strides if self._data.layout is strided else (0,) * len(shape)
        return Ghost(shape, strides, self._data._array.dtype)

    @_array.setter
    def _array(self, array: Any) -> None:
        raise TypeError("the memory of a masked tensor can't be replaced")

    def get_data(self) -> Tensor:
        """The elements, those that the mask leaves out too."""
        return self._data

    def get_mask(self) -> Tensor:
        """Which elements count."""
        return self._mask

    def to_tensor(self, value: Any) -> Tensor:
        """The elements that count, and `value` for the others."""
        if self.layout is not strided:
            return self._data.to_dense().masked_fill(~self._mask.to_dense(), value)
        return self._data.masked_fill(~self._mask, value)

    def _set(self, other: MaskedTensor) -> MaskedTensor:
        """The end of an in-place operation."""
        self._data, self._mask = other._data, other._mask
        return self

    def _add_to_(self, target: Any, alpha: Any = 1) -> Any:
        """`target += alpha * self` for a masked target; TypeError for another."""
        return _masked_target(target)._set(target + (self if alpha == 1 else self * alpha))

    def _mul_to_(self, target: Any) -> Any:
        """`target *= self` for a masked target; TypeError for another."""
        return _masked_target(target)._set(target * self)

    # What it is.

    @property
    def layout(self) -> layout:
        return self._data.layout

    def is_sparse_coo(self) -> bool:
        """Whether the data are in coordinate form."""
        return self.layout is sparse_coo

    def is_sparse_csr(self) -> bool:
        """Whether the data are kept by rows."""
        return self.layout is sparse_csr

    @property
    def is_sparse(self) -> bool:
        return self.layout is not strided

    @property
    def shape(self) -> Size:
        return self._data.shape

    @property
    def dtype(self) -> dtypes.dtype:
        return self._data.dtype

    def item(self) -> Any:
        if not self._mask.item():
            raise ValueError("item(): expected an element that the mask keeps")
        return self._data.item()

    def is_contiguous(self, *args: Any, **kwargs: Any) -> bool:
        if self.is_sparse:
            raise ValueError("MaskedTensors with sparse data do not have is_contiguous")
        return self._data.is_contiguous(*args, **kwargs)

    def contiguous(self, *args: Any, **kwargs: Any) -> Tensor:
        if self.is_sparse:
            raise ValueError("MaskedTensors with sparse data do not have contiguous")
        return self if self.is_contiguous() else made(self._data.contiguous(), self._mask.contiguous())

    # Its place in the graph: that of its data.

    @property
    def _part(self) -> Any:
        return self._data

    @property
    def grad(self) -> Any:
        gradient = self._data.grad
        return None if gradient is None else made(gradient, self._mask)

    @grad.setter
    def grad(self, value: Any) -> None:
        self._data.grad = _data_of(value)

    def backward(self, gradient: Any = None, *args: Any, **kwargs: Any) -> None:
        """Differentiate the data, weighted by `gradient`, masked or not."""
        self._data.backward(_data_of(gradient), *args, **kwargs)

    def detach(self) -> Tensor:
        return made(self._data.detach(), self._mask)

    def clone(self, *, memory_format: Any = None) -> Tensor:
        return made(self._data.clone(), self._mask.clone())

    def likened(self, function: Callable[[Any], Any], plain: Any = None) -> Any:
        """A tensor of this one's mask, for `ones_like` and its kin."""
        return made(function(self._data), self._mask)

    # Layouts.

    def to_dense(self, *args: Any, **kwargs: Any) -> Tensor:
        return self if self.layout is strided else made(self._data.to_dense(), self._mask.to_dense())

    def to_sparse(self, *args: Any, **kwargs: Any) -> Tensor:
        if self.layout is sparse_coo:
            return self
        mask = self._mask.to_sparse_coo().coalesce()
        return made(self._data.sparse_mask(mask), mask)

    to_sparse_coo = to_sparse

    def to_sparse_csr(self, dense_dim: int | None = None) -> Tensor:
        if self.ndim != 2:
            raise ValueError(
                f"Only 2D tensors can be converted to the SparseCsr layout but got shape: {self._data.size()}"
            )
        if self.layout is sparse_csr:
            return self
        mask = self._mask.to_sparse_csr()
        return made(self._data.sparse_mask(mask), mask)

    def values(self) -> Tensor:
        return _all_kept(self._data.values())

    def indices(self) -> Tensor:
        return _all_kept(self._data.indices())

    def all(self, dim: Any = None, keepdim: bool = False) -> Tensor:
        """Whether all elements that count are true."""
        filled = self._data.masked_fill(~self._mask, True)
        if dim is None:
            return made(filled.all(), self._mask.any())
        return made(filled.all(dim=dim, keepdim=keepdim), any_of(self._mask, canonical_dims(dim, self.ndim), keepdim))

    def __lt__(self, other: Any) -> Any:
        return made(self._data < _data_of(other), self._mask)

    def __repr__(self, *, tensor_contents: str | None = None) -> str:
        data, mask = self._data.detach(), self._mask
        if not self.ndim:
            return f"MaskedTensor({_element(data.item()) if mask.item() else '--'}, {mask.item()})"
        if data.layout is not strided:
            data, mask = data.to_dense(), mask.to_dense()
        text = _written(data.tolist(), mask.tolist(), data.ndim)
        return "MaskedTensor(\n" + "\n".join("  " + line for line in text.split("\n")) + "\n)"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return repr(self)

    def __reduce_ex__(self, protocol: Any) -> Any:
        return made, (self._data, self._mask)


def _masked_target(target: Any) -> Any:
    if not isinstance(target, MaskedTensor):
        raise TypeError("a masked tensor can't be written into one that has no mask")
    return target


def _element(value: Any) -> str:
    return f"{value:8.4f}" if isinstance(value, float) else str(value)


def _written(data: Any, mask: Any, ndim: int) -> str:
    if ndim == 1:
        texts = [_element(value) for value in data]
        width = max([len(t) if kept else 8 for t, kept in zip(texts, mask, strict=True)], default=0)
        return "[" + ", ".join([t if kept else "--".rjust(width) for t, kept in zip(texts, mask, strict=True)]) + "]"
    parts = [_written(d, m, ndim - 1) for d, m in zip(data, mask, strict=True)]
    return "[\n" + ",\n".join("\n".join("  " + line for line in part.split("\n")) for part in parts) + "\n]"


def made(data: Any, mask: Any) -> MaskedTensor:
    """A masked tensor of these parts, unchecked; its place in the graph is that of the data."""
    out = object.__new__(MaskedTensor)
    out._data, out._mask = data, mask
    return out


def _all_kept(part: Any) -> MaskedTensor:
    return made(part, part.new_ones(part.shape, dtype=dtypes.bool))


def _prepared(data: Any, mask: Any) -> tuple[Any, Any]:
    """Data and mask as they go together; TypeError and ValueError where they don't."""
    if data.layout is not mask.layout:
        raise TypeError("data and mask must have the same layout.")
    if data.layout is sparse_coo:
        data, mask = data.coalesce(), mask.coalesce()
    if data.layout in (sparse_coo, sparse_csr) and data._nnz() != mask._nnz():
        data = kept_of(data, mask, 0)
    if data.layout not in (strided, sparse_coo, sparse_csr):
        raise TypeError(f"data layout of {data.layout} is not supported.")
    if data.layout is sparse_coo and not data.indices().equal(mask.indices()):
        raise ValueError("data and mask are both sparse COO tensors but do not have the same indices.")
    if data.layout is sparse_csr and not (
        data.crow_indices().equal(mask.crow_indices()) and data.col_indices().equal(mask.col_indices())
    ):
        raise ValueError("data and mask are both sparse CSR tensors but do not share either crow or col indices.")
    if mask.dtype is not dtypes.bool:
        raise TypeError("mask must have dtype bool.")
    if data.dtype not in _TYPES:
        raise TypeError(f"{data.dtype} is not supported in MaskedTensor.")
    if data.dim() != mask.dim():
        raise ValueError("data.dim() must equal mask.dim()")
    if data.size() != mask.size():
        raise ValueError("data.size() must equal mask.size()")
    return data, mask


def masked_tensor(data: Any, mask: Any, requires_grad: bool = False) -> Any:
    """A MaskedTensor of copies of `data` and `mask`, a leaf of the graph.

    >>> import rushlight as torch
    >>> import warnings
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")
    ...     torch.masked.masked_tensor(torch.tensor([1.0, 2.0]), torch.tensor([True, False]))
    MaskedTensor(
      [  1.0000,       --]
    )

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.masked.masked_tensor.html
    """
    return MaskedTensor(data, mask, requires_grad)


def as_masked_tensor(data: Any, mask: Any) -> Any:
    """A MaskedTensor that is computed from `data`, to which gradients pass.

    >>> import rushlight as torch
    >>> x = torch.tensor([1.0, 2.0], requires_grad=True)
    >>> torch.masked.as_masked_tensor(x, torch.tensor([True, False])).requires_grad
    True

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.masked.as_masked_tensor.html
    """
    for name, part in (("data", data), ("mask", mask)):
        if is_masked_tensor(part) or not isinstance(part, Tensor):
            raise TypeError(f"{name} must be a Tensor")
    return made(*_prepared(data.clone(), mask.clone()))
