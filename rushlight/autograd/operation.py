"""The library's operations: `Function`s whose forward computes on arrays, so that a call costs little."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from rushlight.array_memory import related, share_partly
from rushlight.autograd import variable as _variable
from rushlight.autograd import views
from rushlight.autograd._arguments import not_a_tensor
from rushlight.autograd._quantized import apply_to_codes, check_channels
from rushlight.autograd.function import Function
from rushlight.autograd.grad_mode import state
from rushlight.autograd.node import Node, link_one, link_pair
from rushlight.autograd.transforms import Intercept, dispatch, highest, writes_inside
from rushlight.autograd.variable import Variable, wrap
from rushlight.dtypes import from_numpy_dtype

__all__ = [
    "NUMBERS",
    "OVERLAP",
    "Operation",
    "UfuncOperation",
    "UnaryOperation",
    "ViewOperation",
    "check_apart",
    "is_plain",
    "like",
    "mark_inference",
    "view_of",
    "write",
    "writes_freely",
]

OVERLAP = (
    "unsupported operation: some elements of the input tensor and the written-to tensor refer to a single memory "
    "location. Please clone() the tensor before performing the operation."
)

# What may stand beside a Tensor in an operator.
NUMBERS: tuple[type, ...] = (int, float, bool, complex, np.number, np.bool_)

_new = object.__new__
_ndarray = np.ndarray
_View = views.View


class Operation(Function):
    """An operation of the library: a `Function` whose forward computes on arrays.

    What only a user's Function can do (change its inputs, return them, record inside forward) is left out of `apply`,
    so that it costs little. forward returns an array or a tuple of arrays, or a Tensor that it wrapped itself in order
    to save it.
    """

    node_name: str = ""
    # Whether each element of the result is in the channel that it was in, for tensors quantized by channel.
    keeps_channels: bool = False
    # Whether it has two operands, of which one may be a number.
    pairs_operands: bool = False
    # Whether forward has an `out` argument for the array to write into, which spares in-place calls a temporary.
    takes_out: bool = False
    # Whether backward gets zeros for those of several results that had no gradient, or None.
    fills_gradients: bool = True
    # Whether `inplace` refuses an operand that shares part of the target's memory, and one that shares all of it.
    checks_overlap: bool = True
    refuses_itself: bool = False

    @classmethod
    def _make_node_class(cls) -> type[Node]:
        contents = {"_function": cls, "pairs_operands": cls.pairs_operands}
        return type(cls.node_name or f"{cls.__name__}Backward0", (Node,), contents)

    @classmethod
    def apply(cls, *args: Any) -> Any:
        """Compute, and record the call if a gradient can be wanted."""
        ctx = cls._node_class()
        track = False
        if state.enabled:
            try:
                for a in args:
                    if isinstance(a, Variable):
                        if a._view is not None:
                            a._view.refresh(a)
                        if a._requires_grad:
                            track = True
            except Intercept:
                return dispatch(cls, "apply", args)
            if track:
                if len(args) == 1:
                    link_one(ctx, args[0])
                else:
                    ctx._link(args)
        elif state.levels and highest(args) is not None:
            return dispatch(cls, "apply", args)
        try:
            out = cls.forward(ctx, *args)
        except AttributeError as error:
            raise not_a_tensor(cls, args, error)  # noqa: B904
        except (TypeError, NotImplementedError, RuntimeError) as error:
            if highest(args) is not None:  # in a list or tuple, which was not asked before
                return dispatch(cls, "apply", args)
            return apply_to_codes(cls, args, error)
        if out.__class__ is tuple:
            return _finish_many(ctx, out, track)
        if out.__class__ is _ndarray:
            if out.dtype.names:
                check_channels(cls, out)
            result = _new(_variable._tensor_type)
            result._array = out
            result._view = None
        else:
            result = out if isinstance(out, Variable) else wrap(out)
        if track:
            if ctx._saved:
                ctx._seal((result,) if result is out else ())
            if result._array.dtype.kind in "fcVW" and not ctx._non_differentiable:
                result._grad_fn = ctx
                result._requires_grad = True
                return result
        elif state.inference:
            mark_inference(result)
        result._requires_grad = False
        return result

    @classmethod
    def inplace(cls, target: Any, *args: Any) -> Any:
        """Compute with `target` as the first argument and write the result into it."""
        ctx = cls._node_class()
        track = False
        try:
            inference = target._inference
        except AttributeError as error:
            raise not_a_tensor(cls, (target, *args), error)  # noqa: B904
        if (state.levels or target._level is not None) and writes_inside(target, args, cls.__name__):
            return dispatch(cls, "inplace", (target, *args))
        if state.enabled:
            for a in (target, *args):
                if isinstance(a, Variable) and a.requires_grad:
                    track = True
            if track or (target._view is not None and target._view.base._requires_grad):
                views.check_inplace(target)
                for a in args:
                    if isinstance(a, Variable) and a._view is not None:
                        a._view.refresh(a)
                ctx._link((target, *args))
        if inference and not state.inference:
            raise RuntimeError(
                "Inplace update to inference tensor outside InferenceMode is not allowed. You can make a clone to get "
                "a normal tensor before doing inplace update."
            )
        array = target._array
        for a in args:
            if isinstance(a, Variable) and (a is not target or cls.refuses_itself) and cls.checks_overlap:
                check_apart(target, a, cls.refuses_itself)
        # A stride of zero leaves the decision to `write`, which refuses elements that share memory.
        if cls.takes_out and not track and array.flags.writeable and 0 not in array.strides and not array.dtype.names:
            out = cls.forward(ctx, target, *args, out=array)
        else:
            try:
                out = cls.forward(ctx, target, *args)
            except AttributeError as error:
                raise not_a_tensor(cls, (target, *args), error)  # noqa: B904
            except (TypeError, NotImplementedError, RuntimeError) as error:
                if highest(args) is not None:
                    return dispatch(cls, "inplace", (target, *args))
                out = apply_to_codes(cls, (target, *args), error)
            if track and ctx._saved:
                _keep_old_value(ctx, target, args)
        write(target, out._array if isinstance(out, Variable) else out)
        if track:
            if ctx._saved:
                if isinstance(out, Variable):
                    ctx._saved = tuple(target if s is out else s for s in ctx._saved)
                    target.bump_version()
                    ctx._seal((target,))
                else:
                    ctx._seal(())
                    target.bump_version()
            else:
                target.bump_version()
            views.rebase_history(target, ctx)
        else:
            target.bump_version()
        return target


def check_apart(target: Any, other: Any, whole: bool = False) -> None:
    """RuntimeError if an operand shares part of the memory (with `whole`, any of it) of what is written to."""
    if not isinstance(other, Variable):
        return
    array, given = target._array, other._array
    if array.base is None and given.base is None and array is not given:
        return
    counter = target._counter
    shared = (other._counter is counter and counter is not None) or related(array, given)
    if shared and share_partly(array, given, whole):
        raise RuntimeError(OVERLAP)


def _keep_old_value(ctx: Any, target: Any, args: tuple[Any, ...]) -> None:
    """Where backward needs the target as it was before an in-place operation, save a copy instead.

    Not where it was saved as another operand, too: that its value is gone is for backward to say.
    """
    counter = target._counter
    if counter is not None:
        # Where something else was kept in place of the target, writing to the target does no harm any more.
        ctx._saved = tuple([wrap(item._array) if _counts_for(item, target, counter) else item for item in ctx._saved])
    saved = sum([item is target for item in ctx._saved])
    if saved and saved > sum([a is target for a in args]):
        old = wrap(target._array.copy())
        old._grad_fn, old._output_nr, old._requires_grad = target._grad_fn, target._output_nr, target._requires_grad
        first = next(i for i, item in enumerate(ctx._saved) if item is target)
        alone = all(a is not target for a in args)
        ctx._saved = tuple(
            [old if item is target and (alone or i == first) else item for i, item in enumerate(ctx._saved)]
        )


def _counts_for(item: Any, target: Any, counter: Any) -> bool:
    """Whether a saved tensor is counted as written to when the target is, without having its memory."""
    if not isinstance(item, Variable) or item is target or item._counter is not counter:
        return False
    return not np.may_share_memory(item._array, target._array)


def write(target: Any, out: Any) -> None:
    """Write a result into a tensor's array; RuntimeError where its shape or type does not go in."""
    array = target._array
    if out is array:
        return
    if out.__class__ is _ndarray and out.dtype is array.dtype and out.shape == array.shape:
        if array.flags.writeable and 0 not in array.strides:
            np.copyto(array, out)
            return
    else:
        out = np.asarray(out)
    if out.shape != array.shape:
        raise RuntimeError(f"output with shape {list(array.shape)} doesn't match the broadcast shape {list(out.shape)}")
    if out.dtype != array.dtype:
        source, kept = from_numpy_dtype(out.dtype), from_numpy_dtype(array.dtype)
        if source.category > kept.category:
            raise RuntimeError(
                f"result type {source.legacy_name} can't be cast to the desired output type {kept.legacy_name}"
            )
    if not array.flags.writeable or (0 in array.strides and array.size and _overlaps(array)):
        raise RuntimeError(
            "unsupported operation: more than one element of the written-to tensor refers to a single memory "
            "location. Please clone() the tensor before performing the operation."
        )
    np.copyto(array, out, casting="unsafe")


