"""A module trained by several processes, as one of them sees it; there is one."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

from rushlight.autograd.grad_mode import is_grad_enabled
from rushlight.dtypes import dtype as Dtype
from rushlight.nn.modules.batchnorm import SyncBatchNorm
from rushlight.nn.modules.module import Module
from rushlight.nn.parallel._buckets import Reducer
from rushlight.nn.parallel.scatter_gather import Where, gather, scatter_kwargs
from rushlight.nn.parameter import Parameter, is_lazy
from rushlight.tensor import Tensor

__all__ = ["DistributedDataParallel"]

_MEGABYTE = 1024 * 1024
_CHECK_REDUCTION = (
    "The `check_reduction` argument in `DistributedDataParallel` module is deprecated. Please avoid using it."
)


@dataclass
class _MixedPrecision:
    """The types in which the module computes, its gradients travel and its buffers are kept."""

    param_dtype: Dtype | None = None
    reduce_dtype: Dtype | None = None
    buffer_dtype: Dtype | None = None


class _JoinHook:
    """What a process does in a `join` context after its own last batch, for the others' sake."""

    def main_hook(self) -> None:
        """After each batch of the others."""

    def post_hook(self, is_last_joiner: bool) -> None:
        """After the last batch of all."""


class DistributedDataParallel(Module):
    """A module whose gradients are averaged over a group of processes: here a group of one, so it is the module itself.

    PyTorch wants the process group made first, by `torch.distributed`; here there is none, and nothing needs to be
    made. The wrapped module is `module`, and the names in the state_dict begin with `module.`, so that checkpoints go
    back and forth. What is given for several processes (`process_group`, `init_sync`, `forward_sync_buffers`, …) is
    kept and makes no difference to one. `register_comm_hook` works: the hook gets the gradients in buckets of
    `bucket_cap_mb`.

    RuntimeError for a module without a parameter that requires a gradient, or with a lazy one; ValueError for devices,
    which are those of GPUs, and for SyncBatchNorm, which is for GPUs too.

    >>> import rushlight as torch
    >>> net = torch.nn.parallel.DistributedDataParallel(torch.nn.Linear(2, 1))
    >>> list(net.state_dict())
    ['module.weight', 'module.bias']
    >>> with net.no_sync():
    ...     net(torch.ones(4, 2)).sum().backward()
    >>> net.module.bias.grad
    tensor([4.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.parallel.DistributedDataParallel.html
    """

    def __init__(
        self,
        module: Module,
        device_ids: Sequence[Where] | None = None,
        output_device: Where | None = None,
        dim: int = 0,
        broadcast_buffers: bool | None = None,
        init_sync: bool = True,
        process_group: Any = None,
        bucket_cap_mb: float | None = None,
        find_unused_parameters: bool = False,
        check_reduction: bool = False,
        gradient_as_bucket_view: bool = False,
        static_graph: bool = False,
        delay_all_reduce_named_params: Iterable[tuple[str, Parameter]] | None = None,
        param_to_hook_all_reduce: Parameter | None = None,
        mixed_precision: _MixedPrecision | None = None,
        device_mesh: Any = None,
        skip_all_reduce_unused_params: bool = False,
        bucket_cap_mb_list: list[int] | None = None,
        batched_grad_copy: bool = False,
        forward_sync_buffers: bool | None = None,
    ) -> None:
        super().__init__()
        if (delay_all_reduce_named_params is None) != (param_to_hook_all_reduce is None):
            raise ValueError(
                "delay_all_reduce_named_params and param_to_hook_all_reduce need to be set at the same time."
            )
        if process_group and device_mesh is not None:
            raise RuntimeError("Cannot specify both process_group and device_mesh arguments.")
        self.process_group = process_group
        self.device_mesh = device_mesh
        self.parameters_to_ignore = set(getattr(module, "_ddp_params_and_buffers_to_ignore", ()))
        self.parameters_to_ignore.update(name for name, _ in delay_all_reduce_named_params or ())
        self._check(module, device_ids, output_device, delayed=delay_all_reduce_named_params is not None)
        self.device_ids = self.output_device = None
        self.device_type = "cpu"
        self.device = next(module.parameters()).device
        self.is_multi_device_module = False
        self.dim = dim
        self.module = module
        self.forward_sync_buffers = _buffers_are_synchronized(broadcast_buffers, forward_sync_buffers)
        self.find_unused_parameters = find_unused_parameters
        self.require_backward_grad_sync = True
        self.require_forward_param_sync = True
        self.gradient_as_bucket_view = gradient_as_bucket_view
        self.batched_grad_copy = batched_grad_copy
        self.skip_all_reduce_unused_params = skip_all_reduce_unused_params
        self.static_graph = False
        self.mixed_precision = mixed_precision
        if check_reduction:
            warnings.warn(_CHECK_REDUCTION, FutureWarning, stacklevel=2)
        self.reducer: Reducer | None = None
        self._limit_buckets(bucket_cap_mb, bucket_cap_mb_list)
        self._assign_modules_buffers()
        if static_graph:
            self._set_static_graph()

    def _check(self, module: Module, device_ids: Any, output_device: Any, delayed: bool) -> None:
        parameters = [p for name, p in module.named_parameters() if name not in self.parameters_to_ignore]
        if not delayed and not any(p.requires_grad for p in parameters):
            raise RuntimeError(
                "DistributedDataParallel is not needed when a module doesn't have any parameter that requires a "
                "gradient."
            )
        if device_ids is not None and len(device_ids) > 1:
            raise ValueError("device_ids can only be None or contain a single element.")
        if device_ids or output_device:
            raise ValueError(
                "DistributedDataParallel device_ids and output_device arguments only work with "
                f"single-device/multiple-device GPU modules or CPU modules, but got device_ids {device_ids}, "
                f"output_device {output_device}, and module parameters { ({p.device for p in parameters}) }."
            )
        if any(map(is_lazy, parameters)):
            raise RuntimeError(
                "Modules with uninitialized parameters can't be used with `DistributedDataParallel`. Run a dummy "
                "forward pass to correctly initialize the modules"
            )
        if any(isinstance(layer, SyncBatchNorm) for layer in module.modules()):
            raise ValueError("SyncBatchNorm layers only work with GPU modules")

    def _limit_buckets(self, bucket_cap_mb: float | None, bucket_cap_mb_list: list[int] | None) -> None:
        self.bucket_bytes_cap_default = bucket_cap_mb is None
        self.bucket_bytes_cap = int((25 if bucket_cap_mb is None else bucket_cap_mb) * _MEGABYTE)
        self.bucket_bytes_cap_list = [int(size * _MEGABYTE) for size in bucket_cap_mb_list or ()]

    def _assign_modules_buffers(self) -> None:
        self.named_module_buffers = {
            name: buffer for name, buffer in self.module.named_buffers() if name not in self.parameters_to_ignore
        }
        self.modules_buffers = list(self.named_module_buffers.values())
        precision = self.mixed_precision
        if precision is not None and precision.buffer_dtype is not None:
            for buffer in self.modules_buffers:
                if buffer.is_floating_point():
                    buffer.data = buffer.to(precision.buffer_dtype)

    @property
    def broadcast_buffers(self) -> bool:
        """Whether buffers are made equal before each forward, among several processes; `forward_sync_buffers` now."""
        return self.forward_sync_buffers

    @broadcast_buffers.setter
    def broadcast_buffers(self, value: bool) -> None:
        self.forward_sync_buffers = value

    def forward(self, *inputs: Any, **kwargs: Any) -> Any:
        if self.reducer is not None:
            self.reducer.expect(is_grad_enabled() and self.require_backward_grad_sync)
        precision = self.mixed_precision
        if precision is None or precision.param_dtype is None:
            return self.module(*inputs, **kwargs)
        return self._forward_in(precision.param_dtype, inputs, kwargs)

    def _forward_in(self, dtype: Dtype, inputs: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The module's forward with parameters and inputs of another type; gradients arrive in the parameters' own."""
        # Here, for that file imports this package.
        from rushlight.nn.utils.stateless import call_with

        tensors = {name: _cast(p, dtype) for name, p in self.module.named_parameters()}
        return call_with(self.module, tensors, _cast(inputs, dtype), _cast(kwargs, dtype))

    def train(self, mode: bool = True) -> DistributedDataParallel:
        """Set `training` in the whole tree; see `Module.train`."""
        super().train(mode)
        return self

    @contextmanager
    def no_sync(self) -> Iterator[None]:
        """A context whose forward and backward passes leave the gradients to this process: no communication hook runs.

        >>> import rushlight as torch
        >>> net = torch.nn.parallel.DistributedDataParallel(torch.nn.Linear(2, 1))
        >>> with net.no_sync():
        ...     net(torch.ones(2)).backward()
        """
        before = self.require_backward_grad_sync
        self.require_backward_grad_sync = False
        try:
            yield
        finally:
            self.require_backward_grad_sync = before

    def join(
        self,
        divide_by_initial_world_size: bool = True,
        enable: bool = True,
        throw_on_early_termination: bool = False,
    ) -> AbstractContextManager[None]:
        """A context in which processes may have different numbers of batches: one process has nobody to wait for."""
        return nullcontext()

    def join_hook(self, **kwargs: Any) -> _JoinHook:
        """What this process would do while others still have batches: nothing."""
        return _JoinHook()

    @property
    def join_device(self) -> Any:
        """The device of the module."""
        return self.device

    @property
    def join_process_group(self) -> Any:
        """The group of processes that was given."""
        return self.process_group

    def register_comm_hook(self, state: object, hook: Callable[..., Any]) -> None:
        """Let `hook(state, bucket)` say what becomes of the gradients, bucket by bucket, in each backward pass.

        `bucket.buffer()` is the vector of its gradients, `gradients()`, `parameters()`, `index()` and `is_last()` say
        whose they are. The hook returns a vector of that length, or an object whose `wait()` gives one, such as a
        future. It runs where all gradients of its bucket are there. TypeError for what can't be called, RuntimeError
        for a second hook.

        >>> import rushlight as torch
        >>> net = torch.nn.parallel.DistributedDataParallel(torch.nn.Linear(2, 1))
        >>> net.register_comm_hook(None, lambda state, bucket: bucket.buffer() * 10)
        >>> net(torch.ones(2)).backward()
        >>> net.module.bias.grad
        tensor([10.])

        Source: https://docs.pytorch.org/docs/2.13/ddp_comm_hooks.html
        """
        if not callable(hook):
            raise TypeError("Communication hook must be callable.")
        # PyTorch finds the argument by its name.
        inspect.signature(hook).parameters["bucket"]
        if self.reducer is not None:
            raise RuntimeError("register_comm_hook or register_builtin_comm_hook can only be called once.")
        parameters = [
            p for name, p in self.module.named_parameters() if p.requires_grad and name not in self.parameters_to_ignore
        ]
        first = _MEGABYTE if self.bucket_bytes_cap_default else self.bucket_bytes_cap
        limits = self.bucket_bytes_cap_list or [first, self.bucket_bytes_cap]
        self.reducer = Reducer(parameters, limits, state, hook)

    def to_kwargs(self, inputs: Any, kwargs: Any, device_id: int | None) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
        """The arguments on the one device there is, as `scatter` gives them."""
        return (inputs,), (kwargs,)

    def scatter(self, inputs: tuple[Any, ...], kwargs: dict[str, Any] | None, device_ids: Sequence[Where]) -> Any:
        """The arguments in one part for each device; see `scatter`."""
        return scatter_kwargs(inputs, kwargs, device_ids, dim=self.dim)

    def gather(self, outputs: Any, output_device: Where) -> Any:
        """The outputs as one; see `gather`."""
        return gather(outputs, output_device, dim=self.dim)

    def will_sync_module_buffers(self) -> bool:
        """Whether there are buffers that several processes would make equal before the next forward."""
        return self.require_forward_param_sync and self.forward_sync_buffers and bool(self.modules_buffers)

    def _set_static_graph(self) -> None:
        if self.static_graph:
            warnings.warn("You've set static_graph to be True, no need to set it again.", stacklevel=2)
            return
        self.static_graph = True
        if self.find_unused_parameters:
            warnings.warn(
                "You passed find_unused_parameters=true to DistributedDataParallel, `_set_static_graph` will detect "
                "unused parameters automatically, so you do not need to set find_unused_parameters=true, just be sure "
                "these unused parameters will not change during training loop while calling `_set_static_graph`.",
                stacklevel=2,
            )

    @staticmethod
    def _set_params_and_buffers_to_ignore_for_model(module: Module, params_and_buffers_to_ignore: Any) -> None:
        marked: Any = module
        marked._ddp_params_and_buffers_to_ignore = params_and_buffers_to_ignore
        for name, tensor in (*module.named_parameters(), *module.named_buffers()):
            if name in params_and_buffers_to_ignore:
                held: Any = tensor
                held._ddp_ignored = True

    @staticmethod
    def _get_data_parallel_params(module: Module, named_params: bool = False) -> Iterator[Any]:
        for member in module.named_parameters() if named_params else module.parameters():
            if not hasattr(member, "_ddp_ignored"):
                yield member

    def __getstate__(self) -> dict[str, Any]:
        # A hook belongs to this process, and to these very parameters.
        return {**super().__getstate__(), "process_group": None, "reducer": None}


class DistributedDataParallelCPU(DistributedDataParallel):
    """The old name of `DistributedDataParallel` for modules on CPUs; FutureWarning."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        warnings.warn(
            "`torch.nn.parallel.DistributedDataParallelCPU` is deprecated, please use "
            "`torch.nn.parallel.DistributedDataParallel` instead.",
            FutureWarning,
            stacklevel=2,
        )
        super().__init__(*args, **kwargs)


