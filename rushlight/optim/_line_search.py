"""A line search that ends where the strong Wolfe conditions hold, for LBFGS.

Source: Nocedal and Wright, Numerical Optimization, 2nd edition, algorithms 3.5 and 3.6.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

__all__ = ["Point", "strong_wolfe"]

# Sufficient decrease, and the curvature that is left.
_DECREASE, _CURVATURE = 1e-4, 0.9


@dataclass
class Point:
    """A place on the line: how far along, the function there, its gradient, the gradient along the direction."""

    t: Any
    f: float
    grad: Any
    slope: Any


def _cubic_minimum(a: Point, b: Point, low: Any, high: Any) -> Any:
    """Where the cubic through two points with their slopes is least, between two bounds; their middle if nowhere."""
    d1 = a.slope + b.slope - 3 * (a.f - b.f) / (a.t - b.t)
    square = d1**2 - a.slope * b.slope
    if not square >= 0:
        return (low + high) / 2.0
    d2 = square.sqrt()
    if a.t <= b.t:
        best = b.t - (b.t - a.t) * ((b.slope + d2 - d1) / (b.slope - a.slope + 2 * d2))
    else:
        best = a.t - (a.t - b.t) * ((a.slope + d2 - d1) / (a.slope - b.slope + 2 * d2))
    return min(max(best, low), high)


def strong_wolfe(
    evaluate: Callable[[Any], Point], t: Any, start: Point, size: Any, tolerance: float, limit: int
) -> tuple[Point, int]:
    """The point that the search ends at, and how often the function was evaluated.

    `evaluate` gives the point at a distance, `start` is the one at 0, `size` the largest part of the direction; the
    search ends early when the points differ by less than `tolerance`, or after `limit` points more.
    """

    def falls_too_little(point: Point) -> bool:
        return bool(point.f > start.f + _DECREASE * point.t * start.slope)

    def is_flat(point: Point) -> bool:
        return bool(abs(point.slope) <= -_CURVATURE * start.slope)

    before, point = start, evaluate(t)
    used = 0
    bracket = None
    while used < limit:
        if falls_too_little(point) or (used > 1 and point.f >= before.f):
            bracket = [before, point]
            break
        if is_flat(point):
            return point, used + 1
        if point.slope >= 0:
            bracket = [before, point]
            break
        nearest, farthest = point.t + 0.01 * (point.t - before.t), point.t * 10
        t = _cubic_minimum(before, point, nearest, farthest)
        before, point = point, evaluate(t)
        used += 1
    if bracket is None:
        return (start if start.f <= point.f else point), used + 1

    low, high = _ordered(bracket)
    stalled = False
    while used < limit and not abs(bracket[1].t - bracket[0].t) * size < tolerance:
        t, stalled = _next_trial(bracket, stalled)
        point = evaluate(t)
        used += 1
        if falls_too_little(point) or point.f >= bracket[low].f:
            bracket[high] = point
            low, high = _ordered(bracket)
            continue
        done = is_flat(point)
        if not done and point.slope * (bracket[high].t - bracket[low].t) >= 0:
            bracket[high] = bracket[low]
        bracket[low] = point
        if done:
            break
    return bracket[low], used + 1


def _ordered(bracket: list[Point]) -> tuple[int, int]:
    """Which end of the bracket is lower, which higher."""
    return (0, 1) if bracket[0].f <= bracket[1].f else (1, 0)


def _next_trial(bracket: list[Point], stalled: bool) -> tuple[Any, bool]:
    """Where in the bracket to look next, and whether that is so near an end that the next trial must keep away."""
    left, right = min(bracket[0].t, bracket[1].t), max(bracket[0].t, bracket[1].t)
    t = _cubic_minimum(bracket[0], bracket[1], left, right)
    margin = 0.1 * (right - left)
    if not min(right - t, t - left) < margin:
        return t, False
    if not (stalled or t >= right or t <= left):
        return t, True
    return (right - margin if abs(t - right) < abs(t - left) else left + margin), False
