"""Pipes of datasets: the same samples, orders, warnings and errors as PyTorch's."""

from __future__ import annotations

import functools
import operator
import pickle
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")

import torch.utils.data.datapipes.map  # noqa: E402, F401, F811

import rushlight  # noqa: E402
from tests.parity.programs import attempt, same_lines  # noqa: E402

PROGRAMS: dict[str, Callable[[Any], None]] = {}


def program(function: Callable[[Any], None]) -> Callable[[Any], None]:
    PROGRAMS[function.__name__] = function
    return function


def wrapped(t: Any, values: Any = range(5)) -> Any:
    return t.utils.data.datapipes.iter.IterableWrapper(values)


def keyed(t: Any, values: Any = range(5)) -> Any:
    return t.utils.data.datapipes.map.SequenceWrapper(values)


def odd(x: int) -> bool:
    return x % 2 == 1


def parity(x: int) -> int:
    return x % 2


def parity_up_to_two(x: int) -> int | None:
    return None if x > 2 else x % 2


def same(x: Any) -> Any:
    return x


def plus_one(x: int) -> int:
    return x + 1


def nothing() -> int:
    return 1


def show(*calls: Callable[[], Any]) -> None:
    """Print what each call returns or raises, with the warnings of each."""
    for call in calls:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            attempt(call)
        for warning in caught:
            print(warning.category.__name__, warning.message)


@program
def batches_and_groups(t: Any) -> None:
    w = wrapped(t)
    show(
        lambda: list(w.batch(2)),
        lambda: list(w.batch(2, drop_last=True)),
        lambda: (len(w.batch(2)), len(w.batch(2, drop_last=True))),
        lambda: w.batch(0),
        lambda: list(w.batch(2).unbatch()),
        lambda: list(w.batch(2).batch(2).unbatch(-1)),
        lambda: list(w.batch(2).batch(2).unbatch(2)),
        lambda: list(w.unbatch(0)),
        lambda: list(w.unbatch(-2)),
        lambda: list(w.unbatch(1)),
        lambda: list(w.groupby(parity)),
        lambda: list(w.groupby(parity, keep_key=True, group_size=2)),
        lambda: list(w.groupby(parity, buffer_size=2, group_size=2)),
        lambda: list(w.groupby(parity, buffer_size=3, group_size=3, guaranteed_group_size=2)),
        lambda: list(w.groupby(parity, buffer_size=2, group_size=2, drop_remaining=True)),
        lambda: w.groupby(parity, buffer_size=1, group_size=2),
        lambda: w.groupby(parity, guaranteed_group_size=2),
        lambda: w.groupby(parity, guaranteed_group_size=3, group_size=2),
        lambda: list(w.groupby(same, buffer_size=2)),
        lambda: list(w.batch(2).collate()),
        lambda: list(w.batch(2).collate(sum)),
    )


@program
def functions_of_samples(t: Any) -> None:
    w, pairs, lists = wrapped(t), wrapped(t, [(0, 1), (2, 3)]), wrapped(t, [[0, 1], [2, 3]])
    show(
        lambda: list(w.map(plus_one)),
        lambda: list(w.map(lambda x: x + 1)),
        lambda: list(w.map(functools.partial(operator.add, 2))),
        lambda: list(pairs.map(plus_one, input_col=1)),
        lambda: list(pairs.map(operator.add, input_col=[0, 1], output_col=0)),
        lambda: list(pairs.map(operator.add, input_col=[0, 1], output_col=-1)),
        lambda: list(pairs.map(operator.add, input_col=[0, 1])),
        lambda: list(lists.map(plus_one, input_col=0, output_col=-1)),
        lambda: list(wrapped(t, [{"a": 1}]).map(plus_one, input_col="a", output_col="b")),
        lambda: w.map(same, output_col=1),
        lambda: w.map(same, input_col=1, output_col=[1, 2]),
        lambda: w.map(nothing),
        lambda: w.map(max_of_two),
        lambda: list(w.filter(odd)),
        lambda: list(pairs.filter(bool, input_col=0)),
        lambda: list(w.filter(parity)),
        lambda: w.missing(1) if hasattr(w, "missing") else "missing",
    )


