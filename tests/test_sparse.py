"""Sparse tensors: what they hold, what is computed from them, what they refuse; no PyTorch needed."""

from __future__ import annotations

import copy
import io
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import rushlight as torch
from rushlight.autograd import gradcheck, gradgradcheck

INDICES, SIZE = [[0, 1, 1, 0], [2, 0, 2, 2]], (2, 3)
DENSE = np.array([[0.0, 0.0, 9.0], [4.0, 0.0, 5.0]])


def example(**options: Any) -> Any:
    return torch.sparse_coo_tensor(INDICES, torch.tensor([3.0, 4.0, 5.0, 6.0], dtype=torch.float64), SIZE, **options)


# name: (of a sparse tensor, of the same dense array)
FUNCTIONS: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "to_dense": (lambda s: s, lambda d: d),
    "coalesce": (lambda s: s.coalesce(), lambda d: d),
    "times a number": (lambda s: s * 2, lambda d: d * 2),
    "a number times": (lambda s: 2 * s, lambda d: d * 2),
    "divided": (lambda s: s / 4, lambda d: d / 4),
    "negative": (lambda s: -s, lambda d: -d),
    "times dense": (lambda s: s * torch.full(SIZE, 3.0), lambda d: d * 3),
    "times dense in place": (lambda s: s.clone().mul_(torch.full(SIZE, 3.0)), lambda d: d * 3),
    "squared in place": (lambda s: (c := s.clone()).mul_(c), lambda d: d * d),
    "sum of sparse": (lambda s: s + s, lambda d: 2 * d),
    "difference": (lambda s: s.coalesce() - s, lambda d: 0 * d),
    "dense plus sparse": (lambda s: torch.ones(SIZE, dtype=s.dtype) + s, lambda d: 1 + d),
    "dense minus sparse": (lambda s: torch.ones(SIZE, dtype=s.dtype) - s, lambda d: 1 - d),
    "added in place": (lambda s: torch.ones(SIZE, dtype=s.dtype).add_(s, alpha=-2), lambda d: 1 - 2 * d),
    "power": (lambda s: s**2, lambda d: d**2),
    "root": (lambda s: s.sqrt(), np.sqrt),
    "transposed": (lambda s: s.t(), lambda d: d.T),
    "rows": (lambda s: s.index_select(0, torch.tensor([1, 0, 1])), lambda d: d[[1, 0, 1]]),
    "sum": (lambda s: s.sum(), lambda d: d.sum()),
    "sum of columns": (lambda s: s.sum(0), lambda d: d.sum(0)),
    "product": (lambda s: s @ torch.eye(3, dtype=s.dtype), lambda d: d),
    "product with a vector": (lambda s: s @ torch.ones(3, dtype=s.dtype), lambda d: d.sum(1)),
    "pickled": (lambda s: pickle.loads(pickle.dumps(s)), lambda d: d),
    "copied": (copy.deepcopy, lambda d: d),
    "cloned": (lambda s: s.clone(), lambda d: d),
    "float32": (lambda s: s.float().double(), lambda d: d),
    "zeroed": (lambda s: s.clone().zero_(), lambda d: 0 * d),
    "masked": (lambda s: torch.full(SIZE, 7.0).sparse_mask(s.coalesce()), lambda d: np.where(d != 0, 7.0, 0)),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_equals_the_dense_computation(name: str) -> None:
    sparse, dense = FUNCTIONS[name]
    for s in (example(), example().coalesce()):
        np.testing.assert_allclose(sparse(s).to_dense().numpy(), dense(DENSE))


def test_coalesced_indices_are_sorted_and_single() -> None:
    s = example()
    assert not s.is_coalesced()
    c = s.coalesce()
    assert c.is_coalesced() and c.coalesce() is c
    assert c.indices().tolist() == [[0, 1, 1], [2, 0, 2]]
    assert c.values().tolist() == [9.0, 4.0, 5.0]


def test_there_and_back() -> None:
    x = torch.tensor(DENSE)
    assert x.to_sparse().to_dense().equal(x)
    hybrid = torch.arange(12.0).reshape(2, 3, 2).to_sparse(2)
    assert (hybrid.sparse_dim(), hybrid.dense_dim(), hybrid._nnz()) == (2, 1, 6)
    assert hybrid.to_dense().equal(torch.arange(12.0).reshape(2, 3, 2))


