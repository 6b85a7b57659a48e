"""A module over the devices of one process."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rushlight.autograd.grad_mode import is_grad_enabled
from rushlight.nn.modules.module import Module
from rushlight.nn.parallel.parallel_apply import parallel_apply
from rushlight.nn.parallel.replicate import replicate
from rushlight.nn.parallel.scatter_gather import Where, check_devices, gather, scatter_kwargs

__all__ = ["DataParallel", "data_parallel"]


class DataParallel(Module):
    """A module whose batches would be spread over GPUs: where there are none, it is the module itself, called as it is.

    The wrapped module is `module`, and the names in the state_dict begin with `module.`. `device_ids` and
    `output_device` name GPUs, of which PyTorch uses none on a machine without them either; `dim` is the dimension
    along which batches would be cut.

    >>> import rushlight as torch
    >>> net = torch.nn.DataParallel(torch.nn.Linear(2, 1))
    >>> list(net.state_dict())
    ['module.weight', 'module.bias']
    >>> net(torch.ones(4, 2)).shape
    torch.Size([4, 1])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.DataParallel.html
    """

    device_ids: list[int]

    def __init__(
        self,
        module: Module,
        device_ids: Sequence[Where] | None = None,
        output_device: Where | None = None,
        dim: int = 0,
    ) -> None:
        super().__init__()
        self.module = module
        self.device_ids = []
        self.dim = dim

    def forward(self, *inputs: Any, **kwargs: Any) -> Any:
        return self.module(*inputs, **kwargs)

    def replicate(self, module: Module, device_ids: Sequence[Where]) -> list[Any]:
        """A copy of a module for each device; see `replicate`."""
        return replicate(module, device_ids, not is_grad_enabled())

    def scatter(self, inputs: tuple[Any, ...], kwargs: dict[str, Any] | None, device_ids: Sequence[Where]) -> Any:
        """The arguments in one part for each device; see `scatter`."""
        return scatter_kwargs(inputs, kwargs, device_ids, dim=self.dim)

    def parallel_apply(self, replicas: Sequence[Any], inputs: Sequence[Any], kwargs: Any) -> list[Any]:
        """The copies called with their parts; see `parallel_apply`."""
        return parallel_apply(replicas, inputs, kwargs)

    def gather(self, outputs: Any, output_device: Where) -> Any:
        """The outputs as one; see `gather`."""
        return gather(outputs, output_device, dim=self.dim)


def data_parallel(
    module: Module,
    inputs: Any,
    device_ids: Sequence[Where] | None = None,
    output_device: Where | None = None,
    dim: int = 0,
    module_kwargs: Any = None,
) -> Any:
    """`module(*inputs, **module_kwargs)`, the batch cut along `dim` and computed in a thread for each device.

    The devices are all "cpu", and one unless more are given. PyTorch has this function for GPUs only, and raises
    RuntimeError where there are none.

    >>> import rushlight as torch
    >>> torch.nn.parallel.data_parallel(torch.nn.ReLU(), torch.tensor([-1.0, 1.0]), ["cpu", "cpu"])
    tensor([0., 1.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.parallel.data_parallel.html
    """
    devices: list[Any] = ["cpu"] if device_ids is None else list(device_ids)
    if not devices:
        raise RuntimeError("no available devices were found")
    check_devices(devices)
    arguments = inputs if isinstance(inputs, tuple) else () if inputs is None else (inputs,)
    positional, named = scatter_kwargs(arguments, module_kwargs, devices, dim)
    if not positional:
        positional, named = ((),), ({},)
    if len(devices) == 1:
        return module(*positional[0], **named[0])
    replicas = replicate(module, devices[: len(positional)])
    outputs = parallel_apply(replicas, positional, named)
    return gather(outputs, devices[0] if output_device is None else output_device, dim)
