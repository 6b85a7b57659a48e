"""What optimizers written elsewhere import from PyTorch's file of the base class, beside the base class."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from rushlight import dtypes
from rushlight.ops.complex_views import view_as_real
from rushlight.tensor import Tensor

__all__: list[str] = []

# The devices that PyTorch's messages name.
_CAPTURABLE_DEVICES = ["cuda", "xpu", "hpu", "privateuseone"]
_FUSED_DEVICES = ["mps", "cuda", "xpu", "hpu", "cpu", "mtia", "privateuseone"]

# Paragraphs for the docstrings of derived optimizers.
_params_doc = "params (iterable): what to optimize: tensors, pairs of a name and a tensor, or dictionaries of groups"
_foreach_doc = "foreach (bool, optional): step all parameters at once; the numbers are the same (default: None)"
_fused_doc = "fused (bool, optional): take the step in one kernel; the numbers are the same (default: None)"
_capturable_doc = "capturable (bool, optional): the step can be part of a graph of another device (default: False)"
_differentiable_doc = "differentiable (bool, optional): gradients flow through the step (default: False)"
_maximize_doc = "maximize (bool, optional): climb instead of descending (default: False)"


def _get_value(x: Any) -> Any:
    """A tensor of one element as a number; a number as it is."""
    return x.item() if isinstance(x, Tensor) else x


def _to_scalar(x: Any) -> Any:
    """A tensor of one element without its dimensions; a number as it is."""
    return x.squeeze() if isinstance(x, Tensor) and x.dim() else x


def _stack_if_compiling(x: Any) -> Any:
    """The list itself: nothing here is compiled."""
    return x


def _get_scalar_dtype(is_fused: bool | None = None) -> dtypes.dtype:
    """The type of a parameter's count of steps."""
    return dtypes.float64 if not is_fused and dtypes.get_default_dtype() is dtypes.float64 else dtypes.float32


def _view_as_real(params: list[Tensor], *state_and_grads: list[Tensor]) -> None:
    """Put real views in the places of complex parameters and of what belongs to them."""
    for i, param in enumerate(params):
        if param.is_complex():
            for tensors in (params, *state_and_grads):
                tensors[i] = view_as_real(tensors[i])


def _disable_dynamo_if_unsupported(
    single_tensor_fn: Callable[..., Any] | None = None,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A decorator that leaves a function as it is: nothing here is compiled."""
    return lambda function: function


def _get_capturable_supported_devices(supports_xla: bool = True) -> list[str]:
    """The kinds of devices whose graphs may hold a step."""
    return _CAPTURABLE_DEVICES + ["xla"] * supports_xla


def _default_to_fused_or_foreach(
    params: Sequence[Tensor | None], differentiable: bool, use_fused: bool = False
) -> tuple[bool, bool]:
    """Whether a step is taken fused, and whether for all parameters at once, where the user left it open."""
    there = [param for param in params if param is not None]
    fused = not differentiable and use_fused and all(param.is_floating_point() for param in there)
    # Which PyTorch does on other devices only.
    return fused, not differentiable and not fused and not there


def _device_dtype_check_for_fused(p: Tensor, cuda_unsupported: bool = False) -> None:
    """RuntimeError for a parameter that no fused step takes."""
    if not p.is_floating_point():
        devices = [device for device in _FUSED_DEVICES if device != "cuda" or not cuda_unsupported]
        raise RuntimeError(
            "`fused=True` requires all the params to be floating point Tensors of supported devices: "
            f"{devices} but {p.dtype} and {p.device.type}"
        )
