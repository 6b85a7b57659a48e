"""What `gradcheck` asks of forward mode and of `vmap`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from rushlight.autograd.engine import grad
from rushlight.autograd.gradcheck import GradcheckError
from rushlight.autograd.transforms import elements
from rushlight.autograd.variable import wrap
from rushlight.func._forward import jvp
from rushlight.func._vmap import vmap
from rushlight.ops.joining import stack
from rushlight.tensor import Tensor

__all__ = ["check_batched", "check_forward"]


def _floating(results: Any) -> tuple[Any, ...]:
    several = results if isinstance(results, tuple | list) else (results,)
    return tuple(r for r in several if isinstance(r, Tensor) and (r.is_floating_point() or r.is_complex()))


def check_forward(
    func: Callable[..., Any],
    inputs: tuple[Any, ...],
    numerical: list[Any],
    tolerance: tuple[float, float],
    batched: bool,
) -> None:
    """GradcheckError where a tangent isn't the finite difference, or a batch of tangents not what each of them is."""
    atol, rtol = tolerance
    moving = [i for i, v in enumerate(inputs) if isinstance(v, Tensor) and v.requires_grad]
    for number, place in enumerate(moving):
        primal = inputs[place].detach().requires_grad_()

        def at(value: Any, place: int = place) -> tuple[Any, ...]:
            return _floating(func(*inputs[:place], value, *inputs[place + 1 :]))

        def push(direction: Any, at: Any = at, primal: Any = primal) -> tuple[Any, ...]:
            return tuple(jvp(at, (primal,), (direction,))[1])

        units = (1.0, 1j) if primal.is_complex() else (1.0,)
        directions = []
        for element, index in enumerate(np.ndindex(tuple(primal.shape))):
            for part, unit in enumerate(units):
                one = np.zeros(tuple(primal.shape), primal._array.dtype)
                one[index] = unit
                directions.append(wrap(one))
                for k, tangent in enumerate(push(directions[-1])):
                    expected = numerical[number][k][element]
                    expected = expected[part] if len(units) > 1 else expected
                    found = elements(tangent.detach())
                    if not np.allclose(found, expected, rtol=rtol, atol=atol):
                        raise GradcheckError(
                            f"Jacobian computed with forward mode mismatch for output {k} with respect to input "
                            f"{number},\nnumerical:{expected}\nanalytical:{found}\n"
                        )
        if batched and directions:
            whole = vmap(push)(stack(directions))
            for k, rows in enumerate(zip(*[push(d) for d in directions], strict=True)):
                if not np.allclose(elements(whole[k].detach()), elements(stack(rows).detach())):
                    raise GradcheckError(
                        "While computing batched forward gradients, got a different tangent of "
                        f"output {k} with respect "
                        f"to input {number} than without vmap"
                    )


def check_batched(out: Any, inputs: list[Any]) -> None:
    """GradcheckError where gradients of a batch of cotangents differ from those of each."""
    random = np.random.default_rng(0)
    array = elements(out.detach())
    weights = [wrap(random.standard_normal(array.shape).astype(array.dtype)) for _ in range(2)]
    rows = [grad(out, inputs, w, retain_graph=True, allow_unused=True) for w in weights]
    both = grad(out, inputs, stack(weights), retain_graph=True, allow_unused=True, is_grads_batched=True)
    for i, (found, one, other) in enumerate(zip(both, *rows, strict=True)):
        if found is not None and not np.allclose(elements(found), elements(stack((one, other)))):
            raise GradcheckError(
                "gradcheck or gradgradcheck failed while testing batched gradient computation: that of input "
                f"{i} differs from the gradients without vmap"
            )
