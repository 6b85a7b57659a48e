"""Padding: against numpy.pad, finite differences of first and second order, and by hand."""

from __future__ import annotations

import numpy as np
import pytest

import rushlight as torch
from rushlight.autograd.gradcheck import gradcheck, gradgradcheck

F = torch.nn.functional
NUMPY_MODES = {"constant": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}


@pytest.mark.parametrize("mode", NUMPY_MODES)
@pytest.mark.parametrize(
    ("shape", "pads"),
    [
        ((3, 5), (2, 1)),
        ((2, 3, 5), (0, 4)),
        ((3, 4, 5), (1, 2, 3, 0)),
        ((2, 3, 4, 5), (4, 4, 0, 1)),
        ((2, 2, 3, 4, 5), (1, 2, 2, 1, 1, 0)),
    ],
)
def test_equals_numpy(mode, shape, pads):
    x = np.random.default_rng(0).standard_normal(shape)
    widths = [(0, 0)] * (len(shape) - len(pads) // 2) + [(pads[i], pads[i + 1]) for i in range(len(pads) - 2, -1, -2)]
    expected = np.pad(x, widths, NUMPY_MODES[mode])
    np.testing.assert_array_equal(F.pad(torch.tensor(x), pads, mode).numpy(), expected)


@pytest.mark.parametrize("mode", NUMPY_MODES)
@pytest.mark.parametrize("pads", [(2, 1), (-1, 2), (3, -2), (1, 2, -1, 2)])
def test_gradients(mode, pads):
    x = torch.tensor(np.random.default_rng(0).standard_normal((2, 4, 5))).requires_grad_()
    assert gradcheck(lambda x: F.pad(x, pads, mode), (x,))
    assert gradgradcheck(lambda x: F.pad(x, pads, mode), (x,))


def test_negative_pads_crop():
    x = torch.arange(5.0)
    assert F.pad(x, (-1, -2)).tolist() == [1.0, 2.0]
    assert F.pad(x, (-2, 1), value=9.0).tolist() == [2.0, 3.0, 4.0, 9.0]
    assert F.pad(x.view(1, 5), (-1, 2), "replicate").tolist() == [[1.0, 2.0, 3.0, 4.0, 4.0, 4.0]]
    assert F.pad(x.view(1, 5), (2, -1), "circular").tolist() == [[2.0, 3.0, 0.0, 1.0, 2.0, 3.0]]
    assert F.pad(x.view(1, 5), (-4, 3), "replicate").tolist() == [[4.0, 4.0, 4.0, 4.0]]


def test_cropped_elements_have_no_gradient():
    x = torch.ones(4, requires_grad=True)
    F.pad(x, (-1, 2)).sum().backward()
    assert x.grad.tolist() == [0.0, 1.0, 1.0, 1.0]


def test_reflected_elements_add_their_gradients():
    x = torch.ones(1, 3, requires_grad=True)
    F.pad(x, (2, 2), "reflect").sum().backward()
    assert x.grad.tolist() == [[2.0, 3.0, 2.0]]


def test_no_pads_is_a_copy():
    x = torch.ones(3)
    y = F.pad(x, ())
    y.add_(1)
    assert x.tolist() == [1.0, 1.0, 1.0]


def test_errors_say_what_came():
    with pytest.raises(
        RuntimeError, match="size 5, plus negative padding -3 and -3 resulted in a negative output size"
    ):
        F.pad(torch.zeros(5), (-3, -3))
    with pytest.raises(TypeError, match="must be Tensor, not list"):
        F.pad([1.0], (1, 1), "reflect")
    with pytest.raises(TypeError, match="must be tuple of ints, not str"):
        F.pad(torch.zeros(5), "ab")
