"""Products of matrices and vectors, and sums of products."""

from __future__ import annotations

from typing import Any

from tests.cases.case import Case, Refusal, fixed, integers, normal


def _complex(name: str, **options: Any) -> Any:
    """A function of two complex tensors whose parts are four real ones."""

    def make(t: Any) -> Any:
        function = getattr(t, name)
        return lambda a, b, c, d: t.view_as_real(
            function(t.complex(a.double(), b.double()), t.complex(c.double(), d.double()), **options)
        )

    return make


CASES = [
    Case("mm", lambda t: t.mm, (normal(2, 3), normal(3, 2))),
    Case("mm of complex", _complex("mm"), (normal(2, 2), normal(2, 2), normal(2, 1), normal(2, 1)), halves=()),
    Case("mm of ints", lambda t: t.mm, (integers(9, 2, 3), integers(9, 3, 2))),
    Case("bmm", lambda t: t.bmm, (normal(2, 2, 3), normal(2, 3, 1))),
    Case("mv", lambda t: t.mv, (normal(2, 3), normal(3))),
    Case("dot", lambda t: t.dot, (normal(4), normal(4))),
    Case("vdot", _complex("vdot"), (normal(3), normal(3), normal(3), normal(3)), halves=()),
    Case("inner", lambda t: t.inner, (normal(2, 3), normal(2, 2, 3))),
    Case("inner with a number", lambda t: lambda x, y: t.inner(x, y.sum()), (normal(2, 3), normal(2))),
    Case("outer", lambda t: t.outer, (normal(2), normal(3))),
    Case("matmul 1 1", lambda t: t.matmul, (normal(3), normal(3))),
    Case("matmul 1 2", lambda t: t.matmul, (normal(3), normal(3, 2))),
    Case("matmul 2 1", lambda t: t.matmul, (normal(2, 3), normal(3))),
    Case("matmul 1 3", lambda t: t.matmul, (normal(3), normal(2, 3, 2))),
    Case("matmul 3 1", lambda t: t.matmul, (normal(2, 2, 3), normal(3))),
    Case("matmul 3 2", lambda t: t.matmul, (normal(2, 2, 3), normal(3, 2))),
    Case("matmul 2 3", lambda t: t.matmul, (normal(2, 3), normal(2, 3, 2))),
    Case("matmul 3 3", lambda t: t.matmul, (normal(1, 2, 3), normal(2, 3, 2))),
    Case("matmul 4 3", lambda t: t.matmul, (normal(2, 1, 1, 2), normal(2, 2, 1))),
    Case("rmatmul", lambda t: lambda x, y: x.__rmatmul__(y), (normal(3, 2), normal(2, 3))),
    Case("addmm", lambda t: t.addmm, (normal(2), normal(2, 3), normal(3, 2)), {"beta": 0.5, "alpha": -2}),
    Case("addmm of ints", lambda t: t.addmm, (integers(9, 2, 2), integers(9, 2, 3), integers(9, 3, 2)),
         {"beta": 2.6, "alpha": 3.7}),
    Case("addmm_", lambda t: lambda x, a, b: (x * 1).addmm_(a, b, beta=2), (normal(2, 2), normal(2, 3), normal(3, 2))),
    Case("addmv", lambda t: t.addmv, (normal(2), normal(2, 3), normal(3)), {"beta": 2, "alpha": 0.5}),
    Case("addmv of bytes", lambda t: lambda x, a, b: t.addmv(x.to(t.int8), a.to(t.int8), b.to(t.int8), alpha=1.9),
         (integers(9, 2), integers(9, 2, 3), integers(9, 3))),
    Case("addmv_", lambda t: lambda x, a, b: (x * 1).addmv_(a, b), (normal(2), normal(2, 3), normal(3))),
    Case("addr", lambda t: t.addr, (normal(2, 3), normal(2), normal(3)), {"beta": 0.5, "alpha": 3}),
    Case("addr of bools", lambda t: lambda x, a, b: t.addr(x > 3, a > 3, b > 3, beta=3, alpha=2),
         (integers(9, 2, 3), integers(9, 2), integers(9, 3))),
    Case("addr of two types", lambda t: lambda x, a, b: t.addr(x.double(), a, b),
         (fixed(normal(1, 3)), fixed(normal(2)), fixed(normal(3)))),
    Case("addr_", lambda t: lambda x, a, b: (x * 1).addr_(a, b, alpha=2), (normal(2, 3), normal(2), normal(3))),
    Case("baddbmm", lambda t: t.baddbmm, (normal(2), normal(2, 2, 3), normal(2, 3, 2)), {"beta": 0.5, "alpha": 2}),
    Case("baddbmm without input", lambda t: t.baddbmm, (normal(2), normal(2, 2, 3), normal(2, 3, 2)), {"beta": 0}),
    Case("baddbmm_", lambda t: lambda x, a, b: (x * 1).baddbmm_(a, b), (normal(2, 2, 2), normal(2, 2, 1), normal(2, 1, 2))),
    Case("addbmm", lambda t: t.addbmm, (normal(2, 2), normal(3, 2, 2), normal(3, 2, 2)), {"beta": 0.5, "alpha": 2}),
    Case("addbmm_", lambda t: lambda x, a, b: (x * 1).addbmm_(a, b), (normal(2, 2), normal(3, 2, 1), normal(3, 1, 2))),
    Case("einsum", lambda t: lambda a, b: t.einsum("ij,jk->ik", a, b), (normal(2, 3), normal(3, 2))),
    Case("einsum of three", lambda t: lambda a, b, c: t.einsum("ij,jk,kl->li", a, b, c),
         (normal(2, 3), normal(3, 2), normal(2, 3))),
    Case("einsum ellipsis", lambda t: lambda a, b: t.einsum("...i,...i", a, b), (normal(2, 1, 3), normal(2, 3))),
    Case("einsum diagonal", lambda t: lambda a: t.einsum("iij->j", a), (normal(2, 2, 3),)),
    Case("einsum lists", lambda t: lambda a, b: t.einsum(a, [..., 0, 1], b, [1, 2], [2, ..., 0]),
         (normal(2, 2, 3), normal(3, 2))),
    Case("tensordot", lambda t: t.tensordot, (normal(2, 3, 2), normal(3, 2, 2)), {"dims": ([1, 0], [0, 1])}),
    Case("tensordot of ones", lambda t: t.tensordot, (normal(1, 2), normal(2, 3)), {"dims": ([0], [0])}),
    Case("tensordot by number", lambda t: t.tensordot, (normal(2, 3), normal(3, 2)), {"dims": 1}),
    Case("cdist", lambda t: t.cdist, (normal(3, 2), normal(2, 2)), {"p": 3}, second=False),
    Case("pdist", lambda t: t.pdist, (normal(4, 3),), second=False, halves=()),
    Case("block_diag", lambda t: t.block_diag, (normal(2, 1), normal(2), normal(1, 2))),
    Case("combinations", lambda t: t.combinations, (normal(4),), {"with_replacement": True}),
    Case("cartesian_prod", lambda t: t.cartesian_prod, (normal(2), normal(3))),
    Case("kron", lambda t: t.kron, (normal(2, 2), normal(1, 2))),
    Case("linear out", lambda t: lambda x, w: t.nn.functional.linear(x, w, out=t.empty(0, dtype=x.dtype)),
         (fixed(normal(2, 3)), fixed(normal(2, 3)))),
    Case("bilinear of ints", lambda t: lambda x, y, w: t.nn.functional.bilinear(x.int(), y.int(), w.int()),
         (integers(5, 2, 2), integers(5, 2, 3), integers(5, 2, 2, 3))),
]  # fmt: skip

