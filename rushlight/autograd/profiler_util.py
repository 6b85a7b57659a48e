"""What a profile holds: events with their times and memory, lists of them, averages, and the tables they print as.

Source: https://docs.pytorch.org/docs/2.13/autograd.html#profiler
"""

from __future__ import annotations

import enum
import json
from collections import defaultdict
from collections.abc import Callable, Iterable
from operator import attrgetter
from typing import Any, NamedTuple

__all__ = ["EventList", "FunctionEvent", "FunctionEventAvg", "Interval"]


class DeviceType(enum.IntEnum):
    """Where an event took place; here always the CPU.

    >>> from rushlight.profiler import DeviceType
    >>> DeviceType.CPU.name
    'CPU'

    Source: https://docs.pytorch.org/docs/2.13/profiler.html
    """

    CPU = 0
    CUDA = 1


class Interval(NamedTuple):
    """A stretch of time, in microseconds."""

    start: float
    end: float

    def elapsed_us(self) -> float:
        """Its length in microseconds."""
        return self.end - self.start


def format_time(microseconds: float, unit: str | None = None) -> str:
    """A time with its unit: seconds, milliseconds or microseconds, whichever leaves three places before the point."""
    if unit is None:
        unit = "s" if microseconds >= 1e6 else "ms" if microseconds >= 1e3 else "us"
    return f"{microseconds / {'s': 1e6, 'ms': 1e3, 'us': 1.0}[unit]:.3f}{unit}"


def format_share(part: float, whole: float) -> str:
    """A part of a whole in per cent."""
    if whole == 0:
        return "NaN"
    return f"{part * 100.0 / whole:.2f}%"


def format_memory(size: int) -> str:
    """A number of bytes with its unit."""
    for power, unit in ((3, "GB"), (2, "MB"), (1, "KB")):
        if abs(size) >= 1024**power:
            return f"{size / 1024**power:.2f} {unit}"
    return f"{size} B"


class _Measured:
    """What events and averages have in common: totals, their own part of them, and both as text."""

    count: int
    cpu_children: list[FunctionEvent]
    cpu_memory_usage: int
    _times: Callable[[], tuple[float, float]]
    device_type = DeviceType.CPU
    is_async = False
    is_remote = False
    use_device: str | None = None
    # No other device takes part.
    device_time_total = self_device_time_total = 0.0
    device_memory_usage = self_device_memory_usage = 0

    @property
    def cpu_time_total(self) -> float:
        """Microseconds, with what it called."""
        return self._times()[0]

    @property
    def self_cpu_time_total(self) -> float:
        """Microseconds, without what it called."""
        return self._times()[1]

    @property
    def cpu_time(self) -> float:
        """Microseconds a call."""
        return self.cpu_time_total / self.count if self.count else 0.0

    @property
    def device_time(self) -> float:
        """Microseconds a call on another device: 0."""
        return 0.0

    @property
    def cpu_time_str(self) -> str:
        """`cpu_time` with its unit."""
        return format_time(self.cpu_time)

    @property
    def cpu_time_total_str(self) -> str:
        """`cpu_time_total` with its unit."""
        return format_time(self.cpu_time_total)

    @property
    def self_cpu_time_total_str(self) -> str:
        """`self_cpu_time_total` with its unit."""
        return format_time(self.self_cpu_time_total)

    @property
    def device_time_str(self) -> str:
        """`device_time` with its unit."""
        return format_time(0.0)

    @property
    def device_time_total_str(self) -> str:
        """`device_time_total` with its unit."""
        return format_time(0.0)

    @property
    def self_device_time_total_str(self) -> str:
        """`self_device_time_total` with its unit."""
        return format_time(0.0)


