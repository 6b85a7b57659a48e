"""Where the time goes: a profile of the operations that run, by Python's own profiling hook.

While a profile records, Python calls `_Recorder` at each call and return; those of operations, backward steps,
optimizer steps and `record_function` blocks become events. Nothing is paid when none records.

Source: https://docs.pytorch.org/docs/2.13/autograd.html#profiler
"""

from __future__ import annotations

import functools
import json
import re
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterable
from types import CodeType, FrameType
from typing import Any, Self

from rushlight import memory
from rushlight.autograd.profiler_util import EventList, FunctionEvent, FunctionEventAvg, chrome_event
from rushlight.autograd.variable import Variable

__all__ = [
    "EnforceUnique",
    "EventList",
    "FunctionEvent",
    "KinetoStepTracker",
    "MemRecordsAcc",
    "profile",
    "record_function",
]

# The frames in which an operation runs, by module and name: their class is the local variable `cls`.
_RUNS_OPERATION = {
    ("rushlight.autograd.operation", name)
    for name in (
        "Operation.apply",
        "Operation.inplace",
        "ViewOperation.apply",
        "UfuncOperation.operator.<locals>.operator",
        "UnaryOperation.function.<locals>.function",
    )
} | {("rushlight.autograd.function", "Function.apply")}
_NAMESPACES = (
    "rushlight", "rushlight.nn.functional", "rushlight.linalg", "rushlight.fft", "rushlight.special",
)  # fmt: skip
_ENGINE = "autograd::engine::evaluate_function: "


def _operation(frame: FrameType) -> str | None:
    cls = frame.f_locals.get("cls")
    return None if cls is None else _name_of(cls)


@functools.cache
def _name_of(cls: Any) -> str:
    """An operation's name as PyTorch's operators are spelled: `NativeLayerNormBackward0` is of `native_layer_norm`."""
    node = getattr(cls, "node_name", None)
    if node is None:
        return str(cls.__name__)
    plain = re.sub(r"Backward\d*$", "", node) or cls.__name__
    return "aten::" + re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", plain).lower()


def _function(frame: FrameType) -> str:
    return f"aten::{frame.f_code.co_name}"


def _step(frame: FrameType) -> str:
    return f"Optimizer.step#{type(frame.f_locals['self']).__name__}.step"


def _zero_grad(frame: FrameType) -> str:
    name = type(frame.f_locals["self"]).__name__
    return f"Optimizer.zero_grad#{name}.zero_grad"


def _batch(frame: FrameType) -> str:
    return f"enumerate(DataLoader)#{type(frame.f_locals['self']).__name__}.__next__"


def _backward(frame: FrameType) -> str:
    return _ENGINE + type(frame.f_locals["self"]).__name__


def _leaf(frame: FrameType) -> str:
    return _ENGINE + "torch::autograd::AccumulateGrad"


def _quick(frame: FrameType) -> str:
    return f"aten::{frame.f_locals['function'].__name__}"


def _mm(frame: FrameType) -> str:
    return "aten::mm"


def _addmm(frame: FrameType) -> str:
    return "aten::addmm"


_SPECIAL: dict[tuple[str, str], Callable[[FrameType], str | None]] = {
    ("rushlight.autograd.node", "Node._run"): _backward,
    ("rushlight.autograd.function", "_FunctionNode._run"): _backward,
    ("rushlight.autograd.variable", "Variable._accumulate"): _leaf,
    ("rushlight.ops._quick", "quick_of_one.<locals>.decorate.<locals>.quick"): _quick,
    ("rushlight.ops._quick", "quick_of_two.<locals>.decorate.<locals>.quick"): _quick,
    ("rushlight.ops.matmul", "product_with_transposed"): _mm,
    ("rushlight.ops.matmul", "product_of_transposed"): _mm,
    ("rushlight.ops.linear", "_with_bias"): _addmm,
    ("rushlight.ops.linear", "_gradients"): _mm,
    ("rushlight.optim.optimizer", "Optimizer.profile_hook_step.<locals>.wrapper"): _step,
    ("rushlight.optim.optimizer", "Optimizer.zero_grad"): _zero_grad,
    ("rushlight.utils.data._utils.iterator", "BaseIterator.__next__"): _batch,
}


@functools.cache
def _namer(code: CodeType, module: str) -> Callable[[FrameType], str | None] | None:
    """How to name the event of a frame; None for a function that is none."""
    place = (module, code.co_qualname)
    if place in _RUNS_OPERATION:
        return _operation
    if place in _SPECIAL:
        return _SPECIAL[place]
    if module.startswith("rushlight.ops.") and any(_public(code, home) for home in _NAMESPACES):
        return _function
    return None


