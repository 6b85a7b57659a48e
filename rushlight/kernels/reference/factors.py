"""Factors of matrices that NumPy has no function for: triangular systems, LU, LDL, Cholesky up to where it fails.

Matrices are in the last two dimensions, stacks of them before; products of matrices go through `multiply`.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "cholesky_until", "ldl_factor", "ldl_solve", "lu_factor", "lu_solve", "permutation", "qr_factor",
    "solve_triangular", "triangle", "unit",
]  # fmt: skip

Array = NDArray[Any]
Multiply = Callable[[Array, Array], Array]

# Triangles of up to so many rows are solved at once, larger ones as two halves and a product.
_TRIANGLE = 64
# So many columns are factored before the rest is updated by a product.
_PANEL = 32


@functools.lru_cache(32)
def _mask(rows: int, columns: int, upper: bool, offset: int) -> Array:
    if upper:
        return np.tri(columns, rows, -offset, dtype=bool).T
    return np.tri(rows, columns, offset, dtype=bool)


def _stack(a: Array) -> Array:
    """All matrices in one dimension."""
    return a.reshape(math.prod(a.shape[:-2]), *a.shape[-2:])


def triangle(a: Array, upper: bool, offset: int = 0) -> Array:
    """The elements on one side of a diagonal, that included; zeros elsewhere."""
    rows, columns = a.shape[-2:]
    # Large masks are not kept.
    make = _mask if rows * columns <= 4096 else _mask.__wrapped__
    return np.where(make(rows, columns, upper, offset), a, a.dtype.type(0))


def solve_triangular(
    a: Array, b: Array, upper: bool, unitriangular: bool = False, multiply: Multiply = np.matmul
) -> Array:
    """X of A X = B, where A has only the elements of one triangle (`unitriangular`: and ones on the diagonal).

    a: (*, N, N), b: (*, N, K), broadcast. A zero on the diagonal gives infinities and NaNs, as dividing by it does.
    """
    n = a.shape[-1]
    if not n or not b.shape[-1]:
        return np.zeros((*np.broadcast_shapes(a.shape[:-2], b.shape[:-2]), n, b.shape[-1]), a.dtype)
    if n > _TRIANGLE:
        return _solve_halves(a, b, upper, unitriangular, multiply)
    if unitriangular:
        a = triangle(a, upper, 1 if upper else -1) + unit(n, n, a.dtype.char)
    else:
        a = triangle(a, upper)
    # Elimination has nothing to do in an upper triangle, and a lower one is an upper one, read backwards.
    try:
        if upper:
            return np.linalg.solve(a, b)
        return np.linalg.solve(a[..., ::-1, ::-1], b[..., ::-1, :])[..., ::-1, :]
    except np.linalg.LinAlgError:
        return _substitute(a, b, upper)


@functools.lru_cache(64)
def unit(rows: int, columns: int, char: str) -> Array:
    """Ones on the diagonal, to read only."""
    return np.eye(rows, columns, dtype=char)


def _solve_halves(a: Array, b: Array, upper: bool, unitriangular: bool, multiply: Multiply) -> Array:
    middle = -(-a.shape[-1] // (2 * _TRIANGLE)) * _TRIANGLE
    first, last = slice(None, middle), slice(middle, None)
    if upper:
        first, last = last, first
    done = solve_triangular(a[..., first, first], b[..., first, :], upper, unitriangular, multiply)
    rest = b[..., last, :] - multiply(a[..., last, first], done)
    rest = solve_triangular(a[..., last, last], rest, upper, unitriangular, multiply)
    return np.concatenate([rest, done] if upper else [done, rest], -2)


def _substitute(a: Array, b: Array, upper: bool) -> Array:
    """Column by column: for a diagonal with zeros."""
    n = a.shape[-1]
    x = np.array(np.broadcast_to(b, (*np.broadcast_shapes(a.shape[:-2], b.shape[:-2]), n, b.shape[-1])))
    with np.errstate(all="ignore"):
        for k in range(n - 1, -1, -1) if upper else range(n):
            x[..., k, :] /= a[..., k, k, None]
            rest = slice(None, k) if upper else slice(k + 1, None)
            x[..., rest, :] -= a[..., rest, k, None] * x[..., None, k, :]
    return x


def lu_factor(a: Array, multiply: Multiply = np.matmul) -> tuple[Array, Array, Array]:
    """L below the diagonal and U on and above it, the rows exchanged at each step (counted from 1), and where U's
    diagonal first is zero (counted from 1; 0: nowhere).

    a: (*, M, N) → (*, M, N), int32 (*, min(M, N)), int32 (*). By partial pivoting, as LAPACK's getrf.
    """
    rows, columns = a.shape[-2:]
    steps = min(rows, columns)
    lu = _stack(a).copy()
    pivots = np.empty((len(lu), steps), np.int32)
    info = np.zeros(len(lu), np.int32)
    for start in range(0, steps, _PANEL):
        stop = min(start + _PANEL, steps)
        _factor_panel(lu, start, stop, pivots, info)
        if stop < columns:
            right = lu[:, start:stop, stop:]
            right[...] = solve_triangular(lu[:, start:stop, start:stop], right, False, True, multiply)
            if stop < rows:
                lu[:, stop:, stop:] -= multiply(lu[:, stop:, start:stop], right)
    lead = a.shape[:-2]
    return lu.reshape(a.shape), pivots.reshape(*lead, steps), info.reshape(lead)


def _factor_panel(lu: Array, start: int, stop: int, pivots: Array, info: Array) -> None:
    """Factor columns of each matrix in place, exchanging whole rows."""
    one = len(lu) == 1
    every: Any = 0 if one else np.arange(len(lu))
    rows = lu.shape[1]
    for k in range(start, stop):
        column = lu[:, k:, k]
        size = _size(column)
        chosen: Any = int(size[0].argmax()) + k if one else size.argmax(1) + k
        pivots[:, k] = chosen
        if not one or chosen != k:
            kept = lu[every, k].copy()
            lu[every, k] = lu[every, chosen]
            lu[every, chosen] = kept
        pivot = lu[:, k, k, None]
        if not pivot.all():
            zero = pivot == 0
            info[(info == 0) & zero[:, 0]] = k + 1
            pivot = np.where(zero, 1, pivot)
        if k + 1 < rows:
            below = lu[:, k + 1 :, k]
            below /= pivot
            if k + 1 < stop:
                lu[:, k + 1 :, k + 1 : stop] -= below[:, :, None] * lu[:, k, None, k + 1 : stop]
    pivots[:, start:stop] += 1


def qr_factor(a: Array) -> tuple[Array, Array]:
    """Q (*, M, K) with orthonormal columns and R (*, K, N) upper triangular of A = Q R (*, M, N), K = min(M, N)."""
    q, r = np.linalg.qr(a)
    return q, r


def permutation(pivots: Array, rows: int) -> Array:
    """The order of the rows that exchanging them one after the other (counted from 1) makes: (*, K) → (*, rows)."""
    pivots = pivots[..., :rows]
    lead, steps = pivots.shape[:-1], pivots.shape[-1]
    flat = pivots.reshape(math.prod(lead), steps)
    if len(flat) == 1:
        order = list(range(rows))
        for k, chosen in enumerate(flat[0].tolist()):
            order[k], order[chosen - 1] = order[chosen - 1], order[k]
        return np.array(order, np.intp).reshape(*lead, rows)
    result = np.tile(np.arange(rows), (len(flat), 1))
    every = np.arange(len(flat))
    for k in range(steps):
        chosen = flat[:, k] - 1
        kept = result[:, k].copy()
        result[:, k] = result[every, chosen]
        result[every, chosen] = kept
    return result.reshape(*lead, rows)


def _rows_of(b: Array, order: Array) -> Array:
    """The rows of each matrix in the order given for it."""
    if math.prod(order.shape[:-1]) == 1 and order.ndim <= b.ndim - 1:
        return np.take(b, order.reshape(-1), -2)
    lead = np.broadcast_shapes(b.shape[:-2], order.shape[:-1])
    wide = np.broadcast_to(b, (*lead, *b.shape[-2:]))
    return np.take_along_axis(wide, np.broadcast_to(order, (*lead, order.shape[-1]))[..., None], -2)


def lu_solve(lu: Array, pivots: Array, b: Array, adjoint: bool = False, multiply: Multiply = np.matmul) -> Array:
    """X of A X = B (or Aᴴ X = B) from the factors of A: lu (*, N, N), pivots (*, N), b (*, N, K), broadcast."""
    order = permutation(pivots, lu.shape[-1])
    if not adjoint:
        x = solve_triangular(lu, _rows_of(b, order), False, True, multiply)
        return solve_triangular(lu, x, True, False, multiply)
    turned = lu.swapaxes(-2, -1).conj()
    x = solve_triangular(turned, b, False, False, multiply)
    x = solve_triangular(turned, x, True, True, multiply)
    return _rows_of(x, np.argsort(order, -1))


def cholesky_until(a: Array) -> tuple[Array, Array]:
    """L of A = L Lᴴ, and the order of the first leading minor that is not positive (0: all are), where L ends.

    a: (*, N, N), of which the lower triangle is read → (*, N, N), int32 (*).
    """
    n = a.shape[-1]
    factor = _stack(triangle(a, False))
    info = np.zeros(len(factor), np.int32)
    for k in range(n):
        done = factor[:, k, :k]
        pivot = factor[:, k, k].real - (done.real**2 + done.imag**2).sum(-1)
        going = (info == 0) & (pivot > 0)
        info[(info == 0) & ~going] = k + 1
        root = np.sqrt(np.where(going, pivot, 1))
        below = factor[:, k + 1 :, k] - (factor[:, k + 1 :, :k] @ done.conj()[:, :, None])[..., 0]
        column = np.concatenate([root[:, None], below / root[:, None]], 1)
        factor[:, k:, k] = np.where(going[:, None], column, factor[:, k:, k])
    return factor.reshape(a.shape), info.reshape(a.shape[:-2])


# Bunch and Kaufman's bound, with which the elements grow least.
_BOUND = (1 + 17**0.5) / 8


def ldl_factor(a: Array, hermitian: bool) -> tuple[Array, Array, Array]:
    """L and the blocks of D of A = L D Lᵀ (Lᴴ if hermitian), the rows exchanged, and the first zero block of D.

    a: (*, N, N), of which the lower triangle is read → (*, N, N) with zeros above the diagonal, int32 (*, N), int32
    (*). As LAPACK's sytrf and hetrf pack them: a positive pivot is a block of one element, two equal negative ones are
    a block of two.
    """
    n = a.shape[-1]
    ld = _stack(triangle(a, False))
    pivots = np.empty((len(ld), n), np.int32)
    info = np.zeros(len(ld), np.int32)
    for i in range(len(ld)):
        info[i] = _factor_symmetric(ld[i], pivots[i], hermitian)
    return ld.reshape(a.shape), pivots.reshape(a.shape[:-1]), info.reshape(a.shape[:-2])


def _size(values: Array) -> Array:
    """How large numbers are, as LAPACK chooses pivots: of complex ones the sum of both parts' sizes."""
    if values.dtype.kind == "c":
        return np.abs(values.real) + np.abs(values.imag)
    return np.abs(values)


