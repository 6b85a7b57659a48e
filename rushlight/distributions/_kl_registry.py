"""Which function computes the divergence of which two kinds of distributions."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

from rushlight.distributions.distribution import Distribution
from rushlight.tensor import Tensor

_KL_REGISTRY: dict[tuple[type, type], Callable[[Any, Any], Tensor]] = {}
# What was found for two classes, registered or derived from such; None for nothing.
_KL_MEMOIZE: dict[tuple[type, type], Callable[[Any, Any], Tensor] | None] = {}


def register_kl(type_p: type, type_q: type) -> Callable[[Any], Any]:
    """A decorator: let a function of p and q compute `kl_divergence` of two classes and those derived from them.

    The most specific pair registered counts; where two are equally specific, `kl_divergence` warns. TypeError for what
    is no class.

    >>> import rushlight as torch
    >>> class Spike(torch.distributions.Normal):
    ...     pass
    >>> @torch.distributions.register_kl(Spike, torch.distributions.Normal)
    ... def kl_spike_normal(p, q):
    ...     return torch.zeros(p.batch_shape)
    >>> torch.distributions.kl_divergence(Spike(0.0, 1.0), torch.distributions.Normal(1.0, 1.0))
    tensor(0.)

    Source: https://docs.pytorch.org/docs/2.13/distributions.html#torch.distributions.kl.register_kl
    """
    for name, given in (("type_p", type_p), ("type_q", type_q)):
        if not isinstance(given, type):
            raise TypeError(f"Expected {name} to be a Distribution subclass but got {given}")

    def decorator(function: Any) -> Any:
        _KL_REGISTRY[type_p, type_q] = function
        _KL_MEMOIZE.clear()
        return function

    return decorator


def _found(type_p: type, type_q: type) -> Callable[[Any, Any], Tensor] | None:
    """The function registered for the nearest classes that the two derive from."""
    of_p, of_q = type_p.__mro__, type_q.__mro__
    pairs = [(p, q) for p, q in _KL_REGISTRY if p in of_p and q in of_q]
    if not pairs:
        return None
    # Nearest in p and then q, and the other way round: where these differ, neither is the most specific.
    left = min(pairs, key=lambda pair: (of_p.index(pair[0]), of_q.index(pair[1])))
    right = min(pairs, key=lambda pair: (of_q.index(pair[1]), of_p.index(pair[0])))
    if _KL_REGISTRY[left] is not _KL_REGISTRY[right]:
        warnings.warn(
            f"Ambiguous kl_divergence({type_p.__name__}, {type_q.__name__}). Please register_kl({left[0].__name__}, "
            f"{right[1].__name__})",
            RuntimeWarning,
            stacklevel=3,
        )
    return _KL_REGISTRY[left]


def kl_divergence(p: Distribution, q: Distribution) -> Tensor:
    """The Kullback-Leibler divergence of q from p, `∫ p log(p / q)`, of shape `batch_shape`.

    NotImplementedError where none is registered for the two kinds; docs/distributions.md lists those that are.

    >>> import rushlight as torch
    >>> normal = torch.distributions.Normal
    >>> torch.distributions.kl_divergence(normal(0.0, 1.0), normal(1.0, 1.0))
    tensor(0.5000)

    Source: https://docs.pytorch.org/docs/2.13/distributions.html#torch.distributions.kl.kl_divergence
    """
    kinds = type(p), type(q)
    if kinds not in _KL_MEMOIZE:
        _KL_MEMOIZE[kinds] = _found(*kinds)
    function = _KL_MEMOIZE[kinds]
    if function is None:
        raise NotImplementedError(
            f"No KL(p || q) is implemented for p type {type(p).__name__} and q type {type(q).__name__}"
        )
    return function(p, q)
