"""The profiler: which events, their nesting, the table, schedules, exported files."""

from __future__ import annotations

import gzip
import json
import sys
from pathlib import Path
from typing import Any

import pytest

import rushlight as torch
from rushlight.autograd import profiler as recording
from rushlight.autograd.profiler_util import EventList, FunctionEvent
from rushlight.profiler import ProfilerActivity, profile, record_function, schedule


def names(prof: Any) -> list[str]:
    return [event.name for event in prof.events()]


def training_step() -> None:
    model = torch.nn.Linear(3, 2)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    model(torch.ones(4, 3)).sum().backward()
    optimizer.step()
    optimizer.zero_grad()


def test_a_training_step_shows_operators_backward_steps_and_the_optimizer() -> None:
    with profile() as prof:
        training_step()
    found = names(prof)
    for expected in (
        "aten::linear",
        "aten::addmm",
        "aten::sum",
        "autograd::engine::evaluate_function: AddmmBackward0",
        "AddmmBackward0",
        "aten::mm",
        "torch::autograd::AccumulateGrad",
        "Optimizer.step#SGD.step",
        "Optimizer.zero_grad#SGD.zero_grad",
    ):
        assert expected in found
    assert sys.getprofile() is None


def test_what_is_called_within_an_event_is_its_child() -> None:
    with profile() as prof, record_function("mine"):
        torch.nn.functional.linear(torch.ones(2, 3), torch.ones(4, 3), torch.ones(4))
    mine = prof.events()[0]
    assert (mine.name, mine.is_user_annotation) == ("mine", True)
    assert [e.name for e in mine.cpu_children] == ["aten::ones"] * 3 + ["aten::linear"]
    linear = mine.cpu_children[-1]
    assert [e.name for e in linear.cpu_children] == ["aten::addmm"]
    assert linear.cpu_parent is mine
    inner = sum(e.cpu_time_total for e in mine.cpu_children)
    assert mine.self_cpu_time_total == pytest.approx(mine.cpu_time_total - inner)
    assert prof.events().self_cpu_time_total == pytest.approx(mine.cpu_time_total)


def test_an_exception_leaves_no_hook_and_closes_events() -> None:
    with pytest.raises(RuntimeError, match="size"), profile() as prof:
        torch.ones(2) + torch.ones(3)
    assert sys.getprofile() is None
    assert "aten::add" in names(prof)


def test_a_second_profile_is_refused() -> None:
    with profile(), pytest.raises(RuntimeError, match="another one is recording"), profile():
        pass
    assert sys.getprofile() is None


def test_a_profile_that_is_off_records_nothing() -> None:
    with recording.profile(enabled=False) as prof:
        torch.ones(2)
    assert prof is None


def test_shapes_and_operations_are_counted_when_asked_for() -> None:
    with profile(record_shapes=True, with_flops=True) as prof:
        torch.mm(torch.ones(2, 3), torch.ones(3, 4))
        torch.cat([torch.ones(1), torch.ones(2)])
    by_name = {e.name: e for e in prof.events()}
    assert by_name["aten::mm"].input_shapes[:2] == [[2, 3], [3, 4]]
    assert by_name["aten::mm"].flops == 2 * 2 * 3 * 4
    assert by_name["aten::cat"].input_shapes[0] == [[1], [2]]
    assert "Total FLOPs" in prof.key_averages().table()


@pytest.mark.skipif(not torch.memory.installed(), reason="NumPy's own allocator doesn't count")
def test_memory_is_that_by_which_the_use_grew() -> None:
    with profile(profile_memory=True) as prof:
        kept = torch.ones(1000)
    (event,) = [e for e in prof.events() if e.name == "aten::ones"]
    assert event.cpu_memory_usage >= kept.nbytes
    assert "CPU Mem" in prof.key_averages().table(sort_by="self_cpu_memory_usage")


def test_stacks_name_the_users_lines(tmp_path: Path) -> None:
    with profile(with_stack=True) as prof:
        torch.ones(2)
    assert "test_profiler.py" in prof.events()[0].stack[0]
    prof.export_stacks(str(tmp_path / "stacks.txt"))
    with pytest.raises(ValueError, match="metric should be one of"):
        prof.events().export_stacks(str(tmp_path / "stacks.txt"), "nonsense")


def events() -> EventList:
    outer = FunctionEvent(1, "outer", 7, 0.0, 100.0, [[2, 3]])
    inner = FunctionEvent(2, "inner", 7, 10.0, 1510.0, cpu_memory_usage=2048)
    outer.time_range = outer.time_range._replace(end=2000.0)
    outer.append_cpu_child(inner)
    return EventList(
        [outer, inner, FunctionEvent(3, "inner", 7, 3000.0, 3500.0, cpu_memory_usage=-5)], profile_memory=True
    )