REFUSALS = [
    Refusal("mm lengths", lambda t: t.mm(t.ones(2, 3), t.ones(2, 3)), RuntimeError, "cannot be multiplied"),
    Refusal("mm types", lambda t: t.mm(t.ones(2, 2), t.ones(2, 2).double()), RuntimeError, "same dtype"),
    Refusal("mm of bools", lambda t: t.mm(t.ones(2, 2) > 0, t.ones(2, 2) > 0), NotImplementedError, "Bool"),
    Refusal("bmm ranks", lambda t: t.bmm(t.ones(2, 2), t.ones(2, 2)), RuntimeError, "3D tensor"),
    Refusal("dot ranks", lambda t: t.dot(t.ones(2, 2), t.ones(2)), RuntimeError, "1D tensors expected"),
    Refusal("matmul of a number", lambda t: t.matmul(t.tensor(1.0), t.ones(2)), RuntimeError, "at least 1D"),
    Refusal("addmm types", lambda t: t.addmm(t.ones(2).double(), t.ones(2, 2), t.ones(2, 2)), RuntimeError, "same dtype"),
    Refusal("addmm shape", lambda t: t.addmm(t.ones(3), t.ones(2, 2), t.ones(2, 2)), RuntimeError, "must match"),
    Refusal("addmm_ shape", lambda t: t.ones(1).addmm_(t.ones(2, 2), t.ones(2, 2)), RuntimeError, "should match"),
    Refusal("addmv ranks", lambda t: t.addmv(t.ones(2), t.ones(2), t.ones(2)), RuntimeError, "vector \\+ matrix"),
    Refusal("addr weight of ints", lambda t: t.addr(t.ones(1, 1).int(), t.ones(1).int(), t.ones(1).int(), alpha=2.5),
            RuntimeError, "must not be a floating point number"),
    Refusal("addr bool weight", lambda t: t.addr(t.ones(1, 1), t.ones(1), t.ones(1), beta=True), RuntimeError,
            "Boolean beta only supported"),
    Refusal("baddbmm of bools", lambda t: t.baddbmm(*[t.ones(1, 1, 1) > 0] * 3), NotImplementedError, "Bool"),
    Refusal("einsum operands", lambda t: t.einsum("i,j->ij", t.ones(2)), RuntimeError, "operands were provided"),
    Refusal("einsum output", lambda t: t.einsum("i->j", t.ones(2)), RuntimeError, "does not appear"),
    Refusal("einsum sizes", lambda t: t.einsum("i,i->i", t.ones(2), t.ones(3)), RuntimeError, "does not broadcast"),
    Refusal("tensordot lengths", lambda t: t.tensordot(t.ones(2, 2), t.ones(3, 2), dims=1), RuntimeError, "need to match"),
]  # fmt: skip
