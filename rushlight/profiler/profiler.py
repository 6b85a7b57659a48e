"""`profile`: the profiler of `rushlight.autograd.profiler` for some of a training loop's steps."""

from __future__ import annotations

import enum
import gzip
import json
import os
import socket
import time
from collections.abc import Callable, Iterable
from typing import Any, Self

from rushlight.autograd import profiler as _recording
from rushlight.autograd.profiler_util import EventList

__all__ = [
    "ExecutionTraceObserver", "ProfilerAction", "ProfilerActivity", "kineto_available", "profile", "schedule",
    "supported_activities", "tensorboard_trace_handler",
]  # fmt: skip


class ProfilerActivity(enum.Enum):
    """What can be recorded; here the CPU's activity.

    >>> import rushlight as torch
    >>> with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as recording:
    ...     x = torch.ones(2) + 1

    Source: https://docs.pytorch.org/docs/2.13/profiler.html#torch.profiler.ProfilerActivity
    """

    CPU = 0
    XPU = 1
    CUDA = 2
    HPU = 3
    MTIA = 4
    PrivateUse1 = 5


class ProfilerAction(enum.Enum):
    """What a profiler does in a step.

    >>> from rushlight.profiler import schedule
    >>> schedule(wait=1, warmup=0, active=1)(0).name
    'NONE'

    Source: https://docs.pytorch.org/docs/2.13/profiler.html#torch.profiler.ProfilerAction
    """

    NONE = 0
    WARMUP = 1
    RECORD = 2
    RECORD_AND_SAVE = 3
    DEVICE_STOPPED = 4


def supported_activities() -> set[ProfilerActivity]:
    """The activities that can be recorded on this machine.

    >>> import rushlight as torch
    >>> torch.profiler.supported_activities()
    {<ProfilerActivity.CPU: 0>}

    Source: https://docs.pytorch.org/docs/2.13/profiler.html
    """
    return {ProfilerActivity.CPU}


def kineto_available() -> bool:
    """Whether PyTorch's own tracing library is there: False, Python's profiling hook does its work.

    >>> from rushlight.profiler import kineto_available
    >>> available = kineto_available()

    Source: https://docs.pytorch.org/docs/2.13/profiler.html
    """
    return False


def schedule(
    *, wait: int, warmup: int, active: int, repeat: int = 0, skip_first: int = 0, skip_first_wait: int = 0
) -> Callable[[int], ProfilerAction]:
    """A plan: skip `skip_first` steps, then in turn wait, warm up and record for so many steps, `repeat` times.

    `repeat` 0 goes on for ever; with `skip_first_wait` not 0 the first turn doesn't wait. AssertionError for negative
    numbers, and for no active step.

    >>> import rushlight as torch
    >>> plan = torch.profiler.schedule(wait=1, warmup=1, active=2)
    >>> [plan(step).name for step in range(5)]
    ['NONE', 'WARMUP', 'RECORD', 'RECORD_AND_SAVE', 'NONE']

    Source: https://docs.pytorch.org/docs/2.13/profiler.html#torch.profiler.schedule
    """
    if min(wait, warmup, repeat, skip_first) < 0 or active <= 0:
        raise AssertionError(
            f"Invalid profiler schedule arguments. Got wait={wait} (need >= 0), warmup={warmup} (need >= 0), "
            f"active={active} (need > 0), repeat={repeat} (need >= 0), skip_first={skip_first} (need >= 0)."
        )

    def plan(step: int) -> ProfilerAction:
        if step < 0:
            raise AssertionError(f"Step must be non-negative. Got {step}.")
        step -= skip_first
        if step < 0:
            return ProfilerAction.NONE
        if skip_first_wait:
            # As if the first turn's waiting were over already.
            step += wait
        turn, place = divmod(step, wait + warmup + active)
        if repeat and turn >= repeat:
            return ProfilerAction.NONE
        if place < wait:
            return ProfilerAction.NONE
        if place < wait + warmup:
            return ProfilerAction.WARMUP
        return ProfilerAction.RECORD_AND_SAVE if place == wait + warmup + active - 1 else ProfilerAction.RECORD

    return plan


