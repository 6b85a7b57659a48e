"""Runs one numeric function on torch and on rushlight over types, shapes and special values, and compares what comes
out."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import torch

import rushlight

Program = Callable[..., Any]

INF, NAN = float("inf"), float("nan")
VALUES = [
    -7.3,
    -3.0,
    -2.5,
    -1.5,
    -1.0,
    -0.5,
    -0.3,
    -0.0,
    0.0,
    0.2,
    0.5,
    0.7,
    1.0,
    1.5,
    2.0,
    2.5,
    3.0,
    7.0,
    NAN,
    INF,
    -INF,
    4e-3,
]
FLOATS = ("float32", "float64", "float16", "bfloat16")
TYPES = (*FLOATS, "int64", "int32", "uint8", "bool")
TOLERANCE = {
    "float64": 1e-12,
    "float32": 3e-6,
    "float16": 1.5e-3,
    "bfloat16": 1e-2,
    "complex64": 1e-5,
    "complex128": 1e-12,
}


def tensor(library: Any, values: Any, dtype: str) -> Any:
    """The values in a type, made the same way in both libraries."""
    array = np.array(values, dtype=np.float64)
    if dtype in ("int64", "int32", "uint8", "bool"):
        array = np.where(np.isfinite(array), array, 9.0)
        array = np.abs(array).astype(np.int64) if dtype in ("uint8", "bool") else array.astype(np.int64)
    return library.tensor(array).to(getattr(library, dtype))


def variants(library: Any, values: Sequence[float], dtype: str) -> dict[str, Any]:
    """One tensor a shape: a row, a matrix read along its columns, nothing, a single element."""
    row = tensor(library, values, dtype)
    grid = tensor(library, np.resize(np.array(values), (4, 6)), dtype)
    return {
        "row": row,
        "columns": grid.t(),
        "steps": grid[::2, 1::2],
        "empty": tensor(library, np.zeros((0, 3)), dtype),
        "single": row[3],
    }


def plain(result: Any) -> list[Any]:
    """A result as a list of (dtype, shape, float64 or int64 array), or of what else it is."""
    if isinstance(result, (tuple, list)):
        return [item for part in result for item in plain(part)]
    if not hasattr(result, "dtype"):
        return [result]
    value = result.detach()
    name = str(value.dtype).removeprefix("torch.")
    if name in FLOATS:
        value = value.to(torch.float64 if isinstance(value, torch.Tensor) else rushlight.float64)
    return [(name, tuple(result.shape), np.asarray(value.numpy()))]


def run(library: Any, program: Program, arguments: Sequence[Any]) -> Any:
    """The result, or the type of what was raised."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return plain(program(library, *arguments))
        except Exception as error:
            return type(error), str(error)


def compare(ours: Any, theirs: Any, label: str, tolerance: dict[str, float] = TOLERANCE) -> None:
    """Assert that two outcomes agree in type, shape and value, or in the kind of error."""
    if isinstance(theirs, tuple):
        assert isinstance(ours, tuple), f"{label}: torch raises {theirs}, rushlight gives {ours}"
        assert issubclass(ours[0], theirs[0]) or issubclass(theirs[0], ours[0]), f"{label}: {ours} for {theirs}"
        return
    assert not isinstance(ours, tuple), f"{label}: raises {ours}, torch gives {theirs}"
    assert len(ours) == len(theirs), label
    for a, b in zip(ours, theirs, strict=True):
        if not isinstance(b, tuple):
            assert a == b, label
            continue
        assert a[:2] == b[:2], f"{label}: {a[:2]} for {b[:2]}"
        limit = tolerance.get(b[0], 0)
        np.testing.assert_allclose(a[2], b[2], rtol=limit, atol=limit, err_msg=label)


def sweep(program: Program, types: Sequence[str] = TYPES, values: Sequence[float] = VALUES, **limits: float) -> None:
    """One tensor, all types, shapes and values."""
    for dtype in types:
        mine, yours = variants(rushlight, values, dtype), variants(torch, values, dtype)
        for shape in mine:
            label = f"{dtype} {shape}"
            compare(
                run(rushlight, program, [mine[shape]]),
                run(torch, program, [yours[shape]]),
                label,
                {**TOLERANCE, **limits},
            )


def sweep_pairs(
    program: Program, types: Sequence[str] = TYPES, values: Sequence[float] = VALUES, **limits: float
) -> None:
    """Two tensors: all values against all (by broadcasting), types alike and mixed, one empty, one without
    dimensions."""
    for first, second in [
        *((t, t) for t in types),
        *pairwise(types),
        *((b, a) for a, b in pairwise(types)),
    ]:
        made = []
        for library in (rushlight, torch):
            column = tensor(library, np.array(values)[:, None], first)
            row = tensor(library, values, second)
            empty = tensor(library, np.zeros((0, 1)), first)
            outcomes = [
                run(library, program, pair) for pair in ((column, row), (empty, row), (row, row[2]), (row[3], row))
            ]
            made.append(outcomes)
        for ours, theirs in zip(*made, strict=True):
            compare(ours, theirs, f"{first} {second}", {**TOLERANCE, **limits})
