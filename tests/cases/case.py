"""How a layer's or a function's cases are stated: once, for all tests that run over them.

A file of this folder is a family. Its `CASES` are what must equal PyTorch, its `REFUSALS` what must be refused as there.
Both are written against a library `t`, which is `rushlight` or `torch`:

    CASES = [
        Case("Linear", lambda t: t.nn.Linear(3, 2), (normal(4, 3),)),
        Case("relu", lambda t: t.nn.functional.relu, (normal(5),)),
    ]
    REFUSALS = [
        Refusal("Linear features", lambda t: t.nn.Linear(3, 2)(t.ones(2)), RuntimeError, "cannot be multiplied"),
    ]

tests/nn/test_cases.py holds them to golden values and to finite differences, tests/parity/test_cases.py to an installed
PyTorch on fresh inputs; `tools/make_layer_goldens.py FAMILY` writes the golden values, with PyTorch.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

FOLDER = Path(__file__).parent
FAMILIES = sorted(path.stem for path in FOLDER.glob("*.py") if path.stem not in ("case", "__init__"))


@dataclass(frozen=True)
class Maker:
    """How to draw an array."""

    draw: Callable[[np.random.Generator], Any]
    wants_gradient: bool = True


def fixed(maker: Maker) -> Maker:
    """The same numbers, wanting no gradient."""
    return replace(maker, wants_gradient=False)


def normal(*shape: int, scale: float = 1.0) -> Maker:
    """Standard normal numbers, times `scale`."""
    return Maker(lambda rng: rng.standard_normal(shape) * scale)


def uniform(low: float, high: float, *shape: int) -> Maker:
    """Uniform numbers of [low, high)."""
    return Maker(lambda rng: rng.uniform(low, high, shape))


def distinct(*shape: int) -> Maker:
    """Numbers at least 0.05 apart from each other and from zero, in random order: no ties, no kink within a step."""

    def draw(rng: np.random.Generator) -> Any:
        size = math.prod(shape)
        return (rng.permutation(size) - size // 2 + 0.5).reshape(shape) * 0.1

    return Maker(draw)


def integers(high: int, *shape: int, low: int = 0) -> Maker:
    """int64 numbers of [low, high)."""
    return Maker(lambda rng: rng.integers(low, high, shape))


def boolean(*shape: int) -> Maker:
    """Fair coins."""
    return Maker(lambda rng: rng.random(shape) < 0.5)


def given(values: Any) -> Maker:
    """These numbers."""
    return Maker(lambda rng: values)


@dataclass(frozen=True)
class Case:
    """A layer or a function under given arguments, and inputs to call it with.

    `inputs` and `options` are the call's arguments: makers of arrays, tuples, lists and dicts of them, and anything else
    as it is. Arrays of floats become tensors of the dtype under test that want a gradient, unless `fixed`.
    """

    name: str
    make: Callable[[Any], Callable[..., Any]]
    inputs: Sequence[Any]
    options: Mapping[str, Any] = field(default_factory=dict)
    smooth: bool = True
    """Whether first derivatives are compared with finite differences (not where a step crosses a kink)."""
    second: bool = True
    """Whether second derivatives are compared: where PyTorch has them."""
    training: bool = True
    """The mode of a module."""
    draws: bool = False
    """Whether the call draws random numbers: it is seeded again before each."""
    stepped: bool = True
    """Whether inputs that aren't contiguous give the same."""
    halves: Sequence[str] = ("float16", "bfloat16")
    """The 16-bit types in which outputs and gradients are compared, where PyTorch has them."""
    copies: bool = True
    """Whether the module can be copied deeply: not those that hold a tensor with a history."""
    tolerance: float = 1.0
    """How many times the usual tolerance."""

    def __repr__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Refusal:
    """A misuse, the type of the exception and a pattern of the message."""

    name: str
    call: Callable[[Any], Any]
    error: type[Exception]
    match: str

    def __repr__(self) -> str:
        return self.name


def cases(family: str) -> list[Case]:
    return list(getattr(importlib.import_module(f"tests.cases.{family}"), "CASES", ()))


def refusals(family: str) -> list[Refusal]:
    return list(getattr(importlib.import_module(f"tests.cases.{family}"), "REFUSALS", ()))


@dataclass
class Call:
    """One call of a case on a library: what went in and what came out."""

    callee: Any
    arguments: Any
    options: Any
    leaves: list[Any]
    initial: dict[str, Any]
    seed: int | None
    outputs: list[Any] = field(default_factory=list)

    def again(self, t: Any) -> list[Any]:
        """Call once more with the same tensors."""
        if self.seed is not None:
            t.manual_seed(self.seed)
        return list(tensors(self.callee(*self.arguments, **self.options)))


