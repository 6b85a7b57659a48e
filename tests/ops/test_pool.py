"""Pooling: by hand, finite differences of first and second order."""

from __future__ import annotations

import numpy as np
import pytest

import rushlight as torch
from rushlight.autograd.gradcheck import gradcheck, gradgradcheck

F = torch.nn.functional


def drawn(*shape: int):
    """No two elements closer than a finite difference reaches."""
    values = np.random.default_rng(0).permutation(int(np.prod(shape))).reshape(shape) / 10.0
    return torch.tensor(values).requires_grad_()


CASES = {
    "max 1d": (lambda x: F.max_pool1d(x, 3, 2, 1), (2, 3, 7)),
    "max 1d unbatched": (lambda x: F.max_pool1d(x, 2, 1, 0, 2), (3, 7)),
    "max 2d": (lambda x: F.max_pool2d(x, (2, 3), (2, 1), (1, 0)), (2, 2, 5, 6)),
    "max 2d ceil": (lambda x: F.max_pool2d(x, 2, 2, 0, 2, True), (2, 5, 6)),
    "max 3d": (lambda x: F.max_pool3d(x, 2, 1), (1, 2, 3, 4, 3)),
    "avg 1d": (lambda x: F.avg_pool1d(x, 3, 2, 1, True, False), (2, 3, 7)),
    "avg 2d": (lambda x: F.avg_pool2d(x, (2, 3), (2, 1), (1, 0)), (2, 2, 5, 6)),
    "avg 2d divisor": (lambda x: F.avg_pool2d(x, 3, 2, 1, True, False, 5), (2, 5, 6)),
    "avg 3d": (lambda x: F.avg_pool3d(x, 2, 1), (1, 2, 3, 4, 3)),
    "adaptive max 1d": (lambda x: F.adaptive_max_pool1d(x, 3), (2, 3, 7)),
    "adaptive max 2d": (lambda x: F.adaptive_max_pool2d(x, (2, None)), (2, 5, 3)),
    "adaptive max 3d": (lambda x: F.adaptive_max_pool3d(x, 2), (1, 2, 3, 4, 3)),
    "adaptive avg 1d": (lambda x: F.adaptive_avg_pool1d(x, 3), (2, 3, 7)),
    "adaptive avg 2d": (lambda x: F.adaptive_avg_pool2d(x, (2, 7)), (2, 5, 3)),
    "adaptive avg 2d whole": (lambda x: F.adaptive_avg_pool2d(x, 1), (2, 2, 5, 3)),
    "adaptive avg 3d": (lambda x: F.adaptive_avg_pool3d(x, 2), (1, 2, 3, 4, 3)),
}


@pytest.mark.parametrize("name", CASES)
def test_gradients(name):
    function, shape = CASES[name]
    x = drawn(*shape)
    assert gradcheck(function, (x,))
    assert gradgradcheck(function, (x,))


def test_max_by_hand():
    x = torch.tensor([[[1.0, 3.0, 3.0, -1.0], [2.0, 0.0, 5.0, 4.0]]])
    values, indices = F.max_pool2d(x, 2, return_indices=True)
    assert values.tolist() == [[[3.0, 5.0]]]
    assert indices.tolist() == [[[1, 6]]]
    values, indices = F.max_pool2d(x, (1, 3), 1, (0, 1), return_indices=True)
    assert values.tolist() == [[[3.0, 3.0, 3.0, 3.0], [2.0, 5.0, 5.0, 5.0]]]
    assert indices.tolist() == [[[1, 1, 1, 2], [4, 6, 6, 6]]]


def test_max_gradient_goes_to_the_first_of_equal_elements_and_adds_up():
    x = torch.tensor([[2.0, 2.0, 1.0]], requires_grad=True)
    F.max_pool1d(x, 2, 1).backward(torch.tensor([[1.0, 10.0]]))
    assert x.grad.tolist() == [[1.0, 10.0, 0.0]]
    x = torch.tensor([[1.0, 5.0, 2.0]], requires_grad=True)
    F.max_pool1d(x, 2, 1).backward(torch.tensor([[1.0, 10.0]]))
    assert x.grad.tolist() == [[0.0, 11.0, 0.0]]


def test_ceil_mode_drops_a_window_that_begins_in_the_right_padding():
    x = torch.arange(5.0).view(1, 5)
    assert F.max_pool1d(x, 2, 2, ceil_mode=True).tolist() == [[1.0, 3.0, 4.0]]
    assert F.max_pool1d(x[:, :4], 2, 3, 1, ceil_mode=True).tolist() == [[0.0, 3.0]]


def test_average_by_hand():
    x = torch.tensor([[1.0, 2.0, 3.0, 4.0, 5.0]])
    assert F.avg_pool1d(x, 2, 2, 1, True).tolist() == [[0.5, 2.5, 4.5]]
    assert F.avg_pool1d(x, 3, 3, 1, True, False).tolist() == [[1.5, 4.0]]
    assert F.avg_pool2d(x.view(1, 1, 5), (1, 5), divisor_override=3).tolist() == [[[5.0]]]


def test_adaptive_windows_overlap_where_they_must():
    x = torch.tensor([[1.0, 2.0, 3.0, 4.0, 6.0]])
    assert F.adaptive_avg_pool1d(x, 3).tolist() == [[1.5, 3.0, 5.0]]
    assert F.adaptive_max_pool1d(x, 3, True)[1].tolist() == [[1, 3, 4]]


def test_indices_have_no_gradient():
    values, indices = F.max_pool2d(drawn(1, 4, 4), 2, return_indices=True)
    assert values.requires_grad
    assert not indices.requires_grad
    assert indices.dtype is torch.int64


def test_returned_indices_changed_in_place_are_noticed():
    values, indices = F.max_pool2d(drawn(1, 4, 4), 2, return_indices=True)
    indices.zero_()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        values.sum().backward()


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_low_precision_is_rounded_once(dtype):
    kind = getattr(torch, dtype)
    x = torch.ones(1, 64, 64, dtype=kind)
    x[0, 0, 0] = 300
    expected = torch.tensor((4095 + 300) / 4096).to(kind).item()
    assert F.avg_pool2d(x, 64).item() == expected
    assert F.adaptive_avg_pool2d(x, 1).item() == pytest.approx(expected, rel=1e-2)


@pytest.mark.parametrize("function", [F.max_pool2d, F.avg_pool2d])
def test_errors_say_what_came(function):
    with pytest.raises(TypeError, match="must be Tensor, not list"):
        function([[1.0]], 2)
    with pytest.raises(TypeError, match="'padding'"):
        function(drawn(1, 4, 4), 2, padding="a")
    with pytest.raises(RuntimeError, match="Output size is too small"):
        function(drawn(1, 1, 1), 2)
    with pytest.raises(RuntimeError, match="stride should be greater than zero"):
        function(drawn(1, 4, 4), 2, -1)