def _overlaps(array: Any) -> bool:
    return array.size > 0 and any(s == 0 and n > 1 for s, n in zip(array.strides, array.shape, strict=True))


def _finish_many(ctx: Any, out: tuple[Any, ...], track: bool) -> tuple[Any, ...]:
    results = tuple([o if isinstance(o, Variable) else wrap(o) for o in out])
    if track:
        if ctx._saved:
            ctx._seal(results)
        ctx.materialize_grads = ctx._function.fills_gradients
        ctx._outputs = tuple([(r._array.shape, r._array.dtype) for r in results])
        plain = ctx._non_differentiable
        for i, r in enumerate(results):
            if r._array.dtype.kind in "fcVW" and not any(out[i] is p or r is p for p in plain):
                r._grad_fn, r._output_nr, r._requires_grad = ctx, i, True
        ctx._non_differentiable = ()
    elif state.inference:
        for r in results:
            mark_inference(r)
    return results


def mark_inference(tensor: Any) -> None:
    """Make a result one that no recorded operation may save; its counter takes it past the quick check in `_seal`."""
    tensor._inference = True
    tensor.version_counter()


class UfuncOperation(Operation):
    """An operation that is one ufunc of two operands: `+`, `-`, `*`, `/`."""

    ufunc: Callable[..., Any]
    pairs_operands = True
    # Whether backward needs the operands, rather than their shapes and types alone; and the second one for both
    # gradients.
    saves_operands: bool = False
    always_saves_other: bool = False

    @classmethod
    def inplace(cls, target: Any, *args: Any) -> Any:
        """`Operation.inplace`, unrolled where `written` can do it."""
        return target if cls.written(target, args[0]) else super().inplace(target, *args)

    @classmethod
    def written(cls, target: Any, other: Any) -> bool:
        """Compute in place on float tensors of one type and shape, or one and a number; False for any other two."""
        try:
            if not writes_freely(target):
                return False
            array = target._array
            if other.__class__ is float or other.__class__ is int:
                cls.ufunc(array, float(other), array)
            else:
                given = other._array
                if given.dtype is not array.dtype or given.shape != array.shape:
                    return False
                if other._view is not None:
                    other._view.refresh(other)
                if other._requires_grad and state.enabled:
                    return False
                if given is not array:
                    check_apart(target, other)
                cls.ufunc(array, given, array)
        except (AttributeError, Intercept):
            return False
        target.bump_version()
        return True

    @classmethod
    def operator(cls) -> Callable[[Any, Any], Any]:
        """The method behind Python's operator: `apply` unrolled for two float tensors of one type, or one and a number.

        These are the operations where what `apply` costs shows most; anything else goes to `apply`.
        """
        ufunc, saves, always = cls.ufunc, cls.saves_operands, cls.always_saves_other

        def operator(input: Any, other: Any) -> Any:
            try:
                a = input._array
            except AttributeError:
                raise TypeError(
                    f"descriptor of 'torch._C.TensorBase' objects doesn't apply to a '{type(input).__name__}' object"
                ) from None
            kind = a.dtype
            b: Any
            if isinstance(other, Variable):
                b = other._array
                if kind is not b.dtype or kind.char not in "fd":
                    return cls.apply(input, other)
                if other._view is not None:
                    try:
                        other._view.refresh(other)
                    except Intercept:
                        return dispatch(cls, "apply", (input, other))
                second = other._requires_grad
            elif (other.__class__ is float or other.__class__ is int) and kind.char in "fd":
                b, second = float(other), False
            else:
                return cls.apply(input, other) if isinstance(other, NUMBERS) else NotImplemented
            try:
                if input._view is not None:
                    input._view.refresh(input)
                out = ufunc(a, b)
            except Intercept:
                return dispatch(cls, "apply", (input, other))
            except ValueError:
                return cls.apply(input, other)
            result = _new(_variable._tensor_type)
            result._array = out if out.__class__ is _ndarray else np.asarray(out)
            result._view = None
            result._requires_grad = False
            if state.enabled:
                first = input._requires_grad
                if first or second:
                    ctx: Any = cls._node_class()
                    link_pair(ctx, input, other, first, second)
                    if saves:
                        first, second = ctx.needs_input_grad
                        ctx._saved = (input if second else None, other if first or always else None)
                        ctx._seal(())
                    if out.shape != a.shape or (second and out.shape != b.shape):
                        ctx.likes = like(input), like(other)
                    result._grad_fn = ctx
                    result._requires_grad = True
            elif state.inference:
                mark_inference(result)
            return result

        return operator


