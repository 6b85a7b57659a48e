"""Tables of a profile and schedules, as PyTorch prints and plans them."""

from __future__ import annotations

import warnings
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from rushlight.autograd import profiler_util as ours  # noqa: E402
from rushlight.profiler import schedule  # noqa: E402


def made(library: Any, memory: bool, flops: bool, shapes: bool, stacks: bool) -> Any:
    """Three events, the second within the first."""
    spans = [("aten::linear", 0.0, 4321.5), ("aten::addmm", 12.25, 1500.0), ("a name " * 12, 5000.0, 3e6)]
    found = []
    for i, (name, start, end) in enumerate(spans):
        keywords: dict[str, Any] = {"input_shapes": [[2, 3], [3, 4]] if shapes else []}
        keywords["stack"] = [f"file_{i}.py(3): f", "main.py(1): <module>"] if stacks else []
        keywords |= {"cpu_memory_usage": 3000 * (i - 1), "flops": 1500 * i if flops else None}
        found.append(library.FunctionEvent(i, name, 1, start, end, **keywords))
    found[0].append_cpu_child(found[1])
    if library is not ours:
        found[1].set_cpu_parent(found[0])
        made = library.EventList(found, profile_memory=memory, with_flops=flops)
        made._tree_built = True
        return made
    return library.EventList(found, profile_memory=memory, with_flops=flops)


OPTIONS: list[dict[str, Any]] = [
    {},
    {"sort_by": "cpu_time_total", "row_limit": 2},
    {"sort_by": "self_cpu_time_total", "header": "what took the time"},
    {"max_name_column_width": 20, "time_unit": "ms"},
    {"top_level_events_only": True, "row_limit": -1, "time_unit": "s"},
    {"sort_by": "self_cpu_memory_usage", "max_shapes_column_width": 12, "max_src_column_width": 9},
]


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("columns", [(0, 0, 0, 0), (1, 0, 0, 0), (0, 1, 1, 0), (1, 0, 1, 1)])
def test_tables_print_the_same(columns: tuple[int, ...], options: dict[str, Any]) -> None:
    theirs = made(torch.autograd.profiler_util, *map(bool, columns))
    mine = made(ours, *map(bool, columns))
    assert mine.table(**options) == theirs.table(**options)
    averages = [
        e.key_averages(group_by_input_shapes=bool(columns[2]), group_by_stack_n=columns[3]) for e in (mine, theirs)
    ]
    assert averages[0].table(**options) == averages[1].table(**options)
    assert repr(mine.total_average()) == repr(theirs.total_average())


@pytest.mark.parametrize("seed", range(8))
def test_schedules_plan_the_same(seed: int) -> None:
    plan = dict(
        zip(
            ("wait", "warmup", "active", "repeat", "skip_first", "skip_first_wait"),
            (seed % 3, seed % 2, 1 + seed % 2, seed % 4, seed // 3, seed // 5),
            strict=True,
        )
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        mine, theirs = schedule(**plan), torch.profiler.schedule(**plan)
    assert [mine(i).name for i in range(20)] == [theirs(i).name for i in range(20)], plan