class FunctionEvent(_Measured):
    """One call: what, when, on what shapes, and what it called in turn."""

    def __init__(
        self,
        id: int,
        name: str,
        thread: int,
        start_us: float,
        end_us: float,
        input_shapes: list[Any] | None = None,
        stack: list[str] | None = None,
        cpu_memory_usage: int = 0,
        sequence_nr: int = -1,
        flops: float | None = None,
        is_user_annotation: bool = False,
    ) -> None:
        self.trace_name = name
        # The steps of a loop are of one kind, whatever their numbers.
        self.name = self.key = "ProfilerStep*" if is_user_annotation and name.startswith("ProfilerStep#") else name
        self.id, self.node_id = id, -1
        self.overload_name = ""
        self.thread = self.fwd_thread = thread
        self.time_range = Interval(start_us, end_us)
        self.input_shapes = [] if input_shapes is None else input_shapes
        self.stack = [] if stack is None else stack
        self.cpu_memory_usage, self.sequence_nr, self.flops = cpu_memory_usage, sequence_nr, flops
        self.is_user_annotation, self.is_legacy, self.scope, self.count = is_user_annotation, False, 0, 1
        self.cpu_children: list[FunctionEvent] = []
        self.cpu_parent: FunctionEvent | None = None

    def append_cpu_child(self, child: FunctionEvent) -> None:
        """Say that another event took place within this one."""
        self.cpu_children.append(child)
        child.cpu_parent = self

    def _times(self) -> tuple[float, float]:
        whole = self.time_range.elapsed_us()
        return whole, whole - sum(child.cpu_time_total for child in self.cpu_children)

    @property
    def self_cpu_memory_usage(self) -> int:
        """Bytes by which the memory in use grew, less those of the events within."""
        return self.cpu_memory_usage - sum(child.cpu_memory_usage for child in self.cpu_children)

    def __repr__(self) -> str:
        return (
            f"<FunctionEvent id={self.id} name={self.name} device_type=DeviceType.CPU node_id={self.node_id} "
            f"cpu_time={self.cpu_time_str} start_us={self.time_range.start} end_us={self.time_range.end} "
            f"cpu_children={[child.id for child in self.cpu_children]} thread={self.thread} "
            f"input_shapes={self.input_shapes} cpu_memory_usage={self.cpu_memory_usage} seq_nr={self.sequence_nr}>"
        )


class FunctionEventAvg(_Measured):
    """Several events of one key added up."""

    def __init__(self) -> None:
        self.key: str | None = None
        self.count = self.node_id = 0
        self.input_shapes: list[Any] | None = None
        self.overload_name, self.scope, self.is_legacy, self.is_user_annotation = "", 0, False, False
        self.stack: list[str] = []
        self.cpu_memory_usage = self.self_cpu_memory_usage = 0
        self.flops = 0.0
        self.cpu_children: list[FunctionEvent] = []
        self.cpu_parent: FunctionEvent | None = None
        self._total = self._own = 0.0

    def _times(self) -> tuple[float, float]:
        return self._total, self._own

    def add(self, other: FunctionEvent | FunctionEventAvg) -> FunctionEventAvg:
        """Add another event, or an average, to this one."""
        if self.key is None:
            self.key, self.node_id, self.input_shapes, self.stack = (
                other.key,
                other.node_id,
                other.input_shapes,
                other.stack,
            )
            self.cpu_parent, self.is_user_annotation = other.cpu_parent, other.is_user_annotation
        self._total += other.cpu_time_total
        self._own += other.self_cpu_time_total
        self.cpu_memory_usage += other.cpu_memory_usage
        self.self_cpu_memory_usage += other.self_cpu_memory_usage
        self.count += other.count
        self.flops += other.flops or 0
        return self

    def __iadd__(self, other: FunctionEvent | FunctionEventAvg) -> FunctionEventAvg:
        return self.add(other)

    def __repr__(self) -> str:
        return (
            f"<FunctionEventAvg key={self.key} self_cpu_time={self.self_cpu_time_total_str} "
            f"cpu_time={self.cpu_time_str}  self_cuda_time={self.self_device_time_total_str} "
            f"cuda_time={self.device_time_str} input_shapes={self.input_shapes} "
            f"cpu_memory_usage={self.cpu_memory_usage} cuda_memory_usage={self.device_memory_usage}>"
        )


