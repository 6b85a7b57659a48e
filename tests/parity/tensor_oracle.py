"""Runs one expression on torch and on rushlight and compares results, gradients, gradients of gradients and errors."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

import rushlight

Program = Callable[..., Any]


def arrays(shapes: Sequence[Any], seed: int = 0) -> list[np.ndarray]:
    """Seeded inputs: a shape gives float64, ("long", shape, high) indices, ("bool", shape) a mask, ("complex", "
    "shape) complex."""
    rng = np.random.default_rng(seed)
    made = []
    for shape in shapes:
        if shape and shape[0] == "long":
            made.append(rng.integers(0, shape[2], shape[1]))
        elif shape and shape[0] == "bool":
            made.append(rng.random(shape[1]) < 0.5)
        elif shape and shape[0] == "complex":
            made.append(rng.standard_normal(shape[1]) + 1j * rng.standard_normal(shape[1]))
        else:
            made.append(rng.standard_normal(shape))
    return made


def results_of(output: Any) -> list[Any]:
    return list(output) if isinstance(output, (tuple, list)) else [output]


def names(tensor: Any) -> str | None:
    return None if tensor.grad_fn is None else type(tensor.grad_fn).__name__


def steps(tensor: Any) -> list[int]:
    """The strides that matter: those of dimensions with more than one element."""
    return [step for step, length in zip(tensor.stride(), tensor.shape, strict=True) if length > 1]


def evaluate(library: Any, program: Program, inputs: Sequence[np.ndarray], differentiate: bool) -> dict[str, Any]:
    """What a library makes of a program: values, dtypes, strides, names, and both orders of gradients as arrays."""
    tensors = [library.tensor(array) for array in inputs]
    leaves = [t.requires_grad_() for t in tensors if differentiate and (t.is_floating_point() or t.is_complex())]
    outputs = results_of(program(library, *tensors))
    found: dict[str, Any] = {
        "values": [out.detach().numpy().copy() for out in outputs],
        "dtypes": [str(out.dtype) for out in outputs],
        "strides": [steps(out) for out in outputs],
        "names": [names(out) for out in outputs],
    }
    wanted = [out for out in outputs if out.requires_grad]
    if not leaves or not wanted:
        return found
    total = sum((square(out) * weights(library, out)).sum() for out in wanted)
    first = library.autograd.grad(total, leaves, create_graph=True, allow_unused=True)
    found["first"] = [None if g is None else g.detach().numpy().copy() for g in first]
    again = [g for g in first if g is not None and g.requires_grad]
    if again:
        total = sum((square(g) * weights(library, g)).sum() for g in again)
        second = library.autograd.grad(total, leaves, allow_unused=True)
        found["second"] = [None if g is None else g.detach().numpy().copy() for g in second]
    return found


def square(tensor: Any) -> Any:
    return tensor.real * tensor.real + 2 * tensor.imag * tensor.imag if tensor.is_complex() else tensor * tensor


def weights(library: Any, tensor: Any) -> Any:
    return library.tensor(np.cos(np.arange(int(np.prod(tensor.shape)))).reshape(tuple(tensor.shape)))


def same(program: Program, shapes: Sequence[Any], strides: bool = True, check_names: bool = True) -> None:
    """Assert that both libraries agree on all there is to a program."""
    for differentiate in (False, True):
        inputs = arrays(shapes)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            theirs = evaluate(torch, program, inputs, differentiate)
            ours = evaluate(rushlight, program, inputs, differentiate)
        assert ours["dtypes"] == theirs["dtypes"]
        if strides:
            assert ours["strides"] == theirs["strides"]
        if check_names:
            assert ours["names"] == theirs["names"]
        assert len(ours["values"]) == len(theirs["values"])
        for kind in ("values", "first", "second"):
            for a, b in zip(ours.get(kind, []), theirs.get(kind, []), strict=True):
                if a is None or b is None:
                    # What one library does not reach at all, the other may reach with zeros.
                    assert (a is None or not a.any()) and (b is None or not b.any()), kind
                else:
                    assert a.shape == b.shape, kind
                    np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-9, err_msg=kind)


def outcome(library: Any, program: Program, shapes: Sequence[Any]) -> tuple[str, str]:
    """The type and the text of what a program raises; its result if it raises nothing."""
    tensors = [library.tensor(array) for array in arrays(shapes)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            result = program(library, *tensors)
        except Exception as error:
            return type(error).__name__, re.sub(r"\s+", " ", str(error).split("\n")[0]).strip()
    return "result", repr(result)
