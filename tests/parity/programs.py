"""Programs that run on torch and on rushlight alike, for tests that compare what they print."""

from __future__ import annotations

import contextlib
import io
import re
import warnings
from collections.abc import Callable, Iterator
from typing import Any

Program = Callable[[Any], None]


def attempt(what: Callable[[], Any]) -> None:
    """Print what a call returns or raises."""
    try:
        print(repr(what()))
    except Exception as error:
        print(f"{type(error).__name__}: {error}")


def run(function: Program, library: Any) -> str:
    """All that a program prints and warns of on `library`, the libraries' own names made one."""
    library.manual_seed(0)
    out = io.StringIO()
    with contextlib.redirect_stdout(out), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        function(library)
    lines = [f"{w.category.__name__}: {w.message}" for w in caught]
    text = out.getvalue() + "\n".join(lines)
    text = re.sub(r"0x[0-9a-f]+", "0x", text).replace("rushlight.", "torch.")
    # Our message says more.
    return re.sub(r"(can require gradients), got a tensor of .*", r"\1", text)


def leaves(found: Any) -> Iterator[Any]:
    """The tensors of either library within tuples, lists and dicts, in order."""
    if hasattr(found, "requires_grad") and hasattr(found, "detach"):
        yield found
    elif isinstance(found, dict):
        for one in found.values():
            yield from leaves(one)
    elif isinstance(found, tuple | list):
        for one in found:
            yield from leaves(one)


def same_error(expression: str) -> None:
    """Assert that an expression of `t` raises on both libraries, with one type and one first line."""
    import torch

    import rushlight

    raised: list[Exception] = []
    for t in (torch, rushlight):
        try:
            eval(expression, {"t": t})
        except Exception as error:
            raised.append(error)
    assert len(raised) == 2, f"{expression}: {raised}"
    assert type(raised[1]) is type(raised[0]), raised
    assert str(raised[1]).splitlines()[0] == str(raised[0]).splitlines()[0]


def same_lines(function: Program) -> None:
    """Assert that a program prints the same on both libraries, up to where in PyTorch's C++ a warning arose."""
    import torch

    import rushlight

    ours, theirs = _plain(run(function, rushlight)), _plain(run(function, torch))
    assert ours.splitlines() == theirs.splitlines()


def _plain(text: str) -> str:
    text = re.sub(r" ?\(Triggered internally at [^)]*\)", "", text)
    # NumPy's warnings, which the library silences and `run` records; our messages that say more.
    text = re.sub(r"RuntimeWarning: .* encountered in .*\n?", "", text)
    text = re.sub(r"(has changed the size of value): expected .*", r"\1", text)
    # The forward call's traceback names the test's own lines, twice.
    text = re.sub(r"\n  .*(?=\n|$)", "", text).rstrip("\n")
    text = re.sub(r"(multi-target not supported), got shape .*", r"\1", text)
    return re.sub(r"(got \d tensors and \d gradients): .*", r"\1", text)


def make(library: Any) -> Any:
    """A small network of known numbers, with a buffer, a shared layer and an empty place."""
    nn = library.nn

    class Scale(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.factor = nn.Parameter(library.tensor([1.0, 2.0]))
            self.register_buffer("count", library.zeros(1))
            self.register_buffer("scratch", library.ones(2), persistent=False)
            self.register_parameter("missing", None)

        def forward(self, x: Any) -> Any:
            return x * self.factor

        def extra_repr(self) -> str:
            return "factor of 2"

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scale = Scale()
            self.layers = nn.Sequential(nn.Identity(), Scale(), nn.Flatten())
            self.same = self.scale
            self.nothing = None
            self.register_module("absent", None)

        def forward(self, x: Any) -> Any:
            return self.layers(self.scale(x))

    return Net()
