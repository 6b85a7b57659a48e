"""Questions and switches of the whole process that stand at the front door, and the names of types.

Source: https://docs.pytorch.org/docs/2.13/torch.html#utilities
"""

from __future__ import annotations

import ctypes
import importlib
import platform
from typing import Any, TypeGuard

from rushlight.autograd import anomaly_mode
from rushlight.autograd.variable import Variable
from rushlight.device import device as _device
from rushlight.device import get_default_device
from rushlight.storage import TypedStorage, UntypedStorage

__all__ = [
    "AcceleratorError", "OutOfMemoryError", "compiled_with_cxx11_abi", "get_device_module", "get_num_interop_threads",
    "has_lapack", "has_mkl", "has_openmp", "has_spectral", "init_num_threads", "is_anomaly_check_nan_enabled",
    "is_anomaly_enabled", "is_distributed", "is_inference", "is_storage", "is_vulkan_available",
    "is_warn_always_enabled", "set_anomaly_enabled", "set_flush_denormal", "set_num_interop_threads",
    "set_warn_always", "typename",
]  # fmt: skip

has_lapack = True
has_mkl = False
has_openmp = False
has_spectral = True

_warn_always = [False]
# PyTorch starts with as many as it finds cores; here operations run one after the other.
_interop_threads: list[int] = [1]
_interop_chosen = [False]


class AcceleratorError(RuntimeError):
    """An error of an accelerator, of which there is none: a RuntimeError.

    >>> import rushlight as torch
    >>> issubclass(torch.AcceleratorError, RuntimeError)
    True

    Source: https://docs.pytorch.org/docs/2.13/torch.html
    """


class OutOfMemoryError(RuntimeError):
    """Too little memory on an accelerator, of which there is none: a RuntimeError.

    >>> import rushlight as torch
    >>> issubclass(torch.OutOfMemoryError, RuntimeError)
    True

    Source: https://docs.pytorch.org/docs/2.13/torch.html
    """


def is_storage(obj: Any, /) -> TypeGuard[TypedStorage | UntypedStorage]:
    """Whether a value is a storage, of bytes or of elements.

    >>> import rushlight as torch
    >>> torch.is_storage(torch.ones(2).untyped_storage())
    True

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.is_storage.html
    """
    return isinstance(obj, TypedStorage | UntypedStorage)


def typename(obj: Any, /) -> str:
    """The name of a value's type, of a tensor with its dtype; of a function or class its own.

    >>> import rushlight as torch
    >>> torch.typename(torch.ones(1))
    'torch.FloatTensor'

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.typename.html
    """
    if isinstance(obj, Variable):
        return str(obj.type())  # type: ignore[attr-defined]
    thing = obj if hasattr(obj, "__qualname__") else type(obj)
    module = getattr(thing, "__module__", None) or ""
    name = getattr(thing, "__qualname__", type(obj).__name__)
    return name if module in ("", "builtins") else f"{module}.{name}"


def compiled_with_cxx11_abi() -> bool:
    """Whether compiled code uses C++11's strings and lists: True.

    >>> import rushlight as torch
    >>> torch.compiled_with_cxx11_abi()
    True

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.compiled_with_cxx11_abi.html
    """
    return True


def set_warn_always(b: bool, /) -> None:
    """Ask that warnings which come once come each time. Raises RuntimeError for what is no bool.

    >>> import rushlight as torch
    >>> torch.set_warn_always(False)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.set_warn_always.html
    """
    if not isinstance(b, bool):
        raise RuntimeError(f"setWarnOnlyOnce expects a bool, but got {type(b).__name__}")
    _warn_always[0] = b


def is_warn_always_enabled() -> bool:
    """What was given to `set_warn_always`.

    >>> import rushlight as torch
    >>> torch.is_warn_always_enabled()
    False

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.is_warn_always_enabled.html
    """
    return _warn_always[0]


def get_num_interop_threads() -> int:
    """How many operations may run beside each other: what was given to `set_num_interop_threads`, 1 at the start.

    >>> import rushlight as torch
    >>> torch.get_num_interop_threads() >= 1
    True

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.get_num_interop_threads.html
    """
    return _interop_threads[0]


def set_num_interop_threads(n: int, /) -> None:
    """Choose, once, how many operations may run beside each other; they run one after the other all the same.

    RuntimeError for what is no positive integer, and the second time.

    >>> import rushlight as torch
    >>> try:
    ...     torch.set_num_interop_threads(0)
    ... except RuntimeError:
    ...     print("a positive number")
    a positive number

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.set_num_interop_threads.html
    """
    if not isinstance(n, int) or isinstance(n, bool):
        raise RuntimeError(f"set_num_interop_threads expects an int, but got {type(n).__name__}")
    if n < 1:
        raise RuntimeError("set_num_interop_threads expects a positive integer")
    if _interop_chosen[0]:
        raise RuntimeError(
            "Error: cannot set number of interop threads after parallel work has started or set_num_interop_threads "
            "called"
        )
    _interop_threads[0], _interop_chosen[0] = n, True