def max_of_two(a: int, b: int) -> int:
    return max(a, b)


@program
def orders(t: Any) -> None:
    w, m = wrapped(t), keyed(t)
    t.manual_seed(3)
    show(
        lambda: list(w.shuffle()),
        lambda: list(w.shuffle(buffer_size=2)),
        lambda: list(w.shuffle().set_seed(5)),
        lambda: list(w.shuffle().set_shuffle(False)),
        lambda: w.shuffle(buffer_size=0),
        lambda: list(w.batch(2).shuffle(unbatch_level=1)),
        lambda: list(m.shuffle()),
        lambda: list(m.shuffle().set_seed(2)),
        lambda: list(m.shuffle(indices=[1, 0, 2, 3, 4]).set_shuffle(False)),
        lambda: list(t.utils.data.datapipes.iter.Sampler(w)),
    )


@program
def several_as_one(t: Any) -> None:
    w, m = wrapped(t), keyed(t)
    show(
        lambda: list(w.concat(wrapped(t, [9]))),
        lambda: w.concat([1]),
        lambda: (len(w.concat(w)), len(w.mux(w)), len(w.zip(w))),
        lambda: list(w.mux(wrapped(t, [7, 8]))),
        lambda: list(w.zip(wrapped(t, "ab"))),
        lambda: w.zip([1]),
        lambda: list(w.zip(w)),
        lambda: list(m.concat(m)),
        lambda: list(m.zip(m)),
        lambda: m.concat(m)[10],
        lambda: m.zip(m)[5],
        lambda: m.concat(1),
    )


@program
def one_as_several(t: Any) -> None:
    w = wrapped(t)
    show(
        lambda: [list(p) for p in w.fork(2)],
        lambda: [list(p) for p in w.fork(2, buffer_size=2)],
        lambda: w.fork(0),
        lambda: w.fork(1) is w,
        lambda: w.fork(2, copy="x"),
        lambda: w.fork(2, buffer_size=-1),
        lambda: [len(p) for p in w.fork(3)],
        lambda: [list(p) for p in w.demux(2, parity)],
        lambda: [list(p) for p in w.demux(2, parity, buffer_size=1)],
        lambda: [list(p) for p in w.demux(2, same)],
        lambda: [list(p) for p in w.demux(2, parity_up_to_two, drop_none=True)],
    )
    a, b = w.fork(2)
    first = iter(a)
    print(next(first), next(first))
    second = iter(b)
    print(next(second))
    show(lambda: next(iter(a)), lambda: next(second))
    a, b = wrapped(t, [[1], [2]]).fork(2, copy="shallow")
    x, y = next(iter(a)), next(iter(b))
    print(x is y, x == y)


@program
def shares(t: Any) -> None:
    w = wrapped(t)
    s = w.sharding_filter()
    print(list(s))
    s.apply_sharding(2, 1)
    print(list(s), len(s))
    show(lambda: s.apply_sharding(2, 2))
    settings = __import__(f"{t.__name__}.utils.data.graph_settings", fromlist=["x"])
    nested = w.sharding_filter().map(plus_one)
    settings.apply_sharding(nested, 3, 1)
    print(list(nested))
    show(lambda: settings.apply_sharding(w.sharding_filter().sharding_filter(), 2, 0))


@program
def keys(t: Any) -> None:
    m = keyed(t)
    show(
        lambda: (m, len(m), m[2]),
        lambda: list(m.map(plus_one)),
        lambda: list(m.batch(2)),
        lambda: m.batch(2)[1],
        lambda: m.batch(2)[3],
        lambda: m.batch(2, drop_last=True)[2],
        lambda: len(m.batch(2, drop_last=True)),
        lambda: keyed(t, {"a": 1})["a"],
    )


