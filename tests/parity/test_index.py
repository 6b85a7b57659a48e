"""Indexing, gathering and scattering against torch: values, strides, history and both orders of gradients."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch")

import rushlight  # noqa: E402
from tests.parity.tensor_oracle import outcome, same  # noqa: E402

X, Y, V = (2, 3), (2, 3, 4), (5,)
I = ("long", (3,), 2)  # noqa: E741
M = ("bool", X)


def put(x: Any, key: Any, value: Any) -> Any:
    out = x * 1
    out[key] = value
    return out


GET: list[tuple[str, Any, list[Any]]] = [
    ("int", lambda m, x: x[1], [Y]),
    ("negative int", lambda m, x: x[-1], [Y]),
    ("ints", lambda m, x: x[1, 2, 3], [Y]),
    ("slice", lambda m, x: x[:, 1:], [Y]),
    ("slice with step", lambda m, x: x[:, ::2], [Y]),
    ("slice beyond", lambda m, x: x[5:], [Y]),
    ("one whole slice", lambda m, x: x[:], [Y]),
    ("whole slices", lambda m, x: x[:, :], [Y]),
    ("ellipsis", lambda m, x: x[..., 0], [Y]),
    ("ellipsis alone", lambda m, x: x[...], [Y]),
    ("empty tuple", lambda m, x: x[()], [Y]),
    ("none", lambda m, x: x[None, :, None], [Y]),
    ("mixed basic", lambda m, x: x[0, None, 1:, ..., 2], [Y]),
    ("tensor", lambda m, x, i: x[i], [Y, I]),
    ("tensor of columns", lambda m, x, i: x[:, i], [Y, I]),
    ("tensor in the middle", lambda m, x, i: x[:, i, 1:], [Y, I]),
    ("two tensors", lambda m, x, i: x[i, i], [Y, I]),
    ("two tensors apart", lambda m, x, i: x[i, :, i], [Y, I]),
    ("int and tensor apart", lambda m, x, i: x[0, :, i], [Y, I]),
    ("tensor and none", lambda m, x, i: x[i, None, i], [Y, I]),
    ("matrix of indices", lambda m, x, i: x[:, i], [Y, ("long", (2, 2), 3)]),
    ("broadcast indices", lambda m, x, i, j: x[i, j], [X, ("long", (2, 1), 2), ("long", (3,), 3)]),
    ("mask", lambda m, x, b: x[b], [X, M]),
    ("mask of rows", lambda m, x, b: x[b], [Y, ("bool", (2,))]),
    ("mask of columns", lambda m, x, b: x[:, b], [Y, ("bool", (3, 4))]),
    ("mask and index", lambda m, x, b: x[b, 0], [Y, ("bool", X)]),
    ("list", lambda m, x: x[[1, 0, 1]], [Y]),
    ("list of bools", lambda m, x: x[[True, False]], [Y]),
    ("lists", lambda m, x: x[[0, 1], [2, 0]], [Y]),
    ("empty list", lambda m, x: x[[]], [Y]),
    ("array", lambda m, x: x[np.array([1, 1])], [Y]),
    ("range", lambda m, x: x[range(2)], [Y]),
    ("bool", lambda m, x: x[True], [X]),
    ("false", lambda m, x: x[False], [X]),
    ("tensor int", lambda m, x: x[m.tensor(1)], [Y]),
    ("numpy int", lambda m, x: x[np.int64(1)], [Y]),
    ("int32 indices", lambda m, x, i: x[i.int()], [Y, I]),
]


@pytest.mark.parametrize(("program", "shapes"), [case[1:] for case in GET], ids=[case[0] for case in GET])
def test_getting_equals_torch(program: Any, shapes: list[Any]) -> None:
    same(program, shapes)


SET: list[tuple[str, Any, list[Any]]] = [
    ("int", lambda m, x: put(x, 0, 1.5), [X]),
    ("slice", lambda m, x, y: put(x, (slice(None), slice(1, None)), y), [X, (2, 2)]),
    ("broadcast", lambda m, x, y: put(x, 0, y), [Y, (4,)]),
    ("leading ones", lambda m, x, y: put(x, 0, y), [X, (1, 1, 3)]),
    ("whole", lambda m, x, y: put(x, slice(None), y), [X, X]),
    ("ellipsis", lambda m, x, y: put(x, Ellipsis, y), [X, X]),
    ("element", lambda m, x, y: put(x, (1, 2), y), [X, ()]),
    ("tensor", lambda m, x, i, y: put(x, i, y), [X, ("long", (1,), 2), (1, 3)]),
    ("tensor of columns", lambda m, x, y: put(x, (slice(None), m.tensor([2, 0])), y), [X, (2, 2)]),
    ("tensor and int", lambda m, x, y: put(x, (0, m.tensor([2, 0])), y), [X, (2,)]),
    ("mask and number", lambda m, x, b: put(x, b, 2.0), [X, M]),
    ("mask and scalar", lambda m, x, b, y: put(x, b, y), [X, M, ()]),
    ("mask of rows", lambda m, x, y: put(x, m.tensor([True, False]), y), [X, (1, 3)]),
    ("list", lambda m, x, y: put(x, [0, 1], y), [X, X]),
    ("view of a view", lambda m, x, y: put(x, (0, slice(1, None)), y), [Y, (2, 4)]),
    ("false", lambda m, x: put(x, False, 5.0), [X]),
]


@pytest.mark.parametrize(("program", "shapes"), [case[1:] for case in SET], ids=[case[0] for case in SET])
def test_setting_equals_torch(program: Any, shapes: list[Any]) -> None:
    same(program, shapes, check_names=False)


def in_place(x: Any, name: str, *arguments: Any, **named: Any) -> Any:
    return getattr(x * 1, name)(*arguments, **named)


FUNCTIONS: list[tuple[str, Any, list[Any]]] = [
    ("index_select", lambda m, x, i: x.index_select(1, i), [Y, I]),
    ("index_select of a scalar", lambda m, x: x.index_select(0, m.tensor([0])), [()]),
    ("gather", lambda m, x, i: x.gather(1, i), [X, ("long", (2, 4), 3)]),
    ("gather fewer", lambda m, x, i: x.gather(0, i), [X, ("long", (4, 2), 2)]),
    ("gather a scalar", lambda m, x: x.gather(0, m.tensor(0)), [()]),
    ("take", lambda m, x, i: x.take(i), [X, ("long", (2, 2), 6)]),
    ("take_along_dim", lambda m, x, i: m.take_along_dim(x, i, 1), [X, ("long", (1, 2), 3)]),
    ("take_along_dim flat", lambda m, x, i: m.take_along_dim(x, i), [X, I]),
    ("masked_select", lambda m, x, b: x.masked_select(b), [X, M]),
    ("masked_select broadcast", lambda m, x, b: x.masked_select(b), [X, ("bool", (4, 1, 1))]),
    ("scatter", lambda m, x, y: x.scatter(1, m.tensor([[2, 0], [1, 2]]), y), [X, (2, 2)]),
    ("scatter number", lambda m, x, i: x.scatter(0, i, 2.5), [X, ("long", (1, 3), 2)]),
    ("scatter_add", lambda m, x, i, y: x.scatter_add(0, i, y), [X, ("long", (2, 3), 2), X]),
    ("scatter_add fewer", lambda m, x, i, y: x.scatter_add(1, i, y), [X, ("long", (1, 4), 3), (1, 4)]),
    ("scatter_reduce sum", lambda m, x, i, y: x.scatter_reduce(0, i, y, "sum"), [X, ("long", X, 2), X]),
    ("scatter_reduce mean", lambda m, x, i, y: x.scatter_reduce(0, i, y, "mean"), [X, ("long", X, 2), X]),
    ("scatter_reduce prod", lambda m, x, i, y: x.scatter_reduce(0, i, y, "prod"), [X, ("long", X, 2), X]),
    ("scatter_reduce amax", lambda m, x, i, y: x.scatter_reduce(0, i, y, "amax"), [X, ("long", X, 2), X]),
    (
        "scatter_reduce amin alone",
        lambda m, x, i, y: x.scatter_reduce(0, i, y, "amin", include_self=False),
        [X, ("long", X, 2), X],
    ),
    (
        "scatter_reduce mean alone",
        lambda m, x, i, y: x.scatter_reduce(1, i, y, "mean", include_self=False),
        [X, ("long", X, 2), X],
    ),
    (
        "scatter_reduce sum alone",
        lambda m, x, i, y: x.scatter_reduce(1, i, y, "sum", include_self=False),
        [X, ("long", X, 2), X],
    ),
    ("index_add", lambda m, x, i, y: x.index_add(1, i, y, alpha=2), [X, I, X]),
    ("index_copy", lambda m, x, y: x.index_copy(1, m.tensor([2, 0]), y), [X, (2, 2)]),
    ("index_fill", lambda m, x, i: x.index_fill(0, i, 3.0), [X, I]),
    ("index_fill by tensor", lambda m, x, y: x.index_fill(1, m.tensor([0, 2]), y), [X, ()]),
    ("index_put", lambda m, x, y: x.index_put((m.tensor([0, 1]), m.tensor([2, 2])), y), [X, (2,)]),
    ("index_put accumulate", lambda m, x, i, y: x.index_put((i,), y, accumulate=True), [X, I, (3, 3)]),
    ("index_put broadcast", lambda m, x, y: x.index_put((m.tensor([0, 1]),), y), [X, (3,)]),
    ("masked_scatter", lambda m, x, b, y: x.masked_scatter(b, y), [X, M, (7,)]),
    ("put", lambda m, x, y: x.put(m.tensor([1, 4]), y), [X, (2,)]),
    ("put accumulate", lambda m, x, y: x.put(m.tensor([1, 1]), y, True), [X, (2,)]),
    ("fill_ number", lambda m, x: in_place(x, "fill_", 2.0), [X]),
    ("fill_ tensor", lambda m, x, y: in_place(x, "fill_", y), [X, ()]),
    ("zero_", lambda m, x: in_place(x, "zero_"), [X]),
    ("copy_", lambda m, x, y: in_place(x, "copy_", y), [X, (3,)]),
    ("copy_ converts", lambda m, x, y: in_place(x, "copy_", y.float()), [X, X]),
    ("fill_diagonal_", lambda m, x: in_place(x, "fill_diagonal_", 2.0), [(3, 3)]),
    ("fill_diagonal_ wrapped", lambda m, x: in_place(x, "fill_diagonal_", 2.0, True), [(7, 3)]),
    ("index_add_", lambda m, x, i, y: in_place(x, "index_add_", 1, i, y), [X, I, X]),
    ("index_copy_", lambda m, x, y: in_place(x, "index_copy_", 1, m.tensor([2, 0]), y), [X, (2, 2)]),
    ("index_fill_", lambda m, x, i: in_place(x, "index_fill_", 0, i, 3.0), [X, I]),
    ("index_put_", lambda m, x, y: in_place(x, "index_put_", (m.tensor([0, 1]),), y), [X, X]),
    ("scatter_", lambda m, x, i: in_place(x, "scatter_", 0, i, 2.5), [X, ("long", (1, 3), 2)]),
    ("scatter_add_", lambda m, x, i, y: in_place(x, "scatter_add_", 0, i, y), [X, ("long", X, 2), X]),
    ("masked_scatter_", lambda m, x, b, y: in_place(x, "masked_scatter_", b, y), [X, M, (7,)]),
    ("put_", lambda m, x, y: in_place(x, "put_", m.tensor([1, 4]), y), [X, (2,)]),
    ("put_ into a transposed view", lambda m, x, y: (x * 1).t().put_(m.tensor([1, 4]), y), [X, (2,)]),
    ("nonzero", lambda m, x: m.nonzero(x > 0), [Y]),
    ("nonzero as tuple", lambda m, x: m.nonzero(x > 0, as_tuple=True), [Y]),
    ("argwhere", lambda m, x: m.argwhere(x > 0), [X]),
    ("index_reduce", lambda m, x, y: m.index_reduce(x, 0, m.tensor([1, 1]), y, "prod").detach(), [X, X]),
    (
        "scatter and multiply",
        lambda m, x, y: x.detach().scatter(0, m.tensor([[0, 1, 0]]), y.detach(), reduce="multiply"),
        [X, X],
    ),
]
OTHER_NAMES = {"take_along_dim flat", "fill_diagonal_", "fill_diagonal_ wrapped", "put_ into a transposed view"}


@pytest.mark.parametrize(("name", "program", "shapes"), FUNCTIONS, ids=[case[0] for case in FUNCTIONS])
def test_function_equals_torch(name: str, program: Any, shapes: list[Any]) -> None:
    same(program, shapes, check_names=name not in OTHER_NAMES)


def test_a_product_with_zeros_has_torchs_gradients() -> None:
    def program(m: Any, x: Any, y: Any) -> Any:
        return (x * m.tensor([[1.0, 0.0, 1.0]])).scatter_reduce(
            1, m.tensor([[0, 0, 1], [2, 2, 1]]), y * m.tensor([[0.0, 1.0, 1.0], [0.0, 0.0, 1.0]]), "prod"
        )

    found = []
    for library in (torch, rushlight):
        x, y = (library.tensor(array, requires_grad=True) for array in (np.ones(X), np.full(X, 2.0)))
        program(library, x, y).sum().backward()
        found.append((x.grad.numpy(), y.grad.numpy()))
    for ours, theirs in zip(found[1], found[0], strict=True):
        np.testing.assert_allclose(ours, theirs)


ERRORS: list[tuple[Any, list[Any]]] = [
    (lambda m, x: x[5], [X]),
    (lambda m, x: x[-3], [X]),
    (lambda m, x: x[0], [()]),
    (lambda m, x: x[:], [()]),
    (lambda m, x: x[0, 0, 0], [X]),
    (lambda m, x: x[0:1, 5], [X]),
    (lambda m, x: x[::-1], [X]),
    (lambda m, x: x[::0], [X]),
    (lambda m, x: x[1.5], [X]),
    (lambda m, x: x[1.0:], [X]),
    (lambda m, x: x[m.tensor([True, False, True])], [X]),
    (lambda m, x: x[:, m.tensor([True, False])], [X]),
    (lambda m, x: x[m.tensor([0.5])], [X]),
    (lambda m, x: x[m.tensor([0], dtype=m.int8)], [X]),
    (lambda m, x: x[[0, 5]], [X]),
    (lambda m, x: x[[0, 1], [0, 1, 2]], [X]),
    (lambda m, x: x[[0]], [()]),
    (lambda m, x, y: put(x, 0, y), [X, (2,)]),
    (lambda m, x, y: put(x, m.tensor([0, 1]), y), [X, (2,)]),
    (lambda m, x, y: put(x, (0, 0), y), [X, (2,)]),
    (lambda m, x: put(x, 0, [1, 2, 3]), [X]),
    (lambda m, x: put(x, 0, np.zeros(3)), [X]),
    (lambda m, x: put(x, 0, "a"), [X]),
    (lambda m, x: put(x, 0, 1j), [("long", X, 3)]),
    (lambda m, x: put(x, 5, 1), [X]),
    (lambda m, x, y: put(x, m.tensor([0]), y.float()), [X, (1, 3)]),
    (lambda m, x: x.requires_grad_().__setitem__(0, 1.0), [X]),
    (lambda m, x: x.requires_grad_().zero_(), [X]),
    (lambda m, x: x.gather(0, m.tensor([[5, 0, 0]])), [X]),
    (lambda m, x: x.gather(1, m.tensor([[5, 0, 0]])), [X]),
    (lambda m, x: x.gather(0, m.tensor([[-1]])), [X]),
    (lambda m, x: x.gather(0, m.tensor([0])), [X]),
    (lambda m, x: x.gather(0, m.tensor([[0, 1, 0, 0]])), [X]),
    (lambda m, x: x.gather(0, m.tensor([[0.0]])), [X]),
    (lambda m, x: x.gather(2, m.tensor([[0]])), [X]),
    (lambda m, x: x.scatter(0, m.tensor([[5, 0, 0]]), x), [X]),
    (lambda m, x: x.scatter(0, m.tensor([[0, 0, 0]]), x.float()), [X]),
    (lambda m, x: x.scatter(0, m.tensor([[0, 0, 0, 0]]), x), [X]),
    (lambda m, x: x.scatter(0, m.tensor([[0, 0, 0]]), 2, reduce="foo"), [X]),
    (lambda m, x: x.scatter_reduce(0, m.tensor([[0, 0, 0]]), x, "foo"), [X]),
    (lambda m, x: x.index_select(0, m.tensor([5])), [X]),
    (lambda m, x: x.index_select(0, m.tensor([-1])), [X]),
    (lambda m, x: x.index_select(0, m.tensor([[0]])), [X]),
    (lambda m, x: x.index_select(0, m.tensor([0.0])), [X]),
    (lambda m, x: x.index_select(3, m.tensor([0])), [X]),
    (lambda m, x: x.index_add(0, m.tensor([0, 1]), x[:1]), [X]),
    (lambda m, x: x.index_add(0, m.tensor([5, 0]), x), [X]),
    (lambda m, x: x.index_copy(0, m.tensor([0, 1]), x[:1]), [X]),
    (lambda m, x: x.index_copy(0, m.tensor([5, 0]), x), [X]),
    (lambda m, x: x.index_fill(0, m.tensor([5]), 1), [X]),
    (lambda m, x: x.index_fill(0, m.tensor([0, 1]), x), [X]),
    (lambda m, x: x.index_put((m.tensor([0]),), 1.0), [X]),
    (lambda m, x: x.index_put((m.tensor([5]),), x[0]), [X]),
    (lambda m, x: x.masked_select(m.tensor([1, 0, 1])), [X]),
    (lambda m, x: x.masked_select(m.tensor([True, False])), [X]),
    (lambda m, x: x.masked_scatter(x == x, x[0]), [X]),
    (lambda m, x: x.masked_scatter(x == x, x.float()), [X]),
    (lambda m, x: x.take(m.tensor([6])), [X]),
    (lambda m, x: x.take(m.tensor([0.0])), [X]),
    (lambda m, x: m.take_along_dim(x, m.tensor([0]), 1), [X]),
    (lambda m, x: x.put(m.tensor([0, 6]), x[0, :2]), [X]),
    (lambda m, x: x.put(m.tensor([0]), x[0, :2]), [X]),
    (lambda m, x: x.fill_(x), [X]),
    (lambda m, x: x.fill_(1j), [X]),
    (lambda m, x: x.copy_(m.ones(4)), [X]),
    (lambda m, x: x.copy_(m.ones(1, 2, 3)), [X]),
    (lambda m, x: x.fill_diagonal_(1), [V]),
    (lambda m, x: x.fill_diagonal_(1), [Y]),
    (lambda m, x: x[0].expand(4, 3).copy_(m.ones(4, 3)), [X]),
]


@pytest.mark.parametrize(("program", "shapes"), ERRORS)
def test_bad_arguments_raise_what_torch_raises(program: Any, shapes: list[Any]) -> None:
    theirs = outcome(torch, program, shapes)
    assert theirs[0] != "result"
    ours = outcome(rushlight, program, shapes)
    if theirs[1].startswith("value cannot be converted"):
        assert ours[0] == theirs[0] and ours[1].startswith("value cannot be converted")
    else:
        assert ours == theirs


SHAPE = (3, 4, 2)


@st.composite
def keys(draw: st.DrawFn) -> Any:
    """A random valid index of a tensor of shape SHAPE; arrays stand for index tensors."""
    items: list[Any] = []
    dim = 0
    broadcast = draw(st.sampled_from([(2,), (1,), (2, 2)]))
    while dim < len(SHAPE):
        kind = draw(st.sampled_from(["int", "slice", "none", "array", "mask", "stop", "ellipsis"]))
        length = SHAPE[dim]
        if kind == "stop":
            break
        if kind == "none":
            if sum(item is None for item in items) < 2:
                items.append(None)
            continue
        if kind == "ellipsis":
            if Ellipsis in [item for item in items if not isinstance(item, np.ndarray)]:
                continue
            items.append(Ellipsis)
            dim = draw(st.integers(dim, len(SHAPE)))
            if dim < len(SHAPE):
                # What the ellipsis skips is settled by what comes after it.
                items += [draw(st.integers(0, SHAPE[d] - 1)) for d in range(dim, len(SHAPE))]
            break
        if kind == "int":
            items.append(draw(st.integers(-length, length - 1)))
        elif kind == "slice":
            bounds = st.none() | st.integers(-length - 1, length + 1)
            items.append(slice(draw(bounds), draw(bounds), draw(st.none() | st.integers(1, 3))))
        elif kind == "array":
            shape = draw(st.sampled_from([broadcast, (1,)]))
            values = draw(st.lists(st.integers(-length, length - 1), min_size=4, max_size=4))
            items.append(np.array(values[: int(np.prod(shape))]).reshape(shape))
        else:
            # Two true elements fit what the other index arrays have.
            mask = np.zeros(length, bool)
            mask[draw(st.permutations(range(length)))[: broadcast[-1]]] = True
            items.append(mask)
        dim += 1
    return tuple(items)


def for_library(library: Any, key: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(library.tensor(item) if isinstance(item, np.ndarray) else item for item in key)


@settings(max_examples=150, deadline=None)
@given(keys())
def test_any_index_gets_and_differentiates_as_in_torch(key: tuple[Any, ...]) -> None:
    data = np.arange(24.0).reshape(SHAPE) + 1
    results = []
    for library in (torch, rushlight):
        x = library.tensor(data, requires_grad=True)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            out = x[for_library(library, key)]
        (out * out).sum().backward()
        results.append((out.detach().numpy(), x.grad.numpy(), out.is_contiguous()))
    np.testing.assert_array_equal(results[1][0], results[0][0], err_msg=repr(key))
    np.testing.assert_array_equal(results[1][1], results[0][1], err_msg=repr(key))
    assert results[1][0].shape == results[0][0].shape


@settings(max_examples=150, deadline=None)
@given(keys(), st.booleans())
def test_any_index_assigns_and_differentiates_as_in_torch(key: tuple[Any, ...], tracked: bool) -> None:
    data = np.arange(24.0).reshape(SHAPE) + 1
    results = []
    for library in (torch, rushlight):
        x = library.tensor(data, requires_grad=tracked)
        out = x * 2
        index = for_library(library, key)
        shape = tuple(out[index].shape)
        value = library.tensor(np.full(shape[-1:], 3.0), requires_grad=tracked)
        out[index] = value
        grads = []
        if tracked:
            (out * out).sum().backward()
            grads = [x.grad.numpy()]
        results.append([out.detach().numpy(), *grads])
    for ours, theirs in zip(results[1], results[0], strict=True):
        np.testing.assert_array_equal(ours, theirs, err_msg=repr(key))
