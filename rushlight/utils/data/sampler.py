"""Samplers: the order in which a DataLoader asks for a dataset's samples."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence, Sized
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from rushlight import dtypes
from rushlight.ops.creation import as_tensor, empty
from rushlight.ops.random import multinomial, randint, randperm
from rushlight.random import Generator

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

__all__ = [
    "BatchSampler",
    "RandomSampler",
    "Sampler",
    "SequentialSampler",
    "SubsetRandomSampler",
    "WeightedRandomSampler",
]

T_co = TypeVar("T_co", covariant=True)


def draw_seed(generator: Generator | None = None) -> int:
    """Draws a seed in [0, 2**63) from `generator` (None: the default one), as a DataLoader does for each epoch."""
    return int(empty((), dtype=dtypes.int64).random_(generator=generator).item())


def _check_bool(name: str, value: Any, error: type[Exception] = ValueError) -> None:
    if not isinstance(value, bool):
        raise error(f"{name} should be a boolean value, but got {name}={value}")


def _check_positive(name: str, value: Any) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value <= 0:
        raise ValueError(f"{name} should be a positive integer value, but got {name}={value}")


class Sampler(Generic[T_co]):
    """The base of all samplers: a subclass defines `__iter__`, which yields keys, and `__len__` if it can.

    Source: https://docs.pytorch.org/docs/2.13/data.html#torch.utils.data.Sampler
    """

    def __iter__(self) -> Iterator[T_co]:
        raise NotImplementedError("Subclasses of Sampler should implement __iter__.")


class SequentialSampler(Sampler[int]):
    """The indices 0, 1, … in order.

    >>> from rushlight.utils.data import SequentialSampler
    >>> list(SequentialSampler("abc"))
    [0, 1, 2]

    Source: https://docs.pytorch.org/docs/2.13/data.html#torch.utils.data.SequentialSampler
    """

    data_source: Sized

    def __init__(self, data_source: Sized) -> None:
        self.data_source = data_source

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self.data_source)))

    def __len__(self) -> int:
        return len(self.data_source)


class RandomSampler(Sampler[int]):
    """Indices in random order: permutations one after the other, or independent draws with `replacement`.

    `num_samples` is how many to draw (default: the dataset's length). Without a `generator`, every iteration draws a
    seed from the default generator and shuffles with a generator of its own. Raises TypeError when `replacement`
    isn't a bool and ValueError when `num_samples` isn't positive (as for an empty dataset).

    >>> import rushlight as torch
    >>> from rushlight.utils.data import RandomSampler
    >>> sorted(RandomSampler("abc", generator=torch.Generator().manual_seed(0)))
    [0, 1, 2]

    Source: https://docs.pytorch.org/docs/2.13/data.html#torch.utils.data.RandomSampler
    """

    data_source: Sized
    replacement: bool

    def __init__(
        self,
        data_source: Sized,
        replacement: bool = False,
        num_samples: int | None = None,
        generator: Generator | None = None,
    ) -> None:
        self.data_source = data_source
        self.replacement = replacement
        self._num_samples = num_samples
        self.generator = generator
        _check_bool("replacement", replacement, TypeError)
        if not isinstance(self.num_samples, int) or self.num_samples <= 0:
            raise ValueError(f"num_samples should be a positive integer value, but got num_samples={self.num_samples}")

    @property
    def num_samples(self) -> int:
        # Asked anew each time: a dataset may grow between epochs.
        return len(self.data_source) if self._num_samples is None else self._num_samples

    def __iter__(self) -> Iterator[int]:
        n = len(self.data_source)
        generator = self.generator
        if generator is None:
            generator = Generator()
            generator.manual_seed(draw_seed())
        if self.replacement:
            # Draws of 32 at a time, the last one short or empty: PyTorch's use of the stream.
            whole, rest = divmod(self.num_samples, 32)
            for size in itertools.chain(itertools.repeat(32, whole), (rest,)):
                draws = randint(0, n, (size,), dtype=dtypes.int64, generator=generator)
                yield from draws.tolist()
        else:
            whole, rest = divmod(self.num_samples, n)
            for _ in range(whole):
                yield from randperm(n, generator=generator).tolist()
            # Drawn even when nothing is left to yield, since a shared generator must end in PyTorch's state.
            yield from randperm(n, generator=generator).tolist()[:rest]

    def __len__(self) -> int:
        return self.num_samples


class SubsetRandomSampler(Sampler[int]):
    """The given indices in random order.

    >>> from rushlight.utils.data import SubsetRandomSampler
    >>> sorted(SubsetRandomSampler([5, 7]))
    [5, 7]

    Source: https://docs.pytorch.org/docs/2.13/data.html#torch.utils.data.SubsetRandomSampler
    """

    indices: Sequence[int]

    def __init__(self, indices: Sequence[int], generator: Generator | None = None) -> None:
        self.indices = indices
        self.generator = generator

    def __iter__(self) -> Iterator[int]:
        for i in randperm(len(self.indices), generator=self.generator).tolist():
            yield self.indices[i]

    def __len__(self) -> int:
        return len(self.indices)


class WeightedRandomSampler(Sampler[int]):
    """`num_samples` indices drawn with probabilities proportional to `weights` (any non-negative numbers).

    Raises ValueError when `num_samples` isn't a positive int, `replacement` isn't a bool or `weights` aren't 1-D.

    >>> from rushlight.utils.data import WeightedRandomSampler
    >>> list(WeightedRandomSampler([0., 1.], 3))
    [1, 1, 1]

    Source: https://docs.pytorch.org/docs/2.13/data.html#torch.utils.data.WeightedRandomSampler
    """

    weights: Tensor
    num_samples: int
    replacement: bool

    def __init__(
        self,
        weights: Sequence[float] | Tensor,
        num_samples: int,
        replacement: bool = True,
        generator: Generator | None = None,
    ) -> None:
        _check_positive("num_samples", num_samples)
        _check_bool("replacement", replacement)
        self.weights = as_tensor(weights, dtype=dtypes.float64)
        if self.weights.dim() != 1:
            raise ValueError(
                f"weights should be a 1d sequence but given weights have shape {tuple(self.weights.shape)}"
            )
        self.num_samples = num_samples
        self.replacement = replacement
        self.generator = generator

    def __iter__(self) -> Iterator[int]:
        draws = multinomial(self.weights, self.num_samples, self.replacement, generator=self.generator)
        yield from draws.tolist()

    def __len__(self) -> int:
        return self.num_samples


class BatchSampler(Sampler[list[int]]):
    """Groups the keys of another sampler into lists of `batch_size`; `drop_last` leaves out a shorter last one.

    Raises ValueError when `batch_size` isn't a positive int or `drop_last` isn't a bool.

    >>> from rushlight.utils.data import BatchSampler
    >>> list(BatchSampler(range(5), batch_size=2, drop_last=False))
    [[0, 1], [2, 3], [4]]

    Source: https://docs.pytorch.org/docs/2.13/data.html#torch.utils.data.BatchSampler
    """

    def __init__(self, sampler: Sampler[int] | Iterable[int], batch_size: int, drop_last: bool) -> None:
        _check_positive("batch_size", batch_size)
        _check_bool("drop_last", drop_last)
        self.sampler = sampler
        self.batch_size = batch_size
        self.drop_last = drop_last

    def __iter__(self) -> Iterator[list[int]]:
        keys = iter(self.sampler)
        while batch := list(itertools.islice(keys, self.batch_size)):
            if self.drop_last and len(batch) < self.batch_size:
                return
            yield batch

    def __len__(self) -> int:
        count = len(self.sampler)  # type: ignore[arg-type]
        return count // self.batch_size if self.drop_last else -(-count // self.batch_size)
