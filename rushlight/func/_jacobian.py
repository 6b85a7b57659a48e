"""Jacobians and Hessians: products with all unit vectors at once.

Source: https://docs.pytorch.org/docs/2.13/func.api.html
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

from rushlight.func._forward import jvp_of
from rushlight.func._reverse import check_outputs, replaced_at, sliced, vjp_of
from rushlight.func._vmap import vmap
from rushlight.func._wrapped import Wrapped
from rushlight.ops.creation import zeros
from rushlight.ops.joining import cat
from rushlight.ops.sequences import eye
from rushlight.ops.splitting import split_with_sizes
from rushlight.tensor import Tensor
from rushlight.utils._pytree import tree_flatten, tree_leaves, tree_map, tree_unflatten

__all__ = ["debug_unwrap", "functionalize", "hessian", "jacfwd", "jacrev", "unit_vectors"]

F = TypeVar("F", bound=Callable[..., Any])


def _named_as(func: Any) -> Callable[[F], F]:
    """Decorate a function as another one's transform."""
    return functools.wraps(func) if hasattr(func, "__name__") else lambda wrapper: wrapper  # type: ignore[return-value]


Argnums = int | tuple[int, ...]


def unit_vectors(like: list[Any]) -> list[Any]:
    """For tensors of n elements together, n directions: each moves one element by one."""
    counts = [t.numel() for t in like]
    total = sum(counts)
    blocks = []
    begin = 0
    for t, count in zip(like, counts, strict=True):
        own = eye(count, dtype=t.dtype)
        if len(like) > 1:
            above = zeros(begin, count, dtype=t.dtype)
            own = cat([above, own, zeros(total - begin - count, count, dtype=t.dtype)])
        blocks.append(own.reshape(total, *t.shape))
        begin += count
    return blocks


def refuse_complex(api: str, values: Any, what: str) -> None:
    """RuntimeError for a complex tensor among inputs or outputs."""
    for i, leaf in enumerate(tree_leaves(values)):
        if isinstance(leaf, Tensor) and leaf.is_complex():
            raise RuntimeError(
                f"{api}: Expected all {what} to be real but received complex tensor at flattened input idx: {i}"
            )


def jacrev(
    func: Callable[..., Any],
    argnums: Argnums = 0,
    *,
    has_aux: bool = False,
    chunk_size: int | None = None,
    _preallocate_and_copy: bool = False,
) -> Callable[..., Any]:
    """A function that computes the Jacobian of `func` for the arguments at `argnums`, row by row in reverse mode.

    For an output of shape O and an input of shape I it has the shape O + I; outputs and inputs may be nested, and then
    so are the Jacobians: by output first. `chunk_size` rows are computed at a time. With `has_aux`, func returns
    `(output, aux)`, and the new function `(jacobian, aux)`. RuntimeError for complex tensors.

    >>> import rushlight as torch
    >>> torch.func.jacrev(torch.square)(torch.tensor([1.0, 2.0]))
    tensor([[2., 0.],
            [0., 4.]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.func.jacrev.html
    """
    if not (chunk_size is None or chunk_size > 0):
        raise ValueError("jacrev: `chunk_size` should be greater than 0.")

    @_named_as(func)
    def wrapper(*args: Any) -> Any:
        refuse_complex("jacrev", args, "inputs")
        found = vjp_of(func, args, argnums, has_aux)
        out, vjp_fn = found[:2]
        refuse_complex("jacrev", out, "outputs")
        flat, spec = tree_flatten(out)
        inputs = sliced(args, argnums)
        flat_inputs, inputs_spec = tree_flatten(inputs[0] if isinstance(argnums, int) else inputs)
        counts = [t.numel() for t in flat]
        rows = vmap(lambda *basis: tree_leaves(vjp_fn(tree_unflatten(basis, spec))), chunk_size=chunk_size)
        columns = rows(*unit_vectors(flat)) if sum(counts) else [t.new_zeros((0, *t.shape)) for t in flat_inputs]
        blocks = [
            tree_unflatten(
                [part.reshape((*y.shape, *x.shape)) for part, x in zip(parts, flat_inputs, strict=True)], inputs_spec
            )
            for y, parts in zip(flat, zip(*[split_with_sizes(c, counts, 0) for c in columns], strict=True), strict=True)
        ]
        jacobian = tree_unflatten(blocks, spec)
        return (jacobian, found[2]) if has_aux else jacobian

    return wrapper


