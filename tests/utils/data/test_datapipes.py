"""Pipes of datasets by hand: what each step gives, and what is refused; no PyTorch needed."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import rushlight as torch
from rushlight.utils.data import DataLoader, IterDataPipe, functional_datapipe, runtime_validation
from rushlight.utils.data import runtime_validation_disabled as unchecked
from rushlight.utils.data.datapipes.iter import FileLister, FileOpener, IterableWrapper, StreamReader
from rushlight.utils.data.datapipes.map import SequenceWrapper
from rushlight.utils.data.graph import traverse_dps
from rushlight.utils.data.graph_settings import apply_shuffle_settings, get_all_graph_pipes


def five() -> Any:
    return IterableWrapper(range(5))


def parity(x: int) -> int:
    return x % 2


def is_odd(x: int) -> bool:
    return x % 2 == 1


def one_more(x: int) -> int:
    return x + 1


def both(a: int, b: int) -> int:
    return a + b


SAMPLES: dict[str, tuple[Callable[[], Any], Any]] = {
    "wrapped": (five, [0, 1, 2, 3, 4]),
    "map": (lambda: five().map(one_more), [1, 2, 3, 4, 5]),
    "map of a column": (lambda: IterableWrapper([(0, 1)]).map(one_more, input_col=1), [(0, 2)]),
    "map of columns": (lambda: IterableWrapper([[0, 1]]).map(both, input_col=[0, 1]), [[1]]),
    "map appended": (lambda: IterableWrapper([(0, 1)]).map(both, input_col=[0, 1], output_col=-1), [(0, 1, 1)]),
    "map of dicts": (lambda: IterableWrapper([{"a": 1}]).map(one_more, "a", "b"), [{"a": 1, "b": 2}]),
    "filter": (lambda: five().filter(is_odd), [1, 3]),
    "batch": (lambda: five().batch(2), [[0, 1], [2, 3], [4]]),
    "batch drop_last": (lambda: five().batch(2, drop_last=True), [[0, 1], [2, 3]]),
    "unbatch": (lambda: five().batch(2).unbatch(), [0, 1, 2, 3, 4]),
    "unbatch all": (lambda: five().batch(2).batch(2).unbatch(-1), [0, 1, 2, 3, 4]),
    "groupby": (lambda: five().groupby(parity), [[0, 2, 4], [1, 3]]),
    "groupby size": (lambda: five().groupby(parity, group_size=2, keep_key=True), [(0, [0, 2]), (1, [1, 3]), (0, [4])]),
    "groupby dropping": (lambda: five().groupby(parity, buffer_size=2, group_size=2, drop_remaining=True), [[4]]),
    "concat": (lambda: five().concat(IterableWrapper("a")), [0, 1, 2, 3, 4, "a"]),
    "mux": (lambda: five().mux(IterableWrapper("ab")), [0, "a", 1, "b"]),
    "zip": (lambda: five().zip(IterableWrapper("ab")), [(0, "a"), (1, "b")]),
    "shuffle off": (lambda: five().shuffle().set_shuffle(False), [0, 1, 2, 3, 4]),
    "share": (lambda: apply(five().sharding_filter(), 2, 1), [1, 3]),
    "by key": (lambda: SequenceWrapper(range(3)).map(one_more), [1, 2, 3]),
    "by key batch": (lambda: SequenceWrapper(range(3)).batch(2), [[0, 1], [2]]),
    "by key zip": (lambda: SequenceWrapper("ab").zip(SequenceWrapper("cd")), [("a", "c"), ("b", "d")]),
    "by key concat": (lambda: SequenceWrapper("ab").concat(SequenceWrapper("c")), ["a", "b", "c"]),
    "pickled": (lambda: pickle.loads(pickle.dumps(five().map(one_more).shuffle().set_shuffle(False))), [1, 2, 3, 4, 5]),
}


def apply(pipe: Any, count: int, number: int) -> Any:
    pipe.apply_sharding(count, number)
    return pipe


@pytest.mark.parametrize("name", SAMPLES)
def test_samples(name: str) -> None:
    make, expected = SAMPLES[name]
    pipe = make()
    assert list(pipe) == expected
    assert list(pipe) == expected
    if name not in ("filter", "unbatch", "unbatch all", "groupby", "groupby size", "groupby dropping"):
        assert len(pipe) == len(expected)


def test_shuffling_gives_each_sample_once_and_follows_the_seed() -> None:
    for pipe in (five().shuffle(buffer_size=2), SequenceWrapper(range(5)).shuffle()):
        first = list(pipe.set_seed(4))
        assert sorted(first) == [0, 1, 2, 3, 4]
        assert list(pipe.set_seed(4)) == first
        torch.manual_seed(7)
        drawn = list(pipe)
        torch.manual_seed(7)
        assert list(pipe) == drawn


def test_a_fork_gives_all_to_each_and_demux_each_to_one() -> None:
    a, b = five().fork(2)
    assert [list(a), list(b), list(a), list(b)] == [[0, 1, 2, 3, 4]] * 4
    even, odd = five().demux(2, parity)
    assert [list(even), list(odd)] == [[0, 2, 4], [1, 3]]
    together = list(zip(*five().fork(3, buffer_size=1), strict=True))
    assert together == [(i, i, i) for i in range(5)]


def test_only_the_latest_iterator_is_valid() -> None:
    pipe = five()
    first = iter(pipe)
    assert next(first) == 0
    assert next(iter(pipe)) == 0
    with pytest.raises(RuntimeError, match="invalidated"):
        next(first)
    a, b = five().fork(2)
    one, other = iter(a), iter(b)
    next(one), next(other)
    with pytest.warns(UserWarning, match="not exhausted"):
        next(iter(a))
    with pytest.raises(RuntimeError, match="ChildDataPipes"):
        next(other)


def test_a_registered_class_is_a_step_of_every_pipe() -> None:
    @functional_datapipe("tripled_for_this_test")
    class Tripled(IterDataPipe[int]):
        def __init__(self, source: Any) -> None:
            self.source = source

        def __iter__(self) -> Any:
            yield from (3 * x for x in self.source)

    try:
        assert list(five().tripled_for_this_test()) == [0, 3, 6, 9, 12]
        assert "tripled_for_this_test" in dir(five())
        with pytest.raises(Exception, match="already taken"):
            functional_datapipe("tripled_for_this_test")(Tripled)
    finally:
        del IterDataPipe.functions["tripled_for_this_test"]


def test_samples_are_checked_against_the_annotation() -> None:
    from collections.abc import Iterator

    def __iter__(self: Any) -> Iterator[int]:  # noqa: N807
        yield from (1, "x")

    __iter__.__annotations__["return"] = Iterator[int]
    pipe = type("Pipe", (IterDataPipe,), {"__iter__": runtime_validation(__iter__)})()
    with pytest.raises(RuntimeError, match="Expected an instance as subtype of"):
        list(pipe)
    with unchecked():
        assert list(pipe) == [1, "x"]


@pytest.mark.parametrize("workers", [0, 2])
def test_a_loader_shuffles_and_shares_out_pipes(workers: int) -> None:
    pipe = IterableWrapper(range(20)).shuffle().sharding_filter()
    loader = DataLoader(pipe, batch_size=4, shuffle=True, num_workers=workers)
    torch.manual_seed(1)
    passes = [[x for batch in loader for x in batch.tolist()] for _ in range(2)]
    assert [sorted(p) for p in passes] == [list(range(20))] * 2
    assert passes[0] != passes[1]
    torch.manual_seed(1)
    assert [x for batch in loader for x in batch.tolist()] == passes[0]
    loader = DataLoader(pipe, batch_size=20, shuffle=False)
    assert next(iter(loader)).tolist() == list(range(20))


def test_the_graph_of_a_pipe() -> None:
    source = five()
    mapped = source.map(one_more)
    both_ways = mapped.zip(source)
    graph = traverse_dps(both_ways)
    assert set(graph) == {id(both_ways)}
    assert get_all_graph_pipes(graph) == [both_ways, mapped, source]
    with pytest.warns(UserWarning, match="does not contain a `Shuffler`"):
        assert type(apply_shuffle_settings(mapped, True)).__name__ == "ShufflerIterDataPipe"


def test_files(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    for name, text in (("a.txt", "hello"), ("b.csv", "1"), ("sub/c.txt", "x")):
        (tmp_path / name).write_text(text)
    listed = FileLister(str(tmp_path), "*.txt", recursive=True)
    assert [Path(p).name for p in listed] == ["a.txt", "c.txt"]
    assert [text for _, text in StreamReader(FileOpener(listed))] == ["hello", "x"]
    assert [text for _, text in StreamReader(FileOpener(listed, mode="b"), chunk=3)] == [b"hel", b"lo", b"x"]
    path, stream = next(iter(FileOpener(listed)))
    assert (Path(path).name, next(iter(stream))) == ("a.txt", "hello")


REFUSED: dict[str, tuple[Callable[[], Any], type[Exception], str]] = {
    "batch of none": (lambda: five().batch(0), AssertionError, "larger than 0"),
    "batch by key of none": (lambda: SequenceWrapper([1]).batch(0), AssertionError, "larger than 0"),
    "buffer of none": (lambda: five().shuffle(buffer_size=0), AssertionError, "buffer_size"),
    "unbatch below -1": (lambda: list(five().unbatch(-2)), ValueError, "must be -1 or >= 0"),
    "unbatch too deep": (lambda: list(five().unbatch(1)), IndexError, "exceeds the depth"),
    "concat of a list": (lambda: five().concat([1]), TypeError, "IterDataPipe"),
    "zip of a list": (lambda: five().zip([1]), TypeError, "IterDataPipe"),
    "concat by key of a list": (lambda: SequenceWrapper([1]).concat([1]), TypeError, "MapDataPipe"),
    "fork into none": (lambda: five().fork(0), ValueError, "larger than 0"),
    "fork's copies": (lambda: five().fork(2, copy="x"), ValueError, "Unknown copy"),
    "fork too far ahead": (lambda: [list(p) for p in five().fork(2, buffer_size=2)], BufferError, "insufficient"),
    "demux too far ahead": (lambda: [list(p) for p in five().demux(2, parity, buffer_size=1)], BufferError, "insufficient"),
    "demux out of range": (lambda: [list(p) for p in five().demux(1, parity)], ValueError, "between 0 and 0"),
    "length of demux": (lambda: len(five().demux(2, parity)[0]), TypeError, "not counted"),
    "length of a generator": (lambda: len(IterableWrapper(iter([]))), TypeError, "valid length"),
    "length of files": (lambda: len(FileLister(".")), TypeError, "valid length"),
    "output without input": (lambda: five().map(one_more, output_col=1), ValueError, "must be None"),
    "two outputs": (lambda: five().map(one_more, 0, [1, 2]), ValueError, "single-element"),
    "too many arguments": (lambda: five().map(both), ValueError, "takes 2 positional"),
    "no function": (lambda: five().map(3), TypeError, "callable function"),
    "filter without bool": (lambda: list(five().filter(parity)), ValueError, "Boolean output"),
    "group too large": (lambda: five().groupby(parity, buffer_size=1, group_size=2), AssertionError, "group_size"),
    "group not grouped": (
        lambda: list(five().groupby(parity, buffer_size=2, group_size=2)), RuntimeError, "Failed to group"
    ),
    "guarantee without size": (
        lambda: five().groupby(parity, guaranteed_group_size=1), AssertionError, "guaranteed_group_size"
    ),
    "share out of range": (lambda: five().sharding_filter().apply_sharding(2, 2), ValueError, "smaller than"),
    "mode of files": (lambda: FileOpener([], mode="w"), ValueError, "Invalid mode"),
    "encoding of bytes": (lambda: FileOpener([], mode="b", encoding="utf-8"), ValueError, "encoding"),
    "path": (lambda: list(FileOpener([1])), TypeError, "string type"),
    "key past the end": (lambda: SequenceWrapper([1]).batch(2)[1], IndexError, "out of bound"),
    "zip past the end": (lambda: SequenceWrapper([1]).zip(SequenceWrapper([1]))[1], IndexError, "out of range"),
    "unknown step": (lambda: five().nothing_of_the_kind(), AttributeError, "no attribute"),
    "class that is no pipe": (lambda: functional_datapipe("x")(int), TypeError, "IterDataPipe"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_refusals(name: str) -> None:
    call, error, match = REFUSED[name]
    with pytest.raises(error, match=match):
        call()
