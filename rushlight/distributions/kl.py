"""Kullback-Leibler divergences: the names of `torch.distributions.kl`.

Source: https://docs.pytorch.org/docs/2.13/distributions.html#module-torch.distributions.kl
"""

# The formulas register themselves.
from rushlight.distributions import _kl_alike as _kl_alike
from rushlight.distributions import _kl_multivariate as _kl_multivariate
from rushlight.distributions import _kl_unlike as _kl_unlike
from rushlight.distributions._kl_registry import _KL_REGISTRY as _KL_REGISTRY
from rushlight.distributions._kl_registry import kl_divergence, register_kl

__all__ = ["kl_divergence", "register_kl"]
