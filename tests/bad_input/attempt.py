"""Runs a row of the tables with a library that has PyTorch's names."""

from __future__ import annotations

import importlib
import io
import os
import pickle
import warnings
from typing import Any

import numpy as np

from tests.bad_input import networks, numbers, tensors, training

# (statements, the name of the exception, words of its message); "~" before the name: PyTorch has other words.
CASES = [case for part in (tensors, numbers, networks, training) for family in part.CASES.values() for case in family]


def names_of(library: str) -> dict[str, Any]:
    """What the statements may name, from one library."""
    torch = importlib.import_module(library)
    parts = {"nn": "nn", "F": "nn.functional", "optim": "optim", "data": "utils.data"}
    found = {name: importlib.import_module(f"{library}.{part}") for name, part in parts.items()}
    importlib.import_module(f"{library}.optim.lr_scheduler")
    return {"torch": torch, "np": np, "io": io, "os": os, "pickle": pickle, **found}


def attempt(library: str, statements: str) -> BaseException | None:
    """The exception that the statements raise, if they raise one; their warnings are not the point here."""
    names = names_of(library)
    names["torch"].manual_seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            exec(statements, names)
        except BaseException as error:
            return error
    return None


def is_a(error: BaseException | None, name: str) -> bool:
    """Whether an exception is of the type with this name, or of one below it."""
    return error is not None and name in [kind.__name__ for kind in type(error).__mro__]
