"""An operation of a user's own: a class with `forward` and `backward`, called through `apply`.

The library's operations (operation.py) derive from it. Each call leaves a node in the graph (node.py), which is the
`ctx` that forward and backward receive.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from rushlight.autograd import views
from rushlight.autograd.grad_mode import no_grad, state
from rushlight.autograd.node import FunctionCtx, Node
from rushlight.autograd.transforms import dispatch, highest
from rushlight.autograd.variable import Variable, wrap
from rushlight.dtypes import from_numpy_dtype

__all__ = ["Function", "FunctionCtx", "InplaceFunction", "NestedIOFunction", "Node", "once_differentiable"]


def _first_node(cls: type[Function]) -> Node:
    """The first node of an operation, whose class is made now and called directly from then on."""
    cls._node_class = cls._make_node_class()
    return cls._node_class()


_FIRST_NODE = classmethod(_first_node)

_NO_SETUP_CONTEXT = (
    "In order to use an autograd.Function with functorch transforms (vmap, grad, jvp, jacrev, ...), it must override "
    "the setup_context staticmethod. For more details, please see "
    "https://pytorch.org/docs/main/notes/extending.func.html"
)


class Function:
    """An operation of your own: a class with static `forward` and `backward`, called through `apply`.

    `forward(ctx, *args)` computes; `backward(ctx, *grad_outputs)` returns one gradient (or None) for each argument of
    forward. With `setup_context(ctx, inputs, output)` defined, forward takes no ctx.

    >>> import rushlight as torch
    >>> class Double(torch.autograd.Function):
    ...     @staticmethod
    ...     def forward(ctx, x):
    ...         return x * 2
    ...     @staticmethod
    ...     def backward(ctx, grad):
    ...         return grad * 2
    >>> x = torch.ones(2, requires_grad=True)
    >>> Double.apply(x).sum().backward()
    >>> x.grad
    tensor([2., 2.])

    Source: https://docs.pytorch.org/docs/2.13/autograd.html#torch.autograd.Function
    """

    _node_class: type[Node] = Node
    generate_vmap_rule = False

    def __init_subclass__(cls, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        # The node class is made at the first call: a program uses few of the library's operations.
        cls._node_class = _FIRST_NODE  # type: ignore[assignment]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        warnings.warn(
            f"{type(self)} should not be instantiated. Methods on autograd functions are all static, so you should "
            "invoke them on the class itself. Instantiating an autograd function will raise an error in a future "
            "version of PyTorch.",
            DeprecationWarning,
            stacklevel=2,
        )

    @classmethod
    def _make_node_class(cls) -> type[Node]:
        return type(
            f"{cls.__name__}Backward", (_FunctionNode,), {"_function": cls, "__module__": "torch.autograd.function"}
        )

    @staticmethod
    def forward(*args: Any, **kwargs: Any) -> Any:
        """Compute the result; to be overridden."""
        raise NotImplementedError("You must implement the forward function for custom autograd.Function.")

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> Any:
        """Save for backward, apart from forward; to be overridden where forward takes no ctx."""
        raise NotImplementedError("setup_context is not implemented.")

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Any) -> Any:
        """The gradients of the arguments from those of the results; to be overridden."""
        raise NotImplementedError(
            "You must implement either the backward or vjp method for your custom autograd.Function to use it with "
            "backward mode AD."
        )

    vjp = backward

    @staticmethod
    def jvp(ctx: Any, *grad_inputs: Any) -> Any:
        """The tangents of the results from those of the arguments; to be overridden for forward mode."""
        raise NotImplementedError(
            "You must implement the jvp function for custom autograd.Function to use it with forward mode AD."
        )

    @staticmethod
    def vmap(info: Any, in_dims: Any, *args: Any) -> Any:
        """`(output, out_dims)` of whole batches, whose batch dimensions `in_dims` names; to be overridden for vmap."""
        raise NotImplementedError(
            "To use autograd.Function with vmap, you must either override the vmap staticmethod or set "
            "generate_vmap_rule=True."
        )

    @classmethod
    def apply(cls, *args: Any, **kwargs: Any) -> Any:
        """Call forward, and record the call if a gradient can be wanted."""
        if state.levels:
            if cls.setup_context is Function.setup_context and any(level.functional for level in state.levels):
                raise RuntimeError(_NO_SETUP_CONTEXT)
            if highest(args) is not None:
                return dispatch(cls, "apply", args)
        return cls._applied(args, kwargs)[0]

    @classmethod
    def _applied(cls, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, Any]:
        """The results of a call, and its ctx."""
        ctx: Any = cls._node_class()
        track = False
        if state.enabled:
            for a in args:
                if isinstance(a, Variable):
                    if a._view is not None:
                        a._view.refresh(a)
                    if a._requires_grad:
                        track = True
        if track:
            ctx._link(args)
            ctx._inputs = tuple((a._array.shape, a._array.dtype) if isinstance(a, Variable) else None for a in args)
        with no_grad():
            if cls.setup_context is Function.setup_context:
                out = cls.forward(ctx, *args, **kwargs)
            else:
                out = cls.forward(*args, **kwargs)
                cls.setup_context(ctx, args, out)
        return _finish(ctx, args, out, track), ctx


class _FunctionNode(Node):
    """The node of a user's Function: checks what backward returns, which the library's own operations need not."""

    materialize_grads = True
    _inputs: tuple[Any, ...] = ()

    def __repr__(self) -> str:
        return f"<torch.autograd.function.{type(self).__name__} object at {id(self):#x}>"

    def _run(self, gradients: list[Any]) -> tuple[Any, ...]:
        if self.materialize_grads:
            gradients = [g if g is not None else self._zeros(i) for i, g in enumerate(gradients)]
        function = self._function
        backward = function.backward if function.backward is not Function.backward else function.vjp
        out = backward(self, *gradients)
        results = out if isinstance(out, tuple) else (out,)
        expected = len(self._edges)
        if len(results) > expected and all(r is None for r in results[expected:]):
            results = results[:expected]
        if len(results) != expected:
            raise RuntimeError(
                f"function {type(self).__name__} returned an incorrect number of gradients (expected {expected}, got "
                f"{len(results)})"
            )
        return tuple(self._checked(i, r) for i, r in enumerate(results))

    def _checked(self, i: int, gradient: Any) -> Any:
        if gradient is None:
            return None
        meta, name = self._inputs[i], type(self).__name__
        if meta is None:
            raise RuntimeError(
                f"function {name} returned a gradient different than None at position {i + 1}, but the corresponding "
                "forward input was not a Variable"
            )
        if not isinstance(gradient, Variable):
            raise TypeError(f"function {name} expected a Tensor or None as gradient {i}, got {type(gradient).__name__}")
        shape, numpy_dtype = meta
        if gradient._array.shape != shape:
            try:
                compatible = np.broadcast_shapes(shape, gradient._array.shape) == gradient._array.shape
            except ValueError:
                compatible = False
            if not compatible:
                raise RuntimeError(
                    f"Function {name} returned an invalid gradient at index {i} - got {list(gradient._array.shape)} "
                    f"but expected shape compatible with {list(shape)}"
                )
            gradient = gradient.sum_to_size(*shape)
        if gradient._array.dtype != numpy_dtype:
            gradient = gradient.to(from_numpy_dtype(numpy_dtype))
        return gradient


def _finish(ctx: Any, args: tuple[Any, ...], out: Any, track: bool) -> Any:
    """Give the results of a user's forward their place in the graph."""
    single = not isinstance(out, (tuple, list))
    results = [out] if single else list(out)
    for d in ctx._dirty:
        if not any(d is r for r in results):
            raise RuntimeError(f"{type(ctx).__name__}: an input marked dirty must be returned from forward, and wasn't")
        if track:
            views.check_inplace(d, "has been")
        d.bump_version()
    differentiable: list[Any] = []
    for i, r in enumerate(results):
        if not isinstance(r, Variable):
            continue
        is_input = any(r is a for a in args)
        plain = any(r is n for n in ctx._non_differentiable)
        if any(r is d for d in ctx._dirty):
            if track and not plain:
                views.rebase_history(r, ctx, i, next(k for k, a in enumerate(args) if a is r))
            continue
        if is_input:
            r = _alias(r)
        if track and not plain and r._array.dtype.kind in "fcVW":
            if r._view is not None:
                # Its history is the Function's, whatever happens to the memory.
                r._view.origin, r._view.operation = views.CUSTOM, None
            r._grad_fn, r._output_nr, r._requires_grad = ctx, i, True
            differentiable.append(r)
        results[i] = r
    if len(differentiable) > 1:
        for r in differentiable:
            if r._view is not None:
                r._view.origin = views.MULTI_OUTPUT
    if track:
        ctx._outputs = tuple((r._array.shape, r._array.dtype) if isinstance(r, Variable) else None for r in results)
        ctx._seal(tuple(results))
        ctx._dirty = ctx._non_differentiable = ()
    return results[0] if single else tuple(results)


