"""Random inputs for benchmarks: parameters drawn from distributions, tensors of shapes that they give."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from rushlight import dtypes, random
from rushlight.ops.creation import tensor
from rushlight.ops.joining import cat
from rushlight.ops.random import rand, randint, randn_like
from rushlight.sparse import sparse_coo_tensor
from rushlight.tensor import Tensor

__all__ = ["FuzzedParameter", "FuzzedSparseTensor", "FuzzedTensor", "Fuzzer", "ParameterAlias"]

_DISTRIBUTIONS = ("loguniform", "uniform")
_TRIES = 1000


class ParameterAlias:
    """A value of a distribution that stands for what another parameter is.

    >>> from rushlight.utils.benchmark import FuzzedParameter, Fuzzer, ParameterAlias
    >>> same = FuzzedParameter("m", distribution={ParameterAlias("n"): 1.0})
    >>> next(Fuzzer([FuzzedParameter("n", 4, 4, "uniform"), same], [], seed=0).take(1))[2]
    {'n': 4, 'm': 4}

    Source: https://docs.pytorch.org/docs/2.13/benchmark_utils.html
    """

    def __init__(self, alias_to: str) -> None:
        self.alias_to = alias_to

    def __repr__(self) -> str:
        return f"ParameterAlias[alias_to: {self.alias_to}]"


class FuzzedParameter:
    """A number drawn between `minval` and `maxval`, "uniform" or "loguniform", or one of a dictionary of probabilities.

    A `strict` one is drawn once and kept where other parameters are drawn anew. AssertionError for another
    distribution, and for probabilities that are negative or don't add up to 1.

    >>> import numpy as np
    >>> from rushlight.utils.benchmark import FuzzedParameter
    >>> FuzzedParameter("n", 4, 4, "uniform").sample(np.random.RandomState(0))
    4

    Source: https://docs.pytorch.org/docs/2.13/benchmark_utils.html
    """

    def __init__(
        self,
        name: str,
        minval: float | None = None,
        maxval: float | None = None,
        distribution: str | dict[Any, float] | None = None,
        strict: bool = False,
    ) -> None:
        if isinstance(distribution, dict):
            if any(p < 0 for p in distribution.values()):
                raise AssertionError("Probabilities cannot be negative")
            if abs(sum(distribution.values()) - 1) > 1e-5:
                raise AssertionError("Distribution is not normalized")
            if minval is not None or maxval is not None:
                raise AssertionError("When passing a custom distribution, 'minval' and 'maxval' must be None")
        elif distribution not in _DISTRIBUTIONS:
            raise AssertionError(f"Unknown distribution: {distribution}")
        self._name, self._minval, self._maxval = name, minval, maxval
        self._distribution, self.strict = distribution, strict

    @property
    def name(self) -> str:
        """What tensors and constraints call it."""
        return self._name

    def sample(self, state: np.random.RandomState) -> Any:
        """A value."""
        if isinstance(self._distribution, dict):
            values = list(self._distribution)
            return values[state.choice(np.arange(len(values)), p=tuple(self._distribution.values()))]
        low: Any = self._minval
        high: Any = self._maxval
        if self._distribution == "loguniform":
            return min(max(int(2 ** state.uniform(math.log2(low), math.log2(high))), low), high)
        if isinstance(low, int) and isinstance(high, int):
            return int(state.randint(low, high + 1))
        return state.uniform(low, high)


class FuzzedTensor:
    """A tensor whose `size` and `steps` are numbers and names of parameters, contiguous with a given probability.

    `min_elements`, `max_elements` and `max_allocation_bytes` bound it: parameters that lead to another are drawn anew.
    `dim_parameter` names the parameter that is the number of dimensions.

    >>> from rushlight.utils.benchmark import FuzzedParameter, FuzzedTensor, Fuzzer
    >>> fuzzer = Fuzzer([FuzzedParameter("n", 4, 4, "uniform")], [FuzzedTensor("x", ("n", 2))], seed=0)
    >>> next(fuzzer.take(1))[0]["x"].shape
    torch.Size([4, 2])

    Source: https://docs.pytorch.org/docs/2.13/benchmark_utils.html
    """

    def __init__(
        self,
        name: str,
        size: Sequence[str | int],
        steps: Sequence[str | int] | None = None,
        probability_contiguous: float = 0.5,
        min_elements: int | None = None,
        max_elements: int | None = None,
        max_allocation_bytes: int | None = None,
        dim_parameter: str | None = None,
        roll_parameter: str | None = None,
        dtype: dtypes.dtype = dtypes.float32,
        cuda: bool = False,
        tensor_constructor: Callable[..., Any] | None = None,
    ) -> None:
        self._name, self._size, self._steps, self._dtype = name, size, steps, dtype
        self._probability_contiguous, self._dim_parameter, self._cuda = probability_contiguous, dim_parameter, cuda
        self._min_elements = 0 if min_elements is None else min_elements
        self._max_elements = math.inf if max_elements is None else max_elements
        self._max_bytes = math.inf if max_allocation_bytes is None else max_allocation_bytes
        self._construct = tensor_constructor or self.default_tensor_constructor

    @property
    def name(self) -> str:
        """What the samples call it."""
        return self._name

    @staticmethod
    def default_tensor_constructor(size: Sequence[int], dtype: dtypes.dtype, **kwargs: Any) -> Tensor:
        """Uniform numbers of [0, 1), or integers of [1, 127)."""
        if dtype.is_floating_point or dtype.is_complex:
            return rand(size, dtype=dtype)
        return randint(1, 127, size, dtype=dtype)

    def _shape(self, params: dict[str, Any]) -> tuple[list[int], list[int]]:
        """The size and the steps, as long as there are dimensions."""
        dim = len(self._size) if self._dim_parameter is None else params[self._dim_parameter]

        def resolved(values: Sequence[Any]) -> list[int]:
            found = [params.get(v, v) for v in values][:dim]
            return found + [1] * (dim - len(found))

        return resolved(self._size), resolved(self._steps or ())

    def satisfies_constraints(self, params: dict[str, Any]) -> bool:
        """Whether a tensor of these parameters is as large as it may be."""
        size, steps = self._shape(params)
        elements = math.prod(map(int, size))
        used = elements * math.prod(map(int, steps)) * self._dtype.itemsize
        return self._min_elements <= elements <= self._max_elements and used <= self._max_bytes

    def make(self, params: dict[str, Any], state: np.random.RandomState) -> tuple[Tensor, dict[str, Any]]:
        """The tensor of these parameters, and what is to be known of it."""
        size, steps = self._shape(params)
        raw = self._construct(size=tuple(n * s for n, s in zip(size, steps, strict=True)), dtype=self._dtype, **params)
        raw = raw.cuda() if self._cuda else raw
        order = np.arange(len(size))
        if state.rand() > self._probability_contiguous:
            while len(size) > 1 and np.all(order == np.arange(len(size))):
                order = state.permutation(raw.dim())
            # Elements lie in another order than dimensions say.
            raw = raw.permute(tuple(order.tolist())).contiguous().permute(tuple(np.argsort(order).tolist()))
        made = raw[tuple(slice(0, n * s, s) for n, s in zip(size, steps, strict=True))]
        properties = {
            "numel": made.numel(),
            "order": order,
            "steps": tuple(steps),
            "is_contiguous": made.is_contiguous(),
            "dtype": str(self._dtype),
        }
        return made, properties


class FuzzedSparseTensor(FuzzedTensor):
    """A sparse tensor; the parameters "density", "coalesced" and "sparse_dim" say how much of it is there and how.

    >>> from rushlight.utils.benchmark import FuzzedParameter, FuzzedSparseTensor, Fuzzer
    >>> names = {"density": 0.5, "coalesced": 1, "sparse_dim": 2}
    >>> parameters = [FuzzedParameter(name, distribution={value: 1.0}) for name, value in names.items()]
    >>> x = FuzzedSparseTensor("x", (2, 3), sparse_dim="sparse_dim", density="density", coalesced="coalesced")
    >>> next(Fuzzer(parameters, [x], seed=0).take(1))[0]["x"].shape
    torch.Size([2, 3])

    Source: https://docs.pytorch.org/docs/2.13/benchmark_utils.html
    """

    def __init__(
        self,
        name: str,
        size: Sequence[str | int],
        min_elements: int | None = None,
        max_elements: int | None = None,
        dim_parameter: str | None = None,
        sparse_dim: str | None = None,
        nnz: str | None = None,
        density: str | None = None,
        coalesced: str | None = None,
        dtype: dtypes.dtype = dtypes.float32,
        cuda: bool = False,
    ) -> None:
        super().__init__(
            name, size, None, 0.5, min_elements, max_elements, dim_parameter=dim_parameter, dtype=dtype, cuda=cuda
        )
        self._sparse_dim = sparse_dim

    @staticmethod
    def sparse_tensor_constructor(
        size: Sequence[int], dtype: dtypes.dtype, sparse_dim: int, nnz: int, is_coalesced: bool
    ) -> Tensor:
        """A sparse tensor of that size with `nnz` random places; with each place twice unless it is coalesced."""
        size = [size] * sparse_dim if isinstance(size, int) else list(size)
        if all(size[d] <= 0 for d in range(sparse_dim)) and nnz != 0:
            raise AssertionError("invalid arguments")
        values = FuzzedTensor.default_tensor_constructor([nnz, *size[sparse_dim:]], dtype)
        places = (rand(sparse_dim, nnz) * tensor(size[:sparse_dim]).unsqueeze(1)).to(dtypes.int64)
        if not is_coalesced:
            values = cat([values, randn_like(values)], 0)
            places = cat([places, places], 1)
        made = sparse_coo_tensor(places, values, size)
        return made.coalesce() if is_coalesced else made

    def make(self, params: dict[str, Any], state: np.random.RandomState) -> tuple[Tensor, dict[str, Any]]:
        """The tensor of these parameters, and what is to be known of it."""
        size, _ = self._shape(params)
        density = params["density"]
        nnz = math.ceil(sum(size) * density)
        if nnz > sum(size):
            raise AssertionError("nnz cannot exceed total number of elements")
        sparse_dim = min(params["sparse_dim"] if self._sparse_dim else len(size), len(size))
        made = self.sparse_tensor_constructor(size, self._dtype, sparse_dim, nnz, params["coalesced"])
        properties = {
            "numel": made.numel(),
            "shape": made.size(),
            "is_coalesced": made.is_coalesced(),
            "density": density,
            "sparsity": 1.0 - density,
            "sparse_dim": made.sparse_dim(),
            "dense_dim": made.dense_dim(),
            "is_hybrid": len(size) > sparse_dim,
            "dtype": str(self._dtype),
        }
        return made, properties


class Fuzzer:
    """Draws parameters and the tensors that they make; the same ones for the same seed.

    Those that don't satisfy each of `constraints`, functions of the parameters, are drawn anew. ValueError for a name
    used twice, and where 1000 drawings in a row satisfied nothing.

    >>> from rushlight.utils.benchmark import FuzzedParameter, FuzzedTensor, Fuzzer
    >>> fuzzer = Fuzzer([FuzzedParameter("n", 1, 4, "uniform")], [FuzzedTensor("x", ("n", 2))], seed=0)
    >>> all(tensors["x"].shape == (params["n"], 2) for tensors, _, params in fuzzer.take(3))
    True

    Source: https://docs.pytorch.org/docs/2.13/benchmark_utils.html
    """

    def __init__(
        self,
        parameters: Sequence[Any],
        tensors: Sequence[Any],
        constraints: Sequence[Callable[[dict[str, Any]], bool]] | None = None,
        seed: int | None = None,
    ) -> None:
        self._seed = int(np.random.RandomState().randint(0, 2**32 - 1, dtype=np.int64)) if seed is None else seed
        self._parameters = _flat(parameters, FuzzedParameter)
        self._tensors = _flat(tensors, FuzzedTensor)
        self._constraints = list(constraints or ())
        both = {p.name for p in self._parameters} & {t.name for t in self._tensors}
        if both:
            raise ValueError(f"Duplicate names in parameters and tensors: {both}")
        self._rejections = self._generated = 0

    def take(self, n: int) -> Iterator[tuple[dict[str, Tensor], dict[str, Any], dict[str, Any]]]:
        """`n` samples: tensors, what is to be known of them, and parameters, each by name."""
        state = np.random.RandomState(self._seed)
        random.manual_seed(int(state.randint(low=0, high=2**63, dtype=np.int64)))
        for _ in range(n):
            params = self._drawn(state)
            made = {t.name: t.make(params, state) for t in self._tensors}
            yield {k: v[0] for k, v in made.items()}, {k: v[1] for k, v in made.items()}, params

    @property
    def rejection_rate(self) -> float:
        """The part of the drawings that did not satisfy the constraints."""
        return self._rejections / self._generated if self._generated else 0.0

    def _drawn(self, state: np.random.RandomState) -> dict[str, Any]:
        kept: dict[str, Any] = {}
        for _ in range(_TRIES):
            params: dict[str, Any] = {}
            for p in self._parameters:
                params[p.name] = kept[p.name] if p.name in kept else p.sample(state)
                if p.strict:
                    kept[p.name] = params[p.name]
            params = _resolved(params)
            self._generated += 1
            tests = itertools.chain(self._constraints, (t.satisfies_constraints for t in self._tensors))
            if all(test(params) for test in tests):
                return params
            self._rejections += 1
        raise ValueError("Failed to generate a set of valid parameters.")


def _flat(values: Sequence[Any], kind: type[Any]) -> tuple[Any, ...]:
    return tuple(itertools.chain.from_iterable([v] if isinstance(v, kind) else v for v in values))


def _resolved(params: dict[str, Any]) -> dict[str, Any]:
    """The parameters with what aliases stand for; ValueError for those that stand for each other."""
    found = dict(params)
    for name in params:
        seen = [name]
        while isinstance(found[name], ParameterAlias):
            other = found[name].alias_to
            if other in seen:
                raise ValueError(f"ParameterAlias cycle detected\n{params}")
            seen.append(other)
            found[name] = found[other]
    return found
