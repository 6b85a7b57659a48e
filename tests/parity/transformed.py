"""Operators of PyTorch's table inside transforms: their tangents in forward mode, and a batch of samples by vmap."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
import torch.autograd.forward_ad as their_dual

import rushlight
import rushlight.autograd.forward_ad as our_dual
from tests.parity import operators as table

FEW = 2
# What draws numbers, or shows memory that nobody set, gives no two samples alike.
RANDOM = {
    "bernoulli", "binomial", "cauchy", "exponential", "geometric", "log_normal", "multinomial", "nn.functional.alpha_dropout",
    "nn.functional.dropout", "nn.functional.dropout2d", "nn.functional.dropout3d", "nn.functional.feature_alpha_dropout",
    "nn.functional.fractional_max_pool2d", "nn.functional.fractional_max_pool3d", "nn.functional.rrelu",
    "nn.functional.multi_head_attention_forward", "nn.functional.scaled_dot_product_attention", "normal", "normal_",
    "pca_lowrank", "poisson", "rand_like", "randint", "randint_like", "randn", "randn_like", "svd_lowrank", "uniform",
    "randperm", "rand",
}  # fmt: skip


def mapped(value: Any, function: Callable[[Any], Any]) -> Any:
    """Nested arguments with `function` applied to their tensors."""
    if isinstance(value, torch.Tensor | rushlight.Tensor):
        return function(value)
    if type(value) in (tuple, list):
        return type(value)(mapped(one, function) for one in value)
    if isinstance(value, dict):
        return {key: mapped(one, function) for key, one in value.items()}
    return value


def direction(t: Any, tensor: Any) -> Any:
    """A tangent in which every element has its own number."""
    count = tensor.numel()
    square = tensor.dim() > 1 and tensor.shape[-1] == tensor.shape[-2]
    numbers = (0.3 + 0.17 * t.arange(count, dtype=t.float64)).sin().reshape(tuple(tensor.shape))
    if square and bool((abs(tensor.detach() - tensor.detach().mT.conj()) < 1e-9).all()):
        # What is read as one triangle of a symmetric matrix moves as such.
        numbers = numbers + numbers.mT
    return numbers.to(tensor.dtype)


def tangents(t: Any, dual: Any, function: Any, process: Any, arguments: Any, options: Any) -> list[Any]:
    """The tangents of the results where every input that is differentiated moves; zeros for one that stands still."""
    with dual.dual_level():
        move = lambda x: dual.make_dual(x.detach(), direction(t, x)) if x.requires_grad else x  # noqa: E731
        out = process(function(*mapped(arguments, move), **mapped(options, move)))
        found = []
        for one in table.leaves(out):
            primal, tangent = dual.unpack_dual(one)
            if one.is_floating_point() or one.is_complex():
                found.append(t.zeros_like(primal) if tangent is None else tangent)
        return found


def check_forward(op: Any, dtype: str) -> None:
    """The tangents of results, of the operator and where it has one of its in-place form."""
    if not op.supports_forward_ad or not op.supports_autograd:
        return
    for sample in table.samples(op, dtype, requires_grad=True, most=FEW):
        label = table.described(sample)
        given, options = (sample.input, *sample.args), sample.kwargs
        process = sample.output_process_fn_grad
        theirs = table.outcome(tangents, torch, torch, their_dual, op.op, process, given, options)
        if isinstance(theirs, Exception):
            continue
        mine = table.outcome(
            tangents, rushlight, rushlight, our_dual, table.translated(op.op), table.translated(process), table.ours(given),
            table.ours(options),
        )  # fmt: skip
        if table.same_outcome(f"forward{label}", mine, theirs):
            assert len(mine) == len(theirs), f"forward{label}: {len(mine)} tangents, expected {len(theirs)}"
            for i, (a, b) in enumerate(zip(mine, theirs, strict=True)):
                a, b = table.plain(a), table.plain(b)
                assert a.dtype == b.dtype, f"forward{label}: {a.dtype}, expected {b.dtype}"
                table.agree(f"forward{label}: tangent {i}", a, b, table.TOLERANCES[dtype] * 10)


def batches(sample: Any, dim: int) -> Iterator[tuple[str, list[Any], list[Any]]]:
    """Which tensors are batched, and two samples of them: all, and the first alone."""
    tensors = list(table.leaves((sample.input, sample.args, sample.kwargs)))
    for name, chosen in (("all", tensors), ("first", tensors[:1])):
        if name == "first" and len(tensors) < 2:
            continue
        yield name, chosen, [stacked(t.detach(), dim) for t in chosen]


def stacked(tensor: Any, dim: int) -> Any:
    """A tensor and another like it, along a new dimension."""
    other = tensor * 0.75 if tensor.is_floating_point() else tensor
    return torch.stack([tensor, other.to(tensor.dtype)], dim)


def check_vmap(op: Any, dtype: str) -> None:
    """A batch of samples gives what each of them gives, its dimension being the first or the last."""
    if op.name in RANDOM or op.name in table.UNINITIALISED:
        return
    for number, sample in enumerate(table.samples(op, dtype, most=FEW)):
        if any(t.layout is not torch.strided for t in table.leaves((sample.input, sample.args, sample.kwargs))):
            continue
        # Of the first sample all ways, of the others one.
        for dim in (0, -1) if not number else (-1,):
            for name, chosen, wholes in batches(sample, dim):
                if number and name == "first":
                    continue
                compare_batch(op, sample, f"vmap {dim} {name}{table.described(sample)}", chosen, wholes, dim)


def compare_batch(op: Any, sample: Any, label: str, chosen: list[Any], wholes: list[Any], dim: int) -> None:
    arguments = ((sample.input, *sample.args), sample.kwargs)
    places = {id(t): i for i, t in enumerate(chosen)}

    def call(function: Any, translate: Any, *parts: Any) -> Any:
        put = lambda t: parts[places[id(t)]] if id(t) in places else translate(t.detach())  # noqa: E731
        given, options = mapped(arguments, put)
        return function(*translate(given), **translate(options))

    def same(value: Any) -> Any:
        return value

    def translated(value: Any) -> Any:
        return table.ours(value) if not isinstance(value, rushlight.Tensor) else value

    rows = []
    for i in range(2):
        theirs = table.outcome(call, torch, op.op, same, *[w.select(dim, i) for w in wholes])
        if isinstance(theirs, Exception):
            return
        rows.append(list(table.leaves(theirs)))
    if not rows[0] or any(a.shape != b.shape for a, b in zip(*rows, strict=True)):
        return
    function = table.translated(op.op)
    mine = table.outcome(
        lambda: rushlight.vmap(lambda *parts: list(table.leaves(call(function, translated, *parts))), in_dims=dim)(
            *map(table.ours, wholes)
        ),
        rushlight,
    )
    # PyTorch's own, or where it has none what its loop gives.
    theirs = table.outcome(
        lambda: torch.vmap(lambda *parts: list(table.leaves(call(op.op, same, *parts))), in_dims=dim)(*wholes), torch
    )
    if isinstance(mine, Exception):
        if isinstance(theirs, Exception) and isinstance(mine, type(theirs)):
            return
        raise AssertionError(f"{label}: {type(mine).__name__}: {str(mine)[:300]}") from mine
    if isinstance(theirs, Exception):
        theirs = [
            torch.stack([one.detach().resolve_conj(), two.detach().resolve_conj()])
            for one, two in zip(*rows, strict=True)
        ]
    for i, (a, expected) in enumerate(zip(mine, theirs, strict=True)):
        a, b = table.plain(a), table.plain(expected)
        if op.name in table.DETERMINED:
            a, b = abs(a), abs(b)
        table.agree(f"{label}: result {i}", a, b, max(1e-9, table.TOLERANCES.get(table.type_name(expected), 0.0)))
