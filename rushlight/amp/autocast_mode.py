"""`autocast`, which computes chosen functions of a region in 16 bits, and the decorators of custom functions for it."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, Self

import numpy as np

from rushlight import dtypes
from rushlight.amp.casts import settings
from rushlight.amp.state import (
    autocast_decrement_nesting,
    autocast_increment_nesting,
    clear_autocast_cache,
    get_autocast_dtype,
    is_autocast_cache_enabled,
    is_autocast_enabled,
    set_autocast_cache_enabled,
    set_autocast_dtype,
    set_autocast_enabled,
)
from rushlight.autograd.variable import Variable
from rushlight.device import device

__all__ = ["autocast", "autocast_decorator", "custom_bwd", "custom_fwd", "is_autocast_available"]


def is_autocast_available(device_type: str) -> bool:
    """Whether autocast can be asked for on a type of device; RuntimeError for what names none.

    >>> import rushlight as torch
    >>> torch.amp.is_autocast_available("cpu")
    True

    Source: https://docs.pytorch.org/docs/2.13/amp.html#torch.amp.autocast_mode.is_autocast_available
    """
    return device(device_type).type in settings.enabled


def autocast_decorator(autocast_instance: autocast, func: Callable[..., Any]) -> Callable[..., Any]:
    """The function `func`, called within a region."""

    @functools.wraps(func)
    def decorate_autocast(*args: Any, **kwargs: Any) -> Any:
        with autocast_instance:
            return func(*args, **kwargs)

    return decorate_autocast


def _check_str(device_type: Any) -> None:
    if not isinstance(device_type, str):
        raise ValueError(f"Expected `device_type` of type `str`, got: `{type(device_type)}`")


class autocast:
    """A region, as a context manager or a decorator, that computes each function in the type that suits it.

    Matrix products, convolutions and attention take their tensors in `dtype`, losses and other delicate functions in
    float32; all else computes in the types it is given. float64 stays. Regions nest; one with `enabled=False` inside
    another turns it off. Weights are cast once until the outermost region ends, unless `cache_enabled` is False.

    Args:
        device_type: where the tensors are, "cpu"; "cuda" is switched off with a warning, other types change nothing.
        dtype: bfloat16 (as without it) or float16; another is warned of and switches the region off.

    ValueError for a device_type that is no str, RuntimeError for one without autocast.

    >>> import rushlight as torch
    >>> with torch.autocast("cpu"):
    ...     y = torch.ones(2, 3) @ torch.ones(3, 2)
    >>> y.dtype
    torch.bfloat16

    Source: https://docs.pytorch.org/docs/2.13/amp.html#torch.autocast
    """

    def __init__(
        self,
        device_type: str,
        dtype: dtypes.dtype | None = None,
        enabled: bool = True,
        cache_enabled: bool | None = None,
    ) -> None:
        _check_str(device_type)
        self.fast_dtype = get_autocast_dtype(device_type) if dtype is None else dtype
        self.device = device_type
        if not is_autocast_available(device_type):
            raise RuntimeError(f"User specified an unsupported autocast device_type '{device_type}'")
        self._cache_enabled = is_autocast_cache_enabled() if cache_enabled is None else cache_enabled
        if enabled and device_type == "cuda":
            warnings.warn("CUDA is not available or torch_xla is imported. Disabling autocast.", stacklevel=2)
            enabled = False
        elif enabled and self.fast_dtype not in (dtypes.bfloat16, dtypes.float16):
            name = device_type.upper()
            warnings.warn(
                f"In {name} autocast, but the target dtype is not supported. Disabling autocast.\n{name} Autocast only "
                "supports dtypes of torch.bfloat16, torch.float16 currently.",
                stacklevel=2,
            )
            enabled = False
        self._enabled = enabled

    def __enter__(self) -> Self:
        self.prev_cache_enabled = is_autocast_cache_enabled()
        self.prev = is_autocast_enabled(self.device)
        self.prev_fastdtype = get_autocast_dtype(self.device)
        set_autocast_enabled(self.device, self._enabled)
        set_autocast_dtype(self.device, self.fast_dtype)
        autocast_increment_nesting()
        set_autocast_cache_enabled(self._cache_enabled)
        return self

    def __exit__(self, exc_type: Any, exc_val: Any, exc_tb: Any) -> Literal[False]:
        if autocast_decrement_nesting() == 0:
            clear_autocast_cache()
        set_autocast_enabled(self.device, self.prev)
        set_autocast_dtype(self.device, self.prev_fastdtype)
        set_autocast_cache_enabled(self.prev_cache_enabled)
        return False

    def __call__(self, func: Callable[..., Any]) -> Callable[..., Any]:
        if not callable(func):
            raise TypeError(
                f"autocast()(func) requires a callable, but got {type(func).__name__}. Did you mean to use autocast as "
                "a context manager? For example:\n    with torch.autocast(device_type=...):\n        output = "
                "model(input)"
            )
        return autocast_decorator(self, func)


def _cast(value: Any, device_type: str, dtype: dtypes.dtype) -> Any:
    """A value with the floating-point tensors in it, other than float64, in `dtype`."""
    if isinstance(value, Variable):
        tensor: Any = value
        floating = tensor.is_floating_point() and tensor.dtype is not dtypes.float64
        return tensor.to(dtype) if floating and tensor.device.type == device_type else tensor
    if isinstance(value, (str, bytes, np.ndarray)):
        return value
    if isinstance(value, Mapping):
        return {_cast(k, device_type, dtype): _cast(v, device_type, dtype) for k, v in value.items()}
    if isinstance(value, Iterable):
        items = (_cast(item, device_type, dtype) for item in value)
        return type(value)(items) if isinstance(value, (list, tuple)) else items
    return value


def custom_fwd(fwd: Any = None, *, device_type: str, cast_inputs: dtypes.dtype | None = None) -> Any:
    """Decorate the `forward` of a custom autograd function, so that `custom_bwd` knows the region it ran in.

    With `cast_inputs`, its floating-point tensors are cast to that dtype in a region, and it runs with autocast off.
    Raises ValueError for a `device_type` that is no str.

    >>> import rushlight as torch
    >>> @torch.amp.custom_fwd(device_type="cpu", cast_inputs=torch.float64)
    ... def forward(ctx, x):
    ...     return x.dtype
    >>> class Context:
    ...     pass
    >>> with torch.autocast("cpu"):
    ...     forward(Context(), torch.ones(1))
    torch.float64

    Source: https://docs.pytorch.org/docs/2.13/amp.html#torch.amp.custom_fwd
    """
    _check_str(device_type)
    if fwd is None:
        return functools.partial(custom_fwd, device_type=device_type, cast_inputs=cast_inputs)

    @functools.wraps(fwd)
    def decorate_fwd(*args: Any, **kwargs: Any) -> Any:
        ctx = args[0]
        ctx._dtype = get_autocast_dtype(device_type)
        on = is_autocast_enabled(device_type)
        ctx._fwd_used_autocast = on and cast_inputs is None
        if not on or cast_inputs is None:
            return fwd(*args, **kwargs)
        with autocast(device_type=device_type, enabled=False):
            return fwd(*_cast(args, device_type, cast_inputs), **_cast(kwargs, device_type, cast_inputs))

    return decorate_fwd


def custom_bwd(bwd: Any = None, *, device_type: str) -> Any:
    """Decorate the `backward` of a custom autograd function to run as its `forward` did, in autocast or not.

    Raises ValueError for a `device_type` that is no str.

    >>> import rushlight as torch
    >>> class Double(torch.autograd.Function):
    ...     @staticmethod
    ...     @torch.amp.custom_fwd(device_type="cpu")
    ...     def forward(ctx, x):
    ...         return x * 2
    ...     @staticmethod
    ...     @torch.amp.custom_bwd(device_type="cpu")
    ...     def backward(ctx, grad):
    ...         return grad * 2
    >>> x = torch.ones(1, requires_grad=True)
    >>> torch.autograd.grad(Double.apply(x), x)
    (tensor([2.]),)

    Source: https://docs.pytorch.org/docs/2.13/amp.html#torch.amp.custom_bwd
    """
    _check_str(device_type)
    if bwd is None:
        return functools.partial(custom_bwd, device_type=device_type)

    @functools.wraps(bwd)
    def decorate_bwd(*args: Any, **kwargs: Any) -> Any:
        ctx = args[0]
        with autocast(device_type=device_type, enabled=ctx._fwd_used_autocast, dtype=ctx._dtype):
            return bwd(*args, **kwargs)

    return decorate_bwd
