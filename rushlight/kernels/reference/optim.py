"""One step of an optimizer over lists of arrays, in place.

A list of states has an array for each parameter, or None where a configuration has none. `rows`, where a step takes it,
says that each gradient has rows of its parameter only: those that `rows[i]` names, each once and in order. The classes
in `rushlight.optim` have the formulas.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import steps

__all__ = [
    "adadelta_step", "adagrad_step", "adam_step", "adamax_step", "asgd_step", "nadam_step", "radam_step",
    "rmsprop_step", "rprop_step", "scale_all",
    "sgd_step", "squares_of_all",
]  # fmt: skip

Array = NDArray[Any]
Lists = Sequence[Array | None] | Sequence[Array]
States = Mapping[str, Lists]
_VERBS = steps.ArrayVerbs()


def _check(params: Lists, grads: Lists, states: States, rows: Sequence[Array] | None = None) -> None:
    """ValueError for lists of other lengths, shapes and kinds than the parameters'."""
    for name, arrays in {"params": params, "grads": grads, **states}.items():
        if len(arrays) != len(params):
            raise ValueError(f"{name}: expected {len(params)} arrays, but got {len(arrays)}")
        for i, (param, array) in enumerate(zip(params, arrays, strict=True)):
            if array is None:
                continue
            assert param is not None
            if name == "grads" and rows is not None:
                _check_rows(rows, i, param, array)
            elif array.shape != param.shape:
                raise ValueError(f"{name}[{i}]: the shape differs from the parameter's")
            if name != "grads" and not array.flags.writeable:
                raise ValueError(f"{name}[{i}] is read-only")


def _check_rows(rows: Sequence[Array], i: int, param: Array, grad: Array) -> None:
    if len(rows) <= i:
        raise ValueError(f"rows: expected {i + 1} arrays or more, but got {len(rows)}")
    named = rows[i]
    if grad.shape[:1] != named.shape or not param.ndim:
        raise ValueError(f"grads[{i}]: expected as many rows as are named")
    if grad.shape[1:] != param.shape[1:]:
        raise ValueError(f"grads[{i}]: the shape differs from the parameter's")
    if named.size and (named[0] < 0 or named[-1] >= len(param) or (np.diff(named) <= 0).any()):
        raise ValueError(f"rows[{i}]: expected row numbers in range, each once and in order")


def _each(
    body: Callable[..., None],
    params: Lists,
    grads: Lists,
    states: States,
    rows: Sequence[Array] | None,
    *numbers: Any,
) -> None:
    """The step of every parameter, or of its rows: these are taken out, moved and put back."""
    _check(params, grads, states, rows)
    for i, grad in enumerate(grads):
        arrays = [params[i], *(state[i] for state in states.values())]
        moved = arrays if rows is None else [None if a is None else a[rows[i]] for a in arrays]
        body(_VERBS, moved[0], grad, *moved[1:], *numbers)
        for array, part in zip(arrays, moved, strict=True) if rows is not None else ():
            if array is not None and rows is not None:
                array[rows[i]] = part


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
    _check(params, grads, {"momentum_buffers": momentum_buffers} if momentum else {})
    for i, (param, grad) in enumerate(zip(params, grads, strict=True)):
        number = param.dtype.type
        grad = _VERBS.descent(grad, param, number(weight_decay), maximize)
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
    max_exp_avg_sqs: list[Array | None],
    rate: float,
    root_correction: float,
    beta1: float,
    beta2: float,
    eps: float,
    keep: float = 1.0,
    weight_decay: float = 0.0,
    maximize: bool = False,
    rows: list[Array] | None = None,
) -> None:
    """A step of Adam: `rate · mean / (sqrt(square) / root_correction + eps)`, AMSGrad's with a largest square.

    `keep` is what a decoupled weight decay leaves of the parameter, `weight_decay` is added to the gradient.
    """
    states: States = {"exp_avgs": exp_avgs, "exp_avg_sqs": exp_avg_sqs, "max_exp_avg_sqs": max_exp_avg_sqs}
    numbers = rate, root_correction, beta1, beta2, eps, keep, weight_decay, maximize
    _each(steps.adam, params, grads, states, rows, *numbers)


def adagrad_step(
    params: list[Array],
    grads: list[Array],
    sums: list[Array],
    rate: float,
    eps: float,
    weight_decay: float = 0.0,
    maximize: bool = False,
    rows: list[Array] | None = None,
) -> None:
    """A step of Adagrad: `rate · gradient / (sqrt(sum) + eps)`."""
    states = {"sums": sums}
    _each(steps.adagrad, params, grads, states, rows, rate, eps, weight_decay, maximize)


