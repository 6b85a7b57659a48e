"""Random programs of in-place operations and views: both libraries agree on values and gradients, or both raise."""

from __future__ import annotations

import random
import warnings
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import rushlight  # noqa: E402

PROGRAMS = 300
STEPS = 9

# What a step does with tensors a and b (of one shape where it says so) and a number k.
ARITHMETIC = {
    "{0} = {1} * {2}",
    "{0} = {1} + {2}",
    "{0} = {1} - {2}",
    "{0} = {1} * 2",
    "{0} = {1}.exp()",
    "{0} = {1}.sigmoid()",
    "{0} = {1}.tanh()",
    "{0} = {1}.clone()",
    "{0} = {1}.detach()",
    "{0} = {1} / ({2} * {2} + 1)",
    "{0} = {1}.relu()",
}
INPLACE = {
    "{1}.add_({2})",
    "{1}.mul_({2})",
    "{1}.mul_(0.5)",
    "{1}.copy_({2})",
    "{1}.zero_()",
    "{1}.fill_(0.25)",
    "{1}.sub_({2})",
    "{1}.exp_()",
    "{1}.tanh_()",
    "{1}.relu_()",
    "{1}.sigmoid_()",
    "{1}[0] = 0.5",
    "{1}[0] = {2}[-1]",
    "{1}[1:] = {2}[1:] * 2",
    "{1} += {2}",
    "{1} *= 0.5",
    "{1}.clamp_(-0.5, 0.5)",
    "{1}.pow_(2)",
    "{1}.neg_()",
    "{1}.add_({2}, alpha=0.5)",
    "{1}.div_(2)",
}
VIEWS = {
    "{0} = {1}[:]",
    "{0} = {1}.swapaxes(0, 1)",
    "{0} = {1}.t()",
    "{0} = {1}.transpose(0, 1)",
    "{0} = {1}.view_as({1})",
    "{0} = {1}.unsqueeze(0).squeeze(0)",
    "{0} = {1}.detach()",
    "{0} = {1}.permute(1, 0)",
    "{0} = {1}.narrow(0, 0, {3})",
    "{0} = {1}.unsqueeze(1)[:, 0]",
    "{0} = {1}.expand({3}, {3})",
}
PARTS = {
    "{1}[0].mul_(0.5)",
    "{1}[:, 1].add_({2}[0].clone())",
    "{1}[1:].zero_()",
    "{1}[0, 1:].copy_({2}[1, 1:].clone())",
    "{1}.diagonal().add_(1)",
    "{1}[:, ::2].mul_(0.5)",
    "{1}.t()[0].sub_({2}[0].clone())",
    "{1}.select(1, 0).exp_()",
    "{1}[::2].tanh_()",
    "{1}.unbind(0)[0].add_(1)",
    "{1}.split(1)[0].mul_(2)",
    "{1}.chunk(2, 1)[1].zero_()",
}
SIZE = 3
# What PyTorch refuses and NumPy computes: overlapping operands; a view whose base began to require a gradient.
ONLY_TORCH = ("single memory location", "a leaf Variable that requires grad is being used")


def program(seed: int) -> str:
    """The source of a function body over leaves x and y and tensors a to e of one shape."""
    draw = random.Random(seed)
    lines = ["a = x * 1", "b = y * 1", "c = a + b", "d = t.ones(3, 3, dtype=t.float64)", "e = x * y"]
    names = "abcde"
    for _ in range(STEPS):
        kind = draw.choices((ARITHMETIC, INPLACE, VIEWS, PARTS), (3, 3, 3, 3))[0]
        step = draw.choice(sorted(kind))
        target, first, second = (draw.choice(names) for _ in range(3))
        if kind in (INPLACE, PARTS) and second == first:
            second = "y"
        line = step.format(target, first, second, SIZE)
        if draw.random() < 0.08 and kind is not VIEWS:
            line = f"with t.no_grad(): {line}"
        lines.append(line)
    lines.append("out = sum((v * w).sum() for v, w in zip((a, b, c, d, e), (1, 2, 3, 4, 5)))")
    return "\n".join(lines)


def outcome(library: Any, source: str) -> Any:
    """All values, flags and gradients of a program, or what kind of error it raised and where."""
    values = np.random.default_rng(0).uniform(0.2, 0.9, (2, SIZE, SIZE))
    scope: dict[str, Any] = {"t": library, "x": library.tensor(values[0], requires_grad=True)}
    scope["y"] = library.tensor(values[1], requires_grad=True)
    lines = source.split("\n")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for number, line in enumerate(lines):
            try:
                exec(line, scope)
            except RuntimeError as error:
                lenient = any(text in str(error) for text in ONLY_TORCH)
                return "lenient" if lenient else f"line {number}"
        tensors = [scope[name] for name in "abcde"]
        flags = [(v.requires_grad, v._is_view(), v._version) for v in tensors]
        found: list[Any] = [v.detach().numpy().copy() for v in tensors]
        leaves = [scope["x"], scope["y"]]
        try:
            first = library.autograd.grad(scope["out"], leaves, create_graph=True, allow_unused=True)
        except RuntimeError:
            return flags, found, "backward"
        again = sum((g * g).sum() for g in first if g is not None)
        second: Any = ()
        if getattr(again, "requires_grad", False):
            try:
                second = library.autograd.grad(again, leaves, allow_unused=True)
            except RuntimeError:
                second = "backward of backward"
    return flags, found, arrays(first), second if isinstance(second, str) else arrays(second)


def arrays(gradients: Any) -> list[Any]:
    """Gradients as arrays, unreached ones as zeros."""
    return [np.zeros((SIZE, SIZE)) if g is None else g.detach().numpy() for g in gradients]


@pytest.mark.parametrize("first", range(0, PROGRAMS, 50))
def test_programs(first: int) -> None:
    for seed in range(first, first + 50):
        source = program(seed)
        theirs, ours = outcome(torch, source), outcome(rushlight, source)
        label = f"seed {seed}:\n{source}\n"
        if theirs == "lenient":
            continue
        if isinstance(theirs, str) or isinstance(ours, str):
            assert ours == theirs, label
            continue
        for mine, yours in zip(ours[0], theirs[0], strict=True):
            assert mine == yours, label
        for a, b in zip(ours[1], theirs[1], strict=True):
            np.testing.assert_allclose(a, b, err_msg=label)
        for a, b in zip(ours[2:], theirs[2:], strict=True):
            if isinstance(a, str) or isinstance(b, str):
                assert isinstance(a, str) and a == b, label
                continue
            for one, other in zip(a, b, strict=False):
                np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-12, err_msg=label)