def _always(step: int) -> ProfilerAction:
    return ProfilerAction.RECORD


def tensorboard_trace_handler(
    dir_name: str, worker_name: str | None = None, use_gzip: bool = False, use_python_export: bool = False
) -> Callable[[profile], None]:
    """A handler that writes each recording into a folder, as TensorBoard's profiler plugin reads it.

    Files are named `worker.time.pt.trace.json`; the worker is by default the host and the process. RuntimeError where
    the folder cannot be made.

    >>> import rushlight as torch
    >>> from rushlight.profiler import profile, tensorboard_trace_handler
    >>> with profile(on_trace_ready=tensorboard_trace_handler("log", worker_name="me")):
    ...     x = torch.ones(2) + 1
    >>> import os
    >>> len(os.listdir("log"))
    1

    Source: https://docs.pytorch.org/docs/2.13/profiler.html#torch.profiler.tensorboard_trace_handler
    """

    def handler(prof: profile) -> None:
        try:
            os.makedirs(dir_name, exist_ok=True)
        except OSError as error:
            raise RuntimeError("Can't create directory: " + dir_name) from error
        worker = worker_name or f"{socket.gethostname()}_{os.getpid()}"
        name = f"{worker}.{time.time_ns()}.pt.trace.json" + ".gz" * use_gzip
        prof.export_chrome_trace(os.path.join(dir_name, name), use_python_export)

    return handler


class ExecutionTraceObserver:
    """Writes the operations that run, with their shapes, to a JSON file: the nodes of an execution trace.

    >>> import rushlight as torch
    >>> import json, pathlib
    >>> from rushlight.profiler import ExecutionTraceObserver
    >>> observer = ExecutionTraceObserver().register_callback("trace.json")
    >>> observer.start()
    >>> x = torch.ones(2) + 1
    >>> observer.stop()
    >>> observer.unregister_callback()
    >>> any(node["name"] == "aten::add" for node in json.loads(pathlib.Path("trace.json").read_text())["nodes"])
    True

    Source: https://docs.pytorch.org/docs/2.13/profiler.html
    """

    def __init__(self) -> None:
        self._path: str | None = None
        self._profile: _recording.profile | None = None

    def register_callback(self, output_file_path: str) -> Self:
        """Say where to write to."""
        self._path = output_file_path
        return self

    def unregister_callback(self) -> None:
        """Stop, and write to nothing from now on."""
        self.stop()
        self._path = None

    @property
    def is_registered(self) -> bool:
        """Whether there is a file to write to."""
        return self._path is not None

    def is_running(self) -> bool:
        """Whether it observes now."""
        return self._profile is not None

    def get_output_file_path(self) -> str | None:
        """The file written to, or None."""
        return self._path

    def start(self) -> None:
        """Observe from now on."""
        if self._path is not None and self._profile is None:
            self._profile = _recording.profile(record_shapes=True)
            self._profile.__enter__()

    def stop(self) -> None:
        """Observe no more, and write the file."""
        if self._profile is None or self._path is None:
            return
        self._profile.__exit__()
        events = self._profile.function_events
        self._profile = None
        nodes = [
            {
                "id": e.id,
                "name": e.name,
                "ctrl_deps": e.cpu_parent.id if e.cpu_parent else 0,
                "inputs": {"shapes": e.input_shapes},
            }
            for e in events
        ]
        with open(self._path, "w") as file:
            json.dump({"schema": "1.1.1-chakra.0.0.4", "pid": os.getpid(), "nodes": nodes}, file)

    def cleanup(self) -> None:
        """Stop and forget the file."""
        self.unregister_callback()