class EventList(list[Any]):
    """Events or averages, as a list that prints as a table."""

    def __init__(
        self,
        iterable: Iterable[Any] = (),
        *,
        profile_memory: bool = False,
        with_flops: bool = False,
        use_device: str | None = None,
    ) -> None:
        super().__init__(iterable)
        self._profile_memory, self._with_flops, self._use_device = profile_memory, with_flops, use_device

    @property
    def self_cpu_time_total(self) -> float:
        """Microseconds of all events, each counted once."""
        return sum(event.self_cpu_time_total for event in self)

    def table(
        self,
        sort_by: str | None = None,
        row_limit: int = 100,
        max_src_column_width: int = 75,
        max_name_column_width: int = 55,
        max_shapes_column_width: int = 80,
        header: str | None = None,
        top_level_events_only: bool = False,
        time_unit: str | None = None,
    ) -> str:
        """A table with a row an event, `row_limit` at most, sorted by an attribute, the greatest first.

        `sort_by` is one of "cpu_time", "cpu_time_total", "self_cpu_time_total", "cpu_memory_usage",
        "self_cpu_memory_usage", "count", or the same of "device" for "cpu". `time_unit` is "s", "ms", "us" or, if
        None, what fits. AttributeError for another attribute.
        """
        rows = [e for e in self if not top_level_events_only or e.cpu_parent is None]
        if sort_by is not None:
            rows.sort(key=attrgetter(sort_by.replace("cuda", "device")), reverse=True)
        widths = (max_name_column_width, max_shapes_column_width, max_src_column_width)
        headers = [] if header is None else [header]
        headers += ["This report only display top-level ops statistics"] * top_level_events_only
        return _table(self, rows[:row_limit] if row_limit >= 0 else rows, widths, headers, time_unit) if rows else ""

    def key_averages(
        self, group_by_input_shapes: bool = False, group_by_stack_n: int = 0, group_by_overload_name: bool = False
    ) -> EventList:
        """The events of one name, and if asked for of one list of shapes or one stack, added up."""
        groups: dict[Any, FunctionEventAvg] = defaultdict(FunctionEventAvg)
        for event in self:
            key = (event.key, event.is_user_annotation)
            if group_by_input_shapes:
                key += (str(event.input_shapes),)  # type: ignore[assignment]
            if group_by_stack_n:
                key += tuple(event.stack[:group_by_stack_n])
            groups[key].add(event)
        for average in groups.values():
            average.stack = average.stack[:group_by_stack_n]
            if not group_by_input_shapes:
                average.input_shapes = None
        return EventList(groups.values(), profile_memory=self._profile_memory, with_flops=self._with_flops)

    def total_average(self) -> FunctionEventAvg:
        """All events added up."""
        total = FunctionEventAvg()
        for event in self:
            total.add(event)
        total.key = "Total"
        return total

    def export_chrome_trace(self, path: str) -> None:
        """Write the events as JSON for `chrome://tracing`."""
        with open(path, "w") as file:
            json.dump([chrome_event(event) for event in self], file)

    def supported_export_stacks_metrics(self) -> list[str]:
        """What `export_stacks` can count."""
        return ["self_cpu_time_total", "self_cuda_time_total", "self_xpu_time_total", "self_privateuse1_time_total"]

    def export_stacks(self, path: str, metric: str) -> None:
        """Write a line for each stack and how much of `metric` was spent there, as flame graphs are made of.

        ValueError for a metric that isn't supported.
        """
        if metric not in self.supported_export_stacks_metrics():
            raise ValueError(f"metric should be one of: {self.supported_export_stacks_metrics()}")
        with open(path, "w") as file:
            for event in self:
                value = int(event.self_cpu_time_total) if metric == "self_cpu_time_total" else 0
                if event.stack and value > 0:
                    line = ";".join(part.translate(_PLAIN) for part in reversed(event.stack))
                    file.write(f"{line} {value}\n")

    def __str__(self) -> str:
        return self.table()


# What separates the frames of a stack stands in none of them.
_PLAIN = str.maketrans(" ;\t\n", "____")


