"""Sorting and selection along a dimension, with PyTorch's choice among equal elements.

PyTorch sorts with the algorithms of GCC's standard library, which leave equal elements in an order of their own. Where
a row has equal elements, their steps are done here a partition at a time; where it has none there is but one order.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["kth_along", "median_along", "mode_along", "sort_along", "topk_along"]

Array = NDArray[Any]

# Up to so many elements are left to insertion, which keeps equal ones in order.
_SMALL_SORT = 16
_SMALL_SELECT = 3


def _ranks(row: Array, descending: bool = False) -> Array:
    """Integers in the order of a row's elements; NaNs are equal, and greater than all else."""
    ranks = np.unique(row, return_inverse=True)[1].reshape(row.shape)
    return -ranks if descending else ranks


def _exchange(order: Array, a: Any, b: Any) -> None:
    order[a], order[b] = order[b].copy(), order[a].copy()


def _partition(ranks: Array, order: Array) -> int:
    """Part `order` around the median of three of its elements: where the second part begins."""
    n = len(order)
    keys = ranks[order]
    one, two, three = keys[1], keys[n // 2], keys[-1]
    if one < two:
        median = n // 2 if two < three else n - 1 if one < three else 1
    else:
        median = 1 if one < three else n - 1 if two < three else n // 2
    if median:
        _exchange(order, 0, median)
        _exchange(keys, 0, median)
    pivot = keys[0]
    # From the front the elements not less, from the back those not greater: each pair is exchanged until they meet.
    low = np.flatnonzero(keys[1:] >= pivot) + 1
    high = (np.flatnonzero(keys[1:] <= pivot) + 1)[::-1]
    pairs = min(len(low), len(high))
    count = int(np.count_nonzero(low[:pairs] < high[:pairs]))
    if count:
        _exchange(order, low[:count], high[:count])
    last = int(high[count - 1]) if count else n
    return min(int(low[count]), last) if count < len(low) else last


def _stable(ranks: Array, order: Array) -> None:
    order[:] = order[np.argsort(ranks[order], kind="stable")]


def _quick_sort(ranks: Array, order: Array) -> None:
    """Sort `order` by rank."""
    parts = [(0, len(order), 2 * (max(len(order), 1).bit_length() - 1))]
    while parts:
        begin, end, depth = parts.pop()
        part = order[begin:end]
        if len(part) <= _SMALL_SORT or len(np.unique(ranks[part])) == len(part):
            _stable(ranks, part)
        elif depth == 0:
            words = [(int(ranks[i]), int(i)) for i in part]
            _make_heap(words)
            _sort_heap(words)
            part[:] = [i for _, i in words]
        else:
            cut = begin + _partition(ranks, part)
            parts += [(begin, cut, depth - 1), (cut, end, depth - 1)]


def _select(ranks: Array, order: Array, k: int) -> None:
    """Bring the k-th element to its place, and none before it that comes after."""
    begin, end = 0, len(order)
    depth = 2 * (end.bit_length() - 1)
    while end - begin > _SMALL_SELECT:
        part = order[begin:end]
        if depth == 0:
            words = [(int(ranks[i]), int(i)) for i in part]
            _select_by_heap(words, k - begin + 1)
            part[:] = [i for _, i in words]
            _exchange(order, begin, k)
            return
        depth -= 1
        cut = begin + _partition(ranks, part)
        begin, end = (cut, end) if cut <= k else (begin, cut)
    _stable(ranks, order[begin:end])


def _quick_select(ranks: Array, order: Array, k: int) -> None:
    """Bring the k-th element to its place, as PyTorch's own algorithm for kthvalue does."""
    left, right = 0, len(order) - 1
    while right > left:
        if right == left + 1:
            _stable(ranks, order[left : right + 1])
            return
        _exchange(order, (left + right) // 2, left + 1)
        for a, b in ((left + 1, right), (left, right), (left + 1, left)):
            if ranks[order[a]] > ranks[order[b]]:
                _exchange(order, a, b)
        keys = ranks[order[left : right + 1]]
        low = left + 2 + np.flatnonzero(keys[2:] >= keys[0])
        high = left + 1 + np.flatnonzero(keys[1:-1] <= keys[0])[::-1]
        pairs = min(len(low), len(high))
        met = int(np.count_nonzero(low[:pairs] <= high[:pairs]))
        count = int(np.count_nonzero(low[:pairs] < high[:pairs]))
        i, j = int(low[met]), int(high[met])
        if count:
            # Past the last pair each side may stop at what the other put there.
            i, j = min(i, int(high[count - 1])), max(j, int(low[count - 1]))
            _exchange(order, low[:count], high[:count])
        _exchange(order, left, j)
        if j <= k:
            left = i
        if j >= k:
            right = j - 1


def _sift(heap: list[tuple[int, int]], hole: int, n: int, word: tuple[int, int]) -> None:
    """Put a word into the first n of a heap, whose place `hole` is free: the greatest rank is at the top."""
    top = child = hole
    while child < (n - 1) // 2:
        child = 2 * (child + 1)
        if heap[child][0] < heap[child - 1][0]:
            child -= 1
        heap[hole] = heap[child]
        hole = child
    if n % 2 == 0 and child == (n - 2) // 2:
        child = 2 * child + 1
        heap[hole] = heap[child]
        hole = child
    while hole > top and heap[(hole - 1) // 2][0] < word[0]:
        heap[hole] = heap[(hole - 1) // 2]
        hole = (hole - 1) // 2
    heap[hole] = word


def _make_heap(words: list[tuple[int, int]], n: int | None = None) -> None:
    n = len(words) if n is None else n
    for parent in range(n // 2 - 1, -1, -1):
        _sift(words, parent, n, words[parent])


def _sort_heap(words: list[tuple[int, int]]) -> None:
    for n in range(len(words) - 1, 0, -1):
        word, words[n] = words[n], words[0]
        _sift(words, 0, n, word)


def _select_by_heap(words: list[tuple[int, int]], count: int) -> None:
    _make_heap(words, count)
    for i in range(count, len(words)):
        if words[i][0] < words[0][0]:
            word, words[i] = words[i], words[0]
            _sift(words, 0, count, word)


def _first_by_heap(ranks: Array, k: int) -> list[int]:
    """The first k of a row's places in order, by a heap of k."""
    heap = [(int(rank), i) for i, rank in enumerate(ranks[:k])]
    _make_heap(heap)
    # Those that could enter the heap at all: the heap's last only ever gets less.
    for i in np.flatnonzero(ranks < heap[0][0]):
        if i >= k and ranks[i] < heap[0][0]:
            _sift(heap, 0, k, (int(ranks[i]), int(i)))
    _sort_heap(heap)
    return [i for _, i in heap]


def _along(x: Array, dim: int, length: int, places: Callable[[Array], Array]) -> tuple[Array, Array]:
    """The places that a function finds in each row along `dim`, and the elements there."""
    rows = np.moveaxis(x, dim, -1)
    indices = np.empty((*rows.shape[:-1], length), np.int64)
    for at in np.ndindex(rows.shape[:-1]):
        indices[at] = places(rows[at])
    indices = np.ascontiguousarray(np.moveaxis(indices, -1, dim))
    return np.take_along_axis(x, indices, dim), indices


def _in_order(row: Array, descending: bool) -> Array:
    order = np.arange(len(row))
    _quick_sort(_ranks(row, descending), order)
    return order


def sort_along(x: Array, dim: int, descending: bool = False, stable: bool = False) -> tuple[Array, Array]:
    """The elements along `dim` in order, and where they were; a NaN is the greatest."""
    if descending:
        # The stable descending order is the reverse of the stable ascending order of the reversed array.
        backwards = np.argsort(np.flip(x, dim), axis=dim, kind="stable")
        indices = np.ascontiguousarray(np.flip(x.shape[dim] - 1 - backwards, dim))
    else:
        indices = np.argsort(x, axis=dim, kind="stable")
    values = np.take_along_axis(x, indices, dim)
    if stable or x.shape[dim] <= _SMALL_SORT:
        return values, indices
    ranked, orders, rows = (np.moveaxis(a, dim, -1) for a in (values, indices, x))
    equal = (ranked[..., 1:] == ranked[..., :-1]) | ((ranked != ranked)[..., 1:] & (ranked != ranked)[..., :-1])
    for at in map(tuple, np.argwhere(equal.any(-1))):
        orders[at] = _in_order(rows[at], descending)
        ranked[at] = rows[at][orders[at]]
    return values, indices


def topk_along(x: Array, dim: int, k: int, largest: bool = True, sorted: bool = True) -> tuple[Array, Array]:
    """The first `k` elements along `dim` in descending (or ascending) order, and where they were."""
    count = x.shape[dim]

    def places(row: Array) -> Any:
        ranks = _ranks(row, largest)
        if k * 64 <= count:
            return _first_by_heap(ranks, k)
        order = np.arange(count)
        _select(ranks, order, k - 1)
        if sorted:
            _quick_sort(ranks, order[: k - 1])
        return order[:k]

    if k == 0:
        return _along(x, dim, 0, lambda row: np.empty(0, np.int64))
    return _along(x, dim, k, places)


def kth_along(x: Array, dim: int, k: int) -> tuple[Array, Array]:
    """The `k`-th least element along `dim`, from 0, and where it was; the dimension stays, with length 1."""

    def place(row: Array) -> Any:
        order = np.arange(len(row))
        _quick_select(_ranks(row), order, k)
        return order[k : k + 1]

    return _along(x, dim, 1, place)


def median_along(x: Array, dim: int, ignore_nan: bool = False) -> tuple[Array, Array]:
    """The lower median along `dim`, and the place that a stable sort has in the middle; the dimension stays, length 1.

    Where there is a NaN it is the first one, unless NaNs are left out.
    """
    order = np.argsort(x, axis=dim, kind="stable")
    count = x.shape[dim]
    middle: Any = (count - 1) // 2
    if x.dtype.kind == "f":
        missing = np.isnan(x).sum(axis=dim, keepdims=True)
        other = np.maximum((count - missing - 1) // 2, 0) if ignore_nan else count - missing
        indices = np.take_along_axis(order, np.where(missing > 0, other, middle), dim)
    else:
        indices = np.take(order, [middle], axis=dim)
    return np.take_along_axis(x, indices, dim), indices


def mode_along(x: Array, dim: int) -> tuple[Array, Array]:
    """The most frequent element along `dim`, the least of those equally frequent, and a place of it; a NaN equals none.

    The dimension stays, with length 1.
    """

    def place(row: Array) -> Any:
        order = _in_order(row, False)
        ranked = row[order]
        ends = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True))
        return order[ends[np.argmax(np.diff(ends, prepend=-1))]]

    return _along(x, dim, 1, place)
