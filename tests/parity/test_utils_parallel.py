"""Wrappers for several devices against PyTorch, on a machine with CPUs only and in a group of one process."""

from __future__ import annotations

import copy
import pickle
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from tests.parity.programs import attempt, same_lines  # noqa: E402

if torch.cuda.is_available():
    pytest.skip("these are the results without a GPU", allow_module_level=True)

PROGRAMS: dict[str, Callable[[Any], None]] = {}


def program(function: Callable[[Any], None]) -> Callable[[Any], None]:
    PROGRAMS[function.__name__] = function
    return function


@pytest.fixture(autouse=True, scope="module")
def group_of_one() -> Iterator[None]:
    """PyTorch wants a group of processes."""
    distributed = torch.distributed
    if not distributed.is_available() or distributed.is_initialized():
        pytest.skip("no group of processes can be made")
    distributed.init_process_group("gloo", store=distributed.HashStore(), rank=0, world_size=1)
    yield
    distributed.destroy_process_group()


def network(t: Any) -> Any:
    return t.nn.Sequential(t.nn.Linear(2, 3), t.nn.BatchNorm1d(3), t.nn.Linear(3, 1))


@program
def data_parallel(t: Any) -> None:
    for arguments in ((), ([0, 1],), ([0], 0, 1)):
        net = t.nn.DataParallel(network(t), *arguments)
        print(net, net.device_ids, list(net.state_dict()))
        net(t.ones(2, 2)).sum().backward()
        print(net(input=t.ones(4, 2)).shape, net.module[2].bias.grad, net.eval().module.training)
        print(copy.deepcopy(net).module[0].weight.shape, pickle.loads(pickle.dumps(net)).device_ids)
        state = net.state_dict()
        t.nn.modules.utils.consume_prefix_in_state_dict_if_present(state, "module.")
        print(network(t).load_state_dict(state), net.load_state_dict(net.state_dict()))
    print(t.nn.DataParallel is t.nn.parallel.DataParallel)
    print(t.nn.DataParallel(module=t.nn.ReLU(), device_ids=None, output_device=None, dim=0))


@program
def without_tensors(t: Any) -> None:
    P = t.nn.parallel
    print(P.scatter(5, [0, 1]), P.scatter((1, "a"), [0, 1]), P.scatter([1, [2]], [0, 1]), P.scatter({"a": 1}, [0, 1]))
    print(P.scatter((), [0, 1]), P.scatter(None, [0]), P.scatter({}, [0, 1]), P.scatter([], [0]))
    print(P.scatter_gather.scatter_kwargs((1,), {"a": 2}, [0, 1]), P.scatter_gather.scatter_kwargs((), {}, [0]))
    print(P.scatter_gather.scatter_kwargs((1,), None, [0]), P.scatter_gather.scatter_kwargs((), {"a": 2}, [0]))
    print(P.gather([None, None], 0), P.gather([(None,), (None,)], 0), P.gather([{"a": None}, {"a": None}], 0))
    attempt(lambda: P.gather([{"a": None}, {}], 0))
    print(P.replicate(t.nn.ReLU(), []), P.replicate(t.nn.Linear(2, 1), []), len(P.replicate(t.nn.ReLU(), [0, 0])))
    attempt(lambda: P.parallel_apply([t.nn.ReLU()], []))
    attempt(lambda: P.parallel_apply([t.nn.ReLU()], [1], []))
    attempt(lambda: P.parallel_apply([t.nn.ReLU()], [1], None, []))


