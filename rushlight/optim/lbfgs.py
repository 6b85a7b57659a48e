"""L-BFGS."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

from rushlight.autograd.grad_mode import enable_grad
from rushlight.ops.complex_views import view_as_real
from rushlight.ops.creation import zeros
from rushlight.ops.joining import cat
from rushlight.optim._arithmetic import number, to_scalar
from rushlight.optim._line_search import Point, strong_wolfe
from rushlight.optim.optimizer import Optimizer, ParamsT, check_lr, is_sparse, use_grad_for_differentiable
from rushlight.tensor import Tensor

__all__ = ["LBFGS"]

# A pair whose curvature is less says nothing of the Hessian.
_LEAST_CURVATURE = 1e-10


@dataclass
class _Memory:
    """What the method remembers between iterations, under the names that a checkpoint has."""

    d: Any = None
    t: Any = None
    old_dirs: Any = None
    old_stps: Any = None
    ro: Any = None
    H_diag: Any = None
    prev_flat_grad: Any = None
    prev_loss: Any = None


class LBFGS(Optimizer):
    """Quasi-Newton steps `p += t · d` with `d = -H g`, H the inverse Hessian as the last `history_size` steps show it.

    A step is up to `max_iter` iterations and `max_eval` (5/4 of them by default) calls of the closure, which is called
    again and again and has to clear the gradients, compute the loss, and call `backward()`. It ends early where the
    largest gradient is at most `tolerance_grad`, or where the change of the parameters or of the loss is below
    `tolerance_change`. The step length t is `lr` (the first, `min(1, 1 / Σ|g|) · lr`), or, with `line_search_fn`
    "strong_wolfe", found by a line search that begins there.

    All parameters are one group and live on one device; the method needs `history_size + 1` times their memory. Raises
    ValueError for a negative `lr` and for several groups, RuntimeError for another line search.

    >>> import rushlight as torch
    >>> w = torch.nn.Parameter(torch.tensor([3.0, -2.0]))
    >>> optimizer = torch.optim.LBFGS([w], line_search_fn="strong_wolfe")
    >>> def closure():
    ...     optimizer.zero_grad()
    ...     loss = ((w - 1) ** 2).sum()
    ...     loss.backward()
    ...     return loss
    >>> optimizer.step(closure)
    tensor(13., grad_fn=<SumBackward0>)
    >>> w.detach().round(decimals=3)
    tensor([1., 1.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.optim.LBFGS.html; Nocedal, 1980.
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
        line_search_fn: str | None = None,
    ) -> None:
        check_lr(lr)
        defaults = {
            "lr": lr,
            "max_iter": max_iter,
            "max_eval": max_iter * 5 // 4 if max_eval is None else max_eval,
            "tolerance_grad": tolerance_grad,
            "tolerance_change": tolerance_change,
            "history_size": history_size,
            "line_search_fn": line_search_fn,
        }
        super().__init__(params, defaults)
        if len(self.param_groups) != 1:
            raise ValueError("LBFGS doesn't support per-parameter options (parameter groups)")

    @property
    def _params(self) -> list[Any]:
        return self.param_groups[0]["params"]

    def _flat_grad(self) -> Any:
        """All gradients as one vector, complex ones as their parts."""
        views = []
        for p in self._params:
            if p._grad is None:
                view = zeros(p.numel(), dtype=p.dtype)
            else:
                view = (p._grad.to_dense() if is_sparse(p._grad) else p._grad).reshape(-1)
            views.append(view_as_real(view).reshape(-1) if view.dtype.is_complex else view)
        return cat(views, 0)

    def _move(self, t: Any, direction: Any) -> None:
        """Go a distance along a direction."""
        offset = 0
        for p in self._params:
            real = view_as_real(p) if p.dtype.is_complex else p
            count = real.numel()
            real.add_(direction[offset : offset + count].view_as(real), alpha=number(t))
            offset += count

    @use_grad_for_differentiable
    def step(self, closure: Callable[[], Any]) -> Any:
        """Take the iterations of one step, and return the loss that the closure had at their start."""
        if len(self.param_groups) != 1:
            raise AssertionError(f"Expected exactly one param_group, but got {len(self.param_groups)}")
        closure = enable_grad()(closure)
        group = self.param_groups[0]
        state = self.state[self._params[0]]
        state.setdefault("func_evals", 0)
        state.setdefault("n_iter", 0)
        first_loss = closure()
        loss = float(first_loss)
        state["func_evals"] += 1
        grad = self._flat_grad()
        if grad.abs().max() <= group["tolerance_grad"]:
            return first_loss
        memory = _Memory(**{field.name: state.get(field.name) for field in fields(_Memory)})
        self._iterate(closure, group, state, memory, loss, grad)
        state.update(vars(memory))
        return first_loss

    def _iterate(self, closure: Any, group: Any, state: Any, memory: _Memory, loss: float, grad: Any) -> None:
        lr, max_iter, max_eval = to_scalar(group["lr"]), group["max_iter"], group["max_eval"]
        evaluations = 1
        for iteration in range(1, max_iter + 1):
            state["n_iter"] += 1
            _turn(memory, state, grad, group["history_size"])
            if memory.prev_flat_grad is None:
                memory.prev_flat_grad = grad.clone()
            else:
                memory.prev_flat_grad.copy_(grad)
            memory.prev_loss = loss
            memory.t = min(1.0, 1.0 / grad.abs().sum()) * lr if state["n_iter"] == 1 else lr
            slope = grad.dot(memory.d)
            if slope > -group["tolerance_change"]:
                break
            used = 0
            if group["line_search_fn"] is not None:
                here = Point(0, loss, grad, slope)
                end, used = self._search(closure, group, memory, here, max_eval - evaluations)
                loss, grad, memory.t = end.f, end.grad, end.t
                self._move(memory.t, memory.d)
            else:
                self._move(memory.t, memory.d)
                if iteration != max_iter:
                    loss, grad, used = float(closure()), self._flat_grad(), 1
            evaluations += used
            state["func_evals"] += used
            if (
                iteration == max_iter
                or evaluations >= max_eval
                or grad.abs().max() <= group["tolerance_grad"]
                or memory.d.mul(memory.t).abs().max() <= group["tolerance_change"]
                or abs(loss - memory.prev_loss) < group["tolerance_change"]
            ):
                break

    def _search(self, closure: Any, group: Any, memory: _Memory, start: Point, limit: int) -> tuple[Point, int]:
        if group["line_search_fn"] != "strong_wolfe":
            raise RuntimeError(f"only 'strong_wolfe' is supported, got {group['line_search_fn']!r}")
        places = [p.clone() for p in self._params]

        def evaluate(t: Any) -> Point:
            self._move(t, memory.d)
            loss, grad = float(closure()), self._flat_grad()
            for p, place in zip(self._params, places, strict=True):
                p.copy_(place)
            return Point(t, loss, grad, grad.dot(memory.d))

        size = memory.d.abs().max()
        return strong_wolfe(evaluate, memory.t, start, size, tolerance=1e-9, limit=limit)


def _turn(memory: _Memory, state: dict[str, Any], grad: Any, history_size: int) -> None:
    """Learn from the last step, and set the direction of the next: the two-loop recursion."""
    if state["n_iter"] == 1:
        memory.d, memory.H_diag = grad.neg(), 1
        memory.old_dirs, memory.old_stps, memory.ro = [], [], []
        return
    change, moved = grad.sub(memory.prev_flat_grad), memory.d.mul(memory.t)
    curvature = change.dot(moved)
    dirs, steps, inverses = memory.old_dirs, memory.old_stps, memory.ro
    if curvature > _LEAST_CURVATURE:
        if len(dirs) == history_size:
            for kept in (dirs, steps, inverses):
                kept.pop(0)
        dirs.append(change)
        steps.append(moved)
        inverses.append(1.0 / curvature)
        memory.H_diag = curvature / change.dot(change)
    factors = state.setdefault("al", [None] * history_size)
    direction = grad.neg()
    for i in reversed(range(len(dirs))):
        factors[i] = steps[i].dot(direction) * inverses[i]
        direction.add_(dirs[i], alpha=-number(factors[i]))
    direction = direction.mul(memory.H_diag)
    for i in range(len(dirs)):
        back = dirs[i].dot(direction) * inverses[i]
        direction.add_(steps[i], alpha=number(factors[i] - back))
    memory.d = direction
