"""Worker processes: the same batches, errors that reach the caller, and nobody left behind."""

from __future__ import annotations

import gc
import os
import random
import re
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import numpy as np
import pytest

import rushlight as torch
from rushlight.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset, get_worker_info
from rushlight.utils.data._utils import parallel

pytestmark = [
    # Newer Pythons warn of forking with threads; the workers start none of the parent's.
    pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:This DataLoader will create"),
]


class Squares(Dataset):
    def __init__(self, n):
        self.n = n

    def __len__(self):
        return self.n

    def __getitem__(self, i):
        return i * i


class Draws(Squares):
    def __getitem__(self, i):
        return get_worker_info().seed, torch.rand(1), random.random(), np.random.rand()


class Pids(Squares):
    def __getitem__(self, i):
        return os.getpid()


class Shards(IterableDataset):
    """Worker w of n streams w, w + n, … below `n`."""

    def __init__(self, n):
        self.n = n

    def __iter__(self):
        info = get_worker_info()
        return iter(range(info.id, self.n, info.num_workers))


class NoText(Exception):
    def __init__(self, a, b):
        super().__init__(a, b)


class Fails(Squares):
    def __init__(self, kind):
        super().__init__(4)
        self.kind = kind

    def __getitem__(self, i):
        if i != 2:
            return i
        if self.kind == "key":
            return {}["absent"]
        if self.kind == "local":

            class LocalError(ValueError):
                pass

            raise LocalError("mine")
        if self.kind == "no text":
            raise NoText(1, 2)
        if self.kind == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        if self.kind == "exits":
            os._exit(3)
        if self.kind == "unpicklable":
            return threading.Lock()
        if self.kind == "slow":
            time.sleep(30)
        raise ValueError("number two")


def first(batch):
    return batch[0]


def broken_init(worker_id):
    raise OSError(f"no disk for {worker_id}")


