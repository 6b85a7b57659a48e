"""What each layout of sparse tensors has and refuses, and what it gives: every expression, on PyTorch and here.

`s`, `q` (4, 3) and `p` (3, 2) are sparse, `d` (3, 2) and `e` (4, 3) dense.
"""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import rushlight  # noqa: E402
from tests.parity import operators as table  # noqa: E402

LAYOUTS = ("coo", "csr", "csc", "bsr")
EXPRESSIONS = """
t.mm(s,d)
t.matmul(s,d)
s@d
s@d[:,0]
t.mv(s,d[:,0])
e.t()@s
s@p
t.sparse.mm(s,p)
t.mm(s,p)
t.sparse.mm(e.t(),s)
t.sparse.mm(e,d)
t.sparse.mm(s,d,reduce="sum")
s.mean()
s.amax()
t.sparse.mm(s,d,"amin")
t.sparse.addmm(t.ones(4,2,dtype=e.dtype),s,d,beta=2,alpha=.5)
t.addmm(t.ones(4,2,dtype=e.dtype),s,d,beta=2,alpha=.5)
t.ones(4,2,dtype=e.dtype).addmm_(s,d)
t.addmm(t.ones(2,dtype=e.dtype),s,d)
t.addmm(t.ones(4,2,dtype=e.dtype),s,p)
t.addmv(t.ones(4,dtype=e.dtype),s,d[:,0])
t.baddbmm(t.ones(1,4,2,dtype=e.dtype),e[None].to_sparse(),d[None])
t.hspmm(s,d)
t.hsmm(s,d)
t.dsmm(s,d)
t.smm(s,d)
t.spmm(s,d)
t.saddmm(e@t.eye(3,dtype=e.dtype)[:, :2].to(e.dtype),s,d)
t.sspaddmm(e[:,:2].to_sparse(),s,d,beta=2,alpha=.5)
e[:,:2].to_sparse().sspaddmm(s,d)
s.smm(d)
t.sparse.sampled_addmm(s,t.ones(4,2,dtype=e.dtype),t.ones(2,3,dtype=e.dtype),beta=.5,alpha=2)
s*2
2*s
s*t.tensor(2.)
s/2
s/t.tensor(2.)
2/s
s//2
s.div(2,rounding_mode="trunc")
s+2
s-2
2+s
-s
+s
s+q
s-q
s.add(q,alpha=3)
t.add(s,q,alpha=3)
s.sub(q,alpha=3)
s*q
s/q
s.clone().mul_(q)
s.clone().add_(q),"s-=q": lambda t,s,d,e,q,p: s.clone().sub_(q,alpha=2)
s+e
e+s
e-s
s-e
e.clone().add_(s,alpha=2)
s*e
e*s
s*e[0]
s*e[:,:1]
e.clone().mul_(s)
s.clone().mul_(e)
s/e
e/s
s.clone().mul_(2)
s.clone().div_(2)
s**2
t.pow(s,3.)
s**0
s**-1
s.square()
s.t()
s.T
s.mT
s.transpose(0,1)
t.t(s)
s.clone().t_()
s.transpose(1,1)
s.permute(1,0)
t.permute(s,(1,0))
s.clone().transpose_(0,1)
s.adjoint()
s.H
s.index_select(0,t.tensor([1,0,1]))
t.index_select(s,1,t.tensor([2,0]))
s.index_select(-1,t.tensor([2,0]))
s.select(0,1)
s[1]
s[1,2]
s[:,1]
s.narrow(0,1,2)
s.narrow_copy(0,1,2)
s[1:]
t.gather(s,0,t.tensor([[0]]))
s[e>0]
s[t.tensor([0,1])]
s.index_add(0,t.tensor([0]),s.index_select(0,t.tensor([1])))
s.unsqueeze(0)
s.unsqueeze(-1)
s.unsqueeze(0).squeeze(0)
s.reshape(3,4)
s.view(12)
s.flatten()
t.cat([s,q])
t.cat([s,q],1)
t.stack([s,q])
s.expand(2,4,3)
t.cat([s,e])
t.vstack([s,q])
t.hstack([s,q])
s.clone()
s.detach()
s.to(t.float32)
s.float()
s.int()
s.type(t.float64)
s.to(t.float64,copy=True)
s.clone().copy_(q)
s.clone().copy_(e)
e.clone().copy_(s)
s.cpu()
s.contiguous()
s.bool()
s.sum()
s.sum(0)
s.sum(1)
s.sum(1,keepdim=True)
s.sum((0,1))
s.sum(0,dtype=t.float32)
t.sum(s)
t.sum(s,0)
t.sparse.sum(s)
t.sparse.sum(s,0)
t.sparse.sum(s,dim=(-1,))
t.sparse.sum(s,dim=0,dtype=t.float32)
t.sparse.sum(s,dim=(0,1))
s.mean(0)
s.max()
s.prod()
s.norm()
s.norm(1)
t.norm(s)
s.norm(dim=0)
s.norm(2,1)
s.norm(float("inf"))
s.any()
s.all()
s.norm("fro")
s.norm(dim=(0,1))
t.norm(s, p="fro")
t.native_norm(s)
t.sparse.softmax(s,0)
t.sparse.softmax(s,1)
t.sparse.log_softmax(s,1)
t.sparse.softmax(s,-1,dtype=t.float32)
t.softmax(s,1)
t.nn.functional.softmax(s,1)
s.log_softmax(1)
s==q
s==e
s>0
t.equal(s,q)
t.equal(s,s.clone())
t.allclose(s,s)
t.isclose(s,s)
s.is_same_size(q)
~s.bool()
s.ne(0)
s.to_dense()
s.to_dense(t.float32)
s.to_sparse()
s.to_sparse(1)
s.to_sparse_coo()
s.to_sparse_csr()
s.to_sparse_csc()
s.to_sparse_bsr((2,1))
s.to_sparse_bsc((2,3))
s.to_sparse_bsr((3,2))
s.to_sparse(layout=t.sparse_csr)
s.to_sparse(layout=t.sparse_bsr,blocksize=(2,1))
s.values()
s._values()
s.indices()
s._indices()
s.crow_indices()
s.col_indices()
s.ccol_indices()
s.row_indices()
t.crow_indices_copy(s)
t.col_indices_copy(s)
t.ccol_indices_copy(s)
t.row_indices_copy(s)
s.is_coalesced()
s.is_contiguous()
s.stride()
s.nonzero()
s.numpy()
s.tolist()
s.item()
s.storage_offset()
s.coalesce()
s.type_as(e.float())
s.clone().zero_()
s.clone().fill_(0)
s.clone().fill_(1)
t.zeros_like(s)
t.ones_like(s)
t.full_like(s,2.)
s.new_zeros(2,2)
s.new_ones(2,2)
e.sparse_mask(s)
q.sparse_mask(s)
s.masked_fill(e>0,1.)
t.where(e>0,s,s)
s.clone().sparse_resize_((5,6),2,0)
s.clone().sparse_resize_and_clear_((5,6),1,1)
s.clone().resize_as_sparse_(q)
t.trace(s)
t.diag(s)
s.cumsum(0)
s.exp()
s.cos()
s.sigmoid()
t.nn.functional.softplus(s)
t.nn.functional.dropout(s,0.)
t.nn.functional.linear(s,d.t())
t.nn.functional.linear(s,d.t(),t.ones(2,dtype=e.dtype))
t.nn.functional.linear(e,q)
t.einsum("ij,jk->ik",s,d)
s.clamp(0,1)
t.real(s)
t.lerp(s,q,.5)
t.addcmul(s,s,s)
t.addcmul(e,s,s)
t.maximum(s,q)
t.nn.functional.threshold(s,0.,0.)
s.is_complex()
t.isfinite(s)
s.log()
s.unbind()
s.split(2)
s.float_power(2)
t.nn.functional.leaky_relu(s)
t.absolute(s)
t.negative(s)
t.arcsin(s)
s.clone().square_()
t.kron(s,q)
t.bmm(s,d)
t.tensor_split(s,2)
s.argmax()
s.flip(0)
s.repeat(2,1)
s.tril()
s.roll(1)
s.swapaxes(0,1)
s.movedim(0,1)
"""
UNARY = (
    "sin", "tan", "asin", "sinh", "tanh", "asinh", "atan", "atanh", "abs", "neg", "sqrt", "expm1", "log1p", "erf",
    "erfinv", "ceil", "floor", "round", "trunc", "frac", "sign", "sgn", "signbit", "relu", "deg2rad", "rad2deg", "isnan",
    "isinf", "isposinf", "isneginf", "nan_to_num", "positive", "conj_physical", "angle",
)  # fmt: skip
QUESTIONS = ("signbit", "isnan", "isinf", "isposinf", "isneginf", "positive", "angle")
# Where PyTorch gives what can't be meant: no entries for a product of CSC matrices, sums of blocks without blocks, and
# an internal assertion.
BROKEN_SUMS = {("bsr", text) for text in ("s+q", "s.add(q,alpha=3)", "t.add(s,q,alpha=3)", "s.clone().add_(q)")}
DIFFERENT = BROKEN_SUMS | {("csc", "t.sparse.mm(s,p)"), ("csc", "s.clone().round_()"), ("bsr", "s.clone().round_()")}


