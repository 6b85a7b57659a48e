"""Runs one function or layer on torch and on rushlight: results, first and second gradients, graph names, errors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

import rushlight

TOLERANCE = {"float64": 1e-9, "float32": 2e-4, "float16": 4e-3, "bfloat16": 4e-2, "complex64": 1e-3, "complex128": 1e-9}
BOTH = (torch, rushlight)


def drawn(shapes: Sequence[Any], seed: int, dtype: str, rounded: bool = False) -> list[Any]:
    """For each shape an array whose values the dtype holds exactly; None stays None."""
    rng = np.random.default_rng(seed)

    def one(shape: Any) -> Any:
        if shape is None:
            return None
        values = rng.standard_normal(shape)
        values = np.round(values * 2) if rounded else np.round(values * 16) / 16
        return values + 1j * np.round(rng.standard_normal(shape) * 16) / 16 if dtype.startswith("complex") else values

    return [one(shape) for shape in shapes]


def tensor(library: Any, values: Any, dtype: str) -> Any:
    return library.tensor(values).to(getattr(library, dtype))


def plain(value: Any) -> np.ndarray:
    value = value.detach()
    if value.is_floating_point():
        value = value.to(torch.float64 if isinstance(value, torch.Tensor) else rushlight.float64)
    return np.asarray(value.numpy())


def close(found: Any, expected: Any, tolerance: float, what: str) -> None:
    assert str(found.dtype) == str(expected.dtype), what
    assert tuple(found.shape) == tuple(expected.shape), what
    wanted = plain(expected)
    scale = tolerance * max(1.0, float(np.abs(wanted[np.isfinite(wanted)]).max(initial=0)))
    np.testing.assert_allclose(plain(found), wanted, rtol=tolerance, atol=scale, err_msg=what)


def compare(
    call: Callable[..., Any],
    shapes: Sequence[Any],
    seed: int,
    dtype: str = "float64",
    rounded: bool = False,
    order: int = 2,
) -> None:
    """`call(library, *tensors)` on both: outputs, graph names, gradients in all tensors, gradients of those."""
    arrays = drawn(shapes, seed, dtype, rounded)
    results = []
    for library in BOTH:
        tensors = [a if a is None else tensor(library, a, dtype).requires_grad_() for a in arrays]
        out = call(library, *tensors)
        first = out[0] if isinstance(out, tuple) else out
        (weights,) = drawn([tuple(first.shape)], seed + 1, dtype)
        grad = tensor(library, weights, dtype).requires_grad_()
        leaves = [t for t in tensors if t is not None]
        grads = library.autograd.grad(first, leaves, grad, create_graph=order > 1)
        second: Any = ()
        if order > 1:
            seeds = drawn([tuple(g.shape) for g in grads], seed + 2, dtype)
            total = sum((g * tensor(library, s, dtype)).sum() for g, s in zip(grads, seeds, strict=True))
            second = library.autograd.grad(total, [*leaves, grad], allow_unused=True, materialize_grads=True)
        results.append((out if isinstance(out, tuple) else (out,), grads, second))
    tolerance = TOLERANCE[dtype]
    for what, expected, found in zip(("output", "gradient", "second gradient"), *results, strict=True):
        for i, (a, b) in enumerate(zip(expected, found, strict=True)):
            close(b, a, tolerance, f"seed {seed}: {what} {i}")
    if not dtype.startswith("complex"):  # torch puts a complex convolution together from real ones
        names = [type(out[0][0].grad_fn).__name__ for out in results]
        assert names[0] == names[1]


def same_error(call: Callable[[Any], Any], same_text: bool = True) -> None:
    """`call(library)` raises the same type on both, and the same text."""
    raised = []
    for library in BOTH:
        try:
            call(library)
        except Exception as error:
            raised.append(error)
    assert len(raised) == 2, raised
    assert type(raised[0]) is type(raised[1])
    if same_text:
        assert str(raised[0]) == str(raised[1])


def compare_layer(make: Callable[[Any], Any], shape: Sequence[int], seed: int, *args: Any) -> None:
    """A layer made under one seed: repr, parameters, output and parameter gradients."""
    (array,) = drawn([shape], seed, "float32")
    results = []
    for library in BOTH:
        library.manual_seed(seed)
        layer = make(library)
        x = tensor(library, array, "float32").requires_grad_()
        out = layer(x, *args)
        first = out[0] if isinstance(out, tuple) else out
        (first * first).sum().backward()
        results.append((layer, out if isinstance(out, tuple) else (out,), x.grad))
    (expected, expected_out, expected_grad), (found, found_out, found_grad) = results
    assert repr(found) == repr(expected)
    assert list(found.state_dict()) == list(expected.state_dict())
    for (name, a), (_, b) in zip(expected.named_parameters(), found.named_parameters(), strict=True):
        close(b, a, 1e-6, f"initial {name}")
        close(b.grad, a.grad, 1e-3, f"gradient of {name}")
    for a, b in zip(expected_out, found_out, strict=True):
        close(b, a, 2e-4, "output")
    close(found_grad, expected_grad, 1e-3, "gradient of the input")
