"""`script` and its decorators: functions and modules are handed back and run as Python."""

from __future__ import annotations

import builtins
import contextlib
import types
from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple, TypeVar, Union, get_args, get_origin

from rushlight.compiler import warn_once
from rushlight.futures import Future
from rushlight.jit._modules import ScriptModule, passed
from rushlight.nn.modules.module import Module

__all__ = [
    "Attribute", "Final", "annotate", "enable_onednn_fusion", "export", "export_opnames", "fork", "freeze", "fuser",
    "ignore", "interface", "is_scripting", "isinstance", "onednn_fusion_enabled", "optimize_for_inference",
    "optimized_execution", "run_frozen_optimizations", "script", "script_if_tracing", "set_fusion_strategy",
    "strict_fusion", "unused", "wait",
]  # fmt: skip

F = TypeVar("F", bound=Callable[..., Any])

_is = builtins.isinstance
_onednn = [False]
_strategy: list[tuple[str, int]] = [("STATIC", 2), ("DYNAMIC", 10)]


class Attribute(NamedTuple):
    """A value of a `ScriptModule` with the type that TorchScript is to give it."""

    value: Any
    type: Any


def script(
    obj: Any,
    optimize: Any = None,
    _frames_up: int = 0,
    _rcb: Any = None,
    example_inputs: Any = None,
) -> Any:
    """The function, module or class itself, which runs as Python and gives what it would compiled.

    Modules and functions count as a `ScriptModule` or `ScriptFunction` from then on. The first call warns. TypeError
    for a value of one of Python's own types.

    >>> import warnings
    >>> import rushlight as torch
    >>> layer = torch.nn.Linear(2, 1)
    >>> with warnings.catch_warnings(action="ignore"):
    ...     torch.jit.script(layer) is layer
    True

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.jit.script.html
    """
    if not _is(obj, Module) and not callable(obj) and type(obj).__module__ == "builtins":
        raise TypeError(f"{type(obj)} is a built-in class")
    warn_once("torch.jit.script")
    return obj if _is(obj, type) else passed(obj)


def script_if_tracing(fn: F) -> F:
    """The function, which PyTorch compiles when it is first called while tracing."""
    return fn


def ignore(drop: Any = False, **kwargs: Any) -> Any:
    """Decorate a method that TorchScript is to leave to Python, as all are; RuntimeError for another argument."""
    if callable(drop):
        return drop
    if not _is(drop, bool):
        raise RuntimeError(f"Argument to @torch.jit.ignore must be a bool or a function but got {drop}")
    return lambda fn: fn


def unused(fn: F) -> F:
    """The function or property, which PyTorch would not compile."""
    return fn


def export(fn: F) -> F:
    """The method, which PyTorch would compile beside `forward`."""
    return fn


def interface(obj: Any) -> Any:
    """The class, a list of methods that modules have; RuntimeError for what is no class."""
    if not _is(obj, type):
        raise RuntimeError("interface must be applied to a class")
    return obj


def annotate(the_type: Any, the_value: Any) -> Any:
    """The value, whose type TorchScript is told.

    >>> import rushlight as torch
    >>> torch.jit.annotate(int, 3)
    3

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.jit.annotate.html
    """
    return the_value


def isinstance(obj: Any, target_type: Any) -> bool:
    """Whether a value has a type, such as `list[int]` or `dict[str, Tensor]`, or one of a tuple of types.

    >>> import rushlight as torch
    >>> torch.jit.isinstance([1, 2], list[int]), torch.jit.isinstance(["a"], list[int])
    (True, False)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.jit.isinstance.html
    """
    if _is(target_type, tuple):
        return any(isinstance(obj, one) for one in target_type)
    origin, parts = get_origin(target_type), get_args(target_type)
    if origin in (Union, types.UnionType):
        return any(isinstance(obj, one) for one in parts)
    if target_type is None:
        return obj is None
    if origin is None:
        return _is(obj, target_type)
    if not _is(obj, origin):
        return False
    if origin is tuple:
        return len(obj) == len(parts) and all(isinstance(o, p) for o, p in zip(obj, parts, strict=True))
    if origin is dict:
        return all(isinstance(key, parts[0]) and isinstance(value, parts[1]) for key, value in obj.items())
    return all(isinstance(item, parts[0]) for item in obj)