def _buffers_are_synchronized(broadcast_buffers: bool | None, forward_sync_buffers: bool | None) -> bool:
    """What the old argument and the new one say together; FutureWarning for the old one."""
    if broadcast_buffers is None:
        return True if forward_sync_buffers is None else forward_sync_buffers
    if forward_sync_buffers is not None:
        warnings.warn(
            "Both `broadcast_buffers` and `forward_sync_buffers` were specified. `broadcast_buffers` is deprecated and "
            "its value is ignored when `forward_sync_buffers` is provided.",
            FutureWarning,
            stacklevel=3,
        )
        return forward_sync_buffers
    warnings.warn(
        "`broadcast_buffers` is deprecated. Use `forward_sync_buffers` instead. IMPORTANT: unlike "
        "`broadcast_buffers=False`, `forward_sync_buffers=False` still syncs buffers at init. If you rely on buffers "
        "NOT being synced at init (e.g. rank-local buffers), keep using `broadcast_buffers=False` until "
        "`init_sync_buffers` is available.",
        FutureWarning,
        stacklevel=3,
    )
    return broadcast_buffers


def _find_tensors(obj: Any) -> Iterator[Tensor]:
    """Every tensor in nested lists, tuples, dictionaries and dataclasses."""
    if isinstance(obj, Tensor):
        yield obj
        return
    if isinstance(obj, dict):
        obj = obj.values()
    elif is_dataclass(obj):
        obj = [getattr(obj, field.name) for field in fields(obj)]
    elif not isinstance(obj, list | tuple):
        return
    for item in obj:
        yield from _find_tensors(item)


def _cast(value: Any, dtype: Dtype) -> Any:
    """Floating-point tensors, in tuples, lists and dictionaries too, in another type."""
    if isinstance(value, Tensor):
        return value.to(dtype) if value.is_floating_point() else value
    if isinstance(value, dict):
        return {key: _cast(member, dtype) for key, member in value.items()}
    if type(value) in (tuple, list):
        return type(value)(_cast(member, dtype) for member in value)
    return value
