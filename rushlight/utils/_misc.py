"""Small helpers of `torch.utils`."""

from __future__ import annotations

import os
import random
import threading
import time
import traceback
import weakref
from dataclasses import dataclass
from typing import Any

__all__ = [
    "ThroughputBenchmark", "cmake_prefix_path", "generate_methods_for_privateuse1_backend", "get_cpp_backtrace",
    "rename_privateuse1_backend", "set_module", "swap_tensors",
]  # fmt: skip

# Where PyTorch keeps files for CMake; nothing here is built against.
cmake_prefix_path = os.path.join(os.path.dirname(os.path.dirname(__file__)), "share", "cmake")


def set_module(obj: Any, mod: str) -> None:
    """Give an object another `__module__`, which its printed form shows; TypeError for what is no text."""
    if not isinstance(mod, str):
        raise TypeError("The mod argument should be a string")
    obj.__module__ = mod


def swap_tensors(t1: Any, t2: Any) -> None:
    """Exchange two tensors: each then has the other's elements, type, history, attributes and class.

    RuntimeError where one is weakly referenced.

    >>> import rushlight as torch
    >>> a, b = torch.ones(2), torch.zeros(3)
    >>> torch.utils.swap_tensors(a, b)
    >>> a, b
    (tensor([0., 0., 0.]), tensor([1., 1.]))

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.utils.swap_tensors.html
    """
    for name, tensor in (("t1", t1), ("t2", t2)):
        if weakref.getweakrefs(tensor):
            raise RuntimeError(f"Cannot swap {name} because it has weakref associated with it")
    t1.__class__, t2.__class__ = t2.__class__, t1.__class__
    t1.__dict__, t2.__dict__ = t2.__dict__, t1.__dict__


def get_cpp_backtrace(frames_to_skip: int = 0, maximum_number_of_frames: int = 64) -> str:
    """Where the program is, of Python's frames: a library in Python has few others."""
    frames = traceback.extract_stack()[: -1 - frames_to_skip][::-1][:maximum_number_of_frames]
    return "".join(f"frame #{i}: {f.name} ({f.filename}:{f.lineno})\n" for i, f in enumerate(frames))


def rename_privateuse1_backend(backend_name: str) -> None:
    """Raises RuntimeError: there is no way to add a device here."""
    raise RuntimeError(f"Rushlight has no devices of one's own to name {backend_name!r}: it computes on the CPU")


def generate_methods_for_privateuse1_backend(
    for_tensor: bool = True,
    for_module: bool = True,
    for_packed_sequence: bool = True,
    for_storage: bool = False,
    unsupported_dtype: list[Any] | None = None,
) -> None:
    """Raises RuntimeError: there is no way to add a device here."""
    raise RuntimeError("Rushlight has no devices of one's own to make methods for: it computes on the CPU")


@dataclass
class ExecutionStats:
    """What `ThroughputBenchmark.benchmark` measured."""

    latency_avg_ms: float
    num_iters: int
    num_calling_threads: int

    @property
    def total_time_seconds(self) -> float:
        """How long all calls took."""
        return self.num_iters * (self.latency_avg_ms / 1000.0) / self.num_calling_threads

    @property
    def iters_per_second(self) -> float:
        """How many calls there were in a second."""
        return self.num_iters / self.total_time_seconds

    def __str__(self) -> str:
        return (
            f"Average latency per example: {self.latency_avg_ms:.3f}ms\nTotal number of iterations: {self.num_iters}\n"
            f"Total number of iterations per second (across all threads): {self.iters_per_second:.2f}\n"
            f"Total time: {self.total_time_seconds:.3f}s"
        )


class ThroughputBenchmark:
    """How fast a module answers when several threads call it with inputs drawn from those that were added.

    >>> import rushlight as torch
    >>> bench = torch.utils.ThroughputBenchmark(torch.nn.Linear(2, 1))
    >>> bench.add_input(torch.ones(1, 2))
    >>> bench.benchmark(num_warmup_iters=1, num_iters=3).num_iters
    3

    Source: https://docs.pytorch.org/docs/2.13/utils.html
    """

    def __init__(self, module: Any) -> None:
        self._module = module
        self._inputs: list[tuple[tuple[Any, ...], dict[str, Any]]] = []

    def add_input(self, *args: Any, **kwargs: Any) -> None:
        """Add the arguments of a call."""
        self._inputs.append((args, kwargs))

    def run_once(self, *args: Any, **kwargs: Any) -> Any:
        """The module's result for these arguments."""
        return self._module(*args, **kwargs)

    def benchmark(
        self,
        num_calling_threads: int = 1,
        num_warmup_iters: int = 10,
        num_iters: int = 100,
        profiler_output_path: str = "",
    ) -> ExecutionStats:
        """Call the module `num_iters` times from several threads, each after `num_warmup_iters` calls of its own.

        With `profiler_output_path`, a Chrome trace of the calls is written there. RuntimeError without inputs.
        """
        if not self._inputs:
            raise RuntimeError("Please provide benchmark inputs.Did you forget to call add_input()?")
        if profiler_output_path:
            from rushlight.profiler import profile

            with profile() as recorded:
                stats = self._measured(num_calling_threads, num_warmup_iters, num_iters)
            recorded.export_chrome_trace(profiler_output_path)
            return stats
        return self._measured(num_calling_threads, num_warmup_iters, num_iters)

    def _measured(self, threads: int, warmup: int, iters: int) -> ExecutionStats:
        draws = random.Random(0)
        start = threading.Barrier(threads + 1)
        shares = [iters // threads + (i < iters % threads) for i in range(threads)]

        def call(choices: list[tuple[tuple[Any, ...], dict[str, Any]]]) -> None:
            for args, kwargs in choices[:warmup]:
                self._module(*args, **kwargs)
            start.wait()
            for args, kwargs in choices[warmup:]:
                self._module(*args, **kwargs)

        workers = [threading.Thread(target=call, args=(draws.choices(self._inputs, k=warmup + n),)) for n in shares]
        for worker in workers:
            worker.start()
        start.wait()
        begin = time.perf_counter()
        for worker in workers:
            worker.join()
        return ExecutionStats((time.perf_counter() - begin) * 1000 * threads / iters, iters, threads)
