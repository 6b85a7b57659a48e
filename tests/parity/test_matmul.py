"""Matrix products against PyTorch: ranks, broadcasting, empty operands, types, gradients, errors."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import rushlight  # noqa: E402
from tests.parity.programs import attempt, same_lines  # noqa: E402
from tests.parity.tensor_oracle import same  # noqa: E402

SHAPES: dict[str, tuple[tuple[int, ...], tuple[int, ...]]] = {
    "vectors": ((3,), (3,)),
    "row": ((3,), (3, 4)),
    "column": ((2, 3), (3,)),
    "matrices": ((2, 3), (3, 4)),
    "batch by vector": ((5, 2, 3), (3,)),
    "batch by matrix": ((5, 2, 3), (3, 4)),
    "vector by batch": ((3,), (5, 3, 4)),
    "matrix by batch": ((2, 3), (5, 3, 4)),
    "batches": ((5, 2, 3), (5, 3, 4)),
    "broadcast": ((5, 1, 2, 3), (2, 3, 4)),
    "broadcast both": ((5, 1, 2, 3), (1, 2, 3, 4)),
    "five": ((2, 1, 2, 2, 3), (2, 1, 3, 2)),
    "five by vector": ((2, 1, 2, 2, 3), (3,)),
    "empty rows": ((0, 3), (3, 4)),
    "empty inner": ((2, 0), (0, 4)),
    "empty batch": ((0, 2, 3), (0, 3, 4)),
    "empty vectors": ((0,), (0,)),
}


@pytest.mark.parametrize("name", SHAPES)
def test_matmul(name: str) -> None:
    same(lambda t, a, b: t.matmul(a, b), SHAPES[name], strides=False, check_names=False)
    same(lambda t, a, b: a @ b, SHAPES[name], strides=False, check_names=False)


PRODUCTS: dict[str, tuple[Any, list[Any]]] = {
    "mm": (lambda t, a, b: t.mm(a, b), [(2, 3), (3, 4)]),
    "mm transposed": (lambda t, a, b: t.mm(a.t(), b.t()), [(3, 2), (4, 3)]),
    "mm stepped": (lambda t, a, b: a[::2].mm(b[:, ::2]), [(4, 3), (3, 4)]),
    "bmm": (lambda t, a, b: t.bmm(a, b), [(5, 2, 3), (5, 3, 4)]),
    "mv": (lambda t, a, b: t.mv(a, b), [(2, 3), (3,)]),
    "dot": (lambda t, a, b: t.dot(a, b), [(3,), (3,)]),
    "vdot": (lambda t, a, b: t.vdot(a, b), [("complex", (3,)), ("complex", (3,))]),
    "complex mm": (lambda t, a, b: t.mm(a, b), [("complex", (2, 3)), ("complex", (3, 2))]),
    "inner": (lambda t, a, b: t.inner(a, b), [(2, 3), (4, 3)]),
    "inner vectors": (lambda t, a, b: t.inner(a, b), [(3,), (3,)]),
    "outer": (lambda t, a, b: t.outer(a, b), [(2,), (3,)]),
    "addmm": (lambda t, c, a, b: t.addmm(c, a, b), [(2, 4), (2, 3), (3, 4)]),
    "addmm bias": (lambda t, c, a, b: t.addmm(c, a, b), [(4,), (2, 3), (3, 4)]),
    "addmm scaled": (lambda t, c, a, b: c.addmm(a, b, beta=0.5, alpha=2), [(2, 1), (2, 3), (3, 4)]),
    "addmm no input": (lambda t, c, a, b: t.addmm(c, a, b, beta=0), [(2, 4), (2, 3), (3, 4)]),
    "addmv": (lambda t, c, a, b: t.addmv(c, a, b, alpha=3), [(2,), (2, 3), (3,)]),
    "addr": (lambda t, c, a, b: t.addr(c, a, b, beta=2), [(2, 3), (2,), (3,)]),
    "baddbmm": (lambda t, c, a, b: t.baddbmm(c, a, b, beta=0.3), [(2, 4), (5, 2, 3), (5, 3, 4)]),
    "addbmm": (lambda t, c, a, b: t.addbmm(c, a, b), [(2, 4), (5, 2, 3), (5, 3, 4)]),
    "in place": (lambda t, c, a, b: (c * 1).addmm_(a, b, alpha=2), [(2, 4), (2, 3), (3, 4)]),
    "linear": (lambda t, x, w, b: t.nn.functional.linear(x, w, b), [(2, 3), (4, 3), (4,)]),
    "linear no bias": (lambda t, x, w: t.nn.functional.linear(x, w), [(2, 3), (4, 3)]),
    "linear vector": (lambda t, x, w, b: t.nn.functional.linear(x, w, b), [(3,), (4, 3), (4,)]),
    "linear vector no bias": (lambda t, x, w: t.nn.functional.linear(x, w), [(3,), (4, 3)]),
    "linear batch": (lambda t, x, w, b: t.nn.functional.linear(x, w, b), [(5, 2, 3), (4, 3), (4,)]),
    "linear batch no bias": (lambda t, x, w: t.nn.functional.linear(x, w), [(5, 2, 3), (4, 3)]),
    "linear four": (lambda t, x, w, b: t.nn.functional.linear(x, w, b), [(2, 1, 2, 3), (4, 3), (4,)]),
    "linear one output": (lambda t, x, w: t.nn.functional.linear(x, w), [(5, 3), (3,)]),
    "linear empty": (lambda t, x, w, b: t.nn.functional.linear(x, w, b), [(0, 3), (4, 3), (4,)]),
    "linear stepped": (lambda t, x, w, b: t.nn.functional.linear(x.transpose(0, 1), w, b), [(5, 2, 3), (4, 3), (4,)]),
    "bilinear": (lambda t, x, y, w, b: t.nn.functional.bilinear(x, y, w, b), [(2, 3), (2, 2), (4, 3, 2), (4,)]),
    "kron": (lambda t, a, b: t.kron(a, b), [(2, 3), (2, 2)]),
    "kron ranks": (lambda t, a, b: t.kron(a, b), [(2,), (3, 2, 2)]),
    "chain": (lambda t, a, b, c: t.chain_matmul(a, b, c), [(2, 3), (3, 4), (4, 2)]),
    "tensordot": (lambda t, a, b: t.tensordot(a, b), [(2, 3, 4), (3, 4, 5)]),
    "tensordot one": (lambda t, a, b: t.tensordot(a, b, dims=1), [(2, 3), (3, 4)]),
    "tensordot none": (lambda t, a, b: t.tensordot(a, b, dims=0), [(2, 3), (3,)]),
    "tensordot lists": (lambda t, a, b: t.tensordot(a, b, dims=([1, 0], [0, 1])), [(3, 4, 2), (4, 3, 5)]),
}
FUSED = {
    "addmm scaled",
    "addmm no input",
    "addmv",
    "addr",
    "baddbmm",
    "addbmm",
    "in place",
    "inner",
    "inner vectors",
    "vdot",
    "outer",
    "bilinear",
    "kron",
    "kron ranks",
    "chain",
    "linear vector no bias",
    "tensordot",
    "tensordot one",
    "tensordot none",
    "tensordot lists",
}


@pytest.mark.parametrize("name", PRODUCTS)
def test_products(name: str) -> None:
    program, shapes = PRODUCTS[name]
    same(program, shapes, strides=False, check_names=name not in FUSED)


EINSUMS: dict[str, tuple[str, list[Any]]] = {
    "trace": ("ii", [(3, 3)]),
    "diagonal": ("ii->i", [(3, 3)]),
    "sum": ("ij->", [(2, 3)]),
    "transpose": ("ij->ji", [(2, 3)]),
    "implied order": ("ba", [(2, 3)]),
    "matrix": ("ik,kj->ij", [(2, 3), (3, 4)]),
    "implied": ("ik,kj", [(2, 3), (3, 4)]),
    "elementwise": ("ij,ij->ij", [(2, 3), (2, 3)]),
    "batch": ("bij,bjk->bik", [(5, 2, 3), (5, 3, 4)]),
    "outer": ("i,j->ij", [(2,), (3,)]),
    "bilinear": ("bn,anm,bm->ba", [(2, 3), (4, 3, 5), (2, 5)]),
    "attention": ("bqhd,bkhd->bhqk", [(2, 3, 2, 4), (2, 5, 2, 4)]),
    "sum of one": ("ij,jk->k", [(2, 3), (3, 4)]),
    "ellipsis": ("...ij,...jk->...ik", [(5, 1, 2, 3), (2, 3, 4)]),
    "ellipsis implied": ("i...,i...", [(2, 3), (2, 3)]),
    "ellipsis moved": ("...i->i...", [(2, 3, 4)]),
    "ellipsis summed": ("i...->i", [(2, 3)]),
    "one broadcasts": ("ij,ij->i", [(2, 1), (2, 3)]),
    "diagonals": ("iij,jk->ik", [(2, 2, 3), (3, 4)]),
    "four": ("ab,bc,cd,de->ae", [(2, 3), (3, 2), (2, 4), (4, 2)]),
    "capital": ("Ab,bC->AC", [(2, 3), (3, 4)]),
    "spaces": (" i k , k j -> i j ", [(2, 3), (3, 4)]),
    "scalar": (",i->i", [(), (3,)]),
    "empty": ("ik,kj->ij", [(2, 0), (0, 4)]),
}


@pytest.mark.parametrize("name", EINSUMS)
def test_einsum(name: str) -> None:
    equation, shapes = EINSUMS[name]
    same(lambda t, *xs: t.einsum(equation, *xs), shapes, strides=False, check_names=False)


def test_einsum_by_numbers() -> None:
    same(lambda t, a, b: t.einsum(a, [0, 1], b, [1, 2], [0, 2]), [(2, 3), (3, 4)], strides=False, check_names=False)
    same(lambda t, a, b: t.einsum(a, [0, 1], b, [1, 2]), [(2, 3), (3, 4)], strides=False, check_names=False)
    same(lambda t, a: t.einsum(a, [..., 0, 1], [..., 1, 0]), [(2, 3, 4)], strides=False, check_names=False)
    same(lambda t, a, b: t.einsum("ik,kj->ij", [a, b]), [(2, 3), (3, 4)], strides=False, check_names=False)


TYPES = ("float32", "float16", "bfloat16", "int64", "int32", "int8", "uint8", "bool", "complex64")


@pytest.mark.parametrize("dtype", TYPES)
def test_types(dtype: str) -> None:
    rng = np.random.default_rng(0)
    for a, b in (((2, 3), (3, 4)), ((5, 2, 3), (5, 3, 4)), ((2, 3), (3,)), ((3,), (3,))):
        x, y = rng.integers(-4, 9, a), rng.integers(-4, 9, b)
        outcomes = []
        for library in (rushlight, torch):
            pair = [library.tensor(v).to(getattr(library, dtype)) for v in (x, y)]
            try:
                out = library.matmul(*pair)
                plain = out if dtype == "complex64" else out.to(library.float64)
                outcomes.append((str(out.dtype), plain.numpy().tolist()))
            except Exception as error:
                outcomes.append((type(error).__name__, None))
        assert outcomes[0] == outcomes[1], (dtype, a, b)


PROGRAMS: dict[str, Callable[[Any], None]] = {}


def program(function: Callable[[Any], None]) -> Callable[[Any], None]:
    PROGRAMS[function.__name__] = function
    return function


@program
def wrong_shapes(t: Any) -> None:
    z = t.zeros
    attempt(lambda: t.mm(z(2, 3), z(2, 3)))
    attempt(lambda: t.mm(z(2), z(2, 3)))
    attempt(lambda: t.mm(z(2, 3), z(3)))
    attempt(lambda: t.bmm(z(2, 3), z(2, 3, 3)))
    attempt(lambda: t.bmm(z(2, 3, 4), z(2, 3, 4)))
    attempt(lambda: t.bmm(z(2, 3, 4), z(3, 4, 4)))
    attempt(lambda: t.mv(z(2, 3), z(2)))
    attempt(lambda: t.dot(z(2), z(3)))
    attempt(lambda: t.dot(z(2, 2), z(2)))
    attempt(lambda: t.matmul(z(2, 3), z(2, 3)))
    attempt(lambda: t.matmul(z(()), z(2)))
    attempt(lambda: t.matmul(z(2), z(3)))
    attempt(lambda: t.matmul(z(2, 3), z(4)))
    attempt(lambda: z(2, 3) @ 3)
    attempt(lambda: t.matmul(z(2, 3), 3))
    attempt(lambda: t.addmm(z(5), z(2, 3), z(3, 4)))
    attempt(lambda: t.addmm(z(4), z(2, 3), z(2, 4)))
    attempt(lambda: t.outer(z(2, 2), z(2)))
    attempt(lambda: t.inner(z(2, 3), z(2, 4)))
    F = t.nn.functional
    attempt(lambda: F.linear(z(2, 3), z(4, 2)))
    attempt(lambda: F.linear(z(2, 3), z(4, 2), z(4)))
    attempt(lambda: F.linear(z(5, 2, 3), z(4, 2), z(4)))
    attempt(lambda: F.linear(z(3), z(4, 2), z(4)))
    attempt(lambda: F.linear([1.0], z(4, 2)))
    attempt(lambda: t.nn.Linear(3, 4)(z(2, 5)))


@program
def wrong_types(t: Any) -> None:
    a, b = t.zeros(2, 2), t.zeros(2, 2, dtype=t.float64)
    for function in (t.mm, t.matmul, lambda x, y: t.nn.functional.linear(x, y)):
        attempt(lambda: function(a, b))
    attempt(lambda: t.mm(a, t.zeros(2, 2, dtype=t.int64)))
    attempt(lambda: t.dot(a[0], b[0]))
    attempt(lambda: t.bmm(a[None], b[None]))


@program
def wrong_equations(t: Any) -> None:
    z = t.zeros
    attempt(lambda: t.einsum("ij,jk->ik", z(2, 3)))
    attempt(lambda: t.einsum("ij->ik", z(2, 3)))
    attempt(lambda: t.einsum("ij,jk->ik", z(2, 3), z(4, 5)))
    attempt(lambda: t.einsum("ijk", z(2, 3)))
    attempt(lambda: t.einsum("i1", z(2, 3)))
    attempt(lambda: t.einsum("ii", z(2, 3)))
    attempt(lambda: t.einsum("ij->ii", z(2, 3)))
    attempt(lambda: t.einsum("i,j", z(2)))


@program
def into_out(t: Any) -> None:
    out = t.empty(2, 2)
    result = t.mm(t.ones(2, 3), t.ones(3, 2), out=out)
    print(out, result is out)
    t.matmul(t.ones(2, 3), t.ones(3), out=(other := t.empty(2)))
    print(other)


@program
def names_of_linear(t: Any) -> None:
    F = t.nn.functional
    w, b = t.ones(4, 3, requires_grad=True), t.ones(4, requires_grad=True)
    for shape, bias in itertools.product(((2, 3), (2, 2, 3), (2, 1, 2, 3)), (b, None)):
        print(shape, type(F.linear(t.ones(shape), w, bias).grad_fn).__name__)
    print(type((t.ones(2, 2, 3) @ w.t()).grad_fn).__name__, type((w @ t.ones(3)).grad_fn).__name__)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("factors", [{}, {"beta": -4.775, "alpha": 2.0315}])
def test_half_precision_addmm_rounds_once(dtype: str, factors: dict[str, float]) -> None:
    rng = np.random.default_rng(1)
    arrays = [rng.standard_normal(shape) for shape in ((6, 5), (6, 4), (4, 5))]
    found = []
    for library in (rushlight, torch):
        tensors = [library.tensor(a).to(getattr(library, dtype)) for a in arrays]
        found.append(library.addmm(*tensors, **factors).float().numpy())
    np.testing.assert_array_equal(*found)


@pytest.mark.parametrize("name", PROGRAMS)
def test_program(name: str) -> None:
    same_lines(PROGRAMS[name])
