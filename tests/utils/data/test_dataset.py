"""Datasets: indexing, joining, splitting, and what they refuse."""

from __future__ import annotations

import pytest

import rushlight as torch
from rushlight.utils.data import (
    ChainDataset,
    ConcatDataset,
    Dataset,
    IterableDataset,
    StackDataset,
    Subset,
    TensorDataset,
    random_split,
)


class Batched(Dataset):
    def __init__(self, n, short=0):
        self.n, self.short = n, short

    def __len__(self):
        return self.n

    def __getitem__(self, i):
        return i * 10

    def __getitems__(self, indices):
        return [i * 10 for i in indices][self.short :]


class Count(IterableDataset):
    def __init__(self, n):
        self.n = n

    def __iter__(self):
        return iter(range(self.n))

    def __len__(self):
        return self.n


def test_a_tensor_dataset_gives_rows():
    data = TensorDataset(torch.arange(6).reshape(3, 2), torch.tensor([7, 8, 9]))
    assert len(data) == 3
    assert [t.tolist() for t in data[1]] == [[2, 3], 8]
    assert [t.tolist() for t in data[[0, 2]]] == [[[0, 1], [4, 5]], [7, 9]]


def test_concatenation_finds_the_part_of_each_index():
    joined = ConcatDataset([[1, 2], [], [3, 4, 5]])
    assert [joined[i] for i in range(-5, 5)] == [1, 2, 3, 4, 5] * 2
    assert joined.cumulative_sizes == [2, 2, 5]
    assert len(Batched(2) + Batched(3)) == 5


def test_chaining_runs_one_after_the_other():
    chain = Count(2) + Count(3)
    assert isinstance(chain, ChainDataset)
    assert list(chain) == [0, 1, 0, 1, 2]
    assert len(chain) == 5


def test_stacking_gives_tuples_or_dicts():
    assert StackDataset(Batched(3), [1, 2, 3])[2] == (20, 3)
    assert StackDataset(a=Batched(3), b=[1, 2, 3]).__getitems__([2, 0]) == [{"a": 20, "b": 3}, {"a": 0, "b": 1}]
    assert StackDataset(Batched(3), [1, 2, 3]).__getitems__([1]) == [(10, 2)]


def test_a_subset_uses_the_fast_way_of_its_dataset():
    assert Subset(Batched(4), [3, 1]).__getitems__([0, 1]) == [30, 10]
    assert Subset([5, 6, 7], [2, 0]).__getitems__([1]) == [5]
    assert Subset(TensorDataset(torch.arange(4)), [3, 1])[[0, 1]][0].tolist() == [3, 1]


@pytest.mark.parametrize(
    ("lengths", "sizes"),
    [([3, 7], [3, 7]), ([0.3, 0.7], [3, 7]), ([0.25, 0.25, 0.5], [3, 2, 5]), ([1 / 3] * 3, [4, 3, 3])],
)
def test_random_split_shares_everything_out_once(lengths, sizes):
    parts = random_split(range(10), lengths, generator=torch.Generator().manual_seed(3))
    assert [len(part) for part in parts] == sizes
    assert sorted(x for part in parts for x in part) == list(range(10))


def test_random_split_warns_of_an_empty_part():
    with pytest.warns(UserWarning, match="Length of split at index 1 is 0. This might result in an empty dataset."):
        random_split(range(2), [0.9, 0.1])


class Deaf(Subset):
    def __getitem__(self, i):
        return 0


REFUSALS = [
    (lambda: Dataset()[0], NotImplementedError, "Subclasses of Dataset should implement __getitem__"),
    (lambda: TensorDataset(torch.zeros(2), torch.zeros(3)), AssertionError, "Size mismatch between tensors"),
    (lambda: StackDataset(), ValueError, "At least one dataset should be passed"),
    (lambda: StackDataset([1], [1, 2]), ValueError, "Size mismatch between datasets"),
    (lambda: StackDataset([1], a=[1]), ValueError, "but both types are given"),
    (lambda: StackDataset(Batched(3, short=1)).__getitems__([0, 1]), ValueError, "Expected 2, got 1"),
    (lambda: ConcatDataset([]), AssertionError, "datasets should not be an empty iterable"),
    (lambda: ConcatDataset([Count(1)]), AssertionError, "does not support IterableDataset"),
    (lambda: ConcatDataset([[1]])[-2], ValueError, "absolute value of index should not exceed dataset length"),
    (lambda: ConcatDataset([[1]])[1], IndexError, "out of range"),
    (lambda: list(ChainDataset([[1]])), AssertionError, "ChainDataset only supports IterableDataset"),
    (lambda: Deaf([1], [0]), NotImplementedError, "overrides __getitem__ but not __getitems__"),
    (lambda: random_split(range(3), [1, 1]), ValueError, "Sum of input lengths does not equal"),
    (lambda: random_split(range(3), [1.5, -0.5]), ValueError, "Fraction at index 0 is not between 0 and 1"),
]


@pytest.mark.parametrize(("call", "error", "text"), REFUSALS)
def test_refuses(call, error, text):
    with pytest.raises(error, match=text):
        call()
