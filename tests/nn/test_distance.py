"""Distances and losses, what the cases can't state: second derivatives where PyTorch has none, many rows, many classes."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest

import rushlight as torch
import rushlight.nn.functional as F
from rushlight.autograd import gradcheck, gradgradcheck

RNG = np.random.default_rng(4)
NORMS = [0.5, 1.0, 1.5, 2.0, 3.0, float("inf")]


def rows(count: int, size: int) -> Any:
    """Rows whose differences keep off the norms' corners."""
    return torch.tensor((1.7 ** RNG.permutation(count * size)).reshape(count, size) / 3).requires_grad_()


@pytest.mark.parametrize("p", NORMS)
def test_second_derivatives_of_all_distances(p: float) -> None:
    x, y = rows(2, 2), rows(3, 2)
    y = (-y.detach() - 0.1).requires_grad_()
    assert gradgradcheck(lambda a, b: torch.cdist(a, b, p), (x, y))
    assert gradgradcheck(lambda a: torch.pdist(a, p), (rows(3, 2),))


@pytest.mark.parametrize("p", [0.0, *NORMS])
def test_distances_of_many_rows_are_those_of_a_table(p: float) -> None:
    # More differences than are held at a time.
    x, y = RNG.standard_normal((60, 70)), RNG.standard_normal((50, 70))
    difference = np.abs(x[:, None] - y)
    expected = difference.max(-1) if p == np.inf else (difference != 0).sum(-1) if p == 0 else None
    if expected is None:
        expected = (difference**p).sum(-1) ** (1 / p)
    found = torch.cdist(torch.tensor(x), torch.tensor(y), p, "donot_use_mm_for_euclid_dist")
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-12)
    pairs = torch.pdist(torch.tensor(x), p)
    np.testing.assert_allclose(
        pairs.numpy(), torch.cdist(torch.tensor(x), torch.tensor(x), p, "donot_use_mm_for_euclid_dist").numpy()[np.triu_indices(60, 1)]
    )  # fmt: skip


def test_gradients_of_many_rows() -> None:
    x = torch.tensor(RNG.standard_normal((40, 60))).requires_grad_()
    y = torch.tensor(RNG.standard_normal((60, 60))).requires_grad_()
    weight = torch.tensor(RNG.standard_normal((40, 60)))
    ours = torch.autograd.grad((torch.cdist(x, y, 3.0) * weight).sum(), (x, y))
    plain = torch.autograd.grad(((x.unsqueeze(1) - y).norm(3.0, dim=-1) * weight).sum(), (x, y))
    for a, b in zip(ours, plain, strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-9, atol=1e-12)


def paths(scores: Any, labels: tuple[int, ...], blank: int) -> float:
    """The loss by adding up all alignments, one by one."""
    steps, classes = scores.shape
    log_probs = scores - np.log(np.exp(scores).sum(-1, keepdims=True))
    total = 0.0
    for path in np.ndindex(*[classes] * steps):
        kept = [c for i, c in enumerate(path) if c != blank and (i == 0 or path[i - 1] != c)]
        if tuple(kept) == labels:
            total += np.exp(log_probs[np.arange(steps), path].sum())
    return float(-np.log(total))


@pytest.mark.parametrize("blank", [0, 2])
@pytest.mark.parametrize("length", [0, 1, 2])
def test_ctc_adds_up_all_alignments(length: int, blank: int) -> None:
    labels = tuple([1 if blank == 0 else 0] * length)
    scores = RNG.standard_normal((4, 3))
    loss = F.ctc_loss(
        torch.tensor(scores[:, None]).log_softmax(2),
        torch.tensor([labels], dtype=torch.long).reshape(1, length),
        (4,),
        (length,),
        blank,
        "sum",
    )
    np.testing.assert_allclose(loss.item(), paths(scores, labels, blank), rtol=1e-12)


def test_ctc_refuses_labels_without_a_class() -> None:
    # PyTorch reads other memory there.
    with pytest.raises(RuntimeError, match=r"expected labels in \[0, 4\) in targets, got 9"):
        F.ctc_loss(torch.zeros(3, 1, 4), torch.tensor([[1, 9]]), (3,), (2,))
    assert F.ctc_loss(torch.zeros(3, 1, 4), torch.tensor([[1, 9]]), (3,), (1,)).isfinite()


@pytest.mark.parametrize("rows", [1, 3, 7, 100])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_chunks_give_what_the_whole_gives(rows: int, dtype: Any) -> None:
    x = torch.tensor(RNG.standard_normal((7, 4))).to(dtype).requires_grad_()
    w = torch.tensor(RNG.standard_normal((9, 4))).to(dtype).requires_grad_()
    y = torch.tensor([0, 8, -100, 3, 3, 1, 5])
    options = torch.nn.LinearCrossEntropyOptions(batch_chunk_size=rows)
    ours = F.linear_cross_entropy(x, w, y, options=options)
    plain = F.linear_cross_entropy(x.float(), w.float(), y)
    assert ours.dtype is dtype
    np.testing.assert_allclose(ours.item(), plain.item(), rtol=1e-2)
    for a, b in zip(torch.autograd.grad(ours, (x, w)), torch.autograd.grad(plain, (x, w)), strict=True):
        assert a.dtype is dtype
        np.testing.assert_allclose(a.float().numpy(), b.float().numpy(), atol=1e-5 if dtype is torch.float32 else 2e-3)


def test_chunks_run_backward_once_unless_asked() -> None:
    x, w = torch.ones(2, 3, requires_grad=True), torch.ones(4, 3)
    for keep in (False, True):
        options = torch.nn.LinearCrossEntropyOptions(allow_retain_graph=keep)
        loss = F.linear_cross_entropy(x, w, torch.tensor([0, 1]), options=options)
        loss.backward(retain_graph=True)
        if keep:
            loss.backward()
        else:
            with pytest.raises(RuntimeError, match="chunked backward called twice"):
                loss.backward()


def test_second_derivatives_of_margins() -> None:
    # PyTorch has none.
    x = torch.tensor([[0.1, 0.5, 0.3], [0.9, 0.2, 0.7]], dtype=torch.float64, requires_grad=True)
    for p in (1, 2):
        assert gradcheck(lambda v, p=p: F.multi_margin_loss(v, torch.tensor([0, 2]), p), x)
        assert gradgradcheck(lambda v, p=p: F.multi_margin_loss(v, torch.tensor([0, 2]), p), x)


def test_losses_copy_and_pickle() -> None:
    for name in torch.nn.modules.loss.__all__:
        make = getattr(torch.nn, name)
        if name in ("LinearCrossEntropyLoss", "NLLLoss2d"):
            continue
        loss = make()
        assert repr(copy.deepcopy(loss)) == repr(loss) == repr(pickle.loads(pickle.dumps(loss)))
        # As PyTorch names it, so that it can read the file.
        assert make.__module__ == "rushlight.nn.modules.loss"
