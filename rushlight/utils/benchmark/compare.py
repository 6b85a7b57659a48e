"""`Compare`: measurements side by side, as a table a label."""

from __future__ import annotations

import enum
import math
from collections import defaultdict
from typing import Any

from rushlight.utils.benchmark.measurement import Measurement, ordered_unique, select_unit, trim_sigfig, unit_to_english

__all__ = ["Colorize", "Compare"]

_END = "\033[0m\033[0m"
# How the best times of a row or column are shown, those hardly worse, and those that take twice and five times as long.
_BEST, _GOOD, _BAD, _WORST = "\033[92m\033[1m", "\033[34m\033[1m", "\033[2m\033[91m", "\033[31m\033[1m"
# What no measurement tells apart, in seconds.
_SAME = 100e-9


class Colorize(enum.Enum):
    """Which times are compared when a table is coloured: none, those of a column, or those of a row.

    >>> from rushlight.utils.benchmark import Colorize
    >>> [choice.name for choice in Colorize]
    ['NONE', 'COLUMNWISE', 'ROWWISE']

    Source: https://docs.pytorch.org/docs/2.13/benchmark_utils.html
    """

    NONE = "none"
    COLUMNWISE = "columnwise"
    ROWWISE = "rowwise"


class Compare:
    """A table of measurements: a column for each description, a row for each sub-label, number of threads and place.

    Measurements of one task are merged, and the median is shown, in the unit that fits the least of the table.

    >>> from rushlight.utils.benchmark import Compare, Measurement, TaskSpec
    >>> spec = TaskSpec("x + y", "pass", label="add", sub_label="8", description="ours")
    >>> Compare([Measurement(1, [2e-6], spec)]).print()
    [---- add -----]
             |  ours
    1 threads: -----
          8  |  2.0
    <BLANKLINE>
    Times are in microseconds (us).
    <BLANKLINE>

    Source: https://docs.pytorch.org/docs/2.13/benchmark_utils.html#torch.utils.benchmark.Compare
    """

    def __init__(self, results: list[Measurement]) -> None:
        self._results: list[Measurement] = []
        self.extend_results(results)
        self._trim = self._warn = False
        self._colorize = Colorize.NONE

    def __str__(self) -> str:
        return "\n".join(self._tables())

    def extend_results(self, results: Any) -> None:
        """Add measurements; ValueError for what is none."""
        for result in results:
            if not isinstance(result, Measurement):
                raise ValueError(f"Expected an instance of `Measurement`, got {type(result)} instead.")
        self._results.extend(results)

    def trim_significant_figures(self) -> None:
        """Show no more digits than the spread of the times supports."""
        self._trim = True

    def colorize(self, rowwise: bool = False) -> None:
        """Colour times by how they compare with the best of their column, or of their row."""
        self._colorize = Colorize.ROWWISE if rowwise else Colorize.COLUMNWISE

    def highlight_warnings(self) -> None:
        """Mark times that are far apart: how far, in per cent of the median."""
        self._warn = True

    def print(self) -> None:
        """Print the tables."""
        print(str(self))

    def _tables(self) -> list[str]:
        groups: dict[Any, list[Measurement]] = defaultdict(list)
        for result in Measurement.merge(self._results):
            groups[result.task_spec.label].append(result)
        return [_Table(group, self._trim, self._warn, self._colorize).render() for group in groups.values()]