def is_scripting() -> bool:
    """False: a function that asks is running as Python."""
    return False


def _check_scripted(mod: Any, what: str) -> None:
    if not _is(mod, ScriptModule):
        raise RuntimeError(
            f"{what} expects a ScriptModule as input. Please use torch.jit.script or torch.jit.trace to script your "
            "'nn.Module'."
        )


def freeze(mod: Any, preserved_attrs: list[str] | None = None, optimize_numerics: bool = True) -> Any:
    """The module from `script` or `trace` itself; RuntimeError for another, and for one in training mode."""
    _check_scripted(mod, "Freezing")
    if mod.training:
        raise RuntimeError(
            "Freezing is currently only implemented for modules in eval mode. Please call .eval() on your module "
            "before freezing."
        )
    return mod


def run_frozen_optimizations(mod: Any, optimize_numerics: bool = True, preserved_methods: Any = None) -> None:
    """Does nothing: a module runs as it is written."""


def optimize_for_inference(mod: Any, other_methods: list[str] | None = None) -> Any:
    """The module from `script` or `trace` itself; RuntimeError for another."""
    _check_scripted(mod, "optimize_for_inference")
    return mod


def fork(func: Any, *args: Any, **kwargs: Any) -> Future[Any]:
    """A future of `func(*args, **kwargs)`, which is called at once, as in PyTorch outside TorchScript.

    >>> import rushlight as torch
    >>> torch.jit.wait(torch.jit.fork(torch.add, torch.ones(1), 2))
    tensor([3.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.jit.fork.html
    """
    if not callable(func):
        raise TypeError(f"Object of type '{type(func).__name__}' is not an instance of 'function'")
    future: Future[Any] = Future()
    future.set_result(func(*args, **kwargs))
    return future


def wait(future: Any) -> Any:
    """The result of a future. Raises TypeError for what is none.

    >>> import rushlight as torch
    >>> torch.jit.wait(torch.jit.fork(torch.neg, torch.ones(1)))
    tensor([-1.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.jit.wait.html
    """
    if not _is(future, Future):
        raise TypeError(f"wait(): expected a torch.Future, got {type(future).__name__}")
    return future.wait()


def export_opnames(m: Any) -> list[str]:
    """Raises RuntimeError: the operations of a module are known to a compiler, and nothing is compiled here."""
    if not _is(m, ScriptModule):
        raise AttributeError(f"'{type(m).__name__}' object has no attribute '_c'")
    raise RuntimeError(
        "Rushlight compiles nothing and so knows no list of a module's operations: torch.profiler shows those that run"
    )


def set_fusion_strategy(strategy: list[tuple[str, int]]) -> list[tuple[str, int]]:
    """Choose how a compiler would specialise; returns the choice before."""
    before = list(_strategy)
    _strategy[:] = strategy
    return before


def onednn_fusion_enabled() -> bool:
    """What was given to `enable_onednn_fusion`."""
    return _onednn[0]


def enable_onednn_fusion(enabled: bool) -> None:
    """Choose whether a compiler would join operations for oneDNN."""
    _onednn[0] = bool(enabled)


class strict_fusion:
    """A block that a compiler would have to join into one operation."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, type: Any, value: Any, tb: Any) -> None:
        return None


@contextlib.contextmanager
def fuser(name: str) -> Iterator[None]:
    """A block with one of the compilers "fuser0" to "fuser3" or "none"; Exception for another name."""
    if name not in ("fuser0", "fuser1", "fuser2", "fuser3", "none"):
        raise Exception(f"unrecognized fuser option (name: {name})")
    yield


@contextlib.contextmanager
def optimized_execution(should_optimize: bool) -> Iterator[None]:
    """A block in which a compiler would optimise or not."""
    yield