@pytest.mark.parametrize(
    "function",
    [
        lambda v, d: torch.sparse_coo_tensor(INDICES, v, SIZE).to_dense(),
        lambda v, d: torch.sparse_coo_tensor(INDICES, v, SIZE).coalesce().values(),
        lambda v, d: torch.sparse.mm(torch.sparse_coo_tensor(INDICES, v, SIZE), d),
        lambda v, d: torch.sparse.sum(torch.sparse_coo_tensor(INDICES, v, SIZE), 0).to_dense(),
        lambda v, d: d.to_sparse().to_dense() * 2 + torch.sparse_coo_tensor(INDICES, v, SIZE).t().to_dense(),
    ],
)
def test_gradients_equal_finite_differences(function: Callable[..., Any]) -> None:
    values = torch.tensor([1.0, 2.0, 3.0, 4.0], dtype=torch.float64, requires_grad=True)
    dense = (1 + torch.arange(6.0, dtype=torch.float64)).reshape(3, 2).requires_grad_()

    assert gradcheck(function, (values, dense))
    assert gradgradcheck(function, (values, dense))


def test_gradients_of_embeddings_add_up() -> None:
    w = torch.zeros(4, 2, requires_grad=True)
    F = torch.nn.functional
    F.embedding(torch.tensor([1, 1]), w, sparse=True).sum().backward()
    assert w.grad.is_sparse and w.grad._nnz() == 2
    F.embedding(torch.tensor([3]), w, sparse=True).sum().backward()
    assert w.grad.to_dense()[:, 0].tolist() == [0, 2, 0, 1]
    w.sum().backward()
    assert not w.grad.is_sparse and w.grad[:, 0].tolist() == [1, 3, 1, 2]


LAYOUTS = {"csr": {}, "csc": {}, "bsr": {"blocksize": (2, 1)}, "bsc": {"blocksize": (1, 3)}}


@pytest.mark.parametrize("name", LAYOUTS)
def test_layouts_keep_the_tensor(name: str) -> None:
    layout = getattr(torch, f"sparse_{name}")
    x = torch.tensor(DENSE)
    for s in (x.to_sparse(layout=layout, **LAYOUTS[name]), example().to_sparse(layout=layout, **LAYOUTS[name])):
        assert s.layout is layout and s.shape == x.shape and not s.is_sparse
        for same in (s, s.clone(), pickle.loads(pickle.dumps(s)), copy.deepcopy(s), s.to_sparse(), s.t().t()):
            assert same.to_dense().equal(x)
        assert (s * 2).to_dense().equal(2 * x)
        file = io.BytesIO()
        torch.save(s, file)
        file.seek(0)
        assert torch.load(file).to_dense().equal(x)


def test_parts_of_a_matrix_by_rows() -> None:
    s = torch.sparse_csr_tensor([0, 1, 3], [2, 0, 2], [9.0, 4.0, 5.0], (2, 3))
    assert s.crow_indices().tolist() == [0, 1, 3] and s.col_indices().tolist() == [2, 0, 2] and s._nnz() == 3
    assert s.to_sparse_csc().ccol_indices().tolist() == [0, 1, 1, 3]
    assert repr(s).splitlines()[0] == "tensor(crow_indices=tensor([0, 1, 3]),"


def test_batches_of_matrices() -> None:
    x = torch.arange(1.0, 13.0).reshape(2, 2, 3)
    x[:, 0, 1] = 0
    s = x.to_sparse_csr()
    assert s.crow_indices().tolist() == [[0, 2, 5]] * 2 and s.to_dense().equal(x)
    assert torch.bmm(x.to_sparse(), x.mT).allclose(torch.bmm(x, x.mT))


def test_a_long_row_and_an_empty_one() -> None:
    x = torch.zeros(3, 200, dtype=torch.float64)
    x[1] = 1 + torch.arange(200.0)
    x[2, 5] = 3
    d = torch.arange(400.0, dtype=torch.float64).reshape(200, 2)
    for s in (x.to_sparse(), x.to_sparse_csr(), x.to_sparse_csc()):
        np.testing.assert_allclose((s @ d).numpy(), x.numpy() @ d.numpy())


