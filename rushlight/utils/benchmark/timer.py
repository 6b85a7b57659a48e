"""`Timer`: how long a statement takes, warmed up, with a given number of threads, in blocks of runs."""

from __future__ import annotations

import enum
import textwrap
import timeit
from collections.abc import Callable
from time import perf_counter
from typing import Any, NoReturn

from rushlight.utils.benchmark.measurement import Measurement, TaskSpec, set_torch_threads

__all__ = ["Language", "Timer", "timer"]

# Of the time that a block of runs takes, the part that starting the clock may take.
_OVERHEAD = 1e-3


def timer() -> float:
    """Seconds on a clock that only goes forward.

    >>> from rushlight.utils.benchmark import timer
    >>> timer() <= timer()
    True

    Source: https://docs.pytorch.org/docs/2.13/benchmark_utils.html
    """
    return perf_counter()


class Language(enum.Enum):
    """What a statement is written in: Python, or C++.

    >>> from rushlight.utils.benchmark import Language
    >>> Language.PYTHON.name
    'PYTHON'

    Source: https://docs.pytorch.org/docs/2.13/benchmark_utils.html
    """

    PYTHON = 0
    CPP = 1


class Timer:
    """Measures a statement's time; `setup` runs before each measurement, `globals` are the names it sees.

    It warms up first, and uses one thread unless `num_threads` says otherwise, so that figures of machines with more
    cores can be compared. `label`, `sub_label`, `description` and `env` are for the tables of `Compare`.
    NotImplementedError for C++: there is no compiler at hand.

    >>> import rushlight as torch
    >>> timer = torch.utils.benchmark.Timer("x + 1", globals={"x": torch.ones(2)}, label="add")
    >>> timer.timeit(10).number_per_run
    10

    Source: https://docs.pytorch.org/docs/2.13/benchmark_utils.html#torch.utils.benchmark.Timer
    """

    def __init__(
        self,
        stmt: str = "pass",
        setup: str = "pass",
        global_setup: str = "",
        timer: Callable[[], float] = timer,
        globals: dict[str, Any] | None = None,
        label: str | None = None,
        sub_label: str | None = None,
        description: str | None = None,
        env: str | None = None,
        num_threads: int = 1,
        language: Language | str = Language.PYTHON,
    ) -> None:
        if not isinstance(stmt, str):
            raise ValueError("Currently only a `str` stmt is supported.")
        if language not in (Language.PYTHON, "py", "python"):
            raise NotImplementedError(f"a statement in Python can be timed, not one in {language}")
        if global_setup:
            raise ValueError(
                f"global_setup is C++ only, got `{global_setup}`. Most likely this code can simply be moved to `setup`."
            )
        # As a person writes them in an indented block.
        stmt, setup = textwrap.dedent(stmt).strip(), textwrap.dedent(setup).strip()
        names = dict(globals or {})
        # What a statement is about is there without an import, as in PyTorch.
        names.setdefault("torch", __import__("rushlight"))
        self._timer = timeit.Timer(stmt=stmt or "pass", setup=setup or "pass", timer=timer, globals=names)
        self._task_spec = TaskSpec(stmt, setup, global_setup, label, sub_label, description, env, num_threads)

    def _timeit(self, number: int) -> float:
        # A clock that did not move would say that a run takes no time.
        return max(self._timer.timeit(number), 1e-9)

    def timeit(self, number: int = 1000000) -> Measurement:
        """One time, of `number` runs, after some to warm up."""
        with set_torch_threads(self._task_spec.num_threads):
            self._timeit(max(int(number // 100), 2))
            return Measurement(number, [self._timeit(number)], self._task_spec)

    def repeat(self, repeat: int = -1, number: int = -1) -> NoReturn:
        """Not there, as in PyTorch: see `blocked_autorange`."""
        raise NotImplementedError("See `Timer.blocked_autorange.`")

    def autorange(self, callback: Callable[[int, float], NoReturn] | None = None) -> NoReturn:
        """Not there, as in PyTorch: see `blocked_autorange`."""
        raise NotImplementedError("See `Timer.blocked_autorange.`")

    def _block_size(self, min_run_time: float) -> int:
        """How many runs make a block that is long beside the reading of the clock."""
        overhead = sorted(self._timeit(0) for _ in range(5))[2]
        number = 1
        while True:
            taken = self._timeit(number)
            if taken > min_run_time or overhead / taken <= _OVERHEAD:
                return number
            number *= 10

    def blocked_autorange(
        self, callback: Callable[[int, float], NoReturn] | None = None, min_run_time: float = 0.2
    ) -> Measurement:
        """Times of blocks of runs until at least `min_run_time` seconds have been measured.

        A block is so long that reading the clock hardly counts. `callback(number, seconds)` is called after each.
        """
        with set_torch_threads(self._task_spec.num_threads):
            number = self._block_size(min_run_time)
            times = self._blocks(number, lambda found, total: total >= min_run_time, callback)
        return Measurement(number, times, self._task_spec)

    def _blocks(
        self, number: int, enough: Callable[[list[float], float], bool], callback: Callable[[int, float], Any] | None
    ) -> list[float]:
        times: list[float] = []
        total = 0.0
        while not times or not enough(times, total):
            times.append(self._timeit(number))
            total += times[-1]
            if callback is not None:
                callback(number, times[-1])
        return times

    def adaptive_autorange(
        self,
        threshold: float = 0.1,
        *,
        min_run_time: float = 0.01,
        max_run_time: float = 10.0,
        callback: Callable[[int, float], NoReturn] | None = None,
    ) -> Measurement:
        """Times of blocks of runs until the quartiles are less than `threshold` of the median apart.

        At least `min_run_time` seconds are measured, and no more blocks begin after `max_run_time`.
        """
        with set_torch_threads(self._task_spec.num_threads):
            number = self._block_size(0.05)

            def enough(times: list[float], total: float) -> bool:
                if total >= max_run_time:
                    return True
                found = Measurement(number, times, self._task_spec)
                return len(times) > 3 and total >= min_run_time and found.meets_confidence(threshold)

            times = self._blocks(number, enough, callback)
        return Measurement(number, times, self._task_spec)
