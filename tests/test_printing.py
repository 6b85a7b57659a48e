"""A tensor's text: modes, widths, summaries, line breaks, suffixes, options."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import rushlight as torch
from rushlight.autograd.variable import wrap
from rushlight.printing import format_array, format_tensor, printoptions

CASES = re.findall(
    r"^>>> (?:\[(.*?)\] )?(torch\..*)\n((?:(?!>>> ).*\n)*)",
    (Path(__file__).parent / "golden" / "printing.txt").read_text(),
    re.M,
)


@pytest.fixture(autouse=True)
def default_options() -> Iterator[None]:
    torch.set_printoptions(profile="default")
    yield
    torch.set_printoptions(profile="default")


def test_the_cases_were_read() -> None:
    assert len(CASES) == 79
    assert sum(bool(options) for options, _, _ in CASES) == 16


@pytest.mark.parametrize(
    ("options", "expression", "expected"), CASES, ids=[" ".join(case[:2]).strip() for case in CASES]
)
def test_text(options: str, expression: str, expected: str) -> None:
    if options:
        eval(f"torch.set_printoptions({options})", {"torch": torch})
    assert repr(eval(expression, {"torch": torch})) == expected.removesuffix("\n")


def test_options_are_kept_and_given_back() -> None:
    assert torch.get_printoptions() == {
        "precision": 4,
        "threshold": 1000,
        "edgeitems": 3,
        "linewidth": 80,
        "sci_mode": None,
    }
    torch.set_printoptions(precision=1, sci_mode=True)
    torch.set_printoptions(profile="full")
    assert torch.get_printoptions() == {
        "precision": 4,
        "threshold": math.inf,
        "edgeitems": 3,
        "linewidth": 80,
        "sci_mode": None,
    }
    torch.set_printoptions(profile="short", edgeitems=5)
    assert torch.get_printoptions() == {
        "precision": 2,
        "threshold": 1000,
        "edgeitems": 5,
        "linewidth": 80,
        "sci_mode": None,
    }
    with printoptions(precision=1):
        assert torch.get_printoptions()["precision"] == 1
    assert torch.get_printoptions()["precision"] == 2
    with pytest.raises(ValueError, match="expected profile to be one of default, short, full, got 'wide'"):
        torch.set_printoptions(profile="wide")


def test_the_default_dtype_is_not_said() -> None:
    torch.set_default_dtype(torch.float64)
    try:
        assert repr(wrap(np.ones(1))) == "tensor([1.])"
        assert repr(wrap(np.ones(1, np.float32))) == "tensor([1.], dtype=torch.float32)"
        assert repr(wrap(np.ones(1, np.complex128))) == "tensor([1.+0.j])"
    finally:
        torch.set_default_dtype(torch.float32)


class Named(torch.Tensor):
    """A subclass, whose name is printed."""


class Own(torch.nn.Parameter):
    """A parameter class of a user's."""


def test_subclasses() -> None:
    assert repr(wrap(np.ones((2, 1), np.float32)).as_subclass(Named)) == "Named([[1.],\n       [1.]])"
    assert repr(Own(torch.ones(1))) == "Parameter containing:\nParameter(Own([1.], requires_grad=True))"


def test_contents_may_be_given() -> None:
    assert (
        format_tensor(torch.ones(2, dtype=torch.float64), tensor_contents="...") == "tensor(..., dtype=torch.float64)"
    )


def test_the_node_is_named() -> None:
    class Twice(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x * 2

        @staticmethod
        def backward(ctx: Any, grad: Any) -> Any:
            return grad * 2

    leaf = torch.ones(1, requires_grad=True)
    assert repr(leaf + 1) == "tensor([2.], grad_fn=<AddBackward0>)"
    assert repr(Twice.apply(leaf)) == "tensor([2.], grad_fn=<TwiceBackward>)"
    assert repr((leaf * 2).detach()) == "tensor([2.])"


def test_large_arrays_are_summarised_quickly() -> None:
    values = np.broadcast_to(np.float32(1.5), (10**9, 10**9))
    text = format_array(values, 7)
    assert text.count("1.5000") == 36
    assert text.splitlines()[0] == "[[1.5000, 1.5000, 1.5000,  ..., 1.5000, 1.5000, 1.5000],"
