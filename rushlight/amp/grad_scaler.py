"""Gradients of float16 without underflow: the loss is scaled up before the backward pass, the gradients down after."""

from __future__ import annotations

import inspect
import math
import warnings
from collections import defaultdict
from collections.abc import Iterable
from enum import Enum
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import dtypes
from rushlight.autograd.grad_mode import no_grad
from rushlight.autograd.variable import Variable
from rushlight.ops.creation import full

if TYPE_CHECKING:
    from rushlight.optim import Optimizer
    from rushlight.tensor import Tensor

__all__ = ["GradScaler", "OptState"]

_HINT = "This may indicate your script did not use scaler.scale(loss or outputs) earlier in the iteration."


class OptState(Enum):
    """How far an optimizer is between two calls of `GradScaler.update`."""

    READY = 0
    UNSCALED = 1
    STEPPED = 2


def _fresh() -> dict[str, Any]:
    return {"stage": OptState.READY, "found_inf_per_device": {}}


class GradScaler:
    """A factor for the loss that grows as long as all gradients are finite, and shrinks where one is not.

    `scale(loss).backward()` makes scaled gradients; `step(optimizer)` divides them by the scale and steps, unless one
    is infinite or NaN; `update()` then multiplies the scale by `backoff_factor` where a step was left out, or by
    `growth_factor` after `growth_interval` steps in a row.

    Args:
        device: "cpu"; a scaler for "cuda" switches itself off with a warning.
        init_scale: the scale at the start.
        growth_factor: above 1; AssertionError otherwise.
        backoff_factor: below 1; AssertionError otherwise.
        growth_interval: how many steps in a row let the scale grow.
        enabled: whether it does anything: without, `step` calls the optimizer's own and the rest changes nothing.

    >>> import rushlight as torch
    >>> weight = torch.nn.Parameter(torch.tensor([1.0]))
    >>> optimizer = torch.optim.SGD([weight], lr=0.5)
    >>> scaler = torch.amp.GradScaler("cpu", init_scale=8.0)
    >>> scaler.scale(weight.sum()).backward()
    >>> weight.grad
    tensor([8.])
    >>> scaler.step(optimizer)
    >>> scaler.update()
    >>> weight.item(), scaler.get_scale()
    (0.5, 8.0)

    Source: https://docs.pytorch.org/docs/2.13/amp.html#torch.amp.GradScaler
    """

    def __init__(
        self,
        device: str = "cuda",
        init_scale: float = 2.0**16,
        growth_factor: float = 2.0,
        backoff_factor: float = 0.5,
        growth_interval: int = 2000,
        enabled: bool = True,
    ) -> None:
        self._device = device
        self._enabled = enabled
        if device == "cuda" and enabled:
            warnings.warn("torch.cuda.amp.GradScaler is enabled, but CUDA is not available.  Disabling.", stacklevel=2)
            self._enabled = False
        if not self._enabled:
            return
        if growth_factor <= 1.0:
            raise AssertionError("The growth factor must be > 1.0.")
        if backoff_factor >= 1.0:
            raise AssertionError("The backoff factor must be < 1.0.")
        self._init_scale = init_scale
        self._scale: Tensor | None = None
        self._growth_factor = growth_factor
        self._backoff_factor = backoff_factor
        self._growth_interval = growth_interval
        self._init_growth_tracker = 0
        self._growth_tracker: Tensor | None = None
        self._per_optimizer_states: dict[int, dict[str, Any]] = defaultdict(_fresh)

    def _made(self, function: str) -> tuple[Tensor, Tensor]:
        if self._scale is None:
            raise AssertionError(f"Attempted {function} but _scale is None.  {_HINT}")
        if self._growth_tracker is None:
            raise AssertionError(f"Attempted {function} but _growth_tracker is None.  {_HINT}")
        return self._scale, self._growth_tracker

    def _current(self) -> Tensor:
        if self._scale is None:
            self._scale = full((), self._init_scale, dtype=dtypes.float32)
            self._growth_tracker = full((), self._init_growth_tracker, dtype=dtypes.int32)
        return self._scale

    def scale(self, outputs: Any) -> Any:
        """A tensor, or tensors in lists, tuples and other iterables, times the scale.

        ValueError for anything else.
        """
        if not self._enabled:
            return outputs
        if isinstance(outputs, Variable):
            return outputs * self._current()
        return self._scaled(outputs)

    def _scaled(self, value: Any) -> Any:
        if isinstance(value, Variable):
            return value * self._current()
        if isinstance(value, Iterable):
            items = map(self._scaled, value)
            return type(value)(items) if isinstance(value, (list, tuple)) else items
        raise ValueError("outputs must be a Tensor or an iterable of Tensors")

    def _check_grads(self, optimizer: Optimizer, inverse: Tensor | None) -> dict[Any, Tensor]:
        """Whether an optimizer's gradients are all finite (0) or not (1), by device; multiply them by `inverse`.

        Without `inverse` they stay as they are, and float16 is allowed. Without gradients there is nothing to say.
        """
        found: dict[Any, Tensor] = {}
        with no_grad():
            for group in optimizer.param_groups:
                for parameter in group["params"]:
                    if not isinstance(parameter, Variable):
                        raise AssertionError(f"expected param to be torch.Tensor, got {type(parameter).__name__}")
                    gradient: Any = parameter.grad
                    if gradient is None:
                        continue
                    if inverse is not None and gradient.dtype is dtypes.float16:
                        raise ValueError("Attempting to unscale FP16 gradients.")
                    values = gradient._values() if gradient.is_sparse else gradient
                    found_inf = found.setdefault(gradient.device, full((), 0.0, dtype=dtypes.float32))
                    if not np.isfinite(values._array).all():
                        found_inf.fill_(1.0)
                    if inverse is not None:
                        values.mul_(inverse)
        return found

    def unscale_(self, optimizer: Optimizer) -> None:
        """Divide the gradients of an optimizer's parameters by the scale now, to clip or look at them before `step`.

        Once between two calls of `update`, before `step`: RuntimeError otherwise. ValueError for gradients in float16.
        """
        if not self._enabled:
            return
        scale, _ = self._made("unscale_")
        state = self._per_optimizer_states[id(optimizer)]
        if state["stage"] is OptState.UNSCALED:
            raise RuntimeError("unscale_() has already been called on this optimizer since the last update().")
        if state["stage"] is OptState.STEPPED:
            raise RuntimeError("unscale_() is being called after step().")
        state["found_inf_per_device"] = self._check_grads(optimizer, scale.double().reciprocal().float())
        state["stage"] = OptState.UNSCALED

    def step(self, optimizer: Optimizer, *args: Any, **kwargs: Any) -> Any:
        """Call `optimizer.step(*args, **kwargs)` with unscaled gradients and return what it does; None where one is
        infinite or NaN, and nothing is stepped.

        RuntimeError for a closure or a second call before `update`, AssertionError where no parameter has a gradient.
        """
        if not self._enabled:
            return optimizer.step(*args, **kwargs)
        if "closure" in kwargs:
            raise RuntimeError("Closure use is not currently supported if GradScaler is enabled.")
        self._made("step")
        state = self._per_optimizer_states[id(optimizer)]
        if state["stage"] is OptState.STEPPED:
            raise RuntimeError("step() has already been called since the last update().")
        if getattr(optimizer, "_step_supports_amp_scaling", False):
            return self._step_scaled(optimizer, state, args, kwargs)
        if state["stage"] is OptState.READY:
            self.unscale_(optimizer)
        if not state["found_inf_per_device"]:
            raise AssertionError("No inf checks were recorded for this optimizer.")
        found = sum(found_inf.item() for found_inf in state["found_inf_per_device"].values())
        result = None if found else optimizer.step(*args, **kwargs)
        state["stage"] = OptState.STEPPED
        return result

    def _step_scaled(self, optimizer: Any, state: dict[str, Any], args: Any, kwargs: Any) -> Any:
        """The step of an optimizer that divides by the scale itself, and steps only where all is finite."""
        scale = self._current()
        if "grad_scaler" in inspect.signature(optimizer.step).parameters:
            warnings.warn(
                "GradScaler is going to stop passing itself as a keyword argument to the passed optimizer. In the near "
                "future GradScaler registers `grad_scale: Tensor` and `found_inf: Tensor` to the passed optimizer and "
                "let the optimizer use them directly.",
                FutureWarning,
                stacklevel=3,
            )
            result = optimizer.step(*args, **kwargs, grad_scaler=self)
            state["stage"] = OptState.STEPPED
            return result
        if state["stage"] is OptState.READY:
            state["found_inf_per_device"] = self._check_grads(optimizer, None)
        found = list(state["found_inf_per_device"].values())
        before = getattr(optimizer, "grad_scale", None)
        unscaled = state["stage"] is OptState.UNSCALED
        optimizer.grad_scale = before if unscaled else scale * (1 if before is None else before)
        optimizer.found_inf = found[0] if found else 0
        result = optimizer.step(*args, **kwargs)
        state["stage"] = OptState.STEPPED
        del optimizer.grad_scale, optimizer.found_inf
        return result

    def update(self, new_scale: float | Tensor | None = None) -> None:
        """Let the scale grow or shrink, or set it to `new_scale`, a number or a tensor of one element.

        AssertionError where no step was taken since the last call.
        """
        if not self._enabled:
            return
        scale, tracker = self._made("update")
        if new_scale is not None:
            self._set(scale, new_scale)
        else:
            states = self._per_optimizer_states.values()
            found = [found_inf.item() for state in states for found_inf in state["found_inf_per_device"].values()]
            if not found:
                raise AssertionError("No inf checks were recorded prior to update.")
            self._grow_or_shrink(scale, tracker, any(found))
        self._per_optimizer_states = defaultdict(_fresh)

    def _set(self, scale: Tensor, new_scale: Any) -> None:
        if isinstance(new_scale, float):
            scale.fill_(new_scale)
            return
        if new_scale.device.type != self._device or new_scale.numel() != 1 or new_scale.requires_grad:
            raise AssertionError(
                "new_scale should be a float or a 1-element torch.cuda.FloatTensor or torch.FloatTensor with "
                "requires_grad=False."
            )
        scale.copy_(new_scale)

    def _grow_or_shrink(self, scale: Tensor, tracker: Tensor, found_inf: bool) -> None:
        if found_inf:
            scale.fill_(scale.item() * self._backoff_factor)
            tracker.fill_(0)
            return
        steps = tracker.item() + 1
        if steps == self._growth_interval:
            grown = float(np.float32(scale.item() * self._growth_factor))
            if math.isfinite(grown):
                scale.fill_(grown)
            steps = 0
        tracker.fill_(steps)

    def get_scale(self) -> float:
        """The scale; 1.0 where scaling is off."""
        if not self._enabled:
            return 1.0
        return self._init_scale if self._scale is None else float(self._scale.item())

    def get_growth_factor(self) -> float:
        """What the scale is multiplied by when it grows."""
        return self._growth_factor

    def set_growth_factor(self, new_factor: float) -> None:
        """Choose what the scale is multiplied by when it grows."""
        self._growth_factor = new_factor

    def get_backoff_factor(self) -> float:
        """What the scale is multiplied by when it shrinks."""
        return self._backoff_factor

    def set_backoff_factor(self, new_factor: float) -> None:
        """Choose what the scale is multiplied by when it shrinks."""
        self._backoff_factor = new_factor

    def get_growth_interval(self) -> int:
        """How many steps in a row let the scale grow."""
        return self._growth_interval

    def set_growth_interval(self, new_interval: int) -> None:
        """Choose how many steps in a row let the scale grow."""
        self._growth_interval = new_interval

    def _get_growth_tracker(self) -> int:
        if not self._enabled:
            return 0
        return self._init_growth_tracker if self._growth_tracker is None else int(self._growth_tracker.item())

    def is_enabled(self) -> bool:
        """Whether scaling is on."""
        return self._enabled

    def state_dict(self) -> dict[str, Any]:
        """The scale, the factors, the interval and the steps since the last change; empty where scaling is off."""
        if not self._enabled:
            return {}
        return {
            "scale": self.get_scale(),
            "growth_factor": self._growth_factor,
            "backoff_factor": self._backoff_factor,
            "growth_interval": self._growth_interval,
            "_growth_tracker": self._get_growth_tracker(),
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from what `state_dict` returned; RuntimeError for an empty one. Nothing where scaling is off."""
        if not self._enabled:
            return
        if not state_dict:
            raise RuntimeError(
                "The source state dict is empty, possibly because it was saved from a disabled instance of GradScaler."
            )
        self._init_scale = state_dict["scale"]
        self._growth_factor = state_dict["growth_factor"]
        self._backoff_factor = state_dict["backoff_factor"]
        self._growth_interval = state_dict["growth_interval"]
        self._init_growth_tracker = state_dict["_growth_tracker"]
        if self._scale is not None and self._growth_tracker is not None:
            self._scale.fill_(self._init_scale)
            self._growth_tracker.fill_(self._init_growth_tracker)

    def __getstate__(self) -> dict[str, Any]:
        kept = self.__dict__.copy()
        if self._enabled:
            if self._per_optimizer_states:
                raise AssertionError(
                    "A GradScaler instance may only be pickled at the beginning of an iteration, or at the end after "
                    "scaler.update()."
                )
            kept["_init_scale"] = self.get_scale()
            kept["_init_growth_tracker"] = self._get_growth_tracker()
            kept["_scale"] = kept["_growth_tracker"] = None
        return kept
