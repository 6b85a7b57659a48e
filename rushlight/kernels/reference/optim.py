"""One step of an optimizer over lists of arrays, in place."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["adam_step", "sgd_step"]

Array = NDArray[Any]


def _check(params: Sequence[Array], others: Sequence[Array | None], name: str, written: bool) -> None:
    if len(others) != len(params):
        raise ValueError(f"{name}: expected {len(params)} arrays, but got {len(others)}")
    for i, (param, other) in enumerate(zip(params, others, strict=True)):
        if other is None:
            continue
        if other.shape != param.shape:
            raise ValueError(f"{name}[{i}]: the shape differs from the parameter's")
        if written and not other.flags.writeable:
            raise ValueError(f"{name}[{i}] is read-only")


def sgd_step(
    params: list[Array],
    grads: list[Array],
    momentum_buffers: list[Array | None],
    lr: float,
    momentum: float = 0.0,
    dampening: float = 0.0,
    weight_decay: float = 0.0,
    nesterov: bool = False,
    maximize: bool = False,
) -> None:
    """One step of stochastic gradient descent as torch.optim.SGD defines it.

    `momentum_buffers` is read only with momentum; an entry None becomes an array at its first step.
    """
    _check(params, params, "params", True)
    _check(params, grads, "grads", False)
    if momentum:
        _check(params, momentum_buffers, "momentum_buffers", True)
    for i, (param, grad) in enumerate(zip(params, grads, strict=True)):
        number = param.dtype.type
        if maximize:
            grad = -grad
        if weight_decay:
            grad = grad + number(weight_decay) * param
        if momentum:
            buffer = momentum_buffers[i]
            if buffer is None:
                buffer = momentum_buffers[i] = np.array(grad, param.dtype, order="C")
            else:
                buffer *= number(momentum)
                buffer += number(1 - dampening) * grad
            grad = grad + number(momentum) * buffer if nesterov else buffer
        param += number(-lr) * grad


def adam_step(
    params: list[Array],
    grads: list[Array],
    exp_avgs: list[Array],
    exp_avg_sqs: list[Array],
    max_exp_avg_sqs: list[Array],
    step: float,
    lr: float,
    beta1: float,
    beta2: float,
    eps: float,
    weight_decay: float = 0.0,
    amsgrad: bool = False,
    decoupled_weight_decay: bool = False,
    maximize: bool = False,
) -> None:
    """Step number `step` (from 1) of Adam (arXiv:1412.6980), or AdamW with `decoupled_weight_decay` (arXiv:1711.05101).

    `max_exp_avg_sqs` is read only with `amsgrad`.
    """
    states = {"params": params, "exp_avgs": exp_avgs, "exp_avg_sqs": exp_avg_sqs}
    if amsgrad:
        states["max_exp_avg_sqs"] = max_exp_avg_sqs
    _check(params, grads, "grads", False)
    for name, arrays in states.items():
        _check(params, arrays, name, True)
    step_size = lr / (1 - beta1**step)
    root_correction = sqrt(1 - beta2**step)
    for i, (param, grad) in enumerate(zip(params, grads, strict=True)):
        number = param.dtype.type
        if maximize:
            grad = -grad
        if weight_decay and decoupled_weight_decay:
            param *= number(1 - lr * weight_decay)
        elif weight_decay:
            grad = grad + number(weight_decay) * param
        mean, square = exp_avgs[i], exp_avg_sqs[i]
        mean += number(1 - beta1) * (grad - mean)
        square *= number(beta2)
        square += number(1 - beta2) * grad * grad
        if amsgrad:
            square = np.maximum(max_exp_avg_sqs[i], square, out=max_exp_avg_sqs[i])
        denominator = np.sqrt(square) / number(root_correction) + number(eps)
        param += number(-step_size) * mean / denominator
