"""`out=` and inference mode against PyTorch."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import rushlight  # noqa: E402

ONE: dict[str, Any] = {
    "sum": lambda t, x, out: t.sum(x, dim=1, out=out),
    "nansum": lambda t, x, out: t.nansum(x, dim=1, out=out),
    "mean": lambda t, x, out: t.mean(x, dim=1, out=out),
    "nanmean": lambda t, x, out: t.nanmean(x, dim=1, out=out),
    "prod": lambda t, x, out: t.prod(x, dim=1, out=out),
    "var": lambda t, x, out: t.var(x, dim=1, out=out),
    "std": lambda t, x, out: t.std(x, dim=1, out=out),
    "logsumexp": lambda t, x, out: t.logsumexp(x, 1, out=out),
    "all": lambda t, x, out: t.all(x, 1, out=out),
    "any": lambda t, x, out: t.any(x, 1, out=out),
    "amax": lambda t, x, out: t.amax(x, 1, out=out),
    "amin": lambda t, x, out: t.amin(x, 1, out=out),
    "argmax": lambda t, x, out: t.argmax(x, 1, out=out),
    "argmin": lambda t, x, out: t.argmin(x, 1, out=out),
    "cumsum": lambda t, x, out: t.cumsum(x, 1, out=out),
    "cumprod": lambda t, x, out: t.cumprod(x, 1, out=out),
    "logcumsumexp": lambda t, x, out: t.logcumsumexp(x, 1, out=out),
    "msort": lambda t, x, out: t.msort(x, out=out),
    "histc": lambda t, x, out: t.histc(x, 4, out=out),
    "quantile": lambda t, x, out: t.quantile(x, 0.5, 1, out=out),
    "nanquantile": lambda t, x, out: t.nanquantile(x, 0.5, 1, out=out),
    "searchsorted": lambda t, x, out: t.searchsorted(t.tensor([1.0, 2.0]), x.detach(), out=out),
    "bucketize": lambda t, x, out: t.bucketize(x.detach(), t.tensor([1.0, 2.0]), out=out),
    "eq": lambda t, x, out: t.eq(x, 2, out=out),
    "ne": lambda t, x, out: t.ne(x, 2, out=out),
    "lt": lambda t, x, out: t.lt(x, x.flip(0), out=out),
    "greater_equal": lambda t, x, out: t.greater_equal(x, 2, out=out),
    "isposinf": lambda t, x, out: t.isposinf(x, out=out),
    "isneginf": lambda t, x, out: t.isneginf(x, out=out),
    "signbit": lambda t, x, out: t.signbit(x, out=out),
    "maximum": lambda t, x, out: t.maximum(x, x.flip(0), out=out),
    "minimum": lambda t, x, out: t.minimum(x, x.flip(0), out=out),
    "fmax": lambda t, x, out: t.fmax(x, x.flip(0), out=out),
    "where": lambda t, x, out: t.where(x > 2, x, x.flip(0), out=out),
    "add": lambda t, x, out: t.add(x, x, out=out),
    "cat": lambda t, x, out: t.cat([x, x], out=out),
    "stack": lambda t, x, out: t.stack([x, x], out=out),
    "gather": lambda t, x, out: t.gather(x, 1, t.tensor([[0], [1]]), out=out),
    "diag": lambda t, x, out: t.diag(x, out=out),
    "tril": lambda t, x, out: t.tril(x, out=out),
}
TYPES = ("float32", "float64", "int64", "bool", "uint8")
# PyTorch has no kernels for these, or writes a history into `out`.
SKIP = {("nansum", kind, False) for kind in ("int64", "bool", "uint8")}
SKIP |= {(name, "float32", True) for name in ("quantile", "nanquantile", "diag")}


def outcome(library: Any, call: Any, dtype: str, shape: tuple[int, ...], gradient: bool) -> Any:
    x = library.tensor([[1.0, 4.0, 2.0], [3.0, 0.0, -1.5]], requires_grad=gradient)
    out = library.zeros(shape).to(getattr(library, dtype))
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        try:
            result = call(library, x, out)
        except (RuntimeError, TypeError) as error:
            return type(error)
    assert result is out
    return out.tolist(), str(out.dtype), tuple(out.shape), any("resized" in str(w.message) for w in warned)


def alike(ours: Any, theirs: Any) -> bool:
    """Whether two outcomes are the same kind of error, or the same but for rounding."""
    if isinstance(theirs, type):
        return isinstance(ours, type) and (issubclass(ours, theirs) or issubclass(theirs, ours))
    if isinstance(ours, type) or ours[1:] != theirs[1:]:
        return False
    return bool(np.allclose(ours[0], theirs[0], rtol=1e-6))


@pytest.mark.parametrize("name", ONE)
def test_one_result(name: str) -> None:
    for dtype in TYPES:
        for gradient in (False, True):
            if (name, dtype, gradient) in SKIP:
                continue
            for shape in ((0,), (2,), (5, 1)):
                ours, theirs = (outcome(library, ONE[name], dtype, shape, gradient) for library in (rushlight, torch))
                assert alike(ours, theirs), (dtype, shape, gradient, ours, theirs)


SEVERAL: dict[str, Any] = {
    "max": lambda t, x, out: t.max(x, 1, out=out),
    "min": lambda t, x, out: t.min(x, 1, out=out),
    "median": lambda t, x, out: t.median(x, 1, out=out),
    "nanmedian": lambda t, x, out: t.nanmedian(x, 1, out=out),
    "mode": lambda t, x, out: t.mode(x, 1, out=out),
    "sort": lambda t, x, out: t.sort(x, 1, out=out),
    "topk": lambda t, x, out: t.topk(x, 2, out=out),
    "kthvalue": lambda t, x, out: t.kthvalue(x, 2, out=out),
    "cummax": lambda t, x, out: t.cummax(x, 1, out=out),
    "cummin": lambda t, x, out: t.cummin(x, 1, out=out),
}


@pytest.mark.parametrize("name", SEVERAL)
def test_several_results(name: str) -> None:
    made = []
    for library in (rushlight, torch):
        x = library.tensor([[1.0, 4.0, 2.0], [3.0, 0.0, -1.5]])
        out = (library.empty(0), library.empty(0, dtype=library.int64))
        result = SEVERAL[name](library, x, out)
        assert result[0] is out[0] or result.values.tolist() == out[0].tolist()
        made.append([o.tolist() for o in out])
        with pytest.raises(RuntimeError):
            SEVERAL[name](library, x, (library.empty(0, dtype=library.float64), library.empty(0)))
    assert made[0] == made[1]


INFERENCE: dict[str, Any] = {
    "eq": lambda t, x: x == x,
    "lt number": lambda t, x: x < 2,
    "isnan": lambda t, x: t.isnan(x),
    "isclose": lambda t, x: t.isclose(x, x),
    "isposinf": lambda t, x: t.isposinf(x),
    "isin": lambda t, x: t.isin(x, x),
    "argmax": lambda t, x: x.argmax(1),
    "argsort": lambda t, x: x.argsort(),
    "all": lambda t, x: x.all(),
    "any": lambda t, x: x.any(1),
    "count_nonzero": lambda t, x: t.count_nonzero(x),
    "nonzero": lambda t, x: x.nonzero(),
    "where": lambda t, x: t.where(x > 0)[0],
    "bincount": lambda t, x: x.to(t.int64).view(-1).bincount(),
    "histc": lambda t, x: x.histc(),
    "unique": lambda t, x: x.unique(),
    "searchsorted": lambda t, x: t.searchsorted(x, x),
    "signbit": lambda t, x: x.signbit(),
    "multinomial": lambda t, x: t.multinomial(x, 2),
    "logical_not": lambda t, x: x.logical_not(),
    "sum": lambda t, x: x.sum(),
    "bernoulli": lambda t, x: t.bernoulli(x * 0),
    "zeros": lambda t, x: t.zeros(2),
    "tensor": lambda t, x: t.tensor([1.0]),
    "as_tensor": lambda t, x: t.as_tensor([1.0]),
    "one_hot": lambda t, x: t.nn.functional.one_hot(t.tensor([1, 2])),
    "tril_indices": lambda t, x: t.tril_indices(3, 3),
    "random": lambda t, x: t.rand(2),
    "combinations": lambda t, x: t.combinations(t.arange(3)),
}


@pytest.mark.parametrize("name", INFERENCE)
def test_results_are_marked_in_inference_mode(name: str) -> None:
    made = []
    for library in (rushlight, torch):
        x = library.ones(2, 3)
        with library.inference_mode():
            made.append(INFERENCE[name](library, x).is_inference())
    assert made[0] == made[1]