def gone(pids, seconds=15.0):
    """Whether all these processes end in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not any(alive(pid) for pid in pids):
            return True
        time.sleep(0.02)
    return False


def alive(pid):
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


@pytest.mark.parametrize("options", [{"num_workers": 1}, {"num_workers": 3}, {"num_workers": 2, "prefetch_factor": 5}])
def test_batches_come_in_order(options):
    loader = DataLoader(Squares(11), batch_size=2, **options)
    assert [b.tolist() for b in loader] == [b.tolist() for b in DataLoader(Squares(11), batch_size=2)]
    assert len([*loader]) == len(loader) == 6


@pytest.mark.slow
@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_other_ways_to_start(method):
    data = TensorDataset(torch.arange(6.0).reshape(3, 2), torch.arange(3))
    loader = DataLoader(data, batch_size=2, num_workers=1, multiprocessing_context=method)
    assert [[t.tolist() for t in b] for b in loader] == [[[[0, 1], [2, 3]], [0, 1]], [[[4, 5]], [2]]]


def test_out_of_order_gives_every_batch_once():
    loader = DataLoader(Squares(20), batch_size=3, num_workers=2, in_order=False)
    assert sorted(x for batch in loader for x in batch.tolist()) == [i * i for i in range(20)]


def test_streams_are_drained_though_workers_end_apart():
    assert sorted(DataLoader(Shards(7), batch_size=None, num_workers=3)) == list(range(7))
    batches = [b.tolist() for b in DataLoader(Shards(10), batch_size=2, num_workers=2)]
    assert sorted(x for b in batches for x in b) == list(range(10))
    assert batches[:2] == [[0, 2], [1, 3]]


def test_each_worker_has_its_own_seed():
    loader = DataLoader(Draws(2), batch_size=None, num_workers=2, generator=torch.Generator().manual_seed(5))
    (seed0, *draws0), (seed1, *draws1) = loader
    assert seed1 == seed0 + 1
    assert all(float(a) != float(b) for a, b in zip(draws0, draws1, strict=True))
    torch.manual_seed(seed0)
    random.seed(seed0)
    assert torch.rand(1).item() == draws0[0].item()
    assert random.random() == draws0[1]


def test_persistent_workers_live_on_and_reshuffle():
    loader = DataLoader(Pids(6), num_workers=2, persistent_workers=True, collate_fn=first)
    passes = [list(loader) for _ in range(3)]
    assert passes[0] == passes[1] == passes[2]
    pids = set(passes[0])
    assert len(pids) == 2
    iter(loader)  # a pass that is given up
    assert list(loader) == passes[0]
    del loader
    gc.collect()
    assert gone(pids)


def test_persistent_streams_begin_again():
    loader = DataLoader(Shards(4), batch_size=None, num_workers=2, persistent_workers=True)
    assert [sorted(loader) for _ in range(2)] == [[0, 1, 2, 3]] * 2


ERRORS = [
    ("value", ValueError, r"Caught ValueError in DataLoader worker process 0\.\nOriginal Traceback \(most recent call"),
    ("key", KeyError, r"Caught KeyError in DataLoader worker process 0\.\nOriginal Traceback"),
    ("local", RuntimeError, r"Caught LocalError in DataLoader worker process 0\.(.|\n)*mine"),
    ("no text", RuntimeError, r"Caught NoText in DataLoader worker process 0\.(.|\n)*\(1, 2\)"),
    ("unpicklable", TypeError, r"Caught TypeError in DataLoader worker process 0\.(.|\n)*pickle"),
]


@pytest.mark.parametrize(("kind", "error", "text"), ERRORS)
def test_an_exception_reaches_the_caller_and_the_loader_goes_on(kind, error, text):
    iterator = iter(DataLoader(Fails(kind), num_workers=1, collate_fn=first))
    assert [next(iterator), next(iterator)] == [0, 1]
    with pytest.raises(error, match=text):
        next(iterator)
    assert list(iterator) == [3]


def test_an_error_in_worker_init_fn_reaches_the_caller():
    with pytest.raises(OSError, match=r"Caught OSError in DataLoader worker process 0(.|\n)*no disk for 0"):
        next(iter(DataLoader(Squares(3), num_workers=1, worker_init_fn=broken_init)))


@pytest.mark.parametrize(
    ("kind", "cause"),
    [("killed", r"\(pid \d+\) is killed by signal: Killed\. "), ("exits", "exited unexpectedly with exit code 3")],
)
def test_a_dead_worker_is_reported(kind, cause):
    iterator = iter(DataLoader(Fails(kind), num_workers=1, collate_fn=first))
    with pytest.raises(RuntimeError, match=r"DataLoader worker \(pid\(s\) \d+\) exited unexpectedly") as caught:
        list(iterator)
    assert re.search(cause, str(caught.value.__cause__))


def test_a_late_worker_is_reported(monkeypatch):
    monkeypatch.setattr(parallel, "GRACE_SECONDS", -1.0)  # don't wait for it to finish its sleep
    iterator = iter(DataLoader(Fails("slow"), num_workers=1, collate_fn=first, timeout=0.2))
    assert [next(iterator), next(iterator)] == [0, 1]
    with pytest.raises(RuntimeError, match=r"DataLoader timed out after 0\.2 seconds"):
        next(iterator)


@pytest.mark.parametrize("how", ["drop", "end"])
def test_no_worker_outlives_the_iterator(how):
    iterator = iter(DataLoader(Pids(40), num_workers=2, collate_fn=first))
    pids = {next(iterator), next(iterator)}
    if how == "end":
        pids |= set(iterator)
    del iterator
    gc.collect()
    assert gone(pids)


def test_a_worker_in_a_fork_of_the_caller_leaves_the_pool_alone():
    iterator = iter(DataLoader(Pids(6), num_workers=1, collate_fn=first))
    pool = iterator._pool
    pid = os.fork()
    if pid == 0:
        pool.close()
        os._exit(0)
    os.waitpid(pid, 0)
    assert len(set(iterator)) == 1


@pytest.mark.slow
@pytest.mark.parametrize("ending", ["kill", "exit", "raise"])
def test_no_worker_outlives_the_caller(ending):
    script = textwrap.dedent(
        """
        import os, sys, time
        from rushlight.utils.data import DataLoader, Dataset

        class Slow(Dataset):
            def __len__(self): return 1000
            def __getitem__(self, i):
                if i > 3: time.sleep(60)
                return os.getpid()

        if __name__ == "__main__":
            iterator = iter(DataLoader(Slow(), num_workers=2, batch_size=None))
            print(next(iterator), next(iterator), flush=True)
            if sys.argv[1] == "kill": time.sleep(60)
            if sys.argv[1] == "raise": raise SystemExit(1)
        """
    )
    root = str(Path(torch.__file__).parents[1])
    with subprocess.Popen(
        [sys.executable, "-c", script, ending],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": root},
    ) as caller:
        pids = [int(word) for word in caller.stdout.readline().split()]
        assert len(set(pids)) == 2
        if ending == "kill":
            caller.kill()
        caller.wait(20)
        assert gone(pids)
