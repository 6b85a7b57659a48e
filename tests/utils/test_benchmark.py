"""torch.utils.benchmark: timers on a clock of the test's own, measurements, tables, random inputs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import rushlight as torch
from rushlight.utils import benchmark
from rushlight.utils.benchmark import Compare, FuzzedParameter, FuzzedTensor, Fuzzer, Measurement, TaskSpec, Timer


class Clock:
    """A clock on which each run of `tick` takes a millisecond, and each reading a microsecond."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 1e-6
        return self.now

    def tick(self) -> None:
        self.now += 1e-3


def timer(**options: Any) -> Timer:
    clock = Clock()
    return Timer("tick()", timer=clock, globals={"tick": clock.tick}, **options)


def test_a_timer_takes_the_time_of_a_run() -> None:
    found = timer(label="ticking").timeit(10)
    assert (found.number_per_run, len(found.raw_times)) == (10, 1)
    assert found.median == pytest.approx(1e-3, rel=1e-3)
    assert (found.title, found.task_spec.num_threads) == ("ticking", 1)


def test_blocks_are_measured_until_there_is_enough_of_them() -> None:
    calls: list[Any] = []
    found = timer().blocked_autorange(lambda number, seconds: calls.append((number, seconds)), min_run_time=0.05)
    # Reading the clock takes a thousandth of a run.
    assert found.number_per_run in (1, 10)
    assert sum(found.raw_times) >= 0.05
    assert [seconds for _, seconds in calls] == found.raw_times


def test_times_that_agree_end_an_adaptive_measurement() -> None:
    found = timer().adaptive_autorange(min_run_time=0.02)
    assert found.meets_confidence()
    assert 3 < len(found.raw_times) < 100


def test_a_statement_runs_with_the_threads_it_asks_for() -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(before + 1)
    # One, where everything runs on the NumPy reference.
    expected = torch.get_num_threads()
    torch.set_num_threads(before)
    seen: list[int] = []
    Timer("seen.append(torch.get_num_threads())", globals={"seen": seen}, num_threads=before + 1).timeit(1)
    assert set(seen) == {expected}
    assert torch.get_num_threads() == before


def test_setup_runs_before_and_blocks_may_be_indented() -> None:
    found: list[int] = []
    Timer(
        """
        for i in range(2):
            found.append(i + start)
        """,
        setup="start = 5",
        globals={"found": found},
    ).timeit(1)
    assert found[:2] == [5, 6]


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda: Timer(lambda: None), ValueError, "`str` stmt"),
        (lambda: Timer("x", language="c++"), NotImplementedError, "Python can be timed"),
        (lambda: Timer("x", global_setup="y"), ValueError, "C\\+\\+ only"),
        (lambda: Timer("x").repeat(), NotImplementedError, "blocked_autorange"),
        (lambda: Timer("x").autorange(), NotImplementedError, "blocked_autorange"),
        (lambda: Compare([3]), ValueError, "instance of `Measurement`"),
        (lambda: FuzzedParameter("n", 1, 2, "normal"), AssertionError, "Unknown distribution"),
        (lambda: FuzzedParameter("n", distribution={1: 0.5}), AssertionError, "not normalized"),
        (lambda: FuzzedParameter("n", distribution={1: -1.0, 2: 2.0}), AssertionError, "negative"),
        (lambda: FuzzedParameter("n", 1, distribution={1: 1.0}), AssertionError, "must be None"),
        (lambda: Fuzzer([FuzzedParameter("x", 1, 2, "uniform")], [FuzzedTensor("x", (2,))]), ValueError, "Duplicate"),
    ],
)
def test_misuse_is_refused(call: Any, error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        call()


def measured(*times: float, **spec: Any) -> Measurement:
    return Measurement(1, list(times), TaskSpec("x + 1", "pass", **spec))


def test_measurements_tell_their_spread() -> None:
    steady, wild = measured(1e-3, 1.01e-3, 1e-3, 0.99e-3), measured(1e-3, 2e-3, 5e-3, 9e-3)
    assert (steady.has_warnings, wild.has_warnings) == (False, True)
    assert "WARNING" in repr(wild)
    assert "WARNING" not in repr(steady)
    assert wild.iqr == pytest.approx(float(np.subtract(*np.quantile([1e-3, 2e-3, 5e-3, 9e-3], [0.75, 0.25]))))
    assert measured().median == -1
    joined = Measurement.merge([steady, wild, measured(3e-3, label="other")])
    assert [len(m.raw_times) for m in joined] == [8, 1]


def test_a_table_has_a_column_for_each_description() -> None:
    results = [
        measured(f * n * 1e-6, label="add", sub_label=f"n={n}", description=d)
        for d, f in (("ours", 1), ("theirs", 3))
        for n in (1, 100)
    ]
    assert str(Compare(results)).splitlines() == [
        "[------------ add -------------]",
        "             |   ours  |  theirs",
        "1 threads: ---------------------",
        "      n=1    |    1.0  |    3.0 ",
        "      n=100  |  100.0  |  300.0 ",
        "",
        "Times are in microseconds (us).",
    ]


@pytest.mark.parametrize("seed", range(3))
def test_random_tensors_keep_within_their_bounds(seed: int) -> None:
    fuzzer = Fuzzer(
        [
            FuzzedParameter("n", 1, 30, "loguniform"),
            FuzzedParameter("k", distribution={1: 0.5, benchmark.ParameterAlias("n"): 0.5}),
        ],
        [FuzzedTensor("x", ("n", "k"), steps=("k",), min_elements=2, max_elements=60, max_allocation_bytes=4000)],
        seed=seed,
    )
    for tensors, properties, params in fuzzer.take(5):
        assert 2 <= tensors["x"].numel() <= 60
        assert tensors["x"].shape == (params["n"], params["k"])
        assert params["k"] in (1, params["n"])
        assert properties["x"]["is_contiguous"] == tensors["x"].is_contiguous()
    assert 0 <= fuzzer.rejection_rate < 1


def test_parameters_that_stand_for_each_other_are_refused() -> None:
    alias = benchmark.ParameterAlias
    fuzzer = Fuzzer(
        [FuzzedParameter("a", distribution={alias("b"): 1.0}), FuzzedParameter("b", distribution={alias("a"): 1.0})], []
    )
    with pytest.raises(ValueError, match="cycle"):
        list(fuzzer.take(1))


def test_sparse_tensors_have_as_many_elements_as_asked_for() -> None:
    parameters = [
        FuzzedParameter(n, distribution={v: 1.0}) for n, v in (("density", 0.5), ("coalesced", True), ("sparse_dim", 2))
    ]
    fuzzer = Fuzzer(parameters, [benchmark.FuzzedSparseTensor("x", (6, 4), sparse_dim="sparse_dim")], seed=0)
    ((tensors, properties, _),) = fuzzer.take(1)
    assert tensors["x"].is_sparse
    assert properties["x"]["sparsity"] == 0.5