class UnaryOperation(Operation):
    """An operation that is one kernel of one float tensor: an activation, an exponential."""

    kernel: Callable[..., Any]
    # What backward needs: "input", "result", the input's "shape" or, if empty, nothing.
    keeps: str = ""

    @classmethod
    def function(cls) -> Callable[[Any], Any]:
        """`apply` unrolled for a float32 or float64 tensor; anything else goes to `apply`."""
        kernel, keeps = cls.kernel, cls.keeps

        def function(input: Any) -> Any:
            try:
                array = input._array
            except AttributeError:
                return cls.apply(input)
            if array.dtype.char not in "fd":
                if array.dtype.names:
                    return cls.apply(input)
                if array.dtype.itemsize == 1 and array.dtype.kind in "fV":
                    name = input.dtype.legacy_name
                    raise NotImplementedError(f"\"{cls.__name__.lower()}_cpu\" not implemented for '{name}'")
                return cls.apply(input)
            if input._view is not None:
                try:
                    input._view.refresh(input)
                except Intercept:
                    return dispatch(cls, "apply", (input,))
            out = kernel(array)
            result = _new(_variable._tensor_type)
            result._array = out if out.__class__ is _ndarray else np.asarray(out)
            result._view = None
            result._requires_grad = False
            if state.enabled:
                if input._requires_grad:
                    ctx: Any = cls._node_class()
                    link_one(ctx, input)
                    if keeps == "input":
                        ctx._saved = (input,)
                        ctx._seal(())
                    elif keeps == "result":
                        ctx._saved = (result,)
                        ctx._seal((result,))
                    elif keeps:
                        ctx.shape = array.shape
                    result._grad_fn = ctx
                    result._requires_grad = True
            elif state.inference:
                mark_inference(result)
            return result

        return function