def tensors(found: Any) -> Iterator[Any]:
    """The tensors within tuples, lists, dicts and attributes named `data`, in order; dense."""
    if hasattr(found, "requires_grad") and hasattr(found, "detach"):
        found = found.dequantize() if getattr(found, "is_quantized", False) else found
        yield found.to_dense() if getattr(found, "is_sparse", False) else found
    elif isinstance(found, Mapping):
        for key in found:
            yield from tensors(found[key])
    elif isinstance(found, tuple | list):
        for one in found:
            yield from tensors(one)


class _Inputs:
    """Makes the arguments of one call, and keeps those that want a gradient."""

    def __init__(self, t: Any, dtype: str, seed: int, stepped: bool) -> None:
        self.t, self.dtype, self.stepped = t, dtype, stepped
        self.rng = np.random.default_rng(seed)
        self.leaves: list[Any] = []

    def made(self, what: Any) -> Any:
        if isinstance(what, tuple):
            return tuple(map(self.made, what))
        if isinstance(what, list):
            return list(map(self.made, what))
        if isinstance(what, Mapping):
            return {key: self.made(value) for key, value in what.items()}
        if isinstance(what, Maker):
            return self._tensor(np.asarray(what.draw(self.rng)), what.wants_gradient)
        return what

    def _tensor(self, array: Any, wanted: bool) -> Any:
        tensor = self.t.tensor(array)
        if not tensor.is_floating_point():
            return tensor
        tensor = tensor.to(getattr(self.t, self.dtype))
        if self.stepped and tensor.ndim > 1:
            tensor = tensor.transpose(0, -1).contiguous().transpose(0, -1)
        if wanted:
            self.leaves.append(tensor.requires_grad_())
        return tensor


def call(case: Case, t: Any, dtype: str, seed: int, stepped: bool = False) -> Call:
    """Make the layer or function after `manual_seed(seed)`, then call it with inputs drawn by NumPy from `seed`."""
    t.manual_seed(seed)
    callee = case.make(t)
    is_module = isinstance(callee, t.nn.Module)
    initial = {}
    if is_module:
        initial = {key: value.detach().clone() for key, value in callee.state_dict().items() if is_plain(value)}
        callee.to(getattr(t, dtype)).train(case.training)
    inputs = _Inputs(t, dtype, seed, stepped)
    arguments, options = inputs.made(tuple(case.inputs)), inputs.made(dict(case.options))
    made = Call(callee, arguments, options, inputs.leaves, initial, seed + 1 if case.draws else None)
    made.outputs = made.again(t)
    if is_module:
        made.leaves += [p for p in callee.parameters() if p.requires_grad]
    return made


def is_plain(value: Any) -> bool:
    """Whether an entry of a state_dict is a tensor with a shape."""
    return hasattr(value, "detach") and not type(value).__name__.startswith("Uninitialized")


def gradients(t: Any, made: Call, create_graph: bool = False) -> list[Any]:
    """The gradients of a weighted sum of the outputs, None where there is none; dense."""
    total = None
    for out in made.outputs:
        if out.requires_grad:
            weights = (1 + 0.1 * t.arange(out.numel())).reshape(tuple(out.shape)).to(out.dtype)
            total = (out * weights).sum() if total is None else total + (out * weights).sum()
    if total is None or not made.leaves:
        return []
    found = t.autograd.grad(total, made.leaves, create_graph=create_graph, allow_unused=True)
    return [None if g is None else g.to_dense() if getattr(g, "is_sparse", False) else g for g in found]


def array(tensor: Any) -> Any:
    """A tensor's numbers, 16-bit ones widened."""
    tensor = tensor.detach().resolve_conj()
    if getattr(tensor, "_is_zerotensor", bool)():
        # Zeros that PyTorch has not written out either.
        tensor = tensor.clone()
    if getattr(tensor, "is_neg", bool)():
        # A view in PyTorch, whose sign is not written out yet.
        tensor = tensor.resolve_neg()
    return (tensor.float() if tensor.element_size() == 2 and tensor.is_floating_point() else tensor).numpy().copy()


def agree(name: str, ours: Any, theirs: Any, tolerance: float) -> None:
    """Assert that two arrays are of one shape and equal, up to `tolerance` times the largest number."""
    ours, theirs = np.asarray(ours), np.asarray(theirs)
    assert ours.shape == theirs.shape, f"{name}: shape {ours.shape}, expected {theirs.shape}"
    assert ours.dtype == theirs.dtype, f"{name}: dtype {ours.dtype}, expected {theirs.dtype}"
    finite = np.abs(theirs[np.isfinite(theirs)]) if theirs.dtype.kind in "fc" else np.abs(theirs)
    scale = max(1.0, float(finite.max(initial=0)))
    np.testing.assert_allclose(ours / scale, theirs / scale, rtol=tolerance, atol=tolerance, err_msg=name)


def agree_up_to_none(name: str, ours: Any, theirs: Any, tolerance: float) -> None:
    """The same, where a missing gradient is one of zeros."""
    if ours is None or theirs is None:
        rest = ours if theirs is None else theirs
        assert rest is None or not np.any(rest), f"{name}: one is None, the other {rest}"
    else:
        agree(name, ours, theirs, tolerance)
