"""The iterator with worker processes: hands out tasks in turn, puts the batches back in order, ends its workers."""

from __future__ import annotations

import contextlib
import itertools
import multiprocessing
import os
import pickle
import signal
import time
import warnings
import weakref
from multiprocessing.connection import wait
from typing import TYPE_CHECKING, Any

from .errors import CaughtError
from .iterator import BaseIterator
from .transport import Channel
from .worker import GRACE_SECONDS, Resume, StreamEnded, Task, WorkerPlan, worker_main

if TYPE_CHECKING:
    from ..dataloader import DataLoader

__all__ = ["MultiProcessIterator"]

# A worker's death wakes the caller at once; this is only how often it looks without being woken.
STATUS_CHECK_SECONDS = 5.0
TERMINATE_SECONDS = 2.0

_PICKLE_HINT = (
    "Got pickle error when attempting to start a worker Process. This might be because the worker Process arguments "
    "are not picklable. Python 3.14+ changed the multiprocessing start method in non-Mac POSIX platforms to "
    "'forkserver', which requires the worker Process arguments to be picklable. You can also try "
    "multiprocessing.set_start_method('fork')."
)


class _Pool:
    """Worker processes and the channels to them. It holds no reference to the iterator, which ends it when dropped."""

    def __init__(self, context: Any, plans: list[WorkerPlan]) -> None:
        self.channels: list[Channel] = []
        self.processes: list[Any] = []
        self.closed = False
        self._owner = os.getpid()
        try:
            for plan in plans:
                self._start(context, plan)
        except BaseException:
            self.close()
            raise

    def _start(self, context: Any, plan: WorkerPlan) -> None:
        ours, theirs = context.Pipe(duplex=True)
        self.channels.append(Channel(ours))
        with theirs:
            process = context.Process(target=worker_main, args=(theirs, plan), daemon=True)
            try:
                process.start()
            except (TypeError, AttributeError, pickle.PicklingError):
                warnings.warn(_PICKLE_HINT, stacklevel=7)
                raise
            self.processes.append(process)

    def receive(self, workers: list[int], timeout: float) -> list[tuple[int, Any]]:
        """Messages of these workers, one each of those who have one: [] after `timeout`; RuntimeError if one died."""
        owners: dict[Any, int] = {}
        for worker in workers:
            owners[self.channels[worker].connection] = worker
            owners[self.processes[worker].sentinel] = worker
        ready = {owners[item] for item in wait(list(owners), timeout)}
        messages, dead = [], []
        for worker in sorted(ready):
            try:
                # A worker may have died after its last message: that one still counts.
                if self.channels[worker].poll():
                    messages.append((worker, self.channels[worker].receive()))
                else:
                    dead.append(worker)
            except (EOFError, OSError):
                dead.append(worker)
        if dead and not messages:
            self._raise_death(dead)
        return messages

    def _raise_death(self, workers: list[int]) -> None:
        processes = [self.processes[worker] for worker in workers]
        for process in processes:
            process.join(TERMINATE_SECONDS)
        pids = ", ".join(str(process.pid) for process in processes)
        cause = RuntimeError(_death_of(processes[0]))
        self.close()
        raise RuntimeError(f"DataLoader worker (pid(s) {pids}) exited unexpectedly") from cause

    def close(self) -> None:
        """Ends the workers: asks, waits for the batch at hand, terminates. A forked copy of the pool does nothing."""
        if self.closed or os.getpid() != self._owner:
            return
        self.closed = True
        for channel in self.channels:
            channel.shut_down()
        deadline = time.monotonic() + GRACE_SECONDS + 1.0
        for process in self.processes:
            process.join(max(0.0, deadline - time.monotonic()))
        for end in ("terminate", "kill"):
            for process in self.processes:
                if process.is_alive():
                    getattr(process, end)()
                    process.join(TERMINATE_SECONDS)


def _death_of(process: Any) -> str:
    code = process.exitcode
    if code is not None and code < 0:
        text = f"DataLoader worker (pid {process.pid}) is killed by signal: {signal.strsignal(-code)}. "
        if -code == getattr(signal, "SIGBUS", None):
            text += (
                "It is possible that dataloader's workers are out of shared memory. "
                "Please try to raise your shared memory limit."
            )
        return text
    return (
        f"DataLoader worker (pid {process.pid}) exited unexpectedly with exit code {code}. Details are lost due to "
        "multiprocessing. Rerunning with num_workers=0 may give better error trace."
    )


