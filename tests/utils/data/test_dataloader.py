"""The DataLoader in one process: batches, orders, options, and what it refuses."""

from __future__ import annotations

import pytest

import rushlight as torch
from rushlight.utils.data import (
    BatchSampler,
    DataLoader,
    IterableDataset,
    SequentialSampler,
    Subset,
    TensorDataset,
    get_worker_info,
)


class Count(IterableDataset):
    def __init__(self, n, promise=None):
        self.n, self.promise = n, promise

    def __iter__(self):
        return iter(range(self.n))

    def __len__(self):
        return self.n if self.promise is None else self.promise


def lists(loader):
    return [batch.tolist() for batch in loader]


@pytest.mark.parametrize(
    ("options", "batches"),
    [
        ({}, [[0], [1], [2], [3], [4]]),
        ({"batch_size": 2}, [[0, 1], [2, 3], [4]]),
        ({"batch_size": 2, "drop_last": True}, [[0, 1], [2, 3]]),
        ({"batch_sampler": [[4, 0], [1]]}, [[4, 0], [1]]),
        ({"batch_size": 3, "sampler": [4, 4, 1, 0]}, [[4, 4, 1], [0]]),
        ({"batch_sampler": BatchSampler(SequentialSampler(range(5)), 4, True)}, [[0, 1, 2, 3]]),
    ],
)
@pytest.mark.parametrize(
    "dataset", [range(5), TensorDataset(torch.arange(5)), Subset(TensorDataset(torch.arange(5)), [0, 1, 2, 3, 4])]
)
def test_batches_of_a_map(dataset, options, batches):
    loader = DataLoader(dataset, **options)
    got = [b.tolist() if isinstance(b, torch.Tensor) else b[0].tolist() for b in loader]
    assert got == batches
    assert len(loader) == len(batches)


def test_rows_of_a_tensor_dataset_are_collated_in_one_go_with_the_same_result():
    data = TensorDataset(torch.arange(12.0).reshape(6, 2), torch.arange(6))
    at_once = list(DataLoader(data, batch_size=4))
    one_by_one = list(
        DataLoader(data, batch_size=4, collate_fn=lambda samples: torch.utils.data.default_collate(samples))
    )
    for a, b in zip(at_once, one_by_one, strict=True):
        assert [t.tolist() for t in a] == [t.tolist() for t in b]
        assert [t.dtype for t in a] == [t.dtype for t in b]
    at_once[0][0].zero_()
    assert data.tensors[0][0, 1] == 1  # a batch is a copy


def test_streams():
    assert lists(DataLoader(Count(5), batch_size=2)) == [[0, 1], [2, 3], [4]]
    assert lists(DataLoader(Count(5), batch_size=2, drop_last=True)) == [[0, 1], [2, 3]]
    assert list(DataLoader(Count(3), batch_size=None)) == [0, 1, 2]
    assert (
        len(DataLoader(Count(5), 2)),
        len(DataLoader(Count(5), 2, drop_last=True)),
        len(DataLoader(Count(5), None)),
    ) == (3, 2, 5)


def test_a_stream_longer_than_promised_warns():
    loader = DataLoader(Count(3, promise=2), batch_size=None)
    assert len(loader) == 2
    with pytest.warns(UserWarning, match=r"was reported to be 2\(when accessing len\(dataloader\)\), but 3 samples"):
        assert list(loader) == [0, 1, 2]


def test_shuffling_gives_a_new_order_each_time_and_follows_the_generator():
    loader = DataLoader(range(20), batch_size=20, shuffle=True, generator=torch.Generator().manual_seed(1))
    first, second = lists(loader)[0], lists(loader)[0]
    assert sorted(first) == sorted(second) == list(range(20))
    assert first != second
    again = DataLoader(range(20), batch_size=20, shuffle=True, generator=torch.Generator().manual_seed(1))
    assert lists(again)[0] == first


def test_pin_memory_is_accepted_with_a_warning():
    with pytest.warns(UserWarning, match="'pin_memory' argument is set as true but no accelerator is found"):
        assert lists(DataLoader([1], pin_memory=True)) == [[1]]


def test_the_main_process_is_no_worker():
    assert get_worker_info() is None


def test_an_iterator_counts_and_cannot_be_pickled():
    iterator = iter(DataLoader(range(5), batch_size=2))
    assert len(iterator) == 3
    assert iter(iterator) is iterator
    with pytest.raises(NotImplementedError, match="cannot be pickled"):
        iterator.__getstate__()


def test_options_are_fixed_after_construction():
    loader = DataLoader([1])
    for name in ("batch_size", "batch_sampler", "sampler", "drop_last", "dataset", "persistent_workers"):
        with pytest.raises(ValueError, match=f"{name} attribute should not be set after DataLoader is initialized"):
            setattr(loader, name, None)


def test_too_many_workers_are_warned_of():
    with pytest.warns(
        UserWarning, match="This DataLoader will create 9999 worker processes in total. Our suggested max"
    ):
        DataLoader([1], num_workers=9999)


STREAM = "DataLoader with IterableDataset: expected unspecified"
REFUSALS = [
    ({"num_workers": -1}, ValueError, "num_workers option should be non-negative"),
    ({"timeout": -1}, ValueError, "timeout option should be non-negative"),
    ({"prefetch_factor": 2}, ValueError, "prefetch_factor option could only be specified in multiprocessing"),
    ({"num_workers": 1, "prefetch_factor": -1}, ValueError, "prefetch_factor option should be non-negative"),
    ({"persistent_workers": True}, ValueError, "persistent_workers option needs num_workers > 0"),
    ({"multiprocessing_context": "fork"}, ValueError, "can only be used with multi-process loading"),
    ({"num_workers": 1, "multiprocessing_context": "x"}, ValueError, "should specify a valid start method"),
    ({"num_workers": 1, "multiprocessing_context": 3}, TypeError, "should be a valid context object"),
    ({"sampler": [0], "shuffle": True}, ValueError, "sampler option is mutually exclusive with shuffle"),
    ({"batch_sampler": [[0]], "batch_size": 2}, ValueError, "batch_sampler option is mutually exclusive"),
    ({"batch_size": None, "drop_last": True}, ValueError, "batch_size=None option disables auto-batching"),
    ({"batch_size": 0}, ValueError, "batch_size should be a positive integer value"),
    ({"dataset": Count(1), "shuffle": True}, ValueError, f"{STREAM} shuffle option, but got shuffle=True"),
    ({"dataset": Count(1), "sampler": [0]}, ValueError, f"{STREAM} sampler option"),
    ({"dataset": Count(1), "batch_sampler": [[0]]}, ValueError, f"{STREAM} batch_sampler option"),
]


@pytest.mark.parametrize(("options", "error", "text"), REFUSALS)
def test_refuses(options, error, text):
    with pytest.raises(error, match=text):
        DataLoader(**{"dataset": [1], **options})
