"""Settings for all pipes that a pipe is built on: shares of workers, shuffling, seeds.

Source: https://github.com/pytorch/pytorch/blob/v2.13.0/torch/utils/data/graph_settings.py
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from .datapipes.iter.combinatorics import ShufflerIterDataPipe
from .datapipes.iter.sharding import SHARDING_PRIORITIES
from .graph import traverse_dps
from .sampler import draw_seed

if TYPE_CHECKING:
    from rushlight.random import Generator

__all__ = [
    "apply_random_seed", "apply_sharding", "apply_shuffle_seed", "apply_shuffle_settings", "get_all_graph_pipes",
]  # fmt: skip


def _walk(graph: dict[int, tuple[Any, Any]]) -> Iterator[Any]:
    for pipe, below in graph.values():
        yield pipe
        yield from _walk(below)


def get_all_graph_pipes(graph: dict[int, tuple[Any, Any]]) -> list[Any]:
    """Every pipe of a graph once."""
    return list({id(pipe): pipe for pipe in _walk(graph)}.values())


def _has(pipe: Any, *methods: str) -> bool:
    # Asked of the class: a pipe takes other names for registered steps.
    return all(inspect.isfunction(getattr(type(pipe), method, None)) for method in methods)


def apply_sharding(
    datapipe: Any,
    num_of_instances: int,
    instance_id: int,
    sharding_group: int = SHARDING_PRIORITIES.DEFAULT,
) -> Any:
    """Give the pipe one worker's share: calls `apply_sharding` of every pipe that has it.

    Raises RuntimeError where two such pipes follow each other, which would divide twice.
    """

    def shard(graph: dict[int, tuple[Any, Any]], above: Any) -> None:
        for pipe, below in graph.values():
            owner = above
            if _has(pipe, "apply_sharding"):
                if above is not None:
                    raise RuntimeError(
                        "Sharding twice on a single pipeline is likely unintended and will cause data loss. Sharding "
                        f"already applied to {above} while trying to apply to {pipe}"
                    )
                parameters = inspect.signature(pipe.apply_sharding).parameters
                group = (sharding_group,) if len(parameters) > 2 else ()
                pipe.apply_sharding(num_of_instances, instance_id, *group)
                owner = pipe
            shard(below, owner)

    shard(traverse_dps(datapipe), None)
    return datapipe


def apply_shuffle_settings(datapipe: Any, shuffle: bool | None = None) -> Any:
    """Turn the shuffling of every pipe that shuffles on or off; one is added, with a warning, where there is none."""
    if shuffle is None:
        return datapipe
    shufflers = [p for p in get_all_graph_pipes(traverse_dps(datapipe)) if _has(p, "set_shuffle", "set_seed")]
    if not shufflers and shuffle:
        warnings.warn(
            "`shuffle=True` was set, but the datapipe does not contain a `Shuffler`. Adding one at the end. Be aware "
            "that the default buffer size might not be sufficient for your task.",
            stacklevel=2,
        )
        datapipe = ShufflerIterDataPipe(datapipe)
        shufflers = [datapipe]
    for shuffler in shufflers:
        shuffler.set_shuffle(shuffle)
    return datapipe


def apply_random_seed(datapipe: Any, rng: Generator) -> Any:
    """Set the seed of every pipe that draws, to numbers drawn from `rng`."""
    for pipe in get_all_graph_pipes(traverse_dps(datapipe)):
        if _has(pipe, "set_seed"):
            pipe.set_seed(draw_seed(rng))
    return datapipe


def apply_shuffle_seed(datapipe: Any, rng: Generator) -> Any:
    """As `apply_random_seed`, PyTorch's older name for it."""
    return apply_random_seed(datapipe, rng)
