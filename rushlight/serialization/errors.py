"""What goes wrong with checkpoint files."""

from __future__ import annotations

import pickle

__all__ = ["CorruptFileError", "EmptyFileError"]


class CorruptFileError(RuntimeError, pickle.UnpicklingError):
    """A file that is damaged, cut short or no checkpoint: the message names the file and what is wrong."""


class EmptyFileError(CorruptFileError, EOFError):
    """A file with nothing in it."""