def _factor_symmetric(a: Array, pivots: Array, hermitian: bool) -> int:
    """Bunch and Kaufman's factors of one matrix, in place; the number of the first zero block."""
    n, info = len(a), 0
    panel = _Panel(a, 0)
    while panel.step < n:
        if panel.width + 2 > _PANEL:
            panel.update()
            panel = _Panel(a, panel.step)
        if panel.eliminate(pivots, hermitian) and not info:
            info = panel.step
    return info


class _Panel:
    """Some columns of a symmetric matrix, each made when its turn comes; the columns after them wait for `update`.

    The matrix of what is left is `a - l @ w.T`. Rows of `l` and `w` are exchanged as pivots are chosen; the columns of
    L that `a` holds already stay as they are, which is LAPACK's form.
    """

    def __init__(self, a: Array, step: int) -> None:
        self.a, self.step, self.width = a, step, 0
        self.l = np.zeros((len(a), _PANEL), a.dtype)
        self.w = np.zeros((len(a), _PANEL), a.dtype)

    def column(self, i: int, hermitian: bool) -> Array:
        """A column of what is left, from the diagonal of this step down."""
        a, k = self.a, self.step
        above = a[i, k:i].conj() if hermitian else a[i, k:i]
        column = np.concatenate([above, a[i:, i]]) - self.l[k:, : self.width] @ self.w[i, : self.width]
        if hermitian:
            column[i - k] = column[i - k].real
        return column

    def update(self) -> None:
        """Let the columns after the panel take what they owe to it."""
        k, width = self.step, self.width
        self.a[k:, k:] -= triangle(self.l[k:, :width] @ self.w[k:, :width].T, False)

    def exchange(self, p: int, q: int, hermitian: bool) -> None:
        """Exchange the p-th and q-th row and column, p < q, of what is left."""
        a = self.a
        row, column = a[q, p + 1 : q].copy(), a[p + 1 : q, p].copy()
        a[p + 1 : q, p], a[q, p + 1 : q] = (row.conj(), column.conj()) if hermitian else (row, column)
        a[q + 1 :, [p, q]] = a[q + 1 :, [q, p]]
        a[[p, q], [p, q]] = a[[q, p], [q, p]]
        if hermitian:
            a[q, p] = a[q, p].conj()
        for part in (self.l, self.w):
            part[[p, q]] = part[[q, p]]

    def eliminate(self, pivots: Array, hermitian: bool) -> bool:
        """Make the next one or two columns of L; whether their block of D is zero."""
        a, k = self.a, self.step
        column = self.column(k, hermitian)
        other, chosen, blocks = column, k, 1
        own, sizes = _size(column[:1])[0], _size(column[1:])
        largest = sizes.max(initial=0)
        if max(own, largest) == 0 or np.isnan(own):
            pivots[k] = k + 1
            a[k:, k] = column
            self.step += 1
            self.width += 1
            return True
        if own < _BOUND * largest:
            i = k + 1 + int(sizes.argmax())
            other = self.column(i, hermitian)
            reach = _size(other)
            diagonal = reach[i - k]
            reach[i - k] = 0
            if own < _BOUND * largest * (largest / reach.max()):
                chosen, blocks = i, 1 if diagonal >= _BOUND * reach.max() else 2
        place = k + blocks - 1
        if chosen != place:
            self.exchange(place, chosen, hermitian)
        kept = [other] if blocks == 1 and chosen != k else [column, other][:blocks]
        for c in kept:
            c[[place - k, chosen - k]] = c[[chosen - k, place - k]]
        pivots[k : k + blocks] = chosen + 1 if blocks == 1 else -(chosen + 1)
        self._divide(np.stack(kept, 1), blocks, hermitian)
        return False

    def _divide(self, columns: Array, blocks: int, hermitian: bool) -> None:
        a, k, width = self.a, self.step, self.width
        block = columns[:blocks].copy()
        if blocks == 2:
            block[0, 1] = block[1, 0].conj() if hermitian else block[1, 0]
        below = columns[blocks:]
        factor = below / block if blocks == 1 else np.linalg.solve(block.T, below.T).T
        a[k : k + blocks, k : k + blocks] = triangle(block, False)
        a[k + blocks :, k : k + blocks] = factor
        self.l[k + blocks :, width : width + blocks] = factor
        self.w[k + blocks :, width : width + blocks] = below.conj() if hermitian else below
        self.step += blocks
        self.width += blocks


