"""Divergences of multivariate normal distributions, in either form of the covariance."""

from __future__ import annotations

from typing import Any

from rushlight.distributions._kl_registry import register_kl
from rushlight.distributions._matrices import (
    log_diagonal,
    low_rank_log_determinant,
    low_rank_mahalanobis,
    mahalanobis,
)
from rushlight.distributions.lowrank_multivariate_normal import LowRankMultivariateNormal
from rushlight.distributions.multivariate_normal import MultivariateNormal
from rushlight.linalg import solve_triangular
from rushlight.tensor import Tensor


def _check_events(p: Any, q: Any, kinds: str) -> None:
    if p.event_shape != q.event_shape:
        raise ValueError(
            f"KL-divergence between two {kinds} with different event shapes cannot be computed, got {p.event_shape} "
            f"and {q.event_shape}"
        )


def _squares(matrix: Tensor) -> Tensor:
    """The trace of `A Aᵀ`: the sum of A's squares."""
    return matrix.pow(2).sum((-2, -1))


def _log_determinant(of: LowRankMultivariateNormal) -> Tensor:
    return low_rank_log_determinant(*of._parts(), of._capacitance_tril)


def _distance(q: LowRankMultivariateNormal, loc: Tensor) -> Tensor:
    return low_rank_mahalanobis(*q._parts(), q.loc - loc, q._capacitance_tril)


def _removed(q: LowRankMultivariateNormal) -> tuple[Tensor, Tensor]:
    """D and A of q's precision matrix D⁻¹ - Aᵀ A."""
    factor, diagonal = q._parts()
    return diagonal, solve_triangular(q._capacitance_tril, factor.mT / diagonal.unsqueeze(-2), upper=False)


@register_kl(MultivariateNormal, MultivariateNormal)
def _both_full(p: MultivariateNormal, q: MultivariateNormal) -> Tensor:
    _check_events(p, q, "Multivariate Normals")
    p_factor, q_factor = p._unbroadcasted_scale_tril, q._unbroadcasted_scale_tril
    log_ratio = log_diagonal(q_factor) - log_diagonal(p_factor)
    trace = _squares(solve_triangular(q_factor, p_factor, upper=False))
    return log_ratio + 0.5 * (trace + mahalanobis(q_factor, q.loc - p.loc) - p.event_shape[0])


@register_kl(LowRankMultivariateNormal, LowRankMultivariateNormal)
def _both_low_rank(p: LowRankMultivariateNormal, q: LowRankMultivariateNormal) -> Tensor:
    _check_events(p, q, "Low Rank Multivariate Normals")
    p_factor, p_diagonal = p._parts()
    diagonal, removed = _removed(q)
    of_diagonals = (p_diagonal / diagonal).sum(-1) + _squares(p_factor * diagonal.rsqrt().unsqueeze(-1))
    of_removed = _squares(removed * p_diagonal.sqrt().unsqueeze(-2)) + _squares(removed @ p_factor)
    log_ratio = _log_determinant(q) - _log_determinant(p)
    return 0.5 * (log_ratio + of_diagonals - of_removed + _distance(q, p.loc) - p.event_shape[0])


@register_kl(MultivariateNormal, LowRankMultivariateNormal)
def _full_low_rank(p: MultivariateNormal, q: LowRankMultivariateNormal) -> Tensor:
    _check_events(p, q, "(Low Rank) Multivariate Normals")
    p_factor = p._unbroadcasted_scale_tril
    diagonal, removed = _removed(q)
    trace = _squares(p_factor * diagonal.rsqrt().unsqueeze(-1)) - _squares(removed @ p_factor)
    log_ratio = _log_determinant(q) - 2 * log_diagonal(p_factor)
    return 0.5 * (log_ratio + trace + _distance(q, p.loc) - p.event_shape[0])


@register_kl(LowRankMultivariateNormal, MultivariateNormal)
def _low_rank_full(p: LowRankMultivariateNormal, q: MultivariateNormal) -> Tensor:
    _check_events(p, q, "(Low Rank) Multivariate Normals")
    p_factor, p_diagonal = p._parts()
    q_factor = q._unbroadcasted_scale_tril
    of_factor = _squares(solve_triangular(q_factor, p_factor, upper=False))
    of_diagonal = _squares(solve_triangular(q_factor, p_diagonal.sqrt().diag_embed(), upper=False))
    log_ratio = 2 * log_diagonal(q_factor) - _log_determinant(p)
    distance = mahalanobis(q_factor, q.loc - p.loc)
    return 0.5 * (log_ratio + of_factor + of_diagonal + distance - p.event_shape[0])
