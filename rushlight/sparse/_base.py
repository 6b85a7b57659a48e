"""What the layouts of sparse tensors have in common: values that stand for the tensor in the graph, and no array."""

# A sparse tensor has its own form of what dense ones have, with fewer arguments.
# mypy: disable-error-code="override, assignment, misc, attr-defined, valid-type"

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, NoReturn

from rushlight import dtypes
from rushlight.autograd.engine import run
from rushlight.autograd.transforms import WATCH, Ghost, Intercept, Level
from rushlight.size import Size
from rushlight.sparse._place import PlaceOfPart
from rushlight.tensor import Tensor

__all__ = ["INPLACE_RULES", "RULES", "KeptEntries", "Missing", "SparseLevel", "layout_name", "refuse"]

# What an operation, or those derived from it, computes on sparse tensors; `_rules` fills these.
RULES: dict[Any, Callable[..., Any]] = {}
INPLACE_RULES: dict[Any, Callable[..., Any]] = {}

_BACKENDS = {"sparse_coo": "Sparse", "sparse_csr": "SparseCsr", "sparse_csc": "SparseCsc", "sparse_bsr": "SparseBsr",
             "sparse_bsc": "SparseBsc", "strided": "Strided"}  # fmt: skip


def layout_name(tensor: Any) -> str:
    """A tensor's layout by the name that PyTorch's messages have for it."""
    return _BACKENDS[tensor.layout.name]


class Missing(Intercept, NotImplementedError):
    """Sparse tensors have no array; an operation that looks for one is handed to its rule, if there is one."""


_MESSAGE = (
    "Could not run {} with arguments from the 'SparseCPU' backend: it is not there for sparse tensors; convert with "
    "to_dense() first."
)


def _missing() -> NoReturn:
    raise Missing(_MESSAGE.format("this operation"))


def refuse(operation: Any) -> NoReturn:
    """Raise what PyTorch raises for an operation that sparse tensors don't have."""
    name = getattr(operation, "node_name", "") or operation.__name__
    raise NotImplementedError(_MESSAGE.format(f"'{name.rpartition('Backward')[0] or name}'"))


def _no_elements(*_: Any, **__: Any) -> NoReturn:
    _missing()


class _Shape(Ghost):
    """The shape and type of a sparse tensor, where an operation looks for an array."""

    __slots__ = ()

    def __getattr__(self, name: str) -> Any:
        _missing()

    __array__ = __array_ufunc__ = __array_function__ = __bool__ = __iter__ = __getitem__ = __setitem__ = _no_elements
    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = _no_elements
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = _no_elements
    __neg__ = __pow__ = __rpow__ = __matmul__ = __rmatmul__ = __invert__ = __and__ = __or__ = _no_elements
    __hash__ = None


class SparseLevel(Level):
    """To whom operations hand the calls that sparse tensors take part in: as a transform that always runs."""

    functional = False
    # What the rules compute on values, no other level needs to see.
    batches = True
    keeps_parts = True

    def __init__(self) -> None:
        self.depth = 0
        self.alive = True

    def handle(self, operation: Any, method: str, args: tuple[Any, ...]) -> Any:
        """The result of an operation by its rule; NotImplementedError if it has none."""
        rules = RULES if method == "apply" else INPLACE_RULES
        for kind in operation.__mro__:
            rule = rules.get(kind)
            if rule is not None:
                return rule(operation, *args)
        refuse(operation)

    def gradients(self, outputs: Any, inputs: Any, given: Any, keep: bool, create_graph: bool) -> list[Any]:
        """The gradients of sparse outputs, with respect to sparse inputs: at the places that these keep."""
        pairs = zip(outputs, given, strict=True)
        weights = [o._weights(g) if isinstance(o, KeptEntries) else g for o, g in pairs]
        outs, wanted = ([t._entries if isinstance(t, KeptEntries) else t for t in part] for part in (outputs, inputs))
        found = run(tuple(outs), weights, keep, create_graph, tuple(wanted), accumulate=False)
        return [
            t._like(g) if g is not None and isinstance(t, KeptEntries) else g
            for g, t in zip(found, inputs, strict=True)
        ]

    def call(self, function: Callable[..., Any], args: tuple[Any, ...]) -> Any:
        """The function itself: its operations come here."""
        return function(*args)

    def run_node(self, node: Any, gradients: list[Any]) -> tuple[Any, ...]:
        """The backward pass of a node, one of whose gradients is sparse."""
        found: tuple[Any, ...] = node._run(list(gradients))
        return found


_LEVEL = SparseLevel()


def _converting(dtype: dtypes.dtype) -> Callable[[Any], Any]:
    def method(self: Any, memory_format: Any = None) -> Any:
        return self.to(dtype)

    method.__doc__ = f"The tensor in {dtype}."
    return method


