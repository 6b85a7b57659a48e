"""What a worker process does: take tasks, fetch batches, send them back, and never outlive the caller."""

from __future__ import annotations

import multiprocessing
import os
import queue
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any

import numpy as np

from rushlight.random import manual_seed
from rushlight.threads import set_num_threads

from ..datapipes.datapipe import IterDataPipe, MapDataPipe
from ..datapipes.iter.sharding import SHARDING_PRIORITIES
from ..graph_settings import apply_sharding
from .errors import CaughtError
from .fetch import IterableFetcher, MapFetcher, make_fetcher
from .info import WorkerInfo, get_worker_info, set_worker_info
from .iterator import seed_pipes
from .transport import Channel

__all__ = ["Resume", "StreamEnded", "Task", "WorkerInfo", "WorkerPlan", "get_worker_info", "worker_main"]

PARENT_CHECK_SECONDS = 1.0
# How long a worker that was told to stop may finish its batch; the caller waits a little longer, then terminates it.
GRACE_SECONDS = 4.0


@dataclass(frozen=True, slots=True)
class Task:
    """A batch to fetch: its number, its keys, and the pass over the data (`epoch`) that wants it."""

    epoch: int
    number: int
    keys: Any


@dataclass(frozen=True, slots=True)
class Resume:
    """A new pass over the data begins: earlier tasks are void."""

    epoch: int
    shared_seed: int | None = None


@dataclass(frozen=True, slots=True)
class StreamEnded:
    """In place of a batch: this worker's iterable dataset has no more."""

    worker_id: int


@dataclass(frozen=True, slots=True)
class WorkerPlan:
    """All that a worker needs to know; it travels whole to the new process."""

    worker_id: int
    num_workers: int
    base_seed: int
    shared_seed: int | None
    dataset: Any
    batched: bool
    collate_fn: Callable[[Any], Any]
    drop_last: bool
    init_fn: Callable[[int], None] | None
    parent_pid: int

    @property
    def seed(self) -> int:
        return self.base_seed + self.worker_id

    def where(self) -> str:
        return f"in DataLoader worker process {self.worker_id}"

    def fetcher(self) -> MapFetcher | IterableFetcher:
        return make_fetcher(self.dataset, self.batched, self.collate_fn, self.drop_last)


class _Inbox:
    """Receives tasks in a thread, so that the caller never blocks on sending, and watches whether the caller lives."""

    def __init__(self, channel: Channel, parent_pid: int) -> None:
        self.tasks: queue.SimpleQueue[Task | Resume | None] = queue.SimpleQueue()
        self.epoch = 1
        self.closed = threading.Event()
        self._channel = channel
        # With "forkserver" the operating system's parent is the server: then only the sentinel tells.
        self._parent_pid = parent_pid if os.getppid() == parent_pid else None
        parent = multiprocessing.parent_process()
        self._watched: list[Any] = [channel.connection] if parent is None else [channel.connection, parent.sentinel]
        threading.Thread(target=self._run, name="rushlight-data-inbox", daemon=True).start()

    def _parent_is_gone(self) -> bool:
        return self._parent_pid is not None and os.getppid() != self._parent_pid

    def _run(self) -> None:
        try:
            while self._step():
                pass
        except (EOFError, OSError):
            pass  # the caller closed the channel, or is gone
        except BaseException as error:
            # A message that can't be read (a key that fails to unpickle) must not leave the caller waiting.
            self._fail(error)
        self.closed.set()
        self.tasks.put(None)
        deadline = time.monotonic() + GRACE_SECONDS
        while time.monotonic() < deadline and not self._parent_is_gone():
            time.sleep(0.05)
        os._exit(1)

    @staticmethod
    def _fail(error: BaseException) -> None:
        threading.excepthook(threading.ExceptHookArgs((type(error), error, error.__traceback__, None)))

    def _step(self) -> bool:
        ready = wait(self._watched, PARENT_CHECK_SECONDS)
        if self._channel.connection in ready:
            message = self._channel.receive()
            if isinstance(message, Resume):
                self.epoch = message.epoch
            self.tasks.put(message)
            return True
        if ready or self._parent_is_gone():
            os._exit(1)
        return True


def _seed_everything(plan: WorkerPlan) -> None:
    set_num_threads(1)
    random.seed(plan.seed)
    manual_seed(plan.seed)
    entropy = [plan.worker_id, plan.base_seed & 0xFFFFFFFF, plan.base_seed >> 32, 0]
    np.random.seed(np.random.SeedSequence(entropy).generate_state(4))


def worker_main(connection: Connection, plan: WorkerPlan) -> None:
    """The body of a worker process: returns when the caller closes the channel."""
    channel = Channel(connection)
    inbox = _Inbox(channel, plan.parent_pid)
    try:
        _seed_everything(plan)
        set_worker_info(WorkerInfo(plan.worker_id, plan.num_workers, plan.seed, plan.dataset))
        _Worker(channel, inbox, plan).run()
    except (KeyboardInterrupt, EOFError, ConnectionError):
        pass  # the caller was interrupted too, or has closed its end


class _Worker:
    def __init__(self, channel: Channel, inbox: _Inbox, plan: WorkerPlan) -> None:
        self.channel = channel
        self.inbox = inbox
        self.plan = plan
        self.ended = False
        self.fetcher: MapFetcher | IterableFetcher | None = None
        self.broken: CaughtError | None = None

    def run(self) -> None:
        try:
            self._share_out()
            if self.plan.init_fn is not None:
                self.plan.init_fn(self.plan.worker_id)
            self.fetcher = self.plan.fetcher()
        except Exception as error:
            self.broken = CaughtError(error, self.plan.where())
        while (message := self.inbox.tasks.get()) is not None and not self.inbox.closed.is_set():
            if isinstance(message, Resume):
                self.ended = False
                seed_pipes(self.plan.dataset, None, message.shared_seed)
                self._new_fetcher()
            elif message.epoch == self.inbox.epoch and not self.ended:
                self._reply(message, self._fetch(message.keys))

    def _share_out(self) -> None:
        """Pipes know what belongs to which worker, and draw alike in all."""
        plan = self.plan
        seed_pipes(plan.dataset, None, plan.shared_seed)
        if isinstance(plan.dataset, IterDataPipe | MapDataPipe):
            apply_sharding(plan.dataset, plan.num_workers, plan.worker_id, SHARDING_PRIORITIES.MULTIPROCESSING)

    def _new_fetcher(self) -> None:
        if isinstance(self.fetcher, IterableFetcher):
            try:
                self.fetcher = self.plan.fetcher()
            except Exception as error:
                self.broken = CaughtError(error, self.plan.where())

    def _fetch(self, keys: Any) -> Any:
        if self.broken is not None or self.fetcher is None:
            return self.broken
        try:
            return self.fetcher.fetch(keys)
        except Exception as error:
            if isinstance(error, StopIteration) and isinstance(self.fetcher, IterableFetcher):
                self.ended = True
                return StreamEnded(self.plan.worker_id)
            return CaughtError(error, self.plan.where())

    def _reply(self, task: Task, data: Any) -> None:
        try:
            self.channel.send((task.epoch, task.number, data))
        except OSError:
            raise
        except Exception as error:  # the batch can't be pickled
            self.channel.send((task.epoch, task.number, CaughtError(error, self.plan.where())))
