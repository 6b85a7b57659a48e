"""Sums, extrema, scans, order: what reduces, runs along or sorts a dimension."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.cases.case import Case, Refusal, boolean, distinct, fixed, given, integers, normal, uniform

NAN = float("nan")
HOLES = np.array([[1.0, NAN, 3.0], [NAN, 5.0, 4.0]])
TIES = np.array([[2, 1, 2, 0, 2, 1] * 5, [0, 3, 3, 1, 1, 3] * 5])


def _complex(function: Any) -> Any:
    """A function of two real tensors, taken as one complex tensor."""
    return lambda t: lambda x, y: function(t, t.complex(x.double(), y.double()))


CASES = [
    Case("sum", lambda t: t.sum, (normal(2, 3),)),
    Case("sum dims", lambda t: t.sum, (normal(2, 3, 2), (0, -1)), {"keepdim": True}),
    Case("sum of ints", lambda t: t.sum, (integers(9, 2, 3), 1)),
    Case("sum_to_size", lambda t: lambda x: x.sum_to_size(1, 3), (normal(2, 2, 3),)),
    Case("sum_to_size of ints", lambda t: lambda x: x.int().sum_to_size(()), (integers(9, 2),)),
    Case("mean", lambda t: t.mean, (normal(2, 3), 1)),
    Case("nansum", lambda t: t.nansum, (given(HOLES), 1)),
    Case("nanmean", lambda t: t.nanmean, (given(HOLES), 0), {"keepdim": True}),
    Case("prod", lambda t: t.prod, (distinct(2, 3), 1)),
    Case("prod of all", lambda t: t.prod, (distinct(4),)),
    Case("prod of one", lambda t: lambda x: x.sum().prod(0), (normal(2),)),
    Case("var", lambda t: t.var, (normal(2, 4), 1)),
    Case("var correction", lambda t: t.var, (normal(2, 4), (0, 1)), {"correction": 3, "keepdim": True}),
    Case("std", lambda t: t.std, (normal(2, 4), 1), {"unbiased": False}),
    Case("var_mean", lambda t: t.var_mean, (normal(2, 4), 0)),
    Case("std_mean", lambda t: t.std_mean, (normal(2, 4),)),
    Case("amax", lambda t: t.amax, (distinct(2, 3), 1)),
    Case("amax of equals", lambda t: t.amax, (given(np.array([[1.0, 2.0, 2.0]])), (0, 1)), smooth=False),
    Case("amin", lambda t: t.amin, (distinct(2, 3),), {"keepdim": True}),
    Case("aminmax", lambda t: t.aminmax, (distinct(2, 3),), {"dim": 1}),
    Case("argmax", lambda t: t.argmax, (distinct(2, 3), 1)),
    Case("argmin", lambda t: t.argmin, (distinct(2, 3),), {"keepdim": True}),
    Case("max", lambda t: t.max, (distinct(2, 3), 1)),
    Case("max of all", lambda t: t.max, (distinct(2, 3),)),
    Case("max of two", lambda t: t.max, (distinct(2, 3), fixed(normal(3)))),
    Case("min", lambda t: t.min, (distinct(2, 3), 0, True)),
    Case("min of two", lambda t: t.min, (distinct(2, 3), fixed(normal(3)))),
    Case("all", lambda t: t.all, (boolean(3, 4), 1)),
    Case("any", lambda t: t.any, (integers(2, 3, 4), (0, 1))),
    Case("count_nonzero", lambda t: t.count_nonzero, (integers(2, 3, 4), 0)),
    Case("median", lambda t: t.median, (distinct(2, 4), 1)),
    Case("median of all", lambda t: t.median, (distinct(5),)),
    Case("median of equals", lambda t: t.median, (given(TIES), 1)),
    Case("nanmedian", lambda t: t.nanmedian, (given(HOLES), 1), smooth=False),
    Case("nanmedian of all", lambda t: t.nanmedian, (given(HOLES),), smooth=False),
    Case("mode", lambda t: t.mode, (given(TIES), 1)),
    Case("kthvalue", lambda t: t.kthvalue, (distinct(2, 5), 2), {"keepdim": True}),
    Case("kthvalue of equals", lambda t: t.kthvalue, (given(TIES), 7)),
    Case("quantile", lambda t: t.quantile, (distinct(2, 5), fixed(uniform(0, 1, 3)), 1), halves=()),
    Case("quantile of all", lambda t: t.quantile, (distinct(5), 0.3), {"interpolation": "midpoint"}, halves=()),
    Case("quantile by levels", lambda t: lambda x, q: t.quantile(x, q, keepdim=True), (distinct(4), uniform(0.1, 0.3, 2)),
         halves=()),
    Case("nanquantile", lambda t: t.nanquantile, (given(HOLES), 0.6, 1), {"interpolation": "lower"}, smooth=False,
         halves=()),
    Case("logsumexp", lambda t: t.logsumexp, (normal(2, 3), 1)),
    Case("logsumexp dims", lambda t: t.logsumexp, (normal(2, 3), (0, 1), True)),
    Case("cumsum", lambda t: t.cumsum, (normal(2, 3), 1)),
    Case("cumsum of bytes", lambda t: lambda x: t.cumsum(x.to(t.int8), 0, dtype=t.int8), (integers(100, 6, low=50),)),
    Case("cumsum_", lambda t: lambda x: (x * 1).cumsum_(0), (normal(4),)),
    Case("cumprod", lambda t: t.cumprod, (distinct(2, 3), 0)),
    Case("cumprod at zeros", lambda t: t.cumprod, (given(np.array([1.0, 0.0, 2.0, 0.0])), 0)),
    Case("cumprod_", lambda t: lambda x: (x * 1).cumprod_(0), (distinct(4),)),
    Case("cummax", lambda t: t.cummax, (distinct(2, 5), 1)),
    Case("cummin", lambda t: t.cummin, (distinct(5, 2), 0)),
    Case("logcumsumexp", lambda t: t.logcumsumexp, (normal(2, 4), 1)),
    Case("logcumsumexp of complex", _complex(lambda t, z: t.view_as_real(t.logcumsumexp(z, 0))), (normal(4), normal(4)),
         halves=()),
    Case("diff", lambda t: t.diff, (normal(2, 5),), {"n": 2}),
    Case("diff with ends", lambda t: t.diff, (normal(2, 3),), {"dim": 0, "prepend": normal(1, 3), "append": normal(2, 3)}),
    Case("diff of none", lambda t: t.diff, (normal(3),), {"n": 0, "prepend": normal(1)}),
    Case("sort", lambda t: t.sort, (distinct(2, 4), 0, True)),
    Case("sort of equals", lambda t: t.sort, (given(TIES),)),
    Case("sort of equals, descending", lambda t: t.sort, (given(TIES),), {"descending": True}),
    Case("sort, stable", lambda t: t.sort, (given(TIES),), {"descending": True, "stable": True}),
    Case("argsort", lambda t: t.argsort, (given(TIES),), {"dim": 1}),
    Case("msort", lambda t: t.msort, (distinct(4, 2),)),
    Case("topk", lambda t: t.topk, (distinct(2, 5), 3)),
    Case("topk of equals", lambda t: t.topk, (given(TIES), 4), {"largest": False}),
    Case("topk, unsorted", lambda t: t.topk, (given(TIES), 9), {"sorted": False}),
    Case("topk of few", lambda t: lambda x: t.topk(x.repeat(1, 3), 1), (given(TIES),)),
    Case("unique", lambda t: t.unique, (given(TIES),), {"return_inverse": True, "return_counts": True}),
    Case("unique rows", lambda t: t.unique, (integers(2, 6, 2),), {"dim": 0, "return_inverse": True}),
    Case("unique_consecutive", lambda t: t.unique_consecutive, (integers(2, 9),), {"return_counts": True}),
    Case("searchsorted", lambda t: t.searchsorted, (given(np.array([[1, 3, 5], [2, 4, 6]])), integers(7, 2, 4))),
    Case("searchsorted, sorted by another", lambda t: lambda s, v: t.searchsorted(s, v, sorter=t.argsort(s), side="right"),
         (fixed(distinct(6)), fixed(normal(4)))),
    Case("bucketize", lambda t: t.bucketize, (fixed(normal(5)), fixed(given(np.array([-1.0, 0.0, 1.0])))),
         {"out_int32": True, "right": True}),
    Case("bincount", lambda t: t.bincount, (integers(5, 9),), {"weights": fixed(normal(9)), "minlength": 7}, halves=()),
    Case("histc", lambda t: t.histc, (fixed(normal(9)), 4), {"min": -1, "max": 1}, halves=()),
    Case("renorm", lambda t: t.renorm, (normal(3, 4), 2, 0, 1.5)),
    Case("isin", lambda t: t.isin, (integers(5, 6), integers(5, 2)), {"invert": True}),
    Case("allclose", lambda t: lambda x: t.tensor(t.allclose(x, x + 1e-9)), (fixed(normal(3)),)),
    Case("equal", lambda t: lambda x: t.tensor(t.equal(x, x.clone())), (fixed(normal(3)),)),
    Case("trace", lambda t: t.trace, (normal(3, 3),)),
    Case("tril", lambda t: t.tril, (normal(3, 3), -1)),
    Case("triu", lambda t: t.triu, (normal(2, 3, 3), 1)),
    Case("softmax", lambda t: t.softmax, (normal(2, 3), 1)),
    Case("log_softmax", lambda t: t.log_softmax, (normal(2, 3), 0)),
]  # fmt: skip

REFUSALS = [
    Refusal("sum twice over one", lambda t: t.ones(2, 2).sum((0, 0)), RuntimeError, "appears multiple times"),
    Refusal("sum beyond", lambda t: t.ones(2).sum(1), IndexError, "Dimension out of range"),
    Refusal("mean of ints", lambda t: t.tensor([1, 2]).mean(), RuntimeError, "could not infer output dtype"),
    Refusal("amax of nothing", lambda t: t.ones(0).amax(), RuntimeError, "numel"),
    Refusal("max along nothing", lambda t: t.ones(2, 0).max(1), IndexError, "non-zero size"),
    Refusal("argmax of bools", lambda t: t.tensor([True]).argmax(), RuntimeError, "Bool|bool"),
    Refusal("median of bools", lambda t: t.tensor([True, False]).median(), NotImplementedError, "Bool"),
    Refusal("kthvalue beyond", lambda t: t.ones(3).kthvalue(4), RuntimeError, "out of range"),
    Refusal("kthvalue into itself", lambda t: _kthvalue_into_itself(t), RuntimeError, "single memory location"),
    Refusal("topk beyond", lambda t: t.ones(3).topk(4), RuntimeError, "out of range"),
    Refusal("topk of bools", lambda t: t.tensor([True]).topk(1), RuntimeError, "bool"),
    Refusal("sort of complex", lambda t: t.ones(2, dtype=t.complex64).sort(), RuntimeError, "complex"),
    Refusal("quantile beyond", lambda t: t.quantile(t.ones(2), 1.5), RuntimeError, r"range \[0, 1\]"),
    Refusal("quantile of ints", lambda t: t.quantile(t.tensor([1, 2]), 0.5), RuntimeError, "float or double"),
    Refusal("cumsum_ to another type", lambda t: t.ones(2).cumsum_(0, dtype=t.float64), RuntimeError, "Bad in-place"),
    Refusal("cumsum of bools", lambda t: t.cumsum(t.ones(2), 0, dtype=t.bool), NotImplementedError, "Bool"),
    Refusal("diff of a number", lambda t: t.diff(t.tensor(1.0)), RuntimeError, "at least one-dimensional"),
    Refusal("searchsorted in other rows", lambda t: t.searchsorted(t.ones(2, 2), t.ones(3, 2)), RuntimeError, "N-1"),
    Refusal("bucketize in a matrix", lambda t: t.bucketize(t.ones(2), t.ones(2, 2)), RuntimeError, "1 dimension"),
    Refusal("bincount of negatives", lambda t: t.bincount(t.tensor([-1])), RuntimeError, "non-negative"),
    Refusal("histc backwards", lambda t: t.histc(t.ones(2), 2, 3, 1), RuntimeError, "max must be larger"),
    Refusal("renorm of a vector", lambda t: t.renorm(t.ones(2), 2, 0, 1), RuntimeError, "at least 2 dimensions"),
    Refusal("nansum of complex", lambda t: t.nansum(t.ones(2, dtype=t.complex64)), RuntimeError, "complex"),
    Refusal("var of ints", lambda t: t.var(t.tensor([1, 2])), RuntimeError, "floating point and complex"),
]  # fmt: skip


def _kthvalue_into_itself(t: Any) -> Any:
    x = t.ones(4)
    return t.kthvalue(x, 2, out=(x, t.empty(0, dtype=t.int64)))