def _public(code: CodeType, home: str) -> bool:
    """Whether a namespace offers this function, rather than only using it."""
    space = sys.modules.get(home)
    listed = getattr(space, "__all__", None)
    offered = listed is None or code.co_qualname in listed
    return offered and getattr(getattr(space, code.co_qualname, None), "__code__", None) is code


def _shape(value: Any) -> Any:
    if isinstance(value, Variable):
        return list(value.shape)
    if isinstance(value, tuple | list) and value and all(isinstance(v, Variable) for v in value):
        return [list(v.shape) for v in value]
    return []


class _Open:
    """An event that has not ended yet."""

    __slots__ = ("annotation", "children", "flops", "frame", "memory", "name", "shapes", "stack", "start")

    def __init__(
        self, name: str, frame: Any, start: float, used: int, shapes: Any, stack: Any, annotation: bool
    ) -> None:
        self.name, self.frame, self.start, self.memory = name, frame, start, used
        self.shapes, self.stack, self.annotation = shapes, stack, annotation
        self.children: list[FunctionEvent] = []


class _Recorder:
    """Python's profiling hook: opens an event at a call that is one, and closes it at its return."""

    def __init__(self, shapes: bool, memory_use: bool, stack: bool, flops: bool) -> None:
        self.shapes, self.memory_use, self.stack, self.flops = shapes or flops, memory_use, stack, flops
        self.events: list[FunctionEvent] = []
        self.open: list[_Open] = []
        self.thread = threading.get_native_id()
        self.next_id = 1
        self.began = time.perf_counter_ns() / 1e3

    def __call__(self, frame: FrameType, event: str, argument: Any) -> None:
        if event == "call":
            namer = _namer(frame.f_code, frame.f_globals.get("__name__", ""))
            if namer is None:
                return
            name = namer(frame)
            # A function that does no more than run its operation is the same event.
            if name is not None and not (self.open and self.open[-1].name == name):
                self.begin(name, frame)
        elif event == "return":
            while self.open and self.open[-1].frame is frame:
                self.end()

    def begin(self, name: str, frame: FrameType | None, annotation: bool = False) -> None:
        shapes = []
        if self.shapes and frame is not None and not annotation:
            code, found = frame.f_code, frame.f_locals
            names = code.co_varnames[: code.co_argcount + bool(code.co_flags & 4)]
            values = [found.get(n) for n in names if n not in ("cls", "self")]
            if values and names[-1] in ("args", "gradients") and isinstance(values[-1], tuple | list):
                values = [*values[:-1], *values[-1]]
            shapes = [_shape(v) for v in values]
        stack = _users_frames(frame) if self.stack else []
        used = memory.stats()["in_use"] if self.memory_use else 0
        if name.startswith(_ENGINE):
            self.open.append(_Open(name, frame, self._now(), used, [], stack, annotation))
            name = name.removeprefix(_ENGINE)
        self.open.append(_Open(name, frame, self._now(), used, shapes, stack, annotation))

    def end(self) -> None:
        end = self._now()
        done = self.open.pop()
        used = memory.stats()["in_use"] - done.memory if self.memory_use else 0
        count = _flops(done.name, done.shapes) if self.flops else None
        event = FunctionEvent(
            self.next_id,
            done.name,
            self.thread,
            done.start,
            end,
            done.shapes,
            done.stack,
            used,
            -1,
            count,
            done.annotation,
        )
        self.next_id += 1
        for child in done.children:
            event.append_cpu_child(child)
        if self.open:
            self.open[-1].children.append(event)
        self.events.append(event)

    def _now(self) -> float:
        return time.perf_counter_ns() / 1e3 - self.began


def _users_frames(frame: FrameType | None) -> list[str]:
    """The user's frames below a call, the innermost first."""
    found = []
    while frame is not None:
        if not frame.f_globals.get("__name__", "").startswith("rushlight."):
            found.append(f"{frame.f_code.co_filename}({frame.f_lineno}): {frame.f_code.co_name}")
        frame = frame.f_back
    return found


def _flops(name: str, shapes: list[Any]) -> float | None:
    """The additions and multiplications of a product, or of one elementwise `add` or `mul`; None of anything else."""
    sizes = [s for s in shapes if s and all(isinstance(n, int) for n in s)]
    kind = name.removeprefix("aten::")
    if kind in ("mm", "bmm") and len(sizes) >= 2:
        return 2.0 * _product(sizes[0]) * sizes[1][-1]
    if kind in ("addmm", "baddbmm") and len(sizes) >= 3:
        return 2.0 * _product(sizes[1]) * sizes[2][-1]
    if kind in ("add", "mul") and sizes:
        return float(max(map(_product, sizes)))
    return None