def rmsprop_step(
    params: list[Array],
    grads: list[Array],
    square_avgs: list[Array],
    grad_avgs: list[Array | None],
    momentum_buffers: list[Array | None],
    lr: float,
    alpha: float,
    eps: float,
    momentum: float = 0.0,
    weight_decay: float = 0.0,
    maximize: bool = False,
) -> None:
    """A step of RMSprop, centered where there is a mean and with momentum where there is a buffer."""
    states: States = {"square_avgs": square_avgs, "grad_avgs": grad_avgs, "momentum_buffers": momentum_buffers}
    _each(steps.rmsprop, params, grads, states, None, lr, alpha, eps, momentum, weight_decay, maximize)


def adadelta_step(
    params: list[Array],
    grads: list[Array],
    square_avgs: list[Array],
    acc_deltas: list[Array],
    lr: float,
    rho: float,
    eps: float,
    weight_decay: float = 0.0,
    maximize: bool = False,
) -> None:
    """A step of Adadelta."""
    states = {"square_avgs": square_avgs, "acc_deltas": acc_deltas}
    _each(steps.adadelta, params, grads, states, None, lr, rho, eps, weight_decay, maximize)


def nadam_step(
    params: list[Array],
    grads: list[Array],
    exp_avgs: list[Array],
    exp_avg_sqs: list[Array],
    now: float,
    ahead: float,
    correction: float,
    beta1: float,
    beta2: float,
    eps: float,
    keep: float = 1.0,
    weight_decay: float = 0.0,
    maximize: bool = False,
) -> None:
    """A step of NAdam: `(now · gradient + ahead · mean) / (sqrt(square / correction) + eps)`."""
    states = {"exp_avgs": exp_avgs, "exp_avg_sqs": exp_avg_sqs}
    numbers = now, ahead, correction, beta1, beta2, eps, keep, weight_decay, maximize
    _each(steps.nadam, params, grads, states, None, *numbers)


def radam_step(
    params: list[Array],
    grads: list[Array],
    exp_avgs: list[Array],
    exp_avg_sqs: list[Array],
    lr: float,
    mean_correction: float,
    square_correction: float,
    rectified: float,
    beta1: float,
    beta2: float,
    eps: float,
    keep: float = 1.0,
    weight_decay: float = 0.0,
    maximize: bool = False,
) -> None:
    """A step of RAdam; `rectified` is 0 while the variance is not tractable."""
    states = {"exp_avgs": exp_avgs, "exp_avg_sqs": exp_avg_sqs}
    corrections = mean_correction, square_correction, rectified
    _each(steps.radam, params, grads, states, None, lr, *corrections, beta1, beta2, eps, keep, weight_decay, maximize)


def adamax_step(
    params: list[Array],
    grads: list[Array],
    exp_avgs: list[Array],
    exp_infs: list[Array],
    rate: float,
    beta1: float,
    beta2: float,
    eps: float,
    weight_decay: float = 0.0,
    maximize: bool = False,
) -> None:
    """A step of Adamax: `rate · mean / largest`."""
    states = {"exp_avgs": exp_avgs, "exp_infs": exp_infs}
    _each(steps.adamax, params, grads, states, None, rate, beta1, beta2, eps, weight_decay, maximize)


def asgd_step(
    params: list[Array],
    grads: list[Array],
    averages: list[Array],
    rate: float,
    keep: float,
    share: float,
    weight_decay: float = 0.0,
    maximize: bool = False,
) -> None:
    """A step of averaged gradient descent; with a `share` of 1 the average becomes a copy of the parameter."""
    states = {"averages": averages}
    _each(steps.asgd, params, grads, states, None, rate, keep, share, weight_decay, maximize)


def rprop_step(
    params: list[Array],
    grads: list[Array],
    prevs: list[Array],
    step_sizes: list[Array],
    down: float,
    up: float,
    smallest: float,
    largest: float,
    maximize: bool = False,
) -> None:
    """A step of Rprop."""
    states = {"prevs": prevs, "step_sizes": step_sizes}
    _each(steps.rprop, params, grads, states, None, down, up, smallest, largest, maximize)


def squares_of_all(arrays: list[Array]) -> float:
    """The sum of the squares of all elements of several arrays."""
    return sum(float(np.square(x.astype(np.float64)).sum()) for x in arrays)


def scale_all(arrays: list[Array], factor: float) -> None:
    """Multiply several arrays by a factor, in place."""
    for i, x in enumerate(arrays):
        if not x.flags.writeable:
            raise ValueError(f"arrays[{i}] is read-only")
        x *= x.dtype.type(factor)