def test_averages_and_their_table() -> None:
    averages = events().key_averages()
    assert [(a.key, a.count, a.cpu_time_total, a.self_cpu_time_total) for a in averages] == [
        ("outer", 1, 2000.0, 500.0),
        ("inner", 2, 2000.0, 2000.0),
    ]
    lines = averages.table(sort_by="count").splitlines()
    cells = [line.split() for line in lines]
    assert cells[3] == ["inner", "80.00%", "2.000ms", "80.00%", "2.000ms", "1.000ms", "2.00", "KB", "2.00", "KB", "2"]
    assert cells[4][:6] == ["outer", "20.00%", "500.000us", "80.00%", "2.000ms", "2.000ms"]
    assert cells[4][6:] == ["0", "B", "-2.00", "KB", "1"]
    assert lines[-1] == "Self CPU time total: 2.500ms"
    assert len({len(line) for line in lines[:-1]}) == 1
    assert events().total_average().count == 3
    assert "[[2, 3]]" in events().key_averages(group_by_input_shapes=True).table()
    assert events().table(row_limit=1, header="title", top_level_events_only=True).splitlines()[1] == "title"
    assert EventList().table() == ""
    with pytest.raises(AttributeError):
        events().table(sort_by="nonsense")


@pytest.mark.parametrize(
    ("plan", "expected"),
    [
        ({"wait": 1, "warmup": 1, "active": 2, "repeat": 2, "skip_first": 1}, "NNWRSNWRSNNN"),
        ({"wait": 0, "warmup": 1, "active": 1, "skip_first": 1, "skip_first_wait": 1}, "NWSWSWS"),
        ({"wait": 2, "warmup": 0, "active": 1, "skip_first_wait": 1}, "SNNSNNS"),
    ],
)
def test_a_schedule_says_what_each_step_does(plan: dict[str, int], expected: str) -> None:
    letters = {"NONE": "N", "WARMUP": "W", "RECORD": "R", "RECORD_AND_SAVE": "S"}
    made = schedule(**plan)
    assert "".join(letters[made(step).name] for step in range(len(expected))) == expected


def test_a_schedule_of_no_active_step_is_refused() -> None:
    with pytest.raises(AssertionError, match="Invalid profiler schedule"):
        schedule(wait=0, warmup=0, active=0)


def test_each_recording_of_a_schedule_is_handed_over() -> None:
    seen = []
    with profile(
        activities=[ProfilerActivity.CPU],
        schedule=schedule(wait=1, warmup=1, active=2, repeat=2),
        on_trace_ready=lambda p: seen.append((p.step_num, names(p))),
    ) as prof:
        for _ in range(10):
            torch.ones(2)
            prof.step()
    assert seen == [(step, ["ProfilerStep*", "aten::ones"] * 2) for step in (4, 8)]


@pytest.mark.parametrize("call", ["events", "key_averages", "stop"])
def test_what_needs_a_recording_says_so(call: str) -> None:
    with pytest.raises(AssertionError, match="Profiler must be initialized before"):
        getattr(profile(), call)()


def test_a_chrome_trace_holds_events_and_metadata(tmp_path: Path) -> None:
    with profile(record_shapes=True) as prof:
        torch.ones(2).sum()
    prof.add_metadata("run", "first")
    path = tmp_path / "trace.json"
    prof.export_chrome_trace(str(path))
    document = json.loads(path.read_text())
    assert document["run"] == "first"
    (event,) = [e for e in document["traceEvents"] if e["name"] == "aten::sum"]
    assert (event["ph"], event["cat"]) == ("X", "cpu_op")
    prof.export_chrome_trace(str(path) + ".gz")
    assert json.loads(gzip.decompress((tmp_path / "trace.json.gz").read_bytes())) == document
    torch.profiler.tensorboard_trace_handler(str(tmp_path / "logs"), "worker")(prof)
    assert [p.name.startswith("worker.") for p in (tmp_path / "logs").iterdir()] == [True]


def test_a_decorated_function_is_an_event() -> None:
    @record_function("decorated")
    def work() -> Any:
        return torch.ones(2)

    with profile() as prof:
        work()
    assert names(prof) == ["decorated", "aten::ones"]
    # Nothing records: it is but the function.
    assert work().tolist() == [1, 1]


def test_collection_can_be_stopped_for_a_while() -> None:
    with profile() as prof:
        torch.ones(1)
        prof.toggle_collection_dynamic(False, [ProfilerActivity.CPU])
        torch.zeros(1)
        prof.toggle_collection_dynamic(True, [ProfilerActivity.CPU])
        torch.ones(1).sum()
    assert names(prof) == ["aten::ones", "aten::ones", "aten::sum"]


def test_an_execution_trace_lists_nodes(tmp_path: Path) -> None:
    path = tmp_path / "trace.json"
    observer = torch.profiler.ExecutionTraceObserver().register_callback(str(path))
    observer.start()
    torch.ones(2)
    observer.stop()
    assert [n["name"] for n in json.loads(path.read_text())["nodes"]] == ["aten::ones"]


def test_helpers_that_namespaces_use_are_no_events() -> None:
    with profile() as prof:
        torch.linalg.inv(torch.eye(2))
    assert "aten::into" not in names(prof)