def ldl_solve(ld: Array, pivots: Array, b: Array, hermitian: bool, multiply: Multiply = np.matmul) -> Array:
    """X of A X = B from `ldl_factor`'s factors of A: ld (*, N, N), pivots (*, N), b (*, N, K), broadcast."""
    n = ld.shape[-1]
    lead = np.broadcast_shapes(ld.shape[:-2], b.shape[:-2])
    if not n or not b.shape[-1] or 0 in lead:
        return np.zeros((*lead, n, b.shape[-1]), ld.dtype)
    factor, order, first, second = _without_exchanges(_stack(ld), pivots.reshape(-1, n))
    factor, order = factor.reshape(ld.shape), order.reshape(pivots.shape)
    first, second = first.reshape(pivots.shape), second.reshape(pivots.shape)
    off = np.where(first[..., :-1], np.diagonal(ld, -1, -2, -1), ld.dtype.type(0))
    x = solve_triangular(factor, _rows_of(b, order), False, True, multiply)
    diagonal = np.diagonal(ld, 0, -2, -1)[..., None]
    diagonal = diagonal.real if hermitian else diagonal
    x = _solve_blocks(diagonal, off[..., None], x, first[..., None], second[..., None], hermitian)
    turned = factor.swapaxes(-2, -1)
    x = solve_triangular(turned.conj() if hermitian else turned, x, True, True, multiply)
    return _rows_of(x, np.argsort(order, -1))


