"""Adam for sparse gradients: only the rows that a gradient has are moved."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from rushlight import kernels
from rushlight.layout import preserve_format
from rushlight.ops.creation import zeros_like
from rushlight.optim._arithmetic import move_rows
from rushlight.optim.optimizer import Optimizer, ParamsT, call_closure, check_betas
from rushlight.tensor import Tensor

__all__ = ["SparseAdam"]


class SparseAdam(Optimizer):
    """Adam's step at the entries of a sparse gradient; the moments of all other entries stay as they are.

    `m = β₁ m + (1 - β₁) g`, `v = β₂ v + (1 - β₂) g²`, `p -= lr √(1 - β₂ᵗ) / (1 - β₁ᵗ) · m / (√v + eps)`. For embeddings
    with `sparse=True`. Raises ValueError for options out of range and for sparse parameters; from `step`, RuntimeError
    for a dense gradient.

    >>> import rushlight as torch
    >>> table = torch.nn.Embedding(3, 1, sparse=True)
    >>> optimizer = torch.optim.SparseAdam(table.parameters(), lr=0.1)
    >>> before = table.weight.detach().clone()
    >>> table(torch.tensor([1])).sum().backward()
    >>> optimizer.step()
    >>> (before - table.weight.detach()).squeeze(1)
    tensor([0.0000, 0.1000, 0.0000])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.optim.SparseAdam.html; Kingma and Ba, 2015.
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        maximize: bool = False,
    ) -> None:
        if not lr > 0.0:
            raise ValueError(f"Invalid learning rate: {lr}")
        if not eps > 0.0:
            raise ValueError(f"Invalid epsilon value: {eps}")
        check_betas(betas)
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps, "maximize": maximize})
        sparse = [
            [i, j] for i, group in enumerate(self.param_groups) for j, p in enumerate(group["params"]) if p.is_sparse
        ]
        if sparse:
            raise ValueError(f"Sparse params at indices {sparse}: SparseAdam requires dense parameter tensors")

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Move the rows of every parameter that its gradient has; with a closure, return what it returns."""
        loss = call_closure(closure)
        for group in self.param_groups:
            for p in self._with_gradients(group):
                if not p._grad.is_sparse:
                    raise RuntimeError("SparseAdam does not support dense gradients, please consider Adam instead")
                state = self.state[p]
                if not state:
                    state["step"] = 0
                    state["exp_avg"] = zeros_like(p.detach(), memory_format=preserve_format)
                    state["exp_avg_sq"] = zeros_like(p.detach(), memory_format=preserve_format)
                state["step"] += 1
                self._move(p, state, group)
        return loss

    @staticmethod
    def _move(param: Any, state: dict[str, Any], group: dict[str, Any]) -> None:
        (beta1, beta2), count = group["betas"], state["step"]
        move_rows(
            kernels.adam_step,
            param,
            param._grad,
            [state["exp_avg"], state["exp_avg_sq"], None],
            rate=float(group["lr"]) * math.sqrt(1 - beta2**count) / (1 - beta1**count),
            root_correction=1.0,
            beta1=beta1,
            beta2=beta2,
            eps=group["eps"],
            maximize=group["maximize"],
        )