def _product(sizes: list[int]) -> int:
    result = 1
    for n in sizes:
        result *= n
    return result


_active: list[_Recorder] = []


class record_function:
    """A block or a function that appears in profiles under a name.

    >>> import rushlight as torch
    >>> with torch.profiler.profile() as prof, torch.profiler.record_function("forward"):
    ...     _ = torch.ones(3).sum()
    >>> [event.name for event in prof.events() if event.is_user_annotation]
    ['forward']

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.autograd.profiler.record_function.html
    """

    def __init__(self, name: str, args: str | None = None) -> None:
        self.name, self.args = name, args
        self._recorder: _Recorder | None = None

    def __enter__(self) -> Self:
        self._recorder = _active[-1] if _active else None
        if self._recorder is not None:
            self._recorder.begin(self.name, None, annotation=True)
        return self

    def __exit__(self, *exception: object) -> None:
        recorder = self._recorder
        if recorder is not None and recorder in _active:
            while recorder.open and not (recorder.open[-1].annotation and recorder.open[-1].name == self.name):
                recorder.end()
            recorder.end()

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            with record_function(self.name, self.args):
                return function(*args, **kwargs)

        return wrapper


class profile:
    """Records the operations of a `with` block: their times, and on request shapes, memory, stacks, operations counted.

    Times are taken with Python's profiling hook, which slows Python down: they say where the time goes, not how much a
    program takes. `use_cuda`, `use_device`, `use_kineto`, `with_modules` and `experimental_config` concern other
    devices or builds. RuntimeError where a profile is already recording, or another tool uses Python's hook.

    >>> import rushlight as torch
    >>> with torch.autograd.profiler.profile() as prof:
    ...     _ = torch.ones(2) + 1
    >>> [event.name for event in prof.function_events]
    ['aten::ones', 'aten::add']

    Source: https://docs.pytorch.org/docs/2.13/autograd.html#torch.autograd.profiler.profile
    """

    def __init__(
        self,
        enabled: bool = True,
        *,
        use_cuda: bool = False,
        use_device: str | None = None,
        record_shapes: bool = False,
        with_flops: bool = False,
        profile_memory: bool = False,
        with_stack: bool = False,
        with_modules: bool = False,
        use_kineto: bool = False,
        use_cpu: bool = True,
        experimental_config: Any = None,
        acc_events: bool = False,
        custom_trace_id_callback: Callable[[], str] | None = None,
        post_processing_timeout_s: float | None = None,
        activity_filters: dict[Any, set[str]] | None = None,
    ) -> None:
        self.enabled, self.use_cpu, self.acc_events = enabled, use_cpu, acc_events
        self.record_shapes, self.with_flops = record_shapes, with_flops
        self.profile_memory, self.with_stack = profile_memory, with_stack
        self.custom_trace_id_callback = custom_trace_id_callback
        self.entered = False
        self.trace_id = ""
        self._recorder: _Recorder | None = None
        self._events: EventList | None = None

    def __enter__(self) -> Self | None:
        if not self.enabled:
            return None
        if self.entered:
            raise RuntimeError("Profiler context manager is not reentrant")
        self.entered = True
        self._start_trace()
        return self

    def __exit__(self, *exception: object) -> None:
        if self.enabled:
            self._stop_trace()

    def _start_trace(self) -> None:
        if _active or sys.getprofile() is not None:
            raise RuntimeError("Can't start a profile: another one is recording in this thread")
        self.trace_id = self.create_trace_id()
        self._recorder = _Recorder(self.record_shapes, self.profile_memory, self.with_stack, self.with_flops)
        _active.append(self._recorder)
        if self.use_cpu:
            sys.setprofile(self._recorder)

    def _stop_trace(self) -> None:
        recorder = self._recorder
        assert recorder is not None
        sys.setprofile(None)
        while recorder.open:
            recorder.end()
        if recorder in _active:
            _active.remove(recorder)
        # In the order in which they began, the outer one first where two began together.
        found = sorted(recorder.events, key=lambda e: (e.time_range.start, -e.time_range.end))
        if self.acc_events and self._events is not None:
            found = [*self._events, *found]
        self._events = EventList(found, profile_memory=self.profile_memory, with_flops=self.with_flops)
        self._recorder = None

    @property
    def function_events(self) -> EventList:
        """The events, in the order in which they began; RuntimeError before the block has ended."""
        if self._events is None:
            raise RuntimeError("Profiler didn't finish running")
        return self._events

    def create_trace_id(self) -> str:
        """The name of a new trace: what `custom_trace_id_callback` returns, or 32 digits."""
        callback = self.custom_trace_id_callback
        return callback() if callback is not None else self.default_trace_id()

    def default_trace_id(self) -> str:
        """32 random hexadecimal digits."""
        return uuid.uuid4().hex.upper()

    def toggle_collection_dynamic(self, enabled: bool, activities: Iterable[Any]) -> None:
        """Stop recording for a while, or go on; only within the block."""
        if self._recorder is not None and any(getattr(a, "name", a) == "CPU" for a in activities):
            while not enabled and self._recorder.open:
                self._recorder.end()
            sys.setprofile(self._recorder if enabled else None)

    def table(
        self,
        sort_by: str | None = None,
        row_limit: int = 100,
        max_src_column_width: int = 75,
        max_name_column_width: int = 55,
        max_shapes_column_width: int = 80,
        header: str | None = None,
        top_level_events_only: bool = False,
    ) -> str:
        """The events as a table; see `EventList.table`."""
        widths = (max_src_column_width, max_name_column_width, max_shapes_column_width)
        return self.function_events.table(sort_by, row_limit, *widths, header, top_level_events_only)

    def export_chrome_trace(
        self, path: str, metadata: dict[str, str] | None = None, use_python_export: bool = False
    ) -> None:
        """Write the events as JSON for `chrome://tracing`, and `metadata` beside them: JSON texts by key."""
        document = {
            "schemaVersion": 1,
            "displayTimeUnit": "ms",
            "trace_id": self.trace_id,
            "record_shapes": int(self.record_shapes),
            "profile_memory": int(self.profile_memory),
            "with_flops": int(self.with_flops),
            "traceEvents": [chrome_event(event) for event in self.function_events],
        }
        document |= {key: json.loads(value) for key, value in (metadata or {}).items()}
        with open(path, "w") as file:
            json.dump(document, file)

    def export_stacks(self, path: str, metric: str = "self_cpu_time_total") -> None:
        """Write how much time each stack took; RuntimeError unless stacks were recorded."""
        if not self.with_stack:
            raise RuntimeError("export_stacks() requires with_stack=True")
        self.function_events.export_stacks(path, metric)

    def key_averages(
        self, group_by_input_shape: bool = False, group_by_stack_n: int = 0, group_by_overload_name: bool = False
    ) -> EventList:
        """The events added up by name; see `EventList.key_averages`."""
        return self.function_events.key_averages(group_by_input_shape, group_by_stack_n, group_by_overload_name)

    def total_average(self) -> FunctionEventAvg:
        """All events added up."""
        return self.function_events.total_average()

    @property
    def self_cpu_time_total(self) -> float:
        """Microseconds of all events, each counted once."""
        return self.function_events.self_cpu_time_total

    def __repr__(self) -> str:
        return "<unfinished torch.autograd.profile>" if self._events is None else repr(self._events)

    def __str__(self) -> str:
        return "<unfinished torch.autograd.profile>" if self._events is None else str(self._events)


