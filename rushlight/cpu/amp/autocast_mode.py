"""`autocast` by its older name for the CPU: it warns and stands for `torch.autocast("cpu", …)`."""

from __future__ import annotations

import warnings

from rushlight import dtypes
from rushlight.amp import autocast_mode

__all__ = ["autocast"]


class autocast(autocast_mode.autocast):
    """`torch.autocast("cpu", …)`; deprecated."""

    def __init__(self, enabled: bool = True, dtype: dtypes.dtype = dtypes.bfloat16, cache_enabled: bool = True) -> None:
        warnings.warn(
            "`torch.cpu.amp.autocast(args...)` is deprecated. Please use `torch.amp.autocast('cpu', args...)` instead.",
            FutureWarning,
            stacklevel=2,
        )
        super().__init__("cpu", enabled=enabled, dtype=dtype, cache_enabled=cache_enabled)