def init_num_threads() -> None:
    """Does nothing: the kernels' threads are there from the start.

    >>> import rushlight as torch
    >>> torch.init_num_threads()

    Source: https://docs.pytorch.org/docs/2.13/torch.html#parallelism
    """


# Of the register that says how SSE rounds: results below the normal numbers are zero, and so are such operands.
_FLUSH = 0x8040
# Where glibc keeps that register in its record of the floating-point state.
_RECORD, _REGISTER = 32, 28


def set_flush_denormal(mode: bool, /) -> bool:
    """Let this thread's floating-point numbers below the normal ones be zero, or keep them; whether that can be done.

    It can on Linux and x86-64, for NumPy's kernels and for compiled ones as far as they run in this thread.
    RuntimeError for a mode that is no bool.

    >>> import rushlight as torch
    >>> torch.set_flush_denormal(False)
    True

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.set_flush_denormal.html
    """
    if not isinstance(mode, bool):
        raise RuntimeError(f"flush_denormal expects a bool, but got {type(mode).__name__}")
    if platform.machine() != "x86_64" or platform.libc_ver()[0] != "glibc":
        return False
    try:
        library = ctypes.CDLL("libm.so.6")
    except OSError:
        return False
    record = (ctypes.c_uint32 * (_RECORD // 4))()
    library.fegetenv(record)
    if mode:
        record[_REGISTER // 4] |= _FLUSH
    else:
        record[_REGISTER // 4] &= ~_FLUSH
    library.fesetenv(record)
    return True


def is_vulkan_available() -> bool:
    """Whether Vulkan's devices can hold tensors: False, tensors live on the CPU.

    >>> import rushlight as torch
    >>> torch.is_vulkan_available()
    False

    Source: https://docs.pytorch.org/docs/2.13/torch.html
    """
    return False


def is_inference(input: Any) -> bool:
    """Whether a tensor was made in inference mode.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.is_inference.html
    """
    return bool(input.is_inference())


def is_distributed(input: Any) -> bool:
    """False: a tensor is in one process."""
    return False


def is_anomaly_enabled() -> bool:
    """Whether anomaly detection is on: backward passes then say where what failed was recorded.

    >>> import rushlight as torch
    >>> torch.is_anomaly_enabled()
    False

    Source: https://docs.pytorch.org/docs/2.13/autograd.html#anomaly-detection
    """
    return anomaly_mode.enabled


def is_anomaly_check_nan_enabled() -> bool:
    """Whether anomaly detection looks for NaN.

    >>> import rushlight as torch
    >>> torch.is_anomaly_check_nan_enabled()
    True

    Source: https://docs.pytorch.org/docs/2.13/autograd.html#anomaly-detection
    """
    return anomaly_mode.check_nan


def set_anomaly_enabled(enabled: bool, check_nan: bool = True) -> None:
    """Turn anomaly detection on or off, and its look for NaN. Raises TypeError for what is no bool.

    >>> import rushlight as torch
    >>> torch.set_anomaly_enabled(True)
    >>> torch.is_anomaly_enabled()
    True
    >>> torch.set_anomaly_enabled(False)

    Source: https://docs.pytorch.org/docs/2.13/autograd.html#anomaly-detection
    """
    for position, (name, value) in enumerate((("enabled", enabled), ("check_nan", check_nan)), 1):
        if not isinstance(value, bool):
            raise TypeError(
                f"set_anomaly_enabled(): argument '{name}' (position {position}) must be bool, not "
                f"{type(value).__name__}"
            )
    anomaly_mode.set_detect_anomaly(enabled, check_nan)


def get_device_module(device: Any = None) -> Any:
    """The module of a device, `torch.cpu` or `torch.cuda`, by default that of new tensors.

    RuntimeError for a device without one.

    >>> import rushlight as torch
    >>> torch.get_device_module("cpu") is torch.cpu
    True

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.get_device_module.html
    """
    if device is not None and not isinstance(device, str | _device):
        raise RuntimeError(f"Invalid value of device '{device}', expect torch.device, str, or None")
    name = (get_default_device() if device is None else _device(device)).type
    if name not in ("cpu", "cuda", "mps", "mtia", "xpu"):
        raise RuntimeError(f"Device '{name}' does not have a corresponding module registered as 'torch.{name}'.")
    return importlib.import_module(f"rushlight.{name}")
