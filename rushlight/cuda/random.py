"""The seeds of CUDA devices, which aren't there.

Source: https://docs.pytorch.org/docs/2.13/cuda.html#random-number-generator
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rushlight.cuda._core import refuse

__all__ = [
    "get_rng_state", "get_rng_state_all", "initial_seed", "manual_seed", "manual_seed_all", "seed", "seed_all",
    "set_rng_state", "set_rng_state_all",
]  # fmt: skip


def manual_seed(seed: int) -> None:
    """Takes the seed of a device that isn't there; the CPU's is `rushlight.manual_seed`."""
    int(seed)


def manual_seed_all(seed: int) -> None:
    """Takes the seed of all CUDA devices, of which there are none."""
    int(seed)


def seed() -> None:
    """Does nothing: there is no generator to seed."""


def seed_all() -> None:
    """Does nothing: there is no generator to seed."""


def initial_seed() -> int:
    """Raises AssertionError, as a PyTorch without CUDA does."""
    refuse()


def get_rng_state(device: Any = "cuda") -> Any:
    """Raises AssertionError, as a PyTorch without CUDA does."""
    refuse()


def get_rng_state_all() -> list[Any]:
    """The states of all CUDA devices: none."""
    return []


def set_rng_state(new_state: Any, device: Any = "cuda") -> None:
    """Takes the state of a device that isn't there."""


def set_rng_state_all(new_states: Iterable[Any]) -> None:
    """Takes the states of all CUDA devices, of which there are none."""
