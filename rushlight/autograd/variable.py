"""What autograd knows of a tensor: its array, its gradient, its edge into the graph and its version.

`Tensor` (rushlight/tensor.py) is this class with the methods of every family of operations.
"""

from __future__ import annotations

import itertools
import warnings
from collections import OrderedDict
from collections.abc import Callable
from sys import getrefcount
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import dtypes, kernels
from rushlight.autograd.grad_mode import state
from rushlight.device import cpu, device
from rushlight.layout import layout, strided
from rushlight.size import Size
from rushlight.utils.hooks import RemovableHandle

if TYPE_CHECKING:
    from rushlight.autograd.node import Node
    from rushlight.autograd.views import View
    from rushlight.tensor import Tensor

__all__ = ["Variable", "VersionCounter", "set_tensor_type", "wrap"]

_new = object.__new__
_new_tuple = tuple.__new__  # without the checks of what a user makes a Size of
_ndarray = np.ndarray


_OWN = object()
# The numbers of the graph's nodes, in the order in which they are made.
next_sequence = itertools.count().__next__


class VersionCounter:
    """How often an array was written to; one object for all tensors that share the array."""

    value: int = 0


class Variable:
    """An array and its place in the graph. Users meet it as `Tensor`.

    Called, as programs of PyTorch's first years do, it gives a Tensor: the memory of `data`, without its history.
    TypeError for data that is no tensor.

    >>> import rushlight as torch
    >>> torch.autograd.Variable(torch.ones(2), requires_grad=True)
    tensor([1., 1.], requires_grad=True)

    Source: https://docs.pytorch.org/docs/2.13/autograd.html#variable-deprecated
    """

    # Defaults live on the class, so that making a tensor sets few attributes.
    _array: np.ndarray[Any, Any]
    _requires_grad: bool = False
    _grad_fn: Node | None = None
    _output_nr: int = 0
    # When it was detached in place, in the count of the graph's nodes.
    _detached: int = -1
    _grad: Tensor | None = None
    _view: View | None = None
    _counter: VersionCounter | None = None
    _backward_hooks: OrderedDict[int, Callable[..., Any]] | None = None
    _post_accumulate_grad_hooks: OrderedDict[int, Callable[..., Any]] | None = None
    _inference: bool = False
    # The type that `grad` has: the tensor's own, unless the user set another one, or None for any.
    _grad_dtype: Any = _OWN
    # Whether it is a gradient that lies within another, of which nobody else was given the same part.
    _part_of_gradient: bool = False
    # Whether only some elements are kept, as `rushlight.sparse` keeps them: then there is no array.
    is_sparse: bool = False
    is_sparse_csr: bool = False
    # The function transform whose tensor this is, if it is a wrapped one (`rushlight.autograd.transforms`).
    _level: Any = None
    # A leaf is the end of the graph: the engine asks it for edges as it asks a node.
    _edges: tuple[Any, ...] = ()

    if TYPE_CHECKING:
        # Operations are Tensor's; these are used below it, on what is but a Variable there.
        clone: Any
        conj: Any
        fill_: Any
        log: Any
        sum_to_size: Any
        to: Any

    __array_priority__ = 1000

    def __new__(cls, data: Any = None, requires_grad: bool = False, volatile: bool | None = None) -> Any:
        if volatile:
            message = "volatile was removed and now has no effect. Use `with torch.no_grad():` instead."
            warnings.warn(message, UserWarning, stacklevel=2)
        if data is None:
            return wrap(np.empty(0, dtypes.get_default_dtype().numpy_dtype)).requires_grad_(requires_grad)
        if not isinstance(data, Variable):
            raise TypeError(f"Variable data has to be a tensor, but got {type(data).__name__}")
        return data.detach().requires_grad_(requires_grad)

    # The graph's dictionaries hash leaves: Python's own hash, which no Python call stands before.
    __hash__ = object.__hash__

    @property
    def shape(self) -> Size:
        """The lengths of the dimensions."""
        return _new_tuple(Size, self._array.shape)

    @property
    def dtype(self) -> dtypes.dtype:
        """The type of the elements."""
        return dtypes.from_numpy_dtype(self._array.dtype)

    @property
    def device(self) -> device:
        """Where the memory is."""
        return cpu

    @property
    def layout(self) -> layout:
        """How the elements are kept.

        Source: https://docs.pytorch.org/docs/2.13/tensor_attributes.html#torch.layout
        """
        return strided

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return self._array.ndim

    @property
    def requires_grad(self) -> bool:
        """Whether a backward pass computes a gradient for this tensor."""
        if self._view is not None:
            self._view.refresh(self, strict=False)
        return self._requires_grad

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        if not isinstance(value, bool):
            raise RuntimeError(f"requires_grad must be a bool, not {type(value).__name__}")
        self.requires_grad_(value)

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        """Set `requires_grad` in place; RuntimeError for a tensor that is not a leaf or has no floating-point type.

        Source: https://docs.pytorch.org/docs/2.13/generated/torch.Tensor.requires_grad_.html
        """
        if self.grad_fn is not None:
            if not requires_grad:
                raise RuntimeError(
                    "you can only change requires_grad flags of leaf variables. If you want to use a computed "
                    "variable in a subgraph that doesn't require differentiation use var_no_grad = var.detach()."
                )
            return self  # type: ignore[return-value]
        kind = self._array.dtype
        if requires_grad and (kind.kind not in "fcVW" or kind.names or not _differentiable(kind)):
            raise RuntimeError(
                f"only Tensors of floating point and complex dtype can require gradients, got a tensor of {self.dtype}"
            )
        if requires_grad and self._inference and not state.inference:
            raise RuntimeError("Setting requires_grad=True on inference tensor outside InferenceMode is not allowed.")
        self._requires_grad = bool(requires_grad)
        if self._view is not None:
            self._view.inherits = False
        return self  # type: ignore[return-value]

    @property
    def grad_fn(self) -> Node | None:
        """The node of the operation that made this tensor; None for a leaf."""
        if self._view is not None:
            self._view.refresh(self)
        return self._grad_fn

    @property
    def is_leaf(self) -> bool:
        """Whether the user made this tensor, rather than a recorded operation."""
        return self.grad_fn is None

    @property
    def output_nr(self) -> int:
        """Which output of `grad_fn` this tensor is."""
        return self._output_nr

    @property
    def grad(self) -> Tensor | None:
        """The gradient that backward passes have added up for this tensor, or None."""
        if self._grad is None and self._grad_fn is not None and not self.retains_grad:
            import warnings

            warnings.warn(
                "The .grad attribute of a Tensor that is not a leaf Tensor is being accessed. Its .grad attribute "
                "won't be populated during autograd.backward(). If you indeed want the .grad field to be populated "
                "for a non-leaf Tensor, use .retain_grad() on the non-leaf Tensor. If you access the non-leaf Tensor "
                "by mistake, make sure you access the leaf Tensor instead. See github.com/pytorch/pytorch/pull/30531 "
                "for more information.",
                UserWarning,
                stacklevel=2,
            )
        return self._grad

    @grad.setter
    def grad(self, value: Tensor | None) -> None:
        if value is not None:
            if not isinstance(value, Variable):
                raise TypeError(
                    f"assigned grad expected to be a Tensor or None but got grad of type {type(value).__name__}"
                )
            if value is self:
                raise RuntimeError("can't assign Variable as its own grad")
            array, own = value._array, self._array
            if array.dtype is own.dtype and array.shape == own.shape and self._grad_dtype is _OWN:
                self._grad = value
                return
            if value.shape != self.shape:
                raise RuntimeError(
                    f"attempting to assign a gradient of size '{list(value.shape)}' to a tensor of size "
                    f"'{list(self.shape)}'. Please ensure that the gradient and the tensor are the same size"
                )
            wanted = self.dtype if self._grad_dtype is _OWN else self._grad_dtype
            if wanted is not None and value.dtype is not wanted:
                raise RuntimeError(
                    f"attempting to assign a gradient with dtype '{value.dtype}' to a tensor with grad_dtype "
                    f"'{wanted}'. The gradient must match the tensor's grad_dtype"
                )
        self._grad = value

    @grad.deleter
    def grad(self) -> None:
        self._grad = None

    @property
    def grad_dtype(self) -> dtypes.dtype | None:
        """The dtype that this leaf's `grad` has; None if it may have any. At first it is the tensor's own.

        RuntimeError for a tensor that is no leaf.

        Source: https://docs.pytorch.org/docs/2.13/generated/torch.Tensor.grad_dtype.html
        """
        if self.grad_fn is not None:
            raise RuntimeError("grad_dtype can only be accessed on leaf tensors.")
        return self.dtype if self._grad_dtype is _OWN else self._grad_dtype

    @grad_dtype.setter
    def grad_dtype(self, value: dtypes.dtype | None) -> None:
        if self.grad_fn is not None:
            raise RuntimeError("grad_dtype can only be set on leaf tensors.")
        if value is not None and not isinstance(value, dtypes.dtype):
            raise RuntimeError(f"grad_dtype must be a torch.dtype or None, but got {type(value).__name__}")
        self._grad_dtype = value

    @property
    def data(self) -> Tensor:
        """The same memory without history; writing through it is not seen by the version check."""
        out = wrap(self._array)
        out._inference = self._inference
        return out

    @data.setter
    def data(self, value: Tensor) -> None:
        if not isinstance(value, Variable):
            raise TypeError(f"Variable data has to be a tensor, but got {type(value).__name__}")
        if self._requires_grad and value._array.dtype.kind not in "fcVW":
            raise RuntimeError("data set to a tensor that requires gradients must be floating point or complex dtype")
        self._array = value._array

    def detach(self) -> Tensor:
        """A tensor of the same memory that is cut from the graph.

        Source: https://docs.pytorch.org/docs/2.13/generated/torch.Tensor.detach.html
        """
        out = _new(_tensor_type)
        out._array = self._array
        out._requires_grad = False
        out._view = None
        out._counter = self._counter or self.version_counter()
        out._inference = self._inference
        return out

    def detach_(self) -> Tensor:
        """Cut this tensor from the graph, in place: it becomes a leaf.

        Raises RuntimeError for a view, whose base would keep the history.
        """
        if self._view is not None:
            raise RuntimeError(
                "Can't detach views in-place. Use detach() instead. If you are using DistributedDataParallel (DDP) for "
                "training, and gradient_as_bucket_view is set as True, gradients are views of DDP buckets, and hence "
                "detach_() cannot be called on these gradients. To fix this error, please refer to the "
                "Optimizer.zero_grad() function in torch/optim/optimizer.py as the solution."
            )
        if self._grad_fn is not None:
            # For the nodes that saved it: they are older than the next one will be.
            self.version_counter()
            self._detached = next_sequence()
        self._grad_fn, self._output_nr, self._requires_grad, self._view = None, 0, False, None
        return self  # type: ignore[return-value]

    @property
    def _version(self) -> int:
        if self._inference:
            raise RuntimeError("Inference tensors do not track version counter.")
        return 0 if self._counter is None else self._counter.value

    def version_counter(self) -> VersionCounter:
        """The counter of writes that all tensors of this memory share."""
        counter = self._counter
        if counter is None:
            counter = self._counter = VersionCounter()
        return counter

    def bump_version(self) -> None:
        """Say that the memory was written to."""
        counter = self._counter
        if counter is None:
            counter = self._counter = VersionCounter()
        counter.value += 1

    @property
    def _base(self) -> Tensor | None:
        return None if self._view is None else self._view.base

    def _is_view(self) -> bool:
        return self._view is not None

    def is_inference(self) -> bool:
        """Whether the tensor was made in inference mode."""
        return self._inference

    def register_hook(self, hook: Callable[[Tensor], Tensor | None]) -> RemovableHandle:
        """Call `hook(grad)` whenever a gradient for this tensor is computed; what it returns replaces the gradient.

        Returns a handle whose `remove()` takes the hook away. RuntimeError if the tensor needs no gradient.

        Source: https://docs.pytorch.org/docs/2.13/generated/torch.Tensor.register_hook.html
        """
        if not self.requires_grad:
            raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
        if self._backward_hooks is None:
            self._backward_hooks = OrderedDict()
        if self._grad_fn is not None:
            self._grad_fn.add_tensor_hooks(self._output_nr, self._backward_hooks)
        handle = RemovableHandle(self._backward_hooks)
        self._backward_hooks[handle.id] = hook
        return handle

    def register_post_accumulate_grad_hook(self, hook: Callable[[Tensor], None]) -> RemovableHandle:
        """Call `hook(tensor)` after a gradient was added to this leaf's `grad`.

        Source: https://docs.pytorch.org/docs/2.13/generated/torch.Tensor.register_post_accumulate_grad_hook.html
        """
        if not self.requires_grad:
            raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
        if self._grad_fn is not None:
            raise RuntimeError("post accumulate grad hooks cannot be registered on non-leaf tensors")
        if self._post_accumulate_grad_hooks is None:
            self._post_accumulate_grad_hooks = OrderedDict()
        handle = RemovableHandle(self._post_accumulate_grad_hooks)
        self._post_accumulate_grad_hooks[handle.id] = hook
        return handle

    def retain_grad(self) -> None:
        """Keep the gradient of this non-leaf tensor in its `grad`.

        Source: https://docs.pytorch.org/docs/2.13/generated/torch.Tensor.retain_grad.html
        """
        if not self.requires_grad:
            raise RuntimeError("can't retain_grad on Tensor that has requires_grad=False")
        if self._grad_fn is not None:
            self._grad_fn.retain(self._output_nr, self)

    @property
    def retains_grad(self) -> bool:
        """Whether `retain_grad` was called on this non-leaf tensor."""
        node = self._grad_fn
        return node is not None and node.retains(self._output_nr, self)

    def _accumulate(self, gradient: Tensor, create_graph: bool) -> None:
        """Add a gradient that the engine computed to `grad`, taking it over where nobody else holds it."""
        before = self._grad
        if gradient.is_sparse or (before is not None and before.is_sparse):
            self._grad = gradient if before is None else sum_of_gradients(before, gradient)
            self._after_accumulation()
            return
        if self._grad_dtype is not _OWN:
            if self._grad_dtype is not None:
                gradient = gradient.to(self._grad_dtype)
        elif gradient._array.dtype is not self._array.dtype and gradient._array.dtype != self._array.dtype:
            gradient = gradient.to(self.dtype)
        if before is not None:
            if create_graph:
                self._grad = before + gradient
            elif before._part_of_gradient:
                # The rest of that memory is others'.
                mine: Any = before._array
                more: Any = gradient._array
                before._array, before._part_of_gradient = kernels.add(mine, more), False
                before.bump_version()
            else:
                kernels.accumulate(before._array, gradient._array)
                before.bump_version()
        elif create_graph:
            self._grad = gradient.clone()
        else:
            array = gradient._array
            # What nobody else holds is taken without a copy.
            if (
                (getrefcount(gradient), getrefcount(array)) == _UNSHARED
                and (array.base is None or _may_be_taken(gradient))
                and (array.strides == self._array.strides or not state.keeps_layout)
            ):
                self._grad = grad = wrap(array)
                if gradient._part_of_gradient:
                    grad._part_of_gradient = True
            else:
                self._grad = wrap(_like_strides(array, self._array))
        if self._post_accumulate_grad_hooks:
            self._after_accumulation()

    def _after_accumulation(self) -> None:
        for hook in tuple((self._post_accumulate_grad_hooks or {}).values()):
            hook(self)


