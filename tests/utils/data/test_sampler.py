"""Samplers: lengths, orders, and what they refuse. That the orders are PyTorch's: tests/parity/test_data.py."""

from __future__ import annotations

import pytest

import rushlight as torch
from rushlight.utils.data import (
    BatchSampler,
    DistributedSampler,
    RandomSampler,
    Sampler,
    SequentialSampler,
    SubsetRandomSampler,
    WeightedRandomSampler,
)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def test_sequential_and_random_orders():
    assert list(SequentialSampler("abc")) == [0, 1, 2]
    sampler = RandomSampler(range(20), generator=seeded())
    first, second = list(sampler), list(sampler)
    assert sorted(first) == sorted(second) == list(range(20))
    assert first != second


@pytest.mark.parametrize(("replacement", "num_samples"), [(False, None), (False, 25), (True, 70), (True, 3)])
def test_random_sampler_draws_as_many_as_asked(replacement, num_samples):
    sampler = RandomSampler(range(10), replacement, num_samples, seeded())
    drawn = list(sampler)
    assert len(drawn) == len(sampler) == (num_samples or 10)
    assert set(drawn) <= set(range(10))


def test_without_a_generator_the_default_one_decides():
    torch.manual_seed(1)
    first = list(RandomSampler(range(10)))
    torch.manual_seed(1)
    assert list(RandomSampler(range(10))) == first


def test_subset_and_weighted_samplers():
    assert sorted(SubsetRandomSampler([4, 9, 2], seeded())) == [2, 4, 9]
    weighted = WeightedRandomSampler([0.0, 3.0, 1.0], 200, generator=seeded())
    counts = [list(weighted).count(i) for i in range(3)]
    assert counts[0] == 0
    assert counts[1] > counts[2] > 0
    assert sorted(WeightedRandomSampler([1.0, 2.0, 3.0], 3, replacement=False)) == [0, 1, 2]


@pytest.mark.parametrize(("drop_last", "batches"), [(False, [[0, 1], [2, 3], [4]]), (True, [[0, 1], [2, 3]])])
def test_batches(drop_last, batches):
    sampler = BatchSampler(SequentialSampler(range(5)), 2, drop_last)
    assert list(sampler) == batches
    assert len(sampler) == len(batches)


@pytest.mark.parametrize("drop_last", [False, True])
@pytest.mark.parametrize("size", [1, 10, 12])
def test_distributed_parts_have_one_length_and_cover_all(size, drop_last):
    parts = [DistributedSampler(range(size), 3, rank, seed=5, drop_last=drop_last) for rank in range(3)]
    drawn = [list(part) for part in parts]
    assert {len(d) for d in drawn} == {len(parts[0])}
    if not drop_last:
        assert {x for d in drawn for x in d} == set(range(size))
    parts[0].set_epoch(1)
    assert parts[0].epoch == 1


REFUSALS = [
    (lambda: iter(Sampler()), NotImplementedError, "Subclasses of Sampler should implement __iter__"),
    (
        lambda: RandomSampler([1], replacement=1),
        TypeError,
        "replacement should be a boolean value, but got replacement=1",
    ),
    (lambda: RandomSampler([]), ValueError, "num_samples should be a positive integer value, but got num_samples=0"),
    (lambda: WeightedRandomSampler([1.0], 0), ValueError, "num_samples should be a positive integer"),
    (lambda: WeightedRandomSampler([1.0], True), ValueError, "num_samples should be a positive integer"),
    (lambda: WeightedRandomSampler([1.0], 1, 1), ValueError, "replacement should be a boolean"),
    (lambda: WeightedRandomSampler([[1.0]], 1), ValueError, r"given weights have shape \(1, 1\)"),
    (
        lambda: BatchSampler([0], 0, False),
        ValueError,
        "batch_size should be a positive integer value, but got batch_size=0",
    ),
    (lambda: BatchSampler([0], 1, 0), ValueError, "drop_last should be a boolean value, but got drop_last=0"),
    (lambda: DistributedSampler([1], 2, 2), ValueError, r"Invalid rank 2, rank should be in the interval \[0, 1\]"),
]


@pytest.mark.parametrize(("call", "error", "text"), REFUSALS)
def test_refuses(call, error, text):
    with pytest.raises(error, match=text):
        call()