@program
def distributed(t: Any) -> None:
    D = t.nn.parallel.DistributedDataParallel
    net = D(network(t))
    print(net, list(net.state_dict()), net.broadcast_buffers, net.require_backward_grad_sync)
    print(net.device_ids, net.output_device, net.device_type, net.device, net.dim, net.static_graph)
    print(net.bucket_bytes_cap, net.bucket_bytes_cap_default, net.bucket_bytes_cap_list, net.find_unused_parameters)
    print(net.will_sync_module_buffers(), list(net.named_module_buffers), net.parameters_to_ignore, net.mixed_precision)
    net(t.arange(4.0).view(2, 2)).sum().backward()
    print([p.grad.round(decimals=3) + 0.0 for p in net.parameters()])
    with net.no_sync():
        print(net.require_backward_grad_sync)
        net(input=t.ones(2, 2)).sum().backward()
    print(net.require_backward_grad_sync, [p.grad.round(decimals=3) + 0.0 for p in net.parameters()])
    with net.join():
        print(net(t.ones(3, 2)).shape)
    with net.join(divide_by_initial_world_size=False, enable=False, throw_on_early_termination=True):
        pass
    print(net.train(False) is net, net.module[0].training)
    print(network(t).load_state_dict({key[7:]: value for key, value in net.state_dict().items()}))
    twin = copy.deepcopy(net)
    print(twin, t.equal(twin.module[0].weight, net.module[0].weight))
    print(pickle.loads(pickle.dumps(net)).module[0])


@program
def options_of_distributed(t: Any) -> None:
    D = t.nn.parallel.DistributedDataParallel
    net = D(network(t), bucket_cap_mb=2, find_unused_parameters=True, gradient_as_bucket_view=True, static_graph=True)
    print(net.bucket_bytes_cap, net.bucket_bytes_cap_default, net.find_unused_parameters, net.static_graph)
    net._set_static_graph()
    for options in (
        {"broadcast_buffers": False},
        {"broadcast_buffers": True},
        {"forward_sync_buffers": False},
        {"broadcast_buffers": True, "forward_sync_buffers": False},
        {"check_reduction": True},
        {"init_sync": False, "batched_grad_copy": True, "skip_all_reduce_unused_params": True},
        {"bucket_cap_mb_list": [1, 2]},
    ):
        net = D(network(t), **options)
        print(options, net.forward_sync_buffers, net.broadcast_buffers, net.will_sync_module_buffers())
    D._set_params_and_buffers_to_ignore_for_model(ignoring := network(t), ["0.weight", "1.running_mean"])
    net = D(ignoring)
    print(t.nn.parallel.DistributedDataParallelCPU(network(t)))
    print(sorted(net.parameters_to_ignore), list(net.named_module_buffers), ignoring[0].weight._ddp_ignored)
    for wrong in (
        lambda: D(t.nn.ReLU()),
        lambda: D(t.nn.Linear(2, 1).requires_grad_(False)),
        lambda: D(t.nn.LazyLinear(2)),
        lambda: D(t.nn.SyncBatchNorm(2)),
        lambda: D(network(t), [0]),
        lambda: D(network(t), [0, 1]),
        lambda: D(network(t), output_device=1),
        lambda: D(network(t), delay_all_reduce_named_params=[]),
        lambda: D(network(t), process_group=1, device_mesh=1),
        lambda: net.register_comm_hook(None, 3),
        lambda: net.register_comm_hook(None, lambda state, x: x),
    ):
        attempt(wrong)


@program
def communication_hook(t: Any) -> None:
    net = t.nn.parallel.DistributedDataParallel(t.nn.Sequential(t.nn.Linear(2, 2), t.nn.Linear(2, 1)))
    seen: list[Any] = []

    # PyTorch wants its own types as annotations, or none.
    def hook(state, bucket):
        seen.append((state, bucket.index(), bucket.is_last(), bucket.buffer().clone(), len(bucket.gradients())))
        result = bucket.buffer() * 10
        if not hasattr(t, "futures"):
            return result
        future = t.futures.Future()
        future.set_result(result)
        return future

    print(net.register_comm_hook("state", hook))
    attempt(lambda: net.register_comm_hook("state", hook))
    for step in range(4):
        net.zero_grad()
        if step == 2:
            with net.no_sync():
                net(t.ones(3, 2)).sum().backward()
        net(t.ones(3, 2)).sum().backward()
        print([p.grad for p in net.parameters()], seen[-1], len(seen))


@pytest.mark.parametrize("name", PROGRAMS)
def test_program(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        same_lines(PROGRAMS[name])