def _alias(tensor: Any) -> Any:
    """Another tensor of the same memory, for an input that forward returned as it is."""
    out = wrap(tensor._array)
    counter = out._counter = tensor.version_counter()
    out._view = views.View(tensor, None, (), None, views.CUSTOM, counter.value)
    return out


class InplaceFunction(Function):
    """A `Function` by the name of one that changes its argument; `Function` and `mark_dirty` do the same."""

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace


class NestedIOFunction(Function):
    """A `Function` of PyTorch's first years that took tensors in lists and tuples.

    `forward_extended` and `backward_extended` are to be overridden. Raises RuntimeError where it is called, as in
    PyTorch.

    >>> import rushlight as torch
    >>> class Old(torch.autograd.function.NestedIOFunction):
    ...     def forward_extended(self, *inputs):
    ...         return inputs
    >>> issubclass(Old, torch.autograd.Function)
    True

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.autograd.function.NestedIOFunction.html
    """

    def __call__(self, *args: Any) -> Any:
        raise RuntimeError(
            "Legacy autograd function with non-static forward method is deprecated. Please use new-style autograd "
            "function with static forward method."
        )

    def save_for_backward(self, *args: Any) -> None:
        """Keep tensors, also in lists and tuples."""
        self._to_save_nested = args

    def mark_dirty(self, *args: Any, **kwargs: Any) -> None:
        """Say which inputs forward changed in place."""
        self.dirty_tensors = args

    def mark_non_differentiable(self, *args: Any, **kwargs: Any) -> None:
        """Say which results have no gradient."""
        self.non_differentiable = args

    def forward_extended(self, *input: Any) -> None:
        """Compute the results; to be overridden."""
        raise NotImplementedError("forward_extended is to be overridden")

    def backward_extended(self, *grad_output: Any) -> None:
        """The gradients of the arguments; to be overridden."""
        raise NotImplementedError("backward_extended is to be overridden")


def once_differentiable(backward: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate a backward that is not itself differentiable: differentiating its result raises RuntimeError."""

    @functools.wraps(backward)
    def wrapper(ctx: Any, *gradients: Any) -> Any:
        with no_grad():
            out = backward(ctx, *gradients)
        if not state.enabled or not any(isinstance(g, Variable) and g.requires_grad for g in gradients):
            return out
        results = out if isinstance(out, tuple) else (out,)
        marked = tuple(_DifferentiatedTwice.apply(r, *gradients) if isinstance(r, Variable) else r for r in results)
        return marked if isinstance(out, tuple) else marked[0]

    return wrapper


class _DifferentiatedTwice(Function):
    @staticmethod
    def forward(ctx: Any, result: Any, *sources: Any) -> Any:
        return result

    @staticmethod
    def backward(ctx: Any, gradient: Any) -> Any:
        raise RuntimeError("trying to differentiate twice a function that was marked with @once_differentiable")