@pytest.mark.parametrize("reduce", ["sum", "mean", "amax", "amin"])
def test_reduced_products(reduce: str) -> None:
    values = torch.tensor([1.0, -2.0, 3.0, 4.0], dtype=torch.float64, requires_grad=True)
    dense = (torch.arange(6.0, dtype=torch.float64) - 2.5).reshape(3, 2).requires_grad_()

    def product(v: Any, d: Any) -> Any:
        return torch.sparse.mm(torch.sparse_csr_tensor([0, 3, 3, 4], [0, 1, 2, 1], v, (3, 3)), d, reduce)

    assert gradcheck(product, (values, dense)) and gradgradcheck(product, (values, dense))
    each = np.array([1.0, -2.0, 3.0])[:, None] * dense.detach().numpy()
    expected = {"sum": each.sum(0), "mean": each.mean(0), "amax": each.max(0), "amin": each.min(0)}[reduce]
    np.testing.assert_allclose(product(values, dense)[:2].detach().numpy(), [expected, [0, 0]])


@pytest.mark.parametrize("layout", ["coo", "csr"])
@pytest.mark.parametrize(
    "function",
    [
        lambda s, d: torch.sparse.mm(s, d),
        lambda s, d: d.t() @ s.t(),
        lambda s, d: torch.addmm(torch.ones(2, 2, dtype=d.dtype), s, d, beta=2, alpha=3),
        lambda s, d: torch.sparse.mm(s, s.t()).to_dense(),
        lambda s, d: s.sin().to_dense() @ d,
        lambda s, d: (s * (d @ d.t())[:2]).to_dense(),
        lambda s, d: (s + s).to_dense(),
        lambda s, d: d.t().sparse_mask(s.detach()).to_dense() * 2,
        lambda s, d: torch.mv(s, d[:, 0]),
    ],
)
def test_gradients_of_sparse_tensors(function: Callable[..., Any], layout: str) -> None:
    check = torch.sparse.as_sparse_gradcheck(gradcheck)
    twice = torch.sparse.as_sparse_gradcheck(gradgradcheck)
    s = torch.tensor(DENSE).to_sparse(layout=getattr(torch, f"sparse_{layout}")).requires_grad_()
    dense = (1 + torch.arange(6.0, dtype=torch.float64)).reshape(3, 2).requires_grad_()
    assert check(function, (s, dense), masked=True) and twice(function, (s, dense), masked=True)


def test_a_sparse_leaf_has_a_sparse_gradient() -> None:
    for layout in (torch.sparse_coo, torch.sparse_csr):
        s = torch.tensor(DENSE).to_sparse(layout=layout).requires_grad_()
        (s @ torch.ones(3, 1, dtype=s.dtype)).sum().backward()
        assert s.grad.layout is layout and s.grad.values().tolist() == [1, 1, 1]
        (gradient,) = torch.autograd.grad((s * 2).sum(), s)
        assert gradient.layout is layout and gradient.values().tolist() == [2, 2, 2]


def test_invariants_are_checked_when_asked() -> None:
    wrong = [0, 1, 2], [1, 7], torch.ones(2), (2, 2)
    torch.sparse_csr_tensor(*wrong)
    with pytest.raises(RuntimeError, match="col_indices"):
        torch.sparse_csr_tensor(*wrong, check_invariants=True)
    with torch.sparse.check_sparse_tensor_invariants(), pytest.raises(RuntimeError, match="col_indices"):
        torch.sparse_csr_tensor(*wrong)
    assert not torch.sparse.check_sparse_tensor_invariants.is_enabled()