def expressions() -> list[str]:
    functions = [f"t.{name}(s)" for name in UNARY]
    inplace = [f"s.clone().{name}_()" for name in UNARY if name not in QUESTIONS]
    return [*EXPRESSIONS.split("\n")[1:-1], *functions, *inplace]


def arguments(t: Any, layout: str) -> dict[str, Any]:
    options = {"blocksize": (1, 1)} if layout == "bsr" else {}

    def sparse(rows: list[list[float]]) -> Any:
        dense = t.tensor(rows, dtype=t.float64)
        return dense.to_sparse(layout=getattr(t, f"sparse_{layout}"), **options)

    d = t.arange(6.0).reshape(3, 2).to(t.float64) - 2
    s = sparse([[0, -0.5, 0.25], [0, 0, 0.75], [0.5, 0, 0], [0, 0.9, -0.3]])
    q = sparse([[0.1, 0.2, 0], [0, 0, 0.3], [0.4, 0, 0.5], [0, 0, 0]])
    return {"t": t, "s": s, "d": d, "e": s.to_dense() + 1, "q": q, "p": sparse([[1, 0], [0, 2], [3, 0]])}


def outcome(t: Any, layout: str, expression: str) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return eval(expression, arguments(t, layout))
        except Exception as error:
            return error


def parts(value: Any) -> Any:
    """What is compared of a result: layout, shape, type, number of entries and all elements."""
    if isinstance(value, tuple | list) and not hasattr(value, "numel"):
        return [parts(one) for one in value]
    if not hasattr(value, "layout"):
        return str(value).replace("rushlight.", "torch.")
    sparse = str(value.layout) != "torch.strided"
    facts = [str(value.layout), tuple(value.shape), str(value.dtype), value._nnz() if sparse else None]
    facts.append(value.is_coalesced() if value.is_sparse else None)
    return [*facts, (value.to_dense() if sparse else value).resolve_conj().numpy()]


