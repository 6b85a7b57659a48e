"""Transforms, and all that can be observed of one, on torch and on rushlight alike."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.distributions.observations import array

TRANSFORMS: list[tuple[str, Callable[[Any, Any], Any], Any]] = [
    ("Abs", lambda D, x: D.AbsTransform(), [-1.0, 0.5]),
    ("Affine", lambda D, x: D.AffineTransform(x([1.0, 2.0]), x([-0.5, 3.0])), [[0.0, 1.0], [2.0, -1.0]]),
    ("Affine-numbers", lambda D, x: D.AffineTransform(1.0, -2.0), [0.0, 1.0]),
    ("Affine-zero", lambda D, x: D.AffineTransform(1, 2), [0.0, 1.0]),
    ("Affine-vectors", lambda D, x: D.AffineTransform(0.5, x([-0.5, 3.0]), event_dim=1), [[0.0, 1.0], [2.0, -1.0]]),
    ("Cat", lambda D, x: D.CatTransform([D.ExpTransform(), D.AffineTransform(1.0, 2.0)], 0, [1, 2]), [0.0, 1.0, 2.0]),
    ("Cat-columns", lambda D, x: D.CatTransform([D.ExpTransform(), D.SigmoidTransform()], -1, [2, 1]), [[0.0, 1.0, 2.0]]),
    ("Cat-events", lambda D, x: D.CatTransform([D.ExpTransform(), D.IndependentTransform(D.SigmoidTransform(), 1)], 0), [[0.0, 1.0], [2.0, -1.0]]),
    ("Cat-in-events", lambda D, x: D.CatTransform([D.IndependentTransform(D.ExpTransform(), 1), D.IndependentTransform(D.SigmoidTransform(), 1)], -1, [1, 2]), [[0.0, 1.0, 2.0]]),
    ("Compose", lambda D, x: D.ComposeTransform([D.AffineTransform(1.0, 2.0), D.ExpTransform(), D.PowerTransform(x(0.5))]), [0.0, -1.0]),
    ("Compose-vectors", lambda D, x: D.ComposeTransform([D.AffineTransform(0.0, x([1.0, 2.0])), D.StickBreakingTransform()]), [[0.0, -1.0]]),
    ("Compose-back", lambda D, x: D.ComposeTransform([D.StickBreakingTransform(), D.ExpTransform()]), [[0.0, -1.0]]),
    ("Compose-none", lambda D, x: D.ComposeTransform([]), [0.0, -1.0]),
    ("CorrCholesky", lambda D, x: D.CorrCholeskyTransform(), [[0.1, -0.5, 1.0], [0.0, 2.0, -3.0]]),
    ("Cdf", lambda D, x: D.CumulativeDistributionTransform(D.Normal(x([0.0, 1.0]), 2.0)), [0.5, -1.0]),
    ("Exp", lambda D, x: D.ExpTransform(), [0.0, -1.0]),
    ("Exp-inverse", lambda D, x: D.ExpTransform().inv, [0.5, 1.0]),
    ("Independent", lambda D, x: D.IndependentTransform(D.ExpTransform(), 1), [[0.5, 1.0], [2.0, 0.0]]),
    ("LowerCholesky", lambda D, x: D.LowerCholeskyTransform(), [[0.5, 1.0], [2.0, -1.0]]),
    ("PositiveDefinite", lambda D, x: D.PositiveDefiniteTransform(), [[0.5, 1.0], [2.0, -1.0]]),
    ("Power", lambda D, x: D.PowerTransform(x([2.0, -0.5])), [[0.5], [3.0]]),
    ("Power-number", lambda D, x: D.PowerTransform(2), [0.5, 3.0]),
    ("Reshape", lambda D, x: D.ReshapeTransform((2, 2), (4,)), np.arange(8.0).reshape(2, 2, 2)),
    ("Sigmoid", lambda D, x: D.SigmoidTransform(), [0.0, -1.0, 100.0]),
    ("Softmax", lambda D, x: D.SoftmaxTransform(), [[0.0, -1.0, 2.0]]),
    ("Softplus", lambda D, x: D.SoftplusTransform(), [0.0, -1.0, 30.0]),
    ("Stack", lambda D, x: D.StackTransform([D.ExpTransform(), D.SigmoidTransform()], 0), [[0.0, 1.0], [2.0, 3.0]]),
    ("Stack-columns", lambda D, x: D.StackTransform([D.ExpTransform(), D.SigmoidTransform()], -1), [[0.0, 1.0], [2.0, 3.0]]),
    ("StickBreaking", lambda D, x: D.StickBreakingTransform(), [[0.0, -1.0, 2.0], [1.0, 1.0, 1.0]]),
    ("Tanh", lambda D, x: D.TanhTransform(), [0.0, -1.0, 2.0]),
    ("registered-interval", lambda D, x: D.biject_to(D.constraints.interval(x(-1.0), x([1.0, 2.0]))), [0.0, -1.0]),
]  # fmt: skip


def seen_of_a_transform(library: Any, make: Any, values: Any) -> list[tuple[str, Any]]:
    """Results, inverses, Jacobians and their gradients, shapes, and what the transform says of itself."""
    leaves: list[Any] = []

    def x(values: Any) -> Any:
        leaves.append(library.tensor(np.asarray(values).tolist(), dtype=library.float64).requires_grad_())
        return leaves[-1]

    t = make(library.distributions, x)
    found: list[tuple[str, Any]] = []

    def note(label: str, what: Callable[[], Any]) -> Any:
        try:
            value = what()
        except (NotImplementedError, ValueError) as error:
            found.append((label, type(error).__name__))
            return None
        if not isinstance(value, library.Tensor):
            found.append((label, repr(value).replace("rushlight.", "torch.")))
            return value
        found.append((label, array(value)))
        if value.requires_grad and value.grad_fn is not None:
            for g in library.autograd.grad((value * value).sum(), leaves, allow_unused=True, retain_graph=True):
                found.append((f"{label} gradient", "None" if g is None else array(g)))
        return value

    argument = x(values)
    for name in ("domain", "codomain", "bijective", "sign", "event_dim"):
        note(name, lambda: getattr(t, name))
    note("repr", lambda: t)
    y = note("result", lambda: t(argument))
    plain = y.detach().requires_grad_()
    leaves.append(plain)
    note("inverse", lambda: t.inv(plain))
    note("jacobian", lambda: t.log_abs_det_jacobian(argument, plain))
    note("inverse's jacobian", lambda: t.inv.log_abs_det_jacobian(plain, argument))
    note("forward_shape", lambda: t.forward_shape(argument.shape))
    note("inverse_shape", lambda: t.inv.forward_shape(plain.shape))
    cached = t.with_cache()
    z = cached(argument)
    found.append(
        (
            "cached",
            (cached(argument) is z, cached.inv(z) is argument, cached._cache_size, cached.with_cache() is cached),
        )
    )
    found.append(("kept", (t.inv.inv is t, t == t.with_cache(0), t.inv == t.inv, t == t.inv, t != t)))
    return found  # fmt: skip
