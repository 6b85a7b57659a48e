"""Sparse tensors, sparse gradients and the optimizers that take them, against PyTorch."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import rushlight  # noqa: E402
from tests.parity.programs import attempt, same_lines  # noqa: E402


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """PyTorch warns of every sparse tensor that it does not check."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    # It says once that it checks nothing, and once that layouts by row are new.
    torch.sparse_coo_tensor([[0]], [1.0], (1,))
    torch.eye(1).to_sparse_csr()

PROGRAMS: dict[str, Callable[[Any], None]] = {}


def program(function: Callable[[Any], None]) -> Callable[[Any], None]:
    PROGRAMS[function.__name__] = function
    return function


def example(t: Any, **options: Any) -> Any:
    return t.sparse_coo_tensor(
        t.tensor([[0, 1, 1, 0], [2, 0, 2, 2]]), t.tensor([3.0, 4.0, 5.0, 6.0]), (2, 3), **options
    )


@program
def made_and_printed(t: Any) -> None:
    s = example(t)
    print(s, s.coalesce(), s.is_coalesced(), s.coalesce().is_coalesced())
    print(s.shape, s.size(), s.size(1), s.dim(), s.ndim, s.numel(), len(s), s.dtype, s.layout, s.is_sparse, s._nnz())
    print(s.sparse_dim(), s.dense_dim(), s.is_contiguous(), s.is_floating_point(), s.requires_grad, s.is_leaf)
    print(t.sparse_coo_tensor([[0, 1], [1, 0]], [1, 2]), t.sparse_coo_tensor((2, 3)), t.sparse_coo_tensor(size=(2,)))
    print(t.sparse_coo_tensor(t.tensor([[1, 1]]), t.ones(2, 3), (4, 3)).coalesce())
    print(example(t, dtype=t.float64), example(t, requires_grad=True), example(t).double().dtype)
    print(t.eye(2).to_sparse(), t.ones(2, 1, 2).to_sparse(2), t.tensor([[0, 2], [0, 0]]).to_sparse(1))
    print(t.ones(2).layout, t.ones(2).is_sparse, s.to_dense(), t.ones(2).to_dense())


@program
def arithmetic(t: Any) -> None:
    s = example(t).coalesce()
    print(s * 2, s / 2, -s, s + s, s - s, 2 * s, s.mul(t.arange(6.0).reshape(2, 3)), s * s)
    print(t.ones(2, 3) + s, t.ones(2, 3).add(s, alpha=2), t.add(t.ones(2, 3), s), t.ones(2, 3) - s)
    x = t.ones(2, 3)
    x.add_(s, alpha=-0.5)
    x += s
    print(x, s.pow(2), s.sqrt(), s.abs(), s.norm(), s.sum(), s.t(), s.T, s.transpose(0, 1).shape)
    print(s @ t.ones(3, 2), t.sparse.mm(s, t.ones(3, 2)), s.matmul(t.ones(3)), s.index_select(0, t.tensor([1, 1, 0])))
    print(t.sparse.sum(s), t.sparse.sum(s, 0), t.sparse.sum(s, [0, 1]), s.clone(), s.clone().zero_())
    print(t.arange(6.0).reshape(2, 3).sparse_mask(s))
    y = example(t)
    y.mul_(3)
    y.add_(s)
    print(y.coalesce(), y.detach().coalesce().values(), y.coalesce().indices())


@program
def gradients(t: Any) -> None:
    values = t.tensor([1.0, 2.0, 3.0], requires_grad=True)
    s = t.sparse_coo_tensor([[0, 1, 1], [2, 0, 0]], values, (2, 3))
    other = t.arange(6.0).reshape(3, 2).requires_grad_()
    (t.sparse.mm(s, other) ** 2).sum().backward(retain_graph=True)
    print(values.grad, other.grad, s.requires_grad, s.is_leaf)
    values.grad = None
    (s.to_dense() * t.arange(6.0).reshape(2, 3)).sum().backward()
    print(values.grad)
    x = t.tensor([[0.0, 2.0], [3.0, 0.0]], requires_grad=True)
    (x.to_sparse().to_dense() * 3).sum().backward()
    print(x.grad)


