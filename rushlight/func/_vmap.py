"""`vmap`: a function of one sample as a function of a batch.

Source: https://docs.pytorch.org/docs/2.13/func.api.html
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from rushlight.func._batch import BatchLevel, batched
from rushlight.ops.joining import cat
from rushlight.ops.splitting import tensor_split
from rushlight.random import get_rng_state, set_rng_state
from rushlight.tensor import Tensor
from rushlight.utils._pytree import (
    TreeSpec,
    broadcast_and_flatten,
    tree_flatten,
    tree_leaves,
    tree_structure,
    tree_unflatten,
)

__all__ = ["vmap"]

Dims = int | tuple[Any, ...] | None


def vmap(
    func: Callable[..., Any],
    in_dims: Any = 0,
    out_dims: Any = 0,
    randomness: str = "error",
    *,
    chunk_size: int | None = None,
) -> Callable[..., Any]:
    """A function that maps `func` over a dimension of its inputs, as a loop over it and a stack of results would.

    `in_dims` says which dimension of each input is mapped over (None: the input is the same for all), as an int for all
    or nested like the inputs; `out_dims` where the dimension is in the outputs. `randomness` is "error", "different"
    (each sample draws its own numbers) or "same". `chunk_size` computes so many samples at a time. ValueError for
    inputs, dims or outputs that do not fit, RuntimeError for what depends on a sample's numbers: `.item()`, `if`.

    >>> import rushlight as torch
    >>> torch.vmap(torch.dot)(torch.ones(3, 2), torch.ones(3, 2))
    tensor([2., 2., 2.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.vmap.html
    """
    if randomness not in ("error", "different", "same"):
        raise RuntimeError(f"Only allowed values for randomness are 'error', 'different', or 'same'. Got {randomness}")
    if not (chunk_size is None or chunk_size > 0):
        raise ValueError(f"vmap: chunk_size should be None or greater than 0. (got {chunk_size})")

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        _check_out_dims(out_dims, func)
        size, dims, flat, spec = _inputs(in_dims, args, func)
        if chunk_size is None or chunk_size >= size:
            return _mapped(func, size, dims, flat, spec, out_dims, randomness, kwargs)
        cuts = list(range(chunk_size, size, chunk_size))
        pieces = [
            [a] * (len(cuts) + 1) if d is None else tensor_split(a, cuts, dim=d)
            for a, d in zip(flat, dims, strict=True)
        ]
        seed = get_rng_state() if randomness == "same" else None
        chunks = []
        for piece in zip(*pieces, strict=True):
            if seed is not None:
                set_rng_state(seed)
            length = next(a.shape[d] for a, d in zip(piece, dims, strict=True) if d is not None)
            chunks.append(_mapped(func, length, dims, list(piece), spec, out_dims, randomness, kwargs))
        return _joined(chunks, out_dims)

    functools.update_wrapper(wrapper, func) if hasattr(func, "__name__") else None
    return wrapper


def _mapped(
    func: Callable[..., Any],
    size: int,
    dims: list[int | None],
    flat: list[Any],
    spec: TreeSpec,
    out_dims: Any,
    randomness: str,
    kwargs: dict[str, Any],
) -> Any:
    with BatchLevel(size, randomness) as level:
        inputs = [a if d is None else batched(level, a.movedim(d, 0)) for a, d in zip(flat, dims, strict=True)]
        out = func(*tree_unflatten(inputs, spec), **kwargs)
        return _outputs(level, out, out_dims, func)


def _joined(chunks: list[Any], out_dims: Any) -> Any:
    spec = tree_structure(chunks[0])
    dims = _out_dims_of(chunks[0], spec, out_dims)
    columns = zip(*[tree_leaves(chunk) for chunk in chunks], strict=True)
    joined = [column[0] if d is None else cat(column, dim=d) for column, d in zip(columns, dims or [], strict=True)]
    return tree_unflatten(joined, spec)


def name_of(func: Any) -> str:
    """What messages call a function."""
    if hasattr(func, "__name__"):
        return str(func.__name__)
    if isinstance(func, functools.partial):
        return f"functools.partial({name_of(func.func)}, ...)"
    return repr(func)


def _check_out_dims(out_dims: Any, func: Any) -> None:
    for leaf in tree_leaves(out_dims):
        if leaf is not None and not isinstance(leaf, int):
            raise ValueError(
                f"vmap({name_of(func)}, ..., out_dims={out_dims}): `out_dims` must be an int, None or a python "
                "collection of ints representing where in the outputs the vmapped dimension should appear."
            )


def _inputs(in_dims: Any, args: tuple[Any, ...], func: Any) -> tuple[int, list[int | None], list[Any], TreeSpec]:
    """The size of the batch, and the inputs with the dimension of each that is mapped over."""
    where = f"vmap({name_of(func)}, in_dims={in_dims}, ...)(<inputs>)"
    if not isinstance(in_dims, int | tuple):
        raise ValueError(
            f"{where}: expected `in_dims` to be int or a (potentially nested) tuple matching the structure of inputs, "
            f"got: {type(in_dims)}."
        )
    if not args:
        raise ValueError(
            f"vmap({name_of(func)})(<inputs>): got no inputs. Maybe you forgot to add inputs, or you "
            "are trying to vmap "
            "over a function with no inputs. The latter is unsupported."
        )
    flat, spec = tree_flatten(args)
    dims = broadcast_and_flatten(in_dims, spec)
    if dims is None:
        raise ValueError(
            f"{where}: in_dims is not compatible with the structure of `inputs`. in_dims has structure "
            f"{tree_structure(in_dims)!r} but inputs has structure {spec!r}."
        )
    for i, (a, d) in enumerate(zip(flat, dims, strict=True)):
        if d is None:
            continue
        if not isinstance(d, int):
            raise ValueError(
                f"{where}: Got in_dim={d} for an input but in_dim must be either an integer dimension or None."
            )
        if not isinstance(a, Tensor):
            raise ValueError(
                f"{where}: Got in_dim={d} for an input but the input is of type {type(a)}. We cannot vmap over "
                "non-Tensor arguments, please use None as the respective in_dim"
            )
        if not -a.dim() <= d < a.dim():
            raise ValueError(
                f"{where}: Got in_dim={d} for some input, but that input is a Tensor of dimensionality {a.dim()} so "
                f"expected in_dim to satisfy -{a.dim()} <= in_dim < {a.dim()}."
            )
        dims[i] = d % a.dim()
    sizes = [a.shape[d] for a, d in zip(flat, dims, strict=True) if d is not None]
    if not sizes:
        raise ValueError("vmap: Expected at least one Tensor to vmap over")
    if any(size != sizes[0] for size in sizes):
        raise ValueError(
            f"vmap: Expected all tensors to have the same size in the mapped dimension, got sizes {sizes} for the "
            "mapped dimension"
        )
    return sizes[0], dims, flat, spec


def _out_dims_of(out: Any, spec: TreeSpec, out_dims: Any) -> list[Any] | None:
    if isinstance(out, Tensor):
        if isinstance(out_dims, tuple) and len(out_dims) == 1:
            return list(out_dims)
        return [out_dims] if out_dims is None or isinstance(out_dims, int) else None
    return broadcast_and_flatten(out_dims, spec)


def _outputs(level: BatchLevel, out: Any, out_dims: Any, func: Any) -> Any:
    """The outputs with the batch as the dimension that `out_dims` says."""
    name = name_of(func)
    flat, spec = tree_flatten(out)
    dims = _out_dims_of(out, spec, out_dims)
    if dims is None:
        raise ValueError(
            f"vmap({name}, ..., out_dims={out_dims})(<inputs>): out_dims is not compatible with the structure of "
            f"`outputs`. out_dims has structure {tree_structure(out_dims)!r} but outputs has structure {spec!r}."
        )
    results = []
    for result, d in zip(flat, dims, strict=True):
        if d is None:
            if isinstance(result, Tensor) and result._level is level:
                raise ValueError(f"vmap({name}, ...): `{name}` can not return a BatchedTensor when out_dim is None")
            results.append(result)
            continue
        if not isinstance(result, Tensor):
            raise ValueError(
                f"vmap({name}, ...): `{name}` must only return Tensors, got type {type(result)}. Did you mean to set "
                "out_dims= to None for output?"
            )
        whole = level.whole(result)
        if not -whole.dim() <= d < whole.dim():
            raise IndexError(
                f"Dimension out of range (expected to be in range of [{-whole.dim()}, {whole.dim() - 1}], but got {d})"
            )
        results.append(whole.movedim(0, d))
    return tree_unflatten(results, spec)
