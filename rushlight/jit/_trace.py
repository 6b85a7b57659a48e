"""`trace` and `trace_module`: the function is run as PyTorch runs it to trace it, and handed back."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from rushlight.autograd.grad_mode import no_grad
from rushlight.autograd.variable import Variable
from rushlight.compiler import warn_once
from rushlight.jit._modules import passed
from rushlight.nn.modules.module import Module

__all__ = ["TracerWarning", "TracingCheckError", "is_tracing", "trace", "trace_module"]


class TracerWarning(Warning):
    """A traced function does not always do the same."""


class TracingCheckError(Exception):
    """A traced function differs from its trace."""


class _Tracing(threading.local):
    depth = 0


_tracing = _Tracing()


def is_tracing() -> bool:
    """Whether `trace` is running a function in this thread."""
    return _tracing.depth > 0


def _outputs(value: Any, strict: bool) -> Iterator[Any]:
    """The tensors that a traced function returns; RuntimeError for anything else."""
    if isinstance(value, Variable):
        yield value
    elif isinstance(value, (tuple, list, dict)) and value:
        if strict and not isinstance(value, tuple):
            kind = type(value).__name__
            raise RuntimeError(
                f"Encountering a {kind} at the output of the tracer might cause the trace to be incorrect, this is "
                "only valid if the container structure does not change based on the module's inputs. Consider using a "
                "constant container instead (e.g. for `list`, use a `tuple` instead. for `dict`, use a `NamedTuple` "
                "instead). If you absolutely need this and know the side effects, pass strict=False to trace() to "
                "allow this behavior."
            )
        for item in value.values() if isinstance(value, dict) else value:
            yield from _outputs(item, strict)
    else:
        raise RuntimeError(
            "Only tensors, lists, tuples of tensors, or dictionary of tensors can be output from traced functions"
        )


def _run(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], strict: bool, traced: bool
) -> Any:
    _tracing.depth += traced
    try:
        return list(_outputs(function(*args, **kwargs), strict))
    finally:
        _tracing.depth -= traced


def _check(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any], strict: bool, tolerance: float) -> None:
    """Warn where the function gives other numbers on the same input."""
    with no_grad():
        _run(function, args, kwargs, strict, True)
        runs = [_run(function, args, kwargs, strict, False) for _ in range(2)]
    for number, (first, second) in enumerate(zip(*runs, strict=True), 1):
        a, b = first.detach(), second.detach()
        if a.shape != b.shape or not np.allclose(
            a.double().numpy() if a.dtype.is_floating_point else a.numpy(),
            b.double().numpy() if b.dtype.is_floating_point else b.numpy(),
            rtol=tolerance,
            atol=tolerance,
            equal_nan=True,
        ):
            warnings.warn(
                f"Output nr {number}. of the traced function does not match the corresponding output of the Python "
                "function: two runs on the same input differ. Did you forget to call .eval() on your model? This may "
                "cause errors in trace checking. To disable trace checking, pass check_trace=False to "
                "torch.jit.trace()",
                category=TracerWarning,
                stacklevel=4,
            )


def _examples(inputs: Any) -> tuple[Any, ...]:
    return (inputs,) if isinstance(inputs, (Variable, dict)) else tuple(inputs)


def _trace_one(
    function: Any, inputs: Any, keywords: Any, check: bool, check_inputs: Any, tolerance: float, strict: bool
) -> None:
    args, kwargs = ((), dict(keywords)) if keywords is not None else (_examples(inputs), {})
    _run(function, args, kwargs, strict, True)
    if check:
        if check_inputs is None:
            _check(function, args, kwargs, strict, tolerance)
        for more in check_inputs or ():
            _check(function, *((), dict(more)) if keywords is not None else (_examples(more), {}), strict, tolerance)


def trace(
    func: Any,
    example_inputs: Any = None,
    optimize: Any = None,
    check_trace: bool = True,
    check_inputs: Any = None,
    check_tolerance: float = 1e-5,
    strict: bool = True,
    _force_outplace: bool = False,
    _module_class: Any = None,
    _compilation_unit: Any = None,
    example_kwarg_inputs: dict[str, Any] | None = None,
    _store_inputs: bool = True,
) -> Any:
    """The function or module itself, run on example inputs as PyTorch does to trace it, and checked.

    Nothing is recorded, so what depends on the input goes on doing so. `is_tracing` is True while it is run.

    Args:
        func: a function or a module.
        example_inputs: a tensor or a tuple of arguments.
        check_trace: whether to run it on the same input again; where the numbers differ by more than `check_tolerance`,
            a `TracerWarning` says so.
        check_inputs: other inputs to run it on for this, a list of tuples.
        strict: whether lists and dicts in the result raise RuntimeError.
        example_kwarg_inputs: arguments by name, in place of `example_inputs`.

    RuntimeError where the result is no tensor, and for what can't be called.

    >>> import warnings
    >>> import rushlight as torch
    >>> layer = torch.nn.Linear(2, 1)
    >>> with warnings.catch_warnings(action="ignore"):
    ...     torch.jit.trace(layer, torch.ones(1, 2)) is layer
    True

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.jit.trace.html
    """
    if not callable(func):
        raise RuntimeError("Could not get name of python class object")
    warn_once("torch.jit.trace")
    _trace_one(func, example_inputs, example_kwarg_inputs, check_trace, check_inputs, check_tolerance, strict)
    owner = getattr(func, "__self__", None)
    return passed(owner if isinstance(owner, Module) and func == owner.forward else func, traced=True)


def trace_module(
    mod: Any,
    inputs: dict[str, Any],
    optimize: Any = None,
    check_trace: bool = True,
    check_inputs: Any = None,
    check_tolerance: float = 1e-5,
    strict: bool = True,
    _force_outplace: bool = False,
    _module_class: Any = None,
    _compilation_unit: Any = None,
    example_inputs_is_kwarg: bool = False,
    _store_inputs: bool = True,
) -> Any:
    """The module itself, each method that `inputs` names run on its example inputs; `trace` says how.

    AttributeError for what is no module, no dict, or a method that isn't there.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.jit.trace_module.html
    """
    if not isinstance(mod, Module):
        raise AttributeError("expected torch.nn.Module as the first argument")
    if not isinstance(inputs, dict):
        raise AttributeError("expected a dictionary of (method_name, input) pairs")
    warn_once("torch.jit.trace_module")
    for name, example in inputs.items():
        method = mod if name == "forward" else getattr(mod, name)
        more = None if check_inputs is None else [one[name] for one in check_inputs]
        keywords = example if example_inputs_is_kwarg else None
        _trace_one(method, example, keywords, check_trace, more, check_tolerance, strict)
    return passed(mod, traced=True)
