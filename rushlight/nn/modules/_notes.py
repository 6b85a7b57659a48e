"""The note on an exception that leaves a forward: which module of the model it was, and what it was called with.

Every module that the exception passes on its way out puts its child's name in front of the path, so that the one note
in the end names the innermost module by its path from the outermost. Nothing is done unless something was raised.
"""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

from rushlight.tensor import Tensor

if TYPE_CHECKING:
    from rushlight.nn.modules.module import Module

__all__ = ["note_module"]


class _ModuleNote(str):
    """The note's text, and what is needed to lengthen it. It is pickled as a plain string."""

    kind: str
    path: str
    inputs: str
    outermost: weakref.ref[Module]

    @classmethod
    def make(cls, module: Module, kind: str, path: str, inputs: str) -> _ModuleNote:
        where = f"{path} ({kind})" if path else kind
        note = cls(f"in {where}, called with {inputs}")
        note.kind, note.path, note.inputs = kind, path, inputs
        note.outermost = weakref.ref(module)
        return note

    def __reduce__(self) -> tuple[Any, ...]:
        return str, (str(self),)


def note_module(module: Module, error: BaseException, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Say on `error`, which is leaving a call of `module`, where in the model it happened."""
    try:
        _note(module, error, args, kwargs)
    except Exception:
        # Whatever is wrong with the note (no stack left, say), the error itself must get out.
        return


def _note(module: Module, error: BaseException, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    notes = getattr(error, "__notes__", None)
    index = next((i for i, note in enumerate(notes or ()) if isinstance(note, _ModuleNote)), None)
    if notes is None or index is None:
        error.add_note(_ModuleNote.make(module, module._get_name(), "", _describe_inputs(args, kwargs)))
        return
    note = notes[index]
    inner = note.outermost()
    if inner is module:
        # The module called itself: the innermost call is the one to name.
        return
    path = next((name for name, part in module.named_modules() if part is inner), None)
    if path is not None:
        notes[index] = _ModuleNote.make(module, note.kind, f"{path}.{note.path}" if note.path else path, note.inputs)
    elif inner is None or any(part is module for part in inner.modules()):
        # The same exception object, raised again by another call: what it said before is over.
        notes[index] = _ModuleNote.make(module, module._get_name(), "", _describe_inputs(args, kwargs))
    else:
        where = f"{note.path} ({note.kind})" if note.path else note.kind
        kind = f"{module._get_name()}, which holds {where} without registering it"
        notes[index] = _ModuleNote.make(module, kind, "", note.inputs)


def _describe_inputs(args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    if not args and not kwargs:
        return "no inputs"
    described = [_describe(arg) for arg in args] + [f"{name}={_describe(arg)}" for name, arg in kwargs.items()]
    return f"input shapes [{', '.join(described)}]"


def _describe(value: Any) -> str:
    if isinstance(value, Tensor):
        return str(tuple(value.shape))
    if isinstance(value, (tuple, list)) and 0 < len(value) <= 8:
        return f"[{', '.join(_describe(item) for item in value)}]"
    return type(value).__name__
