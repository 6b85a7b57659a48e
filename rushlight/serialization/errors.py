"""What goes wrong with checkpoint files."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

__all__ = ["CorruptFileError", "EmptyFileError", "ProgramError", "outside"]


class CorruptFileError(RuntimeError, pickle.UnpicklingError):
    """A file that is damaged, cut short or no checkpoint: the message names the file and what is wrong."""


class EmptyFileError(CorruptFileError, EOFError):
    """A file with nothing in it."""


class ProgramError(Exception):
    """Carries an error of the program's own code past what is taken for damage of the file."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


def outside(function: Callable[..., Any], *args: Any) -> Any:
    """Call what the program gave, whose errors say nothing about the file."""
    try:
        return function(*args)
    except Exception as error:
        raise ProgramError(error) from None