def like(value: Any) -> tuple[tuple[int, ...], Any] | None:
    """The shape and type of an operand, which its gradient must have; None for a number."""
    return (value._array.shape, value._array.dtype) if isinstance(value, Variable) else None


# The ctx of views that no gradient passes.
_SCRATCH = Node()


def is_plain(tensor: Any) -> bool:
    """Whether a view of a tensor is made by `view_of`: it is none itself, wants no gradient, and has plain numbers."""
    return (
        tensor._view is None
        and not tensor._requires_grad
        and state.enabled
        and not state.levels
        and tensor._array.dtype.names is None
    )


def view_of(cls: type[ViewOperation], parent: Any, args: tuple[Any, ...], out: Any) -> Any:
    """What `cls.apply` makes of a view that is there already, of a parent that `is_plain`."""
    counter = parent._counter
    if counter is None:
        counter = parent.version_counter()
    result = _new(_variable._tensor_type)
    result._array = out
    result._requires_grad = False
    result._counter = counter
    result._view = view = _new(_View)
    view.base = view.parent = parent
    view.operation = cls
    view.arguments = args
    view.version = counter.value
    return result


def writes_freely(target: Any) -> bool:
    """Whether numbers may go into a tensor's array with no record, no check and no conversion but of themselves."""
    if target._inference or target._level is not None or state.levels:
        return False
    if state.enabled and (target._requires_grad or (target._view is not None and target._view.base._requires_grad)):
        return False
    array = target._array
    return array.dtype.char in "fd" and array.flags.writeable and 0 not in array.strides


