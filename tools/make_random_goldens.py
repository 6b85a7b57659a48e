"""Write tests/golden/random.npz: numbers that PyTorch drew, for tests that run without it.

Run with PyTorch 2.13 installed: `python tools/make_random_goldens.py`. `tests/test_random.py` names the calls.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

CALLS = {
    "rand": "t.rand(20)",
    "rand float64": "t.rand(20, dtype=t.float64)",
    "uniform_": "t.empty(20).uniform_(-0.3, 0.7)",
    "randn small": "t.randn(5)",
    "randn 16": "t.randn(16)",
    "randn 23": "t.randn(23)",
    "randn float64": "t.randn(23, dtype=t.float64)",
    "normal_ of a column": "t.zeros(20, 2)[:, 0].normal_(1, 2)",
    "randint": "t.randint(-3, 9, (20,))",
    "randint wide": "t.randint(0, 2**40, (20,))",
    "randperm": "t.randperm(30)",
    "bernoulli_": "t.zeros(30).bernoulli_(0.3)",
    "bernoulli": "t.bernoulli(t.full((30,), 0.3))",
    "multinomial": "t.multinomial(t.tensor([1.0, 2.0, 3.0]), 20, True)",
    "exponential_": "t.zeros(10).exponential_(2.0)",
    "geometric_": "t.zeros(10).geometric_(0.2)",
    "cauchy_": "t.zeros(10).cauchy_()",
    "log_normal_": "t.zeros(10).log_normal_()",
    "poisson": "t.poisson(t.tensor([0.5, 3.0, 30.0, 300.0]))",
    "seed of a loader": "t.empty((), dtype=t.int64).random_()",
    "kaiming": "t.nn.init.kaiming_uniform_(t.empty(4, 5), a=5**0.5)",
    "trunc_normal": "t.nn.init.trunc_normal_(t.empty(30))",
    "dropout": "t.nn.functional.dropout(t.ones(30), 0.3)",
    "alpha_dropout": "t.nn.functional.alpha_dropout(t.ones(10), 0.3, True)",
    "state": "(t.randn(3), t.get_rng_state())[1]",
}


def main() -> None:
    """Draw each call after seed 20 and keep the results."""
    arrays = {}
    for name, call in CALLS.items():
        torch.manual_seed(20)
        arrays[name] = eval(call, {"t": torch}).numpy()
    np.savez_compressed(Path(__file__).parents[1] / "tests" / "golden" / "random.npz", **arrays)


if __name__ == "__main__":
    main()