def _without_exchanges(ld: Array, pivots: Array) -> tuple[Array, Array, Array, Array]:
    """L of P A Pᵀ = L D Lᵀ, the order P of the rows, and where blocks of two begin and end."""
    n = ld.shape[-1]
    factor, every = triangle(ld, False, -1), np.arange(len(ld))
    order = np.tile(np.arange(n), (len(ld), 1))
    first = np.zeros(pivots.shape, bool)
    second = np.zeros(pivots.shape, bool)
    for k in range(n):
        paired = pivots[:, k] < 0
        if k:
            second[:, k] = paired & first[:, k - 1]
        first[:, k] = paired & ~second[:, k]
        if k:
            factor[:, k, k - 1] = np.where(second[:, k], 0, factor[:, k, k - 1])
        chosen = np.where(first[:, k], k, np.abs(pivots[:, k]) - 1)
        if (chosen == k).all():
            continue
        done = np.arange(n) < (k - second[:, k])[:, None]
        mine, theirs = factor[:, k].copy(), factor[every, chosen]
        factor[:, k] = np.where(done, theirs, mine)
        factor[every, chosen] = np.where(done, mine, theirs)
        kept = order[:, k].copy()
        order[:, k] = order[every, chosen]
        order[every, chosen] = kept
    return factor, order, first, second


def _solve_blocks(d: Array, off: Array, x: Array, first: Array, second: Array, hermitian: bool) -> Array:
    """D⁻¹ X of a D with blocks of one and two elements: its diagonal, and what is below it (0 between blocks)."""
    upper = off.conj() if hermitian else off
    with np.errstate(all="ignore"):
        single = x / d
        determinant = d[..., :-1, :] * d[..., 1:, :] - off * upper
        top = (d[..., 1:, :] * x[..., :-1, :] - upper * x[..., 1:, :]) / determinant
        bottom = (d[..., :-1, :] * x[..., 1:, :] - off * x[..., :-1, :]) / determinant
    single[..., :-1, :] = np.where(first[..., :-1, :], top, single[..., :-1, :])
    single[..., 1:, :] = np.where(second[..., 1:, :], bottom, single[..., 1:, :])
    return single
