"""The switches of autocast that stand at the front door, each of this thread.

Source: https://docs.pytorch.org/docs/2.13/amp.html
"""

from __future__ import annotations

import warnings
from typing import Any

from rushlight import dtypes
from rushlight.amp.casts import settings, switch
from rushlight.device import device

__all__ = [
    "autocast_decrement_nesting", "autocast_increment_nesting", "clear_autocast_cache", "get_autocast_cpu_dtype",
    "get_autocast_dtype", "get_autocast_gpu_dtype", "get_autocast_ipu_dtype", "get_autocast_xla_dtype",
    "is_autocast_cache_enabled", "is_autocast_cpu_enabled", "is_autocast_enabled", "is_autocast_ipu_enabled",
    "is_autocast_xla_enabled", "set_autocast_cache_enabled", "set_autocast_cpu_dtype", "set_autocast_cpu_enabled",
    "set_autocast_dtype", "set_autocast_enabled", "set_autocast_gpu_dtype", "set_autocast_ipu_dtype",
    "set_autocast_ipu_enabled", "set_autocast_xla_dtype", "set_autocast_xla_enabled",
]  # fmt: skip


def is_autocast_enabled(device_type: str = "cuda") -> bool:
    """Whether autocast is on for a type of device; RuntimeError for what names none.

    >>> import rushlight as torch
    >>> with torch.autocast("cpu"):
    ...     print(torch.is_autocast_enabled("cpu"))
    True

    Source: https://docs.pytorch.org/docs/2.13/amp.html
    """
    return settings.enabled.get(device(device_type).type, False)


def _check_bool(function: str, argument: str, position: int, value: Any) -> None:
    if not isinstance(value, bool):
        raise TypeError(
            f"{function}(): argument '{argument}' (position {position}) must be bool, not {type(value).__name__}"
        )


def _known(device_type: str) -> str:
    name = device(device_type).type
    if name not in settings.dtypes:
        raise RuntimeError(f"unknown device type for autocast: {name}")
    return name


def set_autocast_enabled(device_type: str | bool, enabled: bool | None = None) -> None:
    """Turn autocast on or off for a type of device, "cuda" where only a bool is given.

    Raises TypeError for what is no bool, RuntimeError for a device without autocast.

    >>> import rushlight as torch
    >>> torch.set_autocast_enabled("cpu", True)
    >>> torch.is_autocast_enabled("cpu")
    True
    >>> torch.set_autocast_enabled("cpu", False)

    Source: https://docs.pytorch.org/docs/2.13/amp.html
    """
    if enabled is None and not isinstance(device_type, str):
        _check_bool("set_autocast_enabled", "enabled", 1, device_type)
        settings.enabled["cuda"] = device_type
    else:
        _check_bool("set_autocast_enabled", "enabled", 2, enabled)
        settings.enabled[_known(str(device_type))] = bool(enabled)
    switch()


def get_autocast_dtype(device_type: str) -> dtypes.dtype:
    """The type that autocast computes in on a type of device; RuntimeError for one without autocast.

    >>> import rushlight as torch
    >>> torch.get_autocast_dtype("cpu")
    torch.bfloat16

    Source: https://docs.pytorch.org/docs/2.13/amp.html
    """
    name = device(device_type).type
    if name not in settings.dtypes:
        raise RuntimeError("unsupported scalarType")
    return settings.dtypes[name]


def set_autocast_dtype(device_type: str, dtype: dtypes.dtype) -> None:
    """Choose the type that autocast computes in on a type of device. Raises TypeError for what is no dtype.

    >>> import rushlight as torch
    >>> torch.set_autocast_dtype("cpu", torch.bfloat16)

    Source: https://docs.pytorch.org/docs/2.13/amp.html
    """
    if not isinstance(dtype, dtypes.dtype):
        raise TypeError(
            f"set_autocast_dtype(): argument 'dtype' (position 2) must be torch.dtype, not {type(dtype).__name__}"
        )
    settings.dtypes[_known(device_type)] = dtype
    switch()


def is_autocast_cache_enabled() -> bool:
    """Whether the cast copies of weights are kept until the outermost region ends.

    >>> import rushlight as torch
    >>> torch.is_autocast_cache_enabled()
    True

    Source: https://docs.pytorch.org/docs/2.13/amp.html
    """
    return settings.cache_enabled