class profile:
    """Records the steps of a training loop that `schedule` names, and calls `on_trace_ready` after each recording.

    Without a schedule everything between `start` and `stop` (or in the `with` block) is recorded. `step()` says that a
    step is over. `activities` may name what `supported_activities` has; others are not found here. What the times mean
    is said at `rushlight.autograd.profiler.profile`. AssertionError from what needs a recording before there is one.

    >>> import rushlight as torch
    >>> with torch.profiler.profile(record_shapes=True) as prof:
    ...     _ = torch.ones(2, 3) @ torch.ones(3, 4)
    >>> [(e.key, e.count) for e in prof.key_averages()]
    [('aten::ones', 2), ('aten::matmul', 1)]

    Source: https://docs.pytorch.org/docs/2.13/profiler.html#torch.profiler.profile
    """

    def __init__(
        self,
        *,
        activities: Iterable[Any] | None = None,
        schedule: Callable[[int], ProfilerAction] | None = None,
        on_trace_ready: Callable[..., Any] | None = None,
        record_shapes: bool = False,
        profile_memory: bool = False,
        with_stack: bool = False,
        with_flops: bool = False,
        with_modules: bool = False,
        experimental_config: Any = None,
        execution_trace_observer: Any = None,
        acc_events: bool = False,
        use_cuda: bool | None = None,
        custom_trace_id_callback: Callable[[], str] | None = None,
        post_processing_timeout_s: float | None = None,
    ) -> None:
        self.activities = set(activities) if activities is not None else supported_activities()
        if not self.activities:
            raise AssertionError("No valid profiler activities found")
        self.schedule = schedule or _always
        self.on_trace_ready = on_trace_ready
        self.record_shapes, self.profile_memory, self.with_stack = record_shapes, profile_memory, with_stack
        self.with_flops, self.with_modules, self.acc_events = with_flops, with_modules, acc_events
        self.record_steps = schedule is not None
        self.execution_trace_observer = execution_trace_observer
        self.custom_trace_id_callback = custom_trace_id_callback
        self.step_num = 0
        self.current_action = self.schedule(0)
        self.profiler: _recording.profile | None = None
        self._metadata: dict[str, str] = {}
        self._step: Any = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def start(self) -> None:
        """Begin with step 0."""
        self._enter_action(None)
        self._begin_step()

    def stop(self) -> None:
        """End; what is being recorded is a recording. AssertionError before `start`."""
        self._end_step()
        if self.profiler is None:
            raise AssertionError("Profiler must be initialized before stopping trace")
        if self._records():
            self._finish()

    def step(self) -> None:
        """Say that a step of the loop is over."""
        self._end_step()
        before = self.current_action
        self.step_num += 1
        self.current_action = self.schedule(self.step_num)
        self._enter_action(before)
        _recording.KinetoStepTracker.increment_step("ProfilerStep")
        self._begin_step()

    def _records(self) -> bool:
        return self.profiler is not None and self.profiler._recorder is not None

    def _enter_action(self, before: ProfilerAction | None) -> None:
        action = self.current_action
        if before is ProfilerAction.RECORD_AND_SAVE and self._records():
            self._finish()
        wanted = action in (ProfilerAction.RECORD, ProfilerAction.RECORD_AND_SAVE)
        if action is not ProfilerAction.NONE and (self.profiler is None or not self._records()):
            self.prepare_trace()
        if wanted and not self._records():
            self.start_trace()
        elif not wanted and self._records():
            self._finish()

    def _finish(self) -> None:
        self.stop_trace()
        if self.on_trace_ready is not None:
            self.on_trace_ready(self)

    def prepare_trace(self) -> None:
        """Make a recorder ready."""
        kept = self.profiler._events if self.acc_events and self.profiler is not None else None
        self.profiler = _recording.profile(
            use_cpu=ProfilerActivity.CPU in self.activities
            or "CPU" in {getattr(a, "name", a) for a in self.activities},
            record_shapes=self.record_shapes,
            with_flops=self.with_flops,
            profile_memory=self.profile_memory,
            with_stack=self.with_stack,
            acc_events=self.acc_events,
            custom_trace_id_callback=self.custom_trace_id_callback,
        )
        self.profiler._events = kept

    def start_trace(self) -> None:
        """Record from now on."""
        if self.execution_trace_observer is not None:
            raise RuntimeError("an execution_trace_observer observes by itself: call its start() and stop()")
        if self.profiler is None:
            self.prepare_trace()
        self._need("starting trace")._start_trace()

    def stop_trace(self) -> None:
        """Record no more."""
        self._need("stopping trace")._stop_trace()

    def _begin_step(self) -> None:
        if self.record_steps and self._records():
            self._step = _recording.record_function(f"ProfilerStep#{self.step_num}")
            self._step.__enter__()

    def _end_step(self) -> None:
        if self._step is not None:
            self._step.__exit__()
            self._step = None

    def _need(self, what: str) -> _recording.profile:
        if self.profiler is None:
            raise AssertionError(f"Profiler must be initialized before {what}")
        return self.profiler

    def events(self) -> EventList:
        """The events of the last recording, in the order in which they began."""
        return self._need("accessing events").function_events

    def key_averages(
        self, group_by_input_shape: bool = False, group_by_stack_n: int = 0, group_by_overload_name: bool = False
    ) -> EventList:
        """The events of the last recording added up by name, on request by shapes or stack too."""
        prof = self._need("getting key averages")
        return prof.key_averages(group_by_input_shape, group_by_stack_n, group_by_overload_name)

    def export_chrome_trace(self, path: str, use_python_export: bool = False) -> None:
        """Write the last recording as JSON for `chrome://tracing`, compressed if `path` ends in `.gz`."""
        prof = self._need("exporting chrome trace")
        if not path.endswith(".gz"):
            prof.export_chrome_trace(path, self._metadata)
            return
        plain = path.removesuffix(".gz")
        prof.export_chrome_trace(plain, self._metadata)
        with open(plain, "rb") as source, gzip.open(path, "wb") as target:
            target.write(source.read())
        os.remove(plain)

    def export_stacks(self, path: str, metric: str = "self_cpu_time_total") -> None:
        """Write how much time each stack took, as flame graphs are made of; it needs `with_stack=True`."""
        self._need("exporting stacks").export_stacks(path, metric)

    def export_memory_timeline(self, path: str, device: str | None = None) -> None:
        """Write the memory in use after each event: JSON of the times in microseconds and of the bytes.

        AssertionError unless memory was profiled.
        """
        if not self.profile_memory:
            raise AssertionError("profile_memory=True required for memory profiling.")
        used, times, sizes = 0, [], []
        for event in sorted(self.events(), key=lambda e: e.time_range.end):
            used += event.self_cpu_memory_usage
            times.append(event.time_range.end)
            sizes.append(used)
        with open(path, "w") as file:
            json.dump([times, sizes], file)

    def toggle_collection_dynamic(self, enable: bool, activities: Iterable[Any]) -> None:
        """Stop recording for a while, or go on."""
        if self.profiler is not None:
            self.profiler.toggle_collection_dynamic(enable, activities)

    def add_metadata(self, key: str, value: str) -> None:
        """Put a text beside the trace."""
        self.add_metadata_json(key, json.dumps(value))

    def add_metadata_json(self, key: str, value: str) -> None:
        """Put a value, given as JSON, beside the trace."""
        self._metadata[key] = value

    def preset_metadata_json(self, key: str, value: str) -> None:
        """Put a value beside every trace to come."""
        self.add_metadata_json(key, value)

    def get_trace_id(self) -> str | None:
        """The name of the current trace, None before there is one."""
        return None if self.profiler is None else self.profiler.trace_id

    def set_custom_trace_id_callback(self, callback: Callable[[], str]) -> None:
        """Let a function name the traces to come."""
        self.custom_trace_id_callback = callback
