"""What was timed, and how long it took."""

from __future__ import annotations

import dataclasses
import math
import textwrap
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from rushlight.threads import get_num_threads, set_num_threads

__all__ = [
    "Measurement", "TaskSpec", "ordered_unique", "select_unit", "set_torch_threads", "trim_sigfig", "unit_to_english",
]  # fmt: skip

_FEW_TIMES = 3
# The interquartile range as a part of the median: where a warning begins, and where a strong one.
_WARN, _WARN_STRONGLY = 0.1, 0.25
# What a clock can tell apart, in seconds.
_CLOCK = 25e-9
_MOST_FIGURES = 4
_UNITS = {"ns": ("nanosecond", 1e-9), "us": ("microsecond", 1e-6), "ms": ("millisecond", 1e-3), "s": ("second", 1.0)}


@dataclasses.dataclass(init=True, repr=False, eq=True, frozen=True)
class TaskSpec:
    """What was timed: the statement, its preparation, and how it is called in tables.

    >>> from rushlight.utils.benchmark import TaskSpec
    >>> TaskSpec("x + 1", "x = 2", label="adding").title
    'adding'

    Source: https://docs.pytorch.org/docs/2.13/benchmark_utils.html
    """

    stmt: str
    setup: str
    global_setup: str = ""
    label: str | None = None
    sub_label: str | None = None
    description: str | None = None
    env: str | None = None
    num_threads: int = 1

    @property
    def title(self) -> str:
        """The label, or else the statement, and the label below it."""
        if self.label is not None:
            return self.label + (f": {self.sub_label}" if self.sub_label else "")
        if "\n" not in self.stmt:
            return self.stmt + (f": {self.sub_label}" if self.sub_label else "")
        return f"stmt:{f' ({self.sub_label})' if self.sub_label else ''}\n{textwrap.indent(self.stmt, '  ')}"

    def setup_str(self) -> str:
        """The preparation, as a line or as a block."""
        if self.setup in ("", "pass"):
            return ""
        return f"setup:\n{textwrap.indent(self.setup, '  ')}\n" if "\n" in self.setup else f"setup: {self.setup}"

    def summarize(self) -> str:
        """Title, description, preparation and threads, a line each."""
        lines = [self.title, self.description or "", self.setup_str()]
        return "\n".join(line for line in lines if line)