class ViewOperation(Operation):
    """An operation whose results share the memory of its first argument."""

    # Whether shape and strides over the memory say all: not of views that read its bytes as another type.
    restrides: bool = True

    @classmethod
    def apply(cls, parent: Any, *args: Any) -> Any:
        """Make the view, record the call if a gradient can be wanted, and let it share the parent's version."""
        recording = state.enabled
        try:
            above = parent._view
            if above is not None:
                above.refresh(parent)
        except AttributeError as error:
            raise not_a_tensor(cls, (parent, *args), error)  # noqa: B904
        except Intercept:
            return dispatch(cls, "apply", (parent, *args))
        track = recording and parent._requires_grad
        # What forward notes for a backward pass that will not be goes where nobody reads it.
        ctx: Any = _SCRATCH
        if track:
            ctx = cls._node_class()
            link_one(ctx, parent)
        out = cls.forward(ctx, parent, *args)
        counter = parent._counter
        if counter is None:
            counter = parent.version_counter()
        if out.__class__ is tuple:
            origin = views.MULTI_OUTPUT if recording else views.NO_GRAD
            recorded = _finish_many(ctx, out, track) if track or state.inference else None
            return _views_of(cls, parent, args, out, recorded, origin)
        if out.dtype.names:
            check_channels(cls, out)
        result = _new(_variable._tensor_type)
        result._array = out
        result._requires_grad = False
        result._counter = counter
        result._view = view = _new(_View)
        view.base = parent if above is None else above.base
        view.parent, view.operation = parent, cls
        view.arguments = args
        view.version = counter.value
        if not recording:
            view.origin = views.NO_GRAD
        elif above is not None:
            view.origin = above.origin
        if track:
            if ctx._saved:
                ctx._seal(())
            # A view as another type has none.
            if out.dtype.kind in "fcVW" and not ctx._non_differentiable:
                result._grad_fn = ctx
                result._requires_grad = True
        elif not recording:
            if parent._requires_grad:
                # It has no history, and requires a gradient all the same: that of its base.
                result._requires_grad = view.inherits = True
            if state.inference:
                mark_inference(result)
        return result


def _views_of(cls: Any, parent: Any, args: Any, arrays: Any, recorded: Any, origin: str) -> tuple[Any, ...]:
    """Several views of one tensor: those that are recorded already, or new ones."""
    base = parent if parent._view is None else parent._view.base
    counter, kind, results = parent._counter, _variable._tensor_type, []
    for i, array in enumerate(arrays):
        if recorded is None:
            result = _new(kind)
            result._array = array
            result._requires_grad = False
        else:
            result = recorded[i]
        results.append(result)
        result._counter = counter
        result._view = view = _new(_View)
        view.base, view.parent, view.operation, view.arguments = base, parent, cls, args
        view.index, view.origin, view.version = i, origin, counter.value
    return tuple(results)
