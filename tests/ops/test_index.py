"""Indexing, assignment, gathering and scattering: against NumPy and finite differences."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import rushlight as torch
from rushlight.autograd import gradcheck, gradgradcheck

A = np.arange(24.0).reshape(2, 3, 4)


@settings(max_examples=100, deadline=None)
@given(hnp.basic_indices(A.shape, allow_newaxis=True), st.floats(-5, 5))
def test_basic_indices_read_and_write_as_numpy(key: Any, value: float) -> None:
    parts = key if isinstance(key, tuple) else (key,)
    if any(isinstance(part, slice) and part.step is not None and part.step < 0 for part in parts):
        return
    x = torch.tensor(A)
    np.testing.assert_array_equal(x[key].numpy(), A[key])
    expected = A.copy()
    expected[key] = value
    x[key] = value
    np.testing.assert_array_equal(x.numpy(), expected)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(-3, 2), min_size=1, max_size=5), st.integers(0, 2))
def test_index_tensors_read_write_and_add_as_numpy(places: list[int], dim: int) -> None:
    places = [max(-A.shape[dim], min(place, A.shape[dim] - 1)) for place in places]
    key = (slice(None),) * dim
    x = torch.tensor(A, requires_grad=True)
    out = x[(*key, torch.tensor(places))]
    np.testing.assert_array_equal(out.detach().numpy(), A[(*key, places)])
    out.sum().backward()
    expected = np.zeros_like(A)
    np.add.at(expected, (*key, np.array(places)), 1.0)
    np.testing.assert_array_equal(x.grad.numpy(), expected)


@settings(max_examples=50, deadline=None)
@given(hnp.arrays(bool, A.shape))
def test_masks_read_and_write_as_numpy(mask: np.ndarray) -> None:
    x = torch.tensor(A, requires_grad=True)
    x[torch.tensor(mask)].sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), mask.astype(float))
    y = torch.tensor(A)
    y[torch.tensor(mask)] = -1.0
    np.testing.assert_array_equal(y.numpy(), np.where(mask, -1.0, A))


def test_ints_are_no_index_tensors_for_the_place_of_the_result() -> None:
    x = torch.tensor(A)
    assert x[0, :, [0, 1]].shape == (3, 2)
    assert x[[0, 1], :, [0, 1]].shape == (2, 3)


def test_basic_index_is_a_view_and_advanced_a_contiguous_copy() -> None:
    x = torch.tensor(A)
    assert x[0, 1:].data_ptr() == x.data_ptr() + 4 * 8
    copy = x[:, [0, 2]]
    copy.zero_()
    assert copy.is_contiguous() and x.tolist() == A.tolist()
    element = x[0, 0, 0]
    element.fill_(5)
    assert x[0, 0, 0].item() == 5


@pytest.mark.parametrize(
    ("key", "name"),
    [
        (0, "SelectBackward0"), (slice(1), "SliceBackward0"), (None, "UnsqueezeBackward0"),
        (Ellipsis, "AliasBackward0"),
        ((0, slice(1)), "SliceBackward0"), ((slice(1), 0), "SelectBackward0"), ([0], "IndexBackward0"),
    ],
)  # fmt: skip
def test_history_is_named_after_the_last_step(key: Any, name: str) -> None:
    assert type(torch.ones(2, 3, requires_grad=True)[key].grad_fn).__name__ == name


I2 = torch.tensor([[0, 1, 1], [1, 0, 0]])
I1 = torch.tensor([1, 0, 1])
MASK = torch.tensor([[True, False, True], [False, False, True]])

PROGRAMS: dict[str, Any] = {
    "index": lambda x, y: x[I1[:2], I1[1:]] * 2,
    "gather": lambda x, y: x.gather(0, I2),
    "scatter": lambda x, y: x.scatter(1, torch.tensor([[0, 2], [1, 0]]), y[:, :2]),
    "scatter_add": lambda x, y: x.scatter_add(0, I2, y),
    "scatter_reduce mean": lambda x, y: x.scatter_reduce(0, I2, y, "mean"),
    "scatter_reduce prod": lambda x, y: x.scatter_reduce(0, I2, y, "prod", include_self=False),
    "scatter_reduce amax": lambda x, y: x.scatter_reduce(0, I2, y, "amax"),
    "scatter smaller": lambda x, y: x.scatter_add(0, I2[:1, :2], y),
    "index_select": lambda x, y: x.index_select(1, I1),
    "index_add": lambda x, y: x.index_add(1, I1, y, alpha=3),
    "index_copy": lambda x, y: x.index_copy(1, torch.tensor([2, 0, 1]), y),
    "index_fill": lambda x, y: x.index_fill(1, I1, 2.0),
    "index_put": lambda x, y: x.index_put((torch.tensor([1, 0]),), y),
    "index_put accumulate": lambda x, y: x.index_put((torch.tensor([1, 1]),), y, accumulate=True),
    "masked_select": lambda x, y: x.masked_select(MASK),
    "masked_scatter": lambda x, y: x.masked_scatter(MASK, y),
    "take": lambda x, y: x.take(torch.tensor([0, 5, 5])),
    "put": lambda x, y: x.put(torch.tensor([0, 1, 2, 3, 4, 5]), y),
    "take_along_dim": lambda x, y: torch.take_along_dim(x, torch.tensor([[1], [0]]), 1),
}


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS)
def test_gradients_are_right_to_second_order(program: Any) -> None:
    rng = np.random.default_rng(1)
    x, y = (torch.tensor(rng.uniform(0.5, 2, (2, 3)), requires_grad=True) for _ in range(2))
    assert gradcheck(lambda x, y: program(x, y) ** 2, (x, y))
    assert gradgradcheck(lambda x, y: program(x, y) ** 2 * y.sum(), (x, y))


def test_assignment_is_differentiable() -> None:
    def program(x: Any, y: Any) -> Any:
        out = x * 1
        out[0] = y[0] * 2
        out[:, torch.tensor([2])] = y[:, :1]
        out[MASK] = 3.0
        out[1, 1] = y.sum()
        return out * out

    rng = np.random.default_rng(2)
    x, y = (torch.tensor(rng.standard_normal((2, 3)), requires_grad=True) for _ in range(2))
    assert gradcheck(program, (x, y))
    assert gradgradcheck(program, (x, y))


def test_fill_copy_and_zero_cut_or_carry_gradients() -> None:
    x, v, s = (
        torch.ones(2, 2, requires_grad=True),
        torch.tensor(3.0, requires_grad=True),
        torch.ones(2, requires_grad=True),
    )
    (x * 1).fill_(v).sum().backward()
    assert x.grad.tolist() == [[0, 0], [0, 0]] and v.grad.item() == 4
    (x * 1).copy_(s).sum().backward()
    assert s.grad.tolist() == [2, 2]
    assert (x * 1).zero_().tolist() == [[0, 0], [0, 0]]


def test_changing_the_indices_before_backward_is_an_error() -> None:
    x, i = torch.ones(3, requires_grad=True), torch.tensor([0, 1])
    y = x[i]
    i.add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()


def test_nonzero_finds_places() -> None:
    x = torch.tensor([[0, 2], [3, 0]])
    assert x.nonzero().tolist() == [[0, 1], [1, 0]]
    assert [part.tolist() for part in x.nonzero(as_tuple=True)] == [[0, 1], [1, 0]]
    assert torch.nonzero_static(x, size=3).tolist() == [[0, 1], [1, 0], [-1, -1]]


@pytest.mark.parametrize(
    ("program", "error", "text"),
    [
        (lambda x: x[5], IndexError, "index 5 is out of bounds for dimension 0 with size 2"),
        (lambda x: x[0, 0, 0], IndexError, "too many indices for tensor of dimension 2"),
        (lambda x: x[::-1], ValueError, "step must be greater than zero"),
        (lambda x: x[1.5], IndexError, "only integers, slices"),
        (lambda x: x[[0, 7]], IndexError, "index 7 is out of bounds"),
        (lambda x: x[torch.tensor([True])], IndexError, r"The shape of the mask \[1\] at index 0"),
        (lambda x: x.__setitem__(0, torch.ones(2)), RuntimeError, r"must match the existing size \(2\)"),
        (lambda x: x.__setitem__(0, "a"), TypeError, "can't assign a str to a torch.FloatTensor"),
        (
            lambda x: x.gather(1, torch.tensor([[5]])),
            RuntimeError,
            "index 5 is out of bounds for dimension 1 with size 3",
        ),
        (
            lambda x: x.scatter(0, torch.tensor([[2]]), 1.0),
            RuntimeError,
            "index 2 is out of bounds for dimension 0 with size 2",
        ),
        (lambda x: x.index_select(0, torch.tensor([2])), IndexError, "index out of range in self"),
        (lambda x: x.take(torch.tensor([6])), IndexError, "tried to access index 6 on a tensor of 6 elements"),
        (lambda x: x.fill_(torch.ones(2)), RuntimeError, "only supports 0-dimension value tensor"),
        (
            lambda x: x.copy_(torch.ones(4)),
            RuntimeError,
            r"The size of tensor a \(3\) must match the size of tensor b \(4\)",
        ),
    ],
)
def test_bad_arguments_say_what_was_expected(program: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        program(torch.ones(2, 3))