REFUSED: dict[str, tuple[Callable[[], Any], type[Exception], str]] = {
    "indices of another": (lambda: example().indices(), RuntimeError, "uncoalesced"),
    "values of dense": (lambda: torch.ones(2).values(), RuntimeError, "Strided"),
    "sparse plus dense": (lambda: example() + torch.ones(SIZE), RuntimeError, "not supported"),
    "numpy": (lambda: example().numpy(), TypeError, "to_dense"),
    "other operations": (lambda: torch.exp(example()), NotImplementedError, "SparseCPU"),
    "indices of one dimension": (
        lambda: torch.sparse_coo_tensor(torch.tensor([0]), [1.0]),
        RuntimeError,
        "sparse_dim x nnz",
    ),
    "values too few": (lambda: torch.sparse_coo_tensor([[0, 1]], [1.0]), RuntimeError, "same nnz"),
    "negative index": (lambda: torch.sparse_coo_tensor([[-1]], [1.0], (2,)), RuntimeError, "negative index"),
    "index out of range": (lambda: torch.sparse_coo_tensor([[2]], [1.0], (2,)), RuntimeError, "found index 2"),
    "dimensions": (lambda: torch.sparse_coo_tensor([[0]], [1.0], (2, 2)), RuntimeError, "sparse_dim"),
    "size of values": (lambda: torch.sparse_coo_tensor([[0]], [[1.0]], (2, 2)), RuntimeError, "incorrect size"),
    "sizes of a sum": (lambda: example() + torch.sparse_coo_tensor((2, 2)), RuntimeError, "sizes"),
    "division by dense": (lambda: example() / torch.ones(SIZE), RuntimeError, "scalar"),
    "sum of layouts by column": (
        lambda: example().to_sparse_csc() + example().to_sparse_csc(),
        RuntimeError,
        "row compressed",
    ),
    "quotient by rows": (lambda: example().to_sparse_csr() / 2, RuntimeError, "unsupported tensor layout"),
    "parts by rows of another": (lambda: example().crow_indices(), RuntimeError, "row compressed"),
    "pointers too few": (
        lambda: torch.sparse_csr_tensor([0, 1], [0], [1.0], (2, 2)),
        RuntimeError,
        "number of rows",
    ),
    "blocks that don't fit": (lambda: torch.ones(3, 3).to_sparse_bsr((2, 2)), RuntimeError, "divisible"),
    "no layout": (lambda: torch.sparse_compressed_tensor([0], [0], [1.0]), RuntimeError, "layout"),
    "sparse_dim": (lambda: torch.ones(2).to_sparse(2), RuntimeError, "range"),
    "product's shapes": (lambda: example() @ torch.ones(2, 2), RuntimeError, "cannot be multiplied"),
    "mask": (lambda: torch.ones(2, 2).sparse_mask(example()), RuntimeError, "incompatible sizes"),
    "copy of dense": (lambda: example().copy_(torch.ones(SIZE)), RuntimeError, "between dense and sparse"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refusals(name: str) -> None:
    call, error, match = REFUSED[name]
    with pytest.raises(error, match=match):
        call()


@pytest.mark.parametrize(
    ("optimizer", "options", "rows"),
    [("SGD", {"lr": 0.5}, 0.5), ("SparseAdam", {"lr": 0.5}, 0.5), ("Adagrad", {"lr": 0.5}, 0.5)],
)
def test_steps_touch_only_the_rows_that_were_used(optimizer: str, options: dict[str, Any], rows: float) -> None:
    table = torch.nn.Embedding.from_pretrained(torch.ones(4, 2), freeze=False, sparse=True)
    step = getattr(torch.optim, optimizer)(table.parameters(), **options)
    table(torch.tensor([2])).sum().backward()
    step.step()
    np.testing.assert_allclose(table.weight.detach().numpy(), [[1, 1], [1, 1], [1 - rows] * 2, [1, 1]], rtol=1e-5)


@pytest.mark.parametrize(
    ("make", "error", "match"),
    [
        (lambda w: torch.optim.SparseAdam([w], lr=0.0), ValueError, "learning rate"),
        (lambda w: torch.optim.SparseAdam([w], eps=0.0), ValueError, "epsilon"),
        (lambda w: torch.optim.SparseAdam([w], betas=(1.0, 0.0)), ValueError, "index 0"),
        (lambda w: torch.optim.SparseAdam([w], betas=(0.0, 1.0)), ValueError, "index 1"),
        (lambda w: torch.optim.SparseAdam([torch.ones(2).to_sparse()]), ValueError, "requires dense parameter"),
        (lambda w: torch.optim.SparseAdam([w]).step(), RuntimeError, "does not support dense gradients"),
    ],
)
def test_sparse_adam_refuses(make: Callable[[Any], Any], error: type[Exception], match: str) -> None:
    w = torch.nn.Parameter(torch.ones(2))
    w.grad = torch.ones(2)
    with pytest.raises(error, match=match):
        make(w)
