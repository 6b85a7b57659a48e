"""The same data in the same order as PyTorch for the same seed, and the same batches of it."""

from __future__ import annotations

import random
from collections import OrderedDict, namedtuple

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import rushlight  # noqa: E402
import rushlight.utils.data  # noqa: E402

pytestmark = [
    pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:This DataLoader will create"),
    pytest.mark.filterwarnings("ignore:Length of split"),
]

LIBRARIES = [rushlight, torch]


def on_both(program, seed=0):
    """The program's result on Rushlight and on PyTorch after the same seed, and where the stream stands after it."""
    results = []
    for library in LIBRARIES:
        library.manual_seed(seed)
        random.seed(seed)
        result = program(library, library.utils.data)
        results.append((plain(result), library.rand(1).item()))
    return results


def plain(value):
    if hasattr(value, "tolist"):
        return str(value.dtype), list(value.shape), value.tolist()
    if isinstance(value, dict):
        return type(value).__name__, {k: plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value).__name__, [plain(v) for v in value]
    return value


def seeded(library, seed=9):
    return library.Generator().manual_seed(seed)


def two_passes(loader):
    return [list(loader), list(loader)]


ORDERS = {
    "random": lambda t, d: [list(d.RandomSampler(range(17))) for _ in range(2)],
    "random, shared generator": lambda t, d: two_passes(d.RandomSampler(range(17), generator=seeded(t))),
    "random, more than all": lambda t, d: two_passes(d.RandomSampler(range(5), num_samples=13, generator=seeded(t))),
    "replacement": lambda t, d: two_passes(d.RandomSampler(range(7), True, 70, seeded(t))),
    "replacement, whole blocks": lambda t, d: two_passes(d.RandomSampler(range(7), True, 64, seeded(t))),
    "subset": lambda t, d: two_passes(d.SubsetRandomSampler([3, 1, 4, 1, 5], seeded(t))),
    "weighted": lambda t, d: two_passes(d.WeightedRandomSampler([0.1, 0.5, 2.0, 0.0], 50)),
    "weighted, no replacement": lambda t, d: two_passes(d.WeightedRandomSampler([0.1, 0.5, 2.0], 3, False)),
    "distributed": lambda t, d: [list(d.DistributedSampler(range(11), 3, r, seed=4)) for r in range(3)],
    "distributed, cut": lambda t, d: [list(d.DistributedSampler(range(11), 3, r, drop_last=True)) for r in range(3)],
    "distributed, tiny": lambda t, d: [list(d.DistributedSampler(range(1), 4, r)) for r in range(4)],
    "split": lambda t, d: [part.indices for part in d.random_split(range(30), [10, 5, 15])],
    "split by fractions": lambda t, d: [part.indices for part in d.random_split(range(31), [0.5, 0.3, 0.2])],
    "split by a generator": lambda t, d: [p.indices for p in d.random_split(range(31), [30, 1], seeded(t))],
    "loader": lambda t, d: two_passes(d.DataLoader(range(20), 3, shuffle=True)),
    "loader with a generator": lambda t, d: two_passes(d.DataLoader(range(20), 3, shuffle=True, generator=seeded(t))),
    "loader, unshuffled": lambda t, d: two_passes(d.DataLoader(range(20), 3)),
    "a pass given up": lambda t, d: [next(iter(d.DataLoader(range(9), shuffle=True))) for _ in range(3)],
    "workers": lambda t, d: two_passes(d.DataLoader(range(20), 3, shuffle=True, num_workers=2)),
    "persistent workers": lambda t, d: two_passes(
        d.DataLoader(range(9), 3, shuffle=True, num_workers=2, persistent_workers=True)
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ORDERS)
def test_same_seed_same_order(name):
    ours, theirs = on_both(ORDERS[name], seed=3)
    assert ours == theirs


def drawing_dataset(library, data):
    class Draws(data.Dataset):
        def __len__(self):
            return 6

        def __getitem__(self, i):
            return library.rand(2), random.random(), np.random.rand(), data.get_worker_info().seed

    return Draws()


def test_workers_draw_the_same_numbers():
    def program(library, data):
        return list(data.DataLoader(drawing_dataset(library, data), 2, num_workers=2))

    ours, theirs = on_both(program)
    assert ours == theirs


Point = namedtuple("Point", "x y")
BATCHES = {
    "ints": [1, 2],
    "bools": [True, False],
    "floats": [1.5, 2.0],
    "texts": ["a", "b"],
    "float32 scalars": [np.float32(1), np.float32(2)],
    "float64 scalars": [np.float64(1), np.float64(2)],
    "int16 scalars": [np.int16(1), np.int16(2)],
    "uint8 arrays": [np.ones((2, 2), np.uint8), np.zeros((2, 2), np.uint8)],
    "float16 arrays": [np.ones(2, np.float16)],
    "bool arrays": [np.array([True])],
    "zero-dimensional arrays": [np.array(1), np.array(2)],
    "tuples": [(1, 2.0, "a"), (3, 4.0, "b")],
    "lists": [[1, [2, 3]], [4, [5, 6]]],
    "named": [Point(1, np.ones(2)), Point(3, np.ones(2))],
    "ordered": [OrderedDict(b=1, a=2), OrderedDict(b=3, a=4)],
    "empty lists": [[], []],
    "none": [None, None],
    "ragged": [[1], [1, 2]],
    "different shapes": [np.ones(2), np.ones(3)],
    "text arrays": [np.array(["a"])],
}


@pytest.mark.parametrize("function", ["default_collate", "default_convert"])
@pytest.mark.parametrize("name", BATCHES)
def test_the_same_batch_or_the_same_error(name, function):
    results = []
    for library in LIBRARIES:
        try:
            results.append(plain(getattr(library.utils.data, function)(BATCHES[name])))
        except Exception as error:
            results.append(type(error))
    assert results[0] == results[1]


class Fails:
    def __init__(self, error):
        self.error = error

    def __len__(self):
        return 1

    def __getitem__(self, i):
        raise self.error


@pytest.mark.parametrize("error", [ValueError("a\nb"), KeyError("k"), UnicodeDecodeError("u", b"", 0, 1, "")])
def test_the_same_error_from_a_worker(error):
    texts = []
    for library in LIBRARIES:
        with pytest.raises(Exception) as caught:
            list(library.utils.data.DataLoader(Fails(error), num_workers=1))
        first_lines = str(caught.value).splitlines()[:2]
        texts.append((caught.type, first_lines, str(caught.value).splitlines()[-1]))
    assert texts[0] == texts[1]