def jacfwd(
    func: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False, *, randomness: str = "error"
) -> Callable[..., Any]:
    """A function that computes the Jacobian of `func` for the arguments at `argnums`, column by column in forward mode.

    Shapes, structures and `has_aux` as for `jacrev`; `randomness` as for `vmap`.

    >>> import rushlight as torch
    >>> torch.func.jacfwd(torch.square)(torch.tensor([1.0, 2.0]))
    tensor([[2., 0.],
            [0., 4.]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.func.jacfwd.html
    """

    @_named_as(func)
    def wrapper(*args: Any) -> Any:
        refuse_complex("jacfwd", args, "inputs")
        inputs = sliced(args, argnums)
        moving = inputs[0] if isinstance(argnums, int) else inputs
        flat, spec = tree_flatten(moving)
        counts = [t.numel() for t in flat]
        kept: dict[str, Any] = {}

        def place(duals: Any) -> tuple[Any, ...]:
            return replaced_at(args, argnums, (duals,) if isinstance(argnums, int) else duals)

        def push(*basis: Any) -> Any:
            found = jvp_of(func, args, moving, tree_unflatten(basis, spec), place, False, has_aux)
            check_outputs(found[0], "jacfwd(f, *primals)")
            kept["out"] = found[0]
            return (tree_leaves(found[1]), *found[2:])

        def first(aux: Any) -> Any:
            """What every direction gave alike."""
            return aux[0] if isinstance(aux, Tensor) else aux

        found = vmap(push, randomness=randomness)(*unit_vectors(flat))
        refuse_complex("jacfwd", kept["out"], "outputs")
        rows, out_spec = found[0], tree_flatten(kept["out"])[1]
        blocks = [
            tree_unflatten(
                [
                    part.movedim(0, -1).reshape((*row.shape[1:], *x.shape))
                    for part, x in zip(split_with_sizes(row, counts, 0), flat, strict=True)
                ],
                spec,
            )
            for row in rows
        ]  # fmt: skip
        jacobian = tree_unflatten(blocks, out_spec)
        return (jacobian, tree_map(first, found[1])) if has_aux else jacobian

    return wrapper


def hessian(func: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., Any]:
    """A function that computes the Hessian of `func`: the forward-mode Jacobian of the reverse-mode one.

    For a result `(*)` and an argument `(n,)` it gives `(*, n, n)`. Raises what `jacfwd` and `jacrev` raise.

    >>> import rushlight as torch
    >>> torch.func.hessian(lambda x: (x**3).sum())(torch.tensor([1.0, 2.0]))
    tensor([[ 6.,  0.],
            [ 0., 12.]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.func.hessian.html
    """
    return jacfwd(jacrev(func, argnums), argnums)


def functionalize(func: Callable[..., Any], *, remove: str = "mutations") -> Callable[..., Any]:
    """A function that computes what `func` does, for those who trace its operations without writes.

    Nothing traces here, so that there is nothing to take out: results and writes to the inputs are those of func.
    RuntimeError unless `remove` is "mutations" or "mutations_and_views".

    >>> import rushlight as torch
    >>> torch.func.functionalize(lambda x: x.clone().add_(1))(torch.zeros(2))
    tensor([1., 1.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.func.functionalize.html
    """
    if remove not in ("mutations", "mutations_and_views"):
        raise RuntimeError(
            f"functionalize(f, remove='mutations'): received invalid argument for remove={remove}. Valid options are: "
            "remove='mutations', remove='mutations_and_views'"
        )

    @_named_as(func)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return func(*args, **kwargs)

    return wrapper


def debug_unwrap(tensor: Tensor, *, recurse: bool = True) -> Tensor:
    """The value of a tensor inside a transform, of a batch all samples; of any other tensor itself.

    With `recurse`, all levels are taken off, else the highest.

    >>> import rushlight as torch
    >>> def f(x):
    ...     print(torch.func.debug_unwrap(x))
    ...     return x
    >>> _ = torch.vmap(f)(torch.arange(2))
    tensor([0, 1])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.func.debug_unwrap.html
    """
    while isinstance(tensor, Wrapped):
        tensor = tensor._value
        if not recurse:
            break
    return tensor
