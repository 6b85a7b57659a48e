"""Copies of a module for several devices."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

from rushlight.nn.modules.module import Module
from rushlight.nn.parallel.scatter_gather import Where, check_devices
from rushlight.tensor import Tensor

__all__ = ["replicate"]


def replicate(network: Module, devices: Sequence[Where], detach: bool = False) -> list[Any]:
    """A copy of a module for each device, whose gradients go to the module's own parameters unless `detach`.

    The first copy shares the module's memory, so that what it does to buffers stays; the others have their own. The
    parameters of a copy are plain tensors, no leaves. The devices are all "cpu" (PyTorch replicates to GPUs only).

    >>> import rushlight as torch
    >>> layer = torch.nn.Linear(2, 1)
    >>> first, second = torch.nn.parallel.replicate(layer, ["cpu", "cpu"])
    >>> (first(torch.ones(2)) + second(torch.ones(2))).backward()
    >>> layer.weight.grad
    tensor([[2., 2.]])

    Source: https://docs.pytorch.org/docs/2.13/nn.html#dataparallel-functions-multi-gpu-distributed
    """
    if any(True for _ in network.parameters()):
        check_devices(devices)
    return [_replica(network, shares=position == 0, detach=detach) for position in range(len(devices))]


def _replica(network: Module, shares: bool, detach: bool) -> Any:
    copies: dict[int, Tensor] = {}

    def copied(tensor: Tensor, is_parameter: bool) -> Tensor:
        if id(tensor) not in copies:
            source = tensor.detach() if detach else tensor
            if not shares:
                source = source.clone()
            elif is_parameter and not detach:
                source = source.view_as(source)
            copies[id(tensor)] = source
        return copies[id(tensor)]

    modules = list(network.modules())
    replicas: dict[int, Any] = {id(module): module._replicate_for_data_parallel() for module in modules}
    for module in modules:
        replica = replicas[id(module)]
        replica._former_parameters = OrderedDict()
        for name, child in module._modules.items():
            replica._modules[name] = None if child is None else replicas[id(child)]
        for name, parameter in module._parameters.items():
            if parameter is None:
                replica._parameters[name] = None
            else:
                setattr(replica, name, copied(parameter, True))
                replica._former_parameters[name] = copied(parameter, True)
        for name, buffer in module._buffers.items():
            replica._buffers[name] = None if buffer is None else copied(buffer, False)
    return replicas[id(network)]