def check(mine: Any, theirs: Any) -> None:
    if isinstance(theirs, Exception):
        assert isinstance(mine, Exception), f"PyTorch raises {theirs!r:.200}"
        named = [getattr(__builtins__, kind.__name__, None) or kind for kind in type(theirs).__mro__[:1]]
        assert isinstance(mine, tuple(named)), f"{mine!r:.200}, PyTorch raises {theirs!r:.200}"
        return
    if isinstance(mine, Exception):
        raise AssertionError(f"{mine!r:.300}") from mine
    compare(parts(mine), parts(theirs))


def compare(mine: Any, theirs: Any) -> None:
    assert type(mine) is type(theirs)
    if isinstance(theirs, list):
        assert len(mine) == len(theirs)
        for a, b in zip(mine, theirs, strict=True):
            compare(a, b)
    elif isinstance(theirs, np.ndarray):
        np.testing.assert_allclose(mine, theirs, rtol=1e-6, atol=1e-9)
    else:
        assert mine == theirs


@pytest.mark.parametrize("layout", LAYOUTS)
def test_expressions(layout: str) -> None:
    wrong = []
    for expression in expressions():
        if (layout, expression) in DIFFERENT:
            continue
        try:
            check(outcome(rushlight, layout, expression), outcome(torch, layout, expression))
        except AssertionError as error:
            wrong.append(f"{expression}: {error}")
    assert not wrong, "\n".join(wrong)


SAMPLED = ("masked.amax", "masked.amin", "masked.mean", "masked.prod", "masked.sum", "mul", "sum", "zeros_like")


@pytest.mark.parametrize("layout", ["coo", "csr"])
@pytest.mark.parametrize("name", SAMPLED)
def test_samples_of_the_table(name: str, layout: str) -> None:
    op = table.OPERATORS[name]
    if not getattr(op, "supports_sparse" if layout == "coo" else "supports_sparse_csr"):
        return
    make: Callable[..., Any] = getattr(op, f"sample_inputs_sparse_{layout}")
    function = table.translated(op.op)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for sample in list(itertools.islice(make("cpu", torch.float64), 60))[::4]:
            given = table.ours((sample.input, *sample.args)), table.ours(sample.kwargs)
            theirs = table.outcome(op.op, torch, sample.input, *sample.args, **sample.kwargs)
            mine = table.outcome(function, rushlight, *given[0], **given[1])
            if isinstance(theirs, Exception):
                continue
            label = table.described(sample)
            assert not isinstance(mine, Exception), f"{label}: {mine!r:.200}"
            assert str(mine.layout) == str(theirs.layout), label
            dense = [x.to_dense() if str(x.layout) != "torch.strided" else x for x in (mine, theirs)]
            np.testing.assert_allclose(dense[0].numpy(), dense[1].numpy(), 1e-9, 1e-9, err_msg=label)
