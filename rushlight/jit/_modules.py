"""What passed through `script` or `trace`: functions and modules that stay what they are, and are known again."""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable
from typing import Any, NoReturn, TypeVar

from rushlight.nn.modules.module import Module

__all__ = [
    "CompilationUnit", "Error", "RecursiveScriptModule", "ScriptFunction", "ScriptModule", "ScriptWarning",
    "TopLevelTracedModule", "load", "save", "script_method",
]  # fmt: skip

F = TypeVar("F", bound=Callable[..., Any])

_scripted: weakref.WeakSet[Any] = weakref.WeakSet()
_traced: weakref.WeakSet[Any] = weakref.WeakSet()


def passed(thing: Any, traced: bool = False) -> Any:
    """The function or module, noted as one that passed through `script` or `trace`."""
    try:
        (_traced if traced else _scripted).add(thing)
    except TypeError:
        # A method or an object of C can't be noted; it is called all the same.
        return thing
    return thing


class Error(RuntimeError):
    """An error in compiled code, of which there is none."""


class ScriptWarning(Warning):
    """A warning about code that can't be compiled."""


class _Known(type):
    """A class whose instances are also the modules that passed through `script` or `trace`."""

    def __instancecheck__(cls, instance: Any) -> bool:
        if super().__instancecheck__(instance):
            return True
        if not isinstance(instance, Module):
            return False
        name = cls.__name__
        return (name != "TopLevelTracedModule" and instance in _scripted) or (
            name != "RecursiveScriptModule" and instance in _traced
        )


class ScriptModule(Module, metaclass=_Known):
    """A module written for TorchScript, which runs as Python; modules from `script` and `trace` count as such.

    >>> import warnings
    >>> import rushlight as torch
    >>> with warnings.catch_warnings(action="ignore"):
    ...     isinstance(torch.jit.script(torch.nn.ReLU()), torch.jit.ScriptModule)
    True

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.jit.ScriptModule.html
    """

    def save(self, f: Any, **kwargs: Any) -> NoReturn:
        """Raises RuntimeError, as `torch.jit.save` does."""
        save(self, f)


class RecursiveScriptModule(ScriptModule):
    """What `script` makes of a module in PyTorch; here the modules that passed through it are its instances."""


class TopLevelTracedModule(ScriptModule):
    """What `trace` makes of a module in PyTorch; here the modules that passed through it are its instances."""


class _KnownFunction(type):
    def __instancecheck__(cls, instance: Any) -> bool:
        if isinstance(instance, Module):
            return False
        try:
            return instance in _scripted or instance in _traced
        except TypeError:
            return False


class ScriptFunction(metaclass=_KnownFunction):
    """What `script` and `trace` make of a function in PyTorch; here the functions that passed are its instances.

    >>> import rushlight as torch
    >>> import warnings
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")
    ...     isinstance(torch.jit.trace(torch.exp, torch.ones(1)), torch.jit.ScriptFunction)
    True

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.jit.ScriptFunction.html
    """


class CompilationUnit:
    """Source of TorchScript to compile: RuntimeError for any, since the language isn't Python and isn't run here.

    >>> import rushlight as torch
    >>> unit = torch.jit.CompilationUnit()

    Source: https://docs.pytorch.org/docs/2.13/jit.html
    """

    def __init__(self, lang: str | None = None, _frames_up: int = 0) -> None:
        if lang:
            raise RuntimeError("Rushlight doesn't compile TorchScript source: write the function in Python and call it")


def script_method(fn: F) -> F:
    """The method, which runs as Python."""
    return fn


def save(m: Any, f: Any, _extra_files: dict[str, bytes] | None = None) -> NoReturn:
    """Raises RuntimeError: a TorchScript archive holds compiled code, and nothing is compiled here.

    Save the module's state with `torch.save(module.state_dict(), path)`; to load it, build the module from its class.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.jit.save.html
    """
    if not isinstance(m, Module) and not isinstance(m, ScriptFunction):
        raise AttributeError(f"'{type(m).__name__}' object has no attribute 'save'")
    raise RuntimeError(
        "Rushlight can't write a TorchScript archive, since it compiles nothing: save the weights with "
        "torch.save(module.state_dict(), path), or the whole module with torch.save(module, path)"
    )


def load(f: Any, map_location: Any = None, _extra_files: Any = None, _restore_shapes: bool = False) -> NoReturn:
    """Raises RuntimeError: a TorchScript archive holds code in a language of its own, which isn't run here.

    ValueError where there is no such file.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.jit.load.html
    """
    if isinstance(f, (str, os.PathLike)):
        if not os.path.exists(f):
            raise ValueError(f"The provided filename {f} does not exist")
        if os.path.isdir(f):
            raise ValueError(f"The provided filename {f} is a directory")
    elif not hasattr(f, "read"):
        raise AttributeError(f"'{type(f).__name__}' object has no attribute 'read'")
    raise RuntimeError(
        "Rushlight doesn't run TorchScript: build the module from its Python class and give it the weights with "
        "load_state_dict; a file of weights that torch.save wrote is read by torch.load"
    )
