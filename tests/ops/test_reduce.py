"""Reductions and running results: values against NumPy, types, gradients, empty tensors, errors."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import rushlight as torch
from rushlight.autograd.gradcheck import gradcheck, gradgradcheck

DATA = np.random.default_rng(5).standard_normal((3, 4, 2))

REFERENCES: dict[str, Any] = {
    "sum": np.sum,
    "mean": np.mean,
    "prod": np.prod,
    "amax": np.max,
    "amin": np.min,
    "var": lambda a, axis=None, keepdims=False: np.var(a, axis=axis, keepdims=keepdims, ddof=1),
    "std": lambda a, axis=None, keepdims=False: np.std(a, axis=axis, keepdims=keepdims, ddof=1),
    "logsumexp": lambda a, axis=None, keepdims=False: np.log(np.sum(np.exp(a), axis=axis, keepdims=keepdims)),
    "norm": lambda a, axis=None, keepdims=False: np.sqrt(np.sum(a * a, axis=axis, keepdims=keepdims)),
}


@pytest.mark.parametrize("keepdim", [False, True])
@pytest.mark.parametrize("dim", [0, 1, -1, (0, 2), (0, 1, 2), None])
@pytest.mark.parametrize("name", REFERENCES)
def test_values(name: str, dim: Any, keepdim: bool) -> None:
    if name == "prod" and not isinstance(dim, int):
        dim = 1
    ours = getattr(torch.tensor(DATA), name)(dim=dim, keepdim=keepdim)
    np.testing.assert_allclose(ours.numpy(), REFERENCES[name](DATA, axis=dim, keepdims=keepdim), rtol=1e-12)


@pytest.mark.parametrize(
    ("dtype", "total", "product"),
    [
        (torch.int32, torch.int64, torch.int64),
        (torch.bool, torch.int64, torch.int64),
        (torch.uint8, torch.int64, torch.int64),
        (torch.float16, torch.float16, torch.float16),
        (torch.bfloat16, torch.bfloat16, torch.bfloat16),
    ],
)
def test_types(dtype: Any, total: Any, product: Any) -> None:
    x = torch.ones(3, dtype=dtype)
    assert (x.sum().dtype, x.prod().dtype, x.cumsum(0).dtype) == (total, product, total)
    assert x.sum(dtype=torch.float64).dtype is torch.float64


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_narrow_floats_are_added_up_in_float32(dtype: Any) -> None:
    assert torch.ones(4096, dtype=dtype).sum().item() == 4096
    assert torch.ones(4096, dtype=dtype).mean().item() == 1


def test_no_elements() -> None:
    none = torch.zeros(0, 3)
    assert none.sum().item() == 0
    assert none.prod().item() == 1
    assert math.isnan(none.mean().item())
    assert none.all().item() and not none.any().item()
    assert none.logsumexp(0).tolist() == [-math.inf] * 3
    assert tuple(none.amax(1).shape) == (0,)


def test_logsumexp_of_infinities() -> None:
    x = torch.tensor([[math.inf, 1.0], [-math.inf, -math.inf], [1000.0, 1000.0]])
    assert x.logsumexp(1).tolist() == pytest.approx([math.inf, -math.inf, 1000 + math.log(2)])


def test_results_without_dimensions_are_arrays() -> None:
    for value in (torch.ones(3).sum(), torch.ones(3).max(), torch.ones(3).max(0).values, torch.ones(2).argmax()):
        assert type(value._array) is np.ndarray
        assert value._array.shape == ()


GRADIENTS: dict[str, Any] = {
    "sum": lambda x: x.sum(1),
    "mean": lambda x: x.mean((0, 1)),
    "prod": lambda x: x.prod(1),
    "prod of zeros": lambda x: (x * torch.tensor([0.0, 1.0, 1.0], dtype=torch.float64)).prod(1),
    "cumprod of zeros": lambda x: (x * torch.tensor([1.0, 0.0, 1.0], dtype=torch.float64)).cumprod(1),
    "var": lambda x: x.var(0),
    "std": lambda x: x.std(),
    "var_mean": lambda x: torch.var_mean(x, 1),
    "std_mean": lambda x: torch.std_mean(x, 1),
    "amax": lambda x: x.amax(1),
    "min": lambda x: x.min(0).values,
    "max": lambda x: x.max(),
    "median": lambda x: x.median(1).values,
    "logsumexp": lambda x: x.logsumexp(1),
    "cumsum": lambda x: x.cumsum(1),
    "cummax": lambda x: x.cummax(1).values,
    "logcumsumexp": lambda x: x.logcumsumexp(1),
    "norm": lambda x: x.norm(3, dim=1),
    "nuclear norm": lambda x: x.norm("nuc"),
    "nansum": lambda x: x.nansum(0),
    "sort": lambda x: x.sort(1).values,
    "topk": lambda x: x.topk(2).values,
    "quantile": lambda x: x.quantile(0.3, dim=1),
}


@pytest.mark.parametrize("name", GRADIENTS)
def test_gradients(name: str) -> None:
    x = torch.tensor([[0.9, -1.3, 0.4], [2.1, 0.7, -0.6]], dtype=torch.float64, requires_grad=True)
    assert gradcheck(GRADIENTS[name], (x,))
    assert gradgradcheck(GRADIENTS[name], (x,))


def test_equal_extrema_share_the_gradient() -> None:
    x = torch.tensor([2.0, 1.0, 2.0], requires_grad=True)
    x.max().backward()
    assert x.grad.tolist() == [0.5, 0.0, 0.5]
    x.grad = None
    x.max(0).values.backward()
    assert x.grad.tolist() == [1.0, 0.0, 0.0]


def test_named_tuples() -> None:
    out = torch.tensor([[1.0, 3.0], [4.0, 2.0]]).max(1)
    assert repr(out) == "torch.return_types.max(\nvalues=tensor([3., 4.]),\nindices=tensor([1, 0]))"
    values, indices = out
    assert out.values is values and out[1] is indices
    with pytest.raises(TypeError, match="takes a 2-sequence"):
        torch.return_types.max([values])


def test_node_names() -> None:
    x = torch.ones(2, 3, requires_grad=True)
    names = [
        type(t.grad_fn).__name__
        for t in (x.sum(), x.sum(0), x.mean(), x.mean(0), x.max(), x.max(0).values, x.amax(0), x.var(), x.norm())
    ]
    expected = "Sum0 Sum1 Mean0 Mean1 Max1 Max0 Amax0 Var0 LinalgVectorNorm0"
    assert names == [f"{name[:-1]}Backward{name[-1]}" for name in expected.split()]


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda x: x.sum(5), IndexError, r"Dimension out of range \(expected to be in range of \[-2, 1\], but got 5\)"),
        (lambda x: x.sum((0, -2)), RuntimeError, "dim 0 appears multiple times in the list of dims"),
        (
            lambda x: x[:0].max(),
            RuntimeError,
            r"max\(\): Expected reduction dim to be specified for input.numel\(\) == 0",
        ),
        (lambda x: x[:0].argmax(0), IndexError, r"argmax\(\): Expected reduction dim 0 to have non-zero size"),
        (lambda x: x.to(torch.int64).mean(), RuntimeError, "could not infer output dtype"),
        (lambda x: x.to(torch.int64).std(), RuntimeError, "only support floating point and complex dtypes"),
        (lambda x: x.prod((0, 1)), TypeError, "must be int, not tuple"),
        (lambda x: x.sum_to_size(3, 3), RuntimeError, "is not expandable to size"),
        (lambda x: x.norm("abc"), RuntimeError, "Order abc not supported"),
        (lambda x: x.cumsum(2), IndexError, "Dimension out of range"),
        (lambda x: x.topk(4), RuntimeError, "selected index k out of range"),
        (lambda x: x.quantile(2), RuntimeError, r"must be in the range \[0, 1\] but got 2"),
    ],
)
def test_errors(call: Any, error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        call(torch.ones(2, 3))


@pytest.mark.parametrize(("shape", "dim"), [((5, 6), 1), ((7, 3), 0), ((2, 5, 3), 1), ((9,), 0)])
def test_the_gradient_of_cumprod_at_zeros_is_the_one_that_can_be_recorded(shape: tuple[int, ...], dim: int) -> None:
    values = np.random.default_rng(0).integers(-2, 3, shape)
    for kind in (torch.float64, torch.complex128):
        x = torch.tensor(values, dtype=kind) * (1 if kind is torch.float64 else 1 - 2j)
        x.requires_grad_()
        out = x.cumprod(dim)
        given = torch.randn(shape, dtype=kind)
        (quick,) = torch.autograd.grad(out, x, given, retain_graph=True)
        (recorded,) = torch.autograd.grad(out, x, given, create_graph=True)
        np.testing.assert_allclose(quick.numpy(), recorded.detach().numpy(), atol=1e-12)
