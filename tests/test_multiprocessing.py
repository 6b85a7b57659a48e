"""Tensors through queues and pipes, and processes started together."""

from __future__ import annotations

import os
from typing import Any

import pytest

import rushlight as torch

mp = torch.multiprocessing


def add_ten(queue: Any, answers: Any) -> None:
    tensor = queue.get()
    tensor += 10
    answers.put("done")


def fill(i: int, tensor: Any, layer: Any) -> None:
    tensor[i] = i + 10
    layer.weight.data.fill_(7.0)


def raises(i: int) -> None:
    raise ValueError("boom")


def leaves(i: int) -> None:
    os._exit(3)


@pytest.fixture(params=sorted(mp.get_all_sharing_strategies()))
def strategy(request: pytest.FixtureRequest) -> Any:
    before = mp.get_sharing_strategy()
    mp.set_sharing_strategy(request.param)
    yield request.param
    mp.set_sharing_strategy(before)


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_both_sides_of_a_queue_share_memory(strategy: str, method: str) -> None:
    context = mp.get_context(method)
    queue, answers = context.Queue(), context.SimpleQueue()
    tensor = torch.zeros(2, 2)
    process = context.Process(target=add_ten, args=(queue, answers))
    process.start()
    queue.put(tensor)
    assert answers.get() == "done"
    process.join()
    assert tensor.tolist() == [[10.0, 10.0], [10.0, 10.0]]
    assert tensor.is_shared()


def test_what_goes_through_a_pipe(strategy: str) -> None:
    one, other = mp.Pipe()
    turned = torch.arange(6).view(2, 3).t()
    one.send(turned)
    found = other.recv()
    found[0, 0] = 9
    assert turned[0, 0] == 9
    assert (found.stride(), found.tolist()) == ((1, 3), [[9, 3], [1, 4], [2, 5]])
    one.send((turned, turned))
    first, second = other.recv()
    first[1, 1] = 8
    assert second[1, 1] == 8
    for value in (
        torch.nn.Parameter(torch.ones(2)), torch.ones(2, requires_grad=True), torch.zeros(0, 3), torch.tensor(3),
        torch.ones(2, dtype=torch.bfloat16), torch.tensor([1j]),
    ):  # fmt: skip
        one.send(value)
        same = other.recv()
        assert type(same) is type(value)
        assert (same.dtype, same.shape, same.requires_grad) == (value.dtype, value.shape, value.requires_grad)
        assert torch.equal(same, value)
    one.send(torch.sparse_coo_tensor([[0, 2]], [1.0, 2.0], (3,)))
    assert other.recv().to_dense().tolist() == [1.0, 0.0, 2.0]
    one.send(torch.quantize_per_tensor(torch.ones(2), 0.5, 0, torch.qint8))
    assert other.recv().dequantize().tolist() == [1.0, 1.0]
    storage = torch.ones(2).untyped_storage()
    one.send((storage, torch.FloatStorage([1, 2])))
    untyped, typed = other.recv()
    untyped[0] = 5
    assert (storage[0], typed.tolist()) == (5, [1.0, 2.0])
    with pytest.raises(RuntimeError, match="Cowardly refusing to serialize non-leaf tensor"):
        one.send(torch.ones(1, requires_grad=True) * 2)


def test_processes_started_together() -> None:
    tensor = torch.zeros(2).share_memory_()
    layer = torch.nn.Linear(2, 2).share_memory()
    context = mp.start_processes(fill, (tensor, layer), nprocs=2, join=False, start_method="fork")
    assert context is not None
    assert len(context.pids()) == 2
    while not context.join():
        pass
    assert tensor.tolist() == [10.0, 11.0]
    assert layer.weight.tolist() == [[7.0, 7.0], [7.0, 7.0]]
    mp.spawn(fill, (tensor, layer), nprocs=1)


def test_a_process_that_fails() -> None:
    with pytest.raises(mp.ProcessRaisedException, match=r"(?s)-- Process 0 terminated with.*ValueError: boom"):
        mp.start_processes(raises, start_method="fork")
    with pytest.raises(mp.ProcessExitedException, match="process 0 terminated with exit code 3") as caught:
        mp.start_processes(leaves, start_method="fork")
    assert (caught.value.error_index, caught.value.exit_code) == (0, 3)


def test_strategies() -> None:
    assert mp.get_all_sharing_strategies() == {"file_descriptor", "file_system"}
    with pytest.raises(AssertionError, match="expected one of"):
        mp.set_sharing_strategy("carrier pigeon")
