"""How the PyTorch installed here draws its random numbers."""

from __future__ import annotations


def torch_draws_bernoulli_serially() -> bool:
    """False for PyTorch built with MKL on an Intel processor: it takes one draw as the seed of a generator of MKL's."""
    import torch

    torch.manual_seed(0)
    torch.empty(50).bernoulli_(0.5)
    return int.from_bytes(torch.get_rng_state().numpy()[16:24].tobytes(), "little") > 50
