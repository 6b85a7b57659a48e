"""Choices that programs make at their start, between fast and exact: they are kept and reported.

All here is computed in a tensor's own type and in a fixed order, whatever is chosen.
"""

from __future__ import annotations

import warnings

__all__ = [
    "are_deterministic_algorithms_enabled",
    "get_deterministic_debug_mode",
    "get_float32_matmul_precision",
    "is_deterministic_algorithms_warn_only_enabled",
    "set_deterministic_debug_mode",
    "set_float32_matmul_precision",
    "use_deterministic_algorithms",
]

_PRECISIONS = ("highest", "high", "medium")
_MODES = ("default", "warn", "error")

_precision = "highest"
_mode = 0


def get_float32_matmul_precision() -> str:
    """What was last given to `set_float32_matmul_precision`.

    >>> import rushlight as torch
    >>> torch.get_float32_matmul_precision()
    'highest'

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.get_float32_matmul_precision.html
    """
    return _precision


def set_float32_matmul_precision(precision: str) -> None:
    """Allow products of float32 matrices to be less exact: "highest" (not at all), "high" or "medium".

    They are computed in float32 all the same. RuntimeError for what is no text; another word is warned of and ignored.

    >>> import rushlight as torch
    >>> torch.set_float32_matmul_precision("highest")
    >>> torch.get_float32_matmul_precision()
    'highest'

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.set_float32_matmul_precision.html
    """
    global _precision
    if not isinstance(precision, str):
        raise RuntimeError(f"set_float32_matmul_precision expects a str, but got {type(precision).__name__}")
    if precision in _PRECISIONS:
        _precision = precision
    else:
        warnings.warn(f"{precision} is not one of 'highest', 'high', or 'medium'; the call has no effect", stacklevel=2)


def use_deterministic_algorithms(mode: bool, *, warn_only: bool = False) -> None:
    """Ask that the same input give the same numbers each time, as it does here in any case.

    TypeError for a mode that is no bool.

    >>> import rushlight as torch
    >>> torch.use_deterministic_algorithms(False)
    >>> torch.are_deterministic_algorithms_enabled()
    False

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.use_deterministic_algorithms.html
    """
    global _mode
    for name, value in (("mode", mode), ("warn_only", warn_only)):
        if not isinstance(value, bool):
            raise TypeError(
                f"use_deterministic_algorithms(): argument '{name}' must be bool, not {type(value).__name__}"
            )
    _mode = (1 if warn_only else 2) if mode else 0


def are_deterministic_algorithms_enabled() -> bool:
    """Whether `use_deterministic_algorithms` was asked for.

    >>> import rushlight as torch
    >>> torch.are_deterministic_algorithms_enabled()
    False

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.are_deterministic_algorithms_enabled.html
    """
    return _mode > 0


def is_deterministic_algorithms_warn_only_enabled() -> bool:
    """Whether `use_deterministic_algorithms` was asked for with `warn_only`.

    >>> import rushlight as torch
    >>> torch.is_deterministic_algorithms_warn_only_enabled()
    False

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.is_deterministic_algorithms_warn_only_enabled.html
    """
    return _mode == 1


def set_deterministic_debug_mode(debug_mode: int | str) -> None:
    """Choose deterministic algorithms by a word or number: "default" (0), "warn" (1), "error" (2).

    Raises TypeError for another type, RuntimeError for another value.

    >>> import rushlight as torch
    >>> torch.set_deterministic_debug_mode("warn")
    >>> torch.get_deterministic_debug_mode()
    1
    >>> torch.set_deterministic_debug_mode("default")

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.set_deterministic_debug_mode.html
    """
    global _mode
    if not isinstance(debug_mode, int | str):
        raise TypeError(f"debug_mode must be str or int, but got {type(debug_mode)}")
    if isinstance(debug_mode, str):
        if debug_mode not in _MODES:
            raise RuntimeError(
                f"invalid value of debug_mode, expected one of `default`, `warn`, `error`, but got {debug_mode}"
            )
        debug_mode = _MODES.index(debug_mode)
    if debug_mode not in (0, 1, 2):
        raise RuntimeError(f"invalid value of debug_mode, expected 0, 1, or 2, but got {debug_mode}")
    _mode = int(debug_mode)


def get_deterministic_debug_mode() -> int:
    """What was given to `set_deterministic_debug_mode`, as a number: 0, 1 or 2.

    >>> import rushlight as torch
    >>> torch.get_deterministic_debug_mode()
    0

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.get_deterministic_debug_mode.html
    """
    return _mode