def chrome_event(event: FunctionEvent) -> dict[str, Any]:
    """An event as Chrome's trace viewer reads it."""
    arguments: dict[str, Any] = {"Sequence number": event.sequence_nr} if event.sequence_nr >= 0 else {}
    if event.input_shapes:
        arguments["Input Dims"] = event.input_shapes
    if event.stack:
        arguments["Call stack"] = ";".join(event.stack)
    return {
        "ph": "X",
        "cat": "user_annotation" if event.is_user_annotation else "cpu_op",
        "name": event.trace_name,
        "pid": 0,
        "tid": event.thread,
        "ts": event.time_range.start,
        "dur": event.cpu_time_total,
        "args": arguments,
    }


def _shortened(text: str, width: int) -> str:
    return text if len(text) <= width or width <= 0 else text[: width - 3] + "..."


def _flops_unit(rows: list[Any]) -> tuple[str, float]:
    """The unit in which the least number of operations has a digit before the point, and its size."""
    counts = [event.flops for event in rows if event.flops]
    power = 0
    while counts and min(counts) >= 1000 ** (power + 1) and power < 4:
        power += 1
    return ("FLOPs", "KFLOPs", "MFLOPs", "GFLOPs", "TFLOPs")[power], float(1000**power)


def _table(
    events: EventList, rows: list[Any], widths: tuple[int, int, int], headers: list[str], time_unit: str | None
) -> str:
    name_width, shapes_width, source_width = widths
    shapes = any(e.input_shapes for e in rows)
    sources = any(e.stack for e in rows)
    unit, size = _flops_unit(rows)
    titles = ["Name", "Self CPU %", "Self CPU", "CPU total %", "CPU total", "CPU time avg"]
    titles += ["CPU Mem", "Self CPU Mem"] * events._profile_memory + ["# of Calls"]
    titles += ["Input Shapes"] * shapes + [f"Total {unit}"] * events._with_flops + ["Source Location"] * sources
    whole = events.self_cpu_time_total
    lines: list[list[str]] = []
    for e in rows:
        own, total = e.self_cpu_time_total, e.cpu_time_total
        line = [_shortened(e.key, name_width), format_share(own, whole), format_time(own, time_unit)]
        line += [format_share(total, whole), format_time(total, time_unit), format_time(e.cpu_time, time_unit)]
        line += [format_memory(e.cpu_memory_usage), format_memory(e.self_cpu_memory_usage)] * events._profile_memory
        line += [str(e.count)] + [str(e.input_shapes or [])[:shapes_width]] * shapes
        line += [f"{e.flops / size:.3f}" if e.flops else "--"] * events._with_flops
        lines.append(line)
    # Names, shapes and places have a margin, as in PyTorch's tables.
    columns = [12] * len(titles)
    columns[0] = min(max(len(e.key) for e in rows) + 4, name_width)
    if shapes:
        place = titles.index("Input Shapes")
        columns[place] = min(max(len(str(e.input_shapes)) for e in rows) + 4, shapes_width)
    if sources:
        columns[-1] = min(max(len(frame) for e in rows for frame in e.stack) + 4, source_width)
    rule = "  ".join("-" * width for width in columns) + "  "

    def row(cells: list[str]) -> str:
        shown = [cell.rjust(width) for cell, width in zip(cells, columns, strict=True)]
        if sources:
            shown[-1] = cells[-1].ljust(columns[-1])
        return "  ".join(shown) + "  "

    text = []
    for header in headers:
        text += ["=" * (len(rule) - 2), header]
    text += [rule, row(titles), rule]
    for e, line in zip(rows, lines, strict=True):
        if not sources:
            text.append(row(line))
            continue
        frames = [frame if len(frame) <= source_width else "..." + frame[3 - source_width :] for frame in e.stack]
        text.append(row([*line, frames[0] if frames else ""]))
        # A line a frame, and one between events.
        text += [row([""] * len(line) + [frame]) for frame in [*frames[1:], ""]]
    return "\n".join([*text, rule]) + f"\nSelf CPU time total: {format_time(whole, time_unit)}\n"