def set_autocast_cache_enabled(enabled: bool) -> None:
    """Keep the cast copies of weights or make them anew at each use. Raises TypeError for what is no bool.

    >>> import rushlight as torch
    >>> torch.set_autocast_cache_enabled(True)

    Source: https://docs.pytorch.org/docs/2.13/amp.html
    """
    if not isinstance(enabled, bool):
        raise TypeError(f"enabled must be a bool (got {type(enabled).__name__})")
    settings.cache_enabled = enabled


def clear_autocast_cache() -> None:
    """Forget the cast copies of weights that a region of `autocast` keeps.

    >>> import rushlight as torch
    >>> torch.clear_autocast_cache()

    Source: https://docs.pytorch.org/docs/2.13/amp.html
    """
    settings.cache.clear()


def autocast_increment_nesting() -> int:
    """Count one more region around; how many there are now. `autocast` calls it where a region begins.

    >>> import rushlight as torch
    >>> torch.autocast_increment_nesting(), torch.autocast_decrement_nesting()
    (1, 0)

    Source: https://docs.pytorch.org/docs/2.13/amp.html
    """
    settings.nesting += 1
    return settings.nesting


def autocast_decrement_nesting() -> int:
    """Count one region less; how many there are now. `autocast` calls it where a region ends.

    >>> import rushlight as torch
    >>> torch.autocast_increment_nesting(), torch.autocast_decrement_nesting()
    (1, 0)

    Source: https://docs.pytorch.org/docs/2.13/amp.html
    """
    settings.nesting -= 1
    return settings.nesting


def _warn(call: str, instead: str) -> None:
    warnings.warn(f"torch.{call} is deprecated. Please use torch.{instead} instead.", DeprecationWarning, stacklevel=3)


def is_autocast_cpu_enabled() -> bool:
    """`is_autocast_enabled("cpu")`; deprecated.

    >>> import rushlight as torch
    >>> import warnings
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")
    ...     torch.is_autocast_cpu_enabled()
    False

    Source: https://docs.pytorch.org/docs/2.13/amp.html
    """
    _warn("is_autocast_cpu_enabled()", "is_autocast_enabled('cpu')")
    return is_autocast_enabled("cpu")


def is_autocast_ipu_enabled() -> bool:
    """`is_autocast_enabled("ipu")`; deprecated.

    >>> import rushlight as torch
    >>> import warnings
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")
    ...     torch.is_autocast_ipu_enabled()
    False

    Source: https://docs.pytorch.org/docs/2.13/amp.html
    """
    _warn("is_autocast_ipu_enabled()", "is_autocast_enabled('ipu')")
    return is_autocast_enabled("ipu")


def is_autocast_xla_enabled() -> bool:
    """`is_autocast_enabled("xla")`; deprecated.

    >>> import rushlight as torch
    >>> import warnings
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")
    ...     torch.is_autocast_xla_enabled()
    False

    Source: https://docs.pytorch.org/docs/2.13/amp.html
    """
    _warn("is_autocast_xla_enabled()", "is_autocast_enabled('xla')")
    return is_autocast_enabled("xla")


def _set_enabled(name: str, enabled: bool) -> None:
    if not isinstance(enabled, bool):
        raise TypeError(f"enabled must be a bool (got {type(enabled).__name__})")
    set_autocast_enabled(name, enabled)


def set_autocast_cpu_enabled(enabled: bool) -> None:
    """`set_autocast_enabled("cpu", enabled)`; deprecated.

    >>> import rushlight as torch
    >>> import warnings
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")
    ...     torch.set_autocast_cpu_enabled(False)

    Source: https://docs.pytorch.org/docs/2.13/amp.html
    """
    _warn("set_autocast_cpu_enabled(enabled)", "set_autocast_enabled('cpu', enabled)")
    _set_enabled("cpu", enabled)


def set_autocast_ipu_enabled(enabled: bool) -> None:
    """`set_autocast_enabled("ipu", enabled)`; deprecated.

    >>> import rushlight as torch
    >>> import warnings
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")
    ...     torch.set_autocast_ipu_enabled(False)

    Source: https://docs.pytorch.org/docs/2.13/amp.html
    """
    _warn("set_autocast_ipu_enabled(enabled)", "set_autocast_enabled('ipu', enabled)")
    _set_enabled("ipu", enabled)