@dataclasses.dataclass(init=True, repr=False)
class Measurement:
    """The times of a statement, in seconds: each of `raw_times` is of `number_per_run` runs.

    >>> from rushlight.utils.benchmark import Measurement, TaskSpec
    >>> Measurement(10, [2e-3, 1e-3, 3e-3], TaskSpec("x + 1", "pass")).median
    0.0002

    Source: https://docs.pytorch.org/docs/2.13/benchmark_utils.html#torch.utils.benchmark.Measurement
    """

    number_per_run: int
    raw_times: list[float]
    task_spec: TaskSpec
    metadata: dict[Any, Any] | None = None

    def __getattr__(self, name: str) -> Any:
        # A measurement answers for its task too.
        if name != "task_spec" and name in TaskSpec.__dataclass_fields__:
            return getattr(self.task_spec, name)
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")

    @property
    def times(self) -> list[float]:
        """Seconds of one run, for each measured time."""
        return [t / self.number_per_run for t in self.raw_times]

    def _quantile(self, q: float) -> float:
        return float(np.quantile(self.times, q)) if self.raw_times else -1.0

    @property
    def median(self) -> float:
        """The median time, in seconds; -1 where nothing was measured, as of the mean."""
        return self._quantile(0.5)

    @property
    def mean(self) -> float:
        """The mean time, in seconds."""
        return sum(self.times) / len(self.times) if self.raw_times else -1.0

    @property
    def iqr(self) -> float:
        """The distance between the quartiles, in seconds."""
        return self._quantile(0.75) - self._quantile(0.25)

    @property
    def significant_figures(self) -> int:
        """How many digits the times support: those that half a 90 % interval about the median leaves.

        The spread is that of the times between the quartiles, and at least 25 ns.
        """
        times = sorted(self.times)
        n = len(times)
        middle = times[n // 4 : math.ceil(3 * n / 4)]
        interval = max(1.645 * float(np.std(middle)) / math.sqrt(len(middle)), _CLOCK)
        return min(max(1, math.floor(math.log10(self.median / interval))), _MOST_FIGURES)

    @property
    def has_warnings(self) -> bool:
        """Whether the times are too far apart to be trusted."""
        return not self.meets_confidence()

    def meets_confidence(self, threshold: float = _WARN) -> bool:
        """Whether the distance between the quartiles is below a part of the median."""
        return self.iqr / self.median < threshold

    @property
    def title(self) -> str:
        """What was timed."""
        return self.task_spec.title

    @property
    def env(self) -> str | None:
        """Where it was timed, or None."""
        return self.task_spec.env

    @property
    def as_row_name(self) -> str:
        """The row of a table that this measurement stands in."""
        return self.task_spec.sub_label or self.task_spec.stmt or "[Unknown]"

    def __repr__(self) -> str:
        n = len(self.raw_times)
        head = f"{super().__repr__()}\n{self.task_spec.summarize()}\n"
        if n == 0:
            return head + "  No times"
        unit, scale = select_unit(self.median)
        skipped = [f"{self.number_per_run} runs per measurement, ", f"{self.number_per_run} runs , "][n == 1]
        threads = f"{self.task_spec.num_threads} thread{'s' if self.task_spec.num_threads > 1 else ''}"
        count = f"{n} measurement{'s' if n > 1 else ''}, {skipped}{threads}"
        if n == 1:
            return head + f"  {self.median / scale:.2f} {unit}\n  {count}"
        lines = [f"  Median: {self.median / scale:.2f} {unit}"]
        if n > _FEW_TIMES:
            low, high = self._quantile(0.25), self._quantile(0.75)
            lines.append(f"  IQR:    {self.iqr / scale:.2f} {unit} ({low / scale:.2f} to {high / scale:.2f})")
        lines.append(f"  {count}")
        if self.has_warnings:
            lines.append(
                f"  WARNING: Interquartile range is {self.iqr / self.median * 100:.1f}% of the median measurement."
            )
            strong = not self.meets_confidence(_WARN_STRONGLY)
            lines.append(
                "           This suggests significant environmental influence."
                if strong
                else "           This could indicate system fluctuation."
            )
        return head + "\n".join(lines)

    @staticmethod
    def merge(measurements: Iterable[Measurement]) -> list[Measurement]:
        """The times of one task joined, as times of single runs, in the order in which the tasks came."""
        groups: dict[TaskSpec, list[float]] = {}
        for m in measurements:
            groups.setdefault(m.task_spec, []).extend(m.times)
        return [Measurement(1, times, spec) for spec, times in groups.items()]


def select_unit(t: float) -> tuple[str, float]:
    """The unit that a time in seconds is shown in, and its length in seconds.

    >>> from rushlight.utils.benchmark import select_unit
    >>> select_unit(3e-4)
    ('us', 1e-06)

    Source: https://docs.pytorch.org/docs/2.13/benchmark_utils.html
    """
    for name in ("s", "ms", "us"):
        if t >= _UNITS[name][1]:
            return name, 1 if name == "s" else _UNITS[name][1]
    return "ns", 1e-9


def unit_to_english(u: str) -> str:
    """A unit's name.

    >>> from rushlight.utils.benchmark import unit_to_english
    >>> unit_to_english("us")
    'microsecond'

    Source: https://docs.pytorch.org/docs/2.13/benchmark_utils.html
    """
    return _UNITS[u][0]


def trim_sigfig(x: float, n: int) -> float:
    """A number rounded to `n` significant figures; AssertionError unless `n` is an integer.

    >>> from rushlight.utils.benchmark import trim_sigfig
    >>> trim_sigfig(123.456, 2)
    120.0

    Source: https://docs.pytorch.org/docs/2.13/benchmark_utils.html
    """
    if n != int(n):
        raise AssertionError("n must be an integer")
    if x == 0:
        return 0.0
    scale = 10 ** (math.ceil(math.log10(abs(x))) - n)
    return float(round(x / scale) * scale)


def ordered_unique(elements: Iterable[Any]) -> list[Any]:
    """The elements without repetitions, in the order of their first appearance.

    >>> from rushlight.utils.benchmark import ordered_unique
    >>> ordered_unique([3, 1, 3])
    [3, 1]

    Source: https://docs.pytorch.org/docs/2.13/benchmark_utils.html
    """
    return list(dict.fromkeys(elements))


@contextmanager
def set_torch_threads(n: int) -> Iterator[None]:
    """Within the block, operations use `n` threads.

    >>> import rushlight as torch
    >>> from rushlight.utils.benchmark import set_torch_threads
    >>> with set_torch_threads(1):
    ...     torch.get_num_threads()
    1

    Source: https://docs.pytorch.org/docs/2.13/benchmark_utils.html
    """
    before = get_num_threads()
    try:
        set_num_threads(n)
        yield
    finally:
        set_num_threads(before)