class MultiProcessIterator(BaseIterator):
    """Keeps `prefetch_factor` batches in work at each worker; yields them in the sampler's order, or as they come."""

    def __init__(self, loader: DataLoader[Any]) -> None:
        super().__init__(loader)
        if not loader.prefetch_factor:
            raise AssertionError("prefetch_factor must be greater than 0 for MultiProcessingDataLoaderIter")
        self._max_tasks = loader.prefetch_factor * self._num_workers
        self._in_order = loader.in_order
        self._timeout = loader.timeout
        self._persistent = loader.persistent_workers
        self._epoch = 0
        plans = [
            WorkerPlan(
                worker_id=i,
                num_workers=self._num_workers,
                base_seed=self._base_seed,
                shared_seed=self._shared_seed,
                dataset=loader.dataset,
                batched=loader._auto_collation,
                collate_fn=loader.collate_fn,
                drop_last=loader.drop_last,
                init_fn=loader.worker_init_fn,
                parent_pid=os.getpid(),
            )
            for i in range(self._num_workers)
        ]
        self._pool = _Pool(loader.multiprocessing_context or multiprocessing, plans)
        self._finalizer = weakref.finalize(self, self._pool.close)
        # When the program ends, multiprocessing terminates its daemons without waiting.
        self._finalizer.atexit = False
        self._reset(loader)

    @property
    def _closed(self) -> bool:
        return self._pool.closed

    def _shutdown_workers(self) -> None:
        self._finalizer()

    def _reset(self, loader: DataLoader[Any]) -> None:
        super()._reset(loader)
        self._epoch += 1
        self._sent = 0
        self._wanted = 0
        self._owner: dict[int, int] = {}  # the worker of each task whose batch hasn't been yielded
        self._ready: dict[int, Any] = {}  # batches that came before their turn
        self._load = [0] * self._num_workers
        self._active = [True] * self._num_workers
        self._turns = itertools.cycle(range(self._num_workers))
        if self._epoch > 1:
            for channel in self._pool.channels:
                channel.send(Resume(self._epoch, self._shared_seed))
        for _ in range(self._max_tasks):
            self._send_task()

    def _send_task(self) -> None:
        try:
            keys = next(self._keys)
        except StopIteration:
            return
        worker = self._choose_worker()
        if worker is None:
            return
        with contextlib.suppress(OSError):  # that worker is dead: `receive` says so in full
            self._pool.channels[worker].send(Task(self._epoch, self._sent, keys))
        self._owner[self._sent] = worker
        self._load[worker] += 1
        self._sent += 1

    def _choose_worker(self) -> int | None:
        for worker in itertools.islice(self._turns, self._num_workers):
            if not self._active[worker]:
                continue
            if self._in_order or self._load[worker] < self._max_tasks // sum(self._active):
                return worker
        return None

    def _next_data(self) -> Any:
        if self._closed:
            raise StopIteration
        while True:
            while self._wanted < self._sent and self._wanted not in self._owner:
                self._wanted += 1
            if self._wanted == self._sent:
                if not self._persistent:
                    self._shutdown_workers()
                raise StopIteration
            number = self._wanted if self._in_order else next(iter(self._ready), self._wanted)
            if number in self._ready:
                return self._deliver(number)
            self._collect()

    def _deliver(self, number: int) -> Any:
        data = self._ready.pop(number)
        self._load[self._owner.pop(number)] -= 1
        self._send_task()
        if isinstance(data, CaughtError):
            data.reraise()
        return data

    def _collect(self) -> None:
        """Waits for messages and sorts them in; RuntimeError after the loader's timeout."""
        deadline = time.monotonic() + self._timeout if self._timeout > 0 else None
        busy = sorted({worker for number, worker in self._owner.items() if number not in self._ready})
        fresh = False
        while not fresh:
            wait_for = STATUS_CHECK_SECONDS if deadline is None else deadline - time.monotonic()
            if wait_for <= 0:
                raise RuntimeError(f"DataLoader timed out after {self._timeout} seconds")
            for worker, (epoch, number, data) in self._pool.receive(busy, wait_for):
                if epoch == self._epoch:
                    fresh = True
                    self._sort_in(worker, number, data)

    def _sort_in(self, worker: int, number: int, data: Any) -> None:
        if not isinstance(data, StreamEnded):
            self._ready[number] = data
            return
        # The worker answers no further task of this pass.
        self._active[worker] = False
        for other in [n for n, owner in self._owner.items() if owner == worker and n not in self._ready]:
            del self._owner[other]
        self._send_task()
