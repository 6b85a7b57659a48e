"""Forward mode as a function transform: `jvp` and `linearize`.

Source: https://docs.pytorch.org/docs/2.13/func.api.html
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rushlight.func._dual import DualLevel, dual
from rushlight.func._reverse import check_tensors, split_aux
from rushlight.ops.creation import zeros_like
from rushlight.tensor import Tensor
from rushlight.utils._pytree import tree_flatten, tree_map, tree_unflatten

__all__ = ["jvp", "linearize"]

_API = "jvp(f, primals, tangents)"


def jvp(func: Callable[..., Any], primals: Any, tangents: Any, *, strict: bool = False, has_aux: bool = False) -> Any:
    """`(func(*primals), J @ tangents)`: the output, and how it moves where the primals move along the tangents.

    `tangents` has the structure of `primals`, a tuple. With `strict`, an output that does not depend on the inputs
    raises RuntimeError; its tangent is zeros otherwise. With `has_aux`, func returns `(output, aux)`, and the result is
    `(output, tangent, aux)`.

    >>> import rushlight as torch
    >>> torch.func.jvp(torch.sin, (torch.zeros(1),), (torch.ones(1),))
    (tensor([0.]), tensor([1.]))

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.func.jvp.html
    """
    if not isinstance(primals, tuple):
        raise RuntimeError(f"{_API}: Expected primals to be a tuple. E.g. it should be valid to call f(*primals).")
    return jvp_of(func, primals, primals, tangents, lambda duals: duals, strict, has_aux)


def jvp_of(
    func: Callable[..., Any],
    primals: tuple[Any, ...],
    moving: Any,
    tangents: Any,
    arguments: Callable[[Any], tuple[Any, ...]],
    strict: bool,
    has_aux: bool,
) -> Any:
    """`jvp` where only `moving` of the primals do; `arguments` puts their dual numbers among the rest."""
    flat, spec = tree_flatten(moving)
    flat_tangents, tangents_spec = tree_flatten(tangents)
    if spec != tangents_spec:
        raise RuntimeError(
            f"{_API}: Expected primals and tangents to have the same python structure. For example, if primals is a "
            f"tuple of 3 tensors, tangents also must be. Got primals with structure {spec!r} and "
            "tangents with structure "
            f"{tangents_spec!r}"
        )
    check_tensors(moving, _API, "primals")
    check_tensors(tangents, _API, "tangents")
    for p, t in zip(flat, flat_tangents, strict=True):
        check_tangent(p, t)
    aux: Any = None
    with DualLevel(function=func) as level:
        duals = tree_unflatten([dual(level, p, t) for p, t in zip(flat, flat_tangents, strict=True)], spec)
        out = func(*arguments(duals))
        if has_aux:
            out, aux = split_aux(_API, out)
            aux = tree_map(lambda a: level.primal(a) if isinstance(a, Tensor) else a, aux)
        results, out_spec = tree_flatten(out)
        if not results:
            raise RuntimeError(f"{_API}: Expected f to be a function that has non-empty output (got output = {out})")
        values, moved = [], []
        for result in results:
            if not isinstance(result, Tensor):
                raise RuntimeError(
                    f"{_API}: expected f(*primals) to return only tensors, got unsupported type {type(result)}"
                )
            value, tangent = level.primal(result), level.tangent(result)
            if tangent is None:
                if strict:
                    raise RuntimeError(
                        "jvp(f, primals, tangents, strict=True): The output of f is independent of "
                        "the inputs. This is not "
                        "allowed with strict=True."
                    )
                tangent = zeros_like(value)
            values.append(value)
            moved.append(tangent)
    pair = tree_unflatten(values, out_spec), tree_unflatten(moved, out_spec)
    return (*pair, aux) if has_aux else pair


def check_tangent(primal: Tensor, tangent: Any) -> None:
    """RuntimeError unless a tangent has its primal's shape."""
    if tangent.shape != primal.shape:
        raise RuntimeError(
            f"Trying to set a forward gradient that has a different size than that of the original Tensor, this is not "
            f"supported. Tensor is of size {list(primal.shape)} while the given forward gradient is of size "
            f"{list(tangent.shape)}."
        )


def linearize(func: Callable[..., Any], *primals: Any) -> tuple[Any, Callable[..., Any]]:
    """`(func(*primals), jvp_fn)`, where `jvp_fn(*tangents)` is the linear map that approximates func at the primals.

    `jvp_fn` raises RuntimeError for tangents whose structure, shapes or dtypes are not those of the primals.

    >>> import rushlight as torch
    >>> out, jvp_fn = torch.func.linearize(torch.exp, torch.zeros(2))
    >>> jvp_fn(torch.ones(2))
    tensor([1., 1.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.func.linearize.html
    """
    kept = tree_map(lambda a: a.clone() if isinstance(a, Tensor) else a, primals)
    flat, spec = tree_flatten(primals)

    def jvp_fn(*tangents: Any) -> Any:
        given, given_spec = tree_flatten(tangents)
        if given_spec != spec:
            raise RuntimeError(f"Expected the tangents {given_spec!r} to have the same argspec as the primals {spec!r}")
        for i, (p, t) in enumerate(zip(flat, given, strict=True)):
            for what, wanted, got in (("shape", p.shape, t.shape), ("dtype", p.dtype, t.dtype)):
                if wanted != got:
                    raise RuntimeError(
                        f"tangent:{i} with {what} {got} in flattened pytree doesn't match the {what} {wanted} of the "
                        "corresponding primal."
                    )
        return jvp(func, kept, tangents)[1]

    return func(*primals), jvp_fn