def set_autocast_xla_enabled(enabled: bool) -> None:
    """`set_autocast_enabled("xla", enabled)`; deprecated.

    >>> import rushlight as torch
    >>> import warnings
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")
    ...     torch.set_autocast_xla_enabled(False)

    Source: https://docs.pytorch.org/docs/2.13/amp.html
    """
    _warn("set_autocast_xla_enabled(enabled)", "set_autocast_enabled('xla', enabled)")
    _set_enabled("xla", enabled)


def get_autocast_cpu_dtype() -> dtypes.dtype:
    """`get_autocast_dtype("cpu")`; deprecated.

    >>> import rushlight as torch
    >>> import warnings
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")
    ...     torch.get_autocast_cpu_dtype()
    torch.bfloat16

    Source: https://docs.pytorch.org/docs/2.13/amp.html
    """
    _warn("get_autocast_cpu_dtype()", "get_autocast_dtype('cpu')")
    return get_autocast_dtype("cpu")


def get_autocast_gpu_dtype() -> dtypes.dtype:
    """`get_autocast_dtype("cuda")`; deprecated.

    >>> import rushlight as torch
    >>> import warnings
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")
    ...     torch.get_autocast_gpu_dtype()
    torch.float16

    Source: https://docs.pytorch.org/docs/2.13/amp.html
    """
    _warn("get_autocast_gpu_dtype()", "get_autocast_dtype('cuda')")
    return get_autocast_dtype("cuda")


def get_autocast_ipu_dtype() -> dtypes.dtype:
    """`get_autocast_dtype("ipu")`; deprecated.

    >>> import rushlight as torch
    >>> import warnings
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")
    ...     torch.get_autocast_ipu_dtype()
    torch.float16

    Source: https://docs.pytorch.org/docs/2.13/amp.html
    """
    _warn("get_autocast_ipu_dtype()", "get_autocast_dtype('ipu')")
    return get_autocast_dtype("ipu")


def get_autocast_xla_dtype() -> dtypes.dtype:
    """`get_autocast_dtype("xla")`; deprecated.

    >>> import rushlight as torch
    >>> import warnings
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")
    ...     torch.get_autocast_xla_dtype()
    torch.bfloat16

    Source: https://docs.pytorch.org/docs/2.13/amp.html
    """
    _warn("get_autocast_xla_dtype()", "get_autocast_dtype('xla')")
    return get_autocast_dtype("xla")


def set_autocast_cpu_dtype(dtype: dtypes.dtype) -> None:
    """`set_autocast_dtype("cpu", dtype)`; deprecated.

    >>> import rushlight as torch
    >>> import warnings
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")
    ...     torch.set_autocast_cpu_dtype(torch.bfloat16)

    Source: https://docs.pytorch.org/docs/2.13/amp.html
    """
    _warn("set_autocast_cpu_dtype(dtype)", "set_autocast_dtype('cpu', dtype)")
    set_autocast_dtype("cpu", dtype)


def set_autocast_gpu_dtype(dtype: dtypes.dtype) -> None:
    """`set_autocast_dtype("cuda", dtype)`; deprecated.

    >>> import rushlight as torch
    >>> import warnings
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")
    ...     torch.set_autocast_gpu_dtype(torch.float16)

    Source: https://docs.pytorch.org/docs/2.13/amp.html
    """
    _warn("set_autocast_gpu_dtype(dtype)", "set_autocast_dtype('cuda', dtype)")
    set_autocast_dtype("cuda", dtype)


def set_autocast_ipu_dtype(dtype: dtypes.dtype) -> None:
    """`set_autocast_dtype("ipu", dtype)`; deprecated.

    >>> import rushlight as torch
    >>> import warnings
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")
    ...     torch.set_autocast_ipu_dtype(torch.float16)

    Source: https://docs.pytorch.org/docs/2.13/amp.html
    """
    _warn("set_autocast_ipu_dtype(dtype)", "set_autocast_dtype('ipu', dtype)")
    set_autocast_dtype("ipu", dtype)


def set_autocast_xla_dtype(dtype: dtypes.dtype) -> None:
    """`set_autocast_dtype("xla", dtype)`; deprecated.

    >>> import rushlight as torch
    >>> import warnings
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")
    ...     torch.set_autocast_xla_dtype(torch.bfloat16)

    Source: https://docs.pytorch.org/docs/2.13/amp.html
    """
    _warn("set_autocast_xla_dtype(dtype)", "set_autocast_dtype('xla', dtype)")
    set_autocast_dtype("xla", dtype)
