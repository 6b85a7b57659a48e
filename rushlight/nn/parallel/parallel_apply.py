"""Several modules called at once."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

from rushlight.autograd.grad_mode import is_grad_enabled, set_grad_enabled
from rushlight.nn.modules.module import Module
from rushlight.nn.parallel.scatter_gather import Where, check_devices
from rushlight.tensor import Tensor

__all__ = ["get_a_var", "parallel_apply"]


def get_a_var(obj: Any) -> Tensor | None:
    """The first tensor in nested lists, tuples and dictionaries; None where there is none."""
    if isinstance(obj, Tensor):
        return obj
    members = obj.items() if isinstance(obj, dict) else obj if isinstance(obj, list | tuple) else ()
    return next((found for found in map(get_a_var, members) if found is not None), None)


def parallel_apply(
    modules: Sequence[Module],
    inputs: Sequence[Any],
    kwargs_tup: Sequence[dict[str, Any]] | None = None,
    devices: Sequence[Where | None] | None = None,
) -> list[Any]:
    """`module(*input, **kwargs)` of each module with its own arguments, each in a thread of its own.

    An input that is neither a tuple nor a list is the one argument. The first exception of a module, in their order,
    is raised here. AssertionError where the numbers of modules and arguments differ.

    >>> import rushlight as torch
    >>> layers = [torch.nn.ReLU(), torch.nn.Tanh()]
    >>> torch.nn.parallel.parallel_apply(layers, [torch.zeros(1), torch.zeros(1)])
    [tensor([0.]), tensor([0.])]

    Source: https://docs.pytorch.org/docs/2.13/nn.html#dataparallel-functions-multi-gpu-distributed
    """
    named = [{} for _ in modules] if kwargs_tup is None else kwargs_tup
    for name, listed in (("inputs", inputs), ("kwargs_tup", named), ("devices", devices)):
        if listed is not None and len(listed) != len(modules):
            raise AssertionError(
                f"The number of modules {len(modules)} is not equal to the number of {name} {len(listed)}"
            )
    check_devices(devices or ())
    results: list[Any] = [None] * len(modules)
    errors: list[Exception | None] = [None] * len(modules)
    recording = is_grad_enabled()

    def work(i: int) -> None:
        arguments = inputs[i] if isinstance(inputs[i], list | tuple) else (inputs[i],)
        try:
            with set_grad_enabled(recording):
                results[i] = modules[i](*arguments, **named[i])
        except Exception as error:
            error.add_note(f"in replica {i} on device cpu")
            errors[i] = error

    if len(modules) == 1:
        work(0)
    else:
        threads = [threading.Thread(target=work, args=(i,)) for i in range(len(modules))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    for error in errors:
        if error is not None:
            raise error
    return results