@program
def embeddings(t: Any) -> None:
    w = t.arange(10.0).reshape(5, 2).requires_grad_()
    F = t.nn.functional
    F.embedding(t.tensor([[1, 2], [1, 4]]), w, padding_idx=2, sparse=True).sum().backward()
    print(w.grad, w.grad.is_coalesced())
    F.embedding(t.tensor([3]), w, sparse=True).sum().backward()
    print(w.grad.coalesce())
    w.sum().backward()
    print(w.grad)
    w.grad = None
    (F.embedding(t.tensor([3]), w, sparse=True) + F.embedding(t.tensor([1]), w, sparse=True)).sum().backward()
    print(w.grad.coalesce())
    w.grad.zero_()
    print(w.grad)
    w.grad = None
    w.register_hook(lambda g: print("hook", g.is_sparse, tuple(g.shape)))
    F.embedding_bag(t.tensor([[0, 1], [1, 4]]), w, mode="sum", sparse=True).sum().backward()
    print(w.grad.coalesce())
    (g,) = t.autograd.grad(F.embedding(t.tensor([3]), w, sparse=True).sum(), w)
    w.grad = g
    print(w.grad)


@program
def graph_network(t: Any) -> None:
    """Two layers of graph convolution over a normalised adjacency matrix, trained."""
    t.manual_seed(3)
    edges = t.tensor([[0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 0], [1, 0, 2, 1, 3, 2, 4, 3, 5, 4, 3]])
    nodes = 6
    loops = t.arange(nodes).repeat(2, 1)
    a = t.sparse_coo_tensor(t.cat([edges, loops], 1), t.ones(edges.shape[1] + nodes), (nodes, nodes)).coalesce()
    degree = t.sparse.sum(a, 1).to_dense().rsqrt()
    row, column = a.indices()
    a = t.sparse_coo_tensor(a.indices(), degree[row] * a.values() * degree[column], a.shape).coalesce()
    features, labels = t.randn(nodes, 4), t.tensor([0, 0, 0, 1, 1, 1])
    for adjacency in (a, a.to_sparse_csr()):
        t.manual_seed(4)
        layers = t.nn.Linear(4, 8), t.nn.Linear(8, 2)
        optimizer = t.optim.Adam([*layers[0].parameters(), *layers[1].parameters()], lr=0.05)
        for _ in range(5):
            hidden = t.relu(adjacency @ layers[0](features))
            loss = t.nn.functional.cross_entropy(t.sparse.mm(adjacency, layers[1](hidden)), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            print(f"{loss.item():.4f}", layers[0].weight.grad.norm().item() > 0)
    print(a, a.to_sparse_csr(), a.to_sparse_csc())


@program
def layouts_printed(t: Any) -> None:
    x = t.tensor([[0.0, 2.0, 0.0, 1.0], [3.0, 0.0, 0.0, 0.0]])
    print(x.to_sparse_csr(), x.double().to_sparse_csc(), x.to_sparse_bsr((1, 2)), x.to_sparse_bsc((2, 1)))
    print(t.stack([x, x]).to_sparse_csr(), t.zeros(2, 2).to_sparse_csr(), x.int().to_sparse_csr())
    s = x.to_sparse_csr().requires_grad_()
    print(s, s.layout, s.grad, (s @ t.ones(4, 1)).grad_fn.name(), s.to_dense().grad_fn.name())
    (s @ t.ones(4, 1)).sum().backward()
    # PyTorch's gradient for the matrix is dense here.
    print(s.grad.to_dense() * (x != 0))
    c = x.to_sparse().requires_grad_()
    t.sparse.sum(c).backward()
    print(c, c.grad, (c * 2).grad_fn.name(), c.to_dense().grad_fn.name(), t.sparse.mm(c, t.ones(4, 1)).grad_fn.name())
    print(x.to_sparse(1), t.randn(40, 40).to_sparse().shape, t.eye(60).to_sparse(), t.eye(60).to_sparse_csr())


@program
def refused(t: Any) -> None:
    s = example(t)
    attempt(lambda: s.indices())
    attempt(lambda: s.values())
    attempt(lambda: s + t.ones(2, 3))
    attempt(lambda: s.numpy())
    attempt(lambda: t.ones(2).indices())
    attempt(lambda: t.ones(2).is_coalesced())
    attempt(lambda: t.sparse_coo_tensor(t.tensor([0, 1]), t.ones(2), (2, 2)))
    attempt(lambda: t.sparse_coo_tensor(t.tensor([[0, 1]]), t.ones(3), (2,)))
    attempt(lambda: t.sparse_coo_tensor(t.tensor([[0, 1]]), t.ones(2), (2, 2)))
    attempt(lambda: t.sparse_coo_tensor(t.tensor([[0, 2]]), t.ones(2), (2,), check_invariants=True))
    for refusing in (t.exp, lambda x: x.view(6), lambda x: x == x):
        try:
            refusing(s)
        except NotImplementedError:
            print("refused")


@pytest.mark.parametrize("name", PROGRAMS)
def test_program(name: str) -> None:
    same_lines(PROGRAMS[name])


OPTIMIZERS: dict[str, tuple[str, dict[str, Any]]] = {
    "SparseAdam": ("SparseAdam", {"lr": 0.1}),
    "SparseAdam maximize": ("SparseAdam", {"lr": 0.1, "betas": (0.8, 0.9), "eps": 1e-4, "maximize": True}),
    "SGD": ("SGD", {"lr": 0.1}),
    "SGD momentum": ("SGD", {"lr": 0.1, "momentum": 0.9, "dampening": 0.1}),
    "SGD Nesterov": ("SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True, "maximize": True}),
    "Adagrad": ("Adagrad", {"lr": 0.1, "lr_decay": 0.1}),
    "Adagrad maximize": ("Adagrad", {"lr": 0.1, "initial_accumulator_value": 0.5, "maximize": True}),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_steps_on_sparse_gradients(name: str, dtype: str) -> None:
    kind, options = OPTIMIZERS[name]
    found = []
    for t in (rushlight, torch):
        t.manual_seed(1)
        table = t.nn.Embedding(6, 3, sparse=True, dtype=getattr(t, dtype))
        bags = t.nn.EmbeddingBag(6, 2, mode="sum", sparse=True, dtype=getattr(t, dtype))
        optimizer = getattr(t.optim, kind)([*table.parameters(), *bags.parameters()], **options)
        rng = np.random.default_rng(3)
        for _ in range(8):
            optimizer.zero_grad()
            index = t.tensor(rng.integers(0, 6, (2, 3)))
            ((table(index) ** 2).sum() + (bags(index) ** 3).sum()).backward()
            optimizer.step()
        state = optimizer.state_dict()["state"]
        dense = [v.to_dense() if hasattr(v, "to_dense") else v for s in state.values() for v in s.values()]
        found.append([*table.parameters(), *bags.parameters(), *dense])
    for ours, theirs in zip(*found, strict=True):
        if hasattr(theirs, "detach"):
            ours, theirs = ours.detach().numpy(), theirs.detach().numpy()
        np.testing.assert_allclose(ours, theirs, rtol=2e-5 if dtype == "float32" else 1e-10, atol=1e-7)


@pytest.mark.parametrize(
    "name", ["Adam", "RMSprop", "Adadelta", "Adamax", "ASGD", "NAdam", "RAdam", "Rprop", "Adafactor"]
)
def test_other_optimizers_refuse_sparse_gradients(name: str) -> None:
    messages = []
    for t in (rushlight, torch):
        w = t.nn.Parameter(t.ones(3, 2))
        w.grad = t.sparse_coo_tensor([[1]], [[1.0, 2.0]], (3, 2))
        with pytest.raises(RuntimeError) as caught:
            getattr(t.optim, name)([w]).step()
        messages.append(str(caught.value))
    assert messages[0] == messages[1]


@pytest.mark.parametrize("writer", [rushlight, torch])
def test_checkpoints_hold_sparse_tensors(writer: Any) -> None:
    reader = torch if writer is rushlight else rushlight
    file = io.BytesIO()
    writer.save({"s": example(writer), "c": example(writer).coalesce()}, file)
    file.seek(0)
    loaded = reader.load(file)
    assert str(loaded["s"]) == str(example(writer))
    assert loaded["c"].is_coalesced()
