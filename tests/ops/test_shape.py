"""Views: what memory they share, and that gradients and writes pass through them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import rushlight as torch
from rushlight.autograd import gradcheck, gradgradcheck

VIEWS: dict[str, Callable[[Any], Any]] = {
    "view": lambda x: x.view(6, 4),
    "reshape": lambda x: x.reshape(4, 6),
    "permute": lambda x: x.permute(2, 0, 1),
    "transpose": lambda x: x.transpose(0, 2),
    "mT": lambda x: x.mT,
    "movedim": lambda x: x.movedim(0, 2),
    "flatten": lambda x: x.flatten(1),
    "unflatten": lambda x: x.unflatten(2, (2, 2)),
    "squeeze": lambda x: x[:, :1].squeeze(1),
    "unsqueeze": lambda x: x.unsqueeze(1),
    "narrow": lambda x: x.narrow(1, 1, 2),
    "select": lambda x: x.select(2, 1),
    "diagonal": lambda x: x.diagonal(0, 1, 2),
    "as_strided": lambda x: x.as_strided((2, 3), (12, 1), 2),
    "split": lambda x: x.tensor_split(2, 2)[1],
    "index": lambda x: x[1, None, ..., 1:3],
    "step": lambda x: x[:, ::2],
}


def made() -> Any:
    return torch.arange(24.0, dtype=torch.float64).reshape(2, 3, 4)


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
def test_a_write_through_a_view_reaches_its_base(view: Callable[[Any], Any]) -> None:
    x = made()
    v = view(x)
    assert v._base is not None
    before = x.clone()
    v.add_(100)
    changed = (x != before).sum().item()
    assert changed == v.numel()
    assert x._version == v._version > 0


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
def test_a_write_to_the_base_is_seen_by_a_view(view: Callable[[Any], Any]) -> None:
    x = made()
    v = view(x)
    x.zero_()
    assert not v.any()


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
def test_gradients_of_a_view_are_right_to_second_order(view: Callable[[Any], Any]) -> None:
    x = (made() / 10).requires_grad_()
    assert gradcheck(lambda x: view(x) ** 2, (x,))
    assert gradgradcheck(lambda x: view(x) ** 3, (x,))


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
def test_a_recorded_write_to_a_view_gives_the_base_the_right_gradient(view: Callable[[Any], Any]) -> None:
    x = (made() / 10 + 1).requires_grad_()

    def program(x: Any) -> Any:
        y = x * 1
        view(y).mul_(3)
        return y * y

    assert gradcheck(program, (x,))


def test_reshape_copies_only_where_memory_forces_it() -> None:
    x = made()
    assert x.reshape(4, 6).data_ptr() == x.data_ptr()
    copy = x.transpose(0, 2).reshape(24)
    assert copy.data_ptr() != x.data_ptr() and copy._base is None
    assert copy.tolist() == made().permute(2, 1, 0).flatten().tolist()


def test_strides_count_elements() -> None:
    x = made()
    assert x.stride() == (12, 4, 1)
    assert x.permute(2, 0, 1).stride() == (1, 12, 4)
    assert x.unsqueeze(0).stride() == (24, 12, 4, 1)
    assert x[0, 0].expand(2, 4).stride() == (0, 1)
    assert torch.zeros(2, 0, 3).stride() == (3, 3, 1)
    assert torch.zeros(2, 3).unsqueeze(-1).stride() == (3, 1, 1)


def test_expand_repeats_without_memory_and_cannot_be_written_to_twice() -> None:
    x = torch.tensor([[1.0], [2.0]])
    wide = x.expand(2, 3)
    assert wide.tolist() == [[1, 1, 1], [2, 2, 2]]
    assert wide.data_ptr() == x.data_ptr()
    with pytest.raises(
        RuntimeError, match="more than one element of the written-to tensor refers to a single memory location"
    ):
        wide.add_(1)


def test_view_of_another_dtype_reads_the_same_bytes() -> None:
    x = torch.tensor([1.0, -2.0])
    bits = x.view(torch.int32)
    assert bits.tolist() == np.array([1.0, -2.0], np.float32).view(np.int32).tolist()
    bits[0] = 0
    assert x.tolist() == [0.0, -2.0]
    assert torch.zeros(2, 4, dtype=torch.uint8).view(torch.float32).shape == (2, 1)


def test_unfold_with_overlap_adds_gradients_up() -> None:
    x = torch.ones(5, requires_grad=True)
    x.unfold(0, 3, 1).sum().backward()
    assert x.grad.tolist() == [1, 2, 3, 2, 1]


def test_outputs_of_split_cannot_be_changed_in_place_while_recording() -> None:
    x = torch.ones(4, requires_grad=True) * 1
    first, _ = x.split(2)
    with pytest.raises(RuntimeError, match="is the output of a function that returns multiple views"):
        first.add_(1)


def test_in_place_transposition_keeps_memory_and_history() -> None:
    x = torch.tensor([[1.0, 2.0, 3.0]], requires_grad=True)
    y = (x * 2).t_()
    assert y.shape == (3, 1) and type(y.grad_fn).__name__ == "TBackward1"
    (y * torch.tensor([[1.0], [10.0], [100.0]])).sum().backward()
    assert x.grad.tolist() == [[2, 20, 200]]


def test_resize_keeps_elements_and_grows() -> None:
    x = torch.arange(4.0)
    assert x.resize_(2, 2).tolist() == [[0, 1], [2, 3]]
    assert x.resize_(3).tolist() == [0, 1, 2]
    assert x.resize_(2, 4).shape == (2, 4)
    assert x.flatten()[:3].tolist() == [0, 1, 2]


def test_set_shares_the_memory_of_another_tensor() -> None:
    x, y = torch.zeros(1), torch.arange(6.0)
    x.set_(y)
    x[0] = 9
    assert y[0] == 9 and x.is_set_to(y)
    x.set_(y, 1, (2, 2))
    assert x.tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize(
    ("program", "error", "text"),
    [
        (lambda x: x.view(7), RuntimeError, r"shape '\[7\]' is invalid for input of size 24"),
        (lambda x: x.transpose(0, 1).view(24), RuntimeError, "Use .reshape"),
        (lambda x: x.expand(3), RuntimeError, "must be greater or equal to the number of dimensions"),
        (
            lambda x: x.transpose(0, 3),
            IndexError,
            r"Dimension out of range \(expected to be in range of \[-3, 2\], but got 3\)",
        ),
        (lambda x: x.permute(0, 0, 1), RuntimeError, "duplicate dims"),
        (lambda x: x.as_strided((25,), (1,)), RuntimeError, "out of bounds for storage of size"),
        (lambda x: x.unfold(0, 3, 1), RuntimeError, "maximum size for tensor at dimension 0 is 2 but size is 3"),
        (lambda x: x.squeeze((0, 0)), RuntimeError, "dim 0 appears multiple times"),
    ],
)
def test_bad_arguments_say_what_was_expected(program: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        program(made())


def test_the_gradients_of_projections_are_put_together_in_any_order_of_memory() -> None:
    # Attention's gradients may lie in one block already; sums of them, or of two of the three, don't.
    x = torch.randn(2, 5, 3 * 4 * 8, dtype=torch.float64, requires_grad=True)

    def attended(x: Any, used: int) -> Any:
        q, k, v = (x * 2).view(2, 5, 3, 4, 8).permute(2, 0, 3, 1, 4)
        out = torch.nn.functional.scaled_dot_product_attention(q, k, v if used == 3 else k)
        return out if used < 4 else out + v

    for used in (2, 3, 4):
        assert gradcheck(lambda x, used=used: attended(x, used), (x,))
