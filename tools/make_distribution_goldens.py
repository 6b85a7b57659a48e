"""Writes tests/golden/distributions.npz: what PyTorch's distributions give in the tests' cases.

`python tools/make_distribution_goldens.py`, with PyTorch 2.13.0 installed that draws exponential numbers in turn (not
by MKL). All numbers are in one float64 array, and what they are in a list of JSON: the case, what was observed, and
its dtype and shape, or the text that was observed.
"""

from __future__ import annotations

import itertools
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tests.distributions.divergences import MULTIVARIATE, UNIVARIATE, divergence  # noqa: E402
from tests.distributions.observations import CASES, observations, theirs_fails  # noqa: E402
from tests.distributions.transforms import TRANSFORMS, seen_of_a_transform  # noqa: E402

GOLDEN = ROOT / "tests" / "golden" / "distributions.npz"


def seen(library: Any) -> Iterator[tuple[str, str, Any]]:
    """All that the tests look at: the case, what is observed, and its value, an array or a text."""
    for name, make in CASES:
        for label, value in observations(library, make, "float64", False).items():
            if not theirs_fails(name, "float64", label):
                yield name, label, value
    for name, make, values in TRANSFORMS:
        for i, (label, value) in enumerate(seen_of_a_transform(library, make, values)):
            yield f"transform {name}", f"{i} {label}", value if isinstance(value, np.ndarray) else repr(value)
    for cases in (UNIVARIATE, MULTIVARIATE):
        for (p, of_p), (q, of_q) in itertools.product(cases, repeat=2):
            found = divergence(library, of_p, of_q)
            yield f"divergence of {q}", f"from {p}", found.__name__ if isinstance(found, type) else found[0]


def main() -> None:
    """Look at PyTorch's, and write it."""
    import torch

    from tests.parity.draws import torch_draws_bernoulli_serially

    if not torch_draws_bernoulli_serially():
        raise SystemExit("this PyTorch draws exponential numbers with MKL: run this on another processor")
    index: list[Any] = []
    numbers: list[Any] = []
    for case, label, value in seen(torch):
        if isinstance(value, str):
            index.append([case, label, value])
        else:
            value = np.asarray(value)
            index.append([case, label, value.dtype.name, list(value.shape)])
            numbers.append(value.astype(np.float64).ravel())
    texts = np.frombuffer(json.dumps(index).encode(), np.uint8)
    np.savez_compressed(GOLDEN, index=texts, numbers=np.concatenate(numbers))
    print(f"{len(index)} observations, {GOLDEN.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
