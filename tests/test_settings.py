"""What a program asks and chooses before it starts: constants, where a tensor lives, precision, determinism."""

from __future__ import annotations

import math
from typing import Any

import pytest

import rushlight as torch


def test_constants() -> None:
    assert (torch.pi, torch.e, torch.inf) == (math.pi, math.e, math.inf)
    assert math.isnan(torch.nan)
    assert torch.ones(2)[:, torch.newaxis].shape == (2, 1)


@pytest.mark.parametrize("x", [torch.ones(2, 3), torch.nn.Parameter(torch.ones(2, 3))], ids=["tensor", "parameter"])
def test_where_a_tensor_lives(x: Any) -> None:
    elsewhere = ["cuda", "ipu", "maia", "meta", "mkldnn", "mps", "mtia", "nested", "vulkan", "xla", "xpu"]
    assert [name for name in elsewhere if getattr(x, f"is_{name}")] == []
    assert (x.is_cpu, x.get_device(), torch.get_device(x), x.name, x.is_pinned()) == (True, -1, -1, None, False)
    assert (x.itemsize, x.nbytes) == (4, 24)
    assert (x.is_same_size(x.t()), torch.is_same_size(x, x)) == (False, True)
    assert (x.is_signed(), torch.is_signed(x.detach().to(torch.uint8))) == (True, False)
    with pytest.raises(RuntimeError, match="Cannot access accelerator device when none is available"):
        x.pin_memory()
    assert not torch.eye(2).to_sparse().is_cuda


def test_precision_of_products() -> None:
    assert torch.get_float32_matmul_precision() == "highest"
    torch.set_float32_matmul_precision("high")
    assert torch.get_float32_matmul_precision() == "high"
    with pytest.warns(UserWarning, match="low is not one of"):
        torch.set_float32_matmul_precision("low")
    with pytest.raises(RuntimeError, match="expects a str, but got int"):
        torch.set_float32_matmul_precision(1)  # type: ignore[arg-type]
    torch.set_float32_matmul_precision("highest")


def test_determinism() -> None:
    def now() -> tuple[bool, bool, int]:
        warns = torch.is_deterministic_algorithms_warn_only_enabled()
        return torch.are_deterministic_algorithms_enabled(), warns, torch.get_deterministic_debug_mode()

    assert now() == (False, False, 0)
    torch.use_deterministic_algorithms(True, warn_only=True)
    assert now() == (True, True, 1)
    torch.use_deterministic_algorithms(True)
    assert now() == (True, False, 2)
    torch.set_deterministic_debug_mode("warn")
    assert now() == (True, True, 1)
    torch.set_deterministic_debug_mode(0)
    assert now() == (False, False, 0)
    wrong: list[tuple[Any, type[Exception], str]] = [
        ("x", RuntimeError, "expected one of `default`, `warn`, `error`, but got x"),
        (7, RuntimeError, "expected 0, 1, or 2, but got 7"),
        (1.5, TypeError, "must be str or int, but got <class 'float'>"),
    ]
    for value, error, match in wrong:
        with pytest.raises(error, match=match):
            torch.set_deterministic_debug_mode(value)
    with pytest.raises(TypeError, match="argument 'mode' must be bool, not str"):
        torch.use_deterministic_algorithms("yes")  # type: ignore[arg-type]
    assert now() == (False, False, 0)