class KeptEntries(PlaceOfPart):
    """A tensor of which some entries are kept, in a dense tensor of values: the class above all sparse layouts."""

    _level: Any = _LEVEL
    _view: Any = WATCH
    _entries: Tensor
    _size: Size

    @property
    def _array(self) -> Any:
        return _Shape(tuple(self._size), (0,) * len(self._size), self._entries._array.dtype)

    @_array.setter
    def _array(self, array: Any) -> None:
        _missing()

    @property
    def _value(self) -> Any:
        _missing()

    def _like(self, entries: Tensor) -> Any:
        """A tensor of the same places and other values."""
        raise TypeError("a layout says what it is made of")

    def _parts(self) -> tuple[Any, ...]:
        """What a tensor of the same layout is made of."""
        raise TypeError("a layout says what it is made of")

    # What it is.

    @property
    def shape(self) -> Size:
        return self._size

    @property
    def dtype(self) -> dtypes.dtype:
        return self._entries.dtype

    @property
    def ndim(self) -> int:
        return len(self._size)

    def dim(self) -> int:
        return len(self._size)

    def size(self, dim: int | None = None) -> Any:
        return self._size if dim is None else self._size[dim]

    def numel(self) -> int:
        return self._size.numel()

    nelement = numel

    def __len__(self) -> int:
        if not self._size:
            raise TypeError("len() of a 0-d tensor")
        return self._size[0]

    def is_floating_point(self) -> bool:
        return self.dtype.is_floating_point

    def is_complex(self) -> bool:
        return self.dtype.is_complex

    def element_size(self) -> int:
        return self._entries.element_size()

    def storage_offset(self) -> int:
        return 0

    def data_ptr(self) -> int:
        raise RuntimeError("Cannot access data pointer of Tensor that doesn't have storage")

    def tolist(self) -> Any:
        raise RuntimeError("Cannot access data pointer of Tensor that doesn't have storage")

    def item(self) -> Any:
        if self.numel() != 1:
            raise RuntimeError(f"a Tensor with {self.numel()} elements cannot be converted to Scalar")
        return self.to_dense().item()

    def __bool__(self) -> bool:
        if self.numel() != 1:
            raise RuntimeError("Boolean value of Tensor with more than one value is ambiguous")
        return self.item() != 0

    is_nonzero = __bool__

    def numpy(self, *, force: bool = False) -> Any:
        raise TypeError(f"can't convert {layout_name(self)} layout tensor to numpy. Use Tensor.to_dense() first.")

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        return self.numpy()

    def cpu(self, memory_format: Any = None) -> Tensor:
        return self

    def type_as(self, tensor: Any) -> Tensor:
        """This tensor in the dtype of another of its layout; RuntimeError for one of another layout."""
        if tensor.layout is not self.layout:
            raise RuntimeError(
                "to(options) doesn't support converting to a different layout, but got self.layout being "
                f"{layout_name(self)} and options.layout set as {layout_name(tensor)}"
            )
        return self.to(tensor.dtype)

    # Its place in the graph: that of its values.

    @property
    def _part(self) -> Any:
        return self._entries

    @property
    def is_leaf(self) -> bool:
        return self._entries.is_leaf

    @property
    def grad(self) -> Tensor | None:
        gradient = self._entries.grad
        return None if gradient is None else self._like(gradient)

    @grad.setter
    def grad(self, value: Tensor | None) -> None:
        self._entries.grad = value._entries if isinstance(value, KeptEntries) else value

    @grad.deleter
    def grad(self) -> None:
        del self._entries.grad

    @property
    def _version(self) -> int:
        return self._entries._version

    def version_counter(self) -> Any:
        return self._entries.version_counter()

    def bump_version(self) -> None:
        self._entries.bump_version()

    def _is_view(self) -> bool:
        return False

    @property
    def _base(self) -> Any:
        return None

    def detach(self) -> Tensor:
        return self._like(self._entries.detach())

    def detach_(self) -> Tensor:
        self._entries.detach_()
        return self

    @property
    def data(self) -> Tensor:
        return self._like(self._entries.data)

    def retain_grad(self) -> None:
        self._entries.retain_grad()

    @property
    def retains_grad(self) -> bool:
        return self._entries.retains_grad

    def backward(self, gradient: Any = None, *args: Any, **kwargs: Any) -> None:
        """Differentiate this tensor, weighted by `gradient`, a sparse tensor of the same places or a dense one."""
        self._entries.backward(self._weights(gradient), *args, **kwargs)

    def _weights(self, gradient: Any) -> Any:
        """A gradient of this tensor as one of its values."""
        if gradient is None or gradient is self:
            return gradient
        if not isinstance(gradient, KeptEntries):
            return gradient.sparse_mask(self)._entries
        if gradient._entries.shape == self._entries.shape:
            return gradient._entries
        return gradient.to_dense().sparse_mask(self)._entries

    def register_hook(self, hook: Callable[[Tensor], Tensor | None]) -> Any:
        def on_entries(gradient: Tensor) -> Tensor | None:
            changed = hook(self._like(gradient))
            return changed._entries if isinstance(changed, KeptEntries) else changed

        return self._entries.register_hook(on_entries)

    # Other values at the same places.

    def to(self, *args: Any, **kwargs: Any) -> Any:
        if kwargs.get("copy") is True:
            return self.clone().to(*args, **{name: a for name, a in kwargs.items() if name != "copy"})
        entries = self._entries.to(*args, **kwargs)
        return self if entries is self._entries else self._like(entries)

    def type(self, dtype: Any = None, non_blocking: bool = False) -> Any:
        if dtype is None:
            return self._entries.type().replace("torch.", "torch.sparse.")
        return self.to(dtype) if isinstance(dtype, dtypes.dtype) else self._like(self._entries.type(dtype))

    float, double, half = map(_converting, (dtypes.float32, dtypes.float64, dtypes.float16))
    bfloat16, cfloat, cdouble = map(_converting, (dtypes.bfloat16, dtypes.complex64, dtypes.complex128))
    int, long, short = map(_converting, (dtypes.int32, dtypes.int64, dtypes.int16))
    char, byte, bool = map(_converting, (dtypes.int8, dtypes.uint8, dtypes.bool))

    def likened(self, function: Callable[[Any], Any], plain: Any = None) -> Any:
        """A tensor of this one's places (for `ones_like` and its kin), with what `function` makes like the values."""
        return self._like(function(self._entries))

    # As an object.

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        if id(self) not in memo:
            make, parts = self.__reduce_ex__(4)
            memo[id(self)] = make(*copy.deepcopy(parts, memo))
        return memo[id(self)]

    def __iter__(self) -> Any:
        return iter(self.unbind(0))

    def __format__(self, spec: str) -> str:
        return repr(self)