def _differentiable(kind: Any) -> bool:
    """Whether a type that NumPy takes for bytes alone stands for numbers."""
    return not kind.metadata or dtypes.from_numpy_dtype(kind).is_floating_point


def sum_of_gradients(one: Any, other: Any) -> Any:
    """The sum of two gradients, of which either may be sparse."""
    return other + one if one.is_sparse and not other.is_sparse else one + other


def _may_be_taken(gradient: Any) -> bool:
    """Whether what owns a gradient's memory is held for its sake alone, or it is a part that nobody else was given."""
    array = gradient._array
    return (gradient._part_of_gradient or _holds_alone(array)) and array.flags.writeable


def may_be_parted(gradient: Any) -> bool:
    """Whether parts of a gradient may be handed on as they lie: nobody else holds its memory, or a view of it."""
    array = gradient._array
    own = array.base is None or _holds_alone(array)
    return own and array.flags.writeable and getrefcount(array) == _ONE_HOLDER


def _holds_alone(array: np.ndarray[Any, Any]) -> bool:
    """Whether an array shows all of another's memory, which nothing else refers to."""
    owner: Any = array.base
    whole = owner.__class__ is _ndarray and owner.base is None and owner.nbytes == array.nbytes
    return whole and getrefcount(owner) == _ONE_HOLDER