class _Table:
    def __init__(self, results: list[Measurement], trim: bool, warn: bool, colorize: Colorize) -> None:
        self.trim, self.colorize = trim, colorize
        self.label = results[0].task_spec.label or ""
        self.unit, self.scale = select_unit(min(r.median for r in results))
        self.columns = ordered_unique(r.task_spec.description for r in results)
        self.rows: dict[tuple[int, str | None, str], dict[Any, Measurement]] = {}
        # By threads, then by place; rows in the order of their first appearance.
        envs = ordered_unique(r.env for r in results)
        for result in sorted(results, key=lambda r: (r.task_spec.num_threads, r.env or "")):
            key = (result.task_spec.num_threads, result.env, result.as_row_name)
            self.rows.setdefault(key, {})[result.task_spec.description] = result
        self.envs = envs if len(envs) > 1 else []
        self.warn = warn and any(r.has_warnings for r in results)

    def _number(self, result: Measurement) -> float:
        value = result.median / self.scale
        return trim_sigfig(value, result.significant_figures) if self.trim else value

    def _column(self, column: Any) -> list[str]:
        """The cells of a column, of one width: numbers with their points below each other."""
        found = [row.get(column) for row in self.rows.values()]
        measured = [r for r in found if r is not None]
        whole = [math.ceil(math.log10(r.median / self.scale)) for r in measured]
        digits = 1
        if self.trim:
            digits = min(max(r.significant_figures - n, 0) for r, n in zip(measured, whole, strict=True))
        width = max(whole) + digits + bool(digits)
        cells = ["" if r is None else f"{self._number(r):>{width}.{digits}f}" for r in found]
        if self.warn and any(r.has_warnings for r in measured):
            cells = [cell + _warning(r).rjust(7) for cell, r in zip(cells, found, strict=True)]
        width = max(len(column), *map(len, cells))
        return [cell.center(width) for cell in cells]

    def _below(self, column: Any, threads: int) -> list[Measurement]:
        """What stands in a column for that number of threads."""
        return [row[column] for key, row in self.rows.items() if key[0] == threads and column in row]

    def _painted(self, cell: str, result: Measurement, others: list[Measurement]) -> str:
        time, best = result.median, min(r.median for r in others)
        if time <= max(best * 1.01, best + _SAME):
            color = _BEST
        elif time <= best * 1.1:
            color = _GOOD
        else:
            color = _WORST if time >= best * 5 else _BAD if time >= best * 2 else ""
        return f"{color}{cell}{_END}" if color else cell

    def render(self) -> str:
        cells = {column: self._column(column) for column in self.columns}
        places = [f"({env})" for _, env, _ in self.rows] if self.envs else [""] * len(self.rows)
        # A place is named in the first of its rows.
        before: Any = None
        shown = []
        for (threads, env, _), place in zip(self.rows, places, strict=True):
            shown.append(place if (threads, env) != before else "")
            before = (threads, env)
        place_width = max(map(len, places), default=0)
        name_width = max((len(name) for _, _, name in self.rows), default=0)
        heads = [column.center(len(cells[column][0])) for column in self.columns]
        start = " " * (2 + place_width + 2 + name_width + 2 + 2 * (not self.envs))
        # The indentation without places is that of two empty columns.
        header = "|".join([start, *(f"  {head}  " for head in heads)])[:-2]
        lines = [f"[{f' {self.label} '.center(len(header) - 2, '-')}]", header]
        threads_before = None
        for i, ((threads, _, name), row) in enumerate(self.rows.items()):
            if threads != threads_before:
                lines.append(f"{threads} threads: ".ljust(len(header), "-"))
                threads_before = threads
            parts = ["  " + shown[i].ljust(place_width) + "  " + "  " * (not self.envs) + name.ljust(name_width) + "  "]
            for column in self.columns:
                cell, result = cells[column][i], row.get(column)
                if result is not None and self.colorize is not Colorize.NONE:
                    by_row = self.colorize is Colorize.ROWWISE
                    others = list(row.values()) if by_row else self._below(column, threads)
                    cell = self._painted(cell, result, others)
                parts.append(f"  {cell}  ")
            lines.append("|".join(parts)[:-2])
        lines += ["", f"Times are in {unit_to_english(self.unit)}s ({self.unit})."]
        if self.warn:
            lines.append("(! XX%) Measurement has high variance, where XX is the IQR / median * 100.")
        return "\n".join(lines) + "\n"


def _warning(result: Measurement | None) -> str:
    if result is None or not result.has_warnings:
        return ""
    return f" (! {result.iqr / result.median * 100:.0f}%)"