@program
def iterators_end_each_other(t: Any) -> None:
    w = wrapped(t)
    print(w, str(w), len(w))
    one = iter(w)
    print(next(one))
    two = iter(w)
    print(next(two))
    show(lambda: next(one))

    class Counter(t.utils.data.IterDataPipe):
        def __iter__(self) -> Any:
            self.n = 0
            return self

        def __next__(self) -> int:
            self.n += 1
            if self.n > 2:
                raise StopIteration
            return self.n

    counter = Counter()
    print(list(counter), list(counter))
    one, _ = iter(counter), iter(counter)
    show(lambda: next(one))

    class Failing(t.utils.data.IterDataPipe):
        def __iter__(self) -> Iterator[int]:
            yield 1
            raise ValueError("bad")

    show(lambda: list(Failing()))
    print(list(pickle.loads(pickle.dumps(w.map(plus_one)))))


@program
def decorators(t: Any) -> None:
    d = t.utils.data

    @d.non_deterministic
    class Varying(d.IterDataPipe):
        def __iter__(self) -> Iterator[int]:
            yield 1

    @d.non_deterministic(lambda x: x > 1)
    class Sometimes(d.IterDataPipe):
        def __init__(self, x: int) -> None:
            self.x = x

        def __iter__(self) -> Iterator[int]:
            yield self.x

    def guaranteed(make: Callable[[], Any]) -> Any:
        with d.guaranteed_datapipes_determinism():
            return list(make())

    def __init__(self: Any, source: Any) -> None:  # noqa: N807
        self.source = source

    __init__.__annotations__["source"] = d.IterDataPipe
    Checked = type("Checked", (d.IterDataPipe,), {"__init__": d.argument_validation(__init__)})

    show(
        lambda: list(Varying()),
        lambda: guaranteed(Varying),
        lambda: guaranteed(lambda: Sometimes(1)),
        lambda: guaranteed(lambda: Sometimes(2)),
        lambda: d.non_deterministic(3),
        lambda: d.non_deterministic(int),
        lambda: d.functional_datapipe("map")(Checked),
        lambda: Checked([1]),
        lambda: d.runtime_validation(same),
    )
    chunk = d.DataChunk([1, 2])
    print(chunk, chunk.as_str("  "), list(chunk.raw_iterator()), chunk.items, len(chunk))


@program
def loaded(t: Any) -> None:
    w, m = wrapped(t), keyed(t)
    for options in ({"shuffle": True}, {"shuffle": False}, {}, {"shuffle": True, "num_workers": 2}):
        loader = t.utils.data.DataLoader(w.shuffle().sharding_filter(), batch_size=2, **options)
        t.manual_seed(0)
        print([b.tolist() for b in loader], [b.tolist() for b in loader])
    t.manual_seed(0)
    print([b.tolist() for b in t.utils.data.DataLoader(m.map(plus_one), batch_size=2, shuffle=True)])
    print(sorted(x for b in t.utils.data.DataLoader(w, batch_size=2, num_workers=2) for x in b.tolist()))


@pytest.mark.parametrize("name", PROGRAMS)
def test_program(name: str) -> None:
    rushlight.utils.data  # noqa: B018 (imported when named)
    same_lines(PROGRAMS[name])


def test_files(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    for name, text in (("a.txt", "hello"), ("b.csv", "1"), ("sub/c.txt", "x")):
        (tmp_path / name).write_text(text)

    def files(t: Any) -> None:
        p, root = t.utils.data.datapipes.iter, str(tmp_path)
        show(
            lambda: list(p.FileLister(root)),
            lambda: sorted(p.FileLister(root, recursive=True, masks="*.txt")),
            lambda: list(p.FileLister(root, masks=["*.csv", "*.txt"])),
            lambda: list(p.FileLister([root, root], masks="a*")),
            lambda: [(n, f.read()) for n, f in p.FileOpener(p.FileLister(root, masks="*.txt"))],
            lambda: list(p.StreamReader(p.FileOpener(p.FileLister(root, masks="*.txt"), mode="b"))),
            lambda: list(p.FileLister(root, masks="*.txt").open_files().read_from_stream(2)),
            lambda: p.FileOpener([1], mode="z"),
            lambda: len(p.FileLister(root)),
            lambda: len(p.FileLister(root, length=3)),
        )

    same_lines(files)