def _like_strides(array: np.ndarray[Any, Any], model: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    out = np.empty_like(model, array.dtype)
    kernels.copy_into(out, array)
    return out


_tensor_type: type[Any] = Variable


def set_tensor_type(type_: type[Any]) -> None:
    """Name the class whose instances operations return; `rushlight.tensor` does, once."""
    global _tensor_type
    _tensor_type = type_


def tensor_type() -> type[Any]:
    """The class whose instances operations return."""
    return _tensor_type


def wrap(array: Any) -> Tensor:
    """A tensor around an array, without a copy and without history."""
    tensor = _new(_tensor_type)
    tensor._array = array if array.__class__ is _ndarray else np.asarray(array)
    # The class has the same defaults; what an instance holds itself is read faster.
    tensor._requires_grad = False
    tensor._view = None
    return tensor


def _count_unshared() -> tuple[int, int]:
    """The references that `_accumulate` counts of a gradient that only the engine holds; interpreters differ."""

    def accumulate(gradient: Any, create_graph: bool) -> tuple[int, int]:
        array = gradient._array
        return getrefcount(gradient), getrefcount(array)

    gradients = [wrap(np.empty(1))]
    return accumulate(gradients.pop(), False)


_UNSHARED = _count_unshared()


def _count_one_holder() -> int:
    gradient = wrap(np.empty(1))
    array = gradient._array
    return getrefcount(array)


_ONE_HOLDER = _count_one_holder()
