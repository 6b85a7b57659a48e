"""A batch cut into parts for several devices, and the parts of a result joined."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

from rushlight.device import check_device
from rushlight.device import device as Device
from rushlight.ops.joining import cat
from rushlight.tensor import Tensor

__all__ = ["gather", "scatter", "scatter_kwargs"]

Where = int | str | Device


def _is_namedtuple(obj: Any) -> bool:
    """Whether something is a tuple with names for its fields."""
    return isinstance(obj, tuple) and hasattr(obj, "_asdict") and hasattr(obj, "_fields")


def check_devices(devices: Sequence[Where | None]) -> None:
    """AssertionError or RuntimeError for any device but the CPU, which None and -1 stand for too."""
    for where in devices:
        if where != -1:
            check_device(where)


def scatter(inputs: Any, target_gpus: Sequence[Where], dim: int = 0) -> Any:
    """One part of the inputs for each device: tensors are cut along `dim`, anything else is repeated.

    Within tuples, lists and dictionaries too. A tensor that has fewer slices than there are devices gives fewer parts.
    The devices are all "cpu" (PyTorch scatters to GPUs only); AssertionError for CUDA's.

    >>> import rushlight as torch
    >>> torch.nn.parallel.scatter((torch.arange(4), "mean"), ["cpu", "cpu"])
    [(tensor([0, 1]), 'mean'), (tensor([2, 3]), 'mean')]

    Source: https://docs.pytorch.org/docs/2.13/nn.html#dataparallel-functions-multi-gpu-distributed
    """
    if isinstance(inputs, Tensor):
        check_devices(target_gpus)
        return inputs.chunk(len(target_gpus), dim)
    if isinstance(inputs, dict) and inputs:
        pairs = [scatter(item, target_gpus, dim) for item in inputs.items()]
        return [type(inputs)(part) for part in zip(*pairs, strict=False)]
    if isinstance(inputs, tuple | list) and (inputs or hasattr(inputs, "_fields")):
        parts = zip(*[scatter(one, target_gpus, dim) for one in inputs], strict=False)
        if hasattr(inputs, "_fields"):
            return [type(inputs)(*part) for part in parts]
        return [part if isinstance(inputs, tuple) else list(part) for part in parts]
    return [inputs for _ in target_gpus]


def scatter_kwargs(
    inputs: tuple[Any, ...], kwargs: dict[str, Any] | None, target_gpus: Sequence[Where], dim: int = 0
) -> tuple[tuple[Any, ...], tuple[dict[str, Any], ...]]:
    """`scatter` of positional and named arguments: as many parts of the ones as of the others.

    >>> import rushlight as torch
    >>> torch.nn.parallel.scatter_gather.scatter_kwargs((1,), {"scale": 2}, ["cpu"])
    (((1,),), ({'scale': 2},))
    """
    positional = list(scatter(inputs, target_gpus, dim)) if inputs else []
    named = list(scatter(kwargs, target_gpus, dim)) if kwargs else []
    count = max(len(positional), len(named))
    positional += [()] * (count - len(positional))
    named += [{} for _ in range(count - len(named))]
    return tuple(positional), tuple(named)


def gather(outputs: Any, target_device: Where, dim: int = 0) -> Any:
    """The outputs of several devices as one: tensors are joined along `dim`, numbers as tensors become a vector.

    Outputs may be dictionaries, tuples, lists and named tuples of tensors, and None. The device is "cpu" (PyTorch
    gathers from GPUs only). ValueError for dictionaries of different lengths.

    >>> import rushlight as torch
    >>> torch.nn.parallel.gather([torch.ones(1), torch.zeros(2)], "cpu")
    tensor([1., 0., 0.])

    Source: https://docs.pytorch.org/docs/2.13/nn.html#dataparallel-functions-multi-gpu-distributed
    """
    first = outputs[0]
    if isinstance(first, Tensor):
        check_devices([target_device])
        if all(t.ndim == 0 for t in outputs) and dim == 0:
            warnings.warn(
                "Was asked to gather along dimension 0, but all input tensors were scalars; will instead unsqueeze and "
                "return a vector.",
                stacklevel=2,
            )
            outputs = [t.view(1) for t in outputs]
        return cat(list(outputs), dim)
    if first is None:
        return None
    if isinstance(first, dict):
        if any(len(one) != len(first) for one in outputs):
            raise ValueError("All dicts must have the same number of keys")
        return type(first)((key, gather([one[key] for one in outputs], target_device, dim)) for key in first)
    joined = [gather(part, target_device, dim) for part in zip(*outputs, strict=True)]
    return type(first)(*joined) if hasattr(first, "_fields") else type(first)(joined)
