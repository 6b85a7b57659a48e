"""Bounds on gradients, parameters as vectors, calls with other parameters, wrappers for several devices."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import pytest

import rushlight as torch

nn = torch.nn
U = nn.utils


def gradients(*values: list[float]) -> list[Any]:
    parameters = []
    for value in values:
        parameter = nn.Parameter(torch.zeros(len(value)))
        parameter.grad = torch.tensor(value)
        parameters.append(parameter)
    return parameters


@pytest.mark.parametrize("order", [0.5, 1, 2, 3, math.inf, "inf"])
def test_the_norm_is_that_of_one_vector(order: Any) -> None:
    parameters = gradients([3.0, -4.0], [12.0])
    array = np.abs(np.array([3.0, 4.0, 12.0]))
    p = float(order)
    expected = array.max() if p == math.inf else (array**p).sum() ** (1 / p)
    found = U.clip_grad_norm_(parameters, expected / 2, order)
    np.testing.assert_allclose(found.item(), expected, rtol=1e-6)
    np.testing.assert_allclose(parameters[0].grad.numpy(), [1.5, -2.0], rtol=1e-5)


def test_gradients_below_the_bound_stay() -> None:
    parameters = gradients([3.0, 4.0])
    U.clip_grad_norm_(parameters, 5.1)
    np.testing.assert_array_equal(parameters[0].grad.numpy(), [3.0, 4.0])


def test_an_empty_generator_warns() -> None:
    with pytest.warns(UserWarning, match="is an empty generator"):
        assert U.clip_grad_norm_((p for p in ()), 1.0) == 0
    with pytest.warns(FutureWarning, match="in favor of"):
        U.clip_grad_norm(gradients([3.0]), 1.0)


def test_values_are_clipped() -> None:
    parameters = gradients([3.0, -4.0, 0.5])
    U.clip_grad_value_(parameters, 1)
    np.testing.assert_array_equal(parameters[0].grad.numpy(), [1.0, -1.0, 0.5])


def test_a_vector_and_back() -> None:
    net = nn.Linear(2, 2)
    vector = U.parameters_to_vector(net.parameters())
    assert vector.shape == (6,)
    U.vector_to_parameters(vector.detach() * 2, net.parameters())
    np.testing.assert_allclose(U.parameters_to_vector(net.parameters()).tolist(), (vector * 2).tolist())


def test_skip_init_draws_nothing() -> None:
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    layer = U.skip_init(nn.Linear, 4, 5, dtype=torch.float64)
    assert torch.equal(torch.rand(1), expected)
    assert layer.weight.shape == (5, 4) and layer.weight.dtype is torch.float64 and layer.weight.requires_grad


def test_functional_call_leaves_the_module_alone() -> None:
    layer = nn.Linear(2, 1)
    weight, bias = layer.weight, layer.bias
    w = torch.ones(1, 2, requires_grad=True)
    out = torch.func.functional_call(layer, {"weight": w, "bias": torch.zeros(1)}, torch.tensor([1.0, 2.0]))
    out.sum().backward()
    assert out.item() == 3 and w.grad.tolist() == [[1.0, 2.0]]
    with pytest.raises(RuntimeError):
        torch.func.functional_call(layer, {"weight": torch.ones(3, 3)}, torch.ones(2))
    assert layer.weight is weight and layer.bias is bias and weight.grad is None


def test_functional_call_writes_new_buffers_into_the_dictionary() -> None:
    class Counter(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("count", torch.zeros(()))

        def forward(self) -> Any:
            self.count = self.count + 1
            return self.count

    module, tensors = Counter(), {"count": torch.tensor(5.0)}
    assert torch.func.functional_call(module, tensors) == 6
    assert tensors["count"] == 6 and module.count == 0


class Pair(NamedTuple):
    left: Any
    right: Any


def test_scatter_and_gather_are_inverse() -> None:
    P = nn.parallel
    x = torch.arange(6.0).view(3, 2)
    devices = ["cpu", torch.device("cpu")]
    for value in (x, (x, x + 1), [x, [x]], {"a": x}, Pair(x, x * 2)):
        parts = P.scatter(value, devices)
        assert len(parts) == 2
        joined = P.gather(parts, "cpu")
        assert type(joined) is type(value)
        assert str(joined) == str(value)
    assert [len(part) for part in P.scatter(x, devices)] == [2, 1]
    assert [part.shape for part in P.scatter(x, devices, dim=1)] == [(3, 1), (3, 1)]
    assert len(P.scatter(x[:1], devices)) == 1
    with pytest.warns(UserWarning, match="will instead unsqueeze and return a vector"):
        assert P.gather([torch.tensor(1.0), torch.tensor(2.0)], "cpu").tolist() == [1, 2]
    with pytest.raises(AssertionError, match="not compiled with CUDA"):
        P.scatter(x, [0, 1])


def test_replicas_share_the_gradient() -> None:
    net = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    first, second = nn.parallel.replicate(net, ["cpu", "cpu"])
    assert list(first.parameters()) == [] and len(first[0]._former_parameters) == 2
    assert first[1].running_mean is net[1].running_mean and second[1].running_mean is not net[1].running_mean
    outputs = nn.parallel.parallel_apply([first, second], [torch.eye(2), (torch.eye(2) * 3,)])
    nn.parallel.gather(outputs, "cpu").square().sum().backward()
    assert net[0].weight.grad is not None
    detached = nn.parallel.replicate(net, ["cpu"], detach=True)[0]
    assert not detached[0].weight.requires_grad


def test_data_parallel_computes_what_the_module_computes() -> None:
    net = nn.Linear(2, 3)
    x = torch.arange(10.0).view(5, 2)
    expected = net(x)
    expected.sum().backward()
    gradient = net.weight.grad.clone()
    for devices in (None, ["cpu"], ["cpu"] * 2, ["cpu"] * 4):
        net.zero_grad()
        out = nn.parallel.data_parallel(net, x, devices)
        out.sum().backward()
        assert torch.allclose(out, expected) and torch.allclose(net.weight.grad, gradient)
    assert torch.equal(nn.parallel.data_parallel(net, None, ["cpu"], module_kwargs={"input": x}), expected)
    with pytest.raises(RuntimeError, match="no available devices"):
        nn.parallel.data_parallel(net, x, [])
    with pytest.raises(AssertionError, match="not compiled with CUDA"):
        nn.parallel.data_parallel(net, x, [0])


def test_an_error_in_a_replica_is_raised() -> None:
    layers = [nn.Linear(2, 1), nn.Linear(3, 1)]
    with pytest.raises(RuntimeError, match="cannot be multiplied") as caught:
        nn.parallel.parallel_apply(layers, [torch.ones(2), torch.ones(2)])
    assert "in replica 1 on device cpu" in caught.value.__notes__
    with torch.no_grad():
        outputs = nn.parallel.parallel_apply([layers[0]] * 2, [torch.ones(2)] * 2)
    assert not any(out.requires_grad for out in outputs)


def test_a_communication_hook_gets_the_gradients_bucket_by_bucket() -> None:
    net = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 1).double().float())
    wrapped = nn.parallel.DistributedDataParallel(net, bucket_cap_mb=1e-5)
    seen: list[tuple[int, bool, int]] = []

    def hook(state: dict[str, float], bucket: Any) -> Any:
        seen.append((bucket.index(), bucket.is_last(), sum(p.numel() for p in bucket.parameters())))
        assert torch.equal(bucket.buffer(), torch.cat([g.flatten() for g in bucket.gradients()]))
        return bucket.buffer() * state["factor"]

    wrapped.register_comm_hook({"factor": 10.0}, hook)
    x = torch.ones(3, 2)
    net(x).sum().backward()
    plain = [p.grad.clone() for p in net.parameters()]
    for _ in range(2):
        net.zero_grad()
        seen.clear()
        wrapped(x).sum().backward()
        for p, expected in zip(net.parameters(), plain, strict=True):
            np.testing.assert_allclose(p.grad.numpy(), 10 * expected.numpy(), rtol=1e-6)
        assert [index for index, _, _ in seen] == list(range(len(seen))) and len(seen) > 1
        assert [last for _, last, _ in seen] == [False] * (len(seen) - 1) + [True]
        assert sum(n for _, _, n in seen) == 9
    net.zero_grad()
    with wrapped.no_sync():
        wrapped(x).sum().backward()
    np.testing.assert_allclose(net[1].bias.grad.numpy(), plain[3].numpy())


def test_mixed_precision_computes_in_one_type_and_trains_in_another() -> None:
    from rushlight.nn.parallel.distributed import _MixedPrecision

    net = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    precision = _MixedPrecision(param_dtype=torch.bfloat16, buffer_dtype=torch.bfloat16)
    wrapped = nn.parallel.DistributedDataParallel(net, mixed_precision=precision)
    out = wrapped(torch.randn(3, 2))
    out.float().sum().backward()
    assert out.dtype is torch.bfloat16 and net[1].running_mean.dtype is torch.bfloat16
    assert net[0].weight.dtype is torch.float32 and net[0].weight.grad.dtype is torch.float32