class EnforceUnique:
    """Raises RuntimeError where something is seen for the second time."""

    def __init__(self) -> None:
        self.seen: set[Any] = set()

    def see(self, *key: Any) -> None:
        """Note `key`; RuntimeError if it was seen before."""
        if key in self.seen:
            raise RuntimeError("duplicate key: " + str(key))
        self.seen.add(key)


class MemRecordsAcc:
    """Memory records, looked up by time: those that start within an interval, in nanoseconds."""

    def __init__(self, mem_records: Iterable[Any]) -> None:
        self._records = sorted(mem_records, key=lambda record: record[0].start_ns())

    def in_interval(self, start_ns: int, end_ns: int) -> Iterable[Any]:
        """The records that start between two times."""
        return (r for r in self._records if start_ns <= r[0].start_ns() <= end_ns)


class KinetoStepTracker:
    """Counts the steps of a training loop for those that profile it: the greatest count of any requester."""

    _current_step = 0
    _steps: dict[str, int] = {}  # noqa: RUF012 - one for the process, as PyTorch has it

    @classmethod
    def init_step_count(cls, requester: str) -> None:
        """Let a requester count from the current step."""
        cls._steps[requester] = cls._current_step

    @classmethod
    def erase_step_count(cls, requester: str) -> bool:
        """Forget a requester; whether it was known."""
        return cls._steps.pop(requester, None) is not None

    @classmethod
    def increment_step(cls, requester: str) -> int:
        """Count a step of a requester; the greatest count."""
        if requester not in cls._steps:
            cls.init_step_count(requester)
        cls._steps[requester] += 1
        cls._current_step = max(cls._current_step, *cls._steps.values())
        return cls._current_step

    @classmethod
    def current_step(cls) -> int:
        """The greatest count of any requester."""
        return cls._current_step
