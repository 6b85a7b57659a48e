"""Finding the operation whose gradient is wrong: NaN checks and the traceback of the call that made the node."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Any

import numpy as np

__all__ = ["detect_anomaly", "is_anomaly_enabled", "set_detect_anomaly"]

enabled = False
check_nan = True


def is_anomaly_enabled() -> bool:
    """Whether anomaly detection is on: backward passes then say where what failed was recorded.

    >>> import rushlight as torch
    >>> with torch.autograd.set_detect_anomaly(True):
    ...     torch.is_anomaly_enabled()
    True

    Source: https://docs.pytorch.org/docs/2.13/autograd.html#anomaly-detection
    """
    return enabled


class set_detect_anomaly:
    """Turn anomaly detection on or off, from this call on, or, as a context manager, for the block.

    >>> import rushlight as torch
    >>> with torch.autograd.set_detect_anomaly(True):
    ...     torch.is_anomaly_enabled()
    True

    Source: https://docs.pytorch.org/docs/2.13/autograd.html#torch.autograd.set_detect_anomaly
    """

    def __init__(self, mode: bool, check_nan: bool = True) -> None:
        module = sys.modules[__name__]
        self._before = (module.enabled, module.check_nan)
        module.enabled, module.check_nan = mode, check_nan  # type: ignore[attr-defined]

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        module = sys.modules[__name__]
        module.enabled, module.check_nan = self._before  # type: ignore[attr-defined]


class detect_anomaly(set_detect_anomaly):
    """Within the block, an error or a NaN in the backward pass says which call of the forward pass it belongs to.

    >>> import warnings
    >>> import rushlight as torch
    >>> x = torch.tensor([-1.0], requires_grad=True)
    >>> with warnings.catch_warnings(action="ignore"), torch.autograd.detect_anomaly():
    ...     x.sqrt().sum().backward()
    Traceback (most recent call last):
    RuntimeError: Function 'SqrtBackward0' returned nan values in its 0th output.

    Source: https://docs.pytorch.org/docs/2.13/autograd.html#torch.autograd.detect_anomaly
    """

    def __init__(self, check_nan: bool = True) -> None:
        import warnings

        warnings.warn(
            "Anomaly Detection has been enabled. This mode will increase the runtime and should only be enabled for "
            "debugging.",
            UserWarning,
            stacklevel=2,
        )
        super().__init__(True, check_nan)


def report(node: Any) -> None:
    """Warn with the traceback of the forward call that made a node."""
    import warnings

    trace = node._trace
    if trace is None:
        text = (
            f"Error detected in {node.name()}. No forward pass information available. Enable detect anomaly during "
            "forward pass for more information."
        )
    else:
        text = f"Error detected in {node.name()}. Traceback of forward call that caused the error:\n{trace}"
    warnings.warn(text, UserWarning, stacklevel=3)


def check(node: Any, gradients: tuple[Any, ...]) -> None:
    """Raise RuntimeError if a node computed a NaN."""
    for i, gradient in enumerate(gradients):
        if gradient is not None and gradient._array.dtype.kind in "fcV" and bool(np.isnan(gradient._array).any()):
            report(node)
            raise RuntimeError(f"Function '{node.name()}' returned nan values in its {i}th output.")
