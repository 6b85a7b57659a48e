"""Convolution: against loops over the definition, finite differences of first and second order, and by hand."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import rushlight as torch
from rushlight.autograd.gradcheck import gradcheck, gradgradcheck

F = torch.nn.functional

# input, weight, (stride, padding, dilation, groups)
CASES = {
    "1d": ((2, 2, 7), (3, 2, 3), ((2,), (1,), (1,), 1)),
    "1d unbatched": ((2, 7), (3, 2, 2), ((1,), (0,), (2,), 1)),
    "2d": ((2, 1, 5, 6), (2, 1, 3, 2), ((1, 2), (1, 0), (1, 1), 1)),
    "2d groups": ((1, 4, 5, 5), (6, 2, 2, 3), ((2, 1), (1, 2), (2, 1), 2)),
    "2d depthwise": ((2, 3, 4, 5), (3, 1, 3, 3), ((1, 1), (1, 1), (1, 1), 3)),
    "2d unbatched": ((2, 4, 5), (1, 2, 1, 3), ((3, 2), (0, 1), (1, 1), 1)),
    "3d": ((1, 2, 4, 3, 4), (2, 2, 2, 1, 3), ((2, 1, 1), (0, 1, 1), (1, 1, 1), 1)),
}


def drawn(*shapes: tuple[int, ...]) -> list:
    rng = np.random.default_rng(0)
    return [torch.tensor(rng.standard_normal(shape)).requires_grad_() for shape in shapes]


def by_loops(x, w, b, stride, padding, dilation, groups):
    """The definition: one product at a time."""
    sizes, kernel = x.shape[2:], w.shape[2:]
    geometry = list(zip(sizes, kernel, stride, padding, dilation, strict=True))
    outputs = [(n + 2 * p - d * (k - 1) - 1) // s + 1 for n, k, s, p, d in geometry]
    y = np.zeros((len(x), len(w), *outputs)) + b.reshape(-1, *[1] * len(outputs))
    each = len(w) // groups
    for n, o, place in itertools.product(range(len(x)), range(len(w)), np.ndindex(*outputs)):
        for c, tap in itertools.product(range(w.shape[1]), np.ndindex(*kernel)):
            at = [i * s - p + k * d for i, k, (_, _, s, p, d) in zip(place, tap, geometry, strict=True)]
            if all(0 <= a < size for a, size in zip(at, sizes, strict=True)):
                y[(n, o, *place)] += w[(o, c, *tap)] * x[(n, o // each * w.shape[1] + c, *at)]
    return y


@pytest.mark.parametrize("name", CASES)
def test_conv_is_its_definition(name):
    shape, weight_shape, settings = CASES[name]
    rank = len(weight_shape) - 2
    x, w, b = drawn(shape, weight_shape, (weight_shape[0],))
    y = getattr(F, f"conv{rank}d")(x, w, b, *settings)
    batched = x.detach().numpy().reshape(-1, *shape[-rank - 1 :])
    expected = by_loops(batched, w.detach().numpy(), b.detach().numpy(), *settings)
    np.testing.assert_allclose(y.detach().numpy().reshape(expected.shape), expected, atol=1e-12)


@pytest.mark.parametrize("name", CASES)
def test_conv_gradients(name):
    shape, weight_shape, settings = CASES[name]
    conv = getattr(F, f"conv{len(weight_shape) - 2}d")
    inputs = drawn(shape, weight_shape, (weight_shape[0],))
    assert gradcheck(lambda x, w, b: conv(x, w, b, *settings), inputs)
    assert gradgradcheck(lambda x, w, b: conv(x, w, b, *settings), inputs)


@pytest.mark.parametrize("name", CASES)
def test_conv_transpose_is_the_adjoint(name):
    """<conv(x), y> = <x, conv_transpose(y)>, for the size that conv came from."""
    shape, weight_shape, (stride, padding, dilation, groups) = CASES[name]
    rank = len(weight_shape) - 2
    x, w = drawn(shape, weight_shape)
    forward = getattr(F, f"conv{rank}d")(x, w, None, stride, padding, dilation, groups)
    (y,) = drawn(tuple(forward.shape))
    settings = zip(shape[-rank:], weight_shape[2:], stride, padding, dilation, strict=True)
    extra = tuple((n + 2 * p - d * (k - 1) - 1) % s for n, k, s, p, d in settings)
    back = getattr(F, f"conv_transpose{rank}d")(y, w, None, stride, padding, extra, groups, dilation)
    assert back.shape == x.shape
    assert (forward * y).sum().item() == pytest.approx((x * back).sum().item())


@pytest.mark.parametrize("name", ["1d", "2d", "2d groups", "2d unbatched"])
def test_conv_transpose_gradients(name):
    shape, weight_shape, (stride, padding, dilation, groups) = CASES[name]
    rank = len(weight_shape) - 2
    lead = shape[: -rank - 1]
    inputs = drawn((*lead, weight_shape[0], *[3] * rank), weight_shape, (weight_shape[1] * groups,))
    conv = getattr(F, f"conv_transpose{rank}d")
    assert gradcheck(lambda x, w, b: conv(x, w, b, stride, padding, 0, groups, dilation), inputs)
    assert gradgradcheck(lambda x, w, b: conv(x, w, b, stride, padding, 0, groups, dilation), inputs)


def test_by_hand():
    x = torch.tensor([[[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]]]])
    w = torch.tensor([[[[1.0, 0.0], [0.0, -1.0]]]])
    assert F.conv2d(x, w).tolist() == [[[[-4.0, -4.0], [-4.0, -4.0]]]]
    assert F.conv2d(x, w, torch.tensor([5.0]), stride=2, padding=1).tolist() == [[[[4.0, 2.0], [-2.0, 1.0]]]]
    assert F.conv_transpose2d(x[:, :, :1, :2], w).tolist() == [[[[1.0, 2.0, 0.0], [0.0, -1.0, -2.0]]]]


def test_only_what_is_needed_is_computed():
    x, w, b = drawn((2, 1, 4, 4), (2, 1, 3, 3), (2,))
    F.conv2d(x.detach(), w, b).sum().backward()
    assert x.grad is None
    np.testing.assert_allclose(b.grad.numpy(), [8.0, 8.0])
    F.conv2d(x, w.detach()).sum().backward()
    np.testing.assert_allclose(x.grad[0, 0, 0, 0].item(), w.detach().numpy()[:, 0, 0, 0].sum())


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_low_precision_is_rounded_once(dtype):
    """Sums of many small numbers, which would be lost if they were rounded on the way."""
    kind = getattr(torch, dtype)
    x, w = torch.ones(1, 300, 4, 4, dtype=kind), torch.full((1, 300, 3, 3), 1 / 512, dtype=kind)
    expected = torch.tensor(2700 / 512).to(kind).item()
    assert F.conv2d(x, w)[0, 0, 0, 0].item() == expected
    assert F.conv2d(x, w).dtype is kind


def test_complex_gradient_conjugates():
    x = torch.tensor([[[1 + 2j, 3 - 1j]]]).requires_grad_()
    w = torch.tensor([[[2 - 1j]]]).requires_grad_()
    F.conv1d(x, w).backward(torch.tensor([[[1 + 0j, 1j]]]))
    np.testing.assert_allclose(x.grad.numpy(), [[[2 + 1j, (2 + 1j) * 1j]]])
    np.testing.assert_allclose(w.grad.numpy(), [[[(1 - 2j) + (3 + 1j) * 1j]]])


def test_settings_may_be_lists():
    x, w = drawn((1, 1, 5, 5), (1, 1, 2, 2))
    assert F.conv2d(x, w, None, [2, 1], [1, 0], [1]).shape == F.conv2d(x, w, None, (2, 1), (1, 0), 1).shape


def test_weight_of_another_rank_says_so():
    x, w = drawn((1, 1, 5, 5), (1, 1, 2))
    with pytest.raises(RuntimeError, match=r"Expected a 4D weight .* but got weight of size \[1, 1, 2\]"):
        F.conv2d(x, w)


def test_saved_input_changed_in_place_is_noticed():
    x, w = drawn((1, 1, 3, 3), (1, 1, 2, 2))
    kept = x * 1
    y = F.conv2d(kept, w)
    kept.add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()
