"""Sums of products over named dimensions: einsum, tensordot, Kronecker products, chains of matrices.

They are carried out as matrix products, in an order that can be chosen.
"""

from __future__ import annotations

import functools
import math
from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from rushlight import kernels
from rushlight.autograd.grad_mode import state
from rushlight.autograd.variable import Variable
from rushlight.ops._numeric import Array, check_tensor
from rushlight.ops._out import into
from rushlight.ops._quick import quickly
from rushlight.ops.matmul import bmm, dot, mm, product, quick_product

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

__all__ = ["einsum", "kron", "tensordot"]


def einsum(*args: Any) -> Tensor:
    """Products of the operands' elements, summed over the subscripts that the result leaves out.

    `einsum(equation, *operands)` with an equation such as `"bij,bjk->bik"`: a letter a dimension, `...` for any others,
    which broadcast. Without `->` the result has the ellipsis' dimensions, then, in alphabetical order, the letters that
    occur once. A letter twice in one operand is its diagonal. `einsum(operand, [0, 1], …, [1, 0])` names dimensions by
    numbers. One dtype. Raises RuntimeError where subscripts and dimensions do not fit.

    >>> import rushlight as torch
    >>> torch.einsum("ij,jk->ik", torch.ones(1, 3), torch.ones(3, 2))
    tensor([[3., 3.]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.einsum.html
    """
    if len(args) < 2:
        raise ValueError(
            "einsum(): must specify the equation string and at least one operand, or at least one operand and its "
            "subscripts list"
        )
    if len(args) == 3 and isinstance(args[0], str):
        result = _quick_pair(*args)
        if result is not None:
            return result
    if isinstance(args[0], str):
        operands: list[Any] = list(args[1:])
        if len(operands) == 1 and isinstance(operands[0], (list, tuple)):
            operands = list(operands[0])
        terms, output = _parse(args[0])
    else:
        operands = list(args[: len(args) // 2 * 2 : 2])
        terms = [list(subscripts) for subscripts in args[1::2]]
        output = list(args[-1]) if len(args) % 2 else None
    for i, operand in enumerate(operands):
        check_tensor("einsum", "operands", i + 2, operand)
    if len(terms) != len(operands):
        less = "fewer" if len(operands) < len(terms) else "more"
        raise RuntimeError(f"einsum(): {less} operands were provided than specified in the equation")
    return _contract_all(operands, *_resolved(operands, terms, output))


class _Arranged(NamedTuple):
    """How an array is brought before a product, or its result after it: None where it is so already."""

    order: list[int] | None
    shape: list[int] | None

    def of(self, array: Array) -> Array:
        if self.order is not None:
            array = array.transpose(self.order)
        return array if self.shape is None else array.reshape(self.shape)


def _arranged(names: Sequence[str], wanted: list[str], length: dict[str, int], shape: Sequence[int]) -> _Arranged:
    order = [names.index(name) for name in wanted]
    return _Arranged(
        None if order == list(range(len(order))) else order,
        None if [length[name] for name in wanted] == list(shape) else list(shape),
    )


def _quick_pair(equation: str, a: Any, b: Any) -> Any:
    """Two operands' product as one call of a kernel, its plan remembered; None where it takes more than that."""
    try:
        plan = _plan(equation, a._array.shape, b._array.shape)
    except (AttributeError, RuntimeError):
        return None
    return None if plan is None else quick_product(plan, a, b)


@functools.lru_cache(maxsize=512)
def _plan(equation: str, shape: tuple[int, ...], other: tuple[int, ...]) -> Callable[[Array, Array], Array] | None:
    """A function of two arrays; None for an ellipsis, diagonals, sums over one operand, and what does not fit."""
    terms, output = _parse(equation)
    if len(terms) != 2 or any(Ellipsis in term or len(set(term)) < len(term) for term in (*terms, output or [])):
        return None
    names, others = terms
    if len(names) != len(shape) or len(others) != len(other):
        return None
    length = dict(zip(others, other, strict=True)) | dict(zip(names, shape, strict=True))
    if output is None:
        output = sorted(set(names) ^ set(others))
    both = [n for n in names if n in others]
    batch, inner = [n for n in both if n in output], [n for n in both if n not in output]
    rows, columns = [n for n in names if n not in others], [n for n in others if n not in names]
    if [length[n] for n in others] != list(other) or set(output) != {*batch, *rows, *columns}:
        return None
    b, i, r, c = (math.prod(length[n] for n in group) for group in (batch, inner, rows, columns))
    stack = [b] if batch else []
    result = batch + rows + columns
    made = [length[n] for n in result]
    after = _Arranged(None, None if made == [*stack, r, c] else made)
    order = [result.index(n) for n in output]
    back = _Arranged(None if order == list(range(len(order))) else order, None)
    first, second = batch + rows + inner, batch + inner + columns
    if inner:
        left = _arranged(names, first, length, [*stack, r, i])
        right = _arranged(others, second, length, [*stack, i, c])
        return lambda x, y: back.of(after.of(kernels.gemm(left.of(x), right.of(y))))
    left = _arranged(names, first, length, [length[n] for n in batch + rows] + [1] * len(columns))
    right = _arranged(
        others, second, length, [length[n] for n in batch] + [1] * len(rows) + [length[n] for n in columns]
    )
    return lambda x, y: back.of(np.multiply(left.of(x), right.of(y)))


@functools.lru_cache(maxsize=256)
def _parse(equation: str) -> tuple[list[list[Any]], list[Any] | None]:
    """The subscripts of each operand and of the result, letters and Ellipsis."""
    left, arrow, right = equation.partition("->")
    terms, start = [], 0
    for term in left.split(","):
        terms.append(_subscripts(term, start))
        start += len(term) + 1
    return terms, _subscripts(right, len(left) + 2) if arrow else None


def _subscripts(term: str, start: int) -> list[Any]:
    found: list[Any] = []
    i = 0
    while i < len(term):
        letter = term[i]
        if term[i : i + 3] == "...":
            if Ellipsis in found:
                raise RuntimeError("einsum(): found '.' for which an ellipsis was already found")
            found.append(Ellipsis)
            i += 2
        elif letter == ".":
            raise RuntimeError("einsum(): found '.' that is not part of any ellipsis")
        elif letter.isascii() and letter.isalpha():
            found.append(letter)
        elif letter != " ":
            raise RuntimeError(
                f"einsum(): invalid subscript given at index {start + i} in the equation string, subscripts must be in "
                "[a-zA-Z]"
            )
        i += 1
    return found


def _resolved(
    operands: list[Any], terms: list[list[Any]], output: list[Any] | None
) -> tuple[list[list[Any]], list[Any], dict[Any, int]]:
    """Every operand's labels, one a dimension, those of the result, and the length of each label."""
    ranks = [
        tensor._array.ndim - (len(term) - (Ellipsis in term)) for tensor, term in zip(operands, terms, strict=True)
    ]
    for i, (tensor, term, rank) in enumerate(zip(operands, terms, ranks, strict=True)):
        if rank < 0 or (rank > 0 and Ellipsis not in term):
            count, ndim = len(term) - (Ellipsis in term), tensor._array.ndim
            rest = "is more than the number of" if Ellipsis in term else "does not match the number of"
            given = "" if Ellipsis in term else " and no ellipsis was given"
            raise RuntimeError(
                f"einsum(): the number of subscripts in the equation ({count}) {rest} dimensions ({ndim}) for operand "
                f"{i}{given}"
            )
    width = max(ranks, default=0)
    labels = [_expanded(term, rank, width) for term, rank in zip(terms, ranks, strict=True)]
    sizes: dict[Any, int] = {}
    for i, (tensor, names) in enumerate(zip(operands, labels, strict=True)):
        for name, size in zip(names, tensor._array.shape, strict=True):
            known = sizes.setdefault(name, size)
            if known == 1:
                sizes[name] = size
            elif size not in (1, known):
                raise RuntimeError(_size_error(name, size, known, i, names))
    if output is None:
        counts = Counter(name for names in labels for name in names)
        once = sorted(name for name in counts if counts[name] == 1 and not isinstance(name, tuple))
        return labels, [(Ellipsis, k) for k in range(width)] + once, sizes
    result = _expanded(output, width, width)
    for name in result:
        if result.count(name) > 1:
            raise RuntimeError(f"einsum(): output subscript {name} appears more than once in the output")
        if name not in sizes:
            raise RuntimeError(
                f"einsum(): output subscript {name} does not appear in the equation for any input operand"
            )
    return labels, result, sizes


def _size_error(name: Any, size: int, known: int, operand: int, names: list[Any]) -> str:
    if names.count(name) > 1:
        return (
            f"einsum(): subscript {name} is repeated for operand {operand} but the sizes don't match, {size} != {known}"
        )
    return (
        f"einsum(): subscript {name} has size {size} for operand {operand} which does not broadcast with previously "
        f"seen size {known}"
    )


def _expanded(term: list[Any], rank: int, width: int) -> list[Any]:
    """A term with the ellipsis spelt out: its dimensions are aligned at the right."""
    found: list[Any] = []
    for name in term:
        found += [(Ellipsis, width - rank + k) for k in range(rank)] if name is Ellipsis else [name]
    return found


def _contract_all(operands: list[Any], labels: list[list[Any]], output: list[Any], sizes: dict[Any, int]) -> Any:
    prepared = [_prepared(t, names, sizes) for t, names in zip(operands, labels, strict=True)]
    while len(prepared) > 1:
        i, j = _cheapest(prepared) if len(prepared) > 2 else (0, 1)
        other, others = prepared.pop(j)
        current, names = prepared.pop(i)
        later = {name for _, rest in prepared for name in rest}
        prepared.insert(i, _pair(current, names, other, others, later.union(output)))
    current, names = prepared[0]
    current, names = _summed(current, names, set(output))
    missing = [name for name in output if name not in names]
    for name in missing:
        # A length of one that every operand lost.
        current, names = current.unsqueeze(-1), [*names, name]
    order = [names.index(name) for name in output]
    return current if order == list(range(len(order))) else current.permute(order)


def _cheapest(prepared: list[tuple[Any, list[Any]]]) -> tuple[int, int]:
    """The two operands whose product takes the fewest multiplications; the first ones of equals."""
    sizes = [dict(zip(names, tensor._array.shape, strict=True)) for tensor, names in prepared]
    pairs = [(i, j) for i in range(len(prepared)) for j in range(i + 1, len(prepared))]
    return min(pairs, key=lambda pair: math.prod((sizes[pair[0]] | sizes[pair[1]]).values()))


def _prepared(tensor: Any, names: list[Any], sizes: dict[Any, int]) -> tuple[Any, list[Any]]:
    """Diagonals taken where a label repeats, and dimensions of length one dropped where others broadcast over them."""
    names = list(names)
    for name in list(dict.fromkeys(names)):
        while names.count(name) > 1:
            first = names.index(name)
            second = names.index(name, first + 1)
            a, b = tensor._array.shape[first], tensor._array.shape[second]
            if a != b:
                raise RuntimeError(
                    f"einsum(): subscript {name} is repeated for operand but the sizes don't match, {b} != {a}"
                )
            tensor = tensor.diagonal(0, first, second)
            names = [n for i, n in enumerate(names) if i not in (first, second)] + [name]
    for i in range(len(names) - 1, -1, -1):
        if tensor._array.shape[i] == 1 and sizes[names[i]] != 1:
            tensor = tensor.squeeze(i)
            del names[i]
    return tensor, names


def _summed(tensor: Any, names: list[Any], kept: set[Any]) -> tuple[Any, list[Any]]:
    dims = [i for i, name in enumerate(names) if name not in kept]
    return (tensor.sum(dims), [name for name in names if name in kept]) if dims else (tensor, names)


def _pair(a: Any, names: list[Any], b: Any, others: list[Any], kept: set[Any]) -> tuple[Any, list[Any]]:
    """Two operands made one, by a batched matrix product over the labels that nothing after needs."""
    a, names = _summed(a, names, kept.union(others))
    b, others = _summed(b, others, kept.union(names))
    batch = [n for n in names if n in others and n in kept]
    inner = [n for n in names if n in others and n not in kept]
    rows = [n for n in names if n not in others]
    columns = [n for n in others if n not in names]
    length = dict(zip(names, a._array.shape, strict=True)) | dict(zip(others, b._array.shape, strict=True))
    a = a.permute([names.index(n) for n in batch + rows + inner])
    b = b.permute([others.index(n) for n in batch + inner + columns])
    size = {
        key: math.prod(length[n] for n in group)
        for key, group in (("b", batch), ("i", inner), ("r", rows), ("c", columns))
    }
    result = batch + rows + columns
    shape = [length[n] for n in result]
    if not inner:
        a = a.reshape([length[n] for n in batch + rows] + [1] * len(columns))
        b = b.reshape([length[n] for n in batch] + [1] * len(rows) + [length[n] for n in columns])
        return a * b, result
    if not batch:
        return mm(a.reshape(size["r"], size["i"]), b.reshape(size["i"], size["c"])).reshape(shape), result
    out = bmm(a.reshape(size["b"], size["r"], size["i"]), b.reshape(size["b"], size["i"], size["c"]))
    return out.reshape(shape), result


def tensordot(
    a: Tensor, b: Tensor, dims: int | Sequence[Sequence[int]] | Tensor = 2, out: Tensor | None = None
) -> Tensor:
    """The products of `a` and `b` summed over the last `dims` dimensions of a and the first of b, or over two lists of
    dimensions.

    Raises RuntimeError for lists of different length and for lengths that do not match.

    >>> import rushlight as torch
    >>> torch.tensordot(torch.ones(2, 3), torch.ones(3, 2, 4), dims=([0, 1], [1, 0])).shape
    torch.Size([4])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.tensordot.html
    """
    check_tensor("tensordot", "a", 1, a)
    check_tensor("tensordot", "b", 2, b)
    if isinstance(dims, Variable):
        dims = dims.tolist()
    if isinstance(dims, int):
        if dims < 0:
            raise RuntimeError(f"tensordot expects dims >= 0, but got dims={dims}")
        if dims > min(a.ndim, b.ndim):
            raise RuntimeError(f"tensordot expects dims < ndim_a or ndim_b, but got dims={dims}")
        left, right = list(range(a.ndim - dims, a.ndim)), list(range(dims))
    else:
        pair: list[Any] = [given if isinstance(given, (list, tuple)) else [given] for given in dims]
        left, right = pair
    if len(left) != len(right):
        raise RuntimeError("both dimension lists should have same length")
    left, right = [d % a.ndim for d in left], [d % b.ndim for d in right]
    a, b = _of_one_length(a, b, left, right)
    lengths, others = a._array.shape, b._array.shape
    rows = [i for i in range(len(lengths)) if i not in left]
    columns = [j for j in range(len(others)) if j not in right]
    inner = math.prod([lengths[i] for i in left])
    shape = [lengths[i] for i in rows] + [others[j] for j in columns]
    above, below = math.prod([lengths[i] for i in rows]), math.prod([others[j] for j in columns])
    if state.casts is None:

        def formula(x: Array, y: Array) -> Any:
            one, other = x.transpose(rows + left).reshape(above, inner), y.transpose(right + columns)
            return product(one, other.reshape(inner, below)).reshape(shape)

        result = quickly(formula, a, b)
        if result is not None:
            return into(out, result)
    matrix_a = a.permute(rows + left).reshape(above, inner)
    matrix_b = b.permute(right + columns).reshape(inner, below)
    if len(matrix_a._array) == matrix_b._array.shape[1] == 1:
        # A single number is the product of two vectors, which autocast leaves as it is.
        return into(out, dot(matrix_a.view(-1), matrix_b.reshape(-1)).reshape(shape))
    return into(out, mm(matrix_a, matrix_b).reshape(shape))


def _of_one_length(a: Tensor, b: Tensor, left: list[int], right: list[int]) -> tuple[Tensor, Tensor]:
    """The tensors, summed where a dimension meets one of length 1; RuntimeError for lengths that differ otherwise."""
    for i, j in zip(left, right, strict=True):
        m, n = a._array.shape[i], b._array.shape[j]
        if m == 1:
            b = b.sum(j, keepdim=True, dtype=b.dtype)
        elif n == 1:
            a = a.sum(i, keepdim=True, dtype=a.dtype)
        elif m != n:
            raise RuntimeError(
                f"contracted dimensions need to match, but first has size {m} in dim {i} and second has size {n} in "
                f"dim {j}"
            )
    return a, b


def kron(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The Kronecker product: each element of `input` times the whole of `other`, dimensions aligned at the right.

    >>> import rushlight as torch
    >>> torch.kron(torch.tensor([1, 10]), torch.tensor([1, 2]))
    tensor([ 1,  2, 10, 20])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.kron.html
    """
    check_tensor("kron", "input", 1, input)
    check_tensor("kron", "other", 2, other)
    rank = max(input.ndim, other.ndim)
    a, b = ([1] * (rank - t._array.ndim) + list(t._array.shape) for t in (input, other))
    apart, beside = [n for size in a for n in (size, 1)], [n for size in b for n in (1, size)]
    shape = [m * n for m, n in zip(a, b, strict=True)]
    result = quickly(lambda x, y: kernels.multiply(x.reshape(apart), y.reshape(beside)).reshape(shape), input, other)
    if result is None:
        result = (input.reshape(apart) * other.reshape(beside)).reshape(shape)
    return into(out, result)
